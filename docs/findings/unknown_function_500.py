"""A call of a function that does not exist is answered 500, like a failure of the server.

On every version. A server SHOULD answer a client's mistake with a status from 400 to 499
(error/http/client-mistakes).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    answer = server.post("/run/no_such_function", {"data": []})
    return answer.status >= 500, f"a call of a function that does not exist was answered {answer.status}"


if __name__ == "__main__":
    main(finding)
