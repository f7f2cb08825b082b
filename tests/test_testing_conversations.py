"""The embedded server's protocol against what real servers said: the same requests, the same answers.

The recorded app is rebuilt below as a :class:`TestApp`, every recorded request is sent at its recorded time, and
what comes back on each connection is compared with what was recorded there: status, content type, body; and
of a stream every message with every field, in order, and how it ended.

What is not compared, and why, is in :func:`_normal`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import quote

import h11
import pytest
from recorded import body, operations, records, restored
from testing_simulation import Answer, World
from wsproto.events import CloseConnection

from gradio_proto.testing import Component, Context, Error, File, Rendering, TestApp, update, validate

VERSION = "6.31.0"


def render_echoes(n: int, *, rendering: Rendering) -> None:
    for i in range(n):
        rendering.endpoint(
            f"rendered_{i}", inputs=[Component("textbox", f"r{i}")], outputs=[Component("textbox", f"o{i}")]
        )(lambda x: f"R{x}")


def every() -> float:
    return 1.7e9


def recorded_app(world: World, **options: Any) -> TestApp:
    """The app of the recordings, with its endpoints in the same order: their ids are in the requests."""
    app = TestApp(title="proto", **options)
    sleep = world.sleep
    text = Component("textbox", "T in")
    number = Component("number", "N in", value=3)
    text_out, number_out = Component("textbox", "T out"), Component("number", "N out")
    json_in, json_out = Component("json", "J in"), Component("json", "J out")
    words = Component("state", value=[])
    history = Component("chatbot", "chat", value=[])

    @app.endpoint(inputs=[text], outputs=[text_out])
    def echo(x: str) -> str:
        return x

    operation = Component("radio", "Op", value="add", choices=["add", "sub"])

    @app.endpoint(
        inputs=[number, operation, Component("number", "N2", value=5)], outputs=[number_out, text_out]
    )
    def calc(a: float, op: str, b: float) -> tuple[float, str]:
        result = a + b if op == "add" else a - b
        return result, f"{a} {op} {b} = {result}"

    @app.endpoint(inputs=[number], outputs=[number_out])
    def count(n: int) -> Iterator[int]:
        for i in range(int(n)):
            sleep(0.15)
            yield i

    @app.endpoint(inputs=[text], outputs=[text_out])
    def stream(t: str) -> Iterator[str]:
        said = ""
        for word in t.split():
            said += word + " "
            sleep(0.1)
            yield said

    @app.endpoint(inputs=[text, history], outputs=[history])
    def chat(msg: str, history: list[Any]) -> Iterator[list[Any]]:
        answer = ""
        for letter in "Hello there":
            answer += letter
            sleep(0.05)
            if app.generation.chat_parts:
                yield [*history, {"role": "user", "content": msg}, {"role": "assistant", "content": answer}]
            else:
                yield [*history, [msg, answer]]

    @app.endpoint(inputs=[number], outputs=[json_out])
    def jsonstream(n: int) -> Iterator[Any]:
        items: list[Any] = []
        for i in range(int(n)):
            items.append({"i": i, "s": "x" * i})
            sleep(0.1)
            yield {"items": items, "done": False, "n": i}
        yield {"items": items[1:], "done": True}

    @app.endpoint(inputs=[number], outputs=[text_out])
    def progress(n: int, *, context: Context) -> str:
        # The recorded function reports more, but a real server drops what is overwritten within 10 ms.
        n = int(n)
        context.progress(0.0, "begin")
        for i in range(n):
            sleep(0.25)
            if i + 1 < n:
                context.progress((i + 1, n), f"step {i}")
        for i in range(n):
            context.progress((i, n), "tq")
            sleep(0.25)
        return "done"

    @app.endpoint(inputs=[text], outputs=[text_out])
    def log(x: str, *, context: Context) -> str:
        context.info(f"info {x}")
        context.warning(f"warn {x}", duration=3, visible=False, title="My title")
        if app.generation.names_root and not app.generation.cancels_by_endpoint:
            context.success(f"ok {x}")
        sleep(0.3)
        return "logged"

    @app.endpoint(inputs=[text], outputs=[text_out])
    def fail(x: str) -> str:
        raise Error(f"bad thing: {x}")

    @app.endpoint(inputs=[text], outputs=[text_out])
    def fail_titled(x: str) -> str:
        raise Error(f"titled: {x}", duration=None, visible=False, title="Oh no")

    @app.endpoint(inputs=[text], outputs=[text_out])
    def crash(x: str) -> str:
        raise ValueError(f"crashed: {x}")

    @app.endpoint(inputs=[number], outputs=[number_out])
    def gen_fail(n: int) -> Iterator[int]:
        for i in range(int(n)):
            sleep(0.1)
            yield i
        raise Error("gen failed")

    @app.endpoint(inputs=[number], outputs=[number_out])
    def gen_crash(n: int) -> Iterator[int]:
        for i in range(int(n)):
            sleep(0.1)
            yield i
        raise ValueError("gen crashed")

    @app.endpoint()
    def file(f: File) -> File:
        return File(f"out {f.name}", f.data.upper())

    @app.endpoint()
    def files(fs: list[File]) -> list[File]:
        return fs

    app.endpoint("image", inputs=["image"], outputs=["image"])(
        lambda image: File(image.name if app.generation.names_images else "image.png", image.data[::-1])
    )

    @app.endpoint(inputs=[text, words], outputs=[number_out, words])
    def state(text: str, words: list[str]) -> tuple[int, list[str]]:
        words = [*words, *text.split()]
        return len(words), words

    @app.endpoint(inputs=[number], outputs=[text_out])
    def slow(sec: float) -> str:
        sleep(sec)
        return f"slept {sec}"

    @app.endpoint(inputs=[number], outputs=[number_out])
    def slow_gen(n: int) -> Iterator[int]:
        for i in range(int(n)):
            sleep(0.3)
            yield i

    first = app.generation.has_sockets
    app.endpoint(
        "cancel_btn" if first else "unnamed",
        inputs=[],
        outputs=[],
        queue=False,
        api_visibility="public" if first else "private",
        cancels=["/slow", "/slow_gen"],
    )(lambda: None)

    @app.endpoint(inputs=[text], outputs=[text_out], queue=False)
    def noqueue(x: str) -> str:
        return f"nq {x}"

    if not first:
        app.endpoint("noqueue_gen", inputs=[number], outputs=[number_out], queue=False)(count)

    @app.endpoint(inputs=[text], outputs=[text_out], batch=True)
    def batch(xs: list[str]) -> list[list[str]]:
        return [[x.upper() for x in xs]]

    app.endpoint("json", inputs=[json_in], outputs=[json_out])(echo)

    @app.endpoint(inputs=[text], outputs=[text_out])
    def none(x: str) -> None:
        return None

    @app.endpoint(inputs=[text], outputs=[json_out])
    def special(x: str) -> Any:
        return {
            "nan": {"a": math.nan, "b": math.inf, "c": -math.inf},
            "big": {"s": "é€😀" * 100_000},
            "unicode": {"s": "é€😀\u2028\u2029\0\r\n\x1f\u0085"},
            "lone": {"s": "\ud800"},
        }[x]

    @app.endpoint("update", inputs=[text], outputs=[text_out])
    def updated(x: str) -> Any:
        return update(label=f"new {x}", visible=True, value=x)

    @app.endpoint(inputs=[], outputs=[json_out])
    def req(*, context: Context) -> Any:
        return {
            "headers": context.request_headers,
            "qp": context.query_params,
            "session_hash": context.session_hash,
            "username": context.username,
        }

    @app.endpoint(inputs=[], outputs=[json_out])
    def seldata(*, context: Context) -> Any:
        return context.event_data

    for name in ("echo", "echo"):
        app.endpoint(name, inputs=[text], outputs=[text_out])(echo)
    app.endpoint("false", inputs=[text], outputs=[text_out], api_visibility="private")(echo)

    def check(a: float, b: str) -> list[Any]:
        return [validate(a > 0, "a must be positive"), validate(b != "", "b is empty")]

    app.endpoint("validate", inputs=[number, text], outputs=[text_out], validator=check)(
        lambda a, b: f"{a}{b}"
    )
    chunks: dict[str, Any] = {}
    if app.generation.has_input_streams:
        chunks = {"connection": "stream", "time_limit": 3}
    # An image that stands in its own URL, as the recorded chunks have it, is none to a TestApp.
    app.endpoint("frames", inputs=[Component("json"), text], outputs=[text_out], **chunks)(
        lambda f, t: f"{t}:ndarray:(1, 1, 4)"
    )
    if app.generation.renders:
        app.render(inputs=[number])(render_echoes)
    else:
        app.endpoint("apply", inputs=[number], outputs=[], api_visibility="undocumented")(lambda n: None)
    app.endpoint("audio_stream", inputs=[number], outputs=["file"])(lambda n: None)

    @app.endpoint(inputs=[text], outputs=[text_out], oauth_token="optional")
    def oauth(x: str, *, context: Context) -> str:
        return f"{x}:{context.oauth_token}"

    app.endpoint("private", inputs=[text], outputs=[text_out], api_visibility="private")(echo)
    if first:
        app.endpoints = app.endpoints[:32]
        app.endpoint(inputs=[], outputs=[number_out], every=0.5)(every)
    else:
        app.endpoint("undoc", inputs=[text], outputs=[text_out], api_visibility="undocumented")(echo)
    return app


def extra_app(world: World, version: str = VERSION) -> TestApp:
    """The second recorded app: generators with an edge each."""
    app = TestApp(version=version)
    sleep = world.sleep
    text, number = Component("textbox"), Component("number")

    @app.endpoint(outputs=["chatbot"])
    def shrink() -> Iterator[Any]:
        messages: list[Any] = [{"role": "user", "content": f"m{i}"} for i in range(4)]
        if version < "5":
            messages = [[f"m{i}", "a"] for i in range(4)]
        for length in (4, 1, 3):
            yield messages[:length]
            sleep(0.05)

    @app.endpoint(outputs=[text])
    def nonefirst() -> Iterator[Any]:
        for value in (None, "a", None, "b"):
            yield value
            sleep(0.05)

    @app.endpoint(inputs=["number"], outputs=[number, text])
    def two(n: int) -> Iterator[Any]:
        for i in range(3):
            yield i, update()
            sleep(0.05)

    @app.endpoint(outputs=[text])
    def same() -> Iterator[str]:
        for _ in range(3):
            yield "same"
            sleep(0.05)

    @app.endpoint(outputs=[text])
    def empty() -> Iterator[str]:
        yield from ()

    @app.endpoint(outputs=[text])
    def ret_gen() -> Iterator[str]:
        yield "a"
        return "ignored"

    @app.endpoint(inputs=["number"], outputs=[text])
    def fast(n: int) -> Iterator[str]:
        for i in range(int(n)):
            yield "x" * i

    @app.endpoint(outputs=[text])
    def one() -> Iterator[str]:
        yield "only"

    return app


# Replaying

_SECONDS = {"duration", "average_duration", "cache_duration", "avg_time"}
_ETA = {"eta", "rank_eta", "queue_eta", "avg_event_process_time", "avg_event_concurrent_process_time"}
_ID = re.compile(r"\b[0-9a-f]{32}\b")
_FOLDER = re.compile(r"(?:/srv/proto/srv/[^/]+|/tmp/gradio)/[0-9a-f]{40,64}")
_MEDIA_RUN = re.compile(r"\b[0-9a-f]{12}(/(?:[0-9]{15}|[0-9a-f]{32})/[0-9]+)\b")
_MEDIA = re.compile(r"\b[0-9a-f]{12}/([0-9]{15}|[0-9a-f]{32})/[0-9]+\b")
_DATA_URL = re.compile(r"(data:[^;]+;base64,)[0-9A-Za-z+/=]+")
_COOKIE_SENT = re.compile(r"^access-token-unsecure-\S+$")
_COOKIE = re.compile(r"access-token-unsecure(?:-([^=]+))?=([^;]+);")
_COMPARED = ("content-type", "content-range", "accept-ranges", "content-disposition", "location")
"""Headers."""


def _normal(value: Any, ids: dict[str, str]) -> Any:
    """What two runs of the same conversation have in common."""
    if isinstance(value, dict):
        normal: dict[str, Any] = {}
        for key, item in value.items():
            if key in _SECONDS and isinstance(item, float):
                item = (
                    "seconds"  # measured; what matters is that it is there (an error's `duration` is an int)
                )
            elif key in _ETA:
                item = "eta"  # null or a number: the recorded server had run other jobs before
            elif key == "data" and isinstance(item, list) and len(item) == 1 and _is_time(item[0]):
                item = ["a time"]
            elif key == "app_id":
                item = "number"
            elif key == "error" and isinstance(item, str):
                item = item.split("\n")[0]  # the lines below name Python objects by their address
            elif key == "time_limit" and item is not None:
                item = round(item)  # less what the first chunk took
            elif key == "render_config" and item is not None:
                item = _rendered(item)
            elif key in ("host", "client", "cookies", "path_params") or (key == "url" and "qp" in value):
                continue  # ports; and what a TestApp's context does not offer
            normal[key] = _normal(item, ids)
        return normal
    if isinstance(value, list):
        return [_normal(item, ids) for item in value]
    if isinstance(value, str):
        value = _DATA_URL.sub(r"\1", _MEDIA.sub("media", value))
        value = _COOKIE_SENT.sub(lambda match: ids.setdefault(match.group(), f"cookie {len(ids)}"), value)
        value = _FOLDER.sub(lambda match: ids.setdefault(match.group(), f"folder {len(ids)}"), value)
        return _ID.sub(lambda match: ids.setdefault(match.group(), f"id {len(ids)}"), value)
    return value


def _is_time(value: Any) -> bool:
    return isinstance(value, float) and value > 1e9


def _rendered(config: dict[str, Any]) -> Any:
    """What a client goes by in a render_config. What the page looks like is not compared; and as its containers are
    components, too, the ids are not the same."""
    components = {entry["id"]: entry for entry in config["components"]}

    def shown(number: int) -> Any:
        entry = components[number]
        marks = [entry.get("rendered_in"), entry["props"].get("rendered_in"), entry["renderable"]]
        return [entry["type"], entry["props"].get("label"), marks]

    dependencies = [
        {
            **entry,
            "targets": [[shown(number), event] for number, event in entry["targets"]],
            "inputs": [shown(number) for number in entry["inputs"]],
            "outputs": [shown(number) for number in entry["outputs"]],
        }
        for entry in config["dependencies"]
    ]
    return {"keys": sorted(config), "render_id": config["render_id"], "dependencies": dependencies}


def _parsed(text: str, ids: dict[str, str]) -> Any:
    if text.startswith(('{"version":', '{"named_endpoints":')):
        return "the app"  # cut short in the recordings of conversations, and compared by itself below
    if text.startswith("<!doctype html>"):
        return "the page"
    if text.startswith("Traceback"):
        return "a traceback"
    try:
        return _normal(json.loads(text), ids)
    except ValueError:
        return text


class Replay:
    """One recorded conversation, had again."""

    def __init__(
        self,
        operation: str,
        world: World,
        *,
        version: str = VERSION,
        leave_out: Collection[int] = (),
        group: bool = False,
        tail: float = 0.2,
    ) -> None:
        self.world = world
        self.leave_out = set(leave_out)
        self._group = group
        self._tail = tail
        self.records = records(version, operation)
        self.theirs: dict[int, dict[str, Any]] = {}
        self.ours: dict[int, Answer] = {}
        self._conns: dict[int, int] = {}
        # What the real server made up, and what ours did: later requests name it.
        self._swapped: dict[str, str] = {}
        self._expected: dict[str, str] = {}
        self._found: dict[str, str] = {}

    def run(self) -> None:
        """Have the conversation, and compare what was answered, connection by connection."""
        self.play()
        for conn in self.theirs:
            if conn not in self.leave_out:
                ours, theirs = self.compared(conn)
                assert ours == theirs, f"connection {conn}"

    def compared(self, conn: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """What we answered on a connection, and what the real server did."""
        return self._ours(conn), self._theirs(self.theirs[conn])

    def play(self) -> None:
        """Send what was sent, when it was sent."""
        for record in self.records:
            self.world.run(max(record["t"], self.world.now))
            match record:
                case {"dir": "send", "channel": "http", "raw": raw}:
                    head, *lines = raw.rstrip("\r\n").split("\r\n")
                    headers = [line.split(": ", 1) for line in lines]
                    self._send({**record, "line": head, "headers": headers, "body": None})
                case {"dir": "recv", "channel": "http", "raw": raw}:
                    head, *lines = raw.split("\r\n")
                    headers = [line.split(": ", 1) for line in lines if line]
                    self._recv({**record, "line": head, "headers": headers, "body": "<socket>"})
                case {"channel": "ws"}:
                    self._pass(record)
                case {"dir": "send", "channel": "http"}:
                    self._send(record)
                case {"dir": "recv", "channel": "http"}:
                    self._recv(record)
                case {"dir": "recv", "channel": "sse", "conn": conn, "raw": raw}:
                    self.theirs[conn]["events"].append(restored(raw))
                    pieces = self.ours[conn].pieces[len(self.theirs[conn]["events"]) - 1 :]
                    for pattern in (_FOLDER, _MEDIA_RUN, *([_ID] if '"send_data"' in raw else [])):
                        self._swap(pattern, raw, pieces[0].decode() if pieces else "")
                case {"dir": "eof", "channel": "sse", "conn": conn, "how": how}:
                    self.theirs[conn]["end"] = "clean" if how.startswith("terminated") else "broken"
                case {"dir": "note", "text": text} if text.startswith("TIMEOUT"):
                    self._leave([conn for conn, theirs in self.theirs.items() if theirs["end"] == "open"])
                case {"dir": "note", "channel": "sse", "conn": conn, "text": text} if "closes" in text:
                    self._leave([conn])
                case {"dir": "note", "text": text} if "client dropped" in text:
                    self._leave([conn for conn, theirs in self.theirs.items() if theirs["end"] == "open"])
                case _:
                    pass
        self.world.run(self.world.now + self._tail)

    def _pass(self, record: dict[str, Any]) -> None:
        """What went through a WebSocket."""
        conn = record["conn"]
        match record:
            case {"dir": "send"} if self.ours[conn].frames[-1][0] == "close":
                pass  # our server had another answer than theirs, to which this is another
            case {"dir": "send", "text": text}:
                for theirs, ours in self._swapped.items():
                    text = text.replace(json.dumps(theirs)[1:-1], json.dumps(ours)[1:-1])
                self.world.say(self._conns[conn], text)
            case {"dir": "send", "close": {"code": code}}:
                # The recorder waited for no more, and what it was told then it did not write down.
                self.theirs[conn]["end"] = "left"
                self.world.say(self._conns[conn], CloseConnection(code=code))
            case {"dir": "recv", "text": text}:
                frames = self.theirs[conn]["events"]
                frames.append(restored(text))
                ours = [frame for frame in self.ours[conn].frames if isinstance(frame, str)]
                said = ours[len(frames) - 1 :][:1]
                self._swap(_FOLDER, text, said[0] if said else "")
            case {"dir": "recv", "close": {"code": code}}:
                self.theirs[conn]["end"] = code
            case {"dir": "recv", "ping": _}:
                self.theirs[conn]["pings"] = self.theirs[conn].get("pings", 0) + 1
                self.world.pong(self._conns[conn])
            case {"dir": "eof"} if self.theirs[conn]["end"] == "open":
                self.theirs[conn]["end"] = "broken"
            case _:
                pass

    def _leave(self, conns: list[int]) -> None:
        """The client leaves its streams."""
        for conn in conns:
            if self.theirs[conn]["body"] in ("<stream>", "<socket>"):
                self.theirs[conn]["end"] = "left"
                self.world.disconnect(self._conns[conn])

    def _send(self, record: dict[str, Any]) -> None:
        method, _, rest = record["line"].partition(" ")
        target = rest.removesuffix(" HTTP/1.1")
        body = record["body"] or ""
        headers: list[tuple[str, str]] = record["headers"]
        for theirs, ours in self._swapped.items():
            body, target = body.replace(theirs, ours), target.replace(theirs, ours)
            target = target.replace(quote(theirs, safe=""), quote(ours, safe=""))
            headers = [(name, value.replace(theirs, ours)) for name, value in headers]
        data = body.encode()
        headers = [(name, str(len(data)) if name == "Content-Length" else value) for name, value in headers]
        if not target.isascii() or " " in target:
            return  # no client would send that
        conn = self._conns[record["conn"]] = self.world.connect()
        self.ours[record["conn"]] = answer = self.world.answers[conn]
        request = answer.client.send(h11.Request(method=method, target=target, headers=headers)) or b""
        request += answer.client.send(h11.Data(data)) or b""
        request += answer.client.send(h11.EndOfMessage()) or b""
        self.world.send(conn, request)

    def _recv(self, record: dict[str, Any]) -> None:
        self.theirs[record["conn"]] = {**record, "events": [], "end": "open"}
        ours = self.ours.get(record["conn"], Answer())
        body = record["body"] or ""
        if '"event_id":' in body[:12]:
            self._swap(_ID, body, ours.body.decode())
        elif body != "<stream>":
            self._swap(_FOLDER, body, ours.body.decode("utf-8", "replace"))
        cookies = [value for name, value in record["headers"] if name.lower() == "set-cookie"]
        self._swap(_COOKIE, cookies[-1] if cookies else "", ours.headers.get("set-cookie", ""))

    def _swap(self, pattern: re.Pattern[str], theirs: str, ours: str) -> None:
        """Note what later requests will name: the recorded server's words and ours."""
        for their, our in zip(pattern.finditer(theirs), pattern.finditer(ours), strict=False):
            names = zip(their.groups() or [their[0]], our.groups() or [our[0]], strict=True)
            self._swapped.update((name, ours) for name, ours in names if name is not None)

    def _theirs(self, record: dict[str, Any]) -> dict[str, Any]:
        headers = {name.lower(): value for name, value in record["headers"]}
        shown: dict[str, Any] = {name: headers.get(name) for name in _COMPARED}
        shown["status"] = record["line"].split(" ", 1)[1]
        if record["body"] == "<socket>":
            said = [self._event(f"data: {text}\n\n", self._expected) for text in record["events"]]
            return {**shown, "events": said, "pings": record.get("pings", 0), "end": record["end"]}
        if record["body"] == "<stream>" and "content-length" in headers:
            return {**shown, "body": _parsed("".join(record["events"]), self._expected)}
        if record["body"] == "<stream>":
            events = [self._event(raw, self._expected) for raw in record["events"]]
            return {**shown, "events": by_event(events) if self._group else events, "end": record["end"]}
        return {**shown, "body": _parsed(record["body"], self._expected)}

    def _ours(self, conn: int) -> dict[str, Any]:
        answer = self.ours[conn]
        shown: dict[str, Any] = {name: answer.headers.get(name) for name in _COMPARED}
        shown["status"] = f"{answer.status} {answer.reason}"
        if self.theirs[conn]["body"] == "<socket>":
            texts = [frame for frame in answer.frames if isinstance(frame, str)]
            said = [self._event(f"data: {text}\n\n", self._found) for text in texts]
            codes: list[Any] = [frame[1] for frame in answer.frames if frame[0] == "close"]
            pings = sum(frame[0] == "ping" for frame in answer.frames)
            end: Any = codes[0] if codes else "broken" if answer.closed else "open"
            if self.theirs[conn]["end"] == "left":
                end = "left"
            return {**shown, "events": said, "pings": pings, "end": end}
        if answer.headers.get("transfer-encoding") == "chunked":
            left = self.theirs[conn]["end"] == "left"
            end = "clean" if answer.ended else "broken" if answer.closed else "left" if left else "open"
            events = [self._event(piece.decode(), self._found) for piece in answer.pieces]
            return {**shown, "events": by_event(events) if self._group else events, "end": end}
        return {**shown, "body": _parsed(answer.body.decode(), self._found)}

    def _event(self, raw: str, ids: dict[str, str]) -> Any:
        assert raw.endswith("\n\n")
        event, _, data = raw[:-2].rpartition("data: ")
        return (event, _parsed(data, ids)) if event else _parsed(data, ids)


def by_event(events: list[Any]) -> dict[str, list[Any]]:
    """Messages job by job: which of two jobs that run at once speaks first is up to the machine."""
    grouped: dict[str, list[Any]] = {}
    for message in events:
        grouped.setdefault(message["event_id"], []).append(message)
    return grouped


@pytest.mark.parametrize(
    "operation",
    [
        "echo", "calc", "count", "stream", "chat", "jsonstream", "progress", "log", "fail", "fail_titled", "crash",
        "gen_fail", "gen_crash", "state", "none", "json", "update", "batch", "event_data", "noqueue_job",
        "queue_position", "shared_session", "late_open", "disconnect", "keepalive", "heartbeat", "reset",
        "cancel_running", "cancel_queued", "errors_join", "req", "req_headers",
    ],
)  # fmt: skip
def test_recorded(operation: str) -> None:
    world = World()
    world.use(recorded_app(world))
    Replay(operation, world).run()


OLDER = ["4.13.0", "4.19.1", "4.21.0", "4.44.1", "5.49.1"]
ALL = [*OLDER, VERSION]


EARLIEST = ["3.36.1", "3.50.2", "4.0.2"]
SOCKETS = EARLIEST[:2]

UNLIKE: list[tuple[str, list[str], set[int] | None, str]] = [
    ("audio_stream", ["4.0.2"], None, "needs another app: it is compared with other media, below"),
    ("component_server", EARLIEST, None, "needs another app, below"),
    ("variant_mount", EARLIEST, None, "a TestApp stands at the root of its server"),
    ("variant_rootpath", EARLIEST, None, "a TestApp stands at the root of its server"),
    ("direct", EARLIEST, {17}, "sends a batch of its own, which no client does"),
    (
        "direct",
        ["4.0.2"],
        {27, 28},
        "go on with a generator by an event id of their own, which no client does",
    ),
    (
        "errors_join",
        SOCKETS,
        {5},
        "gives a number to a textbox, which makes text of it; a TestApp's does not",
    ),
    (
        "extra_call_special",
        EARLIEST,
        {2},
        "half a surrogate pair, of which the server's JSON dies; ours says why",
    ),
    ("files", SOCKETS, {10}, "no request that a client sends"),
    ("files", ["4.0.2"], {18}, "no request that a client sends"),
    ("files", SOCKETS, {15}, "the deprecated route /file/, which never works"),
    ("files", ["4.0.2"], {23}, "the deprecated route /file/, which never works"),
    ("files", ["3.36.1"], {16}, "looks whether there is a file on the server's disk"),
    ("files", ["4.0.2"], {14}, "reads a file from the server's disk"),
    ("special", ["3.36.1"], {4}, "half a surrogate pair again"),
    ("variant_auth", EARLIEST, {10}, "asks for the framework's description of the routes"),
    ("variant_auth", SOCKETS, {18}, "a heartbeat, of which nothing was recorded"),
    ("variant_auth", ["4.0.2"], {19}, "a heartbeat, of which nothing was recorded"),
    (
        "variant_full",
        SOCKETS,
        {3, 4},
        "a real server takes up to 50 ms to see that a job waits, and ours starts it at once: so of the joins in "
        "that time the real one refuses the first, and ours the next",
    ),
]
"""What of the conversations with the earliest servers ours does not have in the same way, and why: the operation, the
versions, the connections (None: it is not replayed at all)."""

OPTIONS: dict[str, dict[str, Any]] = {
    "variant_hide": {"show_error": False},
    "variant_closed": {"api_open": False},
    "variant_full": {"max_queue_size": 1},
    "variant_auth": {"auth": ("u", "p"), "auth_message": "please log in"},
}


def left_out(version: str, operation: str) -> set[int] | None:
    """What is not compared of an operation; None if it is not replayed."""
    entries = [conns for name, versions, conns, _ in UNLIKE if name == operation and version in versions]
    return None if None in entries else {conn for conns in entries for conn in conns or ()}


@pytest.mark.parametrize(
    ("version", "operation"),
    [
        (version, operation)
        for version in EARLIEST
        for operation in operations(version)
        if records(version, operation) and left_out(version, operation) is not None
    ],
)
def test_recorded_on_the_earliest_servers(version: str, operation: str) -> None:
    # The recorded 3.36.1 calls itself by HTTP for each step.
    world = World(latency=0.15 if (version, operation) == ("3.36.1", "cancel_running") else 0.0)
    if operation.startswith("extra_") and operation not in ("extra_call_special", "extra_encoding"):
        world.use(extra_app(world, version))
    else:
        world.use(recorded_app(world, version=version, **OPTIONS.get(operation, {})))
    replay = Replay(operation, world, version=version, leave_out=left_out(version, operation) or ())
    if operation == "server_stop":
        world.at(0.8, lambda: world.server.stop(world.now))
    replay.run()


@pytest.mark.parametrize("version", OLDER)
@pytest.mark.parametrize(
    "operation",
    [
        "echo", "calc", "count", "stream", "jsonstream", "progress", "fail", "fail_titled", "crash", "gen_fail",
        "gen_crash", "state", "none", "json", "update", "batch", "event_data", "noqueue_job", "queue_position",
        "late_open", "keepalive",
    ],
)  # fmt: skip
def test_recorded_on_older_servers(version: str, operation: str) -> None:
    world = World()
    world.use(recorded_app(world, version=version))
    Replay(operation, world, version=version).run()


@pytest.mark.parametrize("version", OLDER)
@pytest.mark.parametrize("operation", ["nonefirst", "two", "same", "empty", "ret_gen", "fast", "one"])
def test_recorded_extra_on_older_servers(version: str, operation: str) -> None:
    world = World()
    world.use(extra_app(world, version))
    Replay(f"extra_{operation}", world, version=version).run()


@pytest.mark.parametrize("version", OLDER)
def test_recorded_variants_on_older_servers(version: str) -> None:
    for operation, options in (
        ("variant_hide", {"show_error": False}),
        ("variant_closed", {"api_open": False}),
    ):
        world = World()
        world.use(recorded_app(world, version=version, **options))
        Replay(operation, world, version=version).run()


@pytest.mark.parametrize("version", OLDER)
def test_recorded_shared_session_on_older_servers(version: str) -> None:
    world = World()
    world.use(recorded_app(world, version=version))
    Replay("shared_session", world, version=version, group=True).run()


@pytest.mark.parametrize("version", ["4.44.1", "5.49.1"])
@pytest.mark.parametrize(
    "operation", ["cancel_running", "cancel_queued", "cancel_queued_then_reuse", "heartbeat", "reset"]
)
def test_recorded_cancel_on_older_servers(version: str, operation: str) -> None:
    world = World()
    world.use(recorded_app(world, version=version))
    Replay(operation, world, version=version).run()


@pytest.mark.parametrize("version", ["4.13.0", "4.19.1", "4.21.0"])
@pytest.mark.parametrize("operation", ["cancel_running", "reset", "cancel_queued"])
def test_recorded_cancel_by_endpoint(version: str, operation: str) -> None:
    world = World()
    world.use(recorded_app(world, version=version))
    Replay(operation, world, version=version).run()


@pytest.mark.parametrize(
    "operation", ["shrink", "nonefirst", "two", "same", "empty", "ret_gen", "fast", "one"]
)
def test_recorded_extra(operation: str) -> None:
    world = World()
    world.use(extra_app(world))
    Replay(f"extra_{operation}", world).run()


@pytest.mark.parametrize("version", ALL)
def test_recorded_direct_calls(version: str) -> None:
    world = World()
    world.use(recorded_app(world, version=version))
    # Connection 17 sends a batch of its own ("batched": true), which no client does; 27 and 28 go on with a
    # generator by an event id of their own, which Gradio 6 does not know any more.
    Replay("direct", world, version=version, leave_out={17, 27, 28}).run()


@pytest.mark.parametrize("version", OLDER)
@pytest.mark.parametrize("operation", ["call", "errors_join", "req", "req_headers"])
def test_recorded_requests_on_older_servers(version: str, operation: str) -> None:
    world = World()
    world.use(recorded_app(world, version=version))
    # On Gradio 4 nobody checks that a choice is one of those offered.
    unchecked = {11} if operation == "errors_join" and version < "5" else ()
    Replay(operation, world, version=version, leave_out=unchecked).run()


@pytest.mark.parametrize("version", ["5.49.1", VERSION])
def test_recorded_validators(version: str) -> None:
    world = World()
    world.use(recorded_app(world, version=version))
    Replay("validate", world, version=version).run()


@pytest.mark.parametrize("version", ["5.49.1", VERSION])
def test_recorded_input_in_chunks(version: str) -> None:
    world = World()
    world.use(recorded_app(world, version=version))
    Replay("stream_input", world, version=version).run()


@pytest.mark.parametrize("version", ["4.44.1", "5.49.1", VERSION])
def test_recorded_rendering(version: str) -> None:
    world = World()
    app = TestApp(version=version)
    number = {"4.44.1": 33, "5.49.1": 35, VERSION: 35}[version]
    for _ in range(number):
        app.endpoint("other", inputs=[], outputs=[])(lambda: None)
    app.render(inputs=["number"])(render_echoes)
    for _ in range({"4.44.1": 36, "5.49.1": 38, VERSION: 40}[version] - number - 1):
        app.endpoint("other", inputs=[], outputs=[])(lambda: None)
    world.use(app)
    Replay("render", world, version=version).run()


def test_recorded_tokens() -> None:
    world = World()
    world.use(recorded_app(world))
    Replay("oauth", world).run()


@pytest.mark.parametrize("version", [*EARLIEST[1:], *ALL])
def test_recorded_component_functions(version: str) -> None:
    world = World()
    app = TestApp(version=version)
    listing = {"path": "app.py", "type": "file", "children": None}
    if version > "4.13.0":
        listing = {"name": "app.py", "type": "file", "valid": True}
    explorer = Component("json", server_fns={"ls": lambda path: [listing]})
    others = [Component("textbox") for _ in range(49)]
    app.endpoint("look", inputs=[*others, explorer], outputs=[])(lambda *values: None)
    assert app.component_id(explorer) == 50
    world.use(app)
    Replay("component_server", world, version=version).run()


def test_recorded_simple_api() -> None:
    world = World()
    world.use(recorded_app(world))
    # Connection 21 asks again for a finished job of a named session. The recorded server had not tidied up yet,
    # and left it hanging; a moment later it says 404, as ours does at once.
    Replay("call", world, leave_out={21}).run()


def test_recorded_closed_api() -> None:
    world = World()
    world.use(recorded_app(world, api_open=False))
    Replay("variant_closed", world).run()


def test_recorded_hidden_errors() -> None:
    world = World()
    world.use(recorded_app(world, show_error=False))
    Replay("variant_hide", world).run()


def test_recorded_full_queue() -> None:
    world = World()
    world.use(recorded_app(world, max_queue_size=1))
    # A real server takes up to 50 ms to see that a job waits; we start it at once. So of two joins in that time
    # (8 and 9) it refuses the second, and we the next (11).
    Replay("variant_full", world, leave_out={9, 11}).run()


def test_recorded_special_values() -> None:
    world = World()
    world.use(recorded_app(world))
    # Connection 4 was cut short in the recording (it is a megabyte long).
    # Connection 8 gives half a surrogate pair, which no message can carry; the server's text for that is long.
    Replay("special", world, leave_out={4, 8}).run()


def test_recorded_cancel_of_another_function() -> None:
    # The recorded server took 40 ms longer for the first step of each job: it was busy answering.
    world = World(latency=0.04)
    world.use(recorded_app(world))
    Replay("cancel_one_of_two_same_fn", world, group=True).run()


def test_recorded_cancel_beside_a_sibling() -> None:
    """The defect: the running job dies without a word, the cancelled one runs to its end."""
    world = World()
    world.use(recorded_app(world))
    Replay("cancel_queued_same_fn", world, group=True).run()


def test_recorded_session_after_a_cancel() -> None:
    world = World()
    world.use(recorded_app(world))
    Replay("cancel_queued_then_reuse", world).run()


@pytest.mark.parametrize(("version", "at"), [("4.13.0", 0.75), ("4.44.1", 0.75), (VERSION, 1.0)])
def test_recorded_stop(version: str, at: float) -> None:
    world = World()
    world.use(recorded_app(world, version=version))
    replay = Replay("server_stop", world, version=version, tail=0.0)
    # When the signal was sent is not recorded. A new server finds out ten seconds after its last message, an
    # older one at once, and says so 20 times a second: how often in all is up to the machine.
    world.at(at, lambda: world.server.stop(world.now))
    replay.play()
    for conn in replay.theirs:
        ours, theirs = replay.compared(conn)
        if "events" in theirs:
            told = [message for message in ours["events"] if message["msg"] == "unexpected_error"]
            expected = [message for message in theirs["events"] if message["msg"] == "unexpected_error"]
            assert 0.8 * len(expected) <= len(told) <= 1.2 * len(expected)
            ours["events"] = [*ours["events"][: -len(told)], told[0]]
            theirs["events"] = [*theirs["events"][: -len(expected)], expected[0]]
        assert ours == theirs


def test_recorded_two_readers() -> None:
    """Two streams of one session share its messages. Who got which is up to the machine; who ended is not."""
    world = World()
    world.use(recorded_app(world))
    replay = Replay("two_streams", world)
    replay.play()
    ours, theirs = replay.compared(2), replay.compared(3)
    assert {ours[0]["end"], theirs[0]["end"]} == {ours[1]["end"], theirs[1]["end"]} == {"clean", "open"}
    found = [message for side in (ours[0], theirs[0]) for message in side["events"]]
    expected = [message for side in (ours[1], theirs[1]) for message in side["events"]]
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    assert all(len(side["events"]) >= 3 for side in (ours[0], theirs[0]))


@pytest.mark.parametrize("version", ALL)
def test_recorded_files(version: str) -> None:
    world = World()
    world.use(recorded_app(world, version=version))
    replay = Replay("files", world, version=version)
    # Requests that no client sends; the deprecated route /file/, which never works; and on older servers an
    # input that they read from their disk, or fetch from the web.
    for record in replay.records:
        if record["channel"] == "http" and record["dir"] == "send":
            line, body = record["line"], record["body"] or ""
            if not line.isascii() or line.count(" ") > 2 or "/file/" in line:
                replay.leave_out.add(record["conn"])
            if version < "5" and ("/etc/passwd" in body or "http://" in body):
                replay.leave_out |= {record["conn"], record["conn"] + 1}
    replay.run()


@pytest.mark.parametrize("version", ALL)
def test_recorded_images(version: str) -> None:
    world = World()
    world.use(recorded_app(world, version=version))
    # Connections 4 and 5 give the image in the URL itself, which newer servers accept, and ours does not; what
    # they say to a bare string (7) names their class.
    Replay("image", world, version=version, leave_out={4, 5, 7} if version >= "5" else ()).run()


@pytest.mark.parametrize("version", ["4.0.2", "4.13.0", "4.19.1", "4.21.0", "4.44.1"])
def test_recorded_media(version: str) -> None:
    world = World()
    app = TestApp(version=version)
    for _ in range(33 if version < "4.44" else 34):
        app.endpoint("other", inputs=[], outputs=[])(lambda: None)

    @app.endpoint(inputs=["number"], outputs=[Component("audio", streaming=True)])
    def audio_stream(n: int) -> Iterator[bytes]:
        for _ in range(int(n)):
            world.sleep(0.2)
            yield b"RIFF"

    world.use(app)
    # Connection 3 fetches the media. They are sound, and were recorded as text.
    replay = Replay("audio_stream", world, version=version, leave_out={3})
    replay.run()
    if version == "4.44.1":
        ours = replay.ours[3]
        assert (ours.status, ours.body, ours.ended) == (200, b"RIFFRIFF", True)
        assert "content-type" not in ours.headers
        assert replay.theirs[3]["line"] == "HTTP/1.1 200 OK"


@pytest.mark.parametrize("version", ["4.44.1", "5.49.1", "6.31.0"])
def test_recorded_upload_that_is_too_large(version: str) -> None:
    world = World()
    world.use(recorded_app(world, version=version, max_file_size=1000))
    Replay("variant_maxfile", world, version=version).run()


@pytest.mark.parametrize("version", ALL)
def test_recorded_login(version: str) -> None:
    world = World()
    world.use(recorded_app(world, version=version, auth=("u", "p"), auth_message="please log in"))
    # Connection 10 asks for the framework's description of the routes; of 19, a heartbeat, nothing was recorded.
    Replay("variant_auth", world, version=version, leave_out={10, 19}).run()


# What the app is said to be


def _shape(value: Any) -> Any:
    return (
        {key: _shape(item) for key, item in value.items()}
        if isinstance(value, dict)
        else type(value).__name__
    )


def test_config_has_the_fields_of_a_real_one() -> None:
    recorded = body(VERSION, "config")
    config = recorded_app(World()).config("http://127.0.0.1:7880")
    # Which links a page shows, its colours and its fonts are the page's own business.
    assert {key: type(value) for key, value in config.items()} == {
        key: type(value) for key, value in recorded.items()
    }
    for key in (
        "version",
        "api_prefix",
        "protocol",
        "mode",
        "enable_queue",
        "root",
        "title",
        "connect_heartbeat",
    ):
        assert config[key] == recorded[key]
    for ours, theirs in zip(config["dependencies"], recorded["dependencies"], strict=True):
        assert ours.keys() == theirs.keys()
        for key in ("id", "api_name", "queue", "batch", "api_visibility", "max_batch_size", "rendered_in"):
            assert ours[key] == theirs[key] or theirs["id"] == 37, (key, theirs["id"])
        if theirs["id"] not in (20, 22, 34, 36):  # endpoints that have no function of their own in our app
            assert ours["types"] == theirs["types"]
            assert ours["connection"] == theirs["connection"]
    recorded_types = {component["type"]: component for component in recorded["components"]}
    for component in config["components"]:
        theirs = recorded_types[component["type"]]
        assert component.keys() == theirs.keys(), component["type"]
        assert component["skip_api"] == theirs["skip_api"]
        assert component["props"].keys() <= theirs["props"].keys() | {"value"}


@pytest.mark.parametrize("version", [*EARLIEST, *OLDER])
def test_older_descriptions_have_the_fields_of_real_ones(version: str) -> None:
    recorded = body(version, "config")
    app = recorded_app(World(), version=version)
    config = app.config("http://127.0.0.1:7880")
    assert config.keys() == recorded.keys()
    for name in ("version", "protocol", "show_api", "enable_queue"):
        assert config.get(name) == recorded.get(name)
    assert config["dependencies"][0].keys() == recorded["dependencies"][0].keys()
    assert config["dependencies"][0]["types"] == recorded["dependencies"][0]["types"]
    assert config["dependencies"][0]["queue"] == recorded["dependencies"][0]["queue"]
    assert config["root"] == ("http://127.0.0.1:7880" if recorded["root"] else "")
    assert config["components"][0].keys() == recorded["components"][0].keys()
    name = "gradio_api_info" if version == "5.49.1" else "info"
    theirs = body(version, name)["named_endpoints"]["/echo"]
    ours = app.info()["named_endpoints"]["/echo"]
    assert ours.keys() == theirs.keys()
    assert ours["parameters"][0].keys() == theirs["parameters"][0].keys()
    assert ours["returns"][0].keys() == theirs["returns"][0].keys()


@pytest.mark.parametrize("name", ["info", "info_serialize=False"])
def test_info_of_gradio_3(name: str) -> None:
    recorded = body("3.50.2", name)
    app = recorded_app(World(), version="3.50.2")
    info = app.info(serialize=name == "info")
    # One endpoint of the recorded app has no name, which one of ours cannot be without.
    assert set(recorded["named_endpoints"]) <= set(info["named_endpoints"])
    assert recorded["unnamed_endpoints"]["20"] == info["unnamed_endpoints"]["20"]
    for endpoint in ("/echo", "/calc", "/chat", "/json", "/file", "/files", "/image", "/state"):
        ours, theirs = info["named_endpoints"][endpoint], recorded["named_endpoints"][endpoint]
        for side in ("parameters", "returns"):
            for found, expected in zip(ours[side], theirs[side], strict=True):
                given = {"label": "", "example_input": ""}
                assert found.keys() == expected.keys()
                assert {**found, **given} == {**expected, **given}


@pytest.mark.parametrize("all_endpoints", [False, True])
def test_info_has_the_fields_of_a_real_one(all_endpoints: bool) -> None:
    name = "gradio_api_info_all_endpoints=True" if all_endpoints else "gradio_api_info"
    recorded = body(VERSION, name)["named_endpoints"]
    info = recorded_app(World()).info(all_endpoints=all_endpoints)["named_endpoints"]
    assert list(info) == list(recorded)
    for endpoint in (
        "/echo",
        "/calc",
        "/count",
        "/stream",
        "/chat",
        "/jsonstream",
        "/state",
        "/json",
        "/log",
    ):
        ours, theirs = info[endpoint], recorded[endpoint]
        # Code snippets are for people who read the app's page; the list of all endpoints has none anyway.
        assert ours.keys() == theirs.keys() - {"code_snippets"}
        for found, expected in zip(ours["parameters"], theirs["parameters"], strict=True):
            assert found.keys() == expected.keys()
            if expected["component"] != "Chatbot":  # whose schema is two pages long
                assert {**found, "python_type": 0} == {**expected, "python_type": 0}
                assert found["python_type"]["type"] == expected["python_type"]["type"]
        for found, expected in zip(ours["returns"], theirs["returns"], strict=True):
            assert found.keys() == expected.keys()
            assert (found["label"], found["component"]) == (expected["label"], expected["component"])
