"""Files from history. Law: pure; report data in, file tree out, byte for byte the same everywhere."""
