"""Makes the vectors beside it: one packet for each way in which a packet can be wrong. Run it from the repository.

    python tests/vectors/make.py

Keys are fixed, encryption is not: the files change each time, so they are made when the format changes and no
earlier. What each file promises is in its own words; test_vectors.py holds the library to it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

sys.path.insert(0, str(Path(__file__).parent.parent))
from world.agencies import ABOUT, FLAG, example

import sharekit
from sharekit import cbor, cose
from sharekit.packet import seal as sealing
from sharekit.packet import wire as packet
from sharekit.packet.seal import Draft, Parts, Sender
from sharekit.trust.keys import ClassicalOpening, HybridOpening, Keys
from sharekit.values import replace

HERE = Path(__file__).parent
NOW = datetime.fromisoformat(FLAG)
PURPOSE = "safeguarding.status-flag"
CONFIRM = {"date_of_birth": "2019-03-14"}


def keys(seed: int) -> Keys:
    """Five keys from one small number: for tests only."""
    seeds = [sha256(bytes([seed, n])).digest() for n in range(5)]
    return Keys(
        SigningKey(seeds[0]), HybridOpening(seeds[1]), SigningKey(seeds[2]), seeds[3], ClassicalOpening(seeds[4])
    )


def card(org_id: str, seed: int, *, classical: bool = False) -> sharekit.Card:
    org_type, name, phone = ABOUT[org_id]
    held = keys(seed) if classical else replace(keys(seed), classical=None)
    return sharekit.Card.make(held, org_id=org_id, org_type=org_type, name=name, phone=phone, issued=NOW)


SENDER = Sender(org_id="E10999001", keys=keys(1), org_type="local-authority-csc")
THIEF = Sender(org_id="P97", keys=keys(3))


@dataclass
class Making:
    """The bytes of a packet as they come into being, and hooks that spoil them at one place."""

    recipients: tuple[sharekit.Card, ...] = field(default_factory=lambda: (card("ZZQ01", 2, classical=True),))
    sender: Sender = SENDER
    fields: dict[str, Any] = field(default_factory=dict)
    terms: dict[str, Any] = field(default_factory=dict)
    manifest: Callable[[dict[int, Any]], None] = lambda manifest: None
    padded: Callable[[bytes], bytes] = lambda padded: padded
    header: Callable[[dict[int, Any]], None] = lambda header: None
    commit_to: Callable[[bytes], bytes] = lambda padded: padded
    dataset_info: Callable[[bytes], bytes] = lambda manifest: manifest
    sealed: Callable[[list[Any]], None] = lambda parts: None
    aad: bytes | None = None

    def packet(self) -> bytes:
        parts, draft = Parts.fresh(), self._draft()
        dataset = packet.pad({1: parts.dataset_salt, 2: draft.fields, 3: {}})
        content = sealing._manifest_map(draft, parts, dataset, None)
        self.manifest(content)
        manifest = self.padded(packet.pad(content))
        header = sealing._statement_header(draft, parts, self.commit_to(manifest), sender=self.sender, now=NOW)
        self.header(header)
        aad = self.aad or packet.aad_of(cbor.encode(header))
        opening = sealing.opening_keys(draft)
        info = packet.dataset_info(aad, self.dataset_info(manifest))
        m = cose.encrypt(manifest, aad=aad, recipients=opening, extra_info=aad)
        d = cose.encrypt(dataset, aad=aad, recipients=opening, extra_info=info)
        pieces = [m, d, []]
        self.sealed(pieces)
        sealed = cbor.encode(pieces)
        statement = cose.sign1(header, sha256(sealed).digest(), self.sender.keys.signing)
        return cbor.encode(["sharekit", 1, statement, sealed])

    def _draft(self) -> Draft:
        data, terms = example("cp-is-flag")
        cards, classical = self.recipients, all(each.classical_opening for each in self.recipients)
        made = sealing.prepare(data, terms, sender=SENDER, recipients=cards, classical=classical, now=NOW)
        return replace(
            made,
            fields=made.fields | self.fields,
            terms=sharekit.ShareTerms(dict(made.terms.json) | self.terms),
        )


@dataclass
class Vector:
    title: str
    description: str
    stage: str
    code: str | None
    packet: bytes
    now: datetime = NOW
    reader: str = "ZZQ01"
    purpose: str = PURPOSE
    confirm: dict[str, str] = field(default_factory=lambda: dict(CONFIRM))

    def write(self, number: int) -> None:
        told = {
            "title": self.title,
            "description": self.description,
            "stage": self.stage,
            "code": self.code,
            "now": self.now.isoformat(),
            "reader": self.reader,
            "purpose": self.purpose,
            "confirm": self.confirm,
            "diagnostic": diagnostic(self.packet),
            "packet": self.packet.hex(),
        }
        name = "-".join(self.title.replace(",", "").split())
        (HERE / f"{number:02}-{name}.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def diagnostic(data: bytes) -> str:
    """The outermost shape in words, as far as the bytes have one."""
    try:
        magic, version, statement, sealed = cbor.decode(data)
    except (sharekit.ShareError, ValueError):
        return f"{len(data)} bytes that are no array of four"
    return f"[{json.dumps(magic)}, {version}, h'{statement[:8].hex()}...' /{len(statement)}/, /{len(sealed)}/]"


def outer(change: Callable[[list[Any]], None]) -> bytes:
    parts = cbor.decode(GOOD)
    change(parts)
    return cbor.encode(parts)


def statement(change: Callable[[list[Any]], None]) -> bytes:
    """The good packet with its COSE_Sign1 taken apart, changed, and put together again; not signed anew."""

    def changed(parts: list[Any]) -> None:
        message = cbor.decode(parts[2][1:])
        change(message)
        parts[2] = b"\xd2" + cbor.encode(message)

    return outer(changed)


def put(label: int, value: Any) -> Callable[[dict[int, Any]], None]:
    return lambda target: target.__setitem__(label, value)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def more_recipients(parts: list[Any]) -> None:
    message = cbor.decode(parts[0][2:])
    message[3] = message[3] * 65
    parts[0] = parts[0][:2] + cbor.encode(message)


def one_block_twice(parts: list[Any]) -> None:
    message = cbor.decode(parts[0][2:])
    message[3] = message[3] * 2
    parts[0] = parts[0][:2] + cbor.encode(message)


def stolen() -> bytes:
    """A statement of the thief's own around parts that the sender sealed."""

    def replaced(parts: list[Any]) -> None:
        parts[:] = cbor.decode(cbor.decode(GOOD)[3])

    return Making(sender=THIEF, sealed=replaced).packet()


HYBRID = Making(recipients=(card("ZZQ01", 2),)).packet()
GOOD = Making().packet()
OTHER = Making().packet()

VECTORS = [
    Vector("a hybrid packet", "opens for the purpose it was shared for", "opens", None, HYBRID),
    Vector("a classical packet", "every recipient has a classical key", "opens", None, GOOD),
    Vector("nothing", "an empty file", "parse", "malformed", b""),
    Vector("cut short", "the last byte is missing", "parse", "malformed", GOOD[:-1]),
    Vector("a byte too many", "a zero follows the packet", "parse", "malformed", GOOD + b"\0"),
    Vector(
        "another magic", "the first item is not sharekit", "parse", "malformed", outer(lambda p: put(0, "sharekot")(p))
    ),
    Vector("version 2", "a version that is not known", "parse", "malformed", outer(lambda p: put(1, 2)(p))),
    Vector(
        "a long integer",
        "the version takes two bytes",
        "parse",
        "malformed",
        GOOD.replace(b"\x68sharekit\x01", b"\x68sharekit\x18\x01", 1),
    ),
    Vector(
        "an unprotected header", "the statement has one", "parse", "malformed", statement(lambda m: put(1, {1: -19})(m))
    ),
    Vector(
        "another signature algorithm", "alg says EdDSA, -8", "parse", "malformed", Making(header=put(1, -8)).packet()
    ),
    Vector(
        "a content type",
        "label 3 is forbidden in a hash envelope",
        "parse",
        "malformed",
        Making(header=put(3, "text/plain")).packet(),
    ),
    Vector(
        "a critical label nobody knows",
        "crit names -70003",
        "parse",
        "malformed",
        Making(header=lambda h: (put(2, [-70001, -70003])(h), put(-70003, b"x")(h))).packet(),
    ),
    Vector(
        "a label that is not critical",
        "crit is empty though a commitment is there",
        "parse",
        "malformed",
        Making(header=put(2, [])).packet(),
    ),
    Vector("another hash", "label 258 says SHA-512", "parse", "malformed", Making(header=put(258, -44)).packet()),
    Vector("no expiry", "the claims lack exp", "parse", "malformed", Making(header=lambda h: h[15].pop(4)).packet()),
    Vector(
        "a recipient named twice",
        "aud has the same organisation twice",
        "parse",
        "malformed",
        Making(header=lambda h: put(3, ["ZZQ01", "ZZQ01"])(h[15])).packet(),
    ),
    Vector(
        "a third sealed part",
        "sealed has an attachment nobody announced",
        "parse",
        "malformed",
        Making(sealed=lambda p: put(2, [[bytes(32), 1]])(p)).packet(),
    ),
    Vector(
        "65 recipients",
        "more blocks than a packet may have",
        "parse",
        "malformed",
        Making(sealed=more_recipients).packet(),
    ),
    Vector(
        "a block too many",
        "M has more recipients than aud",
        "parse",
        "malformed",
        Making(sealed=one_block_twice).packet(),
    ),
    Vector(
        "an unknown signer",
        "no card of the key is pinned",
        "verify",
        "unknown-sender",
        Making(sender=replace(SENDER, keys=keys(9))).packet(),
    ),
    Vector(
        "another organisation's key",
        "signed by the police, says it is Fernshire",
        "verify",
        "not-trusted",
        Making(sender=replace(THIEF, org_id="E10999001")).packet(),
    ),
    Vector(
        "a flipped signature",
        "one bit of the signature",
        "verify",
        "bad-signature",
        statement(lambda m: put(3, flipped(m[3], 9))(m)),
    ),
    Vector(
        "a flipped payload",
        "one bit of the payload hash",
        "verify",
        "bad-signature",
        statement(lambda m: put(2, flipped(m[2], 9))(m)),
    ),
    Vector(
        "another packet's sealed part",
        "the statement of one, the sealed part of another",
        "verify",
        "bad-signature",
        outer(lambda p: put(3, cbor.decode(OTHER)[3])(p)),
    ),
    Vector("expired", "read two years later", "verify", "expired", GOOD, now=NOW + timedelta(days=730)),
    Vector(
        "from the future",
        "read six minutes before it was issued",
        "verify",
        "not-yet-valid",
        GOOD,
        now=NOW - timedelta(minutes=6),
    ),
    Vector("for another agency", "the reader is not in aud", "addressed", "not-for-you", GOOD, reader="ZZQ02"),
    Vector(
        "stripped and signed again",
        "a thief's statement around the sender's sealed parts",
        "manifest",
        "cannot-decrypt",
        stolen(),
    ),
    Vector(
        "a commitment to another manifest",
        "the statement commits to other bytes",
        "manifest",
        "cannot-decrypt",
        Making(commit_to=lambda m: m[:-1] + b"\x01").packet(),
    ),
    Vector(
        "a flipped ciphertext of the manifest",
        "signed by its sender all the same",
        "manifest",
        "cannot-decrypt",
        Making(sealed=lambda p: put(0, flipped(p[0], 60))(p)).packet(),
    ),
    Vector(
        "padding that is not zero",
        "the last byte of the padded manifest is 1",
        "manifest",
        "malformed",
        Making(padded=lambda m: m[:-1] + b"\x01").packet(),
    ),
    Vector(
        "padding of another class",
        "the padded manifest is 1 KiB too long",
        "manifest",
        "malformed",
        Making(padded=lambda m: m + bytes(1024)).packet(),
    ),
    Vector(
        "a mode nobody knows",
        "the manifest's mode is gossip",
        "manifest",
        "malformed",
        Making(manifest=put(2, "gossip")).packet(),
    ),
    Vector(
        "a part nobody knows", "the manifest has label 8", "manifest", "malformed", Making(manifest=put(8, 1)).packet()
    ),
    Vector(
        "another sender inside",
        "the terms name the police as sender",
        "manifest",
        "malformed",
        Making(terms={"sender": {"org_id": "P97"}}).packet(),
    ),
    Vector(
        "another recipient inside",
        "the terms name one more recipient",
        "manifest",
        "malformed",
        Making(
            terms={
                "recipients": [{"org_id": "ZZQ01", "org_type": "nhs-acute"}, {"org_id": "P97", "org_type": "police"}]
            }
        ).packet(),
    ),
    Vector(
        "a purpose nobody knows",
        "the terms' purpose is on no list",
        "manifest",
        "unknown-code",
        Making(terms={"purpose": "safeguarding.gossip"}).packet(),
    ),
    Vector(
        "terms with a part nobody declared",
        "the terms have a comment",
        "manifest",
        "field-not-allowed",
        Making(terms={"comment": "x"}).packet(),
    ),
    Vector(
        "a prohibited purpose",
        "opened for what the sender prohibited",
        "decide",
        "purpose-prohibited",
        GOOD,
        purpose="immigration.enforcement",
    ),
    Vector(
        "an incompatible purpose",
        "opened for what the matrix denies",
        "decide",
        "purpose-incompatible",
        GOOD,
        purpose="education.support",
    ),
    Vector(
        "a related purpose without a record",
        "opened without basis and reason",
        "decide",
        "refer-to-sender",
        GOOD,
        purpose="safeguarding.referral",
    ),
    Vector(
        "a dataset key under another manifest",
        "D's info hashes another manifest",
        "dataset",
        "cannot-decrypt",
        Making(dataset_info=lambda m: m[:-1] + b"\x01").packet(),
    ),
    Vector(
        "another dataset",
        "the manifest's dataset hash is of other bytes",
        "dataset",
        "cannot-decrypt",
        Making(manifest=put(6, bytes(32))).packet(),
    ),
    Vector(
        "a field nobody declared",
        "the dataset has a category of abuse",
        "dataset",
        "field-not-allowed",
        Making(fields={"category": "NEG"}).packet(),
    ),
    Vector(
        "a wrong check digit",
        "the dataset's NHS number",
        "dataset",
        "field-invalid",
        Making(fields={"nhs_number": "9990001011"}).packet(),
    ),
    Vector(
        "a flag that has ended",
        "the plan ended more than twelve months ago",
        "dataset",
        "visibility-ended",
        Making(fields={"plan_start": "2024-01-01", "plan_end": "2025-10-31"}).packet(),
    ),
    Vector(
        "no second identifier", "nobody confirms the date of birth", "dataset", "identity-mismatch", GOOD, confirm={}
    ),
    Vector(
        "another date of birth",
        "the second identifier does not match",
        "dataset",
        "identity-mismatch",
        GOOD,
        confirm={"date_of_birth": "2019-04-13"},
    ),
]

if __name__ == "__main__":
    for old in HERE.glob("*.json"):
        old.unlink()
    for number, vector in enumerate(VECTORS):
        vector.write(number)
    print(f"{len(VECTORS)} vectors")
