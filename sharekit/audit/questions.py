"""What auditors ask of an export: each question is data in schemas/questions.json, one SELECT over decoded entries.

Memory stays small however many rows an answer has: they are counted one by one, and only the first are kept.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sharekit import registry
from sharekit.audit.rows import Decoded
from sharekit.domain import profile, vocabulary, workdays
from sharekit.errors import UnknownCode
from sharekit.values import Value, field

__all__ = ["Answer", "Chart", "Question", "answer", "at_home", "find", "heading", "load", "look", "read", "shown"]

LIMIT = 100  # rows that are kept where nobody asks for more


class Chart(Value):
    """How a figure is drawn: bars or columns, and the columns of the answer that hold the labels and the numbers."""

    shape: str
    labels: str
    numbers: str


class Question(Value):
    """One question: in plain English, why it matters, where it comes from, and the SELECT that answers it."""

    name: str
    kind: str
    title: str
    question: str
    why: str
    source: str
    sentence: str
    none: str
    sql: str = field(repr=False)
    also: str | None = field(default=None, repr=False)
    chart: Chart | None = None

    @property
    def alone(self) -> str:
        """The SELECT by itself, for whoever has the decoded entries and nothing else."""
        return self.sql.replace(":as_of", "(SELECT max(time) FROM entry)")

    @property
    def is_finding(self) -> bool:
        """Whether it lists what somebody should look at, rather than counting."""
        return self.kind == "finding"


class Answer(Value):
    """The first rows of an answer, how many there are, and what else its sentence says."""

    question: Question
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    count: int
    facts: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        facts = {name: shown(name, value) for name, value in self.facts.items()}
        words = self.question.sentence if self.count else self.question.none
        return words.format(count=self.count, **facts)


@functools.cache
def load() -> tuple[Question, ...]:
    """All questions, in the order in which they are told."""
    return tuple(_question(each) for each in _document()["questions"])


def at_home() -> dict[str, str]:
    """The questions that no export can answer, by name: the agency does, with the key of its vault."""
    return dict(_document()["at_home"])


def find(name: str) -> Question:
    """The question of that name; UnknownCode, which lists the names, if there is none."""
    for each in load():
        if each.name == name:
            return each
    known = ", ".join(dict.fromkeys([*(each.name for each in load()), *at_home()]))
    raise UnknownCode("there is no such question", hint=f"known: {known}")


def read(exports: Iterable[tuple[Path, str, int]], *, path: Path | None = None) -> Decoded:
    """The entries of exports, each given with its origin and size as the audit found them; close it when it is done.

    Malformed if an export is damaged, Usage if two are of the same ledger.
    """
    decoded = Decoded(path)
    try:
        for export, origin, size in exports:
            decoded.add(export, origin, size)
        decoded.finish()
    except BaseException:
        decoded.close()
        raise
    return decoded


def answer(decoded: Decoded, question: Question, *, limit: int = LIMIT) -> Answer:
    """The answer to one question, with at most `limit` rows of it."""
    as_of = {"as_of": decoded.db.execute("SELECT max(time) FROM entry").fetchone()[0]}
    cursor = decoded.db.execute(question.sql, as_of)
    columns = tuple(name for name, *_ in cursor.description)
    rows, count = list[tuple[Any, ...]](), 0
    for row in cursor:
        count += 1
        if count <= limit:
            rows.append(tuple(_value(name, value) for name, value in zip(columns, row, strict=True)))
    return Answer(question, columns, rows, count, _facts(decoded, question, as_of))


def _facts(decoded: Decoded, question: Question, as_of: Mapping[str, Any]) -> dict[str, Any]:
    if question.also is None:
        return {}
    cursor = decoded.db.execute(question.also, as_of)
    names = [name for name, *_ in cursor.description]
    return dict(zip(names, cursor.fetchone(), strict=True))


def _value(name: str, value: Any) -> Any:
    """A value as it is told to programs: lists as lists."""
    return json.loads(value) if _column(name).get("list") and value is not None else value


def _question(data: Mapping[str, Any]) -> Question:
    texts = {name: " ".join(data[name]) for name in ("sql", "also") if name in data}
    chart = Chart(**data["chart"]) if "chart" in data else None
    return Question(**{**data, **texts, "chart": chart})


@functools.cache
def _document() -> Any:
    return registry.document("questions")


# --- for people ---


def heading(column: str) -> str:
    """What a column is called."""
    return str(_column(column).get("heading", column))


def look(column: str) -> str:
    """Whether a column holds a `number` to compare, a time (`when`), or `short` words; empty for any other."""
    about = _column(column)
    if about.get("number") or about.get("minutes"):
        return "number"
    return "when" if about.get("time") else "short" if about.get("short") else ""


def shown(column: str, value: Any) -> str:
    """A value in a column of an answer, as people read it; empty for None.

    A code becomes its label, a time (RFC 3339) what clocks in Great Britain showed, a number of minutes its two largest
    units; the items of a list stand with semicolons between them. Any other text stays as it is.
    """
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(shown(column, each) for each in value)
    if value is None:
        return ""
    about = _column(column)
    if about.get("month"):
        return f"{date.fromisoformat(f'{value}-01'):%b %Y}"
    if about.get("number"):
        return f"{value:,}"
    if about.get("time"):
        return f"{workdays.local(datetime.fromisoformat(value)):%-d %b %Y, %H:%M}"
    if about.get("minutes"):
        return _span(value)
    return _label(about["codes"], value) if "codes" in about else str(value)


def _span(minutes: int) -> str:
    """A length of time in its two largest units."""
    span = timedelta(minutes=minutes)
    hours, rest = divmod(span.seconds // 60, 60)
    parts = [(span.days, "days" if span.days != 1 else "day"), (hours, "h"), (rest, "min")]
    said = [f"{number} {unit}" for number, unit in parts if number][:2]
    return " ".join(said) or "0 min"


def _label(name: str, code: str) -> str:
    return _labels(name).get(code, code)


@functools.cache
def _labels(name: str) -> Mapping[str, str]:
    if name == "profiles":
        return {each: profile.load(each).title for each in profile.names()}
    return {term.code: term.label for term in vocabulary.load(name)}


def _column(name: str) -> Mapping[str, Any]:
    about: Mapping[str, Any] = _document()["columns"].get(name, {})
    return about
