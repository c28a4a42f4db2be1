"""`trust add`, `list`, `show`, `revoke`: which partners' cards are believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import output, session

if TYPE_CHECKING:
    from sharekit import Pin


@click.group("trust", cls=session.Group)
def trust_command() -> None:
    """Pin, show and revoke the cards of partners.

    \b
    Example:
        sharekit trust add quillbrook.card --fingerprint "3f2a 91c0 ..."
    """


@trust_command.command("add")
@click.argument("card")
@click.option("--fingerprint", metavar="HEX", help="The 64 hex digits that the partner read out.")
def add(card: str, fingerprint: str | None) -> None:
    """Pin a partner's CARD; with the fingerprint they read out over the telephone, as confirmed.

    \b
    Example:
        sharekit trust add quillbrook.card
    """
    data = session.cards([card])[0]
    with session.agency() as agency:
        pin = agency.trust.add(data, fingerprint)
    if not pin.confirmed:
        output.say("not confirmed: have them read out this fingerprint over a telephone number you already hold")
    lines = [f"pinned {pin.card.org_id}, {pin.card.name}", f"fingerprint: {output.fingerprint(pin.card.fingerprint)}"]
    output.result(_told(pin), lines, as_json=session.wants_json())


@trust_command.command("list")
def list_() -> None:
    """Every pinned card, one a line.

    \b
    Example:
        sharekit trust list
    """
    with session.agency() as agency:
        pins = list(agency.trust)
    rows = [(pin.card.org_id, pin.card.org_type, pin.card.name, _state(pin)) for pin in pins]
    listing = output.Listing(("id", "type", "name", "card"), rows, ["  ".join(row) for row in rows])
    output.result({"cards": [_told(pin) for pin in pins]}, [listing], as_json=session.wants_json())


@trust_command.command("show")
@click.argument("org")
def show(org: str) -> None:
    """The cards of one organisation, with fingerprint and telephone numbers.

    \b
    Example:
        sharekit trust show ZZQ01
    """
    from sharekit.errors import UnknownSender

    with session.agency() as agency:
        pins = [pin for pin in agency.trust if pin.card.org_id == org]
    if not pins:
        raise UnknownSender("no card of that organisation is pinned here")
    lines = [line for pin in pins for line in _lines(pin)]
    output.result({"cards": [_told(pin) for pin in pins]}, lines, as_json=session.wants_json())


@trust_command.command("revoke")
@click.argument("org")
@click.option("--reason", type=session.Words(), required=True, metavar="TEXT", help="Why; it stays in this home.")
def revoke(org: str, reason: str) -> None:
    """Stop believing an organisation's cards from now on.

    \b
    Example:
        sharekit trust revoke ZZQ01 --reason "key lost, told by telephone"
    """
    with session.agency() as agency:
        pins = agency.trust.revoke(org, reason=reason)
    lines = [f"revoked {pin.card.org_id}" for pin in pins]
    output.result({"cards": [_told(pin) for pin in pins]}, lines, as_json=session.wants_json())


def _state(pin: Pin) -> str:
    if pin.revoked:
        return f"revoked {output.moment(pin.revoked)}"
    return "confirmed" if pin.confirmed else "unconfirmed"


def _lines(pin: Pin) -> list[str]:
    card = pin.card
    hours = [f"out of hours: {card.out_of_hours_phone}"] if card.out_of_hours_phone else []
    return [
        f"{card.org_id}  {card.org_type}  {card.name}  {_state(pin)}",
        f"fingerprint: {output.fingerprint(card.fingerprint)}",
        f"telephone: {card.phone}",
        *hours,
        f"issued: {output.moment(card.issued)}{' (demonstration)' if card.demonstration else ''}",
    ]


def _told(pin: Pin) -> dict[str, Any]:
    card = pin.card
    return {
        "org_id": card.org_id,
        "org_type": card.org_type,
        "name": card.name,
        "phone": card.phone,
        "out_of_hours_phone": card.out_of_hours_phone,
        "fingerprint": card.fingerprint.hex(),
        "issued": output.moment(card.issued),
        "demonstration": card.demonstration,
        "classical": card.classical_opening is not None,
        "confirmed": pin.confirmed,
        "revoked": output.moment(pin.revoked) if pin.revoked else None,
    }
