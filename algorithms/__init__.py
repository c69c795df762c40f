"""Points from history. Law: pure; no clock, network, cluster or files; seeds and history come in as arguments."""
