"""Running the machine: always the same examples, or others each time."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.internal.conjecture import providers
from hypothesis.stateful import run_state_machine_as_test

from .app import VERSIONS
from .machine import Promises

STEPS = 25
"""Steps of a story, at most."""


def run(
    examples: int, versions: tuple[str, ...] = VERSIONS, *, seed: int | None = None, shrinks: bool = True
) -> None:
    """Tell so many stories.

    Args:
        examples: How many.
        versions: On which servers.
        seed: Which ones; None for those that are always told.
        shrinks: Whether one that fails is made as short as can be.

    Raises:
        AssertionError: A promise was broken. Its notes tell the story.
    """
    machine: type[Promises] = type("Promises", (Promises,), {"versions": versions})
    if seed is not None:
        machine = seeded(seed)(machine)
    with _without_constants():
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize=seed is None,
                database=None,
                report_multiple_bugs=False,
                phases=[Phase.generate, *([Phase.shrink] if shrinks else [])],
                suppress_health_check=list(HealthCheck),
            ),
        )


def _without_constants() -> AbstractContextManager[Any]:
    """Hypothesis also draws the numbers that it finds in all code around, if it is of a version that does: with them a
    seed would tell other stories whenever any of that code has changed."""
    if not hasattr(providers, "_get_local_constants"):
        return nullcontext()
    nothing = providers.Constants()
    return patch.multiple(providers, _get_local_constants=lambda: nothing, CONSTANTS_CACHE={})
