"""One way of recording a refusal: what counts as one, what the entry says, and that a file is recorded once."""

from __future__ import annotations

import contextlib
import hmac
from hashlib import sha256

import pytest
from world.vaults import rows

from sharekit import Agency, errors
from sharekit.domain import vocabulary
from sharekit.record import refusals
from sharekit.record.record import Facts
from sharekit.trust import keys

PACKET = bytes(range(16))


@pytest.fixture
def record(world):
    return world.fernshire.record


def refused(world):
    number = vocabulary.load("ledger-events")[refusals.EVENT].number
    return [entry for _, entry in world.fernshire.entries() if entry.event == number]


def outcome(entry):
    return vocabulary.load("outcomes").by_number(entry.outcome).code


def attempt(world, raised, **more):
    with pytest.raises(type(raised)), refusals.recorded(world.fernshire.record, now=world.fernshire.now(), **more):
        raise raised


REFUSED = {
    "malformed": errors.Malformed("x"),
    "revoked": errors.Revoked("x"),
    "cannot-decrypt": errors.CannotDecrypt("x"),
    "not-for-you": errors.NotForYou("x"),
    "gate-not-met": errors.GateNotMet("x", rule="R3"),
}
NOT_REFUSED = {
    "usage": errors.Usage("x"),
    "a locked key": errors.WrongPassphrase("x"),
    "a folder that takes no output": errors.OutputUnwritable("x"),
    "a ledger that cannot be written": errors.LedgerError("x"),
}


@pytest.mark.parametrize("code", REFUSED)
def test_a_refusal_is_an_entry_with_its_code_and_rule(world, code):
    attempt(world, REFUSED[code])
    (entry,) = refused(world)
    assert (outcome(entry), entry.rule) == (code, getattr(REFUSED[code], "rule", None))


@pytest.mark.parametrize("problem", NOT_REFUSED.values(), ids=NOT_REFUSED)
def test_what_never_got_so_far_is_no_refusal(world, problem):
    attempt(world, problem)
    assert refused(world) == []


def test_what_nobody_thought_of_is_recorded_as_unexpected(world):
    attempt(world, ZeroDivisionError("x"))
    (entry,) = refused(world)
    assert outcome(entry) == "unexpected"


def test_what_is_not_refused_is_not_recorded(world, record):
    with refusals.recorded(record, now=world.fernshire.now()):
        pass
    with refusals.recorded_once(record, b"a file", now=world.fernshire.now()):
        pass
    assert refused(world) == []


def test_the_facts_are_in_the_entry_and_the_refusal_names_the_packet(world):
    problem = errors.NotForYou("x")
    facts = Facts(packet=PACKET, file=bytes(32), counterparties=["ZZQ01"])
    attempt(world, problem, facts=facts)
    (entry,) = refused(world)
    assert (entry.packet, entry.file, entry.counterparties) == (PACKET, bytes(32), ("ZZQ01",))
    assert problem.packet == PACKET.hex()


def test_whoever_asks_to_hear_of_a_refusal_gets_it_with_the_number_of_its_entry(world):
    heard, problem = [], errors.NotForYou("x")
    attempt(world, problem, then=lambda refusal, number: heard.append((refusal, number)))
    attempt(world, errors.Usage("x"), then=lambda refusal, number: heard.append((refusal, number)))
    assert heard == [(problem, world.fernshire.ledger.size - 1)]


def test_a_refusal_that_cannot_be_recorded_is_not_let_out(world, record, monkeypatch):
    def full(*_, **__):
        raise errors.LedgerError("the disk is full")

    monkeypatch.setattr(type(record), "append", full)
    with (
        pytest.raises(errors.LedgerError, match="full"),
        refusals.recorded(record, now=world.fernshire.now()),
    ):
        raise errors.NotForYou("x")


def refuse_file(world, data, problem):
    agency = world.fernshire
    with pytest.raises(type(problem)), refusals.recorded_once(agency.record, data, now=agency.now()):
        raise problem


def test_an_unverified_file_is_one_entry_however_often_it_comes_and_another_is_another(world):
    for data in (b"garbage", b"garbage", b"rubbish"):
        refuse_file(world, data, errors.Malformed("x"))
    assert [outcome(entry) for entry in refused(world)] == ["malformed", "malformed"]


def test_the_entry_of_an_unverified_file_has_its_number_but_no_digest_and_no_sender(world):
    data, problem = world.flag(), errors.BadSignature("x")
    refuse_file(world, data, problem)
    (entry,) = refused(world)
    assert entry.packet.hex() == problem.packet
    assert (entry.file, entry.counterparties) == (None, None)


# --- what a thief of the disk can guess ---


@pytest.fixture
def locked(world):
    """Fernshire's home, whose keys need a passphrase, loaded without it."""
    agency = world.agency("E10999001", passphrase="six words that nobody would guess")
    agency.close()
    with contextlib.closing(Agency.load(agency.home)) as found:
        world.agencies["E10999001"] = found
        yield found


GUESSED = b"nhs_number: 9990001006\n"


def refuse_garbage(agency, data):
    with pytest.raises(errors.Malformed):
        agency.verify(data)


def public_keys(home):
    """Everything in a home that could key a token: the bytes of its files, the log key, and the hashes of these."""
    files = [path.read_bytes() for path in home.rglob("*") if path.is_file() and path.name != "vault.db"]
    log = keys.log_from_file((home / "keys" / "log.key").read_bytes())
    found = [b"", *files, bytes(log), bytes(log.verify_key)]
    return [*found, *(sha256(each).digest() for each in found)]


def guesses(home, data):
    """What a token of a file would be for whoever has the home alone."""
    plain = [data, sha256(data).digest(), sha256(data).hexdigest().encode()]
    keyed = [hmac.digest(key, each, "sha256") for key in public_keys(home) for each in plain]
    return {*plain, *keyed}


@pytest.mark.parametrize("unlocked", [True, False])
def test_no_value_in_a_home_tells_which_file_was_refused(world, locked, unlocked):
    if unlocked:
        locked.close()
        locked = Agency.load(locked.home, "six words that nobody would guess")
    for data in (GUESSED, b"rubbish"):
        refuse_garbage(locked, data)
    locked.close()
    assert not guesses(locked.home, GUESSED) & set(everything(locked.home / "vault.db"))


def everything(path):
    tables = [name for (name,) in rows(path, "SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return [value for name in tables for row in rows(path, f"SELECT * FROM {name}") for value in row]


def test_garbage_cannot_fill_the_ledger_of_a_locked_home(world, locked):
    for number in range(100):
        refuse_garbage(locked, b"garbage %d" % number)
    assert len(refused(world)) == 7
    world.at("2026-12-24T09:00:00Z")
    refuse_garbage(locked, b"garbage")
    assert len(refused(world)) == 8


def test_a_packet_that_was_refused_is_one_entry_though_the_home_is_locked(world):
    data = bytearray(world.flag())
    data[-20] ^= 1
    agency = world.agency("P97", passphrase="six words that nobody would guess")
    agency.close()
    with contextlib.closing(Agency.load(agency.home)) as locked:
        for _ in range(3):
            with pytest.raises(errors.ShareError):
                locked.verify(bytes(data))
        world.agencies["P97"] = locked
        assert world.events("P97").count("refused") == 1
