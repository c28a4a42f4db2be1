"""`Vault`: what may and must be forgettable, beside a ledger that forgets nothing. One file, and a class a table."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sharekit.vault.actions import Actions
from sharekit.vault.attestations import Partners
from sharekit.vault.box import Box
from sharekit.vault.kept import KeptPackets
from sharekit.vault.located import Located
from sharekit.vault.mentions import Mentions
from sharekit.vault.packets import Packets
from sharekit.vault.rationales import Rationales
from sharekit.vault.subjects import Subjects

__all__ = ["Vault"]


class Vault(Box):
    """One agency's vault. Without `key` it is locked: dates, numbers and digests can be read, nothing personal.

    `packets` is what was seen, `subjects` the children's keys, `kept` what is kept until when, `actions` what is still
    to be done, `partners` what others have shown and signed, `rationales` how decisions were explained. `located` and
    `mentions` say where the entries stand that are about a packet, a decision, an event or a subject.
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

    def erase(self, packets: Iterable[bytes], nonces: Iterable[bytes], subjects: Iterable[int]) -> None:
        """Destroy the sealed words of entries and actions about `packets`, and the keys and indexes of `subjects`.

        `nonces` are those of the entries, `subjects` the vault's own numbers. The file is then written anew. Numbers
        and digests of packets stay, for without them a packet that was seen could be replayed.
        """
        about = [(packet,) for packet in packets]
        keys = [(number,) for number in subjects]
        with self.writing() as db:
            db.executemany("DELETE FROM detail WHERE nonce = ?", ((nonce,) for nonce in nonces))
            db.executemany("DELETE FROM detail WHERE nonce IN (SELECT id FROM action WHERE reference = ?)", about)
            db.executemany("DELETE FROM kept WHERE packet = ?", about)
            db.executemany("DELETE FROM subject_index WHERE subject = ?", keys)
            db.executemany("DELETE FROM mention WHERE subject = ?", keys)
            db.executemany("UPDATE kept SET subject = NULL WHERE subject = ?", keys)
            db.executemany("DELETE FROM subject WHERE id = ?", keys)
        self.write_anew()
