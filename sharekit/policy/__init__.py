"""What may be shared and what it may be opened for: the rules of the guidance, and the purposes that fit together.

It knows no key, no file but shipped data and no clock: a time is an argument.
Begin in `decide`.
"""
