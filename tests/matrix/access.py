"""Who may come in, and by which door."""

from __future__ import annotations

from typing import Any

import pytest
from proxying import ReverseProxy

from gradio_proto import handle_file
from gradio_proto.errors import AuthenticationError

from .files import content
from .operation import operation
from .scene import LOGIN, Scene, first, values

PATH = "/sub/path"
"""The root_path of the strict server."""


async def use(scene: Scene, client: Any, user: str | None) -> None:
    """What takes a request of every kind."""
    assert await client.predict("x", api_name="/echo") == "x"
    assert await values(await client.submit(3, api_name="/count")) == [0, 1, 2]
    assert await client.predict("a b", api_name="/state") == 2
    assert await client.predict("c", api_name="/state") == 3
    assert (await client.predict(api_name="/req"))["username"] == user
    result = await client.predict(handle_file(b"some text", name="a é.txt"), api_name="/file")
    assert content(scene, result) == b"SOME TEXT"
    job = await scene.ticks(client, "use")
    assert await first(job) == 0
    assert await job.cancel()
    await scene.stops(client, "use")


@operation("a login", "5", place="strict")
async def login(scene: Scene) -> None:
    """By user name and password; the cookie goes with every request, and the app knows the user."""
    async with scene.client(auth=LOGIN) as client:
        await use(scene, client, "user")


@operation("a missing login", "5", place="strict")
async def missing(scene: Scene) -> None:
    """An AuthenticationError that says how to log in."""
    with pytest.raises(AuthenticationError, match=r"auth=\('user', 'password'\)"):
        await scene.open()


@operation("a wrong password", "5", place="strict")
async def wrong(scene: Scene) -> None:
    """An AuthenticationError, without the password."""
    with pytest.raises(AuthenticationError, match="does not accept") as caught:
        await scene.open(auth=("user", "wrong sesame"))
    assert "sesame" not in str(caught.value)


@operation("behind a proxy, with root_path", "2", place="strict", traps=(20, 23, 24))
async def root_path(scene: Scene) -> None:
    """Everything is asked for below the path that the caller gave, whatever the app takes for its address."""
    with ReverseProxy(scene.url, prefix=PATH) as proxy:
        async with scene.client(proxy.url, auth=LOGIN) as client:
            await use(scene, client, "user")
        assert not proxy.refused
        # But for the login itself, every request has the cookie.
        assert all("access-token-unsecure" in passed.headers.get("cookie", "") for passed in proxy.passed[1:])


@operation("behind a proxy of which the app knows nothing", "2", traps=(23, 24, 29))
async def unknown_proxy(scene: Scene) -> None:
    """The same without root_path."""
    with ReverseProxy(scene.url, prefix="/elsewhere") as proxy:
        async with scene.client(proxy.url) as client:
            await use(scene, client, None)
        assert not proxy.refused


@operation("mounted in another app", "2", place="mounted")
async def mounted(scene: Scene) -> None:
    """``mount_gradio_app(..., path=...)``."""
    async with scene.client() as client:
        await use(scene, client, None)
