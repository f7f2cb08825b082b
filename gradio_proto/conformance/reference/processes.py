"""How an app is run in another Python: in a process of its own, or as one of many forks of a process.

Importing Gradio takes seconds. Where the system can fork, one process imports it, and each server is a fork of that
(see ``forked.py``), ready in a fraction of the time. Whichever it is, nothing outlives its owner: what runs watches its
standard input, which ends when the owner does, however that dies.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

HERE: Final = Path(__file__).resolve().parent

CAN_FORK: Final = hasattr(os, "fork") and sys.platform != "darwin"
"""Whether a process may fork after it has imported Gradio. On macOS the system's libraries below NumPy forbid it."""

_KILL_SECONDS: Final = 10.0
"""How long the end of a process that was killed may take. It is a matter of milliseconds on an idle machine."""


class Process(Protocol):
    """A server that was started."""

    def close_app(self) -> None:
        """Have the app stop of its own will, as ``demo.close()`` does; wait for nothing."""

    def kill(self) -> None:
        """End it, and wait until it is gone. A second time does nothing."""

    def status(self) -> int | None:
        """Its exit status if it has ended (negative for the number of a signal), else None."""
        ...

    def output(self) -> str:
        """What it has printed."""
        ...


class Host(Protocol):
    """What starts servers of one Python."""

    def start(self, port: int, arguments: Sequence[str]) -> Process:
        """Start one, with these arguments of ``app.py`` beside its port. It does not answer yet."""
        ...

    def close(self) -> None:
        """End all of them. A second time does nothing."""


@dataclass(frozen=True)
class Place:
    """Where the servers of a host run, and with what."""

    python: str
    """The interpreter."""
    app: Path
    """The script."""
    directory: Path
    """Their working directory."""
    environment: Mapping[str, str]


class Alone:
    """A process of our own, which ends with its standard input."""

    def __init__(self, command: Sequence[str], place: Place, output: str) -> None:
        self._output = place.directory / output
        self._is_over = False
        with self._output.open("wb") as writer:
            self.process = subprocess.Popen(
                [place.python, *command],
                bufsize=0,  # what is written is there at once, and in one piece
                stdin=subprocess.PIPE,
                stdout=writer,
                stderr=subprocess.STDOUT,
                cwd=place.directory,
                env=place.environment,
                start_new_session=True,
            )

    def write(self, line: bytes) -> None:
        """Tell it something; nothing happens if it has ended."""
        if self._is_over:
            return
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line)
        except OSError:
            pass  # it has ended by itself

    def close_app(self) -> None:
        """See :class:`Process`."""
        self.write(b"\n")

    def kill(self) -> None:
        """See :class:`Process`."""
        if self._is_over:
            return
        self._is_over = True
        # It leads a process group of its own, so that nothing it started is left behind.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        except AttributeError:  # there are no groups on Windows
            self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()

    def status(self) -> int | None:
        """See :class:`Process`."""
        return self.process.poll()

    def output(self) -> str:
        """See :class:`Process`."""
        return _text(self._output)


class Processes:
    """A host that starts a process for each server."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._started: list[Alone] = []

    def start(self, port: int, arguments: Sequence[str]) -> Alone:
        """See :class:`Host`."""
        command = [str(self._place.app), "--port", str(port), "--exit-with-parent", *arguments]
        self._started.append(Alone(command, self._place, f"{port}.txt"))
        return self._started[-1]

    def close(self) -> None:
        """See :class:`Host`."""
        while self._started:
            self._started.pop().kill()


class Forks:
    """A host whose servers are forks of one process."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = threading.Lock()
        self.parent = Alone([str(HERE / "forked.py"), str(place.app)], place, "output.txt")

    def start(self, port: int, arguments: Sequence[str]) -> Fork:
        """See :class:`Host`."""
        for name in (f"{port}.ended", f"{port}.txt"):
            (self._place.directory / name).unlink(missing_ok=True)
        self.order("start", port, [*arguments])
        return Fork(self, port, self._place.directory)

    def order(self, order: str, port: int, *more: Any) -> None:
        """Tell the parent what to do with a fork."""
        line = json.dumps([order, port, *more]).encode() + b"\n"
        with self._lock:
            self.parent.write(line)

    def close(self) -> None:
        """See :class:`Host`."""
        self.parent.kill()


class Fork:
    """One of those."""

    def __init__(self, host: Forks, port: int, directory: Path) -> None:
        self._host = host
        self._port = port
        self._directory = directory

    def close_app(self) -> None:
        """See :class:`Process`."""
        self._host.order("close", self._port)

    def kill(self) -> None:
        """See :class:`Process`.

        Raises:
            TimeoutError: It has not ended in time.
        """
        self._host.order("kill", self._port)
        deadline = time.monotonic() + _KILL_SECONDS
        while self.status() is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the server at port {self._port} does not end")
            time.sleep(0.005)

    def status(self) -> int | None:
        """See :class:`Process`."""
        try:
            return int(_text(self._directory / f"{self._port}.ended"))
        except FileNotFoundError:
            return self._host.parent.status()

    def output(self) -> str:
        """See :class:`Process`."""
        try:
            return _text(self._directory / f"{self._port}.txt")
        except FileNotFoundError:
            return self._host.parent.output()  # it was not forked yet


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip()
