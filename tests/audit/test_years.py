"""Several years of one agency: each begins from the last checkpoint of the year before, or it is a finding."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from world.books import seconds
from world.commands import sharekit

from sharekit import Keys, Trust
from sharekit.audit.verify import audit
from sharekit.audit.years import chained
from sharekit.domain import vocabulary
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.trust.cards import Card

KEYS = Keys.generate()
CARD = Card.make(
    KEYS,
    org_id="fernshire",
    org_type="local-authority-csc",
    name="Fernshire",
    phone="01632 960101",
    issued=datetime(2024, 1, 1, tzinfo=UTC),
)
CLOSED = vocabulary.load("ledger-events")["closed"].number


def year(folder: Path, number: int, *, after: bytes | None = None, entries: int = 3, closed: bool = True) -> bytes:
    """An export of a year, begun from the checkpoint with the hash `after`; the hash of its own last one."""
    origin, path = f"sharekit/fernshire/{number}", folder / f"{os.urandom(4).hex()}.db"
    genesis = Entry(1, seconds(f"{number}-01-01 00:00"), nonce=bytes(16), origin=origin, checkpoint=after)
    with Ledger.create(path, origin=origin, key=KEYS.log, genesis=genesis) as ledger:
        for at in range(entries):
            ledger.append(Entry(3, seconds(f"{number}-06-0{at + 1} 00:00"), nonce=bytes([at] * 16)))
        if closed:
            ledger.append(Entry(CLOSED, seconds(f"{number}-12-31 23:59"), nonce=bytes(16)))
        ledger.export(folder / f"{number}.export", [("fernshire", CARD.data)])
        return sha256(ledger.checkpoint().encode()).digest()


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """The exports of 2025, 2026 and 2027, each begun from the one before."""
    last = None
    for number in (2025, 2026, 2027):
        last = year(tmp_path, number, after=last, closed=number < 2027)
    return tmp_path


def audited(folder: Path, *years: int) -> tuple[list[str], list[str]]:
    """The kinds of all findings, and of all remarks, when these years are audited together."""
    trust, paths = Trust([CARD]), [folder / f"{number}.export" for number in years]
    reports = chained([(path, audit(path, trust)) for path in paths])
    findings = [f"{report.origin[-4:]} {each.kind}" for report in reports for each in report.findings]
    return findings, [f"{report.origin[-4:]} {each.kind}" for report in reports for each in report.remarks]


@pytest.mark.parametrize("years", [(2025, 2026, 2027), (2027, 2025, 2026), (2025, 2026), (2025,)], ids=str)
def test_years_that_follow_each_other_are_as_good_as_one_in_any_order(chain, years):
    assert audited(chain, *years) == ([], [])


@pytest.mark.parametrize(
    ("years", "told"),
    {(2025, 2027): 2027, (2026, 2027): 2026, (2027,): 2027}.items(),
    ids=["between", "first", "alone"],
)
def test_a_year_that_lacks_is_told_and_is_no_finding(chain, years, told):
    assert audited(chain, *years) == ([], [f"{told} year-missing"])


REWRITTEN: dict[str, Callable[[Path], object]] = {
    "with an entry less": lambda folder: year(folder, 2026, entries=2),
    "with an entry more": lambda folder: year(folder, 2026, entries=4),
    "from another year before": lambda folder: year(folder, 2026, after=b"x" * 32),
    "as another year's copy": lambda folder: year(folder, 2026, after=None, entries=0),
}


@pytest.mark.parametrize("rewrite", REWRITTEN.values(), ids=REWRITTEN)
def test_a_year_that_was_rewritten_after_the_next_began_is_found(chain, rewrite):
    rewrite(chain)
    findings, _ = audited(chain, 2025, 2026, 2027)
    assert "2027 year-broken" in findings


def test_a_year_begun_from_nothing_though_there_is_one_before_is_found(chain):
    year(chain, 2027)
    assert audited(chain, 2026, 2027)[0] == ["2027 year-broken"]


def test_an_export_made_before_the_year_ended_is_told_and_is_no_finding(chain):
    year(chain, 2026, after=None, entries=2, closed=False)
    findings, remarks = audited(chain, 2026, 2027)
    assert (findings, remarks) == ([], ["2027 year-missing"])


def test_the_command_audits_the_years_together(chain, monkeypatch):
    monkeypatch.chdir(chain)
    Path("card").write_bytes(CARD.data)
    told = sharekit("--json", "audit", "verify", "2025.export", "2026.export", "2027.export", "--trust", "card")
    assert (told.code, told.json["verdict"], len(told.json["ledgers"])) == (0, "verified", 3)
    year(chain, 2026, entries=2)
    ran = sharekit("--json", "audit", "verify", "2026.export", "2027.export", "--trust", "card")
    assert (ran.code, [each["kind"] for each in ran.json["findings"]]) == (6, ["year-broken"])
    assert sharekit("audit", "query", "no-agreement", "2026.export", "2027.export", "--trust", "card").code == 6
    twice = sharekit("audit", "verify", "2026.export", "2026.export", "--trust", "card")
    assert (twice.code, twice.error) == (2, "usage")
