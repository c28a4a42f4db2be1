"""A second identifier that is guessed: every try is on the record, and the next has to wait longer and longer."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from world.agencies import CONFIRM

from sharekit import errors
from sharekit.record import guesses

STATUS = "safeguarding.status-flag"
BEGUN = datetime.fromisoformat("2026-11-27T10:00:00Z")


def opened(world, packet, *, at=BEGUN, day="2011-01-01", **more):
    world.at(f"{at:%Y-%m-%dT%H:%M:%SZ}")
    return world.quillbrook.open(packet, purpose=STATUS, confirm={"date_of_birth": day}, **more)


def guess(world, packet, *, times=guesses.FREE, at=BEGUN):
    for number in range(times):
        with pytest.raises(errors.IdentityMismatch) as refused:
            opened(world, packet, at=at, day=f"{number + 1:02}/01/2011")
        assert "does not match" in refused.value.message


def test_after_a_few_tries_the_right_one_has_to_wait_too(world):
    packet = world.flag()
    guess(world, packet)
    with pytest.raises(errors.IdentityMismatch) as refused:
        opened(world, packet, day=CONFIRM["date_of_birth"])
    assert "10:01" in refused.value.message
    assert "--break-glass" in refused.value.hint
    assert opened(world, packet, at=BEGUN + guesses.FIRST, day=CONFIRM["date_of_birth"]).fields


def test_every_further_try_makes_the_next_wait_longer_and_none_longer_than_an_hour(world):
    packet, at = world.flag(), BEGUN
    guess(world, packet)
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        with pytest.raises(errors.IdentityMismatch) as early:
            opened(world, packet, at=at + timedelta(minutes=minutes, seconds=-1))
        assert early.value.rule == guesses.SOON
        at += timedelta(minutes=minutes)
        guess(world, packet, times=1, at=at)


def test_a_day_later_they_are_forgotten(world):
    packet = world.flag()
    guess(world, packet)
    guess(world, packet, at=BEGUN + timedelta(days=1))


def test_the_tries_of_another_packet_and_none_at_all_count_for_nothing(world):
    first, second = world.flag(), world.flag()
    guess(world, first)
    for _ in range(2 * guesses.FREE):
        with pytest.raises(errors.IdentityMismatch):
            world.quillbrook.open(second, purpose=STATUS)
    assert opened(world, second, day=CONFIRM["date_of_birth"]).fields


def test_nobody_waits_in_an_emergency(world):
    packet = world.flag()
    guess(world, packet)
    glass = {
        "break_glass": True,
        "reason": "The child is unconscious and alone",
        "by": "Sam XXTEST-Reed",
        "role": "sister",
    }
    world.at(f"{BEGUN:%Y-%m-%dT%H:%M:%SZ}")
    purpose = "safeguarding.immediate-protection"
    assert world.quillbrook.open(packet, purpose=purpose, confirm=CONFIRM, **glass).fields


def test_a_form_that_cannot_be_read_is_no_try_and_nobody_is_told(world):
    packet = world.flag()
    sent = len(world.outbox("ZZQ01"))
    for text in ["14/03/19", "x", "03/14/2019"] * guesses.FREE:
        with pytest.raises(errors.FieldInvalid) as refused:
            opened(world, packet, day=text)
        assert "14 March 2019" in refused.value.hint
    assert opened(world, packet, day="14th March 2019").fields
    assert len(world.outbox("ZZQ01")) == sent + 1  # the receipt that it was opened


def test_an_auditor_sees_how_often_it_was_tried_and_whether_it_was_opened(tmp_path, world):
    from sharekit.audit import questions

    guessed, slipped = world.flag(), world.flag()
    guess(world, guessed)
    guess(world, slipped, times=1)
    opened(world, slipped, day=CONFIRM["date_of_birth"])
    world.quillbrook.export(tmp_path / "e.export")
    origin = world.quillbrook.ledger_of(None).origin
    decoded = questions.read([(tmp_path / "e.export", origin, world.quillbrook.ledger_of(None).size)])
    (question,) = [each for each in questions.load() if each.name == "second-identifiers"]
    answer = questions.answer(decoded, question)
    names = [answer.columns.index(name) for name in ("times", "state")]
    assert [[row[at] for at in names] for row in answer.rows] == [
        [guesses.FREE, "not opened afterwards"],
        [1, "opened afterwards"],
    ]
    decoded.close()
