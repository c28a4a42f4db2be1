"""A draft that is sealed again is noticed, and a packet that is there already is not replaced unasked."""

from __future__ import annotations

import json

import pytest
from world.agencies import EXAMPLES, example
from world.commands import sharekit as command

import sharekit

LATER = "2026-11-27T09:40:00Z"


def repeats(sealed):
    return [each for each in sealed.findings if each.rule == "repeated-draft"]


def test_the_same_draft_for_the_same_organisations_is_noticed_and_the_earlier_packet_named(world):
    first = world.flag()
    assert repeats(first) == []
    world.at(LATER)
    data, terms = example("cp-is-flag")
    second = world.fernshire.seal(data, terms, to=["ZZQ01"])
    third = world.fernshire.seal(world.fernshire.sending.minimise(data, terms), terms, to="ZZQ01")
    for earlier, sealed in ((first, second), (second, third)):
        (finding,) = repeats(sealed)
        assert finding.severity == "advice"
        assert earlier.id in finding.message


OTHER = {
    "other data": lambda data, terms: data.update(plan_start="2026-01-08"),
    "other terms": lambda data, terms: terms.update(valid_days=9),
}


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_another_share_is_not_taken_for_it(world, change):
    world.flag()
    data, terms = example("cp-is-flag")
    change(data, terms)
    assert repeats(world.fernshire.seal(data, terms, to=["ZZQ01"])) == []


def test_the_same_share_for_another_organisation_is_not_taken_for_it(world):
    world.flag()
    assert repeats(world.flag("ZZQ02")) == []
    assert repeats(world.flag("ZZQ02", "ZZQ01")) == []
    assert len(repeats(world.flag("ZZQ01", "ZZQ02"))) == 1


def test_what_was_destroyed_is_not_remembered(world):
    first = world.flag()
    world.fernshire.retention.destroy(bytes.fromhex(first.id), reason="sent by mistake")
    assert repeats(world.flag()) == []


# --- the file ---


@pytest.fixture
def seal(world, tmp_path):
    world.flag()
    home = str(world.fernshire.home)
    world.fernshire.close()
    draft = [str(EXAMPLES / "cp-is-flag.json"), "--terms", str(EXAMPLES / "cp-is-flag.terms.json"), "--to", "ZZQ01"]
    return lambda out, *more: command("seal", *draft, "--home", home, "-o", str(out), *more)


IN_THE_WAY = {
    "a packet": lambda path, seal: seal(path),
    "any file": lambda path, seal: path.write_bytes(b"mine"),
    "an empty file": lambda path, seal: path.touch(),
    "a link to a file": lambda path, seal: [path.with_name("x").write_bytes(b"mine"), path.symlink_to("x")],
    "a link to nothing": lambda path, seal: path.symlink_to("nowhere"),
}


@pytest.mark.parametrize("make", IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_a_file_that_is_there_already_stays_and_nothing_is_sealed(world, seal, tmp_path, make):
    path = tmp_path / "flag.sharekit"
    make(path, seal)
    before, size = path.read_bytes() if path.exists() else None, world.fernshire.ledger.size
    refused = seal(path)
    assert (refused.code, refused.error) == (1, "output-unwritable")
    assert "--force" in refused.err
    assert (path.read_bytes() if path.exists() else None) == before
    assert world.fernshire.ledger.size == size
    assert seal(path, "--force").code == 0
    assert sharekit.parse(path.read_bytes())


def test_a_folder_takes_one_packet_after_the_other(seal, tmp_path):
    (tmp_path / "out").mkdir()
    assert [seal(tmp_path / "out").code for _ in range(2)] == [0, 0]
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_the_findings_of_a_repeated_draft_are_said(seal, tmp_path):
    said = seal(tmp_path / "flag.sharekit", "--json")
    assert "repeated-draft" in [each["rule"] for each in json.loads(said.out)["findings"]]
