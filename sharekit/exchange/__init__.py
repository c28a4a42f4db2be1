"""What an agency does with packets: send, receive, receipt, decide, destroy; each act is on the record first.

No act knows the agency that it is done for: it is given the parts that it needs.
Begin in `send`.
"""
