"""Small protocol defects, each with a name, that :class:`~gradio_proto.testing.ServerProtocol` shows on request.

They are what a conformance tester is measured by: how many of them does it find, and does it find none where there
is none? Each is what somebody could break in a server without noticing. A defect is a subclass of one part of the
healthy server, with the one method in it that does the wrong thing; :class:`~gradio_proto.testing.parts.Parts` puts
it in the place of that part.

    for defect in DEFECTS.values():
        if "6.31.0" in defect.versions:
            ServerProtocol(app, defects=[defect.name])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from ..generations import Generation
from ..parts import Parts
from . import access, cancelling, direct, discovery, files, jobs, messages, older, streams, values
from .table import TABLE, Defect

__all__ = ["DEFECTS", "Defect", "parts_with"]

_MODULES: Final = (messages, values, streams, jobs, cancelling, direct, files, discovery, access, older)
"""What fills the table as it is imported."""

DEFECTS: Final[Mapping[str, Defect]] = TABLE
"""All defects, by name."""


def parts_with(names: Sequence[str], generation: Generation) -> Parts:
    """The parts of a server of that generation, with the defects of these names.

    Raises:
        ValueError: There is no defect of that name, or no server of this version can show it.
    """
    for name in names:
        if name not in DEFECTS:
            near = get_close_matches(name, DEFECTS, n=3) or sorted(DEFECTS)
            raise ValueError(f"there is no defect {name!r}; there are {', '.join(near)}")
        if generation.version not in DEFECTS[name].versions:
            shown = ", ".join(DEFECTS[name].versions)
            raise ValueError(f"Gradio {generation.version} cannot show {name!r}; these can: {shown}")
    return Parts([part for name in dict.fromkeys(names) for part in DEFECTS[name].parts])
