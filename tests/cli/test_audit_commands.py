"""`audit questions`, `query` and `report` as scripts call them: what they print, how they end, what they refuse."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from world.books import Book
from world.commands import sharekit

from sharekit.audit import questions

TRUST = ("--trust", "book.card")


def test_a_query_answers_in_json_with_what_it_was_asked(folder):
    ran = sharekit("audit", "query", "overrides", "book.export", *TRUST, "--json")
    assert ran.code == 0
    told = ran.json
    parts = ["ledgers", "name", "title", "question", "sentence", "count", "facts", "columns", "rows"]
    assert list(told) == parts
    assert told["ledgers"] == [
        {
            "origin": "sharekit/fernshire/2026",
            "size": 9,
            "verdict": "verified",
            "findings": 0,
            "confirmed": 0,
            "remarks": [],
        }
    ]
    (row,) = told["rows"]
    assert list(row) == told["columns"]
    assert (row["agreement"], row["because"], row["second"]) == (["refused"], ["harm-to-others"], "no")
    assert told["count"] == 1


def test_a_query_answers_in_words_after_saying_whether_the_record_verifies(folder):
    ran = sharekit("audit", "query", "overrides", "book.export", *TRUST)
    lines = ran.text.splitlines()
    assert lines[0] == "sharekit/fernshire/2026: verified, 9 entries, nobody outside confirms them yet"
    assert lines[2] == questions.find("overrides").question
    assert lines[3] == "Refusals overridden: 1, of them 0 with a second person."
    columns = ["entry", "time", "purpose", "counterparties", "agreement", "because", "override", "second"]
    assert lines[5].split() == columns


@pytest.mark.parametrize("name", [each.name for each in questions.load()])
def test_every_question_is_answered_in_words_and_in_json(folder, name):
    words = sharekit("audit", "query", name, "book.export", *TRUST)
    told = sharekit("audit", "query", name, "book.export", *TRUST, "--json")
    assert (words.code, told.code, told.json["name"]) == (0, 0, name)
    assert told.json["sentence"] in words.text


def test_the_questions_are_listed_with_those_that_only_a_home_answers(folder):
    told = sharekit("audit", "questions", "--json").json
    assert [each["name"] for each in told["questions"]] == [each.name for each in questions.load()]
    assert set(told["at_home"]) == {"lookups", "child"}
    lines = sharekit("audit", "questions").text.splitlines()
    assert len(lines) == len(told["questions"]) + 2


def test_a_record_that_does_not_verify_answers_says_so_first_and_ends_with_6(folder):
    ran = sharekit("audit", "query", "overrides", "tampered.export", *TRUST)
    assert ran.code == 6
    assert ran.text.startswith("sharekit/fernshire/2026: DOES NOT VERIFY")
    assert "No refusal was overridden." in ran.text  # which is what was to be hidden
    told = sharekit("audit", "query", "overrides", "tampered.export", *TRUST, "--json")
    assert (told.code, told.json["ledgers"][0]["verdict"]) == (6, "findings")


def test_one_export_of_several_that_does_not_verify_is_enough(folder):
    other = Book(folder, "larkmoor", year=2027)
    other.share("2027-01-02 10:00", agreement="not-sought")
    other.export.rename("other.export")
    other.ledger.close()
    Path("other.card").write_bytes(other.card.data)
    exports = ("book.export", "other.export", *TRUST, "--trust", "other.card")
    ran = sharekit("audit", "query", "no-agreement", *exports)
    assert ran.code == 0
    ledgers = [line.split()[0] for line in ran.text.splitlines()[-2:]]
    assert ledgers == ["sharekit/fernshire/2026", "sharekit/larkmoor/2027"]
    assert sharekit("audit", "query", "no-agreement", "tampered.export", *exports[1:]).code == 6


REFUSED = {
    "an unknown question": (("query", "who", "book.export", *TRUST), 5, "unknown-code"),
    "an unknown question and no export": (("query", "who"), 5, "unknown-code"),
    "no export": (("query", "overrides"), 2, "usage"),
    "an export and one child": (("query", "child", "book.export", *TRUST), 2, "usage"),
    "an export and a number": (("query", "overrides", "book.export", "--id", "nhs=9990001006", *TRUST), 2, "usage"),
    "no card": (("query", "overrides", "book.export"), 3, "not-trusted"),
    "no card for a report": (("report", "book.export", "-o", "r.html"), 3, "not-trusted"),
    "no such file": (("query", "overrides", "nothing", *TRUST), 2, "usage"),
    "no export in it": (("query", "overrides", "book.card", *TRUST), 3, "malformed"),
    "the same ledger twice": (("query", "overrides", "book.export", "book.export", *TRUST), 2, "usage"),
    "no place for a report": (("report", "book.export", *TRUST), 2, "usage"),
    "a report where there is no folder": (("report", "book.export", *TRUST, "-o", "no/r.html"), 1, "output-unwritable"),
}


@pytest.mark.parametrize(("arguments", "code", "error"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_answered_is_refused(folder, arguments, code, error):
    for as_json in ((), ("--json",)):
        ran = sharekit("audit", *arguments, *as_json)
        assert (ran.code, ran.error) == (code, error)
    assert not Path("r.html").exists()


def test_an_unknown_question_is_answered_with_the_names_and_not_repeated(folder):
    ran = sharekit("audit", "query", "XXTEST-Marlow", "book.export", *TRUST)
    assert "XXTEST" not in ran.said
    assert "no-agreement" in ran.err


def test_a_report_is_one_private_file_that_replaces_an_older_one(folder):
    Path("r.html").write_text("older")
    ran = sharekit("audit", "report", "book.export", *TRUST, "-o", "r.html", "--json")
    assert (ran.code, ran.json["verdict"], ran.json["path"]) == (0, "verified", "r.html")
    assert stat.S_IMODE(os.stat("r.html").st_mode) == 0o600
    html = Path("r.html").read_text()
    assert f"<h1>{ran.json['sentence']}</h1>" in html
    assert not [name for name in os.listdir() if name.startswith(".sharekit")]


def test_a_report_comes_from_standard_input_and_goes_to_standard_output(folder):
    ran = sharekit("audit", "report", "-", *TRUST, "-o", "-", stdin=Path("book.export").read_bytes())
    assert (ran.code, ran.err) == (0, "")
    assert ran.text.startswith("<!DOCTYPE html>")
    assert "<code>standard input</code>" in ran.text
    refused = sharekit("audit", "report", "book.export", *TRUST, "-o", "-", "--json")
    assert (refused.code, refused.error) == (2, "usage")


def test_a_report_on_a_record_that_does_not_verify_is_written_and_ends_with_6(folder):
    ran = sharekit("audit", "report", "tampered.export", *TRUST, "-o", "r.html")
    assert ran.code == 6
    assert ran.text.startswith("Do not rely on the record of Fernshire")
    assert "DOES NOT VERIFY" in Path("r.html").read_text()


def test_a_report_never_replaces_the_export(folder):
    before = Path("book.export").read_bytes()
    ran = sharekit("audit", "report", "book.export", *TRUST, "-o", "book.export")
    assert (ran.code, ran.error) == (1, "output-unwritable")
    assert Path("book.export").read_bytes() == before


def test_a_home_answers_what_no_export_can_and_records_that_it_did(desk):
    nothing = {"name": "lookups", "count": 0, "rows": []}
    assert sharekit("audit", "query", "lookups", "--home", "larch", "--json").json == nothing
    acts = ("--as", "Dana XXTEST-Okell", "--role", "social-worker")
    found = sharekit("ledger", "subject", "--home", "larch", *acts, "--id", "nhs=9990002118", "--json")
    assert found.json["entries"] == []
    told = sharekit("audit", "query", "lookups", "--home", "larch", "--json").json
    assert told["count"] == 1
    assert (told["rows"][0]["by"], told["rows"][0]["role"]) == ("Dana XXTEST-Okell", "social-worker")
    assert "Dana XXTEST-Okell" in sharekit("audit", "query", "lookups", "--home", "larch").text
    child = sharekit("audit", "query", "child", "--home", "larch", "--id", "nhs=9991234004", "--json").json
    assert [entry["event"] for entry in child["entries"]] == ["sealed"]
    log = sharekit("ledger", "log", "--home", "larch", "--json").json["entries"]
    assert [entry["event"] for entry in log][-5:] == ["audited", "consulted", "audited", "audited", "consulted"]


def test_a_home_vouches_for_its_own_export_without_a_card(desk, monkeypatch):
    assert sharekit("ledger", "export", "--home", "elm", "-o", "elm.export").code == 0
    monkeypatch.setenv("SHAREKIT_HOME", "elm")
    assert sharekit("audit", "query", "by-purpose", "elm.export").code == 0
    assert sharekit("audit", "report", "elm.export", "-o", "elm.html").code == 0
    assert "27 November 2026, 09:05, British time" in Path("elm.html").read_text()


def test_rows_beyond_the_limit_are_counted(folder):
    book = Book(folder, "larkmoor")
    for minute in range(7):
        book.add("consulted", f"11-02 10:{minute:02}", outcome="nobody-found")
    book.export.rename("many.export")
    book.ledger.close()
    Path("many.card").write_bytes(book.card.data)
    ran = sharekit("audit", "query", "lookups", "many.export", "--trust", "many.card", "--limit", "3")
    assert ran.text.splitlines()[-1] == "... and 4 more: --limit 7"
    told = sharekit("audit", "query", "lookups", "many.export", "--trust", "many.card", "--limit", "3", "--json").json
    assert (told["count"], len(told["rows"])) == (7, 3)
    assert json.dumps(told)
