"""Stamping: a timestamp authority's word that a checkpoint of this agency's ledger was there at a time (RFC 3161)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256

from sharekit.errors import Usage
from sharekit.proofs import checkpoint, timestamp
from sharekit.record.record import Record

__all__ = ["Stamping"]


class Stamping:
    """The time stamps of one agency's checkpoints."""

    def __init__(self, record: Record, clock: Callable[[], datetime]) -> None:
        self._record, self._partners, self._clock = record, record.vault.partners, clock

    def request(self, *, year: int | None = None) -> bytes:
        """The request for a time stamp of the newest checkpoint of a year's ledger, as DER, for an authority.

        That it was asked is remembered: `keep` takes no other answer. `year` None is the newest. Usage if there is no
        such ledger, or the `timestamp` extra is not installed.
        """
        now = self._clock()
        note = self._record.ledger_of(year, now).checkpoint()
        data = timestamp.request(note)
        self._partners.ask_stamp(note, now=now)
        return data

    def keep(self, response: bytes, roots: Sequence[bytes]) -> tuple[int, datetime]:
        """Keep the stamp that came for a checkpoint; the checkpoint's size in entries, and the time of the stamp.

        `roots` are the authority's root certificates, as PEM. Raises what `timestamp.verify` raises, and Usage if the
        stamp is for no checkpoint that was asked about.
        """
        wanted = timestamp.imprint(response)
        for note in self._partners.asked_stamps():
            if sha256(note.encode()).digest() == wanted:
                at = timestamp.verify(note, response, roots)
                self._partners.keep_stamp(note, response)
                return checkpoint.parse(note).size, at
        raise Usage("the time stamp is for no checkpoint that was asked about", hint=timestamp.HINT)

    def kept(self, *, year: int | None = None) -> list[tuple[str, bytes]]:
        """The checkpoints of a year's ledger that were stamped, and their stamps, oldest first.

        Usage if there is no ledger of that year.
        """
        now = self._clock()
        return self._partners.stamps(self._record.ledger_of(year, now).origin)
