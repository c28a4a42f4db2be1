"""Which packets are kept: the first time counts, what it left open is filled in, and what is held is not due."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from world.vaults import CTI, NHS, UPN, rows

from sharekit.domain import vocabulary
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


def test_a_packet_without_identifiers_is_kept_while_the_vault_is_locked(vault, home):
    locked = type(vault)(home / "vault.db")
    keep(locked)
    with pytest.raises(LedgerError, match="locked"):
        keep(locked, OTHER, identifiers=[NHS])
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
