"""Run the cells of one version of Gradio: each operation over each transport, on real servers."""

from __future__ import annotations

import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from servers.running import reference_server
from ways import Way

from gradio_proto.conformance.reference import Options, RunningApp

from .operation import Operation, Place
from .scene import LOGIN, WAYS, Scene

Result = Literal["ok", "n/a", "failed"]

THREADS = 8
"""Cells of the plain server that run at once."""

SECONDS = 400.0
"""How long all cells of a version may take."""

VARIANTS: dict[Place, Options] = {
    "plain": Options(workers=60),
    "strict": Options(auth=":".join(LOGIN), root_path="/sub/path", max_size=3, hide_errors=True, workers=1),
    "mounted": Options(mount="/mounted/here"),
    "queueless": Options(no_queue=True),
    "doomed": Options(workers=60),
}
"""The servers of a version: one for what leaves it as it was, where cells run side by side; one where they run one
after the other, with a login, the path of a proxy, a short queue and hidden errors; one that is part of another app,
and on which nothing depends; one without a queue (3.x); and one to be killed."""

MAX_FILE_SIZE_SINCE = (4, 44)


@dataclass(frozen=True)
class Outcome:
    """What became of a cell."""

    operation: str
    version: str
    way: str
    result: Result
    seconds: float
    error: str = ""


class Meeting:
    """Where the cells of all transports come together before something happens to their server."""

    def __init__(self, parties: int, happens: Callable[[str], None]) -> None:
        self._barrier = threading.Barrier(parties)
        self._happens = happens

    def strike(self, what: str) -> None:
        """Wait for the others, and for what then happens."""
        if self._barrier.wait(60) == 0:
            try:
                self._happens(what)
            except BaseException:
                self.leave()
                raise
        self._barrier.wait(60)

    def leave(self) -> None:
        """Whoever waits for this cell, or would, fails."""
        self._barrier.abort()


def options_of(version: str, place: Place) -> Options:
    """The options of such a server."""
    options = VARIANTS[place]
    if place == "strict" and _number(version) >= MAX_FILE_SIZE_SINCE:
        return replace(options, max_file_size=1000)
    return options


def run_version(
    version: str, operations: Sequence[Operation], ways: Iterable[str], report: Callable[[Outcome], None]
) -> None:
    """Run these operations over these transports, and report each as it ends (on any thread).

    A cell that never ends is reported as failed, and its thread goes on: end the process.

    Raises:
        LaunchError: A server did not start.
    """
    chosen = [way for way in WAYS if way.name in set(ways)]
    # They find no programs of the machine that they run on, ffmpeg say, so that they do the same on all machines.
    with (
        reference_server(version, programs=False) as server,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory,
    ):
        apps = {
            place: server.start(options_of(version, place))
            for place in VARIANTS
            if any(operation.place_on(_number(version)) == place for operation in operations)
        }

        def happens(app: RunningApp, what: str) -> None:
            {"close": app.close_app, "kill": app.kill, "restart": app.restart}[what]()

        def run(operation: Operation, way: type[Way], meeting: Meeting | None = None) -> Outcome:
            own = Path(tempfile.mkdtemp(dir=directory))
            strike = meeting.strike if meeting is not None else _nothing_happens
            scene = Scene(version, apps[operation.place_on(_number(version))].url, way(), own, strike)
            outcome = run_cell(operation, scene)
            if meeting is not None and outcome.result == "failed":
                meeting.leave()
            return outcome

        pools = {
            place: ThreadPoolExecutor({"plain": THREADS, "doomed": len(chosen)}.get(place, 1))
            for place in apps
        }
        futures: dict[Future[Outcome], Outcome] = {}
        for app in apps.values():
            app.wait()

        # What takes long begins first, and what a server does badly is done to it last.
        def rank(operation: Operation) -> tuple[bool, bool]:
            return operation.lack(_number(version)) is not None, "silence" not in operation.name

        for operation in sorted(operations, key=rank):
            place = operation.place_on(_number(version))
            meeting = None
            if operation.together:
                meeting = Meeting(len(chosen), partial(happens, apps[place]))
            for way in chosen:
                future = pools[place].submit(run, operation, way, meeting)
                future.add_done_callback(lambda future: report(future.result()))
                futures[future] = Outcome(
                    operation.name,
                    version,
                    way.name,
                    "failed",
                    SECONDS,
                    "it had not ended when the time was over",
                )
        unfinished = wait(futures, SECONDS).not_done
        for future in unfinished:
            if not future.cancel():
                report(futures[future])
        for pool in pools.values():
            pool.shutdown(wait=not unfinished)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _nothing_happens(what: str) -> None:
    raise AssertionError(f"an operation alone with its server has no use for {what!r}")


def run_cell(operation: Operation, scene: Scene) -> Outcome:
    """Run one cell on this thread."""
    lack = operation.lack(scene.version)
    began = time.monotonic()
    outcome = partial(Outcome, operation.name, scene.server, scene.way.name)
    check = operation.check if lack is None else lack.check
    try:
        scene.way.run(partial(check, scene))
    except BaseException as error:
        lines = "".join(traceback.format_exception(error)[-12:])
        return outcome("failed", time.monotonic() - began, lines)
    return outcome("ok" if lack is None else "n/a", time.monotonic() - began)
