"""The sans-IO server, byte by byte and case by case. What it shares with real servers, conversation by
conversation, is in ``test_testing_conversations``."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from testing_simulation import Answer, World

from gradio_proto.errors import LocalProtocolError
from gradio_proto.testing import (
    CloseConnection,
    Component,
    Context,
    Error,
    Exhausted,
    Log,
    Returned,
    RunJob,
    SendData,
    ServerProtocol,
    TestApp,
    queueing,
)
from gradio_proto.testing import protocol as protocol_module

JSON = (("content-type", "application/json"),)


def small_app(world: World, **options: Any) -> TestApp:
    app = TestApp(**options)

    @app.endpoint()
    def echo(x: str) -> str:
        return x

    @app.endpoint()
    def slow(seconds: float) -> str:
        world.sleep(seconds)
        return f"{seconds}"

    @app.endpoint()
    def count(n: int, pause: float = 1.0) -> Iterator[int]:
        for i in range(n):
            world.sleep(pause)
            yield i

    @app.endpoint(inputs=["text", "state"], outputs=["json", "state"])
    def remember(word: str, words: Any) -> Any:
        words = [*(words or []), word]
        return words, words

    @app.endpoint(batch=True, max_batch_size=2, inputs=["number"], outputs=["number", "json"])
    def double(xs: list[float]) -> Any:
        world.sleep(1)
        return [[x * 2 for x in xs], [len(xs)] * len(xs)]

    @app.endpoint(inputs=["json"], outputs=["text"])
    def shape(what: str) -> Any:
        return {"set": {1}, "wrong": object()}[what]

    @app.endpoint(outputs=["text", "text"])
    def pair(one: bool) -> Any:
        return "a" if one else ("a", "b")

    @app.endpoint()
    def talk(*, context: Context) -> Iterator[str]:
        context.progress(0.5, "half")
        yield str(context.session_hash)
        context.info("more")
        yield ""

    @app.endpoint(queue=False)
    def quick(x: str) -> str:
        return x

    @app.endpoint(outputs=[])
    def quiet() -> None:
        return None

    return app


ENDPOINTS = ["echo", "slow", "count", "remember", "double", "shape", "pair", "talk", "quick", "quiet"]


def world(*, faithful_defects: bool = True, heartbeat: float = 15.0, **options: Any) -> World:
    made = World()
    made.use(small_app(made, **options), faithful_defects=faithful_defects, heartbeat=heartbeat)
    return made


def post(world: World, path: str, body: Any, **options: Any) -> Answer:
    return world.request("POST", f"/gradio_api/{path}", json.dumps(body).encode(), **options)


def join(world: World, name: str, *data: Any, session: str = "s") -> str:
    if name == "count" and len(data) == 1:
        data = (*data, 1)  # defaults are the client's business
    body = {"data": data, "fn_index": ENDPOINTS.index(name), "session_hash": session}
    answer = post(world, "queue/join", body)
    assert answer.status == 200, answer.body
    event_id = json.loads(answer.body)["event_id"]
    assert isinstance(event_id, str)
    return event_id


def listen(world: World, session: str = "s", *, conn: int | None = None) -> Answer:
    answer = world.request("GET", f"/gradio_api/queue/data?session_hash={session}", conn=conn, headers=())
    assert answer.status == 200
    return answer


def messages(answer: Answer) -> list[Any]:
    parts = answer.body.decode().split("\n\n")
    assert parts.pop() == ""
    assert all(part.startswith("data: ") for part in parts)
    return [json.loads(part[6:]) for part in parts]


def kinds(answer: Answer) -> list[str]:
    return [message["msg"] for message in messages(answer)]


def data_of(answer: Answer) -> list[Any]:
    return [message["output"].get("data") for message in messages(answer) if "output" in message]


# Connections


def test_a_connection_is_kept() -> None:
    made = world()
    conn = made.connect()
    for _ in range(3):
        answer = made.request("GET", "/gradio_api/app_id", conn=conn, headers=())
        assert json.loads(answer.body) == {"app_id": 16538474280455143519}
        assert answer.ended
        assert not answer.closed


def test_requests_in_one_piece() -> None:
    """Pipelined requests are answered in order, also behind a call and a stream that take time."""
    made = world()
    conn = made.connect()
    call = b'{"data":[2]}'
    first = b"POST /gradio_api/run/slow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    stream = b"GET /gradio_api/queue/data?session_hash=s HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /gradio_api/app_id HTTP/1.1\r\nHost: x\r\n\r\n"
    join(made, "slow", 3)
    sent: list[bytes] = []
    made.answers[conn].feed = sent.append  # type: ignore[method-assign]
    made.send(conn, first + b"Content-Length: %d\r\n\r\n" % len(call) + call + stream + last)
    assert sent == []
    made.run()
    text = b"".join(sent)
    order = [b'"data":["2"]', b"text/event-stream", b"close_stream", b"app_id"]
    assert [text.count(part) for part in order] == [1, 1, 1, 1]
    assert sorted(order, key=text.index) == order


@given(st.lists(st.integers(0, 400), max_size=12))
@settings(max_examples=25, deadline=None)
def test_bytes_may_come_in_any_pieces(cuts: list[int]) -> None:
    body = json.dumps({"data": ["x"]}).encode()
    request = b"POST /gradio_api/run/quick HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    request += b"Content-Length: %d\r\n\r\n" % len(body) + body
    made = world()
    conn = made.connect()
    answer = made.answers[conn]
    answer.client.send(
        h11.Request(method="POST", target="/", headers=[("host", "x"), ("content-length", "0")])
    )
    answer.client.send(h11.EndOfMessage())
    edges = sorted({0, len(request), *(cut for cut in cuts if cut < len(request))})
    for start, end in itertools.pairwise(edges):
        made.send(conn, request[start:end])
    made.run()
    assert json.loads(answer.body)["data"] == ["x"]


@given(st.binary(max_size=200), st.booleans())
@settings(max_examples=50, deadline=None)
def test_any_bytes_are_answered_or_waited_for(data: bytes, as_body: bool) -> None:
    made = World()
    made.use(small_app(made))
    made.server.connection_made("c")
    if as_body:
        head = b"POST /gradio_api/queue/join HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        data = head + b"Content-Length: %d\r\n\r\n" % len(data) + data
    made.server.receive_data("c", data, 0.0)
    while (action := made.server.next_action()) is not None:
        assert isinstance(action, (SendData, CloseConnection))
        if isinstance(action, SendData):
            assert action.data.startswith(b"HTTP/1.1 4")


def test_rubbish_is_answered_and_ends_the_connection() -> None:
    made = world()
    conn = made.connect()
    answer = made.answers[conn]
    answer.client.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    made.send(conn, b"\x16\x03\x01 what\r\n\r\n")
    assert (answer.status, answer.body) == (400, b"Invalid HTTP request received.")
    assert answer.closed
    made.send(conn, b"more")  # crossed the close: nothing happens
    made.disconnect(conn)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "CONNECT", "M-SEARCH"])
def test_methods_that_nobody_has(method: str) -> None:
    made = world()
    made.server.connection_made("c")
    request = b"%b /config HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    sent = b""
    for data in (request % method.encode(), b"rubbish\r\n\r\n"):
        made.server.receive_data("c", data, 0.0)
        while (action := made.server.next_action()) is not None:
            sent += action.data if isinstance(action, SendData) else b""
    assert sent.count(b"HTTP/1.1 405 ") == sent.count(b"HTTP/1.1 400 ") == 1
    assert sent.count(b'Not Allowed"}') == (method != "HEAD")


def test_a_client_of_http_1_0() -> None:
    """It gets a stream that ends with its connection."""
    made = world()
    join(made, "echo", "x")
    made.run(1)
    made.server.connection_made("c")
    made.server.receive_data("c", b"GET /gradio_api/queue/data?session_hash=s HTTP/1.0\r\n\r\n", 1.0)
    sent = b""
    while isinstance(action := made.server.next_action(), SendData):
        sent += action.data
    assert action == CloseConnection("c")
    assert b"chunked" not in sent
    assert sent.endswith(b'\n\ndata: {"msg":"close_stream","event_id":null}\n\n')


def test_the_request_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol_module, "MAX_BODY", 10)
    made = world()
    answer = post(made, "queue/join", {"data": []})
    assert (answer.status, answer.ended, answer.closed) == (413, True, False)


@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_need_not_wait_for_the_body(chunked: bool) -> None:
    """It goes out as soon as it is clear; the rest of the body is taken, and the connection is kept."""
    made = world()
    conn = made.connect()
    answer = made.answers[conn]
    size = ("transfer-encoding", "chunked") if chunked else ("content-length", "300000")
    client = answer.client
    request = h11.Request(method="POST", target="/gradio_api/upload", headers=[("host", "x"), size])
    made.send(conn, client.send(request) or b"")
    assert (answer.status, answer.body) == (400, b'{"detail":"Invalid content type."}')
    for event in (*[h11.Data(b"x" * 100_000)] * 3, h11.EndOfMessage()):
        if data := client.send(event):
            made.send(conn, data)
    assert not answer.closed
    assert made.request("GET", "/gradio_api/app_id", conn=conn, headers=()).status == 200


def test_a_connection_that_is_not_kept_is_closed_with_an_early_answer() -> None:
    made = world()
    conn = made.connect()
    answer = made.answers[conn]
    headers = [("host", "x"), ("content-length", "3"), ("connection", "close")]
    made.send(
        conn,
        answer.client.send(h11.Request(method="POST", target="/gradio_api/upload", headers=headers)) or b"",
    )
    assert (answer.status, answer.closed) == (400, True)


def test_nobody_is_told_to_go_on_with_what_is_refused() -> None:
    head = b"POST /gradio_api/%b HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    for path, begins in ((b"upload", b"HTTP/1.1 400 "), (b"run/quick", b"HTTP/1.1 100 ")):
        made = world()
        conn = made.connect()
        sent: list[bytes] = []
        made.answers[conn].feed = sent.append  # type: ignore[method-assign]
        made.send(conn, head % path)
        assert b"".join(sent).startswith(begins)


def test_a_client_that_does_not_wait_is_cut_off() -> None:
    made = world()
    join(made, "slow", 1)
    conn = made.connect()
    answer = listen(made, conn=conn)
    made.send(conn, b"G" * 2**15)
    assert not answer.closed
    made.send(conn, b"G" * 2**16)
    assert answer.closed


def test_the_reader_that_sends_too_much_is_a_disconnect() -> None:
    """Whoever shares its session finds out, as after any other."""
    made = world()
    join(made, "slow", 30)
    for data in (b"G" * 2**17, b""):
        conn = made.connect()
        listen(made, conn=conn)
        other = listen(made)
        made.send(conn, data)
        assert made.server.next_deadline() == made.now + 10
        made.run(made.now + 11)
        assert "unexpected_error" in kinds(other)
        join(made, "echo", "x")


def test_a_client_that_asks_before_it_sends() -> None:
    made = world()
    conn = made.connect()
    head = b"POST /gradio_api/run/quick HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    made.server.receive_data(conn, head + b"Expect: 100-continue\r\nContent-Length: 12\r\n\r\n", 0.0)
    action = made.server.next_action()
    assert isinstance(action, SendData)
    assert action.data.startswith(b"HTTP/1.1 100 ")


def test_the_end_of_the_clients_bytes_is_a_disconnect() -> None:
    made = world()
    conn = made.connect()
    assert made.send(conn, b"").closed


def test_connections_are_told_apart() -> None:
    made = world()
    conn = made.connect()
    with pytest.raises(LocalProtocolError, match="take another name"):
        made.server.connection_made(conn)


def test_the_same_script_gives_the_same_bytes() -> None:
    def script() -> list[bytes]:
        made = world()
        join(made, "count", 3)
        join(made, "slow", 2, session="t")
        answers = [listen(made), listen(made, "t")]
        made.run(20)
        return [answer.body for answer in answers]

    assert script() == script()


# Routes


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/nowhere", 404, '{"detail":"Not Found"}'),
        ("GET", "/gradio_api/config", 404, '{"detail":"Not Found"}'),
        ("GET", "/gradio_api/queue/join", 405, '{"detail":"Method Not Allowed"}'),
        ("POST", "/gradio_api/queue/join/", 404, '{"detail":"Not Found"}'),
        ("POST", "/config", 405, '{"detail":"Method Not Allowed"}'),
        ("GET", "/gradio_api/run/echo", 405, '{"detail":"Method Not Allowed"}'),
    ],
)
def test_paths_and_methods(method: str, path: str, status: int, body: str) -> None:
    answer = world().request(method, path)
    assert (answer.status, answer.body.decode()) == (status, body)
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/config", "/config/"])
def test_config(path: str) -> None:
    config = json.loads(world().request("GET", path, headers=()).body)
    assert config["root"] == "http://localhost:7860"
    assert [d["api_name"] for d in config["dependencies"]] == ENDPOINTS


def test_root_behind_a_proxy() -> None:
    forwarded = (("x-forwarded-host", "a.example, b"), ("x-forwarded-proto", "https,http"))
    config = json.loads(world().request("GET", "/config", headers=forwarded).body)
    assert config["root"] == "https://a.example"


def test_info() -> None:
    made = World()
    app = small_app(made)
    app.endpoint("shy", api_visibility="undocumented")(lambda: None)
    made.use(app)
    for query, shown in (("", False), ("?all_endpoints=True", True), ("?all_endpoints=false", False)):
        answer = made.request("GET", f"/gradio_api/info{query}", headers=())
        assert ("/shy" in json.loads(answer.body)["named_endpoints"]) == shown


def test_the_page_holds_the_config() -> None:
    made = World()
    made.use(TestApp(title="</script>"))
    answer = made.request("GET", "/", headers=())
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    text = answer.body.decode()
    config = text.partition("window.gradio_config = ")[2].partition(";</script>")[0]
    assert json.loads(config)["title"] == "</script>"


def test_queue_status() -> None:
    made = world()
    for _ in range(3):
        join(made, "slow", 1)
    assert json.loads(made.request("GET", "/gradio_api/queue/status", headers=()).body) == {
        "msg": "estimation",
        "event_id": None,
        "rank": None,
        "queue_size": 2,
        "rank_eta": None,
    }


def wrong(kind: str, where: list[Any], message: str, value: Any) -> dict[str, Any]:
    return {"type": kind, "loc": ["body", *where], "msg": message, "input": value}


DICT = "Input should be a valid dictionary or object to extract fields from"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("[1]", [wrong("model_attributes_type", [], DICT, [1])]),
        ("{}", [wrong("missing", ["data"], "Field required", {})]),
        ('{"data":null}', [wrong("list_type", ["data"], "Input should be a valid list", None)]),
        (
            '{"data":[],"fn_index":1.5,"session_hash":2}',
            [
                wrong("string_type", ["session_hash"], "Input should be a valid string", 2),
                wrong("int_type", ["fn_index"], "Input should be a valid integer", 1.5),
            ],
        ),
        (
            '{"data":[],"fn_index":"x"}',
            [
                wrong(
                    "int_parsing",
                    ["fn_index"],
                    "Input should be a valid integer, unable to parse string as an integer",
                    "x",
                )
            ],
        ),
    ],
)
def test_bodies_of_the_wrong_form(body: str, detail: list[Any]) -> None:
    answer = world().request("POST", "/gradio_api/queue/join", body.encode())
    assert answer.status == 422
    assert json.loads(answer.body) == {"detail": detail}


@pytest.mark.parametrize("body", [b"{", b"\xff", b"", b"[" * 100_000, b"1" * 5000])
def test_bodies_that_are_no_json(body: bytes) -> None:
    answer = world().request("POST", "/gradio_api/queue/join", body)
    assert answer.status == 422
    assert json.loads(answer.body)["detail"][0]["type"] == "json_invalid"


@pytest.mark.parametrize("depth", [100, *range(880, 1000, 3), 2000])
def test_bodies_that_are_deep(depth: int) -> None:
    answer = world().request("POST", "/gradio_api/queue/join", b"[" * depth + b"]" * depth)
    assert answer.status in (422, 500)


def test_values_that_are_deep() -> None:
    made = world()
    for depth in (100, 300, 900):
        body = b'{"data":[%b,null]}' % (b"[" * depth + b"]" * depth)
        answer = made.request("POST", "/gradio_api/run/remember", body)
        made.run()
        assert answer.status == (200 if depth < 254 else 500)


def test_a_body_without_its_type() -> None:
    answer = world().request("POST", "/gradio_api/queue/join", b'{"data":[]}', headers=())
    assert json.loads(answer.body) == {"detail": [wrong("model_attributes_type", [], DICT, '{"data":[]}')]}


def test_a_stream_of_no_session() -> None:
    answer = world().request("GET", "/gradio_api/queue/data", headers=())
    detail = {"type": "missing", "loc": ["query", "session_hash"], "msg": "Field required", "input": None}
    assert (answer.status, json.loads(answer.body)) == (422, {"detail": [detail]})


def test_joins_that_are_refused() -> None:
    made = world()
    for body, status, text in [
        (
            {"data": [], "session_hash": "s", "fn_index": None},
            400,
            '{"detail":"No function index provided."}',
        ),
        ({"data": [], "fn_index": 0}, 400, '{"detail":"Session hash not found."}'),
        ({"data": [], "fn_index": 99, "session_hash": "s"}, 500, "Internal Server Error"),
        ({"data": [], "fn_index": -1, "session_hash": "s"}, 500, "Internal Server Error"),
    ]:
        answer = post(made, "queue/join", body)
        assert (answer.status, answer.body.decode()) == (status, text)


def test_a_full_queue() -> None:
    made = world(max_queue_size=1)
    for _ in range(2):
        join(made, "slow", 1)
    answer = post(made, "queue/join", {"data": [1], "fn_index": 1, "session_hash": "s"})
    assert answer.status == 503
    assert json.loads(answer.body) == {"detail": "Queue is full. Max size is 1 and size is 1."}


def test_the_context_of_a_job() -> None:
    app = TestApp()
    seen: list[Context] = []

    @app.endpoint()
    def look(*, context: Context) -> None:
        seen.append(context)

    made = World(app)
    body = {"data": [], "fn_index": 0, "session_hash": "s", "event_data": {"index": 1}}
    post(made, "queue/join?a=1&b=", body, headers=(*JSON, ("x-thing", "y")))
    assert seen[0].endpoint == "/look"
    assert seen[0].session_hash == "s"
    assert seen[0].request_headers["x-thing"] == "y"
    assert seen[0].query_params == {"a": "1", "b": ""}
    assert seen[0].event_data == {"index": 1}


# Jobs


def test_etas() -> None:
    """Means of past runs; whoever waits adds the rest of the run that goes on, and those before it."""
    made = world()
    join(made, "slow", 4, session="first")
    made.run()
    for session in ("a", "b", "c"):
        join(made, "slow", 2, session=session)
        made.run(made.now + 1)
    answers = [listen(made, session) for session in ("a", "b", "c")]
    made.run(made.now + 20)
    found = [
        [(m["rank"], m["queue_size"], m["rank_eta"]) for m in messages(a) if m["msg"] == "estimation"]
        for a in answers
    ]
    # b asks one second after a began: 3 are left of a's 4, and 4 of its own. At 6 (a done; the mean is 3) c is
    # the only one left: 3 of b, 3 of its own.
    assert found == [[(0, 1, 4.0)], [(0, 1, 7.0)], [(0, 1, 6.0)]]
    assert [m["eta"] for m in messages(answers[2]) if m["msg"] == "process_starts"] == [pytest.approx(8 / 3)]


def test_etas_of_runs_side_by_side() -> None:
    made = world(default_concurrency_limit=2)
    join(made, "slow", 4, session="first")
    made.run()
    for _ in range(5):
        join(made, "slow", 4)
    answer = listen(made)
    etas = [m["rank_eta"] for m in messages(answer) if m["msg"] == "estimation"]
    assert etas == [4.0, 4.0, 8.0, 10.0, 12.0]


def test_any_number_of_runs() -> None:
    made = world(default_concurrency_limit=None)
    for _ in range(3):
        join(made, "slow", 4)
    answer = listen(made)
    made.run(4)
    assert kinds(answer)[:6] == ["estimation", "process_starts"] * 3
    assert kinds(answer)[6:] == ["process_completed"] * 3 + ["close_stream"]


def test_batches() -> None:
    made = world()
    for number in (1, 2, 3, 4):
        join(made, "double", number)
    answer = listen(made)
    made.run(3)
    # The first runs alone, the next two together, the last alone again.
    assert data_of(answer) == [[2, 1], [4, 2], [6, 2], [8, 1]]
    made.run(4)
    completed = [m for m in messages(answer) if m["msg"] == "process_completed"]
    assert all(m["output"]["is_generating"] is None for m in completed)
    assert answer.ended


def test_a_batch_of_the_wrong_size() -> None:
    app = TestApp()
    app.endpoint(batch=True, inputs=["text"], outputs=["text"])(lambda xs: [["a", "b"]])
    made = World(app)
    answer = post(made, "run/lambda", {"data": ["x"], "fn_index": 0})
    made.run()
    assert answer.status == 500
    assert "wrong size (needed: 1)" in json.loads(answer.body)["error"]


def test_values_that_cannot_be_sent() -> None:
    made = world()
    for what in ("set", "wrong"):
        join(made, "shape", what)
    answer = listen(made)
    made.run(1)
    errors = [m["output"]["error"] for m in messages(answer) if m["msg"] == "process_completed"]
    assert errors == ["Type is not JSON serializable: set", "Type is not JSON serializable: object"]


def test_values_of_the_wrong_number() -> None:
    made = world()
    ids = [join(made, "pair", True), join(made, "pair", False), join(made, "quiet"), join(made, "echo")]
    answer = listen(made)
    made.run(1)
    completed = {m["event_id"]: m["output"] for m in messages(answer) if m["msg"] == "process_completed"}
    outputs = [completed[event_id] for event_id in ids]
    assert [output.get("data") for output in outputs] == [None, ["a", "b"], [], None]
    assert "didn't return enough outputs (needed: 2, returned: 1)" in outputs[0]["error"]
    assert "(echo) didn't receive enough input values (needed: 1, got: 0)" in outputs[3]["error"]


def test_errors() -> None:
    app = TestApp(show_error=False)

    @app.endpoint()
    def fail(how: str) -> Iterator[str]:
        if how == "later":
            yield "one"
        if how == "crash":
            raise ValueError("secret")
        raise Error("no", duration=3, title="T")

    made = World(app)
    for how in ("now", "later", "crash"):
        post(made, "queue/join", {"data": [how], "fn_index": 0, "session_hash": "s"})
    answer = listen(made)
    made.run(1)
    failed = [m for m in messages(answer) if m["msg"] == "process_completed"]
    assert not any(m["success"] for m in failed)
    assert [(m["output"]["error"], m["title"], m["cache_duration"]) for m in failed] == [
        ("no", "T", None),
        ("no", None, 3.0),
        (None, "Error", None),
    ]
    assert failed[0]["output"] == {"error": "no", "duration": 3, "visible": True, "title": "T"}


def test_an_error_text_that_utf_8_cannot_hold() -> None:
    app = TestApp()

    @app.endpoint()
    def crash() -> None:
        raise ValueError("\ud800")

    made = World(app)
    answer = post(made, "run/crash", {"data": []})
    made.run()
    assert json.loads(answer.body)["error"] == "?"


def test_asides_of_a_job() -> None:
    made = world()
    event_id = join(made, "talk")
    answer = listen(made)
    made.run(1)
    assert kinds(answer) == [
        "estimation", "process_starts", "progress", "process_generating", "log", "process_generating",
        "process_completed", "close_stream",
    ]  # fmt: skip
    assert messages(answer)[2] == {
        "msg": "progress",
        "event_id": event_id,
        "progress_data": [{"index": None, "length": None, "unit": "steps", "progress": 0.5, "desc": "half"}],
    }
    made.server.job_reported(event_id, Log("late", "info"), made.now)
    assert made.server.next_action() is None


def test_state_belongs_to_a_session() -> None:
    made = world()
    join(made, "remember", "a", None)
    join(made, "remember", "b", None, session="t")
    join(made, "remember", "c", None)
    first, second = listen(made), listen(made, "t")
    made.run(1)
    assert data_of(first) == [[["a"], None], [["a", "c"], None]]
    assert data_of(second) == [[["b"], None]]


def test_state_of_nobody() -> None:
    made = world()
    answers = [post(made, "run/remember", {"data": [word, None]}) for word in ("a", "b")]
    made.run()
    assert [json.loads(answer.body)["data"][0] for answer in answers] == [["a"], ["b"]]


def test_the_initial_state_is_never_changed() -> None:
    app = TestApp()
    words = Component("state", value=[])

    @app.endpoint(inputs=[words], outputs=["number"])
    def add(words: list[int]) -> int:
        words.append(1)
        return len(words)

    made = World(app)
    for session in ("s", "s", "t"):
        post(made, "run/add", {"data": [None], "session_hash": session})
    made.run()
    bodies = [json.loads(answer.body)["data"] for answer in made.answers.values()]
    assert bodies == [[1], [2], [1]]
    assert words.value == []


def test_outcomes_that_nobody_asked_for() -> None:
    made = world()
    with pytest.raises(LocalProtocolError, match="no step of 'x' was asked for"):
        made.server.job_stepped("x", Exhausted(), 0.0)


def test_ids_are_the_callers() -> None:
    app = TestApp()
    app.endpoint()(lambda: None)
    made = World(app, new_id=lambda: "mine")
    answer = post(made, "queue/join", {"data": [], "fn_index": 0, "session_hash": "s"})
    assert json.loads(answer.body) == {"event_id": "mine"}


# Direct calls


def test_a_direct_call_of_a_generator_gives_its_first_value() -> None:
    made = world()
    answer = post(made, "run/count", {"data": [3, 1]})
    made.run()
    output = json.loads(answer.body)
    assert (output["data"], output["is_generating"], output["duration"]) == ([0], True, 1.0)
    assert made.stopped == made.steps  # one step, and then closed


def test_a_direct_call_whose_client_left() -> None:
    made = world()
    conn = made.connect()
    answer = post(made, "run/slow", {"data": [1]}, conn=conn)
    made.disconnect(conn)
    made.run()
    assert answer.status is None


def test_the_queue_has_no_part_in_direct_calls() -> None:
    made = world()
    answers = [post(made, "run/slow", {"data": [1]}) for _ in range(3)]
    made.run()
    assert made.now == 1.0
    assert [answer.status for answer in answers] == [200] * 3


def test_direct_calls_of_what_is_not_there() -> None:
    made = world()
    assert post(made, "run/nothing", {"data": []}).status == 500
    assert post(made, "run/", {"data": []}).status == 500


def test_direct_calls_can_be_closed() -> None:
    made = world(api_open=False)
    assert post(made, "run/echo", {"data": ["x"]}).status == 404
    open_answer = post(made, "run/quick", {"data": ["x"]})
    made.run()
    assert open_answer.status == 200


def test_asides_of_a_direct_call_are_dropped() -> None:
    made = world()
    answer = post(made, "run/talk", {"data": []})
    made.run()
    assert json.loads(answer.body)["data"] == ["None"]


# The simple API


def simple(world: World, path: str, body: Any) -> Answer:
    event_id = json.loads(post(world, f"call/{path}", body).body)["event_id"]
    return world.request("GET", f"/gradio_api/call/{path}/{event_id}", headers=())


def test_simple_api() -> None:
    made = world()
    answer = simple(made, "count", {"data": [2, 20]})
    made.run(50)
    generating = "event: generating\ndata: [0]\n\nevent: heartbeat\ndata: null\n\n" * 1
    assert answer.body.decode() == (
        "event: heartbeat\ndata: null\n\n" + generating +
        "event: generating\ndata: [1]\n\nevent: complete\ndata: [1]\n\n"
    )  # fmt: skip
    assert answer.ended


def test_simple_api_by_keyword() -> None:
    made = world()
    answer = simple(made, "v2/count", {"n": 1})
    made.run(2)
    assert b"event: complete\ndata: [0]\n\n" in answer.body
    for body in ({}, {"n": 1, "m": 2}):
        assert post(made, "call/v2/count", body).status == 500


def test_simple_api_by_keyword_has_no_state() -> None:
    made = world()
    answer = simple(made, "v2/remember", {"word": "a"})
    made.run(1)
    assert answer.body == b'event: complete\ndata: [["a"], null]\n\n'
    assert post(made, "call/v2/remember", {"word": "a", "words": None}).status == 500


def test_simple_api_by_keyword_is_for_what_is_public() -> None:
    app = TestApp()
    app.endpoint("shy", api_visibility="undocumented")(lambda: None)
    made = World(app)
    assert post(made, "call/v2/shy", {}).status == 500
    assert post(made, "call/shy", {"data": []}).status == 200


def test_simple_api_fills_in_state() -> None:
    made = world()
    for data in (["a"], ["a", None]):
        answer = simple(made, "remember", {"data": data})
        made.run(made.now + 1)
        assert answer.body == b'event: complete\ndata: [["a"], null]\n\n'


def test_simple_api_with_too_little() -> None:
    made = world()
    answer = simple(made, "echo", {"data": []})
    made.run(1)
    assert answer.body.startswith(b'event: error\ndata: {"error": "An event handler (echo)')


def test_simple_api_of_an_unknown_event() -> None:
    answer = world().request("GET", "/gradio_api/call/echo/nothing", headers=())
    assert answer.body == b'event: error\ndata: "404: Not Found"\n\n'
    assert answer.closed
    assert not answer.ended


# Streams


def test_messages_wait_for_their_reader() -> None:
    made = world()
    join(made, "echo", "x")
    made.run(5)
    answer = listen(made)
    assert kinds(answer) == ["estimation", "process_starts", "process_completed", "close_stream"]
    assert answer.ended
    assert not answer.closed


def test_a_stream_before_any_join() -> None:
    answer = listen(world())
    assert messages(answer) == [
        {
            "msg": "unexpected_error",
            "event_id": None,
            "message": "404: Not Found",
            "session_not_found": True,
            "success": False,
        }
    ]
    assert (answer.ended, answer.closed) == (False, True)


def test_a_join_while_the_stream_is_open_keeps_it_open() -> None:
    made = world()
    join(made, "slow", 2)
    answer = listen(made)
    made.run(1)
    join(made, "echo", "x")
    made.run(1.5)
    assert not answer.ended
    made.run(2)
    assert answer.ended


def test_two_readers_take_turns() -> None:
    made = world()
    join(made, "count", 3)
    first, second = listen(made), listen(made)
    made.run(4)
    assert kinds(first) == ["estimation", "process_starts", "process_generating", "process_generating"]
    assert kinds(second) == ["process_generating", "process_completed", "close_stream"]
    assert second.ended
    assert not first.ended


def test_heartbeats() -> None:
    made = world()
    join(made, "slow", 40)
    answer = listen(made)
    assert made.server.next_deadline() == 15.0
    made.run(41)
    beats = [message for message in messages(answer) if message["msg"] == "heartbeat"]
    assert beats == [{"msg": "heartbeat", "event_id": None}] * 2
    assert made.server.next_deadline() is None


def test_heartbeats_come_no_faster_after_a_pause() -> None:
    made = world(heartbeat=5.0)
    join(made, "slow", 100)
    answer = listen(made)
    made.now = 50.0
    made.run(52.0)
    assert kinds(answer).count("heartbeat") == 1
    assert made.server.next_deadline() == 55.0


def test_heartbeats_have_to_be_apart() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        ServerProtocol(TestApp(), heartbeat=0)


def test_time_passes_for_nobody() -> None:
    made = world()
    made.server.handle_timer(100.0)
    assert made.server.next_action() is None


def test_signs_of_life() -> None:
    made = world()
    conn = made.connect()
    answer = made.request("GET", "/gradio_api/heartbeat/s", conn=conn, headers=())
    assert answer.body == b"data: ALIVE\n\n"
    made.run(31)
    assert answer.body == b"data: ALIVE\n\n" * 3
    made.disconnect(conn)
    assert made.server.next_deadline() is None


def test_the_reader_goes_away() -> None:
    made = world()
    join(made, "count", 5)
    join(made, "count", 5)
    join(made, "slow", 5)
    conn = made.connect()
    answer = listen(made, conn=conn)
    made.run(1.5)
    before = answer.body
    made.disconnect(conn)
    assert kinds(listen(made)) == ["unexpected_error"]
    made.run()
    assert answer.body == before
    # The generator was stopped at its next value, the function ran to its end, and the waiting job never ran.
    assert made.now == 5.0
    assert len(set(made.steps)) == 2
    assert len(made.steps) == 3
    assert made.stopped == made.steps[:1]


@pytest.mark.parametrize("faithful", [True, False])
def test_a_session_whose_reader_left_a_running_job(faithful: bool) -> None:
    made = world(faithful_defects=faithful)
    join(made, "slow", 5)
    conn = made.connect()
    listen(made, conn=conn)
    made.disconnect(conn)
    join(made, "echo", "x")
    answer = listen(made)
    made.run(10)
    # A real server goes on waiting for the completion that nobody will get.
    assert ("close_stream" in kinds(answer)) is not faithful


def test_a_reader_beside_one_that_went_away_finds_out_later() -> None:
    made = world()
    join(made, "slow", 20)
    conn = made.connect()
    listen(made, conn=conn)
    other = listen(made)
    made.run(1)
    made.disconnect(conn)
    made.run(9.9)
    assert kinds(other) == []
    made.run(10.1)
    assert kinds(other) == ["unexpected_error"]
    assert other.closed


def test_no_heartbeat_comes_for_a_session_that_is_gone() -> None:
    made = world()
    join(made, "count", 5, 7)
    conn = made.connect()
    listen(made, conn=conn)
    other = listen(made)
    made.run(14.5)  # the second value came at 14, to the second reader
    made.disconnect(conn)
    made.run(23)
    assert "heartbeat" not in kinds(other)
    made.run(25)
    assert kinds(other)[-1] == "unexpected_error"


def test_a_reader_beside_one_that_went_away_may_find_a_new_session() -> None:
    made = world()
    join(made, "slow", 2)
    conn = made.connect()
    listen(made, conn=conn)
    other = listen(made)
    made.disconnect(conn)
    made.run(5)
    join(made, "echo", "x")
    made.run(9.9)
    assert kinds(other) == []
    made.run(10.1)
    assert kinds(other) == ["estimation", "process_starts", "process_completed"]
    assert made.server.next_deadline() == 15.0


def test_sessions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "SESSIONS", 2)
    made = world()
    for session in ("a", "b", "c"):
        join(made, "slow", 50, session=session)
    assert kinds(listen(made, "a")) == ["unexpected_error"]
    assert kinds(listen(made, "b")) == ["estimation"]
    reader = listen(made, "c")
    for session in ("d", "e"):
        join(made, "echo", "x", session=session)
    made.run(10.1)
    assert kinds(reader) == ["estimation", "unexpected_error"]


def test_sessions_of_direct_calls_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "SESSIONS", 1)
    made = world()
    for session in ("a", "b", "b", "a"):
        post(made, "run/remember", {"data": ["w", None], "session_hash": session})
        made.run()
    lengths = [len(json.loads(answer.body)["data"][0]) for answer in made.answers.values()]
    assert lengths == [1, 1, 2, 1]


# Cancelling


def cancel(world: World, name: str, event_id: str, session: str = "s") -> None:
    body = {"event_id": event_id, "session_hash": session, "fn_index": ENDPOINTS.index(name)}
    answer = post(world, "cancel", body)
    assert (answer.status, answer.body) == (200, b'{"success":true}')


@pytest.mark.parametrize("faithful", [True, False])
def test_cancel_of_a_running_job(faithful: bool) -> None:
    made = world(faithful_defects=faithful)
    event_id = join(made, "count", 5)
    waiting = join(made, "count", 1, session="t")
    answer, next_one = listen(made), listen(made, "t")
    made.run(1.5)
    cancel(made, "count", event_id)
    assert kinds(answer)[-2:] == ["process_completed", "close_stream"]
    assert messages(answer)[-2]["output"] == {}
    made.run(1.9)
    assert made.stopped == []  # its step goes on: a generator that runs cannot be closed
    made.run(20)
    assert made.stopped[0] == event_id
    assert made.steps.count(event_id) == 2
    assert [m["event_id"] for m in messages(next_one) if m["msg"] == "process_starts"] == [waiting]
    assert next_one.ended


@pytest.mark.parametrize("faithful", [True, False])
def test_cancel_of_a_waiting_job(faithful: bool) -> None:
    made = world(faithful_defects=faithful)
    join(made, "slow", 5)
    event_id = join(made, "slow", 5, session="t")
    answer, cancelled = listen(made), listen(made, "t")
    cancel(made, "slow", event_id, "t")
    assert kinds(cancelled) == ["estimation", "process_completed", "close_stream"]
    made.run(6)
    assert kinds(answer) == ["estimation", "process_starts", "process_completed", "close_stream"]
    assert event_id not in made.steps
    cancel(made, "slow", event_id, "t")  # again: nothing happens


def test_cancel_beside_a_sibling_without_the_defects() -> None:
    made = world(faithful_defects=False)
    running = join(made, "count", 3)
    waiting = join(made, "count", 3)
    answer = listen(made)
    made.run(1.5)
    cancel(made, "count", waiting)
    made.run(10)
    completed = {m["event_id"]: m["output"] for m in messages(answer) if m["msg"] == "process_completed"}
    assert completed[waiting] == {}
    assert completed[running]["data"] == [2]
    assert answer.ended


def test_cancel_of_one_job_of_a_batch_without_the_defects() -> None:
    made = world(faithful_defects=False)
    ids = [join(made, "double", number) for number in (1, 2, 3)]
    answer = listen(made)
    made.run(1.5)
    cancel(made, "double", ids[1])
    made.run(10)
    completed = {m["event_id"]: m["output"] for m in messages(answer) if m["msg"] == "process_completed"}
    assert completed[ids[1]] == {}
    assert completed[ids[2]]["data"] == [6, 2]
    assert answer.ended


@pytest.mark.parametrize("faithful", [True, False])
@pytest.mark.parametrize("fn_index", [0, 2, 99, -1])
def test_cancel_of_what_is_not_there(fn_index: int, faithful: bool) -> None:
    made = world(faithful_defects=faithful)
    join(made, "slow", 1)
    answer = listen(made)
    body = {"event_id": "nope", "session_hash": "s", "fn_index": fn_index}
    assert post(made, "cancel", body).body == b'{"success":true}'
    assert post(made, "cancel", {**body, "session_hash": "other"}).body == b'{"success":true}'
    made.run(2)
    assert answer.ended


def test_cancel_in_a_session_without_a_reader_to_come() -> None:
    made = world()
    join(made, "slow", 20)
    event_id = join(made, "slow", 20, session="t")
    conn = made.connect()
    listen(made, "t", conn=conn)
    made.disconnect(conn)
    cancel(made, "slow", event_id, "t")
    assert kinds(listen(made, "t")) == ["unexpected_error"]


def test_reset_does_nothing() -> None:
    made = world()
    event_id = join(made, "count", 1)
    assert post(made, "reset", {"event_id": event_id}).body == b'{"success":true}'
    answer = listen(made)
    made.run(2)
    assert answer.ended


# Older servers


def test_old_prefix_and_json() -> None:
    made = World(TestApp(version="4.21.0"))
    assert made.request("GET", "/info", headers=()).status == 200
    for path in ("/gradio_api/info", "/cancel", "/heartbeat/s"):
        assert made.request("GET", path, headers=()).status == 404
    stream = made.request("GET", "/queue/data?session_hash=s", headers=())
    text = '{"msg": "unexpected_error", "message": "404: Session not found.", "success": false}'
    assert stream.body.decode() == f"data: {text}\n\n"


def test_old_streams_end_without_a_word() -> None:
    app = TestApp(version="4.13.0")
    made = World(app)

    @app.endpoint()
    def count() -> Iterator[str]:
        yield "a"
        yield "ab"

    made.use(app)
    made.request("POST", "/queue/join", b'{"data":[],"fn_index":0,"session_hash":"s"}')
    answer = made.request("GET", "/queue/data?session_hash=s", headers=())
    made.run(1)
    assert [output["data"] for output in [m["output"] for m in messages(answer)[2:]]] == [
        ["a"],
        ["ab"],
        ["ab"],
    ]
    assert messages(answer)[-1]["output"]["is_generating"] is True
    assert answer.ended


@pytest.mark.parametrize("faithful", [True, False])
def test_a_stale_job_breaks_a_stream_of_4_44(faithful: bool) -> None:
    made = World()
    made.use(small_app(made, version="4.44.1"), faithful_defects=faithful)

    def send(path: str, **body: Any) -> Any:
        return json.loads(made.request("POST", path, json.dumps(body).encode()).body)

    send("/queue/join", data=[2], fn_index=1, session_hash="first")
    event_id = send("/queue/join", data=[2], fn_index=1, session_hash="s")["event_id"]
    send("/cancel", event_id=event_id, session_hash="s", fn_index=1)
    made.request("GET", "/queue/data?session_hash=s", headers=())
    made.run(5)
    send("/queue/join", data=["x"], fn_index=0, session_hash="s")
    answer = made.request("GET", "/queue/data?session_hash=s", headers=())
    made.run(6)
    assert answer.ended is not faithful
    assert (kinds(answer)[-1] == "unexpected_error") is faithful
    if faithful:
        assert messages(answer)[-1]["message"] == f"'{event_id}'"


def test_the_simple_api_of_4_44_keeps_errors_to_itself() -> None:
    app = TestApp(version="4.44.1")
    app.endpoint("divide")(lambda x: 1 / x)
    made = World(app)
    event_id = json.loads(made.request("POST", "/call/divide", b'{"data":[0]}').body)["event_id"]
    answer = made.request("GET", f"/call/divide/{event_id}", headers=())
    made.run(1)
    assert answer.body == b"event: error\ndata: null\n\n"


# Stopping


STOPPED = {
    "msg": "unexpected_error",
    "event_id": None,
    "message": "Server stopped unexpectedly.",
    "session_not_found": False,
    "success": False,
}


def test_stop() -> None:
    made = world()
    join(made, "slow", 6)
    join(made, "slow", 6)
    conn = made.connect()
    made.request("GET", "/gradio_api/heartbeat/s", conn=conn, headers=())
    answer = listen(made)
    made.run(1)
    made.server.stop(made.now)
    answer2 = post(made, "queue/join", {"data": [1], "fn_index": 1, "session_hash": "s"})
    assert (answer2.status, json.loads(answer2.body)) == (503, {"detail": "Queue is stopped."})
    made.run(9.9)
    assert kinds(answer) == ["estimation", "process_starts", "estimation"]
    made.run(10.1)
    assert messages(answer)[3:] == [STOPPED]
    assert (answer.ended, answer.closed) == (False, False)
    made.run(
        20.5
    )  # a heartbeat at 15 wakes the stream, which has nothing else to say; so it looks again at 25
    assert messages(answer)[3:] == [STOPPED] * 2
    made.run(25.5)
    assert messages(answer)[3:] == [STOPPED] * 3


def test_a_stream_that_is_opened_after_the_stop() -> None:
    made = world()
    join(made, "slow", 6)
    made.server.stop(0.0)
    late = listen(made)
    assert messages(late)[0] == STOPPED
    assert kinds(listen(made, "unknown")) == ["unexpected_error"]
    made.run(10.1)
    assert messages(late)[-1] == STOPPED


def test_what_runs_when_the_queue_stops() -> None:
    made = world()
    event_id = join(made, "count", 5)
    made.run(1.5)
    made.server.stop(made.now)
    made.run()
    assert made.stopped == [event_id]
    assert made.now == 2.0


def test_actions_are_plain_values() -> None:
    server = ServerProtocol(TestApp())
    server.connection_made("c")
    server.receive_data("c", b"GET /gradio_api/app_id HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 0.0)
    first, second = server.next_action(), server.next_action()
    assert isinstance(first, SendData)
    assert first.data.startswith(b"HTTP/1.1 200 OK\r\n")
    assert second == CloseConnection("c")
    assert server.next_action() is None


def test_a_runner_in_ten_lines() -> None:
    app = TestApp()
    app.endpoint("add")(lambda a, b: a + b)
    server = ServerProtocol(app)
    server.connection_made("c")
    body = b'{"data":[1,2]}'
    head = b"POST /gradio_api/run/add HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    server.receive_data("c", head + b"Content-Length: %d\r\n\r\n" % len(body) + body, now=0.0)
    job = server.next_action()
    assert isinstance(job, RunJob)
    assert job.call.step(lambda aside: None) == Returned(3)
    server.job_stepped(job.event_id, Returned(3), now=1.0)
    sent = server.next_action()
    assert isinstance(sent, SendData)
    assert b'"data":[3]' in sent.data
