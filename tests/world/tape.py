"""Records what is done to one folder: the ledger's own code, on an apsw connection whose VFS writes things down.

The VFS passes everything on to real files, and puts each write, truncation, sync and change of a name on a
`Tape`, in order. tests/world/powercut.py says what a cut after any of these steps may leave;
tests/disk/test_disk_errors.py raises an error instead of a step.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import apsw
import pytest

from sharekit.disk import durable, files

JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL


@dataclass(frozen=True, slots=True)
class Change:
    """`data` was written at `offset`; without data, the file was cut off there."""

    file: int
    offset: int
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """In one step, each name came to mean this file, or none."""

    files: dict[str, int | None]


@dataclass(frozen=True, slots=True)
class Sync:
    """The file, the folder or both were synced."""

    file: int | None = None
    folder: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """A remark of whoever used the folder: nothing was done to the disk."""

    value: Any


Step = Change | Names | Sync | Said


@dataclass
class Tape:
    """What was done to one folder, in order, since it held the files `start`, numbered as they come.

    A tape that goes on from others has `steps` of theirs, its own from `new` on, and `names`, which say what file
    each name means now. `before` is called ahead of each step, and may raise instead.
    """

    start: dict[str, bytes]
    steps: list[Step] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    new: int = 0
    before: Callable[[str, str], None] = lambda step, path: None

    def __post_init__(self) -> None:
        self.names = self.names or {name: number for number, name in enumerate(self.start)}
        self._next = 1_000_000 + len(self.steps)  # numbers that no earlier part of a continued tape has used

    def say(self, value: Any) -> None:
        self.steps.append(Said(value))

    def opened(self, path: str) -> int:
        name = os.path.basename(path)
        if name not in self.names:
            self._next += 1
            self.names[name] = self._next
            self.steps.append(Names({name: self._next}))
        return self.names[name]

    def deleted(self, path: str, *, folder_synced: bool) -> None:
        del self.names[os.path.basename(path)]
        self.steps.append(Names({os.path.basename(path): None}))
        if folder_synced:
            self.steps.append(Sync(folder=True))

    def renamed(self, old: str, new: str) -> None:
        old, new = os.path.basename(old), os.path.basename(new)
        self.names[new] = self.names.pop(old)
        self.steps.append(Names({old: None, new: self.names[new]}))

    def synced(self, folder: Path, handle: int) -> None:
        """A file of `folder`, or the folder, was synced by its descriptor."""
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            self.steps.append(Sync(folder=True))
        for name, file in self.names.items():
            if os.path.samestat(status, os.stat(folder / name)):
                self.steps.append(Sync(file))


class _Vfs(apsw.VFS):
    def __init__(self, tape: Tape) -> None:
        self.tape, self.name = tape, f"tape-{id(tape)}"
        super().__init__(self.name, base="unix")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None:  # a temporary file of SQLite's own, which nothing needs after a cut
            return apsw.VFSFile("unix", name, flags)
        self.tape.before("open", path)
        return _File(self.tape, path, name, flags)

    def xDelete(self, path: str, folder_too: bool) -> None:
        self.tape.before("delete", path)
        super().xDelete(path, folder_too)
        self.tape.deleted(path, folder_synced=folder_too)


class _File(apsw.VFSFile):
    def __init__(self, tape: Tape, path: str, name: Any, flags: list[int]) -> None:
        self._folder_too = bool(flags[0] & apsw.SQLITE_OPEN_CREATE and flags[0] & JOURNALS)
        super().__init__("unix", name, flags)
        self._tape, self._path, self._file = tape, path, tape.opened(path)

    def xRead(self, amount: int, offset: int) -> bytes:
        self._tape.before("read", self._path)
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._tape.before("write", self._path)
        super().xWrite(data, offset)
        self._tape.steps.append(Change(self._file, offset, bytes(data)))

    def xTruncate(self, size: int) -> None:
        self._tape.before("truncate", self._path)
        super().xTruncate(size)
        self._tape.steps.append(Change(self._file, size))

    def xSync(self, flags: int) -> None:  # the tape is what must be right: nothing is really synced
        self._tape.before("sync", self._path)
        self._tape.steps.append(Sync(self._file, self._folder_too))
        self._folder_too = False


class _Rows(list[Any]):
    def fetchone(self) -> Any:
        return self[0] if self else None

    def fetchall(self) -> list[Any]:
        return self


class Connection:
    """An apsw connection with the calls and the errors of sqlite3 that the ledger knows."""

    def __init__(self, path: Path, vfs: str = "unix") -> None:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI
        with _errors_of_sqlite3():
            self._db = apsw.Connection(f"file:{quote(os.path.abspath(path))}?mode=rw", flags=flags, vfs=vfs)
        self.execute("PRAGMA busy_timeout = 30000")

    @property
    def in_transaction(self) -> bool:
        with _errors_of_sqlite3():
            return self._db.in_transaction

    def execute(self, sql: str, values: Iterable[Any] = ()) -> _Rows:
        with _errors_of_sqlite3():
            return _Rows(self._db.execute(sql, tuple(values)))

    def executemany(self, sql: str, rows: Iterable[Any]) -> None:
        with _errors_of_sqlite3():
            self._db.executemany(sql, rows)

    executescript = execute

    def close(self) -> None:
        self._db.close()


@contextlib.contextmanager
def _errors_of_sqlite3() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        typed = sqlite3.OperationalError(str(error))
        typed.sqlite_errorcode = getattr(error, "extendedresult", 0) or sqlite3.SQLITE_IOERR
        raise typed from None


class _Os:
    """`os` as the library uses it, with what makes a file durable written down."""

    def __init__(self, tape: Tape, folder: Path) -> None:
        self._tape, self._folder = tape, folder

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def fsync(self, handle: int) -> None:
        self._tape.synced(self._folder, handle)

    def replace(self, old: str | Path, new: str | Path) -> None:
        os.replace(old, new)
        self._tape.renamed(str(old), str(new))


@contextlib.contextmanager
def recording(folder: Path, tape: Tape) -> Iterator[None]:
    """Whatever the ledger does in `folder` meanwhile goes on the tape."""
    vfs = _Vfs(tape)

    def connect(path: Path) -> Connection:
        assert path.parent == folder, "another folder is not on this tape"
        return Connection(path, vfs.name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "connect", connect)
        for module in (durable, files):
            patch.setattr(module, "os", _Os(tape, folder))
        yield
    vfs.unregister()
