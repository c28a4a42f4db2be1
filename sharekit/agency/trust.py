"""The trust store of one agency: every change is on the record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from sharekit.errors import NotTrusted, Usage
from sharekit.record.record import Facts, Record
from sharekit.trust.cards import Card
from sharekit.trust.folder import TrustFolder
from sharekit.trust.store import Pin, Trust

__all__ = ["AgencyTrust"]


class AgencyTrust(TrustFolder):
    """The cards that this agency believes: every change is an entry, and its own card is always among them.

    A live home believes no card of a demonstration: NotTrusted.
    """

    def __init__(self, folder: Path, own: Card, record: Record, clock: Callable[[], datetime]) -> None:
        self._own, self._record, self._clock = own, record, clock
        super().__init__(folder)
        self._remember(Pin(own, confirmed=True))

    def add(self, card: bytes, fingerprint: str | None = None) -> Pin:
        parsed = Card.parse(card)
        if parsed.org_id == self._own.org_id and parsed.data != self._own.data:
            raise NotTrusted("the card claims to be this agency's own", hint="do not use it; tell your security team")
        self._check_real(parsed)
        pin = self._candidate(card, fingerprint)
        facts = Facts(counterparties=[parsed.org_id], file=parsed.fingerprint)
        self._record.append("trusted", facts, now=self._clock())
        self._pin(pin)
        return pin

    def joined(self, cards: Iterable[bytes]) -> Trust:
        given = list(cards)
        for card in given:
            self._check_real(Card.parse(card))
        return super().joined(given)

    def _check_real(self, card: Card) -> None:
        """Return only if a home like this one may believe the card; NotTrusted if it is from a demonstration."""
        if card.demonstration and not self._own.demonstration:
            raise NotTrusted("the card is from a demonstration", hint="ask the agency for the card of its live home")

    def revoke(self, org_id: str, *, reason: str, now: datetime | None = None) -> list[Pin]:
        if org_id == self._own.org_id:
            raise Usage("an agency does not revoke its own card here", hint="tell every partner to revoke it")
        found = [pin for pin in self if pin.card.org_id == org_id and not pin.revoked]
        if found:
            facts = Facts(counterparties=[org_id], file=found[-1].card.fingerprint)
            self._record.append("revoked", facts, now=self._clock())
        return super().revoke(org_id, reason=reason, now=now or self._clock())
