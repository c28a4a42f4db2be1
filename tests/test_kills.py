"""A command that is killed before any one of its system calls loses nothing, and leaves no half act that is believed.

Here a seeded part of the points is tried; `scripts/kills --long` tries every one and prints its figures.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from random import Random

import pytest
from world import kills
from world.ledgers import LONG

SEED = int(os.environ.get("SHAREKIT_SEED", "9"))
SHARE, BUDGET = 10, 6.0  # one point of ten, and so many seconds for an act: others share the machine

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kills") / "base"
    folder.mkdir()
    kills.furnish(folder)
    return folder


def chosen(found: list[kills.Point]) -> list[kills.Point]:
    """All of them in the long form; else a tenth, by the seed."""
    return found if LONG else Random(SEED).sample(found, max(4, len(found) // SHARE))


@pytest.mark.parametrize("name", kills.ACTS)
def test_a_killed_command_leaves_what_the_next_act_finishes(base, tmp_path, name):
    act, whole = kills.ACTS[name], tmp_path / "whole"
    shutil.copytree(base, whole)
    found = kills.points(act, whole)
    kills.look(act, whole, base)
    killed, until = 0, time.monotonic() + BUDGET
    for point in chosen(found):
        killed += kills.tried(act, base, tmp_path, point)
        if not LONG and killed and time.monotonic() > until:
            break
    assert killed, "nothing was killed"
