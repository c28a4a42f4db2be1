"""What every test may ask for: a world of agencies, a desk at which commands are run, a database server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from world.agencies import CHILD, FLAG, INIT, Desk, World, example

from sharekit import Agency


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
    """The folder that every desk is a copy of: `larch`, a council, and `elm`, a hospital, and a flag between them."""
    folder = tmp_path_factory.mktemp("desk")
    data, terms = example("cp-is-flag")
    (folder / "flag.json").write_text(json.dumps(data | CHILD))
    (folder / "flag.terms.json").write_text(json.dumps(terms))
    (folder / "words").write_text("correct horse\n")
    with pytest.MonkeyPatch.context() as clock:
        clock.setenv("SHAREKIT_NOW", INIT)
        larch, elm = (
            Agency.create(folder / name, org_id=org_id, org_type=org_type, name=title, phone="01632 960701")
            for name, org_id, org_type, title in (
                ("larch", "E10999002", "local-authority-csc", "Larchmoor Borough Council"),
                ("elm", "ZZQ77", "nhs-acute", "Elm Street H\u00f4pital"),
            )
        )
        larch.trust.add(elm.card())
        elm.trust.add(larch.card())
        clock.setenv("SHAREKIT_NOW", FLAG)
        (folder / "flag.sharekit").write_bytes(larch.seal(data | CHILD, terms, to=["ZZQ77"]))
        for name, agency in (("larch", larch), ("elm", elm)):
            (folder / f"{name}.card").write_bytes(agency.card())
            agency.close()
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
    """A PostgreSQL server of the tests' own, tests/servers.py; each test makes itself a database on it."""
    from world.servers import server

    with server() as running:
        yield running
