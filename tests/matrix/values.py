"""Calls of plain functions: what goes in, and what comes out."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gradio_proto.errors import ArgumentError, GradioError

from .operation import Lack, operation
from .scene import Scene, endpoint, works


@operation("discovery", "2", traps=(17, 28))
async def discovery(scene: Scene) -> None:
    """The version, the generation of the protocol, and the endpoints with their parameters are known."""
    generations = (
        ((4, 22), "sse_v3"),
        ((4, 21), "sse_v2.1"),
        ((4, 17), "sse_v2"),
        ((4, 9), "sse_v1"),
        ((4,), "sse"),
        ((3,), "ws"),
    )
    async with scene.client() as client:
        assert client.app_version == scene.server
        assert client.protocol == next(name for since, name in generations if scene.version >= since)
        described = await client.view_api(print_info=False, return_format="dict")
        assert {"/echo", "/calc", "/chat"} <= described["named_endpoints"].keys()
        assert "/private" not in described["named_endpoints"]
        text = await client.view_api(print_info=False, return_format="str")
        assert 'api_name="/echo"' in text
        assert "-> t_out" in text


@operation("echo", "14")
async def echo(scene: Scene) -> None:
    """One input, one output."""
    async with scene.client() as client:
        for text in ("", "x", "é€😀", "quotes \"'", "<b>"):
            assert await client.predict(text, api_name="/echo") == text
        job = await client.submit("x", api_name="/echo")
        assert await job.result(20) == "x"
        assert await job.outputs() == ["x"]
        assert (await job.status()).success


@operation("several inputs and outputs", "14", traps=(11,))
async def calc(scene: Scene) -> None:
    """Several inputs, several outputs. A whole number comes back as one."""
    async with scene.client() as client:
        value, text = await client.predict(5, "sub", 2, api_name="/calc")
        assert (value, text) in ((3, "5 sub 2 = 3"), (3, "5.0 sub 2.0 = 3.0"))


@operation("arguments by name", "2", traps=(14,))
async def named(scene: Scene) -> None:
    """Parameters have names: the server's own, or made of the labels where it has none (before 4.44)."""
    names = ("a", "op", "b") if scene.version >= (4, 44) else ("n_in", "op", "n2")
    async with scene.client() as client:
        given: dict[str, Any] = dict(zip(names, (5, "sub", 2), strict=True))
        assert (await client.predict(**given, api_name="/calc"))[0] == 3
        del given[names[0]]
        assert (await client.predict(5, **given, api_name="/calc"))[0] == 3
        with pytest.raises(TypeError, match="unexpected keyword"):
            await client.predict(1, nonsense=2, api_name="/calc")


async def no_defaults(scene: Scene) -> None:
    async with scene.client() as client:
        with pytest.raises(TypeError, match="missing"):
            await client.predict(api_name="/calc")
        with pytest.raises(TypeError, match="missing"):
            await client.submit(1, api_name="/calc")


@operation(
    "defaults",
    "2",
    Lack(
        "Gradio tells clients of defaults since 4.44; the call is refused before it is sent",
        no_defaults,
        before=(4, 44),
    ),
    traps=(14,),
)
async def defaults(scene: Scene) -> None:
    """What is left out is filled in by the client, since no server does it."""
    async with scene.client() as client:
        assert await client.predict(api_name="/calc") == (8, "3 add 5 = 8")
        assert await client.predict(b=1, api_name="/calc") == (4, "3 add 1 = 4")
        with pytest.raises(TypeError, match="missing"):
            await client.predict(api_name="/echo")


@operation("too few and too many arguments", "4.1")
async def arguments(scene: Scene) -> None:
    """They are told at once, before anything is sent: a server drops one that is too many."""
    async with scene.client() as client:
        for call in (client.predict, client.submit):
            with pytest.raises(TypeError, match=r"takes .* positional argument"):
                await call(1, 2, 3, 4, api_name="/calc")
            with pytest.raises(TypeError, match="missing"):
                await call(api_name="/echo")


@operation("an endpoint that is not there", "4.2", traps=(15,))
async def unknown(scene: Scene) -> None:
    """It is told at once, and what there is instead."""
    async with scene.client() as client:
        with pytest.raises(ArgumentError, match="/calc"):
            await client.predict(1, api_name="/calk")
        with pytest.raises(ArgumentError, match="9999"):
            await client.submit(1, fn_index=9999)


def index_of_button(client: Any, trigger: str) -> int:
    """The number of the function that a button calls."""
    buttons = {
        component["id"]
        for component in client.config["components"]
        if component["type"] == "button" and component["props"].get("value") == trigger
    }
    for position, dependency in enumerate(client.config["dependencies"]):
        # On 3.36 a target is a number, and later a number with an event's name.
        targets = [target[0] if isinstance(target, list) else target for target in dependency["targets"]]
        if buttons.intersection(targets):
            return int(dependency.get("id", position))
    raise AssertionError(trigger)


@operation("endpoints without a name of their own", "2")
async def unnamed(scene: Scene) -> None:
    """The second use of a function: unnamed on 3.x, and called by its number; named by the server later."""
    async with scene.client() as client:
        assert await client.predict("x", fn_index=index_of_button(client, "again")) == "x"
        if scene.version >= (4,):
            assert await client.predict("x", api_name="/echo_1") == "x"
        else:
            with pytest.raises(ArgumentError):
                await client.predict("x", api_name="/echo_1")


@operation("private endpoints", "2")
async def private(scene: Scene) -> None:
    """They are not called, though servers would let us."""
    async with scene.client() as client:
        with pytest.raises(ArgumentError, match=r"private|no endpoint|not"):
            await client.predict("x", api_name="/private")
        with pytest.raises(ArgumentError, match="private"):
            await client.predict("x", fn_index=index_of_button(client, "private"))


async def nothing_undocumented(scene: Scene) -> None:
    async with scene.client() as client:
        with pytest.raises(ArgumentError, match=r"private"):
            await client.predict("x", fn_index=index_of_button(client, "undoc"))


@operation(
    "undocumented endpoints",
    "2",
    Lack("Before 4.13 an endpoint has a name, or is private", nothing_undocumented, before=(4, 13)),
)
async def undocumented(scene: Scene) -> None:
    """They are not listed, and may be called."""
    async with scene.client() as client:
        assert await client.predict("x", fn_index=index_of_button(client, "undoc")) == "x"


@operation("JSON", "14")
async def json_values(scene: Scene) -> None:
    """Objects and lists, nested, with what JSON has."""
    value: Any = {"a": [1, 2.5, None, True, {"b": [0]}], "é": "\u2028", "big": 2**53}
    async with scene.client() as client:
        assert await client.predict(value, api_name="/json") == value
        deep = await client.predict("deep", api_name="/special")
        assert deep == {"a": [[[[{"b": [1, None, True, "x", {}]}]]]]}


@operation("NaN and Infinity", "14", traps=(11,))
async def not_a_number(scene: Scene) -> None:
    """The server's become None; of the caller's, the same, or an error."""
    async with scene.client() as client:
        assert await client.predict("nan", api_name="/special") == {"a": None, "b": None, "c": None}
        for odd in (math.nan, math.inf, -math.inf):
            try:
                assert await client.predict({"x": odd}, api_name="/json") == {"x": None}
            except (GradioError, ValueError):
                pass  # refused here, or there
        await works(client)


@operation("line separators in a value", "15", traps=(8,))
async def line_separators(scene: Scene) -> None:
    """U+2028, U+2029 and U+0085 end no line of an event."""
    odd = "é€😀\u2028\u2029\u0085\0\r\n\x1f"
    async with scene.client() as client:
        assert await client.predict("unicode", api_name="/special") == {"s": odd}
        assert await client.predict(odd, api_name="/echo") == odd


@operation("a value of 2.4 MB", "15", traps=(9,))
async def large(scene: Scene) -> None:
    """Out, and in."""
    async with scene.client() as client:
        assert await client.predict("big", api_name="/special") == {"s": "é€😀" * 200_000}
        text = "é€😀" * 200_000
        assert await client.predict(text, api_name="/echo") == text


@operation("half a surrogate pair", "15", traps=(10,))
async def lone_surrogate(scene: Scene) -> None:
    """The value, or an error; and the next call works."""
    async with scene.client() as client:
        for argument, name, value in (("lone", "/special", {"s": "\ud800"}), ("\ud800", "/echo", "\ud800")):
            try:
                assert await client.predict(argument, api_name=name) == value
            except (GradioError, ValueError):
                pass  # the server cannot write it, or we do not send it
        await works(client)


@operation("None", "15", traps=(13,))
async def none(scene: Scene) -> None:
    """An output without a value; a function without outputs."""
    async with scene.client() as client:
        assert await client.predict("x", api_name="/none") is None


@operation("updates", "15", traps=(13,))
async def update(scene: Scene) -> None:
    """What changes a component beside its value is a dict with ``__type__``."""
    async with scene.client() as client:
        changed = await client.predict("x", api_name="/update")
        assert (changed["__type__"], changed["value"], changed["label"]) == ("update", "x", "new x")


@operation("headers", "5")
async def headers(scene: Scene) -> None:
    """The app sees those of the client and those of the call, which win."""
    async with scene.client(headers={"X-Mine": "client", "X-Other": "yes"}) as client:
        request = await client.predict(api_name="/req")
        assert (request["headers"]["x-mine"], request["headers"]["x-other"]) == ("client", "yes")
        assert request["headers"]["x-gradio-user"] == "api"
        request = await client.predict(api_name="/req", headers={"x-mine": "call"})
        assert (request["headers"]["x-mine"], request["headers"]["x-other"]) == ("call", "yes")
        assert request["session_hash"] in (client.session_hash, None)


@operation("event data", "13")
async def event_data(scene: Scene) -> None:
    """What a browser would say of the event."""
    async with scene.client() as client:
        data = {"index": [1, 2], "value": "a"}
        assert await endpoint(client, "/seldata", event_data=data).predict() == data


async def no_validators(scene: Scene) -> None:
    async with scene.client() as client:
        with pytest.raises(ArgumentError, match="no endpoint"):
            await client.predict(-1, "", api_name="/validate")


@operation(
    "validators",
    "4.2",
    Lack("Apps have validators since Gradio 5.43", no_validators, before=(5, 43)),
)
async def validators(scene: Scene) -> None:
    """What a validator of the app says is a ValidationError."""
    from gradio_proto.errors import ValidationError

    async with scene.client() as client:
        with pytest.raises(ValidationError, match=r"a: a must be positive; b: b must not be empty"):
            await client.predict(-1, "", api_name="/validate")
        assert await client.predict(1, "x", api_name="/validate") in ("1x", "1.0x")
