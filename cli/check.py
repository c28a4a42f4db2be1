"""`check` and `explain`: what sealing would say, golden rule by golden rule, and what a rule asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from . import output, session

if TYPE_CHECKING:
    from sharekit.errors import ShareError
    from sharekit.packet.seal import Examined
    from sharekit.policy.assess import Finding
    from sharekit.policy.golden_rules import Judged

EXIT_REFUSED = 5


@click.command("check", cls=session.Command)
@click.argument("data")
@click.option("--terms", required=True, metavar="TERMS", help="What the sender decided: a JSON file.")
@click.option("--to", multiple=True, metavar="ORG", help="A recipient; may be given again.")
@click.option("--rules", "book", metavar="NAME", help="The rulebook: hmg-2024 unless another is named.")
def check_command(data: str, terms: str, to: tuple[str, ...], book: str | None) -> int:
    """Say what sealing DATA under TERMS would say, and how the seven golden rules are kept; nothing is sealed.

    It exits 5 where sealing would refuse. Keys may stay locked, and without a home the terms and data are
    checked by themselves.

    \b
    Example:
        sharekit check referral.json --terms referral.terms.json --to E10999001 --rules hmg-2018
    """
    from sharekit.errors import Refused
    from sharekit.policy import golden_rules, rulebook

    dataset, decided = session.read_json(data, what="DATA"), session.read_json(terms, what="TERMS")
    edition = rulebook.load(book or rulebook.DEFAULT)
    findings: Sequence[Finding] = []
    problem: ShareError | None = None
    try:
        findings = _examined(dataset, decided, to, edition.name).findings
    except Refused as refused:
        problem = refused
    judged = golden_rules.judge(_object(decided), _object(dataset), findings, recipients=to, book=edition.name)
    seals = problem is None and not any(finding.severity == "gate" for finding in findings)
    told: dict[str, Any] = {"rulebook": edition.name, "seals": seals}
    told |= {"findings": [_finding(each) for each in findings], "golden_rules": [_golden(each) for each in judged]}
    if not seals:
        told["error"] = _error(problem or _gate(findings))
    lines = [*_problem_lines(problem), *_finding_lines(findings), *_golden_lines(edition.title, judged)]
    output.result(told, [*lines, _summary(seals=seals)], as_json=session.wants_json())
    return 0 if seals else EXIT_REFUSED


def _examined(dataset: Any, terms: Any, to: Sequence[str], book: str) -> Examined:
    """What sealing would find: by this home's card and partners, or without a home by terms and data alone."""
    from sharekit.agency.clock import clock
    from sharekit.errors import Usage
    from sharekit.packet import seal as sealing

    if session.has_home():
        with session.agency() as agency:
            return agency.sending.examine(dataset, terms, to, book=book)
    if to:
        raise Usage("there is no home that knows the recipients", hint="use --home, or leave --to out")
    output.say("no home: sender and recipients are left aside", as_json=session.wants_json())
    return sealing.examine(dataset, terms, now=clock(demonstration=True), book=book)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _summary(*, seals: bool) -> str:
    return "it would be sealed" if seals else "it would not be sealed"


def _gate(findings: Sequence[Finding]) -> ShareError:
    """What sealing would answer to the first gate."""
    from sharekit.errors import GateNotMet
    from sharekit.policy import assess

    try:
        assess.gate(findings)
    except GateNotMet as stopped:
        return stopped
    raise AssertionError("one of the findings is a gate")  # pragma: no cover


def _error(problem: ShareError) -> dict[str, Any]:
    """What sealing would answer, in the form of every error."""
    told = {"code": problem.code, "message": problem.message, "hint": problem.hint}
    return told | {"rule": problem.rule, "source": problem.source}


def _problem_lines(problem: ShareError | None) -> list[str]:
    if problem is None:
        return []
    named = f": {problem.rule}" if problem.rule else ""
    return [f"refused [{problem.code}]{named}: {problem.message}", f"    way through: {problem.hint}"]


def _finding(finding: Finding) -> dict[str, Any]:
    names = ("rule", "severity", "message", "field", "source", "way_through", "owed")
    return {name: getattr(finding, name) for name in names}


def _finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        yield f"{finding.severity}: {finding.rule}: {finding.message}"
        yield f"    way through: {finding.way_through}"
        yield f"    source: {finding.source}"


def _golden(judged: Judged) -> dict[str, Any]:
    rule = judged.rule
    told = {"id": rule.id, "number": rule.number, "title": rule.title, "wording": rule.wording}
    told |= {"verdict": judged.verdict, "evidence": judged.evidence or None, "way_through": judged.way_through}
    return told | {"checks": [_golden(check) for check in judged.checks]} if judged.checks else told


def _golden_lines(title: str, judged: Sequence[Judged]) -> Iterator[str]:
    yield f"golden rules: {title}"
    for each in judged:
        yield f"{each.rule.number}. {each.verdict}: {each.rule.wording}{_evidence(each)} [{each.rule.id}]"
        for check in each.checks:
            yield f"   {check.rule.id}. {check.verdict}: {check.rule.title}{_evidence(check)}"
            if check.way_through:
                yield f"      way through: {check.way_through}"
        if each.way_through and not each.checks:
            yield f"   way through: {each.way_through}"


def _evidence(judged: Judged) -> str:
    return f" ({judged.evidence})" if judged.evidence else ""


@click.command("explain", cls=session.Command)
@click.argument("rule")
@click.option("--rules", "book", metavar="NAME", help="The rulebook: hmg-2024 unless another is named.")
def explain_command(rule: str, book: str | None) -> None:
    """Say what a RULE that was named in an answer asks for, where it comes from, and the way through.

    Rules are those of sealing (R1, L6, F9 ...), the golden rules (GR1 ...) and the steps of opening (R18.1 ...).

    \b
    Example:
        sharekit explain R3
    """
    from sharekit.policy import rulebook

    found = rulebook.explain(rule, book or rulebook.DEFAULT)
    names = ("id", "title", "text", "source", "status", "severity", "way_through")
    told = {name: getattr(found, name) for name in names}
    lines = [f"{found.id}: {found.title}", found.text, f"source: {found.source}", f"status: {found.status}"]
    lines += [f"severity: {found.severity}"] if found.severity else []
    output.result(told, [*lines, f"way through: {found.way_through}"], as_json=session.wants_json())
