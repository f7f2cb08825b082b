"""Having a command make calls: a process for each scenario, or one that makes them all.

The contract is written down in :mod:`gradio_proto.conformance.clients`.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Protocol

from gradio_proto.config import is_list, is_object

from .model import Order, Outcome

POLL: Final = 0.02
"""Seconds between two looks at a process that makes one call."""

MAX_STDERR: Final = 400
"""Characters of what a command has said on its standard error that are shown."""


class CommandFailed(Exception):
    """The command gave no answer of the form that was agreed on. The client under test may be the cause."""


class CommandTimedOut(CommandFailed):
    """It gave none in time, and was killed.

    Attributes:
        grown: Bytes by which the process had grown by then; None where this system does not tell.
    """

    def __init__(self, timeout: float, grown: int | None) -> None:
        super().__init__(f"no answer in {timeout:g} s")
        self.grown = grown


class CommandMissing(Exception):
    """The command cannot be run at all."""


@dataclass(frozen=True)
class Answered:
    """What a command has answered."""

    outcomes: tuple[Outcome, ...]
    grown: int | None
    """Bytes by which the process has grown at its largest; None where this system does not tell."""


class Caller(Protocol):
    """Whatever has a client make calls."""

    def call(self, order: Order, *, timeout: float, scratch: str) -> Answered:
        """Make the calls of one scenario.

        Raises:
            CommandFailed: There is no answer.
            CommandMissing: There will never be one.
        """
        ...

    def close(self) -> None:
        """End what runs."""
        ...


def split(command: str | Sequence[str]) -> tuple[str, ...]:
    """A command as its arguments.

    Raises:
        CommandMissing: There is nothing in it.
    """
    words = shlex.split(command) if isinstance(command, str) else command
    if not words:
        raise CommandMissing("the command is empty")
    return tuple(words)


def environment_of(order: Order) -> dict[str, str]:
    """An order as environment variables."""
    fields = order.as_json()
    return {
        f"GRADIO_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in fields.items()
    }


def outcomes_of(line: str, calls: int) -> tuple[Outcome, ...]:
    """The outcomes that a line of JSON tells.

    Raises:
        CommandFailed: It is not of the form that was agreed on.
    """
    try:
        answer: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CommandFailed(f"its answer is no JSON ({error}): {line[:200]!r}") from error
    if calls > 1 and is_object(answer) and "results" in answer:
        results = _list(answer["results"])
        if len(results) != calls:
            raise CommandFailed(f"it was to answer {calls} results: {line[:200]!r}")
        return tuple(map(_outcome_of, results))
    # A client that could not even begin has one error to tell, for all of them.
    return (_outcome_of(answer),) * calls


def _list(value: Any) -> list[Any]:
    return value if is_list(value) else []


def _outcome_of(answer: Any) -> Outcome:
    fields = answer if is_object(answer) else {}
    if "error" in fields:
        return Outcome("error", fields["error"], str(fields.get("type", "")))
    if isinstance(fields.get("values"), list):
        return Outcome("values", fields["values"])
    if "value" in fields:
        return Outcome("value", fields["value"])
    raise CommandFailed(f"its answer has no value, no values and no error: {json.dumps(answer)[:200]}")


class OneShot:
    """A process for each scenario."""

    def __init__(self, command: str | Sequence[str]) -> None:
        self.words = split(command)

    def call(self, order: Order, *, timeout: float, scratch: str) -> Answered:
        """Run the command, and read the last line that it prints."""
        places = {
            "{url}": order.url,
            "{api_name}": order.calls[0].api_name,
            "{data}": json.dumps(order.calls[0].data),
        }
        words = [_with(word, places) for word in self.words]
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            process = _start(words, scratch, stdout, stderr, environment_of(order))
            peak, until = 0, time.monotonic() + timeout
            try:
                while process.poll() is None:
                    if time.monotonic() > until:
                        raise CommandTimedOut(timeout, peak or None)
                    peak = max(peak, _peak(process.pid) or 0)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(POLL)
            finally:
                _kill(process)
            if process.returncode:
                raise CommandFailed(f"it ended with status {process.returncode}: {_tail(stderr)}")
            stdout.seek(0)
            lines = stdout.read().decode("utf-8", "replace").split("\n")
        printed = [line for line in lines if line.strip()]
        if not printed:
            raise CommandFailed("it has printed nothing")
        return Answered(outcomes_of(printed[-1], len(order.calls)), peak or None)

    def close(self) -> None:
        """Nothing runs between two calls."""


class Persistent:
    """One process, which reads an order a line and prints an answer a line. It is started anew if it fails."""

    def __init__(self, command: str | Sequence[str]) -> None:
        self.words = split(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._stderr: IO[bytes] | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None

    def call(self, order: Order, *, timeout: float, scratch: str) -> Answered:
        """Write the order, and wait for the answer."""
        process = self._process or self._begin()
        assert process.stdin is not None
        _forget_peak(process.pid)
        before = _peak(process.pid)
        fields = {**order.as_json(), "scratch": scratch}
        try:
            process.stdin.write(json.dumps(fields).encode() + b"\n")
            process.stdin.flush()
            line = self._lines.get(timeout=timeout)
        except OSError:
            line = b""
        except queue.Empty:
            grown = _growth(before, _peak(process.pid))
            self.close()
            raise CommandTimedOut(timeout, grown) from None
        if not line:
            said = _tail(self._stderr)
            self.close()
            raise CommandFailed(f"it has ended without an answer: {said}")
        grown = _growth(before, _peak(process.pid))
        return Answered(outcomes_of(line.decode("utf-8", "replace"), len(order.calls)), grown)

    def _begin(self) -> subprocess.Popen[bytes]:
        # These live as long as the process.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        self._directory = tempfile.TemporaryDirectory(prefix="gradio-conformance-")
        try:
            process = _start(self.words, self._directory.name, subprocess.PIPE, self._stderr, {})
        except CommandMissing:
            self.close()
            raise
        self._process, self._lines = process, queue.Queue()
        threading.Thread(target=_read_lines, args=(process, self._lines), daemon=True).start()
        return process

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            _kill(process)
            with contextlib.suppress(OSError):
                process.stdin.close()
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None


def _read_lines(process: subprocess.Popen[bytes], lines: queue.Queue[bytes]) -> None:
    assert process.stdout is not None
    with process.stdout as stdout:
        for line in stdout:
            lines.put(line)
    lines.put(b"")


def _with(word: str, places: Mapping[str, str]) -> str:
    for place, value in places.items():
        word = word.replace(place, value)
    return word


def _start(
    words: Sequence[str], scratch: str, stdout: IO[bytes] | int, stderr: IO[bytes], more: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "GRADIO_TEMP_DIR": scratch, **more}
    stdin = subprocess.PIPE if stdout == subprocess.PIPE else subprocess.DEVNULL
    try:
        # A group of its own, so that whatever it starts can be ended with it.
        return subprocess.Popen(
            [*words], stdin=stdin, stdout=stdout, stderr=stderr, env=environment, start_new_session=True
        )
    except OSError as error:
        raise CommandMissing(f"the command cannot be run: {error}") from error


def _kill(process: subprocess.Popen[bytes]) -> None:
    # The number of one that has ended, and was waited for, may be another's by now.
    if process.poll() is None:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _tail(stderr: IO[bytes] | None) -> str:
    if stderr is None:
        return ""
    stderr.seek(0)
    return stderr.read().decode("utf-8", "replace").strip()[-MAX_STDERR:]


def _peak(pid: int) -> int | None:
    """The most memory that a process has had, in bytes, where the system tells it."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        return None
    for line in status.split("\n"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


def _growth(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before


def _forget_peak(pid: int) -> None:
    """Have the system count the most memory of a process from now on."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5", "utf-8")
    except OSError:
        pass  # the growth of later scenarios is seen only where it is larger than that of earlier ones
