"""The index of packets: numbers, digests and times, nothing personal, so that checking a packet needs no passphrase.

By it a packet that comes again is known, one that was changed under the same number is noticed, and a file that was
refused before its signature had verified is recorded once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sharekit.moments import seconds_of
from sharekit.values import Value
from sharekit.vault.box import Box, stored_time

__all__ = ["Packets", "Seen"]

EPOCH = date(1970, 1, 1)


class Seen(Value):
    """What the index knows of one packet.

    `digest` is the SHA-256 of the whole file, `recorded` whether the ledger has its entry, `opened` when it was first
    opened here, if it was. `recipients` are the organisations for which it was sealed here: they may send receipts.
    """

    digest: bytes
    first_seen: datetime
    recorded: bool
    opened: datetime | None
    recipients: tuple[str, ...] = ()


class Packets:
    """The tables `packet`, `refused_file` and `refused_count`.

    A packet is known by its sender and its number, the 16 bytes `cti`.
    """

    def __init__(self, box: Box) -> None:
        self._box = box

    def seen(self, sender: str, cti: bytes) -> Seen | None:
        """What is known of a sender's packet; None if it was never seen."""
        query = "SELECT digest, first_seen, recorded, opened, recipients FROM packet WHERE sender = ? AND cti = ?"
        with self._box.reading() as db:
            row = db.execute(query, (sender, cti)).fetchone()
        if row is None:
            return None
        digest, first, recorded, opened, recipients = row
        at = stored_time(opened) if opened else None
        return Seen(digest, stored_time(first), bool(recorded), at, tuple(recipients.split()))

    def note(self, sender: str, cti: bytes, *, digest: bytes, now: datetime, recipients: Iterable[str] = ()) -> None:
        """Remember that a packet was seen at `now`; once it has been, nothing changes.

        `recipients` are given for a packet that was sealed here.
        """
        statement = "INSERT OR IGNORE INTO packet(sender, cti, digest, recipients, first_seen) VALUES (?, ?, ?, ?, ?)"
        self._box.write(statement, sender, cti, digest, " ".join(recipients), seconds_of(now))

    def mark_recorded(self, sender: str, cti: bytes) -> None:
        """Remember that the ledger has the entry of a packet that was noted; for any other nothing happens."""
        self._box.write("UPDATE packet SET recorded = 1 WHERE sender = ? AND cti = ?", sender, cti)

    def mark_opened(self, sender: str, cti: bytes, *, now: datetime) -> None:
        """Remember when it was first opened."""
        statement = "UPDATE packet SET opened = ? WHERE sender = ? AND cti = ? AND opened IS NULL"
        self._box.write(statement, seconds_of(now), sender, cti)

    def knows_refused(self, token: bytes) -> bool:
        """Whether an unverified file with this token was refused before."""
        with self._box.reading() as db:
            return db.execute("SELECT 1 FROM refused_file WHERE token = ?", (token,)).fetchone() is not None

    def note_refused(self, token: bytes) -> None:
        """Remember an unverified file that was refused, by a token that tells nothing of it."""
        self._box.write("INSERT OR IGNORE INTO refused_file(token) VALUES (?)", token)

    def count_refused(self, day: date) -> int:
        """Count a file of which nothing can be kept; how many there were on that day, this one included."""
        number = (day - EPOCH).days
        with self._box.writing() as db:
            db.execute("DELETE FROM refused_count WHERE day < ?", (number,))
            db.execute("INSERT INTO refused_count VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1", (number,))
            row = db.execute("SELECT count FROM refused_count WHERE day = ?", (number,)).fetchone()
        return int(row[0])
