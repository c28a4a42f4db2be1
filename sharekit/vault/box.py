"""The box: the vault's file and its key, by which what is personal is sealed and found again.

What is personal is sealed (SecretBox) under a key that unlocks with the opening key, and is found by HMAC: a stolen
disk tells nothing. Here too is what belongs to no other table: the words about entries of the ledger, and how the
ledgers ended when they were last opened.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import nacl.exceptions
import nacl.secret

from sharekit import cbor, registry
from sharekit.disk import durable, migrations
from sharekit.errors import LedgerError, LedgerTampered
from sharekit.moments import is_seconds, time_of
from sharekit.values import Value
from sharekit.vault.connection import Connection

__all__ = ["APPLICATION", "RESTORE", "Box", "Detail", "damaged", "stored_time"]

APPLICATION = 0x73686176  # as schemas/vault.sql sets it
RESTORE = "restore vault.db from the home's backup"


class Detail(Value):
    """Sealed words about one entry, and the digest by which the entry commits to them."""

    nonce: bytes
    sealed: bytes
    commitment: bytes


class Box:
    """The file of one vault; without `key` it is locked, and nothing personal can be sealed, read or looked up.

    `key` has 32 bytes. Every call is a step of its own, on disk when it returns; the first one opens the file. Raises
    LedgerError where nothing can be written or read, where it is locked, and where the file is missing, damaged or
    another's: an empty one in its place would know nothing.
    """

    def __init__(self, path: Path, key: bytes | None = None) -> None:
        self._key, self._connection = key, Connection(path, self._prepare)

    @classmethod
    def create(cls, path: Path, key: bytes) -> Self:
        """A new and empty file, which the 32 bytes of `key` unlock; LedgerError if there is one already."""
        problem = LedgerError("the vault cannot be made there")
        with durable.typed(problem), durable.locked(path):
            if os.path.lexists(path):
                raise LedgerError("there is a vault already", hint="move it away first")
            with durable.replacing(path, problem) as temporary, contextlib.closing(durable.connect(temporary)) as db:
                db.executescript(registry.text("vault.sql"))
                db.execute("INSERT INTO owner(token) VALUES (?)", (_owner(key),))
        return cls(path, key)

    @property
    def unlocked(self) -> bool:
        """Whether what is sealed can be read."""
        return self._key is not None

    def close(self) -> None:
        """Close the file; a call that comes later opens it again."""
        self._connection.close()

    # --- steps, for the tables ---

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection for one step that reads; nothing is written."""
        with _typed(), self._connection.reading() as db:
            yield db

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The one writer's connection: committed if the step succeeds, and nothing of it left if not."""
        with _typed(), self._connection.writing() as db:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")

    def write(self, statement: str, *values: object) -> None:
        """Run one statement as a step that writes."""
        with self.writing() as db:
            db.execute(statement, values)

    def write_anew(self) -> None:
        """Write the whole file anew, so that nothing that was deleted is left in unused pages."""
        with _typed(), self._connection.writing() as db:
            db.execute("VACUUM")
            db.execute("UPDATE anew SET destroyed = 0")

    def _prepare(self, db: sqlite3.Connection) -> None:
        """Set how steps are written, if it is a vault, of no newer edition, and this key's."""
        self._check(db)
        durable.make_durable(db, "TRUNCATE")  # a WAL would keep what was deleted
        db.execute("PRAGMA secure_delete = ON")
        migrations.bring_up_to_date(db, "vault", what="the vault")

    def _check(self, db: sqlite3.Connection) -> None:
        marks = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if marks[0] != APPLICATION or marks[1] < 1:
            raise damaged()
        migrations.refuse_newer("vault", marks[1], what="the vault")
        if self._key is not None:
            rows = db.execute("SELECT token FROM owner LIMIT 2").fetchall()
            if rows != [(_owner(self._key),)]:
                raise LedgerError("the vault does not belong to this home's keys", hint=RESTORE)

    # --- what the key is for ---

    def seal(self, data: bytes) -> bytes:
        """`data` as only this vault's key opens it."""
        return bytes(self._secret_box().encrypt(data))

    def unseal(self, sealed: object) -> bytes:
        """What was sealed; LedgerError if it was not, or not here."""
        try:
            return self._secret_box().decrypt(sealed if isinstance(sealed, bytes) else b"")
        except nacl.exceptions.CryptoError:
            raise damaged() from None

    def index_token(self, scheme: str, value: str) -> bytes:
        """The 32 bytes that stand in an index for a value of a scheme."""
        index_key = hmac.digest(self._unlocked(), b"sharekit vault index", "sha256")
        identifier = f"{scheme}\x00{value}".encode("utf-8", "surrogatepass")  # whatever was typed
        return hmac.digest(index_key, identifier, "sha256")

    def wording_token(self, origin: str, words: str) -> bytes:
        """The 32 bytes by which the same words are known again in one ledger; they tell nothing without the key."""
        key = hmac.digest(self._unlocked(), b"sharekit vault wording\0" + origin.encode(), "sha256")
        return hmac.digest(key, words.encode("utf-8", "surrogatepass"), "sha256")

    def _unlocked(self) -> bytes:
        if self._key is None:
            raise LedgerError("the vault is locked", hint="give the passphrase of this home")
        return self._key

    def _secret_box(self) -> nacl.secret.SecretBox:
        return nacl.secret.SecretBox(self._unlocked())

    # --- words about entries ---

    def detail(self, nonce: bytes, words: dict[str, Any]) -> Detail:
        """`words` about the entry with this nonce, sealed and committed to; not written down yet."""
        body = cbor.encode({"salt": os.urandom(32), **words})
        return Detail(nonce, self.seal(body), sha256(body).digest())

    def keep_details(self, *details: Detail) -> None:
        """Write details down: before their entries are appended, because one without the other is harmless only so."""
        rows = [(each.nonce, each.sealed) for each in details]
        with self.writing() as db:
            db.executemany("INSERT OR IGNORE INTO detail(nonce, sealed) VALUES (?, ?)", rows)

    def read_detail(self, nonce: bytes) -> dict[str, Any] | None:
        """The words about an entry, by their names; None where there are none, or none any more."""
        with self.reading() as db:
            row = db.execute("SELECT sealed FROM detail WHERE nonce = ?", (nonce,)).fetchone()
        if row is None:
            return None
        words: dict[str, Any] = cbor.decode(self.unseal(row[0]))
        return {name: value for name, value in words.items() if name != "salt"}

    def commitment(self, nonce: bytes) -> bytes | None:
        """The digest that the entry of these words has to have; None where there are none.

        It is empty while the vault is locked, and never right where they were changed.
        """
        with self.reading() as db:
            row = db.execute("SELECT sealed FROM detail WHERE nonce = ?", (nonce,)).fetchone()
        if row is None:
            return None
        try:
            return sha256(self.unseal(row[0])).digest() if self.unlocked else b""
        except LedgerError:
            return b"changed"

    # --- the ledgers, as they were when they were last opened ---

    def known_checkpoint(self, origin: str) -> str | None:
        """The note of the ledger of that name that was remembered last, or None."""
        with self.reading() as db:
            row = db.execute("SELECT note FROM ledger WHERE origin = ?", (origin,)).fetchone()
        return str(row[0]) if row else None

    def remember_checkpoint(self, origin: str, note: str) -> None:
        """Remember the newest note of the ledger of that name."""
        self.write("INSERT OR REPLACE INTO ledger(origin, note) VALUES (?, ?)", origin, note)

    # --- what the ledgers said holds, and how far they were read ---

    def known_standing(self) -> tuple[bytes, bytes] | None:
        """What was remembered last, and the token that was given with it; None at first."""
        with self.reading() as db:
            row = db.execute("SELECT state, token FROM standing").fetchone()
        return (bytes(row[0]), bytes(row[1])) if row else None

    def remember_standing(self, state: bytes, token: bytes) -> None:
        """Remember `state` in place of what was remembered before."""
        self.write("INSERT OR REPLACE INTO standing(id, state, token) VALUES (1, ?, ?)", state, token)


@contextlib.contextmanager
def _typed() -> Iterator[None]:
    """Every error of SQLite and of the file system as a LedgerError about the vault."""
    try:
        with durable.typed(what="the vault"):
            yield
    except LedgerTampered:
        raise damaged() from None


def _owner(key: bytes) -> bytes:
    return hmac.digest(key, b"sharekit vault owner", "sha256")


def damaged() -> LedgerError:
    """What is raised where the contents of a vault cannot be right."""
    return LedgerError("the vault is damaged", hint=RESTORE)


def stored_time(seconds: object) -> datetime:
    """The time that is stored as seconds since 1970; LedgerError for anything else."""
    if not is_seconds(seconds):
        raise damaged()
    return time_of(seconds)
