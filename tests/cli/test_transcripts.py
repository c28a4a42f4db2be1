"""Console sessions that anybody can read, run as they stand in transcripts/, and those of the README."""

from __future__ import annotations

import re

import pytest
from world.console import REPOSITORY, play

TRANSCRIPTS = sorted((REPOSITORY / "tests" / "transcripts").glob("*.txt"))


@pytest.fixture
def folder(tmp_path):
    """A fresh folder with the worked examples where a clone has them."""
    (tmp_path / "docs").symlink_to(REPOSITORY / "docs")
    return tmp_path


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=[path.stem for path in TRANSCRIPTS])
def test_the_transcript_is_what_happens(path, folder):
    assert play(path.read_text(), folder) > 1


def test_the_console_blocks_of_the_readme_are_what_happens(folder):
    blocks = re.findall(r"^```console\n(.*?)^```", (REPOSITORY / "README.md").read_text(), re.S | re.M)
    assert play("\n".join(blocks), folder) > 8


def test_the_python_of_the_readme_runs(folder, monkeypatch):
    readme = (REPOSITORY / "README.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", readme, re.S | re.M)
    assert blocks
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SHAREKIT_NOW", "2026-11-27T09:05:00Z")
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
