"""A share as the ledger tells of it: vocabulary numbers, counts, minutes and deadlines, never a word of it.

Only what auditors ask of an export stands here. An unknown code that somebody typed is absent, never as typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sharekit.domain.terms import Agreement, ShareTerms
from sharekit.domain.vocabulary import number, numbers
from sharekit.domain.wording import Words, plain
from sharekit.domain.workdays import beginning
from sharekit.ledger.entry import MAX_CODES, VOCABULARIES
from sharekit.moments import seconds_of
from sharekit.policy.use import Use
from sharekit.record.promises import opened_by
from sharekit.values import Value

__all__ = ["Matter", "coded", "footing", "said_of", "wording"]


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
            "disclosed": self.disclosed or None,
            "undiscussed": self.undiscussed or None,
            **coded(decided=self.decided, adviser=self.adviser, stage=self.stage, action=self.action),
            **coded(reasons=self.reasons, agreement=self.agreement),
        }


def footing(terms: ShareTerms | None, use: Use | None, *, now: datetime) -> dict[str, Any]:
    """The bases, gateways and agreement an entry rests on: the recipient's own if there is a use, else the sender's.

    `agreement` and `kinds` go together: the status of each agreement, and what it is an agreement to.
    """
    if use is not None:
        own = (use.basis, use.art9, use.art10, use.gateway)
        bases, art9, art10, gateways = ([code] if code else [] for code in own)
    else:
        bases, art9, art10 = (terms.codes("lawful_basis", name) if terms else [] for name in ("art6", "art9", "art10"))
        gateways = terms.codes("gateways") if terms else []
    agreements = [each for each in terms.agreements if {"status", "kind"} <= each.item.keys()] if terms else []
    return {
        "lapsed": any(_has_lapsed(each, now) for each in agreements) or None,
        **coded(bases=bases, art9=art9, art10=art10, gateways=gateways),
        **coded(
            agreement=[each.item["status"] for each in agreements],
            kinds=[each.item["kind"] for each in agreements],
        ),
    }


def said_of(terms: ShareTerms, *, now: datetime) -> dict[str, Any]:
    """The parts of an entry that only a sealed share has: why without agreement, how late, and by when what is due.

    `lag` is in minutes, deadlines are in seconds since 1970.
    """
    override = terms.json.get("override", {})
    opens = opened_by("sealed", terms.json, b"", parties=[""], now=now)
    deadlines = {each.term.more["part"]: each.due for each in opens if "part" in each.term.more}
    return {
        **coded(decided=terms.json.get("decision", {}).get("outcome"), because=[*_because(terms)]),
        "override": bool(override) or None,
        "second": _is_another(override.get("countersigned_by", ""), override.get("decided_by", "")),
        "lag": _lag(terms, now),
        **{part: max(0, seconds_of(due)) for part, due in deadlines.items()},
    }


def coded(**said: str | Sequence[str] | None) -> dict[str, Any]:
    """Parts of an entry from codes: the numbers that the vocabulary of each part has for them.

    A code that nobody defined is left out; of a list stands as much as an entry takes, and None where nothing is left.
    """
    return {name: _number_or_numbers(VOCABULARIES[name], codes) for name, codes in said.items()}


def _number_or_numbers(name: str, said: str | Sequence[str] | None) -> int | tuple[int, ...] | None:
    if said is None or isinstance(said, str):
        return number(name, said)
    return numbers(name, said)[:MAX_CODES] or None


def wording(texts: Iterable[str]) -> str:
    """Reasons as they are compared with others: spacing, capitals and punctuation make no difference."""
    return Words.of(" ".join(texts)).joined


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
