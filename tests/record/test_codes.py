"""What the ledger tells of a share in codes, so that an auditor can ask without reading a word of it."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from world import agencies
from world.agencies import CONFIRM, FLAG, REFERRAL, World, example

from sharekit import Agency
from sharekit.domain import vocabulary
from sharekit.domain.terms import ShareTerms
from sharekit.domain.vocabulary import codes
from sharekit.ledger.entry import Entry
from sharekit.record.codes import footing, said_of, wording

NOW = datetime.fromisoformat(REFERRAL)


def newest(world: World, org_id: str, event: str) -> Entry:
    number = vocabulary.load("ledger-events")[event].number
    return [entry for _, entry in world.agencies[org_id].entries() if entry.event == number][-1]


def said(**changes: Any) -> dict[str, Any]:
    """What an entry would say of the worked referral with other terms."""
    return said_of(ShareTerms(example("safeguarding-referral")[1] | changes), now=NOW)


# --- sealing ---


def test_a_sealed_share_says_why_nobody_was_asked_and_what_was_decided(world):
    world.referral()
    entry = newest(world, "URN-999001", "sealed")
    assert codes("agreement-status", entry.agreement) == ["not-sought"]
    assert codes("agreement-kinds", entry.kinds) == ["share-agreement"]
    assert codes("agreement-reasons", entry.because) == ["parent-reaction-risk"]
    assert codes("decisions", (entry.decided,)) == ["share-full-profile"]
    assert (entry.override, entry.second, entry.lapsed, entry.left_out) == (None, None, None, None)


def test_the_kinds_stand_in_the_order_of_the_agreements(world, monkeypatch):
    monkeypatch.setitem(agencies.ABOUT, "HUB", ("local-authority-early-help", "Early help hub", "01632 960111"))
    data, terms = example("early-help-referral")
    terms["agreement"].reverse()
    world.agency("HUB")
    world.at("2026-11-10T09:05:00Z")
    world.agency("URN-999001").seal(data, terms, to=["HUB"])
    entry = newest(world, "URN-999001", "sealed")
    assert codes("agreement-kinds", entry.kinds) == ["service-agreement", "share-agreement"]
    assert codes("agreement-status", entry.agreement) == ["given", "given"]


LAGS = {
    "known at a time": ({"known_at": "2026-11-26T12:25:00Z"}, 80),
    "known on a day, from its beginning": ({"known_at": "2026-11-26"}, 13 * 60 + 45),
    "known on a day of summer, from its beginning in Britain": ({"known_at": "2026-10-24"}, 33 * 1440 + 14 * 60 + 45),
    "known, and it happened before": ({"known_at": "2026-11-26T13:40:00Z", "occurred_at": "2026-11-01T10:00:00Z"}, 5),
    "it happened, and nobody says when it was known": ({"occurred_at": "2026-11-26T12:45:00Z"}, 60),
    "in the very minute": ({"known_at": "2026-11-26T13:45:00Z"}, 0),
}


@pytest.mark.parametrize(("changes", "minutes"), LAGS.values(), ids=LAGS)
def test_the_lag_counts_from_when_it_was_known(changes, minutes):
    assert said(**changes)["lag"] == minutes


def test_without_a_beginning_there_is_no_lag():
    assert said()["lag"] is None


def test_deadlines_are_those_of_the_terms_or_of_their_conditions():
    due = datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
    text = "2026-11-27T17:00:00Z"
    assert said(act_by=text)["act_by"] == due.timestamp()
    assert said(handling=[{"code": "acknowledge-by", "at": text}])["acknowledge_by"] == due.timestamp()
    assert "acknowledge_by" not in said(handling=[])


OVERRIDES = {
    "none": ({}, (None, None)),
    "by one person": ({"decided_by": "Lee XXTEST-Varley"}, (True, None)),
    "countersigned": ({"decided_by": "Lee XXTEST-Varley", "countersigned_by": "Noor XXTEST-Hale"}, (True, True)),
    "countersigned by oneself": (
        {"decided_by": "Lee XXTEST-Varley", "countersigned_by": " lee  xxtest-varley"},
        (True, None),
    ),
    "countersigned by nobody": ({"decided_by": "Lee XXTEST-Varley", "countersigned_by": " "}, (True, None)),
}


@pytest.mark.parametrize(("override", "expected"), OVERRIDES.values(), ids=OVERRIDES)
def test_an_override_says_whether_another_person_countersigned_and_never_who(override, expected):
    parts = said(override=override)
    assert (parts["override"], parts["second"]) == expected
    assert "XXTEST" not in repr(parts)


def test_the_reason_of_an_override_is_among_the_reasons_once():
    parts = said(override={"reason_code": "harm-to-others"})
    assert codes("agreement-reasons", parts["because"]) == ["parent-reaction-risk", "harm-to-others"]
    parts = said(override={"reason_code": "parent-reaction-risk"})
    assert codes("agreement-reasons", parts["because"]) == ["parent-reaction-risk"]


# --- agreements that end ---

GIVEN = {"kind": "share-agreement", "status": "given"}
ENDS = {
    "no end": (GIVEN, None),
    "a day to come": (GIVEN | {"expires_at": "2026-11-27"}, None),
    "today": (GIVEN | {"expires_at": "2026-11-26"}, None),
    "yesterday": (GIVEN | {"expires_at": "2026-11-25"}, True),
    "an hour ago": (GIVEN | {"expires_at": "2026-11-26T12:45:00Z"}, True),
    "in an hour": (GIVEN | {"expires_at": "2026-11-26T14:45:00Z"}, None),
    "refused, whatever its end": ({**GIVEN, "status": "refused", "expires_at": "2026-11-25"}, None),
    "said to have expired": ({**GIVEN, "status": "expired"}, True),
}


@pytest.mark.parametrize(("agreement", "expected"), ENDS.values(), ids=ENDS)
def test_an_agreement_lapses_when_its_time_is_over(agreement, expected):
    terms = ShareTerms(example("safeguarding-referral")[1] | {"agreement": [GIVEN, agreement]})
    assert footing(terms, None, now=NOW)["lapsed"] is expected


# --- opening, receipts, decisions, look-ups ---


def test_an_opening_counts_the_fields_that_were_not_shown_and_a_receipt_says_what_it_reports(world):
    packet = world.flag()
    world.quillbrook.open(packet, purpose="safeguarding.status-flag", confirm=CONFIRM)
    assert newest(world, "ZZQ01", "opened").left_out is None
    for receipt in world.outbox("ZZQ01"):
        world.fernshire.receive(receipt)
    assert codes("receipt-events", (newest(world, "E10999001", "receipt-in").reported,)) == ["opened"]


def test_sealing_counts_the_fields_that_were_left_out(world):
    world.at(FLAG)
    data, terms = example("cp-is-flag")
    terms |= {"purpose": "safeguarding.s47-enquiry"}
    kept = world.fernshire.sending.minimise(data, terms)
    world.agency("ZZQ01")
    world.fernshire.seal(kept, terms, to=["ZZQ01"])
    assert newest(world, "E10999001", "sealed").left_out == len(kept.left_out) == 2


def test_a_decision_says_that_whoever_asked_has_not_been_told(world):
    world.at("2026-11-12T09:05:00Z")
    decision = example("decision-not-to-share")[0]
    for part in ("contact", "escalation_route"):
        del decision[part]
    world.larkmoor.decisions.record(decision)
    assert newest(world, "URN-999001", "decision-recorded").undiscussed is None
    del decision["discussed_with_requester"]
    world.larkmoor.decisions.record(decision)
    assert newest(world, "URN-999001", "decision-recorded").undiscussed is True


# --- the same words ---


def test_the_same_reasons_have_the_same_token_whatever_their_spacing(world):
    tokens = []
    for reasons in (["Wren is at risk tonight"], ["wren is at  RISK tonight."], ["Wren is at risk"]):
        decision = example("safeguarding-referral")[1]["decision"] | {"reasons": reasons}
        world.referral(decision=decision)
        tokens.append(newest(world, "URN-999001", "sealed").rationale)
    assert tokens[0] == tokens[1] != tokens[2]
    assert all(len(token) == 16 for token in tokens)


def test_the_token_of_the_same_reasons_differs_with_agency_and_year(world):
    words = wording(["Wren is at risk tonight"])
    vaults = [world.larkmoor.record.vault, world.fernshire.record.vault]
    years = ["sharekit/URN-999001/2026", "sharekit/URN-999001/2027"]
    tokens = {vault.wording_token(origin, words) for vault in vaults for origin in years}
    assert len(tokens) == 4


def test_the_token_cannot_be_made_from_what_lies_on_the_disk_unlocked(world):
    """A stolen disk has the log key: no key of the token may follow from it."""
    world.referral()
    agency = world.larkmoor
    token = newest(world, "URN-999001", "sealed").rationale
    words = wording(example("safeguarding-referral")[1]["decision"]["reasons"]).encode()
    locked = (agency.record.index_key, (agency.home / "keys" / "log.key").read_bytes(), agency.card())
    assert token not in {hmac.digest(key, words, "sha256")[:16] for key in locked}


# --- look-ups without a case ---


def test_a_look_up_of_nobody_is_one_without_a_case_and_who_made_it_is_known_at_home(world):
    world.flag()
    with Agency.load(world.fernshire.home, person="Dana XXTEST-Okell", role="social-worker") as agency:
        assert agency.lookups.about("nhs", "9990001006", limit=5)
        assert agency.lookups.without_case() == []
        assert agency.lookups.about("nhs", "9990002118", limit=5) == []
        (found,) = agency.lookups.without_case()
    assert (found.by, found.role) == ("Dana XXTEST-Okell", "social-worker")
    assert found.entry == newest_seq(world, "E10999001", "consulted")
    assert codes("outcomes", (newest(world, "E10999001", "consulted").outcome,)) == ["nobody-found"]


def newest_seq(world: World, org_id: str, event: str) -> int:
    number = vocabulary.load("ledger-events")[event].number
    return [seq for seq, entry in world.agencies[org_id].entries() if entry.event == number][-1]


def test_a_case_that_begins_after_the_look_up_does_not_excuse_it(world):
    world.at("2026-11-26T10:00:00Z")
    agency = world.fernshire
    agency.record.vault.subjects.key([("nhs", "9990001006")])  # known, and nothing recorded yet
    agency.lookups.about("nhs", "9990001006", limit=5)
    world.flag()
    agency.lookups.about("nhs", "9990001006", limit=5)
    (found,) = agency.lookups.without_case()
    assert found.time == datetime(2026, 11, 26, 10, 0, tzinfo=UTC)


def test_asking_is_itself_on_the_record_and_is_no_look_up(world):
    agency = world.fernshire
    agency.lookups.without_case()
    assert world.events("E10999001")[-1] == "audited"
    assert agency.lookups.without_case() == []


def test_a_lag_is_never_negative():
    late = NOW + timedelta(hours=1)
    assert said(known_at=late.isoformat())["lag"] == 0
