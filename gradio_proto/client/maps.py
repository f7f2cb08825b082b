"""``Client.map()``: an endpoint over many inputs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from operator import length_hint
from typing import Any, Generic, NamedTuple, TypeVar

from ..errors import ArgumentError, ClientClosed, GradioError
from ..flows.state import LiveSession
from ..job import Job
from ..transport import BlockingTransport, Transport
from .engine import Engine
from .mapping import MapOptions, MapProgress, Outcome, Window, arguments_of, told
from .options import checked_callable
from .progress_line import ProgressLine
from .remote import RemoteCall, checked_executor

X = TypeVar("X", bound=Transport)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source(Generic[X]):
    """What a map knows of its endpoint."""

    engine: Engine[X]
    client: object
    """Kept open by its maps."""
    label: str
    begin: Callable[[tuple[Any, ...], dict[str, Any]], tuple[Job, LiveSession]]
    """Makes the job of a call; the lock is held."""
    remote: Callable[[], RemoteCall]
    """Makes the call that an executor carries."""


class _Begun(NamedTuple):
    live: LiveSession
    job: Job


class MapBase(Generic[X]):
    """What the maps of both clients do; not reading inputs, and not waiting.

    Args:
        source: What is called.
        inputs: What it is called with.
        options: How.
        progress: Whom to tell.
        executor: Where, if not here.
    """

    def __init__(
        self,
        source: Source[X],
        inputs: object,
        options: MapOptions,
        progress: bool | Callable[[MapProgress], Any] | None,
        executor: Any,
    ) -> None:
        self._window: Window | None = None  # until there is something to give up
        if isinstance(inputs, str | bytes):
            kind = type(inputs).__name__
            raise TypeError(f"map() takes an iterable of inputs, not one {kind}: use predict() for that")
        self._source = source
        self._engine: Engine[X] = source.engine
        self._options = options
        self._submit: Callable[..., Future[Outcome]] | None = None
        if executor is not None:
            call = source.remote()
            call.check(executor)
            self._submit = partial(checked_executor(executor).submit, call)
        self._line: ProgressLine | None = None
        self._report: Callable[[MapProgress], Any] | None = None
        if progress is True:
            self._report = self._line = ProgressLine(source.label)
        elif progress is not False:
            checked_callable("progress", progress)
            self._report = progress
        self._reported = 0
        self._begun_at: float | None = None
        total = length_hint(inputs, -1)
        self._window = Window(options, source.engine.max_workers, None if total < 0 else total)

    @property
    def index(self) -> int | None:
        """The index of the input whose result or error came last; None before the first."""
        return self._open_window.index

    @property
    def _open_window(self) -> Window:
        assert self._window is not None
        return self._window

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._source.label}, last index {self.index}>"

    # Inputs.

    def _wants_input(self) -> bool:
        if self._begun_at is None:
            self._begun_at = self._engine.transport.monotonic()
        with self._engine.transport.lock:
            return self._open_window.wants_input()

    def _end_inputs(self, error: Exception | None = None) -> None:
        with self._engine.transport.lock:
            self._open_window.end_inputs(error)

    def _begin(self, given: object) -> None:
        """Begin the call of the input that was just read."""
        window, lock = self._open_window, self._engine.transport.lock
        with lock:
            index = window.number()
        if index in self._options.skip:
            with lock:
                window.skip()
            return
        try:
            args, kwargs = arguments_of(given)
            if self._submit is None:
                self._begin_here(window, index, args, kwargs)
            else:
                self._begin_elsewhere(window, index, self._submit(args, kwargs), given)
        except ClientClosed:
            raise
        except (TypeError, ValueError, GradioError) as error:
            with lock:
                window.begin(index)
                window.settle(index, Outcome(None, told(error, index, given)))

    def _begin_here(self, window: Window, index: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        engine = self._engine
        with engine.transport.lock:
            job, live = self._source.begin(args, kwargs)
            try:
                engine.transport.spawn(engine.call(live, job), promised=True)
            except BaseException:
                job.cancel()
                raise
            window.begin(index, _Begun(live, job))
            # It knows the window and not this object, which may be let go of while jobs are on their way.
            job.on_settled.append(partial(window.settle_job, index, job))

    def _begin_elsewhere(self, window: Window, index: int, future: Future[Outcome], given: object) -> None:
        transport = self._engine.transport
        with transport.lock:
            window.begin(index, future)

        def done(future: Future[Outcome]) -> None:
            try:
                outcome = future.result()
            except BaseException as error:  # the executor's, who does not know what it carries
                outcome = Outcome(None, error)
            if isinstance(outcome.error, TypeError | ArgumentError):
                told(outcome.error, index, given)
            transport.call_from_thread(partial(window.settle, index, outcome))

        future.add_done_callback(done)

    # Results.

    def _take(self) -> tuple[int, Any] | None:
        """The next result with its index, if it is there; raises an error that is to be raised."""
        window = self._open_window
        with self._engine.transport.lock:
            progress = self._progress()
        if self._report is not None and progress.done != self._reported:
            self._reported = progress.done
            self._report(progress)
        with self._engine.transport.lock:
            taken = window.take()
            is_over = window.is_over
        if taken is not None:
            return taken[0], window.value(taken[1])
        if is_over:
            window.finish()
        return None

    def _progress(self) -> MapProgress:
        begun = self._begun_at
        seconds = 0.0 if begun is None else self._engine.transport.monotonic() - begun
        return self._open_window.progress(seconds)

    # The end.

    def _close(self) -> None:
        give_up(self._engine, self._open_window)
        self._end_line()

    def _end_line(self) -> None:
        line, self._line = self._line, None
        if line is not None and self._begun_at is not None:
            line.end(self._progress())

    def _later(self, action: Callable[[], None]) -> None:
        """Do something that takes the lock, which may be held by the thread that runs this."""
        raise NotImplementedError

    def __del__(self) -> None:
        window: Window | None = getattr(self, "_window", None)
        if window is not None:
            if window.on_their_way:
                # The collector runs this in the middle of anything.
                self._later(partial(give_up, self._engine, window))
            self._end_line()


class MapIterator(MapBase[BlockingTransport], Iterator[Any]):
    """The results of :meth:`Client.map`: iterate over it, or over :meth:`indexed`. Made by that method.

    When it is let go of before its end (by ``break``, for example), the calls that are on their way are given up;
    :meth:`close` does that at once, and so does the end of a ``with``. It is for one thread at a time.
    """

    def __init__(
        self,
        source: Source[BlockingTransport],
        inputs: Iterable[Any],
        options: MapOptions,
        progress: bool | Callable[[MapProgress], Any] | None,
        executor: Any,
    ) -> None:
        super().__init__(source, inputs, options, progress, executor)
        self._inputs = iter(inputs)

    def __enter__(self) -> MapIterator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up the calls that are on their way, and give out nothing more. A second time does nothing."""
        self._close()

    def __next__(self) -> Any:
        return self._next()[1]

    def indexed(self) -> Iterator[tuple[int, Any]]:
        """The same results, each as ``(index, result)``: by the index of its input, counted from 0."""
        return _Indexed(self._next)

    def _next(self) -> tuple[int, Any]:
        window, transport = self._open_window, self._engine.transport
        try:
            while True:
                self._read_inputs()
                transport.wait_until(window.has_news, window.hooks)
                taken = self._take()
                if taken is not None:
                    return taken
                if window.is_over:
                    raise StopIteration
        except Exception:
            self.close()
            raise

    def _read_inputs(self) -> None:
        while self._wants_input():
            try:
                given = next(self._inputs)
            except StopIteration:
                self._end_inputs()
            except Exception as error:
                self._end_inputs(error)
            else:
                self._begin(given)

    def _later(self, action: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the interpreter ends, and takes the jobs with it
            self._engine.transport.defer(action)


# No generator: one that Ctrl-C has struck is over, and whoever reads on would take that for the end.
class _Indexed(Iterator[tuple[int, Any]]):
    def __init__(self, read: Callable[[], tuple[int, Any]]) -> None:
        self._read = read

    def __next__(self) -> tuple[int, Any]:
        return self._read()


def give_up(engine: Engine[Any], window: Window) -> None:
    """Cancel the calls of a map that are on their way."""
    with engine.transport.lock:
        handles = window.close()
        engine.give_up(*(handle for handle in handles if isinstance(handle, _Begun)))
    for handle in handles:
        if not isinstance(handle, _Begun):
            handle.cancel()  # without the lock, since a future calls those who wait for it
