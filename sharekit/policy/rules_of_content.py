"""The sealing rules about what is said: fact and opinion, old and new, need, and what somebody must not learn."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from sharekit.domain import vocabulary
from sharekit.domain.wording import Secret, Words, has_address, has_postcode, is_moment, unquoted
from sharekit.domain.workdays import day_of, months_later
from sharekit.policy.case import NOTHING, Case, More, Said, rule

__all__: list[str] = []


# --- statements ------------------------------------------------------------------------------------------------


@rule("R10")
def _fact_or_opinion(case: Case, params: More) -> Iterator[Said]:
    kinds = vocabulary.load("statement-kinds")
    for place, statement in case.kind.statements(case.fields):
        if "observer" not in kinds[statement["kind"]].more:
            continue
        words = Words.of(unquoted(statement["text"])).without(params["fair"])
        if words.said(params["judgements"]):
            yield Said("judgement", f"{place}.text", "data")
        elif words.said(params["impressions"]):
            yield Said("impression", f"{place}.text", "data")
        if not _may_be_author(statement["source"], statement["author_role"], case.decided_by):
            yield Said("not-the-author", f"{place}.source", "data")


def _may_be_author(source: str, role: str, decided_by: str) -> bool:
    """Whether the source and the author may be the same: a word in common, or the person who took the decision."""
    said, name = {*Words.of(source).spaced.split()}, {*Words.of(decided_by).spaced.split()}
    return bool(said & {*Words.of(role).spaced.split()}) or bool(name and name <= said)


@rule("R11")
def _history(case: Case, params: More) -> Iterator[Said]:
    horizon = None
    for place, statement in case.kind.statements(case.fields):
        if horizon is None:
            months = case.kind.about.get("horizon_months", params["months"])
            horizon = months_later(case.day, -months).isoformat()
        days = [_last_day(statement[when]) for when in ("as_of", "observed_at") if when in statement]
        if any(day < horizon for day in days) and not statement.get("historical_note"):
            yield Said("unexplained", f"{place}.historical_note", "data")


def _last_day(text: str) -> str:
    """The last day that a time, date, month or year may mean: what is certainly old is old."""
    if "T" in text:
        return day_of(datetime.fromisoformat(text)).isoformat()
    return f"{text}{'-12-31'[len(text) - 4 :]}" if len(text) in (4, 7) else text


@rule("R12")
def _up_to_date(case: Case, params: More) -> Iterator[Said]:
    as_at = case.json.get("data_as_at", case.today)
    if as_at < case.today and as_at < (case.day - timedelta(days=params["days"])).isoformat():
        yield Said("old", "data_as_at")
    for place in case.kind.unexpected_ages(case.fields, now=case.now):
        yield Said("age", place, "data")


@rule("R13")
def _necessary(case: Case, params: More) -> Iterator[Said]:
    for part in params["parts"]:
        if not case.json.get(part):
            yield Said("unsaid", part)
        elif Words.fits_any_case(case.json[part], params):
            yield Said("stock", part)
    for place in case.kind.needs(case.fields) if case.urgent else ():  # otherwise that was refused before
        if not case.terms.need.get(place, "").strip():
            yield Said("no-need", f"need.{place}")


@rule("F3")
def _identifier_verified(case: Case, params: More) -> Iterator[Said]:
    statuses = vocabulary.load("nhs-number-status")
    for place, code in case.kind.coded(case.fields, "nhs-number-status"):
        if "verified" not in statuses[code].more:
            yield Said("unverified", place, "data")


# --- who might be harmed ---------------------------------------------------------------------------------------


@rule("R23")
def _protected(case: Case, params: More) -> Iterable[Said]:
    people = case.json.get("safety", NOTHING).get("must_not_learn", ())
    tokens = [token for person in people for token in person.get("tokens", ())]
    told = _told(case, tokens, params["short"]) if tokens else []
    return [*told, *_addresses(case, params)] if case.protects_address else told


def _told(case: Case, tokens: Collection[str], short: Mapping[str, str]) -> list[Said]:
    """Where one of the tokens stands; the texts are looked through one by one only if it may be in them at all."""
    written = case.texts()
    together = Words.of("\n".join(text for _, _, text in written), short)
    secrets = [secret for token in tokens if (secret := Secret.of(token, short)).may_be_in(together)]
    dates = [secret for secret in secrets if secret.may_be_a_date]
    return [
        Said("told", place, what)
        for what, place, text in (written if secrets else ())
        for words in [Words.of(text, short)]
        if any(secret.is_in(words) for secret in (dates if is_moment(text) else secrets))
    ]


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
