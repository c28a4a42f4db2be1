"""`check` says what sealing would say and seals nothing; `explain` says what a rule asks for."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from sharekit.cli import app
from sharekit.cli.running import run
from world.agencies import EXAMPLES, FLAG, REFERRAL, World, example

from sharekit import Card


class Console:
    """Runs commands here, in the home that is named, and reads what they print."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.capsys, self.monkeypatch = folder, capsys, monkeypatch
        monkeypatch.delenv("SHAREKIT_HOME", raising=False)
        monkeypatch.setenv("XDG_DATA_HOME", str(folder / "nowhere"))

    def run(self, *arguments: str) -> tuple[int, str]:
        code = run(app, arguments)
        return code, self.capsys.readouterr().out

    def json(self, *arguments: str) -> tuple[int, Any]:
        code, out = self.run("--json", *arguments)
        return code, json.loads(out)

    def files(self, name: str, **changes: Any) -> list[str]:
        """DATA and --terms TERMS of an example, with parts of the terms changed or, as None, taken out."""
        data, terms = example(name)
        terms = {key: value for key, value in (terms | changes).items() if value is not None}
        for end, value in ((".json", data), (".terms.json", terms)):
            (self.folder / f"{name}{end}").write_text(json.dumps(value))
        return [str(self.folder / f"{name}.json"), "--terms", str(self.folder / f"{name}.terms.json")]


@pytest.fixture
def console(tmp_path, capsys, monkeypatch):
    return Console(tmp_path, capsys, monkeypatch)


@pytest.fixture
def school(world: World, console: Console):
    """The school's home, which knows Fernshire, at the time of the referral."""
    card = world.fernshire.card()
    world.larkmoor.trust.add(card, Card.parse(card).fingerprint.hex())
    world.at(REFERRAL)
    return ["--home", str(world.larkmoor.home)]


def test_a_share_that_would_be_sealed_ends_with_0(console, school):
    code, told = console.json(*school, "check", *console.files("safeguarding-referral"), "--to", "E10999001")
    assert (code, told["seals"], told["findings"]) == (0, True, [])
    assert list(told) == ["rulebook", "seals", "findings", "golden_rules"]
    assert told["rulebook"] == "hmg-2024"
    assert [(each["number"], each["verdict"]) for each in told["golden_rules"]] == [(n, "pass") for n in range(1, 8)]
    assert [check["id"] for check in told["golden_rules"][5]["checks"]] == [f"GR6{letter}" for letter in "abcdefgh"]


def test_a_share_that_would_be_stopped_ends_with_5_and_every_finding(console, school):
    changes = {"threshold": None, "informing": {"status": "deferred"}, "isa_absence_reason": None}
    files = console.files("safeguarding-referral", **changes)
    code, told = console.json(*school, "check", *files, "--to", "E10999001")
    assert (code, told["seals"]) == (5, False)
    assert (told["error"]["code"], told["error"]["rule"]) == ("gate-not-met", "R1")  # as seal would say
    assert [(each["rule"], each["severity"], each["field"]) for each in told["findings"]] == [
        ("R1", "gate", "threshold"),
        ("R4", "gate", "informing.review_on"),
        ("R4", "gate", "informing.reason_not"),
        ("F6", "needs-reason", "isa_ref"),
    ]
    gaps = {each["id"]: each["evidence"] for each in told["golden_rules"] if each["verdict"] == "gap"}
    assert gaps == {"GR2": "informing.review_on", "GR4": "threshold", "GR7": "isa_ref"}


def test_what_is_not_even_assessed_is_told_like_every_error(console, school):
    code, told = console.json(*school, "check", *console.files("safeguarding-referral", informing=None))
    assert (code, told["seals"], told["findings"]) == (5, False, [])
    assert told["error"]["code"] == "field-missing"
    assert "informing" in told["error"]["message"]
    assert told["golden_rules"][1]["verdict"] == "gap"


def test_a_recipient_outside_the_profile_is_refused(console, school, world):
    code, told = console.json(*school, "check", *console.files("cp-is-flag"), "--to", "E10999001")
    assert (code, told["error"]["code"]) == (5, "field-invalid")  # it is sealed on another day
    world.at(FLAG)
    code, told = console.json(*school, "check", *console.files("cp-is-flag"), "--to", "E10999001")
    assert (code, told["error"]["code"]) == (5, "not-need-to-know")


def test_a_myth_is_answered_with_its_rule(console, school):
    code, told = console.json(
        *school, "check", *console.files("safeguarding-referral", override={"reason_code": "gdpr-says-no"})
    )
    assert (code, told["error"]["code"], told["error"]["rule"]) == (5, "gate-not-met", "GR1")


def test_nothing_is_sealed_and_nothing_is_recorded(console, school, world):
    before = world.events("URN-999001")
    console.run(*school, "check", *console.files("safeguarding-referral", threshold=None), "--to", "E10999001")
    console.run(*school, "check", *console.files("safeguarding-referral"), "--to", "E10999001")
    assert world.events("URN-999001") == before
    assert not os.listdir(world.larkmoor.home / "outbox")


def test_a_locked_home_can_check(console, world):
    locked = world.agency("URN-999001", passphrase="correct horse battery")
    world.at(REFERRAL)
    code, told = console.json("--home", str(locked.home), "check", *console.files("safeguarding-referral"))
    assert (code, told["seals"]) == (0, True)


def test_an_unconfirmed_recipient_is_noticed(console, world):
    home = str(world.larkmoor.home)
    assert world.fernshire.org_id == "E10999001"  # pinned, and nobody has compared the fingerprint
    world.at(REFERRAL)
    code, told = console.json("--home", home, "check", *console.files("safeguarding-referral"), "--to", "E10999001")
    assert (code, [each["rule"] for each in told["findings"]]) == (0, ["R16"])


def test_an_unknown_recipient_is_an_unknown_sender_of_cards(console, school):
    code, told = console.json(*school, "check", *console.files("safeguarding-referral"), "--to", "ZZQ09")
    assert (code, told["error"]["code"]) == (3, "unknown-sender")


def test_without_a_home_terms_and_data_are_checked_by_themselves(console, monkeypatch):
    monkeypatch.setenv("SHAREKIT_NOW", REFERRAL)
    code, told = console.json("check", *console.files("safeguarding-referral"))
    assert (code, told["seals"], told["findings"]) == (0, True, [])


def test_without_a_home_there_are_no_recipients(console, monkeypatch):
    monkeypatch.setenv("SHAREKIT_NOW", REFERRAL)
    code, told = console.json("check", *console.files("safeguarding-referral"), "--to", "E10999001")
    assert (code, told["error"]["code"]) == (2, "usage")


def test_data_that_is_not_json_is_malformed(console, tmp_path):
    (tmp_path / "data.json").write_text("Wren XXTEST-Ashby")
    terms = str(EXAMPLES / "cp-is-flag.terms.json")
    code, told = console.json("check", str(tmp_path / "data.json"), "--terms", terms)
    assert (code, told["error"]["code"]) == (3, "malformed")


def test_the_words_of_2018_are_printed_with_the_rulebook_of_2018(console, school):
    files = console.files("safeguarding-referral")
    code, out = console.run(*school, "check", *files, "--to", "E10999001", "--rules", "hmg-2018")
    assert code == 0
    assert "2. pass: Be open and honest with the individual (and/or their family where appropriate)" in out
    assert "Keep a record of your decision and the reasons for it" in out
    assert "(informing.status)" in out
    assert out.rstrip().endswith("it would be sealed")


def test_an_unknown_rulebook_is_an_unknown_code(console, school):
    code, told = console.json(*school, "check", *console.files("safeguarding-referral"), "--rules", "hmg-1998")
    assert (code, told["error"]["code"]) == (5, "unknown-code")


def test_a_finding_is_told_with_its_way_through_and_its_source(console, school):
    code, out = console.run(*school, "check", *console.files("safeguarding-referral", threshold=None))
    lines = out.splitlines()
    assert code == 5
    assert lines[0] == 'gate: R1: terms: "threshold" is missing, and this route rests on it'
    assert lines[1].startswith("    way through: record the facts of the harm")
    assert lines[2].startswith("    source: ")
    assert lines[-1] == "it would not be sealed"


def test_no_value_of_a_field_is_printed(console, school):
    files = console.files("safeguarding-referral", threshold=None, necessity="Safeguarding")
    _, out = console.run(*school, "check", *files, "--to", "E10999001")
    data, terms = example("safeguarding-referral")
    assert not [text for text in ("Wren", data["statements"][1]["text"], terms["harm_basis"]) if text in out]


# explain


def test_explain_tells_text_source_status_and_the_way_through(console):
    code, told = console.json("explain", "R3")
    assert code == 0
    assert list(told) == ["id", "title", "text", "source", "status", "severity", "way_through"]
    assert (told["id"], told["severity"]) == ("R3", "gate")


EXPLAINED = ["R1", "L6", "LG", "F9", "GR2", "GR6h", "R18.7", "R24"]


@pytest.mark.parametrize("rule", EXPLAINED)
def test_explain_knows_the_rules_of_every_kind(console, rule):
    code, out = console.run("explain", rule)
    assert code == 0
    assert out.startswith(f"{rule}: ")
    assert "\nsource: " in out
    assert "\nway through: " in out


def test_explain_refuses_a_rule_that_there_is_not(console):
    code, told = console.json("explain", "R99")
    assert (code, told["error"]["code"]) == (5, "unknown-code")


def test_explain_tells_a_golden_rule_in_the_words_of_its_edition(console):
    _, told = console.json("explain", "GR5", "--rules", "hmg-2018")
    assert told["text"].startswith("Consider safety and well-being")
