"""Files as values: FileData found and not found, replaced, and written into a call's payload."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_proto.config import Component
from gradio_proto.errors import ArgumentError
from gradio_proto.filenames import safe_file_name
from gradio_proto.files import (
    META,
    FileInput,
    FileOutput,
    Uploads,
    as_file_outputs,
    check_size,
    file_data,
    file_output,
    file_outputs_in,
    is_url,
    may_hold_files,
    name_of_source,
    replace_in,
    with_local_files,
)
from gradio_proto.limits import Limits
from gradio_proto.payload import join_payload

META_OF = {"meta": dict(META)}
FILE = {"path": "/tmp/gradio/ab/out.png", "orig_name": "out.png", **META_OF}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abpu"), inner, max_size=4),
    max_leaves=12,
)


# What is sent.


class Pipe(io.RawIOBase):
    """A stream that cannot be sought in."""

    def readable(self) -> bool:
        return True


def given_stream(data: bytes, at: int) -> io.BytesIO:
    stream = io.BytesIO(data)
    stream.seek(at)
    return stream


@pytest.mark.parametrize(
    ("source", "size"),
    [
        ("/a/x.txt", None),
        (b"four", 4),
        (given_stream(b"123456", 2), 4),
        (given_stream(b"1234", 9), 0),
        (Pipe(), None),
    ],
)
def test_the_size_of_what_is_sent_as_far_as_it_is_known(source: Any, size: int | None) -> None:
    before = source.tell() if isinstance(source, io.BytesIO) else None
    assert FileInput(source, "stream", "x").size == size
    if before is not None:
        assert source.tell() == before


def test_a_file_shows_its_name_and_not_where_it_comes_from() -> None:
    file = FileInput("https://a.example/x?signature=secret", "url", "x")
    assert repr(file) == "<FileInput 'x' from url>"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/a/b/x.txt", "x.txt"),
        ("C:\\a\\x.txt", "x.txt"),
        ("x.txt", "x.txt"),
        ("what?.txt", "what?.txt"),
        ("/a/b/", None),
        ("https://a.example/b/x.png?size=1#top", "x.png"),
        ("https://a.example/b/x.png#top?", "x.png"),
        ("https://a.example/", None),
        (given_stream(b"", 0), None),
        (b"", None),
        (3, None),
    ],
)
def test_the_name_that_a_source_carries(source: object, name: str | None) -> None:
    assert name_of_source(source) == name


@pytest.mark.parametrize(("told", "name"), [("/tmp/x.bin", "x.bin"), (7, None), ("", None), (b"x", None)])
def test_the_name_that_a_stream_carries(told: object, name: str | None) -> None:
    stream = io.BytesIO()
    stream.name = told  # type: ignore[attr-defined]
    assert name_of_source(stream) == name


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("http://a", True), ("HTTPS://a", True), ("ftp://a", False), ("/http://a", False), ("https:/a", False)],
)
def test_what_is_a_url(text: str, is_one: bool) -> None:
    assert is_url(text) is is_one


def test_file_data_is_new_each_time_and_its_name_is_safe() -> None:
    data = file_data("/up/x", "../evil\n.txt")
    assert data == {"path": "/up/x", "orig_name": safe_file_name("../evil\n.txt"), **META_OF}
    data["meta"]["_type"] = "changed"
    assert file_data("/up/x", "x")["meta"] == dict(META)


@pytest.mark.parametrize(("size", "most"), [(None, 5), (5, None), (5, 5), (0, 0)])
def test_a_file_that_is_small_enough(size: int | None, most: int | None) -> None:
    check_size(FileInput(b"", "bytes", "x"), size, most)


def test_a_file_that_is_too_large() -> None:
    with pytest.raises(
        ArgumentError, match=r"x\.txt has 6 bytes, and this app takes files of 5 bytes at most"
    ):
        check_size(FileInput(b"", "bytes", "x.txt"), 6, 5)


# The payload of a call with files.


def writing(*data: Any) -> Callable[..., bytes]:
    return lambda *, encode: join_payload(fn_index=0, data=[*data], session_hash="s", encode=encode)


def numbered(prefix: str = "mark") -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers)}"


def data_of(payload: bytes) -> Any:
    return json.loads(payload)["data"]


def test_a_payload_without_files_asks_for_no_token() -> None:
    def token() -> str:
        raise AssertionError("nothing to mark")

    uploads = Uploads(writing("é", {"path": "/etc/passwd", **META_OF}), token)
    assert not uploads.paths
    assert uploads.payload() == writing("é", {"path": "/etc/passwd", **META_OF})(encode=None)


def test_a_payload_with_files_anywhere() -> None:
    a, b, url = (
        FileInput(b"", "bytes", "a.txt"),
        FileInput("/x/b.txt", "path", "b.txt"),
        FileInput("https://a.example/c", "url", "c"),
    )
    uploads = Uploads(writing([a, {"k": (b, a)}], url, {"x": b}), numbered())
    assert list(uploads.paths) == [a, b]
    uploads.paths.update({a: '/up/"a"\\1.txt', b: "/up/\ud800é.txt"})
    sent_a = {"path": '/up/"a"\\1.txt', "orig_name": "a.txt", **META_OF}
    sent_b = {"path": "/up/\ud800é.txt", "orig_name": "b.txt", **META_OF}
    sent_url = {"path": "https://a.example/c", "orig_name": "c", **META_OF}
    assert data_of(uploads.payload()) == [[sent_a, {"k": [sent_b, sent_a]}], sent_url, {"x": sent_b}]
    assert data_of(uploads.payload()) == data_of(uploads.payload())


def test_files_of_urls_alone_need_no_upload() -> None:
    uploads = Uploads(writing(FileInput("https://a.example/c", "url", "c")), numbered())
    assert not uploads.paths
    assert data_of(uploads.payload())[0]["path"] == "https://a.example/c"


def test_a_payload_is_what_the_arguments_were_at_the_call() -> None:
    file = FileInput(b"", "bytes", "a.txt")
    arguments: list[Any] = [file, "before"]
    uploads = Uploads(writing(arguments), numbered())
    arguments[:] = [FileInput(b"", "bytes", "b.txt"), "after"]
    uploads.paths[file] = "/up/a.txt"
    (sent,) = data_of(uploads.payload())
    assert (sent[0]["path"], sent[1], list(uploads.paths)) == ("/up/a.txt", "before", [file])


def test_many_files_get_their_own_paths() -> None:
    files = [FileInput(b"", "bytes", f"{number}") for number in range(25)]
    uploads = Uploads(writing(files), numbered())
    uploads.paths.update({file: f"/up/{file.name}" for file in files})
    assert [sent["path"] for sent in data_of(uploads.payload())[0]] == [f"/up/{n}" for n in range(25)]


@pytest.mark.parametrize("value", [b"x", bytearray(b"x"), io.BytesIO(), io.StringIO()])
def test_what_may_have_been_meant_as_a_file(value: object) -> None:
    with pytest.raises(
        ArgumentError, match=rf"a {type(value).__name__} is sent as a file only if you say handle_file"
    ):
        Uploads(writing(value), numbered())


def test_a_path_is_no_file_by_itself() -> None:
    class Somewhere:
        def __fspath__(self) -> str:
            raise AssertionError("nobody asks it")

    with pytest.raises(ArgumentError, match="a Somewhere is sent as a file only if you say handle_file"):
        Uploads(writing(Somewhere()), numbered())


def test_what_is_neither_json_nor_a_file() -> None:
    with pytest.raises(ArgumentError, match="Object of type set is not JSON serializable"):
        Uploads(writing({1}), numbered())


# What is handed out.


@pytest.mark.parametrize(
    ("data", "route", "name"),
    [
        (FILE, "file=/tmp/gradio/ab/out.png", "out.png"),
        ({"path": "a.txt", **META_OF}, "file=a.txt", "a.txt"),
        ({"path": "a.txt", "more": 1, **META_OF}, "file=a.txt", "a.txt"),
        # Up to 4.19 nothing marks it.
        ({"path": "/a/x.wav", "url": None, "size": 3, "orig_name": "y", "mime_type": None}, "file=/a/x.wav", "x.wav"),
        ({"path": "/a/x", "is_stream": False}, "file=/a/x", "x"),
        # Names that a server may make up.
        ({"path": "../../x", **META_OF}, "file=../../x", "x"),
        ({"path": "/etc/passwd", **META_OF}, "file=/etc/passwd", "passwd"),
        ({"path": "a\\..\\b", **META_OF}, "file=a\\..\\b", "b"),
        ({"path": "/a/..", **META_OF}, "file=/a/..", "file"),
        ({"path": "/a/", **META_OF}, "file=/a/", "file"),
        ({"path": "/a/nul.txt", **META_OF}, "file=/a/nul.txt", "_nul.txt"),
        ({"path": "http://evil.example/x", **META_OF}, "file=http://evil.example/x", "x"),
        # Media that may still be growing.
        ({"path": "s/1/2", "is_stream": True, "orig_name": "a.mp3", **META_OF}, "stream/s/1/2", "a.mp3"),
        ({"path": "s/1/2", "is_stream": True, "orig_name": "../a.mp3", **META_OF}, "stream/s/1/2", "a.mp3"),
        ({"path": "s/1/2", "is_stream": True, "orig_name": None, **META_OF}, "stream/s/1/2", "2"),
        ({"path": "s/1/playlist.m3u8", "is_stream": True, **META_OF}, "stream/s/1/playlist-file", "playlist.m3u8"),
        ({"path": "s/a-playlist.m3u8", "is_stream": True, **META_OF}, "stream/s/a-playlist.m3u8", "a-playlist.m3u8"),
    ],
)  # fmt: skip
def test_file_data_becomes_a_file_to_fetch(data: dict[str, Any], route: str, name: str) -> None:
    file = file_output(data)
    assert file is not None
    assert (file.route, file.query, file.name, file.raw) == (route, (), name, data)
    assert file.is_stream is (data.get("is_stream") is True)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"path": ""},
        {"path": None, **META_OF},
        {"path": 5, **META_OF},
        {"path": ["a"], **META_OF},
        {"url": "http://app/x", **META_OF},
        {"path": "a", "meta": {"_type": "something else"}},
        {"path": "a", "meta": {}},
        {"path": "a", "meta": "gradio.FileData"},
        {"path": "a", "more": 1},  # an app's own object
    ],
)
def test_what_is_no_file_data(data: dict[str, Any]) -> None:
    assert file_output(data) is None


@pytest.mark.parametrize(
    ("url", "query"),
    [
        ("http://app/stream/x?__sign=abc%3D", (("__sign", "abc%3D"),)),
        ("http://app/stream/x?a=b&__sign=abc&__sign=d", (("__sign", "abc"),)),
        ("http://app/stream/x?sign=abc", ()),
        ("http://app/stream/x", ()),
        (None, ()),
        (5, ()),
    ],
)
def test_the_signature_of_a_stream_is_kept(url: Any, query: tuple[tuple[str, str], ...]) -> None:
    file = file_output({"path": "x", "is_stream": True, "url": url, **META_OF})
    assert file is not None
    assert file.query == query
    assert "abc" not in repr(file)


def test_the_same_file_is_fetched_once() -> None:
    a, b = file_output(FILE), file_output({**FILE, "orig_name": "another.png"})
    assert a == b
    assert len({a, b}) == 1


# Values with files in them.


def test_files_are_found_wherever_they_are() -> None:
    chat = [{"role": "user", "content": {"file": FILE, "alt_text": None}}, {"role": "user", "content": "x"}]
    gallery = [{"image": FILE, "caption": "a"}, {"image": {**FILE, "path": "/b.png"}, "caption": None}]
    video = {"video": {**FILE, "path": "/v.mp4"}, "subtitles": None}
    value = as_file_outputs((chat, gallery, video, "x", None))
    files = file_outputs_in(value)
    assert [file.name for file in files] == ["out.png", "b.png", "v.mp4"]
    paths = {file: f"/downloads/{file.name}" for file in files}
    assert with_local_files(value, paths) == (
        [{"role": "user", "content": {"file": "/downloads/out.png", "alt_text": None}}, chat[1]],
        [{"image": "/downloads/out.png", "caption": "a"}, {"image": "/downloads/b.png", "caption": None}],
        {"video": "/downloads/v.mp4", "subtitles": None},
        "x",
        None,
    )


def test_what_was_not_fetched_stays_what_it_was_as_a_copy() -> None:
    value = with_local_files(as_file_outputs([FILE]), {})
    assert value == [FILE]
    assert value[0] is not FILE


@given(JSON)
def test_what_holds_no_files_is_handed_on_as_it_is(value: Any) -> None:
    assert file_outputs_in(value) == []
    assert with_local_files(value, {}) is value
    assert replace_in(value, lambda part: part) is value


@given(JSON)
def test_unfetched_files_come_back(value: Any) -> None:
    before = json.dumps(value)
    assert with_local_files(as_file_outputs(value), {}) == value
    assert json.dumps(value) == before


def test_a_tuple_stays_one() -> None:
    assert replace_in((1, (2,), [3]), lambda part: 9 if part == 2 else part) == (1, (9,), [3])


def test_values_as_deep_as_limits_allow() -> None:
    deep: Any = FILE
    for level in range(Limits().json_depth - 2):
        deep = [deep] if level % 2 else {"k": deep}
    found = as_file_outputs(deep)
    (file,) = file_outputs_in(found)
    part = with_local_files(found, {file: "here"})
    while not isinstance(part, str):
        part = part["k"] if isinstance(part, dict) else part[0]
    assert part == "here"


# Components that hold files.


def component(api_info: Any) -> Component:
    return Component(1, "x", {}, False, False, api_info, None, {})


def nested(schema: Any, levels: int) -> Any:
    for _ in range(levels):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "may"),
    [
        ({"type": "string"}, False),
        ({}, False),
        ({"properties": {"path": {"type": "string"}}}, True),
        ({"$defs": {"F": {"properties": {"path": {}}}}, "type": "array"}, True),
        ({"anyOf": [{"type": "null"}, {"properties": {"path": {}}}]}, True),
        ({"anyOf": ["path"]}, False),
        (None, True),
        (nested({"type": "string"}, 63), False),
        (nested({"type": "string"}, 1000), True),  # too deep to be looked into
    ],
)
def test_what_a_schema_says_about_files(schema: Any, may: bool) -> None:
    assert may_hold_files(component(schema)) is may


def test_an_unknown_component_may_hold_files() -> None:
    assert may_hold_files(None)


def test_file_output_is_no_json() -> None:
    (file,) = file_outputs_in(as_file_outputs([FILE]))
    assert isinstance(file, FileOutput)
    with pytest.raises(ArgumentError, match="not JSON serializable"):
        Uploads(writing(file), numbered())
