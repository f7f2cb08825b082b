"""Many servers of one Python for the price of one import of Gradio, which takes seconds: each is a fork.

    python forked.py app.py

It takes orders on standard input, a JSON list a line: ``["start", PORT, [arguments of app.py]]``, ``["close", PORT]``
(the app stops of its own will) and ``["kill", PORT]``. When that ends, so do all of them.

What a server prints goes to the file ``PORT.txt`` of the working directory, and when it has ended, its exit status to
``PORT.ended`` (negative for the number of a signal).
"""

from __future__ import annotations

import importlib.util
import json
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

Main = Callable[[list[str]], Any]


class Server:
    """A fork in which the app runs, with a pipe for its standard input, and one that ends with it."""

    def __init__(self, main: Main, port: int, arguments: list[str], others: list[Server]) -> None:
        self.port = port
        reading, self.writing = os.pipe()
        self.life, living = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            output = os.open(f"{port}.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            for standard, descriptor in enumerate((reading, output, output)):
                os.dup2(descriptor, standard)
            # Whoever keeps the end of a pipe open keeps the server at its other end alive.
            for descriptor in (reading, output, self.writing, *(other.writing for other in others)):
                os.close(descriptor)
            run(main, ["--port", str(port), "--exit-with-parent", *arguments])
        os.close(reading)
        os.close(living)

    def kill(self) -> None:
        """Kill it. It is there until :meth:`bury`."""
        os.kill(self.pid, signal.SIGKILL)

    def bury(self) -> None:
        """Wait for its end, and say so."""
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.writing)
        os.close(self.life)
        with open(f"{self.port}.new", "w", encoding="utf-8") as writer:
            writer.write(str(status))
        os.replace(f"{self.port}.new", f"{self.port}.ended")  # so that nobody reads half of it


def run(main: Main, arguments: list[str]) -> NoReturn:
    """Be such a server."""
    try:
        main(arguments)
    except BaseException:
        # What called this in the parent is not to go on here.
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    os._exit(1)


def main(app: str) -> None:
    """Import the app, and take orders."""
    spec = importlib.util.spec_from_file_location("app", app)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    servers: dict[int, Server] = {}
    # Read without a buffer, which a fork would have a copy of. An order is written in one go, so that all of it is
    # there when some of it is.
    with open(0, "rb", buffering=0, closefd=False) as orders:
        while True:
            ready = select.select([orders, *(server.life for server in servers.values())], [], [])[0]
            for server in [server for server in servers.values() if server.life in ready]:
                server.bury()
                del servers[server.port]
            if orders not in ready:
                continue
            line = orders.readline()
            if not line:
                break
            order, port, *rest = json.loads(line)
            if order == "start":
                servers[port] = Server(module.main, port, rest[0], [*servers.values()])
            elif port not in servers:
                continue  # it has ended by itself
            elif order == "close":
                os.write(servers[port].writing, b"\n")
            else:
                servers[port].kill()
    for server in servers.values():
        server.kill()


if __name__ == "__main__":
    main(sys.argv[1])
