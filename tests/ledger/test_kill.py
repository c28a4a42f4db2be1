"""Four writers at once, killed with SIGKILL at any moment: every entry that append had returned is there.

In the mode that the ledger takes with this Python's SQLite, and in WAL by the newer SQLite that apsw brings. The
short form kills 40 times, the long one (SHAREKIT_LONG=1) more than 500 times in each, and prints its figures.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from random import Random

import pytest
from world.ledgers import LONG, NAME, create, entry, opened
from world.tape import Connection

from sharekit.disk import durable
from sharekit.ledger.entry import Entry

LEDGERS, ROUNDS, WRITERS = (20, 7, 4) if LONG else (1, 5, 4)
TOLD = 8 + 16  # bytes in which a writer says: this number, this nonce

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["sharekit.ledger.log", "pytest", "apsw"])


@contextlib.contextmanager
def in_wal() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "connect", Connection)
        patch.setattr(durable, "journal_mode", lambda _: "WAL")
        yield


MODES = {"its own mode": contextlib.nullcontext, "WAL": in_wal}


def write_until_killed(folder: Path, mode: str, told: Pipe) -> None:
    """Append for ever, one or three entries at once, and tell of each group when append has returned."""
    with MODES[mode](), opened(folder) as ledger:
        while True:
            entries = [entry() for _ in range(ledger.size % 2 * 2 + 1)]
            first = ledger.append(*entries)
            numbered = enumerate(entries, first)
            told.send_bytes(b"".join(number.to_bytes(8, "big") + each.nonce for number, each in numbered))


class Writer:
    """A process that writes until it is killed, and what it told before."""

    def __init__(self, folder: Path, mode: str) -> None:
        self._told, tell = processes.Pipe(duplex=False)
        self._process = processes.Process(target=write_until_killed, args=(folder, mode, tell), daemon=True)
        self._process.start()
        tell.close()

    def wait_for_word(self) -> None:
        assert self._told.poll(60), "a writer neither appended nor ended"

    def kill(self) -> dict[int, bytes]:
        self._process.kill()
        self._process.join()
        assert self._process.exitcode == -9, "a writer had ended by itself"
        told: dict[int, bytes] = {}
        with self._told:
            while True:
                try:
                    message = self._told.recv_bytes()
                except EOFError:
                    return told
                parts = (message[at : at + TOLD] for at in range(0, len(message), TOLD))
                told |= {int.from_bytes(part[:8], "big"): part[8:] for part in parts}


def kill_in_turn(folder: Path, mode: str, random: Random) -> dict[int, bytes]:
    """Start the writers, kill one after the other while the rest go on, and say what they told of."""
    writers, told = [Writer(folder, mode) for _ in range(WRITERS)], dict[int, bytes]()
    for writer in random.sample(writers, random.randint(0, WRITERS)):  # the others may be killed as they open it
        writer.wait_for_word()
    for writer in random.sample(writers, WRITERS):
        time.sleep(random.uniform(0, 0.02))
        news = writer.kill()
        assert not told.keys() & news.keys(), "two writers were told the same number"
        told |= news
    return told


def unfinished(folder: Path) -> bool:
    """Whether the last one killed left an append that the next opening must undo."""
    journal = folder / f"{NAME}-journal"
    return journal.exists() and journal.stat().st_size > 0


def check(folder: Path, told: dict[int, bytes]) -> int:
    with opened(folder) as ledger:
        assert {number: Entry.decode(ledger.entry(number)).nonce for number in told} == told
        return ledger.verify()


def kill_in_rounds(folder: Path, mode: str, random: Random) -> Counter[str]:
    told, figures = dict[int, bytes](), Counter[str]()
    folder.mkdir()
    create(folder)
    for _ in range(ROUNDS):
        news = kill_in_turn(folder, mode, random)
        assert not told.keys() & news.keys(), "a number was given again"
        told |= news
        figures["left an append to undo"] += unfinished(folder)
        size = check(folder, told)
    return figures + Counter({"kills": ROUNDS * WRITERS, "acknowledged": len(told), "found": size})


@pytest.mark.parametrize("mode", MODES)
def test_killed_writers_lose_nothing_that_append_had_returned(tmp_path, capsys, mode):
    """And no two of them are told the same number, the ledger verifies, and it goes on each time."""
    figures = Counter[str]()
    for number in range(LEDGERS):
        with MODES[mode]():
            figures += kill_in_rounds(tmp_path / str(number), mode, Random(number))
    if LONG:
        with capsys.disabled():
            print(f"{mode}, {dict(figures)}")
