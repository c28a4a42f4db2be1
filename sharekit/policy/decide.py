"""Purpose limitation: `decide` before opening. No cryptography, no clock, no database.

`decide` walks the ordered compatibility engine: the first step that answers wins, and every answer carries the
id of its rule. The steps are code; what they say, and the matrix they read, are data in `schemas/`.
It fails closed on meaning: a code nobody knows, or a cell nobody filled, opens nothing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sharekit.domain import profile, vocabulary
from sharekit.domain.terms import ShareTerms
from sharekit.errors import PurposeRefused
from sharekit.policy import use as footing
from sharekit.policy.local import UNREAD, LocalPolicy, shipped
from sharekit.policy.use import Use, engine
from sharekit.values import Value, field

__all__ = ["Obligation", "Verdict", "answered_for", "decide", "is_emergency", "nothing_to_show"]

ALLOWING = frozenset({"allow", "allow-with-record", "allow-logged"})


class Obligation(Value):
    """Something that whoever opens must do: a handling condition of the sender, or what the engine asks for."""

    code: str
    text: str


class Verdict(Value):
    """The answer of the engine for exactly these terms and this use.

    `outcome` is allow, allow-with-record, allow-logged, refer or deny, and `rule` the id of the step that answered.
    `code` is the code of the refusal, None where it allows. `hint` is the way through of a refusal; of an opening it
    is what somebody should look at again, and may be empty.
    """

    outcome: str
    rule: str
    code: str | None
    message: str
    hint: str
    source: str
    terms: ShareTerms = field(repr=False)
    use: Use = field(repr=False)
    now: datetime
    policy: LocalPolicy = field(repr=False)

    @property
    def allowed(self) -> bool:
        """Whether data may be shown."""
        return self.outcome in ALLOWING

    @property
    def is_ordered(self) -> bool:
        """Whether it opens on the strength of a court's order, whose number was given as the reason."""
        return self.allowed and self.rule == "R18.2"

    @property
    def obligations(self) -> tuple[Obligation, ...]:
        """The things that whoever opens must do or leave undone; empty where nothing opens."""
        return tuple(_obligations(self)) if self.allowed else ()

    def require(self) -> None:
        """Return only if the verdict allows; PurposeRefused with its code and rule otherwise."""
        if not self.allowed:
            raise PurposeRefused(
                self.message, code=self.code or "refer-to-sender", hint=self.hint, rule=self.rule, source=self.source
            )


def decide(terms: ShareTerms, use: Use, *, now: datetime, policy: LocalPolicy | None = None) -> Verdict:
    """The verdict on whether what was shared under `terms` may be opened for `use` (UK GDPR Article 8A).

    A refusal is returned and not raised. `policy` is the agency's own; without one the shipped policy decides.

    >>> verdict = sharekit.decide(manifest.terms, use, now=now)
    >>> verdict.outcome, verdict.rule
    ('allow', 'R18.4')
    """
    case = _Case(terms, use, now, policy or shipped())
    return case.verdict(_first(case))


def is_emergency(use: Use) -> bool:
    """Whether somebody breaks the glass for a purpose that opens in an emergency: nothing local stops that."""
    return use.break_glass and use.purpose in _emergencies()


def answered_for(use: Use) -> bool:
    """Whether somebody who breaks the glass says who they are, and why."""
    return not list(_unanswered(use))


def _unanswered(use: Use) -> Iterator[str]:
    """What to add before the glass is broken, as options."""
    if not _is_given(use.by):
        yield "--as NAME"
    if not _is_given(use.reason):
        yield "--reason TEXT"
    elif not footing.is_reason(use.reason):
        yield "--reason TEXT in several words: what has happened, or what is feared"


def nothing_to_show(verdict: Verdict) -> Verdict:
    """The verdict, a referral, on a use that was allowed and yet reveals no field."""
    case = _Case(verdict.terms, verdict.use, verdict.now, verdict.policy)
    return case.verdict(_Answer("R18.10", "nothing"))


class _Answer(NamedTuple):
    """The id of the step that answered, the name of its answer, and a hint, None where the step's own will do."""

    rule: str
    name: str
    hint: str | None = None


class _Case:
    """One question to the engine, with the answers to what several steps ask."""

    __slots__ = ("cell", "now", "policy", "stated", "terms", "use")

    def __init__(self, terms: ShareTerms, use: Use, now: datetime, policy: LocalPolicy) -> None:
        self.terms, self.use, self.now, self.policy = terms, use, now, policy
        self.cell = policy.cell(terms, use.purpose)
        self.stated = _stated(terms, use.purpose)

    @property
    def court_restricted(self) -> bool:
        return not self.stated and (self.cell == "court" or _restricted(self.terms))

    @property
    def ordered(self) -> bool:
        """Whether a court's order is cited, with its number."""
        number = re.compile(engine()["court"]["number"])
        cited = bool(number.fullmatch((self.use.reason or "").strip()))
        return self.use.gateway in engine()["court"]["orders"] and cited

    @property
    def emergency(self) -> bool:
        """Whether somebody breaks the glass for a purpose that opens in an emergency."""
        return is_emergency(self.use)

    def verdict(self, answer: _Answer) -> Verdict:
        step = engine()["steps"][answer.rule]
        said = step["answers"][answer.name]
        return Verdict(
            outcome=said["outcome"],
            rule=answer.rule,
            code=said["code"],
            message=said["message"],
            hint=self._hint(answer, said),
            source=self._source(step),
            terms=self.terms,
            use=self.use,
            now=self.now,
            policy=self.policy,
        )

    def _hint(self, answer: _Answer, said: dict[str, Any]) -> str:
        """The way through; where nothing opened, also the one in an emergency, if there is one."""
        hint: str = said["hint"] if answer.hint is None else answer.hint
        if said["outcome"] in ALLOWING and self.policy.unread:
            return "; ".join(filter(None, [hint, f"{UNREAD.message}: {UNREAD.way_through}"]))
        if said["outcome"] in ALLOWING or answer.rule == "R18.7" or said["code"] == "unknown-code":
            return hint
        return "; ".join([hint, *_in_an_emergency(self)])

    def _source(self, step: dict[str, Any]) -> str:
        if step.get("matrix") and self.policy.is_local(self.terms, self.use.purpose):
            return f"{step['source']}; {engine()['words']['local']}"
        source: str = step["source"]
        return source


# --- the steps, in order ---------------------------------------------------------------------------------------


def _first(case: _Case) -> _Answer:
    for step in _STEPS:
        answer = step(case)
        if answer:
            return answer
    return _Answer("R18.10", "refer")


def _1_excluded(case: _Case) -> _Answer | None:
    purpose, purposes = case.use.purpose, vocabulary.load("purposes")
    if purpose not in purposes:
        return _Answer("R18.1", "unknown")
    wrong = footing.misnamed(case.use)
    if wrong:
        return _Answer("R18.1", "unknown", wrong)
    more = purposes[purpose].more
    if more.get("usable") is False:
        return _Answer("R18.1", "heading")
    if _prohibited(case.terms, purpose) or (more.get("always_deny") and purpose not in case.policy.opened):
        return _Answer("R18.1", "prohibited")
    return _Answer("R18.1", "local") if purpose in case.policy.prohibited else None


def _2_court(case: _Case) -> _Answer | None:
    if not case.court_restricted or case.emergency:
        return None
    if not case.ordered:
        return _Answer("R18.2", "permission-and-sender" if case.cell == "deny" else "permission")
    owed = footing.lacking(case.terms, case.use, ordered=True)
    return _Answer("R18.2", "permission", f"add {', '.join(owed)}") if owed else None


def _3_need_to_know(case: _Case) -> _Answer | None:
    name, org_type = case.terms.profile, case.use.org_type
    if not profile.load(name).receives(org_type, route=case.terms.route):
        return _Answer("R18.3", "outside")
    return None if case.emergency or case.policy.receives(name, org_type) else _Answer("R18.3", "local")


def _4_same_purpose(case: _Case) -> _Answer | None:
    return _Answer("R18.4", "same") if case.stated else None


def _5_incompatible(case: _Case) -> _Answer | None:
    return _Answer("R18.5", "incompatible") if case.cell == "deny" else None


def _5_ordered(case: _Case) -> _Answer | None:
    """A court's order, which step 2 has seen, opens whatever the matrix does not call incompatible."""
    return _Answer("R18.2", "ordered", _to_look_at(case)) if case.court_restricted and not case.emergency else None


def _6_compatible(case: _Case) -> _Answer | None:
    return _Answer("R18.6", "compatible") if case.cell == "allow" and not case.court_restricted else None


def _7_break_glass(case: _Case) -> _Answer | None:
    if case.emergency:
        missing = list(_unanswered(case.use))
        return _Answer("R18.7", "unnamed", f"add {' and '.join(missing)}") if missing else _Answer("R18.7", "emergency")
    return _Answer("R18.7", "unasserted") if case.cell == "allow-logged" else None


def _8_consent(case: _Case) -> _Answer | None:
    """Consent stands before the record route only: what the sender is asked about anyway needs no more."""
    if case.cell not in _RECORDS or not _collected_on_consent(case.terms):
        return None
    return None if _reaches_beyond_consent(case.use) else _Answer("R18.8", "consent")


def _9_record(case: _Case) -> _Answer | None:
    if case.cell not in _RECORDS:
        return None
    if case.cell == "record-with-agreement" and not _agreed(case.terms, case.now):
        return _Answer("R18.9", "unagreed")
    owed = footing.lacking(case.terms, case.use)
    if owed:
        return _Answer("R18.9", "unrecorded", f"add {', '.join(owed)}; or ask the sender")
    return _Answer("R18.9", "recorded", _to_look_at(case))


_RECORDS = frozenset({"record", "record-with-agreement"})
_STEPS: tuple[Callable[[_Case], _Answer | None], ...] = (
    _1_excluded,
    _2_court,
    _3_need_to_know,
    _4_same_purpose,
    _5_incompatible,
    _5_ordered,
    _6_compatible,
    _7_break_glass,
    _8_consent,
    _9_record,
)


# --- what the steps ask ----------------------------------------------------------------------------------------


def _prohibited(terms: ShareTerms, purpose: str) -> bool:
    """Whether the sender prohibited a purpose, or one above it in the hierarchy."""
    above = vocabulary.load("purposes").ancestors(purpose)
    return not terms.prohibited_purposes.isdisjoint([purpose, *above])


def _stated(terms: ShareTerms, purpose: str) -> bool:
    """Whether the sender said so: ancestors are never implied, descendants only with `include_narrower`."""
    stated = {terms.purpose, *terms.permitted_purposes}
    if purpose in stated:
        return True
    known = vocabulary.load("purposes")
    narrower = bool(terms.json.get("include_narrower")) and purpose in known
    return narrower and not stated.isdisjoint(known.ancestors(purpose))


def _restricted(terms: ShareTerms) -> bool:
    court = engine()["court"]
    restrictions, handling = terms.codes("restriction"), terms.handling_codes()
    return not (handling.isdisjoint(court["handling"]) and set(restrictions).isdisjoint(court["restrictions"]))


def _collected_on_consent(terms: ShareTerms) -> bool:
    return not set(terms.codes("lawful_basis", "art6")).isdisjoint(engine()["consent_bases"])


def _reaches_beyond_consent(use: Use) -> bool:
    """Fresh consent; showing compliance; or where asking is unreasonable an Annex 2 condition, or a law's objective."""
    if use.basis in engine()["consent_bases"] or use.purpose in engine()["compliance_purposes"]:
        return True
    return _is_given(use.reason) and bool(use.annex2 or _authorised(use))


def _authorised(use: Use) -> bool:
    """Whether a law authorises it for one of the objectives of Article 23(1)(c) to (j)."""
    if use.gateway is None:
        return False
    lawful = vocabulary.load("gateways")[use.gateway].more["type"] in engine()["laws"]
    headings = engine()["objectives"]["under"]
    return lawful and any(above in headings for above in vocabulary.load("purposes").ancestors(use.purpose))


def _agreed(terms: ShareTerms, now: datetime) -> bool:
    """Whether an agreement to the share is in force, and nobody said no."""
    kinds, against = engine()["agreement_kinds"], engine()["agreement_against"]
    asked = [each for each in terms.agreements if each.item.get("kind") in kinds]
    refused = any(each.item.get("status") in against for each in asked)
    return not refused and any(each.in_force(now) for each in asked)


def _is_given(text: str | None) -> bool:
    return bool(text and text.strip())


def _to_look_at(case: _Case) -> str:
    return "; ".join(footing.cautions(case.terms, case.use, now=case.now))


def _in_an_emergency(case: _Case) -> Iterator[str]:
    """The emergency's way through, where these terms have one for this organisation that shows something."""
    shows = profile.load(case.terms.profile).has_break_glass
    for code in _emergencies():
        asserted = Use(
            purpose=code, org_type=case.use.org_type, break_glass=True, by="somebody", reason="in an emergency"
        )
        rule, name, _ = _first(_Case(case.terms, asserted, case.now, case.policy))
        outcome = engine()["steps"][rule]["answers"][name]["outcome"]
        if outcome == "allow" or (outcome == "allow-logged" and shows):
            yield engine()["words"]["emergency"].format(purpose=code)
            return


def _obligations(verdict: Verdict) -> Iterator[Obligation]:
    known = vocabulary.load("handling")
    for code in sorted(verdict.terms.handling_codes()):
        yield Obligation(code, known[code].definition)
    for code, each in engine()["obligations"].items():
        if verdict.outcome in each["outcomes"]:
            yield Obligation(code, each["text"])


@functools.cache
def _emergencies() -> tuple[str, ...]:
    return tuple(term.code for term in vocabulary.load("purposes") if term.more.get("break_glass"))
