"""What hostile files of up to 8 MiB may cost: items that are built, faults that are named, and in the long form time.

The long form (SHAREKIT_LONG=1) runs `verify` and `open` on some of them, and compares with an empty file.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

import cbor2
import pytest
from world.ledgers import LONG

from fuzz import hostile, judge, meter, partner
from fuzz.targets import opened
from sharekit import cbor
from sharekit.domain import validation
from sharekit.errors import ShareError
from sharekit.packet import wire

EVERY = 1 if LONG else 10
MEASURED = 25  # each such a one, in the long form
PARTS = 6  # that are decoded at most of one packet: the packet, its statement and header, what is sealed, and two more


class Counted:
    """How much was decoded, and how many faults were named, while one file was read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.items: list[int] = []
        self.faults = 0
        loads, translated = cbor2.loads, validation.Validator._translated
        monkeypatch.setattr(cbor2, "loads", lambda *args, **options: self._decoded(loads(*args, **options)))
        monkeypatch.setattr(validation.Validator, "_translated", self._named(translated))

    def _decoded(self, value: Any) -> Any:
        self.items.append(items_in(value))
        return value

    def _named(self, translated: Any) -> Any:
        def named(*args: Any) -> Any:
            self.faults += 1
            return translated(*args)

        return named


def items_in(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(items_in, value)) + sum(map(items_in, value.values()))
    return 1 + sum(map(items_in, value)) if isinstance(value, list) else 1


FILES = {"strangers": hostile.unsigned, "partners": hostile.signed}


@pytest.mark.parametrize("whose", FILES)
def test_little_is_built_of_a_hostile_file(whose, monkeypatch):
    looked_at = 0
    for name, data in hostile.every(EVERY, FILES[whose]()):
        with pytest.MonkeyPatch.context() as patched:
            counted = Counted(patched)
            with contextlib.suppress(ShareError):
                opened(data)
        assert max(counted.items, default=0) <= cbor.MAX_ITEMS, name
        assert len(counted.items) <= PARTS + 2, name
        assert counted.faults <= cbor.MAX_ITEMS, name
        looked_at += 1
    assert looked_at * EVERY > 1000


def test_what_is_larger_than_a_packet_is_not_decoded(monkeypatch):
    large = [data for name, data in hostile.unsigned() if len(data) > wire.MAX_BYTES]
    counted = Counted(monkeypatch)
    for data in large:
        with pytest.raises(ShareError):
            opened(data)
    assert counted.items == []
    assert len(large) > 50


@pytest.mark.skipif(not LONG, reason="measures time: SHAREKIT_LONG=1")
def test_no_hostile_file_costs_much_more_than_an_empty_one(tmp_path, monkeypatch):
    monkeypatch.setenv("SHAREKIT_NOW", os.environ.get("SHAREKIT_NOW", ""))
    own = meter.reader(tmp_path)
    for command in meter.COMMANDS:
        empty = meter.cost(tmp_path, command, b"")
        for name, data in hostile.every(MEASURED, meter.files(own)):
            more = meter.cost(tmp_path, command, data)
            assert more.mib - empty.mib <= judge.MIB, (command, name)
            assert more.seconds - empty.seconds <= judge.SECONDS, (command, name)
            assert more.code in (0, 2, 3, 4, 5), (command, name)


def test_the_partner_of_these_tests_is_believed():
    assert opened(partner.GOOD)
