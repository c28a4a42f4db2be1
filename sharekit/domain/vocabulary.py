"""The closed vocabularies: every code with its definition, source and status.

A code nobody defined is refused, never ignored. Each term has a number as well, stable and never reused,
so that the ledger can name it without a word.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from sharekit import registry
from sharekit.errors import UnknownCode
from sharekit.values import Value, field

__all__ = ["Term", "Vocabulary", "load", "names"]

_COLUMNS = ("code", "number", "label", "definition", "source", "status", "valid_from", "valid_to", "broader")


class Term(Value):
    """One code; `more` holds what only its own vocabulary has (`type` of a gateway, `always_deny` of a purpose)."""

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
        """The term that a ledger entry names by its number; UnknownCode if this edition has none."""
        for term in self:
            if term.number == number:
                return term
        raise UnknownCode(f"the vocabulary {self.name} has no number {number}", hint="read it with a newer sharekit")

    def lineage(self, code: str) -> tuple[str, ...]:
        """The code itself and its broader codes, nearest first."""
        if code not in self._lineages:
            self._lineages[code] = (code, *self.ancestors(code))
        return self._lineages[code]

    def ancestors(self, code: str) -> Iterator[str]:
        """The broader codes of `code`, nearest first."""
        broader = self[code].broader
        while broader:
            yield broader
            broader = self[broader].broader


def names() -> tuple[str, ...]:
    """The names of all vocabularies."""
    return registry.names("vocabulary")


@functools.cache
def load(name: str) -> Vocabulary:
    """The vocabulary called `name`; UnknownCode if there is none."""
    document = registry.document("vocabulary", name)
    terms = {term["code"]: _term(term) for term in document["terms"]}
    return Vocabulary(name, document["title"], document["description"], terms)


def _term(data: dict[str, Any]) -> Term:
    more = {key: value for key, value in data.items() if key not in _COLUMNS}
    columns: dict[str, Any] = {column: data.get(column) for column in _COLUMNS}
    return Term(**columns, more=more)
