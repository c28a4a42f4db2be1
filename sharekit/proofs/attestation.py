"""What a partner's receipt attests of a ledger, and the file by which it is handed to an auditor.

    evidence = [ origin : tstr, [ * [ org_id : tstr, cosigned : tstr / nil, entry : bstr, proof : bstr ] ] ]

Nothing is checked here but the form: whether an attestation is to be believed, `audit.attested` finds out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sharekit import cbor
from sharekit.errors import Malformed
from sharekit.proofs import checkpoint
from sharekit.values import Value

__all__ = ["Attestation", "attestation", "evidence", "no_evidence", "parse_evidence"]

MAX_BYTES = 64 * 1024 * 1024


class Attestation(Value):
    """What one receipt gave: our checkpoint cosigned, where it is, and the partner's entry under its own."""

    org_id: str
    cosigned: str | None
    entry: bytes
    proof: bytes


def evidence(origin: str, attestations: Iterable[Attestation]) -> bytes:
    """The file by which attestations about the ledger `origin` are handed to an auditor."""
    return cbor.encode([origin, [[each.org_id, each.cosigned, each.entry, each.proof] for each in attestations]])


def parse_evidence(data: bytes) -> tuple[str, list[Attestation]]:
    """Origin and attestations of such a file, unchecked; Malformed if it is none."""
    match cbor.decode(data) if len(data) <= MAX_BYTES else None:
        case [str() as origin, list() as rows]:
            return origin, [attestation(*row) if type(row) is list and len(row) == 4 else attestation() for row in rows]
    raise no_evidence()


def attestation(org_id: Any = None, cosigned: Any = None, entry: Any = None, proven: Any = None) -> Attestation:
    """One row, if its parts are of the right types; Malformed otherwise."""
    match org_id, cosigned, entry, proven:
        case str(), None | str(), bytes(), bytes():
            if cosigned is not None:
                checkpoint.parse(cosigned)
            return Attestation(org_id, cosigned, entry, proven)
    raise no_evidence()


def no_evidence() -> Malformed:
    return Malformed("the attestations are damaged", hint="make them with: sharekit receipts PACKET -o FILE")
