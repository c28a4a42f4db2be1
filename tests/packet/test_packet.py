"""Packets: what they promise whatever is done to them, and what they never say."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors.make import GOOD, HYBRID, NOW, SENDER, card, keys
from world.agencies import CONFIRM, FLAG, example

import sharekit
from sharekit import cbor, errors
from sharekit.packet import seal as sealing
from sharekit.packet import wire

TRUST = sharekit.Trust([card("E10999001", 1), card("P97", 3)])
PURPOSE = "safeguarding.status-flag"
USE = sharekit.Use(purpose=PURPOSE, org_type="nhs-acute", confirm=CONFIRM)


@pytest.mark.parametrize("good", [HYBRID, GOOD], ids=["hybrid", "classical"])
def test_no_flip_of_any_bit_verifies(good):
    assert sharekit.verify(sharekit.parse(good), TRUST, now=NOW)
    flipped = bytearray(good)
    for bit in range(len(good) * 8):
        flipped[bit >> 3] ^= 1 << (bit & 7)
        with pytest.raises((errors.Malformed, errors.NotVerified)):
            sharekit.verify(sharekit.parse(bytes(flipped)), TRUST, now=NOW)
        flipped[bit >> 3] ^= 1 << (bit & 7)


def test_a_verdict_opens_no_other_packet_than_the_one_it_is_about():
    """What another packet permits is nothing that this one permits."""
    packet, other = sharekit.parse(HYBRID), sharekit.parse(GOOD)
    reader = keys(2)
    manifest, another = (
        sharekit.read_manifest(each, sharekit.verify(each, TRUST, now=NOW), reader) for each in (packet, other)
    )
    terms = sharekit.ShareTerms({**another.terms.json, "purpose_detail": "Another one."})
    with pytest.raises(errors.Usage):
        sharekit.open_dataset(packet, manifest, sharekit.decide(terms, USE, now=NOW), reader)
    with pytest.raises(errors.Usage):
        sharekit.open_dataset(other, manifest, sharekit.decide(manifest.terms, USE, now=NOW), reader)
    assert sharekit.open_dataset(packet, manifest, sharekit.decide(manifest.terms, USE, now=NOW), reader).fields


def test_no_truncation_parses():
    for length in range(len(GOOD)):
        with pytest.raises(errors.Malformed):
            sharekit.parse(GOOD[:length])


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_parse_raises_typed_errors_only(data):
    with contextlib.suppress(errors.Malformed):
        sharekit.parse(data)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_whatever_is_spliced_into_a_packet_raises_typed_errors_only(data):
    at = data.draw(st.integers(0, len(GOOD)))
    cut = data.draw(st.integers(0, 80))
    spliced = GOOD[:at] + data.draw(st.binary(max_size=80)) + GOOD[at + cut :]
    with contextlib.suppress(errors.ShareError):
        sharekit.verify(sharekit.parse(spliced), TRUST, now=NOW)
        assert spliced == GOOD


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=60).filter(str.strip)


@settings(deadline=None, max_examples=40)
@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,19}", fullmatch=True), TEXT)
def test_what_is_sealed_is_what_opens(upload_id, necessity):
    data, terms = example("cp-is-flag")
    data |= {"upload_id": upload_id}
    terms |= {"necessity": necessity}
    sealed = sharekit.seal(data, terms, sender=SENDER, recipients=[card("ZZQ01", 2)], now=NOW)
    share = sharekit.open_packet(sealed, keys(2), TRUST, use=USE, now=NOW)
    assert share.fields == data
    assert share.terms.json["necessity"] == necessity
    assert share.withheld == ()


def test_the_size_of_a_packet_tells_only_its_class():
    sizes = set()
    for length in (1, 40, 200):
        data, terms = example("cp-is-flag")
        terms["necessity"] = "x" * length
        sizes.add(len(sharekit.seal(data, terms, sender=SENDER, recipients=[card("ZZQ01", 2)], now=NOW)))
    assert len(sizes) == 1


def test_two_packets_of_the_same_share_have_nothing_in_common_but_their_header():
    data, terms = example("cp-is-flag")
    first, second = (
        sharekit.parse(sharekit.seal(data, terms, sender=SENDER, recipients=[card("ZZQ01", 2)], now=NOW)) for _ in "12"
    )
    assert first.id != second.id
    assert first.manifest.iv != second.manifest.iv
    assert first.statement.header[wire.MANIFEST_COMMIT] != second.statement.header[wire.MANIFEST_COMMIT]


def test_given_parts_only_the_encapsulation_is_left_to_chance():
    data, terms = example("cp-is-flag")
    parts = sealing.Parts.fresh()
    draft = sealing.prepare(data, terms, sender=SENDER, recipients=[card("ZZQ01", 2)], now=NOW)
    first, second = (sharekit.parse(sealing.seal_parts(draft, parts, sender=SENDER, now=NOW)) for _ in "12")
    assert first.statement.protected == second.statement.protected
    assert first.manifest.ciphertext == second.manifest.ciphertext
    assert first.dataset.ciphertext == second.dataset.ciphertext


def test_a_share_too_large_for_the_largest_class_is_refused():
    data, terms = example("safeguarding-referral")
    data["statements"] = [data["statements"][0] | {"text": "x" * 5000} for _ in range(400)]
    with pytest.raises(errors.Refused):
        sharekit.seal(data, terms, sender=_school(), recipients=[card("E10999001", 1)], now=NOW)


def _school():
    return sharekit.Sender(org_id="URN-999001", keys=keys(5), org_type="school")


RECIPIENTS = {
    "none": [],
    "one twice": [card("ZZQ01", 2), card("ZZQ01", 2)],
    "sixty-five": [card("ZZQ01", 2)] * 65,
}


@pytest.mark.parametrize("recipients", RECIPIENTS.values(), ids=RECIPIENTS)
def test_a_packet_has_one_to_sixty_four_different_recipients(recipients):
    data, terms = example("cp-is-flag")
    with pytest.raises(errors.Usage):
        sharekit.seal(data, terms, sender=SENDER, recipients=recipients, now=NOW)


ON_THEIR_CARDS = {
    "one, hybrid alone": [False],
    "one, with a classical key": [True],
    "two, one of them with a classical key": [True, False],
    "two with classical keys": [True, True],
}


@pytest.mark.parametrize("classical", ON_THEIR_CARDS.values(), ids=ON_THEIR_CARDS)
def test_a_packet_is_hybrid_whatever_keys_stand_on_the_cards_unless_classical_is_asked_for(classical):
    data, terms = example("cp-is-flag")
    cards = [card(org_id, seed, classical=each) for (org_id, seed), each in zip(SEEDS.items(), classical, strict=False)]
    sealed = sharekit.parse(sharekit.seal(data, terms, sender=SENDER, recipients=cards, now=NOW))
    assert _algorithms(sealed) == {57}
    assert not sharekit.verify(sealed, TRUST, now=NOW).classical
    if not all(classical):
        with pytest.raises(errors.Usage):
            sharekit.seal(data, terms, sender=SENDER, recipients=cards, classical=True, now=NOW)
        return
    asked = sharekit.parse(sharekit.seal(data, terms, sender=SENDER, recipients=cards, classical=True, now=NOW))
    assert _algorithms(asked) == {50}
    assert sharekit.verify(asked, TRUST, now=NOW).classical
    draft = sealing.prepare(data, terms, sender=SENDER, recipients=cards, classical=True, now=NOW)
    assert "classical" in {each.rule for each in draft.findings}


SEEDS = {"ZZQ01": 2, "ZZQ02": 4}


def _algorithms(packet):
    return {alg for part in (packet.manifest, packet.dataset) for alg, _ in sharekit.cose.recipients(part)}


def test_the_parts_of_two_packets_cannot_be_put_together():
    first, second = sharekit.parse(GOOD), sharekit.parse(HYBRID)
    statements = [sharekit.verify(each, TRUST, now=NOW) for each in (first, second)]
    with pytest.raises(errors.Usage):
        sharekit.read_manifest(first, statements[1], keys(2))
    manifests = [sharekit.read_manifest(p, s, keys(2)) for p, s in zip((first, second), statements, strict=True)]
    verdict = sharekit.decide(manifests[1].terms, USE, now=NOW)
    with pytest.raises(errors.Usage):
        sharekit.open_dataset(first, manifests[1], verdict, keys(2))


def test_a_refusing_verdict_opens_nothing_even_for_somebody_who_insists():
    parsed = sharekit.parse(GOOD)
    statement = sharekit.verify(parsed, TRUST, now=NOW)
    manifest = sharekit.read_manifest(parsed, statement, keys(2))
    refused = sharekit.decide(manifest.terms, sharekit.Use(purpose="other.media", org_type="nhs-acute"), now=NOW)
    with pytest.raises(errors.PurposeRefused):
        sharekit.open_dataset(parsed, manifest, refused, keys(2))
    other = sharekit.decide(sharekit.ShareTerms({**manifest.terms.json, "purpose": "other.media"}), USE, now=NOW)
    with pytest.raises((errors.Usage, errors.PurposeRefused)):
        sharekit.open_dataset(parsed, manifest, other, keys(2))


SECRETS = ("9990001006", "2019-03-14", "safeguarding", "status-flag", "cp-is-flag", "cpp", "2026-08-18", "XXTEST")


def test_nothing_outside_the_seal_says_anything_about_the_child():
    data, terms = example("cp-is-flag")
    for each in (HYBRID, GOOD, sharekit.seal(data, terms, sender=SENDER, recipients=[card("ZZQ01", 2)], now=NOW)):
        for secret in SECRETS:
            assert secret.encode() not in each
    shown = repr(sharekit.parse(GOOD)) + repr(sharekit.verify(sharekit.parse(GOOD), TRUST, now=NOW))
    assert not any(secret in shown for secret in SECRETS)


def test_no_repr_of_anything_opened_shows_a_value():
    parsed = sharekit.parse(GOOD)
    manifest = sharekit.read_manifest(parsed, sharekit.verify(parsed, TRUST, now=NOW), keys(2))
    verdict = sharekit.decide(manifest.terms, USE, now=NOW)
    share = sharekit.open_dataset(parsed, manifest, verdict, keys(2))
    shown = " ".join(map(repr, (parsed, manifest, share, manifest.terms, verdict, keys(2))))
    values = [str(value) for value in share.fields.values() if isinstance(value, str) and len(value) > 3]
    assert not any(value in shown for value in [*values, *SECRETS[:2], "XXTEST"])
    assert keys(2).opening.seed.hex() not in shown


def test_the_formats_dates_are_whole_seconds():
    parsed = sharekit.parse(GOOD)
    assert sharekit.verify(parsed, TRUST, now=NOW).issued == datetime.fromisoformat(FLAG)
    assert json.dumps(parsed.claims[wire.AUD]) == '["ZZQ01"]'
    assert cbor.encode(parsed.statement.header) == parsed.statement.protected
