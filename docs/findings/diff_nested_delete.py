"""The index of an edit that shortens a list in a list is shifted once more for every list around it, and may be
negative.

On Gradio 5.49 to 6.31. The specification has it as a rule how to read them (value/diff/delete-from-list).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want("sse_v2", "sse_v2.1", "sse_v3")
    messages = server.start("replay", [[[[1, 2, 3], [1, 2, 3]], [[1], [1]]]])
    values = [m["output"]["data"][0] for m in messages.read(60) if m["msg"] == "process_generating"]
    messages.close()
    paths = [path for action, path, _ in values[1] if action == "delete"]
    return any(path[1] < 0 for path in paths), f"two lists lose their last two elements by deleting {paths}"


if __name__ == "__main__":
    main(finding)
