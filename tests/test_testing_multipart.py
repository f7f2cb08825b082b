"""Multipart bodies, taken apart in any pieces; and what is no such body."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_proto.testing.multipart import MultipartError, MultipartParser, Part, boundary_of, parameters

BOUNDARY = b"----b"


def body_of(*parts: tuple[str, bytes], end: bytes = b"--\r\n") -> bytes:
    body = b"".join(
        b"--%b\r\nContent-Disposition: %b\r\nContent-Type: text/plain\r\n\r\n%b\r\n"
        % (BOUNDARY, disposition.encode(), data)
        for disposition, data in parts
    )
    return body + b"--" + BOUNDARY + end


def parsed(body: bytes, *, cuts: list[int] | None = None) -> list[tuple[str, str | None, bytes]]:
    parser = MultipartParser(BOUNDARY)
    edges = sorted({0, len(body), *(cut for cut in cuts or () if cut < len(body))})
    for start, end in itertools.pairwise(edges):
        parser.feed(body[start:end])
    parser.finish()
    assert all(part.size == len(part.data) for part in parser.parts)
    return [(part.name, part.filename, part.data) for part in parser.parts]


TRICKY = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"--", BOUNDARY[:-1], b"-", b"x", b"\r\n--" + BOUNDARY[:-1]]),
    max_size=8,
).map(b"".join)


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.none() | st.sampled_from(["f.txt", "é"]), TRICKY), max_size=4
    ),
    st.lists(st.integers(0, 400), max_size=20),
)
def test_parts_come_out_as_they_went_in(parts: list[tuple[str, str | None, bytes]], cuts: list[int]) -> None:
    shown = [
        (f'form-data; name="{name}"' + ("" if filename is None else f'; filename="{filename}"'), data)
        for name, filename, data in parts
    ]
    assert parsed(body_of(*shown), cuts=cuts) == parts


def test_byte_by_byte_and_with_more_around_it() -> None:
    body = b"nothing to read\r\n" + body_of(('form-data; name="a"', b"1\r\n2")) + b"nor this\r\n--" + BOUNDARY
    assert parsed(body, cuts=[*range(len(body))]) == [("a", None, b"1\r\n2")]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('form-data; name="a"; filename="x"', "x"),
        ("form-data; name=a; filename=x", "x"),
        ('form-data; filename="a b; c.txt" ; NAME = "a"', "a b; c.txt"),
        (r'form-data; name="a"; filename="a \"b\" \\ \c"', r'a "b" \ \c'),
        ('form-data; name="a"; filename=""', ""),
        ('form-data; name="a"', None),
    ],
)
def test_names(header: str, name: str | None) -> None:
    assert parsed(body_of((header, b""))) == [("a", name, b"")]


def test_a_name_in_another_encoding() -> None:
    body = body_of(('form-data; name="a"; filename="?"', b"")).replace(b"?", b"\xe9")
    assert parsed(body) == [("a", "é", b"")]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "ends before its closing delimiter"),
        (body_of(('form-data; name="a"', b"1"))[:-4], "ends before its closing delimiter"),
        (body_of(('form-data; name="a"', b"1"), end=b"xx"), "Expected CR LF or two hyphens"),
        (body_of(("form-data", b"1")), 'field "name" must be provided'),
        (b"--%b\r\n\r\n1\r\n--%b--" % (BOUNDARY, BOUNDARY), 'field "name" must be provided'),
        (b"--%b\r\nX: %b" % (BOUNDARY, b"y" * 9000), "Headers exceeded maximum allowed size of 8192 bytes"),
    ],
)
def test_what_is_wrong(body: bytes, text: str) -> None:
    with pytest.raises(MultipartError, match=text):
        parsed(body)


def test_what_is_told_meanwhile() -> None:
    told: list[tuple[str, int, bytes]] = []

    def on_data(part: Part, data: bytes) -> None:
        told.append((part.name, part.size, data))

    begun: list[str] = []
    parser = MultipartParser(BOUNDARY, lambda part: begun.append(part.name), on_data)
    for piece in (body_of(('form-data; name="a"', b"x" * 40)), b"more"):
        parser.feed(piece)
        assert begun == ["a"]
    assert "".join(data.decode() for _, _, data in told) == "x" * 40
    assert told[-1][:2] == ("a", 40)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data; charset=utf-8; boundary="a b"', b"a b"),
        ("application/json", None),
        ("", None),
    ],
)
def test_boundaries(content_type: str, boundary: bytes | None) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary="])
def test_no_boundary(content_type: str) -> None:
    with pytest.raises(MultipartError, match="Missing boundary"):
        boundary_of(content_type)


def test_parameters() -> None:
    assert parameters('x; A=1;b="2; 3"; c') == {"a": "1", "b": "2; 3"}


@pytest.mark.parametrize("size", [64, 64 * 2**10])
def test_the_time_is_linear_in_the_body(size: int) -> None:
    """As many bytes as would take minutes if every piece were looked at again, or copied to another."""
    piece = b"\r" * size
    parser = MultipartParser(BOUNDARY)
    parser.feed(body_of(('form-data; name="a"', b""))[: -len(BOUNDARY) - 8])
    began = time.process_time()
    for _ in range(8 * 2**20 // size):
        parser.feed(piece)
    assert time.process_time() - began < 10
