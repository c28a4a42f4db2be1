"""An agency's ledgers, one a year: each is begun when it is first needed, and follows the last, which is closed then.

The vault remembers the newest checkpoint of each: a ledger that is gone, or was put back, is noticed by it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256

from nacl.signing import SigningKey

from sharekit.domain import vocabulary
from sharekit.errors import LedgerError, Usage
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.ledger.storage import Place, Shelf
from sharekit.moments import seconds_of
from sharekit.proofs import checkpoint
from sharekit.vault.vault import Vault

__all__ = ["Years"]

LAST_YEAR = 10_000


class Years:
    """The ledgers of one organisation on one shelf; `closing` makes the last entry of a year that is over.

    Raises LedgerError, and LedgerTampered where a ledger is gone, or does not go on from what the vault remembers.
    """

    def __init__(
        self,
        shelf: Shelf,
        vault: Vault,
        *,
        org_id: str,
        log_key: SigningKey,
        demonstration: bool,
        closing: Callable[[datetime], Entry],
    ) -> None:
        self._shelf, self._vault, self._org_id, self._log_key = shelf, vault, org_id, log_key
        self._demonstration, self._closing = demonstration, closing
        self._ledgers: dict[int, Ledger] = {}
        self._noted: dict[str, str] = {}

    def close(self) -> None:
        """Close the ledgers, after a last look at where they end, for the vault to remember."""
        while self._ledgers:
            with contextlib.closing(self._ledgers.popitem()[1]) as ledger:
                self._remember(ledger)
        self._shelf.close()

    def ledger(self, now: datetime) -> Ledger:
        """The ledger of the year of `now`, begun if the year is new."""
        if now.year not in self._ledgers:
            self._ledgers[now.year] = self._open(now)
        return self._ledgers[now.year]

    def ledger_of(self, year: int, now: datetime) -> Ledger:
        """The ledger of a year that has one; Usage otherwise."""
        if year == now.year:
            return self.ledger(now)
        if year not in self._before(LAST_YEAR):  # a clock that was put back hides no ledger
            raise Usage("there is no ledger of that year", hint="a year has one if anything was recorded in it")
        return self._earlier(year)

    def newest_first(self, now: datetime) -> Iterator[Ledger]:
        """The ledger of the year of `now`, then those of the years before it, newest first."""
        yield self.ledger(now)
        yield from map(self._earlier, self._before(now.year))

    def since(self, year: int) -> Iterator[tuple[int, Ledger]]:
        """The year and the ledger of every year from `year` on that has one, oldest first; none is begun."""
        for found in self._shelf.years(self._org_id):
            if found >= year:
                yield found, self._earlier(found)

    def of(self, year: int) -> Ledger:
        """The ledger of a year of which it is known that it has one."""
        return self._earlier(year)

    def _earlier(self, year: int) -> Ledger:
        if year not in self._ledgers:
            place, origin = self._place(year)
            known = self._vault.known_checkpoint(origin)
            self._ledgers[year] = Ledger.open(place, origin=origin, key=self._log_key, known=known)
        return self._ledgers[year]

    def _before(self, year: int) -> list[int]:
        """The years before that have a ledger, newest first."""
        return [found for found in reversed(self._shelf.years(self._org_id)) if found < year]

    def _place(self, year: int) -> tuple[Place, str]:
        origin = checkpoint.origin(self._org_id, year)
        return self._shelf.place(origin), origin

    def _open(self, now: datetime) -> Ledger:
        place, origin = self._place(now.year)
        known = self._vault.known_checkpoint(origin)
        if known is None and not place.exists():
            self._begin(place, origin, now)
        opened = Ledger.open(place, origin=origin, key=self._log_key, known=known)
        self._noted[origin] = known or ""
        self._remember(opened)
        return opened

    def _begin(self, place: Place, origin: str, now: datetime) -> None:
        genesis = Entry(
            event=vocabulary.load("ledger-events")["genesis"].number,
            time=seconds_of(now),
            nonce=os.urandom(16),
            checkpoint=self._last_checkpoint(now),
            origin=origin,
            demonstration=True if self._demonstration else None,
        )
        try:
            Ledger.create(place, origin=origin, key=self._log_key, genesis=genesis).close()
        except LedgerError:
            if not place.exists():  # otherwise another process has begun the year at the same moment
                raise

    def _last_checkpoint(self, now: datetime) -> bytes | None:
        """The hash of the last checkpoint of the ledger before, closed now, by which a new year follows the old."""
        earlier = self._before(now.year)
        if not earlier:
            return None
        last, closed = self._earlier(earlier[0]), vocabulary.load("ledger-events")["closed"].number
        if Entry.decode(last.entry(last.size - 1)).event != closed:
            last.append(self._closing(now))
            self._vault.remember_checkpoint(last.origin, last.checkpoint())
        return sha256(last.checkpoint().encode()).digest()

    def _remember(self, ledger: Ledger) -> None:
        """Let the vault know a ledger's newest checkpoint, by which one that is put back is noticed."""
        with contextlib.suppress(LedgerError):  # a vault that cannot be written to can still be read
            note = ledger.checkpoint()
            if self._noted.get(ledger.origin) != note:
                self._vault.remember_checkpoint(ledger.origin, note)
                self._noted[ledger.origin] = note
