"""One notion of a day, the British one: at 23:30 UTC in summer it is the next day wherever a day counts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from world.agencies import CONFIRM, example
from world.books import Book, ask, told
from world.policies import FOOTING, terms, use
from world.shares import Share

from sharekit import parse
from sharekit.domain import profile, retention, vocabulary, workdays
from sharekit.domain.terms import ShareTerms
from sharekit.domain.validation import Validator
from sharekit.errors import FieldInvalid, Usage, VisibilityEnded
from sharekit.policy import rulebook
from sharekit.policy.case import FUNCTIONS, Case
from sharekit.policy.decide import decide
from sharekit.values import replace

EVENING = datetime.fromisoformat("2026-07-01T22:30:00Z")  # 23:30 in London
NIGHT = datetime.fromisoformat("2026-07-01T23:30:00Z")  # 00:30 on 2 July in London
WINTER_NIGHT = datetime.fromisoformat("2026-12-01T23:30:00Z")  # the same in London


# --- what a text names ---

TEXTS = {
    "a summer's day": ("2026-07-01", "2026-06-30T23:00:00Z", "2026-07-01T23:00:00Z"),
    "a winter's day": ("2026-12-01", "2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z"),
    "the day on which the clocks go forward": ("2026-03-29", "2026-03-29T00:00:00Z", "2026-03-29T23:00:00Z"),
    "the last day of a year": ("2026-12-31", "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z"),
    "a time": ("2026-07-01T09:00:00Z", "2026-07-01T09:00:00Z", "2026-07-01T09:00:00Z"),
    "a time in another zone": ("2026-07-01T09:00:00+01:00", "2026-07-01T08:00:00Z", "2026-07-01T08:00:00Z"),
}


@pytest.mark.parametrize(("text", "begins", "ends"), TEXTS.values(), ids=TEXTS)
def test_a_day_lasts_from_midnight_to_midnight_in_britain_and_a_time_is_a_moment(text, begins, ends):
    assert workdays.beginning(text) == datetime.fromisoformat(begins)
    assert workdays.end(text) == datetime.fromisoformat(ends)


# --- the rules of sealing ---


def places(rule: str, now: datetime, *changes: dict[str, Any]) -> list[str]:
    """Where a rule finds something in the worked referral, changed, at a moment."""
    share = Share("safeguarding-referral", *changes)
    case = Case(ShareTerms.parse(share.terms), share.data, now=now)
    return [said.place for said in FUNCTIONS[rule](case, rulebook.load()[rule].params)]


RULES = {
    "a day to destroy it by": ("R17", {"terms.retention.destroy_on": "2026-07-01"}, "retention.destroy_on"),
    "a day to tell the family": ("R4", {"terms.informing.review_on": "2026-07-01"}, "informing.review_on"),
    "28 days since the data were true": ("R12", {"terms.data_as_at": "2026-06-03"}, "data_as_at"),
    "a year since a statement": (
        "R11", {"data.statements.0.observed_at": "2025-07-01"}, "statements.0.historical_note",
    ),
    "a year since a time": (
        "R11", {"data.statements.0.observed_at": "2025-07-01T22:30:00Z"}, "statements.0.historical_note",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "change", "place"), RULES.values(), ids=RULES)
def test_a_rule_counts_british_days(rule, change, place):
    assert [place in places(rule, now, change) for now in (EVENING, NIGHT)] == [False, True]


# --- data ---


def test_what_a_british_day_has_not_reached_lies_in_the_future():
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"day": {"type": "string", "x-not-future": True}},
        "additionalProperties": False,
    }
    validator = Validator(schema, what="data")
    validator.check_times({"day": "2026-07-02"}, now=NIGHT)
    for day, now in (("2026-07-02", EVENING), ("2026-12-02", WINTER_NIGHT)):
        with pytest.raises(FieldInvalid):
            validator.check_times({"day": day}, now=now)


def test_a_time_belongs_to_its_british_day_when_it_is_compared_with_a_day():
    validator = Validator({"type": "object", "x-order": [["from", "to"]], "properties": {}}, what="data")
    validator.check_times({"from": "2026-07-01T23:30:00Z", "to": "2026-07-02"}, now=NIGHT)
    with pytest.raises(FieldInvalid):
        validator.check_times({"from": "2026-07-01T23:30:00Z", "to": "2026-07-01"}, now=NIGHT)


def test_somebody_grows_older_at_midnight_in_britain():
    data, _ = example("cp-is-flag")
    kind = profile.load("cp-is-flag")
    born = {**data, "date_of_birth": "2007-07-02"}
    assert [list(kind.unexpected_ages(born, now=now)) for now in (EVENING, NIGHT)] == [[], ["date_of_birth"]]


def test_a_flag_is_visible_until_midnight_in_britain():
    kind, ended = profile.load("cp-is-flag"), {"plan_end": "2025-07-01"}
    kind.check_visible(ended, now=EVENING)
    with pytest.raises(VisibilityEnded):
        kind.check_visible(ended, now=NIGHT)


# --- deciding, keeping, auditing ---


def test_a_law_is_in_force_until_midnight_in_britain(monkeypatch):
    gateways = vocabulary.load("gateways").terms
    monkeypatch.setitem(gateways, "ca89-s47", replace(gateways["ca89-s47"], valid_to="2026-07-01"))
    asked = use("safeguarding.referral", **FOOTING)
    hints = [decide(terms(), asked, now=now).hint for now in (EVENING, NIGHT)]
    assert ["not in force" in hint for hint in hints] == [False, True]


def test_a_period_that_runs_from_an_event_runs_from_its_british_day(monkeypatch):
    rules = vocabulary.load("retention-rules").terms
    changed = replace(rules["sharekit-ledger"], more={**rules["sharekit-ledger"].more, "period": "P1Y"})
    monkeypatch.setitem(rules, "sharekit-ledger", changed)
    fields, given = example("cp-is-flag")
    given["retention"] = {"rule": "sharekit-ledger"}
    due = [retention.due_on(ShareTerms.parse(given), fields, now=now) for now in (EVENING, NIGHT)]
    assert due == [date(2027, 7, 1), date(2027, 7, 2)]


def test_a_copy_is_due_from_midnight_in_britain(world):
    packet = world.flag(retention={"rule": "cpis-flag-copy", "destroy_on": "2027-07-02"})
    world.quillbrook.open(packet, purpose="safeguarding.status-flag", confirm=CONFIRM)
    number = bytes.fromhex(parse(packet).id)
    world.at("2027-07-01T22:30:00Z")
    with pytest.raises(Usage):
        world.fernshire.retention.destroy(number)
    world.at("2027-07-01T23:30:00Z")
    assert [each.packet for each in world.fernshire.retention.due()] == [number]


def test_a_figure_counts_what_happened_in_a_british_month(tmp_path):
    book = Book(tmp_path)
    for moment in ("07-31 22:30", "07-31 23:30"):
        book.add("opened", moment, packet="p")
    assert told(ask("by-month", book), "month", "opened") == [("2026-07", 1), ("2026-08", 1)]
