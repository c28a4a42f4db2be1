"""Whole files or none: every file sharekit writes is private and is replaced in one step.

Reading has a limit, so that a huge or endless input is refused before it fills the memory, and a patience, so
that a pipe to which nobody writes does not hold it for ever.
"""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path

from sharekit.errors import Malformed, OutputUnwritable, Usage

__all__ = ["Replacement", "read", "replacing", "sync_directory", "write"]

MiB = 1024 * 1024
# Windows has neither, nor pipes as files
_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
PATIENCE = 60.0  # seconds that a pipe may stay silent: somebody may be typing a passphrase at its other end


class Replacement:
    """A temporary file beside `path`, made before the work begins and renamed to `path` when it is done.

    OutputUnwritable if it cannot be made. `replacing` closes it.
    """

    def __init__(self, path: Path) -> None:
        import tempfile  # late: many commands write no file

        self.path = path
        try:
            in_the_way = path.exists() and not path.is_file()
            if in_the_way or os.path.realpath(path.parent) == "/dev":  # a rename there would take it from everybody
                raise FileExistsError
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".sharekit-", suffix=".part")
        except (OSError, ValueError):
            raise _unwritable() from None
        self._handle, self.temporary = handle, Path(name)

    def commit(self, data: bytes) -> None:
        """Write `data`, make it durable, and rename it to `path`, mode 0600; OutputUnwritable."""
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._handle, view) :]
        except OSError:
            raise _unwritable() from None
        self.put()

    def put(self) -> None:
        """Make durable what stands in the temporary file, and rename it to `path`; OutputUnwritable."""
        try:
            os.fsync(self._handle)
            os.replace(self.temporary, self.path)
            sync_directory(self.path.parent)
        except (OSError, ValueError):
            raise _unwritable() from None

    def close(self) -> None:
        """Close the temporary file, and remove it if it was not renamed."""
        os.close(self._handle)
        with contextlib.suppress(OSError):  # gone already, or the disk has turned read-only
            self.temporary.unlink()


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Replacement]:
    """A `Replacement` for the block, whose temporary file is gone afterwards whatever happens."""
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
    """The whole content of a file or pipe; no message names its path, but only `what` it is.

    Raises Usage if it cannot be read, or is a pipe that stays silent for a minute; Malformed above `limit` bytes.
    """
    try:
        # A pipe without a writer would hold an ordinary open for ever.
        handle = os.open(path, os.O_RDONLY | _AT_ONCE)
        with os.fdopen(handle, "rb", buffering=0):
            data = b"".join(_pieces(handle, limit + 1, what))
    except FileNotFoundError:
        raise Usage(f"{what} does not exist", hint="check the name and the folder") from None
    except IsADirectoryError:
        raise Usage(f"{what} is a folder", hint="name a file") from None
    except (OSError, ValueError):
        raise Usage(f"{what} cannot be read", hint="check its permissions") from None
    if len(data) > limit:
        raise Malformed(f"{what} is larger than {limit} bytes", hint="check that it is the right file")
    return data


def _pieces(handle: int, size: int, what: str) -> Iterator[bytes]:
    """What can be read from `handle`, at most `size` bytes; Usage if it stays silent."""
    has_more = _patient(handle)
    while size:
        if not has_more():
            raise Usage(f"{what} is a pipe to which nobody writes", hint="name a file, or write to the pipe")
        piece = os.read(handle, min(size, MiB))
        if not piece:
            return
        size -= len(piece)
        yield piece


def _patient(handle: int) -> Callable[[], object]:
    """Whether there is something to read, after waiting for it; where the system cannot tell, there always is."""
    if not hasattr(select, "poll"):
        return lambda: True
    waiting = select.poll()
    waiting.register(handle, select.POLLIN)
    return lambda: waiting.poll(PATIENCE * 1000)


def _unwritable() -> OutputUnwritable:
    return OutputUnwritable("the output cannot be written there")


def sync_directory(directory: Path) -> None:
    """Bring to the disk which files stand in a folder; OSError if that cannot be done."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
