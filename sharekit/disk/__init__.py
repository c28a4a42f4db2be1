"""Bytes that survive a power cut: whole files or none, locks, and newer editions of tables.

What the bytes mean is not known here.
Begin in `files`.
"""
