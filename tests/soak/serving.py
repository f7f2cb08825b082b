"""The server of a soak, in a process of its own: ``python -c "import soak.serving" `` is told what to do by lines."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Generator, Iterator

from gradio_proto.testing import EmbeddedServer, Error, TestApp
from gradio_proto.testing.files import File


def the_app() -> TestApp:
    """Functions of every kind."""
    app = TestApp(default_concurrency_limit=None)

    @app.endpoint("/echo")
    def echo(x: str) -> str:
        return x

    @app.endpoint("/fail")
    def fail(x: str) -> str:
        raise Error(x)

    @app.endpoint("/count")
    def count(n: int) -> Iterator[list[int]]:
        for number in range(n):
            yield [*range(number + 1)]

    @app.endpoint("/ticks")
    def ticks(n: int) -> Iterator[int]:
        for number in range(n):
            yield number
            time.sleep(0.005)

    @app.endpoint("/move", inputs=["file"], outputs=["file"])
    def move(file: File) -> File:
        return File("y.bin", file.data)

    return app


class Server:
    """The process, as the client's sees it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.url = self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def restart(self) -> None:
        """Close every connection, forget every session, and begin anew at the same address."""
        assert self._process.stdin is not None
        self._process.stdin.write("restart\n")
        self._process.stdin.flush()
        assert self._answer() == self.url


@contextlib.contextmanager
def served() -> Generator[Server]:
    """A server for the length of a block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "soak.serving"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield Server(process)
        # It ends with its standard input.


def main() -> None:
    """Serve until there is nobody to be told by."""
    server = EmbeddedServer(the_app())
    print(server.url, flush=True)
    port = int(server.url.rpartition(":")[2])
    for _ in sys.stdin:
        server.close()
        server = EmbeddedServer(the_app(), port=port)
        print(server.url, flush=True)
    server.close()


if __name__ == "__main__":
    main()
