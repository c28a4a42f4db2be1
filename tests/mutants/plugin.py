"""A plugin of pytest: writes down which lines of which files a test reaches, or puts a mutant in a module's place."""

from __future__ import annotations

import importlib.abc
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

TRACED = json.loads(os.environ.get("MUTANTS_TRACED", "[]"))  # the files whose lines are written down
MAP = os.environ.get("MUTANTS_MAP")
MODULE, SOURCE = os.environ.get("MUTANT_MODULE"), os.environ.get("MUTANT_SOURCE")


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds one module, with the source of a mutant."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if fullname == MODULE else None

    def get_source(self, fullname: str) -> str:
        return Path(str(SOURCE)).read_text()

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.get_source(fullname), str(SOURCE), "exec", dont_inherit=True)


if MODULE:
    sys.meta_path.insert(0, Mutated())

_reached: dict[str, set[str]] = {}
_lines: set[str] = set()


def _trace(frame: FrameType, event: str, argument: Any) -> Any:
    return _line if frame.f_code.co_filename in TRACED else None


def _line(frame: FrameType, event: str, argument: Any) -> Any:
    _lines.add(f"{frame.f_code.co_filename}:{frame.f_lineno}")
    return _line


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    if not MAP:
        yield
        return
    _lines.clear()
    sys.settrace(_trace)
    yield
    sys.settrace(None)
    _reached[item.nodeid] = set(_lines)


def pytest_sessionfinish() -> None:
    if MAP:
        Path(MAP).write_text(json.dumps({test: sorted(lines) for test, lines in _reached.items()}))
