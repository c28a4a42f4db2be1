"""What an earlier build left behind is opened, verified, audited and listed as that build did, and goes on.

tests/before/README.md says what is there, and with which release it was made. Every test works in a copy.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tarfile
from pathlib import Path
from typing import Any

import pytest
from world.commands import sharekit
from world.console import REPOSITORY

from sharekit import Agency, Trust, audit

BEFORE = REPOSITORY / "tests" / "before"
SAID = json.loads((BEFORE / "said.json").read_text())
ANSWERS = {
    f"{kind}: {' '.join(answer['command'])}": answer
    for kind, answers in SAID.items()
    if isinstance(answers, list)
    for answer in answers
}
RANDOM = {"receipt", "path"}  # names of files that are made anew
LATER = "2026-11-28T17:00:00Z"
WORDS = (BEFORE / "passphrase").read_text().strip()
BEFORE_SIZES = {  # the number of entries in the ledger of each home
    answer["command"][-1]: answer["said"]["size"]
    for answer in SAID["home"]
    if answer["command"][:2] == ["ledger", "verify"]
}
FLAG, BORN = "packets/cp-is-flag.sharekit", "date_of_birth=2019-03-14"
UNLOCKED = ("--home", "fernshire", "--passphrase-file", "passphrase")


@pytest.fixture
def before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of all that the build before left, as the current folder, on the day it was asked about it."""
    folder = tmp_path / "before"
    shutil.copytree(BEFORE, folder)
    (folder / "passphrase").chmod(0o600)  # a passphrase that others can read is refused
    with tarfile.open(folder / "homes.tar.xz") as archive:
        archive.extractall(folder, filter="tar")  # which keeps it to the owner who may read a key
    monkeypatch.chdir(folder)
    for name in ("SHAREKIT_HOME", "SHAREKIT_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SHAREKIT_NOW", SAID["asked_at"])
    return folder


@pytest.fixture
def later(before: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, an hour later."""
    monkeypatch.setenv("SHAREKIT_NOW", LATER)
    return before


def still(now: Any, then: Any, place: str = "") -> None:
    """Return only if everything that was said then is said now; more may be said."""
    if isinstance(then, dict):
        assert isinstance(now, dict), place
        for name, value in then.items():
            assert name in now, f"{place}.{name}"
            if name not in RANDOM:
                still(now[name], value, f"{place}.{name}")
    elif isinstance(then, list):
        assert isinstance(now, list), place
        assert len(now) == len(then), place
        for number, (one, other) in enumerate(zip(now, then, strict=True)):
            still(one, other, f"{place}.{number}")
    else:
        assert now == then, place


def run(*command: str) -> dict[str, Any]:
    """What a command that succeeds says."""
    ran = sharekit(*command, "--json")
    assert ran.code == 0, ran.said
    return ran.json


# --- as it was ---


@pytest.mark.parametrize("asked", ANSWERS)
def test_a_command_answers_as_the_build_before_did(before, asked):
    answer = ANSWERS[asked]
    command = answer["command"]
    still(run(*command, *(UNLOCKED[2:] if command[0] == "retention" else ())), answer["said"])  # a day is sealed since
    if "opened" in answer:
        assert json.loads((before / "opened.json").read_text()) == answer["opened"]


def test_what_was_said_is_compared_whole():
    then = {"entries": [{"seq": 0}, {"seq": 1}], "receipt": "a"}
    still({"entries": [{"seq": 0, "new": 1}, {"seq": 1}], "receipt": "b"}, then)
    changes = {
        "another value": {"entries": [{"seq": 0}, {"seq": 2}], "receipt": "a"},
        "an entry less": {"entries": [{"seq": 0}], "receipt": "a"},
        "a name less": {"entries": [{"seq": 0}, {}], "receipt": "a"},
        "no receipt": {"entries": [{"seq": 0}, {"seq": 1}]},
    }
    for now in changes.values():
        with pytest.raises(AssertionError):
            still(now, then)


def test_every_profile_was_sealed_minimised_ones_and_both_kinds_of_encryption_among_them():
    packets = {path.name.split(".")[0] for path in (BEFORE / "packets").iterdir()}
    profiles = {path.stem.removesuffix(".terms") for path in (REPOSITORY / "docs" / "examples").glob("*.terms.json")}
    assert packets == profiles | {"receipt", "checkpoint"}
    assert len([name for name in ANSWERS if name.startswith("open: ") and "minimised" in name]) == 2
    kinds = {
        json.dumps(answer["said"]).partition("HPKE-")[2][0] for name, answer in ANSWERS.items() if "inspect" in name
    }
    assert kinds == {"4", "9"}


def test_a_key_file_is_still_its_owners_alone(before):
    assert {path.stat().st_mode & 0o077 for path in before.glob("*/keys/*.key")} == {0}


def test_the_passphrase_is_asked_for_and_a_wrong_one_opens_nothing(before):
    (before / "wrong").write_text("other words\n")
    (before / "wrong").chmod(0o600)
    refused = sharekit("overdue", "--words", "--home", "fernshire", "--passphrase-file", "wrong")
    assert refused.error == "wrong-passphrase"
    assert sharekit("overdue", "--words", "--home", "fernshire").error == "wrong-passphrase"


def test_an_auditor_finds_an_entry_that_was_changed_since(before):
    cards = Trust([path.read_bytes() for path in sorted((before / "cards").iterdir())])
    export = before / "fernshire.export"
    assert audit.audit(export, cards).findings == ()
    with contextlib.closing(sqlite3.connect(export)) as db:
        db.execute("DROP TRIGGER entry_stays")
        db.execute("UPDATE entry SET bytes = (SELECT bytes FROM entry WHERE seq = 3) WHERE seq = 2")
        db.commit()
    found = audit.audit(export, cards).findings
    assert any(each.entry == 2 for each in found)


# --- and goes on ---


def test_every_ledger_goes_on_from_where_it_ended(later):
    for home, count in BEFORE_SIZES.items():
        words = WORDS if home == "fernshire" else None
        with contextlib.closing(Agency.load(home, words)) as agency:
            root = agency.ledger.root()
            agency.trust.revoke("P97" if home != "harrowmere" else "ZZQ01", reason="The card was lost")
            assert agency.ledger.size > count
            assert agency.ledger.root() != root
            agency.ledger.verify()


def test_a_share_goes_out_is_opened_and_its_receipt_comes_back(later):
    terms = REPOSITORY / "docs" / "examples" / "cp-is-flag.terms.json"
    sealing = ("seal", str(terms).replace(".terms", ""), "--terms", str(terms), "--to", "ZZQ01", "-o", "new.sharekit")
    assert run(*sealing, *UNLOCKED)["entry"] >= BEFORE_SIZES["fernshire"]
    opening = ("--purpose", "safeguarding.status-flag", "--confirm", "date_of_birth=2019-03-14", "-o", "opened.json")
    opened = run("open", "new.sharekit", *opening, "--home", "quillbrook")
    assert opened["verdict"] == "allow"
    run("receive", opened["receipt"], *UNLOCKED)
    assert [each["event"] for each in run("receipts", "new.sharekit", *UNLOCKED)["receipts"]] == ["opened"]
    assert_what_outsiders_hold_still_fits()


def assert_what_outsiders_hold_still_fits() -> None:
    """A new export bears out every checkpoint, proof and receipt that was handed out before."""
    run("ledger", "export", "-o", "new.export", *UNLOCKED)
    held = ("--checkpoint", "fernshire.note", "--checkpoint", "seen.note", "--proof", "fernshire.proof")
    cards = [word for path in sorted(Path("cards").iterdir()) for word in ("--trust", str(path))]
    found = run("audit", "verify", "new.export", *held, "--receipts", "fernshire.receipts", *cards)
    assert found["size"] > BEFORE_SIZES["fernshire"]
    assert found["findings"] == []
    assert {each["org_id"] for each in found["attested"]} == {"AUD1", "ZZQ01"}


def test_a_checkpoint_is_cosigned_by_the_partner_who_cosigned_an_earlier_one(later):
    run("ledger", "checkpoint", "--to", "ZZQ01", "-o", "new.sharekit", *UNLOCKED)
    answer = run("receive", "new.sharekit", "--home", "quillbrook")["receipt"]
    assert run("receive", answer, *UNLOCKED)["cosigned"]


def test_a_packet_that_was_opened_before_opens_again_and_a_changed_copy_does_not(later):
    opening = ("--purpose", "safeguarding.status-flag", "--confirm", BORN, "--home", "quillbrook", "-o", "again.json")
    assert run("open", FLAG, *opening)["verdict"] == "allow"
    packet = bytearray((later / FLAG).read_bytes())
    packet[900] ^= 1
    (later / "changed.sharekit").write_bytes(packet)
    assert sharekit("open", "changed.sharekit", *opening).error == "bad-signature"


def test_a_hold_still_holds_until_it_is_released(later):
    packet = "packets/safeguarding-referral.sharekit"
    held = sharekit("retention", "destroy", packet, "--reason", "Asked for", *UNLOCKED)
    assert held.code != 0
    run("retention", "release", packet, "--reason", "The inquiry is closed", *UNLOCKED)
    assert run("retention", "destroy", packet, "--reason", "Asked for", *UNLOCKED)["destroyed"] == 1


def test_a_decision_is_discussed_and_reviewed_and_its_actions_close(later):
    about = run("decide", "list", "--home", "fernshire")["decisions"][0]
    number, outcome = about["decision"], ("--outcome", "They agree")
    assert {each["kind"] for each in about["actions"]} == {"decision-discussion", "decision-review"}
    run("decide", "discuss", number, "--with", "early help hub", "--on", "2026-11-28", *outcome, *UNLOCKED)
    run("decide", "review", number, *outcome, "--again-on", "2026-12-08", *UNLOCKED)
    (left,) = run("decide", "list", "--home", "fernshire")["decisions"][0]["actions"]
    assert (left["kind"], left["on"]) == ("decision-review", "2026-12-08")


def test_the_loosened_policy_counts_as_it_was_signed_and_not_otherwise(later):
    (looser,) = (answer["command"] for answer in SAID["open"] if "education.support" in answer["command"])
    assert run(*looser)["verdict"] == "allow-with-record"
    policy, signed = later / "fernshire" / "policy.toml", later / "fernshire" / "policy.cose"
    as_it_was = policy.read_bytes()
    for change in (lambda: policy.write_text("# changed by hand\n"), policy.unlink):
        change()
        assert run(*looser)["verdict"] == "allow-with-record"  # what was set is in force, and kept
    policy.write_bytes(as_it_was)
    signed.unlink()
    assert run(*looser)["verdict"] == "allow-with-record"


def test_a_loosened_policy_that_was_changed_before_it_was_ever_read_opens_nothing(later):
    (looser,) = (answer["command"] for answer in SAID["open"] if "education.support" in answer["command"])
    policy = later / "fernshire" / "policy.toml"
    policy.write_text(policy.read_text() + "# changed by hand\n")
    assert sharekit(*looser).error == "not-trusted"


def test_the_next_year_begins_from_the_year_that_was_kept_before(later, monkeypatch):
    monkeypatch.setenv("SHAREKIT_NOW", "2027-01-04T09:00:00Z")
    run("ledger", "verify", *UNLOCKED)
    with contextlib.closing(Agency.load("fernshire", WORDS)) as agency:
        assert agency.ledger.origin == "sharekit/E10999001/2026"  # nobody begins a year by looking
        agency.record.begin(agency.now())
        assert agency.ledger.origin == "sharekit/E10999001/2027"
        assert agency.ledger_of(2026).size > BEFORE_SIZES["fernshire"]
        agency.ledger_of(2026).verify()
