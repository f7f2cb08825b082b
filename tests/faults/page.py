"""All faults as a page for people: ``python -m faults --write`` writes docs/faults.md.

It says what happens and what must come out, and nothing of how long that took, so that it is the same at each run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Final

from . import groups
from .model import Either, Fault, Gives, Raises

PAGE: Final = Path(__file__).parents[2] / "docs" / "faults.md"

NOTE: Final = "<!-- Made by `python -m faults --write` in tests/. Do not edit: run it again. -->"

INTRODUCTION: Final = """\
What a server, a network, a disk or a program can do to a client, fault by fault, and what comes out. Each happens to
the blocking client, to trio's and to asyncio's, where it can. In each of them, whatever else it says here, it ends in
time; nothing is printed; no thread, no connection and no file stays open; no secret is told by an error or heard by
another origin; and if the server is well again, the next call on the same client works.

What comes out is a value, `'ok'` mostly, or an error with these attributes, and with this text somewhere in it.
[Errors](errors.md) says what they mean. Where, is what a client is at when it happens; `life` is anything else that a
program does with one. `make faults` has all of them happen, and prints a table;
`make faults ARGS='join/*'` those of a group. The sources are in [tests/faults](../tests/faults/__init__.py).
"""

_CODE: Final = re.compile(r"``(.+?)``")
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>|$~])")


def page() -> str:
    """The whole page."""
    by_group: dict[str, list[Fault]] = {}
    for fault in groups.FAULTS:
        by_group.setdefault(fault.id.partition("/")[0], []).append(fault)
    sections = [section for group, faults in by_group.items() for section in _section(group, faults)]
    return "\n".join(["# Faults", "", NOTE, "", INTRODUCTION, *_contents(by_group), *sections])


def _contents(by_group: dict[str, list[Fault]]) -> list[str]:
    count = sum(map(len, by_group.values()))
    rows = [
        f"| [{group}](#{group}) | {len(faults)} | {_about(faults[0])} |" for group, faults in by_group.items()
    ]
    return ["| group | faults | |", "|---|---|---|", *rows, f"| all | {count} | |", ""]


def _section(group: str, faults: Iterable[Fault]) -> list[str]:
    rows = [
        f"| `{fault.id}` | {fault.phase} | {_plain(fault.happens)} | {_shown(fault.expect)} |"
        for fault in faults
    ]
    heading = "| fault | where | what happens | what comes out |"
    return [f"## {group}", "", heading, "|---|---|---|---|", *rows, ""]


def _about(fault: Fault) -> str:
    """What the module of a fault's group says of itself."""
    docs = (
        module.__doc__
        for module in vars(groups).values()
        if isinstance(module, ModuleType) and fault in getattr(module, "FAULTS", ())
    )
    text = next(docs) or ""
    return _plain(text.partition("\n\n")[0].replace("\n", " ").strip())


def _plain(text: str) -> str:
    """A sentence without markup but its code."""
    parts = _CODE.split(text)
    parts[::2] = [_MARKUP.sub(r"\\\1", part) for part in parts[::2]]
    parts[1::2] = map(_code, parts[1::2])
    return "".join(parts)


def _shown(expect: Gives | Raises | Either) -> str:
    if isinstance(expect, Either):
        return " or ".join(map(_shown, expect.choices))
    if isinstance(expect, Raises):
        said = f", that says {_code(expect.text)}" if expect.text else ""
        return _code(str(expect)) + said
    return _code(str(expect))


def _code(text: str) -> str:
    """Code in a cell of a table, on one line and of a bounded length."""
    text = "".join(char if char.isprintable() else " " for char in text)
    text = text if len(text) <= 100 else f"{text[:97]}..."
    text = text.replace("|", "\\|").strip()
    return f"`` {text} ``" if "`" in text else f"`{text}`"
