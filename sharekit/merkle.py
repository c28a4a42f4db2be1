"""Merkle tree hashing and proofs as in RFC 9162 section 2.1: pure functions over SHA-256 hashes of 32 bytes.

A tree is described by the list of its leaf hashes; a proof is a list of node hashes, lowest level first.

>>> from sharekit import merkle
>>> leaves = [merkle.leaf_hash(entry) for entry in (b"one", b"two", b"three")]
>>> root = merkle.root(leaves)
>>> root == merkle.node_hash(merkle.node_hash(leaves[0], leaves[1]), leaves[2])
True
>>> proof = merkle.inclusion_proof(leaves, 1)
>>> merkle.verify_inclusion(leaves[1], 1, 3, proof, root)  # LedgerTampered if it did not hold
>>> proof = merkle.consistency_proof(leaves, 2)
>>> merkle.verify_consistency(2, merkle.root(leaves[:2]), 3, root, proof)
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from sharekit.errors import LedgerTampered

__all__ = [
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "root",
    "verify_consistency",
    "verify_inclusion",
]

HASH_BYTES = 32


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry): the prefix keeps leaves and nodes apart (section 2.1.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The tree's root; that of an empty tree is SHA-256 of nothing (section 2.1.1)."""
    level = list(leaf_hashes)
    if not level:
        return sha256().digest()
    while len(level) > 1:
        pairs = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) & ~1 :]  # an odd node out moves up unchanged
    return level[0]


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from the leaf at `index` to the root, lowest first (section 2.1.3.1).

    IndexError if there is no such leaf.
    """
    size = len(leaf_hashes)
    if not 0 <= index < size:
        raise IndexError("no such leaf")
    if size == 1:
        return []
    split = _split(size)
    if index < split:
        return [*inclusion_proof(leaf_hashes[:split], index), root(leaf_hashes[split:])]
    return [*inclusion_proof(leaf_hashes[split:], index - split), root(leaf_hashes[:split])]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Return only if `proof` leads from `leaf` at `index` to `root` (section 2.1.3.2); else LedgerTampered."""
    _check_lengths(leaf, root, *proof)
    if not 0 <= index < size:
        raise LedgerTampered("the entry lies outside the tree", index=index)
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise LedgerTampered("the inclusion proof is too long", index=index)
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    if last != 0 or found != root:
        raise LedgerTampered(
            "the inclusion proof does not lead to the root", index=index, expected=root.hex(), found=found.hex()
        )


def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """The hashes that show that the first `old_size` leaves are the beginning of the tree (section 2.1.4.1).

    IndexError unless 0 < old_size <= the number of leaves.
    """
    if not 0 < old_size <= len(leaf_hashes):
        raise IndexError("no such earlier tree")
    return _subproof(leaf_hashes, old_size, complete=True)


def _subproof(leaf_hashes: Sequence[bytes], old_size: int, *, complete: bool) -> list[bytes]:
    size = len(leaf_hashes)
    if old_size == size:
        return [] if complete else [root(leaf_hashes)]
    split = _split(size)
    left, right = leaf_hashes[:split], leaf_hashes[split:]
    if old_size <= split:
        return [*_subproof(left, old_size, complete=complete), root(right)]
    return [*_subproof(right, old_size - split, complete=False), root(left)]


def verify_consistency(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Return only if `proof` shows that the tree of `old_size` leaves is the beginning of that of `size` leaves.

    LedgerTampered otherwise (section 2.1.4.2).
    """
    _check_lengths(old_root, root, *proof)
    if not 0 < old_size <= size:
        raise LedgerTampered("a tree cannot be consistent with that size")
    if old_size == size:
        if proof or old_root != root:
            raise _inconsistent(old_root, root)
        return
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)  # a complete old tree is its own first node
    if not path:
        raise _inconsistent(old_root, root)
    _walk_consistency(old_size, old_root, size, root, path)


def _check_lengths(*hashes: bytes) -> None:
    """Return only if all are hashes: an empty leaf in a tree of one entry would else equal an empty root."""
    if any(type(each) is not bytes or len(each) != HASH_BYTES for each in hashes):
        raise LedgerTampered("a proof holds what is no hash")


def _walk_consistency(old_size: int, old_root: bytes, size: int, root: bytes, path: list[bytes]) -> None:
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    found_old = found = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise LedgerTampered("the consistency proof is too long")
        if node & 1 or node == last:
            found_old, found = node_hash(sibling, found_old), node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    if found_old != old_root:
        raise _inconsistent(old_root, found_old)
    if last != 0 or found != root:
        raise _inconsistent(root, found)


def _inconsistent(expected: bytes, found: bytes) -> LedgerTampered:
    return LedgerTampered("the two trees are not consistent", expected=expected.hex(), found=found.hex())


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1
