"""A copy of an agency's keys for the day when its passphrase is lost, and the secret that opens it.

The secret is 160 random bits, printed in eight groups of five letters and digits. The last one of a group checks it, so
that a slip of the pen is found in its group. Where the copy is for a partner, its card opens the secret, not the keys:
the partner reads it out, and the copy stays with its owner.

    recovery = [ "sharekit-recovery", 1, org_id, box, lock / nil ]   box = SecretBox(SHA-256(prefix || secret), seeds)
    lock     = [ kid, encapsulated key, ciphertext ]                 the secret, by HPKE to the opening key of a card
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable
from hashlib import sha256

import nacl.exceptions
import nacl.secret

from sharekit import cbor
from sharekit.errors import CannotDecrypt, Malformed, NotForYou, Usage, WrongPassphrase
from sharekit.trust.cards import ORG_ID, Card
from sharekit.trust.keys import ClassicalOpening, HybridOpening, Keys, seeds_of, with_seeds
from sharekit.values import Value, field

__all__ = ["Copy", "is_for", "make", "read", "secret_in", "secret_of", "spelled"]

_MAGIC, _VERSION = "sharekit-recovery", 1
_PREFIX = b"sharekit recovery\0"
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without I, L, O and U, which are read for others
_READ_AS = str.maketrans("OIL", "011")
SECRET_BYTES, GROUPS, IN_GROUP = 20, 8, 5
MOST = 16 * 1024


class Copy(Value):
    """A copy of the keys in the bytes `data`, and the `secret` of 20 bytes that opens it."""

    data: bytes
    secret: bytes = field(repr=False)


def make(keys: Keys, *, org_id: str, partner: Card | None = None) -> Copy:
    """A new copy of `keys`, the log key among them; with `partner` its secret is in it, sealed to that card."""
    secret = os.urandom(SECRET_BYTES)
    box = bytes(_box(secret).encrypt(cbor.encode(seeds_of(keys))))
    lock = None
    if partner is not None:
        opening = partner.opening_keys()[0]
        ek, ciphertext = opening.encrypt(secret, _info(org_id, box))
        lock = [opening.kid, ek, ciphertext]
    return Copy(cbor.encode([_MAGIC, _VERSION, org_id, box, lock]), secret)


def read(data: bytes, secret: bytes) -> Keys:
    """The keys in a copy; WrongPassphrase if `secret` does not open it, Malformed if it is none."""
    _, box, _ = _parts(data)
    try:
        return with_seeds(_box(secret).decrypt(box))
    except (nacl.exceptions.CryptoError, ValueError, TypeError):
        raise WrongPassphrase(
            "that secret does not open this copy", hint="check that the two belong together"
        ) from None


def is_for(data: bytes) -> str:
    """The id of the organisation whose keys a copy holds, as the copy says; Malformed if it is none."""
    return _parts(data)[0]


def secret_in(data: bytes, keys: Iterable[HybridOpening | ClassicalOpening]) -> bytes:
    """The secret of a copy that was made for the holder of one of `keys`; NotForYou if it was made for another."""
    org_id, box, lock = _parts(data)
    for key in keys:
        if lock is not None and key.kid == lock[0]:
            secret = key.decrypt(lock[1], lock[2], _info(org_id, box))
            if len(secret) == SECRET_BYTES:
                return secret
            raise CannotDecrypt("the copy holds no secret")
    raise NotForYou("this copy was not made for your card", hint="its owner has the secret on paper, or asks another")


def spelled(secret: bytes) -> str:
    """A secret as it is printed: eight groups of four letters and digits, and one that checks them."""
    number = int.from_bytes(secret, "big")
    digits = [_LETTERS[number >> shift & 31] for shift in range(8 * SECRET_BYTES - 5, -1, -5)]
    groups = ["".join(digits[at : at + IN_GROUP - 1]) for at in range(0, len(digits), IN_GROUP - 1)]
    return " ".join(group + _check(place, group) for place, group in enumerate(groups, 1))


def secret_of(text: str) -> bytes:
    """The secret that somebody typed: blanks, hyphens and capitals do not matter, O is 0, I and L are 1.

    Usage, naming the group where it can be told, if that is not how one is printed.
    """
    plain = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).upper().translate(_READ_AS)
    if len(plain) != GROUPS * IN_GROUP:
        raise Usage(f"a secret has {GROUPS} groups of {IN_GROUP} letters and digits", hint="type all of them")
    number = 0
    for place in range(1, GROUPS + 1):
        group = plain[(place - 1) * IN_GROUP : place * IN_GROUP]
        if not set(group) <= set(_LETTERS) or group[-1] != _check(place, group[:-1]):
            raise Usage(f"there is a slip in group {place} of the secret", hint="compare it with the paper")
        for letter in group[:-1]:
            number = number << 5 | _LETTERS.index(letter)
    return number.to_bytes(SECRET_BYTES, "big")


def _check(place: int, group: str) -> str:
    return _LETTERS[sha256(f"{place} {group}".encode()).digest()[0] & 31]


def _box(secret: bytes) -> nacl.secret.SecretBox:
    return nacl.secret.SecretBox(sha256(_PREFIX + secret).digest())


def _info(org_id: str, box: bytes) -> bytes:
    return _PREFIX + cbor.encode([org_id, sha256(box).digest()])


def _parts(data: bytes) -> tuple[str, bytes, tuple[bytes, bytes, bytes] | None]:
    try:
        found = cbor.decode(data) if len(data) <= MOST else None
    except Malformed:
        found = None
    match found:
        case ["sharekit-recovery", 1, str() as org_id, bytes() as box, lock] if ORG_ID.match(org_id):
            match lock:
                case None:
                    return org_id, box, None
                case [bytes() as kid, bytes() as ek, bytes() as sealed]:
                    return org_id, box, (kid, ek, sealed)
    raise Malformed("the file is no copy of keys", hint="it is what sharekit keys recovery -o FILE wrote")
