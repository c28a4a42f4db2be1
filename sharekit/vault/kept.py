"""Which packets are kept, by which rule and until when."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sharekit.domain import vocabulary
from sharekit.domain.workdays import day_of
from sharekit.values import Value

__all__ = ["Kept"]

EPOCH = date(1970, 1, 1)


class Kept(Value):
    """A packet of which this home keeps something: by which rule, until when, and whether that is suspended."""

    packet: bytes
    sender: str
    subject: int | None
    rule: str
    due: date | None
    held: bool

    def is_due(self, now: datetime) -> bool:
        """Whether the day has come, in Great Britain, on which it is to be destroyed, and nothing suspends that."""
        return self.due is not None and self.due <= day_of(now) and not self.held


def _kept(packet: bytes, sender: str, subject: int | None, rule: int, due: int | None, held: int) -> Kept:
    code = vocabulary.code("retention-rules", rule)
    return Kept(packet, sender, subject, code, None if due is None else EPOCH + timedelta(days=due), bool(held))
