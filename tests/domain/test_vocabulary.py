"""The vocabularies and the matrix as data: every term whole, every reference kept, every number where it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import pytest

from sharekit import errors, registry
from sharekit.domain import vocabulary
from sharekit.domain.vocabulary import Term
from sharekit.errors import ShareError, UnknownCode

STATUSES = {"in-force", "check", "prospective", "superseded", "proposal", "local"}

# Every vocabulary in the order of its numbers. The ledger stores numbers: new codes go to the end of a list,
# none is moved, taken away or used again.
CODES = {
    "purposes": """
        safeguarding safeguarding.status-flag safeguarding.attendance-alert safeguarding.advice
        safeguarding.early-help safeguarding.referral safeguarding.cin-assessment safeguarding.strategy
        safeguarding.s47-enquiry safeguarding.conference safeguarding.immediate-protection
        safeguarding.looked-after safeguarding.missing safeguarding.exploitation
        safeguarding.position-of-trust safeguarding.public-protection-disclosure
        safeguarding.learning-review health health.direct-care health.direct-care.urgent
        health.direct-care.planned health.statutory-assessment education education.support
        education.transfer education.missing-education crime crime.prevention crime.investigation
        crime.prosecution crime.mappa justice justice.family-proceedings justice.linked-directions
        justice.criminal-disclosure-cpia immigration immigration.age-determination immigration.enforcement
        oversight oversight.audit oversight.inspection oversight.complaint oversight.subject-access analysis
        analysis.statistics analysis.research other other.employment other.commercial
        other.predictive-profiling other.media
    """,
    "art6": """
        art6-1-a art6-1-b art6-1-c art6-1-d art6-1-e art6-1-ea art6-1-f dpa18-s35 dpa98-sch2-1 dpa98-sch2-2
        dpa98-sch2-3 dpa98-sch2-4 dpa98-sch2-5 dpa98-sch2-6
    """,
    "art9": """
        art9-2-a art9-2-b art9-2-c art9-2-f art9-2-g+sch1-p6 art9-2-g+sch1-p7 art9-2-g+sch1-p10
        art9-2-g+sch1-p18 art9-2-g+sch1-p19 art9-2-h+sch1-p2 art9-2-i+sch1-p3 art9-2-j sch8-1 sch8-2 sch8-3
        sch8-4 sch8-5 sch8-6 dpa98-sch3-1 dpa98-sch3-3 dpa98-sch3-6 dpa98-sch3-7 dpa98-sch3-8
    """,
    "art10": """
        art10-official-authority art10-sch1-p18 art10-sch1-p6 art10-sch1-p10 art10-sch1-p33 art10-sch1-p29
    """,
    "annex1-conditions": "public-task-request security emergency crime safeguarding-vulnerable",
    "annex2-conditions": """
        public-task-request archiving public-security emergency crime vital-interests
        safeguarding-vulnerable taxation legal-obligation
    """,
    "p18-reasons": """
        consent-cannot-be-given consent-not-reasonably-obtainable consent-would-prejudice-protection
    """,
    "gateways": """
        ca89-s17 ca89-s27 ca89-s46 ca89-s47 ca89-s37 ca04-s10 ca04-s11 ca04-s16h ca04-s16la ca04-s16lb
        ca04-s16m-q cda98-s115 cda98-s17a cja03-s325 cja03-s327a daa21-s49a pcsca22-svd msa15-s52 fgma03-s5b
        cpa26-mandatory-report ctsa15-s38 ea96-s436a ea02-s175 ea02-s157 epi-regs-2005 cfa14-s23 naba22-s50
        fpr-12-73-1a fpr-12-73-1b fpr-12-75-pd12g cpia96 court-order witness-summons hsca12-s251b dea17-s35
        common-law-policing sswa14-s130 cpsg21 ni-co-operating
    """,
    "agreement-kinds": "share-agreement service-agreement gdpr-consent",
    "agreement-status": """
        given given-with-conditions refused withdrawn not-sought sought-awaiting unable-to-give expired
        not-applicable-court-or-duty
    """,
    "agreement-reasons": """
        delay-risks-harm parent-reaction-risk evidence-loss immediate-danger prejudice-investigation
        fabricated-or-induced-illness sexual-abuse-in-household honour-based-or-forced-marriage
        domestic-abuse-risk trafficking-exploitation whereabouts-unknown cannot-be-contacted lacks-capacity
        already-told-and-expects statutory-duty court-order de-identified
        power-imbalance-consent-not-freely-given public-interest-serious-crime harm-to-others
    """,
    "informing-status": """
        informed-before informed-at-same-time informed-after deferred not-informed-unsafe
        not-informed-police-request not-informed-court-direction unable-to-contact child-only-informed
        one-parent-only privacy-notice-only
    """,
    "confidentiality": """
        consent-explicit consent-implied-direct-care statute-requires court-order
        public-interest-child-significant-harm public-interest-serious-harm-adult
        public-interest-serious-crime best-interests-lacks-capacity s251-support no-duty-owed
    """,
    "decisions": """
        share-full-profile share-partial share-deidentified share-verbally-recorded signpost-only
        existence-only not-shared deferred-pending-advice refer-to-court break-glass retrospective-record
    """,
    "receipt-events": "delivered verified opened refused witnessed",
    "refusal-reasons": """
        no-lawful-basis-identified purpose-unclear purpose-incompatible not-necessary excessive-request
        requester-identity-unverified requester-no-safeguarding-role not-held held-elsewhere
        early-help-agreement-refused more-detrimental-to-child increases-risk-to-person
        prejudice-investigation legal-privilege court-restriction pii-public-interest-immunity
        third-party-data-inseparable informant-protection source-organisation-controls
        inaccurate-or-unverified duplicate undertaking-refused gdpr-says-no no-consent
        assumed-known-elsewhere collected-for-something-else
    """,
    "handling": """
        no-onward-sharing onward-with-originator-consent onward-within-child-protection-only
        verify-before-use do-not-inform-subject do-not-inform protected-address protect-informant
        view-only-no-copy-to-record record-on-file-restricted discuss-before-acting act-by acknowledge-by
        destroy-after return-after-hearing court-restricted-fpr12 police-sensitive-unused
        intelligence-graded legal-privilege combine-restricted no-automated-processing correct-on-notice
        adoption-identity-unlinkable
    """,
    "markings": "OFFICIAL OFFICIAL-SENSITIVE OFFICIAL-SENSITIVE-PERSONAL",
    "restrictions": "fpr12 cpia-undertaking destroy-after-proceedings",
    "advice-roles": """
        line-manager designated-safeguarding-lead named-professional designated-doctor-nurse
        caldicott-guardian data-protection-officer siro information-governance legal-services lado
        csc-consultation-line police-dsu-public-protection virtual-school-head iro-or-cp-chair
        duty-social-worker-edt court-or-judge union-or-regulator
    """,
    "statement-kinds": """
        fact-observed-directly fact-from-record child-said-verbatim child-said-paraphrase third-party-report
        allegation-unproven admission professional-opinion professional-hypothesis intelligence
        court-finding conviction caution no-further-action-outcome absence-of-information historical
    """,
    "answer-status": "answered partly not-held withheld refer-to",
    "allegation-outcomes": """
        unknown under-enquiry substantiated unsubstantiated unfounded false malicious no-further-action
        charged convicted acquitted
    """,
    "relationships": """
        index-child sibling half-sibling unborn mother father parent-with-pr parent-without-pr step-parent
        carer-foster carer-kinship household-adult alleged-perpetrator alleged-victim-child witness
        informant professional person-best-placed-to-protect other-child-third-party
    """,
    "org-types": """
        local-authority-csc local-authority-education local-authority-early-help nhs-acute
        nhs-community-mental-health nhs-ambulance-111 gp icb police cps probation youth-justice school
        early-years college cafcass family-court criminal-court home-office naab voluntary housing
        prison-secure-estate ofsted-cqc lscp-business-unit auditor
    """,
    "abuse-categories": "NEG PHY SAB EMO MUL",
    "harm-likelihood": "suffering likely",
    "severity": "minor moderate serious life-threatening not-known",
    "plan-types": "cpp ucpp lac",
    "delete-reasons": "entered-in-error wrong-child",
    "care-settings": "unscheduled scheduled ED MIU 111 ambulance maternity OOH clinic",
    "urgency": "immediate same-day 24h routine",
    "routes": "early-intervention safeguarding immediate-protection",
    "identifiers": "nhs upn local chi hc uprn gss la-code ods urn crime-ref pnc cro family-court-case",
    "nhs-number-status": "01 02 03 04 05 06 07 08",
    "sex": "female male indeterminate not-known",
    "capacity": "gillick-competent not-competent adult lacks-capacity-MCA",
    "retention-rules": """
        lac-case-record adoption-order adoption-not-made-lac cp-conference cin lado-substantiated
        lado-unsubstantiated lado-malicious-or-unfounded school-cp-file nhs-child-record police-mopi
        cpis-flag-copy sharekit-ledger legal-hold
    """,
    "jurisdictions": "england wales scotland northern-ireland",
    "hra-aims": """
        health-or-morals crime-prevention rights-of-others public-safety national-security
        economic-wellbeing
    """,
    "modes": """
        share request reply receipt correction withdrawal recall purpose-extension-request
        purpose-extension-grant undertaking release hold agreement directory checkpoint key-revocation
    """,
    "dispute-stages": "1 2 3 4",
    "action-kinds": """
        decision-review decision-discussion disagreement informing-review owed-record emergency-share-review
        emergency-opening-review act-by acknowledge-by agreement-expiry court-order-check
    """,
    "acts": "collection alteration consultation disclosure combination erasure",
    "ledger-events": """
        genesis sealed received verified decided opened refused receipt-in receipt-out trusted revoked
        consulted exported destroyed corrected combined withdrawn recalled decision-recorded advice-sought
        reviewed policy-changed witnessed closed delivered actioned not-delivered expired viewed alerted
        requested replied granted undertaken agreement-signed discussed escalated action-closed
        audited edition clock-confirmed rolled-back reinstated keys-changed card-renewed
    """,
    "outcomes": """
        done allow allow-with-record allow-logged refer deny malformed bad-signature unknown-sender revoked
        expired not-yet-valid replayed not-for-you cannot-decrypt purpose-prohibited purpose-incompatible
        refer-to-sender court-permission-needed not-need-to-know gate-not-met unknown-code field-not-allowed
        field-missing field-invalid identity-mismatch undertaking-needed recalled ledger-tampered
        ledger-unwritable visibility-ended not-trusted output-unwritable wrong-passphrase usage unexpected held released
        nobody-found rolled-back locked
    """,
}
LISTS = {name: codes.split() for name, codes in CODES.items()}
NAMES = list(LISTS)


def terms(*names: str) -> Iterator[tuple[str, Term]]:
    """Every term, with the name of its vocabulary."""
    return ((name, term) for name in names or NAMES for term in vocabulary.load(name))


def where(name: str, **more: object) -> set[str]:
    """The codes whose extra keys have these values."""
    return {t.code for t in vocabulary.load(name) if all(t.more.get(key) == value for key, value in more.items())}


def having(name: str, key: str) -> set[str]:
    return {term.code for term in vocabulary.load(name) if key in term.more}


# every vocabulary


def test_the_vocabularies_are_those_listed_here():
    assert sorted(vocabulary.names()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_codes_keep_their_numbers(name):
    found = sorted(registry.document("vocabulary", name)["terms"], key=lambda term: term["number"])
    listed = [(number, code) for number, code in enumerate(LISTS[name], 1) if code != "-"]  # a number not given yet
    assert [(term["number"], term["code"]) for term in found] == listed


@pytest.mark.parametrize("name", NAMES)
def test_a_vocabulary_says_what_it_is_and_what_its_extra_keys_mean(name):
    document = registry.document("vocabulary", name)
    assert list(document) == ["title", "description", "terms"]
    assert document["title"]
    assert document["description"].endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_every_term_is_whole(name):
    for _, term in terms(name):
        assert re.fullmatch(r"[A-Za-z0-9]+([.+-][A-Za-z0-9]+)*", term.code)
        assert 0 < term.number < 2**16
        assert re.search(r"[^.]$", term.label)
        assert re.fullmatch(r".{12,}\.", term.definition)
        assert term.source.strip()
        assert term.status in STATUSES
        for day in filter(None, (term.valid_from, term.valid_to)):
            assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day)


def test_a_source_that_nobody_verified_is_marked_so_and_nothing_else_is():
    for name, term in terms():
        unverified = "not verified" in term.source
        assert (term.status in ("check", "prospective")) == unverified, (name, term.code)


def test_what_has_been_superseded_has_an_end_and_nothing_else_does():
    assert {term.code for _, term in terms() if term.valid_to} == {
        term.code for _, term in terms() if term.status == "superseded"
    }


def test_sources_are_written_for_a_reader_outside_this_project():
    for _, term in terms():
        assert not re.search(r"\[(V|S|G)[0-9]*b?\]|domain\.md|design\.md", f"{term.source} {term.definition}")


@pytest.mark.parametrize("name", NAMES)
def test_broader_codes_exist_and_end_at_a_root(name):
    found = vocabulary.load(name)
    for term in found:
        above = list(islice(found.ancestors(term.code), 5))
        assert len(above) < 5


def test_what_is_kept_to_be_turned_down_has_an_answer_that_names_a_way_on():
    rejected = [term for _, term in terms() if term.more.get("rejected")]
    assert {term.code for term in rejected} == {
        *(code for code in LISTS["art6"] + LISTS["art9"] if code.startswith("dpa98-")),
        "gdpr-says-no",
        "no-consent",
        "assumed-known-elsewhere",
        "collected-for-something-else",
    }
    for term in rejected:
        answer = term.more["answer"]
        assert re.search(r"\b(use|share|ask|record)\b", answer)
        assert re.fullmatch(r"[a-z].*[^.]", answer)
        assert not re.search(r"(law|GDPR|protection) (forbids|prohibits|prevents|does not allow)", answer)


def test_only_what_is_turned_down_has_an_answer():
    assert all(term.more.get("rejected") is True for _, term in terms() if "answer" in term.more)


# the loader


UNKNOWN = {"a name": "XXTEST-Marlow", "a number": "9990001006", "nothing": "", "no text": None, "a list": ["given"]}


@pytest.mark.parametrize("typed", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_code_is_refused_and_not_repeated(typed):
    with pytest.raises(UnknownCode) as refused:
        vocabulary.load("agreement-status")[typed]
    told = f"{refused.value} {refused.value.hint}"
    assert "agreement-status" in told
    assert not re.search("XXTEST|999|given", told)
    assert refused.value.__suppress_context__


def test_an_unknown_vocabulary_is_refused_and_not_repeated():
    with pytest.raises(UnknownCode) as refused:
        vocabulary.load("XXTEST-Marlow")
    assert "XXTEST" not in f"{refused.value} {refused.value.hint}"
    assert "purposes" in refused.value.hint


def test_a_number_that_no_code_has_is_refused():
    with pytest.raises(UnknownCode):
        vocabulary.load("purposes").by_number(len(LISTS["purposes"]) + 1)


def test_a_number_finds_its_code():
    for name in NAMES:
        found = vocabulary.load(name)
        assert [found.by_number(term.number) for term in found] == list(found)


@pytest.mark.parametrize("name", NAMES)
def test_codes_and_numbers_are_found_from_each_other(name):
    codes = [code for code in LISTS[name] if code != "-"]
    assert vocabulary.codes(name, vocabulary.numbers(name, codes)) == codes
    assert [vocabulary.code(name, vocabulary.number(name, code)) for code in codes] == codes


def test_what_somebody_typed_has_no_number_and_no_extra_keys():
    assert vocabulary.number("purposes", "XXTEST-Marlow") is None
    assert vocabulary.numbers("purposes", ["safeguarding", "XXTEST-Marlow", "health"]) == (1, 18)
    for typed in ("XXTEST-Marlow", None, 7, ["given"]):
        assert vocabulary.more("agreement-status", typed) == {}


def test_of_nothing_there_is_no_code_and_no_number():
    assert (vocabulary.code("purposes", None), vocabulary.codes("purposes", None)) == (None, [])
    assert (vocabulary.number("purposes", None), vocabulary.numbers("purposes", ())) == (None, ())


@pytest.mark.parametrize("find", [vocabulary.code, lambda name, number: vocabulary.codes(name, [number])])
def test_a_number_of_a_newer_edition_is_refused(find):
    with pytest.raises(UnknownCode):
        find("purposes", len(LISTS["purposes"]) + 1)


# purposes


def test_a_purpose_stands_below_the_heading_that_its_code_begins_with():
    for term in vocabulary.load("purposes"):
        assert term.broader == (term.code.rpartition(".")[0] or None)


def test_headings_are_not_usable_and_every_other_purpose_is():
    above = {term.broader for term in vocabulary.load("purposes") if term.broader}
    assert where("purposes", usable=False) == above


def test_what_is_always_denied_is_never_and_immigration_enforcement():
    never = {code for code in LISTS["purposes"] if code == "other" or code.startswith("other.")}
    assert where("purposes", always_deny=True) == never | {"immigration.enforcement"}
    assert where("purposes", local_policy=True) == {"immigration.enforcement"}


def test_two_purposes_open_in_an_emergency():
    emergencies = {"safeguarding.immediate-protection", "health.direct-care.urgent"}
    assert where("purposes", break_glass=True) == emergencies


# bases and conditions


def test_recognised_and_legitimate_interests_are_closed_to_public_authorities():
    assert where("art6", closed_to_public_authority=True) == {"art6-1-ea", "art6-1-f"}
    assert vocabulary.load("art6")["art6-1-ea"].more["needs"] == ["annex1_condition"]


def test_the_public_task_needs_a_gateway_and_a_legal_obligation_a_duty():
    assert where("art6", needs_gateway=True) == {"art6-1-e"}
    assert where("art6", needs_duty_gateway=True) == {"art6-1-c"}
    assert where("art6", urgency=["immediate"]) == {"art6-1-d"}


def test_the_safeguarding_conditions_need_one_of_the_three_reasons():
    assert where("art9", needs_p18_reason=True) == {"art9-2-g+sch1-p18", "sch8-4"}
    assert where("art10", needs_p18_reason=True) == {"art10-sch1-p18"}
    assert len(LISTS["p18-reasons"]) == 3


def test_conditions_of_substantial_public_interest_need_a_policy_document():
    public_interest = {code for code in LISTS["art9"] if code.startswith("art9-2-g+")}
    assert where("art9", needs_apd=True) == public_interest | {"art9-2-b"}
    assert where("art10", needs_apd=True) == {"art10-sch1-p18", "art10-sch1-p6", "art10-sch1-p10"}


def test_law_enforcement_conditions_are_for_competent_authorities():
    part3 = {code for code in LISTS["art9"] if code.startswith("sch8-")}
    assert where("art9", part3=True) == where("art9", needs_competent_authority=True) == part3
    assert where("art6", part3=True) == {"dpa18-s35"}
    assert "police" in where("org-types", competent_authority=True)


@pytest.mark.parametrize("name", ["art6", "art9"])
def test_a_code_of_the_act_of_1998_points_to_codes_of_today(name):
    found = vocabulary.load(name)
    for code in having(name, "maps_to"):
        assert found[code].status == "superseded"
        assert all(not found[today].more.get("rejected") for today in found[code].more["maps_to"])


# gateways


def test_every_gateway_says_of_what_kind_it_is_between_whom_and_what_to_record():
    kinds = {"duty", "duty-on-request", "power", "permission", "guidance"}
    types = vocabulary.load("org-types")
    for term in vocabulary.load("gateways"):
        assert term.more["type"] in kinds
        assert term.more["condition"]
        for key in ("who", "to", "from_org_types", "to_org_types", "warn_alone_to", "duty_to_inform"):
            named = term.more.get(key, "any")
            assert named == "any" or all(code in types for code in named), (term.code, key)


def test_a_gateway_needs_only_what_terms_can_say():
    said = registry.document("terms")["properties"]
    for term in vocabulary.load("gateways"):
        assert set(term.more.get("needs", ())) <= set(said), term.code


def test_the_general_duties_of_the_children_act_2004_are_no_gateway_alone():
    assert where("gateways", pair=True) == {"ca04-s10", "ca04-s11"}


def test_section_115_reaches_relevant_authorities_for_crime_only():
    section = vocabulary.load("gateways")["cda98-s115"]
    assert section.more["type"] == "power"
    assert section.more["purposes_under"] == "crime"
    assert {"police", "local-authority-csc", "probation", "nhs-acute"} <= set(section.more["to_org_types"])
    assert not {"school", "voluntary", "home-office"} & set(section.more["to_org_types"])


def test_section_17a_shares_nothing_that_identifies():
    assert where("gateways", depersonalised=True) == {"cda98-s17a"}


def test_what_is_not_yet_in_force_is_not_called_in_force():
    found = vocabulary.load("gateways")
    assert {code: found[code].status for code in ("ca04-s16la", "ca04-s16lb", "cpa26-mandatory-report")} == {
        "ca04-s16la": "check",
        "ca04-s16lb": "check",
        "cpa26-mandatory-report": "prospective",
    }


def test_a_devolved_gateway_names_its_jurisdiction():
    for code in having("gateways", "jurisdictions"):
        more = vocabulary.load("gateways")[code].more
        assert more["needs"] == ["jurisdiction"]
        assert set(more["jurisdictions"]) < set(LISTS["jurisdictions"])
    assert having("gateways", "jurisdictions") == {"sswa14-s130", "cpsg21", "ni-co-operating"}


# the rest


def test_two_statuses_mean_that_agreement_was_given():
    assert where("agreement-status", given=True) == {"given", "given-with-conditions"}


def test_a_decision_says_whether_anything_is_shared():
    none = {"signpost-only", "not-shared", "deferred-pending-advice", "refer-to-court"}
    assert where("decisions", shares=False) == none
    assert where("decisions", shares=True) == set(LISTS["decisions"]) - none


def test_whatever_leaves_out_a_part_is_discussed_with_whoever_asked():
    all_of_it = {"share-full-profile", "share-verbally-recorded", "break-glass", "retrospective-record"}
    assert where("decisions", discuss=True) == set(LISTS["decisions"]) - all_of_it


def test_a_myth_names_the_rule_that_contradicts_it():
    reasons = vocabulary.load("refusal-reasons")
    assert {code: reasons[code].more["rule"] for code in having("refusal-reasons", "rule")} == {
        "gdpr-says-no": "GR1",
        "no-consent": "R2",
        "assumed-known-elsewhere": "R20",
        "collected-for-something-else": "R18",
    }
    assert having("refusal-reasons", "rule") == where("refusal-reasons", rejected=True)


def test_an_open_action_says_where_it_comes_from_and_which_event_closes_it():
    events, conditions = set(LISTS["ledger-events"]), set(LISTS["handling"])
    parts = set(registry.document("terms")["properties"])
    for term in vocabulary.load("action-kinds"):
        assert {*term.more["begins"], term.more["closes"]} <= events
        assert term.more["about"] in ("packet", "decision")
        assert term.more["todo"]
        assert set(term.more.get("receipts", ())) <= set(LISTS["receipt-events"])
        for rule in term.more["due"]:
            assert rule.keys() <= {"path", "condition", "hours", "working_days", "if"}
            assert rule.get("condition", "act-by") in conditions
            if "sealed" in term.more["begins"] and "path" in rule:
                assert rule["path"].split(".")[0] in parts


def test_conditions_that_take_an_argument_name_it():
    assert {code: vocabulary.load("handling")[code].more["argument"] for code in having("handling", "argument")} == {
        "do-not-inform": "person",
        "act-by": "at",
        "acknowledge-by": "at",
        "destroy-after": "event",
        "intelligence-graded": "grade",
    }


def test_conditions_on_passing_it_on_are_ordered_by_strictness():
    onward = [vocabulary.load("handling")[code] for code in where("handling", group="onward")]
    strictest = max(onward, key=lambda term: term.more["strictness"])
    assert strictest.code == "no-onward-sharing"
    assert len({term.more["strictness"] for term in onward}) == len(onward) == 3


def test_informing_may_be_deferred_only_for_a_reason_and_to_a_date():
    assert vocabulary.load("informing-status")["deferred"].more["needs"] == ["review_on", "reason_not"]


def test_convictions_cautions_and_intelligence_are_criminal_offence_data():
    assert where("statement-kinds", flags=["X"]) == {"conviction", "caution", "intelligence"}


def test_an_organisation_says_whether_it_is_a_public_authority():
    for term in vocabulary.load("org-types"):
        assert term.more["public_authority"] in (True, False, "depends")
        assert type(term.more["children"]) is bool


IDENTIFIERS = {
    "nhs": ("9990001006", "999000100"),
    "upn": ("L999000100001", "l999000100001"),
    "uprn": ("10001234567", "1234567890123"),
    "gss": ("E10999001", "X10999001"),
    "la-code": ("991", "99"),
    "ods": ("ZZQ01", "zzq01"),
    "urn": ("999001", "99900"),
    "family-court-case": ("ZZ26C00042", "ZZ26/0042"),
}


@pytest.mark.parametrize("code", IDENTIFIERS)
def test_an_identifier_has_the_form_that_its_pattern_says(code):
    right, wrong = IDENTIFIERS[code]
    pattern = vocabulary.load("identifiers")[code].more["pattern"]
    assert re.fullmatch(pattern, right)
    assert not re.fullmatch(pattern, wrong)


def test_a_child_is_found_by_five_schemes():
    assert {term.more.get("scheme") for term in vocabulary.load("identifiers")} == {
        "nhs", "upn", "local", "chi", "hc", None,
    }  # fmt: skip


def test_retention_rules_say_whose_they_are_and_for_how_long():
    duration = re.compile(r"P[0-9]+[YM]")
    for term in vocabulary.load("retention-rules"):
        assert term.more["basis"] in ("statutory", "local", "professional", "proposal")
        assert term.more["trigger"]
        assert term.more["period"] is None or duration.fullmatch(term.more["period"])
        assert (term.status == "local") == (term.more["basis"] == "local")
    looked_after = vocabulary.load("retention-rules")["lac-case-record"].more
    assert looked_after["period"] == "P75Y"
    assert looked_after["alt_on_death"] == {"trigger": "death", "before_age": 18, "period": "P15Y"}


def test_an_event_of_the_ledger_is_one_of_the_six_acts_or_none():
    acts = {term.more["act"] for term in vocabulary.load("ledger-events")}
    assert acts == {*LISTS["acts"], None}


def kinds_of(error: type[ShareError]) -> Iterator[type[ShareError]]:
    yield error
    for kind in error.__subclasses__():
        yield from kinds_of(kind)


def test_every_error_and_every_verdict_is_an_outcome_that_the_ledger_can_name():
    codes = {kind.code for kind in kinds_of(errors.ShareError)}
    answers = [said for step in registry.document("engine")["steps"].values() for said in step["answers"].values()]
    codes |= {said["outcome"] for said in answers} | {said["code"] for said in answers if said["code"]}
    assert codes <= set(LISTS["outcomes"])


def test_the_codes_that_the_engine_reads_are_codes():
    engine = registry.document("engine")
    assert set(engine["court"]["orders"]) <= set(LISTS["gateways"])
    assert set(engine["court"]["handling"]) <= set(LISTS["handling"])
    assert set(engine["court"]["restrictions"]) <= set(LISTS["restrictions"])
    assert set(engine["consent_bases"]) <= set(LISTS["art6"])


# the compatibility matrix, as the table says it: = allow, r record, a record with agreement, ? refer, - deny,
# l allow-logged, c court

COLUMNS = [
    ["safeguarding.status-flag"],
    ["safeguarding.early-help"],
    ["safeguarding.referral"],
    ["safeguarding.cin-assessment"],
    ["safeguarding.strategy", "safeguarding.s47-enquiry"],
    ["safeguarding.immediate-protection"],
    ["health.direct-care.urgent"],
    ["education.support"],
    ["crime.prevention"],
    ["crime.investigation"],
    ["justice.family-proceedings"],
    ["immigration.age-determination"],
    ["immigration.enforcement"],
]
ROWS = {
    "safeguarding.status-flag": "= ? r ? r l = - - ? ? - -",
    "safeguarding.attendance-alert": "r ? r r r l r - - ? ? - -",
    "safeguarding.early-help": "- = r ? r l r r - ? ? - -",
    "safeguarding.referral": "- a = r r l r ? ? r ? - -",
    "safeguarding.strategy safeguarding.s47-enquiry": "- ? r r = = = ? ? r r - -",
    "police-notification": "- ? r r r = r r r = r - -",
    "justice.family-proceedings family-criminal-disclosure-response": "- - - ? c l l - c c = - -",
    "immigration.age-determination": "- ? r r r l r r - ? ? = -",
    "safeguarding.public-protection-disclosure": "- - r - r l - - - r ? - -",
}
SIGNS = {
    "=": "allow",
    "r": "record",
    "a": "record-with-agreement",
    "?": "refer",
    "-": "deny",
    "l": "allow-logged",
    "c": "court",
}


def test_the_matrix_has_every_cell_of_the_table_and_no_other():
    rows = registry.document("compatibility")["rows"]
    found = {" ".join([*row["from_purposes"], *row.get("from_profiles", ())]): row["cells"] for row in rows}
    assert len(rows) == len(found)
    assert found == {
        start: {
            purpose: SIGNS[sign] for signs in [line.split()] for sign, column in zip(signs, COLUMNS, strict=True)
            for purpose in column
        }
        for start, line in ROWS.items()
    }  # fmt: skip


def test_the_matrix_names_only_purposes_that_can_be_opened_for():
    purposes = vocabulary.load("purposes")
    for row in registry.document("compatibility")["rows"]:
        for code in [*row["from_purposes"], *row["cells"]]:
            assert purposes[code].more.get("usable") is not False


def test_the_matrix_says_that_it_is_a_proposal():
    matrix = registry.document("compatibility")
    assert matrix["status"] == "proposal, not for live use without local information-governance approval"
    assert "proposal" in matrix["source"]
