"""Everything that can go wrong, under one root.

As in h11, the first question is whose mistake it was: :class:`LocalProtocolError` is yours, and says what to
do instead; :class:`RemoteProtocolError` is the server's, and quotes what was wrong. An error of the app itself
(``gr.Error`` and crashes) is an :class:`AppError`. Errors that the official client derives from ValueError
derive from it here too, so that ``except ValueError`` goes on working.

Whoever raises an error knows what happened; whoever lets it out to the user knows which endpoint and which
job it happened to, and adds that with :meth:`GradioError.with_context`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeVar

from .text import printable

_E = TypeVar("_E", bound="GradioError")

Phase = Literal["not_sent", "sent_unknown", "accepted", "stream_lost"]
"""How far a call had come when its connection failed: nothing had left this machine; the join was sent and
never answered; the server had accepted the job; the job's stream was open."""

TimeoutKind = Literal["connect", "read", "write", "idle", "total", "space"]
"""Which of :class:`~gradio_proto.timeouts.Timeouts` was over."""


class GradioError(Exception):
    """The root of every error that this library raises on purpose.

    Args:
        message: What went wrong, on one line.
        retryable: Whether the same call may be repeated; None for what holds for errors of this class.
    """

    retryable: bool = False
    """True where the same call may succeed later, and repeating it cannot run the function twice."""

    def __init__(self, message: str, *, retryable: bool | None = None) -> None:
        super().__init__(message)
        self.endpoint: str | None = None
        """The endpoint called (``"/predict"`` or ``"fn_index 3"``), where there is one."""
        self.event_id: str | None = None
        """The server's name for the job, where it had given one."""
        self.session_hash: str | None = None
        """The session of the job."""
        self.server_version: str | None = None
        """The version of Gradio that the server says it runs."""
        self.last_status: str | None = None
        """The job's last known status (``"IN_QUEUE"``, ``"PROCESSING"``, ...)."""
        if retryable is not None:
            self.retryable = retryable

    def with_context(
        self: _E,
        *,
        endpoint: str | None = None,
        event_id: str | None = None,
        session_hash: str | None = None,
        server_version: str | None = None,
        last_status: str | None = None,
    ) -> _E:
        """Fill in what is not known yet, and return the error itself (for ``raise error.with_context(...)``).

        Args:
            endpoint: See the attribute of that name, as for the others.
            event_id: The server's name for the job.
            session_hash: The session of the job.
            server_version: The version of Gradio that the server says it runs.
            last_status: The job's last status.
        """
        self.endpoint = self.endpoint or endpoint
        self.event_id = self.event_id or event_id
        self.session_hash = self.session_hash or session_hash
        self.server_version = self.server_version or server_version
        self.last_status = self.last_status or last_status
        return self

    def __str__(self) -> str:
        """The message, safe to print, and where it happened."""
        known = [
            f"{label} {printable(value)}"
            for label, value in (
                ("endpoint", self.endpoint),
                ("event", self.event_id),
                ("Gradio", self.server_version),
                ("last status", self.last_status),
            )
            if value is not None
        ]
        text = printable(str(self.args[0])) if self.args else type(self).__name__
        return f"{text} ({', '.join(known)})" if known else text

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions travel between processes (executors, test runners); the default way calls the class with
        # ``args`` alone, which is not the signature of every class below.
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[GradioError], args: tuple[Any, ...], state: dict[str, Any]) -> GradioError:
    error = cls.__new__(cls, *args)
    error.args = args  # OSError, and so DeadlineExceeded, leaves them to __init__
    error.__dict__.update(state)
    return error


class LocalProtocolError(GradioError):
    """You asked for something that the protocol, or this app, does not allow. Nothing was sent."""


class ArgumentError(LocalProtocolError, ValueError):
    """The arguments of a call do not fit: an unknown endpoint, a value that cannot be sent.

    Wrong counts and names of parameters are plain TypeErrors, as Python itself raises them.
    """


class RemoteProtocolError(GradioError):
    """The server said something that the protocol does not allow.

    Attributes:
        data: The first characters of what was wrong, raw; empty where there is nothing to quote.
    """

    QUOTED: Final = 200
    """Characters of the peer's data that an error keeps: enough to recognise an HTML page or a wrong field."""

    def __init__(
        self, message: str, *, data: str | bytes | bytearray = "", retryable: bool | None = None
    ) -> None:
        if not isinstance(data, str):
            data = bytes(data[: self.QUOTED]).decode("utf-8", "replace")
        self.data = data[: self.QUOTED]
        super().__init__(f"{message}: {self.data}" if self.data else message, retryable=retryable)


class LimitExceeded(RemoteProtocolError):
    """A server sent more than a named limit allows (see :class:`gradio_proto.limits.Limits`).

    Args:
        name: Which limit.
        limit: Its value.
    """

    def __init__(self, name: str, limit: int) -> None:
        super().__init__(f"more than Limits.{name} = {limit} allows")
        self.name = name
        self.limit = limit


class UnsupportedProtocol(RemoteProtocolError):
    """The app speaks a generation of the protocol that this version of the library does not."""


class HTTPStatusError(RemoteProtocolError):
    """A request was answered with a status that says no, and nothing more specific is known about it.

    Attributes:
        status: The HTTP status code.
        headers: The response's headers, names in lower case, without the cookies that it sets: an error is shown and
            stored, and by a cookie somebody may be logged in.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        headers: Mapping[str, str] | None = None,
        data: str | bytes = "",
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message, data=data, retryable=retryable)
        self.status = status
        self.headers: Mapping[str, str] = {
            name: value for name, value in (headers or {}).items() if name != "set-cookie"
        }


class TransportError(GradioError):
    """The network failed, or nobody answered in time."""


class ConnectError(TransportError):
    """No connection could be made (name resolution, refused, TLS, proxy). Nothing was sent."""

    retryable = True
    phase: Phase = "not_sent"
    """Always ``"not_sent"``."""


class ConnectionLost(TransportError):
    """A connection ended while an answer was still owed.

    Attributes:
        phase: How far the call had come; only ``"not_sent"`` is safe to repeat.
    """

    def __init__(self, message: str, *, phase: Phase = "sent_unknown", retryable: bool | None = None) -> None:
        super().__init__(message, retryable=phase == "not_sent" if retryable is None else retryable)
        self.phase = phase


class SessionLost(ConnectionLost):
    """The server no longer knows the session: it restarted, or dropped it when a stream broke off."""


class ServerStopped(ConnectionLost):
    """The server announced that it is stopping."""


class DeadlineExceeded(TransportError, TimeoutError):
    """Nothing happened for as long as :class:`~gradio_proto.timeouts.Timeouts` allows.

    Attributes:
        kind: Which deadline it was.
        phase: How far the call had come.
    """

    def __init__(self, message: str, *, kind: TimeoutKind, phase: Phase = "sent_unknown") -> None:
        super().__init__(message, retryable=phase == "not_sent")
        self.kind: TimeoutKind = kind
        self.phase: Phase = phase


class SpaceError(GradioError, ValueError):
    """A Hugging Face Space does not run, and waiting would not help; or what is asked of it cannot be done.

    Attributes:
        space_id: Which one: ``"user/space"``.
        stage: What the Hub calls its state (``"PAUSED"``, ``"BUILD_ERROR"``); None where that is not the matter.
        hub_message: What the Hub says of it, raw; None if it says nothing.
    """

    def __init__(
        self,
        message: str,
        *,
        space_id: str,
        stage: str | None = None,
        hub_message: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message, retryable=retryable)
        self.space_id = space_id
        self.stage = stage
        self.hub_message = hub_message


class SpaceNotFound(SpaceError):
    """The Hub knows no such Space, or none that it would show to whoever asks: a private one looks missing."""


class AuthenticationError(GradioError, ValueError):
    """The app wants a login, or does not accept the one given.

    Attributes:
        auth_message: What the app tells those who are to log in, raw (it may hold HTML); None if it says nothing.
    """

    def __init__(self, message: str, *, auth_message: str | None = None) -> None:
        super().__init__(message)
        self.auth_message = auth_message


class ValidationError(GradioError, ValueError):
    """The app's own validators, or the server's checks, refused the input (HTTP 422).

    Attributes:
        detail: The server's list of what is wrong, as it sent it.
    """

    def __init__(self, message: str, *, detail: Any = None) -> None:
        super().__init__(message)
        self.detail = detail


class QueueError(GradioError):
    """The queue takes no more jobs: it is full (retryable), or it has been stopped."""

    retryable = True


class TooManyRequestsError(GradioError):
    """HTTP 429.

    Attributes:
        retry_after: Seconds that the server asks for, if it does.
    """

    retryable = True

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class FileError(GradioError):
    """A file on this machine could not be read or written.

    Attributes:
        path: Where it is; None for one that has no path.
    """

    def __init__(self, message: str, *, path: str | None = None) -> None:
        super().__init__(message)
        self.path = path


class JobCancelled(GradioError):
    """The job was cancelled, by this client or by the app."""


class ClientClosed(LocalProtocolError):
    """The client was closed; its open jobs end with this error, and it takes no new ones."""


class AppError(GradioError, ValueError):
    """The app's function raised: ``gr.Error``, or a crash.

    Attributes:
        message: What the app said, raw (it may hold HTML). ``str(error)`` is the printable form.
        title: The heading that the app gave it.
        duration: Seconds that a browser would show it; None for until it is closed.
        visible: Whether a browser would show it at all.
        hidden: True where the server keeps the text to itself (``show_error=False``).
        print_exception: Whether the app's own log shows it.
        extra: Whatever else the server sent with the error.
    """

    def __init__(
        self,
        message: str = "Error raised.",
        duration: float | None = 10,
        visible: bool = True,
        title: str = "Error",
        print_exception: bool = True,
        *,
        hidden: bool = False,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.duration = duration
        self.visible = visible
        self.title = title
        self.print_exception = print_exception
        self.hidden = hidden
        self.extra: Mapping[str, Any] = dict(extra or {})


class QuotaExceeded(AppError):
    """A ZeroGPU Space has no GPU time left for whoever calls it.

    The function ran up to where it wanted a GPU. Whose quota counts is said by ``token=`` of the client, or by the
    header ``x-ip-token`` of the call; a stranger's is small.

    Attributes:
        retry_after: Seconds until there is some again, if the Space says so.
        try_again_in: The same in its own words (``"0:01:23"``, ``"1 day, 2:00:00"``).
    """

    retryable = True

    retry_after: float | None = None
    try_again_in: str | None = None
