"""What users do while something goes wrong."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest

from gradio_proto.errors import GradioError, RemoteProtocolError

from .bench import Bench
from .model import Use

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


async def unharmed(bench: Bench) -> Any:
    """Two jobs of one session: whatever comes out of the first, its sibling and the next call must go well."""
    async with bench.client() as client:
        job, sibling = await client.submit("hello"), await client.submit("hello")
        try:
            return await job.result()
        finally:
            await _goes_well(sibling)
            await works(client)


async def unread_unharmed(bench: Bench) -> Any:
    """The same, and nobody asks for the first job before the other has its result."""
    async with bench.client() as client:
        job, sibling = await client.submit("hello"), await client.submit("hello")
        await _goes_well(sibling)
        try:
            return await job.result()
        finally:
            await works(client)


async def iterates_unharmed(bench: Bench) -> Any:
    """The same, with every output of the first job, and then its result or its error."""
    async with bench.client() as client:
        job, sibling = await client.submit("hello"), await client.submit("hello")
        outputs: list[Any] = []
        try:
            async for output in job:
                outputs.append(output)
            return outputs
        finally:
            await _goes_well(sibling)
            await works(client)


async def _goes_well(sibling: Any) -> None:
    try:
        value = await sibling.result()
    except GradioError as error:
        raise SiblingHarmed(f"the sibling ended with {error!r}") from error
    if value != "sibling":
        raise SiblingHarmed(f"the sibling gave {value!r}")


class SiblingHarmed(AssertionError):
    """The fault of one job has done something to another."""


def attempts(times: int) -> Use:
    """So many calls, one after the other: what came out of them, as runs of the same, with how many there were."""

    async def use(bench: Bench) -> Any:
        async with bench.client() as client:
            outcomes = [await _attempt(bench, client) for _ in range(times)]
            await works(client)
            return [(outcome, len([*run])) for outcome, run in groupby(outcomes)]

    return use


async def _attempt(bench: Bench, client: Any) -> Any:
    try:
        return await client.predict("hello")
    except GradioError as error:
        return outcome_of(bench, error)


def asked_for(times: int, route: str) -> Use:
    """The same of a scripted server that is never well: what came out, and how often a route was asked for."""

    async def use(bench: Bench) -> Any:
        async with bench.client() as client:
            outcomes = [await _attempt(bench, client) for _ in range(times)]
        asked = sum(asked.route == route for asked in bench.server.log)
        return [(outcome, len([*run])) for outcome, run in groupby(outcomes)], asked

    return use


async def two_outcomes(bench: Bench) -> Any:
    """What comes out of two jobs of one session, of which the second joins while the first runs."""
    outcomes: list[Any] = []
    async with bench.client() as client:
        for job in [await client.submit("hello"), await client.submit("hello")]:
            try:
                outcomes.append(await job.result())
            except GradioError as error:
                outcomes.append(outcome_of(bench, error))
        await works(client)
    return outcomes


def outcome_of(bench: Bench, error: GradioError) -> str:
    """An error, which goes no further, in a few words: its type, and its phase if it has one."""
    bench.look_through(error)
    return f"{type(error).__name__} {getattr(error, 'phase', '')}".rstrip()


def quotations(times: int) -> Use:
    """So many calls that end in what is no message: the data that their errors quote, as runs of the same."""

    async def use(bench: Bench) -> Any:
        quoted: list[str] = []
        async with bench.client() as client:
            for _ in range(times):
                with pytest.raises(RemoteProtocolError) as raised:
                    await client.predict("hello")
                bench.look_through(raised.value)
                quoted.append(raised.value.data)
            await works(client)
        return [(data, len([*run])) for data, run in groupby(quoted)]

    return use


def iterations(times: int) -> Use:
    """Every output of so many jobs, one after the other, and how each ended, as runs of the same."""

    async def use(bench: Bench) -> Any:
        heard: list[list[Any]] = []
        async with bench.client() as client:
            for _ in range(times):
                outputs: list[Any] = []
                job = await client.submit("hello")
                try:
                    async for output in job:
                        outputs.append(output)
                except GradioError as error:
                    outputs.append(outcome_of(bench, error))
                heard.append(outputs)
            await works(client)
        return [(outputs, len([*run])) for outputs, run in groupby(heard)]

    return use


async def shown(bench: Bench) -> Any:
    """One call, and what its value looks like: NaN is not like itself otherwise."""
    async with bench.client() as client:
        try:
            return repr(await client.predict("hello"))
        finally:
            await works(client)


async def iterates_until(bench: Bench) -> Any:
    """Look at every output of a job; whatever comes of that, its result, ``"end"``, and the next call must be well."""
    async with bench.client() as client:
        job = await client.submit("hello")
        try:
            async for _ in job:  # and none is kept: what is measured is the client
                pass
        finally:
            value = await job.result()
            assert value == "end", f"the result is {value!r}"
            await works(client)
