"""Where a proxy is, read from the URL by which people name it."""

from __future__ import annotations

import base64
from urllib.parse import unquote

from .errors import ArgumentError
from .exchange import Proxy
from .urls import parse_app_url


def parse_proxy(url: str) -> Proxy:
    """A proxy from ``http://host:port`` or ``http://user:password@host:port`` (https too).

    Raises:
        ArgumentError: It is no such URL. The URL is not quoted, since it may hold a password.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "http", url
    if scheme.lower() not in ("http", "https"):
        raise ArgumentError(
            "a proxy is an http:// or https:// URL; others (socks5:// and so on) are not supported"
        )
    credentials, at, address = rest.rpartition("@")
    try:
        parsed = parse_app_url(f"{scheme}://{address.rstrip('/')}")
    except ArgumentError:
        raise ArgumentError("the proxy's URL is no URL: write http://host:port") from None
    if not at:
        return Proxy(parsed.origin)
    user, _, password = credentials.partition(":")
    secret = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode("ascii")
    return Proxy(parsed.origin, (("proxy-authorization", f"Basic {secret}"),))
