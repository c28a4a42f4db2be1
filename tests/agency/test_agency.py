"""An agency: nothing is sealed or opened unlogged, and what refuses shows nothing."""

from __future__ import annotations

import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
from world.agencies import CONFIRM, FLAG, INIT, example

import sharekit
from sharekit import Agency, errors

STATUS = "safeguarding.status-flag"


def test_two_agencies_exchange_the_flag_and_both_ledgers_say_so(world):
    packet = world.flag()
    share = world.quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM)
    assert share.fields["plan_type"] == "cpp"
    assert share.verdict.outcome == "allow"
    assert world.events("E10999001") == ["genesis", "trusted", "sealed"]
    assert world.events("ZZQ01") == ["genesis", "trusted", "received", "decided", "opened"]
    assert world.fernshire.ledger.verify() == 3


def test_the_referral_opens_for_its_purpose_and_for_the_permitted_ones(world):
    packet = world.referral()
    for purpose in ("safeguarding.referral", "safeguarding.strategy", "safeguarding.s47-enquiry"):
        share = world.fernshire.open(packet, purpose=purpose)
        assert share.fields["child"]["name"] == "Wren XXTEST-Ashby"
        assert share.verdict.rule == "R18.4"


def test_verify_needs_no_passphrase_and_is_recorded_each_time(world):
    packet = world.flag()
    locked = Agency(world.quillbrook.home, private=None)
    for _ in range(2):
        assert locked.verify(packet).sender == "E10999001"
    assert world.events("ZZQ01") == ["genesis", "trusted", "received", "verified", "verified"]
    with contextlib.closing(locked), pytest.raises(errors.WrongPassphrase):
        locked.open(packet, purpose=STATUS, confirm=CONFIRM)


REFUSED_PURPOSES = {
    "prohibited by the sender": ("immigration.enforcement", {}, "purpose-prohibited"),
    "always denied": ("other.media", {}, "purpose-prohibited"),
    "unknown": ("safeguarding.gossip", {}, "unknown-code"),
    "a heading": ("safeguarding", {}, "purpose-incompatible"),
    "incompatible by the matrix": ("education.support", {}, "purpose-incompatible"),
    "related, without a record": ("safeguarding.referral", {}, "refer-to-sender"),
    "not in the matrix": ("oversight.audit", {}, "refer-to-sender"),
    "an emergency that nobody asserts": ("safeguarding.immediate-protection", {}, "refer-to-sender"),
    "an emergency without a reason": ("safeguarding.immediate-protection", {"break_glass": True}, "refer-to-sender"),
    "an unknown basis": ("safeguarding.status-flag", {"basis": "art6-1-z"}, "unknown-code"),
}


@pytest.mark.parametrize(("purpose", "use", "code"), REFUSED_PURPOSES.values(), ids=REFUSED_PURPOSES)
def test_a_refused_purpose_reveals_nothing_and_is_recorded(world, purpose, use, code, monkeypatch):
    packet = world.flag()
    quillbrook = world.quillbrook
    monkeypatch.setattr(sharekit.packet.open.cose, "decrypt", decrypting := Counted(sharekit.packet.open.cose.decrypt))
    with pytest.raises(errors.PurposeRefused) as raised:
        quillbrook.open(packet, purpose=purpose, confirm=CONFIRM, **use)
    assert (raised.value.code, raised.value.exit_code) == (code, 5)
    assert purpose not in str(raised.value)
    assert decrypting.calls == 1  # the manifest; the dataset's key was never unwrapped
    assert world.events("ZZQ01")[-2:] == ["decided", "refused"]
    assert raised.value.packet == sharekit.parse(packet).id


class Counted:
    """A function that counts its calls."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *args, **kwargs):
        self.calls += 1
        return self.function(*args, **kwargs)


ASSESSMENT = dict.fromkeys(
    ("link", "context_and_relationship", "nature_incl_special_category", "consequences", "safeguards"), "considered"
)
RECORD = {
    "basis": "art6-1-e",
    "art9": "art9-2-g+sch1-p18",
    "gateway": "ca89-s47",
    "assessment": ASSESSMENT,
    "reason": "The flag was seen with a new injury",
}


def test_a_related_purpose_opens_with_a_record_and_shows_fewer_fields(world):
    packet = world.flag()
    share = world.quillbrook.open(packet, purpose="safeguarding.referral", confirm=CONFIRM, **RECORD)
    assert share.verdict.outcome == "allow-with-record"
    assert "upload_id" in share.withheld
    assert "plan_type" in share.fields


@pytest.mark.parametrize("missing", ["basis", "art9", "gateway", "assessment"])
def test_a_record_with_a_part_missing_refers_and_says_which(world, missing):
    packet = world.flag()
    use = {name: value for name, value in RECORD.items() if name != missing}
    with pytest.raises(errors.PurposeRefused) as raised:
        world.quillbrook.open(packet, purpose="safeguarding.referral", confirm=CONFIRM, **use)
    assert raised.value.code == "refer-to-sender"
    assert f"--{missing}" in raised.value.hint


def test_breaking_the_glass_shows_the_few_fields_and_is_recorded_as_such(world):
    packet = world.flag()
    quillbrook = world.quillbrook
    share = quillbrook.open(
        packet,
        purpose="safeguarding.immediate-protection",
        confirm=CONFIRM,
        break_glass=True,
        by="Ama XXTEST-Reed",
        reason="The child is here and cannot be left",
    )
    assert share.verdict.outcome == "allow-logged"
    assert set(share.fields) < set(example("cp-is-flag")[0])


IDENTITY = {
    "absent": {},
    "another date": {"date_of_birth": "2019-04-13"},
    "another field": {"nhs_number": "9990001006"},
    "empty": {"date_of_birth": ""},
}


@pytest.mark.parametrize("confirm", IDENTITY.values(), ids=IDENTITY)
def test_without_the_second_identifier_nothing_is_shown(world, confirm):
    packet = world.flag()
    quillbrook = world.quillbrook
    with pytest.raises(errors.IdentityMismatch) as raised:
        quillbrook.open(packet, purpose=STATUS, confirm=confirm)
    assert "2019" not in f"{raised.value} {raised.value.hint}"
    assert world.events("ZZQ01")[-1] == "refused"


def test_a_packet_for_others_verifies_but_does_not_open(world):
    packet = world.flag()
    other = world.agency("ZZQ02")
    assert other.verify(packet).recipients == ("ZZQ01",)
    with pytest.raises(errors.NotForYou):
        other.open(packet, purpose=STATUS, confirm=CONFIRM)
    assert world.events("ZZQ02")[-1] == "refused"


def test_twenty_recipients_each_open_the_one_packet(world):
    world.at(INIT)
    orgs = [f"ZZX{n:02}" for n in range(20)]
    for org in orgs:
        world.agencies[org] = Agency.create(
            world.folder / org, org_id=org, org_type="nhs-acute", name=org, phone="01632 960000"
        )
        world.fernshire.trust.add(world.agencies[org].card())
        world.agencies[org].trust.add(world.fernshire.card())
    packet = world.flag(*orgs)
    for org in orgs:
        assert world.agencies[org].open(packet, purpose=STATUS, confirm=CONFIRM).fields["plan_type"] == "cpp"


def test_the_same_packet_opens_again_and_is_recorded_again(world):
    packet = world.flag()
    for _ in range(2):
        world.quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM)
    assert world.events("ZZQ01").count("received") == 1
    assert world.events("ZZQ01").count("opened") == 2


def test_a_packet_expires_before_its_first_opening_and_not_after(world):
    packet, late = world.flag(valid_days=30), world.agency("ZZQ02")
    world.at("2026-12-20T09:00:00Z")
    world.quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM)
    world.at("2027-02-01T09:00:00Z")
    assert world.quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM).fields
    with pytest.raises(errors.Expired):
        late.verify(packet)


def test_a_packet_verified_in_time_but_opened_after_expiry_is_expired(world):
    packet = world.flag(valid_days=30)
    world.quillbrook.verify(packet)
    world.at("2027-02-01T09:00:00Z")
    with pytest.raises(errors.Expired):
        world.quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM)


def test_a_packet_from_the_future_is_not_yet_valid(world):
    packet = world.flag()
    world.at("2026-11-27T08:59:00Z")
    with pytest.raises(errors.NotYetValid):
        world.quillbrook.verify(packet)
    world.at("2026-11-27T09:01:00Z")
    assert world.quillbrook.verify(packet)


def test_after_revocation_only_what_was_recorded_before_still_verifies(world):
    before, after = world.flag(), world.flag()
    world.quillbrook.verify(before)
    world.at("2026-11-28T09:00:00Z")
    world.quillbrook.trust.revoke("E10999001", reason="key lost")
    assert world.quillbrook.verify(before)
    with pytest.raises(errors.Revoked):
        world.quillbrook.verify(after)
    with pytest.raises(errors.Revoked):
        world.quillbrook.verify(after, [world.fernshire.card()])  # a card given for once does not undo it
    assert "revoked" in world.events("ZZQ01")


def test_other_bytes_with_a_number_that_was_seen_are_a_replay(world, monkeypatch):
    parts = sharekit.packet.seal.Parts.fresh()
    with monkeypatch.context() as same:
        same.setattr(sharekit.packet.seal.Parts, "fresh", lambda: parts)
        first, second = world.flag(), world.flag()
    assert first != second
    world.quillbrook.verify(first)
    with pytest.raises(errors.Replayed):
        world.quillbrook.verify(second)
    assert world.quillbrook.verify(first)


def test_an_unverified_file_costs_one_entry_however_often_it_comes(world):
    quillbrook = world.quillbrook
    for _ in range(3):
        with pytest.raises(errors.Malformed):
            quillbrook.verify(b"not a packet")
    with pytest.raises(errors.Malformed):
        quillbrook.open(b"another one", purpose=STATUS)
    assert world.events("ZZQ01") == ["genesis", "refused", "refused"]


def test_a_refusal_to_seal_is_recorded_without_what_was_typed(world):
    data, terms = example("cp-is-flag")
    world.at(FLAG)
    fernshire = world.fernshire
    world.agency("ZZQ01")
    with pytest.raises(errors.NotMinimal):
        fernshire.seal(data | {"category": "NEG"}, terms, to=["ZZQ01"])
    assert world.events("E10999001")[-1] == "refused"


def test_if_the_ledger_cannot_be_written_nothing_leaves_and_nothing_is_shown(world, monkeypatch):
    packet = world.flag()
    data, terms = example("cp-is-flag")
    monkeypatch.setattr(sharekit.ledger.log.Ledger, "append", failing)
    with pytest.raises(errors.LedgerError):
        world.fernshire.seal(data, terms, to=["ZZQ01"])
    with pytest.raises(errors.LedgerError):
        world.quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM)


def failing(*_):
    raise errors.LedgerError("the disk is full")


@pytest.mark.parametrize("survives", range(3))
def test_the_dataset_is_returned_only_after_its_last_entry(world, monkeypatch, survives):
    """received, decided, opened: whichever of them fails, nothing comes back."""
    packet, quillbrook = world.flag(), world.quillbrook
    append, left = sharekit.ledger.log.Ledger.append, [survives]

    def flaky(self, *entries):
        if not left[0]:
            raise errors.LedgerError("the disk is full")
        left[0] -= 1
        return append(self, *entries)

    monkeypatch.setattr(sharekit.ledger.log.Ledger, "append", flaky)
    with pytest.raises(errors.LedgerError):
        quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM)


def test_a_new_year_begins_a_new_ledger_that_follows_the_old(world):
    world.flag()
    last_year = world.fernshire.ledger.size
    world.at("2027-12-31T09:00:00Z")
    assert world.fernshire.ledger.size == last_year  # nobody begins a year by looking
    world.at("2028-01-02T09:00:00Z")  # a year was missed
    world.fernshire.confirm_clock()
    world.flag()
    _, genesis = next(iter(world.fernshire.entries()))
    last = world.fernshire.ledger_of(2026).checkpoint()
    assert genesis.checkpoint == sha256(last.encode()).digest()
    assert world.fernshire.ledger.origin == "sharekit/E10999001/2028"


def test_two_threads_seal_and_open_at_once_and_every_entry_is_there(world):
    packet = world.flag()
    quillbrook = world.quillbrook

    def once(_):
        return quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM).packet

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(once, range(24)))) == 1
    assert world.events("ZZQ01").count("opened") == 24
    assert world.events("ZZQ01").count("received") == 1
    assert quillbrook.ledger.verify() == len(world.events("ZZQ01", receipts=True))


def test_a_look_up_finds_one_childs_entries_and_is_itself_recorded(world):
    world.quillbrook.open(world.flag(), purpose=STATUS, confirm=CONFIRM)
    found = world.quillbrook.lookups.about("nhs", "9990001006", limit=25)
    assert len(found) == 1
    assert world.quillbrook.lookups.about("nhs", "9990001375", limit=25) == []
    assert world.events("ZZQ01")[-2:] == ["consulted", "consulted"]
    sent = world.fernshire.lookups.about("nhs", "9990001006", limit=25)
    assert len(sent) == 1


def test_a_live_home_refuses_the_override_and_cards_of_demonstrations(world, monkeypatch, tmp_path):
    card = world.fernshire.card()
    monkeypatch.delenv("SHAREKIT_NOW")
    about = {"org_id": "L1", "org_type": "gp", "name": "A practice", "phone": "01632 960000"}
    live = Agency.create(tmp_path / "live", **about)
    with contextlib.closing(live):
        for add in (live.trust.add, lambda given: live.verify(b"", [given])):
            with pytest.raises(errors.NotTrusted):
                add(card)
        monkeypatch.setenv("SHAREKIT_NOW", FLAG)
        with pytest.raises(errors.Usage):
            live.now()


def test_the_vault_and_ledger_files_hold_no_name_number_or_reason(world):
    packet = world.flag()
    world.quillbrook.open(packet, purpose="safeguarding.referral", confirm=CONFIRM, **RECORD)
    for path in world.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for secret in (b"9990001006", b"2019-03-14", b"new injury", b"XXTEST"):
                assert secret not in content, path.name


def test_a_home_is_made_whole_or_not_at_all(world, tmp_path, monkeypatch):
    def full(*_, **__):
        raise errors.OutputUnwritable("the output cannot be written there")

    monkeypatch.setattr(sharekit.agency.home.files, "write", full)
    with pytest.raises(errors.OutputUnwritable):
        world.agency("P97")
    assert list(tmp_path.iterdir()) == []


def test_an_export_carries_the_cards_and_is_recorded(world, tmp_path):
    world.flag()
    size = world.fernshire.export(tmp_path / "export")
    with contextlib.closing(sqlite3.connect(tmp_path / "export")) as db:
        assert {row[0] for row in db.execute("SELECT org_id FROM card")} == {"E10999001", "ZZQ01"}
    assert world.events("E10999001")[-1] == "exported"
    report = sharekit.audit.audit(tmp_path / "export", sharekit.Trust([world.fernshire.card()]))
    assert (report.size, report.findings) == (size, ())


@pytest.mark.parametrize("name", ["agency.key", "log.key"])
def test_a_home_with_the_key_file_of_another_is_refused(world, name):
    fernshire, quillbrook = world.fernshire, world.quillbrook
    (fernshire.home / "keys" / name).write_bytes((quillbrook.home / "keys" / name).read_bytes())
    with pytest.raises(errors.Malformed):
        Agency.load(fernshire.home)
