"""The async client, in trio and in asyncio: the twin of the blocking one, and a good citizen of its loop."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import math
import pickle
import re
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import trio
import trio.testing
from faulty import SHORT, FaultyServer, Peer, Seen, within
from gradio_transports.asyncio import AsyncioTransport
from gradio_transports.trio import TrioTransport
from loops import Loop, TrioLoop, loop, nothing_left, on_each_loop
from proxying import ReverseProxy
from scripted import file_app

import gradio_proto
from gradio_proto import AsyncClient, Client, Timeouts, Transfer, handle_file
from gradio_proto.client import AsyncBoundEndpoint, AsyncJob, BoundEndpoint, Job
from gradio_proto.errors import (
    AppError,
    ArgumentError,
    ClientClosed,
    ConnectError,
    DeadlineExceeded,
    GradioError,
    LocalProtocolError,
    UnsupportedProtocol,
)
from gradio_proto.limits import Limits
from gradio_proto.testing import Component, Context, EmbeddedServer, Error, TestApp, serve

__all__ = ["loop", "nothing_left"]

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    with within(20):
        yield


def app_of_all_kinds(version: str = "6.31.0") -> TestApp:
    app = TestApp(default_concurrency_limit=None, title="tests", version=version)
    words = Component("state", value=[])
    app.endpoint("/echo")(echo)

    @app.endpoint("/add")
    def add(a: int, b: int = 2, c: int = 3) -> tuple[int, str]:
        return a + b + c, f"{a}+{b}+{c}"

    @app.endpoint("/awkward")
    def awkward(headers: str, api_name: str = "n", fn_index: int = 7) -> str:
        return f"{headers}|{api_name}|{fn_index}"

    @app.endpoint("/request")
    def request(*, context: Context) -> Any:
        return {"headers": dict(context.request_headers), "session": context.session_hash}

    @app.endpoint("/remember", inputs=["text", words], outputs=["json", words])
    def remember(word: str, known: list[str]) -> tuple[list[str], list[str]]:
        known = [*known, word]
        return known, known

    @app.endpoint("/fail")
    def fail(x: str) -> str:
        raise Error(f"bad: {x}", duration=None, visible=False, title="Oh no")

    @app.endpoint("/count")
    def count(n: int) -> Iterator[int]:
        yield from range(n)

    @app.endpoint("/slow")
    def slow(seconds: float) -> str:
        time.sleep(seconds)
        return "slept"

    @app.endpoint("/long")
    def long() -> Iterator[int]:
        """It can be stopped, and so takes no place of the others' when nobody waits for it any more."""
        for number in range(600):
            time.sleep(0.05)
            yield number

    return app


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(app_of_all_kinds()) as address:
        yield address


IDLE = SHORT.idle or 0.0


def echo(x: str) -> str:
    return x


def never(peer: Peer, _: Seen) -> None:
    """A stream that says nothing."""
    peer.begin_stream()
    peer.wait_for_end()


# The twin.


MEANT = {
    "Client": {
        "run": "only the async one needs it",
        "submit": "its docstring says that it waits for the server",
    },
    "Job": {
        "done": "a future has no docstring of its own for it",
        "running": "as done",
        "set_exception": "for whoever makes futures",
        "set_result": "as set_exception",
        "set_running_or_notify_cancel": "as set_exception",
    },
    "BoundEndpoint": {},
}
"""Where the async classes are meant to differ, and why."""

NOT_AWAITED = {"Client": {"endpoint", "map"}, "Job": {"events"}, "BoundEndpoint": {"map"}}
"""What makes something that is awaited, or iterated over, itself."""

WORDS = {
    "AsyncClient": "Client",
    "AsyncJob": "Job",
    "AsyncBoundEndpoint": "BoundEndpoint",
    "AsyncIterator": "Iterator",
    "AsyncMapIterator": "MapIterator",
    "Iterable[Any] | AsyncIterable[Any]": "Iterable[Any]",
}
"""The annotations that must differ, by those that they stand for."""


def differences(blocking: type, awaiting: type) -> Iterator[str]:
    """The public names in which two classes differ."""
    names = {name for cls in (blocking, awaiting) for name in dir(cls) if not name.startswith("_")}
    awaited = names - NOT_AWAITED[blocking.__name__]
    for name in sorted(names):
        ours, theirs = (inspect.getattr_static(cls, name, None) for cls in (awaiting, blocking))
        if (
            ours is None
            or theirs is None
            or inspect.getdoc(ours) != _without_example(inspect.getdoc(theirs))
            or not ours.__doc__
        ):
            yield name
        elif callable(ours):
            if _signature(ours) != _signature(theirs) or inspect.iscoroutinefunction(ours) is (
                name not in awaited
            ):
                yield name
        elif type(ours) is not type(theirs):
            yield name


def _without_example(docstring: str | None) -> str | None:
    """Examples of the blocking client are none of the async one."""
    return docstring and docstring.partition("\n\nExample:\n")[0]


def _signature(method: Callable[..., Any]) -> str:
    text = str(inspect.signature(method))
    for ours, theirs in WORDS.items():
        text = re.sub(rf"(?<!\w){re.escape(ours)}(?!\w)", theirs, text)
    return text


@pytest.mark.parametrize(
    ("blocking", "awaiting"), [(Client, AsyncClient), (Job, AsyncJob), (BoundEndpoint, AsyncBoundEndpoint)]
)
def test_the_twins_have_the_same_names_signatures_and_docstrings(blocking: type, awaiting: type) -> None:
    assert {*differences(blocking, awaiting)} == {*MEANT[blocking.__name__]}
    assert str(inspect.signature(awaiting)) == str(inspect.signature(blocking)) or blocking is Job
    for enters in ("__enter__", "__exit__", "__iter__", "__next__", "__call__", "__getstate__", "__repr__"):
        twin = re.sub("__(enter|exit|iter|next)__", r"__a\1__", enters)
        assert hasattr(awaiting, twin) >= hasattr(blocking, enters), enters


def test_the_lazy_names_of_the_package() -> None:
    assert gradio_proto.AsyncClient is AsyncClient
    assert gradio_proto.AsyncJob is AsyncJob
    with pytest.raises(AttributeError):
        _ = cast(Any, gradio_proto.client).no_such_name


# What it takes.


@on_each_loop
async def test_it_finds_out_which_loop_runs(loop: Loop, url: str) -> None:
    async with AsyncClient(url) as client:
        transport = client._engine.transport
        assert type(transport) is {"asyncio": AsyncioTransport, "trio": TrioTransport}[loop.name]
    async with AsyncClient(url, transport=loop.name) as client:
        assert await client.predict("x", api_name="/echo") == "x"
    async with AsyncClient(url, transport=type(transport)) as client:
        assert await client.predict("x", api_name="/echo") == "x"


@on_each_loop
async def test_the_other_names_of_parameters(
    loop: Loop, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with AsyncClient(space=url, hf_token="hf_x", verbose=True) as client:
        assert client.src == f"{url}/"
        headers = (await client.predict(api_name="/request"))["headers"]
    assert headers["x-hf-authorization"] == "Bearer hf_x"
    assert capsys.readouterr().out == f"Loaded as API: {url}/\n"


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"src": None}, TypeError, "src is missing"),
        ({"src": 5}, TypeError, "src must be a str"),
        ({"src": "ftp://x"}, ArgumentError, "http"),
        ({"auth": "user"}, TypeError, r"auth=\('user', 'password'\)"),
        ({"httpx_kwargs": {"timeout": 5}}, TypeError, "timeouts="),
        ({"download_files": 5}, TypeError, "download_files is a directory"),
        ({"on_transfer": 5}, TypeError, "on_transfer must be callable, not int"),
        ({"max_workers": 0}, ValueError, "max_workers"),
        ({"timeouts": 5}, TypeError, "timeouts"),
        ({"headers": {"Host": "x"}}, ArgumentError, "Host"),
        ({"cookies": "a=b"}, TypeError, "cookies"),
        ({"proxy": "ftp://x", "src": "http://a.example"}, ArgumentError, "proxy"),
        ({"transport": "pigeons"}, ArgumentError, "no transport called 'pigeons'; there are: .*trio"),
        ({"transport": "sockets"}, ArgumentError, "'sockets' is for Client; here there are: .*trio"),
    ],
)
@on_each_loop
async def test_wrong_options(loop: Loop, options: dict[str, Any], error: type[Exception], match: str) -> None:
    """Each is refused before anything is sent, and nothing is left open."""
    with FaultyServer() as server:
        given: dict[str, Any] = {"src": server.url, **options}
        with pytest.raises(error, match=match):
            async with AsyncClient(**given):
                pytest.fail("it was opened")
        gc.collect()
        assert server.connections == 0


@on_each_loop
async def test_the_transport_of_the_other_loop(loop: Loop, url: str) -> None:
    other = {"asyncio": "trio", "trio": "asyncio"}[loop.name]
    with pytest.raises(LocalProtocolError, match=f"{other} does not run here: leave transport= away"):
        await AsyncClient(url, transport=other)


@on_each_loop
async def test_headers_and_cookies(loop: Loop, url: str) -> None:
    mine = {"X-One": "client", "X-Two": "client"}
    async with AsyncClient(url, headers=mine, cookies={"a": "b"}) as client:
        headers = (await client.predict(api_name="/request", headers={"x-two": "call"}))["headers"]
        assert (headers["x-one"], headers["x-two"], headers["cookie"]) == ("client", "call", "a=b")
        assert (await client.predict(api_name="/request"))["headers"]["x-two"] == "client"
        job = await client.submit(api_name="/request", headers={"x-two": "job"})
        assert (await job.result())["headers"]["x-two"] == "job"


@on_each_loop
async def test_what_it_knows(loop: Loop, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with AsyncClient(url) as client:
        assert repr(client) == f"<AsyncClient of {url}/>"
        assert (client.protocol, client.app_version) == ("sse_v3", "6.31.0")
        assert client.config["title"] == "tests"
        assert client.app_id == client.config["app_id"]
        assert (await client.predict(api_name="/request"))["session"] == client.session_hash
        assert await client.view_api() is None
        printed = capsys.readouterr().out
        assert 'predict(a, b, c, api_name="/add")' in printed
        with Client(url) as blocking:
            for form in ("str", "dict"):
                options: Any = {"print_info": False, "return_format": form}
                assert await client.view_api(**options) == blocking.view_api(**options)
        assert capsys.readouterr().out == ""


# Calling.


@on_each_loop
async def test_arguments(loop: Loop, url: str) -> None:
    async with AsyncClient(url) as client:
        assert await client.predict(1, api_name="/add") == (6, "1+2+3")
        assert await client.predict(1, c=5, api_name="/add") == (8, "1+2+5")
        assert await client.predict(a=1, b=1, c=1, api_name="add") == (3, "1+1+1")
        assert await client.predict(1, fn_index=1) == (6, "1+2+3")
        job = await client.submit(1, 1, c=0, api_name="/add")
        assert await job.result(5) == (2, "1+1+0")
        assert await client.predict(5, api_name="/count") == 4
    async with AsyncClient(url, api_name="/echo") as client:
        assert await client.predict("x") == "x"


@on_each_loop
async def test_an_endpoint_by_itself(loop: Loop, url: str) -> None:
    async with AsyncClient(url) as client:
        endpoint = client.endpoint("/awkward")
        assert isinstance(endpoint, AsyncBoundEndpoint)
        assert await endpoint.predict(headers="h") == "h|n|7"
        assert await endpoint(headers="h", api_name="a", fn_index=3) == "h|a|3"
        assert await (await endpoint.submit("h", fn_index=1)).result(5) == "h|n|1"
        assert repr(endpoint) == f"<Endpoint /awkward of {client.src}>"
        assert await client.endpoint("/echo", via="call").predict("x") == "x"
        assert [part async for part in await client.endpoint("/count", via="call/v2").submit(3)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "match"),
    [
        ((), {"api_name": "/echo"}, TypeError, "missing 1 required positional argument: 'x'"),
        ((1,), {"api_name": "/echo", "y": 2}, TypeError, "unexpected keyword argument 'y'"),
        ((1,), {"api_name": "/ecco"}, ArgumentError, r"did you mean '/echo'\?\). Its endpoints: /echo, /add"),
        ((1,), {}, ArgumentError, "several endpoints: .* /echo, /add"),
        ((1,), {"fn_index": "5"}, TypeError, "fn_index"),
        ((object(),), {"api_name": "/echo"}, ValueError, "object"),
        ((1,), {"api_name": "/echo", "headers": {"a": "b\r\nc: d"}}, ArgumentError, "line break"),
    ],
)
@on_each_loop
async def test_wrong_calls(
    loop: Loop, url: str, args: tuple[Any, ...], kwargs: dict[str, Any], error: type[Exception], match: str
) -> None:
    async with AsyncClient(url) as client:
        for call in (client.predict, client.submit):
            with pytest.raises(error, match=match):
                await call(*args, **kwargs)
        assert await client.predict("x", api_name="/echo") == "x"


@on_each_loop
async def test_an_app_error(loop: Loop, url: str) -> None:
    async with AsyncClient(url) as client:
        with pytest.raises(AppError) as caught:
            await client.predict("x", api_name="/fail")
        error = caught.value
        assert (error.message, error.title, error.duration, error.visible) == ("bad: x", "Oh no", None, False)
        assert (error.endpoint, error.hidden, error.server_version) == ("/fail", False, "6.31.0")
        assert error.event_id
        assert await client.predict("x", api_name="/echo") == "x"


@on_each_loop
async def test_state_and_a_new_session(loop: Loop, url: str) -> None:
    async with AsyncClient(url) as client:
        first = client.session_hash
        assert await client.predict("a", api_name="/remember") == ["a"]
        assert await client.predict("b", api_name="/remember") == ["a", "b"]
        job = await client.submit(0.1, api_name="/slow")
        await client.reset_session()
        assert client.session_hash != first
        assert await client.predict("c", api_name="/remember") == ["c"]
        assert await job.result(5) == "slept"
        assert job.session_hash == first


@on_each_loop
async def test_an_isolated_call_has_a_session_and_a_stream_of_its_own(loop: Loop, url: str) -> None:
    with ReverseProxy(url) as proxy:
        async with AsyncClient(proxy.url) as client, loop.group() as group:
            assert await client.predict("a", api_name="/remember") == ["a"]
            assert await client.predict("b", api_name="/remember", isolate=True) == ["b"]
            assert await client.endpoint("/remember", isolate=True).predict("c") == ["c"]
            assert await client.predict("d", api_name="/remember") == ["a", "d"]
            beside = await client.submit(0.3, api_name="/slow")
            job = await client.submit(api_name="/long", isolate=True)
            assert job.session_hash != client.session_hash == beside.session_hash
            assert await job.cancel(force=True)
            hashes = {passed.target.partition("session_hash=")[2] for passed in streams(proxy)}
            assert await group.start(beside.result).result() == "slept"
            assert await client.predict("e", api_name="/remember") == ["a", "d", "e"]
        assert len(hashes) == 4


def streams(proxy: ReverseProxy) -> list[Any]:
    return [passed for passed in proxy.passed if passed.path.endswith("/queue/data")]


@on_each_loop
async def test_max_workers(loop: Loop) -> None:
    running: list[int] = []
    most: list[int] = []
    app = TestApp(default_concurrency_limit=None)

    @app.endpoint("/busy")
    def busy(x: str) -> str:
        running.append(1)
        most.append(len(running))
        time.sleep(0.03)
        running.pop()
        return x

    with serve(app) as url:
        async with AsyncClient(url, max_workers=2) as client, loop.group() as group:
            calls = [group.start(client.predict, str(number)) for number in range(8)]
            assert [await call.result() for call in calls] == [str(number) for number in range(8)]
    assert max(most) <= 2


@on_each_loop
async def test_refresh(loop: Loop) -> None:
    app = TestApp()
    app.endpoint("/echo")(echo)
    server = EmbeddedServer(app)
    port = int(server.url.rpartition(":")[2])
    async with AsyncClient(server.url) as client:
        endpoint = client.endpoint("/echo")
        assert await endpoint.predict("x") == "x"
        server.close()
        with pytest.raises(GradioError):
            await endpoint.predict("x")
        with EmbeddedServer(app_of_all_kinds(), port=port):
            await client.refresh()
            assert await client.predict(1, api_name="/add") == (6, "1+2+3")
            assert await endpoint.predict("x") == "x"


@on_each_loop
async def test_the_function_of_a_component(loop: Loop) -> None:
    answers = {"component_server": lambda peer, seen: peer.json([seen.body.decode()])}
    component = {"id": 4, "type": "fileexplorer", "props": {"server_fns": ["ls"]}}
    with FaultyServer(answers, config={"components": [component]}) as server:
        async with AsyncClient(server.url) as client:
            with pytest.raises(ArgumentError, match="5"):
                await client.component_server(5, "ls")
            answer = await client.component_server(4, "ls", ["sub"])
            assert '"fn_name":"ls"' in answer[0].replace(" ", "")


# Its life.


@on_each_loop
async def test_opening_without_a_block(loop: Loop, url: str) -> None:
    client = await AsyncClient(url)
    assert await client.predict("x", api_name="/echo") == "x"
    await client.close()
    await client.close()
    with pytest.raises(ClientClosed, match="make a new one"):
        await client.predict("x", api_name="/echo")
    with pytest.raises(ClientClosed, match="make a new one"):
        await client.submit("x", api_name="/echo")
    with pytest.raises(ClientClosed):
        _ = client.session_hash
    with pytest.raises(ClientClosed, match="opened once"):
        await client
    await client.reset_session()
    await client.run()
    assert client.src == f"{url}/"


@on_each_loop
async def test_before_it_is_opened(loop: Loop, url: str) -> None:
    client = AsyncClient(url)
    assert repr(client) == f"<AsyncClient of {url}>"
    with pytest.raises(LocalProtocolError, match=r"not open yet: async with AsyncClient"):
        await client.predict("x", api_name="/echo")
    with pytest.raises(LocalProtocolError, match="not open yet"):
        _ = client.config
    with pytest.raises(LocalProtocolError, match="not open yet"):
        client.endpoint("/echo")
    await client.close()
    async with client:
        assert await client.predict("x", api_name="/echo") == "x"


def test_outside_of_any_loop(url: str) -> None:
    client = AsyncClient(url)
    opening = client.__await__()
    with pytest.raises(LocalProtocolError, match="neither trio nor asyncio runs here: use Client"):
        next(opening)


@on_each_loop
async def test_what_cannot_be_opened(loop: Loop, url: str) -> None:
    with serve(TestApp()) as gone:
        pass
    with pytest.raises(ConnectError):
        await AsyncClient(gone)
    with FaultyServer(config={"protocol": "carrier_pigeon"}) as server:
        with pytest.raises(UnsupportedProtocol, match="carrier_pigeon"):
            await AsyncClient(server.url)
        with pytest.raises(GradioError, match="json_body_bytes"):
            await AsyncClient(url, limits=Limits(json_body_bytes=100))
    gc.collect()


@on_each_loop
async def test_opening_is_cancelled(loop: Loop) -> None:
    with FaultyServer({"config": lambda peer, _: peer.wait_for_end()}) as server:
        client = AsyncClient(server.url)
        assert await loop.cut_off(0.1, client.__aenter__)
        assert await loop.cut_off(0.1, client.__aenter__)  # it may be tried again
        with pytest.raises(LocalProtocolError, match="not open"):
            await client.predict("x")


@on_each_loop
async def test_a_leaked_client_warns(loop: Loop, url: str) -> None:
    async def leak() -> None:
        client = await AsyncClient(url)
        await client.predict("x", api_name="/echo")

    with pytest.warns(ResourceWarning, match="unclosed <AsyncClient of"):  # noqa: PT031
        await leak()
        gc.collect()


def test_a_client_that_outlives_its_loop_warns(loop: Loop, url: str) -> None:
    clients: list[AsyncClient] = []

    async def leak() -> None:
        clients.append(await AsyncClient(url))
        await clients[0].predict("x", api_name="/echo")

    loop.run(leak)
    with pytest.warns(ResourceWarning, match="unclosed <AsyncClient of"):
        clients.clear()


@on_each_loop
async def test_a_pickle_carries_no_credentials(loop: Loop, url: str) -> None:
    secrets = {
        "token": "hf_secret1",
        "headers": {"authorization": "secret2"},
        "cookies": {"session": "secret3"},
        "proxy": "http://me:secret4@127.0.0.1:1",
    }
    async with AsyncClient(url, **cast(Any, secrets), timeouts=Timeouts(read=7), api_name="/echo") as client:
        pickled = pickle.dumps(client)
        session = client.session_hash
    for number in range(1, 5):
        assert f"secret{number}".encode() not in pickled
    again = pickle.loads(pickled)  # noqa: S301
    with pytest.raises(LocalProtocolError, match="not open yet"):
        await again.predict("x")
    async with again:
        assert again.session_hash != session
        assert await again.predict("x") == "x"
        headers = (await again.predict(api_name="/request"))["headers"]
        assert {"x-hf-authorization", "authorization", "cookie"} & set(headers) == set()
        async with copy.copy(again) as twin:
            assert await twin.predict("x") == "x"
            assert twin.session_hash != again.session_hash


@on_each_loop
async def test_a_pickle_connects_lazily(loop: Loop) -> None:
    with serve(app_of_all_kinds()) as gone:
        async with AsyncClient(gone) as client:
            pickled = pickle.dumps(client)
    async with pickle.loads(pickled) as again:  # noqa: S301 (nobody is there to answer)
        with pytest.raises(ConnectError):
            await again.predict("x", api_name="/echo")


@on_each_loop
async def test_a_client_with_a_transport_of_ones_own_cannot_be_pickled(loop: Loop, url: str) -> None:
    def factory(options: Any) -> Any:
        return {"asyncio": AsyncioTransport, "trio": TrioTransport}[loop.name](options)

    async with AsyncClient(url, transport=factory) as client:
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(client)


# Its loop.


USES: dict[str, Callable[[AsyncClient, AsyncJob], Awaitable[object]]] = {
    "predict": lambda client, _: client.predict("x", api_name="/echo"),
    "submit": lambda client, _: client.submit("x", api_name="/echo"),
    "refresh": lambda client, _: client.refresh(),
    "run": lambda client, _: client.run(),
    "view_api": lambda client, _: client.view_api(print_info=False),
    "result": lambda _, job: job.result(),
    "status": lambda _, job: job.status(),
    "cancel": lambda _, job: job.cancel(force=True),
    "next": lambda _, job: job.__anext__(),
}


async def use(client: AsyncClient, job: AsyncJob) -> None:
    for operation in USES.values():
        with pytest.raises(LocalProtocolError, match="belongs to the loop that it was opened in"):
            await operation(client, job)


def test_a_second_loop(loop: Loop, url: str) -> None:
    async def begin() -> tuple[AsyncClient, AsyncJob]:
        client = await AsyncClient(url)
        return client, await client.submit(0.5, api_name="/slow")

    async def go_on() -> None:
        await use(client, job)
        assert client.config["title"] == "tests"
        await client.close()  # that, one can do
        await client.close()

    client, job = loop.run(begin)
    loop.run(go_on)


def test_a_loop_of_the_other_kind(url: str) -> None:
    async def begin() -> tuple[AsyncClient, AsyncJob]:
        client = await AsyncClient(url)
        return client, await client.submit(0.5, api_name="/slow")

    async def go_on(client: AsyncClient, job: AsyncJob) -> None:
        await use(client, job)
        await client.close()

    trio.run(go_on, *asyncio.run(begin()))
    asyncio.run(go_on(*trio.run(begin)))


@on_each_loop
async def test_another_thread(loop: Loop, url: str) -> None:
    errors: list[BaseException | None] = []

    def elsewhere() -> None:
        try:
            loop.run(partial(use, client, job))
            with pytest.raises(LocalProtocolError, match="belongs to the loop"):
                loop.run(client.close)  # somebody waits for it
        except BaseException as error:
            errors.append(error)
        else:
            errors.append(None)

    async with AsyncClient(url) as client, loop.group() as group:
        job = await client.submit(2, api_name="/slow")
        waiting = [group.start(job.result) for _ in range(3)]
        await loop.sleep(0.05)
        thread = threading.Thread(target=elsewhere)
        thread.start()
        await loop.eventually(lambda: errors)
        thread.join()
        assert errors == [None]
        assert [await each.result() for each in waiting] == ["slept"] * 3
        assert await client.predict("x", api_name="/echo") == "x"


@on_each_loop
async def test_there_is_no_task_and_no_thread(loop: Loop, url: str) -> None:
    before = {*threading.enumerate()}
    async with AsyncClient(url) as client:
        job = await client.submit(0.1, api_name="/slow")
        assert await client.predict("x", api_name="/echo") == "x"
        assert loop.other_tasks() == 0
        assert await job.result() == "slept"
        started = {*threading.enumerate()} - before
        assert [thread.name for thread in started if "worker" not in thread.name] == []
        assert loop.other_tasks() == 0


@on_each_loop
async def test_other_tasks_go_on(loop: Loop, url: str) -> None:
    """A stream of many messages leaves the others their turn."""
    gaps: list[float] = []

    async def watch() -> None:
        while True:
            began = time.monotonic()
            await loop.sleep(0.001)
            gaps.append(time.monotonic() - began)

    async with AsyncClient(url) as client, loop.group() as group:
        watching = group.start(watch)
        jobs = [await client.submit(500, api_name="/count") for _ in range(4)]
        assert [await job.result() for job in jobs] == [499] * 4
        watching.cancel()
    assert len(gaps) > 10
    assert sorted(gaps)[len(gaps) // 2] < 0.1


def test_every_method_is_a_checkpoint(url: str) -> None:
    """Also where there is nothing to wait for; and in a cancelled scope each is cancelled."""

    async def main() -> None:
        client = AsyncClient(url)
        with trio.testing.assert_checkpoints():
            await client
        bound = client.endpoint("/echo")
        job = await client.submit("x", api_name="/echo")
        assert await job.result() == "x"
        late = await client.submit(0.2, api_name="/slow")
        with trio.testing.assert_checkpoints(), pytest.raises(TimeoutError):
            await late.result(0)
        assert await late.result() == "slept"
        checked: dict[type, dict[str, Callable[[], Awaitable[Any]]]] = {
            AsyncClient: {
                "predict": lambda: client.predict("x", api_name="/echo"),
                "submit": lambda: client.submit("x", api_name="/echo"),
                "view_api": lambda: client.view_api(print_info=False),
                "schema": client.schema,
                "call_tool": lambda: client.call_tool("echo", {"x": "x"}),
                "reset_session": client.reset_session,
                "refresh": client.refresh,
            },
            AsyncBoundEndpoint: {
                "predict": lambda: bound.predict("x"),
                "submit": lambda: bound.submit("x"),
            },
            AsyncJob: {
                "result": job.result,
                "exception": job.exception,
                "done": job.done,
                "running": job.running,
                "cancelled": job.cancelled,
                "status": job.status,
                "outputs": job.outputs,
                "cancel": lambda: job.cancel(force=True),
                "add_done_callback": lambda: job.add_done_callback([].append),
                "__aexit__": lambda: job.__aexit__(None, None, None),
            },
        }
        apart = {"close", "run"}
        always_wait = {"component_server", "send_chunk", "close_stream"}  # for the server
        for cls, methods in checked.items():
            coroutines = {name for name, _ in inspect.getmembers(cls, inspect.iscoroutinefunction)}
            assert {name for name in coroutines if not name.startswith("_")} <= {
                *methods,
                *apart,
                *always_wait,
            }
            for name, method in methods.items():
                with trio.CancelScope() as scope:
                    scope.cancel()
                    await method()
                assert scope.cancelled_caught, name
                with trio.testing.assert_checkpoints():
                    await method()
        for cut in (client.run, job.__anext__):
            with trio.CancelScope() as scope:
                scope.cancel()
                await cut()
            assert scope.cancelled_caught
        with trio.testing.assert_checkpoints():
            assert await job.__anext__() == "x"  # it was not lost
        for _ in range(2):
            with trio.testing.assert_checkpoints():
                await client.close()
        with trio.testing.assert_checkpoints():
            await client.run()

    trio.run(main)


@on_each_loop
async def test_cancelled_calls_hurt_nobody_else(loop: Loop, url: str) -> None:
    async with AsyncClient(url) as client, loop.group() as group:
        cancelled = [group.start(partial(client.predict, 5, api_name="/slow")) for _ in range(3)]
        others = [group.start(partial(client.predict, 0.3, api_name="/slow")) for _ in range(3)]
        opening = group.start(partial(client.submit, 5, api_name="/slow"))
        opening.cancel()
        await loop.sleep(0.1)
        for call in cancelled:
            call.cancel()
        for call in cancelled:
            await call.ended()
            assert call.was_cancelled
        assert [await call.result() for call in others] == ["slept"] * 3
        assert await client.predict("x", api_name="/echo") == "x"
        await opening.ended()
        assert opening.was_cancelled


@on_each_loop
async def test_the_one_who_turns_is_cancelled_again_and_again(loop: Loop, url: str) -> None:
    async with AsyncClient(url) as client, loop.group() as group:
        job = await client.submit(1, api_name="/slow")
        last = group.start(job.result)
        for _ in range(20):
            waiting = [group.start(job.result) for _ in range(3)]
            last, before = group.start(job.result), last
            await loop.sleep(0.005)
            for each in (before, *waiting):
                each.cancel()
        assert await last.result() == "slept"


@on_each_loop
async def test_one_stream_for_sixty_jobs(loop: Loop) -> None:
    """Twenty are cancelled while they wait, the others finish; the server has seen one stream."""
    go = threading.Event()
    app = TestApp(default_concurrency_limit=None)

    @app.endpoint("/wait")
    def wait(x: str) -> str:
        go.wait(10)
        return x

    with serve(app) as url, ReverseProxy(url) as proxy:
        async with AsyncClient(proxy.url) as client, loop.group() as group:
            calls = [group.start(client.predict, str(number)) for number in range(60)]
            await loop.eventually(
                lambda: sum(passed.path.endswith("/queue/join") for passed in proxy.passed) == 60
            )
            await loop.sleep(0.05)
            for call in calls[::3]:
                call.cancel()
            for call in calls[::3]:
                await call.ended()
                assert call.was_cancelled
            go.set()
            for number, call in enumerate(calls):
                if number % 3:
                    assert await call.result() == str(number)
        assert len(streams(proxy)) == 1


@on_each_loop
async def test_closing_while_others_wait(loop: Loop) -> None:
    with FaultyServer({"queue/data": never}) as server:
        client = await AsyncClient(server.url)
        async with loop.group() as group:
            job = await client.submit("x")
            waiting = [
                *[group.start(client.predict, "x") for _ in range(5)],
                *[group.start(job.result) for _ in range(5)],
                group.start(job.__anext__),
            ]
            running = group.start(client.run)
            await loop.sleep(0.1)
            began = time.monotonic()
            await client.close()
            for each in waiting:
                assert isinstance(await each.error(), ClientClosed)
            await running.result()
            assert time.monotonic() - began < 1
        assert isinstance(await job.exception(), ClientClosed)
        assert (await job.status()).success is False


@on_each_loop
async def test_closing_while_others_call(loop: Loop, url: str) -> None:
    """close() at every moment of calls: each gives its value or ClientClosed."""
    for pause in (0.0, 0.001, 0.002, 0.004, 0.008):
        client = await AsyncClient(url)

        async def call(client: AsyncClient = client) -> None:
            while True:
                assert await client.predict("x", api_name="/echo") == "x"

        async with loop.group() as group:
            calls = [group.start(call) for _ in range(3)]
            await loop.sleep(pause)
            await client.close()
            for each in calls:
                assert isinstance(await each.error(), ClientClosed)


@on_each_loop
async def test_a_cancelled_block_closes_the_client(loop: Loop) -> None:
    clients: list[AsyncClient] = []

    async def block() -> None:
        async with AsyncClient(server.url) as client:
            clients.append(client)
            await client.predict("x")

    with FaultyServer({"queue/data": never}) as server:
        assert await loop.cut_off(0.2, block)
        with pytest.raises(ClientClosed):
            await clients[0].predict("x")


@on_each_loop
async def test_run(loop: Loop, url: str) -> None:
    async with AsyncClient(url) as client, loop.group() as group:
        ended: list[str] = []
        job = await client.submit(0.05, api_name="/slow", result_callbacks=ended.append)
        await loop.sleep(0.3)
        assert ended == []  # nobody has awaited anything of the client
        running = group.start(client.run)
        await loop.eventually(lambda: ended == ["slept"])
        job = await client.submit(0.05, api_name="/slow", result_callbacks=ended.append)
        await loop.eventually(lambda: len(ended) == 2)
        running.cancel()
        await running.ended()
        assert running.was_cancelled
        job = await client.submit(0.05, api_name="/slow")
        assert await job.result() == "slept"


@on_each_loop
async def test_a_time_in_which_nobody_waits(loop: Loop) -> None:
    """It is longer than the idle timeout, which is about the server's silence."""
    app = app_of_all_kinds()
    with EmbeddedServer(app, heartbeat=0.1) as server:
        async with AsyncClient(server.url, timeouts=SHORT) as client:
            slow = await client.submit(3 * IDLE, api_name="/slow")
            quick = await client.submit(1000, api_name="/count")
            await loop.sleep(2 * IDLE)
            assert await quick.result() == 999
            time.sleep(1.5 * IDLE)  # noqa: ASYNC251 - nor does the loop go on
            assert await slow.result() == "slept"
    with FaultyServer({"queue/data": never}) as silent:
        async with AsyncClient(silent.url, timeouts=SHORT) as client:
            job = await client.submit("x")
            with pytest.raises(DeadlineExceeded):
                await job.result()


def test_an_answer_that_waited_is_dated_when_its_flow_goes_on(url: str) -> None:
    """A deadline that the flow counts from it does not lie in a time when nobody turned the loop."""
    clock = trio.testing.MockClock()

    async def main() -> None:
        async with AsyncClient(url, timeouts=Timeouts(idle=5, read=5)) as client:
            reactor = cast(Any, client._engine.transport)._reactor
            job = await client.submit(0.2, api_name="/slow")
            while not reactor.ready:
                reactor.poll(1)
            clock.jump(100)
            assert await job.result() == "slept"

    TrioLoop(clock).run(main)


def test_a_clock_of_the_loops_own() -> None:
    """Every deadline is the loop's clock's."""
    clock = trio.testing.MockClock()

    async def main() -> None:
        with FaultyServer({"queue/data": never}) as server:
            async with AsyncClient(server.url) as client, TrioLoop().group() as group:
                job = await client.submit("x")
                began = time.monotonic()
                cut = group.start(job.result, 1000)
                failed = group.start(job.result)
                await trio.testing.wait_all_tasks_blocked(0.05)
                clock.jump(3600)
                assert isinstance(await failed.error(), DeadlineExceeded)
                assert isinstance(await cut.error(), TimeoutError | DeadlineExceeded)
                assert time.monotonic() - began < 5

    TrioLoop(clock).run(main)


def test_bytes_that_keep_coming_keep_no_deadline_from_passing() -> None:
    """Not on trio either, whose clock is another one than the system's."""

    def flood(peer: Peer, _: Seen) -> None:
        peer.begin_stream()
        heartbeats = b'data: {"msg": "heartbeat"}\n\n' * 3000
        while True:
            peer.chunk(heartbeats)

    async def main() -> None:
        with FaultyServer({"queue/data": flood}) as server:
            async with AsyncClient(server.url, timeouts=Timeouts(total=0.5)) as client:
                began = time.monotonic()
                with pytest.raises(DeadlineExceeded):
                    await client.predict("x")
                assert time.monotonic() - began < 3

    trio.run(main)


# Timeouts of the loop's.


@on_each_loop
async def test_a_call_that_is_cut_off(loop: Loop, url: str) -> None:
    async with AsyncClient(url) as client:
        began = time.monotonic()
        assert await loop.cut_off(0.1, partial(client.predict, 5, api_name="/slow"))
        job = await client.submit(0.4, api_name="/slow")
        assert await loop.cut_off(0.1, job.result)
        assert time.monotonic() - began < 2
        assert await job.result() == "slept"  # it was the wait that was cut off
        assert not await loop.cut_off(5, partial(client.predict, "x", api_name="/echo"))


def test_trios_scopes(url: str) -> None:
    async def main() -> None:
        async with AsyncClient(url) as client:
            with pytest.raises(trio.TooSlowError), trio.fail_after(0.1):
                await client.predict(5, api_name="/slow")
            with trio.move_on_after(0.1) as scope, trio.CancelScope(shield=True):
                assert await client.predict(0.2, api_name="/slow") == "slept"
            assert not scope.cancelled_caught
            job = await client.submit(api_name="/long")

            async def fail() -> None:
                await trio.sleep(0.05)
                raise ZeroDivisionError

            async def together() -> None:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(job.result)
                    nursery.start_soon(partial(client.predict, api_name="/long"))
                    nursery.start_soon(fail)

            with pytest.raises(Exception, match="nursery") as caught:
                await together()
            assert [type(error) for error in cast(Any, caught.value).exceptions] == [ZeroDivisionError]
            assert await client.predict("x", api_name="/echo") == "x"

    trio.run(main)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout and TaskGroup are new in Python 3.11")
def test_asyncios_timeout_and_its_task_groups(url: str) -> None:
    async def main() -> None:
        async with AsyncClient(url) as client:

            async def too_slow() -> None:
                async with asyncio.timeout(0.1):
                    await client.predict(5, api_name="/slow")

            with pytest.raises(TimeoutError):
                await too_slow()
            job = await client.submit(api_name="/long")

            async def fail() -> None:
                await asyncio.sleep(0.05)
                raise ZeroDivisionError

            async def together() -> None:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(job.result())
                    tasks.create_task(client.predict(api_name="/long"))
                    tasks.create_task(fail())

            with pytest.raises(Exception, match="TaskGroup") as caught:
                await together()
            assert [type(error) for error in cast(Any, caught.value).exceptions] == [ZeroDivisionError]
            assert await client.predict("x", api_name="/echo") == "x"

    asyncio.run(main(), debug=True)


def test_asyncios_gather(url: str) -> None:
    async def main() -> None:
        async with AsyncClient(url) as client:
            calls = [client.predict(str(number), api_name="/echo") for number in range(50)]
            assert await asyncio.gather(*calls) == [str(number) for number in range(50)]
            task = asyncio.create_task(client.predict(5, api_name="/slow"))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main(), debug=True)


# Files.


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    return tmp_path / "downloads"


def content(path: str) -> bytes:
    return Path(path).read_bytes()


@on_each_loop
async def test_files_up_and_down(loop: Loop, tmp_path: Path, downloads: Path) -> None:
    data = bytes(range(256)) * 3000
    (tmp_path / "x.bin").write_bytes(data)
    seen: list[Transfer] = []
    threads: set[threading.Thread] = set()

    def told(transfer: Transfer) -> None:
        threads.add(threading.current_thread())
        seen.append(transfer)

    with serve(file_app()) as url:
        async with AsyncClient(url, download_files=downloads, on_transfer=told) as client:
            assert await client.predict(handle_file(tmp_path / "x.bin"), api_name="/size") == [
                "x.bin",
                len(data),
            ]
            paths = await client.predict(
                [handle_file(data, "a.bin"), handle_file(b"b", "b")], api_name="/back"
            )
            assert [content(path) for path in paths] == [data, b"b"]
            job = await client.submit([handle_file(b"c", "c.txt")], api_name="/back")
            ((path,),) = [value async for value in job]
            assert content(path) == b"c"
            with pytest.raises(ArgumentError):
                await client.predict(handle_file(tmp_path / "missing"), api_name="/size")
    assert threads == {threading.current_thread()}
    for direction in ("upload", "download"):
        counts = [each.transferred for each in seen if each.direction == direction and each.name == "a.bin"]
        assert counts == sorted(counts)
        assert counts[-1] == len(data)


# Many.


@on_each_loop
async def test_hundreds_of_calls_at_once(loop: Loop, url: str) -> None:
    async with AsyncClient(url) as client, loop.group() as group:
        calls = [group.start(partial(client.predict, str(n), api_name="/echo")) for n in range(200)]
        assert [await call.result() for call in calls] == [str(number) for number in range(200)]
        pool = cast(Any, client._engine.transport).pool
        assert pool.connections_made <= 16


@on_each_loop
async def test_a_hundred_jobs_that_wait(loop: Loop) -> None:
    """They cost nothing: no time, no thread, and no task but those of the caller's that wait."""
    with FaultyServer({"queue/data": never}) as server:
        async with AsyncClient(server.url) as client, loop.group() as group:
            calls = [group.start(client.predict, "x") for _ in range(100)]
            await loop.eventually(lambda: server.jobs == 100)
            await loop.sleep(0.1)
            used = time.process_time()
            await loop.sleep(0.5)
            assert time.process_time() - used < 0.05
            assert loop.other_tasks() == 100
            for call in calls:
                call.cancel()


# Ctrl-C, in a process of its own.


def python(program: str, *arguments: str) -> str:
    """Run a program that must be silent on stderr; what it prints."""
    process = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", PRELUDE + program, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (process.stderr, process.returncode) == ("", 0)
    return process.stdout


PRELUDE = """
import asyncio, gc, logging, os, random, signal, sys, threading, time
from functools import partial
if sys.argv[2] == "trio":
    import trio
    run, sleep = trio.run, trio.sleep
else:
    sleep = asyncio.sleep
    def run(main):
        asyncio.run(main())
from gradio_proto import AsyncClient
from gradio_proto.errors import ClientClosed

def open_files():
    gc.collect()
    return sorted(os.listdir("/dev/fd"))

def strike_in(seconds):
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, seconds)

signal.signal(signal.SIGINT, signal.default_int_handler)
# That a step takes long is no wonder here. And before Python 3.11, which raises Ctrl-C in the main task alone, asyncio
# remarks that nobody has asked for the KeyboardInterrupt of whichever task it has struck.
logging.getLogger("asyncio").setLevel(logging.ERROR if sys.version_info >= (3, 11) else logging.CRITICAL)
async def nothing():
    await sleep(0)
run(nothing)
files = open_files()
"""

INTERRUPTED = """
async def together(*functions):
    if sys.argv[2] == "trio":
        async with trio.open_nursery() as nursery:
            for function in functions:
                nursery.start_soon(function)
    else:
        await asyncio.gather(*[function() for function in functions])

async def main():
    async with AsyncClient(sys.argv[1]) as client:
        jobs = [await client.submit(api_name="/long") for _ in range(10)]
        slow = partial(client.predict, api_name="/long")
        strike_in(0.2)
        await {waits}

interrupted = False
try:
    run(main)
except BaseException as error:
    while not isinstance(error, KeyboardInterrupt):  # of a nursery
        (error,) = error.exceptions
    interrupted = True
assert interrupted
assert threading.enumerate() == [threading.current_thread()]
assert open_files() == files, (open_files(), files)
print("end")
"""


@pytest.mark.parametrize(
    "waits",
    ["jobs[0].result()", "slow()", "client.run()", "together(*[job.result for job in jobs], slow, slow)"],
)
def test_ctrl_c(loop: Loop, url: str, waits: str) -> None:
    if waits.startswith("together") and loop.name == "asyncio" and sys.version_info < (3, 11):
        pytest.skip("asyncio lets Ctrl-C strike in whichever task takes a step, as below")
    assert python(INTERRUPTED.replace("{waits}", waits), url, loop.name) == "end\n"


BUSY = """
async def main():
    async with AsyncClient(sys.argv[1]) as client:
        strike_in(random.uniform(0.001, 0.1))
        while True:
            await client.predict(20, api_name="/count")

for _ in range(20):
    try:
        run(main)
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError
assert threading.enumerate() == [threading.current_thread()]
assert open_files() == files, (open_files(), files)
print("end")
"""


def test_ctrl_c_at_any_moment(loop: Loop, url: str) -> None:
    """While it connects, while it sends, in the middle of a flow's step."""
    if loop.name == "asyncio" and sys.version_info < (3, 11):
        pytest.skip(
            "this asyncio may lose a task that Ctrl-C strikes between two steps, and then waits for it"
        )
    assert python(BUSY, url, loop.name) == "end\n"


CAUGHT = """
async def main():
    async with AsyncClient(sys.argv[1]) as client:
        job = await client.submit(0.5, api_name="/slow")
        for _ in range(5):
            strike_in(random.uniform(0.001, 0.05))
            try:
                while True:
                    await client.predict(20, api_name="/count")
            except (KeyboardInterrupt, asyncio.CancelledError):
                if sys.argv[2] == "asyncio" and hasattr(asyncio.current_task(), "uncancel"):
                    asyncio.current_task().uncancel()
        assert await client.predict("x", api_name="/echo") == "x"
        assert await job.result() == "slept"

run(main)
assert open_files() == files, (open_files(), files)
print("end")
"""


def test_trio_raises_ctrl_c_where_it_hurts_nobody(url: str) -> None:
    """The client is as good as new, if the program goes on."""
    assert python(CAUGHT, url, "trio") == "end\n"


def test_a_deadline_that_is_infinite(loop: Loop, url: str) -> None:
    async def main() -> None:
        async with AsyncClient(url) as client:
            job = await client.submit(0.1, api_name="/slow")
            assert await job.result(math.inf if loop.name == "trio" else 10**6) == "slept"

    loop.run(main)
