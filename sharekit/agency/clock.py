"""The time an agency goes by: the machine's, or for demonstrations what SHAREKIT_NOW says, beside the record."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from datetime import UTC, datetime

from sharekit.errors import Usage
from sharekit.record.clock import explain

__all__ = ["CLOCK", "Clock", "clock"]

CLOCK = "SHAREKIT_NOW"  # the variable that overrides the clock of a demonstration
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2500, 1, 1, tzinfo=UTC)  # what fits into a packet


def clock(*, demonstration: bool) -> datetime:
    """The time in UTC, in whole seconds: the machine's, or for a demonstration what SHAREKIT_NOW says.

    Usage if the variable is set where it has no business, or is no RFC 3339 time.
    """
    text = os.environ.get(CLOCK)
    if not text:
        return datetime.now(UTC).replace(microsecond=0)
    if not demonstration:
        raise Usage(
            f"{CLOCK} is set, and this is no demonstration", hint=f"unset {CLOCK}, or use a home made with it set"
        )
    return _rfc3339(text)


class Clock:
    """The clock of one agency: each call reads it, has `judge` say what it stands for beside the record, and returns
    that.
    """

    def __init__(self, judge: Callable[[datetime], datetime], *, demonstration: bool) -> None:
        self._judge, self._demonstration = judge, demonstration
        self._last: datetime | None = None

    def __call__(self) -> datetime:
        self._last = self._judge(self.read())
        return self._last

    def read(self) -> datetime:
        """What it says, whatever the record says; errors as in `clock`."""
        return clock(demonstration=self._demonstration)

    @property
    def trouble(self) -> str | None:
        """In words, what was wrong when it was last read; None if nothing was."""
        return explain(self._last) if self._last else None


def _rfc3339(text: str) -> datetime:
    with contextlib.suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo and _EARLIEST <= moment < _LATEST:
            return moment.astimezone(UTC).replace(microsecond=0)
    raise Usage(f"{CLOCK} is not a time with a zone", hint="write it like 2026-11-26T09:00:00Z")
