"""JSON objects in what was recorded, of which nothing is certain."""

from __future__ import annotations

from typing import Any, cast

from gradio_proto.errors import GradioError
from gradio_proto.jsontext import loads
from gradio_proto.limits import Limits


def json_object(text: str | bytes) -> dict[str, Any]:
    """The object that a text is; an empty one for anything else."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    try:
        value = loads(text, Limits())
    except GradioError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
