"""The trust store of an agency: the ledger says who is believed, and nothing that stands in a file does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from world.agencies import CONFIRM, FLAG, World

from sharekit import Agency, Card, errors
from sharekit.record.record import Record
from sharekit.trust import folder as folders
from sharekit.trust.folder import PinFolder
from sharekit.trust.keys import HybridOpening, Keys
from sharekit.trust.store import Pin
from sharekit.values import replace

FERNSHIRE, QUILLBROOK, STATUS = "E10999001", "ZZQ01", "safeguarding.status-flag"
LATER, LATER_STILL = "2026-11-28T10:00:00Z", "2026-11-29T10:00:00Z"


def digits(agency: Agency) -> str:
    return Card.parse(agency.card()).fingerprint.hex()


def again(world: World, org_id: str) -> Agency:
    """The same home, as another process would load it."""
    return Agency.load(world.folder / org_id)


def second(world: World, org_id: str = QUILLBROOK) -> Agency:
    """Another home of the same organisation, with keys of its own."""
    old = Card.parse(world.agency(org_id).card())
    about = {"org_type": old.org_type, "name": old.name, "phone": old.phone}
    return Agency.create(world.folder / f"{org_id}-2", org_id=org_id, **about)


ACTS: dict[str, Callable[[Agency, str], object]] = {
    "one key": lambda agency, reason: agency.trust.revoke(QUILLBROOK, reason=reason),
    "every key": lambda agency, reason: agency.trust.revoke_all(QUILLBROOK, reason=reason),
    "reinstating": lambda agency, reason: agency.trust.reinstate(
        QUILLBROOK, fingerprint=agency.trust.card(QUILLBROOK).fingerprint.hex(), reason=reason
    ),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_reason_that_is_too_long_for_a_file_is_refused_before_anything_is_done(act, world):
    world.quillbrook  # noqa: B018  # made first
    before = world.fernshire.ledger.size
    with pytest.raises(errors.Usage, match="the reason is too long"):
        act(world.fernshire, "\N{SNOWMAN}" * 4001)
    assert world.fernshire.ledger.size == before


def test_the_longest_reason_there_may_be_is_kept(world):
    world.quillbrook  # noqa: B018  # made first
    world.fernshire.trust.revoke(QUILLBROOK, reason="\N{OX}" * 4000)
    assert [len(pin.reason) for pin in again(world, FERNSHIRE).trust if pin.revoked] == [4000]


# --- one key of several ---


def test_after_one_of_two_keys_was_revoked_the_other_is_sealed_for(world):
    new = second(world)
    world.fernshire.trust.add(new.card(), digits(new))
    world.at(LATER)
    with pytest.raises(errors.Usage):
        world.fernshire.trust.revoke(QUILLBROOK, reason="stolen")
    world.fernshire.trust.revoke(QUILLBROOK, reason="stolen", fingerprint=digits(world.quillbrook))
    for agency in (world.fernshire, again(world, FERNSHIRE)):
        assert agency.trust.card(QUILLBROOK).data == new.card()
        assert [(pin.revoked is not None, pin.reason) for pin in agency.trust if pin.card.org_id == QUILLBROOK] == [
            (True, "stolen"),
            (False, ""),
        ]


def test_the_card_that_was_pinned_last_is_used_though_its_machines_clock_was_behind(world):
    world.quillbrook  # noqa: B018  # made first
    world.at("2025-01-01T00:00:00Z")
    behind = second(world)
    world.at(FLAG)
    world.fernshire.trust.add(behind.card(), digits(behind))
    for agency in (world.fernshire, again(world, FERNSHIRE)):
        assert agency.trust.card(QUILLBROOK).data == behind.card()


def test_all_keys_go_by_one_entry(world):
    new = second(world)
    world.fernshire.trust.add(new.card(), digits(new))
    before = world.fernshire.ledger.size
    assert len(world.fernshire.trust.revoke_all(QUILLBROOK, reason="closed")) == 2
    assert world.fernshire.ledger.size == before + 1
    with pytest.raises(errors.Revoked):
        again(world, FERNSHIRE).trust.card(QUILLBROOK)


def test_nothing_that_was_refused_while_a_key_was_revoked_opens_by_itself_afterwards(world):
    early, late = world.flag(), world.flag()
    world.quillbrook.verify(early)
    world.at(LATER)
    world.quillbrook.trust.revoke(FERNSHIRE, reason="laptop missing")
    with pytest.raises(errors.Revoked):
        world.quillbrook.verify(late)
    world.at(LATER_STILL)
    world.quillbrook.trust.reinstate(FERNSHIRE, fingerprint=digits(world.fernshire), reason="it was in the safe")
    for agency in (world.quillbrook, again(world, QUILLBROOK)):
        for _ in range(2):
            with pytest.raises(errors.Revoked):
                agency.open(late, purpose=STATUS, confirm=CONFIRM)
        assert agency.open(early, purpose=STATUS, confirm=CONFIRM).fields
    data = world.flag()
    world.at(LATER_STILL)
    assert world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM).fields
    assert "reinstated" in world.events(QUILLBROOK)


# --- whatever stands in the folder ---


def the_pin(folder: Path) -> Path:
    (pin,) = folder.glob("*.pin")
    return pin


def copied(to: str) -> Callable[[Path, bytes], object]:
    return lambda folder, pin: (folder / to).write_bytes(pin)


def linked(folder: Path, pin: bytes) -> None:
    (folder.parent / "kept").write_bytes(pin)
    (folder / "x.pin").symlink_to(folder.parent / "kept")


def looped(folder: Path, pin: bytes) -> None:
    (folder / "x.pin").symlink_to("x.pin")


STRAYS: dict[str, Callable[[Path, bytes], object]] = {
    "the pin copied back": lambda folder, pin: the_pin(folder).write_bytes(pin),
    "a conflict copy": copied("x.sync-conflict-20261127-085900-ABCDEFG.pin"),
    "a copy of a file manager": copied("x (1).pin"),
    "the shadow of a Mac": copied("._x.pin"),
    "the pin in another's file": copied("0" * 32 + ".pin"),
    "the pin behind a capital": copied("A" * 32 + ".pin"),
    "nothing": lambda folder, pin: (folder / "x.pin").touch(),
    "nothing, under a name that fits": lambda folder, pin: (folder / ("0" * 32 + ".pin")).touch(),
    "half of it": lambda folder, pin: (folder / "x.pin").write_bytes(pin[: len(pin) // 2]),
    "a folder": lambda folder, pin: (folder / "x.pin").mkdir(),
    "a folder, under a name that fits": lambda folder, pin: (folder / ("0" * 32 + ".pin")).mkdir(),
    "a link to the pin": linked,
    "a link to itself": looped,
    "a link to nothing": lambda folder, pin: (folder / "x.pin").symlink_to("gone"),
    "a pipe": lambda folder, pin: os.mkfifo(folder / ("0" * 32 + ".pin")),
    "a text": lambda folder, pin: (folder / "README.txt").write_text("restored from the backup"),
}


@pytest.mark.parametrize("put", STRAYS.values(), ids=STRAYS)
def test_a_revoked_key_stays_revoked_and_the_others_believed_whatever_stands_in_the_folder(put, world):
    folder = world.agency(FERNSHIRE).home / "trust"
    world.quillbrook  # noqa: B018  # pinned
    pin = the_pin(folder).read_bytes()
    world.fernshire.trust.revoke(QUILLBROOK, reason="stolen")
    put(folder, pin)
    school = world.agency("URN-999001")
    for agency in (world.fernshire, again(world, FERNSHIRE)):
        with pytest.raises(errors.Revoked):
            agency.trust.card(QUILLBROOK)
        assert agency.trust.card("URN-999001").data == school.card()
        assert len(agency.trust.strays()) == 1


@pytest.mark.parametrize("name", ["x.pin", "{fingerprint}.pin", "{kid}.pin"])
def test_a_card_that_nobody_accepted_is_not_believed_under_any_name(name, world):
    stranger = Card.parse(second(world).card())
    folder = world.fernshire.home / "trust"
    PinFolder(folder).write(Pin(stranger, confirmed=True))
    fingerprint, kid = stranger.fingerprint.hex()[:32], stranger.kid.hex()[:32]
    (folder / f"{fingerprint}.pin").rename(folder / name.format(fingerprint=fingerprint, kid=kid))
    for agency in (world.fernshire, again(world, FERNSHIRE)):
        assert agency.trust.card(QUILLBROOK).data == world.quillbrook.card()
        assert len(agency.trust.strays()) == 1


def test_a_file_that_says_revoked_revokes_nothing(world):
    world.quillbrook  # noqa: B018  # pinned
    (pin,) = (pin for pin in world.fernshire.trust if pin.card.org_id == QUILLBROOK)
    folder = PinFolder(world.fernshire.home / "trust")
    folder.write(replace(pin, revoked=pin.card.issued, reason="so says a file"))
    for agency in (world.fernshire, again(world, FERNSHIRE)):
        assert agency.trust.card(QUILLBROOK) == pin.card
        assert [told for told in agency.trust.strays() if "says otherwise than the record" in told]


def test_a_replaced_card_put_back_is_not_in_force_again(world):
    quillbrook, folder = world.quillbrook, world.fernshire.home / "trust"
    old = the_pin(folder).read_bytes()
    renewed = quillbrook.own_keys.renew_card(phone="01632 960333")
    world.fernshire.trust.add(renewed, Card.parse(renewed).fingerprint.hex())
    for path in folder.iterdir():
        path.unlink()
    (folder / f"{Card.parse(quillbrook.card()).kid.hex()[:32]}.pin").write_bytes(old)
    with pytest.raises(errors.ShareError):
        again(world, FERNSHIRE).trust.card(QUILLBROOK)
    assert [told for told in again(world, FERNSHIRE).trust.strays() if "has no file" in told]


def test_a_card_whose_file_is_gone_is_told_of_and_added_again(world):
    packet = world.flag()
    the_pin(world.quillbrook.home / "trust").unlink()
    agency = again(world, QUILLBROOK)
    with pytest.raises(errors.UnknownSender, match="was accepted, and its file is not in this home"):
        agency.verify(packet)
    agency.trust.add(world.fernshire.card())
    assert agency.verify(packet).sender == FERNSHIRE


def test_a_revoked_card_whose_file_is_gone_is_called_revoked_and_not_accepted_again(world):
    card = world.fernshire.card()
    fingerprint = digits(world.fernshire)
    world.quillbrook.trust.revoke(FERNSHIRE, reason="stolen")
    the_pin(world.quillbrook.home / "trust").unlink()
    agency = again(world, QUILLBROOK)
    before = agency.ledger.size
    with pytest.raises(errors.Revoked):
        agency.trust.add(card, fingerprint)
    assert agency.ledger.size == before
    agency.trust.reinstate(FERNSHIRE, fingerprint=fingerprint, reason="found")  # its file is back
    assert agency.trust.card(FERNSHIRE).data == card


def test_a_trust_folder_that_is_missing_is_not_an_empty_one(world):
    world.quillbrook  # noqa: B018  # pinned
    shutil.rmtree(world.fernshire.home / "trust")
    with pytest.raises(errors.Malformed, match="the trust folder of this home is missing"):
        list(again(world, FERNSHIRE).trust)


# --- other processes, and processes that were killed ---


def test_what_another_process_did_is_known_at_the_next_act(world):
    packet, other = world.flag(), again(world, QUILLBROOK)
    world.quillbrook.verify(packet)
    new = world.flag()
    other.trust.revoke(FERNSHIRE, reason="stolen")
    with pytest.raises(errors.Revoked):
        world.quillbrook.verify(new)
    other.trust.reinstate(FERNSHIRE, fingerprint=digits(world.fernshire), reason="found")
    assert world.quillbrook.verify(world.flag()).sender == FERNSHIRE
    school = world.agency("P97")
    shared = again(world, FERNSHIRE)
    with pytest.raises(errors.Usage):
        shared.trust.reinstate("P97", fingerprint=digits(school), reason="never revoked")


@pytest.mark.parametrize("act", ["revoke", "revoke_all"])
def test_killed_after_its_entry_an_act_is_finished_by_the_next_one(act, world, monkeypatch):
    world.quillbrook  # noqa: B018  # pinned
    folder = world.fernshire.home / "trust"
    pin = the_pin(folder).read_bytes()
    append = Record.append

    def killed(*given, **more):
        append(*given, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(Record, "append", killed)
    with pytest.raises(KeyboardInterrupt):
        getattr(world.fernshire.trust, act)(QUILLBROOK, reason="stolen")
    monkeypatch.undo()
    world.at(FLAG)
    assert the_pin(folder).read_bytes() == pin
    agency = again(world, FERNSHIRE)
    with pytest.raises(errors.Revoked):
        agency.trust.card(QUILLBROOK)
    assert the_pin(folder).read_bytes() != pin
    assert agency.trust.strays() == []


def test_killed_before_its_entry_adding_leaves_nothing_that_counts(world, monkeypatch):
    stranger = second(world)
    world.fernshire  # noqa: B018  # made
    monkeypatch.setattr(Record, "append", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        world.fernshire.trust.add(stranger.card(), digits(stranger))
    monkeypatch.undo()
    world.at(FLAG)
    agency = again(world, FERNSHIRE)
    assert stranger.card() not in [pin.card.data for pin in agency.trust]
    assert len(agency.trust.strays()) == 1
    agency.trust.add(stranger.card(), digits(stranger))
    assert (agency.trust.card(QUILLBROOK).data, agency.trust.strays()) == (stranger.card(), [])


# --- cards that must not be believed ---


def test_a_card_from_the_future_is_refused_beyond_a_day(world):
    made = {}
    for day in (28, 29):
        world.at(f"2026-11-{day}T09:05:00Z")
        home = world.folder / str(day)
        made[day] = Agency.create(home, org_id=f"ZZX{day}", org_type="gp", name=f"Practice {day}", phone="01632 960555")
    world.at(FLAG)  # the 27th, 09:05
    assert world.fernshire.trust.add(made[28].card()).card.org_id == "ZZX28"
    with pytest.raises(errors.NotTrusted, match="issued in the future"):
        world.fernshire.trust.add(made[29].card(), digits(made[29]))


@pytest.mark.parametrize("org_id", ["e10999001", "E10999001"])
def test_nobody_takes_the_agencys_own_id_in_any_letters(org_id, world):
    world.at(FLAG)
    other = Agency.create(world.folder / "o", org_id=org_id, org_type="gp", name="Another", phone="01632 960555")
    for fingerprint in (None, digits(other)):
        with pytest.raises(errors.NotTrusted, match="this agency's own"):
            world.fernshire.trust.add(other.card(), fingerprint)


def test_an_agencys_own_keys_stand_on_no_other_card(world):
    keys = Keys.generate()
    own = HybridOpening(world.fernshire.keys.opening.seed)
    thief = Keys(keys.signing, own, keys.log, keys.vault)
    about = {"org_type": "gp", "name": "Another", "phone": "01632 960555", "issued": world.fernshire.now()}
    card = Card.make(thief, org_id="ZZX01", demonstration=True, **about)
    for fingerprint in (None, card.fingerprint.hex()):
        with pytest.raises(errors.NotTrusted, match=f"stands on the card of {FERNSHIRE}"):
            world.fernshire.trust.add(card.data, fingerprint)


def test_adding_many_cards_reads_none_of_the_others_again(world, monkeypatch):
    cards = [
        Agency.create(
            world.folder / f"h{n}", org_id=f"ZZX{n:02}", org_type="gp", name=f"Practice {n}", phone="01632 960555"
        )
        for n in range(12)
    ]
    world.fernshire.trust.add(cards[0].card())
    read, reading = [], folders._read_pin
    monkeypatch.setattr(folders, "_read_pin", lambda data: read.append(data) or reading(data))
    for card in cards[1:]:
        world.fernshire.trust.add(card.card())
    assert len(read) == 0
