"""What a server can try with cookies, and which of them come back to it."""

from __future__ import annotations

from typing import Any, Final

import canaries
from faulty import FaultyServer, Peer, Seen

from gradio_proto.errors import HTTPStatusError, RemoteProtocolError
from gradio_proto.limits import KIB

from .answers import Answer, says, stays
from .bench import Bench
from .model import Expected, Fault, Gives, raises
from .servers import faulty
from .uses import connects, predicts

DATE: Final = b"date: Sun, 22 Nov 2026 10:00:00 GMT"
"""The server's clock, by which it says when a cookie ends."""


def _sets(*cookies: bytes, headers: tuple[bytes, ...] = ()) -> Answer:
    """Cookies, with a redirect to where the usual answer is given."""
    lines = [b"set-cookie: " + cookie for cookie in cookies]
    head = [b"HTTP/1.1 302 Found", b"location: /config?again=1", b"content-length: 0", *headers, *lines]
    return says(b"\r\n".join([*head, b"", b""]), then=stays)


async def _sent(bench: Bench) -> Any:
    """The cookies that come with the join, without the user's own."""
    async with bench.client() as client:
        await client.predict("hello")
    (join,) = bench.server.seen("queue/join")
    own = f"sid={canaries.COOKIE}"
    return [cookie for cookie in join.headers.get("cookie", "").split("; ") if cookie and cookie != own]


def _fault(name: str, happens: str, answer: Answer, *expected: str) -> Fault:
    return Fault(
        id=f"cookies/{name}",
        happens=happens,
        phase="connect",
        served=faulty({"config": answer}),
        use=_sent,
        expect=Gives([*expected]),
    )


def _kept(name: str, what: str, *cookies: bytes) -> Fault:
    """A cookie ``a`` that is sent again, whatever is odd about it."""
    return _fault(name, f"A cookie is set {what}.", _sets(*cookies, headers=(DATE,)), "a=1")


def _dropped(name: str, what: str, *cookies: bytes) -> Fault:
    """A cookie that is not sent again."""
    return _fault(name, f"A cookie is set {what}.", _sets(*cookies, headers=(DATE,)))


KEPT: Final = (
    _kept("plain", "with nothing odd about it", b"a=1"),
    _kept("white-space", "with white space around everything", b" \ta \t= \t1 \t; \tPath \t= \t/ \t"),
    _kept(
        "attributes-odd",
        "with attributes that nobody knows, or that say nothing",
        b"a=1; ; ;=; =x; Path; Max-Age; Max-Age=soon; Expires=never; Domain; Foo=bar; SameSite=Odd; HttpOnly=no",
    ),
    _kept(
        "other-domain",
        "for another domain: it stays with the host that has set it",
        b"a=1; Domain=evil.example",
    ),
    _kept("all-domains", "for all domains", b"a=1; Domain=."),
    _kept("path-of-app", "for the path of the routes", b"a=1; Path=/gradio_api"),
    _kept("path-odd", "for a path that is none", b"a=1; Path=anywhere"),
    _kept("path-control", "for a path that holds control characters", b"a=1; Path=/x\x01y"),
    _kept("max-age", "for an hour", b"a=1; Max-Age=3600"),
    _kept("max-age-huge", "for a number of seconds with a thousand digits", b"a=1; Max-Age=" + b"9" * 1000),
    _kept(
        "max-age-first",
        "with a Max-Age to come and an Expires that is past",
        b"a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    ),
    _kept("max-age-fraction", "for a Max-Age that is no number", b"a=1; Max-Age=1.5"),
    _kept("expires", "with an Expires to come", b"a=1; Expires=Sun, 22 Nov 2026 11:00:00 GMT"),
    _kept(
        "expires-dashes",
        "with an Expires to come, in Netscape's form",
        b"a=1; Expires=Sunday, 22-Nov-26 11:00:00 GMT",
    ),
    _kept(
        "expires-asctime", "with an Expires to come, in C's form", b"a=1; Expires=Sun Nov 22 11:00:00 2026"
    ),
    _kept(
        "expires-odd",
        "with an Expires on a day that there is not",
        b"a=1; Expires=Sun, 42 Nov 1970 11:00:00 GMT",
    ),
    _kept("twice", "twice: the last one counts", b"a=0", b"a=1"),
    _kept("set-again", "after it was deleted", b"a=0", b"a=; Max-Age=0", b"a=1"),
    _kept("deleted-elsewhere", "and deleted for another path", b"a=1", b"a=; Path=/x; Max-Age=0"),
    _kept("after-large", "beside one that is longer than the limit", b"b=" + b"x" * (5 * KIB), b"a=1"),
    _kept(
        "after-nonsense", "beside ones that are none", b"", b"=", b"=1", b"novalue", b";", b"a b=1", b"a=1"
    ),
    _fault(
        "host-prefix",
        "A cookie has the prefix __Host- without what that promises: no other host is sent it, as always.",
        _sets(b"__Host-a=1"),
        "__Host-a=1",
    ),
    _fault("empty", "A cookie with an empty value is set.", _sets(b"a="), "a="),
    _fault("equals", "A cookie has equals signs in its value.", _sets(b"a=b=c=="), "a=b=c=="),
    _fault(
        "quoted", "A cookie has a quoted value, with a blank and a comma.", _sets(b'a="x, y"'), 'a="x, y"'
    ),
    _fault(
        "two-in-one",
        "Two cookies stand in one header, with a comma between them.",
        _sets(b"a=1, b=2"),
        "a=1, b=2",
    ),
    _fault("case", "Two cookies differ by the case of their names.", _sets(b"a=1", b"A=2"), "a=1", "A=2"),
    _fault(
        "paths",
        "Cookies of one name are set for paths within each other: the nearest one comes first.",
        _sets(b"a=1; Path=/", b"a=2; Path=/gradio_api/queue", b"a=3; Path=/gradio_api"),
        "a=2",
        "a=3",
        "a=1",
    ),
    _fault(
        "many",
        "Sixty cookies are set at once: fifty are kept, the last ones.",
        _sets(*[b"c%d=1" % number for number in range(60)]),
        *[f"c{number}=1" for number in range(10, 60)],
    ),
    _fault(
        "large",
        "A cookie of exactly 4 KiB is set.",
        _sets(b"a=" + b"x" * (4 * KIB - 2)),
        "a=" + "x" * (4 * KIB - 2),
    ),
)

DROPPED: Final = (
    _dropped("too-large", "that is a byte longer than 4 KiB", b"a=" + b"x" * (4 * KIB - 1)),
    _dropped("attributes-large", "with attributes of more than 4 KiB", b"a=1; x=" + b"x" * (4 * KIB)),
    _dropped("secure", "for https alone, over http", b"a=1; Secure"),
    _dropped("secure-odd", "for https alone, over http, in another spelling", b"a=1; seCURe=false"),
    _dropped("host-prefix-secure", "with the prefix __Host-, over http", b"__Host-a=1; Secure; Path=/"),
    _dropped("control", "with a control character in its value", b"a=1\x01"),
    _dropped("control-name", "with a control character in its name", b"a\x01=1"),
    _dropped("escape", "with an escape character in its value", b"a=\x1b[2J"),
    _dropped("delete-character", "with a DEL in its value", b"a=1\x7f"),
    _dropped("latin", "with bytes in its value that are no ASCII", b"a=\xe4"),
    _dropped("name-latin", "with bytes in its name that are no ASCII", b"\xc3\xa4=1"),
    _dropped("no-name", "without a name", b"=1"),
    _dropped("no-equals", "without an equals sign", b"a"),
    _dropped("other-path", "for another path", b"a=1; Path=/other"),
    _dropped("path-beginning", "for a path that is the beginning of a name", b"a=1; Path=/gradio"),
    _dropped("past", "with a Max-Age of 0", b"a=1; Max-Age=0"),
    _dropped("past-negative", "with a negative Max-Age", b"a=1; Max-Age=-99999999999999999999"),
    _dropped("past-expires", "with an Expires in 1970", b"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
    _dropped(
        "past-by-its-clock",
        "with an Expires that is past by the server's clock",
        b"a=1; Expires=Sun, 22 Nov 2026 09:59:59 GMT",
    ),
    _dropped("deleted", "and deleted at once", b"a=1", b"a=; Expires=Thu, 01-Jan-70 00:00:00 GMT"),
    _dropped("deleted-by-max-age", "and deleted at once, by its Max-Age", b"a=1", b"a=gone; Max-Age=0"),
)


def _hints(peer: Peer, request: Seen, server: FaultyServer) -> None:
    peer.send(b"HTTP/1.1 103 Early Hints\r\nset-cookie: a=1\r\n\r\n")
    _sets()(peer, request, server)


def _told(peer: Peer, _: Seen, __: FaultyServer) -> None:
    peer.json({"detail": "no"}, "500 Internal Server Error", set_cookie=f"sid={canaries.SESSION_COOKIE}")


def _shown(peer: Peer, request: Seen, server: FaultyServer) -> None:
    detail = f"{request.headers.get('cookie')} {canaries.SESSION_COOKIE}"
    peer.json({"detail": detail}, "500 Internal Server Error", set_cookie=f"sid2={canaries.SESSION_COOKIE}")


async def _on_stream(bench: Bench) -> Any:
    """The cookies that come with the request for the stream."""
    async with bench.client() as client:
        await client.predict("hello")
    (stream,) = bench.server.seen("queue/data")
    return stream.headers["cookie"].endswith("; a=1")


def _joins_with_cookie(peer: Peer, _: Seen, server: FaultyServer) -> None:
    server.jobs += 1
    peer.json({"event_id": f"e{server.jobs}"}, set_cookie="a=1; Path=/")


def _config_raw(name: str, happens: str, cookie: bytes, expect: Expected) -> Fault:
    return Fault(
        id=f"cookies/{name}",
        happens=happens,
        phase="connect",
        served=faulty({"config": _sets(cookie)}),
        use=connects,
        expect=expect,
    )


REST: Final = (
    _fault("hints", "A cookie is set by an informational response, which is not the answer.", _hints),
    _fault(
        "own",
        "The server deletes a cookie that the user has given, and sets another of that name.",
        _sets(b"sid=; Path=/; Max-Age=0", b"sid=theirs; Path=/"),
        "sid=theirs",
    ),
    Fault(
        id="cookies/from-join",
        happens="The reply to the join sets a cookie: the stream must have it, where a load balancer looks for it.",
        phase="join",
        served=faulty({"queue/join": _joins_with_cookie}),
        use=_on_stream,
        expect=Gives(True),
    ),
    Fault(
        id="cookies/from-refusal",
        happens="A join that is refused sets a cookie by which somebody is logged in.",
        phase="join",
        served=faulty({"queue/join": _told}),
        use=predicts,
        expect=raises(HTTPStatusError, "answered 500", status=500),
    ),
    Fault(
        id="cookies/shown",
        happens="A join that is refused says the cookies that were sent, and the one that it sets.",
        phase="join",
        served=faulty({"queue/join": _shown}),
        use=predicts,
        expect=raises(HTTPStatusError, "answered 500", status=500),
    ),
    _config_raw(
        "nul",
        "A cookie is set with a NUL in its value.",
        b"a=1\0",
        raises(RemoteProtocolError, "not HTTP/1.1", retryable=False),
    ),
)

FAULTS: tuple[Fault, ...] = (*KEPT, *DROPPED, *REST)
