"""What words mean: vocabularies, profiles and their fields, terms, days, identifiers and how long a record is kept.

It knows no key, no file but shipped data and no clock: a time is an argument.
Begin in `vocabulary`.
"""
