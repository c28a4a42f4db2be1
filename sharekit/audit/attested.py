"""What others attest of a ledger: cosignatures of its checkpoints, and receipts for its packets.

Only this tells of a ledger that the holder of its own key wrote anew: what somebody has signed stays signed.

A cosignature counts if a card of its organisation is trusted. A packet is missed only where the agency that is audited
signed itself that it sent it: a partner who has no such statement to show reports a packet, and proves none.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

from sharekit import cbor
from sharekit.audit.recompute import is_entry
from sharekit.domain import vocabulary
from sharekit.errors import Malformed, NotTrusted, ShareError, Usage
from sharekit.proofs import checkpoint, cosignature, inclusion, statement
from sharekit.proofs.attestation import Attestation, no_evidence
from sharekit.proofs.checkpoint import Checkpoint
from sharekit.values import Value

__all__ = ["Attested", "Reported", "compare", "cosigners", "read", "reported_packet"]

EVENT, PACKET, COUNTERPARTIES = 1, 4, 9  # labels of an entry, schemas/ledger.cddl
_NAME = re.compile(rf"sharekit/({checkpoint.ORG_ID})\Z")


class Cards(Protocol):
    """What is asked of a trust store; NotTrusted where it has no card of that organisation."""

    def log_keys(self, org_id: str) -> list[bytes]: ...

    def signing_keys(self, org_id: str) -> list[bytes]: ...


class Attested(Value):
    """Somebody outside saw the first `size` entries at that time, and signed so."""

    org_id: str
    size: int
    at: datetime


def cosigners(note: str | bytes, trust: Cards) -> Iterator[tuple[str, datetime]]:
    """Who of those trusted cosigned a note, and when; LedgerTampered if a line of theirs is false.

    Whose ledger it is counts for nothing: they could write it anew, and cosign it again.
    """
    found, signatures = checkpoint.read(note)
    for name in dict.fromkeys(name for name, _ in signatures if not found.origin.startswith(f"{name}/")):
        owner = _NAME.match(name)
        for key in _keys(trust.signing_keys, owner[1]) if owner else []:
            at = cosignature.cosigned_at(note, name=name, public=key)
            if at is not None and owner:
                yield owner[1], at


class Reported(Value):
    """A packet that a partner's ledger says it had; `proven` is when it was issued by the sender's signed statement,
    None if that was not shown."""

    packet: bytes
    org_id: str
    proven: datetime | None


def reported_packet(said: Attestation, origin: str, trust: Cards) -> Reported | None:
    """The packet that the partner's own ledger says it had in the year of the ledger `origin`; None if nobody trusted
    says so.

    It is proven by a statement which the owner of that ledger signed: about this packet, for this partner, in that
    year. LedgerTampered, Malformed or BadSignature if what is said with a trusted key is not so. A witness's
    cosignature reports none.
    """
    packet = _entered(said, checkpoint.owner(origin) or "", trust)
    if packet is None:
        return None
    issued = _issued(said, packet, origin, trust) if said.statement else None
    return Reported(packet, said.org_id, issued)


def _issued(said: Attestation, packet: bytes, origin: str, trust: Cards) -> datetime:
    """When the owner of `origin` signed, in its year, that it sent that packet to that partner; Malformed if it did
    not."""
    own = checkpoint.org_and_year(origin)
    signed = statement.read(said.statement, _keys(trust.signing_keys, own[0]) if own else [])
    if (signed.sender, signed.issued.year) != own or signed.packet != packet or said.org_id not in signed.recipients:
        raise Malformed("a statement that a partner shows is not about the packet that it reports")
    return signed.issued


def _entered(said: Attestation, own: str, trust: Cards) -> bytes | None:
    """The packet from `own` about which the partner proves an entry of its own ledger; None if nobody trusted does."""
    if not said.proof:
        return None
    shown = inclusion.parse(said.proof)
    owner = checkpoint.owner(origin := checkpoint.parse(shown.note).origin)
    keys = _keys(trust.log_keys, said.org_id)
    if not keys:
        return None
    if owner != said.org_id or not is_entry(said.entry, shown.index):
        raise no_evidence()
    shown.check(said.entry, origin=origin, keys=keys)
    entry = cbor.decode(said.entry)
    if entry[EVENT] not in _reported() or entry.get(COUNTERPARTIES) != [own]:
        raise Malformed("an entry that a partner proves is about no packet of this agency")
    packet = entry.get(PACKET)
    return packet if type(packet) is bytes else None


def _reported() -> set[int]:
    """The numbers of the events that a receipt can report."""
    events, reported = vocabulary.load("ledger-events"), vocabulary.load("receipt-events")
    return {events[term.more["ledger_event"]].number for term in reported}


def read(note: str | bytes) -> Checkpoint:
    """What a checkpoint says, before anybody has looked at a signature; Malformed if it is none."""
    return checkpoint.parse(note)


def compare(first: str | bytes, second: str | bytes, trust: Cards) -> tuple[Checkpoint, Checkpoint]:
    """Two checkpoints of one ledger, both signed with its key, that can both be true as far as they show.

    LedgerTampered, with the evidence, if they promise two histories of one size; NotTrusted without a card; Usage
    if they are of two ledgers.
    """
    found = [_signed(note, trust) for note in (first, second)]
    if found[0].origin != found[1].origin:
        names = f"{found[0].origin} and {found[1].origin}"
        raise Usage(f"the two are checkpoints of different ledgers, {names}", hint="compare two of the same ledger")
    if checkpoint.contradict(*found):
        raise cosignature.two_histories(*found)
    return found[0], found[1]


def _signed(note: str | bytes, trust: Cards) -> Checkpoint:
    origin = checkpoint.parse(note).origin
    owner = checkpoint.owner(origin)
    problem: ShareError = NotTrusted("the checkpoint is of no agency's ledger", hint="it may be another log's")
    for key in trust.log_keys(owner) if owner else ():
        try:
            return checkpoint.verify(note, origin=origin, public=key)
        except ShareError as error:
            problem = error
    raise problem


def _keys(of: Any, org_id: str) -> list[bytes]:
    with contextlib.suppress(NotTrusted):
        found: list[bytes] = of(org_id)
        return found
    return []
