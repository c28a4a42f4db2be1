"""How much is read as a packet, and that all that may be sealed is within it."""

from __future__ import annotations

import os

import pytest
from vectors.make import NOW, SENDER, card
from world.agencies import example

import sharekit
from sharekit import cbor
from sharekit.errors import FieldInvalid, Malformed
from sharekit.packet import seal as sealing
from sharekit.packet import wire
from sharekit.values import replace

GOOD = sharekit.seal(*example("cp-is-flag"), sender=SENDER, recipients=[card("ZZQ01", 2)], now=NOW)


def test_the_largest_packet_that_can_be_sealed_is_read():
    data, terms = example("cp-is-flag")
    draft = sealing.prepare(data, terms, sender=SENDER, recipients=[card("ZZQ01", 2)], now=NOW)
    nearly = wire.SIZE_CLASSES[-1] - 20_000
    cards = tuple(replace(card("ZZQ01", 2), org_id=f"{number:x}".rjust(32, "A")) for number in range(64))
    large = {"text": "a" * nearly}
    draft = replace(draft, recipients=cards, fields=large, terms=sharekit.ShareTerms(large))
    packet = sealing.seal_parts(draft, sealing.Parts.fresh(), sender=replace(SENDER, note="n" * 1000), now=NOW)
    assert len(wire.parse(packet).claims[wire.AUD]) == 64
    assert 2 * wire.SIZE_CLASSES[-1] < len(packet) < wire.MAX_BYTES


@pytest.mark.parametrize("more", [0, 1, 10_000_000])
def test_what_is_larger_than_any_packet_is_refused_unread(monkeypatch, more):
    monkeypatch.setattr(cbor, "decode", lambda _: pytest.fail("it was decoded"))
    if more:
        with pytest.raises(Malformed):
            wire.parse(bytes(wire.MAX_BYTES + more))
    else:
        with pytest.raises(pytest.fail.Exception):  # as many bytes as a packet may have are read
            wire.parse(bytes(wire.MAX_BYTES))


def test_no_share_is_sealed_that_nobody_could_decode():
    assert wire.unpad(wire.pad({2: [0] * 19_997})) == {2: [0] * 19_997}
    with pytest.raises(FieldInvalid):
        wire.pad({2: [0] * 19_998})


@pytest.mark.parametrize("size", [0, 1, 100, 30_000])
def test_bytes_behind_a_packet_are_refused(size):
    with pytest.raises(Malformed):
        wire.parse(GOOD + os.urandom(size) + b"\x00")
