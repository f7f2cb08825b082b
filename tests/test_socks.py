"""SOCKS: tunnels as byte effects, against a proxy written from the RFCs; then over real sockets."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import pytest
from faulty import SHORT, FaultyServer, within
from hypothesis import given
from hypothesis import strategies as st
from socks_server import SocksProxy, SocksSession

from gradio_proto import Client
from gradio_proto.conformance.strategies.chunkings import chunkings
from gradio_proto.effects import (
    ByteEffect,
    ByteFlow,
    Connect,
    Flow,
    IsQuiet,
    Now,
    Open,
    ReadBody,
    ReadHead,
    Receive,
    Send,
    StartTLS,
    TimedOut,
)
from gradio_proto.errors import ArgumentError, ConnectError, ConnectionLost, DeadlineExceeded
from gradio_proto.exchange import ConnectionPool, lower
from gradio_proto.http import Request
from gradio_proto.limits import Limits
from gradio_proto.proxies import parse_proxy
from gradio_proto.socks import SOCKSProxy, open_tunnel
from gradio_proto.testing import TestApp, serve
from gradio_proto.timeouts import Timeouts
from gradio_proto.urls import Origin

APP = Origin("http", "app.example", 7860)
SECURE = Origin("https", "app.example", 443)
V4 = Origin("http", "192.0.2.7", 80)
V6 = Origin("http", "2001:db8::7", 8080)
LOGIN = ("me", "p:ä ss")
BOUND = {
    "IPv4": b"\1\x7f\0\0\1\0\x50",
    "IPv6": b"\4" + bytes(15) + b"\1\0\x50",
    "name": b"\3\x09localhost\0\x50",
    "empty name": b"\3\0\0\x50",
}


class Stream:
    """A connection that knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


def socks5(login: tuple[str, str] | None = None) -> SOCKSProxy:
    user, password = login or ("", "")
    return SOCKSProxy(5, "proxy", 1080, user.encode(), password.encode())


def socks4(user: str = "") -> SOCKSProxy:
    return SOCKSProxy(4, "proxy", 1080, user.encode())


def talk(
    proxy: SOCKSProxy, answer: Callable[[bytes], bytes], *, origin: Origin = APP, size: int = 1000
) -> list[ByteEffect]:
    """Open a tunnel; ``answer`` says what the proxy says, which comes in pieces of ``size`` bytes and then ends."""
    flow = open_tunnel(Stream(), proxy, origin, 10.0)
    effects = [next(flow)]
    pending = b""
    with contextlib.suppress(StopIteration):
        while True:
            data = None
            if isinstance(effects[-1], Send):
                pending += answer(effects[-1].data)
            else:
                data, pending = pending[:size], pending[size:]
            effects.append(flow.send((data, 1.0)))
    assert not pending
    return effects


def saying(*answers: bytes) -> Callable[[bytes], bytes]:
    """A proxy that says this, whatever it hears."""
    rest = iter(answers)
    return lambda _: next(rest)


# Tunnels.


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("bound", BOUND.values(), ids=BOUND)
@pytest.mark.parametrize("login", [None, LOGIN, ("token", ""), ("u" * 255, "p" * 255)])
@pytest.mark.parametrize("origin", [APP, V4, V6], ids=str)
def test_a_tunnel_by_socks5(size: int, bound: bytes, login: tuple[str, str] | None, origin: Origin) -> None:
    session = SocksSession(login, bound=bound)
    effects = talk(socks5(login), session.receive_data, origin=origin, size=size)
    assert session.is_open
    assert session.target == (origin.host, origin.port)
    assert session.credentials == login
    assert session.by_name == (origin is APP)  # the proxy looks names up
    assert {effect.deadline for effect in effects if isinstance(effect, Send | Receive)} == {10.0}
    assert {type(effect) for effect in effects} == {Send, Receive}


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("user", ["", "me", "u" * 255])
@pytest.mark.parametrize("origin", [APP, V4], ids=str)
def test_a_tunnel_by_socks4(size: int, user: str, origin: Origin) -> None:
    session = SocksSession()
    talk(socks4(user), session.receive_data, origin=origin, size=size)
    assert session.is_open
    assert (session.version, session.target) == (4, (origin.host, origin.port))
    assert session.credentials == (user, "")
    assert session.by_name == (origin is APP)


def test_a_login_that_is_not_asked_for_is_not_sent() -> None:
    session = SocksSession(None)
    effects = talk(socks5(LOGIN), session.receive_data)
    assert session.is_open
    assert not any(b"me" in effect.data for effect in effects if isinstance(effect, Send))


# Refusals.


@pytest.mark.parametrize(
    ("code", "reason", "retryable"),
    [
        (1, "general server failure", True),
        (2, "connection not allowed by ruleset", False),
        (3, "network unreachable", True),
        (4, "host unreachable", True),
        (5, "connection refused", True),
        (6, "ttl expired", True),
        (7, "command not supported", False),
        (8, "address type not supported", False),
    ],
)
def test_a_refusal_by_socks5_says_why(code: int, reason: str, retryable: bool) -> None:
    with pytest.raises(ConnectError) as caught:
        talk(socks5(LOGIN), SocksSession(LOGIN, code=code).receive_data)
    assert (
        str(caught.value) == f"the proxy socks5://proxy:1080 refused a tunnel to app.example:7860: {reason}"
    )
    assert (caught.value.retryable, caught.value.phase) == (retryable, "not_sent")


@pytest.mark.parametrize(
    ("code", "reason", "retryable"),
    [
        (0x5B, "request rejected or failed", True),
        (0x5C, "connection failed", False),
        (0x5D, "authentication failed", False),
    ],
)
def test_a_refusal_by_socks4_says_why(code: int, reason: str, retryable: bool) -> None:
    with pytest.raises(ConnectError) as caught:
        talk(socks4(), SocksSession(code=code).receive_data)
    assert (
        str(caught.value) == f"the proxy socks4://proxy:1080 refused a tunnel to app.example:7860: {reason}"
    )
    assert caught.value.retryable == retryable


@pytest.mark.parametrize(
    ("wanted", "given", "words"),
    [
        (LOGIN, None, "wants a login: socks5://user:password@host"),
        (LOGIN, ("me", "guess"), "refused the user name or the password"),
        (LOGIN, ("you", LOGIN[1]), "refused the user name or the password"),
    ],
)
def test_a_proxy_that_wants_another_login(
    wanted: tuple[str, str], given: tuple[str, str] | None, words: str
) -> None:
    session = SocksSession(wanted)
    with pytest.raises(ConnectError, match=rf"the proxy socks5://proxy:1080 {words}") as caught:
        talk(socks5(given), session.receive_data)
    assert session.target is None
    assert not caught.value.retryable
    assert "guess" not in str(caught.value)


@pytest.mark.parametrize("method", [b"\x01", b"\xff"])
@pytest.mark.parametrize("login", [None, LOGIN])
def test_a_proxy_that_wants_no_login_of_ours(method: bytes, login: tuple[str, str] | None) -> None:
    words = "takes no user name and password" if login else "wants a login"
    with pytest.raises(ConnectError, match=words) as caught:
        talk(socks5(login), saying(b"\x05" + method))
    assert not caught.value.retryable


def test_a_password_is_not_sent_to_a_proxy_that_was_offered_none() -> None:
    with pytest.raises(ConnectError, match="wants a login"):
        talk(socks5(None), saying(b"\x05\x02"))


def test_socks4_cannot_reach_an_ipv6_address() -> None:
    with pytest.raises(ConnectError, match="use a socks5:// proxy") as caught:
        talk(socks4(), SocksSession().receive_data, origin=V6)
    assert not caught.value.retryable


# What is no SOCKS.


def answers_of(proxy: SOCKSProxy, session: SocksSession) -> list[bytes]:
    """What a proxy says to a client that gets its tunnel."""
    said: list[bytes] = []

    def answer(data: bytes) -> bytes:
        said.append(session.receive_data(data))
        return said[-1]

    talk(proxy, answer)
    return said


CONVERSATIONS = [
    pytest.param(socks5(LOGIN), lambda: SocksSession(LOGIN, bound=BOUND["name"]), id="socks5"),
    pytest.param(socks4(), SocksSession, id="socks4"),
]


@pytest.mark.parametrize(("proxy", "session"), CONVERSATIONS)
def test_a_proxy_that_closes_anywhere(proxy: SOCKSProxy, session: Callable[[], SocksSession]) -> None:
    whole = answers_of(proxy, session())
    for number, last in enumerate(whole):
        for end in range(len(last)):
            with pytest.raises(ConnectError, match="made no tunnel: it closed the connection") as caught:
                talk(proxy, saying(*whole[:number], last[:end]))
            assert caught.value.retryable


@pytest.mark.parametrize(("proxy", "session"), CONVERSATIONS)
def test_a_proxy_that_says_more_than_it_should(
    proxy: SOCKSProxy, session: Callable[[], SocksSession]
) -> None:
    whole = answers_of(proxy, session())
    for number in range(len(whole)):
        with pytest.raises(ConnectError, match="what it says is not SOCKS"):
            talk(proxy, saying(*whole[:number], whole[number] + b"HTTP/1.1 200 OK"))


@given(
    st.sampled_from([socks5(), socks5(LOGIN), socks4()]),
    st.lists(st.sampled_from([b"\x05\x00", b"\x05\x02", b"\x01\x00"]), max_size=2),
    st.binary(max_size=300).flatmap(chunkings),
)
def test_garbage_is_a_tunnel_or_an_error_of_connecting(
    proxy: SOCKSProxy, before: list[bytes], pieces: list[bytes]
) -> None:
    flow = open_tunnel(Stream(), proxy, APP, None)
    coming = [*before, *pieces]
    # Anything else than these two is raised. Some garbage makes sense.
    with contextlib.suppress(StopIteration, ConnectError):
        effect = next(flow)
        while True:
            data = None if isinstance(effect, Send) else coming.pop(0) if coming else b""
            effect = flow.send((data, 1.0))


def test_an_http_proxy_is_recognised_in_the_error() -> None:
    with pytest.raises(ConnectError, match=r"is not SOCKS: HTTP/1\.1 400 Bad Request"):
        talk(socks5(), saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"))


@pytest.mark.parametrize(
    "reply", [b"\x04\x00\x00\x01" + bytes(6), b"\x05\x09\x00\x01" + bytes(6), b"\x05\x00\x00\x02\x00"]
)
def test_a_reply_that_there_is_not(reply: bytes) -> None:
    with pytest.raises(ConnectError, match="Malformed"):
        talk(socks5(), saying(b"\x05\x00", reply))


# As part of a request: its deadline, its cancellation, and where its credentials go.


def fetch(origin: Origin) -> Flow[None]:
    exchange, _ = yield Open(Request("GET", origin, "/"), None)
    try:
        yield ReadHead(exchange, None)
        while (yield ReadBody(exchange, None))[0]:
            pass
    finally:
        exchange.close()


class Network:
    """Carries out a request's effects, through a proxy that makes tunnels; what is received comes byte by byte."""

    def __init__(self, proxy: SOCKSProxy) -> None:
        self.pool = ConnectionPool(Limits(), Timeouts(connect=10.0), proxy=proxy)
        self.stream = Stream()
        self.sent: list[bytes] = []
        self.session = SocksSession(LOGIN)
        self._pending = b""

    def carry_out(self, effect: ByteEffect) -> object:
        if isinstance(effect, Connect):
            assert (effect.host, effect.port) == ("proxy", 1080)
            return self.stream
        if isinstance(effect, StartTLS):
            assert effect.server_hostname == "app.example"
            return self.stream
        if isinstance(effect, Send):
            self.sent.append(effect.data)
            self._pending += (
                b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
                if self.session.is_open
                else self.session.receive_data(effect.data)
            )
            return None
        if isinstance(effect, Receive):
            data, self._pending = self._pending[:1], self._pending[1:]
            return data
        assert isinstance(effect, Now)
        return None

    def begin(self, effects: int) -> tuple[ByteFlow[None], ByteEffect]:
        """A request, and the effect of that number, which is left without an answer."""
        flow: ByteFlow[None] = lower(fetch(SECURE), self.pool)
        effect = next(flow)
        for _ in range(effects):
            effect = flow.send((self.carry_out(effect), 1.0))
        return flow, effect


def test_a_request_through_a_tunnel_is_encrypted_for_the_app_alone() -> None:
    network = Network(socks5(LOGIN))
    kinds: list[type[ByteEffect]] = []
    flow, effect = network.begin(0)
    try:
        while True:
            kinds.append(type(effect))
            effect = flow.send((network.carry_out(effect), 1.0))
    except StopIteration:
        pass
    assert kinds.index(StartTLS) > kinds.index(Receive)
    assert network.session.target == ("app.example", 443)
    assert network.sent[-1].startswith(b"GET / HTTP/1.1\r\nhost: app.example\r\n")
    assert sum(b"me" in sent for sent in network.sent) == 1
    assert not network.stream.closed
    again: ByteFlow[None] = lower(fetch(SECURE), network.pool)
    assert type(next(again)) is IsQuiet  # the tunnel is kept
    again.close()


class Cancelled(BaseException):
    """An exception of the caller's world."""


TUNNEL_MADE = 19
"""The effect that comes after Now, Connect, three messages, and the bytes of their answers."""


def test_the_tunnel_that_is_cancelled_below_is_made_byte_by_byte() -> None:
    kinds = [type(Network(socks5(LOGIN)).begin(index)[1]) for index in range(TUNNEL_MADE + 1)]
    bytes_of_answers = 2 + 2 + 10
    assert kinds.count(Receive) == bytes_of_answers
    assert kinds[-1] is StartTLS


@pytest.mark.parametrize("thrown", [Cancelled(), TimedOut(), ConnectionLost("reset"), None], ids=repr)
@pytest.mark.parametrize("index", range(2, TUNNEL_MADE))
def test_whatever_happens_in_the_middle_closes_the_connection(
    index: int, thrown: BaseException | None
) -> None:
    network = Network(socks5(LOGIN))
    flow, _ = network.begin(index)
    if thrown is None:
        flow.close()
    else:
        with pytest.raises((Cancelled, DeadlineExceeded, ConnectError)) as caught:
            flow.throw(thrown)
        if isinstance(thrown, Cancelled):
            assert caught.value is thrown
        elif isinstance(thrown, TimedOut):
            late = caught.value
            assert isinstance(late, DeadlineExceeded)
            assert str(late) == "no connection to socks5://proxy:1080 in time"
            assert (late.kind, late.phase) == ("connect", "not_sent")
        else:
            assert str(caught.value) == "the proxy socks5://proxy:1080 made no tunnel: reset"
    assert network.stream.closed


# Proxies as people name them.


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("socks5://proxy:1081", SOCKSProxy(5, "proxy", 1081)),
        ("socks5h://proxy", SOCKSProxy(5, "proxy", 1080)),
        ("SOCKS5://Proxy/", SOCKSProxy(5, "proxy", 1080)),
        ("socks5://proxy:", SOCKSProxy(5, "proxy", 1080)),
        ("socks5://proxy:80/", SOCKSProxy(5, "proxy", 80)),
        ("socks5://[::1]", SOCKSProxy(5, "::1", 1080)),
        ("socks5://[::1]:9050", SOCKSProxy(5, "::1", 9050)),
        ("socks5://user:pass@proxy", SOCKSProxy(5, "proxy", 1080, b"user", b"pass")),
        ("socks5://us%20er:p%40s%3as%C3%A4@proxy", SOCKSProxy(5, "proxy", 1080, b"us er", b"p@s:s\xc3\xa4")),
        ("socks5://user@proxy", SOCKSProxy(5, "proxy", 1080, b"user")),
        ("socks4://proxy", SOCKSProxy(4, "proxy", 1080)),
        ("socks4a://user@proxy:1081", SOCKSProxy(4, "proxy", 1081, b"user")),
    ],
)
def test_the_url_of_a_socks_proxy(url: str, proxy: SOCKSProxy) -> None:
    assert parse_proxy(url) == proxy


@pytest.mark.parametrize(
    "url",
    [
        "socks://user:hunter2@proxy",
        "socks5://user:hunter2@",
        "socks5://user:hunter2@:1080",
        "socks5://user:hunter2@proxy:99999",
        "socks5://user:hunter2@pro xy",
        f"socks5://user:hunter2{'x' * 255}@proxy",
        f"socks5://{'u' * 256}:hunter2@proxy",
        "socks4://user:hunter2@proxy",
        "socks4://us%00er-hunter2@proxy",
    ],
)
def test_what_is_no_socks_proxy_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        parse_proxy(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_credentials_do_not_show() -> None:
    proxy = parse_proxy("socks5://user:hunter2@proxy")
    assert "hunter2" not in f"{proxy!r} {proxy}"
    assert str(parse_proxy("socks4a://[::1]")) == "socks4://[::1]:1080"


def test_without_its_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    with pytest.raises(ArgumentError, match=r"pip install 'gradio_proto\[socks\]'"):
        Client("http://app.example", proxy="socks5://proxy")


# On real sockets.


def through(url_or_port: int | str) -> str:
    """An address that only a proxy can make something of."""
    return f"http://app.example:{str(url_or_port).rpartition(':')[2]}"


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "socks4a"])
def test_a_client_through_a_proxy(scheme: str) -> None:
    app = TestApp()

    @app.endpoint("/count")
    def count(text: str) -> Any:
        for end in range(len(text)):
            yield text[: end + 1]

    with within(20), serve(app) as url, SocksProxy() as proxy:
        with Client(through(url), proxy=f"{scheme}://{proxy.address}") as client:
            assert list(client.submit("abc", api_name="/count")) == ["a", "ab", "abc"]
            assert client.predict("xyz", api_name="/count") == "xyz"
        assert {session.target for session in proxy.sessions} == {("app.example", int(url.split(":")[-1]))}
        assert all(session.by_name for session in proxy.sessions)


def test_its_password_goes_nowhere_else() -> None:
    with within(20), FaultyServer() as server, SocksProxy(LOGIN) as proxy:
        url = f"socks5://me:p%3A%C3%A4%20ss@{proxy.address}"
        with Client(through(server.port), proxy=url, headers={"x-secret": "app's"}) as client:
            assert client.predict("x") == "ok"
        assert {session.credentials for session in proxy.sessions} == {LOGIN}
        assert server.requests
        for request in server.requests:
            assert LOGIN[1] not in str(request)
            assert "proxy-authorization" not in request.headers
        for wrong in (f"socks5://me:guess@{proxy.address}", f"socks5://{proxy.address}"):
            with pytest.raises(ConnectError, match=r"refused the user name|wants a login") as caught:
                Client(through(server.port), proxy=wrong)
            assert "guess" not in str(caught.value)


def test_a_proxy_that_refuses_or_is_silent() -> None:
    with within(20), SocksProxy(code=2) as proxy:
        with pytest.raises(ConnectError, match="connection not allowed by ruleset"):
            Client(through(80), proxy=f"socks5://{proxy.address}")
        assert len(proxy.sessions) == 1  # it would refuse again
    with within(20), FaultyServer() as server:  # which waits for the end of a line
        url = f"socks5://127.0.0.1:{server.port}"
        with pytest.raises(DeadlineExceeded, match=f"no connection to {url} in time"):
            Client(through(80), proxy=url, max_retries=0, timeouts=SHORT)


@pytest.mark.parametrize("name", ["all_proxy", "http_proxy"])
def test_a_proxy_from_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in ("all_proxy", "http_proxy", "no_proxy"):
        monkeypatch.delenv(other, raising=False)
        monkeypatch.delenv(other.upper(), raising=False)
    with within(20), FaultyServer() as server, SocksProxy() as proxy:
        monkeypatch.setenv(name, f"socks5://{proxy.address}")
        with Client(through(server.port)) as client:
            assert client.predict("x") == "ok"
        made = len(proxy.sessions)
        assert made > 0
        with Client(server.url) as client:  # an app on this machine
            assert client.predict("x") == "ok"
        monkeypatch.setenv("no_proxy", "app.example")
        with pytest.raises(ConnectError):
            Client(through(server.port), max_retries=0)
        assert len(proxy.sessions) == made
