"""CBOR as a tree that may be wrong: read leniently, changed anywhere, and written as it stands.

A map is a list of pairs, so that a key may stand twice; bytes that are CBOR themselves are read on inside.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import cbor2


class Pairs(NamedTuple):
    """A map, in the order in which it is written."""

    items: list[list[Any]]


class Inside(NamedTuple):
    """A byte string that holds CBOR, behind some bytes of its own."""

    before: bytes
    value: list[Any]


class Raw(NamedTuple):
    """Bytes that are written as they are, whatever they are."""

    data: bytes


STARTS = (b"", b"\xd2", b"\xd8\x60")  # bare, COSE_Sign1, COSE_Encrypt


def read(data: bytes) -> Any:
    """The tree of `data`; ValueError if it is not one item without tags, of definite length."""
    for start in STARTS:
        if data.startswith(start):
            with contextlib.suppress(ValueError, IndexError, RecursionError, struct.error):
                value, end = _item(data, len(start))
                if end == len(data):
                    return Inside(start, [value]) if start else value
    raise ValueError("no CBOR")


def _item(data: bytes, at: int) -> tuple[Any, int]:
    major, short = divmod(data[at], 32)
    if major == 7:
        return _simple(data, at, short)
    if short > 27 or major == 6:
        raise ValueError("a tag, or a length that is not told")
    end = at + 1 + (1 << short - 24 if short > 23 else 0)
    argument = int.from_bytes(data[at + 1 : end], "big") if short > 23 else short
    if major < 2:
        return (argument, -1 - argument)[major], end
    if argument > len(data) - end:
        raise ValueError("cut short")
    if major < 4:
        body = data[end : end + argument]
        return (_inside(body) if major == 2 else body.decode()), end + argument
    return _many(data, end, argument, major == 5)


def _simple(data: bytes, at: int, short: int) -> tuple[Any, int]:
    known = {20: False, 21: True, 22: None}
    if short in known:
        return known[short], at + 1
    if short == 27:
        return struct.unpack(">d", data[at + 1 : at + 9])[0], at + 9
    raise ValueError("a simple value")


def _many(data: bytes, at: int, count: int, is_map: bool) -> tuple[Any, int]:
    found: list[Any] = []
    for _ in range(count * (1 + is_map)):
        value, at = _item(data, at)
        found.append(value)
    return (Pairs([found[n : n + 2] for n in range(0, len(found), 2)]) if is_map else found), at


def _inside(body: bytes) -> Any:
    """Bytes that are CBOR themselves as their tree; others as they are."""
    if len(body) < 3:
        return body
    try:
        found = read(body)
    except ValueError:
        return body
    found = found if isinstance(found, Inside) else Inside(b"", [found])
    return found if write(found, bare=True) == body else body


def write(value: Any, *, bare: bool = False) -> bytes:
    """The bytes of a tree; `bare` leaves away the head of a byte string that holds CBOR."""
    if isinstance(value, Inside):
        body = value.before + write(value.value[0])
        return body if bare else head(2, len(body)) + body
    if isinstance(value, Raw):
        return value.data
    if isinstance(value, Pairs):
        return head(5, len(value.items)) + b"".join(write(part) for pair in value.items for part in pair)
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(write, value))
    return _written(value)


def _written(value: Any) -> bytes:
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        body = value.encode("utf-8", "surrogatepass")
        return head(3, len(body)) + body
    if isinstance(value, int) and not isinstance(value, bool) and -(2**64) <= value < 2**64:
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    return cbor2.dumps(value)


def head(major: int, argument: int, size: int | None = None) -> bytes:
    """The head of an item; with `size` its argument takes so many bytes, however few would do."""
    if size is None:
        if argument < 24:
            return bytes([major << 5 | argument])
        size = next(each for each in (1, 2, 4, 8) if argument < 256**each)
    return bytes([major << 5 | 23 + size.bit_length()]) + argument.to_bytes(size, "big")


def places(tree: list[Any]) -> Iterator[tuple[list[Any], int]]:
    """Every place in a tree of one item, as the list in which it stands and its number there."""
    for number, value in enumerate(tree):
        yield tree, number
        if isinstance(value, Inside):
            yield from places(value.value)
        elif isinstance(value, Pairs):
            for pair in value.items:
                yield from places(pair)
        elif isinstance(value, list):
            yield from places(value)
