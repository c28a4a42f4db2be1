"""Every recipient has a place: the blocks of both parts stand in the order of `aud`, whoever signed otherwise.

The sender here is a pinned partner with keys of its own and patched software.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from vectors.make import NOW, SENDER, card, keys
from world.agencies import CONFIRM, example

import sharekit
from sharekit import cose
from sharekit.errors import CannotDecrypt, Malformed, NotForYou
from sharekit.packet import open as opening
from sharekit.packet import seal as sealing
from sharekit.trust.cards import Card
from sharekit.values import replace

SEEDS = {"ZZQ01": 2, "ZZQ02": 4, "P97": 5}
CARDS = {org_id: card(org_id, seed) for org_id, seed in SEEDS.items()}
TRUST = sharekit.Trust([card("E10999001", 1), *CARDS.values()])
STRANGER = keys(6).opening
NAMES = list(SEEDS)


def public(org_id: str) -> Any:
    return CARDS[org_id].opening_keys()[0]


def stranger() -> Any:
    return card("URN-999001", 6).opening_keys()[0]


def sealed(manifest: list[Any], dataset: list[Any], to: list[str]) -> bytes:
    """A flag for `to`, whose two parts are encrypted to the keys given here, and signed all the same."""
    data, terms = example("cp-is-flag")
    draft = sealing.prepare(data, terms, sender=SENDER, recipients=[CARDS["ZZQ01"]], now=NOW)
    cards = tuple(CARDS[org_id] for org_id in to)
    named = [{"org_id": each.org_id, "org_type": each.org_type} for each in cards]
    draft = replace(draft, recipients=cards, terms=draft.terms.filled(recipients=named))
    given = iter([manifest, dataset])
    real = cose.encrypt
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cose, "encrypt", lambda text, **about: real(text, **{**about, "recipients": next(given)}))
        return sealing.seal_parts(draft, sealing.Parts.fresh(), sender=SENDER, now=NOW)


def verified(data: bytes) -> tuple[sharekit.Packet, sharekit.Statement]:
    packet = sharekit.parse(data)
    return packet, sharekit.verify(packet, TRUST, now=NOW)


@pytest.mark.parametrize("order", list(itertools.permutations(NAMES)), ids=" ".join)
def test_only_the_order_of_the_recipients_verifies(order):
    blocks = [public(name) for name in order]
    data = sealed(blocks, blocks, NAMES)
    if list(order) == NAMES:
        assert verified(data)[1].recipients == tuple(NAMES)
    else:
        with pytest.raises(Malformed):
            verified(data)


@pytest.mark.parametrize("at", range(len(NAMES)))
def test_no_place_holds_a_block_for_another_organisation_that_is_known(at):
    for other in (name for name in NAMES if name != NAMES[at]):
        to = [name for name in NAMES if name != other]
        blocks = [public(other if name == NAMES[at] else name) for name in to]
        with pytest.raises(Malformed):
            verified(sealed(blocks, blocks, to))


PAIRS = {
    "another organisation's": ["ZZQ01", "P97"],
    "in another order": ["ZZQ02", "ZZQ01"],
    "one twice": ["ZZQ01", "ZZQ01"],
    "one too few": ["ZZQ01"],
    "one too many": ["ZZQ01", "ZZQ02", "P97"],
}


@pytest.mark.parametrize("others", PAIRS.values(), ids=PAIRS)
def test_the_two_parts_are_for_the_same_keys(others):
    right, wrong = [[public(name) for name in names] for names in (["ZZQ01", "ZZQ02"], others)]
    for parts in ((right, wrong), (wrong, right)):
        with pytest.raises(Malformed):
            sharekit.parse(sealed(*parts, ["ZZQ01", "ZZQ02"]))


def test_a_recipient_with_keys_that_nobody_here_knows_yet_stops_nobody_else():
    blocks = [public("ZZQ01"), stranger()]
    packet, statement = verified(sealed(blocks, blocks, ["ZZQ01", "ZZQ02"]))
    opening.check_own_block(packet, statement, "ZZQ01", keys(2))
    use = sharekit.Use(purpose=example("cp-is-flag")[1]["purpose"], org_type="nhs-acute", confirm=CONFIRM)
    assert sharekit.open_packet(packet, keys(2), TRUST, use=use, now=NOW).fields


def test_who_is_addressed_and_has_no_block_is_told_which_key_it_was_sealed_to():
    blocks = [stranger(), public("ZZQ02")]
    packet, statement = verified(sealed(blocks, blocks, ["ZZQ01", "ZZQ02"]))
    with pytest.raises(CannotDecrypt) as raised:
        opening.check_own_block(packet, statement, "ZZQ01", keys(2))
    assert STRANGER.kid.hex()[:16] in raised.value.message
    assert "card" in raised.value.hint


def test_who_is_not_addressed_is_told_that_it_is_for_others():
    blocks = [public("ZZQ01")]
    packet, statement = verified(sealed(blocks, blocks, ["ZZQ01"]))
    with pytest.raises(NotForYou):
        opening.check_addressed(statement, "ZZQ02")
    with pytest.raises(NotForYou):
        sharekit.read_manifest(packet, statement, keys(4))


@pytest.mark.parametrize("other", ["A", "ZZQ02", "ZZZ"])
def test_who_puts_the_key_of_another_on_a_card_stops_nothing_that_is_sealed_to_it(other):
    """A card proves its signing key only: its opening key may be copied from anybody's card."""
    copied = replace(keys(7), opening=keys(2).opening)
    thief = Card.make(
        copied, org_id=other, org_type="nhs-acute", name="Copy", phone="01632 960999", issued=CARDS["ZZQ01"].issued
    )
    trust = sharekit.Trust([card("E10999001", 1), CARDS["ZZQ01"], thief])
    packet = sharekit.parse(sealed([public("ZZQ01")], [public("ZZQ01")], ["ZZQ01"]))
    assert sharekit.verify(packet, trust, now=NOW).recipients == ("ZZQ01",)
