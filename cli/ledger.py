"""`ledger log`, `subject`, `verify`, `checkpoint`, `prove`, `export`: this agency's own record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from . import output, session
from .clock import clock_command
from .database import init_postgres_command, move_command
from .evidence import EXIT_FINDINGS
from .stamp import timestamp_command
from .witness import compare_command, forks_command, seen_command, witness_command

if TYPE_CHECKING:
    from sharekit import Agency, Entry

_PACKET = re.compile(r"[0-9A-Fa-f]{32}\Z")


@click.group("ledger", cls=session.Group)
def ledger_command() -> None:
    """Read, verify, prove and export this agency's record.

    \b
    Example:
        sharekit ledger log --limit 10
    """


_year = click.option("--year", type=click.IntRange(1, 9999), metavar="YEAR", help="Of that year; else of the newest.")


@ledger_command.command("log")
@_year
@click.option("--limit", type=session.COUNT, metavar="N", help="Only the newest N entries.")
@click.option("--packet", metavar="ID", help="Only entries about this packet.")
@click.option("--event", metavar="KIND", help="Only this event: sharekit vocab ledger-events.")
def log(limit: int | None, packet: str | None, event: str | None, year: int | None) -> None:
    """The entries, oldest first.

    \b
    Example:
        sharekit ledger log --event refused
    """
    from sharekit.agency import shipped
    from sharekit.errors import Usage

    if event is not None:
        shipped.vocabulary("ledger-events")[event]  # before a home is looked for
    packet = packet and re.sub(r"[\s-]", "", packet).lower()
    if packet is not None and not _PACKET.match(packet):
        raise Usage("--packet takes the number of a packet", hint="32 hex digits, as seal and verify print them")
    with session.agency() as agency:
        found = agency.newest(limit, packet=packet, event=event, year=year)
    told = [_entry_told(seq, entry) for seq, entry in found]
    output.result({"entries": told}, [_listing(told)], as_json=session.wants_json())


@ledger_command.command("subject")
@click.option("--id", "identifier", required=True, metavar="SCHEME", help="nhs, upn or local: it asks for the value.")
@click.option("--limit", type=session.COUNT, default=25, show_default=True, metavar="N")
def subject(identifier: str, limit: int) -> None:
    """Who has had this child's data, when and for what: the newest entries; the look-up is itself recorded.

    \b
    Example:
        sharekit ledger subject --id nhs
    """
    tell_subject(identifier, limit)


def tell_subject(identifier: str, limit: int) -> None:
    """Tell who has had a child's data; the look-up is itself recorded."""
    scheme, value = session.identifier(identifier)
    with session.agency(unlocked=True) as agency:
        found = agency.lookups.about(scheme, value, limit=limit)
    told = [_entry_told(seq, entry) for seq, entry in found]
    caution = "" if told else "nothing is recorded. This is not evidence of no concern."
    lines = [_listing(told)] if told else [caution]
    output.result({"entries": told, "caution": caution or None}, lines, as_json=session.wants_json())


@ledger_command.command("verify")
@_year
def verify(year: int | None) -> int:
    """Recompute the record of every year and that every year follows the one before; hold the home's files against it.

    \b
    Example:
        sharekit ledger verify
    """
    with session.agency() as agency, output.progress("verifying", as_json=session.wants_json()) as progress:
        years = agency.verify_years(progress)
        newest, size = years[-1] if year is None else (year, agency.ledger_of(year).size)
        found, strays = agency.differences(), agency.trust.strays()
    told = {"year": newest, "size": size, "years": [{"year": each, "size": count} for each, count in years]}
    lines = [f"{each}: verified {count} entries" for each, count in years] if len(years) > 1 else []
    lines += ["every year follows the one before it"] if len(years) > 1 else [f"verified {size} entries"]
    lines += [f"not as the record has it: {each}" for each in found]
    lines += [f"not as the record has it, and of no effect: {each}" for each in strays]
    told |= {"verdict": "findings" if found else "verified", "differences": found, "strays": strays}
    output.result(told, lines, as_json=session.wants_json())
    return EXIT_FINDINGS if found else 0


@ledger_command.command("checkpoint")
@click.option("--to", "org", metavar="ORG", help="Seal it for a partner to cosign, with its consistency proof.")
@click.option("--from", "start", type=session.COUNT, metavar="SIZE", help="With --to: where the proof starts.")
@click.option("-o", "out", metavar="FILE", help="Where to write it; without, standard output.")
@_year
def checkpoint(org: str | None, start: int | None, out: str | None, year: int | None) -> None:
    """The newest signed checkpoint: give it to somebody outside, and nothing before it can be rewritten.

    \b
    Example:
        sharekit ledger checkpoint -o fernshire.note
    """
    from sharekit.audit import attested
    from sharekit.errors import Usage

    if start is not None and org is None:
        raise Usage("--from is for a checkpoint that a partner cosigns", hint="add --to ORG")
    with session.agency(unlocked=org is not None) as agency:
        if org is not None:
            _send_checkpoint(agency, org, start, out, year)
            return
        note = agency.ledger_of(year).checkpoint()
    found = attested.read(note)
    told = {"origin": found.origin, "size": found.size, "root": found.root.hex(), "note": note, "path": out}
    if out is not None or not session.wants_json():
        with session.destination("-" if out is None else out, what="the checkpoint") as deliver:
            deliver(note.encode())
    if out != "-" and (out or session.wants_json()):
        output.result(told, [f"checkpoint of {found.size} entries written to {out}"], as_json=session.wants_json())


def _send_checkpoint(agency: Agency, org: str, start: int | None, out: str | None, year: int | None) -> None:
    if out is None:
        path = str(agency.witness.send_checkpoint(org, year=year, start=start))
    else:
        with session.destination(path := out, what="the checkpoint") as deliver:
            deliver(agency.witness.send_checkpoint(org, year=year, start=start).read_bytes())
    if path != "-":
        output.result({"to": org, "path": path}, [f"checkpoint for {org}: {path}"], as_json=session.wants_json())


@ledger_command.command("prove")
@click.argument("seq", type=click.IntRange(0, session.MOST_ENTRIES))
@click.option("-o", "out", metavar="FILE", help="Where to write the proof; without, standard output.")
@_year
def prove(seq: int, out: str | None, year: int | None) -> None:
    """A proof that entry SEQ stands in the record, for somebody who has only the checkpoint.

    \b
    Example:
        sharekit ledger prove 3 -o entry-3.proof
    """
    from sharekit.errors import Usage

    with session.agency() as agency:
        ledger = agency.ledger_of(year)
        if seq >= ledger.size:
            raise Usage("there is no such entry", hint=f"the record has {ledger.size}, numbered from 0")
        proof = ledger.prove(seq)
    if out is None and (output.is_terminal() or session.wants_json()):
        raise Usage("a proof is not text", hint="name a file with -o")
    with session.destination("-" if out is None else out, what="the proof") as deliver:
        deliver(proof)
    if out not in (None, "-"):
        told = {"entry": seq, "size": len(proof), "path": out}
        output.result(told, [f"proof of entry {seq} written to {out}"], as_json=session.wants_json())


@ledger_command.command("export")
@click.option("-o", "out", required=True, metavar="FILE", help="Where to write it.")
@_year
def export(out: str, year: int | None) -> None:
    """A copy for auditors: entries, hashes, checkpoints and cards, and nothing personal.

    \b
    Example:
        sharekit ledger export -o fernshire-2026.export
    """
    from sharekit.errors import Usage

    if out == "-" and output.is_terminal():
        raise Usage("an export is not for a terminal", hint="name a file with -o")
    with session.written(out, what="the export") as path, session.agency() as agency:
        size = agency.export(path, year=year)
    if out != "-":
        told = {"entries": size, "path": out}
        output.result(told, [f"{size} entries written to {out}"], as_json=session.wants_json())


def _entry_told(seq: int, entry: Entry) -> dict[str, Any]:
    from sharekit import time_of
    from sharekit.agency import shipped

    def code(name: str, number: int | None) -> str | None:
        return shipped.vocabulary(name).by_number(number).code if number is not None else None

    return {
        "seq": seq,
        "time": output.moment(time_of(entry.time)),
        "event": code("ledger-events", entry.event),
        "packet": entry.packet.hex() if entry.packet else None,
        "purpose": code("purposes", entry.purpose),
        "outcome": code("outcomes", entry.outcome),
        "rule": entry.rule,
        "counterparties": list(entry.counterparties or ()),
        **_matter_told(entry),
    }


def _matter_told(entry: Entry) -> dict[str, Any]:
    """What a decision, an advice or a review says, where there is one."""
    from sharekit.agency import shipped

    codes = {
        "decided": ("decisions", entry.decided),
        "adviser": ("advice-roles", entry.adviser),
        "stage": ("dispute-stages", entry.stage),
        "action": ("action-kinds", entry.action),
    }
    told: dict[str, Any] = {"decision": entry.decision.hex()} if entry.decision else {}
    told |= {key: shipped.vocabulary(name).by_number(n).code for key, (name, n) in codes.items() if n is not None}
    if entry.reasons:
        told["reasons"] = [shipped.vocabulary("refusal-reasons").by_number(number).code for number in entry.reasons]
    return told | ({"identity_disclosed": entry.disclosed is True} if entry.adviser is not None else {})


_COLUMNS = ("event", "packet", "decision", "purpose", "outcome", "rule", "decided", "adviser", "action")


def _listing(entries: list[dict[str, Any]]) -> output.Listing:
    rows = [_entry_row(told) for told in entries]
    lines = ["  ".join(word for word in (row[0].rjust(5), *row[1:]) if word) for row in rows]
    return output.Listing(("entry", "time", *_COLUMNS, "with"), rows, lines)


def _entry_row(told: dict[str, Any]) -> list[str]:
    words = [told.get(name) or "" for name in _COLUMNS]
    return [str(told["seq"]), told["time"], *words, ", ".join(told["counterparties"])]


for _command in (
    clock_command,
    witness_command,
    seen_command,
    forks_command,
    compare_command,
    timestamp_command,
    init_postgres_command,
    move_command,
):
    ledger_command.add_command(_command)
