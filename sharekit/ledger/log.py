"""The ledger: entries that nobody can change without the next checkpoint telling.

Three tables (schemas/ledger.sql): the entries as bytes, the hashes of complete subtrees (RFC 9162), and one
signed checkpoint a commit. Triggers keep mistakes out; the tree is the guarantee. Where the tables are is the
storage's business: a file (`ledger/sqlite`) or a database (`ledger/postgres`). No clock is read here.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from nacl.signing import SigningKey

from sharekit import cbor, merkle, registry
from sharekit.disk import durable
from sharekit.domain import vocabulary
from sharekit.errors import LedgerError, LedgerTampered, Malformed, OutputUnwritable, ShareError, Usage, YearClosed
from sharekit.ledger import recheck
from sharekit.ledger.entry import Entry, event_and_time
from sharekit.ledger.group_commit import Group
from sharekit.ledger.recheck import Progress, differs, unseen
from sharekit.ledger.sqlite import File
from sharekit.ledger.storage import BEYOND, DOUBTED, PIECE, Commit, Newest, Place, Storage, refuse_marked
from sharekit.ledger.tip import RUN, Tip, complete, consistency_ranges, inclusion_ranges
from sharekit.proofs import checkpoint, inclusion
from sharekit.proofs.checkpoint import Checkpoint

__all__ = ["AttestationRow", "Ledger"]

AttestationRow = tuple[str, str | None, bytes, bytes, bytes | None]  # a row of `attestation`, schemas/export.sql


class Ledger:
    """One year's ledger, open. `create` or `open` makes it; close it, or use it in a `with` block.

    Threads and processes may append at once, and threads share a commit. Raises LedgerError where nothing could be
    written or read, LedgerTampered where what is there must not be believed.

    >>> number = fernshire.ledger.append(entry)
    >>> fernshire.ledger.verify() == number + 1
    True
    >>> fernshire.ledger.checkpoint().splitlines()[0]
    'sharekit/E10999001/2026'
    >>> fernshire.ledger.export("ledger.export", [(fernshire.org_id, fernshire.card())])
    """

    def __init__(self, storage: Storage, *, origin: str, key: SigningKey, known: str | None = None) -> None:
        self.origin = origin
        self._storage, self._key, self._public = storage, key, bytes(key.verify_key)
        self._mutex, self._tip, self._group = threading.RLock(), Tip(), Group()
        self._ending = (0, False)  # at which size it was last seen whether the last entry closes it
        try:
            self._tip = self._read_tip()
            self._check_recent()
            if known is not None:
                self._check_known(known)
        except BaseException:
            storage.close()
            raise

    @classmethod
    def create(cls, place: Place | Path | str, *, origin: str, key: SigningKey, genesis: Entry) -> Ledger:
        """A new ledger whose entry 0 is `genesis`; LedgerError if there is one already, or the remains of one."""
        if genesis.origin != origin:
            raise LedgerError("the genesis entry names another ledger")
        place = _place(place)
        place.create([_commit(Tip(), [genesis.encode()], origin=origin, key=key)])
        return cls(place.open(), origin=origin, key=key)

    @classmethod
    def open(cls, place: Place | Path | str, *, origin: str, key: SigningKey, known: str | None = None) -> Ledger:
        """The ledger at `place`, after a quick check that its newest checkpoint fits what is stored.

        `known` is an earlier checkpoint note of it: LedgerTampered if the ledger is gone, or does not go on from there.
        """
        place = _place(place)
        if known is not None and not place.exists():
            raise LedgerTampered("the ledger is gone")
        return cls(place.open(), origin=origin, key=key, known=known)

    def close(self) -> None:
        with self._mutex:
            self._storage.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def storage(self) -> Storage:
        """The storage that holds its tables."""
        return self._storage

    @property
    def path(self) -> Path | None:
        """The file that it is in; None if it is in a database."""
        return self._storage.path

    @property
    def size(self) -> int:
        """The number of its entries."""
        return self._newest().size

    @property
    def seen(self) -> int:
        """How many entries there were when it was last looked; there may be more by now, and never fewer."""
        return self._tip.size

    def root(self, size: int | None = None) -> bytes:
        """The root hash of all entries, or of the first `size`; Usage if there are not so many."""
        return self._newest().root() if size is None else self._roots([(0, self._tree(size, at_least=0))])[0]

    def checkpoint(self) -> str:
        """The newest signed note."""
        return self._newest().note

    def append(self, *entries: Entry) -> int:
        """Add `entries` in one commit under one new checkpoint, and return the number of the first.

        They are on the disk when this returns. If it raises, none of them is in the ledger; or all of them and nothing
        else, where the disk or the connection failed within the very commit. Threads that append at once share a
        commit, and what it raises. YearClosed if the last entry closes the ledger.
        """
        if not entries or any(entry.origin or entry.demonstration for entry in entries):
            raise Usage("there is nothing to append that the ledger takes")
        with self._group.join([entry.encode() for entry in entries]) as own, self._mutex:
            if not own.is_settled:
                self._group.commit(own, self._commit)
        return own.first()

    def _commit(self, take: Callable[[], list[bytes]]) -> int:
        """Append the encoded entries that `take` returns when it is this writer's turn; the number of the first."""

        def commit_on(newest: Newest) -> Commit:
            tip = self._current(newest)
            if self._ends(tip):
                raise YearClosed(f"the ledger {self.origin} is closed")
            return _commit(tip, take(), origin=self.origin, key=self._key)

        commit = self._storage.append(self._tip, commit_on)
        self._tip, self._ending = commit.tip, (commit.tip.size, _is_closing(commit.entries[-1]))
        return commit.start

    def finish(self, closing: Entry) -> None:
        """Append the entry that closes the ledger, unless it is closed: nothing follows it, whoever comes at once."""
        with self._mutex, contextlib.suppress(YearClosed):
            self._commit(lambda: [closing.encode()])

    @property
    def is_closed(self) -> bool:
        """Whether the newest entry closes the ledger; another process may just have closed it."""
        with self._mutex:
            return self._ends(self._newest())

    def _ends(self, tip: Tip) -> bool:
        if self._ending[0] != tip.size:
            self._ending = (tip.size, _is_closing(self.entry(tip.size - 1)))
        return self._ending[1]

    def entry(self, seq: int) -> bytes:
        """The stored bytes of the entry with the number `seq`; Usage if there is none."""
        data = self._storage.entry(seq)
        if data is None:
            raise _no_entry()
        return data

    def entries(self, start: int = 0, *, piece: int = 0) -> Iterator[tuple[int, bytes]]:
        """Number and bytes of every entry from number `start` on, in order, read in pieces, the first of `piece`."""
        most = piece or PIECE
        while rows := self._storage.entries(start, most=most):
            yield from rows
            start, most = rows[-1][0] + 1, PIECE

    def newest_first(self, before: int | None = None, *, piece: int = PIECE) -> Iterator[tuple[int, bytes]]:
        """Number and bytes of every entry, or of those before number `before`, newest first.

        No more is read than is asked for, in pieces of `piece` entries.
        """
        end = BEYOND if before is None else before
        while rows := self._storage.entries_before(end, most=max(1, min(piece, PIECE))):
            yield from rows
            end = rows[-1][0]

    def inclusion(self, seq: int, size: int | None = None) -> list[bytes]:
        """The hashes that lead from entry `seq` to the root of the first `size` entries (RFC 9162 section 2.1.3.1)."""
        size = self._tree(size, at_least=seq + 1)
        if seq < 0:
            raise _no_entry()
        return self._roots(inclusion_ranges(seq, 0, size))

    def consistency(self, old_size: int, size: int | None = None) -> list[bytes]:
        """The hashes that show that the first `old_size` entries begin the first `size` (RFC 9162 section 2.1.4.1)."""
        size = self._tree(size, at_least=max(old_size, 0))
        if old_size < 1:
            raise Usage("there was no such earlier ledger", hint="give the size of an earlier checkpoint")
        return self._roots(consistency_ranges(old_size, 0, size, complete=True))

    def prove(self, seq: int) -> bytes:
        """The proof that entry `seq` is in the ledger: CBOR [COSE receipt (RFC 9942), newest note].

        Nothing is signed that would not verify: LedgerTampered if the stored entry does not lead to the root. Usage if
        there is no such entry.
        """
        tip = self._newest()
        path, root = self.inclusion(seq, tip.size), tip.root()
        merkle.verify_inclusion(merkle.leaf_hash(self.entry(seq)), seq, tip.size, path, root)
        return cbor.encode([_receipt(tip.size, seq, path, root, self._key), tip.note])

    def verify(self, progress: Progress = unseen) -> int:
        """Recompute everything from the bytes of the entries; the number of entries, or LedgerTampered.

        A ledger that does not verify takes no more entries until it does. `progress` is called with how many steps are
        done, and how many there are: two for every entry.
        """
        try:
            self._storage.check_all()
            tip = self._newest(anew=True)
            recheck.recompute(self._storage, tip.size, self._signed, progress)
        except LedgerTampered:
            self._storage.mark(DOUBTED)
            raise
        self._storage.unmark(DOUBTED)
        return tip.size

    def verify_newest(self) -> int:
        """Recompute the newest part, at least 1,024 entries where there are so many; how many entries that were.

        Nothing of the rest is read. LedgerTampered as in `verify`, and where it did not verify when that was last done.
        """
        self._storage.check()
        if self._storage.marked() == DOUBTED:
            refuse_marked(DOUBTED)
        self._newest(anew=True)
        return self._check_recent()

    def export(
        self,
        path: Path | str,
        cards: Iterable[tuple[str, bytes]] = (),
        attestations: Iterable[AttestationRow] = (),
        stamps: Iterable[tuple[str, bytes]] = (),
        *,
        notes: Path | None = None,
    ) -> None:
        """Write one SQLite file for an auditor, mode 0600, in one step: the ledger's tables, and what is given.

        `cards` are (organisation id, card), `stamps` (note, time stamp), `notes` is as in `disk/files`.
        OutputUnwritable, also where `path` is the ledger.
        """
        path = Path(path)
        problem = OutputUnwritable("the output cannot be written there")
        if self._storage.is_own(path) or path.is_dir():
            raise problem
        self._newest(anew=True)
        with durable.replacing(path, problem, notes) as temporary, durable.typed(problem):
            self._storage.copy(temporary)
            _add(temporary, card=cards, attestation=attestations, stamp=stamps)

    def commits(self, after: int = 0) -> Iterator[Commit]:
        """The commits from size `after` on, one by one; LedgerTampered if the note of one does not fit."""
        tip = Tip(after, "", self._waiting(after))
        while notes := self._storage.notes(tip.size, self._tip.size):
            for size, note in notes:
                pieces = itertools.islice(self.entries(tip.size), size - tip.size)
                encoded = [data for _, data in pieces]
                grown, rows = tip.grown(list(map(merkle.leaf_hash, encoded)))
                signed = self._signed(note, size)
                if (signed.size, signed.root) != (grown.size, grown.root()):
                    raise differs("a checkpoint is not for its entries", size, signed.root, grown.root())
                yield Commit(tip.size, encoded, rows, tip := Tip(size, note, grown.waiting))

    def _newest(self, *, anew: bool = False) -> Tip:
        """The tip as it is now: another process may have appended since."""
        with self._mutex:
            self._tip = self._read_tip(anew=anew)
            return self._tip

    def _read_tip(self, *, anew: bool = False) -> Tip:
        return self._current(self._storage.newest(), anew=anew)

    def _current(self, newest: Newest, *, anew: bool = False) -> Tip:
        """The tip for what is newest; if it is not the one known, its note and the stored hashes are checked first.

        What was known is remembered: a ledger put back to an earlier state has a valid note for it.
        """
        if newest == (self._tip.size, self._tip.note) and newest.size and not anew:
            return self._tip
        tip = self._checked_tip(*newest)
        self._check_history(tip.size, self._tip.size, self._tip.root())
        return tip

    def _check_known(self, note: str) -> None:
        known = self._signed(note)
        self._check_history(self._tip.size, known.size, known.root)

    def _check_history(self, size: int, known: int, root: bytes) -> None:
        """Whether the ledger of `size` entries goes on from the `known` ones, which had that `root`."""
        found = self._roots([(0, known)])[0] if size >= known else b""
        if found != root:
            message = "the ledger was put back to an earlier state, or replaced by another"
            raise differs(message, known, root, found)

    def _checked_tip(self, size: int, note: str) -> Tip:
        signed = self._signed(note, size)
        tip = Tip(size, note, self._waiting(size))
        root = tip.root()
        if (signed.size, signed.root) != (size, root):
            raise differs("the stored hashes do not lead to the newest checkpoint", size, signed.root, root)
        return tip

    def _waiting(self, size: int) -> tuple[bytes, ...]:
        stored = {level: data for (level, _), data in self._storage.nodes(complete(0, size)).items()}
        return tuple(stored.get(level, b"") for level in range(size.bit_length()))

    def _check_recent(self) -> int:
        """Whether the newest entries, at least 1024 where there are so many, lead to the signed root; how many."""
        tip = self._tip
        start = max(0, tip.size // RUN - 1) * RUN
        rows = list(itertools.islice(self.entries(start), tip.size - start))  # others may be adding to them
        leaves = [merkle.leaf_hash(data) for _, data in rows]
        grown, _ = Tip(start, "", self._waiting(start)).grown(leaves)
        if [seq for seq, _ in rows] != list(range(start, tip.size)) or grown.root() != tip.root():
            raise differs("the entries are not those that were signed", start, tip.root(), grown.root())
        self._ending = (tip.size, bool(rows) and _is_closing(rows[-1][1]))
        return len(rows)

    def _tree(self, size: int | None, *, at_least: int) -> int:
        newest = self._newest().size
        size = newest if size is None else size
        if not at_least <= size <= newest:
            raise _no_entry()
        return size

    def _roots(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The roots over ranges of entries, (start, end) as the tree's own splits make them."""
        return recheck.roots(self._storage, ranges)

    def _signed(self, note: object, size: int | None = None) -> Checkpoint:
        try:
            return checkpoint.verify(str(note), origin=self.origin, public=self._public)
        except ShareError as error:
            raise LedgerTampered(error.message, index=size) from None


def _place(place: Place | Path | str) -> Place:
    return File(place) if isinstance(place, Path | str) else place


def _commit(tip: Tip, encoded: list[bytes], *, origin: str, key: SigningKey) -> Commit:
    """What adds the entries to the tree that ends at `tip`, with its signed note."""
    grown, rows = tip.grown(list(map(merkle.leaf_hash, encoded)))
    note = checkpoint.sign(Checkpoint(origin, grown.size, grown.root()), key=key)
    return Commit(tip.size, encoded, rows, Tip(grown.size, note, grown.waiting))


def _is_closing(stored: bytes) -> bool:
    try:
        event, _ = event_and_time(stored)
    except Malformed:
        raise LedgerTampered("the newest entry is none") from None
    return event == vocabulary.load("ledger-events")["closed"].number


def _no_entry() -> Usage:
    return Usage("there is no such entry", hint="sharekit ledger log lists them")


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
    signature = key.sign(inclusion.to_be_signed(root)).signature
    return b"\xd2" + cbor.encode([inclusion.PROTECTED, {396: {-1: [cbor.encode([size, seq, path])]}}, None, signature])
