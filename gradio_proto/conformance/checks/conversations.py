"""Jobs of ``ws`` and ``sse``, with a connection of their own on which the server asks for what it needs."""

from __future__ import annotations

import json
from typing import Final

from hypothesis import strategies as st

from gradio_proto.config import object_of

from ..judging import judge_job, judge_session
from ..model import Violation
from ..registry import case
from ..tester import Tester
from ..wire import Socket
from .calls import make, plain_calls

LATE_ON_A_SOCKET: Final = 60.0
LATE_ON_A_STREAM: Final = 5.0
"""Seconds for which a server waits for the data of a job."""
GRACE: Final = 10.0
"""Seconds by which it may be late to give up."""
TOO_LATE: Final = "Time out uploading data to server"


def open_socket(tester: Tester) -> Socket:
    """A socket for a job.

    Raises:
        Violation: It is refused.
    """
    socket = tester.wire.open_socket(tester.wire.target("queue/join"))
    if not isinstance(socket, Socket):
        raise Violation(f"the WebSocket of a job was refused with {socket.status}")
    return socket


def kinds_on(socket: Socket) -> list[str]:
    """What came on a socket, by its ``msg``."""
    return [str(json.loads(text).get("msg")) for _, text in socket.texts]


@case("queue/join/ws/late-data", endpoints=("any",), is_destructive=True, seconds=LATE_ON_A_SOCKET)
def data_that_never_come(tester: Tester) -> None:
    """Leave ``send_data`` unanswered: the job fails, and its error says why."""
    endpoint = tester.allowed()[0]
    socket = open_socket(tester)
    tester.wire.wait(lambda: bool(socket.texts), tester.patience)
    socket.send(json.dumps({"fn_index": endpoint.fn_index, "session_hash": tester.new_name()}))
    asked = tester.wire.wait(lambda: "send_data" in kinds_on(socket), tester.patience)
    tester.check(asked, "the server does not ask for the data of a job")
    ended = tester.wire.wait(lambda: "process_completed" in kinds_on(socket), LATE_ON_A_SOCKET + GRACE)
    tester.check(
        ended, f"the data of a job were not sent, and it did not end within {LATE_ON_A_SOCKET + GRACE:g} s"
    )
    message = json.loads(socket.texts[-1][1])
    tester.check(
        message.get("success") is False, f"a job without its data has succeeded: {socket.texts[-1][1][:300]}"
    )
    error = object_of(message.get("output")).get("error")
    tester.check(
        error == TOO_LATE, f"a job without its data is to fail with {TOO_LATE!r}, and failed with {error!r}"
    )


@case("queue/join/ws/continuous", endpoints=("every",), seconds=2)
def a_job_that_repeats_itself(tester: Tester) -> None:
    """Run a function of ``every=``: it starts past the queue, and sends a value for each of its runs."""
    session = tester.session()
    job = session.submit(tester.endpoint("every"))
    session.wait_until(
        lambda: len(job.all("process_generating")) >= 3 or job.is_over, "third value of every="
    )
    tester.check(not job.is_over, f"a function of every= has ended by itself: {job.output}")
    tester.check(not job.all("estimation"), "a function of every= was put into the queue")
    judge_job(job)
    session.hang_up(job)


@case("queue/join/unknown-fn/websocket", endpoints=("any",))
def a_function_that_is_not_there_on_a_socket(tester: Tester) -> None:
    """Name a function that the config does not list in answer to ``send_hash``: the connection ends."""
    socket = open_socket(tester)
    tester.wire.wait(lambda: bool(socket.texts), tester.patience)
    number = max(tester.app.endpoints) + 1_000
    socket.send(json.dumps({"fn_index": number, "session_hash": tester.new_name()}))
    tester.wire.wait(lambda: not socket.is_open, tester.patience)
    tester.check(
        not socket.is_open, f"the socket of a job of the function {number}, which is not there, stays open"
    )
    tester.check(
        "process_starts" not in kinds_on(socket), f"the function {number} is not there, and was started"
    )


@case("message/send-hash/first", endpoints=("any",), severity="minor")
def the_first_message_on_a_socket(tester: Tester) -> None:
    """Open a socket: the server says ``send_hash`` before everything."""
    socket = open_socket(tester)
    tester.wire.wait(lambda: bool(socket.texts), tester.patience)
    tester.check(socket.texts, "the server said nothing on a new socket")
    tester.check(
        kinds_on(socket)[0] == "send_hash", f"the first message on a socket was {socket.texts[0][1][:300]}"
    )


@case("message/send-data/event-id", endpoints=("any",))
def what_data_are_asked_for(tester: Tester) -> None:
    """Run two jobs: each is asked for its data under another name."""
    names: list[object] = []
    for job in make(tester, plain_calls(tester)[:1] * 2):
        asked = job.all("send_data")
        tester.check(len(asked) == 1, f"the server asked {len(asked)} times for the data of a job")
        name = asked[0].json.get("event_id")
        tester.check(isinstance(name, str) and name, f"send_data has no event_id: {asked[0].text}")
        tester.check(name not in names, f"two jobs are asked for under the name {name!r}")
        names.append(name)


@case("queue/join/sse/data-accepted", endpoints=("echo",))
def data_that_were_asked_for(tester: Tester) -> None:
    """Answer ``send_data`` by a POST: it is answered 200, and the job runs on them."""
    endpoint = tester.endpoint("echo")
    session = tester.session()
    job = session.submit(endpoint, "x")
    tester.wire.wait(lambda: bool(job.all("send_data")), tester.patience)
    tester.check(job.all("send_data"), f"the server does not ask for the data of {job}")
    job.questions.clear()  # they are answered here
    job.event_id = str(job.all("send_data")[0].json.get("event_id"))
    body = {**session.join_body(endpoint, ["x"]), "event_id": job.event_id}
    reply = tester.post("queue/data", body)
    tester.check_status(reply, 200)
    tester.check_schema("replies/data_taken", reply.json())
    session.wait(job)
    judge_session(session)
    tester.check(job.values == ["x"], f"{job} was given 'x', and gave {job.values}")


@case("queue/join/sse/unknown-event", endpoints=("any",), examples=5)
def data_that_nobody_has_asked_for(tester: Tester) -> None:
    """Post data for an event that there is not."""
    name = tester.draw(
        st.sampled_from(["0" * 32, "unknown", "-1"]) | st.text("0123456789abcdef", min_size=32, max_size=32)
    )
    body = {**tester.session().join_body(tester.allowed()[0], []), "event_id": name}
    tester.check_refused(tester.post("queue/data", body))


@case("queue/join/sse/late-data", endpoints=("any",), seconds=LATE_ON_A_STREAM)
def data_that_never_come_on_a_stream(tester: Tester) -> None:
    """Leave ``send_data`` unanswered: the stream of the job ends."""
    query = [("fn_index", str(tester.allowed()[0].fn_index)), ("session_hash", tester.new_name())]
    stream = tester.wire.open_events(tester.wire.target("queue/join", query))
    ended = tester.wire.wait(lambda: not stream.is_open, LATE_ON_A_STREAM + GRACE)
    tester.check(
        ended, f"the data of a job were not sent, and its stream is open {LATE_ON_A_STREAM + GRACE:g} s later"
    )
    tester.check(stream.events, "the stream of a job ended without a word")
