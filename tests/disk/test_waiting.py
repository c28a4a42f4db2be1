"""Whoever waits for a lock waits in turn, is told so, and not without end; who gives up leaves nothing locked."""

from __future__ import annotations

import logging
import threading

import pytest

from sharekit import errors
from sharekit.disk import durable, waiting


class Held:
    """A lock that another holds, as another process would: by a handle of its own."""

    def __init__(self, path):
        self.path, self.taken, self.enough = path, threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._hold)

    def _hold(self):
        with durable.locked(self.path):
            self.taken.set()
            self.enough.wait(60)

    def __enter__(self):
        self.thread.start()
        assert self.taken.wait(10)
        return self

    def __exit__(self, *_):
        self.enough.set()
        self.thread.join()


def test_a_wait_ends_with_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(durable, "WAIT", 0.2)
    with Held(tmp_path / "x"), pytest.raises(errors.Locked) as refused, durable.typed(), durable.locked(tmp_path / "x"):
        pass
    assert (refused.value.code, refused.value.exit_code) == ("locked", 2)
    assert "try again" in refused.value.hint


def test_who_gave_up_keeps_nobody_out_later(tmp_path, monkeypatch):
    monkeypatch.setattr(durable, "WAIT", 0.1)
    with Held(tmp_path / "x"):
        for _ in range(3):
            with pytest.raises(errors.Locked), durable.locked(tmp_path / "x"):
                pass
    monkeypatch.setattr(durable, "WAIT", 30)
    for _ in range(3):
        with durable.locked(tmp_path / "x"):
            pass


def test_a_wait_is_told_and_then_comes_to_its_turn(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(waiting, "SAY_AFTER", 0.05)
    said = threading.Event()
    caplog.handler.addFilter(lambda record: said.set() or True)
    with caplog.at_level(logging.WARNING, "sharekit"), Held(tmp_path / "x") as held:
        threading.Thread(target=lambda: said.wait(30) and held.enough.set(), daemon=True).start()
        with durable.locked(tmp_path / "x"):
            assert said.is_set()
    assert [record.message for record in caplog.records] == ["waiting: somebody else is working in this home"]


def test_nobody_is_told_of_a_lock_that_is_free(tmp_path, caplog):
    with durable.locked(tmp_path / "x"):
        pass
    assert caplog.records == []


def test_one_at_a_time_however_many_wait(tmp_path):
    inside, most = [0], [0]

    def work():
        for _ in range(20):
            with durable.locked(tmp_path / "x"):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside[0], most[0]) == (0, 1)
