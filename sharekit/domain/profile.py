"""Profiles: which fields, for which purposes, from whom to whom.

A profile is a JSON Schema with annotations, so that what a lawyer may change is data:

    x-profile        name, number, version, status, source; senders; recipients (org_types, and routes if not all);
                     sets of purposes; never: fields that have no place in it, and where they belong instead;
                     confirm: a second identifier, and the fields it may stand in; visibility: field, ends, months
    x-purposes       for which purposes a field is revealed: codes, or "@" and the name of a set; a field without
                     it follows the field it stands in
    x-break-glass    it belongs to what an emergency shows
    x-need           it is optional, and owes a sentence of need
    x-when           it is needed in this case, and only then
    x-computed       sealing fills it in
    x-flags          what makes it sensitive: H health, E ethnicity, R religion, S sex life, B biometric, X criminal
                     offence, P location, T third party, K confidential narrative, J court-restricted
    x-identifier     it identifies the subject, by this scheme
    x-senders        it may come from these types of organisation only
    x-expected-age   a date of birth that makes somebody older is worth a question

`validation` knows the rest: `x-codes`, `x-argued`, `x-instead`, `x-whole`, `x-not-future`, `x-order`, `x-form`,
`x-tells-of`.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from sharekit import registry
from sharekit.domain import vocabulary
from sharekit.domain.canonical import resolved
from sharekit.domain.fields import BREAK_GLASS, Field, breaks_glass, fields_of, in_order, order_of, revealed, shows
from sharekit.domain.validation import Places, Validator, path_name
from sharekit.domain.workdays import day_of, months_later, whole_years
from sharekit.errors import FieldMissing, NotMinimal, NotNeedToKnow, VisibilityEnded
from sharekit.moments import clock_of
from sharekit.values import Value

__all__ = ["Minimised", "Profile", "check_needs", "load", "minimise", "names"]


class Minimised(Value):
    """A dataset of which only the fields are left that the purposes reveal.

    `left_out` has the dotted paths of the others. `repr` shows names and no value.
    """

    fields: dict[str, Any]
    left_out: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Minimised(fields={list(self.fields)}, left_out={list(self.left_out)})"


class Profile:
    """One profile: its schema, compiled once, and what its annotations say of a dataset.

    `about` is its x-profile. `protectable` has the names of the fields about somebody whose address may be protected,
    `flaggable` every flag that a dataset of this profile can have. A dataset is called `fields` here, as JSON.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self.about: Mapping[str, Any] = schema["x-profile"]
        self.name: str = self.about["name"]
        self.version: str = self.about["version"]
        self.number: int = self.about["number"]
        self.title: str = schema["title"]
        self._validator = Validator(schema, what="data")
        self._schema = self._validator.schema
        self._fields = fields_of(self._schema, self.about.get("sets", {}))
        self._order = order_of(self._schema, self._schema)
        self._needs = self._validator.places("x-need")
        self._identifiers = self._validator.places("x-identifier")
        self._sources = self._validator.places("x-senders")
        self._ages = self._validator.places("x-expected-age")
        self._flags = self._validator.places("x-flags", "x-codes")
        self._codes: dict[str, Places] = {}
        self._statements = self._validator.places("x-statement")
        self.protectable = tuple(_protectable(self._schema))
        self.flaggable = frozenset(_flaggable(self._flags))

    # --- sealing ---

    def read(self, fields: Any) -> Any:
        """The fields with every value in the form in which it is kept, however it was written."""
        return self._validator.read(fields)

    def check_names(self, fields: Mapping[str, Any]) -> None:
        """Return only if no word such as "TBC" stands for a name; FieldInvalid. Of an urgent share it is not asked."""
        self._validator.check_names(fields)

    def check(self, fields: object, *, now: datetime) -> None:
        """Return only if `fields` are whole, valid and possible at `now`.

        Raises NotMinimal, FieldMissing, UnknownCode, FieldInvalid or VisibilityEnded.
        """
        self._check_never(fields)
        self._validator.check(fields)
        self._check_possible(fields, now)

    def check_kept(self, fields: object, *, now: datetime) -> None:
        """Return only if the fields that minimising kept are valid and possible at `now`; errors as in `check`."""
        self._check_never(fields)
        self.check_received(fields)
        self._check_possible(fields, now)

    def check_received(self, fields: object) -> None:
        """Return only if the fields that were received are valid; a field that is absent may have been left out.

        Raises NotMinimal, UnknownCode or FieldInvalid.
        """
        self._validator.check_parts(fields)

    def absent(self, fields: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
        """The path of every required part that `fields` lack, by the rules of the profile about other parts as well."""
        return (tuple(map(str, path)) for path in self._validator.absent(fields))

    def check_sender(self, org_type: str) -> None:
        """Return only if an organisation of this type may send a share of this profile; NotNeedToKnow otherwise."""
        if org_type not in self.about["senders"]:
            raise NotNeedToKnow(f"an organisation of type {org_type} does not send {self.name}")

    def check_source(self, fields: Mapping[str, Any], org_type: str) -> None:
        """Return only if all fields may come from an organisation of this type; NotMinimal names one that may not."""
        for path, node, _ in self._sources.found(fields):
            if org_type not in node["x-senders"]:
                raise NotMinimal(
                    f'data: "{path_name(path)}" does not come from an organisation of type {org_type}',
                    hint=f"leave it to: {', '.join(node['x-senders'])}",
                )

    def receives(self, org_type: str | None, *, route: str | None = None) -> bool:
        """Whether an organisation of this type may receive a share of this profile, on this route.

        Both are codes. False where `org_type` is None; where `route` is None, only a type may receive it that may on
        every route.
        """
        return any(
            org_type in group["org_types"] and ("routes" not in group or route in group["routes"])
            for group in self.about["recipients"]
        )

    def minimise(self, fields: dict[str, Any], purposes: Collection[str]) -> Minimised:
        """The fields that one of `purposes` reveals, and the names of the others."""
        return self._filter(fields, frozenset(purposes))

    def check_minimal(self, fields: dict[str, Any], purposes: Collection[str]) -> None:
        """Return only if every field is revealed for one of `purposes`; NotMinimal names the first that is not."""
        left_out = self._filter(fields, frozenset(purposes)).left_out
        if left_out:
            raise NotMinimal(
                f'data: "{left_out[0]}" is not permitted for the purpose',
                hint="seal with --minimise to leave out what the purpose does not need, or take it out yourself",
            )

    def check_shows(self, fields: Mapping[str, Any], purposes: Collection[str]) -> None:
        """Return only if something of `fields` is shown for one of `purposes`; NotMinimal names those that show it."""
        if not self._filter(dict(fields), frozenset(purposes)).fields:
            raise NotMinimal(
                f"of {self.name} nothing is shown for the purpose",
                hint=f"these purposes show something of it: {', '.join(sorted(self.shown_for))}",
            )

    def complete(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The same fields, and those that sealing computes from them."""
        ends = self._visible_until(fields)
        return fields if ends is None else {**fields, self.about["visibility"]["field"]: ends.isoformat()}

    def written(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The same fields, without those that sealing computes."""
        return {name: value for name, value in fields.items() if not self._schema["properties"][name].get("x-computed")}

    def needs(self, fields: Mapping[str, Any]) -> Iterator[str]:
        """The dotted paths of the optional fields that are there; the terms say of every one why it is needed."""
        for path, _, _ in self._needs.found(fields):
            yield path_name(part for part in path if isinstance(part, str))

    def identifiers(self, fields: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Scheme and value of every identifier of the subject, in the profile's order."""
        return [
            (node["x-identifier"], value)
            for _, node, value in self._identifiers.found(fields)
            if isinstance(value, str)
        ]

    def flags(self, fields: Mapping[str, Any]) -> frozenset[str]:
        """The kinds of sensitive data that are there: H health, X criminal offence, and so on.

        A field has its profile's flags, and a code its vocabulary's: a conviction is X wherever it stands.
        """
        return frozenset(flag for _, flag in self.flagged(fields))

    def flagged(self, fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """The dotted path of every sensitive field, and its flag; once for every flag that it has."""
        for path, node, value in self._flags.found(fields):
            for flag in _flags(node, value):
                yield path_name(path), flag

    def coded(self, fields: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
        """The dotted path of every field that takes its code from the vocabulary called `name`, and that code."""
        if name not in self._codes:
            self._codes[name] = self._flags.only(lambda node: node.get("x-codes") == name)
        return ((path_name(path), value) for path, _, value in self._codes[name].found(fields))

    def statements(self, fields: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The dotted path of every statement, and the statement."""
        return ((path_name(path), statement) for path, _, statement in self._statements.found(fields))

    def unexpected_ages(self, fields: Mapping[str, Any], *, now: datetime) -> Iterator[str]:
        """The dotted paths of dates of birth that make somebody older than expected; that refuses nothing."""
        for path, node, born in self._ages.found(fields):
            if whole_years(date.fromisoformat(born), day_of(now)) > node["x-expected-age"]:
                yield path_name(path)

    def born(self, fields: Mapping[str, Any]) -> date | None:
        """The date of birth of the child that the dataset is about; None where it holds none, or more than one."""
        found = {value for _, _, value in self._ages.found(fields)}
        return date.fromisoformat(found.pop()) if len(found) == 1 else None

    # --- opening ---

    def reveal(self, fields: dict[str, Any], purpose: str, *, break_glass: bool) -> Minimised:
        """The fields that opening for `purpose` shows, in the profile's order.

        `purpose` is a code; one that no field names shows nothing. With `break_glass` it is not looked at: the fields
        for an emergency are shown.
        """
        ordered = in_order(fields, self._order)
        return self._filter(ordered, frozenset({BREAK_GLASS if break_glass else purpose}))

    def check_visible(self, fields: Mapping[str, Any], *, now: datetime) -> None:
        """Return only if the profile's period of visibility has not ended at `now`; VisibilityEnded."""
        ends = self._visible_until(fields)
        if ends is not None and day_of(now) > ends:
            raise VisibilityEnded("the time for which this may be seen has ended")

    # --- the schema ---

    @property
    def fields(self) -> Mapping[str, Any]:
        """The schemas of the fields, by name, in the profile's order."""
        properties: Mapping[str, Any] = self._schema["properties"]
        return properties

    @property
    def required(self) -> list[str]:
        """The names of the fields that a whole dataset has."""
        required: list[str] = self._schema.get("required", [])
        return required

    def purposes_of(self, name: str) -> frozenset[str]:
        """The codes of the purposes for which a field of the dataset itself, not one inside another, is revealed."""
        return self._fields[name].purposes

    def reveals(self, path: str, purposes: Collection[str]) -> bool:
        """Whether what stands at a dotted path, or a part of it, is revealed for one of `purposes`.

        Positions in lists do not matter; False for what is no field.
        """
        known: Mapping[str, Field] = self._fields
        found: Field | None = None
        for name in (part for part in path.split(".") if not part.isdigit()):
            if name in known:
                found, known = known[name], known[name].inside
            elif known or found is None:
                return False
        return found is not None and shows(found, purposes)

    @property
    def shown_for(self) -> frozenset[str]:
        """The codes of all purposes for which some field is revealed."""
        return frozenset().union(*(field.purposes for field in self._fields.values())) - {BREAK_GLASS}

    def node_at(self, path: str) -> Mapping[str, Any] | None:
        """The schema of the field at a dotted path; None if no field has that path."""
        node: Mapping[str, Any] = self._schema
        for name in path.split("."):
            if name not in node.get("properties", {}):
                return None
            node = resolved(self._schema, node["properties"][name])
        return node

    def has(self, path: str) -> bool:
        """Whether a dotted path names a field, be it in an object or in the items of a list."""
        known: Any = self._order
        for name in path.split("."):
            if name not in known:
                return False
            known = known[name]
        return True

    @property
    def has_break_glass(self) -> bool:
        """Whether opening in an emergency shows any field."""
        return any(map(breaks_glass, self._fields.values()))

    def _filter(self, fields: dict[str, Any], wanted: frozenset[str]) -> Minimised:
        left_out: list[str] = []
        return Minimised(revealed(self._fields, fields, wanted, "", left_out), tuple(left_out))

    def _check_possible(self, fields: object, now: datetime) -> None:
        assert isinstance(fields, dict)  # the schema says so
        self._validator.check_facts(fields)
        self._validator.check_times(fields, now=now)
        self.check_visible(fields, now=clock_of(now))  # by the clock: whoever opens it looks again, by the record

    def _check_never(self, fields: object) -> None:
        never = self.about.get("never", {})
        for name in fields if isinstance(fields, dict) else ():
            if name in never:
                raise NotMinimal(f'data: "{name}" is never part of {self.name}', hint=never[name])

    def _visible_until(self, fields: Mapping[str, Any]) -> date | None:
        rule = self.about.get("visibility")
        if not rule or rule["ends"] not in fields:
            return None
        ended = date.fromisoformat(fields[rule["ends"]])
        return months_later(ended, rule["months"])


@functools.cache
def load(name: str) -> Profile:
    """The profile called `name`; UnknownCode if there is none."""
    return Profile(registry.document("profile", name))


def names() -> tuple[str, ...]:
    """The names of all profiles."""
    return registry.names("profile")


def minimise(dataset: dict[str, Any], profile: str, purposes: Collection[str], *, now: datetime) -> Minimised:
    """The fields that `purposes` reveal of a dataset that is whole and valid.

    Raises as `Profile.check`, and NotMinimal where nothing is left.
    """
    found = load(profile)
    dataset = found.read(dataset)
    found.check(dataset, now=now)
    kept = found.minimise(dataset, purposes)
    found.check_shows(kept.fields, purposes)
    return kept


def check_needs(profile: Profile, fields: dict[str, Any], need: Mapping[str, str]) -> None:
    """Return only if `need` has a sentence for every optional field that is there; FieldMissing names the first."""
    for path in profile.needs(fields):
        if not need.get(path, "").strip():
            raise FieldMissing(
                f'terms: "need.{path}" is missing', hint="say in one sentence why the recipient needs that field"
            )


def _protectable(schema: Mapping[str, Any]) -> Iterator[str]:
    """The names of the fields about somebody whose address may be protected."""
    for name, node in schema["properties"].items():
        if "protected_address" in resolved(schema, node).get("properties", {}):
            yield name


def _flaggable(places: Places) -> Iterator[str]:
    """Every flag that a field at one of these places, or a code in it, can have."""
    node = places.node or {}
    yield from node.get("x-flags", ())
    if node.get("x-codes", "profiles") != "profiles":
        yield from (flag for term in vocabulary.load(node["x-codes"]) for flag in term.more.get("flags", ()))
    for inner in places.inside.values():
        yield from _flaggable(inner)


def _flags(node: Mapping[str, Any], value: Any) -> Iterator[str]:
    if value not in ("", [], {}):
        yield from node.get("x-flags", ())
    if isinstance(value, str) and node.get("x-codes", "profiles") != "profiles":
        yield from vocabulary.load(node["x-codes"])[value].more.get("flags", ())
