"""Files in results, files to upload, and names that lead elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ..model import Call, Either, Holding, Scenario, Sent, Value
from ..server import CONTENT, UPLOADED
from ..steps import CANARY, ELSEWHERE, ESCAPE, GIVEN, Answer, Close, Silence, begun, completed
from .build import EITHER, ERROR, WELL, detail, page, plain, redirect, scenario

META: Final = {"_type": "gradio.FileData"}
PLACE: Final = "/tmp/gradio/0123456789abcdef/out.txt"
HOLDING: Final = (Holding(),)
HOLDING_OR_ERROR: Final = (Either(),)
NAMES: Final = ("security/files/names", "security/files/place")
ELSEWHERE_FILE: Final = f"{ELSEWHERE}/gradio_api/file={PLACE}"


def file(**changes: Any) -> dict[str, Any]:
    """FileData as a healthy server sends it."""
    return {
        "path": PLACE,
        "url": None,
        "size": len(CONTENT),
        "orig_name": "out.txt",
        "mime_type": "text/plain",
        "is_stream": False,
        "meta": META,
        **changes,
    }


def output(
    id: str,
    summary: str,
    value: Any,
    *answer: Any,
    requirements: tuple[str, ...],
    expected: Any = HOLDING,
    generations: tuple[str, ...] = ("sse_v3",),
    **options: Any,
) -> Scenario:
    """A scenario whose result is a file; ``answer`` is what is said to those who fetch it."""
    replies: Mapping[str, Any] = {"file": (answer,)} if answer else {}
    return scenario(
        id,
        summary,
        (*begun(), completed(value)),
        outputs=("file",),
        replies=replies,
        requirements=requirements,
        expected=expected,
        generations=generations,
        credentials=True,
        **options,
    )


def upload(
    id: str, summary: str, *answer: Any, requirements: tuple[str, ...], expected: Any = ERROR, **options: Any
) -> Scenario:
    """A scenario with a file to be uploaded; ``answer`` is what is said to that."""
    return scenario(
        id,
        summary,
        WELL,
        inputs=("file",),
        calls=(Call(({"$file": GIVEN},)),),
        replies={"upload": (answer,)} if answer else {},
        requirements=requirements,
        expected=expected,
        **options,
    )


def named(id: str, summary: str, name: str) -> Scenario:
    """A scenario whose result is a file of that name."""
    return output(
        f"file/name-{id}", summary, file(orig_name=name), requirements=NAMES, expected=HOLDING_OR_ERROR
    )


SCENARIOS: Final = (
    output(
        "file/download",
        "The result is a file.",
        file(),
        requirements=("file/output/by-path",),
        generations=("sse", "sse_v1", "sse_v2", "sse_v2.1", "sse_v3"),
    ),
    output(
        "file/url-elsewhere",
        "The result is a file whose url names another origin.",
        file(url=ELSEWHERE_FILE),
        requirements=("file/output/by-path", "security/origin/files"),
        generations=("sse_v2", "sse_v2.1", "sse_v3"),
    ),
    output(
        "file/url-internal",
        "The result is a file whose url nobody else can reach.",
        file(url="http://10.255.255.1:7860/file=" + PLACE),
        requirements=("file/output/by-path",),
    ),
    output(
        "file/path-url",
        "The path of a file is a URL of another origin.",
        file(path=ELSEWHERE_FILE),
        requirements=("security/origin/files",),
        expected=HOLDING_OR_ERROR,
    ),
    output(
        "file/url-only",
        "A file has no path, and a url of another origin.",
        file(path=None, url=ELSEWHERE_FILE),
        requirements=("security/origin/files",),
        expected=EITHER,
    ),
    output(
        "file/stream-elsewhere",
        "A streamed file has a url of another origin.",
        file(is_stream=True, url=ELSEWHERE_FILE, path="x/y/playlist.m3u8"),
        requirements=("security/origin/files",),
        expected=EITHER,
    ),
    output(
        "file/url-of-this-machine",
        "The url of a file names a file of this machine.",
        file(path=None, url="file://" + CANARY),
        requirements=("security/files/explicit",),
        expected=EITHER,
    ),
    output(
        "file/path-of-this-machine",
        "The path of a file is one of this machine: the server's is meant.",
        file(path=CANARY),
        requirements=("file/output/by-path", "security/files/explicit"),
    ),
    output(
        "file/text-of-this-machine",
        "The result is a text that is the path of a file of this machine.",
        CANARY,
        requirements=("security/files/explicit",),
        expected=EITHER,
    ),
    output(
        "file/redirect-elsewhere",
        "The file is redirected to another origin.",
        file(),
        redirect(302, ELSEWHERE_FILE),
        requirements=("security/origin/redirects", "security/origin/files"),
        expected=EITHER,
    ),
    output(
        "file/spaces",
        "The path has spaces, a plus sign and letters beyond ASCII.",
        file(path="/tmp/gradio/aa/süß + b.txt", url="http://x/gradio_api/file=/tmp/gradio/aa/süß + b.txt"),
        requirements=("file/download/encoding", "security/origin/encode"),
        sent=(Sent("file", "file/download/encoding", target="s%C3%BC%C3%9F%20"),),
    ),
    output(
        "file/marks",
        "The path has a question mark, a number sign and a percent sign.",
        file(path="/tmp/gradio/aa/a?b#c%2e.txt"),
        requirements=("security/origin/encode",),
        sent=(Sent("file", "security/origin/encode", target="a%3Fb%23c%252e.txt"),),
    ),
    output(
        "file/dot-segments",
        "The path leads upwards, to another route.",
        file(path="/tmp/gradio/../../../../cancel"),
        requirements=("security/origin/encode",),
        forbidden=(("cancel", "security/origin/encode"),),
        expected=EITHER,
    ),
    output(
        "file/lines",
        "The path has a line break and a header.",
        file(path="/tmp/gradio/a HTTP/1.1\r\nx-injected: yes\r\n\r\n"),
        requirements=("security/origin/encode",),
        expected=EITHER,
    ),
    named("traversal", "The name of a file leads to another place.", "../" * 16 + ESCAPE),
    named("absolute", "The name of a file is an absolute path.", ESCAPE),
    named("absolute-canary", "The name of a file is that of another one on this machine.", CANARY),
    named("backslashes", "The name of a file leads elsewhere by backslashes.", "..\\..\\..\\escaped.txt"),
    named("dots", "The name of a file is two dots.", ".."),
    named("empty", "The name of a file is empty.", ""),
    named(
        "controls",
        "The name of a file holds NUL, line breaks and marks of direction.",
        "a\x00b\r\n\u202etxt.exe",
    ),
    named("long", "The name of a file has ten thousand letters.", "x" * 10_000 + ".txt"),
    named("reserved", "The name of a file is one that a system reserves.", "CON"),
    output(
        "file/name-number",
        "The name of a file is a number.",
        file(orig_name=5),
        requirements=NAMES,
        expected=HOLDING_OR_ERROR,
    ),
    output(
        "file/path-dots",
        "A file has a path and no name, and the path ends in dots.",
        file(path="/tmp/gradio/..", orig_name=None),
        requirements=NAMES,
        expected=EITHER,
    ),
    output(
        "file/not-found",
        "The file is not there.",
        file(),
        detail(404, "Not Found"),
        requirements=("security/bounds/typed",),
        expected=ERROR,
    ),
    output(
        "file/forbidden",
        "The file may not be fetched.",
        file(),
        detail(403, "File not allowed"),
        requirements=("security/bounds/typed",),
        expected=ERROR,
    ),
    output(
        "file/gateway",
        "A page is answered with 502 in place of the file.",
        file(),
        page(502),
        requirements=("error/http/no-json",),
        expected=ERROR,
    ),
    output(
        "file/short",
        "The file has less bytes than its answer has promised.",
        file(),
        Answer(body=CONTENT, content_type="text/plain", length=9000),
        requirements=("security/files/whole",),
        expected=ERROR,
    ),
    output(
        "file/lost",
        "The connection is closed without an answer.",
        file(),
        Close(),
        requirements=("security/bounds/typed",),
        expected=ERROR,
    ),
    output(
        "file/silence",
        "The file never comes.",
        file(),
        Silence(),
        requirements=("security/bounds/time",),
        expected=ERROR,
        timeout=0.6,
    ),
    output(
        "file/size-odd",
        "The size and the type of a file are of other types than they should be.",
        file(size="big", mime_type=5, is_stream="no"),
        requirements=("security/bounds/typed",),
        expected=EITHER,
    ),
    scenario(
        "file/unmarked",
        "An object in a result that is no file has a path.",
        (*begun(), completed({"path": PLACE, "colour": "blue"})),
        outputs=("json",),
        requirements=("file/output/detect",),
        expected=(Value({"path": PLACE, "colour": "blue"}),),
    ),
    output(
        "file/unmarked-file",
        "The result is a file as the first servers of Gradio 4 send it.",
        {"path": PLACE, "url": None, "size": None, "orig_name": "out.txt", "mime_type": None},
        requirements=("file/output/detect-unmarked",),
        generations=("sse", "sse_v1"),
    ),
    scenario(
        "file/streamed",
        "The result is a file that is streamed, and was streamed to its end.",
        (
            *begun(),
            completed(
                {
                    "path": "session/run/component",
                    "is_stream": True,
                    "url": None,
                    "size": None,
                    "orig_name": "out.mp3",
                    "mime_type": None,
                    "meta": META,
                }
            ),
        ),
        outputs=("audio",),
        requirements=("file/stream/route",),
        generations=("sse_v2.1",),
        replies={"stream": ((Answer(body=CONTENT, content_type="audio/mpeg"),),)},
        expected=HOLDING,
    ),
    scenario(
        "file/ws",
        "The result is a file as Gradio 3 sends it.",
        (
            *begun(),
            completed({"orig_name": "out.txt", "name": PLACE, "size": 20, "data": None, "is_file": True}),
        ),
        outputs=("file",),
        requirements=("file/ws/output",),
        generations=("ws",),
        expected=HOLDING,
    ),
    scenario(
        "file/ws-elsewhere",
        "The name of a file of Gradio 3 is a URL of another origin.",
        (
            *begun(),
            completed(
                {"orig_name": "out.txt", "name": ELSEWHERE_FILE, "size": 20, "data": None, "is_file": True}
            ),
        ),
        outputs=("file",),
        requirements=("security/origin/files",),
        generations=("ws",),
        expected=EITHER,
        credentials=True,
    ),
    scenario(
        "file/ws-traversal",
        "The name of a file of Gradio 3 leads to another place.",
        (
            *begun(),
            completed(
                {"orig_name": "../" * 16 + ESCAPE, "name": PLACE, "size": 20, "data": None, "is_file": True}
            ),
        ),
        outputs=("file",),
        requirements=NAMES,
        generations=("ws",),
        expected=EITHER,
    ),
    scenario(
        "file/ws-not-by-type",
        "Text in a result of Gradio 3 has the keys of a file.",
        (*begun(), completed({"name": CANARY, "data": None, "is_file": True})),
        outputs=("json",),
        requirements=("file/ws/by-type",),
        generations=("ws",),
        expected=EITHER,
        forbidden=(("file", "file/ws/by-type"),),
    ),
    # Uploads.
    upload(
        "upload/file",
        "A file is uploaded, and named in the join as the server has called it.",
        Answer(body=json.dumps([UPLOADED]).encode()),
        requirements=("file/upload/request", "file/input/data"),
        expected=(Value(),),
        sent=(
            Sent("upload", "file/upload/request", raw=b'name="files"'),
            Sent("queue/join", "file/input/data", raw=UPLOADED.encode()),
            Sent("queue/join", "file/input/meta", raw=b"gradio.FileData"),
        ),
    ),
    upload(
        "upload/none",
        "The answer to an upload names no file.",
        Answer(body=b"[]"),
        requirements=("file/upload/check",),
    ),
    upload(
        "upload/too-many",
        "The answer to an upload names two files for one.",
        Answer(body=b'["/a", "/b"]'),
        requirements=("file/upload/check",),
    ),
    upload(
        "upload/odd",
        "The answer to an upload is an object.",
        Answer(body=b'{"path": "/a"}'),
        requirements=("file/upload/check",),
    ),
    upload(
        "upload/numbers",
        "The answer to an upload holds a number.",
        Answer(body=b"[7]"),
        requirements=("file/upload/check",),
    ),
    upload("upload/page", "The answer to an upload is a page.", page(), requirements=("error/http/no-json",)),
    upload(
        "upload/too-big",
        "The upload is refused, for its size.",
        plain(413, "File size exceeded maximum allowed size of 10 bytes."),
        requirements=("error/http/no-json",),
    ),
    upload(
        "upload/redirect-elsewhere",
        "The upload is redirected to another origin.",
        redirect(307, ELSEWHERE + "/gradio_api/upload"),
        requirements=("generations/routes/redirects", "security/origin/redirects"),
        credentials=True,
    ),
    upload(
        "upload/lost",
        "The connection is closed without an answer to the upload.",
        Close(),
        requirements=("security/bounds/typed",),
    ),
    scenario(
        "upload/max-size",
        "The app takes files of ten bytes at the most.",
        WELL,
        inputs=("file",),
        calls=(Call(({"$file": GIVEN},)),),
        config={"max_file_size": 10},
        forbidden=(("upload", "file/upload/check-size"),),
        requirements=("file/upload/check-size",),
        expected=EITHER,
    ),
)
