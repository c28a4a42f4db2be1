"""An agency's ledgers, one a year: an act begins a new one, which follows the last, and the last is closed by then.

Nobody begins a year by looking, and nothing follows the entry that closes one. The years are a chain: the first entry
of each has the hash of the last checkpoint of the year before. The vault remembers the newest checkpoint of each: a
ledger that is gone, or was put back, is noticed by it.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256

from nacl.signing import SigningKey

from sharekit import registry
from sharekit.domain import vocabulary
from sharekit.errors import LedgerError, LedgerTampered, Usage, YearClosed
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.ledger.recheck import Progress, unseen
from sharekit.ledger.storage import Place, Shelf
from sharekit.moments import clock_of, seconds_of
from sharekit.proofs import checkpoint
from sharekit.record import clock
from sharekit.vault.vault import Vault

__all__ = ["Making", "Years", "check_follows", "year_of"]

Closing = Callable[[datetime], Entry]
Making = Callable[[Ledger], Sequence[Entry]]


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
        closing: Closing,
    ) -> None:
        self._shelf, self._vault, self._org_id, self._log_key = shelf, vault, org_id, log_key
        self._demonstration, self._closing = demonstration, closing
        self._mutex, self._ledgers = threading.RLock(), dict[int, Ledger]()
        self._latest: int | None = None
        self._known: set[int] | None = None
        self._noted: dict[str, str] = {}

    def close(self) -> None:
        """Close the ledgers, after a last look at where they end, for the vault to remember."""
        with self._mutex:
            self._latest = self._known = None
            while self._ledgers:
                with contextlib.closing(self._ledgers.popitem()[1]) as ledger:
                    self._remember(ledger)
            self._shelf.close()

    # --- reading ---

    def latest(self) -> Ledger:
        """The ledger of the newest year, in which the record goes on; LedgerError where none was ever begun."""
        with self._mutex:
            if self._latest is None or self._ledgers[self._latest].is_closed:
                years = self._all()
                if not years:
                    raise LedgerError("there is no ledger yet", hint="it is begun by the first act that is recorded")
                self._remember(self.of(years[-1]))
                self._latest = years[-1]
            return self._ledgers[self._latest]

    def newest(self) -> int:
        """The year of that ledger."""
        return year_of(self.latest())

    def of(self, year: int) -> Ledger:
        """The ledger of a year that has one; Usage otherwise."""
        with self._mutex:
            if year not in self._ledgers:
                if year not in self._all():
                    hint = "a year has one if anything was recorded in it"
                    raise Usage("there is no ledger of that year", hint=hint)
                place, origin = self._place(year)
                known = self._vault.known_checkpoint(origin)
                self._ledgers[year] = Ledger.open(place, origin=origin, key=self._log_key, known=known)
                self._noted[origin] = known or ""
            return self._ledgers[year]

    def newest_first(self) -> Iterator[Ledger]:
        """The ledgers of all years, newest first: a clock that was put back hides none."""
        return map(self.of, reversed(self._all()))

    def since(self, year: int) -> Iterator[tuple[int, Ledger]]:
        """The year and the ledger of every year from `year` on that has one, oldest first."""
        return ((found, self.of(found)) for found in self._all() if found >= year)

    def verify(self, progress: Progress = unseen) -> list[tuple[int, int]]:
        """Recompute the ledgers of all years and the chain between them; year and number of entries, oldest first.

        LedgerTampered where one does not verify, is gone, or does not follow the one before.
        """
        self.check_chain()
        return [(year, ledger.verify(progress)) for year, ledger in self.since(0)]

    def check_chain(self) -> int:
        """Return only if every year follows the one before it; how many years there are."""
        years = list(self.since(0))
        for before, (year, ledger) in zip([None, *years], years, strict=False):
            known = (before[0], before[1].checkpoint()) if before else None
            check_follows(year, Entry.decode(ledger.entry(0)).checkpoint, known)
        return len(years)

    def _all(self) -> list[int]:
        """The years that have a ledger, oldest first, and those that had one as far as the vault remembers."""
        if self._known is None:
            named = map(checkpoint.org_and_year, self._vault.known_ledgers())
            self._known = {each[1] for each in named if each and each[0] == self._org_id}
        return sorted({*self._shelf.years(self._org_id), *self._known})

    def _place(self, year: int) -> tuple[Place, str]:
        origin = checkpoint.origin(self._org_id, year)
        return self._shelf.place(origin), origin

    # --- acting ---

    def append(self, make: Making, now: datetime, *, first: Callable[[datetime], Sequence[Entry]]) -> int:
        """Append what `make` makes for the ledger that an act at `now` goes to, after the entries that have to come
        `first`; the number of the first that `make` made.

        That is the newest one, whatever the clock says: a year that is over is closed first, and the next begun. A
        clock that may be wrong closes and begins none. `make` is called again where another closed the year meanwhile.
        """
        while True:
            ledger = self.for_act(now)
            with contextlib.suppress(YearClosed):
                before = first(now)
                return ledger.append(*before, *make(ledger)) + len(before)

    def for_act(self, now: datetime) -> Ledger:
        """The ledger that an act at `now` goes to, begun if the year is new."""
        with self._mutex:
            if self._latest is None and not self._all():
                self._begin(clock_of(now).year, None, now)
            ledger = self.latest()
            year, over = year_of(ledger), clock.year_of(now)
            if over > year or ledger.is_closed:
                self._end(ledger, now)
                self._begin(max(over, year + 1), ledger, now)
                self._latest = None
                return self.latest()
            return ledger

    def _end(self, ledger: Ledger, now: datetime) -> None:
        if not ledger.is_closed:
            ledger.finish(self._closing(now))
        self._vault.remember_checkpoint(ledger.origin, ledger.checkpoint())

    def _begin(self, year: int, before: Ledger | None, now: datetime) -> None:
        place, origin = self._place(year)
        genesis = Entry(
            event=vocabulary.load("ledger-events")["genesis"].number,
            time=seconds_of(clock_of(now)),
            nonce=os.urandom(16),
            checkpoint=sha256(before.checkpoint().encode()).digest() if before else None,
            origin=origin,
            demonstration=True if self._demonstration else None,
            edition=registry.edition(),
            doubtful=clock.mark(now),
        )
        try:
            Ledger.create(place, origin=origin, key=self._log_key, genesis=genesis).close()
        except LedgerError:
            if not place.exists():  # otherwise another process has begun the year at the same moment
                raise

    def _remember(self, ledger: Ledger) -> None:
        """Let the vault know a ledger's newest checkpoint, by which one that is put back is noticed."""
        with contextlib.suppress(LedgerError):  # a vault that cannot be written to can still be read
            note = ledger.checkpoint()
            if self._noted.get(ledger.origin) != note:
                self._vault.remember_checkpoint(ledger.origin, note)
                self._noted[ledger.origin] = note


def check_follows(year: int, promised: bytes | None, before: tuple[int, str] | None) -> None:
    """Return only if the ledger of a year follows the one before; LedgerTampered otherwise.

    `promised` is the hash in its first entry, `before` the year before it that has a ledger, and its last note.
    """
    if before is None and promised is not None:
        hint = "restore it from the backup, or ask the auditor to whom it was handed"
        raise LedgerTampered(f"the ledger that the one of {year} follows is gone", index=0, hint=hint)
    if before is not None and promised != sha256(before[1].encode()).digest():
        message = f"the ledger of {before[0]} is not the one that {year} follows: it was changed, or added to, since"
        raise LedgerTampered(message, index=0)


def year_of(ledger: Ledger) -> int:
    return int(ledger.origin[-4:])
