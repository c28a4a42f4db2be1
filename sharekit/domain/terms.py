"""`ShareTerms`: everything the sender decides about a share, in one immutable value.

What people call consent is four things here: the lawful basis, agreement to share, agreement to a service, and
informing the family. The names and their nesting are those of `schemas/terms.json`; sealing fills in the rest.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sharekit import registry
from sharekit.domain import vocabulary, workdays
from sharekit.domain.validation import Validator, without_required
from sharekit.errors import FieldMissing, Malformed, UnknownCode
from sharekit.values import Value, field

__all__ = ["Agreement", "ShareTerms", "copied"]

JURISDICTION = "england"
DEFAULT_VALID_DAYS = 30


class Agreement(NamedTuple):
    """One agreement in the terms, with what the codes of its kind and its status mean.

    `place` is its dotted path in the terms and `item` its JSON. `kind` and `status` are the extra keys that the
    vocabularies have for the codes of its kind and its status; they are empty where the code is absent.
    """

    place: str
    item: Mapping[str, Any]
    kind: Mapping[str, Any]
    status: Mapping[str, Any]

    @property
    def given(self) -> bool:
        """Whether somebody agreed, even if the time for which they agreed is over."""
        return "given" in self.status

    def in_force(self, at: datetime) -> bool:
        """Whether somebody agreed, and the agreement has not ended at the moment `at`.

        One that ends on a day is in force until midnight in Great Britain; one that ends at a time, until that time.
        """
        ends = self.item.get("expires_at")
        return self.given and (ends is None or at < workdays.end(ends))


class ShareTerms(Value):
    """The terms of one share. `json` is their JSON form, which nobody may change; `repr` shows names and no value."""

    json: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, value: object) -> ShareTerms:
        """The terms that a sender wrote, as JSON; urgent ones may lack what can be written down afterwards.

        Raises Malformed for what is no JSON object, FieldMissing, NotMinimal, FieldInvalid or UnknownCode, naming
        the part and not its value.
        """
        if isinstance(value, ShareTerms):
            return value
        if not isinstance(value, Mapping):
            raise Malformed("the terms are not a JSON object", hint="see docs/examples for complete terms")
        given = _sent().read(dict(value))
        _check_whole(given, _sent(), _urgent())
        return cls(_usable(copied(given)))

    @classmethod
    def received(cls, value: object) -> ShareTerms:
        """The terms that came in a manifest: as whole and valid as `parse` has them, and filled in by sealing.

        Inside a part of urgent terms anything may be owed as well. Errors as in `parse`, and Malformed where something
        is missing that sealing always fills in.
        """
        if not isinstance(value, dict) or not value.keys() >= set(registry.document("terms")["x-filled"]["required"]):
            raise Malformed("the manifest's terms are not complete")
        _check_whole(value, _received(), _received_urgent())
        return cls(_usable(value))

    def check_times(self, *, now: datetime) -> None:
        """Return only if nothing that must have happened, such as the decision, lies after `now`; FieldInvalid.

        Nor may anything stand for a fact that is none.
        """
        _sent().check_facts(self.json)
        _sent().check_times(self.json, now=now)

    def filled(self, **facts: Any) -> ShareTerms:
        """The same terms with the `facts` that sealing knows: sender, recipients, versions, what was left out.

        The words that sealing looked for, such as the postcode of a refuge, are taken out.
        """
        terms = {"jurisdiction": JURISDICTION, **self.json, **facts}
        safety = self.json.get("safety")
        if safety is None:  # owed: an empty list would read as nobody
            return ShareTerms(terms)
        hushed = [{**person, "tokens": []} for person in safety["must_not_learn"]]
        return ShareTerms(terms | {"safety": {**safety, "must_not_learn": hushed}})

    @property
    def profile(self) -> str:
        """The name of the profile of the dataset."""
        return str(self.json["profile"])

    @property
    def purpose(self) -> str:
        """The code of the purpose of the share."""
        return str(self.json["purpose"])

    @property
    def permitted_purposes(self) -> frozenset[str]:
        """The codes of the purposes beside `purpose` for which the sender permits opening."""
        return frozenset(self.json.get("permitted_purposes", ()))

    @property
    def prohibited_purposes(self) -> frozenset[str]:
        """The codes of the purposes for which, and for all below which, the sender permits no opening."""
        return frozenset(self.json.get("prohibited_purposes", ()))

    @property
    def purposes(self) -> frozenset[str]:
        """The codes of all purposes that the sender stated; with `include_narrower` also of those below them."""
        stated = self.permitted_purposes | {self.purpose}
        if not self.json.get("include_narrower"):
            return stated
        return stated | {code for code in _below(stated) if not self._excludes(code)}

    def _excludes(self, purpose: str) -> bool:
        """Whether a purpose that was not named itself is prohibited, by the sender or always."""
        known = vocabulary.load("purposes")
        prohibited = self.prohibited_purposes.intersection([purpose, *known.ancestors(purpose)])
        return bool(prohibited or known[purpose].more.get("always_deny"))

    @property
    def route(self) -> str | None:
        """The code of the route on which the family is approached; None where the terms name none."""
        return self.json.get("route")

    @property
    def urgent(self) -> bool:
        """Whether the share is never held up because a record is missing.

        True for an emergency, and for urgency on a route on which the family need not be asked first; an unknown code
        is neither.
        """
        return _is_urgent(self.json)

    @property
    def emergency(self) -> bool:
        """Whether somebody is in danger now, so that parts of the data may be owed too."""
        return "urgent" in vocabulary.more("urgency", self.json.get("urgency"))

    @property
    def left_out(self) -> tuple[str, ...]:
        """The dotted paths of what the sender's data held and the packet does not; filled in by sealing."""
        return tuple(item["field"] for item in self.json.get("left_out", ()))

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of the parts that all terms have and these lack; only urgent terms may lack any."""
        return tuple(part for part in _sent().schema["required"] if part not in self.json)

    @property
    def owed(self) -> tuple[str, ...]:
        """The dotted paths of what all sealed terms have and these lack, also inside their parts.

        Only urgent terms that were received may lack any.
        """
        inside = {".".join(map(str, path)) for path in _received().absent(self.json)} if self.urgent else set()
        return (*self.missing, *sorted(inside.difference(self.missing)))

    @property
    def retention(self) -> Mapping[str, Any]:
        """The part that says how long the recipient may keep a copy; while that is owed, a rule without an end."""
        until_recorded = registry.document("terms")["x-until-recorded"]
        return {**until_recorded["retention"], **self.json.get("retention", {})}

    @property
    def lawful_basis(self) -> Mapping[str, Any]:
        """The part that names the lawful basis and its conditions; empty where that is owed."""
        basis: Mapping[str, Any] = self.json.get("lawful_basis", {})
        return basis

    @property
    def valid_days(self) -> int:
        """For how many days from its issue the packet can first be opened; 30 where the terms do not say."""
        return int(self.json.get("valid_days", DEFAULT_VALID_DAYS))

    @property
    def agreements(self) -> list[Agreement]:
        """Every agreement that the terms name, in their order."""
        return [
            Agreement(
                f"agreement.{number}",
                item,
                vocabulary.more("agreement-kinds", item.get("kind")),
                vocabulary.more("agreement-status", item.get("status")),
            )
            for number, item in enumerate(self.json.get("agreement", ()))
        ]

    @property
    def need(self) -> Mapping[str, str]:
        """The sentences that say why an optional field is needed, by the dotted path of the field."""
        need: Mapping[str, str] = self.json.get("need", {})
        return need

    def handling_codes(self) -> frozenset[str]:
        """The codes of all handling conditions, whether or not something stands beside the code."""
        conditions = self.json.get("handling", ())
        return frozenset(c if isinstance(c, str) else c["code"] for c in conditions)

    def codes(self, *path: str) -> list[str]:
        """The codes that stand at `path`, the names that lead to a part; empty where nothing stands there."""
        found: Any = self.json
        for name in path:
            found = found.get(name, {}) if isinstance(found, Mapping) else {}
        return [found] if isinstance(found, str) else list(found or ())

    def __repr__(self) -> str:
        return f"ShareTerms({', '.join(self.json)})"


def _check_whole(terms: dict[str, Any], whole: Validator, urgent: Validator) -> None:
    """Return only if terms have what `whole` requires, or are urgent and have what `urgent` requires."""
    try:
        whole.check(terms)
    except FieldMissing:
        if not _is_urgent(terms):
            raise
        urgent.check(terms)


def _usable(terms: dict[str, Any]) -> dict[str, Any]:
    """The terms, if their purpose is not a heading, for which nothing is shared; UnknownCode otherwise."""
    if vocabulary.load("purposes")[terms["purpose"]].more.get("usable") is False:
        raise UnknownCode('terms: "purpose" is a heading, not a purpose', hint="sharekit vocab purposes lists them")
    return terms


def _is_urgent(terms: Mapping[str, Any]) -> bool:
    """An emergency, or urgency on a route on which the family need not be asked first; unknown codes are neither."""
    decision = terms.get("decision")
    outcome = decision.get("outcome") if isinstance(decision, Mapping) else None
    if "emergency" in vocabulary.more("decisions", outcome):
        return True
    first_asked = "needs_agreement" in vocabulary.more("routes", terms.get("route"))
    return "urgent" in vocabulary.more("urgency", terms.get("urgency")) and not first_asked


def _below(purposes: frozenset[str]) -> Iterator[str]:
    known = vocabulary.load("purposes")
    return (each.code for each in known if purposes.intersection(known.ancestors(each.code)))


def copied(value: Any) -> Any:
    """A copy that nobody else can change; of plain JSON, so that `deepcopy`'s care is not needed."""
    if isinstance(value, dict):
        return {key: item if type(item) is str else copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [item if type(item) is str else copied(item) for item in value]
    return value


@functools.cache
def _sent() -> Validator:
    return Validator(registry.document("terms"), what="terms")


@functools.cache
def _urgent() -> Validator:
    """The schema of what cannot wait: who decided what, for which purpose; the rest is owed."""
    schema = registry.document("terms")
    return Validator(schema | {"required": schema["x-required-when-urgent"]}, what="terms")


@functools.cache
def _received() -> Validator:
    """The schema of terms on the wire: what a sender writes, and what `x-filled` says sealing adds."""
    return Validator(_filled(registry.document("terms"), "required"), what="terms")


@functools.cache
def _received_urgent() -> Validator:
    """The same of urgent terms, in whose parts anything may be owed."""
    schema = _filled(registry.document("terms"), "x-required-when-urgent")
    return Validator(without_required(schema) | {"required": schema["required"]}, what="terms")


def _filled(schema: Mapping[str, Any], required: str) -> dict[str, Any]:
    properties = schema["properties"] | schema["x-filled"]["properties"]
    return {**schema, "properties": properties, "required": schema[required]}
