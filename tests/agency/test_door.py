"""The one door: what an agency offers, what it gives back, and that its parts do not hold it."""

from __future__ import annotations

import gc
import pickle
import typing
import weakref
from collections.abc import Iterator

import pytest
from world.agencies import ABOUT, FLAG, example

import sharekit
from sharekit import Agency, errors
from sharekit.exchange.post import Arrived


def parts(agency: Agency) -> dict[str, object]:
    """The named parts of an agency."""
    return {
        name: part
        for name, part in vars(agency).items()
        if not name.startswith("_") and type(part).__module__.startswith("sharekit.")
    }


def test_an_agency_is_a_context_that_closes_its_ledger(world):
    world.at(FLAG)
    closed = []
    with Agency.load(world.fernshire.home) as agency:
        agency.record.close = lambda: closed.append(agency.org_id)
        assert agency.ledger.size == 1
        assert closed == []
    assert closed == ["E10999001"]


def test_an_agency_is_closed_when_something_goes_wrong_inside(world):
    closed, agency = [], Agency.load(world.fernshire.home)
    agency.record.close = lambda: closed.append(agency.org_id)
    with pytest.raises(errors.Malformed), agency:
        agency.verify(b"no packet")
    assert closed == ["E10999001"]


def test_the_docstring_names_every_part_and_no_other(world):
    told = str(Agency.__doc__).partition("of one subject:")[2]
    assert {line.split()[0] for line in told.splitlines() if line.strip()} == set(parts(world.fernshire))


def test_no_part_holds_the_agency_whose_part_it_is(world, tmp_path):
    org_type, name, phone = ABOUT["P97"]
    agency = Agency.create(tmp_path / "home", org_id="P97", org_type=org_type, name=name, phone=phone)
    kept, held = list(vars(agency).values()), weakref.ref(agency)
    del agency
    gc.collect()
    assert kept
    assert held() is None


def test_an_act_stands_on_the_agency_or_in_one_part_and_not_in_both(world):
    """The names that others rely on are the exception: `seal`, `open`, `verify` stand on the agency as well."""
    acts = {name for name in vars(Agency) if not name.startswith("_")}
    for name, part in parts(world.fernshire).items():
        if name not in ("record", "trust"):  # what is below the acts, and a store of its own
            assert {act for act in dir(part) if not act.startswith("_")} & acts <= {"seal"}, name


def returned(kind: type) -> Iterator[tuple[str, type]]:
    """Every class of sharekit that a public method or property of a class gives back, with the method's name."""
    for name in dir(kind):
        member = getattr(kind, name)
        act = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if name.startswith("_") or not callable(act) or not act.__module__.startswith("sharekit."):
            continue
        hints = typing.get_type_hints(act)
        if Arrived not in hints.values():  # an act among acts: nobody else can call it
            yield from ((name, found) for found in classes(hints.get("return")))


def classes(hint: object) -> Iterator[type]:
    if isinstance(hint, type) and hint.__module__.startswith("sharekit."):
        yield hint
    for part in typing.get_args(hint):
        yield from classes(part)


def test_every_type_that_the_agency_or_a_part_gives_back_is_exported(world):
    kinds = [Agency, *map(type, parts(world.fernshire).values())]
    found = {(kind, f"{owner.__name__}.{name}") for owner in kinds for name, kind in returned(owner)}
    assert len({kind for kind, _ in found}) > 25
    found |= {(kind, "a part") for kind in kinds}
    assert {where for kind, where in found if getattr(sharekit, kind.__name__, None) is not kind} == set()


# --- what sealing gives back


def test_a_sealed_packet_is_bytes_that_know_what_sealing_said(world):
    sealed = world.flag()
    assert isinstance(sealed, bytes)
    assert sharekit.parse(sealed).data == sealed
    assert sealed.id == sharekit.parse(sealed).id
    assert (sealed.recipients, sealed.left_out) == (("ZZQ01",), ())
    assert set(sealed.kept) == set(example("cp-is-flag")[0])
    entry = dict(world.fernshire.entries())[sealed.entry]
    assert entry.packet.hex() == sealed.id


def test_a_sealed_packet_knows_what_was_left_out(world):
    world.at(FLAG)
    data, terms = example("cp-is-flag")
    world.agency("ZZQ01")
    kept = world.fernshire.sending.minimise(data, {**terms, "purpose": "safeguarding.immediate-protection"})
    sealed = world.fernshire.seal(kept, {**terms, "purpose": "safeguarding.immediate-protection"}, to="ZZQ01")
    assert set(sealed.left_out) == set(kept.left_out)
    assert sealed.left_out


def test_a_sealed_packet_shows_no_content_and_cannot_be_changed(world):
    sealed = world.flag()
    for shown in (repr(sealed), str(sealed), f"{sealed}"):
        assert shown == f"Sealed(id={sealed.id}, recipients=['ZZQ01'], entry={sealed.entry})"
    with pytest.raises(AttributeError):
        sealed.entry = 7


def test_a_copy_of_a_sealed_packet_knows_as_much(world):
    sealed = world.flag()
    copied = pickle.loads(pickle.dumps(sealed))
    assert (copied, vars(copied), type(copied)) == (sealed, vars(sealed), type(sealed))


def test_one_organisation_is_one_recipient_and_not_its_letters(world):
    world.at(FLAG)
    data, terms = example("cp-is-flag")
    world.agency("ZZQ01")
    fernshire = world.fernshire
    assert fernshire.seal(data, terms, to="ZZQ01").recipients == ("ZZQ01",)
    one, listed = (fernshire.sending.examine(data, terms, to) for to in ("ZZQ01", ["ZZQ01"]))
    assert one == listed
    assert one != fernshire.sending.examine(data, terms)
    with pytest.raises(errors.UnknownSender):
        fernshire.seal(data, terms, to="ZZQ09")
