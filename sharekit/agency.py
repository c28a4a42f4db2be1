"""`Agency`: the only place where packet, ledger and vault meet, so that nothing is sealed or opened unlogged.

    home/agency.json      who this is          home/ledger/YEAR.db   the record
    home/card.cbor        its public card      home/vault.db         what must be forgettable
    home/keys/            its two key files    home/trust/           the cards it believes
    home/outbox/          packets that could not be delivered to their file

Every entry is committed before bytes leave or data is shown; if the ledger cannot be written, nothing happens.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sharekit import files, keys, policy, profile, vocabulary
from sharekit import packet as packets
from sharekit.errors import (
    Expired,
    FieldInvalid,
    Malformed,
    NotTrusted,
    OutputUnwritable,
    PurposeRefused,
    Refused,
    Replayed,
    ShareError,
    Usage,
    WrongPassphrase,
)
from sharekit.keys import Keys
from sharekit.entry import Entry
from sharekit.ledger import Ledger
from sharekit.packet import Draft, Packet, Sender, Share, Statement
from sharekit.policy import Use, Verdict
from sharekit.profile import Minimised
from sharekit.terms import ShareTerms
from sharekit.trust import ORG_ID, Card, Pin, Trust, TrustFolder
from sharekit.validation import is_phone
from sharekit.vault import Vault

__all__ = ["Agency", "Checked", "Sealed", "clock"]

CLOCK = "SHAREKIT_NOW"


def clock(*, demonstration: bool) -> datetime:
    """The time, in whole seconds: the machine's, or for demonstrations what SHAREKIT_NOW says.

    Usage if the variable is set where it has no business, or is no RFC 3339 time.
    """
    text = os.environ.get(CLOCK)
    if not text:
        return datetime.now(UTC).replace(microsecond=0)
    if not demonstration:
        raise Usage(
            f"{CLOCK} is set, and this is no demonstration", hint=f"unset {CLOCK}, or use a home made with it set"
        )
    return _rfc3339(text)


def _rfc3339(text: str) -> datetime:
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo:
            return moment.astimezone(UTC).replace(microsecond=0)
    raise Usage(f"{CLOCK} is not a time with a zone", hint="write it like 2026-11-26T09:00:00Z")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A packet that has been recorded, and what sealing had to say; `repr` shows no bytes."""

    data: bytes
    id: str
    recipients: tuple[str, ...]
    kept: tuple[str, ...]
    left_out: tuple[str, ...]
    findings: tuple[policy.Finding, ...]
    entry: int

    def __repr__(self) -> str:
        return f"Sealed(id={self.id}, recipients={list(self.recipients)}, entry={self.entry})"


@dataclass(frozen=True, slots=True)
class Checked:
    """A packet that is to be believed, and what the packet index knows of it."""

    packet: Packet
    statement: Statement
    now: datetime


class AgencyTrust(TrustFolder):
    """The agency's own trust store: every change is an entry, and its own card is always believed."""

    def __init__(self, agency: Agency, own: Card) -> None:
        self._agency, self._own = agency, own
        super().__init__(agency.home / "trust")
        self._pins[own.kid] = Pin(own, confirmed=True)

    def add(self, card: bytes, fingerprint: str | None = None) -> Pin:
        parsed = Card.parse(card)
        if parsed.org_id == self._own.org_id and parsed.data != self._own.data:
            raise NotTrusted("the card claims to be this agency's own", hint="do not use it; tell your security team")
        if parsed.demonstration and not self._own.demonstration:
            raise NotTrusted("the card is from a demonstration", hint="ask the agency for the card of its live home")
        pin = self._candidate(card, fingerprint)
        self._agency.record("trusted", counterparties=[parsed.org_id], file=parsed.fingerprint)
        self._pin(pin)
        return pin

    def revoke(self, org_id: str, *, reason: str, now: datetime | None = None) -> list[Pin]:
        if org_id == self._own.org_id:
            raise Usage("an agency does not revoke its own card here", hint="tell every partner to revoke it")
        found = [pin for pin in self if pin.card.org_id == org_id and not pin.revoked]
        if found:
            self._agency.record("revoked", counterparties=[org_id], file=found[-1].card.fingerprint)
        return super().revoke(org_id, reason=reason, now=now or self._agency.now())


class Agency:
    """One organisation on this machine: its home, its keys, its partners, its record."""

    def __init__(self, home: Path, *, private: Keys | None, person: str | None = None, role: str | None = None) -> None:
        self.home = home
        self._private = private
        about = _read_about(home)
        self._own = Card.parse(files.read(home / "card.cbor", what="the card of this home"))
        self._log_key = keys.log_from_file(files.read(home / "keys" / "log.key", what="the log key of this home"))
        self.person, self.role = person or about.get("person"), role or about.get("role")
        self.trust = AgencyTrust(self, self._own)
        self._vault = Vault(home / "vault.db", private.vault if private else None)
        self._ledgers: dict[int, Ledger] = {}

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

        Raises Usage if there is one already or a detail is not usable, UnknownCode for the type,
        OutputUnwritable.
        """
        home = Path(home)
        _check_about(org_id, org_type, name, phone, out_of_hours_phone)
        if home.exists() and (not home.is_dir() or any(home.iterdir())):
            raise Usage("there is something at that home already", hint="choose another --home")
        demonstration = bool(os.environ.get(CLOCK))
        card = Card.make(
            private := Keys.generate(classical),
            org_id=org_id,
            org_type=org_type,
            name=name,
            phone=phone,
            out_of_hours_phone=out_of_hours_phone,
            issued=clock(demonstration=demonstration),
            demonstration=demonstration,
        )
        about = {"person": person, "role": role}
        with _new_home(home) as folder:
            _write_home(folder, card, private, passphrase, about)
            with contextlib.closing(cls(folder, private=private)) as first:
                first._ledger_of(card.issued)
        return cls(home, private=private)

    @classmethod
    def load(
        cls, home: str | Path, passphrase: str | None = None, *, person: str | None = None, role: str | None = None
    ) -> Agency:
        """The agency whose home this is; with its keys locked if they need a passphrase and none is given.

        Raises Usage if there is no home, WrongPassphrase, Malformed if its files are damaged.
        """
        home = Path(home)
        if not (home / "agency.json").is_file():
            raise Usage("there is no sharekit home there", hint="make one with: sharekit init")
        stored = files.read(home / "keys" / "agency.key", what="the key file of this home")
        log = keys.log_from_file(files.read(home / "keys" / "log.key", what="the log key of this home"))
        locked = passphrase is None and keys.is_protected(stored)
        return cls(home, private=None if locked else keys.from_file(stored, log, passphrase), person=person, role=role)

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

    def close(self) -> None:
        """Close the ledger's files."""
        while self._ledgers:
            self._ledgers.popitem()[1].close()

    # --- sealing ---

    def seal(
        self,
        dataset: dict[str, Any] | Minimised,
        terms: ShareTerms | Mapping[str, Any],
        to: Sequence[str],
        attachments: Sequence[Any] = (),
    ) -> bytes:
        """A packet for the organisations `to`, recorded before it is returned; errors as in `sharekit.seal`."""
        return self.seal_recorded(dataset, terms, to, attachments).data

    def seal_recorded(
        self,
        dataset: dict[str, Any] | Minimised,
        terms: ShareTerms | Mapping[str, Any],
        to: Sequence[str],
        attachments: Sequence[Any] = (),
    ) -> Sealed:
        """The same, with what sealing kept, left out and found."""
        now, sender = self.now(), self._sender()
        if attachments:
            raise Usage("packets with attachments are not made yet", hint="seal the fields alone")
        try:
            draft = self.draft(dataset, terms, to, sender=sender, now=now)
        except Refused as refusal:
            self.record("refused", outcome=refusal.code, rule=refusal.rule)
            raise
        parts = packets.Parts.fresh()
        sender = replace(sender, note=self.ledger.checkpoint())
        data = packets.seal_parts(draft, parts, sender=sender, now=now)
        entry = self._record_sealed(draft, parts.cti, data, now)
        left_out = tuple(item["field"] for item in draft.terms.json["left_out"])
        recipients = tuple(card.org_id for card in draft.recipients)
        return Sealed(data, parts.cti.hex(), recipients, tuple(draft.fields), left_out, draft.findings, entry)

    def draft(
        self,
        dataset: dict[str, Any] | Minimised,
        terms: ShareTerms | Mapping[str, Any],
        to: Sequence[str],
        *,
        sender: Sender | None = None,
        now: datetime | None = None,
    ) -> Draft:
        """What `seal` would seal, and what it would find; nothing is sealed or recorded."""
        cards = [self.trust.card(org_id) for org_id in to]
        return packets.prepare(dataset, terms, sender=sender or self._sender(), recipients=cards, now=now or self.now())

    def minimise(self, dataset: dict[str, Any], terms: ShareTerms | Mapping[str, Any]) -> Minimised:
        """The dataset cut down to what the terms' purposes reveal; errors as in `sharekit.minimise`."""
        return packets.minimise(dataset, terms, now=self.now())

    def _sender(self) -> Sender:
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

    def _record_sealed(self, draft: Draft, cti: bytes, data: bytes, now: datetime) -> int:
        kind = profile.load(draft.terms.profile)
        self._vault.note_packet(self.org_id, cti, digest=sha256(data).digest(), now=now)
        entry = self.record(
            "sealed",
            packet=cti,
            file=sha256(data).digest(),
            outcome="done",
            counterparties=[card.org_id for card in draft.recipients],
            identifiers=kind.identifiers(draft.fields),
            terms=draft.terms,
            purpose=draft.terms.purpose,
        )
        self._vault.mark_recorded(self.org_id, cti)
        return entry

    # --- receiving ---

    def verify(self, data: bytes, cards: Iterable[bytes] = ()) -> Statement:
        """The packet's statement, if a trusted sender signed it; recorded. `cards` are believed for this once.

        Raises Malformed, UnknownSender, BadSignature, Expired... as `sharekit.verify`, and Replayed.
        """
        with self._refusals(data):
            checked = self._check(data, Trust([*(pin.card for pin in self.trust), *cards]) if cards else self.trust)
        self._record_received(checked, "verified")
        return checked.statement

    def open(self, data: bytes, *, purpose: str, **use: Any) -> Share:
        """The fields that opening for `purpose` permits, recorded before they are returned (SPEC.md section 5).

        `use` holds what `sharekit.Use` takes. Raises as `verify`, then NotForYou, CannotDecrypt, PurposeRefused,
        IdentityMismatch, or what is wrong with the contents: and nothing is shown.
        """
        own = self.keys
        wanted = Use(**{"org_type": self.org_type, "by": self.person, "role": self.role, **use}, purpose=purpose)
        with self._refusals(data, wanted):
            checked = self._check(data, self.trust)
        self._record_received(checked)
        with self._refusals(data, wanted, checked):
            packets.check_addressed(checked.statement, self.org_id)
            self._check_first_opening(checked)
            manifest = packets.read_manifest(checked.packet, checked.statement, own)
            verdict = policy.decide(manifest.terms, wanted, now=checked.now)
            self._record_use("decided", checked, verdict)
            share = packets.open_dataset(checked.packet, manifest, verdict, own)
        self._record_use("opened", checked, verdict, share)
        self._vault.mark_opened(checked.statement.sender, bytes.fromhex(checked.statement.id), now=checked.now)
        return share

    def _check(self, data: bytes, trust: Trust) -> Checked:
        """Steps 5.1 to 5.10: is it a packet, is it to be believed, and is it the one that was seen before?"""
        now, packet = self.now(), packets.parse(data)
        seen = self._vault.seen(packet.claims[packets.ISS], packet.claims[packets.CTI])
        known = seen and seen.recorded and seen.digest == packet.digest
        statement = packets.verify(packet, trust, now=now, first_seen=seen.first_seen if seen and known else None)
        if seen and seen.digest != packet.digest:
            raise Replayed("another packet with this number was seen before", packet=packet.id)
        return Checked(packet, statement, now)

    def _check_first_opening(self, checked: Checked) -> None:
        seen = self._vault.seen(checked.statement.sender, bytes.fromhex(checked.statement.id))
        if (seen is None or seen.opened is None) and checked.now >= checked.statement.expires:
            raise Expired("the packet expired before it was first opened", packet=checked.statement.id)

    def _record_received(self, checked: Checked, *also: str) -> None:
        """`received` once a packet, at its first full verification, and the events in `also`."""
        statement, cti = checked.statement, bytes.fromhex(checked.statement.id)
        self._vault.note_packet(statement.sender, cti, digest=statement.digest, now=checked.now)
        seen = self._vault.seen(statement.sender, cti)
        events = [*([] if seen and seen.recorded else ["received"]), *also]
        if events:
            facts = {"packet": cti, "file": statement.digest, "counterparties": [statement.sender], "outcome": "done"}
            self.ledger.append(*(self._entry(event, now=checked.now, **facts) for event in events))
            self._vault.mark_recorded(statement.sender, cti)

    def _record_use(self, event: str, checked: Checked, verdict: Verdict, share: Share | None = None) -> None:
        self.record(
            event,
            packet=bytes.fromhex(checked.statement.id),
            file=checked.statement.digest,
            purpose=verdict.use.purpose,
            outcome=verdict.code or verdict.outcome,
            rule=verdict.rule,
            counterparties=[checked.statement.sender],
            identifiers=share.identifiers if share else (),
            use=verdict.use,
            terms=verdict.terms,
        )

    # --- the record ---

    @property
    def ledger(self) -> Ledger:
        """This year's ledger, begun now if the year is new."""
        return self._ledger_of(self.now())

    def record(self, event: str, **facts: Any) -> int:
        """Append one entry to this year's ledger, its detail to the vault first; the entry's number."""
        now = self.now()
        return self.ledger.append(self._entry(event, now=now, **facts))

    def _entry(
        self,
        event: str,
        *,
        now: datetime,
        packet: bytes | None = None,
        file: bytes | None = None,
        purpose: str | None = None,
        outcome: str | None = None,
        rule: str | None = None,
        counterparties: Sequence[str] = (),
        identifiers: Sequence[tuple[str, str]] = (),
        terms: ShareTerms | None = None,
        use: Use | None = None,
    ) -> Entry:
        nonce = os.urandom(16)
        footing = _footing(terms, use)
        return Entry(
            event=_number("ledger-events", event),
            time=int(now.timestamp()),
            nonce=nonce,
            packet=packet,
            file=file,
            purpose=_known_number("purposes", purpose),
            outcome=_known_number("outcomes", outcome),
            rule=rule,
            counterparties=tuple(counterparties) or None,
            subject=self._subject_token(identifiers, nonce),
            detail=self._detail(nonce, use),
            profile=profile.load(terms.profile).number if terms else None,
            **footing,
        )

    def _subject_token(self, identifiers: Sequence[tuple[str, str]], nonce: bytes) -> bytes | None:
        """A token that only the subject's key connects to the next one."""
        key = self._vault.subject_key(identifiers) if identifiers else None
        return hmac.digest(key, nonce, "sha256") if key else None

    def _detail(self, nonce: bytes, use: Use | None) -> bytes | None:
        """Who acted and why goes to the vault, sealed; the entry commits to it. Locked, nobody is named."""
        if self._private is None or not (self.person or self.role or use):
            return None
        words = {"by": self.person, "role": self.role, "reason": use.reason if use else None}
        detail = self._vault.detail(nonce, {name: value for name, value in words.items() if value})
        self._vault.keep(detail)
        return detail.commitment

    @contextlib.contextmanager
    def _refusals(self, data: bytes, use: Use | None = None, checked: Checked | None = None) -> Iterator[None]:
        """Record whatever refuses inside, before it is told."""
        try:
            yield
        except (Usage, OutputUnwritable):
            raise
        except ShareError as refusal:
            if refusal.exit_code not in (3, 4, 5):
                raise
            if checked:
                refusal.packet = checked.statement.id
                self._record_refusal(refusal, checked, use)
            else:
                self._record_unverified(refusal, data)
            raise

    def _record_refusal(self, refusal: ShareError, checked: Checked, use: Use | None) -> None:
        rule = refusal.rule if isinstance(refusal, PurposeRefused) else None
        self.record(
            "refused",
            packet=bytes.fromhex(checked.statement.id),
            file=checked.statement.digest,
            purpose=use.purpose if use else None,
            outcome=refusal.code,
            rule=rule,
            counterparties=[checked.statement.sender],
        )

    def _record_unverified(self, refusal: ShareError, data: bytes) -> None:
        """One entry for each distinct file, so that garbage cannot fill the ledger.

        A small file could be guessed from its hash: the index is keyed, and the entry carries no digest.
        """
        token = hmac.digest(sha256(bytes(self._log_key)).digest(), sha256(data).digest(), "sha256")
        if self._vault.knows_refused(token):
            return
        with contextlib.suppress(Malformed):
            refusal.packet = packets.parse(data).id
        cti = bytes.fromhex(refusal.packet) if refusal.packet else None
        self.record("refused", outcome=refusal.code, packet=cti)
        self._vault.note_refused(token)

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """This year's entries with their numbers, oldest first."""
        return ((seq, Entry.decode(stored)) for seq, stored in self.ledger.entries())

    def subject_entries(self, scheme: str, value: str, *, limit: int) -> list[tuple[int, Entry]]:
        """The newest entries about one subject, newest first; the look-up is itself recorded before."""
        _check_scheme(scheme)
        self.keys  # noqa: B018  # the vault must be unlocked
        key = self._vault.find_subject(scheme, value)
        self.record("consulted", outcome="done", identifiers=[(scheme, value)] if key else ())
        if key is None:
            return []
        found = [(seq, entry) for seq, entry in self.entries() if entry.packet and _is_about(entry, key)]
        return found[::-1][:limit]

    def _ledger_of(self, now: datetime) -> Ledger:
        if now.year not in self._ledgers:
            path = self.home / "ledger" / f"{now.year}.db"
            origin = f"sharekit/{self.org_id}/{now.year}"
            if path.exists():
                opened = Ledger.open(path, origin=origin, key=self._log_key)
            else:
                genesis = self._genesis(origin, now)
                opened = Ledger.create(path, origin=origin, key=self._log_key, genesis=genesis)
            self._ledgers[now.year] = opened
        return self._ledgers[now.year]

    def _genesis(self, origin: str, now: datetime) -> Entry:
        """The first entry of a year's ledger; it carries the hash of the last checkpoint of the year before."""
        previous = self.home / "ledger" / f"{now.year - 1}.db"
        before = None
        if previous.exists():
            last = Ledger.open(previous, origin=f"sharekit/{self.org_id}/{now.year - 1}", key=self._log_key)
            with contextlib.closing(last):
                before = sha256(last.checkpoint().encode()).digest()
        return Entry(
            event=_number("ledger-events", "genesis"),
            time=int(now.timestamp()),
            nonce=os.urandom(16),
            checkpoint=before,
            origin=origin,
            demonstration=True if self.demonstration else None,
        )

    def export(self, path: str | Path) -> int:
        """Write an export for auditors: the ledger and every card; its number of entries. The export is recorded."""
        self.record("exported", outcome="done")
        self.ledger.export(Path(path), cards=[(pin.card.org_id, pin.card.data) for pin in self.trust])
        return self.ledger.size

    def keep_in_outbox(self, sealed: Sealed) -> Path:
        """Keep a recorded packet whose file could not be written; where it is."""
        path = self.home / "outbox" / f"{sealed.id}.sharekit"
        files.write(path, sealed.data)
        return path


# --- a home's files --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _new_home(home: Path) -> Iterator[Path]:
    """A folder that becomes `home` in one step if all goes well, and is gone if not."""
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".sharekit-home-", dir=home.parent))
    except OSError:
        raise OutputUnwritable("the home cannot be made there") from None
    try:
        yield folder
        os.replace(folder, home)
    except OSError:
        raise OutputUnwritable("the home cannot be made there") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_home(folder: Path, card: Card, private: Keys, passphrase: str | None, about: dict[str, Any]) -> None:
    for name in ("keys", "trust", "ledger", "outbox"):
        (folder / name).mkdir(mode=0o700)
    files.write(folder / "keys" / "agency.key", keys.to_file(private, passphrase))
    files.write(folder / "keys" / "log.key", keys.log_to_file(private))
    files.write(folder / "card.cbor", card.data)
    known = {name: value for name, value in about.items() if value}
    files.write(folder / "agency.json", json.dumps({"org_id": card.org_id, **known}, indent=2).encode())


def _read_about(home: Path) -> dict[str, Any]:
    data = files.read(home / "agency.json", what="agency.json of this home")
    try:
        about = json.loads(data)
    except ValueError:
        about = None
    if not isinstance(about, dict):
        raise Malformed("agency.json of this home is damaged", hint="restore it from the home's backup")
    return about


def _check_about(org_id: str, org_type: str, name: str, phone: str, out_of_hours_phone: str | None) -> None:
    if not ORG_ID.match(org_id):
        raise FieldInvalid(
            '"org-id" does not have the right form', hint="up to 32 letters, digits, dots, hyphens and underscores"
        )
    vocabulary.load("org-types")[org_type]
    if not (name.strip() and name.isprintable() and len(name) <= 200):
        raise FieldInvalid('"name" does not have the right form', hint="a name of at most 200 characters")
    for option, number in (("phone", phone), ("out-of-hours-phone", out_of_hours_phone)):
        if number is not None and not is_phone(number):
            raise FieldInvalid(f'"{option}" is not a telephone number', hint="write it like 01632 960000")


def _is_about(entry: Entry, subject_key: bytes) -> bool:
    return entry.subject is not None and hmac.digest(subject_key, entry.nonce, "sha256") == entry.subject


# --- words to numbers ------------------------------------------------------------------------------------------


def _number(name: str, code: str) -> int:
    return vocabulary.load(name)[code].number


def _known_number(name: str, code: str | None) -> int | None:
    """The number of a code; None for one that somebody typed and nobody defined, which is never repeated."""
    terms = vocabulary.load(name)
    return terms[code].number if code in terms else None


def _footing(terms: ShareTerms | None, use: Use | None) -> dict[str, Any]:
    """The bases, gateways and agreement an entry rests on: the recipient's own if it named one, else the sender's."""
    if use is not None:
        given = {"art6": use.basis, "art9": use.art9, "art10": use.art10, "gateways": use.gateway}
        codes = {name: [code] if code else [] for name, code in given.items()}
    elif terms is not None:
        codes = {name: terms.codes("lawful_basis", name) for name in ("art6", "art9", "art10")}
        codes["gateways"] = terms.codes("gateways")
    else:
        return {}
    numbers = {name: tuple(n for n in (_known_number(name, c) for c in given_) if n) for name, given_ in codes.items()}
    agreement = [a["status"] for a in terms.json.get("agreement", ())] if terms else []
    statuses = tuple(_number("agreement-status", status) for status in agreement)
    return {
        "bases": numbers["art6"] or None,
        "art9": numbers["art9"] or None,
        "art10": numbers["art10"] or None,
        "gateways": numbers["gateways"] or None,
        "agreement": statuses or None,
    }


def _check_scheme(scheme: str) -> None:
    schemes = {term.more.get("scheme", term.code) for term in vocabulary.load("identifiers")}
    if scheme not in schemes:
        raise Usage("that is not a scheme of identifiers", hint=f"use one of: {', '.join(sorted(schemes))}")
