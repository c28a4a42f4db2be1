"""Files: whole or not at all, private, never without end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from world.disks import needs_a_disk, on_a_small_disk

from sharekit.disk import files, leftovers
from sharekit.errors import Malformed, OutputUnwritable, Usage

SECRET = "no-such-name-in-a-message"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def left_behind(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".sharekit-")]


# reading


@pytest.mark.parametrize("content", [b"", b"a", b"a" * 100], ids=["empty", "small", "just the limit"])
def test_a_file_is_read_whole_up_to_the_limit(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert files.read(tmp_path / "file", limit=100) == content
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert files.read(tmp_path / "link", limit=100) == content


def test_a_file_larger_than_the_limit_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"a" * 101)
    with pytest.raises(Malformed, match="larger than 100 bytes"):
        files.read(tmp_path / "file", limit=100)


def test_a_sparse_file_of_many_gigabytes_fills_no_memory(tmp_path):
    with (tmp_path / "file").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Malformed):
        files.read(tmp_path / "file", limit=4096)


def make_socket(path: Path) -> None:
    """By its name alone: the path of a socket may have 107 bytes, and a test's folder more."""
    with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


UNREADABLE = {
    "missing": lambda path: None,
    "in a missing folder": lambda path: path.parent.rmdir(),
    "a folder": lambda path: path.mkdir(),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a link in a circle": lambda path: path.symlink_to(path),
    "a socket": make_socket,
}


@pytest.mark.parametrize("make", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_a_usage_error_that_names_no_path(tmp_path, make):
    path = tmp_path / "folder" / SECRET
    path.parent.mkdir()
    make(path)
    with pytest.raises(Usage) as raised:
        files.read(path, what="the card")
    assert raised.value.message.startswith("the card ")
    assert raised.value.hint
    assert SECRET not in raised.value.message + raised.value.hint


@pytest.mark.parametrize("name", ["a\0b", "\udcff", "x" * 5000], ids=["a zero byte", "a lone surrogate", "too long"])
def test_a_name_that_no_file_can_have_is_a_typed_error(tmp_path, name):
    with pytest.raises(Usage):
        files.read(tmp_path / name)
    if name != "\udcff":  # that one is a byte that is not UTF-8, which Linux allows in a name
        with pytest.raises(OutputUnwritable):
            files.write(tmp_path / name, b"new")
    assert not left_behind(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_a_usage_error(tmp_path):
    (tmp_path / "file").write_bytes(b"a")
    (tmp_path / "file").chmod(0)
    with pytest.raises(Usage, match="cannot be read"):
        files.read(tmp_path / "file")


def test_an_endless_device_ends_at_the_limit():
    with pytest.raises(Malformed):
        files.read(Path("/dev/zero"), limit=100_000)
    assert files.read(Path("/dev/null")) == b""


def test_a_pipe_is_read_to_its_end_however_slowly_it_is_written(tmp_path):
    pipe, go_on = tmp_path / "pipe", threading.Event()
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("wb", buffering=0) as end:
            end.write(b"first ")
            go_on.wait(timeout=0.2)
            end.write(b"a" * 200_000)

    writer = threading.Thread(target=write)
    writer.start()
    assert files.read(pipe) == b"first " + b"a" * 200_000
    writer.join()


def test_a_pipe_of_the_shell_is_read():
    """`--passphrase-file <(command)` hands over a pipe whose writer may have gone already."""
    out, into = os.pipe()
    os.write(into, b"words")
    os.close(into)
    assert files.read(Path(f"/dev/fd/{out}")) == b"words"
    os.close(out)


def test_a_pipe_that_never_ends_is_refused_at_the_limit(tmp_path):
    with subprocess.Popen(["cat", "/dev/zero"], stdout=subprocess.PIPE) as endless:
        with pytest.raises(Malformed):
            files.read(Path(f"/dev/fd/{endless.stdout.fileno()}"), limit=100_000)
        endless.kill()


def test_a_pipe_to_which_nobody_writes_holds_nobody_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PATIENCE", 0.05)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Usage, match="nobody writes"):
        files.read(tmp_path / "pipe", what="the passphrase file")
    silent = os.open(tmp_path / "pipe", os.O_RDWR)
    with pytest.raises(Usage, match="nobody writes"):
        files.read(tmp_path / "pipe")
    os.close(silent)


# writing


def test_a_file_is_written_whole_and_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        files.write(tmp_path / "file", b"a" * 1_000_000)
    finally:
        os.umask(before)
    assert (tmp_path / "file").read_bytes() == b"a" * 1_000_000
    assert mode_of(tmp_path / "file") == 0o600
    assert not left_behind(tmp_path)


def test_writing_replaces_the_file_and_its_mode(tmp_path):
    (tmp_path / "file").write_bytes(b"old and longer")
    (tmp_path / "file").chmod(0o644)
    files.write(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert mode_of(tmp_path / "file") == 0o600


def test_writing_to_a_link_leaves_alone_what_it_points_to(tmp_path):
    (tmp_path / "file").write_bytes(b"somebody else's")
    (tmp_path / "link").symlink_to("file")
    files.write(tmp_path / "link", b"new")
    assert (tmp_path / "file").read_bytes() == b"somebody else's"
    assert (tmp_path / "link").read_bytes() == b"new"
    assert not (tmp_path / "link").is_symlink()


UNWRITABLE = {
    "a folder": lambda path: path.mkdir(),
    "in a missing folder": lambda path: path.parent.rmdir(),
    "in a file": lambda path: (path.parent.rmdir(), path.parent.write_bytes(b"")),
    "a pipe": lambda path: os.mkfifo(path),
    "a socket": make_socket,
    "a link to a device": lambda path: path.symlink_to("/dev/null"),
    "a link to a folder": lambda path: path.symlink_to("."),
}


@pytest.mark.parametrize("make", UNWRITABLE.values(), ids=UNWRITABLE)
def test_what_cannot_be_written_is_said_before_any_work_is_done(tmp_path, make):
    path = tmp_path / "folder" / SECRET
    path.parent.mkdir()
    make(path)
    with pytest.raises(OutputUnwritable) as raised, files.replacing(path):
        pytest.fail("the work began")
    assert SECRET not in raised.value.message + raised.value.hint
    assert not path.parent.is_dir() or not left_behind(path.parent)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device, and only root could replace it")
def test_a_device_is_never_replaced_by_a_file(tmp_path):
    """As root a rename over /dev/null would succeed, and take it from everybody."""
    os.mknod(tmp_path / "null", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    with pytest.raises(OutputUnwritable):
        files.write(tmp_path / "null", b"new")
    assert stat.S_ISCHR((tmp_path / "null").stat().st_mode)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_unwritable(tmp_path):
    (tmp_path / "folder").mkdir(mode=0o500)
    with pytest.raises(OutputUnwritable):
        files.write(tmp_path / "folder" / "file", b"new")


def test_what_fails_in_the_middle_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), files.replacing(tmp_path / "file"):
        raise KeyboardInterrupt
    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_that_goes_away_meanwhile_is_a_typed_error(tmp_path):
    (tmp_path / "folder").mkdir()
    with files.replacing(tmp_path / "folder" / "file") as replacement:
        replacement.temporary.unlink()
        (tmp_path / "folder").rmdir()
        with pytest.raises(OutputUnwritable):
            replacement.commit(b"new")


TOO_MUCH = """
import os, sys
from pathlib import Path
from sharekit.disk import files
from sharekit.errors import OutputUnwritable
file = Path(sys.argv[1]) / "file"
file.write_bytes(b"old")
LIMIT
try:
    files.write(file, b"a" * 1_000_000)
except OutputUnwritable as refusal:
    print(refusal.code, file.read_bytes(), os.listdir(file.parent))
"""
LEFT_ALONE = "output-unwritable b'old' ['file']\n"


def test_a_file_that_may_not_grow_so_large_leaves_the_old_one(tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))"
    command = [sys.executable, "-c", TOO_MUCH.replace("LIMIT", limit), str(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == LEFT_ALONE


@needs_a_disk
@pytest.mark.parametrize("limit", ["", "read_only()"], ids=["full", "read-only"])
def test_a_disk_that_takes_nothing_leaves_the_old_file(tmp_path, limit):
    assert on_a_small_disk(tmp_path, TOO_MUCH.replace("LIMIT", limit)) == LEFT_ALONE


STOPPED = """
import os, sys
from pathlib import Path
from sharekit.disk import files
def stop(*_, **__):
    print("ready", flush=True)
    sys.stdin.read()
setattr(os, sys.argv[2], stop)
files.write(Path(sys.argv[1]), b"new" * 100_000)
"""


@pytest.mark.parametrize("at", ["write", "fsync", "link", "replace"])
def test_a_kill_at_any_step_leaves_the_old_file(tmp_path, at):
    (tmp_path / "file").write_bytes(b"old")
    command = [sys.executable, "-c", STOPPED, str(tmp_path / "file"), at]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "ready\n"
        writer.send_signal(signal.SIGKILL)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert {mode_of(path) for path in tmp_path.glob(".sharekit-*")} <= {0o600}
    leftovers.sweep(tmp_path)
    assert os.listdir(tmp_path) == ["file"]


def test_many_writers_of_one_file_leave_one_of_their_files_whole(tmp_path):
    contents = [bytes([n]) * 50_000 for n in range(8)]
    threads = [threading.Thread(target=files.write, args=(tmp_path / "file", data)) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file").read_bytes() in contents
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("at", ["write", "fsync", "link"])
def test_a_kill_leaves_nothing_of_a_file_that_was_not_there(tmp_path, at):
    """Not even for a moment: it has no name before it is whole."""
    command = [sys.executable, "-c", STOPPED, str(tmp_path / "file"), at]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "ready\n"
        writer.send_signal(signal.SIGKILL)
    assert os.listdir(tmp_path) == []


def test_a_disk_without_nameless_files_is_written_to_as_well(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_nameless", lambda _: None)
    with files.replacing(tmp_path / "file") as replacement:
        assert replacement.temporary.exists()
        replacement.commit(b"new")
    files.write(tmp_path / "file", b"newer")
    assert [(tmp_path / "file").read_bytes(), os.listdir(tmp_path)] == [b"newer", ["file"]]


@pytest.mark.parametrize("named", [True, False])
def test_what_is_to_be_new_replaces_nothing(tmp_path, monkeypatch, named):
    if named:
        monkeypatch.setattr(files, "_nameless", lambda _: None)
    with files.replacing(tmp_path / "file") as replacement:
        (tmp_path / "file").write_bytes(b"somebody else's")
        with pytest.raises(OutputUnwritable):
            replacement.commit_new(b"new")
    assert (tmp_path / "file").read_bytes() == b"somebody else's"
    (tmp_path / "file").unlink()
    with files.replacing(tmp_path / "file") as replacement:
        replacement.commit_new(b"new")
    assert [(tmp_path / "file").read_bytes(), os.listdir(tmp_path)] == [b"new", ["file"]]


# leftovers


def test_a_leftover_elsewhere_is_found_by_its_note_and_what_is_under_way_stays(tmp_path):
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    out.mkdir()
    with files.replacing(out / "file", home) as replacement:
        name = replacement.temporary
        leftovers.sweep(home)
        assert name.exists()
        copy = out / ".sharekit-00ff.part"
        copy.write_bytes(b"left")
        (home / ".sharekit-00ff.note").symlink_to(copy)
        assert leftovers.left(home) == [copy]
        leftovers.sweep(home)
        assert os.listdir(out) == [name.name]
    assert os.listdir(out) == []


@pytest.mark.parametrize("name", ["letter", ".sharekit-00ff", "part", ".sharekit-.part", "x.sharekit-00ff.part"])
def test_a_note_leads_to_nothing_but_a_leftover(tmp_path, name):
    (tmp_path / "home").mkdir()
    (tmp_path / name).write_bytes(b"mine")
    (tmp_path / "home" / ".sharekit-00ff.note").symlink_to(tmp_path / name)
    (tmp_path / "home" / name).write_bytes(b"mine")
    leftovers.sweep(tmp_path / "home")
    assert (tmp_path / name).exists()
    assert (tmp_path / "home" / name).exists()
