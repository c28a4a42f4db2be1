"""The fictional agencies of the benchmarks, and the worked example that they seal and open again and again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sharekit
from sharekit import Card, Keys, Sender, Share, Trust, Use, cbor
from sharekit.domain import profile
from sharekit.trust.keys import signing_kid

from . import bare

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
ISSUED, NOW = datetime(2026, 11, 26, 9, tzinfo=UTC), datetime(2026, 11, 27, 9, 5, tzinfo=UTC)
PHONE = "01632 960101"


class World:
    """One sender and `size` recipients who know each other; with `classical`, by X25519 keys alone."""

    def __init__(self, size: int = 20, *, classical: bool = False) -> None:
        (terms,) = EXAMPLES.glob("*-flag.terms.json")
        self.terms = _read(terms)
        self.dataset = _read(terms.with_name(terms.name.replace(".terms", "")))
        about = profile.load(self.terms["profile"]).about
        sends, receives = about["senders"][0], about["recipients"][0]["org_types"][0]
        self._classical = classical
        self.keys, self.recipients = Keys.generate(), [Keys.generate(classical=classical) for _ in range(size)]
        self.cards = [_card(keys, f"ZZQ{number:02}", receives) for number, keys in enumerate(self.recipients)]
        self.sender = Sender(org_id="E10999001", keys=self.keys, org_type=sends, name="A council", phone=PHONE)
        self.trust = Trust([_card(self.keys, self.sender.org_id, sends).data])
        known = {name: self._value(places) for name, places in about.get("confirm", {}).items()}
        self.use = Use(purpose=self.terms["purpose"], org_type=receives, confirm=known)

    def _value(self, places: list[str]) -> str:
        return next(self.dataset[place] for place in places if place in self.dataset)

    def seal(self, count: int = 1) -> bytes:
        """A packet for the first `count` recipients, with all validation, by the one call that callers use."""
        about = {"sender": self.sender, "recipients": self.cards[:count], "classical": self._classical, "now": NOW}
        return sharekit.seal(self.dataset, self.terms, **about)

    def open(self, packet: bytes, index: int = 0) -> Share:
        """What one recipient sees: verified, read, decided, opened."""
        return sharekit.open_packet(packet, self.recipients[index], self.trust, use=self.use, now=NOW)


class Bare:
    """The same seals and openings by the bare calls, with what sharekit put into the parts as their input."""

    def __init__(self, world: World, count: int = 1) -> None:
        share = world.open(world.seal(count))
        self._fields, self._terms = (cbor.decode(cbor.encode(dict(part))) for part in (share.fields, share.terms.json))
        self._world, self._recipients = world, [_recipient(card) for card in world.cards[:count]]
        self._verify_key = bytes(world.keys.signing.verify_key)
        self._kid, self._issued = signing_kid(self._verify_key), int(NOW.timestamp())

    def seal(self) -> bytes:
        return bare.seal(
            self._fields,
            self._terms,
            signing=self._world.keys.signing,
            kid=self._kid,
            sender=self._world.sender.org_id,
            recipients=self._recipients,
            issued=self._issued,
            days=self._terms["valid_days"],
        )

    def open(self, packet: bytes, index: int = 0) -> Any:
        private, protected = self._world.recipients[index].opening._private, self._recipients[index].protected
        return bare.open_(packet, verify_key=self._verify_key, private=private, protected=protected)


def _card(keys: Keys, org_id: str, org_type: str) -> Card:
    return Card.make(keys, org_id=org_id, org_type=org_type, name="An agency", phone=PHONE, issued=ISSUED)


def _recipient(card: Card) -> bare.Recipient:
    key, _ = card.opening_keys()
    return bare.Recipient(card.org_id, key.public, cbor.encode({1: key.alg, 4: key.kid}))


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
