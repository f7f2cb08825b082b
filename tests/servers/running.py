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

import contextlib
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gradio_proto.conformance.reference import LaunchError, Options, ReferenceServer, RunningApp

from . import install

STRICT: dict[str, Any] = {
    "auth": "user:pass word",
    "root_path": "/sub/path",
    "max_size": 1,
    "hide_errors": True,
}
"""A server with a login, the path of a proxy, a short queue and hidden errors: all in one, since starting one takes
long."""


def reference_server(version: str, *, programs: bool = True) -> ReferenceServer:
    """What runs the reference app on that version.

    Raises:
        LaunchError: It is not installed.
    """
    if not install.is_installed(version):
        raise LaunchError(
            f"Gradio {version} is not installed: run 'make servers' "
            f"(or 'python tests/servers/install.py {version}'), "
            "or leave these tests out with --no-real-servers."
        )
    return ReferenceServer(install.python_of(version), version=version, programs=programs)


class Servers:
    """The servers that are running, by version and options. Close it, or use it as a context manager."""

    def __init__(self) -> None:
        self._versions: dict[str, ReferenceServer] = {}
        self._running: dict[tuple[str, Options], RunningApp] = {}
        self._answered: set[tuple[str, Options]] = set()
        self._failed: dict[tuple[str, Options], LaunchError] = {}
        self._lock = threading.Lock()

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
            LaunchError: It is not installed, ended at once, or did not answer in time.
        """
        options = Options(auth, max_size, max_file_size, root_path, mount, hide_errors)
        key = version, options
        if key in self._failed:  # every test would wait for it again
            raise self._failed[key]
        with self._lock:
            if key not in self._running:
                self._running[key] = self._of(version).start(options)
            running = self._running[key]
        if key not in self._answered:
            try:
                running.wait()
            except LaunchError as error:
                self._failed[key] = error
                raise
            self._answered.add(key)
        return running.url

    @contextlib.contextmanager
    def own(self, version: str, *, port: int | None = None) -> Generator[RunningApp]:
        """A server that nobody else uses, killed at the end; on a certain port, if need be."""
        with self._lock:
            running = self._of(version).start(Options(), port=port)
        try:
            running.wait()
            yield running
        finally:
            running.kill()

    def reference(self, version: str) -> ReferenceServer:
        """What runs all of the servers of a version."""
        with self._lock:
            return self._of(version)

    def close(self) -> None:
        """Stop them all; the temporary files of the servers go too."""
        self._running.clear()
        while self._versions:
            self._versions.popitem()[1].close()

    def _of(self, version: str) -> ReferenceServer:
        if version not in self._versions:
            self._versions[version] = reference_server(version)
        return self._versions[version]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-real-servers",
        action="store_true",
        help="leave out the tests that need an installed Gradio server",
    )
    parser.addoption(
        "--only-real-servers",
        action="store_true",
        help="run the tests that need an installed Gradio server, and no others",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server_version" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("real")
        versions = marker.args if marker is not None and marker.args else install.DEFAULT_VERSIONS
        metafunc.parametrize("server_version", versions)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = {True, False}
    if config.getoption("--no-real-servers"):
        wanted.remove(True)
    if config.getoption("--only-real-servers"):
        wanted.remove(False)
    chosen: dict[bool, list[pytest.Item]] = {True: [], False: []}
    for item in items:
        chosen[("real_server" in getattr(item, "fixturenames", ())) in wanted].append(item)
    if chosen[False]:
        config.hook.pytest_deselected(items=chosen[False])
    items[:] = chosen[True]


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
