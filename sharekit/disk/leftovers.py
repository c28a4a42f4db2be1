"""What a killed process has left of files that were never finished, found again and removed.

A file under way is locked as long as its process lives; one that nobody has locked is a leftover. It stands in the
folder in which it was to take its place, or is remembered there by a note: a link that leads to it elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from sharekit.disk import locks
from sharekit.disk.files import LEFT

__all__ = ["is_free", "left", "sweep"]

_FILE = re.compile(rf"({re.escape(LEFT)}[0-9A-Za-z_]+\.part)(-journal|-wal|-shm)?")
_NOTE = re.compile(rf"{re.escape(LEFT)}[0-9a-f]+\.note")
PATIENCE = 60.0  # seconds in which a note may wait for its file


def left(folder: Path) -> list[Path]:
    """The leftovers in a folder, and those elsewhere that its notes lead to; empty where it cannot be read."""
    return [path for path in _noted(folder) if _is_left(path)]


def _is_left(path: Path) -> bool:
    """Whether it is a file under way that no process is at; a file beside one belongs to it."""
    found = _FILE.fullmatch(path.name)
    if found is None or not is_free(path):
        return False
    own = path.with_name(found[1])
    return not os.path.lexists(own) or is_free(own)


def sweep(folder: Path) -> None:
    """Remove the leftovers that `left` finds, and the notes that lead nowhere any more.

    What cannot be removed stays: whoever only reads a home has nothing to clear away.
    """
    for path in left(folder):
        with contextlib.suppress(OSError):
            path.unlink()
    for note in _named(folder, _NOTE):
        with contextlib.suppress(OSError):
            if not os.path.lexists(os.readlink(note)) and time.time() - os.lstat(note).st_mtime > PATIENCE:
                note.unlink()


def is_free(path: Path) -> bool:
    """Whether a file or folder is there and no living process has locked it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        locks.take(handle, wait=False)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _noted(folder: Path) -> Iterator[Path]:
    yield from _named(folder, _FILE)
    for note in _named(folder, _NOTE):
        with contextlib.suppress(OSError):
            target = os.readlink(note)
            yield from (Path(f"{target}{suffix}") for suffix in ("", "-journal", "-wal", "-shm"))


def _named(folder: Path, pattern: re.Pattern[str]) -> list[Path]:
    try:
        return [folder / name for name in os.listdir(folder) if pattern.fullmatch(name)]
    except OSError:
        return []
