"""The edits that shorten a list name the indices that its elements had before, though each is to be applied to what the
one before has left.

On Gradio 4.17 to 5.0. The specification has it as a rule how to read them (value/diff/delete-from-list).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want("sse_v2", "sse_v2.1", "sse_v3")
    # It yields a list of four, then one of its first element.
    messages = server.start("shrink", [4])
    values = [m["output"]["data"][0] for m in messages.read(60) if m["msg"] == "process_generating"]
    messages.close()
    indices = [path[0] for action, path, _ in values[1] if action == "delete"]
    return indices == [1, 2, 3], f"the last three of four elements are deleted as {indices}"


if __name__ == "__main__":
    main(finding)
