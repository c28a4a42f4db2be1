"""Moments: whole seconds since 1970, as they stand in packets, ledgers and the vault, and times with their zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self, TypeGuard

__all__ = ["LIMIT", "Moment", "clock_of", "is_seconds", "latest_of", "seconds_of", "time_of"]

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


class Moment(datetime):
    """A time to act at, by which things expire and fall due; where the clock may be wrong, it is not the clock's.

    `clock` is what the clock said, and `newest` the time of the newest true entry of the record. `doubt` says how the
    clock is wrong beside it, "behind" or "ahead", and is None where nothing speaks against it.
    """

    clock: datetime
    newest: datetime
    doubt: str | None

    @classmethod
    def of(cls, time: datetime, *, clock: datetime, newest: datetime, doubt: str | None) -> Self:
        """The moment `time`, which knows the others."""
        made = cls.fromtimestamp(time.timestamp(), UTC)
        made.clock, made.newest, made.doubt = clock, newest, doubt
        return made


def clock_of(now: datetime) -> datetime:
    """What the clock said at a moment; any other time is the clock's own."""
    return now.clock if isinstance(now, Moment) else now


def latest_of(now: datetime) -> datetime:
    """The moment by which nothing is too early: what is dated before it is not from the future."""
    if not isinstance(now, Moment):
        return now
    return Moment.of(max(now.clock, now.newest), clock=now.clock, newest=now.newest, doubt=now.doubt)
