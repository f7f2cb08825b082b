"""What users do while something goes wrong."""

from __future__ import annotations

from typing import Any

from gradio_proto.errors import GradioError

from .bench import Bench

WELL = ("ok", "well")
"""What the next call gives on a server that is well again: a faulty one, or a scripted one."""


class NextCallFailed(AssertionError):
    """The fault has left a client behind that does not work any more."""


async def works(client: Any) -> None:
    """The next call on the client must work."""
    try:
        value = await client.predict("next")
    except GradioError as error:
        raise NextCallFailed(f"the next call failed: {error!r}") from error
    if value not in WELL:
        raise NextCallFailed(f"the next call gave {value!r}")


async def predicts(bench: Bench) -> Any:
    """One call; whatever comes out, the next one on the same client must work."""
    async with bench.client() as client:
        try:
            return await client.predict("hello")
        finally:
            await works(client)


async def connects(bench: Bench) -> Any:
    """Connect and make one call; whatever comes out, another client must be able to connect."""
    try:
        async with bench.client() as client:
            return await client.predict("hello")
    finally:
        async with bench.client() as client:
            await works(client)


async def iterates(bench: Bench) -> Any:
    """Every output of one job, to its end; the next call must work."""
    async with bench.client() as client:
        job = await client.submit("hello")
        outputs: list[Any] = []
        try:
            async for output in job:
                outputs.append(output)
            return outputs
        finally:
            await works(client)


async def only_predicts(bench: Bench) -> Any:
    """One call, of a server that is never well again."""
    async with bench.client() as client:
        return await client.predict("hello")
