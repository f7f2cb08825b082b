"""A server that stops says so again and again, and leaves the stream open.

On Gradio 4.9 and later: every 50 milliseconds, on 6.x every ten seconds. Run the app with ``--exit-with-parent``, and
type a line into its terminal when this says so: a byte on its standard input closes the app. (On 6.x the process ends
then, which breaks the stream off; it has to live on for this to be seen.) A server SHOULD say it once, and end the
stream (stream/error/stopping).
"""

from __future__ import annotations

from collections.abc import Callable

from server import Server, main


def ask() -> None:
    print("= stop the app now", flush=True)


def finding(server: Server, stop: Callable[[], None] = ask) -> tuple[bool, str]:
    session = server.session()
    server.join("nap", [60], session)
    messages = server.listen(session)
    list(messages.read(60, last="process_starts"))
    stop()
    told = list(messages.read(30, last="unexpected_error"))
    for message in messages.read(server.patience, last=None):
        told.append(message)
        if len(told) == 3:
            break
    times = sum(message["msg"] == "unexpected_error" for message in told)
    is_over = messages.is_over
    messages.close()
    return (
        times > 1 or not is_over,
        f"it was said {times} times, and the stream {'ended' if is_over else 'is open'}",
    )


if __name__ == "__main__":
    main(finding)
