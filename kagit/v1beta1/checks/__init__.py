"""What may be wrong with a manifest, one topic per file. Law: effective spec in, every issue out."""
