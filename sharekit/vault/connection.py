"""The one connection to a vault's file: it is kept from step to step, as long as the file is as the last step left it.

It is given up, and the next step opens the file and checks it from the beginning: when another file has that name,
when anybody else has written to it, in a process that was forked, and when a step fails, which also undoes the step.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from sharekit.disk import durable

__all__ = ["Connection"]

_PARENTS: list[sqlite3.Connection | None] = []  # even to close a connection is not for a process that was forked


class Connection:
    """A connection that threads use one after the other; `prepare` raises if what was opened is not to be used.

    Errors are those of SQLite, of the file system, and of `prepare`.
    """

    def __init__(self, path: Path, prepare: Callable[[sqlite3.Connection], None]) -> None:
        self._path, self._prepare = path, prepare
        self._process, self._mutex = os.getpid(), threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._state: tuple[int, ...] = ()

    def close(self) -> None:
        """Close the file; a step that comes later opens it again."""
        with self._turn():
            db, self._db = self._db, None
            if db is not None:
                db.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection for one step; nobody else in this process has it meanwhile."""
        with self._turn():
            try:
                yield self._opened()
            except BaseException:  # an interrupt, too, must leave no half of a step
                self.close()
                raise

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The same for one step that writes; nobody else, in any process, writes meanwhile."""
        with self._turn(), durable.locked(self._path), self.reading() as db:
            yield db
            self._state = _state(self._path)

    def _turn(self) -> threading.RLock:
        """What a thread holds during its step; a process that was forked has its own, and no connection yet."""
        if self._process != os.getpid():
            _PARENTS.append(self._db)
            self._process, self._mutex, self._db = os.getpid(), threading.RLock(), None
        return self._mutex

    def _opened(self) -> sqlite3.Connection:
        state = _state(self._path)
        if self._db is not None and (self._db.in_transaction or state == self._state):
            return self._db
        self.close()
        self._db, self._state = durable.connect(self._path), state
        self._prepare(self._db)
        return self._db


def _state(path: Path) -> tuple[int, ...]:
    """Which file has that name, and when it was last changed, whatever was changed in it or about it."""
    status = os.lstat(path)
    return status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns
