"""`audit`: an agency's export, checked and asked without the code that wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import output, session
from .datasette import datasette_command
from .evidence import EXIT_FINDINGS, Evidence, evidence_options, remarks_told
from .questions import query_command, questions_command
from .report import report_command
from .table import table_command

if TYPE_CHECKING:
    from sharekit.audit.verify import AuditReport


@click.group("audit", cls=session.Group)
def audit_command() -> None:
    """Verify an agency's export, independently of the software that wrote it, and put questions to it.

    \b
    Example:
        sharekit audit verify fernshire-2026.export --trust fernshire.card
        sharekit audit report fernshire-2026.export --trust fernshire.card -o report.html
    """


@audit_command.command("verify")
@click.argument("exports", nargs=-1, required=True, metavar="EXPORT [EXPORT]...")
@evidence_options
def verify(exports: tuple[str, ...], **evidence: tuple[str, ...]) -> int:
    """Recompute everything in EXPORT; exits 6 with findings, each with entry, expected and found.

    Several exports of one agency are held against each other: every year begins from the last checkpoint of the year
    before. A year that lacks is told, and is no finding.

    \b
    Example:
        sharekit audit verify fernshire-2026.export --trust fernshire.card --checkpoint june.note
    """
    given = Evidence.read(**evidence)
    names = {pin.card.org_id: pin.card.name for pin in given.trust}
    with given.audits(exports) as audited:
        reports = [report for _, report in audited]
    told = [_told(each, names) for each in reports]
    lines = [line for each in reports for line in _lines(each, names)]
    output.result(told[0] if len(told) == 1 else _several(told), lines, as_json=session.wants_json())
    return EXIT_FINDINGS if any(report.findings for report in reports) else 0


def _several(told: list[dict[str, Any]]) -> dict[str, Any]:
    """The audits of several exports for a program: all together, and each."""
    verdict = "findings" if any(each["findings"] for each in told) else "verified"
    parts = {
        part: [{"origin": each["origin"], **one} for each in told for one in each[part]]
        for part in ("findings", "remarks", "attested")
    }
    return {"verdict": verdict, **parts, "ledgers": told}


def _told(report: AuditReport, names: dict[str, str]) -> dict[str, Any]:
    from sharekit.audit import verdict

    findings = [
        {"kind": f.kind, "entry": f.entry, "expected": f.expected, "found": f.found, "message": f.message}
        for f in report.findings
    ]
    return {
        "origin": report.origin,
        "size": report.size,
        "root": report.root.hex(),
        "verdict": "findings" if findings else "verified",
        "sentence": verdict.sentence(report, names),
        "advice": verdict.advice(report),
        "confirmed": verdict.confirmed(report),
        "attested": [
            {"org_id": each.org_id, "size": each.size, "at": output.moment(each.at)} for each in report.attested
        ],
        "other_years": list(report.other_years),
        "findings": findings,
        "remarks": remarks_told(report),
    }


def _lines(report: AuditReport, names: dict[str, str]) -> list[str]:
    from sharekit.audit import verdict

    state = f"{len(report.findings)} findings" if report.findings else "verified"
    lines = [f"{report.origin}: {report.size} entries", f"root: {report.root.hex()}", state]
    lines += [verdict.sentence(report, names), verdict.advice(report)]
    for each in report.attested[:3]:
        lines.append(f"attested by {each.org_id}: the first {each.size} entries, seen {output.moment(each.at)}")
    for year in report.other_years:
        lines.append(f"not compared: what was given of the year {year}; audit the export of that year with it")
    for finding in report.findings:
        where = "" if finding.entry is None else f" at entry {finding.entry}"
        lines.append(f"{finding.kind}{where}: {finding.message}")
        hashes = (("expected", finding.expected), ("found   ", finding.found))
        lines += [f"    {name} {value}" for name, value in hashes if value]
    return lines + [f"note: {each.message}" for each in report.remarks]


for _command in (questions_command, query_command, report_command, table_command, datasette_command):
    audit_command.add_command(_command)
