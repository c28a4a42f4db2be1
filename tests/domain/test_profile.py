"""The profiles as data, and as sealing and opening see them: each example seals, and each named change is refused."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from world.agencies import EXAMPLES, example

from sharekit import Keys, ShareTerms, errors, registry
from sharekit.domain import profile, second_identifier, vocabulary
from sharekit.domain.canonical import resolved
from sharekit.domain.profile import Profile
from sharekit.domain.validation import Validator
from sharekit.packet import seal as sealing
from sharekit.packet.seal import Draft, Sender
from sharekit.trust.cards import Card

NAMES = {
    "cp-is-flag": 1,
    "attendance-alert": 2,
    "early-help-referral": 3,
    "safeguarding-referral": 4,
    "strategy-s47": 5,
    "request-for-information": 14,
    "information-reply": 15,
    "decision-not-to-share": 16,
}
REFUSED = json.loads((EXAMPLES / "refused.json").read_text())
WORLDS = {
    "cp-is-flag": ("2026-11-27T09:05:00Z", "local-authority-csc", "nhs-acute"),
    "attendance-alert": ("2026-11-27T23:50:00Z", "nhs-acute", "local-authority-csc"),
    "early-help-referral": ("2026-11-10T09:05:00Z", "school", "local-authority-early-help"),
    "safeguarding-referral": ("2026-11-26T13:45:00Z", "school", "local-authority-csc"),
    "strategy-s47": ("2026-11-27T12:05:00Z", "local-authority-csc", "police"),
    "request-for-information": ("2026-11-27T12:35:00Z", "local-authority-csc", "nhs-acute"),
    "information-reply": ("2026-11-28T10:05:00Z", "nhs-acute", "local-authority-csc"),
    "decision-not-to-share": ("2026-11-12T09:05:00Z", "school", "auditor"),
}
ISSUED = datetime.fromisoformat("2026-11-01T09:00:00Z")
FLAG, REFERRAL = WORLDS["cp-is-flag"], WORLDS["safeguarding-referral"]
FLAG_AT, REFERRAL_AT = datetime.fromisoformat(FLAG[0]), datetime.fromisoformat(REFERRAL[0])


@functools.cache
def keys() -> Keys:
    return Keys.generate()


@functools.cache
def card(org_type: str) -> Card:
    return Card.make(keys(), org_id="B1", org_type=org_type, name="The recipient", phone="01632 960101", issued=ISSUED)


def prepared(data: Any, terms: Any, at: str, sender_type: str, recipient_type: str) -> Draft:
    sender = Sender(org_id="A1", keys=keys(), org_type=sender_type)
    now = datetime.fromisoformat(at)
    return sealing.prepare(data, terms, sender=sender, recipients=[card(recipient_type)], now=now)


def change(document: Any, changes: dict[str, Any]) -> None:
    """Each JSON pointer set to its value, or taken away where that is null."""
    for pointer, value in changes.items():
        *way, last = pointer.split("/")[1:]
        inside = functools.reduce(lambda at, name: at[int(name)] if isinstance(at, list) else at[name], way, document)
        key: Any = int(last) if isinstance(inside, list) else last
        if value is None:
            del inside[key]
        else:
            inside[key] = value


def texts(value: Any) -> Iterator[str]:
    """Every text that stands in a value, however deep."""
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(inner)


def says(message: str, text: str) -> bool:
    return bool(text.strip()) and bool(re.search(rf"(?<!\w){re.escape(text)}(?!\w)", message))


# --- sealing ---


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_each_profile_seals_as_it_stands(name):
    data, terms = example(name)
    draft = prepared(data, terms, *WORLDS[name])
    assert draft.fields == data
    assert draft.terms.json["left_out"] == []
    assert draft.terms.json["profile_version"] == profile.load(name).version


CASES = [(name, case) for name, cases in REFUSED.items() for case in cases]


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}: {case['name']}" for name, case in CASES])
def test_a_changed_example_is_refused_by_the_field_and_never_its_value(name, case):
    data, terms = example(name)
    change(data if case["in"] == "data" else terms, case["change"])
    with pytest.raises(errors.Refused) as refused:
        prepared(data, terms, case["at"], case["sender_type"], case["recipient_type"])
    assert refused.value.code == case["code"], refused.value.message
    assert refused.value.hint
    if "field" in case:
        assert f'"{case["field"]}"' in refused.value.message
    told = f"{refused.value.message} {refused.value.hint}"
    assert [text for text in texts(list(case["change"].values())) if says(told, text)] == []


def test_the_refused_changes_cover_every_profile():
    assert {name: len(cases) >= 8 for name, cases in REFUSED.items()} == dict.fromkeys(NAMES, True)
    assert min(len(REFUSED["cp-is-flag"]), len(REFUSED["safeguarding-referral"])) >= 15


def test_the_police_receive_a_referral_on_the_route_of_immediate_protection_only():
    data, terms = example("safeguarding-referral")
    terms["route"] = "immediate-protection"
    assert prepared(data, terms, REFERRAL[0], "school", "police").recipients[0].org_type == "police"


def test_the_police_may_tell_what_their_records_hold():
    data, terms = example("safeguarding-referral")
    statement = data["statements"][1] | {"kind": "conviction", "text": "Common assault, 2024"}
    data["criminal_info"] = {"convictions": [statement]}
    terms["gateways"] = ["ca04-s16la", "common-law-policing"]
    draft = prepared(data, terms, REFERRAL[0], "police", "local-authority-csc")
    assert draft.fields["criminal_info"] == data["criminal_info"]


def test_a_flag_for_an_unborn_child_stands_on_the_mothers_number():
    data, terms = example("cp-is-flag")
    del data["date_of_birth"]
    data |= {
        "nhs_number": "9990002487",
        "plan_type": "ucpp",
        "expected_date_of_delivery": "2027-02-09",
        "mother_date_of_birth": "1998-05-20",
    }
    assert prepared(data, terms, *FLAG).fields == data


def test_a_flag_that_ended_within_twelve_months_says_until_when_it_is_visible():
    data, terms = example("cp-is-flag")
    data |= {"plan_type": "lac", "plan_start": "2025-02-11", "plan_end": "2026-09-30"}
    terms["need"] = {"plan_end": "The last twelve months still matter"}
    draft = prepared(data, terms, *FLAG)
    assert draft.fields["visible_until"] == "2027-09-30"
    prepared(data, terms, "2027-09-30T22:59:59Z", *FLAG[1:])
    with pytest.raises(errors.VisibilityEnded):
        prepared(data, terms, "2027-09-30T23:00:00Z", *FLAG[1:])


LAST_DAYS = {"2024-02-29": "2025-02-28", "2025-12-31": "2026-12-31", "2026-02-28": "2027-02-28"}


@pytest.mark.parametrize(("ended", "visible"), LAST_DAYS.items())
def test_twelve_months_end_on_a_day_that_there_is(ended, visible):
    assert profile.load("cp-is-flag").complete({"plan_end": ended})["visible_until"] == visible


def test_a_day_is_not_in_the_future_while_a_british_summer_has_begun_it():
    data, _ = example("cp-is-flag")
    data["plan_start"] = "2026-08-19"
    kind = profile.load("cp-is-flag")
    kind.check(data, now=datetime.fromisoformat("2026-08-18T23:00:00Z"))
    with pytest.raises(errors.FieldInvalid):
        kind.check(data, now=datetime.fromisoformat("2026-08-18T22:59:59Z"))


def test_a_name_that_might_be_somebodys_is_not_repeated():
    data, terms = example("cp-is-flag")
    for name in ("Robin", "XXTEST-Marlow", "9990001006", "robin marlow", "n9990001006"):
        with pytest.raises(errors.NotMinimal) as refused:
            prepared(data | {name: "x"}, terms, *FLAG)
        assert name not in refused.value.message + refused.value.hint


NO_DATASETS = [None, [], "flag", 7, {"nhs_number": b"9990001006"}, {"nhs_number": "\ud800"}]


@pytest.mark.parametrize("data", NO_DATASETS, ids=repr)
def test_what_is_no_dataset_is_refused_by_a_typed_error(data):
    with pytest.raises(errors.Refused):
        prepared(data, example("cp-is-flag")[1], *FLAG)


def test_a_check_digit_that_does_not_fit_is_called_so():
    for name, pointer in {"cp-is-flag": "/nhs_number", "safeguarding-referral": "/child/upn"}.items():
        data, _ = example(name)
        change(data, {pointer: "9990001011"})
        with pytest.raises(errors.FieldInvalid, match="check digit"):
            profile.load(name).check(data, now=FLAG_AT)


# --- minimising ---


def test_minimise_keeps_what_the_purposes_reveal_and_names_the_rest():
    data, terms = example("cp-is-flag")
    terms["purpose"] = "health.direct-care.urgent"
    kept = sealing.minimise(data, terms, now=FLAG_AT)
    assert kept.left_out == ("upload_id", "sequence_no")
    assert list(kept.fields) == [name for name in data if name not in kept.left_out]
    draft = prepared(kept, terms, *FLAG)
    assert [left["field"] for left in draft.terms.json["left_out"]] == ["upload_id", "sequence_no"]


def test_minimise_wants_a_whole_and_valid_dataset_all_the_same():
    for name, code in {"address": "field-not-allowed", "school": "field-not-allowed"}.items():
        data, terms = example("cp-is-flag")
        with pytest.raises(errors.Refused) as refused:
            sealing.minimise(data | {name: "x"}, terms, now=FLAG_AT)
        assert refused.value.code == code
    data, terms = example("cp-is-flag")
    del data["upload_id"]
    with pytest.raises(errors.FieldMissing):
        sealing.minimise(data, terms | {"purpose": "health.direct-care.urgent"}, now=FLAG_AT)


def test_a_minimised_dataset_made_by_hand_is_checked_like_any_other():
    data, terms = example("cp-is-flag")
    for more, error in {
        "address": errors.NotMinimal,
        "colour": errors.NotMinimal,
        "local_child_ref": errors.NotMinimal,
    }.items():
        with pytest.raises(error):
            prepared(profile.Minimised(data | {more: "x"}, ()), terms, *FLAG)
    with pytest.raises(errors.FieldInvalid):
        prepared(profile.Minimised(data | {"plan_start": "2027-01-01"}, ()), terms, *FLAG)


def test_minimise_drops_whole_fields_in_the_order_of_the_dataset():
    data, _ = example("strategy-s47")
    kept = profile.load("strategy-s47").minimise(data, ["health.direct-care.urgent"])
    assert list(kept.fields) == ["immediate_safety", "health_info", "interim_conditions"]
    assert kept.left_out == tuple(name for name in data if name not in kept.fields)


SMALL = {
    "title": "A profile for this test",
    "x-profile": {"name": "small", "version": "1", "number": 99, "sets": {"care": ["a", "b"]}},
    "type": "object",
    "properties": {
        "person": {
            "x-purposes": ["@care"],
            "properties": {"name": {}, "phone": {"x-purposes": ["b"]}, "kin": {"properties": {"age": {}}}},
        },
        "visits": {"x-purposes": ["a"], "items": {"properties": {"at": {}, "why": {"x-purposes": ["b"]}}}},
        "note": {"x-purposes": []},
    },
}


def test_minimise_takes_parts_out_of_objects_and_of_the_items_of_lists():
    kind = Profile(SMALL)
    data = {
        "person": {"name": "x", "phone": "y", "kin": {"age": 7}},
        "visits": [{"at": "z", "why": "w"}, {"why": "v"}],
        "note": "u",
    }
    kept = kind.minimise(data, ["a"])
    assert kept.fields == {"person": {"name": "x", "kin": {"age": 7}}, "visits": [{"at": "z"}, {}]}
    assert kept.left_out == ("person.phone", "visits.0.why", "visits.1.why", "note")
    assert kind.minimise(data, ["b"]).fields == {"person": data["person"], "visits": [{"why": "w"}, {"why": "v"}]}
    assert kind.minimise({"visits": [{"why": "w"}]}, ["a"]).fields == {}
    assert kind.minimise(data, []).fields == {}


def test_a_requester_is_told_the_outcome_and_whom_to_call_and_nothing_else():
    data, terms = example("decision-not-to-share")
    terms |= {"purpose": "safeguarding.early-help", "permitted_purposes": []}
    kept = sealing.minimise(data, terms, now=datetime.fromisoformat(WORLDS["decision-not-to-share"][0]))
    assert list(kept.fields) == ["request_ref", "outcome", "contact", "escalation_route"]


def test_narrower_purposes_count_only_if_the_sender_says_so():
    data, terms = example("cp-is-flag")
    data["local_child_ref"] = "F-0001"
    terms |= {"permitted_purposes": ["safeguarding"], "need": {"local_child_ref": "The alert names it"}}
    assert "local_child_ref" in sealing.minimise(data, terms, now=FLAG_AT).left_out
    terms["include_narrower"] = True
    assert sealing.minimise(data, terms, now=FLAG_AT).left_out == ()
    terms["prohibited_purposes"] = ["safeguarding.attendance-alert"]
    assert "local_child_ref" in sealing.minimise(data, terms, now=FLAG_AT).left_out


def test_repr_shows_names_and_no_value():
    data, terms = example("safeguarding-referral")
    kept = profile.load("safeguarding-referral").minimise(data, ["safeguarding.referral"])
    told = repr([kept, prepared(data, terms, *REFERRAL), ShareTerms.parse(terms)])
    sentences = [text for text in texts(terms) if " " in text]
    assert [text for text in [*texts(data), *sentences] if says(told, text)] == []
    assert "immediate_safety" in told


# --- opening ---

PERMITTED = list(example("safeguarding-referral")[0])
FLAG_FIELDS = list(example("cp-is-flag")[0])
REVEALED = {
    ("cp-is-flag", "safeguarding.status-flag"): FLAG_FIELDS,
    ("cp-is-flag", "safeguarding.attendance-alert"): FLAG_FIELDS[:-2],
    ("cp-is-flag", "safeguarding.referral"): FLAG_FIELDS[:-2],
    ("cp-is-flag", "safeguarding.strategy"): FLAG_FIELDS[:-2],
    ("cp-is-flag", "safeguarding.s47-enquiry"): FLAG_FIELDS[:-2],
    ("cp-is-flag", "health.direct-care.urgent"): FLAG_FIELDS[:-2],
    ("cp-is-flag", "health.direct-care.planned"): FLAG_FIELDS[:-2],
    ("cp-is-flag", "break-glass"): FLAG_FIELDS[:-2],
    ("cp-is-flag", "safeguarding.early-help"): [],
    ("safeguarding-referral", "safeguarding.referral"): PERMITTED,
    ("safeguarding-referral", "safeguarding.strategy"): PERMITTED,
    ("safeguarding-referral", "safeguarding.s47-enquiry"): PERMITTED,
    ("safeguarding-referral", "safeguarding.cin-assessment"): [
        "child",
        "immediate_safety",
        "harm",
        "statements",
        "child_voice",
    ],
    ("safeguarding-referral", "safeguarding.conference"): ["immediate_safety", "statements", "child_voice"],
    ("safeguarding-referral", "safeguarding.immediate-protection"): [
        "child",
        "current_location",
        "who_with",
        "immediate_safety",
    ],
    ("safeguarding-referral", "break-glass"): ["child", "current_location", "who_with", "immediate_safety"],
    ("safeguarding-referral", "safeguarding.early-help"): ["immediate_safety"],
    ("safeguarding-referral", "crime.investigation"): ["immediate_safety"],
    ("safeguarding-referral", "education.support"): [],
}


@pytest.mark.parametrize(("name", "purpose"), REVEALED, ids=map(" for ".join, REVEALED))
def test_opening_reveals_exactly_what_the_purpose_permits(name, purpose):
    data, _ = example(name)
    shown = profile.load(name).reveal(data, purpose, break_glass=purpose == "break-glass")
    assert list(shown.fields) == REVEALED[name, purpose]
    assert [path.split(".")[0] for path in shown.left_out] == [n for n in data if n not in shown.fields]


def test_an_emergency_shows_what_a_child_must_not_be_given_and_no_more_of_its_health():
    data, _ = example("strategy-s47")
    shown = profile.load("strategy-s47").reveal(data, "health.direct-care.urgent", break_glass=True)
    assert list(shown.fields["health_info"]) == ["allergies"]
    assert "health_info.injuries_and_conditions" in shown.left_out


def test_fields_come_out_in_the_profiles_order():
    data, _ = example("cp-is-flag")
    backwards = dict(reversed(data.items()))
    shown = profile.load("cp-is-flag").reveal(backwards, "safeguarding.status-flag", break_glass=False)
    assert list(shown.fields) == list(data)


UNBORN = {"nhs_number": "9990002487", "plan_type": "ucpp", "mother_date_of_birth": "1998-05-20"}
IDENTITIES = {
    "the child's": ({"date_of_birth": "2019-03-14"}, {"date_of_birth": "2019-03-14"}, True),
    "the child's, with a space": ({"date_of_birth": "2019-03-14"}, {"date_of_birth": " 2019-03-14"}, True),
    "day and month turned round": ({"date_of_birth": "2019-03-14"}, {"date_of_birth": "2019-04-13"}, False),
    "nothing given": ({"date_of_birth": "2019-03-14"}, {}, False),
    "something else given": ({"date_of_birth": "2019-03-14"}, {"nhs_number": "9990001006"}, False),
    "the mother's, before the birth": (UNBORN, {"date_of_birth": "1998-05-20"}, True),
    "not the mother's": (UNBORN, {"date_of_birth": "2027-02-09"}, False),
    "nothing to compare with": ({"nhs_number": "9990001006"}, {"date_of_birth": "2019-03-14"}, False),
    "nothing on either side": ({"nhs_number": "9990001006"}, {"date_of_birth": ""}, False),
}


@pytest.mark.parametrize(("fields", "confirm", "same"), IDENTITIES.values(), ids=IDENTITIES)
def test_a_flag_shows_nothing_until_the_second_identifier_matches(fields, confirm, same):
    kind = profile.load("cp-is-flag")
    if same:
        second_identifier.check(kind, fields, confirm)
    else:
        with pytest.raises(errors.IdentityMismatch) as refused:
            second_identifier.check(kind, fields, confirm)
        assert "mother" not in refused.value.message + refused.value.hint


def test_a_profile_that_asks_for_no_second_identifier_opens_without():
    second_identifier.check(profile.load("safeguarding-referral"), {}, {})


def test_what_was_left_out_is_not_missed_on_arrival_and_what_came_is_checked():
    kind = profile.load("safeguarding-referral")
    kind.check_received({"current_location": "At school"})
    for bad, error in {"harm": errors.FieldInvalid, "address": errors.NotMinimal}.items():
        with pytest.raises(error):
            kind.check_received({bad: "x"})
    with pytest.raises(errors.UnknownCode):
        kind.check_received({"interim_conditions": ["be-careful"]})
    with pytest.raises(errors.NotMinimal):
        profile.load("cp-is-flag").check_received({"plan_type": "ucpp", "date_of_birth": "2019-03-14"})


# --- what the rulebook and the vault ask ---


def test_flags_tell_what_kinds_of_sensitive_data_are_there():
    kind = profile.load("safeguarding-referral")
    data, _ = example("safeguarding-referral")
    assert kind.flags(data) == {"K", "P", "T"}
    assert kind.flags({"siblings_other_children": []}) == frozenset()
    assert "H" in kind.flags({"health_info": {"allergies": data["statements"][:1]}})
    convicted = [data["statements"][0] | {"kind": "conviction"}]
    assert "X" in kind.flags({"statements": convicted})
    assert "X" not in kind.flags({"statements": data["statements"]})


def test_identifiers_are_those_of_the_subject_in_the_profiles_order():
    assert profile.load("cp-is-flag").identifiers({"local_child_ref": "F-1", "nhs_number": "9990001006"}) == [
        ("nhs", "9990001006"),
        ("local", "F-1"),
    ]
    data, _ = example("safeguarding-referral")
    assert profile.load("safeguarding-referral").identifiers(data) == [("upn", "A999000100002")]


def test_a_need_is_owed_once_for_a_field_in_the_items_of_a_list():
    kind = profile.load("safeguarding-referral")
    assert list(kind.needs({"child": {"upn": "A999000100002", "aliases": ["Ren"]}})) == ["child.aliases", "child.upn"]
    assert list(profile.load("cp-is-flag").needs({"visible_until": "2027-09-30"})) == []


def test_somebody_older_than_a_child_is_pointed_out_and_not_refused():
    data, terms = example("cp-is-flag")
    kind = profile.load("cp-is-flag")
    assert list(kind.unexpected_ages(data, now=FLAG_AT)) == []
    for born, old in {"2007-11-28": [], "2007-11-27": ["date_of_birth"]}.items():
        assert list(kind.unexpected_ages(data | {"date_of_birth": born}, now=FLAG_AT)) == old
    assert prepared(data | {"date_of_birth": "2004-01-01"}, terms, *FLAG).fields["date_of_birth"] == "2004-01-01"


# --- the profiles as data ---

ANNOTATIONS = {
    "x-codes", "x-purposes", "x-flags", "x-break-glass", "x-need", "x-identifier", "x-computed", "x-not-future",
    "x-when", "x-order", "x-expected-age", "x-senders", "x-argued", "x-whole", "x-instead", "x-profile", "x-statement",
    "x-form", "x-tells-of",
}  # fmt: skip
KEYWORDS = {
    "$ref", "$schema", "$defs", "title", "description", "type", "properties", "required", "additionalProperties",
    "items", "minItems", "maxItems", "uniqueItems", "minProperties", "enum", "const", "pattern", "format", "maxLength",
    "minimum", "maximum", "allOf", "anyOf", "if", "then", "else", "not", "contains",
}  # fmt: skip
FLAGS = set("HERSBXPTKJ")
BREAK_GLASS = {"cp-is-flag", "safeguarding-referral", "strategy-s47"}


def loaded() -> list[Profile]:
    return [profile.load(name) for name in profile.names()]


def nodes(root: Any, node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every field of a schema with its path, items of lists and parts of objects included."""
    for name, inner in resolved(root, node).get("properties", {}).items():
        yield f"{path}{name}", resolved(root, inner)
        yield from nodes(root, inner, f"{path}{name}.")
    if "items" in node:
        yield from nodes(root, resolved(root, node["items"]), path)


def schema(kind: Profile) -> Any:
    """What data of this kind are validated against, shared parts put in."""
    return Validator(registry.document("profile", kind.name), what="data").schema


def test_the_profiles_and_their_numbers_are_those_listed_here():
    assert {kind.name: kind.number for kind in loaded() if kind.name in NAMES} == NAMES
    numbers = [kind.number for kind in loaded()]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("kind", loaded(), ids=lambda kind: kind.name)
def test_a_profile_is_whole(kind):
    about = kind.about
    assert about["name"] in profile.names()
    assert about["status"] in {"in-force", "check", "prospective", "proposal"}
    assert about["source"]
    types = vocabulary.load("org-types")
    receivers = [each for group in about["recipients"] for each in group["org_types"]]
    assert [each for each in [*about["senders"], *receivers] if each not in types] == []
    routes = [each for group in about["recipients"] for each in group.get("routes", ())]
    assert [each for each in routes if each not in vocabulary.load("routes")] == []
    assert set(about["never"]).isdisjoint(kind.fields)
    assert all(about["never"].values())
    assert [name for name in kind.required if name not in kind.fields] == []


@pytest.mark.parametrize("kind", loaded(), ids=lambda kind: kind.name)
def test_every_field_has_a_title_a_description_and_purposes_that_exist(kind):
    purposes = vocabulary.load("purposes")
    for path, node in nodes(schema(kind), schema(kind)):
        assert node.get("title"), path
        assert node.get("description", "").endswith("."), path
        assert FLAGS.issuperset(node.get("x-flags", ())), path
        assert "x-purposes" in node or not node.get("x-break-glass"), path
        for named in node.get("x-purposes", ()):
            group = about_set(kind, named)
            assert [code for code in group if purposes[code].more.get("usable") is False] == [], path
            assert [code for code in group if purposes[code].more.get("always_deny")] == [], path


def about_set(kind: Profile, named: str) -> list[str]:
    return kind.about["sets"][named[1:]] if named.startswith("@") else [named]


@pytest.mark.parametrize("kind", loaded(), ids=lambda kind: kind.name)
def test_a_field_is_required_or_says_when_it_is_needed(kind):
    for name, node in kind.fields.items():
        ways = [name in kind.required, "x-when" in node, "x-need" in node, "x-computed" in node]
        assert sum(ways) == 1, name


@pytest.mark.parametrize("kind", loaded(), ids=lambda kind: kind.name)
def test_whatever_is_required_is_shown_for_some_purpose(kind):
    assert [name for name in kind.required if not kind.purposes_of(name) - {"break-glass"}] == []


@pytest.mark.parametrize("kind", loaded(), ids=lambda kind: kind.name)
def test_a_profile_uses_only_keywords_whose_failure_can_be_told(kind):
    def used(node: Any, *, names: bool = False) -> Iterator[str]:
        for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
            if isinstance(node, dict) and not names:
                yield key
            if key not in ("x-profile", "enum", "required"):
                yield from used(value, names=not names and key in ("properties", "$defs"))

    assert set(used(registry.document("profile", kind.name))) - KEYWORDS - ANNOTATIONS == set()
    assert set(used(registry.document("parts"))) - KEYWORDS - ANNOTATIONS == set()


def test_the_profiles_of_emergencies_have_a_break_glass_subset():
    found = {
        kind.name
        for kind in loaded()
        if any(node.get("x-break-glass") for _, node in nodes(schema(kind), schema(kind)))
    }
    assert {name for name in NAMES if name in found} == BREAK_GLASS


def test_whoever_works_with_children_may_refer_a_child():
    working = [term.code for term in vocabulary.load("org-types") if term.more["children"]]
    assert sorted(profile.load("safeguarding-referral").about["senders"]) == sorted(working)
    assert profile.load("safeguarding-referral").about["recipients"] == [
        {"org_types": ["local-authority-csc"]},
        {"org_types": ["police"], "routes": ["immediate-protection"]},
    ]


def test_a_strategy_discussion_has_all_of_a_referral_and_its_own_parts():
    referral, strategy = profile.load("safeguarding-referral"), profile.load("strategy-s47")
    assert set(strategy.fields) - set(referral.fields) == {"strategy_meeting"}
    for name, node in referral.fields.items():
        inside = {key: value for key, value in strategy.fields[name].items() if key != "x-when"}
        assert inside == {key: value for key, value in node.items() if key != "x-when"}
    assert set(strategy.required) - set(referral.required) == {"household_adults"}
