"""`seal`, `inspect`, `verify`, `open`: the main job."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import output, session
from .receipts import receipt_path, warnings

if TYPE_CHECKING:
    from sharekit import Agency, Card, Packet, Replacement, Sealed, Share, Statement

NEW = "new.sharekit"  # until a packet in a folder is named by its number
ASSESSMENT = 256 * 1024  # bytes: five texts


@click.command("seal", cls=session.Command)
@click.argument("data")
@click.option("--terms", required=True, metavar="TERMS", help="What the sender decided: a JSON file.")
@click.option("--to", required=True, multiple=True, metavar="ORG", help="A recipient; may be given again.")
@click.option("--minimise", is_flag=True, help="Leave out what the purpose does not permit, and say what.")
@click.option("--classical", is_flag=True, help="For classical keys: not safe from a quantum computer.")
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@click.option("-o", "out", required=True, metavar="PACKET|DIRECTORY", help="Where the packet goes.")
def seal_command(
    data: str, terms: str, to: tuple[str, ...], minimise: bool, classical: bool, force: bool, out: str
) -> None:
    """Seal DATA under TERMS for one or more agencies, on the record.

    A file that is there already stays as it is, and nothing is sealed, unless --force is given.

    \b
    Example:
        sharekit seal flag.json --terms flag.terms.json --to ZZQ01 -o flag.sharekit
    """
    from sharekit.errors import Usage

    if out == "-" and output.is_terminal():
        raise Usage("a packet is not for a terminal", hint="name a file with -o")
    dataset, decided = session.read_json(data, what="DATA"), session.read_json(terms, what="TERMS")
    with session.agency(unlocked=True) as agency, _packet_place(out, force=force) as place:
        fields = agency.sending.minimise(dataset, decided) if minimise else dataset
        sealed = agency.seal(fields, decided, to, classical=classical)
        path = _deliver(agency, sealed, place, out, force=force)
    for finding in sealed.findings:
        output.say(f"{finding.severity}: {finding.rule}: {finding.message}\n    way through: {finding.way_through}")
    lines = [f"sealed {sealed.id} for {', '.join(sealed.recipients)}", f"recorded as entry {sealed.entry}"]
    lines += [f"left out: {', '.join(sealed.left_out)}"] if sealed.left_out else []
    if path:
        output.result(_sealed_told(sealed, path), [*lines, f"packet: {path}"], as_json=session.wants_json())


@contextlib.contextmanager
def _packet_place(out: str, *, force: bool) -> Iterator[Replacement | None]:
    """Where the packet will go, tried before anything is sealed; None for standard output."""
    from sharekit.agency import files
    from sharekit.errors import OutputUnwritable

    if out == "-":
        session.refuse_both("the packet")
        yield None
        return
    path = session.place(out)
    if os.path.lexists(path) and not os.path.isdir(path) and not force:
        hint = "nothing was sealed: name another file with -o, or add --force to replace it"
        raise OutputUnwritable("there is a file of that name already", hint=hint)
    with files.replacing(path / NEW if os.path.isdir(path) else path, session.home()) as place:
        yield place


def _deliver(agency: Agency, sealed: Sealed, place: Replacement | None, out: str, *, force: bool) -> Path | None:
    """Write the recorded packet where it was wanted; if that fails now, it is kept in the outbox."""
    from sharekit.errors import OutputUnwritable

    if place is not None and place.path != Path(out):
        place.path = place.path.with_name(f"{sealed.id}.sharekit")
    try:
        if place is None:
            session.to_standard_output(sealed)
        else:
            (place.commit if force else place.commit_new)(sealed)
    except (OSError, OutputUnwritable):
        raise OutputUnwritable("the packet could not be written there", hint=_kept(agency, sealed)) from None
    return place.path if place else None


def _kept(agency: Agency, sealed: Sealed) -> str:
    from sharekit.errors import OutputUnwritable

    try:
        return f"it is sealed and recorded, and kept at {agency.sending.keep_in_outbox(sealed)}"
    except OutputUnwritable:
        return f"it is recorded as entry {sealed.entry}, and could not be kept in the outbox either: seal it again"


def _sealed_told(sealed: Sealed, path: Path) -> dict[str, Any]:
    names = ("rule", "severity", "message", "field", "source", "way_through", "owed")
    findings = [{name: getattr(finding, name) for name in names} for finding in sealed.findings]
    return {
        "packet": sealed.id,
        "size": len(sealed),
        "recipients": list(sealed.recipients),
        "kept": list(sealed.kept),
        "left_out": list(sealed.left_out),
        "findings": findings,
        "entry": sealed.entry,
        "path": str(path),
    }


@click.command("inspect", cls=session.Command)
@click.argument("packet")
def inspect_command(packet: str) -> None:
    """Show the structure of an untrusted PACKET; nothing is verified and no key is used.

    \b
    Example:
        sharekit inspect flag.sharekit
    """
    from sharekit import parse

    told = _structure(parse(session.read(packet, what="the packet")))
    lines = [f"{name.replace('_', ' ')}: {_words(value)}" for name, value in told.items()]
    output.say("nothing here has been verified: use sharekit verify", as_json=session.wants_json())
    output.result(told, lines, as_json=session.wants_json())


def _structure(found: Packet) -> dict[str, Any]:
    from sharekit import cose

    algorithms = sorted({alg for alg, _ in cose.recipients(found.manifest)})
    return {
        "packet": found.id,
        "format": "sharekit/1",
        "size": len(found.data),
        "sender": found.sender,
        "recipients": list(found.recipients),
        "issued": output.moment(found.issued),
        "expires": output.moment(found.expires),
        "signing_key": found.kid.hex(),
        "encryption": ", ".join(_ENCRYPTION.get(alg, f"unknown algorithm {alg}") for alg in algorithms),
        "manifest_bytes": len(found.manifest.ciphertext),
        "dataset_bytes": len(found.dataset.ciphertext),
        "attachments": 0,
        "verified": False,
    }


_ENCRYPTION = {57: "HPKE-9-KE (hybrid post-quantum)", 50: "HPKE-4-KE (classical: not safe from a quantum computer)"}


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@click.command("verify", cls=session.Command)
@click.argument("packet")
@click.option("--trust", "trusted", multiple=True, metavar="CARD", help="Believe this card for this once.")
def verify_command(packet: str, trusted: tuple[str, ...]) -> None:
    """Check a PACKET: signature, sender, addressees, dates, integrity; nothing is opened.

    Without a home it is checked against the cards given, and nothing is recorded.

    \b
    Example:
        sharekit verify flag.sharekit
    """
    data, cards = session.read(packet, what="the packet"), session.cards(trusted)
    statement: Statement
    if session.has_home():
        with session.agency() as agency:
            verified = agency.verify(data, cards)
        statement, mine, waiting = verified, agency.org_id, receipt_path(verified)
    else:
        statement, mine, waiting = _verify_without_home(data, cards), None, None
    addressed = mine in statement.recipients if mine else None
    told = _statement_told(statement) | {"addressed_to_me": addressed, "verdict": "verified", "receipt": waiting}
    lines = _statement_lines(statement, addressed) + ([f"receipt: {waiting}"] if waiting else [])
    output.result(told, lines, as_json=session.wants_json())


def _verify_without_home(data: bytes, cards: Sequence[bytes]) -> Statement:
    from sharekit import Card, Trust, parse, verify
    from sharekit.agency.clock import clock
    from sharekit.errors import Usage

    if not cards:
        raise Usage("there is no home to verify with", hint="give the sender's card with --trust, or use --home")
    demonstration = all(Card.parse(card).demonstration for card in cards)
    statement = verify(parse(data), Trust(cards), now=clock(demonstration=demonstration))
    output.say("no home: verified against the cards given, and nothing is recorded", as_json=session.wants_json())
    return statement


def _statement_told(statement: Statement) -> dict[str, Any]:
    return {
        "packet": statement.id,
        "sender": statement.sender,
        "recipients": list(statement.recipients),
        "issued": output.moment(statement.issued),
        "expires": output.moment(statement.expires),
        "from": statement.present.contact,
        "classical": statement.classical,
    }


def _named(card: Card) -> str:
    return f"{card.name} ({card.org_id})"


def _classical(statement: Statement) -> list[str]:
    told = "sealed to classical keys, which a quantum computer will open: ask the sender to seal it without --classical"
    return [told] if statement.classical else []


def _statement_lines(statement: Statement, addressed: bool | None) -> list[str]:
    told = "" if addressed is None else f" ({'this agency among them' if addressed else 'not this agency'})"
    return [
        f"signed by: {_named(statement.present)}",
        f"verified: packet {statement.id}",
        f"from: {statement.sender}",
        *_classical(statement),
        f"for: {', '.join(statement.recipients)}{told}",
        f"issued: {output.moment(statement.issued)}",
        f"expires: {output.moment(statement.expires)}",
    ]


@click.command("open", cls=session.Command)
@click.argument("packet")
@click.option("--purpose", required=True, metavar="CODE", help="What it is opened for: sharekit vocab purposes.")
@click.option("--basis", metavar="CODE", help="This agency's own lawful basis: sharekit vocab art6.")
@click.option("--art9", metavar="CODE", help="Its condition for special categories.")
@click.option("--art10", metavar="CODE", help="Its condition for criminal offence data.")
@click.option("--annex2", metavar="CODE", help="The Annex 2 condition that makes the purposes compatible.")
@click.option("--gateway", metavar="CODE", help="The law that lets this agency use it: sharekit vocab gateways.")
@click.option("--assessment", metavar="FILE", help="The Article 8A assessment, a JSON file.")
@click.option(
    "--confirm",
    multiple=True,
    metavar="FIELD",
    help="A second identifier: it asks for the value.",
)
@click.option("--reason", type=session.Words(), metavar="TEXT", help="Why; it is kept sealed in this home.")
@click.option("--break-glass", is_flag=True, help="In an emergency: the few fields that save a life, and a review.")
@click.option("-o", "out", required=True, metavar="FILE", help="Where the permitted fields go; - for standard output.")
def open_command(
    packet: str, purpose: str, confirm: tuple[str, ...], assessment: str | None, out: str, **use: Any
) -> None:
    """Open a PACKET for a purpose: the fields permitted for it are written, the others are listed.

    \b
    Example:
        sharekit open flag.sharekit --purpose CODE --confirm date_of_birth -o opened.json
    """
    import json

    from sharekit import json_shown

    data = session.read(packet, what="the packet")
    use |= {"confirm": _confirmations(confirm), "assessment": _assessment(assessment)}
    with session.agency(unlocked=True) as agency, session.destination(out, what="the opened data") as deliver:
        share = agency.open(data, purpose=purpose, **use)
        deliver(json_shown(json.dumps(share.fields, ensure_ascii=False, indent=2)).encode() + b"\n")
    for line in _advice(share):
        output.say(line, as_json=session.wants_json())
    waiting, warned = receipt_path(share), warnings(share)
    if out != "-":
        told = _share_told(share, out) | {"receipt": waiting, "warnings": warned}
        lines = _share_lines(share, out) + ([f"receipt: {waiting}"] if waiting else [])
        output.result(told, lines, as_json=session.wants_json())


def _confirmations(given: Sequence[str]) -> dict[str, str]:
    """Every second identifier by its name; Usage where one has two values, of which one would not be looked at."""
    from sharekit.errors import Usage

    pairs = [each.partition("=") for each in given]
    if len({name for name, _, _ in pairs}) < len(pairs):
        raise Usage("a second identifier is given twice", hint="--confirm NAME once for every name")
    return {name: session.secret(name, value if equals else None) for name, equals, value in pairs}


def _assessment(name: str | None) -> Any:
    """The assessment as it was written; opening says what is missing in it."""
    return session.read_json(name, what="the assessment", limit=ASSESSMENT) if name is not None else None


def _share_told(share: Share, out: str) -> dict[str, Any]:
    return {
        "packet": share.packet,
        "purpose": share.verdict.use.purpose,
        "verdict": share.verdict.outcome,
        "rule": share.verdict.rule,
        "fields": list(share.fields),
        "withheld": list(share.withheld),
        "sender": share.statement.sender,
        "from": share.statement.present.contact,
        "contact": share.terms.json.get("contact"),
        "owed": list(share.owed),
        "other_edition": share.other_edition,
        "sender_changed": list(share.sender_changed),
        "retention": dict(share.terms.retention),
        "classical": share.statement.classical,
        "path": out,
        "obligations": [{"code": each.code, "text": each.text} for each in share.verdict.obligations],
    }


def _share_lines(share: Share, out: str) -> list[str]:
    lines = [
        f"opened {share.packet} ({share.verdict.outcome}, rule {share.verdict.rule})",
        f"fields: {', '.join(share.fields)}",
    ]
    lines += [f"withheld: {', '.join(share.withheld)}"] if share.withheld else []
    return [*lines, f"written to {out}"]


def _advice(share: Share) -> list[str]:
    """Who signed, whom to call, and how it may be handled: an alert without a telephone number helps nobody."""
    card, conditions = share.statement.present, sorted(share.terms.handling_codes())
    lines = [f"signed by: {_named(card)}", *_classical(share.statement)]
    lines += [f"still owed by the sender: {', '.join(share.owed)}"] if share.owed else []
    lines += [*_unchecked(share), f"discuss before acting: {output.call(card.contact)}", *_said_of_the_sender(share)]
    lines += [f"conditions: {', '.join(conditions)}"] if conditions else []
    lines += _asked_of_the_copy(share.terms.retention)
    lines += [f"to do: {each.text}" for each in share.verdict.obligations if each.code not in conditions]
    return lines + ([f"look at again: {share.verdict.hint}"] if share.verdict.hint else [])


def _unchecked(share: Share) -> list[str]:
    """What nothing here could check; the edition is not named: its name is whatever the sender wrote."""
    if not share.other_edition:
        return []
    told = f"sealed by another edition of {share.terms.profile} than is known here"
    return [f"{told}: what is not in it may only not have been sent: ask before you rely on that"]


def _said_of_the_sender(share: Share) -> list[str]:
    """What the packet says beside the card: a number given for this share, and that the card was another then."""
    contact, changed = share.terms.json.get("contact", {}), [each.replace("_", " ") for each in share.sender_changed]
    given = ", ".join(contact[part] for part in ("name", "role", "phone") if part in contact)
    lines = [f"given in this share, not on their card: {given}"] if given else []
    return lines + ([f"their card was another when this was sealed: {', '.join(changed)}"] if changed else [])


def _asked_of_the_copy(asked: Mapping[str, Any]) -> list[str]:
    """What the sender asks of a recipient's copy; the recipient's own rule decides."""
    wishes = [f"destroy it on {asked['destroy_on']}"] if "destroy_on" in asked else []
    wishes += ["hold it for an inquiry or proceedings"] if asked.get("legal_hold") else []
    return [f"the sender asks: {' and '.join(wishes)} (this agency's own rule decides)"] if wishes else []
