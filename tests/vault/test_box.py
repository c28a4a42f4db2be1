"""The vault: what it remembers, what it can forget, and what a stolen disk tells of it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import re
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from world.disks import needs_a_disk, on_a_small_disk
from world.vaults import CTI, DIGEST, KEY, NHS, NOW, OTHER_KEY, UPN, rows

from sharekit import registry
from sharekit.disk import durable, migrations
from sharekit.errors import LedgerError, Locked, ShareError
from sharekit.vault import box
from sharekit.vault.subjects import Subjects
from sharekit.vault.vault import Vault


def test_what_is_personal_stays_locked_without_the_key(vault, home):
    locked, detail = Vault(home / "vault.db"), vault.detail(b"n" * 16, {"by": "Dr XXTEST-ASH"})
    vault.keep_details(detail)
    calls = (
        lambda: locked.subjects.key([NHS]),
        lambda: locked.subjects.find(*NHS),
        lambda: locked.detail(b"n" * 16, {}),
        lambda: locked.read_detail(b"n" * 16),
    )
    for call in calls:
        with pytest.raises(LedgerError, match="locked"):
            call()


def test_the_newest_checkpoint_of_each_ledger_is_remembered(vault, home):
    assert vault.known_checkpoint("sharekit/fernshire/2026") is None
    for note in ("first", "second"):
        Vault(home / "vault.db").remember_checkpoint("sharekit/fernshire/2026", note)
    assert vault.known_checkpoint("sharekit/fernshire/2026") == "second"
    assert vault.known_checkpoint("sharekit/fernshire/2027") is None


# details


def test_a_detail_is_read_back_by_its_entrys_nonce(vault):
    detail = vault.detail(b"n" * 16, {"by": "Dr XXTEST-ASH", "reason": "seen at the emergency department"})
    assert vault.read_detail(b"n" * 16) is None
    vault.keep_details(detail)
    vault.keep_details(detail)
    assert vault.read_detail(b"n" * 16) == {"by": "Dr XXTEST-ASH", "reason": "seen at the emergency department"}
    assert vault.read_detail(b"m" * 16) is None


def test_the_commitment_to_a_detail_cannot_be_guessed_from_its_words(vault):
    first, second = (vault.detail(b"n" * 16, {"by": "Dr XXTEST-ASH"}) for _ in range(2))
    assert first.commitment != second.commitment
    assert first.sealed != second.sealed


# what a stolen disk tells

PERSONAL = ("9990001011", "XXTEST0000001", "Dr XXTEST-ASH", "seen at the emergency department", "XXTEST-ROLE")


def use_everything(vault: Vault) -> bytes:
    vault.packets.note("larkmoor", CTI, digest=DIGEST, now=NOW)
    vault.packets.mark_recorded("larkmoor", CTI)
    vault.packets.mark_opened("larkmoor", CTI, now=NOW)
    vault.packets.note_refused(b"t" * 32)
    vault.remember_checkpoint("sharekit/fernshire/2026", "note")
    words = dict(zip(("by", "reason", "role"), PERSONAL[2:], strict=True))
    vault.keep_details(vault.detail(b"n" * 16, words))
    return vault.subjects.key([NHS, UPN])


def test_nothing_personal_stands_in_any_file_of_the_vault(vault, home):
    """Looked for in every file there is, also while a step is half done and its journal is full."""
    seen = set()

    def search() -> None:
        for path in home.iterdir():
            data = path.read_bytes()
            seen.add(path.name)
            for words in PERSONAL:
                for form in (words.encode(), words.encode("utf-16-le"), words[::-1].encode()):
                    assert form not in data
            assert key not in data
            assert KEY not in data

    key = use_everything(vault)
    search()
    with contextlib.suppress(ZeroDivisionError), vault.writing() as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("UPDATE detail SET sealed = sealed || zeroblob(90000)")
        search()
        raise ZeroDivisionError
    assert seen == {"vault.db", "vault.db-journal", "vault.db.lock"}
    assert vault.read_detail(b"n" * 16)["by"] == PERSONAL[2]


def test_the_files_are_the_owners_alone(vault, home):
    use_everything(vault)
    with vault.writing() as connection:
        connection.execute("UPDATE detail SET sealed = sealed")
        assert {stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == {0o600}


def test_every_step_survives_a_power_cut(vault):
    """The modes that the power-cut simulation found safe; a WAL would keep what was deleted."""
    with vault.writing() as connection:
        found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
        assert found == ["truncate", 2]
        assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)


# two at once, and sudden ends


def keep_some(path: str, first: int) -> None:
    vault = Vault(Path(path), KEY)
    for number in range(first, first + 25):
        vault.packets.note("larkmoor", number.to_bytes(16, "big"), digest=DIGEST, now=NOW)
        vault.subjects.key([("local", str(number % 5))])


def test_two_processes_keep_everything_and_make_each_subject_once(vault, home):
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=keep_some, args=(str(home / "vault.db"), first)) for first in (0, 25)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    counts = "SELECT (SELECT count(*) FROM packet), (SELECT count(*) FROM subject)"
    assert rows(home / "vault.db", counts) == [(50, 5)]


KEEPER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from sharekit.vault.vault import Vault
vault = Vault(Path(sys.argv[1]), bytes(range(32)))
for number in range(100000):
    vault.packets.note("larkmoor", number.to_bytes(16, "big"), digest=bytes(32), now=datetime.now(UTC))
    vault.subjects.key([("local", str(number))])
    print(number, flush=True)
"""


def test_a_killed_process_loses_nothing_that_it_was_told_of(vault, home):
    for after in (1, 5, 12):
        command = [sys.executable, "-c", KEEPER, str(home / "vault.db")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as keeper:
            told = [keeper.stdout.readline() for _ in range(after)][-1]
            keeper.send_signal(signal.SIGKILL)
            told = (keeper.stdout.read().split() or [told])[-1]
        assert vault.packets.seen("larkmoor", int(told).to_bytes(16, "big"))
        assert vault.subjects.find("local", str(int(told)))


def test_a_step_that_fails_leaves_nothing_of_itself(vault, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Subjects, "_key_of", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            vault.subjects.key([NHS])
    assert vault.subjects.find(*NHS) is None


# a vault that is not there, not this one, or not whole


def test_the_key_of_another_home_is_noticed_before_anything_is_made(vault, home):
    """Without that it would find nobody, which reads as if there were nothing."""
    use_everything(vault)
    other = Vault(home / "vault.db", OTHER_KEY)
    calls = (
        lambda: other.subjects.key([NHS]),
        lambda: other.subjects.find(*NHS),
        lambda: other.read_detail(b"n" * 16),
        lambda: other.keep_details(other.detail(b"m" * 16, {})),
        lambda: other.packets.seen("larkmoor", CTI),
    )
    for call in calls:
        with pytest.raises(LedgerError, match="does not belong to this home's keys"):
            call()
    assert rows(home / "vault.db", "SELECT count(*) FROM subject") == [(1,)]


def make_newer(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(registry.text("vault.sql") + "PRAGMA user_version = 99;")


def make_ledger(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(registry.text("ledger.sql"))


NO_VAULTS = {
    "missing": lambda path: None,
    "in a missing folder": lambda path: path.parent.rmdir(),
    "a folder": lambda path: path.mkdir(),
    "empty": lambda path: path.touch(),
    "text": lambda path: path.write_text("not a database at all" * 50),
    "a ledger": make_ledger,
    "of a newer edition": make_newer,
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a pipe": lambda path: os.mkfifo(path),
}


@pytest.mark.parametrize("make", NO_VAULTS.values(), ids=NO_VAULTS)
@pytest.mark.parametrize("key", [KEY, None], ids=["unlocked", "locked"])
def test_what_is_no_vault_is_neither_used_nor_replaced_by_an_empty_one(home, make, key):
    make(home / "vault.db")
    before = rows_of(home)
    for call in (
        lambda found: found.packets.seen("larkmoor", CTI),
        lambda found: found.packets.note("larkmoor", CTI, digest=DIGEST, now=NOW),
    ):
        with pytest.raises(LedgerError) as raised:
            call(Vault(home / "vault.db", key))
        assert raised.value.code == "ledger-unwritable"
        assert "vault" in raised.value.message
    assert rows_of(home) == before


def rows_of(folder: Path) -> list[str]:
    names = os.listdir(folder) if folder.is_dir() else []
    return sorted(name for name in names if not name.endswith(".lock"))


def test_a_vault_is_never_made_over_another(vault, home):
    use_everything(vault)
    with pytest.raises(LedgerError, match="already"):
        Vault.create(home / "vault.db", OTHER_KEY)
    assert vault.packets.seen("larkmoor", CTI)


def test_a_vault_that_cannot_be_made_is_a_typed_error(home):
    with pytest.raises(LedgerError):
        Vault.create(home / "missing" / "vault.db", KEY)
    assert not list(home.iterdir())


DISK = f"""
import os
from datetime import UTC, datetime
from pathlib import Path
from sharekit.errors import LedgerError
from sharekit.vault.vault import Vault
vault = Vault.create(Path(sys.argv[1]) / "vault.db", {KEY!r})
vault.packets.note("larkmoor", bytes(16), digest=bytes(32), now=datetime.now(UTC))
LIMIT
try:
    for number in range(2000):
        vault.keep_details(vault.detail(os.urandom(16), {{"reason": "a" * 200}}))
except LedgerError as problem:
    print(problem.message)
    print(vault.packets.seen("larkmoor", bytes(16)) is not None)
"""


@needs_a_disk
def test_a_full_disk_is_one_clear_error_and_loses_nothing(tmp_path):
    assert on_a_small_disk(tmp_path, DISK.replace("LIMIT", ""), size="320k") == "the disk is full\nTrue\n"


@needs_a_disk
def test_a_read_only_disk_is_one_clear_error_and_is_still_read(tmp_path):
    told = on_a_small_disk(tmp_path, DISK.replace("LIMIT", "vault.close()\nread_only()"), size="1m")
    assert told == "the vault may not be written to\nTrue\n"


def test_a_file_that_may_not_be_written_to_is_one_clear_error(vault, monkeypatch):
    def read_only(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)

    vault.packets.note("larkmoor", CTI, digest=DIGEST, now=NOW)
    vault.close()
    monkeypatch.setattr(durable, "connect", read_only)
    with pytest.raises(LedgerError, match="the vault may not be written to"):
        vault.packets.mark_recorded("larkmoor", CTI)
    assert vault.packets.seen("larkmoor", CTI).recorded is False


def test_a_vault_in_use_for_too_long_is_one_clear_error(vault, home, monkeypatch):
    monkeypatch.setattr(durable, "WAIT", 0.01)
    with contextlib.closing(sqlite3.connect(home / "vault.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Locked, match="the vault is in use"):
            vault.packets.seen("larkmoor", CTI)


def attempt_everything(vault: Vault) -> None:
    calls = (
        lambda: vault.packets.seen("larkmoor", CTI),
        lambda: vault.known_checkpoint("sharekit/fernshire/2026"),
        lambda: vault.packets.knows_refused(b"t" * 32),
        lambda: vault.subjects.find(*NHS),
        lambda: vault.read_detail(b"n" * 16),
        lambda: use_everything(vault),
    )
    for call in calls:
        with contextlib.suppress(ShareError):
            call()


def test_a_damaged_vault_raises_typed_errors_only(vault, home):
    """Bytes changed in every page, those at the head of a page and of its cells more often than the others."""
    use_everything(vault)
    whole, chance = (home / "vault.db").read_bytes(), random.Random(3)
    heads = [at for at in range(len(whole)) if at % 4096 < 110 or whole[at]]
    for at in [*chance.sample(heads, 250), *chance.sample(range(len(whole)), 50)]:
        damaged = bytearray(whole)
        damaged[at] ^= chance.randrange(1, 256)
        (home / "vault.db").write_bytes(damaged)
        attempt_everything(Vault(home / "vault.db", KEY))


DAMAGES = {
    "a key that is no longer sealed": "UPDATE subject SET sealed_key = X'00'",
    "a key as text": "UPDATE subject SET sealed_key = 'key'",
    "a subject that is gone": "DELETE FROM subject",
    "an index that points nowhere": "UPDATE subject_index SET subject = 'nobody'",
    "a detail cut short": "UPDATE detail SET sealed = substr(sealed, 1, 60)",
    "a detail as number": "UPDATE detail SET sealed = 7",
    "a time as text": "UPDATE packet SET first_seen = 'yesterday'",
    "a time beyond all years": "UPDATE packet SET opened = 1 << 60",
    "no owner": "DELETE FROM owner",
    "two owners": "INSERT INTO owner SELECT * FROM owner",
    "no tables": "DROP TABLE packet",
}


def read_everything(vault: Vault) -> None:
    vault.packets.seen("larkmoor", CTI)
    vault.subjects.find(*NHS)
    vault.read_detail(b"n" * 16)


@pytest.mark.parametrize("statement", DAMAGES.values(), ids=DAMAGES)
def test_what_was_changed_in_the_vault_is_noticed_where_it_is_read(vault, home, statement):
    use_everything(vault)
    with contextlib.closing(sqlite3.connect(home / "vault.db")) as db:
        db.execute(statement)
        db.commit()
    with pytest.raises(LedgerError) as raised:
        read_everything(Vault(home / "vault.db", KEY))
    assert raised.value.hint == box.RESTORE


def test_the_marks_of_the_schema_are_those_that_are_asked_for():
    marks = dict(re.findall(r"^PRAGMA (\w+) = (\d+);", registry.text("vault.sql"), re.M))
    assert marks == {"application_id": str(box.APPLICATION), "user_version": str(migrations.newest("vault"))}
