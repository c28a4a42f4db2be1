"""A trust store on disk: one file for each pinned key, replaced in one step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sharekit import cbor
from sharekit.disk import files
from sharekit.errors import Malformed, ShareError
from sharekit.moments import is_seconds, seconds_of, time_of
from sharekit.trust.cards import MAX_BYTES, Card
from sharekit.trust.store import Pin, Trust

__all__ = ["TrustFolder"]


class TrustFolder(Trust):
    """A trust store kept in a folder; Malformed if one of its files is damaged.

    pin = { 1 card, 2 confirmed, ? 3 revoked, ? 4 reason }
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        super().__init__()
        self._read()

    def _read(self) -> None:
        for path in sorted(self._folder.glob("*.pin")):
            try:
                pin = _read_pin(files.read(path, limit=2 * MAX_BYTES, what="a card of the trust store"))
            except ShareError:
                raise _damaged() from None
            self._remember(pin)

    def _candidate(self, card: bytes, fingerprint: str | None) -> Pin:
        self._read()  # another process may have revoked the key since
        return super()._candidate(card, fingerprint)

    def _pin(self, pin: Pin) -> None:
        fields: dict[int, Any] = {1: pin.card.data, 2: pin.confirmed}
        if pin.revoked:
            fields |= {3: seconds_of(pin.revoked), 4: pin.reason}
        files.write(self._folder / f"{pin.card.kid.hex()[:32]}.pin", cbor.encode(fields))
        super()._pin(pin)


def _read_pin(data: bytes) -> Pin:
    match cbor.decode(data):
        case {1: bytes() as card, 2: bool() as confirmed, **rest} if not rest:
            return Pin(Card.parse(card), confirmed)
        case {1: bytes() as card, 2: bool() as confirmed, 3: int() as revoked, 4: str() as reason, **rest}:
            if not rest and is_seconds(revoked):
                return Pin(Card.parse(card), confirmed, time_of(revoked), reason)
    raise _damaged()


def _damaged() -> Malformed:
    return Malformed("a card of the trust store is damaged", hint="restore the home's trust folder from its backup")
