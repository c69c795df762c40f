"""The words of the field as frozen values. Law: standard library only, and no other room is imported."""

__version__ = "0.1.0"
