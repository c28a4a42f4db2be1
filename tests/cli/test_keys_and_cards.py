"""`keys`, `card renew`, `trust revoke`: what is typed, what is asked, and what is refused before anything is done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from world.commands import at_a_terminal, sharekit

OAK = ("--org-id", "URN-999777", "--org-type", "school", "--name", "Oak School", "--phone", "01632 960777")
LOOK_UP = ("ledger", "subject", "--id", "local=1", "--home", "oak", "--passphrase-file")


@pytest.fixture
def oak(desk) -> Path:
    for name, words in {
        "old": "correct horse",
        "same": "correct horse",
        "new": "another kettle",
        "short": "kettle",
    }.items():
        Path(name).write_text(f"{words}\n")
        Path(name).chmod(0o600)
    assert sharekit("init", "--home", "oak", *OAK, "--passphrase-file", "old").code == 0
    return Path("oak")


def fingerprint(card: str, home: str) -> str:
    found: str = sharekit("card", "-o", card, "--home", home, "--json").json["fingerprint"]
    return found


# --- passphrases ---


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o602, 0o666, 0o660, 0o610, 0o777])
def test_a_passphrase_file_that_others_can_read_or_write_is_refused(mode, oak):
    Path("old").chmod(mode)
    for command in (LOOK_UP, ("init", "--home", "ash", *OAK, "--passphrase-file")):
        refused = sharekit(*command, "old")
        assert (refused.code, refused.error, "chmod 600" in refused.err) == (2, "usage", True)
    assert not os.path.exists("ash")
    named = sharekit("keys", "passphrase", "--home", "oak", "--passphrase-file", "same", "--new-passphrase-file", "old")
    assert (named.code, named.error) == (2, "usage")


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_passphrase_file_of_ones_own_is_read(mode, oak):
    Path("old").chmod(mode)
    assert sharekit(*LOOK_UP, "old").code == 0


def test_a_passphrase_is_changed_with_files_and_at_the_terminal(oak):
    change = ("keys", "passphrase", "--home", "oak")
    assert sharekit(*change, "--passphrase-file", "old", "--new-passphrase-file", "short").error == "usage"
    assert sharekit(*change, "--passphrase-file", "new", "--new-passphrase-file", "new").error == "wrong-passphrase"
    assert sharekit(*change, "--passphrase-file", "old").error == "wrong-passphrase"
    assert sharekit(*change, "--passphrase-file", "old", "--new-passphrase-file", "new").code == 0
    assert sharekit(*LOOK_UP, "old").error == "wrong-passphrase"
    asked = at_a_terminal(*change, answers=["another kettle", "correct horse", "correct horse"])
    assert (asked.code, "horse" in asked.text) == (0, False)
    assert sharekit(*LOOK_UP, "old").code == 0
    assert sharekit(*change, "--passphrase-file", "old", "--no-passphrase", "--json").json == {"protected": False}
    assert sharekit("ledger", "subject", "--id", "local=1", "--home", "oak").code == 0
    log = sharekit("ledger", "log", "--home", "oak", "--event", "keys-changed", "--json").json
    assert len(log["entries"]) == 3


def test_a_lost_passphrase_is_replaced(oak):
    made = sharekit("keys", "recovery", "--home", "oak", "--passphrase-file", "old", "-o", "copy", "--json").json
    assert Path("copy").stat().st_mode & 0o777 == 0o600
    restore = ("keys", "recovery", "--restore", "copy", "--home", "oak", "--new-passphrase-file", "new")
    slip = sharekit(*restore, stdin=b"AAAAA BBBBB\n")
    assert (slip.code, slip.error) == (2, "usage")
    assert sharekit(*restore, stdin=made["secret"].lower().encode() + b"\n").code == 0
    assert sharekit(*LOOK_UP, "new").code == 0
    assert sharekit(*LOOK_UP, "old").error == "wrong-passphrase"
    for wrong in ((), ("-o", "x", "--restore", "copy"), ("--to", "ZZQ77"), ("--reveal", "copy", "--to", "ZZQ77")):
        assert sharekit("keys", "recovery", "--home", "oak", *wrong).error == "usage"


def test_a_copy_never_takes_the_place_of_one_whose_secret_is_on_paper(oak):
    make = ("keys", "recovery", "--home", "oak", "--passphrase-file", "old", "-o", "copy", "--json")
    made = sharekit(*make).json
    again = sharekit(*make)
    assert (again.code, again.error, made["secret"] in again.text) == (1, "output-unwritable", False)
    restore = ("keys", "recovery", "--restore", "copy", "--home", "oak", "--new-passphrase-file", "new")
    assert sharekit(*restore, stdin=made["secret"].encode()).code == 0
    log = sharekit("ledger", "log", "--home", "oak", "--event", "keys-changed", "--json").json
    assert len(log["entries"]) == 2


def test_a_partner_tells_the_secret_of_a_copy_that_was_made_for_it(oak):
    digits = fingerprint("elm2.card", "elm")
    assert sharekit("trust", "add", "elm2.card", "--home", "larch", "--fingerprint", digits).code == 0
    made = sharekit("keys", "recovery", "-o", "copy", "--to", "ZZQ77", "--home", "larch", "--json").json
    assert made["secret"] is None
    told = sharekit("keys", "recovery", "--reveal", "copy", "--home", "elm", "--json").json
    restore = ("keys", "recovery", "--restore", "copy", "--home", "larch", "--no-passphrase")
    assert sharekit(*restore, stdin=told["secret"].encode()).code == 0
    assert sharekit("keys", "recovery", "--reveal", "copy", "--home", "larch").error == "not-for-you"
    assert sharekit("keys", "recovery", "--reveal", "flag.json", "--home", "elm").error == "malformed"


# --- revoking one of several keys ---


@pytest.fixture
def two_keys(desk) -> list[str]:
    """Larch has pinned two keys of Elm's organisation; their fingerprints, the newer one last."""
    about = ("--org-type", "nhs-acute", "--name", "Elm Hospital", "--phone", "01632 960301", "--no-passphrase")
    assert sharekit("init", "--home", "elm2", "--org-id", "ZZQ77", *about).code == 0
    both = [fingerprint("elm.card", "elm"), fingerprint("elm2.card", "elm2")]
    assert sharekit("trust", "add", "elm2.card", "--home", "larch", "--fingerprint", both[1]).code == 0
    return both


REVOKE = ("trust", "revoke", "ZZQ77", "--home", "larch", "--reason")


def test_of_several_keys_none_is_revoked_before_it_is_said_which(two_keys):
    asked = sharekit(*REVOKE, "stolen")
    assert (asked.code, asked.error) == (2, "usage")
    assert all(digits in asked.err.replace(" ", "") for digits in two_keys)
    revoked = sharekit(*REVOKE, "stolen", "--fingerprint", f"fingerprint: {two_keys[0].upper()}", "--json").json
    assert [card["fingerprint"] for card in revoked["cards"]] == [two_keys[0]]
    again = sharekit(*REVOKE, "stolen", "--fingerprint", two_keys[0])
    assert (again.code, again.error, "revoked already" in again.err) == (3, "unknown-sender", True)
    listed = sharekit("trust", "list", "--home", "larch", "--json").json["cards"]
    found = {card["fingerprint"]: card["revoked"] is not None for card in listed if card["org_id"] == "ZZQ77"}
    assert found == {two_keys[0]: True, two_keys[1]: False}
    plain = sharekit("trust", "list", "--home", "larch").text.replace(" ", "")
    assert all(digits in plain for digits in two_keys)


def test_all_of_them_are_revoked_and_one_is_reinstated(two_keys):
    assert len(sharekit(*REVOKE, "closed", "--all", "--json").json["cards"]) == 2
    undone = sharekit(*REVOKE, "open again", "--undo", "--fingerprint", two_keys[1], "--json").json["cards"]
    assert [(card["fingerprint"], card["revoked"], card["reason"]) for card in undone] == [
        (two_keys[1], None, "open again")
    ]
    assert sharekit("ledger", "log", "--home", "larch", "--event", "reinstated", "--json").json["entries"]


CHOICES = {
    "undo without a fingerprint": ("found", "--undo"),
    "all and one": ("stolen", "--all", "--fingerprint", "0" * 64),
    "all and undo": ("stolen", "--all", "--undo"),
    "a reason of blanks": ("   ",),
    "a reason of a dot": (".", "--all"),
    "to reinstate what is not revoked": ("found", "--undo", "--fingerprint"),
}


@pytest.mark.parametrize("options", CHOICES.values(), ids=CHOICES)
def test_revoking_is_refused_with(options, two_keys):
    given = (*options, two_keys[0]) if options[-1] == "--fingerprint" else options
    refused = sharekit(*REVOKE, *given)
    assert (refused.code, refused.error) == (2, "usage")
    listed = sharekit("trust", "list", "--home", "larch", "--json").json["cards"]
    assert not [card for card in listed if card["revoked"]]


# --- a new card ---


def test_a_card_is_renewed_and_the_old_command_writes_the_new_one(desk):
    renewed = sharekit("card", "renew", "--phone", "01632 960355", "--home", "elm", "--json").json
    assert (renewed["phone"], renewed["fingerprint"]) == ("01632 960355", fingerprint("new.card", "elm"))
    assert sharekit("card", "-o", "x", "renew", "--home", "elm").error == "usage"
    assert sharekit("card", "renew", "--phone", "switchboard", "--home", "elm").error == "field-invalid"
    refused = sharekit("trust", "add", "new.card", "--home", "larch")
    assert refused.error == "not-trusted"
    added = sharekit(
        "trust", "add", "new.card", "--home", "larch", "--fingerprint", renewed["fingerprint"], "--json"
    ).json
    assert (added["phone"], len(added["earlier"])) == ("01632 960355", 1)


# --- what stands in the folder and not on the record ---


@pytest.mark.parametrize("command", ["doctor", "ledger verify"])
def test_strays_in_the_trust_folder_are_told_of_and_stop_nothing(command, desk):
    Path("elm/trust/x (1).pin").write_bytes(b"")
    told = sharekit(*command.split(), "--home", "elm")
    assert "x (1).pin" in told.said
    assert sharekit("trust", "list", "--home", "elm").code == 0
