"""What this machine and this home can and cannot promise, in words; nothing is changed by looking.

A check is a function of the agency that yields what it found, and stands in `HOME`; of the machine alone, in `machine`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

from sharekit import registry
from sharekit.agency.agency import Agency
from sharekit.agency.home import left_behind
from sharekit.agency.machine import Check, counted, machine, trouble
from sharekit.disk import files
from sharekit.errors import LedgerTampered, NotTrusted, ShareError, Usage
from sharekit.proofs import checkpoint
from sharekit.proofs.checkpoint import Checkpoint
from sharekit.trust import keys

__all__ = ["examine", "worst"]


def examine(home: Path | None, *, full: bool = False) -> list[Check]:
    """Every check of this machine, and of a home unless it is None; Usage if no home is at that place.

    Of every ledger the newest part is read: its checkpoint, and at least the 1,024 entries before it; with `full`, all
    of it.
    """
    return [*machine(), *(_home(home, full) if home else [Check("home", "none", "make one with: sharekit init")])]


def worst(checks: Iterable[Check]) -> int:
    """The exit code of the worst of what was found."""
    return max((each.exit_code for each in checks), default=0)


def _home(home: Path, full: bool) -> Iterator[Check]:
    """What this home is; Usage if there is none, and one check that is not good if it is too damaged to go on."""
    try:
        with Agency.load(home) as agency:
            for name, look in {**HOME, **(WHOLE if full else NEWEST)}.items():
                yield from _looked(name, look, agency)
    except Usage:
        raise
    except ShareError as problem:
        yield trouble("home", problem)


def _looked(name: str, look: Callable[[Agency], Iterator[Check]], agency: Agency) -> Iterator[Check]:
    """What one check found; where it could not go on, one that is called `name` says why."""
    try:
        yield from look(agency)
    except ShareError as problem:
        yield trouble(name, problem)


# --- who and where ---


def _about(agency: Agency) -> Iterator[Check]:
    yield Check("home", agency.org_id, str(agency.home))
    if agency.demonstration:
        yield Check("demonstration", "yes", "live homes refuse its card", good=False)
    else:
        yield Check("demonstration", "no")


def _keys(agency: Agency) -> Iterator[Check]:
    """Whether a passphrase protects the keys, and whether somebody else may read their files."""
    name = "signing and opening keys"
    if keys.is_protected(files.read(agency.home / "keys" / "agency.key")):
        yield Check(name, "protected by a passphrase", "Argon2id; the log key never is")
    else:
        yield Check(name, "not protected", "whoever can read this disk can use them", good=False)
    for path in filter(Path.exists, sorted((agency.home / "keys").iterdir())):
        mode = path.stat().st_mode & 0o777
        private = not mode & 0o077
        why, code = ("", 0) if private else (f"others may use it; run: chmod 600 {path}", NotTrusted.exit_code)
        yield Check(f"mode of {path.name}", f"{mode:04o}", why, private, code)


def _left_behind(agency: Agency) -> Iterator[Check]:
    """What a killed process has left."""
    left = left_behind(agency.home)
    why = f"remove what was never finished, it may hold private things: {', '.join(map(str, left))}"
    yield counted("left behind", len(left), why)


def _outbox(agency: Agency) -> Iterator[Check]:
    waiting = len(list((agency.home / "outbox").glob("*.sharekit")))
    yield counted("waiting in the outbox", waiting, "sealed and recorded, not delivered")


# --- what is believed ---


def _cards(agency: Agency) -> Iterator[Check]:
    """Cards that nobody confirmed or that are doubtful, and what is in the trust folder and not on the record."""
    believed = [pin for pin in agency.trust if not pin.revoked]
    yield counted("unconfirmed cards", sum(not pin.confirmed for pin in believed), "confirm each by telephone")
    doubts = [doubt for pin in believed for doubt in agency.trust.doubts(pin)]
    yield counted("doubtful cards", len(doubts), "; ".join(doubts))
    found = agency.trust.strays()
    why = f"of no effect, and not as the record has it: {'; '.join(found)}"
    yield counted("cards that nobody accepted", len(found), why, NotTrusted.exit_code)


def _policy(agency: Agency) -> Iterator[Check]:
    policy = agency.local_policy.in_force()
    if policy.digest is None:
        yield Check("local policy", "none, the shipped one applies")
        return
    why = "looser than shipped, signed and recorded" if policy.loosens else "nowhere looser than shipped"
    count = len(policy.changes)
    yield Check("local policy", f"{count} thing{'s' if count != 1 else ''} otherwise", why)


# --- the record ---


def _differences(agency: Agency, newest: int | None = None) -> Iterator[Check]:
    """What is not as the ledger has it."""
    found = agency.differences(newest)
    why, code = ("see: sharekit ledger verify", LedgerTampered.exit_code) if found else ("", 0)
    yield Check("as the record has it", "; ".join(found) or "yes", why, not found, code)


def _storage(agency: Agency) -> Iterator[Check]:
    """Where the ledger is, and what an acknowledged entry rests on there."""
    for name, found, why, good in agency.ledger.storage.settings():
        yield Check(name, found, why, good, 0 if good else LedgerTampered.exit_code)


def _newest_entries(agency: Agency) -> Iterator[Check]:
    """This year's ledger, as far as is quickly read."""
    size, checked = agency.ledger.size, agency.ledger.verify_newest()
    if checked == size:
        yield Check("ledger", f"{size} entries, verified")
    else:
        rest = "sharekit doctor --full verifies every entry of every year"
        yield Check("ledger", f"{size} entries, of which the newest {checked} were verified", rest)


def _whole_ledgers(agency: Agency) -> Iterator[Check]:
    """Every entry of every year."""
    for ledger in agency.record.years.newest_first():
        name = "ledger" if ledger.origin == agency.ledger.origin else f"ledger {ledger.origin.rpartition('/')[2]}"
        try:
            yield Check(name, f"{ledger.verify()} entries, verified")
        except ShareError as problem:
            yield trouble(name, problem)


def _years(agency: Agency) -> Iterator[Check]:
    """Whether every year follows the one before it, as far as is quickly read; the newest has a check of its own."""
    years = agency.record.years
    count = years.check_chain()
    for ledger in itertools.islice(years.newest_first(), 1, None):
        ledger.verify_newest()
    yield Check("years on record", str(count), "every one follows the one before it" if count > 1 else "")


def _clock(agency: Agency) -> Iterator[Check]:
    """Whether the clock fits the record."""
    agency.now()
    doubt = agency.clock_trouble
    yield Check("clock and record", doubt or "in order", "see: sharekit ledger clock" if doubt else "", good=not doubt)


def _edition(_: Agency) -> Iterator[Check]:
    """Whether profiles, rules and vocabularies are those that were released with this code."""
    name, versions = "shipped data", {digest: name for name, digest in registry.released().items()}
    found, wrong = registry.edition().hex(), NotTrusted.exit_code
    if found not in versions:
        yield Check(name, "edited here", "the record says since when; install sharekit anew", False, wrong)
    elif versions[found] != version("sharekit"):
        yield Check(name, f"those of sharekit {versions[found]}", "install sharekit anew", False, wrong)
    else:
        yield Check(name, "as released")


def _put_back(agency: Agency) -> Iterator[Check]:
    """Whether the ledgers go on from what partners cosigned: a home that was restored from a backup may not."""
    found = [note for note in agency.record.vault.partners.newest_cosigned() if not _goes_on(agency, note)]
    why = "the home was put back to an earlier state; keep it as it is, and tell your partners"
    yield counted("checkpoints of partners that the ledger lacks", len(found), why, LedgerTampered.exit_code)


def _goes_on(agency: Agency, cosigned: Checkpoint) -> bool:
    year = checkpoint.org_and_year(cosigned.origin)
    try:
        ledger = agency.ledger_of(year[1] if year else 0)
    except Usage:
        return False
    return ledger.size >= cosigned.size and ledger.root(cosigned.size) == cosigned.root


HOME: dict[str, Callable[[Agency], Iterator[Check]]] = {
    "home": _about,
    "keys": _keys,
    "storage": _storage,
    "shipped data": _edition,
    "years on record": _years,
    "clock and record": _clock,
    "checkpoints of partners that the ledger lacks": _put_back,
    "local policy": _policy,
    "cards that nobody accepted": _cards,
    "outbox": _outbox,
    "left behind": _left_behind,
}
Look = Callable[[Agency], Iterator[Check]]
RECENT = 1000  # entries whose words are looked at where nobody asks for all
NEWEST: dict[str, Look] = {"as the record has it": partial(_differences, newest=RECENT), "ledger": _newest_entries}
WHOLE: dict[str, Look] = {"as the record has it": _differences, "ledger": _whole_ledgers}
