"""The rules: `assess` before sealing, `decide` before opening. No cryptography, no clock, no database.

`decide` walks the ordered compatibility engine: the first step that answers wins, and every answer carries the
id of its rule. The steps are code; what they say, and the matrix they read, are data in `schemas/`.
It fails closed on meaning: a code nobody knows, or a cell nobody filled, opens nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sharekit import profile, registry, vocabulary
from sharekit.errors import PurposeRefused
from sharekit.rules import Finding, assess, gate
from sharekit.terms import ShareTerms

__all__ = ["Finding", "Use", "Verdict", "assess", "decide", "gate"]

ALLOWING = frozenset({"allow", "allow-with-record", "allow-logged"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """What a recipient wants to open a packet for, as what kind of organisation, and on what footing of its own.

    `confirm` maps a field to the value the recipient already knows; `assessment` is the Article 8A record.
    """

    purpose: str
    org_type: str | None = None
    basis: str | None = None
    art9: str | None = None
    art10: str | None = None
    annex2: str | None = None
    gateway: str | None = None
    assessment: Mapping[str, str] | None = None
    by: str | None = None
    role: str | None = None
    confirm: Mapping[str, str] = field(default_factory=dict, repr=False)
    break_glass: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the engine answered, for exactly these terms and this use; `code` is None where it allows."""

    outcome: str
    rule: str
    code: str | None
    message: str
    hint: str
    source: str
    terms: ShareTerms = field(repr=False)
    use: Use = field(repr=False)
    now: datetime

    @property
    def allowed(self) -> bool:
        return self.outcome in ALLOWING

    def require(self) -> None:
        """Return only if the verdict allows; PurposeRefused with its code and rule otherwise."""
        if not self.allowed:
            raise PurposeRefused(
                self.message, code=self.code or "refer-to-sender", hint=self.hint, rule=self.rule, source=self.source
            )


@dataclass(frozen=True, slots=True)
class _Case:
    terms: ShareTerms
    use: Use
    cell: str | None
    now: datetime

    def answer(self, rule: str, name: str, *, hint: str | None = None) -> Verdict:
        step = _engine()["steps"][rule]
        said = step["answers"][name]
        return Verdict(
            outcome=said["outcome"],
            rule=rule,
            code=said["code"],
            message=said["message"],
            hint=said["hint"] if hint is None else hint,
            source=step["source"],
            terms=self.terms,
            use=self.use,
            now=self.now,
        )


def decide(terms: ShareTerms, use: Use, *, now: datetime) -> Verdict:
    """Whether what was shared under `terms` may be opened for `use`: returned, never raised (UK GDPR Article 8A)."""
    case = _Case(terms, use, _cell(terms, use.purpose), now)
    for step in _STEPS:
        verdict = step(case)
        if verdict:
            return verdict
    return case.answer("R18.10", "refer")


def nothing_to_show(verdict: Verdict) -> Verdict:
    """The referral for a use that is allowed and yet reveals no field."""
    return _Case(verdict.terms, verdict.use, None, verdict.now).answer("R18.10", "nothing")


# --- the steps, in order ---------------------------------------------------------------------------------------


def _1_excluded(case: _Case) -> Verdict | None:
    purposes = vocabulary.load("purposes")
    if case.use.purpose not in purposes or not _codes_known(case.use):
        return case.answer("R18.1", "unknown")
    more = purposes[case.use.purpose].more
    if more.get("usable") is False:
        return case.answer("R18.1", "heading")
    if _prohibited(case.terms, case.use.purpose) or more.get("always_deny"):
        return case.answer("R18.1", "prohibited")
    return None


def _2_court(case: _Case) -> Verdict | None:
    if _stated(case) or not (_court_restricted(case.terms) or case.cell == "court"):
        return None
    if case.use.gateway in _engine()["court"]["orders"] and case.use.reason and case.use.basis:
        return case.answer("R18.2", "ordered")
    return case.answer("R18.2", "permission")


def _3_need_to_know(case: _Case) -> Verdict | None:
    if profile.load(case.terms.profile).receives(case.use.org_type, route=case.terms.route):
        return None
    return case.answer("R18.3", "outside")


def _4_same_purpose(case: _Case) -> Verdict | None:
    return case.answer("R18.4", "same") if _stated(case) else None


def _5_incompatible(case: _Case) -> Verdict | None:
    return case.answer("R18.5", "incompatible") if case.cell == "deny" else None


def _6_compatible(case: _Case) -> Verdict | None:
    return case.answer("R18.6", "compatible") if case.cell == "allow" else None


def _7_break_glass(case: _Case) -> Verdict | None:
    emergency = vocabulary.load("purposes")[case.use.purpose].more.get("break_glass")
    if case.use.break_glass and emergency:
        named = (case.use.by or "").strip() and (case.use.reason or "").strip()
        return case.answer("R18.7", "emergency" if named else "unnamed")
    return case.answer("R18.7", "unasserted") if case.cell == "allow-logged" else None


def _8_consent(case: _Case) -> Verdict | None:
    consent = _engine()["consent_bases"]
    if not set(case.terms.codes("lawful_basis", "art6")) & set(consent):
        return None
    if case.use.basis in consent or (case.use.annex2 and (case.use.reason or "").strip()):
        return None
    return case.answer("R18.8", "consent")


def _9_record(case: _Case) -> Verdict | None:
    if case.cell not in ("record", "record-with-agreement"):
        return None
    if case.cell == "record-with-agreement" and not _agreed(case.terms):
        return case.answer("R18.9", "unagreed")
    missing = _missing_record(case.terms, case.use)
    if missing:
        return case.answer("R18.9", "unrecorded", hint=f"add {', '.join(missing)}; or ask the sender")
    return case.answer("R18.9", "recorded")


_STEPS: tuple[Callable[[_Case], Verdict | None], ...] = (
    _1_excluded,
    _2_court,
    _3_need_to_know,
    _4_same_purpose,
    _5_incompatible,
    _6_compatible,
    _7_break_glass,
    _8_consent,
    _9_record,
)


def _codes_known(use: Use) -> bool:
    """Whether every code of the use stands in its vocabulary and is not one of those kept to be turned down."""
    given = {
        "art6": use.basis,
        "art9": use.art9,
        "art10": use.art10,
        "annex2-conditions": use.annex2,
        "gateways": use.gateway,
    }
    return all(_known(name, code) for name, code in given.items() if code is not None)


def _known(name: str, code: str) -> bool:
    terms = vocabulary.load(name)
    return code in terms and not terms[code].more.get("rejected")


def _prohibited(terms: ShareTerms, purpose: str) -> bool:
    """Whether the sender prohibited a purpose, or one above it in the hierarchy."""
    above = vocabulary.load("purposes").ancestors(purpose)
    return not terms.prohibited_purposes.isdisjoint([purpose, *above])


def _stated(case: _Case) -> bool:
    """Whether the sender said so: ancestors are never implied, descendants only with `include_narrower`."""
    if case.use.purpose in case.terms.purposes:
        return True
    ancestors = vocabulary.load("purposes").ancestors(case.use.purpose)
    return bool(case.terms.json.get("include_narrower")) and any(a in case.terms.purposes for a in ancestors)


def _court_restricted(terms: ShareTerms) -> bool:
    court = _engine()["court"]
    restrictions = terms.codes("restriction")
    return bool(set(restrictions) & set(court["restrictions"]) or terms.handling_codes() & set(court["handling"]))


def _agreed(terms: ShareTerms) -> bool:
    return any(a.get("status") in _engine()["agreement_given"] for a in terms.json.get("agreement", ()))


def _missing_record(terms: ShareTerms, use: Use) -> list[str]:
    """The options still owed for a record: a footing of one's own, and why the purposes go together."""
    missing = [] if use.basis else ["--basis CODE"]
    if not use.gateway:
        missing.append("--gateway CODE")
    if terms.codes("lawful_basis", "art9") and not use.art9:
        missing.append("--art9 CODE")
    if not use.annex2 and not _assessed(use.assessment):
        missing.append("--assessment FILE with your reasons (or --annex2 CODE)")
    return missing


def _assessed(assessment: Mapping[str, str] | None) -> bool:
    said = assessment or {}
    return all(isinstance(said.get(name), str) and said[name].strip() for name in _engine()["assessment"])


def _cell(terms: ShareTerms, purpose: str) -> str | None:
    """What the matrix says from these terms to `purpose`; None where nobody filled the cell."""
    rows, by_profile = _matrix()
    row = by_profile.get(terms.profile) or rows.get(terms.purpose) or {}
    return row.get(purpose)


@functools.cache
def _matrix() -> tuple[Mapping[str, Mapping[str, str]], Mapping[str, Mapping[str, str]]]:
    rows = registry.document("compatibility")["rows"]
    by_purpose = {code: row["cells"] for row in rows for code in row.get("from_purposes", ())}
    return by_purpose, {name: row["cells"] for row in rows for name in row.get("from_profiles", ())}


@functools.cache
def _engine() -> Any:
    return registry.document("engine")
