"""Moments: whole seconds since 1970, as they stand in packets, ledgers and the vault, and times with their zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeGuard

__all__ = ["LIMIT", "is_seconds", "seconds_of", "time_of"]

LIMIT = 2**34  # the year 2514: no time in a packet, an entry or a file of ours is as late


def is_seconds(value: object) -> TypeGuard[int]:
    """Whether a value from outside is a number of seconds that `time_of` takes."""
    return type(value) is int and 0 <= value < LIMIT


def time_of(seconds: int) -> datetime:
    """The time, in UTC, that is so many seconds after the beginning of 1970; `is_seconds` has said that it is one."""
    return datetime.fromtimestamp(seconds, UTC)


def seconds_of(time: datetime) -> int:
    """The whole seconds from the beginning of 1970 to a time; parts of a second are left out."""
    return int(time.timestamp())
