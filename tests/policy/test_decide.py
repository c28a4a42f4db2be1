"""The engine: its steps in their order, what each refusal says, and that what it says works when it is followed."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from world.agencies import EXAMPLES, example
from world.policies import AGREED, ASSESSMENT, CONSENT, ENQUIRY, FOOTING, GLASS, NOW, ORDER, terms, use

from sharekit import errors, registry
from sharekit.domain import profile, vocabulary
from sharekit.domain.terms import ShareTerms
from sharekit.policy.decide import Obligation, Verdict, decide, nothing_to_show
from sharekit.policy.local import parse
from sharekit.policy.use import Use, check_assessment
from sharekit.values import replace

INCOMPATIBLE, RELATED, UNANSWERED = "immigration.age-determination", "safeguarding.referral", "oversight.audit"
IMMEDIATE, URGENT = "safeguarding.immediate-protection", "health.direct-care.urgent"
FLAGGED, PROCEEDINGS = "safeguarding.status-flag", "justice.family-proceedings"


def told(packet: ShareTerms, asked: Use, **more) -> tuple[str, str]:
    verdict = decide(packet, asked, now=NOW, **more)
    return verdict.rule, verdict.code or verdict.outcome


def without(*options: str) -> dict[str, object]:
    return {name: value for name, value in FOOTING.items() if name not in options}


# what the guidance says, and people quote


def test_myth_what_one_organisation_collected_cannot_be_disclosed_to_another():
    """No: not unless the purpose is incompatible, which is hard to picture where a child is at risk."""
    at_risk = ["safeguarding.referral", "safeguarding.cin-assessment", "safeguarding.strategy", ENQUIRY, IMMEDIATE]
    collected = [FLAGGED, "safeguarding.attendance-alert", "safeguarding.early-help", "safeguarding.referral", ENQUIRY]
    for shared_for in collected:
        for purpose in at_risk:
            verdict = decide(terms(shared_for), use(purpose, **FOOTING), now=NOW)
            assert verdict.outcome != "deny", (shared_for, purpose)


def test_the_same_information_is_incompatible_with_a_purpose_that_has_nothing_to_do_with_the_child():
    for purpose in (term.code for term in vocabulary.load("purposes") if term.more.get("always_deny")):
        assert decide(terms(), use(purpose, **FOOTING), now=NOW).outcome == "deny"


def test_myth_data_protection_law_is_a_barrier():
    """No refusal says that a law forbids sharing: each names its rule, and a way on."""
    for step in registry.document("engine")["steps"].values():
        for said in step["answers"].values():
            words = f"{said['message']} {said['hint']}"
            assert not re.search(r"(law|GDPR|Act|protection) (forbids|prohibits|prevents|does not allow)", words)
            assert said["hint"] or said["outcome"].startswith("allow")


def test_myth_consent_is_needed_to_use_what_was_shared():
    """No: a related purpose opens on the public task, whatever the family was asked."""
    assert told(terms(), use(RELATED, **FOOTING)) == ("R18.9", "allow-with-record")


def test_compatible_purposes_alone_make_nothing_lawful():
    """UK GDPR Article 5(3): Annex 2 makes the purposes compatible, and a basis of one's own is needed besides."""
    verdict = decide(terms(), use(RELATED, annex2="safeguarding-vulnerable"), now=NOW)
    assert (verdict.outcome, verdict.code) == ("refer", "refer-to-sender")
    assert "--basis CODE" in verdict.hint
    assert "--assessment" not in verdict.hint


def test_it_may_only_be_used_for_the_purpose_for_which_it_has_been_shared():
    """The warning that goes with a disclosure about a sex offender: to keep children safe, and for nothing else."""
    packet = terms("safeguarding.public-protection-disclosure")
    refused = {
        purpose: decide(packet, use(purpose, **FOOTING), now=NOW).outcome
        for purpose in ("safeguarding.early-help", "education.support", "crime.prevention", "other.media")
    }
    assert set(refused.values()) == {"deny"}


def test_information_is_shared_only_with_those_who_need_to_have_it():
    asked = use(RELATED, org_type="voluntary", **FOOTING)
    assert told(terms(), asked) == ("R18.3", "not-need-to-know")


def test_section_115_reaches_relevant_authorities_for_crime_and_nobody_else():
    packet, section = terms("safeguarding.referral"), FOOTING | {"gateway": "cda98-s115"}
    assert told(packet, use("crime.investigation", org_type="police", **section))[1] == "allow-with-record"
    for purpose, org_type in ((ENQUIRY, "police"), ("crime.investigation", "school")):
        verdict = decide(packet, use(purpose, org_type=org_type, **section), now=NOW)
        assert "another --gateway CODE" in verdict.hint


# the steps, and that the first which answers wins

PROHIBITED, HEADING = ("R18.1", "purpose-prohibited"), ("R18.1", "purpose-incompatible")
COURT, SENDER = ("R18.2", "court-permission-needed"), ("R18.10", "refer-to-sender")
FPR, ENFORCEMENT = {"restriction": "fpr12"}, "immigration.enforcement"
ALL_AT_ONCE = {
    "an unknown purpose": ({}, "safeguarding.gossip", ("R18.1", "unknown-code")),
    "a heading": ({}, "safeguarding", HEADING),
    "a heading of what is never opened": ({}, "other", HEADING),
    "prohibited by the sender": ({"prohibited_purposes": [RELATED]}, RELATED, PROHIBITED),
    "prohibited with everything below": ({"prohibited_purposes": ["crime"]}, "crime.mappa", PROHIBITED),
    "prohibited, though it was shared for it": ({"prohibited_purposes": [ENQUIRY]}, ENQUIRY, PROHIBITED),
    "prohibited, though it is an emergency": ({"prohibited_purposes": [IMMEDIATE]}, IMMEDIATE, PROHIBITED),
    "always denied": ({}, "other.media", PROHIBITED),
    "always denied, whatever is permitted": ({"permitted_purposes": [ENFORCEMENT]}, ENFORCEMENT, PROHIBITED),
    "restricted by a court, and incompatible": (FPR, INCOMPATIBLE, COURT),
    "restricted by a court, and always denied": (FPR, "other.media", PROHIBITED),
    "restricted by a court, and the same purpose": (FPR, ENQUIRY, ("R18.4", "allow")),
    "permitted, though incompatible": ({"permitted_purposes": [INCOMPATIBLE]}, INCOMPATIBLE, ("R18.4", "allow")),
    "incompatible, and on consent": ({"lawful_basis": CONSENT}, INCOMPATIBLE, ("R18.5", "purpose-incompatible")),
    "the same work, though on consent": ({"lawful_basis": CONSENT}, "safeguarding.strategy", ("R18.6", "allow")),
    "related, and on consent": ({"lawful_basis": CONSENT}, RELATED, ("R18.8", "refer-to-sender")),
    "for the sender to say, and on consent": ({"lawful_basis": CONSENT}, "education.support", SENDER),
    "related": ({}, RELATED, ("R18.9", "refer-to-sender")),
    "in no cell": ({}, UNANSWERED, SENDER),
}


@pytest.mark.parametrize(("changes", "purpose", "answer"), ALL_AT_ONCE.values(), ids=ALL_AT_ONCE)
def test_the_first_step_that_answers_wins(changes, purpose, answer):
    assert told(terms(**changes), use(purpose)) == answer


@pytest.mark.parametrize("purpose", [ENQUIRY, "safeguarding.strategy", INCOMPATIBLE, RELATED, IMMEDIATE, UNANSWERED])
def test_whoever_is_not_a_recipient_opens_nothing_for_any_purpose(purpose):
    for footing in ({}, FOOTING, GLASS):
        for org_type in ("voluntary", "no-such-type", None):
            assert told(terms(), use(purpose, org_type=org_type, **footing)) == ("R18.3", "not-need-to-know")


def test_a_recipient_on_one_route_only_is_none_on_the_others():
    sent = ShareTerms(example("safeguarding-referral")[1])
    police = use(sent.purpose, org_type="police")
    assert told(sent, police) == ("R18.3", "not-need-to-know")
    urgent = ShareTerms({**sent.json, "route": "immediate-protection"})
    assert told(urgent, police) == ("R18.4", "allow")


UNKNOWN_CODES = {
    "a basis": ({"basis": "art6-1-z"}, "--basis: sharekit vocab art6"),
    "a condition of Article 9": ({"art9": "art9-9"}, "--art9: sharekit vocab art9"),
    "a condition of Article 10": ({"art10": "art10-9"}, "--art10: sharekit vocab art10"),
    "a condition of Annex 2": ({"annex2": "gossip"}, "--annex2: sharekit vocab annex2-conditions"),
    "a gateway": ({"gateway": "ca89-s999"}, "--gateway: sharekit vocab gateways"),
    "nothing at all": ({"gateway": ""}, "--gateway: sharekit vocab gateways"),
    "a basis of the Act of 1998": ({"basis": "dpa98-sch2-5"}, "use the public task, art6-1-e"),
    "a condition of the Act of 1998": ({"art9": "dpa98-sch3-1"}, "the Data Protection Act 1998 was repealed"),
}


@pytest.mark.parametrize(("wrong", "hint"), UNKNOWN_CODES.values(), ids=UNKNOWN_CODES)
def test_an_unknown_code_opens_nothing_even_for_the_purpose_it_was_shared_for(wrong, hint):
    verdict = decide(terms(), use(ENQUIRY, **wrong), now=NOW)
    assert (verdict.outcome, verdict.code) == ("deny", "unknown-code")
    assert hint in verdict.hint


def test_broader_purposes_are_never_implied_and_narrower_ones_only_if_the_sender_said_so():
    permits = {"permitted_purposes": ["health.direct-care"]}
    assert told(terms(**permits), use("health.direct-care.planned")) == ("R18.10", "refer-to-sender")
    narrower = terms(**permits, include_narrower=True)
    assert told(narrower, use("health.direct-care.planned")) == ("R18.4", "allow")
    assert told(narrower, use("health.direct-care")) == ("R18.1", "purpose-incompatible")
    assert told(narrower, use("health.statutory-assessment")) == ("R18.10", "refer-to-sender")


def test_an_unknown_purpose_is_narrower_than_none():
    assert told(terms(include_narrower=True), use("safeguarding.gossip")) == ("R18.1", "unknown-code")


def test_what_the_sender_prohibits_is_not_among_the_narrower_purposes():
    packet = terms(permitted_purposes=["crime"], prohibited_purposes=["crime.mappa"], include_narrower=True)
    assert told(packet, use("crime.mappa")) == ("R18.1", "purpose-prohibited")
    assert told(packet, use("crime.prosecution")) == ("R18.4", "allow")


# what a court restricted

RESTRICTED = {
    "by the terms": {"restriction": "fpr12"},
    "by a handling condition": {"handling": ["no-onward-sharing", "court-restricted-fpr12"]},
    "by a condition with more to it": {"handling": [{"code": "court-restricted-fpr12"}]},
}


@pytest.mark.parametrize("restriction", RESTRICTED.values(), ids=RESTRICTED)
def test_what_a_court_restricted_waits_for_its_permission(restriction):
    packet = terms(**restriction)
    assert told(packet, use(RELATED, **FOOTING)) == ("R18.2", "court-permission-needed")
    assert told(packet, use(RELATED, **ORDER)) == ("R18.2", "allow-with-record")
    assert told(packet, use(ENQUIRY)) == ("R18.4", "allow")


HALF_AN_ORDER = {
    "without its number": {"reason": None},
    "with a blank number": {"reason": " \n"},
    "with another gateway": {"gateway": "ca89-s47"},
    "with a summons, which is no permission": {"gateway": "witness-summons"},
    "without a gateway": {"gateway": None},
    "without a basis of one's own": {"basis": None},
    "on a basis that is closed to a council": {"basis": "art6-1-ea"},
}


@pytest.mark.parametrize("change", HALF_AN_ORDER.values(), ids=HALF_AN_ORDER)
def test_half_an_order_is_no_permission(change):
    for packet in (terms(restriction="fpr12"), terms(PROCEEDINGS)):
        asked = use(ENQUIRY if packet.purpose == PROCEEDINGS else RELATED, **ORDER | change)
        assert told(packet, asked) == ("R18.2", "court-permission-needed")


def test_an_order_does_not_make_a_recipient_of_somebody_who_is_none():
    for org_type in ("voluntary", "no-such-type", None):
        asked = use(RELATED, org_type=org_type, **ORDER)
        assert told(terms(restriction="fpr12"), asked) == ("R18.3", "not-need-to-know")


def test_an_order_outweighs_a_referral_to_the_sender_and_consent_but_no_denial():
    packet = terms(restriction="fpr12", lawful_basis=CONSENT)
    for purpose in (RELATED, UNANSWERED, "safeguarding.strategy", URGENT):
        assert told(packet, use(purpose, **ORDER)) == ("R18.2", "allow-with-record")
    assert told(packet, use(INCOMPATIBLE, **ORDER)) == ("R18.5", "purpose-incompatible")
    assert told(packet, use("other.media", **ORDER)) == ("R18.1", "purpose-prohibited")


def test_a_childs_emergency_does_not_wait_for_a_court():
    """Break-glass is always open: what a court restricted shows the few fields, to a name and with a reason."""
    for packet in (terms(restriction="fpr12"), terms("safeguarding.referral", restriction="fpr12")):
        for purpose in (IMMEDIATE, URGENT):
            assert told(packet, use(purpose, **GLASS)) == ("R18.7", "allow-logged")
            assert told(packet, use(purpose)) == ("R18.2", "court-permission-needed")
    assert told(terms(restriction="fpr12"), use(RELATED, **GLASS)) == ("R18.2", "court-permission-needed")


# an emergency


@pytest.mark.parametrize("missing", ["by", "reason"])
@pytest.mark.parametrize("blank", [None, "", "  \t"], ids=["absent", "empty", "blank"])
def test_the_glass_breaks_only_for_a_name_and_a_reason(missing, blank):
    verdict = decide(terms("safeguarding.referral"), use(IMMEDIATE, **GLASS | {missing: blank}), now=NOW)
    assert (verdict.rule, verdict.code) == ("R18.7", "refer-to-sender")
    assert verdict.hint == {"by": "add --as NAME", "reason": "add --reason TEXT"}[missing]


def test_the_glass_breaks_for_no_other_purpose():
    for purpose, answer in ((RELATED, ("R18.9", "refer-to-sender")), (UNANSWERED, ("R18.10", "refer-to-sender"))):
        assert told(terms(), use(purpose, **GLASS)) == answer


def test_an_emergency_shows_the_few_fields_also_where_a_record_would_show_more():
    packet = terms("safeguarding.early-help")
    assert told(packet, use(URGENT, **FOOTING | GLASS)) == ("R18.7", "allow-logged")
    assert told(packet, use(URGENT, **FOOTING)) == ("R18.9", "allow-with-record")


# what was collected on consent

REACHES = {
    "consent obtained afresh": ("safeguarding.referral", {"basis": "art6-1-a"}),
    "an Annex 2 condition, and why asking is unreasonable": (
        "safeguarding.referral", {"annex2": "safeguarding-vulnerable", "reason": "The mother cannot be found"},
    ),
    "the same, beside a gateway that is no law": (
        "safeguarding.referral",
        {"annex2": "safeguarding-vulnerable", "reason": "The mother cannot be found", "gateway": "fpr-12-73-1a"},
    ),
    "a law's objective, and why asking is unreasonable": ("safeguarding.referral", {"reason": "It would warn him"}),
}  # fmt: skip
DOES_NOT_REACH = {
    "another basis": {},
    "an Annex 2 condition alone": {"annex2": "safeguarding-vulnerable"},
    "an Annex 2 condition with a blank reason": {"annex2": "safeguarding-vulnerable", "reason": "  "},
    "a reason beside what is no law": {"gateway": "fpr-12-73-1a", "reason": "It would warn him"},
    "a reason alone": {"gateway": None, "reason": "It would warn him"},
}


@pytest.mark.parametrize(("purpose", "more"), REACHES.values(), ids=REACHES)
def test_what_was_collected_on_consent_takes_the_narrower_route(purpose, more):
    packet = terms("safeguarding.early-help", lawful_basis=CONSENT)
    assert told(packet, use(purpose, **FOOTING | more)) == ("R18.9", "allow-with-record")


@pytest.mark.parametrize("more", DOES_NOT_REACH.values(), ids=DOES_NOT_REACH)
def test_consent_does_not_reach_further_than_it_was_given_for(more):
    packet = terms("safeguarding.early-help", lawful_basis=CONSENT)
    assert told(packet, use(RELATED, **FOOTING | more)) == ("R18.8", "refer-to-sender")


def test_a_law_reaches_beyond_consent_only_for_an_objective_that_it_safeguards():
    looser = parse(b'cells = [{from = "safeguarding.early-help", to = "oversight.complaint", cell = "record"}]')
    packet = terms("safeguarding.early-help", lawful_basis=CONSENT)
    asked = use("oversight.complaint", **FOOTING, reason="It would warn him")
    assert told(packet, asked, policy=looser) == ("R18.8", "refer-to-sender")


def test_showing_that_the_law_was_kept_needs_no_fresh_consent():
    looser = parse(b'cells = [{from = "safeguarding.early-help", to = "oversight.audit", cell = "record"}]')
    packet = terms("safeguarding.early-help", lawful_basis=CONSENT)
    assert told(packet, use("oversight.audit", **FOOTING), policy=looser) == ("R18.9", "allow-with-record")


# the record of a related purpose


@pytest.mark.parametrize("missing", FOOTING)
def test_a_record_with_one_part_missing_refers_and_names_it_alone(missing):
    packet = terms(lawful_basis={"art6": "art6-1-e", "art9": ["art9-2-g+sch1-p18"], "art10": ["art10-sch1-p18"]})
    verdict = decide(packet, use(RELATED, **without(missing)), now=NOW)
    assert (verdict.rule, verdict.code) == ("R18.9", "refer-to-sender")
    named = re.findall(r"--(\w+) (?:CODE|FILE)", verdict.hint.partition("; or ask")[0])
    assert named == ([missing, "annex2"] if missing == "assessment" else [missing])


def test_a_condition_for_sensitive_data_is_asked_for_where_the_sender_named_one():
    plain = {"art6": "art6-1-e", "art9": [], "art10": []}
    assert told(terms(lawful_basis=plain), use(RELATED, **without("art9", "art10")))[1] == "allow-with-record"


UNSAID = {"absent": None, "empty": "", "blank": " \n", "not applicable": "N/A", "no text": 7, "later": "TBC."}


@pytest.mark.parametrize("text", UNSAID.values(), ids=UNSAID)
@pytest.mark.parametrize("part", ASSESSMENT)
def test_an_assessment_that_leaves_out_a_factor_is_none(part, text):
    assessment = {**ASSESSMENT, part: text}
    verdict = decide(terms(), use(RELATED, **FOOTING | {"assessment": assessment}), now=NOW)
    assert verdict.code == "refer-to-sender"
    assert f"--assessment FILE that says {part} (" in verdict.hint


def test_the_factors_are_those_of_article_8a():
    assert registry.document("assessment")["required"] == list(ASSESSMENT)


BAD_ASSESSMENTS = {
    "no object": ([], errors.Malformed),
    "text": ("because", errors.Malformed),
    "empty": ({}, errors.FieldMissing),
    "a factor missing": ({name: text for name, text in ASSESSMENT.items() if name != "link"}, errors.FieldMissing),
    "one too many": (ASSESSMENT | {"approved": "yes"}, errors.NotMinimal),
    "a blank": (ASSESSMENT | {"link": "  "}, errors.FieldInvalid),
    "a placeholder": (ASSESSMENT | {"safeguards": "None."}, errors.FieldInvalid),
    "no text": (ASSESSMENT | {"safeguards": ["locked"]}, errors.FieldInvalid),
    "null": (ASSESSMENT | {"safeguards": None}, errors.FieldInvalid),
    "a control character": (ASSESSMENT | {"link": "a\x00b"}, errors.FieldInvalid),
    "half a surrogate pair": (ASSESSMENT | {"link": "a\ud800"}, errors.FieldInvalid),
    "far too long": (ASSESSMENT | {"link": "a" * 2001}, errors.FieldInvalid),
}


@pytest.mark.parametrize(("value", "error"), BAD_ASSESSMENTS.values(), ids=BAD_ASSESSMENTS)
def test_a_bad_assessment_is_refused_by_the_name_of_its_part(value, error):
    with pytest.raises(error) as refused:
        check_assessment(value)
    assert "locked" not in f"{refused.value} {refused.value.hint}"


def test_a_whole_assessment_is_taken():
    check_assessment(ASSESSMENT)


AGREEMENTS = {
    "given": (AGREED, True),
    "given with conditions": ([{"kind": "share-agreement", "status": "given-with-conditions"}], True),
    "given as consent": ([{"kind": "gdpr-consent", "status": "given"}], True),
    "given until today": ([{"kind": "share-agreement", "status": "given", "expires_at": "2026-11-27"}], True),
    "given until later today": (
        [{"kind": "share-agreement", "status": "given", "expires_at": "2026-11-27T12:00:00Z"}], True,
    ),
    "over since yesterday": ([{"kind": "share-agreement", "status": "given", "expires_at": "2026-11-26"}], False),
    "over since this morning": (
        [{"kind": "share-agreement", "status": "given", "expires_at": "2026-11-27T08:59:59Z"}], False,
    ),
    "to a service only": ([{"kind": "service-agreement", "status": "given"}], False),
    "refused": ([{"kind": "share-agreement", "status": "refused"}], False),
    "withdrawn": ([{"kind": "share-agreement", "status": "withdrawn"}], False),
    "not sought": ([{"kind": "share-agreement", "status": "not-sought"}], False),
    "given by one, refused by the other": ([*AGREED, {"kind": "share-agreement", "status": "refused"}], False),
    "nothing said": (None, False),
    "not whole": ([{"status": "given"}], False),
}  # fmt: skip


@pytest.mark.parametrize(("agreement", "agreed"), AGREEMENTS.values(), ids=AGREEMENTS)
def test_early_help_after_a_referral_rests_on_agreement(agreement, agreed):
    verdict = decide(
        terms("safeguarding.referral", agreement=agreement), use("safeguarding.early-help", **FOOTING), now=NOW
    )
    assert (verdict.outcome, verdict.rule) == ("allow-with-record" if agreed else "refer", "R18.9")


# the recipient's own footing

STANDS_NOT = {
    "recognised legitimate interests, for a council": ("local-authority-csc", {"basis": "art6-1-ea"}, "basis"),
    "legitimate interests, for a hospital": ("nhs-acute", {"basis": "art6-1-f"}, "basis"),
    "a request under Annex 2, for a council": ("local-authority-csc", {"annex2": "public-task-request"}, "annex2"),
    "Part 3, for a school": ("school", {"basis": "dpa18-s35"}, "basis"),
    "a condition of Schedule 8, for a hospital": ("nhs-acute", {"art9": "sch8-4"}, "art9"),
    "a legal obligation without a duty": ("school", {"basis": "art6-1-c", "gateway": "dea17-s35"}, "gateway"),
    "Operation Encompass, for a hospital": ("nhs-acute", {"gateway": "daa21-s49a"}, "gateway"),
    "a duty to tell the police, for a school": ("school", {"gateway": "fgma03-s5b"}, "gateway"),
    "the Welsh duty, in England": ("local-authority-csc", {"gateway": "sswa14-s130"}, "gateway"),
    "depersonalised data, about a child": ("local-authority-csc", {"gateway": "cda98-s17a"}, "gateway"),
    "research, for a referral": ("local-authority-csc", {"art9": "art9-2-j"}, "art9"),
}  # fmt: skip


@pytest.mark.parametrize(("org_type", "changes", "option"), STANDS_NOT.values(), ids=STANDS_NOT)
def test_a_footing_that_does_not_stand_refers_and_says_which_part(org_type, changes, option):
    packet = terms(jurisdiction="england")
    verdict = decide(packet, use(RELATED, org_type=org_type, **FOOTING | changes), now=NOW)
    assert (verdict.rule, verdict.code) == ("R18.9", "refer-to-sender")
    assert re.findall(r"another --(\w+) CODE", verdict.hint) == [option]


STANDS = {
    "recognised legitimate interests, for a body that may be no public authority": ("school", {"basis": "art6-1-ea"}),
    "Part 3, for the police": ("police", {"basis": "dpa18-s35", "art9": "sch8-4"}),
    "a legal obligation with its duty": ("local-authority-csc", {"basis": "art6-1-c"}),
    "a duty that obliges others to tell one": ("local-authority-csc", {"gateway": "ca89-s46"}),
    "the school's own duty": ("school", {"gateway": "ea02-s157"}),
    "the duty of the police to tell schools": ("police", {"gateway": "daa21-s49a"}),
    "a request under Annex 2, for a school": ("school", {"annex2": "public-task-request"}),
}


@pytest.mark.parametrize(("org_type", "changes"), STANDS.values(), ids=STANDS)
def test_a_footing_that_stands_opens(org_type, changes):
    assert told(terms(), use(RELATED, org_type=org_type, **FOOTING | changes))[1] == "allow-with-record"


TO_LOOK_AT = {
    "a law whose commencement nobody verified": ({"gateway": "ca04-s16la"}, NOW, "not verified"),
    "a law that is not in force yet": ({"gateway": "cpa26-mandatory-report"}, NOW, "not verified"),
    "a general duty": ({"gateway": "ca04-s11"}, NOW, "specific power"),
    "a condition of Annex 2 before it was law": (
        {"annex2": "safeguarding-vulnerable"}, datetime(2026, 2, 4, tzinfo=UTC), "not in force today",
    ),
    "a basis that a school may not have": ({"basis": "art6-1-ea", "org_type": "school"}, NOW, "make sure"),
    "a law that the police seldom rely on": ({"org_type": "police"}, NOW, "seldom"),
    "care that does not reach social care": ({"gateway": "hsca12-s251b"}, NOW, "alone"),
    "five times the same": ({"assessment": dict.fromkeys(ASSESSMENT, "considered")}, NOW, "all say the same"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "now", "words"), TO_LOOK_AT.values(), ids=TO_LOOK_AT)
def test_what_is_doubtful_opens_and_says_what_to_look_at_again(changes, now, words):
    verdict = decide(terms(), use(RELATED, **FOOTING | changes), now=now)
    assert verdict.outcome == "allow-with-record"
    assert words in verdict.hint


SOUND = {
    "the council's usual footing": ("local-authority-csc", without("art10")),
    "a law for everybody": ("local-authority-csc", without("art10") | {"gateway": "court-order"}),
    "a condition that became law": ("local-authority-csc", without("art10") | {"annex2": "safeguarding-vulnerable"}),
    "a condition for the police": ("police", without("art10") | {"art9": "sch8-4", "gateway": "ca89-s46"}),
}


@pytest.mark.parametrize(("org_type", "footing"), SOUND.values(), ids=SOUND)
def test_where_nothing_is_doubtful_nothing_is_said(org_type, footing):
    verdict = decide(terms(), use(RELATED, org_type=org_type, **footing), now=NOW)
    assert (verdict.outcome, verdict.hint) == ("allow-with-record", "")


IN_FORCE = {"the day before": (4, True), "the first day": (5, False)}


@pytest.mark.parametrize(("day", "doubtful"), IN_FORCE.values(), ids=IN_FORCE)
def test_a_law_is_in_force_from_its_first_day(day, doubtful):
    asked = use(RELATED, **FOOTING, annex2="safeguarding-vulnerable")
    verdict = decide(terms(), asked, now=datetime(2026, 2, day, 23, tzinfo=UTC))
    assert ("not in force" in verdict.hint) == doubtful


@pytest.mark.parametrize(("ends", "doubtful"), [("2026-11-26", True), ("2026-11-27", False)], ids=["over", "last day"])
def test_a_law_is_in_force_until_its_last_day(ends, doubtful, monkeypatch):
    gateways = vocabulary.load("gateways").terms
    monkeypatch.setitem(gateways, "ca89-s47", replace(gateways["ca89-s47"], valid_to=ends))
    assert ("not in force" in decide(terms(), use(RELATED, **FOOTING), now=NOW).hint) == doubtful


def test_an_order_reminds_of_the_conditions_that_it_does_not_replace():
    verdict = decide(terms(restriction="fpr12"), use(RELATED, **ORDER), now=NOW)
    assert "--art9: " in verdict.hint


# what an opening obliges to


def codes(verdict: Verdict) -> list[str]:
    return [each.code for each in verdict.obligations]


def test_an_opening_carries_the_conditions_it_was_sent_under():
    packet = terms(handling=["no-onward-sharing", {"code": "do-not-inform", "person": "the father"}])
    verdict = decide(packet, use(ENQUIRY), now=NOW)
    assert codes(verdict) == ["do-not-inform", "no-onward-sharing"]
    assert "father" not in f"{verdict.obligations}"


def test_after_a_record_the_sender_is_told_and_after_an_emergency_it_is_reviewed_too():
    packet = terms("safeguarding.referral", handling=[])
    assert codes(decide(packet, use(ENQUIRY, **FOOTING), now=NOW)) == ["tell-sender"]
    assert codes(decide(packet, use(IMMEDIATE, **GLASS), now=NOW)) == ["tell-sender", "review"]


def test_a_refusal_obliges_to_nothing():
    assert decide(terms(), use(INCOMPATIBLE), now=NOW).obligations == ()


def test_an_obligation_says_what_to_do():
    broken = decide(terms("safeguarding.referral"), use(IMMEDIATE, **GLASS), now=NOW)
    for verdict in (broken, decide(terms(), use(ENQUIRY), now=NOW)):
        assert verdict.obligations
        for each in verdict.obligations:
            assert isinstance(each, Obligation)
            assert each.text.endswith(".")


# every answer, and what becomes of whoever follows its hint

LOCAL = parse(
    b'prohibited_purposes = ["crime.mappa"]\nrecipients = [{profile = "information-reply", org_types = ["police"]}]\n'
)
REFERRAL = terms("safeguarding.referral")
ON_CONSENT = terms("safeguarding.early-help", lawful_basis=CONSENT)
RESTRICTED_REPLY = terms(restriction="fpr12")

# (rule, answer): what is asked, and what the hint says to do about it: other options, or whom to turn to
FOLLOWED = {
    ("R18.1", "unknown"): (terms(), use("safeguarding.gossip"), {"purpose": ENQUIRY}),
    ("R18.1", "heading"): (terms(), use("safeguarding"), {"purpose": ENQUIRY}),
    ("R18.1", "prohibited"): (terms(), use("other.media"), "telephone the sender"),
    ("R18.1", "local"): (terms(), use("crime.mappa"), "telephone the sender"),
    ("R18.2", "permission"): (RESTRICTED_REPLY, use(RELATED), ORDER),
    ("R18.2", "permission-and-sender"): (RESTRICTED_REPLY, use(INCOMPATIBLE), "ask the sender"),
    ("R18.3", "outside"): (terms(), use(ENQUIRY, org_type="voluntary"), "tell the sender"),
    ("R18.3", "local"): (terms(), use(ENQUIRY), "tell the sender"),
    ("R18.5", "incompatible"): (terms(), use(INCOMPATIBLE), "ask the sender"),
    ("R18.7", "unnamed"): (REFERRAL, use(IMMEDIATE, break_glass=True), {"by": "A nurse", "reason": "She is hurt"}),
    ("R18.7", "unasserted"): (REFERRAL, use(IMMEDIATE), GLASS),
    ("R18.8", "consent"): (ON_CONSENT, use(RELATED, **FOOTING), {"basis": "art6-1-a"}),
    ("R18.9", "unrecorded"): (terms(), use(RELATED), without("art10")),
    ("R18.9", "unagreed"): (REFERRAL, use("safeguarding.early-help", **FOOTING), "ask the sender"),
    ("R18.10", "refer"): (terms(), use(UNANSWERED), "telephone the sender"),
    ("R18.10", "nothing"): (terms(), use(ENQUIRY), "telephone the sender"),
}
LOCALLY = {("R18.1", "local"), ("R18.3", "local")}


def answered(rule: str, name: str) -> Verdict:
    packet, asked, _ = FOLLOWED[rule, name]
    verdict = decide(packet, asked, now=NOW, policy=LOCAL if (rule, name) in LOCALLY else None)
    return nothing_to_show(verdict) if name == "nothing" else verdict


def test_every_answer_that_does_not_open_is_followed_here():
    steps = registry.document("engine")["steps"]
    assert set(FOLLOWED) == {
        (rule, name)
        for rule, step in steps.items()
        for name, said in step["answers"].items()
        if not said["outcome"].startswith("allow")
    }


@pytest.mark.parametrize(("rule", "name"), FOLLOWED, ids=" ".join)
def test_an_answer_says_what_its_step_says_and_nothing_personal(rule, name):
    verdict, step = answered(rule, name), registry.document("engine")["steps"][rule]
    said = step["answers"][name]
    assert (verdict.rule, verdict.outcome, verdict.code) == (rule, said["outcome"], said["code"])
    assert (verdict.message, verdict.source) == (said["message"], step["source"])
    with pytest.raises(errors.PurposeRefused) as refused:
        verdict.require()
    assert refused.value.code == said["code"]
    assert FOLLOWED[rule, name][1].purpose not in str(refused.value)


@pytest.mark.parametrize(("rule", "name"), FOLLOWED, ids=" ".join)
def test_whoever_follows_the_hint_opens_it_or_speaks_to_the_sender(rule, name):
    packet, asked, way = FOLLOWED[rule, name]
    hint = answered(rule, name).hint
    if isinstance(way, str):
        assert way in hint
        return
    assert decide(packet, replace(asked, **way), now=NOW).allowed
    options = {"by": "as", "break_glass": "break-glass"}
    assert all(f"--{options.get(name, name)}" in hint for name in way if name != "purpose")


WAYS_BEYOND_CONSENT = {
    "the Annex 2 condition": {"annex2": "safeguarding-vulnerable", "reason": "She cannot be found"},
    "the law that authorises it": {"gateway": "ca89-s47", "reason": "She cannot be found"},
}


@pytest.mark.parametrize("way", WAYS_BEYOND_CONSENT.values(), ids=WAYS_BEYOND_CONSENT)
def test_each_way_that_the_consent_hint_names_opens_it(way):
    asked = use(RELATED, **without("gateway"))
    hint = decide(ON_CONSENT, asked, now=NOW).hint
    assert all(f"--{option}" in hint for option in way)
    owed = decide(ON_CONSENT, replace(asked, **way), now=NOW)
    assert (owed.rule, owed.allowed) == ("R18.9", True) if "gateway" in way else ("R18.9", False)
    assert decide(ON_CONSENT, replace(asked, **{"gateway": "ca89-s47"} | way), now=NOW).allowed


@pytest.mark.parametrize(("org_type", "changes", "option"), STANDS_NOT.values(), ids=STANDS_NOT)
def test_another_code_for_the_part_that_does_not_stand_opens_it(org_type, changes, option):
    asked = use(RELATED, org_type=org_type, **FOOTING | changes)
    better = {option: FOOTING.get(option, "safeguarding-vulnerable")}
    assert decide(terms(jurisdiction="england"), replace(asked, **better), now=NOW).allowed


def test_a_hint_adds_up_until_the_packet_opens():
    """Somebody who knows nothing adds, one after the other, what the hint asks for first."""
    values, asked = dict(FOOTING), use(RELATED)
    for _ in range(6):
        verdict = decide(terms(), asked, now=NOW)
        if verdict.allowed:
            break
        option = re.search(r"--(\w+)", verdict.hint)
        assert option
        asked = replace(asked, **{option[1]: values.pop(option[1])})
    assert verdict.outcome == "allow-with-record"
    assert values == {"art10": "art10-sch1-p18"}


EMERGENCY = re.compile(r"in an emergency: --purpose (\S+) --break-glass --as NAME --reason TEXT$")


WORKED = sorted(path.name.removesuffix(".terms.json") for path in EXAMPLES.glob("*.terms.json"))


@pytest.mark.parametrize("name", WORKED)
def test_a_refusal_names_the_way_in_an_emergency_exactly_where_there_is_one(name):
    """For every worked example, recipient and purpose: what the hint promises opens, and no way is kept back."""
    packet, kind = ShareTerms(example(name)[1]), profile.load(name)
    receivers = sorted({org_type for group in kind.about["recipients"] for org_type in group["org_types"]})
    for org_type in [*receivers, "auditor"]:
        for purpose in (term.code for term in vocabulary.load("purposes")):
            verdict = decide(packet, use(purpose, org_type=org_type), now=NOW)
            promised = EMERGENCY.search(verdict.hint)
            if promised:
                broken = decide(packet, use(promised[1], org_type=org_type, **GLASS), now=NOW)
                assert broken.allowed
                assert kind.has_break_glass or broken.outcome == "allow"
            elif not verdict.allowed and verdict.rule not in ("R18.7", "R18.3") and kind.has_break_glass:
                assert verdict.code == "unknown-code" or not kind.receives(org_type, route=packet.route)


def test_where_the_sender_closed_the_emergency_no_hint_promises_it():
    packet = terms(prohibited_purposes=[IMMEDIATE, URGENT], profile="strategy-s47")
    verdict = decide(packet, use("other.media"), now=NOW)
    assert "emergency" not in verdict.hint


def test_a_hint_about_a_code_or_an_emergency_speaks_of_nothing_else():
    packet = terms("safeguarding.referral", profile="strategy-s47")
    for asked in (use("safeguarding.gossip"), use(RELATED, basis="art6-1-z"), use(IMMEDIATE)):
        assert not EMERGENCY.search(decide(packet, asked, now=NOW).hint)
    assert EMERGENCY.search(decide(packet, use("education.support"), now=NOW).hint)


# the verdict itself


def test_an_opening_is_not_raised_and_a_refusal_is():
    assert decide(terms(), use(ENQUIRY), now=NOW).require() is None
    with pytest.raises(errors.PurposeRefused):
        decide(terms(), use(INCOMPATIBLE), now=NOW).require()


def test_a_verdict_is_about_these_terms_and_this_use_and_shows_neither():
    packet, asked = terms(), use(RELATED, **FOOTING, reason="Robin XXTEST-Marlow was seen")
    verdict = decide(packet, asked, now=NOW)
    assert (verdict.terms, verdict.use, verdict.now) == (packet, asked, NOW)
    assert not re.search("XXTEST|referral|injury", repr(verdict))
    assert "XXTEST" not in repr(asked)


def test_deciding_changes_nothing_and_reads_no_clock():
    packet, asked = terms(), use(RELATED, **FOOTING)
    before = dict(packet.json)
    assert decide(packet, asked, now=NOW) == decide(packet, asked, now=NOW)
    assert packet.json == before


def test_the_public_names_decide_too():
    import sharekit

    verdict = sharekit.decide(terms(), sharekit.Use(purpose=ENQUIRY, org_type="police"), now=NOW)
    assert (verdict.outcome, verdict.rule, verdict.code) == ("allow", "R18.4", None)
    assert sharekit.Use is Use
