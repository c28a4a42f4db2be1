"""Proofs that leave the ledger: an entry stands under a signed checkpoint, shown to somebody who has neither.

    proof   = [ receipt : bstr, note : tstr ]
    receipt = COSE_Sign1, protected { 1: -19, 395: 1 }, unprotected { 396: { -1: [ inclusion ] } }, the root detached
    inclusion = bstr .cbor [ size, index, [ * hash ] ]              (RFC 9942 sections 4 and 5.2)

Reading and checking only: whoever checks a proof uses none of the code that keeps a ledger.
"""

from __future__ import annotations

from collections.abc import Collection

import nacl.bindings
import nacl.exceptions

from sharekit import cbor, merkle
from sharekit.errors import LedgerTampered, Malformed, ShareError
from sharekit.proofs import checkpoint
from sharekit.proofs.checkpoint import Checkpoint
from sharekit.values import Value

__all__ = ["Proof", "parse", "to_be_signed"]

PROTECTED = cbor.encode({1: -19, 395: 1})
UNSIGNED = "not signed with the agency's log key"


class Proof(Value):
    """A proof as it came, not checked: the entry's number, the path to the root, the receipt's signature, the note."""

    index: int
    size: int
    path: tuple[bytes, ...]
    signature: bytes
    note: str

    def check(self, entry: bytes, *, origin: str, keys: Collection[bytes]) -> Checkpoint:
        """The checkpoint of the ledger `origin` under which the bytes `entry` stand.

        `keys` are public log keys (Ed25519, 32 bytes). LedgerTampered unless one of them signed both the note and the
        receipt, and the path leads from the entry to the root.
        """
        for key in keys:
            try:
                known = checkpoint.verify(self.note, origin=origin, public=key)
            except ShareError:
                continue
            self.check_leaf(merkle.leaf_hash(entry), known, [key])
            return known
        raise LedgerTampered(f"the checkpoint of the proof is {UNSIGNED}", index=self.index)

    def check_leaf(self, leaf: bytes, known: Checkpoint, keys: Collection[bytes]) -> None:
        """Return only if the path leads from the hash `leaf` to the root of `known`, and one of `keys` signed that
        root.

        LedgerTampered otherwise.
        """
        if known.size != self.size:
            raise LedgerTampered("the proof and its checkpoint differ in size", index=self.index)
        merkle.verify_inclusion(leaf, self.index, self.size, self.path, known.root)
        if not any(_is_signed(self.signature, known.root, key) for key in keys):
            raise LedgerTampered(f"the proof is {UNSIGNED}", index=self.index)


def parse(data: bytes) -> Proof:
    """The parts of a proof, not checked; Malformed if the bytes are no proof."""
    match cbor.decode(data):
        case [bytes() as receipt, str() as note] if receipt.startswith(b"\xd2"):
            match cbor.decode(receipt[1:]):
                case [protected, {396: {-1: [bytes() as path]} as kinds} as header, None, bytes() as signature]:
                    if protected == PROTECTED and len(header) == len(kinds) == 1:
                        return Proof(*_inclusion(path), signature, note)
    raise _no_proof()


def _inclusion(data: bytes) -> tuple[int, int, tuple[bytes, ...]]:
    match cbor.decode(data):
        case [int() as size, int() as index, list() as path]:
            if 0 <= index < size and all(type(node) is bytes and len(node) == 32 for node in path):
                return index, size, tuple(path)
    raise _no_proof()


def to_be_signed(root: bytes) -> bytes:
    """The bytes that the log key signs: the Sig_structure over the detached root (RFC 9052 section 4.4)."""
    return cbor.encode(["Signature1", PROTECTED, b"", root])


def _is_signed(signature: bytes, root: bytes, key: bytes) -> bool:
    try:
        if len(signature) != nacl.bindings.crypto_sign_BYTES or len(key) != 32:
            return False
        nacl.bindings.crypto_sign_open(signature + to_be_signed(root), key)
    except (nacl.exceptions.CryptoError, ValueError):
        return False
    return True


def _no_proof() -> Malformed:
    return Malformed("the bytes are not a proof from a ledger", hint="make one with: sharekit ledger prove SEQ")
