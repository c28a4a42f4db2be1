"""Cosigning: this agency as a witness of partners' ledgers, and partners and outsiders as witnesses of its own.

Whoever has cosigned a checkpoint notices if the ledger is ever rewritten before it. A checkpoint is cosigned only
if it follows every one of that ledger that was cosigned here before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from sharekit.errors import LedgerTampered, Malformed, NotVerified, Revoked, RolledBack, ShareError, Usage
from sharekit.exchange.post import Arrived, Post, Received, theirs
from sharekit.exchange.signer import Signer
from sharekit.ledger.log import Ledger
from sharekit.packet import receipt
from sharekit.packet.wire import CHECKPOINT, Control
from sharekit.proofs import checkpoint, cosignature
from sharekit.record.record import Facts, Record
from sharekit.trust.cards import ORG_ID, Card
from sharekit.trust.store import Trust
from sharekit.vault.attestations import Fork

__all__ = ["Cosigning"]


class Cosigning:
    """Checkpoints that this agency cosigns, and those of its own that others cosign.

    A `year` is that of a ledger; this year's where it is None.
    """

    def __init__(self, signer: Signer, record: Record, trust: Trust, post: Post, clock: Callable[[], datetime]) -> None:
        self._signer, self._record, self._trust, self._partners = signer, record, trust, record.vault.partners
        self._post, self._clock = post, clock

    # --- our own ledger, before others ---

    def send_checkpoint(self, org_id: str, *, year: int | None = None, start: int | None = None) -> Path:
        """Seal a ledger's newest checkpoint for one partner to cosign; the path where the packet waits.

        The proof begins at the last checkpoint that the partner cosigned as far as is known here, or at `start`
        entries. Raises UnknownSender, Usage, WrongPassphrase, OutputUnwritable, LedgerError.
        """
        now = self._clock()
        ledger, card = self._ledger(year, now), self._trust.card(org_id)
        note, seen, proof = self._newest(org_id, ledger, start)
        return self._post.send(CHECKPOINT, {"note": note, "old": seen, "proof": proof}, card, now=now)

    def request(self, org_id: str | None, *, year: int | None = None, start: int | None = None) -> tuple[str, int]:
        """What a witness is asked, as C2SP tlog-witness has it, and the size of the checkpoint.

        The proof begins where the witness `org_id` last cosigned, or at `start` entries, or at the first entry.
        """
        note, seen, proof = self._newest(org_id or "", self._ledger(year, self._clock()), start)
        return cosignature.request(seen, proof, note), checkpoint.parse(note).size

    def keep(self, note: bytes, card: bytes) -> int:
        """Keep a checkpoint of ours that the holder of `card` cosigned; its size in entries.

        Raises LedgerTampered if it is not so, and what is wrong with the card.
        """
        witness, now = self._believed(card), self._clock()
        kept = receipt.check_cosigned(note, card=witness, own=self._signer.card)
        self._post.check_own(kept, now=now)
        self._partners.keep_cosigned(witness.org_id, kept, now=now)
        return checkpoint.parse(kept).size

    def _newest(self, org_id: str, ledger: Ledger, start: int | None) -> tuple[str, int, list[bytes]]:
        """The newest note, and the proof that it follows the last one that `org_id` cosigned, or that of `start`."""
        if org_id == self._signer.org_id:
            raise cosignature.own_ledger()
        note = ledger.checkpoint()
        size = checkpoint.parse(note).size
        seen = self._partners.cosigned_size(org_id, ledger.origin) if start is None else start
        return note, seen, ledger.consistency(seen, size) if seen not in (0, size) else []

    def _ledger(self, year: int | None, now: datetime) -> Ledger:
        return self._record.ledger_of(year or now.year, now)

    # --- the ledgers of others, before us ---

    def cosign(self, request: bytes, card: bytes) -> str:
        """As a witness, the note in a request with our cosignature, on the record; it is a ledger of `card`'s holder.

        Raises Usage if nothing shows that it follows the last one, LedgerTampered if it cannot, and what is wrong
        with the card.
        """
        holder, now = self._believed(card), self._clock()
        old, proof, note = cosignature.request_parts(request)
        cosigned = self.cosigned(note, holder, old=old, proof=proof, now=now)
        facts = Facts(counterparties=[holder.org_id], checkpoint=sha256(note.encode()).digest())
        self._record.append("witnessed", facts, now=now)
        return cosigned

    def take(self, arrived: Arrived, control: Control) -> Received:
        """Cosign a partner's checkpoint if it follows, on the record; the receipt that waits says so."""
        match control.body:
            case {"note": str() as note, "old": int() as old, "proof": list() as proof, **rest} if not rest:
                if _is_proof(proof):
                    if back := self.noticed(note, arrived):
                        raise back
                    cosigned = self.cosigned(note, arrived.card, old=old, proof=proof, now=arrived.now)
                    return Received(control.mode, arrived.statement, receipt=self._witnessed(note, cosigned, arrived))
        raise Malformed("the checkpoint is not in the form sharekit accepts")

    def cosigned(self, note: str, card: Card, *, old: int = 0, proof: Sequence[bytes] = (), now: datetime) -> str:
        """The note of a ledger of `card`'s holder with our cosignature, looked at and remembered in one step.

        `proof` shows that it follows the checkpoint of `old` entries. Raises Usage where nothing shows that it
        follows the last one, NotVerified where the proof fails or there can be no ledger of that year, LedgerTampered
        where the two contradict each other, WrongPassphrase while the keys are locked.
        """
        if card.org_id == self._signer.org_id:
            raise cosignature.own_ledger()
        origin = checkpoint.parse(note).origin
        name, key = cosignature.name_of(self._signer.org_id), self._signer.keys.signing
        with theirs():
            if checkpoint.owner(origin) != card.org_id:
                raise LedgerTampered("the checkpoint is that of another ledger")
            checkpoint.verify(note, origin=origin, public=card.log_key)
            if not checkpoint.is_plausible(origin, of=card.org_id, year=now.year):
                raise NotVerified(
                    "there can be no ledger of that year", hint="compare this machine's clock with theirs"
                )
            return self._partners.cosign(checkpoint.only(note, origin), proof, old=old, name=name, key=key, now=now)

    def noticed(self, note: str | None, arrived: Arrived) -> RolledBack | None:
        """What is wrong with the checkpoint that a partner's packet brought: None, or that it goes back.

        It is held against those of that ledger that came before. If it contradicts one of them, or was sent after a
        larger one was known here, both are kept and it is on the record once. A note that the ledger's key did not
        sign, or of a year that cannot be, tells nothing. It stops nothing either: that is the caller's to decide.
        """
        if note is None or not _is_signed(note, arrived.card, arrived.now):
            return None
        back = self._partners.saw(note, issued=arrived.statement.issued, now=arrived.now)
        if back is None:
            return None
        if back.is_new:
            told = arrived.facts(checkpoint=sha256(note.encode()).digest(), outcome=RolledBack.code)
            self._record.append("rolled-back", told, now=arrived.now)
        return _went_back(back.fork, arrived.card)

    def _witnessed(self, note: str, cosigned: str, arrived: Arrived) -> Path:
        facts = arrived.facts(checkpoint=sha256(note.encode()).digest())
        entry = self._record.append("witnessed", facts, now=arrived.now)
        return self._post.report("witnessed", entry, arrived, cosigned=cosigned)

    def _believed(self, data: bytes) -> Card:
        """A card that was handed over: as real as this home, and no rival or revoked one of a partner's."""
        given = Card.parse(data)
        pin = self._trust.joined([data]).find(given.kid, org_id=given.org_id, at=given.issued)
        if pin.revoked:
            raise Revoked(f"the key of {given.org_id} was revoked here", hint="ask for a card with new keys")
        return pin.card

    # --- what is known ---

    def seen(self, org_id: str, *, year: int | None = None) -> str:
        """The newest checkpoint of an organisation's ledger that was cosigned here; Usage if there is none."""
        year = year or self._clock().year
        note = self._partners.note(checkpoint.origin(org_id, year)) if ORG_ID.match(org_id) else None
        if note is None:
            raise Usage("no checkpoint of that ledger was cosigned here", hint="open a packet of theirs, or --year")
        return note

    def forks(self) -> list[Fork]:
        """Every pair of checkpoints that shows a fork, or a record that was put back; oldest first."""
        return self._partners.forks()


def _is_proof(nodes: list[object]) -> bool:
    """Whether these can be the hashes of a consistency proof."""
    return len(nodes) <= cosignature.MAX_PROOF and all(type(node) is bytes and len(node) == 32 for node in nodes)


def _is_signed(note: str, card: Card, now: datetime) -> bool:
    """Whether a note is of a ledger that the holder of `card` can have, signed with its key."""
    try:
        origin = checkpoint.parse(note).origin
        checkpoint.verify(note, origin=origin, public=card.log_key)
    except ShareError:
        return False
    return checkpoint.is_plausible(origin, of=card.org_id, year=now.year)


def _went_back(fork: Fork, card: Card) -> RolledBack:
    known, new = checkpoint.parse(fork.note), checkpoint.parse(fork.other)
    went = f"went back: it had shown {known.size} entries and more here, and now shows {new.size}"
    went = "went back, and on in another way" if checkpoint.contradict(known, new) else went
    back = RolledBack(
        f"the record of {card.org_id} {went}",
        index=new.size,
        expected=known.root.hex(),
        found=new.root.hex(),
        hint=f"telephone {card.name}, {card.phone}: was a backup put in the place of their record, or a clock wrong?"
        " both checkpoints are kept: sharekit ledger forks",
    )
    back.known = checkpoint.only(fork.note, fork.origin)
    return back
