"""What SQLite and the file system must do so that a committed entry stays: journal modes, locks, whole files.

The modes are what they are because power cuts were simulated: a rollback journal that is deleted, and WAL with
`synchronous=NORMAL`, both lost entries that had been acknowledged.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sharekit import registry
from sharekit.disk import files, locks, waiting
from sharekit.errors import LedgerError, LedgerTampered, Locked, OutputUnwritable, ShareError

__all__ = [
    "check_pages",
    "check_schema",
    "connect",
    "durability",
    "journal_mode",
    "locked",
    "make_durable",
    "place",
    "replacing",
    "settle",
    "typed",
    "uri",
]

SIDE_FILES = ("-journal", "-wal", "-shm")
_NOTHING_TO_SYNC = (errno.ENOENT, errno.EINVAL, errno.EROFS)  # there is no such file, or nobody can write there
WAIT = 30.0  # seconds for others to end


def journal_mode(version: Sequence[int]) -> str:
    """The journal mode for a SQLite of that version: "WAL" where it is safe with several connections, else "TRUNCATE".

    `version` is like (3, 51, 3). WAL is safe from 3.51.3 on; of the 3.50 releases from 3.50.7 on, of the 3.44 releases
    from 3.44.6 on.
    """
    release = tuple(version)
    fixed = release >= (3, 51, 3) or (3, 50, 7) <= release < (3, 51) or (3, 44, 6) <= release < (3, 45)
    return "WAL" if fixed else "TRUNCATE"


def durability() -> dict[str, str]:
    """What this machine's SQLite promises of a committed entry, in words.

    Keys: `sqlite` (its version), `journal_mode`, `synchronous`, `why`.
    """
    mode = journal_mode(sqlite3.sqlite_version_info)
    why = {
        "WAL": "a power cut loses no committed entry; readers never wait for writers",
        "TRUNCATE": "a power cut loses no committed entry; this SQLite can damage a WAL that is shared",
    }
    return {"sqlite": sqlite3.sqlite_version, "journal_mode": mode, "synchronous": "FULL", "why": why[mode]}


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the plain file at `path`; OSError if there is none, for SQLite would silently make one.

    A link is not followed: two names for one file would have two locks, and two journals.
    """
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise OSError(errno.ELOOP, "not a plain file")
    db = sqlite3.connect(f"{uri(path)}?mode=rw", uri=True, isolation_level=None, timeout=WAIT, check_same_thread=False)
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1 << 20)
    return db


def uri(path: Path) -> str:
    """The name of a file as SQLite takes it, whatever bytes are in the name."""
    return f"file:{quote(os.fsencode(os.path.abspath(path)))}"


def make_durable(db: sqlite3.Connection, mode: str | None = None) -> None:
    """Set the journal mode and `synchronous=FULL`, and read them back: a file system may silently refuse.

    `mode` is "WAL" or "TRUNCATE"; without it, what is right for this SQLite. LedgerError if it is refused.
    """
    wanted = mode or journal_mode(sqlite3.sqlite_version_info)
    (found,) = db.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
    db.execute("PRAGMA synchronous = FULL")
    if found.upper() != wanted or db.execute("PRAGMA synchronous").fetchone() != (2,):
        raise LedgerError("the file system cannot keep what is written", hint="put the home on a local disk")


def _schema(db: sqlite3.Connection) -> list[tuple[Any, ...]]:
    marks = (db.execute("PRAGMA application_id").fetchone(), db.execute("PRAGMA user_version").fetchone())
    return [*marks, *db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")]


@functools.cache
def _shipped_schema() -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.executescript(registry.text("ledger.sql"))
        return _schema(db)


def check_schema(db: sqlite3.Connection) -> None:
    """Return only if the tables, indexes and triggers are those that `ledger.sql` makes; else LedgerTampered."""
    db.execute("PRAGMA trusted_schema = OFF")
    if _schema(db) != _shipped_schema():
        raise LedgerTampered("the tables or triggers of the ledger are not those it was made with")


def check_pages(db: sqlite3.Connection) -> None:
    """Return only if SQLite reaches every page of the file once and in order; else LedgerTampered.

    Otherwise a row could be there for one question and not for another.
    """
    if db.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
        raise LedgerTampered(_DAMAGE[sqlite3.SQLITE_CORRUPT])


def place(path: Path) -> tuple[int, int]:
    """Device and inode of the file at `path`, by which another file of the same name is noticed."""
    status = os.lstat(path)
    return status.st_dev, status.st_ino


def settle(path: Path) -> None:
    """Bring to the disk what a killed writer may not have: readers see a commit before it is on the disk.

    The ledger's own file is left alone: closing it here would give up SQLite's locks on it.
    """
    for name in (f"{path}-journal", f"{path}-wal", path.parent):
        try:
            _sync(name)
        except OSError as error:
            if error.errno not in _NOTHING_TO_SYNC:
                raise


def _sync(name: str | Path) -> None:
    handle = os.open(name, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `PATH.lock` while the block runs; others wait for it in turn, and say so after a second.

    SQLite's own waiting asks again and again, and let one of eight writers wait for seconds. Locked after `WAIT`.
    """
    locks.check_system()
    handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    lock = os.fdopen(handle, "wb", buffering=0)  # closed even if an interrupt comes in between
    try:
        locks.take(lock, wait=False)
    except BlockingIOError:
        waiting.wait(lock, WAIT)
    with lock:
        yield


@contextlib.contextmanager
def replacing(path: Path, problem: ShareError, notes: Path | None = None) -> Iterator[Path]:
    """A temporary file beside `path`, which takes its place on the disk if the block ends well.

    It is gone otherwise, SQLite's side files with it; `notes` is as in `disk/files`. `problem` is raised if the file
    cannot be written or put there.
    """
    try:
        with files.replacing(path, notes) as place:
            try:
                yield place.temporary
                place.put()
            finally:
                for suffix in SIDE_FILES:
                    Path(f"{place.temporary}{suffix}").unlink(missing_ok=True)
    except (OutputUnwritable, OSError):
        raise problem from None


# The result codes of SQLite that say the contents are wrong, rather than that the disk or its owner refuses.
_DAMAGE = {
    sqlite3.SQLITE_ERROR: "the tables of the ledger are not those it was made with",
    sqlite3.SQLITE_CORRUPT: "the ledger's file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is not a ledger",
    sqlite3.SQLITE_CONSTRAINT: "the ledger's entries do not follow one another",
    sqlite3.SQLITE_TOOBIG: "the ledger holds what is larger than any entry",
    sqlite3.SQLITE_FORMAT: "the file is not a ledger",
}
_TROUBLE = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "{} may not be written to",
    sqlite3.SQLITE_CANTOPEN: "{} is not there, or may not be opened",
    sqlite3.SQLITE_BUSY: "{} is in use and stayed so",
    sqlite3.SQLITE_PERM: "{} is a link, or no plain file",
}


_ERRNO = {
    errno.ENOSPC: sqlite3.SQLITE_FULL,
    errno.EDQUOT: sqlite3.SQLITE_FULL,
    errno.EROFS: sqlite3.SQLITE_READONLY,
    errno.EACCES: sqlite3.SQLITE_READONLY,
    errno.ENOENT: sqlite3.SQLITE_CANTOPEN,
    errno.ELOOP: sqlite3.SQLITE_PERM,
}


@contextlib.contextmanager
def typed(problem: ShareError | None = None, *, what: str = "the ledger") -> Iterator[None]:
    """Turn every error of SQLite and of the file system inside the block into one of sharekit's.

    LedgerTampered where the contents are wrong; else `problem`, or a LedgerError about `what` if there is no `problem`.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = _code(error)
        if code in _DAMAGE:
            raise LedgerTampered(_DAMAGE[code]) from None
        raise problem or _trouble(code, what) from None
    except UnicodeDecodeError:  # a damaged schema, quoted in a message of SQLite
        raise LedgerTampered(_DAMAGE[sqlite3.SQLITE_CORRUPT]) from None
    except OSError as error:
        raise problem or _trouble(_ERRNO.get(error.errno or 0, 0), what) from None


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; Python's own errors have none: a text that is not UTF-8, or a closed file."""
    unnamed = sqlite3.SQLITE_MISUSE if isinstance(error, sqlite3.ProgrammingError) else sqlite3.SQLITE_CORRUPT
    code: int = getattr(error, "sqlite_errorcode", unnamed)
    return code & 0xFF


def _trouble(code: int, what: str) -> ShareError:
    if code == sqlite3.SQLITE_BUSY:
        return Locked(_TROUBLE[code].format(what))
    return LedgerError(_TROUBLE.get(code, "{} cannot be read or written").format(what))
