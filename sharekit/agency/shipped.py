"""What sharekit ships, for people who want to read it: kinds of share, codes, rules. It needs no home."""

from __future__ import annotations

from typing import NamedTuple

from sharekit import registry
from sharekit.domain import profile as profiles
from sharekit.domain import vocabulary as vocabularies
from sharekit.domain.profile import Profile
from sharekit.domain.vocabulary import Vocabulary
from sharekit.policy import rulebook
from sharekit.policy.rulebook import Explanation

__all__ = ["Kind", "explain", "kinds", "profile", "vocabulary", "vocabulary_names"]


class Kind(NamedTuple):
    """A kind of share, in short: the name of its profile, the version, and what it is called."""

    name: str
    version: str
    title: str


def kinds() -> list[Kind]:
    """Every kind of share, by name; nothing of a profile is compiled for it."""
    found = ((name, registry.document("profile", name)) for name in profiles.names())
    return [Kind(name, data["x-profile"]["version"], data["title"]) for name, data in found]


def profile(name: str) -> Profile:
    """One kind of share, with every field; UnknownCode if there is none of that name."""
    return profiles.load(name)


def vocabulary_names() -> tuple[str, ...]:
    """The names of all vocabularies, sorted."""
    return vocabularies.names()


def vocabulary(name: str) -> Vocabulary:
    """A vocabulary with its codes; UnknownCode if there is none of that name."""
    return vocabularies.load(name)


def explain(rule: str, book: str | None = None) -> Explanation:
    """What a rule asks for, where it comes from and the way through; UnknownCode if the rulebook has none such.

    `rule` is one of sealing (R1), a golden rule (GR1) or a step of opening (R18.1); `book` None is the newest edition.
    """
    return rulebook.explain(rule, book or rulebook.DEFAULT)
