"""The first file that a generator gives has a whole ``url``, and each later one a ``url`` without the server.

On Gradio 4.19. A server SHOULD send an absolute URL (file/output/url), and what was streamed last MUST be what
``process_completed`` holds (value/streamed/last).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want("sse_v2", "sse_v2.1", "sse_v3")
    messages = server.start("growing_file", ["x"])
    values = [m["output"]["data"][0] for m in messages.read(60) if m["msg"] == "process_generating"]
    messages.close()
    edits = [edit for value in values[1:] for edit in value]
    urls = [value for action, path, value in edits if action == "replace" and path == ["url"]]
    return any(url.startswith("/") for url in urls), f"after {values[0]['url']!r} came {urls}"


if __name__ == "__main__":
    main(finding)
