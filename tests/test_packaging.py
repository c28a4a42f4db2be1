"""What is built is what is in the repository, and works where nothing else of it is."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from world.console import REPOSITORY, environment


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, so that an earlier build leaves nothing in it."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("sharekit", "cli", "schemas"):
        shutil.copytree(REPOSITORY / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder / "source" / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(folder / "source")], check=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_list_of_packages_is_the_folders_that_exist():
    listed = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    inside = {path.parent.relative_to(REPOSITORY) for path in (REPOSITORY / "sharekit").rglob("__init__.py")}
    folders = {".".join(path.parts) for path in inside} | {"sharekit.cli", "sharekit.schemas"}
    assert sorted(listed) == sorted(folders)


def test_the_wheel_says_its_licence_and_holds_it(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (licence,) = (name for name in archive.namelist() if name.endswith(".dist-info/licenses/LICENSE"))
        assert archive.read(licence) == (REPOSITORY / "LICENSE").read_bytes()
        (about,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        assert "License-Expression: Apache-2.0" in archive.read(about).decode().splitlines()


def test_the_wheel_holds_every_file_and_takes_no_name_but_its_own(wheel):
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    places = {"sharekit": "sharekit", "cli": "sharekit/cli", "schemas": "sharekit/schemas"}
    tracked = subprocess.run(
        ["git", "ls-files", *places], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split()
    expected = {f"{places[Path(name).parts[0]]}/{'/'.join(Path(name).parts[1:])}" for name in tracked}
    assert set(names) == expected


def test_the_wheel_is_installed_elsewhere_and_used(wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    variables = environment(tmp_path) | {"SHAREKIT_NOW": "2026-11-27T09:05:00Z"}
    variables["PATH"] = f"{programs}{os.pathsep}{variables['PATH']}"

    def run(*command: str) -> str:
        ran = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    run(str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel))
    where = run(str(programs / "python"), "-c", "import sharekit; print(sharekit.__file__)")
    assert str(tmp_path) in where
    about = ("--org-type", "gp", "--name", "Test practice", "--phone", "01632 960000", "--no-passphrase")
    run("sharekit", "init", "--home", "home", "--org-id", "T1", *about)
    assert json.loads(run("sharekit", "--json", "ledger", "verify", "--home", "home"))["verdict"] == "verified"
    assert json.loads(run("sharekit", "--json", "profiles"))["profiles"]


# --- what it depends on ---

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
USED_BY_NAME = {"datasette"}  # a program that is started, never imported


def distribution(requirement: str) -> str:
    """The name of a package in a requirement, as packages are compared."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=;]", requirement)[0].strip()).lower()


def imported() -> Iterator[str]:
    """The packages of others that a module of sharekit imports, wherever in it."""
    known = packages_distributions()
    for path in (path for folder in ("sharekit", "cli") for path in (REPOSITORY / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            tops = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"sharekit"}
            yield from (distribution(name) for top in tops for name in known.get(top, [top]))


def test_every_dependency_is_imported_and_everything_imported_is_a_dependency():
    needed = {distribution(each) for each in PROJECT["dependencies"]}
    extras = {
        distribution(each)
        for extra, group in PROJECT["optional-dependencies"].items()
        if extra not in ("dev", "fuzz")  # what only tests and scripts/fuzz import
        for each in group
    }
    assert set(imported()) == (needed | extras) - USED_BY_NAME
