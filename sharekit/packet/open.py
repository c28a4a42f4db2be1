"""Opening: from untrusted bytes to the fields that a use permits, as far as each reader may go. SPEC.md section 5.

Four calls, so that whoever keeps a record can commit it between them: `verify`, `read_manifest`, `policy.decide`,
`open_dataset`. Errors before decryption name the reason exactly; inside decryption there is one, whatever the cause.

>>> parsed = sharekit.parse(packet)
>>> statement = sharekit.verify(parsed, trust, now=now)
>>> manifest = sharekit.read_manifest(parsed, statement, quillbrook.keys)
>>> verdict = sharekit.decide(manifest.terms, use, now=now)
>>> share = sharekit.open_dataset(parsed, manifest, verdict, quillbrook.keys)
>>> share.fields["plan_type"]
'cpp'
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sharekit import cose
from sharekit.domain import profile, retention, second_identifier, whole
from sharekit.domain.retention import Keeping
from sharekit.domain.terms import ShareTerms
from sharekit.errors import BadSignature, CannotDecrypt, Expired, Malformed, NotForYou, NotYetValid, Revoked, Usage
from sharekit.moments import time_of
from sharekit.packet import parties
from sharekit.packet.wire import (
    AUD,
    CHECKPOINT_HASH,
    CLOCK_SKEW,
    EXP,
    IAT,
    ISS,
    MANIFEST_COMMIT,
    MODES,
    SHARE,
    Control,
    Packet,
    Statement,
    aad_of,
    dataset_info,
    parse,
    unpad,
)
from sharekit.policy.decide import Verdict, answered_for, decide, is_emergency, nothing_to_show
from sharekit.policy.use import Use
from sharekit.proofs import checkpoint
from sharekit.trust.keys import Keys
from sharekit.trust.store import Pin, Trust
from sharekit.values import Value, field

__all__ = [
    "Manifest",
    "Share",
    "check_addressed",
    "check_own_block",
    "mode_of",
    "open_dataset",
    "open_packet",
    "read_control",
    "read_manifest",
    "verify",
]

_SEALED_HERE = "give it to those it is for; whether they opened it says: sharekit receipts FILE"


class Manifest(Value):
    """Why something was shared, read and found to be what the statement commits to; nothing of the dataset.

    `note` is the sender's newest checkpoint and `in_reply_to` the number of the packet answered, in hexadecimal; both
    may be None.
    """

    terms: ShareTerms
    mode: str
    note: str | None
    in_reply_to: str | None
    dataset_hash: bytes = field(repr=False)
    padded: bytes = field(repr=False)
    statement: Statement


class Share(Value):
    """What was opened for a use: the values of the fields that it permits, and the dotted paths of those withheld.

    `statement` is what its sender signed, `packet` its number in hexadecimal. `owed` has the dotted paths of what an
    emergency share still lacks, `terms.` or `data.` before them. `identifiers` are the child's, as (scheme, value);
    `keeping` is by which rule and until when a copy is kept here. `repr` shows no value.
    """

    statement: Statement
    fields: dict[str, Any] = field(repr=False)
    withheld: tuple[str, ...]
    terms: ShareTerms
    verdict: Verdict
    identifiers: tuple[tuple[str, str], ...] = field(repr=False)
    owed: tuple[str, ...]
    keeping: Keeping = field(repr=False)

    @property
    def packet(self) -> str:
        """The number of the packet, in hexadecimal."""
        return self.statement.id

    @property
    def sender_changed(self) -> tuple[str, ...]:
        """In which of name, phone and out_of_hours_phone the pinned card differs from what the packet says."""
        return parties.changed(self.terms.json["sender"], self.statement.present)

    @property
    def other_edition(self) -> bool:
        """Whether it was sealed by another edition of its profile than is known here.

        Then nothing here can check what its sender left out, nor whether the sender's type may send what is there.
        """
        return not whole.same_edition(profile.load(self.terms.profile), self.terms)


def verify(packet: Packet, trust: Trust, *, now: datetime, first_seen: datetime | None = None) -> Statement:
    """The statement, if a trusted sender signed it: steps 5.4 to 5.8.

    `first_seen` is when this packet was first recorded here: expiry and revocation are judged as of then.
    Raises UnknownSender, NotTrusted, BadSignature, NotYetValid, Expired or Revoked.

    >>> statement = sharekit.verify(sharekit.parse(packet), trust, now=now)
    >>> statement.sender, statement.recipients
    ('E10999001', ('ZZQ01',))
    """
    claims = packet.claims
    issued, expires = time_of(claims[IAT]), time_of(claims[EXP])
    pin = trust.find(packet.kid, org_id=claims[ISS], at=issued)  # 5.4
    cose.verify_sign1(packet.statement, pin.card.signing)  # 5.5
    if sha256(packet.sealed).digest() != packet.statement.payload:  # 5.6
        raise BadSignature("the sealed part is not the one that was signed", packet=packet.id)
    _check_places(packet, trust)
    _check_times(packet, pin, now=now, first_seen=min(first_seen or now, now))
    checkpoint = packet.statement.header.get(CHECKPOINT_HASH)
    return Statement(
        packet.id,
        claims[ISS],
        tuple(claims[AUD]),
        issued,
        expires,
        checkpoint,
        packet.data,
        card=pin.card,
        present=parties.present_card(trust, pin),
        classical=packet.classical,
    )


def _check_times(packet: Packet, pin: Pin, *, now: datetime, first_seen: datetime) -> None:
    """Steps 5.7 and 5.8: it is not from the future, and was not too late when it was first seen; errors as `verify`."""
    if pin.was_revoked(first_seen):  # 5.7
        raise Revoked("the sender's key was revoked before this packet was first seen here", packet=packet.id)
    if time_of(packet.claims[IAT]) > now + CLOCK_SKEW:  # 5.8
        raise NotYetValid("the packet was issued in the future", packet=packet.id)
    if first_seen >= time_of(packet.claims[EXP]):
        raise Expired("the packet has expired", packet=packet.id)


def _check_places(packet: Packet, trust: Trust) -> None:
    """Return only if no block for a known key stands in the place of another organisation; Malformed otherwise.

    Of a key that nobody knows here it cannot be told: a recipient may have new keys.
    """
    for (_, kid), org_id in zip(cose.recipients(packet.manifest), packet.claims[AUD], strict=True):
        known = trust.openers(kid)
        if known and org_id not in known:
            raise Malformed("a recipient's place holds a block for another organisation", packet=packet.id)


def check_own_block(packet: Packet, statement: Statement, org_id: str, keys: Keys) -> None:
    """Return only if the block in the place of `org_id` is for one of its `keys` (step 5.9); CannotDecrypt otherwise.

    Such a packet was sealed to a key that the agency no longer has, or that never was its own.
    """
    _, kid = cose.recipients(packet.manifest)[statement.recipients.index(org_id)]
    if kid not in {key.kid for key in keys}:
        raise CannotDecrypt(
            f"the packet was sealed to the key {kid.hex()[:16]}, which is not among the keys of this agency",
            hint="send its sender your present card (sharekit card), and ask for the packet to be sealed again",
            packet=statement.id,
        )


def check_addressed(statement: Statement, org_id: str) -> None:
    """Return only if `org_id` is among the recipients (step 5.9); NotForYou otherwise."""
    if org_id in statement.recipients:
        return
    if org_id == statement.sender:
        raise NotForYou("the packet was sealed here, for others", hint=_SEALED_HERE, packet=statement.id)
    raise NotForYou("the packet is addressed to other agencies", packet=statement.id)


def read_manifest(packet: Packet, statement: Statement, keys: Keys) -> Manifest:
    """The manifest of a share: steps 5.11 to 5.13; nothing of the dataset is unwrapped.

    Raises NotForYou, CannotDecrypt, Usage if the packet is no share, or what is wrong with the terms.
    """
    padded = _unwrapped(packet, statement, keys)
    content = _content(padded, statement)
    if content.mode != SHARE:
        hint = "take it in with: sharekit receive FILE"
        raise Usage(f"the packet is a {content.mode} and holds no data", hint=hint, packet=packet.id)
    terms = _received(content.body, statement)  # 5.13
    reply = content.in_reply_to.hex() if content.in_reply_to else None
    return Manifest(terms, SHARE, content.note, reply, content.dataset_hash, padded, statement)


def read_control(packet: Packet, statement: Statement, keys: Keys) -> Control:
    """What a receipt or a checkpoint packet says; of a share its mode and the sender's checkpoint, and no more.

    Malformed if data come with it; errors as in `read_manifest`.
    """
    padded = _unwrapped(packet, statement, keys)
    content = _content(padded, statement)
    if content.mode == SHARE:
        return Control(SHARE, {}, content.note, None)  # nothing is read of it before somebody says what for
    if _dataset(packet, padded, content.dataset_hash, keys):
        raise Malformed(f"the packet is a {content.mode} and holds data")
    return Control(content.mode, content.body, content.note, content.in_reply_to)


def mode_of(packet: Packet, statement: Statement, keys: Keys) -> str | None:
    """The mode that a packet says it has, None where its manifest names none; errors as in `read_manifest`.

    Nothing else in the manifest is looked at.
    """
    match unpad(_unwrapped(packet, statement, keys)):
        case {2: str() as mode}:
            return mode
    return None


def _unwrapped(packet: Packet, statement: Statement, keys: Keys) -> bytes:
    _same(packet.data, statement.data)
    aad = aad_of(packet.statement.protected)
    padded = cose.decrypt(packet.manifest, list(keys), aad=aad, extra_info=aad)  # 5.11
    if sha256(padded).digest() != packet.statement.header[MANIFEST_COMMIT]:  # 5.12
        raise cose.cannot_decrypt()
    return padded


class _Content(Value):
    mode: str
    body: dict[str, Any]
    dataset_hash: bytes
    note: str | None
    in_reply_to: bytes | None


def _content(padded: bytes, statement: Statement) -> _Content:
    match unpad(padded):
        case {1: bytes() as salt, 2: str() as mode, 5: dict() as body, 6: bytes() as dataset_hash, 7: [], **rest}:
            reply, note = _optional(rest)
            promised = sha256(note.encode()).digest() if note is not None else None
            fits = mode in MODES and len(salt) == len(dataset_hash) == 32
            if fits and promised == statement.checkpoint:
                _check_note(note, statement)
                return _Content(mode, body, dataset_hash, note, reply)
    raise Malformed("the manifest is not in the form sharekit accepts")


def _check_note(note: str | None, statement: Statement) -> None:
    """Return only if a checkpoint note, where there is one, has the form of one of the sender's own ledgers."""
    if note is not None and checkpoint.owner(checkpoint.parse(note).origin) != statement.sender:
        raise Malformed("the checkpoint in the manifest is not of a ledger of the sender")


def open_dataset(packet: Packet, manifest: Manifest, verdict: Verdict, keys: Keys) -> Share:
    """The fields that `verdict` permits: steps 5.15 to 5.20; PurposeRefused unless it allows.

    Raises CannotDecrypt, IdentityMismatch, VisibilityEnded, or what is wrong with the fields.
    """
    verdict.require()
    _same(packet.data, manifest.statement.data)
    if verdict.terms != manifest.terms:
        raise Usage("the verdict is about another packet")
    fields = _dataset(packet, manifest.padded, manifest.dataset_hash, keys)
    return _revealed(manifest.statement, fields, verdict)


def _dataset(packet: Packet, manifest: bytes, expected: bytes, keys: Keys) -> dict[str, Any]:
    aad = aad_of(packet.statement.protected)
    info = dataset_info(aad, manifest)
    padded = cose.decrypt(packet.dataset, list(keys), aad=aad, extra_info=info)  # 5.15
    if sha256(padded).digest() != expected:  # 5.16
        raise cose.cannot_decrypt()
    match unpad(padded):
        case {1: bytes() as salt, 2: dict() as fields, 3: dict() as keys_of_attachments, **rest}:
            if not rest and not keys_of_attachments and len(salt) == 32:
                return fields
    raise Malformed("the dataset is not in the form sharekit accepts")


def open_packet(packet: Packet | bytes, keys: Keys, trust: Trust, *, use: Use, now: datetime) -> Share:
    """Verify, read, decide and open in one call, for tests and tools; it logs nothing (`Agency.open` does).

    >>> sharekit.open_packet(packet, quillbrook.keys, trust, use=use, now=now).fields["plan_type"]
    'cpp'
    """
    parsed = packet if isinstance(packet, Packet) else parse(packet)
    statement = verify(parsed, trust, now=now)
    manifest = read_manifest(parsed, statement, keys)
    if use.org_type is not None:
        parties.check_own_type(manifest.terms, _own_id(parsed, statement, keys), use.org_type)
    verdict = decide(manifest.terms, use, now=now)
    return open_dataset(parsed, manifest, verdict, keys)


def _own_id(packet: Packet, statement: Statement, keys: Keys) -> str:
    """The organisation in whose place the block for one of `keys` stands."""
    own = {key.kid for key in keys}
    places = zip(cose.recipients(packet.manifest), statement.recipients, strict=True)
    return next(org_id for (_, kid), org_id in places if kid in own)


def _revealed(statement: Statement, fields: dict[str, Any], verdict: Verdict) -> Share:
    terms, kind = verdict.terms, profile.load(verdict.terms.profile)
    kind.check_received(fields)  # 5.17
    kind.check_visible(fields, now=verdict.now)
    whole.check(kind, kind.written(fields), terms, left_out=terms.left_out, sender_type=statement.card.org_type)
    # for whoever answers for an emergency nothing that is only local stands in the way
    urgent = is_emergency(verdict.use) and answered_for(verdict.use)
    also = () if urgent else verdict.policy.confirm.get(terms.profile, ())
    second_identifier.check(kind, fields, verdict.use.confirm, also=also)  # 5.18
    glass = verdict.outcome == "allow-logged"
    shown = kind.reveal(fields, verdict.use.purpose, break_glass=glass)  # 5.19
    if not shown.fields:  # 5.20
        nothing_to_show(verdict).require()
    identifiers, keeping = tuple(kind.identifiers(fields)), _keeping(verdict, fields)
    owed = _owed(kind, fields, terms)
    return Share(statement, shown.fields, shown.left_out, terms, verdict, identifiers, owed, keeping)


def _keeping(verdict: Verdict, fields: dict[str, Any]) -> Keeping:
    return retention.of_received(verdict.terms, fields, org_type=verdict.use.org_type, now=verdict.now)


def _owed(kind: profile.Profile, fields: dict[str, Any], terms: ShareTerms) -> tuple[str, ...]:
    """What the sender still owes, as the reader finds it."""
    data = whole.owed(kind, kind.written(fields), terms, left_out=terms.left_out)
    return (*(f"terms.{part}" for part in terms.owed), *(f"data.{path}" for path in data))


def _optional(rest: dict[Any, Any]) -> tuple[bytes | None, str | None]:
    """The optional parts of a manifest: 3 the number of the packet answered, 4 the checkpoint note of the sender."""
    match rest.get(3, bytes(16)), rest.get(4, ""):
        case (bytes() as reply, str() as note) if rest.keys() <= {3, 4} and len(reply) == 16:
            return reply if 3 in rest else None, note if 4 in rest else None
    raise Malformed("the manifest is not in the form sharekit accepts")


def _received(terms: dict[str, Any], statement: Statement) -> ShareTerms:
    received = ShareTerms.received(terms)
    parties.check(received, statement)
    if statement.expires - statement.issued > timedelta(days=received.valid_days):
        raise Malformed("the packet is valid for longer than its terms allow")
    return received


def _same(packet: bytes, other: bytes) -> None:
    if packet != other:
        raise Usage("the parts belong to different packets")
