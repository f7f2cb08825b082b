"""Functions that fail, and what is known of it."""

from __future__ import annotations

import pytest

from gradio_proto.errors import AppError, DeadlineExceeded
from gradio_proto.timeouts import Timeouts

from .operation import operation
from .scene import LOGIN, Scene, values, works


@operation("gr.Error", "4.1", traps=(16,))
async def app_error(scene: Scene) -> None:
    """An AppError with the app's own words, without quotes around them."""
    async with scene.client() as client:
        with pytest.raises(AppError) as caught:
            await client.predict("it's x", api_name="/fail")
        error = caught.value
        assert error.message == "bad thing: it's x"
        assert (error.endpoint, error.server_version, error.hidden) == ("/fail", scene.server, False)
        with pytest.raises(AppError) as caught:
            await client.predict("x", api_name="/fail_titled")
        error = caught.value
        assert error.message == "titled: x"
        if scene.version >= (5,):
            assert (error.title, error.duration, error.visible) == ("Oh no", None, False)
        await works(client)


@operation("a crash", "4.1")
async def crash(scene: Scene) -> None:
    """With ``show_error`` its text is told."""
    async with scene.client() as client:
        with pytest.raises(AppError, match=r"^crashed: x") as caught:
            await client.predict("x", api_name="/crash")
        assert not caught.value.hidden
        await works(client)


@operation("a generator that fails", "4.1")
async def midway(scene: Scene) -> None:
    """Its values come, then the error."""
    async with scene.client() as client:
        for name, text in (("/gen_fail", "gen failed"), ("/gen_crash", "gen crashed")):
            job = await client.submit(2, api_name=name)
            with pytest.raises(AppError) as caught:
                await values(job)
            assert caught.value.message == text
            assert await job.outputs() == [0, 1]
            assert await job.exception() is caught.value
        await works(client)


@operation("errors that the app hides", "4.1", place="strict", traps=(18,))
async def hidden(scene: Scene) -> None:
    """Without ``show_error`` the text of a crash is kept back, in a generator too; a gr.Error's is not."""
    async with scene.client(auth=LOGIN) as client:
        for name, argument in (("/crash", "x"), ("/gen_crash", 2)):
            with pytest.raises(AppError, match=r"show_error=True") as caught:
                await client.predict(argument, api_name=name)
            assert caught.value.hidden
            assert "crashed" not in str(caught.value)
        for name, argument, said in (("/fail", "x", "bad thing: x"), ("/gen_fail", 2, "gen failed")):
            with pytest.raises(AppError) as caught:
                await client.predict(argument, api_name=name)
            assert (caught.value.message, caught.value.hidden) == (said, False)


@operation("a deadline for the whole job", "15")
async def total(scene: Scene) -> None:
    """``Timeouts(total=...)`` ends a slow job here, and the client goes on."""
    async with scene.client(timeouts=Timeouts(total=3)) as client:
        with pytest.raises(DeadlineExceeded) as caught:
            await client.predict(8, api_name="/nap")
        assert caught.value.kind == "total"
        assert await client.predict("x", api_name="/echo") == "x"
