"""Whole files or none: every file sharekit writes is private and is replaced in one step.

Reading has a limit, so that a huge or endless input is refused before it fills the memory.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sharekit.errors import Malformed, OutputUnwritable, Usage

__all__ = ["Replacement", "read", "replacing", "write"]

MiB = 1024 * 1024


class Replacement:
    """A temporary file beside `path`, made before the work starts and renamed when it is done."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if path.is_dir():
                raise IsADirectoryError
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".sharekit-", suffix=".part")
        except OSError:
            raise OutputUnwritable("the output cannot be written there") from None
        self._handle, self._temporary = handle, Path(name)

    def commit(self, data: bytes) -> None:
        """Write `data`, make it durable, and put it in the place of `path`; mode 0600."""
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._handle, view) :]
            os.fsync(self._handle)
            os.replace(self._temporary, self.path)
            _sync_directory(self.path.parent)
        except OSError:
            raise OutputUnwritable("the output cannot be written there") from None

    def close(self) -> None:
        os.close(self._handle)
        self._temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Replacement]:
    """A `Replacement` whose temporary file is gone afterwards, whatever happens."""
    replacement = Replacement(path)
    try:
        yield replacement
    finally:
        replacement.close()


def write(path: Path, data: bytes) -> None:
    """Write all of `data` to `path` in one step, mode 0600; OutputUnwritable if that cannot be done."""
    with replacing(path) as replacement:
        replacement.commit(data)


def read(path: Path, *, limit: int = 64 * MiB, what: str = "the file") -> bytes:
    """The whole of a file; Usage if it cannot be read, Malformed beyond `limit` bytes; no message names its path."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise Usage(f"{what} does not exist", hint="check the name and the folder") from None
    except IsADirectoryError:
        raise Usage(f"{what} is a folder", hint="name a file") from None
    except OSError:
        raise Usage(f"{what} cannot be read", hint="check its permissions") from None
    if len(data) > limit:
        raise Malformed(f"{what} is larger than {limit} bytes", hint="check that it is the right file")
    return data


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
