"""Whose signature is believed: keys, the cards that name them, and the store of those that were accepted.

Nothing here seals, opens or records anything.
Begin in `cards`.
"""
