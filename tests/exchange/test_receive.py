"""Receiving: what it gives back knows its own receipt, and every mode has its handler."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from world.agencies import CONFIRM, FLAG

import sharekit
from sharekit import errors
from sharekit.domain import vocabulary
from sharekit.exchange.modes import handlers
from sharekit.packet import seal as sealing
from sharekit.packet import wire
from sharekit.values import replace

STATUS = "safeguarding.status-flag"


def taken(world, path):
    """The receipt at a path, as the sender of its packet takes it in."""
    return world.fernshire.receive(path.read_bytes()).taken


def test_what_was_verified_opened_or_received_knows_its_own_receipt(world):
    data, quillbrook = world.flag(), world.quillbrook
    done = [quillbrook.receive(data), quillbrook.verify(data), quillbrook.open(data, purpose=STATUS, confirm=CONFIRM)]
    assert [taken(world, each.receipt).event for each in done] == ["delivered", "verified", "opened"]
    assert [each.trouble for each in done] == [None] * 3
    assert (isinstance(done[1], sharekit.Statement), isinstance(done[2], sharekit.Share)) == (True, True)


def test_a_refusal_knows_its_own_receipt(world):
    data = world.flag()
    with pytest.raises(errors.PurposeRefused) as raised:
        world.quillbrook.open(data, purpose="other.media", confirm=CONFIRM)
    assert raised.value.trouble is None
    told = taken(world, raised.value.receipt)
    assert (told.event, told.outcome, told.packet.hex()) == ("refused", "purpose-prohibited", raised.value.packet)


def test_a_refusal_knows_why_it_has_no_receipt(world):
    data = world.flag()
    (world.quillbrook.home / "outbox").rmdir()
    with pytest.raises(errors.PurposeRefused) as raised:
        world.quillbrook.open(data, purpose="other.media", confirm=CONFIRM)
    assert (raised.value.receipt, raised.value.trouble.code) == (None, "output-unwritable")


NOT_TOLD = {
    "a file that is no packet": (lambda world: b"no packet", errors.Malformed),
    "a packet for others": (lambda world: world.flag("ZZQ02"), errors.NotForYou),
}


@pytest.mark.parametrize(("made", "error"), NOT_TOLD.values(), ids=NOT_TOLD)
def test_a_refusal_of_which_nobody_is_told_has_neither(world, made, error):
    data = made(world)
    with pytest.raises(error) as raised:
        world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM)
    assert (raised.value.receipt, raised.value.trouble) == (None, None)


def test_two_threads_on_one_agency_get_the_receipts_of_their_own_packets(world):
    """One opens, the other is refused, again and again: neither is given what the other's act made."""
    opened, refused, quillbrook = world.flag(), world.flag(), world.quillbrook

    def open_it(_):
        return quillbrook.open(opened, purpose=STATUS, confirm=CONFIRM).receipt

    def be_refused(_):
        with pytest.raises(errors.PurposeRefused) as raised:
            quillbrook.open(refused, purpose="other.media", confirm=CONFIRM)
        return raised.value.receipt

    with ThreadPoolExecutor(2) as pool:
        acts = [pool.submit(act, n) for n in range(10) for act in (open_it, be_refused)]
        paths = [act.result() for act in acts]
    told = [taken(world, path) for path in paths]
    assert len(set(paths)) == 20
    assert [(each.event, each.packet.hex()) for each in told] == [("opened", opened.id), ("refused", refused.id)] * 10


# --- modes


def test_every_mode_that_the_format_has_today_has_a_handler(world):
    table = handlers(receipts=world.fernshire.receipts, cosigning=world.fernshire.witness)
    assert set(table) == set(wire.MODES)
    assert set(table) <= {term.code for term in vocabulary.load("modes")}


UNHANDLED = sorted({term.code for term in vocabulary.load("modes")} - set(wire.MODES))


@pytest.mark.parametrize("mode", [*UNHANDLED, "gossip", ""])
def test_a_packet_of_a_mode_that_nobody_handles_is_refused_on_the_record(world, mode):
    world.flag()
    card = sharekit.Card.parse(world.quillbrook.card())
    draft = sealing.control(mode, {"event": "opened"}, recipient=card)
    sender = world.fernshire.sender()
    data = sealing.seal_parts(draft, sealing.Parts.fresh(), sender=sender, now=world.fernshire.now())
    with pytest.raises(errors.Malformed):
        world.quillbrook.receive(data)
    assert world.events("ZZQ01")[-2:] == ["received", "refused"]


ACTS = {
    "opened": lambda agency, data: agency.open(data, purpose=STATUS, confirm=CONFIRM),
    "received": lambda agency, data: agency.receive(data),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_packet_sealed_to_a_key_that_is_not_ours_now_is_refused_on_the_record_and_its_sender_told(
    world, monkeypatch, act
):
    fernshire, quillbrook, former = world.fernshire, world.quillbrook, sharekit.Keys.generate().opening
    believed = fernshire.trust.card
    monkeypatch.setattr(
        fernshire.trust, "card", lambda org_id: replace(believed(org_id), opening=former.public), raising=False
    )
    data = world.flag()
    monkeypatch.undo()
    world.at(FLAG)
    with pytest.raises(errors.CannotDecrypt) as raised:
        act(quillbrook, data)
    assert former.kid.hex()[:16] in raised.value.message
    assert world.events("ZZQ01")[-1] == "refused"
    told = taken(world, raised.value.receipt)
    assert (told.event, told.outcome) == ("refused", "cannot-decrypt")
