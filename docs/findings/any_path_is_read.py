"""A ``path`` in an input (3.x: ``name``) may name any file of the server's machine, and the function reads it.

On Gradio 3.36 to 4.20. A server MUST NOT read a path that was not uploaded and that its owner has not allowed
(file/input/foreign-path, file/ws/foreign-path).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from server import Server, main

FOREIGN = "/etc/passwd"


def finding(server: Server) -> tuple[bool, str]:
    given: dict[str, Any] = {"path": FOREIGN, "orig_name": "mine", "meta": {"_type": "gradio.FileData"}}
    if server.protocol == "ws":
        given = {"name": FOREIGN, "orig_name": "mine", "data": None, "is_file": True}
    completed = server.run("file", given)
    if not completed["success"]:
        return False, f"the job has failed: {completed['output']['error']}"
    found = completed["output"]["data"][0]
    content = server.get("/file=" + quote(found.get("path") or found["name"])).text
    # The function gives a file back in upper case.
    return "ROOT:" in content, f"the file that came back begins with {content[:30]!r}"


if __name__ == "__main__":
    main(finding)
