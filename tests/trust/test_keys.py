"""Keys: ids as the standards have them, nothing secret in a `repr`, and key files that open or are refused."""

from __future__ import annotations

from hashlib import sha256, shake_256

import nacl.exceptions
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.signing import SigningKey

from sharekit import cbor
from sharekit.errors import CannotDecrypt, Malformed, Usage, WrongPassphrase
from sharekit.trust import keys
from sharekit.trust.keys import ClassicalOpening, HybridOpening, Keys, public_opening, signing_kid

BOTH = pytest.mark.parametrize("kind", [HybridOpening, ClassicalOpening])
ALL = Keys(
    SigningKey(b"s" * 32), HybridOpening(b"h" * 32), SigningKey(b"l" * 32), b"v" * 32, ClassicalOpening(b"c" * 32)
)
SEEDS = {"signing": b"s" * 32, "opening": b"h" * 32, "log": b"l" * 32, "vault": b"v" * 32, "classical": b"c" * 32}
HYBRID_ONLY = Keys(ALL.signing, ALL.opening, ALL.log, ALL.vault)
PLAIN, LOG = keys.to_file(ALL, None), keys.log_to_file(ALL)


def secrets(found: Keys) -> dict[str, bytes]:
    """Every secret of a set of keys by name."""
    classical = {"classical": found.classical.seed} if found.classical else {}
    named = {"signing": bytes(found.signing), "opening": found.opening.seed, "log": bytes(found.log)}
    return named | {"vault": found.vault} | classical


# key ids


def test_the_kid_of_the_published_hybrid_key_is_the_published_one():
    """The COSE_Key of tireddy2/cose-hpke-pqt-pqc, examples/cose-keys-HPKE-9-KE-hex.txt: private seed and kid."""
    key = HybridOpening(bytes.fromhex("abf68310c6694408db8aa1f03b6def29c80899889e4aa52c08aef059912cabc6"))
    assert key.kid.hex() == "1bac0382c69ab1d21edc61bd062af6bfbef532d1639afb31443c1b4b377de735"
    assert public_opening(HybridOpening, key.public).kid == key.kid


def test_kids_are_thumbprints_over_the_bytes_that_rfc_9679_asks_for():
    signing, hybrid, classical = bytes(ALL.signing.verify_key), ALL.opening, ALL.classical
    assert signing_kid(signing) == sha256(bytes.fromhex("a301012006215820") + signing).digest()
    assert classical.kid == sha256(bytes.fromhex("a301012004215820") + classical.public).digest()
    assert hybrid.kid == sha256(bytes.fromhex("a301070318392059" + "04c0") + hybrid.public).digest()


def test_public_keys_are_those_of_the_private_ones():
    assert ALL.classical.public == X25519PrivateKey.from_private_bytes(b"c" * 32).public_key().public_bytes_raw()
    assert bytes(ALL.signing.verify_key) == (
        Ed25519PrivateKey.from_private_bytes(b"s" * 32).public_key().public_bytes_raw()
    )


def test_new_keys_are_unlike_any_others():
    first, second = Keys.generate(classical=True), Keys.generate(classical=True)
    found = [*secrets(first).values(), *secrets(second).values()]
    assert len(set(found)) == len(found) == 10


def test_a_classical_key_is_made_only_where_it_was_asked_for():
    assert [key.alg for key in Keys.generate()] == [57]
    assert [key.alg for key in Keys.generate(classical=True)] == [57, 50]


# what is shown


@pytest.mark.parametrize("shown", [repr, str], ids=["repr", "str"])
def test_a_repr_shows_no_secret(shown):
    texts = [shown(one) for one in (ALL, ALL.opening, ALL.classical, public_opening(HybridOpening, ALL.opening.public))]
    for seed in SEEDS.values():
        for text in texts:
            assert seed.hex() not in text
            assert repr(seed)[2:-1] not in text
    assert texts[0] == f"Keys(signing={signing_kid(bytes(ALL.signing.verify_key)).hex()[:8]})"
    assert texts[1] == f"HybridOpening(kid={ALL.opening.kid.hex()[:8]})"


# opening keys


@BOTH
def test_what_is_encrypted_to_a_public_key_opens_with_the_private_one(kind):
    key = kind(b"k" * 32)
    ek, ciphertext = public_opening(kind, key.public).encrypt(b"cek", b"info")
    assert (len(ek), len(ciphertext)) == (kind.ek_bytes, 3 + 16)
    assert key.decrypt(ek, ciphertext, b"info") == b"cek"


@BOTH
@pytest.mark.parametrize("change", ["ek", "ciphertext", "info", "key", "length", "nothing left"])
def test_decryption_has_one_error(kind, change):
    key = kind(b"x" * 32 if change == "key" else b"k" * 32)
    ek, ciphertext = public_opening(kind, kind(b"k" * 32).public).encrypt(b"cek", b"info")
    ek = {"ek": bytes([ek[0] ^ 1]) + ek[1:], "length": ek[:-1], "nothing left": b""}.get(change, ek)
    ciphertext = {"ciphertext": bytes(len(ciphertext)), "nothing left": b""}.get(change, ciphertext)
    with pytest.raises(CannotDecrypt) as refused:
        key.decrypt(ek, ciphertext, b"other" if change == "info" else b"info")
    assert refused.value.__cause__ is None


HYBRID_PUBLIC, CLASSICAL_PUBLIC = ALL.opening.public, ALL.classical.public
ORDER_8 = bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
NOT_OPENING_KEYS = {
    "hybrid: nothing": (HybridOpening, b""),
    "hybrid: a byte short": (HybridOpening, HYBRID_PUBLIC[:-1]),
    "hybrid: a byte long": (HybridOpening, HYBRID_PUBLIC + b"\x00"),
    "hybrid: the ML-KEM part alone": (HybridOpening, HYBRID_PUBLIC[:1184]),
    "hybrid: the X25519 part alone": (HybridOpening, HYBRID_PUBLIC[1184:]),
    "hybrid: a classical key": (HybridOpening, CLASSICAL_PUBLIC),
    "hybrid: ML-KEM coefficients beyond q": (HybridOpening, b"\xff" * 1184 + HYBRID_PUBLIC[1184:]),
    "hybrid: an X25519 point of zero": (HybridOpening, HYBRID_PUBLIC[:1184] + bytes(32)),
    "hybrid: an X25519 point of order 8": (HybridOpening, HYBRID_PUBLIC[:1184] + ORDER_8),
    "classical: nothing": (ClassicalOpening, b""),
    "classical: a byte short": (ClassicalOpening, CLASSICAL_PUBLIC[:-1]),
    "classical: a hybrid key": (ClassicalOpening, HYBRID_PUBLIC),
    "classical: zero": (ClassicalOpening, bytes(32)),
    "classical: one": (ClassicalOpening, b"\x01" + bytes(31)),
    "classical: a point of order 8": (ClassicalOpening, ORDER_8),
}


@pytest.mark.parametrize(("kind", "public"), NOT_OPENING_KEYS.values(), ids=NOT_OPENING_KEYS)
def test_bytes_that_are_no_opening_key_are_refused_before_anything_is_sealed_to_them(kind, public):
    with pytest.raises(Malformed):
        public_opening(kind, public)


@BOTH
@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_seed_of_another_length_makes_no_key(kind, length):
    with pytest.raises(Malformed):
        kind(bytes(length))


def test_a_hybrid_seed_expands_to_64_bytes_for_ml_kem_and_32_for_x25519():
    expanded = shake_256(b"h" * 32).digest(96)
    lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).public_key().public_bytes_raw()
    curve = X25519PrivateKey.from_private_bytes(expanded[64:]).public_key().public_bytes_raw()
    assert lattice + curve == HYBRID_PUBLIC


# key files without a passphrase


@pytest.mark.parametrize("made", [ALL, HYBRID_ONLY], ids=["with a classical key", "without"])
def test_a_key_file_without_a_passphrase_comes_back_as_it_was(made):
    data = keys.to_file(made, None)
    assert not keys.is_protected(data)
    assert secrets(keys.from_file(data, made.log, None)) == secrets(made)


def test_the_log_key_has_a_file_of_its_own():
    assert keys.log_from_file(LOG) == ALL.log
    assert b"l" * 32 not in PLAIN
    for name, seed in SEEDS.items():
        assert (seed in LOG) == (name == "log")


def key_file(body: object, *, magic: object = "sharekit-key", version: object = 1, salt: object = None) -> bytes:
    inner = body if isinstance(body, (bytes, str)) else cbor.encode(body)
    return cbor.encode([magic, version, salt, inner])


FULL = {1: b"s" * 32, 2: b"h" * 32, 3: b"v" * 32}
NOT_KEY_FILES = {
    "nothing": b"",
    "no CBOR": b"-----BEGIN PRIVATE KEY-----",
    "cut short": PLAIN[:-1],
    "a byte more": PLAIN + b"\x00",
    "another magic": key_file(FULL, magic="sharekit"),
    "version 0": key_file(FULL, version=0),
    "version 2": key_file(FULL, version=2),
    "version true": key_file(FULL, version=True),
    "version 1.0": key_file(FULL, version=1.0),
    "a version of text": key_file(FULL, version="1"),
    "a salt of 15 bytes": key_file(FULL, salt=bytes(15)),
    "a salt of 17 bytes": key_file(FULL, salt=bytes(17)),
    "a salt of text": key_file(FULL, salt="s" * 16),
    "seeds of text": key_file("seeds"),
    "seeds that are no CBOR": key_file(b"\xff"),
    "seeds that are a list": key_file([b"s" * 32, b"h" * 32, b"v" * 32]),
    "no signing key": key_file({2: b"h" * 32, 3: b"v" * 32}),
    "no opening key": key_file({1: b"s" * 32, 3: b"v" * 32}),
    "no vault key": key_file({1: b"s" * 32, 2: b"h" * 32}),
    "a log key as well": key_file(FULL | {5: b"l" * 32}),
    "a seed nobody defined": key_file(FULL | {6: b"x" * 32}),
    "a seed of 31 bytes": key_file(FULL | {2: b"h" * 31}),
    "a seed of 33 bytes": key_file(FULL | {1: b"s" * 33}),
    "a seed of text": key_file(FULL | {3: "v" * 32}),
    "the log key's file": LOG,
    "three parts": cbor.encode(["sharekit-key", 1, None]),
    "a map": cbor.encode(FULL),
}


@pytest.mark.parametrize("data", NOT_KEY_FILES.values(), ids=NOT_KEY_FILES)
def test_from_file_refuses(data):
    with pytest.raises(Malformed) as refused:
        keys.from_file(data, ALL.log, None)
    assert refused.value.hint == "restore the key file of this home from its backup"


NOT_LOG_FILES = {
    "the other key file": PLAIN,
    "no key": key_file({}),
    "more than the log key": key_file(FULL | {5: b"l" * 32}),
    "a seed of 31 bytes": key_file({5: b"l" * 31}),
    "a passphrase": key_file(bytes(72), salt=bytes(16)),
    "cut short": LOG[:-1],
}


@pytest.mark.parametrize("data", NOT_LOG_FILES.values(), ids=NOT_LOG_FILES)
def test_log_from_file_refuses(data):
    with pytest.raises(Malformed):
        keys.log_from_file(data)


def test_a_flipped_bit_in_an_open_key_file_never_gives_the_same_keys():
    """Without a passphrase nothing authenticates the seeds: what can be told is told, and the rest is another key."""
    for at in range(len(PLAIN) * 8):
        flipped = bytearray(PLAIN)
        flipped[at // 8] ^= 1 << at % 8
        try:
            found = keys.from_file(bytes(flipped), ALL.log, None)
        except (Malformed, WrongPassphrase):
            continue
        assert secrets(found) != secrets(ALL)


@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_no_key_file(data):
    for read in (keys.is_protected, keys.log_from_file, lambda data: keys.from_file(data, ALL.log, None)):
        with pytest.raises(Malformed):
            read(data)


# key files with a passphrase: each guess costs half a second, so there are few


@pytest.fixture(scope="module")
def protected() -> bytes:
    return keys.to_file(ALL, "correct horse \N{LATIN SMALL LETTER E WITH ACUTE}")


def test_a_key_file_opens_with_its_passphrase(protected):
    assert keys.is_protected(protected)
    found = keys.from_file(protected, ALL.log, "correct horse \N{LATIN SMALL LETTER E WITH ACUTE}")
    assert secrets(found) == secrets(ALL)


def test_a_protected_key_file_shows_no_seed(protected):
    assert not any(seed[:8] in protected for seed in SEEDS.values())


def test_a_wrong_passphrase_opens_nothing(protected):
    with pytest.raises(WrongPassphrase) as refused:
        keys.from_file(protected, ALL.log, "correct horse e")
    assert "horse" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_missing_passphrase_is_asked_for_before_any_work_is_done(protected, monkeypatch):
    monkeypatch.setattr(argon2id, "kdf", lambda *_, **__: pytest.fail("work was done"))
    with pytest.raises(WrongPassphrase):
        keys.from_file(protected, ALL.log, None)


@pytest.fixture
def one_key(monkeypatch):
    """Argon2id answers at once and always the same: what is tested is what happens after it."""
    monkeypatch.setattr(argon2id, "kdf", lambda *_, **__: b"k" * SecretBox.KEY_SIZE)


def test_every_flipped_bit_behind_the_salt_is_refused(one_key):
    data = keys.to_file(ALL, "passphrase")
    for at in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[at // 8] ^= 1 << at % 8
        if flipped[16:32] == data[16:32]:
            with pytest.raises((Malformed, WrongPassphrase)):
                keys.from_file(bytes(flipped), ALL.log, "passphrase")


def test_a_changed_salt_is_a_wrong_passphrase(protected):
    salt = cbor.decode(protected)[2]
    changed = protected.replace(salt, bytes([salt[0] ^ 1]) + salt[1:])
    with pytest.raises(WrongPassphrase):
        keys.from_file(changed, ALL.log, "correct horse \N{LATIN SMALL LETTER E WITH ACUTE}")


@pytest.mark.parametrize("length", [0, 1, 23, 24, 39, 40, 71])
def test_a_box_cut_short_is_refused(one_key, length):
    with pytest.raises(WrongPassphrase):
        keys.from_file(key_file(bytes(length), salt=bytes(16)), ALL.log, "passphrase")


def test_a_box_that_holds_no_seeds_is_malformed(one_key):
    box = bytes(SecretBox(b"k" * SecretBox.KEY_SIZE).encrypt(b"\xff"))
    with pytest.raises(Malformed):
        keys.from_file(key_file(box, salt=bytes(16)), ALL.log, "passphrase")


def test_two_files_of_the_same_keys_and_passphrase_are_unlike(one_key):
    first, second = (cbor.decode(keys.to_file(ALL, "passphrase")) for _ in range(2))
    assert first[2] != second[2]
    assert first[3] != second[3]


def test_a_passphrase_that_is_no_text_is_refused():
    with pytest.raises(Usage):
        keys.to_file(ALL, "\ud800")


def test_too_little_memory_is_not_called_a_wrong_passphrase(monkeypatch):
    def no_memory(*_: object, **__: object) -> bytes:
        raise nacl.exceptions.RuntimeError("Key derivation failed")

    monkeypatch.setattr(argon2id, "kdf", no_memory)
    with pytest.raises(Usage) as refused:
        keys.from_file(key_file(bytes(72), salt=bytes(16)), ALL.log, "passphrase")
    assert not isinstance(refused.value, WrongPassphrase)
    assert "memory" in str(refused.value)
