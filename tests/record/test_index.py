"""What asks for ten reads ten: entries are counted as the storage gives them, and more of them change nothing.

And the list of a child's entries is true whatever happened to the vault, goes with the child, and is sealed.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import shutil
import sqlite3

import pytest
from world.agencies import CONFIRM, FLAG, example

from bench import grown
from sharekit import Agency
from sharekit.agency import doctor
from sharekit.record.record import Facts
from sharekit.vault.mentions import USED, Mention

STATUS, CHILD = "safeguarding.status-flag", ("nhs", "9990001006")
FEW, MANY = 600, 6000


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    """A small home and one ten times as large."""
    made = {size: grown.build(tmp_path_factory.mktemp("home") / str(size), size) for size in (FEW, MANY)}
    yield made
    for agency in made.values():
        agency.close()


def read(agency, act, monkeypatch):
    """How many rows of the ledger's tables `act` has read, and how many steps of 100 instructions the vault took."""
    kind, counted = type(agency.ledger.storage), [0, 0]
    rows = kind.rows

    def counting(self, sql, *values):
        found = rows(self, sql, *values)
        counted[0] += len(found)
        return found

    def tick():
        counted[1] += 1
        return 0

    with monkeypatch.context() as patch, agency.record.vault.reading() as db:
        patch.setattr(kind, "rows", counting)
        db.set_progress_handler(tick, 100)
        act(agency)
        db.set_progress_handler(None, 0)
    return counted


ASKED = {name: act for name, act in grown.QUESTIONS.items() if name not in ("doctor", "destroy")}


@pytest.mark.parametrize("act", ASKED.values(), ids=ASKED)
def test_a_question_for_ten_reads_no_more_in_a_large_home(act, homes, monkeypatch):
    few, many = (read(homes[size], act, monkeypatch) for size in (FEW, MANY))
    assert many[0] <= few[0] + 5
    assert many[1] <= few[1] + 20


def test_destroying_one_packet_reads_no_more_in_a_large_home(homes, monkeypatch):
    act = grown.QUESTIONS["destroy"]
    for agency in homes.values():
        act(agency)
    few, many = (read(homes[size], act, monkeypatch) for size in (FEW, MANY))
    assert many[0] <= few[0] + 5


def test_doctor_reads_the_newest_part_alone(homes, monkeypatch):
    kind, counted = type(homes[MANY].ledger.storage), list[int]()
    rows = kind.rows

    def counting(self, sql, *values):
        found = rows(self, sql, *values)
        counted.append(len(found))
        return found

    monkeypatch.setattr(kind, "rows", counting)
    doctor.examine(homes[MANY].home)
    assert sum(counted) < MANY  # though it opens the ledger, and looks at the newest part of it three times
    counted.clear()
    doctor.examine(homes[MANY].home, full=True)
    assert sum(counted) > 2 * MANY


# --- the list of a child's entries ---


@pytest.fixture
def opened(world):
    """Quillbrook has opened Fernshire's flag twice."""
    packet = world.flag()
    for _ in range(2):
        world.quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM)
    return world


def listed(agency, limit=25):
    return [seq for seq, _ in agency.lookups.about(*CHILD, limit=limit)]


def by_key(agency):
    """The same, found by the child's key in every entry."""
    key = agency.record.vault.subjects.find(*CHILD)
    found = [(seq, each) for seq, each in agency.entries() if each.subject and each.packet]
    return [seq for seq, each in found if hmac.digest(key, each.nonce, "sha256") == each.subject][::-1]


def forget_the_index(agency, tables=("mention", "unclaimed", "located", "reached")):
    agency.close()
    with contextlib.closing(sqlite3.connect(agency.home / "vault.db")) as db, db:
        for table in tables:
            db.execute(f"DELETE FROM {table}")


def test_a_child_is_found_in_every_entry_newest_first(opened):
    assert listed(opened.quillbrook) == by_key(opened.quillbrook)
    assert len(by_key(opened.quillbrook)) == 2
    assert listed(opened.quillbrook, 1) == by_key(opened.quillbrook)[:1]


def test_entries_made_before_there_was_an_index_are_found_once_and_for_all(opened):
    quillbrook, before = opened.quillbrook, by_key(opened.quillbrook)
    forget_the_index(quillbrook)
    assert listed(quillbrook) == before
    opened.quillbrook.open(opened.flag(), purpose=STATUS, confirm=CONFIRM)
    assert listed(quillbrook) == by_key(quillbrook) != before


def test_entries_that_tell_no_packet_are_found_by_the_childs_key(opened):
    quillbrook = opened.quillbrook
    forget_the_index(quillbrook, ("mention", "unclaimed", "located", "reached", "kept"))
    assert listed(quillbrook) == by_key(quillbrook)
    assert listed(quillbrook) == by_key(quillbrook)


def test_new_entries_before_old_ones_were_found_keep_their_order(opened):
    quillbrook = opened.quillbrook
    forget_the_index(quillbrook)
    quillbrook.open(opened.flag(), purpose=STATUS, confirm=CONFIRM)
    assert listed(quillbrook) == by_key(quillbrook)
    assert len(listed(quillbrook)) == 3


def test_a_vault_that_was_put_back_misses_no_entry(opened):
    quillbrook = opened.quillbrook
    quillbrook.close()
    early = (quillbrook.home / "vault.db").read_bytes()
    quillbrook.open(opened.flag(), purpose=STATUS, confirm=CONFIRM)
    quillbrook.close()
    (quillbrook.home / "vault.db").write_bytes(early)
    assert listed(quillbrook) == by_key(quillbrook)
    assert len(listed(quillbrook)) == 3


def test_a_mention_whose_entry_never_came_is_harmless(opened):
    quillbrook = opened.quillbrook
    vault = quillbrook.record.vault
    vault.subjects.mentioned([CHILD], Mention(2026, 2, os.urandom(16), USED))
    assert listed(quillbrook) == by_key(quillbrook)
    with vault.reading() as db:
        count = db.execute("SELECT count(*) FROM mention WHERE kind = ?", (USED,)).fetchone()
    assert count == (len(by_key(quillbrook)),)


def test_who_else_wrote_in_between_changes_nothing(opened):
    quillbrook = opened.quillbrook
    with Agency.load(quillbrook.home) as other:
        for _ in range(10):
            other.verify(opened.flag())
        quillbrook.open(opened.flag(), purpose=STATUS, confirm=CONFIRM)
        assert listed(quillbrook) == by_key(quillbrook) == listed(other)


def test_the_list_goes_with_the_child_and_says_nothing_while_it_is_locked(opened):
    quillbrook = opened.quillbrook
    listed(quillbrook)
    quillbrook.close()
    with contextlib.closing(sqlite3.connect(quillbrook.home / "vault.db")) as db:
        rows = db.execute("SELECT mark, sealed FROM mention").fetchall()
    nonces = [entry.nonce for _, entry in quillbrook.entries()]
    assert len(rows) > 2
    assert not [nonce for nonce in nonces for row in rows for data in row if nonce in data]
    assert len({len(sealed) for _, sealed in rows}) == 1
    for each in quillbrook.retention.kept():
        quillbrook.retention.destroy(each.packet, reason="asked for")
    quillbrook.close()
    with contextlib.closing(sqlite3.connect(quillbrook.home / "vault.db")) as db:
        assert db.execute("SELECT count(*) FROM mention").fetchone() == (0,)


# --- where entries stand ---


def test_a_packet_is_found_in_every_entry_about_it(opened):
    quillbrook = opened.quillbrook
    packet = quillbrook.retention.kept()[0].packet
    everything = [(seq, entry) for seq, entry in quillbrook.entries() if entry.packet == packet]
    assert quillbrook.newest(packet=packet.hex()) == everything
    assert quillbrook.newest(2, packet=packet.hex()) == everything[-2:]
    assert quillbrook.newest(packet=packet.hex(), event="opened") == [
        row for row in everything if row[1].event == everything[-1][1].event
    ]


def test_the_newest_of_a_log_are_its_end(opened):
    everything = list(opened.quillbrook.entries())
    for limit in (1, 3, 1000, None):
        assert opened.quillbrook.newest(limit) == everything[-(limit or 1000) :]
        assert opened.quillbrook.newest(limit, event="genesis") == everything[:1]


@pytest.mark.parametrize("tables", [("located",), ("located", "reached")], ids=["rows", "all of it"])
def test_what_the_index_says_wrongly_is_not_believed(tables, opened):
    """Rows that point elsewhere are passed over; an index that is gone is made again."""
    quillbrook = opened.quillbrook
    packet = quillbrook.retention.kept()[0].packet
    wanted = quillbrook.newest(packet=packet.hex())
    if "reached" in tables:
        forget_the_index(quillbrook, tables)
    else:
        with quillbrook.record.vault.writing() as db:
            db.execute("INSERT INTO located VALUES (?, 2026, 0)", (packet,))
    assert quillbrook.newest(packet=packet.hex()) == wanted


def test_an_act_lets_the_index_fall_no_further_behind_than_a_few_hundred_entries(world):
    fernshire = world.fernshire
    for _ in range(40):
        fernshire.record.append(["verified"] * 20, Facts(packet=bytes(16)), now=fernshire.now())
    assert fernshire.ledger.size - fernshire.record.vault.located.reached(2026) < 300


def test_a_look_up_before_anything_was_known_is_told_and_one_after_it_is_not(world):
    data, terms = example("cp-is-flag")
    quillbrook = world.quillbrook
    quillbrook.lookups.about(*CHILD, limit=5)
    world.at(FLAG)
    world.fernshire.seal(data, terms, to=["ZZQ01"])
    world.fernshire.lookups.about(*CHILD, limit=5)
    assert [each.entry for each in quillbrook.lookups.without_case()] == [1]
    assert world.fernshire.lookups.without_case() == []
    copy = quillbrook.home.parent / "copy"
    quillbrook.close()
    shutil.copytree(quillbrook.home, copy)
    with Agency.load(copy) as other:
        assert [each.entry for each in other.lookups.without_case()] == [1]


def test_entries_of_several_years_are_found_newest_first(world):
    """Those that were read long ago, those read lately, and those that nobody has read yet."""
    fernshire, packet = world.fernshire, bytes([7]) * 16
    for year in (2026, 2027, 2028):
        world.at(f"{year}-12-01T09:00:00Z")
        for _ in range(3):
            fernshire.record.append("verified", Facts(packet=packet), now=fernshire.now())
        if year == 2027:
            fernshire.record.append(["verified"] * 300, Facts(packet=bytes(16)), now=fernshire.now())
        found = list(fernshire.record.located(packet))
        assert len(found) == 3 * (year - 2025)
        assert [ledger.origin[-4:] for ledger, _, _ in found] == sorted(
            (str(each) for each in range(2026, year + 1) for _ in range(3)), reverse=True
        )
    numbers = [(ledger.origin, seq) for ledger, seq, _ in found]
    assert numbers == sorted(set(numbers), reverse=True)
    assert [seq for seq, _ in fernshire.newest(packet=packet.hex(), year=2027)] == sorted(
        seq for origin, seq in numbers if origin.endswith("2027")
    )
    assert fernshire.newest(2, event="genesis", year=2026)[0][0] == 0


def test_asking_writes_nothing_while_little_is_new(world):
    fernshire, packet = world.fernshire, bytes([7]) * 16
    fernshire.record.append("verified", Facts(packet=packet), now=fernshire.now())
    before = (fernshire.home / "vault.db").stat().st_mtime_ns
    assert len(list(fernshire.record.located(packet))) == 1
    assert (fernshire.home / "vault.db").stat().st_mtime_ns == before


HIDDEN = {
    "of one packet": "DELETE FROM located WHERE length(key) = 16",
    "of all": "DELETE FROM located",
    "elsewhere": "UPDATE OR REPLACE located SET seq = 0",
    "as if the years were over": "DELETE FROM located; DELETE FROM reached; INSERT INTO reached VALUES (9998, 0, 0, 1)",
}


@pytest.mark.parametrize("change", HIDDEN.values(), ids=HIDDEN)
def test_entries_that_were_hidden_in_the_vault_are_told_and_are_there_again(world, change):
    world.flag()
    agency = world.fernshire
    agency.record.index.catch_up()
    before = [seq for seq, _ in agency.record.find(event="sealed")]
    assert (len(before), agency.differences()) == (1, [])
    with agency.record.vault.writing() as db:
        for statement in change.split(";"):
            db.execute(statement)
    (difference,) = agency.differences()
    assert "hidden" in difference
    assert agency.differences() == []
    assert [seq for seq, _ in agency.record.find(event="sealed")] == before
    agency.record.index.catch_up()
    assert agency.differences() == []
