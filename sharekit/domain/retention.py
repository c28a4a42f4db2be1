"""Until when a copy is kept: from a rule, and the dates that the dataset holds.

A sender keeps its copy by what its terms say. A recipient's record is its own: the rule for its type of organisation
decides, and what the sender asks (a day, a hold) is told to the reader and shortens or lengthens nothing.

The rules are data (`vocabulary-retention-rules.json`). A rule whose trigger the dataset does not tell has no date:
somebody must look, and nothing is destroyed by guessing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sharekit import registry
from sharekit.domain import profile, vocabulary
from sharekit.domain.profile import Profile
from sharekit.domain.terms import ShareTerms
from sharekit.domain.workdays import day_of, months_later, years_later

__all__ = ["Keeping", "due_on", "of_received", "of_sent", "rule_for"]

MAJORITY = 18  # years
_PERIOD = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?\Z", re.ASCII)  # ISO 8601-1 section 5.5.2.4


class Keeping(NamedTuple):
    """How a copy is kept: by which rule (a code), until which day (None where nothing tells), and whether on hold."""

    rule: str
    due: date | None
    held: bool


def of_sent(terms: ShareTerms, fields: Mapping[str, Any], *, now: datetime) -> Keeping:
    """How a sender keeps what it sealed: as the terms say."""
    said = terms.retention
    return Keeping(str(said["rule"]), due_on(terms, fields, now=now), bool(said.get("legal_hold")))


def of_received(terms: ShareTerms, fields: Mapping[str, Any], *, org_type: str | None, now: datetime) -> Keeping:
    """How a recipient of type `org_type` keeps what it was sent; `fields` is empty where that was not opened.

    A day that has come already when the copy is made is no day: somebody must look.
    """
    rule = rule_for(terms.profile, org_type)
    due = _due_by(rule, profile.load(terms.profile), fields, {}, now)
    return Keeping(rule, due if due and due > day_of(now) else None, held=False)


def rule_for(profile_name: str, org_type: str | None) -> str:
    """The code of the rule by which recipients of a type keep shares of a profile; one without an end if there is none.

    A rule for the profile comes before one for the type of organisation.
    """
    rules = list(vocabulary.load("retention-rules"))
    of_profile = [rule.code for rule in rules if profile_name in rule.more.get("keeps_profiles", ())]
    of_type = [rule.code for rule in rules if org_type in rule.more.get("keeps_types", ())]
    without_end: str = registry.document("terms")["x-until-recorded"]["retention"]["rule"]
    return [*of_profile, *of_type, without_end][0]


def due_on(terms: ShareTerms, fields: Mapping[str, Any], *, now: datetime) -> date | None:
    """The first day on which the copy is to be destroyed; None where neither the terms nor `fields` tell the day.

    `fields` is the dataset, empty where it was not opened; `now` is when the copy is made.
    """
    said = terms.retention
    if "destroy_on" in said:
        return date.fromisoformat(said["destroy_on"])
    return _due_by(said["rule"], profile.load(terms.profile), fields, said, now)


def _due_by(code: str, kind: Profile, fields: Mapping[str, Any], said: Mapping[str, Any], now: datetime) -> date | None:
    rule = vocabulary.load("retention-rules")[code].more
    find = _TRIGGERS.get(rule.get("trigger", "")) if not rule.get("inactivity") else None  # which nothing here tells
    start = find(kind, fields, said, now) if find else None
    return after(start, rule["period"]) if start and rule.get("period") else None


def after(start: date, period: str) -> date:
    """The day that is a period (ISO 8601, such as P12M) later, or the last day of a month that lacks such a day.

    Years are counted by birthdays: whoever was born on 29 February has the next on 1 March where there is no 29th.
    """
    match = _PERIOD.match(period)
    assert match is not None  # a test checks the data
    years, months, days = (int(part or 0) for part in match.groups())
    return months_later(years_later(start, years), months) + timedelta(days=days)


# --- what a period runs from ---

Find = Callable[[Profile, Mapping[str, Any], Mapping[str, Any], datetime], date | None]


def _birth(kind: Profile, fields: Mapping[str, Any], *_: object) -> date | None:
    return kind.born(fields)


def _majority(kind: Profile, fields: Mapping[str, Any], *_: object) -> date | None:
    born = kind.born(fields)
    return after(born, f"P{MAJORITY}Y") if born else None


def _plan_end(kind: Profile, fields: Mapping[str, Any], *_: object) -> date | None:
    ended = fields.get(kind.about.get("visibility", {}).get("ends"))
    return date.fromisoformat(ended) if ended else None


def _event(_: Profile, __: Mapping[str, Any], ___: Mapping[str, Any], now: datetime) -> date | None:
    return day_of(now)


def _review(_: Profile, __: Mapping[str, Any], said: Mapping[str, Any], ___: datetime) -> date | None:
    return date.fromisoformat(said["review_on"]) if "review_on" in said else None


_TRIGGERS: Mapping[str, Find] = {
    "birth": _birth,
    "eighteenth-birthday": _majority,
    "plan-end": _plan_end,
    "event": _event,
    "review": _review,
}
