"""What a page would do: call an app, and show what it says as it comes."""

from __future__ import annotations

import asyncio

from fetch_transport import FetchTransport

from gradio_proto import AsyncClient


async def main(url: str) -> None:
    async with AsyncClient(url, transport=FetchTransport, download_files=False) as client:
        print(await client.predict("Ada", api_name="/greet"))
        names = ("Grace", "Barbara", "Radia")
        print(*await asyncio.gather(*(client.predict(name, api_name="/greet") for name in names)))
        async for number in await client.submit(3, api_name="/count"):
            print(number)
