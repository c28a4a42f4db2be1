"""What a ledger promises, wherever it is kept: in a file, by SQLite, or in a database, by PostgreSQL."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey
from world.ledgers import KEY, ORIGIN, entry, folder_in_memory, genesis
from world.servers import ready_database
from world.writers import acknowledged, kept_in, writer

from sharekit import merkle
from sharekit.audit.verify import audit
from sharekit.errors import LedgerError, LedgerTampered, Usage
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.ledger.move import move
from sharekit.ledger.postgres import Database
from sharekit.ledger.sqlite import Folder
from sharekit.ledger.storage import Shelf
from sharekit.proofs import checkpoint, inclusion
from sharekit.trust.cards import Card
from sharekit.trust.keys import Keys
from sharekit.trust.store import Trust

ISSUED = datetime(2026, 1, 1, tzinfo=UTC)
PUBLIC = bytes(KEY.verify_key)
TABLES = ("entry", "node", "note")


class Sqlite:
    """A folder of ledgers."""

    def __init__(self, folder: Path) -> None:
        self.named = str(folder)

    def shelf(self) -> Shelf:
        return Folder(Path(self.named))

    def attack(self, statement: str) -> None:
        """Change the tables past the ledger, triggers or not."""
        with contextlib.closing(sqlite3.connect(Path(self.named) / "2026.db", isolation_level=None)) as db:
            triggers = dict(db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"))
            for name in triggers:
                db.execute(f"DROP TRIGGER {name}")
            db.execute(statement)
            for sql in triggers.values():
                db.execute(sql)


class Postgres:
    """A database of ledgers."""

    def __init__(self, server: Any) -> None:
        self.named, self._server = ready_database(server), server

    def shelf(self) -> Shelf:
        return Database(self.named)

    def attack(self, statement: str) -> None:
        name = dict(part.split("=") for part in self.named.split())["dbname"]
        with self._server.connect(database=name) as db:
            db.execute("SET session_replication_role = replica; SET search_path = sharekit")  # no trigger fires
            db.execute(statement.replace("X'", "'\\x"))


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[Sqlite | Postgres]:
    if request.param == "postgres":
        yield Postgres(request.getfixturevalue("postgres"))
        return
    with folder_in_memory() as folder:
        yield Sqlite(folder)


@contextlib.contextmanager
def opened(store: Sqlite | Postgres, **known: str) -> Iterator[Ledger]:
    """The ledger, as another process would open it."""
    shelf = store.shelf()
    with contextlib.closing(shelf), Ledger.open(shelf.place(ORIGIN), origin=ORIGIN, key=KEY, **known) as ledger:
        yield ledger


@pytest.fixture
def ledger(store: Sqlite | Postgres) -> Iterator[Ledger]:
    shelf = store.shelf()
    with (
        contextlib.closing(shelf),
        Ledger.create(shelf.place(ORIGIN), origin=ORIGIN, key=KEY, genesis=genesis()) as made,
    ):
        yield made


def leaves(ledger: Ledger) -> list[bytes]:
    return [merkle.leaf_hash(data) for _, data in ledger.entries()]


# appending and reading


def test_a_new_ledger_holds_its_genesis_under_a_signed_checkpoint(ledger):
    assert ledger.size == ledger.verify() == 1
    assert Entry.decode(ledger.entry(0)).origin == ORIGIN
    signed = checkpoint.verify(ledger.checkpoint(), origin=ORIGIN, public=PUBLIC)
    assert (signed.size, signed.root) == (1, ledger.root())


def test_whatever_was_appended_in_groups_verifies_and_proves(ledger):
    size = 1
    for count in (1, 2, 5, 64, 1, 1025, 3):
        assert ledger.append(*(entry() for _ in range(count))) == size
        size += count
    hashes = leaves(ledger)
    assert ledger.verify() == ledger.size == size == len(hashes)
    assert ledger.root() == merkle.root(hashes)
    for at in (0, 1, 70, size // 3, size - 1):
        assert ledger.root(at + 1) == merkle.root(hashes[: at + 1])
        assert ledger.inclusion(at) == merkle.inclusion_proof(hashes, at)
        assert ledger.inclusion(at, at + 1) == merkle.inclusion_proof(hashes[: at + 1], at)
        assert ledger.consistency(at + 1) == merkle.consistency_proof(hashes, at + 1)


def test_a_proof_can_be_checked_by_others(ledger):
    ledger.append(*(entry() for _ in range(5)))
    shown = inclusion.parse(ledger.prove(3))
    assert shown.check(ledger.entry(3), origin=ORIGIN, keys=[PUBLIC]).root == ledger.root()


def test_a_ledger_opened_again_goes_on_where_it_was(store, ledger):
    ledger.append(entry(), entry())
    with opened(store, known=ledger.checkpoint()) as again:
        assert again.append(entry()) == 3
        assert again.verify() == 4


def test_openings_of_one_ledger_take_turns(store, ledger):
    with opened(store) as other:
        numbers = [each.append(entry()) for each in (ledger, other, ledger, ledger, other, other)]
        assert numbers == [1, 2, 3, 4, 5, 6]
        assert other.size == ledger.size == 7
        assert other.verify() == ledger.verify() == 7


def test_only_genesis_names_the_ledger_and_a_ledger_is_made_once(store, ledger):
    for refused in ((), (genesis(),), (entry(), entry(demonstration=True))):
        with pytest.raises(Usage):
            ledger.append(*refused)
    with contextlib.closing(store.shelf()) as shelf, pytest.raises(LedgerError, match="already"):
        Ledger.create(shelf.place(ORIGIN), origin=ORIGIN, key=KEY, genesis=genesis())
    assert ledger.verify() == 1


def test_each_year_has_a_ledger_of_its_own(store, ledger):
    other = "sharekit/fernshire/2027"
    with contextlib.closing(store.shelf()) as shelf:
        assert shelf.years("fernshire") == [2026]
        first = entry(1, origin=other)
        with Ledger.create(shelf.place(other), origin=other, key=KEY, genesis=first) as next_year:
            assert [next_year.append(entry()), ledger.append(entry(), entry())] == [1, 1]
            assert (next_year.verify(), ledger.verify()) == (2, 3)
        assert shelf.years("fernshire") == [2026, 2027]


def test_no_entry_beyond_the_ledger_is_shown_or_proved(ledger):
    for call in (ledger.entry, ledger.inclusion, ledger.prove, ledger.consistency):
        for number in (-1, 2, 2**63 - 1, 2**63, 2**200):
            with pytest.raises(Usage):
                call(number)
    assert list(ledger.entries(2**200)) == []


def test_a_closed_ledger_says_so(ledger):
    ledger.close()
    for call in (lambda: ledger.append(entry()), lambda: ledger.size, ledger.verify):
        with pytest.raises(LedgerError):
            call()


def test_there_must_be_a_ledger_to_open(store):
    with contextlib.closing(store.shelf()) as shelf:
        place = shelf.place(ORIGIN)
        assert not place.exists()
        with pytest.raises(LedgerError) as raised:
            Ledger.open(place, origin=ORIGIN, key=KEY)
        assert raised.value.code == "ledger-unwritable"
        with pytest.raises(LedgerTampered, match="gone"):
            Ledger.open(place, origin=ORIGIN, key=KEY, known="a checkpoint")


# several writers, and sudden ends


def test_threads_share_commits_and_each_gets_its_own_number(ledger):
    """Each is told of its own entries, in the ledger where it was told, and there are fewer commits than appends."""
    told, commits, insert = {}, [], ledger._commit

    def commit(take):
        commits.append(1)
        while len(commits) == 1 and not ledger._group._queue:  # the first waits until another has come
            time.sleep(0.001)
        return insert(take)

    ledger._commit = commit
    ready = threading.Barrier(8)

    def write() -> None:
        ready.wait()
        for count in (1, 3, 1, 2, 1, 1):
            entries = [entry() for _ in range(count)]
            first = ledger.append(*entries)
            told.update({first + at: each.encode() for at, each in enumerate(entries)})

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == dict(list(ledger.entries())[1:])
    assert ledger.verify() == 1 + 8 * 9
    assert len(commits) < 8 * 6


def test_an_interrupt_in_the_middle_leaves_nothing(ledger, monkeypatch):
    def interrupted(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "sign", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ledger.append(entry())
    assert ledger.append(entry()) == 1
    assert ledger.verify() == 2


def test_two_processes_append_at_once(store, ledger):
    told = {}
    writers = [writer(store.named, 30) for _ in range(2)]
    for each in writers:
        lines = each.stdout.readlines()
        each.stdout.close()
        assert each.wait() == 0
        told |= acknowledged(lines)
    assert len(told) == 60
    assert kept_in(ledger, told.keys()) == told
    assert ledger.verify() == 61


def test_a_writer_killed_in_the_middle_loses_nothing_that_it_was_told_of(store, ledger):
    told = {}
    with writer(store.named, 100_000) as other:
        for after in (1, 5, 14):
            with writer(store.named, 100_000) as killed:
                lines = [killed.stdout.readline() for _ in range(after)]
                killed.send_signal(signal.SIGKILL)
                told |= acknowledged(lines + killed.stdout.readlines())
            mine = entry()
            told[ledger.append(mine)] = mine.nonce.hex()
        other.send_signal(signal.SIGKILL)
        told |= acknowledged(other.stdout.readlines())
    assert kept_in(ledger, told.keys()) == told
    assert ledger.verify() > len(told) > 20


# tampering

TAMPERED = {
    "an entry edited": "UPDATE entry SET bytes = X'00' WHERE seq = 2",
    "an entry removed": "DELETE FROM entry WHERE seq = 2",
    "the last entry removed": "DELETE FROM entry WHERE seq = 7",
    "two entries exchanged": (
        "UPDATE entry SET bytes = (SELECT e.bytes FROM entry e WHERE e.seq = 7 - entry.seq) WHERE seq IN (3, 4)"
    ),
    "a stored leaf changed": f"UPDATE node SET hash = X'{'00' * 32}' WHERE level = 0 AND idx = 3",
    "a stored node changed": f"UPDATE node SET hash = X'{'00' * 32}' WHERE level = 1 AND idx = 1",
    "a stored node removed": "DELETE FROM node WHERE level = 1 AND idx = 0",
    "the newest note changed": "UPDATE note SET note = replace(note, '8', '9') WHERE size = 8",
    "an earlier note changed": "UPDATE note SET note = note || 'x' WHERE size = 4",
    "the newest note removed": "DELETE FROM note WHERE size = 8",
    "an earlier note removed": "DELETE FROM note WHERE size = 4",
    "all notes removed": "DELETE FROM note",
}


@pytest.mark.parametrize("statement", TAMPERED.values(), ids=TAMPERED)
def test_verify_finds_what_was_changed_and_nothing_is_added_to_it(store, ledger, statement):
    for _ in range(7):
        ledger.append(entry())
    store.attack(statement)
    with pytest.raises(LedgerTampered):
        ledger.verify()
    with pytest.raises(LedgerTampered):
        ledger.append(entry())


def test_a_ledger_that_did_not_verify_takes_entries_again_when_it_does(store, ledger):
    ledger.append(entry(), entry())
    whole = ledger.entry(1).hex()
    store.attack("UPDATE entry SET bytes = X'00' WHERE seq = 1")
    with pytest.raises(LedgerTampered):
        ledger.verify()
    with opened_later(store) as other, pytest.raises(LedgerTampered, match="last checked"):
        other.append(entry())
    store.attack(f"UPDATE entry SET bytes = X'{whole}' WHERE seq = 1")
    assert ledger.verify() == 3
    assert ledger.append(entry()) == 3


@contextlib.contextmanager
def opened_later(store: Sqlite | Postgres) -> Iterator[Ledger]:
    """Opened although its newest entries are not those that were signed: as by somebody who had it open before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "_check_recent", lambda _: None)
        with opened(store) as found:
            yield found


def test_an_edited_entry_is_named_with_what_it_should_be(store, ledger):
    for _ in range(7):
        ledger.append(entry())
    expected = merkle.leaf_hash(ledger.entry(5)).hex()
    store.attack("UPDATE entry SET bytes = X'A0' WHERE seq = 5")
    with pytest.raises(LedgerTampered) as raised:
        ledger.verify()
    assert (raised.value.index, raised.value.expected) == (5, expected)
    with pytest.raises(LedgerTampered):
        ledger.prove(5)
    with pytest.raises(LedgerTampered), opened(store):
        pass


def test_a_ledger_put_back_to_an_earlier_state_is_noticed(store, ledger):
    ledger.append(entry())
    ledger.append(entry(), entry())
    known = ledger.checkpoint()
    store.attack("DELETE FROM note WHERE size > 2")
    store.attack("DELETE FROM entry WHERE seq >= 2")
    store.attack("DELETE FROM node WHERE level > 1 OR (level = 0 AND idx >= 2) OR (level = 1 AND idx >= 1)")
    for call in (lambda: ledger.append(entry()), ledger.checkpoint, ledger.verify, lambda: ledger.prove(1)):
        with pytest.raises(LedgerTampered, match="earlier") as raised:
            call()
        assert raised.value.index == 4
    with pytest.raises(LedgerTampered, match="earlier"), opened(store, known=known):
        pass


def test_the_ledger_of_another_key_or_name_is_not_opened(store, ledger):
    with contextlib.closing(store.shelf()) as shelf:
        with pytest.raises(LedgerTampered):
            Ledger.open(shelf.place(ORIGIN), origin=ORIGIN, key=SigningKey(bytes(32)))
        with pytest.raises(LedgerTampered):
            Ledger.open(shelf.place(ORIGIN), origin="sharekit/fernshire/2027", key=KEY)


# exports


def content(path: Path) -> dict[str, list[Any]]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return {name: db.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in TABLES}


def test_an_export_audits_clean_and_holds_what_the_ledger_holds(ledger, tmp_path):
    keys = Keys.generate()
    object.__setattr__(keys, "log", KEY)
    about = {"org_type": "police", "name": "Fernshire", "phone": "01632 960100"}
    card = Card.make(keys, org_id="fernshire", issued=ISSUED, **about)
    for count in (1, 2, 1030, 3):
        ledger.append(*(entry() for _ in range(count)))
    shown = ledger.prove(700)
    ledger.export(tmp_path / "export.db", [("fernshire", card.data)])
    report = audit(tmp_path / "export.db", Trust([card]), checkpoints=[ledger.checkpoint()], proofs=[shown])
    assert report.findings == ()
    assert (report.size, report.root) == (ledger.size, ledger.root())
    assert content(tmp_path / "export.db")["entry"] == list(ledger.entries())


# moving from one to the other


@pytest.fixture
def other(store, postgres, tmp_path):
    """A storage of the other kind."""
    if isinstance(store, Sqlite):
        return Postgres(postgres)
    (tmp_path / "other").mkdir()
    return Sqlite(tmp_path / "other")


def bring(store: Sqlite | Postgres, other: Sqlite | Postgres) -> list[Any]:
    with contextlib.closing(store.shelf()) as here, contextlib.closing(other.shelf()) as there:
        return move(here, there, org_id="fernshire", key=KEY, switch=lambda: None)


def test_moving_there_and_back_keeps_every_root_note_and_row(store, ledger, other, tmp_path):
    for count in (1, 2, 1030, 3):
        ledger.append(*(entry() for _ in range(count)))
    roots, shown = [ledger.root(size) for size in (1, 2, 700, ledger.size)], ledger.prove(700)
    ledger.export(tmp_path / "before.db")
    (moved,) = bring(store, other)
    assert (moved.origin, moved.size, moved.root) == (ORIGIN, 1037, roots[-1])
    with opened(other, known=ledger.checkpoint()) as arrived:
        assert [arrived.root(size) for size in (1, 2, 700, arrived.size)] == roots
        assert inclusion.parse(shown).check(arrived.entry(700), origin=ORIGIN, keys=[PUBLIC]).root == roots[-1]
        arrived.export(tmp_path / "after.db")
        assert content(tmp_path / "after.db") == content(tmp_path / "before.db")
        assert arrived.append(entry(), entry()) == 1037
        assert arrived.verify() == 1039
    bring(other, store)
    assert ledger.append(entry()) == 1039
    assert ledger.verify() == 1040


def test_whoever_waits_for_a_move_is_told_how_far_it_is(store, ledger, other):
    for count in (1, 2, 5):
        ledger.append(*(entry() for _ in range(count)))
    seen: list[tuple[int, int]] = []
    with contextlib.closing(store.shelf()) as here, contextlib.closing(other.shelf()) as there:
        moving = {"org_id": "fernshire", "key": KEY, "switch": lambda: None}
        move(here, there, **moving, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 18), (9, 18), (1, 9), (2, 9), (4, 9), (9, 9)]


def test_what_was_moved_takes_no_more_entries_until_it_is_moved_back(store, ledger, other):
    bring(store, other)
    for _ in range(2):
        with pytest.raises(LedgerError, match="it was moved") as raised:
            ledger.append(entry())
        assert not isinstance(raised.value, LedgerTampered)
        assert ledger.verify() == 1  # which says nothing of where it goes on
    bring(other, store)
    assert ledger.append(entry()) == 1


def test_a_move_that_was_stopped_is_completed_by_another(store, ledger, other):
    def stopped() -> None:
        raise KeyboardInterrupt

    ledger.append(entry())
    here, there = store.shelf(), other.shelf()
    with contextlib.closing(here), contextlib.closing(there), pytest.raises(KeyboardInterrupt):
        move(here, there, org_id="fernshire", key=KEY, switch=stopped)
    assert ledger.append(entry()) == 2
    (moved,) = bring(store, other)
    assert (moved.size, moved.root) == (3, ledger.root())


def test_a_ledger_is_not_moved_over_another_of_its_name_nor_if_it_does_not_verify(store, ledger, other):
    with contextlib.closing(other.shelf()) as shelf:
        Ledger.create(shelf.place(ORIGIN), origin=ORIGIN, key=KEY, genesis=genesis()).close()
    with pytest.raises(LedgerError, match="another ledger"):
        bring(store, other)
    assert ledger.append(entry()) == 1
    store.attack("UPDATE entry SET bytes = X'00' WHERE seq = 0")
    with pytest.raises(LedgerTampered):
        bring(store, other)
