"""What is made wrong: one operator, comparison, constant, statement, result or order of arguments at a time."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}


class Mutant(NamedTuple):
    """One change: the line it stands in, what it is in words, and the whole source with it."""

    line: int
    what: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module's source, one after the other."""
    tree = ast.parse(source)
    for number, (node, _) in enumerate(_changes(tree)):
        changed = copy.deepcopy(tree)
        (twin, change) = list(_changes(changed))[number]
        before = ast.unparse(twin)
        change()
        after = ast.unparse(ast.fix_missing_locations(changed))
        yield Mutant(node.lineno, f"{type(node).__name__}: {before.splitlines()[0][:90]}", after)


def _changes(tree: ast.Module) -> Iterator[tuple[Any, Callable[[], None]]]:
    for parent, name, node in _nodes(tree):
        yield from _of_node(parent, name, node)


def _nodes(tree: ast.AST) -> Iterator[tuple[ast.AST, str, Any]]:
    """Every node that does something, with the node and the field in which it stands; no annotations or decorators."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "type_comment", "msg") or _is_idle(tree):
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.AST):
                yield tree, name, node
                yield from _nodes(node)


def _is_idle(node: ast.AST) -> bool:
    """Imports for types, lists of what is offered, and docstrings do nothing."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    if isinstance(node, ast.Assign):
        return isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__"
    return isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr)


def _of_node(parent: ast.AST, name: str, node: Any) -> Iterator[tuple[Any, Callable[[], None]]]:
    if isinstance(node, ast.Compare | ast.BoolOp | ast.BinOp | ast.AugAssign):
        yield from _operators(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, lambda: _put(parent, name, node, node.operand)
    elif isinstance(node, ast.If | ast.While | ast.IfExp):
        yield node, lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.Return) and node.value is not None:
        yield node, lambda: setattr(node, "value", ast.Constant(None))
    elif isinstance(node, ast.Raise | ast.Expr | ast.Break | ast.Continue) and not _is_docstring(node):
        yield node, lambda: _put(parent, name, node, ast.Pass())
    elif isinstance(node, ast.Call) and len(node.args) == 2 and not node.keywords:
        yield node, node.args.reverse


def _operators(node: Any) -> Iterator[tuple[Any, Callable[[], None]]]:
    if isinstance(node, ast.Compare):
        for number, each in enumerate(node.ops):
            other: Any = SWAPS[type(each)]
            yield node, lambda number=number, other=other: node.ops.__setitem__(number, other())
    elif type(node.op) in SWAPS:
        yield node, lambda: setattr(node, "op", SWAPS[type(node.op)]())


def _constants(node: ast.Constant) -> Iterator[tuple[Any, Callable[[], None]]]:
    value: Any = node.value
    if isinstance(value, bool):
        yield node, lambda: setattr(node, "value", not value)
    elif isinstance(value, int):
        yield node, lambda: setattr(node, "value", value + 1)
    elif isinstance(value, bytes):
        yield node, lambda: setattr(node, "value", value + b"\x01")


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _put(parent: ast.AST, name: str, node: ast.AST, other: ast.AST) -> None:
    """Put `other` in the place of `node`."""
    held = getattr(parent, name)
    if isinstance(held, list):
        held[next(number for number, each in enumerate(held) if each is node)] = other
    else:
        setattr(parent, name, other)
