"""Run the reference app with any Python that has Gradio::

    with ReferenceServer("gradio6/bin/python") as server:
        server.url                # the plain app
        server.variant("login")   # the same behind a login

Each variant is a server at a port of its own, started when somebody first asks for it. Leaving the ``with`` block ends
them all and removes their files; so does the end of the program, however it comes about.
"""

from __future__ import annotations

import atexit
import json
import os
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from .processes import CAN_FORK, HERE, Forks, Host, Place, Process, Processes
from .variants import VARIANTS, Options, variants_of, version_number

APP: Final = HERE / "app.py"
"""The reference app."""

START_SECONDS: Final = 120.0
"""How long a server may take to answer: the imports of a cold start on a busy machine take half a minute."""

OLDEST: Final = (3, 36)
"""The first version of Gradio that the app is for."""

OLDEST_PYTHON: Final = (3, 10)
"""The first Python that can read the app."""

_ASK_SECONDS: Final = 60.0
"""How long a Python may take to say what it has installed."""

_SHOWN: Final = 4000
"""How many of the last characters that a server printed stand in an error."""

_QUESTION: Final = """\
import json, sys
from importlib import metadata
try:
    gradio = metadata.version("gradio")
except metadata.PackageNotFoundError:
    gradio = None
print(json.dumps([sys.version_info[:2], gradio]))
"""


class LaunchError(Exception):
    """A server could not be started; the message says why, and what to do."""


def gradio_of(python: str) -> str:
    """The version of Gradio that a Python has.

    Args:
        python: The path of an interpreter, or its name on PATH.

    Raises:
        LaunchError: There is no such Python, it has no Gradio, or one for which the reference app is not.
    """
    python = _absolute(python)
    try:
        # Not from the current directory, where a file could be called like a module.
        done = subprocess.run(
            [python, "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            cwd=HERE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LaunchError(f"There is no Python at {python!r} that can be run: {error}") from error
    try:
        version, gradio = json.loads(done.stdout)
        minor = tuple(version)
    except (ValueError, TypeError) as error:
        said = (done.stderr or done.stdout).strip()[-_SHOWN:]
        raise LaunchError(f"{python!r} is not a Python that works: it says {said!r}") from error
    if minor < OLDEST_PYTHON:
        raise LaunchError(
            f"{python!r} is Python {_dotted(minor)}, and the reference app needs {_dotted(OLDEST_PYTHON)} or later."
        )
    if gradio is None:
        raise LaunchError(f"{python!r} has no Gradio. Install it with: {python} -m pip install gradio")
    if version_number(gradio) < OLDEST:
        raise LaunchError(
            f"{python!r} has Gradio {gradio}, and the reference app is for {_dotted(OLDEST)} and later."
        )
    return str(gradio)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


@dataclass
class RunningApp:
    """A server that was started, which may not answer yet."""

    version: str
    """Its Gradio."""
    url: str
    """Its address, without a trailing slash."""
    start_seconds: float
    _begin: Callable[[], Process]
    _process: Process

    @property
    def output(self) -> str:
        """What it has printed."""
        return self._process.output()

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            LaunchError: It ended, or did not answer in time.
        """
        deadline = time.monotonic() + self.start_seconds
        while not answers(self.url):
            status = self._process.status()
            if status is not None:
                problem = f"ended with status {status} before it answered"
            elif time.monotonic() > deadline:
                problem = f"did not answer within {self.start_seconds:g} s"
            else:
                time.sleep(0.05)
                continue
            output = self.output[-_SHOWN:] or "nothing"
            raise LaunchError(f"Gradio {self.version} {problem}. It printed:\n{output}")

    def close_app(self) -> None:
        """Have the app stop of its own will, as ``demo.close()`` does; wait for nothing."""
        self._process.close_app()

    def kill(self) -> None:
        """End it, and wait until it is gone. A second time does nothing."""
        self._process.kill()

    def restart(self) -> None:
        """Kill it, start it anew at the same address, and wait until it answers.

        Raises:
            LaunchError: As :meth:`wait`.
        """
        self._process.kill()
        self._process = self._begin()
        self.wait()


class ReferenceServer:
    """The reference app, run by a Python that has Gradio. Close it, or use it as a context manager.

    Its methods may be called on any thread.

    Args:
        python: The path of an interpreter, or its name on PATH.
        version: The Gradio that it has, if that is known; it is asked otherwise.
        start_seconds: How long a server may take until it answers.
        programs: Whether the servers find the programs of this machine. Without them (without ffmpeg, that is) they
            do the same on all machines; but then Gradio 5 and later cannot stream media. It makes no difference on
            Windows.
        forking: Whether the servers are forks of one process, which is quicker.
        app: Another script than the reference app, with the same command line.

    Raises:
        LaunchError: As :func:`gradio_of`.
    """

    def __init__(
        self,
        python: str | os.PathLike[str],
        *,
        version: str | None = None,
        start_seconds: float = START_SECONDS,
        programs: bool = True,
        forking: bool = CAN_FORK,
        app: Path = APP,
    ) -> None:
        self.python = _absolute(os.fspath(python))
        self.version = gradio_of(self.python) if version is None else version
        self._start_seconds = start_seconds
        self._programs = programs
        self._host_type: Callable[[Place], Host] = Forks if forking else Processes
        self._app = app
        self._lock = threading.Lock()
        self._host: Host | None = None
        self._directory: Path | None = None
        self._running: dict[str, RunningApp] = {}
        self._answered: set[str] = set()
        self._failed: dict[str, LaunchError] = {}

    def __enter__(self) -> ReferenceServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The address of the plain app. See :meth:`variant`."""
        return self.variant("plain")

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of the variants that this version has."""
        return variants_of(self.version)

    def begin(self, *names: str) -> None:
        """Start variants without waiting for them, so that they get ready side by side.

        Raises:
            LaunchError: This version has no such variant.
        """
        for name in names:
            self._variant(name)

    def variant(self, name: str) -> str:
        """The address of a variant, without a trailing slash. The first call starts it and waits until it answers.

        Args:
            name: One of :attr:`variants`.

        Raises:
            LaunchError: There is no such variant, or it did not start; then every further call says so, too.
        """
        if name in self._failed:  # everybody would wait for it again
            raise self._failed[name]
        running = self._variant(name)
        if name not in self._answered:
            try:
                running.wait()
            except LaunchError as error:
                self._failed[name] = error
                raise
            self._answered.add(name)
        return running.url

    def running(self, name: str = "plain") -> RunningApp:
        """The server of a variant, to be closed, killed and restarted.

        Raises:
            LaunchError: As :meth:`variant`.
        """
        self.variant(name)
        return self._variant(name)

    def restart(self, name: str = "plain") -> None:
        """Kill the server of a variant, and start it anew at the same address.

        Raises:
            LaunchError: As :meth:`variant`.
        """
        self._failed.pop(name, None)
        self._variant(name).restart()
        self._answered.add(name)

    def start(self, options: Options, *, port: int | None = None) -> RunningApp:
        """Start one more server, for whoever wants other options than a variant's. It does not answer yet.

        Args:
            options: How to run it.
            port: Where; by default at a port that is free.
        """
        with self._lock:
            return self._start(options, port)

    def close(self) -> None:
        """End them all and remove their files. A second time does nothing; but whoever then asks for one gets it."""
        with self._lock:
            host, directory = self._host, self._directory
            self._host = self._directory = None
            self._running.clear()
            self._answered.clear()
            self._failed.clear()
        if host is not None:
            host.close()
        if directory is not None:
            # On Windows a file may be in use for a moment after its process has ended.
            shutil.rmtree(directory, ignore_errors=True)
        atexit.unregister(self.close)

    def _variant(self, name: str) -> RunningApp:
        if name not in self.variants:
            known = ", ".join(self.variants)
            raise LaunchError(
                f"The reference app of Gradio {self.version} has no variant {name!r}; there are: {known}."
            )
        with self._lock:
            if name not in self._running:
                self._running[name] = self._start(VARIANTS[name], None)
            return self._running[name]

    def _start(self, options: Options, port: int | None) -> RunningApp:
        host = self._host
        if host is None:
            host = self._host = self._host_type(self._place())
            # For a program that ends in the middle of something. One that is killed needs no handler: see `processes`.
            atexit.register(self.close)
        where = free_port() if port is None else port

        def begin() -> Process:
            return host.start(where, options.arguments())

        url = f"http://127.0.0.1:{where}{options.mount or ''}"
        return RunningApp(self.version, url, self._start_seconds, begin, begin())

    def _place(self) -> Place:
        directory = self._directory = Path(tempfile.mkdtemp(prefix=f"gradio-{self.version}-"))
        environment = {**os.environ, **_environment(directory)}
        # The script finds what lies beside it, which this would forbid.
        environment.pop("PYTHONSAFEPATH", None)
        if not self._programs and os.name == "posix":
            nowhere = directory / "no-programs"
            nowhere.mkdir()
            environment["PATH"] = str(nowhere)
        return Place(self.python, self._app, directory, environment)


def _absolute(python: str) -> str:
    # The servers run in a directory of their own.
    return os.path.abspath(python) if os.path.dirname(python) else shutil.which(python) or python


def _environment(directory: Path) -> Mapping[str, str]:
    temporary = dict.fromkeys(("GRADIO_TEMP_DIR", "TMPDIR", "TEMP", "TMP"), str(directory))
    return {**temporary, "PYTHONUNBUFFERED": "1"}


def free_port() -> int:
    """A port at which nobody listens."""
    # Below the range from which the kernel takes the ports of outgoing connections: seconds pass before the
    # server listens, in which others open many of those.
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
