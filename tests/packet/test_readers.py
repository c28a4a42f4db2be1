"""Independent implementations read what sharekit writes."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import datetime
from hashlib import sha256

import pytest
from world.agencies import ABOUT, FLAG, example
from world.console import REPOSITORY

import sharekit
from sharekit import cbor
from sharekit.packet import wire

READER = os.environ.get("SHAREKIT_READERS")


@pytest.mark.skipif(not READER, reason="SHAREKIT_READERS names no environment with cwt; scripts/test makes one")
def test_python_cwt_reads_the_statement_and_both_sealed_parts_of_a_classical_packet():
    now, keys = datetime.fromisoformat(FLAG), sharekit.Keys.generate(classical=True)
    org_type, name, phone = ABOUT["ZZQ01"]
    card = sharekit.Card.make(keys, org_id="ZZQ01", org_type=org_type, name=name, phone=phone, issued=now)
    sender = sharekit.Sender(org_id="E10999001", keys=sharekit.Keys.generate())
    data, terms = example("cp-is-flag")
    sealed = sharekit.seal(data, terms, sender=sender, recipients=[card], classical=True, now=now)

    parsed = sharekit.parse(sealed)
    _, _, statement, parts = cbor.decode(sealed)
    manifest, dataset, _ = cbor.decode(parts)
    aad = wire.aad_of(parsed.statement.protected)
    opened = sharekit.read_manifest(
        parsed,
        sharekit.verify(parsed, sharekit.Trust([_own_card(sender, now)]), now=now),
        keys,
    )
    found = _read_by_cwt(
        signing_kid=parsed.kid,
        signing=bytes(sender.keys.signing.verify_key),
        opening_kid=keys.classical.kid,
        opening=keys.classical.public,
        opening_private=keys.classical.seed,
        statement=statement,
        manifest=manifest,
        dataset=dataset,
        aad=aad,
        dataset_info=wire.dataset_info(aad, opened.padded),
    )
    assert found["statement"] == sha256(parts).digest()
    assert found["manifest"] == opened.padded
    assert cbor.decode(found["dataset"].rstrip(b"\0")[:-1])[2] == data


def _own_card(sender, now):
    org_type, name, phone = ABOUT[sender.org_id]
    return sharekit.Card.make(sender.keys, org_id=sender.org_id, org_type=org_type, name=name, phone=phone, issued=now)


def _read_by_cwt(**given: bytes) -> dict[str, bytes]:
    script = str(REPOSITORY / "tests" / "world" / "reader_cwt.py")
    asked = json.dumps({name: value.hex() for name, value in given.items()})
    ran = subprocess.run([READER, script], input=asked, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return {name: bytes.fromhex(value) for name, value in json.loads(ran.stdout).items()}
