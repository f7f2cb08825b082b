"""The command ``gradio-proto``. It takes the extra ``cli``, and a subcommand may take another.

Importing this package loads nothing, and a subcommand is loaded when it is called, so that ``gradio-proto --help``
answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

FAILED: Final = 1
"""The exit status of a command whose answer is no: the app raised, the job failed, a server breaks the protocol."""

NOT_RUN: Final = 2
"""The exit status of a command that could not do what it was asked for."""

INTERRUPTED: Final = 130
"""The exit status of a command that the user has interrupted: 128 and the number of SIGINT, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    Args:
        arguments: What stands behind the command's name; by default what the process was started with.

    Returns:
        0 when all is well. 1 when the app raised or the job failed; of ``conformance``: when a server or client breaks
        the protocol. 2 when it could not be done: wrong arguments, an unreachable server, an extra that is not
        installed. 130 when the user interrupts it, 141 when nobody reads its output any more.
    """
    try:
        from .command import run
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.stderr.write(
            "gradio-proto takes an extra that is not installed: pip install 'gradio_proto[cli]'\n"
        )
        return NOT_RUN
    except KeyboardInterrupt:  # run() is not there yet to say so
        sys.stderr.write("\ninterrupted\n")
        return INTERRUPTED
    return run(arguments)
