"""One job of a function that takes batches ends the worker of the queue: all later jobs wait for ever.

On Gradio 4.0. Restart the server afterwards. A job MUST leave the queue able to serve every other one
(queue/isolation), and a server MUST start every job that it has accepted (queue/served).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    for name in ("batch", "echo"):
        messages = server.start(name, ["x"])
        told = [message["msg"] for message in messages.read(server.patience)]
        messages.close()
    return "process_completed" not in told, f"a job after one of a batch function was told {told}"


if __name__ == "__main__":
    main(finding)
