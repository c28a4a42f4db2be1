"""Which clock is believed: the record knows the time of its newest true entry, and time never runs back unseen.

Five minutes are tolerated. What a clock says that is further behind, or more than 400 days ahead, is marked in the
entry and told; somebody who looks at a calendar confirms it, and until then nothing expires or is closed by it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from sharekit.domain import workdays
from sharekit.errors import Expired
from sharekit.moments import Moment, clock_of, latest_of, time_of

__all__ = [
    "AHEAD",
    "BEHIND",
    "LEAP",
    "TOLERATED",
    "expiring",
    "explain",
    "from_the_future",
    "judged",
    "mark",
    "standing_time",
    "told",
]

TOLERATED, LEAP = timedelta(minutes=5), timedelta(days=400)
BEHIND, AHEAD = "behind", "ahead"
CONFIRM = "look at a calendar: if this computer's date is right, run: sharekit ledger clock --confirm; if not, mend it"


def judged(clock: datetime, newest: int) -> Moment:
    """The moment that the clock stands for, where the newest true entry is of `newest`, seconds since 1970 or 0."""
    known = time_of(newest)
    if newest and clock > known + LEAP:
        return Moment.of(known, clock=clock, newest=known, doubt=AHEAD)
    doubt = BEHIND if clock < known - TOLERATED else None
    return Moment.of(max(clock, known), clock=clock, newest=known, doubt=doubt)


def mark(now: datetime) -> bool | None:
    """What an entry says of the clock that it was made by: True if it may be wrong, else None."""
    return True if isinstance(now, Moment) and now.doubt else None


def year_of(now: datetime) -> int:
    """The year whose ledger an act goes to: a clock that is far ahead ends none, and one that is behind begins none."""
    return now.newest.year if isinstance(now, Moment) and now.doubt == AHEAD else now.year


def standing_time(time: int, newest: int) -> int:
    """Since when an entry counts that was made at `time`, where the newest true one by then, itself included, is
    of `newest`: that of a clock that was wrong does not count.
    """
    return time if 0 <= newest - time <= TOLERATED.total_seconds() else newest


def explain(now: datetime) -> str | None:
    """What is wrong with the clock, in words; None if nothing is."""
    if not isinstance(now, Moment) or now.doubt is None:
        return None
    far = "earlier" if now.doubt == BEHIND else "more than 400 days later"
    clock, newest = workdays.written(now.clock), workdays.written(now.newest)
    return f"this computer's clock says {clock}, {far} than the record: its newest entry is of {newest}"


@contextlib.contextmanager
def expiring(now: datetime) -> Iterator[None]:
    """Say with what has expired, inside the block, that it was judged by the record, where the clock is behind it."""
    try:
        yield
    except Expired as problem:
        if isinstance(now, Moment) and now.doubt == BEHIND:
            problem.hint = f"{explain(now)}; {CONFIRM}, then open it again"
        raise


def told(now: datetime) -> dict[str, str | None]:
    """The `time` of the clock, that of the `newest` true entry, and the `doubt`, for a program."""
    newest, doubt = (now.newest, now.doubt) if isinstance(now, Moment) else (now, None)
    times = {"time": clock_of(now), "newest": newest}
    return {name: f"{time:%Y-%m-%dT%H:%M:%SZ}" for name, time in times.items()} | {"doubt": doubt}


def from_the_future(issued: datetime, now: datetime) -> datetime:
    """The time beside which something `issued` may be too early: a clock that is behind cannot say that it is."""
    latest = latest_of(now)
    return max(latest, issued) if isinstance(now, Moment) and now.doubt == BEHIND else latest
