"""The trust store: which agency cards this installation has accepted, and which of them were revoked since.

A card is pinned by its signing key, and looked up by key or by organisation. `folder` keeps a store on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from sharekit.domain import forms
from sharekit.errors import NotTrusted, NotVerified, Revoked, UnknownSender
from sharekit.trust.cards import Card
from sharekit.values import Value, replace

__all__ = ["Pin", "Trust"]

EARLY = timedelta(hours=24)  # clocks differ, and a card is sometimes made after the first packet


class Pin(Value):
    """One accepted card.

    `confirmed` says that somebody compared its fingerprint; `revoked` is since when it is not believed, or None.
    """

    card: Card
    confirmed: bool = False
    revoked: datetime | None = None
    reason: str = ""


class Trust:
    """The cards that are believed, found by key or by organisation. Iterating gives their pins, sorted.

    >>> trust = sharekit.Trust([fernshire.card(), quillbrook.card()])
    >>> [pin.card.org_id for pin in trust]
    ['E10999001', 'ZZQ01']
    """

    def __init__(self, cards: Iterable[bytes | Card] = ()) -> None:
        self._pins: dict[bytes, Pin] = {}
        self._openers: dict[bytes, set[str]] | None = None  # found when it is first asked for
        for card in cards:
            self._pin(Pin(card if isinstance(card, Card) else Card.parse(card)))

    def __iter__(self) -> Iterator[Pin]:
        return iter(sorted(self._pins.values(), key=lambda pin: (pin.card.org_id, pin.card.issued)))

    def joined(self, cards: Iterable[bytes]) -> Trust:
        """A store that believes `cards` as well. What is pinned here stays as it is, revoked or not.

        NotTrusted if another card of the same organisation is pinned: nobody takes a name by handing over a card.
        """
        both = Trust(cards)
        for pin in both:
            if pin.card.kid not in self._pins:
                self._check_succession(pin.card, None)
        both._pins |= self._pins
        return both

    def add(self, card: bytes, fingerprint: str | None = None) -> Pin:
        """Accept `card`, and return its pin.

        `fingerprint` is 64 hexadecimal digits, read out over the telephone; groups, case and a label do not matter.
        Raises NotTrusted if it is not the card's, or if it is missing and another card of the organisation is pinned;
        Revoked if the key was revoked here; Malformed and BadSignature as `Card.parse`.
        """
        pin = self._candidate(card, fingerprint)
        self._pin(pin)
        return pin

    def _candidate(self, card: bytes, fingerprint: str | None) -> Pin:
        """The pin that `add` would make, and the errors that it would raise."""
        parsed = Card.parse(card)
        if fingerprint is not None:
            _check_fingerprint(parsed, fingerprint)
        self._check_succession(parsed, fingerprint)
        pin, known = Pin(parsed, confirmed=fingerprint is not None), self._pins.get(parsed.kid)
        if known is None:
            return pin
        if known.revoked:
            raise Revoked(f"the key of {parsed.org_id} was revoked here", hint="ask for a card with new keys")
        if known.card.org_id != parsed.org_id:
            raise NotTrusted(f"the key of this card is pinned for {known.card.org_id}", hint="telephone both of them")
        return replace(pin, confirmed=pin.confirmed or (known.confirmed and known.card.data == card))

    def _check_succession(self, card: Card, fingerprint: str | None) -> None:
        others = [pin for pin in self if pin.card.org_id == card.org_id and pin.card.data != card.data]
        if others and fingerprint is None:
            raise NotTrusted(
                f"another card is pinned for {card.org_id}",
                hint="telephone them; if the new card is theirs, add it with --fingerprint",
            )

    def revoke(self, org_id: str, *, reason: str, now: datetime) -> list[Pin]:
        """Stop believing every card of an organisation from `now`; the pins that changed.

        UnknownSender if no valid card of it is pinned.
        """
        pins = [pin for pin in self if pin.card.org_id == org_id and not pin.revoked]
        if not pins:
            raise UnknownSender("no valid card of that organisation is pinned", hint="sharekit trust list")
        revoked = [replace(pin, revoked=now, reason=reason) for pin in pins]
        for pin in revoked:
            self._pin(pin)
        return revoked

    def find(self, kid: bytes, *, org_id: str, at: datetime) -> Pin:
        """The pin of the key `kid`, if it belongs to the organisation `org_id`; it may be revoked.

        `kid` is the thumbprint of a signing key, `at` the time at which the packet was issued. Raises UnknownSender if
        the key is not pinned, NotTrusted if it is another organisation's, NotVerified if its card was made more than a
        day after `at`.
        """
        pin = self._pins.get(kid)
        if pin is None:
            raise UnknownSender("the sender's key is not pinned here")
        if pin.card.org_id != org_id:
            raise NotTrusted("the key belongs to another organisation than the one named")
        if at < pin.card.issued - EARLY:
            raise NotVerified("the packet is older than its sender's key", hint=NotTrusted.hint)
        return pin

    def openers(self, kid: bytes) -> frozenset[str]:
        """The organisations on whose pinned cards, revoked or not, the opening key `kid` stands; empty if on none.

        There may be several: a card does not prove that its holder has the opening key.
        """
        if self._openers is None:
            self._openers = {}
            for pin in self:
                for opening in pin.card.opening_kids():
                    self._openers.setdefault(opening, set()).add(pin.card.org_id)
        return frozenset(self._openers.get(kid, ()))

    def card(self, org_id: str) -> Card:
        """The newest card of an organisation that is not revoked, to seal for.

        Raises UnknownSender if none is pinned, Revoked if all of them are revoked.
        """
        pins = [pin for pin in self if pin.card.org_id == org_id]
        if not pins:
            raise UnknownSender(
                "no card of that recipient is pinned here",
                hint="ask them for their card, confirm its fingerprint by telephone, then: sharekit trust add CARD",
            )
        valid = [pin.card for pin in pins if not pin.revoked]
        if not valid:
            raise Revoked("the card of that recipient was revoked here", hint="ask for a card with new keys")
        return valid[-1]

    def unconfirmed(self, cards: Iterable[Card]) -> list[str]:
        """The ids of those organisations whose card nobody has confirmed by its fingerprint."""
        return [card.org_id for card in cards if card.kid in self._pins and not self._pins[card.kid].confirmed]

    def log_keys(self, org_id: str) -> list[bytes]:
        """The public log keys of an organisation, newest card first, without revoked cards.

        NotTrusted if there is none.
        """
        return [card.log_key for card in self._cards_of(org_id)]

    def signing_keys(self, org_id: str) -> list[bytes]:
        """The public signing keys of an organisation, as `log_keys`; it cosigns with them as well."""
        return [card.signing for card in self._cards_of(org_id)]

    def _cards_of(self, org_id: str) -> list[Card]:
        cards = [pin.card for pin in self if pin.card.org_id == org_id and not pin.revoked]
        if not cards:
            raise NotTrusted("no trusted card holds that ledger's key", hint="give the agency's card with --trust")
        return cards[::-1]

    def _pin(self, pin: Pin) -> None:
        """Believe a pin from now on; a store that is kept on disk writes it down first."""
        self._remember(pin)

    def _remember(self, pin: Pin) -> None:
        self._pins[pin.card.kid] = pin
        self._openers = None


def _check_fingerprint(card: Card, said: str) -> None:
    digits = forms.canonical("fingerprint", said)
    if digits is None:
        raise NotTrusted("what was given is not a whole fingerprint", hint=forms.wanted("fingerprint"))
    if digits != card.fingerprint.hex():
        raise NotTrusted("the fingerprint is not that of this card")
