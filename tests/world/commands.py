"""Runs `sharekit` as a person or a script would: in this process, in one of its own, or at a terminal.

And says which commands there are.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from sharekit.cli import app
from sharekit.cli.running import run

from world.console import environment

PATIENCE = 60.0
_TAKE_THE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said where."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on standard output; AssertionError if there is more, or less."""
        lines = self.text.splitlines()
        assert len(lines) == 1, self
        found = json.loads(lines[0])
        assert isinstance(found, dict)
        return found

    @property
    def error(self) -> str:
        """The code of the error it told of, in words or in JSON."""
        if self.err.startswith("error ["):
            return self.err.removeprefix("error [").partition("]")[0]
        return str(self.json["error"]["code"])

    @property
    def said(self) -> str:
        return self.out.decode("utf-8", "replace") + self.err


def sharekit(*arguments: str | Path, stdin: bytes = b"") -> Ran:
    """Run a command in this process."""
    said, complained = io.BytesIO(), io.BytesIO()
    given, out, err = (
        io.TextIOWrapper(stream, encoding="utf-8", write_through=True)
        for stream in (io.BytesIO(stdin), said, complained)
    )
    before, sys.stdin = sys.stdin, given
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(app, list(map(str, arguments)))
    finally:
        sys.stdin = before
    return Ran(code, said.getvalue(), complained.getvalue().decode())


def clean_environment(**changes: str) -> dict[str, str]:
    """An environment in which `sharekit` is the one under test, at the demonstration's clock."""
    kept = {name: os.environ[name] for name in ("SHAREKIT_NOW",) if name in os.environ}
    return environment(Path.cwd()) | kept | changes


def in_a_process(*arguments: str | Path | bytes, stdin: bytes = b"", shell: str = '"$@"', **changes: str) -> Ran:
    """Run a command in a process of its own; `shell` may say where its streams go."""
    command = ["bash", "-c", shell, "bash", "sharekit", *arguments]
    ran = subprocess.run(
        command, input=stdin, capture_output=True, env=clean_environment(**changes), timeout=PATIENCE, check=False
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr.decode("utf-8", "replace"))


def at_a_terminal(*arguments: str, answers: Sequence[str] = (), stdout: Path | None = None, columns: int = 80) -> Ran:
    """Run a command at a terminal, and answer what it asks; `out` is all that the terminal showed."""
    ours, theirs = pty.openpty()
    with contextlib.ExitStack() as files:
        out = files.enter_context(stdout.open("wb")) if stdout else theirs
        process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_THE_TERMINAL, "sharekit", *arguments],
            stdin=theirs,
            stdout=out,
            stderr=theirs,
            env=clean_environment(COLUMNS=str(columns), TERM="xterm"),
            start_new_session=True,
        )
        os.close(theirs)
        shown = b"".join(_conversation(ours, list(answers)))
        os.close(ours)
        return Ran(process.wait(PATIENCE), shown.replace(b"\r\n", b"\n"), "")


def _conversation(terminal: int, answers: list[str]) -> Iterator[bytes]:
    """What a terminal shows, until nobody has its other end any more; a question gets the next of `answers`."""
    until, last = time.monotonic() + PATIENCE, b""
    while time.monotonic() < until:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if ready:
            try:
                last = os.read(terminal, 65536)
            except OSError:
                return
            yield last
        elif answers and last.rstrip().endswith(b":"):
            last = b""
            os.write(terminal, answers.pop(0).encode() + b"\n")


def every_command(group: click.Command = app, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command and group of commands, as it is typed."""
    if not isinstance(group, click.Group):
        return [path]
    context = click.Context(group)
    names = group.list_commands(context)
    return [path, *(each for name in names for each in every_command(group.get_command(context, name), (*path, name)))]


def command_at(path: tuple[str, ...]) -> click.Command:
    """The command that is typed so."""
    command: click.Command = app
    for name in path:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name)
    return command
