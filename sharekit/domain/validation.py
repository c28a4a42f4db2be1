"""Validates JSON values against the shipped schemas, with messages that name fields and never values.

A schema is JSON Schema 2020-12 with annotations. It is compiled in two ways: with and without what it requires.

    x-codes         one of this vocabulary's codes, but for those kept to be turned down; becomes an `enum`
    x-argued        a code of this vocabulary, alone or with the argument that the vocabulary says it needs
    x-instead       what to do instead, where a field has no place
    x-whole         what it requires is always required: minimising takes nothing out of it
    x-not-future    a day or time that has come, when a share is sealed
    x-order         pairs of fields of an object, of which the second does not come before the first
    x-form          the form of a text, as `forms` reads it
    x-tells-of      a code that says whether there is a value in the field beside it

A `$ref` into `parts.json` becomes a definition of the schema's own.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sharekit import registry
from sharekit.domain import display, forms, vocabulary
from sharekit.domain.canonical import Canonical, resolved
from sharekit.domain.identifiers import FORMATS
from sharekit.domain.workdays import day_of, is_before, rough_beginning
from sharekit.errors import FieldInvalid, FieldMissing, NotMinimal, Refused, UnknownCode
from sharekit.values import Value

if TYPE_CHECKING:
    import jsonschema_rs

__all__ = ["Places", "Validator", "path_name", "values_at", "without_required"]

_NAME = re.compile(r"([a-z_](?:[A-Za-z_.-]|[0-9]{1,3}(?![0-9])){0,79}|[0-9]{1,4})\Z")  # like ours, or a position
_UNKNOWN = "unknown"
_PARTS = "parts.json#/$defs/"
_REQUIRING = ("required", "dependentRequired", "minItems", "minProperties")
_CONDITIONS = ("if", "not")  # kept as they are: without what it requires, a condition would mean something else


_CHECKED = ("nhs-number", "upn")
_SHOWN = ("line", "reference", "capitals")
_NO_FACT = "leave it out, or write what is known; what stands for nothing is taken for somebody's"
MOST_FAULTS, LARGEST_PART = 20, 200  # faults, and items that are looked at once something is known to be wrong
Path = tuple[object, ...]


class Places(Value):
    """The places of a schema that have an annotation, as a tree that is walked beside a value.

    `node` is the schema at this place, None where it lacks the annotation. `inside` has the places below it by name,
    those in the items of a list under "*".
    """

    node: Mapping[str, Any] | None
    inside: Mapping[str, Places]

    def only(self, wanted: Callable[[Mapping[str, Any]], bool]) -> Places:
        """The places whose schema is `wanted`."""
        inside = {name: inner.only(wanted) for name, inner in self.inside.items()}
        kept = {name: inner for name, inner in inside.items() if inner.node is not None or inner.inside}
        return Places(self.node if self.node is not None and wanted(self.node) else None, kept)

    def found(self, value: Any, path: Path = ()) -> list[tuple[Path, Mapping[str, Any], Any]]:
        """The path, the schema and the value of everything in `value` that stands at one of these places."""
        rows: list[tuple[Path, Mapping[str, Any], Any]] = []
        self._collect(value, path, rows)
        return rows

    def _collect(self, value: Any, path: Path, rows: list[tuple[Path, Mapping[str, Any], Any]]) -> None:
        if self.node is not None:
            rows.append((path, self.node, value))
        inside = self.inside
        if inside and type(value) is dict:
            for name, inner in inside.items():
                if name in value and name != "*":
                    inner._collect(value[name], (*path, name), rows)
        elif type(value) is list and "*" in inside:
            for position, item in enumerate(value):
                inside["*"]._collect(item, (*path, position), rows)


class Validator:
    """A schema, compiled when it is first needed; errors say `what` it is.

    `check` wants a whole value, `check_parts` forgives absent parts.
    """

    def __init__(self, schema: dict[str, Any], *, what: str) -> None:
        self.schema = _expand(schema | {"$defs": registry.document("parts")["$defs"] | schema.get("$defs", {})})
        self._what = what
        self._past = self.places("x-not-future")
        self._orders = self.places("x-order")
        self._argued = self.places("x-argued")
        self._facts = self.places("x-form")
        self._told = self.places("x-tells-of")
        self._canonical = Canonical.of(self.schema, self.schema)

    def read(self, value: Any) -> Any:
        """The value with every text in the form in which it is kept; what cannot be read stays as it was."""
        return self._canonical.read(value)

    @functools.cached_property
    def _whole(self) -> jsonschema_rs.Draft202012Validator:
        return _compile(self.schema)

    @functools.cached_property
    def _parts(self) -> jsonschema_rs.Draft202012Validator:
        return _compile(without_required(self.schema))

    def check(self, value: object) -> None:
        """Return only if `value` is whole and valid.

        Raises NotMinimal for an undeclared field, then FieldMissing, UnknownCode, FieldInvalid, in this order.
        """
        self._check(self._whole, value)
        for path, argument in self._arguments(value):
            raise FieldMissing(
                f"{self._what}: {_quoted(path)} is missing",
                hint=f'write the condition as an object, with "code" and "{argument}"',
            )

    def check_parts(self, value: object) -> None:
        """Return only if every part that `value` has is valid; errors as in `check`, but never FieldMissing."""
        self._check(self._parts, value)

    def absent(self, value: object) -> Iterator[Path]:
        """The path of every part that the schema requires of `value` and that is absent, or empty where it may not be.

        What else is wrong with `value` is not told.
        """
        for error in self._whole.iter_errors(value):
            path, kind = tuple(error.instance_path), error.kind
            if kind.name == "required":
                yield (*path, str(getattr(kind, "property", "")).strip('"'))
            elif kind.name in ("minItems", "minProperties"):
                yield path
        yield from (path for path, _ in self._arguments(value))

    def check_times(self, value: Mapping[str, Any], *, now: datetime) -> None:
        """Return only if nothing lies after `now` that has happened, and nothing ends before it began; FieldInvalid."""
        longest = forms.longest_ago()
        for path, _, text in self._past.found(value):
            if text == _UNKNOWN:
                continue
            if rough_beginning(text) > now:
                raise FieldInvalid(f"{self._what}: {_quoted(path)} lies in the future")
            if day_of(now).year - int(text[:4]) > longest:
                raise self._no_fact(path)
        for path, node, item in self._orders.found(value):
            self._check_order(node["x-order"], item, path)

    def check_facts(self, value: Any) -> None:
        """Return only if nothing in `value` stands where a fact is wanted and is none; FieldInvalid names the first.

        That is a number of zeros, a name that shows nothing, a number beside the code that says that there is none.
        """
        for path, node, text in self._facts.found(value):
            if type(text) is str:
                self._check_fact(path, node["x-form"], text)
        for path, node, code in self._told.found(value):
            beside = (*path[:-1], node["x-tells-of"])
            present = next(values_at(value, [str(name) for name in beside]), None) is not None
            if vocabulary.more(node["x-codes"], code).get("number_present") is (not present):
                raise FieldInvalid(
                    f"{self._what}: {_quoted(path)} and {_quoted(beside)} contradict each other",
                    hint="one of the two is wrong: take out the number, or correct its status",
                )

    def _check_fact(self, path: Path, form: str, text: str) -> None:
        if form in _SHOWN and not display.shows_all(text):
            raise FieldInvalid(
                f"{self._what}: {_quoted(path)} has characters that nobody sees",
                hint="type it again by hand; what was copied may bring characters that are not shown",
            )
        if forms.canonical(form, text) is None:
            raise FieldInvalid(f"{self._what}: {_quoted(path)} does not have the right form", hint=forms.wanted(form))
        if forms.is_placeholder(form, text):
            raise self._no_fact(path)

    def check_names(self, value: Any) -> None:
        """Return only if no word such as "TBC" stands for a name; FieldInvalid names the first."""
        for path, node, text in self._facts.found(value):
            if type(text) is str and forms.is_placeholder(node["x-form"], text, field=str(path[-1])):
                raise self._no_fact(path)

    def _no_fact(self, path: Path) -> FieldInvalid:
        return FieldInvalid(f"{self._what}: {_quoted(path)} is a placeholder, and no fact", hint=_NO_FACT)

    def places(self, *annotations: str) -> Places:
        """The places that have one of `annotations`, in the schema's order."""
        return _places(self.schema, self.schema, annotations)

    def _check(self, compiled: jsonschema_rs.Draft202012Validator, value: object) -> None:
        try:
            if compiled.is_valid(value):
                return
            errors = [self._translated(error) for error in _first_errors(compiled, value)]
        except (ValueError, RecursionError):  # half a surrogate pair, a depth without end, or what JSON cannot say
            raise FieldInvalid(f"{self._what}: a part of it is not plain JSON") from None
        raise min(errors, key=lambda error: _ORDER.index(type(error)))

    def _arguments(self, value: object) -> Iterator[tuple[Path, str]]:
        """Path and name of every argument that a code asks for and lacks (do-not-inform: whom)."""
        for path, node, given in self._argued.found(value):
            condition = {"code": given} if isinstance(given, str) else given or {}
            argument = vocabulary.more(node["x-argued"], condition.get("code")).get("argument")
            if argument and argument not in condition:
                yield (*path, argument), argument

    def _check_order(self, orders: list[list[str]], item: Mapping[str, Any], path: Path) -> None:
        for earlier, later in orders:
            if earlier in item and later in item and is_before(item[later], item[earlier]):
                raise FieldInvalid(f"{self._what}: {_quoted([*path, later])} is before {_quoted([*path, earlier])}")

    def _translated(self, error: jsonschema_rs.ValidationError) -> Refused:
        path, kind, what = list(error.instance_path), error.kind, self._what
        match kind.name:
            case "additionalProperties" | "falseSchema" | "not":
                names = getattr(kind, "unexpected", None) or [path.pop() if path else ""]
                instead = _node_of(self.schema, error).get("x-instead")
                return NotMinimal(f"{what}: {_quoted([*path, sorted(names)[0]])} has no place in it", hint=instead)
            case "required":
                missing = str(getattr(kind, "property", "")).strip('"')
                return FieldMissing(f"{what}: {_quoted([*path, missing])} is missing")
            case "enum" if isinstance(error.instance, str):
                hint = _codes_hint(_node_of(self.schema, error), error.instance)
                return UnknownCode(f"{what}: {_quoted(path)} is not on its code list", hint=hint)
            case "minItems" | "minProperties":
                return FieldMissing(f"{what}: {_quoted(path)} is empty")
            case _:
                node = _node_of(self.schema, error)
                checked = " or check digit" if node.get("format") in _CHECKED else ""
                return FieldInvalid(
                    f"{what}: {_quoted(path)} does not have the right form{checked}",
                    hint=forms.wanted(node.get("x-form", "")),
                )


_ORDER: list[type[Refused]] = [NotMinimal, FieldMissing, UnknownCode, FieldInvalid]


def path_name(path: Iterable[object]) -> str:
    """The dotted path of a field, such as `statements.0.kind`."""
    return ".".join(str(part) for part in path)


def values_at(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """Everything that stands at a path in a JSON value, where `*` means all items of a list."""
    if not path:
        yield value
    elif path[0] == "*":
        for item in value if isinstance(value, list) else ():
            yield from values_at(item, path[1:])
    elif isinstance(value, Mapping) and path[0] in value:
        yield from values_at(value[path[0]], path[1:])


# --- messages --------------------------------------------------------------------------------------------------


def _node_of(root: Mapping[str, Any], error: jsonschema_rs.ValidationError) -> Mapping[str, Any]:
    """The node of the schema whose keyword failed."""
    node: Any = root
    for part in list(error.schema_path)[:-1]:
        node = node[part]
    return node if isinstance(node, dict) else {}


def _codes_hint(node: Mapping[str, Any], given: str) -> str:
    """What to do about a code that is on no list, or on the list of those that are kept to be turned down."""
    name = node.get("x-codes")
    if name and name != "profiles" and given in vocabulary.load(name):
        answer = vocabulary.load(name)[given].more.get("answer")
        if answer:
            return str(answer)
    if len(node["enum"]) <= 8:
        return f"use one of: {', '.join(node['enum'])}"
    return "sharekit profiles lists the profiles" if name == "profiles" else f"sharekit vocab {name} lists the codes"


def _quoted(path: Iterable[object]) -> str:
    """The field's name; one that is no ordinary name might be somebody's, and is not repeated."""
    parts = [str(part) for part in path]
    if not parts:
        return "the whole of it"
    return f'"{path_name(parts)}"' if all(map(_NAME.match, parts)) else "a field whose name is not shown"


# --- schemas ---------------------------------------------------------------------------------------------------


def _compile(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True, formats=FORMATS, offline=True)


def _first_errors(compiled: jsonschema_rs.Draft202012Validator, value: Any) -> Iterable[jsonschema_rs.ValidationError]:
    """The first faults of a value, at most 20: a fault for every one of many thousand items would fill the memory."""
    import jsonschema_rs

    errors = list(itertools.islice(compiled.iter_errors(_beginning(value, [LARGEST_PART])), MOST_FAULTS))
    if not errors:  # it is further behind
        try:
            compiled.validate(value)
        except jsonschema_rs.ValidationError as error:
            errors = [error]
    return errors


def _beginning(value: Any, room: list[int]) -> Any:
    """The beginning of a value, with about so many objects and lists as there is `room` for; no list is left empty."""
    room[0] -= 1
    if type(value) is dict:
        return {name: _beginning(item, room) for name, item in itertools.islice(value.items(), LARGEST_PART)}
    if type(value) is not list:
        return value
    kept = list[Any]()
    for item in value[:LARGEST_PART]:
        if kept and room[0] < 0:
            break
        kept.append(_beginning(item, room))
    return kept


def _expand(node: Any) -> Any:
    """The schema with every `x-codes` turned into that vocabulary's codes, and every shared part referred to here."""
    if isinstance(node, list):
        return [_expand(item) for item in node]
    if not isinstance(node, dict):
        return node
    expanded = {key: _expand(value) for key, value in node.items()}
    if isinstance(node.get("x-codes"), str):
        expanded.setdefault("enum", sorted(_codes(node["x-codes"])))
    if isinstance(node.get("$ref"), str) and node["$ref"].startswith(_PARTS):
        expanded["$ref"] = f"#/$defs/{node['$ref'].removeprefix(_PARTS)}"
    return expanded


def _codes(name: str) -> Iterator[str]:
    """The codes of a vocabulary that may be used; those kept to be turned down are none of them."""
    if name == "profiles":
        yield from registry.names("profile")
    else:
        yield from (term.code for term in vocabulary.load(name) if not term.more.get("rejected"))


def without_required(node: Any, *, names: bool = False) -> Any:
    """The schema without what it requires, but for the parts that are always `x-whole`.

    `names` says that the keys here are property names, not keywords.
    """
    if isinstance(node, list):
        return [without_required(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: value
        if key in _CONDITIONS and not names
        else without_required(value, names=not names and key in ("properties", "$defs"))
        for key, value in node.items()
        if names or key not in _REQUIRING or node.get("x-whole")
    }


def _places(root: Mapping[str, Any], node: Mapping[str, Any], annotations: tuple[str, ...]) -> Places:
    node = resolved(root, node)
    inner = {**node.get("properties", {}), **({"*": node["items"]} if "items" in node else {})}
    branches = {name: _places(root, each, annotations) for name, each in inner.items()}
    annotated = any(annotation in node for annotation in annotations)
    return Places(
        node if annotated else None,
        {name: branch for name, branch in branches.items() if branch.node is not None or branch.inside},
    )
