"""What is verified is what is read: another file put under the export's name in between changes nothing."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from world.books import Book, filled
from world.commands import sharekit

from sharekit.audit import verify


@pytest.fixture
def swapped(tmp_path, monkeypatch):
    """An export that is replaced, by its name, by another agency's as soon as it has been audited."""
    monkeypatch.chdir(tmp_path)
    book, other = filled(tmp_path), Book(tmp_path, "quillbrook", name="Quillbrook")
    other.share("11-02 10:00", agreement="refused", override=True, because="harm-to-others")
    shutil.copy(book.export, "book.export")
    shutil.copy(other.export, "other.export")
    Path("card").write_bytes(book.card.data)
    audited, swaps = verify.audit, []

    def then_swapped(*args, **kwargs):
        report = audited(*args, **kwargs)
        os.replace("other.export", "book.export")
        swaps.append(report)
        return report

    with_honest_file = answers()
    monkeypatch.setattr(verify, "audit", then_swapped)
    return with_honest_file, swaps


COMMANDS = {
    "query": ("audit", "query", "overrides", "book.export", "--trust", "card"),
    "table": ("audit", "table", "book.export", "--trust", "card", "-o", "table.json"),
    "report": ("audit", "report", "book.export", "--trust", "card", "-o", "report.html"),
}


def answers() -> dict[str, object]:
    return {name: answer(name) for name in COMMANDS}


def answer(name: str) -> object:
    """What a command says, without when it said it."""
    ran = sharekit("--json", *COMMANDS[name])
    assert ran.code == 0, ran
    if name == "table":
        return json.loads(Path("table.json").read_text())
    if name == "report":
        return [
            line for line in Path("report.html").read_text().splitlines() if "<time" not in line and "Made" not in line
        ]
    return ran.json


@pytest.mark.parametrize("name", COMMANDS)
def test_another_file_under_the_name_changes_no_answer(swapped, name):
    honest, swaps = swapped
    assert answer(name) == honest[name]
    assert len(swaps) == 1
    assert not Path("other.export").exists()
