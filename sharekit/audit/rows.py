"""Entries as rows that questions can be put to: numbers spelled out as codes, and nothing of a person.

The rows stand in a database of the auditor's own, never in the export: SQLite keeps on disk what is too much for
memory, and whatever an export says only ever becomes a value in it. schemas/decoded.sql says what each column is.

The labels of an entry, and the vocabularies whose numbers stand there, are written down here a second time: the auditor
reads entries without the code that wrote them, and a test holds the two to each other.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sharekit import cbor, registry
from sharekit.audit import export_file
from sharekit.domain import profile, vocabulary, workdays
from sharekit.errors import OutputUnwritable, Usage
from sharekit.moments import seconds_of, time_of
from sharekit.proofs.checkpoint import owner

__all__ = ["CODED", "COLUMNS", "LISTS", "NOBODY", "Decoded", "having_room"]

BATCH = 512
# For a database that is made for one answer and thrown away; what does not fit into the cache is on disk.
PRAGMAS = ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", "cache_size = -8000")
INDEXES = (
    "CREATE INDEX about_packet ON entry (packet, owner, event, action, time) WHERE packet IS NOT NULL",
    "CREATE INDEX about_decision ON entry (decision, owner, event) WHERE decision IS NOT NULL",
    "CREATE INDEX explained ON entry (ledger, rationale, entry) WHERE rationale IS NOT NULL",
)
NOBODY = "unknown"
PROFILES = "profiles"  # among the vocabularies, though each is a file of its own

EVENT, TIME, AGREEMENT, KINDS = 1, 2, 15, 29
_CODES = {
    EVENT: ("event", "ledger-events"),
    6: ("purpose", "purposes"),
    7: ("outcome", "outcomes"),
    21: ("act", "acts"),
    23: ("decided", "decisions"),
    25: ("adviser", "advice-roles"),
    27: ("stage", "dispute-stages"),
    28: ("action", "action-kinds"),
    39: ("reported", "receipt-events"),
}
_LISTS = {
    11: ("bases", "art6"),
    12: ("art9", "art9"),
    13: ("art10", "art10"),
    14: ("gateways", "gateways"),
    AGREEMENT: ("agreement", "agreement-status"),
    KINDS: ("kinds", "agreement-kinds"),
    24: ("reasons", "refusal-reasons"),
    30: ("because", "agreement-reasons"),
}
_TIMES = {TIME: "time", 35: "act_by", 36: "acknowledge_by"}
_BYTES = {4: "packet", 22: "decision", 37: "rationale"}
_PLAIN = {8: "rule", 26: "disclosed", 31: "override", 32: "second", 33: "lapsed", 34: "lag", 38: "left_out"}
_PLAIN |= {40: "undiscussed"}
COLUMNS = re.findall(r"^    (\w+) +(?:TEXT|INTEGER)", registry.text("decoded.sql"), re.M)
_EMPTY = dict.fromkeys(COLUMNS)

# the columns that hold codes, with the vocabulary of each; and those that hold a list as JSON
CODED = dict([*_CODES.values(), *_LISTS.values(), ("profile", PROFILES), ("emergency", "action-kinds")])
LISTS = frozenset({"counterparties", *(column for column, _ in _LISTS.values())})
_INSERT = f"INSERT INTO entry VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608  # no value in it


class Decoded:
    """The entries of one or more ledgers, in a file of its own at `path`, or in one that is gone when it is closed."""

    def __init__(self, path: Path | None = None) -> None:
        with having_room():
            self.db = sqlite3.connect(path or "", isolation_level=None)
            for pragma in PRAGMAS:
                self.db.execute(f"PRAGMA {pragma}").close()
            self.db.executescript(registry.text("decoded.sql"))
            self.db.executemany("INSERT INTO code VALUES (?, ?, ?, ?)", _codes())
        self._ledgers = set[str]()

    def add(self, path: Path, origin: str, size: int) -> None:
        """The first `size` entries of an export; Usage if its ledger is there, OutputUnwritable without room."""
        ledger = origin or NOBODY
        if ledger in self._ledgers:
            raise Usage("two exports of the same ledger", hint="name the newer one")
        self._ledgers.add(ledger)
        whose = {"ledger": ledger, "owner": owner(origin) or NOBODY}
        rows = (_row({**whose, "entry": seq}, cbor.decode(data)) for seq, data in export_file.entries(path, size))
        for batch in _batches(rows):
            with having_room():
                self.db.execute("BEGIN")
                self.db.executemany(_INSERT, batch)
                self.db.execute("COMMIT")

    def finish(self) -> None:
        """Everything has been added: from here on it is only read."""
        with having_room():
            for statement in INDEXES:
                self.db.execute(statement)
            self.db.execute("PRAGMA query_only = ON")

    def close(self) -> None:
        """Close the database."""
        self.db.close()


@contextlib.contextmanager
def having_room() -> Iterator[None]:
    """Every SQLite error inside is OutputUnwritable: what goes wrong with a file of our own is want of room for it."""
    try:
        yield
    except sqlite3.Error:
        raise OutputUnwritable("there is no room for the answers", hint="free some in the temporary folder") from None


def _batches(rows: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    while batch := list(itertools.islice(rows, BATCH)):
        yield batch


# --- one entry ---


def _row(about: Mapping[str, Any], parts: Mapping[int, Any]) -> list[Any]:
    """One entry as a row, in the order of the columns; a number that no vocabulary has is shown as unknown."""
    row: dict[str, Any] = {**_EMPTY, **about}
    known = _parts()
    for label, value in parts.items():
        if label in known:
            column, made_of = known[label]
            row[column] = made_of(value)
    row.update(_derived(row))
    return list(row.values())


def _time(seconds: int) -> str:
    return time_of(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def _spelled(name: str) -> Callable[[int], str]:
    """A function from a number to its code."""
    if name == PROFILES:
        known = {profile.load(each).number: each for each in profile.names()}
    else:
        known = {term.number: term.code for term in vocabulary.load(name)}
    return lambda number: known.get(number) or f"unknown-{number}"


def _list_of(spell: Callable[[int], str]) -> Callable[[Sequence[int]], str]:
    """A function from numbers to a list of their codes, which remembers the combinations that come again."""
    spelled = functools.lru_cache(maxsize=1024)(lambda numbers: json.dumps([spell(number) for number in numbers]))
    return lambda numbers: spelled(tuple(numbers))


@functools.cache
def _parts() -> dict[int, tuple[str, Callable[[Any], Any]]]:
    """For each label of an entry the column it fills, and what makes its value."""
    return {
        **{label: (column, _time) for label, column in _TIMES.items()},
        **{label: (column, bytes.hex) for label, column in _BYTES.items()},
        **{label: (column, lambda value: value) for label, column in _PLAIN.items()},
        **{label: (column, _spelled(name)) for label, (column, name) in _CODES.items()},
        **{label: (column, _list_of(_spelled(name))) for label, (column, name) in _LISTS.items()},
        9: ("counterparties", json.dumps),
        16: ("profile", _spelled(PROFILES)),
    }


# --- what the vocabularies make of it ---


def _derived(row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"day": _day(row["time"][:13])}
    outcome, decided = _more("outcomes", row["outcome"]), _more("decisions", row["decided"])
    if row["event"] == "sealed" and row["purpose"]:
        found |= _agreement(row["agreement"], row["kinds"])
    if row["event"] == "decided":
        found["allowed"] = int(bool(outcome.get("allows")))
    if row["decided"]:
        found["shared"] = int(bool(decided.get("shares")))
    if outcome.get("emergency") or decided.get("emergency"):
        found |= _review(row["event"], row["time"])
    return found


@functools.lru_cache(maxsize=1024)
def _day(hour: str) -> str:
    """The day that it was in Great Britain in an hour of UTC, such as 2026-11-26T09."""
    return workdays.day_of(datetime.fromisoformat(f"{hour}:00:00Z")).isoformat()


def _agreement(statuses: str | None, kinds: str | None) -> dict[str, Any]:
    """Whether somebody agreed to a share, whether that mattered, and whether somebody had refused."""
    if statuses is None:
        return {"agreed": "not-recorded"}
    return _agreement_of(tuple(json.loads(statuses)), tuple(json.loads(kinds or "[]")))


@functools.lru_cache(maxsize=4096)
def _agreement_of(statuses: tuple[str, ...], kinds: tuple[str, ...]) -> dict[str, Any]:
    pairs = [
        (_more("agreement-status", status), _more("agreement-kinds", kind))
        for status, kind in itertools.zip_longest(statuses, kinds[: len(statuses)])
    ]
    given = any(status.get("given") and kind.get("consent") for status, kind in pairs)
    duty = any(status.get("duty") and kind.get("share") for status, kind in pairs)
    against = any(status.get("needs_override") and kind.get("share") for status, kind in pairs)
    return {"agreed": "given" if given else "not-needed" if duty else "no", "against": int(against)}


def _review(event: str, time: str) -> dict[str, Any]:
    """How an emergency is looked at again, and the end of the working day on which it was to be."""
    for term in vocabulary.load("action-kinds"):
        if term.more.get("emergency") and event in term.more["begins"]:
            days = next(rule["working_days"] for rule in term.more["due"] if "working_days" in rule)
            begun = workdays.day_of(datetime.fromisoformat(time))
            last = workdays.working_day_after(begun, days) + timedelta(days=1)
            return {"emergency": term.code, "review_by": _time(seconds_of(workdays.start_of(last)))}
    return {}


def _more(name: str, code: str | None) -> Mapping[str, Any]:
    """What the vocabulary says of a code besides; empty for none, and for one it does not have."""
    term = vocabulary.load(name).terms.get(code) if code else None
    return term.more if term else {}


def _codes() -> Iterable[tuple[str, str, str, str]]:
    """What every code means, and what kind of share every profile is: vocabulary, code, label, definition."""
    for name in vocabulary.names():
        for term in vocabulary.load(name):
            yield name, term.code, term.label, term.definition
    for kind in map(profile.load, profile.names()):
        yield PROFILES, kind.name, kind.title, registry.document(f"profile-{kind.name}")["description"]
