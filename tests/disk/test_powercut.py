"""No power cut takes an entry that was acknowledged, after whatever step; where one could, the simulator tells.

The short form cuts at some hundred steps a mode, the long one (SHAREKIT_LONG=1) at more than 2,000, and prints
the figures that docs/reliability.md keeps.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import pytest
from world.ledgers import LONG, NAME, create, entry, folder_in_memory, genesis, opened
from world.powercut import Disk
from world.tape import Said, Step, Sync, Tape, recording

from sharekit.disk import durable
from sharekit.errors import ShareError
from sharekit.ledger.log import Ledger

CUTS = 2500 if LONG else 300
SESSIONS = [(180, 12), (20, 1, 15), (9, 30), (12,)] if LONG else [(5, 2), (1, 4), (3, 3), (4,)]
FIGURES: list[str] = []

History = list[bytes]  # the entries of a ledger, in order
Allowed = list[History]  # what may be found: first all that was acknowledged, then that and what was asked for

BOTH = "one, then the other"  # as when a new SQLite, or an old one, comes to the machine
SAFE = ("TRUNCATE/FULL", "WAL/FULL", BOTH)
UNSAFE = ("DELETE/FULL", "TRUNCATE/NORMAL", "WAL/NORMAL")


@pytest.fixture
def folder():
    with folder_in_memory() as path:
        yield path


@pytest.fixture
def set_mode(monkeypatch):
    """Makes the ledger use a mode: by its own code where that is FULL, otherwise behind its back."""

    def careless(db: Any) -> None:
        db.execute(f"PRAGMA journal_mode = {durable.journal_mode(())}")
        db.execute("PRAGMA synchronous = NORMAL")

    def set_to(mode: str) -> None:
        journal, synchronous = mode.split("/")
        monkeypatch.setattr(durable, "journal_mode", lambda _: journal)
        if synchronous == "NORMAL":
            monkeypatch.setattr(durable, "make_durable", careless)

    return set_to


def history_of(ledger: Ledger) -> History:
    return [data for _, data in ledger.entries()]


# what is recorded: an agency at work, killed and cut off and started again


def work(folder: Path, tape: Tape, allowed: Allowed, random: Random, sessions: tuple[int, ...]) -> None:
    """Append in sessions, one and several entries at once, at times through two openings of the ledger."""
    for appends in sessions:
        with ExitStack() as stack:
            openings = [stack.enter_context(opened(folder)) for _ in range(random.choice((1, 1, 2)))]
            history = history_of(openings[0])
            assert history in allowed
            for _ in range(appends):
                entries = [entry(nonce=random.randbytes(16)) for _ in range(random.choice((1, 1, 1, 2, 5, 40)))]
                after = history + [each.encode() for each in entries]
                tape.say([*allowed, after])
                random.choice(openings).append(*entries)
                tape.say(allowed := [after])
                history = after


def first_years(folder: Path, random: Random) -> Tape:
    folder.mkdir()
    tape, first = Tape({}), genesis(nonce=random.randbytes(16))
    with recording(folder, tape):
        tape.say([[], [first.encode()]])
        create(folder, first)
        tape.say([[first.encode()]])
        work(folder, tape, [[first.encode()]], random, SESSIONS[0])
    return tape


def made_at(tape: Tape) -> int:
    """The step at which the making of the ledger was acknowledged."""
    return next(number for number, step in enumerate(tape.steps) if isinstance(step, Said) and step.value[0])


def after(steps: list[Step], tape: Tape) -> Disk:
    disk = Disk(tape.start)
    for step in steps:
        disk.replay(step)
    return disk


def killed(tape: Tape, at: int, folder: Path) -> Tape:
    """What was being done ended after so many steps; others find the folder as it was left, and go on."""
    disk = after(tape.steps[:at], tape)
    lay_out(folder, disk.live())
    return Tape(tape.start, tape.steps[:at], disk.names(), at)


def cut_off(tape: Tape, at: int, folder: Path, random: Random) -> Tape:
    """The power went after so many steps, and came back."""
    found = after(tape.steps[:at], tape).cut(random)
    lay_out(folder, found)
    return Tape({name: data for name, data in found.items() if not name.endswith("-shm")})


def carry_on(tape: Tape, folder: Path, random: Random, sessions: tuple[int, ...], *, power: bool) -> Tape:
    """The agency was killed at some step of the tape, or lost power, and goes on from what it finds."""
    at = random.randrange(made_at(tape), len(tape.steps)) + 1
    allowed = next(step.value for step in reversed(tape.steps[:at]) if isinstance(step, Said))
    again = cut_off(tape, at, folder, random) if power else killed(tape, at, folder)
    again.say(allowed)
    with recording(folder, again):
        work(folder, again, allowed, random, sessions)
    return again


def record(folder: Path, mode: str, set_mode: Callable[[str], None]) -> list[Tape]:
    """One tape for an unsafe mode; for a safe one others that go on from where power or process ended."""
    random, turns = Random(mode), cycle(SAFE[:2] if mode == BOTH else [mode])
    set_mode(next(turns))
    tapes = [first_years(folder / "0", random)]
    for number, sessions in enumerate(SESSIONS[1:] if mode in SAFE else [], 1):
        set_mode(next(turns))
        tapes.append(carry_on(tapes[-1], folder / str(number), random, sessions, power=bool(number & 1)))
    return tapes


# what is found after a cut


def lay_out(folder: Path, found: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, data in found.items():
        (folder / name).write_bytes(data)


def judge(folder: Path, allowed: Allowed) -> str:
    """What became of the ledger after a cut: kept, lost (something acknowledged), torn, or damaged."""
    told = allowed[0]
    if not (folder / NAME).exists():
        create(folder)
        return "lost" if told else "kept"
    try:
        with opened(folder) as ledger:
            history = history_of(ledger)
            ledger.verify()
            ledger.append(entry())
    except ShareError:
        return "damaged"
    if history in allowed:
        return "kept"
    return "torn" if history[: len(told)] == told else "lost"


def figures(folder: Path, tape: Tape, wanted: set[int]) -> Counter[str]:
    """What became of the ledger at a cut before each of these steps of the tape."""
    disk, allowed, found = Disk(tape.start), [[]], Counter[str]()
    for number, step in enumerate(tape.steps):
        if isinstance(step, Said):
            allowed = step.value
        elif number in wanted:
            place = folder / str(number)
            lay_out(place, disk.cut(Random(number)))
            found[judge(place, allowed)] += 1
            shutil.rmtree(place)
        disk.replay(step)
    return found


def cut_everywhere(folder: Path, tapes: list[Tape], name: str) -> Counter[str]:
    """The figures of CUTS cuts, each before another step of one of the tapes."""
    steps = [
        (tape_number, number)
        for tape_number, tape in enumerate(tapes)
        for number, step in enumerate(tape.steps)
        if number >= tape.new and not isinstance(step, Said)
    ]
    chosen, found = Random(name).sample(steps, min(CUTS, len(steps))), Counter[str]()
    for tape_number, tape in enumerate(tapes):
        wanted = {number for at, number in chosen if at == tape_number}
        found += figures(folder / f"cuts of {tape_number}", tape, wanted)
    FIGURES.append(f"{name}: {len(chosen)} cuts at different steps of {len(steps)}, {dict(found)}")
    return found


@pytest.fixture(autouse=True)
def show_figures(capsys):
    yield
    with capsys.disabled():
        while LONG and FIGURES:
            print(FIGURES.pop(), flush=True)


@pytest.mark.parametrize("mode", SAFE)
def test_a_power_cut_takes_no_acknowledged_entry(folder, set_mode, mode):
    """Nor half an append; the ledger verifies and goes on. Power goes again while SQLite repairs the file."""
    found = cut_everywhere(folder, record(folder, mode, set_mode), mode)
    assert found == {"kept": CUTS}


@pytest.mark.parametrize("mode", UNSAFE)
def test_the_simulator_catches_a_mode_that_loses_entries(folder, set_mode, mode):
    found = cut_everywhere(folder, record(folder, mode, set_mode), mode)
    assert found["lost"] > 0


@pytest.mark.parametrize("mode", SAFE[:2])
def test_the_simulator_catches_a_disk_that_does_not_sync(folder, set_mode, mode):
    (tape, *_) = record(folder, mode, set_mode)
    made = made_at(tape)
    tape.steps[made:] = (step for step in tape.steps[made:] if not isinstance(step, Sync))
    found = cut_everywhere(folder, [tape], f"{mode} on a disk that does not sync")
    assert found["lost"] > 0


@pytest.mark.parametrize("mode", SAFE[:2])
def test_what_an_opening_has_shown_stays_even_if_who_wrote_it_was_killed(folder, set_mode, mode):
    """A checkpoint may have been printed, or remembered in the vault: a ledger without it would look tampered with."""
    set_mode(mode)
    tape, random = first_years(folder / "0", Random(mode)), Random(mode)
    for at in range(made_at(tape) + 1, len(tape.steps)):
        place = folder / f"killed after {at}"
        again = killed(tape, at, place)
        with recording(place, again), opened(place) as ledger:
            shown, end = history_of(ledger), len(again.steps)
        cut_off(again, end, place / "cut", random)
        with opened(place / "cut") as ledger:
            assert history_of(ledger)[: len(shown)] == shown
