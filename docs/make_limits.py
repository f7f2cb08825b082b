"""Writes docs/limits.md from the docstrings of :class:`Limits`: ``python docs/make_limits.py``.

The string below a field is its documentation, which only the source knows: so it is read as a syntax tree.
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields
from pathlib import Path

from gradio_proto.limits import Limits

PAGE = Path(__file__).parent / "limits.md"

NOTE = "<!-- Made by docs/make_limits.py from the docstrings. Do not edit: run it again. -->"


def field_docs() -> dict[str, str]:
    """What stands below each field."""
    (node,) = ast.parse(inspect.getsource(Limits)).body
    assert isinstance(node, ast.ClassDef)
    docs: dict[str, str] = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            assert isinstance(below, ast.Expr)
            assert isinstance(below.value, ast.Constant)
            docs[field.target.id] = " ".join(str(below.value.value).split())
    return docs


def page() -> str:
    """The whole page."""
    docs = field_docs()
    lines = [
        "# Limits",
        "",
        NOTE,
        "",
        "What a server may make a client hold, by name. Past a limit there is a `LimitExceeded`, which is a",
        "`RemoteProtocolError` and has the limit's `name` and value (`limit`). Each limit can be set:",
        "",
        "```python",
        "from gradio_proto import Client, Limits",
        "",
        'with Client("http://127.0.0.1:7860", limits=Limits(sse_message_bytes=256 * 2**20)) as client:',
        '    print(client.predict("Ada", api_name="/greet"))  # prints Hello, Ada!',
        "```",
        "",
        "| limit | default | what it bounds, and why it is what it is |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{field.name}` | {amount(field.name, field.default)} | {docs[field.name]} |"
        for field in fields(Limits)
    ]
    return "\n".join(lines) + "\n"


def amount(name: str, value: object) -> str:
    """A default as people read it."""
    assert isinstance(value, int)
    for unit, size in (("MiB", 2**20), ("KiB", 2**10)):
        if name.endswith("_bytes") and value % size == 0:
            return f"{value // size} {unit}"
    return f"{value:,}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
