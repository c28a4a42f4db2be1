"""Several years of one agency, held against each other: every year begins from the last checkpoint of the year before.

A year that was rewritten or replaced after the next one began no longer has the checkpoint from which that one was
begun. A year of which there is no export is told, and is no finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from sharekit import cbor
from sharekit.audit import export_file
from sharekit.audit.outside import Remark
from sharekit.audit.recompute import Finding
from sharekit.audit.verify import AuditReport
from sharekit.domain import vocabulary
from sharekit.errors import Usage
from sharekit.proofs import checkpoint
from sharekit.values import replace

__all__ = ["chained"]

EVENT = 1  # label of an entry, schemas/ledger.cddl


class _Year(NamedTuple):
    path: Path
    report: AuditReport
    year: int


def chained(audited: Sequence[tuple[Path, AuditReport]]) -> list[AuditReport]:
    """The reports on exports, in their order, with what the years of one agency show of each other.

    Every report comes with its export. Evidence that is about one of the other exports is no remark any more. Usage if
    two are of the same ledger.
    """
    origins = [report.origin for _, report in audited if report.origin]
    if len(set(origins)) != len(origins):
        raise Usage("two exports of the same ledger", hint="name the newer one")
    told = [_without(report, origins) for _, report in audited]
    places = {report.origin: at for at, report in enumerate(told)}
    for years in _by_agency(audited):
        for shown in _first(years[0]), *(_after(*pair) for pair in pairwise(years)):
            known = told[places[shown.origin]]
            findings, remarks = known.findings + shown.findings, known.remarks + shown.remarks
            told[places[shown.origin]] = replace(known, findings=findings, remarks=remarks)
    return told


def _without(report: AuditReport, origins: Iterable[str]) -> AuditReport:
    remarks = tuple(each for each in report.remarks if not each.origin or each.origin not in origins)
    return replace(report, remarks=remarks)


def _by_agency(audited: Sequence[tuple[Path, AuditReport]]) -> list[list[_Year]]:
    """The exports of every agency, in the order of their years; those whose ledger nobody can name are left out."""
    found = dict[str, list[_Year]]()
    for path, report in audited:
        named = checkpoint.org_and_year(report.origin)
        if named and report.size:
            found.setdefault(named[0], []).append(_Year(path, report, named[1]))
    return [sorted(years, key=lambda each: each.year) for years in found.values()]


class _Shown(NamedTuple):
    """What a year shows of the one before it."""

    origin: str
    findings: tuple[Finding, ...] = ()
    remarks: tuple[Remark, ...] = ()


def _first(first: _Year) -> _Shown:
    """The first year of which there is an export: it may go on from one of which there is none."""
    if first.report.begun_from is None:
        return _Shown(first.report.origin)
    return _missing(first, f"the ledger of {first.year} goes on from an earlier one, of which no export was given")


def _after(earlier: _Year, later: _Year) -> _Shown:
    """Whether a year was begun from the last checkpoint of the one before it."""
    begun, last = later.report.begun_from, earlier.report.size
    size = _size_of(earlier, begun) if begun else None
    if size == last:
        return _Shown(later.report.origin)
    if size is not None:
        message = f"the ledger of {earlier.year} has {last - size} entries after the checkpoint from which {later.year}"
        return _Shown(later.report.origin, remarks=(Remark("year-went-on", f"{message} was begun"),))
    if begun and later.year > earlier.year + 1:
        return _missing(later, f"no export was given of the years between {earlier.year} and {later.year}")
    if begun and not _is_closed(earlier):
        return _missing(later, f"the export of {earlier.year} does not reach the end of that year: ask for a newer one")
    message = f"the ledger of {later.year} was not begun from this ledger of {earlier.year}, which was changed since"
    finding = Finding("year-broken", 0, (begun or b"").hex(), _newest(earlier).hex(), message)
    return _Shown(later.report.origin, findings=(finding,))


def _missing(later: _Year, words: str) -> _Shown:
    told = f"{words}; whether anything was changed or removed there is not known from these files"
    return _Shown(later.report.origin, remarks=(Remark("year-missing", told),))


def _size_of(year: _Year, digest: bytes) -> int | None:
    """The size at which the ledger of a year had the checkpoint whose note has that hash; None if it never had it."""
    with export_file.opened(year.path) as db:
        for size, note in db.execute(
            "SELECT size, note FROM note WHERE size <= ? ORDER BY size DESC", (year.report.size,)
        ):
            if type(note) is str and sha256(note.encode()).digest() == digest:
                return int(size)
    return None


def _newest(year: _Year) -> bytes:
    with export_file.opened(year.path) as db:
        row = db.execute("SELECT note FROM note ORDER BY size DESC LIMIT 1").fetchone()
    return sha256(str(row[0]).encode()).digest() if row else b""


def _is_closed(year: _Year) -> bool:
    """Whether the last entry of a year says that the year was closed."""
    number, size = vocabulary.load("ledger-events")["closed"].number, year.report.size
    return any(cbor.decode(data)[EVENT] == number for _, data in export_file.entries(year.path, size, start=size - 1))
