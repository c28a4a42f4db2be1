"""A PostgreSQL database in which agencies keep their ledgers, as its administrator makes it ready."""

from __future__ import annotations

from sharekit.ledger import postgres_setup

__all__ = ["make_ready", "script"]


def script() -> str:
    """The SQL that makes a database ready, for psql."""
    return postgres_setup.script()


def make_ready(database: str, *, app_role: str | None = None) -> int:
    """Make a database ready for ledgers, or bring it up to date; the number of its edition.

    `database` is a connection string of libpq, without a password; `app_role` is who may append from now on, made if
    there is none. Raises Usage, LedgerError.
    """
    return postgres_setup.make_ready(database, app_role=app_role)
