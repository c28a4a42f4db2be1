"""Moves an agency's ledgers from files to a database, or back: the same entries, commits, notes and roots.

Every commit is recomputed from its entries, and arrives as it was. The ledgers that are left behind take no more
entries; when the agency moves back, only what is new is added to them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from nacl.signing import SigningKey

from sharekit.errors import LedgerError
from sharekit.ledger.log import Ledger
from sharekit.ledger.recheck import Progress, unseen
from sharekit.ledger.storage import MOVED, Commit, Place, Shelf
from sharekit.proofs import checkpoint

__all__ = ["Moved", "move"]


class Moved(NamedTuple):
    """A ledger that has arrived: its origin, how many entries it has, and its root there."""

    origin: str
    size: int
    root: bytes


def move(
    here: Shelf,
    there: Shelf,
    *,
    org_id: str,
    key: SigningKey,
    switch: Callable[[], None],
    progress: Progress = unseen,
) -> list[Moved]:
    """Bring the ledgers of all years from one shelf to another, then call `switch`; nobody can append meanwhile.

    `progress` is called with how much of a step is done and how much there is to do, one step after the other. If it
    stops halfway, the agency still goes by the ledgers here, and a second call completes it. Raises
    LedgerTampered where a ledger does not verify, and LedgerError where it cannot be written or another of its name is
    there.
    """
    with contextlib.ExitStack() as stack:
        sources, moved = [], []
        for year in here.years(org_id):
            origin = checkpoint.origin(org_id, year)
            source = stack.enter_context(Ledger.open(here.place(origin), origin=origin, key=key))
            stack.enter_context(source.storage.turn())
            source.verify(progress)
            moved.append(_bring(source, there.place(origin), key, progress))
            sources.append(source.storage)
        try:
            for storage in sources:
                storage.mark(MOVED)
            switch()
        except BaseException:
            for storage in sources:
                storage.unmark(MOVED)
            raise
    return moved


def _bring(source: Ledger, place: Place, key: SigningKey, progress: Progress) -> Moved:
    if place.exists():
        with Ledger.open(place, origin=source.origin, key=key) as earlier:
            if earlier.size > source.size or source.root(earlier.size) != earlier.root():
                raise LedgerError("there is another ledger of that name already", hint="move it away first")
            earlier.storage.replay(_counted(source, earlier.size, progress))
            earlier.storage.unmark(MOVED)
    else:
        place.create(_counted(source, 0, progress))
    with Ledger.open(place, origin=source.origin, key=key) as arrived:
        if arrived.checkpoint() != source.checkpoint():
            raise LedgerError("the ledger did not arrive as it was", hint="the agency goes on with the one it has")
        return Moved(source.origin, arrived.size, arrived.root())


def _counted(source: Ledger, after: int, progress: Progress) -> Iterator[Commit]:
    for commit in source.commits(after):
        yield commit
        progress(commit.tip.size, source.size)
