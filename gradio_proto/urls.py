"""URLs: what the user typed, what is sent, and where a redirect leads.

Every part of a URL that this library sends goes through the one encoder below, :func:`encode_path_segment`,
so that no name, path or value from a user or a server can end a request line, start a query or climb out of
its folder. Everything here speaks of one *origin* (scheme, host, port): credentials belong to an origin, so
whether two URLs share one is decided in this module and nowhere else.

The origin is what the user typed. A server's ``root`` and ``api_prefix`` add a path at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from .errors import ArgumentError, LocalProtocolError, RemoteProtocolError

Scheme = Literal["http", "https"]

DEFAULT_PORTS: Final[dict[Scheme, int]] = {"http": 80, "https": 443}

# RFC 3986 appendix B, with the scheme's own grammar, so that "C:\\x" and "a b:c" are not taken for schemes.
_PARTS: Final = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?(?://(?P<authority>[^/?#]*))?"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#.*)?",
    re.DOTALL,
)
_AUTHORITY: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{0,5}))?")
# Underscores are no part of a host name, but of many a container's.
_HOST: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?")
_MAX_HOST: Final = 253
"""Characters of a domain name (RFC 1035). Python's IDNA codec takes quadratic time, so it needs a bound."""

_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\\]")
"""What nobody means in a URL, and parsers disagree about: control characters, spaces, backslashes."""

_NO_PATH: Final = re.compile(rf"{_FORBIDDEN.pattern}|[?#]")
_SPACE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_SPACE_PAGE: Final = re.compile(
    r"https://(?:huggingface\.co|hf\.co)/spaces/([^/?#]+/[^/?#]+)/?(?:[?#].*)?", re.DOTALL
)
_LOOPBACK_V4: Final = re.compile(r"127(?:\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}")

# RFC 3986's unreserved characters, and "=", which Gradio's own route "/file=<path>" holds.
_UNRESERVED: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_SAFE_PATH: Final = re.compile(r"[A-Za-z0-9\-._~=/]*")
_ESCAPES: Final = tuple(
    chr(byte) if chr(byte) in _UNRESERVED + "=" else f"%{byte:02X}" for byte in range(256)
)
_DOTS: Final = re.compile(r"(?<![^/])\.{1,2}(?![^/])")

# In a URL that is there already, valid escapes and RFC 3986's reserved characters stay as they are.
_REQUOTE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]")
_ENCODED_PATH: Final = re.compile(r"(?:/[A-Za-z0-9\-._~!$&'()*+,;=:@%]+)*")


class SpaceNameError(ArgumentError):
    """The name of a Hugging Face Space (``user/space``) was given where a URL is wanted.

    Attributes:
        space: The name, as it was given.
    """

    def __init__(self, space: str) -> None:
        super().__init__(
            f"{space!r} looks like the name of a Hugging Face Space, and a URL is wanted here: "
            f"give that of the app, such as 'https://user-space.hf.space'"
        )
        self.space = space


@dataclass(frozen=True, slots=True)
class Origin:
    """A scheme, a host and a port: what credentials belong to, and what one connection leads to.

    The host is normalised on the way in: lower case, non-ASCII names in IDNA form, IPv6 addresses without
    brackets in their shortest form. Two origins are the same exactly if they compare equal.

    Raises:
        ValueError: The scheme, host or port can be none.
    """

    scheme: Scheme
    """``"http"`` or ``"https"``."""
    host: str
    """The host's name or address, in ASCII, without brackets."""
    port: int
    """The TCP port, always given."""

    def __post_init__(self) -> None:
        if self.scheme not in DEFAULT_PORTS:
            raise ValueError(f"the scheme is http or https, not {self.scheme!r}")
        if not 0 < self.port < 65536:
            raise ValueError(f"the port is a number from 1 to 65535, not {self.port}")
        object.__setattr__(self, "host", _normal_host(self.host))

    @property
    def tls(self) -> bool:
        """Whether a connection to it is encrypted."""
        return self.scheme == "https"

    @property
    def netloc(self) -> str:
        """Host and port as a ``Host`` header wants them: the scheme's default port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine by its very name (nothing is looked up)."""
        return (
            self.host in ("localhost", "::1")
            or self.host.endswith(".localhost")
            or _LOOPBACK_V4.fullmatch(self.host) is not None
        )

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"


@dataclass(frozen=True, slots=True)
class AppURL:
    """Where an app is: an origin, and the path under which the app is mounted."""

    origin: Origin
    """The only origin that this app's requests, cookies and tokens go to."""
    base_path: str
    """The mount path, percent-encoded, without a slash at its end: ``""`` or ``"/sub/path"``."""

    def __str__(self) -> str:
        return f"{self.origin}{self.base_path}"


def space_name(text: str) -> str | None:
    """The name of the Hugging Face Space that a user means: ``user/space``, or the address of its page on the Hub.

    None for anything else. No file is looked for: a folder of that name is not meant.
    """
    page = _SPACE_PAGE.fullmatch(text)
    name = page[1] if page is not None else text
    is_name = _SPACE_NAME.fullmatch(name) is not None and not name.startswith("localhost/")
    return name if is_name else None


def parse_app_url(text: str) -> AppURL:
    """Read the URL of an app from the text that a user gave.

    A query (``?__theme=dark``) and a fragment, as copied from a browser, are dropped.

    Raises:
        SpaceNameError: It is a Space's name, ``user/space``.
        ArgumentError: It is no http(s) URL, or holds a user name, or characters that no URL holds.
    """
    if _FORBIDDEN.search(text):
        raise ArgumentError(
            f"{_quoted(text)} holds spaces, backslashes or control characters: encode or remove them"
        )
    match = _match(text)
    if match["authority"] is None or match["scheme"] is None:
        if space_name(text) is not None:
            raise SpaceNameError(text)
        raise ArgumentError(
            f"{_quoted(text)} is no URL: write it with its scheme, such as 'http://127.0.0.1:7860'"
        )
    if "@" in match["authority"]:
        raise ArgumentError("the URL holds a user name or a password: give them as auth=('user', 'password')")
    try:
        origin = _origin(match["scheme"], match["authority"])
    except ValueError as error:
        # A password with a slash in it is taken for a host and a path, and the reason would repeat it.
        reason = "it looks as if it holds a password" if "@" in text else error
        raise ArgumentError(f"cannot use {_quoted(text)}: {reason}") from None
    segments = [segment for segment in _without_dots(_requote(match["path"])).split("/") if segment]
    return AppURL(origin, "".join("/" + segment for segment in segments))


def parse_api_prefix(value: str) -> str:
    """Make a safe path of a config's ``api_prefix``: ``""``, or ``"/gradio_api"`` since Gradio 5.0.

    Raises:
        RemoteProtocolError: It is a URL, or a path that climbs.
    """
    segments = [segment for segment in value.split("/") if segment]
    climbs = any(_is_dots(segment) for segment in segments)
    if climbs or "://" in value or _NO_PATH.search(value):
        raise RemoteProtocolError("config.api_prefix is not a plain path", data=value)
    return "".join("/" + _requote(segment) for segment in segments)


def _quoted(text: str) -> str:
    return "the URL" if "@" in text else repr(without_secrets(text))


def without_secrets(text: str) -> str:
    """What may be shown of a URL that a user gave, whatever is wrong with it: not what an ``@`` follows, which may be a
    password, and not what stands behind a ``?`` or ``#``, which may be a token."""
    return "a URL" if "@" in text else re.split("[?#]", text, maxsplit=1)[0]


def encode_path_segment(text: str) -> str:
    """Percent-encode the text of one part of a path; the dots of ``.`` and ``..`` too, so that it cannot climb.

    Lone surrogates, which UTF-8 does not know, are encoded all the same: a server's file name may hold them.
    """
    if text in (".", ".."):
        return text.replace(".", "%2E")
    if "/" not in text and _SAFE_PATH.fullmatch(text):
        return text
    return "".join([_ESCAPES[byte] for byte in text.encode("utf-8", "surrogatepass")])


def encode_path(path: str) -> str:
    """Percent-encode a path of several segments, keeping its slashes."""
    if _SAFE_PATH.fullmatch(path) and not _DOTS.search(path):
        return path
    return "/".join([encode_path_segment(segment) for segment in path.split("/")])


def encode_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Percent-encode names and values into ``name=value&name=value``; a space becomes ``%20``, not ``+``."""
    return "&".join([f"{_encode_value(name)}={_encode_value(value)}" for name, value in pairs])


def target(base_path: str, api_prefix: str, route: str, query: Iterable[tuple[str, str]] = ()) -> str:
    """Build the request target (the path and query of a request line).

    Args:
        base_path: :attr:`AppURL.base_path`, encoded.
        api_prefix: What :func:`parse_api_prefix` returned, or ``""`` for a route that is never prefixed.
        route: The route as plain text, encoded here: ``"queue/join"``, ``"file=/tmp/a b.txt"``.
        query: Names and values as plain text, encoded here.

    Raises:
        LocalProtocolError: ``base_path`` or ``api_prefix`` is not an encoded path without a slash at its end.
    """
    for path in (base_path, api_prefix):
        if not _ENCODED_PATH.fullmatch(path):
            raise LocalProtocolError(f"{path!r} is no encoded path: use parse_app_url and parse_api_prefix")
    path = f"{base_path}{api_prefix}/{encode_path(route.removeprefix('/'))}"
    encoded = encode_query(query)
    return f"{path}?{encoded}" if encoded else path


def resolve(origin: Origin, target: str, location: str) -> tuple[Origin, str]:
    """Find where a ``Location`` (or another URL that a server names) leads, seen from one of our requests.

    Args:
        origin: The origin that was asked.
        target: The request target that was asked for.
        location: An absolute or relative URL; what is not ASCII in it is encoded.

    Returns:
        The origin and the request target it names. Whether to go there is the caller's decision.

    Raises:
        RemoteProtocolError: It is no http(s) URL, or holds credentials or control characters.
    """
    location = location.strip(" \t")
    # Browsers read "/\\host" and "/\t/host" as another host. Here a backslash is no slash, and never arrives.
    if _FORBIDDEN.search(location.replace(" ", "")):
        raise RemoteProtocolError("a URL holds control characters or backslashes", data=location)
    match = _match(location)
    scheme, authority, path, query = match.group("scheme", "authority", "path", "query")
    if authority is not None:
        if "@" in authority:
            raise RemoteProtocolError("a URL holds credentials")
        try:
            origin = _origin(scheme or origin.scheme, authority)
        except ValueError as error:
            raise RemoteProtocolError(f"cannot use a URL ({error})", data=location) from None
    elif scheme is not None:
        raise RemoteProtocolError("a URL is not of the form http(s)://host/path", data=location)
    else:
        base, _, base_query = target.partition("?")
        if not path:
            path = base
            query = base_query if query is None else query
        elif not path.startswith("/"):
            path = base[: base.rfind("/") + 1] + path
    path = "/" + _without_dots(_requote(path)).lstrip("/")
    return origin, f"{path}?{_requote(query)}" if query else path


def same_origin(origin: Origin, url: str) -> bool:
    """Whether ``url``, absolute or relative to ``origin``, stays on ``origin``; False for what is no URL."""
    try:
        return resolve(origin, "/", url)[0] == origin
    except RemoteProtocolError:
        return False


def _match(text: str) -> re.Match[str]:
    match = _PARTS.fullmatch(text)
    assert match is not None  # every part is optional, and the last one takes what is left
    return match


def _origin(scheme: str, authority: str) -> Origin:
    scheme = scheme.lower()
    for known, default in DEFAULT_PORTS.items():
        if scheme == known:
            match = _AUTHORITY.fullmatch(authority)
            if match is None:
                raise ValueError(f"{authority!r} is no host and port")
            host, port = match.group("host", "port")
            return Origin(known, host, int(port) if port else default)
    raise ValueError(f"the scheme is http or https, not {scheme!r}")


def _normal_host(host: str) -> str:
    if host.startswith("[") or ":" in host:
        # Imported here: an IPv6 address is rare, and the module takes milliseconds to import.
        from ipaddress import IPv6Address

        try:
            address = IPv6Address(host.removeprefix("[").removesuffix("]"))
        except ValueError:
            raise ValueError(f"{host[:_MAX_HOST]!r} is no IPv6 address") from None
        if address.scope_id is not None:
            raise ValueError(f"{host!r} names a zone, which only this machine knows")
        return str(address)
    if not host:
        raise ValueError("the host is missing")
    name = host
    if len(name) <= _MAX_HOST and not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            raise ValueError(f"{host!r} is no host name") from None
    name = name.lower()
    if len(name) > _MAX_HOST or not _HOST.fullmatch(name):
        raise ValueError(f"{host[:_MAX_HOST]!r} is no host name")
    return name


def _encode_value(text: str) -> str:
    # In a query, "=" separates: it is the one character that only a path may show.
    return encode_path_segment(text).replace("=", "%3D")


def _requote(text: str) -> str:
    return _REQUOTE.sub(
        lambda match: "".join([f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass")]), text
    )


def _is_dots(segment: str) -> bool:
    # WHATWG's URL standard takes the encoded forms for dot segments, and so do proxies.
    return segment.lower().replace("%2e", ".") in (".", "..")


def _without_dots(path: str) -> str:
    """Resolve the dot segments of an absolute path (RFC 3986 section 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if not _is_dots(segment):
            kept.append(segment)
        elif segment.count(".") + segment.lower().count("%2e") == 2 and len(kept) > 1:
            kept.pop()
    if _is_dots(segments[-1]):
        kept.append("")
    return "/".join(kept)
