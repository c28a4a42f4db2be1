"""What this machine can and cannot promise, and what a check of `doctor` says."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version

from cryptography.hazmat.backends.openssl import backend

from sharekit.agency.clock import CLOCK
from sharekit.disk.durable import durability
from sharekit.domain import vocabulary
from sharekit.errors import ShareError
from sharekit.policy import rulebook
from sharekit.values import Value

__all__ = ["Check", "counted", "machine", "trouble"]


class Check(Value):
    """One thing that was examined, by its name: what was found, and `good` if it is as it should be.

    `why` says why it is so, or what to do; it may be empty. `exit_code` is what `doctor` ends with if nothing is worse:
    0 for what is good, and for what somebody should know and may have wanted so.
    """

    name: str
    found: str
    why: str = ""
    good: bool = True
    exit_code: int = 0


def counted(name: str, number: int, why: str, exit_code: int = 0) -> Check:
    """A check of something of which there should be none; `exit_code` where there is some."""
    return Check(name, str(number), why if number else "", good=not number, exit_code=exit_code if number else 0)


def trouble(name: str, problem: ShareError) -> Check:
    """A check that ended in an error."""
    found = f"{problem.code}: {problem.message}"
    return Check(name, found, problem.hint, good=False, exit_code=problem.exit_code)


def machine() -> Iterator[Check]:
    """Every check of this machine, whatever home there is."""
    yield Check("sharekit", version("sharekit"))
    yield Check("cryptography", f"{version('cryptography')}, with {backend.openssl_version_text()}")
    facts = durability()
    yield Check("sqlite", facts["sqlite"])
    yield Check("journal mode", f"{facts['journal_mode']}/{facts['synchronous']}", facts["why"])
    yield _clock()
    yield from _unverified()


def _clock() -> Check:
    override = os.environ.get(CLOCK)
    if override:
        return Check("clock", f"overridden by {CLOCK}", "only a demonstration home goes by it", good=False)
    return Check("clock", "the machine's own")


def _unverified() -> Iterator[Check]:
    """How many codes and rules that are shipped are not known to be in force."""
    codes = Counter(term.status for name in vocabulary.names() for term in vocabulary.load(name))
    for status in sorted(set(codes) - {"in-force"}):
        yield Check(f"codes of status {status}", str(codes[status]), "sharekit vocab NAME CODE gives the source")
    book = rulebook.load()
    rules = Counter([rule.status for rule in book.rules] + [rule.status for rule in book.golden_rules])
    for status in sorted(set(rules) - {"in-force"}):
        yield Check(f"rules of status {status}", str(rules[status]), "sharekit explain RULE gives the source")
