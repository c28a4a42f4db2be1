"""What a partner's receipt attests of a ledger, and the file by which it is handed to an auditor.

    evidence = [ origin : tstr, [ * [ org_id : tstr, cosigned : tstr / nil, entry : bstr, proof : bstr ] ] ]

Nothing is checked here but the form: whether an attestation is to be believed, `audit.attested` finds out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sharekit import cbor
from sharekit.errors import Malformed
from sharekit.proofs import checkpoint
from sharekit.values import Value

__all__ = ["Attestation", "attestation", "evidence", "no_evidence", "parse_evidence"]

MAX_BYTES = 64 * 1024 * 1024
MAX_ROWS = 100_000  # more than so many bytes hold, if each row says something


class Attestation(Value):
    """What one receipt says about a ledger.

    `org_id` is the partner, `cosigned` our checkpoint with the partner's cosignature (None where the receipt has none),
    `entry` the bytes of the partner's own entry and `proof` that it stands in the partner's ledger; both may be empty.
    """

    org_id: str
    cosigned: str | None
    entry: bytes
    proof: bytes


def evidence(origin: str, attestations: Iterable[Attestation]) -> bytes:
    """The file that hands the attestations about the ledger `origin` to an auditor."""
    return cbor.encode([origin, [[each.org_id, each.cosigned, each.entry, each.proof] for each in attestations]])


def parse_evidence(data: bytes) -> tuple[str, list[Attestation]]:
    """The origin and the attestations in a file that `evidence` made, none of them checked.

    The origin is the name of the ledger that they are about. Malformed if it is no such file, or larger than 64 MiB or
    100,000 rows.
    """
    if len(data) > MAX_BYTES:
        raise no_evidence()
    kind, parts, position = cbor.head(data, 0)
    end = cbor.end_of(data, position)
    origin = cbor.decode(data[position:end])
    if (kind, parts) != (cbor.ARRAY, 2) or not isinstance(origin, str):
        raise no_evidence()
    return origin, list(_rows(data, end))


def _rows(data: bytes, position: int) -> Iterator[Attestation]:
    """The rows of the array at `position`, which ends with the data; each is read by itself: there may be many."""
    kind, count, position = cbor.head(data, position)
    if kind != cbor.ARRAY or count > MAX_ROWS:
        raise no_evidence()
    for _ in range(count):
        end = cbor.end_of(data, position)
        row = cbor.decode(data[position:end])
        yield attestation(*row) if type(row) is list and len(row) == 4 else attestation()
        position = end
    if position != len(data):
        raise no_evidence()


def attestation(org_id: Any = None, cosigned: Any = None, entry: Any = None, proven: Any = None) -> Attestation:
    """The attestation of one row, if its parts are of the right types; Malformed otherwise."""
    match org_id, cosigned, entry, proven:
        case str(), None | str(), bytes(), bytes():
            if cosigned is not None:
                checkpoint.parse(cosigned)
            return Attestation(org_id, cosigned, entry, proven)
    raise no_evidence()


def no_evidence() -> Malformed:
    """The error of a file, or a row, that holds no attestations."""
    return Malformed("the attestations are damaged", hint="make them with: sharekit receipts PACKET -o FILE")
