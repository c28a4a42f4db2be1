"""What this machine and this home can and cannot promise, in words; nothing is changed by looking."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from cryptography.hazmat.backends.openssl import backend

from sharekit import registry
from sharekit.agency.agency import Agency
from sharekit.agency.clock import CLOCK
from sharekit.disk import files
from sharekit.disk.durable import durability
from sharekit.domain import vocabulary
from sharekit.errors import ShareError, Usage
from sharekit.policy import rulebook
from sharekit.trust import keys
from sharekit.values import Value

__all__ = ["Check", "examine"]

QUICK = 10_000  # entries of an earlier year that are recomputed without being asked to


class Check(Value):
    """One thing that was examined, by its name: what was found, and `good` if it is as it should be.

    `why` says why it is so, or what to do; it may be empty.
    """

    name: str
    found: str
    why: str = ""
    good: bool = True


def examine(home: Path | None) -> list[Check]:
    """Every check of this machine, and of a home unless it is None; Usage if no home is at that place."""
    return [*_machine(), *(_home(home) if home else [Check("home", "none", "make one with: sharekit init")])]


def _machine() -> Iterator[Check]:
    yield Check("sharekit", version("sharekit"))
    yield Check("cryptography", f"{version('cryptography')}, with {backend.openssl_version_text()}")
    facts = durability()
    yield Check("sqlite", facts["sqlite"])
    yield Check("journal mode", f"{facts['journal_mode']}/{facts['synchronous']}", facts["why"])
    yield _clock()
    unverified = Counter(term.status for name in vocabulary.names() for term in vocabulary.load(name))
    for status in sorted(set(unverified) - {"in-force"}):
        yield Check(f"codes of status {status}", str(unverified[status]), "sharekit vocab NAME CODE gives the source")
    book = rulebook.load()
    doubtful = Counter([rule.status for rule in book.rules] + [rule.status for rule in book.golden_rules])
    for status in sorted(set(doubtful) - {"in-force"}):
        yield Check(f"rules of status {status}", str(doubtful[status]), "sharekit explain RULE gives the source")


def _clock() -> Check:
    override = os.environ.get(CLOCK)
    if override:
        return Check("clock", f"overridden by {CLOCK}", "only a demonstration home goes by it", good=False)
    return Check("clock", "the machine's own")


def _home(home: Path) -> Iterator[Check]:
    """What this home is; Usage if there is none, and one check that is not good if it is too damaged to go on."""
    try:
        yield from _agency(home)
    except Usage:
        raise
    except ShareError as problem:
        yield Check("home", f"{problem.code}: {problem.message}", problem.hint, good=False)


def _agency(home: Path) -> Iterator[Check]:
    with Agency.load(home) as agency:
        yield Check("home", agency.org_id, str(home))
        yield _demonstration(agency)
        yield _passphrase(home)
        yield from _private(home)
        yield from _storage(agency)
        yield _record(agency)
        yield from _time(agency)
        yield _policy(agency)
        yield _unrecorded(agency)
        unconfirmed = sum(1 for pin in agency.trust if not pin.confirmed and not pin.revoked)
        yield _count("unconfirmed cards", unconfirmed, "confirm each by telephone")
        waiting = len(list((home / "outbox").glob("*.sharekit")))
        yield _count("waiting in the outbox", waiting, "sealed and recorded, not delivered")


def _count(name: str, number: int, why: str) -> Check:
    """Something of which there should be none."""
    return Check(name, str(number), why if number else "", good=not number)


def _demonstration(agency: Agency) -> Check:
    if agency.demonstration:
        return Check("demonstration", "yes", "live homes refuse its card", good=False)
    return Check("demonstration", "no")


def _passphrase(home: Path) -> Check:
    protected = keys.is_protected(files.read(home / "keys" / "agency.key"))
    if protected:
        return Check("signing and opening keys", "protected by a passphrase", "Argon2id; the log key never is")
    return Check("signing and opening keys", "not protected", "whoever can read this disk can use them", good=False)


def _private(home: Path) -> Iterator[Check]:
    for path in sorted((home / "keys").iterdir()):
        mode = path.stat().st_mode & 0o777
        yield Check(f"mode of {path.name}", f"{mode:04o}", "" if mode == 0o600 else "run: chmod 600", mode == 0o600)


def _unrecorded(agency: Agency) -> Check:
    """Cards that somebody put into the home without `trust add`."""
    name, own = "cards that nobody accepted", agency.card()
    try:
        accepted = agency.record.accepted(agency.now())
    except ShareError as problem:
        return Check(name, "unknown", f"{problem.code}: {problem.message}", good=False)
    found = [pin.card.org_id for pin in agency.trust if pin.card.fingerprint not in accepted and pin.card.data != own]
    return _count(name, len(found), f"in the trust folder and not in the ledger: {', '.join(found)}")


def _storage(agency: Agency) -> Iterator[Check]:
    """Where the ledger is, and what an acknowledged entry rests on there."""
    try:
        settings = agency.ledger.storage.settings()
    except ShareError as problem:
        yield Check("storage", f"{problem.code}: {problem.message}", problem.hint, good=False)
        return
    yield from (Check(*setting) for setting in settings)


def _record(agency: Agency) -> Check:
    try:
        return Check("ledger", f"{agency.ledger.verify()} entries, verified")
    except ShareError as problem:
        return Check("ledger", f"{problem.code}: {problem.message}", problem.hint, good=False)


def _time(agency: Agency) -> Iterator[Check]:
    """Whether every year follows the one before it, whether the clock fits, and whose shipped data these are."""
    years = agency.record.years
    try:
        count = years.check_chain()
        for _, ledger in [*years.since(0)][:-1]:
            if ledger.size <= QUICK:
                ledger.verify()
        words = "" if count == 1 else "every one follows the one before; sharekit ledger verify recomputes them all"
        yield Check("years on record", str(count), words)
    except ShareError as problem:
        yield Check("years on record", f"{problem.code}: {problem.message}", problem.hint, good=False)
    agency.now()
    doubt = agency.clock_trouble
    yield Check("clock and record", doubt or "in order", "sharekit ledger clock" if doubt else "", good=not doubt)
    yield _edition(registry.edition().hex())


def _edition(found: str) -> Check:
    """Whether profiles, rules and vocabularies are those that were released with this code."""
    name, versions = "shipped data", {digest: name for name, digest in registry.released().items()}
    if versions.get(found) == version("sharekit"):
        return Check(name, "as released")
    if found in versions:
        why = "they belong to other code: install sharekit anew"
        return Check(name, f"those of sharekit {versions[found]}", why, good=False)
    return Check(name, "edited here", "the record says since when; install sharekit anew", good=False)


def _policy(agency: Agency) -> Check:
    try:
        policy = agency.local_policy.in_force()
    except ShareError as problem:
        return Check("local policy", f"{problem.code}: {problem.message}", problem.hint, good=False)
    if policy.digest is None:
        return Check("local policy", "none, the shipped one applies")
    why = "looser than shipped, signed and recorded" if policy.loosens else "nowhere looser than shipped"
    count = len(policy.changes)
    return Check("local policy", f"{count} thing{'s' if count != 1 else ''} otherwise", why)
