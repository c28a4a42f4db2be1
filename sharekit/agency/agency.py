"""`Agency`: the only place where packets meet the record, so that nothing is sealed or opened unlogged.

Every entry is committed before bytes leave or data is shown; if the ledger cannot be written, nothing happens.

>>> about = {"org_type": "local-authority-csc", "name": "Birchmoor Council", "phone": "01632 960901"}
>>> birchmoor = sharekit.Agency.create("birchmoor", org_id="E10999009", **about)
>>> pin = birchmoor.trust.add(quillbrook.card())  # and its fingerprint, once read out over the telephone
>>> pin = quillbrook.trust.add(birchmoor.card())
>>> packet = birchmoor.seal(dataset, terms, to=["ZZQ01"])
>>> quillbrook.verify(packet).sender
'E10999009'
>>> confirm = {"date_of_birth": dataset["date_of_birth"]}
>>> share = quillbrook.open(packet, purpose=terms["purpose"], confirm=confirm)
>>> share.fields["plan_type"]
'cpp'
>>> birchmoor.close()
>>> birchmoor = sharekit.Agency.load("birchmoor")
>>> birchmoor.ledger.size
3
>>> birchmoor.close()
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sharekit.agency import home as homes
from sharekit.agency import ledgers
from sharekit.agency.clock import CLOCK, Clock, clock
from sharekit.agency.keys import OwnKeys, at_rest, check_own, log_key, recovered
from sharekit.agency.lookups import LookUps
from sharekit.agency.trust import AgencyTrust
from sharekit.domain.profile import Minimised
from sharekit.domain.terms import ShareTerms
from sharekit.errors import Usage
from sharekit.exchange.ask_advice import AskingAdvice
from sharekit.exchange.cosigning import Cosigning
from sharekit.exchange.decisions import Decisions
from sharekit.exchange.destroy import Retention
from sharekit.exchange.local_policy import OwnPolicy
from sharekit.exchange.modes import handlers
from sharekit.exchange.post import Post, Received
from sharekit.exchange.receipts import Receipts
from sharekit.exchange.receive import Opened, Receiving, Verified
from sharekit.exchange.send import Sealed, Sending
from sharekit.exchange.signer import Signer
from sharekit.exchange.stamping import Stamping
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.ledger.move import Moved
from sharekit.ledger.recheck import Progress, unseen
from sharekit.packet.seal import Sender
from sharekit.policy.use import Use
from sharekit.record.clock import told
from sharekit.record.record import CONFIRMED, Actor, Facts, Record
from sharekit.trust import passphrases
from sharekit.trust.cards import Card
from sharekit.trust.keys import Keys
from sharekit.trust.store import Trust
from sharekit.values import replace
from sharekit.vault.vault import Vault

__all__ = ["Agency"]


class Agency:
    """One organisation on this machine: its home, its keys, its partners, its record.

        with sharekit.Agency.load("~/fernshire") as agency:
            packet = agency.seal(dataset, terms, to="ZZQ01")

    What everybody does stands here: `seal`, `verify`, `open` and `receive` packets, read the `ledger`, `export` it.
    Its own keys are locked anew, copied and put on a new card by `own_keys`.
    The rest stands in parts, each of one subject:

        trust           the cards of partners that are believed here
        sending         what sealing would find, leaving fields out, the outbox
        receipts        what partners said of packets sealed here
        witness         checkpoints cosigned for partners and by them, and the forks that were noticed
        stamps          time stamps of checkpoints
        decisions       decisions to share or not to share, and what is still to be done
        advice          briefs that ask for advice without naming the child
        lookups         what is recorded about one child
        retention       what is kept until when, legal holds, destroying
        local_policy    what this agency does otherwise than the shipped policy
        record          the ledgers of all years and the vault, below all of these
    """

    def __init__(self, home: Path, *, private: Keys | None, person: str | None = None, role: str | None = None) -> None:
        about, own = homes.read_about(home), homes.read_card(home)
        self.home, self._log_key = home, log_key(home)
        self._signer = Signer(own, private, person or about.get("person"), role or about.get("role"))
        self.record = Record(
            home,
            org_id=own.org_id,
            log_key=self._log_key,
            vault_key=private.vault if private else None,
            demonstration=own.demonstration,
            actor=Actor(self.person, self.role),
            database=about.get("ledger"),
        )
        self.record.undo_stopped_move(lambda: homes.read_about(home).get("ledger") == about.get("ledger"))
        self._clock = Clock(self.record.moment, demonstration=own.demonstration)
        self._take(own)

    def _take(self, own: Card) -> None:
        """Go by this card from now on."""
        self._signer = replace(self._signer, card=own)
        self.trust = AgencyTrust(self.home / "trust", own, self.record, self._clock)
        self._make_parts(self._signer, self.record, self.trust, self._clock)

    def _make_parts(self, signer: Signer, record: Record, trust: Trust, clock: Callable[[], datetime]) -> None:
        """Every part gets what it needs, and none of them the agency."""
        outbox = self.home / "outbox"
        post = Post(signer, record, trust, outbox)
        self.decisions, self.advice = Decisions(record, clock), AskingAdvice(record, trust, clock)
        self.lookups, self.stamps = LookUps(signer, record, clock), Stamping(record, clock)
        self.witness = witness = Cosigning(signer, record, trust, post, clock)
        self.receipts = receipts = Receipts(signer, record, post, witness, clock)
        self.local_policy = policy = OwnPolicy(self.home, signer, record, clock)
        self.retention = retention = Retention(record, outbox, clock)
        self.sending = Sending(signer, record, trust, policy=policy, retention=retention, outbox=outbox, clock=clock)
        self._receiving = Receiving(
            signer,
            record,
            trust,
            policy=policy,
            retention=retention,
            receipts=receipts,
            handlers=handlers(receipts=receipts, cosigning=witness),
            clock=clock,
        )

    # --- a home ---

    @classmethod
    def create(
        cls,
        home: str | Path,
        *,
        org_id: str,
        org_type: str,
        name: str,
        phone: str,
        out_of_hours_phone: str | None = None,
        classical: bool = False,
        passphrase: str | None = None,
        person: str | None = None,
        role: str | None = None,
    ) -> Agency:
        """Make an agency's home, whole or not at all.

        Raises Usage if there is one already or a detail is not usable, FieldInvalid, UnknownCode for the type,
        OutputUnwritable.
        """
        place = Path(os.path.expanduser(home))
        about = homes.checked(org_id, org_type, name, phone, out_of_hours_phone)
        if passphrase is not None:
            passphrases.check_new(passphrase)
        demonstration = bool(os.environ.get(CLOCK))
        now = clock(demonstration=demonstration)
        with homes.new_home(place) as folder:
            card = Card.make(private := Keys.generate(classical), issued=now, demonstration=demonstration, **about)
            who = {"person": person, "role": role}
            homes.write_home(folder, card, private, passphrase=passphrase, about=who)
            Vault.create(folder / "vault.db", private.vault)
            with cls(folder, private=private) as first:
                first.record.begin(now)
        return cls(place, private=private)

    @classmethod
    def load(
        cls, home: str | Path, passphrase: str | None = None, *, person: str | None = None, role: str | None = None
    ) -> Agency:
        """The agency whose home this is; with its keys locked if they need a passphrase and none is given.

        `person` and `role` say who acts, where it is not whom the home names. Raises Usage if there is no home,
        WrongPassphrase, Malformed if its files are damaged.
        """
        place = Path(os.path.expanduser(home))
        homes.sweep(place)
        if not homes.is_home(place):
            raise Usage("there is no sharekit home there", hint="make one with: sharekit init")
        found = cls(place, private=at_rest(place, passphrase), person=person, role=role)
        check_own(found._signer, found._log_key)
        return found

    @classmethod
    def recover(
        cls, home: str | Path, copy: bytes, secret: str, passphrase: str | None = None, **actor: str | None
    ) -> Agency:
        """The agency whose passphrase was lost, locked anew with its keys from a copy; `actor` as in `load`.

        `copy` and `secret` are those of `own_keys.recovery_copy`, the secret as it was printed. Raises Usage for a slip
        in it, for a short passphrase, and for another home's copy; WrongPassphrase, Malformed.
        """
        private = recovered(place := Path(os.path.expanduser(home)), copy, secret)
        found = cls(place, private=private, **actor)
        check_own(found._signer, found._log_key)
        found.own_keys.lock_recovered(passphrase, copy)
        return found

    def close(self) -> None:
        """Close the files of the ledgers and of the vault."""
        self.record.close()

    def __enter__(self) -> Agency:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- who this is ---

    @property
    def org_id(self) -> str:
        return self._signer.org_id

    @property
    def org_type(self) -> str:
        return self._signer.org_type

    @property
    def demonstration(self) -> bool:
        """Whether this home is a demonstration, which live homes do not believe."""
        return self._signer.card.demonstration

    @property
    def person(self) -> str | None:
        """Who acts for it, or None where nobody is named."""
        return self._signer.person

    @property
    def role(self) -> str | None:
        """The role of that person, or None."""
        return self._signer.role

    @property
    def keys(self) -> Keys:
        """The private keys; WrongPassphrase while they are locked."""
        return self._signer.keys

    @property
    def own_keys(self) -> OwnKeys:
        """What can be done with them: another passphrase, a copy for recovery, a new card for the same keys."""
        return OwnKeys(self.home, self._signer, self.record, self.trust, clock=self._clock, renewed=self._take)

    @property
    def unlocked(self) -> bool:
        """Whether the private keys are here."""
        return self._signer.unlocked

    def card(self) -> bytes:
        """The signed public card, to give to partners."""
        return self._signer.card.data

    def sender(self) -> Sender:
        """What `sharekit.seal` takes as sender, without a checkpoint; WrongPassphrase while the keys are locked."""
        return self._signer.sender()

    def clock(self) -> datetime:
        """The time of the machine in UTC and whole seconds, or in a demonstration what SHAREKIT_NOW says.

        Usage if that variable is set and the home is no demonstration, or if it is not a time with its zone.
        """
        return self._clock.read()

    def now(self) -> datetime:
        """The time this home goes by: the clock's, but never before what is on the record. Errors as in `clock`."""
        return self._clock()

    def confirm_clock(self) -> int:
        """Record that the clock is right now; the number of the entry. What was dated later before it is false."""
        return self.record.append(CONFIRMED, Facts(), now=self.now())

    def clock_told(self) -> dict[str, str | None]:
        """The `time` that the clock says, the time of the `newest` true entry, and the `doubt` that is between them.

        The doubt is "behind", "ahead" or None.
        """
        return told(self.now())

    @property
    def clock_trouble(self) -> str | None:
        """In words, what was wrong with the clock when it was last looked at; None if nothing was."""
        return self._clock.trouble

    # --- packets ---

    def seal(
        self,
        dataset: dict[str, Any] | Minimised,
        terms: ShareTerms | Mapping[str, Any],
        to: str | Sequence[str],
        attachments: Sequence[Any] = (),
        *,
        classical: bool = False,
    ) -> Sealed:
        """A packet for one organisation or several, recorded before it is returned; errors as in `sharekit.seal`.

        Its bytes also know their `id`, `entry`, `recipients`, `kept`, `left_out` and `findings`.
        """
        return self.sending.seal(dataset, terms, to, attachments, classical=classical)

    def verify(self, data: bytes, cards: Iterable[bytes] = ()) -> Verified:
        """The packet's statement, if a trusted sender signed it; recorded. `cards` are believed for this once.

        Raises Malformed, UnknownSender, BadSignature, Expired... as `sharekit.verify`, and Replayed.
        """
        return self._receiving.verify(data, cards)

    def open(self, data: bytes, *, purpose: str, **use: Any) -> Opened:
        """The fields that opening for `purpose` permits, recorded before they are returned (SPEC.md section 5).

        `use` holds what `sharekit.Use` takes, but for the type of organisation, which is this home's. Raises as
        `verify`, then NotForYou, CannotDecrypt, PurposeRefused, IdentityMismatch, or what is wrong with the contents:
        and nothing is shown.
        """
        who = {"by": self.person, "role": self.role}
        return self._receiving.open(data, Use(**{**who, **use}, org_type=self.org_type, purpose=purpose))

    def receive(self, data: bytes) -> Received:
        """Take in whatever a partner sent: a share is delivered, a receipt is kept, a checkpoint is cosigned.

        It is recorded. Raises as `verify`, NotForYou, CannotDecrypt, and LedgerTampered where it exposes a fork.
        """
        return self._receiving.receive(data)

    # --- the record ---

    @property
    def ledger(self) -> Ledger:
        """The ledger of the newest year, in which the record goes on; it is begun by acts, and not by looking."""
        return self.record.ledger(self.clock())

    def ledger_of(self, year: int | None) -> Ledger:
        """The ledger of a year, the newest where it is None; Usage if there is none."""
        return self.record.ledger_of(year, self.clock())

    def verify_years(self, progress: Progress = unseen) -> list[tuple[int, int]]:
        """Recompute the ledgers of all years and the chain between them; year and number of entries, oldest first.

        Raises LedgerTampered.
        """
        return self.record.years.verify(progress)

    def entries(self, year: int | None = None) -> Iterator[tuple[int, Entry]]:
        """The entries of a year, the newest where it is None, with their numbers, oldest first."""
        return ((seq, Entry.decode(stored)) for seq, stored in self.ledger_of(year).entries())

    def newest(
        self, limit: int | None = None, *, packet: str | None = None, event: str | None = None, year: int | None = None
    ) -> list[tuple[int, Entry]]:
        """The newest entries of a year, this one's where it is None, with their numbers, oldest first.

        There are at most `limit`; with `packet`, a number in hexadecimal, those about it; with `event`, those of that
        code. No more entries are read than that. UnknownCode.
        """
        number, year = bytes.fromhex(packet) if packet else None, year or self.record.years.newest()
        return self.record.newest(self.ledger_of(year), year, limit=limit, packet=number, event=event)

    def differences(self, newest: int | None = None) -> list[str]:
        """What in the other files of this home is not as the ledger has it, a sentence each: the ledger decides.

        Every entry of every year is read, or so many of the `newest`.
        """
        return ledgers.differences(self.record, self.local_policy, newest, now=self.now())

    def export(self, path: str | Path, *, year: int | None = None) -> int:
        """Write an export of one year for auditors; the number of entries in it.

        It holds the ledger, every card, and what partners and timestamp authorities attest. It is itself recorded.
        """
        parts = (self.record, self.trust, self.receipts, self.stamps)
        return ledgers.export(Path(path), *parts, year=year, now=self.now())

    def move_ledgers(self, database: str | None, *, progress: Progress = unseen) -> list[Moved]:
        """Move the ledgers of all years to a database, or with None to files of the home; then load the agency anew.

        `database` is a connection string without a password. Raises Usage if that is where they are, errors as `move`.
        `progress` is called with how much of a step is done and how much there is to do, one step after the other.
        """
        return ledgers.move(self.home, self.record, database, clock=self.clock, progress=progress)
