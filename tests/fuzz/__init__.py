"""Hostile bytes: what they are made by, what reads them, and what no reader may do with them.

`tests/fuzz/test_*.py` try a little of it with all other tests, `scripts/fuzz` for as long as it is let.
"""
