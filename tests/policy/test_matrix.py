"""Every cell of the compatibility matrix, run through the engine from every start to every purpose there is."""

from __future__ import annotations

import pytest
from world.console import REPOSITORY
from world.policies import AGREED, FOOTING, GLASS, NOT_ASKED, NOW, ORDER, REPLY, terms, use

from sharekit import registry
from sharekit.domain import profile, vocabulary
from sharekit.policy import decide as deciding
from sharekit.policy.decide import Verdict, decide

# The table of the domain as its readers know it, written down a second time: the shipped data must not be what
# says whether the shipped data are right.
TABLE = """
 from                         | flag   | early   | referral | cin    | s47    | immediate    | urgent       | school | prevent | investig | family | age  | enforce
 status-flag                  | =      | refer   | record   | refer  | record | allow-logged | =            | deny   | deny    | refer    | refer  | deny | deny
 attendance-alert             | record | refer   | record   | record | record | allow-logged | record       | deny   | deny    | refer    | refer  | deny | deny
 early-help                   | deny   | =       | record   | refer  | record | allow-logged | record       | record | deny    | refer    | refer  | deny | deny
 referral                     | deny   | record* | =        | record | record | allow-logged | record       | refer  | refer   | record   | refer  | deny | deny
 strategy/s47                 | deny   | refer   | record   | record | =      | =            | =            | refer  | refer   | record   | record | deny | deny
 police notification          | deny   | refer   | record   | record | record | =            | record       | record | record  | =        | record | deny | deny
 family-proc disclosure       | deny   | deny    | deny     | refer  | court  | allow-logged | allow-logged | deny   | court   | court    | =      | deny | deny
 age-det                      | deny   | refer   | record   | record | record | allow-logged | record       | record | deny    | refer    | refer  | =    | deny
 public-protection-disclosure | deny   | deny    | record   | deny   | record | allow-logged | deny         | deny   | deny    | record   | refer  | deny | deny
"""  # noqa: E501  # it reads as the table it is
COLUMNS = {
    "flag": ["safeguarding.status-flag"],
    "early": ["safeguarding.early-help"],
    "referral": ["safeguarding.referral"],
    "cin": ["safeguarding.cin-assessment"],
    "s47": ["safeguarding.strategy", "safeguarding.s47-enquiry"],
    "immediate": ["safeguarding.immediate-protection"],
    "urgent": ["health.direct-care.urgent"],
    "school": ["education.support"],
    "prevent": ["crime.prevention"],
    "investig": ["crime.investigation"],
    "family": ["justice.family-proceedings"],
    "age": ["immigration.age-determination"],
    "enforce": ["immigration.enforcement"],
}
NOTIFICATION, DISCLOSURE = "police-notification", "family-criminal-disclosure-response"
OUTSIDE = "safeguarding.exploitation"  # no row and no column has it, so that a profile's row is all that speaks
STARTS = {  # each row's starts: a profile, and the purpose that the packet was shared for
    "status-flag": [(REPLY, "safeguarding.status-flag")],
    "attendance-alert": [(REPLY, "safeguarding.attendance-alert")],
    "early-help": [(REPLY, "safeguarding.early-help")],
    "referral": [(REPLY, "safeguarding.referral")],
    "strategy/s47": [(REPLY, "safeguarding.strategy"), (REPLY, "safeguarding.s47-enquiry")],
    "police notification": [(NOTIFICATION, OUTSIDE)],
    "family-proc disclosure": [(REPLY, "justice.family-proceedings"), (DISCLOSURE, OUTSIDE)],
    "age-det": [(REPLY, "immigration.age-determination")],
    "public-protection-disclosure": [(REPLY, "safeguarding.public-protection-disclosure")],
}
NO_ROW = [
    "safeguarding.advice", "safeguarding.cin-assessment", "safeguarding.conference",
    "safeguarding.immediate-protection", "safeguarding.looked-after", "safeguarding.missing", OUTSIDE,
    "safeguarding.position-of-trust", "safeguarding.learning-review", "health.direct-care.urgent",
    "health.direct-care.planned", "health.statutory-assessment", "education.support", "education.transfer",
    "education.missing-education", "crime.prevention", "crime.investigation", "crime.prosecution", "crime.mappa",
    "justice.linked-directions", "justice.criminal-disclosure-cpia", "oversight.audit", "oversight.inspection",
    "oversight.complaint", "oversight.subject-access", "analysis.statistics", "analysis.research",
]  # fmt: skip
HEADINGS = {
    "safeguarding", "health", "health.direct-care", "education", "crime", "justice", "immigration", "oversight",
    "analysis", "other",
}  # fmt: skip
NEVER = {
    "other.employment", "other.commercial", "other.predictive-profiling", "other.media", "immigration.enforcement",
}  # fmt: skip
EMERGENCIES = {"safeguarding.immediate-protection", "health.direct-care.urgent"}
EVERYTHING = [term.code for term in vocabulary.load("purposes")]

SITUATIONS = {
    "no record": {},
    "a full record": FOOTING,
    "break-glass": GLASS,
    "an order of a court": FOOTING | ORDER,
}

Told = tuple[str, str, str | None]
CERTAIN: dict[str, Told] = {  # cells that ask for nothing more, of a purpose that is not the packet's own
    "deny": ("deny", "R18.5", "purpose-incompatible"),
    "court": ("allow-with-record", "R18.2", None),
    "=": ("allow", "R18.6", None),
}


def lines() -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()]


def row(name: str) -> dict[str, str]:
    """One row of the table, purpose by purpose."""
    head, *body = lines()
    (cells,) = (line for line in body if line[0] == name)
    return {purpose: cell for column, cell in zip(head[1:], cells[1:], strict=True) for purpose in COLUMNS[column]}


def expected(cell: str, shared_for: str, purpose: str, situation: str, *, agreed: bool) -> Told:
    """What the ten steps make of a cell: written from their words, in their order."""
    if purpose in HEADINGS or purpose in NEVER:
        return "deny", "R18.1", "purpose-incompatible" if purpose in HEADINGS else "purpose-prohibited"
    if cell == "court" and situation != "an order of a court":
        return "refer", "R18.2", "court-permission-needed"
    if purpose == shared_for:
        return "allow", "R18.4", None
    if cell in CERTAIN:
        return CERTAIN[cell]
    if purpose in EMERGENCIES and situation == "break-glass":
        return "allow-logged", "R18.7", None
    if cell == "allow-logged":
        return "refer", "R18.7", "refer-to-sender"
    recorded = situation in ("a full record", "an order of a court")
    if cell == "record" or (cell == "record*" and agreed):
        return ("allow-with-record", "R18.9", None) if recorded else ("refer", "R18.9", "refer-to-sender")
    return "refer", "R18.9" if cell == "record*" else "R18.10", "refer-to-sender"


def told(verdict: Verdict) -> Told:
    return verdict.outcome, verdict.rule, verdict.code


@pytest.fixture(autouse=True)
def every_profile(monkeypatch):
    """A profile that is not shipped yet stands in the matrix all the same: the reply's recipients receive it."""
    real = profile.load
    known = {*registry.names("profile")}
    monkeypatch.setattr(deciding.profile, "load", lambda name: real(name if name in known else REPLY))


CELLS = [(name, start, situation) for name, starts in STARTS.items() for start in starts for situation in SITUATIONS]


@pytest.mark.parametrize("agreed", [False, True], ids=["not asked", "agreed"])
@pytest.mark.parametrize(("name", "start", "situation"), CELLS, ids=lambda part: str(part))
def test_every_cell_of_a_row_does_what_the_table_says(name, start, situation, agreed):
    kind, shared_for = start
    packet = terms(shared_for, profile=kind, agreement=AGREED if agreed else NOT_ASKED)
    cells = row(name)
    answers = {p: told(decide(packet, use(p, **SITUATIONS[situation]), now=NOW)) for p in EVERYTHING}
    wanted = {p: expected(cells.get(p, "refer"), shared_for, p, situation, agreed=agreed) for p in EVERYTHING}
    assert answers == wanted


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("shared_for", NO_ROW)
def test_from_a_purpose_without_a_row_everything_else_is_for_the_sender(shared_for, situation):
    packet = terms(shared_for)
    answers = {p: told(decide(packet, use(p, **SITUATIONS[situation]), now=NOW)) for p in EVERYTHING}
    assert answers == {p: expected("refer", shared_for, p, situation, agreed=False) for p in EVERYTHING}


def test_the_rows_that_are_shipped_are_the_rows_that_are_run():
    rows = registry.document("compatibility")["rows"]
    shipped = {name for each in rows for name in [*each["from_purposes"], *each.get("from_profiles", ())]}
    by_profile = {kind for starts in STARTS.values() for kind, _ in starts if kind != REPLY}
    by_purpose = {purpose for starts in STARTS.values() for kind, purpose in starts if kind == REPLY}
    assert by_profile | by_purpose == shipped
    assert by_purpose.isdisjoint(NO_ROW)
    assert by_purpose | {*NO_ROW} == {*EVERYTHING} - HEADINGS - NEVER


def test_no_cell_is_shipped_beside_the_table():
    purposes = {purpose for column in COLUMNS.values() for purpose in column}
    assert all(set(each["cells"]) == purposes for each in registry.document("compatibility")["rows"])
    assert sorted(line[0] for line in lines()[1:]) == sorted(STARTS)


def test_a_profile_with_a_row_of_its_own_is_not_judged_by_its_purpose():
    """A notification by police goes further than a referral does, whatever the police called it."""
    asked = use("crime.prevention", org_type="police", **FOOTING)
    assert told(decide(terms("safeguarding.referral"), asked, now=NOW))[:2] == ("refer", "R18.10")
    notified = terms("safeguarding.referral", profile=NOTIFICATION)
    assert told(decide(notified, asked, now=NOW))[:2] == ("allow-with-record", "R18.9")


def test_the_page_about_purposes_shows_the_matrix_that_is_shipped():
    page = (REPOSITORY / "docs" / "purpose-limitation.md").read_text().partition("<!-- matrix -->\n")[2]
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.partition("\n\n")[0].splitlines()]
    shown = {line[0]: line[1:] for line in table[2:]}
    firsts = [purposes[0] for purposes in COLUMNS.values()]
    rows = registry.document("compatibility")["rows"]
    assert shown == {each["from"]: [each["cells"][purpose] for purpose in firsts] for each in rows}
    for heading, purposes in zip(table[0][1:], COLUMNS.values(), strict=True):
        assert all(purpose.endswith(name) for purpose, name in zip(purposes, heading.split(", "), strict=True))
