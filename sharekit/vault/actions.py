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
from sharekit.errors import LedgerError, UnknownCode
from sharekit.moments import is_seconds, time_of
from sharekit.values import Value, field
from sharekit.vault.box import RESTORE, Detail, Vault

__all__ = ["Action", "Actions", "Promise"]


class Action(Value):
    """Something to be done about a packet or a decision; `party` is the other organisation that is to do it.

    `words` about it are sealed when it is opened, and read back by `Actions.words` only.
    """

    kind: str
    due: datetime
    reference: bytes
    party: str | None = None
    words: Mapping[str, Any] = field(default_factory=dict, repr=False)
    id: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def term(self) -> Term:
        """What its kind means, and what to do."""
        return vocabulary.load("action-kinds")[self.kind]


class Promise(Value):
    """What the vault holds for an entry that is to come: words, and the actions that it opens and closes."""

    words: Mapping[str, Any] = field(default_factory=dict, repr=False)
    opens: Sequence[Action] = ()
    closes: Sequence[Action] = ()


class Actions:
    """The vault's open actions. One promise at a time: the caller holds the lock, so what is pending is stale."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    # --- promises ---

    def promise(self, nonce: bytes, promise: Promise, detail: Detail | None, *, now: datetime) -> None:
        """Write down what counts once the entry with this nonce is in the ledger."""
        opens = [(each, self._sealed(each)) for each in promise.opens]
        with self._vault.writing() as connection:
            connection.execute("INSERT INTO pending VALUES (?, ?)", (nonce, int(now.timestamp())))
            _keep(connection, detail)
            for action in promise.closes:
                _close(connection, action, nonce)
            for action, words in opens:
                if _open(connection, action, nonce):
                    _keep(connection, words)

    def _sealed(self, action: Action) -> Detail | None:
        return self._vault.detail(action.id, dict(action.words)) if action.words else None

    def settle(self, nonce: bytes) -> None:
        """What was promised counts: the entry is in the ledger."""
        with self._vault.writing() as connection:
            connection.execute("DELETE FROM pending WHERE nonce = ?", (nonce,))

    def withdraw(self, nonce: bytes) -> None:
        """What was promised is undone: the entry never came."""
        with self._vault.writing() as connection:
            opened = "SELECT id FROM action WHERE opened_by = ?"
            connection.execute(f"DELETE FROM detail WHERE nonce = ? OR nonce IN ({opened})", (nonce, nonce))  # noqa: S608  # no value in it
            connection.execute("DELETE FROM action WHERE opened_by = ?", (nonce,))
            connection.execute("UPDATE action SET closed_by = NULL WHERE closed_by = ?", (nonce,))
            connection.execute("DELETE FROM pending WHERE nonce = ?", (nonce,))

    def pending(self) -> list[tuple[bytes, datetime]]:
        """The nonces of entries under way, and since when: none, but for an instant or after a crash."""
        with self._vault.reading() as connection:
            rows = connection.execute("SELECT nonce, since FROM pending").fetchall()
        return [(nonce, _time(since)) for nonce, since in rows]

    # --- reading ---

    def open(self, reference: bytes | None = None) -> list[Action]:
        """The open actions, or those of one packet or decision, soonest first."""
        query = """
            SELECT kind, due, reference, party, id FROM action
            WHERE opened_by NOT IN (SELECT nonce FROM pending)
            AND (closed_by IS NULL OR closed_by IN (SELECT nonce FROM pending))
            AND (? IS NULL OR reference = ?) ORDER BY due, id
        """
        with self._vault.reading() as connection:
            rows = connection.execute(query, (reference, reference)).fetchall()
        return [_action(row) for row in rows]

    def words(self, action: Action) -> dict[str, Any]:
        """The words about an action; the vault must be unlocked."""
        return self._vault.read_detail(action.id) or {}


def _keep(connection: sqlite3.Connection, detail: Detail | None) -> None:
    if detail:
        connection.execute("INSERT INTO detail(nonce, sealed) VALUES (?, ?)", (detail.nonce, detail.sealed))


def _open(connection: sqlite3.Connection, action: Action, nonce: bytes) -> bool:
    """Whether it is new: a packet that is opened twice in one emergency is reviewed once."""
    statement = """
        INSERT INTO action(id, kind, due, reference, party, opened_by) SELECT ?1, ?2, ?3, ?4, ?5, ?6
        WHERE NOT EXISTS (SELECT 1 FROM action
        WHERE kind = ?2 AND reference = ?4 AND party IS ?5 AND closed_by IS NULL AND due = ?3)
    """
    due = max(0, int(action.due.timestamp()))
    row = (action.id, action.term.number, due, action.reference, action.party, nonce)
    return connection.execute(statement, row).rowcount == 1


def _close(connection: sqlite3.Connection, action: Action, nonce: bytes) -> None:
    """Closed once: whoever was faster closed it, and the other's entry is true as well."""
    connection.execute("UPDATE action SET closed_by = ? WHERE id = ? AND closed_by IS NULL", (nonce, action.id))


def _action(row: tuple[Any, ...]) -> Action:
    number, due, reference, party, id_ = row
    well_formed = type(reference) is type(id_) is bytes and len(id_) == 16 and isinstance(party, str | None)
    try:
        kind = vocabulary.code("action-kinds", number)
    except UnknownCode:
        well_formed, kind = False, ""
    if not well_formed:
        raise _damaged()
    return Action(kind, _time(due), reference, party, id=id_)


def _time(seconds: object) -> datetime:
    if not is_seconds(seconds):
        raise _damaged()
    return time_of(seconds)


def _damaged() -> LedgerError:
    return LedgerError("the vault is damaged", hint=RESTORE)


# --- when they are due -----------------------------------------------------------------------------------------
