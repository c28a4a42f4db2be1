"""Which packets are kept, by which rule and until when; nothing of it is personal without the subject's index.

Until when is sealed: for many rules the day follows from a child's birth, and the birth from the day.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sharekit.domain import vocabulary
from sharekit.domain.workdays import day_of
from sharekit.errors import UnknownCode
from sharekit.values import Value
from sharekit.vault.box import Box, damaged
from sharekit.vault.subjects import Subjects

__all__ = ["Kept", "KeptPackets"]

EPOCH = date(1970, 1, 1)


class Kept(Value):
    """A packet of which this home keeps something.

    `subject` is the vault's own number of the child, None where it was never learnt. `rule` is a code of the
    vocabulary retention-rules. It is to be destroyed on the day `due`, None where only somebody who looks can tell,
    and not while it is `held`.
    """

    packet: bytes
    sender: str
    subject: int | None
    rule: str
    due: date | None
    held: bool

    def is_due(self, now: datetime) -> bool:
        """Whether the day has come, in Great Britain, on which it is to be destroyed, and nothing suspends that."""
        return self.due is not None and self.due <= day_of(now) and not self.held


class KeptPackets:
    """The table `kept`. Two senders may have given one number to their packets: each has a row.

    Whatever tells the day needs an unlocked vault.
    """

    def __init__(self, box: Box, subjects: Subjects) -> None:
        self._box, self._subjects = box, subjects

    def keep(
        self,
        packet: bytes,
        sender: str,
        *,
        rule: str,
        due: date | None,
        held: bool = False,
        identifiers: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Remember why and until when a packet is kept; the first time counts, and what it left open is filled in.

        The subject with these identifiers is made in the same step, if it is new.
        """
        number = vocabulary.load("retention-rules")[rule].number
        day, tokens = None if due is None else self._sealed((due - EPOCH).days), self._subjects.tokens(identifiers)
        statement = """
            INSERT INTO kept(sender, packet, subject, rule, due, held) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET subject = coalesce(subject, excluded.subject), due = coalesce(due, excluded.due)
        """
        with self._box.writing() as db:
            subject = self._subjects.number_in(db, tokens) if tokens else None
            db.execute(statement, (sender, packet, subject, number, day, int(held)))

    def all(self) -> list[Kept]:
        """Everything that is kept: what is due soonest first, what has no date last."""
        return sorted(self._rows(""), key=lambda each: (each.due or date.max, each.due is None, each.packet))

    def of(self, packet: bytes) -> list[Kept]:
        """What is kept under one packet's number, by all who sent one; empty if nothing is."""
        return self._rows("WHERE packet = ?", packet)

    def subjects_of(self, packet: bytes) -> set[int]:
        """The vault's own numbers of the children that packets of this number are about, as far as they are known."""
        with self._box.reading() as db:
            rows = db.execute("SELECT subject FROM kept WHERE packet = ? AND subject IS NOT NULL", (packet,)).fetchall()
        return {subject for (subject,) in rows}

    def due(self, now: datetime) -> list[Kept]:
        """What is to be destroyed by now, soonest first; of packets with one number all, or none."""
        found = self.all()
        waiting = {each.packet for each in found if not each.is_due(now)}
        return [each for each in found if each.packet not in waiting]

    def has(self, packet: bytes) -> bool:
        """Whether anything is kept under a packet's number; it needs no key."""
        with self._box.reading() as db:
            return db.execute("SELECT 1 FROM kept WHERE packet = ?", (packet,)).fetchone() is not None

    def holds(self, packet: bytes) -> bool:
        """Whether the vault by itself suspends the destruction of a packet; it needs no key."""
        with self._box.reading() as db:
            return db.execute("SELECT 1 FROM kept WHERE packet = ? AND held", (packet,)).fetchone() is not None

    def hold(self, packet: bytes) -> None:
        """Suspend the destruction of a packet."""
        self._box.write("UPDATE kept SET held = 1 WHERE packet = ?", packet)

    def release(self, packet: bytes) -> None:
        """Let a packet that was held be destroyed when it is due."""
        self._box.write("UPDATE kept SET held = 0 WHERE packet = ?", packet)

    def remove_in(self, db: sqlite3.Connection, packets: Iterable[bytes]) -> list[int]:
        """Remove what is kept of packets, in a step that is under way; the subjects of whom nothing is kept then."""
        subjects = set[int]()
        for packet in packets:
            subjects.update(row[0] for row in db.execute("SELECT subject FROM kept WHERE packet = ?", (packet,)))
            db.execute("DELETE FROM kept WHERE packet = ?", (packet,))
        return [one for one in subjects - {None} if not _is_kept(db, one)]

    def seal_days(self, db: sqlite3.Connection) -> None:
        """Seal what earlier editions wrote in the clear: a day that is a number; the file is then written anew."""
        query = "SELECT sender, packet, due FROM kept WHERE typeof(due) = 'integer'"
        if rows := db.execute(query).fetchall():
            db.execute("BEGIN IMMEDIATE")
            sealed = [(self._sealed(days), sender, packet) for sender, packet, days in rows]
            db.executemany("UPDATE kept SET due = ? WHERE sender = ? AND packet = ?", sealed)
            db.execute("COMMIT")
            db.execute("VACUUM")

    def _sealed(self, days: int) -> bytes:
        """A day, as days since 1970, of whatever length the number is."""
        try:
            return self._box.seal(days.to_bytes(4, "big", signed=True))
        except OverflowError:
            raise damaged() from None

    def _rows(self, which: str, *values: object) -> list[Kept]:
        with self._box.reading() as db:
            query = f"SELECT packet, sender, subject, rule, due, held FROM kept {which}"  # noqa: S608  # no value in it
            rows = db.execute(query, values).fetchall()
        return [self._kept(row) for row in rows]

    def _kept(self, row: Sequence[Any]) -> Kept:
        packet, sender, subject, rule, due, held = row
        try:
            code = vocabulary.code("retention-rules", rule)
            day = None if due is None else EPOCH + timedelta(int.from_bytes(self._box.unseal(due), "big", signed=True))
        except (UnknownCode, OverflowError):
            raise damaged() from None
        return Kept(packet, sender, subject, code, day, bool(held))


def _is_kept(db: sqlite3.Connection, subject: int) -> bool:
    return db.execute("SELECT 1 FROM kept WHERE subject = ?", (subject,)).fetchone() is not None
