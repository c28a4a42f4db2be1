"""How hostile bytes are made: from good ones, by changing their structure rather than their bits.

Every function takes a `random.Random`, so that what was found can be made again from its number.
"""

from __future__ import annotations

import contextlib
import copy
import json
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import cbor2

from fuzz import shapes
from fuzz.shapes import Pairs, Raw, head

LARGEST = 256 * 1024  # bytes: the largest input that is made here; hostile.py makes larger ones

INTEGERS = (0, 1, -1, 23, 24, 255, 256, 65536, 2**31, 2**32 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1, -(2**64))
TEXTS = (
    *["", " ", "\n", "\x00", "\u0085", "\u009b31m", "\u202e", "\u2066", "\u200b", "\ufeff", "\U0001f9d2", "e\u0301"],
    *["a" * 33, "a" * 201, "a" * 5000, "1e999", "0" * 5000, "-0", "NaN", "null", "../../etc/passwd", "file:x?mode=rwc"],
    *["9999-12-31", "0000-00-00", "2026-02-30", "2026-11-27T25:61:61Z", "10000-01-01T00:00:00Z", "2026-11-27T09:05:00"],
    *["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-W48-5", "20261127", "2026-11-27T09:05:00+99:99"],
    *["sharekit", "sharekit//2026", "sharekit/a/b/2026", "sharekit/A", "sharekit/E10999001/0000", "\ud800", "{}", "[]"],
)
OBJECTS = (
    {},
    [],
    [{}],
    [[]],
    [None],
    {"": None},
    {"code": []},
    {"code": {}},
    {"kind": None},
    [[[[[]]]]],
    {"a": {"a": {}}},
)
PLAIN = (None, True, False, 0.0, -0.0, 1.5, 1e308, float("nan"), float("inf"), b"", bytes(31), bytes(32), bytes(33))
HEADS = tuple(head(major, count) for major in (2, 3, 4, 5) for count in (2**16, 2**32 - 1, 2**63, 2**64 - 1))


def raw(random: Random) -> Raw:
    """An item that no writer would write."""
    deep = random.choice([15, 16, 17, 64, random.choice([1000, 30_000])])
    return Raw(
        random.choice(
            [
                head(0, random.randrange(24), random.choice([1, 2, 4, 8])),  # a longer head than it needs
                random.choice(HEADS),  # a head that promises more than there is
                b"\x81" * deep + b"\x00",
                b"\xa1\x00" * deep + b"\x00",
                b"\x9f" + b"\x00" * deep + b"\xff",
                b"\x5f" + b"\x41a" * deep + b"\xff",
                head(4, deep) + b"\x80" * deep,
                head(4, deep) + b"\xa0" * deep,
                head(5, 2) + b"\x00\x00" * 2,  # a key twice
                head(5, 1) + b"\x81\x00\x00",  # an array as a key
                head(6, random.choice([2, 3, 18, 28, 29, 30, 35, 96, 256, 258, 55799])) + b"\x41\x00",
                random.choice([b"\xf7", b"\xf8\x20", b"\xf9\x7e\x00", b"\xfa\x7f\x80\x00\x00", b"\xff", b"\xfc"]),
                head(3, 2) + b"\xc3\x28",  # not UTF-8
            ]
        )
    )


def value(random: Random) -> Any:
    """Some value of JSON or CBOR that is seldom expected."""
    pick = random.randrange(6)
    if pick == 0:
        return random.choice(INTEGERS) + random.choice([0, 0, 1, -1])
    if pick == 1:
        return random.choice(TEXTS)
    if pick == 2:
        return copy.deepcopy(random.choice(OBJECTS))
    if pick == 3:
        return random.choice(PLAIN)
    return [copy.deepcopy(random.choice(OBJECTS))] * many(random)


def many(random: Random) -> int:
    """How often something is repeated: seldom very often."""
    return random.choice([2, 2, 3, 65, random.choice([101, 1001, 10_001])])


# --- CBOR ---


def cbor(data: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """CBOR with a few of its parts changed, dropped, doubled, swapped or put elsewhere."""
    try:
        tree = [shapes.read(data)]
    except ValueError:
        return octets(data, random, others)
    for _ in range(random.choice([1, 1, 1, 2, 4])):
        _change(tree, random, others)
    found = b"".join(shapes.write(item, bare=True) for item in tree)
    return _sorted(found) if random.random() < 0.7 else found


def _change(tree: list[Any], random: Random, others: Sequence[bytes]) -> None:
    spots = list(shapes.places(tree))
    inside, number = random.choice(spots)
    new: list[Callable[[], list[Any]]] = [
        lambda: [_shaped(value(random))],
        lambda: [raw(random)],
        list,
        lambda: [inside[number], copy.deepcopy(inside[number])],
        lambda: [copy.deepcopy(_at(random.choice(spots)))],
        lambda: [[inside[number]]],
        lambda: [_near(inside[number], random)],
        lambda: [_near(inside[number], random)],
        lambda: [_grown(inside[number], random)],
        lambda: [_borrowed(random, others)],
    ]
    found = random.choice(new)()
    inside[number : number + 1] = found if found or len(inside) > 2 else [None]


def _at(spot: tuple[list[Any], int]) -> Any:
    return spot[0][spot[1]]


def _shaped(given: Any) -> Any:
    if isinstance(given, dict):
        return Pairs([[_shaped(key), _shaped(item)] for key, item in given.items()])
    return [_shaped(item) for item in given] if isinstance(given, list) else given


def _near(given: Any, random: Random) -> Any:
    """Something of the same type, and a little off."""
    if isinstance(given, bool) or given is None:
        return random.choice([True, False, None, 0, 1, 1.0])
    if isinstance(given, int):
        return random.choice(
            [given + 1, given - 1, -given, float(given), str(given), given ^ 1 << random.randrange(63)]
        )
    if isinstance(given, bytes):
        return octets(given, random)
    if isinstance(given, str):
        return text(given.encode("utf-8", "surrogatepass"), random).decode("utf-8", "replace")
    return value(random)


def _grown(given: Any, random: Random) -> Any:
    times = min(many(random), 1 + LARGEST // len(shapes.write(given)))
    if isinstance(given, Pairs):
        return Pairs([*given.items, *([random.choice([number, f"x{number}"]), number] for number in range(times))])
    if isinstance(given, list):
        return (given * times)[:20_001]
    return given * times if isinstance(given, str | bytes) else [given] * times


def _borrowed(random: Random, others: Sequence[bytes]) -> Any:
    with contextlib.suppress(ValueError):
        if others:
            return _at(random.choice(list(shapes.places([shapes.read(random.choice(others))]))))
    return value(random)


def _sorted(data: bytes) -> bytes:
    """The same, deterministic where it can be, so that it comes further than the first look."""
    from sharekit import cbor as deterministic

    start = next((start for start in shapes.STARTS[1:] if data.startswith(start)), b"")
    with contextlib.suppress(Exception):
        return start + deterministic.encode(cbor2.loads(data[len(start) :]))
    return data


# --- JSON, text, bytes ---


def json_text(data: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """JSON with a few of its values changed, or its text spoiled."""
    try:
        tree = [json.loads(data)]
    except (ValueError, RecursionError):
        return text(data, random, others)
    spots = _json_places(tree)
    for _ in range(random.choice([1, 1, 2, 4])):
        with contextlib.suppress(IndexError, KeyError):  # one change may have taken away where another would be
            _change_json(tree, spots, random)
    found = json.dumps(tree[0], ensure_ascii=random.random() < 0.5, default=lambda _: None)
    written = found.encode("utf-8", "surrogatepass")
    return spoiled(written, random) if random.random() < 0.1 else written


def _change_json(tree: list[Any], spots: list[tuple[Any, Any]], random: Random) -> None:
    inside, name = random.choice(spots)
    other, at = random.choice(spots)
    ways: list[Callable[[], Any]] = [
        lambda: copy.deepcopy(other[at]),
        lambda: [inside[name]],
        lambda: _more(inside[name], random),
        lambda: _near(inside[name], random),
        lambda: _near(inside[name], random),
        lambda: value(random),
        lambda: value(random),
    ]
    if inside is not tree and random.random() < 0.15:
        del inside[name]
    else:
        inside[name] = random.choice(ways)()


def _more(given: Any, random: Random) -> Any:
    """An object with one name more, or a list with more items."""
    if isinstance(given, dict):
        return {**given, random.choice(TEXTS): value(random)}
    if isinstance(given, list) and len(given) < 100:
        return given * many(random)
    return [given, given]


def _json_places(node: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    for name, item in list(node.items() if isinstance(node, dict) else enumerate(node)):
        found.append((node, name))
        if isinstance(item, dict | list):
            found += _json_places(item)
    return found


def spoiled(data: bytes, random: Random) -> bytes:
    """JSON that is none, or that few would write."""
    ways: list[Callable[[], bytes]] = [
        lambda: b"[" * random.choice([100, 100_000]),
        lambda: b'{"a":' * random.choice([60, 900]) + b"1" + b"}" * 60,
        lambda: data.replace(b":", b': NaN, "a":', 1),
        lambda: data.replace(b"{", b'{"profile": 1, "profile": 2, ', 1),
        lambda: data.decode("utf-8", "replace").encode("utf-16"),
        lambda: b"\xef\xbb\xbf" + data,
        lambda: data.replace(b'"', b"'"),
        lambda: b"9" * 5000,
        lambda: b"1e400",
        lambda: data + data,
        lambda: b'"\\ud800"',
    ]
    return random.choice(ways)()


def text(data: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """Lines dropped, doubled, swapped, borrowed or changed within."""
    lines = data.split(b"\n")
    for _ in range(random.choice([1, 1, 2])):
        at = random.randrange(len(lines))
        other = random.choice([*others, data]).split(b"\n")
        word = random.choice(TEXTS).encode("utf-8", "surrogatepass")
        lines[at : at + 1] = random.choice(
            [
                [],
                [lines[at]] * random.choice([2, 2, 1000]),
                [lines[at - 1], lines[at]],
                [random.choice(other)],
                [word],
                [lines[at] + word],
                [_word_changed(lines[at], word, random)],
                [octets(lines[at], random)],
                [b"", lines[at]],
                [lines[at] + b"\r"],
            ]
        ) or [b""]
    return b"\n".join(lines)


def _word_changed(line: bytes, word: bytes, random: Random) -> bytes:
    words = line.split(b" ")
    words[random.randrange(len(words))] = word
    return b" ".join(words)


def octets(data: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """Bytes flipped, cut, repeated, put in, or taken from elsewhere."""
    start, end = sorted(random.choices(range(len(data) + 1), k=2))
    other = random.choice([*others, data])
    piece = other[: random.randrange(len(other) + 1)]
    flipped = bytearray(data)
    for _ in range(random.choice([1, 1, 4]) if data else 0):
        flipped[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return random.choice(
        [
            bytes(flipped),
            bytes(flipped),
            data[:start],
            data[:start] + data[end:],
            data[:end] + data[start:],
            data[:start] + random.randbytes(random.choice([1, 4, 40])) + data[start:],
            data[:start] + piece,
            data[:start] + data[start:end] * random.choice([2, 100]) + data[end:],
            data + b"\x00",
            b"",
        ]
    )[:LARGEST]


# --- SQLite ---


def database(data: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """A database with values that SQLite takes and nobody expects; or with bytes changed."""
    if random.random() < 0.2:
        return octets(data, random, others)
    with tempfile.NamedTemporaryFile(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as copied:
        copied.write(data)
        copied.flush()
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(copied.name)) as db:
            db.execute("PRAGMA journal_mode = DELETE")
            _change_rows(db, random)
            db.commit()
        return Path(copied.name).read_bytes()


def _change_rows(db: sqlite3.Connection, random: Random) -> None:
    schema = db.execute("SELECT type, name, sql FROM sqlite_schema").fetchall()
    triggers = [(name, sql) for kind, name, sql in schema if kind == "trigger"]
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    tables = [name for kind, name, _ in schema if kind == "table" and not name.startswith("sqlite_")]
    for _ in range(random.choice([1, 1, 3])):
        table = random.choice(tables)
        with contextlib.suppress(sqlite3.Error, IndexError):
            _change_row(db, table, random)
    for _, sql in triggers:
        db.execute(sql)


def _change_row(db: sqlite3.Connection, table: str, random: Random) -> None:
    columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
    column = random.choice(columns)
    count = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    where = f"rowid = (SELECT rowid FROM {table} LIMIT 1 OFFSET {random.randrange(count or 1)})"
    pick = random.random()
    if not count or pick < 0.1:
        marks = ", ".join("?" * len(columns))
        db.execute(f"INSERT INTO {table} VALUES ({marks})", [_cell(None, random) for _ in columns])
    elif pick < 0.2:
        db.execute(f"DELETE FROM {table} WHERE {where}")
    elif pick < 0.4:  # one word, in every row
        old = str(db.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()[0])
        words = (random.choice(old.split()), random.choice(TEXTS).encode("utf-8", "replace").decode())
        db.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?) WHERE typeof({column}) = 'text'", words)
    elif pick < 0.5:  # a text that is none
        db.execute(f"UPDATE {table} SET {column} = CAST(x'c328' AS TEXT) WHERE {where}")
    else:
        old = db.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()[0]
        db.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (_cell(old, random),))


def _cell(given: Any, random: Random) -> Any:
    if isinstance(given, bytes) and random.random() < 0.7:
        return cbor(given, random)[: 64 * 1024]
    if isinstance(given, str) and random.random() < 0.7:
        return text(given.encode(), random).decode("utf-8", "replace")
    found = value(random) if given is None or random.random() < 0.5 else _near(given, random)
    if isinstance(found, str):
        return found.encode("utf-8", "replace").decode()
    if isinstance(found, int) and not -(2**63) <= found < 2**63:
        return 2**63 - 1
    return found if isinstance(found, int | float | bytes | None) else cbor2.dumps(found)[: 64 * 1024]


KINDS: dict[str, Callable[[bytes, Random, Sequence[bytes]], bytes]] = {
    "cbor": cbor,
    "json": json_text,
    "text": text,
    "bytes": octets,
    "database": database,
}


def mutated(kind: str, data: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """Hostile bytes made of `data`, of the kind of file that it is; now and then with bits flipped as well."""
    found = KINDS[kind](data, random, others)
    return octets(found, random, others) if random.random() < 0.1 else found[:LARGEST]
