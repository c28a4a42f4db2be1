"""Forgetting lawfully: what is due, what is on hold, and the act of destroying, which the ledger remembers.

What is destroyed is what the vault holds: sealed words, and a subject's key once nothing of that subject is kept.
Without its key a subject's tokens in the ledger are noise, and every proof, receipt and audit still verifies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from sharekit.domain.identifiers import identifier_value
from sharekit.domain.retention import Keeping
from sharekit.errors import GateNotMet, Usage
from sharekit.record.record import Facts, Record
from sharekit.vault.actions import Promise
from sharekit.vault.kept import Kept

__all__ = ["Retention"]


class Retention:
    """What one agency keeps of packets and until when, and the acts that end it."""

    def __init__(self, record: Record, outbox: Path, clock: Callable[[], datetime]) -> None:
        self._record, self._packets, self._outbox, self._clock = record, record.vault.kept, outbox, clock

    def keep(
        self,
        packet: bytes,
        sender: str,
        keeping: Keeping,
        *,
        identifiers: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Remember why and until when a packet is kept; the first time counts, and what it left open is filled in.

        Whoever then records something about it does both `one_at_a_time`: nothing is destroyed in between.
        """
        self._packets.keep(packet, sender, **keeping._asdict(), identifiers=identifiers)

    def kept(self) -> list[Kept]:
        """Everything that is kept, on hold or not; it needs no passphrase.

        What is due soonest comes first, what has no date last.
        """
        return self._packets.all()

    def due(self) -> list[Kept]:
        """What is to be destroyed by now, soonest first; of packets with one number all, or none."""
        return self._packets.due(self._clock())

    # --- legal hold (R17) ---

    def hold(self, packet: bytes, *, reason: str) -> None:
        """Suspend the destruction of the packet with this number; on the record, and even if that fails.

        Raises Usage if it is not kept here, or no reason is given.
        """
        self._check_holdable(packet, reason)
        self._packets.hold(packet)
        self._log("reviewed", packet, "held", reason, self._clock())

    def release(self, packet: bytes, *, reason: str) -> None:
        """Take a hold back once that is on the record; errors as in `hold`."""
        self._check_holdable(packet, reason)
        self._log("reviewed", packet, "released", reason, self._clock())
        self._packets.release(packet)

    def _check_holdable(self, packet: bytes, reason: str) -> None:
        if not reason.strip():
            raise Usage("a hold is set or released for a reason", hint="give the --reason")
        self._known(packet)

    # --- destroying ---

    def destroy_due(self) -> int:
        """Destroy everything that is due; the number of packets."""
        with self._record.one_at_a_time():
            return self._destroy(self.due(), None)

    def destroy(self, packet: bytes, *, reason: str | None = None) -> int:
        """Destroy what is kept of the packet with this number; 1, the number of packets.

        Raises Usage if it is not kept here, or not due and no reason given; GateNotMet (R17) while it is on hold.
        """
        with self._record.one_at_a_time():
            return self._destroy(self._known(packet), reason)

    def destroy_subject(self, scheme: str, value: str, *, reason: str | None = None) -> int:
        """Destroy everything that is kept of one subject; the number of packets. Errors as in `destroy`."""
        subject = self._record.vault.subjects.number(scheme, identifier_value(scheme, value))
        with self._record.one_at_a_time():
            found = [each for each in self.kept() if subject is not None and each.subject == subject]
            if not found:
                raise Usage("nothing is kept of that subject", hint="sharekit retention due --all lists what is kept")
            return self._destroy(found, reason)

    def _destroy(self, chosen: Sequence[Kept], reason: str | None) -> int:
        """The entries come first: what they say can be finished by doing it again; nothing is lost unrecorded.

        A number is the sender's to choose: what two have given one number goes together, or not at all.
        """
        now, packets = self._clock(), {each.packet for each in chosen}
        found = [each for each in self.kept() if each.packet in packets]
        self._check(found, reason, now)
        nonces = [entry.nonce for entry in self._record.all_entries(now) if entry.packet in packets]
        for packet in sorted(packets):
            self._log("destroyed", packet, "done", reason, now)
        subjects = {each.subject for each in found if each.subject is not None}
        left = {each.subject for each in self.kept() if each.packet not in packets}
        self._record.vault.erase(packets, nonces, subjects - left)
        for packet in packets:
            (self._outbox / f"{packet.hex()}.sharekit").unlink(missing_ok=True)
        return len(packets)

    def _log(self, event: str, packet: bytes, outcome: str, reason: str | None, now: datetime) -> None:
        promise = Promise(words={"reason": reason}) if reason else None
        self._record.append(event, Facts(packet=packet, outcome=outcome, promise=promise), now=now)

    def _check(self, found: Sequence[Kept], reason: str | None, now: datetime) -> None:
        if any(each.held for each in found):
            raise GateNotMet(
                "rule R17: it is on hold, and nothing on hold is destroyed",
                hint="when the inquiry or proceedings allow it: sharekit retention release PACKET --reason TEXT",
                rule="R17",
                source="a legal hold suspends destruction",
            )
        if not (reason or "").strip() and not all(each.is_due(now) for each in found):
            raise Usage("it is not due to be destroyed", hint="give the --reason why it is to go before its time")

    def _known(self, packet: bytes) -> list[Kept]:
        found = self._packets.of(packet)
        if not found:
            raise Usage("nothing is kept of that packet", hint="sharekit retention due --all lists what is kept")
        return found
