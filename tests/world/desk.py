"""A desk at which commands are typed: two agencies with homes in one folder, and a flag that went between them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from sharekit import Agency
from world.agencies import FLAG, INIT, example
from world.commands import sharekit

AGENCIES = {
    "larch": ("E10999002", "local-authority-csc", "Larchmoor Borough Council"),
    "elm": ("ZZQ77", "nhs-acute", "Elm Street H\u00f4pital"),
}
CHILD = {"nhs_number": "9991234004", "date_of_birth": "2015-05-05"}
NUMBER, BORN = CHILD["nhs_number"], CHILD["date_of_birth"]
PURPOSE = "safeguarding.status-flag"
SEAL = ("seal", "flag.json", "--terms", "flag.terms.json", "--home", "larch", "--to", "ZZQ77", "-o")
TO_OPEN = ("open", "flag.sharekit", "--home", "elm", "--purpose", PURPOSE)
OPEN = (*TO_OPEN, "--confirm", f"date_of_birth={BORN}", "-o")
OAK = ("--org-id", "URN-999777", "--org-type", "school", "--name", "Oak School", "--phone", "01632 960778")


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


def furnish(folder: Path) -> None:
    """Put on a desk what every desk has: `larch`, a council, and `elm`, a hospital, and a flag between them."""
    data, terms = example("cp-is-flag")
    (folder / "flag.json").write_text(json.dumps(data | CHILD))
    (folder / "flag.terms.json").write_text(json.dumps(terms))
    (folder / "words").write_text("correct horse\n")
    (folder / "words").chmod(0o600)
    with pytest.MonkeyPatch.context() as clock:
        clock.setenv("SHAREKIT_NOW", INIT)
        larch, elm = (
            Agency.create(folder / home, org_id=org_id, org_type=org_type, name=name, phone="01632 960701")
            for home, (org_id, org_type, name) in AGENCIES.items()
        )
        larch.trust.add(elm.card())
        elm.trust.add(larch.card())
        clock.setenv("SHAREKIT_NOW", FLAG)
        (folder / "flag.sharekit").write_bytes(larch.seal(data | CHILD, terms, to=[elm.org_id]))
    for home, agency in zip(AGENCIES, (larch, elm), strict=True):
        (folder / f"{home}.card").write_bytes(agency.card())
        agency.close()


def events(home: str) -> list[str]:
    """The events in the ledger of a home, oldest first, as the command line lists them."""
    return [entry["event"] for entry in sharekit("ledger", "log", "--home", home, "--json").json["entries"]]
