"""Many servers of one version for the price of one import of Gradio, which takes seconds: each is a fork.

    .servers/6.31.0/bin/python forked.py

It takes orders on standard input, a JSON list a line: ``["start", PORT, [arguments of app.py]]``, ``["close", PORT]``
(the app stops of its own will) and ``["kill", PORT]``. When that ends, so do all of them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import NoReturn

import app


class Server:
    """A fork in which the app runs, with a pipe for its standard input."""

    def __init__(self, port: int, arguments: list[str], others: list[Server]) -> None:
        reading, self.writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.dup2(reading, 0)
            # Whoever keeps the end of a pipe open keeps the server at its other end alive.
            for descriptor in (reading, self.writing, *(other.writing for other in others)):
                os.close(descriptor)
            run(["--port", str(port), "--exit-with-parent", *arguments])
        os.close(reading)

    def kill(self) -> None:
        """Kill it; a second time does nothing."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0
            os.close(self.writing)


def run(arguments: list[str]) -> NoReturn:
    """Be such a server."""
    try:
        app.main(arguments)
    except BaseException:
        # What called this in the parent is not to go on here.
        sys.excepthook(*sys.exc_info())
    os._exit(1)


def main() -> None:
    servers: dict[int, Server] = {}
    # Read without a buffer, which a fork would have a copy of.
    with open(0, "rb", buffering=0, closefd=False) as orders:
        while line := orders.readline():
            order, port, *rest = json.loads(line)
            if order == "start":
                running = [server for server in servers.values() if server.pid]
                servers[port] = Server(port, rest[0], running)
            elif order == "close":
                os.write(servers[port].writing, b"\n")
            else:
                servers[port].kill()
    for server in servers.values():
        server.kill()


if __name__ == "__main__":
    main()
