"""What is sent to a queue."""

from __future__ import annotations

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
) -> bytes:
    """The body of ``POST /queue/join``. ``event_data`` and ``trigger_id`` are what a browser's event would carry.

    Raises:
        ArgumentError: An argument is no JSON.
    """
    payload = {
        "data": data,
        "event_data": event_data,
        "fn_index": fn_index,
        "session_hash": session_hash,
        "trigger_id": trigger_id,
    }
    try:
        return jsontext.dumps(payload)
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(f"an argument cannot be sent as JSON: {error}") from error


def cancel_payload(*, fn_index: int, session_hash: str, event_id: str) -> bytes:
    """The body of ``POST /cancel`` (Gradio 4.31 and later), which wants all three."""
    return jsontext.dumps({"event_id": event_id, "fn_index": fn_index, "session_hash": session_hash})
