"""What a row of the table is: a goal, two contestants or a measurement of its own, and whether it was met."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .contest import Effort, Outcome

HEAD = "goal | ours | yardstick | ratio [min-max] | met"


@dataclass(frozen=True)
class Row:
    """One line: `measure` gives its outcome; `at_least` says on which side of `bound` the goal lies."""

    name: str
    goal: str
    bound: float
    measure: Callable[[Effort], Outcome]
    at_least: bool = False
    unit: str = "time"

    def line(self, outcome: Outcome) -> str:
        show = UNITS[self.unit]
        sign, met = (">=" if self.at_least else "<="), ("yes" if self._met(outcome.ratio) else "no")
        ratio = f"{outcome.ratio:.2f} [{outcome.lowest:.2f}-{outcome.highest:.2f}]"
        goal = f"{self.name}: {self.goal} {sign} {self.bound:g}"
        return f"{goal} | {show(outcome.ours)} | {show(outcome.yardstick)} | {ratio} | {met}"

    def _met(self, ratio: float) -> bool:
        return ratio >= self.bound if self.at_least else ratio <= self.bound


def _time(seconds: float) -> str:
    for scale, unit in ((1, "s"), (1e-3, "ms")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e6:.1f} us"


UNITS: dict[str, Callable[[float], str]] = {
    "time": _time,
    "speed": lambda each: f"{each:,.0f}/s",
    "memory": lambda size: f"{size / 1e6:.1f} MB",
}
