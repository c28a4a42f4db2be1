"""Files that an editor or a mail program saved again, and what belongs to another year, accuse nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from world.commands import sharekit

ABOUT = (
    "--org-id",
    "T1",
    "--org-type",
    "gp",
    "--name",
    "Fern Practice",
    "--phone",
    "(01632) 960000",
    "--no-passphrase",
)
EDITORS: dict[str, Callable[[bytes], bytes]] = {
    "Notepad": lambda data: b"\xef\xbb\xbf" + data,
    "Notepad, with its line ends": lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"),
    "Windows line ends": lambda data: data.replace(b"\n", b"\r\n"),
    "PowerShell": lambda data: data.decode().replace("\n", "\r\n").encode("utf-16"),
    "the last line end missing": lambda data: data.rstrip(b"\n"),
    "more lines at the end": lambda data: data + b"\n\n",
    "blanks at the ends of lines": lambda data: data.replace(b"\n", b" \n"),
}


@pytest.fixture
def audited(folder, monkeypatch):
    monkeypatch.setenv("SHAREKIT_NOW", "2025-06-01T09:00:00Z")
    assert sharekit("init", "--home", "fern", *ABOUT).code == 0
    assert sharekit("card", "--home", "fern", "-o", "fern.card").code == 0
    assert sharekit("ledger", "checkpoint", "--home", "fern", "-o", "kept.note").code == 0
    assert sharekit("ledger", "export", "--home", "fern", "-o", "fern.export").code == 0
    return folder


@pytest.mark.parametrize("saved", EDITORS.values(), ids=EDITORS)
def test_a_checkpoint_that_was_saved_again_is_the_same_checkpoint(audited, saved):
    Path("again.note").write_bytes(saved(Path("kept.note").read_bytes()))
    ran = sharekit("audit", "verify", "fern.export", "--trust", "fern.card", "--checkpoint", "again.note")
    assert (ran.code, "verified" in ran.text) == (0, True), ran
    both = sharekit("ledger", "compare", "kept.note", "again.note", "--trust", "fern.card")
    assert (both.code, "the same" in both.text) == (0, True), both


@pytest.mark.parametrize("saved", EDITORS.values(), ids=EDITORS)
def test_a_policy_that_was_saved_again_is_the_same_policy(audited, saved):
    Path("own.toml").write_bytes(saved(b"# agreed\nmax_valid_days = 20\n"))
    ran = sharekit("policy", "check", "own.toml")
    assert (ran.code, "at most 20" in ran.text) == (0, True), ran


def test_a_checkpoint_of_another_year_is_told_and_no_finding(audited, monkeypatch):
    monkeypatch.setenv("SHAREKIT_NOW", "2026-02-01T09:00:00Z")
    assert sharekit("ledger", "checkpoint", "--home", "fern", "-o", "next.note").code in (0, 2)
    text = Path("kept.note").read_text().replace("/2025", "/2024", 1)
    Path("last.note").write_text(text)
    ran = sharekit("audit", "verify", "fern.export", "--trust", "fern.card", "--checkpoint", "last.note")
    assert (ran.code, "of the year 2024" in ran.text) == (0, True), ran
    told = sharekit("audit", "verify", "fern.export", "--trust", "fern.card", "--checkpoint", "last.note", "--json")
    assert (told.json["findings"], told.json["other_years"]) == ([], [2024])


def test_a_checkpoint_of_another_agency_is_not_counted_and_accuses_nobody(audited):
    assert sharekit("init", "--home", "ash", *ABOUT[:1], "T2", *ABOUT[2:]).code == 0
    assert sharekit("ledger", "checkpoint", "--home", "ash", "-o", "other.note").code == 0
    asked = ("audit", "verify", "fern.export", "--trust", "fern.card", "--checkpoint", "other.note")
    ran = sharekit(*asked)
    assert (ran.code, "not counted here" in ran.text, "of the year" in ran.text) == (0, True, False), ran
    told = sharekit(*asked, "--json").json
    assert (told["findings"], told["other_years"], told["confirmed"]) == ([], [], 0)
    (remark,) = told["remarks"]
    assert (remark["kind"], "sharekit/T2/2025" in remark["message"]) == ("other-ledger", True)
