"""A bad network on one machine: a proxy on sockets that stands before a server, in a process of its own.

Theory of operation. Every connection of the client has one of its own to the server, and two pumps that carry bytes.
An exchange begins with what the client says after the server has spoken, or first of all; each has a fate (see
:mod:`chaos.fates`). A cut ends the connection on both sides. A silence ends it on neither: its bytes are held, and its
end goes unnoticed, until the weather is fair. Then it goes on, late, as happens in life; but what the client has closed
meanwhile stays silent, so that the server does not hear of that. Fair weather does nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final, Literal

from .fates import SHUT_SECONDS, UNHARMED, Direction, End, Fates, Mode
from .witness import Seen, Witness

CHUNK: Final = 2**16

OVERTAKEN_SECONDS: Final = 0.2
"""How long somebody waits at most to be overtaken."""


class Cut(Exception):
    """A connection ends here."""

    def __init__(self, how: Literal["reset", "fin"]) -> None:
        super().__init__(how)
        self.how = how


class Link:
    """A connection of the client, with the one to the server that belongs to it."""

    def __init__(self, number: int, seen: Seen) -> None:
        self.number = number
        self.witness = Witness(seen)
        self.exchange = 0
        self.fate = UNHARMED
        self.carried: dict[Direction, int] = {"up": 0, "down": 0}
        """Bytes of the exchange."""
        self.last: Direction = "down"
        self.is_silent = False
        self.transports: list[asyncio.WriteTransport] = []
        self.client: asyncio.StreamReader | None = None

    @property
    def was_left(self) -> bool:
        """The client has closed it."""
        return self.client is not None and (self.client.at_eof() or self.client.exception() is not None)


class Network:
    """The network before a server, in the process that is nothing else. The weather is fair at first.

    Args:
        port: The server's, on this machine.
        fates: What happens in foul weather.
    """

    def __init__(self, port: int, fates: Fates) -> None:
        self.seen = Seen()
        self.happened: Counter[str] = Counter()
        self._fates = fates
        self._server_port = port
        self._is_fair = asyncio.Event()
        self._listens = asyncio.Event()
        # Nobody listens here: it keeps the port while nobody is to listen.
        self._reserve = socket.socket()
        self._reserve.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._reserve.bind(("127.0.0.1", 0))
        self.port: int = self._reserve.getsockname()[1]
        self._listener = self._listen()
        self._links: dict[asyncio.Task[None], Link] = {}
        self._count = 0
        self._passed: dict[asyncio.Event, Link] = {}
        self._loop = asyncio.get_running_loop()
        self._is_fair.set()
        self._listens.set()

    async def obey(self, orders: asyncio.StreamReader) -> None:
        """Do as is told, an order a line, until there are no more. Each is answered by a line."""
        serving = self._loop.create_task(self._serve())
        while order := (await orders.readline()).decode().strip():
            if order == "foul":
                self._is_fair.clear()
            elif order == "fair":
                self._is_fair.set()
                await self._listens.wait()
            print(
                json.dumps({"happened": self.happened, **self.seen.as_json()} if order == "report" else None),
                flush=True,
            )
            if serving.done():  # by a defect
                serving.result()

    def _listen(self) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", self.port), backlog=1024, reuse_port=True)
        listener.setblocking(False)
        return listener

    async def _serve(self) -> None:
        while True:
            sock, _ = await self._loop.sock_accept(self._listener)
            self._count += 1
            admission = "admitted" if self._is_fair.is_set() else self._fates.admission(self._count)
            if admission != "admitted":
                self.happened[admission] += 1
            if admission == "admitted":
                task = self._loop.create_task(self._carry(sock, self._count))
                self._links[task] = Link(self._count, self.seen)
                task.add_done_callback(self._gone)
            elif admission == "closed":
                sock.close()
            else:
                _reset(sock)
                sock.close()
                if admission == "shut":
                    await self._shut()

    async def _shut(self) -> None:
        self._listens.clear()
        self._listener.close()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._is_fair.wait(), SHUT_SECONDS)
        self._listener = self._listen()
        self._listens.set()

    def _gone(self, task: asyncio.Task[None]) -> None:
        del self._links[task]
        if task.exception() is not None:  # a defect of the proxy's
            task.print_stack()
            os._exit(1)

    async def _carry(self, sock: socket.socket, number: int) -> None:
        task = asyncio.current_task()
        assert task is not None
        link = self._links[task]
        client_reader, client = await asyncio.open_connection(sock=sock)
        link.transports.append(client.transport)
        link.client = client_reader
        try:
            server_reader, server = await asyncio.open_connection("127.0.0.1", self._server_port)
            link.transports.append(server.transport)
            pumps = [
                self._loop.create_task(self._pump(link, "up", client_reader, server)),
                self._loop.create_task(self._pump(link, "down", server_reader, client)),
            ]
            try:
                await asyncio.gather(*pumps)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except Cut as cut:
            if cut.how == "reset":
                link.witness.reset()
                for transport in link.transports:
                    _reset(transport.get_extra_info("socket"))
            else:
                for transport in link.transports:
                    transport.close()
                await asyncio.sleep(1.0)  # what was said before the end arrives
        except OSError:
            link.witness.reset()  # one side has gone; the other one hears of it
        finally:
            for transport in link.transports:
                transport.abort()

    async def _pump(
        self, link: Link, direction: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(CHUNK):
            if direction == "up":
                link.witness.leaves(data)
                if link.last == "down":
                    link.exchange += 1
                    link.carried = {"up": 0, "down": 0}
                    link.fate = self._fates.fate(link.number, link.exchange)
                    self.happened["exchanges"] += not self._is_fair.is_set()
            link.last = direction
            await self._send(link, direction, data, writer)
        await self._while_silent(link)
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def _send(
        self, link: Link, direction: Direction, data: bytes, writer: asyncio.StreamWriter
    ) -> None:
        fate = link.fate
        if fate.is_overtaken and direction == "down" and not self._is_fair.is_set():
            await self._until_overtaken(link)
        for piece in [data] if self._is_fair.is_set() else fate.pieces(data):
            if fate.longest_delay and not self._is_fair.is_set():
                await asyncio.sleep(fate.delay())
            await self._while_silent(link)
            end = fate.end
            if end is None or end.direction != direction or self._is_fair.is_set():
                await self._give(link, direction, piece, writer)
                continue
            left = max(0, end.after - link.carried[direction])
            if len(piece) <= left:
                await self._give(link, direction, piece, writer)
                continue
            await self._give(link, direction, piece[:left], writer)
            await self._strike(link, end)
            await self._give(link, direction, piece[left:], writer)
        if fate.is_last and link.witness.is_between and not self._is_fair.is_set():
            raise Cut("fin")

    async def _strike(self, link: Link, end: End) -> None:
        self.happened[end.how] += 1
        if end.how != "silence":
            raise Cut(end.how)
        link.is_silent = True
        await self._while_silent(link)

    async def _while_silent(self, link: Link) -> None:
        if link.is_silent:
            await self._is_fair.wait()
            if link.was_left:
                await asyncio.Event().wait()
            link.is_silent = False

    async def _until_overtaken(self, link: Link) -> None:
        passed = asyncio.Event()
        self._passed[passed] = link
        try:
            await asyncio.wait_for(passed.wait(), OVERTAKEN_SECONDS)
            self.happened["overtaken"] += 1
        except asyncio.TimeoutError:
            pass
        finally:
            del self._passed[passed]

    async def _give(
        self, link: Link, direction: Direction, data: bytes, writer: asyncio.StreamWriter
    ) -> None:
        if not data:
            return
        if writer.is_closing():
            raise ConnectionResetError
        link.carried[direction] += len(data)
        # Before whoever gets it can answer.
        (link.witness.up if direction == "up" else link.witness.down)(data)
        writer.write(data)
        await writer.drain()
        if direction == "down":
            for passed, waiting in self._passed.items():
                if waiting is not link:
                    passed.set()
        await asyncio.sleep(0)


def _reset(sock: Any) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class ChaosProxy:
    """A bad network before a server, for the length of a ``with`` block. The weather is fair at first.

    It is a process of its own, so that it does not compete with a client for an interpreter.

    Args:
        port: The server's, on this machine.
        fates: What happens in foul weather.
    """

    def __init__(self, port: int, fates: Fates) -> None:
        self.fates = fates
        self.seen = Seen()
        """What has become of the calls; known when the block is left."""
        self.happened: dict[str, int] = {}
        """How often what was done to a connection or an exchange; known likewise."""
        self.port = 0
        self.url = ""
        self._server_port = port

    def __enter__(self) -> ChaosProxy:
        fates = self.fates
        arguments = [self._server_port, fates.seed, fates.mode, fates.probability]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chaos.proxy", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,
        )
        self.port = self._answer()
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            if self._process.poll() is None:
                report = self._ask("report")
                self.happened = report["happened"]
                self.seen = Seen.from_json(report)
            assert self._process.stdin is not None
            self._process.stdin.close()
        if self._process.returncode:
            raise RuntimeError(f"the chaos proxy ended with {self._process.returncode}")

    def foul(self) -> None:
        """From now on there is weather."""
        self._ask("foul")

    def fair(self) -> None:
        """From now on nothing happens to anybody, and what was held goes on."""
        self._ask("fair")

    def _ask(self, order: str) -> Any:
        assert self._process.stdin is not None
        print(order, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


async def _main(port: str, seed: str, mode: Mode, probability: str) -> None:
    network = Network(int(port), Fates(int(seed), mode, float(probability)))
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    print(network.port, flush=True)
    await network.obey(orders)
    os._exit(0)  # there is nothing to be put in order


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
