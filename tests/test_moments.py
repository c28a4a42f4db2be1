"""Seconds and times: which numbers are taken for a time, and that nothing is lost on the way there and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharekit.moments import LIMIT, is_seconds, seconds_of, time_of


@pytest.mark.parametrize("seconds", [0, 1, LIMIT - 1])
def test_seconds_from_1970_to_2514_are_a_time(seconds):
    assert is_seconds(seconds)
    assert time_of(seconds).tzinfo is UTC


@pytest.mark.parametrize("value", [-1, LIMIT, True, 1.0, "1", None], ids=repr)
def test_nothing_else_is(value):
    assert not is_seconds(value)


@given(st.integers(0, LIMIT - 1))
def test_a_time_has_the_seconds_that_it_was_made_of(seconds):
    assert seconds_of(time_of(seconds)) == seconds


def test_the_zone_of_a_time_makes_no_difference_and_parts_of_a_second_are_left_out():
    there = datetime(2026, 7, 1, 0, 30, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert time_of(seconds_of(there)) == datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
