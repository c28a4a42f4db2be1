"""Whole files or none: every file sharekit writes is private and is replaced in one step.

Reading has a limit, so that a huge or endless input is refused before it fills the memory, and a patience, so
that a pipe to which nobody writes does not hold it for ever.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path

from sharekit.disk import locks
from sharekit.errors import Malformed, OutputUnwritable, Usage

__all__ = ["LEFT", "Replacement", "read", "replacing", "sync", "write"]

MiB = 1024 * 1024
LEFT = ".sharekit-"  # how the name of a file begins that must not outlive its process
OWN = "/proc/self/fd"  # where Linux lets a process name its open files
# Windows has no such flags, nor pipes as files
_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
PATIENCE = 60.0  # seconds that a pipe may stay silent: somebody may be typing a passphrase at its other end


class Replacement:
    """A temporary file for `path`, made before the work begins; `put` gives it that name when the work is done.

    It has no name at all until then, where the system can do that: nothing is left of it if the process is killed.
    Where it needs a name for a moment, `notes` is a folder that remembers it for `leftovers.sweep`, or None.
    OutputUnwritable if it cannot be made. `replacing` closes it.
    """

    def __init__(self, path: Path, notes: Path | None = None) -> None:
        locks.check_system()
        self.path, self._notes = path, notes
        self._temporary: Path | None = None
        self._note: Path | None = None
        try:
            in_the_way = path.exists() and not path.is_file()
            if in_the_way or os.path.realpath(path.parent) == "/dev":  # a rename there would take it from everybody
                raise FileExistsError
            self._folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (OSError, ValueError):
            raise _unwritable() from None
        try:
            self._handle = self._opened()
        except OSError:
            os.close(self._folder)
            raise _unwritable() from None

    def _opened(self) -> int:
        """A handle of the new file, locked as long as it is open, so that nobody takes it for a leftover."""
        handle = _nameless(self.path.parent)
        if handle is None:
            name = self._new_name()
            handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            self._temporary = name
        locks.take(handle)
        return handle

    @property
    def temporary(self) -> Path:
        """The file's own name, given to it now if it has none yet: for what can only be written by name."""
        if self._temporary is None:
            name = self._new_name()
            self._link(name)
            self._temporary = name
        return self._temporary

    def _new_name(self) -> Path:
        mark = os.urandom(8).hex()
        name = self.path.parent / f"{LEFT}{mark}.part"
        if self._notes is not None:
            with contextlib.suppress(OSError):  # it can do without
                note = self._notes / f"{LEFT}{mark}.note"
                os.symlink(os.path.abspath(name), note)
                self._note = note
        return name

    def _link(self, name: Path) -> None:
        if self._temporary is None:
            os.link(f"{OWN}/{self._handle}", name.name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        else:
            os.link(self._temporary, name)

    def commit(self, data: bytes) -> None:
        """Write `data`, make it durable, and put it at `path`, mode 0600; OutputUnwritable."""
        self._write(data)
        self.put()

    def commit_new(self, data: bytes) -> None:
        """The same where nothing is at `path`; OutputUnwritable if there is, which stays."""
        self._write(data)
        with _typed():
            os.fsync(self._handle)
            self._link(self.path)
            os.fsync(self._folder)

    def _write(self, data: bytes) -> None:
        with _typed():
            view = memoryview(data)
            while view:
                view = view[os.write(self._handle, view) :]

    def put(self) -> None:
        """Make durable what stands in the temporary file, and put it at `path`; OutputUnwritable."""
        with _typed():
            os.fsync(self._handle)
            if self._temporary is not None or os.path.lexists(self.path) or not self._took():
                os.replace(self.temporary, self.path)
            os.fsync(self._folder)

    def _took(self) -> bool:
        """Whether the file without a name could take a name that was free."""
        try:
            self._link(self.path)
        except FileExistsError:  # somebody was faster
            return False
        return True

    def close(self) -> None:
        """Close the temporary file, and remove its own name if it still has one."""
        for name in (self._temporary, self._note):
            if name is not None:
                with contextlib.suppress(OSError):  # gone already, or the disk has turned read-only
                    name.unlink()
        os.close(self._handle)
        os.close(self._folder)


def _nameless(folder: Path) -> int | None:
    """A handle of a new file without a name; None where this system or this disk has none."""
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None or not os.path.isdir(OWN):  # without it such a file could never be given a name
        return None
    try:
        return os.open(folder, flag | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        if problem.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL):
            return None
        raise


@contextlib.contextmanager
def replacing(path: Path, notes: Path | None = None) -> Iterator[Replacement]:
    """A `Replacement` for the block, whose temporary file is gone afterwards whatever happens."""
    replacement = Replacement(path, notes)
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


@contextlib.contextmanager
def _typed() -> Iterator[None]:
    """Whatever the file system refuses, as OutputUnwritable."""
    try:
        yield
    except (OSError, ValueError):
        raise _unwritable() from None


def _unwritable() -> OutputUnwritable:
    return OutputUnwritable("the output cannot be written there")


def sync(folder: Path) -> None:
    """Make durable which names a folder has; OSError if that cannot be done."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
