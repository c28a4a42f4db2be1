"""Vectors that others made: what sharekit says to each of them is what its author says, or what the profile says.

They lie beside the checkout in `../shared/vectors`, or where SHAREKIT_VECTORS points. Without them each family is
one skipped test; where SHAREKIT_VECTORS is set, a folder or file that is missing is a failure.

One runner for all. A vector ends in one of the outcomes of `Outcome`, any other end is a failure; and each family
says how many of its vectors end in which, so that an empty folder is no success.
"""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import cbor2
import pytest

from sharekit import cbor, cose, merkle
from sharekit.errors import ShareError
from sharekit.trust.keys import ClassicalOpening, HybridOpening, public_opening
from sharekit.values import replace

REPO = Path(__file__).resolve().parent.parent


class Outcome(StrEnum):
    """Every way in which a vector may end; a refusal goes by the code of its error."""

    AGREED = "agreed"  # the same value, and the same bytes again
    VERIFIED = "verified"
    OPENED = "opened"
    MALFORMED = "malformed"
    BAD_SIGNATURE = "bad-signature"
    CANNOT_DECRYPT = "cannot-decrypt"
    NOT_FOR_YOU = "not-for-you"
    TAMPERED = "ledger-tampered"


AGREED, VERIFIED, OPENED, MALFORMED, BAD_SIGNATURE, CANNOT_DECRYPT, NOT_FOR_YOU, TAMPERED = Outcome


@dataclass(frozen=True)
class Vector:
    """One vector: `run` gives its outcome or raises a ShareError, which is one."""

    name: str
    expected: Outcome
    run: Callable[[], Outcome]

    def outcome(self) -> Outcome:
        try:
            return self.run()
        except ShareError as refused:
            return Outcome(refused.code)


@dataclass(frozen=True)
class Family:
    """Files that are read the same way, how many there are, and how their vectors end."""

    files: str
    count: int
    read: Callable[[Path], Iterator[Vector]]
    outcomes: dict[Outcome, int]


def same(one: object, other: object) -> Outcome:
    assert one == other
    return AGREED


# --- cbor-wg-tests: RFC 8949 ---

SUBNORMAL_HALVES = ("f16: Largest subnormal", "f16: Largest subnormal, negative")  # deterministic, if not everywhere
TOO_DEEP = ("array: deeply-nested", "map: deeply-nested key", "map: deeply-nested value")


def has_place(item: bytes) -> bool:
    """Whether the profile has room for the item: no tag, no simple value but three, no NaN, no infinity."""
    if item[0] >> 5 == 6:
        return False
    if item[0] >> 5 < 7:
        return True
    exponent = {0xF9: 0x7C00, 0xFA: 0x7F800000, 0xFB: 0x7FF0000000000000}.get(item[0])
    if exponent is None:
        return item in (b"\xf4", b"\xf5", b"\xf6")
    return int.from_bytes(item[1:], "big") & exponent != exponent


def read_cbor(path: Path) -> Iterator[Vector]:
    file = cbor2.loads(path.read_bytes(), max_depth=4_000)
    for number, test in enumerate(file["tests"]):
        description, item = test["description"], test["encoded"]
        fails = file.get("fail", False) or test.get("fail", False)
        deterministic = test.get("roundtrip", True) or description in SUBNORMAL_HALVES
        fits = not fails and deterministic and has_place(item) and description not in TOO_DEEP
        yield Vector(
            f"{number} {description}",
            AGREED if fits else MALFORMED,
            lambda test=test: decode(test["encoded"], test.get("decoded")),
        )


def decode(item: bytes, decoded: object) -> Outcome:
    value = cbor.decode(item)
    same(cbor.encode(value), item)
    return same(value, decoded)


# --- ct-rfc6962: trees of up to eight leaves ---


def read_trees(path: Path) -> Iterator[Vector]:
    file = json.loads(path.read_text())
    leaves = [merkle.leaf_hash(bytes.fromhex(entry)) for entry in file["leaf_inputs"]]
    levels = [[bytes.fromhex(node) for node in level] for level in file["nodes"]]
    roots = [bytes.fromhex(root) for root in file["roots"]]
    assert file["empty_root"] == file["roots"][0]
    for index, leaf in enumerate(levels[0]):
        yield agreed(f"leaf {index}", leaves[index], leaf)
    for above, below in zip(levels[1:], levels, strict=False):
        for index, node in enumerate(above):
            yield agreed(f"node {index} of {len(above)}", merkle.node_hash(*below[2 * index : 2 * index + 2]), node)
    for size, root in enumerate(roots):
        yield agreed(f"root of {size}", merkle.root(leaves[:size]), root)
        yield from proofs(leaves[:size], root, roots)


def agreed(name: str, found: bytes, published: bytes) -> Vector:
    return Vector(name, AGREED, lambda: same(found, published))


def proofs(leaves: list[bytes], root: bytes, roots: list[bytes]) -> Iterator[Vector]:
    """Every proof leads to the published root of its tree, and to no other."""
    size = len(leaves)
    for index in range(size):
        proof = merkle.inclusion_proof(leaves, index)
        one = (leaves[index], index, size, proof)
        yield proved(f"entry {index} of {size}", VERIFIED, merkle.verify_inclusion, *one, root)
        yield proved(f"entry {index} of {size} - 1", TAMPERED, merkle.verify_inclusion, *one, roots[size - 1])
    for old in range(1, size + 1):
        new = (size, root, merkle.consistency_proof(leaves, old))
        yield proved(f"{old} before {size}", VERIFIED, merkle.verify_consistency, old, roots[old], *new)
        yield proved(f"not {old} before {size}", TAMPERED, merkle.verify_consistency, old, roots[old - 1], *new)


def proved(name: str, expected: Outcome, verify: Callable[..., None], *arguments: Any) -> Vector:
    def run() -> Outcome:
        verify(*arguments)
        return VERIFIED

    return Vector(name, expected, run)


# --- gluecose, cose-wg-examples, cose-hpke-examples: messages outside the profile ---

EVERY_LABEL = range(-70_100, 400)
A_KEY = HybridOpening(bytes(32))


def outside(name: str, message: bytes, expected: Outcome = MALFORMED) -> Iterator[Vector]:
    """Refused as a signed message whatever labels are allowed, as an encrypted one, and as a list of recipients."""
    yield Vector(f"{name} as COSE_Sign1", MALFORMED, lambda: read_signed(message))
    yield Vector(f"{name} as COSE_Encrypt", expected, lambda: read_encrypted(message))
    yield Vector(f"{name}, its recipients", MALFORMED, lambda: read_recipients(message))


def read_signed(message: bytes) -> Outcome:
    cose.parse_sign1(message, required=(cose.ALG,), optional=EVERY_LABEL)
    return VERIFIED


def read_encrypted(message: bytes) -> Outcome:
    cose.decrypt(cose.parse_encrypt(message), [A_KEY], aad=b"", extra_info=b"")
    return OPENED


def read_recipients(message: bytes) -> Outcome:
    cose.recipients(cose.parse_encrypt(message))
    return AGREED


def read_gluecose(path: Path) -> Iterator[Vector]:
    output = json.loads(path.read_text())["sign1::sign"]["expectedOutput"]
    yield from outside(path.stem, bytes.fromhex(output["cborHex"]))


def read_wg_example(path: Path) -> Iterator[Vector]:
    message = bytes.fromhex(json.loads(path.read_text())["output"]["cbor"])
    yield from outside(f"{path.parent.name}/{path.stem}", message, MALFORMED)


def read_diagnostic(path: Path) -> Iterator[Vector]:
    """A message in diagnostic notation (RFC 8949 section 8), put together here as it stands."""
    text = re.sub(r"/[^/]*/", "", path.read_text())
    text = re.sub(r"h'([0-9A-Fa-f]*)'", lambda found: repr(bytes.fromhex(found[1])), text)
    tag, value = re.fullmatch(r"\s*(\d+)\((.*)\)\s*", text, re.DOTALL).groups()
    yield from outside(path.stem, cbor2.dumps(cbor2.CBORTag(int(tag), ast.literal_eval(value.strip()))))


# --- cose-hpke-pq: a message to the hybrid key ---

PUBLISHED_AAD = b"The Fellowship of the Ring"


def read_hybrid_key(path: Path) -> Iterator[Vector]:
    published = bytes.fromhex(path.read_text())
    key = cbor.decode(published)
    found = HybridOpening(key[-2])
    yield agreed("key type and algorithm", (key[1], key[3]), (7, HybridOpening.alg))
    yield agreed("the key, encoded again", cbor.encode(key), published)
    yield agreed("public key", found.public, key[-1])
    yield agreed("kid", found.kid, key[2])
    yield agreed("kid of the public key", public_opening(HybridOpening, key[-1]).kid, key[2])


def read_hybrid_message(path: Path) -> Iterator[Vector]:
    key = HybridOpening(cbor.decode(bytes.fromhex(path.with_name("cose-keys-HPKE-9-KE-hex.txt").read_text()))[-2])
    message = cose.parse_encrypt(bytes.fromhex(path.read_text()))
    protected, unprotected, wrapped = cbor.decode(*message.recipients)
    ek = unprotected[cose.EK]
    yield agreed("its recipient", cose.recipients(message), [(HybridOpening.alg, key.kid)])
    yield Vector("opens", OPENED, lambda: open_hybrid(message, key))
    for name, changed in {
        "another IV": {"iv": bytes(12)},
        "another ciphertext": {"ciphertext": flipped(message.ciphertext, 0)},
        "another ML-KEM ciphertext": {"recipients": (cbor.encode([protected, {-4: flipped(ek, 0)}, wrapped]),)},
        "another X25519 key": {"recipients": (cbor.encode([protected, {-4: flipped(ek, 1088)}, wrapped]),)},
        "another wrapped key": {"recipients": (cbor.encode([protected, {-4: ek}, flipped(wrapped, 0)]),)},
    }.items():
        other = replace(message, **changed)
        yield Vector(name, CANNOT_DECRYPT, lambda other=other: open_hybrid(other, key))
    yield Vector("another aad", CANNOT_DECRYPT, lambda: open_hybrid(message, key, aad=b""))
    yield Vector("another info", CANNOT_DECRYPT, lambda: open_hybrid(message, key, extra_info=b"other"))
    yield Vector("another key", NOT_FOR_YOU, lambda: open_hybrid(message, A_KEY))


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def open_hybrid(
    message: cose.Encrypt, key: HybridOpening, *, aad: bytes = PUBLISHED_AAD, extra_info: bytes = b""
) -> Outcome:
    """By `cose` and `keys` alone: the published message has sharekit's headers, and an empty recipient_extra_info."""
    plaintext = cose.decrypt(message, [key], aad=aad, extra_info=extra_info)
    assert plaintext.startswith(b"You can trust us")
    return OPENED


# --- wycheproof: inputs made to be mistaken for good ones ---


def wycheproof(path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for group in json.loads(path.read_text())["testGroups"]:
        for test in group["tests"]:
            yield group, test


def read_ed25519(path: Path) -> Iterator[Vector]:
    for group, test in wycheproof(path):
        values = [bytes.fromhex(text) for text in (group["publicKey"]["pk"], test["msg"], test["sig"])]
        refused = BAD_SIGNATURE if len(values[2]) == 64 else MALFORMED
        yield Vector(
            f"{test['tcId']} {test['comment']}",
            {"valid": VERIFIED, "invalid": refused}[test["result"]],
            lambda values=values: verify_ed25519(*values),
        )


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> Outcome:
    """Through `cose` as it stands, but that the message itself is what was signed."""
    parts = [cbor.encode({cose.ALG: cose.ED25519}), {}, message, signature]
    parsed = cose.parse_sign1(cose.SIGN1_TAG + cbor.encode(parts), required=(cose.ALG,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cose, "_to_be_signed", lambda protected, payload: payload)
        cose.verify_sign1(parsed, public)
    return VERIFIED


def read_x25519(path: Path) -> Iterator[Vector]:
    for _, test in wycheproof(path):
        zero = "ZeroSharedSecret" in test["flags"]  # agreed with a point of small order: everybody knows the secret
        assert zero == (set(test["shared"]) == {"0"})
        assert test["result"] in ("valid", "acceptable")
        values = [bytes.fromhex(test[name]) for name in ("private", "public", "shared")]
        yield Vector(
            f"{test['tcId']} {test['comment']}",
            MALFORMED if zero else AGREED,
            lambda values=values: agree_x25519(*values),
        )


def agree_x25519(private: bytes, public: bytes, shared: bytes) -> Outcome:
    """The private and the public part of an opening key, which HPKE lets agree in just this way."""
    return same(ClassicalOpening(private)._private.exchange(public_opening(ClassicalOpening, public).public), shared)


def read_aes_gcm(path: Path) -> Iterator[Vector]:
    for group, test in wycheproof(path):
        expected = {"valid": OPENED, "invalid": CANNOT_DECRYPT}[test["result"]]
        if (group["keySize"], group["ivSize"]) != (256, 96):
            expected = MALFORMED  # the profile has one size of each, and reads no other
        yield Vector(f"{test['tcId']} {test['comment']}", expected, lambda test=test: open_aes_gcm(test))


class GivenKey:
    """An opening key that unwraps to the key of the vector."""

    alg, kid, ek_bytes = 50, b"k" * 32, 32

    def __init__(self, cek: bytes) -> None:
        self.cek = cek

    def decrypt(self, ek: bytes, ciphertext: bytes, info: bytes) -> bytes:
        return self.cek


def open_aes_gcm(test: dict[str, Any]) -> Outcome:
    """Through `cose` as it stands, but that the vector's own aad is what was authenticated."""
    cek, iv, aad, message, ciphertext, tag = (
        bytes.fromhex(test[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
    )
    block = [cbor.encode({1: GivenKey.alg, 4: GivenKey.kid}), {-4: bytes(32)}, cek + bytes(16)]
    parts = [cbor.encode({cose.ALG: cose.A256GCM}), {cose.IV: iv}, ciphertext + tag, [block]]
    parsed = cose.parse_encrypt(cose.ENCRYPT_TAG + cbor.encode(parts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cose, "_enc_structure", lambda given: given)
        same(cose.decrypt(parsed, [GivenKey(cek)], aad=aad, extra_info=b""), message)
    return OPENED


# --- the families, and the one runner ---

FAMILIES = {
    "RFC 8949 appendix A": Family(
        "cbor-wg-tests/tests/rfc8949-appendixA/*.cbor", 10, read_cbor, {AGREED: 50, MALFORMED: 31}
    ),
    "RFC 8949 malformed": Family("cbor-wg-tests/tests/rfc8949/bad.cbor", 1, read_cbor, {MALFORMED: 47}),
    "RFC 8949 well-formed": Family("cbor-wg-tests/tests/rfc8949/good.cbor", 1, read_cbor, {AGREED: 62, MALFORMED: 26}),
    "determinism": Family("cbor-wg-tests/tests/spike/spike.cbor", 1, read_cbor, {AGREED: 530, MALFORMED: 635}),
    "RFC 6962 trees": Family("ct-rfc6962/*.json", 1, read_trees, {AGREED: 24, VERIFIED: 72, TAMPERED: 72}),
    "gluecose": Family("gluecose/*.json", 7, read_gluecose, {MALFORMED: 21}),
    "COSE working group": Family("cose-wg-examples/*/*.json", 68, read_wg_example, {MALFORMED: 204}),
    "COSE-HPKE": Family("cose-hpke-examples/example/*.txt", 2, read_diagnostic, {MALFORMED: 6}),
    "HPKE-9-KE key": Family("cose-hpke-pq/cose-keys-*.txt", 1, read_hybrid_key, {AGREED: 5}),
    "HPKE-9-KE message": Family(
        "cose-hpke-pq/cose-HPKE-*.txt",
        1,
        read_hybrid_message,
        {AGREED: 1, OPENED: 1, CANNOT_DECRYPT: 7, NOT_FOR_YOU: 1},
    ),
    "Wycheproof Ed25519": Family(
        "wycheproof/ed25519_test.json", 1, read_ed25519, {VERIFIED: 88, BAD_SIGNATURE: 51, MALFORMED: 12}
    ),
    "Wycheproof X25519": Family("wycheproof/x25519_test.json", 1, read_x25519, {AGREED: 487, MALFORMED: 31}),
    "Wycheproof AES-GCM": Family(
        "wycheproof/aes_gcm_test.json", 1, read_aes_gcm, {OPENED: 39, CANNOT_DECRYPT: 27, MALFORMED: 250}
    ),
}
EVERY_FAMILY = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
NO_VECTORS = re.compile(r"COMMIT|LICENSE(\.md)?|README\.md|.*\.edn")  # each .edn is a .cbor that people can read


def folder() -> Path:
    """Where the vectors are; skips where nobody said, fails where somebody did and they are not there."""
    named = os.environ.get("SHAREKIT_VECTORS")
    place = Path(named) if named else REPO.parent / "shared" / "vectors"
    if not place.is_dir():
        (pytest.fail if named else pytest.skip)("the independent vectors are not there: set SHAREKIT_VECTORS")
    return place


def check(family: Family, place: Path) -> None:
    """Run every vector of a family; AssertionError if one ends as it should not, or if there are too few or many."""
    paths = sorted(place.glob(family.files))
    assert len(paths) == family.count
    vectors = [vector for path in paths for vector in family.read(path)]
    found = [(vector, vector.outcome()) for vector in vectors]
    assert [(vector.name, outcome) for vector, outcome in found if outcome != vector.expected] == []
    assert Counter(outcome for _, outcome in found) == family.outcomes


@EVERY_FAMILY
def test_vectors_of(family):
    check(family, folder())


def test_every_file_of_the_vectors_belongs_to_one_family():
    place = folder()
    belonging = Counter(path for family in FAMILIES.values() for path in place.glob(family.files))
    assert set(belonging.values()) == {1}
    files = {path for path in place.glob("*/**/*") if path.is_file() and not NO_VECTORS.fullmatch(path.name)}
    assert files == set(belonging)


@EVERY_FAMILY
def test_an_empty_folder_is_no_success(family, tmp_path):
    with pytest.raises(AssertionError):
        check(family, tmp_path)


@EVERY_FAMILY
def test_a_family_without_vectors_in_its_files_is_no_success(family, tmp_path):
    with pytest.raises(AssertionError):
        check(dataclasses.replace(family, files="*", count=0), tmp_path)


def test_an_outcome_that_is_not_on_the_list_is_a_failure():
    class Unheard(ShareError):
        code = "unheard-of"

    def run() -> Outcome:
        raise Unheard("never heard of")

    with pytest.raises(ValueError, match="unheard-of"):
        Vector("unheard of", MALFORMED, run).outcome()


def test_an_error_that_is_not_sharekits_own_is_a_failure():
    def run() -> Outcome:
        raise KeyError

    with pytest.raises(KeyError):
        Vector("leaks", MALFORMED, run).outcome()


def test_vectors_that_were_asked_for_and_are_not_there_are_a_failure(monkeypatch, tmp_path):
    monkeypatch.setenv("SHAREKIT_VECTORS", str(tmp_path / "nowhere"))
    with pytest.raises(pytest.fail.Exception):
        folder()


def test_vectors_that_nobody_asked_for_are_skipped_where_they_are_not(monkeypatch, tmp_path):
    monkeypatch.delenv("SHAREKIT_VECTORS", raising=False)
    monkeypatch.setattr(f"{__name__}.REPO", tmp_path)
    with pytest.raises(pytest.skip.Exception):
        folder()
