"""Where every kind of text goes.

Results go to standard output: lines for people, or with --json one object. Words, warnings and progress go to
standard error. Errors are `error [code]: message`, then `hint: what to do next`; lower case, no full stop.
Nothing here ever prints a value of a field: opened data goes to the file that -o names.
"""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from datetime import datetime


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


def result(data: Mapping[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    """The result of a command, for a program or for a person."""
    if as_json:
        click.echo(_json(data))
    else:
        for line in lines:
            click.echo(line)


def say(words: str, *, as_json: bool = False) -> None:
    """Words beside the result; a program that asked for JSON is spared them."""
    if not as_json:
        click.echo(words, err=True)


def error(
    code: str, message: str, hint: str = "", *, rule: str | None = None, source: str | None = None, as_json: bool
) -> None:
    """An error: one JSON object on standard output, or words on standard error."""
    if as_json:
        told = {"code": code, "message": message, "hint": hint, "rule": rule, "source": source}
        click.echo(_json({"error": told}))
        return
    click.echo(f"error [{code}]: {message}", err=True)
    if rule:
        click.echo(f"rule: {rule}{f' ({source})' if source else ''}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)


def moment(time: datetime) -> str:
    """A time as RFC 3339 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def fingerprint(digest: bytes) -> str:
    """64 hex digits in groups of 4, to be read out over a telephone."""
    digits = digest.hex()
    return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))


def is_terminal() -> bool:
    return sys.stdout.isatty()


def _json(data: Mapping[str, Any]) -> str:
    import json  # here, so that `sharekit --help` does not wait for it

    return json.dumps(data)
