"""Where a redirect can lead, on any route, and what must not follow it there."""

from __future__ import annotations

import time
from typing import Final

import canaries
from faulty import FaultyServer, Peer, Seen

from gradio_proto import handle_file
from gradio_proto.conformance.clients.rendering import GENERATIONS
from gradio_proto.conformance.clients.steps import (
    ELSEWHERE,
    Close,
    Jobs,
    Script,
    Until,
    begun,
    completed,
    generating,
)
from gradio_proto.conformance.clients.steps import Answer as Said
from gradio_proto.errors import HTTPStatusError, LimitExceeded, RemoteProtocolError
from gradio_proto.flows.requests import RedirectedElsewhere
from gradio_proto.limits import KIB
from gradio_proto.testing import Component, TestApp

from .answers import BEGUN, Answer, responds, says, silent, stays
from .bench import Bench
from .filed import WELL, calls, filed
from .model import Expected, Fault, Gives, Phase, Served, Use, raises
from .servers import faulty, scripted
from .uses import connects, only_predicts, predicts, works

STATUSES: Final = ("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent")
LEFT: Final = raises(RedirectedElsewhere, "if you trust it, connect to it instead", retryable=False)
"""Another origin is named, and it is the user who decides whether to go there."""


def _leads(location: str, status: str = "302 Found") -> Answer:
    """A redirect."""
    return responds(status, headers={"location": location})


def _again(status: str) -> Answer:
    """A redirect to the same route, where the usual answer is given."""

    def answer(peer: Peer, request: Seen, _: FaultyServer) -> None:
        mark = "&" if "?" in request.target else "?"
        peer.reply(b"", status, location=f"{request.target}{mark}again=1")

    return answer


def _elsewhere(route: str, status: str) -> Served:
    """A redirect of a route to the same one of the other origin."""

    def answers(bench: Bench) -> dict[str, Answer]:
        def answer(peer: Peer, request: Seen, _: FaultyServer) -> None:
            peer.reply(b"", status, location=f"{bench.elsewhere}{request.target}")

        return {route: answer}

    return faulty(answers)


def _fault(name: str, happens: str, served: Served, expect: Expected, use: Use = connects) -> Fault:
    return Fault(
        id=f"redirects/{name}", happens=happens, phase="connect", served=served, use=use, expect=expect
    )


def _code(status: str) -> str:
    return status.partition(" ")[0]


FOLLOWED: Final = tuple(
    _fault(
        f"{route}-{_code(status)}",
        f"/{route} is redirected with {_code(status)}, on its own origin.",
        faulty({route: _again(status)}),
        Gives(),
    )
    for route in ("config", "info")
    for status in STATUSES
)

ROUTES: Final[tuple[tuple[str, str, Phase, Use], ...]] = (
    ("config", "config", "connect", connects),
    ("info", "info", "connect", connects),
    ("queue/join", "join", "join", predicts),
    ("queue/data", "stream", "stream", predicts),
)

NOT_FOLLOWED: Final = tuple(
    Fault(
        id=f"redirects/{name}-{_code(status)}",
        happens=f"/{route} is redirected with {_code(status)}, on its own origin.",
        phase=phase,
        served=faulty({route: _again(status)}),
        use=predicts,
        expect=raises(
            HTTPStatusError, f"/{route} answered {_code(status)}", status=int(_code(status)), retryable=False
        ),
    )
    for route, name, phase, _ in ROUTES
    if phase != "connect"
    for status in STATUSES
)

CROSSING: Final = tuple(
    Fault(
        id=f"redirects/{name}-elsewhere-{_code(status)}",
        happens=f"/{route} is redirected with {_code(status)} to another origin.",
        phase=phase,
        served=_elsewhere(route, status),
        use=use,
        expect=LEFT if phase == "connect" else raises(HTTPStatusError, status=int(_code(status))),
    )
    for route, name, phase, use in ROUTES
    for status in STATUSES
)


async def _uploads(bench: Bench) -> object:
    return await calls(bench, handle_file(b"mine", name="a.txt"))


def _file_elsewhere(route: str) -> Served:
    return filed(lambda bench: {route: _leads(f"{bench.elsewhere}/gradio_api/{route}")})


FILES: Final = (
    Fault(
        id="redirects/file",
        happens="A download is redirected, on its own origin.",
        phase="download",
        served=filed({"file": _again("302 Found")}),
        use=calls,
        expect=Gives(WELL),
    ),
    Fault(
        id="redirects/file-elsewhere",
        happens="A download is redirected to another origin.",
        phase="download",
        served=_file_elsewhere("file"),
        use=calls,
        expect=LEFT,
    ),
    Fault(
        id="redirects/upload",
        happens="An upload is redirected, on its own origin.",
        phase="upload",
        served=filed({"upload": _again("307 Temporary")}),
        use=_uploads,
        expect=raises(HTTPStatusError, status=307),
    ),
    Fault(
        id="redirects/upload-elsewhere",
        happens="An upload is redirected to another origin.",
        phase="upload",
        served=_file_elsewhere("upload"),
        use=_uploads,
        expect=raises(HTTPStatusError, status=302),
    ),
    Fault(
        id="redirects/heartbeat-elsewhere",
        happens="The heartbeat, for which nobody waits, is redirected to another origin.",
        phase="life",
        served=_file_elsewhere("heartbeat"),
        use=calls,
        expect=Gives(WELL),
    ),
)


async def _logs_in(bench: Bench) -> object:
    async with bench.client(auth=("ada", canaries.PASSWORD)) as client:
        return await client.predict("hello")


LOGINS: Final = (
    Fault(
        id="redirects/login",
        happens="The login is redirected to the app's page: there is nothing to log in to.",
        phase="login",
        served=faulty({"login": _leads("/")}),
        use=_logs_in,
        expect=Gives(),
    ),
    *[
        Fault(
            id=f"redirects/login-elsewhere-{_code(status)}",
            happens=f"The login is redirected with {_code(status)} to another origin's login.",
            phase="login",
            served=_elsewhere("login", status),
            use=_logs_in,
            expect=LEFT,
        )
        for status in STATUSES
    ],
)

UNUSABLE: Final = raises(RemoteProtocolError, "cannot use a URL", retryable=False)
NO_PLACE: Final = raises(RemoteProtocolError, "not of the form http(s)://host/path", retryable=False)
HOSTILE: Final = raises(RemoteProtocolError, "control characters or backslashes", retryable=False)


def _location(name: str, what: str, location: str, expect: Expected) -> Fault:
    """The config is redirected there."""
    return _fault(name, f"The config is redirected to {what}.", faulty({"config": _leads(location)}), expect)


def _raw(name: str, what: str, *headers: bytes, expect: Expected, status: bytes = b"302 Found") -> Fault:
    """The config is answered by a redirect with these header lines."""
    said = b"\r\n".join([b"HTTP/1.1 " + status, b"content-length: 0", *headers, b"", b""])
    return _fault(name, what, faulty({"config": says(said, then=stays)}), expect)


LOCATIONS: Final = (
    _location("to-file", "a file of this machine", "file:///etc/passwd", UNUSABLE),
    _location("to-javascript", "a script", "javascript:alert(1)", NO_PLACE),
    _location("to-data", "a data URL", "data:application/json,{}", NO_PLACE),
    _location("to-ftp", "an FTP server", "ftp://127.0.0.1/config", UNUSABLE),
    _location("to-websocket", "a WebSocket", "ws://127.0.0.1/config", UNUSABLE),
    _location(
        "to-user",
        "a URL with a name and a password",
        f"http://user:{canaries.PROXY_PASSWORD}@127.0.0.1/config",
        raises(RemoteProtocolError, "holds credentials", retryable=False),
    ),
    _location("to-backslashes", "a host behind backslashes", "\\\\evil.example\\config", HOSTILE),
    _location(
        "to-slash-backslash", "a host behind a slash and a backslash", "/\\evil.example/config", HOSTILE
    ),
    _location("to-no-host", "a URL without a host", "http:///config", UNUSABLE),
    _location("to-no-port", "a port that is none", "http://127.0.0.1:99999/config", UNUSABLE),
    _location("to-word-port", "a port that is a word", "http://127.0.0.1:x/config", UNUSABLE),
    _location("to-zone", "an address of a network card", "http://[fe80::1%25eth0]/config", UNUSABLE),
    _location("to-long-host", "a host of ten thousand letters", f"http://{'a' * 10_000}/config", UNUSABLE),
    _location("to-name", "this machine by another name", "http://localhost:7860/config", LEFT),
    _location("to-metadata", "the address of a cloud's credentials", "http://169.254.169.254/latest", LEFT),
    _location("to-protocol-relative", "another host, with no scheme", "//evil.example/config", LEFT),
    _location("to-https", "https on this very host", "https://127.0.0.1/config", LEFT),
    _location("relative", "a relative path", "config?again=1", Gives()),
    _location("dots", "a path that climbs out of its root", "/../../x/../config?again=1", Gives()),
    _location("query", "a query alone", "?again=1", Gives()),
    _location("fragment", "a fragment alone", "#again", Gives()),
    _location("spaces", "a path with blanks and other letters", "/config?a b=\u00e4", Gives()),
    _fault(
        "same-origin-odd",
        "The config is redirected to its own origin, in another spelling.",
        faulty(
            lambda bench: {
                "config": lambda peer, _, server: peer.reply(
                    b"", "302 Found", location=f"HTTP://127.0.0.1:{server.port}/./config"
                )
            }
        ),
        Gives(),
    ),
    _raw(
        "no-location",
        "The config is redirected to nowhere: there is no Location.",
        expect=raises(RemoteProtocolError, "a redirect (302) without a location", retryable=False),
    ),
    _raw(
        "empty-location",
        "The config is redirected to an empty Location.",
        b"location:",
        expect=raises(RemoteProtocolError, "a redirect (302) without a location", retryable=False),
    ),
    _raw(
        "two-locations",
        "The config is redirected to two places at once.",
        b"location: /config?again=1",
        b"location: http://evil.example/config",
        expect=Gives(),
    ),
    _raw(
        "bytes",
        "The config is redirected to bytes that are no ASCII.",
        b"location: /config?\xff\xfe\xc3\xa4",
        expect=Gives(),
    ),
    _raw(
        "escape",
        "The config is redirected to a place with an escape character.",
        b"location: /config?\x1b[2J",
        expect=HOSTILE,
    ),
    _raw(
        "nul",
        "The config is redirected to a place with a NUL.",
        b"location: /config?\0",
        expect=raises(RemoteProtocolError, "not HTTP/1.1", retryable=False),
    ),
    _raw(
        "folded-location",
        "The config is redirected to a place that is folded over two lines.",
        b"location: /config?again=1",
        b"  x-evil: yes",
        expect=Gives(),
    ),
    _raw(
        "status-300",
        "The config is answered 300, with no Location.",
        status=b"300 Multiple Choices",
        expect=raises(HTTPStatusError, "/config answered 300", status=300),
    ),
    _raw(
        "status-300-location",
        "The config is answered 300, with a Location that is one of many.",
        b"location: http://evil.example/config",
        status=b"300 Multiple Choices",
        expect=raises(HTTPStatusError, "/config answered 300", status=300),
    ),
    _raw(
        "status-304",
        "The config is answered 304, though nobody has it.",
        status=b"304 Not Modified",
        expect=raises(HTTPStatusError, "/config answered 304", status=304),
    ),
    _raw(
        "status-305",
        "The config is answered 305: by way of another proxy.",
        b"location: http://evil.example/",
        status=b"305 Use Proxy",
        expect=raises(HTTPStatusError, "/config answered 305", status=305),
    ),
    _raw(
        "status-201",
        "The config is answered 201, with a Location.",
        b"location: http://evil.example/config",
        status=b"201 Created",
        expect=raises(HTTPStatusError, "/config answered 201", status=201),
    ),
    _location("to-long-path", "a path of 60 KiB", f"/config?{'x' * (60 * KIB)}", Gives()),
)


def _counts(peer: Peer, request: Seen, _: FaultyServer) -> None:
    """Each redirect leads to another place, and none is the last."""
    peer.reply(b"", "302 Found", location=f"{request.target}{'&' if '?' in request.target else '?'}x")


TOO_MANY: Final = raises(LimitExceeded, name="redirects", limit=3, retryable=False)

LOOPS: Final = (
    _fault(
        "loop",
        "The config is redirected to itself, for ever.",
        faulty({"config": _leads("/config")}, times=None),
        TOO_MANY,
        use=only_predicts,
    ),
    _fault(
        "loop-of-two",
        "The config is redirected to a place that is redirected to the config.",
        faulty({"config": _leads("/elsewhere"), "elsewhere": _leads("/config")}, times=None),
        TOO_MANY,
        use=only_predicts,
    ),
    _fault(
        "endless",
        "The config is redirected on and on.",
        faulty({"config": _counts}, times=None),
        TOO_MANY,
        use=only_predicts,
    ),
    _fault("three", "The config is redirected three times.", faulty({"config": _counts}, times=3), Gives()),
    _fault("four", "The config is redirected four times.", faulty({"config": _counts}, times=4), TOO_MANY),
    _fault(
        "body",
        "A redirect has a body that goes on and on.",
        faulty(
            {
                "config": says(
                    b"HTTP/1.1 302 Found\r\nlocation: /config?again\r\ncontent-length: 99999999\r\n\r\n",
                    b"x" * 65536,
                    then=silent,
                )
            }
        ),
        Gives(),
    ),
)


def _moved(generation: str) -> Served:
    away = Said(307, b"", (("location", f"{ELSEWHERE}/queue/join"),), None)
    return scripted(Script(Jobs(((*begun(), completed("well")),)), {"queue/join": ((away,),)}), generation)


JOINS: Final = tuple(
    Fault(
        id=f"redirects/join-{generation.replace('.', '-').replace('_', '-')}",
        happens=f"The join is redirected to another origin, on a server of the generation {generation}.",
        phase="join",
        served=_moved(generation),
        use=only_predicts,
        expect=raises(HTTPStatusError, "/queue/join answered 307", status=307, retryable=False),
    )
    for generation in GENERATIONS
)


# Requests that tell a server to stop something, or call a function of a component.


def _stops_elsewhere(bench: Bench) -> dict[str, Answer]:
    """A job that runs until it is to be stopped, which another origin is to do."""

    def runs(peer: Peer, _: Seen, server: FaultyServer) -> None:
        peer.begin_stream()
        peer.chunk(BEGUN.replace(b"@ID@", b"e1"))
        while not server.seen("cancel") and peer.sock.fileno() >= 0:
            time.sleep(0.01)
        peer.chunk(b"")

    return {"queue/data": runs, "cancel": _leads(f"{bench.elsewhere}/gradio_api/cancel", "307 Temporary")}


async def _cancels(bench: Bench) -> object:
    """A job is given up; what is said of that, and how often the server was asked to stop it."""
    async with bench.client() as client:
        job = await client.submit("hello")
        assert await job.cancel(force=True)
        report = job.cancel_report
        assert "did not take the cancellation" in report.reason, report.reason
        await works(client)
        return report.server_told, len(bench.server.seen("cancel"))


RESET_ELSEWHERE: Final = Script(
    Jobs(
        (
            (*begun(), generating("one"), Until("reset"), Close()),
            (*begun(2), completed("well", job=2)),
        )
    ),
    {"reset": ((Said(307, b"", (("location", f"{ELSEWHERE}/reset"),), None),),)},
    dependency={"types": {"generator": True, "continuous": False, "cancel": False}},
)


async def _resets(bench: Bench) -> object:
    """The same of a generator of a server that has no /cancel."""
    async with bench.client() as client:
        job = await client.submit("hello")
        async for _ in job:
            assert await job.cancel()
            break
        await works(client)
        return job.cancel_report.server_told, sum(asked.route == "reset" for asked in bench.server.log)


def _with_function() -> TestApp:
    app = TestApp()
    textbox = Component("textbox", server_fns={"shout": str.upper})
    app.endpoint("/predict", inputs=[textbox], outputs=["text"])(lambda x: x)
    return app


async def _calls_component(bench: Bench) -> object:
    """A function of a component is called."""
    async with bench.client() as client:
        (number,) = [each["id"] for each in client.config["components"] if each["props"].get("server_fns")]
        try:
            return await client.component_server(number, "shout", "x")
        finally:
            assert len(bench.server.seen("component_server")) == 1
            await works(client)


TOLD: Final = (
    Fault(
        id="redirects/cancel-elsewhere",
        happens="The request to stop a job is redirected to another origin: the report says that it was not taken.",
        phase="life",
        served=faulty(_stops_elsewhere),
        use=_cancels,
        expect=Gives((False, 1)),
    ),
    Fault(
        id="redirects/reset-elsewhere",
        happens="The request to end a generator of Gradio 4.0 is redirected to another origin.",
        phase="life",
        served=scripted(RESET_ELSEWHERE, "sse"),
        use=_resets,
        expect=Gives((False, 1)),
    ),
    *[
        Fault(
            id=f"redirects/component-server-elsewhere-{_code(status)}",
            happens=f"The call of a component's function is redirected with {_code(status)} to another origin.",
            phase="life",
            served=faulty(
                lambda bench, status=status: {
                    "component_server": _leads(f"{bench.elsewhere}/gradio_api/component_server", status)
                },
                app=_with_function,
            ),
            use=_calls_component,
            expect=raises(HTTPStatusError, status=int(_code(status)), retryable=False),
        )
        for status in STATUSES
    ],
)

FAULTS: tuple[Fault, ...] = (
    *FOLLOWED,
    *NOT_FOLLOWED,
    *CROSSING,
    *FILES,
    *LOGINS,
    *LOCATIONS,
    *LOOPS,
    *JOINS,
    *TOLD,
)
