"""Commands as they are typed at a desk: sealing and opening the flag, and what the ledger says of it."""

from __future__ import annotations

import click
from sharekit.cli import app

from world.agencies import CHILD
from world.commands import sharekit

NUMBER, BORN = CHILD["nhs_number"], CHILD["date_of_birth"]
PURPOSE = "safeguarding.status-flag"
SEAL = ("seal", "flag.json", "--terms", "flag.terms.json", "--home", "larch", "--to", "ZZQ77", "-o")
TO_OPEN = ("open", "flag.sharekit", "--home", "elm", "--purpose", PURPOSE)
OPEN = (*TO_OPEN, "--confirm", f"date_of_birth={BORN}", "-o")
OAK = ("--org-id", "URN-999777", "--org-type", "school", "--name", "Oak School", "--phone", "01632 960778")


def events(home: str) -> list[str]:
    return [entry["event"] for entry in sharekit("ledger", "log", "--home", home, "--json").json["entries"]]


def every_command(group: click.Command = app, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command and group of commands, as it is typed."""
    if not isinstance(group, click.Group):
        return [path]
    context = click.Context(group)
    names = group.list_commands(context)
    return [path, *(each for name in names for each in every_command(group.get_command(context, name), (*path, name)))]


def command_at(path: tuple[str, ...]) -> click.Command:
    command: click.Command = app
    for name in path:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name)
    return command
