"""``/cancel`` ends another job of the same function in the same session, and says nothing about it.

On Gradio 4.30 and later. A server MUST NOT end another job than the one that is named
(cancel/route/only-that-job).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want_version(4, 30)
    session, name = server.session(), server.session()
    events = [server.join("ticks", [each, 100], session) for each in ("named", name)]
    messages = server.listen(session)
    begun: set[str] = set()
    for message in messages.read(60, last=None):
        begun |= {message["event_id"]} if message["msg"] == "process_generating" else set()
        if len(begun) == 2:
            break
    server.post(
        "/cancel", {"event_id": events[0], "session_hash": session, "fn_index": server.number("ticks")}
    )
    completed = {
        message["event_id"]: message["output"].get("data")
        for message in messages.read(2 + server.patience, last=None)
        if message["msg"] == "process_completed"
    }
    messages.close()
    sibling = completed.get(events[1], "nothing")
    return sibling != [99], f"one of two jobs was cancelled, and the other came to {sibling}"


if __name__ == "__main__":
    main(finding)
