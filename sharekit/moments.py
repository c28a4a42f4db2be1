"""Moments: seconds since 1970, as they stand in packets and ledgers, and times."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["time_of"]


def time_of(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
