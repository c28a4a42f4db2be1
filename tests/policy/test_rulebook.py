"""The rulebooks as data: every rule whole, its source and status honest, the editions told apart, the page true."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from world.console import REPOSITORY
from world.gates import GONE
from world.shares import Share

from sharekit import registry
from sharekit.domain import vocabulary
from sharekit.errors import UnknownCode
from sharekit.policy import golden_rules, rulebook

BOOK = rulebook.load()
EDITIONS = {name: rulebook.load(name) for name in rulebook.names()}
SEVERITIES = {"gate", "needs-reason", "advice"}


def told() -> dict[str, Any]:
    """Everything that has a source: rules, golden rules, and the rules that are kept elsewhere."""
    found: dict[str, Any] = {}
    for name, book in EDITIONS.items():
        found |= {f"{name} {rule.id}": (rule.source, rule.status) for rule in book.rules}
        found |= {f"{name} golden {rule.id}": (rule.source, rule.status) for rule in book.golden_rules}
        found |= {f"{name} {kept['id']}": (kept["source"], kept["status"]) for kept in book.elsewhere}
    return found


def test_three_editions_are_shipped_and_the_newest_is_the_one_used():
    assert list(EDITIONS) == ["hmg-2015", "hmg-2018", "hmg-2024"]
    assert rulebook.DEFAULT == "hmg-2024"
    assert Share("cp-is-flag").rulebook() == "hmg-2024"


def test_the_rules_of_sealing_are_all_there():
    numbered = [f"R{number}" for number in (*range(1, 19), 23)]
    assert {*numbered, "R20", "GR1", "L6", "L9", "L10", "LG", "LC", "F9", "F6", "F13"} <= {r.id for r in BOOK.rules}


@pytest.mark.parametrize("rule", BOOK.rules, ids=lambda rule: rule.id)
def test_a_rule_says_what_it_asks_where_it_comes_from_and_the_way_through(rule):
    assert re.fullmatch(r"[A-Z].*[^.]", rule.title)
    assert re.fullmatch(r"[A-Z].{30,}\.", rule.text, re.S)
    assert {rule.severity} | {answer.severity for answer in rule.answers.values()} <= SEVERITIES
    assert rule.when_urgent in ("owed", "gate")
    assert rule.answers
    for answer in rule.answers.values():
        assert answer.message.startswith("{field}")
        assert re.fullmatch(r"[a-z].*[^.]", answer.way_through, re.S)
        assert not re.search(r"(law|GDPR|protection) (forbids|prohibits|prevents|does not allow)", answer.message)


@pytest.mark.parametrize("rule", BOOK.rules, ids=lambda rule: rule.id)
def test_the_answers_of_a_rule_can_be_told_apart(rule):
    messages = [answer.message for answer in rule.answers.values()]
    assert len(set(messages)) == len(messages)


def test_what_nobody_verified_says_so_and_nothing_else_does():
    for name, (source, status) in told().items():
        assert (status == "check") == ("not verified" in source), name


def test_sources_are_written_for_a_reader_outside_this_project():
    for name, (source, _) in told().items():
        assert not re.search(r"\[(V|S|G)[0-9]*b?\]|domain\.md|design\.md", source), name


def test_only_what_protects_somebody_stops_what_is_urgent():
    always = {
        (rule.id, name)
        for rule in BOOK.rules
        for name, answer in rule.answers.items()
        if answer.severity == "gate" and answer.when_urgent == "gate"
    }
    assert always == {
        ("R8", "not-to-share"),
        ("R18", "always-denied"), ("R18", "prohibited"),
        ("R23", "told"), ("R23", "address"), ("R23", "address-field"),
        ("LG", "identified"),
        ("LC", "purpose-outside"), ("LC", "recipient-outside"), ("LC", "field-outside"),
    }  # fmt: skip


def test_the_codes_that_a_rule_reads_are_codes():
    assert all(code in vocabulary.load("purposes") for code in BOOK["F13"].params["purposes"])
    assert all(code in vocabulary.load("advice-roles") for code in BOOK["F12"].params["roles"])
    types = {term.more["type"] for term in vocabulary.load("gateways")}
    assert {*BOOK["L6"].params["gateway_types"], *BOOK["L6"].params["duty_types"]} <= types
    said = registry.document("terms")["properties"]
    assert {*BOOK["R13"].params["parts"]} <= set(said)
    assert {*BOOK["R3"].params["parts"], *BOOK["R3"].params["parts"].values()} <= set(said["override"]["properties"])
    assert {*BOOK["F9"].params["parts"]} <= set(said["hra"]["properties"])
    for status in vocabulary.load("informing-status"):
        assert {*status.more.get("needs", ())} <= set(BOOK["R4"].params["answers"])


def test_every_myth_is_answered_by_a_rule_of_the_book():
    for term in vocabulary.load("refusal-reasons"):
        if term.more.get("rejected"):
            assert "myth" in BOOK[term.more["rule"]].answers


def test_the_words_of_a_list_are_written_as_they_are_compared():
    for rule in BOOK.rules:
        for name in ("stock", "judgements", "impressions", "fair"):
            for phrase in rule.params.get(name, ()):
                assert re.fullmatch(r"[a-z]+( [a-z]+)*", phrase), (rule.id, phrase)


def test_what_is_required_when_urgent_is_required_always():
    schema = registry.document("terms")
    assert set(schema["x-required-when-urgent"]) < set(schema["required"])


# the golden rules


@pytest.mark.parametrize("book", EDITIONS.values(), ids=EDITIONS)
def test_an_edition_has_seven_golden_rules_and_eight_checks_of_the_sixth(book):
    assert [rule.number for rule in book.golden_rules] == [1, 2, 3, 4, 5, 6, 7]
    assert {rule.id for rule in book.golden_rules} == {f"GR{number}" for number in range(1, 8)}
    assert {rule.id: len(rule.checks) for rule in book.golden_rules if rule.checks} == {"GR6": 8}
    known = {rule.id for rule in book.rules}
    for rule in (each for top in book.golden_rules for each in (top, *top.checks)):
        assert {narrowed.partition("/")[0] for narrowed in rule.rules} <= known
        assert rule.way_through


def test_every_rule_bears_on_a_golden_rule():
    borne = {
        narrowed.partition("/")[0]
        for top in BOOK.golden_rules
        for each in (top, *top.checks)
        for narrowed in each.rules
    }
    assert borne == {rule.id for rule in BOOK.rules}


def test_the_edition_of_2018_has_the_words_that_local_procedures_quote():
    words = {rule.number: rule.wording for rule in EDITIONS["hmg-2018"].golden_rules}
    assert words[1].startswith("Remember that the UK General Data Protection Regulation (GDPR)")
    assert words[3].endswith("without disclosing the identity of the individual where possible.")
    assert "mindful that an individual might not expect information to be shared" in words[4]
    assert words[7].startswith("Keep a record of your decision and the reasons for it")


def test_2024_and_2018_number_advice_and_consent_the_other_way_round():
    numbers = {name: {rule.id: rule.number for rule in book.golden_rules} for name, book in EDITIONS.items()}
    assert (numbers["hmg-2024"]["GR3"], numbers["hmg-2024"]["GR4"]) == (4, 3)
    assert (numbers["hmg-2018"]["GR3"], numbers["hmg-2018"]["GR4"]) == (3, 4)


def test_in_2015_an_answer_is_awaited_unless_somebody_says_why_not():
    change = {"terms.agreement.0.status": "sought-awaiting", "terms.agreement.0.reason": []}
    share = Share("safeguarding-referral", change)
    weights = {name: [each.severity for each in share.findings(book=name) if each.rule == "R2"] for name in EDITIONS}
    assert weights == {"hmg-2015": ["gate"], "hmg-2018": ["needs-reason"], "hmg-2024": ["needs-reason"]}


def judged(share: Share, book: str = "hmg-2024") -> dict[str, tuple[str, str]]:
    found = golden_rules.judge(share.terms, share.data, share.findings(book=book), book=book)
    return {each.rule.id: (each.verdict, each.evidence) for top in found for each in (top, *top.checks)}


def test_a_share_that_keeps_the_golden_rules_passes_each_with_its_evidence():
    assert judged(Share("safeguarding-referral")) == {
        "GR1": ("pass", "lawful_basis.art6"),
        "GR2": ("pass", "informing.status"),
        "GR4": ("pass", "agreement"),
        "GR3": ("pass", "advice"),
        "GR5": ("pass", "confidentiality.harm_if_not_shared"),
        "GR6": ("pass", ""),
        "GR6a": ("pass", "necessity"),
        "GR6b": ("pass", "proportionality"),
        "GR6c": ("pass", "need"),
        "GR6d": ("pass", "data"),
        "GR6e": ("pass", "data_as_at"),
        "GR6f": ("pass", "act_by"),
        "GR6g": ("pass", "retention.rule"),
        "GR6h": ("pass", "handling"),
        "GR7": ("pass", "decision.reasons"),
    }


GAPS = {
    "a myth": ("GR1", "decision.reasons.0", {"terms.decision.reasons.0": "gdpr-says-no"}),
    "nobody told, and not why": ("GR2", "informing.reason_not", {"terms.informing.reason_not": GONE}),
    "the child named for advice": ("GR3", "advice.0.reason", {"terms.advice.0.identity_disclosed": True}),
    "nobody asked, and not why": ("GR4", "agreement.0.facts", {"terms.agreement.0.facts": GONE}),
    "one harm weighed": ("GR5", "confidentiality.harm_if_shared", {"terms.confidentiality.harm_if_shared": GONE}),
    "no necessity": ("GR6a", "necessity", {"terms.necessity": GONE}),
    "no proportionality": ("GR6b", "proportionality", {"terms.proportionality": GONE}),
    "old and unexplained": (
        "GR6c", "statements.1.historical_note", {"data.statements.1.observed_at": "2021-06-04"},
    ),
    "an opinion as a fact": ("GR6e", "statements.1.text", {"data.statements.1.text": "He is an abuser"}),
    "owed": (
        "GR6f", "break_glass.review_on", {"terms.decision.outcome": "break-glass"},
    ),
    "kept until yesterday": ("GR6g", "retention.destroy_on", {"terms.retention.destroy_on": "2026-11-25"}),
    "somebody else knows": ("GR7", "decision.reasons.0", {"terms.decision.reasons.0": "assumed-known-elsewhere"}),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "field", "change"), GAPS.values(), ids=GAPS)
def test_a_gap_is_shown_at_its_golden_rule_and_field_and_at_no_other(rule, field, change):
    found = judged(Share("safeguarding-referral", change))
    gaps = {each: evidence for each, (verdict, evidence) in found.items() if verdict == "gap"}
    assert gaps == {rule: field} | ({"GR6": field} if rule.startswith("GR6") else {})


def test_advice_that_nobody_needed_does_not_apply():
    assert judged(Share("cp-is-flag"))["GR3"] == ("not-applicable", "")


# explaining


def test_every_rule_can_be_explained_in_any_case():
    ids = [*(rule.id for rule in BOOK.rules), "GR5", "GR6e", "R19", "R24", "local-policy", "R18.1", "R18.10"]
    for rule in ids:
        found = rulebook.explain(rule.lower())
        assert found.id == rule
        assert all((found.title, found.text, found.source, found.status, found.way_through))


def test_a_golden_rule_is_explained_in_the_words_of_its_edition():
    assert rulebook.explain("GR5", "hmg-2018").text.startswith("Consider safety and well-being")
    assert rulebook.explain("GR5").text.startswith("When you share")


UNKNOWN = {"a rule that there is not": "R99", "a name": "XXTEST-Marlow", "nothing": "", "a step": "R18.99"}


@pytest.mark.parametrize("rule", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_rule_is_refused_and_not_repeated(rule):
    with pytest.raises(UnknownCode) as refused:
        rulebook.explain(rule)
    assert "XXTEST" not in f"{refused.value} {refused.value.hint}"


def test_an_unknown_rulebook_is_refused_with_the_names_there_are():
    with pytest.raises(UnknownCode) as refused:
        rulebook.load("hmg-1998")
    assert "hmg-2024" in refused.value.hint


def test_an_edition_that_changes_a_rule_that_there_is_not_is_refused(monkeypatch):
    documents = {name: registry.document("rulebook", name) for name in rulebook.names()}
    documents["hmg-2018"] = {**documents["hmg-2018"], "rules": [{"id": "R99"}]}
    monkeypatch.setattr(registry, "document", lambda kind, name: documents[name])
    monkeypatch.setattr(rulebook, "load", rulebook.load.__wrapped__)
    with pytest.raises(UnknownCode):
        rulebook.load("hmg-2018")


# the page


def test_the_page_of_rules_is_made_from_the_rulebook():
    made = subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / "rules"), "-"], capture_output=True, text=True, check=True
    )
    assert (REPOSITORY / "docs" / "rules.md").read_text() == made.stdout, "run scripts/rules"


def test_the_page_has_every_rule_and_every_step():
    page = (REPOSITORY / "docs" / "rules.md").read_text()
    steps = registry.document("engine")["steps"]
    kept = [each["id"] for each in BOOK.elsewhere]
    for name in (*(rule.id for rule in BOOK.rules), *steps, *kept):
        assert re.search(rf"^### {re.escape(name)}\b", page, re.M), name
