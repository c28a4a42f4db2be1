"""The vault's index of packets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["Seen"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the packet index knows of one packet."""

    digest: bytes
    first_seen: datetime
    recorded: bool
    opened: datetime | None
    recipients: tuple[str, ...] = ()
