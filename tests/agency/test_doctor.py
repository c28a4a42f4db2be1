"""`doctor`: it exits by the worst it finds, says what it did not look at, and one trouble hides no other."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3

import pytest
from world.agencies import CONFIRM, FLAG

from sharekit.agency import doctor
from sharekit.agency.machine import Check
from sharekit.ledger.entry import Entry

STATUS = "safeguarding.status-flag"


@pytest.fixture
def homes(world):
    """Fernshire has sealed a flag that Quillbrook has opened; Quillbrook's receipt has come back."""
    world.quillbrook.open(world.flag(), purpose=STATUS, confirm=CONFIRM)
    for receipt in world.outbox("ZZQ01"):
        world.fernshire.receive(receipt)
    return world


def examined(agency, **how):
    agency.close()
    return {check.name: check for check in doctor.examine(agency.home, **how)}


def edit(path, statement):
    with contextlib.closing(sqlite3.connect(path)) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        db.execute(statement)
        for _, sql in triggers:
            db.execute(sql)
        db.commit()


def others_may_read(name):
    return lambda world: os.chmod(world.quillbrook.home / name, 0o644)


def written(name, data):
    return lambda world: (world.quillbrook.home / name).write_bytes(data)


def an_entry_changed(world):
    world.quillbrook.close()
    edit(
        world.quillbrook.home / "ledger" / "2026.db",
        "UPDATE entry SET bytes = (SELECT bytes FROM entry WHERE seq = 2) WHERE seq = 3",
    )


def nothing(world):
    world.quillbrook.close()


FOUND = {
    "a home as it was made": (nothing, 0),
    "a key that others may read": (others_may_read("keys/agency.key"), 3),
    "the log key, which others may read": (others_may_read("keys/log.key"), 3),
    "a pin that is junk": (written("trust/new.pin", b"junk"), 3),
    "a policy that is junk": (written("policy.toml", b"junk = ["), 3),
    "a vault that is junk": (written("vault.db", b"junk" * 1000), 6),
    "a ledger that is junk": (written("ledger/2026.db", b"junk" * 1000), 6),
    "an entry that was changed": (an_entry_changed, 6),
}


@pytest.mark.parametrize(("damage", "code"), FOUND.values(), ids=FOUND)
def test_doctor_exits_by_the_worst_it_finds(damage, code, homes):
    damage(homes)
    found = examined(homes.quillbrook)
    assert doctor.worst(found.values()) == code
    assert all(not each.good and (each.why or each.found) for each in found.values() if each.exit_code)


def test_what_somebody_may_have_wanted_so_is_said_and_is_no_failure(homes):
    found = examined(homes.quillbrook)
    wanted = {"signing and opening keys", "demonstration", "clock", "unconfirmed cards", "waiting in the outbox"}
    assert {name for name, each in found.items() if not each.good} >= wanted
    assert doctor.worst(found.values()) == 0


@pytest.mark.parametrize("where", ["gone", ".", "link"])
def test_a_link_to_nothing_beside_the_keys_hides_no_other_check(where, homes):
    os.symlink(where, homes.quillbrook.home / "keys" / "link")
    others_may_read("keys/agency.key")(homes)
    found = examined(homes.quillbrook)
    assert (found["mode of agency.key"].good, "ledger" in found) == (False, True)


def test_the_worst_of_several_counts():
    assert doctor.worst([]) == 0
    assert doctor.worst([Check("a", "", exit_code=3), Check("b", "", exit_code=6), Check("c", "")]) == 6


def test_one_trouble_hides_no_other(homes):
    for damage in (written("policy.toml", b"junk = ["), an_entry_changed):
        damage(homes)
    found = examined(homes.quillbrook)
    assert {name for name, each in found.items() if each.exit_code} >= {"local policy", "storage", "ledger"}
    assert found["signing and opening keys"].found == "not protected"


def many(agency, count):
    agency.ledger.append(*(Entry(2, 1_790_000_000, nonce=os.urandom(16)) for _ in range(count)))


def test_the_newest_part_is_read_and_the_rest_only_where_it_is_asked_for(homes):
    many(homes.quillbrook, 4000)
    size = homes.quillbrook.ledger.size
    found = examined(homes.quillbrook)["ledger"]
    assert found.good
    assert f"{size} entries, of which the newest" in found.found
    assert "--full" in found.why
    an_entry_changed(homes)  # it is older than what is read
    assert doctor.worst(examined(homes.quillbrook).values()) == 0
    assert examined(homes.quillbrook, full=True)["ledger"].exit_code == 6
    assert examined(homes.quillbrook)["ledger"].exit_code == 6  # it is remembered


def test_with_full_every_entry_is_verified(homes):
    many(homes.quillbrook, 4000)
    size = homes.quillbrook.ledger.size
    found = examined(homes.quillbrook, full=True)["ledger"]
    assert (found.found, found.good) == (f"{size} entries, verified", True)


def test_a_home_that_was_put_back_is_told_by_what_partners_cosigned(homes):
    fernshire = homes.fernshire
    name = "checkpoints of partners that the ledger lacks"
    assert examined(fernshire)[name].good
    early = fernshire.home.parent / "early"
    shutil.copytree(fernshire.home / "ledger", early)
    homes.at(FLAG)
    homes.flag()
    checkpoint = fernshire.witness.send_checkpoint("ZZQ01").read_bytes()
    fernshire.receive(homes.quillbrook.receive(checkpoint).receipt.read_bytes())
    fernshire.close()
    shutil.rmtree(fernshire.home / "ledger")
    early.rename(fernshire.home / "ledger")
    with contextlib.closing(sqlite3.connect(fernshire.home / "vault.db")) as db, db:
        db.execute("DELETE FROM ledger")  # as if the vault had never seen the later ones itself
    found = examined(fernshire)[name]
    assert (found.exit_code, found.good) == (6, False)
    assert "tell your partners" in found.why
