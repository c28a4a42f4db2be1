"""The driver of PostgreSQL: imported where a database is named, and not before; its errors given types of our own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from sharekit.errors import LedgerError, LedgerTampered, Locked, ShareError, Usage
from sharekit.ledger.storage import refuse_marked

__all__ = ["driver", "typed"]

# What the beginning of an SQLSTATE says of it.
_TROUBLE = {
    "08": "the database cannot be reached",
    "28": "the database does not let this role in",
    "3D": "there is no such database",
    "25006": "the database may not be written to",
    "42501": "the database role may not do that",
    "53100": "the disk of the database is full",
    "53300": "the database takes no more connections",
    "57P": "the database was stopped, or is just starting",
    "SK002": "the database does not wait for its disk",
}
_DAMAGE = {
    "XX": "the tables of the ledger are damaged",
    "42": "the tables of the ledger are not those it was made with",
    "3F": "the tables of the ledger are not those it was made with",
    "23": "the ledger's entries do not follow one another",
    "P0001": "the ledger's entries do not follow one another",
    "22": "the ledger holds what is no part of one",
}


def driver() -> Any:
    """The module psycopg; Usage where the extra `postgres` is not installed."""
    try:
        import psycopg
        import psycopg.conninfo
    except ImportError:
        hint = 'python -m pip install "sharekit[postgres]"'
        raise Usage("a ledger in PostgreSQL needs the extra postgres", hint=hint) from None
    return psycopg


@contextlib.contextmanager
def typed() -> Iterator[None]:
    """Every error of the database: LedgerTampered where contents are wrong, else LedgerError; none of its own words."""
    try:
        yield
    except driver().Error as error:
        if error.sqlstate == "SK001":
            refuse_marked(error.diag.message_primary or "")
        raise _as_ledger_error(error.sqlstate or "08000") from None


def _as_ledger_error(state: str) -> ShareError:
    if state == "55P03":
        return Locked("the ledger is in use and stayed so")
    for length in (5, 3, 2):
        if state[:length] in _TROUBLE:
            hint = "nothing was released; see to the database server, then try again"
            return LedgerError(_TROUBLE[state[:length]], hint=hint)
        if state[:length] in _DAMAGE:
            return LedgerTampered(_DAMAGE[state[:length]])
    return LedgerError("the database cannot be read or written")
