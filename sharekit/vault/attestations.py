"""What partners have shown of their ledgers, and what they have said of ours: kept in the vault, in the clear.

Nothing here is personal: checkpoints, proofs, cosignatures, digests. It is what makes rewriting visible, so a fork
once found is never removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from nacl.signing import SigningKey

from sharekit.errors import LedgerTampered, ShareError
from sharekit.moments import seconds_of
from sharekit.proofs import checkpoint, cosignature
from sharekit.proofs.attestation import Attestation
from sharekit.proofs.checkpoint import Checkpoint
from sharekit.values import Value
from sharekit.vault.box import Box, stored_time

__all__ = ["Fork", "Partners", "Said"]

LATELY = 100  # of the checkpoints that partners cosigned, how many are held against the ledger


class Fork(Value):
    """Two notes of the ledger `origin`, both signed with its key, that cannot both be true; `seen` is when we knew."""

    origin: str
    note: str
    other: str
    seen: datetime


class Said(Value):
    """What a partner's receipt said of a packet, and what proves it; or a checkpoint of ours that a witness cosigned.

    `event` and `outcome` are codes, `at` is the time of the partner's entry, `entry` its bytes, `proof` CBOR [COSE
    receipt, note], and `cosigned` a note of ours with the partner's cosignature, None where the receipt had none. Where
    there was no receipt, `packet` and `proof` are empty, `entry` is the cosigned note, and `at` is when it was kept.
    """

    packet: bytes
    org_id: str
    event: str
    at: datetime
    outcome: str
    entry: bytes
    proof: bytes
    cosigned: str | None


class Partners:
    """The tables `witnessed`, `fork`, `attestation` and `stamp`. An origin is the name of a ledger."""

    def __init__(self, box: Box) -> None:
        self._box = box

    # --- as a witness of their ledgers ---

    def last(self, origin: str) -> Checkpoint | None:
        """The newest checkpoint of a ledger that was cosigned here; None if there is none."""
        note = self.note(origin)
        return checkpoint.parse(note) if note else None

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
            last = checkpoint.parse(row[0]) if row else None
            problem = _problem(last, new, proof, old)
            if isinstance(problem, LedgerTampered):
                db.execute(
                    "INSERT OR IGNORE INTO fork(origin, note, other, seen) VALUES (?, ?, ?, ?)",
                    (new.origin, row[0], note, seconds_of(now)),
                )
            elif problem is None:
                note = cosignature.cosign(note, name=name, key=key, now=now)
                db.execute("INSERT OR REPLACE INTO witnessed VALUES (?, ?, ?)", (new.origin, new.size, note))
        if problem is not None:
            raise problem
        return note

    def forks(self) -> list[Fork]:
        """Every fork that has been noticed, oldest first."""
        with self._box.reading() as db:
            rows = db.execute("SELECT origin, note, other, seen FROM fork ORDER BY seen").fetchall()
        return [Fork(origin, note, other, stored_time(seen)) for origin, note, other, seen in rows]

    # --- what they said of ours ---

    def has(self, said: Said) -> bool:
        """Whether what a receipt said is kept already; `proof` and `cosigned` may differ."""
        query = "SELECT 1 FROM attestation WHERE packet = ? AND org_id = ? AND event = ? AND entry = ?"
        with self._box.reading() as db:
            found = db.execute(query, (said.packet, said.org_id, said.event, said.entry)).fetchone()
        return found is not None

    def keep(self, said: Said) -> None:
        """Keep what a receipt said; it was checked."""
        row = (said.packet, said.org_id, said.event, seconds_of(said.at), said.outcome)
        proven = (said.entry, said.proof, said.cosigned)
        with self._box.writing() as db:
            db.execute("INSERT OR IGNORE INTO attestation VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, *proven))

    def keep_cosigned(self, org_id: str, note: str, *, now: datetime) -> None:
        """Keep a checkpoint of ours that a witness cosigned, about no packet."""
        row = (b"", org_id, "witnessed", seconds_of(now), "done", note.encode(), b"", note)
        with self._box.writing() as db:
            db.execute("INSERT OR IGNORE INTO attestation VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def said(self, packet: bytes | None = None) -> Iterator[Said]:
        """What receipts said, of one packet or of all, oldest first."""
        query = "SELECT packet, org_id, event, at, outcome, entry, proof, cosigned FROM attestation"
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
            "SELECT attestation.org_id, cosigned, entry, proof, packet.first_seen FROM attestation LEFT JOIN packet"
            " ON packet.sender = ? AND packet.cti = attestation.packet ORDER BY at, entry"
        )
        origin, found = checkpoint.origin(own, year), list[Attestation]()
        with self._box.reading() as db:
            for org_id, cosigned, entry, proven, sealed in db.execute(query, (own,)):
                note = cosigned if cosigned and checkpoint.parse(cosigned).origin == origin else None
                if sealed is not None and stored_time(sealed).year == year:
                    found.append(Attestation(org_id, note, entry, proven))
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
        return [(note, token) for note, token in rows if checkpoint.parse(note).origin == origin]

    def newest_cosigned(self) -> list[Checkpoint]:
        """The largest checkpoint of each of our ledgers among those that partners cosigned lately."""
        query = "SELECT cosigned FROM attestation WHERE cosigned IS NOT NULL ORDER BY at DESC LIMIT ?"
        with self._box.reading() as db:
            notes = [checkpoint.parse(row[0]) for row in db.execute(query, (LATELY,))]
        largest = {note.origin: note for note in sorted(notes, key=lambda note: note.size)}
        return list(largest.values())

    def cosigned_size(self, org_id: str, origin: str) -> int:
        """The size of our newest checkpoint that a partner has cosigned; 0 if there is none."""
        query = "SELECT cosigned FROM attestation WHERE org_id = ? AND cosigned IS NOT NULL"
        with self._box.reading() as db:
            notes = [checkpoint.parse(row[0]) for row in db.execute(query, (org_id,))]
        return max((found.size for found in notes if found.origin == origin), default=0)


def _problem(last: Checkpoint | None, new: Checkpoint, proof: Sequence[bytes], old: int) -> ShareError | None:
    """Why the new checkpoint cannot be said to follow the last one: LedgerTampered if it cannot be true."""
    try:
        cosignature.follows(last, new, proof, old=old)
    except ShareError as problem:
        return problem
    return None
