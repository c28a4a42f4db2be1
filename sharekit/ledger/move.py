"""Moves an agency's ledgers from files to a database, or back: the same entries, commits, notes and roots.

Every commit is recomputed from its entries, and arrives as it was. The ledgers that are left behind take no more
entries; when the agency moves back, only what is new is added to them.

A file in the home says that a move is under way, and is locked as long as it is: where it is there and nobody holds it,
the move was stopped, and the next to use the home undoes it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from nacl.signing import SigningKey

from sharekit.disk import durable, locks
from sharekit.errors import LedgerError
from sharekit.ledger.log import Ledger
from sharekit.ledger.recheck import Progress, unseen
from sharekit.ledger.sqlite import MARK, Folder
from sharekit.ledger.storage import MOVED, Commit, Place, Shelf
from sharekit.proofs import checkpoint

__all__ = ["Moved", "move", "under_way", "undo_stopped"]

UNDER_WAY = "moving"  # in the folder of the ledgers


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
    stops halfway, the agency still goes by the ledgers here (`undo_stopped`), and a second call completes it. Raises
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


@contextlib.contextmanager
def under_way(folder: Path) -> Iterator[None]:
    """Say in `folder`, while the block runs, that the ledgers are being moved; LedgerError if they are already."""
    path = folder / UNDER_WAY
    with durable.typed(), _held(path, os.O_RDWR | os.O_CREAT) as is_held:
        if not is_held:
            raise LedgerError("the ledgers are being moved", hint="wait until the other program has done it")
        durable.settle(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def undo_stopped(shelf: Shelf, org_id: str, folder: Path, *, is_used: Callable[[], bool]) -> None:
    """Have the ledgers on the agency's own shelf take entries again, if a move was stopped before all was switched.

    `is_used` says whether the home still goes by that shelf. Nothing is done while a move goes on; what had arrived
    elsewhere stays there, and the next move completes it. A mark on files is looked for as well: they are the home's
    alone.
    """
    names = os.listdir(folder)
    if UNDER_WAY in names or (isinstance(shelf, Folder) and any(name.endswith(MARK) for name in names)):
        with _held(folder / UNDER_WAY, os.O_RDWR | os.O_CREAT) as is_held:
            if is_held:
                if is_used():
                    _unmark(shelf, org_id)
                (folder / UNDER_WAY).unlink(missing_ok=True)


def _unmark(shelf: Shelf, org_id: str) -> None:
    for year in shelf.years(org_id):
        with contextlib.closing(shelf.place(checkpoint.origin(org_id, year)).open()) as storage:
            storage.unmark(MOVED)


@contextlib.contextmanager
def _held(path: Path, flags: int) -> Iterator[bool]:
    """Whether the file could be locked at once, for as long as the block runs."""
    handle = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        locks.take(handle, wait=False)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(handle)


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
