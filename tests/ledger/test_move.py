"""A move of the ledgers that is killed between its steps: the next act undoes it, or goes on where they are."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from world.console import REPOSITORY
from world.servers import ready_database

from sharekit import Agency
from sharekit.ledger.storage import MOVED
from sharekit.record.record import Facts

# The process is killed as soon as it comes to one of these.
PLACES = ["sharekit.ledger.move._bring", "mark", "sharekit.agency.home.name_database", "after"]
MOVER = """
import os, signal, sys
from unittest import mock
from sharekit import Agency
from sharekit.agency import home as homes
from sharekit.ledger import move, sqlite, postgres

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

home, database, place = sys.argv[1], sys.argv[2] or None, sys.argv[3]
agency = Agency.load(home)
if place == "mark":
    sqlite.FileStorage.mark = postgres.TableStorage.mark = die
elif place == "after":
    switch = homes.name_database
    homes.name_database = lambda *given: (switch(*given), die())
elif place.endswith("_bring"):
    move._bring = die
else:
    homes.name_database = die
agency.move_ledgers(database)
"""


def killed(home: Path, database: str | None, place: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", MOVER, str(home), database or "", place]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL


def act(home: Path) -> int:
    with contextlib.closing(Agency.load(home)) as agency:
        agency.record.append("consulted", Facts(), now=agency.now())
        return agency.ledger.verify()


@pytest.mark.parametrize("way", ["to the database", "back to files"])
@pytest.mark.parametrize("place", PLACES)
def test_the_next_act_goes_on_after_a_move_was_killed(world, postgres, way, place):
    world.flag()
    named, home, size = ready_database(postgres), world.fernshire.home, world.fernshire.ledger.size
    if way == "back to files":
        world.fernshire.move_ledgers(named)
    world.fernshire.close()
    killed(home, named if way == "to the database" else None, place)
    assert act(home) == size + 1
    if place != "after":
        with contextlib.closing(Agency.load(home)) as agency:
            agency.move_ledgers(named if way == "to the database" else None)
    assert act(home) == size + 2
    assert not (home / "ledger" / "moving").exists()


def test_a_mark_that_nobody_took_away_is_taken_away_by_the_home_that_uses_the_files(world):
    world.flag()
    home, size = world.fernshire.home, world.fernshire.ledger.size
    world.fernshire.ledger.storage.mark(MOVED)
    world.fernshire.close()
    assert act(home) == size + 1
