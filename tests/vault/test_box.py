"""The vault: what it remembers, what it can forget, and what a stolen disk tells of it."""

from __future__ import annotations

import contextlib
import hmac
import multiprocessing
import os
import random
import re
import signal
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from nacl.signing import SigningKey
from world.disks import needs_a_disk, on_a_small_disk

from sharekit import registry
from sharekit.disk import durable, migrations
from sharekit.errors import LedgerError, ShareError
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.vault import box
from sharekit.vault.packets import Seen
from sharekit.vault.subjects import Subjects
from sharekit.vault.vault import Vault

KEY, OTHER_KEY = bytes(range(32)), bytes(32)
NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
CTI, DIGEST = b"c" * 16, b"d" * 32
NHS, UPN = ("nhs", "9990001011"), ("upn", "XXTEST0000001")


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def kept(home):
    return Vault.create(home / "vault.db", KEY)


# the packet index


def test_a_packet_is_remembered_as_it_was_first_seen(kept):
    assert kept.packets.seen("larkmoor", CTI) is None
    kept.packets.note("larkmoor", CTI, digest=DIGEST, now=NOW)
    kept.packets.note("larkmoor", CTI, digest=b"e" * 32, now=NOW + timedelta(days=1))
    assert kept.packets.seen("larkmoor", CTI) == Seen(DIGEST, NOW, recorded=False, opened=None)
    assert kept.packets.seen("quillbrook", CTI) is None


def test_a_packet_is_recorded_once_and_opened_first_once(kept):
    kept.packets.note("larkmoor", CTI, digest=DIGEST, now=NOW)
    kept.packets.mark_recorded("larkmoor", CTI)
    kept.packets.mark_opened("larkmoor", CTI, now=NOW)
    kept.packets.mark_opened("larkmoor", CTI, now=NOW + timedelta(days=1))
    assert kept.packets.seen("larkmoor", CTI) == Seen(DIGEST, NOW, recorded=True, opened=NOW)


def test_a_refused_file_is_remembered_by_its_token(kept):
    assert not kept.packets.knows_refused(b"t" * 32)
    kept.packets.note_refused(b"t" * 32)
    kept.packets.note_refused(b"t" * 32)
    assert kept.packets.knows_refused(b"t" * 32)


def test_the_index_needs_no_key(kept, home):
    locked = Vault(home / "vault.db")
    locked.packets.note("larkmoor", CTI, digest=DIGEST, now=NOW)
    locked.packets.mark_recorded("larkmoor", CTI)
    locked.packets.note_refused(b"t" * 32)
    assert kept.packets.seen("larkmoor", CTI).recorded
    assert kept.packets.knows_refused(b"t" * 32)


def test_what_is_personal_stays_locked_without_the_key(kept, home):
    locked, detail = Vault(home / "vault.db"), kept.detail(b"n" * 16, {"by": "Dr XXTEST-ASH"})
    kept.keep_details(detail)
    calls = (
        lambda: locked.subjects.key([NHS]),
        lambda: locked.subjects.find(*NHS),
        lambda: locked.detail(b"n" * 16, {}),
        lambda: locked.read_detail(b"n" * 16),
    )
    for call in calls:
        with pytest.raises(LedgerError, match="locked"):
            call()


def test_the_newest_checkpoint_of_each_ledger_is_remembered(kept, home):
    assert kept.known_checkpoint("sharekit/fernshire/2026") is None
    for note in ("first", "second"):
        Vault(home / "vault.db").remember_checkpoint("sharekit/fernshire/2026", note)
    assert kept.known_checkpoint("sharekit/fernshire/2026") == "second"
    assert kept.known_checkpoint("sharekit/fernshire/2027") is None


# subjects


def test_a_subject_is_found_by_each_identifier_it_came_with(kept, home):
    key = kept.subjects.key([NHS, UPN])
    again = Vault(home / "vault.db", KEY)
    assert again.subjects.find(*NHS) == again.subjects.find(*UPN) == again.subjects.key([UPN]) == key
    assert len(key) == 32


def test_an_identifier_learnt_later_leads_to_the_same_subject(kept):
    key = kept.subjects.key([NHS])
    assert kept.subjects.find(*UPN) is None
    assert kept.subjects.key([NHS, UPN]) == key
    assert kept.subjects.find(*UPN) == key


def test_subjects_that_came_apart_stay_apart(kept):
    first, second = kept.subjects.key([NHS]), kept.subjects.key([UPN])
    assert first != second
    assert kept.subjects.key([UPN, NHS]) == second
    assert kept.subjects.find(*NHS) == first


def test_the_same_value_of_two_schemes_is_two_subjects(kept):
    assert kept.subjects.key([("local", NHS[1])]) != kept.subjects.key([NHS])
    assert kept.subjects.key([("a", "b\0c")]) is not None


def test_looking_makes_no_subject(kept):
    assert kept.subjects.find(*NHS) is None
    assert kept.subjects.find(*NHS) is None
    assert kept.subjects.key([]) is None


def test_whatever_was_typed_can_be_looked_up(kept):
    for value in ("", "\udcff", "\0", "a" * 100_000):
        assert kept.subjects.find("nhs", value) is None


def rows(path: Path, query: str) -> list[tuple]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


def test_the_index_of_one_vault_says_nothing_of_anothers(home):
    tokens = set()
    for number, key in enumerate((KEY, OTHER_KEY)):
        Vault.create(home / f"{number}.db", key).subjects.key([NHS])
        tokens |= {row[0] for row in rows(home / f"{number}.db", "SELECT token FROM subject_index")}
    assert len(tokens) == 2
    assert hmac.digest(KEY, NHS[1].encode(), "sha256") not in tokens


def test_no_key_is_given_to_two_subjects_even_after_one_is_gone(kept, home):
    first = kept.subjects.key([NHS])
    with contextlib.closing(sqlite3.connect(home / "vault.db")) as db:
        db.execute("DELETE FROM subject")
        db.commit()
    assert kept.subjects.key([UPN]) != first
    with pytest.raises(LedgerError, match="damaged"):
        kept.subjects.find(*NHS)


def test_a_subject_that_is_deleted_leaves_noise_and_every_proof(kept, home):
    key, signing = kept.subjects.key([NHS]), SigningKey(KEY)
    token = hmac.digest(key, b"n" * 16, "sha256")
    origin, sealed = "sharekit/fernshire/2026", rows(home / "vault.db", "SELECT sealed_key FROM subject")[0][0]
    genesis = Entry(1, 1_790_000_000, nonce=bytes(16), origin=origin)
    with Ledger.create(home / "2026.db", origin=origin, key=signing, genesis=genesis) as ledger:
        ledger.append(Entry(2, 1_790_000_000, nonce=b"n" * 16, subject=token))
        with kept.writing() as connection:
            connection.execute("DELETE FROM subject_index")
            connection.execute("DELETE FROM subject")
        assert kept.subjects.find(*NHS) is None
        assert kept.subjects.key([NHS]) != key
        assert ledger.verify() == 2
    assert sealed not in (home / "vault.db").read_bytes()


# details


def test_a_detail_is_read_back_by_its_entrys_nonce(kept):
    detail = kept.detail(b"n" * 16, {"by": "Dr XXTEST-ASH", "reason": "seen at the emergency department"})
    assert kept.read_detail(b"n" * 16) is None
    kept.keep_details(detail)
    kept.keep_details(detail)
    assert kept.read_detail(b"n" * 16) == {"by": "Dr XXTEST-ASH", "reason": "seen at the emergency department"}
    assert kept.read_detail(b"m" * 16) is None


def test_the_commitment_to_a_detail_cannot_be_guessed_from_its_words(kept):
    first, second = (kept.detail(b"n" * 16, {"by": "Dr XXTEST-ASH"}) for _ in range(2))
    assert first.commitment != second.commitment
    assert first.sealed != second.sealed


# what a stolen disk tells

PERSONAL = ("9990001011", "XXTEST0000001", "Dr XXTEST-ASH", "seen at the emergency department", "XXTEST-ROLE")


def use_everything(kept: Vault) -> bytes:
    kept.packets.note("larkmoor", CTI, digest=DIGEST, now=NOW)
    kept.packets.mark_recorded("larkmoor", CTI)
    kept.packets.mark_opened("larkmoor", CTI, now=NOW)
    kept.packets.note_refused(b"t" * 32)
    kept.remember_checkpoint("sharekit/fernshire/2026", "note")
    words = dict(zip(("by", "reason", "role"), PERSONAL[2:], strict=True))
    kept.keep_details(kept.detail(b"n" * 16, words))
    return kept.subjects.key([NHS, UPN])


def test_nothing_personal_stands_in_any_file_of_the_vault(kept, home):
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

    key = use_everything(kept)
    search()
    with contextlib.suppress(ZeroDivisionError), kept.writing() as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("UPDATE detail SET sealed = sealed || zeroblob(90000)")
        search()
        raise ZeroDivisionError
    assert seen == {"vault.db", "vault.db-journal", "vault.db.lock"}
    assert kept.read_detail(b"n" * 16)["by"] == PERSONAL[2]


def test_the_files_are_the_owners_alone(kept, home):
    use_everything(kept)
    with kept.writing() as connection:
        connection.execute("UPDATE detail SET sealed = sealed")
        assert {stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == {0o600}


def test_every_step_survives_a_power_cut(kept):
    """The modes that the power-cut simulation found safe; a WAL would keep what was deleted."""
    with kept.writing() as connection:
        found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
        assert found == ["truncate", 2]
        assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)


# two at once, and sudden ends


def keep_some(path: str, first: int) -> None:
    kept = Vault(Path(path), KEY)
    for number in range(first, first + 25):
        kept.packets.note("larkmoor", number.to_bytes(16, "big"), digest=DIGEST, now=NOW)
        kept.subjects.key([("local", str(number % 5))])


def test_two_processes_keep_everything_and_make_each_subject_once(kept, home):
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
kept = Vault(Path(sys.argv[1]), bytes(range(32)))
for number in range(100000):
    kept.packets.note("larkmoor", number.to_bytes(16, "big"), digest=bytes(32), now=datetime.now(UTC))
    kept.subjects.key([("local", str(number))])
    print(number, flush=True)
"""


def test_a_killed_process_loses_nothing_that_it_was_told_of(kept, home):
    for after in (1, 5, 12):
        command = [sys.executable, "-c", KEEPER, str(home / "vault.db")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as keeper:
            told = [keeper.stdout.readline() for _ in range(after)][-1]
            keeper.send_signal(signal.SIGKILL)
            told = (keeper.stdout.read().split() or [told])[-1]
        assert kept.packets.seen("larkmoor", int(told).to_bytes(16, "big"))
        assert kept.subjects.find("local", str(int(told)))


def test_a_step_that_fails_leaves_nothing_of_itself(kept, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Subjects, "_key_of", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            kept.subjects.key([NHS])
    assert kept.subjects.find(*NHS) is None


# a vault that is not there, not this one, or not whole


def test_the_key_of_another_home_is_noticed_before_anything_is_made(kept, home):
    """Without that it would find nobody, which reads as if there were nothing."""
    use_everything(kept)
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


def test_a_vault_is_never_made_over_another(kept, home):
    use_everything(kept)
    with pytest.raises(LedgerError, match="already"):
        Vault.create(home / "vault.db", OTHER_KEY)
    assert kept.packets.seen("larkmoor", CTI)


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
kept = Vault.create(Path(sys.argv[1]) / "vault.db", {KEY!r})
kept.packets.note("larkmoor", bytes(16), digest=bytes(32), now=datetime.now(UTC))
LIMIT
try:
    for number in range(2000):
        kept.keep_details(kept.detail(os.urandom(16), {{"reason": "a" * 200}}))
except LedgerError as problem:
    print(problem.message)
    print(kept.packets.seen("larkmoor", bytes(16)) is not None)
"""


@needs_a_disk
def test_a_full_disk_is_one_clear_error_and_loses_nothing(tmp_path):
    assert on_a_small_disk(tmp_path, DISK.replace("LIMIT", ""), size="120k") == "the disk is full\nTrue\n"


@needs_a_disk
def test_a_read_only_disk_is_one_clear_error_and_is_still_read(tmp_path):
    told = on_a_small_disk(tmp_path, DISK.replace("LIMIT", "kept.close()\nread_only()"), size="1m")
    assert told == "the vault may not be written to\nTrue\n"


def test_a_file_that_may_not_be_written_to_is_one_clear_error(kept, monkeypatch):
    def read_only(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)

    kept.packets.note("larkmoor", CTI, digest=DIGEST, now=NOW)
    kept.close()
    monkeypatch.setattr(durable, "connect", read_only)
    with pytest.raises(LedgerError, match="the vault may not be written to"):
        kept.packets.mark_recorded("larkmoor", CTI)
    assert kept.packets.seen("larkmoor", CTI).recorded is False


def test_a_vault_in_use_for_too_long_is_one_clear_error(kept, home, monkeypatch):
    monkeypatch.setattr(durable, "WAIT", 0.01)
    with contextlib.closing(sqlite3.connect(home / "vault.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerError, match="the vault is in use"):
            kept.packets.seen("larkmoor", CTI)


def attempt_everything(kept: Vault) -> None:
    calls = (
        lambda: kept.packets.seen("larkmoor", CTI),
        lambda: kept.known_checkpoint("sharekit/fernshire/2026"),
        lambda: kept.packets.knows_refused(b"t" * 32),
        lambda: kept.subjects.find(*NHS),
        lambda: kept.read_detail(b"n" * 16),
        lambda: use_everything(kept),
    )
    for call in calls:
        with contextlib.suppress(ShareError):
            call()


def test_a_damaged_vault_raises_typed_errors_only(kept, home):
    """Bytes changed in every page, those at the head of a page and of its cells more often than the others."""
    use_everything(kept)
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


def read_everything(kept: Vault) -> None:
    kept.packets.seen("larkmoor", CTI)
    kept.subjects.find(*NHS)
    kept.read_detail(b"n" * 16)


@pytest.mark.parametrize("statement", DAMAGES.values(), ids=DAMAGES)
def test_what_was_changed_in_the_vault_is_noticed_where_it_is_read(kept, home, statement):
    use_everything(kept)
    with contextlib.closing(sqlite3.connect(home / "vault.db")) as db:
        db.execute(statement)
        db.commit()
    with pytest.raises(LedgerError) as raised:
        read_everything(Vault(home / "vault.db", KEY))
    assert raised.value.hint == box.RESTORE


def test_the_marks_of_the_schema_are_those_that_are_asked_for():
    marks = dict(re.findall(r"^PRAGMA (\w+) = (\d+);", registry.text("vault.sql"), re.M))
    assert marks == {"application_id": str(box.APPLICATION), "user_version": str(migrations.newest("vault"))}
