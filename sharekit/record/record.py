"""`Record`: what happened, as entries of the ledger; what must be forgettable about it goes to the vault first.

The two files are never atomic together: a vault row without its entry is harmless, an entry without its row
would be a promise nobody can keep. What is promised (open actions, the words of a decision) counts once its entry
is there. An unknown code that somebody typed is recorded as absent, never as typed.
"""

from __future__ import annotations

import contextlib
import hmac
import itertools
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from sharekit.disk import durable
from sharekit.domain import profile, vocabulary
from sharekit.domain.identifiers import identifier_value
from sharekit.domain.terms import ShareTerms
from sharekit.errors import LedgerError, MayOnlyRead
from sharekit.ledger.entry import Entry, beginning
from sharekit.ledger.log import AttestationRow, Ledger
from sharekit.ledger.move import Moved, move, under_way, undo_stopped
from sharekit.ledger.postgres import Database
from sharekit.ledger.recheck import Progress, unseen
from sharekit.ledger.sqlite import Folder
from sharekit.ledger.storage import PIECE, Shelf
from sharekit.moments import clock_of, seconds_of
from sharekit.policy.use import Use
from sharekit.record import clock
from sharekit.record.codes import Matter, coded, footing, said_of, wording
from sharekit.record.index import Index, Place, event_key
from sharekit.record.standing import Finish, Standing, Standings
from sharekit.record.years import Making, Years, year_of
from sharekit.values import Value
from sharekit.vault.actions import Action, Promise
from sharekit.vault.box import Detail
from sharekit.vault.mentions import LOOKED, OTHER, USED, Mention
from sharekit.vault.vault import Vault

__all__ = ["Actor", "Facts", "Record"]

CONFIRMED = "clock-confirmed"  # the event that no clock makes doubtful


class Facts(Value, kw_only=True):
    """What is known of an event, for its entry and for what the vault holds about it.

    `packet` is a packet's 16-byte number, `file` the SHA-256 of its file, `checkpoint` that of a note, and `policy`
    that of the local policy that decided, where there is one. `purpose`, `outcome`, `profile` and `reported`, which is
    what a receipt reports, are codes; `counterparties` are ids of organisations. `left_out` is how many fields did not
    go or were not shown. `identifiers`, pairs of a scheme and a value, are the child's: they leave as a token only.
    Of the texts in `rationale` a keyed token is kept, and no word. `promise` counts once the entry is there.
    """

    packet: bytes | None = None
    file: bytes | None = None
    purpose: str | None = None
    outcome: str = "done"
    rule: str | None = None
    counterparties: Sequence[str] = ()
    identifiers: Sequence[tuple[str, str]] = ()
    checkpoint: bytes | None = None
    terms: ShareTerms | None = None
    use: Use | None = None
    profile: str | None = None
    matter: Matter | None = None
    promise: Promise | None = None
    policy: bytes | None = None
    rationale: Sequence[str] = ()
    left_out: int = 0
    reported: str | None = None


class Actor(Value):
    """Who acts, by name and role, as the vault keeps it; the ledger never names a person."""

    person: str | None = None
    role: str | None = None


class Record:
    """One agency's record: its ledgers of all `years`, in files of `home` or in a `database`, and its `vault`.

    Without `vault_key` the vault is locked, and entries name no person. Raises LedgerError where one of the two
    cannot be written or read, and LedgerTampered where a ledger must not be believed.
    """

    def __init__(
        self,
        home: Path,
        *,
        org_id: str,
        log_key: SigningKey,
        vault_key: bytes | None,
        demonstration: bool,
        actor: Actor,
        database: str | None = None,
    ) -> None:
        self.vault = Vault(home / "vault.db", vault_key)
        self._folder, self._org_id, self._log_key = home / "ledger", org_id, log_key
        self._unlocked, self._actor = vault_key is not None, actor
        self._is_shared, self._shelf = database is not None, self._shelf_of(database)
        self.years = Years(
            self._shelf,
            self.vault,
            org_id=org_id,
            log_key=log_key,
            demonstration=demonstration,
            closing=self._closing,
        )
        self._standings = Standings(self.years, self.vault, self.index_key)
        self._looked = vocabulary.load("ledger-events")["consulted"].number
        self.index = Index(self.years, self.vault, unlocked=self._unlocked, looked=self._looked)

    @property
    def index_key(self) -> bytes:
        """32 bytes that key what a locked home must be able to look up; they are as private as the log key."""
        return sha256(bytes(self._log_key)).digest()

    @property
    def keeps_all_words(self) -> bool:
        """Whether the vault has the words of every entry: servers that share a database have a vault each."""
        return not self._is_shared

    def close(self) -> None:
        """Close the ledgers, after a last look at where they end, and the vault; what comes later opens them again."""
        with contextlib.closing(self.vault):
            self.years.close()

    @contextlib.contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Keep everybody else out of such a block, in any process: for looking, appending and remembering as one."""
        with durable.typed(), durable.locked(self._folder / "once"):
            yield

    def standing(self) -> Standing:
        """What the entries of every year say holds now, those of other processes and servers included.

        LedgerTampered if they do not lead to the signed checkpoints.
        """
        return self._standings.now()

    def finish(self, event: str, act: Finish) -> None:
        """Have `act` called with entries of `event` that this home has not yet read since, to do what they say.

        So what was stopped after its entry is finished by whatever is done next. It may get the same entries again.
        """
        self._standings.finish(event, act)

    def moment(self, now: datetime) -> datetime:
        """What the time that the clock says stands for beside the record."""
        return self._standings.moment(now)

    def append(self, events: str | Sequence[str], facts: Facts, *, now: datetime) -> int:
        """Append one entry for every code in `events` in one commit; the number of the first in the newest ledger.

        A promise in `facts` is for a single event. What the vault holds is written before. The entries are of the time
        that the clock says; where that may be wrong, they say so.
        """
        now = self.moment(now)
        names = [events] if isinstance(events, str) else events
        if facts.promise:
            return self._append_promised(*names, facts=facts, promise=facts.promise, now=now)
        return self._append([(name, facts) for name in names], now)

    def append_all(self, event: str, many: Sequence[Facts], *, now: datetime) -> int:
        """Append one entry of an event for each of the facts, in one commit: all or none; the number of the first.

        Of a promise in them only the words count.
        """
        return self._append([(event, facts) for facts in many], self.moment(now))

    def _append(self, events: Sequence[tuple[str, Facts]], now: datetime) -> int:
        self.standing()  # finishes first what a killed process has left undone
        self.index.keep_up(ledger := self.begin(now), year_of(ledger))
        nonces = [os.urandom(16) for _ in events]
        details = [self._detail(nonce, facts) for nonce, (_, facts) in zip(nonces, events, strict=True)]
        if any(details):
            self.vault.keep_details(*filter(None, details))
        given = list(zip(events, nonces, details, strict=True))
        return self._write(
            lambda ledger: [self._entry(*each, nonce, detail, now, ledger) for each, nonce, detail in given], now
        )

    def _write(self, make: Making, now: datetime) -> int:
        return self.years.append(make, now, first=self._standings.edition_entries)

    def _append_promised(self, event: str, *, facts: Facts, promise: Promise, now: datetime) -> int:
        """The one entry that a promise is for; what the vault holds for it counts when it has been appended."""
        self.standing()  # as in _append
        with self._promising():
            nonce = os.urandom(16)
            detail = self._detail(nonce, facts)
            start = self.begin(now).seen
            self.vault.actions.promise(nonce, promise, detail, now=now, start=start)
            number = self._write(lambda ledger: [self._entry(event, facts, nonce, detail, now, ledger)], now)
            with contextlib.suppress(LedgerError):  # it is on the record; whoever promises next settles it
                self.vault.actions.settle(nonce)
        return number

    def open_actions(self, reference: bytes | None = None, *, until: datetime | None = None) -> list[Action]:
        """What is still to be done, soonest first: everything, or what is about the packet or decision `reference`.

        With `until`, only what is due by then. It needs no passphrase.
        """
        if self.vault.actions.pending():
            with self._promising():
                pass
        return self.vault.actions.open(reference, until=until)

    @contextlib.contextmanager
    def _promising(self) -> Iterator[None]:
        """For one promise at a time, after what a crash has left of earlier ones is put right."""
        with durable.typed(), durable.locked(self._folder / "promise"):
            for nonce, _, start in self.vault.actions.pending():
                if self._has_entry(nonce, start):
                    self.vault.actions.settle(nonce)
                else:
                    self.vault.actions.withdraw(nonce)
            yield

    def _has_entry(self, nonce: bytes, start: int) -> bool:
        newest, *before = itertools.islice(self.years.newest_first(), 2)  # the year may have turned since
        entries = itertools.chain(newest.entries(start), *(each.entries(start) for each in before), newest.entries())
        return any(nonce in stored and beginning(stored)[1] == nonce for _, stored in entries)

    def _entry(
        self, event: str, facts: Facts, nonce: bytes, detail: Detail | None, now: datetime, ledger: Ledger
    ) -> Entry:
        kind = vocabulary.load("ledger-events")[event]
        named = facts.terms.profile if facts.terms else facts.profile
        said: dict[str, Any] = {**footing(facts.terms, facts.use, now=now)}
        said |= said_of(facts.terms, now=now) if facts.terms and not facts.use else {}
        said |= facts.matter.parts() if facts.matter else {}
        return Entry(
            event=kind.number,
            time=seconds_of(clock_of(now)),
            nonce=nonce,
            packet=facts.packet,
            file=facts.file,
            checkpoint=facts.checkpoint,
            rule=facts.rule,
            counterparties=tuple(facts.counterparties) or None,
            subject=self._subject_token(kind.number, facts, nonce, ledger),
            detail=detail.commitment if detail else None,
            profile=profile.load(named).number if named else None,
            rationale=self._rationale_token(facts.rationale, ledger.origin),
            left_out=min(facts.left_out, 65535) or None,
            doubtful=clock.mark(now) if event != CONFIRMED else None,
            **coded(purpose=facts.purpose, outcome=facts.outcome, act=kind.more.get("act"), reported=facts.reported),
            **said,
        )

    def _subject_token(self, event: int, facts: Facts, nonce: bytes, ledger: Ledger) -> bytes | None:
        """A token that only the subject's key connects to the next one, once the vault knows of the entry."""
        if not facts.identifiers:
            return None
        tells = facts.packet or (facts.matter and (facts.matter.decided or facts.matter.disclosed))
        kind = USED if tells else LOOKED if event == self._looked else OTHER
        key = self.vault.subjects.mentioned(facts.identifiers, Mention(year_of(ledger), ledger.seen, nonce, kind))
        return hmac.digest(key, nonce, "sha256") if key else None

    def _rationale_token(self, texts: Sequence[str], origin: str) -> bytes | None:
        """A token that the same reasons have again in this ledger, and in no other; None while the vault is locked."""
        words = wording(texts)
        return self.vault.wording_token(origin, words)[:16] if words and self._unlocked else None

    def _detail(self, nonce: bytes, facts: Facts) -> Detail | None:
        """Who acted and why, for the vault, sealed; the entry commits to it. Locked, nobody is named."""
        words = {"by": self._actor.person, "role": self._actor.role, "policy": facts.policy}
        said: dict[str, Any] = {name: value for name, value in words.items() if value}
        said |= facts.use.words() if facts.use else {}
        promised = facts.promise.words if facts.promise else {}
        return self.vault.detail(nonce, {**said, **promised}) if promised or (said and self._unlocked) else None

    def located(self, key: bytes | str, year: int | None = None) -> Iterator[Place]:
        """The entries about a packet or a decision, by its number, or of one event, newest first, and read one by one.

        They are of every year or of one, and come with the ledger that they stand in and their number there.
        """
        if isinstance(key, str):
            key = event_key(vocabulary.load("ledger-events")[key].number)
        return self.index.newest_first(key, year)

    def newest(
        self, ledger: Ledger, year: int, *, limit: int | None, packet: bytes | None, event: str | None
    ) -> list[tuple[int, Entry]]:
        """The newest entries of the ledger of a year, at most `limit`, oldest first, with their numbers.

        With `packet`, those about that packet; with `event`, those of that event.
        """
        number = vocabulary.load("ledger-events")[event].number if event else None
        if packet or event:
            places = self.located(packet or event or "", year)
            found = ((seq, entry) for _, seq, entry in places if number in (None, entry.event))
        else:
            found = ((seq, Entry.decode(stored)) for seq, stored in ledger.newest_first(piece=limit or PIECE))
        return list(itertools.islice(found, limit and min(limit, sys.maxsize)))[::-1]

    def find(self, *, event: str | None = None, decision: bytes = b"") -> list[tuple[int, Entry]]:
        """The entries of one event, or about the decision with this number, or both, of every year, oldest first.

        They come with their numbers in the ledger of their year.
        """
        number = vocabulary.load("ledger-events")[event].number if event else None
        found = [(seq, entry) for _, seq, entry in self.located(decision or event or "")]
        return [row for row in found[::-1] if number in (None, row[1].event)]

    def about_packets(self, packets: Collection[bytes]) -> list[Entry]:
        """The entries about packets with these numbers, of every year, packet by packet, oldest first."""
        return [entry for packet in packets for _, _, entry in list(self.located(packet))[::-1]]

    def all_entries(self, now: datetime) -> Iterator[Entry]:
        """Every entry of every year, newest first."""
        return (Entry.decode(data) for ledger in self.years.newest_first() for _, data in ledger.newest_first())

    def about(self, scheme: str, value: str, *, limit: int, now: datetime) -> list[tuple[int, Entry]]:
        """The newest entries about one child, at most `limit`, of every year, newest first, with their numbers.

        The look-up is itself recorded first. Raises FieldInvalid for a number that cannot be right: a slip of the
        keys would find nothing, and that would look like an answer.
        """
        value = identifier_value(scheme, value)
        self.standing()  # a child whose key was destroyed is not found by a vault that was put back
        subject = self.vault.subjects.number(scheme, value)
        found = Facts(outcome="nobody-found") if subject is None else Facts(identifiers=[(scheme, value)])
        self.append("consulted", found, now=now)
        uses = self.index.about(subject, USED) if subject is not None else iter(())
        return [(seq, entry) for _, seq, entry in itertools.islice(uses, min(limit, sys.maxsize))]

    def looked_up(self) -> Iterator[Place]:
        """The look-ups of a child of whom nothing had been recorded until then, as far as the child is still known."""
        return self.index.looked_up()

    def export(
        self,
        path: Path,
        cards: Iterable[tuple[str, bytes]],
        attestations: Iterable[AttestationRow],
        stamps: Iterable[tuple[str, bytes]],
        *,
        now: datetime,
        year: int | None = None,
    ) -> int:
        """Write an export of the ledger of a year, or of the newest, for auditors; how many entries are in it.

        That is recorded first, unless the role that asks may only read. `cards` are (organisation id, card), `stamps`
        (note, time stamp), and `attestations` (organisation id, our note as the partner cosigned it or None, the
        partner's entry, its proof). Raises Usage if the year has no ledger, OutputUnwritable.
        """
        ledger = self.ledger_of(year, now)
        with contextlib.suppress(MayOnlyRead):
            self.append("exported", Facts(), now=now)
        ledger.export(path, cards, attestations, stamps, notes=self._folder.parent)
        return ledger.size

    # --- the ledgers, one a year ---

    def ledger(self, now: datetime) -> Ledger:
        """The ledger of the newest year, in which the record goes on; nobody begins one by looking."""
        return self.years.latest()

    def begin(self, now: datetime) -> Ledger:
        """The ledger that an act at `now` goes to, begun if there is none, or if the year is new."""
        return self.years.for_act(self.moment(now))

    def ledger_of(self, year: int | None, now: datetime) -> Ledger:
        """The ledger of a year, the newest where it is None; Usage if that year has none."""
        return self.years.latest() if year is None else self.years.of(year)

    def move(self, database: str | None, *, switch: Callable[[], None], progress: Progress = unseen) -> list[Moved]:
        """Move the ledgers of all years to a database, or with None to the home's folder; errors as in `ledger/move`.

        `switch` is called when they are all there, and has to make the home use them; `progress` as in `ledger/move`.
        """
        with under_way(self._folder), contextlib.closing(self._shelf_of(database)) as there:
            return move(self._shelf, there, org_id=self._org_id, key=self._log_key, switch=switch, progress=progress)

    def undo_stopped_move(self, is_used: Callable[[], bool]) -> None:
        """Have the ledgers take entries again, if a move of them was stopped while the home still used them."""
        with contextlib.suppress(LedgerError), durable.typed():  # whoever uses them will be told
            undo_stopped(self._shelf, self._org_id, self._folder, is_used=is_used)

    def _shelf_of(self, database: str | None) -> Shelf:
        return Folder(self._folder) if database is None else Database(database)

    def _closing(self, now: datetime) -> Entry:
        return self._entry("closed", Facts(), os.urandom(16), None, now, self.years.latest())
