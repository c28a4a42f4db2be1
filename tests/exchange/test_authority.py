"""The ledger is the authority: whoever can write to the home changes no hold, no erasure and no words unseen."""

from __future__ import annotations

import contextlib
import shutil

import pytest
from world.agencies import CONFIRM
from world.commands import sharekit as command

import sharekit
from sharekit import Agency, errors
from sharekit.agency import doctor
from sharekit.domain import vocabulary
from sharekit.vault.vault import Vault

STATUS, NHS = "safeguarding.status-flag", ("nhs", "9990001006")
DESTROYED = vocabulary.load("ledger-events")["destroyed"].number
LATER = "2027-12-20T09:00:00Z"


@pytest.fixture
def kept(world):
    """Quillbrook has opened two flags about one child, and the number of the first."""
    first, second = (world.flag(ended="2026-11-10") for _ in range(2))
    for data in (first, second):
        world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM, reason="seen in the night")
    return world, bytes.fromhex(sharekit.parse(first).id)


def again(agency: Agency) -> Agency:
    """The same home, loaded by a process of its own."""
    agency.close()
    return Agency.load(agency.home)


def left_of(agency: Agency) -> tuple[int, int, bool]:
    """How much is kept, how many words there are, and whether the child is known."""
    entries = [entry for _, entry in agency.entries()]
    about = [entry for entry in entries if entry.packet and entry.event != DESTROYED]
    words = [entry for entry in about if agency.record.vault.read_detail(entry.nonce)]
    return len(agency.retention.kept()), len(words), agency.record.vault.subjects.find(*NHS) is not None


# --- killed between the entry and what it says ---

ACTS = {
    "one packet": lambda retained, packet: retained.destroy(packet, reason="x"),
    "one child": lambda retained, packet: retained.destroy_subject(*NHS, reason="x"),
    "what is due": lambda retained, packet: retained.destroy_due(),
}


def cut(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("name", ["erase", "write_anew"])
def test_what_was_stopped_after_its_entry_is_destroyed_by_the_next_act(kept, monkeypatch, act, name):
    world, packet = kept
    world.at(LATER)
    with monkeypatch.context() as broken:
        broken.setattr(Vault, name, cut)
        with pytest.raises(KeyboardInterrupt):
            act(world.quillbrook.retention, packet)
    with contextlib.closing(again(world.quillbrook)) as next_act:
        one = act is ACTS["one packet"]
        assert left_of(next_act)[::2] == ((1, True) if one else (0, False))
        assert next_act.differences() == []


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_an_act_of_destroying_is_one_commit_of_the_ledger(kept, monkeypatch, act):
    """Killed within it nothing happened at all, or all of it: no half of a child's packets."""
    world, packet = kept
    world.at(LATER)
    before = world.quillbrook.record.begin(world.quillbrook.now()).size
    with monkeypatch.context() as broken:
        broken.setattr(Vault, "erase", cut)
        with pytest.raises(KeyboardInterrupt):
            act(world.quillbrook.retention, packet)
    notes = [note.size for note in map(sharekit.proofs.checkpoint.parse, notes_of(world.quillbrook))]
    assert len([size for size in notes if size > before]) == 1


def notes_of(agency: Agency) -> list[str]:
    return [note for _, note in agency.ledger.storage.notes(0, agency.ledger.size)]


def test_what_was_taken_in_again_after_it_was_destroyed_stays(kept):
    world, _ = kept
    flag = world.flag()
    world.quillbrook.open(flag, purpose=STATUS, confirm=CONFIRM)
    number = bytes.fromhex(sharekit.parse(flag).id)
    world.quillbrook.retention.destroy(number, reason="x")
    world.quillbrook.open(flag, purpose=STATUS, confirm=CONFIRM)
    world.quillbrook.record.vault.write("DELETE FROM standing")
    with contextlib.closing(again(world.quillbrook)) as next_act:
        assert number in [each.packet for each in next_act.retention.kept()]


@pytest.mark.parametrize("outcome", ["hold", "release"])
def test_a_hold_that_was_stopped_after_its_entry_stands_or_falls_with_the_next_act(kept, monkeypatch, outcome):
    world, packet = kept
    retained = world.quillbrook.retention
    if outcome == "release":
        retained.hold(packet, reason="inquiry")
    append = sharekit.record.record.Record.append

    def appended_and_cut(self, *args, **kwargs):
        append(self, *args, **kwargs)
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(sharekit.record.record.Record, "append", appended_and_cut)
        with pytest.raises(KeyboardInterrupt):
            getattr(retained, outcome)(packet, reason="inquiry")
    with contextlib.closing(again(world.quillbrook)) as next_act:
        assert {each.held for each in next_act.retention.kept() if each.packet == packet} == {outcome == "hold"}
        assert next_act.record.vault.kept.holds(packet) is (outcome == "hold")


# --- with write access and no key ---


def test_a_hold_lifted_in_the_vault_still_stands_and_is_told(kept, monkeypatch):
    world, packet = kept
    retained = world.quillbrook.retention
    retained.hold(packet, reason="inquiry")
    world.quillbrook.record.standing()
    world.quillbrook.record.vault.write("UPDATE kept SET held = 0")
    assert [each.held for each in retained.kept() if each.packet == packet] == [True]
    for act in ACTS.values():
        with contextlib.suppress(errors.GateNotMet, errors.Usage):
            act(retained, packet)
    world.at(LATER)
    assert packet not in [each.packet for each in retained.due()]
    retained.destroy_due()
    assert packet in [each.packet for each in retained.kept()]
    told(world, "on hold")


def test_a_hold_that_terms_bring_is_on_the_record_too(world):
    data = world.flag(retention={"rule": "cpis-flag-copy", "legal_hold": True})
    packet = bytes.fromhex(sharekit.parse(data).id)
    assert world.fernshire.record.standing().held == {packet}
    world.fernshire.record.vault.write("UPDATE kept SET held = 0")
    assert world.fernshire.retention.kept()[0].held


LOST = {
    "all words deleted": "DELETE FROM detail",
    "words emptied": "UPDATE detail SET sealed = x''",
    "words exchanged": "UPDATE detail SET sealed = (SELECT d.sealed FROM detail AS d WHERE d.nonce <> detail.nonce)",
}


@pytest.mark.parametrize("statement", LOST.values(), ids=LOST)
def test_words_that_were_deleted_or_changed_are_told(kept, statement):
    world, _ = kept
    assert world.quillbrook.differences() == []
    world.quillbrook.record.vault.write(statement)
    told(world, "words in the vault")


def test_the_words_of_what_was_destroyed_are_not_missed_and_those_of_the_act_are(kept):
    world, packet = kept
    world.quillbrook.retention.destroy(packet, reason="sent by mistake")
    assert world.quillbrook.differences() == []
    number = [entry for _, entry in world.quillbrook.entries()][-1].nonce
    world.quillbrook.record.vault.write("DELETE FROM detail WHERE nonce = ?", number)
    assert world.quillbrook.differences()


def told(world, words: str) -> None:
    """`ledger verify` and `doctor` say so, and end as findings do."""
    home = str(world.quillbrook.home)
    assert any(words in each for each in world.quillbrook.differences())
    world.quillbrook.close()
    verified = command("ledger", "verify", "--home", home)
    assert (verified.code, words in verified.text) == (6, True)
    (check,) = [each for each in doctor.examine(world.quillbrook.home) if each.name == "as the record has it"]
    assert not check.good
    assert words in check.found


# --- a vault that was put back ---


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_vault_that_was_put_back_brings_nothing_destroyed_back(kept, act):
    world, packet = kept
    home = world.quillbrook.home
    world.quillbrook.close()
    backup = shutil.copy(home / "vault.db", world.folder / "backup")
    words = left_of(world.quillbrook)[1]
    assert words
    world.at(LATER)
    with contextlib.closing(Agency.load(home)) as agency:
        act(agency.retention, packet)
        expected = left_of(agency)
    shutil.copy(backup, home / "vault.db")
    with contextlib.closing(Agency.load(home)) as next_act:
        assert left_of(next_act) == expected


def test_a_running_agency_knows_what_another_process_destroyed_or_held(kept):
    world, packet = kept
    quillbrook = world.quillbrook
    quillbrook.record.standing()
    with contextlib.closing(Agency.load(quillbrook.home)) as other:
        other.retention.hold(packet, reason="inquiry")
    with pytest.raises(errors.GateNotMet):
        quillbrook.retention.destroy(packet, reason="x")
    with contextlib.closing(Agency.load(quillbrook.home)) as other:
        other.retention.release(packet, reason="closed")
        other.retention.destroy(packet, reason="x")
    assert packet not in [each.packet for each in quillbrook.retention.kept()]


# --- what is said where the disk is full after the commit ---


def test_what_is_on_the_record_is_not_said_to_have_had_no_effect(kept, monkeypatch):
    world, packet = kept

    def full(*_, **__):
        raise errors.LedgerError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Vault, "write_anew", full)
        broken.setattr(Vault, "write_anew_in_time", full)
        with pytest.raises(errors.LedgerError) as raised:
            world.quillbrook.retention.destroy(packet, reason="x")
    assert "nothing was released" not in raised.value.hint
    assert "on the record" in raised.value.hint


AFTER = {
    "that it is recorded": (sharekit.vault.packets.Packets, "mark_recorded"),
    "that it was opened": (sharekit.vault.packets.Packets, "mark_opened"),
    "that a promise counts": (sharekit.vault.actions.Actions, "settle"),
}


@pytest.mark.parametrize(("owner", "name"), AFTER.values(), ids=AFTER)
def test_what_is_on_the_record_goes_or_is_shown_though_the_vault_cannot_note_it(world, monkeypatch, owner, name):
    def full(*_, **__):
        raise errors.LedgerError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(owner, name, full)
        data = world.flag()
        share = world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM)
    assert share.fields
    assert world.events("ZZQ01").count("received") == 1
    world.quillbrook.verify(data)
    assert world.events("ZZQ01").count("received") == 1
    assert world.fernshire.record.open_actions() == []
    world.fernshire.verify(data)
    assert "received" not in world.events("E10999001")
