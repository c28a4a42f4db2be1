"""A pinned partner with patched software: what its packets claim of times, of its ledger, and of what they carry."""

from __future__ import annotations

import pytest
from nacl.signing import SigningKey
from world.agencies import CONFIRM, FLAG
from world.liars import lying, receipt

import sharekit
from sharekit import cbor, errors
from sharekit.ledger.entry import Entry
from sharekit.packet import receipt as receipts
from sharekit.packet import wire
from sharekit.proofs import checkpoint, cosignature
from sharekit.proofs.checkpoint import Checkpoint
from sharekit.record.record import Facts

STATUS = "safeguarding.status-flag"
DAY = 86400


def opened(world, data):
    return world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM)


def claim(label, value):
    """A change of one claim; `value` is made from the claims as they were."""
    return lambda header: header[15].__setitem__(label, value(header[15]))


# --- who they are (5.13) ---


@pytest.mark.parametrize("claimed", ["gp", "icb", "nhs-ambulance-111"])
def test_an_agency_opens_nothing_that_says_another_type_of_it(world, claimed):
    lie = {"terms.recipients.0.org_type": claimed}
    with pytest.raises(errors.NotTrusted):
        opened(world, lying(world, lie))
    assert world.events("ZZQ01")[-1] == "refused"


# --- times (5.3, 5.8, 5.13) ---

LIFETIMES = {"a day more than its terms": 31, "a year": 366, "a day more than any packet": 367, "for ever": 200_000}


@pytest.mark.parametrize("days", LIFETIMES.values(), ids=LIFETIMES)
def test_no_share_is_valid_for_longer_than_its_terms_allow(world, days):
    data = lying(world, {"terms.valid_days": 30}, header=claim(wire.EXP, lambda claims: claims[wire.IAT] + days * DAY))
    with pytest.raises(errors.Malformed):
        opened(world, data)


@pytest.mark.parametrize("days", [1, 29, 30])
def test_a_share_may_be_valid_for_less(world, days):
    data = lying(world, {"terms.valid_days": 30}, header=claim(wire.EXP, lambda claims: claims[wire.IAT] + days * DAY))
    assert opened(world, data).fields


TIMES = {"1970": 0, "1999": 915_148_800, "six minutes ahead": 1_795_770_660, "2514": 17_170_000_000}


@pytest.mark.parametrize("issued", TIMES.values(), ids=TIMES)
@pytest.mark.parametrize("mode", ["share", "receipt"])
def test_no_packet_of_another_time_is_taken_in(world, mode, issued):
    honest = world.flag()

    def moved(header):
        header[15] |= {wire.IAT: issued, wire.EXP: issued + 30 * DAY}

    if mode == "share":
        act, data = world.quillbrook.receive, lying(world, {}, header=moved)
    else:
        act, data = world.fernshire.receive, receipt(world, *told(world, honest), header=moved)
    with pytest.raises(errors.NotVerified):
        act(data)


def told(world, data, *, at=None):
    """The body of a receipt for an entry that Quillbrook wrote about a packet, and the number of that packet."""
    quillbrook, parsed = world.quillbrook, sharekit.parse(data)
    cti = bytes.fromhex(parsed.id)
    facts = Facts(packet=cti, file=parsed.digest, counterparties=["E10999001"], outcome="allow")
    if at is not None:
        world.at(at)
    seq = quillbrook.record.append("opened", facts, now=quillbrook.now())
    world.at(FLAG)
    ledger = quillbrook.ledger_of(int(at[:4]) if at else 2026)
    return receipts.body("opened", Entry.decode(ledger.entry(seq)), ledger.prove(seq)), cti


REPORTED = {
    "six minutes before the packet was sealed": "2026-11-27T08:59:00Z",
    "the day before": "2026-11-26T09:05:00Z",
    "in six minutes": "2026-11-27T09:11:00Z",
    "next month": "2026-12-27T09:05:00Z",
}


@pytest.mark.parametrize("at", REPORTED.values(), ids=REPORTED)
def test_no_receipt_tells_of_a_time_before_its_packet_or_still_to_come(world, at):
    data = world.flag()
    body, cti = told(world, data, at=at)
    with pytest.raises((errors.Malformed, errors.NotVerified)):
        world.fernshire.receive(receipt(world, body, cti))
    assert list(world.fernshire.receipts.said(cti)) == []


@pytest.mark.parametrize("at", ["2026-11-27T09:01:00Z", "2026-11-27T09:05:00Z", "2026-11-27T09:09:00Z"])
def test_clocks_may_differ_by_minutes(world, at):
    data = world.flag()
    assert world.fernshire.receive(receipt(world, *told(world, data, at=at))).taken.event == "opened"


@pytest.mark.parametrize("days", [1, 366])
def test_a_receipt_is_valid_for_a_year_at_most(world, days):
    body, cti = told(world, world.flag())
    longer = claim(wire.EXP, lambda claims: claims[wire.IAT] + (days + 366) * DAY)
    with pytest.raises(errors.Malformed):
        world.fernshire.receive(receipt(world, body, cti, header=longer))
    shorter = claim(wire.EXP, lambda claims: claims[wire.IAT] + days * DAY)
    assert world.fernshire.receive(receipt(world, body, cti, header=shorter)).taken


@pytest.mark.parametrize("act", ["verify", "receive", "open"])
def test_nobody_takes_the_number_of_a_packet_that_was_sealed_here(world, act):
    own = bytes.fromhex(sharekit.parse(opened(world, world.flag()).receipt.read_bytes()).id)
    data = lying(world, {}, header=claim(wire.CTI, lambda _: own))
    asked = {"purpose": STATUS, "confirm": CONFIRM} if act == "open" else {}
    with pytest.raises(errors.Replayed):
        getattr(world.quillbrook, act)(data, **asked)
    assert [each.packet for each in world.quillbrook.retention.kept()] != [own]


# --- what a control packet carries (5.11) ---

CARRIED = {"a field": {"plan_type": "cpp"}, "a field nobody knows": {"x": 1}, "nothing in a field": {"x": None}}


@pytest.mark.parametrize("fields", CARRIED.values(), ids=CARRIED)
def test_no_receipt_carries_data_and_none_is_given_for_one_that_does(world, fields):
    body, cti = told(world, world.flag())
    with pytest.raises(errors.Malformed) as refused:
        world.fernshire.receive(receipt(world, body, cti, fields=fields))
    assert refused.value.receipt is None
    assert world.outbox("E10999001") == []


@pytest.mark.parametrize("name", ["example.com/log", "sharekit/P97"])
def test_no_receipt_brings_a_line_of_somebody_else(world, name):
    body, cti = told(world, world.flag())
    proof, known = cbor.decode(body["proof"])
    noisy = cosignature.cosign(known, name=name, key=SigningKey(bytes(32)), now=world.fernshire.now())
    with pytest.raises(errors.Malformed):
        world.fernshire.receive(receipt(world, body | {"proof": cbor.encode([proof, noisy])}, cti))
    assert list(world.fernshire.receipts.said(cti)) == []


# --- the sender's checkpoint (5.12) ---


def note(origin="sharekit/E10999001/2026", *, key=None, size=1):
    return checkpoint.sign(Checkpoint(origin, size, bytes(32)), key=key or SigningKey(bytes(32)))


NO_NOTES = {
    "nothing": "",
    "garbage": "garbage",
    "a note without a signature": note().partition("\n\n")[0],
    "a note with a line to spare": note().replace("\n\n", "\nmore\n\n"),
    "a ledger of the reader": note("sharekit/ZZQ01/2026"),
    "a ledger of somebody else": note("sharekit/P97/2026"),
    "a ledger of a look-alike": note("sharekit/e10999001/2026"),
    "no ledger of ours": note("example.com/log"),
    "no year": note("sharekit/E10999001"),
}


@pytest.mark.parametrize("given", NO_NOTES.values(), ids=NO_NOTES)
def test_a_note_that_is_none_of_the_senders_is_refused_on_the_record_and_the_sender_told(world, given):
    with pytest.raises(errors.Malformed) as refused:
        opened(world, lying(world, {}, note=given))
    assert world.events("ZZQ01")[-1] == "refused"
    assert world.fernshire  # which sealed nothing by that number, and takes no receipt of it
    assert refused.value.receipt is not None


@pytest.mark.parametrize("size", [1, 2**62])
def test_a_note_that_nobody_can_cosign_keeps_back_no_receipt(world, size):
    share = opened(world, lying(world, {}, note=note(size=size)))
    assert share.receipt is not None
    assert share.trouble.code == "ledger-tampered"
    parsed = sharekit.parse(share.receipt.read_bytes())
    statement = sharekit.verify(parsed, world.fernshire.trust, now=world.fernshire.now())
    body = sharekit.packet.open.read_control(parsed, statement, world.fernshire.keys).body
    assert (body["event"], "cosigned" in body) == ("opened", False)
