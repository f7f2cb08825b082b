"""All jobs that have run in one batch get the values of the last one of them.

On Gradio 4.13 and 4.19. A server MUST give each job of a batch its own values (value/batch).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    session = server.session()
    words = [f"word{i}" for i in range(8)]
    with ThreadPoolExecutor(len(words)) as threads:  # all at once, so that they run together
        events = list(threads.map(lambda word: server.join("batch", [word], session), words))
    messages = server.listen(session)
    found: dict[str, str] = {}
    for message in messages.read(60, last=None):
        if message["msg"] == "process_completed":
            found[message["event_id"]] = message["output"]["data"][0]
            if len(found) == len(words):
                break
    messages.close()
    values = [found.get(event, "") for event in events]
    return values != [word.upper() for word in words], f"the jobs of {words} gave {values}"


if __name__ == "__main__":
    main(finding)
