"""A caller who is cancelled, at every effect that is asked for while he waits: nobody else may notice.

How depends on the transport: a trio scope, an asyncio task, Ctrl-C, or an exception raised into the wait. That a flow
itself may be given up anywhere, is tested in test_flows_cancellation.py.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from at_effects import at_effect
from faulty import FaultyServer, Peer, Seen
from scripted import an_app
from ways import WAYS, Memory, Talk, Way, hold, nothing_left

from gradio_proto import handle_file
from gradio_proto.effects import Send
from gradio_proto.testing import ServerProtocol, TestApp
from gradio_proto.testing.answers import OpenStream
from gradio_proto.testing.files import File

LARGE = 8_000_000
"""Bytes of a request: more than the buffers of a socket hold."""

Call = Callable[[Any], Coroutine[Any, Any, None]]
"""What is done with a client."""

Doomed = Callable[[], Coroutine[Any, Any, bool]]
"""Does it, up to the moment at which it is cancelled; whether it was."""


class Strict(ServerProtocol):
    """Keeps a record of what no client may do."""

    def __init__(self, app: TestApp, **options: Any) -> None:
        super().__init__(app, **options)
        self.joins: Counter[bytes] = Counter()
        self.wrong: list[str] = []

    def _dispatch(self, conn: Any, request: Any, now: float) -> None:
        if request.path.endswith("/queue/join"):
            self.joins[bytes(conn.body)] += 1
        if request.path.endswith("/queue/data"):
            open_ones = [
                other.stream.source.session_hash
                for other in self._connections.values()
                if other.stream is not None and isinstance(other.stream.source, OpenStream)
            ]
            if request.query["session_hash"] in open_ones:
                self.wrong.append("a second stream of a session")
        super()._dispatch(conn, request, now)

    def _respond(self, conn: Any, reply: Any) -> None:
        if reply.status >= 400:
            self.wrong.append(f"answered {reply.status} {reply.body!r}")
        super()._respond(conn, reply)


def the_app() -> TestApp:
    app = an_app(default_concurrency_limit=None)

    @app.endpoint("/move", inputs=["file"], outputs=["file"])
    def move(file: File) -> File:
        return File("y.bin", file.data)

    return app


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with nothing_left(60):
        yield


class Endings:
    """Counts how often each job of a client ends."""

    def __init__(self, client: Any) -> None:
        self.counts: list[list[int]] = []
        begin = client._engine.begin

        def begun(*args: Any, **kwargs: Any) -> Any:
            job, live = begin(*args, **kwargs)
            count = [0]
            self.counts.append(count)

            def settled() -> None:
                count[0] += 1

            job.on_settled.append(settled)
            return job, live

        client._engine.begin = begun

    def check(self) -> None:
        assert [count for [count] in self.counts] == [1] * len(self.counts)


async def predict(client: Any) -> None:
    assert await client.predict("ab", api_name="/double") == "abab"


async def iterate(client: Any) -> None:
    job = await client.submit(5, api_name="/count")
    assert [output async for output in job][-1] == [0, 1, 2, 3, 4]


async def same_function(client: Any) -> None:
    assert await client.predict(5, api_name="/count") == [0, 1, 2, 3, 4]


async def move_a_file(client: Any) -> None:
    path = await client.predict(handle_file(b"x" * 100_000, name="x.bin"), api_name="/move")
    assert path.endswith("y.bin")


async def cancel_a_job(client: Any) -> None:
    job = await client.submit(300, api_name="/count")
    assert await job.cancel()


ACTIONS: dict[str, tuple[Call, int, int]] = {
    "predict": (predict, 4, 1),
    "iterate": (iterate, 6, 1),
    "same_function": (same_function, 4, 3),
    "move_a_file": (move_a_file, 15, 3),
    "cancel_a_job": (cancel_a_job, 4, 3),
}
"""What is cancelled, the effects that it takes at the least, and from one of them that is tried to the next."""

COUNTED = [[*range(length)] for length in range(1, 5)]


async def go_on(client: Any, sibling: Any) -> None:
    """The sibling has lost nothing, and the client calls on."""
    assert [output async for output in sibling] == COUNTED
    assert await sibling.result(timeout=5) == COUNTED[-1]
    assert await client.predict("next") == "next"


async def alone(way: Way, client: Any, doomed: Doomed) -> bool:
    cancelled = await doomed()
    assert await client.predict("next") == "next"
    return cancelled


async def beside_a_job(way: Way, client: Any, doomed: Doomed) -> bool:
    sibling = await client.submit(4, api_name="/count")
    cancelled = await doomed()
    await go_on(client, sibling)
    return cancelled


async def beside_a_waiting_caller(way: Way, client: Any, doomed: Doomed) -> bool:
    sibling = await client.submit(4, api_name="/count")
    cancelled = False

    async def be_cancelled() -> None:
        nonlocal cancelled
        cancelled = await doomed()

    await way.together(be_cancelled, partial(go_on, client, sibling))
    return cancelled


def places(way: type[Way]) -> list[Any]:
    """Where a caller may be on this transport."""
    if not way.has_tasks:
        return [alone, beside_a_job]
    # Over an HTTP library each round takes longer: beside a caller who waits says more than beside a job.
    return (
        [alone, beside_a_waiting_caller]
        if way.has_own_pool
        else [alone, beside_a_job, beside_a_waiting_caller]
    )


CASES = [
    pytest.param(way, place, name, id=f"{way.name}-{place.__name__}-{name}")
    for way in (Memory, *WAYS)
    for place in places(way)
    for name in ACTIONS
]


@pytest.mark.parametrize(("way", "place", "name"), CASES)
def test_a_caller_is_cancelled_at_every_effect(way: type[Way], place: Any, name: str, tmp_path: Path) -> None:
    action, at_least, stride = ACTIONS[name]
    if way.has_own_pool:
        # Threads do the exchanges: how many effects that takes, and what happens between them, is a matter of luck.
        at_least, stride = 1, 4
    server = Strict(the_app())

    async def once(talk: Talk, number: int) -> bool:
        async with talk.client() as client:
            endings = Endings(client)
            arm = partial(at_effect, talk.way, talk.transports[-1], number)
            cancelled = await place(
                talk.way, client, partial(talk.way.until_cancelled, partial(action, client), arm)
            )
        endings.check()
        return cancelled

    async def conversation(talk: Talk) -> None:
        number = 1
        while await once(talk, number):
            number += stride
        assert number > at_least

    hold(way(), conversation, server, download_files=str(tmp_path), pace=0.0005)
    assert server.wrong == []
    assert max(server.joins.values()) == 1


@pytest.mark.parametrize("way", [Memory, *WAYS], ids=lambda way: way.name)
def test_connecting_is_cancelled_at_every_effect(way: type[Way]) -> None:
    server = Strict(the_app())

    async def once(talk: Talk, number: int) -> bool:
        opened = []

        async def connect() -> None:
            opened.append(await talk.open())

        @contextlib.contextmanager
        def arm(cancel: Callable[[], object]) -> Iterator[None]:
            with contextlib.ExitStack() as stack:
                talk.on_transport = lambda made: stack.enter_context(
                    at_effect(talk.way, made, number, cancel)
                )
                yield

        cancelled = await talk.way.until_cancelled(connect, arm)
        talk.on_transport = None
        for client in opened:
            await client.close()
        talk.assert_at_rest()
        return cancelled

    async def conversation(talk: Talk) -> None:
        number = 1
        while await once(talk, number):
            number += 1
        assert number > (1 if talk.way.has_own_pool else 8)

    hold(way(), conversation, server)
    assert server.wrong == []


@pytest.mark.parametrize("way", [way for way in WAYS if not way.has_own_pool], ids=lambda way: way.name)
def test_a_connection_on_which_half_a_request_was_sent_is_not_used_again(way: type[Way]) -> None:
    """The server does not read, so the request stays half sent until its caller is cancelled."""
    go = threading.Event()

    def stall(peer: Peer, request: Seen) -> None:
        assert go.wait(10)
        if peer.read_body(request) is not None:
            heard.append(request)
            peer.json({})

    async def conversation(talk: Talk) -> None:
        async with talk.client() as client:

            @contextlib.contextmanager
            def arm(cancel: Callable[[], object]) -> Iterator[None]:
                def happens(effect: Any) -> None:
                    if isinstance(effect, Send) and len(effect.data) > LARGE:
                        cancel()

                with talk.way.every_effect(talk.transports[-1], happens):
                    yield

            large = "x" * 2 * LARGE
            assert await talk.way.until_cancelled(partial(client.component_server, 7, "f", large), arm)
            assert heard == []
            go.set()
            assert await client.component_server(7, "f", "small") == {}

    heard: list[Seen] = []
    components = [{"id": 7, "type": "fileexplorer", "props": {"server_fns": ["f"]}}]
    with FaultyServer(
        {"component_server": stall}, config={"components": components}, early=["component_server"]
    ) as server:
        talk = Talk(way(), server.url, server, None, {"api_name": "/predict"})
        talk.way.run(partial(conversation, talk))
        talk.assert_at_rest()
    large, small = server.seen("component_server")
    assert heard == [small]
    assert large.number != small.number
