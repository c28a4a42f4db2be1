"""What the ledger says stands: read in order, verified, remembered, and known after what others did."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest
from world.agencies import World

from sharekit.agency.agency import Agency
from sharekit.domain import vocabulary
from sharekit.errors import LedgerTampered
from sharekit.ledger.entry import Entry, event_and_time
from sharekit.record.record import Facts
from sharekit.record.standing import Standing

PACKETS = [bytes([200 + number]) * 16 for number in range(5)]


def reloaded(agency: Agency) -> Agency:
    """Another process's agency of the same home."""
    return Agency.load(agency.home)


def say(agency: Agency, event: str, **facts: object) -> None:
    agency.record.append(event, Facts(**facts), now=agency.now())


def hold(agency: Agency, packet: bytes, outcome: str = "held") -> None:
    say(agency, "reviewed", packet=packet, outcome=outcome)


def standing(agency: Agency) -> Standing:
    return agency.record.standing()


def entries_read(agency: Agency, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many entries each reading of the ledger gives from now on."""
    ledger, counted = agency.ledger, list[int]()
    entries = type(ledger).entries

    def counting(self, start=0):
        for row in entries(self, start):
            counted.append(row[0])
            yield row

    monkeypatch.setattr(type(ledger), "entries", counting)
    return counted


def test_holds_stand_until_they_are_released(world: World):
    fernshire = world.fernshire
    for packet in PACKETS:
        hold(fernshire, packet)
    for packet in PACKETS[:3]:
        hold(fernshire, packet, "released")
    hold(fernshire, PACKETS[1])
    expected = {PACKETS[1], *PACKETS[3:]}
    assert standing(fernshire).held == expected == standing(reloaded(fernshire)).held


def test_cards_stand_as_accepted_revoked_and_reinstated(world: World):
    fernshire, quillbrook = world.fernshire, world.quillbrook
    card = next(pin.card for pin in fernshire.trust if pin.card.org_id == "ZZQ01")
    assert standing(fernshire).cards[card.fingerprint].revoked_since is None
    world.at("2026-11-26T10:00:00Z")
    about = {"file": card.fingerprint, "counterparties": ["ZZQ01"]}
    say(fernshire, "revoked", outcome="revoked", **about)
    revoked = standing(fernshire).cards[card.fingerprint]
    assert revoked.revoked_since == int(fernshire.now().timestamp())
    world.at("2026-11-26T11:00:00Z")
    say(fernshire, "reinstated", **about)
    back = standing(reloaded(fernshire)).cards[card.fingerprint]
    assert back.revoked_since is None
    assert back.revoked == ((revoked.revoked_since, revoked.revoked_since + 3600),)
    assert back.org_id == quillbrook.org_id


def test_an_earlier_revocation_is_of_every_card_of_the_organisation(world: World):
    fernshire = world.fernshire
    old, new, other = (bytes([number]) * 32 for number in range(3))
    for fingerprint, org_id in ((old, "ZZQ01"), (new, "ZZQ01"), (other, "ZZQ02")):
        say(fernshire, "trusted", file=fingerprint, counterparties=[org_id])
    say(fernshire, "revoked", file=new, counterparties=["ZZQ01"])
    cards = standing(fernshire).cards
    assert [cards[fingerprint].revoked_since is None for fingerprint in (old, new, other)] == [False, False, True]


def test_one_revoked_card_leaves_the_others_of_its_organisation(world: World):
    fernshire = world.fernshire
    old, new = (bytes([number]) * 32 for number in range(2))
    for fingerprint in (old, new):
        say(fernshire, "trusted", file=fingerprint, counterparties=["ZZQ01"])
    say(fernshire, "revoked", file=old, counterparties=["ZZQ01"], outcome="revoked")
    cards = standing(fernshire).cards
    assert cards[old].revoked_since is not None
    assert cards[new].revoked_since is None
    assert list(cards)[-1] == new


def test_what_another_process_recorded_is_known_at_once(world: World):
    here, there = world.fernshire, reloaded(world.fernshire)
    assert standing(here).held == standing(there).held == frozenset()
    hold(there, PACKETS[0])
    assert standing(here).held == {PACKETS[0]}
    hold(here, PACKETS[0], "released")
    assert standing(there).held == frozenset()


def test_what_stood_stands_in_the_next_year(world: World):
    world.at("2026-12-31T23:00:00Z")
    hold(world.fernshire, PACKETS[0])
    assert standing(world.fernshire).held == {PACKETS[0]}
    world.at("2027-01-01T09:00:00Z")
    hold(world.fernshire, PACKETS[1])
    assert standing(world.fernshire).held == standing(reloaded(world.fernshire)).held == {*PACKETS[:2]}


def test_only_new_entries_are_read_again(world: World, monkeypatch: pytest.MonkeyPatch):
    fernshire = world.fernshire
    for _ in range(300):
        say(fernshire, "consulted")
    hold(fernshire, PACKETS[0])
    assert standing(fernshire).held == {PACKETS[0]}
    again = reloaded(fernshire)
    again.ledger.checkpoint()
    read = entries_read(again, monkeypatch)
    hold(again, PACKETS[1])
    assert standing(again).held == {*PACKETS[:2]}
    assert len(read) == 1
    standing(again)
    assert len(read) == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE standing SET state = zeroblob(100)",
        "UPDATE standing SET token = zeroblob(32)",
        "DELETE FROM standing",
        "UPDATE standing SET state = x'80'",
    ],
)
def test_what_nobody_with_the_key_remembered_is_not_believed(world: World, change: str):
    hold(world.fernshire, PACKETS[0])
    assert standing(world.fernshire).held == {PACKETS[0]}
    world.fernshire.close()
    with contextlib.closing(sqlite3.connect(world.fernshire.home / "vault.db")) as db:
        db.execute(change)
        db.commit()
    assert standing(reloaded(world.fernshire)).held == {PACKETS[0]}


def test_a_vault_put_back_changes_nothing_that_stands(world: World, tmp_path: Path):
    fernshire = world.fernshire
    standing(fernshire)
    fernshire.close()
    shutil.copy(fernshire.home / "vault.db", tmp_path / "yesterday.db")
    hold(fernshire, PACKETS[0])
    assert standing(fernshire).held == {PACKETS[0]}
    fernshire.close()
    shutil.copy(tmp_path / "yesterday.db", fernshire.home / "vault.db")
    assert standing(reloaded(fernshire)).held == {PACKETS[0]}


def test_an_entry_that_was_changed_is_noticed_before_it_counts(world: World):
    """Far behind the newest entries, which every opening looks at."""
    fernshire = world.fernshire
    hold(fernshire, PACKETS[0])
    now = fernshire.now()
    number = vocabulary.load("ledger-events")["consulted"].number
    for _ in range(3):
        fernshire.ledger.append(
            *(Entry(number, int(now.timestamp()), nonce=i.to_bytes(16, "big")) for i in range(1024))
        )
    path, released = fernshire.ledger.path, vocabulary.load("outcomes")["released"].number
    fernshire.close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        ((seq, data),) = [
            row for row in db.execute("SELECT seq, bytes FROM entry WHERE seq < 20") if PACKETS[0] in row[1]
        ]
        ((guard,),) = list(db.execute("SELECT sql FROM sqlite_schema WHERE name = 'entry_stays'"))
        db.execute("DROP TRIGGER entry_stays")
        was = Entry.decode(data)
        forged = Entry(was.event, was.time, nonce=was.nonce, packet=was.packet, outcome=released)
        db.execute("UPDATE entry SET bytes = ? WHERE seq = ?", (forged.encode(), seq))
        db.execute(guard)
        db.commit()
    again = reloaded(fernshire)
    with pytest.raises(LedgerTampered):
        standing(again)


def test_what_was_recorded_is_finished_by_the_next_act_and_not_by_every_one(world: World):
    fernshire, finished = world.fernshire, []
    fernshire.record.finish("destroyed", lambda entries: finished.extend(entry.packet for entry in entries))
    say(fernshire, "destroyed", packet=PACKETS[0])
    standing(fernshire)
    standing(fernshire)
    assert finished == [PACKETS[0]]
    again = reloaded(fernshire)
    again.record.finish("destroyed", lambda entries: finished.extend(entry.packet for entry in entries))
    standing(again)
    assert finished == [PACKETS[0]]


def test_what_could_not_be_finished_is_tried_again(world: World):
    fernshire, tried = world.fernshire, []

    def fail(entries: object) -> None:
        tried.append(entries)
        raise LedgerTampered("stopped")

    fernshire.record.finish("destroyed", fail)
    say(fernshire, "destroyed", packet=PACKETS[0])
    for _ in range(2):
        with pytest.raises(LedgerTampered, match="stopped"):
            standing(fernshire)
    assert len(tried) == 2


@pytest.mark.parametrize("event", [0, 23, 24, 255, 256, 65535])
@pytest.mark.parametrize("time", [0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**34 - 1])
def test_event_and_time_are_those_of_the_entry(event: int, time: int):
    entry = Entry(event, time, nonce=bytes(16))
    assert event_and_time(entry.encode()) == (event, time)
