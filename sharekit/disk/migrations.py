"""Newer editions of the tables: each change is a numbered file of SQL, done once, in one transaction with its record.

    schemas/migration-KIND-N.sql      takes what edition N - 1 made to edition N; KIND is ledger, vault or postgres

The first edition is 1. A file records its edition as `PRAGMA user_version`, a database in a table. What a newer
sharekit has made is left alone. Whatever a migration does, the entries and their root stay as they were.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Iterator
from itertools import count, takewhile

from sharekit import registry
from sharekit.errors import LedgerError

__all__ = ["bring_up_to_date", "check_kept", "newest", "refuse_newer", "scripts", "steps"]


@functools.cache
def scripts(kind: str) -> tuple[str, ...]:
    """The SQL of all migrations of one kind of tables; the first one makes edition 2."""
    names = (f"migration-{kind}-{number}.sql" for number in count(2))
    return tuple(registry.text(name) for name in takewhile(registry.exists, names))


def newest(kind: str) -> int:
    """The number of the edition that this sharekit makes."""
    return 1 + len(scripts(kind))


def steps(kind: str, edition: int) -> list[tuple[int, str]]:
    """Number and SQL of every migration that `edition` still needs, in order."""
    return list(enumerate(scripts(kind), 2))[edition - 1 :]


def refuse_newer(kind: str, edition: int, *, what: str) -> None:
    """Return only if `edition` is not newer than what this sharekit makes; LedgerError otherwise.

    `kind` is "ledger", "vault" or "postgres". `what` names the file in the message.
    """
    if edition > newest(kind):
        raise LedgerError(f"{what} was made by a newer sharekit", hint="install the newest sharekit here too")


def bring_up_to_date(
    db: sqlite3.Connection, kind: str, *, what: str = "the ledger", kept: Callable[[], object] | None = None
) -> None:
    """Migrate a file of an earlier edition, in one transaction.

    `kept` computes what a migration must not change, such as the root over all entries; it is asked before and after.
    Raises LedgerError if the two differ, or the file was made by a newer sharekit.
    """
    edition = _edition(db)
    refuse_newer(kind, edition, what=what)
    if not 0 < edition < newest(kind):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        _migrate(db, kind, kept or (lambda: None))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _migrate(db: sqlite3.Connection, kind: str, kept: Callable[[], object]) -> None:
    before = kept()
    for number, sql in steps(kind, _edition(db)):  # asked again: another process may have been faster
        for statement in _statements(sql):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number}")
    check_kept(before, kept())


def check_kept(before: object, after: object) -> None:
    """Return only if `before` equals `after`; LedgerError otherwise."""
    if before != after:
        raise LedgerError("a migration would have changed what was recorded", hint="nothing was changed; report it")


def _edition(db: sqlite3.Connection) -> int:
    (number,) = db.execute("PRAGMA user_version").fetchone()
    return int(number)


def _statements(sql: str) -> Iterator[str]:
    """The statements one by one: `executescript` would commit before it begins."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
