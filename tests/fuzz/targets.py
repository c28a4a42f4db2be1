"""What reads files that others wrote: one target for each parser, with good files to begin from.

A target takes bytes and returns, or raises one of the errors that the parser promises; anything else is a failure.
"""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click
from nacl.signing import SigningKey
from sharekit.cli import session
from vectors.make import SENDER, card
from world.agencies import EXAMPLES
from world.console import REPOSITORY

import sharekit
from fuzz import partner
from sharekit import Agency, audit, cbor, cose
from sharekit.advice import brief
from sharekit.agency import home as homes
from sharekit.audit import report
from sharekit.domain import profile
from sharekit.domain.terms import ShareTerms
from sharekit.errors import (
    BadSignature,
    LedgerError,
    LedgerTampered,
    Malformed,
    NotTrusted,
    OutputUnwritable,
    Refused,
    ShareError,
    Usage,
    WrongPassphrase,
)
from sharekit.ledger.entry import Entry
from sharekit.packet import open as opening
from sharekit.packet import receipt, wire
from sharekit.packet import seal as sealing
from sharekit.packet.wire import Control
from sharekit.policy import local
from sharekit.policy.use import check_assessment
from sharekit.proofs import attestation, checkpoint, cosignature, inclusion, timestamp
from sharekit.trust import keys as key_files
from sharekit.trust.cards import Card
from sharekit.trust.folder import PinFolder
from sharekit.vault.vault import Vault

BEFORE = REPOSITORY / "tests" / "before"
VECTORS = REPOSITORY / "tests" / "vectors"
SEEDS = Path(__file__).parent / "seeds"
AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
PASSPHRASE = (BEFORE / "passphrase").read_text().strip()
VAULT_KEY = bytes(range(32))


class Target(NamedTuple):
    """One parser: its name, the kind of its files, what reads one, what it may raise, and good files."""

    name: str
    kind: str
    read: Callable[[bytes], object]
    raises: tuple[type[ShareError], ...]
    seeds: Callable[[], list[bytes]]


TARGETS: dict[str, Target] = {}


def target(
    name: str, kind: str, seeds: Callable[[], list[bytes]], *raises: type[ShareError]
) -> Callable[[Callable[[bytes], object]], Callable[[bytes], object]]:
    """Put what reads a file into the table, as the target `name`."""

    def listed(read: Callable[[bytes], object]) -> Callable[[bytes], object]:
        TARGETS[name] = Target(name, kind, read, raises or (Malformed,), functools.cache(seeds))
        return read

    return listed


@functools.cache
def scratch() -> Path:
    """A folder for files that are read by name, in memory where there is some."""
    shared = Path("/dev/shm")
    made = tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None, prefix="sharekit-fuzz-")
    _KEPT.append(made)
    return Path(made.name)


_KEPT: list[Any] = []  # removed when the process ends


def written(data: bytes, name: str = "file") -> Path:
    path = scratch() / name
    path.write_bytes(data)
    return path


@functools.cache
def home(name: str) -> Path:
    """The home of an agency, as an earlier build left it."""
    folder = scratch() / "homes"
    if not folder.exists():
        with tarfile.open(BEFORE / "homes.tar.xz") as archive:
            archive.extractall(folder, filter="tar")
    return folder / name


# --- the ground ---


def packets() -> list[bytes]:
    found = [bytes.fromhex(json.loads(path.read_text())["packet"]) for path in sorted(VECTORS.glob("*.json"))]
    return [each for each in found if each] + [path.read_bytes() for path in sorted((BEFORE / "packets").iterdir())]


def statements() -> list[bytes]:
    return [cbor.decode(partner.GOOD)[2], *cards()]


def cards() -> list[bytes]:
    return [path.read_bytes() for path in sorted((BEFORE / "cards").iterdir())]


@target("cbor", "cbor", lambda: [*packets()[:4], *entries()])
def read_cbor(data: bytes) -> object:
    value = cbor.decode(data)
    if cbor.encode(value) != data:
        raise AssertionError("what was decoded is encoded otherwise")
    return cbor.sequence(data)


@target("cbor-sequence", "cbor", lambda: [b"".join(entries()), b"\x01\x02\x83\x01\x02\x03"])
def read_sequence(data: bytes) -> object:
    return cbor.sequence(data)


@target("sign1", "cbor", statements)
def read_sign1(data: bytes) -> object:
    labels = (cose.ALG, cose.KID)
    return cose.parse_sign1(data, required=labels, optional=[*range(300), wire.MANIFEST_COMMIT, wire.CHECKPOINT_HASH])


@target("encrypt", "bytes", lambda: [part for each in packets()[:2] for part in cbor.decode(cbor.decode(each)[3])[:2]])
def read_encrypt(data: bytes) -> object:
    return cose.recipients(cose.parse_encrypt(data))


# --- packets ---


@target("packet", "cbor", packets)
def read_packet(data: bytes) -> object:
    packet = wire.parse(data)
    return packet.id, packet.kid, packet.sender, packet.recipients, packet.issued, packet.expires, repr(packet)


@target(
    "signed-header",
    "cbor",
    lambda: [cose.parse_sign1(statements()[0], required=(), optional=range(-80000, 300)).protected],
    ShareError,
)
def read_signed_header(data: bytes) -> object:
    return sharekit.verify(wire.parse(partner.with_header(data)), partner.TRUST, now=partner.AT)


@target("signed-parts", "cbor", lambda: [cbor.decode(partner.GOOD)[3]], ShareError)
def read_signed_parts(data: bytes) -> object:
    return sharekit.verify(wire.parse(partner.with_sealed(data)), partner.TRUST, now=partner.AT)


def opened(packet: bytes, terms: Any = None) -> object:
    """Open a packet of the partner, for what it says it was shared for, in an emergency, and as a control packet."""
    parsed = wire.parse(packet)
    statement = sharekit.verify(parsed, partner.TRUST, now=partner.AT)
    opening.read_control(parsed, statement, partner.READER_KEYS)
    manifest = sharekit.read_manifest(parsed, statement, partner.READER_KEYS)
    repr(manifest.terms)
    glass = {"break_glass": True, "reason": "XXTEST is in danger now, at home, with the person named"}
    for use in (partner.use(manifest.terms.purpose), partner.use("immediate-protection", **glass)):
        verdict = sharekit.decide(manifest.terms, use, now=partner.AT)
        if verdict.outcome.startswith("allow"):
            sharekit.open_dataset(parsed, manifest, verdict, partner.READER_KEYS)
    return verdict


OPENING = (Malformed, Refused, sharekit.ShareError)
EXAMPLES_OF_SHARES = [path.name.removesuffix(".terms.json") for path in sorted(EXAMPLES.glob("*.terms.json"))]


def datasets() -> list[bytes]:
    return [cbor.encode(partner.dataset_content(partner.good()[0]))]


@target(
    "manifest",
    "cbor",
    lambda: [cbor.encode(partner.manifest_content(partner.good()[1], partner.padded(datasets()[0])))],
    *OPENING,
)
def open_manifest(data: bytes) -> object:
    return opened(partner.sealed(partner.padded(data), partner.padded(datasets()[0])))


@target("dataset", "cbor", datasets, *OPENING)
def open_dataset(data: bytes) -> object:
    dataset = partner.padded(data)
    content = cbor.encode(partner.manifest_content(partner.good()[1], dataset))
    return opened(partner.sealed(partner.padded(content), dataset))


@target("padding", "bytes", lambda: [partner.padded(datasets()[0])], *OPENING)
def open_padding(data: bytes) -> object:
    content = cbor.encode(partner.manifest_content(partner.good()[1], data))
    return opened(partner.sealed(partner.padded(content), data))


def as_json(data: bytes) -> Any:
    """The JSON value of a file, read as the command line reads one."""
    path = written(data, "value.json")
    with click.Context(click.Command("read")).scope():
        return session.read_json(str(path), what="the file")


def shares() -> list[bytes]:
    """Data and terms of every worked example, as the partner would fill them in."""
    return [json.dumps(partner.filled(name)).encode() for name in EXAMPLES_OF_SHARES]


@target("share", "json", shares, *OPENING)
def open_share(data: bytes) -> object:
    match as_json(data):
        case [fields, terms]:
            return opened(partner.share(terms, fields))
    raise Malformed("no share")


# --- what people write ---


def drafts() -> list[bytes]:
    pairs = [((EXAMPLES / f"{name}.json"), (EXAMPLES / f"{name}.terms.json")) for name in EXAMPLES_OF_SHARES]
    return [b"[%s, %s]" % (data.read_bytes(), terms.read_bytes()) for data, terms in pairs]


@target("data-and-terms", "json", drafts, Malformed, Refused)
def examine(data: bytes) -> object:
    match as_json(data):
        case [fields, terms]:
            to = [partner.READER]
            return sealing.examine(fields, terms, sender_type="local-authority-csc", recipients=to, now=AT)
    raise Malformed("no share")


@target("seal", "json", drafts, Malformed, Refused)
def seal(data: bytes) -> object:
    match as_json(data):
        case [fields, terms]:
            parsed = ShareTerms.parse(terms)
            return sharekit.seal(
                sealing.minimise(fields, parsed, now=AT), parsed, sender=SENDER, recipients=[partner.READER], now=AT
            )
    raise Malformed("no share")


@target("advice", "json", drafts, Malformed, Refused)
def advice(data: bytes) -> object:
    match as_json(data):
        case [fields, dict() as terms] if isinstance(terms.get("profile"), str):
            return brief.brief(fields, profile.load(terms["profile"]), terms, now=AT).text
    raise Malformed("no share")


def assessments() -> list[bytes]:
    names = ["link", "context_and_relationship", "nature_incl_special_category", "consequences", "safeguards"]
    return [json.dumps(dict.fromkeys(names, "the school must know whom to ring")).encode()]


@target("assessment", "json", assessments, Malformed, Refused)
def assessment(data: bytes) -> object:
    return check_assessment(as_json(data))


def policies() -> list[bytes]:
    """Every part that a policy may have, TOML and one that an agency used."""
    return [(SEEDS / "policy.toml").read_bytes(), (home("fernshire") / "policy.toml").read_bytes()]


@target("policy", "text", policies, Malformed, Refused)
def read_policy(data: bytes) -> object:
    return [str(each) for each in local.parse(data).changes]


# --- trust and proofs ---


@target("card", "cbor", cards, Malformed, BadSignature)
def read_card(data: bytes) -> object:
    return Card.parse(data)


@target(
    "signed-card",
    "cbor",
    lambda: [cose.parse_sign1(card("E10999001", 1).data, required=(), optional=range(300)).payload],
    Malformed,
    BadSignature,
)
def read_signed_card(data: bytes) -> object:
    header = {cose.ALG: cose.ED25519, cose.KID: key_files.signing_kid(bytes(SENDER.keys.signing.verify_key))}
    return Card.parse(cose.sign1(header | {cose.TYP: "application/sharekit.card+cose"}, data, SENDER.keys.signing))


@target(
    "pin", "cbor", lambda: [path.read_bytes() for path in sorted((home("quillbrook") / "trust").iterdir())], Malformed
)
def read_pin(data: bytes) -> object:
    """Read a pin that stands in a file named after the keys of every good one, so that its name may fit."""
    folder = scratch() / "trust"
    folder.mkdir(exist_ok=True)
    for path in (home("quillbrook") / "trust").iterdir():
        (folder / path.name).write_bytes(data)
    found = PinFolder(folder).read()
    if not found.pins:
        raise Malformed("every file of it is a stray")
    return found


def notes() -> list[bytes]:
    return [(BEFORE / name).read_bytes() for name in ("fernshire.note", "seen.note")]


@target("note", "text", notes, Malformed, LedgerTampered)
def read_note(data: bytes) -> object:
    known = checkpoint.parse(data)
    checkpoint.owner(known.origin)
    checkpoint.only(data, known.origin)
    return checkpoint.verify(data, origin=known.origin, public=_card("fernshire").log_key)


@target("cosignature", "text", notes, Malformed, LedgerTampered)
def read_cosignature(data: bytes) -> object:
    public = _card("quillbrook").signing
    return cosignature.cosigned_at(data, name=cosignature.name_of(_card("quillbrook").org_id), public=public)


@target("witness-request", "text", lambda: [cosignature.request(3, [bytes(32)] * 3, notes()[0].decode()).encode()])
def read_request(data: bytes) -> object:
    return cosignature.request_parts(data)


@functools.cache
def _card(name: str) -> Card:
    return Card.parse((BEFORE / "cards" / f"{name}.card").read_bytes())


@functools.cache
def exported(number: int) -> bytes:
    """The entry with this number in the export."""
    with contextlib.closing(sqlite3.connect(BEFORE / "fernshire.export")) as db:
        entry: bytes = db.execute("SELECT bytes FROM entry WHERE seq = ?", (number,)).fetchone()[0]
        return entry


@target("proof", "cbor", lambda: [(BEFORE / "fernshire.proof").read_bytes()], Malformed, LedgerTampered)
def read_proof(data: bytes) -> object:
    shown = inclusion.parse(data)
    return shown.check(exported(7), origin=checkpoint.parse(shown.note).origin, keys=[_card("fernshire").log_key])


@target("evidence", "cbor", lambda: [(BEFORE / "fernshire.receipts").read_bytes()])
def read_evidence(data: bytes) -> object:
    return attestation.parse_evidence(data)


@target("timestamp", "bytes", lambda: [(SEEDS / "stamp.tsr").read_bytes()], Malformed, LedgerTampered, NotTrusted)
def read_stamp(data: bytes) -> object:
    return timestamp.verify(notes()[0].decode(), data, [(SEEDS / "root.pem").read_bytes()])


@target("root", "text", lambda: [(SEEDS / "root.pem").read_bytes()], Malformed, NotTrusted)
def read_root(data: bytes) -> object:
    return timestamp.verify(notes()[0].decode(), (SEEDS / "stamp.tsr").read_bytes(), [data])


@functools.cache
def entries() -> list[bytes]:
    with Agency.load(home("quillbrook")) as agency:
        return [entry.encode() for _, entry in agency.entries(2026)]


@target("entry", "cbor", entries)
def read_entry(data: bytes) -> object:
    entry = Entry.decode(data)
    if entry.encode() != data:
        raise AssertionError("an entry was read that is encoded otherwise")
    return repr(entry)


@functools.cache
def receipt_in() -> tuple[Control, wire.Statement]:
    """A receipt that a partner sent, and its statement."""
    packet = wire.parse((BEFORE / "packets" / "receipt.sharekit").read_bytes())
    with Agency.load(home("fernshire"), PASSPHRASE) as agency:
        statement = sharekit.verify(packet, sharekit.Trust(cards()), now=packet.issued)
        control = opening.read_control(packet, statement, agency.keys)
        assert control is not None
        return control, statement


@target("receipt", "cbor", lambda: [cbor.encode(receipt_in()[0].body)], Malformed, LedgerError, Refused)
def read_receipt(data: bytes) -> object:
    control, statement = receipt_in()
    body = cbor.decode(data)
    if type(body) is not dict:
        raise Malformed("no body")
    given = Control(control.mode, body, control.note, control.in_reply_to)
    return receipt.check(given, statement, card=_card("quillbrook"), own=_card("fernshire"))


# --- files of a home ---


@target(
    "key-file", "cbor", lambda: [(home("quillbrook") / "keys" / "agency.key").read_bytes()], Malformed, WrongPassphrase
)
def read_keys(data: bytes) -> object:
    key_files.is_protected(data)
    return key_files.from_file(data, SigningKey(bytes(32)), None)


@target("log-key-file", "cbor", lambda: [(home("quillbrook") / "keys" / "log.key").read_bytes()])
def read_log_key(data: bytes) -> object:
    return key_files.log_from_file(data)


@target("agency.json", "json", lambda: [b'{"org_id": "ZZQ01", "person": "A", "role": "B", "ledger": "postgresql://x"}'])
def read_about(data: bytes) -> object:
    folder = scratch() / "about"
    folder.mkdir(exist_ok=True)
    (folder / "agency.json").write_bytes(data)
    return homes.read_about(folder)


@functools.cache
def _vault() -> bytes:
    path = home("quillbrook") / "vault.db"
    return path.read_bytes()


@target("vault", "database", lambda: [_vault()], LedgerError)
def read_vault(data: bytes) -> object:
    path = written(data, "vault.db")
    with Agency.load(home("quillbrook")) as agency:
        key = agency.record.vault._key
    with contextlib.closing(Vault(path, key)) as vault:
        return [look(vault) for look in LOOKS]


LOOKS: tuple[Callable[[Vault], object], ...] = (
    lambda vault: [vault.actions.words(each) for each in vault.actions.open()],
    lambda vault: vault.actions.pending(),
    lambda vault: [vault.kept.of(each.packet) for each in vault.kept.all()],
    lambda vault: vault.kept.due(AT),
    lambda vault: vault.subjects.find("nhs", "9990000018"),
    lambda vault: list(vault.partners.said()),
    lambda vault: vault.partners.forks(),
    lambda vault: vault.partners.asked_stamps(),
    lambda vault: vault.partners.last("sharekit/E10999001/2026"),
    lambda vault: vault.partners.attestations("ZZQ01", 2026),
    lambda vault: vault.packets.seen("E10999001", bytes(16)),
    lambda vault: vault.known_checkpoint("sharekit/ZZQ01/2026"),
    lambda vault: [vault.read_detail(Entry.decode(each).nonce) for each in entries()],
)


@target(
    "export",
    "database",
    lambda: [(BEFORE / "fernshire.export").read_bytes()],
    Malformed,
    Usage,
    NotTrusted,
    OutputUnwritable,
)
def read_export(data: bytes) -> object:
    path, trust = written(data, "one.export"), sharekit.Trust(cards())
    found = audit.audit(path, trust, checkpoints=notes(), proofs=[(BEFORE / "fernshire.proof").read_bytes()])
    return report.html(path, found, report.Given(), now=AT)


def home_parts() -> list[bytes]:
    """The files of a home, each behind its name, so that one target has all of them."""
    here = home("quillbrook")
    named = ["agency.json", "card.cbor", "keys/agency.key", "keys/log.key", "vault.db", "ledger/2026.db"]
    names = [*named, *(f"trust/{path.name}" for path in sorted((here / "trust").iterdir()))]
    return [name.encode() + b"\n" + (here / name).read_bytes() for name in names]


@target("home", "part", home_parts, ShareError)
def use_home(data: bytes) -> object:
    """Load a home of which one file is hostile, and ask it for a little of everything."""
    name, _, content = data.partition(b"\n")
    names = {each.partition(b"\n")[0] for each in TARGETS["home"].seeds()}
    if name not in names:
        raise Malformed("no part of a home")
    folder = scratch() / "spoiled"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(home("quillbrook"), folder)
    (folder / name.decode()).write_bytes(content)
    with Agency.load(folder) as agency:
        return [ask(agency) for ask in ASKS]


def _entries(agency: Agency) -> object:
    return [repr(entry) for _, entry in agency.entries(2026)]


ASKS: tuple[Callable[[Agency], object], ...] = (
    lambda agency: agency.card(),
    lambda agency: list(agency.trust),
    _entries,
    lambda agency: agency.record.vault.actions.open(),
    lambda agency: agency.retention.due(),
    lambda agency: agency.ledger_of(2026).verify(),
)
