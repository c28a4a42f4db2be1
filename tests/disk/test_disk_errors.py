"""Whatever the disk refuses, all entries of an append are in the ledger or none, and it goes on afterwards.

An error at every call that SQLite makes to the disk: it comes from the VFS of tests/world/tape.py, so that what
follows is SQLite's own way with errors, and is then cut off as tests/world/powercut.py does it. And real limits: a file
that may not grow or not be written to, a full disk.
"""

from __future__ import annotations

import os
import resource
import shutil
from itertools import count
from pathlib import Path
from random import Random

import apsw
import pytest
from world.console import REPOSITORY
from world.disks import needs_a_disk, on_a_small_disk
from world.ledgers import NAME, create, entries_of, entry, folder_with_a_ledger, opened, refused
from world.powercut import Disk
from world.tape import Tape, recording

from sharekit.disk import durable
from sharekit.errors import LedgerError


@pytest.fixture
def folder():
    with folder_with_a_ledger() as path:
        yield path


class Failing:
    """An error of the disk at call number `at` of SQLite to it, and then none, or from then on."""

    def __init__(self, code: int, at: int, *, stays: bool) -> None:
        self._code, self._left, self._stays = code, at, stays
        self.happened = ""

    def __call__(self, step: str, path: str) -> None:
        self._left -= 1
        if self._left == 0 or (self._left < 0 and self._stays):
            self.happened = self.happened or step
            raise apsw.exception_for(self._code)


DISK_ERRORS = {"an I/O error": apsw.SQLITE_IOERR, "a full disk": apsw.SQLITE_FULL}


@pytest.fixture(params=["TRUNCATE", "WAL"])
def mode(request, monkeypatch):
    monkeypatch.setattr(durable, "journal_mode", lambda _: request.param)
    return request.param


def copied(folder: Path, number: int) -> tuple[Path, Tape]:
    place = folder / str(number)
    place.mkdir()
    shutil.copy(folder / NAME, place)
    return place, Tape({NAME: (place / NAME).read_bytes()})


def cut_off(tape: Tape, end: int, place: Path, told: list[bytes]) -> None:
    """A power cut after `end` steps, of several that there may be, takes nothing of what was told."""
    disk = Disk(tape.start)
    for step in tape.steps[:end]:
        disk.replay(step)
    for seed in range(4):
        cut = place / f"cut {seed}"
        cut.mkdir()
        for name, data in disk.cut(Random(seed)).items():
            (cut / name).write_bytes(data)
        assert entries_of(cut) == told


@pytest.mark.parametrize("stays", [False, True], ids=["once", "for a while"])
@pytest.mark.parametrize("code", DISK_ERRORS.values(), ids=DISK_ERRORS)
def test_an_error_of_the_disk_at_any_call_leaves_all_or_nothing(folder, mode, code, stays):
    """While it lasts there are typed errors only; then this process goes on, and a power cut takes nothing."""
    before, kinds = entries_of(folder), set()
    for at in count(1):
        place, tape = copied(folder, at)
        pair = entry(), entry()
        with recording(place, tape), opened(place) as ledger:
            tape.before = failing = Failing(code, at, stays=stays)
            ended = not refused(ledger, *pair)
            if stays:
                assert ended or refused(ledger, *pair)
            tape.before = lambda step, path: None
            if ended:
                break
            kinds.add(failing.happened)
            last = entry()
            number = ledger.append(last)
            told = [data for _, data in ledger.entries()]
            assert told in ([*before, last.encode()], before + [each.encode() for each in (*pair, last)])
            assert number + 1 == ledger.verify() == len(told)
            end = len(tape.steps)
        assert entries_of(place) == told
        cut_off(tape, end, place, told)
    assert kinds >= {"write", "sync"}


@pytest.mark.parametrize("code", DISK_ERRORS.values(), ids=DISK_ERRORS)
def test_an_error_of_the_disk_while_a_ledger_is_made_leaves_none_or_a_whole_one(folder, code):
    """Nor anything in the way of making it, or opening it, once more."""
    for at in count(1):
        place = folder / str(at)
        place.mkdir()
        tape = Tape({}, before=Failing(code, at, stays=False))
        with recording(place, tape):
            try:
                create(place)
                break
            except LedgerError:
                made = (place / NAME).exists()
        assert {path.name for path in place.iterdir()} == {f"{NAME}.lock"} | ({NAME} if made else set())
        if not made:
            create(place)
        assert len(entries_of(place)) == 1
    assert at > 50


# the limits of a real disk


def test_a_file_that_may_not_grow_takes_all_or_nothing(folder):
    before = entries_of(folder)
    size, (_, hard) = (folder / NAME).stat().st_size, resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(folder) as ledger:
        group = [entry() for _ in range(200)]
        for limit in range(0, size + 8192, 1024):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
            try:
                assert refused(ledger, *group)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            assert entries_of(folder) == before
        assert ledger.append(*group) == len(before)
        assert ledger.verify() == len(before) + 200


SMALL_DISK = f"""
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
from pathlib import Path
from world.ledgers import create, entries_of, entry, opened, refused

def added(*entries):
    with opened(folder) as ledger:
        return not refused(ledger, *entries)

folder, told = Path(sys.argv[1]), 1
(folder / "filler").write_bytes(bytes(60_000))
create(folder)
while added(entry()):
    told += 1
(folder / "filler").unlink()
print(len(entries_of(folder)) == told, added(entry(), entry()), len(entries_of(folder)) == told + 2)
"""


@needs_a_disk
def test_a_disk_that_was_full_takes_entries_again_when_there_is_room(tmp_path):
    assert on_a_small_disk(tmp_path, SMALL_DISK, size="200k") == "True True True\n"


@pytest.fixture
def nobody(folder):
    """Root may write anywhere: the test goes on as nobody, whose the folder then is."""
    if os.geteuid():
        yield
        return
    for place in (folder, *folder.iterdir()):
        os.chown(place, 65534, 65534)
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.mark.usefixtures("nobody")
def test_a_ledger_that_may_not_be_written_to_is_a_ledger_error(folder):
    before = entries_of(folder)
    folder.chmod(0o500)
    (folder / NAME).chmod(0o400)
    with pytest.raises(LedgerError) as raised, opened(folder) as ledger:
        ledger.append(entry())
    assert type(raised.value) is LedgerError
    folder.chmod(0o700)
    (folder / NAME).chmod(0o600)
    assert entries_of(folder) == before
    with opened(folder) as ledger:
        assert ledger.append(entry()) == len(before)
