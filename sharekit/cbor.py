"""Deterministic CBOR (RFC 8949 section 4.2.1), and a decoder that accepts nothing else.

cbor2 does the work. Its `canonical` order is length first, not bytewise, and its decoder takes non-minimal
integers and trailing bytes: so maps are ordered here, and whatever was decoded is encoded again and compared.

The values of sharekit are those of JSON, byte strings and integers of 64 bits. Tags are no values: the two
that stand before COSE messages are written and read by `cose`.
"""

from __future__ import annotations

import math
from typing import Any

import cbor2

from sharekit.errors import Malformed

__all__ = ["decode", "encode", "sequence"]

MAX_DEPTH = 32
_SCALARS = frozenset({str, bytes, bool, type(None)})
_SMALLEST, _LARGEST = -(2**64), 2**64 - 1


def encode(value: Any) -> bytes:
    """The one deterministic encoding of `value`; Malformed if it is not a value sharekit uses."""
    if _in_order(value, MAX_DEPTH):  # what was decoded, or built in order, costs no sorting
        return _dumps(value)
    return _dumps(_ordered(value, MAX_DEPTH), encoders=_FLOATS)


def decode(data: bytes) -> Any:
    """The value of exactly one deterministically encoded item; Malformed otherwise."""
    value = _loads(data)
    if encode(value) != data:
        raise Malformed("the bytes are not deterministic CBOR")
    return value


def sequence(data: bytes) -> list[Any]:
    """The items of a CBOR sequence (RFC 8742), each deterministically encoded; Malformed otherwise."""
    items, position = [], 0
    while position < len(data):
        item = _loads(data[position:])
        encoded = encode(item)
        if not data.startswith(encoded, position):
            raise Malformed("the bytes are not a sequence of deterministic CBOR")
        items.append(item)
        position += len(encoded)
    return items


def _loads(data: bytes) -> Any:
    try:
        return cbor2.loads(data, allow_indefinite=False, allow_duplicate_keys=False, max_depth=MAX_DEPTH)
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, RecursionError, MemoryError):
        raise Malformed("the bytes are not CBOR") from None


def _dumps(value: Any, **options: Any) -> bytes:
    try:
        return cbor2.dumps(value, **options)
    except ValueError:  # a lone surrogate, which JSON can spell and UTF-8 cannot
        raise Malformed("a text is not valid Unicode") from None


def _in_order(value: Any, depth: int) -> bool:
    """Whether plain `dumps` is already deterministic: maps with sorted text keys, no floats, no large integers."""
    kind = type(value)
    if kind is dict and depth:
        size, previous = 0, ""
        for key, item in value.items():
            if type(key) is not str or not key.isascii() or (len(key), key) <= (size, previous):
                return False
            size, previous = len(key), key
            if type(item) is not str and not _in_order(item, depth - 1):
                return False
        return True
    if kind is list and depth:
        return all(type(item) is str or _in_order(item, depth - 1) for item in value)
    return kind in _SCALARS or (kind is int and _SMALLEST <= value <= _LARGEST)


def _ordered(value: Any, depth: int) -> Any:
    """`value` with every map in bytewise order of its encoded keys, once all of it has been found allowed."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if depth == 0:
        raise Malformed("the value is nested too deeply")
    if kind is dict:
        return {key: _ordered(value[key], depth - 1) for key in sorted(value, key=_key_order)}
    if kind is list or kind is tuple:
        return [_ordered(item, depth - 1) for item in value]
    return _number(value, kind)


def _number(value: Any, kind: type) -> Any:
    if kind is int and _SMALLEST <= value <= _LARGEST:
        return value
    if kind is float and math.isfinite(value):
        return value
    raise Malformed(f"a value of type {kind.__name__} has no place in a packet")


def _key_order(key: Any) -> tuple[int, int, bytes]:
    """Bytewise order of encoded keys: unsigned integers, then negative ones, then text, shorter text first."""
    if type(key) is str:
        raw = key.encode("utf-8", "surrogatepass")
        return 2, len(raw), raw
    if type(key) is int:
        return (0, key, b"") if key >= 0 else (1, -key, b"")
    raise Malformed(f"a map key of type {type(key).__name__} has no place in a packet")


def _shortest_float(encoder: cbor2.CBOREncoder, value: float) -> None:
    encoder.write(cbor2.dumps(value, canonical=True))


_FLOATS = {float: _shortest_float}
