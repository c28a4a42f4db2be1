"""Guesses of a second identifier: whoever tries one after another has to wait longer and longer.

A date of birth is soon found by trying. Every try that does not match is on the record, and after a few of them the
next is not looked at before a while has gone by. In an emergency nobody waits: `--break-glass` is looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sharekit.domain import vocabulary
from sharekit.domain.profile import DIFFERS
from sharekit.domain.workdays import local
from sharekit.errors import IdentityMismatch
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.moments import time_of
from sharekit.record.record import Record

__all__ = ["check_patience"]

FREE = 5  # tries that are looked at at once
WITHIN = timedelta(days=1)
FIRST, LONGEST = timedelta(minutes=1), timedelta(hours=1)
LOOKED_AT = 1000  # of the newest entries; as many tries take longer than a day

SOON = "second-identifier-wait"


def check_patience(record: Record, packet: bytes, *, now: datetime) -> None:
    """Return only if the next try for a packet may be looked at already; IdentityMismatch says from when it may."""
    tries = list(_failed(record.ledger(now), packet, now))
    if len(tries) < FREE:
        return
    until = max(tries) + min(FIRST * 2 ** min(len(tries) - FREE, 10), LONGEST)
    if now < until:
        raise IdentityMismatch(
            f"{len(tries)} second identifiers did not match: the next is looked at from {local(until):%H:%M:%S} on",
            hint="telephone the sender; if somebody is in danger, open it with --break-glass and --reason",
            rule=SOON,
        )


def _failed(ledger: Ledger, packet: bytes, now: datetime) -> Iterator[datetime]:
    """When a second identifier for the packet did not match, within the last day."""
    mismatch = vocabulary.load("outcomes")[IdentityMismatch.code].number
    for _, stored in ledger.entries(max(0, ledger.size - LOOKED_AT)):
        if packet in stored:
            entry = Entry.decode(stored)
            if entry.packet == packet and entry.outcome == mismatch and entry.rule == DIFFERS:
                at = time_of(entry.time)
                if now - WITHIN < at <= now:
                    yield at
