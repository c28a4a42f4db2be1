"""What no parser may do with any file: raise what it does not promise, take long, or fill the memory.

Time is CPU time of this process, memory the peak of its resident set; both beyond what an empty file costs.
"""

from __future__ import annotations

import functools
import resource
import time
from random import Random

from fuzz import mutations
from fuzz.targets import TARGETS, Target

SECONDS, MIB = 0.8, 64  # what a file of up to 8 MiB may cost


class Failure(AssertionError):
    """A file that a parser did not bear, and how: crash, stall or swelling."""


def judge(target: Target, data: bytes) -> bool:
    """Whether the parser took the file; Failure if it did what none may do."""
    begun, peak = time.process_time(), _peak()
    taken = _read(target, data)
    spent, grown = time.process_time() - begun, _peak() - peak
    if grown > MIB:
        raise Failure(f"swelling: {target.name} took {grown:.0f} MiB for {len(data)} bytes")
    if spent > SECONDS and min(spent, _again(target, data), _again(target, data)) > SECONDS + _empty(target.name):
        raise Failure(f"stall: {target.name} took {spent:.1f} s for {len(data)} bytes")
    return taken


def _read(target: Target, data: bytes) -> bool:
    try:
        target.read(data)
    except target.raises:
        return False
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as problem:  # a library in Rust that panics raises no Exception
        raise Failure(f"crash: {target.name} raised {type(problem).__name__}") from problem
    return True


def _again(target: Target, data: bytes) -> float:
    """What it takes when everything is loaded and warm."""
    begun = time.process_time()
    _read(target, data)
    return time.process_time() - begun


@functools.cache
def _empty(name: str) -> float:
    return _again(TARGETS[name], b"")


def _peak() -> float:
    """MiB that this process had in memory at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def made(target: Target, number: int) -> bytes:
    """The hostile file with this number: the same each time."""
    random = Random(f"{target.name} {number}")  # not for keys
    seeds = target.seeds()
    return mutant(target, random.choice(seeds), random, seeds)


def mutant(target: Target, seed: bytes, random: Random, seeds: list[bytes]) -> bytes:
    """`seed` changed as files of its kind are; of a home, whose parts stand behind their names, the part."""
    if target.kind != "part":
        return mutations.mutated(target.kind, seed, random, seeds)
    name, line, content = seed.partition(b"\n")
    kinds = {b".db": "database", b"son": "json"}
    return name + line + mutations.mutated(kinds.get(name[-4:][-3:], "cbor"), content, random)
