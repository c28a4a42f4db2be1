"""The sealing rules of law: lawful basis, conditions for sensitive data, gateways, agreements relied on, Article 8.

What each code asks for (its guards) stands in its vocabulary; these functions hold a share to it. A sender or a
recipient whose type is not known is not held to what only its type decides.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sharekit.domain import vocabulary
from sharekit.domain.terms import Agreement
from sharekit.domain.vocabulary import Term
from sharekit.domain.wording import texts
from sharekit.policy.case import Case, More, Said, rule

__all__: list[str] = []

# --- the lawful basis ------------------------------------------------------------------------------------------

_ASKED = frozenset({"needs_agreement", "urgency", "warn_routes", "needs_competent_authority"})


@rule("L6")
def _article_6(case: Case, params: More) -> Iterator[Said]:
    for basis in (term.more for term in case.art6):
        if "needs_gateway" in basis and not _any_of_type(case, params["gateway_types"]):
            yield Said("no-gateway", "gateways")
        if "needs_duty_gateway" in basis and not _any_of_type(case, params["duty_types"]):
            yield Said("no-duty", "gateways")
        if "closed_to_public_authority" in basis or "warn_public_authority" in basis:
            yield from _closed_to(case, basis)
        if "needs" in basis:
            yield from _parts_for(case, basis)
        if "seldom_apt" in basis:
            yield Said("seldom-apt", "lawful_basis.art6")
        yield from _guards(case, basis, "lawful_basis.art6")


def _any_of_type(case: Case, types: Collection[str]) -> bool:
    return any(term.more["type"] in types for term in case.gateways)


def _closed_to(case: Case, basis: More) -> Iterator[Said]:
    """What is closed to public authorities, or to all but competent ones, or seldom right for them."""
    public = case.sender.get("public_authority")
    if basis.get("closed_to_public_authority") and public:
        yield Said("closed" if public is True else "closed-if-public", "lawful_basis.art6")
    if basis.get("warn_public_authority") and public is True:
        yield Said("public-authority", "lawful_basis.art6")


def _parts_for(case: Case, basis: More) -> Iterator[Said]:
    """The parts of the lawful basis that go with it, and what an Annex 1 condition asks for in turn."""
    for part in basis.get("needs", ()):
        if part != "withdrawal_route" and not case.terms.lawful_basis.get(part):
            yield Said("no-part", f"lawful_basis.{part}")
    for code in case.terms.codes("lawful_basis", "annex1_condition"):
        for part in vocabulary.load("annex1-conditions")[code].more.get("needs", ()):
            if not case.json.get(part):
                yield Said("no-request", part)


def _guards(case: Case, more: More, place: str) -> Iterable[Said]:
    """What a basis or a condition asks of agreement, urgency, route and sender."""
    return () if _ASKED.isdisjoint(more) else _held_to(case, more, place)


def _held_to(case: Case, more: More, place: str) -> Iterator[Said]:
    if "needs_agreement" in more and not case.given:
        yield Said("no-consent", place)
    elif "needs_agreement" in more and not any("basis" in each.kind for each in case.agreements):
        yield Said("unseparated", place)
    if case.json.get("urgency") not in more.get("urgency", [case.json.get("urgency")]):
        yield Said("not-immediate", place)
    if case.terms.route in more.get("warn_routes", ()):
        yield Said("safeguarding-route", place)
    if "needs_competent_authority" in more and case.sender and not case.sender.get("competent_authority"):
        yield Said("not-competent", place)


# --- sensitive data --------------------------------------------------------------------------------------------


@rule("L9")
def _article_9(case: Case, params: More) -> Iterator[Said]:
    yield from _uncovered(case, params)
    for term in case.art9:
        more = term.more
        if "needs_professional_secrecy" in more and not case.basis.get("professional_secrecy"):
            yield Said("no-secrecy", "lawful_basis.professional_secrecy")
        if "part3" in more and not case.part3:
            yield Said("not-part-3", "lawful_basis.art9")
        if "purposes_under" in more and not _under(case.terms.purposes, more["purposes_under"]):
            yield Said("other-purpose", "lawful_basis.art9")
        yield from _guards(case, more, "lawful_basis.art9")
    yield from _reason_and_policy(case, case.art9)


def _uncovered(case: Case, params: More) -> Iterable[Said]:
    """A special category in the data without a condition; under Part 3 one of its own, or agreement."""
    for term in case.art9:
        if "health_only" not in term.more and ("part3" in term.more) == case.part3:
            return ()
    if case.part3 and case.given:
        return ()
    covered = {*params["health"]} if case.art9 else set()
    place = case.first_flagged({*params["flags"]} - covered)
    return [Said("no-condition", place, "data")] if place else ()


@rule("L10")
def _article_10(case: Case, params: More) -> Iterator[Said]:
    place = None if case.art10 or case.part3 else case.first_flagged(params["flags"])
    if place:
        yield Said("no-condition", place, "data")
    for term in case.art10:
        if "official_authority" in term.more and case.sender and not case.sender.get("competent_authority"):
            yield Said("no-authority", "lawful_basis.art10")
        yield from _guards(case, term.more, "lawful_basis.art10")
    if not any("needs_p18_reason" in term.more for term in case.art9):  # Article 9's rule asks for it then
        yield from _reason_and_policy(case, case.art10)


def _reason_and_policy(case: Case, given: list[Term]) -> Iterator[Said]:
    """The reason that the safeguarding condition asks for, and the policy document that goes with it."""
    if "p18_reason" not in case.basis and any("needs_p18_reason" in term.more for term in given):
        yield Said("no-reason", "lawful_basis.p18_reason")
    if "apd_ref" not in case.basis and any("needs_apd" in term.more and not _exempt(case, term) for term in given):
        yield Said("no-policy", "lawful_basis.apd_ref")


def _exempt(case: Case, term: Term) -> bool:
    """Whether everybody who receives it is of the kind to which no policy document is needed."""
    types, kind = vocabulary.load("org-types"), str(term.more.get("apd_exempt_to"))
    receivers = case.situation.recipients.values()
    return bool(receivers) and all(types[each].more.get(kind) for each in receivers)


# --- gateways --------------------------------------------------------------------------------------------------


_LIMITS = frozenset(
    {"from_org_types", "to_org_types", "warn_alone_to", "needs", "purposes_under", "jurisdictions", "depersonalised"}
)


@rule("LG")
def _gateways(case: Case, params: More) -> Iterator[Said]:
    limited = [term.more for term in case.gateways if _is_limited(term.code)]
    for gateway in limited:
        yield from _who_to_whom(case, gateway)
        yield from _conditions(case, gateway, params)
    if limited and len(limited) == len(case.gateways):
        yield from _reached(case, limited)
    general = [term for term in case.gateways if "pair" in term.more]
    if case.gateways and len(general) == len(case.gateways):
        yield Said("unpaired", "gateways")
    elif case.gateways and {term.status for term in case.gateways} <= {*params["doubtful"]}:
        yield Said("doubtful", "gateways")
    if "depersonalised" in case.outcome or any("depersonalised" in gateway for gateway in limited):
        yield from _identified(case, params)


@functools.cache
def _is_limited(code: str) -> bool:
    """Whether a gateway asks for anything, or is closed to anybody."""
    return not _LIMITS.isdisjoint(vocabulary.load("gateways")[code].more)


def _who_to_whom(case: Case, gateway: More) -> Iterator[Said]:
    sender, receivers = case.situation.sender_type, {*case.situation.recipients.values()}
    if sender and sender not in gateway.get("from_org_types", [sender]):
        yield Said("not-from", "gateways")
    if receivers and "to_org_types" in gateway and receivers.isdisjoint(gateway["to_org_types"]):
        yield Said("not-to", "gateways")
    if receivers & {*gateway.get("warn_alone_to", ())} and len(case.gateways) == 1:
        yield Said("alone", "gateways")


def _reached(case: Case, gateways: list[More]) -> Iterator[Said]:
    """What to say where every gateway reaches some recipient, and no gateway reaches one of them."""
    reach = [gateway["to_org_types"] for gateway in gateways if "to_org_types" in gateway]
    receivers = {*case.situation.recipients.values()}
    if len(reach) < len(gateways) or any(receivers.isdisjoint(types) for types in reach):
        return
    if receivers - {kind for types in reach for kind in types}:
        yield Said("not-to", "gateways")


def _conditions(case: Case, gateway: More, params: More) -> Iterator[Said]:
    """What a gateway wants recorded, the purposes that it serves, and the law that it belongs to."""
    for part in gateway.get("needs", ()):
        if not any(case.json.get(name, "") not in ("", []) for name in (part, *params["instead"].get(part, ()))):
            yield Said("no-condition", part)
    if "purposes_under" in gateway and not _under(case.terms.purposes, gateway["purposes_under"]):
        yield Said("other-purpose", "gateways")
    law = case.json.get("jurisdiction")
    if law and law not in gateway.get("jurisdictions", [law]):
        yield Said("other-law", "jurisdiction")


def _identified(case: Case, params: More) -> Iterator[Said]:
    """The first field that says who somebody is, in what is said to name nobody."""
    names = {*params["identifying"]}
    place = next((place for place, _ in texts(case.fields) if names & {*place.split(".")}), None)
    if place:
        yield Said("identified", place, "data")


def _under(purposes: Collection[str], heading: str) -> bool:
    known = vocabulary.load("purposes")
    return any(heading in known.ancestors(purpose) for purpose in purposes)


# --- an agreement that the share rests on ----------------------------------------------------------------------


@rule("LC")
def _agreement_relied_on(case: Case, params: More) -> Iterator[Said]:
    given = [each for each in case.agreements if each.given]
    for each in given:
        if not each.in_force(case.now):
            yield Said("expired" if case.rests_on(each) else "expired-beside", f"{each.place}.expires_at")
        for part in each.status.get("needs", ()):
            if not each.item.get(part):
                yield Said("no-conditions", f"{each.place}.{part}")
        if case.rests_on(each):
            yield from _scope(case, f"{each.place}.scope", each.item.get("scope"))
    if given and any("withdrawal_route" in term.more.get("needs", ()) for term in case.art6):
        yield from _withdrawal([each for each in given if "consent" in each.kind])


def _withdrawal(given: list[Agreement]) -> Iterator[Said]:
    """Whether somebody was told how to take back the consent that is the lawful basis."""
    if given and not any(each.item.get("withdrawal_route") for each in given):
        yield Said("no-withdrawal", f"{given[0].place}.withdrawal_route")


def _scope(case: Case, place: str, scope: Any) -> Iterator[Said]:
    """What goes beyond the purposes, recipients and fields that were agreed to; prose is for people to read."""
    if not isinstance(scope, Mapping):
        return
    if not case.shared_for <= {*scope.get("purposes", case.shared_for)}:
        yield Said("purpose-outside", f"{place}.purposes")
    agreed = {*scope["recipients"]} if "recipients" in scope else None
    for org_id, org_type in case.situation.recipients.items() if agreed is not None else ():
        if agreed is not None and not agreed & {org_id, org_type}:
            yield Said("recipient-outside", f"{place}.recipients")
    if "fields" in scope:
        for path, _ in texts(case.fields):
            if not any(f"{path}.".startswith(f"{field}.") for field in scope["fields"]):
                yield Said("field-outside", path, "data")
                return


# --- private and family life -----------------------------------------------------------------------------------


@rule("F9")
def _article_8(case: Case, params: More) -> Iterable[Said]:
    record = case.json.get("hra")
    if record and record["engaged"] and all(record.get(part) for part in params["parts"]):
        return ()
    if case.given and case.first_flagged(params["flags"]) is None:
        return ()
    if not record:
        return [Said("none", "hra")]
    if not record["engaged"]:
        return [Said("not-engaged", "hra.engaged")]
    return [Said("incomplete", f"hra.{part}") for part in params["parts"] if not record.get(part)]
