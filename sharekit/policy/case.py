"""One share as the rules look at it: its terms, its data, and what stands in neither of them.

`rule` puts a function into the table of its rulebook id; the function says which of the rule's answers apply, and
where. What an answer says, and how heavily, is data in the rulebook. Thirty rules look at every share, and most have
nothing to say of it: each finds that out first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from sharekit.domain import profile, vocabulary
from sharekit.domain.terms import Agreement, ShareTerms
from sharekit.domain.vocabulary import Term
from sharekit.domain.wording import Words, texts
from sharekit.domain.workdays import day_of
from sharekit.values import Value, field

__all__ = ["FUNCTIONS", "NOTHING", "Case", "More", "Said", "Situation", "is_myth", "rule"]

More = Mapping[str, Any]

LONGEST = 60  # characters from which on a reason is a sentence and no code
NOTHING: More = MappingProxyType({})


class Situation(Value, kw_only=True):
    """Who sends and who receives, as far as it is known, and what was written lately.

    `recipients` maps the id of an organisation to its type, `unconfirmed` has the ids of those whose fingerprint
    nobody has compared, and `repeats` is the number of late decisions that were explained in the same words.
    """

    sender_type: str | None = None
    recipients: Mapping[str, str] = field(default_factory=dict)
    unconfirmed: Collection[str] = ()
    repeats: int = 0


UNKNOWN = Situation()


class Said(NamedTuple):
    """One answer of a rule: the name of the answer, and the dotted path in terms or data (`what`) that it is about.

    `way_through` is None unless it depends on the code that stands there; `owed` says that it may follow later.
    """

    answer: str
    place: str
    what: str = "terms"
    way_through: str | None = None
    owed: bool = False


Function = Callable[["Case", More], Iterable[Said]]

FUNCTIONS: dict[str, Function] = {}


def rule(*ids: str) -> Callable[[Function], Function]:
    """Put a function into the table of the rules, under the ids that the rulebook has for them."""

    def beside(function: Function) -> Function:
        FUNCTIONS.update(dict.fromkeys(ids, function))
        return function

    return beside


class Case:
    """The share that is assessed; what several rules ask about it is looked up once.

    `day` is the day in Great Britain, `today` the same as text.
    """

    def __init__(
        self, terms: ShareTerms, fields: Mapping[str, Any], *, now: datetime, situation: Situation | None = None
    ) -> None:
        self.terms, self.json, self.fields = terms, terms.json, fields
        self.now, self.day, self.situation = now, day_of(now), situation or UNKNOWN
        self.today = self.day.isoformat()
        self.kind = profile.load(terms.profile)
        self.decision = self.json.get("decision", NOTHING)
        self.basis = self.json.get("lawful_basis", NOTHING)
        self.coded_reasons = [text for text in self.decision.get("reasons", ()) if len(text) <= LONGEST]
        self._look_up()
        self._weigh_agreements()

    def _look_up(self) -> None:
        """What the vocabularies say of the codes that stand in the terms; empty where none stands."""
        basis = self.basis
        self.route = vocabulary.more("routes", self.json.get("route"))
        self.outcome = vocabulary.more("decisions", self.decision.get("outcome"))
        self.sender = vocabulary.more("org-types", self.situation.sender_type)
        self.art6 = _terms("art6", (basis["art6"],)) if "art6" in basis else []
        self.art9 = _terms("art9", basis["art9"]) if "art9" in basis else []
        self.art10 = _terms("art10", basis["art10"]) if "art10" in basis else []
        self.gateways = _terms("gateways", self.json["gateways"]) if "gateways" in self.json else []
        self.part3 = bool(self.art6) and "part3" in self.art6[0].more

    def _weigh_agreements(self) -> None:
        """Look up the agreements, whether somebody agreed to the share, and whether that matters.

        `unagreed` says that it is shared without agreement, and that no court and no duty decides in its place.
        """
        self.agreements = self.terms.agreements
        self.to_share = [each for each in self.agreements if "share" in each.kind]
        self.given = any(each.given and "consent" in each.kind for each in self.agreements)
        self.unagreed = not self.given and not any("duty" in each.status for each in self.to_share)

    @property
    def urgent(self) -> bool:
        """Whether the share is never held up because a record is missing."""
        return self.terms.urgent

    @property
    def kinds_needed(self) -> Collection[str]:
        """The codes of the kinds of agreement without which it does not go, as its profile or its route asks."""
        own: Collection[str] | None = self.kind.about.get("agreement")
        if own is None:
            return _kinds_to_share() if "needs_agreement" in self.route else ()
        return own

    def rests_on(self, agreement: Agreement) -> bool:
        """Whether the share rests on this agreement: its profile, route or lawful basis asks for one."""
        conditions = (*self.art6, *self.art9, *self.art10)
        asked = any(term.more.get("needs_agreement") for term in conditions)
        return asked or agreement.item["kind"] in self.kinds_needed

    def first_flagged(self, flags: Collection[str]) -> str | None:
        """The dotted path of the first field with one of `flags` (H health, X criminal offence, ...), or None."""
        if not self.kind.flaggable.isdisjoint(flags):
            for place, flag in self.kind.flagged(self.fields):
                if flag in flags:
                    return place
        return None

    def texts(self) -> list[tuple[str, str, str]]:
        """Every text as "terms" or "data", its dotted path and its words, without the part that says what to hide."""
        outside = {name: part for name, part in self.json.items() if name != "safety"}
        told = [("data", *each) for each in texts(self.fields)]
        return told + [("terms", *each) for each in texts(outside)]

    def myths(self, rule: str) -> Iterable[Said]:
        """The answers of `rule` to codes among the reasons for the decision that the guidance turns down."""
        return self._myths(rule) if self.coded_reasons else ()

    def _myths(self, rule: str) -> Iterator[Said]:
        for number, text in enumerate(self.decision["reasons"]):
            term = _written_like(text) if text in self.coded_reasons else None
            if term and term.more.get("rule") == rule and is_myth(term, self.terms.route):
                yield Said("myth", f"decision.reasons.{number}", way_through=term.more["answer"])

    @property
    def shared_for(self) -> frozenset[str]:
        """The purposes that the terms name themselves, without those below them."""
        return self.terms.permitted_purposes | {self.terms.purpose}

    @property
    def decided_by(self) -> str:
        """The name of whoever decided to share; empty where that is owed."""
        return str(self.decision.get("by", ""))

    @property
    def protects_address(self) -> bool:
        """Whether the terms, or the data about somebody, say that an address must not become known."""
        if self.json.get("safety", NOTHING).get("protected_address"):
            return True
        return any(self.fields.get(name, NOTHING).get("protected_address") for name in self.kind.protectable)


def is_myth(term: Term, route: str | None) -> bool:
    """Whether a reason is one that the guidance turns down, on this route."""
    return bool(term.more.get("rejected")) and route in term.more.get("rejected_routes", [route])


def _written_like(text: str) -> Term | None:
    """The term of the reason whose code somebody wrote, with any capitals and spaces; None if it is no code."""
    return vocabulary.load("refusal-reasons").terms.get("-".join(Words.of(text).spaced.split()))


def _terms(name: str, codes: Iterable[str]) -> list[Term]:
    known = vocabulary.load(name).terms
    return [known[code] for code in codes]


@functools.cache
def _kinds_to_share() -> tuple[str, ...]:
    return tuple(kind.code for kind in vocabulary.load("agreement-kinds") if "share" in kind.more)
