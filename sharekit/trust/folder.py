"""The files of pinned cards: one for each card, replaced in one step.

What they say is not believed for itself: whoever keeps the record says which of the cards were accepted, and which
keys were revoked. A file of another name or kind is a stray, which is told of and otherwise left alone.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sharekit import cbor
from sharekit.disk import files
from sharekit.errors import Malformed, ShareError
from sharekit.moments import is_seconds, seconds_of, time_of
from sharekit.trust.cards import MAX_BYTES, Card
from sharekit.trust.store import Pin

__all__ = ["Found", "PinFolder"]

_NAME = re.compile(r"([0-9a-f]{32})\.pin\Z")


class Found(NamedTuple):
    """What is in the folder: pins by the fingerprints of their cards, and for every stray file what is wrong with it.

    A pin that was read says of `revoked` and `reason` what its file says.
    """

    pins: Mapping[bytes, Pin]
    strays: Mapping[str, str]


class PinFolder:
    """The folder; Malformed if it is missing or cannot be read.

    pin = { 1 card, 2 confirmed, ? 3 revoked, ? 4 reason, ? 5 why it was reinstated }
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> Found:
        """Everything in the folder. A pin stands in a file named after its card's fingerprint, or after its key."""
        pins, strays = dict[bytes, Pin](), dict[str, str]()
        for name in self._names():
            try:
                pin = self._read(name)
            except ShareError:
                strays[name] = "it is no pinned card that can be read"
                continue
            if pin.card.fingerprint not in pins or name == _name(pin.card.fingerprint):
                pins[pin.card.fingerprint] = pin
        return Found(pins, strays)

    def get(self, fingerprint: bytes) -> Pin | None:
        """The pin of a card; None if no file named after it holds it."""
        try:
            pin = self._read(_name(fingerprint))
        except ShareError:
            return None
        return pin if pin.card.fingerprint == fingerprint else None

    def write(self, pin: Pin) -> None:
        """Write a pin down; OutputUnwritable if that cannot be done."""
        fields: dict[int, Any] = {1: pin.card.data, 2: pin.confirmed}
        if pin.revoked:
            fields |= {3: seconds_of(pin.revoked), 4: pin.reason}
        elif pin.reason:
            fields[5] = pin.reason
        files.write(self._folder / _name(pin.card.fingerprint), cbor.encode(fields))

    def _names(self) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self._folder) if not name.startswith(".sharekit-"))
        except OSError:
            raise Malformed(
                "the trust folder of this home is missing, or may not be read", hint="restore it from the home's backup"
            ) from None

    def _read(self, name: str) -> Pin:
        """The pin in a file whose name fits it; Malformed or Usage otherwise."""
        path, named = self._folder / name, _NAME.match(name)
        try:
            is_file = stat.S_ISREG(os.lstat(path).st_mode)
        except OSError:
            is_file = False
        if not named or not is_file:
            raise _damaged()
        pin = _read_pin(files.read(path, limit=2 * MAX_BYTES, what="a card of the trust folder"))
        if named[1] not in (pin.card.fingerprint.hex()[:32], pin.card.kid.hex()[:32]):
            raise _damaged()
        return pin


def _name(fingerprint: bytes) -> str:
    return f"{fingerprint.hex()[:32]}.pin"


def _read_pin(data: bytes) -> Pin:
    match cbor.decode(data):
        case {1: bytes() as card, 2: bool() as confirmed, 3: int() as revoked, 4: str() as reason, **rest}:
            if not rest and is_seconds(revoked):
                return Pin(Card.parse(card), confirmed, time_of(revoked), reason)
        case {1: bytes() as card, 2: bool() as confirmed, **rest} if set(rest) <= {5}:
            if type(why := rest.get(5, "")) is str:
                return Pin(Card.parse(card), confirmed, None, str(why))
    raise _damaged()


def _damaged() -> Malformed:
    return Malformed("a card of the trust folder is damaged", hint="restore the home's trust folder from its backup")
