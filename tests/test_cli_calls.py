"""The commands that call an app: what they take, print and return."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import pytest
from faulty import FaultyServer
from hub_server import HubServer, stand_in

from gradio_proto import Client
from gradio_proto.cli import main
from gradio_proto.cli.calls.arguments import read_arguments
from gradio_proto.cli.calls.naming import by_label, read_endpoint
from gradio_proto.cli.calls.schemas import simplified
from gradio_proto.cli.calls.streaming import GrowingText
from gradio_proto.files import FileInput
from gradio_proto.flows import spaces as space_flows
from gradio_proto.testing import Context, EmbeddedServer, Error, File, TestApp, serve

VERSIONS = ("3.50.2", "4.0.2", "4.44.1", "5.49.1", "6.31.0")


def an_app(version: str = "6.31.0", **options: Any) -> TestApp:
    app = TestApp(version=version, **options)

    @app.endpoint("/greet")
    def greet(name: str, times: int = 1) -> str:
        return f"Hello, {name}! " * int(times)

    @app.endpoint("/two", outputs=["textbox", "number"])
    def two() -> tuple[str, int]:
        return "a", 1

    @app.endpoint("/count")
    def count(n: int, *, context: Context) -> Iterator[int]:
        for number in range(int(n)):
            yield number
            context.sleep(0.01)

    @app.endpoint("/write")
    def write(text: str) -> Iterator[str]:
        for end in range(1, len(text) + 1):
            yield text[:end]

    @app.endpoint("/say")
    def say(values: str) -> Iterator[str]:
        yield from values.split("|")

    @app.endpoint("/fail")
    def fail() -> str:
        raise Error("no \x1b[31m way\u202e")

    @app.endpoint("/warn")
    def warn(*, context: Context) -> str:
        context.warning("careful\x1b[2J", title="Note")
        return "warned"

    @app.endpoint("/train")
    def train(*, context: Context) -> str:
        for step in range(1, 4):
            context.progress((step, 3), desc="[bold]training\x07", unit="steps")
            context.sleep(0.2)
        return "trained"

    @app.endpoint("/loud")
    def loud(file: File) -> File:
        return File(f"loud-{file.name}", file.data.upper())

    @app.endpoint("/drafts")
    def drafts() -> Iterator[File]:
        for number in range(3):
            yield File(f"draft-{number}", b"x" * number)

    @app.endpoint("/size")
    def size(file: File) -> int:
        return len(file.data)

    @app.endpoint("/forever")
    def forever(*, context: Context) -> Iterator[int]:
        number = 0
        while True:
            yield number
            number += 1
            context.sleep(0.02)

    return app


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[str], str]]:
    urls: dict[str, str] = {}
    with ExitStack() as stack:

        def url_of(version: str) -> str:
            if version not in urls:
                urls[version] = stack.enter_context(serve(an_app(version)))
            return urls[version]

        yield url_of


@pytest.fixture
def url(servers: Callable[[str], str]) -> str:
    return servers("6.31.0")


class Ran:
    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def ran(*words: str, given: bytes | str = b"") -> Ran:
        given = given.encode() if isinstance(given, str) else given
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given), encoding="utf-8"))
        status = main(list(words))
        sys.stdout.flush()
        sys.stderr.flush()
        return Ran(status, *capfd.readouterr())

    return ran


# What a call is given.


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "words",
    [
        ['{"name": "Ada", "times": 2}'],
        ['["Ada", 2]'],
        ["name=Ada", "times=2"],
        ['name="Ada"', "times=2"],
        ["-"],
    ],
)
def test_arguments(version: str, words: list[str], servers: Callable[[str], str], run: Run) -> None:
    done = run("predict", servers(version), "/greet", *words, given='{"name": "Ada", "times": 2}')
    assert (done.status, done.err) == (0, "")
    assert list(done.json.values()) == ["Hello, Ada! Hello, Ada! "]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("x=3", 3),
        ('x="3"', "3"),
        ("x=Ada", "Ada"),
        ("x=", ""),
        ("x=true", True),
        ("x=null", None),
        ("x=NaN", "NaN"),
        ("x=007", "007"),
        ("x=[1, 2]", [1, 2]),
        ("x=a=b", "a=b"),
        ("x=@@ada", "@ada"),
        ("x=two\nlines", "two\nlines"),
        ("x=" + "[" * 100_000, "[" * 100_000),
    ],
)
def test_values(word: str, value: Any) -> None:
    found = read_arguments([word])
    assert (found.args, found.kwargs) == ((), {"x": value})
    assert type(found.kwargs["x"]) is type(value)


META = {"_type": "gradio.FileData"}


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ({"path": "a/b.png", "meta": META}, "b.png"),
        ({"path": "a/b.png", "meta": META, "orig_name": "c.png"}, "c.png"),
        ({"path": "http://x/y.png", "meta": META}, "y.png"),
        ({"path": "/srv/b.png", "meta": META, "size": 5}, None),
        ({"path": "/srv/b.png", "meta": META, "url": None}, None),
        ({"path": "b.png"}, None),
        ({"path": 3, "meta": META}, None),
        ({"path": "b.png", "meta": {"_type": "other"}}, None),
    ],
)
@pytest.mark.parametrize("in_a_pair", [False, True])
def test_files_in_json(part: Any, name: str | None, in_a_pair: bool) -> None:
    if in_a_pair:
        found = read_arguments([f"x={json.dumps([part])}"]).kwargs["x"][0]
    else:
        found = read_arguments([json.dumps({"x": {"y": part}})]).kwargs["x"]["y"]
    if name is None:
        assert found == part
    else:
        assert isinstance(found, FileInput)
        assert (found.name, found.source) == (name, part["path"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["Ada"], "'Ada' is no argument: write NAME=VALUE"),
        (["a=1", "a=2"], "a is given twice"),
        (["{"], "the payload is no JSON"),
        (['{"a": NaN}'], "NaN is no number of JSON"),
        (["[" * 100_000], "the payload is no JSON"),
        (["x=@"], "handle_file() needs a path"),
        (["{}", "a=1"], "'{}' is no argument"),
        (["x" * 100 + "\x1b"], "…' is no argument"),
    ],
)
def test_what_is_no_argument(words: list[str], message: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        read_arguments(words)
    assert message in caught.value.message


def test_json_on_stdin_that_is_neither_object_nor_list(url: str, run: Run) -> None:
    done = run("predict", url, "/greet", "-", given="3")
    assert done.status == 2
    assert "a JSON object or list, and no int" in done.err


def test_arguments_that_do_not_fit(url: str, run: Run) -> None:
    done = run("predict", url, "/greet", "nome=Ada")
    assert (done.status, done.out) == (2, "")
    assert "did you mean 'name'?" in done.err


@pytest.mark.parametrize("endpoint", ["/greet", "greet", "0"])
def test_endpoints(endpoint: str, url: str, run: Run) -> None:
    assert run("predict", url, endpoint, "name=Ada").json == {"output": "Hello, Ada! "}


def test_an_endpoint_that_is_not_there(url: str, run: Run) -> None:
    done = run("predict", url, "/greeet")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("Error: the app has no endpoint '/greeet' (did you mean '/greet'?)")


def test_endpoints_as_words() -> None:
    context, parameter = click.Context(click.Command("x")), click.Argument(["y"])
    assert read_endpoint(context, parameter, None) is None
    assert read_endpoint(context, parameter, "12") == (None, 12)
    assert read_endpoint(context, parameter, "9" * 10) == ("/" + "9" * 10, None)


# What comes out.


def test_several_outputs(url: str, run: Run) -> None:
    assert run("predict", url, "/two").json == {"output 0": "a", "output 1": 1}


def test_outputs_of_one_name() -> None:
    assert by_label(["a", "a", "a"], (1, 2, 3)) == {"a": 1, "a 2": 2, "a 3": 3}
    assert by_label([], (1, 2)) == {"output": 1, "output 2": 2}
    assert by_label(["a"], ()) == {}


def test_a_generator_gives_its_last(url: str, run: Run) -> None:
    assert run("predict", url, "/count", "n=3").json == {"output": 2}


@pytest.mark.parametrize("version", VERSIONS)
def test_an_app_that_raises(version: str, servers: Callable[[str], str], run: Run) -> None:
    done = run("predict", servers(version), "/fail")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("Error: no \\x1b[31m way\\u202e (endpoint /fail")
    assert done.err.count("\n") == 1


def test_what_an_app_says_is_told_on_stderr(url: str, run: Run) -> None:
    done = run("predict", url, "/warn")
    assert done.json == {"output": "warned"}
    assert done.err == "warning: Note: careful\\x1b[2J\n"
    assert run("predict", url, "/warn", "--quiet").err == ""


def test_json_holds_nothing_that_a_terminal_obeys(url: str, run: Run) -> None:
    done = run("predict", url, "/greet", json.dumps(["é\x1b\x7f\x9b\u202e\u2028\ud800"[:6]]))
    assert "é\\u001b\\u007f\\u009b\\u202e\\u2028" in done.out
    assert done.json == {"output": "Hello, é\x1b\x7f\x9b\u202e\u2028! "}


def test_a_terminal_without_utf_8(url: str) -> None:
    done = command("predict", url, "/greet", "name=é", environment={"PYTHONIOENCODING": "ascii"})
    assert done.stdout == '{"output":"Hello, \\u00e9! "}\n'


# Streams.


@pytest.mark.parametrize("version", VERSIONS)
def test_a_stream(version: str, servers: Callable[[str], str], run: Run) -> None:
    done = run("stream", servers(version), "/count", "n=3")
    assert (done.status, done.err) == (0, "")
    assert [next(iter(line.values())) for line in done.lines] == [0, 1, 2]


def test_a_stream_of_text(url: str, run: Run) -> None:
    assert run("stream", url, "/write", "text=rain\t\x1b[2Jfalls\n", "--text").out == "rain\t\\x1b[2Jfalls\n"
    assert run("stream", url, "/say", "values=one|two|two and more", "--text").out == "one\ntwo and more\n"
    assert run("stream", url, "/count", "n=2", "--text").out == "0\n1\n"


def test_a_text_that_grows() -> None:
    text = GrowingText()
    assert [text.more(value) for value in ("a", "ab", "ab", ("abc", 1))] == ["a", "b", "", "c"]
    assert text.is_open
    assert text.more("abc\r\n") == "\n"
    assert not text.is_open
    assert text.more({"x": 1}) == '{"x":1}'
    assert text.more(()) == "\n[]"


def test_a_stream_that_fails(url: str, run: Run) -> None:
    done = run("stream", url, "/fail")
    assert (done.status, done.out) == (1, "")


# Files.


@pytest.mark.parametrize("version", VERSIONS)
def test_files_go_both_ways(version: str, servers: Callable[[str], str], run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    out = tmp_path / "out"
    for word in (
        f"file=@{tmp_path}/a.txt",
        json.dumps({"file": {"path": f"{tmp_path}/a.txt", "meta": META}}),
    ):
        done = run("predict", servers(version), "/loud", word, "--output-dir", str(out))
        (path,) = done.json.values()
        assert Path(path).read_text() == "HELLO"
        assert out in Path(path).parents


def test_only_the_files_of_the_result_are_fetched(url: str, run: Run, tmp_path: Path) -> None:
    done = run("predict", url, "/drafts", "--output-dir", str(tmp_path / "last"))
    assert Path(done.json["output"]).name == "draft-2"
    assert len(list((tmp_path / "last").iterdir())) == 1
    done = run("stream", url, "/drafts", "--output-dir", str(tmp_path / "all"))
    assert [Path(line["output"]).name for line in done.lines] == ["draft-0", "draft-1", "draft-2"]


def test_a_file_on_stdin(url: str, run: Run) -> None:
    assert run("predict", url, "/size", "file=@-", given=b"\0\xff123").json == {"output": 5}


@pytest.mark.parametrize("options", [["--no-download"], ["--download-files", "False"]])
def test_nothing_is_fetched(options: list[str], url: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    value = run("predict", url, "/loud", f"file=@{tmp_path}/a.txt", *options).json["output"]
    assert value["meta"] == META


def test_a_file_that_is_not_there(url: str, run: Run) -> None:
    done = run("predict", url, "/size", "file=@/no/such/file")
    assert (done.status, done.out) == (2, "")
    assert "/no/such/file" in done.err


@pytest.mark.parametrize("version", VERSIONS)
def test_upload(version: str, servers: Callable[[str], str], run: Run, tmp_path: Path) -> None:
    url = servers(version)
    (tmp_path / "a.txt").write_text("hello")
    sent = run("upload", url, str(tmp_path / "a.txt"), "-", given=b"123")
    assert (sent.status, sent.err) == (0, "")
    first, second = sent.lines
    assert (first["orig_name"], second["orig_name"]) == ("a.txt", "stdin")
    # What was printed stands for the file in a call, and it is not sent again.
    assert list(run("predict", url, "/size", json.dumps({"file": first})).json.values()) == [5]
    os.unlink(tmp_path / "a.txt")
    fetched = run("download", url, json.dumps(first), "-o", str(tmp_path / "b.txt"))
    assert (fetched.status, fetched.out, fetched.err) == (0, f"{tmp_path}/b.txt\n", "")
    assert (tmp_path / "b.txt").read_text() == "hello"
    assert os.listdir(tmp_path) == ["b.txt"]


def test_download(url: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sent = run("upload", url, "-", given=b"\0data").lines[0]
    path = sent["path"]
    assert run("download", url, path).out == "stdin\n"
    assert (tmp_path / "stdin").read_bytes() == b"\0data"
    again = run("download", url, path)
    assert (again.status, again.out) == (2, "")
    assert "stdin is there already: -o stdin replaces it" in again.err
    (tmp_path / "stdin").write_bytes(b"old")
    for name in (f"{url}/gradio_api/file={path}", path):
        assert run("download", url, name, "-o", "stdin").status == 0
        assert (tmp_path / "stdin").read_bytes() == b"\0data"
    assert run("download", url, path, "-o", "-").out == "\0data"
    assert os.listdir(tmp_path) == ["stdin"]


def test_a_download_chooses_no_hidden_name(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that may name a file ``.bashrc`` in somebody's home may have it run there."""
    monkeypatch.chdir(tmp_path)
    named = {"path": "/there/.bashrc", "meta": {"_type": "gradio.FileData"}}
    with FaultyServer({"file": lambda peer, _: peer.reply(b"evil")}) as server:
        refused = run("download", server.url, json.dumps(named))
        assert (refused.status, refused.out) == (2, "")
        assert ".bashrc would be hidden" in refused.err
        assert os.listdir(tmp_path) == []
        assert run("download", server.url, json.dumps(named), "-o", ".bashrc").out == ".bashrc\n"
    assert (tmp_path / ".bashrc").read_bytes() == b"evil"


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("https://other.example/file=/a", "is not on http://127.0.0.1"),
        ("{base}/nothing", "is not the URL of a file"),
        ("{}", "a file is a path on the server"),
        ("{", "FILE is no JSON"),
        ("/no/such", "403"),
    ],
)
def test_what_cannot_be_downloaded(
    file: str, message: str, url: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("download", url, file.replace("{base}", url))
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert os.listdir(tmp_path) == []


def test_where_a_download_cannot_go(url: str, run: Run, tmp_path: Path) -> None:
    path = run("upload", url, "-", given=b"data").lines[0]["path"]
    done = run("download", url, path, "-o", str(tmp_path / "no" / "file"))
    assert (done.status, "cannot write to" in done.err) == (2, True)
    done = run("download", url, path, "-o", str(tmp_path))
    assert (done.status, "cannot write" in done.err) == (2, True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_download_goes_into_what_is_no_plain_file(url: str, run: Run, tmp_path: Path) -> None:
    """A device least of all may be replaced by a file."""
    path = run("upload", url, "-", given=b"data").lines[0]["path"]
    pipe, link, target = tmp_path / "pipe", tmp_path / "link", tmp_path / "target"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run("download", url, path, "-o", str(pipe)).status == 0
        assert os.read(reading, 9) == b"data"
    finally:
        os.close(reading)
    assert pipe.is_fifo()
    target.write_text("old")
    link.symlink_to(target)
    assert run("download", url, path, "-o", str(link)).status == 0
    assert (link.is_symlink(), target.read_text()) == (True, "data")
    assert sorted(os.listdir(tmp_path)) == ["link", "pipe", "target"]


def test_what_is_printed_needs_no_place_here(
    url: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run("upload", url, "-", given=b"data").lines[0]["path"]
    monkeypatch.chdir(tmp_path)
    tmp_path.rmdir()
    assert run("download", url, path, "-o", "-").out == "data"


def test_what_is_no_file_to_upload(url: str, run: Run) -> None:
    done = run("upload", url, "http://x/y.png")
    assert (done.status, "give its URL to predict" in done.err) == (2, True)
    assert run("upload", url, "/no/such").status == 2
    assert run("upload", url, "").status == 2


# What an app has.


def test_info_is_what_hf_gradio_prints(url: str, run: Run) -> None:
    described = run("info", url).json
    assert described["/greet"] == {
        "parameters": [
            {"name": "name", "required": True, "default": None, "type": {"type": "string"}},
            {"name": "times", "required": False, "default": 1, "type": {"type": "number"}},
        ],
        "returns": [{"name": "output", "type": {"type": "string"}}],
        "description": "",
    }
    loud = described["/loud"]
    assert loud["parameters"][0]["type"]["type"] == loud["returns"][0]["type"]["type"] == "filepath"
    assert set(run("info", url, "/greet").json) == {"/greet"}


@pytest.mark.parametrize("version", VERSIONS)
def test_info_as_a_table(version: str, servers: Callable[[str], str], run: Run) -> None:
    done = run("info", servers(version), "--format", "table")
    assert done.status == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["endpoint", "name", "type", "default"]
    assert any(line.split()[:3] == ["/greet", "takes", "name"] for line in lines)


def test_an_endpoint_that_takes_and_gives_nothing(run: Run) -> None:
    app = TestApp()

    @app.endpoint("/poke", outputs=[])
    def poke() -> None: ...

    with serve(app) as url:
        assert run("info", url, "--format", "table").out.splitlines()[1].split() == ["/poke"]
        assert run("predict", url, "/poke").json == {}


FILE = {"properties": {"path": {}, "meta": {"default": META}}}


@pytest.mark.parametrize(
    ("schema", "simple"),
    [
        ({"type": "string"}, {"type": "string"}),
        ({"$defs": {"A": {"type": "null"}}, "anyOf": [{"$ref": "#/$defs/A"}]}, {"anyOf": [{"type": "null"}]}),
        ({"$ref": "#/$defs/B"}, {"$ref": "#/$defs/B"}),
        (True, True),
        (None, None),
        ({"properties": {"path": {}, "meta": {}}}, {"properties": {"path": {}, "meta": {}}}),
    ],
)
def test_schemas(schema: Any, simple: Any) -> None:
    assert simplified(schema, is_input=True) == simple


def test_files_in_schemas() -> None:
    const = {"properties": {"path": {}, "meta": {"properties": {"_type": {"const": "gradio.FileData"}}}}}
    for schema in (FILE, const, {"$defs": {"F": FILE}, "$ref": "#/$defs/F"}):
        simple = simplified(schema, is_input=False)
        assert simple["type"] == "filepath"
        assert simple["description"].startswith("The path")


def test_schemas_without_end() -> None:
    itself = {"$defs": {"A": {"items": {"$ref": "#/$defs/A"}}}, "$ref": "#/$defs/A"}
    assert json.dumps(simplified(itself, is_input=True)).endswith("{}" + "}" * 32)
    doubled = {f"{n}": [{"$ref": f"{n + 1}"}] * 2 for n in range(60)}
    began = time.monotonic()
    simplified({"$defs": doubled, "$ref": "0"}, is_input=True)
    assert time.monotonic() - began < 5


# Jobs that outlive a command.


@pytest.mark.parametrize("version", ["4.13.0", "4.44.1", "5.49.1", "6.31.0"])
def test_another_command_follows_a_job(version: str, servers: Callable[[str], str], run: Run) -> None:
    url = servers(version)
    begun = run("submit", url, "/count", "n=3")
    named = begun.json
    assert (begun.status, named["src"], named["endpoint"]) == (0, f"{url}/", "/count")
    assert set(named) == {"src", "endpoint", "fn_index", "event_id", "session_hash", "protocol"}
    for given in ({"given": begun.out}, {}):
        done = run("events", *([] if given else [run("submit", url, "/count", "n=3").out]), **given)
        assert (done.status, done.err) == (0, "")
        label = next(iter(done.lines[-1]["data"]))
        assert [line["event"] for line in done.lines] == [
            "queued",
            "started",
            "output",
            "output",
            "output",
            "completed",
        ]
        assert [line["data"][label] for line in done.lines[2:]] == [0, 1, 2, 2]


def test_all_that_happens(url: str, run: Run) -> None:
    events = run("submit", url, "/train", "--events").lines[1:]
    progress = next(event for event in events if event["event"] == "progress")
    assert progress["units"] == [
        {"index": 1, "length": 3, "unit": "steps", "progress": None, "desc": "[bold]training\x07"}
    ]
    log = next(
        event for event in run("submit", url, "/warn", "--events").lines if event.get("event") == "log"
    )
    assert (log["level"], log["text"], log["title"]) == ("warning", "careful\x1b[2J", "Note")


def test_what_happened_without_its_files(url: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    for options in (["--no-download"], ["--download-files", "False"]):
        named = run("submit", url, "/loud", f"file=@{tmp_path}/a.txt").out
        assert run("events", *options, given=named).lines[-1]["data"]["output"]["meta"] == META


def test_a_job_that_fails(url: str, run: Run) -> None:
    done = run("events", given=run("submit", url, "/fail").out)
    assert done.status == 1
    assert done.lines[-1] == {"event": "failed", "error": "AppError", "message": "no \x1b[31m way\u202e"}
    assert done.err.startswith("Error: no \\x1b[31m way")


def test_a_job_that_was_followed_before() -> None:
    with EmbeddedServer(an_app(), heartbeat=0.1) as server:
        named = command("submit", server.url, "/greet", "name=x").stdout
        assert command("events", given=named).returncode == 0
        again = command("events", given=named)
    assert again.returncode == 1
    assert json.loads(again.stdout)["error"] == "SessionLost"
    assert "nothing to say of this job" in again.stderr


def test_cancel(url: str, run: Run) -> None:
    named = run("submit", url, "/forever").out
    done = run("cancel", named)
    assert done.json == {
        "event_id": json.loads(named)["event_id"],
        "server_told": True,
        "reason": "the server was asked to stop the job",
    }
    events = run("events", given=named)
    assert events.status == 1
    assert events.lines[-1] == {"event": "cancelled", "by_server": True}
    assert events.err == "Error: the job was cancelled\n"


def test_a_server_that_is_not_told(run: Run) -> None:
    with EmbeddedServer(an_app("4.21.0")) as server:
        named = run("submit", server.url, "/forever").out
        done = run("cancel", named)
    assert done.status == 2
    assert done.json["server_told"] is False
    assert "not always" in done.err


@pytest.mark.parametrize("version", ["3.50.2", "4.0.2"])
def test_where_a_job_lives_with_its_connection(version: str, servers: Callable[[str], str], run: Run) -> None:
    refused = run("submit", servers(version), "/count", "n=3")
    assert (refused.status, refused.out) == (2, "")
    assert "take submit --events, stream or predict" in refused.err
    done = run("submit", servers(version), "/count", "n=3", "--events")
    assert (done.status, done.lines[0]["event_id"], done.lines[-1]["event"]) == (0, None, "completed")
    for other in ("events", "cancel"):
        refused = run(other, given=done.out)
        assert (refused.status, "gives no ids" in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no job on stdin"),
        ("x", "no JSON"),
        ("3", "and this is none"),
        ("{}", "and this is none"),
        ('{"src": "http://x", "event_id": "e"}', "and this is none"),
        ('{"src": "http://x", "event_id": "e", "session_hash": "s", "fn_index": true}', "and this is none"),
    ],
)
def test_what_names_no_job(text: str, message: str, run: Run) -> None:
    done = run("events", given=text)
    assert (done.status, done.out) == (2, "")
    assert message in done.err


def test_who_types_is_told_that_it_is_waited_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Typed(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    for words, typed in ((["events"], b"{}\n"), (["predict", "x", "/y", "-"], b"3")):
        monkeypatch.setattr(sys, "stdin", Typed(io.BytesIO(typed), encoding="utf-8"))
        assert main(words) == 2
        assert capsys.readouterr().err.startswith("reading from the terminal (Ctrl-D ends it)\n")


# How an app is reached.


def test_nobody_is_there(run: Run) -> None:
    done = run("info", "http://127.0.0.1:1")
    assert (done.status, done.out) == (2, "")
    assert done.err.splitlines() == [
        "Error: no connection to 127.0.0.1:1: Connection refused",
        "Hint: the same command may succeed later.",
    ]


def test_what_is_no_url(run: Run) -> None:
    done = run("info", "ftp://x")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("Error: ")


def test_a_login(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(an_app(auth=("ada", "hunter22"))) as url:
        refused = run("info", url)
        assert refused.status == 2
        assert refused.err.endswith("Hint: --auth USER logs in, and --token sends a Hugging Face token.\n")
        monkeypatch.setenv("GRADIO_PROTO_PASSWORD", "hunter22")
        assert run("predict", url, "/greet", "name=Ada", "--auth", "ada").status == 0
        monkeypatch.setenv("GRADIO_PROTO_PASSWORD", "wrong-one")
        refused = run("predict", url, "/greet", "name=Ada", "--auth", "ada", "-v")
        assert refused.status == 2
        assert "wrong-one" not in refused.err


def test_a_token_goes_with_every_request_and_is_never_shown(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = TestApp()

    @app.endpoint("/headers")
    def headers(*, context: Context) -> list[str | None]:
        return [context.request_headers.get(name) for name in ("x-hf-authorization", "x-key")]

    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("KEY", "abc123")
    monkeypatch.delenv("GRADIO_PROTO_TOKEN", raising=False)
    with serve(app) as url:
        done = run("predict", url, "/headers", "--token", "--header", "X-Key: $KEY", "--verbose")
        assert list(done.json.values()) == [["Bearer hf_secret", "abc123"]]
        assert done.err
        assert "hf_secret" not in done.err
        assert "abc123" not in done.err
        none = run("predict", url, "/headers")
        assert list(none.json.values()) == [[None, None]]


@pytest.mark.parametrize("words", [["info", "x"], ["predict", "x", "/y"]])
def test_a_token_on_the_command_line(words: list[str], run: Run) -> None:
    done = run(*words, "--token", "hf_secret")
    assert done.status == 2
    assert "set GRADIO_PROTO_TOKEN or HF_TOKEN" in done.err
    assert "hf_secret" not in done.err
    assert "hf_secret" not in run(*words, "--token=hf_secret").err


def test_a_proxy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("info", "http://x.example", "--proxy", "http://ada:hunter22@127.0.0.1:1")
    assert (done.status, "a password is not written on a command line" in done.err) == (2, True)
    assert "hunter22" not in done.err
    monkeypatch.setenv("PROXY_PASSWORD", "hunter22")
    done = run("info", "http://x.example", "--proxy", "http://ada:$PROXY_PASSWORD@127.0.0.1:1")
    assert (done.status, "127.0.0.1:1" in done.err) == (2, True)
    assert "hunter22" not in done.err
    done = run("info", "http://x.example", "--proxy", "http://ada:$NO_SUCH@127.0.0.1:1")
    assert (done.status, "wants the variable NO_SUCH" in done.err) == (2, True)


def test_a_certificate_that_nobody_knows(run: Run, tls: Any) -> None:
    with EmbeddedServer(an_app(), tls=tls) as server:
        refused = run("info", server.url)
        assert refused.status == 2
        assert refused.err.endswith("Hint: --insecure accepts any certificate.\n")
        assert run("info", server.url, "--insecure").status == 0


def test_a_space(run: Run, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(space_flows, "FIRST_PAUSE", 0.01)
    words = ("predict", "ann/app", "/greet", "name=Ada")
    with HubServer() as hub:
        stand_in(monkeypatch, hub, tmp_path)
        hub.add("ann/app", url, "BUILDING", "APP_STARTING", "RUNNING")
        done = run(*words)
        assert (done.status, done.json) == (0, {"output": "Hello, Ada! "})
        assert done.err == "ann/app: building\nann/app: app starting\n"
        hub.add("ann/app", url, "BUILDING", "RUNNING")
        assert run(*words, "--quiet").err == ""
        hub.add("ann/app", url, "BUILDING")
        done = run(*words, "--timeout", "0.2")
        assert (done.status, done.out) == (2, "")
        hub.add("ann/app", url)
        named = run("submit", "ann/app", "/greet", "name=Ada")
        assert run("events", given=named.out).lines[-1]["event"] == "completed"


def test_a_time_limit(url: str, run: Run) -> None:
    began = time.monotonic()
    done = run("predict", url, "/forever", "--timeout", "0.3")
    assert time.monotonic() - began < 5
    assert done.status == 1
    assert done.err.endswith("Hint: --timeout says how many seconds it may take.\n")
    assert run("predict", url, "/greet", "name=x", "--timeout", "20").status == 0


# Processes: terminals, and Ctrl-C.


def command(
    *words: str, given: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "gradio_proto", *words],
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(environment or {})},
    )


def on_a_terminal(*words: str, out_too: bool = False, **environment: str) -> tuple[int, str, str]:
    """Run a command whose stderr is a terminal; return its status, its stdout and what was on the terminal."""
    main_end, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "gradio_proto", *words],
        stdin=subprocess.DEVNULL,
        stdout=terminal if out_too else subprocess.PIPE,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", **environment},
    )
    os.close(terminal)
    shown = bytearray()
    until = time.monotonic() + 60
    while time.monotonic() < until:
        ready, _, _ = select.select([main_end], [], [], 0.5)
        if not ready:
            continue
        try:
            piece = os.read(main_end, 65536)
        except OSError:  # Linux, once the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(main_end)
    out = process.stdout.read().decode() if process.stdout is not None else ""
    if process.stdout is not None:
        process.stdout.close()
    return process.wait(60), out, shown.decode()


def test_bars_on_a_terminal(url: str) -> None:
    status, out, shown = on_a_terminal("predict", url, "/train")
    assert (status, json.loads(out)) == (0, {"output": "trained"})
    assert "3/3 steps" in shown
    assert "[bold]training\\x07" in shown
    assert "\x07" not in shown
    assert "\x1b[" in shown


def test_no_bars_where_nobody_looks(url: str) -> None:
    assert command("predict", url, "/train").stderr == ""
    status, out, shown = on_a_terminal("predict", url, "/train", "--quiet")
    assert (status, json.loads(out), shown) == (0, {"output": "trained"}, "")


def test_no_colours_where_they_are_not_wanted(url: str) -> None:
    _, _, shown = on_a_terminal("predict", url, "/train", NO_COLOR="1")
    assert "3/3 steps" in shown
    assert "\x1b[3" not in shown


def test_bytes_on_their_way(url: str, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(3_000_000))
    status, out, shown = on_a_terminal("predict", url, "/size", f"file=@{tmp_path}/a.bin")
    assert (status, json.loads(out)) == (0, {"output": 3_000_000})
    assert "uploading a.bin" in shown


def test_json_for_somebody_who_looks_at_it(url: str) -> None:
    status, _, shown = on_a_terminal("predict", url, "/two", out_too=True)
    assert status == 0
    assert '{\r\n  "output 0": "a",\r\n  "output 1": 1\r\n}\r\n' in shown


def test_a_stream_on_a_terminal_is_not_torn_by_bars(url: str) -> None:
    status, _, shown = on_a_terminal("stream", url, "/write", "text=rain falls", "--text", out_too=True)
    assert status == 0
    assert "rain falls\r\n" in shown


def test_ctrl_c_cancels(url: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "gradio_proto", "stream", url, "/forever"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == '{"output":0}\n'
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err.strip()) == (130, "interrupted")
    with Client(url) as client:  # the place in which the function ran is free again
        assert next(iter(client.submit(api_name="/forever"))) == 0


def test_output_that_nobody_reads_any_more(url: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "gradio_proto", "stream", url, "/forever"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(30), err) == (141, "")
