"""The options that may stand before or after every subcommand, and the commands and groups that take them.

This is all of the command line that `sharekit --help` waits for.
"""

from __future__ import annotations

import importlib
from typing import Any

import click

__all__ = ["Command", "Group", "Words"]

LONGEST_NAME = 200


class Words(click.ParamType[str]):
    """What a person says: text that can be kept, and as a `name` short and on one line."""

    def __init__(self, *, name: bool = False) -> None:
        self.name, self._is_name = "text", name

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        is_text = not any("\ud800" <= letter <= "\udfff" for letter in value)
        if is_text and self._is_name:
            from sharekit import is_plain_line

            value = " ".join(value.split(" ")).strip()
            is_text = is_plain_line(value) and len(value) <= LONGEST_NAME
        if not is_text:
            self.fail("that is not plain text", param, ctx)
        return value


def _remember(context: click.Context, option: click.Parameter, value: Any) -> None:
    if value not in (None, False):
        context.find_root().meta[f"sharekit.{option.name}"] = value


def _common_options() -> list[click.Parameter]:
    def option(*names: str, **attributes: Any) -> click.Option:
        return click.Option(names, expose_value=False, callback=_remember, **attributes)

    return [
        option("--home", metavar="DIR", help="The agency's home (or SHAREKIT_HOME)."),
        option("--json", is_flag=True, help="One JSON object on standard output, errors too."),
        option("--as", "as_", type=Words(name=True), metavar="NAME", help="Who acts."),
        option("--role", type=Words(name=True), metavar="ROLE", help="In which role."),
        option("--passphrase-file", metavar="FILE", help="Where the passphrase stands (or SHAREKIT_PASSPHRASE_FILE)."),
    ]


class Command(click.Command):
    """A command that takes the common options too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = {name for param in self.params for name in param.opts}
        self.params += [option for option in _common_options() if not own & set(option.opts)]


class Group(click.Group):
    """A group that takes the common options, and imports a listed command when it is used."""

    command_class = Command

    def __init__(self, *args: Any, commands_table: dict[str, tuple[str, str]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _common_options()
        self._table = commands_table or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._table, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._table:
            return super().get_command(ctx, cmd_name)
        module = importlib.import_module(f".{self._table[cmd_name][0]}", __package__)
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not self._table:
            super().format_commands(ctx, formatter)
            return
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in self._table.items()])


Group.group_class = Group
