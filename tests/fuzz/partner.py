"""A pinned partner with patched software and all of its own keys: what it seals is signed, encrypted, and hostile."""

from __future__ import annotations

import functools
from datetime import timedelta
from hashlib import sha256
from typing import Any

from vectors.make import CONFIRM, NOW, SENDER, card, keys
from world.agencies import example

import sharekit
from sharekit import cbor, cose
from sharekit.packet import seal as sealing
from sharekit.packet import wire
from sharekit.packet.seal import Draft, Parts
from sharekit.values import replace

READER = card("ZZQ01", 2, classical=True)
READER_KEYS = keys(2)
TRUST = sharekit.Trust([card("E10999001", 1), READER])
AT = NOW + timedelta(minutes=1)


def use(purpose: str, **more: Any) -> sharekit.Use:
    return sharekit.Use(purpose=purpose, org_type="nhs-acute", confirm=dict(CONFIRM), **more)


@functools.cache
def good() -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields and the filled terms of the worked flag, as an honest partner would send them to the reader."""
    draft = sealing.prepare(*example("cp-is-flag"), sender=SENDER, recipients=[READER], now=NOW)
    return draft.fields, dict(draft.terms.json)


def filled(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields and terms of any worked example, sent to the reader whether or not it should have them."""
    data, terms = example(name)
    mine = ("sender", "recipients", "rulebook", "decision_ref", "profile_version", "left_out")
    return data, {**terms, **{part: good()[1][part] for part in mine}}


def padded(content: bytes) -> bytes:
    """Content with the padding of a size class, or what is too large for any with a padding of its own."""
    body = content + b"\x80"
    return body.ljust(next((size for size in wire.SIZE_CLASSES if len(body) <= size), len(body)), b"\x00")


def manifest_content(terms: Any, dataset: bytes) -> dict[int, Any]:
    return {1: bytes(32), 2: "share", 5: terms, 6: sha256(dataset).digest(), 7: []}


def dataset_content(fields: Any) -> dict[int, Any]:
    return {1: bytes(32), 2: fields, 3: {}}


def sealed(manifest: bytes, dataset: bytes, reader: sharekit.Card = READER, note: str | None = None) -> bytes:
    """A packet of padded parts as they are, correctly committed to, encrypted and signed; no two have one number."""
    draft = Draft(sharekit.ShareTerms({}), {}, (reader,), ())
    sender = replace(SENDER, note=note)
    header = cbor.encode(sealing._statement_header(draft, Parts.fresh(), manifest, sender=sender, now=NOW))
    aad, opening = wire.aad_of(header), [reader.opening_keys()[0]]
    m = cose.encrypt(manifest, aad=aad, recipients=opening, extra_info=aad)
    d = cose.encrypt(dataset, aad=aad, recipients=opening, extra_info=wire.dataset_info(aad, manifest))
    inner = cbor.encode([m, d, []])
    return cbor.encode(["sharekit", 1, cose.sign_protected(header, sha256(inner).digest(), SENDER.keys.signing), inner])


def share(terms: Any, fields: Any, reader: sharekit.Card = READER) -> bytes:
    """A packet of any terms and any fields; Malformed for what CBOR cannot say."""
    dataset = padded(cbor.encode(dataset_content(fields)))
    return sealed(padded(cbor.encode(manifest_content(terms, dataset))), dataset, reader)


def with_header(header: bytes) -> bytes:
    """A packet with a protected header of its own, signed."""
    inner = cbor.decode(GOOD)[3]
    return cbor.encode(["sharekit", 1, cose.sign_protected(header, sha256(inner).digest(), SENDER.keys.signing), inner])


def with_sealed(inner: bytes) -> bytes:
    """A packet around a sealed part of its own, signed."""
    header = cose.parse_sign1(cbor.decode(GOOD)[2], required=(), optional=range(-80000, 300)).protected
    return cbor.encode(["sharekit", 1, cose.sign_protected(header, sha256(inner).digest(), SENDER.keys.signing), inner])


GOOD = share(good()[1], good()[0])
