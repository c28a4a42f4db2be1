"""Deterministic CBOR (RFC 8949 section 4.2.1), and a decoder that accepts nothing else.

cbor2 does the work. Its `canonical` order is length first, not bytewise, and its decoder takes non-minimal
integers and trailing bytes: so maps are ordered here, and whatever was decoded is encoded again and compared.

The values of sharekit are those of JSON, byte strings and integers of 64 bits; keys are integers and texts.
Tags are no values: the two that stand before COSE messages are written and read by `cose`, and all are refused
unread here, because a few bytes of references can stand for more than any memory holds.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

import cbor2

from sharekit.errors import Malformed

__all__ = ["decode", "encode", "end_of", "head", "sequence"]

MAX_DEPTH = 16
MAX_ITEMS = 20_000  # in one decoded item: far more than any share has, and few enough to build and compare
LONGEST_KEYS = 1024  # characters of all keys of a map whose order is kept
_SCALARS = frozenset({str, bytes, bool, type(None)})
_SMALLEST, _LARGEST = -(2**64), 2**64 - 1
_UNSIGNED, _NEGATIVE, BYTES, _TEXT, ARRAY, _MAP, _TAG = range(7)  # major types
_KEY_TYPES = (_UNSIGNED, _NEGATIVE, _TEXT)


def encode(value: Any) -> bytes:
    """The one deterministic encoding of `value`; Malformed if it is not a value that sharekit uses.

    >>> sharekit.cbor.encode({"b": 1, "a": [True, None]}).hex()
    'a2616182f5f6616201'
    """
    if _in_order(value, MAX_DEPTH):  # what was decoded, or built in order, costs no sorting
        return _dumps(value)
    floats: list[float] = []
    ordered = _ordered(value, MAX_DEPTH, floats)
    return _dumps(ordered, encoders=_FLOATS) if floats else _dumps(ordered)


def decode(data: bytes) -> Any:
    """The value of `data`, which is exactly one deterministically encoded item; Malformed otherwise.

    Malformed as well beyond 20,000 items, or 16 items one in the other, before any of them is built.

    >>> sharekit.cbor.decode(bytes.fromhex("a2616182f5f6616201"))
    {'a': [True, None], 'b': 1}
    """
    value = _loads(data)
    if encode(value) != data:
        raise Malformed("the bytes are not deterministic CBOR")
    return value


def sequence(data: bytes) -> list[Any]:
    """The items of a CBOR sequence (RFC 8742), all encoded deterministically; Malformed otherwise.

    The bounds of `decode` are those of the whole sequence.
    """
    items: list[Any] = _loads(data, before=b"\x9f", after=b"\xff")  # an array without a length: read in one go
    if b"".join(map(encode, items)) != data:
        raise Malformed("the bytes are not a sequence of deterministic CBOR")
    return items


def _loads(data: bytes, before: bytes = b"", after: bytes = b"") -> Any:
    if len(data) > MAX_ITEMS:  # fewer bytes cannot hold as many items
        _check_items(data, is_sequence=bool(before))
    try:
        return cbor2.loads(
            before + data + after,
            allow_indefinite=bool(before),
            allow_duplicate_keys=False,
            max_depth=MAX_DEPTH + len(before),
            semantic_decoders=_NO_TAGS,
        )
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, RecursionError, MemoryError):
        raise Malformed("the bytes are not CBOR") from None


def _dumps(value: Any, **options: Any) -> bytes:
    try:
        return cbor2.dumps(value, **options)
    except ValueError:  # a lone surrogate, which JSON can spell and UTF-8 cannot
        raise Malformed("a text is not valid Unicode") from None


def _in_order(value: Any, depth: int) -> bool:
    """Whether plain `dumps` is already deterministic: maps in order, no tuples, no floats, no large integers."""
    kind = type(value)
    if kind is dict and depth:
        items: Iterable[Any] = value.values()
        if not _texts_in_order(value):
            return False
    elif kind is list and depth:
        items = value
    else:
        return kind in _SCALARS or (kind is int and _SMALLEST <= value <= _LARGEST)
    for item in items:  # noqa: SIM110  # all() takes twice as long, and this is half of what encoding costs
        if type(item) not in _SCALARS and not _in_order(item, depth - 1):
            return False
    return True


def _texts_in_order(keys: Mapping[Any, Any]) -> bool:
    size, previous = 0, ""
    for key in keys:
        if type(key) is not str:
            return previous == "" and _integers_in_order(keys)
        length = len(key)
        if length < size or (length == size and key <= previous) or not key.isascii():
            return False
        size, previous = length, key
    return True


def _integers_in_order(keys: Mapping[Any, Any]) -> bool:
    previous = -1
    for key in keys:
        if type(key) is not int or not _SMALLEST <= key <= _LARGEST:
            return False
        place = key if key >= 0 else _LARGEST - key  # negative ones come after, the nearest to zero first
        if place <= previous:
            return False
        previous = place
    return True


def _ordered(value: Any, depth: int, floats: list[float]) -> Any:
    """`value` with every map in bytewise order of its encoded keys; Malformed if a part of it is not allowed."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is not dict and kind is not list and kind is not tuple:
        return _number(value, kind, floats)
    if depth == 0:
        raise Malformed("the value is nested too deeply")
    if kind is not dict:
        return [item if type(item) in _SCALARS else _ordered(item, depth - 1, floats) for item in value]
    found = {}
    for key in _sorted_keys(value):
        item = value[key]
        found[key] = item if type(item) in _SCALARS else _ordered(item, depth - 1, floats)
    return found


def _sorted_keys(value: dict[Any, Any]) -> Iterable[Any]:
    keys = tuple(value)
    if keys and type(keys[0]) is type(keys[-1]) is str:
        try:
            if len("".join(keys)) <= LONGEST_KEYS:  # what a stranger wrote may not fill the memory
                return _sorted_texts(keys)
        except TypeError:
            pass
    return sorted(keys, key=_key_order)


@functools.lru_cache(maxsize=512)
def _sorted_texts(keys: tuple[Any, ...]) -> tuple[str, ...]:
    """The order of the keys of one kind of map, found once; of texts alone, since 1 and True are one to a cache."""
    if any(type(key) is not str for key in keys):
        raise TypeError
    return tuple(sorted(keys, key=_key_order))


def _number(value: Any, kind: type, floats: list[float]) -> Any:
    if kind is int and _SMALLEST <= value <= _LARGEST:
        return value
    if kind is float and math.isfinite(value):
        floats.append(value)
        return value
    raise Malformed(f"a value of type {kind.__name__} has no place in a packet")


def _key_order(key: Any) -> tuple[int, int, bytes]:
    """Bytewise order of encoded keys: unsigned integers, then negative ones, then text, shorter text first."""
    if type(key) is str:
        raw = key.encode("utf-8", "surrogatepass")
        return 2, len(raw), raw
    if type(key) is int and _SMALLEST <= key <= _LARGEST:
        return (0, key, b"") if key >= 0 else (1, -key, b"")
    raise Malformed(f"a map key of type {type(key).__name__} has no place in a packet")


def head(data: bytes, position: int) -> tuple[int, int, int]:
    """Major type and argument of the item at `position`, and where its head ends (RFC 8949 section 3).

    Malformed where there is no head, or the argument has a shorter one.
    """
    major, argument, end = _head_within(data, position)
    if end > len(data) or argument < _LEAST[end - position]:
        raise Malformed("the bytes are not deterministic CBOR")
    return major, argument, end


def _check_items(data: bytes, *, is_sequence: bool) -> None:
    """Return only if the bytes are items that may be built: one, or several in a sequence, and few enough all told."""
    position, room = _end_within(data, 0, MAX_ITEMS)
    while is_sequence and position < len(data):
        position, room = _end_within(data, position, room)
    if position != len(data):
        raise Malformed("the bytes are not one CBOR item, or end within it")


def end_of(data: bytes, position: int = 0) -> int:
    """Where the item that begins at `position` ends; nothing is built of it.

    Malformed for more than 20,000 items in it, or 16 one in the other, for a tag, and for a key of a map that is no
    integer or text. Arrays of -1 and -2 have one hash in Python: 10,000 of them as keys would be compared each with
    every other.
    """
    return _end_within(data, position, MAX_ITEMS)[0]


def _end_within(data: bytes, position: int, room: int) -> tuple[int, int]:
    """The same, with room for so many items, and how many more there is room for then."""
    inside: list[tuple[bool, int]] = []  # of each array or map that is open: is it a map, and how many items to come
    for left_over in range(room - 1, -1, -1):
        major, argument, position = _head_within(data, position)
        if inside:
            is_map, left = inside.pop()
            if is_map and left % 2 == 0 and major not in _KEY_TYPES:
                raise Malformed("a map key of that type has no place in a packet")
            inside.append((is_map, left - 1))
        if major in (BYTES, _TEXT):
            position += argument
        elif major in (ARRAY, _MAP):
            inside.append((major == _MAP, argument * (1 + (major == _MAP))))
        if major == _TAG or len(inside) > MAX_DEPTH:
            break
        while inside and inside[-1][1] == 0:
            inside.pop()
        if not inside:
            return position, left_over
    raise Malformed("the bytes are not CBOR that sharekit reads")


def _head_within(data: bytes, position: int) -> tuple[int, int, int]:
    try:
        return _head(data, position)
    except IndexError:
        raise Malformed("the bytes end within an item") from None


def _head(data: bytes, position: int) -> tuple[int, int, int]:
    """Major type and argument of the item at `position`, and where its head ends (RFC 8949 section 3)."""
    major, short = divmod(data[position], 32)
    if short < 24:
        return major, short, position + 1
    if short > 27:
        raise Malformed("the bytes are not CBOR")
    end = position + 1 + (1 << short - 24)
    return major, int.from_bytes(data[position + 1 : end], "big"), end


class _NoTags(Mapping[int, Any]):
    """For every tag a decoder that refuses it; cbor2 asks by number."""

    def __getitem__(self, tag: int) -> Any:
        return self._refuse

    def __iter__(self) -> Iterator[int]:
        return iter(())  # pragma: no cover

    def __len__(self) -> int:
        return 0  # pragma: no cover

    @staticmethod
    def _refuse(*_: Any) -> NoReturn:
        raise ValueError


def _shortest_float(encoder: cbor2.CBOREncoder, value: float) -> None:
    encoder.write(cbor2.dumps(value, canonical=True))


_LEAST = {1: 0, 2: 24, 3: 2**8, 5: 2**16, 9: 2**32}  # the least argument for which a head is that long
_FLOATS = {float: _shortest_float}
_NO_TAGS = _NoTags()
