"""Makes mutants of the modules that everything rests on, and says how many of them a test kills.

For each mutant run the tests that reach its line, the narrowest first, until one fails. A mutant that makes them take
too long is killed too. One whose line no single test reaches (a constant of a module) has all tests of its part.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import NamedTuple

from mutants import operators
from mutants.operators import Mutant

ROOT = Path(__file__).parents[2]
SECONDS, MOST = 90, 60  # a mutant's tests may take so long, and are at most so many
PACKET = ["tests/packet/test_packet.py", "tests/packet/test_vectors.py", "tests/packet/test_bounds.py"]
PACKET += ["tests/packet/test_places.py", "tests/test_conformance.py", "tests/exchange/test_receipt_attacks.py"]
LEDGER = [f"tests/ledger/test_{name}.py" for name in ("log", "storage", "labels", "group_commit")]
AUDIT = ["tests/audit/test_verify.py"]
PARTS: dict[str, tuple[list[str], list[str]]] = {  # files, and the tests that may reach them
    "cbor": (["sharekit/cbor.py"], ["tests/test_cbor.py", *PACKET[:4]]),
    "cose": (["sharekit/cose.py"], ["tests/test_cose.py", *PACKET]),
    "merkle": (["sharekit/merkle.py"], ["tests/test_merkle.py", "tests/proofs"]),
    "packet": ([f"sharekit/packet/{name}.py" for name in ("wire", "open", "seal", "receipt")], PACKET),
    "policy": ([f"sharekit/policy/{name}.py" for name in ("decide", "use", "local", "assess")], ["tests/policy"]),
    "ledger": ([f"sharekit/ledger/{name}.py" for name in ("entry", "log", "tip", "recheck", "sqlite")], LEDGER),
    "audit": (
        [f"sharekit/audit/{name}.py" for name in ("verify", "recompute", "export_file")],
        ["tests/audit/test_verify.py"],
    ),
}
PYTEST = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "mutants.plugin", "-p", "no:xdist", "--no-header"]


class Tried(NamedTuple):
    """What became of one mutant: killed, survived, timeout, or unreached by any test."""

    path: str
    mutant: Mutant
    outcome: str


def main() -> int:
    options = _options()
    survived = 0
    for part in options.part or PARTS:
        tried = _try_part(part, options)
        counts = collections.Counter(each.outcome for each in tried)
        killed = counts["killed"] + counts["timeout"]
        share = killed / max(len(tried), 1)
        print(
            f"{part}: {len(tried)} mutants, {killed} killed ({share:.0%}), of them {counts['timeout']} by time; ",
            end="",
        )
        print(f"{counts['survived']} survived, {counts['unreached']} reached by no test", flush=True)
        for each in tried:
            if each.outcome in ("survived", "unreached"):
                print(f"  {each.outcome} {each.path}:{each.mutant.line} {each.mutant.what}", flush=True)
        survived += len(tried) - killed
    return 1 if survived else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/mutate", description="Make the code wrong, and see who notices.")
    parser.add_argument(
        "--part", action="append", default=[], choices=PARTS, help="one part; may be given several times"
    )
    parser.add_argument("--sample", type=int, help="so many mutants of each part, not all")
    parser.add_argument("--seed", type=int, default=1, help="which of them")
    parser.add_argument("--seconds", type=float, default=86_400, help="begin no mutant of a part after so long")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    return parser.parse_args()


def _try_part(part: str, options: argparse.Namespace) -> list[Tried]:
    files, tests = PARTS[part]
    reached = _map(files, tests)
    if _run(tests, 10 * SECONDS, MUTANT_MODULE=_module(files[0]), MUTANT_SOURCE=str(ROOT / files[0])):
        raise SystemExit(f"the tests of {part} fail as it is, so they would kill anything")
    every = [(path, mutant) for path in files for mutant in operators.mutants((ROOT / path).read_text())]
    if options.sample:
        every = Random(options.seed).sample(every, min(options.sample, len(every)))
    until = time.monotonic() + options.seconds
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        tried = pool.map(lambda each: _tried(*each, reached, tests) if time.monotonic() < until else None, every)
        return [each for each in tried if each is not None]


def _map(files: list[str], tests: list[str]) -> dict[str, list[str]]:
    """The tests that reach each line of the files, those that reach the fewest lines first."""
    with tempfile.NamedTemporaryFile(suffix=".json") as told:
        traced = json.dumps([str(ROOT / path) for path in files])
        _run(tests, 1200, MUTANTS_TRACED=traced, MUTANTS_MAP=told.name)
        lines: dict[str, list[str]] = json.loads(Path(told.name).read_text())
    found: dict[str, list[str]] = collections.defaultdict(list)
    for test, seen in sorted(lines.items(), key=lambda item: len(item[1])):
        for line in seen:
            found[line].append(test)
    return found


def _tried(path: str, mutant: Mutant, reached: dict[str, list[str]], tests: list[str]) -> Tried:
    own = reached.get(f"{ROOT / path}:{mutant.line}", [])
    chosen = own[: MOST // 2] + own[MOST // 2 :][-(MOST // 2) :] if own else tests
    with tempfile.NamedTemporaryFile("w", suffix=".py") as source:
        source.write(mutant.source)
        source.flush()
        code = _run(chosen, SECONDS, MUTANT_MODULE=_module(path), MUTANT_SOURCE=source.name)
    # 1: a test failed; 2 and 4: a test file, or what all tests share, could not even be loaded
    outcomes = {0: "survived" if own else "unreached", None: "timeout"}
    return Tried(path, mutant, outcomes.get(code, "killed"))


def _module(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def _run(tests: list[str], seconds: float, **environment: str) -> int | None:
    """The exit code of pytest, or None where it took too long."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    try:
        ran = subprocess.run(
            [*PYTEST, *tests],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **environment},
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return ran.returncode


if __name__ == "__main__":
    sys.exit(main())
