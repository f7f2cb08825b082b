"""The WebSockets of a test app that is of Gradio 3. What real servers said is in ``test_testing_conversations``; here
is what was measured on them beside that."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from testing_simulation import Answer, World
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from gradio_proto.testing import TestApp
from gradio_proto.testing.protocol import MAX_BODY
from gradio_proto.testing.sockets import MAX_MESSAGE

SEND_HASH = '{"msg":"send_hash"}'


def make(**options: Any) -> World:
    world = World()
    app = TestApp(**{"version": "3.50.2", **options})

    @app.endpoint()
    def echo(x: str) -> str:
        world.sleep(1)
        return x

    @app.endpoint()
    def count(n: int) -> Iterator[int]:
        for i in range(n):
            world.sleep(1)
            yield i

    if app.has_queue:
        app.endpoint("stop", inputs=[], outputs=[], queue=False, cancels=["/echo", "/count"])(lambda: None)

        @app.endpoint(inputs=["text"], outputs=["text"], batch=True, max_batch_size=2)
        def double(xs: list[str]) -> list[list[str]]:
            return [[x * 2 for x in xs]]

        app.endpoint("tick", inputs=[], outputs=["text"], every=0.5)(lambda: "t")
    world.use(app)
    return world


def join(world: World, fn_index: Any = 0, session: Any = "s") -> tuple[int, Answer]:
    conn, answer = world.upgrade()
    assert answer.status == 101
    world.say(conn, {"fn_index": fn_index, "session_hash": session})
    return conn, answer


def give(world: World, conn: int, *data: Any, fn_index: Any = 0, session: Any = "s") -> None:
    world.say(conn, {"data": data, "fn_index": fn_index, "session_hash": session})


def kinds(answer: Answer) -> list[Any]:
    """What has come in: the kinds of messages, and whatever else."""
    return [json.loads(frame)["msg"] if isinstance(frame, str) else frame for frame in answer.frames]


def last(answer: Answer) -> Any:
    """The last message."""
    return [json.loads(frame) for frame in answer.frames if isinstance(frame, str)][-1]


def cancel(world: World, session: str = "s") -> bytes:
    """What the endpoint answers that cancels."""
    body = {"data": [], "session_hash": session, "fn_index": 3}
    answer = world.request("POST", "/api/predict", json.dumps(body).encode())
    world.run(world.now)
    return answer.body


# How one begins


def test_a_handshake() -> None:
    world = make()
    _, answer = world.upgrade()
    assert (answer.status, answer.reason) == (101, "Switching Protocols")
    assert answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, 1.3
    assert answer.frames == [SEND_HASH]


def test_what_came_with_the_handshake() -> None:
    """A client may not wait for the answer."""
    world = make()
    conn, other = world.upgrade()
    key = base64.b64encode(b"0" * 16).decode()
    head = "GET /queue/join HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    head += f"Sec-WebSocket-Key: {key}\r\n\r\n"
    frames = Connection(ConnectionType.CLIENT).send(TextMessage(data='{"fn_index":0,"session_hash":"s"}'))
    conn = world.connect()
    world.answers[conn] = Answer(other.client)
    taken: list[bytes] = []
    world.answers[conn].feed = taken.append  # type: ignore[method-assign]
    world.send(conn, head.encode() + frames)
    assert b"estimation" in b"".join(taken)


def test_other_paths_and_requests() -> None:
    world = make()
    _, answer = world.upgrade("/queue/data")
    assert (answer.status, answer.body, answer.closed) == (403, b"", True)
    assert world.request("GET", "/queue/join", headers=()).status == 404
    assert world.request("POST", "/queue/join", b"{}").status == 404


def test_an_app_without_a_queue_never_answers() -> None:
    world = make(queue=False)
    assert world.app.config("")["enable_queue"] is False
    _, answer = world.upgrade()
    world.run(60.0)
    assert (answer.status, answer.frames, answer.closed) == (None, [], False)
    direct = world.request("POST", "/run/echo", b'{"data":["x"]}')
    generator = world.request("POST", "/run/count", b'{"data":[2]}')
    status = world.request("GET", "/queue/status", headers=())
    world.run()
    assert json.loads(direct.body)["data"] == ["x"]
    assert (generator.status, generator.body) == (500, b'{"error":"Need to enable queue to use generators."}')
    assert status.status == 500


def test_who_says_nothing_is_left_after_five_seconds() -> None:
    world = make()
    _, answer = world.upgrade()
    world.run(4.9)
    assert not answer.closed
    world.run(5.0)
    assert answer.closed
    assert answer.frames == [SEND_HASH]
    assert world.server.next_deadline() is None


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "[]",
        "{}",
        '{"fn_index":0}',
        '{"fn_index":99,"session_hash":"s"}',
        '{"fn_index":"0","session_hash":"s"}',
        '{"fn_index":null,"session_hash":"s"}',
    ],
)
def test_who_names_no_job_is_left(text: str) -> None:
    world = make()
    conn, answer = world.upgrade()
    world.say(conn, text)
    assert (answer.frames, answer.closed) == ([SEND_HASH], True)


# How one goes on


@pytest.mark.parametrize("session", ["s", None, 5])
def test_a_job(session: Any) -> None:
    world = make()
    conn, answer = join(world, session=session)
    assert kinds(answer) == ["send_hash", "estimation", "send_data"]
    give(world, conn, "x")
    world.run(world.now + 1)
    assert kinds(answer)[3:] == ["process_starts", "process_completed", ("close", 1000)]
    assert last(answer)["output"]["data"] == ["x"]
    assert not answer.closed  # until the client has closed too
    world.say(conn, CloseConnection(code=1000))
    assert answer.closed


def test_who_does_not_close_is_closed() -> None:
    world = make()
    conn, answer = join(world)
    give(world, conn, "x")
    world.run(1.0)
    assert kinds(answer)[-1] == ("close", 1000)
    world.run(10.9)
    assert not answer.closed
    world.run(11.0)
    assert answer.closed


def test_a_client_that_gives_its_data_before_it_is_asked() -> None:
    world = make()
    first, _ = join(world)
    conn, answer = join(world, session="t")
    give(world, conn, "early")
    give(world, conn, "again")
    assert kinds(answer) == ["send_hash", "estimation"]
    give(world, first, "x")
    world.run(2.0)
    assert kinds(answer)[2:] == ["send_data", "process_starts", "process_completed", ("close", 1000)]
    assert last(answer)["output"]["data"] == ["early"]


@pytest.mark.parametrize("text", ["hello", "[1]", '{"fn_index":0}', '{"data":"x","fn_index":0}'])
def test_data_that_is_none_leaves_the_job_hanging(text: str) -> None:
    world = make()
    conn, answer = join(world)
    _, other = join(world, session="t")
    world.say(conn, text)
    assert kinds(answer) == ["send_hash", "estimation", "send_data"]
    assert kinds(other)[-1] == "send_data"  # the worker has gone on
    world.run(19.0)
    assert not answer.closed


@pytest.mark.parametrize(
    ("version", "fn_index", "error"),
    [
        ("3.36.1", None, "This app has no endpoint /api/predict/."),
        ("3.50.2", None, "Could not infer fn_index for api_name predict."),
        ("3.50.2", 99, "list index out of range"),
    ],
)
def test_data_for_no_function(version: str, fn_index: Any, error: str) -> None:
    world = make(version=version)
    conn, answer = join(world)
    give(world, conn, "x", fn_index=fn_index)
    world.run()
    assert last(answer) == {"msg": "process_completed", "output": {"error": error}, "success": False}


def test_data_that_does_not_come() -> None:
    world = make()
    conn, answer = join(world)
    _, other = join(world, session="t")
    for seconds in (20.0, 40.0, 60.0):
        world.run(seconds)
        world.pong(conn)
    late = {"error": "Time out uploading data to server"}
    assert last(answer) == {"msg": "process_completed", "output": late, "success": False}
    assert not answer.closed
    assert kinds(other)[-1] == ("close", 1011)  # for it has answered no ping


def test_who_leaves() -> None:
    world = make()
    conn, _ = join(world, 1)
    asked, _ = join(world, session="t")
    waiting, _ = join(world, session="u")
    _, following = join(world, session="v")
    give(world, conn, 5, fn_index=1)
    world.disconnect(waiting)
    world.run(1.5)
    world.disconnect(conn)
    assert kinds(following) == ["send_hash", "estimation"]
    world.run(2.0)  # a generator is noticed to be without a client at its next value
    assert world.stopped == [world.steps[0]]
    assert kinds(world.answers[asked])[-1] == "send_data"
    world.disconnect(asked)
    world.run(2.0)
    assert kinds(following)[-1] == "send_data"


def test_a_full_queue() -> None:
    world = make(max_queue_size=1)
    join(world)
    join(world, session="t")
    _, answer = join(world, session="u")
    assert kinds(answer) == ["send_hash", "queue_full", ("close", 1000)]


def test_workers_are_for_all_functions() -> None:
    world = make(default_concurrency_limit=2)
    first, second, third = join(world), join(world, 1, "t"), join(world, session="u")
    assert [kinds(answer)[-1] for _, answer in (first, second, third)] == [
        "send_data",
        "send_data",
        "estimation",
    ]
    give(world, first[0], "x")
    world.run(1.0)
    assert kinds(third[1])[-1] == "send_data"
    estimated = json.loads(join(world, session="v")[1].frames[1])
    assert estimated["avg_event_process_time"] == estimated["avg_event_concurrent_process_time"] == 1.0
    assert (estimated["rank"], estimated["rank_eta"], estimated["queue_eta"]) == (0, 2.0, 1.0)
    free = make(default_concurrency_limit=None)
    assert [kinds(join(free, session=str(n))[1])[-1] for n in range(9)] == ["send_data"] * 9


def test_a_batch() -> None:
    world = make()
    busy, _ = join(world)
    jobs = [join(world, 4, session) for session in "tuv"]
    other, _ = join(world, 0, "w")
    give(world, busy, "x")
    world.run(1.0)
    asked = [kinds(answer)[-1] for _, answer in jobs]
    assert asked == ["send_data", "estimation", "estimation"]  # one after the other
    give(world, jobs[0][0], "a", fn_index=4)
    assert [kinds(answer)[-1] for _, answer in jobs] == ["process_starts", "send_data", "estimation"]
    world.disconnect(jobs[1][0])
    world.run(1.0)
    assert last(jobs[0][1])["output"]["data"] == ["aa"]
    give(world, jobs[2][0], "c", fn_index=4)
    world.run(1.0)
    assert last(jobs[2][1])["output"]["data"] == ["cc"]
    assert kinds(world.answers[other])[-1] == "send_data"


def test_one_of_a_batch_leaves_before_it_is_asked() -> None:
    world = make()
    busy, _ = join(world)
    jobs = [join(world, 4, session) for session in "tu"]
    give(world, busy, "x")
    world.run(1.0)
    world.disconnect(jobs[1][0])
    give(world, jobs[0][0], "a", fn_index=4)
    world.run(1.0)
    assert last(jobs[0][1])["output"]["data"] == ["aa"]


# Cancelling


def test_a_cancelled_job_is_closed_without_a_word() -> None:
    world = make()
    conn, answer = join(world)
    give(world, conn, "x")
    assert b'"data":[]' in cancel(world)
    assert kinds(answer)[-2:] == ["process_starts", ("close", 1000)]


def test_a_job_that_is_asked_for_its_data_is_cancelled_too() -> None:
    world = make()
    _, answer = join(world)
    _, other = join(world, session="t")
    cancel(world, "nobody")
    assert kinds(other)[-1] == "estimation"
    cancel(world)
    assert kinds(answer)[-1] == "send_data"  # and hangs
    assert kinds(other)[-1] == "send_data"


def test_a_reset_generator_begins_anew() -> None:
    world = make()
    conn, answer = join(world, 1)
    body = b'{"session_hash":"s","fn_index":1}'
    assert world.request("POST", "/reset", body).body == b'{"success":false}'
    give(world, conn, 3, fn_index=1)
    world.run(1.5)
    assert world.request("POST", "/reset", b'{"session_hash":"s","fn_index":0}').body == b'{"success":true}'
    assert world.request("POST", "/reset", body).body == b'{"success":true}'
    world.run(9.0)
    outputs = [json.loads(frame).get("output") for frame in answer.frames if isinstance(frame, str)]
    assert [output["data"] for output in outputs if output] == [[0], [1], [0], [1], [2], [2]]


# Continuous


def test_a_function_that_is_called_again_and_again() -> None:
    world = make()
    busy, _ = join(world)  # which it does not wait for
    conn, answer = join(world, 5)
    assert kinds(answer) == ["send_hash", "send_data"]
    give(world, conn, fn_index=5)
    world.run(1.2)
    assert kinds(answer)[2:] == ["process_starts", *["process_generating"] * 3]
    _, third = join(world, session="u")
    give(world, busy, "x")
    world.run(2.4)
    assert kinds(third)[-1] == "send_data"
    again, second = join(world, 5)
    assert kinds(answer)[-1] == ("close", 1000)  # one of a session
    give(world, again, fn_index=5)
    join(world, 5, "t")
    world.run(2.5)
    world.disconnect(again)
    world.run(9.0)
    assert kinds(second)[-1] == "process_generating"
    assert len(world.stopped) == 2


@pytest.mark.parametrize("options", [{"version": "6.31.0"}, {"queue": False}])
def test_apps_that_have_none(options: dict[str, Any]) -> None:
    app = TestApp(**{"version": "3.50.2", **options})
    with pytest.raises(ValueError, match=r"every= is for|needs a queue"):
        app.endpoint(every=1.0)(lambda: 1)


def test_generators_are_not_called_again() -> None:
    def values() -> Iterator[int]:
        yield 1

    with pytest.raises(ValueError, match="plain function"):
        TestApp(version="3.50.2").endpoint(every=1.0)(values)


def test_only_gradio_3_does_without_a_queue() -> None:
    with pytest.raises(ValueError, match=r"Gradio 4\.0\.2 always has a queue"):
        TestApp(version="4.0.2", queue=False)
    with pytest.raises(ValueError, match="needs a queue, which this app has not"):
        TestApp(version="3.50.2", queue=False).endpoint(batch=True)(lambda x: x)


# The frames


def test_pings() -> None:
    world = make()
    conn, answer = join(world, 1)
    give(world, conn, 70, fn_index=1)
    world.run(20.0)
    world.pong(conn)
    world.say(conn, Ping(payload=b"hi"))
    world.run(40.0)
    assert [frame for frame in answer.frames if frame[0] == "ping"] == [("ping", b"ping")] * 2
    world.run(60.0)
    assert (answer.frames[-1], answer.closed) == (("close", 1011), True)


def test_who_closes_is_closed() -> None:
    world = make()
    conn, answer = join(world)
    world.say(conn, CloseConnection(code=1001))
    assert (answer.frames[-1], answer.closed) == (("close", 1001), True)
    conn, answer = world.upgrade()
    socket = answer.socket
    assert socket is not None
    both = socket.send(TextMessage(data="no job")) + socket.send(Ping(payload=b""))
    world.send(conn, both)  # of which the second comes after the end
    assert answer.closed


def test_after_the_end() -> None:
    """What crosses our close on its way is of no interest."""
    world = make()
    conn, answer = join(world)
    give(world, conn, "x")
    world.run(0.5)
    socket = answer.socket
    assert socket is not None
    crossing = socket.send(Ping(payload=b"")) + socket.send(TextMessage(data="more"))
    world.run(1.0)
    world.send(conn, crossing)
    assert kinds(answer)[-1] == ("close", 1000)
    assert not answer.closed
    world.send(conn, b"\xff\xff\xff\xff")
    assert answer.closed


def test_what_is_no_frame() -> None:
    world = make()
    conn, answer = join(world)
    world.send(conn, b"GET / HTTP/1.1\r\n")
    assert (answer.frames[-1], answer.closed) == (("close", 1002), True)


def test_a_message_in_pieces() -> None:
    world = make()
    conn, answer = world.upgrade()
    world.say(conn, TextMessage(data='{"fn_index":0,', message_finished=False))
    world.say(conn, TextMessage(data='"session_hash":"s"}'))
    assert kinds(answer)[-1] == "send_data"


def test_bytes_are_no_message() -> None:
    world = make()
    conn, answer = world.upgrade()
    world.say(conn, BytesMessage(data=b'{"fn_index":0,"session_hash":"s"}'))
    assert answer.closed


def test_a_message_that_is_too_big(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_MESSAGE == MAX_BODY
    monkeypatch.setattr("gradio_proto.testing.sockets.MAX_MESSAGE", 100)
    world = make()
    conn, answer = join(world)
    world.say(conn, TextMessage(data="x" * 101))
    assert (answer.frames[-1], answer.closed) == (("close", 1009), True)
    conn, answer = join(world, session="t")
    assert answer.socket is not None
    crossing = answer.socket.send(TextMessage(data="x" * 101))
    give(world, conn, "x")
    world.run(1.0)
    world.send(conn, crossing)
    assert (answer.frames[-1], answer.closed) == (("close", 1000), True)


def test_what_is_said_is_ascii_at_first() -> None:
    for version, text in (("3.36.1", "\\u00e9"), ("3.50.2", "é")):
        world = make(version=version)
        conn, answer = join(world)
        give(world, conn, "é")
        world.run(1.0)
        assert text in answer.frames[-2]


def test_a_server_that_stops() -> None:
    world = make()
    conn, answer = join(world)
    give(world, conn, "x")
    _, waiting = join(world, session="t")
    done, closing = join(world, 0, "u")
    world.disconnect(done)
    world.stop()
    for one in (answer, waiting):
        assert (one.frames[-1], one.closed) == (("close", 1012), True)
    assert not closing.closed
    _, late = join(world, session="v")
    assert kinds(late)[-1] == "estimation"


def test_a_server_that_stops_while_one_closes() -> None:
    world = make()
    conn, answer = join(world)
    give(world, conn, "x")
    world.run(1.0)
    world.stop()
    assert (answer.frames[-1], answer.closed) == (("close", 1000), True)
