"""Receiving: what becomes of a packet here, each step on the record before the next (SPEC.md section 5).

The agency's half of `packet/open`: who is asking, what was seen before, and what is committed between the calls.
A receipt follows whatever a partner should know; that one could not be made undoes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from sharekit.domain import profile, retention, second_identifier, vocabulary
from sharekit.domain.terms import ShareTerms
from sharekit.errors import Expired, LedgerError, Malformed, NotVerified, Refused, Replayed, RolledBack, ShareError
from sharekit.exchange.destroy import Retention
from sharekit.exchange.local_policy import OwnPolicy
from sharekit.exchange.modes import Handler
from sharekit.exchange.post import Arrived, Received
from sharekit.exchange.receipts import Given, Receipts
from sharekit.exchange.signer import Signer
from sharekit.moments import time_of
from sharekit.packet import open as opening
from sharekit.packet import parties, wire
from sharekit.packet.open import Share
from sharekit.packet.wire import Packet, Statement
from sharekit.policy import local
from sharekit.policy.decide import Verdict, decide, is_emergency
from sharekit.policy.local import LocalPolicy
from sharekit.policy.use import Use, check_assessment
from sharekit.record import clock, guesses, promises, refusals
from sharekit.record.record import Record
from sharekit.trust.store import Trust
from sharekit.values import field, replace

__all__ = ["Opened", "Receiving", "Verified"]


class Opened(Share):
    """A share that was opened on the record.

    `receipt` is the path of the receipt that its sender is owed and that waits in the outbox, or None; `trouble` is
    the error for which there is none, or None. `warning` is what whoever reads it must be told besides, or None.
    """

    receipt: Path | None = field(default=None, compare=False)
    trouble: ShareError | None = field(default=None, compare=False)
    warning: ShareError | None = field(default=None, compare=False)


class Verified(Statement):
    """A statement that was verified on the record; `receipt` and `trouble` are those of `Opened`."""

    receipt: Path | None = field(default=None, compare=False)
    trouble: ShareError | None = field(default=None, compare=False)


class Receiving:
    """`verify`, `open` and `receive` for one agency.

    What they return knows its own receipt; so does a refusal that they raise.
    """

    def __init__(
        self,
        signer: Signer,
        record: Record,
        trust: Trust,
        *,
        policy: OwnPolicy,
        retention: Retention,
        receipts: Receipts,
        handlers: Mapping[str, Handler],
        clock: Callable[[], datetime],
    ) -> None:
        self._signer, self._record, self._trust = signer, record, trust
        self._policy, self._retention, self._receipts = policy, retention, receipts
        self._handlers, self._clock = handlers, clock

    def verify(self, data: bytes, cards: Iterable[bytes] = ()) -> Verified:
        """The statement of a packet, if a trusted sender signed it; it is recorded.

        A packet that is for us is answered with a receipt. `cards` are believed for this once. It needs no passphrase,
        but makes no receipt while the keys are locked. Raises Malformed, UnknownSender, NotTrusted, NotVerified,
        BadSignature, NotYetValid, Expired or Revoked, and Replayed if a packet with this number but other content was
        seen before.
        """
        given = list(cards)
        arrived = self._arrived(data, self._trust.joined(given) if given else self._trust)
        entry = self._record_received(arrived, "verified")
        waiting = (
            self._receipts.give("verified", entry, arrived) if entry is not None and self._owes(arrived) else Given()
        )
        return Verified(**vars(arrived.statement), **waiting._asdict())

    def open(self, data: bytes, use: Use) -> Opened:
        """The fields that `use` may see, recorded before they are returned.

        Raises as `verify`, then NotForYou, CannotDecrypt, PurposeRefused, IdentityMismatch, or what is wrong with the
        contents; WrongPassphrase while the keys are locked.
        """
        keys, own = self._signer.keys, self._in_force(use)
        arrived = self._arrived(data, self._trust)
        self._record_received(arrived)
        with self._refusals(arrived, use):
            opening.check_addressed(arrived.statement, self._signer.org_id)
            opening.check_own_block(arrived.packet, arrived.statement, self._signer.org_id, keys)
            manifest = opening.read_manifest(arrived.packet, arrived.statement, keys)
            back = self._receipts.noticed(manifest.note, arrived)
            parties.check_own_type(manifest.terms, self._signer.org_id, self._signer.org_type)
            self._check_first_opening(arrived)
        self._check_asked(arrived, manifest.terms, use, own)
        with self._refusals(arrived, use):
            verdict = decide(manifest.terms, use, now=arrived.now, policy=own)
            self._record_use("decided", arrived, verdict)
            share = opening.open_dataset(arrived.packet, manifest, verdict, keys)
        entry = self._record_use("opened", arrived, verdict, share)
        with contextlib.suppress(LedgerError):  # what is on the record is shown
            self._record.vault.packets.mark_opened(arrived.statement.sender, arrived.cti, now=arrived.now)
        waiting = self._receipts.give("opened", entry, arrived, note=manifest.note, back=back)
        return Opened(**vars(share), **waiting._asdict(), warning=back)

    def receive(self, data: bytes) -> Received:
        """Take in a packet of any mode.

        Raises as `verify`, then NotForYou, CannotDecrypt, what its mode refuses, and LedgerTampered where it exposes
        a fork; WrongPassphrase while the keys are locked.
        """
        keys, arrived = self._signer.keys, self._arrived(data, self._trust)
        arrived = replace(arrived, entry=self._record_received(arrived))
        with self._refusals(arrived):
            opening.check_addressed(arrived.statement, self._signer.org_id)
            opening.check_own_block(arrived.packet, arrived.statement, self._signer.org_id, keys)
            control = opening.read_control(arrived.packet, arrived.statement, keys)
            return self._handlers[control.mode](arrived, control)

    # --- is it to be believed? ---

    def _arrived(self, data: bytes, trust: Trust) -> Arrived:
        """Steps 5.1 to 5.10: is it a packet, is it to be believed, and is it the one that was seen before?"""
        now = self._clock()
        with refusals.recorded_once(self._record, data, now=now):
            packet = wire.parse(data)
            seen = self._record.vault.packets.seen(packet.claims[wire.ISS], packet.claims[wire.CTI])
            known = seen and seen.recorded and seen.digest == packet.digest
            first = seen.first_seen if seen and known else now
            statement = self._believed(packet, trust, now, first)
            if (seen and seen.digest != packet.digest) or self._is_taken(packet):
                raise Replayed("another packet with this number was seen before", packet=packet.id)
            pin = trust.find(packet.kid, org_id=statement.sender, at=statement.issued)
            if pin.lapses and not known:
                refusals.check_not_revoked(self._record, data)
        return Arrived(packet, statement, pin.card, now)

    def _is_taken(self, packet: wire.Packet) -> bool:
        """Whether a partner took the number of a packet that was sealed here: what is kept under it would be tied."""
        own = self._signer.org_id
        return packet.sender != own and self._record.vault.packets.seen(own, packet.claims[wire.CTI]) is not None

    def _believed(self, packet: Packet, trust: Trust, now: datetime, first_seen: datetime) -> Statement:
        """Nothing is from the future that is before the record or the clock; nothing expires by a clock in doubt."""
        latest = clock.from_the_future(time_of(packet.claims[wire.IAT]), now)
        with clock.expiring(now):
            return opening.verify(packet, trust, now=latest, first_seen=first_seen)

    def _check_first_opening(self, arrived: Arrived) -> None:
        seen = self._record.vault.packets.seen(arrived.statement.sender, arrived.cti)
        if (seen is None or seen.opened is None) and arrived.now >= arrived.statement.expires:
            with clock.expiring(arrived.now):
                raise Expired("the packet expired before it was first opened", packet=arrived.statement.id)

    def _check_asked(self, arrived: Arrived, terms: ShareTerms, use: Use, own: LocalPolicy) -> None:
        """A look at the second identifiers before they are compared; what is wrong with them no partner is told."""
        kind = profile.load(terms.profile)
        also = own.confirm.get(terms.profile, ())
        with refusals.recorded(self._record, arrived.facts(purpose=use.purpose), now=arrived.now):
            second_identifier.check_readable(kind, use.confirm, also=also)
            if use.confirm and not is_emergency(use):
                guesses.check_patience(self._record, arrived.cti, now=arrived.now)

    def _in_force(self, use: Use) -> LocalPolicy:
        """The agency's own policy, after a look at what it is asked with; what is wrong here no partner is told."""
        now = self._clock()
        with refusals.recorded(self._record, now=now):
            if use.assessment is not None:
                check_assessment(use.assessment)
        try:
            with refusals.recorded(self._record, now=now):
                return self._policy.in_force()
        except (Malformed, NotVerified, Refused):
            if not is_emergency(use):
                raise
            return local.unread()

    # --- on the record ---

    def _record_received(self, arrived: Arrived, *also: str) -> int | None:
        """`received` once a packet, at its first full verification, and the events in `also`; the last one's number."""
        begun = self._record.vault.packets.seen(arrived.statement.sender, arrived.cti)
        if not self._is_recorded(arrived):
            with self._record.one_at_a_time():
                if not self._is_recorded(arrived) and not (begun and self._has_entry(arrived)):
                    return self._append_received(arrived, ("received", *also))
        return self._append_received(arrived, also) if also else None

    def _is_recorded(self, arrived: Arrived) -> bool:
        sender, cti, index = arrived.statement.sender, arrived.cti, self._record.vault.packets
        index.note(sender, cti, digest=arrived.statement.digest, now=arrived.now)
        seen = index.seen(sender, cti)
        if seen is None or seen.digest != arrived.statement.digest:  # another came in between
            raise Replayed("another packet with this number was seen before", packet=arrived.statement.id)
        return seen.recorded

    def _has_entry(self, arrived: Arrived) -> bool:
        """Whether somebody recorded it who was stopped before the vault knew."""
        about = self._record.about_packets([arrived.cti])
        first = {vocabulary.load("ledger-events")[code].number for code in ("received", "sealed")}
        found = any(entry.event in first and entry.file == arrived.statement.digest for entry in about)
        if found:
            self._record.vault.packets.mark_recorded(arrived.statement.sender, arrived.cti)
        return found

    def _append_received(self, arrived: Arrived, events: Sequence[str]) -> int:
        first = self._record.append(events, arrived.facts(), now=arrived.now)
        with contextlib.suppress(LedgerError):  # it is found in the ledger when it comes again
            self._record.vault.packets.mark_recorded(arrived.statement.sender, arrived.cti)
        return first + len(events) - 1

    def _record_use(self, event: str, arrived: Arrived, verdict: Verdict, share: Share | None = None) -> int:
        """What was decided or opened; the words about it are kept by this agency's own rule."""
        identifiers = share.identifiers if share else ()
        unopened = retention.of_received(verdict.terms, {}, org_type=self._signer.org_type, now=arrived.now)
        keeping = share.keeping if share else unopened
        facts = arrived.facts(
            purpose=verdict.use.purpose,
            outcome=verdict.code or verdict.outcome,
            rule=verdict.rule,
            identifiers=identifiers,
            use=verdict.use,
            terms=verdict.terms,
            policy=verdict.policy.digest,
            left_out=len(share.withheld) if share else 0,
            promise=promises.of_opening(verdict, arrived.cti, now=arrived.now) if share else None,
        )
        sender, keep = arrived.statement.sender, self._retention.keep
        with self._record.one_at_a_time():
            keep(arrived.cti, sender, keeping, identifiers=identifiers)
            return self._record.append(event, facts, now=arrived.now)

    # --- refusing ---

    def _refusals(self, arrived: Arrived, use: Use | None = None) -> AbstractContextManager[None]:
        """Record whatever refuses inside the block, and give its sender a receipt of that."""

        def tell(refusal: ShareError, entry: int) -> None:
            if "sender" in refusal.hint:  # it says to ask them: who they are, and where
                refusal.sender = arrived.statement.present.contact
            if self._owes(arrived, use):
                back = refusal if isinstance(refusal, RolledBack) else None
                refusal.receipt, refusal.trouble = self._receipts.give("refused", entry, arrived, back=back)

        facts = arrived.facts(purpose=use.purpose if use else None)
        return refusals.recorded(self._record, facts, now=arrived.now, then=tell)

    def _owes(self, arrived: Arrived, use: Use | None = None) -> bool:
        """Whether a packet's sender is told what became of it: it was for us, and it is no receipt."""
        addressed = self._signer.org_id in arrived.statement.recipients
        return addressed and (use is not None or not self._receipts.is_receipt(arrived))
