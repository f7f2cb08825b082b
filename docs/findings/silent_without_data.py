"""An answer to ``send_data`` that has no ``data`` is not answered at all: the job never ends.

On Gradio 3 (protocol ws). A server SHOULD answer what its client has got wrong (error/http/client-mistakes).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    socket = server.websocket()
    about = {"fn_index": server.number("echo"), "session_hash": server.session()}
    list(socket.read(60, last="send_hash"))
    socket.send(about)
    list(socket.read(60, last="send_data"))
    socket.send(about)
    told = [message["msg"] for message in socket.read(server.patience)]
    is_shown = not socket.is_over and "process_completed" not in told
    socket.close()
    return (
        is_shown,
        f"an answer without data was followed by {told}, and {'nothing' if is_shown else 'the end'}",
    )


if __name__ == "__main__":
    main(finding)
