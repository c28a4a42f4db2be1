"""Finds and parses what `schemas/` ships, each document once.

The domain is data: profiles, vocabularies, the compatibility matrix, the engine's steps. Nothing here knows
what a document means. A document is shared by everyone who asks for it, so nobody may change it.
"""

from __future__ import annotations

import functools
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sharekit.errors import UnknownCode

__all__ = ["document", "exists", "names", "text"]

# importlib.resources would find it too, and takes as long as everything else that a short command does
_SPEC = find_spec("sharekit.schemas")
assert _SPEC is not None  # it comes with us
assert _SPEC.origin is not None  # and is a file
_SHIPPED = Path(_SPEC.origin).parent


@functools.cache
def names(kind: str) -> tuple[str, ...]:
    """The names of all shipped documents of a kind, sorted: NAME for every file `KIND-NAME.json`."""
    prefix, suffix = f"{kind}-", ".json"
    files = (file.name for file in _SHIPPED.iterdir())
    return tuple(
        sorted(name[len(prefix) : -len(suffix)] for name in files if name.startswith(prefix) and name.endswith(suffix))
    )


@functools.cache
def document(kind: str, name: str | None = None) -> Any:
    """The parsed `KIND-NAME.json`, or `KIND.json` without a name. Everybody gets the same object: do not change it.

    UnknownCode if there is no such document.
    """
    if name is not None and name not in names(kind):
        raise UnknownCode(f"there is no such {kind}", hint=f"known: {', '.join(names(kind))}")
    return json.loads(text(f"{kind}-{name}.json" if name else f"{kind}.json"))


def exists(file: str) -> bool:
    """Whether a file of that name is shipped."""
    return _SHIPPED.joinpath(file).is_file()


def text(file: str) -> str:
    """The text of a shipped file, such as the CDDL and SQL that stand beside the JSON."""
    return _SHIPPED.joinpath(file).read_text(encoding="utf-8")
