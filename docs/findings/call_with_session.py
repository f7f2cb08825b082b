"""The stream of a ``/call`` that was given a ``session_hash`` is not found.

On Gradio 4.20 to 5.49. A server MUST run the job in that session, and find its stream (call/session).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want_version(4, 20)
    event = server.post("/call/echo", {"data": ["x"], "session_hash": server.session()}).json()["event_id"]
    stream = server.stream(f"/call/echo/{event}")
    data = stream.next(60)
    stream.close()
    return stream.event == "error", f"the stream of a call with a session began with {stream.event}: {data}"


if __name__ == "__main__":
    main(finding)
