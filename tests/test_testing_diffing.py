"""The server's diff: what real servers send, and that applying it gives the new value."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gradio_proto.testing.diffing import diff, diff_whole

scalars = st.none() | st.booleans() | st.integers(-2, 2) | st.text("ab", max_size=3)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("xy", max_size=2), inner, max_size=3),
    max_leaves=12,
)


def apply(value: Any, edits: list[Any]) -> Any:
    """The plainest reader there is: each edit in turn, at the place that it names."""
    box = [copy.deepcopy(value)]
    for action, path, new in copy.deepcopy(edits):
        container: Any = box
        keys = [0, *path]
        for key in keys[:-1]:
            container = container[key]
        key = keys[-1]
        if action == "append":
            container[key] += new
        elif action == "add" and isinstance(container, list):
            container.insert(key, new)
        elif action == "delete":
            del container[key]
        else:
            container[key] = new
    return box[0]


def test_text_grows() -> None:
    assert diff("a ", "a b ") == [["append", [], "b "]]


def test_text_changes() -> None:
    assert diff("ab", "b") == [["replace", [], "b"]]


def test_nothing_changes() -> None:
    assert diff({"a": [1, "x"]}, {"a": [1, "x"]}) == []
    assert diff("same", "same") == []


def test_numbers_compare_as_in_python() -> None:
    assert diff(1, 1.0) == []
    assert diff([1, 0], [True, False]) == []
    assert diff(1, 2) == [["replace", [], 2]]


def test_another_type() -> None:
    assert diff(None, "a") == [["replace", [], "a"]]
    assert diff([1], {"a": 1}) == [["replace", [], {"a": 1}]]


def test_chat_message_grows() -> None:
    old = [{"role": "assistant", "content": [{"text": "H", "type": "text"}]}]
    new = [{"role": "assistant", "content": [{"text": "He", "type": "text"}]}]
    assert diff(old, new) == [["append", [0, "content", 0, "text"], "e"]]


def test_list_shrinks_and_grows_at_its_tail() -> None:
    assert diff([0, 1, 2, 3], [0]) == [["delete", [1], None]] * 3
    assert diff([0], [0, 1, 2]) == [["add", [1], 1], ["add", [2], 2]]


def test_original_indices() -> None:
    edits = diff([0, 1, 2, 3], [0], shifted=False)
    assert edits == [["delete", [1], None], ["delete", [2], None], ["delete", [3], None]]


def test_nested_lists_shrink() -> None:
    """Real servers number these wrongly (-1 and -2)."""
    edits = diff([[1, 2, 3], [1, 2, 3]], [[1], [1]])
    assert edits == [["delete", path, None] for path in ([0, 1], [0, 1], [1, 1], [1, 1])]


def test_dict_keys_come_and_go() -> None:
    edits = diff({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": 4})
    assert edits == [["replace", ["b"], 5], ["delete", ["c"], None], ["add", ["d"], 4]]


def test_whole() -> None:
    assert diff_whole({"a": 1}, {"a": 1}) == []
    assert diff_whole({"a": 1}, {"a": 2}) == [["replace", [], {"a": 2}]]


@given(values, values)
def test_edits_make_the_new_value_of_the_old(old: Any, new: Any) -> None:
    before = copy.deepcopy((old, new))
    edits = diff(old, new)
    assert apply(old, edits) == new
    assert (old, new) == before
    assert (edits == []) == (old == new)


@given(values, values)
def test_edits_are_of_the_four_kinds(old: Any, new: Any) -> None:
    for action, path, value in diff(old, new):
        assert action in ("replace", "append", "add", "delete")
        assert all(isinstance(key, (int, str)) for key in path)
        assert action != "delete" or value is None
