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
from sharekit.errors import NotVerified, ShareError, Usage
from sharekit.exchange.cosigning import Cosigning
from sharekit.exchange.post import Arrived, Post, Received, theirs
from sharekit.exchange.signer import Signer
from sharekit.packet import open as opening
from sharekit.packet import receipt
from sharekit.packet.receipt import Receipt
from sharekit.packet.wire import RECEIPT, SHARE, Control
from sharekit.proofs.attestation import Attestation, evidence
from sharekit.record.promises import of_receipt
from sharekit.record.record import Facts, Record
from sharekit.vault.attestations import Said

__all__ = ["Given", "Receipts"]


class Given(NamedTuple):
    """The path of a receipt that waits in the outbox, or the error for which there is none.

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

    def give(self, event: str, entry: int, arrived: Arrived, *, note: str | None = None) -> Given:
        """Seal the receipt of the committed entry of that number for the sender of a packet.

        `note` is the sender's checkpoint, where the manifest was read; it is cosigned if it follows the last one.
        None is made while the keys are locked, or for a packet of our own.
        """
        if not self._signer.unlocked or arrived.statement.sender == self._signer.org_id:
            return Given()
        try:
            cosigned = self._cosigned(note, arrived) if note else None
            return Given(receipt=self._post.report(event, entry, arrived, cosigned=cosigned))
        except ShareError as problem:
            return Given(trouble=problem)

    def _cosigned(self, note: str, arrived: Arrived) -> str | None:
        """The sender's checkpoint with our cosignature, or None where nothing shows yet that it follows."""
        with contextlib.suppress(Usage):
            return self._cosigning.cosigned(note, arrived.card, now=arrived.now)
        return None

    def is_receipt(self, arrived: Arrived) -> bool:
        """Whether a packet is a receipt, which is never receipted; False where it cannot be read here."""
        with contextlib.suppress(ShareError):  # locked, too
            control = opening.read_control(arrived.packet, arrived.statement, self._signer.keys)
            return control is not None and control.mode == RECEIPT
        return False

    # --- taking ---

    def deliver(self, arrived: Arrived, control: Control) -> Received:
        """Take a share in unopened; its sender is told once that it was delivered."""
        given = self.give("delivered", arrived.entry, arrived) if arrived.entry is not None else Given()
        return Received(SHARE, arrived.statement, receipt=given.receipt, trouble=given.trouble)

    def take(self, arrived: Arrived, control: Control) -> Received:
        """A partner's receipt for a packet of ours: checked, kept, on the record; a receipt that comes twice is one.

        Raises Malformed, NotVerified if we sealed no such packet for them, LedgerTampered if it exposes a fork.
        """
        with theirs():
            taken = receipt.check(control, arrived.statement, card=arrived.card, own=self._signer.card)
        sealed = self._record.vault.packets.seen(self._signer.org_id, taken.packet)
        if sealed is None or sealed.digest != taken.digest or taken.org_id not in sealed.recipients:
            raise NotVerified("the receipt is for no packet that was sealed here for them", hint="telephone its sender")
        if taken.cosigned is not None:
            self._post.check_own(taken.cosigned, now=arrived.now)
        with self._record.one_at_a_time():
            if not self._partners.has(_said(taken)):
                if arrived.entry is not None or not self._has_entry(taken):
                    self._record_taken(taken, arrived.now)
                self._partners.keep(_said(taken))  # after its entry: it is by this that a second one is noticed
        return Received(control.mode, arrived.statement, taken)

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
    proven = (taken.entry, taken.proof, taken.cosigned)
    return Said(taken.packet, taken.org_id, taken.event, taken.at, taken.outcome, *proven)
