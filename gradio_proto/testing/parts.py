"""What a server is put together from: classes, each of which may be had with defects in it.

A defect (see :mod:`~gradio_proto.testing.defects`) is a subclass of the part that it breaks, and overrides the one
method that it breaks. The server asks here for the class of each part before it makes one; without defects it gets
back what it asked with. So the healthy code knows of no defect, and any defects can be had together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

P = TypeVar("P")


class Parts:
    """The classes of one server.

    Args:
        broken: Direct subclasses of parts, to be used in their place.
    """

    def __init__(self, broken: Sequence[type] = ()) -> None:
        self._broken = broken

    def of(self, part: type[P]) -> type[P]:
        """The class to make a part from: itself, or one with all the defects of it and of what it is made from."""
        # What breaks a queue breaks the queue that asks for data too, but not the other way round.
        broken = [cls for cls in self._broken if issubclass(part, cls.__bases__)]
        if not broken:
            return part
        return cast("type[P]", type(part.__name__, (*broken, part), {}))
