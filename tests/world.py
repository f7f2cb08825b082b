"""A server whose functions wait for the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from gradio_proto.testing import Context, EmbeddedServer, Error, TestApp


class World:
    """The server, and what holds its functions up. Use it as a context manager."""

    def __init__(self, version: str = "6.31.0") -> None:
        self.go = threading.Event()
        """Lets ``/wait`` and ``/paced`` go on."""
        self.started = threading.Semaphore(0)
        """Released by each run of ``/wait``."""
        self.closed = threading.Event()
        """Set when the generator ``/paced`` was stopped."""
        app = TestApp(default_concurrency_limit=None, version=version)

        @app.endpoint("/echo")
        def echo(x: str) -> str:
            return x

        @app.endpoint("/pair")
        def pair(x: str) -> tuple[str, str]:
            return x, x + x

        @app.endpoint("/wait")
        def wait(x: str) -> str:
            self.started.release()
            self.go.wait(10)
            return x

        @app.endpoint("/single", concurrency_limit=1)
        def single(x: str) -> str:
            self.go.wait(10)
            return x

        @app.endpoint("/count")
        def count(n: int) -> Iterator[int]:
            yield from range(n)

        @app.endpoint("/paced")
        def paced() -> Iterator[str]:
            try:
                yield "a"
                self.go.wait(10)
                yield "ab"
            finally:
                self.closed.set()

        @app.endpoint("/late_failure")
        def late_failure(n: int) -> Iterator[int]:
            yield from range(n)
            raise Error("too far")

        @app.endpoint("/fail")
        def fail(x: str) -> str:
            raise Error(x)

        @app.endpoint("/report")
        def report(*, context: Context) -> str:
            context.info("hello")
            context.progress((1, 2), desc="half")
            return "done"

        @app.endpoint("/nested")
        def nested() -> Iterator[Any]:
            value: dict[str, Any] = {"items": []}
            for number in range(3):
                value["items"].append(number)
                yield value

        self.server = EmbeddedServer(app)

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.go.set()
        self.server.close()
