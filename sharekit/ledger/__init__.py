"""The record nobody can quietly change: entries, the tree over them, and the files or database that they are kept in.

It knows no packet, no policy and no vault.
Begin in `log`.
"""
