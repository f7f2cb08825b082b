"""Jobs that go by the simple API: the promises are those of the queue, and each has a stream of its own."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import (
    CLOSE,
    END,
    STREAM,
    Asked,
    Begun,
    GradioScript,
    World,
    accepted,
    an_app,
    chunk,
    completed,
    failure,
    http,
    make_state,
    scripted_world,
    until,
)

from gradio_proto.app_errors import LOST_MESSAGE
from gradio_proto.cancelling import CancelReport
from gradio_proto.carriers import Carrier
from gradio_proto.config import parse_config
from gradio_proto.errors import (
    AppError,
    AuthenticationError,
    ClientClosed,
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    GradioError,
    HTTPStatusError,
    LimitExceeded,
    QueueError,
    RemoteProtocolError,
    ServerStopped,
    SessionLost,
    TooManyRequestsError,
    ValidationError,
)
from gradio_proto.events import Cancelled, Completed, Unknown
from gradio_proto.flows.calls import TELL_SECONDS, call, cancel
from gradio_proto.flows.simple import LAST_PIECES, LINGER_SECONDS, closing_report
from gradio_proto.http import Headers
from gradio_proto.job import JobState
from gradio_proto.journal import Cursor
from gradio_proto.limits import Limits
from gradio_proto.simple_api import call_payload
from gradio_proto.timeouts import Timeouts


def said(event: str, data: Any) -> bytes:
    """An event of the simple API, as a chunk of the stream."""
    return chunk(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())


DONE = (STREAM, said("complete", ["v"]), END)
STOPS = "a job that waits leaves the queue then"


class SimpleScript(GradioScript):
    """Answers POSTs and GETs of ``/call`` as a test scripts them, in their order; the queue's too."""

    def __init__(
        self,
        *,
        version: str = "6.31.0",
        posts: Sequence[Iterable[Any]] = (),
        gets: Sequence[Iterable[Any]] = (),
        **options: Any,
    ) -> None:
        super().__init__(an_app(version), **options)
        self.posts = deque(posts)
        self.gets = deque(gets)
        self.posted = 0

    def __call__(self, asked: Asked) -> Iterable[Any]:
        if "/call/" not in asked.path:
            return super().__call__(asked)
        if asked.method == "POST":
            self.posted += 1
            return self.posts.popleft() if self.posts else [accepted(f"s{self.posted}")]
        self.stream_conn = asked.conn
        return self.gets.popleft() if self.gets else [STREAM]


def a_world(
    *gets: Iterable[Any], posts: Sequence[Iterable[Any]] = (), version: str = "6.31.0", **options: Any
) -> World:
    script = {name: options.pop(name) for name in ("streams", "others") if name in options}
    return scripted_world(SimpleScript(version=version, posts=posts, gets=gets, **script), **options)


def make(world: World, name: str, *args: Any, deadline: float | None = None, headers: Headers = ()) -> Begun:
    live = world.state.session_of_its_own(Carrier.SIMPLE_API, f"call{name}")
    begun = world.make(name, *args, live=live, deadline=deadline, headers=headers)
    begun.job.payload = call_payload(world.state.app.resolve(name).bind(args, {}))
    assert begun.job.journal is not None
    begun.job.journal.diffs = False
    return begun


def begin(world: World, name: str, *args: Any, **options: Any) -> Begun:
    begun = make(world, name, *args, **options)
    begun.task = world.spawn(call(world.state, begun.live, begun.job))
    return begun


def requests(world: World, method: str) -> list[Asked]:
    return [asked for asked in world.server.asked if asked.method == method and "/call/" in asked.path]


def gone(world: World, conn: int) -> bool:
    """Whether the server has seen the end of a connection."""
    world.turn(3)
    return conn in world.server.lost


# Healthy calls.


def test_what_is_sent() -> None:
    world = a_world(DONE)
    begun = begin(world, "/echo", "x", headers=(("x-call", "1"),))
    assert world.result(begun) == "v"
    (post,), (get,) = requests(world, "POST"), requests(world, "GET")
    assert (post.target, json.loads(post.body)) == ("/gradio_api/call/echo", {"data": ["x"]})
    assert (get.target, get.headers["accept"]) == ("/gradio_api/call/echo/s1", "text/event-stream")
    assert post.headers["x-call"] == get.headers["x-call"] == "1"
    assert begun.job.event_id == begun.job.session_hash == begun.live.session.hash == "s1"
    assert not world.server.paths("/queue/join")
    assert world.state.live is None
    world.close()


def test_a_generator_sends_whole_values() -> None:
    values = [[0], [0, 1], [0, 1, 2]]
    said_values = [said("generating", [value]) for value in values]
    heartbeat = said("heartbeat", None)
    world = a_world((STREAM, heartbeat, *said_values, heartbeat, said("complete", [values[-1]]), END))
    begun = begin(world, "/count", 3)
    assert world.result(begun) == values[-1]
    assert begun.outputs == values
    world.close()


def test_an_unknown_event_is_handed_on() -> None:
    world = a_world((STREAM, said("progress", {"index": 1}), *DONE[1:]))
    begun = begin(world, "/echo", "x")
    assert world.result(begun) == "v"
    assert begun.job.journal is not None
    seen = Cursor(begun.job.journal).next_event()
    assert isinstance(seen, Unknown)
    assert seen.message.msg == "event: progress"
    world.close()


def test_jobs_of_both_ways_side_by_side() -> None:
    world = a_world(
        (STREAM, 2.0, *DONE[1:]), (STREAM, 1.0, *DONE[1:]), streams=[[STREAM, 3.0, completed("e1", "q")]]
    )
    jobs = [begin(world, "/echo", "a"), world.begin("/echo", "b"), begin(world, "/echo", "c")]
    world.finish(*jobs)
    assert [begun.job.result() for begun in jobs] == ["v", "q", "v"]
    assert world.state.live is jobs[1].live
    world.close()


@pytest.mark.parametrize("pieces", [1, 3])
def test_the_connection_serves_the_next_call(pieces: int) -> None:
    late = [0.02, *[chunk(b": x\n\n")] * (pieces - 1), END]
    world = a_world((*DONE[:2], *late), DONE)
    for _ in range(2):
        begun = begin(world, "/echo", "x")
        assert world.result(begun) == "v"
        assert begun.live.stream is None
    assert len({asked.conn for asked in world.server.asked}) == 1
    world.close()


@pytest.mark.parametrize(
    "rest",
    [(1.0, END), (chunk(b"x"),) * 20, (CLOSE,), (b"nonsense\r\n",)],
    ids=["late", "endless", "lost", "bad"],
)
def test_an_end_that_does_not_come_is_not_waited_for(rest: tuple[Any, ...]) -> None:
    world = a_world((*DONE[:2], *rest))
    begun = begin(world, "/echo", "x")
    assert world.result(begun) == "v"
    assert world.runner.now <= LINGER_SECONDS
    assert gone(world, world.server.handler.stream_conn)
    assert LAST_PIECES < 20
    world.close()


# Joins that fail.


@pytest.mark.parametrize(
    ("answer", "cls", "retryable"),
    [
        (http(401, b'{"detail":"Not authenticated"}'), AuthenticationError, False),
        (http(405, b'{"detail":"Method Not Allowed"}'), HTTPStatusError, False),
        (http(422, b'{"detail":[{"__type__":"validate","is_valid":false}]}'), ValidationError, False),
        (http(429), TooManyRequestsError, True),
        (http(500, b"Internal Server Error", content_type="text/plain"), HTTPStatusError, False),
        (http(502), HTTPStatusError, False),
        (http(503), HTTPStatusError, True),
        (http(503, b'{"detail":"Queue is full. Max size is 1 and size is 1."}'), QueueError, True),
        (http(200, b"<html>", content_type="text/html"), HTTPStatusError, False),
        (http(200, b"{}"), RemoteProtocolError, False),
        (http(200, b'{"event_id": 1}'), RemoteProtocolError, False),
        (CLOSE, ConnectionLost, False),
    ],
)
def test_a_post_that_is_not_accepted(answer: Any, cls: type[GradioError], retryable: bool) -> None:
    world = a_world(posts=[[answer]])
    begun = begin(world, "/echo", "x")
    error = failure(world, begun)
    assert type(error) is cls
    assert error.retryable is retryable
    assert (error.endpoint, error.last_status) == ("/echo", "JOINING_QUEUE")
    assert len(requests(world, "POST")) == 1
    assert not requests(world, "GET")
    if isinstance(error, HTTPStatusError):
        assert "/call/echo" in str(error)
    world.close()


def test_an_endless_event_id() -> None:
    world = a_world(posts=[[accepted("e" * 257)]])
    assert "endless event_id" in str(failure(world, begin(world, "/echo", "x")))
    assert not requests(world, "GET")
    world.close()


def test_a_post_is_sent_again_only_where_it_cannot_have_been_accepted() -> None:
    world = a_world(DONE, posts=[[http(503)], [accepted("s1")]], max_retries=2)
    assert world.result(begin(world, "/echo", "x")) == "v"
    assert len(requests(world, "POST")) == 2
    world.close()
    for answer in (CLOSE, http(502)):
        world = a_world(posts=[[answer]], max_retries=2)
        failure(world, begin(world, "/echo", "x"))
        assert len(requests(world, "POST")) == 1
        world.close()


# Streams that fail.


STREAM_FAILURES = [
    ((STREAM, END), ConnectionLost, "ended the stream before the job"),
    ((STREAM, said("generating", ["a"]), END), ConnectionLost, "ended the stream before the job"),
    ((STREAM, said("heartbeat", None), CLOSE), ConnectionLost, ""),
    ((CLOSE,), ConnectionLost, ""),
    ((STREAM, said("error", "404: Session not found."), CLOSE), SessionLost, ""),
    ((STREAM, said("error", "404: Not Found"), CLOSE), SessionLost, ""),
    ((STREAM, said("error", "Server stopped unexpectedly."), 0.05, CLOSE), ServerStopped, ""),
    ((STREAM, said("error", "'x'"), CLOSE), ConnectionLost, "'x'"),
    ((STREAM, said("error", 7)), RemoteProtocolError, "output"),
    ((STREAM, said("complete", {})), RemoteProtocolError, "output.data"),
    ((STREAM, said("complete", [])), RemoteProtocolError, "0 outputs"),
    ((STREAM, chunk(b"event: complete\ndata: [1\n\n")), RemoteProtocolError, "JSON"),
    ((STREAM, b"zz\r\n"), RemoteProtocolError, ""),
    (
        (http(200, b"<title>Hi", content_type="text/html"),),
        HTTPStatusError,
        "/call/echo answered 200 with text/html",
    ),
    ((http(500, b"Oops", content_type="text/plain"),), HTTPStatusError, "/call/echo answered 500"),
    ((http(401, b'{"detail":"Not authenticated"}'),), AuthenticationError, ""),
    ((http(307, b"", "location: /login"),), HTTPStatusError, "307"),
]


@pytest.mark.parametrize(("get", "cls", "text"), STREAM_FAILURES)
def test_a_stream_that_fails(get: tuple[Any, ...], cls: type[GradioError], text: str) -> None:
    world = a_world(get)
    error = failure(world, begin(world, "/echo", "x"))
    assert type(error) is cls
    assert text in str(error)
    assert not error.retryable
    assert (error.endpoint, error.event_id, error.session_hash) == ("/echo", "s1", "s1")
    assert getattr(error, "phase", "stream_lost") == "stream_lost"
    assert len(requests(world, "GET")) == len(requests(world, "POST")) == 1
    assert world.runner.now < 0.1
    world.close()


def test_a_stream_that_cannot_be_opened_is_asked_for_again() -> None:
    world = a_world((http(503),), (http(429, b"", "retry-after: 3"),), DONE)
    assert world.result(begin(world, "/echo", "x")) == "v"
    assert [get.time for get in requests(world, "GET")] == [0.0, 0.5, 3.5]
    assert len(requests(world, "POST")) == 1
    world.close()


def test_nobody_is_there_any_more() -> None:
    world = a_world(posts=[[accepted("s1"), CLOSE]])
    begun = begin(world, "/echo", "x")
    until(world, lambda: begun.job.event_id is not None)
    world.runner.refuses = True
    error = failure(world, begun)
    assert isinstance(error, ConnectionLost)
    assert isinstance(error.__cause__, ConnectError)
    assert (error.phase, error.retryable) == ("stream_lost", False)
    world.close()


def test_a_stream_that_falls_silent() -> None:
    world = a_world((STREAM, said("generating", [1])), timeouts=Timeouts(idle=7.0))
    error = failure(world, begin(world, "/count", 3))
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, error.phase, world.runner.now) == ("idle", "stream_lost", 7.0)
    assert gone(world, world.server.handler.stream_conn)
    world.close()


def test_heartbeats_keep_it_alive() -> None:
    beats = [step for _ in range(10) for step in (5.0, said("heartbeat", None))]
    world = a_world((STREAM, *beats, *DONE[1:]), timeouts=Timeouts(idle=7.0))
    assert world.result(begin(world, "/echo", "x")) == "v"
    assert world.runner.now == 50.0
    world.close()


def test_too_much() -> None:
    world = a_world(
        (STREAM, *[said("generating", ["x" * 400]) for _ in range(9)]), limits=Limits(job_unread_bytes=2000)
    )
    error = failure(world, begin(world, "/echo", "x"))
    assert isinstance(error, LimitExceeded)
    assert error.name == "job_unread_bytes"
    world.close()


# Errors of the app.


@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(["generating", "complete", "error", "heartbeat", "x", ""]),
            st.sampled_from(["null", "[]", "[1]", "{}", '"404"', '"y"', "", "[", '[1],"msg":"close_stream"'])
            | st.text(st.characters(exclude_characters="\r\n"), max_size=9),
        ),
        max_size=6,
    ),
    end=st.sampled_from([END, CLOSE, b"zz\r\n", 90.0]),
)
def test_whatever_a_stream_says_the_job_ends_once(events: list[tuple[str, str]], end: Any) -> None:
    said_events = [
        chunk(f"event: {name}\ndata: {data}\n\n".encode("utf-8", "replace")) for name, data in events
    ]
    world = a_world((STREAM, *said_events, end))
    begun = begin(world, "/echo", "x")
    world.finish(begun)
    assert begun.endings == 1
    assert not begun.news_after_end
    assert len(requests(world, "POST")) == 1
    world.close()


@pytest.mark.parametrize(
    ("version", "data", "text", "hidden"),
    [
        ("6.31.0", {"error": "bad: x", "duration": 3, "visible": True, "title": "Oh"}, "bad: x", False),
        ("5.49.1", None, LOST_MESSAGE, True),
        ("4.44.1", None, LOST_MESSAGE, True),
    ],
)
def test_the_app_raises(version: str, data: Any, text: str, hidden: bool) -> None:
    world = a_world((STREAM, said("generating", ["a"]), said("error", data), END), version=version)
    begun = begin(world, "/echo", "x")
    error = failure(world, begun)
    assert isinstance(error, AppError)
    assert (error.message, error.hidden, error.event_id) == (text, hidden, "s1")
    assert begun.outputs == ["a"]
    world.close()


def test_the_app_cancels() -> None:
    world = a_world((STREAM, said("complete", None), END))
    begun = begin(world, "/count", 3)
    world.finish(begun)
    assert begun.job.outcome == Cancelled(by_server=True)
    world.close()


# Slots and deadlines.


def test_slots_hold_for_both_ways() -> None:
    world = a_world((STREAM, 2.0, *DONE[1:]), DONE, slots=1)
    first, second = begin(world, "/echo", "x"), begin(world, "/echo", "y")
    until(world, lambda: first.job.state is JobState.QUEUED)
    assert second.job.state is JobState.NEW
    world.finish(first, second)
    assert requests(world, "POST")[1].time >= 2.0
    world.close()


def test_the_deadline_closes_the_stream() -> None:
    world = a_world((STREAM, 60.0))
    error = failure(world, begin(world, "/echo", "x", deadline=5.0))
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, error.phase, world.runner.now) == ("total", "accepted", 5.0)
    assert gone(world, world.server.handler.stream_conn)
    assert not world.server.paths("/cancel")
    world.close()


def test_the_deadline_passes_before_the_stream_answers() -> None:
    world = a_world((60.0, STREAM))
    error = failure(world, begin(world, "/echo", "x", deadline=5.0))
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, world.runner.now) == ("total", 5.0)
    assert gone(world, world.server.handler.stream_conn)
    world.close()


def test_the_deadline_passes_while_the_post_is_on_its_way() -> None:
    world = a_world(posts=[[60.0, accepted("s1")]])
    error = failure(world, begin(world, "/echo", "x", deadline=5.0))
    assert isinstance(error, DeadlineExceeded)
    assert (error.kind, error.phase) == ("total", "sent_unknown")
    assert not requests(world, "GET")
    world.close()


# Cancelling.


def cancelled(world: World, begun: Begun, **options: Any) -> CancelReport:
    report: CancelReport = world.run(cancel(world.state, begun.live, begun.job, **options))
    world.finish(begun)
    return report


@pytest.mark.parametrize(
    ("version", "told"), [("4.21.0", False), ("4.44.1", True), ("5.49.1", True), ("6.31.0", True)]
)
@pytest.mark.parametrize("get", [(60.0, STREAM), (STREAM, 60.0), (STREAM, said("generating", [[0]]), 60.0)])
def test_to_cancel_is_to_close_the_stream(get: tuple[Any, ...], version: str, told: bool) -> None:
    world = a_world(get, version=version)
    begun = begin(world, "/count", 3)
    until(world, lambda: len(requests(world, "GET")) == 1)
    world.turn(3)
    report = cancelled(world, begun)
    assert (report.cancelled, report.server_told) == (True, told)
    assert (STOPS if told else "4.44 and later do not") in report.reason
    assert begun.job.outcome == Cancelled(by_server=False)
    assert gone(world, world.server.handler.stream_conn)
    assert world.runner.now == 0.0
    assert not world.server.paths("/cancel")
    world.close()


def test_the_first_release_that_gives_up_a_job_whose_stream_is_closed() -> None:
    def report(version: str, refusal: str | None = None) -> CancelReport:
        return closing_report(parse_config({"version": version, "dependencies": []}), refusal)

    assert report("4.44.0").server_told
    assert report("4.44.0").reason.startswith(
        "the job's event stream was closed: a job that waits leaves the queue"
    )
    assert report("4.44.0").reason.endswith("a generator stops, and a function that runs goes on to its end")
    assert not report("4.43.9").server_told
    assert report("4.43.9").reason.startswith("this server goes on with a job whose event stream was closed")
    assert report("4.43.9").reason == report("4.43.9", "it was not opened").reason
    assert report("4.44.0", "it was not opened") == CancelReport(True, False, "it was not opened")


def test_a_job_that_has_ended_is_not_cancelled() -> None:
    world = a_world(DONE)
    begun = begin(world, "/echo", "x")
    world.finish(begun)
    assert not cancelled(world, begun).cancelled
    assert isinstance(begun.job.outcome, Completed)
    world.close()


def test_cancelling_one_leaves_the_others_alone() -> None:
    world = a_world((STREAM, 60.0), (STREAM, 1.0, *DONE[1:]))
    first, second = begin(world, "/echo", "x"), begin(world, "/echo", "y")
    until(world, lambda: len(requests(world, "GET")) == 2)
    cancelled(world, first)
    assert world.result(second) == "v"
    world.close()


def test_a_job_that_is_cancelled_while_it_joins_is_dropped_by_its_server() -> None:
    world = a_world((60.0,), posts=[[1.0, accepted("s1")]])
    begun = begin(world, "/count", 3, headers=(("x-call", "1"),))
    until(world, lambda: begun.job.state is JobState.JOINING)
    world.turn(3)
    report = cancelled(world, begun)
    assert (report.cancelled, report.server_told) == (True, False)
    assert "if it does, it is told then" in report.reason
    (get,) = requests(world, "GET")
    assert (get.target, get.headers["x-call"]) == ("/gradio_api/call/count/s1", "1")
    assert gone(world, get.conn)
    assert world.runner.now == 1.0
    world.close()


def test_a_job_that_is_cancelled_while_it_joins_and_of_which_nobody_can_be_told() -> None:
    world = a_world(posts=[[1.0, accepted("s1"), CLOSE]])
    begun = begin(world, "/count", 3)
    until(world, lambda: begun.job.state is JobState.JOINING)
    world.turn(3)
    world.runner.refuses = True
    cancelled(world, begun)
    assert not requests(world, "GET")
    assert world.runner.now <= 1.0 + TELL_SECONDS
    world.close()


def test_a_job_that_is_cancelled_before_it_is_sent() -> None:
    world = a_world((STREAM, 1.0, *DONE[1:]), slots=1)
    first, second = begin(world, "/echo", "x"), begin(world, "/echo", "y")
    until(world, lambda: first.job.state is JobState.QUEUED)
    assert cancelled(world, second).cancelled
    world.finish(first)
    assert len(requests(world, "POST")) == 1
    world.close()


# Giving up.


class Foreign(BaseException):
    """An exception of the caller's world."""


@pytest.mark.parametrize("throws", [False, True])
def test_a_flow_that_is_given_up_at_any_effect(throws: bool) -> None:
    gets = (STREAM, 0.5, said("generating", [[0]]), 0.5, said("complete", [[0]]), 0.01, END)
    for steps in range(1, 100):
        world = a_world(gets, gets, posts=[[0.5, accepted("s1")], [0.5, accepted("s2")]], slots=1)
        begun = begin(world, "/count", 1)
        task = begun.task
        assert task is not None
        world.runner.run_until(lambda task=task, steps=steps: task.done or task.steps >= steps, 60.0)  # type: ignore[misc]
        over = task.done
        world.runner.cancel(task, Foreign() if throws else None)
        assert begun.endings == 1
        world.turn(3)
        if not isinstance(begun.job.outcome, Completed):
            assert {get.conn for get in requests(world, "GET")} <= set(world.server.lost)
        assert world.result(begin(world, "/count", 1)) == [0]
        world.close()
        if over:
            assert steps > 8
            return
    raise AssertionError("the flow asks for ever more effects")


@pytest.mark.parametrize("throws", [False, True])
@pytest.mark.parametrize("joining", [False, True])
def test_a_cancellation_that_is_given_up_at_any_effect(joining: bool, throws: bool) -> None:
    for steps in range(1, 30):
        world = a_world((STREAM, 60.0), DONE, posts=[[0.5, accepted("s1")], [accepted("s2")]])
        begun = begin(world, "/count", 3)
        until(
            world, lambda begun=begun: begun.job.state is (JobState.JOINING if joining else JobState.QUEUED)
        )  # type: ignore[misc]
        world.turn(3)
        task = world.spawn(cancel(world.state, begun.live, begun.job))
        if joining:  # what is given up is the job's own flow then, which sees to the end of it
            assert begun.task is not None
            task, steps = begun.task, begun.task.steps + steps
        world.runner.run_until(lambda task=task, steps=steps: task.done or task.steps >= steps, 60.0)  # type: ignore[misc]
        over = task.done
        world.runner.cancel(task, Foreign() if throws else None)
        world.runner.run_until(lambda begun=begun: begun.task.done, 60.0)  # type: ignore[misc]
        assert begun.job.outcome == Cancelled(by_server=False)
        assert begun.endings == 1
        world.turn(3)
        assert {get.conn for get in requests(world, "GET")} <= set(world.server.lost)
        world.server.handler.posts, world.server.handler.gets = deque(), deque([DONE])
        assert world.result(begin(world, "/echo", "x")) == "v"
        world.close()
        if over:
            return
    raise AssertionError("the flow asks for ever more effects")


def test_a_closed_client() -> None:
    state = make_state()
    state.closed = True
    with pytest.raises(ClientClosed):
        state.session_of_its_own(Carrier.SIMPLE_API, "call/echo")
