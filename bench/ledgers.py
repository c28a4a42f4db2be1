"""The record: appending against raw inserts that reach the disk in the same way, and the auditor's speed.

Both write to the temporary folder (TMPDIR); in memory, where syncing costs nothing, the ratios are worse.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from nacl.signing import SigningKey

from sharekit import Keys
from sharekit.disk.durable import journal_mode
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.trust.cards import Card

from .contest import Effort, Outcome, compare, here
from .rows import Row
from .world import ISSUED, PHONE

ORIGIN, BATCH = "sharekit/E10999001/2026", 1000
TIME = int(ISSUED.timestamp())
PER_SECOND, MEMORY, COLD = 200_000, 100e6, 5e-3

AUDIT = """
import json, resource, sys, time
from sharekit import Trust
from sharekit.audit import audit
export, card = sys.argv[1:]
trust = Trust([open(card, "rb").read()])
before = time.perf_counter()
report = audit(export, trust)
taken = time.perf_counter() - before
assert not report.findings, report.findings
print(json.dumps([report.size / taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))
"""


def entry() -> Entry:
    """An entry with the parts that most have."""
    return Entry(
        2,
        TIME,
        nonce=os.urandom(16),
        packet=os.urandom(16),
        purpose=2,
        counterparties=("ZZQ01",),
        subject=os.urandom(32),
        bases=(5,),
        gateways=(3, 4),
        profile=1,
        detail=os.urandom(32),
        checkpoint=os.urandom(32),
    )


@contextlib.contextmanager
def ledger(key: SigningKey) -> Iterator[Ledger]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        genesis = Entry(1, TIME, nonce=os.urandom(16), origin=ORIGIN)
        with Ledger.create(path, origin=ORIGIN, key=key, genesis=genesis) as made:
            yield made


@contextlib.contextmanager
def raw() -> Iterator[sqlite3.Connection]:
    """A table of nothing but numbered bytes, written as durably as the ledger."""
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(sqlite3.connect(Path(folder) / "raw.db", isolation_level=None)) as db,
    ):
        db.execute(f"PRAGMA journal_mode = {journal_mode(sqlite3.sqlite_version_info)}")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL)")
        yield db


def append(batch: int, effort: Effort) -> Outcome:
    """How much of the speed of raw inserts is left; the entries are ready before."""
    entries = [entry() for _ in range(batch)]
    encoded, numbers = [each.encode() for each in entries], itertools.count()

    def insert(db: sqlite3.Connection) -> None:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO entry VALUES (?, ?)", [(next(numbers), data) for data in encoded])
        db.execute("COMMIT")

    with ledger(SigningKey.generate()) as ours, raw() as db:
        return compare(here(lambda: ours.append(*entries)), here(lambda: insert(db)), effort, faster=True)


@functools.cache
def _filled(size: int) -> tuple[tempfile.TemporaryDirectory[str], Keys]:
    """A folder with a ledger of `size` entries, its export and the card of its agency."""
    folder, keys = tempfile.TemporaryDirectory(), Keys.generate()
    path, genesis = Path(folder.name), Entry(1, TIME, nonce=os.urandom(16), origin=ORIGIN)
    about = {"org_id": "E10999001", "org_type": "audited", "name": "An agency", "phone": PHONE, "issued": ISSUED}
    card = Card.make(keys, **about)
    (path / "card").write_bytes(card.data)
    with Ledger.create(path / "ledger.db", origin=ORIGIN, key=keys.log, genesis=genesis) as made:
        for start in range(1, size, BATCH):
            made.append(*(entry() for _ in range(min(BATCH, size - start))))
        made.export(path / "export", [(card.org_id, card.data)])
    return folder, keys


@functools.cache
def _audited(effort: Effort) -> list[tuple[float, float]]:
    """Entries per second and peak memory of an auditor's process, a few times over."""
    folder, _ = _filled(effort.entries)
    command = [sys.executable, "-c", AUDIT, f"{folder.name}/export", f"{folder.name}/card"]
    runs = (subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(3))
    return [tuple(json.loads(run.stdout)) for run in runs]


def audit_speed(effort: Effort) -> Outcome:
    speeds = sorted(speed for speed, _ in _audited(effort))
    return Outcome(speeds[1], PER_SECOND, speeds[1] / PER_SECOND, speeds[0] / PER_SECOND, speeds[-1] / PER_SECOND)


def audit_memory(effort: Effort) -> Outcome:
    sizes = sorted(size for _, size in _audited(effort))
    return Outcome(sizes[1], MEMORY, sizes[1] / MEMORY, sizes[0] / MEMORY, sizes[-1] / MEMORY)


def proof(effort: Effort) -> Outcome:
    """An inclusion proof from a ledger that has just been opened."""
    folder, keys = _filled(effort.entries)
    numbers = itertools.cycle(range(0, effort.entries, 997))

    def prove() -> None:
        with Ledger.open(Path(folder.name) / "ledger.db", origin=ORIGIN, key=keys.log) as opened:
            opened.prove(next(numbers))

    times = sorted(here(prove)(5 * effort.rounds))
    middle = times[len(times) // 2]
    return Outcome(middle, COLD, middle / COLD, times[0] / COLD, times[-1] / COLD)


SINGLE, BATCHED = functools.partial(append, 1), functools.partial(append, BATCH)
ROWS = [
    Row("append", "one entry and its checkpoint, speed of a raw insert", 0.55, SINGLE, at_least=True),
    Row("append-1000", "1,000 in one commit, speed of raw inserts", 0.7, BATCHED, at_least=True),
    Row("audit", "entries audited a second, of 200,000", 1, audit_speed, at_least=True, unit="speed"),
    Row("audit-memory", "peak memory of the auditor, of 100 MB", 1, audit_memory, unit="memory"),
    Row("proof", "an inclusion proof, cold, of 5 ms", 1, proof),
]
