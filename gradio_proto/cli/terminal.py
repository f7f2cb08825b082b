"""Where results are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gradio_proto.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDE: Final = 200
"""Columns where nobody has said how many there are, as in a pipe: a table must not be cut for a screen that is not
there."""


def console(*, error: bool = False) -> Console:
    """A console for standard output, or for standard error.

    It has colours only on a terminal, and not where ``NO_COLOR`` is set.
    """
    from rich.console import Console

    made = Console(stderr=error, highlight=False, emoji=False, markup=False)
    if not made.is_terminal and made.width == 80:
        made.width = WIDE
    return made


def table(*columns: str) -> Table:
    """An empty table without lines between its cells; the first column is never broken."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        made.add_column(column, no_wrap=index == 0)
    return made


def show(shown: Table) -> None:
    """Print a table, without the blanks that fill up its lines."""
    import click

    out = console()
    with out.capture() as captured:
        out.print(shown)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def safe(text: str) -> str:
    """A text from a server, without what a terminal would obey, on one line."""
    return printable(text, limit=4_000)
