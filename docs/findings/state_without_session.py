"""Direct calls without a ``session_hash`` share State.

On Gradio 3.36. A server MUST give such a call the first value of each State (session/state/no-session).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    counts = [server.post("/run/state", {"data": ["word", None]}).json()["data"][0] for _ in range(2)]
    return counts[1] != 1, f"two calls that send a word each, without a session, counted {counts}"


if __name__ == "__main__":
    main(finding)
