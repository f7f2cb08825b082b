"""Hugging Face Spaces: what their stages mean, and where their apps are.

The Hub knows a Space by its name, ``user/space`` (see :func:`gradio_proto.urls.space_name`), says in which stage it is,
and at which host its app answers. Whoever asks the Hub is a :class:`Hub`: its methods block, and are called by
:mod:`gradio_proto.flows.spaces` in threads of their own.

A token is sent to the host that the Hub names, so :func:`app_url` looks hard at it: the Hub's own Spaces have hosts
of the form ``<subdomain>.hf.space``, and nothing else is believed.

The stages are those of the Hub's OpenAPI description (``SpaceStage`` of huggingface_hub, and ``SLEEPING``, which that
lacks).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from .errors import RemoteProtocolError, SpaceError
from .frozen import Frozen
from .urls import AppURL, parse_app_url

HUB: Final = "https://huggingface.co"
"""The Hub, where ``HF_ENDPOINT`` names no other."""

HUB_HOSTS: Final = ("huggingface.co", "hf.co")
"""The names of its host."""

APPS_DOMAIN: Final = ".hf.space"
"""What the hosts of the Hub's Spaces end in."""

CPU_BASIC: Final = "cpu-basic"
"""The hardware that costs nothing, and whose time to sleep cannot be set."""

_ASLEEP: Final = frozenset({"SLEEPING", "STOPPED"})
_COMING: Final = frozenset({"BUILDING", "APP_STARTING"})
_WHY_NOT: Final = {
    "PAUSED": "is paused, and stays so until its owner restarts it; Client.duplicate() makes a copy of your own",
    "BUILD_ERROR": "could not be built: its owner has to mend it",
    "CONFIG_ERROR": "has a configuration that the Hub refuses: its owner has to mend it",
    "RUNTIME_ERROR": "has crashed: its owner has to mend or to restart it",
    "NO_APP_FILE": "has no app in it yet",
    "DELETING": "is being deleted",
}
"""The stages that end without their owner in no other one."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SpaceStatus(Frozen):
    """How a Space is: what ``Client(on_status=...)`` is called with.

    Example:
        ``Client("user/space", on_status=lambda status: print(status.stage))``
    """

    id: str
    """Its name: ``"user/space"``."""
    stage: str
    """What the Hub calls its state: ``"RUNNING"``, ``"BUILDING"``, ``"APP_STARTING"``, ``"SLEEPING"``, ``"PAUSED"``,
    ``"BUILD_ERROR"``, ``"RUNTIME_ERROR"`` and so on."""
    hardware: str | None = None
    """What it runs on (``"cpu-basic"``, ``"zero-a10g"``); None where it runs on nothing."""
    message: str | None = None
    """What the Hub says of an error, raw; None if it says nothing."""

    @property
    def is_asleep(self) -> bool:
        """Whether a request would wake it."""
        return self.stage in _ASLEEP

    @property
    def is_coming(self) -> bool:
        """Whether it will run without anybody's help."""
        return self.stage in _COMING

    @property
    def is_running(self) -> bool:
        """Whether its app can be asked: an old version of it, while a new one is built. Of a stage that is not known
        here the app itself tells the truth."""
        return not (self.is_asleep or self.is_coming or self.stage in _WHY_NOT)


@dataclass(frozen=True, slots=True)
class SpaceInfo:
    """What the Hub says of a Space."""

    host: str
    """The URL of its app."""
    subdomain: str | None
    private: bool
    sdk: str | None
    """``"gradio"``, ``"docker"``, ``"static"`` and so on."""
    duplicated_from: str | None
    """The Space that it was duplicated from, as far as its card says."""
    status: SpaceStatus

    @property
    def id(self) -> str:
        """Its name, which is another than was asked for where it was renamed."""
        return self.status.id


class Hub(Protocol):
    """Whoever asks the Hub, in the name of one user or of nobody.

    Every method blocks, and raises SpaceNotFound, AuthenticationError, TooManyRequestsError, ConnectError or another
    GradioError.
    """

    @property
    def endpoint(self) -> AppURL:
        """Where the Hub is."""
        ...

    def app_token(self, *, private: bool) -> str | None:
        """The token for the app of a Space: one that the caller gave, or the saved login's if the Space is private.

        Any other Space is anybody's, who would read it.
        """
        ...

    def user(self) -> str:
        """The name of whose token it is."""
        ...

    def info(self, space_id: str) -> SpaceInfo:
        """What is known of a Space."""
        ...

    def status(self, space_id: str) -> SpaceStatus:
        """How it is now."""
        ...

    def duplicate(self, from_id: str, to_id: str, *, private: bool, secrets: dict[str, str]) -> None:
        """Make a copy; one that is there stays as it is."""
        ...

    def request_hardware(self, space_id: str, hardware: str) -> None:
        """Have a Space run on other hardware."""
        ...

    def set_sleep_time(self, space_id: str, seconds: int) -> None:
        """Have a Space sleep when nobody has asked it anything for so long."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client finds the app of a Space."""

    id: str
    url: AppURL
    private: bool
    status: SpaceStatus
    token: str | None = field(default=None, repr=False)
    """For that app, and for nobody else."""
    is_new: bool = False
    """It was made a moment ago, and its files may still be on their way."""


@dataclass(frozen=True, slots=True)
class Duplication:
    """What ``Client.duplicate()`` was asked for."""

    from_id: str
    to_id: str | None
    private: bool
    hardware: str | None
    secrets: dict[str, str] = field(repr=False)
    sleep_minutes: int

    def __str__(self) -> str:
        return f"a duplicate of {self.from_id}"


def app_url(info: SpaceInfo, hub: AppURL) -> AppURL:
    """Where the app of a Space is.

    Args:
        info: What the Hub says.
        hub: Where the Hub is. One of somebody's own may name any host, by https or on this machine.

    Raises:
        SpaceError: It is a page without a server.
        RemoteProtocolError: The host is none that a token may be sent to.
    """
    if info.sdk == "static":
        raise SpaceError(
            f"the Space {info.id} is a static page: there is no server behind it to call", space_id=info.id
        )
    try:
        url = parse_app_url(info.host)
    except ValueError as error:
        raise RemoteProtocolError(
            f"the Hub names no usable host for the Space {info.id}", data=info.host
        ) from error
    origin = url.origin
    if hub.origin.host in HUB_HOSTS:
        subdomain = origin.host.removesuffix(APPS_DOMAIN)
        known = info.subdomain is None or info.subdomain.lower() == subdomain
        trusted = origin.tls and origin.port == 443 and subdomain != origin.host and known
    else:
        trusted = origin.tls or origin.is_loopback
    if not trusted or url.base_path:
        raise RemoteProtocolError(f"the Hub names a strange host for the Space {info.id}", data=info.host)
    return url


def not_running(status: SpaceStatus) -> SpaceError:
    """The error for a Space that neither runs nor will."""
    message = f"the Space {status.id} {_WHY_NOT[status.stage]}"
    return SpaceError(
        f"{message}. The Hub says: {status.message}" if status.message else message,
        space_id=status.id,
        stage=status.stage,
        hub_message=status.message,
    )
