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

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sharekit.advice.brief import Brief
from sharekit.agency import home as homes
from sharekit.agency.clock import CLOCK, clock
from sharekit.agency.trust import AgencyTrust
from sharekit.domain.profile import Minimised
from sharekit.domain.terms import ShareTerms
from sharekit.errors import Malformed, Revoked, Usage, WrongPassphrase
from sharekit.exchange.ask_advice import seek
from sharekit.exchange.decisions import Decisions, Recorded
from sharekit.exchange.destroy import Erasure
from sharekit.exchange.local_policy import Enactment
from sharekit.exchange.receipts import Receipts
from sharekit.exchange.receive import Received, Reception
from sharekit.exchange.send import Dispatch, Sealed
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.ledger.move import Moved
from sharekit.packet.open import Share
from sharekit.packet.seal import Sender
from sharekit.packet.wire import Statement
from sharekit.policy.local import LocalPolicy
from sharekit.policy.use import Use
from sharekit.proofs.attestation import Attestation
from sharekit.record import lookups
from sharekit.record.lookups import LookUp
from sharekit.record.record import Actor, Facts, Record
from sharekit.trust import keys
from sharekit.trust.cards import Card
from sharekit.trust.keys import Keys
from sharekit.vault.vault import Vault

__all__ = ["Agency", "Sealed"]


class Agency:
    """One organisation on this machine: its home, its keys, its partners, its record."""

    def __init__(self, home: Path, *, private: Keys | None, person: str | None = None, role: str | None = None) -> None:
        self.home = home
        self._private = private
        about = homes.read_about(home)
        self._own = homes.read_card(home)
        self._log_key = keys.log_from_file(homes.read_part(home, "keys/log.key", what="the log key of this home"))
        self.person, self.role = person or about.get("person"), role or about.get("role")
        self.record = Record(
            home,
            org_id=self._own.org_id,
            log_key=self._log_key,
            vault_key=private.vault if private else None,
            demonstration=self._own.demonstration,
            actor=Actor(self.person, self.role),
            database=about.get("ledger"),
        )
        self.trust = AgencyTrust(home / "trust", self._own, self.record, self.now)
        self.receipts = Receipts(self.record, self.trust, self._own, home / "outbox")
        self.enactment = Enactment(home, self._own, self.record)
        self.erasure = Erasure(self.record, home / "outbox")
        self.dispatch, self.reception = Dispatch(self), Reception(self)
        self.decisions = Decisions(self.record, self.now)

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
        homes.check_about(org_id, org_type, name, phone, out_of_hours_phone)
        demonstration = bool(os.environ.get(CLOCK))
        now = clock(demonstration=demonstration)
        with homes.new_home(place) as folder:
            card = Card.make(
                private := Keys.generate(classical),
                org_id=org_id,
                org_type=org_type,
                name=name,
                phone=phone,
                out_of_hours_phone=out_of_hours_phone,
                issued=now,
                demonstration=demonstration,
            )
            about = {"person": person, "role": role}
            homes.write_home(folder, card, private, passphrase=passphrase, about=about)
            Vault.create(folder / "vault.db", private.vault)
            with contextlib.closing(cls(folder, private=private)) as first:
                first.record.ledger(now)
        return cls(place, private=private)

    @classmethod
    def load(
        cls, home: str | Path, passphrase: str | None = None, *, person: str | None = None, role: str | None = None
    ) -> Agency:
        """The agency whose home this is; with its keys locked if they need a passphrase and none is given.

        Raises Usage if there is no home, WrongPassphrase, Malformed if its files are damaged.
        """
        place = Path(os.path.expanduser(home))
        if not homes.is_home(place):
            raise Usage("there is no sharekit home there", hint="make one with: sharekit init")
        stored = homes.read_part(place, "keys/agency.key", what="the key file of this home")
        log = keys.log_from_file(homes.read_part(place, "keys/log.key", what="the log key of this home"))
        locked = passphrase is None and keys.is_protected(stored)
        private = None if locked else keys.from_file(stored, log, passphrase)
        found = cls(place, private=private, person=person, role=role)
        found._check_keys()
        return found

    def _check_keys(self) -> None:
        """Return only if the key files are those of the card; a damaged seed would make packets nobody can read."""
        own, private = self._own, self._private
        fits = bytes(self._log_key.verify_key) == own.log_key
        if private is not None:
            signs, opens = bytes(private.signing.verify_key), private.opening.public
            fits = fits and (signs, opens) == (own.signing, own.opening)
        if not fits:
            raise Malformed("the key files are not those of this home's card", hint="restore them from the backup")

    @property
    def keys(self) -> Keys:
        """The private keys; WrongPassphrase while they are locked."""
        if self._private is None:
            raise WrongPassphrase("this home's keys need their passphrase")
        return self._private

    @property
    def org_id(self) -> str:
        return self._own.org_id

    @property
    def org_type(self) -> str:
        return self._own.org_type

    @property
    def demonstration(self) -> bool:
        return self._own.demonstration

    def card(self) -> bytes:
        """The signed public card, to give to partners."""
        return self._own.data

    def now(self) -> datetime:
        """The time this home goes by."""
        return clock(demonstration=self.demonstration)

    @property
    def ledger(self) -> Ledger:
        """This year's ledger, begun now if the year is new."""
        return self.record.ledger(self.now())

    def log(self, event: str, facts: Facts) -> int:
        """Record one event now; the number of its entry."""
        return self.record.append(event, facts, now=self.now())

    def close(self) -> None:
        """Close the files of the ledgers and of the vault."""
        self.record.close()

    # --- sealing ---

    def seal(
        self,
        dataset: dict[str, Any] | Minimised,
        terms: ShareTerms | Mapping[str, Any],
        to: Sequence[str],
        attachments: Sequence[Any] = (),
    ) -> bytes:
        """A packet for the organisations `to`, recorded before it is returned; errors as in `sharekit.seal`.

        `dispatch.seal` gives more: what sealing kept, left out and found.
        """
        return self.dispatch.seal(dataset, terms, to, attachments).data

    @property
    def unlocked(self) -> bool:
        """Whether the private keys are here."""
        return self._private is not None

    def sender(self) -> Sender:
        """Who seals, without a checkpoint; WrongPassphrase while the keys are locked."""
        own = self._own
        return Sender(
            org_id=own.org_id,
            keys=self.keys,
            org_type=own.org_type,
            name=own.name,
            phone=own.phone,
            out_of_hours_phone=own.out_of_hours_phone,
            person=self.person,
            role=self.role,
        )

    # --- the agency's own policy ---

    @property
    def policy(self) -> LocalPolicy:
        """The policy that is in force here. Raises what is wrong with `policy.toml`; NotTrusted, BadSignature."""
        return self.enactment.load(now=self.now())

    def policy_set_at(self) -> datetime | None:
        """When that policy was set; None if it is the shipped one, or was written by hand."""
        return self.enactment.set_at(self.policy, now=self.now())

    def tighten_policy(self, data: bytes, *, reason: str) -> int:
        """Take the `policy.toml` in `data` into use, which is nowhere looser than shipped; the number of its entry.

        Raises Malformed, NotMinimal, FieldMissing, UnknownCode, FieldInvalid; GateNotMet if it is looser; Usage.
        """
        self._check_answerable()
        return self.enactment.tighten(data, self.keys.signing, reason=reason, now=self.now())

    def loosen_policy(self, data: bytes, *, reason: str) -> int:
        """Take the `policy.toml` in `data` into use, looser or not; the number of its entry. Errors likewise."""
        self._check_answerable()
        return self.enactment.loosen(data, self.keys.signing, reason=reason, now=self.now())

    def _check_answerable(self) -> None:
        if not (self.person and self.role):
            raise Usage("somebody answers for a policy", hint="say who: --as NAME --role ROLE")

    # --- deciding ---

    def decide(self, decision: object) -> Recorded:
        """Record a decision to share, not to share or to wait; errors as in `Decisions.record`."""
        return self.decisions.record(decision)

    def advice_brief(self, dataset: object, *, kind: str, role: str, **more: Any) -> tuple[Brief, int]:
        """A brief that does not name the child, and the number of its entry; errors and more as in `advice.seek`."""
        return seek(self.record, self.trust, dataset, kind=kind, role=role, now=self.now(), **more)

    # --- receiving ---

    def verify(self, data: bytes, cards: Iterable[bytes] = ()) -> Statement:
        """The packet's statement, if a trusted sender signed it; recorded. `cards` are believed for this once.

        Raises Malformed, UnknownSender, BadSignature, Expired... as `sharekit.verify`, and Replayed.
        """
        given = list(cards)
        for card in given:
            self.trust.check_real(Card.parse(card))
        return self.reception.verify(data, self.trust.joined(given) if given else self.trust)

    def open(self, data: bytes, *, purpose: str, **use: Any) -> Share:
        """The fields that opening for `purpose` permits, recorded before they are returned (SPEC.md section 5).

        `use` holds what `sharekit.Use` takes. Raises as `verify`, then NotForYou, CannotDecrypt, PurposeRefused,
        IdentityMismatch, or what is wrong with the contents: and nothing is shown.
        """
        own = {"org_type": self.org_type, "by": self.person, "role": self.role}
        return self.reception.open(data, self.keys, Use(**{**own, **use}, purpose=purpose))

    def receive(self, data: bytes) -> Received:
        """Take in whatever a partner sent: a share is delivered, a receipt is kept, a checkpoint is cosigned.

        Each is recorded. Raises as `verify`, NotForYou, CannotDecrypt, and LedgerTampered where it exposes a fork.
        """
        return self.reception.receive(data, self.keys)

    def send_checkpoint(self, org_id: str, *, year: int | None = None, start: int | None = None) -> Path:
        """Seal a ledger's newest checkpoint for one partner to cosign; where the packet waits.

        The proof begins at the last one they cosigned as far as is known here, or at `start` entries.
        """
        ledger, sender = self.ledger_of(year), self.sender()
        return self.receipts.send_checkpoint(org_id, ledger, start=start, sender=sender, now=self.now())

    def cosign(self, request: bytes, card: bytes) -> str:
        """As a witness, the note in a request with this agency's cosignature; errors as in `Receipts.cosign`."""
        return self.receipts.cosign(request, self._believed(card), sender=self.sender(), now=self.now())

    def keep_cosigned(self, note: bytes, card: bytes) -> int:
        """Keep a checkpoint of this ledger that the holder of `card` cosigned; its size."""
        return self.receipts.keep_cosigned(note, self._believed(card), now=self.now())

    def _believed(self, data: bytes) -> Card:
        """A card that was handed over: as real as this home, and no rival or revoked one of a partner's."""
        given = Card.parse(data)
        self.trust.check_real(given)
        pin = self.trust.joined([data]).find(given.kid, org_id=given.org_id, at=given.issued)
        if pin.revoked:
            raise Revoked(f"the key of {given.org_id} was revoked here", hint="ask for a card with new keys")
        return pin.card

    # --- where the record is ---

    def move_ledgers(self, database: str | None) -> list[Moved]:
        """Move the ledgers of all years to a database, or with None to files of the home; then load the agency anew.

        `database` is a connection string without a password. Raises Usage if that is where they are, errors as `move`.
        """
        if database == homes.read_about(self.home).get("ledger"):
            raise Usage("the ledgers are there already", hint="sharekit doctor says where they are")
        self.ledger  # noqa: B018  # there is one to move, and the vault knows where it ends
        self.close()
        return self.record.move(database, switch=lambda: homes.name_database(self.home, database))

    # --- reading the record ---

    def ledger_of(self, year: int | None) -> Ledger:
        """The ledger of a year, this one's without; Usage if there is none."""
        now = self.now()
        return self.record.ledger_of(year or now.year, now)

    def entries(self, year: int | None = None) -> Iterator[tuple[int, Entry]]:
        """The entries of a year, this one's without, with their numbers, oldest first."""
        return ((seq, Entry.decode(stored)) for seq, stored in self.ledger_of(year).entries())

    def subject_entries(self, scheme: str, value: str, *, limit: int) -> list[tuple[int, Entry]]:
        """The newest entries about one subject, newest first; the look-up is itself recorded before."""
        self.keys  # noqa: B018  # the vault must be unlocked
        return self.record.about(scheme, value, limit=limit, now=self.now())

    def lookups_without_case(self) -> list[LookUp]:
        """Who looked up a child of whom nothing was recorded here until then; the question is itself recorded."""
        self.keys  # noqa: B018  # the vault must be unlocked
        return lookups.without_case(self.record, now=self.now())

    def export(self, path: str | Path, *, year: int | None = None) -> int:
        """Write an export of one year for auditors: the ledger, every card, what partners attest; how many entries.

        The export is itself recorded.
        """
        now, cards = self.now(), [(pin.card.org_id, pin.card.data) for pin in self.trust]
        said = [(each.org_id, each.cosigned, each.entry, each.proof) for each in self.attestations(year=year)]
        stamps = self.receipts.partners.stamps(self.ledger_of(year).origin)
        return self.record.export(Path(path), cards, said, stamps, now=now, year=year)

    def attestations(self, *, year: int | None = None) -> list[Attestation]:
        """What partners attest of the packets and checkpoints of this or another year, for an auditor."""
        return self.receipts.partners.attestations(self.org_id, year or self.now().year)
