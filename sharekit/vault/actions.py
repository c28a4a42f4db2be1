"""Open actions: what somebody still has to do, from when on it is due, and what closes it.

They stand in the vault with dates and references in the clear, so that a locked home can list them. What opens or
closes one is an entry of the ledger: the vault promises it first, and it counts once the entry is there. After a
crash between the two, what has its entry is kept and what has none is undone.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sharekit.domain import vocabulary
from sharekit.domain.vocabulary import Term
from sharekit.errors import UnknownCode
from sharekit.moments import seconds_of
from sharekit.values import Value, field
from sharekit.vault.box import Box, Detail, damaged, stored_time

__all__ = ["Action", "Actions", "Promise"]


class Action(Value):
    """Something to be done about a packet or a decision.

    `kind` is a code of the vocabulary action-kinds, `reference` the number of the packet or of the decision, `party`
    the organisation that is to do it, where it is another. `words` about it are sealed when it is opened, and read
    back by `Actions.words` only. `id` is 16 random bytes.
    """

    kind: str
    due: datetime
    reference: bytes
    party: str | None = None
    words: Mapping[str, Any] = field(default_factory=dict, repr=False)
    id: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def term(self) -> Term:
        """What its kind means and what is to be done, as the vocabulary has it."""
        return vocabulary.load("action-kinds")[self.kind]


class Promise(Value):
    """What the vault holds for an entry that is to come: words, and the actions that it opens and closes."""

    words: Mapping[str, Any] = field(default_factory=dict, repr=False)
    opens: Sequence[Action] = ()
    closes: Sequence[Action] = ()


class Actions:
    """The tables `action` and `pending`. Whoever promises holds a lock: what is pending then is left from a crash."""

    def __init__(self, box: Box) -> None:
        self._box = box

    # --- promises ---

    def promise(self, nonce: bytes, promise: Promise, detail: Detail | None, *, now: datetime, start: int = 0) -> None:
        """Write down what counts once the entry with this nonce is in the ledger; `detail` is the entry's own.

        The entry will stand there from number `start` on.
        """
        opens = [(each, self._sealed(each)) for each in promise.opens]
        with self._box.writing() as db:
            db.execute("INSERT INTO pending(nonce, since, start) VALUES (?, ?, ?)", (nonce, seconds_of(now), start))
            _keep(db, detail)
            for action in promise.closes:
                _close(db, action, nonce)
            for action, words in opens:
                if _open(db, action, nonce):
                    _keep(db, words)

    def _sealed(self, action: Action) -> Detail | None:
        return self._box.detail(action.id, dict(action.words)) if action.words else None

    def settle(self, nonce: bytes) -> None:
        """Let what was promised count: the entry is in the ledger."""
        with self._box.writing() as db:
            db.execute("DELETE FROM pending WHERE nonce = ?", (nonce,))

    def withdraw(self, nonce: bytes) -> None:
        """Undo what was promised: the entry never came."""
        with self._box.writing() as db:
            opened = "SELECT id FROM action WHERE opened_by = ?"
            db.execute(f"DELETE FROM detail WHERE nonce = ? OR nonce IN ({opened})", (nonce, nonce))  # noqa: S608  # no value in it
            db.execute("DELETE FROM action WHERE opened_by = ?", (nonce,))
            db.execute("UPDATE action SET closed_by = NULL WHERE closed_by = ?", (nonce,))
            db.execute("DELETE FROM pending WHERE nonce = ?", (nonce,))

    def pending(self) -> list[tuple[bytes, datetime, int]]:
        """The nonces of entries under way, since when, and from which number on they stand in the ledger.

        There are none, but for an instant or after a crash.
        """
        with self._box.reading() as db:
            rows = db.execute("SELECT nonce, since, start FROM pending").fetchall()
        return [(nonce, stored_time(since), start) for nonce, since, start in rows]

    # --- reading ---

    def open(self, reference: bytes | None = None, *, until: datetime | None = None) -> list[Action]:
        """The open actions, or those about the packet or decision `reference`, soonest first; only those due `until`.

        What is closed, and what is open for another, is not read.
        """
        which = {"reference = ?": reference, "due <= ?": seconds_of(until) if until else None}
        given = {name: value for name, value in which.items() if value is not None}
        asked = " AND ".join(["opened_by NOT IN (SELECT nonce FROM pending)", *given])
        query = f"""
            SELECT kind, due, reference, party, id FROM action WHERE closed_by IS NULL AND {asked}
            UNION ALL SELECT kind, due, reference, party, id FROM action
            WHERE closed_by IN (SELECT nonce FROM pending) AND {asked} ORDER BY due, id
        """  # noqa: S608  # no value in it
        values = [*given.values()] * 2
        with self._box.reading() as db:
            rows = db.execute(query, values).fetchall()
        return [_action(row) for row in rows]

    def words(self, action: Action) -> dict[str, Any]:
        """The words about an action by their names, empty if there are none; the vault must be unlocked."""
        return self._box.read_detail(action.id) or {}


def _keep(db: sqlite3.Connection, detail: Detail | None) -> None:
    if detail:
        db.execute("INSERT INTO detail(nonce, sealed) VALUES (?, ?)", (detail.nonce, detail.sealed))


def _open(db: sqlite3.Connection, action: Action, nonce: bytes) -> bool:
    """Whether it is new: a packet that is opened twice in one emergency is reviewed once."""
    statement = """
        INSERT INTO action(id, kind, due, reference, party, opened_by) SELECT ?1, ?2, ?3, ?4, ?5, ?6
        WHERE NOT EXISTS (SELECT 1 FROM action
        WHERE kind = ?2 AND reference = ?4 AND party IS ?5 AND closed_by IS NULL AND due = ?3)
    """
    due = max(0, seconds_of(action.due))
    row = (action.id, action.term.number, due, action.reference, action.party, nonce)
    return db.execute(statement, row).rowcount == 1


def _close(db: sqlite3.Connection, action: Action, nonce: bytes) -> None:
    """Closed once: whoever was faster closed it, and the other's entry is true as well."""
    db.execute("UPDATE action SET closed_by = ? WHERE id = ? AND closed_by IS NULL", (nonce, action.id))


def _action(row: tuple[Any, ...]) -> Action:
    number, due, reference, party, id_ = row
    well_formed = type(reference) is type(id_) is bytes and len(id_) == 16 and isinstance(party, str | None)
    try:
        kind = vocabulary.code("action-kinds", number)
    except UnknownCode:
        well_formed, kind = False, ""
    if not well_formed:
        raise damaged()
    return Action(kind, stored_time(due), reference, party, id=id_)
