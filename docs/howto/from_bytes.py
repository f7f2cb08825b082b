"""No loop at all: what a recorded event stream says, from its bytes.

Take it for a recording (a bug report's, a proxy's, a test's), or to see how little the protocol needs: each level
takes what the one below it gives, and none of them has a socket or a clock.
"""

from __future__ import annotations

from collections.abc import Iterator

import h11

from gradio_proto.events import JobEvent
from gradio_proto.http import HTTPConnection, Request
from gradio_proto.job import Job
from gradio_proto.journal import Budget, Cursor, Journal
from gradio_proto.limits import Limits
from gradio_proto.messages import parse_message
from gradio_proto.sentinels import NEED_DATA
from gradio_proto.session import Session
from gradio_proto.sse import SSEDecoder
from gradio_proto.urls import parse_app_url

RECORDED = b"""\
HTTP/1.1 200 OK\r
content-type: text/event-stream; charset=utf-8\r
connection: close\r
\r
data: {"msg":"estimation","event_id":"cf18","rank":0,"queue_size":1,"rank_eta":null}

data: {"msg":"process_starts","event_id":"cf18","eta":null}

data: {"msg":"process_generating","event_id":"cf18","output":{"data":["a "]},"success":true}

data: {"msg":"process_generating","event_id":"cf18","output":{"data":[[["append",[],"b "]]]},"success":true}

data: {"msg":"process_generating","event_id":"cf18","output":{"data":[[["append",[],"c "]]]},"success":true}

data: {"msg":"process_completed","event_id":"cf18","output":{"data":["a b c "]},"success":true}

data: {"msg":"close_stream","event_id":null}

"""
"""The answer of a Gradio 6.31.0 to ``GET /gradio_api/queue/data``, less a few of its fields."""

limits = Limits()


def texts(recorded: bytes) -> Iterator[str]:
    """Bytes of HTTP to the texts of the events in its body."""
    http = HTTPConnection(limits)
    http.send_request(Request("GET", parse_app_url("http://127.0.0.1:7860").origin, "/gradio_api/queue/data"))
    http.receive_data(recorded)
    http.receive_data(b"")  # the end of the connection
    decoder = SSEDecoder(limits)
    while not isinstance(event := http.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Data):
            decoder.receive_data(event.data)
            while (message := decoder.next_event()) is not NEED_DATA:
                yield message.data


def job_events(recorded: bytes) -> Iterator[JobEvent]:
    """Texts to messages, and messages to what has happened to their job."""
    session = Session("recorded", limits)
    journal = Journal(limits, Budget(limits.client_unread_bytes), diffs=True, convert=lambda data: data[0])
    job = Job(
        fn_index=0,
        label="/stream",
        payload=b"",
        convert=lambda data: data[0],  # one output: its value
        journal=journal,
        version_info=(6, 31, 0),
    )
    session.join_sent(job)
    session.join_accepted(job, "cf18")
    session.stream_requested()
    session.stream_opened()
    cursor = Cursor(journal)
    for text in texts(recorded):
        session.receive(parse_message(text, limits), text)
        while (event := cursor.next_event()) is not None:
            yield event
    session.stream_ended()
    if job.outcome is not None:
        yield job.outcome


if __name__ == "__main__":
    for event in job_events(RECORDED):
        print(event)
