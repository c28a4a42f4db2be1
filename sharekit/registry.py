"""Finds and parses what `schemas/` ships, each document once.

The domain is data: profiles, vocabularies, the compatibility matrix, the engine's steps. Nothing here knows
what a document means. A document is shared by everyone who asks for it, so nobody may change it.
"""

from __future__ import annotations

import functools
import json
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sharekit.errors import UnknownCode

__all__ = ["document", "edition", "exists", "names", "released", "text"]

SHIPPED = {".json", ".cddl", ".sql", ".html", ".css"}
RELEASED = "edition.json"  # the digests of what was released: it cannot hold its own

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
    return _data(file).decode("utf-8")


@functools.cache
def edition() -> bytes:
    """The digest of everything that is shipped beside the code, 32 bytes: what this process goes by.

    It is over the name and the digest of every file, in the order of their names; the list of released digests is left
    out. What is read later is what was hashed here.
    """
    files = sorted(file.name for file in _SHIPPED.iterdir() if file.suffix in SHIPPED and not file.name.startswith("."))
    shipped = [name for name in files if name != RELEASED]
    return sha256(b"".join(sha256(part).digest() for name in shipped for part in (name.encode(), _data(name)))).digest()


def released() -> dict[str, str]:
    """The versions of sharekit and the digest that `edition` had in each, in hexadecimal."""
    found: dict[str, str] = json.loads(_data(RELEASED))["editions"]
    return found


@functools.cache
def _data(file: str) -> bytes:
    """The bytes of a shipped file, read once a process: nobody changes under it what it goes by."""
    return _SHIPPED.joinpath(file).read_bytes()
