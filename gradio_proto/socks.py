"""Tunnels through SOCKS proxies: SOCKS5 (RFC 1928 and 1929), SOCKS4 and SOCKS4A.

What the messages say is known to socksio, which wants each of them whole; where one ends is decided here. A proxy
answers each message with one of its own, of 262 bytes at most, and says nothing unasked.

The proxy looks up the app's name. So ``socks5://`` means what it means to httpx, and so to the official client, and
what curl and requests call ``socks5h://``: names that only the other side knows can be reached, and nobody nearby
learns of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from .effects import ByteFlow, ByteStream, Receive, Send
from .errors import ArgumentError, ConnectError, ConnectionLost, RemoteProtocolError
from .urls import Origin

if TYPE_CHECKING:
    from socksio import SOCKS4ReplyCode, SOCKS5ReplyCode

DEFAULT_PORT: Final = 1080
"""The port that is registered for SOCKS."""

_FINAL: Final = (b"\x02", b"\x07", b"\x08", b"\x5c", b"\x5d")
"""Refusals that do not change by themselves: what is not allowed or not supported (SOCKS5), and a user's id that the
proxy could not make sure of (SOCKS4)."""

LONGEST_CREDENTIAL: Final = 255
"""Bytes of a user name or a password: its length is sent as one byte (RFC 1929, 2)."""


@dataclass(frozen=True, slots=True)
class SOCKSProxy:
    """A SOCKS proxy. Its credentials go to the proxy and to nobody else.

    Raises:
        ArgumentError: Its version of SOCKS cannot carry these credentials.
    """

    version: Literal[4, 5]
    """4 stands for SOCKS4A too, which is the same but for names."""
    host: str
    """The proxy's name or address."""
    port: int
    """Its port."""
    user: bytes = field(default=b"", repr=False)
    """The user's name; with SOCKS4, which knows no password, the user's id."""
    password: bytes = field(default=b"", repr=False)
    """What goes with the user's name."""

    def __post_init__(self) -> None:
        if max(len(self.user), len(self.password)) > LONGEST_CREDENTIAL:
            raise ArgumentError(f"a proxy's user name and password have {LONGEST_CREDENTIAL} bytes at most")
        if self.version == 4 and (self.password or b"\0" in self.user):
            raise ArgumentError("SOCKS4 knows a user's id and no password: use socks5://user:password@host")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"socks{self.version}://{host}:{self.port}"


def check_socksio() -> None:
    """Find out whether SOCKS can be spoken.

    Raises:
        ArgumentError: The extra that it takes is not installed.
    """
    try:
        import socksio  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError as error:
        raise ArgumentError(
            "a SOCKS proxy takes an extra that is not installed: pip install 'gradio_proto[socks]'"
        ) from error


def open_tunnel(stream: ByteStream, proxy: SOCKSProxy, origin: Origin, until: float | None) -> ByteFlow[None]:
    """Ask a proxy, to which ``stream`` leads, for a tunnel to ``origin``.

    Raises:
        ConnectError: It makes none, or does not speak SOCKS.
    """
    from socksio import SOCKSError

    try:
        if proxy.version == 5:
            yield from _open_5(stream, proxy, origin, until)
        else:
            yield from _open_4(stream, proxy, origin, until)
    except (ConnectionLost, RemoteProtocolError, SOCKSError) as error:
        raise ConnectError(f"the proxy {proxy} made no tunnel: {error}") from error


def _open_5(stream: ByteStream, proxy: SOCKSProxy, origin: Origin, until: float | None) -> ByteFlow[None]:
    from socksio import socks5

    methods = [socks5.SOCKS5AuthMethod.NO_AUTH_REQUIRED]
    has_login = bool(proxy.user or proxy.password)
    if has_login:
        methods.append(socks5.SOCKS5AuthMethod.USERNAME_PASSWORD)
    answer = yield from _ask(stream, socks5.SOCKS5AuthMethodsRequest(methods).dumps(), _two, until)
    method = socks5.SOCKS5AuthReply.loads(answer).method
    if method not in methods:
        how = "takes no user name and password" if has_login else "wants a login: socks5://user:password@host"
        raise ConnectError(f"the proxy {proxy} {how}", retryable=False)
    if method == socks5.SOCKS5AuthMethod.USERNAME_PASSWORD:
        login = socks5.SOCKS5UsernamePasswordRequest(proxy.user, proxy.password)
        answer = yield from _ask(stream, login.dumps(), _two, until)
        if not socks5.SOCKS5UsernamePasswordReply.loads(answer).success:
            raise ConnectError(f"the proxy {proxy} refused the user name or the password", retryable=False)
    command = socks5.SOCKS5CommandRequest.from_address(
        socks5.SOCKS5Command.CONNECT, (origin.host, origin.port)
    )
    answer = yield from _ask(stream, command.dumps(), _size_of_reply, until)
    code = socks5.SOCKS5Reply.loads(answer).reply_code
    if code != socks5.SOCKS5ReplyCode.SUCCEEDED:
        raise _refusal(proxy, origin, code)


def _open_4(stream: ByteStream, proxy: SOCKSProxy, origin: Origin, until: float | None) -> ByteFlow[None]:
    from socksio import SOCKSError, socks4

    if ":" in origin.host:
        raise ConnectError("SOCKS4 knows no IPv6 addresses: use a socks5:// proxy", retryable=False)
    command, address = socks4.SOCKS4Command.CONNECT, (origin.host, origin.port)
    try:
        request = socks4.SOCKS4Request.from_address(command, address, proxy.user).dumps()
    except SOCKSError:  # the host is a name
        request = socks4.SOCKS4ARequest.from_address(command, address, proxy.user).dumps()
    code = socks4.SOCKS4Reply.loads((yield from _ask(stream, request, _eight, until))).reply_code
    if code != socks4.SOCKS4ReplyCode.REQUEST_GRANTED:
        raise _refusal(proxy, origin, code)


def _ask(
    stream: ByteStream, request: bytes, size: Callable[[bytes], int], until: float | None
) -> ByteFlow[bytes]:
    """Send a message, and read the proxy's answer; how long that is, its first bytes tell."""
    yield Send(stream, request, until)
    answer = b""
    while len(answer) < size(answer):
        data, _ = yield Receive(stream, until)
        if not data:
            raise ConnectionLost("it closed the connection")
        answer += data
    if len(answer) > size(answer):
        raise RemoteProtocolError("what it says is not SOCKS", data=answer)
    return answer


def _two(_: bytes) -> int:
    return 2


def _eight(_: bytes) -> int:
    return 8


def _size_of_reply(reply: bytes) -> int:
    """The size of a SOCKS5 reply, as far as it is known: its address is one of four bytes, of sixteen, or a name with
    its length (RFC 1928, 6)."""
    if len(reply) < 5:
        return 5
    # Of any other kind of address, socksio says that there is none.
    return {1: 10, 3: 7 + reply[4], 4: 22}.get(reply[3], len(reply))


def _refusal(proxy: SOCKSProxy, origin: Origin, code: SOCKS4ReplyCode | SOCKS5ReplyCode) -> ConnectError:
    reason = code.name.replace("_", " ").lower()  # the standard's own words
    return ConnectError(
        f"the proxy {proxy} refused a tunnel to {origin.host}:{origin.port}: {reason}",
        retryable=code not in _FINAL,
    )
