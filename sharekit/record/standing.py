"""Standing: what the entries of every year say holds now, whatever stands in the home's other files.

The ledger is the authority: which cards are believed, which packets are held, which policy is in force. Its entries are
read in order, and only if they lead to the signed checkpoint. How far they were read, and what they said, the vault
remembers under a keyed token, so that the next start reads the new ones alone; a vault put back reads them again.
"""

from __future__ import annotations

import contextlib
import hmac
import itertools
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sharekit import cbor, merkle, registry
from sharekit.domain import vocabulary
from sharekit.errors import LedgerError, LedgerTampered, Malformed
from sharekit.ledger.entry import Entry, event_and_time
from sharekit.ledger.log import Ledger
from sharekit.ledger.tip import Tip
from sharekit.moments import Moment, clock_of, seconds_of
from sharekit.proofs import checkpoint
from sharekit.record import clock
from sharekit.record.years import Years, check_follows
from sharekit.values import Value
from sharekit.vault.vault import Vault

__all__ = ["Standing", "StandingCard", "Standings"]

AT_LEAST = 256  # entries without consequence that are read again rather than remembered
PIECE = 1024

Finish = Callable[[Sequence[Entry]], None]


class StandingCard(NamedTuple):
    """A card that was accepted here, as the ledger has it.

    `accepted` is when it was accepted last; `revoked` has the spans in which it was not believed, oldest first, as
    seconds since 1970 (from, until); the last one's until is None while the card is revoked.
    """

    org_id: str
    accepted: int
    revoked: tuple[tuple[int, int | None], ...] = ()

    @property
    def revoked_since(self) -> int | None:
        """Since when, in seconds, the card is not believed; None while it is."""
        return self.revoked[-1][0] if self.revoked and self.revoked[-1][1] is None else None


class Standing(Value):
    """What holds. `cards` has the cards ever accepted, by fingerprint, the one accepted last at the end.

    `held` has the numbers of the packets on hold. `policy` is the digest of the local policy set last and `edition`
    that of the shipped data used last, None where none is on record. `newest` is the time of the newest true entry in
    seconds, 0 where there is none: what a clock said that may be wrong, or was confirmed to be wrong, does not count.
    """

    cards: Mapping[bytes, StandingCard]
    held: frozenset[bytes]
    policy: bytes | None
    edition: bytes | None
    newest: int


class Standings:
    """Keeps the `Standing` of one agency in step with its ledgers, those of other processes and servers included."""

    def __init__(self, years: Years, vault: Vault, key: bytes) -> None:
        self._years, self._vault = years, vault
        self._key = hmac.digest(key, b"sharekit standing", "sha256")
        self._mutex, self._is_reading = threading.RLock(), False
        self._finishers: dict[int, Finish] = {}
        self._folded: _Folded | None = None
        self._fresh: list[Entry] = []

    def finish(self, event: str, act: Finish) -> None:
        """Have `act` called with the entries of an event that were not read here before.

        It does what they say, if that was not done; it may be called again with the same entries.
        """
        self._finishers[vocabulary.load("ledger-events")[event].number] = act

    def now(self) -> Standing:
        """What holds after the newest entry. LedgerTampered if the entries do not lead to the signed checkpoint."""
        with self._mutex:
            folded = self._read()
            if not self._is_reading:  # what finishes an act may ask in between
                self._is_reading = True
                try:
                    self._catch_up(folded)
                except BaseException:
                    self._folded = None
                    raise
                finally:
                    self._is_reading = False
            return folded.standing()

    def glance(self) -> tuple[int, bytes | None]:
        """The time of the newest true entry, and the newest edition; nothing is finished. Errors as in `now`."""
        with self._mutex:
            folded = self._read()
            return folded.newest, folded.edition

    def moment(self, now: datetime) -> Moment:
        """What the time that the clock says stands for; a moment that was judged stays as it is.

        A record that cannot be read says nothing against the clock: whoever acts by it will be told.
        """
        if isinstance(now, Moment):
            return now
        newest = 0
        with contextlib.suppress(LedgerError):
            newest, _ = self.glance()
        return clock.judged(now, newest)

    def edition_entries(self, now: datetime) -> list[Entry]:
        """The entry that tells of shipped data other than those used last; none where they are the same."""
        digest, (_, known) = registry.edition(), self.glance()
        if digest == known:
            return []
        number, time = vocabulary.load("ledger-events")["edition"].number, seconds_of(clock_of(now))
        return [Entry(number, time, nonce=os.urandom(16), edition=digest, doubtful=clock.mark(now))]

    def _read(self) -> _Folded:
        """What is folded, with what is new; entries that say something that stands wait to be finished."""
        folded = self._folded or self._remembered()
        if self._folded is None:
            self._fresh = []
        try:
            for year, ledger in self._years.since(folded.year):
                if year != folded.year:
                    folded.begin(year, ledger)
                if ledger.checkpoint() != folded.tip.note:
                    self._fresh += folded.read(ledger)
        except BaseException:
            self._folded = None
            raise
        self._folded = folded
        return folded

    def _catch_up(self, folded: _Folded) -> None:
        fresh, self._fresh = self._fresh, []
        self._finish(fresh)
        if folded.is_worth_remembering(fresh):
            with contextlib.suppress(LedgerError):  # a vault that cannot be written to can still be read
                self._vault.remember_standing(data := folded.encode(), self._token(data))
                folded.unremembered = 0

    def _finish(self, fresh: Sequence[Entry]) -> None:
        for number, act in self._finishers.items():
            found = [entry for entry in fresh if entry.event == number]
            if found:
                act(found)

    def _remembered(self) -> _Folded:
        """What the vault remembers, if it is ours; else the beginning."""
        data, token = self._vault.known_standing() or (b"", b"")
        if data and hmac.compare_digest(token, self._token(data)):
            with contextlib.suppress(Malformed, LookupError, TypeError, ValueError):  # an earlier form of it
                return _Folded.decode(data)
        return _Folded()

    def _token(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")


class _Folded:
    """The entries up to a place in the ledger of a year, folded into what they say."""

    def __init__(self) -> None:
        self.year, self.tip, self.unremembered = 0, Tip(), 0
        self.cards: dict[bytes, StandingCard] = {}
        self.held: dict[bytes, None] = {}
        self.policy: bytes | None = None
        self.edition: bytes | None = None
        self.newest = 0

    def standing(self) -> Standing:
        return Standing(dict(self.cards), frozenset(self.held), self.policy, self.edition, self.newest)

    def begin(self, year: int, ledger: Ledger) -> None:
        """Go over to the ledger of a later year, which has to follow the one before."""
        promised = Entry.decode(ledger.entry(0)).checkpoint
        check_follows(year, promised, (self.year, self.tip.note) if self.year else None)
        self.year, self.tip = year, Tip()

    def read(self, ledger: Ledger) -> list[Entry]:
        """Fold the entries that are new in a ledger; those of them that say something that stands."""
        note = ledger.checkpoint()
        signed = checkpoint.parse(note)
        new = itertools.islice(ledger.entries(self.tip.size), max(signed.size - self.tip.size, 0))
        tip, fresh = self.tip, list[Entry]()
        while piece := [data for _, data in itertools.islice(new, PIECE)]:
            tip, _ = tip.grown(list(map(merkle.leaf_hash, piece)))
            fresh += self._fold(piece)
        if (tip.size, tip.root()) != (signed.size, signed.root):
            raise LedgerTampered("the entries are not those that were signed", index=self.tip.size)
        self.unremembered += tip.size - self.tip.size
        self.tip = Tip(tip.size, note, tip.waiting)
        return fresh

    def _fold(self, stored: Iterable[bytes]) -> list[Entry]:
        handlers, fresh = _handlers(), list[Entry]()
        for data in stored:
            event, time = event_and_time(data)
            if time > self.newest and self._is_true(data, time):
                self.newest = time
            if event in handlers:
                fresh.append(entry := Entry.decode(data))
                handlers[event](self, entry)
        return fresh

    def _is_true(self, data: bytes, time: int) -> bool:
        """Whether an entry that is later than all before it does not say itself that its clock may be wrong."""
        is_far = bool(self.newest) and time - self.newest > clock.LEAP.total_seconds()
        return not is_far or not Entry.decode(data).doubtful

    def _since(self, entry: Entry) -> int:
        return clock.standing_time(entry.time, self.newest)

    # --- what one entry says ---

    def trusted(self, entry: Entry) -> None:
        if entry.file and entry.counterparties:
            spans = self.cards.pop(entry.file, StandingCard("", 0)).revoked
            self.cards[entry.file] = StandingCard(entry.counterparties[0], self._since(entry), spans)

    def revoked(self, entry: Entry) -> None:
        """One card, or where the outcome is `done` every card of the organisation that was accepted by then."""
        one = entry.outcome == vocabulary.load("outcomes")["revoked"].number
        for fingerprint, card in self.cards.items():
            is_meant = fingerprint == entry.file or (not one and card.org_id in (entry.counterparties or ()))
            if is_meant and card.revoked_since is None:
                self.cards[fingerprint] = card._replace(revoked=(*card.revoked, (self._since(entry), None)))

    def reinstated(self, entry: Entry) -> None:
        card = self.cards.get(entry.file or b"")
        if card and entry.file and card.revoked_since is not None:
            spans = (*card.revoked[:-1], (card.revoked_since, self._since(entry)))
            self.cards[entry.file] = card._replace(revoked=spans)

    def reviewed(self, entry: Entry) -> None:
        outcomes = vocabulary.load("outcomes")
        if entry.packet and entry.outcome == outcomes["held"].number:
            self.held[entry.packet] = None
        elif entry.packet and entry.outcome == outcomes["released"].number:
            self.held.pop(entry.packet, None)

    def policy_changed(self, entry: Entry) -> None:
        self.policy = entry.file

    def clock_confirmed(self, entry: Entry) -> None:
        """What was dated later than this is false; what was revoked then is revoked from now on."""
        self.newest = entry.time
        for fingerprint, (org_id, accepted, spans) in self.cards.items():
            known = tuple((min(since, entry.time), until and min(until, entry.time)) for since, until in spans)
            self.cards[fingerprint] = StandingCard(org_id, min(accepted, entry.time), known)

    def edition_used(self, entry: Entry) -> None:
        self.edition = entry.edition

    def acted_on(self, entry: Entry) -> None:
        """Nothing stands by it; whoever finishes an act is given it."""

    # --- as the vault keeps it ---

    def is_worth_remembering(self, fresh: Sequence[Entry]) -> bool:
        return bool(fresh) or self.unremembered >= AT_LEAST

    def encode(self) -> bytes:
        cards = [cbor.encode([key, card.org_id, card.accepted, card.revoked]) for key, card in self.cards.items()]
        place = [self.year, self.tip.size, self.tip.note, b"".join(_padded(self.tip.waiting))]
        held = b"".join(self.held)
        return cbor.encode([*place, cards, held, self.policy, self.edition, self.newest])

    @classmethod
    def decode(cls, data: bytes) -> _Folded:
        made = cls()
        made.year, size, note, waiting, cards, held, made.policy, made.edition, made.newest = cbor.decode(data)
        made.tip = Tip(size, note, tuple(_pieces(waiting, 32)))
        for key, org_id, accepted, spans in map(cbor.decode, cards):
            made.cards[key] = StandingCard(org_id, accepted, tuple((since, until) for since, until in spans))
        made.held = dict.fromkeys(_pieces(held, 16))
        return made


def _handlers() -> Mapping[int, Callable[[_Folded, Entry], Any]]:
    numbers = vocabulary.load("ledger-events")
    return {numbers[code].number: act for code, act in _ACTS.items()}


_ACTS: Mapping[str, Callable[[_Folded, Entry], Any]] = {
    "trusted": _Folded.trusted,
    "revoked": _Folded.revoked,
    "reinstated": _Folded.reinstated,
    "reviewed": _Folded.reviewed,
    "policy-changed": _Folded.policy_changed,
    "destroyed": _Folded.acted_on,
    "card-renewed": _Folded.acted_on,
    "clock-confirmed": _Folded.clock_confirmed,
    "genesis": _Folded.edition_used,
    "edition": _Folded.edition_used,
}


def _padded(waiting: Iterable[bytes]) -> list[bytes]:
    """The hashes that wait, at the levels where none does 32 zeros."""
    return [node or bytes(32) for node in waiting]


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]
