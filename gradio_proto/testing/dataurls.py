"""Files that stand in the text itself, as Gradio 3.x sends and takes them: ``data:image/png;base64,iVBO...``."""

from __future__ import annotations

import base64
import binascii


def decode(url: str) -> tuple[str | None, bytes]:
    """The type that a data URL names, if it does, and what is in it. Base64 without anything before it will do.

    Raises:
        ValueError: It is none.
    """
    head, _, body = url.rpartition(",")
    kind = head.removeprefix("data:").partition(";")[0]
    try:
        return kind or None, base64.b64decode(body)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def encode(data: bytes, kind: str) -> str:
    """A data URL of these bytes, which are of that type."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
