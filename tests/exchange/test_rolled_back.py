"""A home put back to an earlier state and grown again: its partners notice, it opens all the same, both are told."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from world.agencies import CONFIRM, example

import sharekit
from sharekit import errors
from sharekit.packet import seal as sealing
from sharekit.packet import wire
from sharekit.proofs import checkpoint, cosignature
from sharekit.proofs.checkpoint import Checkpoint
from sharekit.record.record import Facts
from sharekit.vault.attestations import MOST_FORKS, MOST_SAID, MOST_SEEN

STATUS = "safeguarding.status-flag"
FERNSHIRE, QUILLBROOK = "E10999001", "ZZQ01"
DAYS = [f"2026-11-{day}T19:00:00Z" for day in (27, 28, 29)]


def flag(world, day: int) -> bytes:
    """A flag from Fernshire, sealed on a day."""
    data, terms = example("cp-is-flag")
    world.at(DAYS[day])
    return world.fernshire.seal(data, terms, to=[QUILLBROOK])


def opened(world, data: bytes):
    return world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM)


def put_back(world, copy) -> None:
    """Fernshire's home as it was when `copy` was made."""
    world.agencies[FERNSHIRE].close()
    home = world.agencies[FERNSHIRE].home
    shutil.rmtree(home)
    shutil.copytree(copy, home)
    world.agencies[FERNSHIRE] = sharekit.Agency.load(home)


@pytest.fixture(autouse=True)
def both(world):
    """Both agencies are there, and trust each other, before anything is copied."""
    return world.fernshire, world.quillbrook


@pytest.fixture
def gone_back(world):
    """Fernshire sent two flags that were opened; its home of the day before was then put in its place."""
    opened(world, flag(world, 0))
    copy = world.folder / "backup"
    shutil.copytree(world.fernshire.home, copy)
    for _ in range(3):
        last = opened(world, flag(world, 1))
    assert last.warning is None
    put_back(world, copy)
    return world


@pytest.mark.parametrize("grown", [0, 1, 2], ids=["behind", "behind by less", "as large again"])
def test_a_partner_notices_at_the_first_packet_opens_it_and_says_whom_to_ring(gone_back, grown):
    for _ in range(grown):
        flag(gone_back, 2)
    share = opened(gone_back, flag(gone_back, 2))
    assert share.fields["plan_type"] == "cpp"
    assert (share.warning.code, share.warning.exit_code) == ("rolled-back", 3)
    assert "01632 960101" in share.warning.hint
    (kept,) = gone_back.quillbrook.witness.forks()
    assert kept.kind == ("fork" if grown else "rolled-back")
    assert gone_back.events(QUILLBROOK).count("rolled-back") == 1


def test_the_sender_is_told_by_the_receipt_and_takes_it_in(gone_back):
    share = opened(gone_back, flag(gone_back, 2))
    receipt = share.receipt.read_bytes()
    with pytest.raises(errors.RolledBack) as raised:
        gone_back.fernshire.receive(receipt)
    assert (raised.value.code, raised.value.exit_code) == ("rolled-back", 3)
    assert "backup" in raised.value.hint
    assert [each.event for each in gone_back.fernshire.receipts.said()] == ["opened"]
    assert gone_back.events(FERNSHIRE)[-2:] == ["rolled-back", "refused"]
    assert gone_back.fernshire.receive(receipt).taken.event == "opened"
    assert gone_back.events(FERNSHIRE).count("rolled-back") == 1


def test_a_record_that_lost_one_packet_alone_is_noticed_at_the_next(world):
    """What was put back is as large as the lost packet's checkpoint: but that packet was itself an entry more."""
    opened(world, flag(world, 0))
    copy = world.folder / "backup"
    shutil.copytree(world.fernshire.home, copy)
    lost = opened(world, flag(world, 1)).receipt.read_bytes()
    put_back(world, copy)
    share = opened(world, flag(world, 2))
    assert share.warning.code == "rolled-back"
    for receipt in (share.receipt.read_bytes(), lost):
        with pytest.raises(errors.RolledBack):
            world.fernshire.receive(receipt)
    assert "rolled-back" in world.events(FERNSHIRE)


def test_a_record_that_grew_past_what_was_seen_is_shown_to_its_owner_by_the_receipts_of_what_was_lost(world):
    """No checkpoint can show it alone: the larger of two may well follow the smaller."""
    opened(world, flag(world, 0))
    copy = world.folder / "backup"
    shutil.copytree(world.fernshire.home, copy)
    lost = opened(world, flag(world, 1)).receipt.read_bytes()
    put_back(world, copy)
    for _ in range(3):
        unseen = flag(world, 2)
    assert opened(world, unseen).warning is None
    with pytest.raises(errors.RolledBack):
        world.fernshire.receive(lost)
    assert "rolled-back" in world.events(FERNSHIRE)


def test_taking_a_share_in_notices_it_as_well(gone_back):
    taken = gone_back.quillbrook.receive(flag(gone_back, 2))
    assert taken.warning.code == "rolled-back"
    with pytest.raises(errors.RolledBack):
        gone_back.fernshire.receive(taken.receipt.read_bytes())


def test_a_checkpoint_that_goes_back_is_refused_and_the_sender_told(gone_back):
    gone_back.at(DAYS[2])
    sent = gone_back.fernshire.witness.send_checkpoint(QUILLBROOK, start=1).read_bytes()
    with pytest.raises(errors.RolledBack) as raised:
        gone_back.quillbrook.receive(sent)
    with pytest.raises(errors.RolledBack):
        gone_back.fernshire.receive(raised.value.receipt.read_bytes())


def test_a_receipt_of_a_record_that_went_back_is_taken_and_told(gone_back):
    """Fernshire answers a packet of Quillbrook's, after its own record went back."""
    gone_back.at(DAYS[2])
    answer = receipt_of_fernshire(gone_back)
    taken = gone_back.quillbrook.receive(answer)
    assert (taken.taken.event, taken.warning.code) == ("witnessed", "rolled-back")


def receipt_of_fernshire(world) -> bytes:
    sent = world.quillbrook.witness.send_checkpoint(FERNSHIRE).read_bytes()
    return world.fernshire.receive(sent).receipt.read_bytes()


def test_it_stays_on_the_record_once_however_many_packets_come(gone_back):
    again = flag(gone_back, 2)
    for _ in range(3):
        assert opened(gone_back, again).warning.code == "rolled-back"
    assert gone_back.events(QUILLBROOK).count("rolled-back") == 1


def test_an_emergency_opens_as_before(gone_back):
    share = gone_back.quillbrook.open(
        flag(gone_back, 2), purpose=STATUS, break_glass=True, confirm=CONFIRM, reason="he is bleeding and cannot speak"
    )
    assert (bool(share.fields), share.warning.code) == (True, "rolled-back")


# --- what is no way back


def test_packets_that_arrive_in_another_order_accuse_nobody(world):
    sent = [flag(world, day) for day in (0, 1, 1, 2)]
    for data in reversed(sent):
        assert opened(world, data).warning is None
    assert world.quillbrook.witness.forks() == []


def test_packets_of_one_second_that_arrive_within_it_in_another_order_accuse_nobody(world):
    for data in reversed([flag(world, 0) for _ in range(3)]):
        assert opened(world, data).warning is None
    assert world.quillbrook.witness.forks() == []


def test_a_home_that_is_moved_and_goes_on_accuses_nobody(world):
    opened(world, flag(world, 0))
    copy = world.folder / "moved"
    shutil.copytree(world.fernshire.home, copy)
    put_back(world, copy)
    assert opened(world, flag(world, 1)).warning is None


# --- proofs and notes that are only bad


def note_of(world, size: int, root: bytes, origin: str = "sharekit/E10999001/2026") -> str:
    return checkpoint.sign(Checkpoint(origin, size, root), key=world.fernshire.keys.log)


def asked(world, note: str, old: int, proof: list[bytes]) -> None:
    request = cosignature.request(old, proof, note).encode()
    world.quillbrook.witness.cosign(request, world.fernshire.card())


def mailed(world, note: str, old: int, proof: list[bytes]) -> None:
    body = {"note": note, "old": old, "proof": proof}
    draft = sealing.control(wire.CHECKPOINT, body, recipient=sharekit.Card.parse(world.quillbrook.card()))
    sender, now = world.fernshire.sender(), world.fernshire.now()
    world.quillbrook.receive(sealing.seal_parts(draft, sealing.Parts.fresh(), sender=sender, now=now))


PROOFS = {
    "one hash": [b"\x01" * 32],
    "three hashes": [b"\x01" * 32, b"\x02" * 32, b"\x03" * 32],
    "as many as there can be": [bytes(32)] * 64,
    "nothing": [],
}


@pytest.mark.parametrize("send", [asked, mailed], ids=["by a file", "by a packet"])
@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
def test_a_proof_that_fails_is_refused_and_kept_nowhere(world, send, proof):
    opened(world, flag(world, 0))
    for _ in range(3):
        world.fernshire.record.append("consulted", Facts(), now=world.fernshire.now())
    with pytest.raises((errors.NotVerified, errors.Usage)):
        send(world, world.fernshire.ledger.checkpoint(), 2, proof)
    assert world.quillbrook.witness.forks() == []
    assert checkpoint.parse(world.quillbrook.witness.seen(FERNSHIRE)).size == 2


YEARS = {"long ago": 2019, "the year after next": 2028, "the last one": 9999, "the first one": 1}


@pytest.mark.parametrize("year", YEARS.values(), ids=YEARS)
def test_no_ledger_of_a_year_that_cannot_be_is_witnessed(world, year):
    opened(world, flag(world, 0))
    note = note_of(world, 1, b"r" * 32, f"sharekit/E10999001/{year:04}")
    for send in (asked, mailed):
        with pytest.raises(errors.NotVerified):
            send(world, note, 0, [])
    with pytest.raises(errors.Usage):
        world.quillbrook.witness.seen(FERNSHIRE, year=year)


def test_two_histories_of_one_size_are_kept_by_whoever_is_shown_them(world):
    opened(world, flag(world, 0))
    for send in (asked, mailed):
        with pytest.raises(errors.LedgerTampered):
            send(world, note_of(world, 2, bytes(32)), 2, [])
    assert {each.kind for each in world.quillbrook.witness.forks()} == {"fork"}


# --- what one partner can make us keep


def test_a_flood_of_receipts_of_one_event_for_one_packet_has_an_end(world):
    """A partner writes an entry and its receipt as often as it likes; what is kept and recorded of it is bounded."""
    data = flag(world, 0)
    for _ in range(MOST_SAID + 4):
        world.quillbrook.verify(data)
    for waiting in world.outbox(QUILLBROOK):
        assert world.fernshire.receive(waiting).taken.event == "verified"
    assert len(list(world.fernshire.receipts.said())) == MOST_SAID
    assert world.events(FERNSHIRE).count("receipt-in") == MOST_SAID
    opened(world, data)
    assert world.fernshire.receive(world.outbox(QUILLBROOK)[-1]).taken.event == "opened"
    assert len(list(world.fernshire.receipts.said())) == MOST_SAID + 1


def test_of_very_many_checkpoints_and_forks_a_bounded_number_is_kept(world):
    opened(world, flag(world, 0))
    partners, now = world.quillbrook.record.vault.partners, world.quillbrook.now()
    for size in range(1, 200):
        partners.saw(note_of(world, size, b"a" * 32), issued=now, now=now)
        partners.saw(note_of(world, size, b"b" * 32), issued=now, now=now)
    assert len(partners.forks()) == MOST_FORKS
    with partners._box.reading() as db:
        assert db.execute("SELECT count(*) FROM seen").fetchone()[0] <= MOST_SEEN + 1


def test_of_very_many_cosigned_checkpoints_by_one_witness_the_newest_are_kept(world):
    partners, now = world.fernshire.record.vault.partners, world.fernshire.now()
    for size in range(1, 40):
        partners.keep_cosigned("W1", note_of(world, size, b"a" * 32), now=now + timedelta(seconds=size))
    kept = [checkpoint.parse(each.cosigned).size for each in partners.said(b"")]
    assert kept == list(range(40 - MOST_SAID, 40))
