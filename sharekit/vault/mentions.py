"""Which entries are about a subject: a list that goes with the subject, and says nothing while the vault is locked.

In the clear is how many entries a subject has, which is a number without a name; which they are is sealed. A mention is
written before its entry, so one whose entry never came is harmless.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from struct import Struct
from typing import Any, NamedTuple

from sharekit.vault.box import Box, damaged

__all__ = ["LOOKED", "OTHER", "USED", "Mention", "Mentions"]

LOOKED, USED, OTHER = 0, 1, 2  # the kinds of mentions: somebody only looked, it tells what became of data, all else

PIECE = 32
FORM = Struct(">HQ16s")  # year, start and nonce


class Mention(NamedTuple):
    """One entry about a subject: it has this nonce, and stands in the ledger of `year` from number `start` on.

    `kind` is LOOKED, USED or OTHER.
    """

    year: int
    start: int
    nonce: bytes
    kind: int


class Mentions:
    """The tables `mention` and `unclaimed`; all but `reached` and `strays` need an unlocked vault.

    A subject is given by the vault's own number of it.
    """

    def __init__(self, box: Box) -> None:
        self._box = box

    # --- what is recorded about a subject ---

    def add_in(self, db: sqlite3.Connection, subject: int, mentions: Iterable[Mention]) -> None:
        """Take in mentions of a subject, as the newest, in the step that others write in."""
        number = "SELECT coalesce(max(number) + 1, 0) FROM mention WHERE subject = ?1 AND kind = ?2"
        statement = f"INSERT OR IGNORE INTO mention SELECT ?1, ?2, ({number}), ?3, ?4"
        for each in mentions:
            db.execute(statement, (subject, each.kind, self._mark(each.nonce), self._sealed(each)))

    def newest_first(self, subject: int, kind: int) -> Iterator[Mention]:
        """The mentions of a subject of one kind, newest first; no more is read than is asked for."""
        query = "SELECT number, sealed FROM mention WHERE subject = ? AND kind = ? AND number < ? ORDER BY number DESC"
        return self._in_turn(query, subject, kind, 1 << 62)

    def oldest_first(self, subject: int, kind: int) -> Iterator[Mention]:
        """The same, oldest first."""
        query = "SELECT number, sealed FROM mention WHERE subject = ? AND kind = ? AND number > ? ORDER BY number"
        return self._in_turn(query, subject, kind, -1)

    def _in_turn(self, query: str, subject: int, kind: int, last: int) -> Iterator[Mention]:
        while rows := self._rows(f"{query} LIMIT {PIECE}", subject, kind, last):
            yield from (self._mention(sealed, kind) for _, sealed in rows)
            last = rows[-1][0]

    def drop(self, mention: Mention) -> None:
        """Forget a mention whose entry never came."""
        self._box.write("DELETE FROM mention WHERE mark = ?", self._mark(mention.nonce))

    def looked_up(self) -> list[int]:
        """The subjects of which somebody only looked, at some time."""
        return [row[0] for row in self._rows("SELECT DISTINCT subject FROM mention WHERE kind = 0")]

    # --- entries that have no mention ---

    def reached(self, year: int) -> int:
        """How many entries of the ledger of a year were read for this table."""
        rows = self._rows("SELECT mentioned FROM reached WHERE year = ?", year)
        return int(rows[0][0]) if rows else 0

    def unknown(self, nonces: Sequence[bytes]) -> set[bytes]:
        """Those of `nonces` of which there is no mention."""
        query = "SELECT 1 FROM mention WHERE mark = ?"
        with self._box.reading() as db:
            return {each for each in nonces if db.execute(query, (self._mark(each),)).fetchone() is None}

    def take_in(
        self, year: int, end: int, claimed: Mapping[int, Sequence[Mention]], strays: Sequence[tuple[Mention, bytes]]
    ) -> None:
        """Take in entries that had no mention, by subject where it is known; the others with the subject's token.

        The entries before number `end` have been read by then.
        """
        rows = [(year, each.start, each.kind, each.nonce, token) for each, token in strays]
        with self._box.writing() as db:
            for subject, mentions in claimed.items():
                self._merge_in(db, subject, mentions)
            db.executemany("INSERT INTO unclaimed(year, seq, kind, nonce, token) VALUES (?, ?, ?, ?, ?)", rows)
            db.execute(
                "INSERT INTO reached(year, mentioned) VALUES (?, ?)"
                " ON CONFLICT (year) DO UPDATE SET mentioned = max(mentioned, excluded.mentioned)",
                (year, end),
            )

    def strays(self, after: int) -> Iterator[tuple[int, Mention, bytes]]:
        """Entries that no subject has claimed: its id, its mention and the token in it, after id `after`."""
        query = "SELECT id, year, seq, nonce, kind, token FROM unclaimed WHERE id > ? ORDER BY id LIMIT 1024"
        while rows := self._rows(query, after):
            yield from ((number, Mention(*mention), token) for number, *mention, token in rows)
            after = rows[-1][0]

    def claim(self, subject: int, found: Mapping[int, Mention], *, tried: int) -> None:
        """Give a subject the strays that its key fits, by their ids; `tried` is the last id that it was tried on."""
        with self._box.writing() as db:
            db.executemany("DELETE FROM unclaimed WHERE id = ?", ((number,) for number in found))
            db.execute("UPDATE subject SET tried = max(tried, ?) WHERE id = ?", (tried, subject))
            self._merge_in(db, subject, list(found.values()))

    def _merge_in(self, db: sqlite3.Connection, subject: int, mentions: Sequence[Mention]) -> None:
        """Take in mentions where they belong: those that were there may be newer, and are then numbered again."""
        newest = "SELECT sealed, kind FROM mention WHERE subject = ? AND kind = ? ORDER BY number DESC LIMIT 1"
        for kind in {each.kind for each in mentions}:
            own = [each for each in mentions if each.kind == kind]
            row = db.execute(newest, (subject, kind)).fetchone()
            if row and self._mention(*row) > min(own):
                rows = db.execute("SELECT sealed, kind FROM mention WHERE subject = ? AND kind = ?", (subject, kind))
                own += [self._mention(*each) for each in rows.fetchall()]
                db.execute("DELETE FROM mention WHERE subject = ? AND kind = ?", (subject, kind))
            self.add_in(db, subject, sorted(own))

    # --- how it is kept ---

    def _mark(self, nonce: bytes) -> bytes:
        return self._box.index_token("mention", nonce.hex())[:16]

    def _sealed(self, mention: Mention) -> bytes:
        """Of one length, whatever it says."""
        return self._box.seal(FORM.pack(mention.year, mention.start, mention.nonce))

    def _mention(self, sealed: object, kind: int) -> Mention:
        body = self._box.unseal(sealed)
        if len(body) != FORM.size:
            raise damaged()
        year, start, nonce = FORM.unpack(body)
        return Mention(year, start, nonce, kind)

    def _rows(self, query: str, *values: object) -> list[Any]:
        with self._box.reading() as db:
            return db.execute(query, values).fetchall()
