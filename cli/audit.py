"""`audit verify`: another agency's export, checked without its writer's code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import output, session

if TYPE_CHECKING:
    from sharekit.audit import AuditReport
    from sharekit.trust import Trust

EXIT_FINDINGS = 6


@click.group("audit", cls=session.Group)
def audit_command() -> None:
    """Verify another agency's export, independently of the software that wrote it.

    \b
    Example:
        sharekit audit verify fernshire-2026.export --trust fernshire.card
    """


@audit_command.command("verify")
@click.argument("export")
@click.option("--trust", "trusted", multiple=True, metavar="CARD", help="The card of the agency audited.")
@click.option("--checkpoint", "checkpoints", multiple=True, metavar="FILE", help="An earlier checkpoint of it.")
@click.option("--proof", "proofs", multiple=True, metavar="FILE", help="A proof it gave for one entry.")
@click.option("--root", "roots", multiple=True, metavar="PEM", help="A timestamp authority's root certificate.")
@click.option("--receipts", "receipts", multiple=True, metavar="FILE", help="What its partners' receipts said.")
def verify(
    export: str,
    trusted: tuple[str, ...],
    checkpoints: tuple[str, ...],
    proofs: tuple[str, ...],
    receipts: tuple[str, ...],
    roots: tuple[str, ...],
) -> int:
    """Recompute everything in EXPORT; exits 6 with findings, each with entry, expected and found.

    \b
    Example:
        sharekit audit verify fernshire-2026.export --trust fernshire.card --checkpoint june.note
    """
    from sharekit.audit import audit

    notes = [session.read(name, what="the checkpoint", limit=64 * 1024) for name in checkpoints]
    given = [session.read(name, what="the proof", limit=64 * 1024) for name in proofs]
    said = [session.read(name, what="the receipts", limit=64 * 1024 * 1024) for name in receipts]
    trusted_roots = [session.read(name, what="the root certificate", limit=64 * 1024) for name in roots]
    with session.readable(export, what="the export") as path:
        report = audit(path, _trust(trusted), checkpoints=notes, proofs=given, receipts=said, roots=trusted_roots)
    output.result(_told(report), _lines(report), as_json=session.wants_json())
    return EXIT_FINDINGS if report.findings else 0


def _trust(names: tuple[str, ...]) -> Trust:
    from sharekit import Trust

    cards = session.cards(names)
    if session.has_home():
        with session.agency() as agency:
            cards += [pin.card.data for pin in agency.trust if not pin.revoked]
    return Trust(cards)


def _told(report: AuditReport) -> dict[str, Any]:
    findings = [
        {"kind": f.kind, "entry": f.entry, "expected": f.expected, "found": f.found, "message": f.message}
        for f in report.findings
    ]
    verdict = "findings" if findings else "verified"
    return {
        "origin": report.origin,
        "size": report.size,
        "root": report.root.hex(),
        "verdict": verdict,
        "attested": [
            {"org_id": each.org_id, "size": each.size, "at": output.moment(each.at)} for each in report.attested
        ],
        "findings": findings,
    }


def _lines(report: AuditReport) -> list[str]:
    verdict = f"{len(report.findings)} findings" if report.findings else "verified: nothing was changed or removed"
    lines = [f"{report.origin}: {report.size} entries", f"root: {report.root.hex()}", verdict]
    for each in report.attested[:3]:
        lines.append(f"attested by {each.org_id}: the first {each.size} entries, seen {output.moment(each.at)}")
    for finding in report.findings:
        where = "" if finding.entry is None else f" at entry {finding.entry}"
        lines.append(f"{finding.kind}{where}: {finding.message}")
        hashes = (("expected", finding.expected), ("found   ", finding.found))
        lines += [f"    {name} {value}" for name, value in hashes if value]
    return lines
