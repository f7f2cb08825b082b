"""Start real Gradio servers, each once and only when it is asked for, and stop every one of them.

A test takes the fixture `real_server` and calls it::

    def test_hidden_errors(real_server: Servers) -> None:
        url = real_server("6.31.0", hide_errors=True)

and with `server_version` beside it, it runs once for each version of Gradio that the suite covers. The marker
``@pytest.mark.real("5.49.1", "6.31.0")`` narrows those to the given ones. A server is shared by all tests of
the session that ask for the same version and options, so a test must not leave it changed: no full queue, no
job that runs on.

A server that is not installed is a failure, with the command that installs it; ``--no-real-servers`` leaves
these tests out.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from . import install

APP = install.HERE / "app.py"
STRICT: dict[str, Any] = {
    "auth": "user:pass word",
    "root_path": "/sub/path",
    "max_size": 1,
    "hide_errors": True,
}
"""A server with a login, the path of a proxy, a short queue and hidden errors: all in one, since starting one takes
long."""

START_SECONDS = 120.0
"""How long a server may take to answer: the imports of a cold start on a busy machine take half a minute."""


class ServerError(Exception):
    """A server could not be started; the message says why, and what to do."""


@dataclass(frozen=True)
class Variant:
    """One way to run the app; each field is an option of ``app.py``."""

    version: str
    auth: str | None = None
    max_size: int | None = None
    max_file_size: int | None = None
    root_path: str | None = None
    mount: str | None = None
    hide_errors: bool = False
    workers: int | None = None
    no_queue: bool = False

    def arguments(self) -> list[str]:
        """The command line that stands after ``app.py --port N``."""
        given = {
            "--auth": self.auth,
            "--max-size": self.max_size,
            "--max-file-size": self.max_file_size,
            "--root-path": self.root_path,
            "--mount": self.mount,
            "--workers": self.workers,
        }
        arguments = ["--hide-errors"] if self.hide_errors else []
        if self.no_queue:
            arguments.append("--no-queue")
        for option, value in given.items():
            if value is not None:
                arguments += [option, str(value)]
        return arguments


@dataclass
class Running:
    """A server that was started."""

    process: subprocess.Popen[bytes]
    url: str
    directory: Path

    @property
    def output(self) -> str:
        """What it has printed."""
        return (self.directory / "output.txt").read_text(encoding="utf-8", errors="replace").strip()

    def close_app(self) -> None:
        """Have the app stop of its own will, as ``demo.close()`` does; wait for nothing."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def stop(self) -> None:
        """Kill it. A second time does nothing."""
        # The server leads a process group of its own, so that nothing it started is left behind.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Servers:
    """The servers that are running, by version and options. Close it, or use it as a context manager."""

    def __init__(self, *, start_seconds: float = START_SECONDS, app: Path = APP) -> None:
        self._running: dict[Variant, Running] = {}
        self._failed: dict[Variant, str] = {}
        self._start_seconds = start_seconds
        self._app = app
        # The fixture closes it; this is for a run that ends in the middle of something. And for one that is
        # killed, the server watches its standard input (see --exit-with-parent in app.py).
        atexit.register(self.close)

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __call__(
        self,
        version: str,
        *,
        auth: str | None = None,
        max_size: int | None = None,
        max_file_size: int | None = None,
        root_path: str | None = None,
        mount: str | None = None,
        hide_errors: bool = False,
    ) -> str:
        """The URL of such a server, without a trailing slash; it is started when this is the first to ask.

        Args:
            version: A release of Gradio, such as ``"6.31.0"``.
            auth: ``"user:password"``; without it everybody may come in.
            max_size: How many jobs the queue holds.
            max_file_size: Bytes of one upload (Gradio 4.44 and later).
            root_path: The path below which a proxy would serve it.
            mount: The path at which another app has it mounted; the URL ends in it.
            hide_errors: Run without ``show_error``.

        Raises:
            ServerError: It is not installed, ended at once, or did not answer in time.
        """
        variant = Variant(version, auth, max_size, max_file_size, root_path, mount, hide_errors)
        if variant in self._failed:  # every test would wait for it again
            raise ServerError(self._failed[variant])
        if variant not in self._running:
            try:
                self._running[variant] = self._start(variant)
            except ServerError as error:
                self._failed[variant] = str(error)
                raise
        return self._running[variant].url

    @contextlib.contextmanager
    def own(self, variant: Variant, *, port: int | None = None) -> Generator[Running]:
        """A server that nobody else uses, to be stopped by the test; on a certain port, if need be."""
        running = self._start(variant, port)
        try:
            yield running
        finally:
            running.stop()

    def close(self) -> None:
        """Stop them all; the temporary files of the servers go too."""
        while self._running:
            self._running.popitem()[1].stop()
        atexit.unregister(self.close)

    def _start(self, variant: Variant, port: int | None = None) -> Running:
        if not install.is_installed(variant.version):
            raise ServerError(
                f"Gradio {variant.version} is not installed: run 'make servers' "
                f"(or 'python tests/servers/install.py {variant.version}'), "
                "or leave these tests out with --no-real-servers."
            )
        port = port or free_port()
        directory = Path(tempfile.mkdtemp(prefix=f"gradio-{variant.version}-"))
        command = [str(install.python_of(variant.version)), str(self._app), "--port", str(port)]
        with (directory / "output.txt").open("wb") as output:
            process = subprocess.Popen(
                [*command, "--exit-with-parent", *variant.arguments()],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env={**os.environ, "GRADIO_TEMP_DIR": str(directory), "TMPDIR": str(directory)},
                start_new_session=True,
            )
        running = Running(process, f"http://127.0.0.1:{port}{variant.mount or ''}", directory)
        try:
            self._wait(variant, running)
        except BaseException:
            running.stop()
            raise
        return running

    def _wait(self, variant: Variant, running: Running) -> None:
        deadline = time.monotonic() + self._start_seconds
        while not answers(running.url):
            status = running.process.poll()
            if status is not None:
                problem = f"ended with status {status} before it answered"
            elif time.monotonic() > deadline:
                problem = f"did not answer within {self._start_seconds:g} s"
            else:
                time.sleep(0.05)
                continue
            raise ServerError(f"Gradio {variant.version} {problem}. It printed:\n{running.output}")


def free_port() -> int:
    """A port at which nobody listens."""
    # Below the range from which the kernel takes the ports of outgoing connections: seconds pass before the
    # server listens, in which other tests open many of those.
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def answers(url: str) -> bool:
    """Whether a server is there: it gives its config, or asks for a login first."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/config", timeout=10) as response:
            response.read()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code == 401
    except OSError:
        return False
    return True


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-real-servers",
        action="store_true",
        help="leave out the tests that need an installed Gradio server",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server_version" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("real")
        versions = marker.args if marker is not None and marker.args else install.DEFAULT_VERSIONS
        metafunc.parametrize("server_version", versions)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--no-real-servers"):
        left_out = [item for item in items if "real_server" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def number(version: str) -> tuple[int, ...]:
    """A version for comparing."""
    return tuple(int(part) for part in version.split("."))


@pytest.fixture(scope="module", autouse=True)
def started(request: pytest.FixtureRequest) -> None:
    """Start what the chosen tests of a module need side by side, before its first: starting a server takes seconds,
    most of them imports, and longer than a test may.

    A module with servers of its own has a dict ``VARIANTS``: the names of the fixtures by which its tests ask for one,
    each with the options of that server.
    """
    variants = {"url": {}, "strict_url": STRICT, **getattr(request.module, "VARIANTS", {})}
    needs = {
        (str(item.callspec.params["server_version"]), fixture)
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path
        if {"real_server", "server_version"} <= set(item.fixturenames)
        for fixture in variants.keys() & set(item.fixturenames)
    }
    if not needs:
        return
    servers: Servers = request.getfixturevalue("real_server")
    with ThreadPoolExecutor(4) as pool:
        starts = [pool.submit(servers, version, **variants[fixture]) for version, fixture in needs]
    for start in starts:
        start.exception()  # it comes again, in the tests that need this one


@pytest.fixture(scope="session")
def real_server() -> Iterator[Servers]:
    """Call it with a version (and options) for the URL of such a server."""
    with Servers() as servers:
        yield servers


@pytest.fixture
def url(real_server: Servers, server_version: str) -> str:
    """A server without options."""
    return real_server(server_version)


@pytest.fixture
def strict_url(real_server: Servers, server_version: str) -> str:
    """A server as :data:`STRICT` says."""
    return real_server(server_version, **STRICT)
