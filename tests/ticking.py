"""Runs of the reference app's ``/tick``, of which its server tells how far they have come."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from gradio_proto import Client

LONG = 400
"""Steps of ``/tick``, of 20 ms each: longer than any test that uses it."""


def eventually(true: Callable[[], object]) -> None:
    """Wait until it is true."""
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


class Ticking:
    """Some runs, each under a name of its own."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.name = f"{random.random()}"
        """What the names of these begin with."""

    def steps(self, name: str) -> int:
        """How far that run has come."""
        return self.steps_of(self.name + name)

    def steps_of(self, full_name: str) -> int:
        """The same, by its whole name."""
        return int(self.client.predict(full_name, api_name="/ticked"))  # 3.x sends a float

    def stops(self, name: str) -> None:
        """The run stops, or never begins."""
        before = -1
        while (now := self.steps(name)) != before:
            assert now < LONG, "it ran on to its end"
            before = now
            time.sleep(0.25)
