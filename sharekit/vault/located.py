"""Where the entries about a packet, a decision or an event stand, so that nobody has to search the ledgers.

It says nothing that the ledgers do not say in the clear, and is made from them: what is missing is read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sharekit.vault.box import Box

__all__ = ["Located"]

PIECE = 64


class Located:
    """The table `located`. A key is the 16 bytes of a packet's or a decision's number, or the 2 bytes of an event's."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def reached(self, year: int) -> int:
        """How many entries of the ledger of a year were read for this table."""
        with self._box.reading() as db:
            row = db.execute("SELECT located FROM reached WHERE year = ?", (year,)).fetchone()
        return int(row[0]) if row else 0

    def add(self, year: int, end: int, keys: Iterable[tuple[bytes, int]]) -> None:
        """Take in pairs of a key and the number of an entry; the entries before number `end` have been read by then."""
        rows = [(key, year, seq) for key, seq in keys]
        with self._box.writing() as db:
            db.executemany("INSERT OR IGNORE INTO located(key, year, seq) VALUES (?, ?, ?)", rows)
            db.execute(
                "INSERT INTO reached(year, located) VALUES (?, ?)"
                " ON CONFLICT (year) DO UPDATE SET located = max(located, excluded.located)",
                (year, end),
            )

    def forget(self, year: int) -> None:
        """Begin anew with the ledger of a year: it is not the one that was read."""
        with self._box.writing() as db:
            db.execute("DELETE FROM located WHERE year = ?", (year,))
            db.execute("UPDATE reached SET located = 0, mentioned = 0, whole = 0 WHERE year = ?", (year,))

    def forget_all(self) -> None:
        """Begin anew with all ledgers: what is here was changed."""
        with self._box.writing() as db:
            db.execute("DELETE FROM located")
            db.execute("DELETE FROM reached")

    def of(self, year: int) -> set[tuple[bytes, int]]:
        """The pairs of a key and the number of an entry in the ledger of a year."""
        with self._box.reading() as db:
            return set(db.execute("SELECT key, seq FROM located WHERE year = ?", (year,)))

    def first_open(self) -> int:
        """The first year of which not all entries have been read for good; 0 where none has."""
        with self._box.reading() as db:
            (year,) = db.execute("SELECT coalesce(max(year) + 1, 0) FROM reached WHERE whole = 1").fetchone()
        return int(year)

    def finish(self, year: int) -> None:
        """All entries of a year that is over have been read."""
        self._box.write("UPDATE reached SET whole = 1 WHERE year = ?", year)

    def newest_first(self, key: bytes, *, first: int, before: tuple[int, int]) -> Iterator[tuple[int, int]]:
        """Year and number of the entries of a key, newest first, from the year `first` on, before year and number.

        No more is read than is asked for.
        """
        query = (
            "SELECT year, seq FROM located WHERE key = ? AND year >= ? AND (year, seq) < (?, ?)"
            " ORDER BY year DESC, seq DESC LIMIT ?"
        )
        while rows := self._rows(query, key, first, *before, PIECE):
            yield from rows
            before = rows[-1]

    def _rows(self, query: str, *values: object) -> list[tuple[int, int]]:
        with self._box.reading() as db:
            return db.execute(query, values).fetchall()
