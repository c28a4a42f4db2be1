"""COSE_Sign1 and COSE_Encrypt (RFC 9052) in the one form that sharekit writes and accepts.

One signature algorithm (Ed25519, RFC 9864), one content algorithm (A256GCM), two HPKE key encryptions
(draft-ietf-cose-hpke). Header maps are closed: the caller says which labels may appear, everything else is
refused, and nothing is ever read from an unprotected header but what cannot be protected: the IV and the
encapsulated key. This module knows nothing of children or purposes.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Protocol

import nacl.bindings
import nacl.exceptions
import nacl.signing
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sharekit import cbor
from sharekit.errors import BadSignature, CannotDecrypt, Malformed, NotForYou
from sharekit.values import Value, field

# IANA "COSE Header Parameters"
ALG, CRIT, CONTENT_TYPE, KID, IV = 1, 2, 3, 4, 5
CWT_CLAIMS, TYP = 15, 16
PAYLOAD_HASH_ALG, PREIMAGE_TYPE, PAYLOAD_LOCATION = 258, 259, 260  # RFC 9995
EK = -4  # encapsulated key, draft-ietf-cose-hpke
# IANA "COSE Algorithms"
ED25519, SHA_256, A256GCM = -19, -16, 3

SIGN1_TAG, ENCRYPT_TAG = b"\xd2", b"\xd8\x60"  # the encoded heads of tags 18 and 96 (RFC 9052 section 2)
MAX_RECIPIENTS = 64
KID_BYTES, CEK_BYTES, IV_BYTES, TAG_BYTES, SIGNATURE_BYTES, PUBLIC_BYTES = 32, 32, 12, 16, 64, 32
ENCRYPTED_BYTES = CEK_BYTES + TAG_BYTES

_CONTENT_PROTECTED = cbor.encode({ALG: A256GCM})
_ENCRYPT_START = ENCRYPT_TAG + b"\x84" + cbor.encode(_CONTENT_PROTECTED) + b"\xa1\x05\x4c"  # as far as the IV
_PROTECTED = rb"\x83\x58\x27\xa2\x01\x18%b\x04\x58\x20.{32}"  # { 1: alg, 4: kid }, the first of three parts
_BLOCKS = {  # a recipient block of each algorithm, byte for byte: protected, { -4: ek }, the CEK and its tag
    50: re.compile(_PROTECTED % rb"\x32" + rb"\xa1\x23\x58\x20.{32}\x58\x30.{48}", re.DOTALL),
    57: re.compile(_PROTECTED % rb"\x39" + rb"\xa1\x23\x59\x04\x60.{1120}\x58\x30.{48}", re.DOTALL),
}
_ALG_AT, _KID_AT = 6, 10  # where alg and kid stand in a block


class EncryptionKey(Protocol):
    """What `encrypt` needs of a recipient: a public opening key.

    `alg` is its COSE algorithm number, `kid` its 32-byte thumbprint.
    """

    @property
    def alg(self) -> int: ...

    @property
    def kid(self) -> bytes: ...

    def encrypt(self, plaintext: bytes, info: bytes) -> tuple[bytes, bytes]:
        """Encapsulated key and ciphertext: HPKE encryption of `plaintext` to this key, bound to `info`."""


class DecryptionKey(Protocol):
    """What `decrypt` needs of a reader: a private opening key.

    `alg` is its COSE algorithm number, `kid` its 32-byte thumbprint, `ek_bytes` the length of an encapsulated key.
    """

    @property
    def alg(self) -> int: ...

    @property
    def kid(self) -> bytes: ...

    @property
    def ek_bytes(self) -> int: ...

    def decrypt(self, ek: bytes, ciphertext: bytes, info: bytes) -> bytes:
        """The plaintext; CannotDecrypt whatever the cause."""


class Sign1(Value):
    """COSE_Sign1 = [ protected : bstr .cbor header_map, unprotected : {}, payload : bstr, signature : bstr ]

    Parsed, not verified (RFC 9052 section 4.2).
    """

    protected: bytes
    header: dict[int, Any]
    payload: bytes
    signature: bytes


class Encrypt(Value):
    """COSE_Encrypt = [ protected : bstr .cbor {1: 3}, unprotected : {5: iv}, ciphertext : bstr,
                     recipients : [+ recipient] ]

    recipient = [ protected : bstr .cbor {1: alg, 4: kid}, unprotected : {-4: ek}, ciphertext : bstr ]

    Parsed (RFC 9052 section 5.1); all recipient blocks have the form and one algorithm, and are kept as they came.
    """

    iv: bytes
    ciphertext: bytes
    recipients: tuple[bytes, ...]


class Nonces(Value):
    """The random parts of one encryption: a content key of 32 bytes and an IV of 12."""

    cek: bytes = field(repr=False)
    iv: bytes

    @classmethod
    def fresh(cls) -> Nonces:
        """New random parts; only a test vector that is reproduced gives its own."""
        return cls(os.urandom(CEK_BYTES), os.urandom(IV_BYTES))


def sign1(header: dict[int, Any], payload: bytes, key: nacl.signing.SigningKey) -> bytes:
    """A tagged COSE_Sign1 over `payload`; `header` is protected as a whole and says that `alg` is Ed25519."""
    return sign_protected(cbor.encode(header), payload, key)


def sign_protected(protected: bytes, payload: bytes, key: nacl.signing.SigningKey) -> bytes:
    """A tagged COSE_Sign1 whose header map is already encoded, because other bytes are bound to that encoding."""
    signature = key.sign(_to_be_signed(protected, payload)).signature
    return SIGN1_TAG + cbor.encode([protected, {}, payload, signature])


def parse_sign1(data: bytes, *, required: Collection[int], optional: Collection[int] = ()) -> Sign1:
    """The parts of a tagged COSE_Sign1, not verified.

    Malformed unless its protected header has all of the labels `required`, and none besides but those `optional`.
    """
    parts = _tagged(data, SIGN1_TAG, "a COSE_Sign1")
    match parts:
        case [bytes() as protected, dict() as unprotected, bytes() as payload, bytes() as signature]:
            if unprotected or len(signature) != SIGNATURE_BYTES:
                raise Malformed("the signature is not in the form sharekit accepts")
        case _:
            raise Malformed("the bytes are not a COSE_Sign1")
    header = _closed_header(protected, required, optional)
    if header[ALG] != ED25519:
        raise Malformed("the signature algorithm is not Ed25519")
    return Sign1(protected, header, payload, signature)


def verify_sign1(message: Sign1, public: bytes) -> None:
    """Return only if the Ed25519 key `public` (32 bytes) signed the message; BadSignature otherwise."""
    signed = message.signature + _to_be_signed(message.protected, message.payload)
    try:
        if len(public) != PUBLIC_BYTES:  # the binding does not look, and reads on behind a short key
            raise ValueError
        nacl.bindings.crypto_sign_open(signed, public)
    except (nacl.exceptions.CryptoError, ValueError):
        raise BadSignature("the signature does not match") from None


def _to_be_signed(protected: bytes, payload: bytes) -> bytes:
    return cbor.encode(
        [
            "Signature1",  # context
            protected,  # body_protected
            b"",  # external_aad
            payload,  # payload
        ]
    )


def encrypt(
    plaintext: bytes,
    *,
    aad: bytes,
    recipients: Iterable[EncryptionKey],
    extra_info: bytes,
    nonces: Nonces | None = None,
) -> bytes:
    """A tagged COSE_Encrypt of `plaintext` with one HPKE block for each of `recipients`, in their order.

    `aad` is bound to the ciphertext, `extra_info` to every block.
    """
    nonces = nonces or Nonces.fresh()
    ciphertext = AESGCM(nonces.cek).encrypt(nonces.iv, plaintext, _enc_structure(aad))
    info = cbor.encode(extra_info)
    blocks = [_recipient_block(nonces.cek, key, info) for key in recipients]
    return ENCRYPT_TAG + cbor.encode([_CONTENT_PROTECTED, {IV: nonces.iv}, ciphertext, blocks])


def _recipient_block(cek: bytes, key: EncryptionKey, encoded_info: bytes) -> list[Any]:
    """The COSE_recipient that gives the content key `cek` to the holder of `key` (draft-ietf-cose-hpke)."""
    protected = _recipient_protected(key.alg, key.kid)
    ek, encrypted = key.encrypt(cek, _recipient_start(protected) + encoded_info)
    return [protected, {EK: ek}, encrypted]


@functools.lru_cache(maxsize=1024)
def _recipient_protected(alg: int, kid: bytes) -> bytes:
    return cbor.encode({ALG: alg, KID: kid})


def parse_encrypt(data: bytes) -> Encrypt:
    """The parts of a tagged COSE_Encrypt, in the one form that `encrypt` writes; Malformed otherwise.

    It is read by the lengths in its heads: nothing is built of what a stranger made large.
    """
    start = len(_ENCRYPT_START)
    if not data.startswith(_ENCRYPT_START):
        raise _no_encryption()
    kind, size, begin = cbor.head(data, start + IV_BYTES)
    end = begin + size
    if kind != cbor.BYTES or size < TAG_BYTES:
        raise _no_encryption()
    kind, count, first = cbor.head(data, end)
    if kind != cbor.ARRAY or not 1 <= count <= MAX_RECIPIENTS:
        raise _no_encryption()
    return Encrypt(data[start : start + IV_BYTES], data[begin:end], _blocks(data, first, count))


def _blocks(data: bytes, position: int, count: int) -> tuple[bytes, ...]:
    """The `count` recipient blocks from `position` to the end, all of one algorithm."""
    form = _BLOCKS.get(data[position + _ALG_AT]) if position + _ALG_AT < len(data) else None
    found: list[bytes] = []
    while form and len(found) < count and (block := form.match(data, position)):
        found.append(block[0])
        position = block.end()
    if len(found) != count or position != len(data):
        raise Malformed("the recipient blocks are not in the form sharekit accepts")
    return tuple(found)


def _no_encryption() -> Malformed:
    return Malformed("the encryption is not in the form sharekit accepts")


def recipients(message: Encrypt) -> list[tuple[int, bytes]]:
    """Algorithm number and kid of every recipient block, in their order."""
    return [(block[_ALG_AT], block[_KID_AT : _KID_AT + KID_BYTES]) for block in message.recipients]


def decrypt(message: Encrypt, keys: Sequence[DecryptionKey], *, aad: bytes, extra_info: bytes) -> bytes:
    """The plaintext, found by the recipient block for one of `keys`.

    Raises NotForYou if there is no such block, and CannotDecrypt if anything else fails.
    """
    block, key = _own_block(message, keys)
    protected = _recipient_protected(key.alg, key.kid)
    cek = key.decrypt(*_block_parts(block, key), _recipient_start(protected) + cbor.encode(extra_info))
    try:
        return AESGCM(cek).decrypt(message.iv, message.ciphertext, _enc_structure(aad))
    except (InvalidTag, ValueError):
        raise cannot_decrypt() from None


def cannot_decrypt() -> CannotDecrypt:
    """The one error for every failure inside decryption: which step failed helps only an attacker."""
    return CannotDecrypt("the contents cannot be decrypted")


def _own_block(message: Encrypt, keys: Sequence[DecryptionKey]) -> tuple[bytes, DecryptionKey]:
    """The block that begins with the protected bytes of one of our keys; the others are not decrypted."""
    for key in keys:
        own = cbor.encode(_recipient_protected(key.alg, key.kid))
        for block in message.recipients:
            if block.startswith(own, 1):  # behind the head of the array
                return block, key
    raise NotForYou("the packet has no block for this agency's keys")


def _block_parts(block: bytes, key: DecryptionKey) -> tuple[bytes, bytes]:
    """Encapsulated key and encrypted CEK: the last parts of a block, whose lengths its form has fixed."""
    ek_end = len(block) - ENCRYPTED_BYTES - 2  # before the head of the encrypted CEK
    return block[ek_end - key.ek_bytes : ek_end], block[-ENCRYPTED_BYTES:]


@functools.lru_cache(maxsize=1024)
def _recipient_start(protected: bytes) -> bytes:
    """The Recipient_structure without its last item, in whose place an empty one has a single byte."""
    return cbor.encode(
        [
            "HPKE Recipient",  # context
            A256GCM,  # next_layer_alg
            protected,  # recipient_protected_header
            b"",  # recipient_extra_info
        ]
    )[:-1]


def _enc_structure(aad: bytes) -> bytes:
    return _ENC_START + cbor.encode(aad)


_ENC_START = cbor.encode(
    [
        "Encrypt",  # context
        _CONTENT_PROTECTED,  # protected
        b"",  # external_aad
    ]
)[:-1]


def _tagged(data: bytes, tag: bytes, what: str) -> Any:
    if not data.startswith(tag):
        raise Malformed(f"the bytes are not {what}")
    return cbor.decode(data[len(tag) :])


def _closed_header(protected: bytes, required: Collection[int], optional: Collection[int]) -> dict[int, Any]:
    """The protected header map: every required label, none but the optional ones besides, `crit` as it must be."""
    header = cbor.decode(protected)
    if type(header) is not dict or not _is_plain(header):
        raise Malformed("the protected header is not a map of integers, texts and byte strings")
    labels = set(header)
    if not labels >= set(required) or not labels <= {*required, *optional}:
        raise Malformed("the protected header has labels missing or to spare")
    if CRIT in header and not _crit_fits(header):
        raise Malformed("the protected header's crit is not in the form sharekit accepts")
    return header


def _is_plain(value: object) -> bool:
    """Nothing that Python calls equal to an integer and CBOR does not: -19.0 is no algorithm, true is no label."""
    if type(value) is dict:
        return all(map(_is_plain, value.values()))
    if type(value) is list:
        return all(map(_is_plain, value))
    return type(value) in (int, str, bytes)


def _crit_fits(header: dict[int, Any]) -> bool:
    """`crit` names labels that are present, each once, and not itself (RFC 9052 section 3.1)."""
    crit = header[CRIT]
    if type(crit) is not list or not crit or not all(type(label) is int for label in crit):
        return False
    return len(set(crit)) == len(crit) and set(crit) <= set(header) - {CRIT}
