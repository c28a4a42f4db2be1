"""Forgetting lawfully: what is due, what is on hold, and the act of destroying, which the ledger remembers.

What is destroyed is what the vault holds: sealed words, and a subject's key once nothing of that subject is kept.
Without its key a subject's tokens in the ledger are noise, and every proof, receipt and audit still verifies.
The entries are the authority: what they hold is not destroyed, whatever the vault says, and what they destroyed is
destroyed again where a killed process or a backup that was put back has left it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from pathlib import Path

from sharekit.domain import retention, vocabulary
from sharekit.domain.identifiers import identifier_value
from sharekit.domain.terms import ShareTerms
from sharekit.errors import GateNotMet, LedgerError, Usage, WrongPassphrase
from sharekit.ledger.entry import Entry
from sharekit.record.record import Facts, Record
from sharekit.values import replace
from sharekit.vault.actions import Promise
from sharekit.vault.kept import Kept

__all__ = ["Retention"]

PORTION = 200  # packets that are destroyed in one go while others wait
PAUSE = 0.02  # seconds in which whoever waits is let in


class Retention:
    """What one agency keeps of packets and until when, and the acts that end it."""

    def __init__(self, record: Record, outbox: Path, clock: Callable[[], datetime]) -> None:
        self._record, self._packets, self._outbox, self._clock = record, record.vault.kept, outbox, clock
        record.finish("destroyed", self._finish_destroying)
        record.finish("reviewed", self._finish_reviews)

    def keep(
        self,
        packet: bytes,
        sender: str,
        terms: ShareTerms,
        *,
        due: date | None,
        identifiers: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Remember why and until when a packet is kept; the first time counts, and what it left open is filled in.

        Whoever then records something about it does both `one_at_a_time`: nothing is destroyed in between. A hold that
        its terms bring is on the record.
        """
        rule, held = retention.rule_of(terms), bool(terms.retention.get("legal_hold"))
        self._packets.keep(packet, sender, rule=rule, due=due, held=held, identifiers=identifiers)
        if held and self._packets.holds(packet) and packet not in self._record.standing().held:
            self._record.append("reviewed", Facts(packet=packet, outcome="held"), now=self._clock())

    def kept(self) -> list[Kept]:
        """Everything that is kept, on hold or not.

        What is due soonest comes first, what has no date last. WrongPassphrase while the vault is locked: a day tells
        of a birth.
        """
        self._check_readable()
        return self._as_recorded(self._packets.all())

    def due(self) -> list[Kept]:
        """What is to be destroyed by now, soonest first; of packets with one number all, or none. Errors as `kept`."""
        held, now = self._record.standing().held, self._clock()
        self._check_readable()
        return [each for each in self._packets.due(now) if each.packet not in held]

    def _check_readable(self) -> None:
        if not self._record.vault.unlocked:
            raise WrongPassphrase("until when something is kept is sealed, and this home's keys need their passphrase")

    def _as_recorded(self, found: list[Kept]) -> list[Kept]:
        """The same, on hold wherever the ledger says so."""
        held = self._record.standing().held
        return [replace(each, held=True) if each.packet in held else each for each in found]

    # --- legal hold (R17) ---

    def hold(self, packet: bytes, *, reason: str) -> None:
        """Suspend the destruction of the packet with this number; on the record, and even if that fails.

        Raises Usage if it is not kept here, or no reason is given.
        """
        self._check_holdable(packet, reason)
        self._packets.hold(packet)
        self._review(packet, "held", reason)

    def release(self, packet: bytes, *, reason: str) -> None:
        """Take a hold back once that is on the record; errors as in `hold`."""
        self._check_holdable(packet, reason)
        self._review(packet, "released", reason)
        with contextlib.suppress(LedgerError):  # it is on the record; the next act lets the vault know
            self._packets.release(packet)

    def _review(self, packet: bytes, outcome: str, reason: str) -> None:
        facts = Facts(packet=packet, outcome=outcome, promise=Promise(words={"reason": reason}))
        self._record.append("reviewed", facts, now=self._clock())

    def _check_holdable(self, packet: bytes, reason: str) -> None:
        if not reason.strip():
            raise Usage("a hold is set or released for a reason", hint="give the --reason")
        self._known(packet)

    # --- destroying ---

    def destroy_due(self) -> int:
        """Destroy everything that is due, in portions between which others have their turn; the number of packets."""
        packets, count = list(dict.fromkeys(each.packet for each in self.due())), 0
        for start in range(0, len(packets), PORTION):
            with self._record.one_at_a_time():
                count += self._destroy_if_due(packets[start : start + PORTION])
            time.sleep(PAUSE)
        if packets:
            self._record.vault.write_anew()
        return count

    def _destroy_if_due(self, packets: Sequence[bytes]) -> int:
        """Destroy those that still are due: others may have held or destroyed some since. How many those are."""
        now = self._clock()
        self._record.vault.write_anew_in_time()
        rows = {each: self._as_recorded(self._packets.of(each)) for each in packets}
        chosen = [each for each, found in rows.items() if found and all(row.is_due(now) for row in found)]
        return self._destroy(chosen, None) if chosen else 0

    def destroy(self, packet: bytes, *, reason: str | None = None) -> int:
        """Destroy what is kept of the packet with this number; 1, the number of packets.

        Raises Usage if it is not kept here, or not due and no reason given; GateNotMet (R17) while it is on hold.
        """
        with self._record.one_at_a_time():
            self._known(packet)
            count = self._destroy([packet], reason)
            self._record.vault.write_anew_in_time()
            return count

    def destroy_subject(self, scheme: str, value: str, *, reason: str | None = None) -> int:
        """Destroy everything that is kept of one subject; the number of packets. Errors as in `destroy`."""
        subject = self._record.vault.subjects.number(scheme, identifier_value(scheme, value))
        with self._record.one_at_a_time():
            found = [each for each in self.kept() if subject is not None and each.subject == subject]
            if not found:
                raise Usage("nothing is kept of that subject", hint="sharekit retention due --all lists what is kept")
            count = self._destroy(sorted({each.packet for each in found}), reason)
            self._record.vault.write_anew()
            return count

    def _destroy(self, packets: Sequence[bytes], reason: str | None) -> int:
        """The entries come first, all in one commit: what they say is finished by whoever acts next.

        A number is the sender's to choose: what two have given one number goes together, or not at all.
        """
        found = [each for packet in packets for each in self._as_recorded(self._packets.of(packet))]
        self._check(found, reason, self._clock())
        promise, now = (Promise(words={"reason": reason}) if reason else None), self._clock()
        self._record.append_all("destroyed", [Facts(packet=each, promise=promise) for each in packets], now=now)
        try:
            self._erase(packets)
        except LedgerError as problem:
            problem.hint = (
                "that it is destroyed is on the record; free some disk, and the next act destroys what is left"
            )
            raise
        return len(packets)

    def _erase(self, packets: Collection[bytes]) -> None:
        """Why it was destroyed is kept: it is about the act, and not about the child."""
        about = self._record.about_packets(packets)
        nonces = [entry.nonce for entry in about if entry.event != _event("destroyed")]
        self._record.vault.erase(packets, nonces)
        for packet in packets:
            self._waiting(packet).unlink(missing_ok=True)

    def _waiting(self, packet: bytes) -> Path:
        return self._outbox / f"{packet.hex()}.sharekit"

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

    def _known(self, packet: bytes) -> None:
        """Return only if something is kept of a packet; Usage otherwise."""
        if not self._packets.has(packet):
            raise Usage("nothing is kept of that packet", hint="sharekit retention due --all lists what is kept")

    # --- what an entry says, and a killed process or an old backup has left undone ---

    def _finish_reviews(self, entries: Sequence[Entry]) -> None:
        """Let the vault hold what the entries hold."""
        held, released = (vocabulary.load("outcomes")[code].number for code in ("held", "released"))
        for entry in entries:
            if entry.packet and entry.outcome == held:
                self._packets.hold(entry.packet)
            elif entry.packet and entry.outcome == released:
                self._packets.release(entry.packet)

    def _finish_destroying(self, entries: Sequence[Entry]) -> None:
        """Destroy what the entries destroyed, but for what was taken in again afterwards."""
        named = {entry.packet for entry in entries if entry.packet}
        left = {packet for packet in named if self._packets.has(packet) or self._waiting(packet).exists()}
        if left:
            newest = {entry.packet: entry.event for entry in self._record.about_packets(left)}
            self._erase({packet for packet in left if newest.get(packet) == _event("destroyed")})
            self._record.vault.write_anew()


def _event(code: str) -> int:
    return vocabulary.load("ledger-events")[code].number
