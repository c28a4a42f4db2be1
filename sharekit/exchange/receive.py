"""Receiving: what becomes of a packet here, each step on the record before the next (SPEC.md section 5).

The agency's half of `opening`: who is asking, what was seen before, and what is committed between the calls.
A receipt follows whatever a partner should know; that one could not be made undoes nothing.
"""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from sharekit.domain import retention
from sharekit.errors import Expired, Malformed, PurposeRefused, Replayed, ShareError
from sharekit.exchange.destroy import Erasure
from sharekit.exchange.local_policy import Enactment
from sharekit.exchange.receipts import Receipts
from sharekit.packet import open as opening
from sharekit.packet import wire as packets
from sharekit.packet.open import Share
from sharekit.packet.receipt import Receipt
from sharekit.packet.seal import Sender
from sharekit.packet.wire import Packet, Statement
from sharekit.policy.decide import Verdict, decide
from sharekit.policy.local import LocalPolicy
from sharekit.policy.use import Use, check_assessment
from sharekit.record import promises
from sharekit.record.record import Facts, Record
from sharekit.record.refusals import REFUSALS
from sharekit.trust.cards import Card
from sharekit.trust.keys import Keys
from sharekit.trust.store import Trust
from sharekit.values import Value

__all__ = ["Received", "Reception"]


class Receiver(Protocol):
    """What reception asks of the agency whose it is."""

    @property
    def org_id(self) -> str: ...

    @property
    def trust(self) -> Trust: ...

    @property
    def record(self) -> Record: ...

    @property
    def receipts(self) -> Receipts: ...

    @property
    def enactment(self) -> Enactment: ...

    @property
    def erasure(self) -> Erasure: ...

    def now(self) -> datetime: ...

    @property
    def unlocked(self) -> bool: ...

    def sender(self) -> Sender: ...


class Received(Value):
    """What was taken in: `mode` of the packet, its statement, and the receipt that it was, if it was one."""

    mode: str
    statement: Statement
    receipt: Receipt | None = None


class _Checked(Value):
    """A packet that is to be believed, and when it was."""

    packet: Packet
    statement: Statement
    card: Card
    now: datetime

    @property
    def cti(self) -> bytes:
        return bytes.fromhex(self.statement.id)

    def facts(self, **more: Any) -> Facts:
        statement = self.statement
        return Facts(packet=self.cti, file=statement.digest, counterparties=[statement.sender], **more)


class Reception:
    """`verify`, `open` and `receive` for one agency.

    After each, `receipt` is where the receipt that it made waits, and `trouble` why there is none.
    """

    def __init__(self, agency: Receiver) -> None:
        self._agency = agency
        self.receipt: Path | None = None
        self.trouble: ShareError | None = None

    @property
    def _record(self) -> Record:
        return self._agency.record

    def verify(self, data: bytes, trust: Trust) -> Statement:
        """The statement of a packet, if a sender in `trust` signed it."""
        with self._refusals(data):
            checked = self._check(data, trust)
        seq = self._record_received(checked, "verified")
        if seq is not None and self._agency.org_id in checked.statement.recipients and not self._is_receipt(checked):
            self._give("verified", seq, checked)
        return checked.statement

    def open(self, data: bytes, keys: Keys, use: Use) -> Share:
        """The fields that `use` may see, recorded before they are returned."""
        own = self._in_force(use)
        with self._refusals(data, use):
            checked = self._check(data, self._agency.trust)
        self._record_received(checked)
        with self._refusals(data, use, checked):
            opening.check_addressed(checked.statement, self._agency.org_id)
            opening.check_own_block(checked.packet, checked.statement, self._agency.org_id, keys)
            manifest = opening.read_manifest(checked.packet, checked.statement, keys)
            self._check_first_opening(checked)
            verdict = decide(manifest.terms, use, now=checked.now, policy=own)
            self._record_use("decided", checked, verdict)
            share = opening.open_dataset(checked.packet, manifest, verdict, keys)
        seq = self._record_use("opened", checked, verdict, share)
        self._record.vault.mark_opened(checked.statement.sender, checked.cti, now=checked.now)
        self._give("opened", seq, checked, manifest.note)
        return share

    def _in_force(self, use: Use) -> LocalPolicy:
        """The agency's own policy, after a look at what it is asked with; what is wrong here no partner is told."""
        now = self._agency.now()
        try:
            if use.assessment is not None:
                check_assessment(use.assessment)
            return self._agency.enactment.load(now=now)
        except ShareError as refusal:
            if refusal.exit_code in REFUSALS:
                self._record.append("refused", Facts(outcome=refusal.code, rule=refusal.rule), now=now)
            raise

    def receive(self, data: bytes, keys: Keys) -> Received:
        """Take in a packet of any mode."""
        with self._refusals(data):
            checked = self._check(data, self._agency.trust)
        seq = self._record_received(checked)
        statement = checked.statement
        with self._refusals(data, None, checked):
            opening.check_addressed(statement, self._agency.org_id)
            opening.check_own_block(checked.packet, statement, self._agency.org_id, keys)
            control = opening.read_control(checked.packet, statement, keys)
            if control is None:
                if seq is not None:
                    self._give("delivered", seq, checked)
                return Received(packets.SHARE, statement)
            if control.mode == packets.RECEIPT:
                taken = self._agency.receipts.take(control, statement, card=checked.card, now=checked.now)
                return Received(control.mode, statement, taken)
            who: Any = {"card": checked.card, "sender": self._agency.sender()}
            self.receipt = self._agency.receipts.take_checkpoint(control, statement, **who, now=checked.now)
            return Received(control.mode, statement)

    def _check(self, data: bytes, trust: Trust) -> _Checked:
        """Steps 5.1 to 5.10: is it a packet, is it to be believed, and is it the one that was seen before?"""
        self.receipt = self.trouble = None
        now, packet = self._agency.now(), packets.parse(data)
        seen = self._record.vault.seen(packet.claims[packets.ISS], packet.claims[packets.CTI])
        known = seen and seen.recorded and seen.digest == packet.digest
        statement = opening.verify(packet, trust, now=now, first_seen=seen.first_seen if seen and known else None)
        if seen and seen.digest != packet.digest:
            raise Replayed("another packet with this number was seen before", packet=packet.id)
        card = trust.find(packet.kid, org_id=statement.sender, at=statement.issued).card
        return _Checked(packet, statement, card, now)

    def _check_first_opening(self, checked: _Checked) -> None:
        seen = self._record.vault.seen(checked.statement.sender, checked.cti)
        if (seen is None or seen.opened is None) and checked.now >= checked.statement.expires:
            raise Expired("the packet expired before it was first opened", packet=checked.statement.id)

    # --- receipts ---

    def _give(self, event: str, seq: int, checked: _Checked, note: str | None = None) -> None:
        """What a receipt reports has happened, whether or not it can be made: that it cannot is only said."""
        if not self._agency.unlocked or checked.statement.sender == self._agency.org_id:
            return
        who: Any = {"card": checked.card, "sender": self._agency.sender()}
        try:
            self.receipt = self._agency.receipts.give(event, seq, checked.statement, note=note, **who, now=checked.now)
        except ShareError as problem:
            self.trouble = problem

    def _is_receipt(self, checked: _Checked) -> bool:
        """Whether it is a receipt, which is never receipted. Of one that cannot be read here nobody can tell."""
        with contextlib.suppress(ShareError):  # locked, too
            sender = self._agency.sender()
            control = opening.read_control(checked.packet, checked.statement, sender.keys)
            return control is not None and control.mode == packets.RECEIPT
        return False

    # --- on the record ---

    def _record_received(self, checked: _Checked, *also: str) -> int | None:
        """`received` once a packet, at its first full verification, and the events in `also`; the last one's number."""
        if not self._is_recorded(checked):
            with self._record.one_at_a_time():
                if not self._is_recorded(checked):
                    return self._append_received(checked, ("received", *also))
        return self._append_received(checked, also) if also else None

    def _is_recorded(self, checked: _Checked) -> bool:
        sender, cti, vault = checked.statement.sender, checked.cti, self._record.vault
        vault.note_packet(sender, cti, digest=checked.statement.digest, now=checked.now)
        seen = vault.seen(sender, cti)
        if seen is None or seen.digest != checked.statement.digest:  # another came in between
            raise Replayed("another packet with this number was seen before", packet=checked.statement.id)
        return seen.recorded

    def _append_received(self, checked: _Checked, events: Sequence[str]) -> int:
        first = self._record.append(events, checked.facts(), now=checked.now)
        self._record.vault.mark_recorded(checked.statement.sender, checked.cti)
        return first + len(events) - 1

    def _record_use(self, event: str, checked: _Checked, verdict: Verdict, share: Share | None = None) -> int:
        """What was decided or opened; the words about it are kept as long as the terms say."""
        identifiers = share.identifiers if share else ()
        due = share.destroy_on if share else retention.due_on(verdict.terms, {}, now=checked.now)
        facts = checked.facts(
            purpose=verdict.use.purpose,
            outcome=verdict.code or verdict.outcome,
            rule=verdict.rule,
            identifiers=identifiers,
            use=verdict.use,
            terms=verdict.terms,
            policy=verdict.policy.digest,
            left_out=len(share.withheld) if share else 0,
            promise=promises.of_opening(verdict.outcome, checked.cti, now=checked.now) if share else None,
        )
        sender, keep = checked.statement.sender, self._agency.erasure.keep
        with self._record.one_at_a_time():
            keep(checked.cti, sender, verdict.terms, due=due, identifiers=identifiers)
            return self._record.append(event, facts, now=checked.now)

    @contextlib.contextmanager
    def _refusals(self, data: bytes, use: Use | None = None, checked: _Checked | None = None) -> Iterator[None]:
        """Record whatever refuses inside, before it is told."""
        try:
            yield
        except ShareError as refusal:
            if refusal.exit_code in REFUSALS:
                if checked:
                    self._record_refusal(refusal, checked, use)
                else:
                    self._record_unverified(refusal, data)
            raise

    def _record_refusal(self, refusal: ShareError, checked: _Checked, use: Use | None) -> None:
        refusal.packet = checked.statement.id
        rule = refusal.rule if isinstance(refusal, PurposeRefused) else None
        facts = checked.facts(purpose=use.purpose if use else None, outcome=refusal.code, rule=rule)
        seq = self._record.append("refused", facts, now=checked.now)
        if self._agency.org_id in checked.statement.recipients and (use or not self._is_receipt(checked)):
            self._give("refused", seq, checked)

    def _record_unverified(self, refusal: ShareError, data: bytes) -> None:
        """One entry for each distinct file, so that garbage cannot fill the ledger.

        A small file could be guessed from its hash: the index is keyed, and the entry carries no digest.
        """
        token = hmac.digest(self._record.secret, sha256(data).digest(), "sha256")
        with contextlib.suppress(Malformed):
            refusal.packet = packets.parse(data).id
        cti = bytes.fromhex(refusal.packet) if refusal.packet else None
        with self._record.one_at_a_time():
            if not self._record.vault.knows_refused(token):
                self._record.append("refused", Facts(outcome=refusal.code, packet=cti), now=self._agency.now())
                self._record.vault.note_refused(token)
