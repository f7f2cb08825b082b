"""Nothing is said of a job that an event has cancelled, and its stream never ends.

On Gradio 4.0 to 4.29. A server MUST end the stream after the last job of its session (stream/end/after-last), or of
its job (stream/job/end).
"""

from __future__ import annotations

import time

from plain import Untried
from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want("sse", "sse_v1", "sse_v2", "sse_v2.1", "sse_v3")
    session, name = server.session(), server.session()
    messages = server.start("tick", [name, 1000], session)
    list(messages.read(60, last="process_generating"))
    event = {"data": [], "fn_index": server.cancelling("tick"), "session_hash": session}
    server.post("/run/predict", event)
    time.sleep(1)  # a step may have been under way
    before, after = server.still_ticks(name)
    if after > before:
        raise Untried("the event has not cancelled the job")
    told = {message["msg"] for message in messages.read(server.patience, last=None)}
    is_over = messages.is_over
    messages.close()
    seen = "the stream ended" if is_over else "the stream did not end"
    return not is_over, f"the job does not run any more, and it was told {sorted(told)}; {seen}"


if __name__ == "__main__":
    main(finding)
