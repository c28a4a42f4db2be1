"""`ledger timestamp request` and `keep`: a timestamp authority's word on a checkpoint, by file."""

from __future__ import annotations

import click

from . import output, session
from .options import Group

MAX_BYTES = 64 * 1024


@click.group("timestamp", cls=Group)
def timestamp_command() -> None:
    """Have the newest checkpoint stamped by a timestamp authority (RFC 3161), by file.

    \b
    Example:
        sharekit ledger timestamp request -o request.tsq
        curl --data-binary @request.tsq -H "Content-Type: application/timestamp-query" \\
            https://tsa.example/ -o response.tsr
        sharekit ledger timestamp keep response.tsr --root tsa-root.pem
    """


@timestamp_command.command("request")
@click.option("-o", "out", required=True, metavar="FILE", help="Where to write it; - for standard output.")
@click.option("--year", type=click.IntRange(1, 9999), metavar="YEAR", help="The ledger of an earlier year.")
def request(out: str, year: int | None) -> None:
    """Write the question for the authority.

    \b
    Example:
        sharekit ledger timestamp request -o request.tsq
    """
    with session.agency() as agency, session.destination(out, what="the request") as deliver:
        deliver(agency.stamps.request(year=year))
    if out != "-":
        output.result({"path": out}, [f"request: {out}"], as_json=session.wants_json())


@timestamp_command.command("keep")
@click.argument("response")
@click.option("--root", "roots", required=True, multiple=True, metavar="PEM", help="The authority's root certificate.")
def keep(response: str, roots: tuple[str, ...]) -> None:
    """Check and keep the answer; exports bring it to auditors.

    \b
    Example:
        sharekit ledger timestamp keep response.tsr --root tsa-root.pem
    """
    data = session.read(response, what="the time stamp", limit=MAX_BYTES)
    trusted = [session.read_lines(root, what="the root certificate", limit=MAX_BYTES) for root in roots]
    with session.agency() as agency:
        size, at = agency.stamps.keep(data, trusted)
    told = {"size": size, "at": output.moment(at)}
    lines = [f"kept: {size} entries, stamped {told['at']}"]
    output.result(told, lines, as_json=session.wants_json())
