"""Sessions and State, and several jobs at once."""

from __future__ import annotations

from typing import Any

import pytest

from gradio_proto.errors import AppError, ArgumentError

from .operation import Lack, operation
from .scene import Scene, endpoint, values


@operation("State", "8")
async def state(scene: Scene) -> None:
    """It lives in the session that the jobs of a client share; another client has its own."""
    async with scene.client() as client:
        assert await client.predict("a b", api_name="/state") == 2
        assert await client.predict("c d e", api_name="/state") == 5
        job = await client.submit("f", api_name="/state")
        assert await job.result(20) == 6
        async with scene.client() as other:
            assert await other.predict("z", api_name="/state") == 1
        assert await client.predict("g", api_name="/state") == 7


@operation("State of one call alone", "8", traps=(4,))
async def isolated(scene: Scene) -> None:
    """``isolate=True`` gives a call a session of its own."""
    async with scene.client() as client:
        assert await client.predict("a b", api_name="/state") == 2
        assert await client.predict("c", api_name="/state", isolate=True) == 1
        assert await client.predict("d", api_name="/state") == 3


@operation("a new session", "7")
async def reset(scene: Scene) -> None:
    """``reset_session()`` gives fresh State; an open job goes on in the old session."""
    async with scene.client() as client:
        assert await client.predict("a b", api_name="/state") == 2
        before = client.session_hash
        job = await client.submit(10, api_name="/count")
        await client.reset_session()
        assert client.session_hash != before
        assert await client.predict("c", api_name="/state") == 1
        assert await values(job) == [*range(10)]


@operation("two jobs at once", "3.5", traps=(1, 2, 3, 5))
async def two(scene: Scene) -> None:
    """Each has its own values, and a third may come while they run."""
    async with scene.client() as client:
        one = await client.submit(10, api_name="/count")
        other = await client.submit("a b c", api_name="/stream")
        assert await values(other) == ["a ", "a b ", "a b c "]
        third = await client.submit("x", api_name="/echo")
        assert await values(one) == [*range(10)]
        assert await third.result(20) == "x"


@operation("one function twice at once", "3.1", traps=(4,))
async def twice(scene: Scene) -> None:
    """On 3.x two runs of a function in one session would share its values."""
    async with scene.client() as client:
        jobs = [await client.submit(length, api_name="/count") for length in (8, 5, 8)]
        assert [await values(job) for job in jobs] == [[*range(8)], [*range(5)], [*range(8)]]


@operation("State under two jobs at once", "8", traps=(4,))
async def state_twice(scene: Scene) -> None:
    """Jobs of a function with State stay in the session, at once or one after the other."""
    async with scene.client() as client:
        assert await client.predict("a", api_name="/state") == 1
        jobs = [await client.submit(word, api_name="/state") for word in ("b", "c")]
        counts = sorted([await job.result(20) for job in jobs])
        # Both may have begun with the same words.
        assert counts in ([2, 3], [2, 2])
        assert await client.predict("d", api_name="/state") == counts[-1] + 1


@operation("20 jobs at once", "3.5", traps=(1, 5))
async def twenty(scene: Scene) -> None:
    """Of every kind, each with the value that is its own."""
    async with scene.client() as client:
        expected: list[tuple[Any, Any]] = []
        for index in range(4):
            for arguments, name, value in (
                ((f"é{index}",), "/echo", f"é{index}"),
                ((5 + index,), "/count", 4 + index),
                ((f"a {index} b",), "/stream", f"a {index} b "),
                (([index],), "/json", [index]),
                ((f"{index}",), "/fail", f"bad thing: {index}"),
            ):
                expected.append((await client.submit(*arguments, api_name=name), value))
        for job, value in expected:
            error = await job.exception(60)
            assert error is None or isinstance(error, AppError), error
            assert (await job.result() if error is None else error.message) == value


@operation("calls one after the other", "3.5", traps=(1, 2, 5))
async def one_after_the_other(scene: Scene) -> None:
    """Each job comes while the stream of the one before is being closed."""
    async with scene.client() as client:
        for index in range(12):
            assert await client.predict(f"{index}", api_name="/fast") == f"{index}"


async def no_heartbeat(scene: Scene) -> None:
    from proxying import ReverseProxy

    with ReverseProxy(scene.url) as proxy:
        async with scene.client(proxy.url) as client:
            assert await client.predict("a b", api_name="/state") == 2
            assert await client.predict("c", api_name="/state") == 3
        assert not [passed for passed in proxy.passed if "/heartbeat" in passed.path]


@operation(
    "the heartbeat of a session",
    "8",
    Lack(
        "Servers ask for one since 4.25; before, none is opened, and State is kept",
        no_heartbeat,
        before=(4, 25),
    ),
    traps=(7,),
)
async def heartbeat(scene: Scene) -> None:
    """It is opened where the app asks for it, as an app with State does."""
    from proxying import ReverseProxy

    with ReverseProxy(scene.url) as proxy:
        async with scene.client(proxy.url) as client:
            assert await client.predict("a b", api_name="/state") == 2

            async def was_opened() -> bool:
                assert await client.predict("x", api_name="/echo") == "x"
                return any("/heartbeat/" in passed.path for passed in proxy.passed)

            await scene.eventually(was_opened)
            assert await client.predict("c", api_name="/state") == 3


async def no_rendering(scene: Scene) -> None:
    async with scene.client() as client:
        with pytest.raises(ArgumentError, match="no endpoint"):
            await client.predict(2, "!", api_name="/apply_1")


@operation(
    "gr.render",
    "13",
    Lack("Apps render anew since Gradio 4.44 (or a little before)", no_rendering, before=(4, 44)),
)
async def render(scene: Scene) -> None:
    """What it makes can be called, in its session."""
    async with scene.client() as client:
        await client.predict(2, "!", api_name="/apply_1")
        assert await client.predict("x", api_name="/box_1") == "1: x! 0"
        assert await endpoint(client, "/box_1").predict("y") == "1: y! 1"
        async with scene.client() as other:
            with pytest.raises(ArgumentError, match="no endpoint '/box_1'"):
                await other.predict("x", api_name="/box_1")
