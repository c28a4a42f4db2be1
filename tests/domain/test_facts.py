"""What stands where a fact is wanted and is none is refused when a share is sealed, whatever form it has."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from world.shares import Share

from sharekit.domain import display, forms, profile
from sharekit.domain.terms import ShareTerms
from sharekit.errors import FieldInvalid


def refused(name: str, path: str, value: Any, **more: Any) -> FieldInvalid:
    with pytest.raises(FieldInvalid) as found:
        Share(name, {path: value} | more).seal()
    assert path.partition(".")[2] in found.value.message
    return found.value


NOBODY = [str(digit) * 10 for digit in range(10)] + ["9876543210", "000 000 0000", "999-999-9999"]


@pytest.mark.parametrize("number", NOBODY)
def test_a_number_that_stands_for_nobody_is_no_number_of_a_child(number):
    assert refused("cp-is-flag", "data.nhs_number", number).code == "field-invalid"


@pytest.mark.parametrize("number", [-9990000018, 0, True])
def test_a_number_below_nought_or_none_is_no_number_of_a_child(number):
    refused("cp-is-flag", "data.nhs_number", number)
    assert Share("cp-is-flag", {"data.nhs_number": 9990000018}).seal()


def test_a_pupil_number_of_noughts_is_nobodys():
    assert "placeholder" in refused("safeguarding-referral", "data.child.upn", "A000000000000").message


def test_a_number_beside_the_status_that_says_that_there_is_none_is_a_contradiction():
    message = refused("cp-is-flag", "data.nhs_number_status", "07").message
    assert "nhs_number" in message
    for status in ("01", "02", "03", "04", "05", "06", "08"):
        assert Share("cp-is-flag", {"data.nhs_number_status": status}).seal()


def test_a_status_that_says_that_there_is_a_number_wants_one():
    kind = profile.load("cp-is-flag")
    for status in ("01", "02"):
        with pytest.raises(FieldInvalid):
            kind._validator.check_facts({"nhs_number_status": status})  # where minimising may have taken the number


@pytest.mark.parametrize("number", ["1632 960101", "7700900123", "00000 000000", "01632 9601011", "03 04 2019"])
def test_a_number_that_reaches_nobody_is_no_telephone_number(number):
    for field in ("office_phone", "emergency_duty_phone"):
        assert "area code" in str(refused("cp-is-flag", f"data.{field}", number).hint)


LONG_AGO = ["1900-01-01", "01/01/1900", "1 January 1900", "1901-01-01"]


@pytest.mark.parametrize("day", LONG_AGO)
def test_a_day_that_forms_fill_in_by_themselves_is_no_birthday(day):
    assert "placeholder" in refused("cp-is-flag", "data.date_of_birth", day).message
    assert "placeholder" in refused("safeguarding-referral", "data.child.date_of_birth", day).message


def test_a_birth_that_has_not_come_is_refused_in_any_form():
    for day in ("2099-01-01", "1/1/2099", "1 January 2099"):
        assert "future" in refused("cp-is-flag", "data.date_of_birth", day).message


HIDDEN = {
    "no width": "\u200b",
    "a joiner alone": "\u200d",
    "a soft hyphen": "\u00ad",
    "a filler of Hangul": "\u3164",
    "a half-width filler": "\uffa0",
    "an empty pattern of Braille": "\u2800",
    "tags": "\U000e0041\U000e0042",
    "an override": "\u202e",
    "an isolate": "\u2066\u2069",
    "a mark of direction": "\u200e",
    "a variation": "\ufe00",
    "a variation of an emoji": "\ufe0f",
    "a variation of Mongolian": "\u180f",
    "a control character": "\x9b",
    "a character for private use": "\ue000",
    "a word joiner": "\u2060",
}


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("around", ["{}", "Wren{} Ashby", "{}Wren", "Wren{}"])
def test_a_line_in_which_something_is_hidden_is_refused_in_data_and_terms(hidden, around):
    text = around.format(hidden)
    refused("safeguarding-referral", "data.child.name", text)
    refused("safeguarding-referral", "terms.decision.by", text)
    assert not display.is_plain_line(text)


def test_how_a_sign_is_drawn_is_kept_in_a_text_and_hides_in_no_name():
    assert display.shown("she drew a \u2764\ufe0f") == display.json_shown("she drew a \u2764\ufe0f")
    assert display.shown("\ufe0f") == "\ufe0f"
    assert not display.is_plain_line("Quill\ufe0fbrook")


PLACEHOLDERS = [
    "unknown",
    "Unknown",
    " N/A ",
    "TBC",
    "tbc.",
    "to be confirmed",
    "not known",
    "...",
    "?",
    "-",
    "xxx",
    "None",
    "T.B.C.",
    "(unknown)",
    "[not known]",
    "<TBC>",
    "'n/a'",
    "unk.",
    "Not yet known",
    "See above",
    "xx",
    "Ddim yn hysbys",
]


@pytest.mark.parametrize(
    "name", ["Na", "Nk", "Null", "Baby XXTEST-Varley", "None Such", "Ana (Nan)", "X.", "Tba O'Nil"]
)
def test_a_name_that_looks_like_a_placeholder_is_a_name(name):
    assert not forms.is_placeholder("line", name, field="name")


@pytest.mark.parametrize("word", PLACEHOLDERS)
def test_a_word_in_place_of_a_name_is_no_name(word):
    refused("early-help-referral", "data.child.name", word)


@pytest.mark.parametrize("name", ["Nil XXTEST-Ashby", "Na", "An Other", "Known", "X", "\u674e", "Test"])
def test_a_short_or_strange_name_is_a_name(name):
    assert Share("early-help-referral", {"data.child.name": name}).findings() is not None


def test_whoever_cannot_wait_may_not_know_a_name():
    share = Share("safeguarding-referral", {"data.child.name": "unknown", "terms.urgency": "immediate"})
    assert share.seal()


def test_a_long_text_keeps_what_is_hidden_in_it():
    said = {"data.statements.0.text": "He wrote \u202ereversed\u202c, and\u200bmore"}
    assert Share("safeguarding-referral", said).seal()


# --- the form in which it is sealed ---

WRITTEN = {
    "date_of_birth": ("14/03/2019", "2019-03-14"),
    "nhs_number": ("999 000 0018", "9990000018"),
    "office_phone": ("(01632) 960101", "01632 960101"),
    "emergency_duty_phone": ("+44 (0)1632 960\u00a0102", "01632 960102"),
    "sequence_no": ("4", 4),
    "plan_start": ("1 Sept 2026", "2026-09-01"),
    "plan_type": (" cpp ", "cpp"),
    "upload_id": (" M\u20112026\u201144 ", "M-2026-44"),
}


@pytest.mark.parametrize(("field", "written", "kept"), [(name, *both) for name, both in WRITTEN.items()], ids=WRITTEN)
def test_what_is_sealed_is_the_form_in_which_it_is_kept(field, written, kept):
    share = Share("cp-is-flag", {f"data.{field}": written})
    assert profile.load("cp-is-flag").read(share.data)[field] == kept
    assert share.seal()


def test_what_is_kept_of_terms_is_in_one_form_too():
    read = Share("cp-is-flag").terms
    decomposed = unicodedata.normalize("NFD", "Zo\u00eb XXTEST-Varley")
    share = Share("cp-is-flag", {"terms.data_as_at": "27/11/2026", "terms.decision.by": f" {decomposed}  "})
    terms = ShareTerms.parse(share.terms)
    assert (terms.json["data_as_at"], terms.json["decision"]["by"]) == ("2026-11-27", "Zo\u00eb XXTEST-Varley")
    assert {**terms.json, "data_as_at": read["data_as_at"], "decision": read["decision"]} == read
