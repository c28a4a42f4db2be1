"""Processes that append to a ledger at the same time, and the numbers and nonces that they were given."""

from __future__ import annotations

import subprocess
import sys

from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger

WRITER = """
import os, sys
from pathlib import Path
from nacl.signing import SigningKey
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.ledger.postgres import Database
from sharekit.ledger.sqlite import Folder
named, count = sys.argv[1], int(sys.argv[2])
shelf = Folder(Path(named)) if os.path.isdir(named) else Database(named)
place, origin, key = shelf.place("sharekit/fernshire/2026"), "sharekit/fernshire/2026", SigningKey(bytes(range(32)))
with Ledger.open(place, origin=origin, key=key) as ledger:
    for _ in range(count):
        nonce = os.urandom(16)
        print(ledger.append(Entry(2, 1790000000, nonce=nonce)), nonce.hex(), flush=True)
"""


def writer(named: str, count: int) -> subprocess.Popen[str]:
    """Start a process that appends `count` entries, one by one; it prints a line for each that was acknowledged.

    `named` is the folder of the ledger, or the connection string of its database.
    """
    command = [sys.executable, "-c", WRITER, named, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def acknowledged(lines: list[str]) -> dict[int, str]:
    """The nonces of acknowledged entries by number, from what writers printed; a line cut off counts for none."""
    return {int(number): nonce for number, nonce in (line.split() for line in lines if line.endswith("\n"))}


def kept_in(ledger: Ledger, numbers: set[int]) -> dict[int, str]:
    """The nonces of the entries that a ledger has at these numbers."""
    return {number: Entry.decode(ledger.entry(number)).nonce.hex() for number in numbers}
