"""Tornado: its loop is asyncio's, so the async client is used in handlers as in any coroutine.

python docs/howto/tornado_app.py http://127.0.0.1:7860 8000
curl http://127.0.0.1:8000/greet/Ada
curl --no-buffer http://127.0.0.1:8000/count/10
"""

from __future__ import annotations

import asyncio
import sys

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from gradio_proto import AsyncClient


class Handler(RequestHandler):
    def initialize(self, client: AsyncClient) -> None:
        self.client = client


class Greet(Handler):
    async def get(self, name: str) -> None:
        self.write({"said": await self.client.predict(name, api_name="/greet")})


class Count(Handler):
    async def get(self, n: str) -> None:
        async with await self.client.submit(int(n), api_name="/count") as job:
            try:
                async for number in job:
                    self.write(f"{number}\n")
                    await self.flush()
            except StreamClosedError:
                pass  # the browser has gone away; nobody wants the rest, and leaving the block ends the job


async def main(url: str, port: str = "8000") -> None:
    async with AsyncClient(url) as client:
        # Whoever goes away has nothing to await any more: this is what tells the app then.
        running = asyncio.create_task(client.run())
        app = Application(
            [(r"/greet/(\w+)", Greet, {"client": client}), (r"/count/(\d+)", Count, {"client": client})]
        )
        server = HTTPServer(app)
        sockets = bind_sockets(int(port), "127.0.0.1")
        server.add_sockets(sockets)
        print("serving on http://{}:{}".format(*sockets[0].getsockname()), flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            server.stop()
            await server.close_all_connections()
    await running  # it ends with the client


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        pass
