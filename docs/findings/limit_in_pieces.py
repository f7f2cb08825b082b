"""A file that is larger than ``max_file_size`` is accepted if the server reads it in one piece.

On Gradio 4.44. Run the app with ``--max-file-size 1000``. A server MUST answer 413 (file/upload/too-large).
"""

from __future__ import annotations

from plain import Untried
from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    if server.config.get("max_file_size") != 1000:
        raise Untried("the app has no limit: run it with --max-file-size 1000")
    answer = server.send_file("large.bin", b"x" * 1001)
    return answer.status == 200, f"1,001 bytes, where 1,000 are allowed, were answered {answer.status}"


if __name__ == "__main__":
    main(finding)
