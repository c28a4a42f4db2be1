"""The ledgers of all years of one agency: held against its other files, exported for auditors, and moved."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from sharekit.agency import home as homes
from sharekit.errors import MayOnlyRead, Usage
from sharekit.exchange.local_policy import OwnPolicy
from sharekit.exchange.receipts import Receipts
from sharekit.exchange.stamping import Stamping
from sharekit.ledger.move import Moved
from sharekit.ledger.recheck import Progress
from sharekit.record import held_against
from sharekit.record.record import Record
from sharekit.trust.store import Trust

__all__ = ["differences", "export", "move"]


def differences(record: Record, policy: OwnPolicy, newest: int | None, *, now: datetime) -> list[str]:
    """What in the other files of the home is not as the ledger has it, a sentence each.

    Every entry of every year is read, or so many of the `newest` where it is not None.
    """
    entries = itertools.islice(record.all_entries(now), newest)
    found = held_against.differences(record, entries)
    if newest is None and (count := record.index.misplaced()):
        found.append(f"{count} entries were hidden from whoever looks by packet, decision or event; look again now")
    if policy.is_astray():
        found.append("policy.toml is not the policy that was set last: what was set last is in force")
    return found


def export(
    path: Path, record: Record, trust: Trust, receipts: Receipts, stamps: Stamping, *, year: int | None, now: datetime
) -> int:
    """Write an export of one year, the newest where it is None, with all that others attest; how many entries it has.

    Errors as in `Record.export`.
    """
    if year is None:
        with contextlib.suppress(MayOnlyRead):
            record.begin(now)  # the entry about it may be the first of a year, which then is the newest
    cards = [(pin.card.org_id, pin.card.data) for pin in trust]
    attested = receipts.attestations(year=year)
    said = [(each.org_id, each.cosigned, each.entry, each.proof, each.statement or None) for each in attested]
    return record.export(path, cards, said, stamps.kept(year=year), now=now, year=year)


def move(
    home: Path, record: Record, database: str | None, *, clock: Callable[[], datetime], progress: Progress
) -> list[Moved]:
    """Move them to a database, or with None to files of the home, and close the record; Usage if they are there."""
    if database == homes.read_about(home).get("ledger"):
        raise Usage("the ledgers are there already", hint="sharekit doctor says where they are")
    record.ledger(clock())  # there is one to move, and the vault knows where it ends
    record.close()
    switch = partial(homes.name_database, home, database)
    return record.move(database, switch=switch, progress=progress)
