"""What the tests of auditors' questions share: a ledger written entry by entry in codes, exported and read."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sharekit import Keys
from sharekit.audit import questions
from sharekit.audit.questions import Answer
from sharekit.audit.verify import AuditReport, audit
from sharekit.domain import profile, vocabulary
from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.trust.cards import Card
from sharekit.trust.store import Trust

NUMBERS = {
    "event": "ledger-events",
    "purpose": "purposes",
    "outcome": "outcomes",
    "decided": "decisions",
    "action": "action-kinds",
    "reported": "receipt-events",
    "act": "acts",
    "stage": "dispute-stages",
}
LISTS = {
    "bases": "art6",
    "agreement": "agreement-status",
    "kinds": "agreement-kinds",
    "reasons": "refusal-reasons",
    "because": "agreement-reasons",
}
TIMES = ("act_by", "acknowledge_by")


def seconds(moment: str) -> int:
    """`11-26 14:00` of the year 2026, or with another year before it, as the ledger keeps it."""
    text = moment if moment[:2] == "20" else f"2026-{moment}"
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def coded(event: str, moment: str, **parts: Any) -> Entry:
    """An entry, from codes where the ledger has numbers."""
    said: dict[str, Any] = {}
    for name, value in {"event": event, **parts}.items():
        if name in NUMBERS:
            value = vocabulary.load(NUMBERS[name])[value].number
        elif name in LISTS:
            value = tuple(vocabulary.load(LISTS[name])[code].number for code in value.split())
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
