"""Kinds of trial objects on one machine: which pods their controller would make, and when it would call them over.

Law: pure functions from a rendered manifest to a `Group`; Refused says what cannot run here and the way out.
"""
