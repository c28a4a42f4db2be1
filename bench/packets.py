"""Sealing and opening, against the bare calls they are made of."""

from __future__ import annotations

import functools
import itertools

from .contest import Effort, Outcome, compare, here
from .rows import Row
from .world import Bare, World

MANY = 20


@functools.cache
def world() -> World:
    return World(MANY)


def seal(count: int, effort: Effort) -> Outcome:
    ours, bare = world(), Bare(world(), count)
    assert ours.open(bare.seal()).fields == ours.open(ours.seal(count)).fields
    return compare(here(lambda: ours.seal(count)), here(bare.seal), effort)


def open_one(effort: Effort) -> Outcome:
    ours, bare = world(), Bare(world())
    packet = ours.seal()
    assert bare.open(packet) == ours.open(packet).fields
    return compare(here(lambda: ours.open(packet)), here(lambda: bare.open(packet)), effort)


def open_among(effort: Effort) -> Outcome:
    """Each of the recipients in turn, against the only one."""
    ours, one, many = world(), world().seal(), world().seal(MANY)
    turns = itertools.cycle(range(MANY))
    return compare(here(lambda: ours.open(many, next(turns))), here(lambda: ours.open(one)), effort)


ROWS = [
    Row("seal", "1 KB for one recipient, time over its bare calls", 1.25, lambda effort: seal(1, effort)),
    Row("seal-20", "1 KB for 20 recipients, time over its bare calls", 1.08, lambda effort: seal(MANY, effort)),
    Row("open", "verify and open 1 KB, time over its bare calls", 1.25, open_one),
    Row("open-20", "open as one of 20 recipients, time over being the only one", 1.25, open_among),
]
