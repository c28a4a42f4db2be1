"""COSE messages in the one form that sharekit writes and accepts; the rest of COSE is refused."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from sharekit import cbor, cose
from sharekit.cose import Nonces
from sharekit.errors import BadSignature, CannotDecrypt, Malformed, NotForYou
from sharekit.trust.keys import ClassicalOpening, HybridOpening, public_opening

SIGNER = SigningKey(bytes(range(32)))
PUBLIC = bytes(SIGNER.verify_key)
HEADER = {1: -19, 4: b"k" * 32, 16: "application/example+cose"}
REQUIRED, OPTIONAL = (1, 4, 16), (2, -70001)
SIGNED = cose.sign1(HEADER, b"payload", SIGNER)

HYBRID, OTHER_HYBRID = HybridOpening(b"h" * 32), HybridOpening(b"o" * 32)
CLASSICAL, OTHER_CLASSICAL = ClassicalOpening(b"c" * 32), ClassicalOpening(b"d" * 32)
AAD, INFO = b"a" * 32, b"i" * 32


def public(key: HybridOpening | ClassicalOpening) -> Any:
    return public_opening(type(key), key.public)


def sealed(*keys: Any, plaintext: bytes = b"why", **options: Any) -> bytes:
    return cose.encrypt(plaintext, aad=AAD, recipients=map(public, keys), extra_info=INFO, **options)


def opened(data: bytes, *keys: Any, aad: bytes = AAD, extra_info: bytes = INFO) -> bytes:
    return cose.decrypt(cose.parse_encrypt(data), keys, aad=aad, extra_info=extra_info)


def parts(data: bytes) -> list[Any]:
    """What stands behind the tag."""
    return cbor2.loads(data.removeprefix(b"\xd2").removeprefix(b"\xd8\x60"))


# --- COSE_Sign1 ---


@given(st.binary(max_size=200))
def test_what_was_signed_verifies(payload):
    message = cose.parse_sign1(cose.sign1(HEADER, payload, SIGNER), required=REQUIRED)
    assert (message.payload, message.header) == (payload, HEADER)
    cose.verify_sign1(message, PUBLIC)


def test_another_implementation_of_ed25519_finds_the_same_signature_over_the_structure_of_rfc_9052():
    protected, unprotected, payload, signature = parts(SIGNED)
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    Ed25519PublicKey.from_public_bytes(PUBLIC).verify(signature, signed)
    assert unprotected == {}


def test_every_flipped_bit_of_a_signed_message_is_refused():
    for at in range(len(SIGNED) * 8):
        changed = bytearray(SIGNED)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises((Malformed, BadSignature)):
            cose.verify_sign1(cose.parse_sign1(bytes(changed), required=REQUIRED), PUBLIC)


NOT_THE_KEY = {
    "another key": bytes(SigningKey(bytes(32)).verify_key),
    "a key cut short": PUBLIC[:31],
    "a key too long": PUBLIC + b"\x00",
    "no key": b"",
    "a point of small order": bytes(32),
    "the neutral element": b"\x01" + bytes(31),
    "no point": b"\x02" + bytes(31),
}


@pytest.mark.parametrize("key", NOT_THE_KEY.values(), ids=NOT_THE_KEY)
def test_verify_refuses(key):
    with pytest.raises(BadSignature) as refused:
        cose.verify_sign1(cose.parse_sign1(SIGNED, required=REQUIRED), key)
    assert refused.value.__cause__ is None


def test_a_key_of_small_order_signs_nothing():
    """With the neutral element as key and as R, and zero as s, every message would satisfy the bare equation."""
    neutral = b"\x01" + bytes(31)
    message = cose.Sign1(cbor.encode(HEADER), HEADER, b"payload", neutral + bytes(32))
    with pytest.raises(BadSignature):
        cose.verify_sign1(message, neutral)


def signed(header: object = HEADER, unprotected: object = None, *more: object, **changes: Any) -> bytes:
    """A message with some part other than it should be, put together by hand."""
    protected = header if isinstance(header, bytes) else cbor.encode(header)
    message = [protected, unprotected or {}, changes.get("payload", b"p"), changes.get("signature", bytes(64)), *more]
    return changes.get("tag", b"\xd2") + cbor.encode(message)


NOT_SIGN1 = {
    "no tag": signed(tag=b""),
    "the tag of COSE_Sign": signed(tag=b"\xd8\x62"),
    "the tag of COSE_Encrypt": signed(tag=b"\xd8\x60"),
    "the tag in two bytes": signed(tag=b"\xd8\x12"),
    "the tag twice": signed(tag=b"\xd2\xd2"),
    "a CWT tag before it": signed(tag=b"\xd8\x3d\xd2"),
    "self-described CBOR": signed(tag=b"\xd9\xd9\xf7\xd2"),
    "nothing": b"",
    "the tag alone": b"\xd2",
    "trailing bytes": signed() + b"\x00",
    "three parts": b"\xd2" + cbor.encode([cbor.encode(HEADER), {}, b"p"]),
    "five parts": signed(HEADER, {}, b"more"),
    "a map": b"\xd2" + cbor.encode({0: cbor.encode(HEADER)}),
    "a detached payload": signed(payload=None),
    "a payload of text": signed(payload="p"),
    "a signature of 63 bytes": signed(signature=bytes(63)),
    "a signature of 65 bytes": signed(signature=bytes(65)),
    "no signature": signed(signature=b""),
    "a signature that is null": signed(signature=None),
    "alg in the unprotected header": signed(HEADER, {1: -19}),
    "alg in the unprotected header alone": signed({4: b"k" * 32, 16: "t"}, {1: -19}),
    "kid in the unprotected header": signed(HEADER, {4: b"k" * 32}),
    "an unprotected header that is an array": b"\xd2" + cbor.encode([cbor.encode(HEADER), [], b"p", bytes(64)]),
    "a protected header of no bytes": signed(b""),
    "a protected header that is no byte string": b"\xd2" + cbor.encode([HEADER, {}, b"p", bytes(64)]),
    "an empty protected header": signed({}),
    "a protected header that is an array": signed([1, -19]),
    "a protected header and more": signed(cbor.encode(HEADER) + b"\x00"),
    "a protected header in another order": signed(bytes.fromhex("a30126045820") + b"k" * 32 + b"\x02\x81\x10"),
    "a duplicate label": signed(bytes.fromhex("a401320132045820") + b"k" * 32 + b"\x10\x61t"),
    "a duplicate label in two lengths": signed(bytes.fromhex("a40132180132045820") + b"k" * 32 + b"\x10\x61t"),
    "no alg": signed({4: b"k" * 32, 16: "t"}),
    "no kid": signed({1: -19, 16: "t"}),
    "EdDSA, which names no curve": signed(HEADER | {1: -8}),
    "ES256": signed(HEADER | {1: -7}),
    "Ed448": signed(HEADER | {1: -53}),
    "alg by name": signed(HEADER | {1: "Ed25519"}),
    "alg as a float": signed(HEADER | {1: -19.0}),
    "alg in a list": signed(HEADER | {1: [-19]}),
    "alg that is null": signed(HEADER | {1: None}),
    "a content type": signed(HEADER | {3: 0}),
    "an IV": signed(HEADER | {5: bytes(12)}),
    "a partial IV": signed(HEADER | {6: bytes(4)}),
    "a countersignature": signed(HEADER | {11: [b"", {}, bytes(64)]}),
    "CWT claims that were not asked for": signed(HEADER | {15: {1: "fernshire"}}),
    "a certificate chain": signed(HEADER | {33: b"x"}),
    "a payload location": signed(HEADER | {260: "https://fernshire.example"}),
    "a private label nobody defined": signed(HEADER | {-70003: 0}),
    "a label of text": signed(HEADER | {"alg": -19}),
    "a float inside a header": signed(HEADER | {-70001: [1.0]}),
    "true inside a header": signed(HEADER | {-70001: {1: True}}),
    "null inside a header": signed(HEADER | {-70001: {1: [None]}}),
    "crit that is empty": signed(HEADER | {2: []}),
    "crit that is no list": signed(HEADER | {2: 16}),
    "crit of a label that is absent": signed(HEADER | {2: [-70001]}),
    "crit of an unknown label that is absent": signed(HEADER | {2: [99]}),
    "crit of an unknown label that is present": signed(HEADER | {2: [99], 99: 0}),
    "crit of a label twice": signed(HEADER | {2: [16, 16]}),
    "crit of itself": signed(HEADER | {2: [2]}),
    "crit of a list": signed(HEADER | {2: [[16]]}),
    "crit of a label by name": signed(HEADER | {2: ["typ"]}),
    "crit in the unprotected header": signed(HEADER, {2: [16]}),
}


@pytest.mark.parametrize("data", NOT_SIGN1.values(), ids=NOT_SIGN1)
def test_parse_sign1_refuses(data):
    with pytest.raises(Malformed):
        cose.parse_sign1(data, required=REQUIRED, optional=OPTIONAL)


GOOD_HEADERS = {
    "the required labels": HEADER,
    "an optional label": HEADER | {-70001: b"h" * 32},
    "crit of an optional label": HEADER | {2: [-70001], -70001: b"h" * 32},
    "maps and lists": HEADER | {-70001: {1: ["fernshire", {2: b""}]}},
}


@pytest.mark.parametrize("header", GOOD_HEADERS.values(), ids=GOOD_HEADERS)
def test_parse_sign1_accepts(header):
    assert cose.parse_sign1(signed(header), required=REQUIRED, optional=OPTIONAL).header == header


@given(st.binary(max_size=120))
def test_arbitrary_bytes_are_no_signed_message(data):
    with pytest.raises(Malformed):
        cose.parse_sign1(b"\xd2" + data, required=REQUIRED, optional=OPTIONAL)


# --- COSE_Encrypt ---

KINDS = {
    "one hybrid": [HYBRID],
    "one classical": [CLASSICAL],
    "two hybrid": [OTHER_HYBRID, HYBRID],
    "two classical": [OTHER_CLASSICAL, CLASSICAL],
}


@pytest.mark.parametrize("keys", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("plaintext", [b"", b"w", b"w" * 70_000], ids=["empty", "a byte", "large"])
def test_every_recipient_opens_what_was_sealed(keys, plaintext):
    data = sealed(*keys, plaintext=plaintext)
    for key in keys:
        assert opened(data, key) == plaintext
    assert cose.recipients(cose.parse_encrypt(data)) == [(key.alg, key.kid) for key in keys]


@pytest.mark.parametrize("key", [HYBRID, CLASSICAL], ids=["hybrid", "classical"])
def test_the_structures_of_rfc_9052_and_the_hpke_draft_put_together_by_hand_open_it_too(key):
    protected, unprotected, ciphertext, [[block_protected, block_unprotected, encrypted]] = parts(sealed(key))
    info = cbor2.dumps(["HPKE Recipient", 3, block_protected, INFO])
    cek = key.suite.decrypt(block_unprotected[-4] + encrypted, key._private, info)
    structure = cbor2.dumps(["Encrypt", protected, AAD])
    assert AESGCM(cek).decrypt(unprotected[5], ciphertext, structure) == b"why"
    assert cbor2.loads(protected) == {1: 3}
    assert cbor2.loads(block_protected) == {1: key.alg, 4: key.kid}


def test_given_nonces_are_the_ones_used():
    nonces = Nonces(b"c" * 32, b"n" * 12)
    one, two = parts(sealed(CLASSICAL, nonces=nonces)), parts(sealed(CLASSICAL, nonces=nonces))
    assert one[:3] == two[:3]
    assert one[1] == {5: b"n" * 12}
    assert one[3] != two[3]  # HPKE's own randomness


def test_no_two_encryptions_are_alike():
    one, two = parts(sealed(CLASSICAL)), parts(sealed(CLASSICAL))
    assert one[1] != two[1]
    assert one[2] != two[2]


def test_a_nonce_is_shown_by_no_repr():
    assert "secret" not in repr(Nonces(b"secret" * 6, b"n" * 12))


A_BLOCK = [cbor.encode({1: 50, 4: bytes(32)}), {-4: bytes(32)}, bytes(48)]


def encrypted(**changes: Any) -> bytes:
    """A message with some part other than it should be, put together by hand."""
    message = [
        changes.get("protected", b"\xa1\x01\x03"),
        changes.get("unprotected", {5: bytes(12)}),
        changes.get("ciphertext", bytes(16)),
        changes.get("recipients", [A_BLOCK]),
        *changes.get("more", ()),
    ]
    return changes.get("tag", b"\xd8\x60") + cbor.encode(message)


NOT_ENCRYPT = {
    "no tag": encrypted(tag=b""),
    "the tag of COSE_Encrypt0": encrypted(tag=b"\xd0"),
    "the tag of COSE_Sign1": encrypted(tag=b"\xd2"),
    "the tag in three bytes": encrypted(tag=b"\xd9\x00\x60"),
    "nothing": b"",
    "the tag alone": b"\xd8\x60",
    "trailing bytes": encrypted() + b"\x00",
    "three parts": b"\xd8\x60" + cbor.encode([b"\xa1\x01\x03", {5: bytes(12)}, bytes(16)]),
    "a ciphertext of text": encrypted(ciphertext="c" * 16),
    "a ciphertext with a longer head": encrypted().replace(b"\x50" + bytes(16), b"\x58\x10" + bytes(16)),
    "an array with a longer head": encrypted().replace(b"\x81\x83", b"\x98\x01\x83"),
    "five parts": encrypted(more=[b""]),
    "A128GCM": encrypted(protected=b"\xa1\x01\x01"),
    "ChaCha20": encrypted(protected=b"\xa1\x01\x18\x18"),
    "alg as a float": encrypted(protected=b"\xa1\x01\xf9\x42\x00"),
    "no protected header": encrypted(protected=b""),
    "an empty protected header": encrypted(protected=b"\xa0"),
    "a protected header that is a map": encrypted(protected={1: 3}),
    "a second protected label": encrypted(protected=b"\xa2\x01\x03\x03\x00"),
    "an IV in the protected header": encrypted(protected=b"\xa2\x01\x03\x05\x4c" + bytes(12), unprotected={}),
    "alg in the unprotected header": encrypted(unprotected={1: 3, 5: bytes(12)}),
    "alg in the unprotected header alone": encrypted(protected=b"", unprotected={1: 3, 5: bytes(12)}),
    "no IV": encrypted(unprotected={}),
    "an IV of 11 bytes": encrypted(unprotected={5: bytes(11)}),
    "an IV of 16 bytes": encrypted(unprotected={5: bytes(16)}),
    "an IV of text": encrypted(unprotected={5: "a" * 12}),
    "a partial IV": encrypted(unprotected={6: bytes(12)}),
    "a label beside the IV": encrypted(unprotected={5: bytes(12), 6: b""}),
    "a detached ciphertext": encrypted(ciphertext=None),
    "a ciphertext shorter than its tag": encrypted(ciphertext=bytes(15)),
    "recipients that are no list": encrypted(recipients={}),
    "no recipients": encrypted(recipients=[]),
    "65 recipients": encrypted(recipients=[A_BLOCK] * 65),
}


def test_what_is_changed_below_is_otherwise_right():
    assert len(cose.parse_encrypt(encrypted(recipients=[A_BLOCK] * 64)).recipients) == 64


@pytest.mark.parametrize("data", NOT_ENCRYPT.values(), ids=NOT_ENCRYPT)
def test_parse_encrypt_refuses(data):
    with pytest.raises(Malformed):
        cose.parse_encrypt(data)


@given(st.binary(max_size=120))
def test_arbitrary_bytes_are_no_encrypted_message(data):
    with pytest.raises(Malformed):
        cose.parse_encrypt(b"\xd8\x60" + data)


def test_64_recipients_are_allowed_and_the_last_one_opens():
    data = sealed(*[OTHER_CLASSICAL] * 63, CLASSICAL)
    assert opened(data, CLASSICAL) == b"why"


def test_an_agency_with_two_keys_opens_with_the_one_that_was_used():
    assert opened(sealed(OTHER_CLASSICAL, CLASSICAL), HYBRID, CLASSICAL) == b"why"


@pytest.mark.parametrize("keys", [[], [OTHER_HYBRID], [HYBRID, CLASSICAL]], ids=["no key", "another", "two others"])
def test_who_has_no_block_is_told_so(keys):
    with pytest.raises(NotForYou):
        opened(sealed(OTHER_CLASSICAL), *keys)


# --- inside decryption: one error ---


def with_block(data: bytes, block: Any) -> bytes:
    """The message with one more recipient before the others."""
    *message, recipients = parts(data)
    return cose.ENCRYPT_TAG + cbor.encode([*message, [block, *recipients]])


def changed(data: bytes, *path: Any, flip: bool = False, value: Any = None) -> bytes:
    """The message with the part at `path` changed in its last bit, or replaced."""
    message = parts(data)
    inner = message
    for step in path[:-1]:
        inner = inner[step]
    old = inner[path[-1]]
    inner[path[-1]] = old[:-1] + bytes([old[-1] ^ 1]) if flip else value
    return cose.ENCRYPT_TAG + cbor.encode(message)


ONE, TWO = sealed(CLASSICAL), sealed(CLASSICAL)
HYBRID_ONE = sealed(HYBRID)
FAILS_INSIDE = {
    "another aad": (ONE, CLASSICAL, {"aad": b"b" * 32}),
    "no aad": (ONE, CLASSICAL, {"aad": b""}),
    "another info": (ONE, CLASSICAL, {"extra_info": b"j" * 32}),
    "no info": (ONE, CLASSICAL, {"extra_info": b""}),
    "aad and info exchanged": (ONE, CLASSICAL, {"aad": INFO, "extra_info": AAD}),
    "a changed IV": (changed(ONE, 1, 5, flip=True), CLASSICAL, {}),
    "a changed ciphertext": (changed(ONE, 2, flip=True), CLASSICAL, {}),
    "a changed encapsulated key": (changed(ONE, 3, 0, 1, -4, flip=True), CLASSICAL, {}),
    "an encapsulated key of small order": (changed(ONE, 3, 0, 1, -4, value=bytes(32)), CLASSICAL, {}),
    "a changed wrapped key": (changed(ONE, 3, 0, 2, flip=True), CLASSICAL, {}),
    "another message's block": (changed(ONE, 3, value=parts(TWO)[3]), CLASSICAL, {}),
    "another message's ciphertext": (changed(ONE, 2, value=parts(TWO)[2]), CLASSICAL, {}),
    "hybrid: another aad": (HYBRID_ONE, HYBRID, {"aad": b"b" * 32}),
    "hybrid: another info": (HYBRID_ONE, HYBRID, {"extra_info": b"j" * 32}),
    "hybrid: a changed X25519 key": (changed(HYBRID_ONE, 3, 0, 1, -4, flip=True), HYBRID, {}),
    "hybrid: an X25519 key of small order": (
        changed(HYBRID_ONE, 3, 0, 1, -4, value=parts(HYBRID_ONE)[3][0][1][-4][:1088] + bytes(32)),
        HYBRID,
        {},
    ),
    "hybrid: an encapsulated key of zeros": (changed(HYBRID_ONE, 3, 0, 1, -4, value=bytes(1120)), HYBRID, {}),
    "hybrid: a changed wrapped key": (changed(HYBRID_ONE, 3, 0, 2, flip=True), HYBRID, {}),
}


@pytest.mark.parametrize(("data", "key", "options"), FAILS_INSIDE.values(), ids=FAILS_INSIDE)
def test_inside_decryption_there_is_one_error(data, key, options):
    with pytest.raises(CannotDecrypt) as refused:
        opened(data, key, **options)
    one = cose.cannot_decrypt()
    assert (str(refused.value), refused.value.hint) == (str(one), one.hint)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    "data", [ONE, sealed(OTHER_CLASSICAL, CLASSICAL, plaintext=b"w" * 40)], ids=["one recipient", "two recipients"]
)
def test_every_flipped_bit_of_ones_own_part_is_refused(data):
    """A bit of a block for somebody else is not read here; the statement's hash covers it."""
    others = len(cbor.encode(parts(data)[3][:-1])) - 1
    start = data.index(parts(data)[3][0][0]) - 3 if others else 0
    for at in range(len(data) * 8):
        if others and start <= at // 8 < start + others:
            continue
        flipped = bytearray(data)
        flipped[at // 8] ^= 1 << at % 8
        with pytest.raises((Malformed, CannotDecrypt, NotForYou)):
            opened(bytes(flipped), CLASSICAL)


@settings(max_examples=60)
@given(st.data())
def test_a_changed_hybrid_message_is_refused(data):
    at = data.draw(st.integers(0, len(HYBRID_ONE) * 8 - 1))
    flipped = bytearray(HYBRID_ONE)
    flipped[at // 8] ^= 1 << at % 8
    with pytest.raises((Malformed, CannotDecrypt, NotForYou)):
        opened(bytes(flipped), HYBRID)


# --- recipient blocks ---

OURS = parts(ONE)[3][0]
BAD_BLOCKS = {
    "two parts": OURS[:2],
    "four parts": [*OURS, []],
    "an encapsulated key cut short": [OURS[0], {-4: OURS[1][-4][:-1]}, OURS[2]],
    "an encapsulated key too long": [OURS[0], {-4: OURS[1][-4] + b"\x00"}, OURS[2]],
    "an encapsulated key of the other kind": [OURS[0], {-4: bytes(1120)}, OURS[2]],
    "an encapsulated key of text": [OURS[0], {-4: "e" * 32}, OURS[2]],
    "no encapsulated key": [OURS[0], {}, OURS[2]],
    "a label beside it": [OURS[0], {4: b"", **OURS[1]}, OURS[2]],
    "an unprotected header that is a list": [OURS[0], [OURS[1][-4]], OURS[2]],
    "a wrapped key cut short": [*OURS[:2], OURS[2][:-1]],
    "a wrapped key too long": [*OURS[:2], OURS[2] + b"\x00"],
    "no wrapped key": [*OURS[:2], None],
}
NO_RECIPIENTS = {
    "an integer": 0,
    "null": None,
    "a text": "recipient",
    "an empty list": [],
    "a list of null": [None],
    "a protected header that is no CBOR": [b"\xff", {}, b""],
    "one part": [b""],
    "a map": {1: 50},
    "our kid, unprotected": [b"", {1: 50, 4: CLASSICAL.kid}, b""],
    "our header and more": [cbor.encode({1: 50, 4: CLASSICAL.kid, 5: b""}), {-4: b""}, b""],
    "a kid of 31 bytes": [cbor.encode({1: 50, 4: b"k" * 31}), {}, b""],
    "a kid of text": [cbor.encode({1: 50, 4: "k" * 32}), {}, b""],
    "an algorithm that is text": [cbor.encode({1: "HPKE-4-KE", 4: b"k" * 32}), {}, b""],
    "an algorithm that is a float": [cbor.encode({1: 50.0, 4: b"k" * 32}), {}, b""],
    "an algorithm that is true": [cbor.encode({1: True, 4: b"k" * 32}), {}, b""],
    "a header of a megabyte": [cbor.encode({1: 50, 4: bytes(1 << 20)}), {}, b""],
}

NO_BLOCKS = NO_RECIPIENTS | BAD_BLOCKS
BESIDE = {"alone": [], "before ours": [OURS]}


@pytest.mark.parametrize("beside", BESIDE.values(), ids=BESIDE)
@pytest.mark.parametrize("block", NO_BLOCKS.values(), ids=NO_BLOCKS)
def test_every_block_has_the_form_whosever_it_is(block, beside):
    for blocks in ([block, *beside], [*beside, block]):
        with pytest.raises(Malformed):
            cose.parse_encrypt(encrypted(recipients=blocks))


def test_all_blocks_are_of_one_algorithm():
    both = parts(sealed(OTHER_CLASSICAL))[3] + parts(sealed(OTHER_HYBRID))[3]
    for blocks in (both, both[::-1], [*both, both[0]]):
        with pytest.raises(Malformed):
            cose.parse_encrypt(encrypted(recipients=blocks))


@given(st.lists(st.recursive(st.one_of(st.integers(-9, 9), st.binary(max_size=9)), st.lists, max_leaves=9), min_size=1))
def test_whatever_the_recipients_are_only_malformed_is_raised(recipients):
    with pytest.raises(Malformed):
        cose.parse_encrypt(encrypted(recipients=recipients[:64]))


@pytest.mark.parametrize("keys", KINDS.values(), ids=KINDS)
def test_the_bytes_of_every_recipient_are_kept(keys):
    data = sealed(*keys)
    assert list(cose.parse_encrypt(data).recipients) == [cbor.encode(item) for item in parts(data)[3]]


def test_a_ciphertext_that_looks_like_recipients_is_a_ciphertext():
    block = cbor.encode(OURS)
    for recipients in ([OURS], [OURS, OURS]):
        message = cose.parse_encrypt(encrypted(ciphertext=block * 2, recipients=recipients))
        assert (message.ciphertext, len(message.recipients)) == (block * 2, len(recipients))
    with pytest.raises(Malformed):
        cose.parse_encrypt(encrypted(recipients=[[OURS]]))


def test_an_encryption_is_read_without_decoding(monkeypatch):
    data = sealed(OTHER_CLASSICAL, CLASSICAL)
    monkeypatch.setattr(cbor, "decode", lambda _: pytest.fail("it was decoded"))
    assert len(cose.parse_encrypt(data).recipients) == 2
    start = data[: data.index(b"\x05\x4c") + 14]
    for rest in (b"\x5b" + b"\xff" * 8, b"\x50" + bytes(16) + b"\x9b" + b"\xff" * 8 + cbor.encode(OURS) * 9):
        with pytest.raises(Malformed):
            cose.parse_encrypt(start + rest)
