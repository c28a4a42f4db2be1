"""The decoded entries as one file to keep and to work with: a SQLite database, CSV or JSON.

In the database stand the tables of schemas/decoded.sql, a table `ledger` with what the audit found of every export,
and the view `entry_in_words`, where the label stands beside every code. CSV and JSON hold the rows of that view.
"""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sharekit.audit.rows import CODED, COLUMNS, LISTS, NOBODY, Decoded, having_room
from sharekit.audit.verify import AuditReport
from sharekit.errors import OutputUnwritable

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["FORMS", "VIEW", "write"]

VIEW = "entry_in_words"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a spreadsheet takes for the beginning of one
_LABELS = {column: f"{column}_label" for column in CODED}
_LISTED = LISTS | {_LABELS[column] for column in LISTS & CODED.keys()}


def write(path: Path, form: str, exports: Sequence[tuple[Path, AuditReport]]) -> int:
    """Write the entries of exports to `path`; `form` is "db", "csv" or "json". The number of entries in all.

    Every export comes with its audit; where that has findings, every row of the export says so. A CSV or JSON file is
    made or overwritten; for a database `path` is absent or an empty file. The file is not complete before this returns.
    Raises Malformed if an export is damaged, Usage if two are of the same ledger, and OutputUnwritable where the file
    cannot be made or there is no room for it.
    """
    with contextlib.closing(Decoded(path if form == "db" else None)) as decoded:
        for export, report in exports:
            if report.size:  # else its tables cannot be read
                decoded.add(export, report.origin, report.size)
        with having_room():
            database = _worded(decoded, [report for _, report in exports])
            decoded.finish()
            FORMS[form](path, database)
            return int(database["entry"].count)


def _worded(decoded: Decoded, reports: Iterable[AuditReport]) -> Database:
    """The decoded entries with the table of ledgers and the view in words."""
    from sqlite_utils import Database  # late: it takes longer to load than most commands run

    database = Database(decoded.db, execute_plugins=False)
    database.table("ledger").insert_all(map(_ledger, reports), pk="ledger", replace=True)
    database.create_view(VIEW, _in_words())
    return database


def _ledger(report: AuditReport) -> dict[str, Any]:
    verdict = "findings" if report.findings else "verified"
    about = {"ledger": report.origin or NOBODY, "entries": report.size, "root": report.root.hex()}
    return {**about, "verdict": verdict, "findings": len(report.findings)}


def _in_words() -> str:
    """The SELECT that puts the label beside every code, or the code itself where no vocabulary has it."""
    shown = ["ledger.verdict"]
    for column in COLUMNS:
        shown.append(f"entry.{column}")
        if column in CODED:
            shown.append(f"{_labels(column) if column in LISTS else _label(column)} AS {_LABELS[column]}")
    return f"SELECT {', '.join(shown)} FROM entry JOIN ledger USING (ledger) ORDER BY entry.ledger, entry.entry"  # noqa: S608  # no value in it


def _label(column: str) -> str:
    known = f"SELECT label FROM code WHERE vocabulary = '{CODED[column]}' AND code = entry.{column}"  # noqa: S608
    return f"coalesce(({known}), entry.{column})"


def _labels(column: str) -> str:
    """The labels of a list of codes, in its order; NULL where there is no list."""
    known = f"LEFT JOIN code ON vocabulary = '{CODED[column]}' AND code = value"
    listed = f"SELECT coalesce(label, value) AS label FROM json_each(entry.{column}) {known} ORDER BY key"  # noqa: S608
    return f"CASE WHEN entry.{column} IS NOT NULL THEN (SELECT json_group_array(label) FROM ({listed})) END"  # noqa: S608


# --- the forms ---


def _as_database(path: Path, database: Database) -> None:
    """It was made at `path` already."""


def _as_csv(path: Path, database: Database) -> None:
    """Comma-separated, UTF-8, the names of the columns first; the parts of a list stand in one cell."""
    with _opened(path) as file:
        writer = csv.writer(file)
        writer.writerow(database[VIEW].columns_dict)
        writer.writerows(map(_cell, row, row.values()) for row in database[VIEW].rows)


def _cell(column: str, value: Any) -> Any:
    """A value as a cell: what a spreadsheet would run as a formula begins with an apostrophe."""
    if column in _LISTED and value is not None:
        value = "; ".join(json.loads(value))
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _as_json(path: Path, database: Database) -> None:
    """A list of objects, UTF-8, one a line."""
    with _opened(path) as file:
        file.write("[")
        for number, row in enumerate(database[VIEW].rows):
            file.write(",\n " if number else "")
            json.dump(_object(row), file, ensure_ascii=False)
        file.write("]\n")


def _object(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        column: json.loads(value) if column in _LISTED and value is not None else value for column, value in row.items()
    }


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError:
        raise OutputUnwritable("the table cannot be written there") from None


FORMS: Mapping[str, Callable[[Path, Database], None]] = {"db": _as_database, "csv": _as_csv, "json": _as_json}
