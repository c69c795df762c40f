"""The contract of the user's repository. Law: bytes in, words and findings out."""
