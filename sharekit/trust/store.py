"""The trust store: which agency cards this installation has accepted, and which of them were revoked since.

What is believed, and revoked, is a key: a pin is a signing key with the card that its agency gave last. Pins are found
by key or by organisation, whose id is the same in capitals and in small letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from sharekit.errors import NotTrusted, NotVerified, Revoked, UnknownSender, Usage
from sharekit.trust import fingerprints, soundness
from sharekit.trust.cards import Card
from sharekit.values import Value, replace

__all__ = ["Pin", "Trust"]

EARLY = timedelta(hours=24)  # clocks differ, and a card is sometimes made after the first packet
_LIST = "sharekit trust list"


class Pin(Value):
    """One accepted key, by the card that was accepted for it last.

    `confirmed` says that somebody compared its fingerprint; `revoked` is since when it is not believed, or None.
    `earlier` are cards of the same key that this one replaced. `lapses` are the times, from and until, for which the
    key was revoked before it was reinstated.
    """

    card: Card
    confirmed: bool = False
    revoked: datetime | None = None
    reason: str = ""
    earlier: tuple[Card, ...] = ()
    lapses: tuple[tuple[datetime, datetime], ...] = ()

    @property
    def fingerprints(self) -> tuple[bytes, ...]:
        """Those of its card, and of the earlier ones."""
        return (self.card.fingerprint, *(card.fingerprint for card in self.earlier))

    def was_revoked(self, at: datetime) -> bool:
        """Whether the key was not believed at that time."""
        return bool(self.revoked and at >= self.revoked) or any(since <= at < until for since, until in self.lapses)


class Trust:
    """The cards that are believed, found by key or by organisation. Iterating gives their pins, sorted by organisation,
    and of one organisation in the order in which they were pinned.

    >>> trust = sharekit.Trust([fernshire.card(), quillbrook.card()])
    >>> [pin.card.org_id for pin in trust]
    ['E10999001', 'ZZQ01']
    """

    def __init__(self, cards: Iterable[bytes | Card] = ()) -> None:
        self._pins: dict[bytes, Pin] = {}  # in the order in which they were pinned
        self._marked: dict[tuple[str, bytes | str], dict[bytes, None]] = {}  # the keys that bear a mark
        for card in cards:
            self._remember(Pin(card if isinstance(card, Card) else Card.parse(card)))

    def __iter__(self) -> Iterator[Pin]:
        return iter(sorted(self._pins.values(), key=lambda pin: pin.card.org_id))

    # --- adding ---

    def joined(self, cards: Iterable[bytes]) -> Trust:
        """A store that believes `cards` as well. What is pinned here stays as it is, revoked or not.

        NotTrusted if another card of the same organisation is pinned: nobody takes a name by handing over a card.
        """
        both = Trust()
        for pin in self:
            both._remember(pin)
        for card in map(Card.parse, cards):
            if card.kid not in self._pins:
                self._check_new(card, None)
                both._remember(Pin(card))
        return both

    def add(self, card: bytes, fingerprint: str | None = None) -> Pin:
        """Accept `card`, and return its pin.

        `fingerprint` is 64 hexadecimal digits, read out over the telephone, in any form. Raises NotTrusted if it is not
        the card's, or if it is missing and another card of the organisation is pinned, or for a card that must not be
        believed whoever confirms it; Revoked if the key was revoked here; Malformed and BadSignature as `Card.parse`.
        """
        pin = self._candidate(Card.parse(card), fingerprint)
        self._remember(pin)
        return pin

    def _candidate(self, card: Card, fingerprint: str | None) -> Pin:
        """The pin that `add` would make, and the errors that it would raise."""
        if fingerprint is not None:
            fingerprints.check(fingerprint, card.fingerprint)
        known, pin = self._pins.get(card.kid), Pin(card, confirmed=fingerprint is not None)
        if known is None or known.card.data != card.data:
            self._check_new(card, fingerprint)
        if known is None:
            return pin
        if known.revoked:
            raise Revoked(f"the key of {card.org_id} was revoked here", hint="ask for a card with new keys")
        if card.fingerprint in known.fingerprints[1:]:
            raise NotTrusted(f"a newer card of that key of {card.org_id} is pinned", hint="ask for their present card")
        same = known.card.data == card.data
        earlier = tuple(each for each in (known.card, *known.earlier) if each.data != card.data)
        return replace(known, card=card, confirmed=pin.confirmed or (same and known.confirmed), earlier=earlier)

    def _check_new(self, card: Card, fingerprint: str | None) -> None:
        """Return only if a card that is not pinned as it is may be."""
        known = self._pins.get(card.kid)
        if known is not None and known.card.org_id != card.org_id:
            raise NotTrusted(f"the key of this card is pinned for {known.card.org_id}", hint="telephone both of them")
        soundness.check(card)
        self._check_name(card)
        self._check_keys(card)
        if self._of(card.org_id) and fingerprint is None:
            raise NotTrusted(
                f"another card is pinned for {card.org_id}",
                hint="telephone them; if the new card is theirs, add it with --fingerprint",
            )

    def _check_name(self, card: Card) -> None:
        for other in self._bearing(("org", soundness.folded(card.org_id))):
            if other.card.org_id != card.org_id:
                raise NotTrusted(
                    f"{other.card.org_id} is pinned here, and {card.org_id} is the same id in other letters",
                    hint="telephone them, by a number that is not from the card, and ask which of the two is right",
                )

    def _check_keys(self, card: Card) -> None:
        for key in soundness.keys_of(card):
            for other in self._bearing(("key", key)):
                if other.card.org_id != card.org_id and not other.revoked:
                    raise NotTrusted(
                        f"a key of this card stands on the card of {other.card.org_id}",
                        hint="telephone both of them before you go on",
                    )

    # --- revoking ---

    def revoke(self, org_id: str, *, reason: str, now: datetime, fingerprint: str | None = None) -> list[Pin]:
        """Stop believing one key of an organisation from `now`; the pins that changed.

        `fingerprint`, in any form, is that of a card of the key; it may be left out where one valid key is pinned.
        Raises UnknownSender if no valid card of it is pinned, and Usage, naming the fingerprints, if there are several.
        """
        return self._revoke([self._valid_pin(org_id, fingerprint)], reason, now)

    def revoke_all(self, org_id: str, *, reason: str, now: datetime) -> list[Pin]:
        """Stop believing every key of an organisation; as `revoke`."""
        return self._revoke(self._valid(org_id), reason, now)

    def _revoke(self, pins: list[Pin], reason: str, now: datetime) -> list[Pin]:
        revoked = [replace(pin, revoked=now, reason=reason) for pin in pins]
        for pin in revoked:
            self._remember(pin)
        return revoked

    def reinstate(self, org_id: str, *, fingerprint: str, reason: str, now: datetime) -> Pin:
        """Believe a revoked key again from `now`; its pin.

        What came here while it was revoked stays refused. Raises UnknownSender if there is no such pin, Usage if it is
        not revoked, NotTrusted if its card may not stand beside those that were pinned since.
        """
        pin = self._revoked_pin(org_id, fingerprint)
        pin = self._reinstated(pin, reason, now)
        self._remember(pin)
        return pin

    def _revoked_pin(self, org_id: str, fingerprint: str) -> Pin:
        pin = _with_fingerprint(self._of(org_id), fingerprint)
        if not pin.revoked:
            raise Usage("that key is not revoked", hint=_LIST)
        self._check_keys(pin.card)
        return pin

    def _reinstated(self, pin: Pin, reason: str, now: datetime) -> Pin:
        lapse = [(pin.revoked, max(now, pin.revoked))] if pin.revoked else []
        return replace(pin, revoked=None, reason=reason, lapses=(*pin.lapses, *lapse))

    def _valid(self, org_id: str) -> list[Pin]:
        """The pins of an organisation that are not revoked; UnknownSender if there is none."""
        pins = [pin for pin in self._of(org_id) if not pin.revoked]
        if not pins:
            raise UnknownSender("no valid card of that organisation is pinned", hint=_LIST)
        return pins

    def _valid_pin(self, org_id: str, fingerprint: str | None) -> Pin:
        pins = self._valid(org_id)
        if fingerprint is not None:
            pin = _with_fingerprint(self._of(org_id), fingerprint)
            if pin.revoked:
                raise UnknownSender("that key is revoked already", hint=_LIST)
            return pin
        if len(pins) > 1:
            told = "; ".join(f"{grouped(pin.card.fingerprint)} (issued {pin.card.issued:%Y-%m-%d})" for pin in pins)
            raise Usage(f"{len(pins)} keys of {org_id} are pinned", hint=f"--fingerprint with one of: {told}; or --all")
        return pins[0]

    # --- finding ---

    def find(self, kid: bytes, *, org_id: str, at: datetime) -> Pin:
        """The pin of the key `kid`, if it belongs to the organisation `org_id`; it may be revoked.

        `kid` is the thumbprint of a signing key, `at` the time at which the packet was issued. Raises UnknownSender if
        the key is not pinned, NotTrusted if it is another organisation's, NotVerified if its first card was made more
        than a day after `at`.
        """
        pin = self._pins.get(kid)
        if pin is None:
            raise UnknownSender("the sender's key is not pinned here")
        if pin.card.org_id != org_id:
            raise NotTrusted("the key belongs to another organisation than the one named")
        if at < min(card.issued for card in (pin.card, *pin.earlier)) - EARLY:
            raise NotVerified("the packet is older than its sender's key", hint=NotTrusted.hint)
        return pin

    def openers(self, kid: bytes) -> frozenset[str]:
        """The organisations on whose pinned cards, revoked or not, the opening key `kid` stands; empty if on none.

        There may be several: a card does not prove that its holder has the opening key.
        """
        return frozenset(pin.card.org_id for pin in self._bearing(("opening", kid)))

    def card(self, org_id: str) -> Card:
        """The card of an organisation that was pinned last and is not revoked, to seal for.

        Raises UnknownSender if none is pinned, Revoked if all of them are revoked.
        """
        pins = self._of(org_id)
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
        """The public log keys of an organisation, the one pinned last first, without revoked cards.

        NotTrusted if there is none.
        """
        return [card.log_key for card in self._cards_of(org_id)]

    def signing_keys(self, org_id: str) -> list[bytes]:
        """The public signing keys of an organisation, as `log_keys`; it cosigns with them as well."""
        return [card.signing for card in self._cards_of(org_id)]

    def _cards_of(self, org_id: str) -> list[Card]:
        cards = [pin.card for pin in self._of(org_id) if not pin.revoked]
        if not cards:
            raise NotTrusted("no trusted card holds that ledger's key", hint="give the agency's card with --trust")
        return cards[::-1]

    def doubts(self, pin: Pin) -> list[str]:
        """What a person should know of a pinned card before relying on it, in sentences; empty for most."""
        own, others = pin.card.org_id, set[str]()
        for kind, seen in zip(("seems", "named"), soundness.seen_as(pin.card), strict=True):
            others |= {each.card.org_id for each in self._bearing((kind, seen))}
        alike = sorted(others - {own})
        told = [f"{own} can be taken for {', '.join(alike)}: make sure that you mean this one"] if alike else []
        return [
            *told,
            *(f"the card of {own} would not be accepted now: {fault}" for fault in soundness.faults(pin.card)),
        ]

    # --- the index ---

    def _of(self, org_id: str) -> list[Pin]:
        """The pins of an organisation, the one pinned last at the end; in capitals or small letters where no card has
        the id as it is written.
        """
        pins = self._bearing(("org", soundness.folded(org_id)))
        return [pin for pin in pins if pin.card.org_id == org_id] or pins

    def _bearing(self, mark: tuple[str, bytes | str]) -> list[Pin]:
        return [self._pins[kid] for kid in self._marked.get(mark, ())]

    def _remember(self, pin: Pin) -> None:
        """Believe a pin from now on; one with another card than before counts as pinned last."""
        known = self._pins.get(pin.card.kid)
        if known is not None and known.card.data != pin.card.data:
            self._forget(known)
        self._pins[pin.card.kid] = pin
        for mark in _marks(pin):
            self._marked.setdefault(mark, {})[pin.card.kid] = None

    def _forget(self, pin: Pin) -> None:
        del self._pins[pin.card.kid]
        for mark in _marks(pin):
            del self._marked[mark][pin.card.kid]


def _marks(pin: Pin) -> set[tuple[str, bytes | str]]:
    """By what a pin is found."""
    marks: set[tuple[str, bytes | str]] = {("org", soundness.folded(pin.card.org_id))}
    marks |= set(zip(("seems", "named"), soundness.seen_as(pin.card), strict=True))
    for card in (pin.card, *pin.earlier):
        marks |= {("key", key) for key in soundness.keys_of(card)} | {("opening", kid) for kid in card.opening_kids()}
    return marks


def _with_fingerprint(pins: Iterable[Pin], fingerprint: str) -> Pin:
    wanted = fingerprints.read(fingerprint)
    for pin in pins:
        if wanted in pin.fingerprints:
            return pin
    raise UnknownSender("no card with that fingerprint is pinned for that organisation", hint=_LIST)


def grouped(fingerprint: bytes) -> str:
    """A fingerprint of 32 bytes as it is read out: 64 digits in groups of 4."""
    digits = fingerprint.hex()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
