"""Asking for advice without naming the child: what is kept says nothing of who it is about."""

from __future__ import annotations

import copy
import json
import re
import stat
import unicodedata
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from world.agencies import EXAMPLES, example
from world.commands import sharekit

from sharekit.advice import brief
from sharekit.advice.scrub import Needle, Scrubber, born
from sharekit.domain import profile, vocabulary
from sharekit.errors import FieldInvalid, FieldMissing, NotMinimal, UnknownCode

NOW = datetime(2026, 11, 26, 15, tzinfo=UTC)
ADVISER = "csc-consultation-line"
WREN = json.loads((EXAMPLES / "decisions" / "early-help-wren.json").read_text())
PROFILES = sorted(path.name.removesuffix(".terms.json") for path in EXAMPLES.glob("*.terms.json"))


def wren(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(WREN) | changes


def saying(text: str, **child: str) -> dict[str, Any]:
    """Wren's early help, with this text in it, and a child with these details."""
    data = wren(conditions_on_agreement=text)
    data["child"] |= child
    return data


def brief_of(data: dict[str, Any], name: str = "early-help-referral", **more: Any) -> brief.Brief:
    return brief.brief(data, profile.load(name), more.pop("terms", {}), now=NOW, **more)


def kept(data: dict[str, Any], **more: Any) -> str:
    """All the words that the brief keeps."""
    return "\n".join(each.text for each in brief_of(data, **more).said)


# the story


def test_the_brief_of_the_story_says_child_a_10_primary_and_not_who_or_which_school(world):
    world.at("2026-11-10T14:30:00Z")
    made, entry = world.larkmoor.advice.brief(wren(), kind="early-help-referral", role=ADVISER)
    assert made.people == ("Child A, 10, primary", "Adult B")
    assert not re.search("wren|ashby|ilse|larkmoor|zz99|a9990001|960520|example row", made.text(), re.I)
    assert "Child A came to [an organisation] hungry on five days" in made.text()
    assert world.events("URN-999001") == ["genesis", "advice-sought"]
    _, told = list(world.larkmoor.entries())[entry]
    assert vocabulary.load("advice-roles").by_number(told.adviser).code == ADVISER
    assert told.disclosed is None
    assert told.rule == "R6"


def test_what_was_left_out_is_named_and_not_quoted():
    made = brief_of(wren())
    assert {"child.name", "child.date_of_birth", "child.upn", "address", "parents_carers.name"} <= set(made.left_out)
    assert all(re.fullmatch("[a-z_.]+", path) for path in made.left_out)
    assert "left out: child.name, child.date_of_birth" in made.text()


def test_a_brief_is_made_of_data_that_are_not_whole_yet():
    made = brief_of({"child": {"name": "Wren XXTEST-Ashby"}, "communication_needs": "Wren signs"})
    assert made.people == ("Child A",)
    assert [each.text for each in made.said] == ["Child A signs"]


# every profile's worked example


def words_of(value: Any, names: re.Pattern[str], name: str = "") -> list[str]:
    """Every text in a JSON value whose field has one of these names."""
    if isinstance(value, dict):
        return [text for inner, item in value.items() for text in words_of(item, names, inner)]
    if isinstance(value, list):
        return [text for item in value for text in words_of(item, names, name)]
    return [value] if isinstance(value, str) and names.fullmatch(name) else []


NAMES = re.compile("name|aliases|organisation.*|address")
WHOLE = re.compile("initials|.*number|upn|.*phone.*|contact|.*_ref|date_of_birth|source|.*location")


@pytest.mark.parametrize("name", PROFILES)
def test_no_brief_of_a_worked_example_says_who_where_or_which_number(name):
    data, terms = example(name)
    own = ["Fernshire County Council", "Larkmoor Primary Academy"]
    told = brief_of(data, name, terms=terms, organisations=own).text()
    plain = {"class teacher", "school safeguarding lead", "child", "mother"} | set(brief.rules()["plain_words"])
    parts = [part for text in words_of(data, NAMES) for part in re.findall(r"[\w-]{4,}", text)]
    for text in [*parts, *words_of(data, NAMES), *words_of(data, WHOLE), *own]:
        assert text.lower() in plain or not re.search(rf"(?<!\w){re.escape(text)}(?!\w)", told, re.I), text
    assert not re.search(r"XXTEST|999[0-9]{4}|01632|ZZ99|[0-9]{4}-[0-9]{2}-[0-9]{2}", told)


@pytest.mark.parametrize("name", PROFILES)
def test_every_field_is_either_told_or_named_as_left_out(name):
    data, terms = example(name)
    made = brief_of(data, name, terms=terms)
    told = {re.sub(r"[.][0-9]+", "", each.place).split(".")[0] for each in made.said}
    assert set(data) <= told | {path.split(".")[0] for path in made.left_out} | {
        field for field, value in data.items() if value == []
    }


# what a text may hide: the property, over names, numbers, addresses and dates in every disguise

ACCENTED = "\u00e9\u00e8\u00f6\u00fc\u00e7\u00f1\u00f8\u00e5\u00df\u0153\u0131\u0142"
OTHERS = "\u03b1\u03b2\u03b3\u03ba\u03bd\u0436\u044e\u043a\u0430\u043e"  # Greek and Cyrillic, lookalikes among them
LETTERS = st.sampled_from(f"abcdefghijklmnopqrstuvwxyz{ACCENTED}{OTHERS}")
FIRST = st.text(LETTERS, min_size=2, max_size=9).map(str.capitalize)
LAST = st.text(LETTERS, min_size=3, max_size=9).map(lambda text: f"XXTEST-{text.capitalize()}")
DISGUISES = {
    "as it is": lambda text: text,
    "upper case": str.upper,
    "lower case": str.lower,
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "an invisible character inside": lambda text: f"{text[:1]}\u200b{text[1:]}",
    "a soft hyphen inside": lambda text: f"{text[:2]}\u00ad{text[2:]}",
    "several spaces": lambda text: text.replace(" ", "   "),
    "a line break": lambda text: text.replace(" ", "\n"),
    "no hyphen": lambda text: text.replace("-", " "),
    "another hyphen": lambda text: text.replace("-", "\u2011"),
    "an underscore": lambda text: text.replace(" ", "_"),
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "letter by letter": lambda text: " ".join(text),
    "possessive": lambda text: f"{text}\u2019s",
    "plural": lambda text: f"{text}s",
}


def folded(text: str) -> list[str]:
    """The words of a text, told apart without the code under test."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(c for c in decomposed if unicodedata.category(c) not in ("Mn", "Cf"))
    return re.findall(r"[^\W_]+", plain)


def stands_in(name: str, text: str) -> bool:
    words, looked_for = folded(text), folded(name)
    spans = ("".join(words[start : start + size]) for start in range(len(words)) for size in range(1, len(name) + 1))
    return any(span in ("".join(looked_for), "".join(looked_for) + "s") for span in spans)


@settings(max_examples=150, deadline=None)
@given(FIRST, LAST, st.sampled_from(sorted(DISGUISES)), st.sampled_from(["{}", "{} was late", "Then {}, who is 9"]))
def test_no_name_stays_in_a_text_however_it_is_written(first, last, disguise, sentence):
    spoken = {"was", "late", "then", "who", "child", "family", "name", "left", "out", "a", "adult"}
    spoken |= set(brief.rules()["plain_words"])
    assume("".join(folded(first)) not in spoken and "".join(folded(last.removeprefix("XXTEST-"))) not in spoken)
    for name in (f"{first} {last}", last, f"{first} {last.removeprefix('XXTEST-')}", first):
        text = sentence.format(DISGUISES[disguise](name))
        told = kept(saying(text, name=f"{first} {last}"))
        assert not stands_in(first, told)
        assert not stands_in(last.removeprefix("XXTEST-"), told)


NUMBERS = {
    "an NHS number": ("9990001006", "nhs_number"),
    "a unique pupil number": ("L999000100001", "upn"),
}
SPACINGS = {
    "as it is": lambda text: text,
    "in threes": lambda text: " ".join(re.findall(".{1,3}", text)),
    "with hyphens": lambda text: "-".join(re.findall(".{1,4}", text)),
    "with dots": lambda text: ".".join(re.findall(".{1,5}", text)),
    "digit by digit": lambda text: " ".join(text),
    "lower case": str.lower,
    "full width": DISGUISES["full width"],
    "in a word": lambda text: f"ref{text}x",
}


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("known", [True, False], ids=["in a field", "in the text only"])
@pytest.mark.parametrize("kind", NUMBERS)
def test_no_number_of_a_person_stays_in_a_text(kind, known, spacing):
    number, field = NUMBERS[kind]
    data = saying(f"Look under {SPACINGS[spacing](number)} please")
    data["child"].pop("upn")
    data["child"] |= {field: number} if known else {}
    told = kept(data)
    digits = re.sub("[^0-9]", "", unicodedata.normalize("NFKC", told))
    assert number.strip("L") not in digits
    assert "please" in told


PLACES = {
    "a telephone number": "call 01632 960520 now",
    "a telephone number with a country": "call +44 (0)1632 960520 now",
    "a telephone number with hyphens": "call 01632-960-520 now",
    "a mobile telephone": "call 07700 900123 now",
    "a postcode": "she is at ZZ99 3AB now",
    "a postcode without its space": "she is at zz993ab now",
    "a postcode of London": "she is at EC1A 1BB now",
    "an e-mail address": "write to wren.a+1@larkmoor.example now",
    "an e-mail address with spaces": "write to wren @ larkmoor . example now",
    "a web address": "see https://larkmoor.example/wren now",
    "a name on a social network": "she is @wren_a_2016 there",
    "a national insurance number": "it is QQ 12 34 56 C now",
    "a vehicle": "in a car AB12 CDE now",
    "somebody with a title": "ask Mrs Nobody-Else now",
    "a doctor": "ask Dr O\u2019Nobody Smith now",
    "a whole date": "on 11/10/2026 again",
    "a whole date in words": "on the 11th of October, 2026 again",
    "the address in part": "outside 12 Example Row again",
    "the street": "in Example Row again",
    "the place": "in larkmoor again",
}
HIDDEN = re.compile("960|520|7700|900123|zz99|993ab|ec1a|@|example|wren|qq|34|cde|nobody|smith|2026|row|larkmoor", re.I)


@pytest.mark.parametrize("text", PLACES.values(), ids=PLACES)
def test_no_address_date_or_stranger_with_a_title_stays_in_a_text(text):
    told = kept({"address": WREN["address"], "conditions_on_agreement": text})
    assert not HIDDEN.search(told), told
    assert folded(told)[0] == folded(text)[0]


BIRTHDAYS = [
    *["2016-07-02", "2 July 2016", "2nd July 2016", "2nd of July", "July 2", "JULY 2nd, 2016", "2 Jul 16", "2.7.16"],
    *["02/07/2016", "2-7-2016", "2016/7/2", "2 7 2016", "07/02/2016", "02.07.\uff12\uff10\uff11\uff16"],
    "2nd Jul \u201916",
]


@pytest.mark.parametrize("day", BIRTHDAYS)
def test_no_date_of_birth_stays_in_a_text_however_it_is_written(day):
    told = kept(saying(f"Wren turned nine on {day} and nobody came")).splitlines()[-1]
    assert told == "Child A turned nine on [day of birth] and nobody came"


BORN = ["born in 2016", "DOB: 07/2016", "date of birth is July 2016", "birthday on the 2nd", "d.o.b. 2 July"]


@pytest.mark.parametrize("text", BORN)
def test_what_follows_the_word_for_it_is_a_date_of_birth_even_in_part(text):
    assert not re.search("2016|jul|2nd|[0-9]", kept(wren(conditions_on_agreement=f"{text} we think")), re.I)


FORMS = ["{:%d %B %Y}", "{:%d/%m/%y}", "{:%Y%m%d}", "{:%B %d, %Y}", "{:%d.%m.%Y}"]


@given(st.dates(date(2005, 1, 1), date(2026, 11, 1)), st.sampled_from(FORMS))
def test_a_date_of_birth_is_found_in_the_usual_forms(day, form):
    scrubber = Scrubber([], born(day, "[day of birth]"))
    assert scrubber.scrub(f"She was {form.format(day)} years") == "She was [day of birth] years"


# what stays, so that there is something to advise on

STAYS = [
    "He may come and will stay as long as he likes",
    "as if nobody had asked, planned or wondered",
    "12 bruises of 3 to 4 cm, at 10:40 and 13:10",
    "in Year 5, since half term, on 10 November",
    "the mother, an aunt and the class teacher",
]


@pytest.mark.parametrize("text", STAYS)
def test_words_that_name_nobody_stay(text):
    assert kept(saying(text, name="Asif XXTEST-Ander")).splitlines()[-1] == text


def test_a_name_that_is_a_word_is_taken_out_only_where_it_is_written_as_a_name():
    told = kept(saying("May said she may come. Will MAY stay? It will.", name="May XXTEST-Will"))
    assert told.splitlines()[-1] == "Child A said she may come. Child A Child A stay? It will."


SPACED = {"Annmarie": "Ann Marie", "Ann-Marie": "Annmarie", "Mc Donald": "McDonald", "O\u2019Hara": "O Hara"}


@pytest.mark.parametrize("name", SPACED)
def test_a_name_is_found_with_and_without_its_spaces(name):
    assert kept(saying(f"{SPACED[name]} came", name=name)).splitlines()[-1] == "Child A came"


def test_a_family_name_that_several_share_is_nobodys():
    told = kept(wren(conditions_on_agreement="The Ashbys, Wren Ashby and Ilse Ashby agreed")).splitlines()[-1]
    assert told == "The [family name]s, Child A and Adult B agreed"


def test_an_identifier_is_never_kept_whatever_its_form():
    place = brief._Place(("local_child_ref",))
    assert not brief._is_kept({"x-identifier": "local"}, "text", "LPA-0142", place)
    assert brief._is_kept({}, "text", "LPA-0142", place)


def test_a_name_of_a_script_without_spaces_is_found_inside_a_sentence():
    assert "\u674e" not in kept(saying("\u4eca\u5929\u674e\u660e\u6765\u4e86", name="\u674e\u660e"))


# people


def test_everybody_in_the_data_gets_a_letter_and_an_age_that_tells_little():
    data, _ = example("safeguarding-referral")
    data["siblings_other_children"] = [{"initials": "T.A.", "date_of_birth": "2024-01-09", "location": "ZZ99 1AA"}]
    data["household_adults"] = [
        {"name": "Ilse XXTEST-Ashby", "relationship": "mother", "date_of_birth": "1989-05-05"},
        {"name": "Tom XXTEST-Ashby", "relationship": "sibling"},
    ]
    data["statements"][0]["text"] = "Ilse says T.A. and Tom saw it, and Mrs Ashby too"
    made = brief_of(data, "safeguarding-referral")
    assert made.people == ("Child A, 10, primary", "Child B, 2, before school", "Adult C, 30 to 39", "Child D")
    assert "Adult C says Child B. and Child D saw it, and" in made.text()
    assert "1989" not in made.text()
    assert "Adult C, relationship: mother" in made.text()


AGES = {
    "2026-02-01": "0, under 1",
    "2021-11-27": "4, before school",
    "2021-11-26": "5, primary",
    "2015-11-26": "11, secondary",
    "2009-03-03": "17, 16 or 17",
}


@pytest.mark.parametrize("day", AGES)
def test_a_childs_age_comes_with_the_stage_of_schooling(day):
    assert brief_of({"child": {"name": "Wren", "date_of_birth": day}}).people == (f"Child A, {AGES[day]}",)


def test_an_unborn_child_is_unborn_and_the_mothers_date_of_birth_is_not_told():
    data = {"nhs_number": "9990002487", "plan_type": "ucpp", "expected_date_of_delivery": "2027-02-09"}
    made = brief_of(data | {"mother_date_of_birth": "1996-04-04"}, "cp-is-flag")
    assert made.people == ("Child A, unborn",)
    assert "1996" not in made.text()


TIMES = {
    "2026-11-26T09:00:00Z": "today",
    "2026-11-25": "yesterday",
    "2026-11-09T16:00:00Z": "17 days ago",
    "2026-08-01": "about 4 months ago",
    "2022-08-01": "about 4 years ago",
}


@pytest.mark.parametrize("time", TIMES)
def test_a_statement_says_how_long_ago_and_not_when(time):
    data = wren()
    data["needs"][0] |= {"observed_at": time}
    (told,) = [each for each in brief_of(data).said if each.title.startswith("Needs")]
    assert told.title == f"Needs (professional opinion, {TIMES[time]})"


def test_what_the_terms_say_must_not_become_known_is_taken_out_too():
    terms = {"safety": {"must_not_learn": [{"tokens": ["Rose Cottage"]}]}, "decision": {"by": "Sky XXTEST-Dunn"}}
    told = kept(saying("Sky Dunn saw her at rose  cottage"), terms=terms)
    assert told.endswith("[a professional] saw her at [left out]")


def test_codes_of_the_terms_are_told_and_unknown_ones_are_not():
    terms = {"route": "early-intervention", "urgency": "XXTEST-Ashby", "agreement": [{"status": "refused"}, 7]}
    told = [(each.title, each.text) for each in brief_of(wren(), terms=terms).said]
    assert ("route", "early intervention") in told
    assert ("agreement", "refused") in told
    assert not [title for title, _ in told if title == "urgency"]


def test_a_text_that_cannot_be_made_safe_is_left_out_whole():
    needle = Needle.of("left over", "left over")
    assert Scrubber([needle]).scrub("what was left over") == "[left out]"


# refusals


REFUSED = {
    "a field that nobody declared": ({"playground_name": "Wrennie"}, NotMinimal),
    "a number that fails its check": ({"child": {"nhs_number": "9990001011"}}, FieldInvalid),
    "a code that nobody knows": ({"parents_carers": [{"relationship": "XXTEST"}]}, UnknownCode),
}


@pytest.mark.parametrize(("data", "error"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_names_a_field_and_no_value_and_is_recorded(world, data, error):
    with pytest.raises(error) as raised:
        world.larkmoor.advice.brief(data, kind="early-help-referral", role=ADVISER)
    assert not re.search("Wrennie|9990001011|XXTEST", f"{raised.value} {raised.value.hint}")
    assert world.events("URN-999001") == ["genesis", "refused"]


def test_an_adviser_has_a_known_role(world):
    with pytest.raises(UnknownCode) as raised:
        world.larkmoor.advice.brief(wren(), kind="early-help-referral", role="Ilse XXTEST-Ashby")
    assert "Ilse" not in str(raised.value)


def test_telling_an_adviser_the_name_needs_a_reason_which_is_kept_sealed(world):
    agency = world.larkmoor
    with pytest.raises(FieldMissing) as raised:
        agency.advice.brief(wren(), kind="early-help-referral", role=ADVISER, disclosed=True, reason="  ")
    assert raised.value.rule == "R6"
    _, entry = agency.advice.brief(
        wren(), kind="early-help-referral", role=ADVISER, disclosed=True, reason="Ilse is known to them already"
    )
    _, told = list(agency.entries())[entry]
    assert told.disclosed is True
    assert agency.record.vault.read_detail(told.nonce)["reason"] == "Ilse is known to them already"
    assert agency.lookups.about("upn", "A999000100002", limit=5) == [(entry, told)]


def test_advice_without_a_name_is_no_use_of_the_childs_data(world):
    agency = world.larkmoor
    agency.advice.brief(wren(), kind="early-help-referral", role=ADVISER)
    assert agency.lookups.about("upn", "A999000100002", limit=5) == []


def test_the_record_of_advice_is_found_by_the_child_and_tells_nothing_of_it(world):
    agency = world.larkmoor
    agency.advice.brief(wren(), kind="early-help-referral", role=ADVISER)
    stored = b"".join(path.read_bytes() for path in agency.home.rglob("*.db*"))
    for text in ("Wren", "XXTEST-Ashby", "Ilse", "A999000100002", "2016-07-02", "ZZ99", "starving", "960520"):
        assert text.encode() not in stored


# the command


WREN_FILE = str(EXAMPLES / "decisions" / "early-help-wren.json")
ASK = ("--profile", "early-help-referral", "--role", ADVISER)


@pytest.fixture
def at_larkmoor(world, monkeypatch):
    monkeypatch.setenv("SHAREKIT_HOME", str(world.larkmoor.home))


def test_the_command_prints_the_brief_or_writes_it_privately(at_larkmoor, tmp_path):
    printed = sharekit("advice-brief", WREN_FILE, *ASK).text
    assert "Child A, 10, primary" in printed
    place = tmp_path / "brief.txt"
    told = sharekit("advice-brief", WREN_FILE, *ASK, "-o", str(place), "--json").json
    assert place.read_text() == printed
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert (told["people"], told["entry"]) == (["Child A, 10, primary", "Adult B"], 2)


def test_the_command_gives_json_on_request(at_larkmoor, tmp_path):
    told = sharekit("advice-brief", WREN_FILE, *ASK, "--json").json
    assert sharekit("advice-brief", WREN_FILE, *ASK, "-o", str(tmp_path / "brief.json")).code == 0
    assert json.loads((tmp_path / "brief.json").read_text()) == told["brief"]
    assert set(told["brief"]) == {"people", "said", "left_out", "caution"}


def test_the_profile_comes_from_the_terms(at_larkmoor):
    terms = ("--terms", str(EXAMPLES / "early-help-referral.terms.json"))
    assert "agreement: given" in sharekit("advice-brief", WREN_FILE, *terms, "--role", ADVISER).text


USAGE = {
    "neither terms nor profile": (WREN_FILE, "--role", ADVISER),
    "terms and profile": (WREN_FILE, "--terms", WREN_FILE, *ASK),
    "no adviser": (WREN_FILE, *ASK[:2]),
    "no data": ASK,
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE)
def test_a_command_that_cannot_be_understood_exits_2(at_larkmoor, arguments):
    ran = sharekit("advice-brief", *arguments)
    assert (ran.code, ran.error) == (2, "usage")


def test_a_reason_is_asked_for_where_the_child_is_named(at_larkmoor):
    ran = sharekit("advice-brief", WREN_FILE, *ASK, "--identity-disclosed", "--json")
    assert ran.code == 5
    assert (ran.json["error"]["code"], ran.json["error"]["rule"]) == ("field-missing", "R6")
    told = ("--identity-disclosed", "--reason", "They have met her")
    assert sharekit("advice-brief", WREN_FILE, *ASK, *told).code == 0
    logged = sharekit("ledger", "log", "--json", "--event", "advice-sought").json["entries"]
    assert [(each["adviser"], each["identity_disclosed"]) for each in logged] == [(ADVISER, True)]


def test_the_brief_is_recorded_before_it_is_shown(world, monkeypatch):
    agency = world.larkmoor
    shown = []
    monkeypatch.setattr(agency.record, "append", lambda event, facts, now: shown.append(event) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        agency.advice.brief(wren(), kind="early-help-referral", role=ADVISER)
    assert shown == ["advice-sought"]
