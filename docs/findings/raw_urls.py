"""The ``url`` of a file has raw spaces in it.

On Gradio 4.19 to 5.49. A server SHOULD send a percent-encoded, absolute URL (file/output/url).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want("sse", "sse_v1", "sse_v2", "sse_v2.1", "sse_v3")
    given = {"path": server.upload("a b.txt", b"content"), "orig_name": "a b.txt"}
    completed = server.run("file", given | {"meta": {"_type": "gradio.FileData"}})
    url = completed["output"]["data"][0]["url"]
    return " " in (url or ""), f"the url of a file called 'out a b.txt' is {url!r}"


if __name__ == "__main__":
    main(finding)
