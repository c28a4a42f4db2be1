"""Profiles: which fields, for which purposes, from whom to whom.

A profile is a JSON Schema with annotations per field (`x-purposes`, `x-need`, `x-identifier`, ...), so that what
a lawyer may change is data. A field without `x-purposes` of its own follows the field it stands in.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sharekit import registry
from sharekit.errors import (
    FieldInvalid,
    FieldMissing,
    IdentityMismatch,
    NotMinimal,
    NotNeedToKnow,
    VisibilityEnded,
)
from sharekit.validation import Validator

__all__ = ["Minimised", "Profile", "load", "minimise", "names"]

BREAK_GLASS = "break-glass"  # stands among a field's purposes where the break-glass subset has it


@dataclass(frozen=True, slots=True)
class Minimised:
    """A dataset of which only what the purpose reveals is left; `left_out` names the rest. `repr` shows no value."""

    fields: dict[str, Any]
    left_out: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Minimised(fields={list(self.fields)}, left_out={list(self.left_out)})"


class Profile:
    """One profile, compiled once."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.about: Mapping[str, Any] = schema["x-profile"]
        self.name: str = self.about["name"]
        self.version: str = self.about["version"]
        self.number: int = self.about["number"]
        self.title: str = schema["title"]
        self._validator = Validator(schema, what="data")
        self._schema = self._validator.schema
        self._sets: Mapping[str, list[str]] = self.about.get("sets", {})
        self._top = {name: self._purposes(node) for name, node in self._schema["properties"].items()}

    # --- sealing ---

    def check(self, fields: object, *, now: datetime) -> None:
        """Return only if `fields` are whole, valid and possible at `now`.

        Raises NotMinimal, FieldMissing, UnknownCode, FieldInvalid or VisibilityEnded.
        """
        self._check_never(fields)
        self._validator.check(fields)
        assert isinstance(fields, dict)  # the schema says so
        self._check_times(fields, now)
        self.check_visible(fields, now=now)

    def check_received(self, fields: object) -> None:
        """Return only if what came is valid; what the sender left out is not missed."""
        self._validator.check_parts(fields)

    def check_sender(self, org_type: str) -> None:
        """Return only if such an organisation may send this; NotNeedToKnow otherwise."""
        if org_type not in self.about["senders"]:
            raise NotNeedToKnow(f"an organisation of type {org_type} does not send {self.name}")

    def receives(self, org_type: str | None, *, route: str | None = None) -> bool:
        """Whether an organisation of this type may have it, on this route."""
        return any(
            org_type in group["org_types"] and ("routes" not in group or route in group["routes"])
            for group in self.about["recipients"]
        )

    def minimise(self, fields: dict[str, Any], purposes: Collection[str]) -> Minimised:
        """Keep what one of `purposes` reveals, and name what is left out."""
        kept, left_out = self._filter(fields, frozenset(purposes))
        return Minimised(kept, tuple(left_out))

    def check_minimal(self, fields: dict[str, Any], purposes: Collection[str]) -> None:
        """Return only if every field is revealed for one of `purposes`; NotMinimal names the first that is not."""
        left_out = self._filter(fields, frozenset(purposes))[1]
        if left_out:
            raise NotMinimal(
                f'data: "{left_out[0]}" is not permitted for the purpose',
                hint="seal with --minimise to leave out what the purpose does not need, or take it out yourself",
            )

    def complete(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The fields with the computed ones filled in."""
        ends = self._visible_until(fields)
        return fields if ends is None else {**fields, self.about["visibility"]["field"]: ends.isoformat()}

    def needs(self, fields: dict[str, Any]) -> Iterator[str]:
        """The paths of optional fields that are present and so owe a sentence of need."""
        for path, node, _ in _walk(self._schema, fields, ""):
            if node.get("x-need"):
                yield path

    def identifiers(self, fields: dict[str, Any]) -> list[tuple[str, str]]:
        """Scheme and value of every identifier of the subject, in the profile's order."""
        return [
            (node["x-identifier"], value)
            for _, node, value in _walk(self._schema, fields, "")
            if "x-identifier" in node and isinstance(value, str)
        ]

    # --- opening ---

    def reveal(self, fields: dict[str, Any], purpose: str, *, break_glass: bool) -> Minimised:
        """The fields that opening for `purpose` shows, in the profile's order; the break-glass subset if asked."""
        wanted = BREAK_GLASS if break_glass else purpose
        kept, left_out = self._filter(fields, frozenset({wanted}))
        return Minimised({name: kept[name] for name in self._top if name in kept}, tuple(left_out))

    def check_identity(self, fields: dict[str, Any], confirm: Mapping[str, str]) -> None:
        """Return only if the second identifier the profile asks for was given and matches; IdentityMismatch."""
        asked = [name for name in self.about.get("confirm", ()) if name in fields]
        if not asked:
            return
        if asked[0] not in confirm:
            raise IdentityMismatch(
                "a second identifier is needed before anything is shown", hint=f"add --confirm {asked[0]}=VALUE"
            )
        if confirm[asked[0]].strip() != fields[asked[0]]:
            raise IdentityMismatch("the second identifier does not match")

    def check_visible(self, fields: Mapping[str, Any], *, now: datetime) -> None:
        """Return only if the profile's period of visibility has not ended at `now`; VisibilityEnded."""
        ends = self._visible_until(fields)
        if ends is not None and now.date() > ends:
            raise VisibilityEnded("the time for which this may be seen has ended")

    # --- the schema, walked ---

    @property
    def fields(self) -> Mapping[str, Any]:
        """The schema of every field, in order."""
        properties: Mapping[str, Any] = self._schema["properties"]
        return properties

    @property
    def required(self) -> list[str]:
        required: list[str] = self._schema.get("required", [])
        return required

    def purposes_of(self, name: str) -> frozenset[str]:
        """The purposes for which a top-level field is revealed."""
        return self._top[name] or frozenset()

    def _purposes(self, node: Mapping[str, Any]) -> frozenset[str] | None:
        if "x-purposes" not in node and "x-break-glass" not in node:
            return None
        named = node.get("x-purposes", ())
        sets = [self._sets[name[1:]] if name.startswith("@") else [name] for name in named]
        codes = {code for group in sets for code in group}
        return frozenset(codes | {BREAK_GLASS} if node.get("x-break-glass") else codes)

    def _filter(self, fields: dict[str, Any], wanted: frozenset[str]) -> tuple[dict[str, Any], list[str]]:
        left_out: list[str] = []
        kept = self._filter_object(self._schema, fields, wanted, frozenset(), "", left_out)
        return kept, left_out

    def _filter_object(
        self,
        schema: Mapping[str, Any],
        value: dict[str, Any],
        wanted: frozenset[str],
        inherited: frozenset[str],
        prefix: str,
        left_out: list[str],
    ) -> dict[str, Any]:
        kept = {}
        for name, item in value.items():
            node = _resolved(self._schema, schema["properties"][name])
            own = self._top[name] if not prefix else self._purposes(node)
            purposes = inherited if own is None else own
            result = self._filter_value(node, item, wanted, purposes, f"{prefix}{name}", left_out)
            if result is not _NOTHING:
                kept[name] = result
        return kept

    def _filter_value(
        self,
        node: Mapping[str, Any],
        value: Any,
        wanted: frozenset[str],
        purposes: frozenset[str],
        path: str,
        left_out: list[str],
    ) -> Any:
        allowed = bool(purposes & wanted)
        if isinstance(value, dict) and value and _differs_inside(self._schema, node):
            kept = self._filter_object(node, value, wanted, purposes, f"{path}.", left_out)
            return kept or _NOTHING
        if isinstance(value, list) and value and _differs_inside(self._schema, node.get("items", {})):
            items = _resolved(self._schema, node["items"])
            rows = [
                self._filter_object(items, row, wanted, purposes, f"{path}.{i}.", left_out)
                for i, row in enumerate(value)
            ]
            return rows if any(rows) else _NOTHING
        if allowed:
            return value
        left_out.append(path)
        return _NOTHING

    # --- times ---

    def _check_never(self, fields: object) -> None:
        never = self.about.get("never", {})
        for name in fields if isinstance(fields, dict) else ():
            if name in never:
                raise NotMinimal(f'data: "{name}" is never part of {self.name}', hint=never[name])

    def _check_times(self, fields: dict[str, Any], now: datetime) -> None:
        for path, node, value in _walk(self._schema, fields, ""):
            if node.get("x-not-future") and _moment(value) > now:
                raise FieldInvalid(f'data: "{path}" lies in the future')
        for earlier, later in self.about.get("order", ()):
            if earlier in fields and later in fields and _moment(fields[later]) < _moment(fields[earlier]):
                raise FieldInvalid(f'data: "{later}" is before "{earlier}"')

    def _visible_until(self, fields: Mapping[str, Any]) -> date | None:
        rule = self.about.get("visibility")
        if not rule or rule["ends"] not in fields:
            return None
        ended = date.fromisoformat(fields[rule["ends"]])
        return _months_later(ended, rule["months"])


_NOTHING = object()


@functools.cache
def load(name: str) -> Profile:
    """The profile called `name`; UnknownCode if there is none."""
    return Profile(registry.document("profile", name))


def names() -> tuple[str, ...]:
    """The names of all profiles."""
    return registry.names("profile")


def minimise(dataset: dict[str, Any], profile: str, purposes: Collection[str], *, now: datetime) -> Minimised:
    """A whole and valid dataset cut down to what `purposes` reveal; errors as in `Profile.check`."""
    found = load(profile)
    found.check(dataset, now=now)
    return found.minimise(dataset, purposes)


def check_needs(profile: Profile, fields: dict[str, Any], need: Mapping[str, str]) -> None:
    """Return only if every optional field that is present has its sentence; FieldMissing names the first."""
    for path in profile.needs(fields):
        if not need.get(path, "").strip():
            raise FieldMissing(
                f'terms: "need.{path}" is missing', hint="say in one sentence why the recipient needs that field"
            )


def _resolved(root: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node with its `$ref` into `$defs` followed; the node's own annotations win."""
    if "$ref" not in node:
        return node
    target = root["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return {**target, **{key: value for key, value in node.items() if key != "$ref"}}


def _differs_inside(root: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    """Whether some field inside has purposes of its own, so that an object cannot be taken or left whole."""
    node = _resolved(root, node)
    return any(
        "x-purposes" in inner or "x-break-glass" in inner or _differs_inside(root, inner)
        for inner in map(functools.partial(_resolved, root), node.get("properties", {}).values())
    )


def _walk(
    root: Mapping[str, Any], value: Any, prefix: str, schema: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
    """Path, schema and value of every field; items of a list share their list's path."""
    schema = root if schema is None else schema
    if isinstance(value, dict):
        for name, item in value.items():
            node = _resolved(root, schema["properties"][name])
            yield f"{prefix}{name}", node, item
            yield from _walk(root, item, f"{prefix}{name}.", node)
    elif isinstance(value, list) and "items" in schema:
        items = _resolved(root, schema["items"])
        for item in value:
            yield from _walk(root, item, prefix, items)


def _moment(text: str) -> datetime:
    """A date and time, or the first moment of a date, which in a British summer is an hour before that of UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC) - timedelta(hours=1)


def _months_later(day: date, months: int) -> date:
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month, last)
        except ValueError:
            continue
    raise AssertionError("every month has a 28th")  # pragma: no cover
