"""The post: a packet that has arrived, and the control packets that this agency puts into its outbox.

A control packet is about other packets and carries no data: a receipt or a checkpoint. It waits in the home's
`outbox/`, and whoever delivers packets delivers it. It is an entry of the ledger before it lies there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sharekit.disk import files
from sharekit.errors import LedgerError, LedgerTampered, ShareError, Usage
from sharekit.exchange.signer import Signer
from sharekit.ledger.entry import Entry
from sharekit.packet import receipt
from sharekit.packet import seal as sealing
from sharekit.packet.receipt import Receipt
from sharekit.packet.wire import RECEIPT, Packet, Statement
from sharekit.proofs import checkpoint
from sharekit.record.record import Facts, Record
from sharekit.trust.cards import Card
from sharekit.trust.store import Trust
from sharekit.values import Value, field

__all__ = ["Arrived", "Post", "Received", "theirs"]


class Arrived(Value):
    """A packet that was verified at the time `now`, and the `card` whose key signed it.

    `entry` is the number of its entry `received`, None unless that entry was made just now.
    """

    packet: Packet
    statement: Statement
    card: Card
    now: datetime
    entry: int | None = None

    @property
    def cti(self) -> bytes:
        """The packet's number, 16 bytes."""
        return bytes.fromhex(self.statement.id)

    def facts(self, **more: Any) -> Facts:
        """What every entry about it says, and `more`."""
        statement = self.statement
        return Facts(packet=self.cti, file=statement.digest, counterparties=[statement.sender], **more)


class Received(Value):
    """A packet that was taken in: its mode, its statement, and if it was a receipt, that receipt as `taken`.

    `receipt` is the path of the receipt that its sender is owed and that waits in the outbox, or None; `trouble` is
    the error for which there is none, or None.
    """

    mode: str
    statement: Statement
    taken: Receipt | None = None
    receipt: Path | None = field(default=None, compare=False)
    trouble: ShareError | None = field(default=None, compare=False)


class Post:
    """The outbox of one agency."""

    def __init__(self, signer: Signer, record: Record, trust: Trust, outbox: Path) -> None:
        self._signer, self._record, self._trust, self._outbox = signer, record, trust, outbox

    def report(self, event: str, entry: int, arrived: Arrived, *, cosigned: str | None) -> Path:
        """Seal the receipt of the committed entry of that number for the sender of a packet; where it waits.

        `cosigned` is the sender's checkpoint with this agency's cosignature, or None.
        """
        ledger, card = self._record.ledger(arrived.now), self._trust.card(arrived.statement.sender)
        body = receipt.body(event, Entry.decode(ledger.entry(entry)), ledger.prove(entry), cosigned=cosigned)
        return self.send(RECEIPT, body, card, in_reply_to=arrived.cti, now=arrived.now)

    def send(
        self, mode: str, body: Mapping[str, Any], card: Card, *, in_reply_to: bytes | None = None, now: datetime
    ) -> Path:
        """Seal a control packet for the holder of `card`, on the record; where it waits.

        Raises WrongPassphrase while the keys are locked, OutputUnwritable, LedgerError.
        """
        draft, sender = sealing.control(mode, body, recipient=card, in_reply_to=in_reply_to), self._signer.sender()
        parts = sealing.Parts.fresh()
        data = sealing.seal_parts(draft, parts, sender=sender, now=now)
        digest, path = sha256(data).digest(), self._outbox / f"{parts.cti.hex()}.sharekit"
        answered = [card.org_id] if mode != RECEIPT else []  # a receipt is never receipted
        with files.replacing(path) as waiting:  # its place first: what cannot wait there was never sealed
            self._record.vault.packets.note(sender.org_id, parts.cti, digest=digest, now=now, recipients=answered)
            facts = Facts(packet=parts.cti, file=digest, counterparties=[card.org_id])
            self._record.append("sealed", facts, now=now)
            with contextlib.suppress(LedgerError):  # it is on the record, and goes
                self._record.vault.packets.mark_recorded(sender.org_id, parts.cti)
            waiting.commit(data)
        return path

    def check_own(self, note: str, *, now: datetime) -> None:
        """Return only if our ledger, of whatever year, still has the history that a checkpoint of it promises.

        `note` is that checkpoint, cosigned by a partner; the caller has verified it. LedgerTampered otherwise, also
        where the ledger is gone.
        """
        known = checkpoint.parse(note)
        try:
            ledger = self._record.ledger_of(int(known.origin[-4:]), now)
        except Usage:
            raise LedgerTampered("a partner has seen a ledger that is gone") from None
        if known.size > ledger.size or ledger.root(known.size) != known.root:
            raise LedgerTampered("a partner has seen another history of this ledger", index=known.size)


@contextlib.contextmanager
def theirs() -> Iterator[None]:
    """Say of a LedgerTampered inside the block that it is a partner's ledger: our own is as good as before."""
    try:
        yield
    except LedgerTampered as problem:
        problem.hint = "it is theirs that does not verify: keep the file, telephone them; see: sharekit ledger forks"
        raise
