"""The heartbeat: an open connection by which a server knows that a session's user is still there.

An app that holds State, or has ``unload`` events, asks for it (``connect_heartbeat``); when it ends, the server
lets go of the session's State. What comes on it means nothing, and its loss ends no job.
"""

from __future__ import annotations

from typing import Final

from ..effects import Flow, ReadBody, TimedOut
from ..errors import GradioError
from ..sse import CONTENT_TYPE
from ..timeouts import deadline
from .requests import back_off, open_exchange
from .state import ClientState, LiveSession

MOST_BACK_OFFS: Final = 6
"""Doublings of the pause between attempts: half a minute at the most, for as long as the server is away."""


def heartbeat(state: ClientState, live: LiveSession) -> Flow[None]:
    """Hold a session's heartbeat open until the session is given up.

    Args:
        state: The client.
        live: Whose heartbeat.
    """
    target = state.target(f"heartbeat/{live.session.hash}")
    attempt = 0
    while not live.retired.is_set:
        try:
            exchange, head, now = yield from open_exchange(state, "GET", target)
            try:
                if 400 <= head.status < 500:
                    return  # no such route: the server was replaced by one that wants no heartbeat
                while not live.retired.is_set:
                    data, now = yield ReadBody(exchange, deadline(now, state.timeouts.idle), live.retired)
                    if not data:
                        break
                    if head.content_type == CONTENT_TYPE:
                        attempt = 0  # a gateway's page is no sign of life
            finally:
                exchange.close()
        except (GradioError, TimedOut):
            pass  # nobody waits for it: it is tried again, and jobs have deadlines of their own
        if not live.retired.is_set:
            yield from back_off(state, attempt)
            attempt = min(attempt + 1, MOST_BACK_OFFS)
