"""Decisions either way: what is recorded, what is refused, and what follows; the words stay in the vault."""

from __future__ import annotations

import copy
import json
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from hashlib import sha256
from typing import Any

import nacl.secret
import pytest
from world.agencies import EXAMPLES
from world.commands import sharekit

from sharekit import Agency, cbor, registry
from sharekit.audit.recompute import is_entry
from sharekit.domain import vocabulary
from sharekit.errors import (
    FieldInvalid,
    FieldMissing,
    GateNotMet,
    LedgerError,
    Malformed,
    NotMinimal,
    ShareError,
    UnknownCode,
    Usage,
)
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.vault.actions import Actions

NOW = "2026-11-26T14:00:00Z"
SCHOOL = "URN-999001"
DISCUSSED = {"at": "2026-11-11", "with": "early help hub", "response": "they agree", "escalated": False}
GONE = "(gone)"


def decision(name: str = "early-help-refused", **changes: Any) -> dict[str, Any]:
    """A worked decision with changes; GONE takes a part away."""
    found = json.loads((EXAMPLES / "decisions" / f"{name}.json").read_text()) | copy.deepcopy(changes)
    return {key: value for key, value in found.items() if value != GONE}


@pytest.fixture
def school(world) -> Agency:
    agency = world.larkmoor
    world.at(NOW)
    return agency


def newest(agency: Agency) -> Entry:
    return list(agency.entries())[-1][1]


def code(name: str, number: int | None) -> str:
    return vocabulary.load(name).by_number(number).code


def kinds(agency: Agency) -> list[str]:
    return [action.kind for action in agency.decisions.overdue(everything=True)]


# what is recorded


def test_a_decision_is_an_entry_of_codes_and_digests(school):
    recorded = school.decisions.record(decision(organisations=["EHH-1"], local_child_ref="LPA-0142"))
    entry = newest(school)
    assert recorded.entry == 1
    assert entry.decision.hex() == recorded.decision
    assert code("ledger-events", entry.event) == "decision-recorded"
    assert code("decisions", entry.decided) == "not-shared"
    assert [code("refusal-reasons", each) for each in entry.reasons] == ["early-help-agreement-refused"]
    assert [code("agreement-status", each) for each in entry.agreement] == ["refused"]
    assert code("purposes", entry.purpose) == "safeguarding.early-help"
    assert entry.counterparties == ("EHH-1",)
    assert school.lookups.about("local", "LPA-0142", limit=5) == [(1, entry)]


def test_the_words_are_sealed_in_the_vault_and_the_entry_commits_to_them(school):
    school.decisions.record(decision())
    entry = newest(school)
    with closing(sqlite3.connect(school.home / "vault.db")) as vault:
        ((sealed,),) = vault.execute("SELECT sealed FROM detail WHERE nonce = ?", (entry.nonce,)).fetchall()
    body = nacl.secret.SecretBox(school.keys.vault).decrypt(sealed)
    assert sha256(body).digest() == entry.detail
    assert cbor.decode(body)["decision"] == decision()
    assert len(cbor.decode(body)["salt"]) == 32


OUTCOMES = [term.code for term in vocabulary.load("decisions")]
ALL_OF_IT = [term.code for term in vocabulary.load("decisions") if not term.more.get("discuss")]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_is_recorded(school, outcome):
    school.decisions.record(decision(outcome=outcome))
    assert code("decisions", newest(school).decided) == outcome


@pytest.mark.parametrize("outcome", ALL_OF_IT)
def test_who_shares_all_of_it_is_asked_for_little(school, outcome):
    recorded = school.decisions.record(decision("shared", outcome=outcome))
    assert recorded.opened == ()


@pytest.mark.parametrize("name", ["early-help-refused", "shared", "deferred"])
def test_the_worked_decisions_are_recorded_as_they_stand(school, name):
    assert school.decisions.record(decision(name)).entry == 1


# what is refused

PARTIAL = [outcome for outcome in OUTCOMES if outcome not in ALL_OF_IT]
ALWAYS = registry.document("decision")["required"]
OFTEN = ["reasons", "agreement_status", "wishes", "child_view", "review_on"]


@pytest.mark.parametrize("part", ALWAYS)
def test_every_decision_says(school, part):
    with pytest.raises(FieldMissing, match=f'decision: "{part}" is missing'):
        school.decisions.record(decision("shared", **{part: GONE}))


@pytest.mark.parametrize("part", OFTEN)
@pytest.mark.parametrize("outcome", PARTIAL)
def test_a_decision_that_leaves_out_a_part_says(school, outcome, part):
    with pytest.raises(FieldMissing, match=f'decision: "{part}" is missing'):
        school.decisions.record(decision(outcome=outcome, **{part: GONE}))


def test_harm_is_weighed_either_way(school):
    for harm in ("harm_if_shared", "harm_if_not_shared"):
        with pytest.raises(FieldMissing, match=harm):
            school.decisions.record(decision(**{harm: GONE}))


REFUSED = {
    "no advice and no reason for that": ({"advice": GONE}, FieldMissing, "advice"),
    "no second opinion": ({"second_opinion": GONE}, FieldMissing, "second_opinion"),
    "no reasons": ({"reasons": []}, FieldMissing, "reasons"),
    "more detrimental, and no assessment": (
        {"reasons": ["more-detrimental-to-child"]},
        FieldMissing,
        "more_detrimental_assessment",
    ),
    "incompatible, and no assessment": ({"reasons": ["purpose-incompatible"]}, FieldMissing, "assessment"),
    "held elsewhere, and not where": ({"reasons": ["held-elsewhere"]}, FieldMissing, "signpost"),
    "an unknown outcome": ({"outcome": "shelved"}, UnknownCode, "outcome"),
    "an unknown reason": ({"reasons": ["Ilse XXTEST-Ashby said so"]}, UnknownCode, "reasons.0"),
    "an unknown adviser": (
        {"advice": [{"role": "vicar", "at": "2026-11-10", "outcome": "no", "identity_disclosed": False}]},
        UnknownCode,
        "advice.0.role",
    ),
    "an unknown profile": (
        {"considered": {**decision()["considered"], "profile": "gossip"}},
        UnknownCode,
        "considered.profile",
    ),
    "what was considered in words": (
        {"considered": {**decision()["considered"], "fields": ["wren_ashby"]}},
        NotMinimal,
        "considered.fields.0",
    ),
    "a part that nobody declared": ({"statements": ["Wren said so"]}, NotMinimal, "statements"),
    "content copied in": (
        {"considered": {**decision()["considered"], "content": "Wren is hungry"}},
        NotMinimal,
        "considered.content",
    ),
    "decided tomorrow": ({"decided_at": "2026-11-27T09:00:00Z"}, FieldInvalid, "decided_at"),
    "reviewed before it was decided": ({"review_on": "2026-11-09"}, FieldInvalid, "review_on"),
    "a review that is no date": ({"review_on": "soon"}, FieldInvalid, "review_on"),
    "an empty harm": ({"harm_if_shared": " "}, FieldInvalid, "harm_if_shared"),
    "half a character": ({"facts": "\ud800"}, FieldInvalid, ""),
    "a packet that is none": ({"packet": "Wren"}, FieldInvalid, "packet"),
}


@pytest.mark.parametrize(("changes", "error", "part"), REFUSED.values(), ids=REFUSED)
def test_a_decision_is_refused_by_the_name_of_its_part_and_no_value(school, changes, error, part):
    with pytest.raises(error) as raised:
        school.decisions.record(decision(**changes))
    assert part in raised.value.message
    assert not re.search("Wren|wren|XXTEST|hungry|shelved|vicar|gossip", f"{raised.value} {raised.value.hint}")
    entry = newest(school)
    assert (code("ledger-events", entry.event), code("outcomes", entry.outcome)) == ("refused", error.code)
    assert kinds(school) == []


@pytest.mark.parametrize("given", [None, [], "decision", 7], ids=repr)
def test_what_is_no_object_is_no_decision(school, given):
    with pytest.raises(Malformed):
        school.decisions.record(given)


MYTHS = {term.code: term for term in vocabulary.load("refusal-reasons") if term.more.get("rejected")}


@pytest.mark.parametrize("myth", MYTHS)
def test_a_myth_is_answered_with_the_rule_that_contradicts_it(school, myth):
    with pytest.raises(GateNotMet) as raised:
        school.decisions.record(decision(reasons=["early-help-agreement-refused", myth]))
    term = MYTHS[myth]
    assert (raised.value.rule, raised.value.source) == (term.more["rule"], term.source)
    assert raised.value.hint == term.more["answer"]
    assert '"reasons.1"' in raised.value.message
    assert newest(school).rule == term.more["rule"]


def test_the_way_through_a_myth_ends_in_a_recorded_decision(school):
    with pytest.raises(GateNotMet) as raised:
        school.decisions.record(decision(reasons=["no-consent"]))
    (named,) = re.findall("use ([a-z-]+)$", raised.value.hint)
    assert school.decisions.record(decision(reasons=[named])).entry == 2


def test_a_locked_home_records_no_decision(world):
    agency = world.agency(SCHOOL, passphrase="correct horse")
    world.at(NOW)
    with closing(Agency.load(agency.home)) as locked, pytest.raises(LedgerError, match="the vault is locked"):
        locked.decisions.record(decision())
    assert world.events(SCHOOL) == ["genesis"]


# discussion


def test_a_refusal_that_nobody_discussed_is_open_until_it_is(school, world):
    recorded = school.decisions.record(decision())
    assert [action.kind for action in recorded.opened] == ["decision-review", "decision-discussion"]
    assert kinds(school) == ["decision-review", "decision-discussion"]
    said = school.decisions.discuss(recorded.decision, with_="early help hub", on="2026-11-26", outcome="they agree")
    assert [action.kind for action in said.closed] == ["decision-discussion"]
    assert kinds(school) == ["decision-review"]
    assert world.events(SCHOOL) == ["genesis", "decision-recorded", "discussed"]
    assert newest(school).decision.hex() == recorded.decision


UNOPENED = {
    "it was discussed": decision(discussed_with_requester=DISCUSSED),
    "nobody had asked": decision(request_ref="proactive"),
    "all of it is shared": decision("shared", request_ref="CPU-1"),
}


@pytest.mark.parametrize("given", UNOPENED.values(), ids=UNOPENED)
def test_there_is_nothing_to_discuss_where(school, given):
    school.decisions.record(given)
    assert "decision-discussion" not in kinds(school)


@pytest.mark.parametrize("outcome", PARTIAL)
def test_whatever_leaves_out_a_part_is_to_be_discussed(school, outcome):
    school.decisions.record(decision(outcome=outcome))
    assert "decision-discussion" in kinds(school)


def test_a_day_for_the_discussion_is_kept(school):
    recorded = school.decisions.record(decision(discussion_due="2026-11-28"))
    (action,) = [each for each in recorded.opened if each.kind == "decision-discussion"]
    assert action.due.isoformat() == "2026-11-28T00:00:00+00:00"


# review and disagreement


def test_a_review_closes_the_last_and_opens_the_next(school):
    recorded = school.decisions.record(decision(discussed_with_requester=DISCUSSED))
    said = school.decisions.review(recorded.decision, outcome="nothing has changed", again_on="2026-12-08")
    assert [action.id for action in said.closed] == [action.id for action in recorded.opened]
    assert [action.id for action in school.decisions.overdue(everything=True)] == [action.id for action in said.opened]
    school.decisions.review(recorded.decision, outcome="it is over")
    assert kinds(school) == []


def test_a_disagreement_is_taken_from_stage_to_stage(school):
    recorded = school.decisions.record(decision(discussed_with_requester=DISCUSSED, review_on="2027-01-11"))
    for stage in ("1", "2", "3"):
        school.decisions.escalate(recorded.decision, stage=stage, outcome="they disagree", again_on="2026-12-01")
        assert code("dispute-stages", newest(school).stage) == stage
        assert kinds(school) == ["disagreement", "decision-review"]
    school.decisions.escalate(recorded.decision, stage="4", outcome="the partnership decided")
    assert kinds(school) == ["decision-review"]


def test_a_requester_who_takes_it_further_is_not_forgotten(school):
    recorded = school.decisions.record(decision(discussed_with_requester={**DISCUSSED, "escalated": True}))
    assert [action.kind for action in recorded.opened] == ["decision-review", "disagreement"]
    school.decisions.escalate(recorded.decision, stage="1", outcome="they agree now")
    assert kinds(school) == ["decision-review"]
    step = {"with_": "early help hub", "on": "2026-11-26", "outcome": "they do not agree", "escalated": True}
    said = school.decisions.discuss(school.decisions.record(decision()).decision, **step)
    assert [action.kind for action in said.opened] == ["disagreement"]
    assert [action.kind for action in said.closed] == ["decision-discussion"]


BAD_STEPS = {
    "a stage that there is not": (lambda d, n: d.escalate(n, stage="5", outcome="no"), UnknownCode),
    "discussed tomorrow": (lambda d, n: d.discuss(n, with_="hub", on="2026-11-27", outcome="no"), FieldInvalid),
    "discussed on no day": (lambda d, n: d.discuss(n, with_="hub", on="Wren", outcome="no"), FieldInvalid),
    "discussed with nobody": (lambda d, n: d.discuss(n, with_="", on="2026-11-26", outcome="no"), FieldInvalid),
    "nothing came of it": (lambda d, n: d.review(n, outcome=""), FieldInvalid),
    "to be reviewed today": (lambda d, n: d.review(n, outcome="no", again_on="2026-11-26"), FieldInvalid),
    "to be resolved yesterday": (
        lambda d, n: d.escalate(n, stage="1", outcome="no", again_on="2026-11-25"),
        FieldInvalid,
    ),
    "another decision": (lambda d, n: d.review("0" * 32, outcome="no"), Usage),
    "too few digits": (lambda d, n: d.review(n[:7], outcome="no"), Usage),
    "no digits": (lambda d, n: d.review("", outcome="no"), Usage),
}


@pytest.mark.parametrize(("step", "error"), BAD_STEPS.values(), ids=BAD_STEPS)
def test_a_step_that_cannot_be_is_refused_and_changes_nothing(school, step, error):
    recorded = school.decisions.record(decision())
    before = (kinds(school), school.ledger.size)
    with pytest.raises(error) as raised:
        step(school.decisions, recorded.decision)
    assert "Wren" not in f"{raised.value} {raised.value.hint}"
    assert (kinds(school), school.ledger.size) == before


def test_eight_digits_name_a_decision_and_an_action(school):
    recorded = school.decisions.record(decision(discussed_with_requester=DISCUSSED))
    school.decisions.review(recorded.decision[:8].upper(), outcome="nothing has changed", again_on="2026-12-08")
    (action,) = school.decisions.overdue(everything=True)
    school.decisions.done(action.id.hex()[:8], outcome="done")
    assert kinds(school) == []


# reading


def test_a_decision_is_shown_with_its_words_and_all_that_followed(school, world):
    recorded = school.decisions.record(decision())
    school.decisions.discuss(recorded.decision, with_="early help hub", on="2026-11-26", outcome="they agree")
    other = school.decisions.record(decision("shared"))
    steps = school.decisions.show(recorded.decision)
    assert [step.event for step in steps] == ["decision-recorded", "discussed"]
    assert list(steps[0].words["decision"]) == [name for name in decision_order() if name in decision()]
    assert steps[0].words["decision"] == decision()
    assert steps[1].words["said"]["outcome"] == "they agree"
    assert "they agree" not in repr(steps)
    assert [each.decision for each in school.decisions.all()] == [recorded.decision, other.decision]


def decision_order() -> list[str]:
    return list(registry.document("profile", "decision-not-to-share")["properties"])


def test_looking_at_a_decision_is_recorded_before_it_is_shown(school, monkeypatch):
    recorded = school.decisions.record(decision())
    school.decisions.show(recorded.decision)
    entry = newest(school)
    assert (code("ledger-events", entry.event), entry.decision.hex()) == ("consulted", recorded.decision)
    monkeypatch.setattr(Ledger, "append", refusing)
    with pytest.raises(LedgerError):
        school.decisions.show(recorded.decision)


def test_decisions_of_earlier_years_are_found(school, world):
    recorded = school.decisions.record(decision())
    world.at("2027-01-04T09:00:00Z")
    with closing(Agency.load(school.home)) as later:
        later.decisions.review(recorded.decision, outcome="nothing has changed")
        assert [step.event for step in later.decisions.show(recorded.decision)] == ["decision-recorded", "reviewed"]
        assert [each.decision for each in later.decisions.all()] == [recorded.decision]


# between vault and ledger


def refusing(*_: object, **__: object) -> None:
    raise LedgerError("the disk is full")


def rows(agency: Agency, query: str) -> list[Any]:
    with closing(sqlite3.connect(agency.home / "vault.db")) as vault:
        return vault.execute(query).fetchall()


COUNTS = "SELECT (SELECT count(*) FROM action), (SELECT count(*) FROM detail), (SELECT count(*) FROM pending)"


def test_a_crash_before_the_entry_leaves_rows_that_count_for_nothing_and_are_swept(school, monkeypatch):
    with monkeypatch.context() as crash:
        crash.setattr(Ledger, "append", refusing)
        with pytest.raises(LedgerError):
            school.decisions.record(decision())
    assert rows(school, COUNTS) == [(2, 1, 1)]
    assert kinds(school) == []
    assert school.decisions.all() == []
    assert rows(school, COUNTS) == [(0, 0, 0)]


def test_a_crash_after_the_entry_loses_nothing(school, monkeypatch):
    with monkeypatch.context() as crash:
        crash.setattr(Actions, "settle", refusing)
        school.decisions.record(decision())  # it is on the record, and says so
    assert rows(school, COUNTS) == [(2, 1, 1)]
    assert kinds(school) == ["decision-review", "decision-discussion"]
    (found,) = school.decisions.all()
    assert school.decisions.show(found.decision)[0].words["decision"] == decision()
    assert rows(school, "SELECT count(*) FROM pending") == [(0,)]


def test_a_crash_while_an_action_is_closed_leaves_it_open_or_closed_as_the_ledger_says(school, monkeypatch):
    recorded = school.decisions.record(decision())
    step = {"with_": "early help hub", "on": "2026-11-26", "outcome": "they agree"}
    with monkeypatch.context() as crash:
        crash.setattr(Ledger, "append", refusing)
        with pytest.raises(LedgerError):
            school.decisions.discuss(recorded.decision, **step)
    assert kinds(school) == ["decision-review", "decision-discussion"]
    with monkeypatch.context() as crash:
        crash.setattr(Actions, "settle", refusing)
        school.decisions.discuss(recorded.decision, **step)
    assert kinds(school) == ["decision-review"]


def test_what_is_under_way_counts_for_nothing_until_it_is_settled(school, monkeypatch):
    """Somebody else looks between the promise and the entry: nothing is open yet, nothing is closed yet."""
    seen: list[list[str]] = []
    append = Ledger.append

    def looked(self: Ledger, *entries: Entry) -> int:
        seen.append([action.kind for action in school.record.vault.actions.open()])
        return append(self, *entries)

    monkeypatch.setattr(Ledger, "append", looked)
    recorded = school.decisions.record(decision())
    school.decisions.discuss(recorded.decision, with_="early help hub", on="2026-11-26", outcome="they agree")
    assert seen == [[], ["decision-review", "decision-discussion"]]
    assert kinds(school) == ["decision-review"]


KEEPER = """
import json, sys
from sharekit import Agency
agency, given = Agency.load(sys.argv[1]), json.loads(sys.argv[2])
while True:
    print(agency.decisions.record(given).decision, flush=True)
"""


def test_a_killed_process_leaves_every_decision_that_it_told_of_and_no_action_without_one(school):
    given = json.dumps(decision())
    for after in (1, 4, 9):
        command = [sys.executable, "-c", KEEPER, str(school.home), given]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as keeper:
            told = [keeper.stdout.readline().strip() for _ in range(after)]
            keeper.send_signal(signal.SIGKILL)
            told += keeper.stdout.read().split()
        known = {each.decision: each for each in school.decisions.all()}
        assert {number for number in told if len(number) == 32} <= set(known)
        references = {action.reference.hex() for action in school.decisions.overdue(everything=True)}
        assert references == {number for number, each in known.items() if len(each.open) == 2} == set(known)
    counted = (len(known) * 2, len(known), 0)
    assert rows(school, COUNTS) == [counted]


# nothing personal anywhere but in the vault, sealed

SECRETS = [
    *["Sky XXTEST-Dunn", "declined help", "stop talking", "missed breakfasts", "breakfast club", "headteacher agreed"],
    *["Keep watch", "early help hub", "they agree to wait", "looked at it anew", "LPA-0142", "EHH-2026-0311"],
]


def test_no_word_of_a_decision_stands_in_a_file_an_export_an_error_or_a_repr(school, tmp_path, capfd):
    recorded = school.decisions.record(decision(local_child_ref="LPA-0142"))
    said = school.decisions.discuss(
        recorded.decision, with_="early help hub", on="2026-11-26", outcome="they agree to wait"
    )
    (action,) = school.decisions.overdue(everything=True)
    school.decisions.done(action.id.hex(), outcome="looked at it anew")
    with pytest.raises(ShareError) as raised:
        school.decisions.record(decision(wishes=7, facts="declined help", local_child_ref="LPA 0142"))
    school.export(tmp_path / "fernshire.export")
    files = [path for path in [*school.home.rglob("*"), tmp_path / "fernshire.export"] if path.is_file()]
    stored = b"".join(path.read_bytes() for path in files)
    steps, summaries = school.decisions.show(recorded.decision), school.decisions.all()
    told = f"{raised.value!r} {raised.value.hint} {recorded} {said} {action} {steps} {summaries} {capfd.readouterr()}"
    for secret in SECRETS:
        for form in (secret.encode(), secret.encode("utf-16-le"), secret.encode("utf-16-be")):
            assert form not in stored
        assert secret not in told


def test_an_auditor_reads_every_entry_that_a_decision_makes(school):
    recorded = school.decisions.record(decision(organisations=["EHH-1"], local_child_ref="LPA-0142"))
    school.decisions.escalate(recorded.decision, stage="2", outcome="they disagree", again_on="2026-12-01")
    school.advice.brief({}, kind="early-help-referral", role="lado", disclosed=True, reason="an allegation")
    for seq, entry in school.entries():
        assert is_entry(entry.encode(), seq)
    assert school.ledger.verify() == 4


# the command

FILE = str(EXAMPLES / "decisions" / "early-help-refused.json")


@pytest.fixture
def at_larkmoor(school, monkeypatch):
    monkeypatch.setenv("SHAREKIT_HOME", str(school.home))


def test_decide_takes_a_file_a_pipe_and_its_long_form(at_larkmoor):
    data = json.dumps(decision()).encode()
    ways = [("decide", FILE), ("decide", "record", FILE)]
    told = [sharekit("--json", *way).json for way in ways]
    told += [sharekit("decide", "--json", "-", stdin=data).json, sharekit("decide", "-", "--json", stdin=data).json]
    assert [each["entry"] for each in told] == [1, 2, 3, 4]
    assert len({each["decision"] for each in told}) == 4
    assert [action["kind"] for action in told[0]["actions"]] == ["decision-review", "decision-discussion"]


def test_the_steps_are_commands_and_their_outcome_can_be_piped(at_larkmoor):
    number = sharekit("decide", FILE, "--json").json["decision"]
    step = ("--with", "early help hub", "--on", "2026-11-26")
    told = sharekit("decide", "discuss", number, *step, "--json", stdin=b"they agree\n").json
    assert (told["entry"], len(told["closed"])) == (2, 1)
    again = ("--again-on", "2026-12-08", "--json")
    (opened,) = sharekit("decide", "review", number, "--outcome", "still so", *again).json["actions"]
    assert opened["on"] == "2026-12-08"
    assert sharekit("decide", "escalate", number, "--stage", "2", "--outcome", "they disagree").code == 0
    logged = sharekit("ledger", "log", "--json").json["entries"]
    assert [each["event"] for each in logged] == ["genesis", "decision-recorded", "discussed", "reviewed", "escalated"]
    assert [each.get("decision") for each in logged[1:]] == [number] * 4
    assert (logged[1]["decided"], logged[1]["reasons"]) == ("not-shared", ["early-help-agreement-refused"])
    assert (logged[2]["action"], logged[4]["stage"]) == ("decision-discussion", "2")


def test_decide_list_needs_no_passphrase_and_show_gives_the_words(at_larkmoor, tmp_path):
    number = sharekit("decide", FILE, "--json").json["decision"]
    (listed,) = sharekit("decide", "list", "--json").json["decisions"]
    assert (listed["decision"], listed["outcome"], listed["profile"]) == (number, "not-shared", "early-help-referral")
    shown = sharekit("decide", "show", number, "--json").json["steps"]
    assert shown[0]["decision"] == decision()
    assert sharekit("decide", "show", number, "-o", str(tmp_path / "shown.json")).code == 0
    assert json.loads((tmp_path / "shown.json").read_text())["steps"] == shown
    assert "harm_if_shared: The family may stop talking to the school" in sharekit("decide", "show", number).text


COMMANDS = {
    "no file": (["decide", "nowhere.json"], 2, "usage"),
    "a word that is no command": (["decide", "discus", "0" * 32], 2, "usage"),
    "no such decision": (["decide", "show", "0" * 32], 2, "usage"),
    "not JSON": (["decide", "-"], 3, "malformed"),
    "no stage": (["decide", "escalate", "0" * 32, "--outcome", "no"], 2, "usage"),
}


@pytest.mark.parametrize(("arguments", "exit_code", "error"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_that_cannot_be_done_says_why(at_larkmoor, arguments, exit_code, error):
    ran = sharekit(*arguments, stdin=b"{not json")
    assert (ran.code, ran.error) == (exit_code, error)


def test_a_myth_on_the_command_line_is_refused_with_rule_and_hint(at_larkmoor):
    data = json.dumps(decision(reasons=["gdpr-says-no"])).encode()
    ran = sharekit("decide", "-", "--json", stdin=data)
    assert ran.code == 5
    told = ran.json["error"]
    assert (told["code"], told["rule"]) == ("gate-not-met", "GR1")
    assert told["hint"].startswith("data protection law is a framework")
    assert told["source"]


def test_the_number_of_a_decision_is_random(school):
    first, second = (school.decisions.record(decision()).decision for _ in range(2))
    assert first != second
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in (first, second))


# the page

PAGE = (EXAMPLES.parent / "decisions.md").read_text()


def test_the_page_names_every_part_of_a_decision_and_no_other():
    own = registry.document("decision")
    parts = {*registry.document("profile", own["x-extends"])["properties"], *own["properties"]}
    (table,) = re.findall(r"\| part \|.*?\n\n", PAGE, re.S)
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall("`([a-z_]+)`", row)}
    assert named == parts


def test_the_page_lists_every_kind_of_action():
    (table,) = re.findall(r"\| kind \|.*", PAGE, re.S)
    assert re.findall(r"^\| `([a-z-]+)` \|", table, re.M) == [term.code for term in vocabulary.load("action-kinds")]


def test_every_command_of_the_page_is_one(at_larkmoor):
    names, steps = "(?:decide|overdue|advice-brief)", "(?:discuss|escalate|review|list|show|done)"
    commands = re.findall(rf"^sharekit ({names}(?: {steps})?)", PAGE, re.M)
    assert len(set(commands)) >= 8
    for command in commands:
        assert sharekit(*command.split(), "--help").code == 0
