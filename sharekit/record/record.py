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
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from sharekit import cbor
from sharekit.disk import durable
from sharekit.domain import profile, vocabulary
from sharekit.domain.identifiers import identifier_value
from sharekit.domain.terms import ShareTerms
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import AttestationRow, Ledger
from sharekit.ledger.move import Moved, move
from sharekit.ledger.postgres import Database
from sharekit.ledger.recheck import Progress, unseen
from sharekit.ledger.sqlite import Folder
from sharekit.ledger.storage import Shelf
from sharekit.moments import seconds_of
from sharekit.policy.use import Use
from sharekit.record.codes import Matter, coded, footing, said_of, wording
from sharekit.record.standing import Finish, Standing, Standings
from sharekit.record.years import Years
from sharekit.values import Value
from sharekit.vault.actions import Action, Promise
from sharekit.vault.box import Detail
from sharekit.vault.vault import Vault

__all__ = ["Actor", "Facts", "Record"]


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
    """One agency's record: its ledgers, in files of `home` or in a `database`, and its `vault`.

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
        self._shelf = self._shelf_of(database)
        self._years = Years(
            self._shelf,
            self.vault,
            org_id=org_id,
            log_key=log_key,
            demonstration=demonstration,
            closing=self._closing,
        )
        self._standings = Standings(self._years, self.vault, self.index_key)

    @property
    def index_key(self) -> bytes:
        """32 bytes that key what a locked home must be able to look up; they are as private as the log key."""
        return sha256(bytes(self._log_key)).digest()

    def close(self) -> None:
        """Close the ledgers, after a last look at where they end, and the vault; what comes later opens them again."""
        with contextlib.closing(self.vault):
            self._years.close()

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

    def append(self, events: str | Sequence[str], facts: Facts, *, now: datetime) -> int:
        """Append one entry for every code in `events` to this year's ledger, in one commit; the number of the first.

        A promise in `facts` is for a single event. What the vault holds is written before.
        """
        names = [events] if isinstance(events, str) else events
        if facts.promise:
            return self._append_promised(*names, facts=facts, promise=facts.promise, now=now)
        nonces = [os.urandom(16) for _ in names]
        details = [self._detail(nonce, facts) for nonce in nonces]
        if any(details):
            self.vault.keep_details(*filter(None, details))
        made = (self._entry(*one, facts, now) for one in zip(names, nonces, details, strict=True))
        return self.ledger(now).append(*made)

    def _append_promised(self, event: str, *, facts: Facts, promise: Promise, now: datetime) -> int:
        """The one entry that a promise is for; what the vault holds for it counts when it has been appended."""
        with self._promising():
            nonce = os.urandom(16)
            detail = self._detail(nonce, facts)
            self.vault.actions.promise(nonce, promise, detail, now=now)
            number = self.ledger(now).append(self._entry(event, nonce, detail, facts, now))
            self.vault.actions.settle(nonce)
        return number

    def open_actions(self, reference: bytes | None = None) -> list[Action]:
        """What is still to be done, soonest first: everything, or what is about the packet or decision `reference`.

        It needs no passphrase.
        """
        if self.vault.actions.pending():
            with self._promising():
                pass
        return self.vault.actions.open(reference)

    @contextlib.contextmanager
    def _promising(self) -> Iterator[None]:
        """For one promise at a time, after what a crash has left of earlier ones is put right."""
        with durable.typed(), durable.locked(self._folder / "promise"):
            for nonce, since in self.vault.actions.pending():
                if self._has_entry(nonce, since):
                    self.vault.actions.settle(nonce)
                else:
                    self.vault.actions.withdraw(nonce)
            yield

    def _has_entry(self, nonce: bytes, since: datetime) -> bool:
        entries = self.ledger(since).entries()
        return any(nonce in stored and Entry.decode(stored).nonce == nonce for _, stored in entries)

    def _entry(self, event: str, nonce: bytes, detail: Detail | None, facts: Facts, now: datetime) -> Entry:
        kind = vocabulary.load("ledger-events")[event]
        named = facts.terms.profile if facts.terms else facts.profile
        said: dict[str, Any] = {**footing(facts.terms, facts.use, now=now)}
        said |= said_of(facts.terms, now=now) if facts.terms and not facts.use else {}
        said |= facts.matter.parts() if facts.matter else {}
        return Entry(
            event=kind.number,
            time=seconds_of(now),
            nonce=nonce,
            packet=facts.packet,
            file=facts.file,
            checkpoint=facts.checkpoint,
            rule=facts.rule,
            counterparties=tuple(facts.counterparties) or None,
            subject=self._subject_token(facts.identifiers, nonce),
            detail=detail.commitment if detail else None,
            profile=profile.load(named).number if named else None,
            rationale=self._rationale_token(facts.rationale, now),
            left_out=min(facts.left_out, 65535) or None,
            **coded(purpose=facts.purpose, outcome=facts.outcome, act=kind.more.get("act"), reported=facts.reported),
            **said,
        )

    def _subject_token(self, identifiers: Sequence[tuple[str, str]], nonce: bytes) -> bytes | None:
        """A token that only the subject's key connects to the next one."""
        key = self.vault.subjects.key(identifiers) if identifiers else None
        return hmac.digest(key, nonce, "sha256") if key else None

    def _rationale_token(self, texts: Sequence[str], now: datetime) -> bytes | None:
        """A token that the same reasons have again in this ledger, and in no other; None while the vault is locked."""
        words = wording(texts)
        return self.vault.wording_token(self.ledger(now).origin, words)[:16] if words and self._unlocked else None

    def _detail(self, nonce: bytes, facts: Facts) -> Detail | None:
        """Who acted and why, for the vault, sealed; the entry commits to it. Locked, nobody is named."""
        words = {"by": self._actor.person, "role": self._actor.role, "policy": facts.policy}
        said: dict[str, Any] = {name: value for name, value in words.items() if value}
        said |= facts.use.words() if facts.use else {}
        promised = facts.promise.words if facts.promise else {}
        return self.vault.detail(nonce, {**said, **promised}) if promised or (said and self._unlocked) else None

    def entries(self, now: datetime) -> Iterator[tuple[int, Entry]]:
        """This year's entries with their numbers, oldest first."""
        return ((seq, Entry.decode(stored)) for seq, stored in self.ledger(now).entries())

    def numbered(self, now: datetime) -> Iterator[tuple[str, int, Entry]]:
        """The entries of every year, newest year first: the ledger's name, the entry's number in it, and the entry."""
        for ledger in self._years.newest_first(now):
            for seq, stored in ledger.entries():
                yield ledger.origin, seq, Entry.decode(stored)

    def all_entries(self, now: datetime) -> Iterator[Entry]:
        """The entries of every year, newest year first."""
        return (entry for _, _, entry in self.numbered(now))

    def newest(self, event: str, *, now: datetime) -> Entry | None:
        """The newest entry of one event, of whatever year; None if there is none."""
        number = vocabulary.load("ledger-events")[event].number
        head = b"\x01" + cbor.encode(number)  # its first part, so that not every entry need be decoded
        for ledger in self._years.newest_first(now):
            found = [stored for _, stored in ledger.entries() if stored.startswith(head, 1)]
            if found:
                return Entry.decode(found[-1])
        return None

    def find(self, *, now: datetime, event: str | None = None, decision: bytes = b"") -> list[tuple[int, Entry]]:
        """The entries of one event, or about the decision with this number, or both, of every year, oldest first.

        They come with their numbers in the ledger of their year.
        """
        number = vocabulary.load("ledger-events")[event].number if event else None
        head = cbor.encode({1: number})[1:] if event else b""  # what the first bytes of its entries hold, undecoded
        found: list[tuple[int, Entry]] = []
        for ledger in self._years.newest_first(now):
            likely = (row for row in ledger.entries() if head in row[1][:8] and decision in row[1])
            found[:0] = [(seq, Entry.decode(stored)) for seq, stored in likely]
        return [row for row in found if number in (None, row[1].event) and decision in (b"", row[1].decision)]

    def about(self, scheme: str, value: str, *, limit: int, now: datetime) -> list[tuple[int, Entry]]:
        """The newest entries about one child, at most `limit`, of every year, newest first, with their numbers.

        The look-up is itself recorded first. Raises FieldInvalid for a number that cannot be right: a slip of the
        keys would find nothing, and that would look like an answer.
        """
        value = identifier_value(scheme, value)
        key = self.vault.subjects.find(scheme, value)
        found = Facts(identifiers=[(scheme, value)]) if key else Facts(outcome="nobody-found")
        self.append("consulted", found, now=now)
        return list(itertools.islice(self._about(key, now), limit)) if key else []

    def _about(self, key: bytes, now: datetime) -> Iterator[tuple[int, Entry]]:
        for ledger in self._years.newest_first(now):
            entries = ((seq, Entry.decode(stored)) for seq, stored in ledger.entries())
            yield from [(seq, entry) for seq, entry in entries if _is_use(entry) and _is_about(entry, key)][::-1]

    def accepted(self, now: datetime) -> frozenset[bytes]:
        """The fingerprints of all cards that were ever accepted here, as the ledgers of all years have it."""
        event = vocabulary.load("ledger-events")["trusted"].number
        ledgers = (ledger.entries() for ledger in self._years.newest_first(now))
        entries = (Entry.decode(stored) for _, stored in itertools.chain.from_iterable(ledgers))
        return frozenset(entry.file for entry in entries if entry.event == event and entry.file)

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
        """Write an export of the ledger of a year, or of this year's, for auditors; how many entries are in it.

        That it was made is recorded first, in this year's ledger. `cards` are (organisation id, card), `stamps` (note,
        time stamp), and `attestations` (organisation id, our note as the partner cosigned it or None, the partner's
        entry, its proof). Raises Usage if the year has no ledger, OutputUnwritable.
        """
        ledger = self.ledger_of(year or now.year, now)
        self.append("exported", Facts(), now=now)
        ledger.export(path, cards, attestations, stamps)
        return ledger.size

    # --- the ledgers, one a year ---

    def ledger(self, now: datetime) -> Ledger:
        """The ledger of the year of `now`, begun if the year is new."""
        return self._years.ledger(now)

    def ledger_of(self, year: int, now: datetime) -> Ledger:
        """The ledger of a year that has one; Usage otherwise."""
        return self._years.ledger_of(year, now)

    def move(self, database: str | None, *, switch: Callable[[], None], progress: Progress = unseen) -> list[Moved]:
        """Move the ledgers of all years to a database, or with None to the home's folder; errors as in `ledger/move`.

        `switch` is called when they are all there, and has to make the home use them; `progress` as in `ledger/move`.
        """
        with contextlib.closing(self._shelf_of(database)) as there:
            return move(self._shelf, there, org_id=self._org_id, key=self._log_key, switch=switch, progress=progress)

    def _shelf_of(self, database: str | None) -> Shelf:
        return Folder(self._folder) if database is None else Database(database)

    def _closing(self, now: datetime) -> Entry:
        return self._entry("closed", os.urandom(16), None, Facts(), now)


def _is_use(entry: Entry) -> bool:
    """Whether an entry tells what became of data: a packet, a decision about one, or an adviser who was told."""
    return entry.packet is not None or entry.decided is not None or entry.disclosed is True


def _is_about(entry: Entry, subject_key: bytes) -> bool:
    return entry.subject is not None and hmac.digest(subject_key, entry.nonce, "sha256") == entry.subject
