"""Two contestants, turn by turn: medians, and the ratio of each round, so that a busy moment spoils one round."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

Sampler = Callable[[int], list[float]]  # so many calls; the seconds that each took


@dataclass(frozen=True)
class Effort:
    """How much a run takes the trouble to measure."""

    rounds: int
    seconds: float  # of one contestant in one round, about
    entries: int  # of the ledger that is audited

    def fewer(self, rounds: int) -> Effort:
        return Effort(max(3, min(self.rounds, rounds)), self.seconds, self.entries)


@dataclass(frozen=True)
class Outcome:
    """Median seconds of each, and the ratio with its range over the rounds."""

    ours: float
    yardstick: float
    ratio: float
    lowest: float
    highest: float


def here(function: Callable[[], object]) -> Sampler:
    """A contestant of this process."""

    def sample(calls: int) -> list[float]:
        times = []
        for _ in range(calls):
            before = time.perf_counter()
            function()
            times.append(time.perf_counter() - before)
        return times

    return sample


def compare(ours: Sampler, yardstick: Sampler, effort: Effort, *, faster: bool = False) -> Outcome:
    """Our time as a multiple of the yardstick's or, with `faster`, how many times as fast we are."""
    calls = _calls(ours, effort), _calls(yardstick, effort)
    mine, theirs, ratios = [], [], []
    for turn in range(effort.rounds):
        if turn % 2:
            b, a = median(yardstick(calls[1])), median(ours(calls[0]))
        else:
            a, b = median(ours(calls[0])), median(yardstick(calls[1]))
        mine.append(a)
        theirs.append(b)
        ratios.append(b / a if faster else a / b)
    return Outcome(median(mine), median(theirs), median(ratios), min(ratios), max(ratios))


def _calls(sampler: Sampler, effort: Effort) -> int:
    """Enough calls to fill a round; finding out warms the contestant up."""
    slowest = median(sampler(3))
    return max(1, min(1000, round(effort.seconds / slowest)))
