"""Katib's v1beta1 manifests and the words. Law: plain dicts in, frozen words out, defaults never written back."""
