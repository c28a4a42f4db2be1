"""The seven golden rules, one by one: does a share keep them, and which field shows it?

Their wording, and which fields show that one is kept, stand in the rulebook of the edition; findings of its rules show
the gaps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sharekit.policy import rulebook
from sharekit.policy.assess import Finding
from sharekit.policy.rulebook import Golden
from sharekit.values import Value

__all__ = ["Judged", "judge"]

PASS, GAP, NOT_APPLICABLE = "pass", "gap", "not-applicable"
ADVICE = "advice"  # the one severity that shows no gap


class Judged(Value):
    """A golden rule, or one of its checks, and whether a share keeps it.

    `verdict` is pass, gap or not-applicable; `evidence` is the dotted path of the field that shows it, empty where
    none does; `way_through` is empty unless there is a gap.
    """

    rule: Golden
    verdict: str
    evidence: str
    way_through: str
    checks: tuple[Judged, ...] = ()


def judge(
    terms: Mapping[str, Any],
    fields: Mapping[str, Any],
    findings: Iterable[Finding] = (),
    *,
    recipients: Collection[str] = (),
    book: str = rulebook.DEFAULT,
) -> list[Judged]:
    """Whether a share keeps the golden rules of an edition, one by one in their order.

    The terms and fields need not be valid: what is not there shows nothing. `findings` are those of `assess`.
    """
    shown = {**terms, "data": fields, "recipients": list(recipients)}
    gaps = [finding for finding in findings if finding.severity != ADVICE]
    return [_judged(rule, shown, gaps) for rule in rulebook.load(book).golden_rules]


def _judged(rule: Golden, shown: Mapping[str, Any], gaps: list[Finding]) -> Judged:
    checks = tuple(_judged(check, shown, gaps) for check in rule.checks)
    for check in checks:
        if check.verdict == GAP:
            return Judged(rule, GAP, check.evidence, check.way_through, checks)
    for finding in gaps:
        if not rule.rules.isdisjoint([finding.rule, f"{finding.rule}/{finding.field.partition('.')[0]}"]):
            return Judged(rule, GAP, finding.field, finding.way_through, checks)
    evidence = next((path for path in rule.evidence if _says(shown, path)), "")
    if evidence or checks:
        return Judged(rule, PASS, evidence, "", checks)
    if rule.needed:
        return Judged(rule, GAP, rule.evidence[0], rule.way_through)
    return Judged(rule, NOT_APPLICABLE, "", "")


def _says(value: Any, path: str) -> bool:
    """Whether something stands at a dotted path; a plain no is an answer too."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value not in (None, "", [], {})
