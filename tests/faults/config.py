"""What can be wrong with an app's config, or happen while a client connects."""

from __future__ import annotations

import contextlib
import functools
import json
import socket
from collections.abc import Generator
from typing import Any, Final

from gradio_proto.errors import (
    ArgumentError,
    AuthenticationError,
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    HTTPStatusError,
    LimitExceeded,
    RemoteProtocolError,
    TooManyRequestsError,
    UnsupportedProtocol,
)
from gradio_proto.limits import MIB, Limits
from gradio_proto.timeouts import Timeouts

from . import fields
from .answers import closes, resets, responds, silent
from .bench import Bench
from .model import Expected, Fault, Gives, Served, raises
from .servers import faulty
from .uses import only_predicts

NO_JSON: Final = raises(RemoteProtocolError, "the reply to /config is not valid JSON", retryable=False)

CONFIG: Final[dict[str, Any]] = {
    **fields.app().config("http://127.0.0.1:7860"),
    "auth_required": False,
    "auth_message": "",
}

READ: Final = {
    "": (
        *(
            "version",
            "protocol",
            "api_prefix",
            "root",
            "space_id",
            "app_id",
            "enable_queue",
            "connect_heartbeat",
        ),
        *("show_error", "max_file_size", "auth_required", "auth_message", "username", "components"),
        "dependencies",
    ),
    "dependency": (
        *("id", "api_name", "inputs", "outputs", "queue", "batch", "cancels", "types", "backend_fn"),
        *("connection", "api_visibility", "show_api", "collects_event_data", "rendered_in", "time_limit"),
        "stream_every",
    ),
    "component": ("id", "type", "props", "skip_api", "api_info"),
}
"""The fields that a client reads, by where they are."""

NO_ENDPOINTS: Final = raises(RemoteProtocolError, "config.dependencies is not a list", retryable=False)
HIDDEN: Final = raises(ArgumentError, "no public endpoints; others can be called by fn_index= (0)")
OLD: Final = raises(HTTPStatusError, "where a WebSocket was expected", status=200, retryable=False)

EXPECTED: Final = {
    # Without a name for its protocol, an app is one of Gradio 3.
    "protocol-absent": OLD,
    "protocol-null": OLD,
    "protocol-odd": raises(RemoteProtocolError, "config.protocol is not a string", retryable=False),
    "components-odd": raises(RemoteProtocolError, "config.components is not a list", retryable=False),
    "dependencies-absent": NO_ENDPOINTS,
    "dependencies-null": NO_ENDPOINTS,
    "dependencies-odd": NO_ENDPOINTS,
    # An endpoint whose name, or whose visibility, is none is not listed, and so is not chosen for a call without one.
    "dependency/api-name-absent": HIDDEN,
    "dependency/api-name-null": HIDDEN,
    "dependency/api-name-odd": HIDDEN,
    "dependency/api-visibility-odd": HIDDEN,
    # What has no outputs gives none, whatever is sent.
    "dependency/outputs-absent": Gives(()),
    "dependency/outputs-null": Gives(()),
    "dependency/outputs-odd": Gives(()),
}
"""What comes out where that is not the value of the call: what is not known has a default."""

FIELDS: Final = tuple(
    fields.faults(
        "config",
        CONFIG,
        {
            "": ("the config", lambda config: [config]),
            "dependency": ("an endpoint of the config", lambda config: config["dependencies"]),
            "component": ("the components of the config", lambda config: config["components"]),
        },
        READ,
        EXPECTED,
    )
)


_answered = functools.partial(fields.answered, "config")
_told = functools.partial(fields.told, "config")


def _changed(name: str, happens: str, expect: Expected = fields.WELL, **changes: Any) -> Fault:
    """The config has other entries."""
    return _told(name, happens, {**CONFIG, **changes}, expect)


def _dependency(**changes: Any) -> dict[str, Any]:
    return {**CONFIG["dependencies"][0], **changes}


AGAIN: Final[dict[str, Any]] = {"options": {}, "use": only_predicts}
"""The client tries again by itself, as it does unless it is told not to."""

ANSWERS: Final = (
    _answered(
        "reset", "The connection is reset when the config is asked for.", resets, raises(ConnectionLost)
    ),
    _answered(
        "reset-once", "The connection is reset at the first request for the config.", resets, Gives(), **AGAIN
    ),
    _answered(
        "close-once",
        "The connection is closed at the first request for the config.",
        closes,
        Gives(),
        **AGAIN,
    ),
    _answered(
        "silence",
        "The config is never told.",
        silent,
        raises(DeadlineExceeded, kind="read"),
        options={"timeouts": Timeouts(read=0.3)},
    ),
    _answered(
        "unavailable-once",
        "The first request for the config is answered 503, with a Retry-After of no seconds.",
        responds("503 Service Unavailable", headers={"retry_after": "0"}),
        Gives(),
        **AGAIN,
    ),
    _answered(
        "bad-gateway-once",
        "The first request for the config is answered 502.",
        responds("502 Bad Gateway"),
        Gives(),
        **AGAIN,
    ),
    _answered(
        "wait-too-long",
        "The config is answered 429, with a Retry-After of an hour: the user is told, and does not wait.",
        responds("429 Too Many Requests", headers={"retry_after": "3600"}),
        raises(TooManyRequestsError, retry_after=3600.0, retryable=True),
        times=None,
        **AGAIN,
    ),
    _answered(
        "server-error",
        "The config is answered 500, by a traceback.",
        responds("500 Internal Server Error", b"Traceback (most recent call last):", kind="text/plain"),
        raises(HTTPStatusError, "/config answered 500", status=500, retryable=False),
    ),
    _answered(
        "forbidden",
        "The config is answered 403.",
        responds("403 Forbidden", b"no", kind="text/plain"),
        raises(HTTPStatusError, "/config answered 403", status=403, retryable=False),
    ),
    _answered(
        "login",
        "The config is answered 401, with what the login page says.",
        responds("401 Unauthorized", b'{"detail": {"auth_message": "staff only"}}'),
        raises(AuthenticationError, "the app says: staff only", auth_message="staff only"),
    ),
    _answered(
        "not-found",
        "There is no config, and no page: it is no app.",
        responds("404 Not Found", b'{"detail": "Not Found"}'),
        raises(RemoteProtocolError, "there is no Gradio app at", retryable=False),
    ),
    _answered(
        "page",
        "The config is a page that holds no config.",
        responds(body=b"<h1>Welcome</h1>", kind="text/html"),
        raises(HTTPStatusError, "/config answered 200 with text/html", status=200, data="<h1>Welcome</h1>"),
    ),
    _answered("empty", "The config is empty.", responds(), NO_JSON),
    _answered(
        "cut", "The config is half of a JSON text.", responds(body=json.dumps(CONFIG).encode()[:-20]), NO_JSON
    ),
    _answered(
        "mark", "A byte order mark stands before the config.", responds(body=b"\xef\xbb\xbf{}"), NO_JSON
    ),
    _answered("utf-16", "The config is UTF-16.", responds(body=json.dumps(CONFIG).encode("utf-16")), NO_JSON),
    _answered(
        "deep",
        "The config is nested two hundred thousand deep.",
        responds(body=b'{"a":' * 200_000),
        raises(LimitExceeded, name="json_depth"),
        options={"limits": Limits(json_body_bytes=MIB), "max_retries": 0},
        limit="json_body_bytes",
    ),
    _answered(
        "endless",
        "The config goes on and on.",
        responds(body=b" " * (64 * MIB)),
        raises(LimitExceeded, name="json_body_bytes"),
        times=None,
        use=only_predicts,
        options={"limits": Limits(json_body_bytes=MIB), "max_retries": 0},
        limit="json_body_bytes",
    ),
)


def _page(text: bytes) -> Served:
    """A server that has no config, but a page."""
    return faulty(
        {"config": responds("404 Not Found"), "": responds(body=text, kind="text/html")}, times=None
    )


def _paged(name: str, happens: str, text: bytes, expect: Expected) -> Fault:
    return Fault(
        id=f"config/{name}",
        happens=happens,
        phase="connect",
        served=_page(text),
        use=only_predicts,
        expect=expect,
    )


NO_APP: Final = raises(RemoteProtocolError, "there is no Gradio app at", retryable=False)

PAGES: Final = (
    _paged(
        "embedded",
        "There is no config but in the app's page.",
        b"<script>window.gradio_config = " + json.dumps(CONFIG).encode() + b";</script>",
        Gives(),
    ),
    _paged(
        "embedded-endless",
        "The config in the app's page has no end.",
        b"window.gradio_config = " + b"{" * 200_000,
        NO_APP,
    ),
    _paged(
        "embedded-often",
        "The app's page begins with its config a hundred thousand times.",
        b"window.gradio_config = " * 100_000,
        NO_APP,
    ),
    _paged(
        "embedded-string",
        "The config in the app's page ends within a string.",
        b'window.gradio_config = {"a": "}' + b"x" * 1000,
        NO_APP,
    ),
    _paged(
        "embedded-no-json",
        "The config in the app's page is a script.",
        b"window.gradio_config = {a: alert(1)};",
        raises(RemoteProtocolError, "the config in the app's page is not valid JSON", retryable=False),
    ),
)

NO_PATH: Final = raises(RemoteProtocolError, "config.api_prefix is not a plain path", retryable=False)

CONTENTS: Final = (
    _told("null", "The config is null.", None, raises(RemoteProtocolError, "config is not an object")),
    _told("list", "The config is a list.", [CONFIG], raises(RemoteProtocolError, "config is not an object")),
    _told(
        "gradio-2",
        "The config is that of Gradio 2.",
        {"mode": "interface", "allow_flagging": "never", "version": "2.9.4"},
        raises(UnsupportedProtocol, "the app runs Gradio 2"),
    ),
    _told(
        "login-page",
        "The config is that of a login page, with what it says.",
        {"auth_required": True, "auth_message": "staff only\x1b[2J", "version": "4.44.1"},
        raises(AuthenticationError, "the app says: staff only", auth_message="staff only\x1b[2J"),
    ),
    _changed(
        "protocol-unknown",
        "The app speaks a protocol that is yet to come.",
        raises(UnsupportedProtocol, "'sse_v9'"),
        protocol="sse_v9",
    ),
    _changed(
        "prefix-climbs", "The path of the routes climbs out of its folder.", NO_PATH, api_prefix="/a/../../b"
    ),
    _changed("prefix-url", "The path of the routes is a URL.", NO_PATH, api_prefix="http://evil.example"),
    _changed("prefix-query", "The path of the routes has a query.", NO_PATH, api_prefix="/a?b=c"),
    _changed(
        "prefix-lines", "The path of the routes has line breaks.", NO_PATH, api_prefix="/a\r\nx-evil: yes"
    ),
    _changed("root-elsewhere", "The app believes to be elsewhere.", root="http://evil.example/x"),
    _changed("version-odd-text", "The version would clear a terminal.", version="6.31.0\x1b[2J\n"),
    _changed("version-huge", "The version has a million digits.", version="9" * 1_000_000),
    _changed("app-id-huge", "The app's number has a thousand digits.", app_id=10**1000),
    _changed("component-twice", "Two components have one id.", components=CONFIG["components"] * 2),
    _changed("components-none", "There are no components, though endpoints name some.", components=[]),
    _changed(
        "components-nonsense",
        "Among the components are things that are none.",
        components=[None, 7, "x", [], {}, {"id": "x"}, {"id": {}}, *CONFIG["components"]],
    ),
    _changed(
        "dependencies-nonsense",
        "Among the endpoints are things that are none.",
        dependencies=[*CONFIG["dependencies"], None, 7, "x", []],
    ),
    _changed(
        "dependencies-none",
        "There are no endpoints.",
        raises(ArgumentError, "the app has no public endpoints"),
        dependencies=[],
    ),
    _changed(
        "dependency-twice",
        "An endpoint is there twice.",
        dependencies=CONFIG["dependencies"] * 2,
    ),
    _changed(
        "dependencies-many",
        "There are twenty thousand endpoints.",
        raises(ArgumentError, "the app has several endpoints", retryable=False),
        dependencies=[_dependency(id=number, api_name=f"p{number}") for number in range(20_000)],
    ),
    _changed(
        "inputs-unknown",
        "An endpoint has an input that is no component.",
        dependencies=[_dependency(inputs=[99])],
    ),
    _changed(
        "inputs-many",
        "An endpoint has ten thousand inputs more than it describes.",
        dependencies=[_dependency(inputs=[1, *range(100, 10_100)])],
    ),
    _changed("cancels-itself", "An endpoint cancels itself.", dependencies=[_dependency(cancels=[0, 0, -1])]),
    _changed("id-huge", "An endpoint has a number of thirty digits.", dependencies=[_dependency(id=10**30)]),
    _changed(
        "name-hostile",
        "An endpoint's name would clear a terminal.",
        dependencies=[_dependency(api_name="x\x1b[2J\r\n\u202e")],
    ),
    _changed(
        "private",
        "The only endpoint is private.",
        raises(ArgumentError, "the app has no public endpoints"),
        dependencies=[_dependency(api_visibility="private")],
    ),
)


# No server at all.


@contextlib.contextmanager
def _nobody(_: Bench) -> Generator[str]:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _full(_: Bench) -> Generator[str]:
    """A port at which nobody answers: so many want to connect that no more may wait."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _number in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def _no_such_host(_: Bench) -> Generator[str]:
    """A name that no host has: ``.invalid`` is reserved for that (RFC 2606)."""
    yield "https://no-such-host.invalid"


def _unreachable(name: str, happens: str, served: Served, expect: Expected, **options: Any) -> Fault:
    return Fault(
        id=f"config/{name}",
        happens=happens,
        phase="connect",
        served=served,
        use=only_predicts,
        expect=expect,
        options={"max_retries": 0, **options},
    )


UNREACHABLE: Final = (
    _unreachable(
        "refused",
        "Nobody listens at the port.",
        _nobody,
        raises(ConnectError, phase="not_sent", retryable=True),
    ),
    _unreachable(
        "full",
        "A connection is never made: too many others wait.",
        _full,
        raises(DeadlineExceeded, "no connection to", kind="connect", phase="not_sent", retryable=True),
        timeouts=Timeouts(connect=0.4),
    ),
    _unreachable(
        "no-such-host",
        "The host's name is nobody's.",
        _no_such_host,
        raises(ConnectError, "no-such-host.invalid", phase="not_sent"),
    ),
)

FAULTS: tuple[Fault, ...] = (*UNREACHABLE, *ANSWERS, *PAGES, *CONTENTS, *FIELDS)
