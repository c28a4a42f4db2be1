"""`receive` and `receipts`: what partners send about packets, and what is known of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import output, session

if TYPE_CHECKING:
    from sharekit import Agency, Opened, Received, Said, Verified


@click.command("receive", cls=session.Command)
@click.argument("packet")
def receive_command(packet: str) -> None:
    """Take in what a partner sent: a share is delivered, a receipt kept, a checkpoint cosigned; on the record.

    \b
    Example:
        sharekit receive outbox/0f3c...sharekit
    """
    data = session.read(packet, what="the packet")
    with session.agency(unlocked=True) as agency:
        taken = agency.receive(data)
    waiting = receipt_path(taken)
    told = _taken_told(taken) | {"receipt": waiting, "warnings": warnings(taken)}
    output.result(told, _taken_lines(taken, waiting), as_json=session.wants_json())


def receipt_path(done: Opened | Verified | Received) -> str | None:
    """Where the receipt of an act waits; why there is none is said, and undoes nothing."""
    if done.trouble:
        what = "their checkpoint was not cosigned" if done.receipt else "no receipt could be made"
        output.say(f"warning: {what}: {done.trouble.message}")
    return str(done.receipt) if done.receipt else None


def warnings(done: Opened | Received) -> list[dict[str, Any]]:
    """What must be known besides what was done, for a program; a person is told of it on standard error."""
    if done.warning is None:
        return []
    told = done.warning
    for line in (f"WARNING [{told.code}]: {told.message}", f"  what to do: {told.hint}"):
        output.say(line)
    return [{"code": told.code, "message": told.message, "hint": told.hint}]


def _taken_told(taken: Received) -> dict[str, Any]:
    told: dict[str, Any] = {"packet": taken.statement.id, "mode": taken.mode, "sender": taken.statement.sender}
    if taken.taken:
        said = taken.taken
        told |= {"about": said.packet.hex(), "event": said.event, "outcome": said.outcome, "purpose": said.purpose}
        told |= {"at": output.moment(said.at), "cosigned": said.cosigned is not None}
    return told


def _taken_lines(taken: Received, waiting: str | None) -> list[str]:
    said = taken.taken
    if said:
        when = f"at {output.moment(said.at)} ({said.outcome})"
        lines = [f"{said.event} by {said.org_id} {when}: packet {said.packet.hex()}"]
        lines += ["they cosigned a checkpoint of this ledger"] if said.cosigned else []
    else:
        lines = [f"took in a {taken.mode} from {taken.statement.sender}: packet {taken.statement.id}"]
    return [*lines, *([f"receipt: {waiting}"] if waiting else [])]


@click.command("receipts", cls=session.Command)
@click.argument("packet")
@click.option("-o", "out", metavar="FILE", help="Write a year's receipts, of every packet, for an auditor.")
@click.option("--year", type=click.IntRange(1, 9999), metavar="YEAR", help="With -o: those of an earlier year.")
def receipts_command(packet: str, out: str | None, year: int | None) -> None:
    """What is known of PACKET, a file or its number: delivered, verified, opened, refused, and by whom.

    \b
    Example:
        sharekit receipts flag.sharekit
    """
    number = packet_number(packet)
    with session.agency() as agency:
        found = [_said_told(each) for each in agency.receipts.said(bytes.fromhex(number))]
        if out is not None:
            _write_evidence(agency, out, year)
    rows = [[each[part] for part in ("at", "org_id", "event", "outcome")] for each in found]
    lines = ["  ".join(row) for row in rows] or [
        "no receipt has come in. Sent is not acted on: telephone the recipient."
    ]
    listing = output.Listing(("when", "by", "event", "outcome"), rows, lines)
    output.result({"packet": number, "receipts": found, "path": out}, [listing], as_json=session.wants_json())


def packet_number(packet: str) -> str:
    """The packet's number: as typed, or read from the file."""
    from sharekit import parse

    typed = packet.lower()
    if len(typed) == 32 and set(typed) <= set("0123456789abcdef") and not Path(packet).exists():
        return typed
    return parse(session.read(packet, what="the packet")).id


def _said_told(said: Said) -> dict[str, Any]:
    return {
        "org_id": said.org_id,
        "event": said.event,
        "at": output.moment(said.at),
        "outcome": said.outcome,
        "cosigned": said.cosigned is not None,
    }


def _write_evidence(agency: Agency, out: str, year: int | None) -> None:
    with session.destination(out, what="the receipts") as deliver:
        deliver(agency.receipts.evidence(year=year))
