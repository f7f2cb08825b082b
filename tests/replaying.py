"""A recorded conversation had again, with our client in the place of the one that was recorded.

:class:`Replay` does what a program would do that wants what the recorded client wanted: each recorded session is a
session of a :class:`gradio_proto.Client`, each recorded join a ``submit()``, and so on, at the recorded times.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast
from urllib.parse import parse_qsl, unquote

from recorded_exchanges import Exchange, Frame, dependencies, parts
from recorded_outcomes import Told, expected, refused
from recorded_server import RecordedServer

from gradio_proto import Client, handle_file
from gradio_proto.client.job import Job
from gradio_proto.client.reading import EventReader
from gradio_proto.errors import GradioError
from gradio_proto.events import Cancelled, Completed, Failed, JobEvent, Log, Output, Progress, Queued, Started
from gradio_proto.testing.memory import MemoryRunner, MemoryTransport
from gradio_proto.transport import TransportOptions

ADDRESS: Final = "http://127.0.0.1:7880"

_ONE_BY_ONE: Final = re.compile("cancel|disconnect|render|every|heartbeat|stream_input|oauth|req")
"""Operations in which each session is a client's own."""

_FILE_KEYS: Final = frozenset({"path", "orig_name", "meta", "name", "data", "is_file"})
"""Of a file that was uploaded, on whatever version."""


@dataclass(frozen=True)
class Deviation:
    """Something that our client has done otherwise than the recorded one."""

    version: str
    operation: str
    number: int | None
    """Of the recorded request, if that was not made."""
    text: str
    """Such as ``"POST /reset {...}"``; without the api_prefix."""


@dataclass
class Call:
    """A job of our client's, and the recorded one that it stands for."""

    exchange: Exchange
    session: str
    fn_index: int | None
    job: Job
    replay: Replay
    given_up: float | None = None
    """When the program cancelled it, or closed the client."""
    left: bool = False
    """It closed the client."""
    ended: float | None = None
    """When it ended the input, and with it the job: below Gradio 6.31 the server is not asked for one more value."""

    @property
    def is_simple(self) -> bool:
        return self.exchange.route.startswith("/call")

    @property
    def takes_chunks(self) -> bool:
        return bool(self._dependency.get("connection") == "stream")

    @property
    def _dependency(self) -> dict[str, Any]:
        return self.replay.dependency(self.fn_index) or {}

    def value(self, data: list[Any]) -> Any:
        """What a call returns, of what its function did."""
        outputs = self._dependency.get("outputs", [None] * len(data))
        values = [
            self._with_files(value)
            for value, number in zip(data, outputs, strict=False)
            if not self.replay.is_hidden(number)
        ]
        return values[0] if len(values) == 1 else tuple(values)

    def _with_files(self, value: Any) -> Any:
        """The content of a file that was fetched, in the place of what names it."""
        if isinstance(value, list):
            return [self._with_files(item) for item in value]
        if isinstance(value, dict) and self.replay.fetched(value) is not None:
            return {"content": self.replay.fetched(value)}
        return value

    def events(self) -> list[Told]:
        """What our job has told."""
        reader = EventReader(self.job._job)  # pyright: ignore[reportPrivateUsage]
        told: list[Told] = []
        while (event := reader.next_event()) is not None:
            told.append(self._shown(reader.with_files(event)))
        status = self.job.status()
        return [*told, ("Status", status.code.value, status.success)]

    def _shown(self, event: JobEvent) -> Told:
        match event:
            case Queued():
                return "Queued", event.rank, event.queue_size, event.eta
            case Started():
                return "Started", event.eta
            case Progress():
                names = ("index", "length", "unit", "progress", "desc")
                return "Progress", [{name: getattr(unit, name) for name in names} for unit in event.units]
            case Log():
                return "Log", event.text, event.level, event.title, event.duration, event.visible
            case Output() | Completed():
                return type(event).__name__, self._with_contents(event.value)
            case Failed(error):
                text = getattr(error, "hidden", None)
                said = () if text is None else (None if text else error.args[0],)
                return "Failed", type(error).__name__, *said
            case Cancelled():
                return "Cancelled", "by server" if event.by_server else "by us"
            case _:
                raise AssertionError(f"nothing recorded is unknown: {event}")

    def _with_contents(self, value: Any) -> Any:
        files = self.replay.runner.files
        if isinstance(value, list):
            return [self._with_contents(item) for item in value]
        if isinstance(value, str) and value in files:
            return {"content": files[value].decode("utf-8", "replace")}
        return value


class _Transport(MemoryTransport):
    """Its tokens are no other transport's, and none is a part of another (see ``recorded_server.OURS``)."""

    def __init__(self, replay: Replay, options: TransportOptions) -> None:
        super().__init__(options, replay.runner)
        self._number = replay.connected

    def token(self) -> str:
        return f"ours{self._number:03}x{super().token():0>12}"


@functools.cache
def _decoded(config: bytes) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(config)
    return decoded


class Replay:
    """One recorded conversation, had again."""

    def __init__(self, version: str, operation: str) -> None:
        self.version = version
        self.operation = operation
        self.server = RecordedServer(version, operation)
        self.runner = MemoryRunner(cast(Any, self.server), split=lambda data: (data[:7], data[7:]))
        self.config = _decoded(self.server.config)
        self.sends_diffs = self.config.get("protocol", "ws") not in ("ws", "sse", "sse_v1")
        self.calls: list[Call] = []
        self.refusals: dict[int, Exception] = {}
        """What our client would not do, by the number of what was recorded."""
        self.replies: dict[int, Any] = {}
        """What it gave for what is no job."""
        self._clients: dict[tuple[str | None, ...], Client] = {}
        self._auth: tuple[str, str] | None = None
        self.connected = 0
        self._idle: list[Client] = []
        """Connected, and without a session yet."""
        self._hidden = {
            each["id"]
            for each in self.config["components"]
            if each["type"] == "state" or each.get("skip_api") is True
        }
        self._downloads = {
            unquote(each.target.partition("file=")[2] or each.target.partition("/stream/")[2]): each
            for each in self.server.exchanges
            if each.method == "GET" and each.status == 200 and re.match("/(file=|stream/)", each.route)
        }
        self._uploads: dict[str, tuple[str, str]] = {}

    # What the recording says about the app.

    def dependency(self, fn_index: int | None) -> dict[str, Any] | None:
        return dependencies(self.server.config).get(-1 if fn_index is None else fn_index)

    def is_hidden(self, component: Any) -> bool:
        return component in self._hidden

    def fetched(self, value: Mapping[str, Any]) -> str | None:
        """The content of a file in an output, if it was fetched."""
        found = self._downloads.get(str(value.get("path") or value.get("name")))
        return None if found is None else found.content

    # The conversation.

    def run(self) -> Replay:
        """Have it."""
        todo = sorted(
            [
                *((each.time, each.number, self._act, each) for each in self.server.exchanges),
                *(
                    (each.ended, each.number, self._leave, each)
                    for each in self.server.exchanges
                    if each.end == "left"
                ),
                *((frame.time, each.number, self._close, each) for each, frame in self._closes()),
            ],
            key=lambda step: step[:2],
        )
        try:
            for time, _, step, exchange in todo:
                self._wait(time)
                step(exchange)
            times = [each.answered for each in self.server.exchanges]
            times += [time for each in self.server.exchanges for time, _ in each.pieces]
            times += [frame.time for each in self.server.exchanges for frame in each.frames]
            self._wait(
                max([self.runner.now, *times, *(each.ended for each in self.server.exchanges)]) + 0.001
            )
            self.told = [call.events() for call in self.calls]
            self.expected = [expected(call) for call in self.calls]
        finally:
            for client in {*self._clients.values(), *self._idle}:
                client.close()
        return self

    def _wait(self, time: float) -> None:
        if self.runner.now < time:
            self.runner.run_until(lambda: False, time)
        self.runner.settle()

    def _act(self, exchange: Exchange) -> None:
        """Do what leads a client to that request, where it takes a program to do so."""
        self.server.meant.add(exchange.number)
        try:
            self._do(exchange)
        except (GradioError, TypeError, ValueError, LookupError) as error:
            self.refusals[exchange.number] = error
            self.server.meant.discard(exchange.number)

    def _do(self, exchange: Exchange) -> None:
        said = exchange.json if isinstance(exchange.json, dict) else {}
        route = exchange.route
        if exchange.number in self.server.made:
            return
        if "x-forwarded-host" in exchange.headers or (route == "/config" and "cookie" in exchange.headers):
            raise ValueError("no client says so")
        if route == "/config" or (route == "/info" and exchange.status == 200):
            self._idle.append(self._connect(exchange))
        elif route == "/login":
            (_, name), (_, password) = parse_qsl(exchange.body)
            self._idle.append(self._connect(exchange, auth=(name, password)))
            self._auth = (name, password)
        elif route.startswith("/heartbeat/"):
            _ = self._client(exchange, route.rpartition("/")[2]).session_hash  # which begins the session
            self.runner.settle()
        elif route == "/queue/join" and (exchange.is_upgrade or exchange.method == "GET"):
            self._join(exchange, self._said_later(exchange))
        elif route == "/queue/join":
            self._join(exchange, said)
        elif match := re.fullmatch("/(call/v2|call)/([^/]+)", route):
            self._simple(exchange, cast(Any, match[1]), match[2], said)
        elif (self.version, route) == ("4.0.2", "/reset") or (route == "/cancel" and exchange.status == 200):
            self._cancel([call for call in self.calls if call.job.event_id == said["event_id"]])
        elif match := re.fullmatch("/(?:run|api)/([^/]+)/?", route):
            self._run(exchange, match[1], said)
        elif route == "/component_server":
            client = self._client(exchange, said["session_hash"])
            self.replies[exchange.number] = client.component_server(
                said["component_id"], said["fn_name"], said["data"]
            )
        elif match := re.fullmatch("/stream/([0-9a-f]{32})(/close)?", route):
            (call,) = (call for call in self.calls if call.job.event_id == match[1])
            if match[2]:
                call.ended = None if self.version == "6.31.0" else self.runner.now
                call.job.close_stream()
            else:
                call.job.send_chunk(*self._arguments(call.fn_index, said["data"]))
        elif route == "/upload":
            self._upload(exchange)

    def _said_later(self, exchange: Exchange) -> dict[str, Any]:
        """What a client that waits to be asked (``ws``, ``sse``) said when it was."""
        if exchange.is_upgrade:
            frames = [
                json.loads(frame.text)
                for frame in exchange.frames
                if frame.kind == "text" and not frame.by_server
            ]
            told = {name: value for frame in frames for name, value in frame.items()}
            if len({frame["fn_index"] for frame in frames}) != 1:
                raise ValueError("no client takes back what it has said")
            if not any("send_data" in frame.text for frame in exchange.frames):
                told["data"] = [None for _ in self._inputs(told["fn_index"])]
            return told
        query = dict(parse_qsl(exchange.target.partition("?")[2]))
        if "data" in query:
            raise ValueError("no client gives its inputs in a target")
        fn_index = int(query["fn_index"])
        asked = [json.loads(piece[6:])["event_id"] for _, piece in exchange.pieces if "send_data" in piece]
        if not asked:  # it did not come to that
            return {**query, "fn_index": fn_index, "data": [None for _ in self._inputs(fn_index)]}
        (said,) = (
            each.json
            for each in self.server.exchanges
            if each.route == "/queue/data"
            and each.method == "POST"
            and each.json
            and each.json.get("event_id") in asked
        )
        return cast("dict[str, Any]", said)

    def _inputs(self, fn_index: int | None) -> list[Any]:
        inputs: list[Any] = (self.dependency(fn_index) or {}).get("inputs", [])
        return inputs

    def _join(self, exchange: Exchange, said: dict[str, Any]) -> None:
        session = said["session_hash"]
        downloads = self._fetches(exchange, said)
        isolate = self._is_alone(session) and not downloads
        client = self._client(
            exchange, "" if isolate else session, oauth_token=said.get("oauth_token"), downloads=downloads
        )
        own = {
            name: value for name, value in exchange.headers.items() if name in ("x-custom", "authorization")
        }
        fn_index = said["fn_index"]
        if exchange.is_upgrade and (self.dependency(fn_index) or {}).get("queue") is False:
            raise ValueError("a function without a queue is called around it")
        endpoint = client.endpoint(
            fn_index=fn_index,
            headers=own,
            event_data=said.get("event_data"),
            trigger_id=said.get("trigger_id"),
            isolate=isolate,
        )
        job = endpoint.submit(*self._arguments(fn_index, said["data"]))
        self.calls.append(Call(exchange, session, fn_index, job, self))
        self.runner.settle()

    def _is_alone(self, session: str) -> bool:
        """Whether a session had one job, which a client may have isolated: connecting for each takes long."""
        joins = [
            each for each in self.server.exchanges if each.route == "/queue/join" and session in str(each)
        ]
        return len(joins) == 1 and _ONE_BY_ONE.match(self.operation) is None

    def _simple(
        self, exchange: Exchange, via: Literal["call", "call/v2"], name: str, said: dict[str, Any]
    ) -> None:
        said = dict(said)
        client = self._client(exchange, "", oauth_token=said.pop("oauth_token", None))
        fn_index = self.server.number_of(name)
        endpoint = client.endpoint(f"/{name}", via=via)
        if via == "call":
            if "session_hash" in said:
                raise ValueError("no session is said")
            job = endpoint.submit(*self._arguments(fn_index, said["data"]))
        else:
            job = endpoint.submit(**said)
        self.calls.append(Call(exchange, "", fn_index, job, self))
        self.runner.settle()

    def _run(self, exchange: Exchange, name: str, said: dict[str, Any]) -> None:
        fn_index = said.get("fn_index", self.server.number_of(name))
        session = said.get("session_hash", "")
        cancelled = (self.dependency(fn_index) or {}).get("cancels")
        if cancelled:
            self._cancel(
                [call for call in self.calls if call.session == session and call.fn_index in cancelled]
            )
            return
        if fn_index is None:
            raise LookupError(f"there is no endpoint {name}")
        if {"batched", "event_id"} & {*said} or "content-type" not in exchange.headers:
            raise ValueError("no client says so")
        client = self._client(exchange, session, oauth_token=said.get("oauth_token"))
        endpoint = client.endpoint(fn_index=fn_index, event_data=said.get("event_data"), via="run")
        job = endpoint.submit(*self._arguments(fn_index, said["data"]))
        self.calls.append(Call(exchange, session, fn_index, job, self))
        self.runner.settle()

    def _cancel(self, calls: list[Call]) -> None:
        for call in calls:
            if not call.job.done():
                call.given_up = self.runner.now
                call.job.cancel(force=True)

    def _closes(self) -> Iterator[tuple[Exchange, Frame]]:
        """WebSockets that the recorded client closed first: so it cancelled their jobs."""
        for exchange in self.server.exchanges:
            closes = [frame for frame in exchange.frames if frame.kind == "close"]
            if closes and not closes[0].by_server:
                yield exchange, closes[0]

    def _close(self, exchange: Exchange) -> None:
        self._cancel([call for call in self.calls if call.exchange is exchange])

    def _leave(self, exchange: Exchange) -> None:
        """Close the client that had the stream, if it has."""
        for call in self.calls:
            is_its = call.exchange is exchange or exchange.target.endswith(f"={call.session}")
            if is_its and not call.job.done():
                call.given_up, call.left = self.runner.now, True
                for key, client in self._clients.items():
                    if key[1] == call.session:
                        client.close()

    def _upload(self, exchange: Exchange) -> None:
        """Keep what was uploaded, for the join that names it; of what was refused, that is the end."""
        if exchange.status == 200:
            paths = json.loads(exchange.content)
            self._uploads.update(zip(paths, parts(exchange.body), strict=False))
        elif exchange.status == 413:
            ((name, content),) = parts(exchange.body)
            client = self._client(exchange, "")
            job = client.submit(handle_file(content.encode(), name), api_name="/file")
            self.calls.append(Call(exchange, "", None, job, self))
            self.runner.settle()

    # What comes of it.

    def unmade(self) -> list[Deviation]:
        """What the recorded client has asked, and ours has not."""
        theirs = [each for each in self.server.exchanges if each.number not in self.server.made]
        return [self._deviation(each.number, str(each)) for each in theirs]

    def unrecorded(self) -> list[Deviation]:
        """What ours has asked, and the recorded one has not."""
        return [self._deviation(None, str(each)) for each in self.server.requests if each.exchange is None]

    def differences(self) -> list[Deviation]:
        """Where ours has said the same thing in other words."""
        return [self._deviation(None, difference) for difference in self.server.differences]

    def _deviation(self, number: int | None, text: str) -> Deviation:
        return Deviation(self.version, self.operation, number, text.replace("/gradio_api/", "/", 1))

    def surprises(self) -> list[str]:
        """Where what our client told is not what the recording says."""
        found = [
            f"{call.exchange}: {told} for {wanted}"
            for call, told, wanted in zip(self.calls, self.told, self.expected, strict=True)
            if repr(told) != repr(wanted)
        ]
        for exchange in self.server.exchanges:
            if exchange.number not in self.server.made:
                continue
            error, reply = self.refusals.get(exchange.number), self.replies.get(exchange.number)
            wanted = exchange.json_content if exchange.route == "/component_server" else None
            if exchange.status >= 400 and exchange.route in ("/config", "/login", "/component_server"):
                kind = refused(exchange, self.version)[0]
                if type(error).__name__ != kind:
                    found.append(f"{exchange}: {error!r} for {kind}")
            elif error is not None or reply != wanted:
                found.append(f"{exchange}: {error!r}, {reply!r} for {wanted!r}")
        found += [
            f"{socket.exchange}: a ping was not answered" for socket in self.server.sockets if socket.pinged
        ]
        return found

    # What it takes.

    def _connect(self, exchange: Exchange, **options: Any) -> Client:
        options.setdefault("download_files", False)
        self.connected += 1
        return Client(
            f"{ADDRESS}{exchange.base}",
            transport=functools.partial(_Transport, self),
            trust_env=False,
            **options,
        )

    def _client(self, exchange: Exchange, session: str, *, downloads: bool = False, **options: Any) -> Client:
        """The client that has this session."""
        key = (exchange.base, session, exchange.headers.get("cookie"), options.get("oauth_token"))
        if key not in self._clients:
            options = {name: value for name, value in options.items() if value is not None}
            cookies = exchange.headers.get("cookie", "")
            fitting = [client for client in self._idle if not options and not downloads]
            if "access-token" in cookies:
                options["auth"] = self._auth
                fitting = [client for client in fitting if client._engine.state.auth]  # pyright: ignore[reportPrivateUsage]
            elif cookies:
                options["cookies"] = dict(cookie.split("=") for cookie in cookies.split("; "))
                fitting = []
            if fitting:
                self._idle.remove(fitting[0])
                self._clients[key] = fitting[0]
            else:
                self._clients[key] = self._connect(exchange, download_files=downloads, **options)
        return self._clients[key]

    def _fetches(self, exchange: Exchange, said: dict[str, Any]) -> bool:
        """Whether what the call hands out was downloaded."""
        content = "".join(
            piece
            for each in self.server.exchanges
            if each.target.endswith(f"session_hash={said['session_hash']}") or each is exchange
            for piece in [*(text for _, text in each.pieces), *(frame.text or "" for frame in each.frames)]
        )
        return any(json.dumps(path)[1:-1] in content or path in content for path in self._downloads)

    def _arguments(self, fn_index: int | None, data: Any) -> list[Any]:
        """The arguments by which a program would have that sent."""
        inputs = (self.dependency(fn_index) or {}).get("inputs", data)
        if not isinstance(data, list):
            raise TypeError("arguments are a list")
        if len(inputs) != len(data):
            raise ValueError(f"no arguments make a client send {len(data)} values for {len(inputs)} inputs")
        arguments = [value for value, number in zip(data, inputs, strict=True) if not self.is_hidden(number)]
        return [self._with_files(value) for value in arguments]

    def _with_files(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._with_files(item) for item in value]
        if isinstance(value, dict) and value.keys() <= _FILE_KEYS:
            path = value.get("path") or value.get("name")
            if path in self._uploads and "orig_name" in value:
                return handle_file(self._uploads[path][1].encode(), value["orig_name"])
        return value
