"""The stream of a job is closed, and its generator goes on to its end.

On Gradio 4.0 to 4.8 (protocol sse), mostly: two tasks of the server listen for the end of the connection, and only one
of them does something about it. A job that waits holds up a worker for 5 seconds then. A server MUST give up a job when
its connection is closed (stream/job/hang-up).
"""

from __future__ import annotations

import time

from server import Server, main

TRIES = 4
"""It was noticed in one of six."""


def finding(server: Server, tries: int = TRIES) -> tuple[bool, str]:
    server.want("ws", "sse")
    seen: list[str] = []
    for _ in range(tries):
        name = server.session()
        messages = server.start("tick_alone", [name, 200])
        list(messages.read(60, last="process_generating"))
        messages.close()
        time.sleep(1)
        before, after = server.still_ticks(name)
        seen.append(f"{before} steps, then {after}")
        if after > before:
            break
    return after > before, f"a second after its connection was closed a generator had taken {'; '.join(seen)}"


if __name__ == "__main__":
    main(finding)
