"""Runs console sessions written as text, and compares what they print. A non-programmer can read one.

    # a comment
    $ a command                 its expected output below, line by line
    ! a command that must fail  the last line of its output says (exit code N)

`...` inside a line stands for anything on it; a line of `...` alone for any number of lines. Lines of standard
output and standard error are expected in the order in which they come. `$ export NAME=VALUE` stays in force.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "docs" / "examples"


@dataclass
class Step:
    command: str
    fails: bool
    expected: list[str] = field(default_factory=list)


def steps(text: str) -> list[Step]:
    """The commands of a session, each with its expected output; continuation lines end with a backslash."""
    found: list[Step] = []
    for line in text.replace("\\\n", "").splitlines():
        if line[:2] in ("$ ", "! "):
            found.append(Step(re.sub(r" {2,}", " ", line[2:]), line[0] == "!"))
        elif line.startswith("#") or (not line.strip() and not found):
            continue
        elif found:
            found[-1].expected.append(line.rstrip())
    for step in found:
        while step.expected and not step.expected[-1]:
            step.expected.pop()
    return found


def environment(home: Path) -> dict[str, str]:
    """A clean environment in which `sharekit` is the one under test, and nothing of this machine's own homes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHAREKIT_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return kept | {"PATH": path, "HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "LC_ALL": "C.UTF-8"}


def play(text: str, folder: Path) -> int:
    """Run a session in `folder`; how many commands there were. AssertionError shows the first that differs."""
    variables, played = environment(folder), 0
    for step in steps(text):
        played += 1
        if step.command.startswith("export "):
            name, _, value = step.command.removeprefix("export ").partition(" #")[0].partition("=")
            variables[name] = value.strip()
            continue
        _check(step, *_run(step.command, folder, variables))
    return played


def _run(command: str, folder: Path, variables: dict[str, str]) -> tuple[int, list[str]]:
    ran = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    return ran.returncode, ran.stdout.decode("utf-8", "replace").splitlines()


def _check(step: Step, code: int, printed: list[str]) -> None:
    found = [*printed, f"(exit code {code})"] if step.fails or code else printed
    shown = "\n".join(["", f"$ {step.command}", *found])
    assert "Traceback" not in shown, shown
    assert bool(code) == step.fails, shown
    wanted = "".join(r"(?:.*\n)*?" if line == "..." else f"{_pattern(line)}\n" for line in step.expected)
    assert re.fullmatch(wanted, "".join(f"{line.rstrip()}\n" for line in found)), f"{shown}\n\nexpected:\n" + "\n".join(
        step.expected
    )


def _pattern(line: str) -> str:
    return ".*".join(map(re.escape, line.split("...")))
