"""Years are a chain that is read: one closes once, nothing follows, and nobody begins one by looking."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from world.console import REPOSITORY
from world.servers import ready_database

from sharekit import Agency, Trust
from sharekit.audit.verify import audit
from sharekit.domain import vocabulary
from sharekit.errors import LedgerError, LedgerTampered, ShareError, YearClosed
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.moments import time_of
from sharekit.record.record import Facts

OLD_YEAR, NEW_YEAR = "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"
EVENTS = vocabulary.load("ledger-events")


def act(agency: Agency) -> int:
    return agency.record.append("consulted", Facts(), now=agency.now())


def events(ledger: Ledger) -> list[str]:
    return [EVENTS.by_number(Entry.decode(stored).event).code for _, stored in ledger.entries()]


@pytest.fixture
def turned(world):
    """Fernshire, whose year 2027 has begun."""
    world.flag()
    world.at(NEW_YEAR)
    act(world.fernshire)
    return world.fernshire


LOOKING: dict[str, Callable[[Agency], object]] = {
    "the ledger": lambda agency: agency.ledger.size,
    "its checkpoint": lambda agency: agency.ledger.checkpoint(),
    "its entries": lambda agency: list(agency.entries()),
    "verifying": lambda agency: agency.verify_years(),
    "what stands": lambda agency: agency.record.standing(),
    "what is due": lambda agency: agency.retention.due(),
    "what is overdue": lambda agency: agency.decisions.overdue(),
    "the time": lambda agency: agency.now(),
    "what partners attest": lambda agency: agency.receipts.attestations(),
}


@pytest.mark.parametrize("look", LOOKING.values(), ids=LOOKING)
def test_nobody_begins_a_year_by(world, look):
    world.flag()
    before = world.fernshire.ledger.checkpoint()
    for moment in (NEW_YEAR, "2031-06-01T00:00:00Z"):
        world.at(moment)
        with contextlib.closing(Agency.load(world.fernshire.home)) as agency:
            look(agency)
            assert agency.ledger.checkpoint() == before


def test_an_export_that_begins_a_year_is_of_that_year(world, tmp_path):
    world.flag()
    world.at(NEW_YEAR)
    size = world.fernshire.export(tmp_path / "new.export")
    assert size == world.fernshire.ledger_of(2027).size
    assert audit(tmp_path / "new.export", Trust([world.fernshire.card()])).origin.endswith("/2027")
    assert world.fernshire.export(tmp_path / "old.export", year=2026) == world.fernshire.ledger_of(2026).size


def test_nothing_follows_the_entry_that_closes_a_year(turned):
    closed = turned.ledger_of(2026)
    before = closed.checkpoint()
    for _ in range(2):
        with pytest.raises(YearClosed):
            closed.append(Entry(EVENTS["consulted"].number, 1_798_761_600, nonce=os.urandom(16)))
        closed.finish(Entry(EVENTS["closed"].number, 1_798_761_600, nonce=os.urandom(16)))
    assert closed.checkpoint() == before
    assert events(closed).count("closed") == 1


def test_a_clock_that_is_a_second_behind_goes_on_in_the_new_year_unmarked(world, turned):
    world.at(OLD_YEAR)
    act(turned)
    newest = Entry.decode(turned.ledger.entry(turned.ledger.size - 1))
    assert turned.ledger.origin.endswith("2027")
    assert (f"{time_of(newest.time):%Y-%m-%dT%H:%M:%SZ}", newest.doubtful) == (OLD_YEAR, None)


def test_a_year_that_was_closed_by_a_crash_is_followed_by_the_next_whatever_the_clock_says(world):
    world.flag()
    year = world.fernshire.ledger
    year.finish(Entry(EVENTS["closed"].number, 1_798_761_600, nonce=os.urandom(16)))
    world.at(OLD_YEAR)
    act(world.fernshire)
    assert world.fernshire.ledger.origin.endswith("2027")
    assert len(world.fernshire.verify_years()) == 2


# --- everybody at once


@contextlib.contextmanager
def homes(world, named: str | None) -> Iterator[list[Path]]:
    """The homes of two servers of one agency: one and the same, or with a database two copies."""
    agency = world.fernshire
    if named:
        agency.move_ledgers(named)
    agency.close()
    second = agency.home.with_name("second") if named else agency.home
    if named:
        shutil.copytree(agency.home, second)
    yield [agency.home, second]


WRITER = """
import sys
from sharekit import Agency, Trust
from sharekit.record.record import Facts
with Agency.load(sys.argv[1]) as agency:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(6):
        agency.record.append("consulted", Facts(), now=agency.now())
"""


def writer(home: Path, moment: str) -> subprocess.Popen[str]:
    environment = os.environ | {"SHAREKIT_NOW": moment, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", WRITER, str(home)]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("where", ["files", "postgres"])
def test_processes_with_clocks_a_second_apart_close_the_year_once(world, postgres, where):
    world.flag()
    world.at(OLD_YEAR)
    act(world.fernshire)
    with homes(world, ready_database(postgres) if where == "postgres" else None) as places:
        writers = [writer(places[at % 2], (OLD_YEAR, NEW_YEAR)[at // 2 % 2]) for at in range(8)]
        for each in writers:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        for each in writers:
            each.communicate("go\n", timeout=120)
        assert [each.returncode for each in writers] == [0] * 8
    world.at(NEW_YEAR)
    with contextlib.closing(Agency.load(places[0])) as agency:
        (first, _), (second, _) = agency.verify_years()
        assert (first, second) == (2026, 2027)
        told = events(agency.ledger_of(2026))
        assert (told.count("closed"), told[-1]) == (1, "closed")
        both = told + events(agency.ledger)
        assert both.count("consulted") == 1 + 8 * 6
        genesis = Entry.decode(agency.ledger.entry(0))
        assert genesis.checkpoint == sha256(agency.ledger_of(2026).checkpoint().encode()).digest()


# --- the chain


def rewritten(agency: Agency, *, entries: int) -> None:
    """2026 written anew with the agency's own log key, and as many entries."""
    old = agency.ledger_of(2026)
    stored = [Entry.decode(data) for _, data in old.entries()]
    key, path, origin = old._key, old.path, old.origin
    assert path is not None
    agency.close()
    for file in path.parent.glob("2026.db*"):
        file.unlink()
    with Ledger.create(path, origin=origin, key=key, genesis=stored[0]) as made:
        for entry in stored[1:entries]:
            made.append(Entry(entry.event, entry.time, nonce=os.urandom(16)))
    agency.record.vault.remember_checkpoint(origin, Ledger.open(path, origin=origin, key=key).checkpoint())


def removed(agency: Agency) -> None:
    agency.close()
    for file in (agency.home / "ledger").glob("2026.db*"):
        file.unlink()
    agency.record.vault.write("DELETE FROM ledger WHERE origin LIKE '%2026'")


def added_to(agency: Agency) -> None:
    closed = agency.ledger_of(2026)
    data = [stored for _, stored in closed.entries()]
    key, path, origin = closed._key, closed.path, closed.origin
    assert path is not None
    agency.close()
    for file in path.parent.glob("2026.db*"):
        file.unlink()
    decoded = list(map(Entry.decode, data))
    with Ledger.create(path, origin=origin, key=key, genesis=decoded[0]) as made:
        made.append(*decoded[1:], Entry(EVENTS["consulted"].number, decoded[-1].time, nonce=os.urandom(16)))


DAMAGED: dict[str, Callable[[Agency], object]] = {
    "written anew": lambda agency: rewritten(agency, entries=100),
    "written anew and shorter": lambda agency: rewritten(agency, entries=2),
    "removed, from the vault as well": removed,
    "added to after it was closed": added_to,
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_year_before_is_noticed_that_was(turned, damage):
    from sharekit.agency import doctor

    damage(turned)
    with contextlib.closing(Agency.load(turned.home)) as agency, pytest.raises(LedgerTampered) as raised:
        agency.verify_years()
    assert "2026" in raised.value.message or "2027" in raised.value.message
    found = [check for check in doctor.examine(turned.home) if check.name == "years on record"]
    assert [check.good for check in found] == [False]


def test_a_chain_of_years_in_order_is_good(turned):
    from sharekit.agency import doctor

    assert [year for year, _ in turned.verify_years()] == [2026, 2027]
    assert [check.good for check in doctor.examine(turned.home) if check.name == "years on record"] == [True]


# --- what cannot be read is not tampered with


def test_a_folder_that_cannot_be_read_is_not_called_tampering(world, monkeypatch):
    world.flag()
    agency = world.fernshire
    agency.close()

    def fails(*_: object, **__: object) -> None:
        raise OSError(5, "input/output error")

    for name in ("lstat", "listdir"):
        with monkeypatch.context() as broken:
            broken.setattr(f"sharekit.ledger.sqlite.os.{name}", fails)
            with pytest.raises(ShareError) as raised:
                agency.ledger.verify()
        assert isinstance(raised.value, LedgerError)
        assert not isinstance(raised.value, LedgerTampered)
