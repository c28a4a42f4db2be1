"""What is a refusal, and how it is recorded: before anybody hears of it, and without what was typed.

`recorded` is for what somebody here tries to do, and for a partner's packet that has been verified;
`recorded_once` for a file of which nothing is verified yet.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256

from sharekit.domain.workdays import day_of
from sharekit.errors import Malformed, Revoked, ShareError
from sharekit.packet import wire
from sharekit.record.record import Facts, Record
from sharekit.values import replace

__all__ = ["EVENT", "REFUSALS", "check_not_revoked", "recorded", "recorded_once"]

EVENT = "refused"
REFUSALS = (3, 4, 5)  # exit codes of what was looked at and turned down; the rest never got so far


@contextlib.contextmanager
def recorded(
    record: Record,
    facts: Facts | None = None,
    *,
    now: datetime,
    then: Callable[[ShareError, int], None] | None = None,
) -> Iterator[None]:
    """Record a refusal that is raised inside the block as one entry, and let it go on.

    `facts` is what is known by then; the refusal's own code and rule are added, and it is given the packet's id.
    `then` is called with the refusal and the number of its entry. An error that is none of ours is recorded too, as
    `unexpected`, and goes on; LedgerError replaces what cannot be recorded.
    """
    try:
        yield
    except ShareError as refusal:
        if refusal.exit_code in REFUSALS:
            if facts is not None and facts.packet is not None:
                refusal.packet = facts.packet.hex()
            number = _append(record, refusal, facts or Facts(), now)
            if then is not None:
                then(refusal, number)
        raise
    except Exception:  # nobody thought of it; that it was tried is on the record all the same
        _append(record, ShareError("something went wrong"), facts or Facts(), now)
        raise


@contextlib.contextmanager
def recorded_once(record: Record, data: bytes, *, now: datetime) -> Iterator[None]:
    """Record a refusal of the file `data`, of which nothing is verified, as one entry however often the file comes.

    So nobody can fill the ledger with garbage. A small file could be guessed from its hash: the entry has no digest,
    and of what is no packet a locked home keeps no token either, but counts: of n on a day about log2 n are entries.
    Errors as in `recorded`.
    """
    try:
        yield
    except ShareError as refusal:
        if refusal.exit_code in REFUSALS:
            _append_once(record, refusal, data, now)
        raise
    except Exception:
        _append_once(record, ShareError("something went wrong"), data, now)
        raise


def check_not_revoked(record: Record, data: bytes) -> None:
    """Return unless the file `data` came here while its sender's key was revoked; Revoked if it did.

    A key that is reinstated opens nothing that was refused before: whoever sent it has to send it anew.
    """
    if record.vault.packets.knows_refused(_revoked_token(data)):
        packet = wire.parse(data).id
        raise Revoked("the packet came while its sender's key was revoked here, and stays refused", packet=packet)


def _revoked_token(data: bytes) -> bytes:
    return sha256(b"revoked" + sha256(data).digest()).digest()


def _append_once(record: Record, refusal: ShareError, data: bytes, now: datetime) -> None:
    if isinstance(refusal, Revoked):  # before its entry: refused for good
        record.vault.packets.note_refused(_revoked_token(data))
    with contextlib.suppress(Malformed):
        refusal.packet = wire.parse(data).id
    packet = bytes.fromhex(refusal.packet) if refusal.packet else None
    known = record.vault.packets
    with record.one_at_a_time():
        token = _token(record, data, is_packet=packet is not None)
        if token is None:
            count = known.count_refused(day_of(now))
            if count & (count - 1):  # the first of a day, the second, the fourth, the eighth ...
                return
        elif known.knows_refused(token):
            return
        _append(record, refusal, Facts(packet=packet), now)
        if token is not None:
            known.note_refused(token)


def _token(record: Record, data: bytes, *, is_packet: bool) -> bytes | None:
    """What a file is known again by; None where nothing may be kept of it.

    Nobody guesses the bytes of a packet. Any other file could be guessed, so its token is keyed with what a thief of
    the disk has not; while the vault is locked there is no such key, and such files are counted.
    """
    digest = sha256(data).digest()
    if is_packet:
        return digest
    return record.vault.index_token("refused file", digest.hex()) if record.vault.unlocked else None


def _append(record: Record, refusal: ShareError, facts: Facts, now: datetime) -> int:
    """The number of the entry."""
    return record.append(EVENT, replace(facts, outcome=refusal.code, rule=refusal.rule), now=now)
