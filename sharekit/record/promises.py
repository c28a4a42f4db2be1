"""What an event leaves to be done, and when it is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sharekit.domain import vocabulary, workdays
from sharekit.domain.validation import values_at
from sharekit.domain.vocabulary import Term
from sharekit.policy.decide import Verdict
from sharekit.vault.actions import Action, Promise

__all__ = ["of_opening", "of_receipt", "of_share", "opened_by"]


def of_share(
    terms: Mapping[str, Any], packet: bytes, recipients: Sequence[str], *, owed: Sequence[str] = (), now: datetime
) -> Promise | None:
    """What a sealed packet leaves to be done, for its entry; None if nothing.

    `terms` is its terms as JSON, `packet` its number, `recipients` the ids of organisations, and `owed` what is still
    missing in the record of an urgent share.
    """
    opens = opened_by("sealed", {**terms, "owed": list(owed)}, packet, parties=recipients, now=now)
    return Promise(opens=opens) if opens else None


def of_opening(verdict: Verdict, packet: bytes, *, now: datetime) -> Promise | None:
    """What opening a packet leaves to be done: an emergency is reviewed, a court's order is looked at. Or None."""
    value = {verdict.outcome: True, "ordered": verdict.is_ordered, "number": verdict.use.reason}
    opens = opened_by("opened", value, packet, now=now)
    return Promise(opens=opens) if opens else None


def of_receipt(event: str, party: str, found: Sequence[Action]) -> Promise | None:
    """What a partner's receipt about an event settles of `found`, the open actions about its packet; or None."""
    closes = [each for each in found if each.party == party and event in each.term.more.get("receipts", ())]
    return Promise(closes=closes) if closes else None


def opened_by(
    event: str, value: Mapping[str, Any], reference: bytes, *, now: datetime, parties: Sequence[str] = ()
) -> list[Action]:
    """The actions that an event opens about a packet or a decision with the number `reference`, soonest first.

    `value` is what is known of it, as JSON; `parties` are the organisations of which every one is to do something.
    """
    found = (
        Action(term.code, due, reference, party, _words(term, value))
        for term in vocabulary.load("action-kinds")
        if event in term.more["begins"]
        for due in _moments(term.more["due"], value, now)
        for party in (parties if "each" in term.more else (None,))
    )
    return sorted(found, key=lambda action: action.due)


def _words(term: Term, value: Mapping[str, Any]) -> dict[str, Any]:
    """The parts that its kind keeps with an action, by the last name of their path."""
    paths = [path.split(".") for path in term.more.get("words", ())]
    return {path[-1]: said for path in paths for said in values_at(value, path)}


def _moments(rules: Sequence[Mapping[str, Any]], value: Mapping[str, Any], now: datetime) -> list[datetime]:
    """What the first rule that gives a time gives."""
    return next(filter(None, (list(_given(rule, value, now)) for rule in rules)), [])


def _given(rule: Mapping[str, Any], value: Mapping[str, Any], now: datetime) -> Iterator[datetime]:
    if "if" in rule and not value.get(rule["if"]):
        return
    if "path" in rule:
        yield from map(_moment, values_at(value, rule["path"].split(".")))
    elif "condition" in rule:
        conditions = (each for each in value.get("handling", ()) if isinstance(each, Mapping))
        yield from (_moment(each["at"]) for each in conditions if each["code"] == rule["condition"])
    else:
        yield _later(rule, now)


def _later(rule: Mapping[str, Any], now: datetime) -> datetime:
    if "hours" in rule:
        return now + timedelta(hours=rule["hours"])
    return workdays.start_of(workdays.working_day_after(workdays.day_of(now), rule["working_days"]))


def _moment(text: str) -> datetime:
    """A time, or the beginning of a day: from then on there is something to do."""
    return workdays.beginning(text).astimezone(UTC)
