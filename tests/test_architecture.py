"""The pages for whoever changes the code say what is there: folders in their order, files, and paths that exist."""

from __future__ import annotations

import re
import subprocess

import pytest
from test_layers import FOLDERS, GROUND
from world.console import REPOSITORY

PAGE = (REPOSITORY / "docs" / "architecture.md").read_text()
SECTIONS = {
    heading: re.findall(r"^- `(\w+\.py)`: .", body, re.M)
    for heading, body in re.findall(r"^### (.+)\n((?:(?!^##).*\n)*)", PAGE, re.M)
}
TRACKED = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
PROSE = [name for name in TRACKED.splitlines() if name.endswith(".md") and not re.match(r"CHANGELOG|docs/adr/", name)]


def files_of(folder: str) -> set[str]:
    """The files of a folder of sharekit/, without the door of that folder."""
    found = {path.name for path in (REPOSITORY / "sharekit" / folder).glob("*.py")}
    return found - ({"__init__.py"} if folder else set())


def test_the_page_tells_of_the_folders_in_their_order():
    assert list(SECTIONS) == ["The ground", *FOLDERS, "The door"]
    assert SECTIONS["The ground"] == [f"{name}.py" for name in GROUND]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_page_tells_of_every_file_in_a_folder_and_of_no_other(folder):
    assert sorted(SECTIONS[folder]) == sorted(files_of(folder))


def test_the_page_tells_of_every_file_in_no_folder():
    assert sorted(SECTIONS["The ground"] + SECTIONS["The door"]) == sorted(files_of(""))


def test_every_step_of_a_packets_way_names_files_that_exist():
    steps = re.findall(r"^\| \*\*\d+\*\* \| `([\w/]+\.py)` \| (.+) \| .*\|$", PAGE, re.M)
    assert len(steps) > 10
    named = {path for where, words in steps for path in (where, *re.findall(r"`([\w/]+\.py)`", words))}
    assert {path for path in named if not (REPOSITORY / "sharekit" / path).is_file()} == set()


@pytest.mark.parametrize("name", PROSE)
def test_every_path_that_a_page_names_exists(name):
    """But for what it says is still to be made: `a new ...`."""
    text = (REPOSITORY / name).read_text()
    paths = re.findall(r"(?<!a new )`((?:sharekit|cli|schemas|tests|docs|scripts|bench)/(?!ORG|1`)[\w./-]*)`", text)
    assert {path for path in paths if not (REPOSITORY / path).exists()} == set()


def test_every_path_that_a_docstring_or_a_comment_names_exists():
    path = re.compile(
        r"(?<![\w/.*-])((?:tests|docs|schemas|scripts|bench|cli)/[a-z0-9_/-]+\.(?:py|md|json|sql|cddl|txt))\b"
    )
    code = [name for name in TRACKED.splitlines() if name.endswith((".py", ".toml", ".sql", ".cddl"))]
    named = {(name, found) for name in code for found in path.findall((REPOSITORY / name).read_text())}
    assert len(named) > 10
    assert {(name, found) for name, found in named if not (REPOSITORY / found).is_file()} == set()


def test_a_newcomer_is_told_where_each_of_nine_changes_goes():
    text = (REPOSITORY / "CONTRIBUTING.md").read_text()
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", text.partition("## Where a change goes")[2].partition("\n## ")[0], re.M)
    answers = dict(rows[1:])
    assert len(answers) == 9
    assert all("`" in where for where in answers.values())


def test_a_decision_record_that_was_replaced_says_by_which():
    pages = {path.name[:4]: path.read_text() for path in sorted((REPOSITORY / "docs" / "adr").glob("*.md"))}
    assert list(pages) == [f"{number:04}" for number in range(1, len(pages) + 1)]
    replaces = {(old, new) for new, page in pages.items() for old in re.findall(r"^Replaces (\d{4})\.$", page, re.M)}
    replaced = {(old, new) for old, page in pages.items() for new in re.findall(r"^Replaced by (\d{4})\.$", page, re.M)}
    assert replaces == replaced
    assert replaces


def test_every_number_in_the_specification_is_of_one_paragraph():
    numbers = re.findall(r"^\d+(?:\.\d+)+(?=\.? )", (REPOSITORY / "SPEC.md").read_text(), re.M)
    assert len(numbers) > 40
    assert len(numbers) == len(set(numbers))
