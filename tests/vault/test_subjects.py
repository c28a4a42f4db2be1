"""Subjects: found by every identifier they came with, never matched by guessing, and noise once they are gone."""

from __future__ import annotations

import contextlib
import hmac
import sqlite3

import pytest
from nacl.signing import SigningKey
from world.vaults import KEY, NHS, OTHER_KEY, UPN, rows

from sharekit.errors import LedgerError
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.vault.vault import Vault


def test_a_subject_is_found_by_each_identifier_it_came_with(vault, home):
    key = vault.subjects.key([NHS, UPN])
    again = Vault(home / "vault.db", KEY)
    assert again.subjects.find(*NHS) == again.subjects.find(*UPN) == again.subjects.key([UPN]) == key
    assert len(key) == 32


def test_an_identifier_learnt_later_leads_to_the_same_subject(vault):
    key = vault.subjects.key([NHS])
    assert vault.subjects.find(*UPN) is None
    assert vault.subjects.key([NHS, UPN]) == key
    assert vault.subjects.find(*UPN) == key


def test_subjects_that_came_apart_stay_apart(vault):
    first, second = vault.subjects.key([NHS]), vault.subjects.key([UPN])
    assert first != second
    assert vault.subjects.key([UPN, NHS]) == second
    assert vault.subjects.find(*NHS) == first


def test_the_same_value_of_two_schemes_is_two_subjects(vault):
    assert vault.subjects.key([("local", NHS[1])]) != vault.subjects.key([NHS])
    assert vault.subjects.key([("a", "b\0c")]) is not None


def test_looking_makes_no_subject(vault):
    assert vault.subjects.find(*NHS) is None
    assert vault.subjects.find(*NHS) is None
    assert vault.subjects.key([]) is None


def test_whatever_was_typed_can_be_looked_up(vault):
    for value in ("", "\udcff", "\0", "a" * 100_000):
        assert vault.subjects.find("nhs", value) is None


def test_the_index_of_one_vault_says_nothing_of_anothers(home):
    tokens = set()
    for number, key in enumerate((KEY, OTHER_KEY)):
        Vault.create(home / f"{number}.db", key).subjects.key([NHS])
        tokens |= {row[0] for row in rows(home / f"{number}.db", "SELECT token FROM subject_index")}
    assert len(tokens) == 2
    assert hmac.digest(KEY, NHS[1].encode(), "sha256") not in tokens


def test_no_key_is_given_to_two_subjects_even_after_one_is_gone(vault, home):
    first = vault.subjects.key([NHS])
    with contextlib.closing(sqlite3.connect(home / "vault.db")) as db:
        db.execute("DELETE FROM subject")
        db.commit()
    assert vault.subjects.key([UPN]) != first
    with pytest.raises(LedgerError, match="damaged"):
        vault.subjects.find(*NHS)


def test_a_subject_that_is_deleted_leaves_noise_and_every_proof(vault, home):
    key, signing = vault.subjects.key([NHS]), SigningKey(KEY)
    token = hmac.digest(key, b"n" * 16, "sha256")
    origin, sealed = "sharekit/fernshire/2026", rows(home / "vault.db", "SELECT sealed_key FROM subject")[0][0]
    genesis = Entry(1, 1_790_000_000, nonce=bytes(16), origin=origin)
    with Ledger.create(home / "2026.db", origin=origin, key=signing, genesis=genesis) as ledger:
        ledger.append(Entry(2, 1_790_000_000, nonce=b"n" * 16, subject=token))
        with vault.writing() as connection:
            connection.execute("DELETE FROM subject_index")
            connection.execute("DELETE FROM subject")
        assert vault.subjects.find(*NHS) is None
        assert vault.subjects.key([NHS]) != key
        assert ledger.verify() == 2
    assert sealed not in (home / "vault.db").read_bytes()
