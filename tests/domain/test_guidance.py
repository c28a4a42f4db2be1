"""What users will quote: each test has the name of a sentence of the guidance, and holds a rule to it.

The sentences are those of local procedures that quote Working Together (2018, 2023) and HM Government's advice on
information sharing (2015, 2018); the docstring says which, and which rule serves it.
"""

from __future__ import annotations

import re

import pytest
from world.gates import GONE
from world.shares import Share

from sharekit.domain import vocabulary
from sharekit.errors import FieldMissing, GateNotMet, Refused
from sharekit.policy import assess, golden_rules, rulebook

EARLY_HELP, REFERRAL, FLAG = "early-help-referral", "safeguarding-referral", "cp-is-flag"


def refused(share: Share) -> Refused:
    with pytest.raises((GateNotMet, FieldMissing)) as stopped:
        share.seal()
    return stopped.value


# early intervention, safeguarding (Working Together 2018 and 2023, in local procedures)


def test_where_the_child_is_not_at_risk_of_significant_harm_they_should_seek_the_consent_of_the_parent_or_carer():
    """Early Intervention; R1."""
    stopped = refused(Share(EARLY_HELP, {"terms.agreement.0.status": "not-sought"}))
    assert stopped.rule == "R1"
    assert "ask the family" in stopped.hint
    assert Share(EARLY_HELP).seal()


def test_this_will_ensure_that_the_family_are_more_engaged_with_any_services_provided():
    """Early Intervention; R1 asks for agreement to the service beside agreement to the share."""
    assert Share(EARLY_HELP, {"terms.agreement.1.status": "refused"}).gates() == {"R1"}


def test_fears_about_sharing_information_must_not_be_allowed_to_stand_in_the_way():
    """Safeguarding; R15: what cannot wait goes, and its record is owed."""
    bare = {f"terms.{part}": GONE for part in ("confidentiality", "hra", "threshold", "necessity", "informing")}
    share = Share(REFERRAL, {"terms.urgency": "immediate"}, bare)
    assert share.seal()
    assert {each.field for each in assess.owed(share.findings())} >= {
        "confidentiality",
        "hra",
        "threshold",
        "informing",
    }


def test_how_to_inform_the_family_is_not_the_same_as_seeking_consent():
    """Safeguarding; R4 asks about informing where R2 has been answered about agreement, and the other way round."""
    assert Share(REFERRAL, {"terms.informing.review_on": GONE}).gates() == {"R4"}
    assert Share(REFERRAL, {"terms.agreement.0.reason": []}).gates() == {"R2"}


def test_it_would_not_be_appropriate_to_inform_parents_when_the_child_would_be_placed_at_greater_risk_of_harm():
    """Safeguarding; R4: not telling is open, with its reason."""
    unsafe = {"status": "not-informed-unsafe"}
    assert refused(Share(REFERRAL, {"terms.informing": unsafe})).rule == "R4"
    assert Share(REFERRAL, {"terms.informing": unsafe | {"reason_not": "He has threatened the mother"}}).seal()


def test_you_may_still_share_if_in_your_judgment_there_is_sufficient_need_to_override_the_lack_of_consent():
    """Key points; R3: an override with its reason and a second person."""
    against = {"terms.agreement.0.status": "refused"}
    assert refused(Share(REFERRAL, against)).rule == "R3"
    override = {
        "reason_code": "harm-to-others",
        "public_interest": "Wren may be hurt again tonight",
        "decided_by": "Sky XXTEST-Dunn",
        "countersigned_by": "Ada XXTEST-Reeve",
    }
    assert Share(REFERRAL, against, {"terms.override": override}).seal()


def test_always_consider_the_safety_and_welfare_of_a_child_when_making_decisions_on_whether_to_share():
    """Key points; R7: the harm either way."""
    assert refused(Share(REFERRAL, {"terms.confidentiality.harm_if_not_shared": GONE})).rule == "R7"


def test_seek_advice_where_you_are_in_doubt_without_disclosing_the_identity_of_the_individual_where_possible():
    """Key points, and golden rule 3 of 2018; R6."""
    named = Share(REFERRAL, {"terms.advice.0.identity_disclosed": True})
    assert refused(named).rule == "R6"
    assert "advice-brief" in refused(named).hint


def test_ensure_the_information_is_accurate_and_up_to_date():
    """Key points; R12 notices data that are some weeks old."""
    old = Share(REFERRAL, {"terms.data_as_at": "2026-09-01"})
    assert ("R12", "advice") in {(each.rule, each.severity) for each in old.findings()}


def test_always_record_the_reasons_for_your_decision_whether_it_is_to_share_information_or_not():
    """Key points; R8: nothing is sealed on a decision not to share, and there is a place for that decision."""
    stopped = refused(Share(REFERRAL, {"terms.decision.outcome": "not-shared"}))
    assert stopped.rule == "R8"
    assert "sharekit decide" in stopped.hint


# common myths (Working Together 2018 and 2023)


def test_myth_data_protection_legislation_is_a_barrier_to_sharing_information():
    """No: it is a framework; golden rule 1."""
    stopped = refused(Share(REFERRAL, {"terms.decision.reasons.0": "gdpr-says-no"}))
    assert stopped.rule == "GR1"
    assert "framework" in stopped.hint


def test_myth_consent_is_needed_to_share_personal_information():
    """No: you do not need consent; R2, and no rule asks for it on the safeguarding route."""
    stopped = refused(Share(REFERRAL, {"terms.decision.reasons.0": "no-consent"}))
    assert stopped.rule == "R2"
    assert "consent is one lawful basis of several" in stopped.hint
    assert Share(REFERRAL).seal()


def test_myth_personal_information_collected_by_one_organisation_cannot_be_disclosed_to_another():
    """No, unless the purpose is incompatible; R18."""
    stopped = refused(Share(REFERRAL, {"terms.decision.reasons.0": "collected-for-something-else"}))
    assert stopped.rule == "R18"
    assert "unless its purpose is incompatible" in stopped.hint


def test_myth_the_common_law_duty_of_confidence_and_the_human_rights_act_prevent_the_sharing():
    """No: practitioners need to balance them against the effect of not sharing; R7 and F9 ask for the balance."""
    assert refused(Share(REFERRAL, {"terms.confidentiality": GONE})).rule == "R7"
    assert refused(Share(REFERRAL, {"terms.hra": GONE})).rule == "F9"
    assert Share(REFERRAL).seal()


def test_it_is_not_necessary_to_seek_consent_provided_that_there_is_a_lawful_basis():
    """Common myths; L6: consent is the wrong basis where nobody gave it, and the public task is there."""
    stopped = refused(Share(REFERRAL, {"terms.lawful_basis.art6": "art6-1-a"}))
    assert stopped.rule == "L6"
    assert "public task" in stopped.hint


# West Midlands safeguarding children procedures 1.1


REASONS = ["delay-risks-harm", "parent-reaction-risk", "evidence-loss"]


@pytest.mark.parametrize("reason", REASONS)
def test_consent_should_always_be_sought_unless_delay_the_parents_reactions_or_the_loss_of_evidential_material(reason):
    """1.1; R2: each of the three reasons carries the share, with the facts of the case."""
    assert Share(REFERRAL, {"terms.agreement.0.reason": [reason]}).seal()
    without_facts = Share(REFERRAL, {"terms.agreement.0.reason": [reason], "terms.agreement.0.facts": "Risk"})
    assert refused(without_facts).rule == "R2"


def test_no_professional_should_assume_that_someone_else_will_pass_on_information():
    """1.1; R20."""
    stopped = refused(Share(REFERRAL, {"terms.decision.reasons.0": "assumed-known-elsewhere"}))
    assert stopped.rule == "R20"
    assert "share what you know" in stopped.hint


def test_they_should_share_the_information_with_childrens_social_care_if_they_believe_they_are_suffering_harm():
    """1.1; R1: on the safeguarding route the belief and the threshold are recorded, and agreement is not asked for."""
    assert refused(Share(REFERRAL, {"terms.harm_basis": GONE})).rule == "R1"
    assert Share(REFERRAL).seal()


def test_where_possible_respect_the_wishes_of_those_who_do_not_consent():
    """Golden rule 4 of 2018; R3 asks what they wish, and stops nothing for it."""
    override = {
        "reason_code": "harm-to-others",
        "public_interest": "Wren may be hurt again tonight",
        "decided_by": "Sky XXTEST-Dunn",
        "countersigned_by": "Ada XXTEST-Reeve",
    }
    share = Share(REFERRAL, {"terms.agreement.0.status": "refused", "terms.override": override})
    assert ("R3", "override.wishes_recorded") in {(each.rule, each.field) for each in share.findings()}


def test_base_your_decisions_on_the_safety_and_well_being_of_the_individual_and_others_who_may_be_affected():
    """Golden rule 5 of 2018; R23: what somebody must not learn does not leave."""
    told = Share(REFERRAL, {"data.who_with": "With her aunt, at ZZ99 3AB"})
    hidden = {"terms.safety.must_not_learn": [{"person": "the friend", "facts": ["where"], "tokens": ["ZZ99 3AB"]}]}
    assert told.seal()
    assert refused(Share(REFERRAL, hidden, {"data.who_with": "With her aunt, at ZZ99 3AB"})).rule == "R23"


def test_ensure_that_the_information_you_share_is_necessary_for_the_purpose_for_which_you_are_sharing_it():
    """Golden rule 6 of 2018; R13."""
    assert refused(Share(REFERRAL, {"terms.necessity": GONE})).rule == "R13"


def test_is_shared_only_with_those_individuals_who_need_to_have_it():
    """Golden rule 6 of 2018; R14 notices a wide circle, LC keeps to those whom the family agreed to."""
    scope = {f"terms.agreement.{number}.scope": {"recipients": ["voluntary"]} for number in (0, 1)}
    assert refused(Share(EARLY_HELP, scope)).rule == "LC"


def test_keep_a_record_of_your_decision_what_you_have_shared_with_whom_and_for_what_purpose():
    """Golden rule 7 of 2018; `check` shows the field that evidences it."""
    share = Share(REFERRAL)
    found = golden_rules.judge(share.terms, share.data, share.findings(), book="hmg-2018")
    assert [(each.verdict, each.evidence) for each in found if each.rule.number == 7] == [("pass", "decision.reasons")]


# information sharing guidance for professionals, tea-break guide


def test_it_must_also_be_proportionate_to_the_need_and_level_of_risk():
    """Necessary and proportionate; R13."""
    assert refused(Share(REFERRAL, {"terms.proportionality": GONE})).rule == "R13"


def test_accurate_and_should_clearly_distinguish_between_fact_and_opinion():
    """Accurate; R10."""
    stopped = refused(Share(REFERRAL, {"data.statements.1.text": "Mum's friend is an abuser"}))
    assert stopped.rule == "R10"
    assert "allegation-unproven" in stopped.hint


def test_if_the_information_is_historical_then_this_should_be_explained():
    """Accurate; R11."""
    old = {"data.statements.1.observed_at": "2021-06-04"}
    assert refused(Share(REFERRAL, old)).rule == "R11"
    assert Share(REFERRAL, old, {"data.statements.1.historical_note": "The same arm and the same adult"}).seal()


def test_timeliness_is_key_in_emergency_situations_and_it_may_not_be_appropriate_to_seek_consent():
    """Timely; R15 and R2: in an emergency even the reason may follow."""
    share = Share(REFERRAL, {"terms.urgency": "immediate", "terms.agreement.0.reason": []})
    assert [each.rule for each in assess.owed(share.findings())] == ["R2"]
    assert share.seal()


def test_information_should_be_shared_in_an_appropriate_secure_way():
    """Secure; R16 notices a recipient whom nobody has confirmed."""
    found = Share(REFERRAL).findings(unconfirmed=["ORG-2"])
    assert [(each.rule, each.severity) for each in found] == [("R16", "advice")]


def test_record_the_reasons_for_not_sharing_and_discuss_them_with_the_requester():
    """Record; R9: a part that is kept back is owed a talk."""
    partial = Share(REFERRAL, {"terms.decision.outcome": "share-partial", "terms.request_ref": "FCC-2026-17"})
    assert [each.rule for each in assess.owed(partial.findings())] == ["R9"]


def test_information_should_be_kept_in_line_with_retention_policy_and_not_for_longer_than_is_necessary():
    """Record; R17."""
    assert refused(Share(REFERRAL, {"terms.retention.destroy_on": "2026-11-25"})).rule == "R17"


# Nottinghamshire interagency safeguarding children procedures


def test_where_there_is_a_clear_risk_of_significant_harm_the_public_interest_test_will_almost_certainly_be_satisfied():
    """4; R7: it is satisfied by writing down what was weighed."""
    assert "public-interest-child-significant-harm" in vocabulary.load("confidentiality")
    assert Share(REFERRAL).gates() == set()


def test_staff_should_refer_to_the_threshold_documents_for_each_local_authority():
    """1; F13."""
    assert refused(Share(EARLY_HELP, {"terms.threshold": GONE})).rule == "F13"


def test_the_section_puts_beyond_doubt_the_power_to_disclose_for_the_purposes_of_crime_prevention():
    """4, Crime and Disorder Act 1998 section 115; LG: and for no other purpose."""
    assert refused(Share(REFERRAL, {"terms.gateways": ["ea02-s157", "cda98-s115"]})).rule == "LG"


def test_there_shall_be_no_interference_except_such_as_is_in_accordance_with_the_law_and_is_necessary():
    """4, Article 8 of the Convention; F9."""
    assert refused(Share(FLAG, {"terms.hra.why_proportionate": GONE})).rule == "F9"


def test_the_information_must_only_be_used_for_the_purpose_for_which_it_has_been_shared():
    """5; R18: a share may not contradict its own purposes."""
    both = {"terms.permitted_purposes": ["crime.investigation"], "terms.prohibited_purposes": ["crime"]}
    assert refused(Share("strategy-s47", both)).rule == "R18"


def test_the_general_principle_is_that_information_will_only_be_shared_with_the_consent_of_the_subject():
    """3, as in 2015; R2 of that edition awaits the answer."""
    waiting = Share(REFERRAL, {"terms.agreement.0.status": "sought-awaiting", "terms.agreement.0.reason": []})
    assert "gate" in {each.severity for each in waiting.findings(book="hmg-2015")}
    assert waiting.seal()


# the law that the guidance stands on


def test_a_public_authority_does_not_rely_on_recognised_legitimate_interest():
    """UK GDPR Article 6(1), second subparagraph; L6."""
    change = {"terms.lawful_basis.art6": "art6-1-ea", "terms.lawful_basis.annex1_condition": "safeguarding-vulnerable"}
    assert refused(Share(FLAG, change)).rule == "L6"


def test_special_category_data_and_criminal_offence_data_have_a_condition_of_their_own():
    """UK GDPR Articles 9 and 10; L9 and L10."""
    assert refused(Share(EARLY_HELP, {"terms.lawful_basis.art9": []})).rule == "L9"
    assert refused(Share("strategy-s47", {"terms.lawful_basis.art10": []})).rule == "L10"


def test_a_share_is_never_stopped_for_want_of_an_information_sharing_agreement():
    """Information Commissioner, ten steps, 6; F6 asks why none."""
    share = Share(REFERRAL, {"terms.isa_absence_reason": GONE})
    assert [(each.rule, each.severity) for each in share.findings()] == [("F6", "needs-reason")]
    assert share.seal()


def test_health_information_that_leaves_health_and_care_is_asked_about():
    """Caldicott principles; F12."""
    assert ("F12", "health_info") in {(each.rule, each.field) for each in Share("strategy-s47").findings()}
    asked = {"terms.advice.0.role": "caldicott-guardian"}
    assert "F12" not in {each.rule for each in Share("strategy-s47", asked).findings()}


def test_the_wrong_number_hides_a_child_or_shows_another():
    """CP-IS guidance on matching; F3."""
    assert "F3" in {each.rule for each in Share(FLAG, {"data.nhs_number_status": "02"}).findings()}


def test_a_child_who_understands_enough_may_agree_and_one_who_does_not_may_not():
    """Gillick v West Norfolk and Wisbech Area Health Authority; R5."""
    found = {
        capacity: {each.rule for each in Share(EARLY_HELP, {"terms.agreement.0.capacity": capacity}).findings()}
        for capacity in ("gillick-competent", "not-competent")
    }
    assert "R5" in found["not-competent"] - found["gillick-competent"]


def test_every_rule_is_named_by_some_sentence_here():
    told = " ".join(value.__doc__ or "" for name, value in globals().items() if name.startswith("test_"))
    unnamed = [rule.id for rule in rulebook.load().rules if not re.search(rf"\b{rule.id}\b", told)]
    assert unnamed == ["GR1"]  # "golden rule 1", in words
