"""Streamed values as a Gradio server sends them: the first in full, every later one as edits to the last.

From ``sse_v2`` on, each ``process_generating`` message after the first holds, for every output, a list of
edits ``[action, path, value]`` that turn the value sent last into the new one. A path is a list of list
indices and dict keys, ``[]`` for the value itself. The actions are ``replace``; ``append`` (to a string);
``add`` (a dict key, or a list element at that index); ``delete``. An empty list says: unchanged.

Values are what JSON gives: dicts with string keys, lists, strings, numbers, booleans, None.
"""

from __future__ import annotations

from typing import Any

from .jsonvalues import is_dict, is_list

Edit = list[Any]
"""``[action, path, value]``, as it goes onto the wire."""


def diff(old: Any, new: Any, *, shifted: bool = True) -> list[Edit]:
    """Return the edits that turn ``old`` into ``new``, to be applied in order.

    Scalars are compared as Python compares them, so a change from 1 to 1.0 or True is no edit, as on a real
    server.

    Args:
        old: The value that was sent last.
        new: The value to send.
        shifted: Let each delete from a list count on those before it, as servers since some 5.x do. Older
            ones name the original indices, which cannot be applied in order.

    Neither argument is changed, but the edits hold parts of ``new``: do not change it afterwards.
    """
    edits: list[Edit] = []
    _compare(old, new, [], edits, shifted)
    return edits


def diff_whole(old: Any, new: Any) -> list[Edit]:
    """The same for a value that the server does not look into: ``gr.JSON`` is always replaced whole."""
    return [] if old == new else [["replace", [], new]]


def _compare(old: Any, new: Any, path: list[Any], edits: list[Edit], shifted: bool) -> None:
    # The path is one list, pushed and popped on the way; it is copied only into the edits that are made, so
    # that the cost is the size of the values and not that times their depth.
    if is_list(old) and is_list(new):
        _compare_lists(old, new, path, edits, shifted)
    elif is_dict(old) and is_dict(new):
        _compare_dicts(old, new, path, edits, shifted)
    elif isinstance(old, str) and isinstance(new, str) and new.startswith(old):
        if len(new) > len(old):
            edits.append(["append", [*path], new[len(old) :]])
    elif old != new:
        edits.append(["replace", [*path], new])


def _compare_lists(old: list[Any], new: list[Any], path: list[Any], edits: list[Edit], shifted: bool) -> None:
    common = min(len(old), len(new))
    for index in range(common):
        path.append(index)
        _compare(old[index], new[index], path, edits, shifted)
        path.pop()
    # Each delete moves what is behind it, so the first index past the common part is the right one for all.
    # Real servers number nested deletes wrongly; a reader that drops from the tail understands both.
    for index in range(common, len(old)):
        edits.append(["delete", [*path, common if shifted else index], None])
    edits.extend(["add", [*path, index], new[index]] for index in range(common, len(new)))


def _compare_dicts(
    old: dict[str, Any], new: dict[str, Any], path: list[Any], edits: list[Edit], shifted: bool
) -> None:
    for key, value in old.items():
        if key in new:
            path.append(key)
            _compare(value, new[key], path, edits, shifted)
            path.pop()
        else:
            edits.append(["delete", [*path, key], None])
    edits.extend(["add", [*path, key], value] for key, value in new.items() if key not in old)
