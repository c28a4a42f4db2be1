"""A share as the ledger tells of it: vocabulary numbers, counts, minutes and deadlines, never a word of it.

Only what auditors ask of an export stands here. An unknown code that somebody typed is absent, never as typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypedDict

from sharekit.domain import vocabulary, workdays
from sharekit.domain.terms import ShareTerms
from sharekit.domain.wording import Words, plain
from sharekit.policy.use import Use
from sharekit.record.promises import opened_by
from sharekit.values import Value

__all__ = ["Footing", "Matter", "footing", "number", "numbers", "said_of", "wording"]


class Matter(Value, kw_only=True):
    """What a decision, an advice or a review says, in codes; `decision` is the decision's own 16-byte number.

    `disclosed` is whether an adviser was told who the child is, `undiscussed` whether somebody who had asked has not
    been told of the decision yet.
    """

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
        """The parts of an entry that say it, by their names; None for what is not said."""
        return {
            "decision": self.decision,
            "decided": number("decisions", self.decided),
            "reasons": numbers("refusal-reasons", self.reasons),
            "agreement": numbers("agreement-status", self.agreement),
            "adviser": number("advice-roles", self.adviser),
            "disclosed": self.disclosed or None,
            "stage": number("dispute-stages", self.stage),
            "action": number("action-kinds", self.action),
            "undiscussed": self.undiscussed or None,
        }


class Footing(TypedDict):
    """The parts of an entry that say on what footing data went or were used, as numbers of the vocabularies."""

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
    agreements = _agreements(terms)
    return {
        "bases": numbers("art6", bases),
        "art9": numbers("art9", art9),
        "art10": numbers("art10", art10),
        "gateways": numbers("gateways", gateways),
        "agreement": numbers("agreement-status", (each["status"] for each in agreements)),
        "kinds": numbers("agreement-kinds", (each["kind"] for each in agreements)),
        "lapsed": any(_has_lapsed(each, now) for each in agreements) or None,
    }


def said_of(terms: ShareTerms, *, now: datetime) -> dict[str, Any]:
    """The parts of an entry that only a sealed share has: why without agreement, how late, and by when what is due.

    `lag` is in minutes, deadlines are in seconds since 1970.
    """
    override = terms.json.get("override", {})
    opens = opened_by("sealed", terms.json, b"", parties=[""], now=now)
    deadlines = {each.term.more["part"]: each.due for each in opens if "part" in each.term.more}
    return {
        "decided": number("decisions", terms.json.get("decision", {}).get("outcome")),
        "because": numbers("agreement-reasons", _because(terms)),
        "override": bool(override) or None,
        "second": _is_another(override.get("countersigned_by", ""), override.get("decided_by", "")),
        "lag": _lag(terms, now),
        **{part: max(0, int(due.timestamp())) for part, due in deadlines.items()},
    }


def wording(texts: Iterable[str]) -> str:
    """Reasons as they are compared with others: spacing, capitals and punctuation make no difference."""
    return Words.of(" ".join(texts)).joined


def number(name: str, code: str | None) -> int | None:
    """The number of a code; None for one that somebody typed and nobody defined, which is never repeated."""
    terms = vocabulary.load(name)
    return terms[code].number if code is not None and code in terms else None


def numbers(name: str, codes: Iterable[str]) -> tuple[int, ...] | None:
    """The numbers of codes, in their order; None where there are none."""
    found = (number(name, code) for code in codes)
    return tuple(each for each in found if each is not None)[:32] or None


def _agreements(terms: ShareTerms | None) -> list[Mapping[str, Any]]:
    return list(terms.json.get("agreement", ())) if terms else []


def _because(terms: ShareTerms) -> Iterator[str]:
    """Every reason why somebody was not asked, or why a refusal did not decide it, once."""
    reasons = [code for each in _agreements(terms) for code in each.get("reason", ())]
    override = terms.json.get("override", {}).get("reason_code")
    yield from dict.fromkeys([*reasons, *([override] if override else [])])


def _is_another(one: str, other: str) -> bool | None:
    """Whether a name stands there, and it is not the other name."""
    return bool(one.strip() and plain(one).split() != plain(other).split()) or None


def _has_lapsed(agreement: Mapping[str, Any], now: datetime) -> bool:
    """Whether an agreement was given for a time that is over."""
    status = vocabulary.load("agreement-status")[agreement["status"]].more
    ends = agreement.get("expires_at")
    if not status.get("given") or ends is None:
        return bool(status.get("lapsed"))
    return bool(datetime.fromisoformat(ends) <= now if "T" in ends else ends < workdays.day_of(now).isoformat())


def _lag(terms: ShareTerms, now: datetime) -> int | None:
    """Minutes from when the sender knew of it, or else from when it happened; a day counts from its beginning."""
    since = terms.json.get("known_at") or terms.json.get("occurred_at")
    if since is None:
        return None
    start = datetime.fromisoformat(since) if "T" in since else workdays.start_of(date.fromisoformat(since))
    return min(max(0, int((now - start).total_seconds()) // 60), 2**32 - 1)
