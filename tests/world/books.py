"""A ledger written entry by entry in codes, without any packets: exported, audited and asked auditors' questions."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sharekit import Keys
from sharekit.audit import questions
from sharekit.audit.questions import Answer
from sharekit.audit.verify import AuditReport, audit
from sharekit.domain import profile, vocabulary
from sharekit.ledger.entry import LABELS, VOCABULARIES, Entry
from sharekit.ledger.log import Ledger
from sharekit.trust.cards import Card
from sharekit.trust.store import Trust

CODES = {label.name for label in LABELS if label.form.name == "code" and label.vocabulary in vocabulary.names()}
LISTS = {label.name for label in LABELS if label.form.name == "codes"}
TIMES = ("act_by", "acknowledge_by")


def seconds(moment: str) -> int:
    """`11-26 14:00` of the year 2026, or with another year before it, as the ledger keeps it."""
    text = moment if moment[:2] == "20" else f"2026-{moment}"
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def coded(event: str, moment: str, **parts: Any) -> Entry:
    """An entry, from codes where the ledger has numbers."""
    said: dict[str, Any] = {}
    for name, value in {"event": event, **parts}.items():
        if name in CODES:
            value = vocabulary.load(VOCABULARIES[name])[value].number
        elif name in LISTS:
            value = tuple(vocabulary.load(VOCABULARIES[name])[code].number for code in value.split())
        elif name in TIMES:
            value = seconds(value)
        elif name == "profile":
            value = profile.load(value).number
        elif name == "counterparties":
            value = tuple(value.split())
        elif isinstance(value, str) and name in ("packet", "decision", "rationale"):
            value = value.encode().ljust(16, b".")
        said[name] = value
    return Entry(said.pop("event"), seconds(moment), nonce=os.urandom(16), **said)


class Book:
    """One agency's ledger, as entries come; its export is made when it is asked for."""

    def __init__(self, folder: Path, org_id: str = "fernshire", year: int = 2026, name: str = "Fernshire") -> None:
        self.folder, self.origin = folder / f"{org_id}-{year}", f"sharekit/{org_id}/{year}"
        self.folder.mkdir()
        about = {"org_type": "local-authority-csc", "name": name, "phone": "01632 960101"}
        keys = Keys.generate()
        self.card = Card.make(keys, org_id=org_id, **about, issued=datetime(2025, 1, 1, tzinfo=UTC))
        begun = Entry(1, seconds(f"{year}-01-01 00:00"), nonce=bytes(16), origin=self.origin)
        self.ledger = Ledger.create(self.folder / "ledger.db", origin=self.origin, key=keys.log, genesis=begun)

    def add(self, event: str, moment: str, **parts: Any) -> int:
        return self.ledger.append(coded(event, moment, **parts))

    def share(self, moment: str, packet: str = "", to: str = "quillbrook", **parts: Any) -> int:
        """A share that has nothing wrong with it, but for what `parts` say."""
        usual = {"purpose": "safeguarding.referral", "agreement": "given", "kinds": "share-agreement"}
        named = packet or os.urandom(8).hex()
        return self.add("sealed", moment, **{"packet": named, "counterparties": to, **usual, **parts})

    def receipt(self, moment: str, packet: str, reported: str, by: str = "quillbrook", **parts: Any) -> int:
        return self.add("receipt-in", moment, packet=packet, counterparties=by, reported=reported, **parts)

    @property
    def export(self) -> Path:
        path = self.folder / "ledger.export"
        path.unlink(missing_ok=True)
        self.ledger.export(path, [(self.card.org_id, self.card.data)])
        return path

    def audit(self) -> AuditReport:
        return audit(self.export, Trust([self.card]))


@contextlib.contextmanager
def decoded(*books: Book) -> Iterator[Any]:
    """The entries of books, as questions are put to them."""
    found = questions.read([(book.export, book.origin, book.ledger.size) for book in books])
    with contextlib.closing(found):
        yield found


def ask(name: str, *books: Book, limit: int = 100) -> Answer:
    with decoded(*books) as found:
        return questions.answer(found, questions.find(name), limit=limit)


def told(answer: Answer, *names: str) -> list[Any]:
    """The rows of an answer as values of the columns named, or of the one column that is named."""
    picked = [tuple(row[answer.columns.index(name)] for name in names) for row in answer.rows]
    return [row[0] for row in picked] if len(names) == 1 else picked


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


def tampered(book: Book, folder: Path) -> Path:
    """An export with one entry changed by hand."""
    path = book.export.rename(folder / "tampered.export")
    db = sqlite3.connect(path)
    db.execute("DROP TRIGGER entry_stays")
    db.execute("UPDATE entry SET bytes = (SELECT bytes FROM entry WHERE seq = 3) WHERE seq = 2")
    db.commit()
    db.close()
    return path
