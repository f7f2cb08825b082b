"""Headers as h11 has them, which are bytes of which it is not said what they mean, and as a recording has them."""

from __future__ import annotations

from collections.abc import Iterable

from gradio_proto.http import Headers


def decoded(
    headers: Iterable[tuple[bytes | bytearray | memoryview, bytes | bytearray | memoryview]],
) -> Headers:
    """What h11 has read."""
    return tuple((str(name, "latin-1"), str(value, "latin-1")) for name, value in headers)


def encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """What h11 is to write: it takes texts of ASCII only."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
