"""What clients, endpoints, jobs and files look like in a notebook."""

from __future__ import annotations

import json
import os
import re
import threading
from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from gradio_transports import previews
from gradio_transports.previews import preview
from loops import Loop, loop, on_each_loop

from gradio_proto import AsyncClient, Client, show
from gradio_proto.testing import Error, File, TestApp, serve

__all__ = ["loop"]

EVIL = '<script>alert("x")</script>\x1b[31m'
PNG = b"\x89PNG\r\n\x1a\n..."


class Page(HTMLParser):
    """The tags and the text of what a notebook is given."""

    VOID = ("br", "img")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.words = ""
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        self.sources.extend(value for name, value in attrs if name == "src" and value)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def page(shown: Any) -> Page:
    html = shown._repr_html_()
    assert "\x1b" not in html
    found = Page(html)
    assert {*found.tags} <= {
        "p",
        "b",
        "br",
        "table",
        "tr",
        "th",
        "td",
        "code",
        "pre",
        "div",
        "img",
        "audio",
        "video",
    }
    return found


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    app = TestApp()
    go_on = threading.Event()

    @app.endpoint("/echo")
    def echo(text: str = EVIL) -> str:
        return text

    @app.endpoint("/draw", outputs=["image", "files"])
    def draw() -> Any:
        return File("a.png", PNG), [File("b.wav", b"RIFF"), File("c.mp4", b"...."), File("d.svg", b"<svg/>")]

    @app.endpoint("/fail")
    def fail() -> str:
        raise Error(EVIL)

    @app.endpoint("/slowly")
    def slowly() -> Iterator[str]:
        yield "first"
        yield "second"
        go_on.wait(20)
        yield "third"

    @app.endpoint("/go_on", queue=False)
    def let_go() -> str:
        go_on.set()
        return ""

    @app.endpoint(f"/{EVIL}")
    def evil() -> str:
        return ""

    with serve(app) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as made:
        yield made


def test_a_client(client: Client) -> None:
    for shown in (client, client.api):
        found = page(shown)
        assert client.src in found.words
        assert "Gradio 6.31.0, protocol sse_v3" in found.words
        assert "echo(text: str = '<script>" in found.words
        assert "script_alert" in found.words


def test_a_client_that_is_not_open() -> None:
    assert page(AsyncClient("http://127.0.0.1:9")).words == "<AsyncClient of http://127.0.0.1:9>"


def test_a_client_shows_no_secrets(url: str) -> None:
    with Client(url, token="hf_secret", headers={"x-a": "hidden"}, cookies={"c": "biscuit"}) as client:
        job = client.submit(api_name="/fail")
        job.exception(timeout=10)
        shown = client._repr_html_() + client.api._repr_html_() + job._repr_html_()
    assert not re.search("hf_secret|hidden|biscuit", shown)


def test_a_closed_client(url: str) -> None:
    client = Client(url)
    client.close()
    assert "echo" in page(client).words


def test_an_app_of_many_endpoints() -> None:
    app = TestApp()
    for number in range(103):
        app.endpoint(f"/f{number}")(lambda: "x")
    with serve(app) as url, Client(url) as client:
        found = page(client)
    assert found.tags.count("tr") == 101
    assert found.words.endswith("and 3 more")


def test_an_endpoint(client: Client) -> None:
    for shown in (client.endpoint("/echo"), client.api.echo):
        words = page(shown).words
        assert words.startswith("echo(text: str = '<script>")
        assert "Call /echo." in words
    assert page(client.endpoint(fn_index=0)).words.startswith("echo(")


def test_an_endpoint_without_a_name_in_python() -> None:
    app = TestApp()
    app.endpoint("/hidden", api_visibility="undocumented")(lambda: "x")
    with serve(app) as url, Client(url) as client:
        assert page(client.endpoint("/hidden")).words.startswith("fn_0() -> Any")


def test_a_job_that_has_ended(client: Client) -> None:
    job = client.submit(api_name="/echo")
    job.result(timeout=10)
    found = page(job)
    assert "FINISHED" in found.words
    assert "/echo" in found.words
    assert str(job.event_id) in found.words
    assert "<script>" in found.words
    assert found.sources == []


def test_a_job_that_has_failed(client: Client) -> None:
    job = client.submit(api_name="/fail")
    assert job.exception(timeout=10) is not None
    assert "AppError: <script>" in page(job).words


def test_a_job_under_way_keeps_what_nobody_has_read(client: Client) -> None:
    with Client(client.src) as other:
        job = client.submit(api_name="/slowly")
        outputs = iter(job)
        assert next(outputs) == "first"
        assert next(outputs) == "second"
        with client._engine.transport.lock:
            assert job._job.journal is not None
            read = job._job.journal.read
        assert "'second'" in page(job).words
        assert job._job.journal.read == read
        other.predict(api_name="/go_on")
        assert [*outputs] == ["third"]
        assert "'third'" in page(job).words


def test_a_job_that_has_nothing_yet(client: Client) -> None:
    job = client.endpoint("/echo").submit("x")
    job.result(timeout=10)
    job._job.outcome = None
    job._job.journal = None
    assert "output" not in page(job).words


def test_files_of_a_job(client: Client) -> None:
    job = client.submit(api_name="/draw")
    value = job.result(timeout=10)
    for shown in (job, show(value), show({"a": [value]})):
        found = page(shown)
        assert [tag for tag in found.tags if tag in ("img", "audio", "video")] == ["img", "audio", "video"]
        assert [source.partition(",")[0] for source in found.sources] == [
            *("data:image/png;base64", "data:audio/wav;base64", "data:video/mp4;base64")
        ]
        assert b64decode(found.sources[0].partition(",")[2]) == PNG
    # An output is what it was: plain strings.
    assert type(value[0]) is str
    json.dumps(value)
    assert repr(show(value)) == repr(value)
    assert show(value).value is value


@on_each_loop
async def test_the_async_twins(loop: Loop, url: str) -> None:
    async with AsyncClient(url) as client:
        job = await client.submit(api_name="/draw")
        await job.result()
        assert len(page(job).sources) == 3
        assert "echo(" in page(client).words
        assert page(client.api.echo).words.startswith("echo(")
        assert page(client.endpoint("/echo")).words.startswith("echo(")


# Which files are read.


def downloaded(folder: Path, name: str, data: bytes) -> Path:
    path = folder / sha256(data).hexdigest() / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def test_only_what_was_downloaded_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = downloaded(tmp_path, "a.PNG", PNG)
    found = preview(str(good))
    assert found is not None
    assert found[0] == "image/png"
    own = tmp_path / "own.png"
    own.write_bytes(PNG)
    changed = downloaded(tmp_path, "b.png", b"1")
    changed.write_bytes(b"2")
    folder = tmp_path / ("0" * 64) / "d.png"
    folder.mkdir(parents=True)
    gone = tmp_path / ("0" * 64) / "e.png"
    for path in (own, changed, folder, gone, downloaded(tmp_path, "f.txt", b"x")):
        assert preview(str(path)) is None
    assert preview(f"{'0' * 64}/\0.png") is None
    assert preview("") is None
    monkeypatch.setattr(previews, "MOST", len(PNG) - 1)
    assert preview(str(good)) is None


@pytest.mark.parametrize("start", ["//host", "\\\\host", "/\\host", "\\/?/UNC/host"])
def test_a_file_of_another_machine_is_not_even_looked_at(start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(os, "stat", asked.append)
    found = preview(f"{start}/{'0' * 64}/a.png")
    monkeypatch.undo()
    assert found is None
    assert not asked


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / ("0" * 64) / "a.png"
    pipe.parent.mkdir()
    os.mkfifo(pipe)
    assert preview(str(pipe)) is None


def test_how_much_is_shown(tmp_path: Path) -> None:
    paths = [str(downloaded(tmp_path, "a.png", bytes([number]))) for number in range(25)]
    found = page(show([*paths, *paths]))
    assert found.tags.count("img") == 20
    assert page(show(["x"] * 20_000 + paths)).tags.count("img") == 0
    assert page(show(3)).words == "3"
