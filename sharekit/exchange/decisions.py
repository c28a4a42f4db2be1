"""Decisions about sharing, and what has to follow from them: discussion, review, disagreement.

A decision not to share is as much a decision as one to share, and is recorded in the same way: its words in the
vault, sealed and committed to; its codes in the ledger; what is still to be done as open actions. What each step
asks for, which event it is and which actions it ends stand in `schemas/decision*.json`.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sharekit import registry
from sharekit.domain import profile, vocabulary, workdays
from sharekit.domain.validation import Validator
from sharekit.errors import FieldInvalid, GateNotMet, Malformed, NotMinimal, Usage
from sharekit.ledger.entry import Entry
from sharekit.moments import clock_of, latest_of, time_of
from sharekit.record import promises, refusals
from sharekit.record.codes import Matter
from sharekit.record.record import Facts, Record
from sharekit.values import Value, field
from sharekit.vault.actions import Action, Promise

__all__ = ["Decisions", "Recorded", "Step", "Summary"]

PROACTIVE = "proactive"  # nobody had asked, so there is nobody to talk to
SHORTEST = 8  # hex digits by which a decision or an action may be named


class Recorded(Value):
    """What was recorded: the number of the ledger's entry, and what it left to be done."""

    decision: str
    entry: int
    opened: tuple[Action, ...]
    closed: tuple[Action, ...] = ()


class Summary(Value):
    """A decision in codes, as the ledger has it, and what is still to be done about it."""

    decision: str
    entry: int
    time: datetime
    outcome: str | None
    reasons: tuple[str, ...]
    profile: str | None
    purpose: str | None
    open: tuple[Action, ...]


class Step(Value):
    """One thing that happened about a decision, with its words; `repr` shows none of them."""

    entry: int
    time: datetime
    event: str
    words: Mapping[str, Any] = field(repr=False)


class Decisions:
    """The decisions of one agency, and its open actions; whatever has words needs an unlocked vault."""

    def __init__(self, record: Record, clock: Callable[[], datetime]) -> None:
        self._record, self._clock = record, clock

    # --- what is recorded ---

    def record(self, given: object) -> Recorded:
        """Record a decision: words sealed in the vault, codes in the ledger, and what it leaves to be done.

        Raises Malformed, GateNotMet for a reason that the guidance turns down, NotMinimal, FieldMissing, UnknownCode,
        FieldInvalid; a refusal is itself an entry.
        """
        now, number = latest_of(self._clock()), os.urandom(16)
        with refusals.recorded(self._record, now=now):
            decision = _checked(given, now)
        escalated = decision.get("discussed_with_requester", {}).get("escalated")
        known = {**decision, "undiscussed": _is_undiscussed(decision), "escalated": escalated}
        opens = promises.opened_by("decision-recorded", known, number, now=now)
        facts = Facts(
            packet=bytes.fromhex(decision["packet"]) if "packet" in decision else None,
            purpose=decision["considered"]["purpose"],
            profile=decision["considered"]["profile"],
            counterparties=decision.get("organisations", ()),
            identifiers=_kept().identifiers(decision),
            matter=_matter(number, decision),
            rationale=[decision["facts"]],
            promise=Promise({"decision": decision}, opens),
        )
        return Recorded(number.hex(), self._record.append("decision-recorded", facts, now=now), tuple(opens))

    def discuss(self, decision: str, *, with_: str, on: str, outcome: str, escalated: bool | None = None) -> Recorded:
        """A decision was discussed with whoever had asked, which closes that action; they may take it further."""
        said = {"with": with_, "on": on, "outcome": outcome, "escalated": escalated}
        return self._act("discuss", decision, said)

    def escalate(self, decision: str, *, stage: str, outcome: str, again_on: str | None = None) -> Recorded:
        """A professional disagreement about a decision was taken to a stage."""
        return self._act("escalate", decision, {"stage": stage, "outcome": outcome, "again_on": again_on})

    def review(self, decision: str, *, outcome: str, again_on: str | None = None) -> Recorded:
        """A decision was looked at again, which closes its review; `again_on` opens the next."""
        return self._act("review", decision, {"outcome": outcome, "again_on": again_on})

    def _act(self, name: str, decision: str, said: Mapping[str, Any]) -> Recorded:
        now, step, number = latest_of(self._clock()), _step(name), self._number(decision)
        said = step.validator.read({key: value for key, value in said.items() if value is not None})
        step.check(said, now=now)
        closes = [each for each in self._record.open_actions(number) if each.kind in step.ends]
        opens = promises.opened_by(step.event, said, number, now=now)
        matter = Matter(decision=number, stage=said.get("stage"), action=closes[0].kind if closes else None)
        facts = Facts(matter=matter, promise=Promise({"said": said}, opens, closes))
        entry = self._record.append(step.event, facts, now=now)
        return Recorded(number.hex(), entry, tuple(opens), tuple(closes))

    # --- what is still to be done ---

    def overdue(self, *, everything: bool = False) -> list[Action]:
        """What is due, soonest first, or everything that is open; it needs no passphrase."""
        return self._record.open_actions(until=None if everything else self._clock())

    def done(self, action: str, *, outcome: str) -> tuple[Action, int]:
        """Close an open action, of a decision or of a packet: the action, and the number of the entry that says so."""
        _done().check(_done().read({"outcome": outcome}))
        open_ = self._record.open_actions()
        number = _named(action, [each.id for each in open_], what="open action")
        found = next(each for each in open_ if each.id == number)
        packet = found.reference if found.term.more["about"] == "packet" else None
        facts = Facts(
            packet=packet,
            counterparties=[found.party] if found.party else (),
            matter=Matter(decision=None if packet else found.reference, action=found.kind),
            promise=Promise({"said": {"outcome": outcome}}, closes=[found]),
        )
        return found, self._record.append(found.term.more["closes"], facts, now=self._clock())

    def words_of(self, found: Sequence[Action]) -> list[dict[str, Any]]:
        """The words about open actions, which are sealed; that somebody looked is recorded first."""
        self._record.append("consulted", Facts(), now=self._clock())
        return [self._record.vault.actions.words(each) for each in found]

    # --- what is known ---

    def all(self) -> list[Summary]:
        """Every decision, oldest first, in codes; it needs no passphrase."""
        open_, found = self._record.open_actions(), self._record.find(event="decision-recorded")
        return [_summary(seq, entry, open_) for seq, entry in found]

    def show(self, decision: str) -> list[Step]:
        """A decision and what followed, with the words; that somebody looked is recorded first."""
        now, number = self._clock(), self._number(decision)
        self._record.append("consulted", Facts(matter=Matter(decision=number)), now=now)
        steps = (self._step(seq, entry) for seq, entry in self._record.find(decision=number))
        return [step for step in steps if step.event != "consulted"]

    def _step(self, seq: int, entry: Entry) -> Step:
        event = vocabulary.code("ledger-events", entry.event)
        words = self._record.vault.read_detail(entry.nonce) or {}
        if said := words.get("decision"):  # as people read it: the vault has its parts in the order of their names
            words["decision"] = {name: said[name] for name in _schema().schema["properties"] if name in said}
        return Step(seq, time_of(entry.time), event, words)

    def _number(self, decision: str) -> bytes:
        """The number of a decision that is on record, from its hex digits or enough of them; Usage if there is none."""
        found = self._record.find(event="decision-recorded")
        return _named(decision, [entry.decision or b"" for _, entry in found], what="decision")


def _named(text: str, known: Sequence[bytes], *, what: str) -> bytes:
    """The one of `known` that begins with these hex digits."""
    found = {each for each in known if len(text) >= SHORTEST and each.hex().startswith(text.lower())}
    if len(found) != 1:
        hint = "sharekit overdue --all lists what is open" if what != "decision" else "sharekit decide list lists them"
        raise Usage(f"there is no such {what}", hint=hint)
    return found.pop()


# --- what a decision is made of --------------------------------------------------------------------------------


def _checked(given: object, now: datetime) -> dict[str, Any]:
    """The decision, if it is whole, valid, possible at `now`, and rests on reasons."""
    if not isinstance(given, dict):
        raise Malformed("the decision is not a JSON object", hint="docs/decisions.md has one")
    _check_reasons(given.get("reasons"))
    decision: dict[str, Any] = _schema().read(given)
    _schema().check(decision)
    _schema().check_facts(decision)
    _schema().check_times(decision, now=now)
    _check_considered(decision["considered"])
    return decision


def _check_reasons(reasons: object) -> None:
    """Return only if no reason is a belief that the guidance turns down; GateNotMet answers the first that is."""
    known = vocabulary.load("refusal-reasons")
    for position, code in enumerate(reasons if isinstance(reasons, list) else ()):
        term = known[code] if isinstance(code, str) and code in known else None
        if term and term.more.get("rejected"):
            raise GateNotMet(
                f'decision: "reasons.{position}" is a belief that the guidance turns down, and no reason',
                hint=term.more["answer"],
                rule=term.more["rule"],
                source=term.source,
            )


def _check_considered(considered: Mapping[str, Any]) -> None:
    """Return only if what was considered are fields of the profile: nothing else can be said there."""
    kind = profile.load(considered["profile"])
    for position, path in enumerate(considered["fields"]):
        if not kind.has(path):
            raise NotMinimal(
                f'decision: "considered.fields.{position}" is no field of that profile',
                hint="name fields, and nothing of what they hold; sharekit profiles show NAME lists them",
            )


def _is_undiscussed(decision: Mapping[str, Any]) -> bool:
    """Whether somebody who had asked does not get all of it, and has not been told."""
    partly = vocabulary.load("decisions")[decision["outcome"]].more.get("discuss", False)
    return partly and decision["request_ref"] != PROACTIVE and "discussed_with_requester" not in decision


def _matter(number: bytes, decision: Mapping[str, Any]) -> Matter:
    return Matter(
        decision=number,
        decided=decision["outcome"],
        reasons=decision.get("reasons", ()),
        agreement=[decision["agreement_status"]] if "agreement_status" in decision else (),
        undiscussed=_is_undiscussed(decision),
    )


def _summary(seq: int, entry: Entry, open_: Sequence[Action]) -> Summary:
    profiles = {profile.load(name).number: name for name in profile.names()}
    return Summary(
        (entry.decision or b"").hex(),
        seq,
        time_of(entry.time),
        vocabulary.code("decisions", entry.decided),
        tuple(vocabulary.codes("refusal-reasons", entry.reasons)),
        profiles.get(entry.profile) if entry.profile is not None else None,
        vocabulary.code("purposes", entry.purpose),
        tuple(each for each in open_ if each.reference == entry.decision),
    )


# --- the schemas -----------------------------------------------------------------------------------------------


class _Kind(Value):
    """A step about a decision: which event it is, which actions it ends, and what is said."""

    event: str
    ends: frozenset[str]
    validator: Validator

    def check(self, said: Mapping[str, Any], *, now: datetime) -> None:
        self.validator.check(said)
        self.validator.check_times(said, now=now)
        for path, _, text in self.validator.places("x-to-come").found(said):
            if date.fromisoformat(text) <= workdays.day_of(clock_of(now)):
                raise FieldInvalid(f'the step: "{path[0]}" is not a day to come')


@functools.cache
def _step(name: str) -> _Kind:
    document = registry.document("decision", name)
    return _Kind(document["x-event"], frozenset(document["x-ends"]), Validator(document, what="the step"))


@functools.cache
def _schema() -> Validator:
    """The schema of a decision: the parts of the profile that it extends, and its own."""
    own = registry.document("decision")
    inherited = registry.document("profile", own["x-extends"])["properties"]
    return Validator({**own, "properties": {**inherited, **own["properties"]}}, what="decision")


@functools.cache
def _done() -> Validator:
    return Validator(registry.document("action", "done"), what="the action")


def _kept() -> profile.Profile:
    return profile.load(registry.document("decision")["x-extends"])
