"""What whoever opens a share is told beside its fields, also where a pinned partner with patched software wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest
from world.agencies import CONFIRM
from world.commands import sharekit
from world.gates import GONE
from world.liars import lying

OPENS = ("--purpose", "safeguarding.status-flag", "--confirm", f"date_of_birth={CONFIRM['date_of_birth']}")
DIRECT = {"name": "Sam Reed", "role": "duty manager", "phone": "01632 960777"}
OTHER = {"terms.profile_version": "9, telephone 01632 960999", "data.plan_start": GONE}
OTHER |= {"terms.left_out": [{"field": "plan_start", "reason": "x"}]}
EDITION = "sealed by another edition of cp-is-flag than is known here"
TOLD = {
    "nothing besides": ({}, ""),
    "a number for this share": (
        {"terms.contact": DIRECT},
        "given in this share, not on their card: Sam Reed, duty manager, 01632 960777",
    ),
    "another number than the card's": (
        {"terms.sender.callback_phone": "01632 960999"},
        "their card was another when this was sealed: phone",
    ),
    "a day": (
        {"terms.retention.destroy_on": "2026-12-24"},
        "the sender asks: destroy it on 2026-12-24 (this agency's own rule decides)",
    ),
    "a hold": (
        {"terms.retention.legal_hold": True},
        "the sender asks: hold it for an inquiry or proceedings (this agency's own rule decides)",
    ),
    "another edition": (
        OTHER,
        f"{EDITION}: what is not in it may only not have been sent: ask before you rely on that",
    ),
}


@pytest.mark.parametrize(("changes", "line"), TOLD.values(), ids=TOLD)
def test_whoever_opens_is_told_what_the_packet_says_after_the_card_of_its_sender(
    world, tmp_path: Path, changes, line: str
):
    path = tmp_path / "flag.sharekit"
    path.write_bytes(lying(world, changes))
    ran = sharekit("open", path, *OPENS, "--home", world.quillbrook.home, "-o", tmp_path / "opened.json")
    assert ran.code == 0, ran
    lines = ran.err.splitlines()
    assert lines[0] == "signed by: Fernshire County Council (E10999001)"
    assert {each for _, each in TOLD.values() if each in lines} == ({line} if line else set())
    assert "01632 960999" not in ran.said


PROGRAM = {
    "nothing besides": ({}, False, []),
    "another edition": (OTHER, True, []),
    "another number than the card's": ({"terms.sender.callback_phone": "01632 960999"}, False, ["phone"]),
}


@pytest.mark.parametrize(("changes", "edition", "changed"), PROGRAM.values(), ids=PROGRAM)
def test_a_program_is_told_it_as_well(world, tmp_path: Path, changes, edition: bool, changed: list[str]):
    path = tmp_path / "flag.sharekit"
    path.write_bytes(lying(world, changes))
    ran = sharekit("open", path, *OPENS, "--home", world.quillbrook.home, "-o", tmp_path / "opened.json", "--json")
    assert (ran.json["other_edition"], ran.json["sender_changed"]) == (edition, changed)


@pytest.mark.parametrize("command", ["open", "receive"])
def test_nobody_is_told_to_delete_what_was_sealed_here(world, tmp_path: Path, command: str):
    path = tmp_path / "flag.sharekit"
    path.write_bytes(world.flag())
    more = (*OPENS, "-o", tmp_path / "opened.json") if command == "open" else ()
    ran = sharekit(command, path, *more, "--home", world.fernshire.home)
    assert (ran.code, ran.error) == (4, "not-for-you")
    assert "delete" not in ran.err
    assert "give it to those it is for" in ran.err
