"""The auditor: recomputes a ledger from its export, with none of the code that wrote it.

The file is read as an enemy might have made it: read-only, table by table, never by a view or an index of its
own, every row limited in size, and no row followed further than the file is long.

1 the schema and the pages  2 whose ledger, and which trusted key  3 the notes and proofs to compare with
4 every entry and every stored hash  5 the roots at the sizes of the notes  6 the proofs  7 the cards

>>> report = sharekit.audit.audit("fernshire.export", trust)
>>> report.findings
()
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sharekit import cbor
from sharekit.audit import export_file
from sharekit.audit.attested import Attested, Cards
from sharekit.audit.clock import Clock
from sharekit.audit.outside import ENTRY, Outside, Remark
from sharekit.audit.recompute import (
    MAX_RUN_BYTES,
    Finding,
    Findings,
    Progress,
    Tree,
    is_entry,
    unseen,
)
from sharekit.errors import Malformed, ShareError
from sharekit.proofs import checkpoint, timestamp
from sharekit.proofs.checkpoint import Checkpoint
from sharekit.proofs.inclusion import UNSIGNED
from sharekit.trust.cards import Card
from sharekit.values import Value

__all__ = ["AuditReport", "Checked", "audit"]

CHECKPOINT, ORIGIN = 18, 19  # labels of an entry, schemas/ledger.cddl
MAX_NOTES = 10_000  # of a ledger with more, an even sample is checked; the newest note always is
SMALLEST_ENTRY = 24  # bytes: a file has room for so many entries, and for no more


class Checked(Value):
    """How much was looked at, so that no finding is not mistaken for no look."""

    entries: int = 0
    notes: int = 0
    checkpoints: int = 0
    proofs: int = 0
    attestations: int = 0


class AuditReport(Value):
    """What the export is, recomputed: entries before `unchanged` are those that a signed note promised.

    `attested` says who outside has seen how many of them, and when; the largest first. `remarks` say what was given to
    the auditor and counts for nothing, or is only reported: they accuse nobody. `kept` is the size of
    the largest checkpoint that the auditor was given and that holds; 0 for none. `begun_from` is the hash of the last
    checkpoint of the year before, as the genesis entry has it; None where it has none.
    """

    origin: str
    size: int
    root: bytes
    unchanged: int
    findings: tuple[Finding, ...]
    checked: Checked
    attested: tuple[Attested, ...] = ()
    remarks: tuple[Remark, ...] = ()
    kept: int = 0
    begun_from: bytes | None = None

    @property
    def other_years(self) -> list[int]:
        """The other years of this agency of which something was given, which was not compared; oldest first."""
        named, own = (checkpoint.org_and_year(each.origin) for each in self.remarks), checkpoint.owner(self.origin)
        return sorted({year for org_id, year in filter(None, named) if org_id == own})


def audit(
    path: Path | str,
    trust: Cards,
    *,
    checkpoints: Sequence[str | bytes] = (),
    proofs: Sequence[bytes] = (),
    receipts: Sequence[bytes] = (),
    roots: Sequence[bytes] = (),
    progress: Progress = unseen,
) -> AuditReport:
    """What is wrong with an export, recomputed from its entries; no findings mean that nothing was found.

    `checkpoints`, `proofs` and `receipts` (evidence, as `proofs.attestation` has it) are what others kept of this
    ledger: only they tell of a ledger cut short or written anew by the holder of its key; so do time stamps, under the
    root certificates `roots` (PEM). What of it does not hold is a remark, and no finding about this ledger. `progress`
    is called with the number of entries read so far, and of all. Raises Malformed if a file is not what it should be,
    Usage if it cannot be read, and NotTrusted if `trust` has no card of the ledger's agency.
    """
    for root in roots:
        timestamp.check_root(root)  # also where the export has no stamp to check
    with export_file.opened(Path(path)) as db:
        findings = Findings()
        if not export_file.check_schema(db, findings):
            return AuditReport("", 0, b"", 0, tuple(findings.items), Checked())
        export_file.check_pages(db)
        room = os.stat(path).st_size // SMALLEST_ENTRY
        return _Audit(db, trust, findings, room).run(checkpoints, proofs, receipts, roots, progress)


class _Audit:
    """One audit: the export, the findings so far, and how many entries the file has `room` for."""

    def __init__(self, db: sqlite3.Connection, trust: Cards, findings: Findings, room: int) -> None:
        self.db, self.findings, self.room = db, findings, room
        self.genesis = self._first(f"{ENTRY} 0")
        self.origin = self._origin()
        owner = checkpoint.owner(self.origin)
        self.keys = trust.log_keys(owner) if owner else []
        self.outside = Outside(db, trust, findings, self.origin, self.keys)

    def run(
        self,
        checkpoints: Sequence[str | bytes],
        proofs: Sequence[bytes],
        receipts: Sequence[bytes],
        roots: Sequence[bytes],
        progress: Progress,
    ) -> AuditReport:
        (size, newest), outside = self._size(), self.outside
        said = [each for data in receipts for each in outside.evidence(data)]
        shown = [pair for data in proofs if (pair := outside.proof(data))]
        stamps = outside.stamps()
        kept = [*checkpoints, *stamps, *(each.note for each, _ in shown)]
        kept += [*outside.cosigned(), *(each.cosigned for each in said if each.cosigned)]
        given = [(note, known) for note in dict.fromkeys(kept) if (known := outside.supplied(note))]
        elsewhere = {*checkpoints, *(each.note for each, _ in shown)}
        notes = self._sample(size)
        clock = Clock(int(self.origin[-4:] or 0))
        tree = Tree(self.db, size, self.findings, {known.size for _, known in given} | set(notes), clock.look)
        tree.read(progress)
        clock.tell(self.findings)
        self._check_commits(size)
        held = self._compare_notes(tree, notes, newest)
        standing = [(note, known.size) for note, known in given if self._compare(tree, known)]
        unchanged = max([*held, *(count for _, count in standing)], default=0)
        self._compare_newest(tree, newest, unchanged)
        for each, known in shown:
            outside.check_proof(each, known, tree.roots)
        self._check_cards()
        count = outside.check_receipts(itertools.chain(outside.attestations(), said))
        checked = Checked(tree.entries, len(notes), len(checkpoints), len(proofs), count)
        attested = outside.attested(standing, stamps, roots)
        return AuditReport(
            self.origin,
            size,
            tree.root,
            unchanged,
            tuple(self.findings.items),
            checked,
            attested,
            tuple(outside.remarks),
            max((count for note, count in standing if note in elsewhere), default=0),
            _begun_from(self.genesis),
        )

    def _origin(self) -> str:
        """The ledger's name, from its newest note, or its genesis entry where the note is damaged."""
        begun = _genesis_origin(self.genesis)
        if not begun:
            self.findings.add("genesis-missing", "entry 0 does not begin a ledger", entry=0)
        try:
            noted = checkpoint.parse(self._newest_note()).origin
        except Malformed:
            return begun
        if not checkpoint.owner(noted):
            raise Malformed("the file is no export of an agency's ledger", hint=export_file.HINT)
        if begun and begun != noted:
            self.findings.add("other-origin", "the genesis entry is that of another ledger", entry=0)
        return noted

    def _newest_note(self) -> str:
        note = self._first("SELECT note FROM note ORDER BY size DESC LIMIT 1")
        return note if type(note) is str else ""

    def _first(self, sql: str, *values: object) -> Any:
        row = self.db.execute(sql, values).fetchone()
        return row[0] if row else None

    def _size(self) -> tuple[int, Checkpoint | None]:
        """How many entries to read: those that the newest note signs, as far as there are so many."""
        last = self._first("SELECT max(seq) FROM entry")
        end = 0 if last is None else last + 1
        newest = self.outside.verified(self._newest_note())
        if newest is None:
            self.findings.add("note-invalid", f"the newest note is {UNSIGNED}", entry=end)
        size = max(0, min(end, newest.size if newest else end, self.room))
        if self._first("SELECT 1 FROM entry WHERE seq < 0 OR seq >= ? LIMIT 1", size):
            self.findings.add("entry-unsigned", "there are entries that no checkpoint signs", entry=size)
        most = max(size, newest.size if newest else 0)
        if self._first("SELECT 1 FROM note WHERE size < 1 OR size > ? LIMIT 1", most):
            self.findings.add("note-invalid", "there are notes for no entries", entry=size)
        return size, newest

    def _sample(self, size: int) -> list[int]:
        """The sizes of the notes to compare: of all, or of very many an even sample, the newest among them."""
        chosen, step, last = list[int](), 1, size + 1
        query = "SELECT size FROM note WHERE size BETWEEN 1 AND ? ORDER BY size DESC"
        for at, (number,) in enumerate(self.db.execute(query, (size,))):
            if number >= last:
                raise Malformed("the export is damaged")  # pages in a circle would be read for ever
            last = number
            if at % step == 0:
                chosen.append(number)
            if len(chosen) > MAX_NOTES:
                chosen, step = chosen[::2], step * 2
        return chosen[::-1]

    def _check_commits(self, size: int) -> None:
        """Every commit has its note: a row of fewer leaf hashes than fit is the last of one."""
        missing = self._first(
            "SELECT idx + length(hash) / 32 AS above FROM node WHERE level = 0 AND length(hash) < ? AND above <= ?"
            " AND NOT EXISTS (SELECT 1 FROM note WHERE note.size = above) ORDER BY idx LIMIT 1",
            *(MAX_RUN_BYTES, size),
        )
        if missing is not None:
            self.findings.add("note-missing", "a commit is without its note", entry=missing)

    def _compare_newest(self, tree: Tree, newest: Checkpoint | None, unchanged: int) -> None:
        if newest is None or (newest.size, newest.root) == (tree.size, tree.root):
            return
        kind, entry, message = "truncated", tree.size, "the newest note is for more entries than there are"
        if newest.size == tree.size:
            kind, entry = "root-mismatch", unchanged
            message = f"the entries do not add up to the signed checkpoint; the first {unchanged} do"
        self.findings.add(kind, message, entry=entry, expected=newest.root, found=tree.root)

    def _compare_notes(self, tree: Tree, notes: list[int], newest: Checkpoint | None) -> list[int]:
        """The sizes at which a signed note holds; the first that does not is a fork, if the newest holds."""
        held, broken = [], []
        whole = newest is not None and tree.roots.get(newest.size) == newest.root
        for size in notes:
            note = self._first("SELECT note FROM note WHERE size = ?", size)
            signed = self.outside.verified(note) if type(note) is str else None
            if signed is None or signed.size != size:
                if newest is None or size != newest.size:
                    self.findings.add("note-invalid", f"a note is {UNSIGNED}", entry=size)
            elif signed.root == tree.roots[size]:
                held.append(size)
            else:
                broken.append(signed)
        if whole and broken:
            self._fork(tree, broken[0], "an earlier note of the export promises another history")
        return held

    def _compare(self, tree: Tree, known: Checkpoint) -> bool:
        """Whether a checkpoint that somebody kept holds."""
        if known.size > tree.size:
            message = "a checkpoint given is for more entries than there are"
            self.findings.add("truncated", message, entry=tree.size, expected=known.root, found=tree.root)
            return False
        if tree.roots[known.size] != known.root:
            self._fork(tree, known, "a checkpoint given promises another history")
            return False
        return True

    def _check_cards(self) -> None:
        """Nobody is believed for a card in an export; but nothing else may stand in its place."""
        last = None
        query = "SELECT rowid, org_id, CASE WHEN length(data) <= 16384 THEN data END FROM card ORDER BY rowid"
        for at, (number, org_id, data) in enumerate(self.db.execute(query)):
            if last is not None and number <= last:
                raise Malformed("the export is damaged")
            last = number
            if not _is_card(org_id, data):
                self.findings.add("card-invalid", f"card {at} is not that of the organisation it stands for")

    def _fork(self, tree: Tree, known: Checkpoint, message: str) -> None:
        found = tree.roots[known.size]
        self.findings.add("forked", message, entry=known.size, expected=known.root, found=found)


def _is_card(org_id: object, data: object) -> bool:
    with contextlib.suppress(ShareError):
        return type(data) is bytes and Card.parse(data).org_id == org_id
    return False


def _begun_from(data: object) -> bytes | None:
    if not is_entry(data, 0) or type(data) is not bytes:
        return None
    digest: bytes | None = cbor.decode(data).get(CHECKPOINT)
    return digest


def _genesis_origin(data: object) -> str:
    if not is_entry(data, 0) or type(data) is not bytes:
        return ""
    origin = cbor.decode(data).get(ORIGIN, "")
    return origin if checkpoint.owner(origin) else ""
