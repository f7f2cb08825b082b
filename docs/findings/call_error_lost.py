"""The data of ``error`` is null, whatever the function has failed with.

On Gradio 4.20 to 5.49. It MUST be the output of the job that has failed (call/error).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want_version(4, 20)
    event = server.post("/call/fail", {"data": ["x"]}).json()["event_id"]
    stream = server.stream(f"/call/fail/{event}")
    data = stream.next(60)
    stream.close()
    return (stream.event, data) == ("error", None), f"gr.Error('bad thing: x') came as {stream.event}: {data}"


if __name__ == "__main__":
    main(finding)
