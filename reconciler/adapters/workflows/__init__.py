"""Manifests of workflow engines in, a graph of processes out. Law: no input or output, nothing is run here."""
