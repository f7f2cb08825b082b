"""A direct call gives the value of ``gr.JSON`` as a string that is not JSON.

On Gradio 5.49. A server MUST answer with the output of the function (run/by-name).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    value = server.post("/run/json", {"data": [{"a": 1}]}).json()["data"][0]
    return value != {"a": 1}, f"{{'a': 1}} came back as {value!r}"


if __name__ == "__main__":
    main(finding)
