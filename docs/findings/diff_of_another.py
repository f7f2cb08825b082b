"""A generator begins with the differences from the last value of another one, which has failed before it.

On Gradio 4.17 to 6.26, once in fifty times or so: the server knows a generator by its ``id()``, which Python gives to a
later one. A server MUST send the first value of a job whole (value/streamed/first).
"""

from __future__ import annotations

from typing import Any

from server import Server, main

AT_ONCE = 25
"""Generators that fail, and others of which one may come to lie where one of those was."""
TRIES = 20


def finding(server: Server) -> tuple[bool, str]:
    server.want("sse_v2", "sse_v2.1", "sse_v3")
    session = server.session()
    seen = 0
    for _ in range(TRIES):
        whole = set[str]()
        for _ in range(AT_ONCE):
            server.join("gen_fail", [1], session)
            whole.add(server.join("stream", ["word"], session))
        first: dict[str, Any] = {}
        messages = server.listen(session)
        for message in messages.read(60, last=None):
            if message["msg"] == "process_generating" and message["event_id"] in whole:
                first.setdefault(message["event_id"], message["output"]["data"][0])
        messages.close()
        seen += len(first)
        odd = [value for value in first.values() if value != "word "]
        if odd:
            return True, f"one of {seen} generators of texts began with {odd[0]}"
    return False, f"each of {seen} generators began with a whole value"


if __name__ == "__main__":
    main(finding)
