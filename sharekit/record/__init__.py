"""Where ledger and vault meet: each event is written to both, the vault first.

Nothing is sealed, opened or sent here.
Begin in `record`.
"""
