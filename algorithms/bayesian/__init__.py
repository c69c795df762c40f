"""Bayesian optimisation by a Gaussian process. Law: pure as its room; the only modules that need NumPy at their top,
so `algorithm.py`, the door, imports them when the first model is made.
"""
