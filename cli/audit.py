"""`audit`: an agency's export, checked and asked without the code that wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import output, session
from .datasette import datasette_command
from .evidence import EXIT_FINDINGS, Evidence, evidence_options
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
@click.argument("export")
@evidence_options
def verify(export: str, **evidence: tuple[str, ...]) -> int:
    """Recompute everything in EXPORT; exits 6 with findings, each with entry, expected and found.

    \b
    Example:
        sharekit audit verify fernshire-2026.export --trust fernshire.card --checkpoint june.note
    """
    given = Evidence.read(**evidence)
    with session.readable(export, what="the export") as path:
        report = given.audit(path)
    output.result(_told(report), _lines(report), as_json=session.wants_json())
    return EXIT_FINDINGS if report.findings else 0


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
        "other_years": list(report.other_years),
        "findings": findings,
    }


def _lines(report: AuditReport) -> list[str]:
    verdict = f"{len(report.findings)} findings" if report.findings else "verified: nothing was changed or removed"
    lines = [f"{report.origin}: {report.size} entries", f"root: {report.root.hex()}", verdict]
    for each in report.attested[:3]:
        lines.append(f"attested by {each.org_id}: the first {each.size} entries, seen {output.moment(each.at)}")
    for year in report.other_years:
        lines.append(f"not compared: what was given of the year {year}; audit the export of that year with it")
    for finding in report.findings:
        where = "" if finding.entry is None else f" at entry {finding.entry}"
        lines.append(f"{finding.kind}{where}: {finding.message}")
        hashes = (("expected", finding.expected), ("found   ", finding.found))
        lines += [f"    {name} {value}" for name, value in hashes if value]
    return lines


for _command in (questions_command, query_command, report_command, table_command, datasette_command):
    audit_command.add_command(_command)
