"""The same conversations over all transports: each asks for the same and tells its user the same.

What they are compared with is the conversation in memory, where there is no transport: what is left to a transport is
to move bytes, and none of it may be seen.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme
from script_server import TUNNEL, BehindSocks, bytewise
from scripted import (
    CLOSE,
    CLOSE_STREAM,
    END,
    HEARTBEAT,
    STREAM,
    Asked,
    GradioScript,
    ScriptedServer,
    an_app,
    chunk,
    completed,
    event,
    file_app,
    generating,
    http,
    stateful_app,
)
from talking import ESTIMATION, HEAR, NORMAL, SEND_DATA, SEND_HASH, STARTS, Talks, returned, served, yielded
from ways import WAYS, Held, Memory, Talk, Way, hold, nothing_left

from gradio_proto import handle_file
from gradio_proto.errors import ClientClosed
from gradio_proto.timeouts import Timeouts

Speech = Callable[[Talk], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Conversation:
    """What is said by the client, and by the server."""

    speech: Speech
    script: Callable[[], Callable[[Asked], Iterable[Any]]]
    options: dict[str, Any] = field(default_factory=dict)
    login: tuple[str, str] | None = None
    """For the SOCKS proxy that the app is behind."""

    def hold(self, way: Way, **options: Any) -> Held:
        server: Any = ScriptedServer(self.script())
        if str(self.options.get("proxy", "")).startswith("socks"):
            server = BehindSocks(server, self.login)
        return hold(way, self.speech, server, **{**self.options, **options})


CONVERSATIONS: dict[str, Conversation] = {}


def conversation(
    script: Callable[[], Callable[[Asked], Iterable[Any]]] | None = None, **options: Any
) -> Callable[[Speech], Speech]:
    """Register a conversation, with what makes its server's script and the options of :func:`ways.hold`."""

    def register(speech: Speech) -> Speech:
        login = options.pop("login", None)
        CONVERSATIONS[speech.__name__] = Conversation(speech, script or one_job, options, login)
        return speech

    return register


def started(event_id: str) -> bytes:
    return event(msg="process_starts", event_id=event_id, eta=0.5)


def queued(event_id: str, rank: int) -> bytes:
    return event(msg="estimation", event_id=event_id, rank=rank, queue_size=rank + 1, rank_eta=None)


def answer(event_id: str, *data: Any) -> list[bytes]:
    """A stream with one result."""
    return [STREAM, started(event_id), completed(event_id, *data), CLOSE_STREAM, END]


def one_job() -> GradioScript:
    return GradioScript(an_app(), streams=[answer(f"e{number}", "ok") for number in range(1, 10)])


# The conversations.


@conversation()
async def connecting(talk: Talk) -> None:
    async with talk.client() as client:
        talk.note(client.protocol, client.app_version, client.src)


@conversation()
async def calling(talk: Talk) -> None:
    async with talk.client() as client:
        for number in range(3):
            assert await client.predict(str(number)) == "ok"


@conversation()
async def isolated(talk: Talk) -> None:
    async with talk.client() as client:
        assert await client.predict("x") == "ok"
        assert await client.predict("x", isolate=True) == "ok"
        talk.note(client.session_hash)


def through_the_queue() -> GradioScript:
    progress = event(
        msg="progress", event_id="e1", progress_data=[{"index": 1, "length": 2, "unit": "steps", "desc": "d"}]
    )
    log = event(msg="log", event_id="e1", log="careful", level="warning", title="T", duration=5, visible=True)
    waiting = [queued("e1", 2), 0.01, queued("e1", 1), queued("e1", 0), 0.01]
    done = [0.01, HEARTBEAT, completed("e1", "done"), CLOSE_STREAM, END]
    return GradioScript(an_app(), streams=[[STREAM, *waiting, started("e1"), progress, log, *done]])


@conversation(through_the_queue)
async def waiting_in_the_queue(talk: Talk) -> None:
    async with talk.client() as client:
        job = await client.submit("x")
        await talk.follow(job)
        assert await job.result() == "done"
        talk.note((await job.status()).code)


def yielding() -> GradioScript:
    diff = event(
        msg="process_generating", event_id="e1", success=True, output={"data": [[["append", [], 1]]]}
    )
    return GradioScript(
        an_app(),
        streams=[
            [
                STREAM,
                started("e1"),
                generating("e1", [0]),
                0.01,
                diff,
                completed("e1", [0, 1]),
                CLOSE_STREAM,
                END,
            ]
        ],
    )


async def count_to_two(talk: Talk) -> None:
    async with talk.client() as client:
        job = await client.submit(2, api_name="/count")
        assert [output async for output in job] == [[0], [0, 1]]
        assert await job.outputs() == [[0], [0, 1]]
        await talk.follow(job)


@conversation(yielding)
async def a_generator(talk: Talk) -> None:
    await count_to_two(talk)


@conversation(yielding, split=bytewise)
async def a_server_that_sends_byte_by_byte(talk: Talk) -> None:
    await count_to_two(talk)


def failing() -> GradioScript:
    failed = event(msg="process_completed", event_id="e1", success=False, output={"error": "boom"})
    return GradioScript(
        an_app(), streams=[[STREAM, started("e1"), failed, CLOSE_STREAM, END], answer("e2", "ok")]
    )


@conversation(failing)
async def an_error_of_the_app(talk: Talk) -> None:
    async with talk.client() as client:
        job = await client.submit("x")
        await talk.follow(job)
        await talk.attempt(job.result())
        assert await client.predict("x") == "ok"


def crossing() -> GradioScript:
    return GradioScript(an_app(), streams=[[STREAM, queued("e1", 0)]])


@conversation(crossing)
async def two_jobs_on_one_stream(talk: Talk) -> None:
    async with talk.client() as client:
        first = await client.submit("a")
        second = await client.submit("b")
        await talk.until_listening(client, first, second)
        talk.say(queued("e2", 1), started("e2"), started("e1"), completed("e2", "second"))
        assert await second.result() == "second"
        assert not await first.done()
        talk.say(completed("e1", "first"), CLOSE_STREAM, END)
        await talk.follow(first)
        await talk.follow(second)


def moving_files() -> Callable[[Asked], Iterable[Any]]:
    there = {"path": "/tmp/y.txt", "url": None, "orig_name": "y.txt", "meta": {"_type": "gradio.FileData"}}
    return GradioScript(
        file_app(),
        streams=[[STREAM, started("e1"), completed("e1", [there]), CLOSE_STREAM, END]],
        others={
            "/upload": [http(200, json.dumps(["/tmp/up/x.bin", "/tmp/up/empty"]).encode())],
            "/file=/tmp/y.txt": [
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                chunk(b"y" * 70_000),
                0.01,
                chunk(b"z"),
                END,
            ],
        },
    )


@conversation(moving_files, api_name="/back")
async def files_up_and_down(talk: Talk) -> None:
    async with talk.client() as client:
        paths = await client.predict(
            [handle_file(b"x" * 200_000, name="x.bin"), handle_file(b"", name="empty")]
        )
        talk.note(len(paths), Path(paths[0]).name)
        assert talk.content(paths[0]) == b"y" * 70_000 + b"z"


def breaking() -> GradioScript:
    broken = [STREAM, started("e1"), b"10\r\ndata: {", 0.05, CLOSE]
    return GradioScript(an_app(), streams=[broken, answer("e3", "ok")])


@conversation(breaking)
async def a_stream_that_breaks(talk: Talk) -> None:
    async with talk.client() as client:
        jobs = [await client.submit(text) for text in "ab"]
        for job in jobs:
            await talk.follow(job)
        assert await client.predict("x") == "ok"


def refusing(status: int, *headers: str, times: int = 1) -> Callable[[], GradioScript]:
    def script() -> GradioScript:
        no = [http(status, b'{"detail": "not now"}', *headers)]
        return GradioScript(an_app(), joins=[no] * times, streams=[answer(f"e{times + 1}", "ok")])

    return script


@conversation(refusing(503, times=2), max_retries=1)
async def a_join_that_is_refused(talk: Talk) -> None:
    async with talk.client() as client:
        await talk.attempt(client.predict("x"))
        assert await client.predict("x") == "ok"


@conversation(refusing(429, "retry-after: 0"), max_retries=1)
async def too_many_requests(talk: Talk) -> None:
    async with talk.client() as client:
        assert await client.predict("x") == "ok"


@conversation(refusing(429, "retry-after: 7"))
async def too_many_requests_to_try_again(talk: Talk) -> None:
    async with talk.client() as client:
        await talk.attempt(client.predict("x"))


def redirecting() -> GradioScript:
    app = an_app()
    info = json.dumps(app.info(all_endpoints=True)).encode()
    return GradioScript(
        app,
        streams=[answer("e1", "ok")],
        others={"/info": [http(307, b"", "location: /elsewhere")], "/elsewhere": [http(200, info)]},
    )


@conversation(redirecting)
async def a_redirect(talk: Talk) -> None:
    async with talk.client() as client:
        assert await client.predict("x") == "ok"


def with_login() -> GradioScript:
    welcome = http(200, b'{"success": true}', "set-cookie: access-token=secret; Path=/; HttpOnly")
    return GradioScript(an_app(), streams=[answer("e1", "ok")], others={"/login": [welcome]})


@conversation(with_login, auth=("me", "pass word"))
async def a_login(talk: Talk) -> None:
    async with talk.client() as client:
        assert await client.predict("x") == "ok"


def without_a_login() -> GradioScript:
    return GradioScript(an_app(), others={"/login": [http(400, b'{"detail": "Incorrect credentials."}')]})


@conversation(without_a_login, auth=("me", "wrong"))
async def a_login_that_fails(talk: Talk) -> None:
    await talk.attempt(talk.open())


@conversation(crossing)
async def closing_in_the_middle(talk: Talk) -> None:
    client = await talk.open()
    jobs = [await client.submit(text) for text in "ab"]
    await talk.until_listening(client, *jobs)
    talk.say(started("e1"))
    async for each in jobs[0].events():
        talk.note(each)
        if type(each).__name__ == "Started":
            break
    await client.close()
    await client.close()
    for job in jobs:
        await talk.follow(job)
        await talk.attempt(job.result())
    with pytest.raises(ClientClosed):
        await client.predict("x")


def tunnelling() -> Callable[[Asked], Iterable[Any]]:
    script = one_job()

    def handle(asked: Asked) -> Iterable[Any]:
        return [TUNNEL] if asked.method == "CONNECT" else script(asked)

    return handle


async def call_twice(talk: Talk) -> None:
    async with talk.client() as client:
        assert await client.predict("x") == "ok"
        assert await client.predict("y") == "ok"


@conversation(tunnelling, proxy="http://me:secret@{}", host="app.example:8000")
async def a_proxy(talk: Talk) -> None:
    await call_twice(talk)


@conversation(tunnelling, proxy="http://{}", host="app.example", scheme="https")
async def a_proxy_before_https(talk: Talk) -> None:
    await call_twice(talk)


@conversation(proxy="socks5h://me:secret@{}", host="app.example:8000", login=("me", "secret"))
async def a_socks_proxy(talk: Talk) -> None:
    await call_twice(talk)


def no_tunnel() -> Callable[[Asked], Iterable[Any]]:
    return lambda _: [http(407, b"no")]


@conversation(no_tunnel, proxy="http://{}", host="app.example", scheme="https")
async def a_proxy_that_refuses(talk: Talk) -> None:
    await talk.attempt(talk.open())


@conversation(scheme="https")
async def tls(talk: Talk) -> None:
    await call_twice(talk)


@conversation(yielding, scheme="https", split=bytewise)
async def tls_byte_by_byte(talk: Talk) -> None:
    await count_to_two(talk)


def silent_join() -> GradioScript:
    return GradioScript(an_app(), joins=[[]], streams=[answer("e2", "ok")])


@conversation(silent_join, timeouts=Timeouts(read=0.15))
async def the_deadline_for_reading(talk: Talk) -> None:
    async with talk.client() as client:
        await talk.attempt(client.predict("x"))
        assert await client.predict("x") == "ok"


def silent_stream() -> GradioScript:
    beating = [part for _ in range(4) for part in (HEARTBEAT, 0.05)]
    return GradioScript(an_app(), streams=[[STREAM, *beating, started("e1")], answer("e2", "ok")])


@conversation(silent_stream, timeouts=Timeouts(idle=0.4))
async def a_silent_stream(talk: Talk) -> None:
    async with talk.client() as client:
        job = await client.submit("x")
        await talk.follow(job)
        assert await client.predict("x") == "ok"


@conversation(crossing, timeouts=Timeouts(total=0.4))
async def the_deadline_for_the_whole(talk: Talk) -> None:
    async with talk.client() as client:
        await talk.attempt(client.predict("x"))
        # An AsyncClient tells the server when something is awaited next: twice, as a job that waits may run by then.
        await talk.until(client, lambda: len(talk.server.paths("/cancel")) == 2)


def silent_proxy() -> Callable[[Asked], Iterable[Any]]:
    return lambda _: []


@conversation(
    silent_proxy,
    proxy="http://{}",
    host="app.example",
    scheme="https",
    timeouts=Timeouts(connect=0.15),
    max_retries=0,
)
async def the_deadline_for_connecting(talk: Talk) -> None:
    await talk.attempt(talk.open())


@conversation(crossing)
async def waiting_for_so_long_and_no_longer(talk: Talk) -> None:
    async with talk.client() as client:
        job = await client.submit("a")
        with pytest.raises(TimeoutError):
            await job.result(timeout=0.05)
        assert not await job.done()
        await talk.until_listening(client, job)
        talk.say(completed("e1", "first"), CLOSE_STREAM, END)
        assert await job.result(timeout=5) == "first"


def with_heartbeat() -> Callable[[Asked], Iterable[Any]]:
    script = GradioScript(stateful_app(), streams=[answer("e1", "ok")])

    def handle(asked: Asked) -> Iterable[Any]:
        return [STREAM, chunk(b"data: ALIVE\n\n")] if "/heartbeat/" in asked.path else script(asked)

    return handle


@conversation(with_heartbeat)
async def a_heartbeat(talk: Talk) -> None:
    async with talk.client() as client:
        assert await client.predict("x") == "ok"
        await talk.until(client, lambda: any("/heartbeat/" in path for path in talk.server.paths()))


def running() -> GradioScript:
    return GradioScript(an_app(), streams=[[STREAM, started("e1"), generating("e1", [0])]])


@conversation(running)
async def cancelling(talk: Talk) -> None:
    async with talk.client() as client:
        job = await client.submit(5, api_name="/count")
        sibling = await client.submit("x")
        async for output in job:
            assert output == [0]
            assert await job.cancel()
            talk.note(job.cancel_report)
        assert await job.cancelled()
        talk.say(completed("e2", "ok"), CLOSE_STREAM, END)
        assert await sibling.result() == "ok"


@conversation()
async def connections_that_the_server_has_closed(talk: Talk) -> None:
    """They are not used again, and nobody notices."""
    async with talk.client() as client:
        assert await client.predict("x") == "ok"
        for conn in sorted({asked.conn for asked in talk.server.asked}):
            talk.say(CLOSE, conn=conn)
        await talk.pause(client, 0.05)
        assert await client.predict("x") == "ok"


# Below sse_v1, where each job has a connection of its own.


def on_websockets() -> GradioScript:
    waiting = [SEND_HASH, HEAR, {**ESTIMATION, "rank": 1}, 0.01, ESTIMATION, b"\x89\x02hi", SEND_DATA, HEAR]
    count = [
        *waiting,
        STARTS,
        yielded([0]),
        0.01,
        yielded([0, 1]),
        returned([0, 1], is_generating=True),
        NORMAL,
    ]
    full = [SEND_HASH, HEAR, {"msg": "queue_full"}, NORMAL]
    endless = [SEND_HASH, HEAR, ESTIMATION, SEND_DATA, HEAR, STARTS, yielded([0])]
    large = served(returned("x" * 300_000))
    talks = Talks(served(returned("ok")), count, full, [SEND_HASH, HEAR, CLOSE], endless, large)
    config = {"protocol": None, "version": "3.50.2", "enable_queue": True}
    return GradioScript(an_app("4.13.0"), config=config, others={"/queue/join": talks})


async def talk_on_websockets(talk: Talk) -> None:
    async with talk.client() as client:
        assert await client.predict("é" * 100_000) == "ok"
        job = await client.submit(2, api_name="/count")
        assert [output async for output in job] == [[0], [0, 1]]
        await talk.follow(job)
        await talk.attempt(client.predict("x"))
        await talk.attempt(client.predict("x"))
        job = await client.submit(2, api_name="/count")
        async for _ in job:
            assert await job.cancel()
            talk.note(job.cancel_report)
        assert len(await client.predict("x")) == 300_000


@conversation(on_websockets)
async def websockets(talk: Talk) -> None:
    await talk_on_websockets(talk)


@conversation(on_websockets, scheme="https")
async def websockets_over_tls(talk: Talk) -> None:
    await talk_on_websockets(talk)


def on_event_streams() -> GradioScript:
    begun = [STREAM, event(**ESTIMATION), event(msg="send_data", event_id="e1"), 0.02, event(**STARTS)]
    streams = iter([[*begun, event(**yielded("o")), 0.01, event(**returned("ok")), END], [*begun, END]])
    others = {"/queue/join": lambda asked: next(streams), "/queue/data": [http(200, b"null")]}
    config = {"protocol": "sse", "version": "4.0.2"}
    return GradioScript(an_app("4.13.0"), config=config, others=others)


@conversation(on_event_streams)
async def event_streams_of_their_own(talk: Talk) -> None:
    async with talk.client() as client:
        job = await client.submit("x")
        assert await job.result() == "ok"
        await talk.follow(job)
        await talk.pause(client, 0.1)  # so that its connection can be used again
        await talk.attempt(client.predict("x"))


def around_the_queue() -> GradioScript:
    answers = iter([http(200, b'{"data": ["ok"]}'), http(500, b'{"error": "boom"}'), 60.0])
    return GradioScript(an_app(), others={"/run/predict": lambda asked: [next(answers)]})


@conversation(around_the_queue)
async def around(talk: Talk) -> None:
    async with talk.client() as client:
        run = client.endpoint("/echo", via="run")
        assert await run.predict("x") == "ok"
        await talk.attempt(run.predict("x"))
        job = await run.submit("x")
        await talk.until(client, lambda: len(talk.server.paths("/run/predict")) == 3)
        assert not await job.cancel()
        assert await job.cancel(force=True)
        talk.note(job.cancel_report, (await job.status()).code)


# They are held.


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The client's and the server's."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "app.example").configure_cert(server)  # pyright: ignore[reportUnknownMemberType]
    client = ssl.create_default_context()
    authority.configure_trust(client)  # pyright: ignore[reportUnknownMemberType]
    return client, server


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with nothing_left(30):
        yield


EXPECTED: dict[str, Held] = {}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_conversation(
    name: str, way: type[Way], contexts: tuple[ssl.SSLContext, ssl.SSLContext], tmp_path: Path
) -> None:
    held = CONVERSATIONS[name]
    trusting, tls = contexts
    if name not in EXPECTED:
        EXPECTED[name] = held.hold(Memory())
    options = {"ssl_context": trusting, "tls": tls} if held.options.get("scheme") == "https" else {}
    if way.has_own_pool and name == "a_proxy":
        pytest.skip("it makes tunnels for https alone")
    result = held.hold(way(), download_files=str(tmp_path), **options)
    assert result.notes == EXPECTED[name].notes
    if way.has_own_pool:
        assert requests(result) == requests(EXPECTED[name])
    else:
        assert result.exchanges == EXPECTED[name].exchanges


def requests(held: Held) -> list[str]:
    """What was asked for, on whichever connections."""
    return sorted(
        repr(request) for exchange in held.exchanges for request in exchange if request[0] != "CONNECT"
    )
