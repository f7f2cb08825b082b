"""Files of other origins, which the client reads itself where the server does not: on Gradio 3.x.

The caller has named the URL, and nothing of this client goes there: no header, no cookie, no token. Whoever answers
it could lead the client on, to a host that only this machine reaches, and the app would be given what lies there. So
a redirect is followed within its origin only.
"""

from __future__ import annotations

from ..effects import Flow, Now, Open, ReadHead, TimedOut
from ..errors import ArgumentError, DeadlineExceeded, FileError, LimitExceeded, RemoteProtocolError
from ..exchange import Exchange
from ..files import FileInput
from ..http import Request
from ..timeouts import deadline, earlier
from ..urls import Origin, resolve
from .requests import REDIRECTS, USER_AGENT, note_encoding
from .state import ClientState

_HEADERS = (("user-agent", USER_AGENT), ("accept-encoding", "identity"))


def place_of(file: FileInput) -> tuple[Origin, str]:
    """The origin and the request target that a file's URL names.

    Raises:
        ArgumentError: It is no URL that can be asked for.
    """
    try:
        # It is absolute, or handle_file() would not have taken it for a URL: what it is relative to does not matter.
        return resolve(Origin("http", "localhost", 80), "/", str(file.source))
    except RemoteProtocolError as error:
        raise ArgumentError(f"the URL of {file.name} cannot be used: {error.args[0]}") from None


def open_foreign(state: ClientState, file: FileInput, until: float | None) -> Flow[Exchange]:
    """Ask for a file. The caller reads the body, and closes the exchange.

    Raises:
        FileError: It is not there, or somewhere else.
        GradioError: There was no answer.
    """
    origin, target = place_of(file)
    for _ in range(state.limits.redirects + 1):
        exchange: Exchange
        _, now = yield Now()
        request = Request("GET", origin, target, _HEADERS)
        exchange, now = yield Open(request, earlier(deadline(now, state.timeouts.write), until))
        try:
            try:
                head, _ = yield ReadHead(exchange, earlier(deadline(now, state.timeouts.read), until))
            except TimedOut as error:
                raise DeadlineExceeded(f"{origin} did not answer in time", kind="read") from error
            note_encoding(head)
            if head.status == 200:
                return exchange
            if head.status not in REDIRECTS:
                raise FileError(f"{origin} answered {head.status} to the request for {file.name}")
            to, target = resolve(origin, target, head.get("location") or "")
            if to != origin:
                raise FileError(
                    f"the URL of {file.name} redirects to another origin, {to}: if you trust it, give the URL there"
                )
        except BaseException:
            exchange.close()
            raise
        exchange.close()
    raise LimitExceeded("redirects", state.limits.redirects)
