"""`python -m bench`: every row, or those named, one a line."""

from __future__ import annotations

import argparse
import platform
import sqlite3
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from . import databases, grown, ledgers, packets, peers, startup
from .contest import Effort
from .rows import HEAD, Row

ROWS: list[Row] = [*packets.ROWS, *peers.ROWS, *ledgers.ROWS, *databases.ROWS, *grown.ROWS, *startup.ROWS]
USUAL = Effort(rounds=61, seconds=0.025, entries=100_000)
SMOKE = Effort(rounds=3, seconds=0.005, entries=20_000)
LONG = Effort(rounds=201, seconds=0.025, entries=1_000_000)


def main(arguments: Sequence[str]) -> int:
    """Print the rows; 1 if one of them could not run, whether or not goals are met."""
    options = _options(arguments)
    effort = SMOKE if options.smoke else LONG if options.long else USUAL
    print(f"# {_machine()}", HEAD, sep="\n", flush=True)
    failed = 0
    for row in ROWS:
        if options.row and row.name not in options.row:
            continue
        try:
            print(row.line(row.measure(effort)), flush=True)
        except Exception:  # noqa: BLE001  # the other rows are still worth having
            traceback.print_exc()
            failed += 1
    return 1 if failed else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Speed as ratios, side by side in one run.")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--smoke", action="store_true", help="every row once through; the ratios mean little")
    length.add_argument("--long", action="store_true", help="more rounds, and an audit of 1,000,000 entries")
    names = [row.name for row in ROWS]
    parser.add_argument("--row", action="append", choices=names, metavar="NAME", help=f"one of: {', '.join(names)}")
    return parser.parse_args(arguments)


def _machine() -> str:
    from cryptography.hazmat.backends.openssl import backend

    python = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {backend.openssl_version_text()}"
    packages = ", ".join(f"{name} {version(name)}" for name in ("cryptography", "cbor2", "PyNaCl"))
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {python}; {packages}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
