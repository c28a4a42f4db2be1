"""The rules of sealing: each beside its citation in the rulebook. No cryptography, no clock, no database."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sharekit import registry, vocabulary
from sharekit.errors import GateNotMet
from sharekit.terms import RULEBOOK, ShareTerms

__all__ = ["Finding", "assess", "gate"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule has to say about a share: `severity` is gate, needs-reason or advice."""

    rule: str
    severity: str
    message: str
    source: str
    way_through: str


Rule = Callable[[ShareTerms, Mapping[str, Any], datetime], bool]


def assess(terms: ShareTerms, dataset: Mapping[str, Any], *, now: datetime) -> list[Finding]:
    """What the rulebook finds in a share, in the rulebook's order; an empty list means nothing to say."""
    return [
        Finding(rule["id"], rule["severity"], rule["text"], rule["source"], rule["way_through"])
        for rule in _rulebook()["rules"]
        if _RULES[rule["id"]](terms, dataset, now)
    ]


def gate(findings: Collection[Finding]) -> None:
    """Return only if no finding is a gate; GateNotMet names the first rule, its source and the way through."""
    for finding in findings:
        if finding.severity == "gate":
            raise GateNotMet(
                f"rule {finding.rule}: {finding.message[0].lower()}{finding.message[1:].rstrip('.')}",
                hint=finding.way_through,
                rule=finding.rule,
                source=finding.source,
            )


def _r8_decided_not_to_share(terms: ShareTerms, _: Mapping[str, Any], __: datetime) -> bool:
    decisions = vocabulary.load("decisions")
    return any(decisions[code].more.get("shares") is False for code in terms.codes("decision", "outcome"))


def _r15_act_by_passed(terms: ShareTerms, _: Mapping[str, Any], now: datetime) -> bool:
    return any(datetime.fromisoformat(moment) < now for moment in terms.codes("act_by"))


def _r18_prohibited(terms: ShareTerms, _: Mapping[str, Any], __: datetime) -> bool:
    purposes = vocabulary.load("purposes")
    denied = any(purposes[code].more.get("always_deny") for code in terms.purposes)
    return denied or any(_prohibited(terms, code) for code in terms.purposes)


def _prohibited(terms: ShareTerms, purpose: str) -> bool:
    """Whether the sender prohibited a purpose, or one above it in the hierarchy."""
    above = vocabulary.load("purposes").ancestors(purpose)
    return not terms.prohibited_purposes.isdisjoint([purpose, *above])


_RULES: Mapping[str, Rule] = {"R8": _r8_decided_not_to_share, "R15": _r15_act_by_passed, "R18": _r18_prohibited}


@functools.cache
def _rulebook() -> Any:
    return registry.document("rulebook", RULEBOOK)
