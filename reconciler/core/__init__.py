"""Decisions, one policy per file. Law: pure; imports nothing that can fail, and knows neither clock nor chance."""
