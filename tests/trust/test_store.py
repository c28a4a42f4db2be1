"""Cards and the trust store: what is a card, whose it is, and who is believed until when."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from sharekit import cbor, cose
from sharekit.errors import (
    BadSignature,
    Malformed,
    NotTrusted,
    NotVerified,
    OutputUnwritable,
    Revoked,
    ShareError,
    UnknownSender,
)
from sharekit.packet import open as opening
from sharekit.packet import wire
from sharekit.trust.cards import TYP, Card
from sharekit.trust.folder import TrustFolder
from sharekit.trust.keys import Keys, signing_kid
from sharekit.trust.store import Pin, Trust

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
KEYS, NEW_KEYS, OTHER_KEYS = Keys.generate(), Keys.generate(), Keys.generate(classical=True)
DETAILS = {"org_type": "police", "name": "Larkmoor Constabulary", "phone": "01632 960200"}


def make(keys: Keys = KEYS, org_id: str = "larkmoor", issued: datetime = NOW, **details) -> Card:
    return Card.make(keys, org_id=org_id, issued=issued, **{**DETAILS, **details})


CARD, NEWER = make(), make(NEW_KEYS, issued=NOW + timedelta(days=30))
OTHER = make(OTHER_KEYS, "quillbrook", name="Quillbrook Hospitals", out_of_hours_phone="01632 960399")


def digits(card: Card) -> str:
    return card.fingerprint.hex()


# cards


def test_a_card_says_what_it_was_made_with():
    found = Card.parse(OTHER.data)
    assert (found.org_id, found.name, found.phone) == ("quillbrook", "Quillbrook Hospitals", "01632 960200")
    assert (found.out_of_hours_phone, CARD.out_of_hours_phone) == ("01632 960399", None)
    assert found.signing == bytes(OTHER_KEYS.signing.verify_key)
    assert found.log_key == bytes(OTHER_KEYS.log.verify_key)
    assert (found.opening, found.classical_opening) == (OTHER_KEYS.opening.public, OTHER_KEYS.classical.public)
    assert (found.issued, found.demonstration) == (NOW, False)
    assert found.kid == signing_kid(found.signing)


def test_the_fingerprint_is_the_hash_of_what_was_signed():
    assert CARD.fingerprint == sha256(cose.parse_sign1(CARD.data, required=(1, 4, 16)).payload).digest()


def test_a_card_made_again_is_the_same_bytes():
    assert make().data == CARD.data


PAYLOAD = cbor.decode(cose.parse_sign1(CARD.data, required=(1, 4, 16)).payload)


def signed(payload: object = None, *, keys: Keys = KEYS, **header: object) -> bytes:
    """A card of `payload`, signed as it should be; `header` changes what the protected header says."""
    labels = {1: cose.ED25519, 4: signing_kid(bytes(keys.signing.verify_key)), 16: TYP}
    labels |= {int(name.strip("_")): value for name, value in header.items()}
    body = cbor.encode(PAYLOAD if payload is None else payload)
    return cose.sign1({key: value for key, value in labels.items() if value is not None}, body, keys.signing)


def changed(**parts: object) -> bytes:
    """A card with some of its parts changed, or taken away by None, and signed again."""
    payload = PAYLOAD | {int(name.strip("_")): value for name, value in parts.items()}
    return signed({key: value for key, value in payload.items() if value is not None})


def test_the_helpers_make_a_good_card_when_nothing_is_changed():
    assert signed() == changed() == CARD.data


LOW_ORDER = bytes(32)  # a point that agrees on the same secret with everybody

BAD_CARDS = {
    "nothing": b"",
    "text": b"-----BEGIN CERTIFICATE-----",
    "no COSE_Sign1": cbor.encode([1, 2]),
    "the payload alone": cbor.encode(PAYLOAD),
    "unsigned": cose.SIGN1_TAG + cbor.encode([cbor.encode({1: -19}), {}, cbor.encode(PAYLOAD), b""]),
    "a byte too many": CARD.data + b"\0",
    "twice": CARD.data * 2,
    "cut short": CARD.data[:-1],
    "oversized": changed(_3="a" * 17_000),
    "the type of a statement": signed(_16="application/sharekit.statement+cose"),
    "no type": signed(_16=None),
    "no key id": signed(_4=None),
    "another key's id": signed(_4=NEWER.kid),
    "another algorithm": signed(_1=-8),
    "a content type": signed(_3="text/plain"),
    "a list as payload": signed([1, 2, 3]),
    "a text as payload": signed("card"),
    "a label too many": changed(_12="more"),
    "a label as text": signed(PAYLOAD | {"org_id": "larkmoor"}),
    **{f"no label {label}": changed(**{f"_{label}": None}) for label in (1, 2, 3, 4, 6, 7, 8, 9, 10)},
    "an empty organisation": changed(_1=""),
    "an organisation with a slash": changed(_1="lark/moor"),
    "an organisation with a newline": changed(_1="larkmoor\n"),
    "an organisation that is too long": changed(_1="a" * 33),
    "an organisation in other letters": changed(_1="l\N{CYRILLIC SMALL LETTER A}rkmoor"),
    "no name": changed(_3=""),
    "a name that is too long": changed(_3="a" * 201),
    "a name that clears the screen": changed(_3="\x1b[2JQuillbrook"),
    "a name of two lines": changed(_3="Larkmoor\nQuillbrook"),
    "a name that runs backwards": changed(_3="\N{RIGHT-TO-LEFT OVERRIDE}moor"),
    "a name with nothing between": changed(_3="Lark\N{ZERO WIDTH SPACE}moor"),
    "a name as bytes": changed(_3=b"Larkmoor"),
    "a phone as number": changed(_4=1632960200),
    "a phone with a control character": changed(_4="01632\x07 960200"),
    "an empty second phone": changed(_5=""),
    "a short signing key": changed(_6=KEYS.signing.verify_key.encode()[:31]),
    "an opening key too short": changed(_7=KEYS.opening.public[:-1]),
    "an opening key that is none": changed(_7=b"\xff" * 1216),
    "an opening key without a secret": changed(_7=KEYS.opening.public[:1184] + LOW_ORDER),
    "a log key as text": changed(_8="k" * 32),
    "a classical key without a secret": changed(_11=LOW_ORDER),
    "a time as text": changed(_9="2026-11-26"),
    "a time before 1970": changed(_9=-1),
    "a time beyond all years": changed(_9=2**34),
    "a time that is true": changed(_9=True),
    "a demonstration that is a number": changed(_10=1),
}


@pytest.mark.parametrize("data", BAD_CARDS.values(), ids=BAD_CARDS)
def test_what_is_no_card_is_malformed(data):
    with pytest.raises(Malformed):
        Card.parse(data)


FORGED = {
    "signed by another key": lambda: cose.sign1(
        {1: cose.ED25519, 4: CARD.kid, 16: TYP}, cbor.encode(PAYLOAD), NEW_KEYS.signing
    ),
    "with another's keys under the same name": lambda: cose.sign1(
        {1: cose.ED25519, 4: NEWER.kid, 16: TYP},
        cbor.encode(PAYLOAD | {6: NEWER.signing, 7: NEWER.opening}),
        KEYS.signing,
    ),
    "under a signing key that fits everything": lambda: cose.sign1(
        {1: cose.ED25519, 4: signing_kid(LOW_ORDER), 16: TYP}, cbor.encode(PAYLOAD | {6: LOW_ORDER}), KEYS.signing
    ),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_card_not_signed_by_the_key_it_names_is_refused(forge):
    with pytest.raises(BadSignature):
        Card.parse(forge())


def test_every_flipped_bit_of_a_card_is_refused():
    for at in range(len(CARD.data) * 8):
        data = bytearray(CARD.data)
        data[at // 8] ^= 1 << at % 8
        with pytest.raises((Malformed, BadSignature)):
            Card.parse(bytes(data))


# pinning


def test_a_card_is_pinned_unconfirmed_without_its_fingerprint():
    trust = Trust()
    assert trust.add(CARD.data) == Pin(CARD)
    assert [pin.card.org_id for pin in trust] == ["larkmoor"]
    assert trust.card("larkmoor") == CARD


SPELLINGS = {
    "plain": str,
    "capitals": str.upper,
    "in groups of four": lambda text: " ".join(text[at : at + 4] for at in range(0, 64, 4)),
    "with colons": lambda text: ":".join(text[at : at + 2] for at in range(0, 64, 2)),
    "over two lines": lambda text: f" {text[:32]}\n\t{text[32:]}\n",
    "with spaces that do not break": lambda text: text[:4] + "\N{NO-BREAK SPACE}" + text[4:],
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_the_fingerprint_confirms_however_it_is_spelt(spelling):
    assert Trust().add(CARD.data, spelling(digits(CARD))).confirmed


MISMATCHES = {
    "another card's": digits(NEWER),
    "empty": "",
    "blanks": "    ",
    "cut short": digits(CARD)[:-1],
    "the first half": digits(CARD)[:32],
    "a digit too many": digits(CARD) + "0",
    "one digit changed": digits(CARD)[:-1] + ("0" if digits(CARD)[-1] != "0" else "1"),
    "that of the file": sha256(CARD.data).hexdigest(),
    "a word before it and a digit too few": "fingerprint: " + digits(CARD)[:-1],
}


@pytest.mark.parametrize("fingerprint", MISMATCHES.values(), ids=MISMATCHES)
def test_a_fingerprint_that_does_not_match_pins_nothing(fingerprint):
    trust = Trust()
    with pytest.raises(NotTrusted):
        trust.add(CARD.data, fingerprint)
    assert not list(trust)


def test_a_confirmed_card_stays_confirmed_when_it_comes_again():
    trust = Trust()
    trust.add(CARD.data, digits(CARD))
    assert trust.add(CARD.data).confirmed
    assert len(list(trust)) == 1


def test_a_pinned_card_is_confirmed_later():
    trust = Trust([CARD])
    assert trust.add(CARD.data, digits(CARD)).confirmed


SUCCESSORS = {"new keys": NEWER, "the same keys and another telephone": make(phone="01632 960666")}


@pytest.mark.parametrize("card", SUCCESSORS.values(), ids=SUCCESSORS)
def test_another_card_for_an_organisation_needs_its_fingerprint(card):
    trust = Trust([CARD, OTHER])
    with pytest.raises(NotTrusted, match="another card is pinned for larkmoor"):
        trust.add(card.data)
    assert trust.card("larkmoor") == CARD
    assert trust.add(card.data, digits(card)).confirmed
    assert trust.card("larkmoor") == card


def test_after_new_keys_the_old_ones_still_verify_until_revoked():
    trust = Trust([CARD])
    trust.add(NEWER.data, digits(NEWER))
    assert trust.find(CARD.kid, org_id="larkmoor", at=NOW).card == CARD
    assert trust.card("larkmoor") == NEWER
    assert trust.log_keys("larkmoor") == [NEWER.log_key, CARD.log_key]


def test_one_key_is_one_organisations():
    """A partner must not be able to drop its own name and go on under another, even with a fingerprint."""
    trust, renamed = Trust([CARD]), make(org_id="quillbrook")
    for fingerprint in (None, digits(renamed)):
        with pytest.raises(NotTrusted, match="pinned for larkmoor"):
            trust.add(renamed.data, fingerprint)
    assert trust.card("larkmoor") == CARD


def test_cards_given_for_once_are_believed_beside_the_pinned_ones():
    trust = Trust([CARD])
    trust.revoke("larkmoor", reason="key lost", now=NOW)
    joined = trust.joined([CARD.data, OTHER.data])
    assert joined.card("quillbrook") == OTHER
    assert joined.find(CARD.kid, org_id="larkmoor", at=NOW).revoked == NOW
    with pytest.raises(UnknownSender):
        trust.card("quillbrook")


# finding


def test_a_key_nobody_pinned_is_an_unknown_sender():
    for call in (lambda trust: trust.find(CARD.kid, org_id="larkmoor", at=NOW), lambda trust: trust.card("larkmoor")):
        with pytest.raises(UnknownSender) as raised:
            call(Trust([OTHER]))
        assert "telephone" in raised.value.hint
    with pytest.raises(NotTrusted):
        Trust([OTHER]).log_keys("larkmoor")


def test_a_key_does_not_speak_for_another_organisation():
    with pytest.raises(NotTrusted):
        Trust([CARD, OTHER]).find(CARD.kid, org_id="quillbrook", at=NOW)


def test_a_key_is_valid_from_a_day_before_its_card():
    trust, day, second = Trust([CARD]), timedelta(hours=24), timedelta(seconds=1)
    assert trust.find(CARD.kid, org_id="larkmoor", at=NOW - day).card == CARD
    assert trust.find(CARD.kid, org_id="larkmoor", at=NOW + 3650 * day).card == CARD
    with pytest.raises(NotVerified) as raised:
        trust.find(CARD.kid, org_id="larkmoor", at=NOW - day - second)
    assert raised.value.code == "not-trusted"


# revoking


def test_revoking_stops_every_card_of_an_organisation_and_no_other():
    trust = Trust([CARD, NEWER, OTHER])
    pins = trust.revoke("larkmoor", reason="key lost, told by telephone", now=NOW)
    assert [(pin.card, pin.revoked, pin.reason) for pin in pins] == [
        (CARD, NOW, "key lost, told by telephone"),
        (NEWER, NOW, "key lost, told by telephone"),
    ]
    with pytest.raises(Revoked):
        trust.card("larkmoor")
    with pytest.raises(NotTrusted):
        trust.log_keys("larkmoor")
    assert trust.card("quillbrook") == OTHER
    assert [pin.revoked for pin in trust if pin.card.org_id == "quillbrook"] == [None]


def test_a_revocation_is_neither_repeated_nor_undone():
    trust = Trust([CARD])
    trust.revoke("larkmoor", reason="first", now=NOW)
    with pytest.raises(UnknownSender):
        trust.revoke("larkmoor", reason="second", now=NOW + timedelta(days=1))
    for fingerprint in (None, digits(CARD)):
        with pytest.raises(Revoked):
            trust.add(CARD.data, fingerprint)
    assert [(pin.revoked, pin.reason) for pin in trust] == [(NOW, "first")]


def test_after_a_revocation_new_keys_are_sealed_for_and_old_ones_stay_revoked():
    trust = Trust([CARD])
    trust.revoke("larkmoor", reason="key lost", now=NOW)
    trust.add(NEWER.data, digits(NEWER))
    assert trust.card("larkmoor") == NEWER
    assert trust.log_keys("larkmoor") == [NEWER.log_key]
    assert trust.find(CARD.kid, org_id="larkmoor", at=NOW).revoked == NOW


def test_revoking_a_stranger_is_an_error():
    with pytest.raises(UnknownSender):
        Trust([CARD]).revoke("quillbrook", reason="never met", now=NOW)


def packet_of(keys: Keys, org_id: str, issued: datetime) -> wire.Packet:
    """A packet whose statement is signed and whose sealed parts nobody can read."""
    part = cose.encrypt(b"nothing", aad=b"", recipients=[OTHER.opening_keys()[0]], extra_info=b"")
    sealed = cbor.encode([part, part, []])
    iat = int(issued.timestamp())
    header = {
        cose.ALG: cose.ED25519,
        cose.CRIT: [wire.MANIFEST_COMMIT],
        cose.KID: signing_kid(bytes(keys.signing.verify_key)),
        cose.CWT_CLAIMS: {1: org_id, 3: ["quillbrook"], 4: iat + 86400, 6: iat, 7: bytes(16)},
        cose.TYP: wire.TYP,
        cose.PAYLOAD_HASH_ALG: cose.SHA_256,
        cose.PREIMAGE_TYPE: wire.SEALED_TYPE,
        wire.MANIFEST_COMMIT: bytes(32),
    }
    statement = cose.sign1(header, sha256(sealed).digest(), keys.signing)
    return wire.parse(cbor.encode([wire.MAGIC, wire.VERSION, statement, sealed]))


def test_a_packet_first_seen_after_the_revocation_is_revoked_whatever_its_date():
    trust, hour = Trust([CARD]), timedelta(hours=1)
    old = packet_of(KEYS, "larkmoor", NOW - hour)
    assert opening.verify(old, trust, now=NOW).sender == "larkmoor"
    trust.revoke("larkmoor", reason="key lost", now=NOW)
    for first_seen in (None, NOW, NOW + hour, NOW + 2 * hour):
        with pytest.raises(Revoked):
            opening.verify(old, trust, now=NOW + hour, first_seen=first_seen)
    assert opening.verify(old, trust, now=NOW + hour, first_seen=NOW - timedelta(seconds=1)).id == old.id


def test_a_packet_is_not_believed_under_a_name_that_is_not_its_keys():
    trust = Trust([CARD, OTHER])
    with pytest.raises(NotTrusted):
        opening.verify(packet_of(KEYS, "quillbrook", NOW), trust, now=NOW)
    with pytest.raises(UnknownSender):
        opening.verify(packet_of(NEW_KEYS, "larkmoor", NOW), trust, now=NOW)


# the folder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "trust").mkdir()
    return tmp_path / "trust"


def test_what_was_pinned_confirmed_and_revoked_is_so_after_reading_again(folder):
    store = TrustFolder(folder)
    store.add(CARD.data)
    store.add(OTHER.data, digits(OTHER))
    store.revoke("larkmoor", reason="key lost, told by telephone", now=NOW)
    store.add(NEWER.data, digits(NEWER))
    expected = [
        Pin(CARD, False, NOW, "key lost, told by telephone"),
        Pin(NEWER, confirmed=True),
        Pin(OTHER, confirmed=True),
    ]
    assert list(store) == list(TrustFolder(folder)) == expected


def test_the_files_of_the_store_are_private_and_named_after_no_agency(folder):
    TrustFolder(folder).add(CARD.data)
    (path,) = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "larkmoor" not in path.name


def test_a_folder_without_pins_or_without_a_folder_trusts_nobody(folder):
    assert not list(TrustFolder(folder))
    assert not list(TrustFolder(folder / "missing"))
    with pytest.raises(OutputUnwritable):
        TrustFolder(folder / "missing").add(CARD.data)


def test_what_cannot_be_written_is_not_believed_either(folder):
    store = TrustFolder(folder)
    folder.rmdir()
    with pytest.raises(OutputUnwritable):
        store.add(CARD.data)
    assert not list(store)


def test_a_revocation_by_another_process_is_not_undone_by_one_that_has_not_noticed(folder):
    slow, quick = TrustFolder(folder), TrustFolder(folder)
    slow.add(CARD.data)
    TrustFolder(folder).revoke("larkmoor", reason="key lost", now=NOW)
    for store in (slow, quick):
        with pytest.raises(Revoked):
            store.add(CARD.data, digits(CARD))
    assert TrustFolder(folder).find(CARD.kid, org_id="larkmoor", at=NOW).revoked == NOW


PIN = {1: CARD.data, 2: True, 3: int(NOW.timestamp()), 4: "key lost"}

BAD_PINS = {
    "empty": b"",
    "text": b"trusted",
    "a card without its pin": CARD.data,
    "not confirmed by a boolean": cbor.encode(PIN | {2: 1}),
    "no card": cbor.encode({2: True}),
    "a damaged card": cbor.encode(PIN | {1: CARD.data[:-1]}),
    "a label too many": cbor.encode(PIN | {5: 1}),
    "revoked without a reason": cbor.encode({1: CARD.data, 2: True, 3: 1}),
    "a reason without a time": cbor.encode({1: CARD.data, 2: True, 4: "key lost"}),
    "revoked by a text": cbor.encode(PIN | {3: "yesterday"}),
    "revoked by a boolean": cbor.encode(PIN | {3: True}),
    "revoked before 1970": cbor.encode(PIN | {3: -1}),
    "revoked beyond all years": cbor.encode(PIN | {3: 2**60}),
    "a reason as bytes": cbor.encode(PIN | {4: b"key lost"}),
    "a list": cbor.encode([CARD.data, True]),
    "too large": cbor.encode(PIN | {4: "a" * 40_000}),
}


@pytest.mark.parametrize("data", BAD_PINS.values(), ids=BAD_PINS)
def test_a_damaged_pin_stops_the_store_rather_than_being_left_out(folder, data):
    """To leave out what cannot be read would forget a revocation."""
    (folder / "a.pin").write_bytes(data)
    with pytest.raises(ShareError) as raised:
        TrustFolder(folder)
    assert raised.value.exit_code == 3


def test_half_written_pins_are_left_out(folder):
    (folder / ".sharekit-abc.part").write_bytes(b"half")
    assert not list(TrustFolder(folder))


def test_a_pin_that_cannot_be_read_is_a_typed_error(folder):
    os.mkdir(folder / "a.pin")
    with pytest.raises(ShareError):
        TrustFolder(folder)
