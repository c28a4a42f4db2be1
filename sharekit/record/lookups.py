"""Look-ups without a case: somebody looked up a child of whom nothing had been sealed, received or decided here.

No export can tell, by design: a child has another token in every entry. The agency itself can, with the keys of its
vault, and that it asked is an entry of its own.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
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
    entries = list(record.numbered(now))
    found = [each for each in entries if _is_of(each[2], "consulted") and _is_nobody(each[2])]
    about = [each for each in entries if _is_of(each[2], "consulted") and each[2].subject is not None]
    uses = [each for _, _, each in entries if each.subject is not None and not _is_of(each, "consulted")]
    for key in record.vault.subjects.keys() if about else ():
        own = [each for each in about if _is_about(each[2], key)]
        if own:
            begun = _begun(uses, key)
            found += [each for each in own if begun is None or each[2].time < begun]
    return sorted((_look_up(record, *each) for each in found), key=lambda each: (each.time, each.ledger, each.entry))


def _begun(uses: Iterable[Entry], key: bytes) -> int | None:
    """When the first thing about a subject was recorded."""
    return min((each.time for each in uses if _is_about(each, key)), default=None)


def _is_of(entry: Entry, event: str) -> bool:
    return entry.event == vocabulary.load("ledger-events")[event].number


def _is_nobody(entry: Entry) -> bool:
    return entry.outcome == vocabulary.load("outcomes")["nobody-found"].number


def _is_about(entry: Entry, key: bytes) -> bool:
    return entry.subject == hmac.digest(key, entry.nonce, "sha256")


def _look_up(record: Record, ledger: str, seq: int, entry: Entry) -> LookUp:
    words = record.vault.read_detail(entry.nonce) or {}
    return LookUp(ledger, seq, time_of(entry.time), words.get("by"), words.get("role"))
