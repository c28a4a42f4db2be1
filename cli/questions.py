"""`audit questions` and `audit query`: what auditors ask, of exports or, with the vault's key, in the home."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import click

from . import output, session
from .evidence import EXIT_FINDINGS, Evidence, evidence_options, ledger_told, verdict_line

if TYPE_CHECKING:
    from sharekit.audit.questions import Answer

LIMIT = 100
CHILD, LOOK_UPS = "child", "lookups"  # those that a home answers, with its vault's key and on its record


@click.command("questions", cls=session.Command)
def questions_command() -> None:
    """The questions that an export answers, each with its name.

    \b
    Example:
        sharekit audit questions
    """
    from sharekit.audit import questions

    parts = ("name", "kind", "title", "question", "why", "source")
    told = [{part: getattr(each, part) for part in parts} for each in questions.load()]
    rows = [(each["name"], each["question"]) for each in told] + list(questions.at_home().items())
    listing = output.Listing(("name", "question"), rows, [f"{name:<20}{question}" for name, question in rows])
    output.result({"questions": told, "at_home": questions.at_home()}, [listing], as_json=session.wants_json())


@click.command("query", cls=session.Command)
@click.argument("name")
@click.argument("exports", nargs=-1, metavar="[EXPORT]...")
@click.option("--limit", type=session.COUNT, default=LIMIT, show_default=True, metavar="N", help="Most rows.")
@click.option("--id", "identifier", metavar="SCHEME", help="Whom the question child is about: it asks for the value.")
@evidence_options
def query_command(
    name: str, exports: tuple[str, ...], limit: int, identifier: str | None, **evidence: tuple[str, ...]
) -> int:
    """Put the question NAME to one or more exports, of several years or agencies. They are verified first: one that
    does not verify answers all the same, says so, and the command exits 6.

    What no export can tell is answered in the home, with its vault's key, and is itself recorded: which look-ups had
    no case, and who has had one child's data.

    \b
    Example:
        sharekit audit query no-agreement fernshire-2026.export --trust fernshire.card
        sharekit audit query lookups --home fernshire
        sharekit audit query child --home fernshire --id nhs
    """
    from sharekit.audit import questions

    if not exports and name in questions.at_home():
        _answer_at_home(name, identifier, limit)
        return 0
    _check_usage(name, exports, identifier)
    question = questions.find(name)
    with Evidence.read(**evidence).audits(exports) as audited:
        readable = [(path, report.origin, report.size) for path, report in audited if report.size]
        with contextlib.closing(questions.read(readable)) as decoded:
            answer = questions.answer(decoded, question, limit=limit)
    reports = [report for _, report in audited]
    lines = [*map(verdict_line, reports), "", *_lines(answer, several=len(reports) > 1)]
    told = {"ledgers": [ledger_told(each) for each in reports], **_told(answer)}
    output.result(told, lines, as_json=session.wants_json())
    return EXIT_FINDINGS if any(report.findings for report in reports) else 0


def _check_usage(name: str, exports: tuple[str, ...], identifier: str | None) -> None:
    from sharekit.audit import questions
    from sharekit.errors import Usage

    if exports and identifier is not None:
        raise Usage("an export cannot tell one child from another", hint="without EXPORT, with --home and --id")
    if exports and name in questions.at_home() and name != LOOK_UPS:
        raise Usage("an export cannot tell one child from another", hint=f"sharekit audit query {name} --home DIR")
    questions.find(name)
    if not exports:
        raise Usage("EXPORT is missing", hint="make one with: sharekit ledger export -o FILE")


# --- what is told ---


def _told(answer: Answer) -> dict[str, Any]:
    asked = answer.question
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    return {
        "name": asked.name,
        "title": asked.title,
        "question": asked.question,
        "sentence": answer.sentence,
        "count": answer.count,
        "facts": dict(answer.facts),
        "columns": list(answer.columns),
        "rows": rows,
    }


def _lines(answer: Answer, *, several: bool) -> list[str | output.Listing]:
    names = [name for name in answer.columns if several or name != "ledger"]
    picked = [answer.columns.index(name) for name in names]
    rows = [[_cell(row[at]) for at in picked] for row in answer.rows]
    lines: list[str | output.Listing] = [answer.question.question, answer.sentence]
    if rows:
        lines += ["", output.Listing(names, rows, _table([names, *rows]))]
    if answer.count > len(rows):
        lines.append(f"... and {answer.count - len(rows)} more: --limit {answer.count}")
    return lines


def _cell(value: Any) -> str:
    if value is None or value == []:
        return "-"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _table(rows: list[list[str]]) -> list[str]:
    """Rows with their columns one below the other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


# --- in the home ---


def _answer_at_home(name: str, identifier: str | None, limit: int) -> None:
    if name == CHILD:
        from .ledger import tell_subject

        tell_subject(identifier or "nhs", limit)
        return
    with session.agency(unlocked=True) as agency:
        found = agency.lookups.without_case()
    parts = ("ledger", "entry", "time", "by", "role")
    rows = [[each.ledger, each.entry, output.moment(each.time), each.by, each.role] for each in found[:limit]]
    told = {"name": name, "count": len(found), "rows": [dict(zip(parts, row, strict=True)) for row in rows]}
    lines: list[str | output.Listing] = [
        f"look-ups of a child of whom nothing had been recorded until then: {len(found)}"
    ]
    cells = [[_cell(value) for value in row] for row in rows]
    lines += [output.Listing(parts, cells, _table([list(parts), *cells]))] if rows else []
    output.result(told, lines, as_json=session.wants_json())
