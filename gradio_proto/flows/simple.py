"""What is different about a job that goes by the simple API: its event stream is its own, and so is its end."""

from __future__ import annotations

from typing import Final

from ..cancelling import CancelReport
from ..config import AppConfig
from ..effects import Flow, Now, Open, ReadBody, TimedOut
from ..errors import GradioError
from ..events import Completed
from ..http import Headers
from ..job import Job
from .requests import make_request
from .state import ClientState, LiveSession
from .streams import end_stream, stream_target

LINGER_SECONDS: Final = 0.05
"""How long the end of the body is waited for after the last event; it mostly comes within 2 ms, and the connection can
be used again then. To make another one takes no longer than this, so that it is not worth more."""

LAST_PIECES: Final = 4
"""Pieces of the body that may come after the last event; it is one, and empty, unless a proxy stands between."""

CLOSING_STOPS_SINCE: Final = (4, 44, 0)
"""The oldest of the tried releases that gives a job up when its stream is closed; 4.21 goes on with it."""


def read_out(live: LiveSession, job: Job) -> Flow[None]:
    """Read the stream of a job that is answered to its end, and close it: at once, if nothing more is to come."""
    if live.stream is not None and (job.outcome is None or isinstance(job.outcome, Completed)):
        _, now = yield Now()
        try:
            for _ in range(LAST_PIECES):
                piece, _ = yield ReadBody(live.stream, now + LINGER_SECONDS)
                if not piece:
                    break
        except (GradioError, TimedOut):
            pass  # all that mattered has come
    end_stream(live)


def close_unread(state: ClientState, live: LiveSession, headers: Headers, seconds: float) -> Flow[str | None]:
    """Close the stream of a job that nobody wants any more, and which was never opened: so it has to be, first.

    That a stream has closed is the only thing by which a server of any version hears of that; it need not have
    answered. Returns why that could not be.
    """
    _, now = yield Now()
    request = make_request(state, "GET", stream_target(state, live), now, headers=headers)
    try:
        exchange, _ = yield Open(request, now + seconds)
    except GradioError as error:
        state.redact(error, headers)
        return f"the job's event stream could not be opened, to be closed: {error}"
    exchange.close()
    return None


def closing_report(config: AppConfig, refusal: str | None) -> CancelReport:
    """What came of closing the stream of a cancelled job; ``refusal`` says why it could not be closed."""
    if config.version_info < CLOSING_STOPS_SINCE:
        return CancelReport(
            True,
            False,
            "this server goes on with a job whose event stream was closed (Gradio 4.44 and later do not)",
        )
    done = (
        "the job's event stream was closed: a job that waits leaves the queue then, a generator stops, and a function "
        "that runs goes on to its end"
    )
    return CancelReport(True, refusal is None, refusal or done)
