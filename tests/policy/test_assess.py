"""The rulebook at sealing: every gate stops what it should and opens where it says; the rest is said."""

from __future__ import annotations

from typing import Any

import pytest
from world.gates import FOUND, GATES, GONE, WHO
from world.shares import BOOK, Share, answer_of, before, example, stopped

import sharekit
from sharekit import Situation
from sharekit.domain import vocabulary
from sharekit.domain.wording import texts
from sharekit.errors import FieldMissing, GateNotMet
from sharekit.policy.case import FUNCTIONS

EVERY_GATE = pytest.mark.parametrize("gate", GATES.values(), ids=GATES)


# every gate: an example, one changed field, the rule, the way through


@EVERY_GATE
def test_the_example_seals(gate):
    assert before(gate).gates() == set()
    assert sharekit.parse(before(gate).seal()).id


@EVERY_GATE
def test_one_changed_field_is_stopped_by_exactly_that_rule(gate):
    assert len(gate.change) == 1
    assert stopped(gate).gates() == {gate.rule}
    with pytest.raises((GateNotMet, FieldMissing)) as refused:
        stopped(gate).seal()
    assert refused.value.rule == gate.rule
    assert refused.value.source
    assert refused.value.hint


@EVERY_GATE
def test_the_way_through_ends_in_a_sealed_packet(gate):
    through = stopped(gate, gate.way)
    assert through.gates() == set()
    assert sharekit.parse(through.seal()).id


@EVERY_GATE
def test_with_the_rule_switched_off_the_changed_field_is_sealed(gate, monkeypatch):
    monkeypatch.setitem(FUNCTIONS, gate.rule, lambda case, params: ())
    assert sharekit.parse(stopped(gate).seal()).id


def test_every_answer_that_is_a_gate_is_among_these():
    answers = {
        (rule.id, name) for rule in BOOK.rules for name, answer in rule.answers.items() if answer.severity == "gate"
    }
    reached = {said for gate in GATES.values() for said in stopped(gate).said()}
    assert answers - reached == {
        ("R13", "no-need"),  # unless it is urgent, field-missing comes first
        ("L10", "not-immediate"),  # as Article 9's, and no condition of Article 10 asks for it today
        ("L10", "not-competent"),
    }
    assert not any({"urgency", "needs_competent_authority"} & set(term.more) for term in vocabulary.load("art10"))


SENTENCES = {name: gate for name, gate in GATES.items() if " " in str(*gate.change.values())}


@pytest.mark.parametrize("gate", SENTENCES.values(), ids=SENTENCES)
def test_no_finding_repeats_what_was_written(gate):
    written = [text for _, text in texts(dict(gate.change)) if " " in text]
    told = " ".join(f"{each.message} {each.way_through} {each.field}" for each in stopped(gate).findings())
    assert not [text for text in written if text in told]


# findings that do not stop it


@pytest.mark.parametrize(("rule", "answer", "name", "change"), FOUND.values(), ids=FOUND)
def test_it_is_said_and_the_share_is_sealed(rule, answer, name, change):
    unchanged, share = Share(name), Share(name, change)
    assert (rule, answer) in share.said()
    assert not change or (rule, answer) not in unchanged.said()
    assert BOOK[rule].answers[answer].severity in ("needs-reason", "advice")
    assert share.seal()


def test_every_answer_that_is_no_gate_is_among_these():
    answers = {
        (rule.id, name) for rule in BOOK.rules for name, answer in rule.answers.items() if answer.severity != "gate"
    }
    elsewhere = {
        ("R7", "repeated"), ("R14", "many"), ("R15", "missing"), ("R15", "unreviewed"), ("R16", "unconfirmed"),
        ("L9", "unseparated"), ("L10", "unseparated"), ("L9", "safeguarding-route"), ("L10", "safeguarding-route"),
        ("L10", "no-policy"),
    }  # fmt: skip
    assert answers - elsewhere == {(rule, answer) for rule, answer, _, _ in FOUND.values()}


def assessed(**situation: Any) -> set[tuple[str, str]]:
    data, terms, now = example("safeguarding-referral")
    return {
        (each.rule, answer_of(each)) for each in sharekit.assess(terms, data, now=now, situation=Situation(**situation))
    }


def test_what_stands_in_neither_terms_nor_data_is_asked_of_the_situation():
    many = {f"ORG-{number}": "local-authority-csc" for number in range(6)}
    assert assessed() == set()
    assert assessed(recipients=many) == {("R14", "many")}
    assert assessed(unconfirmed={"E10999001"}) == {("R16", "unconfirmed")}
    assert assessed(repeats=3) == {("R7", "repeated")}


def test_how_a_recipient_was_confirmed_may_stand_in_the_terms():
    data, terms, now = example("safeguarding-referral")
    confirmed = terms | {"recipient_confirmed_by": {"method": "by telephone", "when": "2026-11-26"}}
    assert sharekit.assess(confirmed, data, now=now, situation=Situation(unconfirmed={"E10999001"})) == []


@pytest.mark.parametrize(("list_of", "code"), [("art9", "art9-2-a"), ("art10", "art10-sch1-p29")])
def test_consent_as_a_condition_is_told_from_agreement(list_of, code):
    share = Share("information-reply", {f"terms.lawful_basis.{list_of}": [code]})
    rule = {"art9": "L9", "art10": "L10"}[list_of]
    assert {(rule, "unseparated"), (rule, "safeguarding-route")} <= share.said()
    assert share.gates() == set()


def test_a_policy_document_is_asked_for_offences_too():
    gone = {"terms.lawful_basis.apd_ref": GONE, "terms.lawful_basis.art9": ["art9-2-f"]}
    assert ("L10", "no-policy") in Share("safeguarding-referral", gone).said()


def test_disclosure_to_a_competent_authority_needs_no_policy_document():
    change = {"terms.lawful_basis.art9": ["art9-2-g+sch1-p10"], "terms.lawful_basis.art10": ["art10-sch1-p10"]}
    gone = {**change, "terms.lawful_basis.apd_ref": GONE}
    names = ("strategy-s47", "safeguarding-referral")
    without = {name: {rule for rule, answer in Share(name, gone).said() if answer == "no-policy"} for name in names}
    assert without["strategy-s47"] == set()
    assert without["safeguarding-referral"] == {"L9", "L10"}


# fact and opinion


def test_words_that_are_quoted_are_not_the_authors():
    quoted = {"data.statements.1.text": 'The mother shouted "you are a liar" across the yard'}
    assert Share("safeguarding-referral", quoted).gates() == set()


FACTS = [
    "He was lying on the floor and did not answer",
    "The alleged perpetrator stood at the gate at 15:10",
    "An alcoholic drink stood on the table",
    "She lied down when she was told to",
]


@pytest.mark.parametrize("words", FACTS)
def test_a_fact_that_only_sounds_like_a_judgement_is_one(words):
    assert Share("safeguarding-referral", {"data.statements.1.text": words}).findings() == ()


def test_a_judgement_beside_a_fair_word_is_still_one():
    words = "The alleged perpetrator is an abuser"
    assert Share("safeguarding-referral", {"data.statements.1.text": words}).gates() == {"R10"}


def test_a_person_who_decided_may_be_the_observer():
    by_name = {"data.statements.1.source": "Sky XXTEST-Dunn", "data.statements.1.author_role": "dsl"}
    assert ("R10", "not-the-author") not in Share("safeguarding-referral", by_name).said()


NOT_YET_OLD = {
    "a day within the year": "2025-11-26",
    "a month that may be within the year": "2025-11",
    "a year that may be within the year": "2025",
    "not known": "unknown",
}


@pytest.mark.parametrize("when", NOT_YET_OLD.values(), ids=NOT_YET_OLD)
def test_only_what_is_certainly_old_is_old(when):
    assert Share("safeguarding-referral", {"data.statements.2.as_of": when}).gates() == set()


def test_a_profile_may_have_a_horizon_of_its_own(monkeypatch):
    kind = sharekit.domain.profile.load("safeguarding-referral")
    monkeypatch.setattr(kind, "about", {**kind.about, "horizon_months": 1})
    assert Share("safeguarding-referral", {"data.statements.1.observed_at": "2026-10-20"}).gates() == {"R11"}


# whose agreement

SAME = ["sky xxtest dunn", "XXTEST-Dunn, Sky", "Mx Sky XXTEST-Dunn", "Sky XXTEST\u2010Dunn", "Sky XXTEST-Dunn, DSL"]


@pytest.mark.parametrize("name", SAME)
def test_the_second_person_is_another_person(name):
    override = {
        "reason_code": "harm-to-others", "public_interest": "The risk outweighs the wish",
        "decided_by": "Sky XXTEST-Dunn", "countersigned_by": name,
    }  # fmt: skip
    share = Share("safeguarding-referral", {"terms.agreement.0.status": "refused", "terms.override": override})
    assert ("R3", "one-person") in share.said()


def test_what_a_duty_or_a_court_requires_needs_no_agreement_and_no_weighing():
    assert Share("cp-is-flag").findings() == ()


def test_another_persons_agreement_is_not_cut_to_the_purposes_of_this_share():
    scope = {"terms.agreement.0.scope": {"purposes": ["health.direct-care.planned"]}}
    assert Share("information-reply", scope).gates() == set()


# the book and its functions


def test_every_rule_has_a_function_and_every_function_a_rule():
    assert {rule.id for rule in BOOK.rules} == set(FUNCTIONS)


def test_nothing_is_found_in_the_worked_examples_but_advice_to_ask_the_guardian():
    found = {name: {(each.rule, each.severity) for each in Share(name).findings()} for name in WHO}
    assert {name: said for name, said in found.items() if said} == {"strategy-s47": {("F12", "advice")}}


@pytest.mark.parametrize("name", WHO)
def test_every_worked_example_seals(name):
    assert Share(name).gates() == set()
    assert Share(name).seal()


@pytest.mark.parametrize("part", ["necessity", "proportionality"])
def test_a_part_that_every_share_has_is_missed_by_its_name_and_its_rule(part):
    with pytest.raises(FieldMissing) as missed:
        Share("safeguarding-referral", {f"terms.{part}": GONE}).seal()
    assert (missed.value.code, missed.value.rule) == ("field-missing", "R13")
    assert part in str(missed.value)
