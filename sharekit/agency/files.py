"""Files that people name: read with a limit, and written whole without replacing what must stay.

The disk knows how a file is read and replaced; here is what whoever asks must not do with one.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from sharekit.agency.home import is_home, keeps
from sharekit.disk import files
from sharekit.disk.files import Replacement
from sharekit.errors import Malformed, OutputUnwritable, ShareError, Usage

__all__ = ["opened", "output", "read", "replacing"]


def read(name: str | Path, *, what: str, limit: int) -> bytes:
    """The bytes of a file or pipe; messages call it `what` and never say its path.

    Raises Usage if it cannot be read, or is a pipe that stays silent; Malformed beyond `limit` bytes.
    """
    return files.read(Path(name), limit=limit, what=what)


@contextlib.contextmanager
def opened(name: str | Path, *, what: str) -> Iterator[BinaryIO]:
    """An ordinary file, open to be read piece by piece, whatever is put under its name meanwhile.

    Raises Usage if it is a folder or cannot be read, Malformed if it is no ordinary file; messages call it `what`.
    """
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would keep us waiting
    except FileNotFoundError:
        raise Usage(f"{what} does not exist", hint="check the name and the folder") from None
    except (OSError, ValueError):
        raise Usage(f"{what} cannot be read", hint="check the name and its permissions") from None
    try:
        _check_ordinary(os.fstat(handle).st_mode, what)
    except ShareError:
        os.close(handle)
        raise
    with os.fdopen(handle, "rb") as file:
        yield file


def _check_ordinary(kind: int, what: str) -> None:
    """Return only if a file of that mode is an ordinary one: nothing else can be opened as a Python file for sure."""
    if stat.S_ISDIR(kind):
        raise Usage(f"{what} is a folder", hint="name a file")
    if not stat.S_ISREG(kind):
        raise Malformed(f"{what} is no ordinary file", hint="check that it is the right file")


def output(name: str, *, inputs: Iterable[str] = (), home: Path | None = None) -> Path:
    """The path of a file that may be written.

    OutputUnwritable for one of `inputs`, for a part of the `home` (None where there is none), and for a folder that
    does not exist.
    """
    path = Path(name)
    if name.endswith(os.sep) and not os.path.isdir(path):
        raise OutputUnwritable("there is no such folder", hint="make the folder first, or name a file")
    if any(_is_same(path, given) for given in inputs):
        raise OutputUnwritable("the output would replace one of the inputs", hint="name another file with -o")
    if home is not None and keeps(home, path):
        raise OutputUnwritable("the output would replace a part of the home", hint="name a file elsewhere with -o")
    return path


def _is_same(path: Path, other: str) -> bool:
    with contextlib.suppress(OSError):
        return os.path.samefile(path, other)
    return False


def replacing(path: Path, home: Path | None = None) -> AbstractContextManager[Replacement]:
    """A temporary file for `path`, for a `with` block: its `commit` or `put` puts it there, `commit_new` only if it is
    free.

    If none is called, `path` stays as it was, and the temporary file is gone after the block; after a crash the next
    act of the `home` removes it. OutputUnwritable, at once, if nothing can be written there; also from `commit` and the
    others.
    """
    return files.replacing(path, home if home is not None and is_home(home) else None)
