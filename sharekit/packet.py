"""The packet: sealing, and opening as far as each reader may go. SPEC.md sections 3 to 6.

    packet     = [ "sharekit", 1, statement : bstr, sealed : bstr ], then one bstr per attachment
    statement  = COSE_Sign1 over SHA-256(sealed); says nothing about the child
    sealed     = [ M, D, [] ]           M, D = COSE_Encrypt of the padded manifest and dataset
    manifest   = { 1 salt, 2 mode, ? 3 in-reply-to, ? 4 checkpoint note, 5 ShareTerms, 6 dataset hash, 7 [] }
    dataset    = { 1 salt, 2 fields, 3 {} }

Types say how far a thing is trusted: bytes, `Packet` (parsed), `Statement` (verified), `Manifest` (read),
`Share` (opened for a use). No files, no clock, no database.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from sharekit import cbor, cose, policy, profile
from sharekit.cose import Encrypt, Nonces, Sign1
from sharekit.errors import (
    Expired,
    FieldInvalid,
    Malformed,
    NotForYou,
    NotNeedToKnow,
    NotVerified,
    NotYetValid,
    Revoked,
    Usage,
)
from sharekit.keys import Keys, PublicOpening, signing_kid
from sharekit.policy import Finding, Use, Verdict
from sharekit.profile import Minimised
from sharekit.terms import RULEBOOK, ShareTerms
from sharekit.trust import ORG_ID, Card, Trust

__all__ = [
    "Draft",
    "Manifest",
    "Packet",
    "Parts",
    "Sender",
    "Share",
    "Statement",
    "minimise",
    "open_dataset",
    "open_packet",
    "parse",
    "prepare",
    "read_manifest",
    "seal",
    "seal_parts",
    "verify",
]

MAGIC, VERSION = "sharekit", 1
TYP = "application/sharekit.statement+cose"
SEALED_TYPE = "application/sharekit.sealed+cbor"
MANIFEST_COMMIT, CHECKPOINT_HASH = -70001, -70002  # private use labels (RFC 9052 section 1.4)
ISS, AUD, EXP, IAT, CTI = 1, 3, 4, 6, 7  # CWT claims (RFC 8392 section 4)
MAX_BYTES = 8 * 1024 * 1024
SIZE_CLASSES = tuple(1024 << n for n in range(11))  # 1 KiB, 2 KiB ... 1 MiB
CLOCK_SKEW = timedelta(minutes=5)
MODES = ("share",)

_AAD_CONTEXT, _DATASET_CONTEXT = b"sharekit/1 aad", b"sharekit/1 dataset-open"
_REQUIRED = (
    cose.ALG,
    cose.CRIT,
    cose.KID,
    cose.CWT_CLAIMS,
    cose.TYP,
    cose.PAYLOAD_HASH_ALG,
    cose.PREIMAGE_TYPE,
    MANIFEST_COMMIT,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """Who seals: an organisation with its keys, the newest checkpoint note of its ledger, and what its card says."""

    org_id: str
    keys: Keys
    note: str | None = None
    org_type: str | None = None
    name: str | None = None
    phone: str | None = None
    out_of_hours_phone: str | None = None
    person: str | None = None
    role: str | None = None

    def as_terms(self) -> dict[str, str]:
        facts = {
            "org_id": self.org_id,
            "org_type": self.org_type,
            "name": self.name,
            "person": self.person,
            "role": self.role,
            "callback_phone": self.phone,
            "out_of_hours_phone": self.out_of_hours_phone,
        }
        return {name: value for name, value in facts.items() if value}


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything random in a packet: fresh, unless a test vector is being reproduced."""

    cti: bytes
    manifest_salt: bytes
    dataset_salt: bytes
    manifest: Nonces
    dataset: Nonces

    @classmethod
    def fresh(cls) -> Parts:
        return cls(os.urandom(16), os.urandom(32), os.urandom(32), Nonces.fresh(), Nonces.fresh())


@dataclass(frozen=True, slots=True)
class Draft:
    """A share that may be sealed: terms filled in, fields minimal and complete, findings that are no gates."""

    terms: ShareTerms
    fields: dict[str, Any] = field(repr=False)
    recipients: tuple[Card, ...]
    findings: tuple[Finding, ...]


# --- sealing (SPEC.md section 4) -------------------------------------------------------------------------------


def seal(
    dataset: dict[str, Any] | Minimised,
    terms: ShareTerms | Mapping[str, Any],
    *,
    sender: Sender,
    recipients: Sequence[Card | bytes],
    attachments: Sequence[Any] = (),
    now: datetime,
) -> bytes:
    """A signed and encrypted packet of `dataset` under `terms` for `recipients`.

    Raises Refused (a gate, a field, a code, a recipient), naming rule or field and never a value; Usage.
    """
    if attachments:
        raise Usage("packets with attachments are not made yet", hint="seal the fields alone")
    draft = prepare(dataset, terms, sender=sender, recipients=recipients, now=now)
    return seal_parts(draft, Parts.fresh(), sender=sender, now=now)


def prepare(
    dataset: dict[str, Any] | Minimised,
    terms: ShareTerms | Mapping[str, Any],
    *,
    sender: Sender,
    recipients: Sequence[Card | bytes],
    now: datetime,
) -> Draft:
    """Steps 4.1 to 4.4, which decide whether it may be sealed at all; errors as in `seal`."""
    terms = ShareTerms.parse(terms)  # 4.1
    kind = profile.load(terms.profile)
    cards = _addressees(recipients)
    if sender.org_type is not None:  # 4.2
        kind.check_sender(sender.org_type)
    _check_recipients(kind, cards, terms)
    if isinstance(dataset, Minimised):  # 4.3
        fields, left_out = dataset.fields, dataset.left_out
    else:
        kind.check(dataset, now=now)
        kind.check_minimal(dataset, terms.purposes)
        fields, left_out = dataset, ()
    profile.check_needs(kind, fields, terms.need)
    findings = policy.assess(terms, fields, now=now)  # 4.4
    policy.gate(findings)
    return Draft(_filled(terms, kind, sender, cards, left_out), kind.complete(fields), cards, tuple(findings))


def minimise(dataset: dict[str, Any], terms: ShareTerms | Mapping[str, Any], *, now: datetime) -> Minimised:
    """A whole and valid dataset cut down to what the terms' purposes reveal; NotMinimal if nothing is left."""
    terms = ShareTerms.parse(terms)
    return profile.minimise(dataset, terms.profile, terms.purposes, now=now)


def seal_parts(draft: Draft, parts: Parts, *, sender: Sender, now: datetime) -> bytes:
    """Steps 4.5 to 4.10, which cannot refuse; with given `parts` only HPKE's own randomness remains."""
    dataset = _padded({1: parts.dataset_salt, 2: draft.fields, 3: {}})  # 4.5
    manifest = _padded(_manifest_map(draft.terms, parts, dataset, sender.note))  # 4.6
    header = _statement_header(draft, parts, manifest, sender=sender, now=now)  # 4.7
    aad = _aad(cbor.encode(header))
    keys = _opening_keys(draft.recipients)  # 4.8
    m = cose.encrypt(manifest, aad=aad, recipients=keys, extra_info=aad, nonces=parts.manifest)
    info = _dataset_info(aad, manifest)
    d = cose.encrypt(dataset, aad=aad, recipients=keys, extra_info=info, nonces=parts.dataset)
    sealed = cbor.encode([m, d, []])  # 4.9
    statement = cose.sign1(header, sha256(sealed).digest(), sender.keys.signing)
    return cbor.encode([MAGIC, VERSION, statement, sealed])  # 4.10


def _addressees(recipients: Sequence[Card | bytes]) -> tuple[Card, ...]:
    cards = tuple(card if isinstance(card, Card) else Card.parse(card) for card in recipients)
    if not 1 <= len(cards) <= cose.MAX_RECIPIENTS:
        raise Usage(f"a packet has 1 to {cose.MAX_RECIPIENTS} recipients")
    if len({card.org_id for card in cards}) != len(cards):
        raise Usage("a recipient is named twice")
    return cards


def _check_recipients(kind: profile.Profile, cards: Sequence[Card], terms: ShareTerms) -> None:
    for card in cards:
        if not kind.receives(card.org_type, route=terms.route):
            raise NotNeedToKnow(
                f"{card.org_id}, of type {card.org_type}, is not among those who receive {kind.name}"
            )


def _filled(
    terms: ShareTerms, kind: profile.Profile, sender: Sender, cards: Sequence[Card], left_out: Sequence[str]
) -> ShareTerms:
    return terms.filled(
        profile_version=kind.version,
        rulebook=RULEBOOK,
        sender=sender.as_terms(),
        recipients=[{"org_id": card.org_id, "org_type": card.org_type} for card in cards],
        left_out=[{"field": path, "reason": "not permitted for the purpose"} for path in left_out],
    )


def _manifest_map(terms: ShareTerms, parts: Parts, dataset: bytes, note: str | None) -> dict[int, Any]:
    manifest: dict[int, Any] = {1: parts.manifest_salt, 2: MODES[0]}
    if note is not None:
        manifest[4] = note
    return manifest | {5: dict(terms.json), 6: sha256(dataset).digest(), 7: []}


def _statement_header(
    draft: Draft, parts: Parts, manifest: bytes, *, sender: Sender, now: datetime
) -> dict[int, Any]:
    issued = int(now.timestamp())
    claims = {
        ISS: sender.org_id,
        AUD: [card.org_id for card in draft.recipients],
        EXP: issued + 86400 * draft.terms.valid_days,
        IAT: issued,
        CTI: parts.cti,
    }
    commitments = {MANIFEST_COMMIT: sha256(manifest).digest()}
    if sender.note is not None:
        commitments[CHECKPOINT_HASH] = sha256(sender.note.encode()).digest()
    return {
        cose.ALG: cose.ED25519,
        cose.CRIT: list(commitments),
        cose.KID: signing_kid(bytes(sender.keys.signing.verify_key)),
        cose.CWT_CLAIMS: claims,
        cose.TYP: TYP,
        cose.PAYLOAD_HASH_ALG: cose.SHA_256,
        cose.PREIMAGE_TYPE: SEALED_TYPE,
        **commitments,
    }


def _opening_keys(cards: Sequence[Card]) -> list[PublicOpening]:
    """Classical keys only where every recipient has one: one packet, one strength."""
    pairs = [card.opening_keys() for card in cards]
    classical = [second for _, second in pairs if second is not None]
    return classical if len(classical) == len(pairs) else [first for first, _ in pairs]


def _aad(protected: bytes) -> bytes:
    """A: what binds both sealed parts to this one statement."""
    return sha256(_AAD_CONTEXT + protected).digest()


def _dataset_info(aad: bytes, manifest: bytes) -> bytes:
    """What must be known to unwrap the dataset's key: nobody opens what without having read why."""
    return sha256(_DATASET_CONTEXT + aad + manifest).digest()


def _padded(value: dict[int, Any]) -> bytes:
    """CBOR || 0x80 || zeros up to a size class, so that a length says little; FieldInvalid beyond the largest."""
    data = cbor.encode(value) + b"\x80"
    for size in SIZE_CLASSES:
        if len(data) <= size:
            return data.ljust(size, b"\x00")
    raise FieldInvalid("the share is larger than 1 MiB", hint="share less of it, or send documents as attachments")


# --- reading (SPEC.md section 5) -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet whose shape is right; nothing in it is to be believed yet."""

    data: bytes = field(repr=False)
    digest: bytes
    statement: Sign1 = field(repr=False)
    claims: dict[int, Any] = field(repr=False)
    sealed: bytes = field(repr=False)
    manifest: Encrypt = field(repr=False)
    dataset: Encrypt = field(repr=False)

    @property
    def id(self) -> str:
        cti: bytes = self.claims[CTI]
        return cti.hex()

    @property
    def kid(self) -> bytes:
        kid: bytes = self.statement.header[cose.KID]
        return kid


@dataclass(frozen=True, slots=True)
class Statement:
    """What the sender signed: who, for whom, when, and which sealed bytes."""

    id: str
    sender: str
    recipients: tuple[str, ...]
    issued: datetime
    expires: datetime
    checkpoint: bytes | None
    digest: bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """Why it was shared, read and found to be what the statement commits to; nothing of the dataset."""

    terms: ShareTerms
    mode: str
    note: str | None
    in_reply_to: str | None
    dataset_hash: bytes = field(repr=False)
    padded: bytes = field(repr=False)
    digest: bytes


@dataclass(frozen=True, slots=True)
class Share:
    """What was opened for a use: the fields it permits, and the names of those withheld. `repr` shows no value."""

    packet: str
    fields: dict[str, Any] = field(repr=False)
    withheld: tuple[str, ...]
    terms: ShareTerms
    verdict: Verdict
    identifiers: tuple[tuple[str, str], ...] = field(repr=False)


def parse(data: bytes) -> Packet:
    """The parts of a packet, untrusted: steps 5.1 to 5.3; Malformed if it is no packet of this version."""
    if len(data) > MAX_BYTES:  # 5.1
        raise Malformed("the file is too large to be a packet")
    match cbor.decode(bytes(data)):  # 5.2
        case ["sharekit", 1, bytes() as statement, bytes() as sealed]:
            pass
        case ["sharekit", int() as version, *_] if version != VERSION:
            raise Malformed("the packet is of a version this sharekit does not know", hint="install a newer sharekit")
        case _:
            raise Malformed("the file is not a sharekit packet")
    message = cose.parse_sign1(statement, required=_REQUIRED, optional=(CHECKPOINT_HASH,))  # 5.3
    claims = _checked_statement(message)
    match cbor.decode(sealed):
        case [bytes() as manifest, bytes() as dataset, []]:
            pass
        case _:
            raise Malformed("the sealed part is not in the form sharekit accepts")
    m, d = cose.parse_encrypt(manifest), cose.parse_encrypt(dataset)
    if len({len(claims[AUD]), len(m.recipients), len(d.recipients)}) != 1:
        raise Malformed("the packet's recipients do not agree with each other")
    return Packet(data, sha256(data).digest(), message, claims, sealed, m, d)


def verify(packet: Packet, trust: Trust, *, now: datetime, first_seen: datetime | None = None) -> Statement:
    """The statement, if a trusted sender signed it: steps 5.4 to 5.8.

    `first_seen` is when this packet was first recorded here: expiry and revocation are judged as of then.
    Raises UnknownSender, NotTrusted, BadSignature, NotYetValid, Expired or Revoked.
    """
    claims = packet.claims
    issued, expires = time_of(claims[IAT]), time_of(claims[EXP])
    pin = trust.find(packet.kid, org_id=claims[ISS], at=issued)  # 5.4
    cose.verify_sign1(packet.statement, pin.card.signing)  # 5.5
    if sha256(packet.sealed).digest() != packet.statement.payload:  # 5.6
        raise NotVerified("the sealed part is not the one that was signed", hint=Malformed.hint)
    seen = min(first_seen or now, now)
    if pin.revoked and seen >= pin.revoked:  # 5.7
        raise Revoked("the sender's key was revoked before this packet was first seen here", packet=packet.id)
    if issued > now + CLOCK_SKEW:  # 5.8
        raise NotYetValid("the packet was issued in the future", packet=packet.id)
    if seen >= expires:
        raise Expired("the packet has expired", packet=packet.id)
    checkpoint = packet.statement.header.get(CHECKPOINT_HASH)
    return Statement(packet.id, claims[ISS], tuple(claims[AUD]), issued, expires, checkpoint, packet.digest)


def read_manifest(packet: Packet, statement: Statement, keys: Keys) -> Manifest:
    """The manifest: steps 5.11 to 5.13; nothing of the dataset is unwrapped.

    Raises NotForYou, CannotDecrypt, or what is wrong with the terms.
    """
    _same(packet.digest, statement.digest)
    aad = _aad(packet.statement.protected)
    padded = cose.decrypt(packet.manifest, list(keys), aad=aad, extra_info=aad)  # 5.11
    if sha256(padded).digest() != packet.statement.header[MANIFEST_COMMIT]:  # 5.12
        raise cose.cannot_decrypt()
    match _unpadded(padded):
        case {1: bytes(), 2: str() as mode, 5: dict() as terms, 6: bytes() as dataset_hash, 7: [], **rest}:
            if mode in MODES and len(dataset_hash) == 32 and _optional_fit(rest):
                received = _received(terms, statement)  # 5.13
                in_reply_to = rest[3].hex() if 3 in rest else None
                return Manifest(received, mode, rest.get(4), in_reply_to, dataset_hash, padded, packet.digest)
    raise Malformed("the manifest is not in the form sharekit accepts")


def open_dataset(packet: Packet, manifest: Manifest, verdict: Verdict, keys: Keys) -> Share:
    """The fields that `verdict` permits: steps 5.15 to 5.20; PurposeRefused unless it allows.

    Raises CannotDecrypt, IdentityMismatch, VisibilityEnded, or what is wrong with the fields.
    """
    verdict.require()
    _same(packet.digest, manifest.digest)
    if verdict.terms != manifest.terms:
        raise Usage("the verdict is about another packet")
    aad = _aad(packet.statement.protected)
    info = _dataset_info(aad, manifest.padded)
    padded = cose.decrypt(packet.dataset, list(keys), aad=aad, extra_info=info)  # 5.15
    if sha256(padded).digest() != manifest.dataset_hash:  # 5.16
        raise cose.cannot_decrypt()
    match _unpadded(padded):
        case {1: bytes(), 2: dict() as fields, 3: dict() as keys_of_attachments, **rest}:
            if rest or keys_of_attachments:
                raise Malformed("the dataset is not in the form sharekit accepts")
            return _revealed(packet.id, fields, verdict)
    raise Malformed("the dataset is not in the form sharekit accepts")


def open_packet(packet: Packet | bytes, keys: Keys, trust: Trust, *, use: Use, now: datetime) -> Share:
    """Verify, read, decide and open in one call, for tests and tools; it logs nothing (`Agency.open` does)."""
    parsed = packet if isinstance(packet, Packet) else parse(packet)
    statement = verify(parsed, trust, now=now)
    manifest = read_manifest(parsed, statement, keys)
    verdict = policy.decide(manifest.terms, use, now=now)
    return open_dataset(parsed, manifest, verdict, keys)


def _revealed(packet_id: str, fields: dict[str, Any], verdict: Verdict) -> Share:
    kind = profile.load(verdict.terms.profile)
    kind.check_received(fields)  # 5.17
    kind.check_visible(fields, now=verdict.now)
    kind.check_identity(fields, verdict.use.confirm)  # 5.18
    glass = verdict.outcome == "allow-logged"
    shown = kind.reveal(fields, verdict.use.purpose, break_glass=glass)  # 5.19
    if not shown.fields:  # 5.20
        policy.nothing_to_show(verdict).require()
    identifiers = tuple(kind.identifiers(fields))
    return Share(packet_id, shown.fields, shown.left_out, verdict.terms, verdict, identifiers)


def _checked_statement(message: Sign1) -> dict[int, Any]:
    """The CWT claims, once every header has the one value or the shape it may have."""
    header = message.header
    commitments = [label for label in (MANIFEST_COMMIT, CHECKPOINT_HASH) if label in header]
    fixed = {
        cose.TYP: TYP,
        cose.PAYLOAD_HASH_ALG: cose.SHA_256,
        cose.PREIMAGE_TYPE: SEALED_TYPE,
        cose.CRIT: commitments,
    }
    hashes = [header[cose.KID], message.payload, *(header[label] for label in commitments)]
    if any(header[label] != value for label, value in fixed.items()) or not all(map(_is_hash, hashes)):
        raise Malformed("the statement is not in the form sharekit accepts")
    match header[cose.CWT_CLAIMS]:
        case {1: str() as iss, 3: list() as aud, 4: int() as exp, 6: int() as iat, 7: bytes() as cti} as claims:
            if len(claims) == 5 and _claims_fit(iss, aud, exp, iat, cti):
                return claims
    raise Malformed("the statement is not in the form sharekit accepts")


def _claims_fit(iss: str, aud: list[Any], exp: int, iat: int, cti: bytes) -> bool:
    organisations = all(type(org) is str and ORG_ID.match(org) for org in [iss, *aud])
    addressed = 1 <= len(aud) <= cose.MAX_RECIPIENTS and organisations and len(set(aud)) == len(aud)
    return addressed and type(iat) is type(exp) is int and 0 <= iat < exp < 2**34 and len(cti) == 16


def _optional_fit(rest: dict[Any, Any]) -> bool:
    """The optional parts of a manifest: 3 in-reply-to, a cti, and 4 the sender's checkpoint note."""
    reply, note = rest.get(3, bytes(16)), rest.get(4, "")
    return set(rest) <= {3, 4} and type(reply) is bytes and len(reply) == 16 and type(note) is str


def _received(terms: dict[str, Any], statement: Statement) -> ShareTerms:
    received = ShareTerms.received(terms)
    named = tuple(recipient["org_id"] for recipient in received.json["recipients"])
    if received.json["sender"]["org_id"] != statement.sender or named != statement.recipients:
        raise Malformed("the manifest does not agree with the statement")
    return received


def _unpadded(padded: bytes) -> Any:
    data = padded.rstrip(b"\x00")
    value = cbor.decode(data[:-1]) if data.endswith(b"\x80") else None
    if value is None or len(padded) != next((s for s in SIZE_CLASSES if len(data) <= s), None):
        raise Malformed("the padding is not in the form sharekit accepts")
    return value


def _same(digest: bytes, other: bytes) -> None:
    if digest != other:
        raise Usage("the parts belong to different packets")


def _is_hash(value: object) -> bool:
    return type(value) is bytes and len(value) == 32


def time_of(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def check_addressed(statement: Statement, org_id: str) -> None:
    """Return only if `org_id` is among the recipients (step 5.9 of opening); NotForYou otherwise."""
    if org_id not in statement.recipients:
        raise NotForYou("the packet is addressed to other agencies", packet=statement.id)
