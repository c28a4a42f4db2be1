"""An agency's keys: one signs, one opens, one signs the ledger; and the two files they rest in.

The opening key is hybrid (HPKE-9-KE: ML-KEM-768 with X25519), because what is recorded today must withstand
the computers of the next seventy-five years. A classical key (HPKE-4-KE: X25519) may stand beside it.
The log key rests in a file of its own without a passphrase, so that checking a packet can always be recorded;
it signs checkpoints and is good for nothing else.
"""

from __future__ import annotations

import abc
import contextlib
import functools
import os
from collections.abc import Iterator
from hashlib import sha256, shake_256
from typing import Any, ClassVar

import nacl.exceptions
import nacl.pwhash.argon2id as argon2id
import nacl.secret
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from nacl.signing import SigningKey

from sharekit import cbor, cose
from sharekit.errors import Malformed, Usage, WrongPassphrase
from sharekit.trust import passphrases
from sharekit.values import Value

__all__ = ["ClassicalOpening", "HybridOpening", "Keys", "public_opening", "seeds_of", "signing_kid", "with_seeds"]

SEED_BYTES = 32


class _Opening(abc.ABC):
    """A private opening key: `alg`, `kid`, `public` bytes, and HPKE decryption."""

    alg: ClassVar[int]
    suite: ClassVar[Suite]
    ek_bytes: ClassVar[int]

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise Malformed("the bytes are not the seed of an opening key")
        self.seed = seed
        self._private, self.public = self._expand(seed)
        self.kid = type(self).kid_of(self.public)

    @staticmethod
    @abc.abstractmethod
    def _expand(seed: bytes) -> tuple[Any, bytes]: ...

    @staticmethod
    @abc.abstractmethod
    def kid_of(public: bytes) -> bytes: ...

    def decrypt(self, ek: bytes, ciphertext: bytes, info: bytes) -> bytes:
        try:
            return self.suite.decrypt(ek + ciphertext, self._private, info)
        except (InvalidTag, ValueError):
            raise cose.cannot_decrypt() from None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kid={self.kid.hex()[:8]})"


class HybridOpening(_Opening):
    """HPKE-9-KE: MLKEM768-X25519, SHAKE256, AES-256-GCM. 57 is the number its draft assumes.

    The private key is a 32-byte seed: SHAKE256(seed, 96) gives the ML-KEM seed (64) and the X25519 key (32).
    """

    alg = 57
    suite = Suite(KEM.MLKEM768_X25519, KDF.SHAKE256, AEAD.AES_256_GCM)
    ek_bytes = 1088 + 32
    public_bytes: ClassVar[int] = 1184 + 32

    @staticmethod
    def _expand(seed: bytes) -> tuple[Any, bytes]:
        expanded = shake_256(seed).digest(96)
        lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        curve = X25519PrivateKey.from_private_bytes(expanded[64:])
        public = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
        return MLKEM768X25519PrivateKey(lattice, curve), public

    @staticmethod
    def kid_of(public: bytes) -> bytes:
        """SHA-256 of {1: 7 (AKP), 3: 57, -1: public}: the COSE key thumbprint (RFC 9679) as its draft has it."""
        return sha256(cbor.encode({1: 7, 3: HybridOpening.alg, -1: public})).digest()

    @staticmethod
    def parse_public(public: bytes) -> Any:
        """The public key of these 1216 bytes; ValueError if they are none."""
        lattice = MLKEM768PublicKey.from_public_bytes(public[:1184])
        return MLKEM768X25519PublicKey(lattice, _curve(public[1184:]))


class ClassicalOpening(_Opening):
    """HPKE-4-KE: X25519, HKDF-SHA256, ChaCha20-Poly1305; the private key is the 32-byte X25519 key."""

    alg = 50
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    ek_bytes = 32
    public_bytes: ClassVar[int] = 32

    @staticmethod
    def _expand(seed: bytes) -> tuple[Any, bytes]:
        private = X25519PrivateKey.from_private_bytes(seed)
        return private, private.public_key().public_bytes_raw()

    @staticmethod
    def kid_of(public: bytes) -> bytes:
        """The COSE key thumbprint (RFC 9679) of {1: 1 (OKP), -1: 4 (X25519), -2: public}."""
        return sha256(cbor.encode({1: 1, -1: 4, -2: public})).digest()

    @staticmethod
    def parse_public(public: bytes) -> Any:
        """The public key of these 32 bytes; ValueError if they are none."""
        return _curve(public)


def _curve(public: bytes) -> X25519PublicKey:
    """An X25519 key that agrees on a secret; ValueError for the few points that agree on zeros with everybody."""
    found = X25519PublicKey.from_public_bytes(public)
    X25519PrivateKey.from_private_bytes(bytes(SEED_BYTES)).exchange(found)
    return found


class PublicOpening(Value):
    """A recipient's public opening key, parsed once; `kid` is its 32-byte thumbprint."""

    alg: int
    kid: bytes
    suite: Suite
    ek_bytes: int
    public: Any

    def encrypt(self, plaintext: bytes, info: bytes) -> tuple[bytes, bytes]:
        sealed = self.suite.encrypt(plaintext, self.public, info)
        return sealed[: self.ek_bytes], sealed[self.ek_bytes :]


@functools.lru_cache(maxsize=256)
def public_opening(kind: type[HybridOpening] | type[ClassicalOpening], public: bytes) -> PublicOpening:
    """The public opening key in the bytes of a card; Malformed if they are no key of that kind."""
    try:
        if len(public) != kind.public_bytes:
            raise ValueError
        return PublicOpening(kind.alg, kind.kid_of(public), kind.suite, kind.ek_bytes, kind.parse_public(public))
    except ValueError:
        raise Malformed("the bytes are not an opening key") from None


@functools.lru_cache(maxsize=256)
def signing_kid(public: bytes) -> bytes:
    """The thumbprint (RFC 9679) of an Ed25519 public key of 32 bytes: SHA-256 of {1: 1 (OKP), -1: 6, -2: public}."""
    return sha256(cbor.encode({1: 1, -1: 6, -2: public})).digest()


class Keys(Value):
    """An agency's private keys. Iterating gives its opening keys, the hybrid one first.

    `classical` is None unless the agency asked for a classical opening key.
    """

    signing: SigningKey
    opening: HybridOpening
    log: SigningKey
    vault: bytes  # 32 bytes that seal what is personal in the vault; unlocked together with the opening key
    classical: ClassicalOpening | None = None

    @classmethod
    def generate(cls, classical: bool = False) -> Keys:
        """New random keys; with `classical` there is an X25519 opening key as well.

        >>> keys = sharekit.Keys.generate()
        """
        return cls(
            SigningKey.generate(),
            HybridOpening(os.urandom(SEED_BYTES)),
            SigningKey.generate(),
            os.urandom(SEED_BYTES),
            ClassicalOpening(os.urandom(SEED_BYTES)) if classical else None,
        )

    def __iter__(self) -> Iterator[HybridOpening | ClassicalOpening]:
        yield self.opening
        if self.classical:
            yield self.classical

    def __repr__(self) -> str:
        return f"Keys(signing={signing_kid(bytes(self.signing.verify_key)).hex()[:8]})"


# --- key files -------------------------------------------------------------------------------------------------
# key-file = [ "sharekit-key", 1, salt / nil, box : bstr ]   box = SecretBox(Argon2id(passphrase, salt), seeds)
# seeds    = { 1 signing, 2 opening, 3 vault, ? 4 classical opening } or { 5 log }

_MAGIC, _VERSION = "sharekit-key", 1
LOG = 5  # the label of the log key's seed


def to_file(keys: Keys, passphrase: str | None) -> bytes:
    """The bytes of the key file with every key but the log key, sealed under `passphrase` unless it is None."""
    body = cbor.encode({label: seed for label, seed in seeds_of(keys).items() if label != LOG})
    if passphrase is None:
        return cbor.encode([_MAGIC, _VERSION, None, body])
    salt = os.urandom(argon2id.SALTBYTES)
    return cbor.encode([_MAGIC, _VERSION, salt, bytes(_box(passphrases.normalised(passphrase), salt).encrypt(body))])


def seeds_of(keys: Keys) -> dict[int, bytes]:
    """Every seed by its label, that of the log key among them."""
    seeds = {1: bytes(keys.signing), 2: keys.opening.seed, 3: keys.vault, LOG: bytes(keys.log)}
    return seeds | ({4: keys.classical.seed} if keys.classical else {})


def with_seeds(body: bytes) -> Keys:
    """The keys of which these are the encoded seeds, that of the log key among them; Malformed if they are none."""
    return _keys_of(_seeds(body, frozenset({1, 2, 3, LOG}), frozenset({4})))


def _keys_of(seeds: dict[int, bytes]) -> Keys:
    classical = ClassicalOpening(seeds[4]) if 4 in seeds else None
    return Keys(SigningKey(seeds[1]), HybridOpening(seeds[2]), SigningKey(seeds[LOG]), seeds[3], classical)


def log_to_file(keys: Keys) -> bytes:
    """The bytes of the key file of the log key, which never has a passphrase."""
    return cbor.encode([_MAGIC, _VERSION, None, cbor.encode({LOG: bytes(keys.log)})])


def log_from_file(data: bytes) -> SigningKey:
    """The log key in the bytes of its key file; Malformed if they are none."""
    salt, body = _parts(data)
    if salt is not None:
        raise _damaged()
    return SigningKey(_seeds(body, frozenset({LOG}), frozenset())[LOG])


def from_file(data: bytes, log: SigningKey, passphrase: str | None) -> Keys:
    """The keys in the bytes of a key file, together with the log key.

    A passphrase is tried as it was typed, and in the other forms of the same words. Raises WrongPassphrase if the file
    does not open with it, Malformed if it is no key file.
    """
    salt, body = _parts(data)
    if salt is not None:
        body = _unbox(passphrase, salt, body)
    return _keys_of(_seeds(body, frozenset({1, 2, 3}), frozenset({4})) | {LOG: bytes(log)})


def is_protected(data: bytes) -> bool:
    """Whether the bytes of a key file need a passphrase to open."""
    return _parts(data)[0] is not None


def _parts(data: bytes) -> tuple[bytes | None, bytes]:
    match _decoded(data):
        case ["sharekit-key", int() as version, None | bytes() as salt, bytes() as body]:
            salt_fits = salt is None or len(salt) == argon2id.SALTBYTES
            if type(version) is int and version == _VERSION and salt_fits:
                return salt, body
    raise _damaged()


def _seeds(body: bytes, required: frozenset[int], optional: frozenset[int]) -> dict[int, bytes]:
    seeds = _decoded(body)
    if not isinstance(seeds, dict) or not required <= set(seeds) <= required | optional:
        raise _damaged()
    if any(type(seed) is not bytes or len(seed) != SEED_BYTES for seed in seeds.values()):
        raise _damaged()
    return seeds


def _decoded(data: bytes) -> Any:
    try:
        return cbor.decode(data)
    except Malformed:
        raise _damaged() from None


def _damaged() -> Malformed:
    return Malformed("the bytes are not a key file", hint="restore the key file of this home from its backup")


def _box(passphrase: str, salt: bytes) -> nacl.secret.SecretBox:
    """The box under `passphrase`: Argon2id at a moderate cost, so that a guess takes half a second and 256 MiB."""
    try:
        key = argon2id.kdf(
            nacl.secret.SecretBox.KEY_SIZE,
            passphrase.encode(),
            salt,
            opslimit=argon2id.OPSLIMIT_MODERATE,
            memlimit=argon2id.MEMLIMIT_MODERATE,
        )
    except UnicodeEncodeError:
        raise Usage("the passphrase is not text in this machine's encoding") from None
    except (nacl.exceptions.RuntimeError, MemoryError):
        raise Usage("there is too little memory to work with a passphrase", hint="256 MiB must be free") from None
    return nacl.secret.SecretBox(key)


def _unbox(passphrase: str | None, salt: bytes, body: bytes) -> bytes:
    if passphrase is None:
        raise WrongPassphrase("this home's keys need their passphrase")
    for words in passphrases.forms(passphrase):
        box = _box(words, salt)
        with contextlib.suppress(nacl.exceptions.CryptoError, ValueError, TypeError):
            return box.decrypt(body)
    raise WrongPassphrase("the passphrase does not open this home's keys")
