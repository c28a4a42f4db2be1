"""An export as a file: opened as an enemy might have made it, so that nothing in it can run or be written.

It is read table by table, never by a view or an index of its own, and every row is limited in size.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sharekit import registry
from sharekit.audit.recompute import Findings, is_entry
from sharekit.errors import Malformed, Usage

__all__ = ["check_pages", "check_schema", "entries", "opened"]

HINT = "make one with: sharekit ledger export -o FILE"
_ATTESTATION = "CREATE TABLE attestation (org_id TEXT, cosigned TEXT, entry BLOB, proof BLOB%s)"
NEWER = {_ATTESTATION % "": _ATTESTATION % ", statement BLOB"}  # exports of earlier releases can be read as well
# The last, because the file itself may ask for any amount of memory.
PRAGMAS = ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON", "mmap_size = 0", "cache_size = -4096")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, opened so that nothing in it can run or be written; every SQLite error is Malformed."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Malformed("the file is no ledger export", hint=HINT)
        os.close(os.open(path, os.O_RDONLY))
    except (OSError, ValueError):
        raise Usage("the export cannot be read", hint="check the name and its permissions") from None
    uri = f"file:{quote(os.fsencode(os.path.abspath(path)))}?mode=ro&immutable=1"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as db:
            db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 128 * 1024)
            for pragma in PRAGMAS:
                db.execute(f"PRAGMA {pragma}").close()
            yield db
    except (sqlite3.Error, UnicodeDecodeError):
        raise Malformed("the file is no ledger export, or it is damaged", hint=HINT) from None


def check_schema(db: sqlite3.Connection, findings: Findings) -> bool:
    """Whether the tables may be read: other triggers are only a finding, other tables or views end it."""
    found, expected = list(map(_as_shipped, _schema(db))), _shipped_schema()
    kinds = {name: kind for kind, name, _, _ in found[1:]}
    if any(kinds.get(name) != "table" for name in ("entry", "node", "note", "card", "attestation", "stamp")):
        raise Malformed("the file is no ledger export", hint=HINT)
    different = set(found) ^ set(expected)
    for name in sorted(_names(different), key=repr):
        message = "a table, trigger or mark is not the one a ledger is made with"
        findings.add("schema-changed", f"{message}: {name}" if name in _names(expected) else message)
    return all(kind in ("trigger", "marks") for kind, *_ in different)


def check_pages(db: sqlite3.Connection) -> None:
    """Every page is reached once and in order: no row can be there for one question and not for another."""
    if db.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
        raise Malformed("the export is damaged", hint=HINT)


def _as_shipped(part: tuple[Any, ...]) -> tuple[Any, ...]:
    """A part of a schema; for a table as an earlier release made it, what this one makes of it."""
    return (*part[:3], NEWER.get(part[3], part[3]))


def _names(schema: Iterable[tuple[Any, ...]]) -> set[str]:
    return {row[1] for row in schema}


def _schema(db: sqlite3.Connection) -> list[tuple[Any, ...]]:
    marks = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    rows = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema LIMIT 100").fetchall()
    return [("marks", "marks", *marks), *rows]


@functools.cache
def _shipped_schema() -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.executescript(registry.text("ledger.sql") + registry.text("export.sql"))
        return _schema(db)


def entries(path: Path, size: int, *, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """The first `size` entries of an export from number `start` on, in order and each once.

    Bytes that are no entry are left out.
    """
    last = -1
    query = "SELECT seq, bytes FROM entry WHERE seq >= ? AND seq < ? AND length(bytes) <= 4096 ORDER BY seq"
    with opened(path) as db:
        for seq, data in db.execute(query, (max(start, 0), size)):
            if seq <= last:
                raise Malformed("the export is damaged")  # pages in a circle would be read for ever
            last = seq
            if is_entry(data, seq):
                yield seq, data
