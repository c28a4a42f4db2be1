"""Receipts given and taken: the acts, where `receipt` has the shapes. Each is an entry before it leaves or counts.

A receipt waits in the home's `outbox/`: whoever delivers packets delivers it. That one could not be made never
undoes what it reports.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sharekit.disk import files
from sharekit.errors import LedgerTampered, Malformed, NotVerified, Usage
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.packet import receipt
from sharekit.packet import seal as sealing
from sharekit.packet.receipt import Receipt
from sharekit.packet.seal import Sender
from sharekit.packet.wire import CHECKPOINT, RECEIPT, Control, Statement
from sharekit.proofs import checkpoint, cosignature, timestamp
from sharekit.record.promises import of_receipt
from sharekit.record.record import Facts, Record
from sharekit.trust.cards import ORG_ID, Card
from sharekit.trust.store import Trust
from sharekit.vault.attestations import Said

__all__ = ["Receipts"]


class Receipts:
    """What an agency tells partners about their packets, and they about its own."""

    def __init__(self, record: Record, trust: Trust, own: Card, outbox: Path) -> None:
        self._record, self._trust, self._own, self._outbox = record, trust, own, outbox
        self.partners = record.vault.partners

    # --- giving ---

    def give(
        self,
        event: str,
        seq: int,
        statement: Statement,
        *,
        card: Card,
        note: str | None,
        sender: Sender,
        now: datetime,
    ) -> Path:
        """Seal the receipt of the committed entry `seq` for a packet's sender; where it waits.

        `note` is the sender's checkpoint, where the manifest was read, signed with the log key of `card`; it is
        cosigned if it follows the last one.
        """
        cosigned = None
        with contextlib.suppress(Usage):  # where nothing shows yet that it follows
            cosigned = self._cosigned(note, 0, (), card, sender, now) if note else None
        return self._report(event, seq, statement, cosigned, sender, now)

    def _report(
        self, event: str, seq: int, statement: Statement, cosigned: str | None, sender: Sender, now: datetime
    ) -> Path:
        ledger, card = self._record.ledger(now), self._trust.card(statement.sender)
        body = receipt.body(event, Entry.decode(ledger.entry(seq)), ledger.prove(seq), cosigned=cosigned)
        return self._send(RECEIPT, body, card, bytes.fromhex(statement.id), sender, now)

    def _cosigned(self, note: str, old: int, proof: Sequence[bytes], card: Card, sender: Sender, now: datetime) -> str:
        """The sender's note with our cosignature; Usage where nothing shows that it follows the last one."""
        if card.org_id == self._own.org_id:
            raise cosignature.own_ledger()
        origin = checkpoint.parse(note).origin
        name, key = cosignature.name_of(self._own.org_id), sender.keys.signing
        with _theirs():
            if not re.fullmatch(rf"sharekit/{re.escape(card.org_id)}/[0-9]{{4}}", origin):
                raise LedgerTampered("the checkpoint is that of another ledger")
            checkpoint.verify(note, origin=origin, public=card.log_key)
            return self.partners.cosign(checkpoint.only(note, origin), proof, old=old, name=name, key=key, now=now)

    def send_checkpoint(
        self, org_id: str, ledger: Ledger, *, start: int | None = None, sender: Sender, now: datetime
    ) -> Path:
        """Seal the newest checkpoint for a partner, with the proof that it follows the last one they cosigned."""
        card = self._trust.card(org_id)
        note, seen, proof = self._newest(org_id, ledger, start)
        return self._send(CHECKPOINT, {"note": note, "old": seen, "proof": proof}, card, None, sender, now)

    def _newest(self, org_id: str, ledger: Ledger, start: int | None) -> tuple[str, int, list[bytes]]:
        """The newest note, and the proof that it follows the last one that `org_id` cosigned, or that of `start`."""
        if org_id == self._own.org_id:
            raise cosignature.own_ledger()
        note = ledger.checkpoint()
        size = checkpoint.parse(note).size
        seen = self.partners.cosigned_size(org_id, ledger.origin) if start is None else start
        return note, seen, ledger.consistency(seen, size) if seen not in (0, size) else []

    # --- with a witness that is no partner ---

    def request(self, org_id: str | None, ledger: Ledger, *, start: int | None = None) -> tuple[str, int]:
        """What a witness is asked, from where it last cosigned, or `start`; and the size of the checkpoint."""
        note, seen, proof = self._newest(org_id or "", ledger, start)
        return cosignature.request(seen, proof, note), checkpoint.parse(note).size

    def cosign(self, request: bytes, card: Card, *, sender: Sender, now: datetime) -> str:
        """As a witness, the note in a request with our cosignature, on the record.

        Raises Usage if nothing shows that it follows the last one, LedgerTampered if it cannot.
        """
        old, proof, note = cosignature.request_parts(request)
        cosigned = self._cosigned(note, old, proof, card, sender, now)
        facts = Facts(counterparties=[card.org_id], checkpoint=sha256(note.encode()).digest())
        self._record.append("witnessed", facts, now=now)
        return cosigned

    def keep_cosigned(self, note: bytes, card: Card, *, now: datetime) -> int:
        """Keep one of our checkpoints that a witness cosigned; its size. LedgerTampered if it is not so."""
        kept = receipt.check_cosigned(note, card=card, own=self._own)
        self._check_own(kept, now)
        self.partners.keep_cosigned(card.org_id, kept, now=now)
        return checkpoint.parse(kept).size

    def seen(self, org_id: str, year: int) -> str:
        """The newest checkpoint of a partner's ledger of a year that was cosigned here; Usage if there is none."""
        note = self.partners.note(f"sharekit/{org_id}/{year:04}") if ORG_ID.match(org_id) else None
        if note is None:
            raise Usage("no checkpoint of that ledger was cosigned here", hint="open a packet of theirs, or --year")
        return note

    # --- with a timestamp authority ---

    def stamp_request(self, ledger: Ledger, *, now: datetime) -> bytes:
        """What an authority is asked: a stamp of the newest checkpoint."""
        note = ledger.checkpoint()
        data = timestamp.request(note)
        self.partners.ask_stamp(note, now=now)
        return data

    def keep_stamp(self, response: bytes, roots: Sequence[bytes]) -> tuple[int, datetime]:
        """Keep the stamp that came for a checkpoint; its size, and the time. Errors as in `stamp.verify`, Usage."""
        wanted = timestamp.imprint(response)
        for note in self.partners.asked_stamps():
            if sha256(note.encode()).digest() == wanted:
                at = timestamp.verify(note, response, roots)
                self.partners.keep_stamp(note, response)
                return checkpoint.parse(note).size, at
        raise Usage("the time stamp is for no checkpoint that was asked about", hint=timestamp.HINT)

    def _send(
        self, mode: str, body: dict[str, Any], card: Card, reply: bytes | None, sender: Sender, now: datetime
    ) -> Path:
        draft = sealing.control(mode, body, recipient=card, in_reply_to=reply)
        parts = sealing.Parts.fresh()
        data = sealing.seal_parts(draft, parts, sender=sender, now=now)
        digest, path = sha256(data).digest(), self._outbox / f"{parts.cti.hex()}.sharekit"
        answered = [card.org_id] if mode != RECEIPT else []  # a receipt is never receipted
        with files.replacing(path) as waiting:  # its place first: what cannot wait there was never sealed
            self._record.vault.packets.note(sender.org_id, parts.cti, digest=digest, now=now, recipients=answered)
            facts = Facts(packet=parts.cti, file=digest, counterparties=[card.org_id])
            self._record.append("sealed", facts, now=now)
            self._record.vault.packets.mark_recorded(sender.org_id, parts.cti)
            waiting.commit(data)
        return path

    # --- taking ---

    def take(self, control: Control, statement: Statement, *, card: Card, now: datetime) -> Receipt:
        """A partner's receipt for a packet of ours, signed with `card`: checked, kept, on the record; twice is once.

        Raises Malformed, NotVerified if we sealed no such packet for them, LedgerTampered if it exposes a fork.
        """
        with _theirs():
            found = receipt.check(control, statement, card=card, own=self._own)
        sealed = self._record.vault.packets.seen(self._own.org_id, found.packet)
        if sealed is None or sealed.digest != found.digest or found.org_id not in sealed.recipients:
            raise NotVerified("the receipt is for no packet that was sealed here for them", hint="telephone its sender")
        if found.cosigned is not None:
            self._check_own(found.cosigned, now)
        with self._record.one_at_a_time():
            if not self.partners.has(_said(found)):
                self._record_taken(found, now)
                self.partners.keep(_said(found))  # after its entry: it is by this that a second one is noticed
        return found

    def _record_taken(self, found: Receipt, now: datetime) -> None:
        facts = Facts(
            packet=found.packet,
            file=found.digest,
            purpose=found.purpose,
            outcome=found.outcome,
            reported=found.event,
            counterparties=[found.org_id],
            checkpoint=sha256(found.note.encode()).digest(),
            promise=of_receipt(found.event, found.org_id, self._record.open_actions(found.packet)),
        )
        self._record.append("receipt-in", facts, now=now)

    def _check_own(self, note: str, now: datetime) -> None:
        """Return only if our ledger, of whatever year, is still the one whose checkpoint the partner cosigned."""
        known = checkpoint.parse(note)
        try:
            ledger = self._record.ledger_of(int(known.origin[-4:]), now)
        except Usage:
            raise LedgerTampered("a partner has seen a ledger that is gone") from None
        if known.size > ledger.size or ledger.root(known.size) != known.root:
            raise LedgerTampered("a partner has seen another history of this ledger", index=known.size)

    def take_checkpoint(
        self, control: Control, statement: Statement, *, card: Card, sender: Sender, now: datetime
    ) -> Path:
        """Cosign a partner's checkpoint if it follows, on the record; where the receipt that says so waits."""
        match control.body:
            case {"note": str() as note, "old": int() as old, "proof": list() as proof, **rest} if not rest:
                if (
                    all(type(node) is bytes and len(node) == 32 for node in proof)
                    and len(proof) <= cosignature.MAX_PROOF
                ):
                    cosigned = self._cosigned(note, old, proof, card, sender, now)
                    return self._witnessed(note, cosigned, statement, sender, now)
        raise Malformed("the checkpoint is not in the form sharekit accepts")

    def _witnessed(self, note: str, cosigned: str, statement: Statement, sender: Sender, now: datetime) -> Path:
        facts = Facts(
            packet=bytes.fromhex(statement.id),
            file=statement.digest,
            counterparties=[statement.sender],
            checkpoint=sha256(note.encode()).digest(),
        )
        seq = self._record.append("witnessed", facts, now=now)
        return self._report("witnessed", seq, statement, cosigned, sender, now)


def _said(found: Receipt) -> Said:
    """What the vault keeps of a receipt."""
    proven = (found.entry, found.proof, found.cosigned)
    return Said(found.packet, found.org_id, found.event, found.at, found.outcome, *proven)


@contextlib.contextmanager
def _theirs() -> Iterator[None]:
    """What does not verify inside is a partner's: our own ledger is as good as before."""
    try:
        yield
    except LedgerTampered as problem:
        problem.hint = "it is theirs that does not verify: keep the file, telephone them; see: sharekit ledger forks"
        raise
