"""A text that is to be hidden is the string ``"None"`` where the function has failed after its first value.

On Gradio 3.50 to 4.21. Run the app with ``--hide-errors``. ``error`` MUST be null where the server keeps the text to
itself (error/function/shape).
"""

from __future__ import annotations

from plain import Untried
from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    if server.config.get("show_error"):
        raise Untried("the app shows its errors: run it with --hide-errors")
    error = server.run("gen_crash", 1)["output"]["error"]
    return error == "None", f"the hidden error of a generator that failed is {error!r}"


if __name__ == "__main__":
    main(finding)
