"""The ledger: a file of entries that nobody can change without the next checkpoint telling.

Three tables (schemas/ledger.sql): the entries as bytes, the hashes of complete subtrees (RFC 9162), and one
signed checkpoint a commit. Triggers keep mistakes out; the tree is the guarantee. No clock is read here.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

from sharekit import cbor, checkpoint, durable, merkle, proof, registry
from sharekit.checkpoint import Checkpoint
from sharekit.durable import durability, journal_mode
from sharekit.entry import Entry
from sharekit.errors import LedgerError, LedgerTampered, OutputUnwritable, ShareError, Usage
from sharekit.tree import RUN, Tip, consistency_ranges, inclusion_ranges

__all__ = ["Entry", "Ledger", "Said", "durability", "journal_mode"]

Said = tuple[str, str | None, bytes, bytes]  # a row of `attestation`, schemas/export.sql

PIECE = 1024  # rows read at a time: a reader never keeps a writer waiting for long
BEYOND = 2**63  # no row has such a number


class Ledger:
    """One year's ledger, open; `create` or `open` it, and close it, or use it in a `with` block.

    Threads and processes may append at once: each append holds a file lock. Raises LedgerError where nothing
    could be written or read, LedgerTampered where what is there must not be believed.
    """

    def __init__(self, path: Path, *, origin: str, key: SigningKey, known: str | None = None) -> None:
        self.path, self.origin = path, origin
        self._key, self._public = key, bytes(key.verify_key)
        self._mutex, self._tip = threading.RLock(), Tip()
        with durable.typed():
            self._db = durable.connect(path)
            try:
                self._place = durable.place(path)
                durable.check_schema(self._db)
                durable.make_durable(self._db)
                self._tip = self._read_tip()
                self._check_recent()
                if known is not None:
                    self._check_known(known)
            except BaseException:
                self._db.close()
                raise

    @classmethod
    def create(cls, path: Path | str, *, origin: str, key: SigningKey, genesis: Entry) -> Ledger:
        """A new ledger whose entry 0 is `genesis`; LedgerError if there is one, or the remains of one."""
        path = Path(path)
        if genesis.origin != origin:
            raise LedgerError("the genesis entry names another ledger")
        with durable.typed(), durable.locked(path):
            if any(os.path.lexists(f"{path}{suffix}") for suffix in ("", *durable.SIDE_FILES)):
                raise LedgerError("there is a ledger already", hint="move it and its side files away first")
            _build(path, origin, key, genesis)
        return cls(path, origin=origin, key=key)

    @classmethod
    def open(cls, path: Path | str, *, origin: str, key: SigningKey, known: str | None = None) -> Ledger:
        """The ledger at `path`, after a quick check that its newest checkpoint is for what is there.

        `known` is an earlier checkpoint of it: a ledger that does not go on from there, or is gone, is
        LedgerTampered.
        """
        if known is not None and not os.path.lexists(path):
            raise LedgerTampered("the ledger is gone")
        return cls(Path(path), origin=origin, key=key, known=known)

    def close(self) -> None:
        with self._mutex:
            self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def size(self) -> int:
        return self._newest().size

    def root(self, size: int | None = None) -> bytes:
        """The root now, or that of the first `size` entries; Usage if there are not so many."""
        return self._newest().root() if size is None else self._range(0, self._tree(size, at_least=0))

    def checkpoint(self) -> str:
        """The newest signed note."""
        return self._newest().note

    def append(self, *entries: Entry) -> int:
        """Add `entries` in one commit under one new checkpoint, and return the number of the first.

        They have reached the disk when this returns; if it raises, none of them is in the ledger, or, where
        the disk failed in the very commit, they are in it and nothing else is.
        """
        if not entries or any(entry.origin or entry.demonstration for entry in entries):
            raise Usage("there is nothing to append that the ledger takes")
        encoded = [entry.encode() for entry in entries]
        with durable.typed(), self._mutex, durable.locked(self.path):
            self._check_place()
            if os.path.lexists(self._doubt):
                raise LedgerTampered("the ledger did not verify when it was last checked")
            self._tip = self._commit(encoded)
            return self._tip.size - len(encoded)

    def _commit(self, encoded: list[bytes]) -> Tip:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            tip = _insert(self._db, self._read_tip(), encoded, origin=self.origin, key=self._key)
            self._db.execute("COMMIT")
        except BaseException:  # an interrupt, too, must leave no half of an exchange
            self._roll_back()
            raise
        return tip

    def _roll_back(self) -> None:
        """Undo what was begun; a connection that cannot even do that is closed, or it would lock everybody out."""
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        finally:
            if self._db.in_transaction:
                self._db.close()

    def entry(self, seq: int) -> bytes:
        """The stored bytes of one entry; Usage if there is no such entry."""
        row = self._one("SELECT bytes FROM entry WHERE seq = ?", seq) if 0 <= seq < BEYOND else None
        if row is None:
            raise Usage("there is no such entry", hint="sharekit ledger log lists them")
        return _whole(seq, row[0])

    def entries(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """Number and bytes of the entries from `start` on, in order."""
        query = "SELECT seq, bytes FROM entry WHERE seq >= ? ORDER BY seq LIMIT ?"
        while start < BEYOND and (rows := self._all(query, start, PIECE)):
            for seq, data in rows:
                yield seq, _whole(seq, data)
            start = rows[-1][0] + 1

    def inclusion(self, seq: int, size: int | None = None) -> list[bytes]:
        """The path from entry `seq` to the root of the first `size` entries (RFC 9162 section 2.1.3.1)."""
        size = self._tree(size, at_least=seq + 1)
        if seq < 0:
            raise Usage("there is no such entry", hint="sharekit ledger log lists them")
        return [self._range(*part) for part in inclusion_ranges(seq, 0, size)]

    def consistency(self, old_size: int, size: int | None = None) -> list[bytes]:
        """Proof that the first `old_size` of `size` entries have not changed (RFC 9162 section 2.1.4.1)."""
        size = self._tree(size, at_least=max(old_size, 0))
        if old_size < 1:
            raise Usage("there was no such earlier ledger", hint="give the size of an earlier checkpoint")
        return [self._range(*part) for part in consistency_ranges(old_size, 0, size, complete=True)]

    def prove(self, seq: int) -> bytes:
        """CBOR [receipt, note]: a COSE receipt of inclusion (RFC 9942) of entry `seq`, and the newest note.

        What would not verify is not signed: LedgerTampered if the stored entry does not lead to the root.
        """
        tip = self._newest()
        path, root = self.inclusion(seq, tip.size), tip.root()
        merkle.verify_inclusion(merkle.leaf_hash(self.entry(seq)), seq, tip.size, path, root)
        return cbor.encode([_receipt(tip.size, seq, path, root, self._key), tip.note])

    def verify(self) -> int:
        """Recompute everything from the entries' bytes; how many there are, or LedgerTampered.

        A ledger that does not verify takes no more entries until it does.
        """
        try:
            size = self._verify()
        except LedgerTampered:
            self._set_doubted(True)
            raise
        self._set_doubted(False)
        return size

    def _verify(self) -> int:
        with durable.typed(), self._mutex:
            durable.check_schema(self._db)
            durable.check_pages(self._db)
            self._check_place()
        tip = self._newest(anew=True)
        self._check_counts()
        below: Iterator[bytes] = map(merkle.leaf_hash, self._dense(tip.size))
        for level in range(tip.size.bit_length()):
            _compare(below, self._level(level, tip.size), level)
            below = _parents(self._level(level, tip.size))
        self._check_commits(tip.size)
        self._verify_notes(tip.size)
        return tip.size

    @property
    def _doubt(self) -> str:
        return f"{self.path}.doubted"

    def _set_doubted(self, doubted: bool) -> None:
        """Remember for every process whether the ledger verified; a disk that is read-only takes no entries anyway."""
        with contextlib.suppress(OSError):
            if doubted:
                os.close(os.open(self._doubt, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
            else:
                Path(self._doubt).unlink(missing_ok=True)

    def export(
        self,
        path: Path | str,
        cards: Iterable[tuple[str, bytes]] = (),
        attestations: Iterable[Said] = (),
        stamps: Iterable[tuple[str, bytes]] = (),
    ) -> None:
        """Write what an auditor needs as one SQLite file, mode 0600, in one step: the tables, and what is given.

        Raises OutputUnwritable, also where `path` is the ledger itself.
        """
        path = Path(path)
        problem = OutputUnwritable("the output cannot be written there")
        own = {os.path.realpath(f"{self.path}{suffix}") for suffix in ("", ".lock", *durable.SIDE_FILES)}
        if os.path.realpath(path) in own or path.is_dir():
            raise problem
        self._newest(anew=True)
        with durable.replacing(path, problem) as temporary, durable.typed(problem), self._mutex:
            self._db.execute("VACUUM INTO ?", (durable.uri(temporary),))
            _add(temporary, card=cards, attestation=attestations, stamp=stamps)

    def _newest(self, *, anew: bool = False) -> Tip:
        """The tip as it is now: another process may have appended since."""
        with durable.typed(), self._mutex:
            self._tip = self._read_tip(anew=anew)
            return self._tip

    def _read_tip(self, *, anew: bool = False) -> Tip:
        """The tip; if it is not the one known, its note, its size and the stored hashes are checked first.

        What was known is remembered: a ledger put back to an earlier state has a valid note for it.
        """
        row = self._db.execute(
            "SELECT size, note, (SELECT max(seq) + 1 FROM entry) FROM note ORDER BY size DESC LIMIT 1"
        ).fetchone()
        size, note, count = row or (0, "", 0)
        if size != count or type(note) is not str:
            raise LedgerTampered("the newest checkpoint is not for the entries there are", index=size)
        if (size, note) == (self._tip.size, self._tip.note) and size and not anew:
            return self._tip
        tip = self._checked_tip(size, note)
        self._check_history(size, self._tip.size, self._tip.root())
        return tip

    def _check_known(self, note: str) -> None:
        known = self._signed(note)
        self._check_history(self._tip.size, known.size, known.root)

    def _check_history(self, size: int, known: int, root: bytes) -> None:
        """Whether the ledger of `size` entries goes on from the `known` ones, which had that `root`."""
        found = self._range(0, known) if size >= known else b""
        if found != root:
            message = "the ledger was put back to an earlier state, or replaced by another"
            raise _differs(message, known, root, found)

    def _checked_tip(self, size: int, note: str) -> Tip:
        durable.settle(self.path)  # what is shown must not be gone after a power cut: it would look like tampering
        signed = self._signed(note, size)
        tip = Tip(size, note, self._waiting(size))
        root = tip.root()
        if (signed.size, signed.root) != (size, root):
            raise _differs("the stored hashes do not lead to the newest checkpoint", size, signed.root, root)
        return tip

    def _waiting(self, size: int) -> tuple[bytes, ...]:
        levels = range(size.bit_length())
        return tuple(self._node(n, (size >> n) - 1) if size >> n & 1 else b"" for n in levels)

    def _check_recent(self) -> None:
        """Whether the newest entries, at least 1024 where there are so many, lead to the signed root."""
        tip = self._tip
        start = max(0, tip.size // RUN - 1) * RUN
        rows = list(itertools.islice(self.entries(start), tip.size - start))  # others may be adding to them
        leaves = [merkle.leaf_hash(data) for _, data in rows]
        grown, _ = Tip(start, "", self._waiting(start)).grown(leaves)
        if [seq for seq, _ in rows] != list(range(start, tip.size)) or grown.root() != tip.root():
            raise _differs("the entries are not those that were signed", start, tip.root(), grown.root())

    def _check_place(self) -> None:
        if durable.place(self.path) != self._place:  # a deleted file would swallow entries without a trace
            raise LedgerTampered("another file has taken the place of the ledger")

    def _tree(self, size: int | None, *, at_least: int) -> int:
        newest = self._newest().size
        size = newest if size is None else size
        if not at_least <= size <= newest:
            raise Usage("there is no such entry", hint="sharekit ledger log lists them")
        return size

    def _node(self, level: int, idx: int) -> bytes:
        row = self._one(
            "SELECT substr(hash, 1 + 32 * (? - idx), 32) FROM node WHERE level = ? AND idx <= ?"
            " ORDER BY idx DESC LIMIT 1",
            *(idx, level, idx),
        )
        if row is None or type(row[0]) is not bytes or len(row[0]) != 32:
            raise LedgerTampered("a stored hash is missing", index=idx << level)
        return row[0]

    def _range(self, start: int, end: int) -> bytes:
        """The root over entries `start` to `end`, a range that the tree's own splits make."""
        size, found = end - start, None
        for level in range(size.bit_length()):
            if size >> level & 1:
                node = self._node(level, (end >> level) - 1)
                found = node if found is None else merkle.node_hash(node, found)
        return found or merkle.root([])

    def _dense(self, size: int) -> Iterator[bytes]:
        for expected, (seq, data) in zip(range(size), self.entries(-(2**63)), strict=False):
            if seq != expected:
                raise LedgerTampered("an entry is missing", index=expected)
            yield data

    def _level(self, level: int, size: int) -> Iterator[bytes]:
        """The stored hashes of a level, as far as the first `size` entries complete them."""
        idx, end = 0, size >> level
        query = "SELECT idx, hash FROM node WHERE level = ? AND idx >= ? ORDER BY idx LIMIT 64"
        while idx < end:
            rows = self._all(query, level, idx)
            for start, run in rows or [(None, b"")]:
                if start != idx or type(run) is not bytes or not run or len(run) % 32:
                    raise LedgerTampered("a stored hash is missing", index=idx << level)
                yield from (run[at : at + 32] for at in range(0, min(len(run), 32 * (end - idx)), 32))
                idx += len(run) // 32

    def _check_counts(self) -> None:
        """No row may stand outside the tree: it would be a place to hide things in."""
        size, entries, stored = self._one(
            "SELECT max(size), (SELECT count(*) FROM entry), (SELECT sum(length(hash)) FROM node) FROM note"
        )
        if (entries, stored) != (size, 32 * sum(size >> level for level in range(size.bit_length()))):
            raise LedgerTampered("entries or hashes are missing, or too many", index=size)

    def _check_commits(self, size: int) -> None:
        """Every commit has its note: a row of fewer leaf hashes than fit is the last of one."""
        row = self._one(
            "SELECT idx + length(hash) / 32 AS above FROM node WHERE level = 0 AND length(hash) < ? AND above <= ?"
            " AND NOT EXISTS (SELECT 1 FROM note WHERE note.size = above) ORDER BY idx LIMIT 1",
            *(32 * RUN, size),
        )
        if row:
            raise LedgerTampered("a commit is without its checkpoint", index=row[0])

    def _verify_notes(self, size: int) -> None:
        after = 0
        query = "SELECT size, note FROM note WHERE size > ? AND size <= ? ORDER BY size LIMIT ?"
        while rows := self._all(query, after, size, PIECE):
            for after, note in rows:
                signed, found = self._signed(note, after), self._range(0, after)
                if (signed.size, signed.root) != (after, found):
                    raise _differs("a checkpoint is not for the entries before it", after, signed.root, found)

    def _signed(self, note: object, size: int | None = None) -> Checkpoint:
        try:
            return checkpoint.verify(str(note), origin=self.origin, public=self._public)
        except ShareError as error:
            raise LedgerTampered(error.message, index=size) from None

    def _one(self, sql: str, *values: object) -> Any:
        rows = self._all(sql, *values)
        return rows[0] if rows else None

    def _all(self, sql: str, *values: object) -> list[Any]:
        with durable.typed(), self._mutex:
            return self._db.execute(sql, values).fetchall()


def _build(path: Path, origin: str, key: SigningKey, genesis: Entry) -> None:
    """The file appears under its name when it is whole: a crash leaves no half-made ledger."""
    problem = LedgerError("the ledger cannot be made there")
    with (
        durable.replacing(path, problem) as temporary,
        durable.typed(problem),
        contextlib.closing(durable.connect(temporary)) as db,
    ):
        db.executescript(registry.text("ledger.sql"))
        db.execute("BEGIN IMMEDIATE")
        _insert(db, Tip(), [genesis.encode()], origin=origin, key=key)
        db.execute("COMMIT")


def _insert(db: sqlite3.Connection, tip: Tip, encoded: list[bytes], *, origin: str, key: SigningKey) -> Tip:
    grown, rows = tip.grown(list(map(merkle.leaf_hash, encoded)))
    note = checkpoint.sign(Checkpoint(origin, grown.size, grown.root()), key=key)
    db.executemany("INSERT INTO entry VALUES (?, ?)", enumerate(encoded, tip.size))
    db.executemany("INSERT INTO node VALUES (?, ?, ?)", rows)
    db.execute("INSERT INTO note VALUES (?, ?)", (grown.size, note))
    return Tip(grown.size, note, grown.waiting)


def _whole(seq: int, data: object) -> bytes:
    if type(data) is not bytes:
        raise LedgerTampered("an entry is damaged", index=seq)
    return data


def _add(path: Path, **tables: Iterable[tuple[object, ...]]) -> None:
    """Write what an export has beside the ledger's own tables, schemas/export.sql."""
    with contextlib.closing(durable.connect(path)) as db:
        db.execute("PRAGMA journal_mode = MEMORY")
        db.executescript(registry.text("export.sql"))
        db.execute("BEGIN")
        for name, rows in tables.items():
            for row in rows:
                db.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608  # our names
        db.execute("COMMIT")


def _receipt(size: int, seq: int, path: list[bytes], root: bytes, key: SigningKey) -> bytes:
    """COSE_Sign1 with a detached payload, the root; 396 holds the proof."""
    signature = key.sign(proof.to_be_signed(root)).signature
    return b"\xd2" + cbor.encode([proof.PROTECTED, {396: {-1: [cbor.encode([size, seq, path])]}}, None, signature])


def _parents(hashes: Iterator[bytes]) -> Iterator[bytes]:
    return (merkle.node_hash(left, right) for left, right in zip(hashes, hashes, strict=False))


def _compare(computed: Iterator[bytes], stored: Iterator[bytes], level: int) -> None:
    for idx, (found, expected) in enumerate(zip(computed, stored, strict=False)):
        if expected != found:
            raise _differs("an entry or a hash has been changed", idx << level, expected, found)


def _differs(message: str, index: int, expected: bytes, found: bytes) -> LedgerTampered:
    return LedgerTampered(message, index=index, expected=expected.hex(), found=found.hex())
