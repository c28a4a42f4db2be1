"""Every command that reads a file, with whatever may stand in its place: one clear error, and never `unexpected`."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import click
import pytest
from world.commands import Ran, command_at, every_command, sharekit
from world.desk import OPEN, SEAL
from world.ledgers import LONG

from fuzz import mutations, targets
from fuzz.targets import BEFORE
from sharekit.errors import ShareError


def codes(error: type[ShareError] = ShareError) -> set[str]:
    """The codes of an error and of all below it."""
    return {error.code}.union(*(codes(each) for each in error.__subclasses__()))


NUMBER = 200 if LONG else 10  # of hostile files for each place
PERSONAL = ("9991234004", "XXTEST")
OPENING, SEALING = " ".join(OPEN[2:]), " ".join(SEAL[4:])
NOTE = "elm.export --trust elm.card"
ADVICE = "--home elm --as A --role named-doctor --reason advice -o x"


def seeds_of(name: str) -> Callable[[], list[bytes]]:
    return targets.TARGETS[name].seeds


def data() -> list[bytes]:
    return [(targets.EXAMPLES / f"{name}.json").read_bytes() for name in targets.EXAMPLES_OF_SHARES]


def terms() -> list[bytes]:
    return [(targets.EXAMPLES / f"{name}.terms.json").read_bytes() for name in targets.EXAMPLES_OF_SHARES]


def decisions() -> list[bytes]:
    return [path.read_bytes() for path in sorted((targets.EXAMPLES / "decisions").glob("*.json"))]


def exports() -> list[bytes]:
    return [Path("elm.export").read_bytes(), (BEFORE / "fernshire.export").read_bytes()]


# command, with @ where the file stands; what kind of file it should be; good files of the kind
PLACES: dict[str, tuple[str, str, Callable[[], list[bytes]]]] = {
    "inspect": ("inspect @", "cbor", targets.packets),
    "verify": ("verify @ --home elm", "cbor", targets.packets),
    "verify without a home": ("verify @ --trust elm.card", "cbor", targets.packets),
    "verify --trust": ("verify flag.sharekit --home elm --trust @", "cbor", targets.cards),
    "receive": ("receive @ --home elm", "cbor", targets.packets),
    "open": (f"open @ {OPENING} x", "cbor", targets.packets),
    "open --assessment": (f"open flag.sharekit {OPENING} x --assessment @", "json", targets.assessments),
    "receipts": ("receipts @ --home elm", "cbor", targets.packets),
    "check DATA": ("check @ --terms flag.terms.json", "json", data),
    "check TERMS": ("check flag.json --terms @", "json", terms),
    "check at home": ("check flag.json --terms @ --home larch --to ZZQ77", "json", terms),
    "seal DATA": (f"seal @ --terms flag.terms.json {SEALING} x", "json", data),
    "seal TERMS": (f"seal flag.json --terms @ {SEALING} x", "json", terms),
    "advice-brief DATA": (f"advice-brief @ --terms flag.terms.json {ADVICE}", "json", data),
    "advice-brief TERMS": (f"advice-brief flag.json --terms @ {ADVICE}", "json", terms),
    "decide": ("decide record @ --home elm", "json", decisions),
    "trust add": ("trust add @ --home elm", "cbor", targets.cards),
    "policy check": ("policy check @", "text", targets.policies),
    "policy set": ("policy set @ --home elm --as A --role head --reason board", "text", targets.policies),
    "ledger compare": ("ledger compare @ elm.note --trust elm.card", "text", targets.notes),
    "witness keep": ("ledger witness keep @ --home elm --trust larch.card", "text", targets.notes),
    "witness sign": ("ledger witness sign @ --home elm --trust larch.card -o x", "text", seeds_of("witness-request")),
    "timestamp keep": ("ledger timestamp keep @ --home elm --root root.pem", "bytes", seeds_of("timestamp")),
    "timestamp keep --root": ("ledger timestamp keep stamp.tsr --home elm --root @", "text", seeds_of("root")),
    "audit verify": ("audit verify @ --trust elm.card", "database", exports),
    "audit report": ("audit report @ --trust elm.card -o x", "database", exports),
    "audit table": ("audit table @ --trust elm.card -o x.csv", "database", exports),
    "audit query": ("audit query refusals @ --trust elm.card", "database", exports),
    "audit --trust": (f"audit verify {NOTE} --trust @", "cbor", targets.cards),
    "audit --checkpoint": (f"audit verify {NOTE} --checkpoint @", "text", targets.notes),
    "audit --proof": (f"audit verify {NOTE} --proof @", "cbor", seeds_of("proof")),
    "audit --receipts": (f"audit verify {NOTE} --receipts @", "cbor", seeds_of("evidence")),
    "audit --root": (f"audit verify {NOTE} --root @", "text", seeds_of("root")),
    "audit report --receipts": (f"audit report {NOTE} --receipts @ -o x", "cbor", seeds_of("evidence")),
    "passphrase": ("receive flag.sharekit --home elm --passphrase-file @", "text", lambda: [b"correct horse\n"]),
}


FORMS: dict[str, Callable[[Path], object]] = {
    "nothing there": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "huge": lambda path: path.write_bytes(bytes(65 * 1024 * 1024)),
    "NUL bytes": lambda path: path.write_bytes(bytes(5000)),
    "UTF-16": lambda path: path.write_bytes('{"name": "XXTEST"}'.encode("utf-16")),
    "a folder": lambda path: path.mkdir(),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nowhere": lambda path: path.symlink_to("nowhere"),
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
    "a device that nobody may read": lambda path: path.symlink_to("/proc/self/mem"),
    "a socket": lambda path: _socket(path),
    "a pipe that ends at once": lambda path: _pipe(path, b""),
    "a pipe of junk": lambda path: _pipe(path, b"XXTEST\x00\xff"),
    "a file that shrinks": lambda path: _shrinking(path),
}
NAMES = ("file", "caf\udce9", "two\nlines", "\u202efile", "x" * 255, "x" * 300, "a\udcff\udcfe/b")


def _socket(path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _pipe(path: Path, data: bytes) -> None:
    os.mkfifo(path)

    def fill() -> None:
        with contextlib.suppress(
            OSError
        ):  # a reader that wants no pipe closes it unread, or the folder is gone by then
            path.write_bytes(data)

    threading.Thread(target=fill, daemon=True).start()


def _shrinking(path: Path) -> None:
    """A file that is cut again and again while it is read."""
    path.write_bytes(b"XXTEST" * 500_000)

    def cut() -> None:
        with contextlib.suppress(OSError):  # the test is over, and the folder gone
            for size in range(3_000_000, 0, -1000):
                os.truncate(path, size)

    threading.Thread(target=cut, daemon=True).start()


@pytest.fixture
def table(desk) -> Iterator[Path]:
    """A desk with an export, a checkpoint and a time stamp on it; what is put there, nobody else may read."""
    umask = os.umask(0o077)  # a passphrase file that others can read is refused unread
    assert sharekit("ledger", "export", "--home", "elm", "-o", "elm.export").code == 0
    assert sharekit("ledger", "checkpoint", "--home", "elm", "-o", "elm.note").code == 0
    for name in ("root.pem", "stamp.tsr"):
        shutil.copy(targets.SEEDS / name, name)
    yield desk.folder
    os.umask(umask)


def ran_at(place: str, path: Path | str) -> Ran:
    return sharekit(*(str(path) if word == "@" else word for word in PLACES[place][0].split(" ")))


def assert_typed(ran: Ran, *case: object) -> None:
    """It ended with a documented code, nothing of anybody in what it said, and no traceback."""
    assert ran.code in (0, 2, 3, 4, 5, 6), (case, ran)
    assert "Traceback" not in ran.said, (case, ran)
    assert "[unexpected]" not in ran.err, (case, ran)
    assert not [seed for seed in PERSONAL if seed in ran.err], (case, ran)
    if "error [" in ran.err:
        assert ran.err.rpartition("error [")[2].partition("]")[0] in codes(), (case, ran)
    else:
        assert ran.code in (0, 5, 6), (case, ran)  # `check` and `audit` tell of findings


@pytest.mark.parametrize("place", PLACES)
def test_a_good_file_is_looked_at(place, table):
    """So that what is refused below is the file, and not how the command was typed."""
    path = table / "good"
    path.write_bytes(PLACES[place][2]()[0])
    ran = ran_at(place, path)
    assert ran.code != 2 or "the time stamp is for no checkpoint" in ran.err, ran


TAKEN = {  # an empty policy changes nothing; a text with the mark of UTF-16 is a passphrase like any other
    **dict.fromkeys(("policy check", "policy set"), ("empty", "a pipe that ends at once")),
    "passphrase": ("UTF-16",),
}


@pytest.mark.parametrize("place", PLACES)
def test_whatever_stands_in_the_place_of_a_file_ends_in_a_typed_error(place, table):
    for form, make in FORMS.items():
        path = table / f"XXTEST {form}"
        make(path)
        ran = ran_at(place, path)
        assert_typed(ran, place, form)
        assert ran.code != 0 or form in TAKEN.get(place, ()), (place, form)


@pytest.mark.parametrize("place", PLACES)
def test_a_file_of_any_name_ends_in_a_typed_error(place, table):
    for name in NAMES:
        assert_typed(ran_at(place, table / name), place, name)
        if "/" not in name and len(os.fsencode(name)) < 256:
            (table / name).write_bytes(b"XXTEST")
            assert_typed(ran_at(place, table / name), place, name)


@pytest.mark.parametrize("place", PLACES)
def test_a_file_of_the_right_kind_that_is_wrong_ends_in_a_typed_error(place, table):
    _, kind, seeds = PLACES[place]
    random, good = Random(place), seeds()
    for number in range(NUMBER):
        data = mutations.mutated(kind, random.choice(good), random, good)
        Path("hostile").write_bytes(data)
        assert_typed(ran_at(place, "hostile"), place, number)


NO_FILES = {  # a packet by its number, and a server that runs until it is stopped
    *["retention destroy", "retention hold", "retention release", "audit datasette"],
}


def test_every_command_that_takes_a_file_is_tried():
    kinds = {"data", "packet", "card", "record", "file", "export", "note", "request", "response", "a", "b"}
    tried = [words for words, _, _ in PLACES.values()]
    for path in every_command():
        taken = {
            name for param in command_at(path).params for name in [param.name] if isinstance(param, click.Argument)
        }
        name = " ".join(path)
        assert not taken & kinds or name in NO_FILES or any(words.startswith(name) for words in tried), name
