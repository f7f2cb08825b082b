"""From the name of a Space to a client of its app; few programs name one, and the others do not load this."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from ..effects import Flow
from ..endpoints import App
from ..errors import ArgumentError
from ..flows.spaces import find_space, open_space
from ..flows.state import ClientState
from ..spaces import Duplication, Hub, Place, SpaceStatus
from ..text import printable
from ..timeouts import Timeouts
from ..urls import space_name
from .logs import logger
from .options import count, string


class SpaceSearch:
    """How a client comes to the app of a Space: find it, then wait for it.

    Args:
        wanted: The Space's name, or the copy of one that is to be made.
        token: As for the client.
        on_status: As for the client.
        say: Tells a person, where the client is verbose.

    Raises:
        TypeError: ``wanted`` is neither.
        ArgumentError: The extra for it is not installed.
        LocalProtocolError: The environment forbids it.
    """

    def __init__(
        self,
        wanted: object,
        token: str | bool | None,
        on_status: Callable[[SpaceStatus], Any] | None,
        say: Callable[[str], None],
    ) -> None:
        if not isinstance(wanted, Duplication):
            wanted = string("src", wanted)
            wanted = space_name(wanted) or wanted
        self._wanted: str | Duplication = wanted
        self._on_status = on_status
        self._say = say
        self.hub: Hub = import_module("gradio_transports.hub").HuggingFaceHub(token)

    def find(self, timeouts: Timeouts, max_retries: int | None) -> Flow[Place]:
        """What finds out where the app is."""
        return find_space(self.hub, self._wanted, timeouts, max_retries)

    def found(self, place: Place) -> None:
        """Tell whoever wanted a copy what has become of that."""
        wanted = self._wanted
        if isinstance(wanted, Duplication):
            if wanted.secrets and not place.is_new:
                warnings.warn(
                    f"the Space {place.id} was there already, and its secrets stay as they are", stacklevel=2
                )
            self._say(f"{'Created a new' if place.is_new else 'Using your existing'} Space: {place.id}")

    def connect(self, state: ClientState, place: Place) -> Flow[App]:
        """What waits until the Space runs, and makes the client ready."""
        return open_space(state, self.hub, place, self._tell)

    def _tell(self, status: SpaceStatus) -> None:
        logger.info("the Space %s is %s", printable(status.id), printable(status.stage))
        if not status.is_running:
            self._say(f"The Space is {printable(status.stage)}. Please wait...")
        if self._on_status is not None:
            self._on_status(status)


def duplication(
    from_id: str,
    to_id: str | None,
    private: bool,
    hardware: str | None,
    secrets: Mapping[str, str] | None,
    sleep_timeout: int,
) -> Duplication:
    """What ``Client.duplicate()`` asks for.

    Raises:
        TypeError: An argument is of a wrong type.
        ArgumentError: ``from_id`` names no Space.
        ValueError: ``sleep_timeout`` is less than a minute.
    """
    original = space_name(string("from_id", from_id))
    if original is None:
        raise ArgumentError(f"from_id is the name of a Space, such as 'user/space', and {from_id!r} is not")
    for name, value in (("to_id", to_id), ("hardware", hardware)):
        if value is not None:
            string(name, value)
    given = dict(secrets or {})
    for key, value in given.items():
        string(f"secrets[{key!r}]", value)
    minutes = count("sleep_timeout", sleep_timeout, least=1)
    if minutes is None:
        raise TypeError("sleep_timeout is a number of minutes")
    return Duplication(original, to_id or None, private, hardware, given, minutes)
