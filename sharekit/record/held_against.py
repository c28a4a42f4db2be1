"""What stands in the vault, held against the ledger, which is the authority: a difference changes nothing, and is told.

An entry commits to the words that the vault has about it, and says what is on hold; the vault can be written to by
whoever can write to the home.
"""

from __future__ import annotations

from collections.abc import Iterable

from sharekit.domain import vocabulary
from sharekit.ledger.entry import Entry
from sharekit.record.record import Record

__all__ = ["differences"]


def differences(record: Record, entries: Iterable[Entry]) -> list[str]:
    """What of the vault is not as the ledger has it, a sentence each; empty where all is well.

    While the vault is locked it is seen that words are gone, and not that they were changed. The words are looked at of
    those `entries`, the newest ones or all.
    """
    lifted = [
        each for each in record.standing().held if record.vault.kept.has(each) and not record.vault.kept.holds(each)
    ]
    gone, changed = _words(record, entries) if record.keeps_all_words else (0, 0)
    told = {
        "packets are on hold by the record, and not in the vault: nothing of them is destroyed": len(lifted),
        "entries have lost their words in the vault: who acted, and why": gone,
        "entries have other words in the vault than they were recorded with": changed,
    }
    return [f"{count} {words}" for words, count in told.items() if count]


def _words(record: Record, entries: Iterable[Entry]) -> tuple[int, int]:
    """How many entries have lost their words, and how many have others; those of what was destroyed aside."""
    gone, changed, destroyed = set[Entry](), 0, set[bytes]()
    number = vocabulary.load("ledger-events")["destroyed"].number
    for entry in entries:
        if entry.event == number and entry.packet:
            destroyed.add(entry.packet)
        if entry.detail is not None:
            found = record.vault.commitment(entry.nonce)
            if found is None:
                gone.add(entry)
            changed += found not in (None, b"", entry.detail)
    return sum(1 for entry in gone if entry.packet not in destroyed or entry.event == number), changed
