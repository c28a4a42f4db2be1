"""What every command shares: the options that may stand anywhere, the home, the inputs, and how errors end.

Only this module turns an error into an exit code.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import output

if TYPE_CHECKING:
    from sharekit.agency import Agency

EXIT_UNEXPECTED, EXIT_USAGE = 1, 2


# --- options that may stand before or after the subcommand ---


def _remember(context: click.Context, option: click.Parameter, value: Any) -> None:
    if value not in (None, False):
        context.find_root().meta[f"sharekit.{option.name}"] = value


def _common_options() -> list[click.Parameter]:
    def option(*names: str, **attributes: Any) -> click.Option:
        return click.Option(names, expose_value=False, callback=_remember, **attributes)

    return [
        option("--home", metavar="DIR", help="The agency's home (or SHAREKIT_HOME)."),
        option("--json", is_flag=True, help="One JSON object on standard output, errors too."),
        option("--as", "as_", metavar="NAME", help="Who acts."),
        option("--role", metavar="ROLE", help="In which role."),
        option("--passphrase-file", metavar="FILE", help="Where the passphrase stands (or SHAREKIT_PASSPHRASE_FILE)."),
    ]


class Command(click.Command):
    """A command that takes the common options too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = {name for param in self.params for name in param.opts}
        self.params += [option for option in _common_options() if not own & set(option.opts)]


class Group(click.Group):
    """A group that takes the common options, and imports a listed command when it is used."""

    command_class = Command

    def __init__(self, *args: Any, commands_table: dict[str, tuple[str, str]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _common_options()
        self._table = commands_table or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._table, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._table:
            return super().get_command(ctx, cmd_name)
        module = importlib.import_module(f".{self._table[cmd_name][0]}", __package__)
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not self._table:
            super().format_commands(ctx, formatter)
            return
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in self._table.items()])


Group.group_class = Group


# --- running ---


def run(app: click.Command, arguments: Sequence[str]) -> int:
    """Run `app`; the exit code. Whatever goes wrong ends in one clear message, never in a traceback."""
    as_json = "--json" in arguments
    try:
        outcome = app.main(list(arguments), prog_name="sharekit", standalone_mode=False)
        sys.stdout.flush()
        return outcome if isinstance(outcome, int) else 0
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_UNEXPECTED
    except (click.Abort, KeyboardInterrupt):
        output.error("unexpected", "stopped before it was done", as_json=as_json)
        return EXIT_UNEXPECTED
    except Exception as problem:  # noqa: BLE001  # the last line of defence against a traceback with a child's data
        return _report(problem, as_json=as_json)


def _report(problem: Exception, *, as_json: bool) -> int:
    from sharekit.errors import ShareError

    if isinstance(problem, ShareError):
        told = {"rule": problem.rule, "source": problem.source}
        output.error(problem.code, problem.message, problem.hint, as_json=as_json, **told)
        return problem.exit_code
    if isinstance(problem, click.exceptions.NoArgsIsHelpError) and not as_json:
        output.say(problem.message)
        return EXIT_USAGE
    if isinstance(problem, click.ClickException):
        output.error("usage", _usage_words(problem), _usage_hint(problem), as_json=as_json)
        return EXIT_USAGE
    if isinstance(problem, OSError):
        output.error("output-unwritable", "the result could not be written", as_json=as_json)
        return EXIT_UNEXPECTED
    output.error("unexpected", f"something went wrong ({type(problem).__name__})", "report it", as_json=as_json)
    return EXIT_UNEXPECTED


def _usage_words(problem: click.ClickException) -> str:
    """What was wrong with the command line, without repeating what was typed: it may be a child's name."""
    match problem:
        case click.MissingParameter(param=click.Parameter() as param):
            return f"{param.get_error_hint(problem.ctx)} is missing" if problem.ctx else "something is missing"
        case click.BadParameter(param=click.Parameter() as param) if problem.ctx:
            return f"{param.get_error_hint(problem.ctx)} has a value that cannot be used"
        case click.NoSuchOption():
            return "there is no such option"
        case click.BadOptionUsage(option_name=name):
            return f"the option {name} is not used like that"
        case click.UsageError(message=str() as words) if words.startswith("No such command"):
            return "there is no such command"
        case click.UsageError(message=str() as words) if "unexpected extra argument" in words:
            return "there are more arguments than the command takes"
    return "the command cannot be understood"


def _usage_hint(problem: click.ClickException) -> str:
    path = problem.ctx.command_path if isinstance(problem, click.UsageError) and problem.ctx else "sharekit"
    return f"see: {path} --help"


# --- the home ---


def wants_json() -> bool:
    return bool(_option("json"))


def _option(name: str) -> Any:
    return click.get_current_context().find_root().meta.get(f"sharekit.{name}")


def home() -> Path:
    """The home that --home, SHAREKIT_HOME or the platform names, whether it exists or not."""
    named = _option("home") or os.environ.get("SHAREKIT_HOME")
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("sharekit"))


def has_home() -> bool:
    """Whether there is a home, or one was asked for by name (and then must be there)."""
    return bool(_option("home") or os.environ.get("SHAREKIT_HOME")) or (home() / "agency.json").is_file()


def actor() -> dict[str, str | None]:
    """Who acts, as --as and --role say."""
    return {"person": _option("as_"), "role": _option("role")}


def passphrase() -> str | None:
    """The passphrase that a file holds; None where no file is named."""
    from sharekit import files
    from sharekit.errors import WrongPassphrase

    named = _option("passphrase_file") or os.environ.get("SHAREKIT_PASSPHRASE_FILE")
    if not named:
        return None
    data = files.read(Path(named), limit=4096, what="the passphrase file")
    with contextlib.suppress(UnicodeDecodeError):
        words = data.decode().rstrip("\r\n")
        if words:
            return words
    raise WrongPassphrase("the passphrase file holds no passphrase", hint="one line of UTF-8 text")


@contextlib.contextmanager
def agency(*, unlocked: bool = False) -> Iterator[Agency]:
    """The agency of this home; with `unlocked` its keys, asked for at the terminal if no file has them."""
    from sharekit import Agency, files, keys

    words = passphrase() if unlocked else None
    key_file = home() / "keys" / "agency.key"
    ask = unlocked and words is None and key_file.is_file() and sys.stdin.isatty()
    if ask and keys.is_protected(files.read(key_file, what="the key file of this home")):
        words = click.prompt("passphrase", hide_input=True, err=True)
    found = Agency.load(home(), words, **actor())
    with contextlib.closing(found):
        if unlocked:
            found.keys  # noqa: B018  # says now, not halfway, that they are locked
        yield found


# --- inputs and outputs ---


def read(name: str, *, what: str, limit: int = 8 * 1024 * 1024) -> bytes:
    """The bytes of a file, or of standard input for `-`; at most `limit`, Malformed beyond."""
    from sharekit import files
    from sharekit.errors import Malformed

    if name != "-":
        return files.read(Path(name), limit=limit, what=what)
    data = sys.stdin.buffer.read(limit + 1)
    if len(data) > limit:
        raise Malformed(f"{what} is larger than {limit} bytes")
    return data


def read_json(name: str, *, what: str) -> Any:
    """The JSON value of a file or of standard input; Malformed if it is none."""
    import json

    from sharekit.errors import Malformed

    data = read(name, what=what)
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_without_twins, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Malformed(f"{what} is not JSON", hint="save it as UTF-8 JSON, each name once") from None


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")


def cards(names: Iterable[str]) -> list[bytes]:
    """The bytes of every card file named."""
    return [read(name, what="the card", limit=64 * 1024) for name in names]


@contextlib.contextmanager
def destination(name: str, *, what: str) -> Iterator[Callable[[bytes], None]]:
    """A function that delivers bytes to a file, replaced in one step, or for `-` to standard output.

    The file's place is tried first: what cannot be written is said before anything is sealed, shown or recorded.
    """
    from sharekit import files
    from sharekit.errors import Usage

    if name == "-":
        if wants_json():
            raise Usage(f"--json and {what} cannot both have standard output", hint="name a file with -o")
        yield to_standard_output
        return
    with files.replacing(Path(name)) as replacement:
        yield replacement.commit


def to_standard_output(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def secret(name: str, value: str | None) -> str:
    """A personal value: as given, asked for at the terminal, or the first line of standard input."""
    if value is not None:
        return value
    if sys.stdin.isatty():
        answer: str = click.prompt(name, err=True)
        return answer
    return sys.stdin.readline().rstrip("\r\n")
