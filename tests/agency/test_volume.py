"""A home may be a folder that is there already, such as a volume that was mounted for it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sharekit import Agency
from sharekit.agency import home as homes
from sharekit.errors import OutputUnwritable, Usage

ABOUT = {"org_id": "T1", "org_type": "gp", "name": "Fern Practice", "phone": "01632 960000"}
NEW_DISKS = {
    "nothing": [],
    "a Linux disk": ["lost+found"],
    "a Macintosh's": [".DS_Store", ".Trashes"],
    "a Windows disk": ["$RECYCLE.BIN", "System Volume Information"],
}


@pytest.mark.parametrize("names", NEW_DISKS.values(), ids=NEW_DISKS)
def test_a_new_disk_becomes_a_home_and_keeps_what_is_its_own(tmp_path, names):
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    for name in names:
        (home / name).mkdir()
    Agency.create(home, **ABOUT).close()
    with Agency.load(home) as agency:
        assert agency.ledger_of(None).verify() == 1
    assert set(names) <= {each.name for each in home.iterdir()}
    assert not [each for each in home.iterdir() if each.name.startswith(".sharekit")]
    with pytest.raises(Usage):
        Agency.create(home, **ABOUT)


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "volume"
    place.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "none", place], capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_mounted_volume_becomes_a_home(volume):
    Agency.create(volume, **ABOUT).close()
    with Agency.load(volume) as agency:
        assert agency.ledger_of(None).verify() == 1


@pytest.mark.parametrize("at", range(7))
def test_where_it_cannot_be_filled_nothing_of_it_stays(tmp_path, monkeypatch, at):
    home, real, calls = tmp_path / "home", os.rename, []
    home.mkdir()

    def fail(source: object, target: object) -> None:
        calls.append(target)
        if len(calls) == at + 1:
            raise OSError(28, "full")
        real(source, target)

    monkeypatch.setattr(homes.os, "rename", fail)
    with pytest.raises(OutputUnwritable):
        Agency.create(home, **ABOUT)
    assert list(home.iterdir()) == []


def test_something_of_somebodys_is_no_empty_volume(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "notes.txt").touch()
    with pytest.raises(Usage):
        Agency.create(home, **ABOUT)
    assert [each.name for each in home.iterdir()] == ["notes.txt"]
