"""Receipts: what a recipient signs about a packet, and how its sender checks it. SPEC.md section 8.

    receipt = { "event", "outcome", "at", "digest", "entry", "proof", ? "purpose", ? "rule", ? "cosigned",
                ? "statement", ? "seen" }

It proves an entry that the recipient's ledger had already committed, holds what the sender had signed about the packet,
and may cosign the sender's checkpoint: so neither can rewrite what the other has seen. Where the sender's ledger went
back, it shows the checkpoint that was `seen` before. A receipt is never receipted. No files, no clock, no database.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sharekit.domain import vocabulary
from sharekit.errors import LedgerTampered, Malformed, ShareError
from sharekit.ledger.entry import Entry
from sharekit.moments import is_seconds, time_of
from sharekit.packet.wire import CLOCK_SKEW, Control, Statement
from sharekit.proofs import checkpoint, cosignature, inclusion
from sharekit.proofs import statement as statements
from sharekit.proofs.checkpoint import Checkpoint
from sharekit.trust.cards import Card
from sharekit.values import Value

__all__ = ["Receipt", "body", "check", "check_cosigned"]

_REQUIRED = {"event": str, "outcome": str, "at": int, "digest": bytes, "entry": bytes, "proof": bytes}
_OPTIONAL = {"purpose": str, "rule": str, "cosigned": str, "statement": bytes, "seen": str}


class Receipt(Value):
    """A receipt that has been checked: what became of a packet at a recipient, and the recipient's proof of it.

    `packet` is the packet's number (16 bytes) and `digest` its SHA-256; `at` is the time of the recipient's entry,
    `entry` its bytes, `proof` and `checkpoint` show that it stands in the recipient's ledger. `cosigned` is our own
    checkpoint with the recipient's cosignature, or None; `purpose` and `rule` are None where the entry has none.
    `statement` is what we had signed about the packet, empty in a receipt of an earlier release.
    `seen` is a checkpoint of ours behind which our ledger went back, as they see it; None otherwise.
    """

    packet: bytes
    org_id: str
    event: str
    outcome: str
    at: datetime
    digest: bytes
    purpose: str | None
    rule: str | None
    entry: bytes
    proof: bytes
    checkpoint: Checkpoint
    note: str
    cosigned: str | None
    statement: bytes = b""
    seen: str | None = None


def body(
    event: str,
    entry: Entry,
    proven: bytes,
    *,
    cosigned: str | None = None,
    statement: bytes | None = None,
    seen: str | None = None,
) -> dict[str, Any]:
    """The body of the receipt for one committed entry, to be sealed for the packet's sender.

    `proven` is what `Ledger.prove` gave for the entry, `cosigned` the sender's note with our cosignature,
    `statement` what the sender signed about the packet, and `seen` a checkpoint of theirs behind which they went back.
    """
    told = {
        "event": event,
        "outcome": vocabulary.code("outcomes", entry.outcome or 0),
        "at": entry.time,
        "digest": entry.file,
        "entry": entry.encode(),
        "proof": proven,
        "purpose": vocabulary.code("purposes", entry.purpose),
        "rule": entry.rule,
        "cosigned": cosigned,
        "statement": statement,
        "seen": seen,
    }
    return {name: value for name, value in told.items() if value is not None}


def check(control: Control, statement: Statement, *, card: Card, own: Card) -> Receipt:
    """The receipt in a control packet that the agency of `card` sent about a packet of `own`.

    Raises Malformed if it is no receipt or tells of a time after it was sealed, and LedgerTampered if it does not
    prove what it says.
    """
    said = _fitting(control.body)
    reported = Entry.decode(said["entry"])
    if not is_seconds(said["at"]) or time_of(said["at"]) > statement.issued + CLOCK_SKEW:
        raise Malformed("the receipt tells of a time after it was sealed")
    if control.in_reply_to is None or not _agree(said, reported, control.in_reply_to, own.org_id):
        raise Malformed("the receipt does not agree with the entry it proves")
    shown, known = _proved(said, sender=statement.sender, card=card)
    cosigned = check_cosigned(said["cosigned"], card=card, own=own) if "cosigned" in said else None
    if "statement" in said:
        _check_statement(said["statement"], control.in_reply_to, partner=statement.sender, own=own)
    return Receipt(
        packet=control.in_reply_to,
        org_id=statement.sender,
        event=said["event"],
        outcome=said["outcome"],
        at=time_of(said["at"]),
        digest=said["digest"],
        purpose=said.get("purpose"),
        rule=said.get("rule"),
        entry=said["entry"],
        proof=said["proof"],
        checkpoint=known,
        note=shown.note,
        cosigned=cosigned,
        statement=said.get("statement", b""),
        seen=_check_seen(said["seen"], own) if "seen" in said else None,
    )


def _proved(said: dict[str, Any], *, sender: str, card: Card) -> tuple[inclusion.Proof, Checkpoint]:
    """The proof in a receipt, and the checkpoint under which the entry of its sender stands; errors as in `check`."""
    shown = inclusion.parse(said["proof"])
    origin = checkpoint.parse(shown.note).origin
    if checkpoint.owner(origin) != sender:
        raise LedgerTampered("the receipt proves an entry of another ledger")
    if checkpoint.only(shown.note, origin) != shown.note:
        raise Malformed("the receipt's checkpoint carries lines of others")
    return shown, shown.check(said["entry"], origin=origin, keys=[card.log_key])


def _check_statement(data: bytes, packet: bytes, *, partner: str, own: Card) -> None:
    """Return only if the bytes are what `own` signed about that packet, for that partner; Malformed otherwise."""
    try:
        signed = statements.read(data, [own.signing])
    except ShareError:
        raise Malformed("the receipt holds a statement that is not ours") from None
    if (signed.packet, signed.sender) != (packet, own.org_id) or partner not in signed.recipients:
        raise Malformed("the receipt holds a statement about another packet")


def _check_seen(note: str, own: Card) -> str:
    """A checkpoint of `own` that somebody has seen, reduced to our signature; LedgerTampered if it is none of ours."""
    origin = checkpoint.parse(note).origin
    if checkpoint.owner(origin) != own.org_id:
        raise LedgerTampered("what was seen is a checkpoint of another ledger")
    checkpoint.verify(note, origin=origin, public=own.log_key)
    return checkpoint.only(note, origin)


def _fitting(said: dict[str, Any]) -> dict[str, Any]:
    """The body, if it has every required part, each of its type, and none that nobody declared; else Malformed."""
    types = _REQUIRED | _OPTIONAL
    if not _REQUIRED.keys() <= said.keys() <= types.keys():
        raise Malformed("the receipt has parts missing or to spare")
    if any(type(value) is not types[name] for name, value in said.items()):
        raise Malformed("the receipt is not in the form sharekit accepts")
    return said


def _agree(said: dict[str, Any], entry: Entry, packet: bytes, own: str) -> bool:
    """Whether the words of a receipt are those of the entry that it proves, and the entry is about that packet."""
    expected = {
        "event": vocabulary.load("ledger-events")[
            vocabulary.load("receipt-events")[said["event"]].more["ledger_event"]
        ].number,
        "outcome": vocabulary.load("outcomes")[said["outcome"]].number,
        "time": said["at"],
        "file": said["digest"],
        "rule": said.get("rule"),
        "purpose": vocabulary.load("purposes")[said["purpose"]].number if "purpose" in said else None,
        "packet": packet,
        "counterparties": (own,),
    }
    return all(getattr(entry, name) == value for name, value in expected.items())


def check_cosigned(note: str | bytes, *, card: Card, own: Card) -> str:
    """A checkpoint of `own` that the holder of `card` cosigned, reduced to these two signatures.

    Raises Malformed, LedgerTampered if it is not so, and Usage where `card` is our own: nobody witnesses their own
    ledger.
    """
    if card.org_id == own.org_id:
        raise cosignature.own_ledger()
    origin = checkpoint.parse(note).origin
    if checkpoint.owner(origin) != own.org_id:
        raise LedgerTampered("what is cosigned is a checkpoint of another ledger")
    checkpoint.verify(note, origin=origin, public=own.log_key)
    if cosignature.cosigned_at(note, name=cosignature.name_of(card.org_id), public=card.signing) is None:
        raise LedgerTampered("the checkpoint is not cosigned by them")
    return checkpoint.only(note, origin, cosignature.name_of(card.org_id))
