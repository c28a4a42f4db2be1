"""A ledger in PostgreSQL: what its roles may do, what is asked of the server, and what happens when it goes away."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from world.agencies import CONFIRM
from world.console import REPOSITORY, play
from world.ledgers import KEY, ORIGIN, entry, genesis
from world.servers import ready_database, server
from world.writers import acknowledged, kept_in, writer

from sharekit import Agency, Trust
from sharekit.audit.verify import audit
from sharekit.disk import migrations
from sharekit.errors import LedgerError, LedgerTampered, Usage
from sharekit.ledger import postgres as databases
from sharekit.ledger import postgres_setup
from sharekit.ledger.log import Ledger
from sharekit.ledger.postgres import Database, TableStorage
from sharekit.proofs import checkpoint
from sharekit.record.record import Facts


@pytest.fixture
def named(postgres: Any) -> str:
    """A database that is ready; how the role that may append connects to it."""
    return ready_database(postgres)


@pytest.fixture
def admin(postgres: Any, named: str) -> Iterator[psycopg.Connection[Any]]:
    """The administrator of that database, who may do anything."""
    with postgres.connect(database=database_of(named)) as db:
        yield db


def database_of(named: str) -> str:
    return dict(part.split("=") for part in named.split())["dbname"]


def made(named: str) -> Ledger:
    return Ledger.create(Database(named).place(ORIGIN), origin=ORIGIN, key=KEY, genesis=genesis())


def opened(named: str) -> Ledger:
    return Ledger.open(Database(named).place(ORIGIN), origin=ORIGIN, key=KEY)


@pytest.fixture
def ledger(named: str) -> Iterator[Ledger]:
    with made(named) as found:
        yield found


def database(ledger: Ledger) -> Database:
    return ledger.storage._database


# roles

FORBIDDEN = {
    "change an entry": "UPDATE sharekit.entry SET bytes = ''",
    "remove an entry": "DELETE FROM sharekit.entry",
    "empty a table": "TRUNCATE sharekit.node",
    "drop a table": "DROP TABLE sharekit.note",
    "change a note": "UPDATE sharekit.note SET note = ''",
    "remove a hash": "DELETE FROM sharekit.node",
    "insert past the function": "INSERT INTO sharekit.entry VALUES ('other', 0, '')",
    "mark past the function": "UPDATE sharekit.ledger SET mark = NULL",
    "change the edition": "INSERT INTO sharekit.edition VALUES (2)",
    "take away a trigger": "DROP TRIGGER entry_stays ON sharekit.entry",
    "silence the triggers": "ALTER TABLE sharekit.entry DISABLE TRIGGER ALL",
    "silence all triggers": "SET session_replication_role = replica",
    "replace a function": "CREATE OR REPLACE FUNCTION sharekit.refuse() RETURNS trigger LANGUAGE plpgsql AS ''",
    "add to the schema": "CREATE TABLE sharekit.more (a integer)",
    "become the owner": "SET ROLE sharekit_owner",
    "make itself the owner": "GRANT sharekit_owner TO fernshire",
    "drop the schema": "DROP SCHEMA sharekit CASCADE",
}


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN)
def test_the_role_that_appends_may_not(named, ledger, statement):
    with psycopg.connect(named, autocommit=True) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute(statement)
    assert ledger.verify() == 1


def test_a_reader_verifies_and_appends_nothing(postgres, named, ledger):
    with postgres.connect() as db:
        db.execute("DROP ROLE IF EXISTS inspector; CREATE ROLE inspector LOGIN IN ROLE sharekit_reader")
    ledger.append(entry())
    with opened(named.replace("user=fernshire", "user=inspector")) as read:
        assert read.verify() == 2
        with pytest.raises(LedgerError, match="may not do that"):
            read.append(entry())
    assert ledger.append(entry()) == 2


def test_a_role_that_was_given_nothing_does_not_get_in(postgres, named, ledger):
    with postgres.connect() as db:
        db.execute("DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN")
    with pytest.raises(LedgerError) as raised, opened(named.replace("user=fernshire", "user=stranger")):
        pass
    assert not isinstance(raised.value, LedgerTampered)


MISTAKES = {
    "an entry changed": "UPDATE sharekit.entry SET bytes = ''",
    "an entry removed": "DELETE FROM sharekit.entry",
    "all entries removed": "TRUNCATE sharekit.entry",
    "a hash changed": "UPDATE sharekit.node SET idx = 7",
    "a note removed": "DELETE FROM sharekit.note",
    "an entry beyond the next": f"INSERT INTO sharekit.entry VALUES ('{ORIGIN}', 5, '')",
    "an entry twice": f"INSERT INTO sharekit.entry VALUES ('{ORIGIN}', 0, '')",
    "entries with a gap": f"INSERT INTO sharekit.entry VALUES ('{ORIGIN}', 1, ''), ('{ORIGIN}', 3, '')",
}


@pytest.mark.parametrize("statement", MISTAKES.values(), ids=MISTAKES)
def test_the_triggers_stop_a_mistake_of_the_administrator(admin, ledger, statement):
    with pytest.raises(psycopg.Error, match=r"never|must|duplicate"):
        admin.execute(statement)
    assert ledger.verify() == 1


# round trips


def syncs(ledger: Ledger, act: Any) -> int:
    """How many times the client has asked and waited, as libpq tells."""
    connection = database(ledger).connection()
    with tempfile.TemporaryFile("w+") as told:
        connection.pgconn.trace(told.fileno())
        try:
            act()
        finally:
            connection.pgconn.untrace()
        told.seek(0)
        return sum("\tSync" in line or "\tQuery" in line for line in told)


def test_an_append_is_one_round_trip_and_a_contested_one_a_few(named, ledger):
    for _ in range(10):  # after the first few the statement is prepared, once
        ledger.append(entry())
    assert [syncs(ledger, lambda: ledger.append(entry())) for _ in range(7)] == [1] * 7
    with opened(named) as other:
        other.append(entry())
        assert syncs(ledger, lambda: ledger.append(entry())) <= 5
        assert syncs(ledger, lambda: ledger.append(entry())) == 1


def test_whoever_was_overtaken_once_is_served_next(named, ledger, monkeypatch):
    """However many there are: no append takes more than two calls of the function."""
    calls, most = threading.local(), []
    call, append = TableStorage._call, TableStorage.append

    def counted(self: TableStorage, *arguments: Any, **options: Any) -> Any:
        calls.number += 1
        return call(self, *arguments, **options)

    def whole(self: TableStorage, *arguments: Any) -> Any:
        calls.number = 0
        done = append(self, *arguments)
        most.append(calls.number)
        return done

    def write() -> None:
        with opened(named) as own:
            for _ in range(25):
                own.append(entry())

    monkeypatch.setattr(TableStorage, "_call", counted)
    monkeypatch.setattr(TableStorage, "append", whole)
    writers = [threading.Thread(target=write) for _ in range(6)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert len(most) == 150
    assert set(most) == {1, 2}
    assert ledger.verify() == 151


def test_whoever_has_the_turn_and_falls_silent_loses_it(named, ledger):
    with psycopg.connect(named, autocommit=True) as silent:
        silent.execute("SELECT sharekit.take_turn(%s)", (ORIGIN,))
        assert ledger.append(entry()) == 1
        with pytest.raises(psycopg.OperationalError):
            silent.execute("SELECT 1")


# settings


def test_a_commit_waits_for_the_disk_whatever_the_server_would_do(admin, named, ledger):
    name = database_of(named)
    admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    admin.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")
    with opened(named) as other:
        told = {setting.name: setting for setting in other.storage.settings()}
        assert (told["synchronous_commit"].found, told["synchronous_commit"].good) == ("on", True)
        assert [other.append(entry()), ledger.append(entry()), other.append(entry())] == [1, 2, 3]


def test_the_function_refuses_a_session_that_does_not_wait_for_the_disk(ledger):
    database(ledger).connection().execute("SET synchronous_commit = off")  # as a pooler might
    with pytest.raises(LedgerError, match="does not wait for its disk"):
        ledger.append(entry())
    assert ledger.append(entry()) == 1  # on a new connection


def test_doctor_says_what_is_wrong_with_a_server(tmp_path):
    with server(fsync="off", full_page_writes="off") as careless:
        named = ready_database(careless, app_role="postgres")
        with made(named) as ledger:
            wrong = {setting.name for setting in ledger.storage.settings() if not setting.good}
    assert wrong == {"fsync", "full_page_writes", "database role"}


@pytest.mark.parametrize("version", [16, 18])
def test_every_version_that_is_supported_makes_the_same_tables(version):
    with server(version) as running, made(ready_database(running)) as ledger:
        assert ledger.append(entry(), entry()) == 1
        with opened(database(ledger).conninfo) as other:
            assert [other.append(entry()), ledger.append(entry())] == [3, 4]
        assert ledger.verify() == 5


# what is there must be what was made

CHANGED = {
    "a trigger off": "ALTER TABLE sharekit.entry DISABLE TRIGGER entry_stays",
    "a trigger gone": "DROP TRIGGER note_stays ON sharekit.note",
    "a rule that swallows": "CREATE RULE swallow AS ON INSERT TO sharekit.entry DO INSTEAD NOTHING",
    "another function": (
        "CREATE OR REPLACE FUNCTION sharekit.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'"
    ),
    "another owner": "ALTER TABLE sharekit.entry OWNER TO postgres",
    "a table more": "CREATE TABLE sharekit.more (a integer)",
    "a column more": "ALTER TABLE sharekit.entry ADD COLUMN more text",
}


@pytest.mark.parametrize("statement", CHANGED.values(), ids=CHANGED)
def test_tables_that_are_not_as_they_were_made_are_not_believed(admin, named, ledger, statement):
    admin.execute(statement)
    with pytest.raises(LedgerTampered, match="not those it was made with"), opened(named):
        pass
    with pytest.raises(LedgerTampered):
        ledger.verify()


def test_a_ledger_that_vanishes_while_it_is_open_is_tampered_with(admin, ledger):
    admin.execute("DROP SCHEMA sharekit CASCADE")
    with pytest.raises(LedgerTampered):
        ledger.append(entry())


# connecting

CONNECTIONS = {
    "a password": "host=/tmp user=fernshire password=secret",
    "a password in an address": "postgresql://fernshire:secret@db.example/sharekit",
    "no connection string": "what is this",
    "an option that is none": "host=/tmp speed=high",
}


@pytest.mark.parametrize("conninfo", CONNECTIONS.values(), ids=CONNECTIONS)
def test_a_connection_string_that_cannot_be_kept_is_refused(conninfo):
    with pytest.raises(Usage) as raised:
        Database(conninfo)
    assert "secret" not in f"{raised.value.message} {raised.value.hint}"


def test_the_password_comes_from_libpqs_own_file(postgres, named, tmp_path, monkeypatch):
    with postgres.connect() as db:
        db.execute("DROP ROLE IF EXISTS guarded; CREATE ROLE guarded LOGIN PASSWORD 'four words' IN ROLE sharekit_app")
    guarded = named.replace("user=fernshire", "user=guarded")
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    with pytest.raises(LedgerError):
        made(guarded)
    (tmp_path / "pgpass").write_text("*:*:*:guarded:four words\n")
    (tmp_path / "pgpass").chmod(0o600)
    with made(guarded) as ledger:
        assert ledger.append(entry()) == 1


def test_a_database_without_tables_says_what_to_do(postgres):
    with pytest.raises(LedgerError) as raised:
        made(postgres.conninfo(database="template1"))
    assert "init-postgres" in raised.value.hint


def test_a_database_that_is_not_there_is_a_ledger_error(postgres, tmp_path):
    for conninfo in (postgres.conninfo(database="nowhere"), f"host={tmp_path} dbname=sharekit"):
        with pytest.raises(LedgerError) as raised:
            made(conninfo)
        assert type(raised.value) is LedgerError
        assert raised.value.__cause__ is None


def test_without_the_extra_the_user_is_told_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(Usage, match="extra") as raised:
        Database("dbname=sharekit")
    assert "sharekit[postgres]" in raised.value.hint


def test_psycopg_is_imported_only_where_a_database_is_named():
    modules = "sharekit.agency.agency, sharekit.agency.doctor, sharekit.cli.database"
    script = f"import sys, {modules}; print('psycopg' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


# making it ready


def test_making_it_ready_again_changes_nothing(postgres, named, ledger):
    ledger.append(entry())
    postgres_setup.make_ready(postgres.conninfo(database=database_of(named)), app_role="fernshire")
    assert ledger.append(entry()) == 2
    assert ledger.verify() == 3


def test_an_administrator_who_is_no_superuser_can_make_it_ready(postgres):
    with postgres.connect() as db:
        db.execute("CREATE ROLE steward LOGIN CREATEROLE")
        db.execute("CREATE DATABASE stewarded OWNER steward")
    with server() as fresh:  # whose roles nobody else has made
        with fresh.connect() as db:
            db.execute("CREATE ROLE steward LOGIN CREATEROLE")
            db.execute("CREATE DATABASE stewarded OWNER steward")
        postgres_setup.make_ready(fresh.conninfo("steward", "stewarded"), app_role="larkmoor")
        with made(fresh.conninfo("larkmoor", "stewarded")) as ledger:
            assert ledger.append(entry()) == 1
            assert [each.name for each in ledger.storage.settings() if not each.good] == []
        with fresh.connect("steward", "stewarded") as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("DELETE FROM sharekit.entry")


def test_the_script_that_is_printed_is_the_one_that_is_run(postgres, admin):
    with postgres.connect() as db:
        db.execute("CREATE DATABASE scripted")
    with postgres.connect(database="scripted") as db:
        db.execute(postgres_setup.script())
        assert databases.fingerprint(db) == databases.fingerprint(admin)


def test_a_database_that_cannot_hold_a_note_is_refused(postgres):
    with postgres.connect() as db:
        db.execute("CREATE DATABASE latin ENCODING LATIN1 TEMPLATE template0")
    with pytest.raises(Usage, match="UTF-8"):
        postgres_setup.make_ready(postgres.conninfo(database="latin"))


def test_a_newer_database_is_refused_and_an_older_one_brought_up_to_date(admin, postgres, named, ledger, monkeypatch):
    ledger.append(entry())
    root = ledger.root()
    admin.execute("SET ROLE sharekit_owner; INSERT INTO sharekit.edition (number) VALUES (2); RESET ROLE")
    conninfo = postgres.conninfo(database=database_of(named))
    for call in (lambda: opened(named), lambda: postgres_setup.make_ready(conninfo)):
        with pytest.raises(LedgerError, match="newer sharekit") as raised:
            call()
        assert not isinstance(raised.value, LedgerTampered)
    newer = "ALTER TABLE entry ADD COLUMN more text;"
    monkeypatch.setattr(migrations, "scripts", lambda _: ("", newer))
    with pytest.raises(LedgerError, match="earlier edition") as raised:
        opened(named)
    assert "init-postgres" in raised.value.hint
    assert postgres_setup.make_ready(conninfo) == 3
    assert admin.execute("SELECT number FROM sharekit.edition ORDER BY 1").fetchall() == [(1,), (2,), (3,)]
    monkeypatch.setattr(databases, "_shipped", lambda: databases.fingerprint(admin))
    with opened(named) as again:
        assert (again.verify(), again.root()) == (2, root)
        assert again.append(entry()) == 2


BAD_MIGRATIONS = {
    "that changes an entry": "ALTER TABLE entry DISABLE TRIGGER ALL; UPDATE entry SET bytes = 'x' WHERE seq = 1",
    "that removes notes": "ALTER TABLE note DISABLE TRIGGER ALL; DELETE FROM note",
    "that fails at its end": "CREATE TABLE more (a integer); SELECT 1 / 0",
}


@pytest.mark.parametrize("sql", BAD_MIGRATIONS.values(), ids=BAD_MIGRATIONS)
def test_a_migration_leaves_nothing(admin, postgres, named, ledger, monkeypatch, sql):
    ledger.append(entry())
    monkeypatch.setattr(migrations, "scripts", lambda _: (sql,))
    with pytest.raises(LedgerError):
        postgres_setup.make_ready(postgres.conninfo(database=database_of(named)))
    assert admin.execute("SELECT number FROM sharekit.edition").fetchall() == [(1,)]
    monkeypatch.undo()
    assert ledger.verify() == 2


# when the server or the way to it fails


def losing(after: bool) -> Any:
    """A call of the function whose connection is lost: before it was heard, or before the answer came."""
    call, left = TableStorage._call, [1]

    def lost(self: TableStorage, *arguments: Any, **options: Any) -> Any:
        if not left:
            return call(self, *arguments, **options)
        left.pop()
        if after:
            assert call(self, *arguments, **options) is None
        self._database.connection().close()
        raise psycopg.OperationalError("the connection is lost")

    return lost


@pytest.mark.parametrize("after", [False, True], ids=["before it was heard", "before the answer came"])
@pytest.mark.parametrize("others", [False, True], ids=["alone", "with others"])
def test_a_connection_lost_in_the_very_append_appends_once(named, ledger, monkeypatch, after, others):
    with opened(named) as other:
        lost = losing(after)

        def then_others(self: TableStorage, *arguments: Any, **options: Any) -> Any:
            try:
                return lost(self, *arguments, **options)
            except psycopg.OperationalError:
                if others:
                    monkeypatch.undo()
                    other.append(entry())
                raise

        monkeypatch.setattr(TableStorage, "_call", then_others)
        mine = entry(), entry()
        number = ledger.append(*mine)
        monkeypatch.undo()
        stored = [data for _, data in ledger.entries()]
        assert stored[number : number + 2] == [each.encode() for each in mine]
        assert len(stored) == 3 + others == ledger.verify()
        assert other.append(entry()) == len(stored)


def test_a_server_that_is_away_takes_nothing_and_gives_nothing_and_is_found_again():
    with server() as running, made(ready_database(running)) as ledger:
        ledger.append(entry())
        running.stop()
        for call in (lambda: ledger.append(entry()), ledger.checkpoint, ledger.verify, lambda: list(ledger.entries())):
            with pytest.raises(LedgerError, match="the database") as raised:
                call()
            assert type(raised.value) is LedgerError
        running.start()
        assert ledger.append(entry()) == 2
        assert ledger.verify() == 3


def test_a_server_killed_under_its_writers_loses_nothing_that_they_were_told_of():
    with server() as running:
        named, told = ready_database(running), {}
        made(named).close()
        for after in (3, 8, 20):
            writers = [writer(named, 100_000) for _ in range(3)]
            lines = [each.stdout.readline() for _ in range(after) for each in writers]
            running.kill()
            for each in writers:
                lines += each.stdout.readlines()
                each.stdout.close()
                assert each.wait() == 1  # each with a LedgerError
            assert not told.keys() & acknowledged(lines).keys()
            told |= acknowledged(lines)
            running.start()
            with opened(named) as ledger:
                assert kept_in(ledger, told.keys()) == told
                assert ledger.verify() > len(told)
        assert len(told) > 90


# a home


@pytest.fixture
def moved(world: Any, named: str) -> Agency:
    """Fernshire, whose ledger has moved to the database."""
    world.flag()
    roots = world.fernshire.ledger.root(), world.fernshire.ledger.size
    (arrived,) = world.fernshire.move_ledgers(named)
    assert (arrived.root, arrived.size) == roots
    agency = world.agencies["E10999001"] = Agency.load(world.fernshire.home)
    assert (agency.ledger.root(), agency.ledger.size) == roots
    return agency


def test_an_agency_goes_on_in_the_database(world, moved, tmp_path):
    about = json.loads((moved.home / "agency.json").read_text())
    assert about["org_id"] == "E10999001"
    assert "dbname=" in about["ledger"]
    packet = world.flag()
    shown = world.quillbrook.open(packet, purpose=world_purpose(), confirm=CONFIRM)
    assert shown.fields
    assert world.events("E10999001")[-1] == "sealed"
    moved.export(tmp_path / "export.db")
    report = audit(tmp_path / "export.db", Trust([moved.card()]), checkpoints=[moved.ledger.checkpoint()])
    assert report.findings == ()
    assert report.size == moved.ledger.verify()
    world.at("2027-01-04T09:00:00Z")
    moved.record.append("consulted", Facts(), now=moved.now())
    assert (moved.ledger.origin, moved.ledger.size) == ("sharekit/E10999001/2027", 2)
    assert len(list(moved.record.find(event="sealed"))) == 2
    assert not (moved.home / "ledger" / "2027.db").exists()


def world_purpose() -> str:
    from world.agencies import example

    return str(example("cp-is-flag")[1]["purpose"])


def test_an_agency_that_had_it_open_before_does_not_go_on_in_the_file(world, named):
    before = world.fernshire
    other = Agency.load(before.home)
    other.record.append("consulted", Facts(), now=other.now())
    before.move_ledgers(named)
    with pytest.raises(LedgerError, match="it was moved"):
        other.record.append("consulted", Facts(), now=other.now())
    other.close()


def test_processes_that_begin_a_year_at_once_begin_it_once(world, moved):
    world.at("2027-01-04T09:00:00Z")
    failed: list[BaseException] = []

    def begin() -> None:
        try:
            with contextlib.closing(Agency.load(moved.home)) as own:
                own.record.append("consulted", Facts(), now=own.now())
        except BaseException as problem:  # noqa: BLE001  # told after the threads have ended
            failed.append(problem)

    threads = [threading.Thread(target=begin) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert moved.ledger.verify() == 6


def test_an_agency_comes_back_to_its_files(world, moved, named):
    moved.record.append("consulted", Facts(), now=moved.now())
    root = moved.ledger.root()
    with pytest.raises(Usage, match="there already"):
        moved.move_ledgers(named)
    moved.move_ledgers(None)
    back = world.agencies["E10999001"] = Agency.load(moved.home)
    assert back.ledger.root() == root
    assert back.ledger.path is not None
    back.record.append("consulted", Facts(), now=back.now())
    assert "ledger" not in json.loads((back.home / "agency.json").read_text())


def test_nothing_is_released_while_the_database_is_away(world):
    with server() as running:
        world.fernshire.move_ledgers(ready_database(running))
        agency = world.agencies["E10999001"] = Agency.load(world.fernshire.home)
        world.flag()
        running.stop()
        with pytest.raises(LedgerError):
            world.flag()
        assert not list((agency.home / "outbox").iterdir())
        agency.close()
        world.agencies.pop("E10999001")


def test_a_database_put_back_to_an_earlier_state_is_noticed_by_the_vault(world, moved, admin):
    for _ in range(2):
        moved.record.append("consulted", Facts(), now=moved.now())
    moved.close()
    size = checkpoint.parse(moved.record.vault.known_checkpoint("sharekit/E10999001/2026")).size
    admin.execute("SET session_replication_role = replica")
    admin.execute("DELETE FROM sharekit.entry; DELETE FROM sharekit.node; DELETE FROM sharekit.note")
    admin.execute("DELETE FROM sharekit.ledger")
    assert size > 2
    with contextlib.closing(Agency.load(moved.home)) as again, pytest.raises(LedgerTampered, match="gone"):
        again.record.append("consulted", Facts(), now=again.now())


# the command line


def run(*arguments: str, home: Path) -> dict[str, Any]:
    command = [Path(sys.executable).with_name("sharekit"), "--json", *arguments]
    environment = os.environ | {"SHAREKIT_HOME": str(home)}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return {"exit": ran.returncode, **json.loads(ran.stdout)}


def test_the_command_line_makes_it_ready_moves_there_and_says_where_it_is(world, postgres):
    home = world.fernshire.home
    world.fernshire.close()
    with postgres.connect() as db:
        db.execute("CREATE DATABASE told")
    ready = run("ledger", "init-postgres", postgres.conninfo(database="told"), "--app-role", "fernshire", home=home)
    assert (ready["exit"], ready["edition"]) == (0, 1)
    size = run("ledger", "verify", home=home)["size"]
    named = postgres.conninfo("fernshire", "told")
    told = run("ledger", "move", "--to", "postgres", "--database", named, home=home)
    assert told["ledgers"][0]["size"] == size
    assert run("ledger", "verify", home=home)["size"] == size
    found = run("doctor", home=home)
    assert found["storage"]["found"].startswith("PostgreSQL")
    assert [found[name]["good"] for name in ("fsync", "synchronous_commit", "database role")] == [True] * 3
    for refused in (("--to", "postgres"), ("--to", "sqlite", "--database", named)):
        assert run("ledger", "move", *refused, home=home)["exit"] == 2
    assert run("ledger", "move", "--to", "sqlite", home=home)["ledgers"] == told["ledgers"]
    assert run("doctor", home=home)["storage"]["found"].startswith("SQLite")


def test_the_script_can_be_printed_without_a_home_or_a_database(tmp_path):
    assert "CREATE SCHEMA sharekit" in run("ledger", "init-postgres", "--print", home=tmp_path)["sql"]
    assert run("ledger", "init-postgres", home=tmp_path)["exit"] == 2


def test_the_page_about_it_is_what_happens(tmp_path, monkeypatch):
    page = (REPOSITORY / "docs" / "postgres.md").read_text()
    with server() as running:
        with running.connect() as db:
            db.execute("CREATE DATABASE sharekit")
        monkeypatch.setenv("PGHOST", str(running.folder))
        assert play("\n".join(re.findall(r"^```console\n(.*?)^```", page, re.S | re.M)), tmp_path) > 6
