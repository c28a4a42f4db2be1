"""Words are compared by their letters and digits: whatever hides a secret shows it, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sharekit.domain.wording import Secret, Words, has_address, has_postcode, is_moment, plain, texts, unquoted


def test_every_text_is_found_with_its_place():
    value = {"a": "one", "b": [{"c": "two", "d": 3}, "three", None], "e": {"f": ("four",)}}
    assert texts(value) == [("a", "one"), ("b.0.c", "two"), ("b.1", "three"), ("e.f.0", "four")]


def test_a_value_without_bottom_is_looked_into_only_so_far():
    value: object = "deep"
    for _ in range(5000):
        value = [value]
    assert texts(value) == []


def test_texts_are_compared_without_capitals_accents_and_what_does_not_show():
    assert plain("ZO\u00cb \ufb01ve \u0665\u00ad\u200b") == "zoe five 5"


def test_letters_that_have_no_accent_to_take_off_are_compared_as_they_are_typed_here():
    assert (
        plain("\u0110ur\u0111a \u00de\u00f3r\u00f0ur \u00c6sa \u0141ucja S\u0153ur") == "durda thordur aesa lucja soeur"
    )


SEPARATORS = st.sampled_from(["", " ", "-", ".", "\u200b", "\u2060", "\u3000", "/", "\n", "\u00ad", ", "])
POSTCODES = st.from_regex(r"ZZ99 [0-9][A-Z]{2}", fullmatch=True)
PHONES = st.from_regex(r"01632 960[0-9]{3}", fullmatch=True)
AROUND = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)


@settings(deadline=None, max_examples=200)
@given(POSTCODES | PHONES, st.data(), AROUND, AROUND)
def test_a_postcode_or_a_number_is_found_however_it_is_broken_up(token, data, before, after):
    letters = [each for each in token if each != " "]
    hidden = "".join(letter + data.draw(SEPARATORS) for letter in letters)
    assert Secret.of(token).is_in(Words.of(f"{before} | {hidden.upper()} | {after}"))
    wide = hidden.translate({code: code + 0xFEE0 for code in range(0x30, 0x5B)})
    assert Secret.of(token).is_in(Words.of(f"{before} | {wide} | {after}"))


NAMES = st.from_regex(r"[A-Z][a-z]{2,8}", fullmatch=True)


@settings(deadline=None, max_examples=200)
@given(NAMES, st.from_regex(r"[a-z]{1,5}", fullmatch=True))
def test_a_name_is_found_as_a_word_and_not_in_a_longer_one(name, more):
    assert Secret.of(name).is_in(Words.of(f"met {name.upper()}'s aunt"))
    assert not Secret.of(name).is_in(Words.of(f"{more}{name.lower()}"))
    assert not Secret.of(name).is_in(Words.of(f"{name.lower()}{more}"))


@settings(deadline=None, max_examples=200)
@given(AROUND, AROUND)
def test_no_text_is_too_strange_to_be_compared(token, text):
    words = Words.of(text)
    secret = Secret.of(token)
    assert secret.is_in(words) in (True, False)
    assert secret.may_be_in(words) or not secret.is_in(words)
    assert has_postcode(text) in (True, False)
    assert len(words) == len(words.spaced.split())


POSTCODE = {
    "with its space": ("at ZZ99 3AB", True),
    "without": ("zz993ab", True),
    "in a sentence": ("(ZZ1A 2BB).", True),
    "a time": ("2026-11-26T13:45:00Z", False),
    "a pupil number": ("A999000100002", False),
    "an ordinary number of things": ("at 4 5 of them left", False),
    "a longer word": ("AZZ99 3ABC", False),
}


@pytest.mark.parametrize(("text", "found"), POSTCODE.values(), ids=POSTCODE)
def test_a_postcode_is_known_by_its_form(text, found):
    assert has_postcode(text) is found


ADDRESS = {
    "a house and a street": ("at 4 Example Terrace now", True),
    "a flat": ("12a, Long Example Road", True),
    "a sentence": ("2 in the road", False),
    "a street without a number": ("Example Road", False),
}


@pytest.mark.parametrize(("text", "found"), ADDRESS.values(), ids=ADDRESS)
def test_an_address_is_a_number_and_a_street(text, found):
    assert has_address(text, ("road", "terrace"), ("in", "the")) is found


def test_what_is_quoted_is_left_aside_and_an_apostrophe_quotes_nothing():
    assert unquoted('He said "liar" and \u201cabuser\u201d') == "He said   and  "
    assert unquoted("Mum's friend's dog") == "Mum's friend's dog"


def test_a_moment_is_what_a_machine_writes():
    assert all(map(is_moment, ("2026-11", "2026-11-26", "2026-11-26T13:45:00Z", "2026-11-26T13:45:00+01:00")))
    assert not any(map(is_moment, ("2026-11-26 ZZ99 3AB", "26 November 2026", "")))
