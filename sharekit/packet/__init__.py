"""The packet sharekit/1: its bytes, and the numbered steps by which it is sealed and opened.

No ledger is written here, no file is read, and nobody is asked for the time.
Begin in `wire`.
"""
