"""A ledger's tree, recomputed from its entries' bytes beside the stored hashes (RFC 9162 section 2.1).

None of the code that wrote the ledger is used, and nothing read is believed: every row has a size limit and
its place. Memory does not grow with the ledger: 4,096 entries at a time are hashed and compared, and only the
roots of finished subtrees are kept.
"""

from __future__ import annotations

import functools
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from hashlib import sha256

from sharekit import merkle
from sharekit.values import Value

__all__ = ["KINDS", "Finding", "Findings", "Progress", "Tree", "is_entry", "packet_of", "unseen"]

KINDS = (
    "schema-changed",  # tables or triggers are not those a ledger is made with
    "genesis-missing",  # entry 0 does not begin a ledger
    "other-origin",  # genesis and newest note are not of one ledger
    "note-invalid",  # a note is damaged, or not signed with the agency's log key
    "note-missing",  # a commit, as the stored hashes tell it, without its note
    "entry-changed",  # an entry is not what its stored hash says
    "entry-missing",
    "entry-malformed",  # not the bytes of any entry
    "entry-unsigned",  # entries beyond the newest note
    "node-changed",  # a stored hash is not that of what lies below it
    "root-mismatch",  # the entries do not add up to the newest note
    "truncated",  # a signed note is for more entries than there are
    "forked",  # a signed note promises another history
    "proof-mismatch",  # a proof that was handed out does not hold, for the ledger is another now
    "card-invalid",  # a card is damaged, or not that of the organisation it stands for
    "attestation-invalid",  # a row of the export that should hold what others signed is damaged
    "packet-missing",  # a partner proves to have had a packet whose sealing the ledger does not have
    "year-broken",  # a year was not begun from the ledger of the year before, as that is now
)
MAX_ENTRY_BYTES = 4096
MAX_RUN_BYTES = 32 * 1024
MAX_FINDINGS = 100  # of one kind
LEVELS = 12
CHUNK = 1 << LEVELS
ABSENT = bytes(32)
TRUE = rb"\xf5"
END = 2**63  # beyond every index
FEW, MOST = 4, 64  # items in a list of an entry: in nearly all of them, and at most

Progress = Callable[[int, int], None]  # called with how many entries have been read, and of how many


def unseen(done: int, total: int) -> None:
    """The progress that nobody looks at."""


class Finding(Value):
    """One thing that is not as it should be; `entry` is the first it concerns, hashes are hexadecimal."""

    kind: str
    entry: int | None
    expected: str
    found: str
    message: str


class Findings:
    """The findings, at most MAX_FINDINGS of a kind: a forger must not fill the auditor's memory."""

    def __init__(self) -> None:
        self.items: list[Finding] = []
        self.counts: Counter[str] = Counter()

    def add(
        self, kind: str, message: str, *, entry: int | None = None, expected: bytes = b"", found: bytes = b""
    ) -> None:
        self.counts[kind] += 1
        if self.counts[kind] <= MAX_FINDINGS:
            self.items.append(Finding(kind, entry, expected.hex(), found.hex(), message))


class Tree:
    """The recomputed tree: hashes from the entries' bytes, beside those that are stored.

    Where the two differ the stored hash is carried upwards as well, so that one change is one finding and
    everything else is still compared; `root` and `roots` are those of the bytes alone.
    """

    def __init__(self, db: sqlite3.Connection, size: int, findings: Findings, wanted: set[int]) -> None:
        self.db, self.size, self.findings = db, size, findings
        self.wanted = sorted(at for at in wanted | {size} if at <= size)
        self.roots: dict[int, bytes] = {0: merkle.root([])}
        self.entries = 0
        self._stored: dict[int, _Stored] = {}
        self._waiting: dict[int, tuple[bytes, bytes]] = {}

    @property
    def root(self) -> bytes:
        return self.roots[self.size]

    def read(self, progress: Progress = unseen) -> None:
        """Recompute the tree, 4,096 entries at a time."""
        for base in range(0, self.size, CHUNK):
            count = min(CHUNK, self.size - base)
            leaves, gaps = self._leaves(base, count)
            levels = _levels(leaves)
            kept = self._compare(base, levels, gaps)
            self._note_roots(base, count, levels)
            if count == CHUNK:
                self._finish(base >> LEVELS, levels[-1][0], kept)
            progress(base + count, self.size)
        self._check_surplus()

    def _leaves(self, base: int, count: int) -> tuple[list[bytes], list[int]]:
        """The leaf hashes of a chunk, ABSENT where there is no entry, and where such gaps begin."""
        rows = self.db.execute(
            "SELECT seq, CASE WHEN length(bytes) <= 4096 THEN bytes END FROM entry"
            " WHERE seq >= ? AND seq < ? ORDER BY seq LIMIT ?",
            (base, base + count, count + 1),
        ).fetchall()
        if len(rows) > count:
            raise sqlite3.DatabaseError  # pages in a circle
        self.entries += len(rows)
        present = dict(rows)
        for seq, data in rows:
            if not is_entry(data, seq):
                present[seq] = data if type(data) is bytes else b""
                found = merkle.leaf_hash(present[seq])
                self.findings.add("entry-malformed", "the bytes are those of no entry", entry=seq, found=found)
        if len(present) == count:
            return [sha256(b"\x00" + data).digest() for data in present.values()], []
        numbers = range(base, base + count)
        gaps = [seq for seq in numbers if seq not in present and (seq - 1 in present or seq == base)]
        return [merkle.leaf_hash(present[seq]) if seq in present else ABSENT for seq in numbers], gaps

    def _compare(self, base: int, levels: list[list[bytes]], gaps: list[int]) -> bytes:
        """Compare a chunk with its stored hashes, level by level; the hash to carry upwards."""
        kept, flagged = levels[0], set[int]()
        for level, pure in enumerate(levels):
            if level:
                kept = pure if kept is levels[level - 1] else _parents(kept)
            stored = self._level(level).take(base >> level, len(kept))
            for seq in gaps if level == 0 else ():
                expected = stored[32 * (seq - base) :][:32]
                self.findings.add("entry-missing", "an entry is missing", entry=seq, expected=expected)
            if stored != b"".join(kept):
                kept, flagged = self._differences(level, base >> level, kept, stored, flagged)
            else:
                flagged = set()
        return kept[0] if kept else ABSENT

    def _differences(
        self, level: int, first: int, computed: list[bytes], stored: bytes, below: set[int]
    ) -> tuple[list[bytes], set[int]]:
        kept, flagged = list(computed), set()
        for at, found in enumerate(computed):
            expected, idx = stored[32 * at : 32 * at + 32], first + at
            if found == expected:
                continue
            flagged.add(idx)
            if expected != ABSENT:
                kept[at] = expected
            if found != ABSENT and not below & {2 * idx, 2 * idx + 1}:
                self._changed(level, idx, expected, found)
        return kept, flagged

    def _changed(self, level: int, idx: int, expected: bytes, found: bytes) -> None:
        first, last = idx << level, (idx + 1 << level) - 1
        kind, message = "node-changed", f"the stored hash over entries {first} to {last} is not theirs"
        if expected == ABSENT:
            message = f"the stored hash over entries {first} to {last} is missing"
        elif level == 0:
            kind, message = "entry-changed", "the entry is not the one whose hash was stored"
        self.findings.add(kind, message, entry=first, expected=expected, found=found)

    def _finish(self, idx: int, pure: bytes, kept: bytes) -> None:
        """A complete chunk joins its left neighbours, as far up as it completes subtrees."""
        level = LEVELS
        while idx & 1:
            left_pure, left_kept = self._waiting.pop(level)
            pure, kept = merkle.node_hash(left_pure, pure), merkle.node_hash(left_kept, kept)
            level, idx = level + 1, idx >> 1
            stored = self._level(level).take(idx, 1)
            if stored != kept:
                self._changed(level, idx, stored, kept)
                kept = kept if stored == ABSENT else stored
        self._waiting[level] = (pure, kept)

    def _note_roots(self, base: int, count: int, levels: list[list[bytes]]) -> None:
        while self.wanted and self.wanted[0] <= base + count:
            size = self.wanted.pop(0)
            if size > base:
                self.roots[size] = self._root(size - base, levels)

    def _root(self, count: int, levels: list[list[bytes]]) -> bytes:
        """The root of everything before this chunk and its first `count` entries."""
        parts = [levels[n][(count >> n) - 1] for n in range(len(levels)) if count >> n & 1]
        parts += [self._waiting[level][0] for level in sorted(self._waiting)]
        return functools.reduce(lambda right, left: merkle.node_hash(left, right), parts)

    def _level(self, level: int) -> _Stored:
        if level not in self._stored:
            self._stored[level] = _Stored(self.db, level)
        return self._stored[level]

    def _check_surplus(self) -> None:
        """No hash may stand outside the tree, and SQLite would keep a level of 2.5."""
        height = max(self.size.bit_length() - 1, 0)
        query = "SELECT 1 FROM node WHERE level > ? AND level < ? LIMIT 1"
        between = any(self.db.execute(query, (level, level + 1)).fetchone() for level in range(height))
        beyond = self.db.execute("SELECT 1 FROM node WHERE level < 0 OR level > ? LIMIT 1", (height,)).fetchone()
        if between or beyond or any(level.surplus() for level in self._stored.values()):
            self.findings.add("node-changed", "there are stored hashes of no entries", entry=self.size)


class _Stored:
    """The stored hashes of one level, in order; ABSENT where there is none."""

    def __init__(self, db: sqlite3.Connection, level: int) -> None:
        self._rows = db.execute(
            "SELECT idx, CASE WHEN length(hash) <= ? THEN hash END FROM node WHERE level = ? ORDER BY idx",
            (MAX_RUN_BYTES, level),
        )
        self._start, self._end, self._run = 0, 0, b""
        self._odd, self._taken = False, 0

    def _next(self) -> None:
        row = self._rows.fetchone()
        idx, run = row or (END, b"")
        if type(idx) is not int or type(run) is not bytes or len(run) % 32:
            idx, run, self._odd = self._end, b"", True
        elif idx < self._end:  # what was read already, or pages in a circle
            raise sqlite3.DatabaseError
        self._start, self._end, self._run = idx, idx + len(run) // 32, run

    def take(self, start: int, count: int) -> bytes:
        """The hashes from `start` on; starts never go back."""
        out, end = bytearray(32 * count), start + count
        while self._start < end:
            low, high = max(start, self._start), min(end, self._end)
            if low < high:
                piece = self._run[32 * (low - self._start) : 32 * (high - self._start)]
                out[32 * (low - start) : 32 * (high - start)] = piece
            if self._end > end:
                break
            self._next()
        self._taken = end
        return bytes(out)

    def surplus(self) -> bool:
        """Whether there are hashes beyond those taken, or rows that hold none."""
        if self._end <= self._taken:
            self._next()
        return self._odd or (self._start < END and self._end > self._taken)


def _levels(leaves: list[bytes]) -> list[list[bytes]]:
    levels = [leaves]
    while len(levels[-1]) > 1:
        levels.append(_parents(levels[-1]))
    return levels


def _parents(hashes: Iterable[bytes]) -> list[bytes]:
    pairs = iter(hashes)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]


def _matched(data: object) -> re.Match[bytes] | None:
    """The parts of an entry; None for bytes that are none."""
    if type(data) is not bytes:
        return None
    return _grammar(FEW).fullmatch(data) or _grammar(MOST).fullmatch(data)


@functools.cache
def _grammar(most: int) -> re.Pattern[bytes]:
    """schemas/ledger.cddl over the one deterministic encoding; only the genesis entry has an `origin`.

    Its lists have at most `most` items: what allows for few is made fifteen times faster, and fits nearly every entry.
    """
    code = rb"(?:[\x00-\x17]|\x18[\x18-\xff]|\x19[\x01-\xff].)"
    minutes = rb"(?:%b|\x1a(?!\0\0).{4})" % code
    time = rb"(?:%b|\x1b\0\0\0[\x01-\x03].{4})" % minutes
    digest, short = rb"\x58\x20.{32}", rb"\x50.{16}"
    org_id = _text(rb"[A-Za-z0-9]", rb"[A-Za-z0-9._-]")
    rule = _text(rb"[A-Za-z0-9./-]", rb"[A-Za-z0-9./-]")
    codes, org_ids = _array(code, min(most, 32)), _array(org_id, most)
    values = {4: short, 5: digest, 6: code, 7: code, 8: rule, 9: org_ids, 10: digest}
    values |= dict.fromkeys(range(11, 16), codes) | {16: code, 17: digest, 18: digest}
    optional = b"".join(rb"(%b%b)?" % (re.escape(bytes([n])), value) for n, value in values.items())
    head = rb"([\xa3-\xb7]|\xb8[\x18-\x28])\x01%b\x02%b\x03%b" % (code, time, short)
    origin = b"(?:(?P<origin>\x13%b)(\x14\xf5)?)?" % _text(b"sharekit/[A-Za-z0-9]", b"[A-Za-z0-9._-]", 14, b"/[0-9]{4}")
    values = {21: code, 22: short, 23: code, 24: codes, 25: code, 26: TRUE, 27: code, 28: code, 29: codes, 30: codes}
    values |= {31: TRUE, 32: TRUE, 33: TRUE, 34: minutes, 35: time, 36: time, 37: short, 38: code, 39: code, 40: TRUE}
    last = b"".join(rb"(%b%b)?" % (re.escape(_label(n)), value) for n, value in values.items())
    # Most entries end before label 21: one look at the next byte instead of a try for each part.
    return re.compile(head + optional + origin + rb"(?:(?=[\x15-\x18])%b)?" % last, re.S)


def _label(number: int) -> bytes:
    return bytes([number]) if number < 24 else bytes([0x18, number])


def _text(first: bytes, rest: bytes, fixed: int = 0, last: bytes = b"") -> bytes:
    """A text of 1 to 32 characters and `fixed` more, whose head agrees with its length."""
    heads = [bytes([0x60 + n]) if n < 24 else bytes([0x78, n]) for n in range(1 + fixed, 33 + fixed)]
    texts = (b"%b%b%b{%d}%b" % (re.escape(head), first, rest, n, last) for n, head in enumerate(heads))
    return b"(?:%b)" % b"|".join(texts)


def _array(item: bytes, most: int) -> bytes:
    """An array of 1 to `most` items, whose head agrees with their number."""
    heads = [bytes([0x80 + n]) if n < 24 else bytes([0x98, n]) for n in range(1, most + 1)]
    return b"(?:%b)" % b"|".join(b"%b%b{%d}" % (re.escape(head), item, n) for n, head in enumerate(heads, 1))


def is_entry(data: object, seq: int) -> bool:
    """Whether the bytes are an entry: every part in its place and form, and as many parts as the map says."""
    match = _matched(data)
    if match is None or (match["origin"] is None) is (seq == 0):
        return False
    head, *parts = match.groups()
    count = 3 + len(parts) - parts.count(None)
    return head == (bytes([0xA0 + count]) if count < 24 else bytes([0xB8, count]))


def packet_of(data: object) -> bytes | None:
    """The packet that an entry is about, read by the same grammar; None if it is about none, or is no entry."""
    match = _matched(data)
    part = match[2] if match and match["origin"] is None else None
    return bytes(part[2:]) if part else None
