"""Where the entries stand that are about one packet, decision, event or child, so that none is read for another.

The vault keeps it (`vault/located`, `vault/mentions`). What the ledgers have and the vault does not, because it
is older than the index or the vault was restored, is read once: some at each act, the rest when somebody asks.
"""

from __future__ import annotations

import contextlib
import hmac
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from sharekit.errors import LedgerError
from sharekit.ledger.entry import Entry, beginning
from sharekit.ledger.log import Ledger
from sharekit.record.years import Years
from sharekit.vault.mentions import LOOKED, OTHER, USED, Mention
from sharekit.vault.vault import Vault

__all__ = ["Index", "Place", "event_key", "kind_of"]

TakeIn = Callable[[int, int, Sequence[tuple[int, bytes]]], None]  # the year, how far it was read by then, the rows
Place = tuple[Ledger, int, Entry]  # the ledger, the number of an entry in it, and the entry

PIECE = 4096  # entries read in one step
BEHIND, AT_ONCE = 256, 1024  # how far an act lets it fall behind, and how much an act reads at most
SUBJECT, DECISION = b"\x0a\x58\x20", b"\x16\x50"  # how those labels begin in an entry's bytes, and may in other bytes


def event_key(number: int) -> bytes:
    """The key of the entries of one event."""
    return number.to_bytes(2, "big")


def kind_of(entry: Entry, looked: int) -> int:
    """What an entry about a child says of it; `looked` is the number of the event of looking something up."""
    if entry.packet is not None or entry.decided is not None or entry.disclosed is True:
        return USED
    return LOOKED if entry.event == looked else OTHER


class Index:
    """The index of one agency's ledgers; what is about a child is there only with an `unlocked` vault.

    `looked` is the number of the event of looking something up.
    """

    def __init__(self, years: Years, vault: Vault, *, unlocked: bool, looked: int) -> None:
        self._years, self._vault, self._unlocked, self._looked = years, vault, unlocked, looked

    # --- what is asked ---

    def newest_first(self, key: bytes, year: int | None = None) -> Iterator[Place]:
        """The entries of a key, of every year or of one, newest first; no more is read than is asked for."""
        begun = self._catch_up_if_behind()
        for found, ledger in reversed(list(self._years.since(begun))):
            if year in (None, found):
                start = self._vault.located.reached(found)
                yield from self._newest(ledger, start, key)
                yield from self._located(key, found, (found, start))
        if year is None or year < begun:
            yield from self._located(key, year or 0, (begun if year is None else year + 1, 0))

    def _newest(self, ledger: Ledger, start: int, key: bytes) -> Iterator[Place]:
        """The entries of a key among the few from number `start` on, which were not read yet."""
        for seq, stored in itertools.takewhile(lambda row: row[0] >= start, ledger.newest_first(piece=BEHIND)):
            if key in _keys(stored):
                yield ledger, seq, Entry.decode(stored)

    def _located(self, key: bytes, first: int, before: tuple[int, int]) -> Iterator[Place]:
        for year, seq in self._vault.located.newest_first(key, first=first, before=before):
            ledger = self._years.of(year)
            stored = ledger.entry(seq)
            if key in _keys(stored):
                yield ledger, seq, Entry.decode(stored)

    def about(self, subject: int, kind: int, *, oldest: bool = False) -> Iterator[Place]:
        """The entries about a child, by the vault's number of it, newest first or oldest first."""
        self._find_strays()
        self._claim(subject)
        mentions = self._vault.mentions
        turn = mentions.oldest_first if oldest else mentions.newest_first
        return filter(None, map(self._stands, turn(subject, kind)))

    def looked_up(self) -> Iterator[Place]:
        """The look-ups of a child of whom nothing had been recorded until then."""
        for subject in self._only_looked_up():
            kinds = [self.about(subject, kind, oldest=True) for kind in (USED, OTHER)]
            begun = min((entry.time for kind in kinds for _, _, entry in itertools.islice(kind, 1)), default=None)
            looks = self.about(subject, LOOKED, oldest=True)
            yield from itertools.takewhile(lambda place: begun is None or place[2].time < begun, looks)  # noqa: B023

    def _only_looked_up(self) -> list[int]:
        """The children, by the vault's numbers, of whom somebody only looked at some time."""
        self._find_strays()
        for subject in self._vault.subjects.untried():
            self._claim(subject)
        return self._vault.mentions.looked_up()

    def _stands(self, mention: Mention) -> Place | None:
        """Where the entry of a mention stands; it is forgotten if there is none, as after a crash."""
        for year, ledger in itertools.islice(self._years.since(mention.year), 2):  # another may have closed the year
            for seq, stored in ledger.entries(mention.start if year == mention.year else 0, piece=4):
                if mention.nonce in stored and beginning(stored)[1] == mention.nonce:
                    return ledger, seq, Entry.decode(stored)
        self._vault.mentions.drop(mention)
        return None

    def _claim(self, subject: int) -> None:
        """Try a child's key on the entries that nobody has claimed, once."""
        tried = self._vault.subjects.tried(subject)
        strays = self._vault.mentions.strays(tried)
        first = next(strays, None)
        if first is None:
            return
        key, found, last = self._vault.subjects.key_of(subject), dict[int, Mention](), tried
        for last, mention, token in itertools.chain([first], strays):
            if hmac.digest(key, mention.nonce, "sha256") == token:
                found[last] = mention
        self._vault.mentions.claim(subject, found, tried=last)

    # --- held against the ledgers ---

    def misplaced(self) -> int:
        """How many entries are not in the vault under their keys, though it says that they were read; all are read
        again then.
        """
        begun, missing = self._vault.located.first_open(), 0
        for year, ledger in self._years.since(0):
            read = ledger.size if year < begun else self._vault.located.reached(year)
            known = self._vault.located.of(year)
            rows = itertools.islice(ledger.entries(), read)
            missing += sum(any((key, seq) not in known for key in _keys(stored)) for seq, stored in rows)
        if missing:
            with contextlib.suppress(LedgerError):  # a vault that cannot be written to can still be read
                self._vault.located.forget_all()
        return missing

    # --- keeping up ---

    def keep_up(self, ledger: Ledger, year: int) -> None:
        """Before an act: read some of what is missing, if that has become much; if it can be written down."""
        with contextlib.suppress(LedgerError):
            if ledger.seen - self._reached(year) >= BEHIND:
                self.catch_up(AT_ONCE)

    def _reached(self, year: int) -> int:
        located = self._vault.located.reached(year)
        return min(located, self._vault.mentions.reached(year)) if self._unlocked else located

    def _catch_up_if_behind(self) -> int:
        """Read what is missing, if that is much; the first year of which not everything was read for good."""
        begun = self._vault.located.first_open()
        for year, ledger in self._years.since(begun):
            size, reached = ledger.size, self._reached(year)
            if not size - BEHIND < reached <= size:
                self.catch_up()
                return self._vault.located.first_open()
        return begun

    def _find_strays(self) -> None:
        """Read what is missing, if that is much, or if the vault has no mention of one of the entries."""
        for year, ledger in self._years.since(self._catch_up_if_behind()):
            new = [stored for _, stored in ledger.entries(self._vault.mentions.reached(year)) if SUBJECT in stored]
            if self._vault.mentions.unknown([beginning(stored)[1] for stored in new]):
                self.catch_up()

    def catch_up(self, most: int | None = None) -> None:
        """Read the entries that were not read yet, or at most so many of a year."""
        before: int | None = None
        for year, ledger in self._years.since(self._vault.located.first_open()):
            if before is not None and self._unlocked and most is None:
                self._vault.located.finish(before)
            self._read(year, ledger, most)
            before = year

    def _read(self, year: int, ledger: Ledger, most: int | None) -> None:
        size = ledger.size
        if self._reached(year) > size:
            self._vault.located.forget(year)
        self._take(year, ledger, self._vault.located.reached(year), size, most, self._locate)
        if self._unlocked:
            self._take(year, ledger, self._vault.mentions.reached(year), size, most, self._mention)

    @staticmethod
    def _take(year: int, ledger: Ledger, start: int, size: int, most: int | None, take_in: TakeIn) -> None:
        end = size if most is None else min(size, start + most)
        entries = itertools.islice(ledger.entries(start), max(0, end - start))
        while rows := list(itertools.islice(entries, PIECE)):
            take_in(year, rows[-1][0] + 1, rows)

    def _locate(self, year: int, end: int, rows: Sequence[tuple[int, bytes]]) -> None:
        self._vault.located.add(year, end, [(key, seq) for seq, stored in rows for key in _keys(stored)])

    def _mention(self, year: int, end: int, rows: Sequence[tuple[int, bytes]]) -> None:
        """Those of the entries about a child that have no mention: by child where the packet tells, or as strays."""
        likely = {beginning(stored)[1]: (seq, stored) for seq, stored in rows if SUBJECT in stored}
        claimed, strays = defaultdict[int, list[Mention]](list), list[tuple[Mention, bytes]]()
        for nonce in sorted(self._vault.mentions.unknown(list(likely)), key=lambda each: likely[each][0]):
            seq, entry = likely[nonce][0], Entry.decode(likely[nonce][1])
            if entry.subject is None:
                continue
            mention = Mention(year, seq, nonce, kind_of(entry, self._looked))
            subject = self._subject_of(entry)
            if subject is None:
                strays.append((mention, entry.subject))
            else:
                claimed[subject].append(mention)
        self._vault.mentions.take_in(year, end, claimed, strays)

    def _subject_of(self, entry: Entry) -> int | None:
        """The child of the packet that an entry is about, if its key fits."""
        for subject in self._vault.kept.subjects_of(entry.packet) if entry.packet else ():
            if hmac.digest(self._vault.subjects.key_of(subject), entry.nonce, "sha256") == entry.subject:
                return subject
        return None


def _keys(stored: bytes) -> list[bytes]:
    """The keys under which an entry is found."""
    event, _, packet = beginning(stored)
    decision = Entry.decode(stored).decision if DECISION in stored else None
    return [event_key(event), *filter(None, (packet, decision))]
