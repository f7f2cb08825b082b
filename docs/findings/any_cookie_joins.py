"""An app wants a login, and its WebSocket takes every cookie of the right name, whatever its value.

On Gradio 3 (protocol ws). Run the app with ``--auth "user:pass word"``. The upgrade MUST be refused with 403
(auth/protected/websocket).
"""

from __future__ import annotations

from plain import Untried, show
from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    if server.config:
        raise Untried("the app wants no login: run it with --auth")
    form = "Content-Type: application/x-www-form-urlencoded"
    login = server.open("POST", "/login", b"username=user&password=pass+word", form, "Connection: close")
    show("<", login.status_line)
    login.close()
    name = login.headers["set-cookie"].partition("=")[0]
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    forged = (f"Cookie: {name}=forged", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", *upgrade)
    joined = server.open("GET", "/queue/join", b"", *forged)
    show("<", joined.status_line)
    joined.close()
    return joined.status == 101, f"a WebSocket with a forged cookie was answered {joined.status}"


if __name__ == "__main__":
    main(finding)
