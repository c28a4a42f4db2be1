"""Values: small immutable records, described by their annotations, without code made for each of them.

A data class compiles several functions for every class, and sixty classes cost every command 45 milliseconds before
it begins. A `Value` reads its own annotations instead. Type checkers treat it as a frozen data class.

    class Action(Value):
        kind: str
        words: Mapping[str, str] = field(default_factory=dict, repr=False)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple, TypeVar, dataclass_transform

__all__ = ["Field", "Value", "field", "fields", "replace"]

_REQUIRED: Any = object()


class Field(NamedTuple):
    """How one part of a value is given, compared and shown; `metadata` is for whoever reads the class."""

    default: Any = _REQUIRED
    default_factory: Callable[[], Any] | None = None
    init: bool = True
    repr: bool = True
    compare: bool = True
    kw_only: bool = False
    metadata: Mapping[str, Any] = {}


def field(**options: Any) -> Any:
    """The description of a part, to stand where its default would; `options` are those of `Field`."""
    return Field(**options)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Value:
    """A record that is equal to another of its class with equal parts, and cannot be changed.

    `__post_init__` is called when all parts are there; it raises where they cannot stand together.
    """

    _fields: ClassVar[dict[str, Field]] = {}
    _positional: ClassVar[tuple[str, ...]] = ()
    _compared: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, *, kw_only: bool = False) -> None:
        named = [name for name, kind in cls.__annotations__.items() if not str(kind).startswith("ClassVar")]
        cls._fields = {**cls._fields, **{name: _described(cls, name, kw_only) for name in named}}
        given = {name: part for name, part in cls._fields.items() if part.init}
        cls._positional = tuple(name for name, part in given.items() if not part.kw_only)
        cls._compared = tuple(name for name, part in given.items() if part.compare)

    def __init__(self, *given: Any, **named: Any) -> None:
        parts, fields = self.__dict__, self._fields
        if len(given) > len(self._positional):
            raise TypeError(f"{type(self).__name__} takes {len(self._positional)} parts by their place")
        parts.update(zip(self._positional, given, strict=False))
        for name, value in named.items():
            if name in parts or name not in fields or not fields[name].init:
                raise TypeError(f"{type(self).__name__} cannot take {name!r} here")
            parts[name] = value
        if len(parts) < len(fields):
            self._fill(parts, fields)
        self.__post_init__()

    def _fill(self, parts: dict[str, Any], fields: Mapping[str, Field]) -> None:
        """Give every part that was not given its default."""
        for name, part in fields.items():
            if name in parts or not part.init:
                continue
            if part.default_factory is not None:
                parts[name] = part.default_factory()
            elif part.default is _REQUIRED:
                raise TypeError(f"{type(self).__name__} lacks {name!r}")
            else:
                parts[name] = part.default

    def __post_init__(self) -> None:
        """Nothing to check here; a class with parts that must fit each other says so in its own."""

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(self.__dict__[name] == other.__dict__[name] for name in self._compared)

    def __hash__(self) -> int:
        return hash((type(self), *(self.__dict__[name] for name in self._compared)))

    def __repr__(self) -> str:
        shown = [name for name, part in self._fields.items() if part.repr and part.init]
        return f"{type(self).__qualname__}({', '.join(f'{name}={self.__dict__[name]!r}' for name in shown)})"


def _described(cls: type, name: str, kw_only: bool) -> Field:
    """How the class declares a part; no default is left as an attribute of the class."""
    declared = cls.__dict__.get(name, _REQUIRED)
    if declared is not _REQUIRED:
        delattr(cls, name)
    part = declared if isinstance(declared, Field) else Field(default=declared)
    return part._replace(kw_only=part.kw_only or kw_only)


def fields(cls: type[Value]) -> Mapping[str, Field]:
    """The parts of a class by their names, in the order in which they are declared."""
    return cls._fields


_V = TypeVar("_V", bound=Value)


def replace(value: _V, **changes: Any) -> _V:
    """The same value but for `changes`; TypeError for a part that it does not have."""
    parts = {name: value.__dict__[name] for name, part in value._fields.items() if part.init}
    return type(value)(**{**parts, **changes})
