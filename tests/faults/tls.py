"""What can be wrong with a certificate, or happen while TLS begins and ends."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import ssl
import tempfile
import threading
import warnings
from collections.abc import Callable, Generator
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from typing import Any, Final

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from faulty import FaultyServer, Peer, Seen

from gradio_proto.errors import ConnectError, ConnectionLost, DeadlineExceeded
from gradio_proto.flows.requests import RedirectedElsewhere
from gradio_proto.testing import TestApp
from gradio_proto.timeouts import Timeouts

from .answers import Answer, joins, says
from .bench import Bench
from .model import Expected, Fault, Gives, Served, Use, raises
from .servers import faulty
from .uses import connects, only_predicts, predicts

LOOPBACK: Final = "127.0.0.1"
NOW: Final = datetime.now(timezone.utc)
DAY: Final = timedelta(days=1)


@functools.cache
def _authority() -> trustme.CA:
    """The authority that the clients here trust."""
    return trustme.CA()


@functools.cache
def _stranger() -> trustme.CA:
    """Another one, which no client trusts."""
    return trustme.CA()


def _server(
    *names: str, by: Callable[[], trustme.CA] = _authority, **validity: Any
) -> Callable[[], ssl.SSLContext]:
    """A server's context with a certificate for these names."""

    def make() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate = by().issue_cert(*(names or (LOOPBACK,)), **validity)
        certificate.configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
        return context

    return make


def _changed(change: Callable[[ssl.SSLContext], None]) -> Callable[[], ssl.SSLContext]:
    """A server's context with something else about it."""

    def make() -> ssl.SSLContext:
        context = _server()()
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # of versions that are too old: that is the fault
            change(context)
        return context

    return make


def _trusting() -> ssl.SSLContext:
    """A client's context that trusts the authority."""
    context = ssl.create_default_context()
    _authority().configure_trust(context)  # pyright: ignore[reportUnknownMemberType]
    return context


def _trusted(use: Use) -> Use:
    """The same use, with a client that trusts the authority."""

    async def trusting(bench: Bench) -> Any:
        bench.options = {"ssl_context": _trusting(), **bench.options}
        return await use(bench)

    return trusting


@functools.cache
def _self_signed() -> bytes:
    """A certificate for this host that nobody but itself has signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, LOOPBACK)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(pem)


def _signs_itself() -> ssl.SSLContext:
    """The context of a server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(_self_signed())
        file.flush()
        context.load_cert_chain(file.name)
    return context


def _known(served: Served) -> Served:
    """The same server, on a machine that knows the authority: there is nothing that a user would have to say."""

    @contextlib.contextmanager
    def serve(bench: Bench) -> Generator[str]:
        path = bench.directory / "authorities.pem"
        _authority().cert_pem.write_to_path(str(path))
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = str(path)
        try:
            with served(bench) as url:
                yield url
        finally:
            if before is None:
                del os.environ["SSL_CERT_FILE"]
            else:
                os.environ["SSL_CERT_FILE"] = before

    return serve


QUIET: Final[dict[str, Any]] = {"max_retries": 0}
"""A request that failed is not made again: it would fail again."""

NOT_TRUSTED: Final = raises(ConnectError, "is not trusted", phase="not_sent", retryable=False)
OF_ANOTHER: Final = raises(
    ConnectError, "is not trusted: IP address mismatch", phase="not_sent", retryable=False
)
SELF_SIGNED: Final = raises(ConnectError, "is not trusted: self", phase="not_sent", retryable=False)
NO_TLS: Final = raises(ConnectError, "no TLS with", phase="not_sent")


def _fault(
    name: str, happens: str, served: Served, expect: Expected, *, use: Use = only_predicts, **options: Any
) -> Fault:
    return Fault(
        id=f"tls/{name}",
        happens=happens,
        phase="connect",
        served=served,
        use=_trusted(use),
        expect=expect,
        options={**QUIET, **options},
    )


def _default(name: str, happens: str, served: Served, expect: Expected, use: Use = only_predicts) -> Fault:
    """A fault of a client whose user has said nothing of certificates."""
    return Fault(
        id=f"tls/{name}",
        happens=happens,
        phase="connect",
        served=served,
        use=use,
        expect=expect,
        options=QUIET,
    )


CERTIFICATES: Final = (
    _fault("well", "The certificate is as it should be.", faulty(tls=_server()), Gives(), use=connects),
    _fault(
        "wrong-host", "The certificate is another host's.", faulty(tls=_server("app.example")), NOT_TRUSTED
    ),
    _fault(
        "wrong-address",
        "The certificate is another address's.",
        faulty(tls=_server("127.0.0.2")),
        NOT_TRUSTED,
    ),
    _fault(
        "wildcard",
        "The certificate is for all names of a domain, and none of them was asked for.",
        faulty(tls=_server("*.example.com")),
        NOT_TRUSTED,
    ),
    _fault(
        "expired",
        "The certificate ended yesterday.",
        faulty(tls=_server(not_before=NOW - 9 * DAY, not_after=NOW - DAY)),
        raises(ConnectError, "is not trusted: certificate has expired", phase="not_sent", retryable=False),
    ),
    _fault(
        "not-yet",
        "The certificate begins tomorrow.",
        faulty(tls=_server(not_before=NOW + DAY, not_after=NOW + 9 * DAY)),
        raises(
            ConnectError, "is not trusted: certificate is not yet valid", phase="not_sent", retryable=False
        ),
    ),
    _fault(
        "unknown-authority",
        "Nobody knows who has signed the certificate.",
        faulty(tls=_server(by=_stranger)),
        NOT_TRUSTED,
    ),
    _default(
        "default",
        "The certificate is signed by an authority that this machine does not know.",
        faulty(tls=_server()),
        NOT_TRUSTED,
    ),
    _default(
        "default-well",
        "The certificate is signed by an authority that this machine knows.",
        _known(faulty(tls=_server())),
        Gives(),
        connects,
    ),
    _default(
        "default-wrong-host",
        "The certificate is another host's, and signed by an authority that this machine knows.",
        _known(faulty(tls=_server("app.example"))),
        OF_ANOTHER,
    ),
    _default(
        "default-self-signed",
        "The certificate is signed by itself.",
        _known(faulty(tls=_signs_itself)),
        SELF_SIGNED,
    ),
    _fault(
        "self-signed",
        "The certificate is signed by itself, and the user trusts an authority of theirs.",
        faulty(tls=_signs_itself),
        SELF_SIGNED,
    ),
    Fault(
        id="tls/not-verified",
        happens="Nobody knows who has signed the certificate, and the user does not want to.",
        phase="connect",
        served=faulty(tls=_server(by=_stranger)),
        use=connects,
        expect=Gives(),
        options={"ssl_verify": False},
    ),
)


def _too_old(context: ssl.SSLContext) -> None:
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1


def _at_most_1_2(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def _wants_certificate(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_REQUIRED
    _authority().configure_trust(context)  # pyright: ignore[reportUnknownMemberType]


def _wants_certificate_early(context: ssl.SSLContext) -> None:
    _at_most_1_2(context)
    _wants_certificate(context)


VERSIONS: Final = (
    _fault("old", "The server speaks no TLS later than 1.1.", faulty(tls=_changed(_too_old)), NO_TLS),
    _fault(
        "tls-1-2", "The server speaks no TLS later than 1.2.", faulty(tls=_changed(_at_most_1_2)), Gives()
    ),
    _fault(
        "client-certificate",
        "The server wants a certificate of the client, which TLS 1.3 says after the handshake.",
        faulty(tls=_changed(_wants_certificate)),
        raises(
            ConnectionLost,
            "the server wants a certificate of yours",
            phase="sent_unknown",
            retryable=False,
        ),
    ),
    _fault(
        "client-certificate-1-2",
        "The server wants a certificate of the client, which TLS 1.2 says in the handshake.",
        faulty(tls=_changed(_wants_certificate_early)),
        NO_TLS,
    ),
)


# Servers that do not get as far as TLS.


def _instead(speaks: Callable[[socket.socket], None]) -> Served:
    """A server that says something else in the place of a handshake, to every connection."""

    @contextlib.contextmanager
    def serve(_: Bench) -> Generator[str]:
        with socket.create_server((LOOPBACK, 0)) as listener:
            open_now: list[socket.socket] = []

            def accept() -> None:
                with contextlib.suppress(OSError):
                    while True:
                        sock, _ = listener.accept()
                        open_now.append(sock)
                        sock.recv(65536)
                        speaks(sock)

            thread = threading.Thread(target=accept, name="no TLS", daemon=True)
            thread.start()
            try:
                yield f"https://{LOOPBACK}:{listener.getsockname()[1]}"
            finally:
                with contextlib.suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
                for sock in open_now:
                    sock.close()
                thread.join(5)
                assert not thread.is_alive()

    return serve


def _speaks(data: bytes, *, ends: bool = True) -> Served:
    def speaks(sock: socket.socket) -> None:
        sock.sendall(data)
        if ends:
            sock.shutdown(socket.SHUT_RDWR)

    return _instead(speaks)


def _resets(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    sock.close()


@contextlib.contextmanager
def _not_tls(bench: Bench) -> Generator[str]:
    """A server of plain HTTP, under an https URL."""
    with faulty()(bench) as url:
        yield url.replace("http://", "https://")


@contextlib.contextmanager
def _not_plain(bench: Bench) -> Generator[str]:
    """A server of https, under an http URL."""
    with faulty(tls=_server())(bench) as url:
        yield url.replace("https://", "http://")


SERVER_HELLO: Final = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"
"""The beginning of what a server answers first."""
SLOW: Final = raises(DeadlineExceeded, "no connection", kind="connect", phase="not_sent", retryable=True)

HANDSHAKES: Final = (
    _fault(
        "not-tls",
        "The server speaks plain HTTP where TLS was meant, and waits for the end of a line.",
        _not_tls,
        SLOW,
        timeouts=Timeouts(connect=0.4),
    ),
    _fault(
        "not-plain",
        "The server speaks TLS where plain HTTP was meant.",
        _not_plain,
        raises(ConnectionLost, phase="sent_unknown"),
    ),
    _fault("handshake-closed", "The connection is closed in the place of a handshake.", _speaks(b""), NO_TLS),
    _fault(
        "handshake-reset", "The connection is reset in the place of a handshake.", _instead(_resets), NO_TLS
    ),
    _fault("handshake-cut", "The connection is closed within the handshake.", _speaks(SERVER_HELLO), NO_TLS),
    _fault(
        "handshake-silent",
        "The handshake is never answered.",
        _speaks(b"", ends=False),
        SLOW,
        timeouts=Timeouts(connect=0.4),
    ),
    _fault(
        "handshake-stops",
        "The handshake stops in the middle.",
        _speaks(SERVER_HELLO, ends=False),
        SLOW,
        timeouts=Timeouts(connect=0.4),
    ),
    _fault(
        "handshake-garbage",
        "The handshake is answered by bytes that mean nothing.",
        _speaks(bytes(range(256))),
        NO_TLS,
    ),
    _fault(
        "handshake-refused",
        "The handshake is answered by an alert.",
        _speaks(b"\x15\x03\x03\x00\x02\x02\x28"),
        NO_TLS,
    ),
    _fault(
        "handshake-http",
        "The handshake is answered by HTTP.",
        _speaks(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"),
        raises(ConnectError, "it may be a server of plain http://", phase="not_sent"),
    ),
    _fault(
        "handshake-large",
        "The handshake is answered by a record that is larger than any may be.",
        _speaks(b"\x16\x03\x03\xff\xff" + b"x" * 65535),
        NO_TLS,
    ),
)


# How it ends.

BODY: Final = b'{"event_id": "@ID@"}'
CUT_SAID: Final = raises(
    ConnectionLost, "closed, and not as TLS is: it may have been cut", phase="sent_unknown", retryable=False
)
CUT: Final = raises(ConnectionLost, phase="sent_unknown", retryable=False)


def _ends_well(peer: Peer, _: Seen, __: FaultyServer) -> None:
    """TLS is ended as it should be, which tells an end from a connection that somebody else has cut."""
    assert isinstance(peer.sock, ssl.SSLSocket)
    peer.sock.unwrap().close()


def _at_join(name: str, happens: str, answer: Answer, expect: Expected) -> Fault:
    return Fault(
        id=f"tls/{name}",
        happens=happens,
        phase="join",
        served=faulty({"queue/join": answer}, tls=_server()),
        use=_trusted(predicts),
        expect=expect,
    )


ENDS: Final = (
    _at_join(
        "end",
        "A reply that ends with its connection is ended as TLS has it.",
        joins(says(b"HTTP/1.1 200 OK\r\n\r\n" + BODY, then=_ends_well)),
        Gives(),
    ),
    _at_join(
        "truncated",
        "A reply that ends with its connection is ended by TCP alone: anybody on the way can do that.",
        joins(says(b"HTTP/1.1 200 OK\r\n\r\n" + BODY)),
        CUT_SAID,
    ),
    _at_join(
        "truncated-length",
        "A reply whose length is known is whole, and its connection is ended by TCP alone.",
        joins(says(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 18\r\n\r\n" + BODY)),
        Gives(),
    ),
    _at_join(
        "truncated-chunks",
        "A reply in chunks is ended by TCP alone, before the last one.",
        joins(says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n12\r\n" + BODY + b"\r\n")),
        CUT,
    ),
    _at_join(
        "truncated-head",
        "The connection is ended by TCP alone before there is an answer.",
        says(),
        CUT,
    ),
)


def _swaps(peer: Peer, _: Seen, __: FaultyServer) -> None:
    """The next connection is to somebody else."""
    assert isinstance(peer.sock, ssl.SSLSocket)
    _stranger().issue_cert(LOOPBACK).configure_cert(peer.sock.context)  # pyright: ignore[reportUnknownMemberType]
    peer.json(TestApp().info(), connection="close")


OTHERS: Final = (
    _fault(
        "swapped",
        "The server has another certificate at the next connection, which nobody trusts.",
        faulty({"info": _swaps}, tls=_server()),
        NOT_TRUSTED,
    ),
    _fault(
        "downgrade",
        "An app with TLS redirects to one without.",
        faulty(
            lambda bench: {
                "config": lambda peer, _, server: peer.reply(
                    b"", "302 Found", location=f"http://127.0.0.1:{server.port}/config"
                )
            },
            tls=_server(),
        ),
        raises(RedirectedElsewhere, "redirects to another origin", retryable=False),
    ),
)


@contextlib.contextmanager
def _upgrades(bench: Bench) -> Generator[str]:
    """A server of plain HTTP that leads to one with TLS, on its host."""
    with faulty(tls=_server())(bench) as url:
        secure = bench.server
        with faulty(
            {"config": lambda peer, _, __: peer.reply(b"", "301 Moved", location=f"{url}/config")}, times=None
        )(bench) as plain:
            bench.server = secure
            yield plain


async def _as_nobody(bench: Bench) -> Any:
    async with bench.client(token=None, headers={}, cookies={}) as client:
        return await client.predict("hello")


UPGRADES: Final = (
    _fault(
        "upgrade",
        "An app without TLS redirects to one with it, on its host, and the user has given no secret.",
        _upgrades,
        Gives(),
        use=_as_nobody,
    ),
    _fault(
        "upgrade-with-secrets",
        "An app without TLS redirects to one with it, and secrets have gone out in clear.",
        _upgrades,
        raises(RedirectedElsewhere, "redirects to another origin", retryable=False),
    ),
)

FAULTS: tuple[Fault, ...] = (*CERTIFICATES, *VERSIONS, *HANDSHAKES, *ENDS, *OTHERS, *UPGRADES)
