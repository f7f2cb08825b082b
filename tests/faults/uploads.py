"""What can happen to an upload."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from faulty import FaultyServer, Peer, Seen
from file_server import STORED

from gradio_proto import handle_file
from gradio_proto.errors import (
    ArgumentError,
    AuthenticationError,
    ConnectionLost,
    DeadlineExceeded,
    FileError,
    HTTPStatusError,
    LimitExceeded,
    RemoteProtocolError,
    TooManyRequestsError,
    ValidationError,
)
from gradio_proto.limits import MIB, Limits

from .answers import Answer, closes, resets, responds, says, silent
from .bench import QUICK, Bench
from .filed import WELL, calls, filed, look_around, opened, read, works
from .model import Expected, Fault, Gives, Raises, either, raises

LARGE = 16 * MIB
"""Bytes of a file that no socket's buffers take: who sends it has to wait for who reads it."""


async def sends(bench: Bench) -> Any:
    """A call with a small file."""
    return await calls(bench, handle_file(b"mine", name="m.txt"))


async def sends_large(bench: Bench) -> Any:
    """A call with a large file."""
    return await calls(bench, handle_file(bytes(LARGE), name="m.bin"))


async def only_sends(bench: Bench) -> Any:
    """A call with a file, of a server that is never well again."""
    client = await opened(bench)
    try:
        return read(bench, await client.predict(handle_file(b"mine", name="m.txt")))
    finally:
        await client.close()
        look_around(bench)


def answered(id: str, happens: str, answer: Answer, expect: Expected, **more: Any) -> Fault:
    """The first upload is answered like that."""
    return Fault(
        id=f"uploads/{id}",
        happens=happens,
        phase="upload",
        served=filed({"upload": answer}),
        expect=expect,
        **{"use": sends, **more},
    )


def unread(peer: Peer, _: Seen, server: FaultyServer) -> None:
    """Nothing is read of what comes, until the next call, which has no upload, is well under way."""
    while peer.sock.fileno() >= 0 and not server.seen("queue/join"):
        time.sleep(0.01)


async def sends_nothing(bench: Bench) -> Any:
    """A call with a file that is not even begun to be sent."""
    client = await opened(bench)
    try:
        return await client.predict(handle_file(b"mine", name="m.txt"))
    finally:
        await works(bench, client)
        await client.close()
        assert bench.server.seen("upload") == []


def early(id: str, happens: str, answer: Answer, expect: Expected, **more: Any) -> Fault:
    """The first upload is answered before its body has come, which is too large for any buffer."""

    def then_reads(peer: Peer, request: Seen, server: FaultyServer) -> None:
        # The second one is answered by whoever is well, and has to be read.
        peer.read_body(request)
        peer.json([STORED])

    def first(peer: Peer, request: Seen, server: FaultyServer) -> None:
        if len(server.seen("upload")) == 1:
            answer(peer, request, server)
        else:
            then_reads(peer, request, server)

    return Fault(
        id=f"uploads/{id}",
        happens=happens,
        phase="upload",
        served=filed({"upload": first}, times=None, early=["upload"]),
        use=sends_large,
        expect=expect,
        **more,
    )


# Files that are not what they were.


class Meanwhile(io.RawIOBase):
    """A stream that is sent as the first of two files, and does something when it is read: the second one has been
    measured by then, and not yet been opened."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self._is_done = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if self._is_done:
            return b""
        self._is_done = True
        self._act()
        return b"first"


def changing(id: str, happens: str, change: Callable[[Path], object], expect: Expected) -> Fault:
    """A file becomes something else after it was measured, and before it is opened."""

    async def use(bench: Bench) -> Any:
        path = bench.directory / "given.txt"
        path.write_bytes(b"what is given")
        first = handle_file(Meanwhile(lambda: change(path)), name="first")  # type: ignore[arg-type]
        return await calls(bench, [first, handle_file(path)])

    def both(peer: Peer, _: Seen, __: FaultyServer) -> None:
        peer.json([STORED, STORED])

    return Fault(
        id=f"uploads/{id}",
        happens=happens,
        phase="upload",
        served=filed({"upload": both}),
        use=use,
        expect=expect,
    )


def becomes(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


# What is no file.


def given(id: str, happens: str, make: Callable[[Path], object], expect: Expected) -> Fault:
    """The user gives the path of something that is no file, or none that can be read."""

    async def use(bench: Bench) -> Any:
        path = bench.directory / "given"
        make(path)
        return await calls(bench, handle_file(path))

    return Fault(id=f"uploads/{id}", happens=happens, phase="upload", served=filed(), use=use, expect=expect)


def unreadable(path: Path) -> None:
    path.write_bytes(b"x")
    path.chmod(0)


def link_to_a_file(path: Path) -> None:
    (path.parent / "real").write_bytes(b"x")
    path.symlink_to(path.parent / "real")


# Streams of the user's own.


class Stream(io.RawIOBase):
    """A stream that says what it is told to: an error is raised, anything else is returned; then it ends."""

    def __init__(self, *said: Any) -> None:
        self._said = [*said]

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> Any:
        if not self._said:
            return b""
        said = self._said.pop(0)
        if isinstance(said, BaseException):
            raise said
        return said


class Measured(Stream):
    """One that has said how much it holds."""

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return 0

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return 10 if whence == 2 else offset


class Endless(Stream):
    def read(self, size: int = -1, /) -> bytes:
        return b"x" * size


def streamed(id: str, happens: str, make: Callable[[], Any], expect: Expected, **config: Any) -> Fault:
    """The user gives a stream that does not do what streams do."""

    async def use(bench: Bench) -> Any:
        return await calls(bench, handle_file(make(), name="s.bin"))

    return Fault(
        id=f"uploads/stream-{id}",
        happens=happens,
        phase="upload",
        served=filed(**config),
        use=use,
        expect=expect,
    )


async def sends_what_blocks(bench: Bench) -> Any:
    """A stream is read that gives nothing until the call is over."""
    over = threading.Event()

    class Blocks(Stream):
        def read(self, size: int = -1, /) -> bytes:
            over.wait(20)
            return b""

    client = await bench.open(timeouts=replace(QUICK, total=0.5))
    try:
        return await client.predict(handle_file(Blocks(), name="s.bin"))  # type: ignore[arg-type]
    finally:
        over.set()
        await client.close()


# Names.

NAMES = {
    "line-breaks": 'a\r\ncontent-type: text/html\r\n\r\n".txt',
    "quotes": 'a"; name="other"; x=".txt',
    "nothing-but-dots": "....",
    "upwards": "../../../etc/passwd",
    "nul": "a\0.txt",
    "ten-thousand-letters": "x" * 10_000,
    "half-an-emoji": "\ud83d",
}


def named(id: str, name: str) -> Fault:
    """The user's file has a name that could be more than a name in the request."""

    async def use(bench: Bench) -> Any:
        value = await calls(bench, handle_file(b"mine", name=name))
        (upload, *_) = bench.server.seen("upload")
        head, _, body = upload.body.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        assert len(lines) == 3, f"the head of the part is {head!r}"
        assert lines[1].count(b'"') == 4, f"it says {lines[1]!r}"
        assert b"/" not in lines[1], f"it says {lines[1]!r}"
        assert body.startswith(b"mine\r\n--"), f"the part is {body[:50]!r}"
        return value

    return Fault(
        id=f"uploads/name/{id}",
        happens=f"A file to be sent is called {name[:30]!a}.",
        phase="upload",
        served=filed(),
        use=use,
        expect=Gives(WELL),
    )


def taken_as(path: str) -> Answer:
    """The upload is taken, and lies there."""
    return responds(body=b'["%b"]' % path.encode())


REFUSED: tuple[tuple[str, str, Raises], ...] = (
    ("bad-request", "400 Bad Request", raises(HTTPStatusError, status=400)),
    ("not-logged-in", "401 Unauthorized", raises(AuthenticationError)),
    ("not-found", "404 Not Found", raises(HTTPStatusError, status=404)),
    ("too-large", "413 Content Too Large", raises(HTTPStatusError, status=413)),
    ("not-understood", "422 Unprocessable Content", raises(ValidationError)),
    ("too-many", "429 Too Many Requests", raises(TooManyRequestsError)),
    ("broken", "500 Internal Server Error", raises(HTTPStatusError, status=500)),
    ("busy", "503 Service Unavailable", raises(HTTPStatusError, status=503)),
    ("full", "507 Insufficient Storage", raises(HTTPStatusError, status=507)),
)

WRONG = (
    ("nothing", b""),
    ("no-json", b"["),
    ("page", b"<html><body>Sign in</body></html>"),
    ("null", b"null"),
    ("no-path", b"[]"),
    ("two-paths", b'["/a", "/b"]'),
    ("number", b"[7]"),
    ("object", b'{"path": "/a"}'),
    ("nested", b'[["/a"]]'),
)

FAULTS: tuple[Fault, ...] = (
    *(
        answered(f"refused/{id}", f"The upload is refused with {status}.", responds(status, b"{}"), expect)
        for id, status, expect in REFUSED
    ),
    *(
        answered(
            f"reply/{id}",
            f"The reply to an upload is {body[:40]!r}.",
            responds(body=body),
            raises(RemoteProtocolError),
        )
        for id, body in WRONG
    ),
    answered(
        "reply/deep",
        "The reply to an upload is a list of lists, a hundred thousand levels deep.",
        responds(body=b"[" * 100_000),
        raises(LimitExceeded, name="json_depth"),
    ),
    *(
        answered(
            f"path/{id}",
            f"The upload is said to lie at {path!a}: that is the server's affair.",
            taken_as(path),
            Gives(WELL),
        )
        for id, path in (
            ("upwards", "../../etc/passwd"),
            ("url", "http://192.0.2.1/x"),
            ("empty", ""),
            ("local", "/etc/passwd"),
        )
    ),
    answered(
        "redirect-elsewhere",
        "The upload is redirected to another origin.",
        responds("307 There", headers={"location": "http://192.0.2.1/upload"}),
        raises(HTTPStatusError, status=307),
    ),
    answered(
        "redirect",
        "The upload is redirected on its own origin.",
        responds("308 There", headers={"location": "/upload"}),
        raises(HTTPStatusError, status=308),
    ),
    answered(
        "reset",
        "The connection is reset when the upload has come.",
        resets,
        raises(ConnectionLost, phase="not_sent"),
    ),
    answered(
        "close",
        "The connection is closed when the upload has come.",
        closes,
        raises(ConnectionLost, phase="not_sent"),
    ),
    answered(
        "silent",
        "The upload is never answered.",
        silent,
        raises(DeadlineExceeded, kind="read", phase="not_sent"),
        options={"timeouts": QUICK},
    ),
    answered(
        "garbage",
        "Something else than HTTP answers the upload.",
        says(b"SSH-2.0 here\r\n\r\n"),
        raises(RemoteProtocolError),
    ),
    answered(
        "reply-cut",
        "The reply to the upload is cut.",
        says(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n["/a'),
        raises(ConnectionLost, "in the middle of its response", phase="not_sent"),
    ),
    answered(
        "compressed",
        "The reply to the upload is compressed, unasked.",
        responds(body=b"\x1f\x8b", headers={"content_encoding": "gzip"}),
        raises(RemoteProtocolError, "compressed"),
    ),
    Fault(
        id="uploads/reply-endless",
        happens="The reply to the upload goes on and on.",
        phase="upload",
        served=filed({"upload": responds(body=b'["' + b"x" * (64 * MIB))}, times=None),
        use=only_sends,
        options={"limits": Limits(json_body_bytes=MIB)},
        limit="json_body_bytes",
        expect=raises(LimitExceeded, name="json_body_bytes"),
    ),
    # Before the body has come.
    early(
        "early-refusal",
        "The upload is refused before its body has come, and the connection closed.",
        responds("413 Content Too Large", b"{}"),
        raises(HTTPStatusError, status=413),
    ),
    early(
        "early-reset",
        "The connection is reset before the body has come.",
        resets,
        raises(ConnectionLost, " broke: ", phase="not_sent"),
    ),
    early(
        "early-close",
        "The connection is closed before the body has come.",
        closes,
        raises(ConnectionLost, phase="not_sent"),
    ),
    early(
        "not-read",
        "Nobody reads the upload.",
        unread,
        raises(DeadlineExceeded, kind="write", phase="not_sent"),
        options={"timeouts": QUICK},
    ),
    # Files that are not what they were.
    changing("vanishes", "A file vanishes before it is sent.", Path.unlink, raises(FileError)),
    changing(
        "grows",
        "A file grows before it is sent.",
        lambda path: path.write_bytes(b"x" * 99),
        raises(FileError, "changed"),
    ),
    changing(
        "shrinks",
        "A file shrinks before it is sent.",
        lambda path: path.write_bytes(b"x"),
        raises(FileError, "changed"),
    ),
    changing(
        "emptied",
        "A file is emptied before it is sent.",
        lambda path: path.write_bytes(b""),
        raises(FileError, "changed"),
    ),
    changing(
        "becomes-directory",
        "A directory takes the place of a file before that is sent.",
        lambda path: becomes(path, Path.mkdir),
        raises(FileError, "irectory"),
    ),
    changing(
        "becomes-pipe",
        "A pipe takes the place of a file before that is sent: nobody waits for a writer.",
        lambda path: becomes(path, os.mkfifo),
        raises(FileError, "no regular file"),
    ),
    changing(
        "becomes-device",
        "A link to a device without an end takes the place of a file before that is sent.",
        lambda path: becomes(path, lambda path: path.symlink_to("/dev/zero")),
        raises(FileError, "no regular file"),
    ),
    changing(
        "becomes-circle",
        "A link to itself takes the place of a file before that is sent.",
        lambda path: becomes(path, lambda path: path.symlink_to(path)),
        raises(FileError),
    ),
    # What is no file.
    given(
        "missing",
        "There is no file at the path that is given.",
        lambda path: None,
        raises(ArgumentError, "cannot be sent"),
    ),
    given("directory", "A directory is given.", Path.mkdir, raises(ArgumentError, "no regular file")),
    given("pipe", "A pipe is given.", os.mkfifo, raises(ArgumentError, "no regular file")),
    given(
        "device",
        "A device without an end is given.",
        lambda path: path.symlink_to("/dev/zero"),
        raises(ArgumentError, "no regular file"),
    ),
    given(
        "dangling-link",
        "A link to what is not there is given.",
        lambda path: path.symlink_to(path.parent / "no"),
        raises(ArgumentError, "cannot be sent"),
    ),
    given(
        "circle",
        "A link to itself is given.",
        lambda path: path.symlink_to(path),
        raises(ArgumentError, "cannot be sent"),
    ),
    given(
        "unreadable",
        "A file is given that may not be read (which stops nobody who may do everything).",
        unreadable,
        either(Gives(WELL), raises(FileError, "cannot be opened")),
    ),
    given(
        "link",
        "A link to a file is given: that file is sent.",
        link_to_a_file,
        Gives(WELL),
    ),
    # Streams.
    streamed(
        "fails",
        "The user's stream fails.",
        lambda: Stream(b"a", OSError("no more")),
        raises(FileError, "no more"),
    ),
    streamed(
        "exits",
        "The user's stream wants to end the program.",
        lambda: Stream(b"a", SystemExit(3)),
        raises(FileError),
    ),
    streamed(
        "interrupts",
        "The user's stream raises Ctrl-C.",
        lambda: Stream(b"a", KeyboardInterrupt()),
        raises(FileError),
    ),
    streamed(
        "text", "The user's stream gives text.", lambda: Stream("text"), raises(FileError, "no binary stream")
    ),
    streamed(
        "nothing",
        "The user's stream gives None.",
        lambda: Stream(None),
        raises(FileError, "no binary stream"),
    ),
    streamed(
        "too-short",
        "The user's stream has said ten bytes, and gives five.",
        lambda: Measured(b"12345"),
        raises(FileError, "changed"),
    ),
    streamed(
        "too-long",
        "The user's stream has said ten bytes, and gives more.",
        lambda: Measured(b"123456789", b"0123"),
        raises(FileError, "changed"),
    ),
    streamed(
        "endless",
        "The user's stream has no end, and the app takes a million bytes.",
        Endless,
        raises(ArgumentError, "at most"),
        max_file_size=1_000_000,
    ),
    Fault(
        id="uploads/stream-blocks",
        happens="The user's stream gives nothing until the call is over.",
        phase="upload",
        served=filed(),
        use=sends_what_blocks,
        expect=raises(DeadlineExceeded),
    ),
    Fault(
        id="uploads/larger-than-the-app-takes",
        happens="A file is larger than the app says that it takes: nothing is sent.",
        phase="upload",
        served=filed(max_file_size=3),
        use=sends_nothing,
        expect=raises(ArgumentError, "at most"),
    ),
    *(named(id, name) for id, name in NAMES.items()),
)
