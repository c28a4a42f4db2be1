"""What `audit` commands take besides exports: trusted cards, and what others kept of the ledgers audited."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from . import output, session

if TYPE_CHECKING:
    from sharekit import Trust
    from sharekit.audit.verify import AuditReport

__all__ = ["EXIT_FINDINGS", "Evidence", "evidence_options", "ledger_told", "remarks_told", "verdict_line"]

EXIT_FINDINGS = 6
NOTE, RECEIPTS = 64 * 1024, 64 * 1024 * 1024

_OPTIONS = (
    click.option("--trust", "trusted", multiple=True, metavar="CARD", help="The card of the agency audited."),
    click.option("--checkpoint", "checkpoints", multiple=True, metavar="FILE", help="An earlier checkpoint of it."),
    click.option("--proof", "proofs", multiple=True, metavar="FILE", help="A proof it gave for one entry."),
    click.option("--root", "roots", multiple=True, metavar="PEM", help="A timestamp authority's root certificate."),
    click.option("--receipts", "receipts", multiple=True, metavar="FILE", help="What its partners' receipts said."),
)


def evidence_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that audits an export; together they are an `Evidence`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class Evidence(NamedTuple):
    """Whom the auditor trusts, and what others kept."""

    trust: Trust
    checkpoints: list[bytes]
    proofs: list[bytes]
    receipts: list[bytes]
    roots: list[bytes]

    @classmethod
    def read(
        cls,
        *,
        trusted: tuple[str, ...],
        checkpoints: tuple[str, ...],
        proofs: tuple[str, ...],
        receipts: tuple[str, ...],
        roots: tuple[str, ...],
    ) -> Evidence:
        """What the files hold that the options name; a home's partners are trusted as well."""
        return cls(
            _trusted(trusted),
            [session.read_lines(name, what="the checkpoint", limit=NOTE) for name in checkpoints],
            [session.read(name, what="the proof", limit=NOTE) for name in proofs],
            [session.read(name, what="the receipts", limit=RECEIPTS) for name in receipts],
            [session.read_lines(name, what="the root certificate", limit=NOTE) for name in roots],
        )

    def audit(self, export: Path) -> AuditReport:
        """The audit of an export with all of it."""
        from sharekit.audit.verify import audit

        with output.progress("auditing", as_json=session.wants_json()) as progress:
            return audit(
                export,
                self.trust,
                checkpoints=self.checkpoints,
                proofs=self.proofs,
                receipts=self.receipts,
                roots=self.roots,
                progress=progress,
            )

    @contextlib.contextmanager
    def audits(self, exports: Iterable[str]) -> Iterator[list[tuple[Path, AuditReport]]]:
        """The exports named, in a list of (path, its audit); a path is good until the end of the context.

        It is that of a private copy, so that what is read is what was audited. The years of one agency are held against
        each other.
        """
        from sharekit.audit.years import chained

        with contextlib.ExitStack() as stack:
            paths = [stack.enter_context(session.readable(each, what="the export")) for each in exports]
            audited = [(path, self.audit(path)) for path in paths]
            yield list(zip(paths, chained(audited), strict=True))

    def now(self) -> datetime:
        """The time by which the auditor goes: the home's, or without one that of the cards that are trusted."""
        from sharekit.agency.clock import clock

        if session.has_home():
            with session.agency() as agency:
                return agency.now()
        return clock(demonstration=all(pin.card.demonstration for pin in self.trust))


def _trusted(names: tuple[str, ...]) -> Trust:
    from sharekit import Trust

    cards = session.cards(names)
    if session.has_home():
        with session.agency() as agency:
            cards += [pin.card.data for pin in agency.trust if not pin.revoked]
    return Trust(cards)


# --- what is told of an audit ---


def ledger_told(report: AuditReport) -> dict[str, Any]:
    """One audited ledger for a program: origin, size, verdict, how many findings, and what is confirmed from
    outside."""
    from sharekit.audit import verdict

    return {
        "origin": report.origin,
        "size": report.size,
        "verdict": "findings" if report.findings else "verified",
        "findings": len(report.findings),
        "confirmed": verdict.confirmed(report),
        "remarks": remarks_told(report),
    }


def remarks_told(report: AuditReport) -> list[dict[str, str]]:
    """What an auditor is told that is no finding, for a program."""
    return [{"kind": each.kind, "message": each.message} for each in report.remarks]


def verdict_line(report: AuditReport) -> str:
    """One audited ledger for a person."""
    from sharekit.audit import verdict

    remarks = [f"  note: {each.message}" for each in report.remarks]
    return "\n".join([f"{report.origin or 'an export'}: {verdict.short(report)}", *remarks])
