"""Whatever a server says is harmless wherever it comes out: in a terminal, a log, an error, a page, a report, in code.

One server says the same harm in every place that it has, and every sink is looked at: those of the library, those of
the commands, and the files that they write. Each sink has its own rules (what breaks a line of a log is harmless in a
page), and each must show the mark: a sink that shows nothing of the server would pass whatever it did.
"""

from __future__ import annotations

import ast
import json
import logging
import pydoc
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

import click
import pytest
from faulty import SHORT, FaultyServer, Handler, Peer, Seen, within
from markdown_it import MarkdownIt
from test_typed_codegen import check_shape

from gradio_proto import Client, GradioError
from gradio_proto.cli.calls.naming import complete_endpoint
from gradio_proto.cli.command import root, run
from gradio_proto.recording import Recorder
from gradio_proto.testing import TestApp
from gradio_proto.text import UNSAFE

MARK = "evil7"
"""What each of the texts holds, and nothing else does."""

HARMS = {
    "ansi": "\x1b[2J\x1b]0;title\x07",
    "c0": "\x00\x08\x0b\x7f",
    "c1": "\x9b31m\x85",
    "lines": "\r\nERROR forged line\n",
    "bidi": "\u202egpj.exe\u2066\u2069\u200f",
    "separators": "\u2028\u2029\ufeff",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": "\"'><a href='javascript:alert(1)' onmouseover='alert(1)'>",
    "xml": "]]><evil/><!-- -->",
    "markdown": "`` ` ``` [x](http://evil.example) ![x](http://evil.example/x.png) | a | <b>@somebody</b>",
    "markup": "[bold red]x[/] [link=http://evil.example]y[/link] {task} ${title} %s {0.__class__}",
    "python": '"""\nimport os; os.system("x")\n"""\\',
    "quotes": "'); import os; ('\\",
    "shell": "$(touch /evil) `touch /evil`; touch /evil",
}
"""What may be said to harm who reads it, or what does."""


class EvilServer(FaultyServer):
    """Says a text wherever it has something to say."""

    def __init__(self, evil: str, handlers: dict[str, Handler] | None = None, *, fails: bool = False) -> None:
        self.evil = evil
        self.fails = fails
        app = TestApp(title=evil)

        @app.endpoint("/predict")
        def predict(x: str = evil) -> str:
            return x

        super().__init__(handlers, app=app, config={"space_id": None, "username": evil})

    def _info(self, peer: Peer, _: Seen) -> None:
        evil = self.evil
        described: dict[str, Any] = self._app.info()
        endpoint = described["named_endpoints"]["/predict"]
        endpoint["description"] = evil
        for part in (*endpoint["parameters"], *endpoint["returns"]):
            part["label"] = part["component"] = evil
            part["python_type"] = {"type": evil, "description": evil}
            part["type"] = {"type": "string", "description": evil, "enum": [evil], "title": evil}
        endpoint["parameters"][0]["parameter_name"] = evil
        endpoint["parameters"][0]["example_input"] = evil
        described["named_endpoints"][f"/{evil}"] = endpoint
        peer.json(described)

    def _data(self, peer: Peer, _: Seen) -> None:
        evil, id = self.evil, f"e{self.jobs}"
        peer.begin_stream()
        peer.message("process_starts", event_id=id, eta=None)
        peer.message("log", event_id=id, log=evil, level="info", title=evil, duration=None, visible=True)
        unit = {"index": 1, "length": 2, "unit": evil, "desc": evil, "progress": None}
        peer.message("progress", event_id=id, progress_data=[unit])
        peer.message(
            "process_generating", event_id=id, success=True, output={"data": [evil], "is_generating": True}
        )
        if self.fails:
            output = {"error": evil, "title": evil, "visible": True, "duration": None}
            peer.message("process_completed", event_id=id, success=False, output=output, title=evil)
        else:
            peer.complete(id, evil)
        peer.message("close_stream", event_id=None)
        peer.chunk(b"")


# What is looked for.


def check_line(shown: str) -> None:
    """One line, which orders a terminal nothing."""
    assert not UNSAFE.search(shown), ascii(shown)


def check_lines(shown: str) -> None:
    """Lines, none of which the server has begun."""
    check_line(shown.replace("\n", ""))
    assert not [line for line in shown.split("\n") if line.lstrip().startswith("ERROR")], ascii(shown)


def check_text(shown: str) -> None:
    """The app's text for who asked for that: its lines are its own."""
    check_line(re.sub("[\n\t]", "", shown))


class Page(HTMLParser):
    """What a browser would make of a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def check_html(shown: str) -> None:
    """A page in which a server has no part."""
    page = Page(shown)
    assert not {"img", "evil", "iframe", "object", "base", "link"} & {*page.tags}
    assert page.tags.count("script") <= 1  # the report's own
    assert "alert(1)" not in "".join(re.findall("<script[^>]*>(.*?)</script>", shown, re.DOTALL))
    for name, value in page.attributes:
        assert not name.startswith("on"), (name, value)
        assert name != "href" or value.startswith(("#", "https://")), value
    check_line(re.sub("[\n\t]", "", shown))


def check_xml(shown: str) -> None:
    """XML without elements of a server's."""
    tags = {element.tag for element in ElementTree.fromstring(shown).iter()}
    assert tags <= {
        *("testsuites", "testsuite", "testcase", "failure", "error", "skipped", "system-out", "system-err"),
        *("properties", "property"),
    }
    check_line(re.sub("[\n\t]", "", shown))


def check_markdown(shown: str) -> None:
    """Markdown without links, pictures or tags of a server's."""
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(shown)
    page = Page(html)
    assert not {"img", "a", "b", "script", "evil"} & {*page.tags}
    check_line(re.sub("[\n\t]", "", shown))


def check_json(shown: str) -> None:
    """Lines of JSON that may be looked at in a terminal."""
    for line in shown.splitlines():
        json.loads(line)
    check_line(shown.replace("\n", ""))


def check_python(shown: str) -> None:
    """Code of which nothing is the server's but names, literals and docstrings."""
    check_shape(shown)
    check_line(shown.replace("\n", ""))


# The sinks. Each gives what it shows.

Shown = Iterator[tuple[str, Callable[[str], None], str]]
"""The name of a sink, its rule, and what came out of it."""


def of_objects(client: Client) -> Shown:
    job = client.submit("x")
    job.result(5)
    yield "view_api", check_text, str(client.view_api(return_format="str"))
    for name, thing in (("client", client), ("job", job), ("endpoint", client.endpoint("/predict"))):
        yield f"repr of a {name}", check_line, repr(thing)
        yield f"HTML of a {name}", check_html, thing._repr_html_()
    method = client.api.predict
    yield "signature", check_line, str(method.__signature__)
    yield "docstring", check_text, method.__doc__ or ""
    yield "help", check_text, pydoc.plain(pydoc.render_doc(method))
    for event in job.events():
        yield "repr of an event", check_line, repr(event)


FAILING: dict[str, Callable[[Peer, str], None]] = {
    "a page": lambda peer, evil: peer.reply(evil.encode(), kind="text/html"),
    "a status": lambda peer, evil: peer.reply(evil.encode(), "500 Oops", kind="text/plain"),
    "a detail": lambda peer, evil: peer.json({"detail": evil}, "403 Forbidden"),
    "a validation": lambda peer, evil: peer.json(
        {"detail": [{"loc": [evil], "msg": evil, "input": evil}]}, "422 Unprocessable Content"
    ),
    "an error": lambda peer, evil: peer.json({"error": evil}, "400 Bad Request"),
    "a login": lambda peer, evil: peer.json({"detail": evil, "auth_message": evil}, "401 Unauthorized"),
    "an odd value": lambda peer, evil: peer.json([evil]),
    "a location": lambda peer, evil: peer.reply(
        b"",
        "302 Found",
        location="http://evil.example/" + re.sub("[\r\n\0]", "", evil).encode().decode("latin-1"),
    ),
    "a kind": lambda peer, evil: peer.reply(
        b"{", kind=re.sub("[\r\n\0]", "", evil).encode().decode("latin-1")
    ),
    "a stream": lambda peer, evil: peer.send(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: "
        + json.dumps({"msg": evil, "event_id": evil, "message": evil, "success": evil}).encode()
        + b"\n\n"
    ),
}
"""What a request may be answered to make it fail."""


def errors(evil: str) -> Iterator[Exception]:
    """Errors of every request, and of every way in which it fails."""
    for route in ("config", "info", "queue/join", "queue/data"):
        for fail in FAILING.values():

            def handle(peer: Peer, _: Seen, fail: Callable[[Peer, str], None] = fail) -> None:
                fail(peer, evil)
                peer.close()

            with EvilServer(evil, {route: handle}) as server:
                error = failure_of(server)
                if error is not None:
                    yield error
    with EvilServer(evil, fails=True) as server:
        error = failure_of(server)
        assert error is not None
        yield error
        for wrong in ({"api_name": "/no"}, {"no": 1}, {"x": 1, "y": 2}):
            error = failure_of(server, **wrong)
            assert error is not None
            yield error


def failure_of(server: FaultyServer, **call: Any) -> Exception | None:
    """The error that a call ends with, if one does. A wrong call is a TypeError, as in Python."""
    try:
        with Client(server.url, timeouts=SHORT, max_retries=0) as client:
            client.predict(**{"api_name": "/predict", **call})
    except (GradioError, TypeError) as error:
        return error
    return None


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(60):
        yield


@pytest.fixture(params=HARMS)
def evil(request: pytest.FixtureRequest) -> str:
    return f"{HARMS[request.param]}{MARK}"


def test_what_the_library_shows(
    evil: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        caplog.at_level(logging.DEBUG),
        EvilServer(evil) as server,
        Client(server.url, verbose=True) as client,
    ):
        for name, check, shown in of_objects(client):
            assert MARK in shown or name.startswith(("repr", "HTML of a job")), name
            check(shown)
    check_text(capsys.readouterr().out)
    for record in caplog.records:
        check_line(record.getMessage())


def test_what_errors_say(evil: str, caplog: pytest.LogCaptureFixture) -> None:
    marked = 0
    with caplog.at_level(logging.DEBUG):
        for error in errors(evil):
            check_line(str(error))
            check_line(repr(error))
            assert len(str(error)) < 1000
            marked += MARK in str(error)
    assert marked >= 15
    for record in caplog.records:
        check_line(record.getMessage())


COMMANDS: dict[str, tuple[list[str], Callable[[str], None]]] = {
    "info": (["info", "{url}"], check_json),
    "info of one": (["info", "{url}", "/predict"], check_json),
    "info as a table": (["info", "{url}", "--format", "table"], check_lines),
    "info of one as a table": (["info", "{url}", "/predict", "--format", "table"], check_text),
    "predict": (["predict", "{url}", "/predict", "-v"], check_json),
    "submit": (["submit", "{url}", "/predict", "--events"], check_json),
    "stream": (["stream", "{url}", "/predict"], check_json),
    "stream as text": (["stream", "{url}", "/predict", "--text"], check_text),
    "codegen": (["codegen", "{url}"], check_python),
}
"""Commands, and the rules of what they print."""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("fails", [False, True], ids=["well", "fails"])
def test_what_commands_print(
    command: str, fails: bool, evil: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words, check = COMMANDS[command]
    with EvilServer(evil, fails=fails) as server:
        ended = run([word.format(url=server.url) for word in words])
    shown = capsys.readouterr()
    calls = words[0] in ("predict", "submit", "stream")
    assert ended == (1 if calls and fails else 0), shown.err
    assert MARK in shown.out + shown.err
    if shown.out:
        check(shown.out)
    check_lines(shown.err)


def test_what_a_refusal_prints(evil: str, capsys: pytest.CaptureFixture[str]) -> None:
    marked = 0
    for fail in FAILING.values():

        def handle(peer: Peer, _: Seen, fail: Callable[[Peer, str], None] = fail) -> None:
            fail(peer, evil)
            peer.close()

        with EvilServer(evil, {"info": handle, "upload": handle, "file": handle}) as server:
            assert run(["info", server.url, "-v"]) in (1, 2)
            assert run(["upload", server.url, __file__, "-v"]) in (1, 2)
            run(["download", server.url, "/x", "-o", "-", "-v"])
        shown = capsys.readouterr()
        check_lines(shown.err)
        check_text(shown.out)
        marked += MARK in shown.err
    assert marked >= 6


def test_what_a_shell_completes(evil: str) -> None:
    """What stands on a command line is run at the next Return, so names that a shell would read are left out."""
    with EvilServer(evil) as server:
        context = click.Context(root)
        context.params["src"] = server.url
        names = [item.value for item in complete_endpoint(context, click.Argument(["endpoint"]), "")]
    assert names == ["/predict"]


def test_what_is_drawn_of_a_recording(evil: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    formats: tuple[Literal["ndjson", "har"], ...] = ("ndjson", "har")
    for format in formats:
        file, page = tmp_path / f"session.{format}", tmp_path / "timeline.html"
        with (
            EvilServer(evil, fails=True) as server,
            Recorder(server.url, file, format=format) as recorder,
            Client(recorder.url, timeouts=SHORT) as client,
            pytest.raises(GradioError),
        ):
            client.predict("x")
        assert run(["trace", str(file), "-o", str(page)]) == 0
        check_html(page.read_text("utf-8"))
        assert MARK in Page(page.read_text("utf-8")).text
        for line in file.read_text("utf-8").splitlines() if format == "ndjson" else [file.read_text("utf-8")]:
            json.loads(line)
    shown = capsys.readouterr()
    check_lines(shown.out + shown.err)


REPORTS: dict[str, Callable[[str], None]] = {
    "junit": check_xml,
    "ndjson": check_json,
    "html": check_html,
    "md": check_markdown,
}


def test_what_reports_hold(evil: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = {kind: tmp_path / f"report.{kind}" for kind in REPORTS}
    words = [
        "conformance",
        "run",
        "--trace",
        "--select",
        "discovery/info/*",
        "--select",
        "queue/join/unknown-fn",
    ]
    for kind, path in paths.items():
        words += ["-r", f"{kind}={path}"]
    with EvilServer(evil) as server:
        assert run([*words, server.url]) == 1
    shown = capsys.readouterr()
    check_text(shown.out)
    check_text(shown.err)
    for kind, path in paths.items():
        text = path.read_text("utf-8")
        assert MARK in text, kind
        REPORTS[kind](text)


# The rules themselves.


@pytest.mark.parametrize(
    ("check", "shown"),
    [
        *((check_line, HARMS[name]) for name in ("ansi", "c0", "c1", "lines", "bidi", "separators")),
        (check_lines, "well\nERROR forged line"),
        (check_text, "\x1b[2J"),
        (check_html, HARMS["html"]),
        (check_html, f'<p title="{HARMS["attribute"]}">'),
        (check_html, "<!-- -->"),
        (check_xml, "<testsuite><evil/></testsuite>"),
        (check_xml, "<testsuite>]]></testsuite>"),
        (check_markdown, HARMS["markdown"].partition("``` ")[2]),
        (check_json, '"a\x9b"'),
        (check_json, "a"),
        (check_python, "import os"),
        (check_python, 'class A:\n    """x"""\n    x = os.system("x")'),
    ],
)
def test_the_rules_see_harm(check: Callable[[str], None], shown: str) -> None:
    with pytest.raises((AssertionError, ElementTree.ParseError, json.JSONDecodeError)):
        check(shown)


def test_the_harm_is_of_all_kinds() -> None:
    said = "".join(HARMS.values())
    assert {found[0] for found in UNSAFE.finditer(said)} >= {*"\0\x1b\x7f\x9b\u2028\u202e\u2066\ufeff"}
    with pytest.raises(SyntaxError):
        ast.parse(HARMS["python"])
