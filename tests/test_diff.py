"""The state of a job's outputs: every form of diff that servers send, malformed ones, and what it costs."""

from __future__ import annotations

import copy
import json
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import operations, sockets, streams, versions

from gradio_proto.diff import OutputState
from gradio_proto.errors import LimitExceeded
from gradio_proto.limits import Limits
from gradio_proto.messages import ProcessCompleted, ProcessGenerating, parse_message
from gradio_proto.sse import ServerSentEvent, SSEDecoder

LIMITS = Limits()

untraced = pytest.mark.skipif(
    sys.gettrace() is not None, reason="CPython 3.11 does not extend strings in place while a tracer looks on"
)


def state(*outputs: Any, limits: Limits = LIMITS) -> OutputState:
    outputs_state = OutputState(limits)
    outputs_state.replace(list(outputs))
    return outputs_state


# Values, the edits between them, and the values after; forms that servers have been seen to send.
CASES: dict[str, tuple[Any, list[Any], Any]] = {
    "unchanged": ({"a": [1]}, [], {"a": [1]}),
    "text grows": ("a ", [["append", [], "b "]], "a b "),
    "text replaced": ("ab", [["replace", [], "b"]], "b"),
    "from null": (None, [["replace", [], "a"]], "a"),
    "to null": ("a", [["replace", [], None]], None),
    "to a list": ("a", [["replace", [], []]], []),
    "tuples of a chat (4.x)": ([["hi", "h"]], [["append", [0, 1], "e"]], [["hi", "he"]]),
    "messages of a chat (6.x)": (
        [{"role": "assistant", "content": [{"text": "h", "type": "text"}]}],
        [["append", [0, "content", 0, "text"], "e"], ["add", [1], {"role": "user", "content": []}]],
        [{"role": "assistant", "content": [{"text": "he", "type": "text"}]}, {"role": "user", "content": []}],
    ),
    "a dict's keys": (
        {"a": 1, "b": 2, "c": {"d": []}},
        [["replace", ["a"], "x"], ["delete", ["b"], None], ["delete", ["c", "d"], None], ["add", ["e"], [1]]],
        {"a": "x", "c": {}, "e": [1]},
    ),
    "a key again": ({"a": 1}, [["add", ["a"], 2]], {"a": 2}),
    "insertion": ([1, 3], [["add", [1], 2], ["add", [0], 0]], [0, 1, 2, 3]),
    "old indices (4.x)": (
        ["a", "b", "c", "d"],
        [["delete", [1], None], ["delete", [2], None], ["delete", [3], None]],
        ["a"],
    ),
    "shifted indices (5.x, 6.x)": (["a", "b", "c", "d"], [["delete", [1], None]] * 3, ["a"]),
    "nested deletes, shifted twice (6.x)": (
        [[1, 2, 3], [1, 2, 3]],
        [
            ["delete", [0, 1], None],
            ["delete", [0, 0], None],
            ["delete", [1, -1], None],
            ["delete", [1, -2], None],
        ],
        [[1], [1]],
    ),
    "nested and outer deletes (4.x)": (
        [[1, 2], ["a"], 5],
        [["delete", [0, 1], None], ["append", [1, 0], "b"], ["delete", [2], None]],
        [[1], ["ab"]],
    ),
    "nested and outer deletes (6.x)": (
        [[1, 2], ["a"], 5],
        [["delete", [0, 1], None], ["append", [1, 0], "b"], ["delete", [1], None]],
        [[1], ["ab"]],
    ),
    "a key deleted in a list that shrinks (6.x)": (
        [{"a": 1, "b": 2}, 3],
        [["delete", [0, "b"], None], ["delete", [1], None]],
        [{"a": 1}],
    ),
    "text grows twice in one message": ("a", [["append", [], "b"], ["append", [], "c"]], "abc"),
    "text that grew is replaced": (["a"], [["append", [0], "b"], ["replace", [0], [1]]], [[1]]),
}


@pytest.mark.parametrize("name", CASES)
def test_edits(name: str) -> None:
    before, edits, after = CASES[name]
    outputs = state("other", before)
    assert outputs.snapshot() == ["other", before]
    assert outputs.apply([[], edits])
    assert outputs.snapshot() == ["other", after]
    assert outputs.broken == frozenset()


def test_a_skipped_output() -> None:
    """``gr.skip()`` and ``gr.update()`` in the first message are whole values; unchanged ones follow."""
    outputs = state({"__type__": "update"}, "a")
    assert outputs.apply([[], [["append", [], "b"]]])
    assert outputs.snapshot() == [{"__type__": "update"}, "ab"]


def test_an_app_that_gains_an_output_while_it_runs() -> None:
    outputs = state("a")
    assert outputs.apply([[], [["replace", [], "new"]], []])
    assert outputs.snapshot() == ["a", "new", None]
    assert outputs.apply([[["append", [], "b"]]])
    assert outputs.snapshot() == ["ab", "new", None]


# Malformed diffs

MALFORMED: list[Any] = [
    None,
    0,
    "append",
    {"append": []},
    [None],
    [[]],
    ["append"],
    [["append", []]],
    [["append", [], "x", "y"]],
    [("append", [], "x")],
    [["append", None, "x"]],
    [["append", "a", "x"]],
    [[None, [], "x"]],
    [[["append"], [], "x"]],
    [["move", [], "x"]],
    [["move", ["a"], "x"]],
    [["append", [], "x"]],  # the output is a dict
    [["append", ["l"], "x"]],
    [["append", ["t"], 1]],
    [["append", ["t"], None]],
    [["append", ["new"], "x"]],
    [["append", ["t", 0], "x"]],
    [["replace", ["new"], "x"]],
    [["replace", [0], "x"]],
    [["replace", [None], "x"]],
    [["replace", [["t"]], "x"]],
    [["replace", ["__class__"], "x"]],
    [["replace", ["t", "__len__"], "x"]],
    [["replace", ["l", 3], "x"]],
    [["replace", ["l", -1], "x"]],
    [["replace", ["l", 10**30], "x"]],
    [["replace", ["l", True], "x"]],
    [["replace", ["l", 0.0], "x"]],
    [["replace", ["l", "0"], "x"]],
    [["replace", ["n", "x"], "x"]],
    [["add", [], "x"]],
    [["add", ["l", 4], "x"]],
    [["add", ["l", -1], "x"]],
    [["add", ["l", False], "x"]],
    [["add", ["l", "x"], "x"]],
    [["add", [1], "x"]],
    [["add", ["t", 0], "x"]],
    [["delete", [], None]],
    [["delete", ["new"], None]],
    [["delete", ["l", True], None]],
    [["delete", ["l", "0"], None]],
    [["delete", ["e", 0], None]],
    [["delete", ["t", 0], None]],
    [["delete", [0], None]],
    [["append", ["t"] * 1_000_000, "x"]],
]


@pytest.mark.parametrize("broken", range(len(MALFORMED)))
def test_a_malformed_diff_breaks_its_output_alone(broken: int) -> None:
    value: Any = {"t": "text", "l": [1, [2], "3"], "e": [], "n": None}
    outputs = state(copy.deepcopy(value), "a")
    assert not outputs.apply([MALFORMED[broken], [["append", [], "b"]]])
    assert outputs.snapshot() == [value, "ab"]
    assert outputs.broken == {0}
    # A diff that would fit cannot be trusted any more; the neighbour's can.
    assert not outputs.apply([[["append", ["t"], "!"]], [["append", [], "c"]]])
    assert outputs.snapshot() == [value, "abc"]
    outputs.replace(["x", "y"])
    assert outputs.broken == frozenset()
    assert outputs.apply([[["append", [], "!"]], []])
    assert outputs.snapshot() == ["x!", "y"]


def test_a_full_value_in_a_diff_repairs_its_output() -> None:
    outputs = state("a", "b")
    assert not outputs.apply([None, None])
    assert not outputs.apply([[["replace", [], ["new"]], ["append", [0], "!"]], [["append", [], "!"]]])
    assert outputs.snapshot() == [["new!"], "b"]
    assert outputs.broken == {1}
    assert not outputs.apply([[], [["replace", [], "x"], ["append", [0], "!"]]])
    assert outputs.broken == {1}
    assert not outputs.apply([[], ["replace"]])
    assert outputs.apply([[["append", [0], "!"]], [["replace", [], "c"]]])
    assert outputs.snapshot() == [["new!!"], "c"]


@pytest.mark.parametrize("texts_have_grown", [False, True])
def test_a_diff_is_applied_whole_or_not_at_all(texts_have_grown: bool) -> None:
    value: Any = {"t": "text", "l": [1, [2], "3"], "d": {"k": 1}}
    outputs = state(value)
    if texts_have_grown:
        outputs.apply([[["append", ["t"], "!"], ["append", ["l", 2], "!"]]])
        value = {"t": "text!", "l": [1, [2], "3!"], "d": {"k": 1}}
    edits: list[Any] = [
        ["append", ["t"], "more"],
        ["append", ["t"], " and more"],
        ["add", ["l", 0], {"x": 1}],
        ["add", ["l", 4], "last"],
        ["append", ["l", 4], "!"],
        ["delete", ["l", 9], None],
        ["append", ["l", 3], "x"],
        ["delete", ["l", 9], None],
        ["replace", ["l", 1], "one"],
        ["append", ["l", 1], "!"],
        ["add", ["d", "new"], []],
        ["add", ["d", "new", 0], 1],
        ["add", ["d", "k"], 2],
        ["delete", ["d", "k"], None],
        ["delete", ["t"], None],
        ["replace", [], "root"],
        ["append", [], "!"],
    ]
    for count in range(1, len(edits) + 1):
        outputs.replace([value])
        if texts_have_grown:
            outputs = state({"t": "text", "l": [1, [2], "3"], "d": {"k": 1}})
            outputs.apply([[["append", ["t"], "!"], ["append", ["l", 2], "!"]]])
        assert not outputs.apply([[*edits[:count], ["move", [], None]]])
        assert outputs.snapshot() == [value]
    outputs.replace([value])
    assert outputs.apply([edits])
    assert outputs.snapshot() == ["root!"]


@untraced
def test_taking_back_many_appends_to_a_long_text_is_linear() -> None:
    def work(edits: int) -> None:
        outputs = state("", "x" * (100 * edits))
        appends: list[Any] = [["append", [], "x" * (200 * edits)], *[["append", [], "x"]] * edits]
        assert not outputs.apply([[], [*appends, None]])
        assert len(outputs.snapshot()[1]) == 100 * edits

    assert seconds(lambda: work(8_000)) < 9 * seconds(lambda: work(2_000)) + 0.02


def test_diffs_before_any_value() -> None:
    outputs = OutputState(LIMITS)
    assert (outputs.is_empty, outputs.snapshot()) == (True, [])
    assert not outputs.apply([None, True, {}])
    assert (outputs.is_empty, outputs.snapshot()) == (False, [None, None, None])


new_values: list[Any] = ["x", "", None, 1, [1, "y"], {"k": "z"}, {"t": []}]
paths = st.lists(st.sampled_from(["t", "l", "d", "k", 0, 1, 2, -1, True, None, 0.0, "x"]), max_size=3)
actions = st.sampled_from(["append", "replace", "add", "delete", "move", None])
wild_edits: st.SearchStrategy[list[Any]] = st.lists(
    st.builds(lambda *edit: list[Any](edit), actions, paths, st.sampled_from(new_values))
    | st.none()
    | st.lists(st.text(max_size=2), max_size=3),
    max_size=6,
)


@given(st.lists(st.tuples(wild_edits, wild_edits), max_size=6))
@settings(max_examples=300)
def test_any_edits_apply_or_leave_the_value(diffs: list[tuple[list[Any], list[Any]]]) -> None:
    outputs = state({"t": "text", "l": ["a", ["b"]], "d": {"k": "v"}}, "text")
    for diff in diffs:
        before, broken = outputs.snapshot(), outputs.broken
        assert outputs.apply(list(copy.deepcopy(diff))) is (not outputs.broken)
        after = outputs.snapshot()
        json.dumps(after)  # nothing but JSON values in it
        for index in outputs.broken:
            assert after[index] == before[index]
        assert broken - outputs.broken <= {
            index
            for index, edits in enumerate(diff)
            if edits and edits[0] and edits[0][:2] == ["replace", []]
        }


# The server's diff, from the rules by which it is seen to work


def server_diff(old: Any, new: Any, shifted: bool) -> list[Any]:
    """The edits from ``old`` to ``new``; with ``shifted``, indices of deletes as 5.49 and later name them."""

    def edits_of(old: Any, new: Any, path: list[Any]) -> Iterator[list[Any]]:
        if old == new:
            return
        if type(old) is not type(new):
            yield ["replace", path, new]
        elif isinstance(old, str) and new.startswith(old):
            yield ["append", path, new[len(old) :]]
        elif isinstance(old, list):
            before, after = len(old), len(new)  # pyright: ignore
            edits = [
                edit
                for index in range(min(before, after))
                for edit in edits_of(old[index], new[index], [*path, index])
            ]
            edits += [["delete", [*path, index], None] for index in range(after, before)]
            edits += [["add", [*path, index], new[index]] for index in range(before, after)]
            deletes = 0
            for action, where, _ in edits:
                if shifted and action == "delete" and isinstance(where[-1], int):
                    where[-1] -= deletes
                    deletes += 1
            yield from edits
        elif isinstance(old, dict):
            for key in cast("dict[str, Any]", old):
                if key in new:
                    yield from edits_of(old[key], new[key], [*path, key])
                else:
                    yield ["delete", [*path, key], None]
            for key in new:
                if key not in old:
                    yield ["add", [*path, key], new[key]]
        else:
            yield ["replace", path, new]

    edits: list[Any] = json.loads(json.dumps(list(edits_of(old, new, []))))
    return edits


values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(0, 1) | st.text("abé😀", max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=10,
)
matrices = st.lists(st.lists(st.lists(st.integers(0, 2), max_size=3), max_size=3), max_size=3)
growing = st.lists(st.text("abé日😀", max_size=6), min_size=2, max_size=8).map(
    lambda pieces: ["".join(pieces[:end]) for end in range(1, len(pieces) + 1)]
)
sequences = st.lists(values, min_size=2, max_size=5) | st.lists(matrices, min_size=2, max_size=5) | growing


@given(sequences, sequences, st.booleans(), st.sets(st.integers(0, 4)))
@settings(max_examples=300)
def test_diffs_of_a_server_lead_to_its_values(
    left: list[Any], right: list[Any], shifted: bool, unseen: set[int]
) -> None:
    outputs = state(left[0], right[0])
    handed_out: list[tuple[list[Any], str]] = []
    for step in range(1, min(len(left), len(right))):
        diff = [
            server_diff(left[step - 1], left[step], shifted),
            server_diff(right[step - 1], right[step], shifted),
        ]
        assert outputs.apply(diff)
        if step not in unseen:
            snapshot = outputs.snapshot()
            assert snapshot == [left[step], right[step]]
            handed_out.append((snapshot, json.dumps(snapshot)))
    for snapshot, text in handed_out:
        assert json.dumps(snapshot) == text


@pytest.mark.parametrize("version", versions())
def test_recorded_generators_end_in_their_completed_value(version: str) -> None:
    finished = 0
    # In two_streams two readers of one session took messages from each other.
    for operation in sorted(set(operations(version)) - {"two_streams"}):
        jobs: dict[str | None, OutputState] = {}
        generating: dict[str | None, int] = {}
        for told in conversations(version, operation):
            if version < "4.1":  # each is one job's, which nothing names
                jobs, generating = {}, {}
            for message in told:
                if isinstance(message, ProcessGenerating) and message.data is not None:
                    outputs = jobs.setdefault(message.event_id, OutputState(LIMITS))
                    # Up to sse_v1, and of every job the first, values are whole.
                    if version < "4.17" or message.event_id not in generating:
                        outputs.replace(message.data)
                    else:
                        assert outputs.apply(message.data)
                    generating[message.event_id] = generating.get(message.event_id, 0) + 1
                elif (
                    isinstance(message, ProcessCompleted)
                    and message.event_id in jobs
                    and message.data is not None
                ):
                    assert jobs[message.event_id].snapshot() == message.data
                    finished += generating[message.event_id] > 1
    assert finished >= (5 if version == "4.0.2" else 10)  # of which less was recorded


def conversations(version: str, operation: str) -> Iterator[Iterable[object]]:
    """The messages of each stream and each WebSocket."""
    for stream in streams(version, operation):
        if "/queue/data?" in stream.target or "/queue/join?" in stream.target:
            yield messages(stream.data)
    for texts in sockets(version, operation):
        yield [parse_message(text, LIMITS) for text in texts]


def messages(stream: bytes) -> Iterator[object]:
    decoder = SSEDecoder(LIMITS)
    decoder.receive_data(stream)
    while isinstance(event := decoder.next_event(), ServerSentEvent):
        yield parse_message(event.data, LIMITS)


# Whose data it is


def scramble(value: Any) -> None:
    """Change everything in a value that can be changed."""
    if isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:  # pyright: ignore
            scramble(item)
        value.clear()


def test_nobody_else_changes_our_values_and_we_change_nobody_elses() -> None:
    first = {"l": [[1], {"k": "v"}], "t": "text"}
    data = [first]
    outputs = OutputState(LIMITS)
    outputs.replace(data)
    diff: Any = [[["replace", ["l", 0], [[2]]], ["add", ["new"], {"x": []}], ["append", ["t"], "!"]]]
    original = copy.deepcopy(diff)
    expected: Any = [{"l": [[[2]], {"k": "v"}], "t": "text!", "new": {"x": []}}]
    assert outputs.apply(diff)
    outputs.apply([[["add", ["new", "x", 0], 1]]])
    outputs.apply([[["delete", ["new", "x", 0], None]]])
    assert first == {"l": [[1], {"k": "v"}], "t": "text"}
    assert diff == original
    scramble(data)
    scramble(diff)
    one, other = outputs.snapshot(), outputs.snapshot()
    assert one == other == expected
    scramble(one)
    assert other == outputs.snapshot() == expected


def test_every_value_of_a_growing_text_stays_as_it_was() -> None:
    outputs = state("")
    handed_out: list[str] = []
    pieces = ["ascii ", "ünï ", "日本 ", "😀 "] * 5
    for piece in pieces:
        outputs.apply([[["append", [], piece]]])
        handed_out.append(outputs.snapshot()[0])
        hash(handed_out[-1])
    assert handed_out == ["".join(pieces[:end]) for end in range(1, len(pieces) + 1)]


# Bounds


def test_edits_are_counted_over_the_whole_message() -> None:
    outputs = state("", "", limits=Limits(diff_edits=5))
    edit: Any = ["append", [], "x"]
    assert outputs.apply([[edit] * 3, [edit] * 2])
    with pytest.raises(LimitExceeded, match="diff_edits"):
        outputs.apply([[edit] * 3, [edit] * 3])
    assert outputs.apply([[], [edit]])
    assert outputs.snapshot() == ["x" * 6, "xxx"]


@pytest.mark.parametrize(("diffs", "is_too_many"), [([7] * 3, False), ([7] * 4, True), ([[]] * 8, True)])
def test_outputs_that_break_or_are_added_count(diffs: list[Any], is_too_many: bool) -> None:
    outputs = state("", "", "", "", limits=Limits(diff_edits=3))
    if is_too_many:
        with pytest.raises(LimitExceeded, match="diff_edits"):
            outputs.apply(diffs)
    else:
        assert not outputs.apply(diffs)
    assert outputs.snapshot() == [""] * 4


def test_insertions_at_the_front_of_a_long_list_count_for_what_they_move() -> None:
    outputs = state([0] * 100_000, limits=Limits(diff_edits=150))
    assert outputs.apply([[["add", [100_000], 1]] * 50])
    with pytest.raises(LimitExceeded, match="diff_edits"):
        outputs.apply([[["add", [0], 1]] * 50])


def test_depth_is_bounded_however_it_came_about() -> None:
    limits = Limits(json_depth=20)
    outputs = state([], limits=limits)
    path: list[int] = []
    for _ in range(9):
        assert outputs.apply([[["add", [*path, 0], [[]]]]])
        path += [0, 0]
    with pytest.raises(LimitExceeded, match="json_depth"):
        outputs.apply([[["add", [*path, 0], [[]]]]])
    deep = json.loads("[" * 20 + "]" * 20)
    assert outputs.apply([[["replace", [], deep]]])
    assert outputs.apply([[["replace", [], []], ["add", [0], deep[0]]]])
    for edit in (["add", [0], deep], ["add", ["k"], deep], ["replace", [], [deep]], ["replace", ["k"], deep]):
        outputs.replace([{"k": 1} if "k" in edit[1] else [1]])
        before = outputs.snapshot()
        with pytest.raises(LimitExceeded, match="json_depth"):
            outputs.apply([[edit]])
        assert outputs.snapshot() == before


def test_a_value_too_deep_for_recursion_can_still_be_handed_out() -> None:
    depth = 20_000
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    outputs = state(value)
    snapshot = outputs.snapshot()
    for _ in range(depth + 1):
        snapshot = snapshot[0]
    assert snapshot == []


GROWTHS: list[tuple[Any, list[Any]]] = [
    ("", ["append", [], "x" * 100]),
    ([], ["add", [0], "x" * 100]),
    ([], ["add", [0], [0] * 100]),
    ({}, ["add", ["k"], {"x" * 100: ["x"]}]),
    (["", {"a": ""}], ["append", [1, "a"], "x" * 100]),
]


@pytest.mark.parametrize(("first", "edit"), GROWTHS)
def test_outputs_may_not_grow_for_ever(first: Any, edit: list[Any]) -> None:
    outputs = state(first, limits=Limits(sse_message_bytes=1000))
    with pytest.raises(LimitExceeded, match="sse_message_bytes"):  # noqa: PT012
        for step in range(1000):
            path = [f"new {step}"] if edit[1] == ["k"] else edit[1]
            outputs.apply([[[edit[0], path, edit[2]]]])
    assert len(json.dumps(outputs.snapshot())) < 5000


@pytest.mark.parametrize(
    "edit", [["replace", [], "x" * 700], ["add", ["k"], ["x" * 700]], ["replace", ["k"], [1] * 300]]
)
def test_outputs_may_be_replaced_for_ever(edit: list[Any]) -> None:
    outputs = state({"k": 1}, "x" * 100, limits=Limits(sse_message_bytes=1000))
    for _ in range(50):
        assert outputs.apply([[edit]])


def test_the_size_is_not_taken_anew_for_every_edit() -> None:
    def work(limit: int) -> None:
        outputs = state({"l": [0] * 50_000, "t": ""}, limits=Limits(sse_message_bytes=limit))
        for _ in range(1000):
            outputs.apply([[["replace", ["t"], "x" * 1000]]])

    assert seconds(lambda: work(100_000)) < 10 * seconds(lambda: work(10**9)) + 0.05


def test_no_value_that_one_message_could_carry_is_too_large() -> None:
    value = json.loads('{"aé": ["xxxxxxxxxx", 1, {"": null}, [], [[]]], "b": true}')
    limits = Limits(sse_message_bytes=len(json.dumps(value, separators=(",", ":"), ensure_ascii=False)))
    outputs = state(None, limits=limits)
    for _ in range(20):
        assert outputs.apply([[["replace", [], value]]])


# Cost


def seconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def grow(tokens: int, first: Any, path: list[Any]) -> list[Any]:
    outputs = state(first)
    diff = [[["append", path, "日" * 1000]]]
    latest: list[Any] = []
    for _ in range(tokens):
        outputs.apply(diff)
        latest = outputs.snapshot()  # held until the next one is here, as a for loop does
    return latest


CHAT = [{"role": "user", "content": [{"text": "", "type": "text"}]}]


@pytest.mark.parametrize(
    ("first", "path"), [("", []), (CHAT, [0, "content", 0, "text"])], ids=["root", "nested"]
)
@untraced
def test_a_growing_text_costs_what_it_grows_by(first: Any, path: list[Any]) -> None:
    """2,400 pieces are 5 MB; copied each time, four times the pieces would take sixteen times as long."""
    assert seconds(lambda: grow(2400, first, path)) < 8 * seconds(lambda: grow(600, first, path)) + 0.02


@untraced
def test_a_growing_text_is_held_twice_at_most() -> None:
    tracemalloc.start()
    try:
        (text,) = grow(1000, "", [])
        size = len(text) * 2  # two bytes a character
        del text
        assert tracemalloc.get_traced_memory()[1] < 3.5 * size
    finally:
        tracemalloc.stop()


def test_an_edit_in_a_large_value_costs_the_edit() -> None:
    def edit(outputs: OutputState) -> None:
        for _ in range(500):
            outputs.apply([[["append", ["t"], "x"], ["add", ["l", len_l], 1], ["delete", ["l", 0], None]]])

    times: list[float] = []
    for len_l in (10, 100_000):
        outputs = state({"t": "", "l": [0] * len_l})
        times.append(seconds(lambda: edit(outputs)))  # noqa: B023
    assert times[1] < 3 * times[0] + 0.02
