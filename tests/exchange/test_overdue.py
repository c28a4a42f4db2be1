"""What is still to be done: where it comes from, from when on it is due, and what closes it."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import re
import sqlite3
from contextlib import closing
from datetime import date, datetime
from typing import Any

import pytest
from world.agencies import CONFIRM, EXAMPLES, REFERRAL, example
from world.commands import sharekit

from sharekit import Agency, parse
from sharekit.domain import vocabulary, workdays
from sharekit.errors import LedgerError, PurposeRefused, Usage
from sharekit.record.promises import opened_by
from sharekit.vault.actions import Action

PACKET = b"p" * 16
NOW = datetime.fromisoformat("2026-11-26T14:00:00+00:00")
EMERGENCY = {
    "purpose": "safeguarding.immediate-protection",
    "break_glass": True,
    "reason": "Found alone at night",
    "by": "Ama XXTEST-Reed",
    "confirm": CONFIRM,
}


def told(actions: list[Action]) -> list[tuple[str, str]]:
    return [(action.kind, f"{action.due:%Y-%m-%dT%H:%M}") for action in actions]


def everything(agency: Agency) -> list[tuple[str, str]]:
    return told(agency.decisions.overdue(everything=True))


def decide(agency: Agency, **changes: Any) -> str:
    given = json.loads((EXAMPLES / "decisions" / "early-help-refused.json").read_text())
    return agency.decisions.record(given | changes).decision


# where actions come from

TERMS = {
    "informing put off": (
        {"informing": {"status": "deferred", "review_on": "2026-11-27"}},
        [("informing-review", "2026-11-27T00:00")],
    ),
    "informing put off in summer": (
        {"informing": {"status": "deferred", "review_on": "2026-07-01"}},
        [("informing-review", "2026-06-30T23:00")],
    ),
    "to act by a time": ({"act_by": "2026-11-26T15:20:00+00:00"}, [("act-by", "2026-11-26T15:20")] * 2),
    "to acknowledge by a time": (
        {"acknowledge_by": "2026-11-26T16:00:00+01:00"},
        [("acknowledge-by", "2026-11-26T15:00")] * 2,
    ),
    "conditions with a time": (
        {"handling": ["no-onward-sharing", {"code": "act-by", "at": "2026-11-30T09:00:00Z"}]},
        [("act-by", "2026-11-30T09:00")] * 2,
    ),
    "a time and a condition": (
        {"act_by": "2026-11-26T15:20:00Z", "handling": [{"code": "act-by", "at": "2026-11-30T09:00:00Z"}]},
        [("act-by", "2026-11-26T15:20")] * 2,
    ),
    "an emergency with a day for its review": (
        {"break_glass": {"review_on": "2026-12-02"}},
        [("emergency-share-review", "2026-12-02T00:00")],
    ),
    "an emergency without": ({"break_glass": {"by": "x"}}, [("emergency-share-review", "2026-11-27T00:00")]),
    "agreements that end": (
        {"agreement": [{"expires_at": "2026-12-31"}, {"status": "given"}, {"expires_at": "2027-06-30"}]},
        [("agreement-expiry", "2026-12-31T00:00"), ("agreement-expiry", "2027-06-29T23:00")],
    ),
    "a record owed": ({"owed": ["R1"]}, [("owed-record", "2026-11-27T14:00")]),
    "nothing owed": ({"owed": []}, []),
    "nothing at all": ({"handling": ["discuss-before-acting"], "informing": {"status": "informed-before"}}, []),
}


@pytest.mark.parametrize(("terms", "expected"), TERMS.values(), ids=TERMS)
def test_a_share_leaves_to_be_done_what_its_terms_say(terms, expected):
    assert told(opened_by("sealed", terms, PACKET, now=NOW, parties=["ZZQ01", "P97"])) == expected


NEXT_DAYS = {
    "a Thursday": ("2026-11-26T23:40:00+00:00", "2026-11-27"),
    "a Friday": ("2026-11-27T23:40:00+00:00", "2026-11-30"),
    "a Saturday": ("2026-11-28T03:00:00+00:00", "2026-11-30"),
    "Christmas Eve": ("2026-12-24T10:00:00+00:00", "2026-12-29"),
    "Maundy Thursday": ("2027-03-25T10:00:00+00:00", "2027-03-30"),
    "a summer's night": ("2026-07-02T23:30:00+00:00", "2026-07-06"),
}


@pytest.mark.parametrize(("moment", "day"), NEXT_DAYS.values(), ids=NEXT_DAYS)
def test_an_emergency_is_reviewed_on_the_next_working_day(moment, day):
    (action,) = opened_by("opened", {"allow-logged": True}, PACKET, now=datetime.fromisoformat(moment))
    assert action.kind == "emergency-opening-review"
    assert workdays.day_of(action.due).isoformat() == day
    assert action.due == workdays.start_of(date.fromisoformat(day))


def test_an_opening_that_is_no_emergency_leaves_nothing_to_be_done():
    for verdict in ("allow", "allow-with-record", "refer", "deny"):
        assert opened_by("opened", {verdict: True}, PACKET, now=NOW) == []


def test_the_worked_referral_is_followed_up_with_the_family_and_the_recipient(world):
    packet = parse(world.referral()).id
    assert everything(world.larkmoor) == [("act-by", "2026-11-26T15:20"), ("informing-review", "2026-11-27T00:00")]
    found = world.larkmoor.decisions.overdue(everything=True)
    assert {action.reference.hex() for action in found} == {packet}
    assert [action.party for action in found] == ["E10999001", None]
    assert world.larkmoor.decisions.words_of(found)[1] == {
        "reason_not": "The friend may be at home when the mother is told"
    }


def test_a_flag_leaves_nothing_to_be_done(world):
    world.flag()
    assert everything(world.fernshire) == []


def test_breaking_the_glass_is_reviewed_once_however_often_it_is_opened_that_day(world):
    packet = world.flag()
    for moment in ("2026-11-27T23:40:00Z", "2026-11-28T03:00:00Z"):
        world.at(moment)
        world.quillbrook.open(packet, **EMERGENCY)
    assert everything(world.quillbrook) == [("emergency-opening-review", "2026-11-30T00:00")]
    world.at("2026-11-30T10:00:00Z")
    world.quillbrook.open(packet, **EMERGENCY)
    assert [kind for kind, _ in everything(world.quillbrook)] == ["emergency-opening-review"] * 2


def test_a_refused_opening_leaves_nothing_to_be_done(world):
    packet = world.flag()
    with pytest.raises(PurposeRefused):
        world.quillbrook.open(packet, **EMERGENCY | {"reason": None})
    assert everything(world.quillbrook) == []


def test_an_urgent_share_owes_its_record_within_a_day(world):
    data, terms = example("safeguarding-referral")
    terms = {name: value for name, value in terms.items() if name != "hra"} | {"urgency": "immediate"}
    world.at(REFERRAL)
    school, fernshire = world.larkmoor, world.fernshire
    sealed = school.seal(data, terms, to=[fernshire.org_id])
    assert any(finding.owed for finding in sealed.findings)
    (owed,) = [action for action in school.decisions.overdue(everything=True) if action.kind == "owed-record"]
    assert owed.due.isoformat() == "2026-11-27T13:45:00+00:00"
    assert school.decisions.words_of([owed])[0]["owed"] == [each.message for each in sealed.findings if each.owed]


# what is due


def test_what_is_due_comes_first_and_what_is_not_due_yet_only_on_request(world):
    world.referral()
    school = world.larkmoor
    assert told(school.decisions.overdue()) == []
    world.at("2026-11-26T15:20:00Z")
    assert told(school.decisions.overdue()) == [("act-by", "2026-11-26T15:20")]
    world.at("2026-11-27T08:00:00Z")
    assert [kind for kind, _ in told(school.decisions.overdue())] == ["act-by", "informing-review"]


def test_a_locked_home_lists_what_is_due(world):
    school = world.agency("URN-999001", passphrase="correct horse")
    world.referral()
    with closing(Agency.load(school.home)) as locked:
        assert everything(locked) == everything(school)
        with pytest.raises(LedgerError, match="the vault is locked"):
            locked.decisions.words_of(locked.decisions.overdue(everything=True))


# what closes an action

CLOSINGS = {
    "act-by": "action-closed",
    "informing-review": "reviewed",
    "decision-review": "reviewed",
    "decision-discussion": "discussed",
}


def test_closing_an_action_is_an_entry_that_names_its_kind(world):
    world.referral()
    school = world.larkmoor
    decide(school)
    for action in school.decisions.overdue(everything=True):
        closed, seq = school.decisions.done(action.id.hex(), outcome="they have been told")
        _, entry = list(school.entries())[seq]
        assert closed == action
        assert vocabulary.load("action-kinds").by_number(entry.action).code == action.kind
        assert vocabulary.load("ledger-events").by_number(entry.event).code == CLOSINGS[action.kind]
        assert action.reference in (entry.packet, entry.decision)
        assert entry.counterparties == ((action.party,) if action.party else None)
        assert school.record.vault.read_detail(entry.nonce)["said"] == {"outcome": "they have been told"}
    assert everything(school) == []


def test_an_action_is_closed_once(world):
    world.referral()
    school = world.larkmoor
    action = school.decisions.overdue(everything=True)[0].id.hex()
    school.decisions.done(action, outcome="they have been told")
    with pytest.raises(Usage, match="no such open action"):
        school.decisions.done(action, outcome="they have been told")


def test_a_partners_receipt_settles_what_it_was_asked_to_acknowledge(world):
    packet = world.referral(acknowledge_by="2026-11-26T14:30:00Z")
    assert ("acknowledge-by", "2026-11-26T14:30") in everything(world.larkmoor)
    world.at("2026-11-26T14:00:00Z")
    world.fernshire.open(packet, purpose="safeguarding.referral")
    for receipt in world.outbox("E10999001"):
        world.larkmoor.receive(receipt)
    assert [kind for kind, _ in everything(world.larkmoor)] == ["act-by", "informing-review"]


def test_a_receipt_settles_nothing_of_another_packet(world):
    first, second = (world.referral(acknowledge_by="2026-11-26T14:30:00Z") for _ in range(2))
    world.fernshire.open(first, purpose="safeguarding.referral")
    for receipt in world.outbox("E10999001"):
        world.larkmoor.receive(receipt)
    found = world.larkmoor.decisions.overdue(everything=True)
    assert [each.reference.hex() for each in found if each.kind == "acknowledge-by"] == [parse(second).id]


def test_a_receipt_settles_nothing_of_another_recipient(world):
    packet = world.flag("ZZQ01", "ZZQ02", acknowledge_by="2026-11-27T12:00:00Z")
    world.quillbrook.open(packet, purpose="safeguarding.status-flag", confirm=CONFIRM)
    for receipt in world.outbox("ZZQ01"):
        world.fernshire.receive(receipt)
    (left,) = world.fernshire.decisions.overdue(everything=True)
    assert (left.kind, left.party) == ("acknowledge-by", "ZZQ02")


def test_a_time_before_1970_is_long_past_and_no_damage(world):
    world.referral(act_by="1969-07-20T20:17:40Z")
    assert world.larkmoor.decisions.overdue()[0].kind == "act-by"


# several at once, and what is damaged


def keep_deciding(home: str) -> None:
    with closing(Agency.load(home)) as agency:
        for _ in range(8):
            decide(agency)
            with contextlib.suppress(Usage):  # the other process may have been faster
                agency.decisions.done(agency.decisions.overdue(everything=True)[-1].id.hex(), outcome="done")


def test_two_processes_lose_no_action_and_no_entry(world):
    school = world.larkmoor
    world.at("2026-11-26T14:00:00Z")
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=keep_deciding, args=(str(school.home),)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    counted = school.record.vault.actions.pending(), len(school.decisions.all())
    assert counted == ([], 16)
    closed = len(school.record.find(event="reviewed"))
    closed += len(school.record.find(event="discussed"))
    assert len(everything(school)) >= 32 - closed
    assert school.ledger.verify() == 1 + 16 + closed


DAMAGES = {
    "a kind that there is not": "UPDATE action SET kind = 999",
    "a kind as text": "UPDATE action SET kind = 'review'",
    "a day as text": "UPDATE action SET due = 'soon'",
    "a day beyond all years": "UPDATE action SET due = 1 << 60",
    "a number as text": "UPDATE action SET reference = 'packet'",
    "another party": "UPDATE action SET party = X'00'",
    "pending since never": "INSERT INTO pending(nonce, since) VALUES (X'00', 'never')",
    "no table": "DROP TABLE action",
}


@pytest.mark.parametrize("statement", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_vault_is_noticed_where_actions_are_read(world, statement):
    world.referral()
    with closing(sqlite3.connect(world.larkmoor.home / "vault.db")) as vault:
        vault.execute(statement)
        vault.commit()
    with pytest.raises(LedgerError, match="the vault is damaged"):
        everything(world.larkmoor)


def test_nothing_personal_stands_in_the_clear(world):
    world.referral()
    stored = b"".join(path.read_bytes() for path in world.larkmoor.home.rglob("*.db*"))
    for text in ("Wren", "XXTEST-Ashby", "The friend may be at home", "coal shed"):
        assert text.encode() not in stored


# the command


@pytest.fixture
def at_larkmoor(world, monkeypatch):
    world.referral()
    monkeypatch.setenv("SHAREKIT_HOME", str(world.larkmoor.home))
    return world


def test_overdue_lists_whom_to_call_and_what_to_do(at_larkmoor):
    at_larkmoor.at("2026-11-27T08:00:00Z")
    first, second = sharekit("overdue", "--json").json["actions"]
    assert (first["kind"], first["due"], first["on"]) == ("act-by", "2026-11-26T15:20:00Z", "2026-11-26")
    assert (first["party"], first["name"]) == ("E10999001", "Fernshire County Council")
    assert first["phones"] == ["01632 960101"]
    assert first["todo"].endswith(f"sharekit overdue done {first['action']} --outcome TEXT")
    assert (second["kind"], second["on"], second["decision"]) == ("informing-review", "2026-11-27", None)
    assert re.fullmatch("[0-9a-f]{32}", second["packet"])
    lines = sharekit("overdue").text.splitlines()
    assert lines[1] == "    with E10999001, Fernshire County Council: 01632 960101"


def test_overdue_exits_0_whether_something_is_due_or_not(at_larkmoor):
    assert (sharekit("overdue").code, sharekit("overdue").text) == (0, "nothing is due\n")
    assert len(sharekit("overdue", "--all", "--json").json["actions"]) == 2


def test_the_words_about_an_action_are_shown_on_request_and_that_is_recorded(at_larkmoor):
    assert "words" not in sharekit("overdue", "--all", "--json").json["actions"][1]
    (_, second) = sharekit("overdue", "--all", "--words", "--json").json["actions"]
    assert second["words"] == {"reason_not": "The friend may be at home when the mother is told"}
    assert sharekit("ledger", "log", "--json").json["entries"][-1]["event"] == "consulted"
    assert "reason not: The friend may be at home" in sharekit("overdue", "--all", "--words").text


def test_done_closes_an_action_with_its_outcome_from_a_pipe(at_larkmoor):
    first, second = sharekit("overdue", "--all", "--json").json["actions"]
    told = sharekit("overdue", "done", first["action"], "--json", stdin=b"the council is visiting\n").json
    assert (told["kind"], told["action"]) == ("act-by", first["action"])
    logged = sharekit("ledger", "log", "--json").json["entries"][-1]
    assert (logged["seq"], logged["event"], logged["action"]) == (told["entry"], "action-closed", "act-by")
    assert [each["action"] for each in sharekit("overdue", "--all", "--json").json["actions"]] == [second["action"]]
    ran = sharekit("overdue", "done", first["action"], "--outcome", "again")
    assert (ran.code, ran.error) == (2, "usage")


def test_overdue_works_in_a_locked_home(world, monkeypatch):
    school = world.agency("URN-999001", passphrase="correct horse")
    world.referral()
    monkeypatch.setenv("SHAREKIT_HOME", str(school.home))
    assert sharekit("overdue", "--all").code == 0
    assert sharekit("decide", "list").code == 0
    ran = sharekit("overdue", "--all", "--words")
    assert (ran.code, ran.error) == (2, "wrong-passphrase")
