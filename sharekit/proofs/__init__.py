"""What outsiders can check: checkpoints, proofs of inclusion, cosignatures, time stamps, and what a partner attests.

No ledger is read here: every proof stands on the bytes it is given.
Begin in `checkpoint`.
"""
