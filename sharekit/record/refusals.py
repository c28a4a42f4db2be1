"""What is a refusal, and how it is recorded: before anybody hears of it, and without what was typed.

`recorded` is for what somebody here tries to do, and for a partner's packet that has been verified;
`recorded_once` for a file of which nothing is verified yet.
"""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256

from sharekit.errors import Malformed, ShareError
from sharekit.packet import wire
from sharekit.record.record import Facts, Record
from sharekit.values import replace

__all__ = ["EVENT", "REFUSALS", "recorded", "recorded_once"]

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

    So nobody can fill the ledger with garbage. A small file could be guessed from its hash: the vault remembers a
    keyed token of it, and the entry has no digest. Errors as in `recorded`.
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


def _append_once(record: Record, refusal: ShareError, data: bytes, now: datetime) -> None:
    token = hmac.digest(record.index_key, sha256(data).digest(), "sha256")
    with contextlib.suppress(Malformed):
        refusal.packet = wire.parse(data).id
    packet = bytes.fromhex(refusal.packet) if refusal.packet else None
    with record.one_at_a_time():
        if not record.vault.packets.knows_refused(token):
            _append(record, refusal, Facts(packet=packet), now)
            record.vault.packets.note_refused(token)


def _append(record: Record, refusal: ShareError, facts: Facts, now: datetime) -> int:
    """The number of the entry."""
    return record.append(EVENT, replace(facts, outcome=refusal.code, rule=refusal.rule), now=now)
