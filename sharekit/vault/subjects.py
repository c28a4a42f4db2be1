"""The subjects: a random key for every child, by which alone the tokens in the ledger's entries are connected.

Delete a subject's key, and its tokens in the ledger are noise, while every proof still verifies. A subject is found
by identifiers, pairs of a scheme and a value, which stand in the index as HMACs.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence

from sharekit.vault.box import Box
from sharekit.vault.mentions import Mention, Mentions

__all__ = ["Subjects"]


class Subjects:
    """The tables `subject` and `subject_index`. Whatever takes identifiers needs an unlocked vault.

    Identifiers of one subject that first came apart stay apart: nothing is ever matched by guessing.
    """

    def __init__(self, box: Box, mentions: Mentions) -> None:
        self._box, self._mentions = box, mentions

    def key(self, identifiers: Sequence[tuple[str, str]]) -> bytes | None:
        """The 32-byte key of the subject with these identifiers, made now if it is new; None without identifiers."""
        return self.mentioned(identifiers)

    def mentioned(self, identifiers: Sequence[tuple[str, str]], *mentions: Mention) -> bytes | None:
        """The same for entries that are to come: their mentions are taken in, in the same step."""
        tokens = self.tokens(identifiers)
        if not tokens:
            return None
        with self._box.writing() as db:
            subject = self.number_in(db, tokens)
            self._mentions.add_in(db, subject, mentions)
            return self._key_of(db, subject)

    def untried(self) -> list[int]:
        """The numbers of the subjects whose key was not tried on every entry that nobody has claimed."""
        query = "SELECT id FROM subject WHERE tried < (SELECT max(id) FROM unclaimed)"
        with self._box.reading() as db:
            return [number for (number,) in db.execute(query)]

    def tried(self, subject: int) -> int:
        """Up to which of the entries that nobody has claimed a subject's key was tried."""
        with self._box.reading() as db:
            row = db.execute("SELECT tried FROM subject WHERE id = ?", (subject,)).fetchone()
        return int(row[0]) if row else 0

    def key_of(self, subject: int) -> bytes:
        """The key of the subject with this number of the vault's own; LedgerError if there is none."""
        with self._box.reading() as db:
            return self._key_of(db, subject)

    def find(self, scheme: str, value: str) -> bytes | None:
        """The key of the subject with this identifier, or None; nothing is made."""
        tokens = self.tokens([(scheme, value)])
        with self._box.reading() as db:
            found = _first(db, tokens)
            return None if found is None else self._key_of(db, found)

    def number(self, scheme: str, value: str) -> int | None:
        """The vault's own number of the subject with this identifier, or None; nothing is made."""
        tokens = self.tokens([(scheme, value)])
        with self._box.reading() as db:
            return _first(db, tokens)

    # --- for a table that writes about a subject in the same step ---

    def tokens(self, identifiers: Sequence[tuple[str, str]]) -> list[bytes]:
        """The tokens of 32 bytes that stand in the index for these (scheme, value) pairs, in their order.

        LedgerError while the vault is locked.
        """
        return [self._box.index_token(scheme, value) for scheme, value in identifiers]

    def number_in(self, db: sqlite3.Connection, tokens: Sequence[bytes]) -> int:
        """The number of the subject with one of these tokens, made now if it is new; the others then lead to it too."""
        found = _first(db, tokens)
        subject = self._new(db) if found is None else found
        rows = [(token, subject) for token in tokens]
        db.executemany("INSERT OR IGNORE INTO subject_index(token, subject) VALUES (?, ?)", rows)
        return subject

    def _new(self, db: sqlite3.Connection) -> int:
        tried = "(SELECT coalesce(max(id), 0) FROM unclaimed)"  # what is there already cannot be about a new subject
        statement = f"INSERT INTO subject(sealed_key, tried) VALUES (?, {tried})"  # noqa: S608  # no value in it
        cursor = db.execute(statement, (self._box.seal(os.urandom(32)),))
        assert cursor.lastrowid is not None  # sqlite3 sets it after an INSERT
        return cursor.lastrowid

    def _key_of(self, db: sqlite3.Connection, subject: int) -> bytes:
        row = db.execute("SELECT sealed_key FROM subject WHERE id = ?", (subject,)).fetchone()
        return self._box.unseal(row[0] if row else b"")


def _first(db: sqlite3.Connection, tokens: Sequence[bytes]) -> int | None:
    """The subject that the first token in the index leads to."""
    query = "SELECT subject FROM subject_index WHERE token = ?"
    rows = (db.execute(query, (token,)).fetchone() for token in tokens)
    return next((row[0] for row in rows if row), None)
