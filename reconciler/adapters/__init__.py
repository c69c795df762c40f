"""One file per thing in the world. Law: one third-party library has one door, and no adapter imports another."""
