"""One organisation on this machine: its home, its clock, its partners, and the one door to everything below.

Nothing below imports it, and it prints nothing.
Begin in `agency`.
"""
