"""What an app may ask of a server beside running its functions: validators, cancelling endpoints, tokens, functions
of components, and State that does not outlive its page. And what a test may ask: to be refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from testing_simulation import Answer, World

from gradio_proto.testing import Component, Context, TestApp, validate
from gradio_proto.testing.generations import PROTOCOLS

HOUR = 3600.0


def post(world: World, path: str, body: Any, **options: Any) -> Answer:
    prefix = world.app.generation.prefix
    return world.request("POST", f"{prefix}/{path}", json.dumps(body).encode(), **options)


def run(world: World, name: str, *data: Any, **more: Any) -> Any:
    """What a direct call is answered with."""
    return call(world, f"run/{name}", {"data": data, **more})[1]


def call(world: World, path: str, body: Any) -> tuple[int | None, Any]:
    """The status of a direct call that takes no time, and what it is answered with."""
    answer = post(world, path, body)
    world.run(world.now)
    return answer.status, json.loads(answer.body)


def join(world: World, fn_index: int, *data: Any, session: str = "s", **more: Any) -> Answer:
    return post(world, "queue/join", {"data": data, "fn_index": fn_index, "session_hash": session, **more})


def listen(world: World, session: str = "s") -> Answer:
    prefix = world.app.generation.prefix
    return world.request("GET", f"{prefix}/queue/data?session_hash={session}", headers=())


def messages(answer: Answer) -> list[Any]:
    return [json.loads(event[6:]) for event in answer.body.decode().split("\n\n")[:-1]]


def kinds(answer: Answer) -> list[str]:
    return [message["msg"] for message in messages(answer)]


# Validators


def check(a: float, b: Any) -> Any:
    match b:
        case "one":
            return validate(a > 0, "a must be positive")
        case "crash":
            raise ValueError("the validator crashed")
        case "none":
            return None
        case _:
            return [validate(a > 0, "a must be positive"), "whatever"]


def validated(**options: Any) -> World:
    app = TestApp(**options)
    app.endpoint("add", inputs=["number", "text"], outputs=["text"], validator=check)(lambda a, b: f"{a}{b}")
    return World(app)


@pytest.mark.parametrize("path", ["queue/join", "call/add"])
def test_a_validator(path: str) -> None:
    world = validated(max_queue_size=1, default_concurrency_limit=1)
    body = {"fn_index": 0, "session_hash": "s"}
    bad = {"__type__": "validate", "is_valid": False, "message": "a must be positive"}
    answer = post(world, path, {**body, "data": [-1, "x"]})
    assert answer.status == 422
    second = {"is_valid": True, "message": ""}
    name = world.app.endpoints[0].parameter_name(0)
    assert json.loads(answer.body) == {"detail": [{**bad, "parameter_name": name}, second]}
    answer = post(world, path, {**body, "data": [-1, "one"]})
    assert json.loads(answer.body) == {"detail": [{**bad, "parameter_name": name}]}
    answer = post(world, path, {**body, "data": [1, "crash"]})
    assert (answer.status, answer.body) == (400, b'{"detail":"the validator crashed"}')
    assert post(world, path, {**body, "data": [-1, "none"]}).status == 200
    assert post(world, path, {**body, "data": [1, "x"]}).status == 200
    assert post(world, path, {**body, "data": [-1, "x"]}).status == 503  # the queue is looked at first


def test_a_validator_is_not_asked_by_direct_calls_or_before_gradio_5() -> None:
    assert run(validated(), "add", -1, "")["data"] == ["-1"]
    assert join(validated(version="4.44.1"), 0, -1, "").status == 200


# Endpoints that cancel others


def cancelling(version: str) -> World:
    world = World()
    app = TestApp(version=version)

    @app.endpoint()
    def count(n: int) -> Iterator[int]:
        for i in range(n):
            world.sleep(1)
            yield i

    @app.endpoint(inputs=[], outputs=[], queue=False, cancels=["/count"])
    def stop() -> None:
        return None

    world.use(app)
    return world


@pytest.mark.parametrize("version", PROTOCOLS)
def test_how_a_cancelling_endpoint_is_described(version: str) -> None:
    world = cancelling(version)
    old = version < "4.44"
    count, stop, cancel = world.app.config("")["dependencies"]
    assert [d["cancels"] for d in (count, stop, cancel)] == [[], [], [0]]
    if old:
        assert [d["types"] for d in (stop, cancel)] == [{"continuous": False, "generator": False}] * 2
    else:
        assert [d["types"]["cancel"] for d in (count, stop, cancel)] == [False, False, True]
    assert [d["backend_fn"] for d in (count, stop, cancel)] == [True, True, old]
    name: Any = {"3": None, "4.0.2": False}.get(version if version == "4.0.2" else version[0], "cancel")
    assert cancel["api_name"] == (name if old else "unnamed")
    assert cancel["targets"] == stop["targets"]
    info = world.app.info(all_endpoints=True)
    assert list(info["named_endpoints"]) == ["/count", "/stop"]
    assert list(info["unnamed_endpoints"]) == (["2"] if name is None and old else [])


def test_a_cancelling_endpoint_of_old() -> None:
    """Nobody is told anything; the next in the line starts."""
    world = cancelling("4.13.0")
    join(world, 0, 5)
    other = listen(world, "other") if join(world, 0, 5, session="other").status == 200 else None
    assert other is not None
    stream = listen(world)
    world.run(1.5)
    status, body = call(world, "api/predict", {"data": [], "fn_index": 2, "session_hash": "nobody"})
    assert (status, body["data"]) == (200, [])
    world.run(2.5)
    assert kinds(stream) == ["estimation", "process_starts", "process_generating", "process_generating"]
    assert call(world, "api/predict", {"data": [], "fn_index": 2, "session_hash": "s"})[0] == 200
    world.run(3.5)
    world.run()
    assert not stream.ended
    assert kinds(stream)[-1] == "process_generating"
    assert kinds(other)[-1] == "process_completed"
    assert len(world.stopped) == 2


def test_a_cancelling_endpoint_is_for_browsers() -> None:
    for version in ("4.44.1", "6.31.0"):
        world = cancelling(version)
        join(world, 0, 2)
        status, body = call(world, "run/x", {"data": [], "fn_index": 2, "session_hash": "s"})
        assert (status, body["error"]) == (500, "function has no backend method.")
        stream = listen(world)
        world.run()
        assert kinds(stream)[-2:] == ["process_completed", "close_stream"]


# Reset


def test_reset_of_old() -> None:
    world = cancelling("4.13.0")
    event_id = json.loads(join(world, 0, 5).body)["event_id"]
    stream = listen(world)
    told = [post(world, "reset", {"event_id": event}).body for event in ("x", event_id)]
    assert told == [b'{"success":false}'] * 2  # it has given nothing yet
    world.run(1.5)
    assert post(world, "reset", {"event_id": event_id}).body == b'{"success":true}'
    world.run()
    assert kinds(stream) == ["estimation", "process_starts", "process_generating"]
    assert not stream.ended
    assert world.stopped == [event_id]


# Stopping


@pytest.mark.parametrize(("version", "times"), [("4.13.0", 20), ("5.49.1", 20), ("6.31.0", 0)])
def test_how_often_a_stopped_server_says_so(version: str, times: int) -> None:
    world = cancelling(version)
    join(world, 0, 100)
    stream = listen(world)
    world.run(0.5)
    world.server.stop(world.now)
    world.run(1.5)
    assert abs(kinds(stream).count("unexpected_error") - times) <= 1
    assert join(world, 0, 1).body == b'{"detail":"Queue is stopped."}'


# Tokens


def token_app(**options: Any) -> World:
    app = TestApp(**options)

    @app.endpoint(oauth_token="required")
    def whose(*, context: Context) -> str:
        return str(context.oauth_token)

    @app.endpoint(inputs=["text"], outputs=["text"])
    def named(oauth_token: str) -> str:
        return oauth_token

    @app.endpoint()
    def other(x: str, *, context: Context) -> str:
        return f"{x} {context.oauth_token}"

    return World(app)


def test_a_token_goes_to_who_wants_it() -> None:
    world = token_app()
    assert run(world, "whose", oauth_token="t")["data"] == ["t"]
    text = "This action requires a logged in user. Please sign in and retry."
    assert run(world, "whose")["error"] == text
    assert run(world, "other", "x", oauth_token="t")["data"] == ["x None"]
    old = token_app(version="5.49.1")
    assert run(old, "whose", oauth_token="t")["error"] == text


def test_tokens_by_keyword() -> None:
    world = token_app()
    for name, body, expected in (
        ("whose", {"oauth_token": "t"}, "t"),
        ("named", {"oauth_token": "t"}, "t"),
        ("other", {"x": "x", "oauth_token": "t"}, "x None"),
    ):
        event_id = json.loads(post(world, f"call/v2/{name}", body).body)["event_id"]
        answer = world.request("GET", f"/gradio_api/call/{name}/{event_id}", headers=())
        world.run()
        assert answer.body.decode() == f'event: complete\ndata: ["{expected}"]\n\n'


def test_who_wants_a_token_says_so() -> None:
    found = token_app().app.info()["named_endpoints"]
    assert found["/whose"]["oauth_token"] == "required"
    assert "oauth_token" not in found["/other"]
    assert "oauth_token" not in token_app(version="5.49.1").app.info()["named_endpoints"]["/whose"]


# Functions of components


def test_functions_of_components() -> None:
    app = TestApp()
    explorer = Component("json", server_fns={"ls": lambda path: [path], "crash": lambda _: 1 / 0})
    app.endpoint("look", inputs=[explorer], outputs=["text"])(lambda x: x)
    world = World(app)
    number = app.component_id(explorer)
    body = {"session_hash": "s", "component_id": number, "fn_name": "ls", "data": {"a": 1}}
    answer = post(world, "component_server", body)
    assert (answer.status, json.loads(answer.body)) == (200, [{"a": 1}])
    assert post(world, "component_server/", {**body, "fn_name": "crash"}).status == 500
    assert post(world, "component_server", {**body, "component_id": 99}).status == 500
    (component,) = (item for item in app.config("")["components"] if item["id"] == number)
    assert component["props"]["server_fns"] == ["ls", "crash"]


# State


def remembering(version: str = "6.31.0") -> World:
    app = TestApp(version=version)

    @app.endpoint(inputs=["text", "state"], outputs=["json", "state"])
    def remember(word: str, words: list[str] | None) -> Any:
        words = [*(words or []), word]
        return words, words

    return World(app)


def beat(world: World, session: str = "s") -> int:
    conn = world.connect()
    world.request("GET", f"{world.app.generation.prefix}/heartbeat/{session}", headers=(), conn=conn)
    return conn


def said(world: World, word: str) -> Any:
    return run(world, "remember", word, None, session_hash="s")["data"][0]


def test_state_outlives_its_page_for_an_hour() -> None:
    world = remembering()
    conn = beat(world)
    assert said(world, "a") == ["a"]
    world.run(2 * HOUR)
    assert said(world, "b") == ["a", "b"]  # the page is open
    world.disconnect(conn)
    world.run(2.9 * HOUR)
    assert said(world, "c") == ["a", "b", "c"]
    world.run(4 * HOUR)
    assert said(world, "d") == ["d"]


def test_a_page_that_was_never_used() -> None:
    world = remembering("4.44.1")
    world.disconnect(beat(world, "x"))
    assert said(world, "a") == ["a"]


# Refusals


def test_refusals() -> None:
    world = remembering()
    world.server.refuse(2, retry_after="3")
    conn = world.connect()
    body = {"data": ["a", None], "fn_index": 0, "session_hash": "s"}
    for _ in range(2):
        answer = post(world, "queue/join", body, conn=conn)
        assert (answer.status, answer.body) == (429, b"Too Many Requests")
        assert answer.headers["retry-after"] == "3"
    assert post(world, "queue/join", body, conn=conn).status == 200


def test_refusals_of_other_kinds() -> None:
    world = remembering("4.13.0")
    world.server.refuse(status=502, path="/upload")
    world.server.refuse(status=599, path="/config")
    form = (("content-type", "multipart/form-data; boundary=b"),)
    answer = world.request("POST", "/upload", b"--b--", headers=form)
    assert (answer.status, answer.reason, answer.body) == (502, "Bad Gateway", b"Bad Gateway")
    assert "retry-after" not in answer.headers
    assert world.request("POST", "/upload", b"--b--", headers=form).status == 200
    answer = world.request("GET", "/config", headers=())
    assert (answer.status, answer.reason, answer.body) == (599, "", b"")
