"""Python identifiers of what a server calls things: endpoints, parameters, outputs.

A name from a server is any text. What becomes an attribute, a keyword argument or a line of generated code has to be
an identifier that Python reads back as the same: no keyword, in the normal form (NFKC) that Python brings every
identifier into, without the two leading underscores that a class would mangle, and of bounded length.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from keyword import iskeyword
from typing import Final

LONGEST: Final = 40
"""Characters of an identifier that is made up. Real names of parameters are used whole, however long."""

_READ: Final = 200
"""Characters of a name that are looked at: normalising costs, and a name can be of any length."""


def is_plain(name: str) -> bool:
    """Whether a name can be used as an identifier as it is."""
    return (
        name.isidentifier()
        and not iskeyword(name)
        and not name.startswith("__")
        and (name.isascii() or _normal(name) == name)
    )


def identifier(text: str, prefix: str) -> str:
    """Make an identifier of a text: ``"with_odd_chars"`` of ``"/with.odd chars"``.

    Args:
        text: Any text.
        prefix: What comes before an identifier that would begin with a digit, and stands for one of which nothing is
            left: itself a plain identifier.
    """
    normal = _normal(text[:_READ])
    # One character at a time: a letter that Python does not take, such as a superscript, is dropped like a dot.
    name = "".join(char if f"_{char}".isidentifier() else "_" for char in normal)
    name = re.sub("_+", "_", name)[:LONGEST].strip("_")
    if not name:
        return prefix
    if not name.isidentifier():
        name = f"{prefix}_{name}"
    return f"{name}_" if iskeyword(name) else name


def unique(name: str, taken: Collection[str], separator: str = "_") -> str:
    """The name, or if that is taken, the name with a number behind it.

    A server may call thousands of things alike, so not every number is tried: where those before it are taken without
    a gap, as names made here are, it is the next.
    """
    if name not in taken:
        return name
    last = 1  # a number that is taken, as the name itself is
    step = 1
    while f"{name}{separator}{last + step}" in taken:
        last += step
        step *= 2
    while step > 1:
        step //= 2
        if f"{name}{separator}{last + step}" in taken:
            last += step
    return f"{name}{separator}{last + 1}"


def _normal(text: str) -> str:
    if text.isascii():
        return text
    from unicodedata import normalize  # few names need it

    return normalize("NFKC", text)
