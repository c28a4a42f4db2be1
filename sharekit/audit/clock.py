"""Whether the times of a ledger's entries can be right: time does not run back unseen, or leap (SPEC.md section 6.12).

An entry says itself that its clock may have been wrong; one that does not say so is looked at all the same. It is a
finding where a packet was opened or the year closed at such a time, unless somebody confirmed later that the clock was
right.
"""

from __future__ import annotations

import re
from array import array
from datetime import UTC, datetime

from sharekit.audit.recompute import Findings
from sharekit.domain import vocabulary

__all__ = ["Clock"]

TOLERATED, LEAP = 5 * 60, 400 * 24 * 60 * 60  # seconds
# Where every entry begins: its event under 1, its time under 2.
_HEAD = re.compile(
    rb"(?:[\xa3-\xb7]|\xb8.)\x01(?:([\x00-\x17])|\x18(.)|\x19(..))\x02(?:\x1a(.{4})|\x1b(.{8}))", re.DOTALL
)
_DOUBTFUL = b"\x18\x2a\xf5"  # label 42, the last one of an entry that has it


class Clock:
    """The times of one ledger's entries, looked at one after the other; `year` is the ledger's."""

    def __init__(self, year: int) -> None:
        events = vocabulary.load("ledger-events")
        self._opened, self._closed = events["opened"].number, events["closed"].number
        self._confirmed = events["clock-confirmed"].number
        self._start, self._end = _start(year), _start(year + 1)
        self._newest, self._is_confirmed = 0, False
        self._doubtful: dict[int, int] = {}  # number and time of what was opened or closed at a time that may be wrong
        self._acts, self._times = array("q"), array("q")  # of everything else that was opened or closed

    def look(self, seq: int, data: bytes) -> None:
        """The next entry; bytes that are none say nothing."""
        head = _HEAD.match(data)
        if head is None:
            return
        *event, short, long = head.groups()
        number, time = next(filter(None, event), b""), short or long
        self._see(seq, data, int.from_bytes(number, "big"), int.from_bytes(time, "big"))

    def _see(self, seq: int, data: bytes, event: int, time: int) -> None:
        if event == self._confirmed:
            self._confirm(time)
            return
        is_wrong = data.endswith(_DOUBTFUL) or self._is_wrong(event, time)
        if event in (self._opened, self._closed):
            if is_wrong:
                self._doubtful[seq] = time
            else:
                self._acts.append(seq)
                self._times.append(time)
        if not is_wrong:
            self._newest = max(self._newest, time)

    def _is_wrong(self, event: int, time: int) -> bool:
        if self._newest and not -TOLERATED <= time - self._newest <= LEAP:
            return True
        is_early, is_late = time < self._start - TOLERATED, time >= self._end + TOLERATED
        return not self._is_confirmed and (is_early or (is_late and event != self._closed))

    def _confirm(self, time: int) -> None:
        """The clock is right at `time`: what was dated before it is as well, what was dated later is false."""
        self._doubtful = {seq: at for seq, at in self._doubtful.items() if at > time + TOLERATED}
        self._doubtful |= {seq: at for seq, at in zip(self._acts, self._times, strict=True) if at > time + TOLERATED}
        self._newest, self._is_confirmed = time, True

    def tell(self, findings: Findings) -> None:
        """Add what was opened or closed at a time that may be wrong to the findings."""
        for seq in sorted(self._doubtful):
            message = "a packet was opened, or the year closed, by a clock that may have been wrong"
            findings.add("clock-doubtful", message, entry=seq)


def _start(year: int) -> int:
    return int(datetime(min(max(year, 1970), 2513), 1, 1, tzinfo=UTC).timestamp())
