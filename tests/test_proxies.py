"""Proxies as people name them: their origin, and credentials that show nowhere."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_proto.errors import ArgumentError
from gradio_proto.exchange import Proxy
from gradio_proto.proxies import parse_proxy
from gradio_proto.urls import Origin, encode_path_segment


def http_proxy(url: str) -> Proxy:
    """An HTTP proxy; those for SOCKS are in test_socks.py."""
    proxy = parse_proxy(url)
    assert isinstance(proxy, Proxy)
    return proxy


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://proxy:3128", Origin("http", "proxy", 3128)),
        ("http://proxy:3128/", Origin("http", "proxy", 3128)),
        ("HTTP://Proxy", Origin("http", "proxy", 80)),
        ("https://proxy", Origin("https", "proxy", 443)),
        ("proxy:3128", Origin("http", "proxy", 3128)),
        ("127.0.0.1:8080", Origin("http", "127.0.0.1", 8080)),
        ("http://[::1]:8080", Origin("http", "::1", 8080)),
    ],
)
def test_a_proxy_is_an_origin(url: str, origin: Origin) -> None:
    proxy = http_proxy(url)
    assert proxy.origin == origin
    assert proxy.headers == ()


@pytest.mark.parametrize(
    ("credentials", "secret"),
    [
        ("user:password", "user:password"),
        ("user", "user:"),
        ("user:", "user:"),
        (":token", ":token"),
        ("user:a:b", "user:a:b"),
        ("user:p@ss", "user:p@ss"),
        ("us%20er:p%40ss%3a", "us er:p@ss:"),
        ("üser:pässword", "üser:pässword"),
    ],
)
@pytest.mark.parametrize("prefix", ["http://", "https://", ""])
def test_credentials_become_basic_authentication(prefix: str, credentials: str, secret: str) -> None:
    proxy = http_proxy(f"{prefix}{credentials}@proxy:3128")
    assert (proxy.origin.host, proxy.origin.port) == ("proxy", 3128)
    ((name, value),) = proxy.headers
    assert name == "proxy-authorization"
    assert value == "Basic " + base64.b64encode(secret.encode()).decode()
    assert value not in repr(proxy)


@given(user=st.text(max_size=10), password=st.text(max_size=10))
def test_credentials_survive_their_encoding(user: str, password: str) -> None:
    user = user.encode("utf-8", "replace").decode()
    password = password.encode("utf-8", "replace").decode()
    url = f"http://{encode_path_segment(user)}:{encode_path_segment(password)}@proxy"
    ((_, value),) = http_proxy(url).headers
    assert value.isascii()
    assert value.isprintable()
    assert base64.b64decode(value.removeprefix("Basic ")).decode() == f"{user}:{password}"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "http://user:hunter2@",
        "http://user:hunter2@proxy:99999",
        "http://user:hunter2@pro xy:3128",
        "http://user:hunter2@proxy:port",
        "ftp://user:hunter2@proxy",
        "user:hunter2://proxy",
        "://proxy",
    ],
)
def test_what_is_no_proxy_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        parse_proxy(url)
    assert "http://" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
