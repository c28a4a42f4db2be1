"""What every command shares: its kind, its home, the inputs and the outputs."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from . import output
from .options import Command as Command
from .options import Group as Group
from .options import Words as Words

if TYPE_CHECKING:
    from sharekit import Agency

VALUE = "a personal value"
DEEPEST = 64  # nothing that is shared is nested deeper
LONGEST_LINE = 4096
MOST_ENTRIES = 2**53  # more than any record has; every count that is asked for has a bound
COUNT = click.IntRange(1, MOST_ENTRIES)
MOST = 8 * 1024 * 1024  # bytes: data, terms and packets are smaller
MOST_MARKS = 200_000  # commas, colons and brackets of a JSON file: a share has 20,000 parts at most, and its texts few

# --- the home ---


def wants_json() -> bool:
    return bool(_option("json"))


def _option(name: str) -> Any:
    return _shared().get(f"sharekit.{name}")


def _shared() -> dict[str, Any]:
    return click.get_current_context().find_root().meta


def home() -> Path:
    """The home that --home, SHAREKIT_HOME or the platform names, whether it exists or not."""
    from sharekit.errors import Usage

    named = _option("home")
    if named == "":
        raise Usage("--home names no folder", hint="--home DIR")
    named = named or os.environ.get("SHAREKIT_HOME")
    if not named:
        import platformdirs

        named = platformdirs.user_data_dir("sharekit")
    found = os.path.expanduser(named)
    if found.startswith("~"):
        raise Usage("there is no such user, or this user has no folder", hint="--home DIR")
    return Path(found)


def has_home() -> bool:
    """Whether there is a home, or one was asked for by name (and then must be there)."""
    named = _option("home") is not None or bool(os.environ.get("SHAREKIT_HOME"))
    return named or os.path.isfile(home() / "agency.json")


def actor() -> dict[str, str | None]:
    """Who acts, as --as and --role say."""
    return {"person": _option("as_"), "role": _option("role")}


def passphrase() -> str | None:
    """The passphrase that a file holds; None where no file is named."""
    named = _option("passphrase_file")
    if named is None:
        named = os.environ.get("SHAREKIT_PASSPHRASE_FILE") or None
    return None if named is None else _words_in(named)


def new_passphrase(named: str | None, *, none: bool) -> str | None:
    """The passphrase that keys are to have: from a file, or asked for twice at the terminal; None for none."""
    from sharekit.errors import Usage, WrongPassphrase

    if none and named is not None:
        raise Usage("--no-passphrase and a passphrase file exclude each other", hint="choose one of them")
    if none or named is not None:
        return None if named is None else _words_in(named)
    if not is_attended():
        raise WrongPassphrase("a new passphrase is needed", hint="--new-passphrase-file FILE, or --no-passphrase")
    return asked_passphrase()


def asked_passphrase() -> str:
    """A new passphrase, asked for twice at the terminal."""
    answer: str = click.prompt("new passphrase", hide_input=True, confirmation_prompt=True, err=True)
    return answer


def _words_in(named: str) -> str:
    """The passphrase in a file; Usage if others can read it."""
    from sharekit import saved_text
    from sharekit.errors import Malformed, Usage, WrongPassphrase

    with contextlib.suppress(OSError, ValueError):
        found = os.stat(named)
        if named != "-" and stat.S_ISREG(found.st_mode) and found.st_mode & 0o077 and os.name == "posix":
            raise Usage("others on this machine can read the passphrase file", hint="run: chmod 600 FILE")
    with contextlib.suppress(UnicodeDecodeError, Malformed):  # Malformed: much too large
        words = saved_text(read(named, what="the passphrase file", limit=4096)).rstrip("\n")
        if words:
            return words
    raise WrongPassphrase("the passphrase file holds no passphrase", hint="one line of UTF-8 text")


@contextlib.contextmanager
def agency(*, unlocked: bool = False) -> Iterator[Agency]:
    """The agency of this home; with `unlocked` its keys, asked for at the terminal if no file has them."""
    from sharekit import Agency
    from sharekit.agency.home import is_protected

    words = passphrase() if unlocked else None
    if unlocked and words is None and is_attended() and is_protected(home()):
        words = click.prompt("passphrase", hide_input=True, err=True)
    found = Agency.load(home(), words, **actor())
    with contextlib.closing(found):
        found.clock()  # refuses a clock that this home does not go by
        if unlocked:
            found.keys  # noqa: B018  # says now, not halfway, that they are locked
        try:
            yield found
        finally:
            _tell_clock(found)


def _tell_clock(agency: Agency) -> None:
    """Say what was wrong with the clock, where something was, beside whatever the command has to say."""
    if agency.clock_trouble is not None:
        words = f"clock: {agency.clock_trouble}; see: sharekit ledger clock"
        _shared()["sharekit.clock"] = agency.clock_trouble
        output.say(words, as_json=wants_json())


# --- inputs ---


def read(name: str, *, what: str, limit: int = MOST) -> bytes:
    """The bytes of a file, or of standard input for `-`; at most `limit`, Malformed beyond."""
    from sharekit.agency import files
    from sharekit.errors import Malformed

    if name != "-":
        _shared().setdefault("sharekit.inputs", []).append(name)
        return files.read(name, limit=limit, what=what)
    data = _standard_input(what).read(limit + 1)
    if len(data) > limit:
        raise Malformed(f"{what} is larger than {limit} bytes", hint="check that it is the right file")
    return data


@contextlib.contextmanager
def readable(name: str, *, what: str) -> Iterator[Path]:
    """The path of a private copy of a file, or of standard input, that is read piece by piece and more than once.

    What stands under the name meanwhile does not matter: everything is read from what was opened first.
    """
    import tempfile

    from sharekit.agency import files
    from sharekit.errors import OutputUnwritable

    with tempfile.TemporaryDirectory(prefix="sharekit-") as folder, contextlib.ExitStack() as stack:
        if name == "-":
            source = _standard_input(what)
        else:
            _shared().setdefault("sharekit.inputs", []).append(name)
            source = stack.enter_context(files.opened(name, what=what))
        copy = Path(folder, "copy")
        try:
            with copy.open("xb") as target:
                while piece := _piece(source, what):
                    target.write(piece)
        except OSError:
            raise OutputUnwritable(f"there is no room for a copy of {what}", hint="free some disk") from None
        yield copy


def _piece(source: BinaryIO, what: str) -> bytes:
    """The next MiB of a file; Usage if it cannot be read."""
    from sharekit.errors import Usage

    try:
        return source.read(1024 * 1024)
    except OSError:
        raise Usage(f"{what} cannot be read", hint="check the disk that it is on") from None


def read_json(name: str, *, what: str, limit: int = MOST) -> Any:
    """The JSON value of a file or of standard input; Malformed if it is none."""
    import json

    from sharekit.errors import Malformed

    data = read(name, what=what, limit=limit)
    if sum(map(data.count, (b",", b":", b"[", b"{"))) > MOST_MARKS:  # nothing is built of what nobody could share
        raise Malformed(f"{what} has more parts than anything that is shared", hint="check that it is the right file")
    try:
        value = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_without_twins, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Malformed(f"{what} is not JSON", hint="save it as UTF-8 JSON, each name once") from None
    if _depth(value) > DEEPEST:
        raise Malformed(f"{what} is nested too deeply", hint="check that it is the right file")
    return value


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")


def _depth(value: Any) -> int:
    """How many objects and lists stand in each other, counted as far as it matters."""
    depth, level = 0, [value]
    while depth <= DEEPEST and (nested := [each for each in level if isinstance(each, dict | list)]):
        depth += 1
        level = [item for each in nested for item in (each.values() if isinstance(each, dict) else each)]
    return depth


def read_lines(name: str, *, what: str, limit: int) -> bytes:
    """The lines of a text file as UTF-8, whatever editor saved it: a checkpoint, a certificate.

    What is no text stays as it is: whoever reads it says what it should be.
    """
    from sharekit import saved_text

    data = read(name, what=what, limit=limit)
    try:
        lines = [line.rstrip() for line in saved_text(data).strip().split("\n")]
    except ValueError:
        return data
    return "\n".join([*lines, ""]).encode()


def cards(names: Iterable[str]) -> list[bytes]:
    """The bytes of every card file named."""
    return [read(name, what="the card", limit=64 * 1024) for name in names]


def identifier(given: str) -> tuple[str, str]:
    """Scheme and value of SCHEME=VALUE; the value of SCHEME alone is asked for."""
    scheme, equals, value = given.partition("=")
    return scheme, secret(scheme, value if equals else None)


def secret(name: str, value: str | None) -> str:
    """A personal value: as given, asked for at the terminal, or the next line of standard input."""
    from sharekit.errors import Usage

    if value is not None:
        return value
    if is_attended():
        from .output import plain

        answer: str = click.prompt(plain(name), err=True)
        return answer
    line = _standard_input(VALUE).readline(LONGEST_LINE)
    try:
        return line.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise Usage("standard input is not UTF-8 text") from None


def _standard_input(what: str) -> BinaryIO:
    """Standard input, for one input only; several personal values are a line each."""
    from sharekit.errors import Usage

    taken = _shared().get("sharekit.standard-input")
    if taken and not taken == what == VALUE:
        raise Usage("standard input cannot be two things at once", hint="name a file for one of them")
    if sys.stdin is None:
        raise Usage("standard input is closed", hint="name a file, or pipe something in")
    _shared()["sharekit.standard-input"] = what
    return sys.stdin.buffer


def is_attended() -> bool:
    """Whether somebody sits at a terminal who can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


# --- outputs ---


def place(name: str) -> Path:
    """The path of an output; OutputUnwritable for what it must not replace: an input, or a part of the home."""
    from sharekit.agency import files
    from sharekit.errors import Usage

    if not name:
        raise Usage("-o names no file", hint="-o FILE, or -o - for standard output")
    return files.output(name, inputs=_shared().get("sharekit.inputs", ()), home=home() if has_home() else None)


@contextlib.contextmanager
def destination(name: str, *, what: str) -> Iterator[Callable[[bytes], None]]:
    """A function that delivers bytes to a file, replaced in one step, or for `-` to standard output.

    The file's place is tried first: what cannot be written is said before anything is sealed, shown or recorded.
    """
    from sharekit.agency import files

    if name == "-":
        refuse_both(what)
        yield to_standard_output
        return
    with files.replacing(place(name), home()) as replacement:
        yield replacement.commit


@contextlib.contextmanager
def new_file(name: str, *, what: str) -> Iterator[Callable[[bytes], None]]:
    """As `destination`, for a file that is not there yet; OutputUnwritable if it is, and it stays as it was."""
    from sharekit.agency import files
    from sharekit.errors import OutputUnwritable

    if name == "-":
        refuse_both(what)
        yield to_standard_output
        return
    if os.path.lexists(path := place(name)):
        raise OutputUnwritable("there is a file of that name already", hint=f"name another file for {what} with -o")
    with files.replacing(path, home()) as replacement:
        yield replacement.commit_new


@contextlib.contextmanager
def written(name: str, *, what: str) -> Iterator[Path]:
    """The path of a file that the library writes itself; for `-` it goes to standard output afterwards."""
    import shutil
    import tempfile

    if name != "-":
        yield place(name)
        return
    refuse_both(what)
    with tempfile.TemporaryDirectory(prefix="sharekit-") as folder:
        path = Path(folder, "output")
        yield path
        with path.open("rb") as copy:
            shutil.copyfileobj(copy, sys.stdout.buffer)
    sys.stdout.buffer.flush()


@contextlib.contextmanager
def replaced(name: str, *, what: str) -> Iterator[Path]:
    """The path of a private temporary file that is put in the place of a file in one step; for `-` it goes to standard
    output. Nothing is replaced if what is done with it fails.
    """
    from sharekit.agency import files

    if name == "-":
        with written(name, what=what) as path:
            yield path
        return
    with files.replacing(place(name), home()) as replacement:
        yield replacement.temporary
        replacement.put()


def refuse_both(what: str) -> None:
    """Return unless --json and `what` would both go to standard output."""
    from sharekit.errors import Usage

    if wants_json():
        raise Usage(f"--json and {what} cannot both have standard output", hint="name a file with -o")


def to_standard_output(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
