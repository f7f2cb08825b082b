"""Where results are shown."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any, Final

from gradio_proto.text import UNSAFE, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDE: Final = 200
"""Columns where nobody has said how many there are, as in a pipe: a table must not be cut for a screen that is not
there."""

_UNSAFE_IN_JSON: Final = re.compile(UNSAFE.pattern.replace("\x00-\x1f", ""))
"""What JSON leaves as it is within strings. Between its tokens there are line breaks, which belong there."""


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
    """An empty table without lines between its cells. The first column is never broken, and what stands in the others
    goes on in the next line where a screen is narrow: half a name is none."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        made.add_column(column, no_wrap=index == 0, overflow="ellipsis" if index == 0 else "fold")
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


def safe_text(text: str) -> str:
    """A text from a server, without what a terminal would obey, with its lines and tabs, whole."""
    return UNSAFE.sub(
        lambda found: found[0] if found[0] in "\n\t" else printable(found[0]), text.replace("\r\n", "\n")
    )


def json_line(value: Any) -> str:
    """A value as JSON on one line, for programs and terminals alike.

    What no terminal should get stands escaped within the strings, where JSON has it mean the same; and so does
    whatever standard output cannot encode.
    """
    return _json(value, indent=None, separators=(",", ":"))


def json_text(value: Any) -> str:
    """A value as JSON: in lines for somebody who looks at it, compact for a program."""
    return _json(value, indent=2, separators=None) if sys.stdout.isatty() else json_line(value)


def _json(value: Any, *, indent: int | None, separators: tuple[str, str] | None) -> str:
    encoding = (sys.stdout.encoding or "").lower().replace("_", "-")
    text = json.dumps(
        value, ensure_ascii=encoding not in ("utf-8", "utf8"), indent=indent, separators=separators
    )
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
