"""The benchmarks run, and measure what they say; no time is tested."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench import peers
from bench.__main__ import ROWS
from bench.contest import Effort, compare
from bench.rows import HEAD, Row
from bench.world import Bare, World

REPOSITORY = Path(__file__).parents[1]
LINE = re.compile(
    r"(?P<name>[a-z0-9-]+): (?P<goal>.+ [<>]= [0-9.]+)"
    r" \| (?P<ours>[0-9][0-9.,]*(?: ?[a-zA-Z/]+)) \| (?P<yardstick>[0-9][0-9.,]*(?: ?[a-zA-Z/]+))"
    r" \| (?P<ratio>[0-9.]+ \[[0-9.]+-[0-9.]+\]) \| (?P<met>yes|no)"
)
NEED_PEERS = {row.name for row in peers.ROWS}
OWN = [row.name for row in ROWS if row.name not in NEED_PEERS]
no_peers = pytest.mark.skipif(not Path(peers.PYTHON).exists(), reason="bench/run makes the peers' environment")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", "--smoke", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, env=os.environ | environment, capture_output=True, text=True)


def named(rows: list[str]) -> list[str]:
    return [word for row in rows for word in ("--row", row)]


@pytest.mark.parametrize("rows", [OWN, pytest.param(sorted(NEED_PEERS), marks=no_peers)], ids=["own", "peers"])
def test_every_row_prints_one_line_of_the_right_form(rows):
    done = run(*named(rows))
    assert (done.returncode, done.stderr) == (0, "")
    machine, head, *lines = done.stdout.splitlines()
    assert machine.startswith("# ")
    assert head == HEAD
    found = [LINE.fullmatch(line) for line in lines]
    assert [match and match["name"] for match in found] == [row.name for row in ROWS if row.name in rows]


def test_a_row_that_cannot_run_is_an_error_and_the_others_are_still_printed():
    done = run(*named(["cwt", "help"]), SHAREKIT_PEERS="/bin/false")
    assert done.returncode == 1
    assert [line.partition(":")[0] for line in done.stdout.splitlines()[2:]] == ["help"]
    assert "bench/run makes their environment" in done.stderr


def test_no_two_rows_have_one_name():
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_a_goal_is_met_on_its_own_side_of_the_bound():
    outcome = compare(lambda calls: [3.0] * calls, lambda calls: [2.0] * calls, Effort(3, 1, 1))
    assert (outcome.ours, outcome.yardstick, outcome.ratio) == (3, 2, 1.5)
    for at_least, bound, met in ((False, 1.5, "yes"), (False, 1.4, "no"), (True, 1.5, "yes"), (True, 1.6, "no")):
        line = Row("name", "what", bound, lambda effort: outcome, at_least=at_least).line(outcome)
        assert line.endswith(f"1.50 [1.50-1.50] | {met}")


def test_how_many_times_as_fast_is_the_other_way_round():
    samplers = (lambda calls: [3.0] * calls), (lambda calls: [2.0] * calls)
    assert compare(*samplers, Effort(3, 1, 1), faster=True).ratio == pytest.approx(2 / 3)


@pytest.mark.parametrize("count", [1, 3])
def test_the_bare_calls_make_a_packet_that_opens_and_open_one_that_was_sealed(count):
    world = World(3)
    bare, packet = Bare(world, count), world.seal(count)
    assert len(bare.seal()) == len(packet)
    for index in range(count):
        assert world.open(bare.seal(), index).fields == world.open(packet, index).fields
        assert bare.open(packet, index) == world.open(packet, index).fields


HELP = """
import sys
from sharekit.cli import main
sys.argv = ["sharekit", "--help"]
try:
    main()
finally:
    print("\\n".join(sys.modules), file=sys.stderr)
"""


def test_help_imports_click_and_nothing_that_is_slow():
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True)
    modules = set(done.stderr.split())
    assert "Usage: sharekit" in done.stdout
    assert {name for name in modules if re.match(r"sharekit\.(?!cli\b)", name)} == set()
    slow = {"sqlite_utils", "sqlite3", "cryptography", "cbor2", "jsonschema_rs", "nacl", "rich", "holidays", "json"}
    assert not slow & {name.split(".")[0] for name in modules}
