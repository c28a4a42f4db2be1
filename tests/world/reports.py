"""A book with something in it for most questions, and the report that is made of it."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

from sharekit.audit import report
from sharekit.audit.report import Given
from sharekit.audit.verify import audit
from sharekit.trust.store import Trust
from world.books import Book

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'


class Page(HTMLParser):
    """What a page is made of: its tags with their attributes, and the texts of its headings."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        self._open.append(tag)

    def handle_data(self, data: str) -> None:
        if self._open and re.fullmatch("h[1-6]", self._open[-1]) and data.strip():
            self.headings.append((self._open[-1], data.strip()))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def filled(folder: Path, **about: str) -> Book:
    """A book with something in it for most questions."""
    book = Book(folder, **about)
    book.share("09-30 10:00", bases="art6-1-e", lag=50, rationale="r", decided="share-full-profile")
    refused = {"agreement": "refused", "override": True, "because": "harm-to-others"}
    book.share("11-02 10:00", "p", **refused, bases="art6-1-d", lag=3000)
    book.receipt("11-02 12:00", "p", "refused", purpose="other.media", outcome="purpose-prohibited")
    book.add("opened", "11-03 10:00", packet="q", outcome="allow-logged", counterparties="larkmoor", act="consultation")
    said = {"decided": "not-shared", "reasons": "not-necessary", "undiscussed": True}
    book.add("decision-recorded", "11-04 10:00", decision="a", **said)
    book.add("refused", "11-05 10:00", outcome="gate-not-met", rule="R3")
    book.add("consulted", "11-06 10:00", outcome="nobody-found")
    book.add("exported", "11-20 10:00")
    return book


def made(book: Book, *, now: datetime = NOW, export: Path | None = None, **more: object) -> str:
    path = export or book.export
    return report.html(path, audit(path, Trust([book.card])), Given([book.card]), now=now, **more)


def tampered(book: Book, folder: Path) -> Path:
    """An export with one entry changed by hand."""
    path = book.export.rename(folder / "tampered.export")
    db = sqlite3.connect(path)
    db.execute("DROP TRIGGER entry_stays")
    db.execute("UPDATE entry SET bytes = (SELECT bytes FROM entry WHERE seq = 3) WHERE seq = 2")
    db.commit()
    db.close()
    return path
