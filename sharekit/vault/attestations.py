"""What partners have shown of their ledgers, and what they have said of ours: kept in the vault, in the clear.

Nothing here is personal: checkpoints, proofs, cosignatures, digests. It is what makes rewriting visible, so a fork
once found is never removed. What one partner can make us keep has an end: so many checkpoints of a ledger, so many
pairs that contradict each other, so many receipts of one event for one packet.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from nacl.signing import SigningKey

from sharekit.errors import LedgerTampered, Malformed, ShareError
from sharekit.moments import seconds_of
from sharekit.proofs import checkpoint, cosignature
from sharekit.proofs.attestation import Attestation
from sharekit.proofs.checkpoint import Checkpoint
from sharekit.values import Value
from sharekit.vault.box import Box, damaged, stored_time

__all__ = ["MOST_FORKS", "MOST_SAID", "MOST_SEEN", "Fork", "Partners", "Said"]

MOST_SEEN = 64  # checkpoints of one ledger that are held against those that come
MOST_FORKS = 16  # pairs of checkpoints of one ledger
MOST_SAID = 16  # receipts of one event by one partner for one packet, and cosigned checkpoints by one witness

LATELY = 100  # of the checkpoints that partners cosigned, how many are held against the ledger


class Fork(Value):
    """Two notes of the ledger `origin`, both signed with its key; `seen` is when we knew.

    Of the kind "fork" they contradict each other. Of the kind "rolled-back" the other is no larger, and came with a
    packet that was sealed after one with `note` was known: their record was put back, or their clock was wrong.
    """

    origin: str
    note: str
    other: str
    seen: datetime

    @property
    def kind(self) -> str:
        """What the two show: "fork", "rolled-back", or "unproven" for pairs that earlier releases kept."""
        first, second = _stored(self.note), _stored(self.other)
        if checkpoint.contradict(first, second):
            return "fork"
        return "rolled-back" if second.size <= first.size else "unproven"


class Back(NamedTuple):
    """A checkpoint that goes back behind one that was known: the two, and whether that is new to us."""

    fork: Fork
    is_new: bool


class Said(Value):
    """What a partner's receipt said of a packet, and what proves it; or a checkpoint of ours that a witness cosigned.

    `event` and `outcome` are codes, `at` is the time of the partner's entry, `entry` its bytes, `proof` CBOR [COSE
    receipt, note], and `cosigned` a note of ours with the partner's cosignature, None where the receipt had none.
    `statement` is what we had signed about the packet, None in receipts of earlier releases. Where there was no
    receipt, `packet` and `proof` are empty, `entry` is the cosigned note, and `at` is when it was kept.
    """

    packet: bytes
    org_id: str
    event: str
    at: datetime
    outcome: str
    entry: bytes
    proof: bytes
    cosigned: str | None
    statement: bytes | None = None


class Partners:
    """The tables `witnessed`, `seen`, `fork`, `attestation` and `stamp`. An origin is the name of a ledger."""

    def __init__(self, box: Box) -> None:
        self._box = box

    # --- as a witness of their ledgers ---

    def last(self, origin: str) -> Checkpoint | None:
        """The newest checkpoint of a ledger that was cosigned here; None if there is none."""
        note = self.note(origin)
        return _stored(note) if note else None

    def note(self, origin: str) -> str | None:
        """The same checkpoint as the note that was cosigned."""
        with self._box.reading() as db:
            row = db.execute("SELECT note FROM witnessed WHERE origin = ?", (origin,)).fetchone()
        return str(row[0]) if row else None

    def cosign(self, note: str, proof: Sequence[bytes], *, old: int, name: str, key: SigningKey, now: datetime) -> str:
        """The note with our cosignature, if it follows the last one: look, sign and remember in one step.

        The caller has verified the note; the proof begins at size `old`. Raises Usage if nothing shows that it
        follows, and LedgerTampered, with the evidence kept, if it cannot.
        """
        new = checkpoint.parse(note)
        with self._box.writing() as db:
            row = db.execute("SELECT note FROM witnessed WHERE origin = ?", (new.origin,)).fetchone()
            last = _stored(row[0]) if row else None
            problem = _problem(last, new, proof, old)
            if isinstance(problem, LedgerTampered):
                _keep_pair(db, new.origin, row[0], note, now)
            elif problem is None:
                note = cosignature.cosign(note, name=name, key=key, now=now)
                db.execute("INSERT OR REPLACE INTO witnessed VALUES (?, ?, ?)", (new.origin, new.size, note))
                _keep_seen(db, new, note, now, least=new.size)
        if problem is not None:
            raise problem
        return note

    def saw(self, note: str, *, issued: datetime, now: datetime) -> Back | None:
        """Remember a checkpoint that came with a partner's packet; the pair if it goes back behind one that was known.

        The caller has verified the note; the packet was `issued` then. A smaller one that was issued before a larger
        was known here is only late, and goes back behind nothing. Of very many pairs the first are kept.
        """
        new = checkpoint.parse(note)
        with self._box.writing() as db:
            earlier = _behind(db, new, issued)
            if earlier is None:
                _keep_seen(db, new, note, max(issued, now), least=new.size + 1)  # its own entry came after
                return None
            is_new = _keep_pair(db, new.origin, earlier, note, now)
        return Back(Fork(new.origin, earlier, note, now), is_new)

    def forks(self) -> list[Fork]:
        """Every pair of checkpoints that shows a fork, or a record that was put back; oldest first."""
        with self._box.reading() as db:
            rows = db.execute("SELECT origin, note, other, seen FROM fork ORDER BY seen").fetchall()
        found = [Fork(origin, note, other, stored_time(seen)) for origin, note, other, seen in rows]
        return [each for each in found if each.kind != "unproven"]

    # --- what they said of ours ---

    def has(self, said: Said) -> bool:
        """Whether what a receipt said is kept already; `proof` and `cosigned` may differ."""
        query = "SELECT 1 FROM attestation WHERE packet = ? AND org_id = ? AND event = ? AND entry = ?"
        with self._box.reading() as db:
            found = db.execute(query, (said.packet, said.org_id, said.event, said.entry)).fetchone()
        return found is not None

    def is_full(self, said: Said) -> bool:
        """Whether so many receipts of this event by this partner for this packet are kept that no more will be."""
        query = "SELECT count(*) FROM attestation WHERE packet = ? AND org_id = ? AND event = ?"
        with self._box.reading() as db:
            (count,) = db.execute(query, (said.packet, said.org_id, said.event)).fetchone()
        return bool(count >= MOST_SAID)

    def keep_shown(self, note: str, *, now: datetime) -> bool:
        """Keep a checkpoint of ours that a partner has seen and our ledger does not have; whether it is new to us."""
        found = checkpoint.parse(note)
        with self._box.writing() as db:
            known = db.execute(
                "SELECT 1 FROM seen WHERE origin = ? AND size = ?", (found.origin, found.size)
            ).fetchone()
            if known is None:
                _keep_seen(db, found, note, now, least=found.size)
        return known is None

    def keep(self, said: Said) -> None:
        """Keep what a receipt said; it was checked."""
        row = (said.packet, said.org_id, said.event, seconds_of(said.at), said.outcome)
        proven = (said.entry, said.proof, said.cosigned, said.statement)
        with self._box.writing() as db:
            db.execute("INSERT OR IGNORE INTO attestation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, *proven))

    def keep_cosigned(self, org_id: str, note: str, *, now: datetime) -> None:
        """Keep a checkpoint of ours that a witness cosigned, about no packet; of very many the newest."""
        row = (b"", org_id, "witnessed", seconds_of(now), "done", note.encode(), b"", note, None)
        of_them = "packet = x'' AND org_id = ? AND event = 'witnessed'"
        oldest = f"SELECT entry FROM attestation WHERE {of_them} ORDER BY at DESC LIMIT -1 OFFSET ?"  # noqa: S608
        with self._box.writing() as db:
            db.execute("INSERT OR IGNORE INTO attestation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            db.execute(f"DELETE FROM attestation WHERE {of_them} AND entry IN ({oldest})", (org_id, org_id, MOST_SAID))  # noqa: S608

    def said(self, packet: bytes | None = None) -> Iterator[Said]:
        """What receipts said, of one packet or of all, oldest first."""
        query = "SELECT packet, org_id, event, at, outcome, entry, proof, cosigned, statement FROM attestation"
        with self._box.reading() as db:
            if packet is None:
                rows = db.execute(f"{query} ORDER BY at").fetchall()
            else:
                rows = db.execute(f"{query} WHERE packet = ? ORDER BY at", (packet,)).fetchall()
        for cti, org_id, event, at, *rest in rows:
            yield Said(cti, org_id, event, stored_time(at), *rest)

    def attestations(self, own: str, year: int) -> list[Attestation]:
        """What partners attest of our ledger of one year: of the packets sealed then, and of its checkpoints.

        `own` is our organisation's id. A receipt can be about both, or about the packet of one year and the checkpoint
        of another.
        """
        query = (
            "SELECT attestation.org_id, cosigned, entry, proof, statement, packet.first_seen"
            " FROM attestation LEFT JOIN packet ON packet.sender = ?"
            " AND packet.cti = attestation.packet ORDER BY at, entry"
        )
        origin, found = checkpoint.origin(own, year), list[Attestation]()
        with self._box.reading() as db:
            for org_id, cosigned, entry, proven, statement, sealed in db.execute(query, (own,)):
                note = cosigned if cosigned and _stored(cosigned).origin == origin else None
                if sealed is not None and stored_time(sealed).year == year:
                    found.append(Attestation(org_id, note, entry, proven, statement or b""))
                elif note:
                    found.append(Attestation(org_id, note, b"", b""))
        return found

    # --- what a timestamp authority said of ours ---

    def ask_stamp(self, note: str, *, now: datetime) -> None:
        """Remember a checkpoint for which a time stamp is asked."""
        with self._box.writing() as db:
            db.execute("INSERT OR IGNORE INTO stamp(note, asked) VALUES (?, ?)", (note, seconds_of(now)))

    def asked_stamps(self) -> list[str]:
        """The checkpoints for which a time stamp was asked."""
        with self._box.reading() as db:
            return [row[0] for row in db.execute("SELECT note FROM stamp")]

    def keep_stamp(self, note: str, token: bytes) -> None:
        """Keep the stamp of a checkpoint for which it was asked; it was verified."""
        with self._box.writing() as db:
            db.execute("UPDATE stamp SET token = ? WHERE note = ?", (token, note))

    def stamps(self, origin: str) -> list[tuple[str, bytes]]:
        """The checkpoints of a ledger that were stamped, and their stamps."""
        with self._box.reading() as db:
            rows = db.execute("SELECT note, token FROM stamp WHERE token IS NOT NULL ORDER BY asked, note").fetchall()
        return [(note, token) for note, token in rows if _stored(note).origin == origin]

    def newest_cosigned(self) -> list[Checkpoint]:
        """The largest checkpoint of each of our ledgers among those that partners cosigned lately."""
        query = "SELECT cosigned FROM attestation WHERE cosigned IS NOT NULL ORDER BY at DESC LIMIT ?"
        with self._box.reading() as db:
            notes = [_stored(row[0]) for row in db.execute(query, (LATELY,))]
        largest = {note.origin: note for note in sorted(notes, key=lambda note: note.size)}
        return list(largest.values())

    def cosigned_size(self, org_id: str, origin: str) -> int:
        """The size of our newest checkpoint that a partner has cosigned; 0 if there is none."""
        query = "SELECT cosigned FROM attestation WHERE org_id = ? AND cosigned IS NOT NULL"
        with self._box.reading() as db:
            notes = [_stored(row[0]) for row in db.execute(query, (org_id,))]
        return max((found.size for found in notes if found.origin == origin), default=0)


def _stored(note: object) -> Checkpoint:
    """The checkpoint that a stored note says; LedgerError where it is none: it was one when it was written."""
    try:
        return checkpoint.parse(str(note))
    except Malformed:
        raise damaged() from None


def _behind(db: sqlite3.Connection, new: Checkpoint, issued: datetime) -> str | None:
    """The note of a known checkpoint of the same ledger behind which a new one, issued then, goes back."""
    same = "SELECT note FROM seen WHERE origin = ? AND size = ? UNION SELECT note FROM witnessed WHERE origin = ?"
    for (note,) in db.execute(same, (new.origin, new.size, new.origin)):
        if checkpoint.contradict(_stored(note), new):
            return str(note)
    larger = "SELECT note FROM seen WHERE origin = ? AND least > ? AND at < ? ORDER BY size DESC LIMIT 1"
    row = db.execute(larger, (new.origin, new.size, seconds_of(issued))).fetchone()
    return str(row[0]) if row else None


def _keep_seen(db: sqlite3.Connection, new: Checkpoint, note: str, at: datetime, *, least: int) -> None:
    """Remember that the ledger had `least` entries `at` that time, or more; of very many checkpoints the largest."""
    kept = checkpoint.only(note, new.origin)
    db.execute(
        "INSERT INTO seen VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET least = max(least, excluded.least),"
        " at = CASE WHEN excluded.least > least THEN excluded.at ELSE min(at, excluded.at) END",
        (new.origin, new.size, kept, least, seconds_of(at)),
    )
    last = "SELECT size FROM seen WHERE origin = ? ORDER BY size DESC LIMIT 1 OFFSET ?"
    db.execute(f"DELETE FROM seen WHERE origin = ? AND size <= ({last})", (new.origin, new.origin, MOST_SEEN))  # noqa: S608


def _keep_pair(db: sqlite3.Connection, origin: str, note: str, other: str, now: datetime) -> bool:
    """Keep two checkpoints that show a fork or a way back, and whether there was still room and they are new."""
    kept = db.execute("SELECT note, other FROM fork WHERE origin = ?", (origin,)).fetchall()
    if (note, other) in kept or len(kept) >= MOST_FORKS:
        return False
    db.execute(
        "INSERT INTO fork(origin, note, other, seen) VALUES (?, ?, ?, ?)", (origin, note, other, seconds_of(now))
    )
    return True


def _problem(last: Checkpoint | None, new: Checkpoint, proof: Sequence[bytes], old: int) -> ShareError | None:
    """Why the new checkpoint cannot be said to follow the last one: LedgerTampered if it cannot be true."""
    try:
        cosignature.follows(last, new, proof, old=old)
    except ShareError as problem:
        return problem
    return None
