"""Agency cards: who an agency is, where it can be telephoned, and which keys are its own.

A card is signed with the signing key that it names. Only its fingerprint, read out over a telephone line already
known, makes it true: whether to believe a card is the trust store's business.

    card = COSE_Sign1, typ "application/sharekit.card+cose", payload
           { 1 org_id, 2 org_type, 3 name, 4 phone, ? 5 out_of_hours_phone, 6 signing, 7 opening, 8 log key,
             9 issued, 10 demonstration, ? 11 classical opening }
"""

from __future__ import annotations

import functools
import re
from datetime import datetime
from hashlib import sha256
from typing import Any

from sharekit import cbor, cose
from sharekit.errors import Malformed
from sharekit.moments import is_seconds, seconds_of, time_of
from sharekit.trust.keys import ClassicalOpening, HybridOpening, Keys, PublicOpening, public_opening, signing_kid
from sharekit.values import Value

__all__ = ["Card"]

TYP = "application/sharekit.card+cose"
ORG_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}\Z")
MAX_BYTES = 16 * 1024
_HEADER = (cose.ALG, cose.KID, cose.TYP)
_TEXTS = {1: "org_id", 2: "org_type", 3: "name", 4: "phone", 5: "out_of_hours_phone"}
_KEYS = {6: 32, 7: HybridOpening.public_bytes, 8: 32, 11: ClassicalOpening.public_bytes}
_LABELS, _OPTIONAL = frozenset(range(1, 12)), frozenset({5, 11})


class Card(Value):
    """An agency card whose own signature has been checked; whether to believe it, the trust store decides.

    `signing`, `opening`, `log_key` and `classical_opening` (None if the agency has none) are public keys, `kid` is the
    thumbprint of `signing`, `fingerprint` the SHA-256 of the signed payload, `data` the card's own bytes.
    """

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
        """A new card for `keys`, signed with them.

        `issued` is when it is made; `demonstration` marks a card that live homes refuse.

        Malformed if one of the texts cannot stand on a card: empty, longer than 200 characters, or not printable.
        """
        public = bytes(keys.signing.verify_key)
        payload: dict[int, Any] = {1: org_id, 2: org_type, 3: name, 4: phone}
        if out_of_hours_phone:
            payload[5] = out_of_hours_phone
        payload |= {6: public, 7: keys.opening.public, 8: bytes(keys.log.verify_key)}
        payload |= {9: seconds_of(issued), 10: demonstration}
        if keys.classical:
            payload[11] = keys.classical.public
        header = {cose.ALG: cose.ED25519, cose.KID: signing_kid(public), cose.TYP: TYP}
        return cls.parse(cose.sign1(header, cbor.encode(payload), keys.signing))

    @classmethod
    def parse(cls, data: bytes) -> Card:
        """The card in `data`; Malformed if it is none, BadSignature if its signature does not match."""
        return _parse_card(bytes(data))

    @property
    def contact(self) -> dict[str, str | None]:
        """Who the agency is and where it can be telephoned: org_id, name, phone and out_of_hours_phone."""
        return {name: getattr(self, name) for name in ("org_id", "name", "phone", "out_of_hours_phone")}

    def opening_kids(self) -> tuple[bytes, ...]:
        """The thumbprints of its opening keys, by which recipient blocks name them."""
        hybrid = HybridOpening.kid_of(self.opening)
        return (hybrid, ClassicalOpening.kid_of(self.classical_opening)) if self.classical_opening else (hybrid,)

    def opening_keys(self) -> tuple[PublicOpening, PublicOpening | None]:
        """The hybrid opening key, and the classical one or None; both are parsed once in a process."""
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
        issued=time_of(payload[9]),
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
    rest_fits = is_seconds(payload[9]) and type(payload[10]) is bool
    if not (texts_fit and keys_fit and rest_fits and ORG_ID.match(payload[1])):
        raise Malformed("the bytes are not an agency card")
    if header[cose.TYP] != TYP or header[cose.KID] != signing_kid(payload[6]):
        raise Malformed("the bytes are not an agency card")


def _is_text(value: object) -> bool:
    """Whether it is printable and short: a card is shown on terminals and in reports."""
    return type(value) is str and 0 < len(value) <= 200 and value.isprintable()


def _has_length(value: object, size: int) -> bool:
    return type(value) is bytes and len(value) == size
