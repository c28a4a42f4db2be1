"""However much of a value is wrong, little is looked at before it is refused: the first faults are enough."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from world.shares import example

from sharekit.domain import profile, validation
from sharekit.domain.terms import ShareTerms
from sharekit.errors import ShareError

MANY = 20_000
DATA, TERMS, _ = example("safeguarding-referral")
FILLED = {"profile_version": "1", "sender": {"org_id": "P97"}, "recipients": [{"org_id": "ZZQ01"}], "left_out": []}

WRONG: dict[str, Callable[[int], dict[str, Any]]] = {
    "numbers where codes belong": lambda many: {"handling": [1] * many},
    "empty objects": lambda many: {"agreement": [{} for _ in range(many)]},
    "objects of names that nobody declared": lambda many: {"agreement": [{f"k{n}": 1} for n in range(many)]},
    "names that nobody declared": lambda many: {f"k{n}": 1 for n in range(many)},
    "lists in a list": lambda many: {"handling": [[1] * 10 for _ in range(many // 10)]},
    "one object with many names": lambda many: {"agreement": [{f"k{n}": n for n in range(many)}]},
    "a list where words belong": lambda many: {"purpose_detail": [1] * many},
    "good ones before the bad": lambda many: {"gateways": ["ca04-s11"] * many + [1]},
}


@pytest.fixture
def faults(monkeypatch):
    """How many faults were put into words."""
    found: list[object] = []
    real = validation.Validator._translated

    def count(self: validation.Validator, error: Any) -> Any:
        found.append(error)
        return real(self, error)

    monkeypatch.setattr(validation.Validator, "_translated", count)
    return found


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_of_many_faults_the_first_are_enough(faults, wrong):
    for read, filled in ((ShareTerms.parse, {}), (ShareTerms.received, FILLED)):
        faults.clear()
        value = {**TERMS, **filled, **wrong(MANY)}
        tracemalloc.start()
        with pytest.raises(ShareError):
            read(value)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert 1 <= len(faults) <= validation.MOST_FAULTS
        assert most < 16 * 1024 * 1024


UNBOUNDED = ["objects of names that nobody declared", "names that nobody declared", "a list where words belong"]


@pytest.mark.parametrize("wrong", [WRONG[name] for name in UNBOUNDED], ids=UNBOUNDED)
def test_the_same_fault_is_told_of_few_as_of_many(wrong):
    told = []
    for many in (30, MANY):
        with pytest.raises(ShareError) as refused:
            ShareTerms.received({**TERMS, **FILLED, **wrong(many)})
        told.append((refused.value.code, refused.value.message))
    assert told[0] == told[1]


@pytest.mark.parametrize("length", [201, 1_000_000])
def test_a_text_that_is_too_long_is_refused_whatever_is_in_it(length):
    kind = profile.load("safeguarding-referral")
    for text in ("a" * length, "\x00" * length, "\u202e" * length):
        with pytest.raises(ShareError) as refused:
            kind.check_received({**DATA, "child": {**DATA["child"], "name": text}})
        assert refused.value.code == "field-invalid"
        assert len(refused.value.message) < 200
