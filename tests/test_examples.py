"""The examples in docstrings run, and every name that others rely on has one."""

from __future__ import annotations

import doctest
import importlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from world.agencies import ABOUT, CONFIRM, EXAMPLES, FLAG, INIT

import sharekit
from sharekit import Agency
from sharekit.ledger.entry import Entry

# names that integrations call as they are written here, by the docstring that has their example
PROMISED = {
    "sharekit.cbor:encode": ["sharekit.cbor.encode("],
    "sharekit.cbor:decode": ["sharekit.cbor.decode("],
    "sharekit.merkle:": [
        *["leaf_hash(", "node_hash(", "root(", "inclusion_proof(", "verify_inclusion("],
        *["consistency_proof(", "verify_consistency("],
    ],
    "sharekit.trust.keys:Keys.generate": ["sharekit.Keys.generate("],
    "sharekit.trust.store:Trust": ["sharekit.Trust("],
    "sharekit.packet.seal:Sender": ["sharekit.Sender("],
    "sharekit.packet.seal:seal": ["sharekit.seal("],
    "sharekit.packet.wire:parse": ["sharekit.parse("],
    "sharekit.packet.open:verify": ["sharekit.verify("],
    "sharekit.packet.open:": ["sharekit.read_manifest(", "sharekit.open_dataset("],
    "sharekit.packet.open:open_packet": ["sharekit.open_packet("],
    "sharekit.policy.use:Use": ["sharekit.Use("],
    "sharekit.policy.decide:decide": ["sharekit.decide("],
    "sharekit.agency.agency:": [
        *["sharekit.Agency.create(", "sharekit.Agency.load(", ".card()", ".trust.add(", ".seal(", ".verify("],
        *[".open(", ".close()"],
    ],
    "sharekit.ledger.log:Ledger": [".ledger.append(", ".checkpoint()", ".verify()", ".export("],
    "sharekit.audit.verify:": ["sharekit.audit.audit("],
}


@pytest.fixture
def names(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What an example may use: two agencies that trust each other, in an empty folder, and what went between them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHAREKIT_NOW", INIT)
    fernshire, quillbrook = (agency(org_id) for org_id in ("E10999001", "ZZQ01"))
    fernshire.trust.add(quillbrook.card())
    quillbrook.trust.add(fernshire.card())
    monkeypatch.setenv("SHAREKIT_NOW", FLAG)
    made: dict[str, Any] = {"sharekit": sharekit, "fernshire": fernshire, "quillbrook": quillbrook}
    made |= {"dataset": read("cp-is-flag.json"), "terms": read("cp-is-flag.terms.json")}
    made |= {"now": datetime.fromisoformat(FLAG), "entry": Entry(2, 1_795_770_300, nonce=bytes(range(16)))}
    made |= {"trust": sharekit.Trust([fernshire.card(), quillbrook.card()])}
    made["packet"] = fernshire.seal(made["dataset"], made["terms"], to=["ZZQ01"])
    made["use"] = sharekit.Use(purpose=made["terms"]["purpose"], org_type=quillbrook.org_type, confirm=CONFIRM)
    parsed = sharekit.parse(made["packet"])
    statement = sharekit.verify(parsed, made["trust"], now=made["now"])
    made["manifest"] = sharekit.read_manifest(parsed, statement, quillbrook.keys)
    fernshire.export("fernshire.export")
    yield made
    for each in (fernshire, quillbrook):
        each.close()


def agency(org_id: str) -> Agency:
    org_type, name, phone = ABOUT[org_id]
    return Agency.create(org_id, org_id=org_id, org_type=org_type, name=name, phone=phone)


def read(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text())


def docstring(place: str) -> str:
    """The docstring of a module, or of the function or class in it that is named behind the colon."""
    module, _, inner = place.partition(":")
    found: Any = importlib.import_module(module)
    for part in filter(None, inner.split(".")):
        found = getattr(found, part)
    return str(found.__doc__)


@pytest.mark.parametrize("place", PROMISED)
def test_the_example_of_a_promised_name_runs_and_uses_it(place, names):
    example = doctest.DocTestParser().get_doctest(docstring(place), names, place, place, 0)
    source = "".join(each.source for each in example.examples)
    assert [name for name in PROMISED[place] if name not in source] == []
    said: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert result.failed == 0, "".join(said)[:2000]
    assert result.attempted > 0
