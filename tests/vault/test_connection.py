"""The one connection to a vault: kept from step to step, and given up when the file is no longer as it was left."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest
from world.agencies import CONFIRM
from world.vaults import CTI, DIGEST, KEY, NOW, OTHER_KEY

from sharekit import Agency
from sharekit.disk import durable
from sharekit.errors import LedgerError
from sharekit.vault.vault import Vault

STATUS = "safeguarding.status-flag"


@pytest.fixture
def connected(monkeypatch):
    """The paths to which a connection was made, in order."""
    made, connect = [], durable.connect

    def counted(path: Path) -> sqlite3.Connection:
        made.append(Path(path))
        return connect(path)

    monkeypatch.setattr(durable, "connect", counted)
    return made


@pytest.fixture
def path(home):
    return home / "vault.db"


def use(vault: Vault) -> None:
    vault.packets.note("larkmoor", CTI, digest=DIGEST, now=NOW)
    vault.packets.mark_recorded("larkmoor", CTI)
    assert vault.packets.seen("larkmoor", CTI).recorded


# --- one ---


def test_one_opening_uses_one_connection_to_the_vault_and_one_to_the_ledger(world, connected):
    data, home = world.flag(), world.quillbrook.home
    world.quillbrook.close()
    connected.clear()
    with contextlib.closing(Agency.load(home)) as agency:
        agency.open(data, purpose=STATUS, confirm=CONFIRM, reason="seen in the night")
    assert sorted(connected) == [home / "ledger" / "2026.db", home / "vault.db"]


def test_a_second_opening_from_a_sender_whose_checkpoint_has_grown_needs_no_other_connection(world, connected):
    first, second = world.flag(), world.flag()
    world.quillbrook.open(first, purpose=STATUS, confirm=CONFIRM, reason="seen in the night")
    connected.clear()
    world.quillbrook.open(second, purpose=STATUS, confirm=CONFIRM, reason="seen in the night")
    assert connected == []


def test_many_steps_of_a_vault_share_one_connection(vault, path, connected):
    for _ in range(3):
        use(vault)
        vault.subjects.key([("nhs", "9990001011")])
        vault.erase([], [])
    assert connected == [path]


def test_a_vault_that_was_closed_is_opened_again_when_it_is_used(vault, path, connected):
    use(vault)
    vault.close()
    vault.close()
    use(vault)
    assert connected == [path, path]


def test_closing_an_agency_leaves_no_file_open(world):
    agency = world.quillbrook
    agency.close()
    own = os.fspath(agency.home)
    assert not [name for name in open_files() if name.startswith(own)]
    agency.record.vault.known_checkpoint("none")
    assert os.fspath(agency.home / "vault.db") in open_files()


def open_files() -> list[str]:
    links = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))
    return [os.readlink(link) for link in links if os.path.lexists(link)]


# --- given up ---


def test_what_another_process_has_written_is_seen_at_the_next_step(vault, path):
    use(vault)
    with contextlib.closing(Vault(path, KEY)) as other:
        other.packets.mark_opened("larkmoor", CTI, now=NOW)
        key = other.subjects.key([("nhs", "9990001011")])
    assert vault.packets.seen("larkmoor", CTI).opened == NOW
    assert vault.subjects.find("nhs", "9990001011") == key


def overwrite(path: Path, other: Path) -> None:
    """The same file by its number, with what another holds."""
    path.write_bytes(other.read_bytes())


def replace(path: Path, other: Path) -> None:
    os.replace(other, path)


@pytest.mark.parametrize("put", [overwrite, replace])
def test_a_vault_of_other_keys_in_its_place_is_noticed_at_the_next_step(vault, path, tmp_path, put):
    """Also one that is like it in every number by which SQLite knows whether somebody else has written."""
    use(vault)
    with contextlib.closing(Vault.create(tmp_path / "other.db", OTHER_KEY)) as other:
        use(other)
    put(path, tmp_path / "other.db")
    for step in (use, lambda vault: vault.packets.seen("larkmoor", CTI)):
        with pytest.raises(LedgerError, match="does not belong to this home's keys"):
            step(vault)


@pytest.mark.parametrize("put", [overwrite, replace])
def test_a_vault_put_back_from_the_backup_is_the_one_that_is_used(vault, path, tmp_path, put):
    shutil.copy(path, tmp_path / "backup")
    use(vault)
    put(path, tmp_path / "backup")
    assert vault.packets.seen("larkmoor", CTI) is None
    use(vault)
    with contextlib.closing(Vault(path, KEY)) as again:
        assert again.packets.seen("larkmoor", CTI).recorded


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


SPOILT = {
    "gone": (Path.unlink, "is not there"),
    "empty": (lambda path: path.write_bytes(b""), "damaged"),
    "text": (lambda path: path.write_text("no database" * 500), "damaged"),
    "cut short": (cut_short, "damaged"),
    "a link to it": (link, "is a link"),
}


@pytest.mark.parametrize(("spoil", "message"), SPOILT.values(), ids=SPOILT)
def test_a_vault_that_is_spoilt_while_it_is_in_use_is_noticed_at_the_next_step(vault, path, spoil, message):
    use(vault)
    spoil(path)
    for step in (use, lambda vault: vault.packets.seen("larkmoor", CTI)):
        with pytest.raises(LedgerError, match=message):
            step(vault)


def test_a_vault_that_was_gone_for_a_while_is_used_again(vault, path):
    use(vault)
    path.rename(path.with_name("away"))
    with pytest.raises(LedgerError, match="is not there"):
        use(vault)
    path.with_name("away").rename(path)
    use(vault)


def test_a_step_that_fails_is_undone_and_keeps_nobody_waiting(vault, path):
    with pytest.raises(ZeroDivisionError), vault.writing() as db:
        db.execute("DELETE FROM owner").fetchall()[1 // 0]
    with contextlib.closing(Vault(path, KEY)) as other:
        use(other)
    use(vault)


# --- threads and processes ---


def test_threads_take_turns_with_one_connection(vault, path, connected):
    def work(thread: int) -> None:
        for number in range(20):
            vault.packets.note(f"sender {thread}", number.to_bytes(16, "big"), digest=DIGEST, now=NOW)
            keys.add(vault.subjects.key([("local", str(number))]))

    keys: set[bytes] = set()
    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with vault.reading() as db:
        assert db.execute("SELECT count(*) FROM packet").fetchone() == (80,)
    assert len(keys) == 20
    assert connected == [path]


def test_a_thread_that_is_in_a_step_keeps_the_others_of_its_process_waiting(vault):
    done = threading.Event()

    def work() -> None:
        use(vault)
        done.set()

    thread = threading.Thread(target=work)
    with vault.writing() as db:
        thread.start()
        assert not done.wait(0.1)
        db.execute("DELETE FROM refused_file")
    thread.join()
    assert done.is_set()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_that_was_forked_opens_the_vault_itself(vault, connected):
    use(vault)
    assert in_a_child(lambda: use(vault) or len(connected)) == 2
    use(vault)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_that_was_forked_during_a_step_leaves_the_step_to_its_parent(vault):
    use(vault)
    with vault.writing() as db:
        db.execute("DELETE FROM packet")
        assert in_a_child(lambda: vault.close() or 7) == 7
    assert vault.packets.seen("larkmoor", CTI) is None


def in_a_child(work) -> int:
    """What `work` returns in a forked process, a small number; 255 if it fails."""
    child = os.fork()
    if child == 0:
        status = 255
        with contextlib.suppress(BaseException):
            status = work()
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
