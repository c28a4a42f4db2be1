"""What a ledger's keeper recomputes: every hash from the entries' bytes, every note, and no row beside them.

The auditor (sharekit/audit) does so too, from an export, and with none of this code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from sharekit import merkle
from sharekit.errors import LedgerTampered
from sharekit.ledger.storage import BEYOND, Storage
from sharekit.ledger.tip import Tip, complete
from sharekit.proofs.checkpoint import Checkpoint

__all__ = ["Progress", "differs", "recompute", "roots", "unseen"]

Progress = Callable[[int, int], None]  # called with how much has been looked at, and of how much


def unseen(done: int, total: int) -> None:
    """The progress that nobody looks at."""


def roots(storage: Storage, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    """The roots, from the stored hashes, over ranges (start, end) of entries that the tree's own splits make."""
    parts = [complete(start, end) for start, end in ranges]
    nodes = storage.nodes(list(dict.fromkeys(place for part in parts for place in part)))
    return [_root([nodes[place] for place in part]) for part in parts]


def _root(smallest_first: list[bytes]) -> bytes:
    if not smallest_first:
        return merkle.root([])
    found, *larger = smallest_first
    for node in larger:
        found = merkle.node_hash(node, found)
    return found


def recompute(
    storage: Storage, size: int, signed: Callable[[object, int], Checkpoint], progress: Progress = unseen
) -> None:
    """Return only if the first `size` entries lead to every stored hash and note; `signed` reads a note, or raises.

    `progress` is called as it goes on: the entries are one half of the work, the notes the other.
    """
    _check_counts(storage)
    below: Iterator[bytes] = map(merkle.leaf_hash, _dense(storage, size, progress))
    for level in range(size.bit_length()):
        _compare(below, _level(storage, level, size), level)
        below = _parents(_level(storage, level, size))
    without = storage.commit_without_note(size)
    if without is not None:
        raise LedgerTampered("a commit is without its checkpoint", index=without)
    _check_notes(storage, size, signed, progress)


def _check_counts(storage: Storage) -> None:
    """No row may stand outside the tree: it would be a place to hide things in."""
    size, entries, stored = storage.counts()
    if (entries, stored) != (size, 32 * sum(size >> level for level in range(size.bit_length()))):
        raise LedgerTampered("entries or hashes are missing, or too many", index=size)


def _dense(storage: Storage, size: int, progress: Progress) -> Iterator[bytes]:
    expected, start = 0, -BEYOND
    while expected < size:
        progress(expected, 2 * size)
        for seq, data in storage.entries(start) or [(-1, b"")]:
            if seq != expected:
                raise LedgerTampered("an entry is missing", index=expected)
            yield data
            expected, start = seq + 1, seq + 1
            if expected == size:
                return


def _level(storage: Storage, level: int, size: int) -> Iterator[bytes]:
    """The stored hashes of a level, as far as the first `size` entries complete them."""
    idx, end = 0, size >> level
    while idx < end:
        for start, run in storage.runs(level, idx) or [(-1, b"")]:
            if start != idx or type(run) is not bytes or not run or len(run) % 32:
                raise LedgerTampered("a stored hash is missing", index=idx << level)
            yield from (run[at : at + 32] for at in range(0, min(len(run), 32 * (end - idx)), 32))
            idx += len(run) // 32


def _parents(hashes: Iterator[bytes]) -> Iterator[bytes]:
    return (merkle.node_hash(left, right) for left, right in zip(hashes, hashes, strict=False))


def _compare(computed: Iterator[bytes], stored: Iterator[bytes], level: int) -> None:
    for idx, (found, expected) in enumerate(zip(computed, stored, strict=False)):
        if expected != found:
            raise differs("an entry or a hash has been changed", idx << level, expected, found)


def _check_notes(storage: Storage, size: int, signed: Callable[[object, int], Checkpoint], progress: Progress) -> None:
    leaves, tip = _level(storage, 0, size), Tip()
    while rows := storage.notes(tip.size, size):
        progress(size + tip.size, 2 * size)
        for end, note in rows:
            promised = signed(note, end)
            tip, _ = tip.grown(list(islice(leaves, end - tip.size)))
            if (promised.size, promised.root) != (end, found := tip.root()):
                raise differs("a checkpoint is not for the entries before it", end, promised.root, found)


def differs(message: str, index: int, expected: bytes, found: bytes) -> LedgerTampered:
    """The error that the hash at entry number `index` is not the one that was expected."""
    return LedgerTampered(message, index=index, expected=expected.hex(), found=found.hex())
