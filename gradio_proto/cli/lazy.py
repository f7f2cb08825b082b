"""A group of commands whose modules are loaded when one of them is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


@dataclass(frozen=True, slots=True)
class Subcommand:
    """Where a command is, and what the group's help says of it, so that the help need not load it."""

    home: str
    """Its module and its name there: ``gradio_proto.cli.conformance.running:run``."""
    about: str
    """What it does, in a few words."""
    section: str = "Commands"
    """Under which heading the help lists it; those of one heading stand together in the table."""


class LazyGroup(click.Group):
    """A group that is a table.

    Args:
        subcommands: The commands by name, in the order in which the help lists them.
    """

    def __init__(self, *args: Any, subcommands: Mapping[str, Subcommand], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subcommands = subcommands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(self.subcommands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; None where there is none of that name."""
        subcommand = self.subcommands.get(cmd_name)
        if subcommand is None:
            return None
        module, _, name = subcommand.home.partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading any."""
        width = max(map(len, self.subcommands))
        for section, commands in groupby(self.subcommands.items(), lambda entry: entry[1].section):
            with formatter.section(section):
                formatter.write_dl([(name.ljust(width), command.about) for name, command in commands])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """How a word may go on that names a command or an option, without loading any command."""
        from click.shell_completion import CompletionItem

        commands = [
            CompletionItem(name, help=command.about)
            for name, command in self.subcommands.items()
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)
