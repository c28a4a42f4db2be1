"""No question costs more than the entries there are, whatever they are like: what SQLite does for it is counted."""

from __future__ import annotations

import contextlib

import pytest

from sharekit.audit import questions
from sharekit.audit.rows import COLUMNS, Decoded

INSERT = f"INSERT INTO entry VALUES ({', '.join('?' * len(COLUMNS))})"
FEW, TIMES = 300, 8
ALIKE = {
    "ledger": "sharekit/E10999001/2026",
    "owner": "E10999001",
    "day": "2026-11-26",
    "counterparties": '["ZZQ01", "ZZQ02"]',
    "agreement": '["refused"]',
    "bases": '["public-task"]',
    "purpose": "any",
    "outcome": "done",
    "act_by": "2026-11-27T00:00:00Z",
    "acknowledge_by": "2026-11-27T00:00:00Z",
    "agreed": "no",
    "against": 1,
    "lag": 5000,
    "left_out": 3,
}


def turn(*events):
    """Entries of these events in turn."""
    return lambda at: {"event": events[at % len(events)]}


def with_(make, **parts):
    """The same with more parts; a part that is a function is given the number of the entry."""
    return lambda at: make(at) | {name: part(at) if callable(part) else part for name, part in parts.items()}


EVENTS = ("sealed", "received", "opened", "decided", "refused", "receipt-in", "decision-recorded", "consulted")
BOOKS = {
    "every packet once": with_(turn(*EVENTS), packet=lambda at: f"{at:032x}", decision=lambda at: f"{at:032x}"),
    "eight entries a packet": with_(turn(*EVENTS), packet=lambda at: f"{at // 8:032x}"),
    "receipts of one packet": with_(turn("receipt-in"), packet="0" * 32, reported="opened"),
    "emergencies and reviews of one packet": with_(
        turn("opened", "reviewed"), packet="0" * 32, emergency="emergency-review", action="emergency-review"
    ),
    "steps about one decision": with_(turn("decision-recorded", "reviewed"), decision="0" * 32, undiscussed=1),
    "the same reasons in every second share": with_(turn("sealed"), rationale=lambda at: f"{at // 2:032x}"),
    "the same reasons four times": with_(turn("sealed"), rationale=lambda at: f"{at // 4:032x}"),
    "the same reasons always": with_(turn("sealed"), rationale="0" * 32),
    "look-ups of nobody": with_(turn("consulted"), outcome="nobody-found"),
    "a rule for every refusal": with_(turn("refused"), rule=lambda at: f"R{at}"),
}


def steps(make, count, question):
    """How many hundreds of SQLite's instructions the answer takes."""
    with contextlib.closing(Decoded()) as decoded:
        rows = (
            {**dict.fromkeys(COLUMNS), **ALIKE, "entry": at, "time": time_of(at), **make(at)} for at in range(count)
        )
        decoded.db.executemany(INSERT, ([row[name] for name in COLUMNS] for row in rows))
        decoded.finish()
        counted = [0]

        def tick() -> int:
            counted[0] += 1
            return 0

        decoded.db.set_progress_handler(tick, 100)
        questions.answer(decoded, question)
        return counted[0]


def time_of(at):
    return f"2026-11-26T{at // 3600 % 24:02}:{at // 60 % 60:02}:{at % 60:02}Z"


@pytest.mark.parametrize("make", BOOKS.values(), ids=BOOKS)
def test_no_question_costs_more_than_the_entries_there_are(make):
    for question in questions.load():
        few, many = steps(make, FEW, question), steps(make, TIMES * FEW, question)
        assert many <= 1.5 * TIMES * (few + 10), question.name
