"""Receipts and entangled ledgers: neither side can rewrite what the other has seen."""

from __future__ import annotations

import contextlib
import sqlite3
from hashlib import sha256

import pytest
from world.agencies import CONFIRM, FLAG

import sharekit
from sharekit import cbor, errors
from sharekit.domain import vocabulary
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.packet import seal as sealing
from sharekit.packet import wire
from sharekit.proofs import checkpoint, cosignature
from sharekit.proofs.checkpoint import Checkpoint

STATUS = "safeguarding.status-flag"
FERNSHIRE, QUILLBROOK = "E10999001", "ZZQ01"


@pytest.fixture
def opened(world):
    """Fernshire's flag, opened by Quillbrook, whose receipt waits."""
    data = world.flag()
    share = world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM)
    return data, share.receipt.read_bytes()


def test_an_opening_makes_a_receipt_that_the_sender_takes_in(world, opened):
    data, receipt = opened
    taken = world.fernshire.receive(receipt).taken
    assert (taken.event, taken.outcome, taken.purpose, taken.rule) == ("opened", "allow", STATUS, "R18.4")
    assert taken.packet.hex() == sharekit.parse(data).id
    assert world.events(FERNSHIRE)[-2:] == ["received", "receipt-in"]
    assert world.events(QUILLBROOK, receipts=True)[-2:] == ["opened", "sealed"]


def test_verify_and_a_refusal_make_receipts_too(world):
    data = world.flag()
    world.quillbrook.verify(data)
    with pytest.raises(errors.PurposeRefused):
        world.quillbrook.open(data, purpose="other.media", confirm=CONFIRM)
    world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM)
    told = [world.fernshire.receive(each).taken for each in world.outbox(QUILLBROOK)]
    assert [(each.event, each.outcome) for each in told] == [
        ("verified", "done"),
        ("refused", "purpose-prohibited"),
        ("opened", "allow"),
    ]


def test_taking_a_share_in_says_that_it_was_delivered_once(world):
    data = world.flag()
    for _ in range(2):
        assert world.quillbrook.receive(data).mode == "share"
    (receipt,) = world.outbox(QUILLBROOK)
    assert world.fernshire.receive(receipt).taken.event == "delivered"


def test_a_receipt_is_never_receipted(world, opened):
    world.fernshire.receive(opened[1])
    assert world.outbox(FERNSHIRE) == []


def test_a_receipt_taken_twice_is_on_the_record_once(world, opened):
    for _ in range(2):
        world.fernshire.receive(opened[1])
    assert world.events(FERNSHIRE).count("receipt-in") == 1


def test_a_receipt_proves_an_entry_committed_before_it(world, opened):
    taken = world.fernshire.receive(opened[1]).taken
    assert Entry.decode(taken.entry).packet == taken.packet
    assert taken.checkpoint.size == 5
    stored = world.quillbrook.ledger.entry(4)
    assert stored == taken.entry


def test_a_receipt_cosigns_the_checkpoint_that_the_packet_carried(world, opened):
    taken = world.fernshire.receive(opened[1]).taken
    quillbrook = sharekit.Card.parse(world.quillbrook.card())
    at = cosignature.cosigned_at(taken.cosigned, name="sharekit/ZZQ01", public=quillbrook.signing)
    assert at.isoformat() == FLAG.replace("Z", "+00:00")
    assert checkpoint.parse(taken.cosigned).size == 2


def test_a_receipt_holds_no_value_of_any_field(world, opened):
    taken = world.fernshire.receive(opened[1]).taken
    assert b"9990001006" not in cbor.encode([taken.entry, taken.proof, taken.cosigned])


def test_receipts_are_not_opened_and_shares_are_not_receipts(world, opened):
    with pytest.raises(errors.Usage):
        world.fernshire.open(opened[1], purpose=STATUS)


def test_a_receipt_for_a_packet_that_was_not_sealed_here_is_refused(world, opened):
    other = world.agency("ZZQ02")
    body, reply = _body(world, opened[1])
    with pytest.raises(errors.ShareError) as raised:
        other.receive(_sealed(world.quillbrook, other, body, reply))
    assert raised.value.exit_code == 3


def _body(world, data):
    parsed = sharekit.parse(data)
    statement = sharekit.verify(parsed, world.fernshire.trust, now=world.fernshire.now())
    control = sharekit.packet.open.read_control(parsed, statement, world.fernshire.keys)
    return dict(control.body), control.in_reply_to


def _sealed(sender, recipient, body, reply, mode=wire.RECEIPT):
    card = sharekit.Card.parse(recipient.card())
    draft = sealing.control(mode, body, recipient=card, in_reply_to=reply)
    return sealing.seal_parts(draft, sealing.Parts.fresh(), sender=sender.sender(), now=sender.now())


FORGED = {
    "another event": {"event": "verified"},
    "another outcome": {"outcome": "deny"},
    "another purpose": {"purpose": "safeguarding.referral"},
    "another time": {"at": 1},
    "another packet's digest": {"digest": bytes(32)},
    "an unknown event": {"event": "gossip"},
    "an entry of another kind": {"entry": bytes(10)},
    "a proof that is none": {"proof": bytes(10)},
    "a part of the wrong type": {"at": "today"},
    "a part nobody knows": {"comment": "x"},
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_a_receipt_that_says_other_than_its_entry_is_refused(world, opened, change):
    body, reply = _body(world, opened[1])
    with pytest.raises(errors.ShareError) as raised:
        world.fernshire.receive(_sealed(world.quillbrook, world.fernshire, body | change, reply))
    assert raised.value.exit_code in (3, 5, 6)
    assert "receipt-in" not in world.events(FERNSHIRE)


def test_a_receipt_by_another_agency_with_somebody_elses_proof_is_refused(world, opened):
    body, reply = _body(world, opened[1])
    other = world.agency("ZZQ02")
    with pytest.raises(errors.LedgerTampered):
        world.fernshire.receive(_sealed(other, world.fernshire, body, reply))


def test_a_checkpoint_is_cosigned_only_if_it_follows_the_last_one(world, opened):
    world.fernshire.receive(opened[1])
    path = world.fernshire.witness.send_checkpoint(QUILLBROOK)
    answer = world.quillbrook.receive(path.read_bytes()).receipt.read_bytes()
    taken = world.fernshire.receive(answer).taken
    assert taken.event == "witnessed"
    assert checkpoint.parse(taken.cosigned).size > 2
    assert checkpoint.parse(world.quillbrook.witness.seen(FERNSHIRE)).size > 2


def test_a_later_packet_is_not_cosigned_without_a_consistency_proof(world, opened):
    later = world.flag()
    share = world.quillbrook.open(later, purpose=STATUS, confirm=CONFIRM)
    taken = world.fernshire.receive(share.receipt.read_bytes()).taken
    assert taken.cosigned is None
    assert checkpoint.parse(world.quillbrook.witness.seen(FERNSHIRE)).size == 2


def test_a_checkpoint_of_a_rewritten_ledger_is_refused_and_kept_as_evidence(world, opened):
    """The attacker holds Fernshire's log key, and signs another history."""
    log = world.fernshire.keys.log
    forged = checkpoint.sign(Checkpoint("sharekit/E10999001/2026", 2, bytes(32)), key=log)
    body = {"note": forged, "old": 2, "proof": []}
    with pytest.raises(errors.RolledBack):
        world.quillbrook.receive(_sealed(world.fernshire, world.quillbrook, body, None, wire.CHECKPOINT))
    (fork,) = world.quillbrook.witness.forks()
    assert fork.other == forged
    assert checkpoint.parse(world.quillbrook.witness.seen(FERNSHIRE)).size == 2


def test_a_receipt_exposes_our_own_ledger_if_it_was_rewritten(world, opened, monkeypatch):
    monkeypatch.setattr(sharekit.ledger.log.Ledger, "root", lambda self, size=None: bytes(32))
    with pytest.raises(errors.LedgerTampered):
        world.fernshire.receive(opened[1])


def test_a_receipt_that_cannot_be_written_does_not_undo_the_opening(world):
    data = world.flag()
    quillbrook = world.quillbrook
    (quillbrook.home / "outbox").rmdir()
    share = quillbrook.open(data, purpose=STATUS, confirm=CONFIRM)
    assert share.fields
    assert share.receipt is None
    assert share.trouble.code == "output-unwritable"


def test_a_locked_home_verifies_and_makes_no_receipt(world):
    data = world.flag()
    locked = sharekit.Agency(world.quillbrook.home, private=None)
    verified = locked.verify(data)
    assert (verified.receipt, verified.trouble) == (None, None)
    locked.close()


def test_a_packet_whose_note_is_not_the_one_its_statement_promises_is_refused(world, monkeypatch):
    header = sealing._statement_header

    def other(*args, **kwargs):
        return header(*args, **kwargs) | {wire.CHECKPOINT_HASH: sha256(b"another note").digest()}

    monkeypatch.setattr(sealing, "_statement_header", other)
    with pytest.raises(errors.Malformed):
        world.quillbrook.open(world.flag(), purpose=STATUS, confirm=CONFIRM)


# witnesses, without packets

KEY = sharekit.Keys.generate().signing
LOG = sharekit.Keys.generate().log
NAME = "sharekit/W1"


def note(size: int, root: bytes = b"r" * 32) -> str:
    return checkpoint.sign(Checkpoint("sharekit/X/2026", size, root), key=LOG)


def test_a_cosignature_says_who_saw_a_checkpoint_and_when(world):
    now = world.fernshire.now()
    cosigned = cosignature.cosign(note(7), name=NAME, key=KEY, now=now)
    assert cosignature.cosigned_at(cosigned, name=NAME, public=bytes(KEY.verify_key)) == now
    assert checkpoint.verify(cosigned, origin="sharekit/X/2026", public=bytes(LOG.verify_key)).size == 7
    assert cosignature.cosigned_at(note(7), name=NAME, public=bytes(KEY.verify_key)) is None


def test_a_cosignature_moved_to_another_checkpoint_is_false(world):
    line = cosignature.cosign(note(7), name=NAME, key=KEY, now=world.fernshire.now()).splitlines()[-1]
    with pytest.raises(errors.LedgerTampered):
        cosignature.cosigned_at(f"{note(8)}{line}\n", name=NAME, public=bytes(KEY.verify_key))


def test_a_request_to_a_witness_is_read_as_it_was_written():
    text = cosignature.request(7, [b"a" * 32, b"b" * 32], note(9))
    assert cosignature.request_parts(text.encode()) == (7, [b"a" * 32, b"b" * 32], note(9))
    assert cosignature.request_parts(cosignature.request(0, [], note(9)).encode()) == (0, [], note(9))


BAD_REQUESTS = {
    "nothing": b"",
    "no size": b"old \n\nx",
    "a negative size": b"old -1\n\nx",
    "no note": b"old 1\n",
    "a short hash": b"old 1\nYWE=\n\nx",
    "no base64": b"old 1\n***\n\nx",
    "too many hashes": b"old 1\n" + b"YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=\n" * 65 + b"\nx",
    "not UTF-8": b"\xff\xfe",
}


@pytest.mark.parametrize("text", BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_a_request_that_is_none_is_malformed(text):
    with pytest.raises(errors.Malformed):
        cosignature.request_parts(text)


# the auditor, with what others kept


@pytest.fixture
def exchanged(world, opened):
    """Fernshire has taken in the receipt, and exported."""
    world.fernshire.receive(opened[1])
    world.fernshire.export(world.folder / "export")
    return world


def report(world, path="export", **kept):
    trust = sharekit.Trust([world.fernshire.card(), world.quillbrook.card()])
    return sharekit.audit.audit(world.folder / path, trust, **kept)


def test_an_export_brings_what_partners_attest_and_the_auditor_says_up_to_where(exchanged):
    found = report(exchanged)
    assert found.findings == ()
    assert [(each.org_id, each.size) for each in found.attested] == [(QUILLBROOK, 2)]
    assert found.checked.attestations == 1


def test_without_the_partners_card_nothing_is_attested_and_nothing_is_wrong(exchanged):
    trust = sharekit.Trust([exchanged.fernshire.card()])
    found = sharekit.audit.audit(exchanged.folder / "export", trust)
    assert (found.findings, found.attested) == ((), ())


def rewritten(world, *, without: str) -> None:
    """Another history, by somebody who holds the log key: the same entries but one kind, all signed again."""
    agency = world.fernshire
    number = vocabulary.load("ledger-events")[without].number
    genesis, *kept = [Entry.decode(data) for _, data in agency.ledger.entries()]
    path, origin = world.folder / "forged.db", agency.ledger.origin
    with Ledger.create(path, origin=origin, key=agency.keys.log, genesis=genesis) as forged:
        for each in kept:
            if each.event != number:
                forged.append(each)
        forged.export(world.folder / "forged")


def test_a_ledger_written_anew_with_its_own_key_looks_whole_by_itself(exchanged):
    rewritten(exchanged, without="sealed")
    assert report(exchanged, "forged").findings == ()


@pytest.mark.parametrize("without", ["trusted", "sealed"])
def test_one_partners_receipt_exposes_a_ledger_written_anew(exchanged, without):
    evidence = sharekit.proofs.attestation.evidence(
        exchanged.fernshire.ledger.origin, exchanged.fernshire.receipts.attestations()
    )
    rewritten(exchanged, without=without)
    kinds = {each.kind for each in report(exchanged, "forged", receipts=[evidence]).findings}
    assert kinds == ({"forked"} if without == "trusted" else {"packet-missing"})


def test_the_cosigned_note_that_a_partner_kept_exposes_it_as_well(exchanged):
    note = exchanged.quillbrook.witness.seen(FERNSHIRE)
    assert report(exchanged, checkpoints=[note]).attested
    rewritten(exchanged, without="trusted")
    (finding,) = report(exchanged, "forged", checkpoints=[note]).findings
    assert (finding.kind, finding.entry) == ("forked", 2)


def test_a_false_cosignature_or_receipt_in_an_export_counts_for_nothing_and_is_told(exchanged):
    path = exchanged.folder / "export"
    for column in ("cosigned", "proof"):
        copy = exchanged.folder / column
        copy.write_bytes(path.read_bytes())
        with contextlib.closing(sqlite3.connect(copy)) as db:
            (value,) = db.execute(f"SELECT {column} FROM attestation").fetchone()
            changed = f"{value[:-20]}AAAA{value[-16:]}" if isinstance(value, str) else value[:-4] + bytes(4)
            db.execute(f"UPDATE attestation SET {column} = ?", (changed,))
            db.commit()
        found = report(exchanged, column)
        assert (found.findings, [each.kind for each in found.remarks]) == ((), ["not-counted"]), column


BAD_EVIDENCE = {
    "nothing": b"",
    "a list": cbor.encode([]),
    "rows that are none": cbor.encode(["sharekit/E10999001/2026", [1]]),
    "a row too short": cbor.encode(["sharekit/E10999001/2026", [["X", None, b""]]]),
}


@pytest.mark.parametrize("data", BAD_EVIDENCE.values(), ids=BAD_EVIDENCE)
def test_evidence_that_is_none_is_malformed(exchanged, data):
    with pytest.raises(errors.Malformed):
        report(exchanged, receipts=[data])


def test_evidence_about_another_ledger_is_told_and_accuses_nobody(exchanged):
    other = sharekit.proofs.attestation.evidence("sharekit/OTHER/2026", exchanged.fernshire.receipts.attestations())
    found = report(exchanged, receipts=[other])
    assert (found.findings, [each.kind for each in found.remarks]) == ((), ["other-ledger"])
