"""At the end of a chunked input the function is run once more on the last chunk.

On Gradio 5.0 to 6.30; where it has no time limit, after half a minute. A server MUST complete the job with the last
value that it has sent, and not run the function again (input/end/completes).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want_version(5)
    session = server.session()
    event = server.join("gather_briefly", ["a", 0, None], session)
    messages = server.listen(session)
    list(messages.read(60, last="process_streaming"))
    server.post(f"/stream/{event}", server.body("gather_briefly", ["b", 0, None], session))
    list(messages.read(60, last="process_streaming"))
    server.post(f"/stream/{event}/close", {})
    completed = [message for message in messages.read(60) if message["msg"] == "process_completed"]
    messages.close()
    if not completed:
        return True, "a job whose input was ended was not completed within a minute"
    value = completed[0]["output"]["data"][0]
    return value != "a b", f"the chunks were a and b, and the job was completed with {value!r}"


if __name__ == "__main__":
    main(finding)
