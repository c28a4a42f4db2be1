"""The house: one import order, doors that are public, and a domain that is data."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import sharekit
from sharekit import registry
from sharekit.domain import vocabulary

REPOSITORY = Path(__file__).parent.parent
LIBRARY = {path.stem: path for path in (REPOSITORY / "sharekit").glob("*.py") if path.stem != "__init__"}
COMMANDS = {path.stem: path for path in (REPOSITORY / "cli").glob("*.py")}

# lowest first: a module imports only from modules before it
ORDER = [
    *["errors", "cbor", "merkle", "tree", "registry", "workdays", "files"],  # ground
    *["checkpoint", "proof", "witness", "stamp", "entry"],
    *["cose", "keys", "trust"],  # keys
    *["vocabulary", "validation", "fields", "profile", "terms", "retention"],  # meaning
    *["wording", "rulebook", "case", "conduct", "content", "lawfulness", "rules"],
    *["golden", "local_policy", "use", "policy"],
    *["deidentify", "brief"],
    *["packet", "sealing", "opening"],  # packet
    *["durable", "migrations", "storage", "sqlite", "libpq", "postgres", "provision", "group", "selfcheck"],  # record
    *["ledger", "moving", "vault", "actions", "coded", "recompute", "exported", "outside", "audit"],
    *["decoded", "questions", "charts", "report"],  # what auditors ask
    *["home", "years", "record", "lookups", "erasure", "enactment", "receipt", "partners", "receipts"],  # exchange
    *["reception", "dispatch", "decisions", "advice", "agency", "doctor"],
]


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of everything that a file imports from sharekit, wherever it stands in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] == "sharekit")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sharekit":
            yield from ((str(node.module), alias.name) for alias in node.names)


def test_every_module_has_its_place_in_the_order():
    assert sorted(ORDER) == sorted(LIBRARY)


@pytest.mark.parametrize("name", ORDER)
def test_a_module_imports_only_from_those_before_it(name):
    used = {alias if module == "sharekit" else module.split(".")[1] for module, alias in imported(LIBRARY[name])}
    assert used <= set(ORDER[: ORDER.index(name)])
    assert not re.search(r"\bimport_module\(|__import__\(|from \.", LIBRARY[name].read_text())


AUDITORS = ("audit", "recompute", "exported", "outside", "decoded", "questions", "charts", "report")


def test_the_auditor_stands_apart_from_what_it_audits():
    used = {module for name in AUDITORS for module, _ in imported(LIBRARY[name])}
    aliases = {alias for name in AUDITORS for _, alias in imported(LIBRARY[name])}
    apart = {"durable", "entry", "tree", "ledger", "vault", "record", "agency"}
    assert not apart & aliases
    assert not {f"sharekit.{name}" for name in apart} & used


def test_no_module_is_a_drawer_for_odds_and_ends():
    assert not {"utils", "util", "helpers", "base", "constants", "common", "misc"} & {*LIBRARY, *COMMANDS}


def is_public(module: str, name: str) -> bool:
    """Whether a name is one that its module offers: a part of the house, or what it lists in `__all__`."""
    if module == "sharekit":
        return name in sharekit.__all__ or name in LIBRARY
    found = importlib.import_module(module)
    return name in getattr(found, "__all__", [each for each in vars(found) if each[0] != "_"])


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_uses_public_names_only(name):
    assert not [f"{module}.{used}" for module, used in imported(COMMANDS[name]) if not is_public(module, used)]


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_opens_a_packet_past_the_record(name):
    assert "open_packet" not in COMMANDS[name].read_text()


def test_the_library_knows_no_terminal():
    terminal = re.compile(r"^\s*(from|import) (click|rich|cli|sharekit\.cli)\b|\bprint\(|sys\.exit", re.M)
    assert not [name for name, path in LIBRARY.items() if terminal.search(path.read_text())]


def codes() -> set[str]:
    """What a lawyer might change: profiles, and the codes of purposes, bases and gateways, but for plain words."""
    names = ("purposes", "art6", "art9", "art10", "gateways")
    known = {term.code for name in names for term in vocabulary.load(name)} | set(registry.names("profile"))
    return {code for code in known if re.search(r"[.-]", code)}


def test_the_domain_is_data():
    folders = ("sharekit", "cli", "schemas", "bench", "scripts", "docs")
    files = [path for folder in folders for path in (REPOSITORY / folder).rglob("*.py")]
    known = codes()
    assert len(known) > 60
    assert len(files) > 30
    expression = re.compile(rf"(?<![\w.-])({'|'.join(map(re.escape, known))})(?![\w-]|\.\w)")
    found = {path.relative_to(REPOSITORY).as_posix(): set(expression.findall(path.read_text())) for path in files}
    assert {name: words for name, words in found.items() if words} == {}
