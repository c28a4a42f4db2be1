"""What asks for ten reads ten: acts and questions in a home with many entries, against the same in a small one.

The home has `entries` entries and a fifth as many packets, each about a child of its own, and is kept in the temporary
folder as long as the benchmarks run. The times are CPU time, for the questions are put to one open agency.
"""

from __future__ import annotations

import functools
import hmac
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sharekit import Agency
from sharekit.agency import doctor
from sharekit.domain import vocabulary
from sharekit.ledger.entry import Entry
from sharekit.vault.vault import Vault

from .contest import Effort, Outcome, Sampler, compare
from .rows import Row
from .world import ISSUED, PHONE

SMALL, EVERY, BATCH = 1000, 5, 5000
TIME = int(ISSUED.timestamp())
Act = Callable[[Agency], object]


def build(folder: Path, entries: int) -> Agency:
    """A home with so many entries; a fifth are about packets that are kept, each of a child of its own."""
    kind = next(term.code for term in vocabulary.load("org-types") if term.code.startswith("nhs"))
    agency = Agency.create(folder, org_id="E10999001", org_type=kind, name="An agency", phone=PHONE)
    for start in range(1, entries, BATCH):
        _grow(agency, start, min(BATCH, entries - start))
    next(agency.record.located(bytes(16)), None)  # the index is up to date
    for _ in range(3):
        agency.lookups.about("local", "child-1", limit=10)
    return agency


def _grow(agency: Agency, start: int, count: int) -> None:
    """Entries of five kinds in turn, the first of which is about a child, and what the vault has of them."""
    vault, packets = agency.record.vault, [os.urandom(16) for _ in range(0, count, EVERY)]
    names = [vault.subjects.tokens([("local", f"child-{start + at}")]) for at in range(len(packets))]
    due = vault.seal((30_000).to_bytes(4, "big", signed=True))
    with vault.writing() as db:
        subjects = [vault.subjects.number_in(db, tokens) for tokens in names]
        kept = [(agency.org_id, packet, number, 1, due) for packet, number in zip(packets, subjects, strict=True)]
        db.executemany("INSERT INTO kept(sender, packet, subject, rule, due) VALUES (?, ?, ?, ?, ?)", kept)
        seen = [(agency.org_id, packet, bytes(32), "ZZQ01", TIME) for packet in packets]
        db.executemany("INSERT INTO packet(sender, cti, digest, recipients, first_seen) VALUES (?, ?, ?, ?, ?)", seen)
    made = [
        entry for packet, number in zip(packets, subjects, strict=True) for entry in _entries(vault, packet, number)
    ]
    vault.keep_details(*(vault.detail(each.nonce, {"by": "Ira XXTEST-Moss"}) for each in made if each.subject))
    agency.ledger.append(*made[:count])


def _entries(vault: Vault, packet: bytes, subject: int) -> list[Entry]:
    """What is recorded of one packet: sealed, and what its recipient said."""
    nonce, events = os.urandom(16), vocabulary.load("ledger-events")
    token = hmac.digest(vault.subjects.key_of(subject), nonce, "sha256")
    sealed = Entry(events["sealed"].number, TIME, nonce=nonce, packet=packet, subject=token, counterparties=("ZZQ01",))
    said = events["receipt-in"].number
    return [sealed, *(Entry(said, TIME, nonce=os.urandom(16), packet=packet) for _ in range(EVERY - 1))]


def newest_packet(agency: Agency) -> bytes:
    """The number of a packet that is kept."""
    sealed = (entry.packet for _, _, entry in agency.record.located("sealed"))
    return next(packet for packet in sealed if packet and agency.record.vault.kept.has(packet))


QUESTIONS: dict[str, Act] = {
    "log": lambda agency: agency.newest(10),
    "log-packet": lambda agency: agency.newest(10, packet=newest_packet(agency).hex()),
    "log-event": lambda agency: agency.newest(10, event="sealed"),
    "subject": lambda agency: agency.lookups.about("local", "child-1", limit=10),
    "destroy": lambda agency: agency.retention.destroy(newest_packet(agency), reason="a benchmark"),
    "doctor": lambda agency: doctor.examine(agency.home),
    "look-ups": lambda agency: agency.lookups.without_case(),
    "overdue": lambda agency: agency.decisions.overdue(),
    "receipts": lambda agency: list(agency.record.vault.partners.said(newest_packet(agency))),
    "trust": lambda agency: list(agency.trust),
}


@functools.cache
def _home(entries: int) -> tuple[tempfile.TemporaryDirectory[str], Agency]:
    folder = tempfile.TemporaryDirectory()
    return folder, build(Path(folder.name) / "home", entries)


def grown(act: Act, effort: Effort) -> Outcome:
    """How many times as long it takes in the large home as in the small one."""
    large, small = (_home(entries)[1] for entries in (effort.entries, SMALL))
    return compare(_sampler(act, large), _sampler(act, small), effort.fewer(15))


def _sampler(act: Act, agency: Agency) -> Sampler:
    def sample(calls: int) -> list[float]:
        times = []
        for _ in range(calls):
            before = time.process_time()
            act(agency)
            times.append(max(time.process_time() - before, 1e-6))
        return times

    return sample


ROWS = [
    Row(f"grown-{name}", f"{name} at many entries, CPU over at 1,000", 1.5, functools.partial(grown, act))
    for name, act in QUESTIONS.items()
]
