"""Waiting for a lock that somebody else holds: in turn, not silently, and not without end."""

from __future__ import annotations

import contextlib
import threading
from typing import IO

from sharekit.disk import locks
from sharekit.errors import Locked

__all__ = ["SAY_AFTER", "wait"]

SAY_AFTER = 1.0  # seconds


def wait(lock: IO[bytes], seconds: float) -> None:
    """Take the lock on an open file as soon as it is free; Locked, and the file is closed, after so many seconds.

    After one second it is said in the log `sharekit`, which a program sends where it wants, and a terminal shows.
    """
    turn = _Turn(lock)
    try:
        if not turn.comes(min(SAY_AFTER, seconds)):
            _say()
            if not turn.comes(seconds - SAY_AFTER):
                raise Locked("somebody else is working in this home, and did not end")
    except BaseException:
        turn.give_up()
        raise


class _Turn:
    """A thread that waits where the system keeps the queue; it lets go at once if nobody wants the lock any more."""

    def __init__(self, lock: IO[bytes]) -> None:
        self._lock, self._mutex = lock, threading.Lock()
        self._came, self._is_wanted = threading.Event(), True
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            locks.take(self._lock)
        with self._mutex:
            if self._is_wanted:
                self._came.set()
            else:
                self._lock.close()

    def comes(self, seconds: float) -> bool:
        """Whether the turn has come within so many seconds."""
        return self._came.wait(max(0.0, seconds))

    def give_up(self) -> None:
        with self._mutex:
            self._is_wanted = False
            if self._came.is_set():
                self._lock.close()


def _say() -> None:
    import logging  # late: nobody waits, as a rule

    logging.getLogger("sharekit").warning("waiting: somebody else is working in this home")
