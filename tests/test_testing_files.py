"""Files of a test app: into the server, through a function, and out again. What real servers said to the same
requests is in ``test_testing_conversations``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from testing_simulation import Answer, World

from gradio_proto import Client, handle_file
from gradio_proto.testing import Component, File, TestApp, update
from gradio_proto.testing.files import FileStore
from gradio_proto.testing.generations import PROTOCOLS, Generation
from gradio_proto.testing.memory import MemoryTransport

META = {"_type": "gradio.FileData"}
FORM = (("content-type", "multipart/form-data; boundary=b"),)


def part(disposition: str, data: bytes = b"data") -> bytes:
    return b"--b\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % (disposition.encode(), data)


def files_app(**options: Any) -> TestApp:
    app = TestApp(**options)

    @app.endpoint()
    def shout(f: File) -> File:
        return File(f"out {f.name}", f.data.upper())

    @app.endpoint()
    def names(fs: list[File] | None) -> list[Any]:
        return [[f.name, f.orig_name, f.mime_type, f.data.decode()] for f in fs or []]

    @app.endpoint(inputs=["json"], outputs=["json", "files", "gallery", "chatbot", "image"])
    def give(x: Any) -> Any:
        file = File("a.png", b"png")
        return {"deep": [file], "x": x}, None, [{"image": file, "caption": "c"}], [], file

    @app.endpoint(inputs=["gallery", "chatbot"], outputs=["json"])
    def take(gallery: list[Any] | None, chat: list[Any] | None) -> Any:
        return [gallery and gallery[0]["image"].name, chat and chat[0]["content"].data.decode()]

    return app


def upload(world: World, *parts: bytes, end: bytes = b"--b--\r\n", conn: int | None = None) -> Answer:
    prefix = world.app.generation.prefix
    return world.request("POST", f"{prefix}/upload", b"".join(parts) + end, headers=FORM, conn=conn)


def uploaded(world: World, name: str, data: bytes = b"data") -> str:
    answer = upload(world, part(f'name="files"; filename="{name}"', data))
    assert answer.status == 200, answer.body
    (path,) = json.loads(answer.body)
    assert isinstance(path, str)
    return path


def run(world: World, name: str, *data: Any) -> Any:
    """The outputs of a direct call, or the error text."""
    prefix = world.app.generation.prefix
    answer = world.request("POST", f"{prefix}/run/{name}", json.dumps({"data": data}).encode())
    world.run()
    output = json.loads(answer.body)
    return output["data"] if answer.status == 200 else output["error"]


def get(world: World, path: str, method: str = "GET", **headers: str) -> Answer:
    target = f"{world.app.generation.prefix}/file={quote(path)}"
    return world.request(method, target, headers=tuple(headers.items()))


# Uploads


def test_what_is_uploaded() -> None:
    world = World(files_app())
    answer = upload(
        world,
        part('name="files"; filename="a.txt"'),
        part('name="files"; filename="b.txt"', b""),
        part('name="other"; filename="c.txt"'),
        part('name="files"'),
        part('name="files"; filename="a.txt"'),
    )
    first, second, third = json.loads(answer.body)
    assert first == third
    assert first.endswith("/a.txt")
    assert second.endswith("/b.txt")
    assert get(world, first).body == b"data"
    assert get(world, second).body == b""


def test_the_same_content_has_the_same_folder() -> None:
    world = World(files_app())
    one, two, other = uploaded(world, "1"), uploaded(world, "2"), uploaded(world, "1", b"other")
    assert one[:-1] == two[:-1] != other[:-1]
    # And since Gradio 5 another one on another server.
    assert uploaded(World(files_app(app_id=1)), "1") != one
    assert uploaded(World(files_app(app_id=1, version="4.44.1")), "1") == uploaded(
        World(files_app(app_id=2, version="4.44.1")), "1"
    )


@pytest.mark.parametrize(
    ("name", "old", "v5", "new"),
    [
        ("a b.txt", "a b.txt", "a b.txt", "a b.txt"),
        ("a,b#(1).txt", "ab1.txt", "a,b1.txt", "a,b#(1).txt"),
        ("../x/é.txt", "é.txt", "é.txt", "é.txt"),
        ("dir/", "dir", "dir", "dir"),
        ("a<b>:*.txt. ", "ab.txt. ", "ab.txt. ", "ab.txt"),
        ("?.?", ".", ".", "file"),
        ("..", "..", "..", ".."),
        ("x" * 300 + ".txt", "x" * 200, "x" * 196 + ".txt", "x" * 196 + ".txt"),
        ("Nul.tar.gz", "Nul.tar.gz", "Nul.tar.gz", "_Nul.tar.gz"),
        ("com1", "com1", "com1", "_com1"),
        ("common", "common", "common", "common"),
        ("x" * 300, "x" * 200, "x" * 200, "x" * 200),
    ],
)
def test_names(name: str, old: str, v5: str, new: str) -> None:
    for version, expected in (("4.13.0", old), ("5.49.1", v5), ("6.31.0", new)):
        assert FileStore(Generation(version), "", {}).harmless(name) == expected


def test_a_file_without_a_name() -> None:
    path = uploaded(World(files_app()), "")
    assert path.rpartition("/")[2].startswith("tmp")


@pytest.mark.parametrize(("version", "name"), [("4.44.1", "###"), ("4.44.1", ".."), ("6.31.0", "..")])
def test_a_name_that_cannot_be(version: str, name: str) -> None:
    world = World(files_app(version=version))
    answer = upload(world, part(f'name="files"; filename="{name}"'))
    assert answer.status == 400
    assert json.loads(answer.body)["detail"].startswith("Invalid file name: ")


def test_what_is_no_upload() -> None:
    world = World(files_app())
    for content_type, body, text in (
        ("multipart/form-data", b"", b"Missing boundary in multipart."),
        ("multipart/form-data; boundary=b", part("x=y"), b'field "name" must be provided'),
        ("multipart/form-data; boundary=b", b"", b"ends before its closing delimiter"),
    ):
        headers = (("content-type", content_type),)
        answer = world.request("POST", "/gradio_api/upload", body, headers=headers)
        assert answer.status == 400
        assert text in answer.body
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert world.request("GET", "/gradio_api/upload", headers=()).status == 405


def test_too_large() -> None:
    world = World(files_app(max_file_size=10))
    conn = world.connect()
    answer = upload(world, part('name="files"; filename="a"', b"x" * 100), part('name="b"'), conn=conn)
    assert (answer.status, answer.body) == (413, b"File size exceeded maximum allowed size of 10 bytes.")
    fields = part('name="field"', b"x" * 100)  # is no file
    assert upload(world, part('name="files"; filename="a"', b"x" * 10), fields, conn=conn).status == 200
    assert World(files_app(max_file_size=10)).app.config("")["max_file_size"] == 10
    # Nobody looked before Gradio 4.44.
    old = World(files_app(max_file_size=10, version="4.21.0"))
    assert len(uploaded(old, "a", b"x" * 100)) > 0
    assert "max_file_size" not in old.app.config("")


def test_too_many() -> None:
    world = World(files_app())
    parts = [part(f'name="files"; filename="{number}"', b"") for number in range(1001)]
    assert len(json.loads(upload(world, *parts[:1000]).body)) == 1000
    answer = upload(world, *parts)
    assert (answer.status, answer.body) == (400, b"Too many files. Maximum number of files is 1000.")


@given(
    st.sampled_from(
        ["POST /upload", "POST /login", "GET /file=", "GET /file=http://", "GET /stream/", "GET /call/"]
    ),
    st.binary(max_size=100),
    st.sampled_from(
        ["multipart/form-data; boundary=b", "application/x-www-form-urlencoded", "text/plain; \xe9"]
    ),
)
@settings(max_examples=200, deadline=None)
def test_anything_is_answered(route: str, data: bytes, content_type: str) -> None:
    """Whatever a client sends as a body, or asks for: there is an answer, and no exception."""
    world = World(files_app(version="4.44.1", auth={"": ""} if "login" in route else None))
    method, _, path = route.partition(" ")
    target = path + quote(data) if method == "GET" else path
    head = f"{method} {target} HTTP/1.1\r\nHost: \xe9\r\nContent-Type: {content_type}\r\nRange: {target}\r\n"
    body = b"--b\r\nContent-Disposition:" + data + b"\r\n--b--" if method == "POST" else b""
    conn = world.connect()
    answer = world.answers[conn]
    answer.client.send(h11.Request(method=method, target=target, headers=[("host", "x")]))
    answer.client.send(h11.EndOfMessage())
    world.send(conn, head.encode("latin-1") + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert answer.status is not None
    assert answer.ended or answer.closed


# Downloads


@pytest.mark.parametrize(
    ("name", "content_type", "disposition"),
    [
        ("a.txt", "text/plain; charset=utf-8", 'inline; filename="a.txt"'),
        ("a b.PNG", "image/png", "inline; filename*=utf-8''a%20b.PNG"),
        ("a.html", "application/octet-stream", 'attachment; filename="a.html"'),
        ("a", "application/octet-stream", 'attachment; filename="a"'),
    ],
)
def test_how_a_file_is_shown(name: str, content_type: str, disposition: str) -> None:
    world = World(files_app())
    path = uploaded(world, name)
    for method in ("GET", "HEAD"):
        answer = get(world, path, method)
        assert answer.headers["content-type"] == content_type
        assert answer.headers["content-disposition"] == disposition
        assert answer.headers["content-length"] == "4"
        assert answer.body == (b"data" if method == "GET" else b"")
    old = World(files_app(version="4.13.0"))
    answer = get(old, uploaded(old, name))
    assert "content-disposition" not in answer.headers
    expected = {"a.txt": content_type, "a b.PNG": content_type, "a.html": "text/html; charset=utf-8"}
    assert answer.headers["content-type"] == expected.get(name, "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("asked", "status", "body", "said"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=2-", 206, b"23456789", "bytes 2-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-30", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=10-", 416, b"Range Not Satisfiable", "bytes */10"),
        ("bytes=10-11", 416, b"Range Not Satisfiable", "bytes */10"),
        ("bytes=-", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=" + "9" * 5000 + "-", 200, b"0123456789", None),
    ],
)
def test_ranges(asked: str, status: int, body: bytes, said: str | None) -> None:
    world = World(files_app())
    answer = get(world, uploaded(world, "a.txt", b"0123456789"), range=asked)
    assert (answer.status, answer.body, answer.headers.get("content-range")) == (status, body, said)


def test_ranges_of_old() -> None:
    world = World(files_app(version="4.21.0"))
    path = uploaded(world, "a.txt", b"0123456789")
    assert get(world, path, range="bytes=2-").body == b"0123456789"
    answer = get(world, path, range="bytes=2-3")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (
        206,
        b"23",
        "text/plain; charset=utf-8",
    )


def test_what_is_not_there() -> None:
    for version, status in (("4.44.1", 404), ("6.31.0", 403)):
        world = World(files_app(version=version))
        path = uploaded(world, "a.txt")
        assert get(world, f"{path}x").status == status
        answer = get(world, "/etc/passwd")
        assert (answer.status, answer.body) == (403, b'{"detail":"File not allowed: /etc/passwd."}')


def test_urls_are_sent_elsewhere() -> None:
    answer = get(World(files_app(version="5.49.1")), "http://x/y z")
    assert (answer.status, answer.headers["location"]) == (302, "http://x/y%20z")
    assert get(World(files_app()), "http://x/y").status == 403


# Values


@pytest.mark.parametrize("version", ["3.36.1", "3.50.2"])
def test_through_a_function_of_gradio_3(version: str) -> None:
    world = World(files_app(version=version))
    path = uploaded(world, "a b.txt")
    again = uploaded(world, "a b.txt")
    assert path != again
    on_server = {"name": path, "data": None, "is_file": True, "orig_name": "mine.txt"}
    inline = {"name": "c#.txt", "data": "data:text/plain;base64,ZGF0YQ=="}
    expected = [["a b.txt", "mine.txt", None, "data"], ["c.txt", "c#.txt", "text/plain", "data"]]
    assert run(world, "names", [on_server, inline]) == [expected]
    (output,) = run(world, "shout", inline)
    assert get(world, output["name"]).body == b"DATA"
    described = {"orig_name": "out c.txt", "name": output["name"], "size": 4, "data": None, "is_file": True}
    assert output == described
    found, empty, gallery, chat, image = run(world, "give", on_server)
    assert found["x"] == on_server
    assert empty == chat == []
    assert gallery == [{"image": {**gallery[0]["image"], "orig_name": "a.png"}, "caption": "c"}]
    assert "size" not in gallery[0]["image"]
    assert image == "data:image/png;base64,cG5n"
    chat = [{"role": "user", "content": found["deep"][0]}]
    assert run(world, "take", [{"image": gallery[0]["image"]}], chat) == [["a.png", "png"]]


def test_what_is_no_file_of_gradio_3() -> None:
    world = World(files_app(version="3.50.2"))
    assert run(world, "shout", "a.txt") == "string indices must be integers, not 'str'"
    assert run(world, "shout", {"name": "a.txt"}) == "'data'"
    assert "No such file" in run(world, "shout", {"name": "/x", "data": None, "is_file": True})
    assert "base64" in run(world, "shout", {"name": "x", "data": "data:x;base64,a"})


def test_images_of_gradio_3_are_inline() -> None:
    app = TestApp(version="3.50.2")

    @app.endpoint(inputs=["image"], outputs=["image", "text"])
    def look(image: File | None) -> tuple[Any, str]:
        return image, repr(image and (image.name, image.mime_type))

    app.endpoint("odd", inputs=[], outputs=["image"])(lambda: object())
    world = World(app)
    url = "data:image/webp;base64,cG5n"
    assert run(world, "look", url) == [url, "('image.webp', 'image/webp')"]
    assert run(world, "look", "cG5n") == ["data:image/png;base64,cG5n", "('image.png', None)"]
    assert run(world, "look", None) == [None, "None"]
    assert run(world, "look", {"name": "x"}) == ""
    assert "not JSON serializable" in run(world, "odd")


@pytest.mark.parametrize(
    ("version", "faithful"),
    # Direct calls of a faithful 5.49.1 spoil JSON.
    [
        (version, faithful)
        for version in PROTOCOLS
        for faithful in (True, False)
        if version >= "4" and (version, faithful) != ("5.49.1", True)
    ],
)
def test_through_a_function(version: str, *, faithful: bool) -> None:
    world = World(files_app(version=version), faithful_defects=faithful)
    path = uploaded(world, "a b.txt")
    given = {"path": path, "orig_name": "mine.txt", "mime_type": "text/plain", "meta": META}
    assert run(world, "names", [given, given]) == [[["a b.txt", "mine.txt", "text/plain", "data"]] * 2]
    assert run(world, "names", None) == [[]]
    (output,) = run(world, "shout", given)
    assert get(world, output["path"]).body == b"DATA"
    assert (output["orig_name"], output["size"], output["mime_type"]) == ("out a b.txt", 4, None)
    root = f"http://localhost:7860{world.app.generation.prefix}/file="
    has_url = version not in ("4.0.2", "4.13.0")
    raw = root + output["path"] if has_url else None
    assert output["url"] == (root + quote(output["path"]) if version >= "6" or not faithful else raw)
    assert output.get("is_stream", "none") == (False if has_url else "none")
    assert output.get("meta", "none") == ("none" if version < "4.21" else META)


def test_files_anywhere() -> None:
    world = World(files_app())
    found, empty, gallery, chat, image = run(world, "give", {"path": "/etc/passwd", "meta": META})
    assert found["x"] == {"path": "/etc/passwd", "meta": META}  # JSON is not looked into
    assert empty == chat == []
    assert gallery[0]["image"]["size"] is None
    assert gallery[0]["caption"] == "c"
    paths = {found["deep"][0]["path"], gallery[0]["image"]["path"], image["path"]}
    assert len(paths) == 1
    assert get(world, paths.pop()).body == b"png"
    given = {"path": image["path"], "meta": META}
    chat = [{"role": "user", "content": given}]
    assert run(world, "take", [{"image": given, "caption": None}], chat) == [["a.png", "png"]]
    assert run(world, "take", None, None) == [[None, None]]


def test_a_file_is_a_chat_message() -> None:
    store = FileStore(Generation(), "", {})
    chatbot = Component("chatbot")
    given = [{"role": "user", "content": File("a.txt", b"")}]
    (message,) = chatbot.postprocess(given, store, "")
    (content,) = message["content"]
    assert (content["type"], content["file"]["orig_name"]) == ("file", "a.txt")
    (message,) = chatbot.postprocess(given, store, "", chat_parts=False)
    assert message["content"]["orig_name"] == "a.txt"


def test_a_message_of_a_text_and_files() -> None:
    app = TestApp()

    @app.endpoint("/look", inputs=["multimodaltextbox"], outputs=["json"])
    def look(message: Any) -> Any:
        if message is None:
            return "nothing"
        return [message["text"], *(file.data.decode() for file in message["files"])]

    with Client("http://app", transport=MemoryTransport.to(app)) as client:
        files = [handle_file(text.encode(), name="a.txt") for text in ("one", "two")]
        assert client.predict({"text": "what", "files": files}) == ["what", "one", "two"]
        assert client.predict({"text": "what"}) == ["what"]
        assert client.predict(None) == "nothing"
        described = client.view_api(print_info=False, return_format="str")
        assert "[Multimodaltextbox] message: dict(text: str, files: list[filepath]) (required)" in str(
            described
        )


def test_an_update_is_no_file() -> None:
    store = FileStore(Generation(), "", {})
    assert Component("file").postprocess(update(visible=False), store, "") == update(visible=False)


@pytest.mark.parametrize(
    ("version", "value", "text"),
    [
        ("4.44.1", "x", "FileData() argument after ** must be a mapping, not str"),
        ("4.44.1", {"path": None}, "1 validation error for FileData\npath\n"),
        ("4.21.0", {"path": "/etc/passwd"}, "File /etc/passwd is not in the upload folder"),
        ("4.13.0", {"path": "/etc/passwd"}, "No such file or directory: '/etc/passwd'"),
        ("6.31.0", "x", "The 'meta' field must be explicitly provided"),
        ("6.31.0", {"path": "x"}, "The 'meta' field must be explicitly provided"),
        ("6.31.0", {"path": "/etc/passwd", "meta": META}, "Cannot move /etc/passwd to the gradio cache"),
        ("6.31.0", {"path": "http://x:1/y", "meta": META}, "Hostname x failed validation"),
    ],
)
def test_what_is_no_file_of_the_server(version: str, value: Any, text: str) -> None:
    assert text in run(World(files_app(version=version)), "shout", value)


def test_the_web() -> None:
    world = World(files_app(web={"https://x.y/a/b%20c.txt?d": b"web"}))
    given = {"path": "https://x.y/a/b%20c.txt?d", "orig_name": "b.txt", "meta": META}
    assert run(world, "names", [given]) == [[["b%20c.txt", "b.txt", None, "web"]]]


def test_annotations() -> None:
    app = TestApp()

    @app.endpoint()
    def both(a: File | None, b: list[File] | None = None) -> tuple[File, list[File]]:
        raise NotImplementedError

    endpoint = app.endpoints[-1]
    assert [component.type for component in endpoint.inputs] == ["file", "files"]
    assert [component.type for component in endpoint.outputs] == ["file", "files"]
    returns = app.info()["named_endpoints"]["/both"]["returns"]
    assert [item["python_type"]["type"] for item in returns] == ["filepath", "list[filepath]"]


def test_an_annotation_that_cannot_be_hashed() -> None:
    def odd(x: Any) -> None:
        raise NotImplementedError

    odd.__annotations__["x"] = []
    app = TestApp()
    app.endpoint()(odd)
    assert app.endpoints[-1].inputs[0].type == "json"


# Media


def media_app(**options: Any) -> TestApp:
    app = TestApp(**options)

    @app.endpoint(outputs=[Component("audio", streaming=True)])
    def play(n: int) -> Iterator[Any]:
        yield from (b"one", None, File("x", b"two"), b"three")[:n]

    @app.endpoint(outputs=[Component("video", streaming=True)])
    def once(x: str) -> Any:
        return {"bytes": b"v", "str": "v"}[x]

    return app


def join(world: World, fn_index: int, *data: Any, session: str = "s") -> None:
    body = {"data": data, "fn_index": fn_index, "session_hash": session}
    prefix = world.app.generation.prefix
    answer = world.request("POST", f"{prefix}/queue/join", json.dumps(body).encode())
    assert answer.status == 200


def listen(world: World, session: str = "s") -> list[Any]:
    prefix = world.app.generation.prefix
    answer = world.request("GET", f"{prefix}/queue/data?session_hash={session}", headers=())
    world.run()
    return [json.loads(event[6:]) for event in answer.body.decode().split("\n\n")[:-1]]


def test_a_long_response() -> None:
    """Each piece, and the end, is handed out once: whoever comes late waits for ever."""
    world = World(media_app(version="4.44.1"))
    join(world, 0, 4)
    messages = listen(world)
    (data,) = messages[-2]["output"]["data"]
    assert data["is_stream"]
    assert data["url"] == f"http://localhost:7860/stream/{data['path']}"
    target = f"/stream/{data['path']}"
    conn = world.connect()
    first = world.request("GET", target, headers=(), conn=conn)
    assert (first.status, first.body, first.ended) == (200, b"onetwothree", True)
    assert world.request("GET", "/app_id", headers=(), conn=conn).status == 200
    second = world.request("GET", target, headers=(), conn=conn)
    assert (second.status, second.body, second.ended) == (200, b"", False)
    world.disconnect(conn)
    assert world.request("GET", "/stream/s/x/1", headers=()).status == 404


def test_a_long_response_to_who_is_early() -> None:
    app = media_app(version="4.13.0")
    world = World(app)

    @app.endpoint(outputs=[Component("audio", streaming=True)])
    def slowly() -> Iterator[bytes]:
        for piece in (b"1", b"2"):
            world.sleep(1)
            yield piece
        world.sleep(1)

    world.use(app)
    join(world, 2)
    world.run(1.5)
    path = f"s/{1:032x}/{app.component_id(app.endpoints[2].outputs[0])}"
    answer = world.request("GET", f"/stream/{path}", headers=())
    assert (answer.body, answer.ended) == (b"1", False)
    world.run(2.5)
    assert (answer.body, answer.ended) == (b"12", False)
    world.run(3.5)
    assert (answer.body, answer.ended) == (b"12", True)


def test_a_playlist() -> None:
    world = World(media_app())
    join(world, 0, 4)
    messages = listen(world)
    data = messages[-2]["output"]["data"][0]
    assert data["orig_name"] == "audio-stream.mp3"
    folder, _, name = data["path"].rpartition("/")
    assert name == "playlist.m3u8"
    assert data["url"] == f"http://localhost:7860/gradio_api/stream/{data['path']}"

    def part_of(name: str) -> Answer:
        return world.request("GET", f"/gradio_api/stream/{folder}/{name}", headers=())

    lines = part_of("playlist.m3u8").body.decode().split("\n")
    assert lines[0] == "#EXTM3U"
    assert lines[-2:] == ["#EXT-X-ENDLIST", ""]
    names = [line for line in lines if line and not line.startswith("#")]
    assert [part_of(name).body for name in names] == [b"one", b"two", b"three"]
    whole = part_of("playlist-file")
    assert (whole.body, whole.headers["content-type"]) == (b"onetwothree", "audio/mpeg")
    assert part_of("99.aac").body == b"Segment not found"
    # They are gone with the page.
    conn = world.connect()
    for session in ("other", "s"):
        assert part_of("playlist-file").status == 200
        conn = world.connect()
        world.request("GET", f"/gradio_api/heartbeat/{session}", headers=(), conn=conn)
        world.disconnect(conn)
    assert part_of("playlist-file").status == 404


def test_a_playlist_that_goes_on() -> None:
    world = World()
    app = media_app()

    @app.endpoint(outputs=[Component("video", streaming=True)])
    def slowly() -> Iterator[bytes]:
        yield b"1"
        world.sleep(1)

    world.use(app)
    join(world, 2)
    world.run(0.5)
    path = f"s/{1:032x}/{app.component_id(app.endpoints[2].outputs[0])}/playlist.m3u8"
    target = f"/gradio_api/stream/{path}"
    assert world.request("GET", target, headers=()).body.endswith(b"0.ts\n")
    world.run(1.5)
    assert world.request("GET", target, headers=()).body.endswith(b"0.ts\n#EXT-X-ENDLIST\n")


def test_a_piece_is_made_of_bytes() -> None:
    world = World(media_app(version="4.44.1"))
    assert run(world, "once", "str") == "a piece of video is bytes or a File, not str"
    (data,) = run(world, "once", "bytes")
    assert world.request("GET", f"/stream/{data['path']}", headers=()).body == b"v"


def test_what_cannot_be_streamed() -> None:
    with pytest.raises(ValueError, match="a textbox cannot be streamed"):
        Component("text", streaming=True)
    config = media_app().config("")
    assert [c["props"]["streaming"] for c in config["components"] if c["type"] == "audio"] == [True]


# With the client


def test_the_client_in_memory(tmp_path: Any) -> None:
    app = files_app()
    transport = MemoryTransport.to(app)
    with Client("http://app", transport=transport, download_files=False) as client:
        data = client.predict(handle_file(b"some text", name="a.txt"), api_name="/shout")
        assert (data["orig_name"], data["size"]) == ("out a.txt", 9)
        two = [handle_file(b"1", name="1.txt"), handle_file(b"2", name="2.txt")]
        assert [row[3] for row in client.predict(two, api_name="/names")] == ["1", "2"]
