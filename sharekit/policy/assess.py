"""What a rulebook finds in a share before it is sealed. No cryptography, no clock, no database.

The rules stand in `rules_of_conduct`, `rules_of_content` and `rules_of_law`, each a function beside the id of its
rule; their words, weight and numbers are in `schemas/`. A gate stops a share until its way through is taken. An urgent,
justified share is never stopped because a record is missing: what is missing is then owed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sharekit.domain import vocabulary
from sharekit.domain.terms import ShareTerms
from sharekit.domain.wording import texts
from sharekit.errors import FieldMissing, GateNotMet
from sharekit.policy import rulebook, rules_of_conduct, rules_of_content, rules_of_law
from sharekit.policy.case import FUNCTIONS, Case, Said, Situation, is_myth
from sharekit.policy.rulebook import Rule, Rulebook
from sharekit.values import Value

__all__ = ["ROOMS", "Finding", "assess", "gate", "myth", "owed"]

GATE, NEEDS_REASON = "gate", "needs-reason"
ROOMS = (rules_of_conduct, rules_of_content, rules_of_law)  # each has put its functions into the table


class Finding(Value):
    """What one rule finds in a share: `severity` is gate, needs-reason or advice.

    `field` is the dotted path of the part of the terms or of the dataset that it is about. `owed` says that what is
    missing may follow within 24 hours. `code` is that of the error, where the finding is a gate.
    """

    rule: str
    severity: str
    message: str
    source: str
    way_through: str
    field: str = ""
    owed: bool = False
    code: str = GateNotMet.code


def assess(
    terms: ShareTerms | Mapping[str, Any],
    dataset: Mapping[str, Any],
    *,
    now: datetime,
    situation: Situation | None = None,
    book: str = rulebook.DEFAULT,
) -> list[Finding]:
    """The findings of a rulebook about a share, in the rulebook's order; empty where no rule finds anything.

    The dataset is one that its profile has checked; `book` is the name of the rulebook. Terms may be JSON: errors are
    then those of `ShareTerms.parse`.
    """
    case, edition = Case(ShareTerms.parse(terms), dataset, now=now, situation=situation), rulebook.load(book)
    found = [(rule, said) for rule in edition.rules for said in FUNCTIONS[rule.id](case, rule.params)]
    return [_finding(edition, rule, said, urgent=case.urgent) for rule, said in found]


def gate(findings: Collection[Finding]) -> None:
    """Return only if no finding is a gate; GateNotMet names the first rule, its source and the way through.

    FieldMissing does so, where what the rule misses is a part that every share has.
    """
    for finding in findings:
        if finding.severity == GATE:
            stopped = FieldMissing if finding.code == FieldMissing.code else GateNotMet
            raise stopped(
                f"rule {finding.rule}: {finding.message}",
                hint=finding.way_through,
                rule=finding.rule,
                source=finding.source,
            )


def owed(findings: Iterable[Finding]) -> list[Finding]:
    """The findings about what an urgent share lacks, and somebody owes to the record."""
    return [finding for finding in findings if finding.owed]


def myth(terms: object, dataset: object, *, book: str = rulebook.DEFAULT) -> Finding | None:
    """The finding about a reason that the guidance turns down, where its code stands in the terms or the dataset.

    None where no such code stands there. Neither the terms nor the dataset need be valid.
    """
    given = terms.json if isinstance(terms, ShareTerms) else terms
    route = given.get("route") if isinstance(given, Mapping) else None
    for what, value in (("terms", given), ("data", dataset)):
        for place, text in texts(value):
            term = vocabulary.load("refusal-reasons").terms.get(text)
            if term and is_myth(term, route if isinstance(route, str) else None):
                said = Said("myth", place, what, way_through=term.more["answer"])
                edition = rulebook.load(book)
                return _finding(edition, edition[term.more["rule"]], said, urgent=False)
    return None


def _finding(book: Rulebook, rule: Rule, said: Said, *, urgent: bool) -> Finding:
    answer = rule.answers[said.answer]
    message = answer.message.format(field=f'{said.what}: "{said.place}"')
    way = said.way_through or answer.way_through
    if said.owed or (urgent and answer.severity == GATE and answer.when_urgent == "owed"):
        way = f"{book.owed_within}, {way}"
        return Finding(rule.id, NEEDS_REASON, message, rule.source, way, said.place, owed=True)
    return Finding(rule.id, answer.severity, message, rule.source, way, said.place, code=answer.code)
