"""`audit report`: the auditor's report as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import output, session
from .evidence import EXIT_FINDINGS, Evidence, evidence_options, remarks_told

if TYPE_CHECKING:
    from sharekit.audit.report import Given
    from sharekit.audit.verify import AuditReport


@click.command("report", cls=session.Command)
@click.argument("export")
@click.option("-o", "out", required=True, metavar="FILE", help="Where to write it; - is standard output.")
@evidence_options
def report_command(export: str, out: str, **evidence: tuple[str, ...]) -> int:
    """Write what an audit of EXPORT found as one HTML file: the verdict first, then every question with its answer.

    It opens in any browser, runs nothing, fetches nothing and can be printed. Exits 6 where there are findings; the
    report is written all the same, and says so first.

    \b
    Example:
        sharekit audit report fernshire-2026.export --trust fernshire.card -o report.html
    """
    from sharekit.audit import report, verdict

    given = Evidence.read(**evidence)
    with given.audits([export]) as audited, session.destination(out, what="the report") as deliver:
        ((path, found),) = audited
        name = Path("standard input") if export == "-" else Path(export)
        page = report.html(path, found, _given(given, found), now=given.now(), file=name.name)
        deliver(page.encode())
    sentence = verdict.sentence(found, _names(given))
    if out != "-":
        told = {"origin": found.origin, "size": found.size, "verdict": _verdict(found), "sentence": sentence}
        told |= {"confirmed": verdict.confirmed(found), "remarks": remarks_told(found), "path": out}
        output.result(told, [sentence, f"report written to {out}"], as_json=session.wants_json())
    return EXIT_FINDINGS if found.findings else 0


def _verdict(found: AuditReport) -> str:
    return "findings" if found.findings else "verified"


def _names(evidence: Evidence) -> dict[str, str]:
    return {pin.card.org_id: pin.card.name for pin in evidence.trust}


def _given(evidence: Evidence, found: AuditReport) -> Given:
    """What the report says of the evidence: of the cards those that bear on this ledger."""
    from sharekit.audit import verdict
    from sharekit.audit.report import Given

    bearing: set[Any] = {verdict.agency(found), *(each.org_id for each in found.attested)}
    cards = [pin.card for pin in evidence.trust if pin.card.org_id in bearing]
    return Given(cards, len(evidence.checkpoints), len(evidence.proofs), len(evidence.receipts))
