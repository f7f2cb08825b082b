"""What can be seen of a server that may have defects: small conversations with one app, in every version.

A scene talks to a server in memory and returns all that it was told, bytes and times and all. The same scene with
the same server tells the same; with a server that has a defect it tells something else.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from testing_simulation import Answer, World

from gradio_proto.testing import Component, Context, Error, File, Rendering, TestApp, validate

Headers = tuple[tuple[str, str], ...]

JSON: Headers = (("content-type", "application/json"),)
FORM: Headers = (("content-type", "application/x-www-form-urlencoded"),)
PARTS: Headers = (("content-type", "multipart/form-data; boundary=b"),)
META = {"_type": "gradio.FileData"}


class Clock:
    """What the functions of the apps wait by: the world of the scene that goes on."""

    world: World

    def sleep(self, seconds: float) -> None:
        self.world.sleep(seconds)


CLOCK = Clock()


@functools.cache
def make_app(version: str, **options: Any) -> TestApp:
    """One app for all scenes: it takes longer to make than most of them."""
    world = CLOCK
    app = TestApp(version=version, **options)
    generation = app.generation

    @app.endpoint()
    def echo(x: str = "é") -> str:
        return x

    @app.endpoint()
    def slow(seconds: float) -> str:
        world.sleep(seconds)
        return f"{seconds}"

    if app.has_queue:

        @app.endpoint(concurrency_limit=None)
        def count(n: int, pause: float = 1.0) -> Iterator[int]:
            for i in range(n):
                world.sleep(pause)
                yield i

        @app.endpoint(outputs=["text", "text"])
        def grow() -> Iterator[Any]:
            for text in ("a", "ab", "ab", "abc", "x"):
                yield text, "same"

        @app.endpoint(outputs=[Component("checkboxgroup", choices=["a", "b", "c", "d"])])
        def lists() -> Iterator[list[str]]:
            yield ["a", "b", "c", "d"]
            yield ["c", "b"]
            yield ["c", "a", "d", "d"]

        @app.endpoint()
        def late(kind: str) -> Iterator[str]:
            yield "first"
            raise Error("for you") if kind == "shown" else ValueError("for me")

        @app.endpoint()
        def nothing() -> Iterator[str]:
            yield from ()

        @app.endpoint(inputs=["number"], outputs=["number"], batch=True, max_batch_size=2)
        def double(xs: Any) -> Any:
            world.sleep(1)
            return [[x * 2 for x in xs]]

        @app.endpoint(concurrency_limit=None)
        def talks(*, context: Context) -> Iterator[str]:
            context.progress(0.5, "half")
            context.progress((1, 2))
            context.info("hello")
            yield "said"
            world.sleep(1)
            yield "more"

    @app.endpoint(outputs=["text", "text", "text"])
    def three() -> Any:
        return "a", None, "c"

    @app.endpoint(inputs=["text", "state"], outputs=["json", "state"])
    def remember(word: str, words: Any) -> Any:
        words = [*(words or []), word]
        return words, words

    collected = Component("state", value=[])

    @app.endpoint(inputs=["text", collected], outputs=["json", collected])
    def collect(word: str, words: list[str]) -> Any:
        words.append(word)
        return [*words], words

    @app.endpoint()
    def fail(kind: str) -> str:
        raise Error("for you") if kind == "shown" else ValueError("for me")

    @app.endpoint()
    def nan() -> float:
        return float("nan")

    @app.endpoint()
    def shout(file: File) -> File:
        return File("an é b.txt", file.data.upper())

    @app.endpoint(queue=False)
    def quick(x: str) -> str:
        return x

    @app.endpoint()
    def see(*, context: Context) -> str:
        seen = [
            context.event_data,
            context.username,
            context.oauth_token,
            context.request_headers.get("x-mark"),
        ]
        return json.dumps(seen)

    app.endpoint("/secret", api_visibility="private", inputs=[], outputs=["text"])(lambda: "secret")
    app.endpoint("/hidden", api_visibility="undocumented", inputs=[], outputs=["text"])(lambda: "hidden")

    offering = Component("textbox", server_fns={"shout": lambda text: text.upper()})
    app.endpoint("/offering", inputs=[offering], outputs=["text"])(lambda x: x)

    if generation.cancels_by_endpoint and app.has_queue:
        app.endpoint("stop", inputs=[], outputs=[], queue=False, cancels=["/count"])(lambda: None)
    if generation.asks_for_data and app.has_queue:
        app.endpoint("tick", inputs=[], outputs=["text"], every=0.5)(lambda: "t")
    if generation.renders:

        @app.render()
        def buttons(n: int, *, rendering: Rendering) -> None:
            rendering.endpoint("/button", inputs=["number"], outputs=["number"])(lambda x: x + n)

    if generation.has_input_streams:
        app.endpoint("chunks", inputs=["text"], outputs=["text"], connection="stream", time_limit=20)(
            lambda chunk: f"<{chunk}>"
        )
        app.endpoint("endless", inputs=["text"], outputs=["text"], connection="stream")(lambda chunk: chunk)

    if generation.has_validators:

        def check(x: str, y: str) -> Any:
            return [validate(True, ""), validate(y == "y", "not y")]

        app.endpoint("checked", validator=check, inputs=["text", "text"], outputs=["text"])(
            lambda x, y: x + y
        )

    return app


def seen(answer: Answer) -> Any:
    """All that has come back on a connection."""
    return (
        answer.status,
        sorted(answer.fields),
        answer.pieces,
        answer.ended,
        answer.closed,
        answer.frames,
    )


@dataclass(eq=False)
class Started:
    """A job that was joined."""

    conn: int
    joined: Answer
    """What the join was answered; where a job has its own stream or socket, all about it."""
    index: int
    """The number of its function."""
    session: str
    data: tuple[Any, ...]
    given: list[Answer] = field(default_factory=list[Answer])
    """What was answered to its data, where these are asked for."""

    @property
    def event_id(self) -> Any:
        """What it is called from 4.9 on."""
        return json.loads(self.joined.body)["event_id"]


class Scene:
    """A server, and somebody who talks to it as its version wants it."""

    def __init__(
        self,
        version: str,
        defects: tuple[str, ...] = (),
        *,
        faithful: bool = False,
        heartbeat: float = 15.0,
        **options: Any,
    ) -> None:
        self.world = World()
        CLOCK.world = self.world
        self.app = make_app(version, **options)
        for component in self.app.components:
            if component.is_state and component.value is not None:
                component.value.clear()  # a defect may have let a function change it
        self.world.use(self.app, faithful_defects=faithful, defects=defects, heartbeat=heartbeat)
        self.generation = self.app.generation
        self.prefix = self.generation.prefix
        self.listening: dict[str, Answer] = {}
        self._open: list[Started] = []
        self.cookie: Headers = ()

    # Requests

    def get(self, path: str, *, headers: Headers = (), prefix: bool = True) -> Answer:
        where = f"{self.prefix if prefix else ''}{path}"
        return self.world.request("GET", where, headers=(*headers, *self.cookie))

    def post(self, path: str, body: Any, *, headers: Headers = JSON, prefix: bool = True) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        where = f"{self.prefix if prefix else ''}{path}"
        return self.world.request("POST", where, data, headers=(*headers, ("x-mark", "m"), *self.cookie))

    def call(self, path: str, *data: Any, **more: Any) -> Answer:
        """A direct call."""
        answer = self.post(path, {"data": data, **more})
        self.world.run()
        return answer

    def id(self, name: str) -> int:
        return next(endpoint.id for endpoint in self.app.endpoints if endpoint.name == name)

    # Jobs

    def start(
        self, name: str | int, *data: Any, session: str = "s", listens: bool = True, **more: Any
    ) -> Started:
        """Join, and listen."""
        index = self.id(name) if isinstance(name, str) else name
        if self.generation.has_sockets:
            conn, answer = self.world.upgrade(headers=(("x-mark", "m"), *self.cookie))
            started = Started(conn, answer, index, session, data)
            if not answer.closed and answer.socket is not None:
                self.world.say(conn, {"fn_index": index, "session_hash": session})
        elif self.generation.asks_for_data:
            conn = self.world.connect()
            target = f"/queue/join?fn_index={index}&session_hash={session}"
            answer = self.world.request("GET", target, conn=conn, headers=(("x-mark", "m"), *self.cookie))
            started = Started(conn, answer, index, session, data)
        else:
            body = {"data": data, "fn_index": index, "session_hash": session, **more}
            answer = self.post("/queue/join", body)
            started = Started(0, answer, index, session, data)
            if listens:
                self.listen(session)
        self._open.append(started)
        self._more = more
        self.answer_data()
        return started

    def listen(self, session: str = "s") -> Answer:
        """Open a session's stream, unless it is open."""
        before = self.listening.get(session)
        if before is None or before.ended or before.closed:
            self.listening[session] = self.get(f"/queue/data?session_hash={session}")
        return self.listening[session]

    def answer_data(self) -> None:
        """Give the data of the jobs that are asked for them."""
        for started in self._open if self.generation.asks_for_data else ():
            answer = started.joined
            if answer.socket is not None:
                asked = sum("send_data" in str(frame) for frame in answer.frames)
                is_open = not answer.closed and not any(frame[0] == "close" for frame in answer.frames)
                if asked > len(started.given) and is_open:
                    body = {"data": started.data, "fn_index": started.index, "session_hash": started.session}
                    started.given.append(self.world.say(started.conn, {**body, **self._more}))
            elif b"send_data" in answer.body and not started.given:
                (asking,) = [line for line in answer.body.split(b"\n\n") if b"send_data" in line][:1]
                event_id = json.loads(asking.removeprefix(b"data: ")).get("event_id")
                body = {"data": started.data, "fn_index": started.index, "event_id": event_id}
                started.given.append(
                    self.post("/queue/data", {**body, "session_hash": started.session, **self._more})
                )

    def settle(self, until: float | None = None) -> None:
        """Let all happen that happens."""
        before = -1
        while before != len(self.world.steps):
            before = len(self.world.steps)
            self.world.run(until)
            self.answer_data()

    def tell(self, *started: Started) -> Any:
        """All that was said about these jobs."""
        return (
            [(seen(one.joined), [seen(answer) for answer in one.given]) for one in started],
            {session: seen(answer) for session, answer in self.listening.items()},
        )

    def run(self, name: str | int, *data: Any, **more: Any) -> Any:
        """A job, from its join to its end."""
        started = self.start(name, *data, **more)
        self.settle()
        return self.tell(started)

    def login(self, password: str = "p") -> Answer:
        body = urlencode({"username": "u", "password": password}).encode()
        return self.world.request("POST", "/login", body, headers=FORM)

    def upload(self, *files: tuple[str, bytes]) -> Answer:
        parts = [
            b'--b\r\ncontent-disposition: form-data; name="files"; filename="%b"\r\n\r\n%b\r\n'
            % (name.encode(), data)
            for name, data in files
        ]
        return self.post("/upload", b"".join(parts) + b"--b--\r\n", headers=PARTS)


View = Callable[[Scene], Any]
"""What one scene shows."""


# Jobs


def echo(scene: Scene) -> Any:
    return scene.run("echo", "é")


def grow(scene: Scene) -> Any:
    return scene.run("grow")


def lists(scene: Scene) -> Any:
    return scene.run("lists")


def talks(scene: Scene) -> Any:
    return scene.run("talks")


def nothing(scene: Scene) -> Any:
    return scene.run("nothing")


def three(scene: Scene) -> Any:
    return scene.run("three")


def nan(scene: Scene) -> Any:
    return scene.run("nan")


def fail(scene: Scene) -> Any:
    return scene.run("fail", "hidden"), scene.run("fail", "shown")


def surplus(scene: Scene) -> Any:
    return scene.run("echo", "a", "b")


def too_few(scene: Scene) -> Any:
    return scene.run("echo")


def see(scene: Scene) -> Any:
    return scene.run("see", event_data={"a": 1}, oauth_token="hf_x")


def waiting(scene: Scene) -> Any:
    jobs = [scene.start("slow", seconds) for seconds in (3, 2, 1)]
    scene.settle()
    return scene.tell(*jobs)


def two(scene: Scene) -> Any:
    jobs = [scene.start("slow", 10), scene.start("count", 3, 1)]
    scene.settle()
    return scene.tell(*jobs)


def two_sessions(scene: Scene) -> Any:
    jobs = [scene.start("slow", 10, session="t"), scene.start("talks", session="s")]
    scene.settle()
    return scene.tell(*jobs)


def batch(scene: Scene) -> Any:
    jobs = [scene.start("double", number) for number in (1, 2, 3)]
    scene.settle()
    return scene.tell(*jobs)


def failing_twice(scene: Scene) -> Any:
    jobs = [scene.start("fail", "x"), scene.start("fail", "x")]
    scene.settle()
    return scene.tell(*jobs)


def failing_sibling(scene: Scene) -> Any:
    jobs = [scene.start("slow", 5), scene.start("fail", "x")]
    scene.settle()
    return scene.tell(*jobs)


def hang_up(scene: Scene) -> Any:
    job = scene.start("count", 5, 1)
    scene.settle(1.5)
    conn = job.conn or max(scene.world.answers)
    scene.world.disconnect(conn)
    scene.settle()
    return len(scene.world.steps)


def hang_up_before_another(scene: Scene) -> Any:
    scene.start("slow", 5, session="s")
    conn = max(scene.world.answers)
    job = scene.start("slow", 1, session="t")
    scene.world.disconnect(conn)
    scene.settle()
    return scene.tell(job)


def full_queue(scene: Scene) -> Any:
    jobs = [scene.start("slow", 5) for _ in range(3)]
    scene.settle()
    return scene.tell(*jobs)


# Joins


def bad_joins(scene: Scene) -> Any:
    good = {"data": ["x"], "fn_index": 0, "session_hash": "s"}
    bodies: list[Any] = [
        {**good, "fn_index": 99},
        {key: value for key, value in good.items() if key != "fn_index"},
        {key: value for key, value in good.items() if key != "session_hash"},
        {key: value for key, value in good.items() if key != "data"},
        {**good, "fn_index": scene.id("quick")},
        {**good, "session_hash": "s" * 40},
        b"{",
    ]
    answers = [scene.post("/queue/join", body) for body in bodies]
    return [seen(answer) for answer in (*answers, scene.get("/queue/join"))]


def unknown_fn(scene: Scene) -> Any:
    return scene.run(99, "x")


def unknown_direct(scene: Scene) -> Any:
    return seen(scene.call("/run/nope"))


def after_malformed(scene: Scene) -> Any:
    scene.post("/run/echo", b"{")
    return seen(scene.call("/run/echo", "x"))


def extra_keys(scene: Scene) -> Any:
    return seen(scene.call("/run/echo", "x", surprise=1))


# Streams


def heartbeats(scene: Scene) -> Any:
    job = scene.start("slow", 100)
    scene.settle(50)
    return scene.tell(job)


def heartbeat_route(scene: Scene) -> Any:
    answer = scene.get("/heartbeat/s")
    scene.world.run(40)
    return seen(answer)


def heartbeat_end(scene: Scene) -> Any:
    scene.run("remember", "a", None, session="t")
    scene.get("/heartbeat/s")
    scene.world.disconnect(max(scene.world.answers))
    return scene.run("remember", "b", None, session="t")


def unknown_session(scene: Scene) -> Any:
    answer = scene.get("/queue/data?session_hash=nobody")
    scene.world.run(1)
    return seen(answer)


def late_reader(scene: Scene) -> Any:
    job = scene.start("echo", "x", listens=False)
    scene.settle()
    scene.listen()
    return scene.tell(job)


# State


def state(scene: Scene) -> Any:
    return [scene.run("remember", word, None, session=session) for word, session in ("as", "bt", "cs")]


def collecting(scene: Scene) -> Any:
    return [scene.run("collect", word, None, session=session) for word, session in ("as", "bt")]


def direct_state(scene: Scene) -> Any:
    return [seen(scene.call("/run/remember", word, None, **more)) for word, more in DIRECT_STATE]


DIRECT_STATE: list[tuple[str, dict[str, str]]] = [
    ("a", {}),
    ("b", {}),
    ("c", {"session_hash": "s"}),
    ("d", {"session_hash": "s"}),
]


# Chunks, renders


def chunks(scene: Scene) -> Any:
    job = scene.start("chunks", "a")
    answers: list[Answer] = []
    for chunk in ("b", "c"):
        scene.settle()
        answers.append(scene.post(f"/stream/{job.event_id}", {"data": [chunk]}))
    scene.settle()
    answers += [scene.post(f"/stream/{job.event_id}/close", {}) for _ in range(2)]
    scene.settle()
    answers.append(scene.post(f"/stream/{'0' * 32}", {"data": ["x"]}))
    return [seen(answer) for answer in answers], scene.tell(job), len(scene.world.steps)


def silence(scene: Scene) -> Any:
    job = scene.start("endless", "a")
    scene.settle(100)
    return scene.tell(job)


def too_long(scene: Scene) -> Any:
    job = scene.start("chunks", "a")
    scene.settle()
    for second in range(5, 40, 5):
        scene.settle(second)
        scene.post(f"/stream/{job.event_id}", {"data": ["x"]})
    scene.settle(50)
    return scene.tell(job)


def render(scene: Scene) -> Any:
    made = scene.run("apply", 3)
    number = len(scene.app.endpoints)
    return made, scene.run(number, 1), scene.run(number, 1, session="t")


# Cancelling


def _cancel(scene: Scene, job: Started, **more: Any) -> Answer:
    body = {"session_hash": job.session, "fn_index": job.index, "event_id": job.event_id}
    return scene.post("/cancel", {**body, **more})


def cancel_running(scene: Scene) -> Any:
    jobs = [scene.start("count", 5, 1), scene.start("count", 5, 1)]
    scene.settle(1.5)
    answers = [_cancel(scene, jobs[0]), _cancel(scene, jobs[0]), scene.post("/cancel", {})]
    scene.settle()
    return scene.tell(*jobs), [seen(answer) for answer in answers]


def cancel_waiting(scene: Scene) -> Any:
    jobs = [scene.start("slow", 5), scene.start("slow", 1), scene.start("slow", 1)]
    scene.settle(1.5)
    _cancel(scene, jobs[1])
    scene.settle()
    return scene.tell(*jobs)


def cancel_frees(scene: Scene) -> Any:
    jobs = [scene.start("slow", 5), scene.start("slow", 1)]
    scene.settle(1.5)
    _cancel(scene, jobs[0])
    scene.settle()
    return scene.tell(*jobs)


def reset(scene: Scene) -> Any:
    job = scene.start("count", 5, 1)
    scene.settle(1.5)
    answer = scene.post("/reset", {"event_id": job.event_id})
    scene.settle()
    return seen(answer), scene.tell(job)


def cancel_event(scene: Scene) -> Any:
    jobs = [scene.start("count", 5, 1, session=session) for session in "st"]
    scene.settle(1.5)
    answer = scene.post("/run/predict", {"data": [], "fn_index": scene.id("stop") + 1, "session_hash": "s"})
    scene.settle()
    return seen(answer), scene.tell(*jobs)


# Direct calls, the simple API, components


def direct(scene: Scene) -> Any:
    paths = ("/run/predict", "/run/echo")
    calls = [scene.call(path, "x", fn_index=scene.id("three")) for path in paths]
    return [seen(answer) for answer in (*calls, scene.call("/run/fail", "x"), scene.call("/run/double", 2))]


def private(scene: Scene) -> Any:
    return seen(scene.call("/run/secret")), seen(scene.call("/run/echo", "x"))


def _call(scene: Scene, path: str, body: Any) -> Any:
    posted = scene.post(path, body)
    scene.settle()
    if posted.status != 200:
        return seen(posted)
    streamed = scene.get(f"{path}/{json.loads(posted.body)['event_id']}")
    scene.settle()
    return seen(posted), seen(streamed)


def calls(scene: Scene) -> Any:
    return (
        _call(scene, "/call/grow", {"data": []}),
        _call(scene, "/call/fail", {"data": ["x"]}),
        _call(scene, "/call/nope", {"data": []}),
        seen(scene.get(f"/call/echo/{'0' * 32}")),
        [_call(scene, "/call/remember", {"data": [word, None], "session_hash": "s"}) for word in "ab"],
    )


def calls_v2(scene: Scene) -> Any:
    return [_call(scene, "/call/v2/echo", body) for body in ({}, {"x": "a"}, {"x": "a", "y": "b"})]


def component(scene: Scene) -> Any:
    number = next(number for one, number in scene.app.components.items() if one.server_fns)
    body = {"session_hash": "s", "component_id": number, "fn_name": "shout", "data": "a"}
    bodies = [body, {**body, "fn_name": "__init__"}, {"session_hash": "s"}]
    return [seen(scene.post("/component_server", body)) for body in bodies]


# Files


def uploads(scene: Scene) -> Any:
    answers = [
        scene.upload(("b.txt", b"1\r\n2"), ("a.txt", b""), ("../../c.txt", b"3")),
        scene.upload(("b.txt", b"other")),
        scene.upload(("large.txt", b"x" * 200)),
        scene.post("/upload", {"no": "form"}),
    ]
    paths = json.loads(answers[0].body)
    downloads = [scene.get(f"/file={quote(path)}") for path in paths]
    return [seen(answer) for answer in (*answers, *downloads)]


def downloads(scene: Scene) -> Any:
    paths = (
        "/etc/passwd",
        "/tmp/gradio/../../etc/passwd",
        "/tmp/gradio/%252e%252e/%252e%252e/etc/passwd",
        "/tmp/gradio/0/nothing.txt",
    )
    return [seen(scene.get(f"/file={path}")) for path in paths]


def file_values(scene: Scene) -> Any:
    path = json.loads(scene.upload(("b.txt", b"x")).body)[0]
    given: Any = {"path": path, "meta": META}
    if scene.generation.has_sockets:
        given = {"name": path, "data": None, "is_file": True}
    foreign = {"path": "/etc/passwd", "meta": META}
    return [seen(scene.call("/run/shout", value)) for value in (given, foreign)]


# Discovery and access


def config(scene: Scene) -> Any:
    return [seen(scene.get("/config", prefix=prefix)) for prefix in (False, True)]


def app_id(scene: Scene) -> Any:
    return seen(scene.get("/app_id"))


def info(scene: Scene) -> Any:
    return [seen(scene.get(f"/info{query}")) for query in ("", "?all_endpoints=True")]


def _routes(scene: Scene) -> list[Answer]:
    """What needs a login, asked for in the same order."""
    return [
        scene.get("/config", prefix=False),
        scene.get("/info"),
        scene.get("/file=/tmp/gradio/0/x"),
        scene.get("/heartbeat/s"),
        scene.post("/run/quick", {"data": ["x"]}),
        scene.upload(("a.txt", b"x")),
        scene.post("/component_server", {}),
        scene.post("/queue/join", {"data": ["x"], "fn_index": 0, "session_hash": "s"}),
        scene.get("/queue/join?fn_index=0&session_hash=s"),
        scene.get("/queue/data?session_hash=s"),
        scene.post("/queue/data", {"data": ["x"], "fn_index": 0, "event_id": "e"}),
        scene.post("/call/echo", {"data": ["x"]}),
        scene.post("/cancel", {"session_hash": "s", "fn_index": 0, "event_id": "e"}),
        scene.post("/reset", {"event_id": "e", "session_hash": "s", "fn_index": 0}),
        *([scene.world.upgrade()[1]] if scene.generation.has_sockets else ()),
    ]


def guarded(scene: Scene) -> Any:
    return [seen(answer) for answer in _routes(scene)]


def logins(scene: Scene) -> Any:
    answers = [scene.login("wrong"), scene.login()]
    cookies = [value for name, value in answers[-1].fields if name == "set-cookie"]
    users: list[Any] = []
    for cookie in cookies:
        scene.cookie = (("cookie", cookie.partition(";")[0]),)
        users.append(seen(scene.call("/run/see")))
    return [seen(answer) for answer in answers], cookies, users


def multipart_login(scene: Scene) -> Any:
    parts = b'--b\r\ncontent-disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    body = parts % (b"username", b"u") + parts % (b"password", b"wrong") + b"--b--\r\n"
    return seen(scene.world.request("POST", "/login", body, headers=PARTS))


def logout(scene: Scene) -> Any:
    cookies = [scene.login().headers["set-cookie"].partition(";")[0] for _ in range(2)]
    scene.cookie = (("cookie", cookies[0]),)
    scene.get("/logout", prefix=False)
    scene.cookie = (("cookie", cookies[1]),)
    return seen(scene.get("/info"))


# Older servers


def tick(scene: Scene) -> Any:
    job = scene.start("tick")
    scene.settle(1.2)
    return scene.tell(job)


def late_data(scene: Scene) -> Any:
    if scene.generation.has_sockets:
        conn, answer = scene.world.upgrade()
        scene.world.say(conn, {"fn_index": 0, "session_hash": "s"})
    else:
        conn, answer = 0, scene.get("/queue/join?fn_index=0&session_hash=s")
    for second in (21, 41):
        scene.world.run(second)
        if scene.generation.has_sockets:
            scene.world.pong(conn)
    scene.world.run(62)
    return seen(answer)


def unknown_event(scene: Scene) -> Any:
    return seen(scene.post("/queue/data", {"data": ["x"], "fn_index": 0, "event_id": "nope"}))
