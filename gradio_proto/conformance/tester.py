"""What a case works with: one server, in one way of running the app, and the words in which cases are written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from gradio_proto.api_info import ApiInfo, parse_api_info
from gradio_proto.config import AppConfig, is_list, parse_config
from gradio_proto.endpoints import App, Endpoint
from gradio_proto.errors import GradioError
from gradio_proto.http import Headers
from gradio_proto.multipart import MultipartEncoder
from gradio_proto.urls import encode_path, encode_query

from . import schemas
from .model import Skipped, Unreachable, Violation
from .session import Job, Session
from .wire import NOTHING, Reply, Wire

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject, SearchStrategy

    from .target import Target

T = TypeVar("T")

ASKING: Final = ("ws", "sse")
"""The generations in which the server asks for the data of a job, on a connection of its own."""
DIFFING: Final = ("sse_v2", "sse_v2.1", "sse_v3")
"""The generations in which values that follow one another are sent as differences."""


class Tester:
    """Tries things on a server; the words in which cases are written. Made by :meth:`Target.open`.

    Attributes:
        target: The server, and what may be done to it.
        wire: The connections to it.
        seed: What everything random is drawn from.
        effort: How many examples to try, as a multiple of what a case says.
    """

    __test__ = False  # pytest takes every class for tests whose name begins so

    def __init__(self, target: Target, wire: Wire, *, seed: int = 0, effort: float = 1.0) -> None:
        self.target = target
        self.wire = wire
        self.seed = seed
        self.effort = effort
        self.data: DataObject | None = None
        """From what examples are drawn, while one is tried."""
        self.config_json: dict[str, Any] = {}
        """The config, as the server sent it."""
        self.info_json: dict[str, Any] = {}
        """The API info, likewise."""
        self.is_stopped = False
        """The case has stopped the server: whoever comes next needs a new one."""
        self.is_outdated = False
        """The case has started the server anew: whoever comes next needs other connections."""
        self.has_heard_heartbeats = False
        """A session's heartbeat was seen to beat in time, while a case waited for something else as long."""
        self._app: App | None = None

    # What the server is

    def connect(self) -> None:
        """Log in where that was asked for, and read the config and the API info.

        Raises:
            Unreachable: There is no server, it wants a login that nobody has given, or it has no such endpoint as the
                user has named: nothing would be tried on it, and nobody would notice.
            Violation: There is one, and nobody can make anything of its config.
        """
        if self.target.auth is not None:
            self.log_in(*self.target.auth)
        self._read_app()
        for name in self.target.roles.values():
            try:
                self.app.resolve(api_name=name)
            except GradioError as error:
                raise Unreachable(str(error)) from None

    def _read_app(self) -> None:
        reply = self.get("config", prefixed=False)
        if reply.status != 200:
            if reply.status == 401:
                if self.target.auth is not None:
                    raise Unreachable("the app does not accept this user name and password")
                raise Unreachable("the app wants a login: give a user name (--auth USER)")
            raise Violation(f"the config was answered {reply.status} {reply.text()[:200]!r}")
        try:
            config = parse_config(reply.json())
        except GradioError as error:
            raise Violation(str(error)) from None
        self.config_json = cast("dict[str, Any]", reply.json())
        self.wire.api_prefix = config.api_prefix
        query = ("serialize", "False") if config.protocol == "ws" else ("all_endpoints", "True")
        reply = self.get("info", [query])
        info = ApiInfo({}, {})
        try:
            if reply.status == 200:
                info = parse_api_info(reply.json())
                self.info_json = cast("dict[str, Any]", reply.json())
        except (GradioError, Violation):
            pass  # there are cases for that; an app can be called without it
        self._app = App(config, info)

    @property
    def app(self) -> App:
        """Its endpoints."""
        assert self._app is not None, "connect() first"
        return self._app

    @property
    def config(self) -> AppConfig:
        """Its config."""
        return self.app.config

    @property
    def version(self) -> tuple[int, int, int]:
        """The version of Gradio that it says it runs."""
        return self.config.version_info

    @property
    def protocol(self) -> str:
        """The generation that it speaks."""
        return self.config.protocol

    @property
    def asks_for_data(self) -> bool:
        """Whether a job has a connection of its own, on which the server asks for its data."""
        return self.protocol in ASKING

    @property
    def has_diffs(self) -> bool:
        """Whether values that follow one another come as differences."""
        return self.protocol in DIFFING

    @property
    def patience(self) -> float:
        """Seconds that a job of the reference app may take, or an answer."""
        return self.wire.patience

    def endpoint(self, role: str) -> Endpoint:
        """The endpoint that plays a role.

        Raises:
            Skipped: None does.
        """
        found = self.find(role)
        if found is None:
            raise Skipped(f"no endpoint plays {role!r}")
        return found

    def find(self, role: str) -> Endpoint | None:
        """The endpoint that plays a role, or None."""
        name = self.target.roles.get(role, role if self.target.is_reference else None)
        if name is None:
            return None
        try:
            return self.app.resolve(api_name=name)
        except GradioError:
            return None

    def allowed(self) -> list[Endpoint]:
        """Every endpoint that may be called with any input: those that the user has named, or the plain ones of the
        reference app."""
        found = [
            self.find(role) for role in (ANY_OF_REFERENCE if self.target.is_reference else self.target.roles)
        ]
        return [endpoint for endpoint in found if endpoint is not None]

    # Requests

    def get(
        self,
        route: str,
        query: Iterable[tuple[str, str]] = (),
        *,
        prefixed: bool = True,
        headers: Headers = (),
        patience: float | None = None,
    ) -> Reply:
        """GET a route.

        Args:
            route: Which one, without the server's prefix.
            query: Names and values behind the ``?``.
            prefixed: Whether the server's prefix stands before the route.
            headers: Sent with this request.
            patience: Seconds to wait; None for as long as the target allows.

        Raises:
            Violation: There was no answer in time.
            Unreachable: No connection could be made.
        """
        path = self.wire.target(route, query, prefixed=prefixed)
        return self.wire.request("GET", path, headers=headers, patience=patience)

    def post(
        self,
        route: str,
        json: Any = NOTHING,
        *,
        body: bytes = b"",
        query: Iterable[tuple[str, str]] = (),
        prefixed: bool = True,
        headers: Headers = (),
        patience: float | None = None,
    ) -> Reply:
        """POST a JSON value, or ``body`` as it is, to a route.

        Args:
            route: Which one, without the server's prefix.
            json: The value.
            body: What is sent where there is no ``json``.
            query: Names and values behind the ``?``.
            prefixed: Whether the server's prefix stands before the route.
            headers: Sent with this request.
            patience: Seconds to wait; None for as long as the target allows.

        Raises:
            Violation: There was no answer in time.
            Unreachable: No connection could be made.
        """
        path = self.wire.target(route, query, prefixed=prefixed)
        return self.wire.request("POST", path, json=json, body=body, headers=headers, patience=patience)

    def log_in(self, user: str, password: str) -> Reply:
        """Exchange a user's name and password for cookies, which go with everything from now on. None is ever shown."""
        self.wire.secrets.add(password)
        self.wire.secrets.add(encode_query([("", password)])[1:])
        body = encode_query([("username", user), ("password", password)]).encode("ascii")
        form = (("content-type", "application/x-www-form-urlencoded"),)
        reply = self.post("login", body=body, prefixed=False, headers=form)
        pairs = [cookie.partition(";")[0] for cookie in reply.head.get_all("set-cookie")]
        for pair in pairs:
            self.wire.secrets.add(pair.partition("=")[2])
        if pairs:
            self.wire.headers["cookie"] = "; ".join(pairs)
        return reply

    # Jobs

    def new_name(self) -> str:
        """A session hash that nobody has."""
        return self.target.new_name()

    def session(self, name: str | None = None) -> Session:
        """A session; a new one if no ``name`` is given."""
        return Session(self, name)

    def run(self, role: str, *arguments: Any, patience: float | None = None) -> Job:
        """Call the endpoint that plays a role, in a session of its own, and wait for the end.

        Args:
            role: The role.
            arguments: Its inputs, without State.
            patience: Seconds that it may take.

        Raises:
            Violation: It does not end.
        """
        endpoint = self.endpoint(role)
        session = self.session()
        job = session.submit(endpoint, *endpoint.bind(arguments, {}))
        session.wait(job, patience=patience)
        return job

    def data_for(self, endpoint: Endpoint, *arguments: Any) -> list[Any]:
        """The ``data`` of a call of an endpoint: these arguments, with null in the place of State."""
        return endpoint.bind(arguments, {})

    def stop_server(self) -> None:
        """Have the app end, as ``demo.close()`` does; the runner starts it anew when the case is over.

        Raises:
            Skipped: The tester cannot do that here.
        """
        if self.target.stop is None or self.target.restart is None:
            raise Skipped("the tester cannot stop this server")
        self.is_stopped = True
        self.target.stop()

    def restart_server(self) -> None:
        """Start the server anew, for whoever connects from now on.

        Raises:
            Skipped: The tester cannot do that here.
        """
        if self.target.restart is None:
            raise Skipped("the tester cannot start this server anew")
        self.is_outdated = True
        self.target.restart()

    # Files

    def upload(self, *files: tuple[str, bytes], query: Iterable[tuple[str, str]] = ()) -> Reply:
        """Upload files, by name and content.

        Args:
            files: The name and the content of each.
            query: Names and values behind the ``?``.
        """
        encoder = MultipartEncoder(f"gradio-proto-{self.new_name()}")
        pieces = [encoder.part_head(name) + content for name, content in files]
        body = b"".join([*pieces, encoder.closing()])
        headers = (("content-type", encoder.content_type),)
        return self.post("upload", body=body, query=query, headers=headers)

    def upload_one(self, name: str, content: bytes) -> str:
        """Upload a file of this name and content; its path on the server.

        Raises:
            Violation: It is not accepted.
        """
        reply = self.upload((name, content))
        paths = reply.json() if reply.status == 200 else None
        first: object = paths[0] if is_list(paths) and paths else None
        if not isinstance(first, str):
            raise Violation(f"an upload was answered {reply.status} {reply.text()[:200]!r}")
        return first

    def file_value(self, path: str, name: str = "file.txt") -> dict[str, Any]:
        """What is sent for a file that was uploaded: its path on the server, and its name."""
        if self.protocol == "ws":
            return {"name": path, "data": None, "is_file": True, "orig_name": name}
        return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def path_of(self, value: Any) -> str:
        """The path of a file that came as the value of an output.

        Raises:
            Violation: It is no file.
        """
        key = "name" if self.protocol == "ws" else "path"
        path = cast("dict[str, Any]", value).get(key) if isinstance(value, dict) else None
        if not isinstance(path, str):
            raise Violation(f"an output that is a file has no {key}: {json.dumps(value)[:200]}")
        return path

    def file_target(self, path: str) -> str:
        """The path and query by which a file of the server is asked for."""
        return self.wire.target("file=") + encode_path(path)

    def download(self, path: str, *, headers: Headers = ()) -> Reply:
        """Ask for a file by its path on the server, with these headers."""
        return self.wire.request("GET", self.file_target(path), headers=headers)

    # Judging

    def check(self, condition: object, otherwise: str) -> None:
        """Something has to be: the condition.

        Raises:
            Violation: It is not; ``otherwise`` says what is instead.
        """
        if not condition:
            raise Violation(otherwise)

    def check_status(self, reply: Reply, *wanted: int) -> None:
        """A reply has to have one of the statuses that are wanted.

        Raises:
            Violation: It has another one.
        """
        if reply.status not in wanted:
            expected = " or ".join(str(status) for status in wanted)
            raise Violation(
                f"{reply.asked} was answered {reply.status} and not {expected}: {reply.text()[:200]!r}"
            )

    def check_refused(self, reply: Reply) -> None:
        """A reply has to have an error status.

        Raises:
            Violation: It has another one.
        """
        if reply.status < 400:
            raise Violation(
                f"{reply.asked} was answered {reply.status} and not refused: {reply.text()[:200]!r}"
            )

    def check_schema(self, kind: str, value: Any) -> None:
        """A value has to be what the specification's schema says.

        Args:
            kind: Which schema: its path below ``spec/schemas``, without the ending.
            value: The decoded JSON.

        Raises:
            Violation: It is not.
        """
        wrong = schemas.violations(kind, value, self.version)
        if wrong:
            raise Violation(f"{wrong[0]} (schema {kind}), in {json.dumps(value)[:300]}")

    def note(self, text: str, body: str = "") -> None:
        """Put a remark into the transcript.

        Args:
            text: The remark, on one line.
            body: What belongs to it, on many.
        """
        self.wire.say(0, "note", text, body)

    def draw(self, strategy: SearchStrategy[T], label: str | None = None) -> T:
        """Draw an example; the case's ``examples`` says how many are tried.

        Args:
            strategy: From what.
            label: What it is called where a failing example is shown.
        """
        assert self.data is not None, "a case that draws has to say how many examples= it wants"
        return self.data.draw(strategy, label)

    def is_healthy(self) -> str:
        """What is wrong with the server now, as another user would see it; empty if nothing is."""
        try:
            if self.get("config", prefixed=False).status != 200:
                return "its config cannot be read any more"
            if self.target.is_reference and self.run("echo", "healthy?").values != ["healthy?"]:
                return "echo gives something else"
        except (Violation, Unreachable, Skipped) as error:
            return str(error)
        return ""


ANY_OF_REFERENCE: Final[Sequence[str]] = ("echo", "calc", "count", "stream", "json", "chat", "state", "none")
"""The endpoints of the reference app that take any input and end soon."""

Roles = Mapping[str, str]
"""The api_name of the endpoint that plays each role."""
