"""`ledger witness`, `compare` and `forks`: checkpoints seen from outside, and what two of them prove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import output, session

if TYPE_CHECKING:
    from sharekit import Checkpoint

NOTE_BYTES = 64 * 1024


@click.group("witness", cls=session.Group)
def witness_command() -> None:
    """Have checkpoints cosigned by a witness that is no partner, by file; or be that witness.

    \b
    Example:
        sharekit ledger witness request -o request.txt
    """


@witness_command.command("request")
@click.option(
    "--witness",
    "org",
    type=session.Words(name=True),
    metavar="ORG",
    help="Whom it is for: the proof starts where they last cosigned.",
)
@click.option("-o", "out", required=True, metavar="FILE", help="Where to write it; - for standard output.")
@click.option("--year", type=click.IntRange(1, 9999), metavar="YEAR", help="The ledger of an earlier year.")
@click.option("--from", "start", type=session.COUNT, metavar="SIZE", help="Where the proof starts instead.")
def request(org: str | None, out: str, year: int | None, start: int | None) -> None:
    """Write the newest checkpoint with its consistency proof, as C2SP tlog-witness has it.

    \b
    Example:
        sharekit ledger witness request --witness W1 -o request.txt
    """
    with session.agency() as agency, session.destination(out, what="the request") as deliver:
        text, size = agency.witness.request(org, year=year, start=start)
        deliver(text.encode())
    if out != "-":
        told = {"size": size, "path": out}
        output.result(told, [f"request for a checkpoint of {size} entries: {out}"], as_json=session.wants_json())


@witness_command.command("sign")
@click.argument("request")
@click.option("--trust", "card", required=True, metavar="CARD", help="The card of the agency whose ledger it is.")
@click.option("-o", "out", required=True, metavar="FILE", help="Where the cosigned checkpoint goes.")
def sign(request: str, card: str, out: str) -> None:
    """Cosign the checkpoint in REQUEST, if it follows every one cosigned here before; on the record.

    \b
    Example:
        sharekit ledger witness sign request.txt --trust fernshire.card -o cosigned.note
    """
    data, cards = session.read_lines(request, what="the request", limit=NOTE_BYTES), session.cards([card])
    with session.agency(unlocked=True) as agency, session.destination(out, what="the checkpoint") as deliver:
        note = agency.witness.cosign(data, cards[0])
        deliver(note.encode())
    if out != "-":
        output.result({"path": out}, [f"cosigned: {out}"], as_json=session.wants_json())


@witness_command.command("keep")
@click.argument("note")
@click.option("--trust", "card", required=True, metavar="CARD", help="The card of the witness.")
def keep(note: str, card: str) -> None:
    """Keep a checkpoint of this ledger that a witness cosigned; exports bring it to auditors.

    \b
    Example:
        sharekit ledger witness keep cosigned.note --trust witness.card
    """
    data, cards = session.read_lines(note, what="the checkpoint", limit=NOTE_BYTES), session.cards([card])
    with session.agency() as agency:
        size = agency.witness.keep(data, cards[0])
    output.result({"size": size}, [f"kept: a witness saw {size} entries"], as_json=session.wants_json())


@click.command("seen", cls=session.Command)
@click.argument("org")
@click.option("-o", "out", required=True, metavar="FILE", help="Where to write it; - for standard output.")
@click.option("--year", type=click.IntRange(1, 9999), metavar="YEAR", help="Its ledger of an earlier year.")
def seen_command(org: str, out: str, year: int | None) -> None:
    """The newest checkpoint of a partner's ledger that was cosigned here, for whoever audits that partner.

    \b
    Example:
        sharekit ledger seen E10999001 -o seen-by-us.note
    """
    with session.agency() as agency, session.destination(out, what="the checkpoint") as deliver:
        note = agency.witness.seen(org, year=year)
        deliver(note.encode())
    if out != "-":
        output.result({"org_id": org, "path": out}, [f"checkpoint of {org}: {out}"], as_json=session.wants_json())


@click.command("forks", cls=session.Command)
def forks_command() -> None:
    """Checkpoints of partners that contradict one seen before (fork), or went back behind it (rolled-back).

    A fork is two checkpoints of one size, both signed: evidence that anybody can check. One that went back shows that
    their record was put back to an earlier state, or that a clock was wrong: telephone them.

    \b
    Example:
        sharekit ledger forks
    """
    with session.agency() as agency:
        found = agency.witness.forks()
    told = [
        {
            "origin": fork.origin,
            "kind": fork.kind,
            "seen": output.moment(fork.seen),
            "note": fork.note,
            "other": fork.other,
        }
        for fork in found
    ]
    lines = [
        line
        for fork in told
        for line in (f"{fork['kind']}: {fork['origin']}, seen {fork['seen']}", fork["note"], fork["other"])
    ]
    output.result({"forks": told}, lines or ["none was found"], as_json=session.wants_json())


@click.command("compare", cls=session.Command)
@click.argument("a")
@click.argument("b")
@click.option("--trust", "trusted", multiple=True, metavar="CARD", help="The card of the agency whose ledger it is.")
def compare_command(a: str, b: str, trusted: tuple[str, ...]) -> None:
    """Hold two checkpoints of one ledger against each other; two roots at one size are a fork, and end with 6.

    \b
    Example:
        sharekit ledger compare ours.note theirs.note --trust fernshire.card
    """
    from sharekit import Trust
    from sharekit.audit import attested

    notes = [session.read_lines(name, what="the checkpoint", limit=NOTE_BYTES) for name in (a, b)]
    cards = session.cards(trusted)
    if session.has_home():
        with session.agency() as agency:
            cards += [pin.card.data for pin in agency.trust if not pin.revoked]
    first, second = attested.compare(notes[0], notes[1], Trust(cards))
    same = first.size == second.size
    told = _compared(first, second) | {"verdict": "same" if same else "different-sizes"}
    words = "the two are the same" if same else "of different sizes: only a consistency proof could tell"
    lines = [f"{first.origin}: {first.size} and {second.size} entries", words]
    output.result(told, lines, as_json=session.wants_json())


def _compared(first: Checkpoint, second: Checkpoint) -> dict[str, Any]:
    return {"origin": first.origin, "sizes": [first.size, second.size], "roots": [first.root.hex(), second.root.hex()]}
