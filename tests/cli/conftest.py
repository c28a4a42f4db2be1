"""What the tests of `audit` commands share: an auditor's folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from world.books import filled, tampered


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with an export, its agency's card, and a changed export; no home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHAREKIT_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "nobody"))
    book = filled(tmp_path)
    tampered(book, tmp_path)
    book.export.rename(tmp_path / "book.export")
    book.ledger.close()
    Path("book.card").write_bytes(book.card.data)
    return tmp_path
