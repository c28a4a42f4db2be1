"""`ledger clock`: the clock beside the record, and somebody's word that it is right."""

from __future__ import annotations

from collections.abc import Mapping

import click

from . import output, session


@click.command("clock", cls=session.Command)
@click.option("--confirm", is_flag=True, help="Say, on the record, that this computer's date and time are right now.")
def clock_command(confirm: bool) -> None:
    """Whether the clock fits the record; with --confirm, that it is right.

    What is dated later than now is false from then on: it closes no year, and nothing expires by it.

    \b
    Example:
        sharekit ledger clock --confirm
    """
    with session.agency() as agency:
        entry = agency.confirm_clock() if confirm else None
        told = {**agency.clock_told(), "entry": entry}
    output.result(told, _lines(told), as_json=session.wants_json())


def _lines(told: Mapping[str, object]) -> list[str]:
    if told["entry"] is not None:
        return [f"confirmed: it is {told['time']}, entry {told['entry']}"]
    if told["doubt"] is None:
        return [f"the clock says {told['time']}, and nothing on the record speaks against it"]
    return [
        f"the clock says {told['time']}; the newest entry on the record is of {told['newest']}",
        "look at a calendar. If the clock is right: sharekit ledger clock --confirm. If it is not, set it right",
    ]
