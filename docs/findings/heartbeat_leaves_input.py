"""The heartbeat of a session ends, and a job of it that takes input in chunks goes on.

On Gradio 5.49: the function is run once more on the last chunk, and waits for another one. A server ends the chunked
inputs of a session when its heartbeat ends (session/heartbeat/end).
"""

from __future__ import annotations

import time

from plain import show
from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want_version(5)
    session = server.session()
    beat = server.stream(f"/heartbeat/{session}")
    beat.receive(time.monotonic() + 60)
    server.join("gather", ["a", 0, None], session)
    messages = server.listen(session)
    list(messages.read(60, last="process_streaming"))
    beat.connection.close()
    show(">", "(the heartbeat is closed)")
    told = [message["msg"] for message in messages.read(server.patience)]
    messages.close()
    return "process_completed" not in told, f"after the end of the heartbeat the job was told {told}"


if __name__ == "__main__":
    main(finding)
