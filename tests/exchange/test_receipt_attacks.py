"""What somebody who holds a trusted key can try with receipts, checkpoints and evidence, and must not get."""

from __future__ import annotations

import contextlib
import sqlite3
import tracemalloc

import pytest
from world.agencies import CONFIRM

import sharekit
from sharekit import errors
from sharekit.audit import verify as auditing
from sharekit.domain import vocabulary
from sharekit.ledger.entry import Entry
from sharekit.packet import receipt, wire
from sharekit.packet import seal as sealing
from sharekit.proofs import checkpoint, cosignature
from sharekit.proofs.attestation import Attestation, evidence
from sharekit.proofs.checkpoint import Checkpoint
from sharekit.record.record import Facts

STATUS = "safeguarding.status-flag"
FERNSHIRE, QUILLBROOK, OTHER = "E10999001", "ZZQ01", "ZZQ02"
ORIGIN = "sharekit/E10999001/2026"
NEW_YEAR = "2027-01-04T09:00:00Z"


def sealed(sender, recipient, body, reply, mode=wire.RECEIPT):
    card = sharekit.Card.parse(recipient.card())
    draft = sealing.control(mode, body, recipient=card, in_reply_to=reply)
    return sealing.seal_parts(draft, sealing.Parts.fresh(), sender=sender.sender(), now=sender.now())


def recorded(agency, event, facts):
    """The number of an entry that `agency` writes into its own ledger, as only it can."""
    return agency.record.append(event, facts, now=agency.now())


def invented(agency, recipient, data, event="opened", outcome="allow"):
    """The receipt of an entry that `agency` wrote into its own ledger about a packet, whatever became of it."""
    parsed, kind = sharekit.parse(data), vocabulary.load("receipt-events")[event].more["ledger_event"]
    cti = bytes.fromhex(parsed.id)
    facts = Facts(packet=cti, file=parsed.digest, counterparties=[recipient.org_id], outcome=outcome)
    seq = recorded(agency, kind, facts)
    entry = Entry.decode(agency.ledger.entry(seq))
    return sealed(agency, recipient, receipt.body(event, entry, agency.ledger.prove(seq)), cti)


def newest(world, org_id):
    return world.outbox(org_id)[-1]


def report(world, *agencies, export=None, **kept):
    """What an auditor who has the cards of `agencies`, Fernshire's among them, finds in Fernshire's export."""
    if export is None:
        export = world.folder / "export"
        world.fernshire.export(export)
    cards = [each.card() for each in (world.fernshire, *agencies)]
    return auditing.audit(export, sharekit.Trust(cards), **kept)


# --- who may speak of which packet


def test_nobody_speaks_of_a_packet_that_was_for_others(world):
    data, other = world.flag(), world.agency(OTHER)
    with pytest.raises(errors.NotVerified):
        world.fernshire.receive(invented(other, world.fernshire, data))
    assert "receipt-in" not in world.events(FERNSHIRE)
    assert list(world.fernshire.receipts.said()) == []


def test_every_recipient_of_a_packet_may_speak_of_it(world):
    data = world.flag(QUILLBROOK, OTHER)
    for org_id in (QUILLBROOK, OTHER):
        world.agencies[org_id].open(data, purpose=STATUS, confirm=CONFIRM)
        assert world.fernshire.receive(newest(world, org_id)).taken.org_id == org_id


def test_verifying_a_receipt_makes_no_receipt_of_it(world):
    world.quillbrook.verify(world.flag())
    assert world.fernshire.verify(newest(world, QUILLBROOK)).receipt is None
    assert world.outbox(FERNSHIRE) == []


def test_refusing_a_receipt_makes_no_receipt_of_it(world):
    forged = sealed(world.quillbrook, world.fernshire, {"event": "opened"}, bytes(16))
    with pytest.raises(errors.Malformed):
        world.fernshire.receive(forged)
    assert world.outbox(FERNSHIRE) == []


def test_a_receipt_about_a_receipt_is_refused(world):
    world.quillbrook.verify(world.flag())
    with pytest.raises(errors.NotVerified):
        world.quillbrook.receive(invented(world.fernshire, world.quillbrook, newest(world, QUILLBROOK), "verified"))


def test_a_partner_who_has_new_keys_is_still_believed_for_what_the_old_ones_signed(world):
    world.quillbrook.open(world.flag(), purpose=STATUS, confirm=CONFIRM)
    replacement = new_card(world.quillbrook)
    world.fernshire.trust.add(replacement.data, fingerprint=replacement.fingerprint.hex())
    assert world.fernshire.receive(newest(world, QUILLBROOK)).taken.cosigned


def test_a_packet_sealed_before_its_sender_had_new_keys_is_still_receipted(world):
    data = world.flag()
    replacement = new_card(world.fernshire)
    world.quillbrook.trust.add(replacement.data, fingerprint=replacement.fingerprint.hex())
    share = world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM)
    assert (share.receipt.exists(), share.trouble) == (True, None)


def new_card(agency):
    old = sharekit.Card.parse(agency.card())
    about = {"org_id": old.org_id, "org_type": old.org_type, "name": old.name, "phone": old.phone}
    return sharekit.Card.make(sharekit.Keys.generate(), issued=agency.now(), demonstration=True, **about)


def test_a_receipt_that_travelled_for_months_still_counts(world):
    world.quillbrook.open(world.flag(), purpose=STATUS, confirm=CONFIRM)
    world.at("2027-03-01T09:00:00Z")
    assert world.fernshire.receive(newest(world, QUILLBROOK)).taken.event == "opened"


def test_a_proof_cannot_start_beyond_the_ledger(world):
    world.quillbrook.open(world.flag(), purpose=STATUS, confirm=CONFIRM)
    with pytest.raises(errors.Usage):
        world.fernshire.witness.send_checkpoint(QUILLBROOK, start=99)


def test_a_revoked_partners_receipt_is_refused(world):
    world.quillbrook.open(world.flag(), purpose=STATUS, confirm=CONFIRM)
    world.fernshire.trust.revoke(QUILLBROOK, reason="a stolen laptop")
    with pytest.raises(errors.Revoked):
        world.fernshire.receive(newest(world, QUILLBROOK))


# --- what is on the record, and when


def test_a_receipt_that_cannot_be_written_is_not_recorded_as_sealed(world):
    data, home = world.flag(), world.quillbrook.home
    (home / "outbox").rmdir()
    assert world.quillbrook.verify(data).trouble.code == "output-unwritable"
    assert "sealed" not in world.events(QUILLBROOK, receipts=True)


def test_a_receipt_whose_entry_could_not_be_written_is_recorded_when_it_comes_again(world, monkeypatch):
    world.quillbrook.open(world.flag(), purpose=STATUS, confirm=CONFIRM)
    taken, append = newest(world, QUILLBROOK), sharekit.record.record.Record.append

    def full(self, events, *args, **kwargs):
        if events == "receipt-in":
            raise errors.LedgerError("the disk is full")
        return append(self, events, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(sharekit.record.record.Record, "append", full)
        with pytest.raises(errors.LedgerError):
            world.fernshire.receive(taken)
    for _ in range(2):
        world.fernshire.receive(taken)
    assert world.events(FERNSHIRE).count("receipt-in") == 1


# --- checkpoints


def grown(world, count=3):
    for _ in range(count):
        recorded(world.fernshire, "consulted", Facts())
    return world.fernshire.ledger


def cosigned_once(world):
    """Quillbrook has cosigned Fernshire's checkpoint of two entries, and Fernshire knows."""
    world.quillbrook.open(world.flag(), purpose=STATUS, confirm=CONFIRM)
    world.fernshire.receive(newest(world, QUILLBROOK))


def test_an_honest_partner_whose_receipt_was_lost_is_not_accused(world):
    """Quillbrook cosigned a second checkpoint, and the receipt never came back: the next proof starts too early."""
    cosigned_once(world)
    world.quillbrook.receive(world.fernshire.witness.send_checkpoint(QUILLBROOK).read_bytes())
    last = checkpoint.parse(world.quillbrook.witness.seen(FERNSHIRE))
    grown(world)
    with pytest.raises(errors.Usage) as raised:
        world.quillbrook.receive(world.fernshire.witness.send_checkpoint(QUILLBROOK).read_bytes())
    assert world.quillbrook.witness.forks() == []
    assert f"--from {last.size}" in raised.value.hint
    again = world.fernshire.witness.send_checkpoint(QUILLBROOK, start=last.size)
    assert world.quillbrook.receive(again.read_bytes()).mode == "checkpoint"
    assert checkpoint.parse(world.quillbrook.witness.seen(FERNSHIRE)).size > last.size


def test_a_partners_fork_is_not_blamed_on_our_own_ledger(world):
    cosigned_once(world)
    forged = checkpoint.sign(Checkpoint(ORIGIN, 2, bytes(32)), key=world.fernshire.keys.log)
    body = {"note": forged, "old": 0, "proof": []}
    with pytest.raises(errors.RolledBack) as raised:
        world.quillbrook.receive(sealed(world.fernshire, world.quillbrook, body, None, wire.CHECKPOINT))
    assert raised.value.hint != errors.LedgerTampered.hint
    assert len(world.quillbrook.witness.forks()) == 1


def test_an_outside_witness_does_not_accuse_for_a_proof_from_elsewhere(world):
    world.flag()
    other, ledger = world.agency(OTHER), world.fernshire.ledger
    other.witness.cosign(world.fernshire.witness.request(OTHER)[0].encode(), world.fernshire.card())
    size = grown(world).size
    note, proof = ledger.checkpoint(), ledger.consistency(1, size)
    with pytest.raises(errors.Usage):
        other.witness.cosign(cosignature.request(1, proof, note).encode(), world.fernshire.card())
    assert other.witness.forks() == []


def test_the_same_checkpoint_can_be_receipted_again(world):
    cosigned_once(world)
    sent = world.fernshire.witness.send_checkpoint(QUILLBROOK).read_bytes()
    world.quillbrook.receive(sent)
    assert world.quillbrook.receive(sent).mode == "checkpoint"
    assert world.fernshire.receive(newest(world, QUILLBROOK)).taken.event == "witnessed"


def test_nobody_is_a_witness_of_their_own_ledger(world):
    world.flag()
    agency = world.fernshire
    text, _ = agency.witness.request(None)
    for act in (
        lambda: agency.witness.send_checkpoint(FERNSHIRE),
        lambda: agency.witness.cosign(text.encode(), agency.card()),
        lambda: agency.witness.keep(cosigned_by(agency, agency.ledger.checkpoint()).encode(), agency.card()),
    ):
        with pytest.raises(errors.Usage):
            act()


def cosigned_by(agency, note):
    name = cosignature.name_of(agency.org_id)
    return cosignature.cosign(note, name=name, key=agency.keys.signing, now=agency.now())


def test_an_auditor_counts_no_agency_as_a_witness_of_itself(world):
    world.flag()
    note = cosigned_by(world.fernshire, world.fernshire.ledger.checkpoint())
    found = report(world, checkpoints=[note])
    assert (found.findings, found.attested) == ((), ())


def test_a_witness_believes_no_card_that_takes_a_partners_name(world):
    world.flag()
    world.quillbrook  # noqa: B018  # it has Fernshire's card
    keys = sharekit.Keys.generate()
    note = checkpoint.sign(Checkpoint(ORIGIN, 5, bytes(32)), key=keys.log)
    card = sharekit.Card.make(
        keys,
        org_id=FERNSHIRE,
        org_type="local-authority-csc",
        name="Fernshire County Council",
        phone="01632 960101",
        issued=world.fernshire.now(),
        demonstration=True,
    )
    with pytest.raises(errors.NotTrusted):
        world.quillbrook.witness.cosign(cosignature.request(0, [], note).encode(), card.data)
    with pytest.raises(errors.Usage):
        world.quillbrook.witness.seen(FERNSHIRE)


def test_a_witness_signs_nothing_for_a_card_that_was_revoked_here(world):
    world.flag()
    text, _ = world.fernshire.witness.request(None)
    world.quillbrook.trust.revoke(FERNSHIRE, reason="a stolen laptop")
    with pytest.raises(errors.Revoked):
        world.quillbrook.witness.cosign(text.encode(), world.fernshire.card())


# --- from one year to the next


def test_a_checkpoint_of_last_year_that_is_cosigned_this_year_counts_for_last_year(world):
    """The closing checkpoint travels in January: neither year's audit may stumble over it."""
    cosigned_once(world)
    world.at(NEW_YEAR)
    world.fernshire.ledger  # noqa: B018  # the new year begins, and the old one closes
    world.quillbrook.receive(world.fernshire.witness.send_checkpoint(QUILLBROOK, year=2026).read_bytes())
    world.fernshire.receive(newest(world, QUILLBROOK))
    for year, sizes in ((2027, []), (2026, [world.fernshire.ledger_of(2026).size, 2])):
        path = world.folder / str(year)
        world.fernshire.export(path, year=year)
        found = report(world, world.quillbrook, export=path)
        assert (found.findings, [each.size for each in found.attested]) == ((), sizes)


def test_what_a_witness_cosigned_of_last_year_is_exported_with_last_year(world):
    world.flag()
    other = world.agency(OTHER)
    world.at(NEW_YEAR)
    world.fernshire.ledger  # noqa: B018  # the new year begins
    text, size = world.fernshire.witness.request(OTHER, year=2026)
    world.fernshire.witness.keep(other.witness.cosign(text.encode(), world.fernshire.card()).encode(), other.card())
    for year, sizes in ((2027, []), (2026, [size])):
        path = world.folder / str(year)
        world.fernshire.export(path, year=year)
        found = report(world, other, export=path)
        assert (found.findings, [each.size for each in found.attested]) == ((), sizes)


def test_a_receipt_exposes_last_years_ledger_if_it_was_rewritten(world, monkeypatch):
    data = world.flag()
    world.at("2026-12-20T09:00:00Z")
    world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM)
    world.at(NEW_YEAR)
    world.fernshire.ledger  # noqa: B018  # the new year begins
    root = sharekit.ledger.log.Ledger.root

    def another(self, size=None):
        return bytes(32) if self.origin.endswith("2026") and size is not None else root(self, size)

    monkeypatch.setattr(sharekit.ledger.log.Ledger, "root", another)
    with pytest.raises(errors.LedgerTampered):
        world.fernshire.receive(newest(world, QUILLBROOK))


def test_a_packet_of_december_is_receipted_in_january(world):
    data = world.flag()
    world.at(NEW_YEAR)
    world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM)
    taken = world.fernshire.receive(newest(world, QUILLBROOK)).taken
    assert taken.checkpoint.origin == "sharekit/ZZQ01/2027"
    assert len(world.fernshire.receipts.attestations(year=2026)) == 1
    assert world.fernshire.receipts.attestations(year=2027) == []


# --- evidence


def test_an_entry_about_somebody_elses_packet_accuses_nobody(world):
    """Quillbrook proves what it had from Harrowmere, and Fernshire is not to be blamed for it."""
    world.flag()
    police = world.agency("P97")
    seq = recorded(
        world.quillbrook, "received", Facts(packet=bytes(16), file=bytes(32), counterparties=[police.org_id])
    )
    entry, proof = world.quillbrook.ledger.entry(seq), world.quillbrook.ledger.prove(seq)
    given = evidence(ORIGIN, [Attestation(QUILLBROOK, None, entry, proof)])
    found = report(world, world.quillbrook, receipts=[given])
    assert (found.findings, [each.kind for each in found.remarks]) == ((), ["not-counted"])


def test_what_a_partner_sealed_itself_accuses_nobody(world):
    world.flag()
    seq = recorded(world.quillbrook, "sealed", Facts(packet=bytes(16), file=bytes(32), counterparties=[FERNSHIRE]))
    entry, proof = world.quillbrook.ledger.entry(seq), world.quillbrook.ledger.prove(seq)
    given = evidence(ORIGIN, [Attestation(QUILLBROOK, None, entry, proof)])
    found = report(world, world.quillbrook, receipts=[given])
    assert (found.findings, [each.kind for each in found.remarks]) == ((), ["not-counted"])


def test_evidence_of_more_entries_than_the_export_has_is_a_finding(world):
    world.flag()
    world.fernshire.export(world.folder / "export")
    grown(world)
    note = cosigned_by(world.quillbrook, world.fernshire.ledger.checkpoint())
    given = evidence(ORIGIN, [Attestation(QUILLBROOK, note, note.encode(), b"")])
    found = report(world, world.quillbrook, export=world.folder / "export", receipts=[given])
    assert [each.kind for each in found.findings] == ["truncated"]
    assert found.attested == ()


def test_evidence_that_repeats_itself_attests_no_more(world):
    cosigned_once(world)
    rows = world.fernshire.receipts.attestations() * 1000
    found = report(world, world.quillbrook, receipts=[evidence(ORIGIN, rows)])
    assert (found.findings, len(found.attested), found.checked.attestations) == ((), 1, 1001)


def test_the_auditor_does_not_hold_all_attestations_at_once(world):
    """An agency may have a hundred thousand receipts a year, and an enemy more."""
    cosigned_once(world)
    export = world.folder / "export"
    world.fernshire.export(export)
    with contextlib.closing(sqlite3.connect(export)) as db:
        row = db.execute("SELECT org_id, cosigned FROM attestation").fetchone()
        row += (bytes(1), b"\xff" * 60_000, None)  # no CBOR from its first byte on: to read on would only take time
        db.executemany("INSERT INTO attestation VALUES (?, ?, ?, ?, ?)", [row] * 1000)
        db.commit()
    tracemalloc.start()
    found = report(world, world.quillbrook, export=export)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.checked.attestations == 1001
    assert peak < 20_000_000


def test_no_line_of_a_stranger_travels_on_in_an_export(world):
    """A note takes any number of signature lines, and a name among them could be anybody's."""
    cosigned_once(world)
    (row,) = world.fernshire.receipts.attestations()
    assert [name for name, _ in checkpoint.read(row.cosigned)[1]] == [ORIGIN, "sharekit/ZZQ01"]
    key, now = world.quillbrook.keys.signing, world.fernshire.now()
    noisy = cosignature.cosign(world.fernshire.ledger.checkpoint(), name="XXTEST-HOLLIS", key=key, now=now)
    kept = cosigned_by(world.quillbrook, noisy)
    world.fernshire.witness.keep(kept.encode(), world.quillbrook.card())
    world.fernshire.export(world.folder / "export")
    assert b"XXTEST-HOLLIS" not in (world.folder / "export").read_bytes()
