"""The report on a book as a page: made as an auditor makes it, and taken apart into tags and headings."""

from __future__ import annotations

import re
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


def report_on(book: Book, *, now: datetime = NOW, export: Path | None = None, **more: object) -> str:
    """The report on a book as HTML: what an audit of `export`, or of the book's own, found."""
    path = export or book.export
    return report.html(path, audit(path, Trust([book.card])), Given([book.card]), now=now, **more)
