"""One share as the rules look at it: its terms, its data, and what stands in neither of them.

`rule` puts a function into the table of its rulebook id; the function says which of the rule's answers apply, and
where. What an answer says, and how heavily, is data in the rulebook.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from sharekit import profile, vocabulary
from sharekit.terms import ShareTerms
from sharekit.vocabulary import Term
from sharekit.wording import texts

__all__ = ["FUNCTIONS", "Agreement", "Case", "More", "Said", "Situation", "rule"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """Who sends and who receives, as far as it is known, and what was written lately.

    `recipients` has the type of each organisation, `unconfirmed` those whose fingerprint nobody has compared, and
    `repeats` says how many of the last decisions were explained in the same words.
    """

    sender_type: str | None = None
    recipients: Mapping[str, str] = field(default_factory=dict)
    unconfirmed: Collection[str] = ()
    repeats: int = 0


class Said(NamedTuple):
    """One answer of a rule, and the place in terms or data that it is about.

    `way_through` where it depends on the code that stands there, `owed` where the route lets it follow.
    """

    answer: str
    place: str
    what: str = "terms"
    way_through: str | None = None
    owed: bool = False


More = Mapping[str, Any]


class Agreement(NamedTuple):
    """One agreement, its place, and what its kind and its status mean."""

    place: str
    item: More
    kind: More
    status: More

    @property
    def given(self) -> bool:
        return bool(self.status.get("given"))


Function = Callable[["Case", More], Iterable[Said]]

FUNCTIONS: dict[str, Function] = {}


def rule(*ids: str) -> Callable[[Function], Function]:
    """Put a function beside the rules of these ids in the rulebook."""

    def beside(function: Function) -> Function:
        FUNCTIONS.update(dict.fromkeys(ids, function))
        return function

    return beside


class Case:
    """The share that is being assessed; what several rules ask about is found once."""

    def __init__(
        self, terms: ShareTerms, fields: Mapping[str, Any], *, now: datetime, situation: Situation
    ) -> None:
        self.terms, self.json, self.fields = terms, terms.json, fields
        self.now, self.today, self.situation = now, now.date().isoformat(), situation
        self.kind, self.urgent = profile.load(terms.profile), terms.urgent
        self.decision = self.json.get("decision", _NOTHING)
        self.basis = self.json.get("lawful_basis", _NOTHING)
        self._look_up()
        self._weigh_agreements()

    def _look_up(self) -> None:
        """What the vocabularies say of the codes that stand in the terms; empty where none stands."""
        basis = self.basis
        self.route = _more("routes", self.json.get("route"))
        self.outcome = _more("decisions", self.decision.get("outcome"))
        self.sender = _more("org-types", self.situation.sender_type)
        self.art6 = _terms("art6", (basis["art6"],)) if "art6" in basis else []
        self.art9 = _terms("art9", basis["art9"]) if "art9" in basis else []
        self.art10 = _terms("art10", basis["art10"]) if "art10" in basis else []
        self.gateways = _terms("gateways", self.json.get("gateways", ()))
        self.part3 = bool(self.art6) and "part3" in self.art6[0].more

    def _weigh_agreements(self) -> None:
        """Each agreement with what its codes mean; whether somebody agreed to the share, and whether that matters.

        `unagreed`: it is shared without agreement, and neither a court nor a duty makes agreement beside the point.
        """
        self.agreements = [
            Agreement(f"agreement.{number}", item, _more("agreement-kinds", item["kind"]), status)
            for number, item in enumerate(self.json.get("agreement", ()))
            for status in [_more("agreement-status", item["status"])]
        ]
        self.given = duty = False
        for each in self.agreements:
            self.given = self.given or ("consent" in each.kind and "given" in each.status)
            duty = duty or ("share" in each.kind and "duty" in each.status)
        self.unagreed = not self.given and not duty

    def first_flagged(self, flags: Collection[str]) -> str | None:
        """The place of the first field that has one of `flags` (H health, X criminal offence, and so on)."""
        if not self.kind.flaggable.isdisjoint(flags):
            for place, flag in self.kind.flagged(self.fields):
                if flag in flags:
                    return place
        return None

    def texts(self) -> list[tuple[str, str, str]]:
        """Whose ("terms" or "data"), place and words of every text but those that say what must not be learnt."""
        outside = {name: part for name, part in self.json.items() if name != "safety"}
        told = [("data", *each) for each in texts(self.fields)]
        return told + [("terms", *each) for each in texts(outside)]

    @property
    def shared_for(self) -> frozenset[str]:
        """The purposes that were written down; those below them are meant where they are."""
        return self.terms.permitted_purposes | {self.terms.purpose}

    @property
    def kinds_needed(self) -> list[str]:
        """The kinds of agreement without which it does not go: the profile's own, or to the share on some routes."""
        if "agreement" in self.kind.about:
            return list(self.kind.about["agreement"])
        kinds = vocabulary.load("agreement-kinds") if self.route.get("needs_agreement") else ()
        return [kind.code for kind in kinds if kind.more.get("share")]

    def rests_on(self, agreement: Agreement) -> bool:
        """Whether the share rests on this agreement: its profile, route or lawful basis asks for one."""
        conditions = (*self.art6, *self.art9, *self.art10)
        asked = any(term.more.get("needs_agreement") for term in conditions)
        return asked or agreement.item["kind"] in self.kinds_needed

    @property
    def decided_by(self) -> str:
        return str(self.decision.get("by", ""))

    @property
    def protects_address(self) -> bool:
        """Whether an address must not become known: the terms say so, or the data of somebody."""
        if self.json.get("safety", _NOTHING).get("protected_address"):
            return True
        parts = (part for part in self.fields.values() if type(part) is dict)
        return any(part.get("protected_address") for part in parts)


_NOTHING: More = MappingProxyType({})


def _more(name: str, code: str | None) -> More:
    return vocabulary.load(name).terms[code].more if code else _NOTHING


def _terms(name: str, codes: Iterable[str]) -> list[Term]:
    known = vocabulary.load(name).terms
    return [known[code] for code in codes]
