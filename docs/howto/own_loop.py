"""A loop of one's own: ten jobs at once on a selector, without this library's transports or its client.

Take it to carry the protocol into a loop that knows nothing of this library, or has no sockets as Python knows them.
The core's ``Scheduler`` decides which flow goes on. What is left to write is how each effect is carried out (at once,
or the task is parked at a socket), and ``run_until()``, the loop itself. Connecting, and what makes a job, is as in
own_runner.py. TLS is left out, and looking up a name would keep the loop waiting.
"""

from __future__ import annotations

import os
import selectors
import socket
import sys
import time
from collections.abc import Callable
from errno import EALREADY, EINPROGRESS, EISCONN
from typing import Any

from own_runner import new_job, new_state

from gradio_proto import ConnectError, ConnectionLost
from gradio_proto.effects import Connect, IsQuiet, Receive, Send, Signal, TimedOut
from gradio_proto.exchange import ConnectionPool, lower
from gradio_proto.flows.calls import call
from gradio_proto.flows.connect import connect
from gradio_proto.scheduler import Parking, Scheduler, Task

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Connection(Parking):
    """What this loop makes for Connect, and where a task waits for it."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.is_made = False
        self.task: Task[Any] | None = None

    def attempt(
        self,
        task: Task[Any],
        do: Callable[[], Any],
        events: int,
        deadline: float | None,
        wake: Signal | None = None,
    ) -> bool:
        """Do it now, or park the task until the socket is ready for that."""
        if deadline is not None and time.monotonic() >= deadline:
            raise TimedOut
        try:
            task.value = do()
        except BlockingIOError:
            self.task = task
            self.loop.selector.register(self.sock, events, lambda: self.go_on(task, do))
            self.loop.park(task, deadline, wake, on=self)
            return False
        except OSError as error:
            raise ConnectionLost(f"the connection broke: {error}") from error
        return True

    def go_on(self, task: Task[Any], do: Callable[[], Any]) -> None:
        if self.task is not task:
            return  # what happened on another socket was quicker
        try:
            value = do()
        except BlockingIOError:
            pass
        except ConnectError as error:
            self.loop.resume(task, error=error)
        except OSError as error:
            self.loop.resume(task, error=ConnectionLost(f"the connection broke: {error}"))
        else:
            self.loop.resume(task, value)

    def leave(self, task: Task[Any]) -> None:
        """The task goes on, for whatever reason: that it is done here, its deadline, its end."""
        self.task = None
        self.loop.selector.unregister(self.sock)
        if not self.is_made:
            self.sock.close()

    def close(self) -> None:
        if self.task is not None:
            self.loop.resume(self.task, error=ConnectionLost("the connection was closed by this client"))
        self.sock.close()


class Loop(Scheduler):
    """Runs flows of byte effects on a selector."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        effects = {Connect: self.connect, Send: self.send, Receive: self.receive, IsQuiet: self.is_quiet}
        super().__init__(effects, time.monotonic)

    def run_until(self, done: Callable[[], bool]) -> None:
        while True:
            self.step_all()
            if done():
                return
            due = self.clock() if self.ready else self.next_deadline()
            for key, _ in self.selector.select(None if due is None else max(0.0, due - self.clock())):
                key.data()
            self.expire(self.clock())

    def close(self) -> None:
        self.end_all()
        self.selector.close()

    # The effects: True is "done", with the answer in task.value, and False "parked".

    def connect(self, task: Task[Any], effect: Connect) -> bool:
        connection = Connection(self)

        def do() -> Connection:
            problem = connection.sock.connect_ex((effect.host, effect.port))
            if problem in (EINPROGRESS, EALREADY):
                raise BlockingIOError
            if problem not in (0, EISCONN):
                raise ConnectError(f"no connection to {effect.host}:{effect.port}: {os.strerror(problem)}")
            connection.is_made = True
            return connection

        return connection.attempt(task, do, WRITE, effect.deadline)

    def send(self, task: Task[Any], effect: Send) -> bool:
        connection = effect.stream
        assert isinstance(connection, Connection)
        rest = memoryview(effect.data)

        def do() -> None:
            nonlocal rest
            while rest:
                rest = rest[connection.sock.send(rest) :]

        return connection.attempt(task, do, WRITE, effect.deadline)

    def receive(self, task: Task[Any], effect: Receive) -> bool:
        connection = effect.stream
        assert isinstance(connection, Connection)
        if effect.wake is not None and effect.wake.is_set:
            task.value = None
            return True
        return connection.attempt(
            task, lambda: connection.sock.recv(65536), READ, effect.deadline, effect.wake
        )

    def is_quiet(self, task: Task[Any], effect: IsQuiet) -> bool:
        assert isinstance(effect.stream, Connection)
        try:
            effect.stream.sock.recv(1, socket.MSG_PEEK)
            task.value = False  # stray bytes, or the end
        except BlockingIOError:
            task.value = True
        except OSError:
            task.value = False
        return True


def main(url: str) -> None:
    loop, state = Loop(), new_state(url)
    pool = ConnectionPool(state.limits, state.timeouts)
    try:
        connecting = loop.spawn(lower(connect(state), pool))
        loop.run_until(connecting.is_done)
        connecting.outcome()  # raises what went wrong

        jobs = [new_job(state, "/greet", (f"number {number}",), {}) for number in range(10)]
        for job in jobs:
            loop.spawn(lower(call(state, state.session(), job), pool))
        loop.run_until(lambda: all(job.is_settled for job in jobs))
        for job in jobs:
            print(job.result())
        print(f"{pool.connections_made} connections were made")
    finally:
        loop.close()
        pool.close()


if __name__ == "__main__":
    main(sys.argv[1])
