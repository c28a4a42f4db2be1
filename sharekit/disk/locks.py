"""Locks on open files, by which several writers are kept apart, and the systems that have them."""

from __future__ import annotations

import os
from typing import IO

from sharekit.errors import Usage

__all__ = ["check_system", "take"]

_NEEDED = ("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW")


def check_system() -> None:
    """Return only on a system on which a record can be kept; Usage names those that are served."""
    try:
        import fcntl  # noqa: F401  # Windows has none
    except ImportError:
        raise _not_served() from None
    if not all(hasattr(os, name) for name in _NEEDED):
        raise _not_served()


def take(handle: int | IO[bytes], *, wait: bool = True) -> None:
    """Lock an open file against everybody else; with `wait` False, BlockingIOError if somebody has it."""
    import fcntl

    fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def _not_served() -> Usage:
    return Usage(
        "this system is not served: its files cannot be locked as a record needs it",
        hint="sharekit runs on Linux and macOS, and on Windows inside WSL (Windows Subsystem for Linux)",
    )
