"""The clock beside the record: time never runs back unseen, and nobody in danger waits for it."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from world.agencies import CONFIRM, FLAG, example

from sharekit import Agency, Trust, errors
from sharekit.audit.verify import audit
from sharekit.domain import vocabulary
from sharekit.ledger.entry import Entry
from sharekit.moments import seconds_of
from sharekit.record import clock
from sharekit.record.record import Facts

NOW = datetime(2026, 11, 27, 9, 5, tzinfo=UTC)
STATUS = "safeguarding.status-flag"
EVENTS = vocabulary.load("ledger-events")
BEHIND, AHEAD = "2026-01-05T09:00:00Z", "2036-01-05T09:00:00Z"

CLOCKS = {  # by how far the clock is from the newest entry: what is said of it
    "the same": (timedelta(), None),
    "a second behind": (-timedelta(seconds=1), None),
    "five minutes behind": (-timedelta(minutes=5), None),
    "more than five minutes behind": (-timedelta(minutes=5, seconds=1), clock.BEHIND),
    "years behind": (-timedelta(days=4000), clock.BEHIND),
    "a holiday ahead": (timedelta(days=42), None),
    "400 days ahead": (timedelta(days=400), None),
    "more than 400 days ahead": (timedelta(days=400, seconds=1), clock.AHEAD),
    "ten years ahead": (timedelta(days=3652), clock.AHEAD),
}


@pytest.mark.parametrize(("far", "doubt"), CLOCKS.values(), ids=CLOCKS)
def test_a_clock_is_judged_by_the_newest_entry(far, doubt):
    found = clock.judged(NOW + far, seconds_of(NOW))
    assert found.doubt == doubt
    assert found.clock == NOW + far
    assert NOW <= found <= NOW + clock.LEAP
    assert bool(clock.explain(found)) == bool(doubt)


def test_the_first_act_of_all_has_no_record_to_be_judged_by():
    assert clock.judged(NOW, 0).doubt is None


def newest(agency: Agency) -> Entry:
    return Entry.decode(agency.ledger.entry(agency.ledger.size - 1))


def act(agency: Agency) -> Entry:
    agency.record.append("consulted", Facts(), now=agency.now())
    return newest(agency)


@pytest.mark.parametrize("moment", [BEHIND, AHEAD])
def test_an_entry_says_that_its_clock_may_be_wrong_and_the_next_right_one_does_not(world, moment):
    world.flag()
    world.at(moment)
    assert act(world.fernshire).doubtful
    assert world.fernshire.clock_trouble
    world.at(FLAG)
    assert act(world.fernshire).doubtful is None
    assert world.fernshire.clock_trouble is None
    assert [year for year, _ in world.fernshire.verify_years()] == [2026]


@pytest.mark.parametrize("moment", [BEHIND, AHEAD])
def test_nobody_in_danger_waits_for_a_clock(world, moment):
    packet = world.flag()
    world.at(moment)
    quillbrook = world.quillbrook
    assert quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM).fields
    glass = quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM, break_glass=True, reason="the child is in resus")
    assert glass.fields
    assert newest(quillbrook).doubtful
    data, terms = example("cp-is-flag")  # sealing goes on as well
    again = world.fernshire.seal(data, terms, to=["ZZQ01"])
    assert quillbrook.open(bytes(again), purpose=STATUS, confirm=CONFIRM).fields


def test_an_expired_packet_does_not_open_because_the_clock_was_put_back(world):
    packet = world.flag()
    world.at("2027-12-01T09:00:00Z")
    act(world.quillbrook)
    with pytest.raises(errors.Expired):
        world.quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM)
    for moment in (FLAG, BEHIND):
        world.at(moment)
        with contextlib.closing(Agency.load(world.quillbrook.home)) as again, pytest.raises(errors.Expired) as raised:
            again.open(packet, purpose=STATUS, confirm=CONFIRM)
        assert "ledger clock --confirm" in raised.value.hint


def test_a_revocation_is_not_escaped_by_putting_the_clock_back(world):
    packet = world.flag()
    world.at("2026-12-10T09:00:00Z")
    world.quillbrook.trust.revoke("E10999001", reason="a stolen laptop")
    world.at(FLAG)
    with contextlib.closing(Agency.load(world.quillbrook.home)) as again, pytest.raises(errors.Revoked):
        again.open(packet, purpose=STATUS, confirm=CONFIRM)


def test_nothing_expires_falls_due_or_closes_by_a_clock_far_ahead_until_it_is_confirmed(world):
    packet = world.flag(ended="2026-11-10")
    world.quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM, reason="seen in the night")
    world.at(AHEAD)
    quillbrook = world.quillbrook
    act(quillbrook)
    assert quillbrook.retention.due() == []
    assert quillbrook.ledger.origin.endswith("2026")
    quillbrook.confirm_clock()
    assert len(quillbrook.retention.due()) == 1
    act(quillbrook)
    assert quillbrook.ledger.origin.endswith("2036")
    assert [year for year, _ in quillbrook.verify_years()] == [2026, 2036]
    assert newest(quillbrook).doubtful is None


def test_what_was_confirmed_as_false_counts_for_nothing(world):
    packet = world.flag()
    world.at("2027-12-20T09:00:00Z")  # near enough to be believed
    act(world.quillbrook)
    world.at(FLAG)
    with pytest.raises(errors.Expired):
        world.quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM)
    world.quillbrook.confirm_clock()
    assert world.quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM).fields
    assert world.quillbrook.clock_trouble is None


def test_a_card_that_was_revoked_by_a_clock_ahead_is_revoked_when_the_clock_is_right(world):
    packet = world.flag()
    world.at("2027-06-01T09:00:00Z")
    world.quillbrook.trust.revoke("E10999001", reason="a stolen laptop")
    world.at(FLAG)
    world.quillbrook.confirm_clock()
    (card,) = [each for each in world.quillbrook.record.standing().cards.values() if each.org_id == "E10999001"]
    assert card.revoked_since is not None
    assert card.revoked_since <= seconds_of(NOW)
    assert packet


# --- the auditor


def kinds(agency: Agency, year: int | None = None) -> list[str]:
    agency.export(path := agency.home.with_name("export.db"), year=year)
    return [finding.kind for finding in audit(path, Trust([agency.card()])).findings]


@pytest.mark.parametrize("moment", [BEHIND, AHEAD])
def test_an_opening_by_a_clock_in_doubt_is_a_finding_until_the_clock_was_right(world, moment):
    packet = world.flag()
    world.quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM)
    assert kinds(world.quillbrook) == []
    world.at(moment)
    act(world.quillbrook)
    assert kinds(world.quillbrook) == []
    world.quillbrook.open(packet, purpose=STATUS, confirm=CONFIRM)
    assert kinds(world.quillbrook) == ["clock-doubtful"]
    world.quillbrook.confirm_clock()  # behind, it says that the opening before was not on that day
    assert kinds(world.quillbrook, 2026) == ([] if moment == AHEAD else ["clock-doubtful"])


UNMARKED = {  # an opening among entries of software that marks nothing
    "in order": ([0, 60, 120], []),
    "five minutes back": ([600, 300], []),
    "further back": ([600, 299], ["clock-doubtful"]),
    "before its year": ([-40_000_000], ["clock-doubtful"]),
    "after its year": ([10_000_000], ["clock-doubtful", "clock-doubtful"]),  # the year was closed by that, too
}


@pytest.mark.parametrize(("times", "expected"), UNMARKED.values(), ids=UNMARKED)
def test_the_auditor_looks_at_times_that_nobody_marked(world, times, expected):
    world.flag()
    agency, start = world.quillbrook, seconds_of(NOW)
    for at, seconds in enumerate(times):
        event = "opened" if at == len(times) - 1 else "consulted"
        agency.ledger.append(Entry(EVENTS[event].number, start + seconds, nonce=bytes(15) + bytes([at])))
    world.at(FLAG)
    agency.export(path := agency.home.with_name("export.db"), year=2026)
    found = [finding.kind for finding in audit(path, Trust([agency.card()])).findings]
    assert found == expected


# --- the shipped data that are gone by


def test_a_new_ledger_says_by_which_data_it_goes(world):
    from sharekit import registry

    assert Entry.decode(world.fernshire.ledger.entry(0)).edition == registry.edition()
    assert act(world.fernshire).edition is None


def test_the_first_act_after_the_data_changed_says_so_once(world, monkeypatch):
    from sharekit import registry

    world.flag()
    agency = world.fernshire
    monkeypatch.setattr(registry, "edition", lambda: b"e" * 32)
    number = agency.record.append("consulted", Facts(), now=agency.now())
    assert EVENTS.by_number(Entry.decode(agency.ledger.entry(number)).event).code == "consulted"
    before = Entry.decode(agency.ledger.entry(number - 1))
    assert (EVENTS.by_number(before.event).code, before.edition) == ("edition", b"e" * 32)
    assert act(agency).edition is None
    assert agency.ledger.size == number + 2
    from sharekit.agency import doctor

    (found,) = [check for check in doctor.examine(agency.home) if check.name == "shipped data"]
    assert (found.found, found.good) == ("edited here", False)


def test_the_digest_of_what_is_shipped_stands_beside_this_version():
    from sharekit import __version__, registry

    assert registry.released()[__version__] == registry.edition().hex(), "run scripts/edition"


def test_an_edited_file_is_another_edition_and_a_renamed_one_too(tmp_path):
    import shutil
    import subprocess
    import sys

    from world.console import REPOSITORY

    def digest(folder) -> str:
        code = "from pathlib import Path; from sharekit import registry; import sys;"
        code += "registry._SHIPPED = Path(sys.argv[1]); print(registry.edition().hex())"
        command = [sys.executable, "-c", code, str(folder)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def edited(change) -> str:
        copy = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        shutil.copytree(REPOSITORY / "schemas", copy)
        change(copy)
        return digest(copy)

    as_it_is = edited(lambda copy: None)
    matrix = "compatibility.json"
    changes = [
        lambda copy: (copy / matrix).write_text((copy / matrix).read_text() + " "),
        lambda copy: (copy / matrix).rename(copy / "compatible.json"),
        lambda copy: (copy / "vocabulary-more.json").write_text("{}"),
        lambda copy: (copy / "report.css").unlink(),
        lambda copy: (copy / "terms.json").write_text("{}"),
    ]
    found = [edited(change) for change in changes]
    assert len({as_it_is, *found}) == 1 + len(changes)
    assert edited(lambda copy: (copy / "edition.json").write_text("{}")) == as_it_is
