"""An app wants a login, and its server takes cancellations, resets, heartbeats and chunks without one.

On every version. Run the app with ``--auth "user:pass word"``. A server SHOULD want the login of the app for these
routes, too (security/server/sessions).
"""

from __future__ import annotations

from plain import Untried
from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    if server.config:
        raise Untried("the app wants no login: run it with --auth")
    # The config, which would tell the prefix, is behind the login.
    for server.prefix in ("/gradio_api", ""):
        answer = server.post("/reset", {"event_id": "0" * 32, "session_hash": "somebody", "fn_index": 0})
        if answer.status not in (404, 405):
            break
    return answer.status == 200, f"POST /reset without a login was answered {answer.status}"


if __name__ == "__main__":
    main(finding)
