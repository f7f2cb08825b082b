"""What carries a job to its function, and back what the function says: five ways, of which each app offers some.

================== ============================== =====================================================
carrier            servers                        a job
================== ============================== =====================================================
``WEBSOCKET``      3.x (``ws``)                   has a WebSocket of its own
``EVENT_STREAM``   4.0 to 4.8 (``sse``)           has an event stream of its own
``SHARED_STREAM``  4.9 and later (``sse_v1``...)  shares the event stream of its session with the others
``SIMPLE_API``     4.20 and later, ``via="call"`` has an event stream of its own, of values only
``REPLY``          all, ``via="run"``             is answered in the reply to its own request
================== ============================== =====================================================

On 3.x a function may stay out of the queue, or the whole app: then ``REPLY`` is its only way. From 4.0 on everything
can go through the queue.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from .config import AppConfig, Dependency


class Carrier(Enum):
    """What carries a job."""

    __hash__ = object.__hash__  # members are singletons; Enum's own hash is Python code

    WEBSOCKET = "WEBSOCKET"
    EVENT_STREAM = "EVENT_STREAM"
    SHARED_STREAM = "SHARED_STREAM"
    SIMPLE_API = "SIMPLE_API"
    REPLY = "REPLY"


CONVERSATIONS: Final = frozenset({Carrier.WEBSOCKET, Carrier.EVENT_STREAM})
"""Those on which the server asks for the inputs when a worker is free, on a connection that only this job has."""


def carrier_of(config: AppConfig, dependency: Dependency) -> Carrier:
    """What carries a call of a function through the app's queue, or around it where the function has none."""
    if config.protocol == "ws":
        is_queued = config.enable_queue if dependency.queue is None else dependency.queue
        return Carrier.WEBSOCKET if is_queued else Carrier.REPLY
    return Carrier.EVENT_STREAM if config.protocol == "sse" else Carrier.SHARED_STREAM
