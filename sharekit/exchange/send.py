"""Sending: what leaves this agency, on the record before it leaves (SPEC.md section 4).

The agency's half of `packet/seal`: to whom, by whose policy, and what is committed before the packet is released.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sharekit.disk import files
from sharekit.domain import profile, retention
from sharekit.domain.profile import Minimised
from sharekit.domain.terms import ShareTerms
from sharekit.errors import LedgerError, Malformed, NotVerified, Refused, Usage
from sharekit.exchange.destroy import Retention
from sharekit.exchange.local_policy import OwnPolicy
from sharekit.exchange.signer import Signer
from sharekit.packet import seal as sealing
from sharekit.packet.seal import Draft, Examined
from sharekit.policy import local, rulebook, rules_of_conduct
from sharekit.policy.assess import Finding, gate
from sharekit.policy.local import LocalPolicy
from sharekit.record import refusals
from sharekit.record.promises import of_share
from sharekit.record.record import Facts, Record
from sharekit.trust.cards import Card
from sharekit.trust.store import Trust
from sharekit.values import replace

__all__ = ["Sealed", "Sending"]

REPEATED = "R7"  # the rule that notices a decision explained in the words of others


class Sealed(bytes):
    """A packet that has been recorded: its bytes, which also know what sealing had to say.

    `id` is its number in hexadecimal, `entry` the number of its entry in this year's ledger, and `recipients` are ids
    of organisations. `kept` has the names of the fields that went, `left_out` the dotted paths of those that did not;
    `findings` are what the rules ask for besides. `repr` shows no content.
    """

    id: str
    recipients: tuple[str, ...]
    kept: tuple[str, ...]
    left_out: tuple[str, ...]
    findings: tuple[Finding, ...]
    entry: int

    def __new__(
        cls,
        data: bytes,
        *,
        id: str,
        recipients: Sequence[str],
        kept: Sequence[str],
        left_out: Sequence[str],
        findings: Sequence[Finding],
        entry: int,
    ) -> Sealed:
        made = super().__new__(cls, data)
        about = {"recipients": recipients, "kept": kept, "left_out": left_out, "findings": findings}
        vars(made).update({name: tuple(value) for name, value in about.items()}, id=id, entry=entry)
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[bytes], dict[str, Any]]:
        """What a copy is made of."""
        return (bytes(self),), dict(vars(self))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a sealed packet cannot be changed")

    def __repr__(self) -> str:
        return f"Sealed(id={self.id}, recipients={list(self.recipients)}, entry={self.entry})"

    __str__ = __repr__


class Sending:
    """Sealing for one agency. A single organisation may be given for `to` as it is."""

    def __init__(
        self,
        signer: Signer,
        record: Record,
        trust: Trust,
        *,
        policy: OwnPolicy,
        retention: Retention,
        outbox: Path,
        clock: Callable[[], datetime],
    ) -> None:
        self._signer, self._record, self._trust = signer, record, trust
        self._policy, self._retention, self._outbox, self._clock = policy, retention, outbox, clock

    def seal(
        self,
        dataset: dict[str, Any] | Minimised,
        terms: ShareTerms | Mapping[str, Any],
        to: str | Sequence[str],
        attachments: Sequence[Any] = (),
    ) -> Sealed:
        """A packet for the organisations `to`, recorded before it is returned; errors as in `sharekit.seal`."""
        if attachments:
            raise Usage("packets with attachments are not made yet", hint="seal the fields alone")
        now, sender = self._clock(), self._signer.sender()
        with refusals.recorded(self._record, now=now):
            draft = self._draft(dataset, terms, to, now=now)
        if local.UNREAD in draft.findings:
            self._record.append(refusals.EVENT, Facts(outcome=Malformed.code, rule=local.RULE), now=now)
        sender = replace(sender, note=self._record.ledger(now).checkpoint())
        parts = sealing.Parts.fresh()
        data = sealing.seal_parts(draft, parts, sender=sender, now=now)
        entry = self._record_sealed(draft, parts.cti, data, now)
        return Sealed(
            data,
            id=parts.cti.hex(),
            recipients=[card.org_id for card in draft.recipients],
            kept=tuple(draft.fields),
            left_out=[item["field"] for item in draft.terms.json["left_out"]],
            findings=draft.findings,
            entry=entry,
        )

    def _draft(
        self,
        dataset: dict[str, Any] | Minimised,
        terms: ShareTerms | Mapping[str, Any],
        to: str | Sequence[str],
        *,
        now: datetime,
    ) -> Draft:
        """What `seal` would seal, as this agency's own policy has it; nothing is sealed or recorded."""
        cards = self._cards(to)
        draft = sealing.prepare(
            dataset,
            terms,
            sender=self._signer.sender(),
            recipients=cards,
            unconfirmed=self._trust.unconfirmed(cards),
            repeats=self._repeats,
            now=now,
        )
        findings = self._weighed(draft.terms, cards, draft.findings, now)
        gate(findings)
        return replace(draft, findings=(*findings, *self._sealed_before(draft)))

    def _sealed_before(self, draft: Draft) -> list[Finding]:
        """Advice, where the same share was sealed before for the same organisations: it may have been sent already."""
        before = self._record.vault.rationales.draft(_text(draft))
        return [] if before is None else [_repeated(before)]

    def examine(
        self,
        dataset: dict[str, Any],
        terms: ShareTerms | Mapping[str, Any],
        to: str | Sequence[str] = (),
        *,
        book: str = rulebook.DEFAULT,
    ) -> Examined:
        """What sealing for `to` would find, gates among them; it needs no key, and nothing is recorded.

        Raises as `seal`, but for the rulebook's gates. Without recipients, what depends on them is left aside.
        """
        cards, now = self._cards(to), self._clock()
        found = sealing.examine(
            dataset,
            terms,
            sender_type=self._signer.org_type,
            recipients=cards,
            unconfirmed=self._trust.unconfirmed(cards),
            repeats=self._repeats,
            now=now,
            book=book,
        )
        return replace(found, findings=self._weighed(found.terms, cards, found.findings, now))

    def minimise(self, dataset: dict[str, Any], terms: ShareTerms | Mapping[str, Any]) -> Minimised:
        """The dataset cut down to what the terms' purposes reveal; a refusal is recorded. Errors as in `seal`."""
        now = self._clock()
        with refusals.recorded(self._record, now=now):
            return sealing.minimise(dataset, terms, now=now)

    def keep_in_outbox(self, sealed: Sealed) -> Path:
        """Keep a recorded packet whose file could not be written; where it is."""
        path = self._outbox / f"{sealed.id}.sharekit"
        files.write(path, sealed)
        return path

    def _cards(self, to: str | Sequence[str]) -> list[Card]:
        """The cards of the organisations `to`; of one organisation, and not of its letters, if `to` is text."""
        return [self._trust.card(org_id) for org_id in ([to] if isinstance(to, str) else to)]

    # --- what the rules ask of this agency ---

    def _weighed(
        self, terms: ShareTerms, cards: Sequence[Card], findings: Sequence[Finding], now: datetime
    ) -> tuple[Finding, ...]:
        """The findings as they weigh under this agency's own policy, if that lets such a share go at all."""
        own = self._in_force(terms)
        own.check_share(terms, {card.org_id: card.org_type for card in cards})
        return tuple(own.weighed(findings, urgent=terms.urgent))

    def _in_force(self, terms: ShareTerms) -> LocalPolicy:
        """This agency's own policy; for an urgent share the shipped one, if its own cannot be read."""
        try:
            return self._policy.in_force()
        except (Malformed, NotVerified, Refused):
            if not terms.urgent:
                raise
            return local.unread()

    def _repeats(self, terms: ShareTerms) -> int:
        """How many decisions of late were explained in these words; not known while the vault is locked."""
        asked = rulebook.load()[REPEATED].params
        words = rules_of_conduct.rationale(terms, asked)
        if not words or not self._signer.unlocked:
            return 0
        return self._record.vault.rationales.repeats(words, _decision(terms), among=asked["among"])

    def _remember(self, terms: ShareTerms) -> None:
        words = rules_of_conduct.rationale(terms, rulebook.load()[REPEATED].params)
        if words:
            self._record.vault.rationales.note(words, _decision(terms))

    # --- on the record ---

    def _remember_draft(self, draft: Draft, cti: bytes) -> None:
        with contextlib.suppress(LedgerError):  # it is on the record, and goes
            self._record.vault.rationales.note_draft(_text(draft), cti)

    def _record_sealed(self, draft: Draft, cti: bytes, data: bytes, now: datetime) -> int:
        """Record a packet, and what has to be remembered about it; the number of its entry."""
        facts, packets, own = _facts(draft, cti, data, now), self._record.vault.packets, self._signer.org_id
        packets.note(own, cti, digest=sha256(data).digest(), now=now, recipients=facts.counterparties)
        self._remember(draft.terms)
        due = retention.due_on(draft.terms, draft.fields, now=now)
        with self._record.one_at_a_time():
            self._retention.keep(cti, own, draft.terms, due=due, identifiers=facts.identifiers)
            entry = self._record.append("sealed", facts, now=now)
        with contextlib.suppress(LedgerError):  # it is on the record, and goes
            packets.mark_recorded(own, cti)
        self._remember_draft(draft, cti)
        return entry


def _text(draft: Draft) -> str:
    """Data, terms and recipients of a share as one text, the same whenever it is sealed."""
    to = sorted(card.org_id for card in draft.recipients)
    terms = {name: value for name, value in draft.terms.json.items() if name != "recipients"}
    return json.dumps([draft.fields, terms, to], sort_keys=True, default=str)


def _repeated(packet: bytes) -> Finding:
    return Finding(
        "repeated-draft",
        "advice",
        f"the same share was sealed for the same organisations before, as packet {packet.hex()}",
        "this agency's own record",
        "if that one was sent, do not send this one too",
    )


def _facts(draft: Draft, cti: bytes, data: bytes, now: datetime) -> Facts:
    recipients = [card.org_id for card in draft.recipients]
    owed = [each.message for each in draft.findings if each.owed]
    return Facts(
        packet=cti,
        file=sha256(data).digest(),
        counterparties=recipients,
        identifiers=profile.load(draft.terms.profile).identifiers(draft.fields),
        terms=draft.terms,
        purpose=draft.terms.purpose,
        rationale=draft.terms.json["decision"].get("reasons", ()),
        left_out=len(draft.terms.json["left_out"]),
        promise=of_share(draft.terms.json, cti, recipients, owed=owed, now=now),
    )


def _decision(terms: ShareTerms) -> bytes:
    return bytes.fromhex(sealing.decision_ref(terms))
