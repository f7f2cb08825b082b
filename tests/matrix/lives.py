"""Servers that go, and come again."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from gradio_proto.errors import ConnectError, ConnectionLost, QueueError, ServerStopped

from .operation import Lack, operation
from .scene import Scene, first, is_running, works


async def until_nobody_is_there(scene: Scene, client: Any) -> None:
    """What a call of a server says that goes, until it is gone: that nothing was sent, and it may be repeated."""
    for _ in range(400):
        with pytest.raises((QueueError, ConnectionLost, ConnectError)) as caught:
            await client.predict("x", api_name="/echo")
        if isinstance(caught.value, ConnectError):
            assert caught.value.retryable
            return
        await scene.way.sleep(0.05)
    raise AssertionError("it is still there")


@operation("the server is killed, and comes again", "3.5", place="doomed", together=True, traps=(2, 3, 25))
async def killed(scene: Scene) -> None:
    """Its jobs are lost, the next call says that it can be tried again, and after a refresh() all is well."""
    async with scene.client(max_retries=0) as client:
        jobs = [
            await client.submit(400, 0.05, api_name="/slow_gen"),
            await client.submit(20, api_name="/nap"),
        ]
        assert await first(jobs[0]) == 0
        await scene.eventually(partial(is_running, jobs[1]))
        scene.strike("kill")
        for job in jobs:
            error = await job.exception(20)
            assert isinstance(error, ConnectionLost), error
            assert not error.retryable
        assert (await jobs[0].outputs())[0] == 0
        await until_nobody_is_there(scene, client)
        scene.strike("restart")
        before = client.app_id
        await client.refresh()
        assert client.app_id != before or before is None
        await works(client)


async def finishes(scene: Scene) -> None:
    async with scene.client(max_retries=0) as client:
        job = await client.submit(30, 0.05, api_name="/slow_gen")
        assert await first(job) == 0
        scene.strike("close")
        assert await job.result(40) == 29
        await until_nobody_is_there(scene, client)


@operation(
    "a job when the server says goodbye",
    "3.5",
    Lack("From 4.0 to 4.8 a server finishes its jobs before it goes", finishes, since=(4,), before=(4, 9)),
    place="doomed",
    together=True,
    traps=(25,),
)
async def stopped(scene: Scene) -> None:
    """The app is closed under a running job: its client hears of it, and goes on to say what is wrong."""
    async with scene.client(max_retries=0) as client:
        job = await client.submit(400, 0.05, api_name="/slow_gen")
        assert await first(job) == 0
        scene.strike("close")
        error = await job.exception(40)
        assert isinstance(error, ConnectionLost | ServerStopped), error
        assert not error.retryable
        await until_nobody_is_there(scene, client)
