"""Which events carry which labels of an entry: what an agency's acts record is what the class declares, and no more."""

from __future__ import annotations

import contextlib
import json
from collections import defaultdict
from typing import Any

import pytest
from world.agencies import EXAMPLES, FLAG, World, example

from sharekit.domain import vocabulary
from sharekit.domain.profile import minimise
from sharekit.errors import ShareError
from sharekit.ledger.entry import LABELS

DECLARED = {label.name: {*label.events} for label in LABELS}
STATUS = "safeguarding.status-flag"


def carried(world: World) -> dict[str, set[str]]:
    """The events of all entries in the world, by the labels that they carry."""
    found = defaultdict[str, set[str]](set)
    for agency in world.agencies.values():
        for entry in (entry for _, entry in agency.entries()):
            event = vocabulary.code("ledger-events", entry.event)
            for label in LABELS:
                if getattr(entry, label.name) is not None:
                    found[label.name].add(event)
    return found


# --- acts, so that every event carries whatever it can ---

OVERRIDE: dict[str, Any] = {
    "reason_code": "harm-to-others",
    "public_interest": "The risk to Wren outweighs the mother's wish",
    "decided_by": "Sky XXTEST-Dunn",
    "countersigned_by": "Ada XXTEST-Reeve",
    "wishes_recorded": "She does not want it shared",
    "objector_told": False,
}


def share(world: World) -> None:
    """A referral against a refusal, with deadlines and an agreement that is over; opened, and asked for more."""
    world.at("2026-11-26T13:45:00Z")
    data, terms = example("safeguarding-referral")
    mother = terms["agreement"][0] | {"status": "refused"}
    over = {"kind": "service-agreement", "by": "mother", "status": "given", "expires_at": "2026-11-25"}
    terms |= {"agreement": [mother, over], "override": OVERRIDE, "known_at": "2026-11-26T13:10:00Z"}
    terms |= {"acknowledge_by": "2026-11-26T16:00:00Z"}
    packet = world.larkmoor.seal(data, terms, to=[world.fernshire.org_id])
    use = {"basis": "art6-1-e", "art9": "art9-2-g+sch1-p18", "art10": "art10-sch1-p18", "gateway": "ca89-s47"}
    world.fernshire.verify(packet)
    world.fernshire.open(packet, purpose="safeguarding.referral", **use)
    for purpose in ("education.support", "other.media"):
        with contextlib.suppress(ShareError):
            world.fernshire.open(packet, purpose=purpose, **use)
    emergency = {"break_glass": True, "by": "Ama XXTEST-Reed", "reason": "A child was brought in unconscious"}
    world.fernshire.open(packet, purpose="health.direct-care.urgent", **emergency)
    for receipt in world.outbox("E10999001"):
        world.larkmoor.receive(receipt)


def cut_down(world: World) -> None:
    """A flag of which not every field goes."""
    world.at(FLAG)
    data, terms = example("cp-is-flag")
    terms |= {"purpose": "safeguarding.s47-enquiry"}
    kept = minimise(data, "cp-is-flag", [terms["purpose"]], now=world.fernshire.now())
    world.fernshire.seal(kept, terms, to=[world.quillbrook.org_id])


def follow_up(world: World) -> None:
    """Whatever is open after that is done."""
    for agency in (world.larkmoor, world.fernshire):
        for action in agency.decisions.overdue(everything=True):
            agency.decisions.done(action.id.hex(), outcome="It was done, and it was right")


def decide(world: World) -> None:
    """A decision not to share, which is discussed, taken further, looked at again and looked up."""
    world.at("2026-11-12T09:05:00Z")
    given = json.loads((EXAMPLES / "decisions" / "early-help-refused.json").read_text())
    given.pop("discussed_with_requester", None)
    given |= {"packet": "00" * 16, "organisations": ["E10999001"], "local_child_ref": "L-0142"}
    decisions = world.larkmoor.decisions
    number = decisions.record(given).decision
    decisions.discuss(number, with_="Duty worker", on="2026-11-12", outcome="They disagree", escalated=True)
    decisions.escalate(number, stage="1", outcome="The headteacher decides", again_on="2026-11-13")
    decisions.review(number, outcome="Nothing has changed", again_on="2026-12-01")
    decisions.show(number)
    world.larkmoor.record.about("local", "L-0142", limit=5, now=world.larkmoor.now())
    for action in decisions.overdue(everything=True):
        decisions.done(action.id.hex(), outcome="It was done, and it was right")


def trust(world: World) -> None:
    """A partner's card is accepted; later it is revoked, and the record is exported."""
    agency = world.agency("P97")
    agency.trust.revoke("URN-999001", reason="the laptop was stolen")
    agency.export(world.folder / "export.db")


ACTS = [share, follow_up, cut_down, decide, trust]


@pytest.fixture
def recorded(world):
    for act in ACTS:
        act(world)
    return carried(world)


def test_no_event_carries_a_label_that_is_not_declared_for_it(recorded):
    free = {label.name for label in LABELS if not label.events}
    assert {name: events - DECLARED[name] for name, events in recorded.items() if name not in free} == {
        name: set() for name in recorded if name not in free
    }


def test_every_label_is_carried_by_the_events_that_are_declared_for_it(recorded):
    happened = recorded["event"] - {"genesis"}  # which is made with the ledger, not by an act
    missing = {name: events & happened - recorded[name] for name, events in DECLARED.items()}
    assert {name: events for name, events in missing.items() if events} == {}
