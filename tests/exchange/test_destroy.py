"""Forgetting lawfully: what is due, what a hold stops, and that proofs outlive what was destroyed."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from datetime import date, datetime
from hashlib import sha256

import pytest
from world.agencies import CONFIRM, FLAG, INIT, example
from world.liars import lying

import sharekit
from sharekit import errors
from sharekit.domain import profile, retention, vocabulary
from sharekit.exchange import destroy
from sharekit.ledger.entry import Entry
from sharekit.record.record import Facts

STATUS = "safeguarding.status-flag"
NOW = datetime.fromisoformat(FLAG)
LATER = "2027-12-20T09:00:00Z"


def due(name="cp-is-flag", *, data=None, **said):
    fields, terms = example(name)
    terms["retention"] = terms["retention"] | said
    return retention.due_on(sharekit.ShareTerms.parse(terms), fields | (data or {}), now=NOW)


DUE = {
    "a flag whose plan goes on": ({}, None),
    "a flag, twelve months after its plan ended": ({"data": {"plan_end": "2026-09-30"}}, date(2027, 9, 30)),
    "a plan that ended on the last of February": ({"data": {"plan_end": "2024-02-29"}}, date(2025, 2, 28)),
    "a date of its own": ({"destroy_on": "2027-01-01"}, date(2027, 1, 1)),
    "a looked-after child's record, 75 years after birth": ({"rule": "lac-case-record"}, date(2094, 3, 14)),
    "an order that nothing here dates": ({"rule": "adoption-order"}, None),
    "a review": ({"rule": "police-mopi", "review_on": "2027-05-01"}, None),
}


@pytest.mark.parametrize(("said", "expected"), DUE.values(), ids=DUE)
def test_the_day_on_which_a_copy_is_to_go(said, expected):
    assert due(**said) == expected


def test_the_referrals_rule_runs_from_the_childs_birth():
    assert due("safeguarding-referral") == date(2041, 7, 2)


def test_every_period_of_the_rules_is_one_that_is_understood():
    for rule in vocabulary.load("retention-rules"):
        if rule.more.get("period"):
            assert retention.after(date(2000, 1, 31), rule.more["period"]) > date(2000, 1, 31)


@pytest.fixture
def kept(world):
    """Quillbrook has opened a flag whose copies are to go on 10 November 2027, and Fernshire has sealed it."""
    data = world.flag(ended="2026-11-10")
    world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM, reason="seen in the night")
    return world, bytes.fromhex(sharekit.parse(data).id)


@pytest.mark.parametrize("org_id", ["E10999001", "ZZQ01"])
def test_what_is_kept_becomes_due_on_both_sides(kept, org_id):
    world, packet = kept
    retained = world.agencies[org_id].retention
    assert [(each.packet, each.due) for each in retained.kept()] == [(packet, date(2027, 11, 10))]
    assert retained.due() == []
    world.at(LATER)
    assert retained.due() == retained.kept()


def secrets(agency) -> list[bytes]:
    """The bytes of the subject key as the vault has it, sealed and unsealed, and of the sealed words."""
    with contextlib.closing(sqlite3.connect(agency.home / "vault.db")) as db:
        keys = [row[0] for row in db.execute("SELECT sealed_key FROM subject")]
        details = [row[0] for row in db.execute("SELECT sealed FROM detail")]
        tokens = [row[0] for row in db.execute("SELECT token FROM subject_index")]
    return [*keys, *details, *tokens, agency.record.vault.subjects.find("nhs", "9990001006")]


def home_bytes(agency) -> bytes:
    return b"".join(path.read_bytes() for path in agency.home.rglob("*") if path.is_file())


def test_after_destroying_no_byte_of_key_or_words_is_in_any_file_and_everything_still_verifies(kept):
    world, _ = kept
    quillbrook = world.quillbrook
    world.fernshire.receive(world.outbox("ZZQ01")[0])
    gone = secrets(quillbrook)
    assert all(secret in home_bytes(quillbrook) for secret in gone[:-1])
    proof = quillbrook.ledger.prove(4)
    world.at(LATER)
    assert quillbrook.retention.destroy_due() == 1
    assert not any(secret in home_bytes(quillbrook) for secret in gone)
    assert quillbrook.retention.kept() == []
    assert quillbrook.ledger_of(2026).verify()
    quillbrook.export(world.folder / "export", year=2026)
    report = sharekit.audit.audit(world.folder / "export", sharekit.Trust([quillbrook.card()]), proofs=[proof])
    assert report.findings == ()


def test_a_destroyed_subject_is_found_no_more_and_its_tokens_are_noise(kept):
    world, _ = kept
    world.quillbrook.retention.destroy_subject("nhs", "9990001006", reason="asked for")
    assert world.quillbrook.lookups.about("nhs", "9990001006", limit=25) == []
    assert "destroyed" in world.events("ZZQ01")


def test_a_subject_of_whom_something_is_kept_keeps_its_key(kept):
    world, packet = kept
    other = world.flag()
    world.quillbrook.open(other, purpose=STATUS, confirm=CONFIRM)
    world.quillbrook.retention.destroy(packet, reason="a duplicate")
    assert len(world.quillbrook.lookups.about("nhs", "9990001006", limit=25)) == 2
    (left,) = world.quillbrook.retention.kept()
    assert left.packet == bytes.fromhex(sharekit.parse(other).id)


def test_the_act_of_destroying_is_recorded_with_its_reason_which_stays(kept):
    world, packet = kept
    quillbrook = world.quillbrook
    quillbrook.retention.destroy(packet, reason="sent by mistake")
    last = [Entry.decode(data) for _, data in quillbrook.ledger.entries()][-1]
    assert last.packet == packet
    assert quillbrook.record.vault.read_detail(last.nonce)["reason"] == "sent by mistake"


def test_nothing_goes_before_its_time_without_a_reason(kept):
    world, packet = kept
    with pytest.raises(errors.Usage):
        world.quillbrook.retention.destroy(packet)
    assert len(world.quillbrook.retention.kept()) == 1


def test_a_legal_hold_suspends_destruction_until_it_is_taken_back(kept):
    world, packet = kept
    retained = world.quillbrook.retention
    retained.hold(packet, reason="inquiry")
    world.at(LATER)
    assert retained.due() == []
    world.at(FLAG)
    for act in (
        lambda: retained.destroy(packet, reason="x"),
        lambda: retained.destroy_subject("nhs", "9990001006", reason="x"),
    ):
        with pytest.raises(errors.GateNotMet) as raised:
            act()
        assert raised.value.rule == "R17"
    retained.release(packet, reason="closed")
    assert retained.destroy(packet, reason="x") == 1
    assert world.events("ZZQ01")[-3:] == ["reviewed", "reviewed", "destroyed"]


ASKED = {
    "a day long gone": {"destroy_on": "1999-01-01"},
    "tomorrow": {"destroy_on": "2026-11-28"},
    "a hold": {"legal_hold": True},
    "a hold and a day": {"destroy_on": "2026-11-28", "legal_hold": True},
    "another rule": {"rule": "sharekit-ledger"},
    "a rule with a short period": {"rule": "lado-malicious-or-unfounded"},
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize(("ended", "due"), [("2026-11-10", date(2027, 11, 10)), (None, None)])
def test_what_a_sender_asks_neither_shortens_nor_lengthens_what_a_recipient_keeps(world, asked, ended, due):
    _, terms = example("cp-is-flag")
    sealed = lying(world, {"terms.retention": terms["retention"] | asked}, ended=ended)
    share = world.quillbrook.open(sealed, purpose=STATUS, confirm=CONFIRM)
    (kept,) = world.quillbrook.retention.kept()
    assert (kept.rule, kept.due, kept.held) == ("cpis-flag-copy", due, False)
    assert share.terms.retention.items() >= asked.items()
    world.at("2027-11-09T09:00:00Z")
    assert world.quillbrook.retention.destroy_due() == 0


@pytest.mark.parametrize("name", profile.names())
@pytest.mark.parametrize("org_type", [term.code for term in vocabulary.load("org-types")])
def test_a_recipient_of_any_type_has_a_rule_of_its_own_for_every_profile(name, org_type):
    expected = "cpis-flag-copy" if name == "cp-is-flag" else None
    assert retention.rule_for(name, org_type) == (expected or retention.rule_for("strategy-s47", org_type))


@pytest.mark.parametrize(("ended", "dated"), [("2020-01-01", False), ("2026-11-26", True)])
def test_a_day_that_came_before_the_copy_was_made_is_no_day(ended, dated):
    terms, now = sharekit.ShareTerms(example("cp-is-flag")[1]), datetime.fromisoformat(FLAG)
    keeping = retention.of_received(terms, {"plan_end": ended}, org_type="nhs-acute", now=now)
    assert (keeping.due is not None) is dated


def test_a_senders_own_hold_holds_its_own_copy(world):
    world.flag(retention={"rule": "cpis-flag-copy", "legal_hold": True})
    assert world.fernshire.retention.kept()[0].held


def test_what_is_not_kept_here_cannot_be_destroyed_or_held(world):
    retained = world.quillbrook.retention
    for act in (
        lambda: retained.destroy(bytes(16), reason="x"),
        lambda: retained.hold(bytes(16), reason="x"),
        lambda: retained.destroy_subject("nhs", "9990001006", reason="x"),
    ):
        with pytest.raises(errors.Usage):
            act()


def test_destroying_again_after_a_crash_between_entry_and_vault_finishes_it(kept, monkeypatch):
    world, packet = kept
    quillbrook = world.quillbrook

    def cut(*_):
        raise errors.LedgerError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(sharekit.vault.vault.Vault, "erase", cut)
        with pytest.raises(errors.LedgerError):
            quillbrook.retention.destroy(packet, reason="x")
    assert quillbrook.retention.destroy(packet, reason="x") == 1
    assert quillbrook.retention.kept() == []


def test_a_destroyed_packet_that_comes_again_is_still_known_by_its_number(kept):
    world, packet = kept
    world.quillbrook.retention.destroy(packet, reason="x")
    assert world.quillbrook.record.vault.packets.seen("E10999001", packet).recorded


# --- the years


def test_a_year_is_closed_when_the_next_begins_and_the_next_goes_on_from_it(world):
    world.flag()
    world.at("2027-01-02T09:00:00Z")
    world.fernshire.record.append("consulted", Facts(), now=world.fernshire.now())
    assert world.fernshire.ledger.size == 2
    closed = world.fernshire.ledger_of(2026)
    events = vocabulary.load("ledger-events")
    assert events.by_number(Entry.decode(closed.entry(closed.size - 1)).event).code == "closed"
    genesis = Entry.decode(world.fernshire.ledger.entry(0))
    assert genesis.checkpoint == sha256(closed.checkpoint().encode()).digest()


def test_an_earlier_year_is_exported_and_audited_by_itself(world):
    world.flag()
    world.at("2027-01-02T09:00:00Z")
    size = world.fernshire.export(world.folder / "export", year=2026)
    report = sharekit.audit.audit(world.folder / "export", sharekit.Trust([world.fernshire.card()]))
    assert (report.origin, report.size, report.findings) == ("sharekit/E10999001/2026", size, ())


def test_a_year_without_a_ledger_is_a_usage_error(world):
    world.at(INIT)
    with pytest.raises(errors.Usage):
        world.fernshire.ledger_of(2020)


# --- what somebody, or an accident, could try


def test_the_words_about_a_packet_that_was_only_refused_can_be_destroyed(world):
    """Who asked, and why they said they did, is kept of a refusal as well."""
    data, quillbrook = world.flag(), world.quillbrook
    with pytest.raises(errors.IdentityMismatch):
        quillbrook.open(
            data, purpose=STATUS, reason="the mother named the child", confirm={"date_of_birth": "2011-01-01"}
        )
    (kept,) = quillbrook.retention.kept()
    assert reasons(quillbrook) == ["the mother named the child"]
    quillbrook.retention.destroy(kept.packet, reason="not ours")
    assert reasons(quillbrook) == ["not ours"]


def reasons(agency) -> list[str]:
    """The reasons that the vault still has for entries of the ledger."""
    words = [agency.record.vault.read_detail(entry.nonce) for _, entry in agency.entries()]
    return [each["reason"] for each in words if each and "reason" in each]


def test_what_is_learnt_when_a_packet_is_opened_later_completes_what_is_kept_of_it(world):
    data = world.flag(ended="2026-11-10")
    with pytest.raises(errors.IdentityMismatch):
        world.quillbrook.open(data, purpose=STATUS, confirm={"date_of_birth": "2011-01-01"})
    assert [(each.subject, each.due) for each in world.quillbrook.retention.kept()] == [(None, None)]
    world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM)
    assert [(each.subject, each.due) for each in world.quillbrook.retention.kept()] == [(1, date(2027, 11, 10))]


def twin(world, packet):
    """Another sender's packet with the same number, which nothing holds and which is due."""
    world.quillbrook.record.vault.kept.keep(packet, "A-OTHER", rule="cpis-flag-copy", due=date(1970, 1, 2))


def test_a_number_that_another_sender_took_as_well_gets_round_no_hold(kept):
    world, packet = kept
    retained = world.quillbrook.retention
    twin(world, packet)
    with world.quillbrook.record.vault.writing() as db:
        db.execute("UPDATE kept SET held = 1 WHERE sender = 'E10999001'")
    with pytest.raises(errors.GateNotMet):
        retained.destroy(packet, reason="x")
    assert retained.destroy_due() == 0
    assert len(retained.kept()) == 2


def test_a_number_that_another_sender_took_as_well_makes_nothing_due(kept):
    world, packet = kept
    twin(world, packet)
    with pytest.raises(errors.Usage):
        world.quillbrook.retention.destroy(packet)
    assert world.quillbrook.retention.destroy_due() == 0


def test_a_hold_stands_before_its_entry_and_falls_after_it(kept, monkeypatch):
    world, packet = kept
    retained = world.quillbrook.retention

    def full(*_, **__):
        raise errors.LedgerError("the disk is full")

    for act in (retained.hold, retained.release):
        with monkeypatch.context() as patched:
            patched.setattr(sharekit.record.record.Record, "append", full)
            with pytest.raises(errors.LedgerError):
                act(packet, reason="inquiry")
        assert retained.kept()[0].held


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_blank_is_no_reason(kept, reason):
    world, packet = kept
    retained = world.quillbrook.retention
    for act in (
        lambda: retained.destroy(packet, reason=reason),
        lambda: retained.hold(packet, reason=reason),
        lambda: retained.release(packet, reason=reason),
    ):
        with pytest.raises(errors.Usage):
            act()
    assert [each.held for each in retained.kept()] == [False]


def test_destroying_waits_for_whoever_is_opening_the_same_packet(world, monkeypatch):
    """Else the words of that opening would stay, and nothing would ever say that they are there."""
    data = world.flag()
    world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM)
    packet, append = bytes.fromhex(sharekit.parse(data).id), sharekit.record.record.Record.append
    other = sharekit.Agency.load(world.quillbrook.home)
    destroying = threading.Thread(target=other.retention.destroy, args=(packet,), kwargs={"reason": "x"})

    def slow(self, events, *args, **kwargs):
        if events == "opened" and self is world.quillbrook.record:
            destroying.start()
            destroying.join(0.5)
        return append(self, events, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(sharekit.record.record.Record, "append", slow)
        world.quillbrook.open(data, purpose=STATUS, reason="in the night", confirm=CONFIRM)
    destroying.join()
    assert other.retention.kept() == []
    assert reasons(other) == ["x"]
    other.close()


def test_destroying_waits_for_whoever_is_sealing_about_the_same_child(world, monkeypatch):
    world.flag()
    fernshire, append = world.fernshire, sharekit.record.record.Record.append
    other = sharekit.Agency.load(fernshire.home)
    said = {"reason": "x"}
    destroying = threading.Thread(target=other.retention.destroy_subject, args=("nhs", "9990001006"), kwargs=said)

    def slow(self, events, *args, **kwargs):
        if events == "sealed" and self is fernshire.record and not destroying.is_alive():
            destroying.start()
            destroying.join(0.5)
        return append(self, events, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(sharekit.record.record.Record, "append", slow)
        world.flag()
    destroying.join()
    assert fernshire.retention.kept() == []
    assert fernshire.record.vault.subjects.find("nhs", "9990001006") is None
    other.close()


SEVERAL = {
    "spaces": "999 000 1006",
    "hyphens": "999-000-1006",
    "as it is": "9990001006",
}


@pytest.mark.parametrize("value", SEVERAL.values(), ids=SEVERAL)
def test_a_child_is_found_however_the_number_was_written(kept, value):
    world, _ = kept
    assert world.quillbrook.retention.destroy_subject("nhs", value, reason="x") == 1


def test_a_scheme_that_nobody_knows_destroys_nothing(kept):
    world, _ = kept
    with pytest.raises(errors.Usage):
        world.quillbrook.retention.destroy_subject("shoe", "42", reason="x")
    assert len(world.quillbrook.retention.kept()) == 1


def test_what_is_due_is_destroyed_once(kept):
    world, _ = kept
    world.at(LATER)
    retained = world.quillbrook.retention
    assert [retained.destroy_due() for _ in range(2)] == [1, 0]
    assert world.events("ZZQ01").count("destroyed") == 1


def test_an_unborn_childs_record_runs_from_nobodys_birth():
    """The date of birth in a flag before the birth is the mother's."""
    fields, terms = example("cp-is-flag")
    unborn = {name: value for name, value in fields.items() if name != "date_of_birth"}
    unborn |= {"plan_type": "ucpp", "mother_date_of_birth": "1999-01-02"}
    terms["retention"] = {"rule": "lac-case-record"}
    assert retention.due_on(sharekit.ShareTerms.parse(terms), unborn, now=NOW) is None


def test_a_record_that_is_kept_while_somebody_is_active_has_no_date_of_its_own():
    assert due(rule="cin") is None


def test_the_record_reads_on_after_everything_about_a_child_is_gone(kept):
    world, _ = kept
    quillbrook = world.quillbrook
    quillbrook.retention.destroy_subject("nhs", "9990001006", reason="x")
    assert len(list(quillbrook.entries())) == quillbrook.ledger.verify()
    assert quillbrook.record.open_actions() == []
    quillbrook.export(world.folder / "export")
    assert sharekit.audit.audit(world.folder / "export", sharekit.Trust([quillbrook.card()])).findings == ()


# --- many at once ---


@pytest.fixture
def many(world, monkeypatch):
    """Quillbrook keeps forty packets, all of them due, which are destroyed five at a time."""
    monkeypatch.setattr(destroy, "PORTION", 5)
    world.at(FLAG)
    kept = world.quillbrook.record.vault.kept
    for number in range(40):
        kept.keep(bytes([number]) * 16, "E10999001", rule="cpis-flag-copy", due=date(2026, 11, 1))
    return world.quillbrook


def test_others_have_their_turn_between_portions(many, monkeypatch):
    """Somebody who waits for the lock gets it before the next portion, and what they hold is not destroyed."""
    held, portions, pauses = bytes([39]) * 16, [], []
    within = type(many.retention)._destroy_if_due

    def portion(self, packets):
        portions.append(len(packets))
        count = within(self, packets)
        if len(portions) == 1:
            threading.Thread(target=hold).start()
        return count

    done = threading.Event()

    def hold():
        with sharekit.Agency.load(many.home) as other:
            other.retention.hold(held, reason="an inquiry")
        done.set()

    monkeypatch.setattr(type(many.retention), "_destroy_if_due", portion)
    monkeypatch.setattr(destroy.time, "sleep", lambda seconds: pauses.append(seconds) or done.wait(20))
    assert many.retention.destroy_due() == 39
    assert portions == [5] * 8
    assert len(pauses) == 8
    assert [each.packet for each in many.retention.kept()] == [held]
