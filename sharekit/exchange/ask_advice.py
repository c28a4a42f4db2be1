"""Asking for advice, as far as possible without naming the child, on the record (rule R6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sharekit.advice.brief import Brief, brief, rules
from sharekit.domain import profile, vocabulary
from sharekit.errors import FieldMissing
from sharekit.record import refusals
from sharekit.record.codes import Matter
from sharekit.record.record import Facts, Record
from sharekit.trust.store import Trust
from sharekit.vault.actions import Promise

__all__ = ["seek"]


def seek(
    record: Record,
    trust: Trust,
    dataset: object,
    *,
    kind: str,
    role: str,
    terms: Mapping[str, Any] | None = None,
    disclosed: bool = False,
    reason: str | None = None,
    now: datetime,
) -> tuple[Brief, int]:
    """The brief for an adviser in a role, and the number of the entry that says whose advice was sought.

    `kind` is the dataset's profile; `disclosed` says that the adviser is told who the child is all the same, and wants
    a reason. Raises what `brief` raises, UnknownCode, and FieldMissing without the reason; a refusal is an entry.
    """
    known = [text for pin in trust for text in (pin.card.name, pin.card.org_id)]  # where the child may be known
    with refusals.recorded(record, now=now):
        vocabulary.load("advice-roles")[role]
        if disclosed and not (reason or "").strip():
            raise FieldMissing(
                "why the adviser is told who the child is, is not said",
                hint="say why the advice cannot be given without a name, or ask without one",
                rule=rules()["rule"],
                source=rules()["source"],
            )
        made = brief(dataset, profile.load(kind), terms or {}, organisations=known, now=now)
    facts = Facts(
        purpose=rules()["purpose"],
        rule=rules()["rule"],
        profile=kind,
        identifiers=profile.load(kind).identifiers(dataset) if isinstance(dataset, dict) else (),
        matter=Matter(adviser=role, disclosed=disclosed),
        promise=Promise({"reason": reason}) if disclosed else None,
    )
    return made, record.append(rules()["event"], facts, now=now)
