"""What may and must be forgettable: subjects, packets seen, open actions, what is kept, and what partners have said.

No module here loads the ledger; the two meet in `record`.
Begin in `box`.
"""
