"""The house: folders lowest first, walls between them, and a domain that is data. Each rule is one sentence.

docs/architecture.md tells the same for readers; a test here holds the two together.
"""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from world.console import REPOSITORY

import sharekit
from sharekit import registry
from sharekit.domain import vocabulary

LIBRARY = REPOSITORY / "sharekit"
COMMANDS = {path.stem: path for path in (REPOSITORY / "cli").glob("*.py")}

# lowest first: a module imports only from those before it, a folder only from folders before it
GROUND = ["errors", "values", "moments", "cbor", "cose", "merkle", "registry"]
FOLDERS = [
    *["domain", "disk", "trust", "proofs", "ledger", "policy", "packet", "advice", "vault", "record", "exchange"],
    *["agency", "audit"],
]
DOORS = {"__init__", "__main__"}  # the second starts the command line, and does nothing else
MAX_FILES, MAX_LINES = 14, 400


def modules(folder: str) -> dict[str, Path]:
    """The modules of a folder by their full names; "" is the ground."""
    prefix = f"sharekit.{folder}." if folder else "sharekit."
    return {f"{prefix}{path.stem}": path for path in (LIBRARY / folder).glob("*.py") if path.stem not in DOORS}


MODULES = {name: path for folder in ("", *FOLDERS) for name, path in modules(folder).items()}


def folder_of(module: str) -> str:
    """The folder that a module lives in; "" for the ground, and for the door itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in FOLDERS else ""


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of everything that a file imports from sharekit, wherever it stands in it; name may be ""."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] == "sharekit")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sharekit":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (inner, "") if inner in MODULES else (str(node.module), alias.name)


def uses(path: Path) -> set[str]:
    return {module for module, _ in imported(path)}


# --- folders and their order ---


def test_the_listing_shows_the_folders_in_the_order_and_no_other():
    found = {path.name for path in LIBRARY.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert found == set(FOLDERS)
    assert {path.stem for path in LIBRARY.glob("*.py")} == {*GROUND, *DOORS}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_nothing_from_a_folder_above_its_own(name):
    order = ["", *FOLDERS]
    below = set(order[: order.index(folder_of(name)) + 1])
    assert {folder_of(module) for module in uses(MODULES[name])} <= below
    assert not re.search(r"\bimport_module\(|__import__\(|^\s*from \.", MODULES[name].read_text(), re.M)


@pytest.mark.parametrize("name", GROUND)
def test_the_ground_is_laid_one_stone_on_the_other(name):
    used = {module.removeprefix("sharekit.") for module in uses(LIBRARY / f"{name}.py")}
    assert used <= set(GROUND[: GROUND.index(name)])


def test_no_two_modules_need_each_other():
    needs = {name: uses(path) & set(MODULES) for name, path in MODULES.items()}
    while needs:
        free = {name for name, used in needs.items() if not used & needs.keys()}
        assert free, f"a circle among {sorted(needs)}"
        needs = {name: used for name, used in needs.items() if name not in free}


def test_no_room_is_crowded():
    assert {folder: len(modules(folder)) for folder in FOLDERS if len(modules(folder)) > MAX_FILES} == {}
    files = [*LIBRARY.rglob("*.py"), *COMMANDS.values()]
    assert {path.name for path in files if len(path.read_text().splitlines()) > MAX_LINES} == set()


def test_no_module_is_a_drawer_for_odds_and_ends():
    drawers = {"utils", "util", "helpers", "base", "constants", "common", "misc"}
    assert not drawers & {*FOLDERS, *COMMANDS, *(name.rpartition(".")[2] for name in MODULES)}


# --- what a folder's door says and loads ---


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_says_in_three_sentences_what_lives_there_what_must_not_and_where_to_begin(folder):
    path = LIBRARY / folder / "__init__.py"
    told = ast.get_docstring(ast.parse(path.read_text())) or ""
    sentences = re.split(r"(?<=[.!?])\s+", " ".join(told.split()))
    assert len(sentences) == 3
    start = re.fullmatch(r"Begin (?:in|at|with) `(\w+)`\.", sentences[2])
    assert start
    assert f"sharekit.{folder}.{start[1]}" in MODULES


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_loads_nothing_when_it_is_imported(folder):
    assert loaded(f"sharekit.{folder}") == {f"sharekit.{folder}"}


def loaded(module: str) -> set[str]:
    code = f"import sys, {module}\nprint(*(name for name in sys.modules if name.startswith('sharekit.')))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("name", MODULES)
def test_a_module_offers_only_what_it_defines(name):
    module = importlib.import_module(name)
    defined = defined_in(ast.parse(MODULES[name].read_text()))
    assert set(getattr(module, "__all__", ())) <= defined


def defined_in(tree: ast.Module) -> set[str]:
    """The names that a module binds itself, imports left aside."""
    made: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            made |= {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
    return made


@pytest.mark.parametrize("name", MODULES)
def test_a_module_whose_name_begins_with_an_underscore_is_private_to_its_folder(name):
    hidden = {module for module in uses(MODULES[name]) if module.rpartition(".")[2].startswith("_")}
    assert {module for module in hidden if folder_of(module) != folder_of(name)} == set()


# --- walls ---


def test_the_wire_format_loads_no_meaning_and_no_record():
    above = {"domain", *FOLDERS[FOLDERS.index("ledger") :]} - {"packet"}
    assert {name for name in loaded("sharekit.packet.wire") if folder_of(name) in above} == set()


def test_the_auditor_shares_no_code_with_what_it_audits():
    used = {folder_of(module) for path in modules("audit").values() for module in uses(path)}
    assert used <= {"", "domain", "proofs", "trust", "audit"}


def test_the_ledger_knows_no_packet_no_policy_and_no_vault():
    used = {folder_of(module) for path in modules("ledger").values() for module in uses(path)}
    assert not used & {"packet", "policy", "vault"}


@pytest.mark.parametrize("name", modules("vault"))
def test_no_module_of_the_vault_loads_the_ledger(name):
    assert {module for module in loaded(name) if folder_of(module) == "ledger"} == set()


def test_of_the_ledger_a_packet_knows_only_what_an_entry_is():
    used = {module for path in modules("packet").values() for module in uses(path) if folder_of(module) == "ledger"}
    assert used <= {"sharekit.ledger.entry"}


def test_the_tables_of_the_vault_are_read_and_written_in_its_folder_only():
    tables = re.findall(r"CREATE TABLE (\w+)", registry.text("vault.sql"))
    assert len(tables) > 5
    statement = re.compile(rf"\b(FROM|INTO|UPDATE|JOIN)\s+({'|'.join(tables)})\b")
    apart = {name: path for name, path in MODULES.items() if folder_of(name) not in ("vault", "ledger", "audit")}
    assert {name for name, path in apart.items() if statement.search(path.read_text())} == set()


MEANING = {name: path for folder in ("domain", "policy") for name, path in modules(folder).items()}


@pytest.mark.parametrize("name", MEANING)
def test_meaning_knows_no_key_no_file_and_no_clock(name):
    tree = ast.parse(MEANING[name].read_text())
    found = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    found |= {str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not found & {"cryptography", "nacl", "os", "pathlib", "secrets", "tempfile", "time"}
    assert not {folder_of(module) for module in uses(MEANING[name])} & {"trust", "disk"}
    assert not re.search(r"\bopen\(|\b(now|today|utcnow)\(", MEANING[name].read_text())


@pytest.mark.parametrize("name", [name for name in MODULES if folder_of(name) not in ("agency", "audit")])
def test_nothing_holds_the_agency_whose_part_it_is(name):
    assert not re.search(r"\bself\._?agency\b|\bAgency\b|\b(Dispatcher|Receiver|Pinned)\b", code_of(MODULES[name]))


def code_of(path: Path) -> str:
    """A file without its docstrings and comments."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body[:1] = [ast.Pass()]
    return ast.unparse(tree)


# --- the command line ---


def is_public(module: str, name: str) -> bool:
    """Whether the command line may use a name: one of sharekit itself, of the agency, or of the auditor."""
    if module == "sharekit":
        return name in sharekit.__all__ or name in ("audit", "__version__")
    if module == "sharekit.errors":
        return name in sharekit.errors.__all__
    return folder_of(module) in ("agency", "audit", "interview") or module in {
        f"sharekit.{x}" for x in sharekit.__all__
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_uses_the_agency_the_auditor_and_public_names_only(name):
    assert [f"{module}.{used}" for module, used in imported(COMMANDS[name]) if not is_public(module, used)] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_opens_a_packet_past_the_record(name):
    assert "open_packet" not in COMMANDS[name].read_text()


def test_the_library_knows_no_terminal():
    terminal = re.compile(r"^\s*(from|import) (click|rich|cli|sharekit\.cli)\b|\bprint\(|\binput\(|sys\.exit", re.M)
    assert not [name for name, path in MODULES.items() if terminal.search(path.read_text())]


# --- former paths, and words of the domain ---

FORMER = set(
    re.findall(
        r"\w+",
        """actions advice agency audit brief case charts checkpoint coded conduct content decisions decoded
        deidentify dispatch doctor durable enactment entry erasure exported fields files golden group home
        keys lawfulness libpq local_policy lookups migrations moving opening outside partners postgres
        profile proof provision questions receipt receipts reception recompute report retention rulebook
        rules sealing selfcheck sqlite stamp storage terms tree use validation vocabulary witness wording
        workdays years""",
    )
)
TABLES = {"entry"}  # relations of PostgreSQL's schema "sharekit" that are called like a former module


def test_no_former_path_is_left():
    tracked = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    kept = re.compile(r"CHANGELOG\.md|docs/adr/|tests/test_layers\.py")
    dotted, files = "|".join(FORMER - set(FOLDERS) - TABLES), "|".join(FORMER)
    former = re.compile(rf"\bsharekit\.({dotted})\b(?!\+)|\bsharekit/({files})\.py\b")
    found = {}
    for name in tracked.split("\n"):
        path = REPOSITORY / name
        if name and not kept.match(name) and path.is_file():
            hits = former.findall(path.read_bytes().decode("utf-8", "replace"))
            if hits:
                found[name] = hits
    assert found == {}


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
