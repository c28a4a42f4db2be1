"""Every parser takes good files, and refuses hostile ones with an error that it promises, at a bounded cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import judge
from fuzz.targets import TARGETS

FEW = {"export": 25, "home": 40, "vault": 60, "receipt": 100}  # those that take long for each
SEEDED = settings(derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
BORNE = Path(__file__).parent / "borne"


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_takes_a_good_file(name):
    target = TARGETS[name]
    assert {judge.judge(target, seed) for seed in target.seeds()} >= {True}


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_bears_whatever_it_is_given(name):
    """A seeded tenth of what scripts/fuzz does in a minute; the numbers are those of `judge.made`."""

    @settings(SEEDED, max_examples=FEW.get(name, 150))
    @given(st.integers(0, 2**32))
    def borne(number: int) -> None:
        judge.judge(TARGETS[name], judge.made(TARGETS[name], number))

    borne()


@pytest.mark.parametrize("path", sorted(BORNE.iterdir()), ids=lambda path: path.name)
def test_what_was_once_not_borne_is_borne(path):
    judge.judge(TARGETS[path.name.partition("--")[0]], path.read_bytes())
