"""The extra keys of the vocabularies: declared, of their form, and read by whom they are said to be read."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from world.console import REPOSITORY

from sharekit import registry
from sharekit.domain import vocabulary
from sharekit.domain.validation import Validator
from sharekit.errors import Malformed, Refused

DECLARED = registry.document("vocabularies")
FORMS, KEYS = DECLARED["forms"], DECLARED["keys"]
USES = [(key, use) for key, uses in KEYS.items() for use in uses]
EACH = pytest.mark.parametrize(("key", "use"), USES, ids=[f"{key} of {', '.join(use['in'])}" for key, use in USES])


def values(key: str, use: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every code whose term has the key, and what stands there."""
    for name in use["in"]:
        for term in vocabulary.load(name):
            if key in term.more:
                yield f"{name} {term.code}", term.more[key]


# --- what is declared ---


def test_a_declaration_says_where_a_key_stands_what_it_does_and_who_goes_by_it():
    for key, use in USES:
        assert list(use) == ["in", "form", "does", "read_by"], key
        assert set(use["in"]) <= set(vocabulary.names())
        assert re.fullmatch(r"[A-Z].{15,}\.", use["does"]), key
        assert len(set(use["read_by"])) == len(use["read_by"])
    assert {use["form"] for _, use in USES} == FORMS.keys()
    assert list(KEYS) == sorted(KEYS)


def test_a_key_is_declared_once_for_a_vocabulary():
    found = [(key, name) for key, use in USES for name in use["in"]]
    assert len(set(found)) == len(found)


@EACH
def test_a_key_that_is_declared_for_a_vocabulary_stands_in_it(key, use):
    names = {code.split()[0] for code, _ in values(key, use)}
    assert names == set(use["in"])


@EACH
def test_every_value_has_the_form_of_its_key(key, use):
    validator = Validator({"properties": {"value": FORMS[use["form"]]}}, what=key)
    for code, value in values(key, use):
        try:
            validator.check({"value": value})
        except Refused as refused:
            pytest.fail(f"{code}: {refused}")


def test_a_part_that_a_ledgers_entry_holds_is_one_of_its_labels():
    from sharekit.ledger.entry import LABELS

    assert {term.more.get("part") for term in vocabulary.load("action-kinds")} <= {None, *(x.name for x in LABELS)}


# --- a damaged vocabulary ---

DAMAGED = {
    "a key that nobody declared": ("purposes", "colour", "green"),
    "a key of another vocabulary": ("purposes", "health_only", True),
    "a flag that is false": ("art6", "needs_gateway", False),
    "a flag that is a number": ("art6", "needs_gateway", 1),
    "a text in place of a list": ("gateways", "needs", "request_ref"),
    "a word that is none of those allowed": ("outcomes", "kind", "sometimes"),
    "a number in place of a text": ("retention-rules", "period", 75),
    "no value": ("identifiers", "pattern", None),
}


@pytest.mark.parametrize(("name", "key", "value"), DAMAGED.values(), ids=DAMAGED)
def test_a_vocabulary_with_a_key_that_is_not_as_declared_is_refused(name, key, value):
    document = copy.deepcopy(registry.document("vocabulary", name))
    assert vocabulary.read(name, document) == vocabulary.load(name)
    document["terms"][0][key] = value
    with pytest.raises(Malformed, match=f"{key} in the vocabulary {name}"):
        vocabulary.read(name, document)


# --- who goes by it ---

SOURCES = {
    **{path.relative_to(REPOSITORY / "sharekit").as_posix(): path for path in (REPOSITORY / "sharekit").rglob("*.py")},
    **{path.relative_to(REPOSITORY).as_posix(): path for path in (REPOSITORY / "cli").glob("*.py")},
}
# keys that nothing goes by, and that are strings for something else too; nobody takes them from a term, see below
WORDS = {"check", "children", "condition", "kind", "nhs", "note", "pattern"}


def strings(path: Path) -> set[str]:
    """The strings in a module, docstrings and parts of f-strings among them."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


STRINGS = {name.removesuffix(".py"): strings(path) for name, path in SOURCES.items()}


@EACH
def test_who_is_said_to_go_by_a_key_names_it(key, use):
    for reader in use["read_by"]:
        if reader.endswith(".json"):
            assert f'"{key}"' in registry.text(reader.removeprefix("schemas/"))
        else:
            assert key in STRINGS[reader], reader


def test_what_nobody_is_said_to_go_by_is_named_by_nobody():
    unread = {key for key, uses in KEYS.items() if not any(use["read_by"] for use in uses)}
    assert {"needs_one_of", "needs_vulnerable", "needs_request_statement", "if_17_at_end", "keyed_on"} < unread
    assert unread & WORDS == WORDS
    assert {name: found & unread - WORDS for name, found in STRINGS.items() if found & unread - WORDS} == {}


def test_whoever_takes_a_key_from_a_term_is_said_to_go_by_it():
    taken = re.compile(r'\bmore(?:\[|\.get\()"(\w+)"(?!\] =)|"(\w+)" (?:not )?in \S*\bmore\b(?![.\[])')
    missing = set()
    for name, path in SOURCES.items():
        module = name.removesuffix(".py")
        found = {first or second for first, second in taken.findall(path.read_text())}
        missing |= {(module, key) for key in found if not any(module in use["read_by"] for use in KEYS[key])}
    assert missing == set()
