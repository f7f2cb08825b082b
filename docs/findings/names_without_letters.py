"""An upload whose name is nothing but dots loses the file.

On Gradio 3.36 to 5.49: 3.x answers 500, and later versions with the path of a folder. A server MUST put each file
into a folder of its own, whatever its name (file/upload/name).
"""

from __future__ import annotations

from urllib.parse import quote

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    uploaded = server.send_file(".", b"content")
    if uploaded.status != 200:
        return uploaded.status >= 500, f"the upload of a file called '.' was answered {uploaded.status}"
    path = uploaded.json()[0]
    got = server.get("/file=" + quote(path))
    is_lost = (got.status, got.text) != (200, "content")
    return is_lost, f"a file called '.' was put at {path!r}, and a download of that was answered {got.status}"


if __name__ == "__main__":
    main(finding)
