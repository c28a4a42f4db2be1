"""Fuzzes every parser for as long as it is let: `scripts/fuzz`.

With `atheris` each target is a process of its own, led by the lines that an input reaches; without it hostile files are
made one after the other. What a parser did not bear is kept in a folder, and ends with exit code 1.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

HOUR = 3600


def main() -> int:
    options = _options()
    if options.one:
        return _fuzz(options.one, options.seconds, options.seed, Path(options.kept))
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed, so nothing leads the mutations: pip install -e '.[fuzz]'", file=sys.stderr)
    from fuzz.targets import TARGETS

    unknown = sorted(set(options.target) - set(TARGETS))
    if unknown:
        print(f"no such target; there are: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    chosen = options.target or list(TARGETS)
    Path(options.kept).mkdir(exist_ok=True)
    bad = [name for name in chosen if _in_a_process(name, options.seconds / len(chosen), options)]
    print(f"{len(chosen)} targets, {len(bad)} with failures{': ' if bad else ''}{', '.join(bad)}")
    return 1 if bad else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description="Try hostile bytes on every parser.")
    parser.add_argument("--seconds", type=float, default=HOUR, help="for how long all told (an hour)")
    parser.add_argument("--target", action="append", default=[], help="one parser; may be given several times")
    parser.add_argument("--seed", type=int, default=1, help="begin with another number")
    parser.add_argument("--kept", default="fuzz-kept", help="the folder for what was not borne")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def _in_a_process(name: str, seconds: float, options: argparse.Namespace) -> bool:
    """Fuzz one target in a process of its own; whether it failed."""
    until, number, failed = time.monotonic() + seconds, options.seed, False
    while (left := until - time.monotonic()) > 1 or number == options.seed:
        command = [sys.executable, "-m", "fuzz", "--one", name, "--seconds", str(int(left) or 1), "--seed", str(number)]
        ended = subprocess.run([*command, "--kept", options.kept], check=False).returncode
        if not ended:
            break
        failed, number = True, number + 1  # go on behind what it failed at
    return failed


def _fuzz(name: str, seconds: float, seed: int, kept: Path) -> int:
    if importlib.util.find_spec("atheris") is None:
        return _unled(name, seconds, seed, kept)
    import atheris

    with atheris.instrument_imports(include=["sharekit"]):
        from fuzz import judge
        from fuzz.targets import TARGETS
    target, count = TARGETS[name], [0]

    def change(data: bytes, size: int, number: int) -> bytes:
        random = Random(number)  # not for keys
        if random.random() < 0.3:
            return bytes(atheris.Mutate(data, size))
        return judge.mutant(target, data, random, target.seeds())[:size]

    def once(data: bytes) -> None:
        count[0] += 1
        _judged(name, data, kept)

    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(target.seeds()):
            Path(corpus, str(number)).write_bytes(data)
        limits = [
            f"-max_total_time={int(seconds)}",
            f"-seed={seed}",
            "-max_len=262144",
            "-timeout=60",
            "-rss_limit_mb=0",
        ]
        quiet = ["-verbosity=0", "-print_final_stats=1", "-len_control=0", f"-artifact_prefix={kept}/libfuzzer-"]
        atheris.Setup(["fuzz", f"-seed={seed}", *limits, *quiet, corpus], once, custom_mutator=change)
        atheris.Fuzz()
    return 0


def _unled(name: str, seconds: float, seed: int, kept: Path) -> int:
    from fuzz import judge
    from fuzz.targets import TARGETS

    until, number = time.monotonic() + seconds, seed * 1_000_000
    while time.monotonic() < until:
        _judged(name, judge.made(TARGETS[name], number), kept)
        number += 1
    print(f"{name}: {number - seed * 1_000_000} files")
    return 0


def _judged(name: str, data: bytes, kept: Path) -> None:
    """Judge one file; what the parser did not bear is kept under its own hash."""
    from fuzz import judge
    from fuzz.targets import TARGETS

    try:
        judge.judge(TARGETS[name], data)
    except judge.Failure as failure:
        path = kept / f"{name}-{hashlib.sha256(data).hexdigest()[:16]}"
        path.write_bytes(data)
        print(f"{failure}: {failure.__cause__!r}; kept as {path}", flush=True)
        raise


if __name__ == "__main__":
    sys.exit(main())
