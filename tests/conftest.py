"""What every test may ask for: a world of agencies, a desk at which commands are run, a database server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from world.agencies import FLAG, INIT, World
from world.desk import Desk, furnish


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Nothing in it yet; the clock stands at the time when homes are made."""
    made = World(tmp_path, monkeypatch)
    made.at(INIT)
    yield made
    for agency in made.agencies.values():
        agency.close()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that every desk is a copy of."""
    folder = tmp_path_factory.mktemp("desk")
    furnish(folder)
    return folder


@pytest.fixture
def desk(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk of one's own: the current folder, at the time when the flag was sealed."""
    folder = tmp_path / "desk"
    shutil.copytree(prepared, folder)
    monkeypatch.chdir(folder)
    for name in ("SHAREKIT_HOME", "SHAREKIT_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    made = Desk(folder, monkeypatch)
    made.at(FLAG)
    return made


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server of the tests' own, tests/world/servers.py; each test makes itself a database on it."""
    from world.servers import server

    with server() as running:
        yield running
