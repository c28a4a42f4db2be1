"""`audit table`: the decoded entries as a file, read again with what reads such files and nothing of sharekit."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
from sharekit.cli.table import FORMS
from world.books import Book, seconds
from world.commands import sharekit
from world.console import REPOSITORY

from sharekit.audit.table import FORMS as forms
from sharekit.ledger.entry import Entry

TRUST = ("--trust", "book.card")
REFUSED_SHARE = 2  # the entry of the book that went against a refusal


def table(*arguments: str) -> Any:
    return sharekit("audit", "table", *arguments)


def from_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def from_database(name: str, query: str = "SELECT * FROM entry_in_words") -> list[dict[str, Any]]:
    db = sqlite3.connect(name)
    db.row_factory = sqlite3.Row
    rows = [dict(row) for row in db.execute(query)]
    db.close()
    return rows


def in_one_form(row: dict[str, Any]) -> dict[str, str]:
    """A row as CSV has it, whichever file it was read from."""

    def cell(value: Any) -> str:
        if isinstance(value, str) and value.startswith("["):
            value = json.loads(value)
        if isinstance(value, list):
            return "; ".join(value)
        return "" if value is None else str(value)

    return {name: cell(value) for name, value in row.items()}


def label(vocabulary: str, code: str) -> str:
    terms = json.loads((REPOSITORY / "schemas" / f"vocabulary-{vocabulary}.json").read_text())["terms"]
    return next(str(term["label"]) for term in terms if term["code"] == code)


def test_the_three_files_hold_the_same_entries_with_a_label_beside_every_code(folder):
    for name in ("t.db", "t.csv", "t.json"):
        ran = table("book.export", *TRUST, "-o", name)
        assert (ran.code, ran.err) == (0, "")
        assert ran.text.splitlines()[-1] == f"9 entries written to {name}"
    rows = json.loads(Path("t.json").read_text())
    assert [in_one_form(row) for row in rows] == from_csv(Path("t.csv").read_bytes().decode())
    assert [in_one_form(row) for row in rows] == [in_one_form(row) for row in from_database("t.db")]
    assert [row["entry"] for row in rows] == list(range(9))
    share = rows[REFUSED_SHARE]
    assert (share["agreement"], share["agreement_label"]) == (["refused"], [label("agreement-status", "refused")])
    assert (share["purpose"], share["purpose_label"]) == (
        "safeguarding.referral",
        label("purposes", "safeguarding.referral"),
    )
    assert (share["lag"], share["override"], share["second"]) == (3000, 1, None)
    assert share["counterparties"] == ["quillbrook"]
    assert {row["verdict"] for row in rows} == {"verified"}


def test_a_kind_of_share_is_labelled_and_what_nobody_knows_is_its_own_label(folder):
    book = Book(folder, "larkmoor")
    book.share("11-02 10:00", profile="cp-is-flag")
    book.ledger.append(Entry(event=2, time=seconds("11-02 11:00"), nonce=bytes(16), purpose=9999, bases=(1, 9999)))
    book.export.rename("more.export")
    book.ledger.close()
    Path("more.card").write_bytes(book.card.data)
    assert table("more.export", "--trust", "more.card", "-o", "t.json").code == 0
    _, known, unknown = json.loads(Path("t.json").read_text())
    title = json.loads((REPOSITORY / "schemas" / "profile-cp-is-flag.json").read_text())["title"]
    assert (known["profile"], known["profile_label"]) == ("cp-is-flag", title)
    assert (unknown["purpose"], unknown["purpose_label"]) == ("unknown-9999", "unknown-9999")
    assert unknown["bases_label"] == [label("art6", unknown["bases"][0]), "unknown-9999"]


def test_the_database_says_what_its_codes_mean_and_what_the_audit_found(folder):
    assert table("book.export", *TRUST, "-o", "t.db").code == 0
    (ledger,) = from_database("t.db", "SELECT * FROM ledger")
    root = sharekit("audit", "verify", "book.export", *TRUST, "--json").json["root"]
    expected = {"ledger": "sharekit/fernshire/2026", "entries": 9, "root": root, "verdict": "verified", "findings": 0}
    assert ledger == expected
    (code,) = from_database("t.db", "SELECT * FROM code WHERE vocabulary = 'outcomes' AND code = 'allow-logged'")
    assert code["label"] == label("outcomes", "allow-logged")
    assert from_database("t.db", "PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def test_exports_of_several_agencies_stand_in_one_table(folder):
    other = Book(folder, "larkmoor", year=2027)
    other.share("2027-01-02 10:00")
    other.export.rename("other.export")
    other.ledger.close()
    Path("other.card").write_bytes(other.card.data)
    ran = table("book.export", "other.export", *TRUST, "--trust", "other.card", "-o", "t.csv", "--json")
    assert (ran.code, ran.json["path"], ran.json["rows"], len(ran.json["ledgers"])) == (0, "t.csv", 11, 2)
    rows = from_csv(Path("t.csv").read_text())
    assert {row["ledger"] for row in rows} == {"sharekit/fernshire/2026", "sharekit/larkmoor/2027"}


def test_no_cell_is_a_formula_to_a_spreadsheet(folder):
    """The name of a rule is the one text of an entry that may begin with a sign: whoever writes a ledger chooses it."""
    book = Book(folder, "larkmoor")
    book.add("refused", "11-02 10:00", outcome="gate-not-met", rule="-2-3")
    book.export.rename("sly.export")
    book.ledger.close()
    Path("sly.card").write_bytes(book.card.data)
    assert table("sly.export", "--trust", "sly.card", "-o", "t.csv").code == 0
    rows = from_csv(Path("t.csv").read_text())
    assert rows[1]["rule"] == "'-2-3"
    assert not [cell for row in rows for cell in row.values() if cell.startswith(tuple("=+-@\t\r\n"))]
    assert table("sly.export", "--trust", "sly.card", "-o", "t.json").code == 0
    assert json.loads(Path("t.json").read_text())[1]["rule"] == "-2-3"


def test_a_record_that_does_not_verify_is_written_says_so_in_every_row_and_ends_with_6(folder):
    for form, name in (("csv", "t.csv"), ("json", "t.json"), ("db", "t.db")):
        ran = table("tampered.export", *TRUST, "-o", name)
        assert (ran.code, form) == (6, form)
        assert ran.text.startswith("sharekit/fernshire/2026: DOES NOT VERIFY")
    for rows in (from_csv(Path("t.csv").read_text()), json.loads(Path("t.json").read_text()), from_database("t.db")):
        assert {row["verdict"] for row in rows} == {"findings"}


def test_a_table_goes_to_standard_output_as_csv_or_as_json(folder):
    ran = table("book.export", *TRUST, "-o", "-")
    assert (ran.code, len(from_csv(ran.text))) == (0, 9)
    ran = table("book.export", *TRUST, "-o", "-", "--format", "json")
    assert (ran.code, len(json.loads(ran.text))) == (0, 9)
    ran = table("tampered.export", *TRUST, "-o", "-")
    assert (ran.code, "DOES NOT VERIFY" in ran.err, "DOES NOT VERIFY" in ran.text) == (6, True, False)


def test_a_table_is_one_private_file_that_replaces_an_older_one(folder):
    for name in ("t.db", "t.csv"):
        Path(name).write_text("older")
        assert table("book.export", *TRUST, "-o", name).code == 0
        assert stat.S_IMODE(os.stat(name).st_mode) == 0o600
        assert not Path(name).read_bytes().startswith(b"older")
    assert not [name for name in os.listdir() if name.startswith(".sharekit")]


REFUSED = {
    "an unknown ending": (("book.export", *TRUST, "-o", "t.xls"), 2, "usage"),
    "no ending": (("book.export", *TRUST, "-o", "table"), 2, "usage"),
    "an unknown form": (("book.export", *TRUST, "-o", "t.csv", "--format", "xls"), 2, "usage"),
    "a database on standard output": (("book.export", *TRUST, "-o", "-", "--format", "db"), 2, "usage"),
    "no place": (("book.export", *TRUST), 2, "usage"),
    "no export": (("-o", "t.csv", *TRUST), 2, "usage"),
    "no card": (("book.export", "-o", "t.csv"), 3, "not-trusted"),
    "no export in it": (("book.card", *TRUST, "-o", "t.csv"), 3, "malformed"),
    "the same ledger twice": (("book.export", "book.export", *TRUST, "-o", "t.csv"), 2, "usage"),
    "no such folder": (("book.export", *TRUST, "-o", "no/t.csv"), 1, "output-unwritable"),
    "an input": (("book.export", *TRUST, "-o", "book.export", "--format", "csv"), 1, "output-unwritable"),
    "a card": (("book.export", *TRUST, "-o", "book.card", "--format", "db"), 1, "output-unwritable"),
    "an object and a table": (("book.export", *TRUST, "-o", "-", "--json"), 2, "usage"),
}


@pytest.mark.parametrize(("arguments", "code", "error"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_written_is_refused_and_nothing_is_touched(folder, arguments, code, error):
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    ran = table(*arguments)
    assert (ran.code, ran.error) == (code, error)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_an_unknown_ending_is_answered_with_those_that_are_known(folder):
    assert "FILE.db, FILE.csv or FILE.json" in table("book.export", *TRUST, "-o", "t.xls").err


def test_a_table_never_replaces_a_part_of_a_home(desk):
    assert sharekit("ledger", "export", "--home", "elm", "-o", "elm.export").code == 0
    (record,) = Path("elm/ledger").glob("*.db")
    before = record.read_bytes()
    ran = table("elm.export", "--home", "elm", "-o", str(record))
    assert (ran.code, ran.error, record.read_bytes() == before) == (1, "output-unwritable", True)


def test_the_command_offers_the_forms_that_the_library_writes():
    assert set(FORMS) == set(forms)
