"""A partner with patched software sends terms and data with holes in them: nothing but typed errors, on the record."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from world.agencies import CONFIRM, FLAG, example

from sharekit.domain import profile, vocabulary
from sharekit.domain.terms import ShareTerms
from sharekit.errors import ShareError
from sharekit.packet import seal as sealing
from sharekit.packet.seal import Draft, Parts

SEALED = vocabulary.load("ledger-events")["sealed"].number  # the receipts
STATUS = "safeguarding.status-flag"
PARTS = (
    "profile",
    "purpose",
    "sender",
    "recipients",
    "valid_days",
)  # no manifest lacks the first four; the last is its statement's


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inside:
        if (*path, name)[0] not in PARTS:
            yield (*path, name)
            yield from places(item, (*path, name))


HOLES: dict[str, Any] = {"nothing": None, "an empty object": {}, "an empty list": [], "an object in a list": [{}]}
HOLES |= {"an empty text": "", "a number": 0, "a list of nothing": [None], "an object in an object": {"": {}}}


def hollowed(value: dict[str, Any], path: tuple[Any, ...], hole: Any) -> dict[str, Any]:
    changed = copy.deepcopy(value)
    inside: Any = changed
    for name in path[:-1]:
        inside = inside[name]
    if hole is None:
        del inside[path[-1]]
    else:
        inside[path[-1]] = hole
    return changed


class Patched:
    """Fernshire with software that seals whatever it is given."""

    def __init__(self, world: Any) -> None:
        self.world, (data, terms) = world, example("cp-is-flag")
        world.at(FLAG)
        _ = world.quillbrook
        self.sender, card = world.fernshire.sender(), world.fernshire.trust.card("ZZQ01")
        self.now = world.fernshire.now()
        self.draft = sealing.prepare(data, terms, sender=self.sender, recipients=[card], now=self.now)

    def seal(self, terms: Any = None, fields: Any = None) -> bytes:
        draft = Draft(
            self.draft.terms if terms is None else ShareTerms(terms),
            self.draft.fields if fields is None else fields,
            self.draft.recipients,
            (),
        )
        return sealing.seal_parts(draft, Parts.fresh(), sender=self.sender, now=self.now)

    def tried(self, packet: bytes) -> str:
        """What became of a packet at its recipient: opened, or the code of what refused it."""
        outcome = "opened"
        try:
            self.world.quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM)
        except ShareError as refusal:
            outcome = refusal.code
        entries = [entry for _, entry in self.world.quillbrook.entries() if entry.event != SEALED]
        assert vocabulary.code("ledger-events", entries[-1].event) == ("opened" if outcome == "opened" else "refused")
        return outcome


DEEP = (None, [{}])  # the others are tried at the top alone, which finds the same in a quarter of the time


@pytest.mark.parametrize("hole", HOLES.values(), ids=HOLES)
def test_terms_with_a_hole_are_opened_or_refused_on_the_record(world, hole):
    patched = Patched(world)
    terms = dict(patched.draft.terms.json)
    for path in (path for path in places(terms) if len(path) == 1 or hole in DEEP):
        assert patched.tried(patched.seal(hollowed(terms, path, hole))) != "unexpected", path


@pytest.mark.parametrize("hole", HOLES.values(), ids=HOLES)
def test_data_with_a_hole_are_opened_or_refused_on_the_record(world, hole):
    patched = Patched(world)
    for path in places(patched.draft.fields):
        fields = hollowed(patched.draft.fields, path, hole)
        assert patched.tried(patched.seal(fields=fields)) != "unexpected", path


def test_what_nobody_thought_of_is_on_the_record_all_the_same(world, monkeypatch):
    packet = world.flag()
    monkeypatch.setattr(profile.Profile, "reveal", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        world.quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM)
    (entry,) = [each for _, each in world.quillbrook.entries()][-1:]
    assert (world.events("ZZQ01")[-1], entry.packet is not None) == ("refused", True)
