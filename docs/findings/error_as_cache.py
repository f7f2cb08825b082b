"""Where a generator has failed after a value, ``cache_duration`` holds the ``duration`` of the error.

On Gradio 6.31. Nothing forbids it; it tells a client of a cache that there was not
(message/process-completed/cache-fields).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    completed = server.run("gen_fail", 1)
    found = completed.get("cache_duration")
    return found is not None, f"a generator has failed, and cache_duration is {found!r}"


if __name__ == "__main__":
    main(finding)
