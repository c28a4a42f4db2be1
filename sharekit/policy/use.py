"""What a recipient opens a packet for, and whether the footing that it names for itself stands.

Compatible purposes alone make nothing lawful (UK GDPR Article 5(3)): a recipient names its own basis, its own
conditions and the law that lets it use what it was sent. What each code asks of whom stands in its vocabulary,
what is said about it in `schemas/engine.json`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from sharekit import registry
from sharekit.domain import vocabulary
from sharekit.domain.terms import ShareTerms
from sharekit.domain.validation import Validator
from sharekit.domain.vocabulary import Term
from sharekit.domain.workdays import day_of
from sharekit.errors import FieldInvalid, Malformed
from sharekit.values import Value, field

__all__ = ["Use", "cautions", "check_assessment", "engine", "is_reason", "lacking", "misnamed"]

SEVERAL = 2  # words at least, in a reason that opens by itself
_WORD = re.compile(r"[^\W\d_]{2,}")

_CODES = {"basis": "art6", "art9": "art9", "art10": "art10", "annex2": "annex2-conditions", "gateway": "gateways"}


class Use(Value, kw_only=True):
    """The purpose for which a recipient wants to open a packet, and its own footing for that, in codes.

    `confirm` maps the name of a second identifier to the value that the recipient knows already; `assessment` is the
    record of Article 8A; `by` and `role` say who opens. What is None was not given.

    >>> confirm = {"date_of_birth": dataset["date_of_birth"]}
    >>> use = sharekit.Use(purpose=terms["purpose"], org_type=quillbrook.org_type, confirm=confirm)
    """

    purpose: str
    org_type: str | None = None
    basis: str | None = None
    art9: str | None = None
    art10: str | None = None
    annex2: str | None = None
    gateway: str | None = None
    assessment: Mapping[str, str] | None = field(default=None, repr=False)
    by: str | None = None
    role: str | None = None
    confirm: Mapping[str, str] = field(default_factory=dict, repr=False)
    break_glass: bool = False
    reason: str | None = field(default=None, repr=False)

    def words(self) -> dict[str, Any]:
        """The parts that are for the vault, without those that are empty: who opened, why, and on which assessment."""
        said = {"by": self.by, "role": self.role, "reason": self.reason, "annex2": self.annex2}
        assessment = dict(self.assessment) if isinstance(self.assessment, Mapping) else None
        return {name: value for name, value in {**said, "assessment": assessment}.items() if value}


def misnamed(use: Use) -> str | None:
    """What to do about a code that no vocabulary has, or that is kept only to be turned down; None if all are good."""
    for option, name in _CODES.items():
        code, known = getattr(use, option), vocabulary.load(name)
        if code is None:
            continue
        if code not in known:
            return f"--{option}: sharekit vocab {name} lists the codes"
        if known[code].more.get("rejected"):
            return f"--{option}: {known[code].more['answer']}"
    return None


def check_assessment(value: object) -> None:
    """Return only if `value` is a whole Article 8A assessment, and every part of it says something.

    Raises Malformed, NotMinimal, FieldMissing or FieldInvalid, naming the part and not what it says.
    """
    if not isinstance(value, Mapping):
        raise Malformed("the assessment is not a JSON object", hint="docs/purpose-limitation.md shows one")
    _assessments().check(dict(value))
    for name in unsaid(value):
        raise FieldInvalid(
            f'assessment: "{name}" says nothing', hint="write what is particular to this child and to this use"
        )


def unsaid(assessment: Mapping[str, Any] | None) -> list[str]:
    """The names of the parts of an assessment that are absent, blank, or a placeholder such as "n/a"."""
    said = assessment if isinstance(assessment, Mapping) else {}
    return [name for name in _assessments().schema["required"] if not _says(said.get(name))]


def is_reason(text: str | None) -> bool:
    """Whether a reason says something: several different words, and not a placeholder such as "n/a"."""
    return _says(text) and len(set(_WORD.findall((text or "").casefold()))) >= SEVERAL


def _says(text: object) -> bool:
    return isinstance(text, str) and text.strip().rstrip(" .?!").casefold() not in _placeholders()


def lacking(terms: ShareTerms, use: Use, *, ordered: bool = False) -> list[str]:
    """What the use lacks before it stands on a footing of its own, as options to add; empty where it does stand.

    An order of a court (`ordered`) needs less. Whether the purposes go together is not asked here.
    """
    owed = [f"--{option} CODE" for option in ("basis", "gateway") if not getattr(use, option)]
    if not ordered:
        owed += [f"--{name} CODE" for name in ("art9", "art10") if _sensitive(terms, name) and not getattr(use, name)]
        owed += _unassessed(use)
    return owed + [f"another --{option} CODE: {why}" for option, why in _faults(terms, use)]


def _sensitive(terms: ShareTerms, name: str) -> bool:
    """Whether the sender named conditions of this kind, and so sent what needs one."""
    return bool(terms.codes("lawful_basis", name))


def _unassessed(use: Use) -> list[str]:
    if use.annex2:
        return []
    names = unsaid(use.assessment)
    return [f"--assessment FILE that says {', '.join(names)} (or --annex2 CODE)"] if names else []


# --- what stands against a code, for this organisation and this purpose -----------------------------------------


def _faults(terms: ShareTerms, use: Use) -> Iterator[tuple[str, str]]:
    for option, term in _named(use):
        for guard in _guards(term):
            if _org(use).get(guard["asks"]) in guard["refuses"]:
                yield option, guard["hint"]
        heading = term.more.get("purposes_under")
        if heading and heading not in vocabulary.load("purposes").ancestors(use.purpose):
            yield option, _said("purposes_under")
    yield from (("gateway", _said(name)) for name in _gateway_faults(terms, use))


def _gateway_faults(terms: ShareTerms, use: Use) -> Iterator[str]:
    if not use.gateway:
        return
    more = vocabulary.load("gateways")[use.gateway].more
    if not _reaches(more, use.org_type):
        yield "org_types"
    if terms.json.get("jurisdiction") not in more.get("jurisdictions", [terms.json.get("jurisdiction")]):
        yield "jurisdictions"
    if more.get("depersonalised"):
        yield "depersonalised"
    basis = vocabulary.load("art6")[use.basis].more if use.basis else {}
    if basis.get("needs_duty_gateway") and more["type"] not in engine()["duties"]:
        yield "needs_duty_gateway"


def _reaches(more: Mapping[str, Any], org_type: str | None) -> bool:
    """Whether an organisation of this type may receive under a gateway, or is one that acts under it itself."""
    return org_type in more.get("to_org_types", [org_type]) or org_type in more.get("from_org_types", [])


# --- what to look at again, although it is no hindrance ---------------------------------------------------------


def cautions(terms: ShareTerms, use: Use, *, now: datetime) -> list[str]:
    """What somebody should look at again in a footing that stands, in words; empty where there is nothing."""
    found = [f"--{option}: {words}" for option, term in _named(use) for words in _doubts(term, use, now)]
    found += [f"--gateway: {_said(name)}" for name in _gateway_doubts(use)]
    for name in ("art9", "art10"):
        if _sensitive(terms, name) and not getattr(use, name):
            found.append(f"--{name}: {_said('condition')}")
    if use.assessment and len({text.strip() for text in use.assessment.values() if isinstance(text, str)}) == 1:
        found.append(f"--assessment: {_said('sameness')}")
    return found


def _doubts(term: Term, use: Use, now: datetime) -> Iterator[str]:
    if term.status in engine()["doubtful"]:
        yield _said("doubtful")
    if not _in_force(term, day_of(now)):
        yield _said("not_in_force")
    for guard in _guards(term):
        if _org(use).get(guard["asks"]) in guard["doubts"]:
            yield guard["caution"]


def _in_force(term: Term, day: date) -> bool:
    begun = term.valid_from is None or date.fromisoformat(term.valid_from) <= day
    return begun and (term.valid_to is None or day <= date.fromisoformat(term.valid_to))


def _gateway_doubts(use: Use) -> Iterator[str]:
    if not use.gateway:
        return
    more = vocabulary.load("gateways")[use.gateway].more
    if more.get("pair"):
        yield "pair"
    if use.org_type in more.get("warn_alone_to", ()):
        yield "warn_alone_to"
    if not any(_among(use.org_type, more[side]) for side in ("who", "to")):
        yield "unusual"


def _among(org_type: str | None, types: str | Collection[str]) -> bool:
    return types == "any" or org_type in types


# --- the data ---------------------------------------------------------------------------------------------------


def _named(use: Use) -> Iterator[tuple[str, Term]]:
    """Every option of the footing that names a code, with the term it names."""
    for option, name in _CODES.items():
        code = getattr(use, option)
        if code is not None:
            yield option, vocabulary.load(name)[code]


def _guards(term: Term) -> Iterator[Mapping[str, Any]]:
    return (guard for flag, guard in engine()["guards"].items() if term.more.get(flag))


def _org(use: Use) -> Mapping[str, Any]:
    types = vocabulary.load("org-types")
    return types[use.org_type].more if use.org_type is not None and use.org_type in types else {}


def _said(name: str) -> str:
    return str(engine()["words"][name])


@functools.cache
def _placeholders() -> frozenset[str]:
    return frozenset(registry.document("assessment")["x-placeholders"])


@functools.cache
def _assessments() -> Validator:
    return Validator(registry.document("assessment"), what="assessment")


def engine() -> Any:
    """What `schemas/engine.json` says; it is not to be changed."""
    return registry.document("engine")
