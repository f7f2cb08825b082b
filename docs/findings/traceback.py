"""The body of a 500 is the server's traceback.

On Gradio 5.49. A server MUST NOT show its traceback in an answer (error/http/no-traceback).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want("sse_v1", "sse_v2", "sse_v2.1", "sse_v3")
    join = {"data": [], "fn_index": 999_999, "session_hash": server.session()}
    answer = server.post("/queue/join", join)
    return (
        "Traceback" in answer.text,
        f"a join of no function was answered {answer.status}: {answer.text[:40]!r}",
    )


if __name__ == "__main__":
    main(finding)
