"""The stream of a session is closed while its job waits, and the job runs all the same when its turn has come.

On Gradio 4.21. A server MUST give up the jobs that wait when the reader has gone (stream/break/hang-up).
"""

from __future__ import annotations

import time

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want("sse_v1", "sse_v2", "sse_v2.1", "sse_v3")
    # Two of them run at once, so the third one waits.
    others, session, name = server.session(), server.session(), server.session()
    for _ in range(2):
        server.join("tick_alone", [server.session(), 60], others)
    running = server.listen(others)
    list(running.read(60, last="process_starts"))
    server.join("tick_alone", [name, 10], session)
    waiting = server.listen(session)
    list(waiting.read(60, last="estimation"))
    waiting.close()
    list(running.read(60))
    list(running.read(60))
    running.close()
    time.sleep(1)
    steps = server.ticks(name)
    return steps > 0, f"a job that waited when its stream was closed has taken {steps} steps"


if __name__ == "__main__":
    main(finding)
