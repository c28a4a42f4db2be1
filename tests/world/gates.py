"""Every gate of the rulebook: an example that seals, one changed field that stops it, and the way through.

A change maps a dotted path in `terms` or `data` to its new value; GONE takes the field out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

GONE = object()

FLAG, REFERRAL, EARLY_HELP = "cp-is-flag", "safeguarding-referral", "early-help-referral"
STRATEGY, REQUEST, REPLY = "strategy-s47", "request-for-information", "information-reply"
ALERT, UNSHARED = "attendance-alert", "decision-not-to-share"

# profile -> who sends it, who receives it
WHO = {
    FLAG: ("local-authority-csc", "nhs-acute"),
    REFERRAL: ("school", "local-authority-csc"),
    EARLY_HELP: ("school", "local-authority-early-help"),
    STRATEGY: ("local-authority-csc", "police"),
    REQUEST: ("local-authority-csc", "nhs-acute"),
    REPLY: ("nhs-acute", "local-authority-csc"),
    ALERT: ("nhs-acute", "local-authority-csc"),
    UNSHARED: ("school", "lscp-business-unit"),
}


@dataclass(frozen=True, kw_only=True)
class Gate:
    """`given` is changed before, so that the example fits; `change` is the one field; `way` leads through."""

    rule: str
    example: str
    change: Mapping[str, Any]
    way: Mapping[str, Any]
    given: Mapping[str, Any] = field(default_factory=dict)
    sender: str | None = None
    always: bool = False  # stops even what is urgent


MYTH_WAY = {"terms.decision.reasons.0": "Wren is at risk of significant harm tonight"}
OVERRIDE = {
    "reason_code": "harm-to-others",
    "public_interest": "The risk to Wren outweighs the mother's wish",
    "decided_by": "Sky XXTEST-Dunn",
    "countersigned_by": "Ada XXTEST-Reeve",
    "wishes_recorded": "She does not want anybody to come to the house",
    "objector_told": False,
}
REFUSED = {"terms.agreement.0.status": "refused", "terms.override": OVERRIDE}
SCOPE = {
    "purposes": ["safeguarding.early-help", "safeguarding.referral"],
    "recipients": ["local-authority-early-help"],
    "fields": [
        "child", "address", "contact", "parents_carers", "reason_for_help", "what_family_wants", "child_view",
        "strengths", "needs", "language",
    ],
}  # fmt: skip
SCOPED = {"terms.agreement.0.scope": SCOPE, "terms.agreement.1.scope": SCOPE}
ON_CONSENT = {"terms.lawful_basis.art6": "art6-1-a"}
CHARITY = {
    "terms.lawful_basis.art6": "art6-1-ea",
    "terms.lawful_basis.annex1_condition": "safeguarding-vulnerable",
    "terms.gateways": ["ca04-s16la"],
}

GATES = {
    # the decision
    "the decision is not to share": Gate(
        rule="R8", example=REFERRAL, change={"terms.decision.outcome": "not-shared"},
        way={"terms.decision.outcome": "share-full-profile"}, always=True,
    ),
    "a purpose for which nothing is shared": Gate(
        rule="R18", example=REFERRAL, change={"terms.permitted_purposes": ["other.commercial"]},
        way={"terms.permitted_purposes": []}, always=True,
    ),
    "a purpose that the same terms prohibit": Gate(
        rule="R18", example=REFERRAL, change={"terms.prohibited_purposes": ["safeguarding"]},
        way={"terms.prohibited_purposes": []}, always=True,
    ),
    "collected for something else": Gate(
        rule="R18", example=REFERRAL, change={"terms.decision.reasons.0": "collected-for-something-else"}, way=MYTH_WAY,
    ),
    "GDPR says no": Gate(
        rule="GR1", example=REFERRAL, change={"terms.decision.reasons.0": "gdpr-says-no"}, way=MYTH_WAY,
    ),
    "no consent": Gate(
        rule="R2", example=REFERRAL, change={"terms.decision.reasons.0": "no-consent"}, way=MYTH_WAY,
    ),
    "assumed to be known elsewhere": Gate(
        rule="R20", example=REFERRAL, change={"terms.decision.reasons.0": "assumed-known-elsewhere"}, way=MYTH_WAY,
    ),
    # who might be harmed
    "a postcode that the father must not learn, in a statement": Gate(
        rule="R23", example=STRATEGY,
        change={"data.statements.0.text": "Bruising, recorded at the refuge, ZZ99 3AB"},
        way={"data.statements.0.text": "Bruising, recorded at the refuge"}, always=True,
    ),
    "a postcode in the terms while an address is protected": Gate(
        rule="R23", example=REFERRAL,
        given={"terms.safety.protected_address": True, "terms.handling": ["discuss-before-acting"]},
        change={"terms.proportionality": "Today's facts; the grandmother is at ZZ99 1AB"},
        way={"terms.proportionality": "Today's facts; not the school file"}, always=True,
    ),
    "a street and a number while an address is protected": Gate(
        rule="R23", example=STRATEGY, change={"data.current_location": "At 14 Example Terrace"},
        way={"data.current_location": "At a place that the authority knows"}, always=True,
    ),
    "an address field while an address is protected": Gate(
        rule="R23", example=EARLY_HELP, change={"terms.safety.protected_address": True},
        way={"data.child.protected_address": True, "data.address": GONE}, always=True,
    ),
    # agreement and informing
    "early help without agreement": Gate(
        rule="R1", example=EARLY_HELP, change={"terms.agreement.0.status": "refused"},
        way={"terms.agreement.0.status": "given"},
    ),
    "early help with agreement to the share, not to the service": Gate(
        rule="R1", example=EARLY_HELP, change={"terms.agreement.1.status": "sought-awaiting"},
        way={"terms.agreement.1.status": "given"},
    ),
    "early intervention that nobody was asked about": Gate(
        rule="R1", example=REFERRAL, change={"terms.route": "early-intervention"}, way={"terms.route": "safeguarding"},
    ),
    "safeguarding without the harm": Gate(
        rule="R1", example=REFERRAL, change={"terms.harm_basis": GONE},
        way={"terms.harm_basis": "Wren's own account, and a bruise seen today"},
    ),
    "safeguarding without the threshold": Gate(
        rule="R1", example=REFERRAL, change={"terms.threshold": GONE},
        way={"terms.threshold": {"document": "Fernshire Pathway", "level": "4", "rationale": "A bruise seen today"}},
    ),
    "not asked, and no reason": Gate(
        rule="R2", example=REFERRAL, change={"terms.agreement.0.reason": []},
        way={"terms.agreement.0.reason": ["delay-risks-harm"]},
    ),
    "not asked, and no facts": Gate(
        rule="R2", example=REFERRAL, change={"terms.agreement.0.facts": GONE},
        way={"terms.agreement.0.facts": "The mother's friend lives with them and listens"},
    ),
    "not asked, and facts that say nothing": Gate(
        rule="R2", example=REFERRAL, change={"terms.agreement.0.facts": "Risk of harm"},
        way={"terms.agreement.0.facts": "The mother's friend lives with them and listens"},
    ),
    "cannot be contacted, and no attempt": Gate(
        rule="R2", example=REFERRAL, change={"terms.agreement.0.reason": ["cannot-be-contacted"]},
        way={"terms.agreement.0.attempts": ["Telephoned at 13:30 and at 13:40"]},
    ),
    "a refusal without an override": Gate(
        rule="R3", example=REFERRAL, change={"terms.agreement.0.status": "refused"}, way={"terms.override": OVERRIDE},
    ),
    "an agreement taken back without an override": Gate(
        rule="R3", example=REFERRAL, change={"terms.agreement.0.status": "withdrawn"}, way={"terms.override": OVERRIDE},
    ),
    "an override without the public interest": Gate(
        rule="R3", example=REFERRAL, given=REFUSED, change={"terms.override.public_interest": GONE},
        way={"terms.override.public_interest": "The risk to Wren outweighs the mother's wish"},
    ),
    "an override without a reason": Gate(
        rule="R3", example=REFERRAL, given=REFUSED, change={"terms.override.reason_code": GONE},
        way={"terms.override.reason": "Wren may be hurt again tonight"},
    ),
    "an override that nobody countersigned": Gate(
        rule="R3", example=REFERRAL, given=REFUSED, change={"terms.override.countersigned_by": GONE},
        way={"terms.override.countersigned_by": "Ada XXTEST-Reeve"},
    ),
    "an override countersigned by whoever decided it": Gate(
        rule="R3", example=REFERRAL, given=REFUSED,
        change={"terms.override.countersigned_by": "Mx  XXTEST DUNN, Sky (designated safeguarding lead)"},
        way={"terms.override.countersigned_by": "Ada XXTEST-Reeve"},
    ),
    "telling the family put off to no day": Gate(
        rule="R4", example=REFERRAL, change={"terms.informing.review_on": GONE},
        way={"terms.informing.review_on": "2026-11-30"},
    ),
    "telling the family put off to a day that has passed": Gate(
        rule="R4", example=REFERRAL, change={"terms.informing.review_on": "2026-11-25"},
        way={"terms.informing.review_on": "2026-11-27"},
    ),
    "telling the family put off for no reason": Gate(
        rule="R4", example=REFERRAL, change={"terms.informing.reason_not": GONE},
        way={"terms.informing.reason_not": "The friend may be at home when the mother is told"},
    ),
    "the family not told, and no reason": Gate(
        rule="R4", example=REFERRAL, change={"terms.informing": {"status": "not-informed-unsafe"}},
        way={"terms.informing.reason_not": "He has threatened the mother if Wren told"},
    ),
    "one parent told, and not which": Gate(
        rule="R4", example=STRATEGY, change={"terms.informing.who": GONE}, way={"terms.informing.who": ["mother"]},
    ),
    "advice for which the child was named": Gate(
        rule="R6", example=REFERRAL, change={"terms.advice.0.identity_disclosed": True},
        way={"terms.advice.0.reason": "The line knew the family, and asked which child it was"},
    ),
    # the weighing
    "shared without agreement, and nothing weighed": Gate(
        rule="R7", example=REFERRAL, change={"terms.confidentiality": GONE},
        way={
            "terms.confidentiality": {
                "justification": "public-interest-child-significant-harm",
                "harm_if_shared": "The mother's friend may learn that Wren has spoken",
                "harm_if_not_shared": "Wren may be hurt again tonight",
            }
        },
    ),
    "the public interest with one side weighed": Gate(
        rule="R7", example=REFERRAL, change={"terms.confidentiality.harm_if_shared": GONE},
        way={"terms.confidentiality.harm_if_shared": "The mother's friend may learn that Wren has spoken"},
    ),
    # what is said
    "an opinion that is called a fact": Gate(
        rule="R10", example=REFERRAL, change={"data.statements.1.text": "Mum's friend is an abuser"},
        way={"data.statements.1.kind": "allegation-unproven", "data.statements.1.outcome": "unknown"},
    ),
    "an old event without a note": Gate(
        rule="R11", example=REFERRAL, change={"data.statements.1.observed_at": "2021-06-04"},
        way={"data.statements.1.historical_note": "The same arm, and the same adult; they lived elsewhere then"},
    ),
    "an old year without a note": Gate(
        rule="R11", example=REFERRAL, change={"data.statements.2.as_of": "2021"},
        way={"data.statements.2.historical_note": "He has moved back in since September"},
    ),
    "no word on why it is needed": Gate(
        rule="R13", example=REFERRAL, change={"terms.necessity": GONE},
        way={"terms.necessity": "Social care cannot act on what it does not know"},
    ),
    "no word on why no less would do": Gate(
        rule="R13", example=FLAG, change={"terms.proportionality": GONE},
        way={"terms.proportionality": "Status and telephone numbers, not the plan"},
    ),
    "to be destroyed before it was sent": Gate(
        rule="R17", example=REFERRAL, change={"terms.retention.destroy_on": "2026-11-25"},
        way={"terms.retention.destroy_on": "2041-07-02"},
    ),
    # the lawful basis
    "the public task without a law": Gate(
        rule="L6", example=FLAG, change={"terms.gateways": []}, way={"terms.gateways": ["ca89-s17"]},
    ),
    "a legal obligation without a duty": Gate(
        rule="L6", example=REFERRAL,
        given={"terms.gateways": ["dea17-s35"], "terms.objective": "Help for families with many needs"},
        change={"terms.lawful_basis.art6": "art6-1-c"}, way={"terms.gateways": ["ea02-s157"]},
    ),
    "recognised legitimate interest, from a public authority": Gate(
        rule="L6", example=FLAG, given={"terms.lawful_basis.annex1_condition": "safeguarding-vulnerable"},
        change={"terms.lawful_basis.art6": "art6-1-ea"}, way={"terms.lawful_basis.art6": "art6-1-e"},
    ),
    "recognised legitimate interest without its condition": Gate(
        rule="L6", example=REFERRAL, sender="voluntary", given=CHARITY,
        change={"terms.lawful_basis.annex1_condition": GONE},
        way={"terms.lawful_basis.annex1_condition": "safeguarding-vulnerable"},
    ),
    "an answer to a request that nobody made": Gate(
        rule="L6", example=REFERRAL, sender="voluntary", given=CHARITY,
        change={"terms.lawful_basis.annex1_condition": "public-task-request"}, way={"terms.in_reply_to": "0f" * 16},
    ),
    "consent that nobody gave": Gate(
        rule="L6", example=REFERRAL, change=ON_CONSENT, way={"terms.lawful_basis.art6": "art6-1-e"},
    ),
    "vital interests without hurry": Gate(
        rule="L6", example=REFERRAL, change={"terms.lawful_basis.art6": "art6-1-d"}, way={"terms.urgency": "immediate"},
    ),
    "law enforcement by a school": Gate(
        rule="L6", example=REFERRAL, change={"terms.lawful_basis.art6": "dpa18-s35"},
        way={"terms.lawful_basis.art6": "art6-1-e"},
    ),
    # sensitive data
    "special category data without a condition": Gate(
        rule="L9", example=EARLY_HELP, change={"terms.lawful_basis.art9": []},
        way={"terms.lawful_basis.art9": ["art9-2-g+sch1-p18"]},
    ),
    "the safeguarding condition without its reason": Gate(
        rule="L9", example=FLAG, change={"terms.lawful_basis.p18_reason": GONE},
        way={"terms.lawful_basis.p18_reason": "consent-not-reasonably-obtainable"},
    ),
    "explicit consent that nobody gave": Gate(
        rule="L9", example=REFERRAL, change={"terms.lawful_basis.art9": ["art9-2-a"]},
        way={"terms.lawful_basis.art9": ["art9-2-g+sch1-p18"]},
    ),
    "vital interests as a condition without hurry": Gate(
        rule="L9", example=REFERRAL, change={"terms.lawful_basis.art9": ["art9-2-c"]},
        way={"terms.urgency": "immediate"},
    ),
    "a condition of law enforcement beside the public task": Gate(
        rule="L9", example=REFERRAL, change={"terms.lawful_basis.art9": ["sch8-4"]},
        way={"terms.lawful_basis.art9": ["art9-2-g+sch1-p18"]},
    ),
    "the research condition for a referral": Gate(
        rule="L9", example=REFERRAL, change={"terms.lawful_basis.art9": ["art9-2-j"]},
        way={"terms.lawful_basis.art9": ["art9-2-g+sch1-p18"]},
    ),
    "criminal offence data without a condition": Gate(
        rule="L10", example=STRATEGY, change={"terms.lawful_basis.art10": []},
        way={"terms.lawful_basis.art10": ["art10-sch1-p18"]},
    ),
    "the safeguarding condition for offences without its reason": Gate(
        rule="L10", example=STRATEGY, given={"terms.lawful_basis.art9": ["art9-2-g+sch1-p6"]},
        change={"terms.lawful_basis.p18_reason": GONE},
        way={"terms.lawful_basis.p18_reason": "consent-would-prejudice-protection"},
    ),
    "consent for offences that nobody gave": Gate(
        rule="L10", example=REFERRAL, change={"terms.lawful_basis.art10": ["art10-sch1-p29"]},
        way={"terms.lawful_basis.art10": ["art10-sch1-p18"]},
    ),
    # gateways
    "police protection by a school": Gate(
        rule="LG", example=REFERRAL,
        given={"terms.began_at": "2026-11-26T13:00:00Z", "terms.expires_at": "2026-11-29T13:00:00Z"},
        change={"terms.gateways": ["ea02-s157", "ca89-s46"]}, way={"terms.gateways": ["ea02-s157"]},
    ),
    "a report to the Secretary of State, to a hospital": Gate(
        rule="LG", example=FLAG, change={"terms.gateways": ["ca04-s16la", "msa15-s52"]},
        way={"terms.gateways": ["ca04-s16la"]},
    ),
    "section 115 for another purpose than crime": Gate(
        rule="LG", example=REFERRAL, change={"terms.gateways": ["ea02-s157", "cda98-s115"]},
        way={"terms.gateways": ["ea02-s157"]},
    ),
    "a duty on request without the request": Gate(
        rule="LG", example=REFERRAL, change={"terms.gateways": ["ea02-s157", "ca04-s16h"]},
        way={"terms.request_ref": "LSCP-2026-07"},
    ),
    "the law of Wales in England": Gate(
        rule="LG", example=REFERRAL,
        given={"terms.gateways": ["ea02-s157", "sswa14-s130"], "terms.jurisdiction": "wales"},
        change={"terms.jurisdiction": "england"}, way={"terms.gateways": ["ea02-s157"]},
    ),
    "a general duty alone": Gate(
        rule="LG", example=FLAG, change={"terms.gateways": ["ca04-s11"]},
        way={"terms.gateways": ["ca04-s11", "ca04-s16la"]},
    ),
    "names under a law for what is depersonalised": Gate(
        rule="LG", example=STRATEGY, change={"terms.gateways": ["ca89-s47", "cda98-s17a"]},
        way={"terms.gateways": ["ca89-s47"]}, always=True,
    ),
    "names in what is shared without identity": Gate(
        rule="LG", example=REFERRAL, change={"terms.decision.outcome": "share-deidentified"},
        way={"terms.decision.outcome": "share-full-profile"}, always=True,
    ),
    # an agreement that is relied on
    "an agreement that is over": Gate(
        rule="LC", example=EARLY_HELP, change={"terms.agreement.0.expires_at": "2026-11-09"},
        way={"terms.agreement.0.expires_at": "2027-11-09"},
    ),
    "conditions that nobody wrote down": Gate(
        rule="LC", example=EARLY_HELP, change={"terms.agreement.0.status": "given-with-conditions"},
        way={"terms.agreement.0.conditions": "Not to the grandmother"},
    ),
    "consent that cannot be taken back": Gate(
        rule="LC", example=EARLY_HELP, given=ON_CONSENT, change={"terms.agreement.0.withdrawal_route": GONE},
        way={"terms.agreement.0.withdrawal_route": "Tell the school office, at any time"},
    ),
    "a purpose that was not agreed to": Gate(
        rule="LC", example=EARLY_HELP, given=SCOPED,
        change={"terms.agreement.0.scope.purposes": ["safeguarding.early-help"]},
        way={"terms.permitted_purposes": []}, always=True,
    ),
    "a recipient that was not agreed to": Gate(
        rule="LC", example=EARLY_HELP, given=SCOPED, change={"terms.agreement.0.scope.recipients": ["gp"]},
        way={"terms.agreement.0.scope.recipients": ["gp", "ORG-2"]}, always=True,
    ),
    "a field that was not agreed to": Gate(
        rule="LC", example=EARLY_HELP, given=SCOPED,
        change={"terms.agreement.0.scope.fields": [name for name in SCOPE["fields"] if name != "language"]},
        way={"data.language": GONE, "terms.need.language": GONE}, always=True,
    ),
    # checklists
    "no record of private and family life": Gate(
        rule="F9", example=REFERRAL, change={"terms.hra": GONE},
        way={
            "terms.hra": {
                "engaged": True, "aim": "rights-of-others", "interference": "The family's private life",
                "why_proportionate": "Only what was said and seen today",
            }
        },
    ),
    "private and family life without the aim": Gate(
        rule="F9", example=FLAG, change={"terms.hra.aim": GONE}, way={"terms.hra.aim": "rights-of-others"},
    ),
    "early help without the threshold": Gate(
        rule="F13", example=EARLY_HELP, change={"terms.threshold": GONE},
        way={"terms.threshold": {"document": "Fernshire Pathway", "level": "2", "rationale": "Late and hungry"}},
    ),
}  # fmt: skip

# what is found and stops nothing: rule, answer, example, and the changes that bring it up
FOUND = {
    "asked, and no answer awaited": (
        "R2", "unanswered", REFERRAL,
        {"terms.agreement.0.status": "sought-awaiting", "terms.agreement.0.reason": []},
    ),
    "an override without wishes": (
        "R3", "no-wishes", REFERRAL,
        {"terms.agreement.0.status": "refused", "terms.override": {
            "reason_code": "harm-to-others", "public_interest": "The risk to Wren outweighs it",
            "decided_by": "Sky XXTEST-Dunn", "countersigned_by": "Ada XXTEST-Reeve"}},
    ),
    "an override of which the objector knows nothing": (
        "R3", "untold", REFERRAL,
        {"terms.agreement.0.status": "refused", "terms.override": {
            "reason_code": "harm-to-others", "public_interest": "The risk to Wren outweighs it",
            "decided_by": "Sky XXTEST-Dunn", "countersigned_by": "Ada XXTEST-Reeve", "wishes_recorded": "Not now"}},
    ),
    "somebody who can neither agree nor refuse": (
        "R5", "no-capacity", REFERRAL, {"terms.agreement.0.status": "unable-to-give"},
    ),
    "an agreement whose capacity nobody noted": (
        "R5", "unsaid", EARLY_HELP, {"terms.agreement.0.capacity": GONE},
    ),
    "an agreement of a child who cannot decide it": (
        "R5", "cannot-agree", EARLY_HELP, {"terms.agreement.0.capacity": "not-competent"},
    ),
    "an agreement without parental responsibility": (
        "R5", "no-responsibility", EARLY_HELP, {"terms.agreement.0.pr_held": False},
    ),
    "parents who differ": (
        "R5", "differ", STRATEGY,
        {"terms.agreement.1.status": "refused", "terms.override": {
            "reason_code": "harm-to-others", "public_interest": "The risk to Robin outweighs it",
            "decided_by": "Lee XXTEST-Varley", "countersigned_by": "Noor XXTEST-Hale"}},
    ),
    "the same harm on both sides": (
        "R7", "identical", REFERRAL,
        {"terms.confidentiality.harm_if_shared": "Wren may be hurt again, tonight!"},
    ),
    "a harm that would fit any case": (
        "R7", "stock", REFERRAL,
        {"terms.confidentiality.harm_if_not_shared": "Safeguarding concerns."},
    ),
    "a necessity that would fit any case": (
        "R13", "stock", REFERRAL, {"terms.necessity": "In the best interests of the child"},
    ),
    "a part of what was asked for": (
        "R9", "undiscussed", REFERRAL,
        {"terms.decision.outcome": "share-partial", "terms.request_ref": "FCC-2026-17"},
    ),
    "an answer that was kept back": (
        "R9", "undiscussed", REPLY,
        {"data.answers.1": {"question": 2, "status": "withheld", "reason": "prejudice-investigation"}},
    ),
    "an impression that is called a fact": (
        "R10", "impression", REFERRAL, {"data.statements.1.text": "Wren seemed to be afraid of the caller"},
    ),
    "a fact that somebody else observed": (
        "R10", "not-the-author", REFERRAL, {"data.statements.1.source": "Lunchtime supervisor"},
    ),
    "data that are some weeks old": ("R12", "old", REFERRAL, {"terms.data_as_at": "2026-09-01"}),
    "somebody older than a child": ("R12", "age", REFERRAL, {"data.child.date_of_birth": "2001-07-02"}),
    "a time that has passed": ("R15", "passed", REFERRAL, {"terms.act_by": "2026-11-26T12:00:00Z"}),
    "a date of destruction under a legal hold": (
        "R17", "held", REFERRAL, {"terms.retention": {
            "rule": "school-cp-file", "legal_hold": True, "destroy_on": "2041-07-02"}},
    ),
    "a retention rule without a period": (
        "R17", "open-ended", REFERRAL, {"terms.retention": {"rule": "police-mopi"}},
    ),
    "recognised legitimate interest, from a school that may be a public authority": (
        "L6", "closed-if-public", REFERRAL,
        {"terms.lawful_basis.art6": "art6-1-ea", "terms.lawful_basis.annex1_condition": "safeguarding-vulnerable"},
    ),
    "consent and agreement in one": ("L6", "unseparated", EARLY_HELP, {"terms.lawful_basis.art6": "art6-1-a"}),
    "consent where a child is at risk": (
        "L6", "safeguarding-route", REPLY, {"terms.lawful_basis.art6": "art6-1-a",
        "terms.agreement.0.withdrawal_route": "Telephone the hospital"},
    ),
    "consent asked for by a public authority": (
        "L6", "public-authority", REPLY, {"terms.lawful_basis.art6": "art6-1-a",
        "terms.agreement.0.withdrawal_route": "Telephone the hospital"},
    ),
    "a contract": ("L6", "seldom-apt", REFERRAL, {"terms.lawful_basis.art6": "art6-1-b"}),
    "a condition without its policy document": (
        "L9", "no-policy", FLAG, {"terms.lawful_basis.apd_ref": GONE},
    ),
    "health and care without secrecy": (
        "L9", "no-secrecy", FLAG, {"terms.lawful_basis.art9": ["art9-2-h+sch1-p2"]},
    ),
    "official authority of a school": (
        "L10", "no-authority", REFERRAL, {"terms.lawful_basis.art10": ["art10-official-authority"]},
    ),
    "law that nobody has verified, alone": ("LG", "doubtful", FLAG, {"terms.gateways": ["ca04-s16la"]}),
    "the duty to share for care, alone, to social care": (
        "LG", "alone", ALERT, {"terms.gateways": ["hsca12-s251b"]},
    ),
    "an agreement that is over and on which nothing rests": (
        "LC", "expired-beside", REPLY, {"terms.agreement.0.expires_at": "2026-11-21"},
    ),
    "private life that is said not to be touched": ("F9", "not-engaged", FLAG, {"terms.hra": {"engaged": False}}),
    "no sharing agreement, and no reason": ("F6", "none", REFERRAL, {"terms.isa_absence_reason": GONE}),
    "health information to the police": ("F12", "unasked", STRATEGY, {}),
    "a number that was not verified": ("F3", "unverified", FLAG, {"data.nhs_number_status": "02"}),
}  # fmt: skip
