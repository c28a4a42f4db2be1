"""The auditor: whatever was done to an export, it is found, named and survived."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from sharekit import cbor, merkle
from sharekit.audit import verify as auditor
from sharekit.audit.recompute import KINDS, is_entry
from sharekit.audit.verify import AuditReport, audit
from sharekit.errors import Malformed, NotTrusted, ShareError, Usage
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.proofs import checkpoint
from sharekit.trust.cards import Card
from sharekit.trust.keys import Keys
from sharekit.trust.store import Trust

ORIGIN, OTHER_ORIGIN = "sharekit/fernshire/2026", "sharekit/quillbrook/2026"
KEYS, OTHER_KEYS = Keys.generate(), Keys.generate()
MADE = datetime(2026, 1, 1, tzinfo=UTC)
NOW = 1_790_000_000


def card(keys: Keys, org_id: str) -> Card:
    return Card.make(keys, org_id=org_id, org_type="police", name=org_id, phone="01632 960100", issued=MADE)


CARD, OTHER_CARD = card(KEYS, "fernshire"), card(OTHER_KEYS, "quillbrook")
TRUST = Trust([CARD, OTHER_CARD])


def entry(number: int = 2, **parts: object) -> Entry:
    return Entry(number, NOW, nonce=os.urandom(16), **parts)


def make_ledger(path: Path, groups: Iterable[int], *, origin: str = ORIGIN, key: SigningKey = KEYS.log) -> Ledger:
    ledger = Ledger.create(path, origin=origin, key=key, genesis=entry(1, origin=origin))
    for count in groups:
        ledger.append(*(entry(packet=os.urandom(16), file=os.urandom(32)) for _ in range(count)))
    return ledger


class Evidence:
    """An agency's ledger of 40 entries, and what it has handed out over time."""

    def __init__(self, folder: Path) -> None:
        ledger = make_ledger(folder / "2026.db", [1, 2, 3] * 3)
        self.earlier = ledger.checkpoint()
        ledger.append(*(entry() for _ in range(19)))
        ledger.append(entry(act=3, rule="R18.4"), entry(counterparties=("quillbrook",)))
        self.note, self.root = ledger.checkpoint(), ledger.root()
        self.proofs = [ledger.prove(seq) for seq in (0, 5, 39)]
        self.leaves = [merkle.leaf_hash(data) for _, data in ledger.entries()]
        self.path = folder / "fernshire.export"
        ledger.export(self.path, [("fernshire", CARD.data), ("quillbrook", OTHER_CARD.data)])
        ledger.close()


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    return Evidence(tmp_path_factory.mktemp("evidence"))


@pytest.fixture
def export(evidence, tmp_path):
    return Path(shutil.copy(evidence.path, tmp_path))


def change(path: Path, *statements: str) -> None:
    """Change a file as somebody who can write SQL: triggers are taken away first, and put back."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        triggers = dict(db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"))
        for name in triggers:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)
        for sql in triggers.values():
            db.execute(sql)
        db.commit()


def rebuild(path: Path) -> None:
    """Compute all stored hashes anew, as somebody with the software but without the key would."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        hashes = [merkle.leaf_hash(data) for (data,) in db.execute("SELECT bytes FROM entry ORDER BY seq")]
    rows, level = [], 0
    while hashes:
        rows.append(f"({level}, 0, X'{b''.join(hashes).hex()}')")
        hashes = [merkle.node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=False)]
        level += 1
    change(path, "DELETE FROM node", f"INSERT INTO node VALUES {', '.join(rows)}")


def kinds(report: AuditReport) -> list[tuple[str, int | None]]:
    return [(finding.kind, finding.entry) for finding in report.findings]


# an honest ledger


def test_nothing_is_found_in_an_honest_export(evidence):
    report = audit(evidence.path, TRUST)
    assert report.findings == ()
    assert (report.origin, report.size, report.root, report.unchanged) == (ORIGIN, 40, evidence.root, 40)
    assert (report.checked.entries, report.checked.notes) == (40, 12)


def test_what_others_kept_of_an_honest_ledger_holds(evidence):
    notes = [evidence.earlier, evidence.note, evidence.earlier.encode()]
    report = audit(evidence.path, TRUST, checkpoints=notes, proofs=evidence.proofs)
    assert report.findings == ()
    assert (report.checked.checkpoints, report.checked.proofs) == (3, 3)


@pytest.mark.parametrize("groups", [[], [1], [1] * 9, [4095], [4096], [4094, 1, 1, 4096], [9000]], ids=str)
def test_nothing_is_found_whatever_the_size(tmp_path, groups):
    with make_ledger(tmp_path / "2026.db", groups) as ledger:
        ledger.export(tmp_path / "export.db")
        report = audit(tmp_path / "export.db", TRUST, checkpoints=[ledger.checkpoint()], proofs=[ledger.prove(0)])
        assert report.findings == ()
        assert (report.size, report.root) == (1 + sum(groups), ledger.root())


@pytest.mark.parametrize("count", [0, 1, 4, 5, 32, 33, 64, 65])
def test_the_lists_of_an_entry_are_as_long_as_the_ledger_allows_and_no_longer(count):
    head = {1: 2, 2: NOW, 3: bytes(16)}
    assert is_entry(cbor.encode({**head, 9: [f"org-{n}" for n in range(count)]}), 1) == (1 <= count <= 64)
    assert is_entry(cbor.encode({**head, 11: list(range(count))}), 1) == (1 <= count <= 32)
    assert is_entry(cbor.encode({**head, 9: ["a"], 11: [1] * count, 15: [2]}), 1) == (1 <= count <= 32)


def test_an_audit_says_how_far_it_has_read(tmp_path):
    seen: list[tuple[int, int]] = []
    with make_ledger(tmp_path / "2026.db", [5000]) as ledger:
        ledger.export(tmp_path / "export.db")
    audit(tmp_path / "export.db", TRUST, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(4096, 5001), (5001, 5001)]


def test_auditing_leaves_no_trace(export):
    """Neither a journal nor an access beyond reading: the file is evidence."""
    before = export.read_bytes()
    export.chmod(0o400)
    audit(export, TRUST)
    assert os.listdir(export.parent) == [export.name]
    assert export.read_bytes() == before


def test_the_auditor_uses_none_of_the_code_that_writes():
    writers = ["agency", "disk", "exchange", "ledger", "packet", "policy", "record", "vault"]
    code = "import sys, sharekit.audit.verify\nprint(sorted(n for n in sys.modules if n.startswith('sharekit.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'sharekit.audit.recompute'" in loaded
    assert not [name for name in writers if f"'sharekit.{name}" in loaded]


# what somebody did to the tables: statements, and the findings with the entries they name

CHANGED = {
    "an entry edited": (
        ["UPDATE entry SET bytes = (SELECT bytes FROM entry WHERE seq = 6) WHERE seq = 5"],
        [("entry-changed", 5), ("root-mismatch", 4)],
    ),
    "an entry that is none": (
        ["UPDATE entry SET bytes = X'00' WHERE seq = 5"],
        [("entry-malformed", 5), ("entry-changed", 5), ("root-mismatch", 4)],
    ),
    "an entry as text": (
        ["UPDATE entry SET bytes = 'a' WHERE seq = 5"],
        [("entry-malformed", 5), ("entry-changed", 5), ("root-mismatch", 4)],
    ),
    "an entry of a megabyte": (
        ["UPDATE entry SET bytes = zeroblob(1000000) WHERE seq = 5"],
        [("entry-malformed", 5), ("entry-changed", 5), ("root-mismatch", 4)],
    ),
    "an entry removed": (["DELETE FROM entry WHERE seq = 5"], [("entry-missing", 5), ("root-mismatch", 4)]),
    "a stretch of entries removed": (
        ["DELETE FROM entry WHERE seq BETWEEN 5 AND 9"],
        [("entry-missing", 5), ("root-mismatch", 4)],
    ),
    "the genesis entry removed": (
        ["DELETE FROM entry WHERE seq = 0"],
        [("genesis-missing", 0), ("entry-missing", 0), ("root-mismatch", 0)],
    ),
    "the genesis entry of another": (
        ["UPDATE entry SET bytes = CAST(replace(bytes, 'fernshire', 'fernshore') AS BLOB) WHERE seq = 0"],
        [("other-origin", 0), ("entry-changed", 0), ("root-mismatch", 0)],
    ),
    "the last entry removed": (["DELETE FROM entry WHERE seq = 39"], [("node-changed", 39), ("truncated", 39)]),
    "the end cut off, notes and all": (
        ["DELETE FROM entry WHERE seq > 18", "DELETE FROM note WHERE size > 19"],
        [("node-changed", 19)],
    ),
    "two entries exchanged": (
        ["UPDATE entry SET bytes = (SELECT e.bytes FROM entry e WHERE e.seq = 11 - entry.seq) WHERE seq IN (5, 6)"],
        [("entry-changed", 5), ("root-mismatch", 4)],
    ),
    "an entry added at the end": (
        ["INSERT INTO entry SELECT 40, bytes FROM entry WHERE seq = 39"],
        [("entry-unsigned", 40)],
    ),
    "an entry far away": ([f"INSERT INTO entry VALUES ({2**63 - 1}, X'00')"], [("entry-unsigned", 40)]),
    "an entry before the first": (["INSERT INTO entry VALUES (-1, X'00')"], [("entry-unsigned", 40)]),
    "an entry put in between": (
        [
            "UPDATE entry SET seq = -seq WHERE seq >= 20",
            "UPDATE entry SET seq = 1 - seq WHERE seq < 0",
            "INSERT INTO entry SELECT 20, bytes FROM entry WHERE seq = 3",
        ],
        [("entry-unsigned", 40), ("entry-changed", 20), ("root-mismatch", 19)],
    ),
    "a leaf hash changed": (
        ["UPDATE node SET hash = zeroblob(64) WHERE level = 0 AND idx = 2"],
        [("node-changed", 2), ("node-changed", 3)],
    ),
    "a node changed": (["UPDATE node SET hash = randomblob(32) WHERE level = 2 AND idx = 0"], [("node-changed", 0)]),
    "the highest node changed": (["UPDATE node SET hash = randomblob(32) WHERE level = 5"], [("node-changed", 0)]),
    "a node removed": (["DELETE FROM node WHERE level = 2 AND idx = 0"], [("node-changed", 0)]),
    "a node as text": (["UPDATE node SET hash = 'a' WHERE level = 5"], [("node-changed", 0), ("node-changed", 40)]),
    "a node cut": (
        ["UPDATE node SET hash = substr(hash, 1, 31) WHERE level = 5"],
        [("node-changed", 0), ("node-changed", 40)],
    ),
    "nodes of no entries": (["INSERT INTO node VALUES (5, 1, randomblob(32))"], [("node-changed", 40)]),
    "a level too many": (["INSERT INTO node VALUES (6, 0, randomblob(32))"], [("node-changed", 40)]),
    "a level below": (["INSERT INTO node VALUES (-1, 0, randomblob(32))"], [("node-changed", 40)]),
    "a level in between": (["INSERT INTO node VALUES (2.5, 0, randomblob(32))"], [("node-changed", 40)]),
    "a level in words": (["INSERT INTO node VALUES ('two', 0, randomblob(32))"], [("node-changed", 40)]),
    "the newest note changed": (
        ["UPDATE note SET note = replace(note, '40', '39') WHERE size = 40"],
        [("note-invalid", 40)],
    ),
    "the newest note removed": (["DELETE FROM note WHERE size = 40"], [("entry-unsigned", 38), ("node-changed", 38)]),
    "an earlier note changed": (["UPDATE note SET note = note || 'x' WHERE size = 19"], [("note-invalid", 19)]),
    "an earlier note at another size": (["UPDATE note SET size = 18 WHERE size = 19"], [("note-invalid", 18)]),
    "an earlier note removed": (["DELETE FROM note WHERE size = 19"], [("note-missing", 19)]),
    "all notes removed": (["DELETE FROM note"], [("note-invalid", 40)]),
    "a note beyond the end": (["INSERT INTO note SELECT 41, note FROM note WHERE size = 40"], [("note-invalid", 40)]),
    "a note for nothing": (["INSERT INTO note VALUES (0, 'a place to hide')"], [("note-invalid", 40)]),
    "a note before the first": (["INSERT INTO note VALUES (-7, 'a place to hide')"], [("note-invalid", 40)]),
    "a card that is none": (["INSERT INTO card VALUES ('fernshire', X'00')"], [("card-invalid", None)]),
    "a card under another name": (["UPDATE card SET org_id = 'quillbrook'"], [("card-invalid", None)]),
    "a card as text": (["INSERT INTO card VALUES ('a place to hide', 'words')"], [("card-invalid", None)]),
    "a card of a megabyte": (
        ["UPDATE card SET data = zeroblob(1000000) WHERE org_id = 'fernshire'"],
        [("card-invalid", None)],
    ),
    "everything removed": (
        ["DELETE FROM entry", "DELETE FROM node", "DELETE FROM note"],
        [("genesis-missing", 0), ("note-invalid", 0)],
    ),
}


@pytest.mark.parametrize(("statements", "expected"), CHANGED.values(), ids=CHANGED)
def test_what_was_changed_is_found(export, statements, expected):
    change(export, *statements)
    report = audit(export, TRUST)
    assert set(expected) <= set(kinds(report))
    assert {kind for kind, _ in kinds(report)} <= set(KINDS)


REPAIRED = {
    "an entry edited": ["UPDATE entry SET bytes = (SELECT bytes FROM entry WHERE seq = 6) WHERE seq = 5"],
    "an entry removed": ["DELETE FROM entry WHERE seq = 5", "UPDATE entry SET seq = -seq WHERE seq > 5",
                         "UPDATE entry SET seq = -seq - 1 WHERE seq < 0"],
    "an entry added": ["INSERT INTO entry SELECT 40, bytes FROM entry WHERE seq = 39"],
}  # fmt: skip


@pytest.mark.parametrize("statements", REPAIRED.values(), ids=REPAIRED)
def test_stored_hashes_computed_anew_do_not_hide_it(export, statements):
    """Whoever has the software but not the key can make everything agree but the signed note."""
    change(export, *statements)
    rebuild(export)
    report = audit(export, TRUST)
    assert {kind for kind, _ in kinds(report)} & {"root-mismatch", "truncated", "entry-unsigned"}
    assert report.unchanged in (4, 40)


def test_computing_the_hashes_anew_changes_nothing_in_an_honest_export(export):
    rebuild(export)
    assert audit(export, TRUST).findings == ()


def test_a_finding_says_what_should_be_there_and_what_is(export, evidence):
    change(export, "UPDATE entry SET bytes = X'00' WHERE seq = 5", "DELETE FROM entry WHERE seq = 8")
    found = {finding.kind: finding for finding in audit(export, TRUST).findings}
    edited, missing, root = (found[kind] for kind in ("entry-changed", "entry-missing", "root-mismatch"))
    assert (edited.expected, edited.found) == (evidence.leaves[5].hex(), merkle.leaf_hash(b"\0").hex())
    assert (missing.entry, missing.expected, missing.found) == (8, evidence.leaves[8].hex(), "")
    assert root.expected == evidence.root.hex()
    assert root.found not in ("", root.expected)
    assert "the first 4 do" in root.message


def test_one_change_is_one_finding_however_many_hashes_lie_above_it(tmp_path):
    with make_ledger(tmp_path / "2026.db", [9000]) as ledger:
        ledger.export(tmp_path / "export.db")
    change(tmp_path / "export.db", "UPDATE entry SET bytes = X'00' WHERE seq = 4097")
    assert kinds(audit(tmp_path / "export.db", TRUST)) == [
        ("entry-malformed", 4097),
        ("entry-changed", 4097),
        ("root-mismatch", 1),
    ]


def test_a_forger_cannot_fill_the_memory_with_findings(tmp_path):
    with make_ledger(tmp_path / "2026.db", [500]) as ledger:
        ledger.export(tmp_path / "export.db")
    change(tmp_path / "export.db", "UPDATE entry SET bytes = X'00'")
    report = audit(tmp_path / "export.db", TRUST)
    assert sum(finding.kind == "entry-changed" for finding in report.findings) == 100


# what somebody did to the file

SCHEMA = {
    "a trigger dropped": "DROP TRIGGER entry_stays",
    "a trigger added": "CREATE TRIGGER more BEFORE INSERT ON entry BEGIN SELECT 1; END",
    "a table added": "CREATE TABLE more (words)",
    "a view added": "CREATE VIEW more AS SELECT * FROM entry",
    "an index added": "CREATE INDEX more ON note (note)",
    "a column added": "ALTER TABLE entry ADD COLUMN words",
    "a computed column added": "ALTER TABLE note ADD COLUMN words AS (note || 'x')",
    "statistics added": "ANALYZE",
    "the edition changed": "PRAGMA user_version = 2",
    "the application changed": "PRAGMA application_id = 7",
}


@pytest.mark.parametrize("statement", SCHEMA.values(), ids=SCHEMA)
def test_tables_that_are_not_a_ledgers_are_found(export, statement):
    with contextlib.closing(sqlite3.connect(export)) as db:
        db.execute(statement)
        db.commit()
    report = audit(export, TRUST)
    assert {finding.kind for finding in report.findings} == {"schema-changed"}
    assert not any("words" in finding.message for finding in report.findings)


VIEWS = {
    "a view for the entries": ["ALTER TABLE entry RENAME TO hidden", "CREATE VIEW entry AS SELECT * FROM hidden"],
    "no notes": ["DROP TABLE note"],
    "no cards": ["DROP TABLE card"],
}


@pytest.mark.parametrize("statements", VIEWS.values(), ids=VIEWS)
def test_what_has_not_the_tables_of_a_ledger_is_no_export(export, statements):
    with contextlib.closing(sqlite3.connect(export)) as db:
        for statement in ("DROP TRIGGER note_follows", *statements):
            db.execute(statement)
        db.commit()
    with pytest.raises(Malformed):
        audit(export, TRUST)


def test_a_journal_beside_the_export_is_not_read(export, evidence):
    """In WAL mode a second file could say something else than the one that was handed over."""
    with contextlib.closing(sqlite3.connect(export)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("DROP TRIGGER entry_stays")
        db.execute("UPDATE entry SET bytes = X'00' WHERE seq = 5")
        db.commit()
        assert Path(f"{export}-wal").stat().st_size > 0
        report = audit(export, TRUST)
    assert (report.findings, report.root) == ((), evidence.root)


def make_vault(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE packet (sender)")


NO_EXPORTS = {
    "a folder": Path.mkdir,
    "empty": Path.touch,
    "text": lambda path: path.write_text("not a database at all" * 50),
    "a head and nothing else": lambda path: path.write_bytes(b"SQLite format 3\0"),
    "another database": make_vault,
    "the live ledger": lambda path: make_ledger(path, [1]).close(),
    "a pipe": lambda path: os.mkfifo(path),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "half of one": lambda path: path.write_bytes((path.parent / "fernshire.export").read_bytes()[:9000]),
}


@pytest.mark.parametrize("make", NO_EXPORTS.values(), ids=NO_EXPORTS)
def test_what_is_no_export_is_malformed(export, make):
    make(export.parent / "other")
    with pytest.raises(Malformed):
        audit(export.parent / "other", TRUST)


UNREADABLE = {"a missing file": "missing", "a missing folder": "no/export", "a zero": "a\0b", "too long": "x" * 300}


@pytest.mark.parametrize("name", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_a_usage_error(tmp_path, name):
    with pytest.raises(Usage):
        audit(tmp_path / name, TRUST)


@pytest.mark.parametrize("name", ["a b%20?#.db", "\udcff.db"], ids=["signs", "no UTF-8"])
def test_an_export_may_be_called_anything(export, name):
    export.rename(export.parent / name)
    assert audit(export.parent / name, TRUST).findings == ()


def content(path: Path) -> list[object]:
    """Everything that can be read from an export, but the cards: nobody can tell that one was left out."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as db:
        queries = [f"SELECT * FROM {table}" for table in ("entry", "node", "note")]
        queries += ["PRAGMA application_id", "PRAGMA user_version", "SELECT type, name, sql FROM sqlite_schema"]
        return [db.execute(query).fetchall() for query in queries]


def test_a_flipped_byte_anywhere_in_the_file_is_noticed_or_changes_nothing_that_is_read(export):
    whole, before, chance = export.read_bytes(), content(export), random.Random(11)
    used = [at for at, byte in enumerate(whole) if byte]
    noticed = 0
    for at in [*range(100), *chance.sample(used, 350), *chance.sample(range(len(whole)), 50)]:
        damaged = bytearray(whole)
        damaged[at] ^= 1 << chance.randrange(8)
        export.write_bytes(damaged)
        try:
            report = audit(export, TRUST)
        except (Malformed, NotTrusted):
            noticed += 1
            continue
        noticed += bool(report.findings)
        assert report.findings or content(export) == before, f"byte {at}"
    assert noticed > 300


def test_a_file_of_rubbish_raises_a_typed_error_only(export):
    whole, chance = export.read_bytes(), random.Random(12)
    for _ in range(150):
        damaged = bytearray(whole)
        for at in chance.sample(range(len(whole)), chance.choice((2, 10, 500))):
            damaged[at] = chance.randrange(256)
        damaged[:100] = whole[:100]
        export.write_bytes(damaged)
        with contextlib.suppress(ShareError):
            audit(export, TRUST)


def point_in_circles(path: Path, table: str, target: str) -> None:
    """Let the root page of a table point to itself, or each of its children be the first of them."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    data, start = bytearray(path.read_bytes()), (root - 1) * size
    assert data[start] in (2, 5), "the table is too small to have inner pages"
    (count,) = struct.unpack_from(">H", data, start + 3)
    cells = [start + at for at in struct.unpack_from(f">{count}H", data, start + 12)]
    (first,) = struct.unpack_from(">I", data, cells[0])
    for at in (start + 8, *cells):
        struct.pack_into(">I", data, at, root if target == "itself" else first)
    path.write_bytes(data)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """An export of 60,000 entries, some of them the largest that are usual."""
    folder = tmp_path_factory.mktemp("large")
    with make_ledger(folder / "2026.db", [1] * 999) as ledger:
        for _ in range(59):
            ledger.append(*(entry(file=os.urandom(32), rule="R18.4", detail=os.urandom(32)) for _ in range(1000)))
        ledger.export(folder / "export.db", [("fernshire", CARD.data)] * 3)
    return folder / "export.db"


@pytest.mark.parametrize("target", ["itself", "its first child"])
@pytest.mark.parametrize("table", ["entry", "node", "note"])
def test_pages_in_a_circle_are_not_followed_for_ever(large, tmp_path, table, target):
    circle = Path(shutil.copy(large, tmp_path))
    point_in_circles(circle, table, target)
    with contextlib.suppress(Malformed):
        assert audit(circle, TRUST).findings


def test_a_large_export_is_not_read_into_memory(large):
    """The entries alone are more than the auditor ever holds."""
    with contextlib.closing(sqlite3.connect(large)) as db:
        (held,) = db.execute("SELECT sum(length(bytes)) FROM entry").fetchone()
    tracemalloc.start()
    try:
        report = audit(large, TRUST)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (report.size, report.findings) == (60_000, ())
    assert peak < 4_000_000 < held


def test_of_very_many_notes_an_even_sample_is_verified_and_the_newest_always(large, monkeypatch):
    monkeypatch.setattr(auditor, "MAX_NOTES", 50)
    report = audit(large, TRUST)
    assert (report.findings, report.unchanged) == ((), 60_000)
    assert 25 <= report.checked.notes <= 50


# what others kept


def test_a_ledger_cut_short_is_found_by_an_older_checkpoint(tmp_path, evidence):
    """The holder of the key can sign a shorter ledger; only what others keep tells."""
    with make_ledger(tmp_path / "2026.db", [4]) as ledger:
        ledger.export(tmp_path / "export.db")
    assert audit(tmp_path / "export.db", TRUST).findings == ()
    (found,) = audit(tmp_path / "export.db", TRUST, checkpoints=[evidence.note]).findings
    assert (found.kind, found.entry, found.expected) == ("truncated", 5, evidence.root.hex())
    assert found.found not in ("", found.expected)


def test_a_ledger_written_anew_by_the_holder_of_its_key_is_a_fork(tmp_path, evidence):
    with make_ledger(tmp_path / "2026.db", [60]) as ledger:
        ledger.export(tmp_path / "export.db")
    report = audit(tmp_path / "export.db", TRUST, checkpoints=[evidence.note], proofs=evidence.proofs[:1])
    fork = report.findings[0]
    assert (fork.kind, fork.entry, fork.expected) == ("forked", 40, evidence.root.hex())
    assert ("proof-mismatch", 0) in kinds(report)


def test_a_history_changed_after_a_note_in_the_export_itself_is_a_fork(export, evidence, tmp_path):
    """The newest note holds, an earlier one in the same file does not."""
    with make_ledger(tmp_path / "2026.db", [18]) as ledger:
        note = ledger.checkpoint()
    change(export, f"UPDATE note SET note = '{note}' WHERE size = 19")
    assert kinds(audit(export, TRUST)) == [("forked", 19)]


def test_a_ledger_of_another_key_is_not_believed(tmp_path, evidence):
    with make_ledger(tmp_path / "2026.db", [39], key=OTHER_KEYS.log) as ledger:
        ledger.export(tmp_path / "export.db", [("fernshire", card(OTHER_KEYS, "fernshire").data)])
        note = ledger.checkpoint()
    report = audit(tmp_path / "export.db", TRUST, checkpoints=[note, evidence.note])
    assert ("note-invalid", 40) in kinds(report)
    assert ("forked", 40) in kinds(report)
    assert report.unchanged == 0


def test_without_the_agencys_card_nothing_is_audited(evidence):
    revoked = Trust([CARD])
    revoked.revoke("fernshire", reason="key lost", now=MADE)
    for trust in (Trust(), Trust([OTHER_CARD]), revoked):
        with pytest.raises(NotTrusted):
            audit(evidence.path, trust)


def test_an_older_log_key_of_the_agency_is_still_its_own(evidence):
    newer = Card.make(
        OTHER_KEYS, org_id="fernshire", org_type="police", name="f", phone="01632 960100", issued=datetime.now(UTC)
    )
    assert audit(evidence.path, Trust([CARD, newer])).findings == ()


def forged(note: str) -> str:
    """The same checkpoint, signed by another key under the same name."""
    return checkpoint.sign(checkpoint.parse(note), key=OTHER_KEYS.log)


def remarked(report: AuditReport) -> list[str]:
    """The kinds of the remarks in a report in which nothing is found."""
    assert report.findings == ()
    return [each.kind for each in report.remarks]


def test_checkpoints_that_are_not_this_ledgers_are_told_and_accuse_nobody(evidence, tmp_path):
    with make_ledger(tmp_path / "q.db", [3], origin=OTHER_ORIGIN, key=OTHER_KEYS.log) as other:
        notes = {"other-ledger": other.checkpoint(), "not-counted": forged(evidence.note)}
    for kind, note in notes.items():
        assert remarked(audit(evidence.path, TRUST, checkpoints=[note])) == [kind]


@pytest.mark.parametrize("note", ["", "text", "a\n1\nb\n\n", b"\xff"], ids=["empty", "text", "unsigned", "bytes"])
def test_what_is_no_checkpoint_is_malformed(evidence, note):
    with pytest.raises(Malformed):
        audit(evidence.path, TRUST, checkpoints=[note])


# proofs


def test_a_proof_is_found_not_to_hold_for_an_entry_that_was_changed(export, evidence):
    change(export, "UPDATE entry SET bytes = (SELECT bytes FROM entry WHERE seq = 6) WHERE seq = 5")
    report = audit(export, TRUST, proofs=evidence.proofs)
    (found,) = (finding for finding in report.findings if finding.kind == "proof-mismatch")
    assert (found.entry, found.found) == (5, evidence.leaves[6].hex())


def test_a_proof_of_an_entry_that_is_gone_does_not_hold(export, evidence):
    change(export, "DELETE FROM entry WHERE seq = 39")
    assert ("proof-mismatch", 39) in kinds(audit(export, TRUST, proofs=evidence.proofs))


def test_a_proof_signed_by_another_key_does_not_count(evidence):
    receipt, note = cbor.decode(evidence.proofs[1])
    parts = cbor.decode(receipt[1:])
    parts[3] = OTHER_KEYS.log.sign(cbor.encode(["Signature1", parts[0], b"", evidence.root])).signature
    proof = cbor.encode([b"\xd2" + cbor.encode(parts), note])
    assert remarked(audit(evidence.path, TRUST, proofs=[proof])) == ["not-counted"]


def test_a_proof_of_another_ledger_or_under_another_checkpoint_is_told_and_accuses_nobody(evidence, tmp_path):
    receipt, note = cbor.decode(evidence.proofs[1])
    with make_ledger(tmp_path / "q.db", [3], origin=OTHER_ORIGIN, key=OTHER_KEYS.log) as other:
        foreign = other.prove(2)
    cases = {
        "of another ledger": ("other-ledger", foreign),
        "not signed": ("not-counted", cbor.encode([receipt, forged(note)])),
        "under an earlier checkpoint": ("not-counted", cbor.encode([receipt, evidence.earlier])),
    }
    for kind, proof in cases.values():
        assert remarked(audit(evidence.path, TRUST, proofs=[proof])) == [kind]


def test_every_changed_byte_of_a_proof_is_noticed(evidence):
    proof = evidence.proofs[1]
    for at in range(len(proof)):
        changed = bytearray(proof)
        changed[at] ^= 1 << at % 8
        with contextlib.suppress(Malformed):
            assert remarked(audit(evidence.path, TRUST, proofs=[bytes(changed)])), f"byte {at}"


def with_path(path: object) -> bytes:
    protected = cbor.encode({1: -19, 395: 1})
    receipt = cbor.encode([protected, {396: {-1: [cbor.encode(path)]}}, None, bytes(64)])
    return cbor.encode([b"\xd2" + receipt, "note"])


BAD_PROOFS = {
    "nothing": b"",
    "text": b"proof",
    "a list": cbor.encode([1, 2]),
    "no receipt": cbor.encode([b"", "note"]),
    "another tag": cbor.encode([b"\xd1" + cbor.encode([b"", {}, None, b""]), "note"]),
    "not the algorithm": cbor.encode([b"\xd2" + cbor.encode([b"", {396: {-1: [b""]}}, None, b""]), "note"]),
    "no path": with_path([]),
    "an index beyond its size": with_path([3, 3, []]),
    "a negative index": with_path([3, -1, []]),
    "a huge index": with_path([2**64 - 1, 2**64 - 2, []]),
    "a short hash": with_path([3, 1, [b"a"]]),
    "hashes that are text": with_path([3, 1, ["a" * 32]]),
}


@pytest.mark.parametrize("proof", BAD_PROOFS.values(), ids=BAD_PROOFS)
def test_what_is_no_proof_is_malformed(evidence, proof):
    with pytest.raises(Malformed):
        audit(evidence.path, TRUST, proofs=[proof])
