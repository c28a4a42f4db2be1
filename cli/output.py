"""Where every kind of text goes.

Results go to standard output: lines for people, or with --json one object. Words, warnings and progress go to
standard error. Errors are `error [code]: message`, then `hint: what to do next`; lower case, no full stop.
Nothing here ever prints a value of a field: opened data goes to the file that -o names.

A terminal gets more than a pipe or a file: tables and progress. Whatever comes from elsewhere is text, never markup,
and a character that a terminal would obey is spelled out; in a pipe too, for what is logged is looked at later.
"""

from __future__ import annotations

import contextlib
import errno
import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import click

if TYPE_CHECKING:
    from datetime import datetime

    from rich.progress import Progress

GAP = 2  # spaces between the columns of a table
PATIENCE = 1.0  # seconds until somebody who waits is shown how far it is


class Listing(NamedTuple):
    """Rows among the lines of a result: at a terminal that is wide enough a table, else `lines`."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    lines: Sequence[str]


def prepare() -> None:
    """See that there is a standard output, and that nothing said there or beside it can fail for a letter of it."""
    if sys.stdout is None:
        from sharekit.errors import OutputUnwritable

        raise OutputUnwritable("standard output is closed", hint="send it to a file, or to /dev/null")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def flush() -> None:
    """Return when everything said on standard output has left; OSError if it cannot."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed")
    sys.stdout.flush()


def result(data: Mapping[str, Any], lines: Iterable[str | Listing], *, as_json: bool) -> None:
    """The result of a command, for a program or for a person."""
    if as_json:
        doubt = click.get_current_context().find_root().meta.get("sharekit.clock")
        click.echo(_json({**data, "clock": doubt} if doubt else data))
        return
    for line in lines:
        if isinstance(line, str):
            _write(line)
        elif not (line.rows and is_terminal() and _drawn(line)):
            for each in line.lines:
                _write(each)


def say(words: str, *, as_json: bool = False) -> None:
    """Words beside the result; a program that asked for JSON is spared them."""
    if not as_json:
        _write(words, err=True)


def error(
    code: str,
    message: str,
    hint: str = "",
    *,
    rule: str | None = None,
    source: str | None = None,
    sender: Mapping[str, str | None] | None = None,
    as_json: bool,
) -> None:
    """An error: one JSON object on standard output, or words on standard error.

    `sender` is whom to telephone about a packet, by the pinned card, where its signature was verified.
    """
    if as_json:
        told = {"code": code, "message": message, "hint": hint, "rule": rule, "source": source}
        click.echo(_json({"error": told}))
        return
    say(f"error [{code}]: {message}")
    if rule:
        say(f"rule: {rule}{f' ({source})' if source else ''}")
    if hint:
        say(f"hint: {hint}")
    if sender:
        say(f"signed by: {call(sender)}")


def call(sender: Mapping[str, str | None]) -> str:
    """Whom to telephone, and by which numbers."""
    hours = sender["out_of_hours_phone"]
    return f"{sender['name']}, {sender['phone']}" + (f" or out of hours {hours}" if hours else "")


def moment(time: datetime) -> str:
    """A time as RFC 3339 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def fingerprint(digest: bytes) -> str:
    """64 hex digits in groups of 4, to be read out over a telephone."""
    digits = digest.hex()
    return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))


def is_terminal() -> bool:
    """Whether somebody looks at standard output."""
    return _is_terminal(sys.stdout)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _json(data: Mapping[str, Any]) -> str:
    import json  # here, so that `sharekit --help` does not wait for it

    return json.dumps(data)


# --- for people ---


def _write(text: str, *, err: bool = False) -> None:
    click.echo(plain(text), err=err)


def plain(text: str) -> str:
    """A text that a terminal can only show: what would move its cursor, change its colours or turn the direction of
    writing is spelled out. Lines stay lines.
    """
    if text.isascii() and text.isprintable():
        return text
    from sharekit import shown

    return shown(text)


def _drawn(listing: Listing) -> bool:
    """Draw rows as a table, without the columns that are empty; False if the terminal is too narrow for its words."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    columns = [list(map(plain, column)) for column in zip(listing.columns, *listing.rows, strict=True)]
    used = [column for column in columns if any(column[1:])]
    if sum(map(_narrowest, used)) + GAP * len(used) - GAP > console.width:
        return False
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for heading, *_ in used:
        table.add_column(Text(heading))
    for row in zip(*(cells for _, *cells in used), strict=True):
        table.add_row(*map(Text, row))
    console.print(table)
    return True


def _narrowest(column: Sequence[str]) -> int:
    """The width of the longest word in a column: numbers that are copied stay in one piece."""
    from rich.cells import cell_len

    return max(cell_len(word) for cell in column for word in cell.split() or [""])


@contextlib.contextmanager
def progress(words: str, *, as_json: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A function to call with how much is done, and of how much: somebody at a terminal who waits long is shown it."""
    shown = Waiting(words, wanted=_is_terminal(sys.stderr) and not as_json)
    try:
        yield shown.at
    finally:
        shown.close()


class Waiting:
    """A bar on standard error, which is there only while something takes long."""

    def __init__(self, words: str, *, wanted: bool) -> None:
        self._words, self._wanted = words, wanted
        self._begun = time.monotonic()
        self._bar: Progress | None = None

    def at(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        if self._bar is None and self._wanted and time.monotonic() - self._begun > PATIENCE:
            self._bar = _bar()
            self._bar.add_task(plain(self._words))
            self._bar.start()
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, total=total)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(file=sys.stderr, markup=False, emoji=False), transient=True)
