"""sharekit's own vectors: one packet for each way in which a packet can be wrong, and where reading it stops.

`tests/vectors/make.py` made them. Outcomes are a closed list; one that is not on it is itself a failure.
"""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from vectors.make import card, keys
from world.console import REPOSITORY

import sharekit
from sharekit import cose
from sharekit.packet import open as opening

STAGES = ("parse", "verify", "addressed", "manifest", "decide", "dataset", "opens")
FILES = sorted((REPOSITORY / "tests" / "vectors").glob("*.json"))
SEEDS = {"ZZQ01": 2, "ZZQ02": 4}


class Reading:
    """Reads a packet stage by stage, and remembers the stage it is in and what was decrypted."""

    def __init__(self, vector, monkeypatch):
        self.vector, self.stage, self.decrypted, self.share = vector, "", [], None
        monkeypatch.setattr(cose, "decrypt", self._counted(cose.decrypt))

    def _counted(self, decrypt):
        def counted(*args, **kwargs):
            plaintext = decrypt(*args, **kwargs)
            self.decrypted.append(self.stage)
            return plaintext

        return counted

    def run(self):
        told, own = self.vector, keys(SEEDS[self.vector["reader"]])
        now, trust = datetime.fromisoformat(told["now"]), sharekit.Trust([card("E10999001", 1), card("P97", 3)])
        use = sharekit.Use(purpose=told["purpose"], org_type="nhs-acute", confirm=told["confirm"])
        self.stage = "parse"
        packet = sharekit.parse(bytes.fromhex(told["packet"]))
        self.stage = "verify"
        statement = sharekit.verify(packet, trust, now=now)
        self.stage = "addressed"
        opening.check_addressed(statement, told["reader"])
        self.stage = "manifest"
        manifest = sharekit.read_manifest(packet, statement, own)
        self.stage = "decide"
        verdict = sharekit.decide(manifest.terms, use, now=now)
        verdict.require()
        self.stage = "dataset"
        self.share = sharekit.open_dataset(packet, manifest, verdict, own)
        self.stage = "opens"


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_the_vector_ends_where_it_says_and_releases_nothing_it_should_not(path, monkeypatch):
    vector = json.loads(path.read_text())
    assert vector["stage"] in STAGES
    reading, found = Reading(vector, monkeypatch), None
    try:
        reading.run()
    except sharekit.ShareError as error:
        found = error.code
    assert (reading.stage, found) == (vector["stage"], vector["code"])
    assert (reading.share is not None) == (vector["stage"] == "opens")
    allowed = [stage for stage in ("manifest", "dataset") if STAGES.index(stage) <= STAGES.index(vector["stage"])]
    assert set(reading.decrypted) <= set(allowed)
    if vector["stage"] in ("decide", "manifest"):
        assert "dataset" not in reading.decrypted


def test_there_are_vectors_for_every_stage():
    found = [json.loads(path.read_text())["stage"] for path in FILES]
    assert len(FILES) >= 48
    assert set(found) == set(STAGES)
