"""The terms of a share: what a sender must say, what is refused and by which name, and what travels."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import jsonschema_rs
import pytest
from world.agencies import EXAMPLES, FLAG, REFERRAL, example

from sharekit import ShareTerms, errors, registry
from sharekit.domain import vocabulary
from sharekit.domain.canonical import resolved
from sharekit.domain.validation import Validator

PARTS = sorted(path.name.removesuffix(".terms.json") for path in EXAMPLES.glob("*.terms.json"))
MANDATORY = [
    "profile",
    "purpose",
    "purpose_detail",
    "prohibited_purposes",
    "route",
    "lawful_basis",
    "gateways",
    "agreement",
    "informing",
    "decision",
    "data_as_at",
    "urgency",
    "handling",
    "retention",
    "safety",
]
PACKET = "c81e728d9d4c4f636f067f89cc14862c"


def referral(**changes: Any) -> dict[str, Any]:
    """The terms of the worked referral with parts of them replaced; None takes a part away."""
    _, found = example("safeguarding-referral")
    return {name: value for name, value in {**found, **changes}.items() if value is not None}


def refusal(given: Any) -> errors.ShareError:
    with pytest.raises(errors.ShareError) as refused:
        ShareTerms.parse(given)
    return refused.value


@pytest.mark.parametrize("name", PARTS)
def test_the_terms_of_every_example_are_read_as_they_stand(name):
    _, found = example(name)
    assert ShareTerms.parse(found).json == found


def test_what_must_be_said_is_listed_here():
    assert registry.document("terms")["required"] == MANDATORY


@pytest.mark.parametrize("name", ["cp-is-flag", "safeguarding-referral"])
@pytest.mark.parametrize("part", MANDATORY)
def test_a_part_that_is_absent_is_named(name, part):
    _, found = example(name)
    del found[part]
    refused = refusal(found)
    assert refused.code == "field-missing"
    assert f'"{part}"' in refused.message


INSIDE = {
    "threshold": ["document", "level", "rationale"],
    "lawful_basis": ["art6", "art9", "art10"],
    "confidentiality": ["justification"],
    "informing": ["status"],
    "decision": ["outcome", "by", "role", "at", "reasons"],
    "hra": ["engaged"],
    "retention": ["rule"],
    "safety": ["protected_address", "must_not_learn"],
}


@pytest.mark.parametrize(("part", "name"), [(part, name) for part, names in INSIDE.items() for name in names])
def test_a_part_of_a_part_that_is_absent_is_named_by_its_path(part, name):
    found = referral()
    del found[part][name]
    refused = refusal(found)
    assert refused.code == "field-missing"
    assert f'"{part}.{name}"' in refused.message


AGREEMENT = {"kind": "share-agreement", "status": "given"}
BAD = {
    "a part nobody declared": ({"consent": True}, "field-not-allowed", "consent"),
    "a filled part": ({"sender": {"org_id": "A1"}}, "field-not-allowed", "sender"),
    "what was left out": ({"left_out": []}, "field-not-allowed", "left_out"),
    "a word for a basis": (
        {"lawful_basis": {"art6": "consent", "art9": [], "art10": []}},
        "unknown-code",
        "lawful_basis.art6",
    ),
    "a basis of the wrong list": (
        {"lawful_basis": {"art6": "art6-1-e", "art9": ["art10-sch1-p18"], "art10": []}},
        "unknown-code",
        "lawful_basis.art9.0",
    ),
    "a list for a code": ({"purpose": ["safeguarding.referral"]}, "field-invalid", "purpose"),
    "a code for a list": ({"gateways": "ca04-s16la"}, "field-invalid", "gateways"),
    "a code twice": ({"gateways": ["ca04-s16la", "ca04-s16la"]}, "field-invalid", "gateways"),
    "a blank sentence": ({"purpose_detail": " \n "}, "field-invalid", "purpose_detail"),
    "an empty sentence": ({"purpose_detail": ""}, "field-invalid", "purpose_detail"),
    "a sentence without end": ({"purpose_detail": "x" * 2001}, "field-invalid", "purpose_detail"),
    "a terminal's escape": ({"necessity": "see\u001b[31m"}, "field-invalid", "necessity"),
    "half a surrogate pair": ({"necessity": "\ud800"}, "field-invalid", None),
    "a profile nobody knows": ({"profile": "gossip"}, "unknown-code", "profile"),
    "a route nobody knows": ({"route": "back-door"}, "unknown-code", "route"),
    "an urgency nobody knows": ({"urgency": "asap"}, "unknown-code", "urgency"),
    "a retention rule nobody knows": ({"retention": {"rule": "for-ever"}}, "unknown-code", "retention.rule"),
    "a restriction nobody knows": ({"restriction": "secret"}, "unknown-code", "restriction"),
    "a jurisdiction nobody knows": ({"jurisdiction": "france"}, "unknown-code", "jurisdiction"),
    "a method nobody knows": ({"agreement": [{**AGREEMENT, "method": "nod"}]}, "unknown-code", "agreement.0.method"),
    "a reason nobody knows": (
        {"agreement": [{**AGREEMENT, "reason": ["busy"]}]},
        "unknown-code",
        "agreement.0.reason.0",
    ),
    "consent in one word": ({"agreement": "yes"}, "field-invalid", "agreement"),
    "an override without a known reason": (
        {"override": {"reason_code": "because"}},
        "unknown-code",
        "override.reason_code",
    ),
    "no days": ({"valid_days": 0}, "field-invalid", "valid_days"),
    "more days than a year has": ({"valid_days": 367}, "field-invalid", "valid_days"),
    "half a day": ({"valid_days": 0.5}, "field-invalid", "valid_days"),
    "a day for a time": ({"act_by": "2026-11-26"}, "field-invalid", "act_by"),
    "a time in the hour that the clocks show twice": ({"act_by": "2026-10-25T01:30:00"}, "field-invalid", "act_by"),
    "a time that no clock shows": ({"act_by": "2026-11-26T25:20:00Z"}, "field-invalid", "act_by"),
    "a leap second": ({"act_by": "2026-12-31T23:59:60Z"}, "field-invalid", "act_by"),
    "a day that is in no calendar": ({"data_as_at": "2026-02-30"}, "field-invalid", "data_as_at"),
    "a year long ago": ({"data_as_at": "0026-11-26"}, "field-invalid", "data_as_at"),
    "a packet's number that is none": ({"in_reply_to": "REF-1"}, "field-invalid", "in_reply_to"),
    "a correction of nothing": (
        {"corrects": {"packet": PACKET, "reason": "Typing error"}},
        "field-missing",
        "corrects.field",
    ),
    "an emergency nobody answers for": ({"break_glass": {"reason": "Night"}}, "field-missing", "break_glass.by"),
    "a person who must not learn nothing": (
        {"safety": {"protected_address": False, "must_not_learn": [{"person": "x"}]}},
        "field-missing",
        "safety.must_not_learn.0.facts",
    ),
    "advice from nobody": (
        {"advice": [{"at": "2026-11-26", "identity_disclosed": False}]},
        "field-missing",
        "advice.0.role",
    ),
    "a need for a name": ({"need": {"Wren XXTEST-Ashby": "x"}}, "field-invalid", "need"),
    "a need without a sentence": ({"need": {"child.upn": " "}}, "field-invalid", "need.child.upn"),
    "a condition in no form": ({"handling": [7]}, "field-invalid", "handling.0"),
    "a condition of no kind": ({"handling": [{"person": "mother"}]}, "field-missing", "handling.0.code"),
    "a condition with a part nobody declared": (
        {"handling": [{"code": "act-by", "when": "soon"}]},
        "field-not-allowed",
        "handling.0.when",
    ),
    "to act by no time": ({"handling": ["act-by"]}, "field-missing", "handling.0.at"),
    "to destroy after nothing": ({"handling": [{"code": "destroy-after"}]}, "field-missing", "handling.0.event"),
    "intelligence of no grade": ({"handling": ["intelligence-graded"]}, "field-missing", "handling.0.grade"),
}


@pytest.mark.parametrize(("change", "code", "path"), BAD.values(), ids=BAD)
def test_a_bad_part_is_refused_by_its_path_and_never_its_value(change, code, path):
    refused = refusal(referral(**change))
    assert refused.code == code, refused.message
    assert path is None or f'"{path}"' in refused.message
    assert refused.hint
    assert "XXTEST" not in refused.message + refused.hint


@pytest.mark.parametrize("given", [None, [], "terms", 7], ids=repr)
def test_what_is_no_object_is_malformed(given):
    assert refusal(given).code == "malformed"


def test_a_purpose_that_is_only_a_heading_is_none_to_share_for():
    headings = [term.code for term in vocabulary.load("purposes") if term.more.get("usable") is False]
    assert "health.direct-care" in headings
    assert {refusal(referral(purpose=code)).code for code in headings} == {"unknown-code"}


def test_a_basis_of_the_1998_act_is_answered_with_what_replaced_it():
    basis = {"art6": "dpa98-sch2-5", "art9": [], "art10": []}
    assert "art6-1-e" in refusal(referral(lawful_basis=basis)).hint


def test_a_long_list_of_codes_is_pointed_to_and_a_short_one_given():
    assert refusal(referral(purpose="x")).hint == "sharekit vocab purposes lists the codes"
    assert refusal(referral(route="x")).hint == "use one of: early-intervention, immediate-protection, safeguarding"
    assert refusal(referral(profile="x")).hint.startswith(("use one of:", "sharekit profiles"))


def test_terms_do_not_change_with_what_they_were_read_from():
    given = referral()
    read = ShareTerms.parse(given)
    given["decision"]["reasons"].append("Another")
    given["purpose"] = "other.media"
    assert read.json == referral()


def test_a_form_that_is_wrong_is_answered_with_the_right_one():
    assert "2026-11-27T09:05:00Z" in refusal(referral(act_by="tomorrow")).hint
    assert "14 March 2019" in refusal(referral(order_date="27/11/26")).hint


def test_a_depth_without_end_is_refused_by_a_typed_error():
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    assert refusal(referral(handling=deep)).code == "field-invalid"


# --- times ---

LATE = {
    "data_as_at": {"data_as_at": "2026-11-27"},
    "occurred_at": {"occurred_at": "2026-11-26T13:46:00Z"},
    "known_at": {"known_at": "2026-11-26T14:46:00+00:30"},
    "decision.at": {"decision": {**referral()["decision"], "at": "2026-11-26T13:45:01Z"}},
    "agreement.0.obtained_at": {"agreement": [{**AGREEMENT, "obtained_at": "2026-12-01"}]},
    "advice.0.at": {"advice": [{"role": "lado", "at": "2026-11-28", "identity_disclosed": False}]},
    "threshold.decided_at": {"threshold": {**referral()["threshold"], "decided_at": "2027-01-01"}},
    "order_date": {"order_date": "2027-01-20"},
    "began_at": {"began_at": "2026-11-26T14:00:00Z"},
}


@pytest.mark.parametrize(("path", "change"), LATE.items(), ids=LATE)
def test_what_must_have_happened_cannot_lie_in_the_future(path, change):
    read = ShareTerms.parse(referral(**change))
    with pytest.raises(errors.FieldInvalid) as refused:
        read.check_times(now=datetime.fromisoformat(REFERRAL))
    assert f'"{path}" lies in the future' in refused.value.message
    read.check_times(now=datetime.fromisoformat("2027-06-01T00:00:00Z"))


@pytest.mark.parametrize(("name", "at"), {"safeguarding-referral": REFERRAL, "cp-is-flag": FLAG}.items())
def test_deadlines_reviews_and_ends_may_lie_in_the_future(name, at):
    _, found = example(name)
    later = "2027-03-01T09:00:00Z"
    found |= {"act_by": later, "acknowledge_by": later, "expires_at": later}
    found["informing"] |= {"when": later, "review_on": "2027-03-01"}
    ShareTerms.parse(found).check_times(now=datetime.fromisoformat(at))


# --- what sealing adds, and what travels ---

SENDER = {"org_id": "E10999001", "org_type": "local-authority-csc", "callback_phone": "01632 960101"}
ADDED = {
    "profile_version": "1",
    "rulebook": "hmg-2024",
    "sender": SENDER,
    "recipients": [{"org_id": "ZZQ01", "org_type": "nhs-acute"}],
    "left_out": [{"field": "upload_id", "reason": "not permitted for the purpose"}],
}


def test_terms_travel_with_what_sealing_added():
    filled = ShareTerms.parse(referral()).filled(**ADDED)
    assert filled.json == {**referral(), **ADDED, "jurisdiction": "england"}
    assert ShareTerms.received(filled.json).json == filled.json


def test_a_jurisdiction_that_the_sender_gave_stands():
    filled = ShareTerms.parse(referral(jurisdiction="wales")).filled(**ADDED)
    assert filled.json["jurisdiction"] == "wales"


def test_the_words_that_sealing_looks_for_do_not_travel():
    hidden = {"person": "the father", "facts": ["the new address"], "tokens": ["ZZ99 3AB"]}
    read = ShareTerms.parse(referral(safety={"protected_address": True, "must_not_learn": [hidden]}))
    sent = read.filled(**ADDED).json
    assert sent["safety"]["must_not_learn"] == [{**hidden, "tokens": []}]
    assert read.json["safety"]["must_not_learn"] == [hidden]


RECEIVED = {
    **{f"no {part}": ({part: None}, "field-missing") for part in registry.document("terms")["required"]},
    **{f"no {part}": ({part: None}, "malformed") for part in registry.document("terms")["x-filled"]["required"]},
    "a sender without an organisation": ({"sender": {"name": "x"}}, "field-missing"),
    "a recipient without an organisation": ({"recipients": [{"org_type": "gp"}]}, "field-missing"),
    "a sender of no known type": ({"sender": {**SENDER, "org_type": "spy"}}, "unknown-code"),
    "a condition of no kind": ({"handling": [{"person": "x"}]}, "field-missing"),
    "a condition nobody knows": ({"handling": ["be-careful"]}, "unknown-code"),
    "a part nobody declared": ({"severity_score": 9}, "field-not-allowed"),
    "an organisation id that is none": ({"sender": {**SENDER, "org_id": "../x"}}, "field-invalid"),
}


@pytest.mark.parametrize(("change", "code"), RECEIVED.values(), ids=RECEIVED)
def test_terms_that_arrive_are_checked_in_what_they_say(change, code):
    sent = {**referral(), **ADDED, **change}
    with pytest.raises(errors.ShareError) as refused:
        ShareTerms.received({name: value for name, value in sent.items() if value is not None})
    assert refused.value.code == code


def test_terms_that_arrive_may_lack_what_was_owed_when_they_were_sealed():
    needed = registry.document("terms")["x-required-when-urgent"]
    sent = {**referral(), **ADDED, "urgency": "immediate", "route": "immediate-protection"}
    urgent = {part: sent[part] for part in [*needed, *ADDED]}
    assert "decision" in needed
    for decision in (sent["decision"], {}):
        assert set(ShareTerms.received(urgent | {"decision": decision}).missing) == set(MANDATORY) - set(needed)
    with pytest.raises(errors.FieldMissing):
        ShareTerms.received(urgent | {"urgency": "routine"})


# --- reading them ---


def test_terms_answer_what_the_engine_asks():
    read = ShareTerms.parse(referral())
    assert (read.profile, read.purpose, read.route) == (
        "safeguarding-referral",
        "safeguarding.referral",
        "safeguarding",
    )
    assert read.purposes == {"safeguarding.referral", "safeguarding.strategy", "safeguarding.s47-enquiry"}
    assert read.prohibited_purposes == {"immigration.enforcement"}
    assert read.handling_codes() == {"discuss-before-acting", "do-not-inform"}
    assert read.codes("lawful_basis", "art6") == ["art6-1-e"]
    assert read.codes("lawful_basis", "art10") == ["art10-sch1-p18"]
    assert read.codes("override", "reason_code") == []
    assert read.valid_days == 30
    assert ShareTerms.parse(referral(valid_days=None)).valid_days == 30


def test_narrower_purposes_are_meant_only_where_the_sender_says_so_and_nothing_prohibits_them():
    stated = {"purpose": "safeguarding.referral", "permitted_purposes": ["crime", "immigration"]}
    assert ShareTerms.parse(referral(**stated)).purposes == {"safeguarding.referral", "crime", "immigration"}
    narrower = ShareTerms.parse(referral(**stated, prohibited_purposes=["crime.mappa"], include_narrower=True)).purposes
    assert {"crime.investigation", "crime.prevention", "immigration.age-determination"} <= narrower
    assert narrower.isdisjoint({"crime.mappa", "immigration.enforcement", "safeguarding.strategy"})


def test_repr_shows_names_only():
    told = repr(ShareTerms.parse(referral()))
    assert "harm_basis" in told
    assert "Wren" not in told
    assert "safeguarding.referral" not in told


# --- the schemas as data ---

SCHEMAS = [("terms", None), ("parts", None), *(("profile", name) for name in registry.names("profile"))]


@pytest.mark.parametrize(("kind", "name"), SCHEMAS)
def test_a_schema_is_one_by_json_schemas_own_rules(kind, name):
    document = registry.document(kind, name)
    jsonschema_rs.meta.validate(document)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_shared_part_is_used():
    used = "".join(registry.text(f"{kind}-{name}.json" if name else f"{kind}.json") for kind, name in SCHEMAS)
    assert [name for name in registry.document("parts")["$defs"] if f'"parts.json#/$defs/{name}"' not in used] == []


def nodes() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every part of the terms, those that sealing adds included, with its path."""

    def walk(node: Any, path: str) -> Iterator[tuple[str, Any]]:
        node = resolved(schema, node)
        yield path, node
        for name, inner in node.get("properties", {}).items():
            yield from walk(inner, f"{path}.{name}")
        if "items" in node:
            yield from walk(node["items"], f"{path}[]")

    written = registry.document("terms")
    whole = written | {"properties": written["properties"] | written["x-filled"]["properties"]}
    schema = Validator(whole, what="terms").schema
    return walk(schema, "terms")


def test_every_part_has_a_title_and_says_what_it_is():
    for path, node in nodes():
        if not path.endswith("[]"):
            assert node.get("title"), path
            assert node.get("description", "").endswith("."), path


def test_every_object_is_closed_and_every_list_and_text_bounded():
    for path, node in nodes():
        kinds = node.get("type", [])
        if "properties" in node:
            assert node["additionalProperties"] is False, path
        if kinds == "array":
            assert node["maxItems"] <= 2000, path
        if kinds == "string":
            assert {"maxLength", "pattern", "format", "enum"} & set(node), path
        assert kinds or "enum" in node, path


def test_every_code_list_is_a_vocabulary_of_some_size():
    lists = {node["x-codes"] for _, node in nodes() if "x-codes" in node}
    assert lists - {"profiles"} <= set(vocabulary.names())
    assert len(lists) >= 20


def test_a_code_that_is_kept_to_be_turned_down_is_on_no_list():
    for path, node in nodes():
        if node.get("x-codes", "profiles") != "profiles":
            rejected = {term.code for term in vocabulary.load(node["x-codes"]) if term.more.get("rejected")}
            assert rejected.isdisjoint(node["enum"]), path


def test_what_gateways_and_bases_need_is_a_part_of_the_terms():
    known = {path.rsplit(".", 1)[-1].removesuffix("[]") for path, _ in nodes()}
    wanted = {
        need
        for name in (
            "gateways",
            "art6",
            "annex1-conditions",
            "agreement-status",
            "informing-status",
            "confidentiality",
            "routes",
        )
        for term in vocabulary.load(name)
        for need in term.more.get("needs", ())
    }
    assert wanted - known == set()
    assert len(wanted) >= 15
