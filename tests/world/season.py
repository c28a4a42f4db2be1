"""A season of a fictional council: exchanges over some months as its people and partners made them, good and bad.

Everything is decided by a seed, so that a season comes out the same; only keys and nonces differ.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sharekit import Agency
from sharekit.errors import ShareError
from world.agencies import World, example

COUNCIL, HOSPITAL, OTHER_HOSPITAL, POLICE, SCHOOL = "E10999001", "ZZQ01", "ZZQ02", "P97", "URN-999001"
WRITTEN = datetime(2026, 11, 27, 13, 0, tzinfo=UTC)  # when the worked examples can be sealed
EARLIER = {
    "safeguarding-referral": datetime(2026, 11, 26, 14, 0, tzinfo=UTC),
    "decision-not-to-share": datetime(2026, 11, 12, 0, 0, tzinfo=UTC),
}
BOILERPLATE = ["Sharing is necessary and proportionate in this case"]
_FORMS = {7: "%Y-%m", 10: "%Y-%m-%d", 20: "%Y-%m-%dT%H:%M:%SZ"}
_DATE = re.compile(r"2026-[0-9]{2}(-[0-9]{2}(T[0-9:]+Z)?)?\Z")


def moved(value: Any, days: int) -> Any:
    """JSON with every date of 2026 that many days later."""
    if isinstance(value, dict):
        return {name: moved(item, days) for name, item in value.items()}
    if isinstance(value, list):
        return [moved(item, days) for item in value]
    if isinstance(value, str) and _DATE.match(value):
        form = _FORMS[len(value)]
        return (datetime.strptime(value, form) + timedelta(days=days)).strftime(form)
    return value


class Season:
    """The council and its partners, from `start` on; `play` makes so many exchanges, spread over `days`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, seed: int = 7) -> None:
        self.random, self.world = random.Random(seed), World(folder, monkeypatch)
        self.now = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("world.agencies.INIT", "2026-07-01T08:00:00Z")
            for org_id in (COUNCIL, HOSPITAL, OTHER_HOSPITAL, POLICE, SCHOOL):
                self.world.agency(org_id, person="Dana XXTEST-Okell", role="social-worker")
        self.kinds: list[tuple[int, Callable[[], None]]] = [
            (30, self.flag),
            (20, self.enquiry),
            (12, self.question),
            (22, self.referral),
            (6, self.refusal),
            (4, self.emergency),
            (6, self.look_up),
        ]

    @property
    def council(self) -> Agency:
        return self.world.agency(COUNCIL)

    def play(self, exchanges: int, *, days: int) -> None:
        """Make the exchanges; some of them are refused, as they should be."""
        weights, acts = zip(*self.kinds, strict=True)
        begun = self.now
        for number in range(exchanges):
            self.later(max(timedelta(), begun + timedelta(days=days) / exchanges * number - self.now))
            self.random.choices(acts, weights)[0]()
            if number % 30 == 29:
                self.attest(HOSPITAL)
        self.later(timedelta(days=3))

    def later(self, span: timedelta) -> None:
        self.now += span
        self.world.at(self.now.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def close(self) -> None:
        for agency in self.world.agencies.values():
            agency.close()

    # --- what happens ---

    def flag(self) -> None:
        to = self.random.choice([[HOSPITAL], [OTHER_HOSPITAL], [HOSPITAL, OTHER_HOSPITAL]])
        packet = self.seal(COUNCIL, "cp-is-flag", to)
        for org_id in to if packet else ():
            self.answer(packet, org_id, "safeguarding.status-flag", confirm={"date_of_birth": "2019-03-14"})

    def enquiry(self) -> None:
        if packet := self.seal(COUNCIL, "strategy-s47", [POLICE], self.agreement):
            purpose = self.random.choice([*["safeguarding.s47-enquiry"] * 5, "crime.investigation", "other.media"])
            self.answer(packet, POLICE, purpose, basis="art6-1-e", art10="art10-official-authority")

    def question(self) -> None:
        if packet := self.seal(COUNCIL, "request-for-information", [HOSPITAL], self.agreement):
            self.answer(packet, HOSPITAL, "safeguarding.s47-enquiry", basis="art6-1-e")

    def referral(self) -> None:
        if packet := self.seal(SCHOOL, "safeguarding-referral", [COUNCIL]):
            purpose = self.random.choice([*["safeguarding.referral"] * 6, "safeguarding.strategy", "education.support"])
            self.answer(packet, COUNCIL, purpose, basis="art6-1-e", art9="art9-2-g+sch1-p18")

    def refusal(self) -> None:
        """A decision not to share, which somebody discusses sooner or later, or never."""
        decision = moved(example("decision-not-to-share")[0], self.days(EARLIER["decision-not-to-share"]))
        told = self.random.random() < 0.5
        if not told:
            del decision["discussed_with_requester"]
        for part in ("contact", "escalation_route", "local_child_ref"):
            decision.pop(part, None)
        if self.random.random() < 0.4:
            decision["facts"] = BOILERPLATE[0]
        recorded = self.tried(lambda: self.council.decisions.record(decision))
        if recorded and not told and self.random.random() < 0.5:
            self.later(timedelta(hours=2))
            on = self.now.strftime("%Y-%m-%d")
            self.council.decisions.discuss(recorded.decision, with_="Duty worker", on=on, outcome="They understood why")

    def emergency(self) -> None:
        if packet := self.seal(SCHOOL, "safeguarding-referral", [COUNCIL]):
            use = {"break_glass": True, "reason": "A child was brought in unconscious", "basis": "art6-1-d"}
            self.tried(lambda: self.council.open(packet, purpose="health.direct-care.urgent", **use))
            if self.random.random() < 0.6:
                self.later(timedelta(hours=20))
                for action in self.council.record.open_actions():
                    if action.kind == "emergency-opening-review":
                        self.council.decisions.done(action.id.hex(), outcome="It was right to open it")

    def look_up(self) -> None:
        number = self.random.choice(["9990001006", "9990002118"])
        self.tried(lambda: self.council.lookups.about("nhs", number, limit=5))

    def attest(self, org_id: str) -> None:
        """A partner cosigns the council's newest checkpoint."""
        partner = self.world.agency(org_id)
        taken = partner.receive(self.council.witness.send_checkpoint(org_id).read_bytes())
        if taken.receipt:
            self.council.receive(taken.receipt.read_bytes())

    # --- how ---

    def days(self, written: datetime = WRITTEN) -> int:
        return (self.now - written).days

    def seal(
        self, org_id: str, name: str, to: list[str], change: Callable[[dict[str, Any]], None] | None = None
    ) -> bytes | None:
        data, terms = moved([*example(name)], self.days(EARLIER.get(name, WRITTEN)))
        if self.random.random() < 0.5:
            terms["known_at"] = self.ago(self.random.expovariate(1 / 9))
        if self.random.random() < 0.3:
            terms["decision"]["reasons"] = BOILERPLATE
        if change:
            change(terms)
        return self.tried(lambda: self.world.agency(org_id).seal(data, terms, to=to))

    def ago(self, hours: float) -> str:
        return (self.now - timedelta(hours=hours, minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def agreement(self, terms: dict[str, Any]) -> None:
        """Agreement as it stands: given, not sought, refused and overridden with or without a second person."""
        mother = terms["agreement"][0]
        status = self.random.choice(["given", "given", "not-sought", "refused", "not-sought"])
        if status != "given":
            reasons = ["parent-reaction-risk", "delay-risks-harm", "immediate-danger", "domestic-abuse-risk"]
            reason = self.random.choice(reasons)
            facts = "She said that she would take Robin away if anybody spoke to the school"
            mother.update(status=status, reason=[reason], facts=facts, wishes="She does not want it shared")
            terms.setdefault("confidentiality", moved([*example("strategy-s47")], self.days())[1]["confidentiality"])
        if status == "refused":
            terms["override"] = {
                "reason_code": "harm-to-others",
                "public_interest": "Two smaller children are at home with him",
                "decided_by": "Lee XXTEST-Varley",
                "countersigned_by": "Noor XXTEST-Hale",
                "wishes_recorded": "She does not want it shared",
                "objector_told": False,
            }
        if status == "given" and self.random.random() < 0.2:
            mother["expires_at"] = self.ago(24 * 40)[:10]

    def answer(self, packet: bytes, org_id: str, purpose: str, **use: Any) -> None:
        """The recipient takes it in, and mostly opens it; its receipts go back."""
        agency = self.world.agency(org_id)
        outbox = agency.home / "outbox"
        before = set(outbox.iterdir())
        if self.random.random() < 0.95:
            self.later(timedelta(minutes=self.random.randrange(5, 120)))
            agency.receive(packet)
        if self.random.random() < 0.85:
            self.later(timedelta(minutes=self.random.randrange(5, 300)))
            self.tried(lambda: agency.open(packet, purpose=purpose, **use))
        sender = self.world.agency(SCHOOL if org_id == COUNCIL else COUNCIL)
        for path in sorted(set(outbox.iterdir()) - before, key=lambda path: path.stat().st_mtime_ns):
            sender.receive(path.read_bytes())
            path.unlink()

    def tried(self, act: Callable[[], Any]) -> Any:
        """What an act gives, or nothing if it is refused."""
        try:
            return act()
        except ShareError as refusal:
            self.refused.append(refusal)
            return None

    @property
    def refused(self) -> list[ShareError]:
        return self.__dict__.setdefault("_refused", [])
