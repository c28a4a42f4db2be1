"""The fields of a profile: for which purposes each is revealed, and in which order they stand.

A field whose inner fields have purposes of their own is taken apart; every other is taken or left whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sharekit.domain.canonical import resolved
from sharekit.values import Value

__all__ = ["BREAK_GLASS", "Field", "breaks_glass", "fields_of", "in_order", "order_of", "revealed", "shows"]

BREAK_GLASS = "break-glass"  # stands among a field's purposes where the break-glass subset has it


class Field(Value):
    """The codes of the purposes for which a field is revealed.

    `inside` has the fields in it by name, where one of them is revealed for other purposes; it is empty otherwise.
    """

    purposes: frozenset[str]
    inside: Mapping[str, Field]


def fields_of(schema: Mapping[str, Any], sets: Mapping[str, list[str]]) -> dict[str, Field]:
    """The fields of a profile's schema, by name; `sets` are the lists of purposes that the profile gives names to."""
    return _Reading(schema, sets).inside(schema, frozenset())


class _Reading:
    """One schema while it is read; `root` is the whole of it, where its definitions stand."""

    def __init__(self, root: Mapping[str, Any], sets: Mapping[str, list[str]]) -> None:
        self._root, self._sets = root, sets

    def inside(self, node: Mapping[str, Any], inherited: frozenset[str]) -> dict[str, Field]:
        return {name: self._field(inner, inherited) for name, inner in node.get("properties", {}).items()}

    def _field(self, node: Mapping[str, Any], inherited: frozenset[str]) -> Field:
        node = resolved(self._root, node)
        purposes = self._purposes(node, inherited)
        inside = self.inside(resolved(self._root, node.get("items", node)), purposes)
        differs = any(field.inside or field.purposes != purposes for field in inside.values())
        return Field(purposes, inside if differs else {})

    def _purposes(self, node: Mapping[str, Any], inherited: frozenset[str]) -> frozenset[str]:
        if "x-purposes" not in node:
            return inherited
        named = node["x-purposes"]
        groups = [self._sets[name[1:]] if name.startswith("@") else [name] for name in named]
        glass = [BREAK_GLASS] if node.get("x-break-glass") else []
        return frozenset(glass).union(*groups)


def breaks_glass(field: Field) -> bool:
    """Whether a field, or a field in it, is shown in an emergency."""
    return shows(field, (BREAK_GLASS,))


def shows(field: Field, purposes: Collection[str]) -> bool:
    """Whether a field, or a field in it, is revealed for one of `purposes`."""
    inside = field.inside.values()
    return any(shows(each, purposes) for each in inside) if inside else not field.purposes.isdisjoint(purposes)


def revealed(
    known: Mapping[str, Field], value: Mapping[str, Any], wanted: frozenset[str], prefix: str, left_out: list[str]
) -> dict[str, Any]:
    """The part of an object that is revealed for one of the purposes in `wanted`.

    `prefix` is the dotted path of the object, and ends with a dot where it is not empty; to the list `left_out` the
    paths of all other fields are added.
    """
    kept = {}
    for name, item in value.items():
        field, path = known[name], f"{prefix}{name}"
        if field.inside and item:
            shown = _revealed_inside(field.inside, item, wanted, path, left_out)
            if shown:
                kept[name] = shown
        elif field.purposes & wanted:
            kept[name] = item
        else:
            left_out.append(path)
    return kept


def _revealed_inside(
    inside: Mapping[str, Field], value: Any, wanted: frozenset[str], path: str, left_out: list[str]
) -> Any:
    if isinstance(value, dict):
        return revealed(inside, value, wanted, f"{path}.", left_out)
    rows = [revealed(inside, row, wanted, f"{path}.{position}.", left_out) for position, row in enumerate(value)]
    return rows if any(rows) else None


def order_of(root: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    """The names in an object, and in the objects in it, in the order of the schema; on the wire they are sorted."""
    node = resolved(root, node)
    node = resolved(root, node.get("items", node))
    return {name: order_of(root, inner) for name, inner in node.get("properties", {}).items()}


def in_order(value: Any, order: Mapping[str, Any]) -> Any:
    """A value with the names of its objects in the order that `order_of` gave; names not in it are left out."""
    if isinstance(value, list):
        return [in_order(item, order) for item in value]
    if not isinstance(value, dict) or not order:
        return value
    return {name: in_order(value[name], inner) for name, inner in order.items() if name in value}
