"""Group commit: threads that append to one ledger at the same time share one commit, and one sync of the disk.

Whichever thread holds the ledger commits the entries of all threads that came meanwhile. Every thread gets the number
of its own first entry, after the commit; what the commit raises is raised in all of them.
"""

from __future__ import annotations

import contextlib
import copy
from collections import deque
from collections.abc import Callable

from sharekit.errors import LedgerError, ShareError

__all__ = ["Group", "Member"]


class Member:
    """One thread's append: its entries, and what became of them.

    A thread that leaves the `with` block no longer waits in the queue.
    """

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
        """Whether the entries were committed, or failed."""
        return self._first is not None or self._error is not None

    def succeed(self, first: int) -> None:
        """The entries were committed; `first` is the number of the first."""
        self._first = first

    def fail(self, error: BaseException) -> None:
        """The entries were not committed, because of this error."""
        if not self.is_settled:
            told = error if isinstance(error, ShareError) else LedgerError("the commit it was in was interrupted")
            self._error = copy.copy(told)  # one error cannot be raised by two threads at once

    def first(self) -> int:
        """The number of the first of its entries; raises what went wrong."""
        if self._error is not None:
            raise self._error
        assert self._first is not None  # it is settled
        return self._first


class Group:
    """The threads that append to one ledger."""

    def __init__(self) -> None:
        self._queue: deque[Member] = deque()
        self._busy = False

    def join(self, encoded: list[bytes]) -> Member:
        """A member for these entries, who waits in the queue if another thread commits, which may then take them."""
        return Member(encoded, self._queue if self._busy else None)

    def commit(self, own: Member, commit: Callable[[Callable[[], list[bytes]]], int]) -> None:
        """Have `commit` append what its argument returns: the entries of `own` and of all who wait by then."""
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
