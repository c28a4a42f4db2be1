"""Group commit: threads that append to one ledger at the same time share one commit, and one sync of the disk.

Whoever holds the ledger commits for all who came meanwhile. Each gets a number of its own, and no one is told
before the commit; what it raises, all of them raise.
"""

from __future__ import annotations

import contextlib
import copy
from collections import deque
from collections.abc import Callable

from sharekit.errors import LedgerError, ShareError

__all__ = ["Group", "Member"]


class Member:
    """One append: its entries, and what became of it. Whoever leaves the `with` block no longer waits in a queue."""

    def __init__(self, encoded: list[bytes], queue: deque[Member] | None) -> None:
        self.encoded = encoded
        self._queue = queue
        self._first: int | None = None
        self._error: ShareError | None = None

    def __enter__(self) -> Member:
        if self._queue is not None:
            self._queue.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._queue is not None:
            with contextlib.suppress(ValueError):
                self._queue.remove(self)

    @property
    def is_settled(self) -> bool:
        return self._first is not None or self._error is not None

    def succeed(self, first: int) -> None:
        self._first = first

    def fail(self, error: BaseException) -> None:
        if not self.is_settled:
            told = error if isinstance(error, ShareError) else LedgerError("the commit it was in was interrupted")
            self._error = copy.copy(told)  # one error cannot be raised by two threads at once

    def first(self) -> int:
        """The number of its first entry; what went wrong is raised."""
        if self._error is not None:
            raise self._error
        assert self._first is not None  # it is settled
        return self._first


class Group:
    """Those who append to one ledger."""

    def __init__(self) -> None:
        self._queue: deque[Member] = deque()
        self._busy = False

    def join(self, encoded: list[bytes]) -> Member:
        """A member, who waits in the queue if somebody is committing: another may then commit for it."""
        return Member(encoded, self._queue if self._busy else None)

    def commit(self, own: Member, commit: Callable[[Callable[[], list[bytes]]], int]) -> None:
        """Have `commit` append what its argument hands out: the entries of `own`, and of all who wait by then."""
        members = [own]

        def take() -> list[bytes]:
            while self._queue:
                if (each := self._queue.popleft()) is not own:
                    members.append(each)
            return [data for each in members for data in each.encoded]

        self._busy = True
        try:
            number = commit(take)
            for each in members:
                each.succeed(number)
                number += len(each.encoded)
        except BaseException as error:
            for each in members:
                each.fail(error)
            raise
        finally:
            self._busy = False
