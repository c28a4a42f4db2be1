"""The ledger's file among other files: links, copies, exports while others write, and disks that will not."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from pathlib import Path

import pytest
from nacl.signing import SigningKey
from world.disks import needs_a_disk, on_a_small_disk

from sharekit import Agency
from sharekit.disk import durable
from sharekit.errors import LedgerError, LedgerTampered, OutputUnwritable, ShareError
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.proofs import checkpoint
from sharekit.record.record import Facts

ORIGIN = "sharekit/fernshire/2026"
KEY = SigningKey(bytes(range(32)))
NOW = 1_790_000_000


def entry(number: int = 2, **parts: object) -> Entry:
    return Entry(number, NOW, nonce=os.urandom(16), **parts)


def create(path: Path) -> Ledger:
    return Ledger.create(path, origin=ORIGIN, key=KEY, genesis=entry(1, origin=ORIGIN))


def opened(path: Path) -> Ledger:
    return Ledger.open(path, origin=ORIGIN, key=KEY)


@pytest.fixture
def ledger(tmp_path):
    with create(tmp_path / "2026.db") as made:
        yield made


# links and other files in the ledger's place


def test_a_ledger_moved_away_behind_a_link_is_not_continued(ledger, tmp_path):
    """SQLite would keep its journal beside the link, where nobody who opens the file itself looks for it."""
    ledger.path.rename(tmp_path / "elsewhere.db")
    ledger.path.symlink_to("elsewhere.db")
    before = (tmp_path / "elsewhere.db").read_bytes()
    with pytest.raises(LedgerTampered, match="place"):
        ledger.append(entry())
    assert (tmp_path / "elsewhere.db").read_bytes() == before


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


IN_ITS_PLACE = {
    "a link to it": lambda path: (path.rename(path.parent / "moved.db"), path.symlink_to("moved.db")),
    "a link in a circle": lambda path: (path.unlink(), path.symlink_to(path)),
    "a pipe": make_pipe,
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "nothing": Path.unlink,
}


@pytest.mark.parametrize("replace", IN_ITS_PLACE.values(), ids=IN_ITS_PLACE)
def test_what_is_no_plain_file_is_not_opened_as_a_ledger(ledger, tmp_path, replace):
    ledger.close()
    replace(ledger.path)
    with pytest.raises(LedgerError) as raised:
        opened(ledger.path)
    assert raised.value.code == "ledger-unwritable"


def test_a_home_behind_a_link_is_a_home(ledger, tmp_path):
    ledger.close()
    (tmp_path / "link").symlink_to(tmp_path)
    with opened(tmp_path / "link" / "2026.db") as again:
        assert again.append(entry()) == 1


@pytest.mark.parametrize("name", ["a b%20?#.db", "\N{SNOWMAN}.db", "\udcff.db"], ids=["signs", "letters", "no UTF-8"])
def test_a_ledger_may_be_called_anything(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    with create(folder / name) as ledger:
        assert ledger.append(entry()) == 1
        ledger.export(folder / f"to {name}")
    for made in (name, f"to {name}"):
        with contextlib.closing(durable.connect(folder / made)) as db:
            assert db.execute("SELECT count(*) FROM entry").fetchone() == (2,)
        (folder / made).unlink()
    assert {path.name for path in folder.iterdir()} <= {f"{name}{suffix}" for suffix in (".lock", "-journal")}


def test_a_lock_that_is_a_link_is_not_followed(ledger, tmp_path):
    (tmp_path / "precious").write_bytes(b"")
    Path(f"{ledger.path}.lock").unlink()
    Path(f"{ledger.path}.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(LedgerError):
        ledger.append(entry())
    Path(f"{ledger.path}.lock").unlink()
    assert ledger.append(entry()) == 1


# exports


def test_an_export_under_another_name_of_the_ledger_leaves_the_ledger(ledger, tmp_path):
    os.link(ledger.path, tmp_path / "twin.db")
    ledger.export(tmp_path / "twin.db")
    assert ledger.append(entry()) == 1
    assert ledger.verify() == 2


OWN_FILES = ["2026.db", "2026.db.lock", "2026.db-journal", "2026.db-wal", "2026.db-shm", "./2026.db", "sub/../2026.db"]


@pytest.mark.parametrize("name", OWN_FILES)
def test_an_export_takes_the_place_of_no_file_of_the_ledger(ledger, tmp_path, name):
    (tmp_path / "sub").mkdir()
    with pytest.raises(OutputUnwritable):
        ledger.export(tmp_path / name)
    assert ledger.append(entry()) == 1


def test_an_export_made_while_others_write_is_a_whole_ledger(ledger, tmp_path):
    """Every export holds as many entries as its newest note signs, and every append goes through."""
    failed: list[BaseException] = []

    def write() -> None:
        try:
            with opened(ledger.path) as own:
                for _ in range(20):
                    own.append(entry(), entry())
        except BaseException as problem:  # noqa: BLE001  # told after the threads have ended
            failed.append(problem)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    sizes = []
    while any(writer.is_alive() for writer in writers) or not sizes:
        ledger.export(tmp_path / "export.db")
        with contextlib.closing(sqlite3.connect(tmp_path / "export.db")) as db:
            (note,) = db.execute("SELECT note FROM note ORDER BY size DESC LIMIT 1").fetchone()
            sizes.append(checkpoint.verify(note, origin=ORIGIN, public=bytes(KEY.verify_key)).size)
            assert db.execute("SELECT count(*), max(seq) + 1 FROM entry").fetchone() == (sizes[-1], sizes[-1])
    assert not failed
    assert sizes == sorted(sizes)
    assert ledger.verify() == 81


def test_an_export_whose_cards_cannot_be_kept_leaves_the_old_one(ledger, tmp_path):
    (tmp_path / "export.db").write_bytes(b"old")
    with pytest.raises(OutputUnwritable):
        ledger.export(tmp_path / "export.db", [("fernshire", object())])
    assert (tmp_path / "export.db").read_bytes() == b"old"
    assert not list(tmp_path.glob(".sharekit-*"))


def test_a_ledger_that_does_not_verify_at_its_end_is_not_exported(ledger, tmp_path):
    ledger.append(entry())
    with contextlib.closing(sqlite3.connect(ledger.path)) as db:
        db.execute("DROP TRIGGER node_stays")
        db.execute("UPDATE node SET hash = zeroblob(32) WHERE level = 1")
        db.commit()
    with pytest.raises(LedgerTampered):
        ledger.export(tmp_path / "export.db")
    assert not (tmp_path / "export.db").exists()


# disks that will not

DISK = f"""
import os
from pathlib import Path
from nacl.signing import SigningKey
from sharekit.errors import LedgerError
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.record.record import Facts
path, key = Path(sys.argv[1]) / "2026.db", SigningKey(bytes(range(32)))
def entry(number, **parts):
    return Entry(number, {NOW}, nonce=os.urandom(16), **parts)
ledger = Ledger.create(path, origin="{ORIGIN}", key=key, genesis=entry(1, origin="{ORIGIN}"))
ledger.append(entry(2))
LIMIT
added = 2
try:
    for number in range(5000):
        ledger.append(entry(2))
        added += 1
except LedgerError as problem:
    print(problem.message)
print(ledger.verify() == added)
AFTER
"""


@needs_a_disk
def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path):
    told = on_a_small_disk(tmp_path, DISK.replace("LIMIT", "").replace("AFTER", ""), size="160k")
    assert told == "the disk is full\nTrue\n"


READ_ONLY = f"""
ledger.close()
read_only()
ledger = Ledger.open(path, origin="{ORIGIN}", key=key)
"""
AFTER = """
try:
    ledger.export(Path(sys.argv[1]) / "export.db")
except Exception as problem:
    print(type(problem).__name__)
try:
    Ledger.create(Path(sys.argv[1]) / "2027.db", origin="sharekit/fernshire/2027", key=key,
                  genesis=entry(1, origin="sharekit/fernshire/2027"))
except Exception as problem:
    print(type(problem).__name__)
"""


@needs_a_disk
def test_a_disk_that_turns_read_only_is_one_clear_error_and_is_still_verified(tmp_path):
    told = on_a_small_disk(tmp_path, DISK.replace("LIMIT", READ_ONLY).replace("AFTER", AFTER), size="1m")
    assert told == "the ledger may not be written to\nTrue\nOutputUnwritable\nLedgerError\n"


# errors with a type

RAISED = {
    "an operation on a closed file": (sqlite3.ProgrammingError("closed"), LedgerError),
    "a text that is not UTF-8": (sqlite3.OperationalError("Could not decode to UTF-8"), LedgerTampered),
    "a schema that is not UTF-8": (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), LedgerTampered),
    "a full disk": (OSError(28, "No space left on device"), LedgerError),
    "an unknown trouble": (OSError("what"), LedgerError),
}


@pytest.mark.parametrize(("problem", "expected"), RAISED.values(), ids=RAISED)
def test_every_error_of_the_file_gets_a_type_and_keeps_no_words_of_its_own(problem, expected):
    with pytest.raises(ShareError) as raised, durable.typed():
        raise problem
    assert type(raised.value) is expected
    assert raised.value.__cause__ is None
    assert str(problem) not in raised.value.message


def test_what_is_asked_for_is_raised_instead_of_trouble_but_never_of_damage():
    wanted = OutputUnwritable("there")
    with pytest.raises(OutputUnwritable), durable.typed(wanted):
        raise OSError(28, "No space left on device")
    with pytest.raises(LedgerTampered), durable.typed(wanted), contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.execute("SELECT * FROM nowhere")


# a home's ledger, from one command to the next


@pytest.fixture
def agency(tmp_path, monkeypatch):
    monkeypatch.setenv("SHAREKIT_NOW", "2026-11-26T09:00:00Z")
    about = {"org_type": "police", "name": "Harrowmere Police", "phone": "01632 960401"}
    made = Agency.create(tmp_path / "home", org_id="P97", **about)
    made.record.append("consulted", Facts(), now=made.now())
    made.close()
    return Agency.load(tmp_path / "home")


def ledger_of(agency: Agency) -> Path:
    return agency.home / "ledger" / "2026.db"


def test_a_home_whose_ledger_is_gone_does_not_quietly_begin_another(agency):
    """A new one would be signed with the same key, and what was recorded would never have been."""
    ledger_of(agency).unlink()
    with pytest.raises(LedgerTampered, match="gone"):
        agency.record.append("consulted", Facts(), now=agency.now())
    assert not ledger_of(agency).exists()


def test_a_home_whose_ledger_was_put_back_to_an_earlier_state_is_not_continued(agency):
    earlier = ledger_of(agency).read_bytes()
    for _ in range(2):
        agency.record.append("consulted", Facts(), now=agency.now())
        agency.close()
    ledger_of(agency).write_bytes(earlier)
    with pytest.raises(LedgerTampered, match="earlier state"):
        agency.record.append("consulted", Facts(), now=agency.now())


def test_a_home_without_its_vault_records_nothing(agency):
    (agency.home / "vault.db").unlink()
    with pytest.raises(LedgerError, match="the vault is not there"):
        agency.record.append("consulted", Facts(), now=agency.now())
    assert not (agency.home / "vault.db").exists()


def test_processes_that_begin_a_year_at_once_begin_it_once(agency, monkeypatch):
    monkeypatch.setenv("SHAREKIT_NOW", "2027-01-01T00:00:00Z")
    failed: list[BaseException] = []

    def begin() -> None:
        try:
            own = Agency.load(agency.home)
            own.record.append("consulted", Facts(), now=own.now())
            own.close()
        except BaseException as problem:  # noqa: BLE001  # told after the threads have ended
            failed.append(problem)

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert Agency.load(agency.home).ledger.verify() == 7
