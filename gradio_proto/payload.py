"""What is sent to a queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import jsontext
from .errors import ArgumentError


def join_payload(
    *,
    fn_index: int,
    data: list[Any],
    session_hash: str,
    event_data: Any = None,
    trigger_id: int | None = None,
    oauth_token: str | None = None,
    encode: Callable[[Any], Any] | None = None,
) -> bytes:
    """The body of ``POST /queue/join`` and of ``POST /run``, and the inputs that a ``ws`` server asks for by
    ``send_data``.

    Args:
        fn_index: The function's number.
        data: Its inputs.
        session_hash: The session of the job.
        event_data: What a browser's event would carry.
        trigger_id: The component whose event that would be.
        oauth_token: The caller's, for the functions that ask for it (Gradio 6).
        encode: What to write for what is no JSON (see :class:`~gradio_proto.files.Uploads`).

    Raises:
        ArgumentError: An argument is no JSON.
    """
    payload: dict[str, Any] = {
        "data": data,
        "event_data": event_data,
        "fn_index": fn_index,
        "session_hash": session_hash,
        "trigger_id": trigger_id,
    }
    if oauth_token is not None:
        payload["oauth_token"] = oauth_token
    return arguments_as_json(payload, encode)


def with_event_id(payload: bytes, event_id: str) -> bytes:
    """The body of ``POST /queue/data`` (``sse``): that of a join, with the job that it is for."""
    return b'%s,"event_id":%s}' % (payload[:-1], jsontext.dumps(event_id))


def in_session(payload: bytes, before: str, now: str) -> bytes:
    """The body of a join, for the session ``now`` in place of ``before``."""
    # The last place that reads so: behind it come no values but a number and a string, in which quotes are escaped.
    start, found, end = payload.rpartition(b'"session_hash":%s' % jsontext.dumps(before))
    assert found
    return b'%s"session_hash":%s%s' % (start, jsontext.dumps(now), end)


def hash_message(*, fn_index: int, session_hash: str) -> str:
    """What a ``ws`` server is answered that asks whose job this is (``send_hash``)."""
    return jsontext.dumps({"fn_index": fn_index, "session_hash": session_hash}).decode("utf-8")


def chunk_payload(
    *,
    fn_index: int,
    data: list[Any],
    session_hash: str,
    encode: Callable[[Any], Any] | None = None,
) -> bytes:
    """The body of ``POST /stream/{event_id}``: one more chunk of a streamed input, whole, State's nulls included.
    ``encode`` is as for :func:`join_payload`.

    Raises:
        ArgumentError: An argument is no JSON.
    """
    return arguments_as_json({"data": data, "fn_index": fn_index, "session_hash": session_hash}, encode)


def arguments_as_json(payload: dict[str, Any], encode: Callable[[Any], Any] | None = None) -> bytes:
    """A body with the arguments of a call in it; ``encode`` is as for :func:`join_payload`.

    Raises:
        ArgumentError: An argument is no JSON.
    """
    try:
        return jsontext.dumps(payload, encode)
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(f"an argument cannot be sent as JSON: {error}") from error


def component_server_payload(*, component_id: int, fn_name: str, data: Any, session_hash: str) -> bytes:
    """The body of ``POST /component_server``.

    Raises:
        ArgumentError: ``data`` is no JSON.
    """
    return arguments_as_json(
        {"component_id": component_id, "data": data, "fn_name": fn_name, "session_hash": session_hash}
    )


def cancel_payload(*, fn_index: int, session_hash: str, event_id: str) -> bytes:
    """The body of ``POST /cancel`` (Gradio 4.31 and later), which wants all three."""
    return jsontext.dumps({"event_id": event_id, "fn_index": fn_index, "session_hash": session_hash})


def reset_payload(*, event_id: str) -> bytes:
    """The body of ``POST /reset`` (Gradio 4.0 and later; without effect from 4.31 on)."""
    return jsontext.dumps({"event_id": event_id})


def cancelling_event_payload(*, fn_index: int, session_hash: str) -> bytes:
    """The body of a direct call of an event that cancels others, by which servers before ``/cancel`` are told."""
    return jsontext.dumps({"data": [], "fn_index": fn_index, "session_hash": session_hash})
