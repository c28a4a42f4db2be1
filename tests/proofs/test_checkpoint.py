"""Checkpoints: C2SP signed notes, written, read and refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from sharekit import registry
from sharekit.errors import LedgerTampered, Malformed, ShareError
from sharekit.proofs import checkpoint
from sharekit.proofs.checkpoint import Checkpoint
from sharekit.trust import cards

ORIGIN = "sharekit/fernshire/2026"
KEY = SigningKey(bytes(range(32)))
PUBLIC = bytes(KEY.verify_key)
STRANGER = SigningKey(bytes(32))
NOTE = checkpoint.sign(Checkpoint(ORIGIN, 7, b"r" * 32), key=KEY)
ROOT = base64.b64encode(b"r" * 32).decode()
LINE = NOTE.splitlines()[-1]


def test_a_signed_checkpoint_verifies_and_says_what_was_signed():
    assert checkpoint.verify(NOTE, origin=ORIGIN, public=PUBLIC) == Checkpoint(ORIGIN, 7, b"r" * 32)
    assert checkpoint.parse(NOTE.encode()) == checkpoint.parse(NOTE)


def test_the_key_id_is_the_one_of_the_published_example():
    """The verifier key of c2sp.org/signed-note: example.com/foo+530d903a+AekyeRrm..."""
    public = base64.b64decode("AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")[1:]
    assert checkpoint.key_id("example.com/foo", public).hex() == "530d903a"


def test_the_published_checkpoint_is_read():
    """The example of c2sp.org/tlog-checkpoint."""
    name, root = "example.com/behind-the-sofa", "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    line = "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8="
    found = checkpoint.parse(f"{name}\n20852163\n{root}\n\n\N{EM DASH} {name} {line}\n")
    assert found == Checkpoint(name, 20852163, base64.b64decode(root))


def test_a_cosignature_by_another_key_is_ignored_before_and_after():
    other = checkpoint.sign(Checkpoint("witness.example", 7, b"r" * 32), key=STRANGER).splitlines()[-1]
    assert checkpoint.verify(f"{NOTE}{other}\n", origin=ORIGIN, public=PUBLIC).size == 7
    assert checkpoint.verify(NOTE.replace(LINE, f"{other}\n{LINE}"), origin=ORIGIN, public=PUBLIC).size == 7


def test_a_second_line_by_the_same_key_that_does_not_match_spoils_the_note():
    raw = bytearray(base64.b64decode(LINE.split(" ")[2]))
    raw[-1] ^= 1
    wrong = f"\N{EM DASH} {ORIGIN} {base64.b64encode(raw).decode()}\n"
    with pytest.raises(LedgerTampered):
        checkpoint.verify(NOTE + wrong, origin=ORIGIN, public=PUBLIC)


@pytest.mark.parametrize(
    ("origin", "public"),
    [(ORIGIN, bytes(STRANGER.verify_key)), ("sharekit/quillbrook/2026", PUBLIC)],
    ids=["another key", "another ledger"],
)
def test_verify_refuses(origin, public):
    with pytest.raises(LedgerTampered):
        checkpoint.verify(NOTE, origin=origin, public=public)


BAD = {
    "empty": "",
    "no signature line": f"{ORIGIN}\n7\n{ROOT}\n\n",
    "no blank line": f"{ORIGIN}\n7\n{ROOT}\n{LINE}\n",
    "an extension line": f"{ORIGIN}\n7\n{ROOT}\nmore\n\n{LINE}\n",
    "a leading zero": f"{ORIGIN}\n07\n{ROOT}\n\n{LINE}\n",
    "a sign before the size": f"{ORIGIN}\n+7\n{ROOT}\n\n{LINE}\n",
    "a size in other digits": f"{ORIGIN}\n\N{ARABIC-INDIC DIGIT SEVEN}\n{ROOT}\n\n{LINE}\n",
    "a size of twenty digits": f"{ORIGIN}\n{10**19}\n{ROOT}\n\n{LINE}\n",
    "a size beyond 63 bits": f"{ORIGIN}\n{2**63}\n{ROOT}\n\n{LINE}\n",
    "a short root": f"{ORIGIN}\n7\n{ROOT[:40]}\n\n{LINE}\n",
    "unused bits set in the root": f"{ORIGIN}\n7\n{ROOT[:-2]}J=\n\n{LINE}\n",
    "carriage returns": NOTE.replace("\n", "\r\n"),
    "no last newline": NOTE[:-1],
    "text after the signatures": NOTE + "more\n",
    "a hyphen for the dash": NOTE.replace("\N{EM DASH}", "-"),
    "two spaces in the line": NOTE.replace(f"{ORIGIN} ", f"{ORIGIN}  "),
    "a name with a plus": NOTE.replace(ORIGIN, "a+b"),
    "no origin": NOTE.replace(f"{ORIGIN}\n", "\n", 1),
    "a control character in the origin": NOTE.replace(ORIGIN, "a\x07b"),
    "a signature of four bytes": f"{ORIGIN}\n7\n{ROOT}\n\n\N{EM DASH} {ORIGIN} AAAAAA==\n",
    "not UTF-8": b"\xff" + NOTE.encode(),
    "a lone surrogate": "\ud800" + NOTE,
    "too large": NOTE + f"{LINE}\n" * 700,
}


@pytest.mark.parametrize("note", BAD.values(), ids=BAD)
def test_parse_refuses_what_is_no_checkpoint(note):
    with pytest.raises(Malformed):
        checkpoint.parse(note)
    with pytest.raises(Malformed):
        checkpoint.verify(note, origin=ORIGIN, public=PUBLIC)


@pytest.mark.parametrize("parts", [("", 1, b"r" * 32), ("a b", 1, b"r" * 32), ("a", -1, b"r" * 32), ("a", 1, b"r")])
def test_a_checkpoint_cannot_be_made_of_parts_that_would_read_as_another(parts):
    with pytest.raises(Malformed):
        Checkpoint(*parts)


def test_every_flipped_bit_of_a_note_is_refused():
    raw = NOTE.encode()
    for at in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises((Malformed, LedgerTampered)):
            checkpoint.verify(bytes(changed), origin=ORIGIN, public=PUBLIC)


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_what_is_no_note_raises_a_typed_error(data):
    with pytest.raises(ShareError):
        checkpoint.verify(data, origin=ORIGIN, public=PUBLIC)


# --- whose ledger, and of which year ---


@given(st.from_regex(checkpoint.ORG_ID, fullmatch=True), st.integers(1970, 9999))
def test_an_origin_names_the_organisation_and_the_year_that_it_was_made_of(org_id, year):
    assert checkpoint.org_and_year(checkpoint.origin(org_id, year)) == (org_id, year)
    assert checkpoint.owner(checkpoint.origin(org_id, year)) == org_id


NO_ORIGINS = {
    "nothing": "",
    "another log's": "example.com/behind-the-sofa",
    "a witness's name": "sharekit/fernshire",
    "three digits": "sharekit/fernshire/202",
    "five digits": "sharekit/fernshire/20260",
    "digits of another script": "sharekit/fernshire/٢٠٢٦",
    "an organisation with a slash": "sharekit/fern/shire/2026",
    "an id that is too long": f"sharekit/{'f' * 33}/2026",
    "a line after it": "sharekit/fernshire/2026\n",
    "something before it": "/sharekit/fernshire/2026",
}


@pytest.mark.parametrize("origin", NO_ORIGINS.values(), ids=NO_ORIGINS)
def test_what_is_no_origin_of_ours_names_nobody(origin):
    assert checkpoint.org_and_year(origin) is None
    assert checkpoint.owner(origin) is None


def test_an_organisations_id_has_one_form_in_cards_ledgers_and_schemas():
    assert cards.ORG_ID.pattern == rf"{checkpoint.ORG_ID}\Z"
    assert registry.document("parts")["$defs"]["org_id"]["pattern"] == f"^{checkpoint.ORG_ID}$"
    for file in ("ledger.cddl", "packet.cddl"):
        assert f'org-id = text .regexp "{checkpoint.ORG_ID}"' in registry.text(file)
