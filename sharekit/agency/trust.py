"""The trust store of one agency: the ledger says which cards are believed, and every change is on the record.

The files of the trust folder hold the cards, and no more: a pin counts if the ledger says that its card was accepted,
and its key is revoked if the ledger says so, whatever its file says.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from sharekit.agency import home as homes
from sharekit.errors import NotTrusted, ShareError, UnknownSender, Usage
from sharekit.ledger.entry import Entry
from sharekit.moments import time_of
from sharekit.record.record import Facts, Record
from sharekit.record.standing import StandingCard
from sharekit.trust import soundness
from sharekit.trust.cards import Card
from sharekit.trust.folder import PinFolder
from sharekit.trust.store import Pin, Trust
from sharekit.values import replace

__all__ = ["AgencyTrust"]

LONGEST_REASON = 4000  # letters: its file is read to a limit


class AgencyTrust(Trust):
    """The cards that this agency believes: every change is an entry, and its own card is always among them.

    What another process or another server has accepted or revoked is known at the next act. A live home believes no
    card of a demonstration: NotTrusted. Malformed if the trust folder is missing.
    """

    def __init__(self, folder: Path, own: Card, record: Record, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._own, self._record, self._clock, self._folder = own, record, clock, PinFolder(folder)
        self._home = folder.parent
        self._files: dict[bytes, Pin] | None = None  # what the folder holds, by fingerprint, once it was read
        self._cards: Mapping[bytes, StandingCard] = {}  # what the ledger said last
        self._of_key: dict[bytes, dict[bytes, None]] = {}  # the accepted cards of a key, the last one at the end
        self._lacking: dict[bytes, str] = {}  # cards that were accepted and have no file, and whose they are
        self._remember(Pin(own, confirmed=True))
        record.finish("revoked", self._finish)
        record.finish("reinstated", self._finish)
        record.finish("card-renewed", lambda entries: homes.put_card(self._home, entries[-1].file or b""))

    # --- in step with the ledger ---

    def _refresh(self) -> None:
        """Bring the pins into step with what the ledger says by now."""
        if self._files is None:
            self._files = dict(self._folder.read().pins)
            self._begin()
        cards = self._record.standing().cards
        if list(cards)[: len(self._cards)] != list(self._cards):  # one was accepted again: the order is another
            self._begin()
        if cards != self._cards:
            changed = [digest for digest, card in cards.items() if self._cards.get(digest) != card]
            self._cards = cards
            for digest in changed:
                self._believe(digest)

    def _begin(self) -> None:
        """Forget every pin but the agency's own."""
        super().__init__()
        self._cards, self._of_key, self._lacking = {}, {}, {}
        pins, own = (self._files or {}).values(), self._own
        earlier = [pin.card for pin in pins if pin.card.kid == own.kid and pin.card.data != own.data]
        self._remember(Pin(own, confirmed=True, earlier=tuple(earlier)))

    def _believe(self, digest: bytes) -> None:
        """Take what the ledger says of one card into the pin of its key."""
        if digest not in self._cards or self._is_own(self._cards[digest].org_id):
            return
        pin = self._file_of(digest)
        if pin is None:
            self._lacking[digest] = self._cards[digest].org_id
            return
        cards = self._of_key.setdefault(pin.card.kid, {})
        cards[digest] = None
        self._remember(self._pin_of(list(cards)))

    def _pin_of(self, digests: Sequence[bytes]) -> Pin:
        """The pin of a key whose cards have these fingerprints, the one accepted last at the end.

        The last one is in force: those before it were replaced, and stay revoked.
        """
        *earlier, last = (pin for digest in digests if (pin := self._file_of(digest)))
        spans = [span for digest in digests for span in self._cards[digest].revoked]
        since = self._cards[last.card.fingerprint].revoked_since
        lapses = [(time_of(start), time_of(end)) for start, end in spans if end is not None]
        return replace(
            last,
            revoked=None if since is None else time_of(since),
            earlier=tuple(pin.card for pin in reversed(earlier)),
            lapses=tuple(sorted(lapses)),
        )

    def _file_of(self, digest: bytes) -> Pin | None:
        """The pin of a card as its file has it; None if there is none."""
        held = {} if self._files is None else self._files
        if digest not in held and (pin := self._folder.get(digest)):  # another process has pinned it since
            held[digest] = pin
        return held.get(digest)

    def _finish(self, entries: Sequence[Entry]) -> None:
        """Have the files of cards say what the ledger says of their keys; it counts without them as well."""
        named = {org_id for entry in entries for org_id in entry.counterparties or ()}
        with contextlib.suppress(ShareError):
            self._refresh()
            for pin in [each for each in self._pins.values() if each.card.org_id in named]:
                known = self._file_of(pin.card.fingerprint)
                if known and known.revoked != pin.revoked:
                    self._write(pin)

    def _write(self, pin: Pin) -> None:
        self._folder.write(pin)
        if self._files is not None:
            self._files[pin.card.fingerprint] = pin

    def _is_own(self, org_id: str) -> bool:
        return soundness.folded(org_id) == soundness.folded(self._own.org_id)

    # --- asking ---

    def __iter__(self) -> Iterator[Pin]:
        self._refresh()
        return super().__iter__()

    def joined(self, cards: Iterable[bytes]) -> Trust:
        given = list(cards)
        for card in given:
            self._check_real(Card.parse(card))
        return super().joined(given)

    def find(self, kid: bytes, *, org_id: str, at: datetime) -> Pin:
        self._refresh()
        with self._lacking_told(org_id):
            return super().find(kid, org_id=org_id, at=at)

    def card(self, org_id: str) -> Card:
        self._refresh()
        with self._lacking_told(org_id):
            return super().card(org_id)

    def log_keys(self, org_id: str) -> list[bytes]:
        self._refresh()
        return super().log_keys(org_id)

    def signing_keys(self, org_id: str) -> list[bytes]:
        self._refresh()
        return super().signing_keys(org_id)

    @contextlib.contextmanager
    def _lacking_told(self, org_id: str) -> Iterator[None]:
        """Say of an organisation that seems unknown that its card was accepted, and is not in the folder."""
        try:
            yield
        except UnknownSender:
            if org_id in self._lacking.values():
                raise UnknownSender(
                    f"a card of {org_id} was accepted, and its file is not in this home's trust folder",
                    hint="add the card again: sharekit trust add CARD; or restore the folder from its backup",
                ) from None
            raise

    # --- acts ---

    def add(self, card: bytes, fingerprint: str | None = None) -> Pin:
        parsed, now = Card.parse(card), self._clock()
        if self._is_own(parsed.org_id) and parsed.data != self._own.data:
            raise NotTrusted("the card claims to be this agency's own", hint="do not use it; tell your security team")
        self._check_real(parsed)
        with self._record.one_at_a_time():
            self._refresh()
            if parsed.fingerprint not in self._cards:
                soundness.check(parsed, now=now)
            self._bring_back(parsed)
            pin = self._candidate(parsed, fingerprint)
            self._write(pin)  # first: without its entry it counts for nothing
            self._append("trusted", parsed, now)
            for other in pin.earlier:  # one that is put back later is not in force again
                if other.fingerprint in self._cards and self._cards[other.fingerprint].revoked_since is None:
                    self._append("revoked", other, now, outcome="revoked")
            self._refresh()
            self._believe(parsed.fingerprint)
        return self._pins.get(parsed.kid, pin)

    def _bring_back(self, card: Card) -> None:
        """Write the file of a card anew that was revoked and has none, so that it is known as revoked."""
        known = self._cards.get(card.fingerprint)
        if known is not None and known.revoked_since is not None and self._file_of(card.fingerprint) is None:
            self._write(Pin(card))
            self._believe(card.fingerprint)

    def _check_real(self, card: Card) -> None:
        """Return only if a home like this one may believe the card; NotTrusted if it is from a demonstration."""
        if card.demonstration and not self._own.demonstration:
            raise NotTrusted("the card is from a demonstration", hint="ask the agency for the card of its live home")

    def revoke(
        self, org_id: str, *, reason: str, fingerprint: str | None = None, now: datetime | None = None
    ) -> list[Pin]:
        self._check_act(org_id, reason)
        with self._record.one_at_a_time():
            self._refresh()
            pin, at = self._valid_pin(org_id, fingerprint), now or self._clock()
            self._append("revoked", pin.card, at, outcome="revoked")
            return self._revoke([pin], reason, at)

    def revoke_all(self, org_id: str, *, reason: str, now: datetime | None = None) -> list[Pin]:
        self._check_act(org_id, reason)
        with self._record.one_at_a_time():
            self._refresh()
            pins, at = self._valid(org_id), now or self._clock()
            self._append("revoked", pins[-1].card, at)  # of every card accepted by then: one entry, so all or none
            return self._revoke(pins, reason, at)

    def reinstate(self, org_id: str, *, fingerprint: str, reason: str, now: datetime | None = None) -> Pin:
        self._check_act(org_id, reason)
        with self._record.one_at_a_time():
            self._refresh()
            pin, at = self._revoked_pin(org_id, fingerprint), now or self._clock()
            self._append("reinstated", pin.card, at)
            return self._written([self._reinstated(pin, reason, at)])[0]

    def _check_act(self, org_id: str, reason: str) -> None:
        if self._is_own(org_id):
            raise Usage("an agency does not revoke its own card here", hint="tell every partner to revoke it")
        if len(reason) > LONGEST_REASON:
            raise Usage("the reason is too long", hint="a sentence or two: what happened, and who told you")

    def _append(self, event: str, card: Card, now: datetime, *, outcome: str = "done") -> None:
        facts = Facts(counterparties=[card.org_id], file=card.fingerprint, outcome=outcome)
        self._record.append(event, facts, now=now)

    def _revoke(self, pins: list[Pin], reason: str, now: datetime) -> list[Pin]:
        return self._written([replace(pin, revoked=now, reason=reason) for pin in pins])

    def _written(self, pins: list[Pin]) -> list[Pin]:
        """The pins as they are now that the ledger has it, with what their files add to that written down."""
        for pin in pins:
            self._write(pin)
        self._refresh()
        return [self._pins[pin.card.kid] for pin in pins]

    # --- what does not fit together ---

    def strays(self) -> list[str]:
        """What stands in the trust folder and not on the record, or the other way round; sentences, empty for most.

        None of it has any effect.
        """
        found = self._folder.read()
        self._files = {**found.pins}
        self._begin()
        self._refresh()
        told = [f"the file {name} in the trust folder: {why}" for name, why in found.strays.items()]
        told += [f"a card of {org_id} was accepted, and has no file" for org_id in self._lacking.values()]
        for digest, pin in found.pins.items():
            told += self._stray(digest, pin)
        renewed = [entry for _, entry in self._record.find(event="card-renewed")]
        if renewed and renewed[-1].file != homes.read_card(self._home).fingerprint:
            told.append("the card of this home is not the one that was made last")
        return told

    def _stray(self, digest: bytes, pin: Pin) -> Iterator[str]:
        card, known, now = pin.card, self._cards.get(digest), self._pins.get(pin.card.kid)
        if known is None and card.kid != self._own.kid:
            yield f"the file of a card of {card.org_id} that nobody accepted here"
        elif known and now and now.card.data == card.data and bool(pin.revoked) != bool(now.revoked):
            yield f"the file of a card of {card.org_id} says otherwise than the record whether it is revoked"
