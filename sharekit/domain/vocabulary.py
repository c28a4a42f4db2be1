"""The closed vocabularies: every code with its definition, source and status.

A code nobody defined is refused, never ignored. Each term has a number as well, stable and never reused,
so that the ledger can name it without a word.

What a vocabulary says of its codes besides stands in extra keys, which schemas/vocabularies.json declares: what each
does, the form of its value, and who goes by it. A key that is not declared there is refused.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, overload

from sharekit import registry
from sharekit.errors import Malformed, UnknownCode
from sharekit.values import Value, field

__all__ = ["Term", "Vocabulary", "code", "codes", "load", "more", "names", "number", "numbers", "read"]

_COLUMNS = ("code", "number", "label", "definition", "source", "status", "valid_from", "valid_to", "broader")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Term(Value):
    """One code of a vocabulary and what is known of it.

    `broader` is the code above it, None at the top; `valid_from` and `valid_to` are days as text, None where they are
    open. `more` has the extra keys, which schemas/vocabularies.json declares.
    """

    code: str
    number: int
    label: str
    definition: str
    source: str
    status: str
    valid_from: str | None
    valid_to: str | None
    broader: str | None
    more: Mapping[str, Any] = field(repr=False)


class Vocabulary(Value):
    """A closed list of terms, found by code or by number."""

    name: str
    title: str
    description: str
    terms: Mapping[str, Term] = field(repr=False)
    _lineages: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)

    def __iter__(self) -> Iterator[Term]:
        return iter(self.terms.values())

    def __contains__(self, code: object) -> bool:
        return code in self.terms

    def __getitem__(self, code: str) -> Term:
        """The term of a code; UnknownCode, without repeating what was typed, if there is none."""
        try:
            return self.terms[code]
        except (KeyError, TypeError):
            raise UnknownCode(
                f"that is not a code of the vocabulary {self.name}",
                hint=f"sharekit vocab {self.name} lists its codes",
            ) from None

    def by_number(self, number: int) -> Term:
        """The term with a number, as ledger entries name it; UnknownCode if this edition has no such number."""
        for term in self:
            if term.number == number:
                return term
        raise UnknownCode(f"the vocabulary {self.name} has no number {number}", hint="read it with a newer sharekit")

    def lineage(self, code: str) -> tuple[str, ...]:
        """The code, then the codes above it, nearest first."""
        if code not in self._lineages:
            self._lineages[code] = (code, *self.ancestors(code))
        return self._lineages[code]

    def ancestors(self, code: str) -> Iterator[str]:
        """The codes above `code`, nearest first."""
        broader = self[code].broader
        while broader:
            yield broader
            broader = self[broader].broader


def names() -> tuple[str, ...]:
    """The names of all vocabularies."""
    return registry.names("vocabulary")


@functools.cache
def load(name: str) -> Vocabulary:
    """The vocabulary called `name`; UnknownCode if there is none, Malformed if it is damaged."""
    return read(name, registry.document("vocabulary", name))


def read(name: str, document: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary in a parsed JSON document; Malformed for an extra key that is not declared, or of another form."""
    terms = {term["code"]: _term(name, term) for term in document["terms"]}
    return Vocabulary(name, document["title"], document["description"], terms)


def _term(name: str, data: Mapping[str, Any]) -> Term:
    more, forms = {key: value for key, value in data.items() if key not in _COLUMNS}, _forms().get(name, _NOTHING)
    for key, value in more.items():
        if key not in forms or not _has_form(value, forms[key]):
            raise Malformed(f"{key} in the vocabulary {name} is not as declared", hint="install sharekit again")
    columns: dict[str, Any] = {column: data.get(column) for column in _COLUMNS}
    return Term(**columns, more=more)


# --- the extra keys ---

_TYPES = {"boolean": bool, "integer": int, "string": str, "array": list, "object": dict, "null": type(None)}


@functools.cache
def _forms() -> Mapping[str, Mapping[str, Any]]:
    """The forms of the extra keys, by vocabulary and key."""
    declared, found = registry.document("vocabularies"), dict[str, dict[str, Any]]()
    for key, uses in declared["keys"].items():
        for use in uses:
            for name in use["in"]:
                found.setdefault(name, {})[key] = declared["forms"][use["form"]]
    return found


def _has_form(value: Any, form: Mapping[str, Any]) -> bool:
    """Whether a value is of a form's type, or one of its values; a test holds what is shipped to the whole form."""
    if "type" in form:
        types = form["type"] if isinstance(form["type"], list) else [form["type"]]
        return any(type(value) is _TYPES[name] for name in types)
    return any(type(value) is type(known) and value == known for known in form.get("enum", [form.get("const")]))


# --- a code, its number and its extra keys, by the name of the vocabulary ---


def more(name: str, code: object) -> Mapping[str, Any]:
    """The extra keys of a code of the vocabulary called `name`; empty for None, and for a code that it lacks."""
    term = load(name).terms.get(code) if isinstance(code, str) else None
    return term.more if term else _NOTHING


def number(name: str, code: str | None) -> int | None:
    """The number of a code; None for None, and for a code that somebody typed and nobody defined."""
    term = load(name).terms.get(code) if code is not None else None
    return term.number if term else None


def numbers(name: str, codes: Iterable[str]) -> tuple[int, ...]:
    """The numbers of codes, in their order, without those that nobody defined."""
    known = load(name).terms
    return tuple(known[code].number for code in codes if code in known)


@overload
def code(name: str, number: int) -> str: ...
@overload
def code(name: str, number: int | None) -> str | None: ...
def code(name: str, number: int | None) -> str | None:
    """The code of a number, None for None; UnknownCode if this edition has no such number."""
    return None if number is None else load(name).by_number(number).code


def codes(name: str, numbers: Iterable[int] | None) -> list[str]:
    """The codes of numbers, in their order, empty for None; UnknownCode if this edition lacks one of them."""
    return [load(name).by_number(each).code for each in numbers or ()]
