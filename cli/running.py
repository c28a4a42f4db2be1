"""How a command runs and ends: whatever goes wrong becomes one clear message and an exit code.

Only this module turns an error into an exit code.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from . import output

EXIT_UNEXPECTED, EXIT_USAGE = 1, 2


def run(app: click.Command, arguments: Sequence[str]) -> int:
    """Run `app`; the exit code. Whatever goes wrong ends in one clear message, never in a traceback."""
    as_json = "--json" in arguments
    try:
        output.prepare()
        outcome = app.main(list(arguments), prog_name="sharekit", standalone_mode=False)
        output.flush()
        return outcome if isinstance(outcome, int) else 0
    except BrokenPipeError:  # the reader has seen enough
        _discard()
        return EXIT_UNEXPECTED
    except (click.Abort, KeyboardInterrupt):
        return _tell("unexpected", "stopped before it was done", as_json=as_json, exit_code=EXIT_UNEXPECTED)
    except SystemExit:
        raise
    except Exception as problem:  # noqa: BLE001  # the last line of defence against a traceback with a child's data
        return _report(problem, as_json=as_json)
    except BaseException:  # noqa: BLE001  # what a library makes of an interrupt while it is imported
        return _tell("unexpected", "stopped before it was done", as_json=as_json, exit_code=EXIT_UNEXPECTED)


def _report(problem: BaseException, *, as_json: bool) -> int:
    from sharekit.errors import OutputUnwritable, ShareError

    if isinstance(problem, OSError):
        _discard()
        problem, as_json = OutputUnwritable("the result could not be written"), False
    if isinstance(problem, ShareError):
        told: dict[str, Any] = {"rule": problem.rule, "source": problem.source, "sender": problem.sender}
        return _tell(problem.code, problem.message, problem.hint, as_json=as_json, exit_code=problem.exit_code, **told)
    if isinstance(problem, click.exceptions.NoArgsIsHelpError) and not as_json:
        output.say(problem.message)
        return EXIT_USAGE
    if isinstance(problem, click.ClickException):
        words, hint = _usage_words(problem), _usage_hint(problem)
        return _tell("usage", words, hint, as_json=as_json, exit_code=EXIT_USAGE)
    words = f"something went wrong ({type(problem).__name__})"
    return _tell("unexpected", words, "report it", as_json=as_json, exit_code=EXIT_UNEXPECTED)


def _tell(code: str, message: str, hint: str = "", *, as_json: bool, exit_code: int, **told: Any) -> int:
    """Tell of an error, as `output.error`; in words on standard error where standard output does not take it."""
    if as_json and _written(lambda: output.error(code, message, hint, as_json=True, **told)):
        return exit_code
    with contextlib.suppress(OSError):
        output.error(code, message, hint, as_json=False, **told)
    return exit_code


def _written(write: Callable[[], None]) -> bool:
    """Whether standard output took what `write` gives it."""
    try:
        write()
        output.flush()
    except (OSError, ValueError):
        _discard()
        return False
    return True


def _discard() -> None:
    """Let nothing more go to standard output, not even when Python closes it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _usage_words(problem: click.ClickException) -> str:
    """What was wrong with the command line, without repeating what was typed: it may be a child's name."""
    match problem:
        case click.UsageError(message=str() as words) if words.startswith("Missing command"):
            return "a command is missing"
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
