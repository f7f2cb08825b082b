"""A server that says what a test tells it to, byte for byte, and a client's state to talk to it with.

:class:`ScriptedServer` stands where a MemoryRunner expects a ServerProtocol. It understands requests and nothing
else: what is answered is an iterable of bytes, of seconds to wait, of calls to make, and of :data:`CLOSE`.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from gradio_proto.cookies import CookieJar
from gradio_proto.errors import GradioError
from gradio_proto.exchange import ConnectionPool, lower
from gradio_proto.files import Uploads
from gradio_proto.flows.calls import call
from gradio_proto.flows.connect import connect
from gradio_proto.flows.state import ClientState, Entropy, LiveSession, Slots
from gradio_proto.http import Headers
from gradio_proto.input_stream import InputStream, input_stream_of
from gradio_proto.job import Job
from gradio_proto.journal import Budget, Cursor, Journal
from gradio_proto.limits import Limits
from gradio_proto.messages import parse_message
from gradio_proto.payload import chunk_payload, join_payload
from gradio_proto.testing import (
    CloseConnection,
    Component,
    Error,
    Rendering,
    SendData,
    ServerProtocol,
    TestApp,
)
from gradio_proto.testing.files import File
from gradio_proto.testing.memory import MemoryRunner, MemoryTask
from gradio_proto.timeouts import Timeouts
from gradio_proto.urls import AppURL, Origin

CLOSE = object()
"""Close the connection."""

END = b"0\r\n\r\n"
"""The end of a chunked body."""

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
"""The head of an event stream."""


def http(
    status: int, body: bytes = b"{}", *headers: str, content_type: str | None = "application/json"
) -> bytes:
    """A whole response."""
    lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(body)}", *headers]
    if content_type is not None:
        lines.append(f"content-type: {content_type}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunk(data: bytes) -> bytes:
    """A chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(**fields: Any) -> bytes:
    """A message, as a chunk of the stream."""
    return chunk(b"data: " + json.dumps(fields).encode() + b"\n\n")


def completed(event_id: str | None, *data: Any, **more: Any) -> bytes:
    """The message of a job that returned ``data``."""
    return event(msg="process_completed", event_id=event_id, output={"data": [*data]}, success=True, **more)


def generating(event_id: str | None, *data: Any) -> bytes:
    """The message of a value that was yielded."""
    return event(msg="process_generating", event_id=event_id, output={"data": [*data]}, success=True)


CLOSE_STREAM = event(msg="close_stream", event_id=None)
HEARTBEAT = event(msg="heartbeat", event_id=None)


@dataclass
class Asked:
    """A request as it came in."""

    conn: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    time: float

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


def dechunked(data: bytes) -> tuple[bytes, bytes] | None:
    """A chunked body and what comes behind it; None while it is not whole."""
    body = b""
    while True:
        size, separator, data = data.partition(b"\r\n")
        if not separator or len(data) < int(size, 16) + 2:
            return None
        body, data = body + data[: int(size, 16)], data[int(size, 16) + 2 :]
        if not int(size, 16):
            return body, data


@dataclass(frozen=True)
class Upgrade:
    """From this step on, the connection speaks another protocol."""

    answer: Callable[[bytes], Iterable[Any]]
    """Takes bytes of it, and says what is answered."""


@dataclass(frozen=True)
class Then:
    """Steps that are made when it is their turn."""

    steps: Callable[[], Iterable[Any]]


class ScriptedServer:
    """Parses requests, and answers what ``handler`` says; ``early``, by path, as soon as their head is there."""

    def __init__(
        self,
        handler: Callable[[Asked], Iterable[Any]],
        early: Mapping[str, Iterable[Any]] | None = None,
    ) -> None:
        self.handler = handler
        self.early = early or {}
        self.asked: list[Asked] = []
        self.lost: list[int] = []
        self.upgraded: dict[int, Callable[[bytes], Iterable[Any]]] = {}
        """What answers the bytes of a connection that speaks another protocol by now."""
        self._actions: deque[Any] = deque()
        self._buffers: dict[int, bytes] = {}
        self._waiting: list[tuple[float, int, deque[Any]]] = []

    def paths(self, of: str = "") -> list[str]:
        return [asked.path for asked in self.asked if asked.path.endswith(of)]

    def connection_made(self, conn: int) -> None:
        self._buffers[conn] = b""

    def connection_lost(self, conn: int) -> None:
        self.lost.append(conn)

    def receive_data(self, conn: int, data: bytes, now: float) -> None:
        if conn not in self._buffers:
            return  # it has been answered early: nobody listens any more
        if conn in self.upgraded:
            self._go_on(conn, deque(self.upgraded[conn](data)), now)
            return
        self._buffers[conn] += data
        head, separator, rest = self._buffers[conn].partition(b"\r\n\r\n")
        if not separator:
            return
        line, *fields = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
        method, target, _ = line.split(" ")
        for end, steps in self.early.items():
            if target.endswith(end):
                self.asked.append(Asked(conn, method, target, headers, b"", now))
                del self._buffers[conn]
                self._go_on(conn, deque(steps), now)
                return
        if headers.get("transfer-encoding") == "chunked":
            whole = dechunked(rest)
        else:
            size = int(headers.get("content-length", "0"))
            whole = None if len(rest) < size else (rest[:size], rest[size:])
        if whole is None:
            return
        body, self._buffers[conn] = whole
        asked = Asked(conn, method, target, headers, body, now)
        self.asked.append(asked)
        self._go_on(conn, deque(self.handler(asked)), now)

    def _go_on(self, conn: int, steps: deque[Any], now: float) -> None:
        while steps:
            step = steps.popleft()
            if isinstance(step, bytes):
                self._actions.append(SendData(conn, step))
            elif step is CLOSE:
                self._actions.append(CloseConnection(conn))
            elif isinstance(step, Upgrade):
                self.upgraded[conn] = step.answer
            elif isinstance(step, Then):
                steps.extendleft(reversed([*step.steps()]))
            elif callable(step):
                step()
            else:
                self._waiting.append((now + step, conn, steps))
                return

    def say(self, conn: int, *steps: Any) -> None:
        """Say something without being asked; taken up when the runner is turned."""
        self._go_on(conn, deque(steps), 0.0)

    def next_action(self) -> Any:
        return self._actions.popleft() if self._actions else None

    def next_deadline(self) -> float | None:
        return min((due for due, _, _ in self._waiting), default=None)

    def handle_timer(self, now: float) -> None:
        due = [entry for entry in self._waiting if entry[0] <= now]
        self._waiting = [entry for entry in self._waiting if entry[0] > now]
        for _, conn, steps in due:
            self._go_on(conn, steps, now)

    def job_stepped(self, *_: Any) -> None:
        raise AssertionError("nothing runs here")

    job_reported = job_stepped


def an_app(version: str = "6.31.0", **options: Any) -> TestApp:
    """``/echo`` returns what it is given, ``/double`` twice that, ``/count`` counts up to it."""
    app = TestApp(version=version, **options)

    @app.endpoint("/echo")
    def echo(text: str) -> str:
        return text

    @app.endpoint("/double")
    def double(text: str) -> str:
        return text * 2

    @app.endpoint("/count", inputs=["number"], outputs=["json"])
    def count(n: float) -> Generator[Any, None, None]:
        for number in range(int(n)):
            yield [*range(number + 1)]

    return app


def stateful_app(version: str = "6.31.0") -> TestApp:
    """The same, with State."""
    app = an_app(version)

    @app.endpoint("/remember", inputs=["textbox", "state"], outputs=["textbox", "state"])
    def remember(text: str, before: Any) -> Any:
        return before, text

    return app


def file_app(version: str = "6.31.0", **options: Any) -> TestApp:
    """``/size`` tells what it is given; ``/back`` gives it back."""
    app = TestApp(version=version, **options)

    @app.endpoint("/size", inputs=["file"], outputs=["json"])
    def size(file: File) -> Any:
        return [file.orig_name, len(file.data)]

    @app.endpoint("/back", inputs=["files"], outputs=["files"])
    def back(files: list[File]) -> list[File]:
        return files

    return app


def chunk_app(version: str = "6.31.0", *, time_limit: float | None = 60) -> TestApp:
    """``/gather`` joins the words that it gets, of one chunk after another; ``/echo`` takes no chunks."""
    app = TestApp(version=version)

    @app.endpoint("/gather", inputs=["textbox", "state"], outputs=["textbox", "state"],
                  connection="stream", time_limit=time_limit)  # fmt: skip
    def gather(word: str, words: list[str] | None) -> tuple[str, list[str]]:
        if word == "fail":
            raise Error("no more")
        words = [*(words or ()), word]
        return " ".join(words), words

    @app.endpoint("/size", inputs=["file"], outputs=["number"], connection="stream", time_limit=time_limit)
    def size(file: File) -> int:
        return len(file.data)

    @app.endpoint("/echo")
    def echo(text: str) -> str:
        return text

    return app


def render_app(version: str = "6.31.0") -> TestApp:
    """``/apply`` renders ``/box_0``, ``/box_1`` and so on, ``/apply_1`` what it is told."""
    app = an_app(version)
    page_text = Component("textbox", "Of the page")

    @app.render()
    def boxes(n: int, *, rendering: Rendering) -> None:
        for i in range(n):
            box = Component("textbox", f"Box {i}")
            rendering.endpoint(f"/box_{i}", inputs=[box, "state"], outputs=[box, "state"])(
                lambda text, count, i=i: (f"{i}{text}{count or 0}", (count or 0) + 1)
            )

    @app.render(inputs=["json"])
    def named(names: list[str], *, rendering: Rendering) -> None:
        for name in names:
            rendering.endpoint(name, inputs=[page_text], outputs=[page_text])(lambda text, name=name: name)

    app.endpoint("/of_page", inputs=[page_text], outputs=[page_text])(lambda text: text)
    return app


class GradioScript:
    """A handler: config and info as an app's, joins and streams as a test scripts them, in their order."""

    def __init__(
        self,
        app: TestApp,
        *,
        joins: Sequence[Iterable[Any]] = (),
        streams: Sequence[Iterable[Any]] = (),
        others: Mapping[str, Iterable[Any] | Callable[[Asked], Iterable[Any]]] | None = None,
        config: dict[str, Any] | None = None,
    ) -> None:
        self.app = app
        self.joins = deque(joins)
        self.streams = deque(streams)
        self.others = others or {}
        self.config = config or {}
        self.joined = 0
        self.stream_conn = -1

    def __call__(self, asked: Asked) -> Iterable[Any]:
        for end, steps in self.others.items():
            if asked.path.endswith(end):
                return steps(asked) if callable(steps) else steps
        if asked.path.endswith("/config"):
            return [http(200, json.dumps({**self.app.config("http://app"), **self.config}).encode())]
        if asked.path.endswith("/info"):
            return [http(200, json.dumps(self.app.info(all_endpoints=True)).encode())]
        if asked.path.endswith("/queue/join"):
            self.joined += 1
            return self.joins.popleft() if self.joins else [accepted(f"e{self.joined}")]
        if asked.path.endswith("/queue/data"):
            self.stream_conn = asked.conn
            return self.streams.popleft() if self.streams else [STREAM]
        if asked.path.endswith("/cancel"):
            return [http(200, b'{"success": true}')]
        return [http(404, b'{"detail": "Not Found"}')]


def accepted(event_id: str) -> bytes:
    """The reply to a join."""
    return http(200, json.dumps({"event_id": event_id}).encode())


def make_state(
    *,
    url: AppURL | None = None,
    limits: Limits | None = None,
    timeouts: Timeouts | None = None,
    slots: int | None = None,
    **options: Any,
) -> ClientState:
    """A client's state, with numbered sessions and no jitter."""
    url = url or AppURL(Origin("http", "app", 80), "")
    limits = limits or Limits()
    numbers = iter(range(1, 1000))
    options.setdefault("headers", ())
    options.setdefault("cookies", CookieJar(url.origin, limits))
    return ClientState(
        url=url,
        limits=limits,
        timeouts=timeouts or Timeouts(),
        entropy=Entropy(token=lambda: f"session{next(numbers)}", jitter=lambda: 0.5),
        budget=Budget(limits.client_unread_bytes),
        slots=Slots(slots),
        **options,
    )


@dataclass(eq=False)
class Begun:
    """A job under way, and what is seen of it."""

    live: LiveSession
    job: Job
    task: MemoryTask[None] | None = None
    expected: Any = None
    endings: int = 0
    news_after_end: int = 0
    told_off: bool = False
    """Somebody has done something to it on purpose."""

    @property
    def outputs(self) -> list[Any]:
        assert self.job.journal is not None
        cursor = Cursor(self.job.journal)
        values = []
        while (seen := cursor.next_event()) is not None:
            if hasattr(seen, "value"):
                values.append(seen.value)
        return values


@dataclass(eq=False)
class World:
    """A client's flows, a server, and the network between them."""

    server: Any
    state: ClientState = field(default_factory=make_state)
    choose: Callable[[int], int] = lambda _: 0
    split: Callable[[bytes], Iterable[bytes]] = lambda data: (data,)

    def __post_init__(self) -> None:
        self.runner = MemoryRunner(self.server, choose=self.choose, split=self.split)
        self.pool = ConnectionPool(self.state.limits, self.state.timeouts)
        self.jobs: list[Begun] = []

    def run(self, flow: Generator[Any, Any, Any]) -> Any:
        return self.runner.run(lower(flow, self.pool))

    def spawn(self, flow: Generator[Any, Any, Any]) -> MemoryTask[Any]:
        return self.runner.spawn(lower(flow, self.pool))

    def connect(self) -> World:
        self.run(connect(self.state))
        return self

    def make(
        self,
        name: str,
        *args: Any,
        live: LiveSession | None = None,
        deadline: float | None = None,
        headers: Headers = (),
        fetch: bool = False,
        whole: bool = False,
    ) -> Begun:
        """A job, not begun yet; with ``fetch`` the files that it returns are fetched, with ``whole`` its
        input in chunks has one chunk."""
        live = live or self.state.session()
        endpoint = self.state.app_in(live).resolve(name)
        write = partial(
            join_payload,
            fn_index=endpoint.fn_index,
            data=endpoint.bind(args, {}),
            session_hash=live.session.hash,
        )
        uploads = self._measured(Uploads(write, self.state.entropy.token))
        convert = partial(endpoint.unbind_outputs, fetch=fetch)
        job = Job(
            fn_index=endpoint.fn_index,
            label=endpoint.label,
            payload=uploads.payload(),
            headers=headers,
            convert=convert,
            journal=Journal(
                self.state.limits,
                self.state.budget,
                diffs=self.state.app.config.protocol != "sse_v1",
                convert=convert,
            ),
            version_info=self.state.app.config.version_info,
            is_generator=endpoint.is_generator or endpoint.is_stream,
            input_stream=InputStream(endpoint, is_whole=whole) if endpoint.is_stream else None,
            deadline=deadline,
            uploads=uploads if uploads.files else None,
            fetches_files=fetch,
        )
        self.state.add_job(job, live)
        begun = Begun(live, job)
        watch(begun)
        self.jobs.append(begun)
        return begun

    def chunk(self, begun: Begun, *args: Any) -> Uploads:
        """One more chunk of a job's input."""
        endpoint = input_stream_of(begun.job).endpoint
        write = partial(
            chunk_payload,
            fn_index=endpoint.fn_index,
            data=endpoint.bind(args, {}),
            session_hash=begun.live.session.hash,
        )
        return self._measured(Uploads(write, self.state.entropy.token))

    def _measured(self, uploads: Uploads) -> Uploads:
        for file in uploads.files:
            uploads.sizes[file] = (
                file.size if file.kind != "path" else len(self.runner.files[str(file.source)])
            )
        return uploads

    def begin(self, name: str, *args: Any, **options: Any) -> Begun:
        """Begin a call."""
        begun = self.make(name, *args, **options)
        begun.task = self.spawn(call(self.state, begun.live, begun.job))
        return begun

    def finish(self, *begun: Begun, within: float = 300.0) -> None:
        """Let things happen until these calls are over."""
        over = lambda: all(each.task is not None and each.task.done for each in begun)  # noqa: E731
        assert self.runner.run_until(over, self.runner.now + within), "a call hangs"
        for each in begun:
            assert each.task is not None
            assert each.task.error is None, each.task.error
            assert each.endings == 1

    def result(self, begun: Begun) -> Any:
        self.finish(begun)
        return begun.job.result()

    def say(self, *steps: Any) -> None:
        """Let a scripted server say something on its newest stream."""
        self.server.say(self.server.handler.stream_conn, *steps)
        self.runner._take_actions()

    def turn(self, times: int) -> None:
        """Let so many things happen, without time passing."""
        left = iter(range(times))
        self.runner.run_until(lambda: next(left, None) is None, self.runner.now)

    def close(self) -> None:
        """What closing a client does to its flows; afterwards nothing may be left."""
        for task in tuple(self.runner.tasks):
            self.runner.cancel(task)
        self.pool.close()
        assert not self.pool._idle
        assert not self.pool._busy
        assert all(stream.closed for stream in self.runner.streams)
        assert all(file.closed for file in self.runner.open_files)
        for begun in self.jobs:
            baton = begun.live.session.baton
            assert baton._holder is None
            assert not baton._waiting


def failure(world: World, begun: Begun) -> Any:
    """The error that a call ends with."""
    world.finish(begun)
    with pytest.raises(GradioError) as caught:
        begun.job.result()
    return caught.value


def until(world: World, condition: Callable[[], bool]) -> None:
    """Let things happen until a condition holds."""
    assert world.runner.run_until(condition, world.runner.now + 60)


def watch(begun: Begun) -> None:
    """Count how often a job ends, and what it says afterwards."""

    def settled() -> None:
        assert begun.job.is_settled
        assert begun.job.outcome is not None
        begun.endings += 1

    def news() -> None:
        begun.news_after_end += begun.endings

    begun.job.on_settled.append(settled)
    begun.job.on_news.append(news)


def a_job(*, diffs: bool = False, limits: Limits | None = None, **options: Any) -> Begun:
    """A job of no client."""
    limits = limits or Limits()
    options.setdefault("convert", lambda data: data[0])
    options.setdefault(
        "journal",
        Journal(limits, Budget(limits.client_unread_bytes), diffs=diffs, convert=options["convert"]),
    )
    options.setdefault("version_info", (6, 31, 0))
    job = Job(fn_index=0, label="/f", payload=b"{}", **options)
    begun = Begun(LiveSession(None), job)  # type: ignore[arg-type]
    watch(begun)
    return begun


def message(**fields: Any) -> tuple[Any, str]:
    """A message and its text, as ``receive`` takes them."""
    text = json.dumps(fields)
    return parse_message(text, Limits()), text


def real_world(app: TestApp | None = None, **options: Any) -> World:
    """A world with the sans-IO server in it, connected."""
    state = make_state(
        **{name: options.pop(name) for name in tuple(options) if name not in ("choose", "split")}
    )
    return World(ServerProtocol(app or an_app()), state, **options).connect()


def scripted_world(
    script: GradioScript, *, early: Mapping[str, Iterable[Any]] | None = None, **options: Any
) -> World:
    """A world with a scripted server in it, connected."""
    return World(ScriptedServer(script, early), make_state(**options)).connect()
