"""Asking for advice, as far as possible without naming the child, on the record (rule R6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sharekit.advice import brief as briefs
from sharekit.advice.brief import Brief, rules
from sharekit.domain import profile, vocabulary
from sharekit.errors import FieldMissing
from sharekit.record import refusals
from sharekit.record.codes import Matter
from sharekit.record.record import Facts, Record
from sharekit.trust.store import Trust
from sharekit.vault.actions import Promise

__all__ = ["AskingAdvice"]


class AskingAdvice:
    """Briefs for advisers, by one agency."""

    def __init__(self, record: Record, trust: Trust, clock: Callable[[], datetime]) -> None:
        self._record, self._trust, self._clock = record, trust, clock

    def brief(
        self,
        dataset: object,
        *,
        kind: str,
        role: str,
        terms: Mapping[str, Any] | None = None,
        disclosed: bool = False,
        reason: str | None = None,
    ) -> tuple[Brief, int]:
        """A brief for an adviser in a role, and the number of the entry that says whose advice was sought.

        `kind` is the dataset's profile; `disclosed` says that the adviser is told who the child is all the same, and
        wants a reason. Raises what `advice.brief.brief` raises, UnknownCode, and FieldMissing without the reason; a
        refusal is an entry.
        """
        now = self._clock()
        known = [
            text for pin in self._trust for text in (pin.card.name, pin.card.org_id)
        ]  # where the child may be known
        with refusals.recorded(self._record, now=now):
            vocabulary.load("advice-roles")[role]
            if disclosed and not (reason or "").strip():
                raise _no_reason()
            made = briefs.brief(dataset, profile.load(kind), terms or {}, organisations=known, now=now)
        facts = Facts(
            purpose=rules()["purpose"],
            rule=rules()["rule"],
            profile=kind,
            identifiers=_identifiers(kind, dataset),
            matter=Matter(adviser=role, disclosed=disclosed),
            promise=Promise({"reason": reason}) if disclosed else None,
        )
        return made, self._record.append(rules()["event"], facts, now=now)


def _identifiers(kind: str, dataset: object) -> list[tuple[str, str]]:
    found = profile.load(kind)
    return found.identifiers(found.read(dataset)) if isinstance(dataset, dict) else []


def _no_reason() -> FieldMissing:
    return FieldMissing(
        "why the adviser is told who the child is, is not said",
        hint="say why the advice cannot be given without a name, or ask without one",
        rule=rules()["rule"],
        source=rules()["source"],
    )
