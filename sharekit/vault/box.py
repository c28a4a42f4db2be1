"""The vault: what may and must be forgettable, beside a ledger that forgets nothing.

Here live the random key of each subject, the details of ledger entries, and the index of packets. Delete a
subject's key and its tokens in the ledger are noise, while every proof still verifies. A stolen disk tells
nothing: what is personal is sealed (SecretBox) under a key that unlocks with the opening key, and identifiers
are found by HMAC. The packet index holds numbers and digests only, so that checking needs no passphrase.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import nacl.exceptions
import nacl.secret

from sharekit import cbor, registry
from sharekit.disk import durable, migrations
from sharekit.errors import LedgerError, LedgerTampered
from sharekit.moments import is_seconds, time_of
from sharekit.values import Value
from sharekit.vault.packets import Seen

__all__ = ["Detail", "Vault"]

APPLICATION = 0x73686176  # as schemas/vault.sql sets it
RATIONALES = 200  # how many decisions are remembered by the words that explained them
RESTORE = "restore vault.db from the home's backup"


class Detail(Value):
    """Sealed words about one entry, and the digest by which the entry commits to them."""

    nonce: bytes
    sealed: bytes
    commitment: bytes


class Vault:
    """One agency's vault; without `key` only the packet index can be used.

    Every call is a step of its own, on disk when it returns. Raises LedgerError where nothing can be written or
    read, and where the vault is missing, damaged or another's: an empty one in its place would know nothing.
    """

    def __init__(self, path: Path, key: bytes | None = None) -> None:
        self._path, self._key = path, key

    @classmethod
    def create(cls, path: Path, key: bytes) -> Vault:
        """A new vault, which `key` unlocks; LedgerError if there is one already."""
        problem = LedgerError("the vault cannot be made there")
        with durable.typed(problem), durable.locked(path):
            if os.path.lexists(path):
                raise LedgerError("there is a vault already", hint="move it away first")
            with (
                durable.replacing(path, problem) as temporary,
                contextlib.closing(durable.connect(temporary)) as connection,
            ):
                connection.executescript(registry.text("vault.sql"))
                connection.execute("INSERT INTO owner(token) VALUES (?)", (_owner(key),))
        return cls(path, key)

    # --- the ledgers, as they were when they were last opened ---

    def known_checkpoint(self, origin: str) -> str | None:
        """The note of a ledger that was remembered last, or None."""
        with self.reading() as connection:
            row = connection.execute("SELECT note FROM ledger WHERE origin = ?", (origin,)).fetchone()
        return str(row[0]) if row else None

    def remember_checkpoint(self, origin: str, note: str) -> None:
        """Remember the newest note of a ledger."""
        self._write("INSERT OR REPLACE INTO ledger(origin, note) VALUES (?, ?)", origin, note)

    # --- the packet index ---

    def seen(self, sender: str, cti: bytes) -> Seen | None:
        """What is known of a sender's packet; None if it was never seen."""
        query = "SELECT digest, first_seen, recorded, opened, recipients FROM packet WHERE sender = ? AND cti = ?"
        with self.reading() as connection:
            row = connection.execute(query, (sender, cti)).fetchone()
        if row is None:
            return None
        digest, first, recorded, opened, recipients = row
        return Seen(digest, _time(first), bool(recorded), _time(opened) if opened else None, tuple(recipients.split()))

    def note_packet(
        self, sender: str, cti: bytes, *, digest: bytes, now: datetime, recipients: Iterable[str] = ()
    ) -> None:
        """Remember that a packet was seen at `now`; once it has been, nothing changes.

        `recipients` are those of a packet that was sealed here, and who may send receipts for it.
        """
        statement = "INSERT OR IGNORE INTO packet(sender, cti, digest, recipients, first_seen) VALUES (?, ?, ?, ?, ?)"
        self._write(statement, sender, cti, digest, " ".join(recipients), int(now.timestamp()))

    def mark_recorded(self, sender: str, cti: bytes) -> None:
        """Remember that the ledger has this packet's entry."""
        self._write("UPDATE packet SET recorded = 1 WHERE sender = ? AND cti = ?", sender, cti)

    def mark_opened(self, sender: str, cti: bytes, *, now: datetime) -> None:
        """Remember when it was first opened."""
        statement = "UPDATE packet SET opened = ? WHERE sender = ? AND cti = ? AND opened IS NULL"
        self._write(statement, int(now.timestamp()), sender, cti)

    def knows_refused(self, token: bytes) -> bool:
        """Whether this unverified file was refused before."""
        with self.reading() as connection:
            return connection.execute("SELECT 1 FROM refused_file WHERE token = ?", (token,)).fetchone() is not None

    def note_refused(self, token: bytes) -> None:
        """Remember an unverified file by a token that tells nothing of it."""
        self._write("INSERT OR IGNORE INTO refused_file(token) VALUES (?)", token)

    # --- how decisions were explained ---

    def repeats(self, words: str, decision: bytes, *, among: int) -> int:
        """How many of the last `among` decisions, but this one, were explained in the same words."""
        query = """
            SELECT count(*) FROM (SELECT decision, token FROM rationale ORDER BY seq DESC LIMIT ?)
            WHERE token = ? AND decision <> ?
        """
        with self.reading() as connection:
            row = connection.execute(query, (among, self._index_token("rationale", words), decision)).fetchone()
        return int(row[0])

    def note_rationale(self, words: str, decision: bytes) -> None:
        """Remember, by a token, how a decision was explained; the oldest of many are forgotten."""
        with self.writing() as connection:
            row = (decision, self._index_token("rationale", words))
            connection.execute("INSERT OR IGNORE INTO rationale(decision, token) VALUES (?, ?)", row)
            connection.execute("DELETE FROM rationale WHERE seq <= (SELECT max(seq) FROM rationale) - ?", (RATIONALES,))

    # --- subjects ---

    def subject_key(self, identifiers: Sequence[tuple[str, str]]) -> bytes | None:
        """The key of the subject who has these identifiers, made now if it is new; None without identifiers.

        Identifiers of one subject that first came apart stay apart: nothing is ever matched by guessing.
        """
        tokens = [self._index_token(scheme, value) for scheme, value in identifiers]
        if not tokens:
            return None
        with self.writing() as connection:
            found = self._find(connection, tokens)
            subject = found[0] if found else self._new_subject(connection)
            rows = [(token, subject) for token in tokens]
            connection.executemany("INSERT OR IGNORE INTO subject_index(token, subject) VALUES (?, ?)", rows)
            return self._key_of(connection, subject)

    def subject_keys(self) -> list[bytes]:
        """The keys of all subjects that are known here."""
        with self.reading() as connection:
            rows = connection.execute("SELECT sealed_key FROM subject").fetchall()
        return [self._unsealed(sealed) for (sealed,) in rows]

    def find_subject(self, scheme: str, value: str) -> bytes | None:
        """The key of the subject with this identifier, or None; nothing is made."""
        with self.reading() as connection:
            found = self._find(connection, [self._index_token(scheme, value)])
            return self._key_of(connection, found[0]) if found else None

    def subject_number(self, identifiers: Sequence[tuple[str, str]]) -> int | None:
        """The vault's own number of the subject with one of these identifiers, or None; nothing is made."""
        tokens = [self._index_token(scheme, value) for scheme, value in identifiers]
        with self.reading() as connection:
            found = self._find(connection, tokens)
        return found[0] if found else None

    def erase(self, packets: Iterable[bytes], nonces: Iterable[bytes], subjects: Iterable[int]) -> None:
        """Destroy the sealed words of entries and actions about `packets`, and the keys and indexes of `subjects`.

        The file is then written anew, so that nothing of it is left in unused pages. Numbers and digests of
        packets stay, for without them a packet that was seen could be replayed.
        """
        about = [(packet,) for packet in packets]
        keys = [(number,) for number in subjects]
        with self.writing() as db:
            db.executemany("DELETE FROM detail WHERE nonce = ?", ((nonce,) for nonce in nonces))
            db.executemany("DELETE FROM detail WHERE nonce IN (SELECT id FROM action WHERE reference = ?)", about)
            db.executemany("DELETE FROM kept WHERE packet = ?", about)
            db.executemany("DELETE FROM subject_index WHERE subject = ?", keys)
            db.executemany("UPDATE kept SET subject = NULL WHERE subject = ?", keys)
            db.executemany("DELETE FROM subject WHERE id = ?", keys)
        with durable.typed(what="the vault"), durable.locked(self._path), self.reading() as db:
            db.execute("VACUUM")

    def _find(self, connection: sqlite3.Connection, tokens: Sequence[bytes]) -> list[int]:
        query = "SELECT subject FROM subject_index WHERE token = ?"
        rows = (connection.execute(query, (token,)).fetchone() for token in tokens)
        return [row[0] for row in rows if row]

    def _new_subject(self, connection: sqlite3.Connection) -> int:
        sealed = self._box().encrypt(os.urandom(32))
        cursor = connection.execute("INSERT INTO subject(sealed_key) VALUES (?)", (bytes(sealed),))
        assert cursor.lastrowid is not None  # sqlite3 sets it after an INSERT
        return cursor.lastrowid

    def _key_of(self, connection: sqlite3.Connection, subject: int) -> bytes:
        row = connection.execute("SELECT sealed_key FROM subject WHERE id = ?", (subject,)).fetchone()
        return self._unsealed(row[0] if row else b"")

    def _index_token(self, scheme: str, value: str) -> bytes:
        index_key = hmac.digest(self._unlocked(), b"sharekit vault index", "sha256")
        identifier = f"{scheme}\x00{value}".encode("utf-8", "surrogatepass")  # whatever was typed
        return hmac.digest(index_key, identifier, "sha256")

    # --- words that come again ---

    def token(self, origin: str, words: str) -> bytes:
        """A token by which the same words are known again in one ledger; without this vault's key it tells nothing."""
        key = hmac.digest(self._unlocked(), b"sharekit vault wording\0" + origin.encode(), "sha256")
        return hmac.digest(key, words.encode("utf-8", "surrogatepass"), "sha256")

    # --- details ---

    def detail(self, nonce: bytes, words: dict[str, Any]) -> Detail:
        """`words` about the entry with this nonce, sealed and committed to; not kept before `keep`."""
        body = cbor.encode({"salt": os.urandom(32), **words})
        return Detail(nonce, bytes(self._box().encrypt(body)), sha256(body).digest())

    def keep(self, detail: Detail) -> None:
        """Keep a detail: before its entry is appended, because one without the other is harmless only so."""
        self._write("INSERT OR IGNORE INTO detail(nonce, sealed) VALUES (?, ?)", detail.nonce, detail.sealed)

    def read_detail(self, nonce: bytes) -> dict[str, Any] | None:
        """The words about an entry, or None where there are none (any more)."""
        with self.reading() as connection:
            row = connection.execute("SELECT sealed FROM detail WHERE nonce = ?", (nonce,)).fetchone()
        if row is None:
            return None
        words: dict[str, Any] = cbor.decode(self._unsealed(row[0]))
        return {name: value for name, value in words.items() if name != "salt"}

    # --- the file ---

    def _unlocked(self) -> bytes:
        if self._key is None:
            raise LedgerError("the vault is locked", hint="give the passphrase of this home")
        return self._key

    def _box(self) -> nacl.secret.SecretBox:
        return nacl.secret.SecretBox(self._unlocked())

    def _unsealed(self, sealed: object) -> bytes:
        try:
            return self._box().decrypt(sealed if isinstance(sealed, bytes) else b"")
        except nacl.exceptions.CryptoError:
            raise _damaged() from None

    def _write(self, statement: str, *values: object) -> None:
        with self.writing() as connection:
            connection.execute(statement, values)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The one writer's connection: committed if the step succeeds, and nothing of it left if not."""
        with durable.typed(what="the vault"), durable.locked(self._path), self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for one step that reads; nothing is written."""
        try:
            with (
                durable.typed(what="the vault"),
                contextlib.closing(durable.connect(self._path)) as connection,
            ):
                self._check(connection)
                durable.make_durable(connection, "TRUNCATE")  # a WAL would keep what was deleted
                migrations.bring_up_to_date(connection, "vault", what="the vault")
                connection.execute("PRAGMA secure_delete = ON")
                yield connection
        except LedgerTampered:
            raise _damaged() from None

    def _check(self, connection: sqlite3.Connection) -> None:
        """Whether it is a vault, of no newer edition, and this key's."""
        marks = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if marks[0] != APPLICATION or marks[1] < 1:
            raise _damaged()
        migrations.refuse_newer("vault", marks[1], what="the vault")
        if self._key is not None:
            rows = connection.execute("SELECT token FROM owner LIMIT 2").fetchall()
            if rows != [(_owner(self._key),)]:
                raise LedgerError("the vault does not belong to this home's keys", hint=RESTORE)


def _owner(key: bytes) -> bytes:
    return hmac.digest(key, b"sharekit vault owner", "sha256")


def _damaged() -> LedgerError:
    return LedgerError("the vault is damaged", hint=RESTORE)


def _time(seconds: object) -> datetime:
    if not is_seconds(seconds):
        raise _damaged()
    return time_of(seconds)
