"""What others attest of a ledger: cosignatures of its checkpoints, and receipts for its packets.

Only this tells of a ledger that the holder of its own key wrote anew: what a partner has signed stays signed.

    evidence = [ origin : tstr, [ * [ org_id : tstr, cosigned : tstr / nil, entry : bstr, proof : bstr ] ] ]

An attestation counts if a card of its organisation is trusted; the rest are counted as unknown, never believed.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sharekit import cbor, checkpoint, proof, vocabulary, witness
from sharekit.checkpoint import Checkpoint
from sharekit.errors import LedgerTampered, Malformed, NotTrusted, ShareError, Usage
from sharekit.recompute import is_entry

__all__ = ["Attestation", "Attested", "compare", "cosigners", "evidence", "parse_evidence", "reported_packet"]

MAX_BYTES = 64 * 1024 * 1024
EVENT, PACKET, COUNTERPARTIES = 1, 4, 9  # labels of an entry, schemas/ledger.cddl
_NAME = re.compile(r"sharekit/([A-Za-z0-9][A-Za-z0-9._-]{0,31})\Z", re.ASCII)
_ORIGIN = re.compile(r"sharekit/([A-Za-z0-9][A-Za-z0-9._-]{0,31})/[0-9]{4}\Z", re.ASCII)


class Cards(Protocol):
    """What is asked of a trust store; NotTrusted where it has no card of that organisation."""

    def log_keys(self, org_id: str) -> list[bytes]: ...

    def signing_keys(self, org_id: str) -> list[bytes]: ...


@dataclass(frozen=True, slots=True)
class Attestation:
    """What one receipt gave: our checkpoint cosigned, where it is, and the partner's entry under its own."""

    org_id: str
    cosigned: str | None
    entry: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class Attested:
    """Somebody outside saw the first `size` entries at that time, and signed so."""

    org_id: str
    size: int
    at: datetime


def evidence(origin: str, attestations: Iterable[Attestation]) -> bytes:
    """The file by which attestations about the ledger `origin` are handed to an auditor."""
    return cbor.encode([origin, [[each.org_id, each.cosigned, each.entry, each.proof] for each in attestations]])


def parse_evidence(data: bytes) -> tuple[str, list[Attestation]]:
    """Origin and attestations of such a file, unchecked; Malformed if it is none."""
    match cbor.decode(data) if len(data) <= MAX_BYTES else None:
        case [str() as origin, list() as rows]:
            return origin, [attestation(*row) if type(row) is list and len(row) == 4 else attestation() for row in rows]
    raise _no_evidence()


def attestation(org_id: Any = None, cosigned: Any = None, entry: Any = None, proven: Any = None) -> Attestation:
    """One row, if its parts are of the right types; Malformed otherwise."""
    match org_id, cosigned, entry, proven:
        case str(), None | str(), bytes(), bytes():
            if cosigned is not None:
                checkpoint.parse(cosigned)
            return Attestation(org_id, cosigned, entry, proven)
    raise _no_evidence()


def cosigners(note: str | bytes, trust: Cards) -> Iterator[tuple[str, datetime]]:
    """Who of those trusted cosigned a note, and when; LedgerTampered if a line of theirs is false.

    Whose ledger it is counts for nothing: they could write it anew, and cosign it again.
    """
    found, signatures = checkpoint.read(note)
    for name in dict.fromkeys(name for name, _ in signatures if not found.origin.startswith(f"{name}/")):
        owner = _NAME.match(name)
        for key in _keys(trust.signing_keys, owner[1]) if owner else []:
            at = witness.cosigned_at(note, name=name, public=key)
            if at is not None and owner:
                yield owner[1], at


def reported_packet(said: Attestation, own: str, trust: Cards) -> bytes | None:
    """The packet that the partner's own ledger proves it had from `own`; None if nobody trusted says so.

    LedgerTampered or Malformed if it is said with a trusted key and is not so. A witness's cosignature reports none.
    """
    if not said.proof:
        return None
    shown = proof.parse(said.proof)
    owner = _ORIGIN.match(origin := checkpoint.parse(shown.note).origin)
    keys = _keys(trust.log_keys, said.org_id)
    if not keys:
        return None
    if not owner or owner[1] != said.org_id or not is_entry(said.entry, shown.index):
        raise _no_evidence()
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


def compare(first: str | bytes, second: str | bytes, trust: Cards) -> tuple[Checkpoint, Checkpoint]:
    """Two checkpoints of one ledger, both signed with its key, that can both be true as far as they show.

    LedgerTampered, with the evidence, if they promise two histories of one size; NotTrusted without a card; Usage
    if they are of two ledgers.
    """
    found = [_signed(note, trust) for note in (first, second)]
    if found[0].origin != found[1].origin:
        raise Usage("the two are checkpoints of different ledgers", hint="compare two of the same ledger")
    if found[0].size == found[1].size and found[0].root != found[1].root:
        expected, other = (each.root.hex() for each in found)
        message = f"{found[0].origin} promised two histories of {found[0].size} entries: keep both files"
        raise LedgerTampered(message, index=found[0].size, expected=expected, found=other)
    return found[0], found[1]


def _signed(note: str | bytes, trust: Cards) -> Checkpoint:
    origin = checkpoint.parse(note).origin
    owner = _ORIGIN.match(origin)
    problem: ShareError = NotTrusted("the checkpoint is of no agency's ledger", hint="it may be another log's")
    for key in trust.log_keys(owner[1]) if owner else ():
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


def _no_evidence() -> Malformed:
    return Malformed("the attestations are damaged", hint="make them with: sharekit receipts PACKET -o FILE")
