"""Multipart bodies, read by parsers that share nothing with what built them."""

from __future__ import annotations

import email
import json
import secrets
import urllib.request
from email.message import Message

import pytest
from faulty import within
from hypothesis import example, given
from hypothesis import strategies as st
from servers.running import Servers

from gradio_proto.errors import LocalProtocolError
from gradio_proto.multipart import MultipartEncoder

BOUNDARY = "0a1b2c3d4e5f"

File = tuple[str, bytes]


def body_of(encoder: MultipartEncoder, files: list[File]) -> bytes:
    return b"".join([encoder.part_head(name) + content for name, content in files] + [encoder.closing()])


def parameter(header: str, name: str) -> str:
    message = Message()
    message["x"] = header
    value = message.get_param(name, header="x")
    assert isinstance(value, str)
    return value


def parse(content_type: str, body: bytes) -> list[tuple[str, str, str, bytes]]:
    """The field, file name, content type and content of each part, as the standard library reads them."""
    message = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    assert not message.defects
    assert message.is_multipart()
    assert not message.preamble
    assert not message.epilogue
    parts: list[tuple[str, str, str, bytes]] = []
    for part in message.walk():
        if part is message:
            continue
        # Raw, because the library thinks that headers are ASCII, and here they are UTF-8.
        headers = {name: value.encode("ascii", "surrogateescape") for name, value in part.raw_items()}
        assert list(headers) == ["Content-Disposition", "Content-Type"]
        disposition = headers["Content-Disposition"].decode("utf-8")
        assert disposition.startswith("form-data; ")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        field, name = parameter(disposition, "name"), parameter(disposition, "filename")
        parts.append((field, name, headers["Content-Type"].decode("ascii"), content))
    return parts


def escaped(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def test_the_bytes() -> None:
    encoder = MultipartEncoder("b-_9")
    assert encoder.content_type == "multipart/form-data; boundary=b-_9"
    assert body_of(encoder, [("a b.txt", b"one"), ("é.bin", b"")]) == (
        b"--b-_9\r\n"
        b'Content-Disposition: form-data; name="files"; filename="a b.txt"\r\n'
        b"Content-Type: application/octet-stream\r\n"
        b"\r\n"
        b"one\r\n"
        b"--b-_9\r\n"
        b'Content-Disposition: form-data; name="files"; filename="\xc3\xa9.bin"\r\n'
        b"Content-Type: application/octet-stream\r\n"
        b"\r\n"
        b"\r\n"
        b"--b-_9--\r\n"
    )


def test_a_body_without_a_file() -> None:
    assert MultipartEncoder("b").closing() == b"--b--\r\n"
    assert MultipartEncoder("b").content_length([]) == 7


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ('quo"te', b"quo%22te"),
        ("a\r\nX: y", b"a%0D%0AX: y"),
        ("%22", b"%22"),
        ("back\\slash\\", b"back\\slash\\"),
        ("semi;colon=1", b"semi;colon=1"),
        ("ünï😀", "ünï😀".encode()),
        ("caf\udce9\ud83d", "caf\ufffd\ufffd".encode()),
        ("", b""),
    ],
)
def test_names_are_written_as_browsers_do(name: str, written: bytes) -> None:
    assert b'; filename="' + written + b'"\r\n' in MultipartEncoder("b").part_head(name)
    assert b'; name="' + written + b'"; ' in MultipartEncoder("b", field=name).part_head("x")


# Backslashes are left out here: in a mail they escape, and in a form they do not.
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\\"))
CONTENTS = st.binary() | st.text("\r\n-ab").map(str.encode) | st.just(f"--{BOUNDARY[:-1]}\r\n".encode())


@given(NAMES, st.lists(st.tuples(NAMES, CONTENTS), min_size=1, max_size=4))
@example(
    "files", [('"; name="evil', b"\r\n"), ("a; filename=b", b""), ("x\r\n\r\ny", b"\r\n--"), ("", b"\r")]
)
def test_what_was_built_is_what_is_read(field: str, files: list[File]) -> None:
    encoder = MultipartEncoder(BOUNDARY, field)
    expected = [
        (escaped(field), escaped(name), "application/octet-stream", content) for name, content in files
    ]
    assert parse(encoder.content_type, body_of(encoder, files)) == expected


@given(st.text(max_size=8), st.lists(st.tuples(st.text(), st.binary()), max_size=4))
def test_the_length_is_known_before_the_body(field: str, files: list[File]) -> None:
    encoder = MultipartEncoder(BOUNDARY, field)
    sizes = [(name, len(content)) for name, content in files]
    length = encoder.content_length(sizes)
    assert length == len(body_of(encoder, files))
    assert encoder.content_length(sizes) == length, "it is the length of a body, not of what is left of it"
    assert encoder.content_length([*sizes, ("x", None), ("y", 1)]) is None


def test_a_gigabyte_is_only_counted() -> None:
    encoder = MultipartEncoder("b")
    assert encoder.content_length([("x", 2**40)]) == 2**40 + (encoder.content_length([("x", 0)]) or 0)


def test_a_body_is_closed_once() -> None:
    encoder = MultipartEncoder("b")
    body_of(encoder, [("x", b"")])
    with pytest.raises(LocalProtocolError, match="make a MultipartEncoder for each request"):
        encoder.part_head("y")
    with pytest.raises(LocalProtocolError, match="make a MultipartEncoder for each request"):
        encoder.closing()


@pytest.mark.parametrize("boundary", ["", "x" * 71, "a b", "a\r\nb", 'a"b', "a;b", "é", "a\n"])
def test_a_boundary_that_a_header_would_have_to_quote(boundary: str) -> None:
    with pytest.raises(ValueError, match="a boundary is"):
        MultipartEncoder(boundary)
    assert MultipartEncoder("x" * 70).content_type.endswith("x" * 70)


# What each generation keeps of a name: the docstring of the encoder says so.
KEPT = {
    "a b.txt": ("a b.txt", "a b.txt", "a b.txt"),
    'quo"te.txt': ("quo22te.txt", "quo22te.txt", "quo%22te.txt"),
    "%22.txt": ("22.txt", "22.txt", "%22.txt"),
    "semi;colon.txt": ("semicolon.txt", "semicolon.txt", "semi;colon.txt"),
    "back\\slash.txt": ("backslash.txt", "backslash.txt", "backslash.txt"),
    "a#b?.txt": ("ab.txt", "ab.txt", "a#b.txt"),
    "ünï😀.txt": ("ünï.txt", "ünï.txt", "ünï😀.txt"),
    "(1), é日本.txt": ("1 é日本.txt", "1, é日本.txt", "(1), é日本.txt"),
    "dir/sub.txt": ("sub.txt", "sub.txt", "sub.txt"),
}


def test_real_servers_read_it(real_server: Servers, server_version: str) -> None:
    url = real_server(server_version)
    major = int(server_version.partition(".")[0])
    encoder = MultipartEncoder(secrets.token_hex(16))
    # The content is in the path, as its hash, so that equal names of different files are apart.
    files = [(name, f"\r\n--{number}--\r\n".encode()) for number, name in enumerate(KEPT)]
    length = encoder.content_length([(name, len(content)) for name, content in files])
    body = body_of(encoder, files)
    assert length == len(body)
    request = urllib.request.Request(
        f"{url}/gradio_api/upload" if major >= 5 else f"{url}/upload",
        body,
        {"Content-Type": encoder.content_type, "Content-Length": str(length)},
    )
    with within(30), urllib.request.urlopen(request, timeout=30) as response:
        paths = json.load(response)
    assert [path.rpartition("/")[2] for path in paths] == [kept[max(major - 4, 0)] for kept in KEPT.values()]
    for path, (_, content) in zip(paths, files, strict=True):
        with open(path, "rb") as stored:  # the server runs on this machine
            assert stored.read() == content
