"""HTML that cannot be broken by what is put into it.

:func:`element` escapes every text that it is given, so only what came out of it (an :class:`Html`) is taken as HTML.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

from .details import one_line, visible


class Html(str):
    """A text that is HTML already."""

    __slots__ = ()


def escaped(text: str) -> Html:
    """Any text as HTML, unless it is HTML already."""
    return text if isinstance(text, Html) else Html(html.escape(visible(text), quote=False))


def together(parts: Iterable[str]) -> Html:
    """Some texts, one after the other."""
    return Html("".join(map(escaped, parts)))


def element(name: str, /, *children: str, **attributes: str | bool) -> Html:
    """An element with its children and attributes.

    Args:
        name: Of the element. One that has no end tag (``br``, ``input``) has no children.
        children: Texts, or HTML.
        attributes: False leaves one out, True gives it no value. A hyphen is written ``_``, and an ``_`` at the end is
            dropped, since ``class`` and ``for`` are words of Python.
    """
    head = "".join(_attribute(key, value) for key, value in attributes.items() if value is not False)
    start = f"<{name}{head}>"
    return Html(start if name in _VOID else f"{start}{together(children)}</{name}>")


def path(id: str) -> Html:
    """An id as code, which may be broken at its slashes."""
    first, *rest = id.split("/")
    return element("code", first, *(part for word in rest for part in ("/", element("wbr"), word)))


def prose(text: str) -> Html:
    """A sentence with words in backticks, as the specification writes code, and docstrings with two."""
    parts = text.replace("``", "`").split("`")
    if len(parts) % 2 == 0:  # one is left over, so they mean something else
        return escaped(text)
    return together(element("code", part) if number % 2 else part for number, part in enumerate(parts))


_VOID = frozenset({"br", "hr", "input", "link", "meta", "wbr"})


def _attribute(key: str, value: str | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(one_line(str(value)))}"'
