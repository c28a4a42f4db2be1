"""The fictional world that tests share: agencies with homes of their own, and the worked examples."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sharekit import Agency
from sharekit.domain import vocabulary
from world.console import REPOSITORY

EXAMPLES = REPOSITORY / "docs" / "examples"
INIT, REFERRAL, FLAG = "2026-11-26T09:00:00Z", "2026-11-26T13:45:00Z", "2026-11-27T09:05:00Z"
CONFIRM = {"date_of_birth": "2019-03-14"}
ABOUT = {
    "E10999001": ("local-authority-csc", "Fernshire County Council", "01632 960101"),
    "ZZQ01": ("nhs-acute", "Quillbrook University Hospitals", "01632 960301"),
    "URN-999001": ("school", "Larkmoor Primary Academy", "01632 960501"),
    "P97": ("police", "Harrowmere Police", "01632 960401"),
    "ZZQ02": ("nhs-acute", "Thornquay Hospital", "01632 960302"),
}


def example(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """DATA and TERMS of a worked example, fresh to be changed."""
    data, terms = (json.loads((EXAMPLES / f"{name}{end}").read_text()) for end in (".json", ".terms.json"))
    return copy.deepcopy(data), copy.deepcopy(terms)


@dataclass
class World:
    """Agencies that trust each other, made when they are first asked for; `at` sets the clock of all of them."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    agencies: dict[str, Agency] = field(default_factory=dict)

    def at(self, moment: str) -> None:
        self.monkeypatch.setenv("SHAREKIT_NOW", moment)

    def agency(self, org_id: str, **about: Any) -> Agency:
        if org_id not in self.agencies:
            org_type, name, phone = ABOUT[org_id]
            with pytest.MonkeyPatch.context() as clock:
                clock.setenv("SHAREKIT_NOW", INIT)
                made = Agency.create(
                    self.folder / org_id, org_id=org_id, org_type=org_type, name=name, phone=phone, **about
                )
                for other in self.agencies.values():
                    other.trust.add(made.card())
                    made.trust.add(other.card())
            self.agencies[org_id] = made
        return self.agencies[org_id]

    @property
    def fernshire(self) -> Agency:
        return self.agency("E10999001")

    @property
    def quillbrook(self) -> Agency:
        return self.agency("ZZQ01")

    @property
    def larkmoor(self) -> Agency:
        return self.agency("URN-999001")

    def flag(self, *to: str, ended: str | None = None, **changes: Any) -> bytes:
        """The worked flag, sealed by Fernshire for Quillbrook, or for those named; of a plan that `ended` on a day."""
        self.at(FLAG)
        data, terms = example("cp-is-flag")
        if ended:
            data["plan_end"], changes["need"] = ended, terms.get("need", {}) | {"plan_end": "It has ended of late"}
        sender, recipients = self.fernshire, to or ("ZZQ01",)
        for org_id in recipients:
            self.agency(org_id)
        return sender.seal(data, terms | changes, to=list(recipients))

    def referral(self, **changes: Any) -> bytes:
        """The worked referral, sealed by the school for Fernshire."""
        self.at(REFERRAL)
        data, terms = example("safeguarding-referral")
        sender, recipient = self.larkmoor, self.fernshire
        return sender.seal(data, terms | changes, to=[recipient.org_id])

    def events(self, org_id: str, *, receipts: bool = False) -> list[str]:
        """The names of the events in an agency's ledger, oldest first; without those of sealing a receipt."""
        events = vocabulary.load("ledger-events")
        found = [(events.by_number(entry.event).code, entry) for _, entry in self.agencies[org_id].entries()]
        return [name for name, entry in found if receipts or name != "sealed" or entry.profile is not None]

    def outbox(self, org_id: str) -> list[bytes]:
        """The packets that wait in an agency's outbox, oldest first."""
        paths = sorted((self.agencies[org_id].home / "outbox").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return [path.read_bytes() for path in paths]
