"""What a ledger needs of the storage that holds its three tables, and the questions it asks there.

The questions are SQL that SQLite and PostgreSQL both understand, over the tables `entry(seq, bytes)`,
`node(level, idx, hash)` and `note(size, note)` of one ledger. `ledger/sqlite` and `ledger/postgres` answer
them.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from sharekit.errors import LedgerError, LedgerTampered
from sharekit.ledger.tip import RUN, Tip
from sharekit.values import Value

__all__ = [
    "BEYOND",
    "DOUBTED",
    "MOVED",
    "PIECE",
    "Commit",
    "Newest",
    "Place",
    "Setting",
    "Shelf",
    "Storage",
    "refuse_marked",
]

PIECE = 1024  # rows read at a time: a reader never keeps a writer waiting for long
BEYOND = 2**63  # no row has such a number
DOUBTED, MOVED = "doubted", "moved"  # why a ledger takes no more entries


class Newest(NamedTuple):
    """The newest note, and its number of entries; what the note says is not checked yet."""

    size: int
    note: str


class Setting(NamedTuple):
    """One line that `doctor` shows of a storage."""

    name: str
    found: str
    why: str = ""
    good: bool = True


class Commit(Value):
    """What one commit adds: entries from number `start` on, the rows of hashes that they complete, and the new tip."""

    start: int
    entries: Sequence[bytes]
    rows: Sequence[tuple[int, int, bytes]]
    tip: Tip


class Storage(abc.ABC):
    """The three tables of one ledger, `entry`, `node` and `note`, open.

    `path` is the file that they are in, None in a database. Its methods raise LedgerError, and LedgerTampered where
    contents are wrong.
    """

    path: Path | None = None  # the file, where it is in one

    @abc.abstractmethod
    def rows(self, sql: str, *values: object) -> list[Any]:
        """The answer to one question, as one moment has it."""

    @abc.abstractmethod
    def append(self, known: Tip, commit_on: Callable[[Newest], Commit]) -> Commit:
        """Write the commit that `commit_on` makes of what is newest, durably and whole; the commit that was written.

        `known` is what was newest when the caller last looked. `commit_on` may be called again; its last answer counts.
        """

    @abc.abstractmethod
    def replay(self, commits: Iterable[Commit]) -> None:
        """Write commits that follow what is there, and one another, all in one transaction."""

    @abc.abstractmethod
    def turn(self) -> AbstractContextManager[None]:
        """Keep every other writer waiting while the block runs, for a reader to whom nobody may add meanwhile."""

    @abc.abstractmethod
    def check(self) -> None:
        """Return only if tables and triggers are those that a ledger is made with, and are where they were."""

    def check_all(self) -> None:
        """The same, and that every page of a file is in order: as long as the ledger is, so is this."""
        self.check()

    @abc.abstractmethod
    def copy(self, path: Path) -> None:
        """Write the three tables, all of one moment, into the empty file `path`, as a SQLite ledger."""

    @abc.abstractmethod
    def is_own(self, path: Path) -> bool:
        """Whether `path` is a file that belongs to the storage."""

    @abc.abstractmethod
    def mark(self, what: str) -> None:
        """Take no more entries from now on, because it is DOUBTED or has MOVED; an earlier mark stays."""

    @abc.abstractmethod
    def marked(self) -> str | None:
        """The mark there is, or None."""

    @abc.abstractmethod
    def unmark(self, what: str) -> None:
        """Take that mark away, if it is there."""

    @abc.abstractmethod
    def settings(self) -> list[Setting]:
        """What kind of storage it is and what its durability rests on, for `doctor`."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close what it holds open."""

    # --- the questions ---

    def newest(self) -> Newest:
        """The newest note, and its number of entries; size 0 and an empty note where there is none.

        LedgerTampered if the note is not for the entries there are.
        """
        sql = "SELECT size, note, (SELECT max(seq) + 1 FROM entry) FROM note ORDER BY size DESC LIMIT 1"
        size, note, count = self._row(sql) or (0, "", 0)
        if size != count or type(note) is not str:
            raise LedgerTampered("the newest checkpoint is not for the entries there are", index=size)
        return Newest(size, note)

    def entry(self, seq: int) -> bytes | None:
        """The bytes of one entry, or None if there is no entry of that number."""
        row = self._row("SELECT bytes FROM entry WHERE seq = ?", seq) if 0 <= seq < BEYOND else None
        return _whole(seq, row[0]) if row else None

    def entries(self, start: int, *, most: int = PIECE) -> list[tuple[int, bytes]]:
        """Number and bytes of some entries from number `start` on, at most so many; call again after the last."""
        sql = "SELECT seq, bytes FROM entry WHERE seq >= ? ORDER BY seq LIMIT ?"
        rows = self.rows(sql, start, most) if start < BEYOND else []
        return [(seq, _whole(seq, data)) for seq, data in rows]

    def entries_before(self, end: int, *, most: int = PIECE) -> list[tuple[int, bytes]]:
        """Number and bytes of the newest entries before number `end`, newest first, at most so many."""
        sql = "SELECT seq, bytes FROM entry WHERE seq < ? ORDER BY seq DESC LIMIT ?"
        rows = self.rows(sql, min(max(end, 0), BEYOND - 1), most)
        return [(seq, _whole(seq, data)) for seq, data in rows]

    def nodes(self, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        """The stored hash at each of `places`, pairs (level, index); LedgerTampered if one is missing."""
        if not places:
            return {}
        sql = (
            f"WITH wanted (level, idx) AS (VALUES {', '.join(['(?, ?)'] * len(places))})"  # noqa: S608  # no values
            " SELECT level, idx, (SELECT substr(hash, CAST(1 + 32 * (wanted.idx - node.idx) AS integer), 32) FROM node"
            " WHERE node.level = wanted.level AND node.idx <= wanted.idx ORDER BY node.idx DESC LIMIT 1) FROM wanted"
        )
        found = {(level, idx): data for level, idx, data in self.rows(sql, *(part for at in places for part in at))}
        for level, idx in places:
            data = found.get((level, idx))
            if type(data) is not bytes or len(data) != 32:
                raise LedgerTampered("a stored hash is missing", index=idx << level)
        return found

    def runs(self, level: int, idx: int) -> list[tuple[int, bytes]]:
        """Some stored rows of a level, from index `idx` on."""
        return self.rows("SELECT idx, hash FROM node WHERE level = ? AND idx >= ? ORDER BY idx LIMIT 64", level, idx)

    def notes(self, after: int, size: int) -> list[tuple[int, str]]:
        """Size and text of some notes, for more than `after` entries and at most `size`."""
        sql = "SELECT size, note FROM note WHERE size > ? AND size <= ? ORDER BY size LIMIT ?"
        return self.rows(sql, after, size, PIECE)

    def counts(self) -> tuple[int, int, int]:
        """How many entries the newest note is for, how many there are, and how many bytes of hashes."""
        sql = "SELECT max(size), (SELECT count(*) FROM entry), (SELECT sum(length(hash)) FROM node) FROM note"
        (row,) = self.rows(sql)
        return row[0], row[1], row[2]

    def commit_without_note(self, size: int) -> int | None:
        """The size after a commit that has no note: a row of fewer leaf hashes than fit is the last of one."""
        row = self._row(
            "SELECT idx + length(hash) / 32 FROM node WHERE level = 0 AND length(hash) < ?"
            " AND idx + length(hash) / 32 <= ?"
            " AND NOT EXISTS (SELECT 1 FROM note WHERE note.size = node.idx + length(node.hash) / 32)"
            " ORDER BY idx LIMIT 1",
            *(32 * RUN, size),
        )
        return row[0] if row else None

    def _row(self, sql: str, *values: object) -> Any:
        rows = self.rows(sql, *values)
        return rows[0] if rows else None


class Place(Protocol):
    """Where one ledger is, or may be made."""

    def exists(self) -> bool:
        """Whether a ledger, or something else, is there."""

    def create(self, commits: Iterable[Commit]) -> None:
        """Make the ledger of these commits, whole or not at all; LedgerError if there is one, or the remains of one."""

    def open(self) -> Storage:
        """The storage; LedgerError if there is none to open, LedgerTampered if its tables are not those of a ledger."""


class Shelf(Protocol):
    """Where the ledgers of an agency are, one a year."""

    def place(self, origin: str) -> Place:
        """The place of the ledger of that name."""

    def years(self, org_id: str) -> list[int]:
        """The years of which the organisation has a ledger, oldest first."""

    def close(self) -> None:
        """Give up what it holds open."""


def refuse_marked(what: str) -> None:
    """Raise what an append to a ledger with this mark raises."""
    if what == MOVED:
        raise LedgerError(
            "the ledger goes on elsewhere: it was moved", hint="start the program again; it then finds where"
        )
    raise LedgerTampered("the ledger did not verify when it was last checked")


def _whole(seq: int, data: object) -> bytes:
    if type(data) is not bytes:
        raise LedgerTampered("an entry is damaged", index=seq)
    return data
