"""The ledger: what it takes, what it promises, and what it does when the disk or somebody is against it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import re
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import nacl.bindings
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from sharekit import cbor, merkle
from sharekit.disk import durable
from sharekit.disk.durable import durability, journal_mode
from sharekit.errors import LedgerError, LedgerTampered, Malformed, OutputUnwritable, ShareError, Usage
from sharekit.ledger.entry import LABELS, Entry
from sharekit.ledger.log import Ledger
from sharekit.proofs import checkpoint

ORIGIN = "sharekit/fernshire/2026"
KEY = SigningKey(bytes(range(32)))
NOW = 1_790_000_000


def entry(number: int = 2, **parts: object) -> Entry:
    return Entry(number, NOW, nonce=os.urandom(16), **parts)


def genesis(**parts: object) -> Entry:
    return entry(1, origin=ORIGIN, **parts)


def opened(path: Path) -> Ledger:
    return Ledger.open(path, origin=ORIGIN, key=KEY)


@pytest.fixture
def ledger(tmp_path):
    with Ledger.create(tmp_path / "2026.db", origin=ORIGIN, key=KEY, genesis=genesis()) as made:
        yield made


def leaves(ledger: Ledger) -> list[bytes]:
    return [merkle.leaf_hash(data) for _, data in ledger.entries()]


def attack(path: Path, *statements: str, drop: str = "") -> None:
    """Change the file behind the ledger's back; `drop` names triggers to take away first and put back."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        sql = dict(db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"))
        dropped = [name for name in sql if drop and re.match(drop, name)]
        for name in dropped:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)
        for name in dropped:
            db.execute(sql[name])
        db.commit()


# entries

FULL = {
    "packet": b"p" * 16,
    "file": b"f" * 32,
    "purpose": 3,
    "outcome": 65535,
    "rule": "compat/4.2-a",
    "counterparties": ("quillbrook", "Larkmoor_1"),
    "subject": b"s" * 32,
    "bases": (1, 300),
    "art9": (2,),
    "art10": (3,),
    "gateways": (4, 5),
    "agreement": (6,),
    "profile": 7,
    "detail": b"d" * 32,
    "checkpoint": b"c" * 32,
    "origin": ORIGIN,
    "demonstration": True,
    "act": 9,
    "decision": b"d" * 16,
    "decided": 7,
    "reasons": (10, 24),
    "adviser": 11,
    "disclosed": True,
    "stage": 2,
    "action": 1,
    "kinds": (1,),
    "because": (2, 3),
    "override": True,
    "second": True,
    "lapsed": True,
    "lag": 2**32 - 1,
    "act_by": 1_790_000_000,
    "acknowledge_by": 2**34 - 1,
    "rationale": b"r" * 16,
    "left_out": 4,
    "reported": 3,
    "undiscussed": True,
    "edition": b"e" * 32,
    "doubtful": True,
}


def test_an_entry_is_decoded_from_exactly_its_bytes():
    full = entry(**FULL)
    assert Entry.decode(full.encode()) == full
    assert cbor.decode(full.encode())[9] == ["quillbrook", "Larkmoor_1"]
    assert list(cbor.decode(entry().encode())) == [1, 2, 3]


def test_there_is_an_example_of_every_part_of_an_entry():
    assert [label.name for label in LABELS if label.name not in FULL] == ["event", "time", "nonce"]
    assert len(FULL) == len(LABELS) - 3


BAD_PARTS = {
    "a rule in words": {"rule": "told the mother"},
    "a long rule": {"rule": "a" * 33},
    "a name as counterparty": {"counterparties": ("Dr Penn",)},
    "a list that is not a tuple": {"counterparties": ["quillbrook"]},
    "no counterparties": {"counterparties": ()},
    "too many counterparties": {"counterparties": ("a",) * 65},
    "an NHS number as purpose": {"purpose": 9_990_001_011},
    "a purpose in words": {"purpose": "safeguarding"},
    "a boolean as code": {"purpose": True},
    "a short packet": {"packet": b"p"},
    "text as digest": {"subject": "s" * 32},
    "a negative code": {"bases": (-1,)},
    "more minutes than there is room for": {"lag": 2**32},
    "a rationale in words": {"rationale": "told the mother"},
    "a second person by name": {"second": "Lee XXTEST-Varley"},
    "an origin that is a sentence": {"origin": "the child's father"},
    "not a demonstration": {"demonstration": False},
    "a decision in words": {"decision": "not to share"},
    "reasons in words": {"reasons": ("the mother said no",)},
    "not disclosed": {"disclosed": False},
    "a newline after the rule": {"rule": "a\n"},
}


@pytest.mark.parametrize("parts", BAD_PARTS.values(), ids=BAD_PARTS)
def test_an_entry_takes_nothing_that_could_be_free_text(parts):
    with pytest.raises(Malformed) as raised:
        entry(**parts)
    assert not any(str(value) in str(raised.value) for value in parts.values())


def test_an_entry_needs_event_time_and_nonce():
    for event, time, nonce in ((None, NOW, bytes(16)), (1, None, bytes(16)), (1, NOW, None), (1, 1.5, bytes(16))):
        with pytest.raises(Malformed):
            Entry(event, time, nonce=nonce)


BAD_BYTES = {
    "nothing": b"",
    "a list": cbor.encode([1]),
    "an unknown label": cbor.encode({1: 1, 2: 1, 3: bytes(16), 41: 1}),
    "a label of text": cbor.encode({1: 1, 2: 1, 3: bytes(16), "packet": bytes(16)}),
    "the label true": b"\xa3\x02\x01\x03\x50" + bytes(16) + b"\xf5\x01",
    "labels in another order": b"\xa3\x02\x01\x01\x01\x03\x50" + bytes(16),
    "a label twice": b"\xa4\x01\x01\x01\x01\x02\x01\x03\x50" + bytes(16),
    "a map without a length": b"\xbf\x01\x01\x02\x01\x03\x50" + bytes(16) + b"\xff",
    "a code that is a boolean": cbor.encode({1: True, 2: 1, 3: bytes(16)}),
    "a part missing": cbor.encode({1: 1, 2: 1}),
    "a part of the wrong type": cbor.encode({1: 1, 2: 1, 3: "n" * 16}),
    "a null": cbor.encode({1: 1, 2: 1, 3: bytes(16), 4: None}),
    "a byte too many": entry().encode() + b"\0",
    "a longer integer than needed": b"\xa3\x01\x18\x01\x02\x01\x03\x50" + bytes(16),
    "too large": cbor.encode({1: 1, 2: 1, 3: bytes(5000)}),
    "a list in a list": cbor.encode({1: 1, 2: 1, 3: bytes(16), 11: [[1]]}),
}


@pytest.mark.parametrize("data", BAD_BYTES.values(), ids=BAD_BYTES)
def test_decode_refuses_what_is_no_entry(data):
    with pytest.raises(Malformed):
        Entry.decode(data)


VALUES = st.one_of(
    st.integers(-1, 2**34),
    st.sampled_from(
        [True, False, None, bytes(16), bytes(32), "a/b", ORIGIN, "the mother said no", [1], ["x"], [], [""]]
    ),
)
LABELLED = st.dictionaries(st.sampled_from([*range(42), "x"]), VALUES, max_size=4)


@given(LABELLED)
def test_decode_takes_what_the_constructor_takes_and_nothing_else(more):
    parts = {1: 1, 2: 1, 3: bytes(16), **more}
    names = {label.number: label.name for label in LABELS}
    given_ = {names.get(label, "no part"): tuple(v) if isinstance(v, list) else v for label, v in parts.items()}
    try:
        made = Entry(given_.pop("event"), given_.pop("time"), **given_)
    except (Malformed, TypeError):
        made = None
    if made is None or None in parts.values():  # the constructor leaves out what is None; in bytes it has no place
        with pytest.raises(Malformed):
            Entry.decode(cbor.encode(parts))
    else:
        read = Entry.decode(cbor.encode(parts))
        assert (read, read.encode(), hash(read)) == (made, made.encode(), hash(made))


@given(st.binary(max_size=200))
def test_decode_raises_typed_errors_only(data):
    with contextlib.suppress(ShareError):
        assert Entry.decode(data).encode() == data


def test_the_representation_of_an_entry_shows_no_digest():
    assert repr(entry(**FULL)) == f"Entry(event=2, time={NOW})"


# appending


def test_a_new_ledger_holds_its_genesis_under_a_signed_checkpoint(ledger):
    assert ledger.size == ledger.verify() == 1
    assert Entry.decode(ledger.entry(0)).origin == ORIGIN
    signed = checkpoint.verify(ledger.checkpoint(), origin=ORIGIN, public=bytes(KEY.verify_key))
    assert (signed.size, signed.root) == (1, ledger.root())


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.integers(1, 9), st.sampled_from([31, 64, 1025])), max_size=6))
def test_whatever_was_appended_in_groups_verifies_and_proves(tmp_path_factory, groups):
    path = tmp_path_factory.mktemp("ledger") / "2026.db"
    with Ledger.create(path, origin=ORIGIN, key=KEY, genesis=genesis()) as ledger:
        size = 1
        for count in groups:
            assert ledger.append(*(entry() for _ in range(count))) == size
            size += count
        hashes = leaves(ledger)
        assert ledger.verify() == ledger.size == size == len(hashes)
        assert ledger.root() == merkle.root(hashes)
        for at in {0, size // 3, size - 1}:
            assert ledger.inclusion(at) == merkle.inclusion_proof(hashes, at)
            assert ledger.inclusion(at, at + 1) == merkle.inclusion_proof(hashes[: at + 1], at)
            assert ledger.consistency(at + 1) == merkle.consistency_proof(hashes, at + 1)


def test_a_ledger_opened_again_goes_on_where_it_was(ledger):
    ledger.append(entry(), entry())
    ledger.close()
    with opened(ledger.path) as again:
        assert again.append(entry()) == 3
        assert again.verify() == 4


def test_two_openings_of_one_ledger_take_turns(ledger):
    with opened(ledger.path) as other:
        assert [ledger.append(entry()), other.append(entry()), ledger.append(entry())] == [1, 2, 3]
        assert other.size == 4
        assert other.verify() == ledger.verify() == 4


def test_threads_share_one_ledger(ledger):
    threads = [threading.Thread(target=lambda: [ledger.append(entry()) for _ in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.verify() == 21


def test_only_genesis_names_the_ledger(ledger, tmp_path):
    for refused in ((), (genesis(),), (entry(), entry(demonstration=True))):
        with pytest.raises(Usage):
            ledger.append(*refused)
    with pytest.raises(LedgerError):
        Ledger.create(tmp_path / "other.db", origin="sharekit/quillbrook/2026", key=KEY, genesis=genesis())
    assert ledger.verify() == 1


def test_a_ledger_is_never_made_over_another_or_its_remains(ledger, tmp_path):
    before = ledger.path.read_bytes()
    (tmp_path / "left.db-wal").write_bytes(b"frames of another ledger")
    (tmp_path / "link.db").symlink_to(tmp_path / "nowhere")
    for name in ("2026.db", "left.db", "link.db"):
        with pytest.raises(LedgerError):
            Ledger.create(tmp_path / name, origin=ORIGIN, key=KEY, genesis=genesis())
    assert ledger.path.read_bytes() == before
    assert not (tmp_path / "nowhere").exists()


def test_the_files_are_the_owners_alone(ledger, tmp_path):
    ledger.append(entry())
    ledger.export(tmp_path / "export.db")
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_no_entry_beyond_the_ledger_is_shown_or_proved(ledger):
    calls = (ledger.entry, ledger.inclusion, ledger.prove, ledger.consistency)
    for call in calls:
        for number in (-1, 2):
            with pytest.raises(Usage):
                call(number)


def test_a_proof_is_a_cose_receipt_that_others_can_check(ledger):
    ledger.append(*(entry() for _ in range(5)))
    receipt, note = cbor.decode(ledger.prove(3))
    signed = checkpoint.verify(note, origin=ORIGIN, public=bytes(KEY.verify_key))
    assert receipt[:1] == b"\xd2"
    protected, unprotected, payload, signature = cbor.decode(receipt[1:])
    assert (cbor.decode(protected), payload) == ({1: -19, 395: 1}, None)
    size, index, path = cbor.decode(unprotected[396][-1][0])
    merkle.verify_inclusion(merkle.leaf_hash(ledger.entry(3)), index, size, path, signed.root)
    structure = cbor.encode(["Signature1", protected, b"", signed.root])
    assert nacl.bindings.crypto_sign_open(signature + structure, bytes(KEY.verify_key)) == structure


# several writers, and sudden ends

WRITER = """
import os, sys
from pathlib import Path
from nacl.signing import SigningKey
from sharekit.ledger.entry import LABELS, Entry
from sharekit.ledger.log import Ledger
with Ledger.open(Path(sys.argv[1]), origin="sharekit/fernshire/2026", key=SigningKey(bytes(range(32)))) as ledger:
    for _ in range(int(sys.argv[2])):
        print(ledger.append(Entry(2, 1790000000, nonce=os.urandom(16))), flush=True)
"""


def write_some(path: str, count: int) -> None:
    with opened(Path(path)) as ledger:
        for _ in range(count):
            ledger.append(entry(), entry())


def test_two_processes_append_at_once(ledger):
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write_some, args=(str(ledger.path), 25)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert ledger.verify() == 101


def test_processes_that_make_one_ledger_at_once_make_it_once(tmp_path):
    made = []

    def make() -> None:
        with contextlib.suppress(LedgerError):
            Ledger.create(tmp_path / "2026.db", origin=ORIGIN, key=KEY, genesis=genesis()).close()
            made.append(1)

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]
    with opened(tmp_path / "2026.db") as ledger:
        assert ledger.verify() == 1


def test_a_killed_writer_loses_no_entry_that_it_was_told_of(ledger):
    for after in (1, 4, 9):
        command = [sys.executable, "-c", WRITER, str(ledger.path), "100000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            told = [writer.stdout.readline() for _ in range(after)][-1]
            writer.send_signal(signal.SIGKILL)
            told = (writer.stdout.read().split() or [told])[-1]
        assert ledger.verify() > int(told)
        ledger.append(entry())


# a disk that will not


def test_a_full_disk_is_one_clear_error_and_appends_nothing(ledger):
    ((pages,),) = ledger.storage.rows("PRAGMA page_count")
    ledger.storage.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerError, match="disk is full"):
        ledger.append(*(entry() for _ in range(500)))
    ledger.storage.rows("PRAGMA max_page_count = 100000")
    assert ledger.verify() == 1
    assert ledger.append(entry()) == 1


def test_a_file_that_may_not_grow_is_one_clear_error(ledger):
    limited = WRITER.replace("with Ledger", "import resource, signal\nsignal.signal(25, signal.SIG_IGN)\n"
                             "resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000))\nwith Ledger", 1)  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-c", limited, str(ledger.path), "2000"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert "LedgerError" in ran.stderr.splitlines()[-1]
    assert ledger.verify() == int(ran.stdout.split()[-1]) + 1
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_what_cannot_be_opened_is_a_ledger_error(tmp_path, ledger):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.db").mkdir()
    for path in (tmp_path / "missing.db", tmp_path / "folder.db", tmp_path / "no" / "folder" / "2026.db"):
        with pytest.raises(LedgerError) as raised:
            opened(path)
        assert raised.value.code == "ledger-unwritable"
    assert not (tmp_path / "missing.db").exists()
    with pytest.raises(LedgerError):
        Ledger.create(tmp_path / "no" / "2026.db", origin=ORIGIN, key=KEY, genesis=genesis())


def test_a_ledger_that_may_not_be_written_to_appends_nothing(ledger):
    ledger.storage.rows("PRAGMA query_only = ON")
    with pytest.raises(LedgerError, match="may not be written to"):
        ledger.append(entry())
    ledger.storage.rows("PRAGMA query_only = OFF")
    assert ledger.verify() == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_clear_error(ledger, tmp_path):
    tmp_path.chmod(0o500)
    ledger.path.chmod(0o400)
    try:
        with pytest.raises(LedgerError):
            ledger.append(entry())
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 50], ids=["empty", "text"])
def test_what_is_no_ledger_is_not_believed(tmp_path, content):
    (tmp_path / "2026.db").write_bytes(content)
    with pytest.raises(LedgerTampered):
        opened(tmp_path / "2026.db")


def test_a_closed_ledger_says_so(ledger):
    ledger.close()
    with pytest.raises(LedgerError):
        ledger.append(entry())


def test_wal_is_used_only_where_it_is_whole():
    versions = {
        (3, 40, 1): "TRUNCATE",
        (3, 44, 5): "TRUNCATE",
        (3, 44, 6): "WAL",
        (3, 45, 0): "TRUNCATE",
        (3, 50, 6): "TRUNCATE",
        (3, 50, 7): "WAL",
        (3, 51, 2): "TRUNCATE",
        (3, 51, 3): "WAL",
        (3, 52, 0): "WAL",
        (4, 0, 0): "WAL",
    }
    assert {version: journal_mode(version) for version in versions} == versions
    assert durability()["journal_mode"] == journal_mode(sqlite3.sqlite_version_info)


def test_a_wal_ledger_is_as_good(tmp_path, monkeypatch):
    monkeypatch.setattr(durable, "journal_mode", lambda _: "WAL")
    with Ledger.create(tmp_path / "2026.db", origin=ORIGIN, key=KEY, genesis=genesis()) as ledger:
        ledger.append(entry(), entry())
        assert "WAL/FULL" in [each.found for each in ledger.storage.settings()]
        with opened(ledger.path) as other:
            assert other.append(entry()) == 3
        ledger.export(tmp_path / "export.db")
        assert ledger.verify() == 4
    assert not (tmp_path / "export.db-wal").exists()


def test_a_journal_mode_that_was_not_taken_is_an_error(ledger, monkeypatch):
    monkeypatch.setattr(durable, "journal_mode", lambda _: "NONSENSE")
    with pytest.raises(LedgerError, match="cannot keep"):
        opened(ledger.path)


# tampering

TAMPERED = {
    "an entry edited": ("UPDATE entry SET bytes = X'00' WHERE seq = 2", "entry"),
    "an entry as text": ("UPDATE entry SET bytes = 'a' WHERE seq = 2", "entry"),
    "an entry removed": ("DELETE FROM entry WHERE seq = 2", "entry"),
    "the last entry removed": ("DELETE FROM entry WHERE seq = 7", "entry"),
    "an entry added": ("INSERT INTO entry VALUES (8, X'00')", "entry"),
    "an entry before the first": ("INSERT INTO entry VALUES (-1, X'00')", "entry"),
    "two entries exchanged": (
        "UPDATE entry SET bytes = (SELECT e.bytes FROM entry e WHERE e.seq = 7 - entry.seq) WHERE seq IN (3, 4)",
        "entry",
    ),
    "a stored leaf flipped": ("UPDATE node SET hash = zeroblob(32) WHERE level = 0 AND idx = 3", "node"),
    "a stored node flipped": ("UPDATE node SET hash = zeroblob(32) WHERE level = 1 AND idx = 1", "node"),
    "a stored node removed": ("DELETE FROM node WHERE level = 1 AND idx = 0", "node"),
    "a stored hash too many": ("INSERT INTO node VALUES (9, 0, zeroblob(32))", "node"),
    "a stored hash cut": ("UPDATE node SET hash = zeroblob(31) WHERE level = 0 AND idx = 2", "node"),
    "the newest note changed": ("UPDATE note SET note = replace(note, '8', '9') WHERE size = 8", "note"),
    "an earlier note changed": ("UPDATE note SET note = note || 'x' WHERE size = 4", "note"),
    "an earlier note as a number": ("UPDATE note SET note = X'00' WHERE size = 4", "note"),
    "the newest note removed": ("DELETE FROM note WHERE size = 8", "note"),
    "an earlier note removed": ("DELETE FROM note WHERE size = 4", "note"),
    "all notes removed": ("DELETE FROM note", "note"),
    "a trigger removed": ("DROP TRIGGER entry_remains", ""),
    "a trigger replaced by one that does nothing": (
        "CREATE TRIGGER more BEFORE INSERT ON entry BEGIN SELECT 1; END",
        "",
    ),
    "a table added": ("CREATE TABLE more (a)", ""),
    "a mark changed": ("PRAGMA user_version = 2", ""),
}


@pytest.mark.parametrize(("statement", "drop"), TAMPERED.values(), ids=TAMPERED)
def test_verify_finds(ledger, statement, drop):
    for _ in range(7):
        ledger.append(entry())
    attack(ledger.path, statement, drop=drop + "_" if drop else "")
    with pytest.raises(LedgerTampered):
        ledger.verify()


def content(path: Path) -> list[object]:
    """Everything that can be read from a ledger."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as db:
        return [db.execute(f"SELECT * FROM {table}").fetchall() for table in ("entry", "node", "note")]


def test_a_flipped_byte_anywhere_in_the_file_is_noticed_or_changes_nothing_that_is_read(ledger):
    for count in (1, 3, 20, 1, 8):
        ledger.append(*(entry() for _ in range(count)))
    ledger.close()
    whole, before, chance = ledger.path.read_bytes(), content(ledger.path), random.Random(5)
    for at in chance.sample([at for at, byte in enumerate(whole) if byte], 250):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << chance.randrange(8)
        ledger.path.write_bytes(damaged)
        try:
            with opened(ledger.path) as again:
                again.verify()
        except LedgerTampered:
            continue
        ledger.path.write_bytes(damaged)
        assert content(ledger.path) == before, f"byte {at}"


def test_an_edited_entry_is_named_with_what_it_should_be(ledger):
    for _ in range(7):
        ledger.append(entry())
    expected = merkle.leaf_hash(ledger.entry(5)).hex()
    attack(ledger.path, "UPDATE entry SET bytes = X'A0' WHERE seq = 5", drop="entry_stays")
    with pytest.raises(LedgerTampered) as raised:
        ledger.verify()
    assert (raised.value.index, raised.value.expected) == (5, expected)
    with pytest.raises(LedgerTampered):
        ledger.prove(5)


BROKEN_AT_OPENING = {
    name: TAMPERED[name]
    for name in ("the last entry removed", "an entry added", "the newest note changed", "all notes removed")
} | {"a trigger removed": TAMPERED["a trigger removed"]}


@pytest.mark.parametrize(("statement", "drop"), BROKEN_AT_OPENING.values(), ids=BROKEN_AT_OPENING)
def test_a_broken_ledger_is_neither_opened_nor_continued(ledger, statement, drop):
    for _ in range(7):
        ledger.append(entry())
    attack(ledger.path, statement, drop=drop + "_" if drop else "")
    with pytest.raises(LedgerTampered):
        opened(ledger.path)
    if drop:
        with pytest.raises(LedgerTampered):
            ledger.append(entry())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET bytes = X'00'",
        "DELETE FROM entry",
        "INSERT OR REPLACE INTO entry VALUES (0, X'00')",
        "INSERT INTO entry VALUES (5, X'00')",
        "INSERT INTO entry VALUES (NULL, X'00')",
        "UPDATE node SET hash = X'00'",
        "DELETE FROM node",
        "INSERT OR REPLACE INTO node VALUES (0, 0, X'00')",
        "INSERT INTO node VALUES (0, 5, X'00')",
        "UPDATE note SET note = ''",
        "DELETE FROM note",
        "INSERT OR REPLACE INTO note VALUES (1, '')",
        "INSERT INTO note VALUES (2, '')",
    ],
)
def test_the_triggers_refuse_what_is_not_an_append(ledger, statement):
    with pytest.raises(sqlite3.DatabaseError, match=r"never|must"):
        attack(ledger.path, statement)
    assert ledger.verify() in (1,)


def test_another_file_in_the_ledgers_place_is_noticed(ledger, tmp_path):
    copy = tmp_path / "copy.db"
    copy.write_bytes(ledger.path.read_bytes())
    os.replace(copy, ledger.path)
    with pytest.raises(LedgerTampered, match="place"):
        ledger.append(entry())
    ledger.path.unlink()
    with pytest.raises(LedgerError):
        ledger.append(entry())


def test_the_ledger_of_another_key_or_name_is_not_opened(ledger):
    with pytest.raises(LedgerTampered):
        Ledger.open(ledger.path, origin=ORIGIN, key=SigningKey(bytes(32)))
    with pytest.raises(LedgerTampered):
        Ledger.open(ledger.path, origin="sharekit/fernshire/2027", key=KEY)


# exports


def test_an_export_holds_the_tables_and_the_cards_and_replaces_what_was_there(ledger, tmp_path):
    ledger.append(entry())
    target = tmp_path / "export.db"
    target.write_text("old")
    ledger.export(target, [("fernshire", b"card")])
    with contextlib.closing(sqlite3.connect(target)) as db:
        assert db.execute("SELECT * FROM card").fetchall() == [("fernshire", b"card")]
        assert db.execute("SELECT * FROM entry").fetchall() == list(ledger.entries())
    assert not list(tmp_path.glob(".sharekit-*"))


def test_an_export_never_takes_the_place_of_the_ledger(ledger, tmp_path):
    (tmp_path / "link").symlink_to(ledger.path)
    (tmp_path / "folder").mkdir()
    for path in (ledger.path, Path(f"{ledger.path}.lock"), tmp_path / "link", tmp_path / "folder"):
        with pytest.raises(OutputUnwritable):
            ledger.export(path)
    with pytest.raises(OutputUnwritable):
        ledger.export(tmp_path / "no" / "export.db")
    assert ledger.verify() == 1


# what was there before must still be there


def restore(path: Path, earlier: bytes) -> None:
    """Put back an earlier state in place, as a careless restore does: the same file, other bytes."""
    with path.open("r+b") as file:
        file.write(earlier)
        file.truncate()


def test_a_ledger_put_back_to_an_earlier_state_is_noticed_by_whoever_has_it_open(ledger):
    ledger.append(entry())
    earlier = ledger.path.read_bytes()
    ledger.append(entry(), entry())
    restore(ledger.path, earlier)
    for call in (lambda: ledger.append(entry()), ledger.checkpoint, ledger.verify, lambda: ledger.prove(1)):
        with pytest.raises(LedgerTampered, match="earlier") as raised:
            call()
        assert raised.value.index == 4
    assert ledger.path.read_bytes() == earlier


def test_a_ledger_put_back_and_then_continued_is_noticed_too(ledger):
    """The other process cannot know; this one has seen another history under the same key."""
    earlier = ledger.path.read_bytes()
    ledger.append(entry())
    before = ledger.root()
    restore(ledger.path, earlier)
    with opened(ledger.path) as other:
        other.append(entry(), entry())
        other.append(entry(), entry())
    with pytest.raises(LedgerTampered, match="earlier") as raised:
        ledger.append(entry())
    assert (raised.value.index, raised.value.expected) == (2, before.hex())


def test_a_checkpoint_that_was_kept_tells_whether_the_ledger_goes_on_from_it(ledger, tmp_path):
    ledger.append(entry(), entry())
    known = ledger.checkpoint()
    for _ in range(2):
        with Ledger.open(ledger.path, origin=ORIGIN, key=KEY, known=known) as again:
            again.append(entry())
    with Ledger.create(tmp_path / "new.db", origin=ORIGIN, key=KEY, genesis=genesis()) as shorter:
        pass
    with Ledger.create(tmp_path / "other.db", origin=ORIGIN, key=KEY, genesis=genesis()) as other:
        other.append(*(entry() for _ in range(9)))
    for path in (shorter.path, other.path):
        with pytest.raises(LedgerTampered, match="earlier state, or replaced") as raised:
            Ledger.open(path, origin=ORIGIN, key=KEY, known=known)
        assert raised.value.index == 3
    with pytest.raises(LedgerTampered, match="gone"):
        Ledger.open(tmp_path / "missing.db", origin=ORIGIN, key=KEY, known=known)
    with pytest.raises(LedgerTampered):
        Ledger.open(ledger.path, origin=ORIGIN, key=KEY, known=known.replace("3", "2", 1))


def test_after_a_failed_commit_the_ledger_goes_on_from_whatever_reached_the_disk(ledger, monkeypatch):
    class Failing:
        """A connection whose commit says that it failed: once before it has happened, once after."""

        def __init__(self, db: sqlite3.Connection, *, happens: bool) -> None:
            self._db, self._happens = db, happens

        def __getattr__(self, name: str) -> object:
            return getattr(self._db, name)

        def execute(self, sql: str, *values: object) -> object:
            if sql != "COMMIT":
                return self._db.execute(sql, *values)
            if self._happens:
                self._db.execute(sql)
            raise OSError(5, "Input/output error")

    for happens in (False, True):
        with monkeypatch.context() as patch:
            patch.setattr(ledger.storage, "_db", Failing(ledger.storage._db, happens=happens))
            with pytest.raises(LedgerError):
                ledger.append(entry())
        assert ledger.size == 1 + happens
    assert ledger.append(entry()) == 2
    assert ledger.verify() == 3


# reading what somebody changed

UNREADABLE = {
    "an entry as number": ("UPDATE entry SET bytes = 7 WHERE seq = 1", "entry"),
    "an entry as text": ("UPDATE entry SET bytes = 'a' WHERE seq = 1", "entry"),
    "an entry far away": (f"INSERT INTO entry VALUES ({2**63 - 1}, 'a')", "entry"),
}


@pytest.mark.parametrize(("statement", "drop"), UNREADABLE.values(), ids=UNREADABLE)
def test_entries_that_are_no_bytes_are_not_handed_out(ledger, statement, drop):
    ledger.append(entry())
    attack(ledger.path, statement, drop=f"{drop}_")
    with pytest.raises(LedgerTampered):
        list(ledger.entries())
    with pytest.raises(LedgerTampered):
        ledger.entry(1 if "seq" in statement else 2**63 - 1)


def test_no_number_is_too_large_to_ask_for(ledger):
    for number in (2**63 - 1, 2**63, 2**200, -(2**200)):
        with pytest.raises(Usage):
            ledger.entry(number)
        with pytest.raises(Usage):
            ledger.prove(number)
    assert list(ledger.entries(2**200)) == []


def test_a_note_that_is_no_text_is_tampered_with(ledger):
    attack(ledger.path, "UPDATE note SET note = CAST(X'FF' AS TEXT)", drop="note_")
    for call in (ledger.checkpoint, ledger.verify, lambda: ledger.append(entry()), lambda: opened(ledger.path)):
        with pytest.raises(LedgerTampered):
            call()


# how much an append does


def test_an_append_does_the_same_few_steps_however_long_the_ledger_is(ledger):
    """The tip is read once; then a row for the entry, one for each completed level, one for the note."""
    ledger.append(*(entry() for _ in range(2050)))
    told: list[str] = []
    ledger.storage._db.set_trace_callback(told.append)
    for _ in range(8):
        ledger.append(entry())
    ledger.storage._db.set_trace_callback(None)
    inserts = {line for line in told if line.startswith("INSERT")}  # told again when a trigger begins
    others = Counter(line.split(" ", 1)[0] for line in told if line not in inserts)
    completed = 8 + 4 + 2 + 1  # levels 0 to 3 of eight new leaves
    assert others == {"BEGIN": 8, "SELECT": 8, "COMMIT": 8}
    assert len(inserts) == 8 + completed + 8
