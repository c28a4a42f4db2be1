"""Four writers at once, killed with SIGKILL at any moment: every entry that append had returned is there.

The short form kills 40 times, the long one (SHAREKIT_LONG=1) more than 500 and prints its figures.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from nacl.signing import SigningKey

from sharekit.ledger import Entry, Ledger

LONG = bool(os.environ.get("SHAREKIT_LONG"))
LEDGERS, ROUNDS, WRITERS = (20, 7, 4) if LONG else (2, 5, 4)
ORIGIN = "sharekit/fernshire/2026"
KEY = SigningKey(bytes(range(32)))
TOLD = 8 + 16  # bytes in which a writer says: this number, this nonce

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["sharekit.ledger"])


def entry(number: int = 2, **parts: object) -> Entry:
    return Entry(number, 1_790_000_000, nonce=os.urandom(16), **parts)


def opened(path: Path) -> Ledger:
    return Ledger.open(path, origin=ORIGIN, key=KEY)


def write_until_killed(path: Path, told: Connection) -> None:
    """Append for ever, one or three entries at once, and tell of each group when append has returned."""
    with opened(path) as ledger:
        while True:
            entries = [entry() for _ in range(ledger.size % 2 * 2 + 1)]
            first = ledger.append(*entries)
            numbered = enumerate(entries, first)
            told.send_bytes(b"".join(number.to_bytes(8, "big") + each.nonce for number, each in numbered))


class Writer:
    """A process that writes until it is killed, and what it told before."""

    def __init__(self, path: Path) -> None:
        self._told, tell = processes.Pipe(duplex=False)
        self._process = processes.Process(target=write_until_killed, args=(path, tell), daemon=True)
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


def kill_in_turn(path: Path, random: Random) -> dict[int, bytes]:
    """Start the writers, kill one after the other while the rest go on, and say what they told of."""
    writers, told = [Writer(path) for _ in range(WRITERS)], dict[int, bytes]()
    for writer in random.sample(writers, random.randint(0, WRITERS)):  # the others may be killed as they open it
        writer.wait_for_word()
    for writer in random.sample(writers, WRITERS):
        time.sleep(random.uniform(0, 0.02))
        news = writer.kill()
        assert not told.keys() & news.keys(), "two writers were told the same number"
        told |= news
    return told


def unfinished(path: Path) -> bool:
    """Whether the last one killed left an append that the next opening must undo."""
    journal = Path(f"{path}-journal")
    return journal.exists() and journal.stat().st_size > 0


def check(path: Path, told: dict[int, bytes]) -> int:
    with opened(path) as ledger:
        assert {number: Entry.decode(ledger.entry(number)).nonce for number in told} == told
        return ledger.verify()


def kill_in_rounds(path: Path, random: Random) -> Counter[str]:
    told, figures = dict[int, bytes](), Counter[str]()
    Ledger.create(path, origin=ORIGIN, key=KEY, genesis=entry(1, origin=ORIGIN)).close()
    for _ in range(ROUNDS):
        news = kill_in_turn(path, random)
        assert not told.keys() & news.keys(), "a number was given again"
        told |= news
        figures["rounds that left an append to undo"] += unfinished(path)
        size = check(path, told)
    return figures + Counter({"kills": ROUNDS * WRITERS, "acknowledged": len(told), "found": size})


def test_killed_writers_lose_nothing_that_append_had_returned(tmp_path, capsys):
    """And no two of them are told the same number, the ledger verifies, and it goes on each time."""
    figures = Counter[str]()
    for number in range(LEDGERS):
        figures += kill_in_rounds(tmp_path / f"{number}.db", Random(number))
    if LONG:
        with capsys.disabled():
            print(dict(figures))
