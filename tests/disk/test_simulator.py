"""What the power-cut simulator says may be found after a cut, and what may not."""

from __future__ import annotations

from random import Random

from world.powercut import Disk
from world.tape import Change, Names, Step, Sync

FILE = {"a": b"o" * 1024}


def outcomes(*steps: Step) -> set[tuple[tuple[str, bytes], ...]]:
    disk = Disk(FILE)
    for step in steps:
        disk.replay(step)
    return {tuple(sorted(disk.cut(Random(seed)).items())) for seed in range(200)}


def test_what_was_synced_survives_every_cut():
    assert outcomes(Change(0, 0, b"n" * 1024), Sync(0)) == {(("a", b"n" * 1024),)}
    assert outcomes(Change(0, 100), Sync(0)) == {(("a", b"o" * 100),)}
    assert outcomes(Names({"a": None}), Sync(folder=True)) == {()}


def test_what_was_not_synced_is_kept_lost_or_torn_at_a_sector():
    old, new = b"o" * 512, b"n" * 512
    states = {old + old, new + new, old + new, new + old}
    assert outcomes(Change(0, 0, new + new)) == {(("a", state),) for state in states}
    assert outcomes(Change(0, 0), Sync(folder=True)) == {(("a", b""),), (("a", old + old),)}


def test_of_two_writes_the_later_may_survive_alone():
    states = {content[:2] for ((_, content),) in outcomes(Change(0, 0, b"1"), Change(0, 1, b"2"))}
    assert states == {b"oo", b"1o", b"o2", b"12"}


def test_a_file_that_grew_may_hold_rubbish_or_zeros():
    tails = {content[1024:1536] for ((_, content),) in outcomes(Change(0, 1024, b"n" * 1024))}
    assert {b"", b"n" * 512, bytes(512)} < tails


def test_a_deleted_or_renamed_file_may_come_back_until_its_folder_is_synced():
    kept = FILE["a"]
    assert outcomes(Names({"a": None}), Sync(0)) == {(), (("a", kept),)}
    assert outcomes(Names({"a": None, "b": 0}), Sync(0)) == {(("a", kept),), (("b", kept),)}
