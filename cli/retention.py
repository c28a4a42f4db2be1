"""`retention due`, `hold`, `release`, `destroy`: what is kept here, until when, and forgetting it lawfully."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import output, session
from .options import Group, Words
from .receipts import packet_number

if TYPE_CHECKING:
    from sharekit import Kept


@click.group("retention", cls=Group)
def retention_command() -> None:
    """What is due to be destroyed, legal holds, and destroying on the record.

    \b
    Example:
        sharekit retention due
    """


@retention_command.command("due")
@click.option("--all", "everything", is_flag=True, help="Also what is not due, on hold, or without a date.")
def due(everything: bool) -> None:
    """What is to be destroyed by today, by which rule; the ledger keeps its proofs when it is.

    It needs the passphrase: the day is sealed, because a child's birth follows from it.

    \b
    Example:
        sharekit retention due --all
    """
    with session.agency(unlocked=True) as agency:
        now = agency.now()
        found = agency.retention.kept() if everything else agency.retention.due()
    told = [_told(each) | {"overdue": each.is_due(now)} for each in found]
    rows = [_row(each) for each in found]
    lines = ["  ".join(filter(None, row)) for row in rows] or ["nothing is due"]
    listing = output.Listing(("packet", "from", "rule", "due", ""), rows, lines)
    output.result({"kept": told}, [listing], as_json=session.wants_json())


def _told(each: Kept) -> dict[str, Any]:
    return {
        "packet": each.packet.hex(),
        "sender": each.sender,
        "rule": each.rule,
        "due": each.due.isoformat() if each.due else None,
        "held": each.held,
    }


def _row(each: Kept) -> list[str]:
    when = each.due.isoformat() if each.due else "no date: look, and decide"
    return [each.packet.hex(), each.sender, each.rule, when, "on hold" if each.held else ""]


@retention_command.command("hold")
@click.argument("packet")
@click.option("--reason", required=True, type=Words(), metavar="TEXT", help="Which inquiry or proceedings.")
def hold(packet: str, reason: str) -> None:
    """Suspend the destruction of PACKET, a file or its number: an inquiry or proceedings may need it.

    \b
    Example:
        sharekit retention hold flag.sharekit --reason "inquiry announced on 1 December"
    """
    number = packet_number(packet)
    with session.agency(unlocked=True) as agency:
        agency.retention.hold(bytes.fromhex(number), reason=reason)
    _say_held(number, held=True)


@retention_command.command("release")
@click.argument("packet")
@click.option("--reason", required=True, type=Words(), metavar="TEXT", help="Why it may be destroyed again.")
def release(packet: str, reason: str) -> None:
    """Take a legal hold back.

    \b
    Example:
        sharekit retention release flag.sharekit --reason "inquiry closed"
    """
    number = packet_number(packet)
    with session.agency(unlocked=True) as agency:
        agency.retention.release(bytes.fromhex(number), reason=reason)
    _say_held(number, held=False)


def _say_held(number: str, *, held: bool) -> None:
    words = f"{number} is {'on hold' if held else 'no longer on hold'}"
    output.result({"packet": number, "held": held}, [words], as_json=session.wants_json())


@retention_command.command("destroy")
@click.argument("packet", required=False)
@click.option("--due", "all_due", is_flag=True, help="Everything that is due today.")
@click.option("--id", "identifier", metavar="SCHEME", help="Everything about one child: it asks for the value.")
@click.option("--reason", type=Words(), metavar="TEXT", help="Why, where it is not due yet; it stays in this home.")
def destroy(packet: str | None, all_due: bool, identifier: str | None, reason: str | None) -> None:
    """Destroy what is kept of PACKET, of everything that is due, or of one child; on the record.

    The sealed words go, and a child's key once nothing about that child is kept; the ledger's proofs stay.

    \b
    Example:
        sharekit retention destroy --due
    """
    from sharekit.errors import Usage

    if [bool(packet), all_due, bool(identifier)].count(True) != 1:
        raise Usage("what is to be destroyed is not clear", hint="one of PACKET, --due and --id")
    named = session.identifier(identifier) if identifier else None
    number = bytes.fromhex(packet_number(packet)) if packet else None
    with session.agency(unlocked=True) as agency:
        if named:
            count = agency.retention.destroy_subject(*named, reason=reason)
        elif number:
            count = agency.retention.destroy(number, reason=reason)
        else:
            count = agency.retention.destroy_due()
    output.result({"destroyed": count}, [f"destroyed what was kept of {count} packets"], as_json=session.wants_json())
