"""Every part of an export and of evidence, replaced by something else: a finding or a typed error, and no traceback."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from world.books import filled
from world.commands import sharekit

from sharekit import Keys, Trust, cbor
from sharekit.audit import questions
from sharekit.audit.verify import audit
from sharekit.domain import vocabulary
from sharekit.errors import Malformed, ShareError
from sharekit.ledger.entry import Entry
from sharekit.proofs import checkpoint
from sharekit.proofs.checkpoint import Checkpoint

NOBODYS = ["nobody", "sharekit", "sharekit/", "sharekit/fernshire", "sharekit//2026", "sharekit/fernshire/26", "a/b/c"]


@pytest.fixture
def book(tmp_path):
    made = filled(tmp_path)
    shutil.copy(made.export, tmp_path / "book.export")
    (tmp_path / "card").write_bytes(made.card.data)
    return made


def changed(folder: Path, statement: str, *values: object) -> Path:
    """A copy of the export in which one statement was run."""
    path = Path(shutil.copy(folder / "book.export", folder / "changed.export"))
    with contextlib.closing(sqlite3.connect(path)) as db:
        triggers = dict(db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"))
        for name in triggers:
            db.execute(f"DROP TRIGGER {name}")
        db.execute(statement, values)
        for sql in triggers.values():
            db.execute(sql)
        db.commit()
    return path


@pytest.mark.parametrize("origin", NOBODYS)
@pytest.mark.parametrize("command", ["verify", "report", "query", "table"])
def test_an_export_of_nobodys_ledger_is_malformed(book, tmp_path, monkeypatch, origin, command):
    monkeypatch.chdir(tmp_path)
    note = checkpoint.sign(Checkpoint(origin, book.ledger.size, book.ledger.root()), key=Keys.generate().log)
    changed(tmp_path, "UPDATE note SET note = ? WHERE size = (SELECT max(size) FROM note)", note)
    named = ["no-agreement", "changed.export"] if command == "query" else ["changed.export"]
    out = ["-o", "out.csv"] if command in ("report", "table") else []
    ran = sharekit("audit", command, *named, "--trust", "card", *out)
    assert (ran.code, ran.error) == (3, "malformed")


VALUES: list[object] = [
    None,
    0,
    -1,
    2**63 - 1,
    1.5,
    "",
    "x",
    "a\0b",
    "\u202e\x9b",
    b"",
    b"\xff",
    b"\0" * 5000,
    "x" * 200_000,
]
COLUMNS = {
    "entry": ["seq", "bytes"],
    "node": ["level", "idx", "hash"],
    "note": ["size", "note"],
    "card": ["org_id", "data"],
    "attestation": ["org_id", "cosigned", "entry", "proof", "statement"],
    "stamp": ["note", "token"],
}


@pytest.mark.parametrize(("table", "column"), [(table, column) for table, names in COLUMNS.items() for column in names])
def test_any_value_in_any_column_is_a_finding_or_a_typed_error(book, tmp_path, table, column):
    trust = Trust([book.card])
    for value in VALUES:
        columns = COLUMNS[table]
        row = [value if each == column else b"1" for each in columns]
        for statement, values in (
            (f"UPDATE OR IGNORE {table} SET {column} = ? WHERE rowid = (SELECT max(rowid) FROM {table})", [value]),
            (f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(row))})", row),
        ):
            with contextlib.suppress(sqlite3.Error):
                path = changed(tmp_path, statement, *values)
                with contextlib.suppress(ShareError):
                    audit(path, trust)


PARTS: list[object] = [
    None,
    True,
    0,
    -1,
    2**64 - 1,
    1.5,
    "",
    "x",
    "\u202e",
    b"",
    b"\xff" * 40,
    [],
    [[]],
    {},
    {1: 2},
    ["a", None, b"", b""],
]


def test_any_item_in_the_place_of_any_part_of_evidence_is_malformed_or_counts_for_nothing(book, tmp_path):
    trust, chance, row = Trust([book.card]), random.Random(9), ["quillbrook", None, b"e", b"p", b"s"]
    whole: list[object] = [book.origin, [row, row[:4]]]
    for _ in range(400):
        part = chance.choice(PARTS)
        at = chance.randrange(5)
        bent = [*row[:at], part, *row[at + 1 :]]
        given = chance.choice(
            [[part, [row]], [book.origin, part], [book.origin, [bent]], part, [*whole, part], [book.origin, [part]]]
        )
        try:
            report = audit(book.export, trust, receipts=[cbor.encode(given)])
        except Malformed:
            continue
        assert report.findings == ()


TIMES = [0, 1, 59, 2**31, 2**32, 4_102_444_800, 16_725_225_600, 2**34 - 1]


def test_an_entry_of_any_time_and_any_numbers_is_read_by_every_question(book, tmp_path, monkeypatch):
    """The agency itself may have signed it: the auditor reads on."""
    monkeypatch.chdir(tmp_path)
    events = [each.number for each in vocabulary.load("ledger-events") if each.code not in ("genesis", "closed")]
    for number, time in enumerate(TIMES * 6):
        more = {"outcome": 65_535, "purpose": 65_535, "act_by": time, "bases": (65_535, 0), "lag": 2**32 - 1}
        more |= {"decided": number % 9, "kinds": (1,) * 32, "agreement": (number % 5,), "profile": 65_535}
        book.ledger.append(Entry(events[number % len(events)], time, nonce=bytes(16), packet=bytes(16), **more))
    for outcome in vocabulary.load("outcomes"):
        book.ledger.append(Entry(7, 2**34 - 1, nonce=bytes(16), packet=bytes(16), outcome=outcome.number))
    shutil.copy(book.export, "odd.export")
    for command in (["verify"], ["report", "-o", "r.html"], ["table", "-o", "t.csv"]):
        ran = sharekit("audit", command[0], "odd.export", "--trust", "card", *command[1:])
        assert ran.code in (0, 6), ran  # some of the times cannot be right
    for question in questions.load():
        assert sharekit("audit", "query", question.name, "odd.export", "--trust", "card").code in (0, 6), question.name
