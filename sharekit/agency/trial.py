"""Trying a share or a policy before it is meant: nothing is sealed, set or recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sharekit.agency.agency import Agency
from sharekit.errors import Refused, ShareError
from sharekit.packet import seal as sealing
from sharekit.policy import assess, golden_rules, local, rulebook
from sharekit.policy.assess import Finding
from sharekit.policy.golden_rules import Judged
from sharekit.policy.local import LocalPolicy
from sharekit.policy.rulebook import Rulebook

__all__ = ["Trial", "policy", "share"]


class Trial(NamedTuple):
    """What sealing would say under one edition of the rules.

    `refusal` is the error with which it would end, None if it would seal. Where it is a rule that refuses, the rule is
    among the findings; else there are none.
    """

    rulebook: Rulebook
    findings: Sequence[Finding]
    golden_rules: Sequence[Judged]
    refusal: ShareError | None


def share(
    dataset: object,
    terms: object,
    to: Sequence[str] = (),
    *,
    agency: Agency | None = None,
    now: datetime,
    book: str | None = None,
) -> Trial:
    """What sealing `dataset` under `terms` for the organisations `to` would say, golden rule by golden rule.

    By the card, partners and policy of `agency`, whose keys may stay locked, or where that is None by data and terms
    alone. `book` is an edition of the rules, None the newest. Raises UnknownCode for an edition that there is not, and
    Malformed where data or terms are no JSON object.
    """
    edition = rulebook.load(book or rulebook.DEFAULT)
    findings: Sequence[Finding] = ()
    refusal: ShareError | None = None
    try:
        findings = _findings(dataset, terms, to, agency=agency, now=now, book=edition.name)
    except Refused as refused:
        refusal = refused
    judged = golden_rules.judge(_object(terms), _object(dataset), findings, recipients=to, book=edition.name)
    return Trial(edition, findings, judged, refusal or _gate(findings))


def _findings(
    dataset: Any, terms: Any, to: Sequence[str], *, agency: Agency | None, now: datetime, book: str
) -> Sequence[Finding]:
    if agency is not None:
        return agency.sending.examine(dataset, terms, to, book=book).findings
    return sealing.examine(dataset, terms, now=now, book=book).findings


def _gate(findings: Sequence[Finding]) -> Refused | None:
    """What sealing would answer to the first gate; None if there is none."""
    try:
        assess.gate(findings)
    except Refused as stopped:
        return stopped
    return None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def policy(data: bytes) -> LocalPolicy:
    """The policy that a `policy.toml` describes, with what it changes; errors as where it is set."""
    return local.parse(data)
