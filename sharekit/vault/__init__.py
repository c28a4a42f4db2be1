"""What may and must be forgettable, a table a module: subjects, packets seen, open actions, what partners have said.

No module here loads the ledger; the two meet in `record`.
Begin in `vault`.
"""
