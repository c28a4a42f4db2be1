"""`Vault`: what may and must be forgettable, beside a ledger that forgets nothing. One file, and a class a table."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from pathlib import Path

from sharekit.vault.actions import Actions
from sharekit.vault.attestations import Partners
from sharekit.vault.box import Box
from sharekit.vault.kept import KeptPackets
from sharekit.vault.located import Located
from sharekit.vault.mentions import Mentions
from sharekit.vault.packets import Packets
from sharekit.vault.policies import Policies
from sharekit.vault.rationales import Rationales
from sharekit.vault.subjects import Subjects

__all__ = ["Vault"]

SHARE = 50  # the file is written anew when a fiftieth of what is kept was destroyed since


class Vault(Box):
    """One agency's vault. Without `key` it is locked: dates, numbers and digests can be read, nothing personal.

    `packets` is what was seen, `subjects` the children's keys, `kept` what is kept until when, `actions` what is still
    to be done, `partners` what others have shown and signed, `rationales` how decisions were explained, `policies`
    what was set as this agency's own policy. `located` and `mentions` say where the entries stand that are about a
    packet, a decision, an event or a subject.
    """

    def __init__(self, path: Path, key: bytes | None = None) -> None:
        super().__init__(path, key)
        self.packets = Packets(self)
        self.located, self.mentions = Located(self), Mentions(self)
        self.subjects = Subjects(self, self.mentions)
        self.kept = KeptPackets(self, self.subjects)
        self.actions = Actions(self)
        self.partners = Partners(self)
        self.rationales = Rationales(self)
        self.policies = Policies(self)

    def _prepare(self, db: sqlite3.Connection) -> None:
        super()._prepare(db)
        if self.unlocked:
            self.kept.seal_days(db)

    def erase(self, packets: Collection[bytes], nonces: Iterable[bytes]) -> None:
        """Destroy the sealed words of entries and actions about `packets`, and the keys of children nothing else is
        kept of.

        `nonces` are those of the entries. The file is to be written anew then. Numbers and digests of packets stay, for
        without them a packet that was seen could be replayed. It needs no key.
        """
        about = [(packet,) for packet in packets]
        with self.writing() as db:
            db.executemany("DELETE FROM detail WHERE nonce = ?", ((nonce,) for nonce in nonces))
            db.executemany("DELETE FROM detail WHERE nonce IN (SELECT id FROM action WHERE reference = ?)", about)
            db.executemany("DELETE FROM draft WHERE packet = ?", about)
            self._forget(db, self.kept.remove_in(db, packets))
            db.execute("UPDATE anew SET destroyed = destroyed + ?", (len(packets),))

    def write_anew_in_time(self) -> None:
        """Write the file anew once enough was destroyed: that takes as long as the file is large.

        What is deleted is overwritten at once; what SQLite had copied elsewhere as its pages grew is gone only then.
        """
        with self.reading() as db:
            (destroyed,) = db.execute("SELECT destroyed FROM anew").fetchone()
            (kept,) = db.execute(
                "SELECT count(*) FROM (SELECT 1 FROM kept LIMIT ?)", (SHARE * destroyed + 1,)
            ).fetchone()
        if destroyed and destroyed * SHARE >= kept:
            self.write_anew()

    def _forget(self, db: sqlite3.Connection, subjects: Iterable[int]) -> None:
        keys = [(number,) for number in subjects]
        db.executemany("DELETE FROM subject_index WHERE subject = ?", keys)
        db.executemany("DELETE FROM mention WHERE subject = ?", keys)
        db.executemany("DELETE FROM subject WHERE id = ?", keys)
