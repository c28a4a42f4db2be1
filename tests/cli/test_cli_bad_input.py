"""What is wrong, in the hands of people and of attackers: every input, output, stream and home, and one clear end.

Each ends with the right code and exit code, a hint, no traceback, nothing personal, and nothing half-written.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from world.commands import Ran, clean_environment, command_at, every_command, in_a_process, sharekit
from world.desk import CHILD, OAK, OPEN, SEAL, TO_OPEN, events
from world.disks import needs_a_disk

NUMBER, BORN = CHILD["nhs_number"], CHILD["date_of_birth"]
PERSONAL = (NUMBER, BORN, "XXTEST")


def assert_clear(ran: Ran, code: int, error: str, case: object = None) -> None:
    """It ended as it should, with one message that says what to do and nothing of anybody."""
    assert (ran.code, ran.error) == (code, error), (case, ran)
    assert ran.out == b"", case
    assert ran.err.startswith(f"error [{error}]: "), case
    assert "\nhint: " in ran.err, case
    assert "Traceback" not in ran.err, case
    assert not [seed for seed in PERSONAL if seed in ran.err], case


# inputs: what may stand in the place of a file


NO_FILE: dict[str, Callable[[Path], object]] = {
    "nothing there": lambda path: None,
    "a folder": lambda path: path.mkdir(),
    "a link to nowhere": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path),
}
JUNK: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "binary junk": lambda path: path.write_bytes(random.Random(1).randbytes(5000)),
    "UTF-16": lambda path: path.write_bytes('{"name": "XXTEST"}'.encode("utf-16")),
    "Latin-1": lambda path: path.write_bytes('{"name": "XXTEST M\u00fcller"}'.encode("latin-1")),
    "half a JSON": lambda path: path.write_bytes(b'{"name": "XXTEST'),
    "a name twice": lambda path: path.write_bytes(b'{"a": 1, "a": 2}'),
    "not a number": lambda path: path.write_bytes(b'{"a": NaN}'),
    "a number without end": lambda path: path.write_bytes(b'{"a": ' + b"9" * 5000 + b"}"),
    "deeply nested": lambda path: path.write_bytes(b"[" * 100_000),
    "nested beyond sense": lambda path: path.write_bytes(b'{"a":' * 900 + b"1" + b"}" * 900),
    "more parts than a share has": lambda path: path.write_bytes(b"[" + b"{}," * 300_000 + b"1]"),
    "200 MB": lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 200 * 1024 * 1024),
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
    "an empty device": lambda path: path.symlink_to("/dev/null"),
}
PLACES = {
    "inspect": ("inspect", "@"),
    "verify": ("verify", "@", "--home", "elm"),
    "open": ("open", "@", *OPEN[2:], "x"),
    "seal DATA": ("seal", "@", *SEAL[2:], "x"),
    "seal TERMS": ("seal", "flag.json", "--terms", "@", *SEAL[4:], "x"),
    "trust add": ("trust", "add", "@", "--home", "elm"),
    "a card for once": ("verify", "flag.sharekit", "--home", "elm", "--trust", "@"),
    "a card without a home": ("verify", "flag.sharekit", "--trust", "@"),
    "audit": ("audit", "verify", "@", "--trust", "elm.card"),
    "audit --checkpoint": ("audit", "verify", "elm.export", "--trust", "elm.card", "--checkpoint", "@"),
    "audit --proof": ("audit", "verify", "elm.export", "--trust", "elm.card", "--proof", "@"),
}


def at_place(place: str, path: Path) -> Ran:
    if "elm.export" in PLACES[place] and not os.path.exists("elm.export"):
        assert sharekit("ledger", "export", "--home", "elm", "-o", "elm.export").code == 0
    return sharekit(*(str(path) if word == "@" else word for word in PLACES[place]))


@pytest.mark.parametrize("place", PLACES)
def test_what_cannot_be_read_is_a_usage_error(place, desk):
    for case, make in NO_FILE.items():
        path = desk.folder / f"XXTEST {NUMBER} {case}"
        make(path)
        assert_clear(at_place(place, path), 2, "usage", case)
    assert not os.path.exists("x")


@pytest.mark.parametrize("place", PLACES)
def test_what_is_not_what_it_should_be_is_malformed(place, desk):
    for case, make in JUNK.items():
        path = desk.folder / f"XXTEST {NUMBER} {case}"
        make(path)
        assert_clear(at_place(place, path), 3, "malformed", case)
    assert not os.path.exists("x")


@pytest.mark.parametrize("place", [place for place in PLACES if place != "audit"])
def test_what_comes_out_of_a_pipe_is_looked_at_no_less(place, desk):
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_bytes, args=(b"XXTEST",))
    writer.start()
    assert_clear(at_place(place, Path("pipe")), 3, "malformed")
    writer.join()


STRANGE_NAMES = ["two\nlines", "-o", "--json", "\u202eevil", "\udcff\udcfe", "caf\u00e9", "$(reboot)", "a" * 250]


@pytest.mark.parametrize("name", STRANGE_NAMES, ids=map(ascii, STRANGE_NAMES))
def test_a_file_may_have_any_name(name, desk):
    shutil.move("flag.sharekit", desk.folder / name)
    ran = sharekit(*OPEN[:1], *OPEN[2:], desk.folder / f"{name[:200]}.out", "--", name)
    assert ran.code == 0
    assert json.loads((desk.folder / f"{name[:200]}.out").read_bytes())["nhs_number"] == NUMBER
    assert sharekit("inspect", "--", name).code == 0


def test_json_may_have_the_marks_that_editors_leave(desk):
    text = Path("flag.json").read_bytes()
    for marked in (b"\xef\xbb\xbf" + text, text.replace(b", ", b",\r\n"), text + b"\r\n\r\n"):
        Path("flag.json").write_bytes(marked)
        assert sharekit(*SEAL, "x", "--force").code == 0


WRONG_KINDS = {
    "a list": [1],
    "a text": "XXTEST",
    "nothing": None,
    "a number": 10**400,
    "half a letter": {"nhs_number": "\ud800"},
    "half a letter as a name": {"\ud800": 1},
    "a name of somebody": {"Wren XXTEST-Ashby": 1},
}


@pytest.mark.parametrize("value", WRONG_KINDS.values(), ids=WRONG_KINDS)
def test_json_of_another_kind_is_refused_without_a_word_of_it(value, desk):
    desk.write("odd.json", value)
    for name in ("flag.json", "flag.terms.json"):
        ran = sharekit(*("odd.json" if word == name else word for word in SEAL), "x")
        assert_clear(ran, ran.code, ran.error)
        assert (ran.code, ran.error) in ((3, "malformed"), (5, "field-invalid"), (5, "field-not-allowed"))


LEAVES = {
    "a huge number": 10**400,
    "a text without end": "XXTEST " * 20_000,
    "half a letter": "\ud800",
    "a zero byte": "XXTEST\0",
    "a terminal's colours": "\x1b[31mXXTEST",
    "true": True,
    "nothing": None,
    "a nest": [[[[{}]]]],
}


@pytest.mark.parametrize("leaf", LEAVES.values(), ids=LEAVES)
def test_a_wrong_value_in_any_place_is_refused_by_the_name_of_its_field(leaf, desk):
    for name in ("flag.json", "flag.terms.json"):
        whole = json.loads(Path(name).read_text())
        for field in whole:
            desk.write("odd.json", whole | {field: leaf})
            ran = sharekit(*("odd.json" if word == name else word for word in SEAL), "x")
            assert_clear(ran, ran.code, ran.error)
            assert ran.code in (3, 5)
    assert not os.path.exists("x")


NONSENSE = ["junk.bin", "deep.json", "odd.json", "elm", "nothing", "flag.sharekit", "-", "\udcff", "", "XXTEST"]


def with_nonsense(path: tuple[str, ...], command: click.Command) -> Iterator[tuple[str, ...]]:
    """The command with each of its arguments and options given each kind of nonsense, and sense for the rest."""
    options = [each for each in command.params if isinstance(each, click.Option) and each.expose_value]
    arguments = [each for each in command.params if isinstance(each, click.Argument)]
    needed = [(each.opts[0], "out" if "-o" in each.opts else "ZZQ77") for each in options if each.required]
    for nonsense in NONSENSE:
        yield (*path, *[word for pair in needed for word in pair], "--", *[nonsense] * len(arguments))
        for option in options:
            if not option.is_flag and "-o" not in option.opts:
                others = [word for pair in needed if pair[0] != option.opts[0] for word in pair]
                yield (*path, *others, option.opts[0], nonsense, *["flag.json"] * len(arguments))


LEAVES_OF_THE_TREE = [path for path in every_command() if not isinstance(command_at(path), click.Group)]


@pytest.mark.parametrize("path", LEAVES_OF_THE_TREE, ids=" ".join)
def test_no_command_comes_apart_over_nonsense(path, desk):
    Path("junk.bin").write_bytes(random.Random(2).randbytes(2000))
    Path("deep.json").write_bytes(b'{"a":' * 900 + b"1" + b"}" * 900)
    desk.write("odd.json", {"\ud800": 10**400})
    for arguments in with_nonsense(path, command_at(path)):
        ran = sharekit("--home", "elm", *arguments, stdin=b"XXTEST")
        assert ran.code in range(7), arguments
        assert not [word for word in ("unexpected", "Traceback", "XXTEST") if word in ran.said], arguments


# outputs


UNWRITABLE = {
    "a folder that is not there": "XXTEST/x",
    "a folder that is not there, as a folder": "XXTEST/",
    "under a file": "flag.json/x",
    "a device": "/dev/null",
    "a full device": "/dev/full",
    "among the devices": "/dev/XXTEST",
    "no real folder": "/proc/XXTEST",
    "a name that is too long": "x" * 300,
}
WRITERS = {
    "seal": SEAL,
    "open": OPEN,
    "card": ("card", "--home", "elm", "-o"),
    "checkpoint": ("ledger", "checkpoint", "--home", "elm", "-o"),
    "prove": ("ledger", "prove", "0", "--home", "elm", "-o"),
    "export": ("ledger", "export", "--home", "elm", "-o"),
}


@pytest.mark.parametrize("out", UNWRITABLE.values(), ids=UNWRITABLE)
def test_an_output_that_cannot_be_written_is_said_before_anything_is_done(out, desk):
    before = events("larch"), events("elm")
    for case, writer in WRITERS.items():
        assert_clear(sharekit(*writer, out), 1, "output-unwritable", case)
    after = [event for event in events("elm") if event != "exported"]
    assert (events("larch"), after) == before


IN_A_HOME = ["vault.db", "agency.json", "card.cbor", "keys/agency.key", "trust/new.pin", "ledger/2026.db", "outbox/x"]
IN_A_HOME += ["policy.toml", "policy.cose", "Policy.toml", "vault.db-journal", "x", "ledger/x"]


@pytest.mark.parametrize("part", IN_A_HOME)
def test_no_output_replaces_a_part_of_the_home(part, desk):
    os.symlink("elm", "by-another-name")
    before = {path: path.read_bytes() for path in Path("elm").rglob("*") if path.is_file()}
    for name, writer in WRITERS.items():
        if name != "seal":
            for home in ("elm", "./elm", "by-another-name", "larch/../elm"):
                assert_clear(sharekit(*writer, f"{home}/{part}"), 1, "output-unwritable")
    assert {path: path.read_bytes() for path in Path("elm").rglob("*") if path.is_file()} == before


def test_no_output_replaces_an_input(desk):
    os.link("flag.json", "another-name.json")
    for out in ("flag.json", "./flag.json", "flag.terms.json", "another-name.json"):
        assert_clear(sharekit(*SEAL, out), 1, "output-unwritable")
    assert_clear(sharekit(*OPEN, "flag.sharekit"), 1, "output-unwritable")
    assert json.loads(Path("flag.json").read_text())["nhs_number"] == NUMBER


def test_a_link_in_the_place_of_an_output_leads_nowhere_else(desk):
    Path("victim").write_text("somebody else's")
    os.symlink("victim", "opened.json")
    assert sharekit(*OPEN, "opened.json").code == 0
    assert Path("victim").read_text() == "somebody else's"
    assert not os.path.islink("opened.json")


FULL = 'mount -t tmpfs -o size=64k none full && { dd if=/dev/zero of=full/fill bs=1k status=none 2>/dev/null; "$@"; }'
READ_ONLY = 'mount --bind . . && mount -o remount,ro,bind . && cd "$PWD" && "$@"'


def on_a_disk(steps: str, *arguments: str) -> Ran:
    """Run a command among mounts that only it sees."""
    shell = f"unshare --user --map-root-user --mount bash -c '{steps}' bash \"$@\""
    return in_a_process(*arguments, shell=shell)


@needs_a_disk
def test_a_disk_that_is_full_when_the_packet_is_written_loses_nothing(desk):
    os.mkdir("full")
    ran = on_a_disk(FULL, *SEAL, "full/x")
    assert_clear(ran, 1, "output-unwritable")
    kept = list(Path("larch/outbox").iterdir())
    assert f"kept at {kept[0]}" in ran.err
    assert events("larch")[-1] == "sealed"
    assert sharekit("verify", str(kept[0]), "--home", "elm").code == 0
    opened = on_a_disk(FULL, *OPEN, "full/x")
    assert_clear(opened, 1, "output-unwritable")


def test_a_packet_that_can_be_kept_nowhere_is_said_to_be_sealed_again(desk):
    os.rmdir("larch/outbox")
    ran = in_a_process(*SEAL, "-", shell='"$@" > /dev/full')
    assert_clear(ran, 1, "output-unwritable")
    assert "recorded as entry 3" in ran.err
    assert "seal it again" in ran.err


@needs_a_disk
@pytest.mark.parametrize("name", ["seal", "open", "verify", "subject", "trust"])
def test_a_home_that_is_read_only_releases_nothing(name, desk):
    writing = {
        "seal": (*SEAL, "../x"),
        "open": (*OPEN, "../x"),
        "verify": ("verify", "flag.sharekit", "--home", "elm"),
        "subject": ("ledger", "subject", "--id", f"nhs={NUMBER}", "--home", "elm"),
        "trust": ("trust", "revoke", "E10999002", "--reason", "XXTEST", "--home", "elm"),
    }
    assert_clear(on_a_disk(READ_ONLY, *writing[name]), 6, "ledger-unwritable")
    assert not os.path.exists("../x")


@needs_a_disk
def test_a_home_that_is_read_only_can_still_be_read(desk):
    for command in ("trust list", "ledger log", "ledger verify", "ledger checkpoint", "doctor"):
        assert on_a_disk(READ_ONLY, *command.split(), "--home", "elm").code == 0
    made = on_a_disk(READ_ONLY, "init", "--home", "oak", *OAK, "--no-passphrase")
    assert_clear(made, 1, "output-unwritable")


# streams


def test_a_full_standard_output_is_an_unwritable_output(desk):
    log, card = ("ledger", "log", "--home", "elm"), ("--json", "card", "--home", "elm")
    for arguments in (log, card, ("--help",), (*OPEN, "-")):
        assert_clear(in_a_process(*arguments, shell='"$@" > /dev/full'), 1, "output-unwritable")
    sealed = in_a_process(*SEAL, "-", shell='"$@" > /dev/full')
    assert_clear(sealed, 1, "output-unwritable")
    (kept,) = Path("larch/outbox").iterdir()
    assert sharekit("verify", str(kept), "--home", "elm").code == 0


def test_a_closed_standard_output_is_said_before_anything_is_done(desk):
    for arguments in ((*SEAL, "x"), (*OPEN, "-"), ("--json", "ledger", "log", "--home", "elm"), ("--help",)):
        assert_clear(in_a_process(*arguments, shell='"$@" >&-'), 1, "output-unwritable")
    silent = in_a_process(*SEAL, "x", shell='"$@" >&- 2>&- <&-')
    assert (silent.code, silent.said, os.path.exists("x")) == (1, "", False)


def test_a_closed_standard_error_keeps_nobody_from_the_result(desk):
    assert in_a_process(*OPEN, "-", shell='"$@" 2>&-').out.startswith(b"{")


def test_a_reader_that_has_seen_enough_ends_the_command_quietly(desk):
    ran = in_a_process("vocab", "purposes", shell='"$@" | head -c 1; exit ${PIPESTATUS[0]}')
    assert ran.code in (0, 1)  # 0 where all of it went into the pipe before the reader left
    assert ran.err == ""


def test_a_closed_standard_input_is_a_usage_error_and_never_a_yes(desk):
    for arguments in (
        ("inspect", "-"),
        ("trust", "add", "-", "--home", "elm"),
        (*OPEN[:6], "--confirm", "date_of_birth", "-o", "x"),
        ("ledger", "subject", "--id", "nhs", "--home", "elm"),
    ):
        assert_clear(in_a_process(*arguments, shell='"$@" <&-'), 2, "usage")
    unasked = in_a_process("init", "--home", "oak", *OAK, shell='"$@" <&-')
    assert_clear(unasked, 2, "wrong-passphrase")
    assert in_a_process(*SEAL, "x", shell='"$@" <&-').code == 0


@pytest.mark.parametrize("again", ["date_of_birth=2015-05-05", "date_of_birth"])
def test_a_second_identifier_has_one_value(again, desk):
    ran = sharekit(
        *TO_OPEN, "--confirm", "date_of_birth=2015-05-06", "--confirm", again, "-o", "x", stdin=b"2015-05-05"
    )
    assert (ran.code, ran.error) == (2, "usage")
    assert not Path("x").exists()


def test_a_personal_value_on_standard_input_must_be_text(desk):
    asked = (*OPEN[:6], "--confirm", "date_of_birth", "-o", "x")
    ran = sharekit(*asked, stdin=b"\xff\xfe2015\n")
    assert (ran.code, ran.error) == (2, "usage")


@pytest.mark.parametrize("name", ["LC_ALL", "PYTHONIOENCODING", "TZ"])
def test_neither_the_language_nor_the_place_of_a_machine_matters(name, desk):
    odd = {"LC_ALL": "xx_YY", "PYTHONIOENCODING": "ascii", "TZ": "Pacific/Kiritimati"}
    for arguments in (("trust", "list", "--home", "elm"), ("ledger", "checkpoint", "--home", "elm"), (*OPEN, "-")):
        ran = in_a_process(*arguments, **{name: odd[name]})
        assert ran.code == 0
    assert json.loads(ran.out)["date_of_birth"] == BORN
    assert "2026-11-26T09:00:00Z" in in_a_process("ledger", "log", "--home", "elm", **{name: odd[name]}).text


def test_a_person_without_a_home_folder_is_told_to_name_one(desk):
    ran = in_a_process("card", shell='unset HOME XDG_DATA_HOME; "$@"')
    assert_clear(ran, 2, "usage")


# homes


def junk(name: str) -> Callable[[Path], object]:
    return lambda home: (home / name).write_bytes(b"XXTEST")


def gone(name: str) -> Callable[[Path], object]:
    return lambda home: shutil.rmtree(home / name) if (home / name).is_dir() else (home / name).unlink()


def another(name: str) -> Callable[[Path], object]:
    return lambda home: shutil.copy(Path("larch") / name, home / name)


def linked(name: str) -> Callable[[Path], object]:
    return lambda home: (home / name).symlink_to((home / name).rename(Path.cwd() / "elsewhere"))


DAMAGED_HOMES = {
    "agency.json is junk": (junk("agency.json"), 3, "malformed"),
    "agency.json is gone": (gone("agency.json"), 2, "usage"),
    "the card is junk": (junk("card.cbor"), 3, "malformed"),
    "the card is gone": (gone("card.cbor"), 3, "malformed"),
    "the card is another's": (another("card.cbor"), 3, "malformed"),
    "the key file is junk": (junk("keys/agency.key"), 3, "malformed"),
    "the key file is gone": (gone("keys/agency.key"), 3, "malformed"),
    "the key file is another's": (another("keys/agency.key"), 3, "malformed"),
    "the log key is junk": (junk("keys/log.key"), 3, "malformed"),
    "the log key is another's": (another("keys/log.key"), 3, "malformed"),
    "the trust folder is gone": (gone("trust"), 3, "malformed"),
    "the vault is junk": (junk("vault.db"), 6, "ledger-unwritable"),
    "the vault is gone": (gone("vault.db"), 6, "ledger-unwritable"),
    "the vault is another's": (another("vault.db"), 6, "ledger-unwritable"),
    "the vault is a link": (linked("vault.db"), 6, "ledger-unwritable"),
    "the ledger is a link": (linked("ledger/2026.db"), 6, "ledger-unwritable"),
    "the ledger is junk": (junk("ledger/2026.db"), 6, "ledger-tampered"),
    "the ledger is gone": (gone("ledger/2026.db"), 6, "ledger-tampered"),
    "the ledger is another's": (another("ledger/2026.db"), 6, "ledger-tampered"),
    "all ledgers are gone": (gone("ledger"), 6, "ledger-unwritable"),
    "all of it is gone": (gone(""), 2, "usage"),
}


@pytest.mark.parametrize(("damage", "code", "error"), DAMAGED_HOMES.values(), ids=DAMAGED_HOMES)
def test_a_damaged_home_releases_nothing_and_says_what_to_do(damage, code, error, desk):
    damage(Path("elm"))
    assert_clear(sharekit(*OPEN, "x"), code, error)
    assert not os.path.exists("x")
    doctor = sharekit("doctor", "--home", "elm")
    assert doctor.code == (0 if error == "unknown-sender" else code)
    assert "Traceback" not in doctor.said


def test_a_home_that_goes_away_meanwhile_is_said_to_be_gone(desk):
    assert sharekit("init", "--home", "oak", *OAK, "--passphrase-file", "words").code == 0
    os.mkfifo("slow")
    process = started("ledger", "subject", "--id", "local=1", "--home", "oak", "--passphrase-file", "slow")
    with Path("slow").open("wb"):
        shutil.rmtree("oak")
    said = process.communicate()[1].decode()
    assert process.returncode == 2
    assert said.startswith("error [")
    assert "Traceback" not in said


# many at once, and an end at any moment


def started(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["sharekit", *arguments], env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_eight_at_once_all_get_their_turn(desk):
    sealing = [started("--json", *SEAL, f"x{number}") for number in range(8)]
    said = [json.loads(process.communicate()[0]) for process in sealing]
    assert sorted(each["entry"] for each in said) == list(range(3, 11))
    opening = [started(*OPEN, "opened.json") for _ in range(8)]
    assert [process.communicate()[1].count(b"error") for process in opening] == [0] * 8
    assert json.loads(Path("opened.json").read_text())["nhs_number"] == NUMBER
    for home in ("larch", "elm"):
        assert sharekit("ledger", "verify", "--home", home).code == 0
    assert events("elm").count("received") == 1


def test_one_of_eight_makes_the_home_and_the_others_are_told(desk):
    making = [started("init", "--home", "oak", *OAK, "--no-passphrase") for _ in range(8)]
    errors = [process.communicate()[1] for process in making]
    assert sorted(process.returncode for process in making) == [0] + [2] * 7
    assert sum(b"error [usage]" in error for error in errors) == 7
    assert sharekit("ledger", "verify", "--home", "oak").code == 0
    assert not [name for name in os.listdir() if name.startswith(".sharekit")]


def test_a_kill_at_any_moment_leaves_whole_files_and_a_record_that_verifies(desk):
    chance = random.Random(7)
    for turn in range(12):
        process = started(*SEAL, "x") if turn % 2 else started(*OPEN, "opened.json")
        time.sleep(chance.uniform(0.05, 0.4))
        process.kill()
        process.communicate()
        if os.path.exists("x"):
            assert sharekit("verify", "x", "--trust", "larch.card").code == 0
        if os.path.exists("opened.json"):
            assert json.loads(Path("opened.json").read_text())["nhs_number"] == NUMBER
    for home in ("larch", "elm"):
        assert sharekit("ledger", "verify", "--home", home).code == 0
    assert sharekit(*SEAL, "y").code == 0
    assert sharekit(*OPEN, "y.json").code == 0


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_stopped_says_so_and_leaves_nothing(stop, desk):
    assert sharekit("init", "--home", "oak", *OAK, "--passphrase-file", "words").code == 0
    os.mkfifo("slow")
    process = started("ledger", "subject", "--id", "local=1", "--home", "oak", "--passphrase-file", "slow")
    with open("slow", "wb"):  # it has begun to read: now it is stopped
        process.send_signal(stop)
        said = process.communicate()[1]
    assert process.returncode == 1
    assert b"error [unexpected]: stopped before it was done" in said
    assert b"Traceback" not in said
    assert not [name for name in os.listdir() if name.startswith(".sharekit")]
