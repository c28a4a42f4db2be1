"""What is known of one child: look-ups by the agency itself, each of them an entry before it is answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sharekit.exchange.signer import Signer
from sharekit.ledger.entry import Entry
from sharekit.record import lookups
from sharekit.record.lookups import LookUp
from sharekit.record.record import Record

__all__ = ["LookUps"]


class LookUps:
    """Questions to one agency's record that need the keys of its vault; every one is recorded before it is answered.

    Its methods raise WrongPassphrase while the keys are locked.
    """

    def __init__(self, signer: Signer, record: Record, clock: Callable[[], datetime]) -> None:
        self._signer, self._record, self._clock = signer, record, clock

    def about(self, scheme: str, value: str, *, limit: int) -> list[tuple[int, Entry]]:
        """The newest entries about the child with an identifier, and their numbers, newest first; at most `limit`.

        `scheme` is nhs, upn or local. Raises FieldInvalid for a number that cannot be right.
        """
        self._signer.check_unlocked()
        return self._record.about(scheme, value, limit=limit, now=self._clock())

    def without_case(self) -> list[LookUp]:
        """Who looked up a child of whom nothing was recorded here until then, oldest first."""
        self._signer.check_unlocked()
        return lookups.without_case(self._record, now=self._clock())
