"""Evidence: any number of rows, read one by one, and nothing but rows."""

from __future__ import annotations

from typing import Any

import pytest

from sharekit import cbor
from sharekit.errors import Malformed
from sharekit.proofs.attestation import Attestation, evidence, parse_evidence

ORIGIN = "sharekit/E10999001/2026"
ROW = ["ZZQ01", None, b"entry", b"proof"]


def test_an_agency_may_have_more_receipts_than_one_item_may_have_items():
    many = [Attestation("ZZQ01", None, b"%d" % number, b"") for number in range(30_000)]
    assert parse_evidence(evidence(ORIGIN, many)) == (ORIGIN, many)


def test_there_may_be_none():
    assert parse_evidence(evidence(ORIGIN, [])) == (ORIGIN, [])


GOOD = cbor.encode([ORIGIN, [ROW, ROW]])
BAD: dict[str, bytes] = {
    "nothing": b"",
    "a text": cbor.encode(ORIGIN),
    "a map": cbor.encode({1: ORIGIN, 2: [ROW]}),
    "the origin alone": cbor.encode([ORIGIN]),
    "three parts": cbor.encode([ORIGIN, [ROW], []]),
    "an origin of bytes": cbor.encode([ORIGIN.encode(), [ROW]]),
    "rows that are a map": cbor.encode([ORIGIN, {1: ROW}]),
    "a row too many said": GOOD.replace(b"\x82\x84", b"\x83\x84", 1),
    "a row too few said": GOOD.replace(b"\x82\x84", b"\x81\x84", 1),
    "2^63 rows said": GOOD.replace(b"\x82\x84", b"\x9b" + b"\x7f" + b"\xff" * 7 + b"\x84", 1),
    "bytes behind": GOOD + b"\x00",
    "cut short": GOOD[:-1],
    "a longer head of the rows": GOOD.replace(b"\x82\x84", b"\x98\x02\x84", 1),
    "zeros": bytes(100_000),
    "more rows than are looked at": cbor.encode(ORIGIN).join(
        [b"\x82", b"\x9a\x00\x01\x86\xa1" + b"\x84\x61A\xf6\x40\x40" * 100_001]
    ),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_what_is_no_evidence_is_malformed(data):
    assert parse_evidence(GOOD)[0] == ORIGIN
    with pytest.raises(Malformed):
        parse_evidence(data)


ROWS: dict[str, Any] = {
    "three parts": ROW[:3],
    "five parts": [*ROW, b""],
    "an organisation of bytes": [b"ZZQ01", *ROW[1:]],
    "an entry of text": ["ZZQ01", None, "entry", b"proof"],
    "a note that is none": ["ZZQ01", "note", b"entry", b"proof"],
    "no list": 0,
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_has_its_four_parts(row):
    with pytest.raises(Malformed):
        parse_evidence(cbor.encode([ORIGIN, [ROW, row]]))
