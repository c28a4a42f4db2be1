"""Kills a command before any one of its system calls that change something, and looks at what the next act makes of it.

A command runs under strace, which kills it as it enters the chosen call. Which calls there are is counted first, in a
run that ends well: those that write, sync, name, rename, link, remove, cut or open a file of the folder for writing.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import sharekit
from sharekit import Agency
from sharekit.agency import doctor
from sharekit.agency.home import is_protected
from sharekit.domain import vocabulary
from world.agencies import CONFIRM, FLAG, World, example
from world.console import EXAMPLES, environment

CALLS = (
    *["write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "symlink"],
    *["symlinkat", "unlink", "unlinkat", "rmdir", "mkdir", "ftruncate", "fchmod", "chmod", "openat"],
)
STATUS, LATER = "safeguarding.status-flag", "2027-12-20T09:00:00Z"  # in the year after, and no leap of the clock
PRIVATE = (b"XXTEST", b"2019-03-14", b"9990001006", b"RM2019")  # what only sealed or named files may hold
STRICT = b'prohibited_purposes = ["crime.mappa"]\n'
STRICTER = b'prohibited_purposes = ["crime.mappa", "crime.investigation"]\n'
LOOSER = b'[[cells]]\nfrom = "safeguarding.status-flag"\nto = "health.direct-care.planned"\ncell = "record"\n'
WHO = {"person": "Lee XXTEST-Varley", "role": "caldicott-guardian"}

Check = Callable[[Path], None]


@dataclass(frozen=True)
class Act:
    """A command as it is typed in the folder, when, and what has to be true of the folder whenever it was killed."""

    command: str
    check: Check
    now: str = FLAG

    def words(self) -> list[str]:
        return [sys.executable, "-m", "sharekit", *self.command.split()]

    def environment(self, folder: Path) -> dict[str, str]:
        return environment(folder) | {"SHAREKIT_NOW": self.now, "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True)
class Point:
    """Before the call of this name and number a command is killed."""

    call: str
    number: int


# --- the folder in which commands are killed --------------------------------------------------------------------


def furnish(folder: Path) -> None:
    """Two agencies in the middle of their work, a third one's card, and the files that commands are given."""
    with pytest.MonkeyPatch.context() as patch:
        world = World(folder, patch)
        for org_id in ("E10999001", "ZZQ01"):
            world.agency(org_id, **WHO)
        stranger = World(folder / "elsewhere", patch).larkmoor
        (folder / "larkmoor.card").write_bytes(stranger.card())
        stranger.close()
        _exchange(world, folder)
        for agency in world.agencies.values():
            agency.close()
    shutil.rmtree(folder / "elsewhere")
    _write_inputs(folder)


def _exchange(world: World, folder: Path) -> None:
    said = {"ended": "2026-11-10"}
    names = ("first", "second", "held", "new", "other")
    packets = {name: world.flag(**said, valid_days=20 + number) for number, name in enumerate(names)}
    packets["held"] = _about_another_child(world)
    for name, data in packets.items():
        (folder / f"{name}.sharekit").write_bytes(data)
        if name in ("first", "second", "held"):
            world.quillbrook.open(data, purpose=STATUS, confirm=CONFIRM, reason="seen in the night")
    number = bytes.fromhex(sharekit.parse(packets["held"]).id)
    world.quillbrook.retention.hold(number, reason="inquiry")
    world.quillbrook.local_policy.tighten(STRICT, reason="agreed by the board")
    (folder / "receipt.sharekit").write_bytes(world.outbox("ZZQ01")[0])


def _about_another_child(world: World) -> bytes:
    data, terms = example("cp-is-flag")
    return world.fernshire.seal(data | {"nhs_number": "9990001014"}, terms, to="ZZQ01")


def _write_inputs(folder: Path) -> None:
    data, terms = example("cp-is-flag")
    (folder / "data.json").write_text(json.dumps(data))
    (folder / "terms.json").write_text(json.dumps(terms))
    shutil.copy(EXAMPLES / "decisions" / "deferred.json", folder / "decision.json")
    (folder / "stricter.toml").write_bytes(STRICTER)
    (folder / "looser.toml").write_bytes(LOOSER)
    (folder / "words").write_text("correct horse\n")
    (folder / "words").chmod(0o600)
    (folder / "out").mkdir()
    for name in ("there", "opened-there"):
        (folder / "out" / name).write_bytes(b"old\n")
    for path in folder.rglob("*.lock"):
        path.touch()


INPUTS = {"data.json", "terms.json", "decision.json"}


# --- which calls a command makes --------------------------------------------------------------------------------


def points(act: Act, folder: Path) -> list[Point]:
    """Every point at which the command can be killed, found by letting it run in `folder`, which it changes."""
    log = folder.with_name(folder.name + ".strace")
    traced = ["strace", "-f", "-qq", "-y", "-s", "0", "-o", str(log), "-e", f"trace={','.join(CALLS)}"]
    ran = subprocess.run(
        [*traced, *act.words()], cwd=folder, env=act.environment(folder), capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return list(_changing(log.read_text(), folder))


def _changing(log: str, folder: Path) -> Iterator[Point]:
    counts = Counter[str]()
    for line in log.splitlines():
        found = re.match(r"\d+ +(\w+)\(", line)
        if found is None:
            continue
        call = found[1]
        counts[call] += 1
        opens = call == "openat" and not re.search(r"O_(WRONLY|RDWR|CREAT)", line)
        if not opens and (str(folder) in line or f'"{folder.name}' in line or _is_relative(call, line)):
            yield Point(call, counts[call])


def _is_relative(call: str, line: str) -> bool:
    return call not in ("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "openat") and '"/' not in line


def kill(act: Act, folder: Path, point: Point) -> bool:
    """Run the command in `folder` and kill it before a call; whether it came so far."""
    inject = ["-e", f"trace={point.call}", "-e", f"inject={point.call}:signal=KILL:when={point.number}"]
    ran = subprocess.run(
        ["strace", "-f", "-qq", "-o", os.devnull, *inject, *act.words()],
        cwd=folder,
        env=act.environment(folder),
        capture_output=True,
        timeout=120,
    )
    return ran.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)


# --- what has to be true afterwards -----------------------------------------------------------------------------


def look(act: Act, folder: Path, before: Path) -> None:
    """Do the next act in every home, and hold what is there against what was there before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHAREKIT_NOW", act.now)
        for home in ("E10999001", "ZZQ01", "init"):
            if (before / home).exists() or (folder / home).exists():
                _look_at_home(folder / home, before / home)
        _look_for_private_things(folder)
        act.check(folder)


def _look_at_home(home: Path, before: Path) -> None:
    with contextlib.suppress(sharekit.errors.Usage), contextlib.closing(Agency.load(home)) as agency:
        agency.ledger.verify()
        assert agency.differences() == []
        if before.exists():
            size, root, _ = _as_it_was(before)
            assert agency.ledger_of(2026).root(size) == root
    if (home / "agency.json").exists():
        wrong = {check.name: check.found for check in doctor.examine(home) if not check.good}
        assert wrong.keys() <= (_as_it_was(before)[2] if before.exists() else EXPECTED), wrong
    else:
        assert not home.exists() or list(home.iterdir()) == [], "something of a home that was never made"


@functools.cache
def _as_it_was(before: Path) -> tuple[int, bytes, frozenset[str]]:
    """Size and root of the ledger that was there, and what `doctor` had against the home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHAREKIT_NOW", FLAG)  # looking begins no year there
        with contextlib.closing(Agency.load(before)) as agency:
            ledger = agency.ledger_of(2026)
            size, root = ledger.size, ledger.root()
        wrong = {check.name for check in doctor.examine(before) if not check.good}
    return size, root, frozenset(wrong | {"waiting in the outbox", "unconfirmed cards", "cards that nobody accepted"})


EXPECTED = {"clock", "demonstration", "signing and opening keys", "unconfirmed cards", "waiting in the outbox"}


def _look_for_private_things(folder: Path) -> None:
    """Nothing that is under way is left, no key but in a home, and nothing about a child but in what was asked for."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        assert ".sharekit-" not in name or name.endswith(".note"), name
        if path.is_file() and name not in INPUTS and not name.startswith("out/opened"):
            data = path.read_bytes()
            assert not [word for word in PRIVATE if word in data and not name.endswith("agency.json")], name


# --- what an act promises ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def home(folder: Path, name: str) -> Iterator[Agency]:
    with contextlib.closing(Agency.load(folder / name)) as agency:
        yield agency


def entries(agency: Agency, *events: str) -> list[sharekit.Entry]:
    """The entries of these events, of every year, newest first."""
    numbers = {vocabulary.load("ledger-events")[event].number for event in events}
    return [entry for entry in agency.record.all_entries(agency.now()) if entry.event in numbers]


def number(folder: Path, name: str) -> bytes:
    return bytes.fromhex(sharekit.parse((folder / f"{name}.sharekit").read_bytes()).id)


def destroyed(*names: str) -> Check:
    """All that was to go has gone, if the record says so, and else nothing has."""

    def check(folder: Path) -> None:
        with home(folder, "ZZQ01") as agency:
            gone = {entry.packet for entry in entries(agency, "destroyed")}
            wanted = {number(folder, name) for name in names}
            assert gone in (set(), wanted)
            assert not gone & {each.packet for each in agency.retention.kept()}
            words = [
                entry for entry in entries(agency, "opened", "decided") if agency.record.vault.read_detail(entry.nonce)
            ]
            assert {entry.packet for entry in words} == {
                number(folder, each) for each in ("first", "second", "held")
            } - gone

    return check


def held(name: str, outcome: str) -> Check:
    """On hold or not, as the newest entry about it says; the vault says the same."""

    def check(folder: Path) -> None:
        with home(folder, "ZZQ01") as agency:
            about = [each.outcome for each in entries(agency, "reviewed") if each.packet == number(folder, name)]
            code = vocabulary.load("outcomes")[outcome].number
            is_held = (code in about) == (outcome == "held")
            (kept,) = [each for each in agency.retention.kept() if each.packet == number(folder, name)]
            assert kept.held >= is_held
            assert kept.held == is_held or outcome == "held"

    return check


def in_force(folder: Path) -> None:
    with home(folder, "ZZQ01") as agency:
        newest = entries(agency, "policy-changed")[0].file
        assert agency.local_policy.in_force().digest == newest
        assert not agency.local_policy.is_astray()


def sealed(name: str) -> Check:
    """A packet that is there is whole and on the record; what was there before stays until it is replaced."""

    def check(folder: Path) -> None:
        path = folder / "out" / name
        if path.exists() and path.read_bytes() != b"old\n":
            packet = sharekit.parse(path.read_bytes())
            with home(folder, "E10999001") as agency:
                assert packet.digest in [entry.file for entry in entries(agency, "sealed")]

    return check


def opened(name: str) -> Check:
    """What is shown is whole and on the record."""

    def check(folder: Path) -> None:
        path = folder / "out" / name
        if path.exists() and path.read_bytes() != b"old\n":
            assert json.loads(path.read_text())["plan_type"] == "cpp"
            with home(folder, "ZZQ01") as agency:
                assert number(folder, "new") in [entry.packet for entry in entries(agency, "opened")]

    return check


def taken_in_once(folder: Path) -> None:
    """Taking it in again makes no second `received`."""
    with home(folder, "ZZQ01") as agency:
        agency.verify((folder / "new.sharekit").read_bytes())
        received = [entry for entry in entries(agency, "received") if entry.packet == number(folder, "new")]
        assert len(received) == 1


def receipt_taken(folder: Path) -> None:
    """The receipt can be taken in again, and is an entry once."""
    with home(folder, "E10999001") as agency:
        agency.receive((folder / "receipt.sharekit").read_bytes())
        assert len(entries(agency, "receipt-in")) == 1


def revoked(folder: Path) -> None:
    """A key that the record has as revoked is not believed."""
    with home(folder, "E10999001") as agency:
        is_revoked = bool(entries(agency, "revoked"))
        assert [bool(pin.revoked) for pin in agency.trust if pin.card.org_id == "ZZQ01"] == [is_revoked]


def trusted(folder: Path) -> None:
    """A card that is believed is one that the record has."""
    with home(folder, "E10999001") as agency:
        accepted = {entry.file for entry in entries(agency, "trusted")}
        assert {pin.card.fingerprint for pin in agency.trust if pin.card.org_id != agency.org_id} <= accepted


def locked(folder: Path) -> None:
    """The keys open with the new passphrase or with none, and if with it, the record says so or nothing does yet."""
    with contextlib.closing(Agency.load(folder / "ZZQ01", (folder / "words").read_text().strip())) as agency:
        assert agency.keys
        assert is_protected(folder / "ZZQ01") or not entries(agency, "keys-changed")


def renewed(folder: Path) -> None:
    """The card that is given to partners is the one that the record has as the newest."""
    with home(folder, "ZZQ01") as agency:
        card = sharekit.Card.parse(agency.card())
        assert {entry.file for entry in entries(agency, "card-renewed")[:1]} in (set(), {card.fingerprint})
        assert (card.phone.replace(" ", "") == "01632960302") == bool(entries(agency, "card-renewed"))


def nothing_more(folder: Path) -> None:
    """What is true of every act is enough."""


SEAL = "seal data.json --terms terms.json --to ZZQ01 --home E10999001"
OPEN = f"open new.sharekit --home ZZQ01 --purpose {STATUS} --confirm date_of_birth=2019-03-14"
DESTROY = "retention destroy --home ZZQ01"
ACTS = {
    "init": Act(
        "init --home init --org-id P97 --org-type police --name Harrowmere --phone 01632960401 --no-passphrase",
        nothing_more,
    ),
    "trust add": Act("trust add larkmoor.card --home E10999001", trusted),
    "trust revoke": Act("trust revoke ZZQ01 --reason stolen --home E10999001", revoked),
    "seal": Act(f"{SEAL} -o out/flag.sharekit", sealed("flag.sharekit")),
    "seal over a file": Act(f"{SEAL} --force -o out/there", sealed("there")),
    "open": Act(f"{OPEN} -o out/opened.json", opened("opened.json")),
    "open over a file": Act(f"{OPEN} -o out/opened-there", opened("opened-there")),
    "verify": Act("verify new.sharekit --home ZZQ01", taken_in_once),
    "receive a share": Act("receive new.sharekit --home ZZQ01", taken_in_once),
    "receive a receipt": Act("receive receipt.sharekit --home E10999001", receipt_taken),
    "hold": Act("retention hold first.sharekit --reason inquiry --home ZZQ01", held("first", "held")),
    "release": Act("retention release held.sharekit --reason closed --home ZZQ01", held("held", "released")),
    "destroy one": Act(f"{DESTROY} first.sharekit --reason mistake", destroyed("first")),
    "destroy a child": Act(f"{DESTROY} --id nhs=9990001006 --reason asked", destroyed("first", "second")),
    "destroy what is due": Act(f"{DESTROY} --due", destroyed("first", "second"), LATER),
    "tighten": Act("policy set stricter.toml --reason agreed --home ZZQ01", in_force),
    "loosen": Act("policy set looser.toml --loosen --reason agreed --home ZZQ01", in_force),
    "lock the keys": Act("keys passphrase --new-passphrase-file words --home ZZQ01", locked),
    "renew the card": Act("card renew --phone 01632960302 --home ZZQ01", renewed),
    "decide": Act("decide decision.json --home E10999001", nothing_more),
    "checkpoint": Act("ledger checkpoint -o out/note --home E10999001", nothing_more),
    "export": Act("ledger export -o out/export --home E10999001", nothing_more),
}


def tried(act: Act, base: Path, work: Path, point: Point) -> bool:
    """One kill in a copy of `base`, and what came of it; whether the command came so far."""
    folder = work / "at"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder, symlinks=True)
    killed = kill(act, folder, point)
    look(act, folder, base)
    return killed
