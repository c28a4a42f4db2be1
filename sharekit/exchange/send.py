"""Dispatching: what leaves this agency, on the record before it leaves (SPEC.md section 4).

The agency's half of `sealing`: to whom, by whose policy, and what is committed before the packet is released.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from sharekit.disk import files
from sharekit.domain import profile, retention
from sharekit.domain.profile import Minimised
from sharekit.domain.terms import ShareTerms
from sharekit.errors import ShareError, Usage
from sharekit.exchange.destroy import Erasure
from sharekit.exchange.local_policy import Enactment
from sharekit.packet import seal as sealing
from sharekit.packet.seal import Draft, Examined, Sender
from sharekit.policy import rulebook, rules_of_conduct
from sharekit.policy.assess import Finding, gate
from sharekit.record.promises import of_share
from sharekit.record.record import Facts, Record
from sharekit.record.refusals import REFUSALS
from sharekit.trust.cards import Card
from sharekit.values import Value, replace

__all__ = ["Dispatch", "Sealed"]

REPEATED = "R7"  # the rule that notices a decision explained in the words of others


class Pinned(Protocol):
    """What dispatch asks of the agency's trust store."""

    def card(self, org_id: str) -> Card: ...

    def unconfirmed(self, cards: Sequence[Card]) -> Collection[str]: ...


class Dispatcher(Protocol):
    """What dispatch asks of the agency whose it is."""

    @property
    def home(self) -> Path: ...

    @property
    def org_type(self) -> str: ...

    @property
    def trust(self) -> Pinned: ...

    @property
    def unlocked(self) -> bool: ...

    @property
    def record(self) -> Record: ...

    @property
    def erasure(self) -> Erasure: ...

    @property
    def enactment(self) -> Enactment: ...

    def now(self) -> datetime: ...

    def sender(self) -> Sender: ...


class Sealed(Value):
    """A packet that has been recorded, and what sealing had to say; `repr` shows no bytes."""

    data: bytes
    id: str
    recipients: tuple[str, ...]
    kept: tuple[str, ...]
    left_out: tuple[str, ...]
    findings: tuple[Finding, ...]
    entry: int

    def __repr__(self) -> str:
        return f"Sealed(id={self.id}, recipients={list(self.recipients)}, entry={self.entry})"


class Dispatch:
    """Sealing for one agency."""

    def __init__(self, agency: Dispatcher) -> None:
        self._agency = agency

    def seal(
        self,
        dataset: dict[str, Any] | Minimised,
        terms: ShareTerms | Mapping[str, Any],
        to: Sequence[str],
        attachments: Sequence[Any] = (),
    ) -> Sealed:
        """A packet for the organisations `to`, recorded before it is returned; errors as in `sharekit.seal`."""
        if attachments:
            raise Usage("packets with attachments are not made yet", hint="seal the fields alone")
        now, sender = self._agency.now(), self._agency.sender()
        with self._refusals():
            draft = self.draft(dataset, terms, to, sender=sender, now=now)
        sender = replace(sender, note=self._agency.record.ledger(now).checkpoint())
        parts = sealing.Parts.fresh()
        data = sealing.seal_parts(draft, parts, sender=sender, now=now)
        entry = self._record(draft, parts.cti, data, sender, now)
        left_out = tuple(item["field"] for item in draft.terms.json["left_out"])
        recipients = tuple(card.org_id for card in draft.recipients)
        return Sealed(data, parts.cti.hex(), recipients, tuple(draft.fields), left_out, draft.findings, entry)

    def draft(
        self,
        dataset: dict[str, Any] | Minimised,
        terms: ShareTerms | Mapping[str, Any],
        to: Sequence[str],
        *,
        sender: Sender,
        now: datetime,
    ) -> Draft:
        """What `seal` would seal, as this agency's own policy has it; nothing is sealed or recorded."""
        trust = self._agency.trust
        cards = [trust.card(org_id) for org_id in to]
        draft = sealing.prepare(
            dataset,
            terms,
            sender=sender,
            recipients=cards,
            unconfirmed=trust.unconfirmed(cards),
            repeats=self._repeats,
            now=now,
        )
        findings = self._weighed(draft.terms, cards, draft.findings, now)
        gate(findings)
        return replace(draft, findings=findings)

    def examine(
        self,
        dataset: dict[str, Any],
        terms: ShareTerms | Mapping[str, Any],
        to: Sequence[str] = (),
        *,
        book: str = rulebook.DEFAULT,
    ) -> Examined:
        """What sealing for `to` would find, gates among them; it needs no key, and nothing is recorded.

        Raises as `seal`, but for the rulebook's gates. Without recipients, what depends on them is left aside.
        """
        trust, now = self._agency.trust, self._agency.now()
        cards = [trust.card(org_id) for org_id in to]
        found = sealing.examine(
            dataset,
            terms,
            sender_type=self._agency.org_type,
            recipients=cards,
            unconfirmed=trust.unconfirmed(cards),
            repeats=self._repeats,
            now=now,
            book=book,
        )
        return replace(found, findings=self._weighed(found.terms, cards, found.findings, now))

    def minimise(self, dataset: dict[str, Any], terms: ShareTerms | Mapping[str, Any]) -> Minimised:
        """The dataset cut down to what the terms' purposes reveal; a refusal is recorded. Errors as in `seal`."""
        with self._refusals():
            return sealing.minimise(dataset, terms, now=self._agency.now())

    def keep_in_outbox(self, sealed: Sealed) -> Path:
        """Keep a recorded packet whose file could not be written; where it is."""
        path = self._agency.home / "outbox" / f"{sealed.id}.sharekit"
        files.write(path, sealed.data)
        return path

    def _repeats(self, terms: ShareTerms) -> int:
        """How many decisions of late were explained in these words; not known while the vault is locked."""
        asked = rulebook.load()[REPEATED].params
        words = rules_of_conduct.rationale(terms, asked)
        if not words or not self._agency.unlocked:
            return 0
        return self._agency.record.vault.rationales.repeats(words, _decision(terms), among=asked["among"])

    def _remember(self, terms: ShareTerms) -> None:
        words = rules_of_conduct.rationale(terms, rulebook.load()[REPEATED].params)
        if words:
            self._agency.record.vault.rationales.note(words, _decision(terms))

    def _weighed(
        self, terms: ShareTerms, cards: Sequence[Card], findings: Sequence[Finding], now: datetime
    ) -> tuple[Finding, ...]:
        """The findings as they weigh under this agency's own policy, if that lets such a share go at all."""
        own = self._agency.enactment.load(now=now)
        own.check_share(terms, {card.org_id: card.org_type for card in cards})
        return tuple(own.weighed(findings, urgent=terms.urgent))

    def _record(self, draft: Draft, cti: bytes, data: bytes, sender: Sender, now: datetime) -> int:
        digest, recipients = sha256(data).digest(), [card.org_id for card in draft.recipients]
        owed = [each.message for each in draft.findings if each.owed]
        facts = Facts(
            packet=cti,
            file=digest,
            counterparties=recipients,
            identifiers=profile.load(draft.terms.profile).identifiers(draft.fields),
            terms=draft.terms,
            purpose=draft.terms.purpose,
            rationale=draft.terms.json["decision"].get("reasons", ()),
            left_out=len(draft.terms.json["left_out"]),
            promise=of_share(draft.terms.json, cti, recipients, owed=owed, now=now),
        )
        vault = self._agency.record.vault
        vault.packets.note(sender.org_id, cti, digest=digest, now=now, recipients=recipients)
        self._remember(draft.terms)
        due = retention.due_on(draft.terms, draft.fields, now=now)
        with self._agency.record.one_at_a_time():
            self._agency.erasure.keep(cti, sender.org_id, draft.terms, due=due, identifiers=facts.identifiers)
            entry = self._agency.record.append("sealed", facts, now=now)
        vault.packets.mark_recorded(sender.org_id, cti)
        return entry

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        """Record whatever refuses inside, before it is told, and without what was typed."""
        try:
            yield
        except ShareError as refusal:
            if refusal.exit_code in REFUSALS:
                facts = Facts(outcome=refusal.code, rule=refusal.rule)
                self._agency.record.append("refused", facts, now=self._agency.now())
            raise


def _decision(terms: ShareTerms) -> bytes:
    return bytes.fromhex(sealing.decision_ref(terms))
