"""One request and its answer: headers, cookies, redirects, retries, bounds. Time is virtual, and exact."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from scripted import CLOSE, END, STREAM, Asked, ScriptedServer, World, chunk, http, make_state

from gradio_proto.cookies import CookieJar
from gradio_proto.effects import Signal
from gradio_proto.errors import (
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    LimitExceeded,
    RemoteProtocolError,
)
from gradio_proto.flows.requests import (
    LONGEST_REPLY,
    LONGEST_RETRY_AFTER,
    RedirectedElsewhere,
    back_off,
    fetch,
    fetch_idempotent,
    post_json,
)
from gradio_proto.limits import Limits
from gradio_proto.timeouts import Timeouts


def answering(*answers: Iterable[Any], **options: Any) -> World:
    """A world whose server gives these answers, and then says 200."""
    left = iter(answers)
    return World(ScriptedServer(lambda asked: next(left, [http(200, b"done")])), make_state(**options))


def test_what_every_request_says() -> None:
    world = answering(headers=[("x-mine", "1"), ("accept", "mine")])
    world.state.cookies.set("c", "1")
    response = world.run(
        fetch(world.state, "POST", "/x", body=b"{}", headers=[("x-call", "2"), ("x-mine", "3")])
    )
    assert (response.status, response.body) == (200, b"done")
    (asked,) = world.server.asked
    assert (asked.method, asked.target, asked.body) == ("POST", "/x", b"{}")
    assert asked.headers == {
        "host": "app",
        "user-agent": "gradio_proto",
        "accept": "mine",
        "accept-encoding": "identity",
        "x-mine": "3",
        "x-call": "2",
        "cookie": "c=1",
        "content-length": "2",
    }
    world.close()


def test_post_json_says_so() -> None:
    world = answering()
    world.run(post_json(world.state, "/x", b"{}", headers=[("x-gradio-user", "api")]))
    assert world.server.asked[0].headers["content-type"] == "application/json"
    assert world.server.asked[0].headers["x-gradio-user"] == "api"


def test_cookies_of_an_answer_are_sent_later_and_to_their_path_only() -> None:
    world = answering([http(200, b"", "set-cookie: a=1; Path=/app", "set-cookie: b=2; Path=/other")])
    world.run(fetch(world.state, "GET", "/app/config"))
    world.run(fetch(world.state, "GET", "/app/info"))
    assert world.server.asked[1].headers["cookie"] == "a=1"
    world.close()


def test_a_connection_is_used_again() -> None:
    world = answering()
    for _ in range(3):
        world.run(fetch(world.state, "GET", "/"))
    assert world.pool.connections_made == 1
    world.close()


# Redirects.


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_of_a_get_are_followed_on_the_same_origin(status: int) -> None:
    world = answering(
        [http(status, b"", "location: /b"), CLOSE], [http(status, b"", "location: http://app/c?q")]
    )
    assert world.run(fetch(world.state, "GET", "/a")).body == b"done"
    assert [asked.target for asked in world.server.asked] == ["/a", "/b", "/c?q"]
    world.close()


def test_three_redirects_and_no_more() -> None:
    world = answering(*[[http(302, b"", f"location: /{number}")] for number in range(3)])
    assert world.run(fetch(world.state, "GET", "/a")).body == b"done"
    world = answering(*[[http(302, b"", f"location: /{number}")] for number in range(4)])
    with pytest.raises(LimitExceeded, match="redirects"):
        world.run(fetch(world.state, "GET", "/a"))
    assert len(world.server.asked) == 4
    world.close()


@pytest.mark.parametrize(
    "location", ["http://elsewhere/b", "https://app/b", "//elsewhere/", "http://app:81/b"]
)
def test_redirects_to_other_origins_are_refused(location: str) -> None:
    world = answering([http(302, b"", f"location: {location}")])
    with pytest.raises(RedirectedElsewhere, match="another origin"):
        world.run(fetch(world.state, "GET", "/a"))
    assert len(world.server.asked) == 1
    world.close()


def test_a_redirect_to_nowhere() -> None:
    world = answering([http(302, b"")])
    with pytest.raises(RemoteProtocolError, match="without a location"):
        world.run(fetch(world.state, "GET", "/a"))
    world.close()


def test_a_post_is_never_redirected() -> None:
    world = answering([http(307, b"", "location: /b")])
    assert world.run(fetch(world.state, "POST", "/a", body=b"{}")).status == 307
    assert len(world.server.asked) == 1


# Bounds.


def test_a_compressed_answer_is_refused() -> None:
    world = answering(
        [http(200, b"x", "content-encoding: br")], [http(200, b"x", "content-encoding: Identity")]
    )
    with pytest.raises(RemoteProtocolError, match="compressed"):
        world.run(fetch(world.state, "GET", "/a"))
    assert world.run(fetch(world.state, "GET", "/a")).body == b"x"
    world.close()


@pytest.mark.parametrize("whole", [True, False])
def test_a_body_over_the_limit(whole: bool) -> None:
    body = b"x" * 101
    answer = (
        [http(200, body)]
        if whole
        else [STREAM, *[chunk(body[at : at + 20]) for at in range(0, 101, 20)], END]
    )
    world = answering(answer, [http(200, body[:100])], limits=Limits(json_body_bytes=100))
    with pytest.raises(LimitExceeded, match="json_body_bytes"):
        world.run(fetch(world.state, "GET", "/a"))
    assert len(world.run(fetch(world.state, "GET", "/a")).body) == 100
    world.close()


def test_a_head_that_does_not_come() -> None:
    world = answering([60.0, http(200)], timeouts=Timeouts(read=7))
    with pytest.raises(DeadlineExceeded) as caught:
        world.run(fetch(world.state, "GET", "/a"))
    assert (caught.value.kind, world.runner.now) == ("read", 7)
    world.close()


def test_a_body_that_stops() -> None:
    world = answering([STREAM, chunk(b"x"), 60.0], timeouts=Timeouts(read=7))
    with pytest.raises(DeadlineExceeded, match="in the middle") as caught:
        world.run(fetch(world.state, "GET", "/a"))
    assert (caught.value.kind, world.runner.now) == ("read", 7)
    world.close()


def test_until_is_a_deadline_for_all_of_it() -> None:
    world = answering([STREAM, *[chunk(b"x"), 2.0] * 10])
    with pytest.raises(DeadlineExceeded):
        world.run(fetch(world.state, "GET", "/a", until=5.0))
    assert world.runner.now == 5.0
    world.close()


@pytest.mark.parametrize(("read", "until"), [(7.0, None), (7.0, 30.0), (7.0, 20.0)])
def test_a_body_that_drips_has_four_times_as_long_as_a_piece(read: float, until: float | None) -> None:
    world = answering([1.0, STREAM, *[chunk(b"x"), 5.0] * 40], timeouts=Timeouts(read=read))
    with pytest.raises(DeadlineExceeded) as caught:
        world.run(fetch(world.state, "GET", "/a", until=until))
    longest = 1.0 + LONGEST_REPLY * read
    assert (caught.value.kind, world.runner.now) == ("read", min(longest, until or longest))
    world.close()


def test_without_a_deadline_for_a_piece_there_is_none_for_all_of_them() -> None:
    world = answering([STREAM, *[chunk(b"x"), 500.0] * 4, END], timeouts=Timeouts(read=None))
    assert world.run(fetch(world.state, "GET", "/a")).body == b"xxxx"
    assert world.runner.now == 2000.0
    world.close()


def test_an_answer_that_breaks_off() -> None:
    world = answering([STREAM, chunk(b"x"), CLOSE])
    with pytest.raises(ConnectionLost):
        world.run(fetch(world.state, "GET", "/a"))
    world.close()


# Retries.


def test_a_get_is_tried_again_with_pauses_that_grow() -> None:
    world = answering([CLOSE], [CLOSE])
    assert world.run(fetch_idempotent(world.state, "/a")).body == b"done"
    assert [asked.time for asked in world.server.asked] == [0, 0.5, 1.5]
    world.close()


def test_a_get_gives_up_after_the_last_attempt() -> None:
    world = answering([CLOSE], [CLOSE], [CLOSE])
    with pytest.raises(ConnectionLost):
        world.run(fetch_idempotent(world.state, "/a"))
    assert len(world.server.asked) == 3
    world.close()


def test_a_refused_connection_is_tried_again() -> None:
    world = answering(max_retries=1)
    world.runner.refuses = True
    with pytest.raises(ConnectError):
        world.run(fetch_idempotent(world.state, "/a"))
    assert world.runner.now == 0.5


def test_no_retries_where_none_are_wanted() -> None:
    world = answering([http(503)], max_retries=0)
    assert world.run(fetch_idempotent(world.state, "/a")).status == 503
    assert len(world.server.asked) == 1


@pytest.mark.parametrize(("seconds", "times"), [("7", [0, 7.0]), ("0", [0, 0.5]), ("Mon", [0, 0.5])])
def test_retry_after_is_honoured(seconds: str, times: list[float]) -> None:
    world = answering([http(429, b"", f"retry-after: {seconds}")])
    assert world.run(fetch_idempotent(world.state, "/a")).status == 200
    assert [asked.time for asked in world.server.asked] == times


def test_a_retry_after_that_is_too_long_is_the_callers_business() -> None:
    world = answering([http(503, b"", f"retry-after: {LONGEST_RETRY_AFTER + 1:g}")])
    assert world.run(fetch_idempotent(world.state, "/a")).status == 503


def test_other_statuses_are_answers() -> None:
    world = answering([http(500)])
    assert world.run(fetch_idempotent(world.state, "/a")).status == 500


def test_a_pause_ends_with_the_callers_time() -> None:
    world = answering()
    world.run(back_off(world.state, 3, 20.0, until=2.5))
    assert world.runner.now == 2.5
    world.run(back_off(world.state, 3, until=100.0))
    assert world.runner.now == 6.5


def test_a_pause_ends_when_the_waiter_is_woken() -> None:
    world = answering()
    wake = Signal()
    task = world.spawn(back_off(world.state, 3, wake=wake))
    world.runner.settle()
    assert not task.done
    wake.set()
    world.runner.settle()
    assert task.done
    assert (task.result, world.runner.now) == (0.0, 0.0)
    world.run(back_off(world.state, 0, until=0.25, wake=Signal()))
    assert world.runner.now == 0.25


def test_secure_cookies_are_not_kept_in_clear() -> None:
    world = answering([http(200, b"", "set-cookie: a=1; Secure", "set-cookie: b=2")])
    world.run(fetch(world.state, "GET", "/"))
    assert isinstance(world.state.cookies, CookieJar)
    assert world.state.cookies.header("/", 0.0) == "b=2"


def test_the_handler_sees_whole_requests_however_they_come() -> None:
    server = ScriptedServer(lambda asked: [http(200)])
    server.connection_made(0)
    for byte in b"POST /x HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\n{}":
        server.receive_data(0, bytes([byte]), 1.0)
    assert server.asked == [Asked(0, "POST", "/x", {"host": "app", "content-length": "2"}, b"{}", 1.0)]
