"""Large hostile files: everything that costs a reader most for a byte, up to the 8 MiB that `verify` and `open` read.

`unsigned` are by strangers, `signed` by a pinned partner with patched software and all of its own keys.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import sharekit
from fuzz import partner
from fuzz.shapes import head
from sharekit import cbor, cose
from sharekit.packet import wire

MIB = 1024 * 1024
MOST, PACKET = 8 * MIB, wire.MAX_BYTES
MANY = 19_900  # items: nearly as many as one part may have
ITEMS = {
    "integers": b"\x00",
    "empty texts": b"\x60",
    "empty bytes": b"\x40",
    "empty lists": b"\x80",
    "empty maps": b"\xa0",
    "nulls": b"\xf6",
    "short texts": b"\x61a",
    "lists of one": b"\x81\x00",
    "maps of one": b"\xa1\x00\x00",
    "lists in lists": b"\x82\x81\x81\x81\x80\x80",
    "floats": b"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a",
    "large integers": b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
    "big numbers": b"\xc2\x41\x01",
    "tags": b"\xc1\x00",
    "dates": b"\xc0\x74" + b"2026-11-27T09:05:00Z",
    "breaks": b"\xff",
}


def _bodies(size: int) -> Iterator[tuple[str, bytes]]:
    """One CBOR item, or what begins like one, of nearly `size` bytes."""
    room = size - 16
    for name, item in ITEMS.items():
        count = room // len(item)
        yield f"a list of {name}", head(4, count) + item * count
        yield f"a list of {name} without a length", b"\x9f" + item * (count - 1) + b"\xff"
        yield f"a list of {name} that promises more", head(4, 2**64 - 1) + item * count
        yield f"{name} one after the other", item * count
    for start in (b"\x81", b"\x82\x00", b"\xa1\x00", b"\x9f", b"\xbf\x00", b"\xc1", b"\xd8\x60", b"\xd8\x1c\x81"):
        yield f"deep in {start.hex()}", start * (room // len(start)) + b"\x00"
    for major, name in ((2, "bytes"), (3, "text")):
        yield f"one {name}", head(major, room) + b"a" * room
        yield f"{name} in pieces", bytes([major << 5 | 31]) + (head(major, 1) + b"a") * (room // 2) + b"\xff"
    keys = room // 5
    yield "a map of integers", head(5, keys) + b"".join(head(0, n, 4)[:5] for n in range(keys))
    yield "a map of one key", head(5, room // 2) + b"\x00\x00" * (room // 2)
    yield "a map of lists", head(5, room // 3) + b"\x81\x20\x00" * (room // 3)
    yield "a map of texts", head(5, room // 9) + b"".join(b"\x67%07x\x00" % n for n in range(room // 9))
    yield "zeros", bytes(size)
    yield "a long text that is none", head(3, room) + b"\xff" * room


def _parts(part: bytes) -> Iterator[tuple[str, bytes]]:
    """A packet in whose place of the statement, of its header, or of the sealed part stands `part`."""
    good = cbor.decode(partner.GOOD)
    yield "statement", cbor.encode(["sharekit", 1, b"\xd2" + part, good[3]])
    yield "header", cbor.encode(["sharekit", 1, b"\xd2" + cbor.encode([part, {}, bytes(32), bytes(64)]), good[3]])
    yield "sealed", cbor.encode(["sharekit", 1, good[2], part])
    m, d, _ = cbor.decode(good[3])
    for name, inner in (("M", [part, d, []]), ("D", [m, part, []])):
        yield name, cbor.encode(["sharekit", 1, good[2], cbor.encode(inner)])
    start = len(m) - sum(map(len, cose.parse_encrypt(m).recipients)) - 1  # before the head of the list of blocks
    yield "blocks", cbor.encode(["sharekit", 1, good[2], cbor.encode([m[:start] + part, d, []])])


def unsigned() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every hostile file of a stranger."""
    for size, told in ((MOST, "8 MiB"), (PACKET - 1, "2.5 MiB"), (19_000, "19 kB")):
        for name, body in _bodies(size):
            yield f"{told}: {name}", body
    for size, told in ((PACKET - 8000, "2.4 MiB"), (19_000, "19 kB")):
        for name, body in _bodies(size):
            for place, packet in _parts(body):
                yield f"{place}, {told}: {name}", packet
    yield "the longest list of recipients", _addressed([f"{n:x}".rjust(32, "A") for n in range(MANY)])
    yield "a recipient a thousand times", _addressed(["A"] * 1000)
    block = cbor.decode(partner.GOOD)[3][-1200:]
    yield "blocks without end", cbor.encode(["sharekit", 1, cbor.decode(partner.GOOD)[2], block * 2000])


def _addressed(recipients: list[str]) -> bytes:
    header = cose.parse_sign1(cbor.decode(partner.GOOD)[2], required=(), optional=range(-80000, 300)).header
    claims = {**header[cose.CWT_CLAIMS], wire.AUD: recipients}
    return partner.with_header(cbor.encode({**header, cose.CWT_CLAIMS: claims}))


# --- by a partner ---

PROFILES = ("cp-is-flag", "safeguarding-referral", "strategy-s47", "request-for-information", "attendance-alert")

WRONG: dict[str, Callable[[], Any]] = {
    "objects": lambda: [{}] * MANY,
    "lists": lambda: [[]] * MANY,
    "nulls": lambda: [None] * MANY,
    "numbers": lambda: list(range(MANY)),
    "texts": lambda: ["a"] * MANY,
    "long texts": lambda: ["a" * 40] * MANY,
    "different texts": lambda: [f"{n:x}" for n in range(MANY)],
    "a long text": lambda: "a" * 1_000_000,
    "a long word of invisible letters": lambda: "\u200b" * 300_000,
    "names": lambda: {f"x{n}": n for n in range(MANY // 2)},
    "names in objects": lambda: [{f"x{n}": 0 for n in range(95)} for _ in range(100)],
    "depth": lambda: [[[[[[[["a"] * 200] * 5] * 5] * 3]]]],
    "objects with a name": lambda: [{"code": "x"}] * (MANY // 3),
    "objects with a text": lambda: [{"text": "a" * 100}] * (MANY // 3),
}


Made = tuple[str, Callable[[], bytes]]  # sealing costs more than reading, and not all are read each time


def signed(reader: sharekit.Card = partner.READER) -> Iterator[Made]:
    """Name and bytes of every hostile packet of a partner, sealed for `reader`."""
    for name in PROFILES:
        fields, terms = partner.good() if name == "cp-is-flag" else partner.filled(name)
        for kind, make in WRONG.items():
            wrong = make()
            for part in (*terms, "x") if name == "cp-is-flag" else ():
                yield f"terms.{part}: {kind}", partial(partner.share, {**terms, part: wrong}, fields, reader)
            for part in (*fields, "x"):
                yield f"{name} data.{part}: {kind}", partial(partner.share, terms, {**fields, part: wrong}, reader)
            yield f"{name} terms: {kind}", partial(partner.share, wrong, fields, reader)
            yield f"{name} data: {kind}", partial(partner.share, terms, wrong, reader)
    yield from _grown(reader)
    yield from _contents(reader)


def _grown(reader: sharekit.Card) -> Iterator[Made]:
    """Shares of which a list is as long as a part allows, and every item of it is right."""
    for name in PROFILES:
        fields, terms = partner.good() if name == "cp-is-flag" else partner.filled(name)
        for where, whole in (("data", fields), ("terms", terms)):
            for part, value in whole.items():
                if isinstance(value, list) and value:
                    grown = {**whole, part: value * (MANY // (2 + 2 * _count(value)))}
                    both = (terms, grown) if where == "data" else (grown, fields)
                    yield f"{name} {where}.{part} grown", partial(partner.share, *both, reader)


def _count(value: Any) -> int:
    inner = list(value.values()) + list(value) if isinstance(value, dict) else value if isinstance(value, list) else []
    return 1 + sum(map(_count, inner))


def _contents(reader: sharekit.Card) -> Iterator[Made]:
    """Manifests and datasets that are no such thing."""
    fields, terms = partner.good()
    dataset = partner.padded(cbor.encode(partner.dataset_content(fields)))
    manifest = partner.padded(cbor.encode(partner.manifest_content(terms, dataset)))
    for name, body in _bodies(MIB - 2000):
        yield f"manifest: {name}", partial(partner.sealed, partner.padded(body), dataset, reader)
        content = cbor.encode(partner.manifest_content(terms, partner.padded(body)))
        yield f"dataset: {name}", partial(partner.sealed, partner.padded(content), partner.padded(body), reader)
    yield "zeros for a manifest", partial(partner.sealed, bytes(MIB), dataset, reader)
    yield "a manifest twice", partial(partner.sealed, manifest * 100, dataset, reader)
    for name, note in {"text": "a\n" * 400_000, "lines": "\u2014 a YWFhYWFhYWE=\n" * 20_000}.items():
        noted = {**partner.manifest_content(terms, dataset), 4: note}
        yield f"a note of {name}", partial(partner.sealed, partner.padded(cbor.encode(noted)), dataset, reader, note)


def receipts(reader: sharekit.Card) -> Iterator[Made]:
    """Receipts whose body is what no receipt has."""
    dataset = partner.padded(cbor.encode(partner.dataset_content({})))
    for kind, make in WRONG.items():
        for part in ("event", "entry", "proof", "cosigned"):
            body = {"event": "opened", "outcome": "allow", "at": 0, "digest": bytes(32), "entry": b"", "proof": b""}
            content = {**partner.manifest_content({**body, part: make()}, dataset), 2: "receipt", 3: bytes(16)}
            yield (
                f"receipt.{part}: {kind}",
                partial(partner.sealed, partner.padded(cbor.encode(content)), dataset, reader),
            )


def every(nth: int, files: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each `nth` of the files, which may have to be made yet."""
    for name, data in itertools.islice(files, 0, None, nth):
        yield name, data() if callable(data) else data
