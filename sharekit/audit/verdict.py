"""What an audit found, in one sentence, and what to do with it: what is attested from outside, and what is not.

Nothing that is wrong inside a ledger is one thing. That nobody wrote it anew is another, which only others can attest.
"""

from __future__ import annotations

from collections.abc import Mapping

from sharekit.audit.verify import AuditReport
from sharekit.proofs.checkpoint import owner

__all__ = ["advice", "agency", "confirmed", "sentence", "short"]


def agency(report: AuditReport) -> str:
    """The organisation whose record was audited; empty where nobody can tell."""
    return owner(report.origin) or ""


def confirmed(report: AuditReport) -> int:
    """How many of the first entries somebody outside has signed to have seen, or a checkpoint kept elsewhere holds."""
    return max(report.kept, *(each.size for each in report.attested), 0)


def sentence(report: AuditReport, names: Mapping[str, str]) -> str:
    """What the audit found, in one sentence; `names` are those of the organisations whose cards are trusted."""
    org_id = agency(report)
    whose = f"the record of {names.get(org_id, org_id)}" if org_id else "this record"
    if report.findings:
        many = len(report.findings)
        number = "one thing does" if many == 1 else f"{many} things do"
        return f"Do not rely on {whose} as it stands: {number} not fit together{_first(report)}."
    unchanged = f"Nothing in {whose} was changed or removed after it was signed"
    if not confirmed(report):
        return f"{unchanged}; nobody outside confirms it yet."
    outside = max(report.attested, key=lambda each: (each.size, each.at), default=None)
    if outside is None or outside.size < report.kept:
        seen = f"a checkpoint kept elsewhere holds for its first {report.kept:,} of {report.size:,} entries"
        return f"{unchanged}, and {seen}."
    who = names.get(outside.org_id, outside.org_id)
    return f"{unchanged}, and {who} confirms its first {outside.size:,} of {report.size:,} entries."


def advice(report: AuditReport) -> str:
    """What to do with the verdict."""
    if report.findings:
        return (
            f"The first {report.unchanged:,} entries are as they were signed. Keep this file as it is, ask the agency"
            " for a new export, and compare both with what its partners have kept."
        )
    if not confirmed(report):
        return (
            "Whoever holds the agency's log key could have written the whole record anew. Ask its partners for their"
            " receipts or checkpoints, and give them to the audit: then it could not go unnoticed."
        )
    return "What is newer than that is vouched for by the agency's own signature alone."


def short(report: AuditReport) -> str:
    """The verdict in half a line, for a list of ledgers."""
    if report.findings:
        return f"DOES NOT VERIFY, {len(report.findings)} findings: sharekit audit verify shows them"
    outside = confirmed(report)
    told = f"the first {outside} confirmed from outside" if outside else "nobody outside confirms them yet"
    return f"verified, {report.size} entries, {told}"


def _first(report: AuditReport) -> str:
    places = [each.entry for each in report.findings if each.entry is not None]
    return f", the first at entry {min(places):,}" if places else ""
