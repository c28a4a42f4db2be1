"""Agency cards, and which of them this installation accepts.

A card says who an agency is, where it can be telephoned, and which keys are its own; it is signed with the
signing key that it names. Only its fingerprint, read out over a telephone line already known, makes it true.

    card = COSE_Sign1, typ "application/sharekit.card+cose", payload
           { 1 org_id, 2 org_type, 3 name, 4 phone, ? 5 out_of_hours_phone, 6 signing, 7 opening, 8 log key,
             9 issued, 10 demonstration, ? 11 classical opening }
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from sharekit import cbor, cose, files
from sharekit.errors import Malformed, NotTrusted, NotVerified, Revoked, ShareError, UnknownSender
from sharekit.keys import ClassicalOpening, HybridOpening, Keys, PublicOpening, public_opening, signing_kid

__all__ = ["Card", "Pin", "Trust", "TrustFolder"]

TYP = "application/sharekit.card+cose"
ORG_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}\Z")
MAX_BYTES = 16 * 1024
EARLY = timedelta(hours=24)  # clocks differ, and a card is sometimes made after the first packet

_HEADER = (cose.ALG, cose.KID, cose.TYP)
_TEXTS = {1: "org_id", 2: "org_type", 3: "name", 4: "phone", 5: "out_of_hours_phone"}
_KEYS = {6: 32, 7: HybridOpening.public_bytes, 8: 32, 11: ClassicalOpening.public_bytes}
_LABELS, _OPTIONAL = frozenset(range(1, 12)), frozenset({5, 11})


@dataclass(frozen=True, slots=True)
class Card:
    """A card whose own signature has been checked; whether to believe it is the trust store's to say."""

    org_id: str
    org_type: str
    name: str
    phone: str
    out_of_hours_phone: str | None
    signing: bytes
    opening: bytes
    log_key: bytes
    issued: datetime
    demonstration: bool
    classical_opening: bytes | None
    data: bytes
    fingerprint: bytes
    kid: bytes

    @classmethod
    def make(
        cls,
        keys: Keys,
        *,
        org_id: str,
        org_type: str,
        name: str,
        phone: str,
        issued: datetime,
        out_of_hours_phone: str | None = None,
        demonstration: bool = False,
    ) -> Card:
        """A new card for `keys`, signed with them; FieldInvalid texts are the caller's to refuse."""
        public = bytes(keys.signing.verify_key)
        payload: dict[int, Any] = {1: org_id, 2: org_type, 3: name, 4: phone}
        if out_of_hours_phone:
            payload[5] = out_of_hours_phone
        payload |= {6: public, 7: keys.opening.public, 8: bytes(keys.log.verify_key)}
        payload |= {9: int(issued.timestamp()), 10: demonstration}
        if keys.classical:
            payload[11] = keys.classical.public
        header = {cose.ALG: cose.ED25519, cose.KID: signing_kid(public), cose.TYP: TYP}
        return cls.parse(cose.sign1(header, cbor.encode(payload), keys.signing))

    @classmethod
    def parse(cls, data: bytes) -> Card:
        """The card in `data`; Malformed if it is none, BadSignature if its signature does not match."""
        return _parse_card(bytes(data))

    def opening_keys(self) -> tuple[PublicOpening, PublicOpening | None]:
        """The hybrid key and, if the card has one, the classical key; each is parsed once a process."""
        classical = self.classical_opening
        return (
            public_opening(HybridOpening, self.opening),
            public_opening(ClassicalOpening, classical) if classical else None,
        )


@functools.lru_cache(maxsize=256)
def _parse_card(data: bytes) -> Card:
    if len(data) > MAX_BYTES:
        raise Malformed("the bytes are not an agency card")
    message = cose.parse_sign1(data, required=_HEADER)
    payload = cbor.decode(message.payload)
    _check_shape(message.header, payload)
    cose.verify_sign1(message, payload[6])
    card = Card(
        **{name: payload.get(label) for label, name in _TEXTS.items()},
        signing=payload[6],
        opening=payload[7],
        log_key=payload[8],
        issued=datetime.fromtimestamp(payload[9], UTC),
        demonstration=payload[10],
        classical_opening=payload.get(11),
        data=data,
        fingerprint=sha256(message.payload).digest(),
        kid=message.header[cose.KID],
    )
    card.opening_keys()  # a key that nothing can be sealed for is found out now, not on the day it is needed
    return card


def _check_shape(header: dict[int, Any], payload: Any) -> None:
    if type(payload) is not dict or not _LABELS - _OPTIONAL <= set(payload) <= _LABELS:
        raise Malformed("the bytes are not an agency card")
    texts_fit = all(_is_text(payload[label]) for label in _TEXTS if label in payload)
    keys_fit = all(_has_length(payload[label], size) for label, size in _KEYS.items() if label in payload)
    rest_fits = type(payload[9]) is int and 0 <= payload[9] < 2**34 and type(payload[10]) is bool
    if not (texts_fit and keys_fit and rest_fits and ORG_ID.match(payload[1])):
        raise Malformed("the bytes are not an agency card")
    if header[cose.TYP] != TYP or header[cose.KID] != signing_kid(payload[6]):
        raise Malformed("the bytes are not an agency card")


def _is_text(value: object) -> bool:
    """Printable and short: a card is shown on terminals and in reports."""
    return type(value) is str and 0 < len(value) <= 200 and value.isprintable()


def _has_length(value: object, size: int) -> bool:
    return type(value) is bytes and len(value) == size


@dataclass(frozen=True, slots=True)
class Pin:
    """One accepted card: `confirmed` if its fingerprint was compared, `revoked` from when it was withdrawn."""

    card: Card
    confirmed: bool = False
    revoked: datetime | None = None
    reason: str = ""


class Trust:
    """The cards that are believed: pinned by key, looked up by key or by organisation."""

    def __init__(self, cards: Iterable[bytes | Card] = ()) -> None:
        self._pins: dict[bytes, Pin] = {}
        for card in cards:
            self._pin(Pin(card if isinstance(card, Card) else Card.parse(card)))

    def __iter__(self) -> Iterator[Pin]:
        return iter(sorted(self._pins.values(), key=lambda pin: (pin.card.org_id, pin.card.issued)))

    def joined(self, cards: Iterable[bytes]) -> Trust:
        """A store that believes `cards` too; a key that is pinned here already stays as it is, revoked or not.

        NotTrusted if another card of the organisation is pinned: nobody takes its name by handing over a card.
        """
        both = Trust(cards)
        for pin in both:
            if pin.card.kid not in self._pins:
                self._check_succession(pin.card, None)
        both._pins |= self._pins
        return both

    def add(self, card: bytes, fingerprint: str | None = None) -> Pin:
        """Pin `card`; NotTrusted if `fingerprint` (64 hex digits, spaces and case ignored) is not its own.

        An organisation whose other keys are pinned already is given new ones only with a fingerprint.
        """
        pin = self._candidate(card, fingerprint)
        self._pin(pin)
        return pin

    def _candidate(self, card: bytes, fingerprint: str | None) -> Pin:
        """The pin that `add` would make; errors as there."""
        parsed = Card.parse(card)
        if fingerprint is not None and _digits(fingerprint) != parsed.fingerprint.hex():
            raise NotTrusted("the fingerprint is not that of this card")
        self._check_succession(parsed, fingerprint)
        pin, known = Pin(parsed, confirmed=fingerprint is not None), self._pins.get(parsed.kid)
        if known is None:
            return pin
        if known.revoked:
            raise Revoked(f"the key of {parsed.org_id} was revoked here", hint="ask for a card with new keys")
        if known.card.org_id != parsed.org_id:
            raise NotTrusted(f"the key of this card is pinned for {known.card.org_id}", hint="telephone both of them")
        return replace(pin, confirmed=pin.confirmed or (known.confirmed and known.card.data == card))

    def _check_succession(self, card: Card, fingerprint: str | None) -> None:
        others = [pin for pin in self if pin.card.org_id == card.org_id and pin.card.data != card.data]
        if others and fingerprint is None:
            raise NotTrusted(
                f"another card is pinned for {card.org_id}",
                hint="telephone them; if the new card is theirs, add it with --fingerprint",
            )

    def revoke(self, org_id: str, *, reason: str, now: datetime) -> list[Pin]:
        """Stop believing every card of an organisation from `now`; UnknownSender if there is none."""
        pins = [pin for pin in self if pin.card.org_id == org_id and not pin.revoked]
        if not pins:
            raise UnknownSender("no valid card of that organisation is pinned", hint="sharekit trust list")
        revoked = [replace(pin, revoked=now, reason=reason) for pin in pins]
        for pin in revoked:
            self._pin(pin)
        return revoked

    def find(self, kid: bytes, *, org_id: str, at: datetime) -> Pin:
        """The pin of the key `kid`, if it is `org_id`'s own and valid `at` that time; revocation is the caller's.

        Raises UnknownSender, or NotVerified's kin where the key is known but not for this.
        """
        pin = self._pins.get(kid)
        if pin is None:
            raise UnknownSender("the sender's key is not pinned here")
        if pin.card.org_id != org_id:
            raise NotTrusted("the key belongs to another organisation than the one named")
        if at < pin.card.issued - EARLY:
            raise NotVerified("the packet is older than its sender's key", hint=NotTrusted.hint)
        return pin

    def card(self, org_id: str) -> Card:
        """The newest card of an organisation that is not revoked, to seal for; UnknownSender if there is none."""
        pins = [pin for pin in self if pin.card.org_id == org_id]
        if not pins:
            raise UnknownSender(
                "no card of that recipient is pinned here",
                hint="ask them for their card, confirm its fingerprint by telephone, then: sharekit trust add CARD",
            )
        valid = [pin.card for pin in pins if not pin.revoked]
        if not valid:
            raise Revoked("the card of that recipient was revoked here", hint="ask for a card with new keys")
        return valid[-1]

    def unconfirmed(self, cards: Iterable[Card]) -> list[str]:
        """The organisations of those cards whose fingerprint nobody has compared."""
        return [card.org_id for card in cards if card.kid in self._pins and not self._pins[card.kid].confirmed]

    def log_keys(self, org_id: str) -> list[bytes]:
        """The log keys of an organisation, newest first, without those revoked; NotTrusted if there is none."""
        return [card.log_key for card in self._cards_of(org_id)]

    def signing_keys(self, org_id: str) -> list[bytes]:
        """The signing keys of an organisation, likewise; they cosign as well."""
        return [card.signing for card in self._cards_of(org_id)]

    def _cards_of(self, org_id: str) -> list[Card]:
        cards = [pin.card for pin in self if pin.card.org_id == org_id and not pin.revoked]
        if not cards:
            raise NotTrusted("no trusted card holds that ledger's key", hint="give the agency's card with --trust")
        return cards[::-1]

    def _pin(self, pin: Pin) -> None:
        self._pins[pin.card.kid] = pin


class TrustFolder(Trust):
    """A trust store kept in a folder, one file a key, replaced in one step.

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
            self._pins[pin.card.kid] = pin

    def _candidate(self, card: bytes, fingerprint: str | None) -> Pin:
        self._read()  # another process may have revoked the key since
        return super()._candidate(card, fingerprint)

    def _pin(self, pin: Pin) -> None:
        fields: dict[int, Any] = {1: pin.card.data, 2: pin.confirmed}
        if pin.revoked:
            fields |= {3: int(pin.revoked.timestamp()), 4: pin.reason}
        files.write(self._folder / f"{pin.card.kid.hex()[:32]}.pin", cbor.encode(fields))
        super()._pin(pin)


def _read_pin(data: bytes) -> Pin:
    match cbor.decode(data):
        case {1: bytes() as card, 2: bool() as confirmed, **rest} if not rest:
            return Pin(Card.parse(card), confirmed)
        case {1: bytes() as card, 2: bool() as confirmed, 3: int() as revoked, 4: str() as reason, **rest}:
            if not rest and type(revoked) is int and 0 <= revoked < 2**34:
                return Pin(Card.parse(card), confirmed, datetime.fromtimestamp(revoked, UTC), reason)
    raise _damaged()


def _damaged() -> Malformed:
    return Malformed("a card of the trust store is damaged", hint="restore the home's trust folder from its backup")


def _digits(fingerprint: str) -> str:
    return re.sub(r"[\s:]", "", fingerprint).lower()
