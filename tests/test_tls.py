"""TLS: verified unless the caller says otherwise, by one context, once for each connection."""

from __future__ import annotations

import gc
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest
import trustme
from faulty import SHORT, FaultyServer, Watched, within

from gradio_proto import Client
from gradio_proto.errors import ConnectError, ConnectionLost, DeadlineExceeded
from gradio_proto.testing import EmbeddedServer, TestApp, serve


@pytest.fixture(autouse=True)
def bounded(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    with within(15):
        yield
    assert capfd.readouterr() == ("", "")


@pytest.fixture(scope="module")
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    return context


@pytest.fixture
def url(server_context: ssl.SSLContext) -> Iterator[str]:
    app = TestApp(default_concurrency_limit=None)

    @app.endpoint("/echo")
    def echo(x: str) -> str:
        return x

    with EmbeddedServer(app, tls=server_context) as server:
        yield server.url


def test_a_context_of_ones_own(url: str, trusting: ssl.SSLContext) -> None:
    watched = Watched()
    with Client(url, ssl_context=trusting, transport=watched) as client:
        for number in range(10):
            assert client.predict(str(number)) == str(number)
        value = "é" * 3_000_000
        assert client.predict(value) == value
        jobs = [client.submit(str(number)) for number in range(20)]
        assert [job.result(10) for job in jobs] == [str(number) for number in range(20)]
    assert watched.connections <= 22, "a handshake for every request"


def test_few_handshakes(url: str, trusting: ssl.SSLContext) -> None:
    watched = Watched()
    with Client(url, ssl_context=trusting, transport=watched) as client:
        for number in range(10):
            client.predict(str(number))
    assert watched.connections <= 2


def test_an_unknown_authority_is_refused_at_once(url: str) -> None:
    began = time.monotonic()
    with pytest.raises(ConnectError, match="is not trusted") as caught:
        Client(url)
    assert time.monotonic() - began < 0.5, "it was tried again"
    assert not caught.value.retryable


def test_a_wrong_host_is_refused_at_once(server_context: ssl.SSLContext, authority: trustme.CA) -> None:
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.example").configure_cert(other)  # pyright: ignore[reportUnknownMemberType]
    context = ssl.create_default_context()
    authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]
    began = time.monotonic()
    with FaultyServer(tls=other) as server, pytest.raises(ConnectError, match="is not trusted") as caught:
        Client(server.url, ssl_context=context)
    assert time.monotonic() - began < 0.5
    assert not caught.value.retryable
    assert server.requests == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PYTHONHTTPSVERIFY", "0"),
        ("CURL_CA_BUNDLE", ""),
        ("REQUESTS_CA_BUNDLE", ""),
        ("SSL_VERIFY", "false"),
        ("GRADIO_SSL_VERIFY", "0"),
        ("HF_HUB_DISABLE_SSL_VERIFY", "1"),
    ],
)
def test_no_variable_switches_verification_off(
    variable: str, value: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConnectError, match="is not trusted"):
        Client(url)


def test_verification_can_be_switched_off(url: str) -> None:
    with Client(url, ssl_verify=False) as client:
        assert client.predict("x") == "x"


def test_http_where_tls_was_expected(trusting: ssl.SSLContext) -> None:
    with serve(TestApp()) as url, pytest.raises(ConnectError, match="no TLS with"):
        Client(url.replace("http", "https"), ssl_context=trusting, max_retries=0)


def test_tls_where_http_was_expected(url: str) -> None:
    with pytest.raises(Exception, match=r"closed|reset|HTTP/1\.1") as caught:
        Client(url.replace("https", "http"), max_retries=0, timeouts=SHORT)
    assert type(caught.value).__module__ == "gradio_proto.errors"


@pytest.mark.parametrize("how", ["silence", "end"])
def test_a_handshake_that_never_ends(how: str, trusting: ssl.SSLContext) -> None:
    """The deadline for connecting covers it, and the socket is closed, though it is no longer the one of the start."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepted: list[socket.socket] = []

        def accept() -> None:
            sock, _ = listener.accept()
            accepted.append(sock)
            if how == "end":
                sock.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        began = time.monotonic()
        expected = DeadlineExceeded if how == "silence" else ConnectError
        with pytest.raises(expected):
            Client(
                f"https://127.0.0.1:{listener.getsockname()[1]}",
                ssl_context=trusting,
                timeouts=SHORT,
                max_retries=0,
            )
        assert time.monotonic() - began < 1
        thread.join(5)
        accepted[0].settimeout(5)
        while accepted[0].recv(65536):
            pass  # the hello, and then the end
        accepted[0].close()
    gc.collect()


def test_a_stream_that_breaks_off_under_tls(server_context: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with (
        FaultyServer(tls=server_context) as server,
        Client(server.url, ssl_context=trusting, timeouts=SHORT) as client,
    ):
        for _ in range(3):
            assert client.predict("x") == "ok"
        server.handlers["queue/data"] = lambda peer, _: peer.close()
        assert isinstance(client.submit("x").exception(5), ConnectionLost)
    gc.collect()


def test_a_token_goes_over_https_and_not_over_http(url: str, trusting: ssl.SSLContext) -> None:
    with Client(url, token="hf_secret", ssl_context=trusting) as client:
        assert client.predict("x") == "x"
    with pytest.raises(ValueError, match="https only") as caught:
        Client("http://example.org", token="hf_secret")
    assert "hf_secret" not in str(caught.value)
