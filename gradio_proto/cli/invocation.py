"""What one run of the command knows: above all the texts that it must not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gradio_proto.redaction import Secrets


class Invocation:
    """One run of the command. There are no secrets, and nothing is loaded, before somebody asks for them."""

    def __init__(self) -> None:
        self._secrets: Secrets | None = None

    @property
    def secrets(self) -> Secrets:
        """The texts that must not be shown."""
        if self._secrets is None:
            from gradio_proto.redaction import Secrets

            self._secrets = Secrets()
        return self._secrets

    def hide(self, text: str) -> str:
        """The text without what must not be shown."""
        return text if self._secrets is None else self._secrets.hide(text)


def invocation() -> Invocation:
    """The one that is under way."""
    found = click.get_current_context().find_object(Invocation)
    assert found is not None
    return found
