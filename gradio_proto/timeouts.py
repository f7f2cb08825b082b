"""How long each kind of wait may take, in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .frozen import Frozen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Timeouts(Frozen):
    """The deadlines of one client; ``None`` means no deadline. Every wait has one of its own kind.

    A function may run for hours and a queue may be long, so there is no total by default: what tells a live
    server from a dead one is its heartbeat, every 15 seconds from Gradio 4.9 on.

    Example:
        ::

            from gradio_proto import Client, DeadlineExceeded, Timeouts

            with Client("http://127.0.0.1:7860", timeouts=Timeouts(total=0.1)) as client:
                try:
                    client.predict(5, api_name="/sleep")
                except DeadlineExceeded as error:
                    print(error.kind)  # prints total
    """

    connect: float | None = 10.0
    """A connection made, through the proxy and TLS where there are any."""

    read: float | None = 30.0
    """A response's head complete, counted from the request (bytes that drip in do not prolong it); then each
    further piece of its body."""

    write: float | None = 30.0
    """A piece of a request taken by the network."""

    idle: float | None = 45.0
    """Silence on an event stream: three missed heartbeats. Counts only while somebody reads. On the WebSocket of 3.x
    the server is pinged after half of it; 4.0 to 4.8 have no sign of life, and none is expected there."""

    total: float | None = None
    """A whole job, from the call to its result."""

    space: float | None = 1800.0
    """A Hugging Face Space that is asleep, building or starting comes to run: half an hour, after which the Hub itself
    gives up a start by default. 0: one that does not run is told as an error at once."""

    def __post_init__(self) -> None:
        for name in ("connect", "read", "write", "idle", "total", "space"):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if value is not None and not (
                number and 0 <= value < math.inf and (value > 0 or name == "space")
            ):
                least = "0 or a" if name == "space" else "a"
                raise ValueError(
                    f"Timeouts.{name} must be {least} positive number of seconds or None, not {value!r}"
                )


def deadline(now: float, seconds: float | None) -> float | None:
    """The absolute time at which ``seconds`` from ``now`` are over."""
    return None if seconds is None else now + seconds


def earlier(a: float | None, b: float | None) -> float | None:
    """The deadline that comes first."""
    if a is None:
        return b
    return a if b is None or a < b else b
