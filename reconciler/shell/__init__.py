"""Deeds without decisions. Law: reads ports and performs actions; whatever needs deciding is asked of core."""
