"""Two jobs of one function in one session share the generator: each gets some of the values only.

On Gradio 3 (protocol ws). ``process_completed`` of a generator MUST hold the value that it has yielded last
(value/streamed/last).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    server.want("ws")
    session = server.session()
    jobs = [server.start("slow_gen", [6, 0.3], session) for _ in range(2)]
    heard = [list(job.read(60, last="process_starts")) for job in jobs]
    for job, messages in zip(jobs, heard, strict=True):
        messages.extend(job.read(60))
        job.close()
    values = [[m["output"]["data"][0] for m in job if m["msg"] == "process_generating"] for job in heard]
    return values != [[0, 1, 2, 3, 4, 5]] * 2, f"two runs of a generator of 0 to 5 gave {values}"


if __name__ == "__main__":
    main(finding)
