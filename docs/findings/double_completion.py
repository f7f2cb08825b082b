"""A second ``/cancel`` of a job breaks off the stream of its session, whose other job is not completed yet.

On Gradio 4.30 to 5.45. A server MUST keep the stream open as long as a job is not completed
(stream/session/long-lived), and a second cancellation MUST change nothing (cancel/route/idempotent).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want_version(4, 30)
    session = server.session()
    other = server.join("nap", [2], session)
    event = server.join("ticks", [session, 1000], session)
    messages = server.listen(session)
    list(messages.read(60, last="process_generating"))
    for _ in range(2):
        server.post(
            "/cancel", {"event_id": event, "session_hash": session, "fn_index": server.number("ticks")}
        )
    told = list(messages.read(60, last=None))
    messages.close()
    errors = [message["message"] for message in told if message["msg"] == "unexpected_error"]
    completed = [message["event_id"] for message in told if message["msg"] == "process_completed"]
    return (
        other not in completed,
        f"the stream ended after the errors {errors}; completed: {completed}, wanted: {other}",
    )


if __name__ == "__main__":
    main(finding)
