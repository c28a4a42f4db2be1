"""What auditors ask: for each question a case that is in its answer and one that is not, and what holds for all."""

from __future__ import annotations

import json
import re

import pytest
from world.books import Book, ask, decoded, told
from world.console import REPOSITORY

from sharekit import registry
from sharekit.audit import questions
from sharekit.domain import vocabulary
from sharekit.errors import Malformed, UnknownCode, Usage
from sharekit.ledger.entry import Entry

NAMES = [each.name for each in questions.load()]


@pytest.fixture
def book(tmp_path):
    made = Book(tmp_path)
    yield made
    made.ledger.close()


# --- what is to be looked at ---


def test_a_share_without_agreement_is_named_with_its_reasons(book):
    book.share("11-02 10:00")
    book.share("11-03 10:00", agreement="not-applicable-court-or-duty")
    entry = book.share("11-04 10:00", agreement="not-sought", because="parent-reaction-risk evidence-loss")
    answer = ask("no-agreement", book)
    assert told(answer, "entry", "because") == [(entry, ["parent-reaction-risk", "evidence-loss"])]
    assert answer.sentence == "1 of 3 shares went ahead without agreement."


def test_agreement_to_a_service_is_no_agreement_to_the_share(book):
    book.share("11-02 10:00", agreement="refused given", kinds="service-agreement share-agreement")
    entry = book.share("11-03 10:00", agreement="refused given", kinds="share-agreement service-agreement")
    assert told(ask("no-agreement", book), "entry") == [entry]


def test_a_share_that_says_nothing_of_agreement_is_one_without(book):
    entry = book.share("11-02 10:00", agreement="given")
    silent = book.add("sealed", "11-03 10:00", packet="p", purpose="safeguarding.referral", counterparties="quillbrook")
    assert told(ask("no-agreement", book), "entry") == [silent]
    assert entry < silent


def test_receipts_and_checkpoints_are_no_shares(book):
    book.add("sealed", "11-02 10:00", packet="receipt", counterparties="quillbrook")
    answers = [ask(name, book) for name in NAMES]
    assert [answer.question.name for answer in answers if answer.count] == []
    assert ask("no-agreement", book).sentence.startswith("All 0 shares")


def test_an_override_is_named_and_whether_a_second_person_looked(book):
    book.share("11-01 10:00")
    two = book.share("11-02 10:00", agreement="refused", override=True, second=True, because="harm-to-others")
    one = book.share("11-03 10:00", agreement="withdrawn", override=True)
    owed = book.share("11-04 10:00", agreement="refused")
    answer = ask("overrides", book)
    found = told(answer, "entry", "override", "second")
    assert found == [(one, "yes", "no"), (owed, "no", "no"), (two, "yes", "yes")]
    assert answer.sentence == "Refusals overridden: 3, of them 1 with a second person."


def test_a_refused_service_is_no_override(book):
    book.share("11-02 10:00", agreement="given refused", kinds="share-agreement service-agreement")
    assert ask("overrides", book).count == 0


EMERGENCY = {"outcome": "allow-logged", "counterparties": "quillbrook"}
FRIDAY = "11-27 03:00"  # so that the next working day is Monday the 30th


def test_an_emergency_opening_is_reviewed_by_the_end_of_the_next_working_day(book):
    book.add("opened", FRIDAY, packet="seen", **EMERGENCY)
    book.add("reviewed", "11-30 16:00", packet="seen", action="emergency-opening-review")
    late = book.add("opened", FRIDAY, packet="late", **EMERGENCY)
    book.add("reviewed", "12-01 09:00", packet="late", action="emergency-opening-review")
    never = book.add("opened", FRIDAY, packet="never", **EMERGENCY)
    book.add("reviewed", "11-30 16:00", packet="never", action="informing-review")
    answer = ask("break-glass", book)
    assert told(answer, "entry", "state") == [(late, "reviewed late"), (never, "not reviewed")]
    assert told(answer, "review_by")[0] == "2026-12-01T00:00:00Z"
    assert answer.sentence == "2 of 3 emergencies were not reviewed in time."


def test_an_emergency_whose_day_has_not_passed_is_not_named_yet(book):
    book.add("opened", FRIDAY, packet="seen", **EMERGENCY)
    book.add("exported", "11-30 23:59")
    assert ask("break-glass", book).count == 0
    book.add("exported", "12-01 00:00")
    assert ask("break-glass", book).count == 1


def test_an_emergency_share_is_reviewed_as_well(book):
    book.share(FRIDAY, "seen", decided="break-glass")
    book.add("reviewed", "11-30 09:00", packet="seen", action="emergency-share-review")
    entry = book.share(FRIDAY, "never", decided="break-glass")
    book.add("exported", "12-24 10:00")
    assert told(ask("break-glass", book), "entry", "event") == [(entry, "sealed")]


def test_an_earlier_review_is_not_one_of_a_later_opening(book):
    book.add("opened", "11-02 10:00", packet="p", **EMERGENCY)
    book.add("reviewed", "11-02 11:00", packet="p", action="emergency-opening-review")
    again = book.add("opened", "11-10 10:00", packet="p", **EMERGENCY)
    book.add("exported", "11-30 10:00")
    assert told(ask("break-glass", book), "entry") == [again]


def test_a_refused_purpose_is_named_here_and_at_a_recipient(book):
    book.add("decided", "11-02 10:00", packet="p", purpose="education.support", outcome="allow-with-record")
    here = book.add("decided", "11-03 10:00", packet="p", purpose="other.media", outcome="purpose-prohibited")
    book.add("refused", "11-03 10:00", packet="p", purpose="other.media", outcome="purpose-prohibited")
    book.receipt("11-04 10:00", "q", "opened", purpose="safeguarding.referral", outcome="allow")
    there = book.receipt("11-05 10:00", "q", "refused", purpose="crime.investigation", outcome="refer-to-sender")
    found = told(ask("purposes-refused", book), "entry", "place", "outcome")
    assert found == [(here, "here", "purpose-prohibited"), (there, "at the recipient", "refer-to-sender")]


def test_a_decision_not_to_share_is_named_with_its_reasons(book):
    book.add("decision-recorded", "11-02 10:00", decision="a", decided="share-partial")
    entry = book.add("decision-recorded", "11-03 10:00", decision="b", decided="not-shared", reasons="not-necessary")
    answer = ask("not-shared", book)
    assert told(answer, "entry", "reasons") == [(entry, ["not-necessary"])]
    assert answer.sentence == "1 of 2 recorded decisions were not to share."


def test_a_refusal_is_named_until_it_has_been_discussed(book):
    book.add("decision-recorded", "11-02 10:00", decision="a", decided="not-shared")
    book.add("decision-recorded", "11-02 11:00", decision="b", decided="not-shared", undiscussed=True)
    entry = book.add("decision-recorded", "11-02 12:00", decision="c", decided="share-partial", undiscussed=True)
    book.add("discussed", "11-03 10:00", decision="b", action="decision-discussion")
    book.add("reviewed", "11-03 10:00", decision="c", action="decision-review")
    assert told(ask("not-discussed", book), "entry") == [entry]


def test_what_rested_on_an_agreement_that_had_ended_is_named(book):
    book.share("11-02 10:00")
    book.add("decided", "11-03 10:00", packet="p", lapsed=True, outcome="allow")
    opened = book.add("opened", "11-03 10:00", packet="p", lapsed=True, outcome="allow")
    sealed = book.share("11-04 10:00", lapsed=True, agreement="expired")
    assert told(ask("expired-agreements", book), "entry") == [opened, sealed]


def acted(book: Book) -> list[tuple[str, str]]:
    return told(ask("not-acted-on", book), "recipient", "state")


def test_a_share_is_acted_on_once_its_recipient_has_opened_it_in_time(book):
    book.share("11-02 10:00", "p", act_by="11-03 17:00")
    book.receipt("11-02 11:00", "p", "delivered")
    book.add("exported", "11-03 16:59")
    assert acted(book) == []
    book.add("exported", "11-03 17:00")
    assert acted(book) == [("quillbrook", "not opened")]
    book.receipt("11-04 09:00", "p", "opened")
    assert acted(book) == [("quillbrook", "late")]


def test_a_share_that_was_opened_in_time_is_not_named(book):
    book.share("11-02 10:00", "p", act_by="11-03 17:00")
    book.receipt("11-03 16:00", "p", "opened")
    book.add("exported", "11-30 10:00")
    assert acted(book) == []


def test_every_recipient_must_have_acted_and_no_other_packet_counts(book):
    book.share("11-02 10:00", "p", to="quillbrook larkmoor harrowmere", act_by="11-03 17:00")
    book.receipt("11-03 10:00", "p", "opened", by="larkmoor")
    book.receipt("11-03 10:00", "q", "opened", by="harrowmere")
    book.add("exported", "11-04 10:00")
    assert acted(book) == [("harrowmere", "nothing heard"), ("quillbrook", "nothing heard")]


def test_what_was_settled_by_telephone_is_acted_on(book):
    book.share("11-02 10:00", "p", act_by="11-03 17:00")
    book.add("action-closed", "11-03 16:00", packet="p", action="act-by", counterparties="quillbrook")
    book.add("exported", "11-04 10:00")
    assert acted(book) == []


def test_without_a_time_to_act_by_two_days_count(book):
    book.share("11-02 10:00", "p")
    book.add("exported", "11-04 09:59")
    assert acted(book) == []
    book.add("exported", "11-04 10:00")
    assert acted(book) == [("quillbrook", "nothing heard")]


def test_what_was_to_be_acknowledged_and_was_not_is_named(book):
    book.share("11-02 10:00", "p", to="quillbrook larkmoor", acknowledge_by="11-02 12:00")
    book.share("11-02 10:00", "q")
    book.receipt("11-02 11:00", "p", "delivered")
    book.receipt("11-02 13:00", "p", "delivered", by="larkmoor")
    assert told(ask("unacknowledged", book), "recipient", "state") == [("larkmoor", "late")]
    book.share("11-03 10:00", "r", acknowledge_by="11-03 11:00")
    book.add("exported", "11-03 12:00")
    assert told(ask("unacknowledged", book), "state") == ["late", "nothing heard"]


def test_a_share_a_day_after_it_was_known_is_slow(book):
    book.share("11-02 10:00", lag=1440)
    slow, slowest = book.share("11-03 10:00", lag=1441), book.share("11-04 10:00", lag=9000)
    book.share("11-05 10:00")
    answer = ask("slow", book)
    assert told(answer, "entry") == [slowest, slow]
    assert answer.sentence == "2 of 3 shares that say when it was known left more than 24 hours later."


def test_the_lag_is_told_in_bands_with_its_middle(book):
    for lag in (20, 60, 61, 80, 240, 2000, 20_000):
        book.share("11-02 10:00", lag=lag)
    answer = ask("lag", book)
    assert told(answer, "shares") == [2, 3, 0, 1, 0, 1]
    assert answer.sentence == (
        "Of 7 shares that say when it was known, half left within 1 h 20 min; the longest took 13 days 21 h."
    )


def test_reasons_in_the_same_words_are_counted_within_one_ledger(book, tmp_path):
    entries = [book.share(f"11-0{day} 10:00", rationale="again") for day in (1, 2, 3)]
    for day in (1, 2):
        book.share(f"11-0{day} 12:00", rationale="twice")
    book.add("decision-recorded", "11-09 10:00", decision="a", decided="not-shared", rationale="once")
    other = Book(tmp_path, "quillbrook")
    other.share("11-04 10:00", rationale="twice")
    answer = ask("repeated-reasons", book, other)
    assert told(answer, "times", "entries") == [(3, entries)]
    assert answer.sentence == "Explanations that came three times or more: 1, in 3 entries together."


def test_a_look_up_that_found_nobody_is_named(book):
    book.add("consulted", "11-02 10:00", subject=bytes(32), outcome="done")
    entry = book.add("consulted", "11-03 10:00", outcome="nobody-found")
    answer = ask("lookups", book)
    assert told(answer, "entry") == [entry]
    assert answer.sentence == "Look-ups that found nobody: 1. Times the record was read: 2."


# --- figures ---


def test_figures_count_shares_by_what_they_say(book):
    book.share("10-30 10:00", bases="art6-1-e", agreement="refused given", kinds="share-agreement share-agreement")
    book.share("11-02 10:00", bases="art6-1-e art6-1-d", decided="share-full-profile", left_out=3)
    book.share("11-03 10:00", purpose="safeguarding.strategy", decided="share-full-profile", to="larkmoor quillbrook")
    book.add("decision-recorded", "11-04 10:00", decision="a", decided="not-shared", act="disclosure")
    book.add("received", "11-05 10:00", packet="r", counterparties="larkmoor", act="collection")
    book.add("opened", "11-05 11:00", packet="r", counterparties="larkmoor", outcome="allow")
    for moment in ("11-06 10:00", "11-07 10:00"):
        book.add("refused", moment, outcome="gate-not-met", rule="R3")
    assert told(ask("by-purpose", book), "purpose", "shares") == [
        ("safeguarding.referral", 2),
        ("safeguarding.strategy", 1),
    ]
    assert told(ask("by-basis", book), "basis", "shares") == [("art6-1-e", 2), ("art6-1-d", 1)]
    assert told(ask("by-agreement", book), "status", "shares") == [("given", 3), ("refused", 1)]
    assert told(ask("by-decision", book), "decided", "times") == [("share-full-profile", 2), ("not-shared", 1)]
    assert told(ask("by-outcome", book), "outcome", "times") == [("gate-not-met", 2), ("allow", 1)]
    assert told(ask("by-rule", book), "rule", "times") == [("R3", 2)]
    assert told(ask("by-month", book), "month", "shares", "received", "opened") == [
        ("2026-10", 1, 0, 0),
        ("2026-11", 2, 1, 1),
    ]
    assert told(ask("by-partner", book), "partner", "shares", "received", "opened") == [
        ("quillbrook", 3, 0, 0),
        ("larkmoor", 1, 1, 1),
    ]
    assert told(ask("left-out", book), "purpose", "shares", "cut", "fields") == [("safeguarding.referral", 2, 1, 3)]
    assert told(ask("by-act", book), "act", "times") == [("collection", 1), ("disclosure", 1)]


# --- what holds for all ---


def test_every_question_answers_an_empty_record_in_a_sentence(book):
    answers = [ask(name, book) for name in NAMES]
    assert [answer.count for answer in answers] == [0] * len(NAMES)
    assert all(re.fullmatch(r"[A-Z][^{}]+\.", answer.sentence) for answer in answers)


def test_every_question_is_data_that_a_person_can_read():
    document = registry.document("questions")
    for each in document["questions"]:
        assert each["kind"] in ("finding", "figure")
        assert each["question"].endswith("?")
        assert all(each[part] for part in ("title", "why", "source", "sentence", "none"))
    assert len(NAMES) == len(set(NAMES))


def test_every_column_has_a_heading_and_every_column_of_codes_its_vocabulary(book):
    known = registry.document("questions")["columns"]
    with decoded(book) as found:
        shown = {name for each in questions.load() for name in questions.answer(found, each).columns}
    assert shown <= set(known)
    names = {about["codes"] for about in known.values() if "codes" in about} - {"profiles"}
    assert names <= set(vocabulary.names())


def test_an_unknown_question_is_answered_with_the_names():
    with pytest.raises(UnknownCode) as refused:
        questions.find("who-is-robin")
    assert "who-is-robin" not in str(refused.value)
    assert all(name in refused.value.hint for name in NAMES)


def test_answers_join_the_years_of_one_agency_and_never_two_agencies(tmp_path):
    old, new, other = Book(tmp_path, year=2026), Book(tmp_path, year=2027), Book(tmp_path, "larkmoor", year=2027)
    old.share("12-31 10:00", "p")
    other.receipt("2027-01-01 09:00", "p", "opened")
    other.add("exported", "2027-01-05 10:00")
    assert told(ask("not-acted-on", old, other), "ledger") == [old.origin]
    new.receipt("2027-01-01 09:00", "p", "opened")
    assert ask("not-acted-on", old, new, other).count == 0


def test_one_ledger_is_not_read_twice(book):
    with pytest.raises(Usage), decoded(book, book):
        pass


def test_only_the_first_rows_are_kept_and_all_are_counted(book):
    for minute in range(12):
        book.add("consulted", f"11-02 10:{minute:02}", outcome="nobody-found")
    answer = ask("lookups", book, limit=5)
    assert (answer.count, len(answer.rows)) == (12, 5)


def test_a_code_that_no_vocabulary_has_is_shown_as_unknown(book):
    raw = Entry(2, 1_793_000_000, nonce=bytes(16), purpose=65535, packet=bytes(16), counterparties=("x",), bases=(999,))
    book.ledger.append(raw)
    assert told(ask("by-purpose", book), "purpose") == ["unknown-65535"]
    assert told(ask("by-basis", book), "basis") == ["unknown-999"]


def test_bytes_that_are_no_entry_are_left_out(book):
    import sqlite3

    book.share("11-02 10:00")
    path = book.export
    with sqlite3.connect(path) as db:
        db.execute("DROP TRIGGER entry_stays")
        db.execute("UPDATE entry SET bytes = X'A0' WHERE seq = 1")
    db.close()
    found = questions.read([(path, book.origin, book.ledger.size)])
    assert found.db.execute("SELECT entry FROM entry").fetchall() == [(0,)]
    found.close()


def test_a_file_that_is_no_export_is_malformed(tmp_path):
    path = tmp_path / "no.export"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(Malformed):
        questions.read([(path, "sharekit/x/2026", 5)])


TOKENS = ("nonce", "subject", "detail", "checkpoint", "file", "token")


def test_nothing_that_identifies_is_decoded(book):
    book.share("11-02 10:00", subject=b"s" * 32, detail=b"d" * 32, file=b"f" * 32, checkpoint=b"c" * 32)
    with decoded(book) as found:
        columns = [name for _, name, *_ in found.db.execute("PRAGMA table_info(entry)")]
        text = json.dumps(found.db.execute("SELECT * FROM entry").fetchall())
    assert not set(TOKENS) & set(columns)
    assert not [letter for letter in "sdfc" if (letter * 32).encode().hex() in text]


def test_every_label_of_an_entry_is_decoded_or_left_out_on_purpose():
    labels = dict(re.findall(r"^ +(?:\? )?\d+ => .*; (\w+)()", registry.text("ledger.cddl"), re.M))
    columns = re.findall(r"^    (\w+) +(?:TEXT|INTEGER)", registry.text("decoded.sql"), re.M)
    assert set(labels) - set(columns) == {"nonce", "file", "subject", "detail", "checkpoint", "origin", "demonstration"}


def test_the_page_for_auditors_names_every_question():
    page = (REPOSITORY / "docs" / "auditors.md").read_text()
    assert set(re.findall(r"`([a-z-]+)`", page)) >= set(NAMES)


def test_a_time_centuries_away_is_answered_like_any_other(book):
    last = 2**34 - 1
    book.ledger.append(Entry(6, last, nonce=bytes(16), packet=bytes(16), outcome=4, counterparties=("x",)))
    book.ledger.append(Entry(2, last, nonce=bytes(15) + b"1", packet=bytes(16), purpose=6, act_by=last, lag=2**32 - 1))
    answers = {name: ask(name, book) for name in NAMES}
    assert told(answers["slow"], "lag") == [2**32 - 1]
    for answer in answers.values():
        cells = [cell for row in answer.rows for cell in zip(answer.columns, row, strict=True)]
        assert all(isinstance(questions.shown(*cell), str) for cell in cells)
