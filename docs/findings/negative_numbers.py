"""A direct call of the function -1 runs the last one, that of -2 the one before it, and so on.

On Gradio 3.36 to 4.21. A function that is not in the config is unknown, and the call MUST be refused (run/unknown).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    number = server.number("echo") - len(server.config["dependencies"])
    answer = server.post("/run/predict", {"data": ["x"], "fn_index": number})
    return answer.status == 200, f"a call of the function {number} was answered {answer.status}"


if __name__ == "__main__":
    main(finding)
