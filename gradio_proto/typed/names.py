"""What the endpoints of an app are called in Python, and as the tools of a language model."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from ..endpoints import App, Endpoint
from ..identifiers import identifier, is_plain, unique

TOOL_NAME: Final = 64
"""Characters of a tool's name, and of a property's, that all makers of language models take."""

_NO_TOOL_NAME: Final = re.compile("[^a-zA-Z0-9_-]+")


def python_names(app: App, reserved: Collection[str] = ()) -> dict[str, Endpoint]:
    """The listed endpoints by the identifiers of their names, in the app's order.

    A name that is an identifier stays as it is, whatever else would become the same: ``"/a_b"`` is ``a_b``, and
    ``"/a.b"`` beside it ``a_b_2``. Only a name in ``reserved`` gets an underscore behind it.
    """
    labels = [endpoint.label[1:] for endpoint in app.listed]
    # What begins with an underscore would be private, and might be what Python or a notebook looks for by itself.
    own = {name for name in labels if is_plain(name) and not name.startswith("_")}
    taken = set(own)
    names: dict[str, Endpoint] = {}
    for endpoint, name in zip(app.listed, labels, strict=True):
        if name not in own:
            name = unique(identifier(name, "fn"), taken)
        if name in reserved:
            name = unique(f"{name}_", {*taken, *reserved})
        taken.add(name)
        names[name] = endpoint
    return names


def tool_names(app: App) -> dict[str, Endpoint]:
    """The listed endpoints by names that tools may have: letters, digits, ``_`` and ``-``, at most 64 of them."""
    names: dict[str, Endpoint] = {}
    for endpoint in app.listed:
        names[tool_name(endpoint.label, f"fn_{endpoint.fn_index}", names)] = endpoint
    return names


def tool_name(text: str, otherwise: str, taken: Collection[str]) -> str:
    """A name of a tool or of one of its properties, made of any text; ``otherwise`` where nothing of it is left."""
    name = _NO_TOOL_NAME.sub("_", text[: 4 * TOOL_NAME]).strip("_")[:TOOL_NAME] or otherwise
    if name in taken:
        name = unique(name[: TOOL_NAME - 8], taken)  # room for the number
    return name
