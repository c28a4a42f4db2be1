"""A share as the ledger tells of it: vocabulary numbers, counts, minutes and deadlines, never a word of it.

Only what auditors ask of an export stands here. An unknown code that somebody typed is absent, never as typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypedDict

from sharekit.domain.terms import Agreement, ShareTerms
from sharekit.domain.vocabulary import number, numbers
from sharekit.domain.wording import Words, plain
from sharekit.domain.workdays import beginning
from sharekit.ledger.entry import MAX_CODES
from sharekit.moments import seconds_of
from sharekit.policy.use import Use
from sharekit.record.promises import opened_by
from sharekit.values import Value

__all__ = ["Footing", "Matter", "footing", "said_of", "wording"]


class Matter(Value, kw_only=True):
    """What a decision, an advice or a review says, in codes; `decision` is the decision's own number."""

    decision: bytes | None = None
    decided: str | None = None
    reasons: Sequence[str] = ()
    agreement: Sequence[str] = ()
    adviser: str | None = None
    disclosed: bool = False
    stage: str | None = None
    action: str | None = None
    undiscussed: bool = False

    def parts(self) -> dict[str, Any]:
        """The parts of an entry that say it."""
        return {
            "decision": self.decision,
            "decided": number("decisions", self.decided),
            "reasons": _numbers("refusal-reasons", self.reasons),
            "agreement": _numbers("agreement-status", self.agreement),
            "adviser": number("advice-roles", self.adviser),
            "disclosed": self.disclosed or None,
            "stage": number("dispute-stages", self.stage),
            "action": number("action-kinds", self.action),
            "undiscussed": self.undiscussed or None,
        }


class Footing(TypedDict):
    """The parts of an entry that say on what footing data went or were used."""

    bases: tuple[int, ...] | None
    art9: tuple[int, ...] | None
    art10: tuple[int, ...] | None
    gateways: tuple[int, ...] | None
    agreement: tuple[int, ...] | None
    kinds: tuple[int, ...] | None
    lapsed: bool | None


def footing(terms: ShareTerms | None, use: Use | None, *, now: datetime) -> Footing:
    """The bases, gateways and agreement an entry rests on: the recipient's own if there is a use, else the sender's.

    `agreement` and `kinds` go together: the status of each agreement, and what it is an agreement to.
    """
    if use is not None:
        own = (use.basis, use.art9, use.art10, use.gateway)
        bases, art9, art10, gateways = ([code] if code else [] for code in own)
    else:
        bases, art9, art10 = (terms.codes("lawful_basis", name) if terms else [] for name in ("art6", "art9", "art10"))
        gateways = terms.codes("gateways") if terms else []
    agreements = terms.agreements if terms else []
    return {
        "bases": _numbers("art6", bases),
        "art9": _numbers("art9", art9),
        "art10": _numbers("art10", art10),
        "gateways": _numbers("gateways", gateways),
        "agreement": _numbers("agreement-status", (each.item["status"] for each in agreements)),
        "kinds": _numbers("agreement-kinds", (each.item["kind"] for each in agreements)),
        "lapsed": any(_has_lapsed(each, now) for each in agreements) or None,
    }


def said_of(terms: ShareTerms, *, now: datetime) -> dict[str, Any]:
    """What else a sealed share says of itself: why without agreement, by whom seen twice, how late, until when."""
    override = terms.json.get("override", {})
    opens = opened_by("sealed", terms.json, b"", parties=[""], now=now)
    deadlines = {each.term.more["part"]: each.due for each in opens if "part" in each.term.more}
    return {
        "decided": number("decisions", terms.json.get("decision", {}).get("outcome")),
        "because": _numbers("agreement-reasons", _because(terms)),
        "override": bool(override) or None,
        "second": _is_another(override.get("countersigned_by", ""), override.get("decided_by", "")),
        "lag": _lag(terms, now),
        **{part: max(0, seconds_of(due)) for part, due in deadlines.items()},
    }


def wording(texts: Iterable[str]) -> str:
    """Reasons as they are compared with others: spacing, capitals and punctuation make no difference."""
    return Words.of(" ".join(texts)).joined


def _numbers(name: str, codes: Iterable[str]) -> tuple[int, ...] | None:
    """The numbers of codes, in their order, as many as an entry takes; None where there are none."""
    return numbers(name, codes)[:MAX_CODES] or None


def _because(terms: ShareTerms) -> Iterator[str]:
    """Every reason why somebody was not asked, or why a refusal did not decide it, once."""
    reasons = [code for each in terms.agreements for code in each.item.get("reason", ())]
    override = terms.json.get("override", {}).get("reason_code")
    yield from dict.fromkeys([*reasons, *([override] if override else [])])


def _is_another(one: str, other: str) -> bool | None:
    """Whether a name stands there, and it is not the other name."""
    return bool(one.strip() and plain(one).split() != plain(other).split()) or None


def _has_lapsed(agreement: Agreement, now: datetime) -> bool:
    """Whether an agreement was given for a time that is over, or is said to have expired."""
    return "lapsed" in agreement.status or (agreement.given and not agreement.in_force(now))


def _lag(terms: ShareTerms, now: datetime) -> int | None:
    """Minutes from when the sender knew of it, or else from when it happened; a day counts from its beginning."""
    since = terms.json.get("known_at") or terms.json.get("occurred_at")
    if since is None:
        return None
    return min(max(0, int((now - beginning(since)).total_seconds()) // 60), 2**32 - 1)
