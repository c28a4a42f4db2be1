"""A home whose database role only reads: an auditor's own machine beside the servers of an agency."""

from __future__ import annotations

import contextlib

import pytest
from world.servers import ready_database

from sharekit import Agency, Trust
from sharekit.audit.verify import audit
from sharekit.errors import LedgerError


@pytest.fixture
def reading(world, postgres):
    """Fernshire, whose ledgers are in a database, with a role that reads and nothing else."""
    named = ready_database(postgres)
    world.flag()
    world.fernshire.move_ledgers(named)
    with postgres.connect(database=dict(part.split("=") for part in named.split())["dbname"]) as db:
        db.execute("DROP ROLE IF EXISTS inspector; CREATE ROLE inspector LOGIN IN ROLE sharekit_reader")
    about = world.fernshire.home / "agency.json"
    about.write_text(about.read_text().replace("user=fernshire", "user=inspector"))
    with contextlib.closing(Agency.load(world.fernshire.home)) as agency:
        yield agency


def test_a_role_that_reads_exports_what_it_can_read(reading, tmp_path):
    size = reading.ledger.size
    assert reading.export(tmp_path / "export.db") == size
    report = audit(tmp_path / "export.db", Trust([reading.card()]))
    assert (report.size, report.findings) == (size, ())


def test_a_role_that_reads_records_nothing_and_changes_nothing(world, reading):
    size = reading.ledger.size
    with pytest.raises(LedgerError, match="may not do that"):
        reading.lookups.about("nhs", "9990001006", limit=1)
    assert reading.ledger.size == size
    assert reading.verify_years() == [(2026, size)]
