"""The auditor's report: one HTML file that somebody reads who is not technical, the verdict first.

It runs nothing and fetches nothing: no script, a content policy that allows only its own style, and whatever
comes from an export, a card or a file name stands in it as text. The same inputs make the same bytes.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from sharekit import registry
from sharekit.audit import charts, questions, verdict
from sharekit.audit.attested import Attested
from sharekit.audit.questions import Answer
from sharekit.audit.verify import AuditReport
from sharekit.domain import display, workdays
from sharekit.trust.cards import Card
from sharekit.values import Value

__all__ = ["Given", "html"]

ROWS = 40  # of one answer; an auditor with more to read asks for them


class Given(Value):
    """What the auditor had besides the export: cards that are trusted, and what others kept of the ledger."""

    cards: Sequence[Card] = ()
    checkpoints: int = 0
    proofs: int = 0
    receipts: int = 0


def html(path: Path, report: AuditReport, given: Given, *, now: datetime, file: str = "") -> str:
    """The report on an audited export, with the answers to every question; `file` is what the export is called."""
    names = {card.org_id: card.name for card in given.cards}
    page = (
        _templates()
        .get_template("report.html")
        .render(
            style=_style(),
            policy=_policy(),
            verdict=verdict.sentence(report, names),
            advice=verdict.advice(report),
            report=report,
            attested=_newest(report.attested),
            agency=verdict.agency(report),
            names=names,
            given=given,
            file=file or path.name,
            now=now,
            answers=list(_answered(path, report)),
        )
    )
    return display.shown(page)  # whatever in it came from elsewhere


def _newest(attested: Sequence[Attested]) -> list[Attested]:
    """What each organisation confirmed last, the furthest first: its earlier ones say less."""
    last = dict[str, Attested]()
    for each in sorted(attested, key=lambda each: (each.size, each.at)):
        last[each.org_id] = each
    return sorted(last.values(), key=lambda each: (-each.size, each.at, each.org_id))


def _answered(path: Path, report: AuditReport) -> Iterator[tuple[Answer, Markup | None]]:
    """Every question with its answer and its chart; none where the export's tables cannot be read."""
    if not report.size:
        return
    decoded = questions.read([(path, report.origin, report.size)])
    try:
        for question in questions.load():
            answer = questions.answer(decoded, question, limit=ROWS)
            yield answer, _drawn(answer)
    finally:
        decoded.close()


def _drawn(answer: Answer) -> Markup | None:
    chart = answer.question.chart
    if chart is None or not answer.rows:
        return None
    label, number = (answer.columns.index(name) for name in (chart.labels, chart.numbers))
    pairs = [(questions.shown(chart.labels, row[label]), int(row[number])) for row in answer.rows]
    draw = {"bars": charts.bars, "columns": charts.columns}[chart.shape]
    return draw(answer.question.title, pairs)


# --- the page ---


@functools.cache
def _templates() -> Environment:
    page = Environment(
        loader=FunctionLoader(registry.text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.filters |= {"moment": workdays.written, "grouped": _grouped}
    page.globals |= {"shown": questions.shown, "heading": questions.heading, "look": _look}
    return page


def _look(column: str) -> Markup:
    """How a column is set: numbers to the right, times and short words on one line."""
    look = questions.look(column)
    return Markup(' class="{}"').format(look) if look else Markup()


def _grouped(digest: bytes) -> str:
    """A hash in groups of 8 digits, so that two can be compared."""
    digits = digest.hex()
    return " ".join(digits[at : at + 8] for at in range(0, len(digits), 8))


@functools.cache
def _style() -> Markup:
    return Markup(registry.text("report.css"))  # noqa: S704  # shipped with sharekit


def _policy() -> str:
    """Nothing runs, nothing is fetched, and of styles only the one whose hash this is."""
    digest = base64.b64encode(sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
