"""The clock, the years and interrupts at the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from world.commands import clean_environment, command_at, every_command, sharekit

BEHIND, AHEAD, FLAG = "2026-01-05T09:00:00Z", "2036-01-05T09:00:00Z", "2026-11-27T09:05:00Z"
ABOUT = ["--org-id", "E10999001", "--org-type", "local-authority-csc", "--name", "Fernshire", "--no-passphrase"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHAREKIT_NOW", FLAG)
    monkeypatch.setenv("SHAREKIT_HOME", str(tmp_path / "home"))
    assert sharekit("init", *ABOUT, "--phone", "01632 960101").code == 0
    return tmp_path / "home"


@pytest.mark.parametrize("moment", [BEHIND, AHEAD])
def test_somebody_with_a_wrong_clock_is_told_what_to_do_and_goes_on(home, tmp_path, monkeypatch, moment):
    monkeypatch.setenv("SHAREKIT_NOW", moment)
    ran = sharekit("ledger", "export", "-o", tmp_path / "an.export")
    assert ran.code == 0
    assert "sharekit ledger clock" in ran.said
    told = json.loads(sharekit("--json", "ledger", "export", "-o", tmp_path / "an.export").out)
    assert "than the record" in told["clock"]
    asked = json.loads(sharekit("--json", "ledger", "clock").out)
    assert (asked["time"], asked["newest"]) == (moment, FLAG)
    assert asked["doubt"] in ("behind", "ahead")
    assert json.loads(sharekit("--json", "ledger", "clock", "--confirm").out)["doubt"] is None
    assert "clock" not in json.loads(sharekit("--json", "ledger", "export", "-o", tmp_path / "an.export").out)


def test_one_command_by_a_false_clock_closes_no_year(home, tmp_path, monkeypatch):
    monkeypatch.setenv("SHAREKIT_NOW", AHEAD)
    sharekit("ledger", "export", "-o", tmp_path / "an.export")
    monkeypatch.setenv("SHAREKIT_NOW", FLAG)
    sharekit("ledger", "export", "-o", tmp_path / "an.export")
    assert [path.name for path in (home / "ledger").glob("*.db")] == ["2026.db"]
    events = [each["event"] for each in json.loads(sharekit("--json", "ledger", "log").out)["entries"]]
    assert events == ["genesis", "exported", "exported"]
    told = json.loads(sharekit("--json", "ledger", "verify").out)
    assert (told["verdict"], told["years"]) == ("verified", [{"year": 2026, "size": 3}])


COUNTS = [
    (path, parameter.opts[-1])
    for path in every_command()
    for parameter in command_at(path).params
    if parameter.opts[-1] in ("--limit", "--from", "--year") and "Int" in type(parameter.type).__name__
]


@pytest.mark.parametrize("count", [2**63 - 1, 2**63, 2**64, 10**30, 0, -1])
@pytest.mark.parametrize(("path", "option"), COUNTS, ids=[" ".join((*path, option)) for path, option in COUNTS])
def test_a_count_has_a_bound(home, path, option, count):
    ran = sharekit("--json", *path, f"{option}={count}")
    assert ran.code == 2
    assert json.loads(ran.out)["error"]["code"] == "usage"


IMPORTED = ["click", "sharekit.cli.options", "sharekit.cli.ledger", "sharekit.errors", "sharekit.agency.agency", "nacl"]
INTERRUPTED = """
import os, signal, sys

class Interrupting:
    wanted = sys.argv[1]

    def find_spec(self, name, *_):
        if name == self.wanted:
            self.wanted = None
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
sys.argv = ["sharekit", "ledger", "log"]
from sharekit.cli import main
main()
"""


@pytest.mark.parametrize("module", IMPORTED)
def test_an_interrupt_while_something_is_imported_is_told_and_leaves_no_traceback(home, module):
    command = [sys.executable, "-c", INTERRUPTED, module]
    environment = clean_environment(SHAREKIT_NOW=FLAG, SHAREKIT_HOME=str(home))
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 1
    assert "stopped before it was done" in ran.stderr
    assert "Traceback" not in ran.stderr
