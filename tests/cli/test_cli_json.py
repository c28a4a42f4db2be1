"""`--json`: one object on standard output and nothing else there, with the names that scripts rely on."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from world.commands import in_a_process, sharekit
from world.desk import CHILD, OAK, OPEN, SEAL, TO_OPEN

NUMBER = CHILD["nhs_number"]
SEALED = ["packet", "size", "recipients", "kept", "left_out", "findings", "entry"]
VERIFIED = ["packet", "sender", "recipients", "issued", "expires", "addressed_to_me", "verdict"]
OPENED = ["packet", "purpose", "verdict", "rule", "fields", "withheld", "sender", "path"]
ENTRY = ["seq", "time", "event", "packet", "purpose", "outcome"]
CARD = ["org_id", "org_type", "name", "phone", "out_of_hours_phone", "fingerprint", "issued", "confirmed", "revoked"]

COMMANDS = {
    "init": (("init", "--home", "oak", *OAK, "--no-passphrase"), ["org_id", "home", "fingerprint", "demonstration"]),
    "card": (("card", "--home", "elm"), ["org_id", "fingerprint", "card"]),
    "card to a file": (("card", "--home", "elm", "-o", "x"), ["org_id", "fingerprint", "path"]),
    "trust add": (("trust", "add", "larch.card", "--home", "elm"), CARD),
    "trust list": (("trust", "list", "--home", "elm"), ["cards"]),
    "trust show": (("trust", "show", "E10999002", "--home", "elm"), ["cards"]),
    "trust revoke": (("trust", "revoke", "E10999002", "--reason", "XXTEST", "--home", "elm"), ["cards"]),
    "profiles": (("profiles",), ["profiles"]),
    "profiles show": (("profiles", "show", "cp-is-flag"), ["name", "version", "title", "fields", "senders"]),
    "vocab": (("vocab",), ["vocabularies"]),
    "vocab of a name": (("vocab", "purposes"), ["name", "terms"]),
    "vocab of a code": (("vocab", "art6", "art6-1-e"), ["code", "label", "definition", "source", "status"]),
    "seal": ((*SEAL, "x"), SEALED),
    "inspect": (("inspect", "flag.sharekit"), ["packet", "sender", "recipients", "issued", "expires", "encryption"]),
    "verify": (("verify", "flag.sharekit", "--home", "elm"), VERIFIED),
    "verify without a home": (("verify", "flag.sharekit", "--trust", "larch.card"), VERIFIED),
    "open": ((*OPEN, "x"), OPENED),
    "ledger log": (("ledger", "log", "--home", "elm"), ["entries"]),
    "ledger subject": (("ledger", "subject", "--id", f"nhs={NUMBER}", "--home", "elm"), ["entries", "caution"]),
    "ledger verify": (("ledger", "verify", "--home", "elm"), ["size", "verdict", "strays"]),
    "ledger checkpoint": (("ledger", "checkpoint", "--home", "elm"), ["origin", "size", "root", "note"]),
    "ledger checkpoint to a file": (("ledger", "checkpoint", "--home", "elm", "-o", "x"), ["origin", "size", "path"]),
    "ledger prove": (("ledger", "prove", "0", "--home", "elm", "-o", "x"), ["entry", "size", "path"]),
    "ledger export": (("ledger", "export", "--home", "elm", "-o", "x"), ["entries", "path"]),
    "doctor": (("doctor", "--home", "elm"), ["sharekit", "sqlite", "journal mode", "clock", "home", "ledger"]),
}


@pytest.mark.parametrize(("arguments", "names"), COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_command_prints_one_object_with_the_names_that_were_promised(arguments, names, before, desk):
    ran = sharekit("--json", *arguments) if before else sharekit(*arguments, "--json")
    assert ran.code == 0
    assert [name for name in names if name not in ran.json] == []
    assert NUMBER not in ran.said


def test_the_option_may_stand_between_a_group_and_its_command(desk):
    assert sharekit("ledger", "--json", "log", "--home", "elm").json["entries"][0]["event"] == "genesis"


FAILURES = {
    "a usage error": (("inspect",), 2, "usage"),
    "no command": ((), 2, "usage"),
    "a group without a command": (("ledger",), 2, "usage"),
    "an unknown option": (("seal", "--XXTEST"), 2, "usage"),
    "no home": (("card", "--home", "nowhere"), 2, "usage"),
    "a file that is not there": (("inspect", "nothing"), 2, "usage"),
    "a locked home": (("ledger", "subject", "--id", "local=1", "--home", "oak"), 2, "wrong-passphrase"),
    "no packet": (("verify", "flag.json", "--home", "elm"), 3, "malformed"),
    "a card nobody pinned": (("verify", "flag.sharekit", "--trust", "elm.card"), 3, "unknown-sender"),
    "a wrong fingerprint": (("trust", "add", "larch.card", "--fingerprint", "00", "--home", "elm"), 3, "not-trusted"),
    "a packet for others": ((*OPEN[:2], "--home", "larch", *OPEN[4:], "x"), 4, "not-for-you"),
    "a second identifier": ((*TO_OPEN, "-o", "x"), 5, "identity-mismatch"),
    "an unknown code": (("vocab", "purposes", "XXTEST"), 5, "unknown-code"),
    "a recipient that has no need": ((*SEAL, "x", "--to", "E10999002"), 5, "not-need-to-know"),
    "a folder that is not there": ((*OPEN, "nowhere/x"), 1, "output-unwritable"),
}


@pytest.mark.parametrize(("arguments", "code", "error"), FAILURES.values(), ids=FAILURES)
def test_an_error_is_one_object_too(arguments, code, error, desk):
    if "oak" in arguments:
        assert sharekit("init", "--home", "oak", *OAK, "--passphrase-file", "words").code == 0
    ran = sharekit("--json", *arguments)
    assert (ran.code, ran.err) == (code, "")
    assert list(ran.json) == ["error"]
    assert list(ran.json["error"]) == ["code", "message", "hint", "rule", "source"]
    assert ran.error == error
    assert ran.json["error"]["hint"]
    assert "XXTEST" not in ran.said
    assert sharekit(*arguments).code == code


def test_a_refused_purpose_tells_its_rule_and_its_source(desk):
    told = sharekit(*TO_OPEN[:4], "--purpose", "immigration.enforcement", "-o", "x", "--json").json["error"]
    assert (told["code"], told["rule"]) == ("purpose-prohibited", "R18.1")
    assert "Article 5" in told["source"]


def test_values_are_of_the_kinds_that_were_promised(desk):
    sealed, opened = sharekit(*SEAL, "x", "--json").json, sharekit(*OPEN, "y", "--json").json
    assert len(bytes.fromhex(sealed["packet"])) == len(bytes.fromhex(opened["packet"])) == 16
    assert (sealed["size"], sealed["recipients"], sealed["entry"]) == (os.path.getsize("x"), ["ZZQ77"], 3)
    assert all({"rule", "severity", "message", "source"} <= set(finding) for finding in sealed["findings"])
    assert (opened["sender"], opened["verdict"], opened["rule"], opened["path"]) == ("E10999002", "allow", "R18.4", "y")
    assert opened["fields"] == list(json.loads(Path("y").read_text()))
    verified = sharekit("verify", "flag.sharekit", "--home", "elm", "--json").json
    assert (verified["recipients"], verified["addressed_to_me"], verified["verdict"]) == (["ZZQ77"], True, "verified")
    assert sharekit("verify", "flag.sharekit", "--home", "larch", "--json").json["addressed_to_me"] is False
    assert sharekit("verify", "flag.sharekit", "--trust", "larch.card", "--json").json["addressed_to_me"] is None


def test_every_entry_of_the_log_has_its_six_names(desk):
    for arguments in (OPEN, (*TO_OPEN, "-o")):
        sharekit(*arguments, "x")
    assert sharekit("verify", "flag.json", "--home", "elm").code == 3
    entries = sharekit("ledger", "log", "--home", "elm", "--json").json["entries"]
    assert all(list(entry)[:6] == ENTRY for entry in entries)
    assert {"genesis", "trusted", "received", "decided", "opened", "refused"} <= {entry["event"] for entry in entries}
    assert [entry["seq"] for entry in entries] == list(range(len(entries)))
    assert entries[-1]["packet"] is None  # what was refused last was no packet
    assert all(entry["packet"] is None or len(entry["packet"]) == 32 for entry in entries)


def test_an_audit_with_findings_is_one_object_and_exits_6(desk):
    assert sharekit("ledger", "export", "--home", "elm", "-o", "e").code == 0
    assert sharekit("ledger", "checkpoint", "--home", "elm", "-o", "late.note").code == 0
    assert sharekit("verify", "flag.sharekit", "--home", "elm").code == 0
    assert sharekit("ledger", "checkpoint", "--home", "elm", "-o", "late.note").code == 0
    good = sharekit("audit", "verify", "e", "--trust", "elm.card", "--json")
    assert (good.code, good.json["verdict"], good.json["findings"]) == (0, "verified", [])
    bad = sharekit("audit", "verify", "e", "--trust", "elm.card", "--checkpoint", "late.note", "--json")
    assert (bad.code, bad.json["verdict"], bad.err) == (6, "findings", "")
    assert list(bad.json["findings"][0]) == ["kind", "entry", "expected", "found", "message"]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_json_is_json_whatever_letters_standard_output_can_show(encoding, desk):
    ran = in_a_process("--json", "trust", "list", "--home", "elm", PYTHONIOENCODING=encoding)
    names = [card["name"] for card in json.loads(ran.out.decode(encoding))["cards"]]
    assert "Elm Street H\u00f4pital" in names


def test_a_path_that_is_no_text_is_told_so_that_it_can_be_found(desk):
    for arguments in ((*SEAL, b"\xff\xfe"), (*OPEN, b"\xfe\xff")):
        ran = in_a_process("--json", *arguments, PYTHONIOENCODING="utf-8:strict")
        assert ran.code == 0
        assert os.path.isfile(os.fsencode(ran.json["path"]))
