"""Runs the vectors of requests: a whole client, and a server that answers whatever it is asked and keeps it."""

from __future__ import annotations

import json
import re
from collections import deque
from email import message_from_bytes
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from scripted import http
from vector_jobs import listed, outcome_of
from vector_server import Listener

from gradio_proto import Client, handle_file
from gradio_proto.testing.memory import MemoryRunner, MemoryTransport

Json = dict[str, Any]


def run_requests(vector: Json, apps: Json) -> None:
    given = vector["input"]
    server = Everything(apps[given["app"]]["config"], apps[given["app"]]["info"], given)
    getattr(_Acts(given, server), given["act"])()
    sent = server.without(
        discovery=given["act"] not in ("connect", "login"), heartbeat=given["act"] != "heartbeat"
    )
    if given["act"] == "heartbeat":
        sent = deque(one for one in sent if "/heartbeat/" in one["target"])
    for expected in vector["expect"]["sent"]:
        assert sent, f"not sent: {expected}"
        compare(sent.popleft(), expected)
    assert not sent, f"sent besides: {sent}"


def compare(sent: Json, expected: Json) -> None:
    """Compare as README.md says: headers that are expected, and JSON without what is null."""
    headers = {name: sent.get("headers", {}).get(name, "") for name in expected.get("headers", {})}
    for name, value in expected.get("headers", {}).items():
        assert headers[name].lower().startswith(value.lower()), (headers, expected)
    assert sent.keys() >= expected.keys(), (sent, expected)
    for key in expected.keys() - {"headers"}:
        assert _bare(sent[key]) == _bare(expected[key]), (sent[key], expected[key])


def _bare(value: Any) -> Any:
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value


class _Acts:
    """What a user does, by the name of the act."""

    def __init__(self, given: Json, server: Everything) -> None:
        self.given = given
        self.server = server
        self.runner = MemoryRunner(server)  # type: ignore[arg-type]

    def client(self, **options: Any) -> Client:
        if "oauth_token" in self.given:
            options["oauth_token"] = self.given["oauth_token"]
        transport = MemoryTransport.to(self.runner)
        return Client(self.given["url"], transport=transport, download_files=False, **options)

    def endpoint(self, client: Client) -> Any:
        return client.endpoint(
            self.given.get("api_name"),
            self.given.get("fn_index"),
            via=self.given.get("via", "queue"),
            event_data=self.given.get("event_data"),
        )

    def connect(self) -> None:
        self.client().close()

    def login(self) -> None:
        self.client(auth=(self.given["username"], self.given["password"])).close()

    def call(self) -> None:
        with self.client(heartbeat=False) as client:
            self.endpoint(client).predict(*map(_argument, self.given["args"]), **self.given.get("kwargs", {}))

    def heartbeat(self) -> None:
        with self.client() as client:
            self.endpoint(client).predict(*self.given["args"])
            self.runner.settle()

    def cancel(self) -> None:
        with self.client(heartbeat=False) as client:
            job = self.endpoint(client).submit(*self.given["args"])
            self.runner.settle()
            assert job.cancel()
            self.runner.settle()

    def component_server(self) -> None:
        with self.client(heartbeat=False) as client:
            client.component_server(self.given["component_id"], self.given["fn_name"], self.given["data"])

    def stream(self) -> None:
        first, *others = self.given["chunks"]
        with self.client(heartbeat=False) as client:
            job = self.endpoint(client).submit(*first)
            for chunk in others:
                job.send_chunk(*chunk)
            self.runner.settle()
            self.server.listens = False  # how the input is ended is another matter


def _argument(value: Any) -> Any:
    if isinstance(value, list):
        return [_argument(item) for item in value]
    if isinstance(value, dict) and "$file" in value:
        return handle_file(value["$file"]["text"].encode(), value["$file"]["name"])
    return value


class Everything(Listener):
    """A server that takes everything."""

    def __init__(self, config: Json, info: Json, given: Json) -> None:
        super().__init__()
        self.config = config
        self.info = info
        self.given = given
        self.sent: list[Json] = []
        self.listens = True
        self._session: str | None = None
        self._outputs = 1
        self._conn = -1
        self._chunks = 0

    def without(self, *, discovery: bool, heartbeat: bool) -> deque[Json]:
        """What was sent, but for what is sent with every call."""
        left_out = [
            *(["/config", "/info", "/app_id"] if discovery else []),
            *(["/heartbeat/"] if heartbeat else []),
        ]
        return deque(
            self._named(one)
            for one in self.sent
            if not any(part in one.get("target", "") for part in left_out)
        )

    def _named(self, sent: Json) -> Json:
        """With a short name for the session."""
        text = json.dumps(sent)
        if self._session:
            text = text.replace(self._session, "s1")
        named: Json = json.loads(text)
        return named

    def _note(self, body: Any) -> None:
        if isinstance(body, dict):
            self._session = body.get("session_hash", self._session)
            number = body.get("fn_index")
            for position, entry in enumerate(self.config["dependencies"]):
                if number == entry.get("id", position):
                    self._outputs = len(entry["outputs"])

    def request(self, conn: int, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        sent: Json = {"method": method, "target": target, "headers": headers}
        kind = headers.get("content-type", "")
        if kind == "application/json":
            sent["body"] = json.loads(body)
            self._note(sent["body"])
        elif kind == "application/x-www-form-urlencoded":
            sent["form"] = dict(parse_qsl(body.decode()))
        elif kind.startswith("multipart/"):
            sent["parts"] = _parts(kind, body)
        session = re.search("session_hash=([^&]+)", target)
        if session:
            self._session = session[1]
        if self.listens:
            self.sent.append(sent)
        self._answer(conn, method, target, sent)

    def frame(self, conn: int, message: Any) -> None:
        self._note(message)
        self.sent.append({"text": message})
        if "data" in message:
            self._run(conn)
        else:
            self._wait(conn)
            self._message(conn, "send_data")

    def _answer(self, conn: int, method: str, target: str, sent: Json) -> None:
        path = target.partition("?")[0]
        if path.endswith("/config"):
            self.reply(conn, self.config)
        elif path.endswith("/info"):
            self.reply(conn, self.info)
        elif path.endswith("/login"):
            self.reply(
                conn,
                {"success": True},
                "set-cookie: access-token-unsecure-x=t; HttpOnly; Path=/; SameSite=lax",
            )
        elif path.endswith("/upload"):
            parts = sent["parts"]
            self.reply(conn, [f"/tmp/gradio/{n + 1}/{part['filename']}" for n, part in enumerate(parts)])
        elif path.endswith("/queue/join") and method == "GET":
            self._converse(conn)
        elif path.endswith(("/queue/join", "/call/echo", "/call/state", "/call/v2/calc")):
            self.reply(conn, {"event_id": "e1"})
        elif path.endswith("/queue/data") and method == "GET":
            self.begin(conn, is_socket=False)
            self._conn = conn
            self._wait(conn)
            self._run(conn)
        elif path.endswith("/queue/data"):
            self.reply(conn, None)
            self._run(self._conn)
        elif "/call/" in path:
            self._outputs = 2
            self.begin(conn, is_socket=False)
            self.say(conn, _chunk(f"event: complete\ndata: {json.dumps([None] * self._outputs)}\n\n"))
            self.end(conn)
        elif "/heartbeat/" in path:
            self.begin(conn, is_socket=False)
            self.tell(conn, "ALIVE")
        elif path.endswith("/stream/e1"):
            self.reply(conn, {"msg": "success"})
            self._stream()
        else:
            self.reply(conn, {"data": [None] * self._outputs})

    def _converse(self, conn: int) -> None:
        is_socket = self._protocol == "ws"
        self._conn = conn
        self.begin(conn, is_socket=is_socket)
        if is_socket:
            self._message(conn, "send_hash")
        else:
            self._wait(conn)
            self._message(conn, "send_data")

    @property
    def _protocol(self) -> str:
        return str(self.config.get("protocol", "ws"))

    def _message(self, conn: int, msg: str, **fields: Any) -> None:
        event = {} if self._protocol == "ws" else {"event_id": "e1"}
        self.tell(conn, json.dumps({"msg": msg, **event, **fields}))

    def _wait(self, conn: int) -> None:
        event = {} if self._protocol in ("ws", "sse") else {"event_id": "e1"}
        said = {"msg": "estimation", **event, "rank": 0, "queue_size": 1, "rank_eta": None}
        self.tell(conn, json.dumps(said))

    def _run(self, conn: int) -> None:
        self._message(conn, "process_starts", eta=None)
        if self.given["act"] == "stream":
            self._stream()
        elif self.given["act"] != "cancel":
            self._complete(conn)

    def _stream(self) -> None:
        self._chunks += 1
        output = {"data": [f"v{self._chunks}"], "is_generating": True}
        self._message(self._conn, "process_streaming", output=output, success=True, time_limit=60)

    def _complete(self, conn: int) -> None:
        self._message(conn, "process_completed", output={"data": [None] * self._outputs}, success=True)
        self.end(conn)


def run_direct(vector: Json) -> None:
    given = vector["input"]
    expected = vector["expect"]["outcome"]
    data = [expected["value"]] if "value" in expected else vector["expect"]["outputs"][:1]
    server = Canned(given, len(data[0]) if data else 1)
    runner = MemoryRunner(server)  # type: ignore[arg-type]
    with Client("http://app", transport=MemoryTransport.to(runner), download_files=False) as client:
        job = client.endpoint("/f", via=given["via"]).submit()
        outcome = outcome_of(job, server.width)
        values = [listed(value, server.width) for value in job.outputs()]
    if given["via"] == "run" or "event: generating" not in given["stream"]:
        values = []  # a plain function's result counts as its only output
    assert {"outputs": values, "outcome": outcome} == vector["expect"]


class Canned(Listener):
    """A server that answers a call around the queue as it is told to."""

    def __init__(self, given: Json, width: int) -> None:
        super().__init__()
        self.given = given
        self.width = width

    def request(self, conn: int, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        path = target.partition("?")[0].removeprefix("/gradio_api")
        if path == "/config":
            self.reply(conn, self._config())
        elif path == "/info":
            self.reply(conn, {"named_endpoints": {}, "unnamed_endpoints": {}})
        elif path.startswith("/run/"):
            reply = self.given["reply"]
            answer = http(
                reply["status"], reply["body"].encode(), content_type=reply["headers"]["content-type"]
            )
            self.say(conn, answer)
        elif method == "POST" and path.startswith("/call/"):
            self.reply(conn, {"event_id": "e1"})
        elif path == "/app_id":
            self.reply(conn, {"app_id": 1})
        else:
            assert path == "/call/f/e1"
            self.begin(conn, is_socket=False)
            self.say(conn, _chunk(self.given["stream"]))
            if self.given["ended"]:
                self.end(conn)
            else:
                self.hang_up(conn)

    def _config(self) -> Json:
        outputs = [*range(1, 1 + self.width)]
        is_generator = "event: generating" in self.given.get("stream", "")
        return {
            "version": self.given["version"],
            "protocol": self.given["protocol"],
            "api_prefix": "/gradio_api" if self.given["version"][0] in "56" else "",
            "app_id": 1,
            "components": [{"id": id, "type": "json", "props": {}} for id in outputs],
            "dependencies": [
                {"api_name": "f", "inputs": [], "outputs": outputs, "types": {"generator": is_generator}}
            ],
        }


def _chunk(text: str) -> bytes:
    data = text.encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


def _parts(content_type: str, body: bytes) -> list[Json]:
    message = message_from_bytes(b"content-type: " + content_type.encode() + b"\r\n\r\n" + body, policy=HTTP)
    return [
        {
            "name": part.get_param("name", header="content-disposition"),
            "filename": part.get_filename(),
            "body": part.get_content().decode(),
        }
        for part in message.iter_parts()
    ]
