"""What a pinned partner writes about itself and its share is believed only as far as it would pass at the sender."""

from __future__ import annotations

from datetime import datetime

import pytest
from world.agencies import CONFIRM, FLAG, example
from world.gates import GONE, WHO
from world.liars import draft, sealed
from world.shares import changed, sender
from world.shares import example as at

import sharekit
from sharekit import Card, errors, open_packet, registry
from sharekit.domain import profile, vocabulary, whole
from sharekit.packet.seal import Sender
from sharekit.trust.keys import Keys

TYPES = [term.code for term in vocabulary.load("org-types")]
ISSUED = datetime.fromisoformat("2026-11-01T09:00:00Z")
READER = Keys.generate()
ONE = {"name": "Fernshire County Council", "phone": "01632 960101", "out_of_hours_phone": "01632 960199"}


def pinned(who: Sender, org_type: str, keys: Keys | None = None) -> Card:
    return Card.make(keys or who.keys, org_id=who.org_id, org_type=org_type, issued=ISSUED, **ONE)


def reader(org_type: str) -> Card:
    about = {"org_id": "ORG-2", "org_type": org_type, "name": "Two", "phone": "01632 960301"}
    return Card.make(READER, **about, issued=ISSUED)


def opened(name="cp-is-flag", changes=None, *, as_type=None, purpose=None, given=None, **hooks):
    """The share that the reader opens, of a worked example changed after all checks of its sender."""
    sender_type, reader_type = WHO[name]
    _, terms, now = at(name)
    who, own = sender(sender_type), reader(reader_type)
    made = draft(name, changes or {}, sender=who, recipients=[own], now=now, **(given or {}))
    data = sealed(made, who, now=now, **hooks)
    trust = sharekit.Trust([pinned(who, as_type or sender_type)])
    use = sharekit.Use(purpose=purpose or terms["purpose"], org_type=reader_type, confirm=CONFIRM)
    return open_packet(data, READER, trust, use=use, now=now)


def code(*args, **named) -> str | None:
    try:
        opened(*args, **named)
    except sharekit.ShareError as refusal:
        return refusal.code
    return None


# --- who they are (5.13) ---


@pytest.mark.parametrize("name", WHO)
def test_the_honest_examples_open(name):
    assert opened(name).fields


@pytest.mark.parametrize("name", WHO)
@pytest.mark.parametrize("claimed", TYPES)
def test_the_type_in_a_packet_is_that_of_the_pinned_card(name, claimed):
    expected = None if claimed == WHO[name][0] else "not-trusted"
    assert code(name, {"terms.sender.org_type": claimed}) == expected


@pytest.mark.parametrize("name", WHO)
@pytest.mark.parametrize("org_type", TYPES)
def test_a_card_of_any_other_type_sends_no_profile_that_is_not_its_own(name, org_type):
    """Whatever the packet says, and also where it says nothing."""
    kind = profile.load(name)
    found = {
        code(name, {"terms.sender": told}, as_type=org_type)
        for told in ({"org_id": "ORG-1", "org_type": org_type}, {"org_id": "ORG-1"})
    }
    if org_type in kind.about["senders"]:
        assert found <= {None, "field-not-allowed"}  # the type may send the profile, though not every field of it
    else:
        assert found == {"not-need-to-know"}


@pytest.mark.parametrize("name", WHO)
@pytest.mark.parametrize("claimed", TYPES)
def test_the_type_of_the_reader_in_a_packet_is_its_own(name, claimed):
    route, kind = at(name)[1].get("route"), profile.load(name)
    expected = "not-trusted" if kind.receives(claimed, route=route) else "not-need-to-know"
    if claimed == WHO[name][1]:
        expected = None
    assert code(name, {"terms.recipients.0.org_type": claimed}) == expected


@pytest.mark.parametrize("org_type", profile.load("strategy-s47").about["senders"])
def test_what_the_police_know_comes_from_the_police_alone(org_type):
    bail = {"data.criminal_info": {"bail": at("strategy-s47")[0]["statements"][:1]}}
    need = {"terms.need": {**at("strategy-s47")[1].get("need", {}), "criminal_info": "It bears on the harm."}}
    found = code("strategy-s47", {**bail, **need, "terms.sender": {"org_id": "ORG-1"}}, as_type=org_type)
    assert found == (None if org_type == "police" else "field-not-allowed")


NAMES = {
    "another council": {"name": "Quillbrook Social Care"},
    "another number": {"callback_phone": "01632 960999"},
    "another number by night": {"out_of_hours_phone": "01632 960999"},
    "all of it": {"name": "x", "callback_phone": "01632 960999", "out_of_hours_phone": "01632 960998"},
}


@pytest.mark.parametrize("lie", NAMES.values(), ids=NAMES)
def test_name_and_numbers_are_those_of_the_card_and_the_reader_learns_that_the_packet_says_others(lie):
    honest = {"name": ONE["name"], "callback_phone": ONE["phone"], "out_of_hours_phone": ONE["out_of_hours_phone"]}
    about = {"org_id": "ORG-1", "org_type": "local-authority-csc", **honest}
    share = opened(changes={"terms.sender": about | lie})
    shown = share.statement.present
    assert {name: getattr(shown, name) for name in ONE} == ONE
    assert share.sender_changed == tuple(name.removeprefix("callback_") for name in lie)
    assert opened(changes={"terms.sender": about}).sender_changed == ()


def test_a_card_that_was_renewed_is_the_one_whose_numbers_are_shown():
    who, newer = sender("local-authority-csc"), Keys.generate()
    now, own = datetime.fromisoformat(FLAG), reader("nhs-acute")
    data, terms = example("cp-is-flag")
    packet = sharekit.seal(data, terms, sender=who, recipients=[own], now=now)
    card = Card.make(
        newer, org_id="ORG-1", org_type="local-authority-csc", name="New", phone="01632 960102", issued=now
    )
    trust = sharekit.Trust([pinned(who, "local-authority-csc"), card])
    statement = sharekit.verify(sharekit.parse(packet), trust, now=now)
    assert (statement.card.phone, statement.present.phone) == ("01632 960101", "01632 960102")


# --- what arrives is whole (5.13, 5.17) ---

TERMS = registry.document("terms")["required"]


@pytest.mark.parametrize("name", WHO)
@pytest.mark.parametrize("part", TERMS)
def test_terms_that_lack_what_a_sender_must_write_open_nothing(name, part):
    assert code(name, {f"terms.{part}": GONE}) == "field-missing"


def required(name: str) -> list[str]:
    """The dotted path of every part that a worked example needs, also inside its objects and lists."""
    data, kind = at(name)[0], profile.load(name)
    return [path for path in _paths(data) if _absent(kind, data, path)]


def _paths(value, prefix=""):
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, inner in pairs:
        yield f"{prefix}{part}"
        yield from _paths(inner, f"{prefix}{part}.")


def _absent(kind, data, path):
    try:
        kind.check(changed({"data": data}, {f"data.{path}": GONE})["data"], now=ISSUED)
    except errors.FieldMissing:
        return True
    except errors.Refused:
        return False
    return False


NEEDED = [(name, path) for name in WHO for path in required(name)]


@pytest.mark.parametrize(("name", "path"), NEEDED, ids=[": ".join(each) for each in NEEDED])
@pytest.mark.parametrize("excuse", [False, True])
def test_data_that_lack_a_required_part_open_nothing_also_where_it_is_said_to_be_left_out(name, path, excuse):
    left_out = [{"field": path, "reason": "not permitted for the purpose"}] if excuse else []
    assert code(name, {f"data.{path}": GONE, "terms.left_out": left_out}) == "field-missing"


@pytest.mark.parametrize("path", ["plan_start", "responsible_la", "office_phone"])
def test_in_an_emergency_what_is_absent_is_owed_and_told(path):
    changes = {f"data.{path}": GONE, "terms.urgency": "immediate", "terms.informing": GONE}
    changes["terms.route"] = "immediate-protection"
    share = opened(changes=changes)
    assert share.owed == ("terms.informing", f"data.{path}")
    assert path not in share.fields
    assert code(changes=changes | {"terms.urgency": "same-day"}) == "field-missing"


@pytest.mark.parametrize("name", WHO)
def test_what_no_purpose_reveals_may_be_left_out_and_only_if_it_is_named(name):
    """Minimised for each of the purposes that shows something of it."""
    sender_type, _ = WHO[name]
    data, terms, now = at(name)
    kind = profile.load(name)
    for purpose in sorted(kind.shown_for - set(terms["prohibited_purposes"])):
        narrow = terms | {"purpose": purpose, "permitted_purposes": []}
        kept = profile.minimise(data, name, {purpose}, now=now)
        left_out = [{"field": path, "reason": "not permitted for the purpose"} for path in kept.left_out]
        read = sharekit.ShareTerms(narrow | {"left_out": left_out, "profile_version": kind.version})
        about = {"left_out": read.left_out, "sender_type": sender_type}
        whole.check(kind, kept.fields, read, **about)
        lost = [path for path in kept.left_out if "." not in path and path in kind.required]
        for path in lost:
            with pytest.raises(errors.FieldMissing):
                whole.check(
                    kind, kept.fields, read, left_out=[each for each in kept.left_out if each != path], sender_type=None
                )


IN_DANGER = {"terms.urgency": "immediate", "terms.route": "immediate-protection"}
HOLLOW = [
    f"{part}.{inner}"
    for part, item in at("cp-is-flag")[1].items()
    for inner in registry.document("terms")["properties"][part].get("required", ())
    if isinstance(item, dict)
]


@pytest.mark.parametrize("path", HOLLOW)
def test_what_is_absent_inside_a_part_of_urgent_terms_is_owed_and_told(path):
    assert opened(changes=IN_DANGER).owed == ()
    assert opened(changes=IN_DANGER | {f"terms.{path}": GONE}).owed == (f"terms.{path}",)


def lists(name: str) -> list[str]:
    return [part for part, value in at(name)[0].items() if isinstance(value, list) and value and type(value[0]) is dict]


@pytest.mark.parametrize(("name", "part"), [(name, part) for name in WHO for part in lists(name)])
@pytest.mark.parametrize("position", ["0", "99999", "9" * 50, "\u00b2", "\u2460", "\u0663", "-1", ""])
@pytest.mark.parametrize("edition", [{}, {"terms.profile_version": "2"}], ids=["this edition", "another"])
def test_a_place_of_which_no_list_has_any_is_nothing_left_out(name, part, position, edition):
    inner = next(iter(at(name)[0][part][0]))
    left_out = [{"field": f"{part}.{position}.{inner}", "reason": "x"}]
    assert opened(name, {"terms.left_out": left_out, **edition}).fields


@pytest.mark.parametrize("claimed", ["0", "2", "x" * 200])
def test_the_reader_is_told_of_a_share_that_says_it_was_sealed_by_another_edition(claimed):
    lie = {"data.plan_start": GONE, "terms.left_out": [{"field": "plan_start", "reason": "x"}]}
    assert code(changes=lie) == "field-missing"
    assert opened(changes=lie | {"terms.profile_version": claimed}).other_edition is True
    assert opened().other_edition is False


def test_nothing_is_sealed_of_which_its_purposes_show_nothing():
    for name in WHO:
        data, _, now = at(name)
        kind = profile.load(name)
        for term in vocabulary.load("purposes"):
            if term.code not in kind.shown_for:
                with pytest.raises(errors.NotMinimal) as refused:
                    profile.minimise(data, name, {term.code}, now=now)
                assert min(kind.shown_for) in refused.value.hint
