"""The stream of a session is closed, and a generator of that session goes on to its end.

On Gradio 4.21. A server MUST ask no generator for another value when the reader has gone (stream/break/hang-up).
"""

from __future__ import annotations

import time

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    session, name = server.session(), server.session()
    server.join("tick_alone", [name, 400], session)
    messages = server.listen(session)
    list(messages.read(60, last="process_generating"))
    messages.close()
    time.sleep(1)
    before, after = server.still_ticks(name)
    return (
        after > before,
        f"a second after the stream was closed a generator had taken {before} steps, then {after}",
    )


if __name__ == "__main__":
    main(finding)
