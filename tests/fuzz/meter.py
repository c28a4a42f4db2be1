"""What a command costs with a file, beyond what it costs with an empty one: CPU seconds and peak MiB, as the system
counted them for a process of its own.

    PYTHONPATH=tests python -m fuzz.meter [--every N]      all hostile files of hostile.py, or each Nth
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from vectors.make import NOW, card
from world.agencies import ABOUT

from fuzz import hostile
from sharekit import Agency, Card

COMMANDS = {"verify": ("verify",), "open": ("open", "--purpose", "safeguarding.status-flag", "-o", "opened.json")}
CONFIRM = ("--confirm", "date_of_birth=2019-03-14")
SHAREKIT = str(Path(sys.executable).with_name("sharekit"))
_BARE = """
import os, sys
null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
_, status, used = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=null), 0)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, os.waitstatus_to_exitcode(status))
"""  # a small process between, because a child begins with the peak of its parent


class Cost(NamedTuple):
    """CPU seconds, peak MiB, and the exit code of a command."""

    seconds: float
    mib: float
    code: int


def reader(folder: Path) -> Card:
    """Make the home of the reader in `folder`, in which the partner is pinned; the reader's card."""
    os.environ["SHAREKIT_NOW"] = NOW.isoformat()
    org_type, name, phone = ABOUT["ZZQ01"]
    with Agency.create(folder / "home", org_id="ZZQ01", org_type=org_type, name=name, phone=phone) as agency:
        agency.trust.add(card("E10999001", 1).data)
        return Card.parse(agency.card())


def cost(folder: Path, command: str, data: bytes) -> Cost:
    """What `command` costs with a file of `data`, in the home that `reader` made."""
    path = folder / "file"
    path.write_bytes(data)
    first, *rest = COMMANDS[command]
    words = [SHAREKIT, first, str(path), *rest, *(CONFIRM if command == "open" else ()), "--home", str(folder / "home")]
    with os.popen(_quoted([sys.executable, "-S", "-c", _BARE, *words])) as told:
        seconds, mib, code = told.read().split()
    return Cost(float(seconds), float(mib), int(code))


def _quoted(words: list[str]) -> str:
    import shlex

    return shlex.join(words)


def files(own: Card) -> Iterator[tuple[str, Any]]:
    """Every hostile file, those of the partner sealed for `own`."""
    yield from hostile.unsigned()
    yield from hostile.signed(own)
    yield from hostile.receipts(own)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1)
    every = parser.parse_args().every
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = reader(folder)
        for command in COMMANDS:
            empty = cost(folder, command, b"")
            rows = [
                (more.seconds - empty.seconds, more.mib - empty.mib, more.code, told)
                for told, data in hostile.every(every, files(own))
                if (more := cost(folder, command, data))
            ]
            print(f"{command}: {len(rows)} files; an empty one {empty.seconds:.2f} s, {empty.mib:.0f} MiB")
            for row in sorted({max(rows), max(rows, key=lambda each: each[1])}):
                print("  at most {:+.2f} s {:+.0f} MiB, exit {}: {}".format(*row))
            print(f"  exit codes: {sorted({row[2] for row in rows})}", flush=True)


if __name__ == "__main__":
    main()
