"""A job that was cancelled while it waited is completed at once, and runs in its turn all the same.

On Gradio 4.30 to 6.13. A server MUST take it out of its queue, and not run it (cancel/route/waiting).
"""

from __future__ import annotations

import time

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want_version(4, 30)
    # Two of them run at once, so the third one waits.
    others, session, name = server.session(), server.session(), server.session()
    for _ in range(2):
        server.join("tick_alone", [server.session(), 60], others)
    running = server.listen(others)
    list(running.read(60, last="process_starts"))
    event = server.join("tick_alone", [name, 10], session)
    waiting = server.listen(session)
    list(waiting.read(60, last="estimation"))
    number = server.number("tick_alone")
    server.post("/cancel", {"event_id": event, "session_hash": session, "fn_index": number})
    list(waiting.read(server.patience))
    list(running.read(60))
    list(running.read(60))
    running.close()
    waiting.close()
    time.sleep(1)
    steps = server.ticks(name)
    return steps > 0, f"a job that was cancelled while it waited has taken {steps} steps"


if __name__ == "__main__":
    main(finding)
