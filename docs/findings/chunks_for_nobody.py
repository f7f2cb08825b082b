"""A chunk for a job that has ended is answered 200 and dropped, and one for a job that never was 500.

On Gradio 5.49. On 6.31 the first of them, if it comes soon: the server makes a statistic of all jobs that it has ever
run before it forgets the one that has ended, so this is seen where it has run some thousands. Both MUST be answered
404 (input/chunk/refused).
"""

from __future__ import annotations

from plain import Untried
from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want_version(5)
    session = server.session()
    event = server.join("gather_briefly", ["a", 0, None], session)
    messages = server.listen(session)
    if not any(message["msg"] == "process_completed" for message in messages.read(60)):
        raise Untried("the job, whose time limit is a second, was not completed")
    messages.close()
    chunk = server.body("gather_briefly", ["b", 0, None], session)
    ended = server.post(f"/stream/{event}", chunk).status
    unknown = server.post(f"/stream/{'0' * 32}", chunk).status
    return (ended, unknown) != (
        404,
        404,
    ), f"a chunk of a job that has ended: {ended}; of one that never was: {unknown}"


if __name__ == "__main__":
    main(finding)
