"""The sealing rules of conduct: agreement, informing, the decision, to whom, when, and for how long."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from sharekit.domain import vocabulary
from sharekit.domain.terms import Agreement, ShareTerms
from sharekit.domain.wording import Words
from sharekit.policy.case import NOTHING, Case, More, Said, rule

__all__ = ["rationale"]


# --- agreement and informing -----------------------------------------------------------------------------------


@rule("R1")
def _early_intervention_or_safeguarding(case: Case, params: More) -> Iterator[Said]:
    for kind in case.kinds_needed:
        entries = [each for each in case.agreements if each.item["kind"] == kind]
        if not any(each.given for each in entries):
            yield Said("unagreed", f"{entries[0].place}.status" if entries else "agreement")
    for part in case.route.get("needs", ()):
        if not case.json.get(part):
            yield Said("unrecorded", part)
    for part in case.route.get("owes", ()):
        if not case.json.get(part):
            yield Said("unrecorded", part, owed=True)


@rule("R2")
def _not_sought(case: Case, params: More) -> Iterator[Said]:
    if "needs_agreement" not in case.route:
        for each in case.to_share:
            yield from _reasons(each, params)
    yield from case.myths("R2")


def _reasons(agreement: Agreement, params: More) -> Iterator[Said]:
    """Why nobody was asked: a reason, what the reason names besides, and the facts of this case."""
    place, item, _, status = agreement
    needs, reasons = status.get("needs", ()), item.get("reason", ())
    if "reason" in needs and not reasons:
        yield Said("no-reason", f"{place}.reason")
    if "facts" in needs and not _are_facts(item.get("facts", ""), params):
        yield Said("no-facts", f"{place}.facts")
    if "asks" in status and not reasons:
        yield Said("unanswered", f"{place}.reason")
    for code in reasons:
        argument = vocabulary.load("agreement-reasons")[code].more.get("argument")
        if argument and not item.get(argument):
            yield Said("no-argument", f"{place}.{argument}")


def _are_facts(text: str, params: More) -> bool:
    """Whether it is more than a label: so many letters, and so many words."""
    letters, words = len(" ".join(text.split())), len(Words.of(text))
    return bool(letters >= params["letters"] and words >= params["words"])


@rule("R3")
def _override(case: Case, params: More) -> Iterable[Said]:
    refused = [each for each in case.to_share if "needs_override" in each.status]
    if not refused or "needs_agreement" in case.route:
        return ()
    override = case.json.get("override")
    return _overridden(override, refused, params) if override else [Said("no-override", "override")]


def _overridden(override: More, refused: list[Agreement], params: More) -> Iterator[Said]:
    for part, instead in params["parts"].items():
        if not override.get(part) and not override.get(instead):
            yield Said("incomplete", f"override.{part}")
    if _same_person(override.get("decided_by", ""), override.get("countersigned_by", ""), params["titles"]):
        yield Said("one-person", "override.countersigned_by")
    if not override.get("wishes_recorded") and not all(each.item.get("wishes") for each in refused):
        yield Said("no-wishes", "override.wishes_recorded")
    if "objector_told" not in override:
        yield Said("untold", "override.objector_told")


def _same_person(one: str, other: str, titles: Collection[str]) -> bool:
    """Whether two names may well be one person's: the order, titles, capitals and a role beside the name aside."""
    first, second = ({*Words.of(name).spaced.split()} - {*titles} for name in (one, other))
    return bool(first) and bool(second) and (first <= second or second <= first)


@rule("R4")
def _informing(case: Case, params: More) -> Iterator[Said]:
    informing = case.json.get("informing")
    if not informing:
        return
    for part in vocabulary.load("informing-status")[informing["status"]].more.get("needs", ()):
        if not informing.get(part):
            yield Said(params["answers"][part], f"informing.{part}")
    if informing.get("review_on", case.today) < case.today:
        yield Said("past", "informing.review_on")


@rule("R5")
def _whose_agreement(case: Case, params: More) -> Iterator[Said]:
    views = set()
    for each in case.to_share:
        if each.given or "needs_override" in each.status:
            views.add(each.given)
        yield from _capacity(each)
    if len(views) > 1 and not all(each.item.get("wishes") for each in case.to_share):
        yield Said("differ", "agreement")


def _capacity(agreement: Agreement) -> Iterator[Said]:
    """Whether it was theirs to decide: not said, said to be not, or said to be beyond them."""
    place, item, _, status = agreement
    capacity = vocabulary.load("capacity")[item["capacity"]].more if item.get("capacity") else None
    if "capacity" in status.get("needs", ()) and capacity is None:
        yield Said("no-capacity", f"{place}.capacity")
    if agreement.given and capacity is None:
        yield Said("unsaid", f"{place}.capacity")
    elif agreement.given and capacity and not capacity["decides"]:
        yield Said("cannot-agree", f"{place}.capacity")
    if agreement.given and item.get("pr_held") is False:
        yield Said("no-responsibility", f"{place}.pr_held")


@rule("R6")
def _advice(case: Case, params: More) -> Iterable[Said]:
    return [
        Said("disclosed", f"advice.{number}.reason")
        for number, advice in enumerate(case.json.get("advice", ()))
        if advice["identity_disclosed"] and not advice.get("reason")
    ]


# --- the decision ----------------------------------------------------------------------------------------------


@rule("R7")
def _public_interest(case: Case, params: More) -> Iterable[Said]:
    weighed = case.json.get("confidentiality")
    if weighed is not None:
        return _weighed(weighed, case.situation.repeats, params)
    unweighed = case.unagreed and not case.kinds_needed  # where agreement is needed there is nothing to weigh
    return [Said("unweighed", "confidentiality")] if unweighed else ()


def rationale(terms: ShareTerms, params: More) -> str:
    """The words in which a decision was explained, as they are compared: what was weighed, in R7's parts."""
    weighed = terms.json.get("confidentiality", NOTHING)
    return " ".join(Words.of(weighed[part]).joined for part in params["harms"] if part in weighed)


def _weighed(weighed: More, repeats: int, params: More) -> Iterator[Said]:
    for part in vocabulary.load("confidentiality")[weighed["justification"]].more.get("needs", ()):
        if not weighed.get(part):
            yield Said("one-sided", f"confidentiality.{part}")
    harms = [weighed[part] for part in params["harms"] if weighed.get(part)]
    if len(harms) > 1 and len({Words.of(text).joined for text in harms}) == 1:
        yield Said("identical", f"confidentiality.{params['harms'][1]}")
    for part in (*params["harms"], "conclusion"):
        if part in weighed and Words.fits_any_case(weighed[part], params):
            yield Said("stock", f"confidentiality.{part}")
    if repeats >= params["repeats"]:
        yield Said("repeated", "confidentiality")


@rule("R8")
def _decision(case: Case, params: More) -> Iterable[Said]:
    return [Said("not-to-share", "decision.outcome")] if case.outcome.get("shares") is False else ()


@rule("R9")
def _discussion(case: Case, params: More) -> Iterable[Said]:
    asked = case.json.get("in_reply_to") or case.json.get("request_ref")
    if not asked or any(case.fields.get(field) for field in params["discussed"]):
        return ()
    return _kept_back(case)


def _kept_back(case: Case) -> Iterator[Said]:
    answers = vocabulary.load("answer-status")
    if case.outcome.get("discuss"):
        yield Said("undiscussed", "decision.outcome", owed=True)
    for place, code in case.kind.coded(case.fields, "answer-status"):
        if answers[code].more.get("discuss"):
            yield Said("undiscussed", place, "data", owed=True)


@rule("R18")
def _purpose(case: Case, params: More) -> Iterator[Said]:
    known, prohibited = vocabulary.load("purposes"), case.terms.prohibited_purposes
    for purpose in case.terms.purposes:
        place = "purpose" if purpose == case.terms.purpose else "permitted_purposes"
        if "always_deny" in known.terms[purpose].more:
            yield Said("always-denied", place)
        elif not prohibited.isdisjoint(known.lineage(purpose)):
            yield Said("prohibited", place)
    yield from case.myths("R18")


@rule("R20")
def _assumed_known(case: Case, params: More) -> Iterable[Said]:
    return case.myths("R20")


@rule("GR1")
def _no_barrier(case: Case, params: More) -> Iterable[Said]:
    return case.myths("GR1")


# --- to whom, when and for how long ----------------------------------------------------------------------------


@rule("R14")
def _need_to_know(case: Case, params: More) -> Iterable[Said]:
    return [Said("many", "recipients")] if len(case.situation.recipients) > params["recipients"] else ()


@rule("R15")
def _timely(case: Case, params: More) -> Iterator[Said]:
    if "act_by" in case.json and datetime.fromisoformat(case.json["act_by"]) < case.now:
        yield Said("passed", "act_by")
    for part in case.terms.missing if case.urgent else ():
        yield Said("missing", part, owed=True)
    if "emergency" in case.outcome and not case.json.get("break_glass", NOTHING).get("review_on"):
        yield Said("unreviewed", "break_glass.review_on", owed=True)


@rule("R16")
def _secure(case: Case, params: More) -> Iterable[Said]:
    unconfirmed = case.situation.unconfirmed and not case.json.get("recipient_confirmed_by")
    return [Said("unconfirmed", "recipient_confirmed_by")] if unconfirmed else ()


@rule("R17")
def _retention(case: Case, params: More) -> Iterator[Said]:
    retention = case.json.get("retention")
    if not retention:
        return
    for part in ("destroy_on", "review_on"):
        if part in retention and retention[part] < case.today:
            yield Said("past", f"retention.{part}")
    if retention.get("legal_hold") and "destroy_on" in retention:
        yield Said("held", "retention.destroy_on")
    period = vocabulary.load("retention-rules")[retention["rule"]].more["period"]
    if not period and not any(part in retention for part in ("period", "review_on", "destroy_on")):
        yield Said("open-ended", "retention.review_on")


# --- checklists ------------------------------------------------------------------------------------------------


@rule("F6")
def _sharing_agreement(case: Case, params: More) -> Iterable[Said]:
    named = case.json.get("isa_ref") or case.json.get("isa_absence_reason")
    return () if named else [Said("none", "isa_ref")]


@rule("F12")
def _caldicott(case: Case, params: More) -> Iterable[Said]:
    types = vocabulary.load("org-types")
    receivers = case.situation.recipients.values()
    if all("health_or_care" in types[kind].more for kind in receivers):
        return ()
    asked = {advice["role"] for advice in case.json.get("advice", ())}
    place = None if asked & {*params["roles"]} else case.first_flagged(params["flags"])
    return [Said("unasked", place, "data")] if place else ()


@rule("F13")
def _threshold(case: Case, params: More) -> Iterable[Said]:
    if "threshold" in case.json or "threshold" in (*case.route.get("needs", ()), *case.route.get("owes", ())):
        return ()
    return [Said("none", "threshold")] if case.shared_for & {*params["purposes"]} else ()
