"""The programs of docs/howto run, each in a process of its own, and do what they say."""

from __future__ import annotations

import asyncio
import http.client
import importlib.util
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import MagicMock

import h11
import pytest
from servers import install

import gradio_proto
from gradio_proto.effects import Open
from gradio_proto.errors import LocalProtocolError
from gradio_proto.http import Request
from gradio_proto.testing import TestApp, serve
from gradio_proto.urls import parse_app_url
from gradio_proto.websocket import upgrade_headers

HOWTO = Path(__file__).parent.parent / "docs" / "howto"

GREETINGS = ["Hello, Ada!", *["Hello, Grace!"] * 5]


@dataclass
class ObservedApp:
    """The functions of docs/howto/app_to_call.py, and what becomes of their calls."""

    url: str = ""
    one_is_out: threading.Event = field(default_factory=threading.Event)
    """Until it is set, counting stops after the first number."""
    given_up: threading.Event = field(default_factory=threading.Event)
    """A count was ended before its last number."""


@pytest.fixture
def observed() -> Iterator[ObservedApp]:
    seen = ObservedApp()
    app = TestApp(default_concurrency_limit=None)

    @app.endpoint("/greet")
    def greet(name: str) -> str:
        return f"Hello, {name}!"

    @app.endpoint("/count")
    def count(n: int) -> Iterator[int]:
        try:
            for number in range(1, n + 1):
                yield number
                assert seen.one_is_out.wait(20)
                time.sleep(0.01)
        except GeneratorExit:
            seen.given_up.set()
            raise

    with serve(app) as seen.url:
        yield seen


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    spec = importlib.util.spec_from_file_location("app_to_call", HOWTO / "app_to_call.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with serve(module.app) as address:
        yield address


def needs(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed: it is of the dependency group 'loops'")


def command(program: str, *arguments: str) -> list[str]:
    return [sys.executable, "-W", "error", "-X", "dev", str(HOWTO / program), *arguments]


def output(command: list[str], **environment: str) -> list[str]:
    """What a program prints that runs to its end, and complains of nothing."""
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_recorded_bytes_are_read_without_any_loop() -> None:
    assert output(command("from_bytes.py")) == [
        "Queued(rank=0, queue_size=1, eta=None)",
        "Started(eta=None)",
        "Output(value='a ')",
        "Output(value='a b ')",
        "Output(value='a b c ')",
        "Completed(value='a b c ')",
    ]


def test_a_loop_of_ones_own_carries_ten_jobs(url: str) -> None:
    *said, connections = output(command("own_loop.py", url))
    assert said == [f"Hello, number {number}!" for number in range(10)]
    assert re.fullmatch(r"\d+ connections were made", connections)


def test_greenlets_of_gevent_wait_side_by_side(url: str) -> None:
    needs("gevent")
    said, went_on, *rest = output(command("in_gevent.py", url))
    assert [said, *rest] == [*GREETINGS, "1", "2", "3"]
    assert went_on == "another greenlet ran meanwhile: True"


def test_the_client_in_twisted(url: str) -> None:
    needs("twisted")
    said, went_on, *rest = output(command("in_twisted.py", url))
    assert [said, *rest] == GREETINGS
    assert went_on == "the reactor went on meanwhile: True"


def test_the_client_in_qt(url: str) -> None:
    needs("PySide6")
    printed = output(command("in_qt.py", url), QT_QPA_PLATFORM="offscreen")
    assert printed == ["Hello, Ada!", "the loop went on meanwhile: True"]


def test_the_client_in_pyodide(url: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if request.config.getoption("--no-real-servers"):
        pytest.skip("it runs its own Python, and has been tested with the real servers")
    node = shutil.which("node")
    if node is None or not install.is_installed(install.PYODIDE):
        pytest.skip("Node or the package pyodide is missing: run 'make servers' where there is Node")
    for package in (gradio_proto, h11):  # what "pip install --target" would put there
        source = Path(str(package.__file__)).parent
        shutil.copytree(source, tmp_path / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    printed = output(
        [node, str(HOWTO / "pyodide" / "run.cjs"), url, str(tmp_path)],
        NODE_PATH=str(install.packages_of(install.PYODIDE)),
    )
    assert printed == ["Hello, Ada!", "Hello, Grace! Hello, Barbara! Hello, Radia!", "1", "2", "3"]


def test_a_browsers_fetch_carries_no_websocket(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("js", "pyodide", "pyodide.ffi"):
        monkeypatch.setitem(sys.modules, name, MagicMock(JsException=Exception))
    program = runpy.run_path(str(HOWTO / "pyodide" / "fetch_transport.py"))
    request = Request("GET", parse_app_url("http://app").origin, "/queue/join", upgrade_headers("key"))
    with pytest.raises(LocalProtocolError, match="fetch carries no WebSocket"):
        asyncio.run(program["perform"](Open(request, None)))


# Applications that call another one while they answer.


@contextmanager
def running(program: str, url: str) -> Iterator[int]:
    """Run an application, give the port it serves on, and end it by Ctrl-C; it must complain of nothing."""
    process = subprocess.Popen(
        command(program, url, "0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    assert process.stdout is not None
    printed: list[str] = []
    try:
        for line in process.stdout:
            printed.append(line)
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                break
        else:
            pytest.fail("".join(printed))
        rest = threading.Thread(target=lambda: printed.extend(process.stdout or ()))
        rest.start()
        yield int(found[1])
        process.send_signal(signal.SIGINT)
        process.wait(20)
        rest.join()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    for complaint in ("Traceback", "Error", "ResourceWarning", "Exception ignored"):
        assert complaint not in "".join(printed), "".join(printed)


def get(port: int, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers={"connection": "close"})
    response = connection.getresponse()
    connection.close()  # when the response has been read or closed
    assert response.status == 200
    return response


@pytest.mark.parametrize("framework", ["flask", "fastapi", "tornado"])
def test_an_application_predicts_and_streams(framework: str, observed: ObservedApp) -> None:
    needs(framework)
    with running(f"{framework}_app.py", observed.url) as port:
        with get(port, "/greet/Ada") as response:
            assert b'"Hello, Ada!"' in response.read()
        with get(port, "/count/3") as response:
            assert response.readline() == b"1\n"  # and the second is not counted yet
            observed.one_is_out.set()
            assert response.read() == b"2\n3\n"
        assert not observed.given_up.is_set()
        with get(port, "/count/100000") as response:
            assert response.readline() == b"1\n"
        assert observed.given_up.wait(20), "the reader has gone, and the app still counts"
