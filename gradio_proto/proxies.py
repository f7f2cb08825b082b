"""Where a proxy is, read from the URL by which people name it."""

from __future__ import annotations

import base64
import re
from typing import Final, Literal
from urllib.parse import unquote, unquote_to_bytes

from .errors import ArgumentError
from .exchange import Proxy
from .socks import DEFAULT_PORT, SOCKSProxy, check_socksio
from .urls import parse_app_url

_SOCKS: Final[dict[str, Literal[4, 5]]] = {"socks5": 5, "socks5h": 5, "socks4": 4, "socks4a": 4}
"""The "h" and the "a" ask for names to be looked up by the proxy, which is always done."""

_PORT: Final = re.compile(r":[0-9]+/*\Z")


def parse_proxy(url: str) -> Proxy | SOCKSProxy:
    """A proxy from ``http://host:port`` or ``http://user:password@host:port``; ``https``, ``socks5`` (or ``socks5h``)
    and ``socks4`` (or ``socks4a``) too.

    Raises:
        ArgumentError: It is no such URL, or a SOCKS proxy's and the extra for it is not installed. The URL is not
            quoted, since it may hold a password.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "http", url
    scheme = scheme.lower()
    version = _SOCKS.get(scheme)
    if version is None and scheme not in ("http", "https"):
        raise ArgumentError("a proxy is an http://, https://, socks5:// or socks4:// URL")
    credentials, at, address = rest.rpartition("@")
    if version is not None and not _PORT.search(address):
        address = f"{address.rstrip('/:')}:{DEFAULT_PORT}"
    try:
        parsed = parse_app_url(f"{'http' if version else scheme}://{address.rstrip('/')}")
    except ArgumentError:
        raise ArgumentError(f"the proxy's URL is no URL: write {scheme}://host:port") from None
    user, _, password = credentials.partition(":")
    if version is not None:
        check_socksio()
        origin = parsed.origin
        return SOCKSProxy(
            version, origin.host, origin.port, unquote_to_bytes(user), unquote_to_bytes(password)
        )
    if not at:
        return Proxy(parsed.origin)
    secret = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode("ascii")
    return Proxy(parsed.origin, (("proxy-authorization", f"Basic {secret}"),))
