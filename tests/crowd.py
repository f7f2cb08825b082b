"""Many jobs of a real server's test app at once, of every kind, of which a third is cancelled at some moment."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

C = TypeVar("C")


@dataclass
class Planned(Generic[C]):
    """A job of the crowd."""

    at: float
    """Seconds after the beginning."""
    client: C
    arguments: tuple[Any, ...]
    api_name: str
    value: Any
    """What it returns."""
    outputs: list[Any]
    """What it yields, if nobody cancels it."""
    cancelled_after: float | None
    """Seconds after ``at``."""
    job: Any = None
    steps_when_told: int | None = None
    """How far a ``/tick`` had come when the server had been told to stop it."""


def crowd(
    clients: Sequence[C], name: str, seed: int = 11, *, jobs: int = 60, ticks: bool = True
) -> list[Planned[C]]:
    """Jobs that begin within a second.

    Args:
        clients: Whose jobs they are, in turns.
        name: What the names of ``/tick`` runs begin with.
        seed: Of the choices.
        jobs: How many.
        ticks: Whether half of those that are cancelled are ``/tick``, which tells afterwards whether it was stopped;
            two of them run at a time.
    """
    choose = random.Random(seed)
    plans: list[Planned[C]] = []
    for index in range(jobs):
        is_cancelled = index % 3 == 0
        kind = choose.choice(["slow_gen", "count", "stream", "slow", "echo"])
        if ticks and is_cancelled and choose.random() < 0.5:
            kind = "tick"
        steps = choose.randrange(1, 25)
        arguments: tuple[Any, ...]
        outputs: list[Any] = [*range(steps)]
        if kind == "slow_gen":
            arguments = (steps, 0.02)
        elif kind == "count":
            arguments = (steps,)
        elif kind == "stream":
            arguments = (" ".join(map(str, range(steps))),)
            outputs = ["".join(f"{word} " for word in range(end + 1)) for end in range(steps)]
        elif kind == "slow":
            arguments, outputs = (0.05,), ["slept 0.05"]
        elif kind == "echo":
            arguments, outputs = (f"é{index}",), [f"é{index}"]
        else:
            steps += 40
            arguments, outputs = (f"{name}{index}", steps), [*range(steps)]
        after = choose.uniform(0.0, 0.6) if is_cancelled else None
        client = clients[index % len(clients)]
        plans.append(
            Planned(choose.uniform(0, 1), client, arguments, f"/{kind}", outputs[-1], outputs, after)
        )
    return plans
