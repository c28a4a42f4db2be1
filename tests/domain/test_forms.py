"""The same value in another form is the same value: whatever writes it, what is read back is the value."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharekit.domain import forms, workdays
from sharekit.domain.identifiers import identifier_value, is_nhs_number, is_phone
from sharekit.errors import FieldInvalid, Usage

MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October"]
MONTHS += ["November", "December"]
WELSH = ["Ionawr", "Chwefror", "Mawrth", "Ebrill", "Mai", "Mehefin", "Gorffennaf", "Awst", "Medi", "Hydref"]
WELSH += ["Tachwedd", "Rhagfyr"]


def wide(text: str) -> str:
    """The digits as a Japanese keyboard writes them."""
    return "".join(chr(ord(each) + 0xFEE0) if each.isdecimal() else each for each in text)


def arabic(text: str) -> str:
    return "".join(chr(ord(each) + 0x0660 - ord("0")) if each.isdecimal() else each for each in text)


def ending(day: int) -> str:
    return "th" if 10 < day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


DAYS: dict[str, Callable[[date], str]] = {
    "as a computer writes it": lambda d: d.isoformat(),
    "as a form has it": lambda d: f"{d:%d/%m/%Y}",
    "without noughts": lambda d: f"{d.day}/{d.month}/{d.year}",
    "with dots": lambda d: f"{d.day}.{d.month}.{d.year}",
    "with dots and spaces": lambda d: f"{d.day}. {d.month}. {d.year}",
    "with hyphens": lambda d: f"{d:%d-%m-%Y}",
    "with a word processor's dashes": lambda d: f"{d:%d\u2013%m\u2013%Y}",
    "with minus signs": lambda d: f"{d:%Y\u2212%m\u2212%d}",
    "with hyphens that do not break": lambda d: f"{d:%d\u2011%m\u2011%Y}",
    "with spaces": lambda d: f"{d:%d %m %Y}",
    "with slashes and spaces": lambda d: f"{d:%d / %m / %Y}",
    "in words": lambda d: f"{d.day} {MONTHS[d.month - 1]} {d.year}",
    "in capitals": lambda d: f"{d.day} {MONTHS[d.month - 1]} {d.year}".upper(),
    "said aloud": lambda d: f"the {d.day}{ending(d.day)} of {MONTHS[d.month - 1]}, {d.year}".removeprefix("the "),
    "abbreviated": lambda d: f"{d.day} {MONTHS[d.month - 1][:3]} {d.year}",
    "as a database has it": lambda d: f"{d.day:02}-{MONTHS[d.month - 1][:3].upper()}-{d.year}",
    "without spaces": lambda d: f"{d.day}{MONTHS[d.month - 1][:3]}{d.year}",
    "with its day of the week": lambda d: f"{d:%A} {d.day} {MONTHS[d.month - 1]} {d.year}",
    "with its day of the week and commas": lambda d: f"{d:%a}, {d.day} {MONTHS[d.month - 1]} {d.year}",
    "in Welsh": lambda d: f"{d.day} {WELSH[d.month - 1]} {d.year}",
    "with spaces that do not break": lambda d: f"{d.day}\u00a0{MONTHS[d.month - 1]}\u202f{d.year}",
    "copied with marks of direction": lambda d: f"\u202a{d:%d/%m/%Y}\u202c\u200e",
    "with a byte order mark": lambda d: f"\ufeff{d.isoformat()}",
    "with a line end": lambda d: f" {d.isoformat()}\r\n",
    "in wide digits": lambda d: wide(f"{d:%d/%m/%Y}"),
    "in Arabic digits": lambda d: arabic(f"{d:%d/%m/%Y}"),
    "eight digits, the day first": lambda d: f"{d:%d%m%Y}",
    "eight digits, the year first": lambda d: f"{d:%Y%m%d}",
    "the year first, with slashes": lambda d: f"{d.year}/{d.month}/{d.day}",
    "as a spreadsheet exports it": lambda d: f"{d.isoformat()} 00:00:00",
    "as JSON exports it": lambda d: f"{d.isoformat()}T00:00:00.000Z",
}
SOME_DAY = st.dates(date(1900, 1, 1), date(2099, 12, 31))


@given(day=SOME_DAY, written=st.sampled_from(list(DAYS)))
def test_a_day_is_read_back_whoever_wrote_it(day, written):
    assert forms.canonical("day", DAYS[written](day)) == day.isoformat(), written
    assert forms.canonical("day-or-time", DAYS[written](day)) == day.isoformat(), written


NO_DAYS = {
    "nothing": "",
    "two digits for the year": "14/03/19",
    "two digits for the year, with dots": "14.3.19",
    "an apostrophe for the century": "14 March '19",
    "the month first": "03/14/2019",
    "the month first, in words": "March 14, 2019",
    "a month without its day": "March 2019",
    "a year": "2019",
    "a day of no calendar": "29/02/2019",
    "the 31st of a short month": "31 April 2019",
    "a month of no calendar": "14/13/2019",
    "the wrong day of the week": "Friday 14 March 2019",
    "a word that is no day of the week": "Someday 14 March 2019",
    "a month that is none": "14 Marching 2019",
    "another century": "14/03/1819",
    "a time": "2019-03-14 17:40",
    "two days": "14/03/2019 15/03/2019",
    "a range": "14-15/03/2019",
    "a sum": "14/03/2019+1",
    "seven digits": "1432019",
    "a spreadsheet's number": "43538",
}


@pytest.mark.parametrize("text", NO_DAYS.values(), ids=NO_DAYS)
def test_a_day_that_two_people_would_read_differently_is_not_guessed(text):
    assert forms.canonical("day", text) is None
    with pytest.raises(FieldInvalid) as refused:
        forms.needed("day", text, "the day")
    assert "14 March 2019" in refused.value.hint
    assert not text or text not in f"{refused.value.message} {refused.value.hint}" or text in ("March 2019", "2019")


# --- times ---

TIMES: dict[str, Callable[[datetime], str]] = {
    "without seconds": lambda t: f"{t:%Y-%m-%d %H:%M}",
    "with a T": lambda t: f"{t:%Y-%m-%dT%H:%M}",
    "with seconds": lambda t: f"{t:%Y-%m-%d %H:%M:%S}",
    "as a form has it": lambda t: f"{t:%d/%m/%Y %H:%M}",
    "with a dot": lambda t: f"{t:%d/%m/%Y %H.%M}",
    "in words": lambda t: f"{t.day} {MONTHS[t.month - 1]} {t.year} at {t:%H:%M}",
    "with a comma": lambda t: f"{t.day} {MONTHS[t.month - 1]} {t.year}, {t:%H:%M}",
    "of twelve hours": lambda t: f"{t:%d/%m/%Y} {t.hour % 12 or 12}:{t:%M}{'am' if t.hour < 12 else 'pm'}",
    "of twelve hours, with dots": lambda t: (
        f"{t:%d/%m/%Y} {t.hour % 12 or 12}.{t:%M} {'a.m.' if t.hour < 12 else 'p.m.'}"
    ),
    "four digits": lambda t: f"{t:%d/%m/%Y %H%M}",
}
SOME_TIME = st.datetimes(datetime(1900, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC))


@given(moment=SOME_TIME, written=st.sampled_from(list(TIMES)))
def test_a_time_without_its_offset_is_what_clocks_here_showed(moment, written):
    moment = moment.replace(second=0, microsecond=0)
    here = workdays.local(moment)
    twice = {workdays.local(moment + timedelta(hours=hours)) == here for hours in (-1, 1)}
    found = forms.canonical("time", TIMES[written](here))
    if True in twice:
        assert found is None
    else:
        assert datetime.fromisoformat(found) == moment, written


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-28T17:40:05Z", "2026-11-28T17:40:05Z"),
        ("2026-11-28T17:40:05.25+01:00", "2026-11-28T17:40:05.25+01:00"),
        ("2026-11-28t17:40z", "2026-11-28T17:40:00Z"),
        ("2026-11-28 17:40 +0100", "2026-11-28T17:40:00+01:00"),
        ("25 October 2026 01:30 GMT", "2026-10-25T01:30:00Z"),
        ("25 October 2026 01:30 BST", "2026-10-25T01:30:00+01:00"),
        ("2026-11-28 5pm", "2026-11-28T17:00:00Z"),
        ("2026-11-28 12am", "2026-11-28T00:00:00Z"),
    ],
)
def test_a_time_keeps_the_offset_that_it_has(text, value):
    assert forms.canonical("time", text) == value


@pytest.mark.parametrize(
    "text",
    [
        "17:40",
        "2026-11-28",
        "2026-11-28 25:00",
        "2026-11-28 17:60",
        "2026-11-28 13pm",
        "2026-03-29 01:30",
        "28/11/26 17:40",
        "28/11/2026 009:05",
        "28/11/2026 117:40",
    ],
)
def test_a_time_without_its_day_or_of_no_clock_is_not_guessed(text):
    assert forms.canonical("time", text) is None


# --- numbers ---

GROUPED: dict[str, Callable[[str], str]] = {
    "plain": lambda n: n,
    "in groups": lambda n: f"{n[:3]} {n[3:6]} {n[6:]}",
    "with hyphens": lambda n: f"{n[:3]}-{n[3:6]}-{n[6:]}",
    "with spaces that do not break": lambda n: f"{n[:3]}\u00a0{n[3:6]}\u00a0{n[6:]}",
    "with thin spaces": lambda n: f"{n[:3]}\u2009{n[3:6]}\u2009{n[6:]}",
    "with a label": lambda n: f"NHS No: {n}",
    "with a longer label": lambda n: f"NHS Number {n[:3]} {n[3:6]} {n[6:]}",
    "with dashes": lambda n: f"{n[:3]}\u2013{n[3:6]}\u2013{n[6:]}",
    "between blanks": lambda n: f"  {n}\r\n",
    "in wide digits": wide,
}
NHS = st.integers(0, 999_999).map(lambda n: f"999{n:06}").map(
    lambda nine: next((f"{nine}{last}" for last in range(10) if is_nhs_number(f"{nine}{last}")), None)
).filter(lambda number: number and not forms.is_placeholder("nhs-number", number))  # fmt: skip


@given(number=NHS, written=st.sampled_from(list(GROUPED)))
def test_an_nhs_number_is_read_back_however_it_is_grouped(number, written):
    assert forms.canonical("nhs-number", GROUPED[written](number)) == number
    assert identifier_value("nhs", GROUPED[written](number)) == number


PHONES = {
    "01632 960211": [
        "01632960211", "(01632) 960211", "(01632)960211", "01632-960-211", "01632.960.211", "01632/960211",
        "+44 1632 960211", "+44 (0)1632 960211", "+44(0)1632960211", "0044 1632 960211", "(+44) 1632 960211",
        "01632\u00a0960\u00a0211", "tel: 01632 960211", "Tel. 01632 960211", "\u202d01632 960211\u202c",
        "01632 960211\n", "+44-1632-960211", "tel:+441632960211", "01632 \u2013 960211",
        "44 1632 960211", "441632960211",
    ],
    "020 7946 0123": ["02079460123", "(020) 7946 0123", "+44 20 7946 0123", "0207 946 0123"],
    "0121 496 0123": ["01214960123", "(0121) 496-0123"],
    "07700 900123": ["07700900123", "+44 7700 900 123", "0770 090 0123"],
    "01632 960211 ext 12": ["(01632) 960211 x12", "01632960211 extension 12", "01632 960211 Ext. 12"],
    "+353 1 234 5678": ["00353 1 234 5678", "+353-1-234-5678", "+353 (1) 234 5678"],
    "0800 1111": ["0800-1111", "(0800) 1111"],
}  # fmt: skip


@pytest.mark.parametrize(("number", "written"), PHONES.items(), ids=PHONES)
def test_a_telephone_number_is_read_back_however_it_is_written(number, written):
    assert {forms.canonical("phone", each) for each in (*written, number)} == {number}
    assert is_phone(number)


UNDIALLED = [
    "", "none", "999", "ring the office", "01632 96021a", "javascript:0123456789", "1" * 16, "1632960211",
    "7700 900123", "960 2110", "01632 9602111", "01632 960211/2", "03/04/2019", "2019-03-14", "999 000 0018",
    "00000 000000", "+0 1632 960211",
]  # fmt: skip


@pytest.mark.parametrize("text", UNDIALLED)
def test_what_nobody_can_dial_is_no_telephone_number(text):
    assert forms.canonical("phone", text) is None


@pytest.mark.parametrize(
    ("scheme", "written", "value"),
    [
        ("upn", "c999 0000 0000 1", "C999000000001"),
        ("upn", "UPN: C999000000001", "C999000000001"),
        ("local", " CYP\u2011123 ", "CYP-123"),
        ("local", "CYP\u00a0 123", "CYP 123"),
    ],
)
def test_an_identifier_is_the_same_in_any_form(scheme, written, value):
    assert identifier_value(scheme, written) == value


@pytest.mark.parametrize(("scheme", "written"), [("nhs", "999 000 001"), ("nhs", "a name"), ("upn", "12")])
def test_an_identifier_that_cannot_be_read_says_what_is_wanted_and_nothing_of_itself(scheme, written):
    with pytest.raises(FieldInvalid) as refused:
        identifier_value(scheme, written)
    assert "such as" in refused.value.hint
    assert written not in refused.value.message
    with pytest.raises(Usage):
        identifier_value("nobody's", written)


FOOTNOTES = {"day": "{}3/04/2019", "nhs-number": "999 000 001{}", "phone": "01632 96021{}", "number": "2{}"}


@pytest.mark.parametrize("mark", ["\u00b2", "\u00b9", "\u2460", "\u2482", "\u2078", "\u00bd"])
@pytest.mark.parametrize(("form", "written"), FOOTNOTES.items(), ids=FOOTNOTES)
def test_the_mark_of_a_footnote_is_no_digit_of_a_number(form, written, mark):
    assert forms.canonical(form, written.format(mark)) is None


# --- fingerprints and files ---

DIGITS = "3f2a91c0" * 8
FINGERPRINTS = {
    "as sharekit prints it": " ".join(DIGITS[at : at + 4] for at in range(0, 64, 4)),
    "with the label that sharekit prints": f"fingerprint: {DIGITS}",
    "with the longer label": f"fingerprint of its card: {DIGITS}",
    "with the name of the hash": f"SHA256:{DIGITS}",
    "in pairs": ":".join(DIGITS[at : at + 2] for at in range(0, 64, 2)),
    "in capitals, on two lines": f"{DIGITS[:32].upper()}\n{DIGITS[32:].upper()}",
    "with hyphens": f"{DIGITS[:32]}-{DIGITS[32:]}",
    "with letters for nought and one": DIGITS.replace("0", "O").replace("1", "l"),
    "with spaces that do not break": f"{DIGITS[:32]}\u00a0{DIGITS[32:]}",
}


@pytest.mark.parametrize("text", FINGERPRINTS.values(), ids=FINGERPRINTS)
def test_a_fingerprint_is_the_same_in_any_form(text):
    assert forms.canonical("fingerprint", text) == DIGITS


@pytest.mark.parametrize("text", ["", DIGITS[:-1], DIGITS + "0", "fingerprint:", DIGITS[:-1] + "g"])
def test_what_is_no_whole_fingerprint_is_none(text):
    assert forms.canonical("fingerprint", text) is None


SAVED: dict[str, Callable[[str], bytes]] = {
    "UTF-8": lambda text: text.encode(),
    "with a byte order mark": lambda text: text.encode("utf-8-sig"),
    "with Windows line ends": lambda text: text.replace("\n", "\r\n").encode(),
    "with both": lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"),
    "with the line ends of an old Macintosh": lambda text: text.replace("\n", "\r").encode(),
    "as PowerShell saves it": lambda text: text.replace("\n", "\r\n").encode("utf-16"),
}


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\r\ufeff")), saved=st.sampled_from(list(SAVED)))
def test_a_file_has_the_same_text_whatever_saved_it(text, saved):
    assert forms.saved_text(SAVED[saved](text)) == text


# --- names ---

NAMES = {
    "O\u2019Brien": ["O'Brien", "o\u2019brien", " O\u2019Brien", "O\u2018Brien", "O\u02bcBrien", "OBrien"],
    "\u00d3b Ann": [unicodedata.normalize("NFD", "\u00d3b Ann"), "\u00d3B  ANN", "\u00d3b\u00a0Ann\n", "\u00d3b-Ann"],
    "\u0110ur\u0111a": ["Durda", "durda", "\u0110URDA"],
    "\u00de\u00f3r\u00f0ur \u00c6sa": ["Thordur Aesa", "\u00feordur aesa"],
}


@pytest.mark.parametrize(("name", "written"), NAMES.items(), ids=NAMES)
def test_a_name_is_compared_by_its_letters(name, written):
    assert {forms.comparable("line", each) for each in (*written, name)} == {forms.comparable("line", name)}
    assert forms.comparable("line", name) != forms.comparable("line", f"{name}a")


@given(text=st.text())
def test_what_was_read_once_reads_as_itself(text):
    for form in ("day", "time", "day-or-time", "rough-day", "nhs-number", "upn", "phone", "line", "text", "reference"):
        value = forms.canonical(form, text)
        assert value is None or forms.canonical(form, value) == value, form
