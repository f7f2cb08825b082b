"""Uploads, and files in inputs and outputs; :mod:`.downloads` has how they are fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename, dirname, normpath
from typing import Any, Final

from hypothesis import strategies as st

from gradio_proto.config import is_list, is_object, list_of, object_of
from gradio_proto.filenames import last_component

from ..model import Skipped, Violation
from ..registry import case
from ..schemas import violations
from ..strategies import file_contents, file_names
from ..tester import Tester
from ..wire import Reply

LIMIT: Final = 1_000
"""The most bytes of an upload in the variant ``small-files``."""
LINE_ENDS: Final = b"a\r\nb\nc\rd\r\n"
"""What a server changes that takes a file for text; it must not be left to chance whether that is drawn."""
URL: Final = re.compile(
    r"https?://[A-Za-z0-9.\-\[\]:]+/(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*"
)
"""An absolute URL in which everything is encoded that has to be (RFC 3986)."""
FOREIGN_FILES: Final = ("/etc/passwd", "/etc/hosts", "/proc/self/status", "/bin/sh")
"""Files that a server can mostly read, and that are nobody's business. None holds a secret, since what a server gives
out stands in the report."""
DESERVES_A_NAME: Final = st.from_regex(r"[A-Za-z0-9]{1,40}\.[A-Za-z0-9]{1,8}", fullmatch=True)


def paths_of(reply: Reply) -> list[str]:
    """What an upload has answered.

    Raises:
        Violation: It is no list of strings.
    """
    value: Any = reply.json() if reply.status == 200 else None
    if not is_list(value) or not all(isinstance(path, str) for path in value):
        raise Violation(
            f"an upload was answered {reply.status} {reply.text()[:200]!r}, and not a list of paths"
        )
    return value


def only_path_of(reply: Reply) -> str:
    """The same of an upload of one file.

    Raises:
        Violation: It is no list of one string.
    """
    paths = paths_of(reply)
    if len(paths) != 1:
        raise Violation(f"an upload of one file was answered by {len(paths)} paths: {reply.text()[:200]!r}")
    return paths[0]


# Uploads


@case("file/upload/reply", severity="critical", examples=8)
def an_upload_is_answered_by_paths_in_order(tester: Tester) -> None:
    """Upload several files of drawn contents in one request: as many paths come, in their order."""
    contents = tester.draw(st.lists(file_contents(), min_size=1, max_size=5), "contents")
    numbers = tester.draw(st.permutations(range(len(contents))), "names")
    files = [(f"{number}.bin", content) for number, content in zip(numbers, contents, strict=True)]
    reply = tester.upload(*files)
    paths = paths_of(reply)
    tester.check_schema("replies/upload", reply.json())
    tester.check(
        len(paths) == len(files), f"an upload of {len(files)} files was answered by {len(paths)} paths"
    )
    for number, (path, (name, content)) in enumerate(zip(paths, files, strict=True)):
        stored = tester.download(path)
        tester.check(
            stored.body == content and basename(path) == name,
            f"path {number} of an upload, {path!r}, is not that of file {number}, called {name!r}",
        )


@case("file/upload/bytes", severity="critical", examples=25)
def an_upload_keeps_the_bytes(tester: Tester) -> None:
    """Upload a file of a drawn name and content, and fetch it: its bytes are what was sent."""
    name = tester.draw(file_names(hostile=tester.target.is_reference), "name")
    content = tester.draw(file_contents(max_size=256), "content")
    reply = tester.upload((name, content))
    if reply.status != 200:
        return  # whether it may refuse a name is another case's question
    path = only_path_of(reply)
    stored = tester.download(path)
    if stored.status in (403, 404):
        return  # what begins with a dot a server may keep to itself
    tester.check_status(stored, 200)
    tester.check(
        stored.body == content,
        f"a file called {name!r} was uploaded with {content[:80]!r} and fetched with {stored.body[:80]!r}",
    )


@case("file/upload/bytes/large", severity="critical")
def an_upload_keeps_many_bytes(tester: Tester) -> None:
    """Upload a file of 300,000 bytes, each value and each kind of line end among them, and fetch it."""
    content = (bytes(range(256)) + LINE_ENDS) * 1_140
    stored = tester.download(tester.upload_one("large.bin", content))
    tester.check_status(stored, 200)
    tester.check(
        stored.body == content,
        f"of {len(content)} bytes that were uploaded, {len(stored.body)} or others came back",
    )


@case("file/upload/name", severity="critical", examples=40, is_destructive=True)
def a_name_does_not_choose_the_folder(tester: Tester) -> None:
    """Upload files of hostile names: each is below the folder of uploads, in one of its own."""
    check_upload_name(tester, tester.draw(file_names(), "name"))


def check_upload_name(tester: Tester, name: str) -> None:
    """Upload two files of that name and different contents; each has to be in a folder of its own.

    Raises:
        Violation: They are not, or the server stumbles over the name.
    """
    uploads = dirname(dirname(tester.upload_one("plain.txt", b"plain")))
    found: list[str] = []
    for content in (b"one", b"two"):
        reply = tester.upload((name, content))
        if 400 <= reply.status < 500:
            return  # a server may refuse a name
        if reply.status != 200:
            raise Violation(f"an upload of a file called {name!r} was answered {reply.status}")
        found.append(only_path_of(reply))
    for path in found:
        posix = path.replace("\\", "/") if "\\" in uploads else path
        tester.check(
            dirname(dirname(posix)) == uploads.replace("\\", "/") and normpath(posix) == posix,
            f"a file called {name!r} was put at {path!r}, which is not in a folder of its own below {uploads!r}",
        )
        tester.check(
            len(basename(posix)) <= len(last_component(name)) + 64,
            f"of a file called {name!r} more was kept than its last component: {path!r}",
        )
    tester.check(
        len({dirname(path) for path in found}) == len(found),
        f"two files called {name!r} with different contents share the folder of {found[0]!r}",
    )


@case("file/upload/plain-name", examples=8)
def a_plain_name_is_kept(tester: Tester) -> None:
    """Upload a file whose name is letters and digits with a dot: its path ends with that."""
    name = tester.draw(DESERVES_A_NAME, "name")
    path = tester.upload_one(name, b"x")
    tester.check(last_component(path) == name, f"a file called {name!r} was put at {path!r}")


@case("file/upload/too-large", variant="small-files")
def too_large_a_file_is_refused(tester: Tester) -> None:
    """Upload as many bytes as the config allows, and one more: that is answered 413, alone and beside another file."""
    limit = tester.config_json.get("max_file_size")
    tester.check(
        limit == LIMIT, f"an app whose uploads may have {LIMIT} bytes has a max_file_size of {limit!r}"
    )
    tester.check_status(tester.upload(("a.bin", b"x" * LIMIT)), 200)
    tester.check_status(tester.upload(("a.bin", b"x" * (LIMIT + 1))), 413)
    tester.check_status(tester.upload(("a.bin", b"x"), ("b.bin", b"y" * (LIMIT + 1))), 413)


@case("file/upload/not-multipart")
def an_upload_that_is_no_form(tester: Tester) -> None:
    """Post JSON, text and nothing to the route of uploads: it is answered 400 or 422."""
    for content_type, body in (("application/json", b"{}"), ("text/plain", b"x"), ("", b"")):
        headers = (("content-type", content_type),) if content_type else ()
        tester.check_status(tester.post("upload", body=body, headers=headers), 400, 422)


@case("file/progress/done")
def the_progress_of_an_upload_ends(tester: Tester) -> None:
    """Upload with an `upload_id`, and ask for its progress: the stream ends after `done`."""
    name = tester.new_name()
    tester.check_status(tester.upload(("a.bin", b"x" * 100_000), query=[("upload_id", name)]), 200)
    stream = tester.wire.open_events(tester.wire.target("upload_progress", [("upload_id", name)]))
    if stream.status == 404:
        raise Skipped("the server tells nothing of the progress of uploads")
    tester.check(stream.status == 200, f"{stream.asked} was answered {stream.status} after the upload")
    ended = tester.wire.wait(lambda: not stream.is_open, tester.patience)
    told = [event.data for _, event in stream.events]
    tester.check(
        ended,
        f"the progress of an upload that is done did not end within {tester.patience:g} s; it told {told}",
    )
    tester.check(stream.end == "clean", f"the progress of an upload broke off: {stream.why}")
    tester.check(
        bool(told) and '"done"' in told[-1] and sum('"done"' in text for text in told) == 1,
        f"the last that the progress of an upload told was not done: {told}",
    )


# Files in inputs


@case("file/input/foreign-path", endpoints=("file",), severity="critical", is_destructive=True)
def a_foreign_path_is_not_read(tester: Tester) -> None:
    """Send files of the server's own system as an input: none is read."""
    for path in FOREIGN_FILES:
        check_not_read(tester, path)


@case("file/ws/foreign-path", endpoints=("file",), severity="critical", is_destructive=True)
def a_foreign_name_is_not_read(tester: Tester) -> None:
    """Send files of the server's own system as an input, in the form of 3.x: none is read."""
    for path in FOREIGN_FILES:
        check_not_read(tester, path)


def check_not_read(tester: Tester, path: str) -> None:
    """Send a path as an input that is a file; the function, which copies it, must not get it.

    Raises:
        Violation: It does.
    """
    job = tester.run("file", tester.file_value(path, "x.txt"))
    if not job.success or job.values == [None]:
        return
    copy = tester.path_of(job.values[0])
    size = len(tester.download(copy).body)
    raise Violation(f"an input whose path is {path!r} was read, and {size} bytes of it came back in {copy!r}")


# Files in outputs


@case("file/output/marked", endpoints=("file", "files"))
def files_in_outputs_are_marked(tester: Tester) -> None:
    """Have functions give files, alone and in a list: each has the mark in its meta."""
    for value in _outputs(tester):
        meta = value.get("meta")
        tester.check(
            meta == {"_type": "gradio.FileData"},
            f"the meta of a file in an output is {meta!r}, which marks no file",
        )


@case("generations/json/schemas/file", endpoints=("file", "files"))
def files_in_outputs_are_valid(tester: Tester) -> None:
    """Have functions give files: each is valid under its schema."""
    for value in _outputs(tester):
        # What its url is, is asked of better servers than those that the schema describes: see [file/output/url].
        wrong = [
            text
            for text in violations("values/file_out", value, tester.version)
            if not text.startswith("url:")
        ]
        tester.check(not wrong, f"a file in an output is not valid: {wrong[:1]}, in {value}")


@case("file/output/url", endpoints=("file",), severity="minor", examples=8)
def urls_of_files_are_urls(tester: Tester) -> None:
    """Have a function give a file of a drawn name: its url is absolute and percent-encoded."""
    name = tester.draw(file_names(hostile=False), "name")
    job = tester.run("file", tester.file_value(tester.upload_one(name, b"x"), name))
    url: object = object_of(job.values[0]).get("url")
    tester.check(
        isinstance(url, str) and URL.fullmatch(url),
        f"the url of a file called {name!r} is {url!r}, which is no percent-encoded, absolute URL",
    )


def _outputs(tester: Tester) -> Iterator[dict[str, Any]]:
    """Files in outputs of the reference app, one alone and two in a list."""
    sent = [
        tester.file_value(tester.upload_one(name, name.encode()), name) for name in ("one.txt", "two.txt")
    ]
    found: list[Any] = [*tester.run("file", sent[0]).values, *list_of(tester.run("files", sent).values[0])]
    for value in found:
        if not is_object(value):
            raise Violation(f"a file in an output is {value!r}")
        yield value
