"""A JSON value in the one form in which it is kept, whatever the form in which somebody wrote it.

`x-form` in a schema names the form of a text (`forms` has them); a whole number and a code from a list are read
too. What cannot be read stays as it was: the schema then says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sharekit.domain import forms
from sharekit.values import Value

__all__ = ["Canonical", "resolved"]

_OF_TYPE = {"integer": "number", "string": "line"}
_OTHERS = "*"  # stands for the items of a list, and for names that a schema does not list


class Canonical(Value):
    """The forms of the texts in a schema, as a tree that is walked beside a value.

    `form` is that of a text at this place, None where the schema knows none; `inside` has the places below it by
    name, and under "*" those of a list's items and of names that the schema does not list.
    """

    form: str | None
    inside: Mapping[str, Canonical]

    @classmethod
    def of(cls, root: Mapping[str, Any], node: Mapping[str, Any]) -> Canonical:
        """The forms in a schema; `root` is the whole of it, where its definitions stand."""
        node = resolved(root, node)
        inner = dict(node.get("properties", {}))
        for rest in (node.get("items"), node.get("additionalProperties")):
            if isinstance(rest, dict):
                inner[_OTHERS] = rest
        return cls(_form(node), {name: cls.of(root, each) for name, each in inner.items()})

    def read(self, value: Any) -> Any:
        """The value, every text in it in the form in which it is kept."""
        kind = type(value)
        if kind is str:
            return self._text(value)
        if kind is dict:
            others = self.inside.get(_OTHERS)
            return {name: place.read(item) if (place := self.inside.get(name, others)) else item
                    for name, item in value.items()}  # fmt: skip
        if kind is list and _OTHERS in self.inside:
            read = self.inside[_OTHERS].read
            return [read(item) for item in value]
        return self._number(value) if kind in (int, float) else value

    def _text(self, value: str) -> Any:
        found = forms.canonical(self.form, value) if self.form else None
        return value if found is None else found

    def _number(self, value: float) -> Any:
        """A spreadsheet writes 7 as 7.0, and an NHS number as a number."""
        if self.form == "nhs-number" and type(value) is int and value > 0:
            return self._text(str(value))
        whole = self.form == "number" and type(value) is float and value.is_integer()
        return int(value) if whole else value


def _form(node: Mapping[str, Any]) -> str | None:
    if "x-form" in node:
        return str(node["x-form"])
    if node.keys() & {"x-codes", "enum", "const", "x-argued"}:
        return "code"
    kind = node.get("type")
    return _OF_TYPE.get(kind) if isinstance(kind, str) else None


def resolved(root: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node with its `$ref` into `$defs` followed; the node's own annotations win."""
    if "$ref" not in node:
        return node
    target = resolved(root, root["$defs"][node["$ref"].rsplit("/", 1)[1]])
    return {**target, **{key: value for key, value in node.items() if key != "$ref"}}
