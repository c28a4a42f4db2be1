"""A tree that grows: where it ends, the nodes that new leaves complete, and the ranges that proofs consist of.

Pure functions over hashes (RFC 9162 section 2.1); a range is the entries from its start to before its end, and
always one of those that the tree's own splits make.
"""

from __future__ import annotations

from collections.abc import Iterable

from sharekit import merkle
from sharekit.values import Value

__all__ = ["RUN", "Tip", "complete", "consistency_ranges", "inclusion_ranges", "root_of"]

RUN = 1024  # hashes in one stored row, at most


class Tip(Value):
    """Where a tree ends: its size, its newest note, and at each level the hash that waits for its right sibling."""

    size: int = 0
    note: str = ""
    waiting: tuple[bytes, ...] = ()

    def grown(self, leaves: list[bytes]) -> tuple[Tip, list[tuple[int, int, bytes]]]:
        """The tip after `leaves`, without a note, and the rows of table `node` that they complete."""
        rows, waiting = [], list(self.waiting)
        level, start, hashes = 0, self.size, leaves
        while hashes:
            for first in range(0, len(hashes), RUN):
                rows.append((level, start + first, b"".join(hashes[first : first + RUN])))
            if start & 1:
                hashes = [waiting[level], *hashes]
            if len(hashes) & 1:
                waiting[level : level + 1] = [hashes[-1]]
            elif level == len(waiting):
                waiting.append(b"")
            hashes = [merkle.node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=False)]
            level, start = level + 1, start >> 1
        return Tip(self.size + len(leaves), "", tuple(waiting)), rows

    def root(self) -> bytes:
        """The root of the tree that ends here."""
        found = None
        for level, node in enumerate(self.waiting):
            if self.size >> level & 1:
                found = node if found is None else merkle.node_hash(node, found)
        return found or merkle.root([])


def complete(start: int, end: int) -> list[tuple[int, int]]:
    """Level and index of the complete subtrees that a range consists of; the smallest, which is the last, first."""
    size = end - start
    return [(level, (end >> level) - 1) for level in range(size.bit_length()) if size >> level & 1]


def inclusion_ranges(index: int, start: int, end: int) -> list[tuple[int, int]]:
    """The ranges whose roots are the inclusion path, lowest first (RFC 9162 section 2.1.3.1)."""
    if end - start == 1:
        return []
    middle = start + (1 << (end - start - 1).bit_length() - 1)
    if index < middle:
        return [*inclusion_ranges(index, start, middle), (middle, end)]
    return [*inclusion_ranges(index, middle, end), (start, middle)]


def consistency_ranges(old: int, start: int, end: int, *, complete: bool) -> list[tuple[int, int]]:
    """The ranges whose roots are the consistency proof (RFC 9162 section 2.1.4.1)."""
    if old == end:
        return [] if complete else [(start, end)]
    middle = start + (1 << (end - start - 1).bit_length() - 1)
    if old <= middle:
        return [*consistency_ranges(old, start, middle, complete=complete), (middle, end)]
    return [*consistency_ranges(old, middle, end, complete=False), (start, middle)]


def root_of(entries: Iterable[bytes]) -> bytes:
    """The root over the bytes of all entries, computed anew."""
    tip, leaves = Tip(), list[bytes]()
    for data in entries:
        leaves.append(merkle.leaf_hash(data))
        if len(leaves) == RUN:
            tip, leaves = tip.grown(leaves)[0], []
    return tip.grown(leaves)[0].root()
