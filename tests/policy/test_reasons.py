"""What opens by itself says something: the reason for breaking the glass, and the number of a court's order."""

from __future__ import annotations

import pytest
from world.agencies import CONFIRM
from world.policies import ENQUIRY, GLASS, NOW, ORDER, terms, use

from sharekit import registry
from sharekit.policy.decide import decide

STATUS = "safeguarding.status-flag"
IMMEDIATE = "safeguarding.immediate-protection"
PLACEHOLDERS = registry.document("assessment")["x-placeholders"]
NO_REASON = [
    None,
    ".",
    " . ",
    "...",
    "x",
    "emergency",
    "1 2 3",
    "a b c",
    "?!",
    "- -",
    "\u200b \u200b",
    "urgent URGENT!",
    "as above!",
    *PLACEHOLDERS,
]
REASONS = [
    "child unconscious",
    "no pulse",
    "she has stopped breathing",
    "Père absent, enfant blessé",
    "in A&E now, cannot wait",
]


def broken(reason: str | None):
    return decide(terms(STATUS), use(IMMEDIATE, **GLASS | {"reason": reason}), now=NOW)


@pytest.mark.parametrize("reason", NO_REASON)
def test_what_says_nothing_breaks_no_glass(reason):
    verdict = broken(reason)
    assert (verdict.rule, verdict.allowed) == ("R18.7", False)
    assert "--reason TEXT" in verdict.hint


@pytest.mark.parametrize("reason", REASONS)
def test_several_words_break_it(reason):
    assert broken(reason).outcome == "allow-logged"


NO_NUMBER = [
    None,
    "",
    "yes",
    "the judge said so",
    "12",
    "Order no. 5",
    "7" * 41,
    "FC/26/42\nx",
    "५५५५",
    "order_5",
    "a;5",
]
NUMBERS = ["ZE26C00123", "FC-T1/26/0042", "FD26 P00001", "123", ORDER["reason"], "7" * 40]


def ordered(number: str | None):
    court = terms(ENQUIRY, restriction="fpr12", handling=[])
    return decide(court, use("justice.family-proceedings", **ORDER | {"reason": number}), now=NOW)


@pytest.mark.parametrize("number", NO_NUMBER)
def test_what_is_no_number_of_an_order_opens_nothing(number):
    verdict = ordered(number)
    assert (verdict.code, verdict.is_ordered) == ("court-permission-needed", False)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_number_of_an_order_opens(number):
    assert ordered(number).is_ordered


def test_what_a_court_opened_is_looked_at_again(world):
    data = world.referral(restriction="fpr12")
    share = world.fernshire.open(data, purpose="safeguarding.conference", **ORDER)
    assert share.verdict.is_ordered
    (action,) = world.fernshire.record.open_actions()
    assert action.kind == "court-order-check"
    assert world.fernshire.record.vault.actions.words(action) == {"number": ORDER["reason"]}


@pytest.mark.parametrize("given", ["police", "local-authority-csc", "nhs-acute", "no-such-type", None, ""])
def test_the_type_of_organisation_is_the_homes_whatever_the_caller_says(world, given):
    data = world.flag()
    with pytest.raises(TypeError):
        world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM, org_type=given)
    assert world.events("ZZQ01") == ["genesis", "trusted"]
