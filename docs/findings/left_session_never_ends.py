"""The reader of a stream has gone while a function ran: a later stream of that session never ends.

On Gradio 4.9 and later. A server MUST end the stream after the last job of its session (stream/end/after-last).
"""

from __future__ import annotations

import time

from plain import Untried
from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    session = server.session()
    server.join("nap", [1], session)
    messages = server.listen(session)
    list(messages.read(60, last="process_starts"))
    messages.close()
    time.sleep(2)
    server.join("echo", ["x"], session)
    messages = server.listen(session)
    if not any(message["msg"] == "process_completed" for message in messages.read(60)):
        raise Untried("the later job was not completed")
    list(messages.read(server.patience, last=None))
    is_over = messages.is_over
    messages.close()
    return (
        not is_over,
        f"every later job is completed, and the stream {'ended' if is_over else 'does not end'}",
    )


if __name__ == "__main__":
    main(finding)
