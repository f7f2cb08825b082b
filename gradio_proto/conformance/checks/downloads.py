"""Fetching files, and that nothing else can be fetched."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from hypothesis import strategies as st

from ..registry import case
from ..strategies import file_contents, file_names
from ..tester import Tester
from .files import FOREIGN_FILES, check_not_read, check_upload_name, only_path_of

OWN_FILES: Final = ("app.py", "kinds.py", "./app.py", ".env", ".gradio/certificate.pem")
"""Files that a careless server has in its own folder."""
PAGES: Final = ("static/", "assets/", "static/js/", "svelte/", "custom_component/x/client/component/")
"""Routes that serve files of the page."""
MARKS: Final = (b"root:x:", b"root:*:", b"127.0.0.1\tlocalhost", b"PATH=")
"""What stands in the foreign files."""
CLIMB: Final = "../" * 12


@case("file/download/bytes", endpoints=("file",), severity="critical", examples=12)
def a_file_of_an_output_can_be_had(tester: Tester) -> None:
    """Have a function give a file of a drawn name and content, and fetch it by its path: it has the bytes."""
    name = tester.draw(file_names(), "name")
    content = tester.draw(file_contents(), "content")
    reply = tester.upload((name, content))
    if reply.status != 200:
        return  # whether it may refuse a name is another case's question
    job = tester.run("file", tester.file_value(only_path_of(reply), name))
    if not job.success:
        return  # no output, and so none that could be had
    path = tester.path_of(job.values[0])
    stored = tester.download(path)
    tester.check_status(stored, 200)
    tester.check(
        stored.body == content.upper(),
        f"{path!r} was made with {content.upper()[:80]!r} and fetched with {stored.body[:80]!r}",
    )


@case("file/download/bytes/head", endpoints=("file",))
def the_head_of_a_file_can_be_had(tester: Tester) -> None:
    """Ask for a file of an output with HEAD: it is answered 200, and without a body."""
    job = tester.run("file", tester.file_value(tester.upload_one("a.txt", b"abc"), "a.txt"))
    path = tester.path_of(job.values[0])
    reply = tester.wire.request("HEAD", tester.file_target(path))
    tester.check_status(reply, 200)
    tester.check(not reply.body, f"{reply.asked} was answered with a body")


@case("file/download/forbidden", is_destructive=True)
def a_path_that_is_not_to_be_had(tester: Tester) -> None:
    """Ask for files that are not there, and for some that are nobody's business: it is answered 403 or 404."""
    uploaded = tester.upload_one("a.txt", b"abc")
    for path in (
        f"{uploaded}.not",
        "/no/such/file",
        "no/such/file",
        uploaded.rpartition("/")[0],
        *FOREIGN_FILES,
    ):
        tester.check_status(tester.download(path), 403, 404)


@case("file/download/outside", severity="critical", is_destructive=True)
def no_other_file_is_given_out(tester: Tester) -> None:
    """Ask for files of the server's system and of its own folder: none is given out."""
    folder = tester.upload_one("a.txt", b"abc").rpartition("/")[0]
    for path in (*FOREIGN_FILES, *OWN_FILES, *(f"{folder}/{CLIMB}{path[1:]}" for path in FOREIGN_FILES)):
        _check_kept(tester, tester.file_target(path))


def _check_kept(tester: Tester, target: str, method: str = "GET") -> None:
    reply = tester.wire.request(method, target)
    tester.check(
        not 200 <= reply.status < 300,
        f"{reply.asked} was answered {reply.status} with {len(reply.body)} bytes: {reply.text()[:80]!r}",
    )


# However the path is written


@st.composite
def spellings(draw: st.DrawFn, folder: str) -> str:
    """Ways to write the paths of foreign files, as they stand in a request line.

    Args:
        draw: Draws an example.
        folder: One below which files may be had.
    """
    path = draw(st.sampled_from((FOREIGN_FILES[0], *FOREIGN_FILES[:3])))  # the first is everywhere
    climbing = (
        CLIMB,
        f"{folder}/{CLIMB}",
        f"{folder}/x/../{CLIMB}",
        f"/./{CLIMB}",
        CLIMB.replace("/", "\\"),
        "....//" * 12,
    )
    start = draw(st.sampled_from(["", *climbing, "/", "//", "file://", "file:", "~", "/proc/self/root"]))
    end = draw(st.sampled_from(["", "\0", "\0.txt", "/", "/.", " ", "?", "#"])) if not start else ""
    written = start + (path.lstrip("/") if start in climbing else path) + end
    return draw(st.sampled_from(_ENCODINGS))(written)


def _once(text: str) -> str:
    return quote(text, safe="/")


def _wholly(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _dots_and_slashes(text: str) -> str:
    return quote(text, safe="").replace(".", "%2e")


def _twice(text: str) -> str:
    return quote(_dots_and_slashes(text), safe="")


def _overlong(text: str) -> str:
    """Slashes in an encoding that UTF-8 forbids, and that careless decoders take."""
    return quote(text, safe="/").replace("/", "%c0%af")


_ENCODINGS: Final = (_once, _wholly, _dots_and_slashes, _twice, _overlong)


@case("security/server/paths/encoded", severity="critical", is_destructive=True)
def no_encoding_gives_out_a_file(tester: Tester) -> None:
    """Ask for a file of the server's system by its path, and by two that climb, in each encoding: it is not given
    out."""
    folder = tester.upload_one("a.txt", b"abc").rpartition("/")[0]
    path = FOREIGN_FILES[0]
    for written in (path, f"{folder}/{CLIMB}{path[1:]}", f"{CLIMB}{path[1:]}"):
        for encode in _ENCODINGS:
            _check_kept(tester, f"{_root(tester)}file={encode(written)}")


@case("security/server/paths/download", severity="critical", examples=40, is_destructive=True)
def no_spelling_gives_out_a_file(tester: Tester) -> None:
    """Ask for files of the server's system, with paths that are encoded, climb, have backslashes or are absolute: none
    is given out."""
    folder = tester.upload_one("a.txt", b"abc").rpartition("/")[0]
    route = tester.draw(st.sampled_from(["file=", "file/"]), "route")
    _check_kept(tester, f"{_root(tester)}{route}{tester.draw(spellings(folder), 'path')}")


@case("security/server/paths/pages", severity="critical", examples=20, is_destructive=True)
def no_page_gives_out_a_file(tester: Tester) -> None:
    """The same of the routes that serve the page: static files, assets and components."""
    route = tester.draw(st.sampled_from(PAGES), "route")
    root = _root(tester, prefixed=tester.draw(st.booleans(), "prefixed"))
    reply = tester.wire.request("GET", f"{root}{route}{tester.draw(spellings('static'), 'path')}")
    leaked = any(mark in reply.body for mark in MARKS)
    tester.check(not leaked, f"{reply.asked} gave out a file of the server's system")


def _root(tester: Tester, *, prefixed: bool = True) -> str:
    """The path below which the routes are."""
    return tester.wire.target("", prefixed=prefixed)


@case(
    "security/server/paths/input", endpoints=("file",), severity="critical", examples=15, is_destructive=True
)
def no_spelling_is_read(tester: Tester) -> None:
    """Send files of the server's system as an input, with paths that climb, have backslashes or are absolute: none is
    read."""
    folder = tester.upload_one("a.txt", b"abc").rpartition("/")[0]
    path = tester.draw(
        st.sampled_from(
            [
                f"{folder}/{CLIMB}etc/passwd",
                f"{CLIMB}etc/passwd",
                "//etc/passwd",
                "/etc/./passwd",
                f"/proc/self/cwd/{CLIMB}etc/passwd",
                "file:///etc/passwd",
                f"{folder}/..\\..\\etc\\passwd",
            ]
        ),
        "path",
    )
    check_not_read(tester, path)


@case("security/server/paths/upload", severity="critical", examples=30, is_destructive=True)
def no_spelling_chooses_the_folder(tester: Tester) -> None:
    """Upload files whose names climb, encoded, with backslashes and absolute: each is put into a folder of its own."""
    climbing = st.sampled_from(
        ["../", "..\\", "/", "\\", "C:\\", "%2e%2e%2f", "..%5c", "....//", "./", "x/../../"]
    )
    ends = st.sampled_from(["up.txt", "", "..", "a/b.txt"])
    name = tester.draw(climbing, "start") * tester.draw(st.integers(1, 8), "times") + tester.draw(ends, "end")
    check_upload_name(tester, name)
