"""The ``url`` of a file is null.

On Gradio 4.0 to 4.16. A server SHOULD send a percent-encoded, absolute URL (file/output/url).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want("sse", "sse_v1", "sse_v2", "sse_v2.1", "sse_v3")
    given = {"path": server.upload("plain.txt", b"content"), "orig_name": "plain.txt"}
    completed = server.run("file", given | {"meta": {"_type": "gradio.FileData"}})
    url = completed["output"]["data"][0]["url"]
    return url is None, f"the url of a file is {url!r}"


if __name__ == "__main__":
    main(finding)
