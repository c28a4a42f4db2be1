"""Whatever interrupts an append, all its entries are in the ledger or none, and the ledger goes on afterwards.

Here: an exception at every statement of SQL, and an interrupt at every line of Python. The disk's part is in
tests/disk/test_disk_errors.py.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from world.ledgers import NAME, entries_of, entry, folder_with_a_ledger, opened, refused

import sharekit
from sharekit.errors import LedgerError, LedgerTampered

PACKAGE = Path(sharekit.__file__).parent


@pytest.fixture
def folder():
    with folder_with_a_ledger() as path:
        yield path


# an exception at every statement


class Interrupted:
    """A connection that raises `error` at its statement number `at`: before it, or when it is done."""

    def __init__(self, db: Any, error: BaseException, at: int, *, done: bool) -> None:
        self._db, self._error, self._left, self._done = db, error, at, done
        self.statement = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    def execute(self, sql: str, *values: Any) -> Any:
        return self._run(self._db.execute, sql, *values)

    def executemany(self, sql: str, *values: Any) -> Any:
        return self._run(self._db.executemany, sql, *values)

    def _run(self, call: Callable[..., Any], sql: str, *values: Any) -> Any:
        self._left -= 1
        if self._left:
            return call(sql, *values)
        self.statement = sql
        if self._done:
            call(sql, *values)
        raise self._error


def sqlite_error(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("simulated")
    error.sqlite_errorcode = code
    return error


ERRORS: dict[str, tuple[BaseException, type[BaseException]]] = {
    "an I/O error": (sqlite_error(sqlite3.SQLITE_IOERR_FSYNC), LedgerError),
    "a full disk": (sqlite_error(sqlite3.SQLITE_FULL), LedgerError),
    "a damaged page": (sqlite_error(sqlite3.SQLITE_CORRUPT), LedgerTampered),
    "an error of the system": (OSError(errno.EIO, "simulated"), LedgerError),
    "no memory": (MemoryError(), MemoryError),
    "an interrupt": (KeyboardInterrupt(), KeyboardInterrupt),
}


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("error", "expected"), ERRORS.values(), ids=ERRORS)
def test_an_exception_at_any_statement_leaves_all_or_nothing(folder, error, expected, done):
    """The entries are in only if COMMIT was done; another process can append at once, and so can this one."""
    statements = []
    for at in count(1):
        before = entries_of(folder)
        with opened(folder) as ledger:
            db, pair = ledger.storage._db, (entry(), entry())
            ledger.storage._db = interrupted = Interrupted(db, error, at, done=done)
            if not refused(ledger, *pair, error=expected):
                break
            ledger.storage._db = db
            statements.append(interrupted.statement.split()[0])
            after = before + [each.encode() for each in pair] * (done and statements[-1] == "COMMIT")
            assert entries_of(folder) == after
            with opened(folder) as other:
                assert other.append(entry()) == len(after)
            assert ledger.append(entry()) == len(after) + 1
            assert ledger.verify() == len(after) + 2
    assert statements == ["BEGIN", "SELECT", "INSERT", "INSERT", "INSERT", "COMMIT"]


class WithoutRollback(Interrupted):
    def execute(self, sql: str, *values: Any) -> Any:
        if sql == "ROLLBACK":
            raise self._error
        return super().execute(sql, *values)


def test_an_interrupted_rollback_holds_nobody_up(folder):
    """Somebody may press Ctrl-C twice; an open transaction would lock everybody else out."""
    before = entries_of(folder)
    with opened(folder) as ledger, opened(folder) as other:
        ledger.storage._db = WithoutRollback(ledger.storage._db, KeyboardInterrupt(), 4, done=True)
        with pytest.raises(KeyboardInterrupt):
            ledger.append(entry())
        other.storage._db.execute("PRAGMA busy_timeout = 0")
        assert other.append(entry()) == len(before)
        assert refused(ledger, entry()) or ledger.verify() == len(before) + 2


# an interrupt at every line


@contextlib.contextmanager
def interrupt_at(number: int) -> Iterator[list[str]]:
    """KeyboardInterrupt when line `number` of sharekit is about to run; yields where that was."""
    reached, left = list[str](), count(number - 1, -1)

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.startswith(str(PACKAGE)):
            return None
        if event == "line" and not next(left):
            reached.append(f"{frame.f_code.co_name}, line {frame.f_lineno}")
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield reached
    finally:
        sys.settrace(before)


def lock_is_free(folder: Path) -> bool:
    with open(folder / f"{NAME}.lock", "ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # an interrupted lock is closed when collected
def test_an_interrupt_at_any_line_leaves_all_or_nothing_and_no_lock(folder):
    before, pair = entries_of(folder), (entry(), entry())
    for number in count(1):
        place = folder / str(number)
        place.mkdir()
        shutil.copy(folder / NAME, place)
        with opened(place) as ledger:
            with interrupt_at(number) as reached:
                stopped = refused(ledger, *pair, error=KeyboardInterrupt)
            if not reached:
                break
            assert stopped, reached
            assert lock_is_free(place), reached
            after = entries_of(place)
            assert after in (before, before + [each.encode() for each in pair]), reached
            assert ledger.append(entry()) == len(after), reached
    assert number > 40
