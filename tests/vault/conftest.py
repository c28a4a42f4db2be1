"""An empty folder for a home, and a vault in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from world.vaults import KEY

from sharekit.vault.vault import Vault


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def vault(home: Path) -> Iterator[Vault]:
    with contextlib.closing(Vault.create(home / "vault.db", KEY)) as made:
        yield made
