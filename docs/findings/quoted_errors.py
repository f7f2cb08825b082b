"""The text of ``gr.Error`` comes as its ``repr``, with quotes around it.

On Gradio 3.36 to 4.44. A server MUST tell the text that the app has given (error/function/shown).
"""

from __future__ import annotations

from server import Server, main


def finding(server: Server) -> tuple[bool, str]:
    error = server.run("fail", "x")["output"]["error"]
    return (
        error == "'bad thing: x'",
        f"the function raised gr.Error('bad thing: x'), and the error is {error!r}",
    )


if __name__ == "__main__":
    main(finding)
