"""Look-ups without a case: somebody looked up a child of whom nothing had been sealed, received or decided here.

No export can tell, by design: a child has another token in every entry. The agency itself can, with the keys of its
vault, and that it asked is an entry of its own.
"""

from __future__ import annotations

from datetime import datetime

from sharekit.domain import vocabulary
from sharekit.ledger.entry import Entry
from sharekit.moments import time_of
from sharekit.record.record import Facts, Record
from sharekit.values import Value

__all__ = ["LookUp", "without_case"]


class LookUp(Value):
    """One look-up without a case: the name of the ledger and the number of the entry that has it, and when it was.

    `by` and `role` are who made it, None where the vault does not know, or does not know any more.
    """

    ledger: str
    entry: int
    time: datetime
    by: str | None
    role: str | None


def without_case(record: Record, *, now: datetime) -> list[LookUp]:
    """Every look-up of a child of whom the record had nothing until then, oldest first; the vault must be unlocked.

    That this was asked is recorded first. A child whose key has been destroyed can no longer be connected with
    anything, so is left out.
    """
    record.append("audited", Facts(), now=now)
    nobody = vocabulary.load("outcomes")["nobody-found"].number
    found = [place for place in record.located("consulted") if place[2].outcome == nobody]
    told = (_look_up(record, ledger.origin, seq, entry) for ledger, seq, entry in [*found, *record.looked_up()])
    return sorted(told, key=lambda each: (each.time, each.ledger, each.entry))


def _look_up(record: Record, ledger: str, seq: int, entry: Entry) -> LookUp:
    words = record.vault.read_detail(entry.nonce) or {}
    return LookUp(ledger, seq, time_of(entry.time), words.get("by"), words.get("role"))
