"""The bare calls that a packet is made of, in order, and nothing else: no check, no profile, no rule.

What is written here is a packet that sharekit opens, and what is read here is the dataset that sharekit sealed:
so the yardstick does all of the work that cannot be left out, and only that.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import nacl.bindings
from cbor2 import dumps, loads
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from nacl.signing import SigningKey

HYBRID = Suite(KEM.MLKEM768_X25519, KDF.SHAKE256, AEAD.AES_256_GCM)
SIGN1, ENCRYPT = b"\xd2", b"\xd8\x60"
CONTENT = dumps({1: 3})
EK_BYTES = 1088 + 32


@dataclass(frozen=True)
class Recipient:
    """One public key, parsed, and the protected header that names it."""

    org_id: str
    public: Any
    protected: bytes


def seal(
    fields: Mapping[str, Any],
    terms: Mapping[str, Any],
    *,
    signing: SigningKey,
    kid: bytes,
    sender: str,
    recipients: Sequence[Recipient],
    issued: int,
    days: int,
) -> bytes:
    """Encode, hash, encrypt, encapsulate and sign; `terms` and `fields` stand in the order of their encoding."""
    dataset = _padded(dumps({1: os.urandom(32), 2: fields, 3: {}}))
    manifest = _padded(dumps({1: os.urandom(32), 2: "share", 5: terms, 6: sha256(dataset).digest(), 7: []}))
    aud = [recipient.org_id for recipient in recipients]
    protected = dumps(
        {
            1: -19,
            2: [-70001],
            4: kid,
            15: {1: sender, 3: aud, 4: issued + 86400 * days, 6: issued, 7: os.urandom(16)},
            16: "application/sharekit.statement+cose",
            258: -16,
            259: "application/sharekit.sealed+cbor",
            -70001: sha256(manifest).digest(),
        }
    )
    aad = sha256(b"sharekit/1 aad" + protected).digest()
    info = sha256(b"sharekit/1 dataset-open" + aad + manifest).digest()
    sealed = dumps([_encrypted(manifest, aad, aad, recipients), _encrypted(dataset, aad, info, recipients), []])
    digest = sha256(sealed).digest()
    signature = signing.sign(dumps(["Signature1", protected, b"", digest])).signature
    return dumps(["sharekit", 1, SIGN1 + dumps([protected, {}, digest, signature]), sealed])


def open_(packet: bytes, *, verify_key: bytes, private: Any, protected: bytes) -> Any:
    """Decode, verify, decapsulate and decrypt: the manifest, then the dataset; its fields."""
    _, _, statement, sealed = loads(packet)
    header, _, digest, signature = loads(statement[1:])
    nacl.bindings.crypto_sign_open(signature + dumps(["Signature1", header, b"", digest]), verify_key)
    if sha256(sealed).digest() != digest:
        raise ValueError
    commit = loads(header)[-70001]
    aad = sha256(b"sharekit/1 aad" + header).digest()
    m, d, _ = loads(sealed)
    manifest = _decrypted(m, aad, aad, private, protected)
    if sha256(manifest).digest() != commit:
        raise ValueError
    read = _unpadded(manifest)
    info = sha256(b"sharekit/1 dataset-open" + aad + manifest).digest()
    dataset = _decrypted(d, aad, info, private, protected)
    if sha256(dataset).digest() != read[6]:
        raise ValueError
    return _unpadded(dataset)[2]


def _encrypted(plaintext: bytes, aad: bytes, info: bytes, recipients: Sequence[Recipient]) -> bytes:
    cek, iv = os.urandom(32), os.urandom(12)
    ciphertext = AESGCM(cek).encrypt(iv, plaintext, dumps(["Encrypt", CONTENT, aad]))
    blocks = []
    for recipient in recipients:
        structure = dumps(["HPKE Recipient", 3, recipient.protected, info])
        wrapped = HYBRID.encrypt(cek, recipient.public, structure)
        blocks.append([recipient.protected, {-4: wrapped[:EK_BYTES]}, wrapped[EK_BYTES:]])
    return ENCRYPT + dumps([CONTENT, {5: iv}, ciphertext, blocks])


def _decrypted(data: bytes, aad: bytes, info: bytes, private: Any, protected: bytes) -> bytes:
    _, unprotected, ciphertext, blocks = loads(data[2:])
    for block in blocks:
        if block[0] == protected:
            break
    cek = HYBRID.decrypt(block[1][-4] + block[2], private, dumps(["HPKE Recipient", 3, protected, info]))
    return AESGCM(cek).decrypt(unprotected[5], ciphertext, dumps(["Encrypt", CONTENT, aad]))


def _padded(data: bytes) -> bytes:
    data += b"\x80"
    return data.ljust(max(1024, 1 << (len(data) - 1).bit_length()), b"\x00")


def _unpadded(data: bytes) -> Any:
    return loads(data.rstrip(b"\x00")[:-1])
