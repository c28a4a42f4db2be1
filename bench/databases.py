"""The record in PostgreSQL: an append against a plain insert of the same bytes, through the same driver and server."""

from __future__ import annotations

import itertools

from nacl.signing import SigningKey

from sharekit.ledger.entry import Entry
from sharekit.ledger.log import Ledger
from sharekit.ledger.postgres import Database
from tests.world.servers import ready_database, server

from .contest import Effort, Outcome, compare, here
from .ledgers import ORIGIN, TIME, entry
from .rows import Row


def append(effort: Effort) -> Outcome:
    """How much of the speed of plain inserts is left; the server writes to the temporary folder (TMPDIR)."""
    key, numbers, each = SigningKey.generate(), itertools.count(), entry()
    genesis = Entry(1, TIME, nonce=bytes(16), origin=ORIGIN)
    with server() as running, running.connect() as db:
        database = Database(ready_database(running))
        db.execute("CREATE TABLE plain (seq bigint PRIMARY KEY, bytes bytea NOT NULL)")
        with Ledger.create(database.place(ORIGIN), origin=ORIGIN, key=key, genesis=genesis) as ours:

            def insert() -> None:
                db.execute("INSERT INTO plain VALUES (%s, %b)", (next(numbers), each.encode()))

            return compare(here(lambda: ours.append(each)), here(insert), effort, faster=True)


ROWS = [Row("append-postgres", "one entry and its checkpoint, speed of a plain insert", 0.4, append, at_least=True)]
