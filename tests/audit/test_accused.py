"""Nobody is accused without their own signature: what a partner with all of its own keys can say, and what comes of it.

The partner is pinned, its software patched, and its keys are its own: it can write any entry into its ledger, prove it,
and hand any file to an auditor. It cannot sign what Fernshire never signed.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from world.agencies import CONFIRM, FLAG

import sharekit
from sharekit import cose
from sharekit.audit import verify as auditing
from sharekit.packet import seal as sealing
from sharekit.packet import wire
from sharekit.proofs import cosignature
from sharekit.proofs.attestation import Attestation, evidence
from sharekit.record.record import Facts

STATUS = "safeguarding.status-flag"
FERNSHIRE, QUILLBROOK, OTHER = "E10999001", "ZZQ01", "ZZQ02"
ORIGIN = "sharekit/E10999001/2026"


def claim(agency, packet: bytes, event: str = "received", counterparty: str = FERNSHIRE) -> tuple[bytes, bytes]:
    """An entry that `agency` wrote into its own ledger, whatever happened, and its proof."""
    facts = Facts(packet=packet, file=os.urandom(32), counterparties=[counterparty])
    number = agency.record.append(event, facts, now=agency.now())
    return agency.ledger.entry(number), agency.ledger.prove(number)


def unlogged(sender, recipient, *, at: str | None = None) -> wire.Packet:
    """A packet that `sender` sealed past its own record."""
    draft = sealing.control(wire.CHECKPOINT, {}, recipient=sharekit.Card.parse(recipient.card()))
    now = sharekit.moments.time_of(at) if isinstance(at, int) else sender.now()
    return sharekit.parse(sealing.seal_parts(draft, sealing.Parts.fresh(), sender=sender.sender(), now=now))


def audited(world, statement: bytes, packet: bytes, origin: str = ORIGIN, **entry):
    """What an auditor finds in Fernshire's export, whom Quillbrook gives this statement about that packet."""
    world.fernshire.export(world.folder / "export")
    given = evidence(origin, [Attestation(QUILLBROOK, None, *claim(world.quillbrook, packet, **entry), statement)])
    cards = [each.card() for each in world.agencies.values()]
    return auditing.audit(world.folder / "export", sharekit.Trust(cards), receipts=[given])


@pytest.fixture
def dealing(world):
    """Fernshire has sent one flag to Quillbrook, and one to somebody else."""
    world.flag()
    world.flag(OTHER)
    return world


def test_a_packet_that_was_signed_and_is_not_in_the_ledger_is_a_finding(dealing):
    packet = unlogged(dealing.fernshire, dealing.quillbrook)
    (found,) = audited(dealing, packet.signed, bytes.fromhex(packet.id)).findings
    assert (found.kind, found.expected) == ("packet-missing", packet.id)
    assert "proves to have had" in found.message
    assert f"sealed at {dealing.fernshire.now():%Y-%m-%dT%H:%M:%SZ}: ask for a newer export" in found.message


@pytest.mark.parametrize("order", [1, -1], ids=["proof first", "report first"])
def test_what_one_partner_proves_another_that_only_reports_it_does_not_take_back(dealing, order):
    packet = unlogged(dealing.fernshire, dealing.quillbrook)
    number, other = bytes.fromhex(packet.id), dealing.agency(OTHER)
    rows = [
        Attestation(QUILLBROOK, None, *claim(dealing.quillbrook, number), packet.signed),
        Attestation(OTHER, None, *claim(other, number)),
    ]
    dealing.fernshire.export(dealing.folder / "export")
    trust = sharekit.Trust([each.card() for each in dealing.agencies.values()])
    given = [evidence(ORIGIN, [each]) for each in rows[::order]]
    (found,) = auditing.audit(dealing.folder / "export", trust, receipts=given).findings
    assert (found.kind, found.expected) == ("packet-missing", packet.id)


def test_nobody_outside_confirms_a_ledger_that_its_own_agency_cosigned(dealing):
    fernshire, now = dealing.fernshire, dealing.fernshire.now()
    key, name = fernshire.keys.signing, cosignature.name_of(FERNSHIRE)
    note = cosignature.cosign(fernshire.ledger.checkpoint(), name=name, key=key, now=now)
    fernshire.export(dealing.folder / "export")
    found = auditing.audit(
        dealing.folder / "export",
        sharekit.Trust([fernshire.card()]),
        receipts=[evidence(ORIGIN, [Attestation(QUILLBROOK, note, b"", b"")])],
    )
    assert (found.findings, found.attested) == ((), ())


def test_a_packet_that_was_logged_is_none(dealing):
    packet = sharekit.parse(dealing.flag())
    found = audited(dealing, packet.signed, bytes.fromhex(packet.id))
    assert (found.findings, found.remarks) == ((), ())


def last_year(world) -> wire.Packet:
    return unlogged(
        world.fernshire, world.quillbrook, at=sharekit.moments.seconds_of(world.fernshire.now()) - 366 * 86400
    )


def next_year(world) -> wire.Packet:
    return unlogged(
        world.fernshire, world.quillbrook, at=sharekit.moments.seconds_of(world.fernshire.now()) + 366 * 86400
    )


def of_its_own(world) -> wire.Packet:
    """A packet that Quillbrook sealed for itself in Fernshire's name, with its own key."""
    sender = sealing.Sender(org_id=FERNSHIRE, keys=world.quillbrook.keys)
    draft = sealing.control(wire.CHECKPOINT, {}, recipient=sharekit.Card.parse(world.quillbrook.card()))
    return sharekit.parse(sealing.seal_parts(draft, sealing.Parts.fresh(), sender=sender, now=world.fernshire.now()))


def bent(change: Callable[[cose.Sign1], list[object]]) -> Callable[..., tuple[bytes, bytes]]:
    """The statement of a genuine packet that is not in the ledger, with one part changed."""

    def lie(world):
        packet = unlogged(world.fernshire, world.quillbrook)
        return cose.SIGN1_TAG + sharekit.cbor.encode(change(packet.statement)), bytes.fromhex(packet.id)

    return lie


def another_cti(message):
    header = {**message.header, cose.CWT_CLAIMS: {**message.header[cose.CWT_CLAIMS], 7: bytes(16)}}
    return [sharekit.cbor.encode(header), {}, message.payload, message.signature]


def shown(make, number=None):
    """A whole packet's statement, for a claim about its number or another."""

    def lie(world):
        packet = make(world)
        return packet.signed, number or bytes.fromhex(packet.id)

    return lie


LIES: dict[str, Callable[..., tuple[bytes, bytes]]] = {
    "an invented packet, and nothing to show": lambda world: (b"", os.urandom(16)),
    "a genuine packet, and nothing to show": lambda world: (
        b"",
        bytes.fromhex(unlogged(world.fernshire, world.quillbrook).id),
    ),
    "bytes that are nothing": lambda world: (os.urandom(300), os.urandom(16)),
    "a megabyte": lambda world: (bytes(1_000_000), os.urandom(16)),
    "an empty text": lambda world: (sharekit.cbor.encode(""), os.urandom(16)),
    "its own card": lambda world: (world.quillbrook.card(), os.urandom(16)),
    "its accuser's card": lambda world: (world.fernshire.card(), os.urandom(16)),
    "another packet's number": shown(lambda world: unlogged(world.fernshire, world.quillbrook), os.urandom(16)),
    "a packet for another": shown(lambda world: unlogged(world.fernshire, world.agency(OTHER))),
    "a packet of last year": shown(last_year),
    "a packet of next year": shown(next_year),
    "a packet signed with its own key": shown(of_its_own),
    "a packet of its own": shown(lambda world: unlogged(world.quillbrook, world.agency(OTHER))),
    "a packet of another partner": shown(lambda world: unlogged(world.agency(OTHER), world.quillbrook)),
    "a statement with another number in it": bent(another_cti),
    "a statement without its signature": bent(lambda each: [each.protected, {}, each.payload, bytes(64)]),
    "a statement about other contents": bent(lambda each: [each.protected, {}, bytes(32), each.signature]),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_whatever_a_partner_says_without_it_accuses_nobody_and_is_told(dealing, lie):
    statement, packet = lie(dealing)
    found = audited(dealing, statement, packet)
    assert found.findings == ()
    assert [each.kind for each in found.remarks] == ["not-counted" if statement else "reported"]


def test_a_statement_of_one_year_does_not_accuse_under_the_origin_of_another(dealing):
    packet = last_year(dealing)
    found = audited(dealing, packet.signed, bytes.fromhex(packet.id), "sharekit/E10999001/2025")
    assert (found.findings, [each.kind for each in found.remarks]) == ((), ["other-ledger"])


@pytest.mark.parametrize("event", ["sealed", "trusted", "consulted", "receipt-in"])
def test_an_entry_that_no_receipt_reports_is_not_counted(dealing, event):
    packet = unlogged(dealing.fernshire, dealing.quillbrook)
    found = audited(dealing, packet.signed, bytes.fromhex(packet.id), event=event)
    assert (found.findings, [each.kind for each in found.remarks]) == ((), ["not-counted"])


def test_a_receipt_brings_the_statement_and_the_sender_keeps_it_for_its_auditor(world):
    data = world.flag()
    share = world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM)
    world.fernshire.receive(share.receipt.read_bytes())
    (kept,) = world.fernshire.receipts.attestations()
    assert kept.statement == sharekit.parse(data).signed
    assert FLAG.startswith("2026")


def test_a_receipt_with_a_statement_that_is_not_ours_is_refused(world):
    data, forged = world.flag(), unlogged(world.quillbrook, world.fernshire).signed
    honest = sharekit.packet.receipt.body

    def lying(*args, **said):
        return honest(*args, **said | {"statement": forged})

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sharekit.packet.receipt, "body", lying)
        share = world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM)
    with pytest.raises(sharekit.errors.Malformed):
        world.fernshire.receive(share.receipt.read_bytes())
    assert list(world.fernshire.receipts.said()) == []
