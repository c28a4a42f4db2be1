"""Has this agreement ended? A rule before sealing, the engine before opening and the ledger give one answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from world.policies import FOOTING, use
from world.shares import Share

from sharekit.domain.terms import Agreement, ShareTerms
from sharekit.policy.case import FUNCTIONS, Case
from sharekit.policy.decide import decide
from sharekit.record.codes import footing

MOMENTS = {
    "an hour after its end": ("2026-11-10T09:00:00Z", "2026-11-10T10:00:00Z", False),
    "at its end": ("2026-11-10T09:00:00Z", "2026-11-10T09:00:00Z", False),
    "a second before its end": ("2026-11-10T09:00:00Z", "2026-11-10T08:59:59Z", True),
    "an hour before its end, written in another zone": ("2026-11-10T10:00:00+01:00", "2026-11-10T08:00:00Z", True),
    "on its last day": ("2026-11-10", "2026-11-10T10:00:00Z", True),
    "a second before midnight of a winter's day": ("2026-11-10", "2026-11-10T23:59:59Z", True),
    "at midnight after a winter's day": ("2026-11-10", "2026-11-11T00:00:00Z", False),
    "a second before midnight of a summer's day": ("2026-07-01", "2026-07-01T22:59:59Z", True),
    "half an hour after midnight of a summer's day": ("2026-07-01", "2026-07-01T23:30:00Z", False),
    "without an end": (None, "2026-11-10T10:00:00Z", True),
}
CASES = pytest.mark.parametrize(("ends", "now", "in_force"), MOMENTS.values(), ids=MOMENTS)


def terms(ends: str | None, status: str = "given") -> ShareTerms:
    """The worked referral to early help, which rests on an agreement to share; it ends, or not."""
    share = Share("early-help-referral", {"terms.agreement.0.status": status})
    if ends is not None:
        share.terms["agreement"][0]["expires_at"] = ends
    return ShareTerms.parse(share.terms)


@CASES
def test_the_terms_say_whether_an_agreement_is_in_force(ends, now, in_force):
    agreement, other = terms(ends).agreements
    assert agreement.in_force(datetime.fromisoformat(now)) is in_force
    assert other.in_force(datetime.fromisoformat(now))


@CASES
def test_the_rule_before_sealing_asks_them(ends, now, in_force):
    case = Case(terms(ends), {}, now=datetime.fromisoformat(now))
    found = {(said.answer, said.place) for said in FUNCTIONS["LC"](case, {})}
    assert (("expired", "agreement.0.expires_at") in found) is not in_force


@CASES
def test_the_engine_before_opening_asks_them(ends, now, in_force):
    made = terms(ends)
    shared: dict[str, Any] = {**made.json, "profile": "information-reply", "purpose": "safeguarding.referral"}
    shared |= {"permitted_purposes": [], "prohibited_purposes": []}
    asked = use("safeguarding.early-help", **FOOTING)
    verdict = decide(ShareTerms(shared), asked, now=datetime.fromisoformat(now))
    assert (verdict.rule, verdict.allowed) == ("R18.9", in_force)


@CASES
def test_the_ledger_asks_them(ends, now, in_force):
    assert footing(terms(ends), None, now=datetime.fromisoformat(now))["lapsed"] is (None if in_force else True)


@pytest.mark.parametrize("status", ["refused", "withdrawn", "not-sought", "sought-awaiting", "expired"])
def test_what_nobody_agreed_to_was_never_in_force(status):
    agreement = terms("2027-01-01", status).agreements[0]
    assert not agreement.given
    assert not agreement.in_force(datetime.fromisoformat("2026-11-10T10:00:00Z"))


def test_an_agreement_that_came_without_its_status_is_none():
    agreements = ShareTerms({"agreement": [{"kind": "share-agreement"}]}).agreements
    assert agreements == [Agreement("agreement.0", {"kind": "share-agreement"}, agreements[0].kind, {})]
    assert "share" in agreements[0].kind
    assert not agreements[0].in_force(datetime.fromisoformat("2026-11-10T10:00:00Z"))
