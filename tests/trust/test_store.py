"""Cards and the trust store: what is a card, whose it is, and who is believed until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from sharekit import cbor, cose
from sharekit.errors import (
    BadSignature,
    Malformed,
    NotTrusted,
    NotVerified,
    Revoked,
    UnknownSender,
    Usage,
)
from sharekit.packet import open as opening
from sharekit.packet import wire
from sharekit.trust.cards import TYP, Card
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
    "with hyphens": lambda text: "-".join(text[at : at + 8] for at in range(0, 64, 8)),
    "over two lines": lambda text: f" {text[:32]}\n\t{text[32:]}\n",
    "over two lines of Windows": lambda text: f"{text[:32]}\r\n{text[32:]}\r\n",
    "with spaces that do not break": lambda text: text[:4] + "\N{NO-BREAK SPACE}" + text[4:],
    "with spaces of no width": lambda text: "\N{ZERO WIDTH SPACE}" + text[:4] + "\N{ZERO WIDTH SPACE}" + text[4:],
    "with a byte order mark": lambda text: "\ufeff" + text,
    "in wide digits": lambda text: "".join(chr(ord(each) + 0xFEE0) for each in text),
    "with its label": lambda text: f"fingerprint: {text}",
    "with a longer label": lambda text: f"Fingerprint of its card:\n{text}",
    "with the name of the hash": lambda text: f"SHA256:{text}",
    "with the name of the hash, hyphenated": lambda text: f"SHA-256 fingerprint = {text}",
    "in quotes": lambda text: f"\N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}",
    "at the end of a sentence": lambda text: f"It is {text}.",
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
    "a label alone": "fingerprint:",
    "the letter O for a nought": "O" + digits(CARD)[1:],
    "with a word behind it": digits(CARD) + " demonstration",
    "twice": digits(CARD) * 2,
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


# the newest card, and cards of the same key


def test_the_card_that_was_pinned_last_is_sealed_for_whatever_its_date():
    """The clock of a partner's new machine may be behind."""
    behind = make(NEW_KEYS, issued=NOW - timedelta(days=400))
    trust = Trust([CARD])
    trust.add(behind.data, digits(behind))
    assert trust.card("larkmoor") == behind
    assert trust.log_keys("larkmoor") == [behind.log_key, CARD.log_key]


RENEWED = make(name="Larkmoor Police", phone="01632 960201", issued=NOW + timedelta(days=10))


def test_a_renewed_card_takes_the_place_of_the_one_before_which_is_not_forgotten():
    trust = Trust([CARD])
    pin = trust.add(RENEWED.data, digits(RENEWED))
    assert (pin.card, pin.earlier) == (RENEWED, (CARD,))
    assert [pin.card for pin in trust] == [RENEWED]
    assert trust.find(CARD.kid, org_id="larkmoor", at=NOW - timedelta(hours=12)).card == RENEWED
    with pytest.raises(NotTrusted, match="a newer card"):
        trust.add(CARD.data, digits(CARD))


def test_a_key_is_revoked_by_the_fingerprint_of_any_card_that_it_had():
    for card in (CARD, RENEWED):
        trust = Trust([CARD])
        trust.add(RENEWED.data, digits(RENEWED))
        trust.revoke("larkmoor", reason="lost", now=NOW, fingerprint=digits(card))
        with pytest.raises(Revoked):
            trust.card("larkmoor")
        with pytest.raises(Revoked):
            trust.add(make(phone="01632 960777").data, digits(make(phone="01632 960777")))


# cards that must not be believed, whoever confirms them


def made_of(*, keys: Keys | None = None, org_id: str = "marlpit", **parts: object) -> Card:
    """A well signed card of other keys, with some of its parts exchanged."""
    held = keys or Keys.generate(classical=True)
    labels = {"org_type": 2, "name": 3, "phone": 4, "night": 5, "opening": 7, "log": 8, "issued": 9, "classical": 11}
    plain = make(held, org_id)
    payload = cbor.decode(cose.parse_sign1(plain.data, required=(1, 4, 16)).payload)
    return Card.parse(signed(payload | {labels[name]: part for name, part in parts.items()}, keys=held))


def unsound(name: str) -> Card:
    keys = Keys.generate(classical=True)
    public = bytes(keys.signing.verify_key)
    return {
        "a telephone number that runs": lambda: made_of(phone="javascript:alert(1)"),
        "a telephone number that is a word": lambda: made_of(phone="switchboard"),
        "a telephone number that is too short": lambda: made_of(phone="999"),
        "a telephone number that is a link": lambda: made_of(night="tel:01632960000"),
        "a type that nobody defined": lambda: made_of(org_type="ministry"),
        "a type in capitals": lambda: made_of(org_type="POLICE"),
        "a name of blanks": lambda: made_of(name="    "),
        "a name of letters that show nothing": lambda: made_of(name="\N{HANGUL FILLER}\N{HANGUL FILLER}"),
        "a name that ends in a blank": lambda: made_of(name="Quillbrook "),
        "a name with a joiner that shows nothing": lambda: made_of(name="Quill\N{COMBINING GRAPHEME JOINER}brook"),
        "a name of dots": lambda: made_of(name="..."),
        "the signing key as log key": lambda: made_of(keys=keys, log=public),
        "the signing key as opening key": lambda: made_of(keys=keys, classical=public),
        "the log key as opening key": lambda: made_of(keys=keys, classical=bytes(keys.log.verify_key)),
        "half of one opening key as the other": lambda: made_of(keys=keys, classical=keys.opening.public[-32:]),
        "another's opening key": lambda: made_of(opening=OTHER.opening),
        "another's classical opening key": lambda: made_of(classical=OTHER.classical_opening),
        "another's log key": lambda: made_of(log=OTHER.log_key),
        "another's signing key as log key": lambda: made_of(log=OTHER.signing),
        "another's id in capitals": lambda: make(NEW_KEYS, "QUILLBROOK"),
        "another's id, one letter of it a capital": lambda: make(NEW_KEYS, "quillBrook"),
    }[name]()


UNSOUND = [
    *("a telephone number that runs", "a telephone number that is a word", "a telephone number that is too short"),
    *("a telephone number that is a link", "a type that nobody defined", "a type in capitals", "a name of blanks"),
    *("a name of letters that show nothing", "a name that ends in a blank", "a name of dots"),
    *("a name with a joiner that shows nothing", "the signing key as log key", "the signing key as opening key"),
    *("the log key as opening key", "half of one opening key as the other", "another's opening key"),
    *("another's classical opening key", "another's log key", "another's signing key as log key"),
    *("another's id in capitals", "another's id, one letter of it a capital"),
]


@pytest.mark.parametrize("name", UNSOUND)
def test_a_card_is_not_pinned_with(name):
    trust, card = Trust([OTHER]), unsound(name)
    for fingerprint in (None, digits(card)):
        with pytest.raises(NotTrusted):
            trust.add(card.data, fingerprint)
    with pytest.raises(NotTrusted):
        trust.joined([card.data])
    assert [pin.card for pin in trust] == [OTHER]


@pytest.mark.parametrize("name", UNSOUND[: UNSOUND.index("another's opening key")])
def test_one_that_was_pinned_before_that_was_asked_is_told_of_and_goes_on(name):
    card = unsound(name)
    trust = Trust([card])
    assert trust.card("marlpit") == card
    assert [told for told in trust.doubts(next(iter(trust))) if "would not be accepted now" in told]


@pytest.mark.parametrize(
    ("pinned", "alike"),
    [("E10999001", "E1O999001"), ("ZZL01", "ZZI01"), ("zzl01", "ZZ101"), ("marn", "MAM"), ("ZZ-Q01", "ZZQ.01")],
)
def test_an_id_that_an_eye_could_take_for_another_is_told_of(pinned, alike):
    trust = Trust([make(KEYS, pinned)])
    pin = trust.add(make(NEW_KEYS, alike, name="Another Agency").data)
    assert trust.doubts(pin) == [f"{alike} can be taken for {pinned}: make sure that you mean this one"]


def test_a_name_that_another_has_as_well_is_told_of():
    trust = Trust([CARD])
    assert trust.doubts(trust.add(make(NEW_KEYS, "ZZX01", name="larkmoor  constabulary").data)) != []
    assert trust.doubts(trust.add(OTHER.data)) == []


def test_an_organisation_is_found_in_capitals_and_in_small_letters():
    trust = Trust([CARD, OTHER])
    assert trust.card("LARKMOOR") == trust.card("Larkmoor") == CARD
    assert trust.revoke("LARKMOOR", reason="lost", now=NOW)[0].card == CARD


# revoking


def test_what_is_revoked_is_a_key_and_not_an_organisation():
    trust = Trust([CARD, NEWER, OTHER])
    pins = trust.revoke("larkmoor", reason="key lost, told by telephone", now=NOW, fingerprint=digits(CARD))
    assert [(pin.card, pin.revoked, pin.reason) for pin in pins] == [(CARD, NOW, "key lost, told by telephone")]
    assert trust.card("larkmoor") == NEWER
    assert trust.log_keys("larkmoor") == [NEWER.log_key]
    assert [pin.revoked for pin in trust] == [NOW, None, None]


def test_with_several_keys_revoking_asks_which_and_names_their_fingerprints():
    trust = Trust([CARD, NEWER, OTHER])
    with pytest.raises(Usage) as raised:
        trust.revoke("larkmoor", reason="key lost", now=NOW)
    told = raised.value.hint.replace(" ", "")
    assert digits(CARD) in told
    assert digits(NEWER) in told
    assert not [pin for pin in trust if pin.revoked]


def test_all_keys_of_an_organisation_are_revoked_when_that_is_said():
    trust = Trust([CARD, NEWER, OTHER])
    assert [pin.card for pin in trust.revoke_all("larkmoor", reason="closed", now=NOW)] == [CARD, NEWER]
    with pytest.raises(Revoked):
        trust.card("larkmoor")
    with pytest.raises(NotTrusted):
        trust.log_keys("larkmoor")
    assert trust.card("quillbrook") == OTHER
    assert [pin.revoked for pin in trust if pin.card.org_id == "quillbrook"] == [None]


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_the_key_to_revoke_is_named_however_its_fingerprint_is_spelt(spelling):
    trust = Trust([CARD, NEWER])
    assert trust.revoke("larkmoor", reason="lost", now=NOW, fingerprint=spelling(digits(CARD)))[0].card == CARD


def test_no_key_is_revoked_by_a_fingerprint_that_is_not_the_organisations():
    trust = Trust([CARD, NEWER, OTHER])
    with pytest.raises(UnknownSender):
        trust.revoke("larkmoor", reason="lost", now=NOW, fingerprint=digits(OTHER))
    with pytest.raises(NotTrusted):
        trust.revoke("larkmoor", reason="lost", now=NOW, fingerprint="3f2a 91c0")
    assert not [pin for pin in trust if pin.revoked]


def test_a_key_that_is_reinstated_is_believed_again_but_for_the_time_between():
    trust, day = Trust([CARD]), timedelta(days=1)
    trust.revoke("larkmoor", reason="laptop missing", now=NOW)
    pin = trust.reinstate("larkmoor", fingerprint=digits(CARD), reason="it was in the safe", now=NOW + day)
    assert (pin.revoked, pin.reason, pin.lapses) == (None, "it was in the safe", ((NOW, NOW + day),))
    assert trust.card("larkmoor") == CARD
    expected = {NOW - day: False, NOW: True, NOW + day - timedelta(seconds=1): True, NOW + day: False}
    assert {at: pin.was_revoked(at) for at in expected} == expected


def test_only_a_revoked_key_is_reinstated_and_only_by_its_fingerprint():
    trust = Trust([CARD, NEWER])
    with pytest.raises(Usage):
        trust.reinstate("larkmoor", fingerprint=digits(CARD), reason="a slip", now=NOW)
    trust.revoke("larkmoor", reason="lost", now=NOW, fingerprint=digits(CARD))
    with pytest.raises(UnknownSender):
        trust.reinstate("larkmoor", fingerprint=digits(OTHER), reason="a slip", now=NOW)
    assert [pin.revoked for pin in trust] == [NOW, None]


def test_a_key_that_another_has_taken_since_is_not_reinstated():
    trust = Trust([CARD])
    trust.revoke("larkmoor", reason="lost", now=NOW)
    taken = made_of(opening=CARD.opening)
    trust.add(taken.data)
    with pytest.raises(NotTrusted, match="stands on the card of marlpit"):
        trust.reinstate("larkmoor", fingerprint=digits(CARD), reason="a slip", now=NOW)


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
