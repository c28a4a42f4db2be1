"""Validates JSON values against the shipped schemas, with messages that name fields and never values.

A schema is JSON Schema 2020-12 with annotations. `x-codes` names a vocabulary and becomes an `enum` when the
schema is compiled; each schema is compiled once, with and without what it requires.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jsonschema_rs
import nhs_number

from sharekit import registry, vocabulary
from sharekit.errors import FieldInvalid, FieldMissing, Malformed, NotMinimal, Refused, UnknownCode

__all__ = ["Validator", "is_nhs_number", "is_phone", "is_upn", "path_name"]

_NAME = re.compile(r"([A-Za-z_][A-Za-z_.-]{0,79}[0-9]{0,3}|[0-9]{1,4})\Z")  # a name of ours, or a position
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{5,22}[0-9](?: (?:ext|x) ?[0-9]{1,6})?\Z")
_UPN_CHECK_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_UPN = re.compile(r"[A-Z][0-9]{11}[0-9A-Z]\Z")
_REQUIRING = ("required", "dependentRequired", "if", "then", "else", "minItems", "minProperties")


def is_nhs_number(value: str) -> bool:
    """Ten digits whose modulus 11 check digit is right; the 999 range, never issued, is for tests."""
    return len(value) == 10 and value.isascii() and value.isdigit() and bool(nhs_number.is_valid(value))  # type: ignore[attr-defined]  # it exports without saying so


def is_upn(value: str) -> bool:
    """A unique pupil number: its first letter checks the rest, weights 2 to 13, modulus 23."""
    if not _UPN.match(value):
        return False
    digits = [int(c) if c.isdigit() else _UPN_CHECK_LETTERS.find(c) for c in value[1:]]
    if min(digits) < 0:
        return False
    return _UPN_CHECK_LETTERS[sum(d * w for d, w in zip(digits, range(2, 14), strict=True)) % 23] == value[0]


def is_phone(value: str) -> bool:
    """A telephone number as people write it; at least seven digits."""
    return bool(_PHONE.match(value)) and sum(c.isdigit() for c in value) >= 7


_FORMATS: dict[str, Callable[[str], bool]] = {"nhs-number": is_nhs_number, "upn": is_upn, "phone": is_phone}


class Validator:
    """A compiled schema; `check` wants all of it, `check_parts` forgives what is absent."""

    def __init__(self, schema: dict[str, Any], *, what: str) -> None:
        self.schema = _expand(schema)
        self._what = what
        self._whole = _compile(self.schema)
        self._parts = _compile(_without_required(self.schema))

    def check(self, value: object) -> None:
        """Return only if `value` is whole and valid.

        Raises NotMinimal for an undeclared field, then FieldMissing, UnknownCode, FieldInvalid, in this order.
        """
        if not self._whole.is_valid(value):
            raise self._error(self._whole.iter_errors(value))

    def check_parts(self, value: object) -> None:
        """Return only if what is there of `value` is valid; errors as in `check`, but never FieldMissing."""
        if not self._parts.is_valid(value):
            raise self._error(self._parts.iter_errors(value))

    def _error(self, errors: Iterable[jsonschema_rs.ValidationError]) -> Refused | Malformed:
        found = sorted((_translated(error, self._what) for error in errors), key=lambda e: _ORDER.index(type(e)))
        return found[0]


_ORDER: list[type[Refused]] = [NotMinimal, FieldMissing, UnknownCode, FieldInvalid]


def _translated(error: jsonschema_rs.ValidationError, what: str) -> Refused:
    path, kind = list(error.instance_path), error.kind
    match kind.name:
        case "additionalProperties" | "unevaluatedProperties" | "falseSchema":
            names = getattr(kind, "unexpected", None) or [path.pop() if path else ""]
            return NotMinimal(f"{what}: {_quoted([*path, sorted(names)[0]])} has no place in it")
        case "required":
            missing = str(getattr(kind, "property", "")).strip('"')
            return FieldMissing(f"{what}: {_quoted([*path, missing])} is missing")
        case "enum" | "const":
            return UnknownCode(f"{what}: {_quoted(path)} is not on its code list", hint=_codes_hint(error))
        case "minItems" | "minProperties":
            return FieldMissing(f"{what}: {_quoted(path)} is empty")
        case _:
            return FieldInvalid(f"{what}: {_quoted(path)} does not have the right form")


def _codes_hint(error: jsonschema_rs.ValidationError) -> str:
    options = [option for option in getattr(error.kind, "options", []) if isinstance(option, str)]
    if 0 < len(options) <= 8:
        return f"use one of: {', '.join(options)}"
    return UnknownCode.hint


def path_name(path: Iterable[object]) -> str:
    """A field's place in words: `statements.0.kind`."""
    return ".".join(str(part) for part in path)


def _quoted(path: Iterable[object]) -> str:
    """The field's name; one that is no ordinary name might be somebody's, and is not repeated."""
    parts = [str(part) for part in path]
    if not parts:
        return "the whole of it"
    return f'"{path_name(parts)}"' if all(map(_NAME.match, parts)) else "a field whose name is not shown"


def _compile(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True, formats=_FORMATS, offline=True)


def _expand(node: Any) -> Any:
    """The schema with every `x-codes` turned into the `enum` of that vocabulary's codes."""
    if isinstance(node, list):
        return [_expand(item) for item in node]
    if not isinstance(node, dict):
        return node
    expanded = {key: _expand(value) for key, value in node.items()}
    if isinstance(node.get("x-codes"), str):
        expanded["enum"] = sorted(_codes(node["x-codes"]))
    return expanded


def _codes(name: str) -> Iterator[str]:
    if name == "profiles":
        yield from registry.names("profile")
    else:
        yield from (term.code for term in vocabulary.load(name))


def _without_required(node: Any, *, names: bool = False) -> Any:
    """The schema without what it requires; `names` says that the keys here are property names, not keywords."""
    if isinstance(node, list):
        return [_without_required(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_required(value, names=not names and key in ("properties", "$defs"))
        for key, value in node.items()
        if names or key not in _REQUIRING
    }
