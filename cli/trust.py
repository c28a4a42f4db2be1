"""`trust add`, `list`, `show`, `revoke`: which partners' cards are believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import output, session

if TYPE_CHECKING:
    from sharekit import Agency, Pin


@click.group("trust", cls=session.Group)
def trust_command() -> None:
    """Pin, show and revoke the cards of partners.

    \b
    Example:
        sharekit trust add quillbrook.card --fingerprint "3f2a 91c0 ..."
    """


@trust_command.command("add")
@click.argument("card")
@click.option("--fingerprint", metavar="HEX", help="The 64 hex digits that the partner read out, in any form.")
def add(card: str, fingerprint: str | None) -> None:
    """Pin a partner's CARD; with the fingerprint they read out over the telephone, as confirmed.

    A card with new particulars for the same key takes the place of the one before.

    \b
    Example:
        sharekit trust add quillbrook.card
    """
    data = session.cards([card])[0]
    with session.agency() as agency:
        pin = agency.trust.add(data, fingerprint)
        doubts = agency.trust.doubts(pin)
    if not pin.confirmed:
        output.say("not confirmed: have them read out this fingerprint over a telephone number you already hold")
    for doubt in doubts:
        output.say(f"warning: {doubt}")
    lines = [f"pinned {pin.card.org_id}, {pin.card.name}", f"fingerprint: {output.fingerprint(pin.card.fingerprint)}"]
    output.result(_told(pin, doubts), lines, as_json=session.wants_json())


@trust_command.command("list")
def list_() -> None:
    """Every pinned card with its fingerprint; of one organisation, the last one is sealed for.

    \b
    Example:
        sharekit trust list
    """
    with session.agency() as agency:
        pins = _with_doubts(agency)
    rows = [
        (pin.card.org_id, pin.card.org_type, pin.card.name, _state(pin), output.fingerprint(pin.card.fingerprint))
        for pin, _ in pins
    ]
    listing = output.Listing(("id", "type", "name", "card", "fingerprint"), rows, ["  ".join(row) for row in rows])
    warnings = [f"warning: {doubt}" for _, doubts in pins for doubt in doubts]
    output.result({"cards": [_told(*each) for each in pins]}, [listing, *warnings], as_json=session.wants_json())


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
        pins = [each for each in _with_doubts(agency) if each[0].card.org_id.casefold() == org.casefold()]
    if not pins:
        raise UnknownSender("no card of that organisation is pinned here")
    lines = [line for pin, doubts in pins for line in _lines(pin, doubts)]
    output.result({"cards": [_told(*each) for each in pins]}, lines, as_json=session.wants_json())


@trust_command.command("revoke")
@click.argument("org")
@click.option("--reason", type=session.Words(), required=True, metavar="TEXT", help="Why; it stays in this home.")
@click.option("--fingerprint", metavar="HEX", help="Which key, where several are pinned: sharekit trust list.")
@click.option("--all", "every", is_flag=True, help="Every key of the organisation.")
@click.option("--undo", is_flag=True, help="Believe a revoked key again from now on; it needs --fingerprint.")
def revoke(org: str, reason: str, fingerprint: str | None, every: bool, undo: bool) -> None:
    """Stop believing a key of an organisation from now on.

    With --undo a key is believed again. What came while it was revoked stays refused: have it sealed and sent again.

    \b
    Example:
        sharekit trust revoke ZZQ01 --reason "key lost, told by telephone"
        sharekit trust revoke ZZQ01 --reason "laptop stolen" --fingerprint "3f2a 91c0 ..."
        sharekit trust revoke ZZQ01 --undo --reason "the laptop was found" --fingerprint "3f2a 91c0 ..."
    """
    _check_choice(reason, fingerprint, every=every, undo=undo)
    with session.agency() as agency:
        trust = agency.trust
        if undo and fingerprint is not None:
            pins = [trust.reinstate(org, fingerprint=fingerprint, reason=reason)]
        elif every:
            pins = trust.revoke_all(org, reason=reason)
        else:
            pins = trust.revoke(org, reason=reason, fingerprint=fingerprint)
    done = "reinstated" if undo else "revoked"
    lines = [line for pin in pins for line in (f"{done} {pin.card.org_id}", _fingerprint(pin))]
    output.result({"cards": [_told(pin) for pin in pins]}, lines, as_json=session.wants_json())


def _check_choice(reason: str, fingerprint: str | None, *, every: bool, undo: bool) -> None:
    """Return only if the options say one thing; Usage otherwise."""
    from sharekit.errors import Usage

    if not any(letter.isalnum() for letter in reason):
        raise Usage("the reason says nothing", hint="one sentence: what happened, and who told you")
    if every and (undo or fingerprint is not None):
        raise Usage("--all goes with neither --fingerprint nor --undo", hint="choose one of them")
    if undo and fingerprint is None:
        raise Usage("--undo needs the fingerprint of the key", hint="--fingerprint HEX: sharekit trust show ORG has it")


def _with_doubts(agency: Agency) -> list[tuple[Pin, list[str]]]:
    return [(pin, agency.trust.doubts(pin)) for pin in agency.trust]


def _state(pin: Pin) -> str:
    if pin.revoked:
        return f"revoked {output.moment(pin.revoked)}"
    return "confirmed" if pin.confirmed else "unconfirmed"


def _fingerprint(pin: Pin) -> str:
    return f"fingerprint: {output.fingerprint(pin.card.fingerprint)}"


def _lines(pin: Pin, doubts: list[str]) -> list[str]:
    card = pin.card
    return [
        f"{card.org_id}  {card.org_type}  {card.name}  {_state(pin)}",
        _fingerprint(pin),
        f"telephone: {card.phone}",
        *([f"out of hours: {card.out_of_hours_phone}"] if card.out_of_hours_phone else []),
        f"issued: {output.moment(card.issued)}{' (demonstration)' if card.demonstration else ''}",
        *([f"reason: {pin.reason}"] if pin.reason else []),
        *(f"was revoked: {output.moment(since)} to {output.moment(until)}" for since, until in pin.lapses),
        *(f"earlier card: {earlier.name}, issued {output.moment(earlier.issued)}" for earlier in pin.earlier),
        *(f"warning: {doubt}" for doubt in doubts),
    ]


def _told(pin: Pin, doubts: list[str] | None = None) -> dict[str, Any]:
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
        "reason": pin.reason or None,
        "earlier": [earlier.fingerprint.hex() for earlier in pin.earlier],
        "doubts": doubts or [],
    }
