"""`audit table`: the decoded entries as a database, CSV or JSON, to keep and to work with."""

from __future__ import annotations

from pathlib import Path

import click

from . import output, session
from .evidence import EXIT_FINDINGS, Evidence, evidence_options, ledger_told, verdict_line

FORMS = ("db", "csv", "json")
KNOWN = "-o FILE.db, FILE.csv or FILE.json"


@click.command("table", cls=session.Command)
@click.argument("exports", nargs=-1, required=True, metavar="EXPORT [EXPORT]...")
@click.option("-o", "out", required=True, metavar="FILE", help="FILE.db, .csv or .json; - is standard output, as CSV.")
@click.option("--format", "form", type=click.Choice(FORMS), help="What it is written as, whatever FILE ends in.")
@evidence_options
def table_command(exports: tuple[str, ...], out: str, form: str | None, **evidence: tuple[str, ...]) -> int:
    """Write the decoded entries of one or more exports, of several years or agencies, as a table: a SQLite database,
    CSV or JSON.

    They are verified first. One that does not verify is written all the same, every row of it says so, and the
    command exits 6. The label of every code stands beside it; there is nothing of a person in it.

    \b
    Example:
        sharekit audit table fernshire-2026.export --trust fernshire.card -o fernshire-2026.csv
    """
    from sharekit.audit import table

    form = form or _form(out)
    _check_possible(out, form)
    with Evidence.read(**evidence).audits(exports) as audited, session.replaced(out, what="the table") as path:
        rows = table.write(path, form, audited)
    reports = [report for _, report in audited]
    if out != "-":
        told = {"path": out, "rows": rows, "ledgers": [ledger_told(each) for each in reports]}
        lines = [*map(verdict_line, reports), f"{rows} entries written to {out}"]
        output.result(told, lines, as_json=session.wants_json())
    for report in reports if out == "-" else ():
        output.say(verdict_line(report))
    return EXIT_FINDINGS if any(report.findings for report in reports) else 0


def _form(out: str) -> str:
    """What a file is written as by the ending of its name; standard output as CSV."""
    from sharekit.errors import Usage

    ending = Path(out).suffix.lower().removeprefix(".") if out != "-" else "csv"
    if ending not in FORMS:
        raise Usage("the name of the file does not say what to write", hint=KNOWN)
    return ending


def _check_possible(out: str, form: str) -> None:
    from sharekit.errors import Usage

    if out == "-" and form == "db":
        raise Usage("a database is not for standard output", hint=KNOWN)
