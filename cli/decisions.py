"""`decide`, `overdue`, `advice-brief`: decisions either way, what is still to be done, and advice without a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import output, session

if TYPE_CHECKING:
    from sharekit import Action, Agency, Recorded, Step, Summary


class Deciding(session.Group):
    """`decide FILE` means `decide record FILE`: what is no subcommand, and looks like a file, is one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        first = args[0]
        is_file = first == "-" or not re.fullmatch(r"[a-z]+", first) or Path(first).is_file()
        if self.get_command(ctx, first) is None and is_file:
            args = ["record", *args]
        return super().resolve_command(ctx, args)


@click.group("decide", cls=Deciding)
def decide_command() -> None:
    """Record a decision to share, not to share or to wait, and what follows from it.

    `sharekit decide RECORD` is short for `sharekit decide record RECORD`.

    \b
    Example:
        sharekit decide not-shared.json
        sharekit decide discuss 5f1c0a9e --with "early help hub" --on 2026-11-11 --outcome "they agree"
        sharekit decide review 5f1c0a9e --outcome "nothing has changed" --again-on 2026-12-08
    """


@decide_command.command("record")
@click.argument("record")
def record(record: str) -> None:
    """Record the decision that RECORD holds, a JSON file; docs/decisions.md says what goes in.

    \b
    Example:
        sharekit decide record not-shared.json
    """
    given = session.read_json(record, what="RECORD")
    with session.agency(unlocked=True) as agency:
        recorded = agency.decisions.record(given)
    _told(recorded, f"decision {recorded.decision}")


@decide_command.command("discuss")
@click.argument("decision")
@click.option("--with", "with_", required=True, metavar="ROLE", help="With whom: a role.")
@click.option("--on", required=True, metavar="DATE", help="When.")
@click.option("--outcome", type=session.Words(), metavar="TEXT", help="What came of it; without, it asks.")
@click.option("--escalated", is_flag=True, help="They do not agree, and take it further.")
def discuss(decision: str, with_: str, on: str, outcome: str | None, escalated: bool) -> None:
    """A DECISION was discussed with whoever had asked.

    \b
    Example:
        sharekit decide discuss 5f1c0a9e --with "early help hub" --on 2026-11-11 --outcome "they agree"
    """
    words = session.secret("outcome", outcome)
    with session.agency(unlocked=True) as agency:
        recorded = agency.decisions.discuss(decision, with_=with_, on=on, outcome=words, escalated=escalated or None)
    _told(recorded, f"discussed decision {recorded.decision}")


@decide_command.command("escalate")
@click.argument("decision")
@click.option("--stage", required=True, metavar="STAGE", help="1 to 4: sharekit vocab dispute-stages.")
@click.option("--outcome", type=session.Words(), metavar="TEXT", help="What came of it; without, it asks.")
@click.option("--again-on", metavar="DATE", help="By when it is to be resolved or taken further.")
def escalate(decision: str, stage: str, outcome: str | None, again_on: str | None) -> None:
    """A professional disagreement about a DECISION was taken to a stage.

    \b
    Example:
        sharekit decide escalate 5f1c0a9e --stage 2 --outcome "the managers meet" --again-on 2026-12-01
    """
    words = session.secret("outcome", outcome)
    with session.agency(unlocked=True) as agency:
        recorded = agency.decisions.escalate(decision, stage=stage, outcome=words, again_on=again_on)
    _told(recorded, f"disagreement about decision {recorded.decision} taken to stage {stage}")


@decide_command.command("review")
@click.argument("decision")
@click.option("--outcome", type=session.Words(), metavar="TEXT", help="What came of it; without, it asks.")
@click.option("--again-on", metavar="DATE", help="When it is looked at once more.")
def review(decision: str, outcome: str | None, again_on: str | None) -> None:
    """A DECISION was looked at again.

    \b
    Example:
        sharekit decide review 5f1c0a9e --outcome "nothing has changed" --again-on 2026-12-08
    """
    words = session.secret("outcome", outcome)
    with session.agency(unlocked=True) as agency:
        recorded = agency.decisions.review(decision, outcome=words, again_on=again_on)
    _told(recorded, f"reviewed decision {recorded.decision}")


def _told(recorded: Recorded, what: str) -> None:
    opened = [_action_told(action) for action in recorded.opened]
    closed = [action.id.hex() for action in recorded.closed]
    told: dict[str, Any] = {"decision": recorded.decision, "entry": recorded.entry, "actions": opened, "closed": closed}
    lines = [f"recorded: {what}", f"recorded as entry {recorded.entry}"]
    lines += [f"closed: {action.kind} {action.id.hex()}" for action in recorded.closed]
    lines += [line for action in opened for line in _action_lines(action)]
    output.result(told, lines, as_json=session.wants_json())


@decide_command.command("list")
def list_() -> None:
    """Every decision on record, in codes, with what is still to be done; it needs no passphrase.

    \b
    Example:
        sharekit decide list
    """
    with session.agency() as agency:
        found = agency.decisions.all()
    rows = [_summary_row(each) for each in found]
    lines = ["  ".join(filter(None, row)) for row in rows] or ["no decision is on record"]
    listing = output.Listing(("decision", "when", "outcome", "reasons", "to do"), rows, lines)
    output.result({"decisions": [_summary_told(each) for each in found]}, [listing], as_json=session.wants_json())


def _summary_told(found: Summary) -> dict[str, Any]:
    return {
        "decision": found.decision,
        "entry": found.entry,
        "time": output.moment(found.time),
        "outcome": found.outcome,
        "reasons": list(found.reasons),
        "profile": found.profile,
        "purpose": found.purpose,
        "actions": [_action_told(action) for action in found.open],
    }


def _summary_row(found: Summary) -> list[str]:
    open_ = ", ".join(action.kind for action in found.open)
    words = [found.decision, output.moment(found.time), found.outcome or "", ", ".join(found.reasons)]
    return [*words, f"open: {open_}" if open_ else ""]


@decide_command.command("show")
@click.argument("decision")
@click.option("-o", "out", default="-", metavar="FILE", help="Where to write it as JSON; without, it is printed.")
def show(decision: str, out: str) -> None:
    """A DECISION with its words, and what followed; that somebody looked is itself recorded.

    \b
    Example:
        sharekit decide show 5f1c0a9e
    """
    import json

    if out == "-":
        with session.agency(unlocked=True) as agency:
            steps = agency.decisions.show(decision)
        output.result(_steps_told(steps), _steps_lines(steps), as_json=session.wants_json())
        return
    with session.destination(out, what="the decision") as deliver, session.agency(unlocked=True) as agency:
        deliver(json.dumps(_steps_told(agency.decisions.show(decision)), ensure_ascii=False, indent=2).encode() + b"\n")
    output.result({"path": out}, [f"written to {out}"], as_json=session.wants_json())


def _steps_told(steps: list[Step]) -> dict[str, Any]:
    return {
        "steps": [
            {"entry": step.entry, "time": output.moment(step.time), "event": step.event, **step.words} for step in steps
        ]
    }


def _steps_lines(steps: list[Step]) -> Iterator[str]:
    for step in steps:
        yield f"{output.moment(step.time)}  {step.event}  entry {step.entry}"
        for name, words in step.words.items():
            yield from (f"    {part}: {text}" for part, text in _flat(name, words))


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Every value in it, with its dotted name; what is all of it needs no name."""
    if isinstance(value, dict):
        for inner, item in value.items():
            yield from _flat(inner if name in ("decision", "said") else f"{name}.{inner}", item)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _flat(name if isinstance(item, str) else f"{name}.{position}", item)
    else:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


@click.group("overdue", cls=session.Group, invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="Also what is open and not due yet.")
@click.option("--words", is_flag=True, help="Also the words about each, which are sealed; it needs the passphrase.")
@click.pass_context
def overdue_command(context: click.Context, everything: bool, words: bool) -> None:
    """What is due: reviews, discussions, and what a partner was to do; soonest first.

    It needs no passphrase, and exits 0 whether something is due or not.

    \b
    Example:
        sharekit overdue
        sharekit overdue done 8a61c0f2 --outcome "the mother was told today"
    """
    if context.invoked_subcommand is not None:
        return
    with session.agency(unlocked=words) as agency:
        found = agency.decisions.overdue(everything=everything)
        told = [{**_action_told(action), **_party(agency, action)} for action in found]
        if words:
            said = agency.decisions.words_of(found)
            told = [{**each, "words": about} for each, about in zip(told, said, strict=True)]
    lines = [line for each in told for line in _action_lines(each)]
    nothing = "nothing is open" if everything else "nothing is due"
    rows = [] if words else [_action_row(each) for each in told]  # words are sentences: they need their own lines
    listing = output.Listing(("due", "what", "of", "with", "to do"), rows, lines or [nothing])
    output.result({"actions": told}, [listing], as_json=session.wants_json())


@overdue_command.command("done")
@click.argument("action")
@click.option("--outcome", type=session.Words(), metavar="TEXT", help="What came of it; without, it asks.")
def done(action: str, outcome: str | None) -> None:
    """Close an open ACTION, of a decision or of a packet, on the record.

    \b
    Example:
        sharekit overdue done 8a61c0f2 --outcome "the mother was told today"
    """
    words = session.secret("outcome", outcome)
    with session.agency(unlocked=True) as agency:
        closed, entry = agency.decisions.done(action, outcome=words)
    told = {**_action_told(closed), "entry": entry}
    lines = [f"closed: {closed.kind} {closed.id.hex()}", f"recorded as entry {entry}"]
    output.result(told, lines, as_json=session.wants_json())


def _action_told(action: Action) -> dict[str, Any]:
    from sharekit import day_of

    reference, about = action.reference.hex(), action.term.more["about"]
    return {
        "action": action.id.hex(),
        "kind": action.kind,
        "due": output.moment(action.due),
        "on": day_of(action.due).isoformat(),
        "decision": reference if about == "decision" else None,
        "packet": reference if about == "packet" else None,
        "party": action.party,
        "todo": action.term.more["todo"].format(reference=reference, action=action.id.hex()),
    }


def _party(agency: Agency, action: Action) -> dict[str, Any]:
    """Whom to telephone, where it is another organisation that was to do something."""
    if action.party is None:
        return {}
    cards = [pin.card for pin in agency.trust if pin.card.org_id == action.party and not pin.revoked]
    numbers = [number for card in cards[-1:] for number in (card.phone, card.out_of_hours_phone) if number]
    return {"name": cards[-1].name if cards else None, "phones": numbers}


def _action_row(told: dict[str, Any]) -> list[str]:
    return [told["on"], f"{told['kind']}  action {told['action']}", _about(told), _with(told), told["todo"]]


def _about(told: dict[str, Any]) -> str:
    return f"decision {told['decision']}" if told["decision"] else f"packet {told['packet']}"


def _with(told: dict[str, Any]) -> str:
    """Whom to telephone; empty where no other organisation has to do anything."""
    if not told["party"]:
        return ""
    who = ", ".join([told["party"], *filter(None, [told.get("name")])])
    return f"{who}: {' or out of hours '.join(told.get('phones') or ['no telephone number known'])}"


def _action_lines(told: dict[str, Any]) -> Iterator[str]:
    yield f"{told['on']}  {told['kind']}  {_about(told)}  action {told['action']}"
    if told["party"]:
        yield f"    with {_with(told)}"
    for name, words in told.get("words", {}).items():
        yield f"    {name.replace('_', ' ')}: {', '.join(words) if isinstance(words, list) else words}"
    yield f"    {told['todo']}"


@click.command("advice-brief", cls=session.Command)
@click.argument("data")
@click.option("--terms", metavar="TERMS", help="What the sender has decided so far: a JSON file.")
@click.option("--profile", "kind", metavar="NAME", help="What kind of data it is, where there are no terms yet.")
@click.option("--role", required=True, metavar="ROLE", help="Whose advice is sought: sharekit vocab advice-roles.")
@click.option("--identity-disclosed", "disclosed", is_flag=True, help="The adviser is told who the child is anyway.")
@click.option("--reason", type=session.Words(), metavar="TEXT", help="Why that is needed; it is kept sealed.")
@click.option("-o", "out", default="-", metavar="FILE", help="Where it goes; a .json file gets JSON.")
def advice_brief_command(
    data: str, terms: str | None, kind: str | None, role: str, disclosed: bool, reason: str | None, out: str
) -> None:
    """A brief about the child in DATA that does not say who it is, for a consultation line; on the record.

    What was left out is named at its end. Read it before you read it out: a name that stands in none of the data's
    fields is not found.

    \b
    Example:
        sharekit advice-brief referral.json --profile NAME --role csc-consultation-line -o brief.txt
    """
    import json

    from sharekit import json_shown, shown

    dataset, decided = session.read_json(data, what="DATA"), _terms(terms, kind)
    more: dict[str, Any] = {"disclosed": disclosed, "reason": reason, "terms": decided}
    more["kind"] = kind or decided.get("profile", "")
    if out == "-" and session.wants_json():
        with session.agency(unlocked=True) as agency:
            brief, entry = agency.advice.brief(dataset, role=role, **more)
        output.result({"entry": entry, "path": None, "brief": brief.json()}, [], as_json=True)
        return
    with session.destination(out, what="the brief") as deliver, session.agency(unlocked=True) as agency:
        brief, entry = agency.advice.brief(dataset, role=role, **more)
        as_json = json_shown(json.dumps(brief.json(), ensure_ascii=False, indent=2)) + "\n"
        deliver((as_json if out.endswith(".json") else shown(brief.text())).encode())
    if out != "-":
        told = {"entry": entry, "path": out, "people": list(brief.people), "left_out": list(brief.left_out)}
        lines = [f"recorded as entry {entry}: advice sought from {role}", f"written to {out}"]
        output.result(told, lines, as_json=session.wants_json())


def _terms(terms: str | None, kind: str | None) -> dict[str, Any]:
    from sharekit.errors import Malformed, Usage

    if (terms is None) == (kind is None):
        raise Usage("what kind of data it is, is not said", hint="give --terms TERMS or --profile NAME, one of them")
    found = session.read_json(terms, what="TERMS") if terms else {}
    if not isinstance(found, dict) or not isinstance(found.get("profile", ""), str):
        raise Malformed("the terms are not a JSON object", hint="see docs/examples for complete terms")
    return found
