"""Who a packet says that it is from and for, believed only as far as the pinned cards say it too. SPEC.md section 5.13.

A pinned partner may write anything into the terms. What is shown of a sender is never read there: it is the card's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from sharekit.domain import profile
from sharekit.domain.terms import ShareTerms
from sharekit.errors import Malformed, NotNeedToKnow, NotTrusted, Revoked, UnknownSender
from sharekit.packet.wire import Statement
from sharekit.trust.cards import Card
from sharekit.trust.store import Pin, Trust

__all__ = ["changed", "check", "check_own_type", "present_card"]

_OTHERWISE = "do not act on it alone; telephone them by the number on their pinned card, and ask what they are"
_SHOWN = {"name": "name", "callback_phone": "phone", "out_of_hours_phone": "out_of_hours_phone"}


def present_card(trust: Trust, pin: Pin) -> Card:
    """The newest believed card of the organisation that signed; the one that it signed with where none is."""
    with contextlib.suppress(Revoked, UnknownSender):
        return trust.card(pin.card.org_id)
    return pin.card


def check(terms: ShareTerms, statement: Statement) -> None:
    """Return only if sender and recipients in the terms are those who were signed for, and may exchange this profile.

    Raises Malformed where the statement names others, NotTrusted where the pinned card says another type,
    NotNeedToKnow.
    """
    sender, recipients, kind = terms.json["sender"], terms.json["recipients"], profile.load(terms.profile)
    named = tuple(recipient["org_id"] for recipient in recipients)
    if sender["org_id"] != statement.sender or named != statement.recipients:
        raise Malformed("the manifest does not agree with the statement")
    if sender.get("org_type", statement.card.org_type) != statement.card.org_type:
        raise NotTrusted("the packet says another type of its sender than the sender's pinned card", hint=_OTHERWISE)
    kind.check_sender(statement.card.org_type)
    for recipient in recipients:
        if "org_type" in recipient:
            check_receives(kind, recipient["org_id"], recipient["org_type"], terms)


def check_receives(kind: profile.Profile, org_id: str, org_type: str, terms: ShareTerms) -> None:
    """Return only if an organisation of this type may receive the profile under these terms; NotNeedToKnow."""
    if not kind.receives(org_type, route=terms.route):
        raise NotNeedToKnow(f"{org_id}, of type {org_type}, is not among those who receive {kind.name}")


def check_own_type(terms: ShareTerms, org_id: str, org_type: str) -> None:
    """Return only if the terms say of the recipient `org_id` no other type than `org_type`; NotTrusted otherwise."""
    for recipient in terms.json["recipients"]:
        if recipient["org_id"] == org_id and recipient.get("org_type", org_type) != org_type:
            raise NotTrusted(
                "the packet says another type of this agency than its own card",
                hint="send them your present card (sharekit card), and ask for the packet to be sealed again",
            )


def changed(said: Mapping[str, Any], card: Card) -> tuple[str, ...]:
    """In which of name, phone and out_of_hours_phone a card differs from what the terms say of their sender.

    What the terms do not say differs in nothing.
    """
    pairs = ((shown, said[name]) for name, shown in _SHOWN.items() if name in said)
    return tuple(shown for shown, value in pairs if value != getattr(card, shown))
