"""`check` and `explain`: what sealing would say, golden rule by golden rule, and what a rule asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from . import output, session

if TYPE_CHECKING:
    from sharekit import Finding, Judged, ShareError
    from sharekit.agency.trial import Trial

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
    dataset, decided = session.read_json(data, what="DATA"), session.read_json(terms, what="TERMS")
    tried = _tried(dataset, decided, to, book)
    output.result(_told(tried), _lines(tried), as_json=session.wants_json())
    return EXIT_REFUSED if tried.refusal else 0


def _tried(dataset: Any, terms: Any, to: Sequence[str], book: str | None) -> Trial:
    """What sealing would say: by this home's card and partners, or without a home by terms and data alone."""
    from sharekit.agency import trial
    from sharekit.agency.clock import clock
    from sharekit.errors import Usage

    if session.has_home():
        with session.agency() as agency:
            return trial.share(dataset, terms, to, agency=agency, now=agency.now(), book=book)
    if to:
        raise Usage("there is no home that knows the recipients", hint="use --home, or leave --to out")
    output.say("no home: sender and recipients are left aside", as_json=session.wants_json())
    return trial.share(dataset, terms, now=clock(demonstration=True), book=book)


def _told(tried: Trial) -> dict[str, Any]:
    told: dict[str, Any] = {"rulebook": tried.rulebook.name, "seals": tried.refusal is None}
    told |= {"findings": [_finding(each) for each in tried.findings]}
    told |= {"golden_rules": [_golden(each) for each in tried.golden_rules]}
    return told | ({"error": _error(tried.refusal)} if tried.refusal else {})


def _lines(tried: Trial) -> Iterator[str]:
    if tried.refusal and not tried.findings:
        yield from _refusal_lines(tried.refusal)
    yield from _finding_lines(tried.findings)
    yield from _golden_lines(tried.rulebook.title, tried.golden_rules)
    yield "it would not be sealed" if tried.refusal else "it would be sealed"


def _error(problem: ShareError) -> dict[str, Any]:
    """What sealing would answer, in the form of every error."""
    told = {"code": problem.code, "message": problem.message, "hint": problem.hint}
    return told | {"rule": problem.rule, "source": problem.source}


def _refusal_lines(problem: ShareError) -> list[str]:
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
    from sharekit.agency import shipped

    found = shipped.explain(rule, book)
    names = ("id", "title", "text", "source", "status", "severity", "way_through")
    told = {name: getattr(found, name) for name in names}
    lines = [f"{found.id}: {found.title}", found.text, f"source: {found.source}", f"status: {found.status}"]
    lines += [f"severity: {found.severity}"] if found.severity else []
    output.result(told, [*lines, f"way through: {found.way_through}"], as_json=session.wants_json())
