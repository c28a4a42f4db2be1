"""What `decide` goes by: the shipped matrix and lists, and what one agency's `policy.toml` makes of them.

A local policy may always be stricter. What is looser (a cell that opens more, a purpose taken off the list of those
always denied) is told apart here; whether it was signed and recorded is asked elsewhere. Two things no policy
can do: open a purpose that is never opened, or close the way through in an emergency.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from sharekit import registry
from sharekit.domain import forms, profile, vocabulary
from sharekit.domain.terms import ShareTerms
from sharekit.domain.validation import Validator
from sharekit.errors import FieldInvalid, GateNotMet, Malformed, NotNeedToKnow, UnknownCode
from sharekit.policy.assess import Finding
from sharekit.values import Value, field, replace

__all__ = ["MAX_BYTES", "RULE", "SOURCE", "UNREAD", "Change", "LocalPolicy", "parse", "shipped", "unread"]

MAX_BYTES = 256 * 1024
RULE = "local-policy"
SOURCE = "this agency's own policy"
UNREAD = Finding(
    RULE,
    "advice",
    "this agency's own policy cannot be read, and the shipped rules decided in its place",
    SOURCE,
    "have it put right today: sharekit doctor says what is wrong",
)
ABSENT = "refer"  # what a cell that nobody filled does

Rows = Mapping[str, Mapping[str, str]]
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Change(Value):
    """One difference of a local policy: its place, the shipped value, the value here, and whether that is looser."""

    place: str
    shipped: str
    here: str
    looser: bool = False

    def __str__(self) -> str:
        return f"{'looser' if self.looser else 'stricter'}: {self.place}: {self.here} (shipped: {self.shipped})"


class LocalPolicy(Value, kw_only=True):
    """The policy that an agency decides by: the shipped one with its own changes.

    `rows` is the matrix, `local_cells` the pairs of purposes in it that are its own. `prohibited` and `opened` are
    purposes; `recipients` narrows profiles to types of organisation; `confirm` has the dotted paths of more second
    identifiers by profile, `severities` the weight of rules. `digest` is the SHA-256 of its `policy.toml`, and
    `max_valid_days` a number of days; both are None where there is none. `unread` says that there is one that cannot
    be read, and the shipped one stands in for it in an emergency.
    """

    rows: Rows = field(repr=False)
    prohibited: frozenset[str] = frozenset()
    opened: frozenset[str] = frozenset()
    local_cells: frozenset[tuple[str, str]] = frozenset()
    recipients: Mapping[str, frozenset[str]] = field(default_factory=lambda: _NOTHING)
    confirm: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NOTHING)
    severities: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    max_valid_days: int | None = None
    unread: bool = False
    changes: tuple[Change, ...] = ()
    digest: bytes | None = field(default=None, repr=False)

    @property
    def loosens(self) -> bool:
        """Whether a change in it is looser than what is shipped, and so must be signed and recorded."""
        return any(change.looser for change in self.changes)

    def cell(self, terms: ShareTerms, purpose: str) -> str | None:
        """The cell of the matrix from what these terms share for to `purpose`; None where nobody filled it."""
        return self.rows.get(self._row(terms), _NOTHING).get(purpose)

    def is_local(self, terms: ShareTerms, purpose: str) -> bool:
        """Whether that cell is this agency's own."""
        return (self._row(terms), purpose) in self.local_cells

    def _row(self, terms: ShareTerms) -> str:
        return terms.profile if terms.profile in self.rows else terms.purpose

    def receives(self, profile_name: str, org_type: str | None) -> bool:
        """Whether this policy leaves a profile to organisations of this type."""
        return profile_name not in self.recipients or org_type in self.recipients[profile_name]

    def check_share(self, terms: ShareTerms, recipients: Mapping[str, str]) -> None:
        """Return only if this policy lets a share under these terms go to `recipients`, types by organisation.

        Raises GateNotMet or NotNeedToKnow, and says what to change.
        """
        if not self.prohibited.isdisjoint(terms.purposes):
            raise _stopped("this agency shares nothing for one of these purposes", "take it out of the terms")
        if self.max_valid_days is not None and terms.valid_days > self.max_valid_days:
            raise _stopped(
                "it would be valid for longer than this agency allows", f"write valid_days: {self.max_valid_days}"
            )
        for org_id, org_type in recipients.items():
            if not self.receives(terms.profile, org_type):
                raise NotNeedToKnow(
                    f"{org_id}, of type {org_type}, is not among those to whom this agency sends {terms.profile}",
                    hint="sharekit policy show",
                    rule=RULE,
                    source=SOURCE,
                )

    def weighed(self, findings: Iterable[Finding], *, urgent: bool) -> tuple[Finding, ...]:
        """The findings with the weight that this policy gives them, which is never a new gate for an urgent share."""
        weighed = tuple(replace(each, severity=self._severity(each, urgent)) for each in findings)
        return (*weighed, UNREAD) if self.unread else weighed

    def _severity(self, finding: Finding, urgent: bool) -> str:
        ranks, here = _severities(), self.severities.get(finding.rule)
        if here is None or finding.owed or finding.severity == ranks[-1]:
            return finding.severity
        most = ranks[-2] if urgent else ranks[-1]
        return min(max(finding.severity, here, key=ranks.index), most, key=ranks.index)


def _stopped(message: str, way_through: str) -> GateNotMet:
    return GateNotMet(message, hint=f"{way_through} (sharekit policy show)", rule=RULE, source=SOURCE)


@functools.cache
def shipped() -> LocalPolicy:
    """The policy that sharekit ships, unchanged."""
    return LocalPolicy(rows=_shipped_rows())


@functools.cache
def unread() -> LocalPolicy:
    """The shipped policy in the place of one that cannot be read, for an emergency."""
    return replace(shipped(), unread=True)


@functools.lru_cache(maxsize=16)
def parse(data: bytes) -> LocalPolicy:
    """The policy that the bytes of a `policy.toml` make; whether it may be as loose as it is, is not asked here.

    Raises Malformed if it is not TOML; NotMinimal, FieldMissing, UnknownCode or FieldInvalid, naming the part.
    """
    text = _read(data)
    _schema().check(text)
    cells = _cells(text.get("cells", ()))
    return LocalPolicy(
        rows=_merged(cells),
        prohibited=_prohibited(text.get("prohibited_purposes", ())),
        opened=_opened(text.get("opened_purposes", ())),
        local_cells=frozenset(cells),
        recipients=_recipients(text.get("recipients", ())),
        confirm=_confirmations(text.get("confirm", ())),
        severities=_raised(text.get("severities", ())),
        max_valid_days=text.get("max_valid_days"),
        changes=tuple(_changes(text, cells)),
        digest=sha256(data).digest(),
    )


def _read(data: bytes) -> dict[str, Any]:
    import tomllib  # late: most agencies go by the shipped policy

    try:
        if len(data) > MAX_BYTES:
            raise ValueError
        return tomllib.loads(forms.saved_text(data))
    except (ValueError, RecursionError):
        raise Malformed("the policy is not TOML", hint="see docs/purpose-limitation.md for one") from None


# --- purposes ---------------------------------------------------------------------------------------------------


def _prohibited(codes: Collection[str]) -> frozenset[str]:
    """The purposes with all that are below them; FieldInvalid where one is a way through in an emergency."""
    known = vocabulary.load("purposes")
    below = {each.code for each in known if not set(codes).isdisjoint([each.code, *known.ancestors(each.code)])}
    if any(known[code].more.get("break_glass") for code in below):
        raise _closed("prohibited_purposes")
    return frozenset(below)


def _opened(codes: Collection[str]) -> frozenset[str]:
    for position, code in enumerate(codes):
        if not vocabulary.load("purposes")[code].more.get("local_policy"):
            raise _invalid(f"opened_purposes.{position}", "is not a purpose that a local policy can open")
    return frozenset(codes)


# --- the matrix -------------------------------------------------------------------------------------------------


def _cells(given: Collection[Mapping[str, str]]) -> dict[tuple[str, str], str]:
    cells: dict[tuple[str, str], str] = {}
    for position, each in enumerate(given):
        place = (each["from"], each["to"])
        _check_cell(f"cells.{position}", *place, each["cell"])
        if place in cells:
            raise _invalid(f"cells.{position}", "stands there twice")
        cells[place] = each["cell"]
    return cells


def _check_cell(path: str, start: str, end: str, cell: str) -> None:
    purposes = vocabulary.load("purposes")
    if start not in _starts():
        raise UnknownCode(
            f'policy: "{path}.from" is not on its code list',
            hint="a purpose (sharekit vocab purposes), or a profile that has a row of its own in the matrix",
        )
    to = purposes[end].more
    if to.get("usable") is False:
        raise _invalid(f"{path}.to", "is a heading, and nothing is opened for a heading")
    if start == end:
        raise _invalid(path, "changes nothing: what it was shared for always opens")
    if to.get("always_deny") and not to.get("local_policy"):
        raise _invalid(f"{path}.to", "is a purpose that no policy opens")
    if to.get("break_glass") and cell == "deny" != _shipped_cell(start, end):
        raise _closed(f"{path}.cell")
    if cell == "allow-logged" and not to.get("break_glass"):
        raise _invalid(f"{path}.cell", "is for the purposes of an emergency only")


def _merged(cells: Mapping[tuple[str, str], str]) -> Rows:
    rows = {start: dict(row) for start, row in _shipped_rows().items()}
    for (start, end), cell in cells.items():
        rows.setdefault(start, {})[end] = cell
    return rows


@functools.cache
def _shipped_rows() -> Rows:
    """The matrix, row by row; a row stands under a purpose, or under a profile and then before its purpose's."""
    rows = registry.document("compatibility")["rows"]
    return {name: row["cells"] for row in rows for name in [*row["from_purposes"], *row.get("from_profiles", ())]}


def _shipped_cell(start: str, end: str) -> str:
    row: Mapping[str, str] = _shipped_rows().get(start, _NOTHING)
    return row.get(end, ABSENT)


@functools.cache
def _starts() -> frozenset[str]:
    usable = {term.code for term in vocabulary.load("purposes") if term.more.get("usable") is not False}
    return frozenset(usable | set(_shipped_rows()))


# --- profiles and rules -----------------------------------------------------------------------------------------


def _recipients(given: Collection[Mapping[str, Any]]) -> dict[str, frozenset[str]]:
    left = {}
    for position, each in enumerate(given):
        of_profile = _org_types(each["profile"])
        if each["profile"] in left:
            raise _invalid(f"recipients.{position}", "stands there twice")
        if not of_profile.issuperset(each["org_types"]):
            raise _invalid(f"recipients.{position}.org_types", "names a type that the profile is not for")
        left[each["profile"]] = frozenset(each["org_types"])
    return left


def _org_types(name: str) -> frozenset[str]:
    return frozenset(kind for group in profile.load(name).about["recipients"] for kind in group["org_types"])


def _confirmations(given: Collection[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    asked: dict[str, tuple[str, ...]] = {}
    for position, each in enumerate(given):
        kind = profile.load(each["profile"])
        if each["profile"] in asked:
            raise _invalid(f"confirm.{position}", "stands there twice")
        for at, path in enumerate(each["fields"]):
            node = kind.node_at(path)
            if node is None or node.get("type", "string") != "string":
                raise _invalid(f"confirm.{position}.fields.{at}", "is not a field of text in that profile")
        asked[each["profile"]] = tuple(each["fields"])
    return asked


def _raised(given: Collection[Mapping[str, str]]) -> dict[str, str]:
    raised: dict[str, str] = {}
    for position, each in enumerate(given):
        if each["rule"] in raised:
            raise _invalid(f"severities.{position}", "stands there twice")
        least = _shipped_severity(each["rule"])
        if least is None:
            raise UnknownCode(
                f'policy: "severities.{position}.rule" is not on its code list', hint="docs/rules.md lists the rules"
            )
        if _severities().index(each["severity"]) < _severities().index(least):
            raise _invalid(f"severities.{position}.severity", "is less than is shipped: a rule may only weigh more")
        raised[each["rule"]] = each["severity"]
    return raised


@functools.cache
def _severities() -> list[str]:
    found: list[str] = _schema().schema["properties"]["severities"]["items"]["properties"]["severity"]["enum"]
    return found


def _shipped_severity(rule: str) -> str | None:
    """The least that an answer of a rule weighs in any rulebook; None if no rulebook has it."""
    books = (registry.document("rulebook", name) for name in registry.names("rulebook"))
    rules = [each for book in books for each in book["rules"] if each["id"] == rule]
    parts = [part for each in rules for part in (each, *each.get("answers", {}).values())]
    return min((part["severity"] for part in parts if "severity" in part), key=_severities().index, default=None)


# --- what is otherwise than shipped -----------------------------------------------------------------------------


def _changes(text: Mapping[str, Any], cells: Mapping[tuple[str, str], str]) -> Iterator[Change]:
    for code in text.get("prohibited_purposes", ()):
        yield Change(f"purpose {code}", "not prohibited", "prohibited")
    for code in text.get("opened_purposes", ()):
        yield Change(f"purpose {code}", "always denied", "as the matrix says", looser=True)
    for (start, end), cell in cells.items():
        before = _shipped_cell(start, end)
        if cell != before:
            yield Change(f"cell {start} to {end}", before, cell, looser=not _ways(cell) <= _ways(before))
    yield from _stricter(text)


def _stricter(text: Mapping[str, Any]) -> Iterator[Change]:
    for each in text.get("recipients", ()):
        left = ", ".join(sorted(each["org_types"])) or "nobody"
        yield Change(f"recipients of {each['profile']}", ", ".join(sorted(_org_types(each["profile"]))), left)
    for each in text.get("confirm", ()):
        own = ", ".join(profile.load(each["profile"]).about.get("confirm", ())) or "nothing"
        yield Change(f"confirmations of {each['profile']}", own, f"also {', '.join(each['fields'])}")
    for each in text.get("severities", ()):
        if each["severity"] != _shipped_severity(each["rule"]):
            yield Change(f"rule {each['rule']}", str(_shipped_severity(each["rule"])), each["severity"])
    if "max_valid_days" in text:
        most = registry.document("terms")["properties"]["valid_days"]["maximum"]
        yield Change("valid_days", f"at most {most}", f"at most {text['max_valid_days']}")


def _ways(cell: str) -> frozenset[str]:
    """What opens a cell: one that opens in no way that the other lacks is as strict, or stricter."""
    return frozenset(registry.document("engine")["ways"][cell])


def _invalid(path: str, why: str) -> FieldInvalid:
    return FieldInvalid(f'policy: "{path}" {why}', hint="correct it; sharekit policy check FILE tries it")


def _closed(path: str) -> FieldInvalid:
    return _invalid(path, "would close the way through in an emergency, which stays open and is reviewed afterwards")


@functools.cache
def _schema() -> Validator:
    return Validator(registry.document("local-policy"), what="policy")
