"""Makes a PostgreSQL database ready for ledgers, as its administrator: roles, tables, functions, their migrations."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sharekit import registry
from sharekit.disk import migrations
from sharekit.errors import Usage
from sharekit.ledger.postgres import Database
from sharekit.ledger.postgres_driver import driver, typed
from sharekit.ledger.tip import root_of

if TYPE_CHECKING:
    import psycopg

__all__ = ["make_ready", "script"]

LONGEST_NAME = 63  # bytes: PostgreSQL would cut off the rest


def script() -> str:
    """The SQL that makes a database ready, for an administrator who would rather read it first and run it with psql."""
    return f"BEGIN;\n{registry.text('ledger-postgres.sql')}COMMIT;\n"


def make_ready(conninfo: str, *, app_role: str | None = None) -> int:
    """Make the tables, or bring them up to date, in one transaction; the edition that they are of now.

    `app_role` may append then; it is made, to log in without a password, if there is no such role. Raises Usage,
    LedgerError.
    """
    if app_role is not None and not (app_role.isprintable() and 0 < len(app_role.encode()) <= LONGEST_NAME):
        raise Usage("that is not the name of a role", hint="--app-role fernshire")
    with typed(), contextlib.closing(driver().connect(**Database(conninfo).parameters, autocommit=True)) as db:
        _check_encoding(db)
        with db.transaction():
            edition = _edition(db)
            migrations.refuse_newer("postgres", edition, what="the database")
            if edition:
                _migrate(db, edition)
            else:
                db.execute(registry.text("ledger-postgres.sql"))
            if app_role is not None:
                _let_append(db, app_role)
    return migrations.newest("postgres")


def _check_encoding(db: psycopg.Connection[Any]) -> None:
    if db.execute("SHOW server_encoding").fetchone() != ("UTF8",):
        hint = "CREATE DATABASE sharekit ENCODING UTF8 TEMPLATE template0"
        raise Usage("the database is not one of UTF-8", hint=hint)


def _edition(db: psycopg.Connection[Any]) -> int:
    """The edition of the tables that are there; 0 without any."""
    if db.execute("SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'sharekit'").fetchone() is None:
        return 0
    (number,) = db.execute("SELECT max(number) FROM sharekit.edition").fetchone() or (0,)
    return int(number)


def _migrate(db: psycopg.Connection[Any], edition: int) -> None:
    steps = migrations.steps("postgres", edition)
    if not steps:
        return
    db.execute("GRANT sharekit_owner TO CURRENT_USER; SET LOCAL ROLE sharekit_owner")
    db.execute("SET LOCAL search_path = sharekit, pg_temp")
    before = _kept(db)
    for number, sql in steps:
        db.execute(sql)
        db.execute("INSERT INTO sharekit.edition (number) VALUES (%s)", (number,))
    migrations.check_kept(before, _kept(db))
    db.execute("RESET ROLE; REVOKE sharekit_owner FROM CURRENT_USER")


def _kept(db: psycopg.Connection[Any]) -> dict[str, tuple[str, bytes]]:
    """The newest note of each ledger, and its root computed from its entries."""
    newest = "SELECT DISTINCT ON (origin) origin, note FROM sharekit.note ORDER BY origin, size DESC"
    return {origin: (note, root_of(_entries(db, origin))) for origin, note in db.execute(newest).fetchall()}


def _entries(db: psycopg.Connection[Any], origin: str) -> Iterator[bytes]:
    with db.cursor("entries", binary=True) as cursor:
        for (data,) in cursor.execute("SELECT bytes FROM sharekit.entry WHERE origin = %s ORDER BY seq", (origin,)):
            yield data


def _let_append(db: psycopg.Connection[Any], role: str) -> None:
    sql = driver().sql
    name = sql.Identifier(role)
    if db.execute("SELECT FROM pg_catalog.pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
        db.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
    db.execute(sql.SQL("GRANT sharekit_app TO {}").format(name))
