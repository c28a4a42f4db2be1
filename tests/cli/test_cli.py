"""The command line as people and scripts rely on it: what each command promises, with data of its own."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import stat
import sys
from pathlib import Path

import pytest
from world.agencies import FLAG, INIT, example
from world.commands import at_a_terminal, every_command, in_a_process, sharekit
from world.desk import BORN, NUMBER, OAK, OPEN, PURPOSE, SEAL, TO_OPEN, events

from sharekit import Agency, parse
from sharekit.domain import profile


def mode_of(path: str | Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def fingerprint(home: str) -> str:
    return str(sharekit("card", "--home", home, "--json").json["fingerprint"])


# every command


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_the_help_of_every_command_has_an_example_and_the_common_options(path):
    ran = sharekit(*path, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "Example:\n      sharekit " in ran.text
    assert all(option in ran.text for option in ("--home", "--json", "--as", "--role", "--passphrase-file"))


def test_the_module_is_run_like_the_program(desk):
    for arguments in (("vocab", "outcomes", "done"), ("vocab", "nothing"), ()):
        module, program = (in_a_process(*arguments, shell=f'shift; {run} "$@"') for run in RUNS)
        assert module == program
        assert (module.code == 0) == bool(module.out)


RUNS = (f"{sys.executable} -m sharekit", "sharekit")
USAGE = {
    "no command": (),
    "a group without a command": ("trust",),
    "a command that there is not": ("Wren XXTEST-Ashby",),
    "a command of a group that there is not": ("trust", "XXTEST"),
    "an option that there is not": ("seal", "--XXTEST"),
    "an option with a value that it does not take": ("seal", "--minimise=XXTEST"),
    "an option without its value": ("seal", "--to"),
    "an argument too many": ("inspect", "flag.sharekit", "XXTEST"),
    "an argument missing": ("inspect",),
    "an option missing": ("seal", "flag.json", "--terms", "flag.terms.json", "--to", "ZZQ77"),
    "a number that is none": ("ledger", "log", "--limit", "XXTEST"),
    "a number below the least": ("ledger", "log", "--limit", "0"),
    "a name that is no text": (*SEAL, "x", "--as", "\udcff"),
    "a name of two lines": (*SEAL, "x", "--as", "Jo\nXXTEST"),
    "a role without end": (*SEAL, "x", "--role", "XXTEST" * 100),
    "a reason that is no text": ("trust", "revoke", "ZZQ77", "--reason", "\udcff", "--home", "larch"),
    "an output without a name": (*SEAL, ""),
    "a home without a name": ("trust", "list", "--home", ""),
    "no home there": ("trust", "list", "--home", "XXTEST"),
    "the home of nobody": ("trust", "list", "--home", "~XXTEST/home"),
    "a recipient named twice": (*SEAL, "x", "--to", "ZZQ77"),
    "a packet number that is none": ("ledger", "log", "--home", "elm", "--packet", "XXTEST"),
    "an entry that there is not": ("ledger", "prove", "99999999999999999999", "--home", "elm", "-o", "x"),
    "a scheme that there is not": ("ledger", "subject", "--id", "XXTEST=1", "--home", "elm"),
    "two inputs on standard input": ("seal", "-", "--terms", "-", "--to", "ZZQ77", "-o", "x"),
    "JSON and a packet on standard output": (*SEAL, "-", "--json"),
    "JSON and opened data on standard output": (*OPEN, "-", "--json"),
    "JSON and an export on standard output": ("ledger", "export", "--home", "elm", "-o", "-", "--json"),
    "a home already there": ("init", "--home", "elm", "--no-passphrase", *OAK),
    "a file where the home should be": ("init", "--home", "words", "--no-passphrase", *OAK),
    "a passphrase and none": ("init", "--home", "oak", "--no-passphrase", "--passphrase-file", "words", *OAK),
    "nothing to verify with": ("verify", "flag.sharekit"),
    "its own card revoked": ("trust", "revoke", "ZZQ77", "--reason", "XXTEST", "--home", "elm"),
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE)
def test_a_command_line_that_cannot_be_used_is_a_usage_error_that_quotes_nothing(arguments, desk):
    ran = sharekit(*arguments, stdin=b"{}")
    assert ran.code == 2
    if "--json" in arguments:
        assert (ran.error, ran.err) == ("usage", "")
    else:
        assert ran.out == b""
        assert ran.err.startswith(("error [usage]: ", "Usage: "))
    assert "XXTEST" not in ran.said
    assert not os.path.exists("x")
    assert not os.path.exists("oak")


# a home


def test_init_makes_a_private_home_and_says_its_fingerprint(desk):
    ran = sharekit("init", "--home", "oak", *OAK, "--no-passphrase", "--as", "Jo XXTEST-Head", "--role", "head")
    assert ran.code == 0
    assert ran.text.startswith("made the home of URN-999777\nfingerprint of its card: ")
    assert "no passphrase" in ran.err
    assert "demonstration" in ran.err
    groups = ran.text.split("card: ")[1].split()
    assert (len(groups), {len(group) for group in groups}) == (16, {4})
    assert "".join(groups) == fingerprint("oak")
    assert {mode_of(path) for path in Path("oak").rglob("*") if path.is_file()} == {0o600}
    assert {mode_of(path) for path in (Path("oak"), *Path("oak").iterdir()) if path.is_dir()} == {0o700}
    with contextlib.closing(Agency.load("oak")) as agency:
        assert (agency.person, agency.role) == ("Jo XXTEST-Head", "head")
    with contextlib.closing(Agency.load("oak", person="Max XXTEST-Deputy")) as agency:
        assert (agency.person, agency.role) == ("Max XXTEST-Deputy", "head")


BAD_HOMES = {
    "an org id with a path": ("--org-id", "../XXTEST", 5, "field-invalid"),
    "an org id that hides": ("--org-id", ".XXTEST", 5, "field-invalid"),
    "an org id of 33 letters": ("--org-id", "X" * 33, 5, "field-invalid"),
    "no org id": ("--org-id", "", 5, "field-invalid"),
    "an org id of two lines": ("--org-id", "A\nB", 5, "field-invalid"),
    "a type that is on no list": ("--org-type", "XXTEST", 5, "unknown-code"),
    "a name of two lines": ("--name", "Oak\nXXTEST", 5, "field-invalid"),
    "no name": ("--name", " ", 5, "field-invalid"),
    "a telephone number that is none": ("--phone", "XXTEST", 5, "field-invalid"),
    "a telephone at night that is none": ("--out-of-hours-phone", "XXTEST", 5, "field-invalid"),
    "a home under a file": ("--home", "words/oak", 1, "output-unwritable"),
    "a home with a name that is too long": ("--home", "x" * 300, 1, "output-unwritable"),
    "no passphrase where nobody can be asked": ("--passphrase-file", "/dev/null", 2, "wrong-passphrase"),
}


@pytest.mark.parametrize(("option", "value", "code", "error"), BAD_HOMES.values(), ids=BAD_HOMES)
def test_a_home_is_made_whole_or_not_at_all(option, value, code, error, desk):
    protection = () if option == "--passphrase-file" else ("--no-passphrase",)
    ran = sharekit("init", "--home", "oak", *OAK, *protection, option, value)
    assert (ran.code, ran.error, ran.out) == (code, error, b"")
    assert "hint: " in ran.err
    assert "XXTEST" not in ran.said
    assert not os.path.exists("oak")
    assert not [name for name in os.listdir() if name.startswith(".sharekit")]


def test_a_home_is_named_by_an_option_before_or_after_or_by_a_variable(desk, monkeypatch):
    named = [sharekit("--home", "elm", "card", "--json"), sharekit("card", "--home", "elm", "--json")]
    monkeypatch.setenv("SHAREKIT_HOME", "elm")
    named.append(sharekit("card", "--json"))
    assert [ran.json["org_id"] for ran in named] == ["ZZQ77"] * 3
    assert sharekit("card", "--home", "larch", "--json").json["org_id"] == "E10999002"
    monkeypatch.delenv("SHAREKIT_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(desk.folder / "data"))
    assert sharekit("card", "--json").error == "usage"
    os.rename("elm", desk.folder / "sharekit")
    (desk.folder / "data").mkdir()
    os.rename("sharekit", desk.folder / "data" / "sharekit")
    assert sharekit("card", "--json").json["org_id"] == "ZZQ77"


def test_a_passphrase_comes_from_a_file_a_variable_or_standard_input(desk, monkeypatch):
    look_up = ("ledger", "subject", "--id", "local=A1", "--home", "oak")
    assert sharekit("init", "--home", "oak", *OAK, "--passphrase-file", "words").code == 0
    assert sharekit(*look_up, "--passphrase-file", "words").code == 0
    assert sharekit(*look_up, "--passphrase-file", "-", stdin=b"correct horse\r\n").code == 0
    missing = sharekit(*look_up)
    assert (missing.code, missing.error) == (2, "wrong-passphrase")
    monkeypatch.setenv("SHAREKIT_PASSPHRASE_FILE", "words")
    assert sharekit(*look_up).code == 0
    Path("words").write_text("XXTEST\n")
    wrong = sharekit(*look_up)
    assert (wrong.code, wrong.error) == (2, "wrong-passphrase")
    assert "XXTEST" not in wrong.said
    for name, content in {"nothing": b"\n", "no text": b"\xff\xfe", "an endless file": b"x" * 5000}.items():
        Path("words").write_bytes(content)
        ran = sharekit(*look_up)
        assert (ran.code, ran.error) == (2, "wrong-passphrase"), name


def test_what_needs_no_key_needs_no_passphrase(desk):
    assert sharekit("init", "--home", "oak", *OAK, "--passphrase-file", "words").code == 0
    assert sharekit("card", "--home", "oak", "-o", "oak.card").code == 0
    assert sharekit("trust", "add", "larch.card", "--home", "oak").code == 0
    assert sharekit("verify", "flag.sharekit", "--home", "oak").code == 0
    assert sharekit("ledger", "verify", "--home", "oak").code == 0
    assert sharekit("doctor", "--home", "oak").code == 0
    assert "oak.card" in os.listdir()


def test_passphrases_and_personal_values_are_asked_for_at_a_terminal(desk):
    made = at_a_terminal(
        "init", "--home", "oak", *OAK, answers=["open sesame", "other words", "open sesame", "open sesame"]
    )
    assert made.code == 0
    assert "made the home of URN-999777" in made.text
    assert "sesame" not in made.text
    asked = at_a_terminal("ledger", "subject", "--id", "nhs", "--home", "oak", answers=[NUMBER, "open sesame"])
    assert asked.text.endswith("nothing is recorded. This is not evidence of no concern.\n")
    wrong = at_a_terminal("ledger", "subject", "--id", "local=1", "--home", "oak", answers=["XXTEST"])
    assert (wrong.code, "error [wrong-passphrase]" in wrong.text, "XXTEST" in wrong.text) == (2, True, False)
    opened = at_a_terminal(*TO_OPEN, "--confirm", "date_of_birth", "-o", "opened.json", answers=[BORN])
    assert opened.code == 0
    assert json.loads(Path("opened.json").read_text())["nhs_number"] == NUMBER
    assert NUMBER not in opened.text


def test_what_is_no_text_goes_to_no_terminal(desk):
    for arguments in (
        ("card", "--home", "elm"),
        (*SEAL, "-"),
        ("ledger", "prove", "0", "--home", "elm"),
        ("ledger", "export", "--home", "elm", "-o", "-"),
    ):
        ran = at_a_terminal(*arguments)
        assert (ran.code, ran.text.startswith("error [usage]: ")) == (2, True), arguments


def test_opened_data_goes_to_a_terminal_only_if_o_says_so(desk):
    for out in ("/dev/tty", "/dev/stdout"):
        ran = at_a_terminal(*OPEN, out)
        assert (ran.code, NUMBER in ran.text) == (1, False)
    assert NUMBER in at_a_terminal(*OPEN, "-").text


# cards and trust


def test_a_card_goes_to_a_file_or_to_standard_output(desk):
    written = sharekit("card", "--home", "elm", "-o", "written.card")
    assert (written.code, written.text.count(" "), mode_of("written.card")) == (0, 16, 0o600)
    piped, dashed = sharekit("card", "--home", "elm"), sharekit("card", "--home", "elm", "-o", "-")
    assert piped.out == dashed.out == Path("written.card").read_bytes() == Path("elm.card").read_bytes()
    assert sharekit("trust", "add", "-", "--home", "larch", stdin=piped.out).code == 0


def test_a_fingerprint_may_be_typed_as_it_is_heard(desk):
    heard = fingerprint("larch")
    groups = [heard[at : at + 4] for at in range(0, 64, 4)]
    for typed in (heard, " ".join(groups), " ".join(groups).upper(), "\n".join(groups), "\t".join(groups) + " "):
        ran = sharekit("trust", "add", "larch.card", "--home", "elm", "--fingerprint", typed, "--json")
        assert (ran.code, ran.json["confirmed"], ran.json["fingerprint"]) == (0, True, heard)


NOT_ITS_FINGERPRINT = {
    "nothing": lambda heard: "",
    "a digit too few": lambda heard: heard[:-1],
    "a digit too many": lambda heard: heard + "0",
    "another last digit": lambda heard: heard[:-1] + "0123456789abcdef"[int(heard[-1], 16) - 1],
    "no digits": lambda heard: "XXTEST",
    "digits of another alphabet": lambda heard: "\uff10" * 64,
}


@pytest.mark.parametrize("changed", NOT_ITS_FINGERPRINT.values(), ids=NOT_ITS_FINGERPRINT)
def test_a_fingerprint_that_does_not_match_pins_nothing(changed, desk):
    assert sharekit("init", "--home", "oak", *OAK, "--no-passphrase").code == 0
    typed = changed(fingerprint("larch"))
    ran = sharekit("trust", "add", "larch.card", "--home", "oak", "--fingerprint", typed)
    assert (ran.code, ran.error, ran.out) == (3, "not-trusted", b"")
    assert "telephone" in ran.err
    assert "XXTEST" not in ran.said
    assert sharekit("trust", "show", "E10999002", "--home", "oak").code == 3
    assert events("oak") == ["genesis"]


def test_cards_are_listed_shown_and_revoked(desk):
    unconfirmed = sharekit("trust", "show", "E10999002", "--home", "elm")
    assert "unconfirmed" in unconfirmed.text
    assert "telephone: 01632 960701" in unconfirmed.text
    assert sharekit("trust", "add", "larch.card", "--home", "elm", "--fingerprint", fingerprint("larch")).code == 0
    assert "unconfirmed" not in sharekit("trust", "list", "--home", "elm").text
    assert sharekit("trust", "revoke", "E10999002", "--reason", "key lost", "--home", "elm").code == 0
    assert f"revoked {FLAG}" in sharekit("trust", "list", "--home", "elm").text
    assert sharekit("verify", "flag.sharekit", "--home", "elm").error == "revoked"
    assert sharekit("trust", "revoke", "E10999002", "--reason", "again", "--home", "elm").error == "unknown-sender"
    again = sharekit("trust", "add", "larch.card", "--home", "elm", "--fingerprint", fingerprint("larch"))
    assert (again.code, again.error) == (3, "revoked")
    assert events("elm")[-2:] == ["revoked", "refused"]


def make_forger(home: str, org_id: str) -> str:
    """A home made by somebody else under an organisation's number; its card's file."""
    about = ("--org-id", org_id, "--org-type", "local-authority-csc", "--name", "Larchmoor", "--phone", "01632 960999")
    assert sharekit("init", "--home", home, *about, "--no-passphrase").code == 0
    assert sharekit("card", "--home", home, "-o", f"{home}.card").code == 0
    return f"{home}.card"


def test_nobody_takes_an_organisations_name_by_handing_over_a_card(desk):
    card = make_forger("forger", "E10999002")
    assert sharekit("trust", "add", "elm.card", "--home", "forger").code == 0
    forged = sharekit("seal", "flag.json", "--terms", "flag.terms.json", "--home", "forger", "--to", "ZZQ77", "-o", "f")
    assert forged.code == 0
    for fingerprints in ((), ("--fingerprint", fingerprint("larch"))):
        ran = sharekit("trust", "add", card, "--home", "elm", *fingerprints)
        assert (ran.code, ran.error) == (3, "not-trusted")
    assert sharekit("verify", "f", "--home", "elm").error == "unknown-sender"
    assert sharekit("verify", "f", "--home", "elm", "--trust", card).error == "not-trusted"
    assert sharekit("open", "f", *OPEN[2:], "opened.json").error == "unknown-sender"
    assert not os.path.exists("opened.json")


def test_a_revoked_organisation_is_given_new_keys_only_with_their_fingerprint(desk):
    card = make_forger("rekeyed", "E10999002")
    assert sharekit("trust", "revoke", "E10999002", "--reason", "key stolen", "--home", "elm").code == 0
    assert sharekit("trust", "add", card, "--home", "elm").error == "not-trusted"
    ran = sharekit("trust", "add", card, "--home", "elm", "--fingerprint", fingerprint("rekeyed"))
    assert (ran.code, ran.err) == (0, "")


def test_no_card_is_taken_for_the_agencys_own(desk):
    card = make_forger("double", "ZZQ77")
    for fingerprints in ((), ("--fingerprint", fingerprint("double"))):
        assert sharekit("trust", "add", card, "--home", "elm", *fingerprints).error == "not-trusted"


def test_the_doctor_finds_a_card_that_somebody_put_into_the_home(desk):
    checks = sharekit("doctor", "--home", "elm", "--json").json
    assert checks["cards that nobody accepted"] == {"found": "0", "why": "", "good": True}
    assert sharekit("init", "--home", "oak", *OAK, "--no-passphrase").code == 0
    assert sharekit("card", "--home", "oak", "-o", "oak.card").code == 0
    assert sharekit("trust", "add", "oak.card", "--home", "larch").code == 0
    for pin in Path("larch/trust").iterdir():
        Path("elm/trust", pin.name).write_bytes(pin.read_bytes())
    found = sharekit("doctor", "--home", "elm", "--json").json["cards that nobody accepted"]
    assert (found["found"], "URN-999777" in found["why"], found["good"]) == ("1", True, False)


# the clock


def test_a_live_home_refuses_the_clock_and_the_cards_of_a_demonstration(desk):
    desk.at(None)
    assert "demonstration" not in sharekit("init", "--home", "oak", *OAK, "--no-passphrase").err
    assert sharekit("trust", "add", "larch.card", "--home", "oak").error == "not-trusted"
    assert sharekit("verify", "flag.sharekit", "--home", "oak", "--trust", "larch.card").error == "not-trusted"
    desk.at(FLAG)
    for arguments in (
        ("card", "-o", "oak.card"),
        ("trust", "list"),
        ("trust", "add", "larch.card"),
        ("ledger", "log"),
        ("ledger", "verify"),
        ("verify", "flag.sharekit"),
        ("seal", "flag.json", "--terms", "flag.terms.json", "--to", "ZZQ77", "-o", "x"),
    ):
        ran = sharekit(*arguments, "--home", "oak")
        assert (ran.code, ran.error) == (2, "usage"), arguments
        assert "SHAREKIT_NOW" in ran.err
    assert sharekit("doctor", "--home", "oak", "--json").json["clock"]["good"] is False
    desk.at(None)
    assert sharekit("ledger", "log", "--home", "oak", "--json").json["entries"][0]["event"] == "genesis"


def test_without_a_home_the_clock_of_a_demonstration_counts_only_for_its_cards(desk):
    desk.at(None)
    assert sharekit("init", "--home", "oak", *OAK, "--no-passphrase").code == 0
    assert sharekit("card", "--home", "oak", "-o", "live.card").code == 0
    desk.at(FLAG)
    verified = sharekit("verify", "flag.sharekit", "--trust", "larch.card")
    assert (verified.code, "nothing is recorded" in verified.err) == (0, True)
    mixed = sharekit("verify", "flag.sharekit", "--trust", "larch.card", "--trust", "live.card")
    assert (mixed.code, mixed.error) == (2, "usage")
    desk.at("2028-01-01T00:00:00Z")
    assert sharekit("verify", "flag.sharekit", "--trust", "larch.card").error == "expired"
    desk.at(INIT)
    assert sharekit("verify", "flag.sharekit", "--trust", "larch.card").error == "not-yet-valid"


NO_CLOCK = {
    "a word": "XXTEST",
    "a day": "2026-11-27",
    "a time without a zone": "2026-11-27T09:05:00",
    "a zone that is none": "2026-11-27T09:05:00+25:00",
    "before all packets": "1969-12-31T23:59:59Z",
    "after all packets": "2500-01-01T00:00:00Z",
}


@pytest.mark.parametrize("moment", NO_CLOCK.values(), ids=NO_CLOCK)
def test_a_clock_that_is_no_time_is_a_usage_error(moment, desk):
    desk.at(moment)
    for arguments in (("ledger", "log", "--home", "elm"), ("init", "--home", "oak", *OAK, "--no-passphrase")):
        ran = sharekit(*arguments)
        assert (ran.code, ran.error, "XXTEST" in ran.said) == (2, "usage", False)
    assert not os.path.exists("oak")


# sealing


def test_seal_writes_a_private_packet_and_says_its_number(desk):
    Path("packet").write_text("an older one")
    ran = sharekit(*SEAL, "packet", "--force")
    number = parse(Path("packet").read_bytes()).id
    assert ran.text == f"sealed {number} for ZZQ77\nrecorded as entry 3\npacket: packet\n"
    assert mode_of("packet") == 0o600
    assert events("larch")[-1] == "sealed"


def test_a_packet_in_a_folder_is_named_by_its_number_and_any_other_as_it_was_asked(desk):
    os.mkdir("folder")
    sealed = sharekit(*SEAL, "folder", "--json").json
    assert sealed["path"] == f"folder/{sealed['packet']}.sharekit"
    assert sharekit(*SEAL, "folder/", "--json").code == 0
    named = sharekit(*SEAL, "folder/new.sharekit", "--json").json
    assert (named["path"], parse(Path("folder/new.sharekit").read_bytes()).id) == (
        "folder/new.sharekit",
        named["packet"],
    )
    assert len(os.listdir("folder")) == 3


def test_everything_can_be_piped(desk):
    data = Path("flag.json").read_bytes()
    sealed = sharekit("seal", "-", *SEAL[2:], "-", stdin=data)
    assert parse(sealed.out).id in sharekit("inspect", "-", stdin=sealed.out).text
    assert sharekit("verify", "-", "--home", "elm", stdin=sealed.out).code == 0
    opened = sharekit("open", "-", *OPEN[2:], "-", stdin=sealed.out)
    assert json.loads(opened.out)["nhs_number"] == NUMBER
    exported = sharekit("ledger", "export", "--home", "elm", "-o", "-")
    assert exported.out.startswith(b"SQLite format 3")
    assert sharekit("audit", "verify", "-", "--trust", "elm.card", stdin=exported.out).code == 0


def test_minimise_leaves_out_what_the_purpose_does_not_permit_and_lists_it(desk):
    urgent = json.loads(Path("flag.terms.json").read_text()) | {"purpose": "health.direct-care.urgent"}
    seal = ("seal", "flag.json", "--terms", desk.write("urgent.json", urgent), *SEAL[4:], "urgent.sharekit")
    refused = sharekit(*seal)
    assert (refused.code, refused.error) == (5, "field-not-allowed")
    assert '"upload_id"' in refused.err
    assert "--minimise" in refused.err
    assert not os.path.exists("urgent.sharekit")
    sealed = sharekit(*seal, "--minimise", "--json").json
    assert sealed["left_out"] == ["upload_id", "sequence_no"]
    assert not set(sealed["left_out"]) & set(sealed["kept"])
    assert "left out: upload_id, sequence_no" in sharekit(*seal, "--minimise", "--force").text
    opened = sharekit("open", "urgent.sharekit", *OPEN[2:4], "--purpose", "health.direct-care.urgent", *OPEN[6:], "o")
    assert opened.code == 0
    assert list(json.loads(Path("o").read_text())) == sealed["kept"]


ABOUT_A_SHARE = {
    "a field missing": (lambda data, terms: data.pop("plan_type"), "field-missing"),
    "a field nobody declared": (lambda data, terms: data.update(favourite="XXTEST"), "field-not-allowed"),
    "a check digit": (lambda data, terms: data.update(nhs_number="9991234005"), "field-invalid"),
    "a code on no list": (lambda data, terms: data.update(plan_type="XXTEST"), "unknown-code"),
    "a part of the terms missing": (lambda data, terms: terms.pop("urgency"), "field-missing"),
    "a part of the terms undeclared": (lambda data, terms: terms.update(favourite="XXTEST"), "field-not-allowed"),
    "a purpose on no list": (lambda data, terms: terms.update(purpose="XXTEST"), "unknown-code"),
    "a decision not to share": (lambda data, terms: terms["decision"].update(outcome="signpost-only"), "gate-not-met"),
}


@pytest.mark.parametrize(("change", "error"), ABOUT_A_SHARE.values(), ids=ABOUT_A_SHARE)
def test_what_must_not_be_shared_is_refused_by_its_code_and_recorded(change, error, desk):
    data, terms = (json.loads(Path(name).read_text()) for name in ("flag.json", "flag.terms.json"))
    change(data, terms)
    seal = ("seal", desk.write("d", data), "--terms", desk.write("t", terms), *SEAL[4:], "x")
    ran = sharekit(*seal)
    assert (ran.code, ran.error) == (5, error)
    assert "hint: " in ran.err
    assert ("rule: " in ran.err) == (error == "gate-not-met")
    assert "XXTEST" not in ran.said
    assert not os.path.exists("x")
    assert events("larch")[-1] == "refused"


# inspecting, verifying, opening


def test_inspect_needs_no_home_no_key_and_believes_nothing(desk):
    ran = sharekit("inspect", "flag.sharekit")
    assert ran.code == 0
    assert "sender: E10999002" in ran.text
    assert "HPKE-9-KE" in ran.text
    assert "nothing here has been verified" in ran.err


def test_verify_says_who_when_and_whether_it_is_for_this_agency(desk):
    mine, not_mine = (sharekit("verify", "flag.sharekit", "--home", home) for home in ("elm", "larch"))
    assert f"issued: {FLAG}\nexpires: 2027-11-27T09:05:00Z" in mine.text
    assert "for: ZZQ77 (this agency among them)" in mine.text
    assert "for: ZZQ77 (not this agency)" in not_mine.text
    assert events("elm")[2:4] == ["received", "verified"]


def test_open_writes_the_permitted_fields_alone_in_the_profiles_order(desk):
    Path("opened.json").write_text("an older one")
    os.chmod("opened.json", 0o644)
    ran = sharekit(*OPEN, "opened.json")
    assert ran.code == 0
    assert f"opened {parse(Path('flag.sharekit').read_bytes()).id} (allow, rule R18.4)" in ran.text
    assert "discuss before acting: Larchmoor Borough Council, 01632 960701" in ran.err
    assert NUMBER not in ran.said
    fields = json.loads(Path("opened.json").read_text())
    assert fields == json.loads(Path("flag.json").read_text())
    assert list(fields) == [name for name in profile.load("cp-is-flag").fields if name in fields]
    assert list(fields["responsible_la"]) == ["name", "code", "gss"]
    assert mode_of("opened.json") == 0o600
    assert not [name for name in os.listdir() if name.startswith(".sharekit")]


def test_lists_of_objects_come_out_in_the_profiles_order_too(desk):
    data, terms = example("safeguarding-referral")
    shuffled = {name: data[name] for name in sorted(data, reverse=True)}
    shuffled["statements"] = [dict(sorted(each.items(), reverse=True)) for each in data["statements"]]
    assert sharekit("init", "--home", "oak", *OAK, "--no-passphrase").code == 0
    assert sharekit("card", "--home", "oak", "-o", "oak.card").code == 0
    assert sharekit("trust", "add", "larch.card", "--home", "oak").code == 0
    assert sharekit("trust", "add", "oak.card", "--home", "larch").code == 0
    seal = ("seal", desk.write("d", shuffled), "--terms", desk.write("t", terms), "--home", "oak", "-o", "r.sharekit")
    assert sharekit(*seal, "--to", "E10999002").code == 0
    ran = sharekit("open", "r.sharekit", "--home", "larch", "--purpose", terms["purpose"], "-o", "-")
    fields = json.loads(ran.text)
    assert fields == data
    assert list(fields) == [name for name in profile.load("safeguarding-referral").fields if name in data]
    assert [list(each)[:3] for each in fields["statements"]] == [["kind", "text", "source"]] * 3
    assert list(fields["child"]) == list(data["child"])


def test_a_second_identifier_need_not_stand_on_the_command_line(desk):
    ran = sharekit(*TO_OPEN, "--confirm", "date_of_birth", "-o", "opened.json", stdin=f"{BORN}\r\n".encode())
    assert (ran.code, os.path.exists("opened.json")) == (0, True)


SECOND_IDENTIFIERS = {
    "absent": ((), b""),
    "different": (("--confirm", "date_of_birth=2015-05-06"), b""),
    "different, from standard input": (("--confirm", "date_of_birth"), b"2015-05-06\n"),
    "nothing on standard input": (("--confirm", "date_of_birth"), b""),
    "the value of another field": (("--confirm", f"nhs_number={NUMBER}"), b""),
}
UNREADABLE = {
    "an endless line": b"2" * 100_000,
    "two digits for the year": b"06/05/15\n",
    "the month first": b"05/26/2015\n",
    "a word": b"in May\n",
}


@pytest.mark.parametrize("stdin", UNREADABLE.values(), ids=UNREADABLE)
def test_a_second_identifier_that_cannot_be_read_is_no_mismatch(stdin, desk):
    ran = sharekit(*TO_OPEN, "--confirm", "date_of_birth", "-o", "opened.json", stdin=stdin)
    assert (ran.code, ran.error) == (5, "field-invalid")
    assert "2019-03-14" in ran.said
    assert not os.path.exists("opened.json")
    assert "identity-mismatch" not in sharekit("ledger", "log", "--home", "elm").said
    assert [each for each in Path("elm/outbox").iterdir() if "refused" in each.name] == []


@pytest.mark.parametrize(("confirm", "stdin"), SECOND_IDENTIFIERS.values(), ids=SECOND_IDENTIFIERS)
def test_without_the_right_second_identifier_nothing_is_written(confirm, stdin, desk):
    Path("opened.json").write_text("an older one")
    ran = sharekit(*TO_OPEN, *confirm, "-o", "opened.json", stdin=stdin)
    assert (ran.code, ran.error) == (5, "identity-mismatch")
    assert Path("opened.json").read_text() == "an older one"
    assert "2015-05-06" not in ran.said
    assert events("elm")[-1] != "opened"


REFUSED_USES = {
    "a prohibited purpose": ("immigration.enforcement", "purpose-prohibited"),
    "a purpose that nobody knows": ("XXTEST", "unknown-code"),
    "an incompatible purpose": ("education.support", "purpose-incompatible"),
    "a heading": ("safeguarding", "purpose-incompatible"),
}


@pytest.mark.parametrize(("purpose", "error"), REFUSED_USES.values(), ids=REFUSED_USES)
def test_a_refused_purpose_writes_nothing_and_is_recorded_as_no_more_than_its_code(purpose, error, desk):
    ran = sharekit(*TO_OPEN[:4], "--purpose", purpose, *OPEN[6:], "opened.json", "--json")
    assert (ran.code, ran.error, ran.err) == (5, error, "")
    assert ran.json["error"]["rule"].startswith("R18.")
    assert not os.path.exists("opened.json")
    assert "XXTEST" not in ran.said
    last = sharekit("ledger", "log", "--home", "elm", "--limit", "3", "--json").json["entries"]
    assert "refused" in [each["event"] for each in last]
    assert all(each["purpose"] in (None, purpose) for each in last)
    assert "XXTEST" not in json.dumps(last)


def test_a_packet_for_others_does_not_open(desk):
    assert sharekit("init", "--home", "oak", *OAK, "--no-passphrase").code == 0
    assert sharekit("trust", "add", "larch.card", "--home", "oak").code == 0
    ran = sharekit("open", "flag.sharekit", "--home", "oak", "--purpose", PURPOSE, "-o", "opened.json")
    assert (ran.code, ran.error) == (4, "not-for-you")


def test_a_packet_with_a_number_that_was_seen_with_other_bytes_is_replayed(desk, monkeypatch):
    from sharekit.packet import seal as sealing

    assert sharekit("verify", "flag.sharekit", "--home", "elm").code == 0
    number = bytes.fromhex(parse(Path("flag.sharekit").read_bytes()).id)
    monkeypatch.setattr(sealing.os, "urandom", lambda size: number[:size].ljust(size, b"\0"))
    assert sharekit(*SEAL, "replay").code == 0
    monkeypatch.undo()
    desk.monkeypatch.chdir(desk.folder)
    desk.at(FLAG)
    for arguments in (("verify", "replay", "--home", "elm"), ("open", "replay", *OPEN[2:], "opened.json")):
        assert (sharekit(*arguments).code, sharekit(*arguments).error) == (3, "replayed")
    assert sharekit(*OPEN, "opened.json").code == 0


# the ledger


def test_the_log_is_filtered_by_number_packet_and_event(desk):
    assert sharekit(*OPEN, "o").code == 0
    packet = parse(Path("flag.sharekit").read_bytes()).id

    def seqs(*arguments: str) -> list[int]:
        ran = sharekit("ledger", "log", "--home", "elm", "--json", *arguments)
        return [each["seq"] for each in ran.json["entries"]]

    everything = seqs()
    assert everything == list(range(len(everything)))
    assert seqs("--limit", "2") == everything[-2:]
    for limit in (2**31, 2**53):
        assert seqs("--limit", str(limit)) == everything
    assert seqs("--event", "opened") == [4]
    assert seqs("--packet", packet)[:3] == seqs("--packet", packet.upper())[:3] == [2, 3, 4]
    assert seqs("--packet", packet, "--limit", "1", "--event", "received") == [2]
    assert seqs("--packet", "0" * 32) == []
    ran = sharekit("ledger", "log", "--home", "elm", "--event", "XXTEST")
    assert (ran.code, ran.error, "XXTEST" in ran.said) == (5, "unknown-code", False)


def test_a_child_is_found_however_the_number_is_written(desk):
    assert sharekit(*OPEN, "o").code == 0
    for written in (NUMBER, "999 123 4004", "999-123-4004", f" {NUMBER} "):
        ran = sharekit("ledger", "subject", "--id", f"nhs={written}", "--home", "elm", "--json")
        assert [each["event"] for each in ran.json["entries"]] == ["opened"], written
        assert ran.json["caution"] is None
    asked = sharekit("ledger", "subject", "--id", "nhs", "--home", "elm", stdin=b"999 123 4004\n")
    assert "opened" in asked.text
    assert events("elm")[-5:] == ["consulted"] * 5


def test_a_child_of_whom_nothing_is_recorded_is_not_said_to_be_safe(desk):
    ran = sharekit("ledger", "subject", "--id", "nhs=9990001006", "--home", "elm")
    assert (ran.code, ran.text) == (0, "nothing is recorded. This is not evidence of no concern.\n")
    told = sharekit("ledger", "subject", "--id", "nhs=9990001006", "--home", "elm", "--json").json
    assert told == {"entries": [], "caution": "nothing is recorded. This is not evidence of no concern."}


@pytest.mark.parametrize("number", ["9991234005", "999123400", "", "Wren XXTEST-Ashby", "\udcff"])
def test_a_number_that_cannot_be_right_is_refused_and_not_looked_up(number, desk):
    ran = sharekit("ledger", "subject", "--id", f"nhs={number}", "--home", "elm")
    assert (ran.code, ran.error, ran.out) == (5, "field-invalid", b"")
    assert "XXTEST" not in ran.err
    assert "consulted" not in events("elm")


def test_a_look_up_shows_the_newest_25_and_goes_back_beyond_the_turn_of_the_year(desk):
    with contextlib.closing(Agency.load("elm")) as elm:
        for _ in range(28):
            elm.open(Path("flag.sharekit").read_bytes(), purpose=PURPOSE, confirm={"date_of_birth": BORN})
    desk.at("2027-01-02T09:00:00Z")
    assert sharekit(*OPEN, "o").code == 0
    look_up = ("ledger", "subject", "--id", f"nhs={NUMBER}", "--home", "elm", "--json")
    found = sharekit(*look_up).json["entries"]
    assert len(found) == 25
    assert [each["time"][:4] for each in found] == ["2027"] + ["2026"] * 24
    assert [each["seq"] for each in found[1:]] == sorted((each["seq"] for each in found[1:]), reverse=True)
    assert len(sharekit(*look_up, "--limit", "3").json["entries"]) == 3
    assert len(sharekit(*look_up, "--limit", "100").json["entries"]) == 29


def test_a_checkpoint_a_proof_and_an_export_hold_the_record_fast(desk):
    note = sharekit("ledger", "checkpoint", "--home", "elm")
    assert note.out == sharekit("ledger", "checkpoint", "--home", "elm", "-o", "-").out
    assert note.text.startswith("sharekit/ZZQ77/2026\n2\n")
    Path("early.note").write_bytes(note.out)
    assert sharekit(*OPEN, "o").code == 0
    assert sharekit("ledger", "prove", "2", "--home", "elm", "-o", "two.proof").code == 0
    assert sharekit("ledger", "prove", "2", "--home", "elm").out == Path("two.proof").read_bytes()
    assert sharekit("ledger", "export", "--home", "elm", "-o", "elm.export").code == 0
    assert {mode_of(name) for name in ("two.proof", "elm.export")} == {0o600}
    audit = ("audit", "verify", "elm.export", "--trust", "elm.card", "--checkpoint", "early.note", "--proof")
    ran = sharekit(*audit, "two.proof")
    assert (ran.code, "verified" in ran.text, ran.err) == (0, True, "")
    assert sharekit(*audit, "-", stdin=Path("two.proof").read_bytes()).code == 0


def test_an_audit_needs_a_trusted_card_and_an_export(desk):
    assert sharekit("ledger", "export", "--home", "elm", "-o", "elm.export").code == 0
    for trusted in ((), ("--trust", "larch.card")):
        ran = sharekit("audit", "verify", "elm.export", *trusted)
        assert (ran.code, ran.error) == (3, "not-trusted")
    for name in ("flag.sharekit", "flag.json", "/dev/null"):
        ran = sharekit("audit", "verify", name, "--trust", "elm.card")
        assert (ran.code, ran.error) == (3, "malformed")
    for name in ("nothing", "elm"):
        ran = sharekit("audit", "verify", name, "--trust", "elm.card")
        assert (ran.code, ran.error) == (2, "usage")


def test_an_audit_with_findings_prints_the_report_and_exits_6(desk):
    assert sharekit(*OPEN, "o").code == 0
    assert sharekit("ledger", "checkpoint", "--home", "elm", "-o", "late.note").code == 0
    assert sharekit("ledger", "export", "--home", "elm", "-o", "elm.export").code == 0
    edit("elm.export", "UPDATE entry SET bytes = (SELECT bytes FROM entry WHERE seq = 2) WHERE seq = 3")
    ran = sharekit("audit", "verify", "elm.export", "--trust", "elm.card")
    assert (ran.code, ran.err) == (6, "")
    assert ran.text.startswith("sharekit/ZZQ77/2026: ")
    told = sharekit("audit", "verify", "elm.export", "--trust", "elm.card", "--json")
    assert (told.code, told.json["verdict"]) == (6, "findings")
    assert all(finding["message"] for finding in told.json["findings"])


def test_an_audit_tells_a_ledger_cut_short_by_an_older_checkpoint(desk):
    assert sharekit("ledger", "export", "--home", "elm", "-o", "short.export").code == 0
    assert sharekit(*OPEN, "o").code == 0
    assert sharekit("ledger", "checkpoint", "--home", "elm", "-o", "late.note").code == 0
    audit = ("audit", "verify", "short.export", "--trust", "elm.card")
    assert sharekit(*audit).code == 0
    ran = sharekit(*audit, "--checkpoint", "late.note", "--json")
    assert (ran.code, [each["kind"] for each in ran.json["findings"]]) == (6, ["truncated"])


def edit(path: str | Path, *statements: str) -> None:
    """Change a ledger's file behind its back, and leave its triggers as they were."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)
        for _, sql in triggers:
            db.execute(sql)
        db.commit()


EDITS = {
    "an entry changed": ["UPDATE entry SET bytes = (SELECT bytes FROM entry WHERE seq = 0) WHERE seq = 1"],
    "an entry that is none": ["UPDATE entry SET bytes = x'00' WHERE seq = 1"],
    "an entry that is text": ["UPDATE entry SET bytes = 'XXTEST' WHERE seq = 1"],
    "an entry removed": ["DELETE FROM entry WHERE seq = 1"],
    "the last entry removed": ["DELETE FROM entry WHERE seq = {last}"],
    "the end cut off": ["DELETE FROM entry WHERE seq = {last}", "DELETE FROM note WHERE size = {size}"],
    "the last note removed": ["DELETE FROM note WHERE size = {size}"],
    "an earlier note removed": ["DELETE FROM note WHERE size = 2"],
    "a stored hash changed": ["UPDATE node SET hash = zeroblob(32) WHERE level = 0 AND idx = 1"],
    "a table more": ["CREATE TABLE hidden (a)"],
}


@pytest.mark.parametrize("statements", EDITS.values(), ids=EDITS)
def test_an_edited_ledger_does_not_verify_and_then_nothing_is_released(statements, desk):
    for home in ("larch", "elm"):
        assert sharekit("verify", "flag.sharekit", "--home", home).code == 0
    before = {home: events(home) for home in ("larch", "elm")}
    assert len(before["elm"]) > 3
    for home in ("larch", "elm"):
        last = len(before[home]) - 1
        edit(f"{home}/ledger/2026.db", *(each.format(last=last, size=last + 1) for each in statements))
        ran = sharekit("ledger", "verify", "--home", home)
        assert (ran.code, ran.error) == (6, "ledger-tampered")
    for arguments in ((*SEAL, "x"), (*OPEN, "x"), ("verify", "flag.sharekit", "--home", "elm")):
        ran = sharekit(*arguments)
        assert (ran.code, ran.error, ran.out) == (6, "ledger-tampered", b"")
        assert "call your auditor" in ran.err
    assert not os.path.exists("x")
    assert not list(Path("larch/outbox").iterdir())
    assert sharekit("doctor", "--home", "elm", "--json").json["ledger"]["good"] is False


def test_a_ledger_that_verifies_again_is_written_to_again(desk):
    kept = Path("larch/ledger/2026.db").read_bytes()
    edit("larch/ledger/2026.db", "DELETE FROM note WHERE size = 2")
    assert sharekit("ledger", "verify", "--home", "larch").code == 6
    Path("larch/ledger/2026.db").write_bytes(kept)
    assert sharekit(*SEAL, "x").error == "ledger-tampered"
    assert sharekit("ledger", "verify", "--home", "larch").code == 0
    assert sharekit(*SEAL, "x").code == 0


def test_a_changed_entry_is_noticed_without_verifying(desk):
    edit("larch/ledger/2026.db", EDITS["an entry changed"][0])
    ran = sharekit(*SEAL, "x")
    assert (ran.code, ran.error, os.path.exists("x")) == (6, "ledger-tampered", False)


def test_a_ledger_put_back_or_replaced_is_noticed(desk):
    kept = Path("elm/ledger/2026.db").read_bytes()
    assert sharekit("verify", "flag.sharekit", "--home", "elm").code == 0
    others = {"put back": kept, "another's": Path("larch/ledger/2026.db").read_bytes(), "empty": b"", "gone": None}
    for name, content in others.items():
        if content is None:
            os.remove("elm/ledger/2026.db")
        else:
            Path("elm/ledger/2026.db").write_bytes(content)
        ran = sharekit(*OPEN, "x")
        assert (ran.code, ran.error, os.path.exists("x")) == (6, "ledger-tampered", False), name


# what is left behind


def test_nothing_personal_stands_in_what_is_kept_or_handed_on(desk):
    assert sharekit(*OPEN, "opened.json", "--as", "Jo XXTEST-Reed", "--role", "sister", "--reason", "XXTEST").code == 0
    assert sharekit("ledger", "subject", "--id", f"nhs={NUMBER}", "--home", "elm").code == 0
    assert sharekit("ledger", "export", "--home", "elm", "-o", "elm.export").code == 0
    kept = [path for home in ("elm", "larch") for path in Path(home).rglob("*") if path.is_file()]
    kept += [Path("elm.export"), Path("flag.sharekit")]
    for seed in (NUMBER, BORN, "XXTEST", "lac", PURPOSE, "cp-is-flag"):
        found = [str(path) for path in kept if seed.encode() in path.read_bytes() or seed in path.name]
        assert not found, seed
    said = sharekit("ledger", "log", "--home", "elm").said
    assert not [seed for seed in (NUMBER, BORN, "XXTEST") if seed in said]


# profiles and vocabularies


def test_profiles_and_vocabularies_are_shown_without_a_home(desk):
    assert "cp-is-flag" in sharekit("profiles").text
    shown = sharekit("profiles", "show", "cp-is-flag").text
    assert "nhs_number (required)" in shown
    assert "shown for: " in shown
    assert f"{PURPOSE}  " in sharekit("vocab", "purposes").text
    assert "source: " in sharekit("vocab", "purposes", PURPOSE).text
    assert "org-types" in sharekit("vocab").text
    for arguments in (
        ("profiles", "show", "XXTEST"),
        ("profiles", "show", "../terms"),
        ("vocab", "XXTEST"),
        ("vocab", "../terms"),
        ("vocab", "purposes", "XXTEST"),
    ):
        ran = sharekit(*arguments)
        assert (ran.code, ran.error, "XXTEST" in ran.said) == (5, "unknown-code", False), arguments


def test_the_doctor_tells_of_this_machine_and_of_this_home(desk):
    checks = sharekit("doctor", "--home", "elm", "--json").json
    named = {"sqlite", "journal mode", "clock", "home", "demonstration", "ledger", "signing and opening keys"}
    assert named <= set(checks)
    assert all(set(check) == {"found", "why", "good"} for check in checks.values())
    assert checks["journal mode"]["why"]
    assert checks["signing and opening keys"]["found"] == "not protected"
    assert checks["clock"]["found"] == "overridden by SHAREKIT_NOW"
    assert "make one with: sharekit init" in sharekit("doctor").text


def test_the_command_is_installed_under_its_name(desk):
    ran = in_a_process("--version")
    assert (ran.code, ran.text.split()[0]) == (0, "sharekit,")
