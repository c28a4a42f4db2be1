"""Deterministic CBOR: one encoding of each value, and a decoder that takes nothing else."""

from __future__ import annotations

import itertools
import math
import struct
import subprocess
import sys
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sharekit import cbor
from sharekit.errors import Malformed


def head(major: int, argument: int) -> bytes:
    """The shortest head of a data item (RFC 8949 section 3)."""
    if argument < 24:
        return bytes([major << 5 | argument])
    size = next(size for size in range(4) if argument < 1 << (8 << size))
    return bytes([major << 5 | 24 + size]) + argument.to_bytes(1 << size, "big")


def reference(value: Any) -> bytes:
    """RFC 8949 section 4.2.1 in its own words, slowly: what `encode` is compared with."""
    if value is None or isinstance(value, bool):
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, float):
        return next(data for data in map(fixed, "efd", [value] * 3) if data and unfixed(data) == value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(reference, value))
    pairs = sorted((reference(key), reference(item)) for key, item in value.items())
    return head(5, len(pairs)) + b"".join(key + item for key, item in pairs)


def fixed(kind: str, value: float) -> bytes | None:
    """A float of 2, 4 or 8 bytes, or nothing where it is too large for them."""
    try:
        return bytes([0xF9 + "efd".index(kind)]) + struct.pack(f">{kind}", value)
    except OverflowError:
        return None


def unfixed(data: bytes) -> float:
    return struct.unpack({3: ">e", 5: ">f", 9: ">d"}[len(data)], data[1:])[0]


INTEGERS = st.integers(-(2**64), 2**64 - 1)
TEXTS = st.text(max_size=30)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    INTEGERS,
    st.floats(allow_nan=False, allow_infinity=False),
    st.binary(max_size=30),
    TEXTS,
)
KEYS = st.one_of(INTEGERS, st.integers(-30, 30), TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=6), st.dictionaries(KEYS, inner, max_size=6)),
    max_leaves=25,
)


def shuffled(value: Any, random: Any) -> Any:
    """The same value with the keys of every map in another order."""
    if isinstance(value, list):
        return [shuffled(item, random) for item in value]
    if not isinstance(value, dict):
        return value
    keys = list(value)
    random.shuffle(keys)
    return {key: shuffled(value[key], random) for key in keys}


@given(VALUES)
def test_encode_agrees_with_a_reference_written_from_the_standard(value):
    assert cbor.encode(value) == reference(value)


@given(VALUES)
def test_what_is_encoded_decodes_to_the_same_value(value):
    decoded = cbor.decode(cbor.encode(value))
    assert decoded == value
    assert reference(decoded) == reference(value)  # 1, 1.0 and True are equal in Python, and not here


@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_in_which_keys_were_inserted_makes_no_difference(value, random):
    assert cbor.encode(shuffled(value, random)) == cbor.encode(value)


@given(st.dictionaries(st.text(max_size=4), st.integers(), max_size=8).filter(lambda value: len(value) > 1))
def test_keys_of_one_length_are_in_the_order_that_cbor2_calls_canonical(value):
    """Its length-first order and RFC 8949's bytewise order agree where all keys are short texts."""
    small = {key: number % 2**64 for key, number in value.items()}
    assert cbor.encode(small) == cbor2.dumps(small, canonical=True)


def test_keys_are_in_bytewise_order_where_length_first_order_is_another():
    value = {"a": 0, -1: 0, 100: 0, 10: 0}
    assert cbor.encode(value).hex() == "a40a001864002000616100"
    assert cbor2.dumps(value, canonical=True) != cbor.encode(value)


@given(st.lists(VALUES, max_size=5))
def test_a_sequence_is_its_items_one_after_another(items):
    assert cbor.sequence(b"".join(map(cbor.encode, items))) == items


@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_malformed_or_the_one_encoding_of_their_value(data):
    try:
        value = cbor.decode(data)
    except Malformed:
        return
    assert reference(value) == data


@given(st.binary(max_size=80))
def test_an_arbitrary_sequence_is_malformed_or_the_one_encoding_of_its_items(data):
    try:
        items = cbor.sequence(data)
    except Malformed:
        return
    assert b"".join(map(reference, items)) == data


@given(VALUES, st.data())
def test_no_part_of_an_encoding_is_an_encoding(value, data):
    encoded = cbor.encode(value)
    length = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(Malformed):
        cbor.decode(encoded[:length])


@settings(max_examples=50)
@given(VALUES, VALUES)
def test_nothing_may_follow_an_item(value, more):
    with pytest.raises(Malformed):
        cbor.decode(cbor.encode(value) + cbor.encode(more))


NOT_MINIMAL = {
    "0 in two bytes": "1800",
    "23 in two bytes": "1817",
    "255 in three bytes": "1900ff",
    "65535 in five bytes": "1a0000ffff",
    "2^32 - 1 in nine bytes": "1b00000000ffffffff",
    "-1 in two bytes": "3800",
    "a length of bytes in two bytes": "580141",
    "a length of text in three bytes": "79000161",
    "a length of an array in two bytes": "980100",
    "a length of a map in nine bytes": "bb00000000000000010000",
    "a length inside an array": "81580141",
}
FLOATS = {
    "1.5 in four bytes": "fa3fc00000",
    "1.5 in eight bytes": "fb3ff8000000000000",
    "100000.0 in eight bytes": "fb40f86a0000000000",
    "0.0 in four bytes": "fa00000000",
    "-0.0 in eight bytes": "fb8000000000000000",
    "a subnormal half in four bytes": "fa33800000",
    "NaN": "f97e00",
    "NaN in eight bytes": "fb7ff8000000000000",
    "NaN with a payload": "f97e01",
    "infinity": "f97c00",
    "minus infinity": "f9fc00",
    "NaN inside a map": "a100f97e00",
}
INDEFINITE = {
    "bytes in chunks": "5f4101ff",
    "text in chunks": "7f6161ff",
    "an array": "9f00ff",
    "a map": "bf0000ff",
    "an empty array": "9fff",
    "an array in an array": "819f00ff",
    "a break alone": "ff",
    "a break inside an array": "81ff",
    "a break between items": "00ff00",
}
KEYS_REFUSED = {
    "twice the same integer": "a201000100",
    "twice the same text": "a2616100616101",
    "twice the same key in two lengths": "a20100180100",
    "an integer and true": "a2010001f500",
    "a float": "a1f93c0000",
    "a byte string": "a1410000",
    "true": "a1f500",
    "null": "a1f600",
    "undefined": "a1f700",
    "an array": "a1800000",
    "a map": "a1a00000",
    "a bignum": "a1c24901000000000000000000",
    "in another order": "a202000100",
    "text before an integer": "a26161000100",
    "in length-first order": "a22000186400",
}
TAGS = {
    "a date as text": "c074323031332d30332d32315432303a30343a30305a",
    "a date as a number": "c11a514b67b0",
    "a bignum": "c249010000000000000000",
    "a bignum that fits an integer": "c24101",
    "a negative bignum": "c349010000000000000000",
    "a decimal fraction": "c48221196ab3",
    "a decimal fraction with an exponent beyond reason": "c4821b7fffffffffffffff01",
    "a bigfloat": "c5822003",
    "a string reference": "d90100824161d81900",
    "a shared value": "d81c80",
    "a value that contains itself": "d81c81d81d00",
    "a rational over zero": "d81e820100",
    "a regular expression": "d8236128",
    "MIME": "d824616a",
    "a UUID": "d8254178",
    "a set": "d9010280",
    "an IP address": "d90104447f000001",
    "self-described CBOR": "d9d9f700",
    "the tag of COSE_Sign1": "d28440a04040",
    "a tag nobody registered": "da7fffffff00",
    "a tag inside a map": "a100c100",
}
OTHER = {
    "nothing": "",
    "undefined": "f7",
    "a simple value": "f0",
    "a simple value in two bytes": "f8ff",
    "a reserved simple value": "f818",
    "a boolean in two bytes": "f814",
    "two items": "0000",
    "an array cut short": "8200",
    "a map without its last value": "a100",
    "bytes cut short": "4301",
    "text that is not UTF-8": "62c080",
    "text with a lone surrogate": "63eda080",
    "a reserved length": "1c",
    "33 arrays in each other": "81" * 33 + "00",
    "33 maps in each other": "a100" * 33 + "00",
    "a hundred thousand arrays in each other": "81" * 100_000 + "00",
    "a hundred thousand tags in each other": "c6" * 100_000 + "00",
}
REFUSED = {
    f"{family}: {name}": bytes.fromhex(item)
    for family, table in {
        "not minimal": NOT_MINIMAL,
        "float": FLOATS,
        "indefinite": INDEFINITE,
        "key": KEYS_REFUSED,
        "tag": TAGS,
        "other": OTHER,
    }.items()
    for name, item in table.items()
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_decode_refuses(data):
    with pytest.raises(Malformed):
        cbor.decode(data)


IN_SEQUENCES = {name: data for name, data in REFUSED.items() if name not in ("other: nothing", "other: two items")}


@pytest.mark.parametrize("data", IN_SEQUENCES.values(), ids=IN_SEQUENCES)
def test_a_sequence_with_such_an_item_is_refused(data):
    with pytest.raises(Malformed):
        cbor.sequence(b"\x00" + data)


def test_an_empty_sequence_has_no_items():
    assert cbor.sequence(b"") == []


UNENCODABLE = {
    "NaN": math.nan,
    "infinity": math.inf,
    "NaN inside": {"a": [math.nan]},
    "an integer of 65 bits": 2**64,
    "a negative integer of 65 bits": -(2**64) - 1,
    "a key of 65 bits": {2**64: 0},
    "a negative key of 65 bits": {-(2**64) - 1: 0},
    "a key that is true": {True: 0},
    "a key that is a float": {1.0: 0},
    "a key that is bytes": {b"a": 0},
    "a key that is null": {None: 0},
    "a key that is a tuple": {(1,): 0},
    "a set": {1},
    "a tag": cbor2.CBORTag(18, []),
    "undefined": cbor2.undefined,
    "a byte array": bytearray(b"a"),
    "an object": object(),
    "a lone surrogate": "\ud800",
    "a lone surrogate inside": {"b": 1, "a": ["\ud800"]},
    "a lone surrogate as a key": {"\ud800": 1, "a": 2},
    "33 lists in each other": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]],
}


@pytest.mark.parametrize("value", UNENCODABLE.values(), ids=UNENCODABLE)
def test_encode_refuses(value):
    with pytest.raises(Malformed):
        cbor.encode(value)


@pytest.mark.parametrize("value", UNENCODABLE.values(), ids=UNENCODABLE)
def test_a_refusal_quotes_no_value(value):
    with pytest.raises(Malformed) as refused:
        cbor.encode({"child": "XXTEST-Nobody", "value": value})
    assert "XXTEST" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("key", [True, 1.0], ids=["true", "a float"])
def test_a_key_that_only_equals_one_seen_before_is_refused(key):
    assert cbor.encode({"b": 0, 1: 0, "a": 0}).hex() == "a30100616100616200"
    with pytest.raises(Malformed):
        cbor.encode({"b": 0, key: 0, "a": 0})


def test_of_the_keys_that_strangers_wrote_little_is_kept():
    kept = cbor._sorted_texts.cache_info().currsize
    for number in range(3):
        with pytest.raises(Malformed):
            cbor.decode(cbor2.dumps({"b" * 2000: number, "a": 0}))
    assert cbor._sorted_texts.cache_info().currsize == kept
    assert cbor._sorted_texts.cache_info().maxsize <= 512


def test_a_list_that_contains_itself_is_refused():
    value: list[Any] = []
    value.append(value)
    with pytest.raises(Malformed):
        cbor.encode(value)


INNERMOST = {
    "an integer": 0,
    "a float": 1.5,
    "a text": "a",
    "keys in order": {"a": 1, "b": 1},
    "keys out of order": {"b": 1, "a": 1},
    "integer keys": {1: 1},
}


@pytest.mark.parametrize("value", INNERMOST.values(), ids=INNERMOST)
def test_what_may_be_nested_does_not_hang_on_what_is_innermost(value):
    for _ in range(15 if type(value) is dict else 16):
        value = [value]
    assert cbor.decode(cbor.encode(value)) == value
    with pytest.raises(Malformed):
        cbor.encode([value])


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_tuple_is_encoded_as_an_array(kind):
    assert cbor.encode(kind([1, kind([2])])) == bytes.fromhex("82018102")


# what a few bytes may not cost


def laughs(levels: int) -> bytes:
    """An array in which each item is the one before it, twice: 2^levels items once it is written out."""
    references = (b"\xd8\x1d" + head(0, level) for level in range(levels))
    return head(4, levels + 1) + b"\xd8\x1c\x80" + b"".join(b"\xd8\x1c\x82" + one + one for one in references)


def repeats(length: int, times: int) -> bytes:
    """A string and references to it: length * times bytes once it is written out."""
    return b"\xd9\x01\x00" + head(4, times + 1) + head(2, length) + bytes(length) + b"\xd8\x19\x00" * times


def test_references_are_refused_unread():
    """Written out, the first has 2^60 items and the second a terabyte: this ends because neither ever is."""
    for data in (laughs(60), repeats(1_000_000, 1_000_000)):
        with pytest.raises(Malformed):
            cbor.decode(data)
        with pytest.raises(Malformed):
            cbor.sequence(data)


def colliding_keys(length: int) -> bytes:
    """A map whose keys are arrays of -1 and -2, which Python hashes alike: each is compared with every other."""
    keys = [head(4, length) + bytes(key) for key in itertools.product(b"\x20\x21", repeat=length)]
    return head(5, len(keys)) + b"".join(key + b"\x00" for key in keys)


BEFORE = {
    "nothing": "",
    "an array around it": "81",
    "a byte string before it": "8240",
    "a map around it": "a100",
    "a map, a float and an integer before it": "84a100f93c001a00010000",
    "empty containers before it": "8380a0",
}


@pytest.mark.parametrize("read", [cbor.decode, cbor.sequence])
@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_a_large_map_with_odd_keys_never_reaches_the_decoder(monkeypatch, read, before):
    monkeypatch.setattr(cbor2, "loads", lambda *_, **__: pytest.fail("the decoder saw it"))
    with pytest.raises(Malformed):
        read(bytes.fromhex(before) + colliding_keys(13))


@pytest.mark.parametrize("read", [cbor.decode, cbor.sequence])
def test_a_large_item_nested_too_deeply_never_reaches_the_decoder(monkeypatch, read):
    monkeypatch.setattr(cbor2, "loads", lambda *_, **__: pytest.fail("the decoder saw it"))
    with pytest.raises(Malformed):
        read(b"\x81" * 100_000)


LARGE = {
    "bytes": bytes(100_000),
    "text": "a" * 100_000,
    "an array": [0, -1, 1.5, None, "a", b"a"] * 3_333,
    "a map": {f"{number:06}": {number: [number, {}], -number - 1: []} for number in range(2_000)},
    "integers": list(range(-9_999, 10_000)),
    "empty containers": [[], {}] * 9_999,
}


@pytest.mark.parametrize("value", LARGE.values(), ids=LARGE)
def test_what_is_large_and_right_is_decoded(value):
    data = cbor.encode(value)
    assert cbor.decode(data) == value
    assert cbor.sequence(data) == [value]


@pytest.mark.parametrize("value", [0, [], {}, "", b"", -1], ids=repr)
def test_an_item_of_more_than_20_000_items_never_reaches_the_decoder(monkeypatch, value):
    most = cbor2.dumps([value] * 19_999)
    assert cbor.decode(most) == [value] * 19_999
    monkeypatch.setattr(cbor2, "loads", lambda *_, **__: pytest.fail("the decoder saw it"))
    with pytest.raises(Malformed):
        cbor.decode(cbor2.dumps([value] * 20_000))


BOMBS = {
    f"{name} of 2^{power}": (head(major, 2**power) + b"\x00" * 8).hex()
    for name, major in {"bytes": 2, "text": 3, "an array": 4, "a map": 5}.items()
    for power in (27, 31, 32, 40, 62, 63)
} | {"arrays of 2^26 in each other": (head(4, 2**26) * 31).hex(), "a bignum of 2^40 bytes": "c25b0000010000000000"}

MEASURE = """
import resource, sys
from sharekit import cbor
from sharekit.errors import Malformed

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before = peak()
for line in sys.stdin:
    for read in (cbor.decode, cbor.sequence):
        try:
            read(bytes.fromhex(line))
        except Malformed:
            continue
        sys.exit("accepted: " + line)
print(peak() - before)
"""


def test_a_length_that_is_only_declared_takes_no_memory():
    """All bombs in one process of its own: together they may not take 16 MiB (ru_maxrss counts KiB)."""
    lines = "\n".join(BOMBS.values())
    done = subprocess.run([sys.executable, "-c", MEASURE], input=lines, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 16 * 1024


@pytest.mark.parametrize("item", [b"\x00", b"\x80", b"\x81\x00", b"\x60"])
def test_a_sequence_has_no_more_items_than_one_item_may_have(item):
    inner = 1 + (item[0] == 0x81)
    most = cbor.MAX_ITEMS // inner
    assert len(cbor.sequence(item * most)) == most
    with pytest.raises(Malformed):
        cbor.sequence(item * (most + 1) + bytes(20_000))
