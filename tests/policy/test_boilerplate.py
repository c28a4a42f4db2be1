"""Boilerplate is noticed: reasons that would fit any case, and words that explained one decision after another."""

from __future__ import annotations

from typing import Any

import pytest
from world.agencies import REFERRAL, World, example

from sharekit import Agency
from sharekit.policy import rulebook


def seal(world: World, *, decision: int = 0, at: int = 40, **weighed: str) -> list[str]:
    """Seal the referral on a decision of its own, and weighed in these words; the rules that say something of it."""
    data, terms = example("safeguarding-referral")
    terms["decision"]["id"] = f"D-{decision}"
    terms["confidentiality"] |= weighed
    terms["recipient_confirmed_by"] = {"method": "by telephone", "when": "2026-11-26"}
    world.at(f"2026-11-26T13:{at:02}:00Z")
    found = world.larkmoor.seal(data, terms, world.fernshire.org_id)
    return [each.rule for each in found.findings]


OWN = {"harm_if_shared": "He may learn of it from the younger brother", "harm_if_not_shared": "The belt is still there"}


def test_the_words_of_three_decisions_of_late_are_noticed_at_the_fourth(world):
    found = [seal(world, decision=number) for number in range(4)]
    assert found == [[], [], [], ["R7"]]


def test_words_of_its_own_are_not(world):
    for number in range(3):
        seal(world, decision=number)
    assert seal(world, decision=3, **OWN) == []


def test_the_same_words_are_known_however_they_are_written(world):
    said = "Wren may be hurt again tonight"
    for number, words in enumerate([said, said.upper(), f"  {said}.", said.replace(" ", "  ")]):
        found = seal(world, decision=number, harm_if_not_shared=words)
    assert found == ["R7"]


def test_several_packets_of_one_decision_are_one(world):
    again = [seal(world, at=40 + number) for number in range(5)]
    assert again == [[], *[["repeated-draft"]] * 4]  # noticed as one share sealed again, and not as boilerplate


def test_only_decisions_of_late_count(world, monkeypatch):
    rule = rulebook.load()["R7"]
    monkeypatch.setitem(rule.params, "among", 3)
    for number in range(3):
        seal(world, decision=number)
    seal(world, decision=3, **OWN)
    assert seal(world, decision=4) == []  # two of the last three


def test_nothing_is_noticed_while_the_vault_is_locked(world):
    for number in range(3):
        seal(world, decision=number)
    data, terms = example("safeguarding-referral")
    assert [each.rule for each in world.larkmoor.sending.examine(data, terms).findings] == ["R7"]
    with Agency(world.larkmoor.home, private=None) as locked:
        assert locked.sending.examine(data, terms).findings == ()


def test_the_vault_holds_no_word_of_it(world):
    seal(world, **OWN)
    stored = (world.larkmoor.home / "vault.db").read_bytes().lower()
    assert not [word for word in (b"brother", b"belt", b"hemaylearn") if word in stored]


def test_a_share_that_was_refused_is_not_remembered(world):
    data, terms = example("safeguarding-referral")
    world.at(REFERRAL)
    for number in range(4):
        terms["decision"]["id"] = f"D-{number}"
        refused: dict[str, Any] = {**terms, "harm_basis": None}
        del refused["harm_basis"]
        with pytest.raises(Exception, match="harm_basis"):
            world.larkmoor.seal(data, refused, world.fernshire.org_id)
    assert seal(world, decision=5) == []
