"""Which packets are kept: the first time counts, what it left open is filled in, and what is held is not due."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from world.vaults import CTI, NHS, UPN, rows

from sharekit.domain import vocabulary
from sharekit.domain.retention import after
from sharekit.errors import LedgerError
from sharekit.vault.kept import Kept

RULE, OTHER_RULE = [term.code for term in vocabulary.load("retention-rules")][:2]
DAY, LATER = date(2028, 1, 10), date(2030, 1, 10)


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


OTHER = b"o" * 16


def keep(vault, packet=CTI, sender="larkmoor", **more):
    vault.kept.keep(packet, sender, **{"rule": RULE, "due": DAY, **more})


def test_the_first_time_counts_and_what_it_left_open_is_filled_in(vault):
    keep(vault, due=None)
    assert vault.kept.all() == [Kept(CTI, "larkmoor", None, RULE, None, held=False)]
    keep(vault, identifiers=[NHS])
    keep(vault, due=LATER, rule=OTHER_RULE, held=True, identifiers=[UPN])
    assert vault.kept.all() == [Kept(CTI, "larkmoor", vault.subjects.number(*NHS), RULE, DAY, held=False)]


def test_a_packet_is_kept_of_the_subject_who_is_known_already(vault):
    key = vault.subjects.key([NHS])
    keep(vault, identifiers=[UPN, NHS])
    assert vault.subjects.find(*UPN) == key
    assert [each.subject for each in vault.kept.of(CTI)] == [vault.subjects.number(*UPN)]


def test_a_packet_and_its_new_subject_are_written_together_or_not_at_all(vault, home):
    with vault.writing() as db:
        db.execute("CREATE TRIGGER never BEFORE INSERT ON kept BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(LedgerError):
        keep(vault, identifiers=[NHS])
    assert vault.subjects.find(*NHS) is None
    assert rows(home / "vault.db", "SELECT count(*) FROM subject") == [(0,)]


def test_what_is_due_soonest_comes_first_and_what_has_no_date_last(vault):
    for number, due in enumerate((None, LATER, DAY)):
        keep(vault, bytes([number] * 16), due=due)
    assert [each.due for each in vault.kept.all()] == [DAY, LATER, None]
    assert [each.due for each in vault.kept.due(noon(DAY))] == [DAY]
    assert vault.kept.due(noon(date(2028, 1, 9))) == []


def test_what_is_held_is_due_when_it_is_released(vault):
    keep(vault, held=True)
    assert vault.kept.due(noon(LATER)) == []
    vault.kept.release(CTI)
    assert [each.packet for each in vault.kept.due(noon(LATER))] == [CTI]
    vault.kept.hold(CTI)
    assert vault.kept.due(noon(LATER)) == []


def test_two_packets_with_one_number_are_due_together(vault):
    keep(vault)
    keep(vault, sender="quillbrook", due=LATER)
    keep(vault, OTHER)
    assert [each.packet for each in vault.kept.due(noon(DAY))] == [OTHER]
    assert {each.sender for each in vault.kept.of(CTI)} == {"larkmoor", "quillbrook"}
    assert len(vault.kept.due(noon(LATER))) == 3


def test_a_packet_without_identifiers_and_day_is_kept_while_the_vault_is_locked(vault, home):
    locked = type(vault)(home / "vault.db")
    keep(locked, due=None)
    for sealed in ({"identifiers": [NHS]}, {"due": DAY}):
        with pytest.raises(LedgerError, match="locked"):
            keep(locked, OTHER, **sealed)
    assert [each.packet for each in locked.kept.all()] == [CTI]
    locked.close()


DAMAGES = {
    "a rule that nobody knows": "UPDATE kept SET rule = 9999",
    "a day as text": "UPDATE kept SET due = 'tomorrow'",
    "a day beyond all years": "UPDATE kept SET due = 1 << 60",
}


@pytest.mark.parametrize("statement", DAMAGES.values(), ids=DAMAGES)
def test_what_was_changed_is_noticed(vault, statement):
    keep(vault)
    vault.write(statement)
    with pytest.raises(LedgerError, match="the vault is damaged"):
        vault.kept.all()


PERIODS = [term.more["period"] for term in vocabulary.load("retention-rules") if term.more.get("period")]


@pytest.mark.parametrize("period", [*PERIODS, "P0Y"])
def test_no_day_from_which_a_birth_follows_stands_in_the_file(vault, home, period):
    """However a number could be written there: a day or its seconds, as SQLite has them, as text, or counted."""
    born = date(2019, 3, 14)
    due = after(born, period)
    keep(vault, due=due)
    vault.close()
    days = (due - date(1970, 1, 1)).days
    forms = {days, days * 86400, due.isoformat(), due.year, str(days)}
    assert [value for value in everything(home / "vault.db") if value in forms] == []
    assert due.isoformat().encode() not in (home / "vault.db").read_bytes()
    assert vault.kept.of(CTI)[0].due == due


def everything(path):
    """Every value in the tables of a file."""
    tables = [name for (name,) in rows(path, "SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return [value for name in tables for row in rows(path, f"SELECT * FROM {name}") for value in row]


def test_the_days_of_an_earlier_edition_are_sealed_when_the_vault_is_unlocked(vault, home):
    keep(vault)
    keep(vault, OTHER, due=LATER, identifiers=[NHS])
    vault.close()
    with contextlib.closing(sqlite3.connect(home / "vault.db")) as db:
        db.executescript(AS_BEFORE)
    (locked := type(vault)(home / "vault.db")).actions.open()
    locked.close()
    assert {type(value) for (value,) in rows(home / "vault.db", "SELECT due FROM kept")} == {int}
    assert [each.due for each in vault.kept.all()] == [DAY, DAY]
    vault.close()
    assert {type(value) for (value,) in rows(home / "vault.db", "SELECT due FROM kept")} == {bytes}


def test_a_vault_of_an_earlier_edition_becomes_what_a_new_one_is(vault, home):
    vault.close()
    new = shape(home / "vault.db")
    with contextlib.closing(sqlite3.connect(home / "vault.db")) as db:
        db.executescript(AS_BEFORE)
    assert shape(home / "vault.db") != new
    vault.kept.all()
    vault.close()
    assert shape(home / "vault.db") == new


def shape(path: Path) -> dict[str, list[tuple]]:
    """The columns of every table and index."""
    names = rows(path, "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
    return {
        name: rows(path, f"SELECT * FROM pragma_{kind}_{'x' * (kind == 'table')}info('{name}')") for kind, name in names
    }


AS_BEFORE = """
DROP INDEX kept_in_clear; DROP INDEX kept_packet; DROP INDEX kept_subject;
DROP TABLE refused_count; DROP TABLE policy; DROP TABLE draft;
DROP INDEX action_reference; DROP INDEX action_open; DROP INDEX action_closed; DROP INDEX subject_tried;
DROP INDEX attestation_time; DROP TABLE seen; ALTER TABLE attestation DROP COLUMN statement;
DROP TABLE located; DROP TABLE reached; DROP TABLE mention; DROP TABLE unclaimed; DROP TABLE anew;
ALTER TABLE subject DROP COLUMN tried; ALTER TABLE pending DROP COLUMN start;
DROP TABLE standing;
UPDATE kept SET due = 21193;
PRAGMA user_version = 1;
"""
