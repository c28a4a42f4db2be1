"""Vaults that tests share: whose they are, and what is looked up in them."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

KEY, OTHER_KEY = bytes(range(32)), bytes(32)
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
CTI, DIGEST = b"c" * 16, b"d" * 32
NHS, UPN = ("nhs", "9990001011"), ("upn", "XXTEST0000001")


def rows(path: Path, query: str) -> list[tuple]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()
