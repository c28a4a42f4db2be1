"""Partners who lie: pinned, with all of their own keys, and with software that seals whatever they like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from sharekit import Agency, Card, ShareTerms, cbor, cose
from sharekit.domain import profile
from sharekit.packet import seal as sealing
from sharekit.packet import wire
from sharekit.packet.seal import Draft, Parts, Sender
from sharekit.values import replace
from world.agencies import FLAG, World, example
from world.shares import changed

Change = Callable[[dict[Any, Any]], None]


def truthful(_: dict[Any, Any]) -> None:
    """No lie."""


def sealed(
    draft: Draft, sender: Sender, *, now: datetime, manifest: Change = truthful, header: Change = truthful
) -> bytes:
    """A packet of a draft as `seal_parts` makes it, with `manifest` and `header` changed before they are signed."""
    parts = Parts.fresh()
    dataset = wire.pad({1: parts.dataset_salt, 2: draft.fields, 3: {}})
    content = sealing._manifest_map(draft, parts, dataset, sender.note)
    manifest(content)
    padded = wire.pad(content)
    claims = sealing._statement_header(draft, parts, padded, sender=sender, now=now)
    header(claims)
    aad = wire.aad_of(cbor.encode(claims))
    keys = sealing.opening_keys(draft)
    m = cose.encrypt(padded, aad=aad, recipients=keys, extra_info=aad)
    d = cose.encrypt(dataset, aad=aad, recipients=keys, extra_info=wire.dataset_info(aad, padded))
    inside = cbor.encode([m, d, []])
    return cbor.encode(["sharekit", 1, cose.sign1(claims, sha256(inside).digest(), sender.keys.signing), inside])


def draft(
    name: str, changes: Mapping[str, Any], *, sender: Sender, recipients: list[Card], now: datetime, **given: Any
) -> Draft:
    """The honest draft of a worked example, changed afterwards at dotted paths that begin with `terms.` or `data.`.

    `given` are the sender's data and terms, where they are not those of the example.
    """
    data, terms = example(name)
    data, terms = given.get("data", data), given.get("terms", terms)
    told = sealing.examine(data, terms, now=now)
    facts = sealing._filled(told.terms, sender, recipients, told.left_out)
    fields = profile.load(facts.profile).complete(told.fields)
    both = changed({"terms": dict(facts.json), "data": fields}, changes)
    return Draft(ShareTerms(both["terms"]), both["data"], tuple(recipients), ())


def lying(
    world: World,
    changes: Mapping[str, Any],
    *,
    liar: Agency | None = None,
    to: Agency | None = None,
    ended: str | None = None,
    note: str | None = None,
    **hooks: Change,
) -> bytes:
    """The worked flag, changed at dotted paths after all checks, and sealed by a liar (Fernshire) for Quillbrook."""
    world.at(FLAG)
    sender, reader = liar or world.fernshire, to or world.quillbrook
    data, terms = example("cp-is-flag")
    if ended:
        data["plan_end"], terms["need"] = ended, terms.get("need", {}) | {"plan_end": "It has ended of late"}
    now = sender.now()
    made = draft(
        "cp-is-flag",
        changes,
        sender=sender.sender(),
        recipients=[Card.parse(reader.card())],
        now=now,
        data=data,
        terms=terms,
    )
    return sealed(made, replace(sender.sender(), note=note), now=now, **hooks)


def receipt(world: World, body: Mapping[str, Any], about: bytes, *, fields: Any = None, **hooks: Change) -> bytes:
    """A receipt that Quillbrook signs for Fernshire with whatever body, and with data if there are `fields`."""
    liar, to = world.quillbrook, Card.parse(world.fernshire.card())
    made = sealing.control(wire.RECEIPT, body, recipient=to, in_reply_to=about)
    return sealed(replace(made, fields=fields or {}), liar.sender(), now=liar.now(), **hooks)
