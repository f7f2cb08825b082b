"""``/run`` runs a private endpoint that is called by its name.

On Gradio 6.31. A server SHOULD refuse to (security/server/privacy).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    answer = server.post("/run/private", {"data": ["x"]})
    return answer.status == 200, f"a call of a private endpoint by its name was answered {answer.status}"


if __name__ == "__main__":
    main(finding)
