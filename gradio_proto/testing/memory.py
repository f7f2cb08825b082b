"""A network in memory: flows on one side, a :class:`ServerProtocol` on the other, and virtual time.

Nothing here waits. When nobody can go on, the clock jumps to the next deadline of either side; when there is
none, that is a :class:`Deadlock`. Everything that may happen next (a flow takes a step, bytes arrive on either
side, the app's function takes a step) is one of a list, and ``choose`` picks; by default the oldest. So a test
decides the interleaving, and the same choices give the same run.

:class:`MemoryTransport` is a transport for :class:`gradio_proto.Client` on top of it, for tests of programs that
use a client: no sockets, no threads, no time::

    client = Client("http://app", transport=MemoryTransport.to(app))
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from itertools import count
from typing import Any, BinaryIO, Final, Generic, TypeVar, cast

from gradio_proto.effects import (
    Answer,
    ByteEffect,
    ByteStream,
    Connect,
    CreateFile,
    Flow,
    IsQuiet,
    KeepFile,
    LocalFile,
    OpenFile,
    ReadFile,
    Receive,
    RunInThread,
    Send,
    Signal,
    Sleep,
    StartTLS,
    TimedOut,
    Wait,
    WriteFile,
)
from gradio_proto.errors import (
    ArgumentError,
    ClientClosed,
    ConnectError,
    ConnectionLost,
    FileError,
    GradioError,
)
from gradio_proto.exchange import ConnectionPool, lower
from gradio_proto.files import FileInput
from gradio_proto.transport import TransportOptions

from .app import TestApp
from .protocol import CloseConnection, SendData, ServerProtocol
from .queueing import RunJob

T = TypeVar("T")


def _nothing() -> None:
    return None


def _true() -> bool:
    return True


def _false() -> bool:
    return False


def _timed_out() -> None:
    raise TimedOut


class Deadlock(AssertionError):
    """Somebody waits, and nothing can ever happen: no bytes are under way and no deadline is set."""


class MemoryStream:
    """A connection: a ByteStream for the flows, and a connection id for the server. Made by the runner."""

    def __init__(self, runner: MemoryRunner, number: int) -> None:
        self.number = number
        self.under_way: deque[bytes] = deque()
        """What the server has sent and has not arrived; ``b""`` is its end."""
        self.inbox: deque[bytes] = deque()
        """What has arrived and is not received yet."""
        self.ended = False
        """The server has closed it."""
        self.broken = False
        self.closed = False
        self.receiver: MemoryTask[Any] | None = None
        self._runner = runner

    def close(self) -> None:
        """Close this side; the server learns of it when that has travelled."""
        if not self.closed:
            self.closed = True
            self._runner.happens(partial(self._runner.server_lost, self))
            self.break_off()

    def break_off(self) -> None:
        """Make every use of it fail, as a reset does."""
        self.broken = True
        self.wake_receiver()

    def wake_receiver(self) -> None:
        """Let whoever receives look again."""
        if self.receiver is not None:
            self._runner.resume(self.receiver, self.take)

    def take(self) -> bytes:
        """What has arrived first, or ``b""`` at the end; taken as the flow goes on, so that no flow loses it.

        Raises:
            ConnectionLost: It broke.
        """
        if self.broken:
            raise ConnectionLost("the connection broke")
        return self.inbox.popleft() if self.inbox else b""


DIRECTORY: Final = "/downloads"
"""Where a MemoryRunner keeps what it downloads."""


class MemoryFile:
    """A LocalFile that is on no disk. Made by the runner."""

    def __init__(self, content: bytes = b"", stream: BinaryIO | None = None, name: str = "") -> None:
        self.name = name
        self.content = bytearray(content)
        self.stream = stream
        self.directory = DIRECTORY
        self.closed = False

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes.

        Raises:
            FileError: A stream cannot be read, or is not binary.
        """
        if self.stream is not None:
            try:
                data: object = self.stream.read(size)
            except Exception as error:
                raise FileError(f"{self.name} cannot be read: {error}") from error
            if not isinstance(data, bytes):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise FileError(f"{self.name} is no binary stream: reading it gives {type(data).__name__}")
            return data
        piece = bytes(self.content[:size])
        del self.content[:size]
        return piece

    def close(self) -> None:
        """Note that it is closed."""
        self.closed = True


@dataclass(eq=False)
class MemoryTask(Generic[T]):
    """A flow under way."""

    flow: Generator[ByteEffect, Answer, T] = field(repr=False)
    """What it does."""
    done: bool = False
    """Whether it is over."""
    result: T | None = None
    """What the flow has returned."""
    error: BaseException | None = None
    """What it has raised."""
    deadline: float | None = None
    """When it goes on at the latest, on the virtual clock."""
    signal: Signal | None = None
    """What it waits for."""
    stream: MemoryStream | None = None
    """From which connection it wants to read."""
    steps: int = 0
    """How many effects it has asked for."""

    def is_done(self) -> bool:
        """Whether it has ended."""
        return self.done


class MemoryRunner:
    """Runs flows of byte effects against a server, both in memory.

    Args:
        server: The server's side.
        choose: Given how many things may happen next, which one does (0 is the oldest).
        split: How bytes on their way to a flow are cut into pieces.
    """

    def __init__(
        self,
        server: ServerProtocol,
        *,
        choose: Callable[[int], int] = lambda _: 0,
        split: Callable[[bytes], Iterable[bytes]] = lambda data: (data,),
    ) -> None:
        self.server = server
        self.now = 0.0
        """The virtual clock, in seconds."""
        self.streams: list[MemoryStream] = []
        """Every connection that was ever made."""
        self.refuses = False
        """Whether new connections are refused."""
        self.tasks: list[MemoryTask[Any]] = []
        """Flows under way."""
        self.effects: list[ByteEffect] = []
        """What flows have asked for, in order."""
        self.files: dict[str, bytes] = {}
        """What is on the disk that this runner has not: by path, what a test puts there and what was downloaded."""
        self.open_files: list[MemoryFile] = []
        """Every file that was ever opened or created."""
        self._choose = choose
        self._split = split
        self._may_happen: list[Callable[[], None]] = []
        self._later: list[tuple[float, Callable[[], None]]] = []
        """What functions that sleep will have done, with the time of it."""

    # Flows.

    def spawn(self, flow: Generator[ByteEffect, Answer, T]) -> MemoryTask[T]:
        """Begin a flow; it takes its first step when the runner is turned."""
        task = MemoryTask(flow)
        self.tasks.append(task)
        self.happens(partial(self._step, task, _nothing))
        return task

    def run(self, flow: Generator[ByteEffect, Answer, T]) -> T:
        """Run a flow to its end, together with whatever else is under way."""
        task = self.spawn(flow)
        try:
            self.run_until(task.is_done)
        except BaseException:
            self.cancel(task)
            raise
        if task.error is not None:
            raise task.error
        return cast(T, task.result)

    def cancel(self, task: MemoryTask[Any], error: BaseException | None = None) -> None:
        """End the flow of a task before its time: close it, or throw an error of the caller's world into it."""
        if task.done:
            return
        self._unpark(task)
        if error is None:
            task.flow.close()
        else:
            try:
                task.flow.throw(error)
            except BaseException as raised:
                task.error = raised
            else:
                task.flow.close()
        self._finish(task)

    def resume(self, task: MemoryTask[Any], answer: Callable[[], Any]) -> None:
        """Let the flow of a task go on with what ``answer()`` returns or raises.

        The answer is made as the flow goes on: a flow that is cancelled before has not sent, received or
        connected.
        """
        self._unpark(task)
        self.happens(partial(self._step, task, answer))

    # Turning.

    def happens(self, event: Callable[[], None]) -> None:
        """Something may happen from now on: the event, when it is called."""
        self._may_happen.append(event)

    def run_until(self, done: Callable[[], bool], deadline: float | None = None) -> bool:
        """Let things happen until ``done()``; False when ``deadline`` passes first.

        Raises:
            Deadlock: Nothing can happen any more.
        """
        while not done():
            if not self._may_happen and not self._pass_time(deadline):
                return False
            if self._may_happen:
                self._may_happen.pop(self._choose(len(self._may_happen)))()
                self._take_actions()
        return True

    def settle(self) -> None:
        """Let everything happen that can without time passing."""
        while self._may_happen:
            self._may_happen.pop(self._choose(len(self._may_happen)))()
            self._take_actions()

    def _pass_time(self, deadline: float | None) -> bool:
        """Jump to the next time at which something happens; False if that is the caller's deadline."""
        dues = [task.deadline for task in self.tasks if task.deadline is not None]
        due = min(dues + [time for time, _ in self._later], default=None)
        server_due = self.server.next_deadline()
        nexts = [time for time in (due, server_due, deadline) if time is not None]
        if not nexts or (due is None and deadline is None and not self.streams):
            raise Deadlock(f"nothing can happen any more; waiting: {self.tasks}")
        self.now = max(self.now, min(nexts))
        if deadline is not None and self.now >= deadline:
            return False
        if server_due is not None and self.now >= server_due:
            self.server.handle_timer(self.now)
            self._take_actions()
        for event in [event for time, event in self._later if time <= self.now]:
            self.happens(event)
        self._later = [(time, event) for time, event in self._later if time > self.now]
        for task in [task for task in self.tasks if task.deadline is not None and task.deadline <= self.now]:
            # Wait and Sleep answer; whatever receives times out.
            self.resume(task, _false if task.stream is None else _timed_out)
        return True

    # The server's side.

    def server_lost(self, stream: MemoryStream) -> None:
        """Tell the server that a connection (a stream) is gone."""
        self.server.connection_lost(stream.number)
        self._take_actions()

    def _take_actions(self) -> None:
        while (action := self.server.next_action()) is not None:
            if isinstance(action, SendData | CloseConnection):
                stream = self.streams[cast(int, action.conn_id)]
                stream.under_way.append(action.data if isinstance(action, SendData) else b"")
                self.happens(partial(self._arrive, stream))
            elif isinstance(action, RunJob):
                self.happens(partial(self._run_job, action))
            else:
                action.call.close()

    def _arrive(self, stream: MemoryStream) -> None:
        data = stream.under_way.popleft()  # in order, whichever arrival was chosen
        if stream.broken:
            return
        if data:
            stream.inbox.extend(piece for piece in self._split(data) if piece)
        else:
            stream.ended = True
        stream.wake_receiver()

    def _run_job(self, job: RunJob) -> None:
        # The function is run in one go, now. What it has to tell happens when the clock has come to where it sleeps,
        # and is for the server that runs it: by then a test may have put another in its place.
        server = self.server
        told: deque[Callable[[], None]] = deque()
        slept = 0.0

        def pause(seconds: float) -> None:
            nonlocal slept
            slept += seconds

        def tell(what: Callable[[], None]) -> None:
            if slept:
                told.append(what)
                # In order, whichever of those that are due at one time is chosen.
                self._later.append((self.now + slept, lambda: told.popleft()()))
            else:
                what()

        def report(aside: Any) -> None:
            tell(lambda: server.job_reported(job.event_id, aside, self.now))

        outcome = job.call.step(report, pause)
        tell(lambda: server.job_stepped(job.event_id, outcome, self.now))

    # Effects.

    def _step(self, task: MemoryTask[Any], answer: Callable[[], Any]) -> None:
        if task.done:
            return
        try:
            try:
                value = answer()
            except (GradioError, TimedOut) as error:
                effect = task.flow.throw(error)
            else:
                effect = next(task.flow) if task.steps == 0 else task.flow.send((value, self.now))
        except StopIteration as stop:
            task.result = stop.value
            self._finish(task)
        except BaseException as raised:
            task.error = raised
            self._finish(task)
        else:
            task.steps += 1
            self.effects.append(effect)
            self._perform(task, effect)

    def _perform(self, task: MemoryTask[Any], effect: ByteEffect) -> None:
        if isinstance(effect, Receive):
            self._receive(task, effect)
        elif isinstance(effect, Send):
            self.resume(task, partial(self._send, effect))
        elif isinstance(effect, Connect):
            self.resume(task, partial(self._connect, effect))
        elif isinstance(effect, StartTLS):
            self.resume(task, partial(_memory, effect.stream))
        elif isinstance(effect, IsQuiet):
            stream = _memory(effect.stream)
            self.resume(task, lambda: not (stream.inbox or stream.ended or stream.broken))
        elif isinstance(effect, Wait):
            if effect.signal.is_set:
                self.resume(task, _true)
            else:
                self._park(task, effect.deadline, effect.signal, _true)
        elif isinstance(effect, Sleep):
            self._park(task, effect.deadline)
        elif isinstance(effect, OpenFile):
            self.resume(task, partial(self._open_file, effect.file))
        elif isinstance(effect, ReadFile):
            self.resume(task, partial(_file(effect.file).read, effect.size))
        elif isinstance(effect, CreateFile):
            self.resume(task, partial(self._create_file, effect.directory or DIRECTORY))
        elif isinstance(effect, WriteFile):
            self.resume(task, partial(_file(effect.file).content.extend, effect.data))
        elif isinstance(effect, KeepFile):
            self.resume(task, partial(self._keep_file, effect))
        elif isinstance(effect, RunInThread):
            self.resume(task, effect.work)  # at once: nothing here takes time but what sleeps
        else:
            self.resume(task, _nothing)

    def _open_file(self, file: FileInput) -> MemoryFile:
        if isinstance(file.source, bytes):
            opened = MemoryFile(file.source)
        elif not isinstance(file.source, str):
            opened = MemoryFile(stream=file.source, name=file.name)
        elif file.source in self.files:
            opened = MemoryFile(self.files[file.source])
        else:
            raise FileError(f"there is no file {file.source!r}", path=file.source)
        self.open_files.append(opened)
        return opened

    def _create_file(self, directory: str) -> MemoryFile:
        created = MemoryFile()
        created.directory = directory
        self.open_files.append(created)
        return created

    def _keep_file(self, effect: KeepFile) -> str:
        file = _file(effect.file)
        path = f"{file.directory}/{effect.folder}/{effect.name}"
        self.files[path] = bytes(file.content)
        return path

    def _receive(self, task: MemoryTask[Any], effect: Receive) -> None:
        stream = _memory(effect.stream)
        if effect.wake is not None and effect.wake.is_set:
            self.resume(task, _nothing)
        elif stream.inbox or stream.ended or stream.broken:
            self.resume(task, stream.take)
        else:
            stream.receiver = task
            task.stream = stream
            self._park(task, effect.deadline, effect.wake, _nothing)

    def _connect(self, effect: Connect) -> MemoryStream:
        if self.refuses:
            raise ConnectError(f"{effect.host}:{effect.port} refuses connections")
        stream = MemoryStream(self, len(self.streams))
        self.streams.append(stream)
        self.server.connection_made(stream.number)
        return stream

    def _send(self, effect: Send) -> None:
        stream = _memory(effect.stream)
        if stream.broken or stream.ended:
            raise ConnectionLost("the connection broke")
        self.server.receive_data(stream.number, effect.data, self.now)

    def _park(
        self,
        task: MemoryTask[Any],
        deadline: float | None,
        signal: Signal | None = None,
        answer: Callable[[], Any] = _nothing,
    ) -> None:
        task.deadline = deadline
        if signal is not None:
            task.signal = signal
            signal.notify = partial(self.resume, task, answer)

    def _unpark(self, task: MemoryTask[Any]) -> None:
        if task.signal is not None:
            task.signal.notify = None
        if task.stream is not None:
            task.stream.receiver = None
        task.deadline = task.signal = task.stream = None

    def _finish(self, task: MemoryTask[Any]) -> None:
        task.done = True
        self.tasks.remove(task)


def _memory(stream: ByteStream) -> MemoryStream:
    assert isinstance(stream, MemoryStream)
    return stream


def _file(file: LocalFile) -> MemoryFile:
    assert isinstance(file, MemoryFile)
    return file


class MemoryTransport:
    """A client's transport over a :class:`MemoryRunner`: one thread, no sockets, virtual time.

    What waits (``predict()``, ``job.result()``) turns the runner; between such calls nothing happens, so the
    standard library's ``concurrent.futures.wait()``, which only waits, would wait for ever.

    Args:
        options: What the client tells every transport.
        runner: What it runs on.

    Example:
        ::

            from gradio_proto import Client
            from gradio_proto.testing import TestApp
            from gradio_proto.testing.memory import MemoryTransport

            app = TestApp()
            app.endpoint("/shout")(str.upper)

            with Client("http://app", transport=MemoryTransport.to(app)) as client:
                print(client.predict("quiet", api_name="/shout"))  # prints QUIET
    """

    def __init__(self, options: TransportOptions, runner: MemoryRunner) -> None:
        self.runner = runner
        self.pool = ConnectionPool(options.limits, options.timeouts, proxy=options.proxy)
        self._numbers = count(1)
        self._callbacks: deque[Callable[[], None]] = deque()
        self._tasks: list[MemoryTask[Any]] = []
        self._closed = False

    @classmethod
    def to(
        cls, app: TestApp | ServerProtocol | MemoryRunner
    ) -> Callable[[TransportOptions], MemoryTransport]:
        """What ``Client(transport=...)`` takes, for an app, a server or a runner."""
        server = ServerProtocol(app) if isinstance(app, TestApp) else app
        runner = MemoryRunner(server) if isinstance(server, ServerProtocol) else server
        return partial(cls, runner=runner)

    @property
    def lock(self) -> contextlib.AbstractContextManager[object]:
        """Nothing to guard: there is one thread."""
        return contextlib.nullcontext()

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end.

        Raises:
            ClientClosed: The client was closed.
        """
        if self._closed:
            flow.close()
            raise ClientClosed("the client is closed; make a new one")
        result = self.runner.run(lower(flow, self.pool))
        self._call_back()
        return result

    def spawn(self, flow: Flow[None], *, promised: bool) -> None:
        """Begin a flow, which may be promised to go on (see :meth:`Scheduler.spawn`); it goes on while somebody
        waits, for whatever.
        """
        self._tasks = [task for task in self._tasks if not task.done]
        self._tasks.append(self.runner.spawn(lower(flow, self.pool)))

    def wait_until(
        self, done: Callable[[], bool], hooks: list[Callable[[], None]], timeout: float | None = None
    ) -> bool:
        """Let things happen until ``done()``; see :meth:`BlockingTransport.wait_until`."""
        happened = self.runner.run_until(done, None if timeout is None else self.runner.now + timeout)
        self._call_back()
        return happened

    def when_free(self, action: Callable[[], None]) -> None:
        """Do the action: there is nobody to wait for."""
        action()

    def call_from_thread(self, callback: Callable[[], None]) -> None:
        """Call the callback: there is one thread, which does not wait for others."""
        callback()

    def defer(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when the waiting that goes on now is over."""
        self._callbacks.append(callback)

    def _call_back(self) -> None:
        while self._callbacks:
            self._callbacks.popleft()()

    def file_size(self, path: str) -> int:
        """The bytes of the file that has this path in ``runner.files``.

        Raises:
            ArgumentError: There is none.
        """
        if path not in self.runner.files:
            raise ArgumentError(f"the file {path!r} cannot be sent: it is not in MemoryRunner.files")
        return len(self.runner.files[path])

    def wall_clock(self) -> datetime:
        """The virtual clock, from the beginning of 2000 on."""
        return datetime(2000, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=self.runner.now)

    def monotonic(self) -> float:
        """The virtual clock."""
        return self.runner.now

    def token(self) -> str:
        """A numbered name: the same in every run."""
        return f"session{next(self._numbers)}"

    def jitter(self) -> float:
        """The middle."""
        return 0.5

    def on_fork(self, callback: Callable[[], None]) -> None:
        """Nothing, and the callback is never called: nobody else has these connections."""

    def close(self) -> None:
        """End every flow and close every connection."""
        self._closed = True
        for task in self._tasks:
            self.runner.cancel(task)
        self.pool.close()
        self._call_back()
