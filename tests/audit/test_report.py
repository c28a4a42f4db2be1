"""The auditor's report: the verdict first, nothing that runs or is fetched, and whatever is hostile stays text."""

from __future__ import annotations

import base64
import itertools
import re
from datetime import UTC, datetime
from hashlib import sha256
from xml.etree import ElementTree

import pytest
from world.books import Book, filled, tampered
from world.pages import HOSTILE, NOW, Page, report_on

from sharekit.audit import charts, questions, report, verdict
from sharekit.audit.attested import Attested
from sharekit.audit.recompute import Finding
from sharekit.audit.report import Given
from sharekit.audit.verify import AuditReport, audit
from sharekit.trust.store import Trust
from sharekit.values import replace

ALLOWED = set(
    re.findall(
        r"\w+",
        """html head meta title style body header main footer section p h1 h2 h3 dl dt dd div table caption thead tbody
        tr th td a code br span figure svg desc g rect line text""",
    )
)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    made = filled(tmp_path_factory.mktemp("book"))
    yield made
    made.ledger.close()


@pytest.fixture(scope="module")
def html(book):
    return report_on(book)


def test_the_verdict_is_the_first_heading_and_the_only_one_of_its_rank(html):
    headings = Page(html).headings
    whole = "Nothing in the record of Fernshire was changed or removed after it was signed"
    assert headings[0] == ("h1", f"{whole}; nobody outside confirms it yet.")
    assert [level for level, _ in headings].count("h1") == 1


def test_headings_skip_no_rank_and_every_question_has_one(html):
    headings = Page(html).headings
    ranks = [int(level[1]) for level, _ in headings]
    assert all(after <= before + 1 for before, after in itertools.pairwise(ranks))
    assert {each.title for each in questions.load()} <= {text for _, text in headings}


def test_nothing_in_it_runs_and_nothing_is_fetched(html):
    page = Page(html)
    assert {tag for tag, _ in page.tags} <= ALLOWED
    names = {name for _, attributes in page.tags for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in ("src", "style", "xlink:href", "action")}
    assert all(str(link["href"]).startswith("#") for link in page.all("a"))
    assert "@import" not in html
    assert "url(" not in html


def test_the_content_policy_allows_its_own_style_and_nothing_else(html):
    policies = [each for each in Page(html).all("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    style = re.search(r"<style>(.*?)</style>", html, re.S)
    digest = base64.b64encode(sha256(style[1].encode()).digest()).decode()
    expected = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert [each["content"] for each in policies] == [expected]
    assert html.index("Content-Security-Policy") < html.index("<style>")


def test_it_can_be_read_aloud_and_printed(html):
    page = Page(html)
    assert page.all("html") == [{"lang": "en-GB"}]
    assert len(page.all("caption")) == len(page.all("table")) > 10
    assert all(each.get("scope") == "col" for each in page.all("th"))
    assert all(each.get("role") == "img" for each in page.all("svg"))
    assert len(page.all("desc")) == len(page.all("svg")) >= 6
    assert "@media print" in html
    labels = [str(each["aria-labelledby"]) for each in page.all("section")]
    assert sorted(labels) == sorted(each.name for each in questions.load())


def test_every_answer_is_in_it_in_a_sentence(book, html):
    path = book.export
    decoded = questions.read([(path, book.origin, book.ledger.size)])
    answers = [questions.answer(decoded, each) for each in questions.load()]
    decoded.close()
    assert [answer.sentence for answer in answers if str(answer.sentence) not in unescaped(html)] == []


def unescaped(html: str) -> str:
    return html.replace("&#39;", "'").replace("&amp;", "&").replace("&#34;", '"')


def test_codes_are_told_in_words_and_times_as_they_were_in_britain(html):
    assert "Prohibited purpose" in html
    assert "Harm to others" in html
    assert "2 Nov 2026, 10:00" in html
    assert "30 Sep 2026, 11:00" in html  # British summer time


def test_the_same_inputs_make_the_same_bytes(book):
    path = book.export
    assert report_on(book, export=path) == report_on(book, export=path)
    assert report_on(book, export=path) != report_on(book, export=path, now=datetime(2026, 11, 28, tzinfo=UTC))


def test_what_is_hostile_stays_text(tmp_path):
    book = filled(tmp_path, name=HOSTILE)
    html = report_on(book, file=HOSTILE + ".export")
    tags = {tag for tag, _ in Page(html).tags}
    assert tags <= ALLOWED
    assert html.count("&lt;script&gt;") >= 4
    assert "<script" not in html
    assert "<img" not in html


def test_a_finding_is_text_too(book):
    bad = Finding("schema-changed", 3, "aa", "bb", HOSTILE)
    found = AuditReport("", 0, b"", 0, (bad,), audit(book.export, Trust([book.card])).checked)
    html = report.html(book.export, found, Given(), now=NOW)
    assert {tag for tag, _ in Page(html).tags} <= ALLOWED
    assert "No question can be answered from this file." in html


def test_a_record_that_does_not_verify_is_said_first_and_answered_all_the_same(book, tmp_path):
    html = report_on(book, export=tampered(book, tmp_path))
    page = Page(html)
    assert page.headings[0][1].startswith("Do not rely on the record of Fernshire as it stands:")
    assert ("h2", "What does not fit together") in page.headings
    assert "DOES NOT VERIFY" in html
    assert "may not be what happened" in html
    assert "entry-changed" in html
    assert ("h3", "Refusals that were overridden") in page.headings


def attested(book: Book, size: int) -> AuditReport:
    seen = (Attested("quillbrook", size, NOW), Attested("larkmoor", 1, NOW))
    return replace(audit(book.export, Trust([book.card])), attested=seen)


def test_the_verdict_names_who_outside_confirms_how_much(book):
    size = book.ledger.size
    said = verdict.sentence(attested(book, size - 2), {"fernshire": "Fernshire", "quillbrook": "Quillbrook Hospitals"})
    assert said == (
        "Nothing in the record of Fernshire was changed or removed after it was signed, and Quillbrook Hospitals"
        f" confirms its first {size - 2} of {size} entries."
    )


def test_each_organisation_is_named_with_the_most_that_it_confirms(book):
    found = attested(book, 5)
    found = replace(found, attested=(*found.attested, Attested("quillbrook", 3, NOW)))
    html = report.html(book.export, found, Given([book.card]), now=NOW)
    confirmed = re.search(r"Who outside confirms it.*?</table>", html, re.S)
    assert re.findall(r"<code>(\w+)</code>.*?(\d+) entries", confirmed[0]) == [("quillbrook", "5"), ("larkmoor", "1")]


def test_a_long_answer_is_cut_with_its_number_and_the_way_to_the_rest(tmp_path):
    book = Book(tmp_path)
    for minute in range(50):
        book.add("consulted", f"11-02 10:{minute:02}", outcome="nobody-found")
    html = report_on(book)
    assert "the first 40 of 50" in html
    assert "sharekit audit query lookups ledger.export --limit 50" in html
    book.ledger.close()


# --- charts ---


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(svg: str) -> list[str]:
    return [str(each.text) for each in drawn(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_a_chart_has_a_title_and_tells_its_numbers():
    svg = charts.bars("By <purpose>", [("a <b>", 3), ("c & d", 1)])
    found = drawn(svg)
    assert [child.tag.rpartition("}")[2] for child in found][:2] == ["title", "desc"]
    assert [str(child.text) for child in found][:2] == ["By <purpose>", "a <b>: 3; c & d: 1"]
    assert {"a <b>: 3", "c & d: 1", "0", "3"} <= set(texts(svg))


CHARTS = {
    "one": [("a", 1)],
    "nothing": [("a", 0)],
    "very many": [("a", 123_456)],
    "none and some": [("a", 0), ("b", 7)],
}


@pytest.mark.parametrize("pairs", CHARTS.values(), ids=CHARTS)
def test_a_chart_counts_in_whole_numbers_and_stays_inside(pairs):
    for svg in (charts.bars("t", pairs), charts.columns("t", pairs)):
        width, height = map(float, drawn(svg).attrib["viewBox"].split()[2:])
        numbers = [text for text in texts(svg) if text.isdigit()]
        assert "0" in numbers
        assert max(map(int, numbers)) >= max(count for _, count in pairs)
        boxes = [each.attrib for each in drawn(svg).iter("{http://www.w3.org/2000/svg}rect")]
        assert all(0 <= float(box["width"]) <= width and 0 <= float(box["height"]) <= height for box in boxes)


def test_more_bars_than_can_be_told_apart_are_drawn_as_one():
    labels = texts(charts.bars("t", [(f"purpose {number}", 1) for number in range(30)]))
    assert "all others: 19" in labels
    assert len([label for label in labels if ":" in label]) == 12


def test_charts_are_the_same_in_any_order_of_drawing():
    first = charts.bars("t", [("a", 1)])
    charts.columns("u", [("b", 2)])
    assert charts.bars("t", [("a", 1)]) == first
