"""What an API server refuses by itself, one topic per file. Law: tables and plain dicts; nothing is evaluated here."""
