"""Trying a share or a policy: what sealing would say, and that nothing comes of it."""

from __future__ import annotations

from datetime import datetime

import pytest
from world.agencies import FLAG, REFERRAL, example

from sharekit.agency import trial
from sharekit.errors import UnknownCode

NOW, REFERRED = datetime.fromisoformat(FLAG), datetime.fromisoformat(REFERRAL)


def flag() -> tuple[dict, dict]:
    return example("cp-is-flag")


def test_a_share_that_would_be_sealed_has_no_refusal_and_every_golden_rule_is_judged():
    tried = trial.share(*flag(), now=NOW)
    assert tried.refusal is None
    assert len(tried.golden_rules) == len(tried.rulebook.golden_rules) > 5


@pytest.mark.parametrize(
    ("part", "code", "rule"), [("threshold", "gate-not-met", "R1"), ("necessity", "field-missing", "R13")]
)
def test_a_rule_that_refuses_is_among_the_findings(part, code, rule):
    data, terms = example("safeguarding-referral")
    tried = trial.share(data, {name: value for name, value in terms.items() if name != part}, now=REFERRED)
    assert tried.refusal is not None
    assert (tried.refusal.code, tried.refusal.rule) == (code, rule)
    assert rule in {finding.rule for finding in tried.findings if finding.severity == "gate"}


def test_what_is_no_share_at_all_is_refused_without_findings():
    for data, terms in (({}, flag()[1]), (flag()[0], {}), ([], flag()[1])):
        tried = trial.share(data, terms, now=NOW)
        assert tried.refusal is not None
        assert list(tried.findings) == []
        assert tried.golden_rules


def test_an_edition_that_nobody_wrote_is_unknown():
    with pytest.raises(UnknownCode):
        trial.share(*flag(), now=NOW, book="hmg-1066")


def test_a_policy_is_tried_and_says_what_is_looser():
    assert trial.policy(b"max_valid_days = 10\n").loosens is False
