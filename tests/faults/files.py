"""What can happen to a download."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from file_server import STORED, file_data

from gradio_proto.errors import (
    ConnectionLost,
    DeadlineExceeded,
    FileError,
    HTTPStatusError,
    LimitExceeded,
    RemoteProtocolError,
)
from gradio_proto.limits import MIB, Limits

from .answers import Answer, resets, responds, says, silent, stays
from .bench import QUICK, Bench
from .filed import (
    CONTENT,
    DOWNLOADS,
    NAME,
    WELL,
    calls,
    filed,
    gives_file,
    gives_value,
    look_around,
    only_calls,
    opened,
    read,
    works,
)
from .model import Fault, Gives, Raises, Use, raises

CUT_SHORT = raises(ConnectionLost, "in the middle of its response", phase="accepted", retryable=False)
"""The file has begun, and has no end."""

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"

NAMES: Mapping[str, tuple[str, str]] = {
    "upwards": ("/there/../../../evil.txt", "evil.txt"),
    "only-upwards": ("/there/..", "file"),
    "one-dot": ("/there/.", "file"),
    "many-dots": ("/there/......", "file"),
    "directory": ("/there/", "file"),
    "backslashes": ("..\\..\\evil.txt", "evil.txt"),
    "drive": ("C:\\Windows\\evil.txt", "evil.txt"),
    "drive-relative": ("/there/C:evil.txt", "C_evil.txt"),
    "share": ("\\\\evil\\share\\evil.txt", "evil.txt"),
    "stream-of-a-file": ("/there/a.txt:hidden", "a.txt_hidden"),
    "nul": ("/there/a.txt\0.exe", "a.txt_.exe"),
    "line-breaks": ("/there/a\r\nx-evil: yes\r\n\r\n.txt", "a__x-evil_ yes____.txt"),
    "terminal": ("/there/\x1b[2J\x9b31m\x07.txt", "_[2J_31m_.txt"),
    "turned-around": ("/there/invoice\u202efdp.exe", "invoice_fdp.exe"),
    "device": ("/there/CON", "_CON"),
    "device-with-suffix": ("/there/nul .tar.gz", "_nul .tar.gz"),
    "device-in-superscript": ("/there/com\u00b9.txt", "_com\u00b9.txt"),
    "dots-and-blanks-behind": ("/there/a.txt. . ", "a.txt"),
    "ten-thousand-letters": ("/there/" + "x" * 10_000 + ".txt", "x" * 146 + ".txt"),
    "ten-thousand-emoji": ("/there/" + "\U0001f600" * 10_000, "\U0001f600" * 37),
    "half-an-emoji": ("/there/a\ud83d.txt", "a_.txt"),
    "wildcards": ('/there/*?"<>|.txt', "______.txt"),
    "encoded": ("/there/%2e%2e%2f%00evil.txt", "%2e%2e%2f%00evil.txt"),
    "an-option": ("/there/-rf", "-rf"),
    "another-route": ("/../../queue/join?x=1#", "join_x=1#"),
}
"""The last part of a path on the server, and what the file is called here."""


def named(id: str, path: str, name: str) -> Fault:
    """A file has a name that would do harm."""
    return Fault(
        id=f"files/name/{id}",
        happens=f"A file is called {path[:40]!a}.",
        phase="download",
        served=filed(gives_file(path=path)),
        use=calls,
        expect=Gives((name, CONTENT)),
    )


def described(id: str, happens: str, expect: Gives | Raises, **fields: Any) -> Fault:
    """The result describes a file as no healthy server does."""
    return Fault(
        id=f"files/{id}",
        happens=happens,
        phase="download",
        served=filed(gives_file(**fields)),
        use=calls,
        expect=expect,
    )


def answered(
    id: str,
    happens: str,
    answer: Answer,
    expect: Gives | Raises,
    *,
    times: int | None = 1,
    fetched: int | None = None,
    **options: Any,
) -> Fault:
    """The request for a file is answered like that: the first one, or (with ``times=None``) every one.

    With ``fetched`` there must be so many requests, that of the next call, if there is one, among them.
    """
    use = only_calls if times is None else calls
    return Fault(
        id=f"files/{id}",
        happens=happens,
        phase="download",
        served=filed({"file": answer}, times=times),
        use=use if fetched is None else fetching(fetched, use),
        expect=expect,
        **options,
    )


def fetching(times: int, use: Use) -> Use:
    """The same use, which must ask for a file so often."""

    async def counted(bench: Bench) -> Any:
        try:
            return await use(bench)
        finally:
            asked = len(bench.server.seen("file"))
            assert asked == times, f"the file was asked for {asked} times, and not {times}"

    return counted


# What stands in the way on this machine. The file's place follows from its content.

FOLDER = sha256(CONTENT).hexdigest()


def in_the_way(id: str, happens: str, put: Callable[[Path, Path], None], expect: Gives | Raises) -> Fault:
    """Somebody has put something where a download is to be. It is gone at the next call."""

    async def use(bench: Bench) -> Any:
        downloads = bench.directory / DOWNLOADS
        elsewhere = bench.directory / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "precious").write_bytes(b"precious")
        put(downloads, elsewhere)
        client = await opened(bench)
        try:
            try:
                return read(bench, await client.predict("hello"))
            finally:
                found = {path.name: path.read_bytes() for path in elsewhere.iterdir()}
                assert found == {"precious": b"precious"}, f"elsewhere lies {found}"
                assert not [*downloads.rglob("*.part")], "something half-done was left"
                remove(downloads)
                await works(bench, client)
        finally:
            await client.close()
            look_around(bench)

    return Fault(id=f"files/{id}", happens=happens, phase="download", served=filed(), use=use, expect=expect)


def remove(path: Path) -> None:
    """Remove whatever it is."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)


def link_as_folder(downloads: Path, elsewhere: Path) -> None:
    downloads.mkdir()
    (downloads / FOLDER).symlink_to(elsewhere)


def dangling_link_as_folder(downloads: Path, elsewhere: Path) -> None:
    downloads.mkdir()
    (downloads / FOLDER).symlink_to(elsewhere / "new")


def file_as_folder(downloads: Path, _: Path) -> None:
    downloads.mkdir()
    (downloads / FOLDER).write_bytes(b"in the way")


def link_as_file(downloads: Path, elsewhere: Path) -> None:
    (downloads / FOLDER).mkdir(parents=True, mode=0o700)
    (downloads / FOLDER / "a.txt").symlink_to(elsewhere / "precious")


def directory_as_file(downloads: Path, _: Path) -> None:
    (downloads / FOLDER / "a.txt").mkdir(parents=True)


def file_as_downloads(downloads: Path, _: Path) -> None:
    downloads.write_bytes(b"in the way")


def links_in_a_circle(downloads: Path, _: Path) -> None:
    downloads.symlink_to(downloads)


async def removed_between(bench: Bench) -> Any:
    """The directory is removed between two calls."""
    client = await opened(bench)
    try:
        await works(bench, client)
        shutil.rmtree(bench.directory / DOWNLOADS)
        return read(bench, await client.predict("hello"))
    finally:
        await client.close()
        look_around(bench)


async def with_bait(bench: Bench) -> Any:
    """The server names a file of this machine, which holds something else than the server's."""
    bait = bench.directory / "bait.txt"
    bait.write_bytes(b"a secret of this machine")
    bench.server.output = file_data(path=str(bait))
    client = await opened(bench)
    try:
        return read(bench, await client.predict("hello"))
    finally:
        await client.close()
        look_around(bench)
        assert bait.read_bytes() == b"a secret of this machine"


def other_origin(field: str, form: str, **more: Any) -> Callable[[Bench], Mapping[str, Answer]]:
    """A file whose description leads to the other origin that listens."""
    return lambda bench: gives_file(**{field: form.format(bench.elsewhere), **more})


def redirected(form: str) -> Callable[[Bench], Mapping[str, Answer]]:
    """The request for a file is redirected; ``{}`` stands for the other origin."""
    return lambda bench: {"file": responds("302 Found", headers={"location": form.format(bench.elsewhere)})}


FAULTS: tuple[Fault, ...] = (
    *(named(id, path, name) for id, (path, name) in NAMES.items()),
    # What is said of a file.
    described(
        "size-too-large", "A file is said to have a terabyte, and has four bytes.", Gives(WELL), size=10**12
    ),
    described("size-negative", "A file is said to have fewer bytes than none.", Gives(WELL), size=-1),
    described("size-a-text", "The size of a file is a text.", Gives(WELL), size="big"),
    described("name-a-list", "The name of a file is a list.", Gives(WELL), orig_name=["x"]),
    described("type-a-number", "The media type of a file is a number.", Gives(WELL), mime_type=7),
    described("is-stream-a-text", "It is a text whether a file is a stream.", Gives(WELL), is_stream="yes"),
    described(
        "path-a-number", "The path of a file is a number: it is no file.", Gives(file_data(path=7)), path=7
    ),
    described(
        "path-empty", "The path of a file is empty: it is no file.", Gives(file_data(path="")), path=""
    ),
    described(
        "url-local",
        "The url of a file names one of this machine; there is no path.",
        Gives(file_data(path=None, url="file:///etc/passwd")),
        path=None,
        url="file:///etc/passwd",
    ),
    Fault(
        id="files/path-local",
        happens="The path of a file is that of one of this machine: the server's is meant.",
        phase="download",
        served=filed(),
        use=with_bait,
        expect=Gives(("bait.txt", CONTENT)),
    ),
    *(
        Fault(
            id=f"files/elsewhere-{id}",
            happens=f"The {field} of a file leads to another origin.",
            phase="download",
            served=filed(other_origin(field, form, **more)),
            use=calls,
            expect=expect,
        )
        for id, field, form, more, expect in (
            ("url", "url", "{}/gradio_api/file=" + STORED, {}, Gives(WELL)),
            ("path", "path", "{}/gradio_api/file=" + STORED, {}, Gives(WELL)),
            ("path-without-scheme", "path", "//{}/a.txt", {}, Gives(WELL)),
            ("path-at", "path", "@{}/a.txt", {}, Gives(WELL)),
            (
                "stream",
                "url",
                "{}/a/playlist.m3u8?__sign=x",
                {"is_stream": True, "path": "a/playlist.m3u8"},
                raises(HTTPStatusError, status=404, exactly=False),
            ),
        )
    ),
    Fault(
        id="files/a-thousand",
        happens="A result names the same file a thousand times: it is fetched once.",
        phase="download",
        served=filed(gives_value([file_data()] * 1000)),
        use=calls,
        expect=Gives([WELL] * 1000),
    ),
    # What comes in the place of the file.
    answered(
        "not-found", "The file is not there.", responds("404 Not Found"), raises(HTTPStatusError, status=404)
    ),
    answered(
        "forbidden",
        "The file may not be fetched.",
        responds("403 Forbidden"),
        raises(HTTPStatusError, exactly=False, status=403),
    ),
    answered(
        "broken", "The server fails at the file.", responds("500 Oops"), raises(HTTPStatusError, status=500)
    ),
    answered(
        "busy",
        "The server has no time at first, and is asked again.",
        responds("503 Busy", headers={"retry_after": "0"}),
        Gives(WELL),
    ),
    answered(
        "part",
        "A part of the file is sent, unasked.",
        responds("206 Partial Content", b"da"),
        raises(HTTPStatusError, exactly=False, status=206),
    ),
    answered(
        "not-modified",
        "The file is said not to have changed.",
        responds("304 Not Modified"),
        raises(HTTPStatusError, exactly=False, status=304),
    ),
    answered(
        "compressed",
        "The file is compressed, unasked.",
        responds("200 OK", gzip.compress(b"x" * 100), headers={"content_encoding": "gzip"}),
        raises(RemoteProtocolError, "compressed"),
    ),
    answered("reset-once", "The connection is reset, and the file is fetched again.", resets, Gives(WELL)),
    answered(
        "cut-once",
        "The file ends too early, and is fetched again: what came is no part of it.",
        says(HEAD + b"content-length: 100\r\n\r\nevil"),
        Gives(WELL),
        fetched=3,
    ),
    answered(
        "cut",
        "The file ends too early, whenever it is fetched.",
        says(HEAD + b"content-length: 100\r\n\r\nda"),
        CUT_SHORT,
        times=None,
        fetched=2,
        options={"max_retries": 1},
    ),
    answered(
        "chunk-cut",
        "The file ends within a chunk, whenever it is fetched.",
        says(HEAD + b"transfer-encoding: chunked\r\n\r\n64\r\nda"),
        CUT_SHORT,
        times=None,
        fetched=2,
        options={"max_retries": 1},
    ),
    answered(
        "chunk-missing",
        "The last chunk is missing, whenever the file is fetched.",
        says(HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\nda\r\n"),
        CUT_SHORT,
        times=None,
        fetched=2,
        options={"max_retries": 1},
    ),
    answered(
        "silent",
        "The request for the file is not answered.",
        silent,
        raises(DeadlineExceeded, kind="read", phase="accepted"),
        options={"timeouts": QUICK},
    ),
    answered(
        "silent-within",
        "The file stops in its middle.",
        says(HEAD + b"content-length: 100\r\n\r\nda", then=silent),
        raises(DeadlineExceeded, kind="read", phase="accepted"),
        options={"timeouts": QUICK},
    ),
    answered(
        "length-of-no-number",
        "The length of the file is no number.",
        says(HEAD + b"content-length: many\r\n\r\ndata"),
        raises(RemoteProtocolError),
    ),
    answered(
        "lengths-that-differ",
        "The file has two lengths.",
        says(HEAD + b"content-length: 4\r\ncontent-length: 5\r\n\r\ndata"),
        raises(RemoteProtocolError),
    ),
    answered(
        "length-negative",
        "The length of the file is negative.",
        says(HEAD + b"content-length: -4\r\n\r\ndata"),
        raises(RemoteProtocolError),
    ),
    answered(
        "length-too-small",
        "More comes than was said: it is no part of the file.",
        # Nothing but what this answer says: a file that was fetched once more would be the usual one.
        says(
            HEAD + b"content-length: 4\r\n\r\nDATAHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
            then=stays,
        ),
        Gives((NAME, b"DATA")),
        fetched=2,
    ),
    answered(
        "length-enormous",
        "The file is said to be larger than any may be, and nothing of it comes.",
        says(HEAD + b"content-length: 999999999999999999\r\n\r\n", then=silent),
        raises(LimitExceeded, name="download_bytes"),
    ),
    answered(
        "length-of-thousands-of-digits",
        "The length of the file has 4,000 digits.",
        says(HEAD + b"content-length: " + b"9" * 4000 + b"\r\n\r\n", then=silent),
        raises(RemoteProtocolError),
    ),
    answered(
        "endless",
        "The file goes on and on.",
        says(HEAD + b"transfer-encoding: chunked\r\n\r\n", *[b"100000\r\n" + b"x" * MIB + b"\r\n"] * 64),
        raises(LimitExceeded, name="download_bytes"),
        times=None,
        options={"limits": Limits(download_bytes=MIB)},
        limit="download_bytes",
    ),
    *(
        Fault(
            id=f"files/redirect-{id}",
            happens=f"The request for the file is redirected: {what}.",
            phase="download",
            served=filed(redirected(form)),
            use=calls,
            expect=raises(RemoteProtocolError, exactly=False),
        )
        for id, what, form in (
            ("elsewhere", "to another origin", "{}/gradio_api/file=" + STORED),
            ("to-a-local-file", "to a file of this machine", "file:///etc/passwd"),
            ("to-nowhere", "to nowhere", ""),
        )
    ),
    answered(
        "redirect-for-ever",
        "The request for the file is redirected for ever.",
        responds("302 Found", headers={"location": f"/gradio_api/file={STORED}"}),
        raises(LimitExceeded, name="redirects"),
        times=None,
    ),
    # What is in the way here.
    in_the_way(
        "link-as-folder",
        "A link to another directory lies where the file's folder is to be.",
        link_as_folder,
        raises(FileError),
    ),
    in_the_way(
        "dangling-link-as-folder",
        "A link to what is not there lies where the file's folder is to be.",
        dangling_link_as_folder,
        raises(FileError),
    ),
    in_the_way(
        "file-as-folder", "A file lies where the file's folder is to be.", file_as_folder, raises(FileError)
    ),
    in_the_way(
        "link-as-file", "A link to a precious file lies where the file is to be.", link_as_file, Gives(WELL)
    ),
    in_the_way(
        "directory-as-file", "A directory lies where the file is to be.", directory_as_file, raises(FileError)
    ),
    in_the_way(
        "file-as-downloads", "The directory for downloads is a file.", file_as_downloads, raises(FileError)
    ),
    in_the_way(
        "links-in-a-circle",
        "The directory for downloads is a link to itself.",
        links_in_a_circle,
        raises(FileError),
    ),
    Fault(
        id="files/downloads-removed",
        happens="The directory for downloads is removed between two calls.",
        phase="download",
        served=filed(),
        use=removed_between,
        expect=Gives(WELL),
    ),
)
