"""Guesses of a second identifier: whoever tries one after another has to wait longer and longer.

A date of birth is soon found by trying. Every try that does not match is on the record, and after a few of them the
next is not looked at before a while has gone by. In an emergency nobody waits: `--break-glass` is looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sharekit.domain import vocabulary
from sharekit.domain.second_identifier import DIFFERS
from sharekit.domain.workdays import local
from sharekit.errors import IdentityMismatch
from sharekit.moments import time_of
from sharekit.record.record import Record

__all__ = ["check_patience"]

FREE = 5  # tries that are looked at at once
WITHIN = timedelta(days=1)
FIRST, LONGEST = timedelta(minutes=1), timedelta(hours=1)
SOON = "second-identifier-wait"


def check_patience(record: Record, packet: bytes, *, now: datetime) -> None:
    """Return only if the next try for a packet may be looked at already; IdentityMismatch says from when it may."""
    tries = list(_failed(record, packet, now))
    if len(tries) < FREE:
        return
    until = max(tries) + min(FIRST * 2 ** min(len(tries) - FREE, 10), LONGEST)
    if now < until:
        raise IdentityMismatch(
            f"{len(tries)} second identifiers did not match: the next is looked at from {local(until):%H:%M:%S} on",
            hint="telephone the sender; if somebody is in danger, open it with --break-glass and --reason",
            rule=SOON,
        )


def _failed(record: Record, packet: bytes, now: datetime) -> Iterator[datetime]:
    """When a second identifier for the packet did not match, within the last day."""
    mismatch = vocabulary.load("outcomes")[IdentityMismatch.code].number
    for entry in record.about_packets([packet]):
        if entry.outcome == mismatch and entry.rule == DIFFERS and now - WITHIN < time_of(entry.time) <= now:
            yield time_of(entry.time)
