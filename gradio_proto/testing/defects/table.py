"""The table of defects, and the decorators that put them into it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from ..generations import PROTOCOLS

C = TypeVar("C", bound=type)

OLDEST: Final = next(iter(PROTOCOLS))
WS_LAST: Final = "3.50.2"
SSE: Final = "4.0.2"
SSE_V1: Final = "4.13.0"
SSE_V2: Final = "4.19.1"
SSE_V21: Final = "4.21.0"
V4: Final = "4.44.1"
V5: Final = "5.49.1"
V6: Final = "6.31.0"


@dataclass(frozen=True)
class Defect:
    """One thing that a server does wrong."""

    name: str
    """Its name, like a path: ``"rank/rises"``."""
    text: str
    """What is wrong, in a sentence."""
    breaks: str
    """The id of the requirement in ``spec/requirements.json`` that it breaks, or comes next to breaking."""
    versions: tuple[str, ...]
    """The versions that can show it, oldest first."""
    parts: tuple[type, ...]
    """The classes that show it: see :class:`~gradio_proto.testing.parts.Parts`."""

    @property
    def generations(self) -> tuple[str, ...]:
        """The protocols of these versions, oldest first."""
        return tuple(dict.fromkeys(PROTOCOLS[version] for version in self.versions))


TABLE: Final[dict[str, Defect]] = {}


def defect(name: str, breaks: str, *, since: str = OLDEST, until: str = V6) -> Callable[[C], C]:
    """Decorate a subclass of a part of the server to make it a defect. Its docstring says what is wrong.

    Args:
        name: The name of the defect.
        breaks: The requirement.
        since: The oldest version that can show it.
        until: The newest one.
    """
    assert name not in TABLE, name
    versions = [*PROTOCOLS]
    shown = tuple(versions[versions.index(since) : versions.index(until) + 1])

    def decorate(cls: C) -> C:
        text = " ".join((inspect.getdoc(cls) or name).split())
        TABLE[name] = Defect(name, text, breaks, shown, (cls,))
        return cls

    return decorate


def also(name: str) -> Callable[[C], C]:
    """Decorate a subclass of another part that the same defect is in."""

    def decorate(cls: C) -> C:
        TABLE[name] = replace(TABLE[name], parts=(*TABLE[name].parts, cls))
        return cls

    return decorate
