"""No urgent, justified share is ever stopped: what is missing of its record is owed."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world.agencies import REFERRAL
from world.gates import GATES, GONE
from world.shares import Share, example, stopped

import sharekit
from sharekit import ShareTerms, registry
from sharekit.domain import vocabulary
from sharekit.errors import FieldMissing
from sharekit.policy import assess
from sharekit.policy.case import Case

EMERGENCY = {
    "terms.decision.outcome": "break-glass",
    "terms.break_glass": {"by": "Sky XXTEST-Dunn", "reason": "Wren is in danger now", "review_on": "2026-11-30"},
}
RECORDS = {name: gate for name, gate in GATES.items() if not gate.always}
PROTECTIONS = {name: gate for name, gate in GATES.items() if gate.always}


@pytest.mark.parametrize("gate", RECORDS.values(), ids=RECORDS)
def test_a_missing_record_is_owed_and_stops_no_emergency(gate):
    urgent = stopped(gate, EMERGENCY)
    owed = assess.owed(urgent.findings())
    assert gate.rule in {each.rule for each in owed}
    assert all(each.severity == "needs-reason" and each.way_through.startswith("within 24 hours") for each in owed)
    assert sharekit.parse(urgent.seal()).id


@pytest.mark.parametrize("gate", PROTECTIONS.values(), ids=PROTECTIONS)
def test_what_protects_somebody_stops_even_an_emergency(gate):
    emergency = {path: value for path, value in EMERGENCY.items() if path not in gate.change}
    urgent = stopped(gate, {**emergency, "terms.urgency": "immediate"})
    assert gate.rule in urgent.gates()


IMMEDIATE = {
    name: gate
    for name, gate in RECORDS.items()
    if gate.example in ("safeguarding-referral", "strategy-s47") and "terms.route" not in gate.change
    if gate.way != {"terms.urgency": "immediate"}
}


@pytest.mark.parametrize("gate", IMMEDIATE.values(), ids=IMMEDIATE)
def test_a_missing_record_stops_no_share_that_cannot_wait(gate):
    urgent = stopped(gate, {"terms.urgency": "immediate"})
    assert gate.rule in {each.rule for each in assess.owed(urgent.findings())}
    assert sharekit.parse(urgent.seal()).id


def test_early_help_is_not_urgent_because_somebody_says_so():
    share = Share("early-help-referral", {"terms.agreement.0.status": "refused", "terms.urgency": "immediate"})
    assert share.gates() == {"R1"}


PARTS = [
    part
    for part in registry.document("terms")["required"]
    if part not in registry.document("terms")["x-required-when-urgent"]
]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_terms_that_is_missing_is_owed_in_an_emergency_and_refused_otherwise(part):
    with pytest.raises(FieldMissing):
        Share("safeguarding-referral", {f"terms.{part}": GONE}).seal()
    urgent = Share("safeguarding-referral", EMERGENCY, {f"terms.{part}": GONE})
    assert ("R15", part) in {(each.rule, each.field) for each in assess.owed(urgent.findings())}
    assert sharekit.parse(urgent.seal()).id


def test_all_that_can_wait_may_be_missing_at_once():
    emergency = Share("safeguarding-referral", EMERGENCY, {f"terms.{part}": GONE for part in PARTS})
    assert {each.field for each in assess.owed(emergency.findings())} >= set(PARTS)
    assert sharekit.parse(emergency.seal()).id


def test_a_sentence_of_need_is_owed_in_an_emergency():
    missing = {"terms.need": GONE}
    with pytest.raises(FieldMissing):
        Share("safeguarding-referral", missing).seal()
    urgent = Share("safeguarding-referral", EMERGENCY, missing)
    assert ("R13", "need.child.upn") in {(each.rule, each.field) for each in assess.owed(urgent.findings())}
    assert urgent.seal()


def test_an_emergency_without_a_day_for_its_review_owes_one():
    share = Share("safeguarding-referral", {"terms.decision.outcome": "break-glass"})
    assert [each.field for each in assess.owed(share.findings())] == ["break_glass.review_on"]


def test_on_the_immediate_protection_route_harm_and_threshold_may_follow():
    route = {"terms.route": "immediate-protection", "terms.harm_basis": GONE, "terms.threshold": GONE}
    share = Share("safeguarding-referral", route)
    assert [(each.rule, each.field) for each in assess.owed(share.findings())] == [
        ("R1", "harm_basis"), ("R1", "threshold"),
    ]  # fmt: skip
    assert share.seal()


@settings(deadline=None, max_examples=60)
@given(st.sets(st.sampled_from(sorted(RECORDS)), max_size=6), st.sets(st.sampled_from(PARTS), max_size=4))
def test_no_want_of_a_record_stops_an_emergency_together_with_others(names, parts):
    """Any records may be missing at once, as far as their changes can be made one after the other."""
    gates = [RECORDS[name] for name in sorted(names) if RECORDS[name].example == "safeguarding-referral"]
    share = Share("safeguarding-referral", EMERGENCY)
    for gate in gates:
        share = share.also(gate.given).also(gate.change)
    for part in sorted(parts):
        share = share.also({f"terms.{part}": GONE})
    assert share.gates() == set()
    assert sharekit.parse(share.seal()).id


def test_an_emergency_with_the_least_of_terms_opens(world):
    """The other side copes with what is missing."""
    world.at(REFERRAL)
    share = Share("safeguarding-referral", EMERGENCY, {f"terms.{part}": GONE for part in PARTS})
    packet = world.larkmoor.seal(share.data, share.terms, to=[world.fernshire.org_id])
    opened = world.fernshire.open(packet, purpose="safeguarding.referral")
    assert opened.fields["statements"] == share.data["statements"]
    kinds = {action.kind for action in world.larkmoor.record.vault.actions.open()}
    assert {"owed-record", "emergency-share-review"} <= kinds


def test_the_rules_and_the_terms_agree_on_what_is_urgent():
    data, terms, now = example("safeguarding-referral")
    names = ("urgency", "routes", "decisions")
    found = set()
    for urgency, route, outcome in product(*([term.code for term in vocabulary.load(name)] for name in names)):
        said = ShareTerms({**terms, "urgency": urgency, "route": route, "decision": {"outcome": outcome}})
        assert Case(said, data, now=now).urgent == said.urgent
        found |= {(urgency, route)} if said.urgent and outcome != "break-glass" else set()
    assert found == {("immediate", "safeguarding"), ("immediate", "immediate-protection")}
