"""What comes from outside of a ledger: what partners attest in its export, and what others kept of it.

Whoever gives it may lie. What does not hold is a remark, and accuses nobody: there is a finding only where the key of
the agency that is audited signed what its ledger does not have.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sharekit import cbor, merkle
from sharekit.audit.attested import Attested, Cards, Reported, cosigners, reported_packet
from sharekit.audit.recompute import ABSENT, MAX_FINDINGS, Findings, packet_of
from sharekit.domain import vocabulary
from sharekit.errors import LedgerTampered, Malformed, NotTrusted, ShareError
from sharekit.proofs import checkpoint, inclusion, timestamp
from sharekit.proofs.attestation import Attestation, attestation, parse_evidence
from sharekit.proofs.checkpoint import Checkpoint
from sharekit.proofs.inclusion import UNSIGNED, Proof
from sharekit.values import Value

__all__ = ["AUTHORITY", "ENTRY", "REMARKS", "Outside", "Remark"]

AUTHORITY = "timestamp authority"  # among those who attest; no organisation has a space in its id
ENTRY = "SELECT CASE WHEN length(bytes) <= 4096 THEN bytes END FROM entry WHERE seq ="
REMARKS = (
    "other-ledger",  # what was given is about another ledger
    "not-counted",  # what was given is damaged, not signed, or does not show what it says
    "reported",  # a partner says that it had a packet, and shows nothing that this agency signed
    "year-missing",  # a year of which no export, or none of its end, was given
    "year-went-on",  # entries after the checkpoint from which the next year was begun
)


class Remark(Value):
    """Something an auditor is told that is no finding; `origin` is the other ledger that it is about, or empty."""

    kind: str
    message: str
    origin: str = ""


class Outside:
    """What others say about the ledger `origin`, whose agency's log keys are `keys`; `remarks` holds what was told.

    Memory stays small: of one kind of remark the first hundred are kept.
    """

    def __init__(
        self, db: sqlite3.Connection, trust: Cards, findings: Findings, origin: str, keys: Sequence[bytes]
    ) -> None:
        self.db, self.trust, self.findings, self.origin, self.keys = db, trust, findings, origin, keys
        self.remarks = dict[Remark, None]()

    def _remark(self, kind: str, message: str, origin: str = "") -> None:
        if sum(each.kind == kind for each in self.remarks) < MAX_FINDINGS:
            self.remarks[Remark(kind, message, origin)] = None

    @contextlib.contextmanager
    def _as_remark(self, what: str) -> Iterator[None]:
        """Let what does not hold count for nothing, and say so."""
        try:
            yield
        except ShareError as error:
            self._remark("not-counted", f"{what} is not counted: {error.message}")

    def _of_another(self, what: str, origin: str) -> None:
        """Say that something is about another ledger, by its name where it is one of ours."""
        named = origin if checkpoint.owner(origin) else "another log"
        self._remark("other-ledger", f"{what} is about {named}, and is not counted here", origin)

    # --- what the export brings ---

    def attestations(self) -> Iterator[Attestation]:
        """What the export itself brings of others, row by row; a row that is none is a finding."""
        for row in self.db.execute("SELECT * FROM attestation"):
            with self._as_finding("attestation-invalid"):
                yield attestation(*row)

    def cosigned(self) -> Iterator[str]:
        """The notes among them; what is none is found with its row."""
        for (note,) in self.db.execute("SELECT DISTINCT cosigned FROM attestation WHERE typeof(cosigned) = 'text'"):
            with contextlib.suppress(Malformed):
                checkpoint.parse(note)
                yield note

    def stamps(self) -> dict[str, bytes]:
        """The time stamps that the export brings, by their notes; a row that is none is a finding."""
        found = dict[str, bytes]()
        for note, token in self.db.execute("SELECT note, token FROM stamp"):
            with self._as_finding("attestation-invalid"):
                if type(note) is not str or type(token) is not bytes:
                    raise Malformed("a time stamp is damaged")
                checkpoint.parse(note)
                found[note] = token
        return found

    @contextlib.contextmanager
    def _as_finding(self, kind: str) -> Iterator[None]:
        try:
            yield
        except ShareError as error:
            self.findings.add(kind, error.message)

    # --- what the auditor was given ---

    def evidence(self, data: bytes) -> list[Attestation]:
        """The attestations in a file of evidence about this ledger; Malformed if it is no such file."""
        origin, said = parse_evidence(data)
        if origin == self.origin:
            return said
        self._of_another("a file of receipts", origin)
        return []

    def supplied(self, note: str | bytes) -> Checkpoint | None:
        """The checkpoint in a note that somebody kept, if it is one of this ledger; Malformed if it is no note."""
        known = checkpoint.parse(note)
        if known.origin != self.origin:
            self._of_another("a checkpoint given", known.origin)
        elif self.verified(note) is None:
            self._remark("not-counted", f"a checkpoint given is {UNSIGNED}, and is not counted")
        else:
            return known
        return None

    def verified(self, note: str | bytes) -> Checkpoint | None:
        """The checkpoint, if one of the agency's keys signed it for this ledger."""
        for key in self.keys:
            with contextlib.suppress(ShareError):
                return checkpoint.verify(note, origin=self.origin, public=key)
        return None

    def proof(self, data: bytes) -> tuple[Proof, Checkpoint] | None:
        """A proof and the checkpoint under which it stands, if that is one of this ledger; Malformed if it is none."""
        shown = inclusion.parse(data)
        known = self.supplied(shown.note)
        return (shown, known) if known else None

    def check_proof(self, shown: Proof, known: Checkpoint, roots: Mapping[int, bytes]) -> None:
        """Whether the entry that the export has is the one that was proved.

        Where the ledger has the root that was signed, a path that does not lead there is a bad path, and no finding.
        """
        row = self.db.execute(f"{ENTRY} ?", (shown.index,)).fetchone()
        leaf = merkle.leaf_hash(row[0]) if row and type(row[0]) is bytes else ABSENT
        try:
            shown.check_leaf(leaf, known, self.keys)
        except LedgerTampered as error:
            if roots.get(known.size) == known.root:
                self._remark("not-counted", f"a proof given is not counted: {error.message}")
            else:
                self.findings.add("proof-mismatch", error.message, entry=shown.index, found=leaf)

    # --- what it all says ---

    def attested(
        self, standing: Sequence[tuple[str | bytes, int]], stamps: Mapping[str, bytes], roots: Sequence[bytes]
    ) -> tuple[Attested, ...]:
        """Who outside saw how much: from the notes that hold, by those whose cards or roots are trusted."""
        seen = set[Attested]()
        for note, size in standing:
            with self._as_remark("a cosignature"):
                seen.update(Attested(org_id, size, at) for org_id, at in cosigners(note, self.trust))
            if roots and isinstance(note, str) and note in stamps:
                with self._as_finding("attestation-invalid"), contextlib.suppress(NotTrusted):  # another authority's
                    seen.add(Attested(AUTHORITY, size, timestamp.verify(note, stamps[note], roots)))
        return tuple(sorted(seen, key=lambda each: (-each.size, each.at, each.org_id)))

    def check_receipts(self, said: Iterable[Attestation]) -> int:
        """Whatever packet this agency signed that it sent, its sealing stands here; how many receipts were looked
        at."""
        reported, count = dict[bytes, Reported](), 0
        for each in said:
            count += 1
            with self._as_remark("a receipt"):
                found = reported_packet(each, self.origin, self.trust)
                if found is not None and (found.proven or found.packet not in reported):
                    reported[found.packet] = found
        for packet in sorted(reported.keys() - self._sealed(reported.keys())):
            self._missed(reported[packet])
        return count

    def _missed(self, report: Reported) -> None:
        if report.proven:
            message = f"{report.org_id} proves to have had a packet whose sealing is not in this ledger"
            sealed = f"{report.proven:%Y-%m-%dT%H:%M:%SZ}"
            message += f"; it was sealed at {sealed}: ask for a newer export if this one was made before"
            self.findings.add("packet-missing", message, expected=report.packet)
            return
        message = f"{report.org_id} reports a packet whose sealing is not in this ledger ({report.packet.hex()})"
        self._remark("reported", f"{message}, and shows nothing that this agency signed: ask them for the packet")

    def _sealed(self, wanted: Collection[bytes]) -> set[bytes]:
        """Those of the packets `wanted` that an entry says were sealed here."""
        found, event = set[bytes](), vocabulary.load("ledger-events")["sealed"].number
        query = "SELECT CASE WHEN length(bytes) <= 4096 THEN bytes END FROM entry"
        for (data,) in self.db.execute(query) if wanted else ():
            packet = packet_of(data)
            if packet is not None and packet in wanted and cbor.decode(data)[1] == event:
                found.add(packet)
        return found
