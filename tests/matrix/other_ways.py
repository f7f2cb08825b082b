"""Ways around the queue: /call, /call/v2 and /run; and what goes with a call beside its arguments."""

from __future__ import annotations

from typing import Any

import pytest

from gradio_proto.app_errors import LOST_MESSAGE
from gradio_proto.errors import AppError, ArgumentError

from .operation import Check, Lack, operation
from .scene import Scene, endpoint, first, told, values, works


def lacking(via: Any) -> Check:
    async def check(scene: Scene) -> None:
        async with scene.client() as client:
            echo = endpoint(client, "/echo", via=via)
            with pytest.raises(ArgumentError, match=rf"no /{via} .*runs {scene.server}"):
                await echo.predict("x")
            await works(client)

    return check


async def simple(scene: Scene, via: Any) -> None:
    async with scene.client() as client:

        async def call(name: str, *args: Any, **kwargs: Any) -> Any:
            return await endpoint(client, name, via=via).predict(*args, **kwargs)

        for text in ("x", "é€😀\u2028", "x" * 300_000):
            assert await call("/echo", text) == text
        value: Any = {"a": [1, 2.5, None, True], "é": "\u2028"}
        assert await call("/json", value) == value
        assert (await call("/calc", 1, "add", 2))[0] == 3
        if scene.version >= (4, 44):
            assert await call("/calc", b=1) == (4, "3 add 1 = 4")
        assert await call("/none", "x") is None
        job = await endpoint(client, "/stream", via=via).submit("a b")
        assert await values(job) == ["a ", "a b "]
        assert await call("/state", "a b") == await call("/state", "a b") == 2
        with pytest.raises(AppError) as caught:
            await call("/fail", "x")
        tells = scene.version >= (6,)  # before, null is all that is told
        assert (caught.value.message, caught.value.hidden) == (
            "bad thing: x" if tells else LOST_MESSAGE,
            not tells,
        )
        job = await endpoint(client, "/ticks", via=via).submit(f"{scene.name} {via}", 200)
        assert await first(job) == 0
        assert await job.cancel()
        # 4.21 loses the end of a stream that is closed in the middle.
        assert told(job) is (scene.version >= (4, 22)), job.cancel_report
        if told(job):
            assert await scene.stops(client, via) < 200


@operation(
    "/call", "9", Lack("The simple API is there since 4.20", lacking("call"), before=(4, 20)), traps=(7, 8)
)
async def call(scene: Scene) -> None:
    """Values, generators, errors and cancelling by the API that Gradio offers to users of ``curl``."""
    await simple(scene, "call")


@operation("/call/v2", "9", Lack("Its arguments have names since 6.13", lacking("call/v2"), before=(6, 13)))
async def call_v2(scene: Scene) -> None:
    """The same with an object of arguments."""
    await simple(scene, "call/v2")


@operation("/run", "10", traps=(12,))
async def run(scene: Scene) -> None:
    """Values, errors and the first value of a generator, around the queue."""
    async with scene.client() as client:

        async def call(name: str, *args: Any) -> Any:
            return await endpoint(client, name, via="run").predict(*args)

        for text in ("x", "é€😀\u2028", "x" * 300_000):
            assert await call("/echo", text) == text
        assert (await call("/calc", 1, "add", 2))[0] == 3
        assert await call("/noqueue", "x") == "x"
        assert await call("/none", "x") is None
        value = await call("/json", {"a": [1, None]})
        # 5.49 gives the repr of one of its own classes there, which the queue does not.
        assert value == ("root={'a': [1, None]}" if scene.server == "5.49.1" else {"a": [1, None]})
        assert await call("/state", "a b") >= 2
        with pytest.raises(AppError, match="bad thing: x"):
            await call("/fail", "x")
        with pytest.raises(AppError, match="crashed: x"):
            await call("/crash", "x")
        await works(client)


async def nobody_asks(scene: Scene) -> None:
    async with scene.client(oauth_token="hf_sesame") as client:
        assert "sesame" not in str(await client.predict(api_name="/req"))
        with pytest.raises(ArgumentError, match="no endpoint"):
            await client.predict("x", api_name="/granted")


@operation(
    "a token for the app's own use",
    "13",
    Lack("Apps ask for one since Gradio 6; before, it is sent to nobody", nobody_asks, before=(6,)),
)
async def oauth_token(scene: Scene) -> None:
    """``oauth_token=`` goes to the endpoints that ask for one, and to no other."""
    async with scene.client() as client:
        assert await client.predict("x", api_name="/granted") == "x:None"
        with pytest.raises(ArgumentError, match="oauth_token="):
            await client.predict("x", api_name="/granted_only")
    async with scene.client(oauth_token="hf_sesame") as client:
        assert await client.predict("x", api_name="/granted") == "x:hf_sesame"
        assert await client.predict("x", api_name="/granted_only") == "x:hf_sesame"
        assert "sesame" not in str(await client.predict(api_name="/req"))
