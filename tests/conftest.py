"""The fictional world that tests share: agencies with homes of their own, and the worked examples."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sharekit import Agency, vocabulary

REPOSITORY = Path(__file__).parent.parent
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

    def flag(self, *to: str, **changes: Any) -> bytes:
        """The worked flag, sealed by Fernshire for Quillbrook, or for those named."""
        self.at(FLAG)
        data, terms = example("cp-is-flag")
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


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Nothing in it yet; the clock stands at the time when homes are made."""
    made = World(tmp_path, monkeypatch)
    made.at(INIT)
    yield made
    for agency in made.agencies.values():
        agency.close()


@dataclass(frozen=True)
class Desk:
    """A folder in which two agencies have their homes, and what they exchanged: where commands are run."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def at(self, moment: str | None) -> None:
        if moment is None:
            self.monkeypatch.delenv("SHAREKIT_NOW", raising=False)
        else:
            self.monkeypatch.setenv("SHAREKIT_NOW", moment)

    def write(self, name: str, value: object) -> str:
        """A JSON file in the folder; its name."""
        (self.folder / name).write_text(json.dumps(value))
        return name


CHILD = {"nhs_number": "9991234004", "date_of_birth": "2015-05-05"}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that every desk is a copy of: `larch`, a council, and `elm`, a hospital, and a flag between them."""
    folder = tmp_path_factory.mktemp("desk")
    data, terms = example("cp-is-flag")
    (folder / "flag.json").write_text(json.dumps(data | CHILD))
    (folder / "flag.terms.json").write_text(json.dumps(terms))
    (folder / "words").write_text("correct horse\n")
    with pytest.MonkeyPatch.context() as clock:
        clock.setenv("SHAREKIT_NOW", INIT)
        larch, elm = (
            Agency.create(folder / name, org_id=org_id, org_type=org_type, name=title, phone="01632 960701")
            for name, org_id, org_type, title in (
                ("larch", "E10999002", "local-authority-csc", "Larchmoor Borough Council"),
                ("elm", "ZZQ77", "nhs-acute", "Elm Street H\u00f4pital"),
            )
        )
        larch.trust.add(elm.card())
        elm.trust.add(larch.card())
        clock.setenv("SHAREKIT_NOW", FLAG)
        (folder / "flag.sharekit").write_bytes(larch.seal(data | CHILD, terms, to=["ZZQ77"]))
        for name, agency in (("larch", larch), ("elm", elm)):
            (folder / f"{name}.card").write_bytes(agency.card())
            agency.close()
    return folder


@pytest.fixture
def desk(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk of one's own: the current folder, at the time when the flag was sealed."""
    folder = tmp_path / "desk"
    shutil.copytree(prepared, folder)
    monkeypatch.chdir(folder)
    for name in ("SHAREKIT_HOME", "SHAREKIT_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    made = Desk(folder, monkeypatch)
    made.at(FLAG)
    return made


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server of the tests' own, tests/servers.py; each test makes itself a database on it."""
    from servers import server

    with server() as running:
        yield running
