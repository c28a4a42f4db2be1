"""The vault's index of packets."""

from __future__ import annotations

from datetime import datetime

from sharekit.values import Value

__all__ = ["Seen"]


class Seen(Value):
    """What the packet index knows of one packet."""

    digest: bytes
    first_seen: datetime
    recorded: bool
    opened: datetime | None
    recipients: tuple[str, ...] = ()
