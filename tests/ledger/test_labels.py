"""The labels of an entry: declared in the class, and the same in the CDDL, the specification and the auditor's rows."""

from __future__ import annotations

import json
import re
from typing import Any

from world.books import Book, decoded
from world.console import REPOSITORY

from sharekit import registry
from sharekit.domain import profile, vocabulary
from sharekit.ledger.entry import LABELS, VOCABULARIES, Entry, Label

NAMED = {label.name: label for label in LABELS}


def test_every_label_has_a_number_and_a_name_of_its_own():
    assert [label.number for label in LABELS] == list(range(1, len(NAMED) + 1))


def test_the_cddl_has_the_labels_names_and_forms_of_the_class():
    lines = re.findall(r"^ +(\? )?(\d+) => (.*), +; (\w+)$", registry.text("ledger.cddl"), re.M)
    needed = {"event", "time", "nonce"}
    assert lines == [
        ("" if label.name in needed else "? ", str(label.number), label.form.name, label.name) for label in LABELS
    ]


def test_every_code_has_a_vocabulary_and_nothing_else_has_one():
    assert VOCABULARIES.keys() == {label.name for label in LABELS if label.form.name in ("code", "codes")}
    assert {*VOCABULARIES.values()} - {"profiles"} <= {*vocabulary.names()}


def test_the_events_that_carry_a_label_are_events():
    known = {term.code for term in vocabulary.load("ledger-events")}
    for label in LABELS:
        assert {*label.events} <= known
        assert len({*label.events}) == len(label.events)


def test_an_act_is_carried_by_the_events_for_which_the_vocabulary_names_one():
    assert {*NAMED["act"].events} == {term.code for term in vocabulary.load("ledger-events") if term.more["act"]}


# --- the specification ---


def row(label: Label) -> str:
    meaning = f"{label.form.name}, {label.vocabulary}" if label.vocabulary else label.form.name
    return f"| {label.number} | `{label.name}` | {meaning} | {', '.join(label.events) or 'any'} |"


def test_the_table_of_the_specification_is_made_from_the_labels():
    found = re.findall(r"^\| \d+ \| `\w+` \|.*$", (REPOSITORY / "SPEC.md").read_text(), re.M)
    assert found == [row(label) for label in LABELS]


# --- the auditor, who reads the bytes in a way of his own ---

LEFT_OUT = {"nonce", "file", "subject", "detail", "checkpoint", "origin", "demonstration"}  # nothing an auditor asks
BYTES, LATER = bytes(range(16)), 1_790_000_000
WRITTEN: dict[str, tuple[Any, Any]] = {  # by form: what stands in the entry, and what the auditor's row has
    "code": (1, None),
    "codes": ((1, 2), None),
    "count": (4, 4),
    "minutes": (40, 40),
    "seconds": (LATER, "2026-09-21T14:13:20Z"),
    "bytes .size 16": (BYTES, BYTES.hex()),
    "digest": (bytes(32), bytes(32).hex()),
    "true": (True, 1),
    "rule": ("R18.4", "R18.4"),
    "[ 1*64 org-id ]": (("quillbrook",), '["quillbrook"]'),
    "origin": ("sharekit/fernshire/2026", None),
}


def spelled(label: Label) -> Any:
    """What the auditor's row has for the numbers 1, or 1 and 2, of a label's vocabulary."""
    if label.vocabulary == "profiles":
        return next(name for name in profile.names() if profile.load(name).number == 1)
    codes = [vocabulary.code(str(label.vocabulary), number) for number in (1, 2)]
    return codes[0] if label.form.name == "code" else json.dumps(codes)


def test_the_auditors_row_spells_out_every_label_or_leaves_it_out_on_purpose(tmp_path):
    book = Book(tmp_path)
    parts = {label.name: WRITTEN[label.form.name][0] for label in LABELS if label.events != ("genesis",)}
    book.ledger.append(Entry(parts.pop("event"), parts.pop("time"), **parts))
    with decoded(book) as found:
        cursor = found.db.execute("SELECT * FROM entry WHERE entry = 1")
        row = dict(zip((name for name, *_ in cursor.description), cursor.fetchone(), strict=True))
    expected = {label.name: spelled(label) if label.vocabulary else WRITTEN[label.form.name][1] for label in LABELS}
    assert {name: row[name] for name in expected if name not in LEFT_OUT} == {
        name: value for name, value in expected.items() if name not in LEFT_OUT
    }
    assert not LEFT_OUT & row.keys()
