"""A stream has one heartbeat after 15 seconds, and no other one.

On Gradio 4.0. This takes 40 seconds. A server MUST send one at least every 15 seconds (message/heartbeat/interval).
"""

from __future__ import annotations

from plain import Untried
from server import Server, main


def finding(server: Server, interval: float = 15.0) -> tuple[bool, str]:
    if server.protocol == "ws":
        raise Untried("sockets have no heartbeats")
    messages = server.start("nap", [2.7 * interval])
    beats = [message for message in messages.read(3.5 * interval) if message["msg"] == "heartbeat"]
    messages.close()
    return len(beats) < 2, f"{len(beats)} heartbeats in {2.7 * interval:g} s"


if __name__ == "__main__":
    main(finding)
