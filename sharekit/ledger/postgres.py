"""Ledgers in a PostgreSQL database, for an agency with several application servers (schemas/ledger-postgres.sql).

An append is one call of one function: it takes the ledger's lock, and writes if the newest checkpoint is the one that
was known here. If another was faster, the answer is what is newest, and the lock is kept for the next call, which
then succeeds: two calls at most, and whoever comes first is served first. Once the answer is here, it is on the disk.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sharekit import registry
from sharekit.disk import migrations
from sharekit.errors import LedgerError, LedgerTampered, Usage
from sharekit.ledger import sqlite
from sharekit.ledger.postgres_driver import driver, typed
from sharekit.ledger.storage import MOVED, Commit, Newest, Setting, Storage
from sharekit.ledger.tip import Tip
from sharekit.proofs import checkpoint

if TYPE_CHECKING:
    import psycopg

__all__ = ["Database", "TableStorage", "Tables", "fingerprint"]

# Unless the connection string says otherwise: a server that is gone is noticed within half a minute.
PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "application_name": "sharekit",
}
SETTINGS = {
    "default_transaction_isolation": "read committed",  # what waits for the lock must see what it waited for
    "lock_timeout": "30s",
    "search_path": "",
}
ANEW = "sharekit ledger init-postgres"

# The tables as one ledger's questions see them.
_ONE_LEDGER = (
    "WITH entry AS NOT MATERIALIZED (SELECT seq, bytes FROM sharekit.entry WHERE origin = %s),"
    " node AS NOT MATERIALIZED (SELECT level, idx, hash FROM sharekit.node WHERE origin = %s),"
    " note AS NOT MATERIALIZED (SELECT size, note FROM sharekit.note WHERE origin = %s)"
)
_APPEND = "SELECT * FROM sharekit.append(%s, %s, %s, %s, %b, %b::integer[], %b::bigint[], %b, %s)"
_COPIED = {
    "entry": "SELECT seq, bytes FROM sharekit.entry WHERE origin = %s ORDER BY seq",
    "node": "SELECT level, idx, hash FROM sharekit.node WHERE origin = %s ORDER BY level, idx",
    "note": "SELECT size, note FROM sharekit.note WHERE origin = %s ORDER BY size",
}
_MADE = """
    SELECT concat_ws(' ', 'table', relname, relkind, relhasrules, relrowsecurity, pg_get_userbyid(relowner)) AS line
    FROM pg_catalog.pg_class WHERE relnamespace = 'sharekit'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'column', relname, attname, format_type(atttypid, atttypmod), attnotnull)
    FROM pg_catalog.pg_attribute JOIN pg_catalog.pg_class ON attrelid = pg_class.oid
    WHERE relnamespace = 'sharekit'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT concat_ws(' ', 'trigger', relname, tgname, tgenabled, tgtype, proname)
    FROM pg_catalog.pg_trigger JOIN pg_catalog.pg_class ON tgrelid = pg_class.oid
    JOIN pg_catalog.pg_proc ON tgfoid = pg_proc.oid WHERE relnamespace = 'sharekit'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'function', proname, pg_get_userbyid(proowner), prosecdef, proconfig, prosrc)
    FROM pg_catalog.pg_proc WHERE pronamespace = 'sharekit'::regnamespace
"""


def fingerprint(db: psycopg.Connection[Any]) -> str:
    """The SHA-256, in hexadecimal, of all that init-postgres makes: tables, columns, triggers, functions, owners."""
    lines = sorted(str(line) for (line,) in db.execute(_MADE))
    return sha256("\n".join(lines).encode()).hexdigest()


def _shipped() -> str:
    found = re.search(r"^-- fingerprint (\w{64})", registry.text("ledger-postgres.sql"), re.M)
    return found[1] if found else ""


class Database:
    """The ledgers of a home in a database: one connection for all, made when it is needed, and anew when it was lost.

    Raises Usage if the connection string cannot be used, or holds a password: it is kept in a file in the clear.
    """

    def __init__(self, conninfo: str) -> None:
        psycopg = driver()
        self.conninfo = conninfo
        try:
            self.parameters = PATIENCE | psycopg.conninfo.conninfo_to_dict(conninfo)
            conninfo.encode()
        except (psycopg.Error, ValueError):  # ValueError: it is not text that can be sent
            hint = 'like "host=db.example dbname=sharekit user=fernshire"'
            raise Usage("that is no connection string", hint=hint) from None
        if {"password", "sslpassword"} & self.parameters.keys():
            raise Usage("a password has no place there", hint="keep it in PGPASSFILE, or name a service= of libpq")
        self.lock, self.users, self.turn_of = threading.RLock(), 0, ""
        self._db: Any = None

    def place(self, origin: str) -> Tables:
        return Tables(self, origin)

    def years(self, org_id: str) -> list[int]:
        """The years of which the organisation has a ledger here, oldest first."""
        named = (checkpoint.org_and_year(origin) for (origin,) in self.rows("SELECT origin FROM sharekit.ledger"))
        return sorted(each[1] for each in named if each and each[0] == org_id)

    def rows(self, sql: str, *values: object) -> list[Any]:
        """The answer to one question; a connection that is found to be lost is made anew, once."""
        with typed(), self.lock:
            try:
                return self._ask(sql, values)
            except driver().OperationalError:
                if not self.is_lost() or self.turn_of:
                    raise
            return self._ask(sql, values)

    def _ask(self, sql: str, values: Sequence[object]) -> list[Any]:
        with self.connection().cursor(binary=True) as cursor:
            return list(cursor.execute(sql, values))

    def connection(self) -> psycopg.Connection[Any]:
        """The connection, which is in order: settings, edition and fingerprint."""
        if self.is_lost():
            self._db = self._connected()
        db: psycopg.Connection[Any] = self._db
        return db

    def _connected(self) -> psycopg.Connection[Any]:
        parameters = self.parameters | {"client_encoding": "UTF8"}
        db: psycopg.Connection[Any] = driver().connect(**parameters, autocommit=True)
        try:
            _make_durable(db)
            _check_edition(db)
        except BaseException:
            db.close()
            raise
        return db

    def is_lost(self) -> bool:
        return self._db is None or bool(self._db.closed)

    def close(self) -> None:
        """Give up the connection, and with it the turn."""
        with self.lock:
            self.turn_of = ""
            if self._db is not None:
                self._db.close()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[psycopg.Connection[Any]]:
        """Another connection, on which all is as one moment has it."""
        with typed(), contextlib.closing(self._connected()) as db:
            db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield db


class Tables:
    """The place of one ledger: rows in the tables of a database."""

    def __init__(self, database: Database, origin: str) -> None:
        self._database, self._origin = database, origin

    def exists(self) -> bool:
        return bool(self._database.rows("SELECT FROM sharekit.ledger WHERE origin = %s", self._origin))

    def create(self, commits: Iterable[Commit]) -> None:
        if self.exists():
            raise LedgerError("there is a ledger already", hint="a ledger is begun only once")
        with contextlib.closing(TableStorage(self._database, self._origin)) as made:
            made.replay(commits)

    def open(self) -> TableStorage:
        if not self.exists():
            raise LedgerError("the ledger is not there, or may not be opened")
        return TableStorage(self._database, self._origin)


class TableStorage(Storage):
    """The rows of one ledger. Threads, processes and machines may use it at once."""

    def __init__(self, database: Database, origin: str) -> None:
        self._database, self._origin, self._closed = database, origin, False
        with database.lock:
            database.users += 1

    def rows(self, sql: str, *values: object) -> list[Any]:
        self._check_open()
        rest = f", {sql.removeprefix('WITH ')}" if sql.startswith("WITH ") else f" {sql}"
        return self._database.rows(_ONE_LEDGER + rest.replace("?", "%s"), *[self._origin] * 3, *values)

    def append(self, known: Tip, commit_on: Callable[[Newest], Commit]) -> Commit:
        self._check_open()
        with typed(), self._database.lock:
            commit = commit_on(Newest(known.size, known.note))
            try:
                return self._appended(known, commit, commit_on)
            except BaseException:  # the turn, and a call that was interrupted, end with the connection
                self._database.close()
                raise

    def _appended(self, known: Newest | Tip, commit: Commit, commit_on: Callable[[Newest], Commit]) -> Commit:
        has_turn, lost = False, 0
        while True:
            try:
                newest = self._call(known, commit, has_turn=has_turn)
            except driver().OperationalError:
                if lost > 1 or not self._database.is_lost():
                    raise
                has_turn, lost = False, lost + 1  # the call may have been heard or not: the same again will tell
                continue
            if newest is None:
                return commit
            if lost and self.entry(commit.start) == commit.entries[0]:
                self._database.close()
                return commit
            known, has_turn = newest, True
            commit = commit_on(newest)

    def _call(self, known: Newest | Tip, commit: Commit, *, has_turn: bool) -> Newest | None:
        """Append; what is newest instead of `known`, where something is: it is this caller's turn then."""
        values = _values(self._origin, known, commit, has_turn=has_turn)
        size, note = self._database.connection().execute(_APPEND, values).fetchone() or (0, "")
        return None if size is None else Newest(size, note)

    def replay(self, commits: Iterable[Commit]) -> None:
        self._check_open()
        with typed(), self._database.lock:
            try:
                db = self._database.connection()
                with db.transaction():
                    db.execute("SELECT FROM sharekit.unset_mark(%s, %s)", (self._origin, MOVED))
                    self._replay(db, iter(commits))
            except BaseException:
                self._database.close()
                raise

    def _replay(self, db: psycopg.Connection[Any], commits: Iterator[Commit]) -> None:
        known: Newest | Tip = self.newest()
        while piece := list(islice(commits, 500)):
            with db.pipeline():
                answers = []
                for commit in piece:
                    answers.append(db.execute(_APPEND, _values(self._origin, known, commit, has_turn=False)))
                    known = commit.tip
            if any(answer.fetchone() != (None, None) for answer in answers):
                raise LedgerError("another wrote to the ledger meanwhile", hint="try again")

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        with typed(), self._database.lock:
            try:
                self._database.rows("SELECT FROM sharekit.take_turn(%s)", self._origin)
                self._database.rows("SELECT set_config('idle_session_timeout', '10min', false)")
                self._database.turn_of = self._origin
                yield
            finally:
                self._database.close()

    def check(self) -> None:
        self._check_open()
        with typed(), self._database.lock:
            _check_edition(self._database.connection())

    def copy(self, path: Path) -> None:
        self._check_open()
        with self._database.snapshot() as db:
            sqlite.fill(path, {name: _streamed(db, sql, self._origin) for name, sql in _COPIED.items()})

    def is_own(self, path: Path) -> bool:
        return False

    def mark(self, what: str) -> None:
        with contextlib.suppress(LedgerError):  # a reader may not, and does not append either
            self._database.rows("SELECT FROM sharekit.set_mark(%s, %s)", self._origin, what)

    def marked(self) -> str | None:
        self._check_open()
        found = self._database.rows("SELECT mark FROM sharekit.ledger WHERE origin = %s", self._origin)
        return str(found[0][0]) if found and found[0][0] else None

    def unmark(self, what: str) -> None:
        with contextlib.suppress(LedgerError):
            self._database.rows("SELECT FROM sharekit.unset_mark(%s, %s)", self._origin, what)

    def settings(self) -> list[Setting]:
        with typed(), self._database.lock:
            return _settings(self._database.connection())

    def close(self) -> None:
        """The connection is closed with the last ledger that uses it: those of other years may still be open."""
        with self._database.lock:
            self._database.users -= not self._closed
            self._closed = True
            if not self._database.users:
                self._database.close()

    def _check_open(self) -> None:
        if self._closed:
            raise LedgerError("the ledger cannot be read or written")


def _values(origin: str, known: Newest | Tip, commit: Commit, *, has_turn: bool) -> tuple[object, ...]:
    levels, idxs, hashes = map(list, zip(*commit.rows, strict=True))
    return (origin, known.size, known.note, has_turn, list(commit.entries), levels, idxs, hashes, commit.tip.note)


def _streamed(db: psycopg.Connection[Any], sql: str, origin: str) -> Iterator[tuple[Any, ...]]:
    with db.cursor("copied", binary=True) as cursor:
        cursor.itersize = 1024
        yield from cursor.execute(sql, (origin,))


# --- whether the database is in order ---


def _make_durable(db: psycopg.Connection[Any]) -> None:
    """Have every commit wait for the disk, and read it back. A server that waits for its standby is let do so."""
    for name, value in SETTINGS.items():
        db.execute("SELECT set_config(%s, %s, false)", (name, value))
    found = db.execute(
        "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
        " WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)"
    ).fetchone()
    if found not in (("on",), ("remote_apply",)):
        raise LedgerError("the database cannot keep what is written", hint="let sessions set synchronous_commit")


def _check_edition(db: psycopg.Connection[Any]) -> None:
    try:
        (edition,) = db.execute("SELECT max(number) FROM sharekit.edition").fetchone() or (0,)
    except driver().errors.UndefinedTable:
        raise LedgerError("the database has no tables for a ledger", hint=f"{ANEW} makes them") from None
    migrations.refuse_newer("postgres", edition, what="the database")
    if edition < migrations.newest("postgres"):
        raise LedgerError("the tables in the database are of an earlier edition", hint=f"{ANEW} brings them up to date")
    if fingerprint(db) != _shipped():
        raise LedgerTampered("the tables or triggers of the ledger are not those it was made with")


_RIGHTS = """
    SELECT current_user, rolsuper, EXISTS (
        SELECT FROM unnest(ARRAY['entry', 'node', 'note']) AS name
        WHERE has_table_privilege('sharekit.' || name, 'INSERT, UPDATE, DELETE, TRUNCATE')
    ) FROM pg_catalog.pg_roles WHERE rolname = current_user
"""


def _settings(db: psycopg.Connection[Any]) -> list[Setting]:
    """What the durability of an entry and the harmlessness of the role rest on."""
    rows = db.execute("SELECT name, setting FROM pg_catalog.pg_settings").fetchall()
    server = {str(name): str(setting) for name, setting in rows}
    told = [
        Setting("storage", f"PostgreSQL {server['server_version']}, database {db.info.dbname}"),
        _setting(server, "synchronous_commit", "a commit is answered when it is on the disk"),
        _setting(server, "fsync", "off, a power cut loses entries that were acknowledged"),
        _setting(server, "full_page_writes", "off, a power cut may damage the tables"),
    ]
    role, is_super, may_change = db.execute(_RIGHTS).fetchone() or ("", True, True)
    harmless = not (is_super or may_change)
    why = "it reads and appends" if harmless else "it could change what is recorded: give it sharekit_app, and no more"
    told.append(Setting("database role", str(role), why, harmless))
    private = db.info.host.startswith("/") or db.pgconn.ssl_in_use
    why = "" if private else "add sslmode=verify-full to the connection string"
    return [*told, Setting("way to the database", "private" if private else "not encrypted", why, private)]


def _setting(server: dict[str, str], name: str, why: str) -> Setting:
    good = server[name] in ("on", "remote_apply")
    return Setting(name, server[name], why, good)
