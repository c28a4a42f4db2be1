"""Rulebooks: what the guidance asks of a share, edition by edition, each rule as data beside its citation.

The newest edition is whole; an earlier one says only where it differs. The conditions of a rule are a small function
of the same id in `rules_of_conduct`, `rules_of_content` or `rules_of_law`; its words, its weight, its numbers and its
lists of words are here.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from sharekit import registry
from sharekit.errors import UnknownCode
from sharekit.values import Value, field

__all__ = ["DEFAULT", "Answer", "Explanation", "Golden", "Rule", "Rulebook", "explain", "load", "names"]

DEFAULT = "hmg-2024"


class Answer(Value):
    """One answer that a rule may give: `{field}` in the message stands for the path in terms or data.

    `severity` is gate, needs-reason or advice. `code` is that of the error, where it is a gate: field-missing for a
    part that every share has.
    """

    severity: str
    message: str
    way_through: str
    when_urgent: str
    code: str = "gate-not-met"


class Rule(Value):
    """One rule and its answers by name; `params` has its numbers and lists of words.

    `when_urgent` is "owed" where an urgent share may go without what is missing, "gate" where nothing may.
    """

    id: str
    title: str
    text: str
    source: str
    status: str
    severity: str
    way_through: str
    when_urgent: str
    params: Mapping[str, Any] = field(repr=False)
    answers: Mapping[str, Answer] = field(repr=False)


class Golden(Value):
    """A golden rule, or one of its checks: the fields that evidence it, and the rules that show a gap.

    An id in `rules` may be narrowed to a part of the terms (R13/necessity). `needed` says that it is a gap if no field
    shows it; otherwise the rule did not apply.
    """

    id: str
    title: str
    wording: str
    source: str
    status: str
    way_through: str
    evidence: tuple[str, ...]
    rules: frozenset[str]
    needed: bool
    number: int | None = None
    checks: tuple[Golden, ...] = ()


class Rulebook(Value):
    """One edition: the rules in their order, the seven golden rules, and the rules that are kept elsewhere."""

    name: str
    title: str
    version: str
    rules: tuple[Rule, ...]
    golden_rules: tuple[Golden, ...]
    elsewhere: tuple[Mapping[str, str], ...]
    owed_within: str

    def __getitem__(self, rule: str) -> Rule:
        """The rule of an id; UnknownCode if this edition has none."""
        for each in self.rules:
            if each.id == rule:
                return each
        raise UnknownCode("there is no such rule in this rulebook", hint="docs/rules.md lists the rules")


class Explanation(Value):
    """What the reader of a refusal may want to know about the rule that it names."""

    id: str
    title: str
    text: str
    source: str
    status: str
    way_through: str
    severity: str | None = None


def names() -> tuple[str, ...]:
    """The names of all rulebooks."""
    return registry.names("rulebook")


@functools.cache
def load(name: str = DEFAULT) -> Rulebook:
    """The rulebook called `name`; UnknownCode if there is none."""
    document = _document(name)
    return Rulebook(
        name=document["name"],
        title=document["title"],
        version=document["version"],
        rules=tuple(_rule(each) for each in document["rules"]),
        golden_rules=tuple(_golden(each, document) for each in document["golden_rules"]),
        elsewhere=tuple(document["elsewhere"]),
        owed_within=document["owed_within"],
    )


def explain(rule: str, name: str = DEFAULT) -> Explanation:
    """The explanation of a rule, a golden rule or a step of the engine by its id; UnknownCode if there is none."""
    book = load(name)
    golden = {each.id.lower(): each for top in book.golden_rules for each in (top, *top.checks)}
    if rule.lower() in golden:
        found = golden[rule.lower()]
        return Explanation(found.id, found.title, found.wording, found.source, found.status, found.way_through)
    for each in book.rules:
        if each.id.lower() == rule.lower():
            told = (each.id, each.title, each.text, each.source, each.status, each.way_through, each.severity)
            return Explanation(*told)
    for kept in book.elsewhere:
        if kept["id"].lower() == rule.lower():
            return Explanation(**kept)
    return _step(rule)


def _step(rule: str) -> Explanation:
    """A step of the compatibility engine."""
    engine = registry.document("engine")
    for name, step in engine["steps"].items():
        if name.lower() == rule.lower():
            ways = [said["hint"] for said in step["answers"].values() if said["hint"]]
            title = f"purpose compatibility, step {name.partition('.')[2]}"
            way = "; or ".join(dict.fromkeys(ways)) or "nothing is needed"
            return Explanation(name, title, step["text"], step["source"], step.get("status", engine["status"]), way)
    raise UnknownCode("there is no such rule", hint="docs/rules.md lists them: R, L and F rules, GR1 to GR7, R18.1 ...")


def _document(name: str) -> dict[str, Any]:
    """A rulebook whole: what it `extends`, with its own words in the place of the other's."""
    own: dict[str, Any] = registry.document("rulebook", name)
    if "extends" not in own:
        return own
    earlier = _document(own["extends"])
    changed = {rule["id"]: rule for rule in own["rules"]}
    rules = [_merged(rule, changed.pop(rule["id"], {})) for rule in earlier["rules"]]
    if changed:
        raise UnknownCode(f"the rulebook {name} changes a rule that there is not: {', '.join(sorted(changed))}")
    golden = {each["id"]: each for each in earlier["golden_rules"]}
    golden_rules = [{**_unsaid(golden[each["id"]]), **each} for each in own["golden_rules"]]
    return {**earlier, **own, "rules": rules, "golden_rules": golden_rules}


def _unsaid(golden: dict[str, Any]) -> dict[str, Any]:
    """What an earlier edition keeps of a golden rule: not whose words they were, and how far they were verified."""
    return {key: value for key, value in golden.items() if key not in ("source", "status")}


def _merged(rule: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """The rule with what an earlier edition says otherwise, answer by answer."""
    answers = {name: {**said, **change.get("answers", {}).get(name, {})} for name, said in rule["answers"].items()}
    params = {**rule.get("params", {}), **change.get("params", {})}
    return {**rule, **change, "answers": answers, "params": params}


def _rule(data: dict[str, Any]) -> Rule:
    urgent = data["when_urgent"]
    answers = {
        name: Answer(
            said.get("severity", data["severity"]),
            said["message"],
            said.get("way_through", data["way_through"]),
            said.get("when_urgent", urgent),
            said.get("code", "gate-not-met"),
        )
        for name, said in data["answers"].items()
    }
    told = {key: data[key] for key in ("id", "title", "text", "source", "status", "severity", "way_through")}
    listed = data.get("params", {}).items()
    params = {name: tuple(value) if isinstance(value, list) else value for name, value in listed}
    return Rule(**told, when_urgent=urgent, params=params, answers=answers)


def _golden(data: dict[str, Any], document: dict[str, Any]) -> Golden:
    return Golden(
        id=data["id"],
        title=data["title"],
        wording=data.get("wording", data["title"]),
        source=data.get("source", document["golden_source"]),
        status=data.get("status", document["golden_status"]),
        way_through=data["way_through"],
        evidence=tuple(data.get("evidence", ())),
        rules=frozenset(data.get("rules", ())),
        needed=data.get("needed", False),
        number=data.get("number"),
        checks=tuple(_golden(check, document) for check in data.get("checks", ())),
    )
