"""What somebody must not learn is found in every text, however it is written, and nothing innocent is."""

from __future__ import annotations

import pytest
from world.shares import Share

from sharekit.domain.wording import Secret

TOKENS = ["ZZ99 3AB", "01632 960777", "Larkmoor Primary", "Zoë", "12 Example Street", "Asif"]
HIDDEN = {
    "as it is": "She is at ZZ99 3AB now",
    "without the space": "She is at zz993ab now",
    "with a hyphen": "zz99-3ab",
    "letter by letter": "Z Z 9 9 3 A B",
    "across lines": "ZZ99\n3AB",
    "in full-width characters": "\uff3a\uff3a\uff19\uff19\u3000\uff13\uff21\uff22",
    "with invisible characters": "ZZ9\u200b9 3\u2060A\u00adB",
    "with letters of other alphabets": "\u0396\u039699 3\u0410\u0412",
    "in digits of another script": "ZZ\u0669\u0669 \u0663AB",
    "in mathematical letters": "\U0001d419\U0001d41999 3\U0001d400\U0001d401",
    "a telephone number, spaced otherwise": "Ring 0163 296 0777 after six",
    "a telephone number with the country's code": "Ring +44 (0)1632 960777",
    "a telephone number with the code and no nought": "Ring 0044 1632 960777",
    "a name in capitals": "now at LARKMOOR PRIMARY",
    "a name with punctuation": "now at Larkmoor-Primary's gate",
    "a name without its accent": "she is called Zoe there",
    "a name letter by letter": "A s i f",
    "an abbreviated street": "12, Example St.",
}


@pytest.mark.parametrize("words", HIDDEN.values(), ids=HIDDEN)
def test_what_must_not_be_learnt_is_found_however_it_is_written(words):
    people = [{"person": "the father", "facts": ["where she is"], "tokens": TOKENS}]
    given = {"terms.safety.must_not_learn": people}
    assert Share("safeguarding-referral", given).gates() == set()
    share = Share("safeguarding-referral", given, {"data.statements.1.text": words})
    assert [each.field for each in share.findings() if each.rule == "R23"] == ["statements.1.text"]


INNOCENT = {
    "a name in a longer word": ("Ann", "The visit was planned for the annual review"),
    "a name in two words": ("Asif", "He stood as if frozen"),
    "a name across two words": ("Ina", "She was locked in a shed"),
    "a house number in a longer number": ("12", "The reference is 1234"),
    "a flat in an age": ("4a", "Aged 4 a bruise was seen"),
    "a number in a telephone number": ("960", "Ring 01632 960101"),
    "a token of punctuation": ("...", "He said nothing ... and left"),
}


@pytest.mark.parametrize(("token", "words"), INNOCENT.values(), ids=INNOCENT)
def test_what_only_looks_like_it_is_left_alone(token, words):
    people = [{"person": "the father", "facts": ["a name"], "tokens": [token]}]
    change = {"terms.safety.must_not_learn": people, "data.statements.1.text": words}
    assert "R23" not in Share("safeguarding-referral", change).gates()


EVERYWHERE = [
    "terms.purpose_detail", "terms.harm_basis", "terms.threshold.rationale", "terms.confidentiality.conclusion",
    "terms.agreement.0.facts", "terms.informing.reason_not", "terms.decision.reasons.0", "terms.hra.interference",
    "terms.advice.0.outcome", "terms.necessity", "terms.isa_absence_reason", "terms.need.child.upn",
    "data.current_location", "data.who_with", "data.immediate_safety.who_protects", "data.statements.0.source",
    "data.child_voice.text", "data.child.name",
]  # fmt: skip


@pytest.mark.parametrize("path", EVERYWHERE)
def test_what_must_not_be_learnt_is_looked_for_in_every_text(path):
    people = [{"person": "the father", "facts": ["where she is"], "tokens": ["ZZ99 3AB"]}]
    change = {path: "At the refuge in ZZ99 3AB since Monday"}
    if path == "terms.need.child.upn":
        change = {"terms.need": {"child.upn": change[path]}}
    share = Share("safeguarding-referral", {"terms.safety.must_not_learn": people}, change)
    found = [each for each in share.findings() if each.rule == "R23"]
    assert [f"{each.message.split(':')[0]}.{each.field}" for each in found] == [path]
    assert not any("3AB" in f"{each.message} {each.way_through}" for each in found)


def test_the_words_that_were_searched_for_do_not_travel_in_a_finding():
    assert "ZZ99" not in repr(Secret.of("ZZ99 3AB"))


def test_a_code_is_no_address():
    gateways = {"terms.gateways": ["ca89-s47", "ca04-s16la", "ca04-s16lb"]}
    assert "R23" not in Share("strategy-s47", gateways).gates()


NO_ADDRESS = ["seen at 2 in the road", "between 3 and 4 on the street", "Level 4", "2026-11-26", "Year 6, 2 days"]


@pytest.mark.parametrize("words", NO_ADDRESS)
def test_a_number_and_a_street_in_a_sentence_are_no_address(words):
    assert "R23" not in Share("strategy-s47", {"data.statements.0.text": words}).gates()
