"""An agency's own policy: stricter as it likes, looser only by an act that is signed and stands in the ledger."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest
from sharekit.cli import app
from sharekit.cli.running import run
from world.agencies import CONFIRM, FLAG, example
from world.console import REPOSITORY
from world.policies import ENQUIRY, FOOTING, GLASS, NOW, ORDER, terms, use

from sharekit import Agency, Card, Keys, cbor, cose, errors, registry
from sharekit.agency import doctor
from sharekit.disk import files
from sharekit.domain import vocabulary
from sharekit.ledger import log
from sharekit.policy import local
from sharekit.policy.assess import Finding
from sharekit.policy.decide import decide
from sharekit.policy.local import Change, parse, shipped
from sharekit.policy.use import check_assessment
from sharekit.values import replace

RELATED, DENIED, ENFORCEMENT = "safeguarding.referral", "immigration.age-determination", "immigration.enforcement"
IMMEDIATE, FLAGGED = "safeguarding.immediate-protection", "safeguarding.status-flag"
WHO = {"person": "Lee XXTEST-Varley", "role": "caldicott-guardian"}


def cell(start: str, end: str, what: str) -> bytes:
    return f'[[cells]]\nfrom = "{start}"\nto = "{end}"\ncell = "{what}"\n'.encode()


def recipients(name: str, *org_types: str) -> bytes:
    return f'[[recipients]]\nprofile = "{name}"\norg_types = {json.dumps(org_types)}\n'.encode()


def confirm(name: str, *fields: str) -> bytes:
    return f'[[confirm]]\nprofile = "{name}"\nfields = {json.dumps(fields)}\n'.encode()


def severity(rule: str, what: str) -> bytes:
    return f'[[severities]]\nrule = "{rule}"\nseverity = "{what}"\n'.encode()


STRICTER = cell(ENQUIRY, RELATED, "refer")
LOOSER = cell(ENQUIRY, DENIED, "record")
EVERYTHING = b"""
# what a careful agency might decide
prohibited_purposes = ["crime.mappa"]
max_valid_days = 14

[[cells]]
from = "safeguarding.s47-enquiry"
to = "safeguarding.referral"
cell = "record-with-agreement"

[[recipients]]
profile = "cp-is-flag"
org_types = ["nhs-acute", "icb"]

[[confirm]]
profile = "safeguarding-referral"
fields = ["child.date_of_birth"]

[[severities]]
rule = "R15"
severity = "gate"
"""


PLACES = ["purpose", "cell", "recipients", "confirmations", "rule", "valid_days"]


def told(data: bytes | None, purpose: str, shared_for: str = ENQUIRY, **more) -> tuple[str, str]:
    own = parse(data) if data is not None else None
    verdict = decide(terms(shared_for, **more.pop("packet", {})), use(purpose, **more), now=NOW, policy=own)
    return verdict.rule, verdict.code or verdict.outcome


# what it may be made of


def test_an_empty_policy_is_the_shipped_one():
    assert parse(b"").changes == ()
    assert parse(b"").rows == shipped().rows
    assert not parse(b"").loosens


def test_a_policy_says_all_that_it_does_otherwise():
    policy = parse(EVERYTHING)
    assert not policy.loosens
    assert [change.place.split()[0] for change in policy.changes] == PLACES
    assert [change.place for change in policy.changes] == [
        "purpose crime.mappa",
        "cell safeguarding.s47-enquiry to safeguarding.referral",
        "recipients of cp-is-flag",
        "confirmations of safeguarding-referral",
        "rule R15",
        "valid_days",
    ]
    assert str(policy.changes[1]) == (
        "stricter: cell safeguarding.s47-enquiry to safeguarding.referral: record-with-agreement (shipped: record)"
    )
    assert policy.digest == sha256(EVERYTHING).digest()


SAID = {
    "nobody left": (recipients("early-help-referral"), "local-authority-early-help, school, voluntary", "nobody"),
    "somebody left": (recipients("safeguarding-referral", "police"), "local-authority-csc, police", "police"),
    "more asked": (confirm("cp-is-flag", "nhs_number"), "date_of_birth", "also nhs_number"),
    "something asked": (confirm("strategy-s47", "child.name"), "nothing", "also child.name"),
    "fewer days": (b"max_valid_days = 1", "at most 366", "at most 1"),
}


@pytest.mark.parametrize(("data", "before", "here"), SAID.values(), ids=SAID)
def test_a_change_says_what_was_and_what_is(data, before, here):
    (change,) = parse(data).changes
    assert (change.shipped.replace("gp, ", ""), change.here, change.looser) == (before, here, False)


def test_what_weighs_as_much_as_shipped_is_no_change():
    assert parse(severity("R18", "gate")).changes == ()


NOT_TOML = {
    "no TOML": b"cells = [",
    "a name twice": b"max_valid_days = 1\nmax_valid_days = 2",
    "no UTF-8": b'prohibited_purposes = ["\xff"]',
    "a null byte": b"\x00",
    "JSON": b'{"cells": []}',
    "deeper than anybody writes": b"cells = " + b"[" * 5000,
    "too large": b"# " + b"a" * local.MAX_BYTES,
}


@pytest.mark.parametrize("data", NOT_TOML.values(), ids=NOT_TOML)
def test_what_is_no_toml_is_malformed(data):
    with pytest.raises(errors.Malformed):
        parse(data)


REFUSED = {
    "an unknown key": (b"retention = 3", errors.NotMinimal),
    "an unknown key in a cell": (STRICTER + b'why = "because"', errors.NotMinimal),
    "a cell without its end": (b'[[cells]]\nfrom = "safeguarding.referral"\ncell = "deny"', errors.FieldMissing),
    "a purpose that is none": (b'prohibited_purposes = ["safeguarding.gossip"]', errors.UnknownCode),
    "an end that is no purpose": (cell(ENQUIRY, "gossip", "deny"), errors.UnknownCode),
    "a start that is no purpose": (cell("gossip", RELATED, "deny"), errors.UnknownCode),
    "a start that is a heading": (cell("safeguarding", RELATED, "deny"), errors.UnknownCode),
    "a start that is a profile without a row": (cell("cp-is-flag", RELATED, "deny"), errors.UnknownCode),
    "an end that is a heading": (cell(ENQUIRY, "health", "deny"), errors.FieldInvalid),
    "a cell that is none": (cell(ENQUIRY, RELATED, "maybe"), errors.UnknownCode),
    "a cell twice": (STRICTER + STRICTER, errors.FieldInvalid),
    "a cell from a purpose to itself": (cell(ENQUIRY, ENQUIRY, "deny"), errors.FieldInvalid),
    "an emergency cell for what is no emergency": (cell(ENQUIRY, RELATED, "allow-logged"), errors.FieldInvalid),
    "the emergency closed by a cell": (cell(ENQUIRY, IMMEDIATE, "deny"), errors.FieldInvalid),
    "the emergency prohibited": (f'prohibited_purposes = ["{IMMEDIATE}"]'.encode(), errors.FieldInvalid),
    "the emergency prohibited with its heading": (b'prohibited_purposes = ["health"]', errors.FieldInvalid),
    "a never-purpose opened": (b'opened_purposes = ["other.media"]', errors.FieldInvalid),
    "all never-purposes opened": (b'opened_purposes = ["other"]', errors.FieldInvalid),
    "an ordinary purpose opened": (b'opened_purposes = ["crime.mappa"]', errors.FieldInvalid),
    "a never-purpose opened by a cell": (cell(ENQUIRY, "other.commercial", "record"), errors.FieldInvalid),
    "a profile that is none": (recipients("gossip", "police"), errors.UnknownCode),
    "a type that is none": (recipients("cp-is-flag", "gossip"), errors.UnknownCode),
    "a type that the profile is not for": (recipients("cp-is-flag", "nhs-acute", "police"), errors.FieldInvalid),
    "recipients twice": (recipients("cp-is-flag", "icb") + recipients("cp-is-flag", "gp"), errors.FieldInvalid),
    "a field that is none": (confirm("cp-is-flag", "address"), errors.FieldInvalid),
    "a field that holds others": (confirm("safeguarding-referral", "child"), errors.FieldInvalid),
    "a field below a field of text": (confirm("cp-is-flag", "plan_type.code"), errors.FieldInvalid),
    "no field": (confirm("cp-is-flag"), errors.FieldMissing),
    "confirmations twice": (confirm("cp-is-flag", "nhs_number") * 2, errors.FieldInvalid),
    "a rule that is none": (severity("R99", "gate"), errors.UnknownCode),
    "a severity that is none": (severity("R15", "fatal"), errors.UnknownCode),
    "a rule that would weigh less": (severity("R18", "advice"), errors.FieldInvalid),
    "a rule twice": (severity("R15", "gate") * 2, errors.FieldInvalid),
    "no days": (b"max_valid_days = 0", errors.FieldInvalid),
    "days beyond what is shipped": (b"max_valid_days = 367", errors.FieldInvalid),
    "days in words": (b'max_valid_days = "ten"', errors.FieldInvalid),
    "half days": (b"max_valid_days = 1.5", errors.FieldInvalid),
    "endless days": (b"max_valid_days = inf", errors.FieldInvalid),
    "a day": (b"max_valid_days = 2026-11-27", errors.FieldInvalid),
    "a list of nothing sensible": (b"cells = [1]", errors.FieldInvalid),
}


@pytest.mark.parametrize(("data", "error"), REFUSED.values(), ids=REFUSED)
def test_a_policy_that_makes_no_sense_is_refused_whole_and_by_name(data, error):
    with pytest.raises(error) as refused:
        parse(b"max_valid_days = 9\n" + data if data.startswith(b"[[") else data)
    assert str(refused.value).startswith("policy: ")
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    assert "gossip" not in f"{refused.value} {refused.value.hint}"


def test_every_emergency_stays_open_whatever_a_policy_says():
    emergencies = [term.code for term in vocabulary.load("purposes") if term.more.get("break_glass")]
    for purpose in emergencies:
        for what in ("refer", "court", "record", "record-with-agreement", "allow-logged"):
            assert told(cell(RELATED, purpose, what), purpose, RELATED, **GLASS) == ("R18.7", "allow-logged")


# stricter and looser

STRICTNESS = ["allow", "record", "record-with-agreement", "refer", "deny"]
CELLS = [*STRICTNESS, "court", "allow-logged"]
SHIPPED = {  # one cell of each kind that may take any other
    "allow": (ENQUIRY, "safeguarding.strategy"),
    "record": (ENQUIRY, RELATED),
    "record-with-agreement": (RELATED, "safeguarding.early-help"),
    "court": ("justice.family-proceedings", "crime.investigation"),
    "refer": (ENQUIRY, "education.support"),
    "deny": (ENQUIRY, DENIED),
}


@pytest.mark.parametrize("here", STRICTNESS)
@pytest.mark.parametrize("before", STRICTNESS)
def test_a_cell_is_looser_exactly_if_it_stands_earlier_in_that_order(before, here):
    policy = parse(cell(*SHIPPED[before], here))
    assert policy.loosens == (STRICTNESS.index(here) < STRICTNESS.index(before))
    assert len(policy.changes) == (before != here)


@pytest.mark.parametrize("other", STRICTNESS)
def test_a_courts_order_and_a_record_are_no_more_and_no_less_than_each_other(other):
    """An order opens without a record, a record without an order: neither takes the other's place unsigned."""
    assert parse(cell(*SHIPPED[other], "court")).loosens == (other != "allow")
    assert parse(cell(*SHIPPED["court"], other)).loosens == (other not in ("refer", "deny"))


@pytest.mark.parametrize("here", CELLS)
def test_a_cell_that_nobody_filled_refers_and_may_only_be_closed(here):
    empty = ("safeguarding.conference", "health.direct-care.urgent")
    if here == "deny":
        with pytest.raises(errors.FieldInvalid):
            parse(cell(*empty, here))
        return
    assert parse(cell(*empty, here)).loosens == (here not in ("refer", "allow-logged"))


AGREED = {"packet": {"agreement": [{"kind": "share-agreement", "status": "given"}]}}


def opens(what: str, start: str, end: str) -> set[int]:
    """Which of all ways to ask open that cell."""
    ways = [given | more for given in ({}, FOOTING, GLASS, ORDER, FOOTING | ORDER) for more in ({}, AGREED)]
    answers = [told(cell(start, end, what), end, start, **way)[1] for way in ways]
    return {at for at, answer in enumerate(answers) if answer.startswith("allow")}


POSSIBLE = {"education.support": [*STRICTNESS, "court"], IMMEDIATE: [each for each in CELLS if each != "deny"]}
PAIRS = [(end, before, here) for end, cells in POSSIBLE.items() for before in cells for here in cells]


@pytest.mark.parametrize(("end", "before", "here"), PAIRS)
def test_what_is_not_called_looser_opens_nothing_more(end, before, here):
    """The order is not only claimed: whatever opens under the stricter cell opens under the looser one."""
    ways = registry.document("engine")["ways"]
    more = set(ways[here]) - set(ways[before])
    assert bool(opens(here, RELATED, end) - opens(before, RELATED, end)) <= bool(more)
    if more - {"emergency"}:
        assert opens(here, RELATED, end) - opens(before, RELATED, end)


def test_taking_a_purpose_off_the_list_of_the_always_denied_is_looser_and_not_enough():
    opened = f'opened_purposes = ["{ENFORCEMENT}"]\n'.encode()
    assert parse(opened).loosens
    assert told(None, ENFORCEMENT, **FOOTING) == ("R18.1", "purpose-prohibited")
    assert told(opened, ENFORCEMENT, **FOOTING) == ("R18.5", "purpose-incompatible")
    both = opened + cell(ENQUIRY, ENFORCEMENT, "record")
    assert told(both, ENFORCEMENT, **FOOTING) == ("R18.9", "allow-with-record")
    prohibited = {"packet": {"prohibited_purposes": [ENFORCEMENT]}}
    assert told(both, ENFORCEMENT, **FOOTING, **prohibited) == ("R18.1", "purpose-prohibited")


def test_only_the_cell_of_that_start_changes():
    assert told(STRICTER, RELATED, **FOOTING) == ("R18.10", "refer-to-sender")
    assert told(STRICTER, RELATED, "safeguarding.strategy", **FOOTING) == ("R18.9", "allow-with-record")
    assert told(STRICTER, "safeguarding.cin-assessment", **FOOTING) == ("R18.9", "allow-with-record")


def test_a_verdict_by_a_cell_of_ones_own_says_so():
    verdict = decide(terms(), use(RELATED), now=NOW, policy=parse(STRICTER))
    assert verdict.source.endswith("; as this agency's own policy has it")
    for asked in (use(DENIED), use(RELATED, org_type="voluntary")):  # another cell; and no cell was asked
        assert "own policy" not in decide(terms(), asked, now=NOW, policy=parse(STRICTER)).source


def test_what_it_was_shared_for_opens_whatever_the_policy_says_of_other_purposes():
    assert told(cell(RELATED, ENQUIRY, "deny"), ENQUIRY) == ("R18.4", "allow")


def test_a_prohibited_purpose_opens_nothing_though_the_sender_permits_it():
    permitted = {"packet": {"permitted_purposes": ["crime.mappa"]}}
    assert told(None, "crime.mappa", **permitted) == ("R18.4", "allow")
    for data in (b'prohibited_purposes = ["crime"]', b'prohibited_purposes = ["crime.mappa"]'):
        assert told(data, "crime.mappa", **permitted) == ("R18.1", "purpose-prohibited")


def test_fewer_recipients_receive():
    assert told(recipients("information-reply", "police"), ENQUIRY) == ("R18.3", "not-need-to-know")
    assert told(recipients("information-reply", "police"), ENQUIRY, org_type="police") == ("R18.4", "allow")


def finding(rule: str, severity: str, **more) -> Finding:
    return replace(Finding(rule, severity, "it", "a source", "a way"), **more)


def test_a_rule_weighs_more_and_never_less():
    raised = parse(severity("R15", "gate"))
    found = [finding("R15", "advice"), finding("R8", "advice"), finding("R18", "gate")]
    assert [each.severity for each in raised.weighed(found, urgent=False)] == ["gate", "advice", "gate"]
    middle = parse(severity("R15", "needs-reason"))
    assert [each.severity for each in middle.weighed([finding("R15", "gate")], urgent=False)] == ["gate"]


def test_a_raised_rule_stops_no_urgent_share():
    raised = parse(severity("R15", "gate"))
    assert [each.severity for each in raised.weighed([finding("R15", "advice")], urgent=True)] == ["needs-reason"]
    assert [each.severity for each in raised.weighed([finding("R15", "gate")], urgent=True)] == ["gate"]
    owed = finding("R15", "needs-reason", owed=True)
    assert [each.severity for each in raised.weighed([owed], urgent=False)] == ["needs-reason"]


# the page about it


def test_the_page_shows_a_policy_and_an_assessment_that_work():
    page = (REPOSITORY / "docs" / "purpose-limitation.md").read_text()
    (policy,) = re.findall(r"```toml\n(.*?)```", page, re.S)
    (assessment,) = re.findall(r"```json\n(.*?)```", page, re.S)
    shown = parse(policy.encode())
    assert [change.place.split()[0] for change in shown.changes] == PLACES
    assert not shown.loosens
    check_assessment(json.loads(assessment))


# in an agency's home


def place(agency: Agency, data: bytes) -> None:
    (agency.home / "policy.toml").write_bytes(data)


def record(agency: Agency) -> list[str]:
    events = vocabulary.load("ledger-events")
    return [events.by_number(entry.event).code for _, entry in agency.entries()]


@pytest.fixture
def quillbrook(world):
    world.agency("ZZQ01", **WHO)
    return world.quillbrook


def opened(world, purpose: str = RELATED, **more):
    footing = {name: FOOTING[name] for name in ("basis", "art9", "gateway", "assessment")}
    return world.quillbrook.open(world.packet, purpose=purpose, confirm=CONFIRM, **footing | more)


@pytest.fixture
def flagged(world, quillbrook):
    world.packet = world.flag()
    return world


FLAG_STRICTER = cell(FLAGGED, RELATED, "refer")
PLANNED = "health.direct-care.planned"
FLAG_LOOSER = cell(FLAGGED, PLANNED, "record")


def test_a_policy_written_by_hand_that_only_tightens_is_honoured(flagged):
    assert opened(flagged).verdict.outcome == "allow-with-record"
    place(flagged.quillbrook, FLAG_STRICTER)
    with pytest.raises(errors.PurposeRefused) as refused:
        opened(flagged)
    assert refused.value.rule == "R18.10"
    assert flagged.quillbrook.local_policy.set_at() is None


def test_a_looser_policy_that_nobody_signed_opens_nothing_until_it_is_put_right(flagged):
    place(flagged.quillbrook, FLAG_LOOSER)
    for purpose in (PLANNED, FLAGGED):
        with pytest.raises(errors.NotTrusted) as refused:
            opened(flagged, purpose)
        assert "sharekit policy set" in refused.value.hint
    assert record(flagged.quillbrook)[-1] == "refused"
    (flagged.quillbrook.home / "policy.toml").unlink()
    assert opened(flagged, FLAGGED).verdict.rule == "R18.4"


def test_a_policy_that_cannot_be_read_opens_and_seals_nothing(flagged):
    place(flagged.quillbrook, b"cells = [")
    with pytest.raises(errors.Malformed):
        opened(flagged, FLAGGED)
    place(flagged.fernshire, b"retention = 3")
    with pytest.raises(errors.NotMinimal):
        flagged.flag()
    assert record(flagged.fernshire)[-1] == "refused"


def test_loosening_is_refused_unless_it_is_meant(flagged):
    with pytest.raises(errors.GateNotMet) as refused:
        flagged.quillbrook.local_policy.tighten(FLAG_LOOSER, reason="The board agreed")
    assert refused.value.rule == "local-policy"
    assert "--loosen" in refused.value.hint
    assert not (flagged.quillbrook.home / "policy.toml").exists()
    assert "policy-changed" not in record(flagged.quillbrook)


def test_loosening_is_signed_recorded_and_then_in_force(flagged):
    quillbrook = flagged.quillbrook
    with pytest.raises(errors.PurposeRefused):
        opened(flagged, PLANNED)
    seq = quillbrook.local_policy.loosen(FLAG_LOOSER, reason="The board agreed on 3 November")
    entry = dict(quillbrook.entries())[seq]
    assert vocabulary.load("ledger-events").by_number(entry.event).code == "policy-changed"
    assert entry.file == sha256(FLAG_LOOSER).digest()
    words = quillbrook.record.vault.read_detail(entry.nonce)
    assert (words["by"], words["role"], words["reason"]) == (*WHO.values(), "The board agreed on 3 November")
    assert quillbrook.local_policy.in_force().loosens
    assert quillbrook.local_policy.set_at() == quillbrook.now()
    assert opened(flagged, PLANNED).verdict.rule == "R18.9"


def test_tightening_by_the_command_is_recorded_too(flagged):
    quillbrook = flagged.quillbrook
    seq = quillbrook.local_policy.tighten(FLAG_STRICTER, reason="Our hospital asks first")
    assert dict(quillbrook.entries())[seq].file == sha256(FLAG_STRICTER).digest()
    with pytest.raises(errors.PurposeRefused):
        opened(flagged)
    assert quillbrook.local_policy.set_at() == quillbrook.now()


def test_a_policy_is_answered_for_by_somebody_who_gives_a_reason(world, quillbrook):
    with pytest.raises(errors.Usage):
        quillbrook.local_policy.tighten(STRICTER, reason=" ")
    with contextlib.closing(Agency(world.fernshire.home, private=world.fernshire.keys)) as nobody:
        for change in (nobody.local_policy.tighten, nobody.local_policy.loosen):
            with pytest.raises(errors.Usage) as refused:
                change(STRICTER, reason="Because")
            assert "--as NAME --role ROLE" in refused.value.hint
    with contextlib.closing(Agency(quillbrook.home, private=None)) as locked, pytest.raises(errors.WrongPassphrase):
        locked.local_policy.tighten(STRICTER, reason="Because")
    assert not (quillbrook.home / "policy.toml").exists()


@pytest.fixture
def loosened(flagged):
    flagged.quillbrook.local_policy.loosen(FLAG_LOOSER, reason="The board agreed")
    return flagged


def forget(agency: Agency) -> None:
    """As where an earlier sharekit set the policy: its two files are all there is."""
    agency.record.standing()
    agency.record.vault.write("DELETE FROM policy")


def resigned(agency: Agency, **changes) -> bytes:
    """An act like the agency's own, with something in it changed."""
    own = Card.parse(agency.card())
    about = {"header": {}, "payload": {}, "key": agency.keys.signing} | changes
    header = {cose.ALG: cose.ED25519, cose.KID: own.kid, cose.TYP: "application/sharekit.policy+cose"}
    payload = {1: agency.org_id, 2: sha256(FLAG_LOOSER).digest(), 3: int(agency.now().timestamp())}
    return cose.sign1(header | about["header"], cbor.encode(payload | about["payload"]), about["key"])


TAMPERED = {
    "cut short": lambda agency, act: act[:-1],
    "empty": lambda agency, act: b"",
    "one bit of the signature": lambda agency, act: act[:-1] + bytes([act[-1] ^ 1]),
    "signed with the key of a stranger": lambda agency, act: resigned(agency, key=Keys.generate().signing),
    "signed with the log key": lambda agency, act: resigned(agency, key=agency.keys.log),
    "of another kind": lambda agency, act: resigned(agency, header={cose.TYP: "application/sharekit.card+cose"}),
    "naming another key": lambda agency, act: resigned(agency, header={cose.KID: bytes(32)}),
    "of another agency": lambda agency, act: resigned(agency, payload={1: "ZZQ02"}),
    "about another policy": lambda agency, act: resigned(agency, payload={2: bytes(32)}),
    "with something to spare": lambda agency, act: resigned(agency, payload={4: "x"}),
    "at no time": lambda agency, act: resigned(agency, payload={3: -1}),
    "a card": lambda agency, act: agency.card(),
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_act_loosens_nothing(loosened, change):
    path = loosened.quillbrook.home / "policy.cose"
    forget(loosened.quillbrook)
    path.write_bytes(change(loosened.quillbrook, path.read_bytes()))
    for purpose in (PLANNED, FLAGGED):
        with pytest.raises((errors.NotVerified, errors.Malformed)):
            opened(loosened, purpose)


def test_every_flipped_bit_of_an_act_is_refused(loosened):
    path = loosened.quillbrook.home / "policy.cose"
    forget(loosened.quillbrook)
    act = path.read_bytes()
    for position in range(len(act)):
        path.write_bytes(act[:position] + bytes([act[position] ^ (1 << position % 8)]) + act[position + 1 :])
        with pytest.raises((errors.NotVerified, errors.Malformed)):
            loosened.quillbrook.local_policy.in_force()
    path.write_bytes(act)
    assert loosened.quillbrook.local_policy.in_force().loosens


def test_an_act_that_is_like_the_agencys_own_is_taken(loosened):
    path = loosened.quillbrook.home / "policy.cose"
    forget(loosened.quillbrook)
    path.write_bytes(resigned(loosened.quillbrook))
    assert loosened.quillbrook.local_policy.in_force().loosens


def put_back(world, kept: dict[str, bytes]) -> None:
    for name, data in kept.items():
        (world.quillbrook.home / name).write_bytes(data)


STRAY = {  # what becomes of the two files of a policy, after a stricter or a looser one was set
    "removed": lambda world, kept: [(world.quillbrook.home / name).unlink() for name in kept],
    "only the act removed": lambda world, kept: (world.quillbrook.home / "policy.cose").unlink(),
    "an old one put back": put_back,
    "changed by a word": lambda world, kept: place(world.quillbrook, FLAG_LOOSER + b"# and a word more\n"),
    "changed to be stricter": lambda world, kept: place(world.quillbrook, cell(FLAGGED, PLANNED, "deny")),
    "empty": lambda world, kept: place(world.quillbrook, b""),
    "half written": lambda world, kept: place(world.quillbrook, FLAG_STRICTER[:-9]),
    "no TOML": lambda world, kept: place(world.quillbrook, b"cells = ["),
    "a folder": lambda world, kept: replaced_by(world.quillbrook, Path.mkdir),
    "a pipe": lambda world, kept: replaced_by(world.quillbrook, os.mkfifo),
    "a link to nothing": lambda world, kept: replaced_by(world.quillbrook, lambda path: path.symlink_to("nowhere")),
    "the vault's copy gone": lambda world, kept: forget(world.quillbrook),
    "the vault's copy changed": lambda world, kept: world.quillbrook.record.vault.write(
        "UPDATE policy SET document = x'00', act = x'00'"
    ),
}


def replaced_by(agency: Agency, make) -> None:
    path = agency.home / "policy.toml"
    path.unlink()
    make(path)


@pytest.mark.parametrize("change", STRAY.values(), ids=STRAY)
def test_whatever_becomes_of_its_files_the_policy_that_the_ledger_has_is_in_force(loosened, change):
    """Somebody who can write to the disk brings neither a looser policy back, nor takes a stricter one away."""
    quillbrook = loosened.quillbrook
    kept = {name: (quillbrook.home / name).read_bytes() for name in ("policy.toml", "policy.cose")}
    quillbrook.local_policy.tighten(FLAG_STRICTER, reason="The board has thought again")
    quillbrook.record.standing()
    change(loosened, kept)
    for purpose in (PLANNED, RELATED):
        with pytest.raises(errors.PurposeRefused) as refused:
            opened(loosened, purpose)
        assert refused.value.rule in ("R18.10", "R18.9")
    assert opened(loosened, FLAGGED).verdict.policy.digest == sha256(FLAG_STRICTER).digest()
    now = quillbrook.home / "policy.toml"
    is_as_set = now.is_file() and now.read_bytes() == FLAG_STRICTER
    assert quillbrook.local_policy.is_astray() is not is_as_set
    quillbrook.close()
    with contextlib.closing(Agency.load(quillbrook.home)) as again:
        assert again.local_policy.in_force().digest == sha256(FLAG_STRICTER).digest()


@pytest.fixture
def lost(flagged):
    """Quillbrook has set a stricter policy, of which nothing is left."""
    flagged.quillbrook.local_policy.tighten(FLAG_STRICTER, reason="The board has thought again")
    forget(flagged.quillbrook)
    (flagged.quillbrook.home / "policy.toml").unlink()
    return flagged


def test_where_the_policy_set_last_is_lost_nothing_opens_until_one_is_set(lost):
    with pytest.raises(errors.NotTrusted) as refused:
        opened(lost, FLAGGED)
    assert "sharekit policy set" in refused.value.hint
    lost.quillbrook.local_policy.tighten(b"", reason="The shipped one will do")
    assert opened(lost, FLAGGED).verdict.rule == "R18.4"


DAMAGED = {
    "no TOML": b"cells = [",
    "an unknown key": b"retention = 3",
    "no UTF-8": b"\xff",
    "half written": FLAG_STRICTER[:-9],
    "too large": b"# " + b"a" * local.MAX_BYTES,
    "looser, and nobody signed it": FLAG_LOOSER,
    "everybody shut out": recipients("cp-is-flag") + confirm("cp-is-flag", "family_name_initials"),
}


def glass(world):
    return world.quillbrook.open(world.packet, purpose=IMMEDIATE, confirm=CONFIRM, **GLASS)


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_breaking_the_glass_is_stopped_by_nothing_in_a_policy(flagged, data):
    place(flagged.quillbrook, data)
    share = glass(flagged)
    assert share.verdict.outcome == "allow-logged"
    with pytest.raises(errors.ShareError):
        flagged.quillbrook.open(flagged.packet, purpose=FLAGGED, confirm=CONFIRM, **GLASS)
    if share.verdict.policy.unread:
        assert "cannot be read" in share.verdict.hint
        refused = [entry for _, entry in flagged.quillbrook.entries() if entry.rule == "local-policy"]
        assert refused or data == b"\xff"


@pytest.mark.parametrize(
    "make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)], ids=["folder", "pipe", "link"]
)
def test_breaking_the_glass_is_stopped_by_nothing_in_a_policys_place(flagged, make):
    make(flagged.quillbrook.home / "policy.toml")
    assert glass(flagged).verdict.policy.unread
    with pytest.raises(errors.Malformed):
        opened(flagged, FLAGGED)


def test_breaking_the_glass_is_not_stopped_where_the_policy_set_last_is_lost(lost):
    share = glass(lost)
    assert share.verdict.policy.unread
    assert "opened" in record(lost.quillbrook)


def test_an_urgent_share_is_sealed_under_a_policy_that_cannot_be_read_and_says_so(world):
    world.at(FLAG)
    data, said = example("safeguarding-referral")
    place(world.agency("URN-999001"), b"cells = [")
    world.agency("E10999001")
    with pytest.raises(errors.Malformed):
        world.larkmoor.seal(data, said | {"urgency": "routine"}, to="E10999001")
    sealed = world.larkmoor.seal(data, said | {"urgency": "immediate"}, to="E10999001")
    assert local.UNREAD in sealed.findings
    assert record(world.larkmoor)[-2:] == ["refused", "sealed"]


def test_a_signed_policy_that_stands_in_no_ledger_loosens_nothing(flagged):
    home = flagged.quillbrook.home
    (home / "policy.toml").write_bytes(FLAG_LOOSER)
    (home / "policy.cose").write_bytes(resigned(flagged.quillbrook))
    with pytest.raises(errors.NotTrusted):
        opened(flagged, PLANNED)


def test_an_act_of_last_year_still_counts(loosened):
    loosened.at("2027-01-04T09:00:00Z")
    assert loosened.quillbrook.local_policy.in_force().loosens
    loosened.quillbrook.local_policy.tighten(FLAG_STRICTER, reason="A new year")
    place(loosened.quillbrook, FLAG_LOOSER)
    assert not loosened.quillbrook.local_policy.in_force().loosens


def test_if_the_ledger_cannot_be_written_nothing_is_set(flagged, monkeypatch):
    def failing(*_):
        raise errors.LedgerError("the disk is full")

    home = flagged.quillbrook.home
    with monkeypatch.context() as broken:
        broken.setattr(log.Ledger, "append", failing)
        for change in (flagged.quillbrook.local_policy.tighten, flagged.quillbrook.local_policy.loosen):
            with pytest.raises(errors.LedgerError):
                change(FLAG_STRICTER, reason="The board agreed")
    assert sorted(path.name for path in home.glob("*policy*")) == []
    assert not list(home.glob(".sharekit-*"))
    assert opened(flagged, FLAGGED).verdict.rule == "R18.4"


def test_if_the_files_cannot_be_written_any_more_it_is_in_force_by_its_entry(loosened, monkeypatch):
    def failing(*_):
        raise errors.OutputUnwritable("the output cannot be written there")

    quillbrook = loosened.quillbrook
    with monkeypatch.context() as broken:
        broken.setattr(files.Replacement, "commit", failing)
        quillbrook.local_policy.tighten(FLAG_STRICTER, reason="The board has thought again")
    assert quillbrook.local_policy.in_force().digest == sha256(FLAG_STRICTER).digest()
    assert (quillbrook.home / "policy.toml").read_bytes() == FLAG_STRICTER
    with pytest.raises(errors.PurposeRefused):
        opened(loosened)


def test_a_decision_remembers_by_which_policy_it_was_taken(flagged):
    quillbrook = flagged.quillbrook
    place(quillbrook, b"max_valid_days = 30\n")
    opened(flagged)
    entries = [entry for _, entry in quillbrook.entries() if entry.rule == "R18.9"]
    for entry in entries:
        words = quillbrook.record.vault.read_detail(entry.nonce)
        assert words["policy"] == sha256(b"max_valid_days = 30\n").digest()
        assert words["assessment"] == FOOTING["assessment"]
    assert len(entries) == 2


def test_an_agency_confirms_more_than_the_profile_asks_for(world):
    packet = world.referral()
    place(world.fernshire, confirm("safeguarding-referral", "child.date_of_birth", "child.name"))
    with pytest.raises(errors.IdentityMismatch) as refused:
        world.fernshire.open(packet, purpose=RELATED)
    assert refused.value.hint == "add --confirm child.date_of_birth, which asks for it"
    known = {"child.date_of_birth": "2016-07-02", "child.name": "Wren XXTEST-Ashby"}
    with pytest.raises(errors.IdentityMismatch):
        world.fernshire.open(packet, purpose=RELATED, confirm=known | {"child.name": "Robin XXTEST-Marlow"})
    assert world.fernshire.open(packet, purpose=RELATED, confirm=known).fields


def test_a_confirmation_that_the_packet_cannot_answer_is_not_asked_for(world):
    packet = world.referral()
    place(world.fernshire, confirm("safeguarding-referral", "child.nhs_number"))
    assert "nhs_number" not in example("safeguarding-referral")[0]["child"]
    assert world.fernshire.open(packet, purpose=RELATED).fields


def test_the_profiles_own_confirmation_stays(flagged):
    place(flagged.quillbrook, confirm("cp-is-flag", "date_of_birth", "family_name_initials"))
    with pytest.raises(errors.IdentityMismatch):
        flagged.quillbrook.open(flagged.packet, purpose=FLAGGED, confirm={"family_name_initials": "RM"})


SEALING = {
    "a purpose it shares nothing for": (f'prohibited_purposes = ["{FLAGGED}"]'.encode(), errors.GateNotMet),
    "too many days": (b"max_valid_days = 14", errors.GateNotMet),
    "a recipient it sends nothing to": (recipients("cp-is-flag", "gp"), errors.NotNeedToKnow),
}


@pytest.mark.parametrize(("data", "error"), SEALING.values(), ids=SEALING)
def test_sealing_keeps_to_the_agencys_own_policy(flagged, data, error):
    place(flagged.fernshire, data)
    with pytest.raises(error) as refused:
        flagged.flag()
    assert refused.value.rule == "local-policy"
    assert record(flagged.fernshire)[-1] == "refused"


def test_what_the_refusal_to_seal_says_works(flagged):
    place(flagged.fernshire, b"max_valid_days = 14")
    with pytest.raises(errors.GateNotMet) as refused:
        flagged.flag()
    assert "valid_days: 14" in refused.value.hint
    assert flagged.flag(valid_days=14)


def test_a_raised_rule_stops_what_it_only_advised_against(world):
    world.at("2026-11-26T16:00:00Z")
    data, decided = example("safeguarding-referral")  # to be acted on by 15:20
    sent = world.larkmoor.seal(data, decided, [world.fernshire.org_id])
    assert "R15" in [each.rule for each in sent.findings if each.severity != "gate"]
    place(world.larkmoor, severity("R15", "gate"))
    with pytest.raises(errors.GateNotMet) as refused:
        world.larkmoor.seal(data, decided, [world.fernshire.org_id])
    assert refused.value.rule == "R15"


def test_the_ledger_and_the_vault_hold_no_word_of_why_a_policy_was_set(loosened):
    with contextlib.closing(sqlite3.connect(next((loosened.quillbrook.home / "ledger").glob("*.db")))) as db:
        stored = b"".join(row[0] for row in db.execute("SELECT bytes FROM entry"))
    content = stored + (loosened.quillbrook.home / "vault.db").read_bytes()
    assert b"board" not in content
    assert b"XXTEST" not in content


def test_the_doctor_says_what_stands_there(flagged):
    def found() -> tuple[str, bool]:
        (check,) = (each for each in doctor.examine(flagged.quillbrook.home) if each.name == "local policy")
        return f"{check.found}; {check.why}", check.good

    assert found() == ("none, the shipped one applies; ", True)
    place(flagged.quillbrook, FLAG_STRICTER)
    assert found() == ("1 thing otherwise; nowhere looser than shipped", True)
    place(flagged.quillbrook, FLAG_LOOSER)
    told, good = found()
    assert told.startswith("not-trusted: the local policy is looser than the shipped one, and nobody signed that; ")
    assert not good
    flagged.quillbrook.local_policy.loosen(FLAG_LOOSER, reason="The board agreed")
    assert found() == ("1 thing otherwise; looser than shipped, signed and recorded", True)


def test_a_change_reads_as_a_sentence():
    assert str(Change("a place", "this", "that", looser=True)) == "looser: a place: that (shipped: this)"


# at the command line


def test_the_commands_show_check_and_set_a_policy(world, quillbrook, tmp_path, capfd):
    def command(*words: str) -> tuple[int, dict]:
        code = run(app, ["--json", "--home", str(quillbrook.home), "policy", *words])
        return code, json.loads(capfd.readouterr().out)

    file = tmp_path / "new.toml"
    assert command("show") == (
        0, {"policy": "shipped", "digest": None, "looser": False, "changes": [], "set_at": None},
    )  # fmt: skip
    file.write_bytes(FLAG_LOOSER)
    code, told = command("check", str(file))
    assert (code, told["looser"], len(told["changes"])) == (0, True, 1)
    code, told = command("set", str(file), "--reason", "The board agreed")
    assert (code, told["error"]["code"], told["error"]["rule"]) == (5, "gate-not-met", "local-policy")
    code, told = command("set", str(file), "--reason", "The board agreed", "--loosen")
    assert (code, told["digest"]) == (0, sha256(FLAG_LOOSER).hexdigest())
    assert record(quillbrook)[told["entry"]] == "policy-changed"
    code, told = command("show")
    assert (code, told["policy"], told["set_at"]) == (0, "local", "2026-11-26T09:00:00Z")
    file.write_bytes(b"cells = [")
    code, told = command("check", str(file))
    assert (code, told["error"]["code"]) == (3, "malformed")


def test_what_a_person_reads_of_a_policy(world, quillbrook, tmp_path, capfd):
    place(quillbrook, FLAG_STRICTER)
    assert run(app, ["--home", str(quillbrook.home), "policy", "show"]) == 0
    first, second = capfd.readouterr().out.splitlines()
    assert first.startswith("this agency's own policy, written by hand, and nowhere looser; SHA-256 ")
    assert second == f"stricter: cell {FLAGGED} to {RELATED}: refer (shipped: record)"


def test_opening_prints_what_goes_with_it(flagged, tmp_path, capfd):
    flagged.at(FLAG)
    (tmp_path / "packet").write_bytes(flagged.packet)
    (tmp_path / "why.json").write_text(json.dumps(FOOTING["assessment"]))
    words = ["open", str(tmp_path / "packet"), "--purpose", RELATED, "--confirm", "date_of_birth=2019-03-14"]
    words += ["--basis", "art6-1-e", "--art9", "art9-2-g+sch1-p18", "--gateway", "ca04-s16la"]
    words += ["--assessment", str(tmp_path / "why.json"), "-o", str(tmp_path / "opened.json")]
    assert run(app, ["--home", str(flagged.quillbrook.home), *words]) == 0
    told = capfd.readouterr().err
    assert "to do: Tell the sender that it was opened" in told
    assert "look at again: --gateway: whether it is in force was not verified" in told
    assert run(app, ["--json", "--home", str(flagged.quillbrook.home), *words]) == 0
    obligations = json.loads(capfd.readouterr().out)["obligations"]
    assert [each["code"] for each in obligations] == ["no-onward-sharing", "tell-sender"]


@pytest.mark.parametrize(
    ("text", "code"),
    [("{}", "field-missing"), ("[]", "malformed"), ("{", "malformed"), ('{"why": "x"}', "field-not-allowed")],
    ids=["empty", "a list", "no JSON", "a name that it does not know"],
)
def test_a_bad_assessment_opens_nothing_and_no_partner_is_told(flagged, tmp_path, capfd, text, code):
    (tmp_path / "packet").write_bytes(flagged.packet)
    (tmp_path / "why.json").write_text(text)
    words = ["open", str(tmp_path / "packet"), "--purpose", FLAGGED, "--assessment", str(tmp_path / "why.json")]
    run(app, ["--json", "--home", str(flagged.quillbrook.home), *words, "-o", str(tmp_path / "opened.json")])
    assert json.loads(capfd.readouterr().out)["error"]["code"] == code
    assert not (tmp_path / "opened.json").exists()
    assert "receipt-out" not in record(flagged.quillbrook)
