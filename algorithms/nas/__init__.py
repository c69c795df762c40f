"""Searching networks (nasConfig). Law: answers are Katib's texts to the letter; to build and train is the trial's."""
