"""FastAPI: one async client for the application's life, used by all requests at once.

python docs/howto/fastapi_app.py http://127.0.0.1:7860 8000
curl http://127.0.0.1:8000/greet/Ada
curl --no-buffer http://127.0.0.1:8000/count/10
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from gradio_proto import AsyncClient


def make_app(url: str) -> FastAPI:
    client = AsyncClient(url)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with client:
            # Whoever goes away has nothing to await any more: this is what tells the app then.
            running = asyncio.create_task(client.run())
            yield
        await running  # it ends with the client

    app = FastAPI(lifespan=lifespan)

    @app.get("/greet/{name}")
    async def greet(name: str) -> dict[str, str]:
        return {"said": await client.predict(name, api_name="/greet")}

    @app.get("/count/{n}")
    async def count(n: int) -> StreamingResponse:
        async def lines() -> AsyncIterator[str]:
            # A browser that goes away cancels this task, and that ends the job: nobody wants the rest.
            async with await client.submit(n, api_name="/count") as job:
                async for number in job:
                    yield f"{number}\n"

        return StreamingResponse(lines(), media_type="text/plain")

    return app


def main(url: str, port: str = "8000") -> None:
    uvicorn.run(make_app(url), port=int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
