"""Reasons that the guidance turns down are answered with the rule that contradicts them."""

from __future__ import annotations

import pytest
from world.shares import Share

from sharekit import ShareTerms
from sharekit.domain import vocabulary
from sharekit.errors import GateNotMet, UnknownCode
from sharekit.packet import seal as sealing

MYTHS = {
    "gdpr-says-no": "GR1",
    "no-consent": "R2",
    "assumed-known-elsewhere": "R20",
    "collected-for-something-else": "R18",
}
PLACES = {
    "an agreement's reason": ("safeguarding-referral", "terms.agreement.0.reason"),
    "an override's reason": ("safeguarding-referral", "terms.override"),
    "a reason not to share": ("decision-not-to-share", "data.reasons"),
}


@pytest.mark.parametrize(("code", "rule"), MYTHS.items())
@pytest.mark.parametrize(("name", "path"), PLACES.values(), ids=PLACES)
def test_a_myth_is_answered_with_the_rule_that_contradicts_it_wherever_it_stands(name, path, code, rule):
    value = {"reason_code": code} if path.endswith("override") else [code]
    share = Share(name, {path: value, "terms.route": "safeguarding", "terms.harm_basis": "A bruise and an account"})
    with pytest.raises(GateNotMet) as refused:
        share.seal()
    assert refused.value.rule == rule
    assert refused.value.hint == vocabulary.load("refusal-reasons")[code].more["answer"]


WRITTEN = ["gdpr-says-no", "GDPR says no.", "gdpr says no!", "GDPR Says No"]


@pytest.mark.parametrize("words", WRITTEN)
def test_a_myth_is_known_however_it_is_written(words):
    assert Share("safeguarding-referral", {"terms.decision.reasons.0": words}).gates() == {"GR1"}


def test_a_reason_that_mentions_a_myth_is_none():
    words = "The GP said that GDPR says no, and we told him that it does not"
    assert Share("safeguarding-referral", {"terms.decision.reasons.0": words}).gates() == set()


def test_want_of_agreement_is_a_reason_on_the_early_help_route_by_another_code():
    with pytest.raises(UnknownCode) as refused:
        Share("decision-not-to-share", {"data.reasons": ["no-consent"]}).seal()
    assert "early-help-agreement-refused" in refused.value.hint


def test_a_code_of_the_act_of_1998_is_answered_with_todays():
    with pytest.raises(UnknownCode) as refused:
        Share("safeguarding-referral", {"terms.lawful_basis.art6": "dpa98-sch2-5"}).seal()
    assert "art6-1-e" in refused.value.hint


def test_a_code_that_is_no_myth_stays_an_unknown_code():
    with pytest.raises(UnknownCode):
        Share("safeguarding-referral", {"terms.agreement.0.reason": ["too-busy"]}).seal()


def test_a_myth_in_the_data_is_answered_when_they_are_minimised_too():
    share = Share("decision-not-to-share", {"data.reasons": ["gdpr-says-no"]})
    for terms in (share.terms, ShareTerms.parse(share.terms)):
        with pytest.raises(GateNotMet) as refused:
            sealing.minimise(share.data, terms, now=share.now)
        assert refused.value.rule == "GR1"
