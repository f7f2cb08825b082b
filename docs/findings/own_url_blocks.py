"""An input whose ``path`` is a URL of the server itself blocks the server.

On Gradio 4.0 (for ever: restart it afterwards) and 4.13 (for 5 seconds). A job MUST leave the queue able to serve
every other one (queue/isolation).
"""

from __future__ import annotations

import time

from plain import Silence
from server import Server, main

LONG = 3.0
"""Seconds that a small answer does not take."""


def finding(server: Server) -> tuple[bool, str]:
    server.want("sse", "sse_v1", "sse_v2", "sse_v2.1", "sse_v3")
    server.run("echo", "awake")
    began = time.monotonic()
    given = {"path": f"{server.url}/config", "meta": {"_type": "gradio.FileData"}}
    messages = server.start("file", [given])
    list(messages.read(LONG, last="process_starts"))
    try:
        server.get("/app_id", 2 * LONG)
    except Silence:
        return True, f"the server did not answer another request within {2 * LONG:g} s"
    finally:
        messages.close()
    took = time.monotonic() - began
    return took > LONG, f"the job was accepted and another request answered within {took:.1f} s"


if __name__ == "__main__":
    main(finding)
