"""The sealing rules of conduct, and `assess`, which walks a rulebook. No cryptography, no clock, no database.

Each function stands beside the id of its rule and yields the answers that apply; the rulebook in `schemas/` has
their words, weight and numbers. A gate stops a share until its way through is taken. An urgent, justified share is
never stopped for want of a record: what is missing is then owed, and by when.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sharekit import lawfulness, rulebook, vocabulary
from sharekit.case import FUNCTIONS, Agreement, Case, More, Said, Situation, rule
from sharekit.errors import GateNotMet
from sharekit.profile import months_later
from sharekit.rulebook import Rule, Rulebook
from sharekit.terms import ShareTerms
from sharekit.wording import Secret, Words, has_address, has_postcode, is_moment, texts, unquoted

__all__ = ["Finding", "assess", "gate", "myth", "owed"]

GATE, NEEDS_REASON = "gate", "needs-reason"
LONGEST = 60  # characters from which on a reason is a sentence and no code

_ = lawfulness  # its rules stand in the same table


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule has to say about a share: `severity` is gate, needs-reason or advice.

    `field` is the place in terms or data; `owed` says that it may follow, within 24 hours.
    """

    rule: str
    severity: str
    message: str
    source: str
    way_through: str
    field: str = ""
    owed: bool = False


def assess(
    terms: ShareTerms | Mapping[str, Any],
    dataset: Mapping[str, Any],
    *,
    now: datetime,
    situation: Situation | None = None,
    book: str = rulebook.DEFAULT,
) -> list[Finding]:
    """What the rulebook finds in a share, in the rulebook's order; an empty list means nothing to say."""
    case = Case(ShareTerms.parse(terms), dataset, now=now, situation=situation or Situation())
    edition = rulebook.load(book)
    return [
        _finding(edition, each, said, urgent=case.urgent)
        for each in edition.rules
        for said in FUNCTIONS[each.id](case, each.params)
    ]


def gate(findings: Collection[Finding]) -> None:
    """Return only if no finding is a gate; GateNotMet names the first rule, its source and the way through."""
    for finding in findings:
        if finding.severity == GATE:
            raise GateNotMet(
                f"rule {finding.rule}: {finding.message}",
                hint=finding.way_through,
                rule=finding.rule,
                source=finding.source,
            )


def owed(findings: Iterable[Finding]) -> list[Finding]:
    """What an urgent share left to be recorded afterwards."""
    return [finding for finding in findings if finding.owed]


def myth(terms: object, dataset: object, *, book: str = rulebook.DEFAULT) -> Finding | None:
    """The answer to a reason that the guidance turns down, wherever one stands as a code; None if none does."""
    route = terms.get("route") if isinstance(terms, Mapping) else None
    for what, value in (("terms", terms), ("data", dataset)):
        for place, text in texts(value):
            term = vocabulary.load("refusal-reasons").terms.get(text)
            if term and _is_myth(term, route if isinstance(route, str) else None):
                said = Said("myth", place, what, way_through=term.more["answer"])
                edition = rulebook.load(book)
                return _finding(edition, edition[term.more["rule"]], said, urgent=False)
    return None


def _finding(book: Rulebook, rule: Rule, said: Said, *, urgent: bool) -> Finding:
    answer = rule.answers[said.answer]
    message = answer.message.format(field=f'{said.what}: "{said.place}"')
    way = said.way_through or answer.way_through
    if said.owed or (urgent and answer.severity == GATE and answer.when_urgent == "owed"):
        way = f"{book.owed_within}, {way}"
        return Finding(rule.id, NEEDS_REASON, message, rule.source, way, said.place, owed=True)
    return Finding(rule.id, answer.severity, message, rule.source, way, said.place)


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
    if not case.route.get("needs_agreement"):
        for each in case.agreements:
            if each.kind.get("share"):
                yield from _reasons(each, params)
    yield from _myths(case, "R2")


def _reasons(agreement: Agreement, params: More) -> Iterator[Said]:
    """Why nobody was asked: a reason, what the reason names besides, and the facts of this case."""
    place, item, _, status = agreement
    needs, reasons = status.get("needs", ()), item.get("reason", ())
    if "reason" in needs and not reasons:
        yield Said("no-reason", f"{place}.reason")
    facts = " ".join(item.get("facts", "").split())
    if "facts" in needs and (len(facts) < params["letters"] or len(Words.of(facts)) < params["words"]):
        yield Said("no-facts", f"{place}.facts")
    if "reason" in status.get("asks", ()) and not reasons:
        yield Said("unanswered", f"{place}.reason")
    for code in reasons:
        argument = vocabulary.load("agreement-reasons")[code].more.get("argument")
        if argument and not item.get(argument):
            yield Said("no-argument", f"{place}.{argument}")


@rule("R3")
def _override(case: Case, params: More) -> Iterator[Said]:
    refused = [each for each in case.agreements if each.kind.get("share") and each.status.get("needs_override")]
    if not refused or case.route.get("needs_agreement"):
        return
    override = case.json.get("override", {})
    if not override:
        yield Said("no-override", "override")
        return
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
    return bool(first and second) and (first <= second or second <= first)


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
    shares = [each for each in case.agreements if each.kind.get("share")]
    for each in shares:
        yield from _capacity(each)
    views = {"given" if each.given else "refused" for each in shares if each.given or each.status.get("needs_override")}
    if len(views) > 1 and not all(each.item.get("wishes") for each in shares):
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
def _advice(case: Case, params: More) -> Iterator[Said]:
    for number, advice in enumerate(case.json.get("advice", ())):
        if advice["identity_disclosed"] and not advice.get("reason"):
            yield Said("disclosed", f"advice.{number}.reason")


# --- the decision ----------------------------------------------------------------------------------------------


@rule("R7")
def _public_interest(case: Case, params: More) -> Iterator[Said]:
    weighed = case.json.get("confidentiality")
    if weighed is None:
        if case.unagreed and not case.kinds_needed:  # where agreement is needed there is nothing to weigh
            yield Said("unweighed", "confidentiality")
        return
    for part in vocabulary.load("confidentiality")[weighed["justification"]].more.get("needs", ()):
        if not weighed.get(part):
            yield Said("one-sided", f"confidentiality.{part}")
    harms = [weighed[part] for part in params["harms"] if weighed.get(part)]
    if len(harms) > 1 and len({Words.of(text).joined for text in harms}) == 1:
        yield Said("identical", f"confidentiality.{params['harms'][1]}")
    for part in (*params["harms"], "conclusion"):
        if part in weighed and _is_stock(weighed[part], params):
            yield Said("stock", f"confidentiality.{part}")
    if case.situation.repeats >= params["repeats"]:
        yield Said("repeated", "confidentiality")


def _is_stock(text: str, params: More) -> bool:
    """Whether a reason would fit any case: short, a phrase of the list, and hardly a word besides."""
    if len(text) > params["short"]:
        return False
    words = Words.of(text)
    phrase = words.said(params["stock"])
    return phrase is not None and len(words) <= len(phrase.split()) + params["besides"]


@rule("R8")
def _decision(case: Case, params: More) -> Iterator[Said]:
    if case.outcome.get("shares") is False:
        yield Said("not-to-share", "decision.outcome")


@rule("R9")
def _discussion(case: Case, params: More) -> Iterator[Said]:
    asked = case.json.get("in_reply_to") or case.json.get("request_ref")
    if not asked or any(case.fields.get(field) for field in params["discussed"]):
        return
    answers = vocabulary.load("answer-status")
    if case.outcome.get("discuss"):
        yield Said("undiscussed", "decision.outcome", owed=True)
    for place, code in case.kind.coded(case.fields, "answer-status"):
        if answers[code].more.get("discuss"):
            yield Said("undiscussed", place, "data", owed=True)


# --- what is said ----------------------------------------------------------------------------------------------


@rule("R10")
def _fact_or_opinion(case: Case, params: More) -> Iterator[Said]:
    kinds = vocabulary.load("statement-kinds")
    for place, statement in case.kind.statements(case.fields):
        if not kinds[statement["kind"]].more.get("observer"):
            continue
        words = Words.of(unquoted(statement["text"]))
        if words.said(params["judgements"]):
            yield Said("judgement", f"{place}.text", "data")
        elif words.said(params["impressions"]):
            yield Said("impression", f"{place}.text", "data")
        if not _names_in(statement["source"], statement["author_role"], case):
            yield Said("not-the-author", f"{place}.source", "data")


def _names_in(source: str, role: str, case: Case) -> bool:
    """Whether the source and the author may be the same: a word in common, or the person who took the decision."""
    said = {*Words.of(source).spaced.split()}
    return bool(said & {*Words.of(role).spaced.split()}) or said >= {*Words.of(case.decided_by).spaced.split()}


@rule("R11")
def _history(case: Case, params: More) -> Iterator[Said]:
    months = case.kind.about.get("horizon_months", params["months"])
    horizon = months_later(case.now.date(), -months).isoformat()
    for place, statement in case.kind.statements(case.fields):
        days = [_last_day(statement[when]) for when in ("as_of", "observed_at") if when in statement]
        if not statement.get("historical_note") and any(day < horizon for day in days):
            yield Said("unexplained", f"{place}.historical_note", "data")


def _last_day(text: str) -> str:
    """The last day that a date, month or year may mean: what is certainly old is old."""
    return f"{text}{'-12-31'[len(text) - 4 :]}" if len(text) in (4, 7) else text[:10]


@rule("R12")
def _up_to_date(case: Case, params: More) -> Iterator[Said]:
    oldest = (case.now.date() - timedelta(days=params["days"])).isoformat()
    if case.json.get("data_as_at", case.today) < oldest:
        yield Said("old", "data_as_at")
    for place in case.kind.unexpected_ages(case.fields, now=case.now):
        yield Said("age", place, "data")


@rule("R13")
def _necessary(case: Case, params: More) -> Iterator[Said]:
    for part in params["parts"]:
        if not case.json.get(part):
            yield Said("unsaid", part)
        elif _is_stock(case.json[part], params):
            yield Said("stock", part)
    if case.urgent:
        for place in case.kind.needs(case.fields):
            if not case.terms.need.get(place, "").strip():
                yield Said("no-need", f"need.{place}")


# --- to whom, when and how -------------------------------------------------------------------------------------


@rule("R14")
def _need_to_know(case: Case, params: More) -> Iterator[Said]:
    if len(case.situation.recipients) > params["recipients"]:
        yield Said("many", "recipients")


@rule("R15")
def _timely(case: Case, params: More) -> Iterator[Said]:
    if any(datetime.fromisoformat(moment) < case.now for moment in case.terms.codes("act_by")):
        yield Said("passed", "act_by")
    for part in case.terms.missing:
        yield Said("missing", part, owed=True)
    if case.outcome.get("emergency") and not case.json.get("break_glass", {}).get("review_on"):
        yield Said("unreviewed", "break_glass.review_on", owed=True)


@rule("R16")
def _secure(case: Case, params: More) -> Iterator[Said]:
    if case.situation.unconfirmed and not case.json.get("recipient_confirmed_by"):
        yield Said("unconfirmed", "recipient_confirmed_by")


@rule("R17")
def _retention(case: Case, params: More) -> Iterator[Said]:
    retention = case.json.get("retention")
    if not retention:
        return
    known = vocabulary.load("retention-rules")[retention["rule"]].more
    for part in ("destroy_on", "review_on"):
        if retention.get(part, case.today) < case.today:
            yield Said("past", f"retention.{part}")
    if retention.get("legal_hold") and "destroy_on" in retention:
        yield Said("held", "retention.destroy_on")
    if not known["period"] and not any(part in retention for part in ("period", "review_on", "destroy_on")):
        yield Said("open-ended", "retention.review_on")


@rule("R18")
def _purpose(case: Case, params: More) -> Iterator[Said]:
    purposes = vocabulary.load("purposes")
    for purpose in sorted(case.terms.purposes):
        place = "purpose" if purpose == case.terms.purpose else "permitted_purposes"
        if purposes[purpose].more.get("always_deny"):
            yield Said("always-denied", place)
        elif not case.terms.prohibited_purposes.isdisjoint([purpose, *purposes.ancestors(purpose)]):
            yield Said("prohibited", place)
    yield from _myths(case, "R18")


@rule("R20")
def _assumed_known(case: Case, params: More) -> Iterator[Said]:
    yield from _myths(case, "R20")


@rule("GR1")
def _no_barrier(case: Case, params: More) -> Iterator[Said]:
    yield from _myths(case, "GR1")


def _myths(case: Case, rule: str) -> Iterator[Said]:
    """Reasons for the decision that are written like a code which the guidance turns down, and which `rule` answers."""
    reasons = vocabulary.load("refusal-reasons")
    for number, text in enumerate(case.decision.get("reasons", ())):
        written = "-".join(Words.of(text).spaced.split()) if len(text) <= LONGEST else text
        term = reasons.terms.get(written)
        if term and term.more.get("rule") == rule and _is_myth(term, case.terms.route):
            yield Said("myth", f"decision.reasons.{number}", way_through=term.more["answer"])


def _is_myth(term: vocabulary.Term, route: str | None) -> bool:
    return bool(term.more.get("rejected")) and route in term.more.get("rejected_routes", [route])


# --- who might be harmed ---------------------------------------------------------------------------------------


@rule("R23")
def _protected(case: Case, params: More) -> Iterator[Said]:
    people = case.json.get("safety", {}).get("must_not_learn", ())
    tokens = [token for person in people for token in person.get("tokens", ())]
    if tokens:
        yield from _told(case, tokens, params["short"])
    if case.protects_address:
        yield from _addresses(case, params)


def _told(case: Case, tokens: Collection[str], short: Mapping[str, str]) -> Iterator[Said]:
    """Where one of the tokens stands; the texts are looked through one by one only if it may be in them at all."""
    written = case.texts()
    together = Words.of("\n".join(text for _, _, text in written), short)
    secrets = [secret for token in tokens if (secret := Secret.of(token, short)).may_be_in(together)]
    dates = [secret for secret in secrets if secret.may_be_a_date]
    for what, place, text in written if secrets else ():
        words = Words.of(text, short)
        if any(secret.is_in(words) for secret in (dates if is_moment(text) else secrets)):
            yield Said("told", place, what)


def _addresses(case: Case, params: More) -> Iterator[Said]:
    """What tells where somebody lives: a field for it, a postcode, or a house number and a street."""
    streets, never = params["streets"], params["never"]
    written = [each for each in case.texts() if each[2] not in _codes()]
    together = "\n".join(text for _, _, text in written)
    searched = has_postcode(together) or has_address(together, streets, never)
    for what, place, text in written:
        if what == "data" and place.rpartition(".")[2] in params["address_fields"]:
            yield Said("address-field", place, what)
        elif searched and (has_postcode(text) or has_address(text, streets, never)):
            yield Said("address", place, what)


@functools.cache
def _codes() -> frozenset[str]:
    """Every code of every vocabulary: the end of a section's number may look like a postcode."""
    return frozenset(term.code for name in vocabulary.names() for term in vocabulary.load(name))


# --- checklists ------------------------------------------------------------------------------------------------


@rule("F3")
def _identifier_verified(case: Case, params: More) -> Iterator[Said]:
    statuses = vocabulary.load("nhs-number-status")
    for place, code in case.kind.coded(case.fields, "nhs-number-status"):
        if not statuses[code].more.get("verified"):
            yield Said("unverified", place, "data")


@rule("F6")
def _sharing_agreement(case: Case, params: More) -> Iterator[Said]:
    if not case.json.get("isa_ref") and not case.json.get("isa_absence_reason"):
        yield Said("none", "isa_ref")


@rule("F12")
def _caldicott(case: Case, params: More) -> Iterator[Said]:
    types = vocabulary.load("org-types")
    outside = [kind for kind in case.situation.recipients.values() if not types[kind].more.get("health_or_care")]
    asked = {advice["role"] for advice in case.json.get("advice", ())}
    place = case.first_flagged(params["flags"]) if outside and not asked & {*params["roles"]} else None
    if place:
        yield Said("unasked", place, "data")


@rule("F13")
def _threshold(case: Case, params: More) -> Iterator[Said]:
    if case.json.get("threshold") or "threshold" in (*case.route.get("needs", ()), *case.route.get("owes", ())):
        return
    if case.shared_for & {*params["purposes"]}:
        yield Said("none", "threshold")
