"""The ways to run the reference app: what its command line takes, and the ones that the conformance tester asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TITLE: Final = "gradio_proto reference app"
"""What ``config["title"]`` says where the reference app runs, or its twin."""

USERNAME: Final = "user"
"""Who may log in to the variant ``login``."""

PASSWORD: Final = "pass word"
"""With this. The space is to be encoded in forms and kept in them."""

AUTH_MESSAGE: Final = "please log in"
"""What an app with a login says to those who have not."""


@dataclass(frozen=True)
class Options:
    """One way to run the app; each field is an option of ``app.py``."""

    auth: str | None = None
    """``"user:password"``; without it everybody may come in."""
    max_size: int | None = None
    """How many jobs the queue holds."""
    max_file_size: int | None = None
    """Bytes of one upload (Gradio 4.44 and later)."""
    root_path: str | None = None
    """The path below which a proxy would serve it."""
    mount: str | None = None
    """The path at which another app has it mounted; its URL ends in it."""
    hide_errors: bool = False
    """Run without ``show_error``."""
    workers: int | None = None
    """How many jobs run at once, of all functions together (Gradio 3)."""
    no_queue: bool = False
    """A small app without a queue (Gradio 3)."""

    def arguments(self) -> list[str]:
        """The command line that stands after ``app.py --port N``."""
        given = {
            "--auth": self.auth,
            "--max-size": self.max_size,
            "--max-file-size": self.max_file_size,
            "--root-path": self.root_path,
            "--mount": self.mount,
            "--workers": self.workers,
        }
        arguments = ["--hide-errors"] if self.hide_errors else []
        if self.no_queue:
            arguments.append("--no-queue")
        for option, value in given.items():
            if value is not None:
                arguments += [option, str(value)]
        return arguments


VARIANTS: Final[Mapping[str, Options]] = {
    "plain": Options(),
    "login": Options(auth=f"{USERNAME}:{PASSWORD}"),
    # One worker, so that on Gradio 3 too the queue is full as soon as two wait for `/slow`.
    "short-queue": Options(max_size=1, hide_errors=True, workers=1),
    "small-files": Options(max_file_size=1000),
}
"""The variants that the tester knows, by name."""

_SINCE: Final[Mapping[str, tuple[int, int]]] = {"small-files": (4, 44)}
"""The first Gradio on which a variant is what it says. (There may be an earlier one: no test has asked.)"""


def variants_of(version: str) -> tuple[str, ...]:
    """The names of the variants that a version of Gradio has.

    Args:
        version: Such as ``"6.31.0"``.
    """
    number = version_number(version)
    return tuple(name for name in VARIANTS if _SINCE.get(name, (0, 0)) <= number)


def version_number(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, to compare: ``"6.32.0b1"`` comes out as 6.32."""
    numbers: list[int] = []
    for part in version.strip().split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)
