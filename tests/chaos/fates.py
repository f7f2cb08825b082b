"""What happens to whom: each decision of the chaos proxy, drawn from a seed.

A decision is a pure function of the seed, the mode, and the numbers of the connection and of the exchange on it. So a
decision can be looked at again afterwards, whatever came before it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

Mode = Literal["split", "delay", "cut", "silence", "refuse", "reorder", "all", "jitter"]

MODES: Final[tuple[Mode, ...]] = ("split", "delay", "cut", "silence", "refuse", "reorder", "all")
"""Each by itself, and all of them together. ``jitter`` is for :mod:`chaos.crowds`."""

HARMLESS: Final = frozenset({"split", "delay", "reorder", "jitter"})
"""The modes in which everything arrives in the end, so that every call has its value."""

Direction = Literal["up", "down"]
"""``up`` leads to the server."""

Admission = Literal["admitted", "reset", "closed", "shut"]
"""What becomes of a connection at accept. ``shut``: it is reset, and for a while nobody listens, so that others are
refused."""

PROBABILITY: Final = 0.3
"""Of a refusal for each connection, of a cut and of a silence for each exchange."""

LONGEST_DELAY: Final = 0.08
"""Seconds that a piece is held by ``delay``."""

JITTER: Final = 0.3
"""Seconds that a piece is held by ``jitter``."""

MOST_PIECES: Final = 200
"""Of what arrives at a time; the rest follows whole. Each piece costs everybody who handles it some 0.1 ms."""

SHUT_SECONDS: Final = 0.05

_PIECES: Final = (1, 2, 7, 64, 1000)
"""The largest pieces of an exchange that is split."""

_LAST_BYTE: Final[dict[Direction, int]] = {"up": 9, "down": 12}
"""How many bits the number of the byte has at which an exchange ends: a join has some 300 bytes, its answer 200, and a
stream some thousands."""


@dataclass(frozen=True)
class End:
    """How an exchange ends before its time."""

    how: Literal["reset", "fin", "silence"]
    direction: Direction
    after: int
    """Bytes in that direction."""


@dataclass(frozen=True)
class Fate:
    """What happens to one exchange: the bytes from one request to the next on a connection."""

    largest_piece: int | None = None
    longest_delay: float = 0.0
    is_overtaken: bool = False
    """What the server says waits until another connection has brought something."""
    is_last: bool = False
    """The server's side hangs up behind the answer, so that the next exchange needs a connection of its own."""
    end: End | None = None
    _random: random.Random = field(default_factory=lambda: random.Random(0), repr=False, compare=False)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The bytes, in the pieces in which they travel."""
        if self.largest_piece is None:
            yield data
            return
        for _ in range(MOST_PIECES):
            size = self._random.randint(1, self.largest_piece)
            yield data[:size]
            data = data[size:]
            if not data:
                return
        yield data

    def delay(self) -> float:
        """Seconds for which the next piece is held."""
        return self._random.uniform(0, self.longest_delay)


UNHARMED: Final = Fate()


class Fates:
    """The decisions of one proxy."""

    def __init__(self, seed: int, mode: Mode, probability: float = PROBABILITY) -> None:
        self.seed = seed
        self.mode = mode
        self.probability = probability

    def _random(self, *numbers: int) -> random.Random:
        return random.Random(f"{self.seed} {self.mode} {numbers}")

    def _has(self, mode: Mode) -> bool:
        return self.mode in (mode, "all")

    def admission(self, connection: int) -> Admission:
        """What becomes of the connection that is accepted as the nth."""
        chance = self._random(connection)
        if self._has("refuse") and chance.random() < self.probability:
            return chance.choice(["reset", "closed", "shut"])
        return "admitted"

    def fate(self, connection: int, exchange: int) -> Fate:
        """What becomes of an exchange of a connection."""
        chance = self._random(connection, exchange)
        # Whatever the mode, the same things are drawn in the same order.
        largest = chance.choice(_PIECES)
        is_split, is_delayed, is_overtaken = (chance.random() < 0.5 for _ in range(3))
        is_cut, is_silenced = (chance.random() < self.probability for _ in range(2))
        direction: Direction = chance.choice(["up", "down"])
        after = int(2 ** chance.uniform(0, _LAST_BYTE[direction])) - 1
        how: Literal["reset", "fin"] = chance.choice(["reset", "fin"])
        end = None
        if self._has("cut") and is_cut:
            end = End(how, direction, after)
        elif self._has("silence") and is_silenced:
            end = End("silence", direction, after)
        longest_delay = JITTER if self.mode == "jitter" else 0.0
        if self.mode == "delay" or (self.mode == "all" and is_delayed):
            longest_delay = LONGEST_DELAY
        return Fate(
            # One byte at a time, each held, is for ever.
            largest if self.mode == "split" or (self.mode == "all" and is_split and not is_delayed) else None,
            longest_delay,
            self._has("reorder") and is_overtaken,
            self._has("refuse"),
            end,
            chance,
        )
