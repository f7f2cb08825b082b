"""Edits between streamed values, in each of the forms that servers have been seen to send (PROTOCOL 3.4).

The forms differ in one thing only: the index by which an edit names the element of a list that it deletes. All of
them mean the last element of that list.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, Literal, TypeAlias, get_args

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ...endpoints import copy_json
from ...testing.diffing import Edit, diff, diff_whole

DiffForm: TypeAlias = Literal["original", "shifted", "nested", "whole"]
"""How the edits of a diff are written.

``original``
    A delete names the index that the element had before any of them (Gradio 4.17 to 5.0).
``shifted``
    A delete counts on those before it in its list, so that the edits can be applied in order. No server was seen to
    get this right for lists within lists; it is what :func:`gradio_proto.testing.diffing.diff` says.
``nested``
    The same is done again for every list around the element, where that is wrong (Gradio 5.49 and later). Indices
    may be negative. For a list within no other it is the same as ``shifted``.
``whole``
    The value is replaced as a whole, as that of a gr.JSON is from Gradio 4.44 on.
"""

FORMS: Final[tuple[DiffForm, ...]] = get_args(DiffForm)


def diffs(before: Any, after: Any, *, form: DiffForm | None = None) -> SearchStrategy[list[Edit]]:
    """Edits that make ``after`` of ``before``; none of them if both are the same to Python's ``==``.

    >>> from hypothesis import given
    >>> @given(diffs([1, 2, 3], [1], form="original"))
    ... def test_my_client(diff: list[Edit]) -> None:
    ...     assert diff == [["delete", [1], None], ["delete", [2], None]]
    >>> test_my_client()

    Args:
        before: The value that was sent last.
        after: The value to send. The edits share nothing with it.
        form: How the edits are written; any of the forms if it is None.
    """
    return st.sampled_from(FORMS if form is None else (form,)).map(lambda drawn: edits(before, after, drawn))


def edits(before: Any, after: Any, form: DiffForm) -> list[Edit]:
    """The edits themselves."""
    after = copy_json(after)
    match form:
        case "whole":
            return diff_whole(before, after)
        case "shifted":
            return diff(before, after, shifted=True)
        case "original":
            return diff(before, after, shifted=False)
        case _:
            return _shifted_everywhere(diff(before, after, shifted=False))


def _shifted_everywhere(original: list[Edit]) -> list[Edit]:
    """Shift the indices as Gradio 5.49 does: in the element's own list, and in every list around that.

    The server goes over all edits that were made within a list, and subtracts from each delete of a list's element
    how many of those came before; then the list around does so with the same edits.
    """
    seen: Counter[tuple[Any, ...]] = Counter()
    for action, path, _ in original:
        if action != "delete" or not isinstance(path[-1], int):
            continue
        lists = [tuple(path[:depth]) for depth, key in enumerate(path) if isinstance(key, int)]
        path[-1] -= sum(seen[place] for place in lists)
        seen.update(lists)
    return original
