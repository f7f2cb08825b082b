"""A job that one process begins and another follows or cancels: what tells it apart, and the client's part in that.

The command line does so (``gradio-proto submit``, ``events``, ``cancel``). How it works, and where it does not, is told
in :mod:`gradio_proto.flows.handover`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..carriers import Carrier, carrier_of
from ..errors import ArgumentError
from .job import Job
from .options import CallOptions

if TYPE_CHECKING:
    from ..cancelling import CancelReport
    from ..endpoints import Endpoint
    from ..transport import BlockingTransport
    from .client import Client
    from .engine import Engine


@dataclass(frozen=True, slots=True)
class JobHandle:
    """By what a server, and the endpoint, knows a job that was handed over. Nothing in it is secret, but whoever has it
    can read the job's outputs from a server without a login."""

    event_id: str
    """The server's name for it."""
    session_hash: str
    """Its session, which is its alone."""
    fn_index: int
    """The function's number, which a cancellation has to name."""


def can_hand_over(client: Client, api_name: str | None, fn_index: int | None) -> bool:
    """Whether a job of an endpoint outlives the connection on which it was joined.

    Raises:
        ArgumentError: There is no such endpoint.
    """
    engine, endpoint = _found(client, api_name, fn_index)
    is_shared = carrier_of(engine.config, endpoint.dependency) is Carrier.SHARED_STREAM
    return is_shared and not endpoint.is_stream and not endpoint.is_rendered


def hand_over(
    client: Client,
    api_name: str | None,
    fn_index: int | None,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> JobHandle:
    """Begin a call for somebody else to follow, in a session of its own.

    Args:
        client: The client.
        api_name: The endpoint's name.
        fn_index: Its number instead.
        args: Its arguments by position.
        kwargs: Its arguments by name.

    Raises:
        TypeError: The arguments do not fit the endpoint's parameters.
        ArgumentError: There is no such endpoint, an argument cannot be sent, or see :func:`can_hand_over`.
        GradioError: The server did not take it.
    """
    from ..flows.handover import hand_over

    if not can_hand_over(client, api_name, fn_index):
        raise ArgumentError(
            "a job of this endpoint lives no longer than the connection on which it was begun, so nobody else can "
            "follow it: Gradio 4.9 and later keep its events, unless it takes its input in chunks or was rendered"
        )
    engine, endpoint = _found(client, api_name, fn_index)
    with engine.transport.lock:
        job, live = engine.begin(endpoint, CallOptions(isolate=True), args, kwargs, keep_messages=False)
    event_id = engine.transport.run(hand_over(engine.state, live, job))
    return JobHandle(event_id, live.session.hash, endpoint.fn_index)


def take_over(client: Client, handle: JobHandle) -> Job:
    """Follow a job that was handed over. It is the caller's now: closing the client gives it up.

    If somebody else follows it, or has done so, the job fails with SessionLost when the server's first heartbeat comes.

    Raises:
        ArgumentError: The app has no such function.
    """
    engine, endpoint = _found(client, None, handle.fn_index)
    with engine.transport.lock:
        job, live = engine.take_over(endpoint, handle.session_hash, handle.event_id)
        facade = Job(client, engine, live, job)
        engine.transport.spawn(engine.call(live, job), promised=True)
    return facade


def stop(client: Client, handle: JobHandle) -> CancelReport:
    """Have the server give up a job that was handed over, whether it waits or runs, and whoever follows it.

    Of what it says nothing follows, not even that there is such a job: servers agree to everything.

    Raises:
        ArgumentError: The app has no such function.
    """
    from ..flows.handover import stop

    engine, endpoint = _found(client, None, handle.fn_index)
    with engine.transport.lock:
        job, live = engine.take_over(endpoint, handle.session_hash, handle.event_id)
    return engine.transport.run(stop(engine.state, live, job))


def _found(
    client: Client, api_name: str | None, fn_index: int | None
) -> tuple[Engine[BlockingTransport], Endpoint]:
    engine = client._engine  # pyright: ignore[reportPrivateUsage]
    _, endpoint = client._resolve(api_name, fn_index)  # pyright: ignore[reportPrivateUsage]
    return engine, endpoint
