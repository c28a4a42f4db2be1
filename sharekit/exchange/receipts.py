"""Receipts given and taken: what a partner is told about its packet, and what partners say about ours.

A receipt proves an entry that was committed before it. That one could not be made never undoes what it reports.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from sharekit.domain import vocabulary
from sharekit.errors import NotVerified, RolledBack, ShareError, Usage
from sharekit.exchange.cosigning import Cosigning
from sharekit.exchange.post import Arrived, Post, Received, theirs
from sharekit.exchange.signer import Signer
from sharekit.packet import open as opening
from sharekit.packet import receipt
from sharekit.packet.receipt import Receipt
from sharekit.packet.wire import CLOCK_SKEW, RECEIPT, SHARE, Control
from sharekit.proofs.attestation import Attestation, evidence
from sharekit.record.promises import of_receipt
from sharekit.record.record import Facts, Record
from sharekit.values import replace
from sharekit.vault.attestations import Said

__all__ = ["Given", "Receipts"]


class Given(NamedTuple):
    """The path of a receipt that waits in the outbox, and the error for which there is none, or no cosignature in it.

    Both are None where none is owed.
    """

    receipt: Path | None = None
    trouble: ShareError | None = None


class Receipts:
    """What an agency tells partners about their packets, and they about its own."""

    def __init__(
        self,
        signer: Signer,
        record: Record,
        post: Post,
        cosigning: Cosigning,
        clock: Callable[[], datetime],
    ) -> None:
        self._signer, self._record, self._partners = signer, record, record.vault.partners
        self._post, self._cosigning, self._clock = post, cosigning, clock

    # --- giving ---

    def give(
        self, event: str, entry: int, arrived: Arrived, *, note: str | None = None, back: RolledBack | None = None
    ) -> Given:
        """Seal the receipt of the committed entry of that number for the sender of a packet.

        `note` is the sender's checkpoint, where the manifest was read; it is cosigned if it follows the last one. One
        that cannot be cosigned keeps back no receipt, and is told as the trouble beside it. `back` says that it goes
        back behind one that was seen before: then the sender is shown that one.
        None is made while the keys are locked, or for a packet of our own.
        """
        if not self._signer.unlocked or arrived.statement.sender == self._signer.org_id:
            return Given()
        cosigned, trouble = self._cosigned(note, arrived) if note and not back else (None, None)
        try:
            seen = back.known if back else None
            return Given(self._post.report(event, entry, arrived, cosigned=cosigned, seen=seen), trouble)
        except ShareError as problem:
            return Given(trouble=problem)

    def _cosigned(self, note: str, arrived: Arrived) -> tuple[str | None, ShareError | None]:
        """The sender's checkpoint with our cosignature, or the error for which it has none.

        Both are None where nothing shows yet that it follows the last one.
        """
        try:
            return self._cosigning.cosigned(note, arrived.card, now=arrived.now), None
        except Usage:
            return None, None
        except ShareError as problem:
            return None, problem

    def noticed(self, note: str | None, arrived: Arrived) -> RolledBack | None:
        """What is wrong with the checkpoint that a share brought, as `Cosigning.noticed` says it; it stops nothing."""
        return self._cosigning.noticed(note, arrived)

    def is_receipt(self, arrived: Arrived) -> bool:
        """Whether a packet says that it is a receipt, which is never receipted; False where it cannot be read here."""
        with contextlib.suppress(ShareError):  # locked, too
            return opening.mode_of(arrived.packet, arrived.statement, self._signer.keys) == RECEIPT
        return False

    # --- taking ---

    def deliver(self, arrived: Arrived, control: Control) -> Received:
        """Take a share in unopened; its sender is told once that it was delivered."""
        back = self.noticed(control.note, arrived)
        given = self.give("delivered", arrived.entry, arrived, back=back) if arrived.entry is not None else Given()
        return Received(SHARE, arrived.statement, receipt=given.receipt, trouble=given.trouble, warning=back)

    def take(self, arrived: Arrived, control: Control) -> Received:
        """A partner's receipt for a packet of ours: checked, kept, on the record; a receipt that comes twice is one.

        Of very many about one event of a packet the first are kept. Raises Malformed, NotVerified if we sealed no such
        packet for them, and RolledBack where we signed a packet of which nothing is recorded, or, once it is kept,
        where it is the first to show that our own ledger went back.
        """
        with theirs():
            taken = receipt.check(control, arrived.statement, card=arrived.card, own=self._signer.card)
        sealed = self._record.vault.packets.seen(self._signer.org_id, taken.packet)
        if sealed is None and taken.statement:  # our own signature, and our record knows nothing of it
            facts = Facts(packet=taken.packet, counterparties=[taken.org_id], outcome=RolledBack.code)
            self._record.append("rolled-back", facts, now=arrived.now)
            raise RolledBack("a partner has a packet that was signed here and that this record does not have")
        if sealed is None or sealed.digest != taken.digest or taken.org_id not in sealed.recipients:
            raise NotVerified("the receipt is for no packet that was sealed here for them", hint="telephone its sender")
        if not sealed.first_seen - CLOCK_SKEW <= taken.at <= arrived.now + CLOCK_SKEW:
            hint = "compare this machine's clock with theirs, and ask for another receipt"
            raise NotVerified("the receipt tells of a time before the packet was sealed, or still to come", hint=hint)
        with self._record.one_at_a_time():
            if not self._partners.has(_said(taken)) and not self._partners.is_full(_said(taken)):
                if arrived.entry is not None or not self._has_entry(taken):
                    self._record_taken(taken, arrived.now)
                self._partners.keep(_said(taken))  # after its entry: it is by this that a second one is noticed
        self._check_own(taken, arrived)
        return Received(control.mode, arrived.statement, taken, warning=self.noticed(taken.note, arrived))

    def _check_own(self, taken: Receipt, arrived: Arrived) -> None:
        """Return unless the receipt shows, or says, for the first time that our ledger went back: RolledBack."""
        for note in filter(None, (taken.seen, taken.cosigned)):
            try:
                self._post.check_own(note, now=arrived.now)
                if note == taken.seen:  # as large as ours was: the packet that came after it is what we lost
                    raise RolledBack(f"{taken.org_id} reports that this record went back behind a later packet")
            except RolledBack:
                if self._partners.keep_shown(note, now=arrived.now):
                    digest = sha256(note.encode()).digest()
                    facts = Facts(packet=taken.packet, counterparties=[taken.org_id], checkpoint=digest)
                    self._record.append("rolled-back", replace(facts, outcome=RolledBack.code), now=arrived.now)
                    raise

    def _has_entry(self, taken: Receipt) -> bool:
        """Whether somebody recorded it who was stopped before the vault knew."""
        note, number = sha256(taken.note.encode()).digest(), vocabulary.load("ledger-events")["receipt-in"].number
        about = [each for each in self._record.about_packets([taken.packet]) if each.event == number]
        return any((each.counterparties, each.checkpoint) == ((taken.org_id,), note) for each in about)

    def _record_taken(self, taken: Receipt, now: datetime) -> None:
        facts = Facts(
            packet=taken.packet,
            file=taken.digest,
            purpose=taken.purpose,
            outcome=taken.outcome,
            reported=taken.event,
            counterparties=[taken.org_id],
            checkpoint=sha256(taken.note.encode()).digest(),
            promise=of_receipt(taken.event, taken.org_id, self._record.open_actions(taken.packet)),
        )
        self._record.append("receipt-in", facts, now=now)

    # --- what is known ---

    def said(self, packet: bytes | None = None) -> Iterator[Said]:
        """What partners' receipts said of the packet with this number, or of every packet, oldest first."""
        return self._partners.said(packet)

    def attestations(self, *, year: int | None = None) -> list[Attestation]:
        """What partners attest of a year's packets and checkpoints, for an auditor; this year's where it is None."""
        return self._partners.attestations(self._signer.org_id, year or self._clock().year)

    def evidence(self, *, year: int | None = None) -> bytes:
        """The same as the file that an auditor takes; Usage if there is no ledger of that year."""
        now = self._clock()
        return evidence(self._record.ledger_of(year or now.year, now).origin, self.attestations(year=year))


def _said(taken: Receipt) -> Said:
    """What the vault keeps of a receipt."""
    proven = (taken.entry, taken.proof, taken.cosigned, taken.statement or None)
    return Said(taken.packet, taken.org_id, taken.event, taken.at, taken.outcome, *proven)
