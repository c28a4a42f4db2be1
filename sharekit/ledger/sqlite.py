"""A ledger in a file of its own, by SQLite: what is durable about it stands in sharekit/disk/durable.py."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sharekit import registry
from sharekit.disk import durable, files, migrations
from sharekit.errors import LedgerError, LedgerTampered, OutputUnwritable
from sharekit.ledger.storage import DOUBTED, MOVED, Commit, Newest, Setting, Storage, refuse_marked
from sharekit.ledger.tip import Tip, root_of

__all__ = ["File", "FileStorage", "Folder", "fill"]

COLUMNS = {"entry": 2, "node": 3, "note": 2}


class Folder:
    """The ledgers of a home: a file a year."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def place(self, origin: str) -> File:
        return File(self.path / f"{origin.rpartition('/')[2]}.db")

    def years(self, _: str) -> list[int]:
        """The years that have a ledger, oldest first; all are those of the one organisation whose home it is."""
        return sorted(int(path.stem) for path in self.path.glob("[0-9][0-9][0-9][0-9].db"))

    def close(self) -> None:
        """Nothing is held open."""


class File:
    """The place of one ledger: a file."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def exists(self) -> bool:
        return os.path.lexists(self.path)

    def create(self, commits: Iterable[Commit]) -> None:
        with durable.typed(), durable.locked(self.path):
            if any(os.path.lexists(f"{self.path}{suffix}") for suffix in ("", *durable.SIDE_FILES)):
                raise LedgerError("there is a ledger already", hint="move it and its side files away first")
            _build(self.path, commits)

    def open(self) -> FileStorage:
        return FileStorage(self.path)


class FileStorage(Storage):
    """The file of one ledger, open. Threads and processes may use it at once: each append holds a file lock."""

    path: Path

    def __init__(self, path: Path) -> None:
        self.path, self._mark = path, Path(f"{path}.mark")
        self._mutex, self._shown = threading.RLock(), Newest(0, "")
        with durable.typed():
            self._db = durable.connect(path)
            try:
                self._place = durable.place(path)
                durable.make_durable(self._db)
                migrations.bring_up_to_date(self._db, "ledger", kept=self._recorded)
                durable.check_schema(self._db)
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        with self._mutex:
            self._db.close()

    def rows(self, sql: str, *values: object) -> list[Any]:
        with durable.typed(), self._mutex:
            return self._db.execute(sql, values).fetchall()

    def newest(self) -> Newest:
        found = super().newest()
        if found != self._shown:
            with durable.typed():  # what is shown must not be gone after a power cut: it would look like tampering
                durable.settle(self.path)
            self._shown = found
        return found

    def append(self, known: Tip, commit_on: Callable[[Newest], Commit]) -> Commit:
        with durable.typed(), self._mutex, durable.locked(self.path):
            self._check_place()
            if (marked := self.marked()) is not None:
                refuse_marked(marked)
            with self._transaction():
                commit = commit_on(self.newest())
                _insert(self._db, commit)
            self._shown = Newest(commit.tip.size, commit.tip.note)
            return commit

    def replay(self, commits: Iterable[Commit]) -> None:
        with durable.typed(), self._mutex, durable.locked(self.path):
            self._check_place()
            if self.marked() == DOUBTED:
                refuse_marked(DOUBTED)
            with self._transaction():
                for commit in commits:
                    _insert(self._db, commit)

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        with durable.typed(), durable.locked(self.path):
            yield

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException:  # an interrupt, too, must leave no half of an exchange
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        """Undo what was begun; a connection that cannot even do that is closed, or it would lock everybody out."""
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        finally:
            if self._db.in_transaction:
                self._db.close()

    def check(self) -> None:
        with durable.typed(), self._mutex:
            durable.check_schema(self._db)
            self._check_place()

    def check_all(self) -> None:
        self.check()
        with durable.typed(), self._mutex:
            durable.check_pages(self._db)

    def copy(self, path: Path) -> None:
        with durable.typed(), self._mutex:
            self._db.execute("VACUUM INTO ?", (durable.uri(path),))

    def is_own(self, path: Path) -> bool:
        own = {os.path.realpath(f"{self.path}{suffix}") for suffix in ("", ".lock", *durable.SIDE_FILES)}
        return os.path.realpath(path) in own

    def mark(self, what: str) -> None:
        """The mark is a file beside the ledger; on a disk that is read-only there are no appends to keep off."""
        with contextlib.suppress(OSError, OutputUnwritable):
            if self.marked() is None:
                files.write(self._mark, what.encode())

    def unmark(self, what: str) -> None:
        with contextlib.suppress(OSError):
            if self.marked() == what:
                self._mark.unlink()

    def marked(self) -> str | None:
        if not os.path.lexists(self._mark):
            return None
        return MOVED if self._mark.read_bytes() == MOVED.encode() else DOUBTED

    def settings(self) -> list[Setting]:
        ((mode,),) = self.rows("PRAGMA journal_mode")
        ((level,),) = self.rows("PRAGMA synchronous")
        found, good = f"{mode.upper()}/{'FULL' if level == 2 else level}", level == 2
        why = durable.durability()["why"]
        return [Setting("storage", "SQLite, a file a year"), Setting("ledger's journal", found, why, good)]

    def _recorded(self) -> tuple[Newest, bytes]:
        """What no migration may change: the newest note, and the root computed from the entries."""
        rows = self._db.execute("SELECT bytes FROM entry ORDER BY seq")
        return self.newest(), root_of(data for (data,) in rows)

    def _check_place(self) -> None:
        if durable.place(self.path) != self._place:  # a deleted file would swallow entries without a trace
            raise LedgerTampered("another file has taken the place of the ledger")


def _build(path: Path, commits: Iterable[Commit]) -> None:
    """The file appears under its name when it is whole: a crash leaves no half-made ledger."""
    problem = LedgerError("the ledger cannot be made there")
    with (
        durable.replacing(path, problem) as temporary,
        durable.typed(problem),
        contextlib.closing(durable.connect(temporary)) as db,
    ):
        db.executescript(registry.text("ledger.sql"))
        db.execute("BEGIN IMMEDIATE")
        for commit in commits:
            _insert(db, commit)
        db.execute("COMMIT")


def _insert(db: sqlite3.Connection, commit: Commit) -> None:
    db.executemany("INSERT INTO entry VALUES (?, ?)", enumerate(commit.entries, commit.start))
    db.executemany("INSERT INTO node VALUES (?, ?, ?)", commit.rows)
    db.execute("INSERT INTO note VALUES (?, ?)", (commit.tip.size, commit.tip.note))


def fill(path: Path, tables: Mapping[str, Iterable[Sequence[object]]]) -> None:
    """Put rows that were whole elsewhere into the empty file `path`: the triggers come when all are there."""
    schema = registry.text("ledger.sql")
    begin = schema.index("CREATE TRIGGER")
    with durable.typed(), contextlib.closing(durable.connect(path)) as db:
        db.execute("PRAGMA journal_mode = MEMORY")
        db.executescript(schema[:begin])
        db.execute("BEGIN")
        for name, rows in tables.items():
            places = ", ".join("?" * COLUMNS[name])
            db.executemany(f"INSERT INTO {name} VALUES ({places})", rows)  # noqa: S608
        db.execute("COMMIT")
        db.executescript(schema[begin:])
