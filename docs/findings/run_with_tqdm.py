"""A direct call of a function that uses ``gr.Progress().tqdm`` is never answered.

On Gradio 3.50 to 4.44. One thread of the server goes on for ever: restart it afterwards. A server MUST run the
function and answer 200 (run/by-name).
"""

from __future__ import annotations

from plain import Silence
from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.run("progress", 1)  # it is not slow by itself
    seconds = 2 * server.patience
    try:
        answer = server.post("/run/progress", {"data": [1]}, seconds)
    except Silence:
        return True, f"a direct call of a function with tqdm was not answered within {seconds:g} s"
    return False, f"a direct call of a function with tqdm was answered {answer.status}"


if __name__ == "__main__":
    main(finding)
