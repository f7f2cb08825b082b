"""What the environment says about proxies (``HTTPS_PROXY``, ``ALL_PROXY``, ``NO_PROXY`` and their like)."""

from __future__ import annotations

from gradio_proto.errors import ArgumentError
from gradio_proto.exchange import Proxy
from gradio_proto.proxies import parse_proxy
from gradio_proto.socks import SOCKSProxy
from gradio_proto.urls import Origin


def proxy_from_environment(origin: Origin) -> Proxy | SOCKSProxy | None:
    """The proxy that the environment names for an origin, read as the standard library reads it.

    Raises:
        ArgumentError: It names one that cannot be used.
    """
    # Imported here: it takes as long as the rest of the library, and few programs have a proxy.
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    url = proxies.get(origin.scheme) or proxies.get("all")
    if not url or proxy_bypass(origin.netloc):
        return None
    try:
        return parse_proxy(url)
    except ArgumentError as error:
        raise ArgumentError(f"the environment names a proxy that cannot be used: {error}") from error
