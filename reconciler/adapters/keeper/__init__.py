"""The keeper: a small process that is the parent of all local trials and outlives the reconciler.

Law: standard library only and little of it; truth is the journal, sockets only carry wishes and wake-ups.
"""
