"""Sealing: from a dataset and its terms to a packet. SPEC.md section 4, step by step.

`prepare` decides whether it may be sealed at all; `seal_parts` makes the bytes and cannot refuse.
No files, no clock, no database.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from sharekit import cbor, cose
from sharekit.cose import Nonces
from sharekit.domain import profile, whole
from sharekit.domain.profile import Minimised
from sharekit.domain.terms import ShareTerms
from sharekit.errors import UnknownCode, Usage
from sharekit.moments import seconds_of
from sharekit.packet import parties
from sharekit.packet.wire import (
    AUD,
    CHECKPOINT_HASH,
    CTI,
    EXP,
    IAT,
    ISS,
    MAGIC,
    MANIFEST_COMMIT,
    MAX_DAYS,
    SEALED_TYPE,
    SHARE,
    TYP,
    VERSION,
    aad_of,
    dataset_info,
    pad,
)
from sharekit.policy import assess, rulebook
from sharekit.policy.assess import Finding
from sharekit.policy.case import Situation
from sharekit.trust.cards import Card
from sharekit.trust.keys import Keys, PublicOpening, signing_kid
from sharekit.values import Value, field

__all__ = [
    "Draft",
    "Examined",
    "Parts",
    "Sender",
    "control",
    "decision_ref",
    "examine",
    "minimise",
    "prepare",
    "seal",
    "seal_parts",
]


CLASSICAL = Finding(
    "classical",
    "advice",
    "sealed to classical keys, as was asked: whoever records it today may read it when there are quantum computers",
    "SPEC.md section 3.8",
    "seal it without --classical: every card has a hybrid key",
)

Repeats = Callable[[ShareTerms], int]


class Sender(Value, kw_only=True):
    """Who seals: an organisation and its keys.

    `note` is the newest checkpoint of its ledger, None without one; the rest is what its card says and who acts, and
    goes into the terms as far as it is not None.

    >>> sender = sharekit.Sender(org_id=fernshire.org_id, keys=fernshire.keys, org_type=fernshire.org_type)
    """

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
        """What the terms say of the sender; what is None or empty is left out."""
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


class Parts(Value):
    """Everything random in a packet: new for every packet, unless a test vector is being reproduced."""

    cti: bytes
    manifest_salt: bytes
    dataset_salt: bytes
    manifest: Nonces
    dataset: Nonces

    @classmethod
    def fresh(cls) -> Parts:
        """New random parts."""
        return cls(os.urandom(16), os.urandom(32), os.urandom(32), Nonces.fresh(), Nonces.fresh())


class Draft(Value):
    """A share that may be sealed: its terms filled in, its fields minimal and complete, its findings no gates.

    `in_reply_to` is the number of the packet that it answers (16 bytes), or None. `classical` says that it is sealed to
    the classical keys of its recipients, which a quantum computer will open.
    """

    terms: ShareTerms
    fields: dict[str, Any] = field(repr=False)
    recipients: tuple[Card, ...]
    findings: tuple[Finding, ...]
    mode: str = SHARE
    in_reply_to: bytes | None = None
    classical: bool = False


class Examined(Value):
    """What sealing would make of a share: its terms, the fields that would go or stay, and every finding."""

    terms: ShareTerms
    fields: dict[str, Any] = field(repr=False)
    left_out: tuple[str, ...]
    findings: tuple[Finding, ...]


def seal(
    dataset: dict[str, Any] | Minimised,
    terms: ShareTerms | Mapping[str, Any],
    *,
    sender: Sender,
    recipients: Sequence[Card | bytes],
    attachments: Sequence[Any] = (),
    classical: bool = False,
    now: datetime,
) -> bytes:
    """A signed and encrypted packet of `dataset` under `terms` for `recipients`.

    With `classical` it is sealed to their classical keys, which a quantum computer will open; Usage if one has none.
    Raises Refused (a gate, a field, a code, a recipient), naming rule or field and never a value; Usage.

    >>> packet = sharekit.seal(dataset, terms, sender=fernshire.sender(), recipients=[quillbrook.card()], now=now)
    """
    if attachments:
        raise Usage("packets with attachments are not made yet", hint="seal the fields alone")
    draft = prepare(dataset, terms, sender=sender, recipients=recipients, classical=classical, now=now)
    return seal_parts(draft, Parts.fresh(), sender=sender, now=now)


def prepare(
    dataset: dict[str, Any] | Minimised,
    terms: ShareTerms | Mapping[str, Any],
    *,
    sender: Sender,
    recipients: Sequence[Card | bytes],
    unconfirmed: Collection[str] = (),
    repeats: Repeats | None = None,
    classical: bool = False,
    now: datetime,
) -> Draft:
    """Steps 4.1 to 4.4: the draft of a share, if it may be sealed at all. Errors as in `seal`.

    `unconfirmed` are the ids of recipients whose card nobody has confirmed by telephone; `repeats` returns how many
    decisions of late were explained in the words of the given terms.
    """
    cards = _addressees(recipients)
    if classical:
        _check_classical(cards)
    found = examine(
        dataset,
        terms,
        sender_type=sender.org_type,
        recipients=cards,
        unconfirmed=unconfirmed,
        repeats=repeats,
        now=now,
    )
    assess.gate(found.findings)
    filled = _filled(found.terms, sender, cards, found.left_out)
    findings = (*found.findings, CLASSICAL) if classical else found.findings
    return Draft(filled, profile.load(filled.profile).complete(found.fields), cards, findings, classical=classical)


def examine(
    dataset: dict[str, Any] | Minimised,
    terms: ShareTerms | Mapping[str, Any],
    *,
    sender_type: str | None = None,
    recipients: Sequence[Card] = (),
    unconfirmed: Collection[str] = (),
    repeats: Repeats | None = None,
    now: datetime,
    book: str = rulebook.DEFAULT,
) -> Examined:
    """What steps 4.1 to 4.4 find, gates among the findings. Errors as in `seal`, but no rule of the rulebook raises.

    What depends on the sender's type or on recipients is not looked at where they are not given. `book` is the
    rulebook.
    """
    try:
        terms = ShareTerms.parse(terms)  # 4.1
        terms.check_times(now=now)
        kind = profile.load(terms.profile)
        if sender_type is not None:  # 4.2
            kind.check_sender(sender_type)
        for card in recipients:
            parties.check_receives(kind, card.org_id, card.org_type, terms)
        fields, left_out = _checked(kind, dataset, terms, sender_type, now)  # 4.3
    except UnknownCode:
        _answer_myth(terms, dataset)
        raise
    situation = Situation(  # 4.4
        sender_type=sender_type,
        recipients={card.org_id: card.org_type for card in recipients},
        unconfirmed=unconfirmed,
        repeats=repeats(terms) if repeats else 0,
    )
    findings = assess.assess(terms, fields, now=now, situation=situation, book=book)
    return Examined(terms, fields, left_out, tuple(findings))


def _checked(
    kind: profile.Profile,
    dataset: dict[str, Any] | Minimised,
    terms: ShareTerms,
    sender_type: str | None,
    now: datetime,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The fields that would go, and the names of those left out by minimising.

    Raises unless they are whole, valid, minimal for the purposes, from a sender of this type, and each is needed.
    """
    if isinstance(dataset, Minimised):
        fields, left_out = dataset.fields, dataset.left_out
        kind.check_kept(fields, now=now)
    else:
        fields, left_out = kind.read(dataset), ()
        kind.check(fields, now=now)
    if not terms.urgent:  # whoever cannot wait may not know a name
        kind.check_names(fields)
    whole.check(kind, fields, terms, left_out=left_out, sender_type=sender_type)
    kind.check_shows(fields, terms.purposes)
    return fields, left_out


def _answer_myth(terms: object, dataset: object) -> None:
    """GateNotMet with the rule that answers it, if what is no known code is a myth about sharing."""
    found = assess.myth(terms, dataset)
    assess.gate([found] if found else [])


def minimise(dataset: dict[str, Any], terms: ShareTerms | Mapping[str, Any], *, now: datetime) -> Minimised:
    """A whole and valid dataset cut down to what the terms' purposes reveal; NotMinimal if nothing is left."""
    try:
        terms = ShareTerms.parse(terms)
        return profile.minimise(dataset, terms.profile, terms.purposes, now=now)
    except UnknownCode:
        _answer_myth(terms, dataset)
        raise


def seal_parts(draft: Draft, parts: Parts, *, sender: Sender, now: datetime) -> bytes:
    """The packet of a draft: steps 4.5 to 4.10, which refuse nothing.

    With given `parts` only HPKE's own randomness is new.
    """
    dataset = pad({1: parts.dataset_salt, 2: draft.fields, 3: {}})  # 4.5
    manifest = pad(_manifest_map(draft, parts, dataset, sender.note))  # 4.6
    header = cbor.encode(_statement_header(draft, parts, manifest, sender=sender, now=now))  # 4.7
    aad = aad_of(header)
    keys = opening_keys(draft)  # 4.8
    m = cose.encrypt(manifest, aad=aad, recipients=keys, extra_info=aad, nonces=parts.manifest)
    info = dataset_info(aad, manifest)
    d = cose.encrypt(dataset, aad=aad, recipients=keys, extra_info=info, nonces=parts.dataset)
    sealed = cbor.encode([m, d, []])  # 4.9
    statement = cose.sign_protected(header, sha256(sealed).digest(), sender.keys.signing)
    return cbor.encode([MAGIC, VERSION, statement, sealed])  # 4.10


def control(mode: str, body: Mapping[str, Any], *, recipient: Card, in_reply_to: bytes | None = None) -> Draft:
    """The draft of a receipt or a checkpoint packet for one agency; `body` stands where the terms would."""
    return Draft(ShareTerms(body), {}, (recipient,), (), mode, in_reply_to)


def _addressees(recipients: Sequence[Card | bytes]) -> tuple[Card, ...]:
    cards = tuple(card if isinstance(card, Card) else Card.parse(card) for card in recipients)
    if not 1 <= len(cards) <= cose.MAX_RECIPIENTS:
        raise Usage(f"a packet has 1 to {cose.MAX_RECIPIENTS} recipients")
    if len({card.org_id for card in cards}) != len(cards):
        raise Usage("a recipient is named twice")
    return cards


def _filled(terms: ShareTerms, sender: Sender, cards: Sequence[Card], left_out: Sequence[str]) -> ShareTerms:
    return terms.filled(
        profile_version=profile.load(terms.profile).version,
        rulebook=rulebook.DEFAULT,
        decision_ref=decision_ref(terms),
        sender=sender.as_terms(),
        recipients=[{"org_id": card.org_id, "org_type": card.org_type} for card in cards],
        left_out=[{"field": path, "reason": "not permitted for the purpose"} for path in left_out],
    )


def decision_ref(terms: ShareTerms) -> str:
    """A reference, 32 hexadecimal digits, that is the same in every packet that one decision made, and in no other."""
    return sha256(cbor.encode([terms.purpose, terms.json["decision"]])).hexdigest()[:32]


def _manifest_map(draft: Draft, parts: Parts, dataset: bytes, note: str | None) -> dict[int, Any]:
    optional = {3: draft.in_reply_to, 4: note}
    present = {label: value for label, value in optional.items() if value is not None}
    content = dict(draft.terms.json)
    return {1: parts.manifest_salt, 2: draft.mode} | present | {5: content, 6: sha256(dataset).digest(), 7: []}


def _statement_header(draft: Draft, parts: Parts, manifest: bytes, *, sender: Sender, now: datetime) -> dict[int, Any]:
    issued = seconds_of(now)
    claims = {
        ISS: sender.org_id,
        AUD: [card.org_id for card in draft.recipients],
        EXP: issued + 86400 * (draft.terms.valid_days if draft.mode == SHARE else MAX_DAYS),
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


def opening_keys(draft: Draft) -> list[PublicOpening]:
    """The recipients' keys: all hybrid, or all classical where the draft says so; Usage if one has no such key."""
    if draft.classical:
        _check_classical(draft.recipients)
    pairs = [card.opening_keys() for card in draft.recipients]
    return [classical for _, classical in pairs if classical] if draft.classical else [hybrid for hybrid, _ in pairs]


def _check_classical(cards: Sequence[Card]) -> None:
    without = [card.org_id for card in cards if card.classical_opening is None]
    if without:
        raise Usage(f"no classical key stands on the card of {', '.join(without)}", hint="seal it without --classical")
