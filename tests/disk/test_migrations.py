"""Files of an earlier edition are brought up to date, those of a newer one left alone; what was recorded stays.

The migrations here are made up; tests/test_before.py and tests/vault have the one that is shipped.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import threading
from pathlib import Path

import pytest
from world.ledgers import NAME, create, entry, opened

from sharekit import merkle, registry
from sharekit.disk import durable, migrations
from sharekit.errors import LedgerError, LedgerTampered
from sharekit.ledger.tip import root_of
from sharekit.vault.vault import Vault

KEY = bytes(range(32))
BETTER = """
-- a table more, and a trigger with statements of its own
CREATE TABLE place (
    name TEXT PRIMARY KEY  -- of what; not a statement's end
);
CREATE TRIGGER place_stays BEFORE UPDATE ON place BEGIN SELECT raise(ABORT, 'never; changed'); END;
"""
BEST = "INSERT INTO place VALUES ('here');\n"


@pytest.fixture
def kinds(monkeypatch):
    """Sets the migrations there are, and what the newest edition of a ledger looks like."""
    shipped = durable._shipped_schema()

    def set_to(**scripts: tuple[str, ...]) -> None:
        monkeypatch.setattr(migrations, "scripts", lambda kind: scripts.get(kind, ()))
        with contextlib.closing(sqlite3.connect(":memory:")) as db:
            db.executescript(registry.text("ledger.sql"))
            for number, sql in migrations.steps("ledger", 1):
                db.executescript(f"{sql}; PRAGMA user_version = {number};")
            made = durable._schema(db)
        assert (made == shipped) == (not scripts.get("ledger"))
        monkeypatch.setattr(durable, "_shipped_schema", lambda: made)

    return set_to


@pytest.fixture
def folder(tmp_path):
    """With a ledger of the first edition, and a vault."""
    create(tmp_path)
    with opened(tmp_path) as ledger:
        ledger.append(*(entry() for _ in range(1500)))
        ledger.append(entry())
    Vault.create(tmp_path / "vault.db", KEY)
    return tmp_path


def edition(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def set_edition(path: Path, number: int) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {number}")


def test_the_files_that_are_shipped_are_of_the_newest_edition():
    for kind in ("ledger", "vault"):
        marked = re.search(r"^PRAGMA user_version = (\d+);", registry.text(f"{kind}.sql"), re.M)
        assert int(marked[1]) == migrations.newest(kind)
    made = re.findall(r"INSERT INTO edition \(number\) VALUES \((\d+)\)", registry.text("ledger-postgres.sql"))
    assert made == [str(migrations.newest("postgres"))]


def test_migrations_are_found_by_their_numbers_without_a_gap(monkeypatch):
    files = {f"migration-ledger-{number}.sql": f"-- {number}" for number in (2, 3, 5)}
    monkeypatch.setattr(registry, "exists", files.__contains__)
    monkeypatch.setattr(registry, "text", files.__getitem__)
    migrations.scripts.cache_clear()
    assert (migrations.newest("ledger"), migrations.newest("vault")) == (3, 1)
    assert migrations.steps("ledger", 1) == [(2, "-- 2"), (3, "-- 3")]
    assert migrations.steps("ledger", 2) == [(3, "-- 3")]
    assert migrations.steps("ledger", 3) == []
    migrations.scripts.cache_clear()


def test_an_older_ledger_is_migrated_when_it_is_opened_and_keeps_its_root(folder, kinds):
    with opened(folder) as before:
        root, note = before.root(), before.checkpoint()
    kinds(ledger=(BETTER, BEST))
    with opened(folder) as ledger:
        assert (ledger.root(), ledger.checkpoint(), ledger.verify()) == (root, note, 1502)
        assert ledger.append(entry()) == 1502
        assert ledger.storage.rows("SELECT * FROM place") == [("here",)]
    assert edition(folder / NAME) == 3


def test_each_migration_is_done_once_by_however_many_open_it(folder, kinds):
    kinds(ledger=(BETTER, BEST))
    failed = []

    def look() -> None:
        try:
            with opened(folder) as ledger:
                assert ledger.storage.rows("SELECT * FROM place") == [("here",)]
        except BaseException as problem:  # noqa: BLE001  # told after the threads have ended
            failed.append(problem)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


HARMFUL = {
    "that changes an entry": "DROP TRIGGER entry_stays; UPDATE entry SET bytes = X'00' WHERE seq = 1400;\n",
    "that removes an entry": "DROP TRIGGER entry_remains; DELETE FROM entry WHERE seq = 1501;\n",
    "that changes the newest note": "DROP TRIGGER note_stays; UPDATE note SET note = 'x' WHERE size = 1502;\n",
    "that fails halfway": f"{BETTER}INSERT INTO nowhere VALUES (1);\n",
}


@pytest.mark.parametrize("sql", HARMFUL.values(), ids=HARMFUL)
def test_a_migration_leaves_the_file_as_it_was(folder, kinds, monkeypatch, sql):
    with contextlib.closing(sqlite3.connect(folder / NAME)) as db:
        before = list(db.iterdump())
    monkeypatch.setattr(migrations, "scripts", lambda _: (sql,))
    with pytest.raises(LedgerError):
        opened(folder)
    monkeypatch.undo()
    assert edition(folder / NAME) == 1
    with contextlib.closing(sqlite3.connect(folder / NAME)) as db:
        assert list(db.iterdump()) == before
    with opened(folder) as ledger:
        assert ledger.append(entry()) == 1502


def test_a_newer_file_is_refused_and_left_alone(folder):
    calls = {
        NAME: lambda: opened(folder),
        "vault.db": lambda: Vault(folder / "vault.db", KEY).packets.knows_refused(b""),
    }
    for name, call in calls.items():
        set_edition(folder / name, edition(folder / name) + 1)
        before = (folder / name).read_bytes()
        with pytest.raises(LedgerError, match="newer sharekit") as raised:
            call()
        assert not isinstance(raised.value, LedgerTampered)
        assert "install" in raised.value.hint
        assert (folder / name).read_bytes() == before


@pytest.mark.parametrize("number", [0, -1])
def test_a_file_of_no_edition_is_not_believed(folder, kinds, number):
    kinds(ledger=(BETTER,), vault=("CREATE TABLE more (a);",))
    set_edition(folder / NAME, number)
    set_edition(folder / "vault.db", number)
    with pytest.raises(LedgerTampered):
        opened(folder)
    with pytest.raises(LedgerError, match="damaged"):
        Vault(folder / "vault.db", KEY).packets.knows_refused(b"")


def test_an_older_vault_is_migrated_when_it_is_used(folder, kinds):
    with contextlib.closing(Vault(folder / "vault.db", KEY)) as before:
        key = before.subjects.key([("nhs", "9990001011")])
    vault, shipped = Vault(folder / "vault.db", KEY), migrations.scripts("vault")
    kinds(vault=(*shipped, "ALTER TABLE packet ADD COLUMN more INTEGER;\n", "CREATE TABLE more (a INTEGER);\n"))
    assert vault.subjects.key([("nhs", "9990001011")]) == key
    with vault.reading() as db:
        assert db.execute("SELECT count(*) FROM more").fetchone() == (0,)
    assert edition(folder / "vault.db") == 3 + len(shipped)


def test_the_root_is_computed_from_the_entries_however_many():
    for count in (0, 1, 1023, 1024, 1025, 5000):
        entries = [number.to_bytes(2, "big") for number in range(count)]
        assert root_of(entries) == merkle.root([merkle.leaf_hash(data) for data in entries])
