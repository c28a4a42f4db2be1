"""What another system lacks stops nothing that does not need it; what needs it names the systems that are served."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from world.commands import Ran, clean_environment

LACKING = {
    "no signal when a terminal is closed": "import signal\nsignal.__dict__.pop('SIGHUP', None)",
    "no signal to end": "import signal\nsignal.__dict__.pop('SIGTERM', None)",
    "no reading at once": "import os\nos.__dict__.pop('O_NONBLOCK', None)",
    "no waiting for pipes": "import select\nselect.__dict__.pop('poll', None)",
    "no closing in children": "import os\nos.__dict__.pop('O_CLOEXEC', None)",
    "no refusing of links": "import os\nos.__dict__.pop('O_NOFOLLOW', None)",
    "no locks": "import sys\nsys.modules['fcntl'] = None",
}
SYSTEMS = {
    **LACKING,
    "Windows": "\n".join(LACKING.values()),
    "all but locks": "\n".join(itertools.islice(LACKING.values(), 6)),
}
READING = {
    "help": ("--help",),
    "help of a command": ("seal", "--help"),
    "the codes": ("vocab", "purposes"),
    "what is shared": ("profiles", "show", "cp-is-flag"),
    "a structure": ("inspect", "some.sharekit"),
}


def sharekit_without(code: str, *command: str) -> Ran:
    """Run a command in a process of its own, on a system that lacks what `code` takes away."""
    Path("lacking").mkdir(exist_ok=True)
    Path("lacking", "sitecustomize.py").write_text(code)
    environment = {**clean_environment(), "PYTHONPATH": "lacking"}
    ran = subprocess.run([sys.executable, "-m", "sharekit", *command], capture_output=True, env=environment)
    return Ran(ran.returncode, ran.stdout, ran.stderr.decode())


@pytest.mark.parametrize("code", SYSTEMS.values(), ids=SYSTEMS)
def test_what_needs_no_record_runs_on_any_system(folder, code):
    Path("some.sharekit").write_bytes(b"no packet")
    found = {name: sharekit_without(code, *command) for name, command in READING.items()}
    assert {name: ran.code for name, ran in found.items()} == {**dict.fromkeys(READING, 0), "a structure": 3}
    assert not [ran for ran in found.values() if "Traceback" in ran.said or "unexpected" in ran.said]


@pytest.mark.parametrize("name", ["no locks", "Windows"])
def test_where_a_record_cannot_be_kept_the_systems_that_are_served_are_named(folder, name):
    about = ("--org-id", "T1", "--org-type", "gp", "--name", "Fern Practice", "--phone", "01632 960000")
    ran = sharekit_without(SYSTEMS[name], "init", "--home", "new", *about, "--no-passphrase")
    assert (ran.code, ran.error) == (2, "usage")
    assert "Linux" in ran.said
    assert "WSL" in ran.said
    assert not Path("new").exists()
    assert [each.name for each in Path().iterdir() if "home" in each.name] == []
