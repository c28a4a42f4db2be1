"""Real bytes and the packet's CDDL: what sharekit writes is valid; what it reads is, however it was changed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

import pytest
from cddl_verifier import Validator
from nacl.pwhash import argon2id
from world.agencies import CONFIRM, EXAMPLES, example
from world.console import REPOSITORY

from sharekit import Card, Keys, Sender, Trust, Use, cbor, cose, open_packet, seal
from sharekit.domain import profile
from sharekit.errors import Malformed, ShareError
from sharekit.packet.wire import MANIFEST_COMMIT, Packet, aad_of, dataset_info, pad, parse, unpad
from sharekit.proofs import checkpoint
from sharekit.trust import folder, keys
from sharekit.trust.folder import PinFolder
from sharekit.trust.keys import HybridOpening, public_opening
from sharekit.trust.store import Pin

VALIDATOR = Validator((REPOSITORY / "schemas" / "packet.cddl").read_text())
NAMES = sorted(path.name.removesuffix(".terms.json") for path in EXAMPLES.glob("*.terms.json"))
ISSUED, NOW = datetime(2026, 11, 1, 9, 0, tzinfo=UTC), datetime(2026, 12, 27, 9, 0, tzinfo=UTC)

SENDER, BOTH, HYBRID = Keys.generate(classical=True), Keys.generate(classical=True), Keys.generate()
NOTE = checkpoint.sign(checkpoint.Checkpoint("sharekit/E10999001/2026", 7, bytes(32)), key=SENDER.log)


def problems(rule: str, data: bytes) -> list[str]:
    found = VALIDATOR.validate(data, root_type=rule)
    assert found.valid == (not found.diagnostics)
    return [f"{one.path_text} {one.message}" for one in found.diagnostics]


def card(private: Keys, org_id: str, org_type: str, **about: Any) -> Card:
    named = {"name": "Fernshire County Council", "phone": "01632 960101", "issued": ISSUED}
    return Card.make(private, org_id=org_id, org_type=org_type, **named | about)


def receiving_type(terms: dict[str, Any]) -> str:
    """A type of organisation that may have what these terms are about."""
    groups = profile.load(terms["profile"]).about["recipients"]
    route = terms.get("route")
    return next(group["org_types"][0] for group in groups if route in group.get("routes", [route]))


def sealed(name: str, *recipients: Keys, note: str | None = None, classical: bool = False) -> bytes:
    """A worked example, sealed when it was decided."""
    data, terms = example(name)
    cards = [card(private, f"ZZQ{at}", receiving_type(terms)) for at, private in enumerate(recipients)]
    decided = datetime.fromisoformat(terms["decision"]["at"])
    about = {"sender": Sender(org_id="E10999001", keys=SENDER, note=note), "recipients": cards, "now": decided}
    return seal(data, terms, **about, classical=classical)


def plaintexts(packet: Packet, private: Keys) -> tuple[Any, Any]:
    """Manifest and dataset, out of their padding."""
    aad = aad_of(packet.statement.protected)
    manifest = cose.decrypt(packet.manifest, list(private), aad=aad, extra_info=aad)
    info = dataset_info(aad, manifest)
    return unpad(manifest), unpad(cose.decrypt(packet.dataset, list(private), aad=aad, extra_info=info))


# --- what is written ---

WAYS = {
    "hybrid": ([HYBRID], None, False),
    "classical": ([BOTH], None, True),
    "two recipients": ([BOTH, HYBRID], None, False),
    "with a checkpoint": ([HYBRID], NOTE, False),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("recipients", "note", "classical"), WAYS.values(), ids=WAYS)
def test_every_worked_example_is_sealed_as_the_cddl_says(name, recipients, note, classical):
    data = sealed(name, *recipients, note=note, classical=classical)
    assert problems("packet", data) == []
    manifest, dataset = plaintexts(parse(data), recipients[-1])
    assert problems("manifest", cbor.encode(manifest)) == []
    assert problems("dataset", cbor.encode(dataset)) == []


def test_there_is_a_worked_example_of_every_profile():
    profiles = {path.stem.removeprefix("profile-") for path in (REPOSITORY / "schemas").glob("profile-*.json")}
    assert {json.loads((EXAMPLES / f"{name}.terms.json").read_text())["profile"] for name in NAMES} == profiles


CARDS = {
    "hybrid": card(HYBRID, "ZZQ01", "nhs-acute"),
    "classical as well": card(SENDER, "E10999001", "local-authority-csc"),
    "with a telephone out of hours": card(HYBRID, "ZZQ01", "nhs-acute", out_of_hours_phone="01632 960199"),
    "for demonstration": card(HYBRID, "Z", "nhs-acute", demonstration=True),
    "of 200 letters of four bytes": card(HYBRID, "Z" * 32, "nhs-acute", name="\N{OLD ITALIC LETTER A}" * 200),
}


@pytest.mark.parametrize("made", CARDS.values(), ids=CARDS)
def test_a_card_is_as_the_cddl_says(made):
    assert problems("card", made.data) == []


def test_key_files_are_as_the_cddl_says(monkeypatch):
    monkeypatch.setattr(argon2id, "kdf", lambda *_, **__: bytes(32))
    files = [keys.to_file(SENDER, None), keys.to_file(HYBRID, None), keys.to_file(SENDER, "passphrase")]
    assert [problems("key-file", data) for data in [*files, keys.log_to_file(SENDER)]] == [[]] * 4


def test_pins_are_as_the_cddl_says(tmp_path):
    store, own = PinFolder(tmp_path), CARDS["classical as well"]
    store.write(Pin(CARDS["hybrid"], confirmed=False, revoked=NOW, reason="stolen"))
    store.write(Pin(own, confirmed=True))
    store.write(Pin(CARDS["for demonstration"], confirmed=True, reason="it was in the safe"))
    pins = [path.read_bytes() for path in tmp_path.iterdir()]
    assert [problems("pin", pin) for pin in pins] == [[], [], []]
    assert sorted(len(cbor.decode(pin)) for pin in pins) == [2, 3, 4]


RULES_OF_STRUCTURES = {
    "Signature1": "sig-structure",
    "Encrypt": "enc-structure",
    "HPKE Recipient": "recipient-structure",
    "COSE_Key": "thumbprint-input",
    "sharekit": "packet",
}


def test_what_is_signed_authenticated_and_hashed_is_as_the_cddl_says(monkeypatch):
    """Every structure that sealing, opening and making keys hand to a primitive, by its context."""
    seen: dict[str, list[bytes]] = {}
    encode = cbor.encode

    def recorded(value: Any) -> bytes:
        data = encode(value)
        if isinstance(value, list) and isinstance(value[0], str) and isinstance(value[-1], bytes) and value[-1]:
            seen.setdefault(value[0], []).append(data)
        if isinstance(value, dict) and value.get(1) in (1, 7) and -1 in value:
            seen.setdefault("COSE_Key", []).append(data)
        return data

    def remembered(data: bytes) -> bytes:
        seen.setdefault(cbor.decode(data)[0], []).append(data)
        return data

    monkeypatch.setattr(cbor, "encode", recorded)
    # the beginnings of these two are encoded once, so they are caught where they are used
    structure, encrypt = cose._enc_structure, keys.PublicOpening.encrypt
    monkeypatch.setattr(cose, "_enc_structure", lambda aad: remembered(structure(aad)))
    monkeypatch.setattr(
        keys.PublicOpening, "encrypt", lambda key, plaintext, info: encrypt(key, plaintext, remembered(info))
    )
    for private in (BOTH, HYBRID):
        plaintexts(parse(sealed("cp-is-flag", private)), private)
    Keys.generate(classical=True)
    assert set(seen) == set(RULES_OF_STRUCTURES)
    for context, structures in seen.items():
        assert [problems(RULES_OF_STRUCTURES[context], data) for data in structures] == [[]] * len(structures)


LEDGER = Validator((REPOSITORY / "schemas" / "ledger.cddl").read_text())


def test_the_entries_of_an_exchange_are_as_the_ledgers_cddl_says(world):
    packet = world.flag()
    world.quillbrook.open(packet, purpose="safeguarding.status-flag", confirm=CONFIRM)
    with pytest.raises(ShareError):
        world.quillbrook.open(packet, purpose="immigration.enforcement", confirm=CONFIRM)
    entries = [entry.encode() for agency in (world.fernshire, world.quillbrook) for _, entry in agency.entries()]
    assert len(entries) >= 6
    assert [LEDGER.validate(entry).diagnostics for entry in entries] == [()] * len(entries)


# --- what is read ---


@dataclass(frozen=True)
class Flag:
    """One sealed flag, in all its parts, and how to put it together again with a part changed."""

    data: bytes

    @cached_property
    def packet(self) -> Packet:
        return parse(self.data)

    @cached_property
    def inside(self) -> tuple[dict[int, Any], dict[int, Any]]:
        return plaintexts(self.packet, HYBRID)

    def with_header(self, header: Any) -> bytes:
        message = self.packet.statement
        parts = [cbor.encode(header), {}, message.payload, message.signature]
        return cbor.encode(["sharekit", 1, cose.SIGN1_TAG + cbor.encode(parts), self.packet.sealed])

    def with_statement(self, parts: Any) -> bytes:
        return cbor.encode(["sharekit", 1, cose.SIGN1_TAG + cbor.encode(parts), self.packet.sealed])

    def with_sealed(self, parts: Any) -> bytes:
        return cbor.encode([*cbor.decode(self.data)[:3], cbor.encode(parts)])

    def with_inside(self, manifest: dict[int, Any], dataset: dict[int, Any]) -> bytes:
        """Whatever they are, padded, encrypted and signed by a trusted sender."""
        why, what = pad(manifest), pad(dataset)
        header = self.packet.statement.header | {MANIFEST_COMMIT: sha256(why).digest()}
        aad = aad_of(cbor.encode(header))
        to = [public_opening(HybridOpening, HYBRID.opening.public)]
        m = cose.encrypt(why, aad=aad, recipients=to, extra_info=aad)
        d = cose.encrypt(what, aad=aad, recipients=to, extra_info=dataset_info(aad, why))
        parts = cbor.encode([m, d, []])
        statement = cose.sign1(header, sha256(parts).digest(), SENDER.signing)
        return cbor.encode(["sharekit", 1, statement, parts])

    def read_encryption(self, data: bytes) -> None:
        """As far as it is read by the one recipient."""
        message, aad = cose.parse_encrypt(data), aad_of(self.packet.statement.protected)
        cose.recipients(message)
        cose.decrypt(message, list(HYBRID), aad=aad, extra_info=aad)

    def open(self, data: bytes) -> None:
        use = Use(purpose="safeguarding.status-flag", org_type="nhs-acute", confirm=CONFIRM)
        open_packet(data, HYBRID, Trust([CARDS["classical as well"]]), use=use, now=NOW)


FLAG = Flag(sealed("cp-is-flag", HYBRID, note=NOTE))
OWN = cose.parse_sign1(CARDS["classical as well"].data, required=(1, 4, 16))


def signed_card(payload: Any, header: Any = OWN.header) -> bytes:
    return cose.sign1(header, cbor.encode(payload), SENDER.signing)


def read_key_file(data: bytes) -> None:
    """Whichever of the two it is."""
    try:
        keys.log_from_file(data)
    except Malformed:
        keys.from_file(data, SENDER.log, None)


def untagged(data: bytes) -> Any:
    return cbor.decode(data.removeprefix(cose.SIGN1_TAG).removeprefix(cose.ENCRYPT_TAG))


@dataclass(frozen=True)
class Case:
    """What is changed, how it becomes bytes, the rule for those bytes, and their reader."""

    value: Any
    build: Callable[[Any], bytes]
    rule: str
    read: Callable[[bytes], object]


CASES = {
    "a packet": Case(cbor.decode(FLAG.data), cbor.encode, "packet", parse),
    "a statement": Case(untagged(cbor.decode(FLAG.data)[2]), FLAG.with_statement, "packet", parse),
    "a statement's header": Case(FLAG.packet.statement.header, FLAG.with_header, "packet", parse),
    "a sealed part": Case(cbor.decode(FLAG.packet.sealed), FLAG.with_sealed, "packet", parse),
    "an encryption": Case(
        untagged(cbor.decode(FLAG.packet.sealed)[0]),
        lambda parts: cose.ENCRYPT_TAG + cbor.encode(parts),
        "encrypted",
        FLAG.read_encryption,
    ),
    "a card": Case(
        untagged(CARDS["hybrid"].data), lambda parts: cose.SIGN1_TAG + cbor.encode(parts), "card", Card.parse
    ),
    "a card's header": Case(
        OWN.header, lambda header: signed_card(cbor.decode(OWN.payload), header), "card", Card.parse
    ),
    "a card's payload": Case(cbor.decode(OWN.payload), signed_card, "card", Card.parse),
    "a key file": Case(cbor.decode(keys.to_file(SENDER, None)), cbor.encode, "key-file", read_key_file),
    "seeds": Case(
        cbor.decode(cbor.decode(keys.to_file(SENDER, None))[3]),
        lambda seeds: cbor.encode(["sharekit-key", 1, None, cbor.encode(seeds)]),
        "key-file",
        read_key_file,
    ),
    "a pin": Case({1: CARDS["hybrid"].data, 2: True, 3: 1, 4: "stolen"}, cbor.encode, "pin", folder._read_pin),
}
WRONG = [None, True, False, 0, 1, 1.0, -1, -19.0, 2**34, "", "x", "x" * 201, [], ["x"], ["-"], [-70001], {}, {1: 1}]
WRONG += [{"x": 1}, {"x": b""}, *map(bytes, (0, 12, 16, 31, 32, 33, 64))]
LABELS = [0, 3, 8, 12, 99, 260, -3, -70003, "x"]


def changes(value: Any) -> Iterator[tuple[str, Any]]:
    """The value with one thing changed on one of its levels: left out, added, or of another type, size or value."""
    yield from ((f"{wrong!r:.20}", wrong) for wrong in WRONG)
    if isinstance(value, dict):
        yield from ((f"with {label}", {**value, label: 0}) for label in LABELS if label not in value)
    if isinstance(value, list):
        yield from (("with 0", [*value, 0]), ("with the last twice", [*value, *value[-1:]]))
    for label in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        without = copy.copy(value)
        del without[label]
        yield f"without {label}", without
        for name, inner in changes(value[label]):
            changed = copy.copy(value)
            changed[label] = inner
            yield f"{label}: {name}", changed


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_whatever_is_changed_what_is_still_read_is_as_the_cddl_says(case):
    case.read(case.build(case.value))
    assert problems(case.rule, case.build(case.value)) == []
    refused = 0
    for name, changed in changes(case.value):
        data = case.build(changed)
        try:
            case.read(data)
        except ShareError:
            refused += 1
        else:
            assert problems(case.rule, data) == [], name
    assert refused > len(WRONG)


MANIFEST, DATASET = FLAG.inside


@pytest.mark.parametrize("label", sorted({*MANIFEST, *LABELS}, key=str), ids=str)
def test_a_changed_manifest_is_as_the_cddl_says_or_is_refused(label):
    FLAG.open(FLAG.with_inside(MANIFEST, DATASET))
    for changed in ({key: MANIFEST[key] for key in MANIFEST if key != label}, *(MANIFEST | {label: w} for w in WRONG)):
        check_opened("manifest", changed, FLAG.with_inside(changed, DATASET))


@pytest.mark.parametrize("label", sorted({*DATASET, *LABELS}, key=str), ids=str)
def test_a_changed_dataset_is_as_the_cddl_says_or_is_refused(label):
    for changed in ({key: DATASET[key] for key in DATASET if key != label}, *(DATASET | {label: w} for w in WRONG)):
        manifest = MANIFEST | {6: sha256(pad(changed)).digest()}
        check_opened("dataset", changed, FLAG.with_inside(manifest, changed))


def check_opened(rule: str, plaintext: dict[int, Any], data: bytes) -> None:
    try:
        FLAG.open(data)
    except ShareError:
        return
    assert problems(rule, cbor.encode(plaintext)) == []


# --- what the CDDL refuses by itself ---

COMPLETE = {
    "statement-header": FLAG.packet.statement.header,
    "claims": FLAG.packet.claims,
    "manifest": MANIFEST,
    "dataset": DATASET,
    "card-header": OWN.header,
    "card-payload": cbor.decode(OWN.payload),
    "agency-seeds": CASES["seeds"].value,
    "pin": CASES["a pin"].value,
}
MAY_BE_ABSENT = {"statement-header": {-70002}, "manifest": {3, 4}, "card-payload": {5, 11}, "agency-seeds": {4}}


@pytest.mark.parametrize("rule", COMPLETE)
def test_the_cddl_knows_which_members_a_map_must_have_and_no_others(rule):
    value = COMPLETE[rule]
    assert problems(rule, cbor.encode(value)) == []
    for label in value:
        without = {key: item for key, item in value.items() if key != label}
        assert (problems(rule, cbor.encode(without)) == []) == (label in MAY_BE_ABSENT.get(rule, ()))
        assert problems(rule, cbor.encode(value | {label: None}))
    assert problems(rule, cbor.encode(value | {99: 0}))
    assert problems(rule, cbor.encode(value | {"x": 0}))
