"""Worked examples, changed at dotted paths: what the rules find in them, and the packets they make."""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sharekit
from sharekit import Keys
from sharekit.packet import seal as sealing
from sharekit.packet.seal import Sender
from sharekit.policy import rulebook
from sharekit.policy.assess import Finding
from sharekit.trust.cards import Card
from world.agencies import EXAMPLES, FLAG, REFERRAL
from world.gates import GONE, WHO, Gate

NOW = {"cp-is-flag": FLAG, "safeguarding-referral": REFERRAL}
BOOK = rulebook.load()


@functools.cache
def example(name: str) -> tuple[dict[str, Any], dict[str, Any], datetime]:
    data, terms = (json.loads((EXAMPLES / f"{name}{end}.json").read_text()) for end in ("", ".terms"))
    return data, terms, datetime.fromisoformat(NOW.get(name, terms["decision"]["at"]))


def changed(value: Mapping[str, Any], *changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of {"terms": ..., "data": ...} with fields put in, replaced and taken out."""
    found = copy.deepcopy(dict(value))
    for path, new in ((path, new) for change in changes for path, new in change.items()):
        *outer, last = (int(part) if part.isdigit() else part for part in path.split("."))
        inside = functools.reduce(lambda each, part: each[part], outer, found)
        if new is GONE:
            del inside[last]
        else:
            inside[last] = copy.deepcopy(new)
    return found


@functools.cache
def sender(org_type: str) -> Sender:
    return Sender(org_id="ORG-1", keys=Keys.generate(), org_type=org_type, name="One", phone="01632 960501")


@functools.cache
def recipient(org_type: str) -> Card:
    issued = datetime.fromisoformat("2026-11-01T09:00:00Z")
    about = {"org_id": "ORG-2", "org_type": org_type, "name": "Two", "phone": "01632 960101"}
    return Card.make(Keys.generate(), **about, issued=issued, demonstration=True)


class Share:
    """A worked example, changed: what the rules find in it, and the packet it makes."""

    def __init__(self, name: str, *changes: Mapping[str, Any], sender_type: str | None = None) -> None:
        data, terms, self.now = example(name)
        both = changed({"terms": terms, "data": data}, *changes)
        self.data, self.terms = both["data"], both["terms"]
        self.sender_type, self.recipient_type = sender_type or WHO[name][0], WHO[name][1]

    def also(self, change: Mapping[str, Any]) -> Share:
        """This share with one more change, as far as it can be made."""
        try:
            both = changed({"terms": self.terms, "data": self.data}, change)
        except (KeyError, IndexError):  # the field it changes was taken out before
            return self
        self.data, self.terms = both["data"], both["terms"]
        return self

    def findings(self, **options: Any) -> tuple[Finding, ...]:
        about = {"sender_type": self.sender_type, "recipients": [recipient(self.recipient_type)], "now": self.now}
        return sealing.examine(self.data, self.terms, **{**about, **options}).findings

    def gates(self) -> set[str]:
        return {each.rule for each in self.findings() if each.severity == "gate"}

    def said(self) -> set[tuple[str, str]]:
        """Rule and answer of everything found."""
        return {(each.rule, answer_of(each)) for each in self.findings()}

    def rulebook(self) -> str:
        """The edition that a sealed packet's terms name."""
        about = {"sender": sender(self.sender_type), "recipients": [recipient(self.recipient_type)], "now": self.now}
        return str(sealing.prepare(self.data, self.terms, **about).terms.json["rulebook"])

    def seal(self) -> bytes:
        cards = [recipient(self.recipient_type)]
        return sharekit.seal(self.data, self.terms, sender=sender(self.sender_type), recipients=cards, now=self.now)


def answer_of(finding: Finding) -> str:
    for name, answer in BOOK[finding.rule].answers.items():
        if re.fullmatch(re.escape(answer.message).replace(r"\{field\}", ".*"), finding.message):
            return name
    raise AssertionError(finding)


def before(gate: Gate) -> Share:
    return Share(gate.example, gate.given, sender_type=gate.sender)


def stopped(gate: Gate, *more: Mapping[str, Any]) -> Share:
    return Share(gate.example, gate.given, gate.change, *more, sender_type=gate.sender)
