"""A network in memory that misbehaves as networks do, in virtual time.

Theory of operation. :class:`Network` is the :class:`~gradio_proto.testing.memory.MemoryRunner` with what lies between a
client and a server: every byte has to travel, up as well as down, and on its way it can be held, be late, or be lost.

* TCP loses nothing from the middle. So to lose is to *cut*: a connection ends after some of the bytes that are under
  way, with a reset or as if it were over.
* To *hold* a connection is to let nothing pass, and to tell nobody. Time passes meanwhile, so this is delay when it
  ends, and silence until then. ``fall_silent`` does it to all of them, and to the connections that are made.
* Connections are reordered among each other by whoever chooses what happens next, and one that is held lets all others
  overtake.
* TCP duplicates nothing. Those who stand in between do: a proxy that sends a GET again when its own connection to the
  server broke, and one that sends an event of a stream twice. Only such events are sent twice as say the same twice:
  to repeat a diff makes another value of it, and no client could know.
* A gateway answers in the server's place, be it that the server has got the request or not; a portal redirects.
* A server that is started anew knows nothing any more, and has another ``app_id``.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from gradio_proto.effects import ByteEffect, Connect, Send, Sleep, Wait
from gradio_proto.errors import ConnectError, ConnectionLost
from gradio_proto.testing import CloseConnection, RunJob, SendData, ServerProtocol
from gradio_proto.testing.memory import MemoryRunner, MemoryStream, MemoryTask

MOST_AT_ONE_TIME: Final = 20_000
"""More things than happen in this model without time passing: whoever makes more goes round in circles."""

NAP: Final = 0.2
"""Seconds. Nobody who waits for something that will be told has a reason to sleep for so short a time."""

ELSEWHERE: Final = "elsewhere"
"""The host to which a portal redirects."""

_REQUEST: Final = re.compile(rb"(GET|POST) (\S+) HTTP/1\.1\r\n")
_EVENT: Final = re.compile(rb"[0-9a-f]+\r\ndata: ")
_ONCE_ONLY: Final = (b"process_generating", b"process_streaming")


class Wire(MemoryStream):
    """A connection, as the network sees it."""

    def __init__(self, network: Network, number: int, host: str) -> None:
        super().__init__(network, number)
        self.host = host
        self.at_server = network.next_conn()
        """What the server calls its end."""
        self.going_up: deque[bytes] = deque()
        """What the client has sent and the server has not got."""
        self.is_held = False
        self.request = b""
        """The request that was sent last."""
        self.target = ""
        """Its target."""
        self.is_answered = False
        """Something of its answer has reached the client."""
        self.is_over = True
        """The answer to it was sent to its end."""
        self.repeats_event = False
        """The next event that may be sent twice is."""

    @property
    def is_alive(self) -> bool:
        """Whether both sides may still use it."""
        return not (self.closed or self.broken or self.ended)

    def open_stream_of(self) -> str | None:
        """The session whose event stream it carries, if it does."""
        _, found, session_hash = self.target.partition("queue/data?session_hash=")
        return session_hash if found and self.is_alive and not self.is_over else None


class Network(MemoryRunner):
    """What lies between a client and the server of :attr:`server`.

    Args:
        make_server: Starts the server, for the first time and each time after; it is told how often it was before.
        host: Its name.
        choose: As for a MemoryRunner.
        split: As for a MemoryRunner.
        secret: What no other host may hear.
    """

    def __init__(
        self,
        make_server: Callable[[int], ServerProtocol],
        host: str,
        *,
        choose: Callable[[int], int],
        split: Callable[[bytes], list[bytes]],
        secret: bytes,
    ) -> None:
        super().__init__(make_server(0), choose=choose, split=split)
        self._make_server = make_server
        self._host = host
        self._secret = secret
        self._starts = 1
        self._conns = 0
        self._client_of: dict[int, Wire | None] = {}
        """By the name that the server has for a connection: who is at its other end, if anybody is."""
        self._knocking: list[tuple[MemoryTask[Any], Connect, MemoryStream]] = []
        self._busy_at = 0.0
        self._happened = 0
        self.latency = 0.0
        """Seconds that every piece of bytes travels."""
        self.is_silent = False
        self.page: tuple[int, bool] | None = None
        """What a gateway answers the next request with, and whether the server gets that, too."""
        self.redirects = False
        """A portal redirects the next GET."""
        self.naps = 0
        """How often somebody went to sleep for less than NAP."""
        self.told_elsewhere = False
        """Another host has heard the secret."""
        self.sent: list[bytes] = []
        """The requests that the client has sent, in order."""
        self.arrived: list[bytes] = []
        """Those that have reached the server."""

    # Travelling.

    def happens(self, event: Callable[[], None]) -> None:
        if self.now > self._busy_at:
            self._busy_at, self._happened = self.now, 0
        self._happened += 1
        assert self._happened < MOST_AT_ONE_TIME, f"nobody may go round in circles: {self.effects[-12:]}"
        super().happens(event)

    def turn(self, times: int) -> None:
        """Let so many things happen, as long as there are any that need no time."""
        for _ in range(times):
            if not self._may_happen:
                return
            self._may_happen.pop(self._choose(len(self._may_happen)))()
            self._take_actions()

    def step(self, task: MemoryTask[Any]) -> None:
        """Let a task take its next step, before anything else happens."""
        mine = [event for event in self._may_happen if isinstance(event, partial) and task in event.args]
        self._may_happen.remove(mine[0])
        mine[0]()
        self._take_actions()

    def next_conn(self) -> int:
        """A name for one more connection at the server's side."""
        self._conns += 1
        return self._conns

    def wires(self) -> list[Wire]:
        """The connections that are alive, the newest first."""
        return [wire for wire in reversed(self.streams) if isinstance(wire, Wire) and wire.is_alive]

    def _travel(self, arrive: Callable[[], None]) -> None:
        if self.latency:
            self._later.append((self.now + self.latency, arrive))
        else:
            self.happens(arrive)

    def _connect(self, effect: Connect) -> MemoryStream:
        if self.refuses or effect.host != self._host:
            self.told_elsewhere |= effect.host != self._host
            raise ConnectError(f"{effect.host}:{effect.port} refuses connections")
        wire = Wire(self, len(self.streams), effect.host)
        self.streams.append(wire)
        self._client_of[wire.at_server] = wire
        self.server.connection_made(wire.at_server)
        return wire

    def _perform(self, task: MemoryTask[Any], effect: ByteEffect) -> None:
        if isinstance(effect, Connect) and self.is_silent:
            # Whoever receives on a stream times out; so does whoever knocks.
            door = MemoryStream(self, -1)
            task.stream = door
            self._knocking.append((task, effect, door))
            self._park(task, effect.deadline)
            return
        if isinstance(effect, Sleep | Wait) and effect.deadline is not None:
            self.naps += 0 < effect.deadline - self.now < NAP
        super()._perform(task, effect)

    def _send(self, effect: Send) -> None:
        wire = effect.stream
        assert isinstance(wire, Wire)
        if not wire.is_alive:
            raise ConnectionLost("the connection broke")
        asked = _REQUEST.match(effect.data)
        if asked is not None:
            wire.request, wire.target = effect.data, asked[2].decode()
            wire.is_answered = wire.is_over = False
            self.sent.append(effect.data)
        if wire.host != self._host:
            self.told_elsewhere |= self._secret in effect.data
        wire.going_up.append(effect.data)
        self._travel(partial(self._reach, wire))

    def _reach(self, wire: Wire) -> None:
        """What was sent first reaches the server."""
        if wire.is_held or not wire.going_up:
            return
        data = wire.going_up.popleft()
        asked = _REQUEST.match(data)
        if asked is not None and asked[1] == b"GET" and self.redirects:
            self.redirects = False
            self._answer(wire, f"302 Found\r\nlocation: http://{ELSEWHERE}/login")
        elif asked is not None and self.page is not None:
            (status, delivers), self.page = self.page, None
            if delivers:
                self._deliver(wire, data)
                self._lose_upstream(wire)
            self._answer(wire, f"{status} From The Gateway")
        else:
            self._deliver(wire, data)

    def _deliver(self, wire: Wire, data: bytes) -> None:
        if _REQUEST.match(data):
            self.arrived.append(data)
        self.server.receive_data(wire.at_server, data, self.now)
        self._take_actions()

    def _answer(self, wire: Wire, status: str) -> None:
        """Answer a request in the server's place."""
        wire.is_over = True
        wire.under_way.append(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())
        self._travel(partial(self._arrive, wire))

    def _lose_upstream(self, wire: Wire) -> None:
        """Whoever stands in between loses its connection to the server, and makes another one."""
        lost = wire.at_server
        self._client_of[lost] = None
        self.happens(lambda: self._tell_lost(lost))
        wire.at_server = self.next_conn()
        self._client_of[wire.at_server] = wire
        self.server.connection_made(wire.at_server)

    def _tell_lost(self, at_server: int) -> None:
        self.server.connection_lost(at_server)
        self._take_actions()

    def server_lost(self, stream: MemoryStream) -> None:
        assert isinstance(stream, Wire)
        # What the client has sent before it closed comes first.
        while stream.going_up and not stream.is_held:
            self._reach(stream)
        if not stream.is_held:
            self._tell_lost(stream.at_server)

    def _take_actions(self) -> None:
        server = self.server
        while (action := server.next_action()) is not None:
            if isinstance(action, SendData | CloseConnection):
                assert isinstance(action.conn_id, int)
                wire = self._client_of.get(action.conn_id)
                if wire is not None:
                    self._send_down(wire, action.data if isinstance(action, SendData) else b"")
            elif isinstance(action, RunJob):
                self.happens(partial(self._run_job_of, server, action))
            else:
                action.call.close()

    def _run_job_of(self, server: ServerProtocol, job: RunJob) -> None:
        if server is self.server:
            self._run_job(job)
        else:
            job.call.close()

    def _send_down(self, wire: Wire, data: bytes) -> None:
        is_event = _EVENT.match(data) is not None and not any(word in data for word in _ONCE_ONLY)
        times = 2 if wire.repeats_event and is_event else 1
        wire.repeats_event = wire.repeats_event and times == 1
        wire.is_over = wire.is_over or not data or data.endswith(b"0\r\n\r\n")
        for _ in range(times):
            wire.under_way.append(data)
            self._travel(partial(self._arrive, wire))

    def _arrive(self, stream: MemoryStream) -> None:
        assert isinstance(stream, Wire)
        if stream.under_way and not stream.is_held:
            stream.is_answered = True
            super()._arrive(stream)

    # Misbehaving.

    def cut(self, wire: Wire, *, up: int, down: int, cleanly: bool) -> None:
        """End a connection after so many of the bytes that are under way up, and down: by a reset, or as if all had
        been said."""
        data, wire.going_up = b"".join(wire.going_up)[:up], deque()
        if data and not wire.is_held:
            self._deliver(wire, data)
        self._tell_lost(wire.at_server)
        coming = b"".join(wire.under_way)[:down]
        wire.under_way.clear()
        if wire.closed:
            return
        if coming and not wire.is_held:
            wire.inbox.append(coming)
        if cleanly:
            wire.ended = True
            wire.wake_receiver()
        else:
            wire.break_off()

    def hold(self, wire: Wire) -> None:
        """Let nothing pass on a connection, and tell nobody."""
        wire.is_held = True

    def release(self, wire: Wire) -> None:
        """Let everything pass that was held."""
        if wire.is_held:
            wire.is_held = False
            for _ in range(len(wire.going_up)):
                self.happens(partial(self._reach, wire))
            for _ in range(len(wire.under_way)):
                self.happens(partial(self._arrive, wire))
            if wire.closed:
                self.happens(partial(self.server_lost, wire))

    def fall_silent(self) -> None:
        """Hold every connection, and those that are made from now on."""
        self.is_silent = True
        for wire in self.wires():
            self.hold(wire)

    def repeat_request(self, wire: Wire) -> bool:
        """A proxy sends a GET again, whose answer has not begun to reach the client; False if there is none."""
        if not wire.request.startswith(b"GET ") or b"upgrade:" in wire.request.lower():
            return False
        if wire.is_answered or wire.is_over or wire.going_up or wire.is_held:
            return False
        wire.under_way.clear()
        self._lose_upstream(wire)
        self._deliver(wire, wire.request)
        return True

    def restart(self, *, cleanly: bool) -> None:
        """Start the server anew: what ran is lost, and so is every session."""
        for stream in self.streams:
            if isinstance(stream, Wire) and not stream.closed:
                self.cut(stream, up=0, down=0, cleanly=cleanly)
        self._client_of.clear()
        self.server = self._make_server(self._starts)
        self._starts += 1

    def heal(self) -> None:
        """Be a good network from now on. What was held comes now."""
        self.is_silent = self.refuses = self.redirects = False
        self.page = None
        for stream in self.streams:
            if isinstance(stream, Wire):
                stream.repeats_event = False
                self.release(stream)
        knocking, self._knocking = self._knocking, []
        for task, effect, door in knocking:
            if task.stream is door:
                self.resume(task, partial(self._connect, effect))
