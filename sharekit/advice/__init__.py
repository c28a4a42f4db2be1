"""Asking for advice without naming the child: the brief, and what is taken out of it.

Nothing here is sent or recorded.
Begin in `brief`.
"""
