"""What the tests of the ledger's safety share: a folder with a ledger in it, entries, and another's look at it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from sharekit.errors import LedgerError
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger

ORIGIN = "sharekit/fernshire/2026"
KEY = SigningKey(bytes(range(32)))
NAME = "2026.db"
LONG = bool(os.environ.get("SHAREKIT_LONG"))


@contextlib.contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A folder, in memory if possible: a real disk would spend the tests' time on syncing."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
        yield Path(name)


@contextlib.contextmanager
def folder_with_a_ledger() -> Iterator[Path]:
    """The same, with a ledger of four entries in it."""
    with folder_in_memory() as path:
        create(path)
        with opened(path) as ledger:
            ledger.append(entry(), entry())
            ledger.append(entry())
        yield path


def entry(number: int = 2, *, nonce: bytes | None = None, **parts: Any) -> Entry:
    return Entry(number, 1_790_000_000, nonce=nonce or os.urandom(16), **parts)


def genesis(**parts: Any) -> Entry:
    return entry(1, origin=ORIGIN, **parts)


def create(folder: Path, first: Entry | None = None) -> None:
    Ledger.create(folder / NAME, origin=ORIGIN, key=KEY, genesis=first or genesis()).close()


def opened(folder: Path) -> Ledger:
    return Ledger.open(folder / NAME, origin=ORIGIN, key=KEY)


def entries_of(folder: Path) -> list[bytes]:
    """What somebody else finds who opens the ledger and verifies it."""
    with opened(folder) as ledger:
        found = [data for _, data in ledger.entries()]
        assert ledger.verify() == len(found)
        return found


def refused(ledger: Ledger, *entries: Entry, error: type[BaseException] = LedgerError) -> bool:
    """Whether appending raised exactly this error; any other comes out."""
    try:
        ledger.append(*entries)
    except BaseException as raised:
        if type(raised) is not error:
            raise
        return True
    return False
