"""How an error of the library ends a command: a few words on stderr, and an exit status."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from . import FAILED, NOT_RUN

if TYPE_CHECKING:
    from gradio_proto.errors import GradioError


class JobFailed(click.ClickException):
    """The app raised, or the job failed: the answer to what was asked is no."""

    exit_code = FAILED


class NotDone(click.ClickException):
    """What was asked could not be done."""

    exit_code = NOT_RUN


@contextmanager
def told() -> Generator[None]:
    """End the command as an error of the library wants it.

    Raises:
        JobFailed: A job had begun, and failed.
        NotDone: It had not come so far.
    """
    from gradio_proto.errors import GradioError

    try:
        yield
    except GradioError as error:
        raise as_ending(error) from error


def as_ending(error: GradioError) -> click.ClickException:
    """What ends a command that met with ``error``."""
    hint = _hint(error)
    message = f"{error}\n{hint}" if hint else str(error)
    return JobFailed(message) if _had_begun(error) else NotDone(message)


def _had_begun(error: GradioError) -> bool:
    """Whether the server had accepted the job."""
    from gradio_proto.errors import AppError, ConnectionLost, DeadlineExceeded, JobCancelled

    if isinstance(error, AppError | JobCancelled) or error.event_id is not None:
        return True
    if isinstance(error, ConnectionLost | DeadlineExceeded):  # of 3.x, which gives no event ids
        return error.phase in ("accepted", "stream_lost")
    return False


def _hint(error: GradioError) -> str:
    from gradio_proto.errors import AuthenticationError, DeadlineExceeded

    if isinstance(error, AuthenticationError):
        return "Hint: --auth USER logs in, and --token sends a Hugging Face token."
    if isinstance(error, DeadlineExceeded) and error.kind == "total":
        return "Hint: --timeout says how many seconds it may take."
    if "certificate" in str(error).lower():
        return "Hint: --insecure accepts any certificate."
    if error.retryable:
        return "Hint: the same command may succeed later."
    return ""
