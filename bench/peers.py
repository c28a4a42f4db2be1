"""Other people's tools, each in the environment it needs, doing the like of what sharekit does.

sharekit seals two parts under two keys, so that why may be read without what, and to each part it encapsulates a
key with ML-KEM-768 and X25519 together. The peers use elliptic curves alone, but for `agepq`. Rows whose names end
in `-1` give the peer one part of 1 KB, and so one encapsulation; the others give it the same two parts.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sharekit import parse
from sharekit.cose import TAG_BYTES

from .contest import Effort, Outcome, Sampler, compare, here
from .packets import MANY, world
from .rows import Row
from .world import World

FOLDER = Path(__file__).parent
PYTHON = os.environ.get("SHAREKIT_PEERS") or FOLDER.parent / ".venv-peers" / "bin" / "python"
PART = 1024
AGE = {"age": "Rust age and Ed25519", "agepq": "Rust age, post-quantum, and Ed25519"}


class Peers:
    """The process in the other environment; it measures itself, when asked."""

    def __init__(self) -> None:
        command = [str(PYTHON), str(FOLDER / "peer.py")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.versions: dict[str, str] = self._answer()["versions"]

    def sampler(self, **request: Any) -> Sampler:
        def sample(calls: int) -> list[float]:
            assert self._process.stdin
            print(json.dumps(request | {"calls": calls}), file=self._process.stdin, flush=True)
            answer = self._answer()
            if "error" in answer:
                raise RuntimeError(answer["error"])
            times: list[float] = answer["times"]
            return times

        return sample

    def close(self) -> None:
        self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the peers' process ended; bench/run makes their environment")
        answer: dict[str, Any] = json.loads(line)
        return answer


@functools.cache
def peers() -> Peers:
    return Peers()


@functools.cache
def classical() -> World:
    return World(1, classical=True)


@functools.cache
def parts(count: int) -> list[int]:
    """The sizes of the two parts of the worked packet, padded; or one part of 1 KB."""
    packet = parse(world().seal())
    both = [len(part.ciphertext) - TAG_BYTES for part in (packet.manifest, packet.dataset)]
    return both if count == len(both) else [PART] * count


def seal(peer: str, count: int, effort: Effort, *, faster: bool = True, keys: str = "hybrid") -> Outcome:
    yardstick = peers().sampler(peer=peer, act="seal", parts=parts(count))
    ours = classical() if keys == "classical" else world()
    return compare(here(ours.seal), yardstick, effort, faster=faster)


def open_among(count: int, effort: Effort) -> Outcome:
    ours, packet, turns = world(), world().seal(MANY), itertools.cycle(range(MANY))
    yardstick = peers().sampler(peer="age", act="open", parts=parts(count), recipients=MANY)
    return compare(here(lambda: ours.open(packet, next(turns))), yardstick, effort, faster=True)


def rows(count: int, end: str, what: str) -> Iterator[Row]:
    for peer, bound in (("cwt", 1.5), ("pycose", 4), ("jwcrypto", 2.5), ("joserfc", 1.2)):
        measure = functools.partial(seal, peer, count)
        yield Row(peer + end, f"seal, times as fast as {peer} with {what}", bound, measure, at_least=True)
    contests = (("age", "age", "hybrid"), ("agepq", "agepq", "hybrid"), ("age-x25519", "age", "classical"))
    for name, peer, keys in contests:
        measure = functools.partial(seal, peer, count, faster=False, keys=keys)
        goal = f"seal with {keys} keys, time over {AGE[peer]} with {what}"
        yield Row(name + end, goal, 1.6, measure)
    goal = f"open as one of 20 recipients, times as fast as Rust age with {what}"
    yield Row(f"age-open{end}", goal, 20, functools.partial(open_among, count), at_least=True)


ROWS = [*rows(2, "", "the same two parts"), *rows(1, "-1", "one part of 1 KB")]
