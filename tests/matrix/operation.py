"""What the matrix is made of: operations.

An operation is a coroutine function, written once for the blocking client and the async one, on trio and on asyncio::

    @operation("calc", "14")
    async def calc(scene: Scene) -> None:
        '''Several inputs, several outputs.'''
        async with scene.client() as client:
            assert await client.predict(1, "add", 2, api_name="/calc") == (3, "1 add 2 = 3")

It returns, and its cell is "ok"; or raises. Where a server lacks it, the operation has a reason, and another
function, which makes sure that our client says so, or does what is told in the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal

from .scene import Scene

Check = Callable[[Scene], Coroutine[Any, Any, None]]

Place = Literal["plain", "strict", "mounted", "queueless", "doomed"]
"""Which of the servers of a version an operation is for: see :data:`matrix.cells.VARIANTS`."""

Version = tuple[int, ...]


@dataclass(frozen=True)
class Lack:
    """Servers without an operation."""

    why: str
    """A sentence, for the table."""
    check: Check
    """Makes sure of what the client does there."""
    since: Version = (0,)
    before: Version = (99,)
    place: Place | None = None
    """Where that is seen, if not where the operation would be."""


@dataclass(frozen=True)
class Operation:
    """One row of the table."""

    name: str
    section: str
    """Of the description of the protocol."""
    check: Check
    place: Place
    lacks: tuple[Lack, ...]
    traps: tuple[int, ...]
    """Those of section 15 that it would fall into."""
    together: bool
    """Its cells of all transports share one server at one time: what happens to that, happens to all of them."""

    @property
    def says(self) -> str:
        """What it is, in a sentence."""
        text = self.check.__doc__
        assert text
        return " ".join(text.split())

    def lack(self, version: Version) -> Lack | None:
        """Why a server of that version has it not; None where it has."""
        for lack in self.lacks:
            if lack.since <= version < lack.before:
                return lack
        return None

    def place_on(self, version: Version) -> Place:
        """The server of that version that it needs."""
        lack = self.lack(version)
        return self.place if lack is None or lack.place is None else lack.place


OPERATIONS: list[Operation] = []
"""All of them, in the order of the table."""


def operation(
    name: str,
    section: str,
    *lacks: Lack,
    place: Place = "plain",
    traps: tuple[int, ...] = (),
    together: bool = False,
) -> Callable[[Check], Check]:
    """Make an operation of a function."""

    def add(check: Check) -> Check:
        OPERATIONS.append(Operation(name, section, check, place, lacks, traps, together))
        return check

    return add
