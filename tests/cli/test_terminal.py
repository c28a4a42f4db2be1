"""What a terminal gets and a pipe does not: tables and progress; and texts that cannot move its cursor."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys

import pytest
from sharekit.cli import output
from world.commands import at_a_terminal, clean_environment, sharekit
from world.desk import OPEN, SEAL

from sharekit import Agency

MARKUP = "Larchmoor [red]Borough[/red] :smile:"


def words_of(shown: str) -> list[list[str]]:
    """The lines of a screen as their words, without colours and empty lines."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    return [line.split() for line in plain.splitlines() if line.strip()]


LISTS = {
    "ledger log": (("ledger", "log", "--home", "larch"), ["entry", "time", "event", "packet"]),
    "trust list": (("trust", "list", "--home", "larch"), ["id", "type", "name", "card"]),
    "profiles": (("profiles",), ["profile", "what", "is", "shared"]),
    "vocab": (("vocab",), ["vocabulary", "what", "it", "is", "for"]),
    "vocab of a name": (("vocab", "purposes"), ["code", "what", "it", "means", "status"]),
    "audit questions": (("audit", "questions"), ["name", "question"]),
    "doctor": (("doctor", "--home", "larch"), ["what", "as", "it", "is", "why,", "or", "what", "to", "do"]),
}


@pytest.mark.parametrize(("command", "heading"), LISTS.values(), ids=LISTS)
def test_a_list_is_a_table_at_a_terminal_and_has_no_heading_in_a_pipe(desk, command, heading):
    wide, piped = words_of(at_a_terminal(*command, columns=250).text), words_of(sharekit(*command).text)
    assert wide[0][: len(heading)] == heading
    assert len(wide) == len(piped) + 1
    assert wide[0] not in piped


@pytest.mark.parametrize("command", [LISTS["ledger log"][0], LISTS["trust list"][0]], ids=" ".join)
def test_a_table_says_what_the_lines_say_and_a_narrow_terminal_gets_the_lines(desk, command):
    lines = words_of(sharekit(*command).text)
    assert words_of(at_a_terminal(*command, columns=250).text)[1:] == lines
    assert words_of(at_a_terminal(*command, columns=20).text) == lines


def test_a_number_that_is_copied_is_never_broken(desk):
    packet = sharekit("ledger", "log", "--home", "larch", "--event", "sealed", "--json").json["entries"][0]["packet"]
    for columns in (20, 40, 60, 80, 100, 120, 160):
        assert packet in at_a_terminal("ledger", "log", "--home", "larch", columns=columns).text


def test_a_name_on_a_card_is_text_and_never_markup(desk):
    about = {"org_id": "T1", "org_type": "gp", "name": MARKUP, "phone": "01632 960000"}
    Agency.create("named", **about).close()
    assert MARKUP in at_a_terminal("trust", "list", "--home", "named", columns=200).text


FOREIGN = {
    "another colour": ("\x1b[31mred", "\\x1b[31mred"),
    "a control character of one byte": ("\x9b31m", "\\x9b31m"),
    "the other direction": ("abc\u202edef", "abc\\u202edef"),
    "an isolated direction": ("\u2066x", "\\u2066x"),
    "no width": ("a\u200bb", "a\\u200bb"),
    "the beginning of the line": ("no\ryes", "no yes"),
    "a space that does not break": ("a\u00a0b", "a b"),
    "two lines": ("one\ntwo", "one\ntwo"),
    "letters of other languages": ("H\u00f4pital \u0645\u0633\u062a \u75c5", "H\u00f4pital \u0645\u0633\u062a \u75c5"),
}


@pytest.mark.parametrize(("foreign", "shown"), FOREIGN.values(), ids=FOREIGN)
def test_nothing_in_a_text_moves_the_cursor_of_a_terminal(foreign, shown):
    for texts in ([foreign], [output.Listing(("name",), [[foreign]], ["unused"])]):
        screen = Screen()
        with contextlib.redirect_stdout(screen):
            output.result({}, texts, as_json=False)
        assert [line.split() for line in shown.splitlines()] == words_of(screen.getvalue())[-len(shown.splitlines()) :]


def test_a_pipe_gets_the_same_words_for_what_is_logged_is_looked_at_later():
    pipe = io.StringIO()
    with contextlib.redirect_stdout(pipe):
        output.result({}, ["no\ryes\u202e"], as_json=False)
    assert pipe.getvalue() == "no yes\\u202e\n"


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_somebody_at_a_terminal_who_waits_is_shown_how_far_an_audit_is(folder, monkeypatch):
    monkeypatch.setattr(output, "PATIENCE", -1.0)
    for stream, wanted in ((Screen(), True), (io.StringIO(), False)):
        with output_to(stream):
            with output.progress("auditing") as progress:
                progress(4, 9)
                progress(9, 9)
            assert (stream.getvalue() != "", "auditing" in stream.getvalue()) == (wanted, wanted)
    screen = Screen()
    with output_to(screen), output.progress("auditing", as_json=True) as progress:
        progress(4, 9)
    assert screen.getvalue() == ""


@contextlib.contextmanager
def output_to(stream):
    with contextlib.redirect_stderr(stream):
        yield


QUICK = {
    "help": ("--help",),
    "seal": (*SEAL, "again.sharekit"),
    "verify": ("verify", "flag.sharekit", "--home", "elm"),
    "open": (*OPEN, "opened.json"),
}


@pytest.mark.parametrize("command", QUICK.values(), ids=QUICK)
def test_what_people_wait_for_loads_neither_tables_nor_databases_for_auditors(desk, command):
    code = (
        "import sys; from sharekit.cli import app; from sharekit.cli.running import run; code = run(app, sys.argv[1:])"
    )
    code += "\nprint(code, *sorted({'rich', 'sqlite_utils', 'leather', 'jinja2'} & set(sys.modules)), file=sys.stderr)"
    ran = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, env=clean_environment()
    )
    assert ran.stderr.splitlines()[-1] == "0"
